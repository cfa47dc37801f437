"""``handgrad fit`` by its two recipes: which one trains, what judges it, what it tells."""

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, log_loss, r2_score

from handgrad import TabularClassifier, TabularRegressor
from handgrad.cli.fit_options import TRAINING_OPTIONS
from handgrad.cli.recipes import PLAIN, STRONG
from handgrad.estimators.recipe import EFFORTS, KINDS
from handgrad.models.file import load_model

OK, USAGE, DATA = 0, 2, 3
chance = np.random.default_rng(7)
N = 120
X = pd.DataFrame({"a": chance.normal(size=N).round(3), "b": list("uvwx") * 30})
SIGNAL = X["a"] + (X["b"] == "u")
LABELS = pd.Series(np.where(SIGNAL + chance.normal(size=N) / 2 > 0.4, "yes", "no"), name="y")
NUMBERS = (3 * SIGNAL + chance.normal(size=N)).round(3).rename("n")
WEIGHTS = pd.Series(chance.integers(0, 4, size=N), name="w")

FAST = ("--effort", "fast")
FIT = ("fit", "t.csv", "--target", "y", "-q")
FIT_NUMBERS = ("fit", "n.csv", "--target", "n", "--task", "regression", "-q")
FIT_FRAME = ("fit", "t.parquet", *FIT[2:])
FIT_NUMBERS_FRAME = ("fit", "n.parquet", *FIT_NUMBERS[2:])


@pytest.fixture
def call(call):
    X.assign(y=LABELS).to_csv("t.csv", index=False)
    X.assign(n=NUMBERS).to_csv("n.csv", index=False)
    X.assign(y=LABELS).to_parquet("t.parquet")  # with numbers as a frame has them, not as texts
    X.assign(n=NUMBERS).to_parquet("n.parquet")
    return call


def told(call, *arguments):
    code, out, err = call(*arguments, "--json")
    assert (code, err) == (OK, "")
    return json.loads(out)


# -- which recipe trains ------------------------------------------------------------------------


def test_without_an_option_of_a_recipe_fit_trains_what_the_tabular_estimator_trains(call):
    assert call(*FIT_FRAME, "--seed", "4", "--model", "m")[0] == OK
    assert call(*FIT_FRAME, "--seed", "4", "--recipe", "strong", "--model", "again")[0] == OK
    wanted = TabularClassifier(random_state=4).fit(X, LABELS).model_
    for got in (load_model("m"), load_model("again")):
        assert got.architecture == wanted.architecture
        assert len(got.networks) >= EFFORTS["medium"].n_networks
        for ours, theirs in zip(got.networks, wanted.networks, strict=True):
            np.testing.assert_array_equal(ours.flat, theirs.flat)


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ([], {}),
        (["--networks", "3"], {"n_networks": 3}),
        (["--loss", "huber", "--delta", "0.5"], {"loss": "huber", "delta": 0.5}),
        (
            ["--loss", "quantile", "--quantiles", "0.1,0.9"],
            {"loss": "quantile", "quantiles": (0.1, 0.9)},
        ),
        (["--min-frequency", "31", "--engine", "numpy"], {"min_frequency": 31, "engine": "numpy"}),
    ],
)
def test_options_of_both_recipes_and_of_the_strong_one_set_its_parameters(call, options, settings):
    content = told(call, *FIT_NUMBERS_FRAME, *FAST, *options, "--model", "m")
    assert content["settings"]["recipe"] == "strong"
    wanted = TabularRegressor(effort="fast", random_state=0, **settings).fit(X, NUMBERS)
    np.testing.assert_array_equal(load_model("m").params.flat, wanted.model_.params.flat)
    assert content["network"]["networks"] == len(wanted.networks_)


def test_weights_of_classes_go_with_the_strong_recipe(call):
    call(*FIT_FRAME, *FAST, "--class-weight", "balanced", "--model", "m")
    wanted = TabularClassifier("fast", class_weight="balanced", random_state=0).fit(X, LABELS)
    np.testing.assert_array_equal(load_model("m").params.flat, wanted.model_.params.flat)


PLAIN_OPTIONS = [option for option in TRAINING_OPTIONS if option.recipe == PLAIN]
VALUES = {
    "weight_decay": ["--optimizer", "adamw", "--weight-decay", "0.1"],
    "clip_norm": ["--clip-norm", "1"],
    "label_smoothing": ["--label-smoothing", "0.1"],
}


def given(option):
    """Write an option with a value that it may have."""
    if option.is_flag:
        return [option.opts[0]]
    return VALUES.get(option.name, [option.opts[0], str(option.default or 1)])


