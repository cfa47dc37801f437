"""The outputs of a network: each turns scores into predictions and has the loss that fits.

losses.py has the formulas. Everything else that depends on the output (which y it accepts, the
scale in which y is learnt, how networks are averaged, its name in scikit-learn, the words that
explain it) is an attribute or a method here, so that no other file compares an output's name.
output.py lists them, with their usual values.

To add an output, write its loss and slope in losses.py, its class here and its kernel in
engines/compiled/losses.py. Without a kernel, the reference engine trains it.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad import losses
from handgrad.activations import logistic
from handgrad.losses import LossSettings, log_logistic, log_softmax, softmax
from handgrad.output import Form, Link, Output, OutputText, Spelled, written

Array = NDArray[Any]

MOST_TERMS = 4  # terms of a sum to write out
BY_QUARTILES = "minus its median, divided by a spread taken from its quartiles"
PUSH = "A prediction too high should fall and one too low should rise, each by its error."
SPREAD = "Smoothing spreads {:g} of each true label over all classes."
AS_IT_IS = "y = score", "y = score", "The score is the prediction."


class Squared(Output):
    name, loss, aim = "identity", "squared_error", "finds means"
    has_kernel = slope_is_difference = is_in_sklearn = True
    row_losses = staticmethod(losses.squared_error)
    backward = staticmethod(losses.squared_error_backward)
    text = OutputText(
        *AS_IT_IS,
        r"\frac{1}{2} \sum_k (y_k - t_k)^2",
        "((y - y_t) ** 2 / 2).sum(axis=1)",
        "Half the squared distance between prediction and truth.",
        "y - t",
        "y - y_t",
        f"Prediction minus truth. {PUSH}",
    )

    def right(self, score: Array, y_t: Array) -> NDArray[np.bool_]:
        """Tell whether each row's numbers are exact, shape (n,)."""
        return np.asarray((score == y_t).all(axis=1))

    def spelled_loss(self, y: Array, truth: Any, digits: int) -> Spelled | None:
        if y.size > 1:
            return None
        (told, of_y), (true, of_truth) = written(y[0], digits), written(truth[0], digits)
        return Spelled(f"({told} - {true})² / 2", (of_y - of_truth) ** 2 / 2)


class Absolute(Output):
    name, loss, aim = "absolute", "absolute_error", "finds medians"
    has_kernel = is_robust = True
    scaled_y = BY_QUARTILES
    row_losses = staticmethod(losses.absolute_error)
    backward = staticmethod(losses.absolute_error_backward)
    text = OutputText(
        *AS_IT_IS,
        r"\sum_k |y_k - t_k|",
        "np.abs(y - y_t).sum(axis=1)",
        "The distance between prediction and truth.",
        r"\sign(y - t)",
        "np.sign(y - y_t)",
        "A prediction too high should fall and one too low should rise, whatever the error.",
    )


class Huber(Output):
    name, loss, aim = "huber", "huber", "is between the two"
    settings = ("delta",)
    has_kernel = is_robust = True
    scaled_y = BY_QUARTILES
    row_losses = staticmethod(losses.huber_loss)
    backward = staticmethod(losses.huber_loss_backward)
    text = OutputText(
        *AS_IT_IS,
        r"\sum_k c_k (|y_k - t_k| - \frac{c_k}{2}) \where c_k = \min(|y_k - t_k|, \delta)",
        "(np.minimum(np.abs(y - y_t), delta) * "
        "(np.abs(y - y_t) - np.minimum(np.abs(y - y_t), delta) / 2)).sum(axis=1)",
        "Half the squared distance between prediction and truth; beyond delta it grows linearly.",
        r"\clip(y - t, -\delta, \delta)",
        "np.clip(y - y_t, -delta, delta)",
        "Prediction minus truth, limited to delta either way.",
    )

    def names_in_lines(self, settings: LossSettings, truth: Array) -> dict[str, Any]:
        return {"delta": settings.delta}


class Quantile(Output):
    name, loss, aim = "quantile", "quantile", "finds --quantiles"
    settings = ("quantiles",)
    has_kernel = is_robust = predicts_quantiles = True
    scaled_y = BY_QUARTILES
    row_losses = staticmethod(losses.quantile_loss)
    backward = staticmethod(losses.quantile_loss_backward)
    text = OutputText(
        "y = score",
        "y = score",
        "The score is the prediction, one for each quantile.",
        r"\sum_k \max(q_k (t_k - y_k), (1 - q_k) (y_k - t_k))",
        "np.maximum(q * (t - y), (1 - q) * (y - t)).sum(axis=1)",
        "The distance between prediction and truth, times q below the truth and 1 - q above it.",
        r"[y > t] - q",
        "np.where(y > t, 1 - q, -q)",
        "A prediction below the truth should rise by its q, one above it should fall by 1 - q.",
    )

    def quantiles(self, settings: LossSettings) -> tuple[float, ...]:
        return settings.quantiles

    def names_in_lines(self, settings: LossSettings, truth: Array) -> dict[str, Any]:
        q, n_each = settings.quantiles, self.n_each(settings)
        return {"q": np.tile(q, truth.shape[1]), "t": np.repeat(truth, n_each, axis=1)}


