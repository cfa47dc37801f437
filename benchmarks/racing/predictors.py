"""The estimators that the open tables judge, each with its defaults.

RealMLP alone departs from them: where labels are predicted it stops by the log-loss and smooths no
label, as its authors advise for that figure; its own defaults are for accuracy, and lose here.

handgrad gets a frame with words and holes; the others get numbers, with their categories named as
each asks for it. RealMLP takes no missing number: the median of the training rows stands there.
"""

import importlib
import os
import time
from typing import NamedTuple

import numpy as np

from racing.open_tables import CLASSIFICATION, REGRESSION

JUDGE = "HistGradientBoosting"
OURS = "handgrad, medium"
LEAST = 1e-15  # of a probability, in log-loss
FEW = 255  # categories, of a column that HistGradientBoosting takes as one of them


class Contender(NamedTuple):
    """An estimator and where it runs.

    Attributes
    ----------
    make : callable
        Takes a table and a seed; returns the estimator and the rows as it wants them.
    library : str or None
        Whose environment it runs in; None is the program's own.
    n_seeds, most_rows : int
        How often it is fitted to each table, and the most training rows of one that it is given.
    groups : tuple of str
        The groups of tables that it is for.
    """

    make: object
    library: str | None = None
    n_seeds: int = 3
    most_rows: int = 1_000_000
    groups: tuple = (CLASSIFICATION, REGRESSION)

    def is_for(self, table):
        return table.group in self.groups and len(table.train) <= self.most_rows


def estimator(module, name, table):
    """Find the class of a library that does what a table asks for."""
    suffix = "Classifier" if table.group == CLASSIFICATION else "Regressor"
    return getattr(importlib.import_module(module), name + suffix)


def tabular(effort):
    def make(table, seed):
        model = estimator("handgrad", "Tabular", table)(effort, random_state=seed)
        return model, table.frame

    return make


def one_network(table, seed):
    return estimator("handgrad", "MLP", table)(random_state=seed), table.frame


def hist(table, seed):
    few = np.array([np.nanmax(column, initial=0) < FEW for column in table.codes.T])
    make = estimator("sklearn.ensemble", JUDGE, table)
    return make(random_state=seed, categorical_features=table.categorical & few), table.codes


def catboost(table, seed):
    settings = {"verbose": False, "allow_writing_files": False, "thread_count": cores()}
    places = np.flatnonzero(table.categorical).tolist()
    make = estimator("catboost", "CatBoost", table)
    return make(random_seed=seed, cat_features=places, **settings), named(table, table.codes)


def realmlp(table, seed):
    import pandas as pd

    known = np.where(np.isnan(table.codes), median(table), table.codes)
    cells = pd.DataFrame(named(table, np.where(table.categorical, table.codes, known)))
    kinds = {c: "category" if words else float for c, words in enumerate(table.categorical)}
    how = {"val_metric_name": "cross_entropy", "use_ls": False}
    how = {"device": "cpu", "n_threads": cores(), **(how if table.group == CLASSIFICATION else {})}
    make = estimator("pytabkit", "RealMLP_TD_S_", table)
    return make(random_state=seed, **how), cells.astype(kinds)


def median(table):
    return np.nanmedian(np.where(table.categorical, 0, table.codes)[table.train], axis=0)


def named(table, codes):
    """Write the categories as words; a missing one is a category, too."""
    cells = codes.astype(object)
    cells[:, table.categorical] = codes[:, table.categorical].astype(str)
    return cells


def cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


CONTENDERS = {
    "handgrad, fast": Contender(tabular("fast")),
    OURS: Contender(tabular("medium")),
    "handgrad, high": Contender(tabular("high"), n_seeds=1),
    "handgrad.MLPClassifier": Contender(one_network, groups=(CLASSIFICATION,)),
    "handgrad.MLPRegressor": Contender(one_network, groups=(REGRESSION,)),
    JUDGE: Contender(hist),
    "CatBoost": Contender(catboost, "catboost", 1),
    "RealMLP-TD-S": Contender(realmlp, "realmlp", 1, 8_000),
}


# -- a fit and its figures ---------------------------------------------------------------------


def judged(name, table, seed):
    """Fit and judge once."""
    model, x = CONTENDERS[name].make(table, seed)
    rows = (lambda places: x.iloc[places]) if hasattr(x, "iloc") else (lambda places: x[places])
    wall, processor = time.perf_counter(), time.process_time()
    model.fit(rows(table.train), table.y[table.train])
    seconds = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - processor}
    if table.group == CLASSIFICATION:
        return seconds | of_labels(model.predict_proba(rows(table.test)), model.classes_, table)
    return seconds | of_numbers(model.predict(rows(table.test)), table)


def of_labels(proba, classes, table):
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


def of_numbers(predicted, table):
    y = table.y[table.test]
    squared = np.mean((np.ravel(predicted) - y) ** 2)
    return {"RMSE": float(np.sqrt(squared)), "R2": float(1 - squared / y.var())}
