"""The functions of a written C header; ``header.py`` puts in those that it needs.

In their text NAME is what all names begin with, MACRO_ what those of macros do, REAL the type of
numbers with a fraction, R(...) a constant of it and M(...) a function of math.h for it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from handgrad.errors import DataError
from handgrad.export.c.words import Real, number
from handgrad.export.tracing import INPUT, Formula, Number
from handgrad.output import Form
from handgrad.tables.bins import LARGEST_INPUT

FUNCTIONS = {
    "kind": """
/* Tells numbers from others by their bits, which -ffast-math leaves alone:
 * 0 for a number, 1 for an infinite one, 2 for none. */
static int NAME_kind(REAL v)
{
    const BITS infinite = (BITS)((BITS)EXPONENT << MANTISSA);
    BITS bits;
    memcpy(&bits, &v, sizeof bits);
    bits = (BITS)(bits & ~((BITS)1 << (8 * sizeof bits - 1)));
    return bits < infinite ? 0 : bits == infinite ? 1 : 2;
}
""",
    "level": """
/* Finds a text among n; -1 where it is none of them. */
static int NAME_level(const char *text, const char *const *levels, int n)
{
    int place;
    for (place = 0; place < n; place++)
        if (strcmp(text, levels[place]) == 0)
            return place;
    return -1;
}
""",
    "robust": """
/* Scales a number robustly: between -3 and 3. */
static REAL NAME_robust(REAL v, REAL middle, REAL spread)
{
    REAL z = spread > R(0.0) ? (v - middle) / spread : R(0.0);
    if (z > R(FARTHEST))
        z = R(FARTHEST);
    if (z < -R(FARTHEST))
        z = -R(FARTHEST);
    return z / M(sqrt)(R(1.0) + (z / R(LARGEST)) * (z / R(LARGEST)));
}
""",
    "place": """
/* Finds the place of a number among the edges of n bins: t at edge t, linear between two. */
static REAL NAME_place(REAL v, NAME_CONST REAL *edges, int n)
{
    int t = 0;
    REAL width;
    if (v <= edges[0])
        return R(0.0);
    if (v >= edges[n])
        return (REAL)n;
    while (t < n - 1 && v >= edges[t + 1])
        t++;
    width = edges[t + 1] - edges[t];
    return (REAL)t + (width > R(0.0) ? (v - edges[t]) / width : R(0.0));
}
""",
    "step": """
/* Gives the part of the way from edge t to the next that lies below a place. */
static REAL NAME_step(REAL place, int t)
{
    const REAL past = place - (REAL)t;
    return past < R(0.0) ? R(0.0) : past > R(1.0) ? R(1.0) : past;
}
""",
    "hat": """
/* Gives how near a place is to edge t. */
static REAL NAME_hat(REAL place, int t)
{
    const REAL past = place - (REAL)t, near_it = R(1.0) - (past < R(0.0) ? -past : past);
    return near_it > R(0.0) ? near_it : R(0.0);
}
""",
    "said": """
/* Tells whether there is a text. */
static int NAME_said(const char *text)
{
    return text != NULL && text[0] != 0;
}
""",
    "days": """
/* Counts the days since 1970, whole ones, of seconds since 1970. */
static int64_t NAME_days(int64_t seconds)
{
    return seconds / 86400 - (seconds % 86400 < 0);
}
""",
    "months": """
/* Counts the months since the year 0: 12 a year, January being the first. */
static int32_t NAME_months(int64_t seconds)
{
    /* years begin in March, so that a leap day ends one; 400 years have 146097 days */
    const int64_t from_march = NAME_days(seconds) + 719468;
    const int64_t era = (from_march >= 0 ? from_march : from_march - 146096) / 146097;
    const int32_t day = (int32_t)(from_march - era * 146097);
    const int32_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    const int32_t of_year = day - (365 * year + year / 4 - year / 100);
    return ((int32_t)era * 400 + year) * 12 + (5 * of_year + 2) / 153 + 2;
}
""",
    "dense": """
/* Passes n numbers through the weights and biases of a layer of some units. */
static void NAME_dense(NAME_CONST REAL *W, NAME_CONST REAL *b, const REAL *x, int n, REAL *r,
                       int units)
{
    int i, j;
    for (j = 0; j < units; j++) {
        REAL sum = R(0.0);
        for (i = 0; i < n; i++)
            sum += x[i] * *W++;
        r[j] = sum + b[j];
    }
}
""",
    "add": """
