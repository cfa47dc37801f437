"""Importance by permutation: how much worse predictions are with a column shuffled."""

import json
from itertools import chain

import numpy as np
import pandas as pd
import pytest
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score, log_loss

from handgrad import DataError, MLPClassifier, MLPRegressor, TabularClassifier
from handgrad.chance import order_for, share_for
from handgrad.cli.importance import Shuffles
from handgrad.models import importance as rules
from handgrad.models.evaluation import evaluate, evaluate_numbers, worsening, worsening_words
from handgrad.models.importance import importances, leading_figure, rows_to_shuffle
from handgrad.tables.encode import Encoded
from handgrad.tables.frames import from_frame
from handgrad.tables.rows import take

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

OK, USAGE, DATA = 0, 2, 3
N = 300
WORDS = np.array(["red", "green", "blue"])


def the_table(n=N, seed=0):
    chance = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "size": chance.normal(size=n).round(3),
            "colour": WORDS[chance.integers(3, size=n)],
            "noise": chance.normal(size=n).round(3),
        }
    )
    X.loc[::11, "size"] = np.nan
    return X, np.where((X["size"].fillna(1) > 0) ^ (X["colour"] == "red"), "yes", "no")


@pytest.fixture(scope="module")
def trained():
    X, y = the_table()
    model = TabularClassifier(networks="sharp", updates=200, n_networks=2, random_state=0)
    return model.fit(X, y)


def judge_of(model, y, weight=None):
    y_t = np.searchsorted(model.classes_, y)
    return lambda rows: evaluate(y_t, model.model_.predict_log_proba(rows), model.classes_, weight)


def measured(model, X, y, weight=None, **how):
    x = model.model_.encode(from_frame(X)).x
    return importances(model.model_.encoder, x, judge_of(model, y, weight), weight, **how)


# -- chance --------------------------------------------------------------------------------------


def test_an_order_is_of_its_place_alone():
    assert sorted(order_for(100, 3, 1)) == list(range(100))
    assert order_for(8, 0).tolist() == [6, 0, 3, 1, 4, 2, 7, 5]  # in ten years, too
    assert not np.array_equal(order_for(100, 0, 1), order_for(100, 1, 0))
    assert not np.array_equal(order_for(100, 0), order_for(100, 0, 0))
    assert order_for(0, 1).size == 0
    order_for(3, 2**70, -1)  # any whole number


def test_a_share_is_of_its_place_alone_and_anywhere():
    assert share_for(1, 2) == share_for(1, 2) != share_for(2, 1)
    counts = np.histogram([share_for(seed) for seed in range(4000)], bins=4, range=(0, 1))[0]
    assert counts.min() > 900


def test_every_order_is_as_likely():
    orders = [tuple(order_for(3, seed)) for seed in range(6000)]
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == 6
    assert counts.min() > 880
    assert counts.max() < 1120


# -- inputs of a column --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"preprocess": "robust", "skip": True},
        {"preprocess": "piecewise"},
        {"preprocess": "piecewise", "skip": True, "min_frequency": 90},
    ],
)
def test_shuffled_inputs_are_those_of_shuffled_cells(settings):
    X, y = the_table()
    model = MLPClassifier((4,), max_iter=2, random_state=0, **settings).fit(X, y).model_
    x, order = model.encode(from_frame(X)).x, order_for(N, 5)
    places = model.encoder.all_places
    assert sorted(chain.from_iterable(places.values())) == list(range(x.shape[1]))
    for column in model.encoder.needed:
        shuffled = X.assign(**{column: X[column].to_numpy()[order]})
        own = np.array(x)
        own[:, places[column]] = x[order][:, places[column]]
        assert np.array_equal(own, model.encode(from_frame(shuffled)).x), column


# -- the rule ------------------------------------------------------------------------------------


def test_it_is_the_rise_of_the_loss_and_the_drop_of_the_accuracy(trained):
    X, y = the_table(seed=1)
    found = {one.column: one for one in measured(trained, X, y, repeats=3, seed=4)}
    at = trained.model_.encoder.needed.index("colour")
    for repeat in range(3):
        cells = X["colour"].to_numpy()[rules._givers(np.ones(N), 4, at, repeat)]
        before, after = (trained.predict_proba(rows) for rows in (X, X.assign(colour=cells)))
        rise = log_loss(y, after) - log_loss(y, before)
        drop = trained.score(X, y) - accuracy_score(y, trained.predict(X.assign(colour=cells)))
        worse = found["colour"].worsening
        assert worse["log_loss_rise"][repeat] == pytest.approx(rise, abs=1e-6)
        assert worse["accuracy_drop"][repeat] == pytest.approx(drop, abs=1e-12)
    rises = found["colour"].worsening["log_loss_rise"]
    assert found["colour"].mean["log_loss_rise"] == pytest.approx(rises.mean())
    assert found["colour"].std["log_loss_rise"] == pytest.approx(rises.std())


