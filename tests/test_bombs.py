"""A hostile model file costs no more than an honest one: memory and time are bounded by its size.

Files are opened in a process of their own, whose memory is limited and whose peak is told.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from handgrad.errors import ModelFileError
from handgrad.models.container import FREE_HEADER, NO_DIGEST
from handgrad.models.file import from_bytes, load_model, save_model, to_bytes
from handgrad.models.model import Model
from handgrad.network import Architecture
from handgrad.params import Params
from handgrad.tables.encode import Encoder
from handgrad.tables.kinds import MISSING_IN_TEXTS, Column
from handgrad.tables.plan import Plan
from test_model_file import a_model, described, header_of, sealed, with_description

MB = 1_000_000
SLACK = 18 * MB  # of which what importing has freed, and may be used again, pays a part
GOLDEN = Path(__file__).parent / "golden" / "version3.safetensors"
LIMIT = 3 << 30  # of a process's addresses: NumPy and Arrow alone reserve one

OPEN = """
import resource, sys
from handgrad.errors import ModelFileError
from handgrad.models.file import load_model

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

load_model(sys.argv[1])  # what loading needs at all
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]),) * 2)
before = peak()
for path in sys.argv[3:]:
    try:
        load_model(path)
        outcome = "loaded"
    except ModelFileError as error:
        outcome = f"refused: {error}"
    print(peak() - before, outcome)
