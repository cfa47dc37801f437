"""The record of a training run: one row per epoch, immutable."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Epoch:
    """One pass over the training rows.

    Attributes
    ----------
    epoch : int
        Its number, from 1.
    loss : float
        Weighted mean loss of the training rows (equation 5, in nats), each batch measured
        just before the update that it caused. The penalty is not part of it.
    accuracy : float or None
        Weighted share of training rows classified correctly, measured at the same moments; None
        if numbers are predicted.
    penalty : float
        The L2 term at the end of the epoch; training minimises loss + penalty.
    validation_loss, validation_accuracy : float or None
        The same two on the held-back rows, after the epoch; None if no rows are held back.
    validation_score : float or None
        The scorer's value on these rows (higher is better); None without a scorer.
    learning_rate : float
        The learning rate of the last update of this epoch.
    seconds : float
        Wall-clock time since training started.
    gradient_norm : float or None
        Norm of the last batch's gradient, penalty included, before clipping.

    With solver "lbfgs" each Epoch is an iteration: loss and penalty are those at its end, the
    learning rate is NaN, and the quantities not measured are None.

    With dropout, loss and accuracy are those of the network with units left out; the validation
    figures are those of the whole network.
    """

    epoch: int
    loss: float
    accuracy: float | None
    penalty: float
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float
    seconds: float
    gradient_norm: float | None = None
    validation_score: float | None = None


@dataclass(frozen=True)
class History:
    """The epochs of a run in order, and the reason why it ended.

    Attributes
    ----------
    epochs : tuple of Epoch
    reason : str
        "max_iter", "patience" (no gain for that many epochs), "learning_rate" (an adaptive rate
        has fallen to 1e-6) or "on_epoch" (the callable returned True); with solver "lbfgs" also
        "tol" or "max_fun". ``train.py`` decides it.
    """

    epochs: tuple[Epoch, ...]
    reason: str = ""

    def __len__(self) -> int:
        return len(self.epochs)

    def __iter__(self) -> Iterator[Epoch]:
        return iter(self.epochs)

    def __getitem__(self, position: int) -> Epoch:
        return self.epochs[position]

    def __add__(self, later: "History") -> "History":
        """Append the record of a later run."""
        return History(self.epochs + later.epochs, later.reason)

    def column(self, name: str) -> list[Any]:
        """List one quantity over all epochs: ``history.column("loss")``.

        Raises
        ------
        KeyError
            If an epoch has no quantity of that name; the message lists those it has.
        """
        known = [field.name for field in fields(Epoch)]
        if name not in known:
            raise KeyError(f"an epoch has no {name!r}; it has {', '.join(known)}")
        return [getattr(epoch, name) for epoch in self.epochs]

    def rows(self) -> list[dict[str, Any]]:
        """List the epochs as dictionaries, ready for JSON or for a data frame."""
        return [asdict(epoch) for epoch in self.epochs]