def test_columns_come_by_importance_and_what_does_not_vary_has_none(trained):
    X, y = the_table(seed=1)
    names = [one.column for one in measured(trained, X, y)]
    assert set(names[:2]) == {"size", "colour"}
    assert names[2:] == ["noise"]
    found = {one.column: one for one in measured(trained, X.assign(size=1.5), y)}
    assert found["size"].worsening["log_loss_rise"].tolist() == [0.0] * 5
    assert found["size"].mean == found["size"].std == {"log_loss_rise": 0, "accuracy_drop": 0}


def test_a_seed_means_the_same_and_the_rows_stay_as_they_are(trained):
    X, y = the_table(seed=1)
    x = trained.model_.encode(from_frame(X)).x
    before, judge = np.array(x), judge_of(trained, y)

    def rises(**how):
        found = importances(trained.model_.encoder, x, judge, **how)
        return {one.column: one.worsening["log_loss_rise"].tolist() for one in found}

    assert rises(seed=3) == rises(seed=3) != rises(seed=4)
    assert {name: of[:2] for name, of in rises().items()} == rises(repeats=2)
    assert np.array_equal(x, before)


def test_it_is_scikit_learns_within_noise(trained):
    X, y = the_table(1000, seed=1)
    theirs = permutation_importance(trained, X, y, n_repeats=20, random_state=0)
    ours = {one.column: one for one in measured(trained, X, y, repeats=20)}
    for name, mean, std in zip(X, theirs.importances_mean, theirs.importances_std, strict=True):
        own = ours[name].mean["accuracy_drop"]
        noise = np.hypot(std, ours[name].std["accuracy_drop"]) / np.sqrt(20)
        assert abs(own - mean) < 4 * noise + 1e-3, name


def test_numbers_in_the_sense_of_scikit_learn():
    X, _ = the_table(400)
    y = 3 * X["size"].fillna(0) + (X["colour"] == "red")
    model = MLPRegressor(hidden_layer_sizes=(8,), max_iter=30, random_state=0).fit(X, y)
    theirs = permutation_importance(model, X, y, n_repeats=20, random_state=0)

    def judge(rows):
        found = model.model_.predict_numbers(rows)
        return evaluate_numbers(y.to_numpy()[:, None], found, ["prediction"])

    x = model.model_.encode(from_frame(X)).x
    ours = {one.column: one for one in importances(model.model_.encoder, x, judge, repeats=20)}
    for name, mean, std in zip(X, theirs.importances_mean, theirs.importances_std, strict=True):
        own = ours[name].mean["r2_drop"]
        noise = np.hypot(std, ours[name].std["r2_drop"]) / np.sqrt(20)
        assert abs(own - mean) < 4 * noise + 1e-3, name
    assert ours["size"].mean["root_mean_squared_error_rise"] > 0.2


# -- weights -------------------------------------------------------------------------------------


def test_equal_weights_are_no_weights(trained):
    X, y = the_table(seed=1)
    plain, weighed = measured(trained, X, y), measured(trained, X, y, np.full(N, 3.0))
    for one, other in zip(plain, weighed, strict=True):
        assert one.column == other.column
        np.testing.assert_allclose(
            one.worsening["log_loss_rise"], other.worsening["log_loss_rise"], atol=1e-12
        )


def test_a_row_of_weight_3_gives_its_cell_three_times_as_often():
    weight = np.array([3.0, 1.0, 1.0, 1.0])
    dealt = np.array([rules._givers(weight, 0, 0, repeat) for repeat in range(4000)])
    for row in range(4):
        shares = np.bincount(dealt[:, row], minlength=4) / len(dealt)
        np.testing.assert_allclose(shares, weight / weight.sum(), atol=0.04)
    assert sorted(rules._givers(np.full(9, 0.1), 5)) == list(range(9))


