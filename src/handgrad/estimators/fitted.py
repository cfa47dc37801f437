"""What is read off a trained model: attributes, hidden units, files, scikit-learn's own."""

from dataclasses import replace
from numbers import Integral
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from handgrad import __version__
from handgrad.engines.choice import require_compiled
from handgrad.errors import VersionError
from handgrad.estimators import exchange
from handgrad.estimators.checks import bit_generator, check_columns
from handgrad.estimators.fitting import seen
from handgrad.estimators.inside import Inside
from handgrad.estimators.planning import warn_of_drift
from handgrad.estimators.record import Record
from handgrad.estimators.summary import html, summary
from handgrad.models.file import load_model, save_model
from handgrad.models.model import Model
from handgrad.tables.plan import Plan
from handgrad.training.history import History

Array = NDArray[Any]

RECORD = (  # what both libraries keep
    *("n_iter_", "t_", "loss_", "best_loss_", "loss_curve_"),
    *("validation_scores_", "best_validation_score_"),
)


class Fitted(Inside, TransformerMixin, ClassNamePrefixFeaturesOutMixin, Record):
    """The part of an estimator that has been trained, or was loaded."""

    # -- what a kind of estimator has to say --------------------------------------------------

    @classmethod
    def _told_by(cls, model: Model) -> dict[str, Any]:
        """Read the parameters of this kind of estimator off a model."""
        raise NotImplementedError

    @classmethod
    def _check_kind(cls, model: Model) -> None:
        """Refuse a model that predicts something else."""
        raise NotImplementedError

    # -- what scikit-learn's users look for, read off the model -------------------------------

    @property
    def history_(self) -> History:
        return self.histories_[0]

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
        return diagram + html(self.model_) if hasattr(self, "model_") else diagram

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
        """The model on the engine that was asked for; with "auto", on the one that trained it."""
        if self.engine == "compiled":
            require_compiled()
        if self.engine in ("auto", self.model_.engine):
            return self.model_
        return replace(self.model_, engine=self.engine)

    @property
    def columns_(self) -> Plan:
        """What each column of X was taken for."""
        check_is_fitted(self)
        return self.model_.encoder.plan

    def _check_fitted(self, X: Any) -> Any:
        if not self.__sklearn_is_fitted__():  # asked first, for what scikit-learn asks takes 20 us
            check_is_fitted(self)
        return check_columns(self, X, reset=False)

    def _inputs(self, X: Any) -> Any:
        """Check rows to predict, and encode a table; warn where it is hardly the one meant."""
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

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

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
        tags.input_tags.sparse = True
        kept = ["float64", "float32"] if self.dtype == "auto" else [self.dtype]
        tags.transformer_tags.preserves_dtype = kept
        tags.input_tags.allow_nan = self.preprocess == "auto"
        return tags

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
        save_model(now.model_, path)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read a model file back into a fitted estimator.

        On the engine that predicted before, it predicts the same bits. It begins with the
        reference; ``set_params(engine="compiled")`` sets the other to work.

        Raises
        ------
        OSError
            If the file cannot be read.
        ModelFileError
            If it is not an undamaged handgrad model, or is one of the other kind.
        """
        return cls.from_model(load_model(path))

    def _to(self, theirs: type) -> Any:
        check_is_fitted(self)
        reason = exchange.why_not(self.model_)
        if reason:
            raise ValueError(f"scikit-learn cannot hold this network: {reason}")
        names = theirs._get_param_names()  # type: ignore[attr-defined]
        return exchange.fill(theirs(**exchange.their_parameters(self, names)), self)

    @classmethod
    def _from(cls, theirs: Any, classes: Array, **settings: Any) -> Self:
        estimator = cls(**exchange.parameters(theirs), **settings)
        estimator.model_ = exchange.model_of(theirs, classes)
        bits = bit_generator(theirs.random_state)
        estimator._runs = [exchange.run_of(theirs, estimator.model_.params, bits)]
        estimator._start_record()
        for name in ("n_features_in_", "feature_names_in_", *RECORD):
            if hasattr(theirs, name):
                setattr(estimator, name, getattr(theirs, name))
        return estimator

    @classmethod
    def from_model(cls, model: Model) -> Self:
        """Wrap a model as a fitted estimator; training it further starts with a fresh optimiser."""
        architecture, encoder = model.architecture, model.encoder
        cls._check_kind(model)
        estimator = cls(
            hidden_layer_sizes=architecture.layer_units[1:-1],
            activation=architecture.activation,
            preprocess=None if encoder.is_identity else "auto",
            dtype=str(model.params.flat.dtype),
            n_ensemble=1 + len(model.members),
            **cls._told_by(model),
        )
        estimator.model_ = model
        estimator.n_features_in_ = len(encoder.names)
        if encoder.names != tuple(f"x{column}" for column in range(len(encoder.names))):
            estimator.feature_names_in_ = np.array(encoder.names, dtype=object)
        estimator._start_record()
        return estimator