class Poisson(Output):
    name, loss, aim = "poisson", "poisson", "for counts"
    has_kernel = slope_is_difference = is_in_sklearn = True
    is_linear = False
    sklearn_name = "exp"
    kind_of_y, bound_of_y, scaled_y = "counts", "at least 0", "divided by its mean"
    predict = staticmethod(losses.exponential)
    row_losses = staticmethod(losses.poisson_deviance)
    backward = staticmethod(losses.squared_error_backward)
    text = OutputText(
        "y = e^{score}",
        "y = np.exp(score)",
        "The score is the logarithm of the prediction, so the prediction is positive.",
        r"\sum_k (y_k - t_k - t_k \log \frac{y_k}{t_k})",
        "(y - y_t - y_t * (score - np.log(np.where(y_t > 0, y_t, 1)))).sum(axis=1)",
        "Half the deviance of the Poisson distribution: 0 where prediction and truth agree.",
        "y - t",
        "y - y_t",
        f"Prediction minus truth. {PUSH}",
    )

    def impossible(self, y: Array) -> NDArray[np.bool_]:
        return y < 0

    def target_scale(self, mean: Array, scale: Array) -> tuple[Array, Array]:
        return 0 * mean, np.where(mean > 0, mean, 1)  # counts keep their 0

    def best_constant(self, mean: Array) -> Array:
        return np.asarray(np.log(np.maximum(mean, 1e-6)))

    def mean_scores(self, scores: Array, shares: Array | None = None) -> Array:
        return losses.log_mean_exp(scores, shares)

    def fold_scale(self, W: Array, b: Array, mean: Array, scale: Array) -> None:
        b[...] += np.log(scale)

    def form(self, n_scores: int) -> Form:
        return Form.EXPONENTIAL

    def spelled_prediction(self, score: Array, at: int, digits: int) -> Spelled:
        own = written(score[at], digits)
        return Spelled(f"e^{own.text}", _power(own.value))


class Labels(Output):
    """The base of the two outputs that predict labels."""

    settings = ("label_smoothing",)
    classifies = True
    slope_is_difference = is_in_sklearn = True


