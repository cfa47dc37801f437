"""Colours, figures, and labels that are safe to draw.

Colours are those of Okabe and Ito, which people with any of the common kinds of colour blindness
can tell apart; lines differ in their dashes as well, points in their shapes.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY, PALE = "#0072B2", "#D55E00", "#595959", "#B0B0B0"
PALETTE = (BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D00", "#000000")
MARKERS = "osD^vP*X"


class Display:
    """A picture that keeps the axes and the figure that it was drawn on."""

    ax_: "Axes"
    figure_: Any

    def _open(self, ax: "Axes | None") -> None:
        self.ax_ = new_axes() if ax is None else ax
        self.figure_ = self.ax_.figure


def new_axes() -> "Axes":
    """Open a figure with one set of axes."""
    require_matplotlib()
    from matplotlib import pyplot

    return pyplot.subplots(layout="constrained")[1]


def new_figure(width: float, height: float) -> "Figure":
    """Make a figure, sized in inches, that no window shows and pyplot does not count."""
    require_matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def require_matplotlib() -> None:
    """Raise ImportError with the command that helps, if matplotlib is missing."""
    try:
        import matplotlib  # noqa: F401 - only to see whether it is there
    except ImportError:
        raise ImportError(
            "pictures need matplotlib, which is not installed; run: pip install matplotlib"
        ) from None


def title(axes: "Axes", text: str) -> None:
    """Write the title of axes at their upper left."""
    axes.set_title(text, loc="left", fontweight="bold")


def plain(label: Any, most: int = 24) -> str:
    """Make a label safe to draw: a dollar sign would start matplotlib's mathematics."""
    text = "".join(c if c.isprintable() else "?" for c in str(label))
    if len(text) > most:  # labels may differ at either end
        text = f"{text[: most // 2 - 1]}…{text[-most // 2 :]}"
    return text.replace("$", r"\$")


def quiet(axes: "Axes") -> None:
    """Leave a light grid and two spines, which are enough."""
    axes.grid(color="#E5E5E5", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
