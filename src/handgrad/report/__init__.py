"""A report: one page that holds every picture and table of a training or of a judgement.

The pictures are in the page, so that it can be sent on alone; and beside it, for use elsewhere.

    pictures.py    what is drawn, and what each picture says
    tables.py      the judgement in figures, and epoch by epoch
"""

from collections.abc import Sequence
from pathlib import Path

from handgrad.atomic_file import write_atomically
from handgrad.html import document, facts
from handgrad.models.evaluation import Judgement
from handgrad.report.pictures import Judged, pictures_of, png, shown_picture
from handgrad.report.tables import details, epochs, judgement
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
) -> list[Path]:
    """Write report.html, and its pictures beside it, into an existing folder.

    Parameters
    ----------
    folder : Path
    history : History
        Of the training; an empty one has no learning curve.
    evaluation : Evaluation, LabelsEvaluation or NumbersEvaluation
        Of the rows that ``rows`` names in the title: "86 test rows", say.
    best : int or None
        The epoch that was kept.
    judged : Judged, optional
        For the pictures that look into the network, and at its single predictions.
    known : sequence of (str, str)
        What else to tell first.

    Returns
    -------
    list of Path
        The files: the pictures, then the page.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    pictures = list(pictures_of(history, evaluation, rows, best, judged))
    drawn = [png(picture.figure) for picture in pictures]
    for picture, content in zip(pictures, drawn, strict=True):
        write_atomically(folder / picture.name, content)
    parts = [facts([*known, *judgement(evaluation, rows)])]
    parts += [
        shown_picture(picture, content) for picture, content in zip(pictures, drawn, strict=True)
    ]
    parts += [*details(evaluation), *epochs(history)]
    page = document("Report", "\n".join(parts))
    write_atomically(folder / "report.html", page.encode())
    return [*(folder / picture.name for picture in pictures), folder / "report.html"]
