"""Strength: how well the estimators predict tables that nobody has tuned them to.

    python benchmarks/strength.py FOLDER [--quick | --tables]

Every estimator has its defaults; handgrad's tabular ones run at two efforts. The tables come with
scikit-learn, and from FOLDER and FOLDER/extra where it is given: files NAME.npz with X_num (NaN is
missing), X_cat (codes, -1 is missing), y, is_test, num_names, cat_names, cat_levels (JSON). At most
30,000 rows train, and 50,000 judge; what scikit-learn brings is divided 80 to 20 at random.
handgrad gets a frame with words and holes; trees get numbers, codes and NaN, categories named.

Figures are means over the seeds 0, 1 and 2: log-loss, accuracy and, for two classes, AUC; the
seconds of a fit, and the processor's. "Better" counts the tables on which a figure is better than
that of HistGradientBoosting; "log ratio" is the mean of log(log-loss / its log-loss).
``--quick`` is a trial of one seed and three tables that leaves no result.

CatBoost joins where it is installed.
"""

import importlib.util
import json
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from racing.results import RESULTS, number, run

MOST_TRAINING, MOST_TEST = 30_000, 50_000
SEEDS = (0, 1, 2)
JUDGE = "HistGradientBoosting"
LEAST = 1e-15  # of a probability, in log-loss


class Table(NamedTuple):
    """A table in two parts: a frame for us, numbers and codes for trees."""

    name: str
    frame: object
    codes: np.ndarray
    categorical: np.ndarray
    y: np.ndarray
    train: np.ndarray
    test: np.ndarray


def tables_of(folder, quick):
    """Yield the tables of scikit-learn, then those of the folder."""
    names = ["iris", "wine", "breast_cancer", "digits"]
    for name in names[1:2] if quick else names:
        yield from_sklearn(name)
    files = [] if folder is None else [*sorted(folder.glob("*.npz")), *extra(folder)]
    for path in files[-2:] if quick else files:
        table = from_file(path)
        if table is not None:
            yield table


def extra(folder):
    return sorted((folder / "extra").glob("*.npz"))


def from_sklearn(name):
    from sklearn import datasets

    found = getattr(datasets, f"load_{name}")(as_frame=True)
    order = np.random.default_rng(20231122).permutation(len(found.data))
    n = round(0.2 * len(order))
    codes = found.data.to_numpy(np.float64)
    none = np.zeros(codes.shape[1], bool)
    return Table(name, found.data, codes, none, found.target.to_numpy(), order[n:], order[:n])


def from_file(path):
    import pandas as pd

    with np.load(path, allow_pickle=False) as held:
        if "is_test" not in held:
            return None
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
        path.stem,
        pd.DataFrame(columns),
        np.hstack([data["X_num"].astype(np.float64), codes]),
        is_level,
        data["y"].astype(np.int64),
        some(train, MOST_TRAINING, 0),
        some(test, MOST_TEST, 1),
    )


def some(rows, most, seed):
    if len(rows) <= most:
        return rows
    return np.random.default_rng(seed).choice(rows, most, replace=False)


# -- the contenders ----------------------------------------------------------------------------


def tabular(effort):
    def make(table, seed):
        from handgrad import TabularClassifier

        return TabularClassifier(effort, random_state=seed), table.frame

    return make


def plain(table, seed):
    from handgrad import MLPClassifier

    return MLPClassifier(random_state=seed), table.frame


def hist(table, seed):
    from sklearn.ensemble import HistGradientBoostingClassifier

    few = np.array([np.nanmax(column, initial=0) < 255 for column in table.codes.T])
    mask = table.categorical & few
    return HistGradientBoostingClassifier(random_state=seed, categorical_features=mask), table.codes


def catboost(table, seed):
    from catboost import CatBoostClassifier

    cells = table.codes.astype(object)
    places = np.flatnonzero(table.categorical).tolist()
    for place in places:
        cells[:, place] = [str(cell) for cell in table.codes[:, place]]
    settings = {"random_seed": seed, "verbose": False, "allow_writing_files": False}
    return CatBoostClassifier(cat_features=places, **settings), cells


CONTENDERS = {
    "handgrad, fast": tabular("fast"),
    "handgrad, medium": tabular("medium"),
    "handgrad.MLPClassifier": plain,
    JUDGE: hist,
    "CatBoost": catboost,
}


def contenders(quick):
    has_catboost = not quick and importlib.util.find_spec("catboost") is not None
    return [name for name in CONTENDERS if name != "CatBoost" or has_catboost]


