"""Distilling: what a small student loses of its teacher, and what it gains over labels alone.

    python benchmarks/distil.py FOLDER [--quick | --tables] [--only TABLE,...]

The tables come from FOLDER and FOLDER/extra (``racing/open_tables.py``). Of each, 2,000 of the
rows that train have labels and the others none; or all have labels. Two teachers learn from the
labelled rows: handgrad's TabularClassifier at medium effort, and HistGradientBoosting with its
defaults. The student is what ``handgrad distil`` trains by default, one network of 32 hidden
units. It learns from the labels; from the teacher's probabilities of the same rows; where there
are rows without labels, from the teacher's probabilities of all rows, and from its labels of all.

Figures are of rows that no one has learnt from, and means over the seeds 0, 1 and 2, each of which
draws other labelled rows: log-loss, accuracy, and the bytes of the file (for HistGradientBoosting,
which takes numbers, codes and NaN, of the pickle). ``--quick`` and ``--only`` keep no result.
"""

import pickle
import warnings

import numpy as np
from racing.environments import HERE
from racing.open_tables import sources
from racing.results import number, run
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from handgrad import TabularClassifier
from handgrad.cli.distil import OPTIONS, STUDENT
from handgrad.cli.recipes import PLAIN, RECIPES
from handgrad.cli.settings import parameters
from handgrad.models.file import to_bytes

TABLES = ["adult", "letter", "diamonds_cut"]
FEW = 2_000  # labelled rows
SEEDS = 3
PARTS = (("only", "make a trial of these tables, keep no result"),)
LABELS, TEACHER = "student, labels", "teacher"
SAME, EVERY = "student, probabilities", "student, probabilities of all rows"
GIVEN = "student, teacher's labels of all rows"


class Handgrad:
    name = "handgrad, medium"

    def __init__(self, table, rows, seed):
        self.table = table
        self.model = TabularClassifier(random_state=seed)
        self.model.fit(table.frame.iloc[rows], table.y[rows])

    def predict_proba(self, rows):
        return self.model.predict_proba(self.table.frame.iloc[rows])

    def bytes(self):
        return len(to_bytes(self.model.model_))


class Hist:
    name = "HistGradientBoosting"

    def __init__(self, table, rows, seed):
        self.table = table
        kinds = {"categorical_features": table.categorical, "random_state": seed}
        self.model = HistGradientBoostingClassifier(**kinds)
        self.model.fit(table.codes[rows], table.y[rows])

    def predict_proba(self, rows):
        return self.model.predict_proba(self.table.codes[rows])

    def bytes(self):
        return len(pickle.dumps(self.model))


def student_of(table, rows, y, classes, seed):
    """Train what ``handgrad distil`` trains by default."""
    defaults = {option.name: option.default for option in OPTIONS}
    options = STUDENT | {name: defaults[name] for name in ("epochs", "engine")}
    options |= {"hidden": (int(defaults["hidden"]),), "patience": defaults["epochs"], "seed": seed}
    settings = parameters(options, len(rows))
    model = RECIPES[PLAIN].estimator(STUDENT["task"], settings)
    return model.fit(table.frame.iloc[rows], y, classes=classes)


def figures_of(predict_proba, n_bytes, table):
    """Judge by the rows of the test."""
    y, proba = table.y[table.test], predict_proba(table.test)
    of_true = proba[np.arange(len(y)), y].astype(np.float64)
    return {
        "log_loss": float(-np.log(np.maximum(of_true, 1e-15)).mean()),
        "accuracy": float((proba.argmax(axis=1) == y).mean()),
        "bytes": n_bytes,
    }


def judged(model, table):
    def predict_proba(rows):
        return model.predict_proba(table.frame.iloc[rows])

    return figures_of(predict_proba, len(to_bytes(model.model_)), table)


def measured(table, n_labelled, seed):
    """Give the figures of one seed: {teacher: {who: figures}}, the student of labels in each."""
    order = np.random.default_rng(seed).permutation(table.train)
    labelled, n = order[:n_labelled], min(n_labelled, len(order))
    classes = np.unique(table.y)
    by_labels = judged(student_of(table, labelled, table.y[labelled], classes, seed), table)
    found = {}
    for kind in (Handgrad, Hist):
        teacher = kind(table, labelled, seed)
        proba = teacher.predict_proba(order)
        lessons = {SAME: (labelled, proba[:n])}
        if n < len(order):
            lessons |= {EVERY: (order, proba), GIVEN: (order, classes[proba.argmax(axis=1)])}
        found[kind.name] = {
            TEACHER: figures_of(teacher.predict_proba, teacher.bytes(), table),
            LABELS: by_labels,
        } | {
            who: judged(student_of(table, rows, y, classes, seed), table)
            for who, (rows, y) in lessons.items()
        }
    return found


def measure(options):
    warnings.simplefilter("ignore")
    with threadpool_limits(1, "openmp"):  # threads of HistGradientBoosting wait for each other
        return measured_tables(options)


def measured_tables(options):
    readers = sources(options.folder)
    found = {}
    for name in options.only or (["letter"] if options.quick else TABLES):
        table = readers[name]()
        of = found[name] = {"test_rows": len(table.test), "classes": len(np.unique(table.y))}
        for n in (FEW, len(table.train)):
            seeds = [measured(table, n, seed) for seed in range(1 if options.quick else SEEDS)]
            of[str(n)] = {
                teacher: {who: [one[teacher][who] for one in seeds] for who in seeds[0][teacher]}
                for teacher in seeds[0]
            }
            print(name, n, {t: summary(by) for t, by in of[str(n)].items()}, flush=True)
    return found


def summary(by):
    return {who: round(mean(runs, "log_loss"), 4) for who, runs in by.items()}


def mean(runs, what):
    return float(np.mean([one[what] for one in runs]))


def tables(figures):
    """Make one table of each figure that is judged, one of the files, and one of the spread."""
    return [
        by_lesson(figures, "log-loss", lambda runs: f"{mean(runs, 'log_loss'):.4f}"),
        by_lesson(figures, "accuracy", lambda runs: f"{mean(runs, 'accuracy'):.4f}"),
        files(figures),
        by_lesson(figures, "log-loss, seed by seed", spread),
    ]


def by_lesson(figures, title, cell):
    """Give a row to each teacher of each table."""
    header = [title, "labelled", "teacher is", TEACHER, LABELS, SAME, EVERY, GIVEN]
    rows = [
        [name, f"{int(n):,}", teacher, *(cell(by[who]) if who in by else "–" for who in header[3:])]
        for name, n, teacher, by in cases(figures)
    ]
    return header, rows


def cases(figures):
    for name, of in figures.items():
        for n, by_teacher in of.items():
            if isinstance(by_teacher, dict):
                yield from ((name, n, teacher, by) for teacher, by in by_teacher.items())


def files(figures):
    header = ["file, kB", "labelled", "teacher is", TEACHER, "student"]
    rows = [
        [
            name,
            f"{int(n):,}",
            teacher,
            *(number(mean(by[who], "bytes") / 1e3) for who in (TEACHER, SAME)),
        ]
        for name, n, teacher, by in cases(figures)
    ]
    return header, rows


def spread(runs):
    return ", ".join(f"{one['log_loss']:.4f}" for one in runs)


if __name__ == "__main__":
    run(measure, tables, [HERE], has_folder=True, parts=PARTS)
