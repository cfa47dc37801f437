"""All that a fit has to tell: as JSON, as lines, as a report, as a model file."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.cli.data import Labelled, Parts
from handgrad.cli.judge import Judgement
from handgrad.evaluation import Evaluation
from handgrad.history import History
from handgrad.labels import encode_labels
from handgrad.model import Model
from handgrad.model_file import save_model
from handgrad.terminal import (
    evaluation_json,
    network_json,
    network_line,
    note,
    print_evaluation,
    say,
    shown,
)


@dataclass(frozen=True)
class Outcome:
    """All that a fit has to tell."""

    data: Labelled
    parts: Parts
    model: Model
    history: History
    evaluation: Judgement
    judged_by: str
    seconds: float
    engine: dict[str, str]

    @property
    def kept_epoch(self) -> int:
        """The epoch whose parameters the model has."""
        if self.parts.validation is None:
            return self.history[-1].epoch
        losses = self.history.column("validation_loss")
        return self.history[int(np.argmin(losses))].epoch

    @property
    def judged_rows(self) -> str:
        return f"{self.evaluation.n} {self.judged_by} rows"

    def to_json(self) -> dict[str, Any]:
        return {
            "table": self.data.name,
            "target": self.data.target,
            "task": self.data.task,
            "rows": {
                "training": len(self.parts.training.y),
                "validation": len(self.parts.validation.y) if self.parts.validation else 0,
                "test": len(self.parts.test.y) if self.parts.test else 0,
                "without_label": self.data.n_unlabelled,
            },
            "network": network_json(self.model),
            "epochs": len(self.history),
            "kept_epoch": self.kept_epoch,
            "stopped_by": self.history.reason,
            "seconds": self.seconds,
            "engine": self.engine,
            "judged_by": self.judged_by,
            "evaluation": evaluation_json(self.evaluation),
            "history": self.history.rows(),
        }


def write_outcome(outcome: Outcome, options: dict[str, Any]) -> list[Path]:
    model_path, report = options["model_path"], options["report"]
    written = []
    if model_path is not None:
        save_model(outcome.model, model_path)
        written.append(model_path)
    if report is not None:
        try:
            written += _write_report(outcome, report, options["learning_rate"])
        except BaseException:
            if model_path is not None:
                note(f"wrote {shown(model_path)}")
            raise
    return written


def _write_report(outcome: Outcome, folder: Path, lr: float) -> list[Path]:
    from handgrad.report import Judged, write_report

    assert isinstance(outcome.evaluation, Evaluation)  # of labels: fit has seen to it

    part = outcome.parts.judged()
    y_t = encode_labels(part.y, outcome.model.classes)
    known = [
        ("table", outcome.data.name),
        ("target", outcome.data.target),
        ("network", network_line(outcome.model)),
        ("training", f"{len(outcome.history)} epochs in {outcome.seconds:.1f} s"),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    with no_warnings():
        return write_report(
            folder,
            outcome.history,
            outcome.evaluation,
            rows=outcome.judged_rows,
            best=outcome.kept_epoch if outcome.parts.validation else None,
            judged=Judged(outcome.model, part.table, y_t, lr),
            known=known,
        )


@contextmanager
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of signs that the font lacks
        yield


def print_outcome(outcome: Outcome, written: list[Path], *, verbose: bool) -> None:
    counts = [
        f"{len(part.y):,} to {verb}"
        for part, verb in zip(
            outcome.parts, ("train on", "validate with", "test with"), strict=True
        )
        if part is not None
    ]
    say(f"{shown(outcome.data.name)}: {', '.join(counts)}; target {shown(outcome.data.target)}")
    if outcome.data.n_unlabelled:
        what = "number" if outcome.data.task == "regression" else "label"
        say(f"left out: {outcome.data.n_unlabelled:,} rows without a {what}")
    say(f"network: {network_line(outcome.model)}")
    kept = "" if outcome.parts.validation is None else f"; kept epoch {outcome.kept_epoch}"
    ended = _reason(outcome.history.reason)
    say(f"{len(outcome.history)} epochs in {outcome.seconds:.1f} s, ended by {ended}{kept}")
    if verbose:
        say(f"engine: {outcome.engine['name']} ({outcome.engine['reason']})")
    say("")
    print_evaluation(outcome.evaluation, f"{outcome.evaluation.n:,} {outcome.judged_by} rows")
    if outcome.judged_by == "training":
        say("These rows trained the model: on new rows expect less. Ask for --test 0.2.")
    if outcome.judged_by == "validation":
        say("These rows chose the epoch: on new rows expect a little less. Or ask for --test 0.2.")
    for path in written:
        say(f"wrote {shown(path)}")
    if not written:
        say("Nothing was saved; --model FILE keeps the model.")


def _reason(reason: str) -> str:
    return {"max_iter": "--epochs", "patience": "--patience"}.get(reason, reason)
