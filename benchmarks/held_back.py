"""Is what is held back a fair sample? Announced accuracy against the truth, where few rows differ.

    python benchmarks/held_back.py [SEEDS]

Each table is fitted by the command line for some seeds, once with test rows, once with validation
rows only; the truth is what the model that is kept reaches on 200,000 fresh rows of the same
source, or, of a fixed table, on all of it.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from click.testing import CliRunner

from handgrad import MLPClassifier
from handgrad.cli.entry import main

FIT = (
    "--target",
    "y",
    "--json",
    "-q",
    "--learning-rate",
    "0.01",
    "--hidden",
    "16",
    "--engine",
    "numpy",
)


def few(_):
    g, y = ["u", "v"] * 100, ["a", "b"] * 90 + ["b", "a"] * 10
    return pd.DataFrame({"g": g, "y": y})


def fourteen(rng, n=2000):
    """Draw rows of 14 patterns, of unequal frequency and with a label that is often another."""
    patterns = pd.DataFrame({"k": [1, 2, 3, 4] * 4, "s": list("mf") * 8, "a": list("ccccyyyy") * 2})
    patterns = patterns[:14].assign(old=[0] * 8 + [1] * 6)
    frequency = np.arange(1, 15) / np.arange(1, 15).sum()
    chance = np.tile([0.9, 0.15, 0.3, 0.75, 0.2, 0.65, 0.05], 2)
    chosen = rng.choice(14, n, p=frequency)
    y = np.where(rng.random(n) < chance[chosen], "yes", "no")
    return patterns.iloc[chosen].reset_index(drop=True).assign(y=y)


def rounded(rng, n=2000):
    """Draw one number, rounded to a tenth."""
    y = rng.integers(2, size=n)
    return pd.DataFrame({"v": (rng.normal(2 * y - 1, 1)).round(1), "y": np.array(["a", "b"])[y]})


def announced(table, folder, seed, *options):
    table.to_csv(folder / "t.csv", index=False)
    command = ["fit", str(folder / "t.csv"), *FIT, "--seed", str(seed), *options]
    done = CliRunner().invoke(
        main, [*command, "--model", str(folder / "m")], catch_exceptions=False
    )
    return json.loads(done.stdout)["evaluation"]["accuracy"], MLPClassifier.load(folder / "m")


def compare(draw, folder, seeds):
    """Give announced accuracies with the truth about the models, for both ways to judge."""
    fresh = draw(np.random.default_rng(10**6)) if draw is few else draw(
        np.random.default_rng(10**6), 200_000
    )  # fmt: skip
    found = {}
    for name, options in ("test", ["--test", "0.1"]), ("validation", []):
        pairs = []
        for seed in range(seeds):
            figure, model = announced(draw(np.random.default_rng(seed)), folder, seed, *options)
            pairs.append((figure, model.score(fresh.drop(columns="y"), fresh["y"])))
        found[name] = np.array(pairs)
    return found


def report():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print(f"{'table':10} {'judged by':11} {'announced':>9} {'+-':>6} {'truth':>6} {'lowest':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for draw in few, fourteen, rounded:
            for name, pairs in compare(draw, Path(folder), seeds).items():
                figures, truths = pairs.T
                error = figures.std() / np.sqrt(len(figures))
                print(
                    f"{draw.__name__:10} {name:11} {figures.mean():9.3f} {error:6.3f} "
                    f"{truths.mean():6.3f} {figures.min():7.3f}",
                    flush=True,
                )


if __name__ == "__main__":
    report()
