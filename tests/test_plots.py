"""Pictures show what was measured, for any number of classes and whatever the labels are."""

import builtins
import struct
import sys
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from handgrad import plots
from handgrad.evaluation import Evaluation
from handgrad.history import Epoch, History
from handgrad.plots import HistoryDisplay, plot_confusion, write_report

matplotlib.use("Agg")


def a_history(n=5, validation=True, start=1):
    epochs = []
    for number in range(start, start + n):
        held_back = (1 / number + 0.1, 1 - 0.6 / number) if validation else (None, None)
        epochs.append(
            Epoch(number, 1 / number, 1 - 0.5 / number, 0.0, *held_back, 1e-3, 0.1 * number)
        )
    return History(tuple(epochs), "max_iter")


def an_evaluation(labels, seed=0):
    K = len(labels)
    confusion = np.random.default_rng(seed).integers(0, 9, size=(K, K)) + 30 * np.eye(K, dtype=int)
    return Evaluation(np.array(list(labels)), confusion, 0.5, 0.0)


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


@pytest.mark.parametrize("quantity", ["los", "learning_rate"])
def test_an_unknown_quantity_is_refused(axes, quantity):
    with pytest.raises((KeyError, ValueError), match=quantity):
        HistoryDisplay(a_history()).plot(quantity, ax=axes)


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


# -- the report --------------------------------------------------------------------------------


def size_of(path):
    """Read width and height of a PNG file from its header."""
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert content[-8:-4] == b"IEND"
    return struct.unpack(">II", content[16:24])


LABELS = {
    "three texts": ["Adelie", "Chinstrap", "Gentoo"],
    "two truths": [False, True],
    "numbers": [1.5, 2.5, 1e300],
    "one class": ["only"],
    "letters": list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    "forty": [f"class number {k}" for k in range(40)],
    "dollars": ["$x$", "$", "$$", "\\$", "$\\frac{", "a_b^c", "\\", "%&#~{}"],
    "controls": ["\0", "\n\n", "\x1b[2J", "\t", "\u202e", "\r", ""],
    "very long": ["x" * 10_000, "y" * 10_000 + "$", "z " * 5000],
    "half a surrogate": ["\ud800", "b"],
    "dates": np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[D]"),
}


@pytest.mark.parametrize("labels", LABELS)
def test_a_report_is_two_pictures_of_reasonable_size(labels, tmp_path):
    evaluation = an_evaluation(LABELS[labels])
    written = write_report(tmp_path, a_history(), evaluation, rows="86 test rows", best=2)
    assert written == [tmp_path / "learning_curve.png", tmp_path / "confusion_matrix.png"]
    for path in written:
        assert 600 <= min(size_of(path)) <= max(size_of(path)) <= 3000
        assert 5_000 < path.stat().st_size < 1_000_000


@pytest.mark.parametrize("validation", [True, False])
@pytest.mark.parametrize("n", [1, 2, 3000])
def test_a_report_of_any_number_of_epochs_is_drawn(n, validation, tmp_path):
    history = a_history(n, validation)
    best = 1 if validation else None
    curve, _ = write_report(tmp_path, history, an_evaluation("ab"), rows="9 rows", best=best)
    assert size_of(curve) == (1500, 630)


def test_a_name_of_rows_with_dollars_is_a_name(tmp_path):
    history, evaluation = a_history(), an_evaluation("ab")
    for rows in ("5 $ rows", "86 test rows"):
        write_report(tmp_path, history, evaluation, rows=rows, best=None)


def test_a_report_replaces_the_one_before(tmp_path):
    for labels in ("abc", range(35)):
        written = write_report(
            tmp_path, a_history(), an_evaluation(list(labels)), rows="9 rows", best=2
        )
    assert sorted(tmp_path.iterdir()) == sorted(written)
    assert max(size_of(tmp_path / "confusion_matrix.png")) > 1500


def test_a_missing_folder_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_report(tmp_path / "nowhere", a_history(), an_evaluation("ab"), rows="9", best=None)


def test_the_same_record_gives_the_same_picture(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_report(tmp_path / folder, a_history(), an_evaluation("abc"), rows="9 rows", best=2)
    for name in ("learning_curve.png", "confusion_matrix.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


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
        plots.require_matplotlib,
    ):
        with pytest.raises(ImportError, match="pip install matplotlib"):
            draw()
    assert list(tmp_path.iterdir()) == []
