"""The page's view of a run: a layout whenever points or network change shape, and frames.

A frame is, in this order: the length of its header, four bytes, least first; the header, JSON;
and parts, whose lengths the header's "parts" lists: the decision map, a plane for each class (0 to
255 for 0 to 1), or one of the number predicted (0 to 255 for the range of the truth), or, over one
input, the curve of that number, float32; the maps of the drawn units (0 to 255 from the least to
the largest value); the curves, float32, a row of five numbers for each epoch; and the two of
``wide_parts``. A network of more than two inputs has no maps. With two runs, all this is the
chosen one's; the decision map and the curves of its rival come last.

While a large network plays, its decision map is coarser ("side" points a side), and numbers that
eyes cannot follow from frame to frame are renewed a few times a second (``Slower``). At rest
everything is fine and fresh.
"""

from __future__ import annotations

import json
import re
import time
import xml.etree.ElementTree as ElementTree
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.activations import ACTIVATIONS
from handgrad.explain.equations import names_beside
from handgrad.explain.formula import mathml
from handgrad.network import Architecture, backward, forward
from handgrad.playground.drawing import LEAST_POINTS
from handgrad.playground.judging import judge_of, span
from handgrad.playground.made import made
from handgrad.playground.operands import shown_chain, shown_fall, shown_operands
from handgrad.playground.recipe import CHOICES, OF_LEARNING, PRESETS, TABLES
from handgrad.playground.sets import CLASSES_TO_CHOOSE, DRAWN
from handgrad.playground.tally import tally
from handgrad.playground.walk import walk
from handgrad.playground.wide import (
    MOST_UNITS,
    block,
    finite,
    listed,
    points_layout,
    wide_numbers,
    wide_parts,
)

if TYPE_CHECKING:
    from handgrad.explain.equations import Equation
    from handgrad.explain.trace import Trace
    from handgrad.network import Tape
    from handgrad.output import Link
    from handgrad.params import Params
    from handgrad.playground.points import Points
    from handgrad.playground.runs import Runs
    from handgrad.playground.session import Session

Array = NDArray[Any]

MAP = 100  # points a side of the decision map
COARSE = 50  # the same, while a large network plays
MOST_PRODUCTS = 2e8  # of weights and points, for a fine map while it plays; some 10 ms
BLOCK = 500  # points that pass through the network together, so that caches hold them
SLOWER = 0.18  # seconds between two looks at numbers that are read rather than watched
UNIT_MAP = 25  # points a side of a unit's map
CURVE = 201  # points of the curve of one input
MOST_EPOCHS = 400  # in the curves
MARGIN = 0.12  # around the points


class Line(NamedTuple):
    """A line of two_layer.py."""

    number: int
    text: str


@cache
def source_lines() -> dict[int, Line]:
    """Find the line of each equation in two_layer.py, by the number at its end.

    Before it come the lines that only make names for it, which have a shape and no number.
    """
    text = (files("handgrad") / "two_layer.py").read_text(encoding="utf-8")
    found, before = {}, ""
    for number, line in enumerate(text.splitlines(), start=1):
        code = line.split("  #")[0].strip()
        if marked := re.search(r"  # .*\(([0-9]+)\)$", line):
            found[int(marked[1])] = Line(number, before + code)
        before = f"{before}{code}\n" if "  # (" in line and not marked else ""
    return found


# -- layout -------------------------------------------------------------------------------------


def layout(runs: Runs) -> dict[str, Any]:
    """Describe everything that stays the same from frame to frame."""
    session = runs.session
    points, architecture = session.points, session.architecture
    recipe, source = session.recipe, session.source
    units = architecture.layer_units
    article = len(units) == 3 and architecture == Architecture(units)  # as in two_layer.py
    return {
        "kind": "layout",
        "layout": runs.layout,
        "runs": [run.recipe.as_json() for run in runs.all],
        "chosen": runs.chosen,
        "own": OF_LEARNING,
        "recipe": {**recipe.as_json(), **_axes(session)},
        "choices": {name: list(values) for name, values in CHOICES.items()},
        "presets": PRESETS,
        "is_drawn": recipe.data in DRAWN,
        "has_classes": recipe.data in CLASSES_TO_CHOOSE,
        "has_table": source.table is not None,
        "columns": source.number_columns(recipe.data),
        "target": source.target,
        "targets": source.targets,
        "names": list(points.encoder.input_names),
        "classes": points.outputs,  # or else the one number that is predicted
        "numbers": judge_of(points.head).told(points),
        "measure": judge_of(points.head).measure,
        "note": points.note,
        **points_layout(points),
        "least_points": LEAST_POINTS,
        "can_undo": bool(session.boards),
        "y_t": points.y_t.ravel().tolist(),
        "test": points.test.tolist(),
        "extent": list(extent(session)) if points.is_plane else None,
        "units": list(architecture.layer_units),
        "shown": [min(units, MOST_UNITS) for units in architecture.layer_units],
        "is_article": article,
        "folds": points.is_plane and _has_folds(architecture),
        "equations": [_equation(equation) for equation in session.trace().equations],
        "chain": [_link(link) for link in architecture.head.chain(architecture.loss)],
    }


