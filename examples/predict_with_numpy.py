"""A handgrad model run by NumPy alone: no handgrad, no scikit-learn, no safetensors.

The model file is a length, a JSON header, and numbers. This program reads a model and a CSV file
with the columns it was trained on, and prints the label and the probability of each class, or the
number. Copy it to where nothing can be installed, or read it to see all that a prediction takes.

    python examples/predict_with_numpy.py model.safetensors table.csv

It reads plain numbers, booleans and categories, and takes a quoted NA for a bare one. It refuses
dates, numbers with words, numbers such as 1.448,00 or 14 kg, other activations, several labels per
row, and quantiles. handgrad's own predictions differ in the last digits, because it adds in another
order.
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
PREDICT = {  # numbers from scores, by output
    "identity": lambda score: score,
    "absolute": lambda score: score,
    "huber": lambda score: score,
    "poisson": np.exp,
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
    """Return the activation of each hidden layer, or the one of all."""
    named = model["architecture"]["activation"]
    return [named] if isinstance(named, str) else named


def check(model: dict[str, Any]) -> None:
    """Refuse a model that the functions below cannot compute."""
    version, kind = model["format_version"], model.get("kind", "labels")
    if version > 5:
        raise SystemExit(f"the file has format version {version}; this reads versions 1 to 5")
    known = set(activations(model)) <= set(ACTIVATIONS)
    if kind == "numbers":
        known &= model["architecture"]["output"] in PREDICT
    if kind == "several labels" or not known:
        raise SystemExit(
            f"this reads networks with {sorted(ACTIVATIONS)} that predict one label or numbers, "
            "no quantiles"
        )


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
) -> tuple[np.ndarray, np.ndarray]:
    """Turn cells into inputs, and into one number u for each column of the skip.

    The inputs are numbers, their steps, flags for missing ones, then 0 or 1 for each level.
    """
    numbers, ones, is_boolean = [], [], []
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
            is_boolean.append(column["kind"] == "boolean")
    values = np.array(numbers, dtype=np.float64).reshape(-1, len(rows)).T
    flags = np.isnan(values)[:, tensors["encoder.indicator"]]
    values = np.where(np.isnan(values), tensors["encoder.median"], values)
    scaled = scale(values, tensors["encoder.mean"], tensors["encoder.scale"], encoder)
    scaled = np.where(is_boolean, values, scaled)
    x = np.hstack([scaled, steps(values, edges(tensors, "deep")), flags, *ones])
    return x, skip_numbers(x, values, flags, ones, encoder, tensors)


def scale(
    values: np.ndarray, mean: np.ndarray, width: np.ndarray, encoder: dict[str, Any]
) -> np.ndarray:
    """Standardise numbers; or scale them robustly, and clip them smoothly between -3 and 3."""
    z = np.divide(values - mean, width, out=np.zeros(values.shape), where=width > 0)
    return z / np.sqrt(1 + (z / 3) ** 2) if "method" in encoder else z


def edges(tensors: dict[str, np.ndarray], which: str) -> list[np.ndarray]:
    """Return the edges of the bins of each number, none for a number without bins."""
    n = tensors.get(f"encoder.{which}.n", np.zeros(0, dtype=int)).astype(int)
    ends = np.cumsum(n + (n > 0))
    return np.split(tensors[f"encoder.{which}.edges"], ends[:-1]) if len(n) else []


def steps(values: np.ndarray, bins: list[np.ndarray]) -> np.ndarray:
    """Return how far each number has come through each of its bins, from 0 to 1."""
    parts = [
        np.clip((column[:, None] - e[:-1]) / np.diff(e), 0, 1)
        for column, e in zip(values.T, bins, strict=False)
        if len(e)
    ]
    return np.hstack([np.zeros((len(values), 0)), *parts])


def skip_numbers(
    x: np.ndarray,
    values: np.ndarray,
    flags: np.ndarray,
    ones: list[np.ndarray],
    encoder: dict[str, Any],
    tensors: dict[str, np.ndarray],
) -> np.ndarray:
    """Return u for each column of the skip: the inputs again, or places in bins and levels."""
    if not encoder.get("skip"):
        return x[:, :0]
    if "encoder.wide.n" not in tensors:
        return x
    places = [
        np.interp(column, e, np.arange(len(e)))
        for column, e in zip(values.T, edges(tensors, "wide"), strict=True)
        if len(e)
    ]
    chosen = [np.where(one.any(axis=1), one.argmax(axis=1), -1) for one in ones if one.shape[1]]
    return np.column_stack([np.zeros((len(x), 0)), *places, flags - 1.0, *chosen])


def spread(skip: list[list[Any]], u: np.ndarray) -> np.ndarray:
    """Write out what each row of V is multiplied by."""
    parts = [np.zeros((len(u), 0))]
    for (kind, n), column in zip(skip, u.T, strict=True):
        own = column[:, None]
        if kind == "linear":
            parts.append(own)
        elif kind == "levels":
            parts.append(own == np.arange(n))
        else:  # the place among the edges of n bins: hats, then steps
            parts.append(np.maximum(0, 1 - np.abs(own - np.arange(n + 1))))
            parts.append(np.clip(own - np.arange(n), 0, 1))
    return np.hstack(parts)


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


def network_scores(
    model: dict[str, Any], tensors: dict[str, np.ndarray], x: np.ndarray, u: np.ndarray
) -> list[np.ndarray]:
    """Run equations (1) to (3) for each network, with any number of layers; (n, outputs) each."""
    names, scores, told = activations(model), [], model.get("networks", 1)
    for network in range(1, (len(told) if isinstance(told, list) else told) + 1):
        own = "" if network == 1 else f"network{network}."
        h, layer = x.astype(tensors[f"{own}W1"].dtype), 1
        while f"{own}W{layer + 1}" in tensors:
            activation = ACTIVATIONS[names[min(layer, len(names)) - 1]]
            h = activation(h @ tensors[f"{own}W{layer}"] + tensors[f"{own}b{layer}"])
            layer += 1
        score = h @ tensors[f"{own}W{layer}"] + tensors[f"{own}b{layer}"]
        if "skip" in model["architecture"]:
            w = spread(model["architecture"]["skip"], u.astype(h.dtype))
            score = score + w.astype(h.dtype) @ tensors[f"{own}V"]
        scores.append(score)
    return scores


def softmax(score: np.ndarray) -> np.ndarray:
    """Turn scores into probabilities: equation (4)."""
    e = np.exp(score - score.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def predict_proba(model: dict[str, Any], scores: list[np.ndarray]) -> np.ndarray:
    """Average the probabilities of the networks, by their shares; shape (n, classes)."""
    if model["architecture"]["output"] == "logistic":  # two classes share one score
        scores = [np.hstack([np.zeros_like(score), score]) for score in scores]
    mean = np.average([softmax(score) for score in scores], axis=0, weights=model.get("shares"))
    with np.errstate(divide="ignore"):  # of a probability too small to hold
        return softmax(np.log(mean) / model.get("temperature", 1.0))


def predict_numbers(
    model: dict[str, Any], tensors: dict[str, np.ndarray], scores: list[np.ndarray]
) -> np.ndarray:
    """Average the numbers of the networks by their shares, undo their scaling, keep bounds."""
    predict = PREDICT[model["architecture"]["output"]]
    y = np.average([predict(score) for score in scores], axis=0, weights=model.get("shares"))
    if "target.scale" in tensors:
        y = tensors["target.mean"] + tensors["target.scale"] * y
    if "target.low" in tensors:
        y = np.clip(y, tensors["target.low"], tensors["target.high"])
    return y


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit(f"usage: {sys.argv[0]} model.safetensors table.csv")
    model, tensors = read_model(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    check(model)
    scores = network_scores(model, tensors, *encode(rows, model["encoder"], tensors))
    name, out = model["target"] or "prediction", csv.writer(sys.stdout)
    if model["classes"] is None:
        numbers = predict_numbers(model, tensors, scores)
        several = numbers.shape[1] > 1
        out.writerow([f"{name} {k + 1}" if several else name for k in range(numbers.shape[1])])
        out.writerows(numbers.tolist())
        return
    classes = model["classes"]["values"]
    out.writerow([name, *(f"P({label})" for label in classes)])
    for row in predict_proba(model, scores).tolist():
        out.writerow([classes[int(np.argmax(row))], *row])


if __name__ == "__main__":
    main()
