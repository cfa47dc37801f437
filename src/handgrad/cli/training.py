"""An estimator trained on the rows set apart for it, with its progress shown."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from handgrad.cli.interruption import kept_at_ends_of_epochs
from handgrad.cli.recipes import PLAIN, RECIPES
from handgrad.cli.settings import check_validation_rows, parameters
from handgrad.cli.terminal import note
from handgrad.errors import CheckpointWarning, DivergenceWarning, WorkersWarning
from handgrad.text import shown

if TYPE_CHECKING:
    from handgrad.cli.parts import Parts
    from handgrad.estimators.progress import NetworkEpoch
    from handgrad.tables.plan import Plan
    from handgrad.training.history import Epoch
    from handgrad.workers.seam import Comm


PASSED_ON = (DivergenceWarning, CheckpointWarning, WorkersWarning)
ILLS = (" are dead: ", "to validate with do not fit", "to validate with, because equal rows")


def train(
    parts: Parts,
    plan: Plan,
    options: dict[str, Any],
    *,
    show: bool,
    which: str = "",
    classes: Any = None,
    comm: Comm | None = None,
) -> tuple[Any, float]:
    """Train as the options and the plan say; give the fitted estimator, and the seconds it took.

    Progress and notes begin with ``which``, the name of this training among several. What is learnt
    are labels, numbers or, where ``classes`` names their columns, probabilities. Workers share the
    training by ``comm``.

    Raises
    ------
    DivergenceError
        If the loss or a parameter stops being finite.
    """
    validation, recipe = parts.validation, options["recipe"]
    settings = parameters(options, len(parts.training.y))
    estimator = RECIPES[recipe].estimator(options["task"], settings)
    if comm is not None:
        estimator.set_params(comm=comm)
    held_out: dict[str, Any] = {} if classes is None else {"classes": classes}
    if validation is not None:
        check_validation_rows(options, len(validation.y))
        held_out |= {"X_val": validation.table, "y_val": validation.y}
        held_out["sample_weight_val"] = validation.weight
    training = parts.training

    def fit() -> None:
        estimator.fit(training.table, training.y, training.weight, **held_out)

    return estimator, run(fit, estimator, plan, options, show=show, which=which)


def run(
    fit: Callable[[], None],
    estimator: Any,
    plan: Plan,
    options: dict[str, Any],
    *,
    show: bool,
    which: str = "",
) -> float:
    """Fit an estimator with its progress shown; give the seconds it took."""
    started = time.perf_counter()
    with (
        warnings.catch_warnings(record=True) as warned,
        _progress(_steps_of(options, estimator), which, show=show) as show_epoch,
        kept_at_ends_of_epochs(options.get("checkpoint")) as end_epoch,
    ):
        warnings.simplefilter("always")

        def on_epoch(epoch: Any) -> None:
            show_epoch(epoch)
            end_epoch()

        estimator.set_params(on_epoch=on_epoch, kinds=plan, **_survival(options))
        fit()
    estimator.set_params(on_epoch=None)
    seconds = time.perf_counter() - started
    _note_ills(warned, which)
    return seconds


def _note_ills(warned: list[warnings.WarningMessage], which: str) -> None:
    """Pass on warnings that a training goes wrong; the outcome says all else."""
    for warning in warned:
        message = str(warning.message)
        if issubclass(warning.category, PASSED_ON) or any(ill in message for ill in ILLS):
            note(f"{which}{shown(message)}")


def _survival(options: dict[str, Any]) -> dict[str, Any]:
    """Give the parameters that let a fit survive; a cross-validation has none."""
    if options.get("checkpoint") is None:
        return {}
    return {name: options[name] for name in ("checkpoint", "checkpoint_every", "resume")}


def _steps_of(options: dict[str, Any], estimator: Any) -> Callable[[Any], _Step]:
    if options["recipe"] == PLAIN:
        return _steps(options["epochs"], options["ensemble"], estimator)
    return _network_steps()


class _Step(NamedTuple):
    """What a line of progress says of an epoch."""

    network: str
    epoch: int
    of: int
    figures: str
    left: str = ""


def _steps(epochs: int, networks: int, estimator: Any) -> Callable[[Epoch], _Step]:
    """Describe the epochs of a plain training, which come network by network."""

    def step(epoch: Epoch) -> _Step:
        number = sum(len(history) > 0 for history in estimator.histories_)
        network = f"network {number}/{networks}  " if networks > 1 else ""
        return _Step(network, epoch.epoch, epochs, _figures(epoch))

    return step


def _network_steps() -> Callable[[NetworkEpoch], _Step]:
    """Describe the epochs of a strong training, which tell their network."""
    started = time.perf_counter()

    def step(epoch: NetworkEpoch) -> _Step:
        left = (time.perf_counter() - started) * (1 / epoch.share_done - 1)
        network = epoch.network
        figures = epoch.figures()
        return _Step(f"{network}  ", epoch.epoch, network.epochs, figures, f"  {_time(left)} left")

    return step


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


@contextmanager
def _progress(
    step_of: Callable[[Any], _Step], training: str, *, show: bool
) -> Iterator[Callable[[Epoch], None]]:
    """Show on stderr how the loss falls; a file or a pipe gets the last line only."""
    if not show:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    console = Console(stderr=True)
    bars = [BarColumn(bar_width=12)] if console.width >= 80 else []  # the figures come first
    whole = Column(no_wrap=True)  # where all is too long for a line, the figures wrap
    lines: list[str] = []
    with Progress(
        TextColumn("{task.description}epoch {task.completed}/{task.total}", table_column=whole),
        *bars,
        TextColumn("{task.fields[figures]}", table_column=Column()),
        TimeElapsedColumn(table_column=whole.copy()),
        console=console,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("", figures="")

        def show_epoch(epoch: Epoch) -> None:
            step = step_of(epoch)
            which, figures = training + step.network, step.figures + step.left
            bar.update(
                task, description=which, total=step.of, completed=step.epoch, figures=figures
            )
            lines[:] = [f"{which}epoch {step.epoch}/{step.of}  {step.figures}"]

        yield show_epoch
    if lines and not console.is_terminal:
        note(lines[0])


def _figures(epoch: Epoch) -> str:
    text = f"loss {epoch.loss:.4f}"
    if epoch.accuracy is not None:
        text += f"  accuracy {epoch.accuracy:.3f}"
    if epoch.validation_loss is not None:
        text += f"  validation {epoch.validation_loss:.4f}"
    return text
