"""Write a model file of the format of today, its table and its predictions, beside this file.

Run it once, when a version of the format is new, and never again for that version: the files are
what handgrad wrote then, and every later handgrad reads them. Those of versions 1 to 3 were
written by the handgrad of then; that of version 3 had no settings of `LATEST`, and those of version
4 were written without the settings that version 5 keeps.

    python tests/golden/make_versions.py
"""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from handgrad import MLPClassifier, MLPRegressor
from handgrad.models.file import save_model

HERE = Path(__file__).parent
N = 60
LATEST = {"preprocess": "piecewise", "skip": True, "initialisation": "sharp", "input_scale": True}


def table() -> pd.DataFrame:
    """Make a table with a column of every kind, as texts out of CSV are, and typed."""
    some = np.random.default_rng(3)
    number = np.round(some.normal(size=N), 3)
    number[::7] = np.nan
    days = pd.date_range("2021-03-01", periods=N, freq="11D")
    return pd.DataFrame(
        {
            "number": number,
            "money": [f"${1000 + 37.5 * i:,.2f}" for i in range(N)],
            "weight": [f"{i / 4} kg" for i in range(N)],
            "coded": [-999.0 if i % 8 == 0 else float(i) for i in range(N)],
            "worded": ["n.d." if i % 9 == 0 else str(0.25 * i) for i in range(N)],
            "flag": [("yes", "no", "")[some.integers(3)] for _ in range(N)],
            "level": [("red", "green", "blue", "blue", None)[i % 5] for i in range(N)],
            "rare": ["seldom" if i % 20 == 0 else "ab"[i % 2] for i in range(N)],
            "grade": [1 + i % 3 for i in range(N)],
            "when": [f"{day:%d.%m.%Y}" for day in days],
            "clock": [f"{i % 24:02}:{i * 7 % 60:02}" for i in range(N)],
            "moment": days + pd.to_timedelta(np.arange(N) * 3, unit="h"),
            "lasting": pd.to_timedelta(np.arange(N) * 90, unit="s"),
            "name": [f"N{i:03}" for i in range(N)],
            "empty": [None] * N,
        }
    )


def main() -> None:
    rows = table()
    settings = {
        "kinds": {"grade": "category", "name": "left out", "empty": "left out"},
        "missing_values": {"coded": -999},
        "min_frequency": 4,
        "max_iter": 30,
        "random_state": 0,
        "engine": "numpy",
    } | LATEST
    label = np.where(rows["level"].isin(["red", "green"]), "warm", "cold").astype(object)
    label[::6] = "none"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        labels = MLPClassifier((5,), **settings).fit(rows, label)
        numbers = MLPRegressor(hidden_layer_sizes=(4,), **settings).fit(rows, np.arange(N) * 2.5)
    save_model(labels.model_, HERE / "version4.safetensors")
    save_model(numbers.model_, HERE / "version4_numbers.safetensors")
    labels.save(HERE / "version5.safetensors")
    rows.to_parquet(HERE / "version4.parquet", index=False)
    np.savez(
        HERE / "version4.npz",
        proba=labels.predict_proba(rows),
        numbers=numbers.predict(rows),
        inputs=np.array(labels.model_.encoder.input_names),
    )


if __name__ == "__main__":
    main()
