r"""Equations (1) to (13) for any network: in words, in symbols, and as one line of NumPy each.

For reading, not for computing: the numbers come from ``network.py``. A test runs every line on
the numbers of a trace and finds them equal to rounding. The lines are those of the derivation,
without the care that ``losses.py`` takes of overflow. A network with one hidden layer has the
article's names r, h, dh, dr; with several they are numbered r1, h1, r2, ...; and t in a formula
is y_t, the truth. The formulas are in the small language of ``formula.py``.
"""

import re
from typing import NamedTuple

from handgrad.network import Architecture


class Equation(NamedTuple):
    """How one quantity comes about."""

    number: int  # 1 to 13; 0 is given
    name: str  # of what it computes, as in "dW2"
    formula: str
    line: str
    words: str


class Bend(NamedTuple):
    """An activation: h in r, and dr in dh, r and h."""

    formula: str
    line: str
    words: str
    back_formula: str
    back_line: str
    back_words: str


SMOOTH = "Where the curve is flat, little passes back; where it is steep, much."
STEEP = "Each derivative is multiplied by the slope of the curve at its r."

BENDS = {
    "relu": Bend(
        r"h = \max(0, r)",
        "h = np.maximum(0, r)",
        "What is positive passes; what is not is cut off at 0.",
        r"dr = dh \odot [r > 0]",
        "dr = dh * (r > 0)",
        "Where r was cut off, nothing passes back.",
    ),
    "identity": Bend(
        "h = r",
        "h = r",
        "All passes as it is.",
        "dr = dh",
        "dr = dh",
        "All passes back as it is.",
    ),
    "tanh": Bend(
        r"h = \tanh(r)",
        "h = np.tanh(r)",
        "Large values are bent towards 1, small ones towards -1.",
        r"dr = dh \odot (1 - h^2)",
        "dr = dh * (1 - h * h)",
        SMOOTH,
    ),
    "logistic": Bend(
        r"h = \frac{1}{1 + e^{-r}}",
        "h = 1 / (1 + np.exp(-r))",
        "Large values are bent towards 1, small ones towards 0.",
        r"dr = dh \odot h \odot (1 - h)",
        "dr = dh * (h * (1 - h))",
        SMOOTH,
    ),
    "leaky_relu": Bend(
        r"h = \max(r, 0.01 r)",
        "h = np.where(r > 0, r, 0.01 * r)",
        "What is positive passes; of the rest, a hundredth.",
        r"dr = dh \odot ([r > 0] + 0.01 [r \le 0])",
        "dr = np.where(r > 0, dh, 0.01 * dh)",
        "Where r was not positive, a hundredth passes back.",
    ),
    "elu": Bend(
        r"h = \max(0, r) + \min(0, e^r - 1)",
        "h = np.where(r > 0, r, np.expm1(r))",
        "What is positive passes; the rest is bent towards -1.",
        r"dr = dh \odot ([r > 0] + (h + 1) [r \le 0])",
        "dr = np.where(r > 0, dh, dh * (h + 1))",
        STEEP,
    ),
    "selu": Bend(
        r"h = \lambda (\max(0, r) + \min(0, \alpha (e^r - 1)))",
        "h = 1.0507009873554805 * np.where(r > 0, r, 1.6732632423543772 * np.expm1(r))",
        "What is positive passes a little enlarged; the rest is bent towards -1.76.",
        r"dr = dh \odot (\lambda [r > 0] + (h + \lambda \alpha) [r \le 0])",
        "dr = np.where(r > 0, 1.0507009873554805 * dh, dh * (h + 1.7580993408473768))",
        STEEP,
    ),
    "softplus": Bend(
        r"h = \log(1 + e^r)",
        "h = np.log1p(np.exp(r))",
        "A relu with its corner rounded.",
        r"dr = dh \odot (1 - e^{-h})",
        "dr = dh * (1 - np.exp(-h))",
        STEEP,
    ),
    "gelu": Bend(
        r"h = r \Phi(r)",
        "h = r * scipy.stats.norm.cdf(r)",
        "r times the chance that a number of the normal distribution lies below it.",
        r"dr = dh \odot (\Phi(r) + r \varphi(r))",
        "dr = dh * (scipy.stats.norm.cdf(r) + r * scipy.stats.norm.pdf(r))",
        STEEP,
    ),
    "silu": Bend(
        r"h = \frac{r}{1 + e^{-r}}",
        "h = r / (1 + np.exp(-r))",
        "What is large passes; what is far below 0 is held back.",
        r"dr = dh \odot (s + h (1 - s)) \where s = \logistic(r)",
        "dr = dh * (1 / (1 + np.exp(-r)) + h * (1 - 1 / (1 + np.exp(-r))))",
        STEEP,
    ),
    "mish": Bend(
        r"h = r \tanh(\log(1 + e^r))",
        "h = r * np.tanh(np.log1p(np.exp(r)))",
        "What is large passes; what is far below 0 is held back.",
        r"dr = dh \odot (\tau + r (1 - \tau^2) \logistic(r)) \where \tau = \tanh(\log(1 + e^r))",
        "dr = dh * (np.tanh(np.log1p(np.exp(r)))"
        " + r / np.cosh(np.log1p(np.exp(r))) ** 2 / (1 + np.exp(-r)))",
        STEEP,
    ),
}


