"""A model comes back from its file bit for bit, and nothing else comes out of any other file."""

import gzip
import hashlib
import inspect
import io
import json
import os
import pickle
import struct
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from common import encoder_of
from handgrad.errors import ModelFileError
from handgrad.losses import LossSettings
from handgrad.models.container import LONGEST_HEADER, NO_DIGEST
from handgrad.models.file import from_bytes, load_model, save_model, to_bytes
from handgrad.models.model import Model
from handgrad.network import Architecture
from handgrad.params import Params
from handgrad.tables.encode import Encoder
from handgrad.tables.parts import to_parts
from handgrad.tables.table import read_table


def a_model(classes=("a", "b", "c"), hidden=(2,), dtype=np.float64, encoder=None, **architecture):
    rng = np.random.default_rng(0)
    classes = np.array(classes) if isinstance(classes, tuple) else classes
    encoder = encoder or encoder_of(rng.normal(size=(9, 2)))
    output = "logistic" if len(classes) == 2 else "softmax"
    units = (encoder.n_inputs, *hidden, 1 if output == "logistic" else len(classes))
    params = Params.zeros(units, dtype)
    params.flat[...] = rng.normal(size=params.flat.size)
    return Model(encoder, Architecture(units, output=output, **architecture), params, classes)


GOOD = to_bytes(a_model())


# -- building files whose checksum is right ----------------------------------------------------


def header_of(content):
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def sealed(header, body):
    """Put header and body together, with the checksum that fits them."""
    if not isinstance(header, str):
        header = json.dumps(header, separators=(",", ":"))
    text = header.encode()
    content = len(text).to_bytes(8, "little") + text + body
    digest = hashlib.sha256(content).hexdigest()
    return content.replace(f'"sha256":"{NO_DIGEST}"'.encode(), f'"sha256":"{digest}"'.encode(), 1)


def with_description(text, content=GOOD):
    """Replace the JSON text that describes the model."""
    header, body = header_of(content)
    header["__metadata__"] = {"handgrad": text, "sha256": NO_DIGEST}
    return sealed(header, body)


def description_of(content):
    return json.loads(header_of(content)[0]["__metadata__"]["handgrad"])


def described(content=GOOD, **changes):
    """Change entries of the description: architecture__activation="swish"."""
    description = description_of(content)
    for name, value in changes.items():
        *folders, key = name.split("__")
        place = description
        for folder in folders:
            place = place[folder]
        place[key] = value
    return with_description(json.dumps(description), content)


def with_tensors(content=GOOD, **changes):
    """Replace tensors by arrays or by (dtype, shape, bytes), or take them away with None."""
    header, body = header_of(content)
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, stop = entry["data_offsets"]
            tensors[name] = (entry["dtype"], entry["shape"], body[start:stop])
    codes = {"float64": "F64", "float32": "F32", "bool": "BOOL", "int64": "I64", "float16": "F16"}
    for name, value in changes.items():
        name = name.replace("__", ".")
        if isinstance(value, np.ndarray):
            value = (codes[value.dtype.name], list(value.shape), value.tobytes())
        tensors[name] = value
    metadata = header["__metadata__"] | {"sha256": NO_DIGEST}
    header, body = {"__metadata__": metadata}, b""
    for name, value in tensors.items():
        if value is not None:
            dtype, shape, data = value
            stop = len(body) + len(data)
            header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), stop]}
            body += data
    return sealed(header, body)


def tensor(name, content=GOOD):
    return safetensors.numpy.load(content)[name].copy()


def same(a, b):
    return (
        to_parts(a.encoder)[0] == to_parts(b.encoder)[0]
        and all(
            np.array_equal(part, to_parts(b.encoder)[1][name])
            for name, part in to_parts(a.encoder)[1].items()
        )
        and a.architecture == b.architecture
        and a.params.flat.dtype == b.params.flat.dtype
        and a.params.flat.tobytes() == b.params.flat.tobytes()
        and a.classes.dtype == b.classes.dtype
        and a.classes.tolist() == b.classes.tolist()
        and a.target == b.target
    )


def test_the_helpers_themselves_build_valid_files():
    assert same(from_bytes(with_tensors(described())), from_bytes(GOOD))
    assert from_bytes(with_tensors(b1=np.array([7.0, 8.0]))).params["b1"].tolist() == [7, 8]


# -- round trips -------------------------------------------------------------------------------

