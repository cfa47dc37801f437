"""The pictures of a report, each with its caption."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad import plots
from handgrad.html import escaped, sentence
from handgrad.models.evaluation import Evaluation, NumbersEvaluation
from handgrad.plots.history import constant_rate
from handgrad.plots.importance import MOST_BARS
from handgrad.plots.judging import FEWEST_BINS
from handgrad.plots.numbers import MOST_TARGETS
from handgrad.plots.style import new_figure, title

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

    from handgrad.models.evaluation import Judgement
    from handgrad.models.importance import Importance
    from handgrad.models.model import Model
    from handgrad.training.history import History

Array = NDArray[Any]

FEWEST_FOR_CALIBRATION = 20  # rows
CSS_INCH = 96  # pixels


@dataclass(frozen=True, eq=False)
class Judged:
    """A model and the labelled rows that evaluate it.

    Attributes
    ----------
    model : Model
    columns : pyarrow.Table
        The rows.
    y_t : int array of shape (n,), or array of shape (n, N_y)
        Their class numbers; or their numbers; or 1 for each label that a row has, else 0.
    lr : float
        The learning rate of the step that is drawn.
    scores : array of shape (n, N_y), optional
        The scores of the rows, if they are not those that the model gives them now: of rows that
        it has learnt, from a network that has not.
    """

    model: Model
    columns: pa.Table
    y_t: Array
    lr: float = 1e-3
    scores: Array | None = None

    @property
    def scored(self) -> Array:
        """The scores that judge the rows."""
        return self.model.scores(self.columns) if self.scores is None else self.scores


class Picture(NamedTuple):
    name: str  # of its file
    heading: str
    caption: str
    figure: Figure


def pictures_of(
    history: History,
    evaluation: Judgement,
    rows: str,
    best: int | None,
    judged: Judged | None,
    importances: Sequence[Importance] = (),
) -> Iterator[Picture]:
    """Draw every picture, in the order of the page."""
    if len(history):
        yield Picture(
            "learning_curve.png",
            "How it learned",
            "Each epoch is one pass over the training rows. Where the dashed line of the "
            "validation rows, held back from training, turns up while the other still falls, the "
            "network begins to learn the training rows by heart.",
            plots.learning_curve(history, best),
        )
    if isinstance(evaluation, Evaluation):
        yield Picture(
            "confusion_matrix.png",
            "Which classes it confuses",
            "Each row of the matrix is a true class, each column a predicted one; the cells off "
            "the diagonal count errors.",
            plots.confusion_matrix(evaluation, rows),
        )
    if judged is not None:
        yield from _of_predictions(judged, evaluation)
    if importances:
        yield _columns(importances)
    if judged is not None:
        yield from _inside(judged)
    if len(history):
        yield Picture(
            "steps.png",
            "The steps of training",
            "On a logarithmic axis, steady learning is a straight line downwards."
            + _of_the_rate(history),
            plots.steps(history),
        )


def _of_the_rate(history: History) -> str:
    rate = constant_rate(history)
    return "" if rate is None else f" The learning rate was {rate:g} in every epoch."


def _of_predictions(judged: Judged, evaluation: Judgement) -> Iterator[Picture]:
    if isinstance(evaluation, NumbersEvaluation):
        quantiles = "share_below" in evaluation.measures
        yield _quantiles(judged, evaluation) if quantiles else _numbers(judged, evaluation)
    elif isinstance(evaluation, Evaluation):
        if len(judged.y_t) >= FEWEST_FOR_CALIBRATION:
            yield from _calibration(judged)
        if len(judged.model.encoder.number_names) >= 2:
            yield _regions(judged)


def _columns(importances: Sequence[Importance]) -> Picture:
    caption = (
        "The cells of one column at a time are shuffled among the rows: the bar is how much worse "
        "the predictions are then, the line from its end its standard deviation over the "
        "shuffles. Columns that say the same share their importance."
    )
    if len(importances) > MOST_BARS:
        caption += f" The first {MOST_BARS} of {len(importances):,} columns are drawn."
    return Picture(
        "importance.png", "Which columns it leans on", caption, plots.importance_bars(importances)
    )


def _inside(judged: Judged) -> Iterator[Picture]:
    model = judged.model
    weights = plots.WeightsDisplay.from_model(model)
    tall = 5.0 if weights.image_shape else min(10.0, 2.0 + 0.22 * len(weights.input_names))
    figure = _drawn(weights, 8, tall, "Weights of the first layer")
    yield Picture(
        "weights.png",
        "What the first layer looks at",
        "A column for each hidden unit, or an image if the inputs are pixels: blue weights are "
        "above 0, orange ones below.",
        figure,
    )
    x = model.encoder.transform(judged.columns, model.params.flat.dtype)
    if len(model.params.W) > 1:
        yield _activations(model, x)
    yield _gradients(judged, x)


def _numbers(judged: Judged, evaluation: NumbersEvaluation) -> Picture:
    prediction = judged.model.numbers_of(judged.scored)
    caption = (
        "On the line, the prediction is the truth. On the right, the errors should scatter around "
        "0 for every prediction: a bend means that something is not learned yet, a funnel that "
        "large numbers are predicted less well."
    )
    return Picture(
        "predictions.png",
        "How large its errors are",
        caption + _only_the_first(len(evaluation.names)),
        plots.predictions(judged.y_t, prediction, evaluation.names),
    )


def _quantiles(judged: Judged, evaluation: NumbersEvaluation) -> Picture:
    architecture = judged.model.architecture
    quantiles, n = architecture.loss.quantiles, architecture.n_targets
    shares = evaluation.measures["share_below"].reshape(n, len(quantiles))
    names = [f"target {place + 1}" for place in range(n)]
    caption = (
        "The share of rows whose number is at most the predicted quantile. On the dotted line, "
        "the share equals the quantile."
    )
    return Picture(
        "quantiles.png",
        "Whether its quantiles hold",
        caption + _only_the_first(n),
        plots.quantile_shares(quantiles, shares, names),
    )


def _only_the_first(n: int) -> str:
    return f" The first {MOST_TARGETS} of {n} targets are drawn." if n > MOST_TARGETS else ""


def _calibration(judged: Judged) -> Iterator[Picture]:
    probabilities = judged.model.architecture.head.proba(judged.scored)
    display = plots.CalibrationDisplay.from_predictions(judged.y_t, probabilities)
    if display.n_apart < FEWEST_BINS:
        return  # nearly all rows have the same probability
    figure = _drawn(display, 5.5, 5, "Calibration")
    caption = (
        "The rows in bins by the probability of their predicted class. On the diagonal, the class "
        "is right as often as its probability says; below it, the network is too sure of itself. "
        "The line through a bin is the 95 % interval of its share: where it meets the diagonal, "
        "the rows are too few to object."
    )
    yield Picture("calibration.png", "Whether its probabilities hold", caption, figure)


def _regions(judged: Judged) -> Picture:
    model = judged.model
    encoder = model.encoder
    names = encoder.number_names
    rows = [encoder.places[name][0] for name in names]
    size = np.linalg.norm(model.params.W[0][rows], axis=1)
    first, second = np.sort(np.argsort(-size, kind="stable")[:2])
    two = (names[first], names[second])
    display = plots.RegionsDisplay(model, judged.columns, judged.y_t, two)
    figure = _drawn(display, 7, 5.5, "Regions of the classes")
    caption = (
        f"The two numbers with the largest weights are {two[0]} and {two[1]}. Other numbers are "
        "held at their median and categories at their most frequent value, so a point may lie in "
        "the region of another class and still be predicted as its own."
    )
    return Picture("regions.png", "Where it separates the classes", caption, figure)


def _activations(model: Model, x: Array) -> Picture:
    display = plots.ActivationsDisplay.from_x(model, x)
    tall = 1.8 + 0.9 * (len(model.params.W) - 1)
    figure = _drawn(display, 8, tall, "Outputs of the hidden units")
    idle = sum(display.idle)
    caption = (
        "The box holds the middle half of all values, the whiskers reach from 1 % to 99 %, the "
        "orange line is the median. "
    )
    caption += (
        f"{idle:,} units are dead or stuck: their output is the same for every row, and they "
        "learn no more."
        if idle
        else "No unit is dead or stuck."
    )
    return Picture("activations.png", "How active its hidden units are", caption, figure)


def _gradients(judged: Judged, x: Array) -> Picture:
    model = judged.model
    y_t = model.learnt(judged.y_t)
    display = plots.GradientsDisplay.from_x(model, x, y_t, lr=judged.lr)
    figure = new_figure(10, 4)
    left, right = figure.subplots(1, 2)
    display.plot("entries", ax=left)
    title(left, "Gradients of single weights")
    display.plot("ratio", ax=right)
    title(right, "Step over weights")
    caption = (
        "The gradient on these rows, layer by layer: the box holds the middle half of a layer's "
        "weights, the whiskers reach from 1 % to 99 %, the orange line is the median. Weights "
        "whose gradient is 0 are counted below. Beside it stands a step of plain gradient descent, "
        "as a share of the weights that it changes. In a trained network both are small. If "
        "gradients shrink from layer to layer towards the first, the network hardly learns."
    )
    return Picture("gradients.png", "What it would learn next", caption, figure)


def _drawn(display: Any, width: float, height: float, heading: str) -> Figure:
    figure = new_figure(width, height)
    axes = figure.subplots()
    display.plot(ax=axes)
    title(axes, heading)
    return figure


def png(figure: Figure) -> bytes:
    """Write a picture as the content of a PNG file."""
    picture = io.BytesIO()
    figure.savefig(picture, dpi=150, format="png")
    return picture.getvalue()


def shown_picture(picture: Picture, content: bytes) -> str:
    """Write a picture into a page."""
    data = base64.b64encode(content).decode()
    width = round(picture.figure.get_figwidth() * CSS_INCH)
    return (
        f"<h2>{escaped(picture.heading)}</h2>\n<figure>"
        f'<img alt="{escaped(picture.heading)}" width="{width}" '
        f'src="data:image/png;base64,{data}">'
        f"<figcaption>{sentence(picture.caption)}</figcaption></figure>"
    )