class Softmax(Labels):
    name = sklearn_name = "softmax"
    has_kernel = takes_classes = True
    predict = staticmethod(softmax)
    row_losses = staticmethod(losses.cross_entropy)
    backward = staticmethod(losses.cross_entropy_backward)
    text = OutputText(
        r"y_k = \frac{e^{score_k}}{\sum_j e^{score_j}}",
        "y = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)",
        "Exponentials make the scores positive; dividing by their sum makes them probabilities.",
        r"\log y_{i t}",
        "np.log(np.exp(score).sum(axis=1)) - score[np.arange(n), y_t]",
        "Minus the logarithm of the true class's probability: 0 where that is 1.",
        "y_k - [k = t]",
        "y - np.eye(N_y)[y_t]",
        f"Probability minus truth, which is 1 for the true class and 0 for the others. {PUSH}",
        "-",
    )

    def right(self, score: Array, y_t: Array) -> NDArray[np.bool_]:
        """Tell whether each row's highest score is that of its true or likeliest class, (n,)."""
        true = y_t.argmax(axis=1) if y_t.ndim == 2 else y_t
        return np.asarray(score.argmax(axis=1) == true)

    def soft(self, probabilities: Array, dtype: Any) -> Array:
        return probabilities.astype(dtype)

    def is_soft(self, y_t: Array) -> bool:
        return y_t.ndim == 2

    def chance(self, n_scores: int) -> float:
        return math.log(max(2, n_scores))

    def mean_scores(self, scores: Array, shares: Array | None = None) -> Array:
        return losses.log_mean_exp(np.stack([log_softmax(score) for score in scores]), shares)

    def fits(self, n_scores: int, n_classes: int, *, multilabel: bool) -> bool:
        return not multilabel and n_scores == n_classes

    @np.errstate(over="ignore")  # scores near 1e308 may differ by more than float64 can hold
    def log_proba(self, score: Array) -> Array:
        return losses.held_finite(log_softmax(score))

    def decide(self, score: Array) -> NDArray[np.intp]:
        """Pick the class of each row's highest score, (n,); the first of equal ones."""
        return np.asarray(score.argmax(axis=1))

    def form(self, n_scores: int) -> Form:
        return Form.SOFTMAX

    def told(self, settings: LossSettings) -> OutputText:
        s = settings.label_smoothing
        if not s:
            return self.text
        return self.text._replace(
            loss_formula=rf"\sum_k ({1 - s:g} [k = t] + \frac{{{s:g}}}{{N_y}}) \log y_k",
            loss_line="np.log(np.exp(score).sum(axis=1))"
            f" - {1 - s!r} * score[np.arange(n), y_t] - {s!r} * score.mean(axis=1)",
            slope_formula=rf"y_k - {1 - s:g} [k = t] - \frac{{{s:g}}}{{N_y}}",
            slope_line=f"y - {1 - s!r} * np.eye(N_y)[y_t] - {s!r} / N_y",
            slope_words=f"{self.text.slope_words} {SPREAD.format(s)}",
        )

    def chain(self, settings: LossSettings) -> tuple[Link, ...]:
        s = settings.label_smoothing
        truth, line = "[k = t]", "np.eye(N_y)[y_t]"
        if s:
            truth = rf"{1 - s:g} {truth} + \frac{{{s:g}}}{{N_y}}"
            line = f"({1 - s!r} * {line} + {s!r} / N_y)"
        return (
            Link(
                "dy",
                rf"dy_k = \frac{{\partial L}}{{\partial y_k}} = -\frac{{{truth}}}{{y_k}}",
                f"dy = -{line} / y",
                "How the loss changes with each probability: it falls as that of the true class "
                "rises, the faster the smaller it is.",
            ),
            Link(
                "J",
                r"J_{j k} = \frac{\partial y_j}{\partial score_k} = y_j ([j = k] - y_k)",
                "J = np.diag(y[0]) - np.outer(y[0], y[0])",
                "How each probability changes with each score: y_k (1 - y_k) with its own, and "
                "-y_j y_k with any other, because they share a sum of 1.",
            ),
            Link(
                "dscore",
                "dscore = dy J",
                "dscore = dy @ J",
                "The chain rule multiplies the two. The true class's y cancels, and (6) is left: "
                "probability minus truth.",
            ),
        )

    def spelled_prediction(self, score: Array, at: int, digits: int) -> Spelled:
        own, (powers, total) = written(score[at], digits), _sum_of_powers(score, digits)
        return Spelled(f"e^{own.text} / ({powers})", _power(own.value - total))

    def spelled_loss(self, y: Array, truth: Any, digits: int) -> Spelled | None:
        return _minus_log(beside_one(y[truth], digits))

    def told_of_chance(self, n_scores: int) -> str:
        loss = math.log(n_scores)
        return f"A network that knows nothing gives each class 1/{n_scores}, a loss of {loss:.4g}."


