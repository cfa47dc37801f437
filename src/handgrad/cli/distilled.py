"""A student and its teacher compared, in words and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from handgrad.cli.results import network_json, network_line, rows_text
from handgrad.cli.terminal import print_table, say
from handgrad.models.evaluation import Evaluation, evaluate
from handgrad.text import shown

if TYPE_CHECKING:
    from rich.table import Table

    from handgrad.cli.truth import Truths
    from handgrad.models.model import Model

Array = NDArray[Any]


@dataclass(frozen=True)
class Comparison:
    """How near a student comes to its teacher, and both to the truth, by some rows.

    Attributes
    ----------
    n : int
    is_test : bool
        Whether the student has not learnt from these rows.
    cross_entropy, entropy : float
        The mean over rows of -sum(p log q) for the teacher's p: q being the student's
        probabilities, or p itself, which is the least that there can be.
    agreement : float
        The share of rows for which both predict the same label.
    truth : tuple of two Evaluations, or None
        The student's and the teacher's.
    """

    n: int
    is_test: bool
    cross_entropy: float
    entropy: float
    agreement: float
    truth: tuple[Evaluation, Evaluation] | None = None

    @classmethod
    def of(
        cls, log_proba: tuple[Array, Array], classes: Array, truths: Truths | None, *, is_test: bool
    ) -> Self:
        """Compare log-probabilities (n, K), the student's and the teacher's, of the same rows."""
        ours, theirs = (one.astype(np.float64) for one in log_proba)
        p = np.exp(theirs)
        same = ours.argmax(axis=1) == theirs.argmax(axis=1)
        truth = None
        if truths is not None and truths.counted.any():
            known = truths.counted
            y_t = truths.y_t[known]
            truth = (evaluate(y_t, ours[known], classes), evaluate(y_t, theirs[known], classes))
        return cls(
            len(ours),
            is_test,
            float(-(p * ours).sum(axis=1).mean()),
            float(-(p * theirs).sum(axis=1).mean()),
            float(same.mean()),
            truth,
        )

    def to_json(self, target: str | None) -> dict[str, Any]:
        compared = {
            "rows": self.n,
            "rows_are": "test" if self.is_test else "training",
            "cross_entropy": self.cross_entropy,
            "teacher_entropy": self.entropy,
            "agreement": self.agreement,
        }
        if self.truth is None:
            return compared
        student, teacher = self.truth
        by_truth = {"target": target, "rows": student.n}
        return compared | {
            "truth": by_truth | {"student": student.figures, "teacher": teacher.figures}
        }


@dataclass(frozen=True)
class Outcome:
    """A student made, with all that its texts need."""

    name: str
    teacher: Model
    student: Model
    sizes: tuple[int, int]  # bytes of the files, the teacher's first
    n_training: int
    comparison: Comparison
    target: str | None  # the column of the truth
    epochs: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        of_teacher, of_student = self.sizes
        return {
            "table": self.name,
            "training_rows": self.n_training,
            "teacher": {"bytes": of_teacher, "network": network_json(self.teacher)},
            "student": {"bytes": of_student, "network": network_json(self.student)},
            "epochs": self.epochs,
            "seconds": self.seconds,
            "comparison": self.comparison.to_json(self.target),
        }

    def print(self) -> None:
        compared, (of_teacher, of_student) = self.comparison, self.sizes
        to_test = f", {compared.n:,} to test with" if compared.is_test else ""
        say(f"{shown(self.name)}: {rows_text(self.n_training, '', None)} to train on{to_test}")
        say(f"teacher: {network_line(self.teacher)}; {of_teacher:,} bytes")
        say(f"student: {network_line(self.student)}; {of_student:,} bytes")
        say(f"{self.epochs} epochs in {self.seconds:.1f} s")
        say("")
        print_table(self._figures())
        if not compared.is_test:
            say("The student was trained on these rows; expect less on new ones.")

    def _figures(self) -> Table:
        from rich.table import Table

        compared = self.comparison
        rows = "test" if compared.is_test else "training"
        table = Table(title=f"on {rows_text(compared.n, rows, None)}", title_justify="left")
        table.add_column("")
        for heading in ("student", "teacher"):
            table.add_column(heading, justify="right")
        table.add_row(
            "cross-entropy with the teacher", f"{compared.cross_entropy:.4f}",
            f"{compared.entropy:.4f}",
        )  # fmt: skip
        table.add_row("agreement with the teacher", f"{compared.agreement:.4f}", "1.0000")
        if compared.truth is not None:
            student, teacher = compared.truth
            of = f"{shown(self.target or '')}, {rows_text(student.n, '', None)}"
            table.add_row(f"log-loss of {of}", f"{student.log_loss:.4f}", f"{teacher.log_loss:.4f}")
            table.add_row(f"accuracy of {of}", f"{student.accuracy:.4f}", f"{teacher.accuracy:.4f}")
        return table