def test_weights_count_as_rows_repeated(trained):
    X, y = the_table(seed=1)
    weight = np.where(X["colour"] == "red", 3.0, 1.0)
    many = np.repeat(np.arange(N), weight.astype(int))
    by_weight = {one.column: one for one in measured(trained, X, y, weight, repeats=60)}
    for one in measured(trained, X.iloc[many], y[many], repeats=60):
        other = by_weight[one.column]
        name = "log_loss_rise"
        noise = np.hypot(one.std[name], other.std[name]) / np.sqrt(60)
        assert abs(one.mean[name] - other.mean[name]) < 4 * noise + 1e-6


# -- which rows ----------------------------------------------------------------------------------


def test_rows_are_all_or_a_sample(trained, monkeypatch):
    encoder, counted = trained.model_.encoder, np.arange(50) % 5 > 0
    assert rows_to_shuffle(encoder, counted, 0).tolist() == np.flatnonzero(counted).tolist()
    monkeypatch.setattr(rules, "MOST_ROWS", 10)
    some = rows_to_shuffle(encoder, counted, 0)
    assert len(some) == 10
    assert (np.diff(some) > 0).all()
    assert counted[some].all()
    assert not np.array_equal(some, rows_to_shuffle(encoder, counted, 1))
    monkeypatch.setattr(rules, "MOST_CELLS", 4 * encoder.n_inputs)
    assert len(rows_to_shuffle(encoder, counted, 0)) == 4
    with pytest.raises(DataError, match="needs 2 rows or more that have their truth; there is 1"):
        rows_to_shuffle(encoder, np.arange(9) == 3, 0)


def test_figures_get_worse_each_in_its_way():
    y_t, classes = np.array([0, 1]), np.array(["a", "b"])
    good, bad = (np.log([[p, 1 - p], [1 - p, p]]) for p in (0.9, 0.2))
    worse = worsening(evaluate(y_t, good, classes), evaluate(y_t, bad, classes))
    assert worse["accuracy_drop"] == 1
    assert worse["log_loss_rise"] == pytest.approx(np.log(0.9 / 0.2))
    assert [*map(worsening_words, worse)] == ["log-loss rise", "accuracy drop"]
    assert worsening_words("root_mean_squared_error_rise") == "root mean squared error rise"


# -- on the command line -------------------------------------------------------------------------


@pytest.fixture
def judged(call, trained):
    """Evaluate a table, and give its importances by column."""
    trained.save("m")
    X, y = the_table(seed=1)
    X.assign(y=y).to_csv("t.csv", index=False)

    def evaluated(*options, model="m"):
        code, out, err = call("evaluate", model, "t.csv", "--importance", "--json", *options)
        assert code == OK, err
        told = json.loads(out)
        columns = {one.pop("column"): one for one in told["importance"]["columns"]}
        return columns, told, err

    return evaluated


def test_the_command_says_what_the_function_does(judged, trained):
    columns, told, _ = judged("--target", "y", "--seed", "4", "--repeats", "3")
    X, y = the_table(seed=1)
    for one in measured(trained, X, y, repeats=3, seed=4):
        for name, mean in one.mean.items():
            assert columns[one.column][name]["mean"] == pytest.approx(mean, abs=1e-7)
            assert columns[one.column][name]["std"] == pytest.approx(one.std[name], abs=1e-7)
    told = told["importance"]
    assert (told["rows"], told["repeats"], told["seed"]) == (N, 3, 4)
    assert list(columns) == [one.column for one in measured(trained, X, y, repeats=3, seed=4)]


def test_it_is_printed_with_bars(call, judged):
    judged("--target", "y")
    code, out, _ = call("evaluate", "m", "t.csv", "--target", "y", "--importance")
    assert code == OK
    assert f"importance: how much worse {N} rows are predicted" in out
    lines = out.split("importance:")[1].splitlines()
    assert lines[2].split() == ["column", "log-loss", "rise", "accuracy", "drop"]
    assert lines[4].endswith("#" * 20)
    assert not lines[6].endswith("#" * 3)  # of noise
    assert {line.split()[0] for line in lines[4:7]} == {"size", "colour", "noise"}
    plain = call("evaluate", "m", "t.csv", "--target", "y")[1]
    assert plain == out.split("importance:")[0]


