"""A model written as ONNX predicts as the model does, in onnxruntime and in a second runtime."""

import json
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from onnx.reference import ReferenceEvaluator

from exported import CASES, PENGUINS, TOLERANCE, as_inputs, case, penguins, size_of, tables
from handgrad import MLPClassifier, MLPRegressor
from handgrad.activations import ACTIVATIONS
from handgrad.errors import DataError
from handgrad.export import write, written
from handgrad.export.onnx.graph import Graph
from handgrad.export.tracing import Formula, Step, traced
from handgrad.models.file import load_model, save_model
from handgrad.tables.frames import from_frame

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::handgrad.errors.TableWarning"),
]

FEW = 1_000  # rows


def onnx_of(estimator):
    return written(estimator.model_, "onnx")


def session(content):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def run(estimator, cells):
    """Give what onnxruntime predicts."""
    loaded = session(onnx_of(estimator))
    return loaded.run(None, {given.name: cells[given.name] for given in loaded.get_inputs()})


def cells_of(frame):
    """Turn a frame of numbers and texts into inputs."""
    return {
        name: column.to_numpy(np.float64 if column.dtype.kind in "fiub" else object)[:, None]
        for name, column in frame.items()
    }


def assert_agrees(found, estimator, unseen, by_labels):
    model = estimator.model_
    table = model.encode(from_frame(unseen))
    tolerance = TOLERANCE[str(model.params.flat.dtype)]
    if by_labels:
        np.testing.assert_array_equal(found[0], model.predict(table))
        expected = model.predict_proba(table)
        assert found[1].dtype == expected.dtype
        np.testing.assert_allclose(found[1], expected, rtol=0, atol=tolerance)
    else:
        expected = model.predict_numbers(table)
        assert (found[0].shape, found[0].dtype) == (expected.shape, expected.dtype)
        assert np.abs(found[0] - expected).max() <= tolerance * size_of(estimator, unseen)


@pytest.mark.parametrize("name", CASES)
def test_a_written_model_predicts_the_same(name):
    estimator, unseen, by_labels = case(name)
    unseen = unseen[:FEW]
    assert_agrees(run(estimator, as_inputs(unseen)), estimator, unseen, by_labels)


SOME = [
    "three {}",
    "two {'preprocess': 'piecewise', 'skip': True, 'input_scale': True}",
    "several {'n_ensemble': 3, 'dtype': 'float32'}",
    "poisson 1 {'preprocess': 'robust'}",
    "quantiles 2",
    "gelu float64",
    "raced numbers",
]


@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value|overflow):RuntimeWarning")
@pytest.mark.parametrize("name", SOME)
def test_a_second_runtime_agrees(name):
    estimator, unseen, by_labels = case(name)
    unseen = unseen[:FEW]
    evaluator = ReferenceEvaluator(onnx.load_from_string(onnx_of(estimator)))
    cells = {name: as_inputs(unseen)[name] for name in evaluator.input_names}
    assert_agrees(evaluator.run(None, cells), estimator, unseen, by_labels)


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("n", [0, 1])
def test_no_row_and_one_row_are_predicted(name, n):
    estimator, unseen, _ = case(name)
    few, more = (run(estimator, as_inputs(unseen[:rows])) for rows in (n, 5))
    for alone, among in zip(few, more, strict=True):
        assert alone.dtype == among.dtype
        if among.dtype.kind in "fi":
            np.testing.assert_allclose(alone, among[:n], rtol=1e-5, atol=1e-6)
        else:
            np.testing.assert_array_equal(alone, among[:n])


@pytest.mark.parametrize("activation", [*ACTIVATIONS.values()], ids=ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_activation_is_the_same_function(activation, dtype):
    kind = {np.float32: onnx.TensorProto.FLOAT, np.float64: onnx.TensorProto.DOUBLE}[dtype]
    graph = Graph({"r", "h"})
    h = graph.computed(traced(activation.forward), "r", dtype)
    graph.node("Identity", h, into="h")
    ends = [[onnx.helper.make_tensor_value_info(name, kind, ["N"])] for name in ("r", "h")]
    made = onnx.helper.make_graph(graph.nodes, "one", *ends, graph.constants)
    opset = onnx.helper.make_opsetid("", 19)
    made = onnx.helper.make_model(made, opset_imports=[opset], ir_version=9)
    r = np.concatenate([np.linspace(-45, 45, 20_001), [-1e30, 1e30, 0.0, -0.0, 1e-9, -1e-9]])
    found = session(made.SerializeToString()).run(None, {"r": r.astype(dtype)})[0]
    expected = activation.forward(r.astype(dtype))
    assert found.dtype == dtype
    tolerance = 2e-14 if dtype == np.float64 else 1e-6
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance / 4)