@pytest.mark.parametrize("option", PLAIN_OPTIONS, ids=lambda option: option.name)
def test_an_option_of_a_plain_network_chooses_plain_and_does_not_go_with_strong(call, option):
    assert len(PLAIN_OPTIONS) > 15
    settings = told(call, *FIT, *given(option), "--engine", "numpy")["settings"]
    assert settings["recipe"] == "plain"
    assert option.name in settings
    assert not {"effort", "networks"} & set(settings)
    code, out, err = call("fit", "no.csv", *FIT[2:], "--recipe", "strong", *given(option))
    assert (code, out) == (USAGE, "")
    asked = given(option)[0]
    assert f"{asked} is for --recipe plain; leave it out, or say --recipe plain" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--recipe", "plain", "--effort", "fast"], "--effort is for --recipe strong; leave it"),
        (["--recipe", "plain", "--networks", "2"], "--networks is for --recipe strong; leave it"),
        (
            ["--effort", "fast", "--hidden", "8"],
            "--effort is for --recipe strong, and --hidden is for --recipe plain; leave one",
        ),
        (["--networks", "0"], "1<=x<=1000"),
        (["--effort", "much"], "'much' is not one of 'fast', 'medium', 'high'"),
        (["--recipe", "mine"], "'mine' is not one of 'strong', 'plain'"),
    ],
)
@pytest.mark.parametrize("command", ["fit", "cv"])
def test_recipes_do_not_mix(call, command, options, message):
    code, out, err = call(command, "no.csv", "--target", "y", *options)
    assert (code, out) == (USAGE, "")
    assert message in err


def test_plain_is_plain_without_another_option(call):
    content = told(call, *FIT, "--recipe", "plain")
    assert content["settings"]["hidden"] == [100]
    assert "because" not in content["settings"]
    assert "recipe: " not in call(*FIT, "--recipe", "plain")[1]
    chosen = call(*FIT, "--hidden", "3", "--epochs", "2")[1]
    assert "recipe: plain, because of --hidden; without it, fit trains --recipe strong\n" in chosen
    assert content["judged_by"] == "validation"
    assert "race" not in content


def test_efforts_are_those_of_the_estimators():
    effort = next(option for option in TRAINING_OPTIONS if option.name == "effort")
    assert [*effort.type.choices] == [*EFFORTS]
    assert effort.recipe == STRONG


# -- what it is judged by -----------------------------------------------------------------------


def test_labels_are_judged_by_networks_that_have_not_seen_them(call):
    content = told(call, *FIT_FRAME, "--networks", "3", *FAST)
    assert content["judged_by"] == "held_back"
    model = TabularClassifier("fast", n_networks=3, random_state=0).fit(X, LABELS)
    p = model.oob_decision_function_
    known = ~np.isnan(p[:, 0])
    evaluation = content["evaluation"]
    assert evaluation["rows"] == known.sum() > 40
    assert evaluation["log_loss"] == pytest.approx(log_loss(LABELS[known], p[known]), rel=1e-4)
    found = model.classes_[p[known].argmax(axis=1)]
    assert evaluation["accuracy"] == pytest.approx(accuracy_score(LABELS[known], found))
    assert content["rows"] == {
        "training": N, "validation": 0, "test": 0, "held_back": known.sum(),
        "without_label": 0, "without_weight": 0,
    }  # fmt: skip


def test_numbers_are_judged_by_networks_that_have_not_seen_them(call):
    content = told(call, *FIT_NUMBERS_FRAME, "--networks", "2", *FAST)
    model = TabularRegressor("fast", n_networks=2, random_state=0).fit(X, NUMBERS)
    known = ~np.isnan(model.oob_prediction_)
    r2 = r2_score(NUMBERS[known], model.oob_prediction_[known])
    assert content["judged_by"] == "held_back"
    assert content["evaluation"]["r2"] == pytest.approx(r2, rel=1e-4)


def test_quantiles_are_judged_in_the_units_of_the_target(call):
    content = told(call, *FIT_NUMBERS, "--loss", "quantile", "--quantiles", "0.1,0.9", *FAST)
    shares = content["evaluation"]["columns"]
    assert shares["prediction 0.1"]["share_below"] < 0.4
    assert shares["prediction 0.9"]["share_below"] > 0.6


def test_held_back_rows_keep_their_weights_and_rows_without_one_are_not_judged(call):
    X.assign(y=LABELS, w=WEIGHTS).to_csv("w.csv", index=False)
    content = told(call, "fit", "w.csv", *FIT[2:], "--weight", "w", "--networks", "8", *FAST)
    assert content["rows"]["without_weight"] == (WEIGHTS == 0).sum()
    assert content["evaluation"]["rows"] <= (WEIGHTS > 0).sum()
    total = np.sum(content["evaluation"]["confusion_matrix"])
    assert total > content["evaluation"]["rows"], "the figures are by weight"


