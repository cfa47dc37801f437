"""The network as it stands, and every kind of step, made by the library's own functions.

A step by batch is the engine's update on that batch; the batches of an epoch are those of
``training.train``, so that epochs stepped through here are its epochs to the last bit. A step
by sample or by equation only looks: the update comes when the batch has been looked at.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.engines.numpy import right
from handgrad.errors import DivergenceError
from handgrad.explain.names import Names
from handgrad.explain.spelled import spelled
from handgrad.explain.trace import Trace, trace
from handgrad.gradcheck import GradientCheck, check_gradients
from handgrad.models.model import Model
from handgrad.network import Architecture, forward
from handgrad.params import initialise
from handgrad.playground.data import KNOWN, of_columns
from handgrad.playground.points import (
    MOST_CLASSES,
    MOST_POINTS,
    Points,
    class_columns,
    make_points,
    number_columns,
    of_plane,
    of_table,
)
from handgrad.playground.recipe import OF_DATA, OF_NETWORK, TABLES, Recipe
from handgrad.training.epochs import Pass, Task
from handgrad.training.run import Kept, Run, Settings

if TYPE_CHECKING:
    import pyarrow as pa

Array = NDArray[Any]

KINDS = ("epoch", "batch", "sample", "equation")
MOST_SNAPSHOTS = 400
MOST_SNAPSHOT_BYTES = 60_000_000  # of a large network fewer are kept
LARGEST_WEIGHT = 1e6  # that can be typed in
PLACE_LIMIT = 10.0  # of a point drawn by hand

# What was done since the weights were drawn: ("epochs", settings, how many) or ("weight", place,
# value). None where it cannot be done again.
Journal = tuple[tuple[Any, ...], ...]


class Measure(NamedTuple):
    """How it stood after an epoch; of test rows NaN where there are none."""

    epoch: int
    loss: float
    test_loss: float
    accuracy: float
    test_accuracy: float


class Snapshot(NamedTuple):
    """All that a run is, after a whole epoch."""

    state: Kept
    journal: Journal | None

    @property
    def epochs(self) -> int:
        return self.state.run.epochs


class Session:
    """What the page shows and moves.

    Attributes
    ----------
    version : int
        Grows with every change.
    layout : int
        Grows when points or the network's shape change.
    sample : int
        The row whose numbers are shown.
    at : int or None
        The equation at which a step by equation stands.
    trouble : str
        Why training stopped, or nothing.
    pad : array of shape (N_x,) or None
        An image of the user's own, as the network sees it.
    """

    def __init__(
        self, penguins: "pa.Table", table: "pa.Table | None" = None, target: str | None = None
    ) -> None:
        self.penguins = penguins
        self.table, self.target = table, target
        self.targets = [] if table is None else class_columns(table)
        self.drawn: tuple[Array, NDArray[np.intp]] = (np.zeros((0, 2)), np.zeros(0, np.intp))
        self.version = self.layout = 0
        self.sample = self.seen = 0
        self.at: int | None = None
        self.pad: Array | None = None
        self.recipe = Recipe()
        self.start(self.recipe if table is None else self._of_table(self.recipe))

    # -- a new beginning ------------------------------------------------------------------------

    def start(self, recipe: Recipe) -> None:
        """Make points and network anew.

        Raises
        ------
        ValueError
            If the recipe cannot be followed; all stays as it was.
        """
        points = self._points(recipe)
        self.recipe, self.points, self.pad = recipe, points, None
        self.sample = int(points.training[len(points.training) // 5])
        self._network()

    def _network(self) -> None:
        recipe = self.recipe
        units = (self.points.x.shape[1], *recipe.hidden, len(self.points.classes))
        self.architecture = Architecture(units, recipe.activation)
        self.layout += 1
        self.reset()

    def reset(self) -> None:
        """Go back to the weights of the beginning."""
        bits = np.random.PCG64(self.recipe.init_seed)
        architecture = self.architecture
        params = initialise(
            architecture.layer_units, architecture.activations, bits, np.float64, self.recipe.init
        )
        self.run = Run.start(params, bits)
        self.initial = params.copy()
        self.last_flat = params.flat.copy()
        self.under_way: Pass | None = None
        self.journal: Journal | None = ()
        self.trouble, self.at, self.seen = "", None, 0
        self.history = [self._measured()]
        self.snapshots = [self._snapshot()]
        self.version += 1

    def change(self, asked: Any) -> None:
        """Change settings: of data or network it begins anew, others hold from the next epoch.

        Raises
        ------
        ValueError
            If a setting cannot be.
        """
        recipe, old = self.recipe.changed(asked), self.recipe
        if _differ(recipe, old, OF_DATA):
            self.start(recipe)
        elif _differ(recipe, old, OF_NETWORK):
            self.recipe = recipe
            self._network()
        else:
            self.recipe = recipe
        self.version += 1

    def _points(self, recipe: Recipe) -> Points:
        share, seed = recipe.test_share, recipe.data_seed
        if recipe.data in KNOWN:
            return KNOWN[recipe.data](share=share, seed=seed)
        if recipe.data in TABLES:
            table, target = self.tabled(recipe.data)
            if recipe.inputs == "all":
                return of_columns(table, target, share=share, seed=seed)
            return of_table(table, target, self.columns(recipe), share=share, seed=seed)
        if recipe.data == "drawn":
            x, y_t = self.drawn
            if len(np.unique(y_t)) < 2:
                raise ValueError(
                    "points of two classes or more must be drawn; draw some of another"
                )
        else:
            x, y_t = make_points(
                recipe.data, n=recipe.n, classes=recipe.classes, noise=recipe.noise, seed=seed
            )
        return of_plane(x, y_t, share=share, seed=seed)

    def tabled(self, data: str) -> tuple["pa.Table", str]:
        """Give a table and the column of its labels."""
        if data == "penguins":
            return self.penguins, "species"
        if self.table is None or self.target is None:
            raise ValueError("there is no table yet; drop a CSV file on the page")
        return self.table, self.target

    def columns(self, recipe: Recipe) -> tuple[str, str]:
        """Say which two columns span the plane."""
        names = number_columns(*self.tabled(recipe.data))
        if len(names) < 2:
            raise ValueError(
                "the table must have two columns of numbers besides the labels; it has "
                f"{len(names)}; choose all columns"
            )
        x1 = recipe.x1 if recipe.x1 in names else names[0]
        x2 = recipe.x2 if recipe.x2 in names else next(name for name in names if name != x1)
        return x1, x2

    def take_table(self, table: "pa.Table", target: str) -> None:
        """Learn from a table of the user's.

        Raises
        ------
        ValueError
            If it cannot be used; all stays as it was.
        """
        before = self.table, self.target, self.targets
        self.table, self.target, self.targets = table, target, class_columns(table)
        try:
            self.start(self._of_table(self.recipe))
        except ValueError:
            self.table, self.target, self.targets = before
            raise

    def _of_table(self, recipe: Recipe) -> Recipe:
        """Show the user's table: of one that spans no plane, all columns."""
        spans = len(number_columns(*self.tabled("table"))) >= 2
        inputs = recipe.inputs if spans else "all"
        return recipe.changed({"data": "table", "inputs": inputs, "x1": "", "x2": ""})

    def tell(self, target: str) -> None:
        """Learn another column of the user's table.

        Raises
        ------
        ValueError
            If it has no such column of classes.
        """
        if self.table is None or target not in self.targets:
            raise ValueError("the labels must be a column of the table that holds a few classes")
        self.take_table(self.table, target)

    def draw(self, added: list[tuple[float, float, int]], *, wipe: bool = False) -> None:
        """Add points to those that are there; the network goes on from where it stands.

        Raises
        ------
        ValueError
            If a point lies too far out or has no class, or there are too many.
        """
        if not self.points.is_plane:
            raise ValueError("points are drawn on a plane; choose data of two numbers first")
        if wipe:
            x, y_t = np.zeros((0, 2)), np.zeros(0, np.intp)
        else:
            x, y_t = self.points.x, self.points.y_t
        if len(x) + len(added) > MOST_POINTS:
            raise ValueError(f"there may be {MOST_POINTS} points at most; start with fewer")
        new = np.array([(a, b) for a, b, _ in added], np.float64).reshape(-1, 2)
        new_t = np.array([k for _, _, k in added], np.intp)
        if (
            not (np.abs(new) <= PLACE_LIMIT).all()
            or not ((new_t >= 0) & (new_t < MOST_CLASSES)).all()
        ):
            raise ValueError("a point must lie on the map and have a class")
        drawn = np.concatenate([x, new]), np.concatenate([y_t, new_t])
        before, self.drawn = self.drawn, drawn
        recipe = self.recipe.changed({"data": "drawn"})
        try:
            points = self._points(recipe)
        except ValueError:
            self.drawn = before
            raise
        self.recipe, self.points, self.under_way, self.journal = recipe, points, None, None
        self.sample = min(self.sample, len(points.x) - 1)
        self.layout += 1
        self.version += 1
        if len(points.classes) != self.architecture.layer_units[-1]:
            self._network()

    # -- steps ----------------------------------------------------------------------------------

    def step(self, kind: str) -> None:
        """Make one step.

        Raises
        ------
        ValueError
            If there is no such step.
        """
        steps = {
            "epoch": self.step_epoch,
            "batch": self.step_batch,
            "sample": self.step_sample,
            "equation": self.step_equation,
        }
        if kind not in steps:
            raise ValueError(f"a step must be by {', '.join(KINDS)}; got {str(kind)[:50]!r}")
        steps[kind]()

    def step_epoch(self) -> None:
        """Go on to the end of the epoch."""
        epoch = self.run.epochs
        while self.run.epochs == epoch and not self.trouble:
            self.step_batch()

    def step_batch(self) -> None:
        """Update on the next batch."""
        epoch, run = self._begun(), self.run
        self.at, self.seen = None, 0
        before = run.params.flat.copy()
        try:
            if epoch.step(run):
                self._note(epoch)
            self.last_flat = before
        except DivergenceError as error:
            run.put_back(epoch.before)
            self.under_way = None
            self.trouble = (
                f"{error.what[0].upper()}{error.what[1:]} The weights are those before that "
                "epoch. Lower the learning rate, or go back to the start."
            )
        self.version += 1

    def step_sample(self) -> None:
        """Look at the next row of the batch; once all have been seen, update and begin the next."""
        if self.seen == len(self._begun().batch()):
            self.step_batch()
            if self.trouble:
                return
        batch = self._begun().batch()
        self.at = None
        self.sample = int(self.points.training[batch[self.seen]])
        self.seen += 1
        self.version += 1

    def step_equation(self) -> None:
        """Go on to the next equation of the batch's first row; after (13) comes the update."""
        last = len(self.trace().equations) - 1
        if self.at == last:
            self.step_batch()
        if self.trouble:
            return
        if self.at is None:
            self.sample = int(self.points.training[self._begun().batch()[0]])
        self.at = 0 if self.at is None else self.at + 1
        self.version += 1

    def _begun(self) -> Pass:
        """Give the epoch that has begun; begin one where none has."""
        if self.under_way is None:
            rows = self.points.training_rows
            task = Task(self.architecture, self.recipe.settings(len(rows)), rows)
            self.run.prepare(task.settings)
            self.under_way = Pass.begin(task, self.run.keep())
            self.trouble = ""
        return self.under_way

    def _note(self, epoch: Pass) -> None:
        """Put down an epoch that has ended."""
        self.under_way = None
        if self.journal is not None:
            self.journal = _with_epoch(self.journal, epoch.task.settings)
        self.history.append(self._measured())
        self.snapshots.append(self._snapshot())
        size = self.snapshots[-1].state.nbytes
        if len(self.snapshots) > min(MOST_SNAPSHOTS, MOST_SNAPSHOT_BYTES // size):
            # every other one, but the first and the last
            self.snapshots = [*self.snapshots[:-1:2], self.snapshots[-1]]

    # -- back -----------------------------------------------------------------------------------

    def rewind(self, epoch: int) -> None:
        """Go back to the latest epoch kept that is not after this one."""
        there = [kept for kept in self.snapshots if kept.epochs <= epoch] or self.snapshots[:1]
        kept, run = there[-1], self.run
        run.put_back(kept.state)
        run.keep()  # what was kept is not to be written into
        self.journal = kept.journal
        self.under_way, self.at, self.seen, self.trouble = None, None, 0, ""
        self.snapshots = there
        self.history = [measure for measure in self.history if measure.epoch <= kept.epochs]
        self.last_flat = run.params.flat.copy()
        self.version += 1

    def edit(self, place: int, value: float) -> None:
        """Put a number into the flat vector of parameters.

        Raises
        ------
        ValueError
            If there is no such place, or the number is too large.
        """
        flat = self.run.params.flat
        if not 0 <= place < flat.size or not abs(value) <= LARGEST_WEIGHT:
            raise ValueError(f"a weight must be a number between -1e6 and 1e6; got {value}")
        if self.under_way is not None:  # half an epoch cannot be told to the library in one call
            self.journal = None
        flat[place] = value
        if self.journal is not None:
            self.journal = (*self.journal, ("weight", place, value))
        self.history[-1] = self._measured() if self.under_way is None else self.history[-1]
        self.snapshots[-1] = self._snapshot() if self.under_way is None else self.snapshots[-1]
        self.at = None
        self.version += 1

    def look_at(self, row: int) -> None:
        """Show the numbers of another row."""
        self.sample, self.at = int(np.clip(row, 0, len(self.points.x) - 1)), None
        self.version += 1

    def _snapshot(self) -> Snapshot:
        return Snapshot(self.run.keep(), self.journal)

    # -- what is asked of it ----------------------------------------------------------------------

    @property
    def rate(self) -> float:
        """The learning rate of the next update."""
        if self.under_way is not None:
            return float(self.under_way.rates[self.under_way.done])
        return float(self.recipe.rate if np.isnan(self.run.lr) else self.run.lr)

    def trace(self) -> Trace:
        """Follow the row that is shown through the network as it stands."""
        chosen = slice(self.sample, self.sample + 1)
        x, y_t = self.points.x[chosen], self.points.y_t[chosen]
        with np.errstate(over="ignore", invalid="ignore"):
            return trace(
                self.architecture, self.run.params, x, y_t, l2=self.recipe.l2, lr=self.rate
            )

    def model(self) -> Model:
        """Give the network as it stands, with what turns columns into its inputs."""
        points = self.points
        return Model(
            points.encoder,
            self.architecture,
            self.run.params.copy(),
            points.classes,
            target=points.target,
        )

    def spelled(self, name: str, at: int) -> str:
        """Work out a number that is shown, entry ``at`` of an equation; "" of those too long to.

        Raises
        ------
        ValueError
            If there is no such number.
        """
        t = self.trace()
        equation = next((known for known in t.equations if known.name == name), None)
        if equation is None or not 0 <= at < t[name].size:
            raise ValueError("a number must be that of an equation that is shown")
        if t.l2 and equation.number in (5, 7, 11):  # with a penalty they are sums of two kinds
            return ""
        return spelled(t, equation, Names(self.model()), at)

    def check(self) -> GradientCheck:
        """Compare the gradients on some training rows with complex steps."""
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
        """Give loss, without the penalty, and accuracy of some rows; NaN of none."""
        if not len(chosen):
            return np.nan, np.nan
        rows = self.points.rows(chosen)
        head = self.architecture.head
        with np.errstate(over="ignore", invalid="ignore"):
            score = forward(self.architecture, self.run.params, rows.x).score
            loss = float(head.mean_loss(score, rows.y_t, None, self.architecture.loss))
        return loss, right(head, score, rows) / len(rows)


def _differ(recipe: Recipe, other: Recipe, names: tuple[str, ...]) -> bool:
    return any(getattr(recipe, name) != getattr(other, name) for name in names)


def _with_epoch(journal: Journal, settings: Settings) -> Journal:
    if journal and journal[-1][0] == "epochs" and journal[-1][1] == settings:
        return (*journal[:-1], ("epochs", settings, journal[-1][2] + 1))
    return (*journal, ("epochs", settings, 1))
