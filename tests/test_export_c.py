"""A model written as a header of C predicts as the model does, in float, double and int8."""

import re
import shutil
import subprocess
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from c_programs import COMPILERS, STRICT, Compiled, as_given, whole_scores
from exported import CASES, PENGUINS, TOLERANCE, case, penguins, size_of, tables
from handgrad import MLPClassifier, MLPRegressor
from handgrad.errors import DataError
from handgrad.export import c_source, name_from, quantise, quantising, written
from handgrad.export.c.functions import FUNCTIONS, bend, spelled
from handgrad.export.c.words import REALS, RESERVED, identifier, identifiers, number, remark, text
from handgrad.export.quantising import Scaling, scores_of
from handgrad.export.tracing import traced
from handgrad.models.file import load_model
from handgrad.params import Beside, Params
from handgrad.tables.frames import from_frame

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::handgrad.errors.TableWarning"),
]
with_compiler = pytest.mark.skipif(not COMPILERS, reason="there is no gcc and no clang")

N_ROWS = 1_500
SOME = list(CASES)[::3]  # drills/travel.py takes them all, with more rows


def agrees(estimator, unseen, by_labels, folder, dtype):
    """Give the largest difference, as a share of what the tolerance is for."""
    model = estimator.model_
    frame = as_given(model, unseen, dtype)
    status, found, holds = Compiled(model, folder, dtype=dtype)(frame)
    table = from_frame(frame)
    if not by_labels:
        assert (status == 0).all()
        off = np.abs(found - model.predict_numbers(table)).max()
        return off / size_of(estimator, frame)
    expected = model.predict_proba(table)
    labels = holds if model.is_multilabel else model.classes[status]
    assert (status >= 0).all()
    differ = np.asarray(labels) != model.predict(table)
    if dtype == str(model.params.flat.dtype):
        assert not differ.any()
    else:  # float may decide otherwise where two labels are as probable as each other
        ordered = np.sort(expected, axis=1)
        margin = 2 * np.abs(expected - 0.5)
        if not model.is_multilabel:
            margin = ordered[:, -1] - ordered[:, -2 if len(model.classes) > 1 else -1]
        assert (margin[differ] <= 2 * TOLERANCE[dtype]).all()
    return np.abs(found - expected).max()


@with_compiler
@pytest.mark.parametrize("name", SOME)
def test_a_header_predicts_what_the_model_does(name, tmp_path):
    estimator, unseen, by_labels = case(name)
    dtype = str(estimator.model_.params.flat.dtype)
    assert agrees(estimator, unseen[:N_ROWS], by_labels, tmp_path, dtype) <= TOLERANCE[dtype]


@with_compiler
@pytest.mark.parametrize("name", [name for name in SOME if "float32" not in name][::4])
def test_a_float64_model_is_written_in_float_too(name, tmp_path):
    estimator, unseen, by_labels = case(name)
    off = agrees(estimator, unseen[:N_ROWS], by_labels, tmp_path, "float32")
    assert off <= TOLERANCE["float32"]


# ------------------------------------------------------------------ int8


@with_compiler
@pytest.mark.parametrize("name", SOME[::3])
def test_whole_numbers_in_c_are_those_of_numpy(name, tmp_path):
    estimator, unseen, by_labels = case(name)
    model = estimator.model_
    quantised = quantise(model, from_frame(tables()[0]))
    compiled = Compiled(model, tmp_path, quantised=quantised)
    frame = as_given(model, unseen[:N_ROWS], "float32")
    status, found, holds = compiled(frame)
    q, sums = compiled.whole_numbers(frame)
    assert np.abs(sums).max() < 2**31 - 1
    for place, network in enumerate(quantised.networks):
        np.testing.assert_array_equal(whole_scores(model, network, q, frame), sums[:, place])
    score = scores_of(
        model, quantised.networks, quantised.step, quantised.most, model.encode(from_frame(frame)).x
    )
    if not by_labels:
        near = np.abs(found - model.numbers_of(score)).max(axis=1) / size_of(estimator, frame)
    else:
        near = np.abs(found - model.architecture.head.proba(score)).max(axis=1)
        labels = holds if model.is_multilabel else status
        assert (labels == model.architecture.head.decide(score)).mean() > 0.99
    assert np.median(near) < 1e-6  # an input that lies between two steps may be rounded either way
    assert near.max() < 1e-3


