"""An estimator trained on the rows set apart for it, with its progress shown."""

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from handgrad.cli.data import Parts
from handgrad.history import Epoch
from handgrad.terminal import note

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "adam": {"solver": "adam"},
    "sgd": {"solver": "sgd", "momentum": 0.0},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False},
    "nesterov": {"solver": "sgd", "nesterovs_momentum": True},
}


def train(parts: Parts, options: dict[str, Any], *, show: bool) -> tuple[Any, float]:
    from handgrad.estimators import MLPClassifier, MLPRegressor

    validation = parts.validation
    kind = MLPRegressor if options["task"] == "regression" else MLPClassifier
    estimator = kind(
        hidden_layer_sizes=options["hidden"],
        activation=options["activation"],
        alpha=options["l2"],
        batch_size=min(options["batch_size"], len(parts.training.y)),
        learning_rate_init=options["learning_rate"],
        max_iter=options["epochs"],
        random_state=options["seed"],
        early_stopping=validation is not None,
        scoring="loss",
        n_iter_no_change=options["patience"],
        categorical_features=list(options["categorical"]),
        dtype="float32",
        engine=options["engine"],
        **OPTIMIZERS[options["optimizer"]],
    )
    held_out = {} if validation is None else {"X_val": validation.table, "y_val": validation.y}
    started = time.perf_counter()
    with warnings.catch_warnings(), _progress(options["epochs"], show=show) as on_epoch:
        warnings.simplefilter("ignore")  # what they would say, the outcome says
        estimator.set_params(on_epoch=on_epoch)
        estimator.fit(parts.training.table, parts.training.y, **held_out)
    estimator.set_params(on_epoch=None)
    return estimator, time.perf_counter() - started


@contextmanager
def _progress(epochs: int, *, show: bool) -> Iterator[Callable[[Epoch], None] | None]:
    """Show on stderr how the loss falls; a file or a pipe gets the last line only."""
    if not show:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    console = Console(stderr=True)
    bars = [BarColumn(bar_width=12)] if console.width >= 80 else []  # the figures come first
    whole = Column(no_wrap=True)  # where all is too long for a line, the figures wrap
    lines: list[str] = []
    with Progress(
        TextColumn("epoch {task.completed}/{task.total}", table_column=whole),
        *bars,
        TextColumn("{task.fields[figures]}", table_column=Column()),
        TimeElapsedColumn(table_column=whole.copy()),
        console=console,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("", total=epochs, figures="")

        def on_epoch(epoch: Epoch) -> None:
            bar.update(task, completed=epoch.epoch, figures=_figures(epoch))
            lines[:] = [f"epoch {epoch.epoch}/{epochs}  {_figures(epoch)}"]

        yield on_epoch
    if lines and not console.is_terminal:
        note(lines[0])


def _figures(epoch: Epoch) -> str:
    text = f"loss {epoch.loss:.4f}"
    if epoch.accuracy is not None:
        text += f"  accuracy {epoch.accuracy:.3f}"
    if epoch.validation_loss is not None:
        text += f"  validation {epoch.validation_loss:.4f}"
    return text
