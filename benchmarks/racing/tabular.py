"""Prediction by TabularClassifier, with HistGradientBoosting beside it, in this process.

Two tables: 30 numbers, as an array, and 10 numbers with 3 texts of 12 levels, as a data frame. All
networks are of the kind "sharp", whose inputs take longer to make; both libraries have their
defaults otherwise, but for the updates, on which no prediction's time depends.
"""

import warnings

import numpy as np

from racing.measuring import in_turns, median_seconds, medians

NETWORKS = (1, 3, 5)
LEARNT, PREDICTED = 5_000, 100_000  # rows
N_NUMBERS, N_OF_FRAME, N_TEXTS, N_LEVELS = 30, 10, 3, 12
TREES = "HistGradientBoosting"
WAYS = {
    "array": "a row of an array, µs",
    "prepared": "predictor(), an array's row, µs",
    "frame": "a data frame of one row, µs",
    "dictionary": "predictor(), a dictionary, µs",
}
MANY = "rows_per_second"


def name_of(n_networks):
    return f"{n_networks} network{'s' * (n_networks > 1)}"


def numbers(n):
    x = np.random.default_rng(2).normal(size=(n, N_NUMBERS))
    return x, x[:, 0] * x[:, 1] + np.sin(3 * x[:, 2]) > 0


def mixed(n):
    import pandas

    rng = np.random.default_rng(3)
    frame = pandas.DataFrame(rng.normal(size=(n, N_OF_FRAME))).rename(columns="number {}".format)
    levels = np.array([f"level {k}" for k in range(N_LEVELS)])
    for column in range(N_TEXTS):
        frame[f"text {column}"] = levels[rng.integers(0, N_LEVELS, n)]
    return frame, (frame["number 0"] * frame["number 1"] > 0) ^ (frame["text 0"] < levels[4])


def as_categories(frame):
    """Give texts as the trees want them."""
    return frame.astype({f"text {column}": "category" for column in range(N_TEXTS)})


class Contender:
    """Estimators fitted on both tables, and the rows that each is asked for."""

    def __init__(self, make, of_frame=lambda frame: frame):
        self.x, y = numbers(LEARNT)
        frame, of_rows = mixed(PREDICTED)
        self.table = of_frame(frame)
        self.by_array = make().fit(self.x, y)
        self.by_frame = make().fit(self.table[:LEARNT], of_rows[:LEARNT])

    def questions(self):
        array, frame = self.x[:1], self.table[:1]
        ways = {
            "array": lambda: self.by_array.predict_proba(array),
            "frame": lambda: self.by_frame.predict_proba(frame),
        }
        if hasattr(self.by_array, "model_"):
            of_array, of_frame = (one.model_.predictor() for one in (self.by_array, self.by_frame))
            row, cells = self.x[0], frame.to_dict("records")[0]
            ways |= {"prepared": lambda: of_array(row), "dictionary": lambda: of_frame(cells)}
        return ways

    def rows_per_second(self, calls):
        return PREDICTED / median_seconds(lambda: self.by_frame.predict_proba(self.table), calls)


def contenders():
    from sklearn.ensemble import HistGradientBoostingClassifier

    from handgrad import TabularClassifier

    def ours(n_networks):
        return TabularClassifier(
            n_networks=n_networks, networks="sharp", updates=100, random_state=0
        )

    found = {name_of(n): Contender(lambda n=n: ours(n)) for n in NETWORKS}
    found[TREES] = Contender(lambda: HistGradientBoostingClassifier(random_state=0), as_categories)
    return found


def measured(rounds, calls):
    """Time every way to ask, in turns: {contender: {way: seconds}}, and rows a second."""
    with warnings.catch_warnings(action="ignore"):
        asked = contenders()
        ways = {name: contender.questions() for name, contender in asked.items()}
        seen = {name: {} for name in asked}
        for way in WAYS:
            who = [name for name in ways if way in ways[name]]
            found = in_turns(
                who, rounds, lambda name, _, way=way: median_seconds(ways[name][way], calls)
            )
            for name, seconds in medians(found).items():
                seen[name][way] = seconds
        found = in_turns(asked, rounds, lambda name, _: asked[name].rows_per_second(1))
    for name, speed in medians(found).items():
        seen[name][MANY] = speed
    return seen


def table(seen):
    """Write the figures: the trees last, so that where they win is seen at once."""
    header = ["networks", *WAYS.values(), f"{PREDICTED:,} rows of a data frame: thousand a second"]
    rows = [
        [
            name,
            *(f"{1e6 * of[way]:.1f}" if way in of else "" for way in WAYS),
            f"{of[MANY] / 1e3:,.0f}",
        ]
        for name, of in seen.items()
    ]
    return header, rows