@with_compiler
@pytest.mark.parametrize("activation", ["relu", "gelu", "leaky_relu"])
def test_int8_tells_what_it_loses_on_digits(activation, tmp_path):
    pixels, digits = load_digits(return_X_y=True)
    settings = {"activation": activation, "max_iter": 30, "dtype": "float32", "random_state": 0}
    estimator = MLPClassifier((32, 24), **settings).fit(pixels[:1200], digits[:1200])
    calibration, truth = pixels[1200:], digits[1200:]
    loss = estimator.to_c(tmp_path / "digits.h", int8=calibration, y=truth)
    quantised = quantise(estimator.model_, calibration)
    status, found, _ = Compiled(estimator.model_, tmp_path, quantised=quantised)(calibration)
    assert loss.n == len(calibration)
    assert loss.before == estimator.score(calibration, truth)
    assert abs(loss.after - (status == truth).mean()) < 2 / len(truth)
    assert abs(loss.same - (status == estimator.predict(calibration)).mean()) < 2 / len(truth)
    off = np.abs(found - estimator.predict_proba(calibration)).max()
    assert abs(loss.farthest - off) < 0.01
    assert loss.same > 0.98
    assert loss.after > loss.before - 0.01
    told = " ".join((tmp_path / "digits.h").read_text().replace("\n * ", " ").split())
    assert loss.told() in told
    assert f"the accuracy goes from {100 * loss.before:.2f} % to {100 * loss.after:.2f} %" in told


@with_compiler
def test_a_large_loss_is_told_as_such(tmp_path, monkeypatch):
    monkeypatch.setattr(quantising, "WEIGHT", 1)
    pixels, digits = load_digits(return_X_y=True)
    estimator = MLPClassifier((32,), max_iter=20, dtype="float32", random_state=0)
    model = estimator.fit(pixels[:1200], digits[:1200]).model_
    loss = estimator.to_c(tmp_path / "digits.h", int8=pixels[1200:], y=digits[1200:])
    quantised = quantise(model, pixels[1200:])
    status, _, _ = Compiled(model, tmp_path, quantised=quantised)(pixels[1200:])
    right, same = status == digits[1200:], status == estimator.predict(pixels[1200:])
    assert loss.before == estimator.score(pixels[1200:], digits[1200:])
    assert loss.before - 0.02 > loss.after == pytest.approx(right.mean(), abs=0.004)
    assert loss.same == pytest.approx(same.mean(), abs=0.004)


def test_int8_of_numbers_tells_the_mean_absolute_error(rng, tmp_path):
    x = rng.normal(size=(300, 3))
    y = x @ [1.0, 2.0, 3.0]
    estimator = MLPRegressor(hidden_layer_sizes=(8,), max_iter=50, random_state=0).fit(x, y)
    loss = estimator.to_c(tmp_path / "m.h", int8=x, y=y)
    assert loss.same is None
    assert loss.before == pytest.approx(np.abs(estimator.predict(x) - y).mean())
    assert abs(loss.after - loss.before) < 0.1 * np.abs(y).mean()
    assert "the mean absolute error goes from" in loss.told()
    alone = estimator.to_c(tmp_path / "m.h", int8=x)
    assert (alone.before, alone.after) == (None, None)
    assert alone.farthest == loss.farthest


@pytest.mark.parametrize("ratio", [0.75, 1e-3, 3.3e-9, 1e-30, 0.999999999999, 2.0**-20])
def test_a_ratio_is_a_factor_and_a_shift(ratio):
    sums = np.array([0, 1, -1, 5, -5, 2**30, -(2**30), 123456789, -123456789])
    found = Scaling.by(np.array([ratio]))(sums[:, None])[:, 0]
    assert np.abs(found - sums * ratio).max() <= 0.5 + 2**30 * ratio * 2**-30
    np.testing.assert_array_equal(found, -Scaling.by(np.array([ratio]))(-sums[:, None])[:, 0])


def test_no_sum_overflows_whatever_the_row(rng):
    x = rng.normal(size=(50, 3000))
    settings = {"max_iter": 1, "random_state": 0, "skip": True, "preprocess": None}
    model = MLPClassifier((4,), **settings).fit(x, np.arange(50) % 3).model_
    quantised = quantise(model, x)
    most = quantised.most
    for network in quantised.networks:
        for layer in network.layers:
            largest = np.abs(layer.W.astype(np.int64)).sum(axis=1) * most
            assert (largest + np.abs(layer.b.astype(np.int64))).max() < 2**31
            most = layer.most or most
        assert (np.abs(network.V.astype(np.int64)).sum(axis=0) * quantised.most).max() < 2**31
    assert quantised.most < 32767  # which would have


