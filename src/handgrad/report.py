"""A report: one page that holds every picture and table of a training or of a judgement.

The pictures are in the page, so that it can be sent on alone; and beside it, for use elsewhere.
"""

import base64
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad import plots
from handgrad.atomic_file import write_atomically
from handgrad.evaluation import Evaluation
from handgrad.history import History
from handgrad.model import Model
from handgrad.page import document, escaped, facts, sentence, table
from handgrad.plots.style import new_figure, title

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

Array = NDArray[Any]

FEWEST_FOR_CALIBRATION = 20  # rows
MOST_CLASSES = 100  # in the table of classes
MOST_EPOCHS = 1000  # in the table of epochs
CSS_INCH = 96  # pixels


@dataclass(frozen=True, eq=False)
class Judged:
    """A model and the labelled rows that judge it.

    Attributes
    ----------
    model : Model
    columns : pyarrow.Table
        Of the rows.
    y_t : int array of shape (n,)
        Their class numbers.
    lr : float
        The learning rate by which a step is measured.
    """

    model: Model
    columns: "pa.Table"
    y_t: NDArray[np.intp]
    lr: float = 1e-3


class Picture(NamedTuple):
    name: str  # of its file
    heading: str
    caption: str
    figure: "Figure"


def write_report(
    folder: Path,
    history: History,
    evaluation: Evaluation,
    *,
    rows: str,
    best: int | None,
    judged: Judged | None = None,
    known: Sequence[tuple[str, str]] = (),
) -> list[Path]:
    """Write report.html, and its pictures beside it, into an existing folder.

    Parameters
    ----------
    folder : Path
    history : History
        Of the training; an empty one has no learning curve.
    evaluation : Evaluation
        Of the rows that ``rows`` names in the title: "86 test rows", say.
    best : int or None
        The epoch that was kept.
    judged : Judged, optional
        For the pictures that look into the network.
    known : sequence of (str, str)
        What else to tell first.

    Returns
    -------
    list of Path
        The files: the pictures, then the page.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    pictures = list(_pictures(history, evaluation, rows, best, judged))
    drawn = [_png(picture.figure) for picture in pictures]
    for picture, content in zip(pictures, drawn, strict=True):
        write_atomically(folder / picture.name, content)
    parts = [facts([*known, *_judgement(evaluation, rows)])]
    parts += [_shown(picture, content) for picture, content in zip(pictures, drawn, strict=True)]
    parts += [_classes(evaluation), *_epochs(history)]
    page = document("Report", "\n".join(parts))
    write_atomically(folder / "report.html", page.encode())
    return [*(folder / picture.name for picture in pictures), folder / "report.html"]


# -- pictures -----------------------------------------------------------------------------------


def _pictures(
    history: History,
    evaluation: Evaluation,
    rows: str,
    best: int | None,
    judged: Judged | None,
) -> Iterator[Picture]:
    if len(history):
        yield Picture(
            "learning_curve.png",
            "How it learned",
            "Each epoch is one pass over the training rows. Where the dashed line of the "
            "validation rows turns up while the other still falls, the network begins to learn "
            "the training rows by heart.",
            plots.learning_curve(history, best),
        )
    yield Picture(
        "confusion_matrix.png",
        "What it takes for what",
        "Each row of the matrix is a true class, each column a class that was given; what lies "
        "off the diagonal is wrong.",
        plots.confusion_matrix(evaluation, rows),
    )
    if judged is not None:
        yield from _inside(judged)
    if len(history):
        yield Picture(
            "steps.png",
            "How it stepped",
            "On a logarithmic axis, steady learning is a straight line downwards.",
            plots.steps(history),
        )


def _inside(judged: Judged) -> Iterator[Picture]:
    model = judged.model
    if len(judged.y_t) >= FEWEST_FOR_CALIBRATION:
        yield _calibration(judged)
    if len(model.encoder.number_names) >= 2:
        yield _regions(judged)
    weights = plots.WeightsDisplay.from_model(model)
    tall = 5.0 if weights.image_shape else min(10.0, 2.0 + 0.22 * len(weights.input_names))
    figure = new_figure(8, tall)
    axes = figure.subplots()
    weights.plot(ax=axes)
    title(axes, "Weights of the first layer")
    yield Picture(
        "weights.png",
        "What the first layer looks at",
        "A column for each hidden unit, or an image where the inputs are pixels: blue weights "
        "are above 0, red ones below.",
        figure,
    )
    x = model.encoder.transform(judged.columns, model.params.flat.dtype)
    if len(model.params.W) > 1:
        yield _activations(model, x)
    yield _gradients(judged, x)


def _calibration(judged: Judged) -> Picture:
    figure = new_figure(5.5, 5)
    axes = figure.subplots()
    probabilities = judged.model.predict_proba(judged.columns)
    plots.CalibrationDisplay.from_predictions(judged.y_t, probabilities).plot(ax=axes)
    title(axes, "Calibration")
    caption = (
        "The rows, in bins by the probability of the class they were given. On the diagonal, "
        "probability is what it says; below it, the network is too sure of itself."
    )
    return Picture("calibration.png", "Whether its probabilities hold", caption, figure)


def _regions(judged: Judged) -> Picture:
    model = judged.model
    size = np.linalg.norm(model.params.W[0][: len(model.encoder.number_names)], axis=1)
    first, second = np.sort(np.argsort(-size, kind="stable")[:2])
    names = model.encoder.number_names
    two = (names[first], names[second])
    figure = new_figure(7, 5.5)
    axes = figure.subplots()
    plots.RegionsDisplay(model, judged.columns, judged.y_t, two).plot(ax=axes)
    title(axes, "Regions of the classes")
    caption = (
        f"Over the two numbers with the largest weights, {two[0]} and {two[1]}. Other numbers are "
        "held at their median and categories at their most frequent value, so a point may lie in "
        "the region of another class and still be given its own."
    )
    return Picture("regions.png", "Where it draws the line", caption, figure)


def _activations(model: Model, x: Array) -> Picture:
    figure = new_figure(8, 1.8 + 0.9 * (len(model.params.W) - 1))
    axes = figure.subplots()
    display = plots.ActivationsDisplay.from_x(model, x).plot(ax=axes)
    title(axes, "What leaves the hidden units")
    idle = sum(display.idle)
    caption = (
        "The box holds the middle half of all values, the whiskers reach from 1 % to 99 %, the "
        f"orange line is the middle. {idle:,} units are dead or stuck: they give the same for "
        "every row, and learn no more."
        if idle
        else "The box holds the middle half of all values, the whiskers reach from 1 % to 99 %, "
        "the orange line is the middle. No unit is dead or stuck."
    )
    return Picture("activations.png", "What its hidden units do", caption, figure)


def _gradients(judged: Judged, x: Array) -> Picture:
    model = judged.model
    y_t = judged.y_t[:, None] if model.architecture.output == "logistic" else judged.y_t
    display = plots.GradientsDisplay.from_x(model, x, y_t, lr=judged.lr)
    figure = new_figure(10, 4)
    left, right = figure.subplots(1, 2)
    display.plot("norm", ax=left)
    title(left, "Gradient")
    display.plot("ratio", ax=right)
    title(right, "Step over weights")
    caption = (
        "Of these rows, layer by layer; the step is that of plain gradient descent. In a trained "
        "network both are small. Gradients that shrink from layer to layer towards the first say "
        "that it hardly learns."
    )
    return Picture("gradients.png", "What it would learn next", caption, figure)


def _png(figure: "Figure") -> bytes:
    picture = io.BytesIO()
    figure.savefig(picture, dpi=150, format="png")
    return picture.getvalue()


# -- the page -----------------------------------------------------------------------------------


def _judgement(evaluation: Evaluation, rows: str) -> list[tuple[str, str]]:
    return [
        ("judged by", rows),
        ("accuracy", f"{evaluation.accuracy:.4f}"),
        ("log-loss", f"{evaluation.log_loss:.4f}"),
        ("calibration error", f"{evaluation.calibration_error:.4f}"),
    ]


def _shown(picture: Picture, content: bytes) -> str:
    data = base64.b64encode(content).decode()
    width = round(picture.figure.get_figwidth() * CSS_INCH)
    return (
        f"<h2>{escaped(picture.heading)}</h2>\n<figure>"
        f'<img alt="{escaped(picture.heading)}" width="{width}" '
        f'src="data:image/png;base64,{data}">'
        f"<figcaption>{sentence(picture.caption)}</figcaption></figure>"
    )


def _classes(evaluation: Evaluation) -> str:
    rows = [
        (escaped(label), _share(precision), _share(recall), f"{support:,}")
        for label, precision, recall, support in zip(
            evaluation.classes.tolist(),
            evaluation.precision,
            evaluation.recall,
            evaluation.support,
            strict=True,
        )
    ]
    more = len(rows) - MOST_CLASSES
    written = table(("class", "precision", "recall", "rows"), rows[:MOST_CLASSES], numbers=3)
    ending = f'<p class="soft">and {more:,} more classes</p>' if more > 0 else ""
    return f"<h2>Class by class</h2>\n{written}{ending}"


def _share(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"


def _epochs(history: History) -> Iterable[str]:
    if not len(history):
        return
    columns = ["epoch", "loss", "accuracy", "validation_loss", "validation_accuracy"]
    columns += ["learning_rate", "seconds"]
    last = history.rows()[-MOST_EPOCHS:]
    rows = [[_cell(row[name]) for name in columns] for row in last]
    heading = "All epochs" if len(last) == len(history) else f"The last {len(last):,} epochs"
    names = [name.replace("_", " ") for name in columns]
    written = table(names, rows, numbers=len(columns))
    yield f"<h2>Epoch by epoch</h2>\n<details><summary>{heading}</summary>{written}</details>"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
