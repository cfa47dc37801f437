"""What ``fit``, ``cv`` and ``evaluate`` judge a model by: its predictions beside the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

from handgrad.cli.terminal import note
from handgrad.models.evaluation import (
    Judgement,
    NumbersEvaluation,
    evaluate,
    evaluate_labels,
    evaluate_numbers,
    evaluate_quantiles,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.cli.parts import Part, Parts
    from handgrad.cli.truth import Truths
    from handgrad.estimators.state import Fit
    from handgrad.models.model import Model
    from handgrad.tables.encode import Encoded

Array = NDArray[Any]

HELD_BACK = "held-back"  # the name of rows that networks held back for themselves


class Verdict(NamedTuple):
    """A judgement, the rows it is on, and the scores that they were given."""

    rows: Part
    scores: Array
    evaluation: Judgement


def judge(model: Model, part: Part) -> Judgement:
    """Compare what the model predicts for the rows of a part with their truth.

    Raises
    ------
    DataError
        If a column is missing or a cell cannot be used.
    """
    return judged(model, predict_for_judging(model, part.table), part.truths(model))


def judge_fit(model: Model, parts: Parts, fit: Fit) -> Verdict:
    """Judge a model by the rows that it knows least.

    These are test or validation rows; or else the rows that its networks held back themselves,
    each predicted by a network that has not seen it; or else the training rows.

    Raises
    ------
    DataError
        If a column is missing or a cell cannot be used.
    """
    unseen = fit.out_of_bag
    if parts.test is None and unseen is not None and len(unseen.places):
        part, scores = parts.training.take(unseen.places, HELD_BACK), unseen.scores
        _note_twins(fit.n_singly, len(parts.training.y))
    else:
        part = parts.judged()
        scores = model.scores(part.table)
    evaluation = judged(model, _of_scores(model, scores), part.truths(model))
    return Verdict(part, scores, evaluation)


def _note_twins(n_singly: int, n: int) -> None:
    """Say where a row held back may have been learnt from its like."""
    if n_singly:
        note(
            f"held-back rows: {n_singly:,} of {n:,} rows repeat a few different ones, so they were "
            "drawn one by one, and equal rows may be on both sides"
        )


def predict_for_judging(model: Model, rows: pa.Table | Encoded) -> Array:
    """Compute the scores or numbers that a model is judged by, a row for each of the table.

    Raises
    ------
    DataError
        If a column is missing or a cell cannot be used.
    """
    return _of_scores(model, model.scores(rows))


def _of_scores(model: Model, scores: Array) -> Array:
    if not len(model.classes):
        return model.numbers_of(scores)
    return scores if model.is_multilabel else model.architecture.head.log_proba(scores)


def judged(model: Model, predicted: Array, truths: Truths) -> Judgement:
    """Compare predictions with the truth of the rows where it is known."""
    known = truths.counted
    if not known.all():
        predicted, truths = predicted[known], truths.of(known)
    if not len(model.classes):
        return _judge_numbers(model, truths.y_t, predicted, truths.weight)
    if model.is_multilabel:
        names = [str(label) for label in model.classes.tolist()]
        return evaluate_labels(truths.y_t, predicted, names, truths.weight)
    return evaluate(truths.y_t, predicted, model.classes, truths.weight)


def _judge_numbers(
    model: Model, y_t: Array, prediction: Array, weight: Array | None
) -> NumbersEvaluation:
    names, architecture = model.target_names, model.architecture
    if quantiles := architecture.head.quantiles(architecture.loss):
        return evaluate_quantiles(y_t, prediction, quantiles, names, weight)
    return evaluate_numbers(y_t, prediction, names, weight)