"""
# A process starts with the peak of the one that made it, so a small one stands between.
BETWEEN = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"


def opened(*paths):
    """Open files elsewhere; give the bytes that took at the most up to each, and what came."""
    command = [sys.executable, "-c", OPEN, str(GOLDEN), str(LIMIT), *map(str, paths)]
    done = subprocess.run(
        [sys.executable, "-c", BETWEEN, *command],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = [line.split(" ", 1) for line in done.stdout.splitlines()]
    assert len(told) == len(paths)
    return [(int(peak), outcome) for peak, outcome in told]


# -- headers ------------------------------------------------------------------------------------

N = 1_500_000  # bytes of a bomb, more than a header may have that nothing pays for


def in_header(junk):
    metadata = {"handgrad": "{}", "sha256": NO_DIGEST}
    return '{"__metadata__":' + json.dumps(metadata, separators=(",", ":")) + f',"W1":{junk}}}'


def tensors(n, body=0):
    entry = '"t%07d":{"dtype":"F64","shape":[0],"data_offsets":[%d,%d]}'
    metadata = {"handgrad": "{}", "sha256": NO_DIGEST}
    parts = [entry % (i, body, body) for i in range(n)]
    return '{"__metadata__":' + ",".join(
        [json.dumps(metadata, separators=(",", ":")), *parts]
    ) + "}"  # fmt: skip


JUNK = {
    "lists": lambda n: "[" + "[]," * (n // 3) + "[]]",
    "objects": lambda n: "[" + "{}," * (n // 3) + "{}]",
    "nested": lambda n: "[" * (n // 2) + "]" * (n // 2),
    "keys": lambda n: "{" + ",".join(f'"k{i:07d}":0' for i in range(n // 13)) + "}",
    "spaced keys": lambda n: "{" + ",".join(f'"k{i:07d}" :0' for i in range(n // 14)) + "}",
    "escaped keys": lambda n: "{" + ",".join(f'"\\u006b{i:07d}":0' for i in range(n // 18)) + "}",
    "digits": lambda n: "1" * n,
    "texts": lambda n: "[" + ",".join(f'"{i:05d}"' for i in range(n // 8)) + "]",
    "numbers": lambda n: "[" + "1000," * (n // 5) + "1]",
}


def bomb(where, what, n, n_body):
    """Build a file under a right checksum, with a body that would pay for the header."""
    body = bytes(n_body)
    junk = JUNK[what](n)
    if where == "description":
        text = '{"__metadata__":{"handgrad":%s,"sha256":"%s"},%s}'
        entry = f'"W1":{{"dtype":"F64","shape":[{n_body // 8}],"data_offsets":[0,{n_body}]}}'
        return sealed(
            text % (json.dumps('{"format_version":' + junk + "}"), NO_DIGEST, entry), body
        )
    return sealed(in_header(junk)[:-1] + f',"x":{{"data_offsets":[0,{n_body}]}}}}', body)


@pytest.mark.parametrize("where", ["header", "description"])
def test_many_small_parts_of_json_are_refused_cheaply(where, tmp_path):
    for what in JUNK:
        (tmp_path / what).write_bytes(bomb(where, what, N, 800))
    for peak, outcome in opened(*(tmp_path / what for what in JUNK)):
        assert outcome.startswith("refused")
        assert peak < 2 * N + SLACK


def test_a_header_that_no_tensor_pays_for_is_refused_by_its_length(tmp_path):
    path = tmp_path / "bomb"
    path.write_bytes(sealed(tensors(200_000), b""))
    [(peak, outcome)] = opened(path)
    assert "too large for its tensors" in outcome
    assert peak < MB


def test_many_empty_tensors_are_refused_cheaply(tmp_path):
    paths = [tmp_path / "few", tmp_path / "many"]
    for path, n in zip(paths, [15_000, 150_000], strict=True):
        path.write_bytes(sealed(tensors(n, body=800), bytes(800)))
    for (peak, outcome), path in zip(opened(*paths), paths, strict=True):
        assert outcome.startswith("refused")
        assert peak < 2 * path.stat().st_size + SLACK


def test_a_file_of_another_length_is_refused_unread(tmp_path):
    paths = [tmp_path / f"{name}{i}" for name in ("sparse", "tail") for i in range(3)]
    for path, more in zip(paths, 2 * [1, 3 << 30, 100 << 30], strict=True):
        if path.name.startswith("sparse"):
            path.write_bytes((64).to_bytes(8, "little") + b"{" + b" " * 63)
        else:
            save_model(a_model(), path)
        os.truncate(path, path.stat().st_size + more)
    short = tmp_path / "short"
    short.write_bytes((90_000_000).to_bytes(8, "little") + b"{" + bytes(100))
    told = opened(*paths, short)
    assert all(peak < MB for peak, _ in told)
    assert all("not a handgrad model" in outcome for _, outcome in told[:3])
    assert all("damaged" in outcome for _, outcome in told[3:6])
    assert "cut off" in told[6][1]


# -- labels -------------------------------------------------------------------------------------


def test_one_long_label_does_not_lengthen_the_others(tmp_path):
    labels = [f"l{i}" for i in range(201)]
    content = to_bytes(a_model(np.array(labels)))
    path = tmp_path / "bomb"
    path.write_bytes(described(content, classes__values=["x" * 3_000_000, *labels[1:]]))
    [(peak, outcome)] = opened(path)
    assert outcome == "loaded"
    assert peak < 2 * path.stat().st_size + SLACK


def test_many_labels_are_not_made_as_long_as_the_longest(tmp_path):
    labels = [f"{i:05d}" for i in range(50_000)]
    content = to_bytes(a_model(np.array(labels), hidden=(1,)))
    path = tmp_path / "bomb"
    path.write_bytes(described(content, classes__values=["x" * 999, *labels[1:]]))
    [(peak, outcome)] = opened(path)
    assert outcome == "loaded"
    assert peak < 2 * path.stat().st_size + SLACK


@pytest.mark.parametrize("length", [999, 1000, 1001, 200_000])
def test_honest_long_labels_come_back(length):
    labels = np.array(["a" * length, "猫" * length, "z\0"], dtype=object)
    loaded = from_bytes(to_bytes(a_model(labels)))
    assert loaded.classes.tolist() == labels.tolist()
    padded = labels[:2].astype(str)
    again = from_bytes(to_bytes(a_model(padded)))
    assert again.classes.tolist() == padded.tolist()
    assert (again.classes.dtype == object) == (length > 1000)


# -- wide tables --------------------------------------------------------------------------------


def a_wide_model(columns, levels=(), hidden=()):
    plan = Plan(tuple(columns))
    k = sum(column.kind == "number" for column in columns)
    zeros = np.zeros(k)
    encoder = Encoder(
        plan, zeros, zeros + 1, zeros, zeros > 0, levels, tuple(False for _ in levels)
    )
    units = (encoder.n_inputs, *hidden, 1)
    params = Params.zeros(units, np.float32)
    return Model(encoder, Architecture(units, output="logistic"), params, np.array(["n", "y"]))


WIDE = {
    "numbers": lambda n: a_wide_model([Column(f"x{i}", why="numbers") for i in range(n)]),
    "categories": lambda n: a_wide_model(
        [
            Column(f"x{i}", "category", "2 different texts", MISSING_IN_TEXTS, n_levels=2)
            for i in range(n)
        ],
        (("A", "C"),) * n,
    ),
    "left out": lambda n: a_wide_model(
        [Column("y"), *(Column(f"x{i}", "left out", "1 in all rows") for i in range(n))],
        hidden=(64,),
    ),
    "long levels": lambda n: a_wide_model(
        [Column("text", "category", "texts")],
        (tuple(sorted("猫" * 1000 + str(i) for i in range(n // 50))),),
    ),
    "prose": lambda n: a_wide_model(
        [Column("text", "category", "texts")],
        (tuple(sorted(f'{{"a": "{i}", "b" : [1, 2]}}, said he: "so"' for i in range(n // 8))),),
    ),
}


@pytest.mark.parametrize("what", WIDE)
def test_a_model_of_a_wide_table_is_saved_and_loaded(what, tmp_path):
    model = WIDE[what](40_000)
    save_model(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    assert loaded.encoder.plan == model.encoder.plan
    assert loaded.encoder.levels == model.encoder.levels
    header = int.from_bytes((tmp_path / "model").read_bytes()[:8], "little")
    assert header > FREE_HEADER or what == "prose"  # too long to be read unless weights pay for it


def test_what_could_not_be_loaded_is_not_saved(tmp_path):
    model = a_model(np.array(["a" * 12_000_000, "b"]), hidden=())
    with pytest.raises(ModelFileError, match="names of columns and labels are too long"):
        save_model(model, tmp_path / "model")
    assert os.listdir(tmp_path) == []


# -- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "classes",
    [
        {"dtype": "str", "values": ["n\0", "o", "p"]},
        {"dtype": "float32", "values": [1e-320, 1.0, 2.0]},
        {"dtype": "float32", "values": [0.1, 1.0, 2.0]},
        {"dtype": "float16", "values": [1e-9, 1.0, 2.0]},
        {"dtype": "datetime64[D]", "values": [-(2**63), 1, 2]},
    ],
    ids=str,
)
def test_labels_that_do_not_come_back_as_written_are_refused(classes):
    with pytest.raises(ModelFileError):
        from_bytes(described(classes=classes))


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1e-999", "1" * 5000, "1" * 5000 + ".5"])
def test_a_number_that_nothing_holds_is_refused_wherever_it_stands(number):
    text = json.loads(header_of(to_bytes(a_model()))[0]["__metadata__"]["handgrad"])
    for key in text:
        changed = json.dumps(text | {key: "HERE"}).replace('"HERE"', number)
        with pytest.raises(ModelFileError):
            from_bytes(with_description(changed))


def test_a_label_so_small_that_it_would_become_0_is_refused():
    text = json.loads(header_of(to_bytes(a_model()))[0]["__metadata__"]["handgrad"])
    others = [float(k) for k in range(1, len(text["classes"]["values"]))]
    changed = json.dumps(text | {"classes": {"dtype": "float64", "values": ["HERE", *others]}})
    from_bytes(with_description(changed.replace('"HERE"', "1e-300")))
    with pytest.raises(ModelFileError, match="no float64 holds"):
        from_bytes(with_description(changed.replace('"HERE"', "1e-999")))


@pytest.mark.parametrize("temperature", ["1e-320", "1e-4", "1e4", "1e300"])
def test_a_temperature_that_makes_nan_of_probabilities_is_refused(temperature):
    text = json.loads(header_of(to_bytes(a_model()))[0]["__metadata__"]["handgrad"])
    later = {"format_version": 2, "kind": "labels", "networks": 1, "temperature": "HERE"}
    changed = json.dumps(text | later).replace('"HERE"', temperature)
    with pytest.raises(ModelFileError, match="temperature"):
        from_bytes(with_description(changed))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_finite_weights_whose_scores_are_not_are_neither_loaded_nor_saved(dtype):
    model = a_model(dtype=dtype)
    good = to_bytes(model)
    largest = np.finfo(dtype).max * 0.9
    model.params.W[0][...], model.params.W[1][...] = largest, -largest
    with pytest.raises(ModelFileError, match="scores"):
        to_bytes(model)
    header, body = header_of(good)
    for name in ("W1", "W2"):
        start, stop = header[name]["data_offsets"]
        n = (stop - start) // np.dtype(dtype).itemsize
        body = body[:start] + np.full(n, largest, dtype).tobytes() + body[stop:]
    header["__metadata__"]["sha256"] = NO_DIGEST
    with pytest.raises(ModelFileError, match="overflow"):
        from_bytes(sealed(header, body))


def test_an_unknown_key_of_a_tensor_is_refused():
    header, body = header_of(to_bytes(a_model()))
    header["__metadata__"]["sha256"] = NO_DIGEST
    from_bytes(sealed(header, body))
    header["W1"]["module"] = "os"
    with pytest.raises(ModelFileError, match="W1"):
        from_bytes(sealed(header, body))


def test_a_truth_that_is_neither_true_nor_false_is_refused():
    header, body = header_of(to_bytes(a_model()))
    header["__metadata__"]["sha256"] = NO_DIGEST
    start, _ = header["encoder.indicator"]["data_offsets"]
    with pytest.raises(ModelFileError, match="indicator"):
        from_bytes(sealed(header, body[:start] + b"\2" + body[start + 1 :]))
