"""A handgrad model run by NumPy alone: no handgrad, no scikit-learn, no safetensors.

The model file is a length, a header of JSON, and numbers. This reads one that gives labels, and a
CSV file with the columns it was trained on, and prints the probability of each class. Copy it to
where nothing can be installed, or read it to see all that a prediction is.

    python examples/predict_with_numpy.py model.safetensors table.csv

What it was not written for it refuses: other activations, several labels a row, numbers.
handgrad's own predictions differ in the last digits, since it adds in another order.
"""

import csv
import hashlib
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np

ACTIVATIONS = {
    "relu": lambda r: np.maximum(0, r),
    "tanh": np.tanh,
    "logistic": lambda r: 1 / (1 + np.exp(-r)),
    "identity": lambda r: r,
}
TYPES = {"F64": "<f8", "F32": "<f4", "BOOL": "?"}
MISSING = {"", "NA", "N/A", "NaN", "nan", "null", "NULL", "?"}


def read_model(path: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Give what the header says of the model, and its arrays by name."""
    content = Path(path).read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    metadata = header.pop("__metadata__")
    blank = content.replace(
        f'"sha256":"{metadata["sha256"]}"'.encode(), b'"sha256":"%s"' % (b"0" * 64), 1
    )
    if hashlib.sha256(blank).hexdigest() != metadata["sha256"]:
        raise SystemExit(f"{path} is damaged: its checksum does not fit. Take another copy")
    tensors = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        values = np.frombuffer(content[start + first : start + last], TYPES[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"])
    return json.loads(metadata["handgrad"]), tensors


def encode(
    rows: list[dict[str, str]], encoder: dict[str, Any], tensors: dict[str, np.ndarray]
) -> np.ndarray:
    """Turn cells into inputs: numbers, then flags of missing ones, then a 0/1 for each level."""
    columns = list(zip(encoder["names"], encoder["numeric"], strict=True))
    cells = {
        name: [None if row[name] in MISSING else row[name] for row in rows] for name, _ in columns
    }
    numbers = (
        np.array(
            [
                [math.nan if cell is None else float(cell) for cell in cells[name]]
                for name, is_number in columns
                if is_number
            ]
        )
        .reshape(-1, len(rows))
        .T
    )
    mean, scale, median, flagged = (
        tensors[f"encoder.{part}"] for part in ("mean", "scale", "median", "indicator")
    )
    missing = np.isnan(numbers)
    parts = [(np.where(missing, median, numbers) - mean) / scale, missing[:, flagged]]
    categories = [name for name, is_number in columns if not is_number]
    for name, levels in zip(categories, encoder["levels"], strict=True):
        parts.append(np.array([[cell == level for level in levels] for cell in cells[name]]))
    return np.hstack(parts)


def predict_proba(
    model: dict[str, Any], tensors: dict[str, np.ndarray], x: np.ndarray
) -> np.ndarray:
    """Run equations (1) to (4), with as many layers as there are; shape (n, classes)."""
    kind, networks = model.get("kind", "labels"), model.get("networks", 1)
    n_layers = len(model["architecture"]["layer_units"]) - 1
    named = model["architecture"]["activation"]
    names = [named] * (n_layers - 1) if isinstance(named, str) else named
    if kind != "labels" or networks != 1 or not set(names) <= set(ACTIVATIONS):
        raise SystemExit(f"this reads one network of labels with {sorted(ACTIVATIONS)}")
    h = x.astype(tensors["W1"].dtype)
    for layer in range(1, n_layers):
        h = ACTIVATIONS[names[layer - 1]](h @ tensors[f"W{layer}"] + tensors[f"b{layer}"])
    score = h @ tensors[f"W{n_layers}"] + tensors[f"b{n_layers}"]
    score = score / model.get("temperature", 1.0)
    if model["architecture"]["output"] == "logistic":  # two classes share one score
        score = np.hstack([np.zeros_like(score), score])
    e = np.exp(score - score.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit(f"usage: {sys.argv[0]} model.safetensors table.csv")
    model, tensors = read_model(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    proba = predict_proba(model, tensors, encode(rows, model["encoder"], tensors))
    classes = model["classes"]["values"]
    out = csv.writer(sys.stdout)
    out.writerow([model["target"] or "prediction", *(f"P({label})" for label in classes)])
    for row in proba.tolist():
        out.writerow([classes[int(np.argmax(row))], *row])


if __name__ == "__main__":
    main()
