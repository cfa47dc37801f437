"""A model in one file: trained here, run in a fresh process with handgrad, and without it.

This program trains on the penguins that come with handgrad (344 rows, texts, missing cells) and
writes the model and a table of new rows. Then two fresh processes predict these: handgrad's command
line, and predict_with_numpy.py, which imports only NumPy. The file holds numbers and text, never
code, so loading it runs nothing of yours. (handgrad predict prints six digits of a probability;
labels must be the same, and probabilities equal to 1e-6.)

    python examples/ship_a_model.py
    python examples/ship_a_model.py --out FOLDER --epochs 5      keeps the files

Needs pandas. It takes 3 seconds and prints:

    penguins.safetensors: 6589 bytes
    86 new rows, 98.8% right, here
    handgrad predict, a fresh process  same labels, largest difference of a probability 5.0e-07
    NumPy alone, a fresh process       same labels, largest difference of a probability 1.1e-16
"""

import argparse
import io
import os
import subprocess
import sys
import tempfile
import warnings
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

import handgrad
from handgrad import MLPClassifier


def elsewhere(*arguments: str) -> pd.DataFrame:
    """Run Python in a fresh process, and read the table that it prints."""
    home = str(Path(handgrad.__file__).parents[1])
    run = subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"PYTHONPATH": home},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    return pd.read_csv(io.StringIO(run.stdout))


def ship(folder: Path, epochs: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    penguins = pd.read_csv(files("handgrad").joinpath("data", "penguins.csv"))
    species = penguins.pop("species")
    old, new, old_species, new_species = train_test_split(
        penguins, species, test_size=0.25, stratify=species, random_state=0
    )
    model = MLPClassifier((32,), batch_size=32, max_iter=epochs, random_state=0)
    model.fit(old, old_species)
    here = model.predict_proba(new)
    model_file, table = str(folder / "penguins.safetensors"), str(folder / "new.csv")
    model.save(model_file)
    new.to_csv(table, index=False)
    print(f"{os.path.basename(model_file)}: {os.path.getsize(model_file)} bytes")
    print(f"{len(new)} new rows, {np.mean(model.predict(new) == new_species):.1%} right, here")

    numpy_alone = str(Path(__file__).with_name("predict_with_numpy.py"))
    for name, command in (
        ("handgrad predict, a fresh process", ("-m", "handgrad", "predict", "--proba")),
        ("NumPy alone, a fresh process", (numpy_alone,)),
    ):
        there = elsewhere(*command, model_file, table).iloc[:, -len(model.classes_) :].to_numpy()
        largest = np.abs(there - here).max()
        same = np.array_equal(there.argmax(axis=1), here.argmax(axis=1))
        print(f"{name:34} {'same' if same else 'OTHER'} labels, ", end="")
        print(f"largest difference of a probability {largest:.1e}")
        if not same or largest > 1e-6:
            raise SystemExit("the predictions differ")


def main() -> None:
    arguments = argparse.ArgumentParser(description="A model in one file")
    arguments.add_argument("--epochs", type=int, default=100)
    arguments.add_argument("--out", type=Path, help="keep the files in this folder")
    given = arguments.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)  # these epochs are enough here
    with tempfile.TemporaryDirectory() as folder:
        ship(given.out or Path(folder), given.epochs)


if __name__ == "__main__":
    main()