def _has_folds(architecture: Architecture) -> bool:
    """Tell whether the first hidden layer bends along a line w·x + b = 0 for each unit."""
    first = architecture.activations[:1]
    return not architecture.scales and any(ACTIVATIONS[name].cuts_off for name in first)


def _axes(session: Session) -> dict[str, str]:
    if session.recipe.data not in TABLES or session.recipe.inputs == "all":
        return {}
    x1, x2 = session.source.axes(session.recipe)
    return {"x1": x1, "x2": x2}


def _equation(equation: Equation) -> dict[str, Any]:
    line = source_lines().get(equation.number, Line(0, ""))  # (14) and (15) have none
    return {
        "number": equation.number,
        "name": equation.name,
        "formula": tree(equation.formula),
        "line": equation.line,
        "source": line.text,
        "source_line": line.number,
        "words": equation.words,
    }


def _link(link: Link) -> dict[str, Any]:
    return {
        "name": link.name,
        "formula": tree(link.formula),
        "line": link.line,
        "words": link.words,
    }


def tree(formula: str) -> list[Any]:
    """Turn a formula into elements that a page can make: [tag, attributes, text or elements]."""
    return _element(ElementTree.fromstring(mathml(formula)))


def _element(element: ElementTree.Element) -> list[Any]:
    inner = [_element(child) for child in element] or element.text or ""
    return [element.tag, dict(element.attrib), inner]


def extent(session: Session) -> tuple[float, float, float, float]:
    """Return the edges of the map, the range of x1 and that of x2, at one scale.

    Where the map shows a curve, each of the two has a scale of its own.
    """
    x = session.points.places
    if session.points.is_curve:
        least, most = zip(*(span(column) for column in x.T), strict=True)
        far = [MARGIN * (high - low) / 2 for low, high in zip(least, most, strict=True)]
        return least[0] - far[0], most[0] + far[0], least[1] - far[1], most[1] + far[1]
    middle = (x.min(axis=0) + x.max(axis=0)) / 2
    half = float(max((x.max(axis=0) - x.min(axis=0)).max() / 2, 0.5)) * (1 + MARGIN)
    if session.recipe.data not in TABLES:
        middle, half = np.zeros(2), max(1.15, float(np.abs(x).max()) * 1.05)
    a, b = middle.tolist()
    return a - half, a + half, b - half, b + half


# -- frames -------------------------------------------------------------------------------------


class Slower:
    """Numbers that are read rather than watched: losses, equations, gradients, confusion.

    While epochs or batches play they are renewed every ``SLOWER`` seconds, else always.
    """

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}
        self.of: tuple[int, int] | None = None
        self.until = 0.0

    def look(self, runs: Runs, *, flows: bool, rests: bool) -> dict[str, Any]:
        of, now = (runs.layout, runs.session.sample), time.monotonic()
        if not flows or self.of != of or now > self.until:
            self.made = {
                "dead": _dead(runs.session),
                **judge_of(runs.session.points.head).compared(runs.session),
                **_numbers(runs.session, rests=rests),
                "layers": [_layers(run) for run in runs.all],
                "measures": [[finite(value) for value in run.present] for run in runs.all],
            }
            self.of, self.until = of, now + SLOWER
        return self.made


