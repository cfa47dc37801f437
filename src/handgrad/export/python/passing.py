"""The functions of a written Python file that compute: ``file.py`` copies what it needs."""

from __future__ import annotations

import base64
import csv
import sys
from typing import Any

import numpy as np


def unpacked(text: str, dtype: str, *shape: int) -> Any:
    """Read numbers back from base64."""
    return np.frombuffer(base64.b64decode(text), dtype).reshape(shape)


def places_in(x: Any, edges: Any) -> Any:
    """Find the place u of numbers, (n,), among edges: t at edge t, linear between two."""
    x = np.clip(x, edges[0], edges[-1])
    t = np.searchsorted(edges[1:-1], x, side="right")
    half = edges / 2  # which never overflow
    return t + (x / 2 - half[t]) / (half[t + 1] - half[t])


def steps(u: Any, n: int) -> Any:
    """Write a place among the edges of n bins as steps, (n rows, n)."""
    return np.clip(u[:, None] - np.arange(n), 0, 1)


def hat_and_steps(u: Any, n: int) -> Any:
    """Write a place among the edges of n bins as a hat and steps, (n rows, 2 n + 1)."""
    hat = np.maximum(0, 1 - np.abs(u[:, None] - np.arange(n + 1, dtype=u.dtype)))
    return np.hstack([hat, np.clip(u[:, None] - np.arange(n, dtype=u.dtype), 0, 1)])


def ones(place: Any, n: int) -> Any:
    """Write the place of a level as n numbers, 1 at the place and 0 elsewhere."""
    return (place[:, None] == np.arange(n)).astype(np.float64)


def fitting(x: Any, dtype: str) -> Any:
    """Give inputs in the precision of the network, all finite."""
    with np.errstate(over="ignore"):
        x = x.astype(dtype)
    if not np.isfinite(x).all():
        row = int(np.argwhere(~np.isfinite(x))[0, 0])
        raise ValueError(f"row {row + 1}: a number is missing, infinite, or too large for {dtype}")
    return x


def score_of(x: Any, w: Any, layers: Any, bends: Any, V: Any = None, s: Any = None) -> Any:
    """Pass rows through one network."""
    h = x if s is None else x * s
    for (W, b), bend in zip(layers[:-1], bends, strict=True):
        r = h @ W + b  # (1)
        h = bend(r)  # (2)
    W, b = layers[-1]
    score = h @ W + b  # (3)
    return score if V is None else score + w @ V


def finite(score: Any) -> Any:
    """Refuse scores that are not finite."""
    if not np.isfinite(score).all():
        row = int(np.argwhere(~np.isfinite(score))[0, 0])
        raise ValueError(
            f"row {row + 1}: the scores are too large for {score.dtype}, because its cells lie "
            "too far from those of the training rows; check the row"
        )
    return score


def rows_of(file: Any) -> list[Any]:
    """Read a CSV file with commas, whose first line names the columns."""
    lines = csv.reader(file)
    names = next(lines, [])
    if len(set(names)) < len(names):
        raise ValueError("two columns have the same name; rename one")
    rows = []
    for cells in lines:
        if cells and len(cells) != len(names):
            raise ValueError(
                f"line {lines.line_num} has {len(cells)} cells, and the first line {len(names)}"
            )
        rows += [dict(zip(names, cells, strict=True))] if cells else []
    return rows


def main(predict: Any, predict_proba: Any, names: list[str], target: str) -> None:
    """Predict each row of a CSV file, named in the command or read from the standard input."""
    arguments = [one for one in sys.argv[1:] if one != "--proba"]
    proba = predict_proba if "--proba" in sys.argv[1:] else None
    if len(arguments) > 1 or any(one.startswith("-") for one in arguments):
        sys.exit(f"usage: {sys.argv[0]} [--proba] [TABLE.csv]")
    try:
        with open(arguments[0] if arguments else 0, encoding="utf-8-sig", newline="") as file:
            rows = rows_of(file)
        found = np.asarray(predict(rows), dtype=object)
        found = found if found.ndim > 1 else found[:, None]
        header = [target] if found.shape[1] == 1 else [*names]
        if proba is not None:
            header += [f"probability {name}" for name in names]
            found = np.hstack([found, proba(rows).astype(object)])
    except OSError as error:
        sys.exit(f"{sys.argv[0]}: {error.filename!r}: {error.strerror}")
    except (ValueError, csv.Error) as error:
        sys.exit(f"{sys.argv[0]}: {error}")
    try:
        with open(1, "w", encoding="utf-8", newline="", closefd=False) as out:
            csv.writer(out, lineterminator="\n").writerows([header, *found.tolist()])
    except BrokenPipeError:
        pass  # the reader has gone