class End(NamedTuple):
    """An output with its loss: y in the score, the loss of a row, its slope in the score."""

    formula: str
    line: str
    words: str
    loss_formula: str  # of row i, after the sum over rows
    loss_line: str
    loss_words: str
    slope_formula: str
    slope_line: str
    slope_words: str
    sign: str = ""  # before the sum over rows


PUSH = "What is too high is to fall, what is too low is to rise, each by how far it is off."

ENDS = {
    "softmax": End(
        r"y_k = \frac{e^{score_k}}{\sum_j e^{score_j}}",
        "y = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)",
        "Exponentials make the scores positive; divided by their sum they are probabilities.",
        r"\log y_{i t}",
        "np.log(np.exp(score).sum(axis=1)) - score[np.arange(n), y_t]",
        "Minus the logarithm of the probability of the true class: 0 where that is 1.",
        "y_k - [k = t]",
        "y - np.eye(N_y)[y_t]",
        f"Probability minus truth, which is 1 for the true class and 0 for the others. {PUSH}",
        "-",
    ),
    "logistic": End(
        r"y = \frac{1}{1 + e^{-score}}",
        "y = 1 / (1 + np.exp(-score))",
        "Each score is bent into a probability: above 0 means more probable than not.",
        r"\sum_k (t_k \log y_k + (1 - t_k) \log(1 - y_k))",
        "((1 - y_t) * score + np.log1p(np.exp(-score))).sum(axis=1)",
        "Minus the logarithm of the probability of what is true: 0 where that is 1.",
        "y - t",
        "y - y_t",
        f"Probability minus truth, which is 1 for yes and 0 for no. {PUSH}",
        "-",
    ),
    "identity": End(
        "y = score",
        "y = score",
        "The score is the prediction.",
        r"\frac{1}{2} \sum_k (y_k - t_k)^2",
        "((y - y_t) ** 2 / 2).sum(axis=1)",
        "Half the squared distance of prediction and truth.",
        "y - t",
        "y - y_t",
        f"Prediction minus truth. {PUSH}",
    ),
    "poisson": End(
        "y = e^{score}",
        "y = np.exp(score)",
        "The score is the logarithm of the prediction, which so is positive.",
        r"\sum_k (y_k - t_k - t_k \log \frac{y_k}{t_k})",
        "(y - y_t - y_t * (score - np.log(np.where(y_t > 0, y_t, 1)))).sum(axis=1)",
        "Half the deviance of Poisson's distribution: 0 where prediction and truth agree.",
        "y - t",
        "y - y_t",
        f"Prediction minus truth. {PUSH}",
    ),
    "absolute": End(
        "y = score",
        "y = score",
        "The score is the prediction.",
        r"\sum_k |y_k - t_k|",
        "np.abs(y - y_t).sum(axis=1)",
        "The distance of prediction and truth.",
        r"\sign(y - t)",
        "np.sign(y - y_t)",
        "Too high is to fall, too low to rise, and how far it is off does not count.",
    ),
    "huber": End(
        "y = score",
        "y = score",
        "The score is the prediction.",
        r"\sum_k c_k (|y_k - t_k| - \frac{c_k}{2}) \where c_k = \min(|y_k - t_k|, \delta)",
        "(np.minimum(np.abs(y - y_t), delta) * "
        "(np.abs(y - y_t) - np.minimum(np.abs(y - y_t), delta) / 2)).sum(axis=1)",
        "Half the squared distance of prediction and truth; from delta on it grows straight.",
        r"\clip(y - t, -\delta, \delta)",
        "np.clip(y - y_t, -delta, delta)",
        "Prediction minus truth, but never more than delta.",
    ),
    "quantile": End(
        "y = score",
        "y = score",
        "The score is the prediction: one for each quantile.",
        r"\sum_k \max(q_k (t_k - y_k), (1 - q_k) (y_k - t_k))",
        "np.maximum(q * (t - y), (1 - q) * (y - t)).sum(axis=1)",
        "The distance of prediction and truth, times q below the truth and 1 - q above it.",
        r"[y > t] - q",
        "np.where(y > t, 1 - q, -q)",
        "A prediction below the truth is to rise by its q, one above it to fall by 1 - q.",
    ),
}


