"""The regions of the classes on the plane of two features, the others held fixed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from handgrad.plots.style import MARKERS, PALETTE, Display, plain
from handgrad.tables.columns import raw_texts

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes

    from handgrad.models.model import Model

Array = NDArray[Any]

GRID = 150  # points along each side
MOST_POINTS = 2000


class _Plane(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A model seen through two of its columns, as scikit-learn's display wants to see it."""

    def __init__(self, model: Model, fixed: dict[str, Any], two: tuple[str, str]) -> None:
        self.model, self.fixed, self.two = model, fixed, two
        self.classes_ = np.arange(len(model.classes))

    def fit(self, X: Any = None, y: Any = None) -> Self:
        return self  # the model is trained already

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict_proba(self, grid: Array) -> Array:
        import pyarrow as pa

        cells = self.fixed | dict(zip(self.two, grid.T, strict=True))
        columns = {
            name: pa.array(cells[name] if name in self.two else [cells[name]] * len(grid))
            for name in self.model.encoder.needed
        }
        return self.model.predict_proba(pa.table(columns))

    def predict(self, grid: Array) -> Array:
        given: Array = self.predict_proba(grid).argmax(axis=1)
        return given


class RegionsDisplay(Display):
    """The classes that a model predicts over two columns of numbers, with the rows as points.

    The other columns are held fixed: numbers at their median, categories at their most frequent
    value.

    Parameters
    ----------
    model : Model
        Must predict one label for each row.
    columns : pyarrow.Table, or array of shape (n, n_columns)
    y_t : int array of shape (n,)
        The class numbers of the rows.
    features : (str, str), optional
        The two columns; the first two that hold numbers by default.

    Raises
    ------
    ValueError
        If the model does not predict one label for each row, or the columns are not two of numbers.
    """

    boundary_: Any  # scikit-learn's display, which draws the regions

    def __init__(
        self,
        model: Model,
        columns: pa.Table | Array,
        y_t: Array,
        features: tuple[str, str] | None = None,
    ) -> None:
        if not len(model.classes) or model.is_multilabel:
            raise ValueError("regions need a model that predicts one class for each row")
        known = model.encoder.number_names
        two = tuple(known[:2] if features is None else features)
        if len(two) != 2 or not set(two) <= set(known) or len(set(two)) != 2:
            raise ValueError(
                f"features must be two columns of numbers, among {known[:10]}; got {list(two)}"
            )
        self.model, self.y_t, self.features = model, y_t, (two[0], two[1])
        self.x = np.column_stack([_numbers(model, columns, name) for name in two])
        self.fixed = _usual(model, columns)

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, features: tuple[str, str] | None = None
    ) -> Self:
        """Take labelled rows as a fitted classifier takes them."""
        y_t = np.searchsorted(estimator.classes_, np.asarray(y))
        return cls(estimator.model_, estimator._check_fitted(X), y_t, features)

    def plot(self, *, ax: Axes | None = None) -> Self:
        """Draw the regions, paler where the model is less sure, and the rows as points."""
        from matplotlib.colors import LinearSegmentedColormap
        from sklearn.inspection import DecisionBoundaryDisplay

        self._open(ax)
        K = len(self.model.classes)
        colors = self._colors(K)
        there = self.x[~np.isnan(self.x).any(axis=1)]
        if len(there) == 0:
            there = np.array([[0.0, 0.0]])
        margin = 0.05 * np.maximum(np.ptp(there, axis=0), 1e-9)
        corners = np.vstack([there.min(axis=0) - margin, there.max(axis=0) + margin])
        looks: dict[str, Any] = {"multiclass_colors": colors}
        if K == 2:  # there, scikit-learn draws the probability of the second class
            looks = {
                "cmap": LinearSegmentedColormap.from_list("two", [colors[0], "white", colors[1]])
            }
            looks |= {"vmin": 0, "vmax": 1}
        self.boundary_ = DecisionBoundaryDisplay.from_estimator(
            _Plane(self.model, self.fixed, self.features),
            corners,
            eps=0,
            grid_resolution=GRID,
            response_method="predict_proba",
            plot_method="pcolormesh",
            class_of_interest=1 if K == 2 else None,
            alpha=0.5,
            ax=self.ax_,
            **looks,
        )
        self._points(colors)
        self.ax_.set(xlabel=plain(self.features[0]), ylabel=plain(self.features[1]))
        return self

    def _colors(self, K: int) -> list[Any]:
        from matplotlib import colormaps

        if len(PALETTE) >= K:
            return list(PALETTE[:K])
        return [colormaps["turbo"](k / (K - 1)) for k in range(K)]

    def _points(self, colors: list[Any]) -> None:
        some = np.linspace(0, len(self.x) - 1, min(len(self.x), MOST_POINTS)).astype(np.intp)
        for k, (label, color) in enumerate(zip(self.model.classes.tolist(), colors, strict=True)):
            of_class = self.x[some][self.y_t[some] == k]
            self.ax_.scatter(
                of_class[:, 0],
                of_class[:, 1],
                s=22,
                color=color,
                marker=MARKERS[k % len(MARKERS)],
                edgecolors="white",
                linewidths=0.6,
                label=plain(label),
            )
        if len(colors) <= len(PALETTE):
            self.ax_.legend(
                fontsize="small", frameon=False, loc="upper left", bbox_to_anchor=(1, 1)
            )


def _numbers(model: Model, columns: Any, name: str) -> Array:
    if isinstance(columns, np.ndarray):
        values: Array = columns[:, model.encoder.names.index(name)]
        return values
    column = model.encoder.plan[name]
    values = column.reads.read(columns, column).numbers[:, 0]
    return values


def _usual(model: Model, columns: Any) -> dict[str, Any]:
    """Return the value at which each column is held."""
    encoder = model.encoder
    if encoder.is_identity:
        return {name: float(np.median(_numbers(model, columns, name))) for name in encoder.names}
    usual: dict[str, Any] = {
        column.name: float(encoder.median[first])
        for column, first, _ in encoder.plan.with_numbers
        if column.kind == "number"
    }
    for name in encoder.needed:
        if name not in usual:
            [(usual[name], _)] = Counter(raw_texts(columns, name).to_pylist()).most_common(1)
    return usual
