"""Draw, for each equation of derivation.md, which entries touch which: docs/equations/*.svg.

    python docs/equations.py [--into FOLDER]

The numbers are those of the page's example, which handgrad computes here. A picture has a ground
of its own, so that it can be read on a light page and on a dark one.
"""

import argparse
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad import network, two_layer
from handgrad.params import Params
from handgrad.skip import Linear

Array = NDArray[Any]
Places = list[tuple[int, int]]

FOLDER = Path(__file__).parent / "equations"
CELL, LINE, GAP, EDGE = 66, 30, 12, 14  # pixels
SIGN = 9  # pixels for a letter between two grids
STYLE = """
rect.ground { fill: #ffffff; stroke: #c8ccd4; }
rect.cell { fill: #f3f4f7; stroke: #c8ccd4; }
rect.touches { fill: #ffe3a8; stroke: #b07a00; }
rect.touched { fill: #b9dcff; stroke: #0a5cad; stroke-width: 2; }
text { fill: #1c2026; font: 14px system-ui, sans-serif; text-anchor: middle; }
text.name { font-style: italic; }
@media (prefers-color-scheme: dark) {
  rect.ground { fill: #17191d; stroke: #444a55; }
  rect.cell { fill: #23262c; stroke: #444a55; }
  rect.touches { fill: #5a4100; stroke: #e0aa3e; }
  rect.touched { fill: #0d3c6b; stroke: #6db3f8; }
  text { fill: #eceef2; }
}
"""


class Grid(NamedTuple):
    """A matrix, and its entries that the picture is about."""

    name: str
    value: Array
    marked: Places

    @property
    def rows(self) -> list[list[float]]:
        table: list[list[float]] = np.atleast_2d(self.value).tolist()
        return table

    @property
    def width(self) -> int:
        return CELL * len(self.rows[0])


class Picture(NamedTuple):
    """Grids with the signs between them, the result last, and the sum of the marked entry."""

    parts: list[Grid | str]
    told: str


def example() -> dict[str, Array]:
    """Compute every quantity of the example, by its name in the derivation."""
    x, y_t = np.array([[1.0, 2.0]]), np.array([1])
    params = two_layer.Params(
        W1=np.array([[2.0, -1.0], [-0.5, -0.5]]),
        b1=np.array([1.0, 0.5]),
        W2=np.array([[0.5, -0.25, -0.5], [1.0, -1.0, 0.5]]),
        b2=np.array([0.0, 0.5, 0.0]),
    )
    tape = two_layer.forward(params, x)
    gradients = two_layer.backward(params, tape, y_t)
    after = two_layer.update(params, gradients, lr=0.1)
    truth = np.eye(3)[y_t]
    dscore = tape.y - truth
    dh = dscore @ params.W2.T
    return {
        **params._asdict(),
        **tape._asdict(),
        "L": np.array(two_layer.loss(tape, y_t)),
        "truth": truth,
        "dscore": dscore,
        "dh": dh,
        "slope": (tape.r > 0).astype(float),
        "dr": dh * (tape.r > 0),
        **{f"d{name}": value for name, value in gradients._asdict().items()},
        **{f"{name}_new": value for name, value in after._asdict().items()},
        **_beside(params, y_t),
    }


def _beside(params: two_layer.Params, y_t: Array) -> dict[str, Array]:
    """Compute what a skip and a scale add to the example."""
    wider = network.Architecture((2, 2, 3), skip=(Linear(), Linear()), scales=True)
    every = [*params, np.zeros((2, 3)), np.array([2.0, 0.5])]
    theta = Params.view(np.concatenate([v.ravel() for v in every]), (2, 2, 3), wider.beside)
    rows = np.array([[0.5, 4.0, 1.0, 0.0]])
    kept: dict[str, Array] = {}
    gradients = network.backward(wider, theta, network.forward(wider, theta, rows), y_t, kept=kept)
    assert gradients.V is not None
    assert gradients.s is not None
    inputs = {"x0": rows[:, :2], "w": rows[:, 2:]}
    return {**inputs, "dV": gradients.V, "dh0": kept["dh0"], "ds": gradients.s}