def equations(
    architecture: Architecture, *, weighted: bool = False, l2: float = 0.0
) -> list[Equation]:
    """List how every quantity of a pass comes about, in the order of computing.

    Parameters
    ----------
    architecture : Architecture
    weighted : bool
        Whether the rows have weights.
    l2 : float
        Strength of the penalty; where it is 0 no line speaks of it.
    """
    last = len(architecture.layer_units) - 1
    layers = range(1, last)
    steps: list[Equation] = []
    for layer in layers:
        steps += _hidden(architecture, layer)
    steps += _end(architecture, weighted=weighted, l2=l2)
    for layer in range(last, 0, -1):
        steps += _back(architecture, layer, l2=l2)
    return steps + [_step(f"{kind}{layer}") for layer in range(1, last + 1) for kind in "Wb"]


def unit_name(name: str, layer: int, architecture: Architecture) -> str:
    """Name a quantity of a hidden layer: r with one such layer, r1 and r2 with several."""
    if layer == 0:
        return "x"
    return name if len(architecture.layer_units) == 3 else f"{name}{layer}"


def _hidden(architecture: Architecture, layer: int) -> list[Equation]:
    below = unit_name("h", layer - 1, architecture)
    r, h = (unit_name(name, layer, architecture) for name in "rh")
    bend = BENDS[architecture.activations[layer - 1]]
    what = "inputs" if layer == 1 else f"units of layer {layer - 1}"
    return [
        Equation(
            1,
            r,
            f"{r} = {below} W{layer} + b{layer}",
            f"{r} = {below} @ W{layer} + b{layer}",
            f"Each hidden unit weighs the {what} and adds its bias.",
        ),
        Equation(2, h, _renamed(bend.formula, r=r, h=h), _renamed(bend.line, r=r, h=h), bend.words),
    ]


def _end(architecture: Architecture, *, weighted: bool, l2: float) -> list[Equation]:
    last = len(architecture.layer_units) - 1
    h = unit_name("h", last - 1, architecture)
    end = smoothed(architecture)
    what = "inputs" if last == 1 else "hidden units" if last == 2 else f"units of layer {last - 1}"
    weight, times = (r"w_i ", "weight * ") if weighted else ("", "")
    rows = f"{times}({end.loss_line})" if weighted else end.loss_line
    L, L_line = rf"L = {end.sign}\frac{{1}}{{n}} \sum_i {weight}{end.loss_formula}", rows
    L_line = f"L = np.mean({L_line})"
    if l2:
        all_weights = " + ".join(f"|W{layer}|^2" for layer in range(1, last + 1))
        L += rf" + \frac{{l2}}{{2}} ({all_weights})"
        squares = " + ".join(f"(W{layer} ** 2).sum()" for layer in range(1, last + 1))
        L_line += f" + l2 / 2 * ({squares})"
    slope = rf"dscore = \frac{{{weight}({end.slope_formula})}}{{n}}"
    if not weighted:
        slope = rf"dscore = \frac{{{end.slope_formula}}}{{n}}"
    slope_line = f"dscore = ({end.slope_line}) / n" + (" * weight[:, None]" if weighted else "")
    return [
        Equation(
            3,
            "score",
            f"score = {h} W{last} + b{last}",
            f"score = {h} @ W{last} + b{last}",
            f"Each output weighs the {what} and adds its bias.",
        ),
        Equation(4, "y", end.formula, end.line, end.words),
        Equation(5, "L", L, L_line, f"{end.loss_words} L is the mean over the rows."),
        Equation(6, "dscore", slope, slope_line, end.slope_words),
    ]


