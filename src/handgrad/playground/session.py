"""The network of the page, and every kind of step, made by the library's own functions.

A step by batch is the engine's update on that batch; the batches of an epoch are those of
``training.train``, so that epochs stepped through here are its epochs to the last bit. A step
by sample or by equation changes no weight: the update follows the last row of the batch.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import DivergenceError
from handgrad.explain.names import Names
from handgrad.explain.spelled import spelled
from handgrad.explain.trace import trace
from handgrad.gradcheck import check_gradients
from handgrad.models.model import Model
from handgrad.network import Architecture, forward
from handgrad.playground import drawing
from handgrad.playground.engine import Library
from handgrad.playground.judging import judge_of
from handgrad.playground.points import Drawn
from handgrad.playground.recipe import OF_DATA, OF_NETWORK, Recipe
from handgrad.playground.source import Source

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.explain.trace import Trace
    from handgrad.gradcheck import GradientCheck
    from handgrad.params import Params
    from handgrad.playground.drawing import Board
    from handgrad.playground.engine import Engine, Epoch
    from handgrad.playground.points import Points
    from handgrad.training.run import Kept, Settings

Array = NDArray[Any]

MOST_SNAPSHOTS = 400
MOST_SNAPSHOT_BYTES = 60_000_000  # a large network keeps fewer
LARGEST_WEIGHT = 1e6  # that can be typed in

# All changes since the weights were drawn: ("epochs", settings, how many) or ("weight", place,
# value). None where they cannot be repeated.
Journal = tuple[tuple[Any, ...], ...]


class Measure(NamedTuple):
    """Loss and accuracy after an epoch, of numbers R2; without test rows, their figures are NaN."""

    epoch: int
    loss: float
    test_loss: float
    accuracy: float
    test_accuracy: float


class Snapshot(NamedTuple):
    """A run after a whole epoch."""

    state: Kept
    journal: Journal | None

    @property
    def epochs(self) -> int:
        return self.state.run.epochs


class Session:
    """One network of the page, and everything that the page can do with it.

    Anything impossible raises ValueError, whose message the page shows, and changes nothing.

    Attributes
    ----------
    version : int
        Grows with every change.
    layout : int
        Grows when points or the network's shape change.
    sample : int
        The row whose numbers are shown.
    is_chosen : bool
        Whether the user chose that row, so that a walk by equation stays with it.
    at : int or None
        The place of the equation that a step by equation has reached.
    taken : array of int or None
        The rows of the last update's batch, until something else changes the weights or points.
    trouble : str
        Why training stopped, or "".
    pad : array of shape (N_x,) or None
        An image that the user drew, as the network sees it.
    drawn : Drawn
        The points that were last changed by hand.
    boards : tuple of Board
        The points before each change by hand since the data were chosen.
    moved : (int, float, float) or None
        The row and place of the point that was moved last.
    held : (int, float) or None
        The place of a weight that is dragged, and the value that it had.
    """

    KINDS = ("epoch", "batch", "sample", "equation")  # of steps

    def __init__(
        self,
        penguins: pa.Table,
        table: pa.Table | None = None,
        target: str | None = None,
        engine: Engine | None = None,
    ) -> None:
        self.engine: Engine = engine or Library()
        self.version = self.layout = 0
        self.sample = self.seen = 0
        self.is_chosen = False
        self.at: int | None = None
        self.pad: Array | None = None
        self.drawn = Drawn.none()
        self.boards: tuple[Board, ...] = ()
        self.moved: tuple[int, float, float] | None = None
        self.held: tuple[int, float] | None = None
        source, recipe = Source(penguins, table, target), Recipe()
        self.start(recipe if table is None else source.recipe_of_table(recipe), source)

    # -- a new beginning ------------------------------------------------------------------------

    def start(self, recipe: Recipe, source: Source) -> None:
        """Make points and network anew."""
        points = source.points(recipe, self.drawn)
        self.recipe, self.source, self.points, self.pad = recipe, source, points, None
        self.sample = int(points.training[len(points.training) // 5])
        self.is_chosen, self.boards, self.moved = False, (), None
        self._network()

    def _network(self) -> None:
        recipe = self.recipe
        self.points = self.points.with_skip(recipe.skip)
        self.architecture = architecture_of(recipe, self.points)
        self.layout += 1
        self.reset()

    def reset(self) -> None:
        """Go back to the initial weights."""
        self.run = self.engine.start(self.architecture, self.recipe)
        params = self.run.params
        self.initial = params.copy()
        self.last_flat = params.flat.copy()
        self.taken: NDArray[np.intp] | None = None
        self.under_way: Epoch | None = None
        self.journal: Journal | None = ()
        self.trouble, self.at, self.seen, self.held = "", None, 0, None
        self.history = [self._measured()]
        self.snapshots = [self._snapshot()]
        self.version += 1

    def change(self, asked: Any) -> None:
        """Change settings: data or network begin anew, others hold from the next epoch."""
        recipe, old = self.recipe.changed(asked), self.recipe
        if _differ(recipe, old, OF_DATA):
            self.start(recipe, self.source)
        elif _differ(recipe, old, OF_NETWORK):
            self.recipe = recipe
            self._network()
        else:
            self.recipe = recipe
        self.version += 1

    def take_table(self, table: pa.Table, target: str) -> None:
        """Learn from a table of the user's."""
        source = replace(self.source, table=table, target=target)
        self.start(source.recipe_of_table(self.recipe), source)

    def choose_target(self, target: str) -> None:
        """Learn another column of the user's table."""
        if self.source.table is None or target not in self.source.targets:
            raise ValueError(
                "the target must be a column of the table that holds a few classes or many numbers"
            )
        self.take_table(self.source.table, target)

    def draw(
        self, added: list[tuple[float, float, int]], *, wipe: bool = False, goes_on: bool = False
    ) -> None:
        """Add points to the present ones; the network continues from its present weights."""
        drawing.draw(self, added, wipe=wipe, goes_on=goes_on)

    def take_points(self, recipe: Recipe, points: Points, drawn: Drawn) -> None:
        """Go on with other points of the plane."""
        self.recipe, self.points, self.drawn = recipe, points, drawn
        self.under_way, self.journal, self.taken = None, None, None
        self.sample = min(self.sample, len(points.x) - 1)
        self.version += 1
        if len(points.classes) != self.architecture.layer_units[-1]:
            self._network()
        else:
            self.history[-1] = self._measured()

    # -- steps ----------------------------------------------------------------------------------

    def step(self, kind: str) -> None:
        """Make one step."""
        if kind not in self.KINDS:
            raise ValueError(f"a step must be by {', '.join(self.KINDS)}; got {str(kind)[:50]!r}")
        getattr(self, f"step_{kind}")()

    def step_epoch(self) -> None:
        """Finish the epoch."""
        epoch = self.run.epochs
        while self.run.epochs == epoch and not self.trouble:
            self.step_batch()

    def step_batch(self) -> None:
        """Update on the next batch."""
        epoch, run = self._begun(), self.run
        self.at, self.seen = None, 0
        before, rows = run.params.flat.copy(), self.points.training[epoch.batch()]
        try:
            if epoch.step(run):
                self._record(epoch)
            self.last_flat, self.taken = before, rows
        except DivergenceError as error:
            run.put_back(epoch.before)
            self.under_way = self.taken = None
            self.trouble = (
                f"{error.what[0].upper()}{error.what[1:]} The weights are those before that "
                "epoch. Lower the learning rate, or go back to the start."
            )
        self.version += 1

    def step_sample(self) -> None:
        """Show the next row of the batch; after the last, update and begin the next batch."""
        if self.seen == len(self._begun().batch()):
            self.step_batch()
            if self.trouble:
                return
        batch = self._begun().batch()
        self.at, self.is_chosen = None, False
        self.sample = int(self.points.training[batch[self.seen]])
        self.seen += 1
        self.version += 1

    def step_equation(self) -> None:
        """Show the next equation of the chosen row, or else of the batch's first.

        After (13), make the update of the whole batch.
        """
        last = len(self.trace().equations) - 1
        if self.at == last:
            self.step_batch()
        if self.trouble:
            return
        batch = self._begun().batch()
        if self.at is None and not self.is_chosen:
            self.sample = int(self.points.training[batch[0]])
        self.at = 0 if self.at is None else self.at + 1
        self.version += 1

    def _begun(self) -> Epoch:
        """Return the epoch under way; begin one if there is none."""
        if self.under_way is None:
            rows = self.points.training_rows
            self.under_way = self.engine.begin(self.run, self.architecture, self.recipe, rows)
            self.trouble = ""
        return self.under_way

    def _record(self, epoch: Epoch) -> None:
        """Record an epoch that has ended."""
        self.under_way = None
        if self.journal is not None:
            self.journal = _with_epoch(self.journal, epoch.task.settings)
        self.history.append(self._measured())
        self.snapshots.append(self._snapshot())
        size = self.snapshots[-1].state.nbytes
        if len(self.snapshots) > min(MOST_SNAPSHOTS, MOST_SNAPSHOT_BYTES // size):
            # every other one, with the first and the last
            self.snapshots = [*self.snapshots[:-1:2], self.snapshots[-1]]

    # -- back -----------------------------------------------------------------------------------

    def rewind(self, epoch: int) -> None:
        """Go back to this epoch, or to the latest snapshot before it."""
        earlier = [kept for kept in self.snapshots if kept.epochs <= epoch] or self.snapshots[:1]
        kept, run = earlier[-1], self.run
        run.put_back(kept.state)
        run.keep()  # training must not write into the snapshot
        self.journal = kept.journal
        self.under_way, self.at, self.seen, self.trouble, self.taken = None, None, 0, "", None
        self.snapshots = earlier
        self.history = [measure for measure in self.history if measure.epoch <= kept.epochs]
        self.history[-1] = self._measured()  # points may have been drawn since
        self.last_flat = run.params.flat.copy()
        self.version += 1

    def edit(self, place: int, value: float) -> None:
        """Set one entry of the flat vector of parameters."""
        flat = self.run.params.flat
        if not 0 <= place < flat.size or not abs(value) <= LARGEST_WEIGHT:
            raise ValueError(f"a weight must be a number between -1e6 and 1e6; got {value}")
        if self.under_way is not None:  # a program repeats whole epochs only
            self.journal = None
        flat[place], self.taken = value, None
        if self.journal is not None:
            self.journal = _with_weight(self.journal, place, value)
        self.history[-1] = self._measured() if self.under_way is None else self.history[-1]
        self.snapshots[-1] = self._snapshot() if self.under_way is None else self.snapshots[-1]
        self.version += 1

    def hold(self, place: int) -> None:
        """Remember the value of a weight that is about to be dragged."""
        flat = self.run.params.flat
        if not 0 <= place < flat.size:
            raise ValueError(f"a place must be from 0 to {flat.size - 1}; got {place}")
        self.held = place, float(flat[place])

    def put_back(self) -> None:
        """Give the weight that was held its old value again, to the last bit."""
        if self.held is None:
            raise ValueError("no weight is held; drag one first")
        self.edit(*self.held)
        self.held = None

    def look_at(self, row: int) -> None:
        """Show the numbers of another row."""
        self.sample, self.at = int(np.clip(row, 0, len(self.points.x) - 1)), None
        self.is_chosen = True
        self.version += 1

    def release(self) -> None:
        """Let a walk by equation take the batch's rows again."""
        self.is_chosen = False
        self.version += 1

    def _snapshot(self) -> Snapshot:
        return Snapshot(self.run.keep(), self.journal)

    # -- questions --------------------------------------------------------------------------------

    @property
    def present(self) -> Measure:
        """Measure the present weights; between two epochs the history has done it."""
        return self.history[-1] if self.under_way is None else self._measured()

    @property
    def rate(self) -> float:
        """The learning rate of the next update."""
        if self.under_way is not None:
            return float(self.under_way.rates[self.under_way.done])
        return float(self.recipe.rate if np.isnan(self.run.lr) else self.run.lr)

    def trace(self) -> Trace:
        """Follow the chosen row through the present network."""
        chosen = slice(self.sample, self.sample + 1)
        x, y_t = self.points.fed(self.points.x[chosen]), self.points.y_t[chosen]
        with np.errstate(over="ignore", invalid="ignore"):
            return trace(
                self.architecture, self.run.params, x, y_t, l2=self.recipe.l2, lr=self.rate
            )

    def promised(self) -> Params:
        """Compute the parameters that equation (13) names for the chosen row."""
        return self.trace().stepped

    def ahead(self) -> Params | None:
        """Compute the parameters after the next update, and take it back; None if it diverges."""
        epoch, run = self._begun(), self.run
        kept = run.keep()
        try:
            copy(epoch).step(run)
            return run.params
        except DivergenceError:
            return None
        finally:
            run.put_back(kept)

    def model(self) -> Model:
        """Return the present network with its encoder, as a model."""
        points = self.points
        return Model(
            points.encoder,
            self.architecture,
            self.run.params.copy(),
            points.classes,
            target=points.target,
            scale=points.scale,
        )

    def spelled(self, name: str, at: int) -> str:
        """Work out entry ``at`` of an equation; "" if that would be too long."""
        t = self.trace()
        equation = next((known for known in t.equations if known.name == name), None)
        if equation is None or not 0 <= at < t[name].size:
            raise ValueError("a number must be an entry of an equation on the page")
        if t.l2 and equation.number in (5, 7, 11):  # the penalty adds a second sum
            return ""
        return spelled(t, equation, Names(self.model()), at)

    def check(self) -> GradientCheck:
        """Compare the gradients on up to 50 training rows with complex steps."""
        chosen = self.points.training
        chosen = chosen[np.linspace(0, len(chosen) - 1, min(50, len(chosen))).astype(np.intp)]
        rows = self.points.rows(chosen)
        return check_gradients(
            self.architecture, self.run.params, rows.x, rows.y_t, l2=self.recipe.l2, most_entries=60
        )

    def _measured(self) -> Measure:
        loss, accuracy = self.measure(self.points.training)
        test_loss, test_accuracy = self.measure(self.points.test)
        return Measure(self.run.epochs, loss, test_loss, accuracy, test_accuracy)

    def measure(self, chosen: NDArray[np.intp]) -> tuple[float, float]:
        """Compute loss, without the penalty, and accuracy or R2 of some rows; NaN without rows."""
        if not len(chosen):
            return np.nan, np.nan
        rows, head = self.points.rows(chosen), self.architecture.head
        with np.errstate(over="ignore", invalid="ignore"):
            score = forward(self.architecture, self.run.params, rows.x).score
            loss = float(head.mean_loss(score, rows.y_t, None, self.architecture.loss))
            return loss, judge_of(head).share(head, score, rows)


def architecture_of(recipe: Recipe, points: Points) -> Architecture:
    """Make the network that a recipe asks for, with a score for each output of the points."""
    units = (points.x.shape[1], *recipe.hidden, len(points.outputs))
    return Architecture(
        units,
        recipe.activation,
        points.output,
        skip=points.encoder.skip,
        scales=recipe.scale,
    )


def _differ(recipe: Recipe, other: Recipe, names: tuple[str, ...]) -> bool:
    return any(getattr(recipe, name) != getattr(other, name) for name in names)


def _with_weight(journal: Journal, place: int, value: float) -> Journal:
    """Add a weight that was set; of a weight that is dragged, only the last value counts."""
    if journal and journal[-1][:2] == ("weight", place):
        journal = journal[:-1]
    return (*journal, ("weight", place, value))


def _with_epoch(journal: Journal, settings: Settings) -> Journal:
    if journal and journal[-1][0] == "epochs" and journal[-1][1] == settings:
        return (*journal[:-1], ("epochs", settings, journal[-1][2] + 1))
    return (*journal, ("epochs", settings, 1))
