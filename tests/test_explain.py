"""A row is explained with the network's own numbers, whatever the table and its labels hold."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import product

import numpy as np
import pandas as pd
import pytest

from handgrad import MLPClassifier, MLPRegressor, gradcheck, read_table
from handgrad.activations import ACTIVATIONS
from handgrad.cli.explanation import shorter
from handgrad.explain import explain
from handgrad.explain.largest import MOST_SHOWN
from handgrad.explain.page import page
from handgrad.html import sentence
from handgrad.models.file import load_model, save_model
from handgrad.models.model import Model
from handgrad.network import Architecture
from handgrad.outputs import OUTPUTS
from handgrad.params import Params
from handgrad.tables.encode import Encoder

pytestmark = pytest.mark.filterwarnings("ignore:max_iter=:sklearn.exceptions.ConvergenceWarning")

OK, USAGE, DATA, MODEL_FILE, IO = 0, 2, 3, 4, 5

NASTY = ["<b>&\"'", "a 😀 & <script>alert(1)</script>", "\x1b[31mred", "\u202eabc", "x" * 300]


def a_table(n=60, labels=("yes", "no", "maybe"), column="size"):
    lines = [f'"{column}",colour,y']
    for i in range(n):
        size = "" if i % 17 == 3 else f"{i % 3 + i * 37 % 100 / 100:.2f}"
        label = labels[i % len(labels)].replace('"', '""')
        lines.append(f'{size},{("red", "blue", "green")[i % 3]},"{label}"')
    return "\n".join(lines) + "\n"


@pytest.fixture
def trained(call, tmp_path):
    """Write a table t.csv and a model m that was trained on it."""

    def train(*options, **table):
        (tmp_path / "t.csv").write_text(a_table(**table), encoding="utf-8")
        fit = ("fit", "t.csv", "--target", "y", "-q", "--epochs", "5", "--model", "m")
        assert call(*fit, "--hidden", "8", *options)[0] == OK
        return load_model(tmp_path / "m")

    return train


class Page(HTMLParser):
    """Reads a page and looks that what opens is closed, and that nothing comes from outside."""

    VOID = frozenset({"meta", "br", "img", "mspace"})

    def __init__(self, content):
        super().__init__()
        self.open, self.seen, self.text, self.ids, self.links = [], [], "", set(), set()
        self.feed(content)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.seen.append(tag)
        self.ids.add(given.get("id"))
        if given.get("href", "").startswith("#"):
            self.links.add(given["href"][1:])
        for name, value in given.items():
            assert not name.startswith("on")
            if name in ("src", "href"):
                assert value.startswith(("data:image/png;base64,", "#"))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read_page(path):
    content = path.read_text(encoding="utf-8")
    assert "default-src 'none'" in content
    read = Page(content)
    assert not {"script", "iframe", "link", "object", "form"} & set(read.seen)
    assert read.links <= read.ids
    return read


# -- the command ----------------------------------------------------------------------------------


def test_it_tells_every_equation_in_words_symbols_and_numbers(call, trained):
    trained()
    code, out, err = call("explain", "m", "t.csv", "--row", "17")
    assert (code, err) == (OK, "")
    assert out.startswith("row 17 of t.csv\nnetwork: 5-8-3 units, relu, softmax, float32\n")
    for number in range(1, 14):
        assert f"\n({number})" in out
    for line in ("r = x @ W1 + b1", "dW2 = h.T @ dscore", "W1_new = W1 - lr * dW1"):
        assert line in out
    assert "Each hidden unit weighs the inputs" in out
    assert re.search(r"size +\S+ +\(\S+ - mean \S+\) / deviation", out)
    assert "one of blue, green, red; its input is 1, the other 2 are 0" in out
    assert "With lr = 0.1, the loss of this row goes from" in out


def test_the_first_and_the_last_row_are_rows_and_others_are_not(call, trained):
    trained()
    for row in (1, 60):
        assert call("explain", "m", "t.csv", "--row", row)[0] == OK
    for row in (0, -1, 61, 10**20):
        code, out, err = call("explain", "m", "t.csv", "--row", row)
        assert (code, out) == (USAGE, "")
        assert f"--row must be 1 to 60, the rows of the table; got {row}" in err


def test_the_row_asked_for_is_the_one_explained(call, trained, tmp_path):
    trained()
    header, *rows = (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()
    asked = json.loads(call("explain", "m", "t.csv", "--row", 7, "--json")[1])
    (tmp_path / "one.csv").write_text(f"{header}\n{rows[6]}\n", encoding="utf-8")
    alone = json.loads(call("explain", "m", "one.csv", "--json")[1])
    assert asked["trace"] == alone["trace"]


def test_a_table_without_the_target_ends_with_the_prediction(call, trained, tmp_path):
    trained()
    (tmp_path / "u.csv").write_text("colour,size\nred,1\n")
    code, out, err = call("explain", "m", "u.csv")
    assert code == OK
    assert err.startswith("the table has no column 'y', the truth: the explanation ends with the ")
    assert "(4)" in out
    assert "(5)" not in out
    code, _, err = call("explain", "m", "u.csv", "--target", "why")
    assert code == USAGE
    assert "--target why: the table has no such column" in err


def test_a_missing_label_and_a_missing_cell(call, trained, tmp_path):
    trained()
    (tmp_path / "u.csv").write_text("colour,size,y\nlilac,,\n")
    code, out, err = call("explain", "m", "u.csv")
    assert code == OK
    assert "the true label of this row is missing" in err
    assert "(missing)" in out
    assert "missing, so the median replaces it" in out
    assert "not seen when the model was fitted, so all 3 are 0" in out


def test_an_unknown_label_and_a_bad_cell_are_told_by_their_row(call, trained, tmp_path):
    trained()
    (tmp_path / "u.csv").write_text("colour,size,y\nred,1,yes\nred,2,perhaps\nred,big,no\n")
    code, out, err = call("explain", "m", "u.csv", "--row", "2")
    assert (code, out) == (DATA, "")
    assert "column 'y', row 2: 'perhaps' must be one of the labels" in err
    code, out, err = call("explain", "m", "u.csv", "--row", "3")
    assert (code, out) == (DATA, "")
    assert "column 'size', row 3 (line 4): 'big' is not a plain decimal number" in err
    assert call("explain", "m", "u.csv", "--row", "1")[0] == OK


def test_files_that_are_something_else(call, trained, tmp_path):
    trained()
    assert call("explain", "t.csv", "t.csv")[0] == MODEL_FILE
    assert call("gradcheck", "t.csv", "t.csv")[0] == MODEL_FILE
    assert call("explain", "nothing", "t.csv")[0] == IO
    (tmp_path / "empty.csv").write_text("colour,size,y\n")
    code, _, err = call("explain", "m", "empty.csv")
    assert code == USAGE
    assert "the table has no rows" in err
    (tmp_path / "u.csv").write_text("colour,y\nred,yes\n")
    code, _, err = call("explain", "m", "u.csv")
    assert code == DATA
    assert "'size'" in err


def test_a_wide_layer_is_summarised_and_the_rest_is_counted(call, trained):
    trained("--hidden", "300")
    out = call("explain", "m", "t.csv")[1]
    assert re.search(r"and 290 more, none larger in size than \S+", out)
    assert re.search(r"and 1,490 more, none larger in size than \S+; \S+ of them are 0", out)
    assert len(out.splitlines()) < 250


def test_json_leaves_no_number_out(call, trained):
    model = trained("--hidden", "30,20")
    code, out, _ = call("explain", "m", "t.csv", "--row", "5", "--json", "--learning-rate", "0.5")
    told = json.loads(out)
    assert code == OK
    assert np.shape(told["trace"]["dW2"]) == (30, 20)
    assert list(told["inputs"]) == model.encoder.input_names
    assert told["lines"]["dr1"] == "dr1 = dh1 * (r1 > 0)"
    W, dW, stepped = (np.array(told["trace"][name]) for name in ("W1", "dW1", "W1_new"))
    np.testing.assert_allclose(stepped, W - 0.5 * dW, rtol=1e-6)


# -- the page -------------------------------------------------------------------------------------


def test_the_page_is_one_file_that_asks_for_nothing(call, trained, tmp_path):
    trained()
    code, out, err = call("explain", "m", "t.csv", "--row", "17", "--html", "e.html")
    assert (code, out, err) == (OK, "", "wrote e.html\n")
    read = read_page(tmp_path / "e.html")
    assert read.seen.count("math") > 13
    assert {"x", "r", "h", "score", "y", "L", "dscore", "dW2", "dr", "b1_new"} <= read.ids
    assert "://" not in (tmp_path / "e.html").read_text()


def test_bars_fit_and_a_missing_cell_says_so(call, trained, tmp_path):
    trained()
    header, row = (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()[:2]
    (tmp_path / "t.csv").write_text(f"{header}\n,{row.partition(',')[2]}\n", encoding="utf-8")
    assert call("explain", "m", "t.csv", "--html", "p.html")[0] == OK
    content = (tmp_path / "p.html").read_text(encoding="utf-8")
    widths = [float(width) for width in re.findall(r"width:([0-9.]+)%", content)]
    assert max(widths) == 50
    assert "<i>missing</i>" in content


def test_a_sentence_of_a_page_is_text():
    assert sentence("<b>a & b</b>") == "&lt;b&gt;a &amp; b&lt;/b&gt;"


def test_the_page_must_not_replace_what_it_is_made_of(call, trained, tmp_path):
    trained()
    before = (tmp_path / "m").read_bytes()
    assert call("explain", "m", "t.csv", "--html", "m")[0] == USAGE
    assert call("explain", "m", "t.csv", "--html", "no/e.html")[0] == IO
    assert (tmp_path / "m").read_bytes() == before


def test_strange_labels_and_columns_are_texts(call, trained, tmp_path):
    model = trained(labels=NASTY, column="<img src=x onerror=alert(1)>")
    assert set(model.classes) == set(NASTY)
    for row in range(1, 6):
        code, out, _ = call("explain", "m", "t.csv", "--row", row)
        assert code == OK
        assert not set("\x1b\u202e") & set(out)
        assert call("explain", "m", "t.csv", "--row", row, "--html", "e.html")[0] == OK
        read = read_page(tmp_path / "e.html")
        assert "<img src=x onerror=alert(1)>" in read.text
        assert "<script>alert(1)</script>" in read.text
        assert not set("\x1b\u202e") & set((tmp_path / "e.html").read_text(encoding="utf-8"))


# -- any model ------------------------------------------------------------------------------------


def a_model(units=(3, 4, 2), activation="tanh", output="softmax", dtype=np.float64, **parts):
    params = Params.zeros(units, dtype)
    params.flat[:] = 0.8 * np.random.default_rng(1).standard_normal(params.flat.size)
    classes = np.arange(2 if output == "logistic" and units[-1] == 1 else units[-1])
    if output not in ("softmax", "logistic"):
        classes = np.arange(0)
    encoder = Encoder.identity(units[0])
    return Model(encoder, Architecture(units, activation, output), params, classes, **parts)


ROW = np.array([[0.5, -1.5, 2.0]])


def truth_of(output, N_y):
    if output == "softmax":
        return np.array([1])
    return np.ones((1, N_y), int if output == "logistic" else float)


@pytest.mark.parametrize(("activation", "output"), list(product(ACTIVATIONS, OUTPUTS)))
def test_every_kind_of_network_is_explained(activation, output):
    for units in [(3, 2), (3, 4, 2), (3, 4, 5, 1 if output != "softmax" else 2)]:
        model = a_model(units, activation, output)
        explanation = explain(model, ROW, truth_of(output, units[-1]))
        assert [step.equation.number for step in explanation.steps][-1] == 13
        Page(page(explanation))


@pytest.mark.parametrize("output", list(OUTPUTS))
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_what_is_worked_out_comes_out(output, activation):
    """The arithmetic that is shown, in rounded numbers, gives the number that is shown."""
    units = (3, 9, 8, 1 if output != "softmax" else 7)
    model = a_model(units, activation, output)
    model = replace(model, classes=np.array([f"class {k}" for k in model.classes], object))
    worked_out = 0
    for step in explain(model, ROW, truth_of(output, units[-1])).steps:
        if "gives" in step.example or not step.example:
            continue
        told, result = step.example.rsplit(" = ", 1)
        told = re.sub(r" \((?:unit|bias|x\d|the prediction|class|\d+ smaller)[^)]*\)", "", told)
        told = re.sub(r"^.*?: ", "", told) if ": " in told else told
        told = told.replace("×", "*").replace("²", "**2").replace("-log", "-np.log")
        told = re.sub(r"np\.log (\S+|\(.*?\))$", r"np.log(\1)", told)
        told = told.replace("e^-(", "np.exp(-1*(")
        told = re.sub(r"e\^(-?[\d.e-]+)", r"np.exp(\1)", told)
        told += ")" * (told.count("(") - told.count(")"))
        if told.startswith("score"):
            told = told.removeprefix("score ")
        assert eval(told, {"np": np}) == pytest.approx(float(result), rel=0.01, abs=2e-3), step
        worked_out += 1
    assert worked_out >= 10


def test_entries_are_the_largest_and_none_is_lost():
    explanation = explain(a_model((3, 40, 2)), ROW, np.array([1]))
    step = next(step for step in explanation.steps if step.equation.name == "dW1")
    value = explanation.trace["dW1"]
    assert len(step.entries) == MOST_SHOWN
    assert step.entries[0].value == value.ravel()[np.abs(value).argmax()]
    assert step.more.startswith(f"and {value.size - MOST_SHOWN} more, none larger in size than")
    place = int(np.abs(value).argmax())
    assert step.entries[0].label == f"x{place // 40} → unit {place % 40 + 1}"


def test_cut_off_units_are_counted():
    explanation = explain(a_model(activation="relu"), ROW, np.array([1]))
    cut = int((explanation.trace["r"] <= 0).sum())
    notes = {step.equation.name: step.note for step in explanation.steps}
    assert notes["h"] == f"{cut} of 4 units are cut off: their r is not above 0."
    assert notes["dr"] == f"{cut} of 4 units were cut off."


def test_what_stands_beside_the_network_is_said():
    model = a_model()
    several = replace(model, members=(model.params,), temperature=1.5)
    explanation = explain(several, ROW, np.array([1]))
    notes = " ".join(explanation.notes)
    assert "averages 2 networks; this is the first" in notes
    assert "temperature of 1.5" in notes
    assert explain(model, ROW).notes == []


def test_two_classes_have_one_score():
    explanation = explain(a_model((3, 4, 1), output="logistic"), ROW, np.array([[1]]), truth="1")
    y = next(step for step in explanation.steps if step.equation.name == "y")
    assert [entry.label for entry in y.entries] == ["1"]
    p = float(explanation.trace["y"][0, 0])
    label, share = ("1", p) if p > 0.5 else ("0", 1 - p)
    predicted = dict(explanation.facts)["predicted"]
    assert predicted == f"{label}, with a probability of {share:.4g}"


def test_a_regressor_is_explained_in_both_scales(call, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 2))
    (tmp_path / "t.csv").write_text(
        "x0,x1,cost\n" + "".join(f"{a},{b},{100 + 10 * a}\n" for a, b in x.tolist())
    )
    model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0)
    save_model(model.fit(x, 100 + 10 * x[:, 0]).model_, tmp_path / "m")
    code, out, _ = call("explain", "m", "t.csv", "--target", "cost")
    assert code == OK
    prediction = float(model.predict(x[:1])[0])
    assert f"predicted: the prediction = {prediction:.6g}" in out
    assert f"true: {100 + 10 * x[0, 0]:.6g}" in out
    assert "The network learns the target minus its mean, divided by its standard deviation" in out
    assert call("gradcheck", "m", "t.csv", "--target", "cost")[0] == OK


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        ("huber", "minus its median, divided by a spread taken from its quartiles"),
        ("poisson", "divided by its mean"),
    ],
)
def test_the_scale_that_is_told_is_that_of_the_loss(call, tmp_path, loss, told):
    X, y = np.arange(20.0).reshape(10, 2), np.arange(10.0)
    (tmp_path / "t.csv").write_text("x0,x1\n" + "".join(f"{a},{b}\n" for a, b in X.tolist()))
    model = MLPRegressor(loss, hidden_layer_sizes=(4,), max_iter=3, random_state=0)
    save_model(model.fit(X, y).model_, tmp_path / "m")
    assert f"The network learns the target {told}" in call("explain", "m", "t.csv")[1]


@pytest.fixture
def several(tmp_path):
    """Give a model of two labels, and its table: the truth of row 3 is "a" alone."""
    x = np.random.default_rng(0).normal(size=(60, 2))
    truth = (x > 0).astype(int)
    truth[2] = [1, 0]
    labels = MLPClassifier((4,), max_iter=3, random_state=0).fit(x, truth)
    save_model(labels.model_, tmp_path / "m")
    rows = [f"{a},{b},{s},{t}\n" for (a, b), (s, t) in zip(x.tolist(), truth.tolist(), strict=True)]
    (tmp_path / "t.csv").write_text("x0,x1,a,b\n" + "".join(rows))
    return labels, x, truth


def test_a_row_that_may_have_several_labels(call, several):
    labels, x, truth = several
    code, out, err = call("explain", "m", "t.csv", "--row", "3", "--target", "a", "--target", "b")
    assert (code, err) == (OK, "")
    assert re.search("^true: 0$", out, re.MULTILINE)  # the first label; 1 would be the second
    y = labels.predict_proba(x[2:3])[0]
    expected = -np.log(np.where(truth[2], y, 1 - y)).sum()
    loss = float(re.search("^loss: (.*)$", out, re.MULTILINE)[1])
    assert loss == pytest.approx(expected, rel=1e-3)
    code, out, _ = call("gradcheck", "m", "t.csv", "--target", "a", "--target", "b")
    assert code == OK
    assert out.startswith("50 rows")


def test_several_numbers_of_a_row(call, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 2))
    y = np.column_stack([100 + 10 * x[:, 0], 0.01 * x[:, 1]])
    model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0).fit(x, y)
    save_model(model.model_, tmp_path / "m")
    rows = [f"{a},{b},{c},{d}\n" for (a, b), (c, d) in zip(x.tolist(), y.tolist(), strict=True)]
    (tmp_path / "t.csv").write_text("x0,x1,cost,size\n" + "".join(rows))
    named = ("--target", "cost", "--target", "size")
    code, out, err = call("explain", "m", "t.csv", "--row", "2", *named)
    assert (code, err) == (OK, "")
    assert f"true: cost = {y[1, 0]:.6g}, size = {y[1, 1]:.6g}" in out
    scaled = (y - y.mean(axis=0)) / y.std(axis=0)
    predicted = (model.predict(x[1:2])[0] - y.mean(axis=0)) / y.std(axis=0)
    told = json.loads(call("explain", "m", "t.csv", "--row", "2", *named, "--json")[1])
    np.testing.assert_allclose(told["trace"]["y"][0], predicted, rtol=1e-4, atol=1e-6)
    expected = ((predicted - scaled[1]) ** 2 / 2).sum()
    assert told["trace"]["L"] == pytest.approx(expected, rel=1e-3)
    assert call("gradcheck", "m", "t.csv", *named)[0] == OK


@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_several_quantiles_have_one_truth(call, tmp_path, n_targets):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(40, 2)), columns=["x0", "x1"])
    y = 1000 + 100 * np.column_stack([X["x0"], X.sum(axis=1)])[:, :n_targets]
    quantiles = [0.1, 0.5, 0.9]
    settings = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
    model = MLPRegressor(loss="quantile", quantiles=quantiles, **settings)
    model.fit(X, y.ravel() if n_targets == 1 else y).save("q")
    names = ["y", "z"][:n_targets]
    X.assign(**dict(zip(names, y.T, strict=True))).to_csv(tmp_path / "q.csv", index=False)
    named = [word for name in names for word in ("--target", name)]
    code, out, err = call("explain", "q", "q.csv", "--row", "3", *named, "--json")
    assert (code, err) == (0, "")
    trace = json.loads(out)["trace"]
    low, middle, high = np.quantile(y, [0.25, 0.5, 0.75], axis=0, method="averaged_inverted_cdf")
    truth = np.repeat((y - middle) / (high - low) * 1.349, 3, axis=1)[2]
    off, q = truth - trace["y"][0], np.tile(quantiles, n_targets)
    assert trace["L"] == pytest.approx(np.maximum(q * off, (q - 1) * off).sum())
    code, out, _ = call("gradcheck", "q", "q.csv", *named, "--json")
    assert (code, json.loads(out)["passed"]) == (0, True)


def test_the_columns_of_several_targets_are_all_named_or_the_prediction_ends_it(
    call, several, tmp_path
):
    code, out, err = call("explain", "m", "t.csv")
    assert code == OK
    assert "the model predicts 2 columns, and no --target is named" in " ".join(err.split())
    assert "(4)" in out
    assert "loss" not in out.split("(1)")[0]
    for command in ("explain", "gradcheck"):
        code, _, err = call(command, "m", "t.csv", "--target", "a")
        assert code == USAGE
        assert "predicts 2 columns, and 1 are named" in " ".join(err.split())
    assert call("gradcheck", "m", "t.csv")[0] == USAGE
    lines = (tmp_path / "t.csv").read_text().splitlines()
    lines[5] = lines[5][:-1]  # row 5 has no b
    lines[6] = f"{lines[6][:-1]}2"
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    named = ("--target", "a", "--target", "b")
    code, _, err = call("explain", "m", "t.csv", "--row", "5", *named)
    assert code == OK
    assert "a true label of this row is missing" in err
    for command in (("explain", "--row", "6"), ("gradcheck",)):
        code, _, err = call(*command, "m", "t.csv", *named)
        assert code == DATA
        assert "column 'b', row 6 (line 7): 2 must be 1 where" in " ".join(err.split())


@pytest.mark.parametrize(
    ("command", "size", "dtype"),
    [(("explain", "--row", "17"), "1e300", "float32"), (("gradcheck",), "1.7e308", "float64")],
)
def test_an_input_too_large_is_told_by_its_row(call, trained, tmp_path, command, size, dtype):
    trained()
    lines = (tmp_path / "t.csv").read_text().splitlines()
    lines[17] = f"{size},red,yes"
    (tmp_path / "t.csv").write_text("\n".join(lines[:40]) + "\n")  # of which all are checked
    code, _, err = call(*command, "m", "t.csv")
    assert code == DATA
    told = f"column 'size', row 17 (line 18): {float(size)} is too large for {dtype}"
    assert told in " ".join(err.split())


# -- gradcheck ------------------------------------------------------------------------------------


def test_gradients_are_checked_in_a_table(call, trained):
    trained()
    code, out, err = call("gradcheck", "m", "t.csv", "--rows", "10")
    assert (code, err) == (OK, "")
    assert out.startswith("10 rows, in float64, without a penalty")
    for name in ("W1", "b1", "W2", "b2"):
        assert re.search(rf"^ +{name} .* ok$", out, re.MULTILINE)
    assert "the gradients are right" in out


def test_gradients_are_checked_in_part_and_for_machines(call, trained):
    trained("--hidden", "100")
    told = json.loads(call("gradcheck", "m", "t.csv", "--entries", "7", "--json")[1])
    assert told["passed"]
    assert told["rows"] == 50
    assert told["parameters"]["W1"]["entries_checked"] == 7
    assert told["parameters"]["W1"]["shape"] == [5, 100]
    told = json.loads(call("gradcheck", "m", "t.csv", "--entries", "0", "--rows", "3", "--json")[1])
    assert told["parameters"]["W1"]["entries_checked"] == 500


def test_a_gradient_that_cannot_be_compared_is_told_by_the_exit_code(call, trained, tmp_path):
    """On the corner of a relu there is no derivative, and the two ways disagree."""
    model = trained()
    model.params["W1"][:, 0] = model.params["b1"][0] = 0
    save_model(model, tmp_path / "m")
    code, out, _ = call("gradcheck", "m", "t.csv", "--rows", "10")
    assert code == 1
    assert "the gradients are not compared" in out
    assert "WRONG" not in out
    assert "10 r are exactly 0, where a relu has a corner" in out
    assert "10 of 10 rows stand there, and no row is left to compare" in out


def test_a_wrong_gradient_is_told_by_the_exit_code(call, trained, monkeypatch):
    trained()
    backward = gradcheck.backward

    def wrong(*arguments):
        gradients = backward(*arguments)
        gradients["W2"][0, 0] *= 1.001
        return gradients

    monkeypatch.setattr(gradcheck, "backward", wrong)
    code, out, _ = call("gradcheck", "m", "t.csv", "--rows", "10")
    assert code == 1
    assert "the gradients are WRONG" in out
    assert re.search(r"^ +W2 .* WRONG$", out, re.MULTILINE)


def test_gradients_need_the_truth(call, trained, tmp_path):
    trained()
    (tmp_path / "u.csv").write_text("colour,size\nred,1\n")
    code, _, err = call("gradcheck", "m", "u.csv")
    assert code == USAGE
    assert "--target y: the table has no such column" in err


def test_a_table_of_another_kind_is_explained_too(trained, tmp_path):
    model = trained()
    table = read_table(tmp_path / "t.csv")
    explanation = explain(model, table.slice(2, 1))
    assert [column.name for column in explanation.columns] == ["size", "colour"]
    assert explanation.columns[1].inputs == [("colour=green", 1.0)]
    assert explain(a_model(), ROW).columns[0].becomes == "as it is"


def test_a_long_label_keeps_its_two_ends_in_a_terminal():
    label = "the beginning" + "x" * 60 + "the end"
    told = shorter(label)
    assert len(told) == 40
    assert told.startswith("the beginning")
    assert told.endswith("the end")
    assert shorter("a short one") == "a short one"


# -- what the numbers are computed from -----------------------------------------------------------


def test_a_small_network_shows_its_weights_beside_the_results(call, tmp_path):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(40, 2)), columns=["a", "b"])
    labels = np.where(X["a"] > 0, "yes", np.where(X["b"] > 0, "no", "maybe"))
    model = MLPClassifier((3,), max_iter=5, random_state=0).fit(X, labels)
    model.save("m")
    X.assign(y=labels).to_csv(tmp_path / "t.csv", index=False)
    asked = ("explain", "m", "t.csv", "--row", "3", "--target", "y")
    code, out, _ = call(*asked)
    assert code == OK
    W1 = model.model_.params["W1"]
    first = re.search(r"r = x @ W1 \+ b1\n +x +(.*)\n +· W1 +(.*)\n +(.*)\n +\+ b1 +(.*)\n", out)
    shown = [[float(number) for number in line.split()] for line in first.groups()]
    np.testing.assert_allclose(shown[1:3], W1, rtol=1e-3)
    r = np.array(shown[0]) @ np.array(shown[1:3]) + shown[3]
    trace = json.loads(call(*asked, "--json")[1])["trace"]
    np.testing.assert_allclose(r, trace["r"][0], rtol=0.01, atol=1e-3)
    assert re.search(r"\n +\(y( +\S+){3}\n +- one-hot y_t\) / 1( +[01]){3}\n", out)
    assert re.search(r"\n +W2( +\S+){3}\n( +(\S+ +){2}\S+\n){2} +- 0\.1 × dW2( +\S+){3}\n", out)
    call(*asked, "--html", "e.html")
    page = read_page(tmp_path / "e.html")
    assert "· W1" in page.text
    for number in W1.ravel().tolist():
        assert f"{number:.4g}" in page.text


def test_of_wide_operands_the_range_is_told(call, trained, tmp_path):
    model = trained("--hidden", "300")
    out = call("explain", "m", "t.csv")[1]
    W1 = model.params["W1"]
    assert f"· W1  (5, 300): {W1.min():.4g} to {W1.max():.4g}" in out
    assert max(map(len, out.splitlines())) <= 120
    call("explain", "m", "t.csv", "--html", "e.html")
    assert f"(5, 300): {W1.min():.4g} to" in read_page(tmp_path / "e.html").text
