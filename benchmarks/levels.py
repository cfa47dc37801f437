"""Measure how rare a level of a category may be and still deserve an input of its own.

    python benchmarks/levels.py [TABLE:TARGET ...] [--seeds 3]

Trains the default network on three quarters of each table, with the rarest levels put together
(``min_frequency``), and prints its loss on the rest: log-loss for labels, 1 - R2 for numbers,
each divided by that of ``min_frequency=1``. Without tables it makes three of its own, whose
levels are as frequent as words (Zipf), each with an effect of its own.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from racing.results import show
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from handgrad import MLPClassifier, MLPRegressor, read_table
from handgrad.tables.columns import labels
from handgrad.tables.recognition.target import plan_of_target, target_numbers
from handgrad.tables.rows import take

FREQUENCIES = (1, 2, 3, 5, 10, 20)
MOST_CLASSES = 30
SETTINGS = {"early_stopping": True, "scoring": "loss", "batch_size": 32, "dtype": "float32"}


def made(n: int, n_levels: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Make a table with one column of many levels, one of few and one number."""
    chance = np.random.default_rng(seed)
    share = 1 / np.arange(1, n_levels + 1)
    level = chance.choice(n_levels, n, p=share / share.sum())
    effect, few = chance.normal(0, 1, n_levels), chance.integers(0, 4, n)
    number = chance.normal(size=n)
    score = effect[level] + 0.5 * (few == 2) + 0.7 * number + chance.logistic(0, 1, n)
    frame = pd.DataFrame(
        {"many": [f"level {i}" for i in level], "few": few.astype(str), "x": number}
    )
    return frame.assign(few="f" + frame["few"]), np.where(score > 0, "yes", "no")


def read(path: str, target: str) -> tuple[object, np.ndarray]:
    """Read a table and its target: labels where there are few, else numbers."""
    table = read_table(path)
    y, missing = labels(table, target)
    if len(set(y.tolist())) > MOST_CLASSES:
        y = target_numbers(table, plan_of_target(table, target))
        missing = np.isnan(y)
    kept = np.flatnonzero(~missing)
    return take(table.drop_columns([target]), kept), y[kept]


def loss(X: object, y: np.ndarray, frequency: int, seed: int) -> float:
    """Train on three quarters and measure on the rest."""
    is_number = y.dtype.kind == "f" and len(np.unique(y)) > MOST_CLASSES
    train, test = train_test_split(
        np.arange(len(y)), random_state=seed, stratify=None if is_number else y
    )
    rows = [X.iloc[r] if isinstance(X, pd.DataFrame) else take(X, r) for r in (train, test)]
    kind = MLPRegressor if is_number else MLPClassifier
    model = kind(random_state=seed, min_frequency=frequency, **SETTINGS).fit(rows[0], y[train])
    if is_number:
        return 1 - model.score(rows[1], y[test])
    return float(log_loss(y[test], model.predict_proba(rows[1]), labels=model.classes_))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("tables", nargs="*", metavar="TABLE:TARGET")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    tables = {Path(t.rpartition(":")[0]).stem: read(*t.rpartition(":")[::2]) for t in given.tables}
    if not tables:
        tables = {
            f"{n} rows, {k} levels": made(n, k, 0)
            for n, k in ((500, 100), (3000, 500), (20000, 2000))
        }
    ratios, rows = [], []
    for name, (X, y) in tables.items():
        losses = [np.mean([loss(X, y, f, s) for s in range(given.seeds)]) for f in FREQUENCIES]
        ratios.append(np.array(losses) / losses[0])
        rows.append([name, f"{losses[0]:.4f}", *(f"{ratio:.3f}" for ratio in ratios[-1][1:])])
    mean = np.exp(np.log(ratios).mean(axis=0))
    rows.append(["geometric mean", "", *(f"{ratio:.3f}" for ratio in mean[1:])])
    show([(["table", "loss at 1", *map(str, FREQUENCIES[1:])], rows)])


if __name__ == "__main__":
    main()