def test_test_rows_judge_if_there_are_any(call):
    content = told(call, *FIT, *FAST, "--test", "0.25")
    assert content["judged_by"] == "test"
    assert content["evaluation"]["rows"] == content["rows"]["test"] == 30
    assert content["rows"]["training"] == 90


def test_the_training_rows_judge_where_none_can_be_held_back(call):
    X.iloc[:3].assign(y=["yes", "no", "yes"]).to_csv("few.csv", index=False)
    code, out, err = call("fit", "few.csv", *FIT[2:], *FAST)
    assert (code, err) == (OK, "")
    assert "3 training rows: accuracy" in out
    assert "The model was trained on these rows" in out
    assert "race, by loss on training rows: " in out
    assert "kept epoch" not in out


def test_what_the_figures_are_worth_is_told(call, monkeypatch):
    with monkeypatch.context() as without_doubt:
        without_doubt.setattr("handgrad.estimators.voting.IN_DOUBT", -np.inf)
        one = call(*FIT, *FAST)[1]
    assert re.search(r"\n1 (smooth|sharp) network of \d+ epochs in [\d.]+ s; kept epoch \d+\n", one)
    of_one = "No network trained on these rows, but they chose the networks and their epochs"
    assert of_one in one
    both = call(*FIT, *FAST)[1]  # on one fold, whoever goes on
    assert of_one in both
    several = call(*FIT, *FAST, "--networks", "2")[1]
    assert "judged only by networks that had not trained on it" in several
    assert "--test 0.2 gives an independent figure" in one
    assert "--test 0.2 gives an independent figure" in several
    assert "--test 0.2" not in call(*FIT, *FAST, "--test", "0.2")[1]


def test_rows_that_repeat_a_few_are_told_of(call):
    rows = [f"{i % 6},{i % 2}" for i in range(120)]
    with open("six.csv", "w") as file:
        file.write("\n".join(["x,y", *rows]) + "\n")
    code, _, err = call("fit", "six.csv", *FIT[2:], *FAST)
    assert code == OK
    assert "120 of 120 rows repeat a few different ones" in err
    assert "equal rows may be on both sides" in err
    assert call("fit", "six.csv", *FIT[2:], *FAST, "--test", "0.2")[2].count("both sides") == 1


# -- what it tells -----------------------------------------------------------------------------


def test_text_and_json_tell_of_the_race_and_of_each_network(call):
    arguments = (*FIT, *FAST, "--networks", "3")
    content = told(call, *arguments)
    assert (content["settings"]["effort"], content["settings"]["networks"]) == ("fast", 3)
    raced, networks = content["race"], content["ensemble"]
    assert [one["kind"] for one in raced] == [*KINDS]
    assert {(one["updates"], one["fold"]) for one in raced} == {(500, 0)}
    best, other = sorted(raced, key=lambda one: one["loss"])
    assert len(networks) == content["network"]["networks"]
    assert {one["fold"] for one in networks} == {0, 1, 2}
    of_race = [one for one in networks if one["fold"] == 0]
    assert all(any(one | raced_one == one for raced_one in raced) for one in of_race)
    assert sum(one["share"] for one in networks) == pytest.approx(1)
    first = {name: content[name] for name in ("epochs", "kept_epoch", "stopped_by")}
    assert networks[0] | first == networks[0]
    kept = content["history"][content["kept_epoch"] - 1]
    assert kept["validation_loss"] == networks[0]["loss"]
    text = call(*arguments)[1]
    assert (
        f"race, by loss on held-back rows: {best['kind']}: {best['loss']:.3g}; "
        f"{other['kind']}: {other['loss']:.3g}\n" in text
    )
    counts, shares = Counter(one["kind"] for one in networks), Counter()
    for one in networks:
        shares[one["kind"]] += one["share"]
    of_kinds = [f"{n} {kind} with a share of {shares[kind]:.0%}" for kind, n in counts.items()]
    words = f"{len(networks)} networks, {' and '.join(of_kinds)},"
    if len(counts) == 1:
        words = f"{len(networks)} {networks[0]['kind']} networks"
    epochs = ", ".join(str(one["kept_epoch"]) for one in networks)
    assert re.search(
        rf"\n{words} of {best['epochs']} epochs in [\d.]+ s; kept epochs {epochs}\n", text
    )
    assert f"network: {len(networks)} networks, " in text
    assert "ended by" not in text