def test_a_step_that_onnx_lacks_is_named():
    with pytest.raises(DataError, match="computes 'arctan2' cannot be written as ONNX"):
        Graph(()).computed(Formula((Step("arctan2", (-1, -1)),), 0), "r", np.float64)


# ------------------------------------------------------------------ the file


@pytest.fixture(scope="module")
def of_penguins():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame, species = penguins()
        return MLPClassifier((8,), max_iter=30, random_state=0).fit(frame, species)


def test_the_format_never_changes_by_itself(of_penguins):
    made = onnx.load_from_string(onnx_of(of_penguins))
    assert made.ir_version == 9
    domains = [(one.domain, one.version) for one in made.opset_import]
    assert domains == [("", 19), ("ai.onnx.ml", 3)]
    onnx.checker.check_model(made, full_check=True)
    loaded = session(onnx_of(of_penguins))
    assert [(one.name, one.type, one.shape) for one in loaded.get_outputs()] == [
        ("label", "tensor(string)", ["N"]),
        ("probabilities", "tensor(double)", ["N", 3]),
    ]
    assert [one.name for one in loaded.get_inputs()] == list(penguins()[0].columns)
    assert all(one.shape == ["N", 1] for one in loaded.get_inputs())


def test_the_bytes_are_the_same_each_time_and_from_a_model_file(of_penguins, tmp_path):
    content = onnx_of(of_penguins)
    assert content == onnx_of(of_penguins)
    save_model(of_penguins.model_, tmp_path / "model")
    assert content == written(load_model(tmp_path / "model"), "onnx")
    of_penguins.to_onnx(tmp_path / "a.onnx")
    write(of_penguins.model_, "onnx", tmp_path / "b.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes() == content


def test_the_file_says_what_its_inputs_take():
    estimator = case("three {}").estimator
    made = onnx.load_from_string(onnx_of(estimator))
    told = {one.name: one.doc_string for one in made.graph.input}
    assert told["day"] == "a date: the seconds since 1970 in UTC; NaN where it is missing"
    assert told["price"] == "a number, which tables write like $1,234.5; NaN where it is missing"
    assert told["colour"] == 'a text; "" where it is missing'
    assert told["grade: word"] == 'the word in the place of a number; else ""'
    assert made.doc_string.startswith("Predicts labels. Each input says what it takes.")
    properties = {one.key: one.value for one in made.metadata_props}
    assert list(properties) == sorted(properties)
    assert json.loads(properties["classes"]) == ["high", "low", "middle"]
    columns = {one["column"]: one for one in json.loads(properties["columns"])}
    assert list(columns) == list(tables()[0].columns)
    assert columns["colour"]["missing"][1] == "NA"
    assert "missing" not in columns["size"]
    assert columns["grade"]["inputs"] == ["grade", "grade: word"]
    assert columns["day"]["dates"]["order"] == "dmy"
    assert columns["price"]["written"]["thousands"] == ","


# ------------------------------------------------------------------ its inputs


@pytest.mark.parametrize("preprocess", ["auto", None, "robust", "piecewise"])
@pytest.mark.parametrize("skip", [False, True])
def test_a_matrix_without_names_is_one_input(preprocess, skip, rng):
    x = rng.normal(size=(200, 4)) * [1, 10, 100, 0] + 3
    settings = {"preprocess": preprocess, "skip": skip, "max_iter": 3, "random_state": 0}
    estimator = MLPClassifier((5,), **settings).fit(x, (x[:, 0] > 3).astype(int))
    unseen = rng.normal(size=(FEW, 4)) * 50
    opsets = onnx.load_from_string(onnx_of(estimator)).opset_import
    assert [(one.domain, one.version) for one in opsets] == [("", 19)]
    label, proba = run(estimator, {"X": unseen})
    np.testing.assert_array_equal(label, estimator.predict(unseen))
    np.testing.assert_allclose(proba, estimator.predict_proba(unseen), rtol=0, atol=1e-12)
    named = pd.DataFrame(x, columns=list("abcd"))
    estimator = MLPClassifier((5,), **settings).fit(named, (x[:, 0] > 3).astype(int))
    unseen = pd.DataFrame(unseen, columns=list("abcd"))
    _, proba = run(estimator, cells_of(unseen))
    np.testing.assert_allclose(proba, estimator.predict_proba(unseen), rtol=0, atol=1e-12)


def test_the_scale_is_never_folded_into_weights_of_float32(rng):
    frame = pd.DataFrame({"year": rng.integers(2007, 2010, 300), "price": rng.normal(1e6, 1, 300)})
    settings = {"dtype": "float32", "max_iter": 30, "random_state": 0}
    estimator = MLPClassifier((16,), **settings).fit(frame, frame["year"] % 2)
    _, proba = run(estimator, cells_of(frame))
    np.testing.assert_allclose(proba, estimator.predict_proba(frame), rtol=0, atol=2e-6)


def penguin_cells(n=60):
    frame = penguins()[0][:n]
    return cells_of(frame.astype({"island": object, "sex": object}))


@pytest.mark.parametrize("nothing", [None, float("nan"), pd.NA, pd.NaT, "", "NA", "?", "NULL"])
def test_nothing_is_a_missing_text_whatever_the_runtime_makes_of_it(of_penguins, nothing):
    cells = penguin_cells()
    cells["sex"] = np.full((60, 1), nothing, dtype=object)
    expected = of_penguins.predict_proba(penguins()[0][:60].assign(sex=None))
    found = run(of_penguins, cells)[1]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_a_level_called_none_is_no_missing_text(rng):
    frame = pd.DataFrame({"a": ["None", "some", ""] * 30, "x": rng.normal(size=90)})
    estimator = MLPClassifier((3,), max_iter=20, random_state=0).fit(frame, np.arange(90) % 3)
    found = run(estimator, cells_of(frame))[1]
    np.testing.assert_allclose(found, estimator.predict_proba(frame), rtol=0, atol=1e-12)
    assert np.abs(found[0] - found[2]).max() > 1e-3


def test_levels_are_known_by_their_usual_spellings(rng):
    frame = pd.DataFrame({"code": ["7", "2", "true", "é", "01", "1"] * 20})
    frame["x"] = rng.normal(size=120)
    settings = {"kinds": {"code": "category"}, "max_iter": 3, "random_state": 0}
    estimator = MLPClassifier((3,), **settings).fit(frame, np.arange(120) % 2)
    cells = ["7", "7.0", "2.0", "True", "TRUE", "e\u0301", "01", "1", "1.0", "new"]
    frame = pd.DataFrame({"code": cells, "x": 0.5})
    _, found = run(estimator, cells_of(frame.astype({"code": object})))
    np.testing.assert_allclose(found, estimator.predict_proba(frame), rtol=0, atol=1e-12)


def test_codes_for_missing_cells_are_known(rng):
    frame = pd.DataFrame({"a": rng.normal(size=90), "b": ["x", "y", "7"] * 30})
    frame.iloc[::4, 0] = -999
    settings = {"missing_values": [-999, "7"], "max_iter": 3, "random_state": 0}
    settings["kinds"] = {"b": "category"}
    estimator = MLPClassifier((3,), **settings).fit(frame, np.arange(90) % 2)
    frame["b"] = ["x", "7.0", "7"] * 30
    found = run(estimator, cells_of(frame.astype({"b": object})))[1]
    np.testing.assert_allclose(found, estimator.predict_proba(frame), rtol=0, atol=1e-12)


def test_booleans_beside_numbers_alone_are_numbers(rng):
    frame = pd.DataFrame({"a": [1, 0, np.nan] * 30, "x": rng.normal(size=90)})
    estimator = MLPClassifier((3,), max_iter=20, random_state=0).fit(frame, np.arange(90) % 3)
    assert estimator.columns_["a"].kind == "boolean"
    frame.loc[5:9, "a"] = 2.5
    _, found = run(estimator, cells_of(frame))
    expected = estimator.model_.predict_proba(from_frame(frame))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_booleans_beside_texts_are_known_in_any_spelling(rng):
    training = pd.DataFrame({"a": [True, False, None] * 30, "x": rng.normal(size=90)})
    training["b"] = list("uvw") * 30
    training["a"] = training["a"].astype("boolean")
    estimator = MLPClassifier((3,), max_iter=20, random_state=0).fit(training, np.arange(90) % 3)
    cells = [True, False, None, "Yes", "n", "1", "0.0", 1, 0, 1.0, "TRUE", "perhaps", np.nan]
    same = [True, False, None, True, False, True, False, True, False, True, True, None, None]
    frame = pd.DataFrame({"a": pd.array(same, "boolean"), "x": 0.5, "b": "u"})
    frame["b"] = frame["b"].astype(object)
    given = {**cells_of(frame[["x", "b"]]), "a": np.array(cells, object)[:, None]}
    _, found = run(estimator, given)
    np.testing.assert_allclose(found, estimator.predict_proba(frame), rtol=0, atol=1e-12)


def test_a_graph_cannot_tell_whether_a_text_is_a_number():
    """This is why numbers with words are two inputs."""
    graph = Graph({"text", "number"})
    graph.node("Cast", "text", into="number", to=onnx.TensorProto.DOUBLE)
    ends = [("text", onnx.TensorProto.STRING), ("number", onnx.TensorProto.DOUBLE)]
    ends = [[onnx.helper.make_tensor_value_info(name, kind, ["N"])] for name, kind in ends]
    made = onnx.helper.make_graph(graph.nodes, "one", *ends)
    opset = onnx.helper.make_opsetid("", 19)
    made = onnx.helper.make_model(made, opset_imports=[opset], ir_version=9)
    loaded = session(made.SerializeToString())
    found = loaded.run(None, {"text": np.array(["12 kg", "0x10"], object)})[0]
    assert found.tolist() == [12, 16]
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.RuntimeException):
        loaded.run(None, {"text": np.array(["12", "many"], object)})


