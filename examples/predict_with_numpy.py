"""A handgrad model run by NumPy alone: no handgrad, no scikit-learn, no safetensors.

The model file is a length, a JSON header, and numbers. This program reads a model that predicts
labels and a CSV file with the columns it was trained on, and prints the probability of each class.
Copy it to where nothing can be installed, or read it to see everything that a prediction takes.

    python examples/predict_with_numpy.py model.safetensors table.csv

It reads plain numbers, booleans and categories, and takes a quoted NA for a bare one. It refuses
dates, numbers with words, numbers such as 1.448,00 or 14 kg, other activations, several networks,
several labels per row, and predicted numbers. handgrad's own predictions differ in the last digits,
because it adds in another order.
"""

import csv
import hashlib
import json
import math
import re
import sys
import unicodedata
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
# The words for a missing cell, if the file has none of its own.
IN_LEVELS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "?"]
IN_NUMBERS = [
    *IN_LEVELS, "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND",
    "1.#QNAN", "<NA>", "None", "n/a",
]  # fmt: skip
TRUE, FALSE = {"true", "t", "yes", "y"}, {"false", "f", "no", "n"}
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def read_model(path: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read the description of the model from the header, and its arrays by name."""
    content = Path(path).read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    metadata = header.pop("__metadata__")
    blank = content.replace(
        f'"sha256":"{metadata["sha256"]}"'.encode(), b'"sha256":"%s"' % (b"0" * 64), 1
    )
    if hashlib.sha256(blank).hexdigest() != metadata["sha256"]:
        raise SystemExit(f"{path} is damaged: its checksum does not match. Take another copy")
    tensors = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        values = np.frombuffer(content[start + first : start + last], TYPES[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"])
    return json.loads(metadata["handgrad"]), tensors


def activations(model: dict[str, Any]) -> list[str]:
    """Return the activation of each hidden layer."""
    units, named = model["architecture"]["layer_units"], model["architecture"]["activation"]
    return [named] * (len(units) - 2) if isinstance(named, str) else named


def check(model: dict[str, Any]) -> None:
    """Refuse a model that the functions below cannot compute."""
    version, kind = model["format_version"], model.get("kind", "labels")
    if version > 3:
        raise SystemExit(f"the file has format version {version}; this reads versions 1 to 3")
    known = set(activations(model)) <= set(ACTIVATIONS)
    if kind != "labels" or model.get("networks", 1) != 1 or not known:
        raise SystemExit(f"this reads one network of labels with {sorted(ACTIVATIONS)}")


def columns_of(encoder: dict[str, Any]) -> list[dict[str, Any]]:
    """Return name, kind and missing-cell words of each column, for every format version."""
    number = {"kind": "number", "missing": IN_NUMBERS}
    if "columns" in encoder:
        told = encoder["columns"]
    else:  # a word that was a level there is no missing cell
        levels = iter(encoder["levels"])
        told = [{} if is_number else level_column(next(levels)) for is_number in encoder["numeric"]]
    columns = [{"name": n, **number, **one} for n, one in zip(encoder["names"], told, strict=True)]
    for column in columns:
        if column["kind"] not in ("number", "boolean", "category", "left out"):
            refuse(column, f"it is a {column['kind']}")
        if "notation" in column:
            refuse(column, "its numbers are written in another way")
    return columns


def level_column(levels: list[str | None]) -> dict[str, Any]:
    """Describe a category from a file that has no words for missing cells."""
    return {"kind": "category", "missing": [word for word in IN_LEVELS if word not in levels]}


def refuse(column: dict[str, Any], why: str) -> None:
    """Exit with the name of a column that this program cannot read."""
    raise SystemExit(
        f"column {column['name']!r}: {why}; this reads plain numbers, booleans and categories"
    )


def encode(
    rows: list[dict[str, str]], encoder: dict[str, Any], tensors: dict[str, np.ndarray]
) -> np.ndarray:
    """Turn cells into inputs: numbers, then flags for missing ones, then 0 or 1 for each level."""
    numbers, ones = [], []
    columns = columns_of(encoder)
    others = iter(encoder.get("other", [False] * len(columns)))
    levels = iter(encoder["levels"])
    for column in columns:
        name, gone = column["name"], {"", *column["missing"]}
        if column["kind"] == "left out":
            continue
        if any(row.get(name) is None for row in rows):
            raise SystemExit(f"the table lacks cells in the column {name!r}")
        cells = [None if row[name].strip() in gone else row[name] for row in rows]
        if column["kind"] == "category":
            ones.append(one_hot(cells, next(levels), next(others)))
        else:
            numbers.append([number(cell, column) for cell in cells])
    values = np.array(numbers, dtype=np.float64).reshape(-1, len(rows)).T
    mean, scale, median, flagged = (
        tensors[f"encoder.{part}"] for part in ("mean", "scale", "median", "indicator")
    )
    missing = np.isnan(values)
    scaled = (np.where(missing, median, values) - mean) / scale
    return np.hstack([scaled, missing[:, flagged], *ones])


def number(cell: str | None, column: dict[str, Any]) -> float:
    """Read a cell: 1 and 0 for the words of a boolean, NaN for a missing or unknown cell."""
    text = "" if cell is None else cell.strip()
    if column["kind"] == "boolean" and text.casefold() in TRUE | FALSE:
        return float(text.casefold() in TRUE)
    if NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    if cell is not None and column["kind"] == "number":
        raise SystemExit(f"column {column['name']!r}: {cell!r} is not a plain number")
    return math.nan


def one_hot(cells: list[str | None], levels: list[str | None], other: bool) -> np.ndarray:
    """Give each level an input, and one to all others if rare levels were trained to share it."""
    places: dict[Any, int] = {}
    for at, level in enumerate(levels):  # of two spellings of one level each stands for itself
        same = meaning(level)
        places[same] = len(levels) if same in places else at
    places |= {level: at for at, level in enumerate(levels)}
    x = np.zeros((len(cells), len(levels) + 1))
    for row, cell in enumerate(cells):
        if cell is not None or None in levels:
            x[row, places.get(cell, places.get(meaning(cell), len(levels)))] = 1
    return x[:, : len(levels) + other]


def meaning(level: str | None) -> Any:
    """Return the same value for all spellings of a level: 1, 1.0 and 01; true and True."""
    if level is None:
        return None
    if NUMBER.fullmatch(level) and float(level).is_integer():
        return ("number", float(level))
    low = level.casefold()
    return ("word", low if low in ("true", "false") else unicodedata.normalize("NFC", level))


def predict_proba(
    model: dict[str, Any], tensors: dict[str, np.ndarray], x: np.ndarray
) -> np.ndarray:
    """Run equations (1) to (4), with any number of layers; shape (n, classes)."""
    n_layers = len(model["architecture"]["layer_units"]) - 1
    names = activations(model)
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
    check(model)
    proba = predict_proba(model, tensors, encode(rows, model["encoder"], tensors))
    classes = model["classes"]["values"]
    out = csv.writer(sys.stdout)
    out.writerow([model["target"] or "prediction", *(f"P({label})" for label in classes)])
    for row in proba.tolist():
        out.writerow([classes[int(np.argmax(row))], *row])


if __name__ == "__main__":
    main()
