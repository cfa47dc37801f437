"""A row of a model with a skip is told whole: what each column adds, and equations (14), (15)."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from handgrad import MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor
from handgrad.explain import explain
from handgrad.explain.names import Names
from handgrad.explain.page import page
from handgrad.explain.spelled import spelled
from handgrad.explain.wide import parts_of
from handgrad.models.file import load_model, save_model
from handgrad.models.model import Bounds
from handgrad.network import backward, forward
from handgrad.skip import Levels, width
from handgrad.tables.frames import from_frame
from test_explain import Page, read_page

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore:'same' is left out"
)

USUAL = {"hidden_layer_sizes": (6,), "max_iter": 4, "random_state": 0, "skip": True}
N = 120


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    age = np.round(rng.gamma(4, 10, N), 1)
    age[::9] = np.nan
    return pd.DataFrame(
        {
            "colour": [["red", "blue", None, "green"][i % 4] for i in range(N)],
            "age": age,
            "same": 7,
            "size": np.round(rng.normal(size=N), 2),
        }
    )


def third_row(frame):
    return from_frame(frame.iloc[[2]])


@pytest.fixture
def labels(frame):
    return np.where(frame["size"] > 0.5, "big", np.where(frame["age"] > 40, "old", "other"))


def a_classifier(frame, labels, **settings):
    settings = USUAL | {"preprocess": "piecewise", "missing_values": ()} | settings
    return MLPClassifier(**settings).fit(frame, labels)


@pytest.fixture
def told(frame, labels, call):
    """Fit on a table, explain a row of it, and give the JSON and the model."""

    def tell(row=1, unknown=None, **settings):
        a_classifier(frame, labels, **settings).save("m")
        table = frame.assign(y=labels)
        if unknown:
            table.loc[row - 1, "colour"] = unknown
        table.to_csv("t.csv", index=False)
        options = ("--target", "y", "--row", row, *(("--unknown", "allow") if unknown else ()))
        code, out, err = call("explain", "m", "t.csv", *options, "--json")
        assert code == 0, err
        return json.loads(out), load_model("m")

    return tell


def by_column(told):
    return {one["column"]: one for one in told["skip"]}


# -- what the columns add -----------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [(), (6,), (5, 4)])
@pytest.mark.parametrize("preprocess", ["auto", "robust", "piecewise"])
def test_what_the_columns_add_is_what_the_skip_adds(told, hidden, preprocess):
    """All of it and nothing else: h W + b and the columns make the score of the network."""
    found, model = told(row=3, hidden_layer_sizes=hidden, preprocess=preprocess)
    t = {name: np.array(value) for name, value in found["trace"].items()}
    last = len(hidden) + 1
    below = t["x" if last == 1 else "h" if last == 2 else f"h{last - 1}"]
    layers = below @ t[f"W{last}"] + t[f"b{last}"]
    adds = sum(np.array(list(one["adds"].values())) for one in found["skip"])
    np.testing.assert_allclose(layers[0] + adds, t["score"][0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(adds, (t["w"] @ t["V"])[0], rtol=1e-5, atol=1e-6)
    for one in found["skip"]:
        assert list(one["adds"]) == model.classes.tolist()
        terms = sum(term["w"] * np.array(term["V"]) for term in one["inputs"])
        np.testing.assert_allclose(list(one["adds"].values()), terms, rtol=1e-9, atol=1e-12)
        assert all(term["w"] for term in one["inputs"])
    assert sum(len(one["inputs"]) for one in found["skip"]) == np.count_nonzero(t["w"])


def test_columns_stand_in_the_order_of_the_table_and_a_constant_one_adds_nothing(told):
    found, model = told(kinds={"same": "number"})
    assert "same" in model.encoder.input_names
    assert [one["column"] for one in found["skip"]] == ["colour", "age", "size"]


def test_each_input_of_w_has_its_name(told, frame):
    found, model = told(row=2)
    columns, wide = by_column(found), model.encoder.wide
    edges = dict(zip(["age", "size"], [wide.by_number[0], wide.by_number[-1]], strict=True))
    for name, row in (("age", 1), ("size", 1)):
        u = columns[name]["u"][name]
        at, part = int(u), u - int(u)
        low, high = edges[name][at : at + 2]
        assert frame[name][row] == pytest.approx(low + part * (high - low), rel=1e-5)
        w = {term["name"]: term["w"] for term in columns[name]["inputs"]}
        assert w[f"{name} at {high:.6g}"] == pytest.approx(part, rel=1e-4)
        assert w[f"{name} at {low:.6g}"] == pytest.approx(1 - part, rel=1e-4)
        assert w[f"{name} {low:.6g}..{high:.6g}"] == pytest.approx(part, rel=1e-4)
        assert len(w) == 2 + at + 1
    assert columns["colour"]["u"] == {"colour level": 0.0}
    assert [term["name"] for term in columns["colour"]["inputs"]] == ["colour=blue"]


def test_a_missing_cell_has_a_level_of_its_own(told):
    found, _ = told(row=1)  # without an age
    age = by_column(found)["age"]
    assert age["u"]["age is missing, level"] == 0
    assert {"name": "age is missing", "w": 1.0}.items() <= age["inputs"][-1].items()
    there, _ = told(row=3)  # without a colour
    assert by_column(there)["age"]["u"]["age is missing, level"] == -1
    assert by_column(there)["colour"]["inputs"][0]["name"] == "colour is missing"


def test_an_unknown_level_adds_nothing(told, call):
    found, _ = told(row=2, unknown="lilac")
    colour = by_column(found)["colour"]
    assert colour["u"] == {"colour level": -1.0}
    assert colour["inputs"] == []
    assert set(colour["adds"].values()) == {0.0}
    out = call("explain", "m", "t.csv", "--row", 2, "--target", "y", "--unknown", "allow")[1]
    assert re.search(r"^ +colour +big \+0 +level -1 +all are 0$", out, re.MULTILINE)


def test_rare_levels_share_an_input(frame, labels):
    frame["colour"] = ["rare" if i == 5 else "usual" if i % 2 else "often" for i in range(N)]
    frame.loc[6, "colour"] = "seldom"
    model = a_classifier(frame, labels, min_frequency=3).model_
    names = [part.names for part in parts_of(model.encoder) if part.column == "colour"]
    assert names == [["colour=often", "colour=usual", "colour: other"]]


@pytest.mark.parametrize("preprocess", ["auto", "robust", "piecewise"])
def test_the_names_are_as_many_as_the_inputs(frame, labels, preprocess):
    model = a_classifier(frame, labels, preprocess=preprocess).model_
    parts = parts_of(model.encoder)
    assert [len(part.names) for part in parts] == [one.width for one in model.encoder.skip]
    plain = a_classifier(frame, labels, preprocess=preprocess, skip=False).model_
    assert parts_of(plain.encoder) == []


def test_numbers_that_pass_through_untouched_have_a_skip_too():
    X = np.random.default_rng(0).normal(size=(40, 2))
    model = a_classifier(X, (X[:, 0] > 0).astype(int), preprocess=None).model_
    (one, other) = check_numbers(model, X[:1], np.array([[1]])).skipped
    assert one.terms[0].name == "x0"
    assert other.told_terms()[0].startswith("x1: ")


# -- the story ----------------------------------------------------------------------------------


def test_the_story_tells_the_skip_and_its_equations(told, call):
    found, _ = told(row=2)
    code, out, err = call("explain", "m", "t.csv", "--row", 2, "--target", "y")
    assert (code, err) == (0, "")
    assert "a skip from" in out.splitlines()[1]
    assert "The skip, w V: what each column adds to the scores, past the layers" in out
    for one in found["skip"]:
        name, adds = one["column"], one["adds"]["big"]
        assert re.search(rf"^ +{name} +big {re.escape(f'{adds:+.4g}')} ", out, re.MULTILINE)
    assert "Each output weighs the hidden units and adds its bias; the skip adds what" in out
    assert "\n(14)  dV = wᵀ dscore   (" in out
    assert "(13)  V ← V - lr · dV" in out
    assert "(15)" not in out  # the scale is in W1
    last = out.rstrip().splitlines()[-1]
    assert "the loss of this row goes from" in last
    loss = found["trace"]["L"]
    assert f"from {loss:.4g} to" in last


def test_without_a_skip_nothing_is_said_of_one(told, call):
    found, _ = told(skip=False)
    assert "skip" not in found
    out = call("explain", "m", "t.csv", "--target", "y")[1]
    assert "skip" not in out
    assert "(14)" not in out


def test_without_the_truth_the_skip_is_told_all_the_same(told, call, frame):
    told()
    frame.to_csv("u.csv", index=False)
    code, out, err = call("explain", "m", "u.csv")
    assert code == 0
    assert "ends with the prediction" in err
    assert "+ w V" in out
    assert "(14)" not in out


def test_many_inputs_are_cut_to_the_largest_and_counted():
    size = np.random.default_rng(0).normal(size=3200)
    table = pd.DataFrame({"size": size})
    model = a_classifier(table, np.where(size > 0, "a", "b")).model_
    row = from_frame(table.iloc[[int(size.argmax())]])
    (one,) = explain(model, row).skipped
    shown = one.told_terms()
    assert len(shown) == 11
    assert shown[-1] == f"and {len(one.terms) - 10} more that are not 0"
    largest = sorted(one.terms, key=lambda term: -abs(term.w * term.weights[0]))[:10]
    for term in largest:
        assert any(line.startswith(f"{term.name.removeprefix('size ')}: ") for line in shown)


def test_the_page_leads_to_the_skip(told, call, tmp_path):
    told()
    assert call("explain", "m", "t.csv", "--row", 2, "--target", "y", "--html", "e.html")[0] == 0
    read = read_page(tmp_path / "e.html")
    assert {"w", "dV", "V_new"} <= read.ids
    assert {"w", "dV", "score"} <= read.links
    assert "what each column adds to the scores" in read.text


def test_names_on_a_page_are_text(frame, labels):
    nasty = frame.rename(columns={"size": "<b>size</b>", "colour": "a\x1b[31m=&"})
    explanation = explain(a_classifier(nasty, labels).model_, third_row(nasty))
    read = Page(page(explanation))
    assert "<b>size</b>" in read.text
    assert "\x1b" not in read.text


def test_the_equations_are_defined_in_the_derivation(frame, labels):
    derivation = (Path(__file__).parents[1] / "docs" / "derivation.md").read_text(encoding="utf-8")
    defined = {int(number) for number in re.findall(r"\\tag\{(\d+)\}", derivation)}
    fitted = a_classifier(frame, labels, input_scale=True)
    t = fitted.trace(frame.iloc[:1], labels[:1])
    assert {14, 15} <= {equation.number for equation in t.equations} <= defined


# -- numbers worked out -------------------------------------------------------------------------


def worked_out(text):
    """Compute the sum or product that is written out, without the names in brackets."""
    label, rest = text.rsplit(": ", 1) if "skip" not in text else text.split(": ", 1)
    told, result = rest.rsplit(" = ", 1)
    told = re.sub(r" \([^)]*\)", "", told).replace("×", "*")
    return label, eval(told), float(result)


@pytest.mark.parametrize("hidden", [(), (6,), (5, 4)])
def test_what_is_worked_out_comes_out(frame, labels, hidden):
    fitted = a_classifier(frame, labels, hidden_layer_sizes=hidden, input_scale=True)
    names = Names(fitted.model_)
    t = fitted.trace(frame.iloc[[4]], labels[[4]])
    seen = set()
    for equation in t.equations:
        if equation.number not in (3, 14, 15) and equation.name not in ("h0", "dh0"):
            continue
        value = t[equation.name]
        for at in (0, int(np.abs(value).argmax()), value.size - 1):
            label, computed, result = worked_out(spelled(t, equation, names, at))
            assert label == names.of(equation.name, value.shape)[at]
            assert result == pytest.approx(float(value.ravel()[at]), rel=1e-3)
            assert computed == pytest.approx(result, rel=0.02, abs=5e-3)
        seen.add(equation.name)
    assert seen == {"h0", "score", "dV", "dh0", "ds"}


def test_a_score_says_what_the_columns_add(frame, labels):
    explanation = explain(a_classifier(frame, labels).model_, third_row(frame))
    (score,) = [step for step in explanation.steps if step.equation.name == "score"]
    assert re.search(r"\+ -?\S+ \(skip: (colour|age|size)\)", score.example)


# -- every kind of model ------------------------------------------------------------------------


def check_numbers(model, row, truth):
    """Compare every number of an explanation with the network's own."""
    explanation = explain(model, row, truth)
    x = model.encode(row).x
    tape = forward(model.architecture, model.params, x)
    kept = {}
    gradients = backward(model.architecture, model.params, tape, truth, kept=kept)
    t = explanation.trace
    for name, value in {"score": tape.score, "y": tape.y, "w": tape.w, "dV": gradients.V}.items():
        np.testing.assert_array_equal(t[name], value)
    for name, value in gradients.named():
        np.testing.assert_array_equal(t[f"d{name}"], value)
    adds = np.sum([one.adds for one in explanation.skipped], axis=0)
    np.testing.assert_allclose(adds, (tape.w @ model.params.V)[0], rtol=1e-5, atol=1e-6)
    Page(page(explanation))
    return explanation