LABELS = {
    "texts": np.array(["007", "7", "Übung", "猫", "😀", "", 'quote " \\ \n']),
    "half a surrogate": np.array(["a", "b\ud800", "c"]),
    "texts with a trailing NUL": np.array(["a", "a\0", "b"], dtype=object),
    "int64": np.array([-(2**63), 0, 2**63 - 1]),
    "uint64": np.array([0, 1, 2**64 - 1], dtype=np.uint64),
    "int8": np.array([-3, 0, 3], dtype=np.int8),
    "bool": np.array([False, True]),
    "float": np.array([-1.5, 0.1, 1e300]),
    "float32": np.array([0.1, 0.2, 3], dtype=np.float32),
    "days": np.array(["1969-12-31", "2020-02-29", "2024-01-01"], dtype="datetime64[D]"),
    "nanoseconds": np.array([0, 1, 2**62], dtype="datetime64[ns]"),
    "one class": np.array(["only"]),
    "two texts": np.array(["no", "yes"]),
}


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_model_comes_back_bit_for_bit(labels, dtype, tmp_path):
    model = a_model(LABELS[labels], dtype=dtype)
    save_model(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    assert same(model, loaded)
    x = np.random.default_rng(1).normal(size=(20, 2))
    assert np.array_equal(model.predict_log_proba(x), loaded.predict_log_proba(x))
    assert model.predict(x).tolist() == loaded.predict(x).tolist()


@pytest.mark.parametrize("hidden", [(), (3,), (4, 1, 5)])
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity", "gelu"])
def test_every_architecture_comes_back(hidden, activation):
    model = a_model(hidden=hidden, activation=activation)
    assert same(model, from_bytes(to_bytes(model)))


def test_categories_and_missing_cells_come_back():
    table = read_table(files("handgrad") / "data" / "penguins.csv").drop_columns("species")
    model = a_model(encoder=encoder_of(table))
    assert None in [level for levels in model.encoder.levels for level in levels]
    assert model.encoder.indicator.any()
    loaded = from_bytes(to_bytes(model))
    assert same(model, loaded)
    assert np.array_equal(model.scores(table), loaded.scores(table))


def test_an_encoder_that_changes_nothing_comes_back():
    model = a_model(encoder=Encoder.identity(3, ["b", "a", "c"]))
    loaded = from_bytes(to_bytes(model))
    assert loaded.encoder.is_identity
    assert loaded.encoder.names == ("b", "a", "c")


def test_the_column_of_the_labels_comes_back():
    model = a_model()
    named = Model(model.encoder, model.architecture, model.params, model.classes, 'sp"écies')
    assert from_bytes(to_bytes(named)).target == 'sp"écies'
    assert from_bytes(GOOD).target is None


def test_names_that_look_like_the_checksum_do_no_harm():
    trap = f'"sha256":"{NO_DIGEST}"'
    encoder = Encoder.identity(2, [trap, "\\" + trap])
    model = a_model((trap, "\\" + trap, trap + '\\"'), encoder=encoder)
    assert same(model, from_bytes(to_bytes(model)))


def test_statistics_that_are_views_come_back(rng):
    table = pa.table({"a": rng.normal(size=9), "b": rng.normal(size=9) + 5})
    encoder = encoder_of(table)
    apart = np.repeat(encoder.median, 2)[::2]
    model = a_model(encoder=replace(encoder, median=apart))
    assert from_bytes(to_bytes(model)).encoder.median.tolist() == encoder.median.tolist()


def test_zeros_keep_their_sign():
    model = a_model()
    model.params.flat[:2] = [-0.0, 5e-324]
    assert same(model, from_bytes(to_bytes(model)))


def test_equal_models_give_equal_bytes():
    assert {to_bytes(a_model()) for _ in range(40)} == {GOOD}
    assert {to_bytes(from_bytes(GOOD)) for _ in range(40)} == {GOOD}


def test_any_program_that_reads_safetensors_reads_the_tensors():
    model = a_model()
    tensors = safetensors.numpy.load(GOOD)
    encoder = {f"encoder.{name}" for name in ("mean", "scale", "median", "indicator")}
    assert set(tensors) == {"W1", "b1", "W2", "b2"} | encoder
    for name, value in model.params.named():
        assert np.array_equal(tensors[name], value)


def test_a_file_holds_no_pickle():
    for opcode in (b"\x80\x04", b"\x80\x05", b"numpy.core", b"__reduce__"):
        assert opcode not in GOOD


def test_a_million_columns_can_be_saved_and_read():
    n = 2**20  # what scikit-learn's HashingVectorizer gives
    model = a_model(np.array([0, 1]), (), np.float32, Encoder.identity(n))
    assert same(model, from_bytes(to_bytes(model)))


@pytest.mark.parametrize(
    "classes",
    [
        np.array([5, 10**30], dtype=object),
        np.array([-1, 2**64 - 1], dtype=object),
        np.array([0, 1], dtype="datetime64[10D]"),
        np.array([0.0, np.inf]),
        np.array([0, 1], dtype=np.longdouble),
        np.array([b"a", b"b"]),
    ],
    ids=["huge", "mixed sizes", "ten days", "infinity", "long double", "bytes"],
)
def test_labels_that_a_file_cannot_hold_are_refused_when_saving(classes):
    try:
        content = to_bytes(a_model(classes))
    except ModelFileError:
        return
    assert from_bytes(content).classes.tolist() == classes.tolist()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_model_that_is_not_finite_is_not_saved(bad, tmp_path):
    path = tmp_path / "model"
    save_model(a_model(), path)
    before = path.read_bytes()
    diverged = a_model()
    diverged.params.W[1][0, 1] = bad
    with pytest.raises(ModelFileError, match="not finite"):
        save_model(diverged, path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model"]


# -- damage ------------------------------------------------------------------------------------


def test_every_flipped_bit_is_noticed():
    assert len(GOOD) < 4096
    accepted = []
    for position in range(8 * len(GOOD)):
        damaged = bytearray(GOOD)
        damaged[position // 8] ^= 1 << position % 8
        try:
            from_bytes(bytes(damaged))
            accepted.append(position)
        except ModelFileError:
            pass
    assert accepted == []


def test_every_truncation_is_noticed():
    for length in range(len(GOOD)):
        with pytest.raises(ModelFileError):
            from_bytes(GOOD[:length])


@pytest.mark.parametrize(
    "appended", [b"\0", b"\n", bytes(1 << 20), GOOD, b"PK\x05\x06" + bytes(18)]
)
def test_appended_bytes_are_noticed(appended):
    with pytest.raises(ModelFileError):
        from_bytes(GOOD + appended)


def test_appended_bytes_under_a_right_checksum_are_noticed():
    header, body = header_of(with_tensors())
    header["__metadata__"]["sha256"] = NO_DIGEST
    with pytest.raises(ModelFileError):
        from_bytes(sealed(header, body + b"PK\x05\x06" + bytes(18)))


def test_swapped_blocks_are_noticed():
    with pytest.raises(ModelFileError, match="damaged"):
        from_bytes(GOOD[:-16] + GOOD[-8:] + GOOD[-16:-8])


def test_the_message_names_the_file_and_what_to_do(tmp_path):
    path = tmp_path / "species.model"
    path.write_bytes(GOOD[:-1] + bytes([GOOD[-1] ^ 1]))
    with pytest.raises(ModelFileError, match=r"species\.model.*damaged.*another copy"):
        load_model(path)


# -- other files -------------------------------------------------------------------------------


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (self.path,))


def npz():
    file = io.BytesIO()
    np.savez(file, a=np.zeros(3))
    return file.getvalue()


def parquet():
    file = io.BytesIO()
    pq.write_table(pa.table({"a": [1, 2]}), file)
    return file.getvalue()


def some_pickle():
    return pickle.dumps({"W1": np.zeros(3)})


FOREIGN = {
    "a pickle": (some_pickle, "pickle"),
    "npz": (npz, "zip archive"),
    "hdf5": (lambda: b"\x89HDF\r\n\x1a\n" + bytes(500), "HDF5"),
    "parquet": (parquet, "Parquet"),
    "gzip": (lambda: gzip.compress(GOOD), "gzip"),
    "png": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(100), "picture"),
    "elf": (lambda: b"\x7fELF" + bytes(100), "program"),
    "npy": (lambda: b"\x93NUMPY\x01\x00v\x00{'descr'" + bytes(100), "not a handgrad model"),
    "text": (lambda: b"species,island\nAdelie,Dream\n", "not a handgrad model"),
    "json": (lambda: b'{"handgrad": 1}', "not a handgrad model"),
    "nothing": (bytes, "not a handgrad model"),
    "zeros": (lambda: bytes(1000), "not a handgrad model"),
    "safetensors": (lambda: safetensors.numpy.save({"W1": np.zeros(3)}), "not a handgrad model"),
    "safetensors with other metadata": (
        lambda: safetensors.numpy.save({"W1": np.zeros(3)}, {"format": "pt"}),
        "not a handgrad model",
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_another_kind_of_file_is_refused_by_name(name, tmp_path):
    content, what = FOREIGN[name]
    path = tmp_path / "model"
    path.write_bytes(content())
    with pytest.raises(ModelFileError, match=what):
        load_model(path)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_not_executed(protocol, tmp_path):
    canary, path = tmp_path / "canary", tmp_path / "model"
    path.write_bytes(pickle.dumps(Payload(str(canary)), protocol))
    with pytest.raises(ModelFileError):
        load_model(path)
    assert not canary.exists()
    pickle.loads(path.read_bytes())  # it would have been
    assert canary.exists()


def test_there_is_no_unsafe_way_to_load():
    assert list(inspect.signature(load_model).parameters) == ["path"]


AUDIT = """
import os, sys
from handgrad.errors import ModelFileError
from handgrad.models.file import load_model
good, *hostile = sys.argv[1:]
load_model(good)
events = []
sys.addaudithook(lambda event, args: events.append((event, args)))
load_model(good)
for path in hostile:
    try:
        load_model(path)
        print("accepted", path)
    except ModelFileError:
        pass
seen = list(events)
for event, args in seen:
    if event != "open" or args[0] not in sys.argv:
        print(event, args)
"""


def test_loading_runs_nothing_and_opens_nothing_but_the_file(tmp_path):
    files = {
        "good": GOOD,
        "pickle": pickle.dumps(Payload("x")),
        "activation": described(architecture__activation="os.system"),
        "output": described(architecture__output="__import__('os').getcwd()"),
        "names": described(encoder__names=["../../etc/passwd", "/dev/zero"], classes=[]),
        "dtype": described(classes__dtype="object.__class__"),
        "version": described(format_version="__import__('os')"),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    arguments = [sys.executable, "-c", AUDIT, *(str(tmp_path / name) for name in files)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


# -- hostile headers ---------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 1, len(GOOD) - 7, 2**31, 2**63, 2**64 - 1])
def test_a_wrong_header_length_is_refused_unread(length):
    with pytest.raises(ModelFileError):
        from_bytes(struct.pack("<Q", length) + GOOD[8:])


def test_a_header_beyond_the_limit_is_refused_unread():
    text = b'{"__metadata__":{}}'.ljust(LONGEST_HEADER + 1)
    with pytest.raises(ModelFileError, match="too large"):
        from_bytes(len(text).to_bytes(8, "little") + text)


@pytest.mark.parametrize("depth", [200, 900, 3000, 100_000, 1_000_000])
def test_deep_json_is_refused_wherever_it_stands(depth):
    deep = "[" * depth + "]" * depth
    with pytest.raises(ModelFileError):
        from_bytes(sealed('{"__metadata__":' + deep + "}", b""))
    text = header_of(GOOD)[0]["__metadata__"]["handgrad"]
    for key in ("format_version", "target", "activation", "output", "identity", "dtype"):
        before, after = text.split(f'"{key}":', 1)
        rest = after[min(after.find(sign) for sign in ",}" if sign in after) :]
        with pytest.raises(ModelFileError):
            from_bytes(with_description(f'{before}"{key}":{deep}{rest}'))


def test_a_header_of_many_keys_is_refused():
    header = json.dumps({f"k{i}": 0 for i in range(100_000)})
    with pytest.raises(ModelFileError):
        from_bytes(sealed(header, b""))


def header_text():
    header, body = header_of(GOOD)
    header["__metadata__"]["sha256"] = NO_DIGEST
    return json.dumps(header, separators=(",", ":")), body


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('{"__metadata__"', ' {"__metadata__"'),  # a space before it
        ('{"__metadata__"', '{"W1":{},"__metadata__"'),  # a key twice
        ('"sha256":"', '"sha256":"0","sha256":"'),
        ('"shape":[2,2]', '"shape":[2,NaN]'),
        ('"shape":[2,2]', '"shape":[2,2.0]'),
        ('"shape":[2,2]', '"shape":[2,true]'),
        ('"shape":[2,2]', '"shape":[2,"2"]'),
        ('"shape":[2,2]', '"shape":[-2,-2]'),
        ('"shape":[2,2]', '"shape":[0,2]'),
        ('"shape":[2,2]', '"shape":[4]'),
        ('"shape":[2,2]', '"shape":[1,4]'),
        ('"shape":[2,2]', '"shape":[9223372036854775808,2]'),
        ('"shape":[2,2]', '"shape":[4294967296,4294967296]'),
        ('"shape":[2,2]', '"shape":[18446744073709551615,18446744073709551615]'),
        ('"shape":[2,2]', '"shape":[' + "1" * 5000 + "]"),
        ('"dtype":"F64"', '"dtype":"V8"'),
        ('"dtype":"F64"', '"dtype":"O"'),
        ('"dtype":"F64"', '"dtype":"C64"'),
        ('"dtype":"F64"', '"dtype":"I64"'),
        ('"dtype":"F64"', '"dtype":"U64"'),
        ('"W1"', '"../../W1"'),
        ('"W1"', '"W01"'),
        ('"W1"', '"W3"'),
        ('"W1"', '"encoder.W1"'),
        ('"W1"', '"\\ud800"'),
        ('"encoder.mean"', '"mean"'),
        ('"handgrad":"', '"format":"pt","handgrad":"'),
        ('"handgrad":"', '"handgrad":5,"other":"'),
        ('"handgrad":"', '"handgrad":"x'),
        ('"handgrad":"{', '"handgrad":"[{'),
        ('"handgrad":"{', '"handgrad":"\\ufeff{'),
    ],
)
def test_a_header_that_is_not_as_we_write_it_is_refused(old, new):
    text, body = header_text()
    assert old in text
    with pytest.raises(ModelFileError):
        from_bytes(sealed(text.replace(old, new), body))


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "0" * 63,
        "F" * 64,
        "\\ud800",
    ],
)
def test_a_strange_checksum_is_refused(digest):
    text, body = header_text()
    with pytest.raises(ModelFileError):
        from_bytes(sealed(text.replace(NO_DIGEST, digest), body))


@pytest.mark.parametrize("digest", ["5", "null", "[]", "{}", "1e999"])
def test_a_checksum_that_is_no_text_is_refused(digest):
    text, body = header_text()
    with pytest.raises(ModelFileError):
        from_bytes(sealed(text.replace(f'"{NO_DIGEST}"', digest), body))


def test_invalid_utf8_is_refused():
    text, body = header_text()
    damaged = text.encode().replace(b"relu", b"re\xff\xfe")
    with pytest.raises(ModelFileError):
        from_bytes(len(damaged).to_bytes(8, "little") + damaged + body)


def test_holes_and_overlaps_between_tensors_are_refused():
    header, body = header_of(with_tensors())
    header["__metadata__"]["sha256"] = NO_DIGEST
    header["W1"]["data_offsets"], header["W2"]["data_offsets"] = [
        header["W1"]["data_offsets"],
        [8, 8 + 6 * 8],
    ]
    with pytest.raises(ModelFileError):
        from_bytes(sealed(header, body))


# -- descriptions that do not fit --------------------------------------------------------------


def test_a_newer_format_asks_for_an_upgrade():
    with pytest.raises(ModelFileError, match=r"version is 6; .*versions 1 to 5.*Upgrade"):
        from_bytes(described(format_version=6))


@pytest.mark.parametrize("version", [0, -1, None, "1", [1], 10**400])
def test_a_strange_format_version_is_refused(version):
    with pytest.raises(ModelFileError, match="version"):
        from_bytes(described(format_version=version))


@pytest.mark.parametrize(
    "changes",
    [
        {"architecture__activation": "swish"},
        {"architecture__activation": "os.system"},
        {"architecture__activation": ""},
        {"architecture__activation": ["relu"]},
        {"architecture__activation": None},
        {"architecture__output": "logistic"},
        {"architecture__output": "identity"},
        {"architecture__output": {}},
        {"architecture__layer_units": [2, 3, 3]},
        {"architecture__layer_units": [2, 2, 2]},
        {"architecture__layer_units": [3, 2, 3]},
        {"architecture__layer_units": [2, 0, 3]},
        {"architecture__layer_units": [2, -2, 3]},
        {"architecture__layer_units": [2, 2.0, 3]},
        {"architecture__layer_units": [2, True, 3]},
        {"architecture__layer_units": [2, "2", 3]},
        {"architecture__layer_units": [2, 2**63, 3]},
        {"architecture__layer_units": [2, 10**4000, 3]},
        {"architecture__layer_units": [2] * 100_000},
        {"architecture__layer_units": [2]},
        {"architecture__layer_units": []},
        {"architecture__layer_units": "223"},
        {"architecture__layer_units": None},
        {"architecture__module": "os"},
        {"architecture": []},
        {"architecture": None},
        {"module": "handgrad.models.model"},
        {"target": 5},
        {"target": ["a"]},
        {"classes": []},
        {"classes": None},
        {"classes__values": []},
        {"classes__values": ["a", "b"]},
        {"classes__values": ["a", "b", "c", "d"]},
        {"classes__values": ["a", "b", "b"]},
        {"classes__values": ["a", "b", 3]},
        {"classes__values": ["a", "b", None]},
        {"classes__values": ["a", ["b"], "c"]},
        {"classes__values": "abc"},
        {"classes__values": ["a", "b", "a\0"]},
        {"classes__dtype": "int64"},
        {"classes__dtype": "<U1"},
        {"classes__dtype": "V8"},
        {"classes__dtype": "complex128"},
        {"classes__dtype": "i8,f8"},
        {"classes__dtype": None},
        {"classes__dtype": ["str"]},
        {"classes__extra": 1},
        {"classes": {"dtype": "int64", "values": [2, 3, True]}},
        {"classes": {"dtype": "int64", "values": [1, 2, 3.0]}},
        {"classes": {"dtype": "int64", "values": [1, 2, 2**70]}},
        {"classes": {"dtype": "uint8", "values": [1, 2, 300]}},
        {"classes": {"dtype": "uint8", "values": [1, 2, -1]}},
        {"classes": {"dtype": "float64", "values": [1, 2.0, 3.0]}},
        {"classes": {"dtype": "bool", "values": [False, True, True]}},
        {"classes": {"dtype": "datetime64[zz]", "values": [1, 2, 3]}},
        {"classes": {"dtype": "datetime64[D]", "values": [1, 2, 2**70]}},
        {"encoder": {}},
        {"encoder": None},
        {"encoder": []},
        {"encoder__names": ["x0"]},
        {"encoder__names": ["x0", "x0"]},
        {"encoder__names": ["x0", "x1", "x2"]},
        {"encoder__names": ["x0", 1]},
        {"encoder__names": "ab"},
        {"encoder__names": ["x0", "\ud800"]},
        {"encoder__names": None},
        {"encoder__numeric": [True]},
        {"encoder__numeric": [True, False]},
        {"encoder__numeric": [1, 1]},
        {"encoder__levels": [["a"]]},
        {"encoder__levels": None},
        {"encoder__identity": 1},
        {"encoder__extra": 1},
    ],
    ids=lambda changes: "-".join(f"{key}={str(value)[:30]}" for key, value in changes.items()),
)
def test_a_description_that_does_not_fit_is_refused(changes):
    with pytest.raises(ModelFileError):
        from_bytes(described(**changes))


@pytest.mark.parametrize("one", [True, 1.0, "1", [1]])
def test_units_are_whole_numbers_and_nothing_like_them(one):
    content = to_bytes(a_model(hidden=(1,)))
    with pytest.raises(ModelFileError):
        from_bytes(described(content, architecture__layer_units=[2, one, 3]))


@pytest.mark.parametrize("key", ["architecture", "classes", "encoder", "target", "format_version"])
def test_a_description_that_lacks_a_part_is_refused(key):
    description = description_of(GOOD)
    del description[key]
    with pytest.raises(ModelFileError):
        from_bytes(with_description(json.dumps(description)))


@pytest.mark.parametrize(
    "text",
    ["", "null", "5", "[]", "{}", '"x"', "{" * 10, '{"format_version":1,"format_version":1}'],
)
def test_a_description_that_is_no_object_is_refused(text):
    with pytest.raises(ModelFileError):
        from_bytes(with_description(text))


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity"])
def test_json_has_no_literals_for_what_is_not_finite(literal):
    content = to_bytes(a_model(np.array([0.5, 1.5, 2.5])))
    text = json.dumps(description_of(content)).replace("2.5", literal)
    with pytest.raises(ModelFileError, match="is not a JSON number"):
        from_bytes(with_description(text, content))


def test_numbers_that_are_not_finite_are_no_labels():
    content = to_bytes(a_model(np.array([0.5, 1.5, 2.5])))
    text = json.dumps(description_of(content)).replace("2.5", "1e999")
    with pytest.raises(ModelFileError):
        from_bytes(with_description(text, content))
    with pytest.raises(ModelFileError):
        from_bytes(described(content, classes={"dtype": "float32", "values": [0.5, 1.5, 1e300]}))


def test_settings_of_the_loss_come_back_and_the_usual_ones_are_not_written():
    settings = LossSettings(label_smoothing=0.1, delta=2.0, quantiles=(0.1, 0.9))
    model = a_model(loss=settings)
    assert from_bytes(to_bytes(model)).architecture == model.architecture
    assert "loss" not in description_of(GOOD)["architecture"]


@pytest.mark.parametrize(
    "loss",
    [
        None,
        {},
        {"label_smoothing": 0.1},
        {"label_smoothing": 0.0, "delta": 1.0, "quantiles": [0.5]},
        {"label_smoothing": 2.0, "delta": 1.0, "quantiles": [0.5]},
        {"label_smoothing": "0.1", "delta": 1.0, "quantiles": [0.5]},
        {"label_smoothing": 0.1, "delta": True, "quantiles": [0.5]},
        {"label_smoothing": 0.1, "delta": 1.0, "quantiles": 0.5},
        {"label_smoothing": 0.1, "delta": 1.0, "quantiles": []},
        {"label_smoothing": 0.1, "delta": 1.0, "quantiles": [0.5], "module": "os"},
    ],
)
def test_settings_of_the_loss_that_cannot_be_are_refused(loss):
    with pytest.raises(ModelFileError):
        from_bytes(described(architecture__loss=loss))


def test_an_activation_for_each_layer_comes_back():
    model = a_model(hidden=(2, 3), activation=("tanh", "mish"))
    assert from_bytes(to_bytes(model)).architecture == model.architecture
    assert description_of(to_bytes(model))["architecture"]["activation"] == ["tanh", "mish"]


def test_an_unknown_activation_is_answered_with_the_known_ones():
    with pytest.raises(ModelFileError, match=r"identity.*logistic.*relu.*tanh.*'swish'"):
        from_bytes(described(architecture__activation="swish"))


@pytest.mark.parametrize(
    "changes",
    [
        {"architecture__activation": "x" * 100_000},
        {"architecture__output": "x" * 100_000},
        {"architecture__layer_units": [0] * 100_000},
        {"classes__dtype": "x" * 100_000},
        {"format_version": "x" * 100_000},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_messages_stay_short(changes):
    with pytest.raises(ModelFileError) as caught:
        from_bytes(described(**changes))
    assert len(str(caught.value)) <= 400


# -- networks of different sizes ---------------------------------------------------------------


def two_sizes(hidden=(3,)):
    """A model of two networks, the second with other hidden layers."""
    model = a_model()
    units = (model.params.layer_units[0], *hidden, model.params.layer_units[-1])
    other = Params.zeros(units)
    other.flat[...] = np.random.default_rng(1).normal(size=other.flat.size)
    return replace(model, members=(other,))


@pytest.mark.parametrize("hidden", [(3,), (4, 3), ()])
def test_networks_of_different_sizes_come_back(hidden):
    model = two_sizes(hidden)
    content = to_bytes(model)
    found = from_bytes(content)
    assert description_of(content)["format_version"] == 4
    assert [n.layer_units for n in found.networks] == [n.layer_units for n in model.networks]
    x = np.random.default_rng(2).normal(size=(7, 2))
    other = model.members[0]
    alone = [model, replace(model, params=other, architecture=model.architecture_of(other))]
    mean = np.mean([replace(one, members=()).predict_proba(x) for one in alone], axis=0)
    np.testing.assert_allclose(found.predict_proba(x), mean, rtol=1e-12)
    assert np.array_equal(found.predict_proba(x), model.predict_proba(x))


@pytest.mark.parametrize(
    "networks",
    [
        [],
        [[2, 2, 3]],
        [[2, 2, 3], [2, 2, 3]],  # equal sizes are a count
        [[2, 3, 3], [2, 2, 3]],  # the first is the model's
        [[2, 2, 3], [3, 3, 3]],
        [[2, 2, 3], [2, 3, 2]],
        [[2, 2, 3], [2, 4, 3]],
        [[2, 2, 3], [2, 3, 3], [2, 4, 3]],
        [[2, 2, 3], [2, 3.0, 3]],
        [[2, 2, 3], [2, -3, 3]],
        [[2, 2, 3], [3]],
        [[2, 2, 3], "233"],
        [[2, 2, 3], [2, 10**30, 3]],
        [[2, 2, 3], None],
        "2",
        1.0,
        True,
        0,
        -1,
        2**70,
        None,
    ],
    ids=str,
)
def test_networks_that_do_not_fit_are_refused(networks):
    with pytest.raises(ModelFileError):
        from_bytes(described(to_bytes(two_sizes()), networks=networks))


def test_shares_of_networks_come_back_and_weigh_them():
    model = replace(two_sizes(), shares=(0.25, 0.75))
    content = to_bytes(model)
    found = from_bytes(content)
    assert found.shares == (0.25, 0.75)
    assert description_of(content)["format_version"] == 4
    x = np.random.default_rng(2).normal(size=(7, 2))
    other = model.members[0]
    first = replace(model, members=(), shares=()).predict_proba(x)
    second = replace(
        model, params=other, architecture=model.architecture_of(other), members=(), shares=()
    ).predict_proba(x)
    np.testing.assert_allclose(found.predict_proba(x), 0.25 * first + 0.75 * second, rtol=1e-12)
    assert np.array_equal(found.predictor()(x[0]), found.predict_proba(x[:1])[0])


@pytest.mark.parametrize(
    "shares",
    [
        [],
        [1.0],
        [0.5, 0.5],
        [1e-60, 1.0],
        [0.5, 0.6],
        [1.0, 0.0],
        [1.5, -0.5],
        [0.5, "0.5"],
        [1, 0],
        None,
        0.5,
        [0.3] * 3,
    ],
    ids=str,
)
def test_shares_that_do_not_fit_are_refused(shares):
    with pytest.raises(ModelFileError):
        from_bytes(described(to_bytes(two_sizes()), shares=shares))


def test_networks_of_different_sizes_need_version_4():
    content = to_bytes(two_sizes())
    for version in (1, 2, 3):
        with pytest.raises(ModelFileError):
            from_bytes(described(content, format_version=version))


def test_two_classes_need_one_output():
    content = to_bytes(a_model(np.array([0, 1])))
    for labels in ([0], [0, 1, 2]):
        with pytest.raises(ModelFileError, match="do not fit"):
            from_bytes(described(content, classes__values=labels))
    with pytest.raises(ModelFileError, match="do not fit"):
        from_bytes(described(content, architecture__output="softmax"))


# -- tensors that do not fit -------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["W1", "b1", "W2", "b2", "encoder.mean", "encoder.scale"])
def test_a_number_that_is_not_finite_is_refused_by_name(name, bad):
    value = tensor(name)
    value.flat[0] = bad
    with pytest.raises(ModelFileError, match=f"{name.removeprefix('encoder.')}.*finite"):
        from_bytes(with_tensors(**{name.replace(".", "__"): value}))


@pytest.mark.parametrize(
    "changes",
    [
        {"W1": np.zeros((2, 2), np.float32)},  # the others are float64
        {"W1": np.zeros((2, 2), np.float16)},
        {"W1": np.zeros((2, 2), np.int64)},
        {"W1": np.zeros((2, 2), bool)},
        {"W1": ("BF16", [2, 2], bytes(8))},
        {"W1": ("F8_E4M3", [2, 2], bytes(4))},
        {"W1": ("U8", [2, 2], bytes(4))},
        {"W1": np.zeros(4)},
        {"W1": np.zeros((2, 2, 1))},
        {"W1": np.zeros((2, 3))},
        {"W1": np.zeros((0, 2))},
        {"W1": np.zeros((2, 3)), "b1": np.zeros(0)},
        {"W1": np.zeros((3, 3)), "W2": np.zeros(1)},
        {"W1": None},
        {"b2": None},
        {"W3": np.zeros((3, 3))},
        {"extra": np.zeros(0)},
        {"encoder__extra": np.zeros(0)},
        {"encoder__mean": None},
        {"encoder__mean": np.zeros(3)},
        {"encoder__mean": np.zeros(1)},
        {"encoder__mean": np.zeros((2, 1))},
        {"encoder__mean": np.zeros(2, np.float32)},
        {"encoder__scale": np.array([1.0, 0])},
        {"encoder__scale": np.array([1.0, -1])},
        {"encoder__median": np.array([0.0, np.nan])},
        {"encoder__indicator": np.zeros(2)},
        {"encoder__indicator": np.ones(2, bool)},  # the network would need two inputs more
    ],
    ids=str,
)
def test_tensors_that_do_not_fit_are_refused(changes):
    with pytest.raises(ModelFileError):
        from_bytes(with_tensors(**changes))


def test_big_words_and_few_bytes_are_refused_before_memory_is_taken():
    with pytest.raises(ModelFileError, match="the file holds"):
        from_bytes(described(architecture__layer_units=[2, 10**12, 3]))


# -- anything at all ---------------------------------------------------------------------------

LIKE = {  # what may stand where a value of this type stood
    int: st.integers(-3, 5) | st.sampled_from([2**31, 2**63, 2**64, -(2**63) - 1, 10**400]),
    float: st.sampled_from([1e999, 1e-320, -0.0, 0.0, 1.5, 1e39, 1e308]),
    str: st.sampled_from(["relu", "softmax", "str", "int64", "uint8", "datetime64[ns]", "float16"])
    | st.sampled_from(["", "a", "x0", "a\0", "\ud800"])
    | st.text(max_size=3),
    bool: st.booleans(),
    type(None): st.none(),
}

json_values = st.recursive(
    st.one_of(*LIKE.values()),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=6,
)


def places(value, path=()):
    """List every place in a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, key))
        else:
            yield (*path, key)


def mutate(draw, value):
    """Change, take away or repeat something, anywhere in a JSON value."""
    # first a part, so that short ones get their turn
    within = draw(st.sampled_from(sorted(set(value) - {"format_version"})))
    paths = [path for path in places(value) if path[:1] == (within,)]
    path = draw(st.sampled_from(paths))
    for key in path[:-1]:
        value = value[key]
    how = draw(st.sampled_from(["like", "like", "like", "anything", "remove", "copy"]))
    if how == "like":
        value[path[-1]] = draw(LIKE.get(type(value[path[-1]]), json_values))
    elif how == "anything":
        value[path[-1]] = draw(json_values)
    elif how == "copy" and isinstance(value, list):
        value.append(value[path[-1]])
    else:
        del value[path[-1]]


MODELS = [
    GOOD,
    to_bytes(a_model(np.array([0, 1]), (), np.float32)),
    to_bytes(
        a_model(
            np.array([1.5, 2.5, 3.5]),
            encoder=encoder_of(pa.table({"a": ["x", "y", None], "b": [1.0, None, 3.0]})),
        )
    ),
    to_bytes(a_model(np.array([1, 2, 3], dtype="datetime64[D]"))),
]


@st.composite
def hostile(draw):
    """Mutate description and header of a good file, and put the right checksum on it."""
    content = draw(st.sampled_from(MODELS))
    description, (header, body) = description_of(content), header_of(content)
    for _ in range(draw(st.integers(0, 3))):
        if set(description) - {"format_version"}:
            mutate(draw, description)
    text = json.dumps(description).replace("Infinity", "1e999")
    header["__metadata__"] = {"handgrad": text, "sha256": NO_DIGEST}
    tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 1, 2]))):
        mutate(draw, tensors)
    body = bytearray(body)
    for _ in range(draw(st.sampled_from([0, 0, 1]))):
        position = draw(st.integers(0, len(body) - 8))
        body[position : position + 8] = draw(st.binary(min_size=8, max_size=8))
    return sealed({"__metadata__": header["__metadata__"], **tensors}, bytes(body))


@settings(max_examples=600)
@given(hostile())
def test_a_hostile_file_gives_a_model_that_works_or_one_kind_of_error(content):
    try:
        model = from_bytes(content)
    except ModelFileError:
        return
    assert np.isfinite(model.params.flat).all()
    assert from_bytes(to_bytes(model)).classes.tolist() == model.classes.tolist()


@settings(max_examples=500)
@given(st.binary(max_size=300), st.integers(0, len(GOOD)), st.integers(0, len(GOOD)))
def test_no_bytes_cause_another_kind_of_error(junk, start, stop):
    for content in (junk, GOOD[:start] + junk + GOOD[stop:]):
        if content != GOOD:
            with pytest.raises(ModelFileError):
                from_bytes(content)


# -- paths -------------------------------------------------------------------------------------


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_model(tmp_path / "nowhere")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match="not a regular file"):
        load_model(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_fifo_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match="not a regular file"):
        load_model(tmp_path / "pipe")


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="this system has no /dev/zero")
def test_an_endless_device_is_refused():
    with pytest.raises(ModelFileError, match="not a regular file"):
        load_model("/dev/zero")


def test_a_link_to_nothing_is_an_os_error(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "link")


def test_a_link_to_a_model_is_followed_when_loading(tmp_path):
    save_model(a_model(), tmp_path / "model")
    (tmp_path / "link").symlink_to("model")
    assert same(load_model(tmp_path / "link"), a_model())


def test_impossible_names_are_refused(tmp_path):
    with pytest.raises(OSError, match="name"):
        load_model(tmp_path / ("x" * 300))
    with pytest.raises((OSError, ValueError)):
        load_model("a\0b")


def test_saving_over_a_model_replaces_it(tmp_path):
    save_model(a_model(np.array([1, 2])), tmp_path / "model")
    save_model(a_model(), tmp_path / "model")
    assert same(load_model(tmp_path / "model"), a_model())
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize("temperature", ["1e999", "0.0", "-1.0", "1"])
def test_a_temperature_is_a_finite_number(temperature):
    later = {"format_version": 2, "kind": "labels", "networks": 1}
    text = json.dumps(description_of(GOOD) | later)[:-1]
    with pytest.raises(ModelFileError, match=r"temperature|no float64 holds the number 1e999"):
        from_bytes(with_description(f'{text}, "temperature": {temperature}}}'))