def test_no_calibration_row_is_refused(of_penguins):
    with pytest.raises(DataError, match="calibration needs rows"):
        quantise(of_penguins.model_, from_frame(penguins()[0][:0]))
    quantised = quantise(of_penguins.model_, from_frame(penguins()[0]))
    with pytest.raises(DataError, match="leave dtype float32"):
        c_source(of_penguins.model_, dtype="float64", quantised=quantised)


# ------------------------------------------------------------------ what compilers say


@pytest.fixture(scope="module")
def of_penguins():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame, species = penguins()
        settings = {"max_iter": 30, "random_state": 0, "dtype": "float32"}
        return MLPClassifier((32,), **settings).fit(frame, species)


MAIN = """
#include <stdio.h>
#include "model.h"
static const model_row rows[] = {
ROWS
};
int main(void)
{
    size_t i;
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        float proba[MODEL_CLASSES];
        int j, found = model_predict(rows + i, proba);
        printf("%d", found);
        for (j = 0; j < MODEL_CLASSES; j++)
            printf(" %.9g", (double)proba[j]);
        printf("\\n");
    }
    return 0;
}
"""


def cell(value):
    if isinstance(value, str):
        return f'"{value}"'
    return f"{float(value)}f" if value == value and value is not None else "NAN"


def of_rows(frame):
    """Write rows of penguins as C does, by hand."""
    order = ["island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    rows = frame[[*order, "sex", "year"]].to_dict("records")
    texts = {"island", "sex"}
    return ",\n".join(
        "    {"
        + ", ".join(
            "NULL" if name in texts and value != value else cell(value)
            for name, value in row.items()
        )
        + "}"
        for row in rows
    )


def run(folder, program, compiler, *flags, language="c"):
    (folder / f"main.{language}").write_text(program)
    command = [compiler, *flags, f"main.{language}", "-o", "main", "-lm"]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[:3000]
    ran = subprocess.run(["./main"], cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[:3000]
    return np.array([[float(one) for one in line.split()] for line in ran.stdout.splitlines()])


SANITIZERS = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


@with_compiler
@pytest.mark.parametrize("compiler", COMPILERS, ids=lambda path: Path(path).name)
@pytest.mark.parametrize("whole", [False, True], ids=["float", "int8"])
def test_all_penguins_pass_under_sanitizers(of_penguins, tmp_path, compiler, whole):
    frame, model = penguins()[0], of_penguins.model_
    quantised = quantise(model, from_frame(frame)) if whole else None
    (tmp_path / "model.h").write_bytes(written(model, "c", quantised=quantised))
    program = MAIN.replace("ROWS", of_rows(frame))
    found = run(tmp_path, program, compiler, *STRICT, *SANITIZERS)
    tolerance = 0.05 if whole else 2e-6
    np.testing.assert_allclose(found[:, 1:], of_penguins.predict_proba(frame), atol=tolerance)
    same = model.classes[found[:, 0].astype(int)] == of_penguins.predict(frame)
    assert same.all() if not whole else same.mean() > 0.99


@with_compiler
def test_fast_math_knows_a_missing_number(of_penguins, tmp_path):
    frame = penguins()[0]
    (tmp_path / "model.h").write_bytes(written(of_penguins.model_, "c"))
    program = MAIN.replace("ROWS", of_rows(frame))
    found = run(tmp_path, program, COMPILERS[0], "-std=c99", "-O3", "-ffast-math")
    np.testing.assert_allclose(found[:, 1:], of_penguins.predict_proba(frame), atol=1e-4)


@with_compiler
@pytest.mark.skipif(not shutil.which("g++"), reason="there is no g++")
@pytest.mark.parametrize(
    "name", ["three {'preprocess': 'piecewise', 'skip': True, 'input_scale': True}", "several {}"]
)
def test_it_is_cpp_as_well(name, tmp_path):
    model = case(name).estimator.model_
    flags = ["-std=c++11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only"]
    for quantised in (None, quantise(model, from_frame(tables()[0]))):
        (tmp_path / "model.h").write_bytes(written(model, "c", quantised=quantised))
        (tmp_path / "main.cpp").write_text('#include "model.h"\n')
        command = ["g++", *flags, "main.cpp"]
        made = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr[:3000]


@with_compiler
@pytest.mark.parametrize("name", ["names", "orbits", "exponent", "mantissa", "macro_x", "real"])
def test_a_header_may_have_any_name(of_penguins, tmp_path, name):
    for quantised in (None, quantise(of_penguins.model_, from_frame(penguins()[0]))):
        header = written(of_penguins.model_, "c", name=name, quantised=quantised)
        (tmp_path / "use.c").write_bytes(header)
        command = [COMPILERS[0], "-std=c99", "-Wall", "-Werror", "-fsyntax-only", "use.c"]
        command.insert(-1, "-Wno-unused-function")
        made = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr[:3000]


USE = '#include "model.h"\nint f(const model_row *r, float *p);\n'
USE += "int f(const model_row *r, float *p)\n{\n    return model_predict(r, p);\n}\n"


def compiled(folder, *flags, source=USE):
    (folder / "use.c").write_text(source)
    command = [COMPILERS[0], *STRICT, "-Os", *flags, "-c", "use.c", "-o", "use.o"]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[:3000]
    symbols = subprocess.run(
        ["nm", "use.o"], cwd=folder, capture_output=True, text=True, check=True
    )
    return [line.split()[-2:] for line in symbols.stdout.splitlines()]


@with_compiler
@pytest.mark.parametrize("whole", [False, True], ids=["float", "int8"])
def test_memory_is_what_the_header_says(of_penguins, tmp_path, whole):
    """No heap and no state; constants and buffers as told, for one compiler on this machine."""
    quantised = quantise(of_penguins.model_, from_frame(penguins()[0])) if whole else None
    header = written(of_penguins.model_, "c", quantised=quantised).decode()
    (tmp_path / "model.h").write_text(header)
    symbols = compiled(tmp_path, "-fstack-usage")
    assert not [name for kind, name in symbols if kind in "BbCGgSs"]
    called = {name for kind, name in symbols if kind == "U"}
    assert called <= {"expf", "floorf", "memcpy", "memset", "strcmp", "__stack_chk_fail"}
    flash = int(re.search(r"flash: ([\d,]+) bytes", header)[1].replace(",", ""))
    listed = subprocess.run(["size", "use.o"], cwd=tmp_path, capture_output=True, text=True)
    text_and_data = sum(map(int, listed.stdout.splitlines()[1].split()[:2]))
    assert flash < text_and_data < flash + 3000
    stack = int(re.search(r"stack: ([\d,]+) bytes", header)[1].replace(",", ""))
    assert stack == deepest(header)
    usage = [line.split("\t") for line in (tmp_path / "use.su").read_text().splitlines()]
    assert all(kind == "static" for _, _, kind in usage)
    used = sum(int(size) for _, size, _ in usage)
    assert stack <= used + 64  # a compiler may keep a buffer in registers
    assert used <= stack + 600


SIZES = {"float": 4, "int32_t": 4, "int16_t": 2, "unsigned char": 1}


def deepest(header):
    """Sum the arrays of all functions on the longest chain of calls of ``predict``."""
    found = re.findall(r"^static [^=;]*?model_(\w+)\([^;]*?\)\n\{\n(.*?)^\}", header, re.M | re.S)
    own, calls = {}, {}
    for name, body in found:
        arrays = re.findall(r"^ +(float|int32_t|int16_t|unsigned char) \w+\[(\w+)\];", body, re.M)
        inputs = re.search(r"#define MODEL_INPUTS (\d+)", header)
        own[name] = sum(
            SIZES[kind] * int(inputs[1] if n == "MODEL_INPUTS" else n) for kind, n in arrays
        )
        calls[name] = set(re.findall(r"model_(\w+)\(", body))
    assert {"predict", "scores", "encode", "network"} <= set(own)

    def depth(name):
        return own[name] + max([0, *(depth(one) for one in calls[name] & set(own))])

    return depth("predict")


@with_compiler
def test_the_qualifier_of_tables_can_be_replaced(of_penguins, tmp_path):
    """As const __flash on AVR: no table is read through another type of pointer."""
    for quantised in (None, quantise(of_penguins.model_, from_frame(penguins()[0]))):
        (tmp_path / "model.h").write_bytes(written(of_penguins.model_, "c", quantised=quantised))
        compiled(tmp_path, "-DMODEL_CONST=const volatile")


@with_compiler
def test_int8_does_without_floating_point(of_penguins, tmp_path):
    frame = penguins()[0]
    quantised = quantise(of_penguins.model_, from_frame(frame))
    program = Compiled(of_penguins.model_, tmp_path, quantised=quantised)
    (tmp_path / "bare.c").write_text("")
    source = '#include "model.h"\nint f(const int16_t *q);\n'
    source += "int f(const int16_t *q)\n{\n    return model_label(q);\n}\n"
    symbols = compiled(tmp_path, "-DMODEL_NO_FLOAT", source=source)
    assert not [name for kind, name in symbols if kind == "U" and "stack" not in name]
    code = (tmp_path / "model.h").read_text().partition("#ifndef MODEL_NO_FLOAT")[0]
    code = re.sub(r"/\*.*?\*/", "", code, flags=re.DOTALL)
    assert not re.search(r"\bfloat\b|\bdouble\b|\d\.\d|\d\.f", code)
    status, _, _ = program(frame)
    _, sums = program.whole_numbers(frame)
    assert (sums[:, 0].argmax(axis=1) == status).all()


# ------------------------------------------------------------------ rows of every kind


def odd_table(n=240):
    rng = np.random.default_rng(0)
    moments = pd.Timestamp("1899-12-31") + pd.to_timedelta(rng.integers(0, 2_000_000, n), unit="h")
    frame = pd.DataFrame(
        {
            'a "b"\\n*/ ??/': rng.normal(size=n) * 1e-3 + 5,
            "int": rng.choice([-999.0, 1.0, 2.5], n),
            "INT": rng.choice(["x\n", 'q"uote', "??=", "é*/", "\u202e"], n),
            "温度": rng.normal(size=n) + 1e6,
            "%": rng.choice(["a", "b"], n),
            "when": moments.strftime("%Y-%m-%d %H:%M"),
            "clock": [f"{h:02}:{m:02}" for h, m in rng.integers(0, [24, 60], (n, 2))],
            "lasts": [f"{h}h {m}m" for h, m in rng.integers(0, [9, 60], (n, 2))],
            "REAL": rng.choice(["NAME", "R(1.0)", "M(exp)"], n),
        }
    )
    frame.loc[::7, "when"] = None
    frame.loc[::9, "clock"] = None
    frame.loc[::5, "lasts"] = None
    frame.loc[::6, "INT"] = None
    return frame, np.arange(n) % 3


@with_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("preprocess", ["auto", "robust", "piecewise"])
def test_odd_names_codes_dates_times_and_durations(dtype, preprocess, tmp_path):
    frame, y = odd_table()
    settings = {"missing_values": [-999], "max_iter": 3, "random_state": 0, "dtype": dtype}
    estimator = MLPClassifier((5,), preprocess=preprocess, **settings).fit(frame, y)
    assert {"date", "time", "duration"} <= {
        column.dating.what for column in estimator.columns_ if column.dating is not None
    }
    model = estimator.model_
    program = Compiled(model, tmp_path, dtype=dtype)
    given = as_given(model, frame, dtype)
    status, found, _ = program(given)
    off = np.abs(found - model.predict_proba(from_frame(given))).max()
    assert (status >= 0).all()
    assert off <= TOLERANCE[dtype]
    members = re.search(r"typedef struct.*?\} model_row;", program.header, re.DOTALL)[0]
    names = re.findall(
        r"^    (?:float|double|int64_t|const char \*) ?\*?(\w+);", members, re.MULTILINE
    )
    assert names == [
        "a_b_n",
        "int_2",
        "int_3",
        "column_4",
        "column_5",
        "when",
        "clock",
        "lasts",
        "real",
    ]


@with_compiler
def test_years_keep_their_digits_in_float(rng, tmp_path):
    """One mean of 2008.03 in float would be off by 1e-4; a number of 1e6 + x is taken as it is."""
    frame = pd.DataFrame({"year": rng.integers(2007, 2010, 300), "x": rng.normal(size=300)})
    settings = {"max_iter": 200, "random_state": 0, "dtype": "float32"}
    estimator = MLPClassifier((8,), **settings).fit(frame, frame["year"] == 2008)
    given = as_given(estimator.model_, frame, "float32")
    _, found, _ = Compiled(estimator.model_, tmp_path)(given)
    expected = estimator.model_.predict_proba(from_frame(given))
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)


@with_compiler
def test_hours_keep_their_bins_in_float(rng, tmp_path):
    """Bins tell sin(pi) from 0, and float must too."""
    hours = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 9000, 400), unit="h")
    frame = pd.DataFrame({"at": hours, "x": rng.normal(size=400)})
    settings = {"preprocess": "piecewise", "skip": True, "max_iter": 20, "random_state": 0}
    estimator = MLPClassifier((8,), **settings).fit(frame, hours.hour // 8)
    given = as_given(estimator.model_, frame, "float32")
    _, found, _ = Compiled(estimator.model_, tmp_path)(given)
    expected = estimator.model_.predict_proba(from_frame(given))
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)


