"""On the command line: every setting of a training, and which do not go together."""

import json
import re
from itertools import product

import click
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from handgrad import MLPClassifier, MLPRegressor
from handgrad.activations import ACTIVATIONS
from handgrad.cli import main
from handgrad.cli.fit_options import FIT_OPTIONS, TRAINING_OPTIONS
from handgrad.cli.options import Option
from handgrad.cli.recipes import RECIPES
from handgrad.models.file import load_model
from handgrad.outputs import BY_LOSS
from handgrad.schedules import SCHEDULES

chance = np.random.default_rng(5)
X = pd.DataFrame({"a": chance.normal(size=60).round(3), "b": list("uvwx") * 15})
LABELS = pd.Series(
    np.where(X["a"] + (X["b"] == "u") + chance.normal(size=60) > 0.8, "yes", "no"), name="y"
)
COUNTS = pd.Series((4 * np.exp(X["a"])).round().astype(int), name="n")

QUICK = ("-q", "--hidden", "6,5", "--epochs", "12", "--seed", "3", "--learning-rate", "0.02")
SAME = {
    "hidden_layer_sizes": (6, 5),
    "max_iter": 12,
    "random_state": 3,
    "learning_rate_init": 0.02,
    "batch_size": 32,
    "dtype": "float32",
    "engine": "numpy",
}


@pytest.fixture
def call(call):
    X.assign(y=LABELS).to_csv("t.csv", index=False)
    X.assign(n=COUNTS).to_csv("n.csv", index=False)
    return call


def parameters(model):
    return np.concatenate([params.flat for params in (model.params, *model.members)])


# -- each option does what the estimator's parameter does --------------------------------------

OF_BOTH = [
    *((["--activation", name], {"activation": name}) for name in ACTIVATIONS),
    (["--activation", "gelu, tanh"], {"activation": ("gelu", "tanh")}),
    (["--optimizer", "adamw"], {"solver": "adamw"}),
    (
        ["--optimizer", "adamw", "--weight-decay", "0.5"],
        {"solver": "adamw", "weight_decay": 0.5},
    ),
    (["--dropout", "0.3"], {"dropout": 0.3}),
    (["--dropout", "0.3,0"], {"dropout": (0.3, 0.0)}),
    (["--clip-norm", "0.1"], {"clip_norm": 0.1}),
    (["--ensemble", "3"], {"n_ensemble": 3}),
    (["--preprocess", "robust"], {"preprocess": "robust"}),
    (
        ["--preprocess", "piecewise", "--activation", "tanh"],
        {"preprocess": "piecewise", "activation": "tanh"},
    ),
    (["--skip-layers"], {"skip": True}),
    (["--input-scale"], {"input_scale": True}),
    (["--rates", "fan_in"], {"rates": "fan_in"}),
    *(
        (["--initialisation", name], {"initialisation": name})
        for name in ("sharp", "smooth", "he_normal")
    ),
    *((["--schedule", name], {"learning_rate": name}) for name in SCHEDULES if name != "adaptive"),
    (
        [
            "--schedule",
            "adaptive",
            "--patience",
            "1",
            "--learning-rate",
            "0.5",
            "--activation",
            "tanh",
        ],
        {
            "learning_rate": "adaptive",
            "n_iter_no_change": 1,
            "learning_rate_init": 0.5,
            "activation": "tanh",
        },
    ),
]
OF_LABELS = [
    (["--label-smoothing", "0.2"], {"label_smoothing": 0.2}),
    (["--class-weight", "balanced"], {"class_weight": "balanced"}),
]
OF_NUMBERS = [
    *((["--loss", name], {"loss": name}) for name in BY_LOSS),
    (["--loss", "huber", "--delta", "0.2"], {"loss": "huber", "delta": 0.2}),
    (
        ["--loss", "quantile", "--quantiles", "0.1,0.5, 0.9"],
        {"loss": "quantile", "quantiles": (0.1, 0.5, 0.9)},
    ),
]
NO_EFFECT = ({"activation": "relu"}, {"learning_rate": "constant"}, {"loss": "squared_error"})


