"""What is read off a fit: attributes, hidden units, traces, files, scikit-learn's own."""

from dataclasses import replace
from numbers import Integral
from os import PathLike
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from handgrad import __version__
from handgrad.batch import Rows, is_sparse
from handgrad.engines.choice import AUTO, require
from handgrad.errors import VersionError
from handgrad.estimators import exchange
from handgrad.estimators.advice import ways
from handgrad.estimators.checks import cells_of_row, check_columns, check_weight
from handgrad.estimators.exporting import Travels
from handgrad.estimators.parameters import Parameters, needs_all_rows
from handgrad.estimators.planning import warn_of_drift
from handgrad.estimators.remembered import from_settings, to_settings
from handgrad.estimators.rows import TrainingRows, encoded
from handgrad.estimators.state import Fit
from handgrad.estimators.summary import html, summary
from handgrad.estimators.task import Task
from handgrad.estimators.underway import FIT, seen
from handgrad.explain.trace import Trace, trace
from handgrad.gradcheck import GradientCheck, check_gradients
from handgrad.models.file import load_model, save_model
from handgrad.models.model import Model
from handgrad.network import check_finite
from handgrad.tables.plan import Plan
from handgrad.training.history import History

T = TypeVar("T")
Array = NDArray[Any]


class Fitted(Travels, TransformerMixin, ClassNamePrefixFeaturesOutMixin, Parameters):
    """The part of an estimator that has been trained, or was loaded.

    All that a fit leaves is one value, ``_fit_``; only what scikit-learn keeps of X, its names and
    their number, stands beside it.
    """

    _fit_: Fit
    _kind: ClassVar[type[Task]]

    @property
    def _now(self) -> Fit:
        """What the last fit has left; while one is under way, what it has come to."""
        if not self.__sklearn_is_fitted__():
            check_is_fitted(self)
        return self._fit_

    def __sklearn_is_fitted__(self) -> bool:
        return FIT in vars(self)

    @property
    def _task(self) -> Task:
        return self._kind.of(self)

    # -- what scikit-learn's users look for, read off the model -------------------------------

    @property
    def model_(self) -> Model:
        return self._now.model

    @property
    def histories_(self) -> tuple[History, ...]:
        return self._now.histories

    @property
    def history_(self) -> History:
        return self._now.histories[0]

    @property
    def n_iter_(self) -> int:
        return self._now.record.n_iter

    @property
    def t_(self) -> int:
        return self._now.record.t

    @property
    def loss_(self) -> float:
        return self._now.record.loss

    @property
    def loss_curve_(self) -> list[float]:
        return self._now.record.loss_curve

    @property
    def best_loss_(self) -> float | None:
        return self._now.record.best_loss

    @property
    def validation_scores_(self) -> list[float] | None:
        return self._now.record.validation_scores

    @property
    def best_validation_score_(self) -> float | None:
        return self._now.record.best_validation_score

    @property
    def diverged_(self) -> bool:
        return bool(self._now.explosion)

    @property
    def dead_units_(self) -> list[float]:
        return there(self, self._now.dead_units, "dead_units_")

    @property
    def held_back_(self) -> NDArray[np.intp]:
        return there(self, self._now.held_back, "held_back_")

    @property
    def held_back_singly_(self) -> int:
        there(self, self._now.held_back, "held_back_")
        return self._now.n_singly

    @property
    def engine_(self) -> str:
        return there(self, self._now.engine, "engine_")[0]

    @property
    def engine_reason_(self) -> str:
        return there(self, self._now.engine, "engine_reason_")[1]

    @property
    def coefs_(self) -> list[Array]:
        return list(self.model_.params.W)

    @property
    def intercepts_(self) -> list[Array]:
        return list(self.model_.params.b)

    @property
    def n_layers_(self) -> int:
        return len(self.model_.architecture.layer_units)

    @property
    def n_outputs_(self) -> int:
        return self.model_.architecture.layer_units[-1]

    @property
    def out_activation_(self) -> str:
        return self.model_.architecture.head.sklearn_name

    def summary(self) -> str:
        """Describe the network layer by layer: what it computes, shapes, parameters, bytes."""
        check_is_fitted(self)
        return summary(self.model_)

    def _html_repr(self) -> str:
        """Show the diagram of scikit-learn in notebooks and, once fitted, the layers below it."""
        diagram: str = super()._html_repr()
        return diagram + html(self.model_) if self.__sklearn_is_fitted__() else diagram

    # -- predicting ---------------------------------------------------------------------------

    def transform(self, X: Any, layer: int = -1) -> Array:
        """Compute what a layer makes of each row, shape (n_samples, units).

        Parameters
        ----------
        X : as for ``fit``
        layer : int, default=-1
            Which: 1 is the first hidden layer, -1 the last one, 0 the encoded inputs. Of an
            ensemble it is the first network's.
        """
        model, columns = self._asked(X)
        n_layers = len(model.architecture.layer_units) - 1
        if not isinstance(layer, Integral) or not -n_layers <= layer < n_layers:
            raise ValueError(
                f"layer must be a whole number from {-n_layers} to {n_layers - 1}, 0 being the "
                f"inputs and -1 the last hidden layer; got {layer!r}"
            )
        return model.hidden(columns, int(layer))

    @property
    def _n_features_out(self) -> int:
        return self.model_.architecture.layer_units[-2]

    @property
    def _predictor(self) -> Model:
        """The model, on the engine that was asked for."""
        if self.engine != AUTO:
            require(self.engine)
        if self.engine in (AUTO, self.model_.engine):
            return self.model_
        return replace(self.model_, engine=self.engine)

    @property
    def columns_(self) -> Plan:
        """What each column of X was taken for."""
        check_is_fitted(self)
        return self.model_.encoder.plan

    def _check_fitted(self, X: Any) -> Any:
        return check_columns(self, X, self.model_.encoder)

    def _inputs(self, X: Any) -> Any:
        """Check rows to predict, and encode a table; warn where it is hardly the one meant."""
        cells = cells_of_row(self, X)
        if cells is not None:
            return self.model_.encode_row(cells)
        columns = self._check_fitted(X)
        if not hasattr(columns, "schema"):
            return columns
        encoded = self.model_.encode(columns)
        warn_of_drift(encoded)
        return encoded

    def _asked(self, X: Any) -> tuple[Model, Any]:
        """Take what predicts, once, and rows checked for it: another thread may be fitting."""
        now = seen(self)
        columns = now._inputs(X)
        return now._predictor, columns

    def __getstate__(self) -> dict[str, Any]:
        return {**super(Fitted, seen(self)).__getstate__(), "_handgrad_version": __version__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Refuse the pickle of another version, whose attributes may mean something else."""
        state = dict(state)
        version = state.pop("_handgrad_version", "before 0.1.0")
        if version != __version__:
            raise VersionError(
                f"this {type(self).__name__} was pickled by handgrad {version}, and this is "
                f"{__version__}: pickles hold for one version. Fit again, and keep models with "
                "save(), whose files are read by every later version."
            )
        super().__setstate__(state)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not (needs_all_rows(self) or self.skip or self.input_scale)
        kept = ["float64", "float32"] if self.dtype == "auto" else [self.dtype]
        tags.transformer_tags.preserves_dtype = kept
        tags.input_tags.allow_nan = self.preprocess is not None
        return tags

    # -- its mathematics --------------------------------------------------------------------

    def trace(
        self, X: Any, y: Any = None, sample_weight: Any = None, *, lr: float | None = None
    ) -> Trace:
        """Follow rows through equations (1) to (15), every quantity by the article's name.

        Parameters
        ----------
        X : as for fit
            One row or more; a data frame's columns are encoded as for ``predict``.
        y : as for fit, optional
            Without it the trace ends with the prediction.
        sample_weight : array-like of shape (n_samples,), optional
            They multiply the weights of classes, if there are any.
        lr : float, optional
            How far the step (13) goes; ``learning_rate_init`` by default.

        Returns
        -------
        handgrad.explain.trace.Trace
            Of the network itself, without the penalty alpha: of an ensemble, of its first
            network; a temperature of the probabilities comes after it. Dropout leaves out no unit.
            A scale of the inputs stands apart, as it learnt; after loading it is part of W1.
        """
        lr = float(self.learning_rate_init if lr is None else lr)
        now = seen(self)
        if y is None:
            x, y_t, weight = now._dense_inputs(X), None, None
        else:
            x, y_t, weight = now._inside(X, y, sample_weight)
        architecture, params = now._now.first
        traced = trace(architecture, params, x, y_t, weight, lr=lr)
        check_finite(traced["score"], [params])
        return traced

    def gradient_check(
        self, X: Any, y: Any, sample_weight: Any = None, *, most_entries: int | None = 200
    ) -> GradientCheck:
        """Compare the gradients on these rows, penalty included, with complex steps.

        It computes in float64, whatever the precision of the network. A step costs a forward
        pass: a few dozen rows are enough.

        Parameters
        ----------
        X, y, sample_weight : as for fit
            Columns of probabilities are in the order of ``classes_``.
        most_entries : int or None, default=200
            Look at no more entries of W1, of b1, ... than so many; None for all.

        Returns
        -------
        handgrad.gradcheck.GradientCheck
        """
        now = seen(self)
        rows = now._inside(X, y, sample_weight)
        architecture, params = now._now.first
        wide = params.like(params.flat.astype(np.float64))
        return check_gradients(
            architecture,
            wide,
            rows.x.astype(np.float64),
            rows.y_t,
            None if rows.weight is None else rows.weight.astype(np.float64),
            float(self.alpha),
            most_entries=most_entries,
        )

    def _dense_inputs(self, X: Any) -> Array:
        """Encode rows as predicting does, to a dense matrix."""
        columns = self._check_fitted(X)
        dense = columns.toarray() if is_sparse(columns) else columns
        return self.model_.encoder.transform(dense, self.model_.params.flat.dtype)

    def _inside(self, X: Any, y: Any, sample_weight: Any) -> Rows:
        """Encode rows as training does, to a dense matrix."""
        columns = self._check_fitted(X)
        weight = check_weight(sample_weight, X)
        task = self._task
        classes = self.model_.classes
        named = None if self.model_.is_multilabel or not len(classes) else classes
        given = TrainingRows.of(columns, task.check_y(y, X, named), weight)
        rows = encoded(self.model_, task, given)
        x: Any = rows.x
        return rows._replace(x=x.toarray()) if is_sparse(x) else rows

    # -- keeping ------------------------------------------------------------------------------

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model, encoding included, to one file (see ``model_file.save_model``).

        Raises
        ------
        OSError
            If the file cannot be written; a file that stood there before is left as it was.
        """
        now = seen(self)
        check_is_fitted(now)
        save_model(now.model_with_settings(), path)

    def model_with_settings(self) -> Model:
        """Give the model and, for a file, the parameters that it does not show."""
        shown = self._parameters_of(self.model_)
        return replace(self.model_, settings=to_settings(self, shown))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read a model file back into a fitted estimator.

        On the same machine it predicts the same bits as before. It predicts with the fastest
        engine there is; if the saved one had another named, name it again by ``set_params``.

        Raises
        ------
        OSError
            If the file cannot be read.
        ModelFileError
            If it is not an undamaged handgrad model, or is one of the other kind.
        """
        return cls.from_model(load_model(path))

    @classmethod
    def from_model(cls, model: Model) -> Self:
        """Wrap a model as a fitted estimator, with the parameters that it was fitted with.

        Training it further starts with a fresh optimiser.
        """
        encoder = model.encoder
        cls._kind.check_kind(model)
        settings = from_settings(model.settings, cls._get_param_names())
        estimator = cls(**settings | cls._parameters_of(model))
        estimator._fit_ = Fit(model, (History(()),) * len(model.networks))
        estimator.n_features_in_ = len(encoder.names)
        if not encoder.plan.is_nameless:
            estimator.feature_names_in_ = np.array(encoder.names, dtype=object)
        return estimator

    @classmethod
    def _parameters_of(cls, model: Model) -> dict[str, Any]:
        """Read off a model the parameters of an estimator that would fit such a one."""
        raise NotImplementedError

    # -- into scikit-learn and out of it ------------------------------------------------------

    def _to(self, theirs: type) -> Any:
        check_is_fitted(self)
        reason = exchange.obstacle(self.model_)
        if reason:
            raise ValueError(f"scikit-learn cannot hold this network: {reason}")
        names = theirs._get_param_names()  # type: ignore[attr-defined]
        return exchange.fill(theirs(**exchange.their_parameters(self, names)), self)

    @classmethod
    def _from(cls, theirs: Any, classes: Array, **settings: Any) -> Self:
        estimator = cls(**exchange.parameters(theirs), **settings)
        estimator._fit_ = exchange.fit_of(theirs, classes)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(theirs, name):
                setattr(estimator, name, getattr(theirs, name))
        return estimator


def there(estimator: Any, value: T | None, name: str) -> T:
    """Give an attribute that only some fits leave; ``hasattr`` is False where there is none."""
    if value is None:
        came = ways(
            estimator,
            ("loaded", ""),
            ("converted", "from_sklearn"),
            ("trained by partial_fit", "partial_fit"),
        )
        raise AttributeError(f"{name} is set by fit, and this model was {came}")
    return value