class Logistic(Labels):
    """One score separates two classes; several say, label by label, whether a row has it."""

    name = sklearn_name = "logistic"
    has_kernel = True
    predict = staticmethod(logistic)
    row_losses = staticmethod(losses.binary_cross_entropy)
    backward = staticmethod(losses.binary_cross_entropy_backward)
    text = OutputText(
        r"y = \frac{1}{1 + e^{-score}}",
        "y = 1 / (1 + np.exp(-score))",
        "Each score is bent into a probability; a score above 0 means more likely than not.",
        r"\sum_k (t_k \log y_k + (1 - t_k) \log(1 - y_k))",
        "((1 - y_t) * score + np.log1p(np.exp(-score))).sum(axis=1)",
        "Minus the logarithm of the probability of the true answer: 0 where that is 1.",
        "y - t",
        "y - y_t",
        f"Probability minus truth, which is 1 for yes and 0 for no. {PUSH}",
        "-",
    )

    def right(self, score: Array, y_t: Array) -> NDArray[np.bool_]:
        """Tell whether all answers of each row are right, (n,): a score above 0 is a yes.

        Of a probability as target, the likelier answer is the right one.
        """
        return np.asarray(((score > 0) == (y_t > 0.5)).all(axis=1))

    def soft(self, probabilities: Array, dtype: Any) -> Array:
        return probabilities[:, 1:].copy()  # of the second class; as wide as labels are

    def is_soft(self, y_t: Array) -> bool:
        return bool(((y_t != 0) & (y_t != 1)).any())

    def chance(self, n_scores: int) -> float:
        return n_scores * math.log(2)

    def mean_scores(self, scores: Array, shares: Array | None = None) -> Array:
        yes, no = log_logistic(scores), log_logistic(-scores)
        return losses.log_mean_exp(yes, shares) - losses.log_mean_exp(no, shares)

    def is_binary(self, n_scores: int) -> bool:
        return n_scores == 1

    def is_multilabel(self, n_scores: int) -> bool:
        return n_scores > 1

    def fits(self, n_scores: int, n_classes: int, *, multilabel: bool) -> bool:
        return n_scores == n_classes > 1 if multilabel else n_scores == 1 and n_classes == 2

    def log_proba(self, score: Array) -> Array:
        if self.is_binary(score.shape[1]):
            return np.column_stack([log_logistic(-score), log_logistic(score)])
        return losses.held_finite(log_logistic(score))

    def proba(self, score: Array) -> Array:
        """Turn scores (n, N_y) into probabilities (n, K).

        No label of several is certain: each probability lies between 0 and 1, both excluded.
        """
        probabilities = super().proba(score)
        several = self.is_multilabel(score.shape[1])
        return losses.never_certain(probabilities) if several else probabilities

    def decide(self, score: Array) -> NDArray[np.intp]:
        """Turn each score above 0 into 1: the second class, (n,), or a label of several, (n, K)."""
        yes: NDArray[np.intp] = (score > 0).astype(np.intp)
        return yes if self.is_multilabel(score.shape[1]) else yes[:, 0]

    def form(self, n_scores: int) -> Form:
        return Form.PAIR if self.is_binary(n_scores) else Form.EACH

    def told(self, settings: LossSettings) -> OutputText:
        s = settings.label_smoothing
        if not s:
            return self.text
        soft, soft_line = f"{1 - s:g} t_k + {s / 2:g}", f"{1 - s!r} * y_t + {s!r} / 2"
        return self.text._replace(
            loss_formula=r"\sum_k (\tau_k \log y_k + (1 - \tau_k) \log(1 - y_k)) \where \tau_k = "
            + soft,
            loss_line=f"((1 - ({soft_line})) * score + np.log1p(np.exp(-score))).sum(axis=1)",
            slope_formula=f"y_k - ({soft})",
            slope_line=f"y - ({soft_line})",
            slope_words=f"{self.text.slope_words} {SPREAD.format(s)}",
        )

    def spelled_prediction(self, score: Array, at: int, digits: int) -> Spelled:
        own = written(score[at], digits)
        return Spelled(f"1 / (1 + e^-({own.text}))", float(logistic(np.array(own.value))))

    def spelled_loss(self, y: Array, truth: Any, digits: int) -> Spelled | None:
        if y.size > 1:
            return None
        p = beside_one(y[0], digits)
        return _minus_log(p if truth[0] else Spelled(f"(1 - {p.text})", 1 - p.value))


def beside_one(number: float, digits: int) -> Spelled:
    """Write a number out; where the digits would say 1, by its distance from 1."""
    own, gap = written(number, digits), written(abs(1 - float(number)), digits)
    if own.value != 1 or not gap.value:
        return own
    less = number < 1
    return Spelled(f"(1 {'-' if less else '+'} {gap.text})", 1 + (-1 if less else 1) * gap.value)


def _minus_log(p: Spelled) -> Spelled:
    return Spelled(f"-log {p.text}", -math.log(p.value) + 0.0 if p.value > 0 else math.inf)


def _power(exponent: float) -> float:
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return float(np.exp(np.float64(exponent)))


def _sum_of_powers(score: Array, digits: int) -> Spelled:
    """Write out the sum of e^score, of many its largest terms; the value is its logarithm."""
    ordered = score.astype(np.float64)
    if len(ordered) > MOST_TERMS + 1:
        ordered = np.sort(ordered)[::-1]
    n_shown = len(ordered) if len(ordered) <= MOST_TERMS + 1 else MOST_TERMS
    powers = [written(s, digits) for s in ordered[:n_shown]]
    texts = [f"e^{power.text}" for power in powers]
    if rest := len(ordered) - n_shown:
        powers.append(written(np.logaddexp.reduce(ordered[n_shown:]), digits))
        texts.append(f"e^{powers[-1].text} ({rest:,} smaller terms)")
    return Spelled(" + ".join(texts), float(np.logaddexp.reduce([power.value for power in powers])))


SOFTMAX, LOGISTIC = Softmax(), Logistic()
OUTPUTS: dict[str, Output] = {
    output.name: output
    for output in (SOFTMAX, LOGISTIC, Squared(), Absolute(), Huber(), Quantile(), Poisson())
}
BY_LOSS = {output.loss: output for output in OUTPUTS.values() if output.loss}  # for numbers


def for_classes(n_classes: int) -> tuple[Output, int]:
    """Return the output that separates ``n_classes`` classes, and the number of its scores."""
    return (LOGISTIC, 1) if n_classes == 2 else (SOFTMAX, n_classes)


def settings_of_losses() -> dict[str, tuple[str, ...]]:
    """Map each setting that only some losses for numbers have to these losses."""
    losses_of: dict[str, tuple[str, ...]] = {}
    for loss, output in BY_LOSS.items():
        for name in output.settings:
            losses_of[name] = (*losses_of.get(name, ()), loss)
    return losses_of