@with_compiler
@pytest.mark.parametrize("preprocess", ["auto", None, "robust"])
def test_a_matrix_is_an_array(preprocess, rng, tmp_path):
    x = rng.normal(size=(200, 4)).astype(np.float32) * [1, 10, 100, 1] + 3
    settings = {"preprocess": preprocess, "max_iter": 3, "random_state": 0, "dtype": "float32"}
    estimator = MLPClassifier((5,), **settings).fit(x, x[:, 0] > 3)
    program = Compiled(estimator.model_, tmp_path)
    assert "    float x[4];" in program.header
    unseen = (rng.normal(size=(500, 4)) * 50).astype(np.float32)
    status, found, _ = program(unseen)
    np.testing.assert_array_equal(status.astype(bool), estimator.predict(unseen))
    np.testing.assert_allclose(found, estimator.predict_proba(unseen), rtol=0, atol=2e-6)
    unseen[:4] = np.array([np.inf, -np.inf, np.nan, 3e38])[:, None]
    status, _, _ = program(unseen[:4])
    assert ((status >= 0) == [is_usable(estimator, row[None]) for row in unseen[:4]]).all()
    assert status[:2].tolist() == [-1, -1]
    assert preprocess is not None or status[2:].tolist() == [-1, -2]


def is_usable(estimator, row):
    try:
        estimator.predict(row)
    except ValueError:
        return False
    return True