def judged(name, table, seed):
    """Fit and judge once."""
    model, x = CONTENDERS[name](table, seed)
    rows = (lambda places: x.iloc[places]) if hasattr(x, "iloc") else (lambda places: x[places])
    wall, processor = time.perf_counter(), time.process_time()
    model.fit(rows(table.train), table.y[table.train])
    seconds = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - processor}
    return seconds | figures(model.predict_proba(rows(table.test)), model.classes_, table)


def figures(proba, classes, table):
    from sklearn.metrics import roc_auc_score

    y = table.y[table.test]
    place = np.searchsorted(classes, y).clip(max=len(classes) - 1)
    known = classes[place] == y
    of_truth = np.where(known, proba[np.arange(len(y)), place], 0)
    found = {
        "log-loss": float(-np.log(of_truth.clip(LEAST, 1)).mean()),
        "accuracy": float((classes[proba.argmax(axis=1)] == y).mean()),
    }
    if len(classes) == 2:
        found["auc"] = float(roc_auc_score(y == classes[1], proba[:, 1]))
    return found


def measure(options):
    warnings.simplefilter("ignore")
    found = {}
    for table in tables_of(options.folder, options.quick):
        seeds = SEEDS[:1] if options.quick else SEEDS
        found[table.name] = {
            "rows": len(table.train),
            "columns": table.codes.shape[1],
            "classes": int(table.y.max()) + 1,
            "figures": {
                name: [judged(name, table, seed) for seed in seeds]
                for name in contenders(options.quick)
            },
        }
        print(table.name, {n: round(mean(f, "log-loss"), 4) for n, f in of(found, table.name)})
    if not options.quick:
        draw(found)
    return found


def of(found, table):
    return found[table]["figures"].items()


def mean(runs, what):
    values = [one[what] for one in runs if what in one]
    return float(np.mean(values)) if values else None


# -- the tables --------------------------------------------------------------------------------


def tables(data):
    names = list(next(iter(data.values()))["figures"])
    summary = [
        [
            name,
            *(f"{wins(data, name, what)} of {compared(data, what)}" for what in SENSES),
            f"{ratio(data, name):+.3f}",
            *(number(total(data, name, clock)) for clock in ("wall", "cpu")),
        ]
        for name in names
    ]
    header = ["", *(f"{what} better" for what in SENSES), "log ratio", "wall, s", "cpu, s"]
    return [(header, summary), *(single(data, names, what, n) for what, n in DIGITS.items())]


SENSES = {"log-loss": -1, "accuracy": 1, "auc": 1}
DIGITS = {"log-loss": 4, "accuracy": 4, "auc": 4, "wall": 1}


def single(data, names, what, digits):
    rows = [
        [table, f"{d['rows']:,}", *(text(mean(d["figures"][name], what), digits) for name in names)]
        for table, d in data.items()
        if mean(d["figures"][JUDGE], what) is not None
    ]
    return [what, "rows", *names], rows


def text(value, digits):
    return "–" if value is None else f"{value:.{digits}f}"


def compared(data, what):
    return sum(mean(d["figures"][JUDGE], what) is not None for d in data.values())


def wins(data, name, what):
    """Count the tables on which a contender is better than the judge."""
    pairs = [
        (mean(d["figures"][name], what), mean(d["figures"][JUDGE], what)) for d in data.values()
    ]
    return sum(SENSES[what] * (a - b) > 0 for a, b in pairs if a is not None)


def ratio(data, name):
    return float(np.mean([
        np.log(mean(d["figures"][name], "log-loss") / mean(d["figures"][JUDGE], "log-loss"))
        for d in data.values()
    ]))  # fmt: skip


def total(data, name, clock):
    return sum(mean(d["figures"][name], clock) for d in data.values())


def draw(data):
    """Draw wins, and the mean log ratio, over the seconds."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(10, 4))
    for name in next(iter(data.values()))["figures"]:
        seconds = total(data, name, "cpu")
        panels[0].plot(seconds, wins(data, name, "log-loss"), "o")
        panels[1].plot(seconds, ratio(data, name), "o")
        for panel, y in zip(panels, (wins(data, name, "log-loss"), ratio(data, name)), strict=True):
            panel.annotate(name, (seconds, y), xytext=(5, 4), textcoords="offset points")
    for panel, title in zip(panels, ("tables won", "mean log ratio"), strict=True):
        panel.set_xscale("log")
        panel.set_xlabel("seconds of processor time, all fits")
        panel.set_title(f"{title}, against {JUDGE}", loc="left", fontsize=11)
        panel.grid(alpha=0.3)
        panel.margins(0.3)
        panel.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(Path(RESULTS, "strength.png"), dpi=130)
    plt.close(figure)


if __name__ == "__main__":
    run(measure, tables, ["handgrad"], has_folder=True)