def test_every_option_sets_a_parameter_that_the_estimators_of_its_task_and_recipe_have():
    setting = [option for option in TRAINING_OPTIONS if option.sets is not None]
    assert len(setting) > 20
    for option in setting:
        values = option.type.choices if isinstance(option.type, click.Choice) else [option.default]
        parameters = {name for value in values for name in option.parameters(value)}
        only = option.only
        while only is not None and only.option != "task":
            only = next(one.only for one in TRAINING_OPTIONS if one.name == only.option)
        for recipe, task in product(RECIPES, ("classification", "regression")):
            if option.recipe in (None, recipe) and (only is None or task in only.values):
                kind = RECIPES[recipe].estimator(task, {})
                assert parameters <= {*kind.get_params()}, option.name
    others = {one.name for one in TRAINING_OPTIONS if one.recipe is not None and one.sets is None}
    assert others == {"validation_last"}


def test_an_option_means_something_with_values_of_another_one_that_is_read_before():
    for place, option in enumerate(TRAINING_OPTIONS):
        if option.only is not None:
            before = {one.name: one for one in TRAINING_OPTIONS[:place]}
            assert {*option.only.values} <= {*before[option.only.option].type.choices}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("task", "options", "settings"),
    [
        *(("classification", *case) for case in OF_BOTH + OF_LABELS),
        *(("regression", *case) for case in OF_BOTH[-2:] + OF_NUMBERS),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_an_option_trains_the_network_that_the_estimator_trains(call, task, options, settings):
    table, target, y, kind = (
        ("t.csv", "y", LABELS, MLPClassifier)
        if task == "classification"
        else ("n.csv", "n", COUNTS, MLPRegressor)
    )
    fixed = ["--validation", "0", "--engine", "numpy", "--task", task, "--target", target]
    code, out, err = call("fit", table, *fixed, *QUICK, *options, "--model", "m")
    assert (code, err) == (0, "")
    assert "wrote m" in out
    wanted = kind(**(SAME | settings)).fit(X, y)
    got = load_model("m")
    assert got.architecture == wanted.model_.architecture
    np.testing.assert_array_equal(parameters(got), parameters(wanted.model_))
    if settings not in NO_EFFECT:
        plain = parameters(kind(**SAME).fit(X, y).model_)
        assert plain.shape != parameters(got).shape or (plain != parameters(got)).any()


@pytest.mark.parametrize(
    ("table", "options", "measure", "best"),
    [
        ("t.csv", [], "validation_loss", min),
        ("t.csv", ["--stop-on", "loss"], "validation_loss", min),
        ("t.csv", ["--stop-on", "accuracy"], "validation_accuracy", max),
        ("t.csv", ["--stop-on", "balanced_accuracy"], "validation_score", max),
        ("n.csv", ["--stop-on", "r2"], "validation_score", max),
    ],
)
def test_the_epoch_that_is_best_in_what_it_stops_on_is_kept(call, table, options, measure, best):
    task = [] if table == "t.csv" else ["--task", "regression"]
    target = "y" if table == "t.csv" else "n"
    fixed = ["--target", target, *task, "--validation", "0.3", "--patience", "100"]
    code, out, _ = call("fit", table, *fixed, *QUICK, *options, "--epochs", "40", "--json")
    assert code == 0
    told = json.loads(out)
    assert told["settings"]["stop_on"] == (options or ["", "loss"])[1]
    history = {epoch["epoch"]: epoch for epoch in told["history"]}
    kept = history[told["kept_epoch"]]
    most = best(epoch[measure] for epoch in history.values())
    equals = [epoch for epoch in history.values() if epoch[measure] == most]
    assert kept in equals
    assert kept["validation_loss"] == min(epoch["validation_loss"] for epoch in equals)
    # and the model is that of this epoch: on the same rows it has that epoch's figures
    judged = told["evaluation"].get("log_loss")
    if judged is not None:
        assert judged == pytest.approx(kept["validation_loss"], rel=1e-4)


def test_calibration_makes_probabilities_truer_and_changes_no_prediction(call):
    fixed = ["fit", "t.csv", "--target", "y", "--validation", "0.3", *QUICK, "--epochs", "60"]
    plain = json.loads(call(*fixed, "--label-smoothing", "0.3", "--model", "a", "--json")[1])
    options = ["--label-smoothing", "0.3", "--calibrate", "--model", "b"]
    told = json.loads(call(*fixed, *options, "--json")[1])
    before, after = load_model("a"), load_model("b")
    np.testing.assert_array_equal(parameters(before), parameters(after))
    assert (before.temperature, after.temperature != 1) == (1, True)
    assert told["evaluation"]["log_loss"] < plain["evaluation"]["log_loss"]
    assert told["evaluation"]["confusion_matrix"] == plain["evaluation"]["confusion_matrix"]
    out = call(*fixed, *options)[1]
    assert f"calibrated: scores are divided by {after.temperature:.4g}\n" in out
    assert "These rows chose the epoch and the temperature" in out


# -- what is told -----------------------------------------------------------------------------


def test_an_ensemble_tells_of_each_network(call):
    fixed = ["fit", "t.csv", "--target", "y", *QUICK[1:], "--epochs", "40", "--patience", "3"]
    fixed += ["--ensemble", "3", "--model", "m"]
    code, out, err = call(*fixed, "--json")
    assert code == 0
    told = json.loads(out)
    ends = told["ensemble"]
    assert told["network"]["networks"] == len(ends) == 3
    assert ends[0] == {name: told[name] for name in ("epochs", "kept_epoch", "stopped_by")}
    assert len({end["epochs"] for end in ends}) > 1, "the test needs networks that differ"
    assert re.search(rf"(?m)^network 3/3  epoch {ends[2]['epochs']}/40  loss", err)
    out = call(*fixed, "-q")[1]
    epochs, kept = (", ".join(str(end[name]) for end in ends) for name in ("epochs", "kept_epoch"))
    assert f"\n3 networks of {epochs} epochs in " in out
    assert f"; kept epochs {kept}\n" in out
    assert "network: 3 networks, each 5-6-5-1 units" in call("info", "m")[1]


def test_the_settings_used_are_told_as_json(call):
    base = ["fit", "t.csv", "--target", "y", "-q", "--json", "--epochs", "2"]
    settings = json.loads(call(*base)[1])["settings"]
    assert list(settings) == sorted(settings)
    assert settings["hidden"] == [100]
    assert (settings["activation"], settings["dropout"]) == ("relu", 0)
    assert (settings["validation"], settings["test"], settings["patience"]) == (0.1, 0, 10)
    assert settings["batch_size"] == 32
    assert not {"weight_decay", "loss", "delta", "quantiles", "model_path"} & set(settings)
    options = ["--batch-size", "999", "--optimizer", "adamw", "--activation", "elu", "--drop", "b"]
    told = json.loads(call(*base, *options)[1])
    settings = told["settings"]
    assert settings["batch_size"] == told["rows"]["training"] < 60
    assert (settings["weight_decay"], settings["activation"]) == (0.01, "elu")
    assert settings["drop"] == ["b"]
    numbers = ["fit", "n.csv", "--target", "n", "--task", "regression", *base[4:]]
    settings = json.loads(call(*numbers)[1])["settings"]
    assert settings["loss"] == "squared_error"
    assert not {"label_smoothing", "class_weight", "calibrate", "delta"} & set(settings)
    settings = json.loads(call(*numbers, "--loss", "quantile")[1])["settings"]
    assert settings["quantiles"] == [0.5]


def test_a_schedule_that_was_cut_off_is_told_of(call):
    fixed = ["fit", "t.csv", "--target", "y", "-q", "--patience", "1", "--schedule", "onecycle"]
    out = call(*fixed, "--epochs", "300")[1]
    assert "onecycle would have ended with epoch 300; let it with --patience 300" in out
    assert "would have ended" not in call(*fixed, "--epochs", "1")[1]


def test_adaptive_ends_by_its_smallest_rate(call):
    fixed = ["fit", "t.csv", "--target", "y", "-q", "--patience", "1", "--schedule", "adaptive"]
    assert "ended by the smallest rate of --schedule adaptive" in call(*fixed)[1]


def test_a_training_that_goes_wrong_is_told_of(call):
    fixed = ["fit", "t.csv", "--target", "y", "-q", "--validation", "0", "--optimizer", "sgd"]
    code, _, err = call(*fixed, "--learning-rate", "1000", "--epochs", "8", "--activation", "tanh")
    assert code == 0
    assert "training diverges" in err
    dying = ["--optimizer", "adam", "--learning-rate", "1", "--l2", "1", "--hidden", "20"]
    code, _, err = call(*fixed, *dying, "--epochs", "30")
    assert code == 0
    assert "are dead" in err


def test_info_tells_the_settings_that_the_file_keeps(call):
    options = ["--label-smoothing", "0.2", "--calibrate", "--activation", "gelu,tanh"]
    call("fit", "t.csv", "--target", "y", *QUICK, *options, "--model", "m")
    out, kept = call("info", "m")[1], load_model("m")
    assert "5-6-5-1 units, gelu and tanh, logistic" in out
    assert "label smoothing: 0.2\n" in out
    assert f"temperature: {kept.temperature:.4g}, by which" in out
    told = json.loads(call("info", "m", "--json")[1])
    assert told["settings"] == {"label_smoothing": 0.2, "temperature": kept.temperature}
    assert told["network"]["activation"] == ["gelu", "tanh"]

    fixed = ["fit", "n.csv", "--target", "n", "--task", "regression", *QUICK, "--model", "m"]
    call(*fixed, "--validation", "0", "--loss", "quantile", "--quantiles", "0.1,0.9")
    told = json.loads(call("info", "m", "--json")[1])["settings"]
    assert (told["loss"], told["quantiles"]) == ("quantile", [0.1, 0.9])
    low, median, high = np.quantile(COUNTS, [0.25, 0.5, 0.75], method="averaged_inverted_cdf")
    assert told["target_scale"]["mean"] == pytest.approx([median] * 2)
    assert told["target_scale"]["scale"] == pytest.approx([(high - low) / 1.349] * 2)
    out = call("info", "m")[1]
    assert "loss: quantile 0.1, 0.9\n" in out
    assert f"learnt as: (target - {median:.4g}) / {(high - low) / 1.349:.4g}\n" in out
    call(*fixed, "--loss", "huber", "--delta", "0.25")
    assert "loss: huber, delta 0.25\n" in call("info", "m")[1]


def test_a_report_of_an_ensemble_says_whose_pictures_it_has(call, tmp_path):
    options = ["--ensemble", "2", "--model", "m", "--report", "r", "--stop-on", "accuracy"]
    assert call("fit", "t.csv", "--target", "y", *QUICK, *options)[0] == 0
    assert "those of the first network" in (tmp_path / "r" / "report.html").read_text()
    assert call("evaluate", "m", "t.csv", "--report", "s")[0] == 0
    assert "those of the first network" in (tmp_path / "s" / "report.html").read_text()


# -- the help -----------------------------------------------------------------------------------


def test_the_help_of_fit_has_every_option_in_one_section():
    text = CliRunner().invoke(main, ["fit", "--help"]).output
    sections = re.findall(r"^(\S.*):$", text, re.MULTILINE)
    assert len(set(sections)) == len(sections) >= 6
    assert sections[-1] == "Output"
    fit = main.commands["fit"]
    options = [option for option in fit.params if isinstance(option, Option)]
    assert len(options) == len(FIT_OPTIONS)
    for option in options:
        assert option.section in sections
        assert len(re.findall(rf"^  .*{option.opts[0]}\b(?!-)", text, re.MULTILINE)) >= 1
    for name in (*ACTIVATIONS, *SCHEDULES, *BY_LOSS):
        assert re.search(rf"\b{name}\b", text)


# -- what does not go together ------------------------------------------------------------------

NUMBERS = ["--task", "regression"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--weight-decay", "0.1"], "--weight-decay is for --optimizer adamw"),
        ([*NUMBERS, "--label-smoothing", "0.1"], "--label-smoothing is for --task classification"),
        ([*NUMBERS, "--label-smoothing", "0"], "--label-smoothing is for --task classification"),
        ([*NUMBERS, "--class-weight", "balanced"], "--class-weight is for --task classification"),
        ([*NUMBERS, "--calibrate"], "--calibrate is for --task classification"),
        (["--loss", "huber"], "--loss is for --task regression"),
        (["--delta", "1"], "--delta is for --loss huber"),
        ([*NUMBERS, "--delta", "1"], "--delta is for --loss huber"),
        ([*NUMBERS, "--quantiles", "0.5"], "--quantiles is for --loss quantile"),
        (["--calibrate", "--validation", "0"], "--calibrate needs validation rows"),
        (["--stop-on", "loss", "--validation", "0"], "--stop-on needs validation rows"),
        (["--stop-on", "r2"], "--stop-on r2 is for --task regression"),
        ([*NUMBERS, "--stop-on", "accuracy"], "--stop-on accuracy is for --task classification"),
        ([*NUMBERS, "--loss", "quantile", "--stop-on", "r2"], "judges means, not the quantiles"),
        (["--activation", "relu,tanh"], "each hidden layer, 1 in all; it has 2"),
        (["--activation", "tahn"], "'tahn' is not one of 'identity'"),
        (["--dropout", "0.1,0.2", "--hidden", "9,8,7"], "each hidden layer, 3 in all; it has 2"),
        (["--dropout", "1"], "0<=x<1"),
        (["--dropout", "nan"], "is not a number"),
        (["--dropout", "0.1", "--hidden", "0"], "--hidden 0 has none"),
        (["--clip-norm", "0"], "0<x"),
        (["--ensemble", "0"], "1<=x"),
        (["--label-smoothing", "1"], "0<=x<1"),
        ([*NUMBERS, "--loss", "quantile", "--quantiles", "0.5,0.1"], "--quantiles must ascend"),
        ([*NUMBERS, "--loss", "quantile", "--quantiles", "0.5,1"], "0<x<1"),
        (["--schedule", "linear"], "is not one of"),
        (["--target", "n"], "--target must name one column, and it names 2"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_does_not_go_together_is_refused_before_any_work(call, options, message):
    code, out, err = call("fit", "there-is-no-table.csv", "--target", "y", *options)
    assert (code, out) == (2, "")
    first, hint = err.splitlines()
    assert first.startswith("handgrad: ")
    assert message in first
    assert hint == "Try 'handgrad fit --help'."


def test_one_validation_row_has_no_r2(call):
    fixed = ["fit", "n.csv", "--target", "n", *NUMBERS, "--stop-on", "r2"]
    code, _, err = call(*fixed, "--validation", "0.01")
    assert code == 3
    assert "--stop-on r2 needs two validation rows or more; there are 1; raise --validation" in err


# -- targets that do not fit the task -----------------------------------------------------------


def test_labels_under_regression_point_to_classification(call):
    code, out, err = call("fit", "t.csv", "--target", "y", *NUMBERS)
    assert (code, out) == (3, "")
    assert f"column 'y', row 1 (line 2): {LABELS[0]!r} is not a number" in err
    assert "use --task classification" in err
    X.assign(n=[*COUNTS[:-1].astype(str), "many"]).to_csv("u.csv", index=False)
    code, _, err = call("fit", "u.csv", "--target", "n", *NUMBERS)
    assert code == 3
    assert "row 60 (line 61): 'many' is not a plain decimal number" in err
    assert "--task" not in err


def test_counts_below_zero_are_refused_by_their_row(call):
    X.assign(n=[3, -2, *COUNTS[2:]]).to_csv("u.csv", index=False)
    code, out, err = call("fit", "u.csv", "--target", "n", *NUMBERS, "--loss", "poisson")
    assert (code, out) == (3, "")
    assert "column 'n', row 2 (line 3): -2 must be at least 0" in err


def test_many_whole_numbers_as_classes_are_remarked_on(call):
    frame = pd.concat([X, X.iloc[:20]], ignore_index=True)
    frame.assign(n=[i % 25 for i in range(80)]).to_csv("u.csv", index=False)
    code, _, err = call("fit", "u.csv", "--target", "n", *QUICK, "--validation", "0")
    assert code == 0
    assert "each of its 25 different numbers counts as a class; if it is a quantity" in err