/* Adds what one input of a skip gives to each score; returns the weights of the next input. */
static NAME_CONST REAL *NAME_add(NAME_CONST REAL *V, REAL w, REAL *score, int n_scores)
{
    int j;
    for (j = 0; j < n_scores; j++)
        score[j] += w * V[j];
    return V + n_scores;
}
""",
    "average": """
/* The mean of k numbers that lie a row of n apart. */
static REAL NAME_average(const REAL *values, int n, int k)
{
    REAL sum = R(0.0);
    int i;
    for (i = 0; i < k; i++)
        sum += SHARE * values[i * n];
    return sum;
}
""",
    "log_mean_exp": """
/* The logarithm of the mean of exponentials, which never overflow. */
static REAL NAME_log_mean_exp(REAL *values, int n, int k)
{
    REAL largest = values[0];
    int i;
    for (i = 1; i < k; i++)
        if (values[i * n] > largest)
            largest = values[i * n];
    for (i = 0; i < k; i++)
        values[i * n] = M(exp)(values[i * n] - largest);
    return largest + M(log)(NAME_average(values, n, k));
}
""",
    "log_logistic": """
/* The logarithm of 1 / (1 + e^-score). */
static REAL NAME_log_logistic(REAL score)
{
    return (score > R(0.0) ? R(0.0) : score) - M(log1p)(M(exp)(score > R(0.0) ? -score : score));
}
""",
    "log_odds": """
/* The score whose probability is the mean of those of k scores. */
static REAL NAME_log_odds(const REAL *scores, int n, int k)
{
    REAL yes[NETWORKS], no[NETWORKS];
    int i;
    for (i = 0; i < k; i++) {
        yes[i] = NAME_log_logistic(scores[i * n]);
        no[i] = NAME_log_logistic(-scores[i * n]);
    }
    return NAME_log_mean_exp(yes, 1, k) - NAME_log_mean_exp(no, 1, k);
}
""",
    "softmax": """
/* Turns n scores into probabilities; or into their logarithms. */
static void NAME_softmax(REAL *score, int n, int as_logarithms)
{
    REAL largest = score[0], sum = R(0.0);
    int j;
    for (j = 1; j < n; j++)
        if (score[j] > largest)
            largest = score[j];
    for (j = 0; j < n; j++) {
        score[j] -= largest;
        sum += M(exp)(score[j]);
    }
    for (j = 0; j < n; j++)
        score[j] = as_logarithms ? score[j] - M(log)(sum) : M(exp)(score[j]) / sum;
}
""",
    "probability": """
/* The probability of a label of several, which is never certain. */
static REAL NAME_probability(REAL score)
{
    const REAL p = M(exp)(NAME_log_logistic(score));
    return p > R(ALMOST) ? R(ALMOST) : p < R(LEAST) ? R(LEAST) : p;
}
""",
    "sort": """
/* Sorts n numbers. */
static void NAME_sort(REAL *y, int n)
{
    int i, j;
    for (i = 1; i < n; i++)
        for (j = i; j > 0 && y[j - 1] > y[j]; j--) {
            const REAL larger = y[j - 1];
            y[j - 1] = y[j];
            y[j] = larger;
        }
}
""",
}

# for whole numbers alone
FUNCTIONS |= {
    "times": """
/* Multiplies by factor / 2^shift and rounds; no product overflows. */
static int32_t NAME_times(int32_t sum, int32_t factor, int shift)
{
    const int64_t half = (int64_t)1 << (shift - 1);
    const int64_t product = (int64_t)sum * factor;
    return (int32_t)(product < 0 ? -((half - product) >> shift) : (half + product) >> shift);
}
""",
    "sum": """
/* Sums what enters a unit. */
static int32_t NAME_sum(NAME_CONST int8_t *W, const int16_t *x, int n)
{
    int32_t sum = 0;
    int i;
    for (i = 0; i < n; i++)
        sum += (int32_t)W[i] * x[i];
    return sum;
}
""",
    "whole_dense": """
