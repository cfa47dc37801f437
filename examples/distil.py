"""A large model made small: boosted trees teach a network of a few kilobytes.

The teacher is scikit-learn's HistGradientBoostingClassifier; any model with predict_proba would do.
It learns from 1,000 rows with labels. The student, one network of 32 hidden units, learns from its
probabilities: fit(X, P, classes=...). They say more than labels do, and rows that nobody has
labelled have them, too: here 8,000. The teacher's own probabilities must be good: with the default
of 100 rounds these trees are too sure of themselves, their log-loss is above that of the student
of labels, and the student learns that with the rest.

    python examples/distil.py
    python examples/distil.py --out FOLDER --epochs 5      keeps the student's file

It takes 4 seconds and prints figures of 5,000 further rows:

    teacher                                      log-loss 0.600  accuracy 79.0%  470.4 kB
    student, labels                              log-loss 0.631  accuracy 77.8%    5.0 kB
    student, probabilities, the same rows        log-loss 0.617  accuracy 78.1%    5.0 kB
    student, probabilities, 8,000 rows more      log-loss 0.574  accuracy 80.6%    5.0 kB
"""

import argparse
import pickle
import tempfile
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss

from handgrad import MLPClassifier

LABELLED, TEACHABLE, TEST = slice(0, 1_000), slice(0, 9_000), slice(9_000, 14_000)
ROUNDS = 40


def student(epochs: int) -> MLPClassifier:
    return MLPClassifier(
        (32,),
        activation="silu",
        learning_rate="cosine",
        learning_rate_init=0.01,
        max_iter=epochs,
        early_stopping=True,
        scoring="loss",
        n_iter_no_change=epochs,
        random_state=0,
        dtype="float32",
    )


def distil(folder: Path, epochs: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    X, y = make_classification(
        14_000, 20, n_informative=8, n_redundant=4, n_classes=3, flip_y=0.1, random_state=0
    )
    teacher = HistGradientBoostingClassifier(max_iter=ROUNDS, random_state=0)
    teacher.fit(X[LABELLED], y[LABELLED])
    proba = teacher.predict_proba(X[TEACHABLE])

    def told(who: str, proba: np.ndarray, size: int) -> None:
        loss, right = log_loss(y[TEST], proba), np.mean(proba.argmax(axis=1) == y[TEST])
        print(f"{who:44} log-loss {loss:.3f}  accuracy {right:.1%}  {size / 1000:5.1f} kB")

    told("teacher", teacher.predict_proba(X[TEST]), len(pickle.dumps(teacher)))
    for lesson, rows, target in (
        ("labels", LABELLED, y[LABELLED]),
        ("probabilities, the same rows", LABELLED, proba[LABELLED]),
        ("probabilities, 8,000 rows more", TEACHABLE, proba),
    ):
        model = student(epochs).fit(X[rows], target, classes=teacher.classes_)
        file = folder / "student.safetensors"
        model.save(file)
        told(f"student, {lesson}", model.predict_proba(X[TEST]), file.stat().st_size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, help="keep the last student's file in this folder")
    parser.add_argument("--epochs", type=int, default=60)
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)  # 60 epochs are the schedule's length
    with tempfile.TemporaryDirectory() as made:
        distil(options.out or Path(made), options.epochs)


if __name__ == "__main__":
    main()