def test_two_classes_have_one_sum_a_column(frame, labels):
    model = a_classifier(frame, labels == "big").model_
    explanation = check_numbers(model, third_row(frame), np.array([[1]]))
    assert explanation.output_names == ["True"]
    assert all(len(one.adds) == 1 for one in explanation.skipped)
    assert explanation.skipped[0].told_sums(["True"])[0].startswith("True ")


def test_several_labels(frame, labels):
    several = np.column_stack([labels == "big", labels == "old"]).astype(int)
    check_numbers(a_classifier(frame, several).model_, third_row(frame), np.array([[1, 0]]))


def test_a_number_and_its_scale_and_bounds(frame, labels):
    y = 1000 + 50 * frame["size"].to_numpy()
    fitted = MLPRegressor(**USUAL, preprocess="piecewise").fit(frame, y)
    model = fitted.model_
    explanation = check_numbers(model, third_row(frame), model.learnt(y[[2]]))
    assert any("minus its mean" in note for note in explanation.notes)
    assert not any("least and the largest" in note for note in explanation.notes)
    bounded = replace(model, bounds=Bounds(np.array([990.0]), np.array([1010.0])))
    notes = explain(bounded, third_row(frame)).notes
    assert any("between the least and the largest number" in note for note in notes)


@pytest.mark.parametrize("estimator", [TabularClassifier, TabularRegressor])
def test_a_model_of_the_recipe_is_explained_from_its_file(frame, labels, call, estimator):
    y = labels if estimator is TabularClassifier else frame["size"].to_numpy() * 3 + 100
    recipe = estimator(networks="sharp", n_networks=2, updates=20, random_state=0)
    recipe.fit(frame, y).save("m")
    frame.assign(y=y).to_csv("t.csv", index=False)
    code, out, err = call("explain", "m", "t.csv", "--target", "y", "--row", 4)
    assert (code, err) == (0, "")
    assert "averages 2 networks; this is the first of them" in out
    assert "+ w V" in out
    assert call("gradcheck", "m", "t.csv", "--target", "y", "--rows", 12)[0] == 0


def test_a_column_of_levels_alone(labels):
    table = pd.DataFrame({"level": list("abcd") * (N // 4)})
    model = a_classifier(table, labels).model_
    assert model.architecture.skip == (Levels(4),)
    assert width(model.architecture.skip) == 4
    explanation = check_numbers(model, third_row(table), np.array([0]))
    assert explanation.skipped[0].told_terms()[0].startswith("c: 1 × (")


def test_a_corner_beside_a_skip_is_told(call, told, monkeypatch):
    """A corner in every unit makes the gradients disagree; V, past them, stays right."""
    _, model = told()
    model.params["W1"][:, 0] = model.params["b1"][0] = 0
    save_model(model, "m")
    code, out, _ = call("gradcheck", "m", "t.csv", "--target", "y", "--rows", 10, "--json")
    assert code == 1
    verdicts = {name: one["verdict"] for name, one in json.loads(out)["parameters"].items()}
    assert verdicts["V"] == "ok"
    assert set(verdicts.values()) == {"ok", "at a corner"}
