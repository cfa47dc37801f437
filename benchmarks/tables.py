"""Accuracy and log-loss on real tables with official test rows, beside scikit-learn's.

    python benchmarks/tables.py FOLDER [NAME ...]

FOLDER holds NAME.csv.gz with a last column "split", which is train or test. handgrad reads the
raw table with the settings of its command line; scikit-learn gets the same rows as the matrix
that handgrad's encoder makes of them, and trains with its defaults, without and with early
stopping. Every figure is the mean of three seeds; the seconds are those of fit alone.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
from racing.measuring import seconds_of
from racing.results import show
from sklearn.metrics import accuracy_score, log_loss
from sklearn.neural_network import MLPClassifier as Theirs

from handgrad import MLPClassifier, read_table
from handgrad.tables.columns import labels
from handgrad.tables.fitting import fit_table
from handgrad.tables.recognition.planning import plan_of
from handgrad.tables.rows import take

TARGETS = {
    "adult": "income",
    "letter": "lettr",
    "satimage": "classes",
    "telco_churn": "Churn",
    "spambase": "type",
    "soybean": "Class",
}
SEEDS = (0, 1, 2)


def ours(seed):
    """Make the estimator that ``handgrad fit --recipe plain`` makes."""
    return MLPClassifier(
        batch_size=32,
        early_stopping=True,
        scoring="loss",
        dtype="float32",
        random_state=seed,
    )


def read(path, target):
    table = read_table(path)
    is_train = np.array(table.column("split").to_pylist()) == "train"
    y, _ = labels(table, target)
    columns = table.drop_columns(["split", target])
    parts = [(take(columns, np.flatnonzero(rows)), y[rows]) for rows in (is_train, ~is_train)]
    return parts[0], parts[1]


def judged(make, training, test):
    """Fit once a seed; return the means of accuracy, log-loss and seconds."""
    figures = []
    for seed in SEEDS:
        model = make(seed)
        seconds, _ = seconds_of(lambda model=model: model.fit(*training))
        x, y = test
        loss = log_loss(y, model.predict_proba(x), labels=model.classes_)
        figures.append((accuracy_score(y, model.predict(x)), loss, seconds))
    return np.mean(figures, axis=0)


def contenders(training, test):
    encoder = fit_table(training[0], plan_of(training[0]))
    matrices = [(encoder.transform(x, np.float32), y) for x, y in (training, test)]
    yield "handgrad fit", judged(ours, training, test)
    yield "scikit-learn", judged(lambda seed: Theirs(random_state=seed), *matrices)
    early = judged(lambda seed: Theirs(random_state=seed, early_stopping=True), *matrices)
    yield "scikit-learn, early stopping", early


def main(folder, names):
    warnings.simplefilter("ignore")
    rows = []
    for name in names or TARGETS:
        training, test = read(Path(folder) / f"{name}.csv.gz", TARGETS[name])
        for contender, (accuracy, loss, seconds) in contenders(training, test):
            rows.append([name, contender, f"{accuracy:.4f}", f"{loss:.4f}", f"{seconds:.1f}"])
    show([(["table", "contender", "accuracy", "log-loss", "fit seconds"], rows)])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