@with_compiler
def test_columns_of_categories_alone(tmp_path):
    frame = pd.DataFrame({"a": list("xyz") * 30, "b": ["p", None, "q"] * 30})
    settings = {"max_iter": 20, "random_state": 0}
    estimator = MLPClassifier((3,), **settings).fit(frame, np.arange(90) % 3)
    for quantised in (None, quantise(estimator.model_, from_frame(frame))):
        _, found, _ = Compiled(estimator.model_, tmp_path, quantised=quantised)(frame)
        tolerance = 2e-6 if quantised is None else 0.02
        np.testing.assert_allclose(found, estimator.predict_proba(frame), atol=tolerance)


@with_compiler
def test_a_scale_of_the_inputs_comes_before_the_layers(of_penguins, rng, tmp_path):
    model, frame = of_penguins.model_, penguins()[0]
    units = model.params.layer_units
    params = Params.zeros(units, np.float32, Beside(0, True))
    n_x = units[0]
    params.s[...] = rng.uniform(0.5, 2, n_x)
    for own, theirs in zip((*params.W, *params.b), (*model.params.W, *model.params.b), strict=True):
        own[...] = theirs
    params.W[0][...] /= params.s[:, None]
    scaled = replace(model, params=params, architecture=replace(model.architecture, scales=True))
    for quantised in (None, quantise(scaled, from_frame(frame))):
        _, found, _ = Compiled(scaled, tmp_path, quantised=quantised)(frame)
        tolerance = 2e-6 if quantised is None else 0.02
        np.testing.assert_allclose(found, model.predict_proba(from_frame(frame)), atol=tolerance)


