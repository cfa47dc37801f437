"""A report: one page that holds every picture and table of a training or of an evaluation.

The pictures stand in the page, so that it can be sent on alone, and beside it as files.

    pictures.py    the pictures, each with its caption
    tables.py      the evaluation in figures, and epoch by epoch
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from handgrad.atomic_file import write_atomically
from handgrad.html import document, facts
from handgrad.report.pictures import Judged, pictures_of, png, shown_picture
from handgrad.report.tables import details, epochs, judgement, shuffled

if TYPE_CHECKING:
    from handgrad.models.evaluation import Judgement
    from handgrad.models.importance import Importance
    from handgrad.training.history import History

__all__ = ["Judged", "write_report"]


def write_report(
    folder: Path,
    history: History,
    evaluation: Judgement,
    *,
    rows: str,
    best: int | None,
    judged: Judged | None = None,
    known: Sequence[tuple[str, str]] = (),
    importances: Sequence[Importance] = (),
) -> list[Path]:
    """Write report.html, and its pictures beside it, into an existing folder.

    Parameters
    ----------
    folder : Path
    history : History
        The record of the training; an empty one has no learning curve.
    evaluation : Evaluation, LabelsEvaluation or NumbersEvaluation
    rows : str
        The name of the evaluated rows: "86 test rows", say.
    best : int or None
        The epoch that was kept.
    judged : Judged, optional
        The model and these rows, for the pictures of the network and of single predictions.
    known : sequence of (str, str)
        More facts for the head of the page.
    importances : sequence of Importance
        How much the model leans on each column, the most important first.

    Returns
    -------
    list of Path
        The files: the pictures, then the page.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    pictures = list(pictures_of(history, evaluation, rows, best, judged, importances))
    drawn = [png(picture.figure) for picture in pictures]
    for picture, content in zip(pictures, drawn, strict=True):
        write_atomically(folder / picture.name, content)
    parts = [facts([*known, *judgement(evaluation, rows)])]
    parts += [
        shown_picture(picture, content) for picture, content in zip(pictures, drawn, strict=True)
    ]
    parts += shuffled(importances)
    parts += [*details(evaluation), *epochs(history)]
    page = document("Report", "\n".join(parts))
    write_atomically(folder / "report.html", page.encode())
    return [*(folder / picture.name for picture in pictures), folder / "report.html"]