def test_a_number_may_have_a_rarer_unit(rng):
    cells = [f"{n} min" for n in range(40, 140)] + [f"{n} seasons" for n in range(1, 21)]
    frame = pd.DataFrame({"length": cells, "x": rng.normal(size=120)})
    estimator = MLPClassifier((3,), max_iter=20, random_state=0)
    estimator.fit(frame, np.arange(120) > 100)
    numbers = [float(cell.split()[0]) for cell in cells]
    given = {
        "length": np.array(numbers)[:, None],
        "length: word": np.array([""] * 100 + ["season"] * 20, object)[:, None],
        "x": frame["x"].to_numpy()[:, None],
    }
    _, found = run(estimator, given)
    np.testing.assert_allclose(found, estimator.predict_proba(frame), rtol=0, atol=1e-12)
    told = [one.doc_string for one in onnx.load_from_string(onnx_of(estimator)).graph.input]
    assert told[1].endswith('or one of the units season where a number has it; else ""')


def test_columns_may_be_called_like_outputs_and_inner_names(rng):
    names = ["label", "probabilities", "/constant_0", "/Equal_0", "//Cast_1", "w: word", "X"]
    frame = pd.DataFrame(rng.normal(size=(90, 7)), columns=names)
    frame["label"] = ["a", "b", "c"] * 30
    frame["w"] = [*map(str, range(80)), *["none"] * 10]
    settings = {"kinds": {"w": "number with words"}, "max_iter": 3, "random_state": 0}
    estimator = MLPClassifier((3,), **settings).fit(frame, np.arange(90) % 3)
    loaded = session(onnx_of(estimator))
    outputs = [one.name for one in loaded.get_outputs()]
    assert outputs == ["predicted_label", "predicted_probabilities"]
    inputs = [one.name for one in loaded.get_inputs()]
    assert inputs == [*names, "w", "w: word_"]
    numbers = pd.to_numeric(frame["w"], "coerce")
    words = {"w: word_": frame["w"].where(numbers.isna(), "")}
    found = loaded.run(None, cells_of(frame.assign(w=numbers, **words)))[1]
    np.testing.assert_allclose(found, estimator.predict_proba(frame), rtol=0, atol=1e-12)