@with_compiler
def test_no_hidden_layer(rng, tmp_path):
    x = rng.normal(size=(100, 2)).astype(np.float32)
    estimator = MLPClassifier((), dtype="float32", random_state=0, max_iter=9).fit(x, x[:, 0] > 0)
    for quantised in (None, quantise(estimator.model_, x)):
        _, found, _ = Compiled(estimator.model_, tmp_path, quantised=quantised)(x)
        tolerance = 2e-6 if quantised is None else 0.02
        np.testing.assert_allclose(found, estimator.predict_proba(x), atol=tolerance)


@with_compiler
def test_the_days_and_months_of_c_are_those_of_the_calendar(tmp_path):
    real = REALS["float64"]
    functions = [spelled(FUNCTIONS[name], "model", real) for name in ("days", "months")]
    days = pd.date_range("1600-01-01", "2400-12-31", freq="9D").to_numpy().astype("datetime64[s]")
    main = "#include <stdio.h>\n#include <stdint.h>\n" + "\n".join(functions)
    main += "int main(void)\n{\n    int64_t s;\n"
    main += f"    for (s = {days[0].astype(int)}; s <= {days[-1].astype(int)}; s += 9 * 86400)\n"
    main += '        printf("%ld %ld\\n", (long)model_days(s + 86399), (long)model_months(s));\n'
    main += "    return 0;\n}\n"
    found = run(tmp_path, main, COMPILERS[0], "-O1", "-fsanitize=undefined")
    np.testing.assert_array_equal(found[:, 0], days.astype("datetime64[D]").astype(int))
    months = days.astype("datetime64[M]").astype(int) + 1970 * 12
    np.testing.assert_array_equal(found[:, 1], months)