class Plane(NamedTuple):
    """A network and a part of its plane, to draw maps from; training does not write to them."""

    architecture: Architecture
    params: Params
    points: Points
    extent: tuple[float, float, float, float] | None
    side: int

    @classmethod
    def of(cls, session: Session, side: int) -> Plane:
        params = session.run.params
        narrow = params.like(params.flat.astype(np.float32))
        edges = extent(session) if session.points.is_plane else None
        return cls(session.architecture, narrow, session.points, edges, side)

    def maps(self) -> tuple[bytes, bytes]:
        """Make the decision map and the maps of the drawn units."""
        if self.extent is None:
            return b"", b""
        if self.points.is_curve:
            return self._curve(*self.extent[:2])
        side, step = self.side, self.side // UNIT_MAP
        y, *h = self._outputs(_grid(*self.extent, side))
        planes = np.nan_to_num(self._levels(y).T * 255).astype(np.uint8)
        units = [_scaled(units.reshape(side, side, -1)[::step, ::step]) for units in h]
        return planes.tobytes(), b"".join(units)

    def _levels(self, y: Array) -> Array:
        """Put what is predicted between 0 and 1."""
        if self.points.head.classifies:
            return y
        least, most = span(self.points.y_t)
        return np.asarray(np.clip((y - least) / (most - least), 0, 1))

    def _curve(self, left: float, right: float) -> tuple[bytes, bytes]:
        """Make the curve of the prediction, and the units as columns of one level each."""
        x = np.linspace(left, right, CURVE, dtype=np.float32)[:, np.newaxis]
        y, *h = self._outputs(x)
        chosen = np.linspace(0, CURVE - 1, UNIT_MAP).astype(np.intp)
        units = [_scaled(np.tile(units[chosen], (UNIT_MAP, 1, 1))) for units in h]
        return y.astype("<f4").tobytes(), b"".join(units)

    def _outputs(self, x: Array) -> list[Array]:
        """Compute y, and h of the drawn units, layer by layer."""
        blocks = []
        for start in range(0, len(x), BLOCK):
            fed = self.points.fed(x[start : start + BLOCK])
            tape = forward(self.architecture, self.params, fed)
            blocks.append([tape.y, *(h[:, :MOST_UNITS].copy() for h in tape.h[1:])])
        return [np.concatenate(parts) for parts in zip(*blocks, strict=True)]


class Seen(NamedTuple):
    """Everything that a frame is made of, copied so that training may continue meanwhile."""

    header: dict[str, Any]
    planes: list[Plane]  # the chosen run's, then its rival's
    curves: list[bytes]
    wide: tuple[bytes, bytes]

    def packed(self) -> bytes:
        """Make the frame."""
        with np.errstate(all="ignore"):
            maps, *rivals = [plane.maps() for plane in self.planes]
        parts = [*maps, self.curves[0], *self.wide]
        parts += [
            part
            for (planes, _), curve in zip(rivals, self.curves[1:], strict=True)
            for part in (planes, curve)
        ]
        header = {**self.header, "parts": [len(part) for part in parts]}
        text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
        return b"".join([len(text).to_bytes(4, "little"), text, *parts])


def look(runs: Runs, *, playing: bool, kind: str, slower: Slower | None = None) -> Seen:
    """Take everything that a frame needs from the runs, whether their numbers are finite or not."""
    with np.errstate(all="ignore"):
        return _look(runs, playing, kind, slower or Slower())


def _look(runs: Runs, playing: bool, kind: str, slower: Slower) -> Seen:
    session = runs.session
    side = map_side(session, playing)
    shown = [session] if runs.rival is None else [session, runs.rival]
    header = {
        "version": runs.version,
        "layout": runs.layout,
        "playing": playing,
        "by": kind,
        **_figures(session),
        "runs": [_figures(run) for run in runs.all],
        "chosen": runs.chosen,
        "trouble": runs.trouble,
        "sample": session.sample,
        "moved": session.moved,
        "at": session.at,
        "seen": session.seen,
        "side": side,
        "weights": _weights(session),
        "beside": _beside(session),
        **slower.look(runs, flows=playing and kind in ("epoch", "batch"), rests=not playing),
    }
    planes = [Plane.of(run, side) for run in shown]
    curves = [_curves(run) for run in shown]
    return Seen(header, planes, curves, wide_parts(session))


def _figures(session: Session) -> dict[str, Any]:
    epoch = session.under_way
    return {
        "epoch": session.run.epochs,
        "updates": session.run.updates,
        "batch": 0 if epoch is None else epoch.done,
        "batches": 0 if epoch is None else len(epoch.rates),
        "rate": session.rate,
    }


def map_side(session: Session, playing: bool) -> int:
    """Count the points a side of the decision map: fewer while a large network plays."""
    return COARSE if playing and session.run.params.flat.size * MAP**2 > MOST_PRODUCTS else MAP


