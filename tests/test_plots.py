"""Pictures show what was measured, for any number of classes and whatever the labels are."""

import builtins
import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import numpy as np
import pyarrow as pa
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from common import a_history, an_evaluation
from handgrad import MLPClassifier, MLPRegressor, plots, read_table
from handgrad.models.evaluation import Evaluation
from handgrad.plots import (
    ActivationsDisplay,
    CalibrationDisplay,
    GradientsDisplay,
    HistoryDisplay,
    RegionsDisplay,
    WeightsDisplay,
    plot_confusion,
)
from handgrad.plots.style import BLUE, MARKERS, ORANGE, PALETTE, signs
from handgrad.report import write_report
from handgrad.training.history import Epoch, History

matplotlib.use("Agg")

pytestmark = pytest.mark.filterwarnings("ignore:lbfgs stopped:UserWarning")


@pytest.fixture
def axes():
    return Figure().subplots()


@pytest.fixture(autouse=True)
def _no_figure_is_left_open():
    from matplotlib import pyplot

    yield
    assert pyplot.get_fignums() == []
    assert matplotlib.rcParams["axes.grid"] is False


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


# -- the course of training --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "label"), [("loss", "mean cross-entropy (nats)"), ("accuracy", "accuracy")]
)
def test_lines_show_the_record(axes, quantity, label):
    history = a_history()
    display = HistoryDisplay.from_history(history).plot(quantity, ax=axes)
    training, validation = axes.get_lines()
    assert training.get_xdata().tolist() == [1, 2, 3, 4, 5]
    assert training.get_ydata().tolist() == history.column(quantity)
    assert validation.get_ydata().tolist() == history.column(f"validation_{quantity}")
    assert legend(axes) == ["training", "validation"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", label)
    assert display.ax_ is axes
    assert display.figure_ is axes.figure


def test_the_two_lines_differ_in_more_than_colour(axes):
    HistoryDisplay(a_history()).plot(ax=axes)
    training, validation = axes.get_lines()
    assert training.get_color() != validation.get_color()
    assert training.is_dashed() != validation.is_dashed()


def test_without_validation_there_is_one_line(axes):
    HistoryDisplay(a_history(validation=False)).plot(ax=axes, best=3)
    assert len(axes.get_lines()) == 1
    assert legend(axes) == ["training"]


@pytest.mark.parametrize("start", [1, 6])
def test_the_kept_epoch_is_marked_on_the_validation_line(axes, start):
    history = a_history(start=start)
    HistoryDisplay(history).plot("accuracy", ax=axes, best=start + 2)
    mark, upright = axes.get_lines()[2:]
    assert mark.get_xdata() == [start + 2]
    assert mark.get_ydata() == [history[2].validation_accuracy]
    assert set(upright.get_xdata()) == {start + 2}
    assert legend(axes) == ["training", "validation", f"kept: epoch {start + 2}"]


def test_epochs_are_counted_in_whole_numbers_and_losses_from_zero(axes):
    HistoryDisplay(a_history()).plot(ax=axes)
    assert all(tick == int(tick) for tick in axes.get_xticks())
    assert axes.get_ylim()[0] == 0


def test_one_epoch_is_seen(axes):
    HistoryDisplay(a_history(1)).plot(ax=axes)
    assert all(line.get_marker() not in ("None", "", None) for line in axes.get_lines())
    assert all(tick == int(tick) for tick in axes.get_xticks())


def test_an_estimator_gives_its_record(axes):
    history = a_history()
    display = HistoryDisplay.from_estimator(SimpleNamespace(history_=history))
    assert display.history is history


def test_an_empty_record_is_refused_in_words(axes):
    """As that of an estimator trained by L-BFGS, or read from a file."""
    with pytest.raises(ValueError, match="epoch"):
        HistoryDisplay(History(())).plot(ax=axes)


@pytest.mark.parametrize("quantity", ["los", "epoch", "validation_loss"])
def test_an_unknown_quantity_is_refused(axes, quantity):
    with pytest.raises((KeyError, ValueError), match=quantity):
        HistoryDisplay(a_history()).plot(quantity, ax=axes)


@pytest.mark.parametrize("quantity", ["learning_rate", "gradient_norm", "validation_score"])
def test_other_quantities_have_one_line(axes, quantity):
    epochs = [replace(e, gradient_norm=2.0, validation_score=-1.0) for e in a_history()]
    HistoryDisplay(History(tuple(epochs))).plot(quantity, ax=axes, best=3)
    drawn = [line for line in axes.get_lines() if len(line.get_xdata()) == 5]
    assert len(drawn) == 1
    assert axes.get_ylabel()
    assert axes.get_legend() is not None, "the kept epoch is told"


def test_what_was_not_recorded_is_refused_in_words(axes):
    with pytest.raises(ValueError, match="no gradient_norm: none of its epochs recorded one"):
        HistoryDisplay(a_history()).plot("gradient_norm", ax=axes)


def test_a_logarithmic_axis(axes):
    HistoryDisplay(a_history()).plot(ax=axes, log=True)
    assert axes.get_yscale() == "log"


def test_a_regressor_has_a_loss_of_its_own(tmp_path):
    epochs = tuple(replace(epoch, accuracy=None) for epoch in a_history())
    figure = plots.learning_curve(History(epochs))
    assert [axes.get_ylabel() for axes in figure.axes] == ["mean loss", "mean loss"]
    figure.savefig(tmp_path / "curve.png")


def test_steps_show_what_changed_and_was_recorded():
    assert [axes.get_title("left") for axes in plots.steps(a_history()).axes] == [LOGARITHMIC]
    epochs = tuple(replace(epoch, learning_rate=1.0 / epoch.epoch) for epoch in a_history())
    assert len(plots.steps(History(epochs)).axes) == 2
    epochs = tuple(replace(epoch, gradient_norm=1.0 / epoch.epoch) for epoch in epochs)
    assert len(plots.steps(History(epochs)).axes) == 3
    assert len(plots.steps(History(epochs[:1])).axes) == 3


LOGARITHMIC = "Loss, logarithmic"


def test_a_logarithmic_axis_ends_where_values_tell_nothing():
    norms = [1.0, 1e-3, 1e-24]
    epochs = [replace(e, gradient_norm=norm) for e, norm in zip(a_history(), norms, strict=False)]
    gradient = plots.steps(History(tuple(epochs))).axes[-1]
    low, high = gradient.get_ylim()
    assert 1e-12 < low < 1e-3 < 1 < high


def test_without_axes_it_opens_a_figure():
    from matplotlib import pyplot

    display = HistoryDisplay(a_history()).plot()
    assert pyplot.get_fignums() == [display.figure_.number]
    pyplot.close(display.figure_)


def test_losses_that_are_not_finite_are_left_out(tmp_path):
    epochs = [
        Epoch(i, 1.0, 0.5, 0.0, [np.inf, np.nan, 1.0][i - 1], 0.5, 1.0, 1.0) for i in (1, 2, 3)
    ]
    figure = plots.learning_curve(History(tuple(epochs)), best=3)
    figure.savefig(tmp_path / "curve.png")


# -- the confusion matrix ----------------------------------------------------------------------


def test_cells_show_counts_and_colours_show_shares(axes):
    evaluation = Evaluation(np.array(["a", "b"]), np.array([[3, 1], [10, 90]]), 0.1, 0.0)
    display = plot_confusion(evaluation, axes)
    assert [cell.get_text() for cell in display.text_.ravel()] == ["3", "1", "10", "90"]
    assert display.im_.get_array().tolist() == [[0.75, 0.25], [0.1, 0.9]]
    assert display.im_.get_clim() == (0, 1)
    assert [cell.get_color() for cell in display.text_.ravel()] == [
        "white",
        "black",
        "black",
        "white",
    ]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b"]


def test_a_class_without_rows_has_no_share(axes):
    evaluation = Evaluation(np.arange(2), np.array([[0, 0], [2, 2]]), 0.1, 0.0)
    display = plot_confusion(evaluation, axes)
    assert display.im_.get_array().tolist() == [[0, 0], [0.5, 0.5]]


def test_many_classes_are_shown_by_colour_alone(axes):
    assert plot_confusion(an_evaluation(range(40)), axes).text_ is None


def test_the_title_tells_accuracy_and_rows():
    evaluation = Evaluation(np.arange(2), np.array([[3, 1], [0, 4]]), 0.1, 0.0)
    figure = plots.confusion_matrix(evaluation, "8 test rows")
    assert figure.axes[0].get_title(loc="left") == "87.5% of 8 test rows right"


def test_the_title_says_all_only_where_all_are_right():
    evaluation = Evaluation(np.arange(2), np.array([[9999, 1], [0, 0]]), 0.1, 0.0)
    figure = plots.confusion_matrix(evaluation, "10000 rows")
    assert "100.0%" not in figure.axes[0].get_title(loc="left")


@pytest.mark.parametrize(
    "labels",
    [
        ["a label that begins like the other: left", "a label that begins like the other: right"],
        ["$" * 20, "$" * 24],
    ],
)
def test_labels_that_differ_are_told_apart(axes, labels):
    plot_confusion(an_evaluation(labels), axes)
    first, second = (tick.get_text() for tick in axes.get_yticklabels())
    assert first != second
    assert max(len(first), len(second)) <= 60


# -- whether probabilities hold ------------------------------------------------------------------


def test_calibration_compares_confidence_with_being_right(axes):
    right = np.arange(100) % 4 > 0
    display = CalibrationDisplay(right, np.full(100, 0.9) + np.arange(100) * 1e-4).plot(ax=axes)
    assert display.calibration_.prob_true.mean() == pytest.approx(0.75, abs=0.01)
    assert display.calibration_.prob_pred.mean() == pytest.approx(0.905, abs=0.01)
    assert display.ax_ is axes


@pytest.mark.parametrize("n", [1, 3, 500])
def test_calibration_of_any_number_of_rows(axes, n):
    CalibrationDisplay(np.ones(n, bool), np.ones(n)).plot(ax=axes)


def test_calibration_has_intervals_and_counts_its_rows(axes):
    confidence = np.linspace(0.5, 1, 90)
    display = CalibrationDisplay(np.arange(90) % 5 > 0, confidence).plot(ax=axes)
    assert display.counts.tolist() == [10] * 9
    low, high = axes.collections[0].get_segments()[0][:, 1]
    # Wilson's interval of 8 rows in 10
    assert (low, high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert axes.get_xlim()[0] > 0.3
    same = CalibrationDisplay(np.arange(90) % 5 > 0, np.ones(90))
    assert (same.counts.tolist(), same.n_apart) == ([90], 1)
    assert display.n_apart == 9


# -- a look inside -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    lines = [f"{i * 37 % 50},{i * 11 % 7},{'red' if i % 3 else 'blue'}" for i in range(60)]
    path = tmp_path_factory.mktemp("table") / "t.csv"
    path.write_text("\n".join(["size,height,colour", *lines]))
    return read_table(path)


@pytest.fixture(scope="module")
def model(table):
    y = np.array(["$a$" if i * 37 % 50 > 25 else "<b>" for i in range(60)])
    made = MLPClassifier((6, 5), solver="lbfgs", max_iter=20, random_state=0)
    return made.fit(table, y), y


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    made = MLPClassifier((80,), "tanh", solver="lbfgs", max_iter=2, random_state=0)
    made.fit(X[:200], y[:200])
    return made, X[:200], y[:200]


def test_weights_are_a_row_for_each_input(axes, model):
    display = WeightsDisplay.from_estimator(model[0]).plot(ax=axes)
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == ["size", "height", "colour=blue", "colour=red"]
    assert np.array_equal(axes.get_images()[0].get_array(), model[0].coefs_[0])
    assert display.image_shape is None
    assert axes.get_xlabel() == "hidden units: all 6"


def test_weights_of_pixels_are_images_of_the_largest_units(axes, digits):
    display = WeightsDisplay.from_estimator(digits[0]).plot(ax=axes)
    assert display.image_shape == (8, 8)
    assert axes.get_images()[0].get_array().shape == (8 * 9 - 1, 8 * 9 - 1)
    assert axes.get_xlabel() == "hidden units: the 64 largest of 80"
    W1 = digits[0].coefs_[0]
    first = np.sort(np.argsort(-np.linalg.norm(W1, axis=0), kind="stable")[:64])[0]
    assert np.allclose(axes.get_images()[0].get_array()[:8, :8], W1[:, first].reshape(8, 8))


def test_an_image_must_have_a_pixel_for_each_input():
    with pytest.raises(ValueError, match=r"as many pixels as there are inputs, 4; got \(3, 2\)"):
        WeightsDisplay(np.ones((4, 2)), list("abcd"), (3, 2))


def test_many_inputs_are_named_in_part(axes):
    WeightsDisplay(np.ones((500, 3)), [f"column {i}" for i in range(500)]).plot(ax=axes)
    assert len(axes.get_yticklabels()) <= 40


def test_activations_count_dead_and_stuck_units(axes):
    relu = np.array([[0.0, 0.0, 1.0], [0.0, 2.0, 1.0]])
    tanh = np.array([[0.999, 0.999, 0.5], [0.995, -0.999, 0.5]])
    logistic = np.array([[0.001, 0.999], [0.002, 0.5]])
    display = ActivationsDisplay([relu, tanh, logistic], ["relu", "tanh", "logistic"])
    assert display.idle == [1, 1, 1]
    display.plot(ax=axes)
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names[0] == "layer 1, relu\n1 of 3 dead"
    assert names[1] == "layer 2, tanh\n1 of 3 stuck"


def test_activations_are_those_of_the_estimator(model, table):
    display = ActivationsDisplay.from_estimator(model[0], table)
    assert [h.shape for h in display.h] == [(60, 6), (60, 5)]
    assert np.array_equal(display.h[1], model[0].trace(table)["h2"])


def test_without_hidden_layers_there_are_no_activations(axes):
    with pytest.raises(ValueError, match="this network has none"):
        ActivationsDisplay([], []).plot(ax=axes)


def test_gradients_are_measured_by_layer(axes, model, table):
    display = GradientsDisplay.from_estimator(*model[:1], table, model[1], lr=0.5)
    t = model[0].trace(table, model[1], lr=0.5)
    assert display.norms[2] == pytest.approx(np.hypot(*map(np.linalg.norm, (t["dW3"], t["db3"]))))
    moved = np.linalg.norm(t["W1_new"] - t["W1"]) / np.linalg.norm(t["W1"])
    assert display.ratios[0] == pytest.approx(moved)
    display.plot("norm", ax=axes)
    assert axes.get_lines()[0].get_ydata().tolist() == list(display.norms)
    assert axes.get_lines()[0].get_linestyle() == "None"  # layers are no course in time
    display.plot("ratio", ax=Figure().subplots())
    boxes = Figure().subplots()
    display.plot("entries", ax=boxes)
    sizes = np.abs(np.concatenate([t["dW1"].ravel(), t["db1"].ravel()]))
    np.testing.assert_array_equal(display.sizes[0], sizes)
    median = pytest.approx(np.median(sizes[sizes > 0]))
    assert median in [float(y) for line in boxes.get_lines() for y in line.get_ydata()]
    assert f"{np.mean(sizes == 0):.0%} are 0" in boxes.get_xticklabels()[0].get_text()
    with pytest.raises(ValueError, match="'norm' or 'ratio'; got 'size'"):
        display.plot("size", ax=axes)


def test_the_gradient_of_a_skip_stands_beside_those_of_the_layers(axes):
    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
    skipped = MLPClassifier((4,), max_iter=2, skip=True, input_scale=True, random_state=0)
    with pytest.warns(UserWarning, match="max_iter"):
        skipped.fit(X, y)
    t = skipped.trace(X, y, lr=0.5)
    display = GradientsDisplay(t).plot("norm", ax=axes)
    assert [text.get_text() for text in axes.get_xticklabels()] == ["W1, b1", "W2, b2", "V", "s"]
    assert display.norms[2] == pytest.approx(np.linalg.norm(t["dV"]))
    assert display.norms[3] == pytest.approx(np.linalg.norm(t["ds"]))
    assert display.ratios[2] == pytest.approx(
        np.linalg.norm(t["V_new"] - t["V"]) / np.linalg.norm(t["V"]), rel=1e-4
    )
    display = ActivationsDisplay.from_estimator(skipped, X)
    np.testing.assert_allclose(display.h[0], t["h"], rtol=1e-5, atol=1e-6)


def test_a_gradient_of_zero_is_drawn_as_none(axes):
    t = MLPRegressor(hidden_layer_sizes=(2,), solver="lbfgs", max_iter=1, random_state=0)
    X, y = np.zeros((9, 2)), np.arange(9.0)
    t.fit(np.eye(9)[:, :2], y)
    t.coefs_[1][...] = 0
    GradientsDisplay.from_estimator(t, X, y).plot(ax=axes)
    GradientsDisplay.from_estimator(t, X, y).plot("entries", ax=Figure().subplots())


def test_regions_show_the_models_own_classes(axes, model, table):
    estimator, y = model
    display = RegionsDisplay.from_estimator(estimator, table, y).plot(ax=axes)
    assert display.features == ("size", "height")
    assert display.fixed["colour"] == "red"
    drawn = display.boundary_
    at = pa.table(
        {
            "size": drawn.xx0.ravel(),
            "height": drawn.xx1.ravel(),
            "colour": ["red"] * drawn.xx0.size,
        }
    )
    expected = estimator.predict_proba(at)[:, 1].reshape(drawn.xx0.shape)
    np.testing.assert_allclose(drawn.response, expected)
    for k, points in enumerate(axes.collections[-2:]):
        np.testing.assert_array_equal(points.get_offsets(), display.x[display.y_t == k])
    assert legend(axes) == [r"\$a\$", "<b>"] or legend(axes) == ["<b>", r"\$a\$"]


def test_regions_of_many_classes_over_two_chosen_pixels(axes, digits):
    made, X, y = digits
    display = RegionsDisplay.from_estimator(made, X, y, ("x20", "x43")).plot(ax=axes)
    assert display.boundary_.response.shape == (150, 150, 10)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x20", "x43")


@pytest.mark.parametrize("two", [("x1",), ("x1", "x1"), ("x1", "nothing"), ("x1", "x2", "x3")])
def test_regions_need_two_columns_of_numbers(digits, two):
    with pytest.raises(ValueError, match="features must be two columns of numbers"):
        RegionsDisplay.from_estimator(*digits, two)


# -- without matplotlib ------------------------------------------------------------------------


@pytest.fixture
def no_matplotlib(monkeypatch):
    really_import = builtins.__import__

    def refuse(name, *arguments, **named):
        if name.split(".")[0] == "matplotlib":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return really_import(name, *arguments, **named)

    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", refuse)
    yield
    monkeypatch.undo()


def test_without_matplotlib_the_error_names_the_command_that_helps(no_matplotlib, tmp_path):
    history, evaluation = a_history(), an_evaluation("ab")
    for draw in (
        lambda: HistoryDisplay(history).plot(),
        lambda: plots.learning_curve(history),
        lambda: plots.confusion_matrix(evaluation, "9 rows"),
        lambda: write_report(tmp_path, history, evaluation, rows="9 rows", best=None),
        lambda: WeightsDisplay(np.ones((2, 2)), ["a", "b"]).plot(),
        lambda: CalibrationDisplay(np.ones(3, bool), np.ones(3)).plot(),
        plots.require_matplotlib,
    ):
        with pytest.raises(ImportError, match="pip install matplotlib"):
            draw()
    assert list(tmp_path.iterdir()) == []


# -- predicted numbers -------------------------------------------------------------------------


def test_predictions_stand_over_against_the_truth():
    y, prediction = np.array([[1.0, 10], [2, 20], [4, 40]]), np.array([[1.5, 11], [2, 22], [3, 33]])
    figure = plots.predictions(y, prediction, ["low", "high"])
    for place in range(2):
        true, off = figure.axes[2 * place : 2 * place + 2]
        drawn = true.collections[0].get_offsets()
        np.testing.assert_array_equal(
            drawn, np.column_stack([prediction, y])[:, [place, 2 + place]]
        )
        residuals = np.asarray(off.collections[0].get_offsets())[:, 1]
        np.testing.assert_allclose(residuals, y[:, place] - prediction[:, place])
        assert true.get_title(loc="left") == ["low", "high"][place]


def test_of_many_predictions_some_are_drawn_and_of_many_targets_the_first():
    y = np.zeros((10_000, 9))
    figure = plots.predictions(y, y + 1, [f"y{place}" for place in range(9)])
    assert len(figure.axes) == 2 * 4
    assert len(figure.axes[0].collections[0].get_offsets()) == 2000


def test_quantiles_are_drawn_over_what_they_say():
    figure = plots.quantile_shares([0.1, 0.9], np.array([[0.2, 0.8], [0.1, 1.0]]), ["a", "b"])
    (axes,) = figure.axes
    diagonal, first, second = axes.get_lines()
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 1]
    assert list(first.get_xdata()) == [0.1, 0.9]
    assert first.get_ydata().tolist() == [0.2, 0.8]
    assert second.get_ydata().tolist() == [0.1, 1.0]
    assert legend(axes) == ["a", "b"]


# -- colours ---------------------------------------------------------------------------------------

PAGE = Path(plots.__file__).parents[1] / "playground" / "page"


def test_classes_and_signs_have_the_colours_of_the_page():
    listed = re.search(r"CLASSES = (\[\[.*?\]\])", (PAGE / "palette.js").read_text())[1]
    classes = [f"#{r:02X}{g:02X}{b:02X}" for r, g, b in json.loads(listed)]
    assert list(PALETTE[: len(classes)]) == classes
    light = (PAGE / "style.css").read_text().split("@media")[0]
    signs_of_page = dict(re.findall(r"--(up|down): (#\w+)", light))
    assert signs_of_page == {"up": BLUE.lower(), "down": ORANGE.lower()}
    assert signs()(1.0)[:3] == pytest.approx(to_rgb(BLUE), abs=1e-6)
    assert signs()(0.0)[:3] == pytest.approx(to_rgb(ORANGE), abs=1e-6)


def test_points_have_the_shapes_of_the_page():
    listed = re.search(r"SIDES = (\[.*?\])", (PAGE / "palette.js").read_text())[1]
    sides = {"o": 0, "s": 4, "^": 3, "D": -4, "h": 6, "p": 5}  # -4: a square on its corner
    assert [sides[mark] for mark in MARKERS[:6]] == json.loads(listed)
