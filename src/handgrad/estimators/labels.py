"""Labels to learn, one a row or several at once: the Task of MLPClassifier."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from handgrad.batch import Rows
from handgrad.errors import DataError, ModelFileError, warn
from handgrad.estimators.growth import grow
from handgrad.estimators.rows import TrainingRows, Validation
from handgrad.estimators.soft import is_soft, tilted
from handgrad.estimators.state import Fit
from handgrad.estimators.targets import check_labels
from handgrad.estimators.task import Outputs, Truth
from handgrad.losses import LossSettings
from handgrad.models.calibration import fit_temperature
from handgrad.models.model import Model
from handgrad.outputs import LOGISTIC, for_classes
from handgrad.tables.labels import classes_of, encode_labels

if TYPE_CHECKING:
    from handgrad.estimators.answers import LabelAnswers

Array = NDArray[Any]


@dataclass(frozen=True)
class Labels:
    """See ``task.Task``. The fields are parameters of MLPClassifier."""

    class_weight: dict[Any, float] | str | None
    calibration: str | None
    label_smoothing: float
    scoring: str | Callable[..., float]

    @classmethod
    def of(cls, estimator: Any) -> Self:
        return cls(
            estimator.class_weight,
            estimator.calibration,
            estimator.label_smoothing,
            estimator.scoring,
        )

    @property
    def loss(self) -> LossSettings:
        return LossSettings(label_smoothing=float(self.label_smoothing))

    @property
    def needs_held_back(self) -> bool:
        return self.calibration is not None

    def check_y(self, y: Any, X: Any, classes: Array | None = None) -> Array:
        return check_labels(y, X, classes)

    def settled(self, y: Array) -> Self:
        """Watch the loss where probabilities are learnt: that the likeliest is right says less."""
        return replace(self, scoring="loss") if is_soft(y) and self.scoring == "auto" else self

    def outputs(self, y: Array, weight: Array | None, classes: Array | None) -> Outputs:
        classes = None if classes is None else classes_of(classes)
        if y.ndim == 2 and not is_soft(y):
            labels = np.arange(y.shape[1])
            if classes is not None and not np.array_equal(classes, labels):
                raise ValueError(
                    f"y has {len(labels)} columns of 0 and 1, so classes must be "
                    f"{labels.tolist()}, the numbers of the columns; got {classes.tolist()}. If "
                    "each row has one class, pass floats, y.astype(float), which are probabilities"
                )
            return Outputs(LOGISTIC.name, len(labels), labels, loss=self.loss)
        if classes is None:
            classes = classes_of(y)
            if len(classes) == 1:
                warn(
                    f"y has one class only, {classes.tolist()[0]!r}: the model can give no other",
                    UserWarning,
                )
        if y.ndim == 1:
            encode_labels(y, classes)  # says which label is not among them
        output, n_scores = for_classes(len(classes))
        return Outputs(output.name, n_scores, classes, loss=self.loss)

    def answers(self, name: str, words: tuple[str, ...]) -> "LabelAnswers":
        from handgrad.estimators.answers import LabelAnswers

        return LabelAnswers(name, words)

    def outputs_of(self, answers: "LabelAnswers") -> Outputs:
        return self.outputs(answers.labels, None, None)

    def continued(self, fit: Fit, y: Array, classes: Array | None, *, is_stream: bool) -> Fit:
        classes = None if classes is None else classes_of(classes)
        if classes is not None and not np.array_equal(classes, fit.model.classes):
            fit = _grown(fit, classes)
        _check_shape(fit.model, y)
        if is_stream or y.ndim == 2 or classes is not None:
            return fit
        if np.array_equal(classes_of(y), fit.model.classes):
            return fit
        raise ValueError(
            "warm_start can only be used where `y` has the same classes as in the previous "
            f"call to fit. Previously got {fit.model.classes}, `y` has {classes_of(y)}"
        )

    def followed(self, fit: Fit, rows: TrainingRows, *, continuing: bool) -> Fit:
        return fit  # labels have no scale

    def encode(self, model: Model, y: Array) -> Array:
        head = model.architecture.head
        if is_soft(y):
            return head.soft(y, model.params.flat.dtype)
        if y.ndim == 2:
            self._check_several(model, y)
            return y
        y_t = encode_labels(y, model.classes)
        return y_t if head.takes_classes else y_t[:, None]

    def truth(self, model: Model, rows: TrainingRows) -> Truth:
        y, weight = rows.y, rows.weight
        if is_soft(y) and self.class_weight is not None:
            y, weight = self._tilted(model.classes, y, weight)
        y_t = self.encode(model, y)
        if y.ndim == 1 and self.class_weight is not None:
            of_class = y_t.reshape(-1)
            counted = np.bincount(of_class, _relative(weight), minlength=len(model.classes))
            weights = self._weight_of_classes(model.classes, counted)
            weight = _product(weights[of_class], weight)
        return y_t, weight

    def _check_several(self, model: Model, y: Array) -> None:
        n_labels = model.architecture.layer_units[-1]
        if y.shape[1] != n_labels:
            raise DataError(f"y must have {n_labels} columns; got {y.shape[1]}")
        if self.class_weight is not None:
            raise ValueError(
                "class_weight is for one label a row; where a row may have several, weigh the "
                "rows by sample_weight"
            )

    def _tilted(
        self, classes: Array, probabilities: Array, weight: Array | None
    ) -> tuple[Array, NDArray[np.float64]]:
        """Weigh each row by its classes, as if it were one row of each."""
        relative = _relative(weight)
        counted = probabilities if relative is None else relative[:, None] * probabilities
        of_classes = self._weight_of_classes(classes, counted.sum(axis=0))
        divided, factors = tilted(probabilities, of_classes)
        return divided, _product(factors, weight)

    def _weight_of_classes(self, classes: Array, rows: Array) -> NDArray[np.float64]:
        """Weigh the classes, shape (K,), of which there are so many rows, (K,)."""
        if isinstance(self.class_weight, dict):
            return _listed_weight(self.class_weight, classes.tolist())
        balanced: NDArray[np.float64] = np.zeros(len(rows))
        np.divide(rows.sum() / np.count_nonzero(rows), rows, out=balanced, where=rows > 0)
        return balanced

    def strata(self, y: Array) -> tuple[NDArray[np.intp], Array]:
        if is_soft(y):
            return y.argmax(axis=1), y
        if y.ndim == 2:
            return np.zeros(len(y), np.intp), y
        classes = np.unique(y, return_inverse=True)[1]
        return classes, classes

    def chance(self, model: Model, rows: Rows) -> float:
        return model.architecture.head.chance(model.architecture.layer_units[-1])

    def watched(self, n: int) -> str | Callable[..., float]:
        if self.scoring != "auto":
            return self.scoring
        return "accuracy" if self.class_weight is None else "loss"

    def calibrated(self, model: Model, validation: Validation | None) -> Model:
        if self.calibration is None or validation is None or len(model.classes) == 1:
            return model
        score = model.scores(validation.given.columns)
        _, y_t, weight = validation.rows
        temperature = fit_temperature(model.architecture.output, score, y_t, weight)
        return replace(model, temperature=temperature)

    @staticmethod
    def params_from(model: Model) -> dict[str, Any]:
        return {"label_smoothing": model.architecture.loss.label_smoothing}

    @staticmethod
    def check_kind(model: Model) -> None:
        if not model.architecture.head.classifies:
            raise ModelFileError("this model predicts numbers; load it with a regressor")


def _grown(fit: Fit, classes: Array) -> Fit:
    """Give the output layer columns for classes that are named anew."""
    new, old = classes.tolist(), fit.model.classes.tolist()
    if fit.model.is_multilabel or not set(old) < set(new):
        raise ValueError(
            f"classes must be those of the first call, {fit.model.classes}, or these and more; "
            f"got {classes}"
        )
    places = np.array([new.index(label) for label in old], dtype=np.intp)
    grown = [grow(fit.model.architecture, run, places, len(new)) for run in fit.runs]
    runs = tuple(run for _, run in grown)
    fit = replace(fit, runs=runs).with_model(architecture=grown[0][0], classes=classes)
    return replace(fit, model=fit.predicting([run.params for run in runs]))


def _relative(weight: Array | None) -> NDArray[np.float64] | None:
    return None if weight is None else weight / weight.max()


def _product(by_class: Array, weight: Array | None) -> NDArray[np.float64]:
    """Multiply the weights that rows have by their class by those that they are given."""
    if not by_class.any():
        raise ValueError("class_weight must leave at least one row a weight above zero")
    if weight is None:
        return by_class
    both: NDArray[np.float64] = by_class / by_class.max() * (weight / weight.max())
    return both


def _check_shape(model: Model, y: Array) -> None:
    if is_soft(y):
        if model.is_multilabel:
            raise ValueError(
                "y holds probabilities of classes, one class a row; this network has learnt "
                "several labels a row. Fit with warm_start=False to start anew"
            )
        return
    n_labels = model.architecture.layer_units[-1]
    if (y.ndim == 2) != model.is_multilabel or y.shape[1:] not in ((), (n_labels,)):
        wanted = f"(n_samples, {n_labels})" if model.is_multilabel else "(n_samples,)"
        raise ValueError(
            f"y must have the shape of before, {wanted}; got {y.shape}. Of probabilities, each "
            "call has to name the columns by classes"
        )


def _listed_weight(listed: dict[Any, float], classes: list[Any]) -> NDArray[np.float64]:
    unknown = [label for label in listed if label not in classes]
    if unknown:
        raise ValueError(
            f"class_weight has the class {unknown[0]!r}, which is not in y; the classes are "
            f"{classes[:10]}"
        )
    weights = np.array([listed.get(label, 1.0) for label in classes], dtype=np.float64)
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise ValueError(f"class_weight must hold finite numbers, none below 0; got {listed}")
    return weights
