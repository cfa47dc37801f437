"""A run as one file: the weights of its moments, and a script that makes the forward pass.

With two inputs it shows the decision map; with more, the weights into the units of the first layer.
The file loads nothing from the network, and its policy allows only its own script.
"""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handgrad.activations import ACTIVATIONS
from handgrad.export.javascript import activations, needed
from handgrad.html import escaped
from handgrad.network import scale_folded
from handgrad.playground.frame import extent
from handgrad.playground.judging import span
from handgrad.playground.wide import finite

if TYPE_CHECKING:
    from handgrad.playground.session import Session, Snapshot

MOST_MOMENTS = 120
MOST_ROWS = 50  # with more than two inputs, whose points no map shows
MOST_BYTES = 3_000_000  # of weights
COLOURS = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (213, 94, 0),
)
TITLE = "handgrad: a network learning"


def replay(session: Session) -> bytes:
    """Write the run so far as one HTML file."""
    script, style = _script(session), _file("replay.css")
    policy = f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'"
    content = json.dumps(_run(session), allow_nan=False).replace("<", "\\u003c")
    network = "-".join(map(str, session.architecture.layer_units))
    words = f"{network} units, {session.recipe.activation}, {session.recipe.optimizer}"
    words += _legend(session)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{TITLE}</title><style>{style}</style></head><body>"
        f"<h1>{TITLE}</h1><p>{escaped(words)}</p>"
        '<div class="row"><button id="play">Play</button>'
        '<input id="moment" type="range" min="0" aria-label="Moment of the run"></div>'
        '<p id="told" role="status"></p><div class="row">'
        f'<canvas id="map" width="640" height="640" role="img" aria-label="{_words(session)}">'
        "</canvas>"
        '<canvas id="curve" width="640" height="420" role="img" aria-label="Loss"></canvas>'
        f'</div><script type="application/json" id="run">{content}</script>'
        f"<script>{script}</script></body></html>\n"
    ).encode()


def _script(session: Session) -> str:
    """Put the forward pass before the script that shows it."""
    bends = [ACTIVATIONS[name] for name in session.architecture.activations]
    listed = ", ".join(bend.forward.__name__ for bend in bends)
    shown = f"const BENDS = [{listed}];\n\n{_file('replay.js')}"
    return f"{needed(shown, activations(bends))}\n\n{shown}"


def _words(session: Session) -> str:
    if session.points.is_curve:
        return "Curve of the number predicted"
    return "Decision map" if session.points.is_plane else "Weights into the first layer's units"


def _legend(session: Session) -> str:
    points = session.points
    if points.is_plane:
        return ""
    tile = ". Each tile: the weights into one unit of the first layer, blue above 0, orange below"
    if points.picture:
        return f"{tile}, pixel by pixel."
    return f"{tile}, from the top: {', '.join(points.encoder.input_names)}."


def _file(name: str) -> str:
    return (files("handgrad") / "playground" / "replay" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _run(session: Session) -> dict[str, Any]:
    chosen = _moments(session)
    measures = {measure.epoch: measure for measure in session.history}
    points = session.points
    listed = slice(None) if points.is_plane else slice(MOST_ROWS)
    flats = np.stack([_folded(session, kept) for kept in chosen]).astype("<f8")
    return {
        "units": list(session.architecture.layer_units),
        "weights": base64.b64encode(flats.tobytes()).decode(),
        "moments": [
            {
                "epoch": kept.epochs,
                "loss": finite(measures[kept.epochs].loss) or 0.0,
                "test_loss": finite(measures[kept.epochs].test_loss),
            }
            for kept in chosen
        ],
        "points": points.places[listed].tolist(),
        "is_curve": points.is_curve,
        "has_skip": bool(session.architecture.skip),
        "span": None if points.head.classifies else span(points.y_t),
        "y_t": points.y_t[listed].ravel().tolist(),
        "extent": list(extent(session)) if points.is_plane else None,
        "picture": points.picture,
        "colours": COLOURS,
    }


def _folded(session: Session, kept: Snapshot) -> NDArray[Any]:
    """Give the weights of a moment, the scale of the inputs multiplied into W1."""
    return scale_folded(session.architecture, kept.state.run.params)[1].flat


def _moments(session: Session) -> list[Snapshot]:
    kept = session.snapshots
    most = max(2, min(MOST_MOMENTS, MOST_BYTES // kept[0].state.run.params.flat.nbytes))
    places = np.linspace(0, len(kept) - 1, min(most, len(kept))).round().astype(int).tolist()
    return [kept[place] for place in places]