def test_numbers_of_updates_that_race_are_named(call):
    rows = [f"{x:.3f},{x * x > 1}" for x in chance.normal(size=400)]
    with open("long.csv", "w") as file:
        file.write("\n".join(["a,y", *rows]) + "\n")
    text = call("fit", "long.csv", *FIT[2:], "--networks", "1")[1]
    assert re.search(
        r"held-back rows: ((smooth|sharp), (1,5|5)00 updates: [\d.e-]+(; )?){4}\n", text
    )
    assert re.search(r"\n\d .*(smooth|sharp) .* of [\d, ]+ epochs in [\d.]+ s; kept", text)


def test_progress_ends_with_one_line_in_a_pipe(call):
    code, _, err = call(*FIT[:4], *FAST, "--networks", "2")
    assert code == OK
    columns, line = err.splitlines()
    assert columns.startswith("columns: ")
    assert re.fullmatch(
        r"(smooth|sharp) network (\d)/\2  epoch (\d+)/\3  loss \S+  held back \S+", line
    )
    err = call("cv", *FIT[1:4], *FAST, "--folds", "2")[2]
    assert re.search(r"(?m)^fold 2/2  sharp network 2/2  epoch (\d+)/\1  loss", err)


def test_progress_in_a_terminal_names_the_network_and_the_time_left(call):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "handgrad", *FIT[:4], *FAST]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 1 << 16)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
    os.close(ours)
    assert process.returncode == OK
    text = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", shown.decode())
    assert re.search(r"(smooth|sharp) network \d/2\s+epoch \d+/\d+", text)
    assert re.search(r"\d:\d\d left", text)


def test_a_report_has_the_figures_and_pictures_of_rows_not_seen(call, tmp_path):
    content = told(call, *FIT, *FAST, "--networks", "2", "--report", "r")
    page = (tmp_path / "r" / "report.html").read_text()
    assert f"{content['evaluation']['rows']} held-back rows" in page
    assert "race, by loss on held-back rows" in page
    assert "those of the first network" in page
    for name in ("learning_curve.png", "confusion_matrix.png", "calibration.png"):
        assert (tmp_path / "r" / name).stat().st_size > 5000
    assert call(*FIT_NUMBERS, *FAST, "--report", "s")[0] == OK
    assert (tmp_path / "s" / "predictions.png").stat().st_size > 5000


@pytest.mark.parametrize(("fit", "table"), [(FIT, "t.csv"), (FIT_NUMBERS, "n.csv")])
def test_the_model_file_predicts_and_is_judged_and_described(call, fit, table):
    assert call(*fit, *FAST, "--networks", "2", "--model", "m")[0] == OK
    assert f"network: {len(load_model('m').networks)} networks, " in call("info", "m")[1]
    code, out, _ = call("predict", "m", table)
    rows = [row["prediction"] for row in csv.DictReader(io.StringIO(out))]
    assert (code, len(rows)) == (OK, N)
    judged = json.loads(call("evaluate", "m", table, "--json")[1])
    assert judged["rows"] == N
    assert judged["accuracy" if table == "t.csv" else "r2"] > 0.7


def test_dead_units_of_networks_that_nobody_tunes_are_no_news(call):
    X.assign(n=1e-30 * chance.normal(size=N)).to_csv("noise.csv", index=False)
    code, _, err = call("fit", "noise.csv", *FIT_NUMBERS[2:], *FAST)
    assert (code, err) == (OK, "")


# -- cross-validation ---------------------------------------------------------------------------


def test_cv_judges_what_fit_would_train(call):
    content = told(call, "cv", *FIT[1:], *FAST, "--folds", "3", "-o", "o.csv", "--proba")
    assert content["settings"]["recipe"] == "strong"
    for fold in content["folds"]:
        rows = fold["rows"]
        assert (rows["validation"], rows["training"] + rows["judged"]) == (0, N)
    plain = told(call, "cv", *FIT[1:], "--hidden", "4", "--folds", "2")
    assert plain["settings"]["recipe"] == "plain"
    assert plain["folds"][0]["rows"]["validation"] > 0


def test_cv_says_whose_network_it_describes_where_folds_differ(call):
    arguments = ("--target", "y", "-q", "--hidden", "4", "--folds", "2")
    assert "\nnetwork: 5-4-1 units" in call("cv", "t.csv", *arguments)[1]
    rare = X.assign(y=LABELS, b=["only here", *X["b"][1:]])  # the other fold knows no such level
    rare.to_csv("rare.csv", index=False)
    assert "\nnetwork of fold 1: " in call("cv", "rare.csv", *arguments)[1]