@cache
def _grid(left: float, right: float, low: float, high: float, side: int) -> Array:
    """List the middles of the map's cells, the uppermost row first."""
    place = (np.arange(side, dtype=np.float32) + np.float32(0.5)) / side
    across, down = np.meshgrid(left + (right - left) * place, high - (high - low) * place)
    return np.column_stack([across.ravel(), down.ravel()]).astype(np.float32)


def _scaled(h: Array) -> bytes:
    """Map each unit's least value to 0 and its largest to 255."""
    least, most = h.min(axis=(0, 1)), h.max(axis=(0, 1))
    width = np.where(most > least, most - least, 1)
    levels = np.nan_to_num((h - least) / width * 255).astype(np.uint8)
    planes: bytes = np.moveaxis(levels, 2, 0).tobytes()
    return planes


def _curves(session: Session) -> bytes:
    history = session.history
    if len(history) > MOST_EPOCHS:
        chosen = np.linspace(0, len(history) - 1, MOST_EPOCHS).round().astype(int).tolist()
        history = [history[place] for place in chosen]
    return np.array(history, dtype="<f4").tobytes()


def _weights(session: Session) -> list[dict[str, Any]]:
    """List each layer's weights and biases between drawn units, with their places."""
    layers, start = [], 0
    for W, b in zip(session.run.params.W, session.run.params.b, strict=True):
        n_in, n_out = min(W.shape[0], MOST_UNITS), min(W.shape[1], MOST_UNITS)
        layers.append(
            {
                "W": listed(W[:n_in, :n_out]),
                "b": listed(b[:n_out]),
                "start": start,
                "width": W.shape[1],
                "b_start": start + W.size,
            }
        )
        start += W.size + b.size
    return layers


def _beside(session: Session) -> dict[str, Any]:
    """List the weights of a skip, those into drawn units, and the scale, with their places.

    Both are None where there are none, or where the inputs are too many to be drawn one by one.
    """
    params = session.run.params
    if params.layer_units[0] > MOST_UNITS:
        return {"V": None, "s": None}
    start = params.flat.size - sum(part.size for part in (params.V, params.s) if part is not None)
    found: dict[str, Any] = {"V": None, "s": None}
    if params.V is not None:
        width = params.V.shape[1]
        found["V"] = {"V": listed(params.V[:, :MOST_UNITS]), "start": start, "width": width}
        start += params.V.size
    if params.s is not None:
        found["s"] = {"s": listed(params.s), "start": start}
    return found


def _dead(session: Session) -> list[list[int]]:
    """List the units of each hidden layer that are 0 for every training row."""
    tape = _training_tape(session)
    return [np.flatnonzero(~h.any(axis=0)).tolist() for h in tape.h[1:]]


def _training_tape(session: Session) -> Tape:
    return forward(session.architecture, session.run.params, session.points.training_rows.x)


def _layers(session: Session) -> list[dict[str, Any]]:
    """Compute each layer's gradient norm on all training rows, and its last update over W."""
    params, rows = session.run.params, session.points.training_rows
    tape = _training_tape(session)
    gradients = backward(session.architecture, params, tape, rows.y_t, None, session.recipe.l2)
    moved = params.like(params.flat - session.last_flat)
    names = [f"W{layer}" for layer in range(1, len(params.W) + 1)]
    names += names_beside(session.architecture)
    return [
        {
            "name": name,
            "norm": finite(float(np.linalg.norm(gradients[name]))),
            "ratio": finite(
                float(np.linalg.norm(moved[name]))
                / max(float(np.linalg.norm(params[name])), 1e-300)
            ),
        }
        for name in names
    ]


def _numbers(session: Session, *, rests: bool) -> dict[str, Any]:
    t = session.trace()
    return {
        "values": {equation.name: _block(t, equation) for equation in t.equations},
        "x": block(t["x"], is_named=not session.points.is_plane),
        "y_t": t.truth.ravel().tolist()[0],
        "made": made(session),
        "walk": walk(session, t),
        "operands": shown_operands(session, t, rests=rests),
        "chain": shown_chain(session, t, rests=rests),
        "fall": shown_fall(session, t, rests=rests),
        "tally": tally(session, rests=rests),
        **wide_numbers(session, t),
    }


def _block(t: Trace, equation: Equation) -> dict[str, Any]:
    moved = equation.number == 13
    return block(t[equation.name], t[equation.name.removesuffix("_new")] if moved else None)
