"""What is asked of an engine: run an epoch, and give the scores of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from handgrad.batch import Rows
    from handgrad.network import Architecture
    from handgrad.optim import Optimizer, Steps
    from handgrad.output import Output
    from handgrad.params import Params

Array = NDArray[Any]


class Diverged(ArithmeticError):  # noqa: N818 - a signal to training, which raises the error
    """An input, the loss of a batch, or a parameter was not finite; the message says which.

    batch is the number of that batch, from 1, or None after the last; last_loss is the loss of
    the batch before; rows are those of the batch, where the caller no longer has them.
    """

    def __init__(
        self, what: str, batch: int | None, last_loss: float | None, rows: Rows | None = None
    ) -> None:
        super().__init__(what)
        self.batch, self.last_loss, self.rows = batch, last_loss, rows


def first_bad_batch(
    bad_rows: NDArray[np.intp], order: NDArray[np.intp] | None, batch_size: int
) -> int | None:
    """Find the first batch, from 1, in which one of these rows is."""
    if not bad_rows.size:
        return None
    places = bad_rows if order is None else np.flatnonzero(np.isin(order, bad_rows))
    return 1 + int(places.min()) // batch_size


def bad_input(batch: int, last_loss: float | None) -> Diverged:
    return Diverged("an input was not finite", batch, last_loss)


class Measured(NamedTuple):
    """What an epoch tells: of a network with dropout, with its units left out."""

    loss: float  # weighted mean over the rows, each batch measured just before its update
    accuracy: float  # likewise
    gradient_norm: float  # of the last batch, penalty included, before it was clipped


class Team(NamedTuple):
    """Networks that predict together: the mean of their predictions.

    Attributes
    ----------
    networks : tuple of pairs
        The architecture of each, and its parameters; all have the same inputs and output.
    shares : array of shape (k,), or None
        The share of each in the mean, in the precision of the networks; None for equal ones.
    temperature : float
        The scores of the mean are divided by it.
    """

    networks: tuple[tuple[Architecture, Params], ...]
    shares: Array | None = None
    temperature: float = 1.0

    @property
    def head(self) -> Output:
        return self.networks[0][0].head

    def joined(self, scores: Iterable[Array]) -> Array:
        """Make the scores of the team, (n, N_y), of those of its networks, (n, N_y) each."""
        score, *others = scores
        if others:
            with np.errstate(over="ignore", invalid="ignore"):  # what is infinite is told of later
                stack = np.stack([score, *others])
                score = self.head.mean_scores(stack, self.shares) + (0 * stack).sum(axis=0)
        if self.temperature != 1:
            score = score / score.dtype.type(self.temperature)
        return score


class Engine(Protocol):
    """Updates on every batch of the rows it was made for, and measures others on the way."""

    @property
    def uses_blas(self) -> bool:
        """Whether its products are those of NumPy's BLAS, whose threads small ones wait for."""

    def run_epoch(
        self,
        params: Params,
        slots: Array,
        updates: int,
        rates: float | NDArray[np.float64],
        order: NDArray[np.intp] | None,
    ) -> Measured:
        """Run one epoch, in place.

        Parameters
        ----------
        params : Params
            Where the network stands; moved.
        slots : array of shape (n_slots, p)
            The optimiser's memory; moved.
        updates : int
            Updates made before this epoch.
        rates : float64 array of shape (batches,), or float
            Learning rate of each of its updates, or of all.
        order : int array of shape (n,), or None
            The order of the rows; None is the order in which they stand.

        Returns
        -------
        Measured

        Raises
        ------
        Diverged
            In the batch of which an input or the loss is not finite, or after the last one if a
            parameter or slot is not. Where it was the loss, params stand where they stood in
            that batch; else what params and slots hold means nothing.
        """

    def scores(self, params: Params, x: Any) -> Array:
        """Compute scores, shape (n, n_scores), of rows to measure; they may be sparse."""


class EngineFactory(Protocol):
    """Makes the engine for a network, its rows, and the steps to make on them."""

    def __call__(self, architecture: Architecture, rows: Rows, steps: Steps) -> Engine: ...