def smoothed(architecture: Architecture) -> End:
    """Give the output's equations; with label smoothing, those with the softened target."""
    end = ENDS[architecture.output]
    s = architecture.loss.label_smoothing
    if not s or architecture.output not in ("softmax", "logistic"):
        return end
    words = f"{end.slope_words} Smoothing spreads {s:g} of each truth over all classes."
    if architecture.output == "softmax":
        return end._replace(
            loss_formula=rf"\sum_k ({1 - s:g} [k = t] + \frac{{{s:g}}}{{N_y}}) \log y_k",
            loss_line="np.log(np.exp(score).sum(axis=1))"
            f" - {1 - s!r} * score[np.arange(n), y_t] - {s!r} * score.mean(axis=1)",
            slope_formula=rf"y_k - {1 - s:g} [k = t] - \frac{{{s:g}}}{{N_y}}",
            slope_line=f"y - {1 - s!r} * np.eye(N_y)[y_t] - {s!r} / N_y",
            slope_words=words,
        )
    soft, soft_line = f"{1 - s:g} t_k + {s / 2:g}", f"{1 - s!r} * y_t + {s!r} / 2"
    return end._replace(
        loss_formula=r"\sum_k (\tau_k \log y_k + (1 - \tau_k) \log(1 - y_k)) \where \tau_k = "
        + soft,
        loss_line=f"((1 - ({soft_line})) * score + np.log1p(np.exp(-score))).sum(axis=1)",
        slope_formula=f"y_k - ({soft})",
        slope_line=f"y - ({soft_line})",
        slope_words=words,
    )


def _back(architecture: Architecture, layer: int, *, l2: float) -> list[Equation]:
    last = len(architecture.layer_units) - 1
    is_last = layer == last
    h = unit_name("h", layer - 1, architecture)
    d = "dscore" if is_last else unit_name("dr", layer, architecture)
    shrink, shrink_line = (f" + l2 W{layer}", f" + l2 * W{layer}") if l2 else ("", "")
    steps = [
        Equation(
            7 if is_last else 11,
            f"dW{layer}",
            f"dW{layer} = {h}^T {d}{shrink}",
            f"dW{layer} = {h}.T @ {d}{shrink_line}",
            "A weight's share: what came in through it times what is asked of where it leads.",
        ),
        Equation(
            8 if is_last else 12,
            f"db{layer}",
            rf"db{layer} = \sum_i {d}_i",
            f"db{layer} = {d}.sum(axis=0)",
            "A bias is added to every row, so its share is the sum over the rows.",
        ),
    ]
    if layer == 1:
        return steps
    bend = BENDS[architecture.activations[layer - 2]]
    r = unit_name("r", layer - 1, architecture)
    names = {"r": r, "h": h, "dr": f"d{r}", "dh": f"d{h}"}
    return [
        *steps,
        Equation(
            9,
            f"d{h}",
            f"d{h} = {d} W{layer}^T",
            f"d{h} = {d} @ W{layer}.T",
            "The same weights carry back to each unit what is asked of where it leads.",
        ),
        Equation(
            10,
            f"d{r}",
            _renamed(bend.back_formula, **names),
            _renamed(bend.back_line, **names),
            bend.back_words,
        ),
    ]


def _step(name: str) -> Equation:
    return Equation(
        13,
        f"{name}_new",
        rf"{name} \gets {name} - lr \cdot d{name}",
        f"{name}_new = {name} - lr * d{name}",
        "Against the slope, for the loss to fall; lr says how far.",
    )


def _renamed(source: str, **names: str) -> str:
    return re.sub(r"\b(r|h|dr|dh)\b", lambda found: names.get(found[0], found[0]), source)
