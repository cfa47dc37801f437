"""What verbose shows: a bar that moves in a terminal, lines elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from handgrad.training.history import Epoch

Show = Callable[[int, float, float | None], None]
ShowNetworks = Callable[["NetworkEpoch"], None]


class Place(NamedTuple):
    """The place of a network among those of a tabular fit."""

    kind: str
    number: int  # from 1
    of: int
    epochs: int

    def __str__(self) -> str:
        return f"{self.kind} network {self.number}/{self.of}"


@dataclass(frozen=True, kw_only=True)
class NetworkEpoch(Epoch):
    """An epoch of one of the networks of a tabular fit.

    Attributes
    ----------
    network : Place
        Its ``kind``, its ``number`` from 1, ``of`` how many networks it is one, as far as they are
        known, and the number of ``epochs`` it is to train for.
    """

    network: Place

    @classmethod
    def of(cls, epoch: Epoch, network: Place) -> Self:
        return cls(**vars(epoch), network=network)

    @property
    def share_done(self) -> float:
        """The share of all networks that has been trained, above 0."""
        done = self.network.number - 1 + self.epoch / self.network.epochs
        return done / self.network.of

    def figures(self) -> str:
        """Write its losses: of the rows trained on and, where there are any, of those held back."""
        held_back = self.validation_loss
        more = "" if held_back is None else f"  held back {held_back:.4g}"
        return f"loss {self.loss:.4g}{more}"


@contextmanager
def progress(verbose: bool, epochs: int) -> Iterator[Show]:
    """Give what shows an epoch: its number, its loss and its score (None if there is none)."""
    if not verbose:
        yield lambda epoch, loss, score: None
    elif not sys.stdout.isatty():
        yield _line
    else:
        with _bar("epoch {task.completed}/{task.total}") as bar:
            task = bar.add_task("", total=epochs, figures="")

            def show(epoch: int, loss: float, score: float | None) -> None:
                figures = f"loss {loss:.4f}" + ("" if score is None else f"  score {score:.4f}")
                bar.advance(task)
                bar.update(task, figures=figures)

            yield show


def _line(epoch: int, loss: float, score: float | None) -> None:
    print(f"Iteration {epoch}, loss = {loss:.8f}")
    if score is not None:
        print(f"Validation score: {score:.6f}")


def _bar(*texts: str) -> Any:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        *(TextColumn(text) for text in texts),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
    )


@contextmanager
def progress_of_networks(verbose: bool) -> Iterator[ShowNetworks]:
    """Give what shows an epoch of one of several networks; outside a terminal, a line for each."""
    if not verbose:
        yield lambda epoch: None
    elif not sys.stdout.isatty():
        lines = _Lines()
        yield lines.show
        lines.end()
    else:
        with _bar("{task.description}") as bar:
            task = bar.add_task("", total=1.0, figures="")

            def show(epoch: NetworkEpoch) -> None:
                what = f"{epoch.network}  epoch {epoch.epoch}/{epoch.network.epochs}"
                bar.update(
                    task, description=what, completed=epoch.share_done, figures=epoch.figures()
                )

            yield show


@dataclass
class _Lines:
    """A line for each network, once it has ended."""

    epochs: list[NetworkEpoch] = field(default_factory=list)

    def show(self, epoch: NetworkEpoch) -> None:
        if self.epochs and self.epochs[-1].network != epoch.network:
            self.end()
        self.epochs.append(epoch)

    def end(self) -> None:
        if not self.epochs:
            return
        last = self.epochs[-1]
        print(f"{last.network}: {len(self.epochs)} epochs, loss {last.loss:.4g}{self._best()}")
        self.epochs.clear()

    def _best(self) -> str:
        losses = [epoch.validation_loss for epoch in self.epochs]
        known = [loss for loss in losses if loss is not None]
        if not known:
            return ""
        least = min(known)
        return f", held back {least:.4g} in epoch {self.epochs[losses.index(least)].epoch}"
