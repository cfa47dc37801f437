"""A Model: what training gives, what a file holds, and what predicts.

Encoder, architecture, parameters and classes together turn a raw table into labels (or, with
the scale of the targets in place of classes, into numbers); nothing else is kept.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from handgrad.batch import is_sparse
from handgrad.engines import choice
from handgrad.engines.choice import AUTO
from handgrad.engines.numpy import BLOCK, hidden
from handgrad.engines.seam import Backend, Team
from handgrad.errors import DataError
from handgrad.models.desks import Desks
from handgrad.models.predictor import Predictor
from handgrad.network import Architecture, check_finite
from handgrad.params import Params
from handgrad.tables.encode import Encoded, Encoder
from handgrad.tables.kinds import Column
from handgrad.tables.one_row import RowEncoder

if TYPE_CHECKING:
    import pyarrow as pa

Array = NDArray[Any]

DENSE_CELLS = 1 << 20  # a sparse matrix is filled out in parts of so many cells


# Numbers to learn are at most so large: predictions go beyond them, and their squares are summed.
LARGEST_TARGET = {"float32": 1e37, "float64": 1e140}


# A thousand times the smallest normal number: what an infinite score leaves another class.
LEAST = {dtype: 1e3 * np.finfo(dtype).tiny for dtype in map(np.dtype, ("float32", "float64"))}


class TargetScale(NamedTuple):
    """What the network calls 0 and 1 in the numbers it predicts: y = mean + scale * prediction."""

    mean: NDArray[np.float64]  # (N_y,)
    scale: NDArray[np.float64]  # (N_y,), above 0


class Bounds(NamedTuple):
    """The least and the largest number that is predicted: those seen in training."""

    low: NDArray[np.float64]  # (N_y,)
    high: NDArray[np.float64]  # (N_y,)


@dataclass(frozen=True, eq=False)
class Model:
    """A trained classifier or regressor.

    Attributes
    ----------
    encoder : Encoder
        From columns to the matrix x of shape (n, N_x).
    architecture : Architecture
        Output "softmax" with a score a class; "logistic" with the one score of class 1 of 2, or
        with a score for each of several labels that a row may have at once; "identity" for
        numbers.
    params : Params
        The weights and biases, float32 or float64.
    classes : array of shape (K,)
        The labels in ascending order, of their own dtype; none where numbers are predicted.
    target : str or None
        The name of the column that the labels came from, where it is known.
    engine : "auto" or a name of ``engines.choice.BACKENDS``
        What computes scores; "auto" is the fastest available. Files do not keep it.
    scale : TargetScale or None
        Of the numbers that are predicted.
    temperature : float
        Scores are divided by it: above 1, probabilities are less sure of themselves.
    members : tuple of Params
        Further networks, whose probabilities are averaged with the first's: of this architecture,
        but for the units of their hidden layers.
    shares : tuple of float
        The share of each network in the mean, above 0, together 1; empty for equal shares.
    truth : Column or None
        How the cells of the target are read, where it came from a table.
    bounds : Bounds or None
        The least and largest numbers to predict.
    settings : dict
        Parameters of the estimator that trained it, which the model itself does not show: for
        whoever trains on.
    """

    encoder: Encoder
    architecture: Architecture
    params: Params
    classes: Array
    target: str | None = None
    engine: str = AUTO
    scale: TargetScale | None = None
    temperature: float = 1.0
    members: tuple[Params, ...] = ()
    shares: tuple[float, ...] = ()
    truth: Column | None = None
    bounds: Bounds | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def target_names(self) -> list[str]:
        """Name the columns of predicted numbers, by target where there are several and quantile."""
        n_targets = self.architecture.n_targets
        targets = ["prediction"]
        if n_targets > 1:
            targets = [f"prediction {target + 1}" for target in range(n_targets)]
        quantiles = self.architecture.head.quantiles(self.architecture.loss)
        return (
            [f"{name} {q:g}" for name in targets for q in quantiles] if quantiles[1:] else targets
        )

    @property
    def is_multilabel(self) -> bool:
        """Whether a row may have several labels at once."""
        return self.architecture.head.is_multilabel(self.architecture.layer_units[-1])

    @property
    def networks(self) -> tuple[Params, ...]:
        """The parameters of every network."""
        return (self.params, *self.members)

    def architecture_of(self, network: Params) -> Architecture:
        """Give the architecture of one of the networks."""
        units, known = network.layer_units, self._architectures
        if units not in known:
            known[units] = replace(self.architecture, layer_units=units)
        return known[units]

    @cached_property
    def _architectures(self) -> dict[tuple[int, ...], Architecture]:
        return {self.architecture.layer_units: self.architecture}

    @property
    def team(self) -> Team:
        """The networks as engines take them."""
        networks = tuple((self.architecture_of(network), network) for network in self.networks)
        shares = np.array(self.shares, self.params.flat.dtype) if self.shares else None
        return Team(networks, shares, self.temperature)

    @property
    def sizes(self) -> Counter[tuple[int, ...]]:
        """How many networks have which units."""
        return Counter(network.layer_units for network in self.networks)

    def with_networks(self, networks: Sequence[Params]) -> "Model":
        """Give the networks new parameters."""
        model = object.__new__(Model)  # every epoch does so; ``replace`` takes five times as long
        vars(model).update(vars(self), params=networks[0], members=tuple(networks[1:]))
        vars(model).pop("desks", None)  # they look at the networks that were
        return model

    def __getstate__(self) -> dict[str, Any]:
        """Keep the fields alone: what is prepared for an engine travels nowhere."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def encode(self, columns: "pa.Table | Array | Encoded", *, strict: bool = True) -> Encoded:
        """Turn columns into inputs once, for several predictions; see ``Encoder.encode``."""
        if isinstance(columns, Encoded):
            return columns
        return self.encoder.encode(columns, self.params.flat.dtype, strict=strict)

    @cached_property
    def rows(self) -> RowEncoder:
        """What encodes one row at a time."""
        return RowEncoder(self.encoder, self.params.flat.dtype)

    def encode_row(self, row: Any) -> Encoded:
        """Turn one row into inputs, faster than a table of it: see ``RowEncoder.put``."""
        x = np.empty((1, self.architecture.n_inputs), self.params.flat.dtype)
        self.rows.put(row, x[0])
        return Encoded(x)

    def scores(self, columns: "pa.Table | Array | Encoded") -> Array:
        """Compute the scores before softmax or logistic, shape (n, N_y).

        Those of several networks are the scores that give their mean probability.

        Parameters
        ----------
        columns : pyarrow.Table or array of shape (n, n_columns)
            Raw columns as ``read_table`` or ``from_frame`` give them, matched by name; or a
            numeric matrix in the order of the encoder's names, CSR too; or what `encode` gave.

        Raises
        ------
        DataError
            If a column is missing or a cell cannot be used, or the scores of a row are not finite.
        """
        n_scores = self.params.layer_units[-1]
        return self.checked_scores(self._in_parts(columns, n_scores, self._x_scores))

    def predictor(self) -> Predictor:
        """Prepare to predict one row at a time, as services do, in some microseconds."""
        return Predictor(self)

    @cached_property
    def desks(self) -> Desks:
        """What predicts one row at a time."""
        return Desks(self._backend, self.team, gives_proba=self._gives_proba)

    @property
    def _gives_proba(self) -> bool:
        """Whether probabilities are more than the scores' own, one by one."""
        return self.architecture.head.classifies and not self.is_multilabel

    def hidden(self, columns: "pa.Table | Array | Encoded", layer: int) -> Array:
        """Compute what leaves a layer, shape (n, units): 0 gives the inputs, -1 the last hidden.

        Of several networks, it is the first's.
        """
        found = self._in_parts(
            columns,
            self.params.layer_units[:-1][layer],
            lambda x: hidden(self.architecture, self.params, x, layer),
        )
        check_finite(found, self.networks[:1], "hidden units")
        return found

    def _in_parts(
        self,
        columns: "pa.Table | Array | Encoded",
        n_outputs: int,
        compute: Callable[[Array], Array],
    ) -> Array:
        """Encode and compute: dense rows at once, sparse ones in parts that fit the memory."""
        dtype = self.params.flat.dtype
        if isinstance(columns, Encoded):
            return compute(columns.x)
        if not is_sparse(columns):
            return compute(self.encoder.transform(columns, dtype))
        sparse: Any = columns
        outcome = np.empty((sparse.shape[0], n_outputs), dtype)
        n_part = max(BLOCK, DENSE_CELLS // max(1, sparse.shape[1]))
        for start in range(0, len(outcome), n_part):
            dense = sparse[start : start + n_part].toarray()
            x = self.encoder.transform(dense, dtype)
            outcome[start : start + len(x)] = compute(x)
        return outcome

    def _x_scores(self, x: Array) -> Array:
        if len(x) == 1:
            return self.desks.scores(x)
        return self._backend.predict(self.team, x, proba=False)

    def checked_scores(self, score: Array) -> Array:
        """Refuse infinite scores, (n, N_y)."""
        check_finite(score, self.networks)
        return score

    @property
    def _backend(self) -> Backend:
        return choice.predictor(self.engine, self.architecture)

    def predict_log_proba(self, columns: "pa.Table | Array | Encoded") -> Array:
        """Compute the logarithm of each class's probability, shape (n, K), from the scores.

        It stays finite where the probability itself underflows to 0.
        """
        return self.architecture.head.log_proba(self.scores(columns))

    def predict_proba(self, columns: "pa.Table | Array | Encoded") -> Array:
        """Compute each class's probability, shape (n, K).

        Rows sum to 1, unless a row may have several labels.
        """
        if self._gives_proba:
            return self._in_parts(columns, len(self.classes), self._x_proba)
        return self.architecture.head.proba(self.scores(columns))

    def _x_proba(self, x: Array) -> Array:
        one = len(x) == 1
        found = self.desks.proba(x) if one else self._backend.predict(self.team, x, proba=True)
        return self.checked_proba(found, x)

    def checked_proba(self, found: Array, x: Array) -> Array:
        """Refuse probabilities (n, K) of inputs x where the scores are infinite."""
        least = LEAST[found.dtype]
        if not found.min(initial=1) > least:  # NaN is not
            rows = np.flatnonzero(~(found > least).all(axis=1))
            score = self._backend.predict(self.team, x[rows], proba=False)
            check_finite(score, self.networks)
        return found

    def predict(self, columns: "pa.Table | Array | Encoded") -> Array:
        """Give the most probable label of each row, shape (n,).

        Where a row may have several: 1 for each label more probable than not, shape (n, K).
        """
        return self.labels_of(self.scores(columns))

    def labels_of(self, score: Array) -> Array:
        """Give what `predict` does, from the scores."""
        decided = self.architecture.head.decide(score)
        return decided if self.is_multilabel else self.classes[decided]

    def predict_numbers(self, columns: "pa.Table | Array | Encoded") -> Array:
        """Predict the numbers of each row, shape (n, N_y), in the precision of the network.

        Several quantiles ascend.

        Raises
        ------
        DataError
            As for `scores`; or if a prediction is too large for the precision of the network.
        """
        return self.numbers_of(self.scores(columns))

    def numbers_of(self, score: Array) -> Array:
        """Give what `predict_numbers` does, from the scores; perhaps the scores themselves."""
        with np.errstate(over="ignore"):
            prediction = self.architecture.head.predict(score)
            if self.scale is not None:
                whole = self.scale.mean + self.scale.scale * prediction
                prediction = whole.astype(prediction.dtype)
        check_finite(prediction, self.networks, "predictions")
        if self.bounds is not None:
            low, high = (bound.astype(prediction.dtype) for bound in self.bounds)
            prediction = np.clip(prediction, low, high)
        n_each = self.architecture.n_each
        if n_each > 1:  # learnt one by one they may cross, sorted they do not
            by_target = prediction.reshape(len(prediction), -1, n_each)
            prediction = np.sort(by_target, axis=2).reshape(prediction.shape)
        return prediction

    def learnt(self, y: Array) -> Array:
        """Give the truth as the network learns it.

        Parameters
        ----------
        y : array of shape (n,) or (n, N_y)
            Class numbers; numbers as they are predicted; or 1 for each label of a row, and 0.

        Returns
        -------
        array
            Class numbers of shape (n,) for softmax; else shape (n, N_y), numbers in the scale of
            the targets and in the precision of the network.

        Raises
        ------
        DataError
            If numbers are too large to compute with in that precision.
        """
        if self.architecture.head.takes_classes:
            return y
        columns = y.reshape(len(y), -1)
        if len(self.classes):
            return columns.astype(np.intp)
        dtype = self.params.flat.dtype
        check_targets(columns, dtype)
        if self.scale is not None:
            mean, scale = (part[:: self.architecture.n_each] for part in self.scale)
            with np.errstate(over="ignore"):  # of a wild number beside a tiny scale
                columns = (columns - mean) / scale
        _check_squares(columns, dtype)
        learnt: Array = columns.astype(dtype)
        return learnt


def check_targets(y: Array, dtype: DTypeLike) -> None:
    """Refuse numbers to learn that are too large for the predictions and sums of a precision.

    Raises
    ------
    DataError
        With the largest of them.
    """
    name, farthest = str(np.dtype(dtype)), _farthest(y)
    if abs(farthest) > LARGEST_TARGET[name]:
        more = {"dtype": "pass dtype='float64'"} if name == "float32" else {}
        raise DataError(
            f"y reaches {farthest:.3g}, too large to learn in {name}, where it must be at most "
            f"{LARGEST_TARGET[name]:g}; divide y by a power of ten",
            **more,
        )


def _check_squares(learnt: Array, dtype: np.dtype[Any]) -> None:
    """Refuse numbers whose squares, in the scale in which they are learnt, overflow."""
    farthest = _farthest(learnt)
    if abs(farthest) > float(np.finfo(dtype).max) ** 0.5 / 10:
        raise DataError(
            f"y is learnt in a scale in which it reaches {farthest:.3g}, whose square is too large "
            f"for {dtype}; leave such rows out",
            scale_target="fit anew with scale_target=True",
        )


def _farthest(y: Array) -> float:
    """Find the number farthest from 0; of none, 0."""
    return float(y.flat[np.abs(y).argmax()]) if y.size else 0.0
