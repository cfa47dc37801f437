"""The outcome of a fit: as JSON, as lines, as a report, as a model file."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handgrad.cli.judge import HELD_BACK, judge_fit
from handgrad.cli.raced import learnt_json, networks_words, race_line
from handgrad.cli.recipes import PLAIN
from handgrad.cli.results import (
    evaluation_json,
    network_json,
    network_line,
    print_evaluation,
    rows_text,
)
from handgrad.cli.settings import settings_json
from handgrad.cli.terminal import listed, note, say
from handgrad.models.file import save_model
from handgrad.schedules import OF_TIME
from handgrad.text import shown

if TYPE_CHECKING:
    from handgrad.cli.data import Labelled
    from handgrad.cli.judge import Verdict
    from handgrad.cli.parts import Parts
    from handgrad.estimators.state import Fit
    from handgrad.models.evaluation import Judgement
    from handgrad.models.model import Model
    from handgrad.training.history import Epoch, History


@dataclass(frozen=True)
class Outcome:
    """The outcome of a fit, with all that its texts need."""

    data: Labelled
    parts: Parts
    model: Model
    fit: Fit
    verdict: Verdict
    seconds: float
    settings: dict[str, Any]
    learning_rate: float
    because: str  # the option that chose the recipe, if one did

    @property
    def histories(self) -> tuple[History, ...]:
        """The record of each network."""
        return self.fit.histories

    @property
    def evaluation(self) -> Judgement:
        return self.verdict.evaluation

    @property
    def judged_by(self) -> str:
        """The name of the rows that the model was judged by."""
        return self.verdict.rows.name

    @property
    def engine(self) -> dict[str, str]:
        name, reason = self.fit.engine or ("", "")
        return {"name": name, "reason": reason}

    @property
    def history(self) -> History:
        """The record of the first network."""
        return self.fit.histories[0]

    @property
    def kept_epochs(self) -> list[int]:
        """The epoch whose parameters each network has."""
        if not self.chose_epochs:
            return [history[-1].epoch for history in self.histories]
        stop_on = self.settings.get("stop_on", "loss")
        return [max(history, key=partial(_merit, stop_on)).epoch for history in self.histories]

    @property
    def chose_epochs(self) -> bool:
        """Whether rows held back chose the epochs that are kept."""
        return self.history[-1].validation_loss is not None

    @property
    def judged_rows(self) -> str:
        return rows_text(self.evaluation.n, self.judged_by, self.settings["weight"])

    def to_json(self) -> dict[str, Any]:
        return {
            "table": self.data.name,
            "target": self.data.target,
            "task": self.data.task,
            "rows": {
                "training": len(self.parts.training.y),
                "validation": len(self.parts.validation.y) if self.parts.validation else 0,
                "test": len(self.parts.test.y) if self.parts.test else 0,
                "held_back": self.evaluation.n if self.judged_by == HELD_BACK else 0,
                "without_label": self.data.n_unlabelled,
                "without_weight": self.data.n_weightless,
            },
            "settings": self.settings,
            "network": network_json(self.model),
            "epochs": len(self.history),
            "kept_epoch": self.kept_epochs[0],
            "stopped_by": self.history.reason,
            **self._members_json(),
            "seconds": self.seconds,
            "engine": self.engine,
            "judged_by": self.judged_by.replace("-", "_"),
            "evaluation": evaluation_json(self.evaluation),
            "history": self.history.rows(),
        }

    def _members_json(self) -> dict[str, Any]:
        """Describe each network of an ensemble; the entries beside this describe the first."""
        ends = [
            {"epochs": len(history), "kept_epoch": kept, "stopped_by": history.reason}
            for history, kept in zip(self.histories, self.kept_epochs, strict=True)
        ]
        if self.fit.raced:
            networks = zip(ends, self.fit.networks, strict=True)
            ends = [end | learnt_json(one) | {"share": one.share} for end, one in networks]
            return {"race": [learnt_json(one) for one in self.fit.raced], "ensemble": ends}
        return {"ensemble": ends} if len(ends) > 1 else {}


def outcome_of(
    data: Labelled, parts: Parts, estimator: Any, seconds: float, options: dict[str, Any]
) -> Outcome:
    """Judge a fitted estimator by the rows that it knows least."""
    fitted = estimator._now
    model = replace(estimator.model_with_settings(), target=data.target, truth=data.truth)
    return Outcome(
        data,
        parts,
        model,
        fitted,
        judge_fit(model, parts, fitted),
        seconds,
        settings_json(options, len(parts.training.y)),
        estimator.learning_rate_init,
        options["because"] if options["recipe"] == PLAIN else "",
    )


def _merit(stop_on: str, epoch: Epoch) -> tuple[float, float]:
    """Give what an epoch is kept for: the more the better, then the less its loss."""
    loss = epoch.validation_loss
    assert loss is not None  # fit has set validation rows apart
    if stop_on == "loss":
        return -loss, -loss
    score = epoch.validation_accuracy if stop_on == "accuracy" else epoch.validation_score
    assert score is not None  # of what was asked for
    return score, -loss


def write_outcome(outcome: Outcome, model_path: Path | None, report: Path | None) -> list[Path]:
    """Write model and report, where they are asked for; give the files."""
    written = []
    if model_path is not None:
        save_model(outcome.model, model_path)
        written.append(model_path)
    if report is not None:
        try:
            written += _write_report(outcome, report)
        except BaseException:
            if model_path is not None:
                note(f"wrote {shown(model_path)}")
            raise
    return written


def _write_report(outcome: Outcome, folder: Path) -> list[Path]:
    part, scores, _ = outcome.verdict
    model, settings = outcome.model, outcome.settings
    return write_report(
        folder,
        (model, part.table, part.truths(model).y_t, outcome.learning_rate, scores),
        outcome.evaluation,
        outcome.history,
        best=outcome.kept_epochs[0] if outcome.chose_epochs else None,
        rows=outcome.judged_rows,
        known=[
            ("table", outcome.data.name),
            ("target", outcome.data.target),
            *model_facts(model, settings["weight"]),
            ("training", "; ".join(_training_lines(outcome))),
        ],
    )


def model_facts(model: Model, weight: str | None) -> list[tuple[str, str]]:
    """Describe for a report the network, and what its pictures show."""
    facts = [("network", network_line(model))]
    if model.members:
        facts.append(("curves, weights, units and gradients", "those of the first network"))
    if weight is not None:
        by_weight = "figures and confusion matrix are by weight; other pictures show each row"
        facts.append(("weights", f"{weight}: {by_weight}"))
    return facts


def write_report(
    folder: Path,
    judged: tuple[Any, ...],
    evaluation: Judgement,
    history: History | None = None,
    best: int | None = None,
    **texts: Any,
) -> list[Path]:
    """Write a report into a folder, which is made where there is none; give its files.

    ``judged`` holds the model, the rows that judged it and their truth; and the learning rate and
    the scores of the rows if it was trained just now.
    """
    from handgrad import report
    from handgrad.training.history import History

    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of signs that the font lacks
        return report.write_report(
            folder,
            history or History(()),
            evaluation,
            best=best,
            judged=report.Judged(*judged),
            **texts,
        )


def say_left_out(data: Labelled) -> None:
    """Say which rows of the table count nowhere."""
    if data.n_unlabelled:
        what = "number" if data.task == "regression" else "label"
        say(f"left out: {data.n_unlabelled:,} rows without a {what}")
    if data.n_weightless:
        say(weightless(data.n_weightless))


def weightless(n: int) -> str:
    """Say that rows were left out because of their weight."""
    return f"left out: {n:,} rows of weight 0"


def print_outcome(outcome: Outcome, written: list[Path], *, verbose: bool) -> None:
    counts = [
        f"{len(part.y):,} to {verb}"
        for part, verb in zip(
            outcome.parts, ("train on", "validate with", "test with"), strict=True
        )
        if part is not None
    ]
    say(f"{shown(outcome.data.name)}: {', '.join(counts)}; target {shown(outcome.data.target)}")
    say_left_out(outcome.data)
    if outcome.because:
        say(f"recipe: plain, because of {outcome.because}; without it, fit trains --recipe strong")
    say(f"network: {network_line(outcome.model)}")
    for line in _training_lines(outcome):
        say(line)
    if verbose:
        say(f"engine: {outcome.engine['name']} ({outcome.engine['reason']})")
    say("")
    print_evaluation(outcome.evaluation, outcome.judged_rows)
    _say_how_far_to_trust(outcome)
    for path in written:
        say(f"wrote {shown(path)}")
    if not written:
        say("Nothing was saved; --model FILE saves the model.")


def _training_lines(outcome: Outcome) -> Iterator[str]:
    """Say how long the training took, which epochs were kept, and what came before and after."""
    if len(outcome.fit.raced) > 1:
        yield race_line(outcome.fit.raced)
    yield f"{_epochs_line(outcome)}{_kept_words(outcome)}"
    yield from _plain_lines(outcome)


def _epochs_line(outcome: Outcome) -> str:
    histories, seconds = outcome.histories, f"in {outcome.seconds:.1f} s"
    if outcome.fit.raced:  # the recipe alone decides what ends these
        epochs = listed(dict.fromkeys(map(len, histories)))
        return f"{networks_words(outcome.fit.networks)} of {epochs} epochs {seconds}"
    networks = f"{len(histories)} networks of " if len(histories) > 1 else ""
    epochs = listed(map(len, histories))
    reasons = dict.fromkeys(_reason(history.reason) for history in histories)
    return f"{networks}{epochs} epochs {seconds}, ended by {' or '.join(reasons)}"


def _kept_words(outcome: Outcome) -> str:
    if not outcome.chose_epochs:
        return ""
    some = "s" if len(outcome.histories) > 1 else ""
    return f"; kept epoch{some} {listed(outcome.kept_epochs)}"


def _plain_lines(outcome: Outcome) -> Iterator[str]:
    settings = outcome.settings
    schedule, most = settings.get("schedule"), settings.get("epochs", 0)
    if schedule in OF_TIME and min(map(len, outcome.histories)) < most:
        yield (
            f"--schedule {schedule} would have ended with epoch {most}; let it with --patience "
            f"{most}, or use fewer --epochs"
        )
    if settings.get("calibrate"):
        yield f"calibrated: scores are divided by {outcome.model.temperature:.4g}"


def _say_how_far_to_trust(outcome: Outcome) -> None:
    measures = "--test 0.2"
    if outcome.settings.get("memory") and outcome.parts.training.table is None:
        measures = "handgrad evaluate, on other files,"
    if outcome.judged_by == "training":
        say("The model was trained on these rows; expect less on new ones. --test 0.2 measures it.")
    if outcome.judged_by == "validation":
        temperature = " and the temperature" if outcome.settings.get("calibrate") else ""
        chosen = f"These rows chose the epoch{temperature}"
        say(f"{chosen}: expect a little less on new ones. {measures} measures it.")
    if outcome.judged_by == HELD_BACK:
        say(_of_held_back(len({one.entrant.fold for one in outcome.fit.networks})))


def _of_held_back(n_folds: int) -> str:
    """Say what figures are worth that come from rows held back by the networks themselves."""
    if n_folds == 1:
        chosen = "No network trained on these rows, but they chose the networks and their epochs"
    else:
        chosen = (
            "Each of these rows was judged only by networks that had not trained on it, but the "
            "rows\nalso chose the networks, their epochs and their shares"
        )
    return f"{chosen}. --test 0.2 gives an independent figure."


def _reason(reason: str) -> str:
    smallest = "the smallest rate of --schedule adaptive"
    words = {"max_iter": "--epochs", "patience": "--patience", "learning_rate": smallest}
    return words.get(reason, reason)