def test_many_columns_are_cut_in_print_only(call, tmp_path):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 35)))
    X.columns = [f"c{k}" for k in X]
    y = np.where(X["c0"] > 0, "a", "b")
    MLPClassifier((3,), max_iter=3, random_state=0).fit(X, y).save("m")
    X.assign(y=y).to_csv("t.csv", index=False)
    out = call("evaluate", "m", "t.csv", "--target", "y", "--importance")[1]
    assert "and 5 more columns, of less importance; --json tells all" in out
    told = json.loads(call("evaluate", "m", "t.csv", "--target", "y", "--importance", "--json")[1])
    assert len(told["importance"]["columns"]) == 35


def test_portions_change_nothing(judged, monkeypatch):
    whole = judged("--target", "y")[0]
    monkeypatch.setattr("handgrad.cli.reading.PORTION_BYTES", 0)
    monkeypatch.setattr("handgrad.tables.files.parsing.STREAMED_BYTES", 128)
    monkeypatch.setattr("handgrad.tables.files.parsing.BLOCK_BYTES", 1024)
    parts, gathered = [], Shuffles.gathering
    monkeypatch.setattr(
        Shuffles,
        "gathering",
        lambda self, portions: gathered(self, (parts.append(one) or one for one in portions)),
    )
    assert judged("--target", "y")[0] == whole
    assert len(parts) > 2
    monkeypatch.setattr(rules, "MOST_ROWS", 40)
    columns, told, err = judged("--target", "y")
    assert told["importance"]["rows"] == 40
    assert told["rows"] == N
    assert f"--importance: measured on 40 of {N} rows, drawn by --seed 0" in err
    monkeypatch.setattr("handgrad.cli.reading.PORTION_BYTES", 1 << 30)
    assert judged("--target", "y")[0] == columns


def test_rows_without_truth_or_weight_are_not_shuffled(call, judged):
    judged("--target", "y")
    X, y = the_table(seed=1)
    table = X.assign(y=y, w=1.0)
    table.loc[::2, "w"] = 0
    table.loc[1::4, "y"] = None
    table.to_csv("t.csv", index=False)
    some = judged("--target", "y", "--weight", "w")
    assert some[1]["importance"]["rows"] == some[1]["rows"] < N
    counted = (table["w"] > 0) & table["y"].notna()
    table[counted].to_csv("t.csv", index=False)
    assert judged("--target", "y", "--weight", "w")[0] == some[0]


def test_figures_and_shuffles_are_by_weight(judged, trained):
    judged("--target", "y")
    X, y = the_table(seed=1)
    weight = np.where(X["size"] > 0, 5.0, 1.0)
    X.assign(y=y, w=weight).to_csv("t.csv", index=False)
    columns = judged("--target", "y", "--weight", "w")[0]
    for one in measured(trained, X, y, weight):
        for name, mean in one.mean.items():
            assert columns[one.column][name]["mean"] == pytest.approx(mean, abs=1e-7)


def test_numbers_quantiles_and_several_labels(call):
    X, _ = the_table()
    X["y"] = 3 * X["size"].fillna(0) + (X["colour"] == "red")
    X["yes"], X["red"] = (X["size"] > 0).astype(int), (X["colour"] == "red").astype(int)
    X.to_csv("t.csv", index=False)
    features = X[["size", "colour", "noise"]]
    quick = {"hidden_layer_sizes": (8,), "max_iter": 20, "random_state": 0}
    MLPRegressor(**quick).fit(features, X["y"]).save("numbers")
    MLPRegressor(loss="quantile", quantiles=(0.1, 0.9), **quick).fit(features, X["y"]).save("q")
    MLPClassifier(**quick).fit(features, X[["yes", "red"]]).save("labels")
    figures = {
        ("numbers", "y"): ["r2_drop", "root_mean_squared_error_rise"],
        ("q", "y"): ["pinball_loss_rise"],
        ("labels", "yes", "red"): ["log_loss_rise", "accuracy_drop"],
    }
    for (model, *targets), names in figures.items():
        named = [part for target in targets for part in ("--target", target)]
        code, out, err = call("evaluate", model, "t.csv", *named, "--importance", "--json")
        assert code == OK, err
        first = json.loads(out)["importance"]["columns"]
        assert [name for name in first[0] if name != "column"] == names
        assert first[0]["column"] != "noise"
        assert call("evaluate", model, "t.csv", *named, "--importance")[0] == OK


