"""What an output is, and how it is where nothing else is said: for numbers, with y = score.

outputs.py has the outputs themselves, each with its loss.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad import losses
from handgrad.activations import identity
from handgrad.losses import PLAIN, LossSettings

Array = NDArray[Any]


class OutputText(NamedTuple):
    """An output and its loss written for readers: y, the loss of a row, its slope in the score."""

    formula: str
    line: str
    words: str
    loss_formula: str  # for row i, after the sum over rows
    loss_line: str
    loss_words: str
    slope_formula: str
    slope_line: str
    slope_words: str
    sign: str = ""  # before the sum over rows


class Form(Enum):
    """How scores become predictions, for those who write a model in another language.

    Each form also says what the mean of several networks is: the score whose prediction is the
    mean of theirs.
    """

    IDENTITY = "y = score, of any size"
    EXPONENTIAL = "y = exp(score), above 0"
    SOFTMAX = "probabilities exp(score_k) / sum_k exp(score_k); the class of the highest score"
    PAIR = "probabilities 1 - p and p = 1 / (1 + exp(-score)); the second class where score > 0"
    EACH = "a probability 1 / (1 + exp(-score_k)) for each label, which holds where score_k > 0"


class Link(NamedTuple):
    """A derivative of a single row on the way from its loss to its scores, for readers."""

    name: str
    formula: str
    line: str
    words: str


class Spelled(NamedTuple):
    """A calculation written out, and what comes of it with the digits that are written."""

    text: str
    value: float


def written(number: float, digits: int) -> Spelled:
    """Write a number out with so many significant digits; a 0 never has a sign."""
    text = f"{number + 0.0:.{digits}g}"
    return Spelled(text, float(text))


class Output:
    """An output for numbers, whose prediction is the score; subclasses override what differs."""

    name: str  # as in ``Architecture.output`` and in files
    loss: str = ""  # the user's name for the loss, where there is a choice: for numbers
    aim: str = ""  # the purpose of the loss, as the command line states it
    settings: tuple[str, ...] = ()  # the fields of ``LossSettings`` that it uses
    has_kernel: bool = False  # in engines/compiled/losses.py; else the reference trains
    classifies: bool = False  # whether it gives labels, which are right or wrong
    takes_classes: bool = False  # whether y_t may hold class numbers, (n,), not a column per target
    is_linear: bool = True  # whether the prediction is the score itself
    is_robust: bool = False  # whether outliers count for little, see target_scale.py
    predicts_quantiles: bool = False  # whether it is judged as quantiles, not as means
    slope_is_difference: bool = False  # whether a row's loss has the slope y - y_t
    sklearn_name: str = "identity"  # scikit-learn's name for ``predict``
    is_in_sklearn: bool = False  # whether scikit-learn has the same loss
    kind_of_y: str = "numbers"
    bound_of_y: str = "finite"  # the condition on y, see ``impossible``
    scaled_y: str = "minus its mean, divided by its standard deviation"  # the y that is learnt
    text: OutputText
    predict: Callable[[Array], Array] = staticmethod(identity)  # score (n, N_y) -> y (n, N_y)
    row_losses: Callable[..., Array]  # score, y_t, settings -> (n,)
    backward: Callable[..., Array]  # y, y_t, settings -> d row_losses / d score, (n, N_y)

    # -- learning -----------------------------------------------------------------------------

    def mean_loss(
        self, score: Array, y_t: Array, weight: Array | None = None, settings: LossSettings = PLAIN
    ) -> Any:
        """Compute equation 5, the mean of the row losses: see ``losses.mean_loss``."""
        return losses.mean_loss(self.row_losses(score, y_t, settings), weight)

    def dscore(
        self, y: Array, y_t: Array, weight: Array | None = None, settings: LossSettings = PLAIN
    ) -> Array:
        """Compute equation 6, the slope of the loss in the scores: see ``losses.dscore``."""
        return losses.dscore(self.backward(y, y_t, settings), weight)

    def right(self, score: Array, y_t: Array) -> NDArray[np.bool_]:
        """Tell whether each row's prediction is right, shape (n,); for numbers, none is."""
        return np.zeros(len(score), np.bool_)

    def soft(self, probabilities: Array, dtype: Any) -> Array:
        """Turn what each class is to get, (n, K), into y_t for a network of this precision."""
        raise self._gives_no_labels()

    def is_soft(self, y_t: Array) -> bool:
        """Tell probabilities of labels from labels."""
        return False

    def quantiles(self, settings: LossSettings) -> tuple[float, ...]:
        """Return the quantiles predicted for each target, if any."""
        return ()

    def n_each(self, settings: LossSettings) -> int:
        """Count the scores for each target."""
        return max(1, len(self.quantiles(settings)))

    def impossible(self, y: Array) -> NDArray[np.bool_]:
        """Mark the numbers that y must not hold (see ``bound_of_y``), in the shape of y."""
        return np.zeros(y.shape, np.bool_)

    def target_scale(self, mean: Array, scale: Array) -> tuple[Array, Array]:
        """Return the targets learnt as 0 and (in distance) as 1, given mean and deviation."""
        return mean, scale

    def best_constant(self, mean: Array) -> Array:
        """Return the best score for targets of this mean that ignores the inputs."""
        return mean

    def chance(self, n_scores: int) -> float:
        """Return the mean loss of a network that gives every label the same probability."""
        raise self._gives_no_labels()

    # -- predicting ---------------------------------------------------------------------------

    def mean_scores(self, scores: Array, shares: Array | None = None) -> Array:
        """Find the scores whose predictions are the mean of k networks', (k, n, N_y).

        The shares of the networks, (k,), sum to 1; they are equal if none are given.
        """
        return losses.mean_of(scores, shares)

    def fold_scale(self, W: Array, b: Array, mean: Array, scale: Array) -> None:
        """Change the last layer, in place, so that it predicts y itself instead of scaled y."""
        W[...] *= scale
        b[...] = b * scale + mean

    def is_binary(self, n_scores: int) -> bool:
        """Tell whether there is one score, which separates two classes."""
        return False

    def is_multilabel(self, n_scores: int) -> bool:
        """Tell whether a row may have several labels at once."""
        return False

    def fits(self, n_scores: int, n_classes: int, *, multilabel: bool) -> bool:
        """Tell whether ``n_scores`` scores can stand for ``n_classes`` classes or labels."""
        return False

    def log_proba(self, score: Array) -> Array:
        """Turn scores (n, N_y) into log-probabilities (n, K).

        Raises
        ------
        ValueError
            If the output predicts numbers; likewise in ``proba``, ``decide`` and ``chance``.
        """
        raise self._gives_no_labels()

    def proba(self, score: Array) -> Array:
        """Turn scores (n, N_y) into probabilities (n, K)."""
        return np.asarray(np.exp(self.log_proba(score)))

    def decide(self, score: Array) -> NDArray[np.intp]:
        """Pick each row's class number, (n,); for several labels, 0 or 1 for each, (n, K)."""
        raise self._gives_no_labels()

    def _gives_no_labels(self) -> ValueError:
        return ValueError(f"output {self.name!r} predicts numbers; it has no labels")

    def form(self, n_scores: int) -> Form:
        """Say how ``n_scores`` scores become predictions."""
        return Form.IDENTITY

    # -- the words that explain it ------------------------------------------------------------

    def told(self, settings: LossSettings) -> OutputText:
        """Return the equations of the output under these settings of the loss."""
        return self.text

    def chain(self, settings: LossSettings) -> tuple[Link, ...]:
        """Write out the derivatives whose product the slope is; none where it is one alone."""
        return ()

    def names_in_lines(self, settings: LossSettings, truth: Array) -> dict[str, Any]:
        """Return the variables, besides y, score and y_t, that the lines of code use."""
        return {}

    def spelled_prediction(self, score: Array, at: int, digits: int) -> Spelled:
        """Write out how one prediction of a row follows from its scores (N_y,)."""
        own = written(score[at], digits)
        return Spelled(f"score {own.text}", own.value)

    def spelled_loss(self, y: Array, truth: Any, digits: int) -> Spelled | None:
        """Write out the loss of a row with predictions (N_y,); None where that is too long."""
        return None

    def told_of_chance(self, n_scores: int) -> str:
        """State the loss of a network that knows nothing; "" where it depends on y."""
        return ""