@pytest.mark.parametrize("preprocess", ["auto", None, "robust"])
def test_a_row_that_handgrad_refuses_gives_nan_alone(preprocess, rng):
    x = rng.normal(size=(90, 2))
    settings = {"preprocess": preprocess, "dtype": "float32", "max_iter": 3, "random_state": 0}
    estimator = MLPClassifier((3,), **settings).fit(x, np.arange(90) % 3)
    numbers = MLPRegressor(hidden_layer_sizes=(3,), **settings).fit(x, x[:, 0])
    unseen = np.array([[np.inf, 0], [-np.inf, 1], [0, np.inf], [0.5, 0.5]])
    proba, found = run(estimator, {"X": unseen})[1], run(numbers, {"X": unseen})[0]
    assert np.isnan(proba[:3]).all()
    assert np.isnan(found[:3]).all()
    assert np.isfinite(proba[3]).all()
    assert np.isfinite(found[3]).all()
    for row in unseen[:3]:
        with pytest.raises(ValueError, match="inf"):
            estimator.predict(row[None])


def test_a_score_that_overflows_gives_nan_even_in_a_mean(rng):
    x = rng.normal(size=(90, 2))
    settings = {"dtype": "float32", "n_ensemble": 2, "preprocess": None, "max_iter": 3}
    estimator = MLPClassifier((3,), random_state=0, **settings).fit(x, np.arange(90) % 2)
    estimator.model_.members[0].W[-1][...] = 3e38
    unseen = np.array([[1e30, 1e30], [-1e30, 1e30]])
    assert np.isnan(run(estimator, {"X": unseen})[1]).all()
    with pytest.raises(ValueError, match="too large for float32"):
        estimator.predict_proba(unseen)