def test_where_the_truth_does_not_vary_there_is_no_r2(call):
    X, _ = the_table()
    y = 3 * X["size"].fillna(0)
    MLPRegressor(hidden_layer_sizes=(8,), max_iter=20, random_state=0).fit(X, y).save("m")
    X.assign(y=1.0).to_csv("t.csv", index=False)
    code, out, err = call("evaluate", "m", "t.csv", "--target", "y", "--importance", "--json")
    assert code == OK, err
    first = json.loads(out)["importance"]["columns"][0]
    assert first["column"] == "size"
    assert first["r2_drop"] == {"mean": None, "std": None}
    code, out, _ = call("evaluate", "m", "t.csv", "--target", "y", "--importance")
    assert " - " in out.split("importance:")[1]
    assert "#" * 20 in out


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (
            ("--repeats", "3"),
            USAGE,
            "--repeats is for --importance; add it, or leave --repeats out",
        ),
        (("--seed", "0"), USAGE, "--seed is for --importance"),
        (("--importance", "--repeats", "0"), USAGE, "--repeats"),
        (("--importance", "--seed", "-1"), USAGE, "--seed"),
    ],
)
def test_what_does_not_go_together_is_refused(call, judged, options, code, told):
    judged("--target", "y")
    assert call("evaluate", "m", "t.csv", "--target", "y", *options)[0] == code
    assert told in call("evaluate", "m", "t.csv", "--target", "y", *options)[2]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda table: table[:1], "needs 2 rows or more that have their truth; there is 1"),
        (lambda table: table.drop(columns="colour"), "lacks the columns ['colour']"),
        (lambda table: table.assign(size="large"), "large"),
    ],
)
def test_tables_that_cannot_be_shuffled_are_refused(call, judged, change, told):
    judged("--target", "y")
    X, y = the_table(seed=1)
    change(X.assign(y=y)).to_csv("t.csv", index=False)
    code, out, err = call("evaluate", "m", "t.csv", "--target", "y", "--importance")
    assert (code, out) == (DATA, "")
    assert told in err


def test_two_rows_and_unknown_cells_are_measured(call, judged):
    judged("--target", "y")
    X, y = the_table(seed=1)
    X.assign(y=y)[:2].to_csv("t.csv", index=False)
    assert judged("--target", "y")[1]["importance"]["rows"] == 2
    X.assign(y=y, size="large").to_csv("t.csv", index=False)
    columns = judged("--target", "y", "--unknown", "allow")[0]
    assert columns["size"]["log_loss_rise"] == {"mean": 0, "std": 0}


def test_a_report_shows_the_columns(call, judged, tmp_path):
    judged("--target", "y", "--report", "r")
    assert (tmp_path / "r" / "importance.png").exists()
    page = (tmp_path / "r" / "report.html").read_text()
    assert "Which columns it leans on" in page
    assert "<h2>Importance of the columns</h2>" in page
    assert '<th class="number">log-loss rise</th>' in page
    code, _, _ = call("evaluate", "m", "t.csv", "--target", "y", "--report", "plain")
    assert code == OK
    assert not (tmp_path / "plain" / "importance.png").exists()
    assert "Importance" not in (tmp_path / "plain" / "report.html").read_text()


def test_bars_are_drawn_whatever_the_figures():
    from handgrad import plots

    def one(column, *figures):
        return rules.Importance(
            column, {n: np.array(v) for n, v in zip("ab", figures, strict=True)}
        )

    nan, huge = [np.nan, np.nan], [1e308, 1.7e308]
    few = [one("a", nan, huge), one("b$x$" * 30, nan, [0.0, 0.0]), one("c", nan, [-1.0, 2.0])]
    assert leading_figure(few) == "b"
    figure = plots.importance_bars(few)
    assert figure.axes[0].get_title("left") == "Importance of the columns"
    assert figure.axes[0].get_yticklabels()[0].get_text() == "a"
    many = [one(f"c{k}", [1.0 / (k + 1)], [0.0]) for k in range(90)]
    figure = plots.importance_bars(many)
    figure.canvas.draw()
    assert len(figure.axes[0].patches) == 30


def test_a_picked_row_is_the_row_that_was_counted(trained):
    """The rows of an importance are places in the table, as ``take`` has them."""
    X, y = the_table(seed=1)
    table = from_frame(X)
    rows = rows_to_shuffle(trained.model_.encoder, np.array(y) == "yes", 0)
    picked = trained.model_.encode(take(table, rows)).x
    assert np.array_equal(picked, trained.model_.encode(table).x[rows])
    assert isinstance(trained.model_.encode(table), Encoded)
