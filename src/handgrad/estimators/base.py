"""What both estimators share: a fit, in one call or in a stream."""

from typing import Any, Self

from handgrad.errors import ModelFileError
from handgrad.estimators.callbacks import Callbacks, CallbackSupportMixin, with_callbacks
from handgrad.estimators.fitted import Fitted
from handgrad.estimators.fitting import Given, fitted
from handgrad.estimators.keeping import keeping
from handgrad.estimators.remembered import warn_of_lost
from handgrad.estimators.rows import HeldOut
from handgrad.estimators.source import Parquet
from handgrad.estimators.state import Fit
from handgrad.estimators.task import Job
from handgrad.estimators.underway import FIT, under_way
from handgrad.models.model import Model
from handgrad.optim import SOLVERS
from handgrad.workers.crew import Crew


def goes_in_steps(estimator: "MLP") -> bool:
    """Tell whether there is a partial_fit, or say why not."""
    if estimator.solver not in SOLVERS:
        raise AttributeError("partial_fit needs a solver that goes in steps, such as 'adam'")
    return True


def _check_survival(estimator: "MLP", before: Fit | None, *, is_stream: bool) -> None:
    """Refuse checkpoints where nothing could go on from them."""
    if estimator.checkpoint is None:
        return
    if is_stream:
        raise ValueError("partial_fit makes no checkpoints; save the estimator between its calls")
    if estimator.solver not in SOLVERS:
        raise ValueError(
            f"solver {estimator.solver!r} cannot go on from a checkpoint, because SciPy keeps its "
            "memory of the curvature to itself; leave checkpoint out, or take a solver that goes "
            "in steps, such as 'adam'"
        )
    if before is not None:
        raise ValueError(
            "a checkpoint holds a fit from its beginning, and warm_start=True goes on from another "
            "one; leave one of the two out"
        )


def _crew_of(estimator: "MLP") -> Crew | None:
    """Take the workers that share a fit; refuse what they cannot share."""
    if estimator.comm is None:
        return None
    if estimator.solver not in SOLVERS:
        raise ValueError(
            f"solver {estimator.solver!r} is one call of SciPy's in one process, which looks at "
            "all rows at once; leave comm out, or take a solver that goes in steps, such as 'adam'"
        )
    return Crew.of(estimator.comm)


def _fitted_to_files(job: Job, given: Given, before: Fit | None) -> Fit:
    """Fit to a table in files, which is read if it fits into memory."""
    from handgrad.estimators.piles import fitted_in_piles, rows_of  # seldom needed

    source: Parquet = given.X
    if given.y is not None or given.sample_weight is not None:
        raise TypeError(
            "a Parquet holds the answers and the weights, too: name their columns, "
            "Parquet(paths, target='y', weight='w'), and pass neither y nor sample_weight"
        )
    if job.is_stream:
        raise TypeError("partial_fit takes rows, and a Parquet is a whole table; pass it to fit")
    if source.fits:
        X, y, weight = rows_of(source, job.task)
        return fitted(job, given._replace(X=X, y=y, sample_weight=weight), before)
    if job.crew is not None:
        raise ValueError(
            "workers share rows in memory, and these do not fit into memory="
            f"{source.memory!r}; raise it, or leave comm out"
        )
    if given.classes is not None:
        raise ValueError(
            "classes names the columns of probabilities, or labels that y lacks; a Parquet larger "
            "than memory holds one column of labels, so leave classes out"
        )
    if before is not None:
        raise ValueError(
            "warm_start=True goes on with rows in memory, and these do not fit into memory="
            f"{source.memory!r}; raise it, or fit anew"
        )
    return fitted_in_piles(job, source, given.held_out)


class MLP(CallbackSupportMixin, Fitted):
    """What MLPClassifier and MLPRegressor share; the path of a fit is in ``fitting.py``."""

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train on rows whose answers are known.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or data frame
            Numbers; or, with preprocess="auto", a pandas, polars or Arrow table, a mapping of
            names to columns or a list of rows that are mappings, whose columns may be text,
            categories, booleans and numbers, with missing cells; or a `Parquet`, which may be
            larger than memory and holds y and the weights, too.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Finite numbers.
        sample_weight : array-like of shape (n_samples,), optional
            Weights >= 0: 2 counts as the row twice, 0 as the row removed.
        X_val, y_val, sample_weight_val : as X, y and sample_weight, optional
            Rows to validate on after each epoch. With early_stopping they are watched in place
            of a part of X; without it, what is measured on them is only recorded.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter, X, y or the weights cannot be used; nothing has been trained then.
        DivergenceError
            If the loss or a parameter stops being finite. The weights from the end of the last
            finished epoch are kept; before a first one, the estimator is left as it was.
        """
        return self._fit_whole(Given(X, y, sample_weight, HeldOut(X_val, y_val, sample_weight_val)))

    def _fit_whole(self, given: Given) -> Self:
        """Fit on all rows at once."""
        self._validate_params()
        callbacks = Callbacks(self, given.X, given.y, self.max_iter * self.n_ensemble)
        self._fit(given, callbacks, continuing=self.warm_start, is_stream=False)
        callbacks.end()
        return self

    @classmethod
    def _parameters_of(cls, model: Model) -> dict[str, Any]:
        architecture, encoder = model.architecture, model.encoder
        if len(model.sizes) > 1:
            raise ModelFileError(
                "the networks of this model have different sizes; load it with TabularClassifier "
                "or TabularRegressor"
            )
        return {
            "hidden_layer_sizes": architecture.layer_units[1:-1],
            "activation": architecture.activation,
            "preprocess": encoder.method,
            "skip": encoder.has_skip,
            "input_scale": False,  # multiplied into the first layer
            "dtype": str(model.params.flat.dtype),
            "n_ensemble": len(model.networks),
            **cls._kind.params_from(model),
        }

    def _fit(
        self, given: Given, callbacks: Callbacks | None, *, continuing: bool, is_stream: bool
    ) -> Self:
        """Fit; where that fails, go back to the last whole epoch, or undo everything."""
        before = self._fit_ if continuing and self.__sklearn_is_fitted__() else None
        warn_of_lost(vars(self).get(FIT))
        _check_survival(self, before, is_stream=is_stream)
        crew = _crew_of(self)
        with under_way(self) as now, keeping(self, crew) as keeper:
            job = Job(self, self._task, now, callbacks, is_stream, keeper, crew)
            if isinstance(given.X, Parquet):
                fit = _fitted_to_files(job, given, before)
            else:
                fit = fitted(job, given, before)
            keeper.finish()
            now.finish(fit)
        return self