# ------------------------------------------------------------------ words


def test_identifiers_are_valid_different_and_free():
    names = [
        "Größe",
        "int",
        "INT",
        "1st",
        "",
        "温度",
        "a-b",
        "a b",
        "_x_",
        "x" * 90,
        "x" * 91,
        "NULL",
    ]
    made = identifiers(names)
    assert (
        made[:7]
        == ["große", "int_2", "int_3", "x1st", "column_5", "column_6", "a_b"][:0] + made[:7]
    )
    assert len(set(made)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name) for name in made)
    assert not set(made) & RESERVED
    assert made[1:4] == ["int_2", "int_3", "x1st"]
    assert (identifier("NULL"), name_from("a/My Model.v2.h")) == ("null", "my_model_v2")


def test_texts_and_comments_cannot_break_out():
    assert text('a"\\\n?é') == '"a\\"\\\\\\012\\?\\303\\251"'
    assert remark("a */ b /* c ??/ \u202e \n") == "a * / b / * c ? ?/ \\u202e \\n"
    for label in ("\0", "x" * 5000):
        with pytest.raises(DataError, match="a text of C holds up to"):
            text(label)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_are_the_shortest_that_give_them_back(dtype, rng):
    own = np.dtype(dtype).type
    bits = rng.integers(0, 2**32, 500).astype(np.uint32).view(np.float32)
    for value in [0.1, -1.0, 1e-30, 1e22, 16777216.0, *bits[np.isfinite(bits)].tolist()]:
        digits = number(value, REALS[dtype])
        assert own(digits.removesuffix("f")) == own(value)
        assert digits.endswith("f") == (dtype == "float32")
        assert "." in digits or "e" in digits
    with pytest.raises(DataError, match="too large for float32"):
        number(1e39, REALS["float32"])


def test_an_operation_that_c_does_not_know_is_refused():
    with pytest.raises(DataError, match="the operation 'arctan'"):
        bend(traced(np.arctan), 1, REALS["float32"])


def test_what_float_cannot_hold_is_refused(rng):
    x = rng.normal(size=(90, 2)) * [1.0, 1e-45]
    model = MLPClassifier((3,), max_iter=2, random_state=0).fit(x, x[:, 0] > 0).model_
    with pytest.raises(DataError, match="too little for float32; write the model with dtype float"):
        c_source(model)
    assert "double" in c_source(model, dtype="float64")
    x = rng.normal(size=(90, 2)) * [1.0, 1e45]
    model = MLPClassifier((3,), max_iter=2, random_state=0).fit(x, x[:, 0] > 0).model_
    with pytest.raises(DataError, match="too large for float32; write it with dtype float64"):
        c_source(model)
    x = 1 + rng.integers(0, 5, (200, 1)) * 1e-12
    settings = {"preprocess": "piecewise", "max_iter": 2, "random_state": 0}
    model = MLPClassifier((3,), **settings).fit(np.hstack([x, x]) * [1, 1e3], x[:, 0] > 1).model_
    c_source(model)  # taken from 1, such numbers are told apart
    x[::3] += 100
    model = MLPClassifier((3,), **settings).fit(np.hstack([x, x]), x[:, 0] > 1).model_
    with pytest.raises(DataError, match="bins that float32 cannot tell apart"):
        c_source(model)


# ------------------------------------------------------------------ the ways to a header


