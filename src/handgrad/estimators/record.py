"""What a fit writes down: a row an epoch, how it is judged, and what went wrong."""

import copy
import inspect
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer
from sklearn.metrics._scorer import _BaseScorer

from handgrad.activations import ACTIVATIONS
from handgrad.batch import Rows, is_sparse
from handgrad.engines.blas import blas_on_one_thread
from handgrad.estimators.callbacks import Callbacks
from handgrad.estimators.checks import Given, HeldOut, warn
from handgrad.estimators.fitting import fitting_of
from handgrad.estimators.parameters import Parameters
from handgrad.estimators.progress import Show
from handgrad.estimators.stream import with_params
from handgrad.models.model import Model
from handgrad.network import forward
from handgrad.params import Params
from handgrad.tables.encode import Encoded
from handgrad.training.history import Epoch, History
from handgrad.training.run import Run
from handgrad.training.train import Score, measure

Array = NDArray[Any]

# A run that explodes: such a weight, or for so many epochs a loss above that of the untrained
# network and so many times that of chance.
LARGEST_WEIGHT = 1e6
TIMES_CHANCE, EPOCHS_TOO_LARGE = 10, 3

ROWS_LOOKED_AT = 4096  # for dead units, and for the loss before training
ROWS_FOR_A_WARNING = 50  # few rows leave many units at 0 that are not dead


class Validation(NamedTuple):
    """Rows that are only looked at."""

    rows: Rows
    given: Given
    seen: HeldOut  # what a scorer sees: X as the user gave it