/* Passes n numbers through a hidden layer of some units, up to its bend. */
static void NAME_whole_dense(NAME_CONST int8_t *W, NAME_CONST int32_t *b,
                             NAME_CONST int32_t *factor, NAME_CONST uint8_t *shift,
                             const int16_t *x, int n, int16_t *r, int units, int32_t most)
{
    int j;
    for (j = 0; j < units; j++) {
        const int32_t sum = NAME_times(NAME_sum(W, x, n) + b[j], factor[j], shift[j]);
        r[j] = (int16_t)(sum > most ? most : sum < -most ? -most : sum);
        W += n;
    }
}
""",
    "whole_scores": """
/* Passes n numbers through the last layer. */
static void NAME_whole_scores(NAME_CONST int8_t *W, NAME_CONST int32_t *b,
                              NAME_CONST int32_t *factor, NAME_CONST uint8_t *shift,
                              const int16_t *x, int n, int32_t *score, int n_scores)
{
    int j;
    for (j = 0; j < n_scores; j++) {
        score[j] = NAME_times(NAME_sum(W, x, n) + b[j], factor[j], shift[j]);
        W += n;
    }
}
""",
    "whole_add": """
/* Adds one input of a skip to the sum of each score; returns the weights of the next input. */
static NAME_CONST int8_t *NAME_whole_add(NAME_CONST int8_t *V, int32_t w, int32_t *sum,
                                         int n_scores)
{
    int j;
    for (j = 0; j < n_scores; j++)
        sum[j] += w * V[j];
    return V + n_scores;
}
""",
    "whole_step": """
/* Gives the part of the way from edge t to the next that lies below a place, in 256ths. */
static int32_t NAME_whole_step(int32_t place, int32_t t)
{
    const int32_t past = place - 256 * t;
    return past < 0 ? 0 : past > 256 ? 256 : past;
}
""",
    "whole_hat": """
/* Gives how near a place is to edge t, in 256ths. */
static int32_t NAME_whole_hat(int32_t place, int32_t t)
{
    const int32_t past = place - 256 * t, near_it = 256 - (past < 0 ? -past : past);
    return near_it > 0 ? near_it : 0;
}
""",
    "curve": """
/* Bends r by a table of 257 places, straight between two. */
static int16_t NAME_curve(NAME_CONST int16_t *table, int32_t r)
{
    const int32_t place = (r + 32768) / 256, past = (r + 32768) % 256;
    const int32_t sum = table[place] * (256 - past) + table[place + 1] * past;
    return (int16_t)((sum + 8388608 + 128) / 256 - 32768);
}
""",
    "rounded": """
/* Rounds v / step to a whole number between -most and most. */
static int16_t NAME_rounded(REAL v, REAL step, REAL most)
{
    const REAL steps = v / step;
    return (int16_t)M(floor)((steps > most ? most : steps < -most ? -most : steps) + R(0.5));
}
""",
}

# what NumPy's operations are in C; R and M as above
OPERATIONS = {
    "add": "{} + {}",
    "multiply": "{} * {}",
    "divide": "{} / {}",
    "negative": "-{}",
    "greater": "{} > {}",
    "where": "{} ? {} : {}",
    "maximum": "{0} > {1} ? {0} : {1}",
    "exp": "M(exp)({})",
    "expm1": "M(expm1)({})",
    "log1p": "M(log1p)({})",
    "tanh": "M(tanh)({})",
    "erfc": "M(erfc)({})",
}


class Ending(NamedTuple):
    """A form in C: the end of a prediction, where ``score`` has N_SCORES and j is an int."""

    mean: str  # the score of the mean of k networks, whose scores lie n apart
    predict: str  # of labels as a number of a class, else into ``y[j]`` from ``score[j]``
    is_of_logarithms: bool = False  # whether scores become logarithms of probabilities first
    whole: str = ""  # of labels, from whole scores alone


LOG_ODDS = "NAME_log_odds(scores + j, n, k)"
LOG_MEAN_EXP = "NAME_log_mean_exp(scores + j, n, k)"
FORMS = {
    Form.IDENTITY: Ending("NAME_average(scores + j, n, k)", "y[j] = score[j];"),
    Form.EXPONENTIAL: Ending(LOG_MEAN_EXP, "y[j] = M(exp)(score[j]);"),
    Form.SOFTMAX: Ending(
        LOG_MEAN_EXP,
        """\
    int best = 0;
    for (j = 1; j < N_SCORES; j++)
        if (score[j] > score[best])
            best = j;
    if (proba != NULL) {
        NAME_softmax(score, N_SCORES, 0);
        memcpy(proba, score, sizeof score);
    }
    return best;
