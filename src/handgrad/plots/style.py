"""Colours, figures, and labels that are safe to draw.

Colours are those of Okabe and Ito, which people with any of the common kinds of colour blindness
can tell apart; lines differ in their dashes as well, points in their shapes. Classes and signs have
the colours and shapes of the page of ``handgrad play``, where palette.js and style.css have them.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY, PALE = "#0072B2", "#C4500A", "#595959", "#B0B0B0"  # --up, --down
PALETTE = (BLUE, "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D00", "#000000")
MARKERS = "os^Dhp*X"


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


def signs() -> "LinearSegmentedColormap":
    """Make the colours of numbers with a sign: blue above 0, orange below, white at 0."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("signs", [ORANGE, "white", BLUE])


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
