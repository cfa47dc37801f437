"""How the page judges predictions: classes are right or wrong, numbers near or far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from handgrad.engines.numpy import right
from handgrad.models.evaluation import evaluate_numbers
from handgrad.network import forward

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from handgrad.batch import Rows
    from handgrad.output import Output
    from handgrad.playground.points import Points
    from handgrad.playground.session import Session

    Array = NDArray[Any]

MOST_PAIRS = 400  # predictions that are drawn over their truth


class OfClasses:
    """The judge of classes."""

    measure: ClassVar[str] = "accuracy"
    column: ClassVar[str] = "accuracy"  # in the history

    def share(self, head: Output, score: Array, rows: Rows) -> float:
        """Compute the share of rows that are right."""
        return right(head, score, rows) / len(rows)

    def compared(self, session: Session) -> dict[str, Any]:
        """Count test rows, or training rows if there are none: a row for each true class."""
        points = session.points
        score = scores(session, points.judging)
        K = len(points.classes)
        counts = np.bincount(points.y_t[points.judging] * K + score.argmax(axis=1), minlength=K * K)
        return {"confusion": counts.reshape(K, K).tolist()}

    def told(self, points: Points) -> dict[str, Any] | None:
        return None


class OfNumbers:
    """The judge of numbers."""

    measure: ClassVar[str] = "R²"
    column: ClassVar[str] = "r2"

    def share(self, head: Output, score: Array, rows: Rows) -> float:
        """Compute R2, the share of the truth's variance that the predictions explain."""
        if not np.isfinite(score).all():
            return float("nan")
        found = evaluate_numbers(rows.y_t, head.predict(score), ("y",))
        return float(found.measures["r2"][0])

    def compared(self, session: Session) -> dict[str, Any]:
        """List truth and prediction of test rows, or of training rows, and their typical distance.

        The numbers are those of the table.
        """
        points = session.points
        judging = points.judging
        y = session.architecture.head.predict(scores(session, judging))
        pairs = points.in_units(np.hstack([points.y_t[judging], y]))
        error = float(np.sqrt(np.mean((pairs[:, 1] - pairs[:, 0]) ** 2)))
        places = np.linspace(0, len(pairs) - 1, min(MOST_PAIRS, len(pairs))).astype(np.intp)
        shown = [[_number(a), _number(b)] for a, b in pairs[places].tolist()]
        return {"confusion": [], "pairs": shown, "error": _number(error)}

    def told(self, points: Points) -> dict[str, Any] | None:
        """Give the range of the truth as it is learnt, and how it becomes the table's numbers."""
        y = points.y_t
        mean, scale = points.unit
        return {"span": list(span(y)), "mean": mean, "scale": scale}


def span(y: NDArray[np.float64]) -> tuple[float, float]:
    """Give the least and the largest truth, apart from each other."""
    least, most = float(y.min()), float(y.max())
    return (least, most) if most > least else (least - 0.5, least + 0.5)


def judge_of(head: Output) -> OfClasses | OfNumbers:
    """Give the judge of an output's predictions."""
    return OfClasses() if head.classifies else OfNumbers()


def scores(session: Session, chosen: NDArray[np.intp]) -> Array:
    """Compute the scores of some rows."""
    rows = session.points.rows(chosen)
    return forward(session.architecture, session.run.params, rows.x).score


def _number(value: float) -> float | None:
    return float(f"{value:.7g}") if np.isfinite(value) else None