def test_an_estimator_writes_its_header(of_penguins, tmp_path):
    assert of_penguins.to_c(tmp_path / "Penguins 2.h") is None
    header = (tmp_path / "Penguins 2.h").read_text(encoding="utf-8")
    assert header == c_source(of_penguins.model_, name="penguins_2")
    assert "static inline int penguins_2_predict(" in header
    assert max(map(len, header.splitlines())) <= 120
    frame, species = penguins()
    loss = of_penguins.to_c(tmp_path / "p.h", name="q", int8=frame, y=species)
    assert loss.before == of_penguins.score(frame, species)
    assert "int8_t q_W1[]" in (tmp_path / "p.h").read_text(encoding="utf-8")
    for bad in ("Q", "1a", "a-b", "", "x" * 41, "é"):
        with pytest.raises(DataError, match="names of a header begin with"):
            of_penguins.to_c(tmp_path / "none.h", name=bad)
    with pytest.raises(DataError, match="dtype must be one of"):
        of_penguins.to_c(tmp_path / "none.h", dtype="float16")
    with pytest.raises(ValueError, match="y is the truth of the rows of int8"):
        of_penguins.to_c(tmp_path / "none.h", y=species)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        of_penguins.to_c(tmp_path / "none.h", int8=frame, y=species[:9])
    assert not (tmp_path / "none.h").exists()


def test_a_large_network_says_that_it_is_one(rng):
    x = rng.normal(size=(30, 300))
    model = MLPClassifier((300,), max_iter=1, random_state=0).fit(x, np.arange(30) % 2).model_
    assert "Few controllers hold as much" in c_source(model)
    assert "Few controllers" not in c_source(model, quantised=quantise(model, x))


@pytest.fixture
def folder(of_penguins, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    of_penguins.save("m")
    frame, species = penguins()
    frame.assign(species=species).to_csv("rows.csv", index=False)
    frame.to_csv("bare.csv", index=False)
    return tmp_path


def test_the_command_line_writes_a_header(folder, call):
    model = load_model("m")
    assert call("export", "m", "--format", "c") == (0, c_source(model), "")
    assert call("export", "m", "--format", "c", "-o", "my penguins.h") == (0, "", "")
    assert Path("my penguins.h").read_text() == c_source(model, name="my_penguins")
    more = ["--name", "birds", "--dtype", "float64"]
    code, out, err = call("export", "m", "--format", "c", *more)
    assert (code, out, err) == (0, c_source(model, name="birds", dtype="float64"), "")


def test_the_command_line_tells_what_int8_loses(folder, call):
    model = load_model("m")
    quantised = quantise(model, from_frame(penguins()[0]))
    code, out, err = call("export", "m", "--format", "c", "--int8", "bare.csv")
    assert (code, out) == (0, c_source(model, quantised=quantised))
    assert f"int8: {quantised.loss.told()}" in err
    assert "accuracy" not in err
    more = ["--target", "species"]
    code, out, err = call("export", "m", "--format", "c", "--int8", "rows.csv", *more)
    assert code == 0
    assert re.search(r"int8: on 344 calibration rows, .* the accuracy goes from \d", err)
    assert "the accuracy goes" in " ".join(out.replace("\n * ", " ").split())


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--int8", "rows.csv"], 2, "--int8 is for --format c; leave it out"),
        (["--name", "a"], 2, "--name is for --format c; leave it out"),
        (["--format", "c", "--separator", ";"], 2, "--separator is for the rows of --int8"),
        (["--format", "c", "--name", "A b"], 3, "names of a header begin with"),
        (["--format", "c", "--int8", "absent.csv"], 5, "absent.csv"),
        (["--format", "c", "--int8", "rows.csv", "--dtype", "float64"], 3, "leave dtype float32"),
        (["--format", "c", "--int8", "rows.csv", "-o", "rows.csv"], 2, "is read by this command"),
        (["--format", "c", "--int8", "few.csv"], 3, "lacks the columns"),
        (["--format", "c", "--int8", "rows.csv", "--target", "x"], 2, "x"),
        (["--format", "c", "--int8", "none.csv"], 3, ""),
    ],
)
def test_a_header_that_cannot_be_written_says_why(folder, call, arguments, code, told):
    Path("few.csv").write_text("island\nDream\n")
    Path("none.csv").write_text(PENGUINS.read_text().splitlines()[0] + "\n")
    found, out, err = call("export", "m", *arguments)
    assert (found, out) == (code, ""), err
    assert told in err
    assert "Traceback" not in err