def pictures() -> dict[int, Picture]:
    """Describe the picture of each equation."""
    q = example()

    def grid(name: str, *marked: tuple[int, int], of: str = "") -> Grid:
        turned = name.endswith("ᵀ")
        value = q[of or name.removesuffix("ᵀ")]
        return Grid(name, value.T if turned else value, list(marked))

    row, start = [(0, 0), (0, 1), (0, 2)], (0, 0)
    return {
        1: Picture(
            [
                grid("x", *row[:2]),
                "·",
                grid("W1", start, (1, 0)),
                "+",
                grid("b1", start),
                "=",
                grid("r", start),
            ],
            "1 · 2 + 2 · (−0.5) + 1 = 2",
        ),
        2: Picture(["max(0,", grid("r", (0, 1)), ")", "=", grid("h", (0, 1))], "max(0, −1.5) = 0"),
        3: Picture(
            [
                grid("h", *row[:2]),
                "·",
                grid("W2", (0, 1), (1, 1)),
                "+",
                grid("b2", (0, 1)),
                "=",
                grid("score", (0, 1)),
            ],
            "2 · (−0.25) + 0 · (−1) + 0.5 = 0",
        ),
        4: Picture(
            ["softmax", grid("score", *row), "=", grid("y", (0, 1))],
            "1 / (2.7183 + 1 + 0.3679) = 0.2447",
        ),
        5: Picture(["− log", grid("y", (0, 1)), "=", grid("L", start)], "−log 0.24473 = 1.4076"),
        6: Picture(
            [
                grid("y", (0, 1)),
                "−",
                grid("1[y_t]", (0, 1), of="truth"),
                "=",
                grid("dscore", (0, 1)),
            ],
            "0.2447 − 1 = −0.7553",
        ),
        7: Picture(
            [grid("hᵀ", start), "·", grid("dscore", (0, 1)), "=", grid("dW2", (0, 1))],
            "2 · (−0.75527) = −1.5105",
        ),
        8: Picture(
            ["sum of rows", grid("dscore", (0, 1)), "=", grid("db2", (0, 1))],
            "one row: −0.7553",
        ),
        9: Picture(
            [grid("dscore", *row), "·", grid("W2ᵀ", start, (1, 0), (2, 0)), "=", grid("dh", start)],
            "0.6652 · 0.5 − 0.7553 · (−0.25) + 0.09 · (−0.5) = 0.4764",
        ),
        10: Picture(
            [
                grid("dh", (0, 1)),
                "⊙",
                grid("1[r > 0]", (0, 1), of="slope"),
                "=",
                grid("dr", (0, 1)),
            ],
            "1.4655 · 0 = 0",
        ),
        11: Picture(
            [grid("xᵀ", (1, 0)), "·", grid("dr", start), "=", grid("dW1", (1, 0))],
            "2 · 0.4764 = 0.9528",
        ),
        12: Picture(["sum of rows", grid("dr", start), "=", grid("db1", start)], "one row: 0.4764"),
        13: Picture(
            [
                grid("W1", (1, 0)),
                "− 0.1 ·",
                grid("dW1", (1, 0)),
                "=",
                grid("new W1", (1, 0), of="W1_new"),
            ],
            "−0.5 − 0.1 · 0.9528 = −0.5953",
        ),
        14: Picture(
            [grid("wᵀ", start), "·", grid("dscore", (0, 1)), "=", grid("dV", (0, 1))],
            "1 · (−0.7553) = −0.7553",
        ),
        15: Picture(
            [grid("x", (0, 1), of="x0"), "⊙", grid("dh0", (0, 1)), "=", grid("ds", (0, 1))],
            "4 · (−0.2382) = −0.9528",
        ),
    }


def drawn(number: int, picture: Picture) -> str:
    """Draw one picture as SVG."""
    grids = [part for part in picture.parts if isinstance(part, Grid)]
    tallest = max(len(grid.rows) for grid in grids) * LINE
    middle = EDGE + LINE + tallest / 2
    left, marks = float(EDGE), []
    for part in picture.parts:
        if isinstance(part, Grid):
            marks += _grid(part, left, middle, touched=part is grids[-1])
        else:
            marks.append(_text(part, left + _width(part) / 2, middle + 5))
        left += _width(part) + GAP
    width = max(left - GAP + EDGE, 7.5 * len(picture.told) + 2 * EDGE)
    height = middle + tallest / 2 + LINE + EDGE
    marks.append(_text(picture.told, width / 2, height - EDGE - 4))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
            f'viewBox="0 0 {width:g} {height:g}" role="img">',
            f"<title>Equation {number}: {escape(picture.told)}</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="ground" x="0.5" y="0.5" width="{width - 1:g}" height="{height - 1:g}" '
            'rx="8"/>',
            *marks,
            "</svg>\n",
        ]
    )


def _width(part: Grid | str) -> int:
    return part.width if isinstance(part, Grid) else max(12, SIGN * len(part))


def _grid(grid: Grid, left: float, middle: float, *, touched: bool) -> list[str]:
    top = middle - len(grid.rows) * LINE / 2
    marks = [_text(grid.name, left + grid.width / 2, top - 9, "name")]
    mark = "touched" if touched else "touches"
    for at, row in enumerate(grid.rows):
        for place, value in enumerate(row):
            x, y = left + CELL * place, top + LINE * at
            kind = f"cell {mark}" if (at, place) in grid.marked else "cell"
            marks.append(
                f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{CELL}" height="{LINE}"/>'
            )
            marks.append(_text(number_in_print(value), x + CELL / 2, y + 20))
    return marks


def number_in_print(value: float) -> str:
    """Round to four places, with the sign of mathematics."""
    return f"{round(value, 4) + 0.0:g}".replace("-", "−")


def _text(text: str, x: float, y: float, kind: str = "") -> str:
    of_kind = f' class="{kind}"' if kind else ""
    return f'<text{of_kind} x="{x:g}" y="{y:g}">{escape(text)}</text>'


def main() -> None:
    """Draw them all."""
    parser = argparse.ArgumentParser(description="Draw the pictures of the derivation.")
    parser.add_argument("--into", type=Path, default=FOLDER, help="folder to write to")
    into = parser.parse_args().into
    into.mkdir(parents=True, exist_ok=True)
    for number, picture in pictures().items():
        path = into / f"equation_{number}.svg"
        path.write_text(drawn(number, picture), encoding="utf-8")


if __name__ == "__main__":
    main()