""",
        is_of_logarithms=True,
        whole="""\
    int best = 0;
    for (int j = 1; j < N_SCORES; j++)
        if (score[j] > score[best])
            best = j;
    return best;
""",
    ),
    Form.PAIR: Ending(
        LOG_ODDS,
        """\
    for (j = 0; j < 2 && proba != NULL; j++)
        proba[j] = M(exp)(NAME_log_logistic(j == 0 ? -score[0] : score[0]));
    return score[0] > R(0.0) ? 1 : 0;
""",
        whole="    return score[0] > 0 ? 1 : 0;\n",
    ),
    Form.EACH: Ending(
        LOG_ODDS,
        """\
    for (j = 0; j < N_SCORES; j++) {
        if (proba != NULL)
            proba[j] = NAME_probability(score[j]);
        if (holds != NULL)
            holds[j] = (unsigned char)(score[j] > R(0.0));
    }
    return 0;
""",
        whole="""\
    for (int j = 0; j < N_SCORES; j++)
        holds[j] = (unsigned char)(score[j] > 0);
""",
    ),
}


def spelled(text: str, name: str, real: Real) -> str:
    """Put names, types and constants into a text."""
    exponent, mantissa = real.exponent
    least = "1.17549435e-38" if real.suffix else "2.2250738585072014e-308"
    for sign, value in (
        ("R(FARTHEST)", real.farthest),
        ("R(ALMOST)", real.largest_below_1),
        ("R(LEAST)", least + real.suffix),
        ("R(LARGEST)", number(LARGEST_INPUT, real)),
        ("BITS", real.bits),
        ("EXPONENT", exponent),
        ("MANTISSA", str(mantissa)),
    ):
        text = text.replace(sign, value)
    text = re.sub(r"\bREAL\b", real.name, text)
    text = re.sub(r"\bM\((\w+)\)", rf"\g<1>{real.suffix}", text)
    text = re.sub(r"\bR\(([^()]*)\)", rf"\g<1>{real.suffix}", text)
    text = text.replace("NAME_CONST", "MACRO_CONST").replace("NAME", name)
    return text.replace("MACRO_", f"{name.upper()}_")  # last: a name may hold any of these


def needed(text: str) -> list[str]:
    """List the functions that a text calls, each behind those that it calls itself."""
    found: dict[str, None] = {}

    def look(inside: str) -> None:
        for called in re.findall(r"\bNAME_(\w+)\(", inside):
            if called in FUNCTIONS and called not in found:
                look(FUNCTIONS[called].partition("{")[2])
                found[called] = None

    look(text)
    return list(found)


def bend(formula: Formula, place: int, real: Real) -> str:
    """Write an activation as a function of one number.

    Raises
    ------
    DataError
        If it takes an operation that is not in the table.
    """
    lines = [f"static REAL NAME_bend_{place}(REAL r)", "{"]
    used = {formula.result}
    for at, step in reversed(list(enumerate(formula.steps))):
        used |= {one for one in step.operands if isinstance(one, int)} if at in used else set()
    for at, step in enumerate(formula.steps):
        if at not in used:
            continue
        if step.name not in OPERATIONS:
            raise DataError(
                f"an activation of the model uses the operation {step.name!r}, which a C header "
                "cannot compute; choose another activation"
            )
        kind = "int" if step.name == "greater" else "REAL"
        operands = [_operand(one, real) for one in step.operands]
        lines.append(f"    const {kind} t{at} = {OPERATIONS[step.name].format(*operands)};")
    return "\n".join([*lines, f"    return {_operand(formula.result, real)};", "}"])


def _operand(operand: int | Number, real: Real) -> str:
    if isinstance(operand, Number):
        digits = number(operand.value, real)
        return f"({digits})" if digits.startswith("-") else digits
    return "r" if operand == INPUT else f"t{operand}"
