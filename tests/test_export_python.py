"""A model written as a Python file predicts as the model does, in NumPy alone."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from exported import (
    CASES,
    N_ROWS,
    PENGUINS,
    TOLERANCE,
    USUAL,
    case,
    labels,
    penguins,
    size_of,
    tables,
)
from handgrad import MLPClassifier
from handgrad.activations import ACTIVATIONS
from handgrad.errors import DataError
from handgrad.export import python_source, write
from handgrad.export.parts import take_apart
from handgrad.export.python.copying import copied
from handgrad.export.python.passing import score_of
from handgrad.models.file import load_model, save_model
from handgrad.tables.frames import from_frame

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::handgrad.errors.TableWarning"),
]


def loaded(source):
    space = {"__name__": "written"}
    exec(compile(source, "written.py", "exec"), space)
    return space


def assert_agrees(estimator, unseen, by_labels):
    model = estimator.model_
    written = loaded(python_source(model))
    tolerance = TOLERANCE[str(model.params.flat.dtype)]
    expected, found = estimator.predict(unseen), written["predict"](unseen)
    if by_labels:
        assert found.dtype == model.predict(from_frame(unseen[:1])).dtype
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_allclose(
            written["predict_proba"](unseen),
            model.predict_proba(from_frame(unseen)),
            rtol=0,
            atol=tolerance,
        )
    else:
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= tolerance * size_of(estimator, unseen)


@pytest.mark.parametrize("name", CASES)
def test_a_written_model_predicts_the_same(name):
    assert_agrees(*case(name))


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_activation_without_scipy_is_the_same_function(activation, dtype):
    r = np.concatenate([np.linspace(-45, 45, 2001), [-1e30, 1e30, 0.0, -0.0]]).astype(dtype)
    found = activation.alone(r.reshape(-1, 5))
    assert found.dtype == dtype
    expected = activation.forward(r.reshape(-1, 5))
    np.testing.assert_allclose(found, expected, rtol=64 * np.finfo(dtype).eps, atol=1e-37)


@pytest.mark.parametrize("preprocess", ["auto", None, "robust"])
@pytest.mark.parametrize("skip", [False, True])
def test_a_matrix_is_read_by_the_places_of_its_columns(preprocess, skip, rng):
    x = rng.normal(size=(200, 4)) * [1, 10, 100, 0] + 3
    y = (x[:, 0] > 3).astype(int)
    settings = {"preprocess": preprocess, "skip": skip, "max_iter": 3, "random_state": 0}
    estimator = MLPClassifier((5,), **settings).fit(x, y)
    written = loaded(python_source(estimator.model_))
    unseen = rng.normal(size=(N_ROWS, 4)) * 50
    np.testing.assert_array_equal(written["predict"](unseen), estimator.predict(unseen))
    expected = estimator.predict_proba(unseen)
    np.testing.assert_allclose(written["predict_proba"](unseen), expected, rtol=0, atol=1e-12)
    rows = [dict(zip(estimator.model_.encoder.names, row, strict=True)) for row in unseen[:9]]
    np.testing.assert_allclose(written["predict_proba"](rows), expected[:9], rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match=r"must have 4 columns; its shape is \(10000, 3\)"):
        written["predict"](unseen[:, :3])
    with pytest.raises(ValueError, match="infinite"):
        written["predict"](np.full((2, 4), np.inf))


def test_many_weights_are_written_in_base64(rng):
    x, y = rng.normal(size=(60, 40)), np.arange(60) % 3
    for dtype in ("float32", "float64"):
        settings = {"dtype": dtype, "max_iter": 2, "random_state": 0}
        estimator = MLPClassifier((150,), **settings).fit(x, y)
        source = python_source(estimator.model_)
        assert "unpacked(" in source
        assert max(map(len, source.splitlines())) <= 120
        found = loaded(source)["predict_proba"](x)
        np.testing.assert_allclose(found, estimator.predict_proba(x), rtol=0, atol=TOLERANCE[dtype])


@pytest.fixture(scope="module")
def of_penguins():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame, species = penguins()
        return MLPClassifier((8,), max_iter=30, random_state=0).fit(frame, species)


BLOCKER = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {*sys.stdlib_module_names, "numpy"}:
            raise ImportError(f"{name} is not there")
sys.meta_path.insert(0, Blocker())
sys.argv = sys.argv[1:]
import runpy
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run_alone(folder, *arguments, given=""):
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    environment.pop("PYTHONPATH", None)
    command = [sys.executable, "-I", "-c", BLOCKER, *arguments]
    return subprocess.run(
        command, cwd=folder, input=given, text=True, capture_output=True, check=False,
        encoding="utf-8", env=environment,
    )  # fmt: skip


def test_the_file_runs_with_numpy_alone_on_a_file_or_on_standard_input(of_penguins, tmp_path):
    write(of_penguins.model_, "python", tmp_path / "model.py")
    expected = of_penguins.predict(penguins()[0]).tolist()
    run = run_alone(tmp_path, "model.py", str(PENGUINS))
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines() == ["prediction", *expected]
    run = run_alone(tmp_path, "model.py", "--proba", given=PENGUINS.read_text(encoding="utf-8"))
    table = pd.read_csv(pd.io.common.StringIO(run.stdout))
    assert table["prediction"].tolist() == expected
    shares = table[[f"probability {name}" for name in of_penguins.classes_]].to_numpy()
    np.testing.assert_allclose(shares, of_penguins.predict_proba(penguins()[0]), atol=1e-12)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("island,sex\nBiscoe,male\n", "a row lacks the columns ['bill_length_mm'"),
        (None, "'much' is not a number"),
        ("island,sex\nBiscoe\n", "line 2 has 1 cells, and the first line 2"),
        ("island,island\nBiscoe,Dream\n", "two columns have the same name"),
    ],
)
def test_a_table_that_cannot_be_used_ends_in_one_sentence(of_penguins, tmp_path, given, told):
    write(of_penguins.model_, "python", tmp_path / "model.py")
    lines = PENGUINS.read_text(encoding="utf-8").splitlines()
    given = given or "\n".join([lines[0], lines[1].replace("39.1", "much")])
    run = run_alone(tmp_path, "model.py", given=given)
    assert run.returncode == 1
    assert told in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""


def test_the_file_is_the_same_each_time_and_from_a_model_file(of_penguins, tmp_path):
    source = python_source(of_penguins.model_)
    assert source == python_source(of_penguins.model_)
    save_model(of_penguins.model_, tmp_path / "model.safetensors")
    again = loaded(python_source(load_model(tmp_path / "model.safetensors")))
    frame = penguins()[0]
    found = again["predict_proba"](frame)
    np.testing.assert_allclose(found, of_penguins.predict_proba(frame), rtol=0, atol=1e-12)


def test_a_small_model_tells_its_equations(of_penguins):
    source = python_source(of_penguins.model_)
    assert "# (1)  r = x @ W1 + b1\n" in source
    assert "# (3)  score = h @ W2 + b2\n" in source


def test_words_for_missing_cells_are_those_of_the_reader(of_penguins):
    frame = penguins()[0]
    row = json.loads(frame[:1].to_json(orient="records"))[0]
    written = loaded(python_source(of_penguins.model_))
    expected = of_penguins.predict_proba(frame[:1].assign(sex=None, year=np.nan))
    for word in (None, "", " ", "NA", "nan", "?", float("nan"), np.float32("nan"), pd.NA, pd.NaT):
        found = written["predict_proba"]([{**row, "sex": word, "year": word}])
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_codes_for_missing_cells_and_odd_names_are_written(rng):
    frame = pd.DataFrame({'a "b"\\n': rng.normal(size=90), "é, x": list("ab\n") * 30})
    frame.iloc[::4, 0] = -999
    settings = {"missing_values": [-999, "b"], "max_iter": 3, "random_state": 0}
    estimator = MLPClassifier((3,), **settings).fit(frame, np.arange(90) % 2)
    found = loaded(python_source(estimator.model_))["predict_proba"](frame)
    np.testing.assert_allclose(found, estimator.predict_proba(frame), rtol=0, atol=1e-12)


def test_dates_are_taken_as_values_too():
    training, _ = tables()
    estimator = MLPClassifier(**USUAL).fit(training, labels(training, "two"))
    rows = training[:50].to_dict("records")
    written = loaded(python_source(estimator.model_))
    expected = estimator.predict_proba(training[:50])
    days = pd.to_datetime(training["day"][:50], format="%d.%m.%Y")
    for cells in (days, days.to_numpy(), [None if day is pd.NaT else day.date() for day in days]):
        given = [{**row, "day": day} for row, day in zip(rows, cells, strict=True)]
        np.testing.assert_allclose(written["predict_proba"](given), expected, rtol=0, atol=1e-12)


def test_labels_that_cannot_be_written_are_refused(of_penguins):
    from dataclasses import replace

    days = np.array(["2020-01-01", "2020-01-02", "2020-01-03"], "datetime64[D]")
    with pytest.raises(DataError, match=r"must be texts, numbers or booleans; .* of type date"):
        take_apart(replace(of_penguins.model_, classes=days))


def test_cells_too_far_away_are_refused(of_penguins):
    written = loaded(python_source(of_penguins.model_))
    row = penguins()[0][1:2].to_dict("records")[0]
    for value in (float("inf"), "1e999", "inf", 10**400, [1]):
        with pytest.raises(ValueError, match=r"is not a finite number|is not a number"):
            written["predict"]([{**row, "year": value, "body_mass_g": value}])


def test_two_definitions_of_one_name_are_both_copied():
    from handgrad.tables.dates import moment
    from handgrad.tables.notation import number_in

    source = copied([number_in, moment])
    space = {}
    text = "\n".join(["from __future__ import annotations", *source.imports, source.definitions])
    exec(text, space)
    from handgrad.tables.dates import Dating
    from handgrad.tables.notation import Notation

    assert space["number_in"]("$ 1,234.5", Notation(before="$", thousands=",")) == 1234.5
    assert space["moment"]("2.1.1970", Dating("date", "dmy")) == 86400


def test_an_estimator_writes_itself(of_penguins, tmp_path):
    of_penguins.to_python(tmp_path / "model.py")
    source = (tmp_path / "model.py").read_text(encoding="utf-8")
    assert source == python_source(of_penguins.model_)
    with pytest.raises(NotFittedError):
        MLPClassifier().to_python(tmp_path / "none.py")
    assert not (tmp_path / "none.py").exists()


def test_the_command_line_writes_a_model(of_penguins, tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    of_penguins.save("m")
    expected = python_source(load_model("m"))
    assert call("export", "m", "--format", "python", "-o", "m.py") == (0, "", "")
    assert Path("m.py").read_text(encoding="utf-8") == expected
    for more in ([], ["--output", "-"]):
        code, out, err = call("export", "m", *more)
        assert (code, out, err) == (0, expected, "")
    assert not Path("-").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["m", "-o", "m"], 2, "is read by this command; name another output"),
        (["m", "-o", "nowhere/m.py"], 5, "there is no folder"),
        (["absent"], 5, "absent"),
        (["m", "--format", "fortran"], 2, "is not"),
    ],
)
def test_a_command_that_cannot_write_says_why(
    of_penguins, tmp_path, monkeypatch, call, arguments, code, told
):
    monkeypatch.chdir(tmp_path)
    of_penguins.save("m")
    before = Path("m").read_bytes()
    found, out, err = call("export", *arguments)
    assert (found, out) == (code, "")
    assert told in err
    assert "Traceback" not in err
    assert Path("m").read_bytes() == before


def test_numbers_as_people_write_them_are_read_in_a_plain_column_too(of_penguins):
    frame = penguins()[0][:1]
    row = frame.to_dict("records")[0]
    written = loaded(python_source(of_penguins.model_))
    for cell in ("(5)", "\u22125", "5-", "- 5", " -5.0 "):
        expected = of_penguins.predict_proba(frame.assign(year=cell))
        found = written["predict_proba"]([{**row, "year": cell}])
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_levels_are_found_in_any_spelling(rng):
    frame = pd.DataFrame({"code": ["7", "2", "true", "é"] * 20, "x": rng.normal(size=80)})
    settings = {"kinds": {"code": "category"}, "max_iter": 3, "random_state": 0}
    estimator = MLPClassifier((3,), **settings).fit(frame, np.arange(80) % 2)
    written = loaded(python_source(estimator.model_))
    for cell, usual in (("7.0", "7"), (2, "2"), (2.0, "2"), (True, "true"), ("e\u0301", "é")):
        rows = [{"code": one, "x": 0.5} for one in (cell, usual)]
        found = written["predict_proba"](rows)
        np.testing.assert_array_equal(found[0], found[1])
        frame = pd.DataFrame({"code": [usual], "x": [0.5]})
        np.testing.assert_allclose(found[:1], estimator.predict_proba(frame), rtol=0, atol=1e-12)


def test_a_scale_of_the_inputs_comes_before_the_layers():
    layers = [(np.array([[2.0], [3.0]]), np.array([1.0]))]
    found = score_of(np.array([[1.0, 1.0]]), None, layers, [], None, np.array([10.0, 100.0]))
    assert found.tolist() == [[321.0]]
