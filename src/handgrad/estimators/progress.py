"""What verbose shows: a bar that moves in a terminal, a line an epoch elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Show = Callable[[int, float, float | None], None]


@contextmanager
def progress(verbose: bool, epochs: int) -> Iterator[Show]:
    """Give what shows an epoch: its number, its loss and its score (None if there is none)."""
    if not verbose:
        yield lambda epoch, loss, score: None
    elif not sys.stdout.isatty():
        yield _line
    else:
        with _bar(epochs) as show:
            yield show


def _line(epoch: int, loss: float, score: float | None) -> None:
    print(f"Iteration {epoch}, loss = {loss:.8f}")
    if score is not None:
        print(f"Validation score: {score:.6f}")


@contextmanager
def _bar(epochs: int) -> Iterator[Show]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("epoch {task.completed}/{task.total}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns) as bar:
        task = bar.add_task("", total=epochs, figures="")

        def show(epoch: int, loss: float, score: float | None) -> None:
            figures = f"loss {loss:.4f}" + ("" if score is None else f"  score {score:.4f}")
            bar.advance(task)
            bar.update(task, figures=figures)

        yield show
