"""Open tables, each divided into rows that train and rows that judge.

A folder's NAME.npz, and those in its subfolder ``extra``, hold X_num (NaN is missing), X_cat
(codes, -1 is missing), y, is_test, num_names, cat_names, cat_levels (JSON). ``extra`` may also
hold tables of numbers to predict, as CSV: ``housing``, ``diamonds``, ``taxis``.

What comes undivided is divided 80 to 20 at random, always in the same way. At most 30,000 rows
train, 20,000 where numbers are predicted; at most 50,000 judge.
"""

import functools
import json
from typing import NamedTuple

import numpy as np

CLASSIFICATION, REGRESSION = "classification", "regression"
MOST_TRAINING = {CLASSIFICATION: 30_000, REGRESSION: 20_000}
MOST_TEST = 50_000
SEED = 20231122  # of the division


class Table(NamedTuple):
    """A table: a frame with words and holes for us, numbers, codes and NaN for others."""

    group: str
    frame: object
    codes: np.ndarray
    categorical: np.ndarray
    y: np.ndarray
    train: np.ndarray
    test: np.ndarray


def sources(folder):
    """List the tables that there are: {name: the function that reads it}."""
    found = {
        name: functools.partial(from_sklearn, name, CLASSIFICATION)
        for name in ("iris", "wine", "breast_cancer", "digits")
    }
    for path in (*sorted(folder.glob("*.npz")), *sorted((folder / "extra").glob("*.npz"))):
        if is_divided(path):
            found[path.stem] = functools.partial(from_npz, path)
    found["diabetes"] = functools.partial(from_sklearn, "diabetes", REGRESSION)
    for name, (file, parts) in CSV.items():
        path = folder / "extra" / f"{file}.csv.gz"
        if path.exists():
            found[name] = functools.partial(from_csv, path, parts)
    return found


def is_divided(path):
    with np.load(path, allow_pickle=False) as held:
        return "is_test" in held


# -- those that come undivided -----------------------------------------------------------------


def from_sklearn(name, group):
    from sklearn import datasets

    how = {"scaled": False} if name == "diabetes" else {}
    found = getattr(datasets, f"load_{name}")(as_frame=True, **how)
    return divided(group, found.data, found.target)


def from_csv(path, parts):
    import pandas as pd

    return divided(REGRESSION, *parts(pd.read_csv(path)))


def california(table):
    return table.drop(columns="median_house_value"), table.median_house_value


def diamonds_price(table):
    return table.drop(columns="price"), np.log(table.price)


def taxis_fare(table):
    """Leave out what is known only when the fare is: tip, tolls, total, the time of arrival."""
    known = ["passengers", "distance", "hour", "color", "payment"]
    known += ["pickup_borough", "dropoff_borough", "pickup_zone"]
    return table.assign(hour=table.pickup.str[11:13].astype(int))[known], table.fare


CSV = {
    "california": ("housing", california),
    "diamonds_price": ("diamonds", diamonds_price),
    "taxis_fare": ("taxis", taxis_fare),
}


def divided(group, frame, y):
    order = np.random.default_rng(SEED).permutation(len(frame))
    n = round(0.2 * len(order))
    train = order[n:][: MOST_TRAINING[group]]
    codes, categorical = coded(frame)
    return Table(group, frame, codes, categorical, y.to_numpy(), train, order[:n])


def coded(frame):
    """Give numbers as they are, words as their place in the alphabet; NaN is missing."""
    import pandas as pd

    words = np.array([not pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes])
    columns = [
        places(frame[name]) if is_words else frame[name].to_numpy(np.float64)
        for name, is_words in zip(frame, words, strict=True)
    ]
    return np.column_stack(columns), words


def places(words):
    import pandas as pd

    codes = pd.Categorical(words).codes.astype(np.float64)
    return np.where(codes < 0, np.nan, codes)


# -- those that come divided -------------------------------------------------------------------


def from_npz(path):
    import pandas as pd

    with np.load(path, allow_pickle=False) as held:
        data = {key: held[key] for key in held.files}
    levels = json.loads(str(data["cat_levels"]))
    if isinstance(levels, dict):
        levels = [levels[name] for name in data["cat_names"].tolist()]
    columns = dict(zip(data["num_names"].tolist(), data["X_num"].T.astype(np.float64), strict=True))
    for name, codes, words in zip(data["cat_names"].tolist(), data["X_cat"].T, levels, strict=True):
        texts = np.array([*map(str, words), None], object)
        columns[name] = texts[codes.astype(int)]
    codes = np.where(data["X_cat"] < 0, np.nan, data["X_cat"])
    is_level = np.arange(len(columns)) >= data["X_num"].shape[1]
    rows = np.arange(len(data["y"]))
    train, test = rows[~data["is_test"]], rows[data["is_test"]]
    return Table(
        CLASSIFICATION,
        pd.DataFrame(columns),
        np.hstack([data["X_num"].astype(np.float64), codes]),
        is_level,
        data["y"].astype(np.int64),
        some(train, MOST_TRAINING[CLASSIFICATION], 0),
        some(test, MOST_TEST, 1),
    )


def some(rows, most, seed):
    if len(rows) <= most:
        return rows
    return np.random.default_rng(seed).choice(rows, most, replace=False)