class Record(Parameters):
    """The part of an estimator that keeps the record of its training, and judges it."""

    model_: Model
    _runs: list[Run]

    def _watched(self, n: int) -> str | Callable[..., float]:
        """Say what "auto" means for n rows held back."""
        raise NotImplementedError

    def _start_record(self) -> None:
        self.histories_: tuple[History, ...] = (History(()),) * self.n_ensemble
        self.diverged_, self._explosion = False, ""
        self.n_iter_, self.t_ = 0, 0
        self.loss_ = math.inf
        self.loss_curve_: list[float] = []
        self.best_loss_: float | None = None if self.early_stopping else math.inf
        self.validation_scores_: list[float] | None = [] if self.early_stopping else None
        self.best_validation_score_: float | None = -math.inf if self.early_stopping else None

    def _monitor(self, n: int) -> str:
        """Name what early stopping watches on n rows."""
        scoring = self._watched(n)
        if scoring == "loss":
            return "validation_loss"
        return "validation_error" if scoring == "accuracy" else "validation_score"

    def _scorer(self, validation: Validation, run: Run) -> Score | None:
        """Make what judges the network after an epoch, where training does not know how."""
        scoring = self._watched(len(validation.rows))
        if scoring in ("loss", "accuracy"):
            return None
        scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
        X, y, weight = validation.seen
        if isinstance(scorer, _BaseScorer) and not is_sparse(validation.rows.x):
            X = Encoded(validation.rows.x)  # it asks for predictions alone
        weighed = {"sample_weight": weight} if weight is not None and _weighs(scorer) else {}

        def score() -> float:
            # A scorer may do to an estimator what it likes; the one that trains is kept from it.
            judged = copy.copy(self)
            judged.model_ = replace(self.model_, params=run.params, members=())
            return float(scorer(judged, X, y, **weighed))

        return score

    def _record(
        self,
        number: int,
        run: Run,
        show: Show,
        chance: float | None,
        callbacks: Callbacks | None,
        epoch: Epoch,
    ) -> bool:
        """Bring the attributes up to date after an epoch, all of which an interrupt leaves.

        Without ``chance`` nothing watches for an explosion: L-BFGS only ever goes down.
        """
        self._put(number, run)
        self._add_history(number, (epoch,), "")
        if chance is not None:
            self._watch_for_divergence(number, chance)
        score = self._score_of(epoch)
        if number == 0:
            self._record_first(epoch, score)
        self._keep_whole(number)
        show(epoch.epoch, epoch.loss + epoch.penalty, score)
        stop = False
        if callbacks is not None and callbacks.listen:
            now = replace(self.model_, params=run.params, members=())
            stop = callbacks.epoch(now)
        return bool(self.on_epoch is not None and self.on_epoch(epoch)) or stop

    def _put(self, number: int, run: Run) -> None:
        """Let a network stand where its training does; those predict that have learnt."""
        self._runs = [*self._runs[:number], run.twin(), *self._runs[number + 1 :]]
        self.model_ = self._model_of(self._runs)

    def _model_of(self, runs: list[Run]) -> Model:
        model, others = self.model_, runs[1:]
        known = model.members
        learnt = [run.params for run in others if run.epochs or _is_among(run.params, known)]
        return with_params(model, [runs[0].params, *learnt])

    def _keep_whole(self, number: int) -> None:
        """Note what an interrupt goes back to: here everything belongs to the same epoch."""
        fitting = fitting_of(self)
        if fitting is not None:
            whole = vars(self).copy()
            if self._runs[number].best is not None:
                runs = [run.result() for run in self._runs]
                whole |= {"_runs": runs, "model_": self._model_of(runs)}
            fitting.keep(whole, number)

    def _record_first(self, epoch: Epoch, score: float | None) -> None:
        """Bring up to date what scikit-learn's users look for: it tells of the first network."""
        self.n_iter_, self.t_ = self.n_iter_ + 1, self._runs[0].rows_seen
        self.loss_ = epoch.loss + epoch.penalty
        if self.solver != "lbfgs":  # as in scikit-learn; history_ has its iterations
            self.loss_curve_ = [*self.loss_curve_, self.loss_]
        if self.best_loss_ is not None:
            self.best_loss_ = min(self.best_loss_, self.loss_)
        if score is not None and self.early_stopping:
            self.validation_scores_ = [*(self.validation_scores_ or []), score]
            self.best_validation_score_ = max(self.validation_scores_)

    def _add_history(self, number: int, epochs: tuple[Epoch, ...], reason: str) -> None:
        histories = list(self.histories_)
        histories[number] += History(epochs, reason)
        self.histories_ = tuple(histories)

    def _note_first_loss(self, run: Run, rows: Rows) -> None:
        """Note where a run begins: of raw inputs far from 0, far above chance, and yet it falls."""
        if run.first_loss is None:
            some = rows.take(np.arange(min(len(rows), ROWS_LOOKED_AT)))
            with np.errstate(over="ignore", invalid="ignore"):
                run.first_loss, _ = measure(self.model_.architecture, run.params, some)

    def _watch_for_divergence(self, number: int, chance: float) -> None:
        """Flag a run that explodes without becoming infinite; the warning waits for its end."""
        last = self.histories_[number].epochs[-EPOCHS_TOO_LARGE:]
        losses = len(last) == EPOCHS_TOO_LARGE and min(epoch.loss for epoch in last)
        run = self._runs[number]
        largest = max(float(np.abs(W).max()) for W in run.params.W)
        what = ""
        if largest > LARGEST_WEIGHT:
            what = f"a weight of {largest:.3g}"
        elif losses > max(TIMES_CHANCE * chance, run.first_loss or 0):
            what = f"a loss of {losses:.3g}, where chance gives {chance:.3g},"
        if what and not self.diverged_:
            rate = last[-1].learning_rate
            self._explosion = f"{what} in epoch {last[-1].epoch} at learning rate {rate:g}"
            self.diverged_ = True

    def _conclude(self, rows: Rows, validation: Validation | None) -> None:
        """Do what takes the trained network: find its dead units."""
        some: Any = rows.x[:ROWS_LOOKED_AT]
        model = self.model_
        with blas_on_one_thread():
            hidden = forward(model.architecture, model.params, some).h[1:]
        self.dead_units_ = [
            float((h == 0).all(axis=0).mean()) if ACTIVATIONS[name].dies else 0.0
            for h, name in zip(hidden, model.architecture.activations, strict=True)
        ]
        for layer, share in enumerate(self.dead_units_, start=1):
            if share > 0.5 and some.shape[0] >= ROWS_FOR_A_WARNING:
                warn(
                    f"{share:.0%} of the units of hidden layer {layer} are dead: they give 0 for "
                    f"each of {some.shape[0]} rows, and will not learn any more. Lower the "
                    'learning rate, or take the activation "leaky_relu".',
                    ConvergenceWarning,
                )

    def _chance(self, rows: Rows) -> float:
        """Compute the loss of one who does not look at the inputs."""
        raise NotImplementedError

    def _score_of(self, epoch: Epoch) -> float | None:
        """Read off an epoch what ``scoring`` says of it; None where nothing was held back."""
        if epoch.validation_score is not None:
            return epoch.validation_score
        if self._watched(0) == "accuracy":
            return epoch.validation_accuracy
        return None if epoch.validation_loss is None else -epoch.validation_loss


def _is_among(params: Params, known: tuple[Params, ...]) -> bool:
    return any(params is one for one in known)


def _weighs(scorer: Any) -> bool:
    """Tell whether a scorer can weigh rows."""
    metric = getattr(scorer, "_score_func", scorer)
    return "sample_weight" in inspect.signature(metric).parameters
