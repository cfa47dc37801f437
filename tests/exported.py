"""Models of every kind and rows to try them on, for the tests of each form that is written."""

import warnings
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from handgrad import MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor
from handgrad.activations import ACTIVATIONS
from handgrad.tables.frames import from_frame

N_TRAINING, N_ROWS = 300, 10_000
TOLERANCE = {"float64": 1e-12, "float32": 2e-6}
PENGUINS = Path(__file__).parents[1] / "src" / "handgrad" / "data" / "penguins.csv"


def a_table(n, seed):
    """A frame with a column of every kind, holes and, beyond the training rows, extremes."""
    rng = np.random.default_rng(seed)
    far = 10.0 ** rng.integers(0, 4, n) if n > N_TRAINING else 1.0
    words = rng.normal(size=n).round(3).astype(str)
    words[::7] = "unknown"
    days = pd.Timestamp("2020-03-01") + pd.to_timedelta(rng.integers(0, 2000, n), unit="D")
    frame = pd.DataFrame(
        {
            "size": rng.normal(50, 20, n) * far,
            "year": rng.integers(1990, 2020, n),
            "colour": rng.choice(["red", "green", "blue"], n),
            "grade": words,
            "open": rng.choice(["yes", "No", "TRUE"], n),
            "day": days.strftime("%d.%m.%Y"),
            "price": [f"$ {cell:,.2f}" for cell in rng.uniform(1, 9999, n)],
        }
    )
    frame.loc[::5, "size"] = np.nan
    frame.loc[::6, "colour"] = None
    frame.loc[[1, 11], "colour"] = "rarest"
    frame.loc[::11, "open"] = None
    frame.loc[::13, "day"] = None
    frame.loc[::19, "grade"] = None
    frame.loc[::17, "price"] = "NA"
    if n > N_TRAINING:
        frame.loc[1::40, "colour"] = "never seen"
        frame.loc[2::40, "open"] = "perhaps"
        frame.loc[3::40, "day"] = "someday"
        frame.loc[4::40, "grade"] = "another word"
    return frame


def labels(frame, kind):
    base = frame["year"].to_numpy() % 3
    one = np.array(["low", "middle", "high"])[base]
    return {
        "three": one,
        "two": base > 0,
        "numbered": base,
        "single": np.full(len(frame), "only"),
        "several": np.column_stack([base > 0, base > 1, base < 1]).astype(int),
    }[kind]


def numbers(frame, n_targets=1):
    y = np.abs(frame["year"].to_numpy() - 2000.0)
    return y if n_targets == 1 else np.column_stack([y, 100 - y])


KINDS = {"kinds": {"grade": "number with words"}, "min_frequency": 4, "max_iter": 3}
USUAL = {**KINDS, "random_state": 0, "hidden_layer_sizes": (6, 5)}
BEFORE = [
    {},
    {"dtype": "float32"},
    {"preprocess": "robust"},
    {"preprocess": "piecewise", "dtype": "float32"},
    {"preprocess": "piecewise", "skip": True, "input_scale": True},
    {"skip": True, "n_ensemble": 2, "input_scale": True},
    {"n_ensemble": 3, "dtype": "float32"},
]
OVERFLOWS = "poisson"  # the loss, with which the names of its cases begin
TEMPERED = {"calibration": "temperature", "n_ensemble": 2, "early_stopping": True}


class Case(NamedTuple):
    """A fitted estimator, and rows that it has not seen."""

    estimator: Any
    unseen: pd.DataFrame
    by_labels: bool  # whether it predicts labels


@cache
def tables():
    return a_table(N_TRAINING, 0), a_table(N_ROWS, 1)


def _classifier(kind, settings, n_unseen=N_ROWS):
    training, unseen = tables()
    estimator = MLPClassifier(**USUAL | settings).fit(training, labels(training, kind))
    return Case(estimator, unseen[:n_unseen], True)


def milder(unseen):
    """Bring rows nearer, for models whose predictions would overflow far away."""
    return unseen.assign(size=unseen["size"] / 1000)


def _regressor(loss, n_targets, settings):
    training, unseen = tables()
    unseen = milder(unseen) if loss == OVERFLOWS else unseen
    estimator = MLPRegressor(loss, **USUAL | settings).fit(training, numbers(training, n_targets))
    return Case(estimator, unseen, False)


def _raced(kind):
    training, unseen = tables()
    quick = {"updates": 60, "n_networks": 2, "random_state": 0}
    if kind == "labels":
        fitted = TabularClassifier(**quick).fit(training, labels(training, "three"))
    else:
        fitted = TabularRegressor(**quick).fit(training, numbers(training))
        assert fitted.model_.bounds is not None
    return Case(fitted, unseen, kind == "labels")


FEW = 1_500  # rows, for the many activations
CASES: dict[str, Callable[[], Case]] = {
    f"{kind} {settings}": partial(_classifier, kind, settings)
    for settings in [*BEFORE, TEMPERED]
    for kind in ["three", "two", "numbered", "single", "several"]
}
CASES |= {
    f"{loss} {n_targets} {settings}": partial(_regressor, loss, n_targets, settings)
    for settings in BEFORE
    for loss, n_targets in [
        ("squared_error", 1), ("absolute_error", 1), ("poisson", 1), ("huber", 2)
    ]
}  # fmt: skip
CASES |= {
    f"quantiles {n}": partial(
        _regressor, "quantile", 1, {"quantiles": (0.1, 0.5, 0.9), "n_ensemble": n}
    )
    for n in (1, 2)
}
CASES |= {
    f"{activation} {dtype}": partial(
        _classifier, "three", {"activation": activation, "dtype": dtype}, FEW
    )
    for activation in [*ACTIVATIONS, ["relu", "gelu"]]
    for dtype in ("float64", "float32")
}
CASES |= {f"raced {kind}": partial(_raced, kind) for kind in ("labels", "numbers")}


@cache
def case(name):
    """Fit the estimator of a case, once in each process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CASES[name]()


def size_of(estimator, unseen):
    """Give the largest number that one network of an estimator predicts, at least 1."""
    model, table = estimator.model_, from_frame(unseen)
    alone = [model.with_networks([network]) for network in model.networks]
    return max(1, *(np.abs(one.predict_numbers(table)).max() for one in alone))


def as_inputs(frame):
    """Turn rows of ``a_table`` into what a graph takes in: float64 and texts, (n, 1)."""
    day = pd.to_datetime(frame["day"], format="%d.%m.%Y", errors="coerce")
    grade = pd.to_numeric(frame["grade"], errors="coerce")
    cells = {
        **frame[["size", "year"]],
        "grade": grade,
        "day": (day - pd.Timestamp(0)) / pd.Timedelta(seconds=1),
        "price": pd.to_numeric(frame["price"].str.replace(r"[$ ,]", "", regex=True), "coerce"),
    }
    texts = {**frame[["colour", "open"]], "grade: word": frame["grade"].where(grade.isna())}
    return {name: column.to_numpy(np.float64)[:, None] for name, column in cells.items()} | {
        name: column.fillna("").to_numpy(object)[:, None] for name, column in texts.items()
    }


def penguins():
    frame = pd.read_csv(PENGUINS)
    return frame, frame.pop("species")