class Stepping(Protocol):
    """The halves of a step, apart, so that workers can add their gradients up in between.

    An epoch begins with ``begin`` and ends with ``end``, in between come, batch by batch,
    gradients of some rows, and the update by their sum.
    """

    @property
    def uses_blas(self) -> bool:
        """As for ``Engine``."""

    def begin(
        self, params: Params, slots: Array, rates: NDArray[np.float64], order: NDArray[np.intp]
    ) -> None:
        """Begin an epoch.

        Parameters
        ----------
        params, slots : Params, array of shape (n_slots, p)
            Moved, but what they hold before the end of the epoch means nothing.
        rates : float64 array of shape (batches,)
        order : int array
            The rows that ``gradient`` counts from.
        """

    def gradient(
        self, first: int, n: int, of: int, keys: NDArray[np.uint64], out: Array
    ) -> tuple[float, float]:
        """Compute what n rows, from place ``first`` of the order on, add to a batch's gradient.

        Parameters
        ----------
        first, n : int
        of : int
            The rows of the batch, by which the sum of their gradients is divided.
        keys : array of shape (hidden layers,)
            Where the hash of each layer's dropout stands at the first of these rows; of shape (0,)
            without dropout.
        out : array of shape (p,)
            Gets the gradient, which has no penalty.

        Returns
        -------
        loss, right : float
            Sums over these rows, by weight.
        """

    def move(self, gradient: Array, batch: int, t: int) -> float:
        """Make update t, from 1, which is that of a batch of this epoch, from 0.

        The penalty's gradient is added here, once. Return the norm of the gradient with it, before
        it was clipped; it need only be known of the last batch.
        """

    def end(self) -> bool:
        """Put parameters and slots where they are known; tell whether all are finite."""

    def scores(self, params: Params, x: Any) -> Array:
        """As for ``Engine``."""


class SteppingFactory(Protocol):
    """Makes the halves of the steps; ``steps.batch_size`` bounds the rows of a gradient."""

    def __call__(self, architecture: Architecture, rows: Rows, steps: Steps) -> Stepping: ...


class Backend(Protocol):
    """A way to compute, which ``choice.BACKENDS`` lists: a module with these functions."""

    @property
    def NAME(self) -> str: ...

    @property
    def make(self) -> EngineFactory: ...

    @property
    def make_stepping(self) -> SteppingFactory: ...

    def missing(self) -> str:
        """Say why it is not there on this machine; "" where it is."""

    def describe(self) -> dict[str, Any]:
        """Describe it as it is installed on this machine, as values that JSON has."""

    def advice(self) -> list[str]:
        """Say what would make it faster on this machine, where it is there."""

    def obstacle(self, architecture: Architecture, rule: Optimizer, rows: Rows) -> str | None:
        """Say what keeps it from training so, if anything does."""

    def at_once(self, architecture: Architecture, rows: Rows, epochs: int) -> int:
        """Tell how many networks are worth training side by side, for so many epochs each."""

    def predicts(self, architecture: Architecture) -> bool:
        """Tell whether it can give the scores of a network, here and now."""

    def scores(self, architecture: Architecture, params: Params, x: Array) -> Array:
        """Compute scores, shape (n, n_scores), of encoded rows of shape (n, N_x).

        A row has the same scores alone and among others; they may be infinite.
        """

    def predict(self, team: Team, x: Array, *, proba: bool) -> Array:
        """Compute the scores of a team, or the probabilities of classes, shape (n, K)."""

    def prepare(self, team: Team, x: Array, *, proba: bool) -> Callable[[], Array]:
        """Prepare to predict what will stand in x, again and again, one thread at a time.

        A later change of parameters in place counts.

        Parameters
        ----------
        team : Team
        x : array of shape (n, N_x)
            Of the precision of the networks and C-contiguous; it is read at each call.
        proba : bool
            Whether to give probabilities or scores.

        Returns
        -------
        callable
            Gives an array that holds until the next call.
        """