# ------------------------------------------------------------------ its labels


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (["a", "ö", ""], "string"),
        ([3, 1, -2], "int64"),
        ([7.0, 3.0, -1e9], "double"),
        ([True, False, True], "bool"),
        (np.array([1, 2, 3], np.uint8), "int64"),
        (np.array([0, 1, 2], np.float32), "double"),
    ],
)
def test_labels_keep_their_type(labels, kind, rng):
    x, y = rng.normal(size=(90, 2)), np.tile(labels, 30)
    estimator = MLPClassifier((3,), max_iter=3, random_state=0).fit(x, y)
    assert session(onnx_of(estimator)).get_outputs()[0].type == f"tensor({kind})"
    label, _ = run(estimator, {"X": x})
    assert label.tolist() == estimator.predict(x).tolist()


def test_labels_that_onnx_lacks_are_refused(of_penguins):
    from dataclasses import replace

    for classes in (np.array([1, 2, 2**63], np.uint64), np.array(["a", 1, True], object)):
        with pytest.raises(DataError, match="must all be texts, booleans, numbers, or integers"):
            written(replace(of_penguins.model_, classes=classes), "onnx")


# ------------------------------------------------------------------ the command line


def test_the_command_line_writes_a_graph(of_penguins, tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    of_penguins.save("m")
    assert call("export", "m", "--format", "onnx", "-o", "m.onnx") == (0, "", "")
    assert Path("m.onnx").read_bytes() == written(load_model("m"), "onnx")


def test_without_the_package_it_says_what_to_install(of_penguins, tmp_path, monkeypatch, call):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    of_penguins.save(tmp_path / "m")
    code, out, err = call("export", str(tmp_path / "m"), "--format", "onnx", "-o", "m.onnx")
    assert (code, out) == (3, "")
    assert 'pip install "handgrad[onnx]"' in err
    assert not Path("m.onnx").exists()
    assert PENGUINS.exists()
    with pytest.raises(DataError, match=r"pip install \"handgrad\[onnx\]\""):
        of_penguins.to_onnx(tmp_path / "m.onnx")


def test_a_graph_is_not_shown_on_a_terminal(of_penguins, tmp_path, monkeypatch, call):
    of_penguins.save(tmp_path / "m")
    monkeypatch.setattr("handgrad.cli.export.sys", type("Sys", (), {"stdout": Terminal()}))
    code, out, err = call("export", str(tmp_path / "m"), "--format", "onnx")
    assert (code, out) == (2, "")
    assert "which a terminal cannot show; name a file with --output" in err


class Terminal:
    def isatty(self):
        return True
