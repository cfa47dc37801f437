"""A Model: what training gives, what a file holds, and what predicts.

Encoder, architecture, parameters and classes together turn a raw table into labels (or, with
the scale of the targets in place of classes, into numbers); nothing else is kept.
"""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.batch import is_sparse
from handgrad.engines.blas import blas_on_one_thread
from handgrad.engines.choice import missing_packages
from handgrad.losses import OUTPUTS, log_logistic, log_softmax
from handgrad.network import Architecture, forward
from handgrad.params import Params
from handgrad.tables.encode import Encoded, Encoder
from handgrad.tables.kinds import Column

if TYPE_CHECKING:
    import pyarrow as pa

Array = NDArray[Any]

# Rows pass through the products in blocks of this many, the last one filled up with zeros. A
# product rounds differently with the number of rows in it and, in OpenBLAS's larger tiles, with
# a row's place among them; in tiles this small, a row's answer is the same wherever it stands.
BLOCK = 8

# Multiplications of a product that no BLAS divides between threads, which costs more than it.
UNDIVIDED = 1 << 16

DENSE_CELLS = 1 << 20  # a sparse matrix is filled out in parts of so many cells


class TargetScale(NamedTuple):
    """What the network calls 0 and 1 in the numbers it predicts: y = mean + scale * prediction."""

    mean: NDArray[np.float64]  # (N_y,)
    scale: NDArray[np.float64]  # (N_y,), above 0


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
    engine : {"numpy", "compiled"}
        What computes scores: the engine that trained. Files do not keep it.
    scale : TargetScale or None
        Of the numbers that are predicted.
    temperature : float
        Scores are divided by it: above 1, probabilities are less sure of themselves.
    members : tuple of Params
        Further networks of this architecture, whose probabilities are averaged with the first's.
    truth : Column or None
        How the cells of the target are read, where it came from a table.
    """

    encoder: Encoder
    architecture: Architecture
    params: Params
    classes: Array
    target: str | None = None
    engine: str = "numpy"
    scale: TargetScale | None = None
    temperature: float = 1.0
    members: tuple[Params, ...] = ()
    truth: Column | None = None

    @property
    def is_multilabel(self) -> bool:
        """Whether a row may have several labels at once."""
        return self.architecture.output == "logistic" and self.architecture.layer_units[-1] > 1

    def encode(self, columns: "pa.Table | Array | Encoded", *, strict: bool = True) -> Encoded:
        """Turn columns into inputs once, for several predictions; see ``Encoder.encode``."""
        if isinstance(columns, Encoded):
            return columns
        return self.encoder.encode(columns, self.params.flat.dtype, strict=strict)

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
            If a column is missing or a cell cannot be used.
        """
        return self._in_parts(columns, self.params.layer_units[-1], self._x_scores)

    def hidden(self, columns: "pa.Table | Array | Encoded", layer: int) -> Array:
        """Compute what leaves a layer, shape (n, units): 0 gives the inputs, -1 the last hidden.

        Of several networks, it is the first's.
        """
        n_units = self.params.layer_units[:-1][layer]

        def activations(x: Array) -> Array:
            return _in_blocks(
                self.architecture,
                x,
                n_units,
                lambda block: forward(self.architecture, self.params, block).h[layer],
            )

        return self._in_parts(columns, n_units, activations)

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
        score = self._network_scores(self.params, x)
        if self.members:
            others = [self._network_scores(params, x) for params in self.members]
            score = _mean_scores(self.architecture.output, np.stack([score, *others]))
        if self.temperature != 1:
            score /= score.dtype.type(self.temperature)
        return score

    def _network_scores(self, params: Params, x: Array) -> Array:
        if self._is_compiled:
            return self._compiled(params, x, False)
        n_scores = params.layer_units[-1]
        return _in_blocks(
            self.architecture,
            x,
            n_scores,
            lambda block: forward(self.architecture, params, block).score,
        )

    @property
    def _is_compiled(self) -> bool:
        """Whether the compiled engine is wanted, and there: a model may travel without it."""
        return self.engine == "compiled" and not missing_packages()

    def _compiled(self, params: Params, x: Array, probabilities: bool) -> Array:
        from handgrad.engines.compiled import predict

        return predict(self.architecture, params, x, probabilities=probabilities)

    def predict_log_proba(self, columns: "pa.Table | Array | Encoded") -> Array:
        """Compute the logarithm of each class's probability, shape (n, K), from the scores.

        It stays finite where the probability itself underflows to 0.
        """
        return log_proba(self.architecture.output, self.scores(columns))

    def predict_proba(self, columns: "pa.Table | Array | Encoded") -> Array:
        """Compute each class's probability, shape (n, K).

        Rows sum to 1, unless a row may have several labels.
        """
        plain = not (self.members or self.is_multilabel) and self.temperature == 1
        if plain and self._is_compiled and not is_sparse(columns):
            return self._compiled(self.params, self.encode(columns).x, True)
        return proba(self.architecture.output, self.scores(columns))

    def predict(self, columns: "pa.Table | Array | Encoded") -> Array:
        """Give the most probable label of each row, shape (n,).

        Where a row may have several: 1 for each label more probable than not, shape (n, K).
        """
        decided = decide(self.architecture.output, self.scores(columns))
        return decided if self.is_multilabel else self.classes[decided]

    def predict_numbers(self, columns: "pa.Table | Array | Encoded") -> Array:
        """Predict the numbers of each row, shape (n, N_y), in the precision of the network.

        Several quantiles ascend.
        """
        prediction = OUTPUTS[self.architecture.output].predict(self.scores(columns))
        if self.scale is not None:
            whole = self.scale.mean + self.scale.scale * prediction
            prediction = whole.astype(prediction.dtype)
        n_quantiles = self.architecture.layer_units[-1] // self.architecture.n_targets
        if n_quantiles > 1:  # learnt one by one they may cross, sorted they do not
            by_target = prediction.reshape(len(prediction), -1, n_quantiles)
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
        """
        if self.architecture.output == "softmax":
            return y
        columns = y.reshape(len(y), -1)
        if len(self.classes):
            return columns.astype(np.intp)
        if self.scale is not None:
            n_each = self.architecture.layer_units[-1] // self.architecture.n_targets
            mean, scale = (part[::n_each] for part in self.scale)
            columns = (columns - mean) / scale
        learnt: Array = columns.astype(self.params.flat.dtype)
        return learnt


def _in_blocks(
    architecture: Architecture, x: Array, n_outputs: int, compute: Callable[[Array], Array]
) -> Array:
    outcome = np.empty((len(x), n_outputs), x.dtype)
    largest = max(n_in * n_out for n_in, n_out in pairwise(architecture.layer_units))
    with blas_on_one_thread() if BLOCK * largest > UNDIVIDED else nullcontext():
        for start in range(0, len(x), BLOCK):
            block = x[start : start + BLOCK]
            n = len(block)
            if n < BLOCK:
                block = np.concatenate([block, np.zeros((BLOCK - n, x.shape[1]), x.dtype)])
            outcome[start : start + n] = compute(block)[:n]
    return outcome


def _mean_scores(output: str, scores: Array) -> Array:
    """Find the scores whose probabilities are the mean of those of k networks, (k, n, N_y)."""
    if output == "logistic":
        return _log_mean_exp(log_logistic(scores)) - _log_mean_exp(log_logistic(-scores))
    if output == "softmax":
        return _log_mean_exp(np.stack([log_softmax(score) for score in scores]))
    if output == "poisson":
        return _log_mean_exp(scores)
    mean: Array = scores.mean(axis=0)
    return mean


def _log_mean_exp(logarithms: Array) -> Array:
    largest = logarithms.max(axis=0)
    mean: Array = largest + np.log(np.exp(logarithms - largest).mean(axis=0))
    return mean


def log_proba(output: str, score: Array) -> Array:
    """Turn scores (n, N_y) into log-probabilities (n, K); one logistic score means two classes."""
    if output == "logistic" and score.shape[1] == 1:
        return np.column_stack([log_logistic(-score), log_logistic(score)])
    return log_logistic(score) if output == "logistic" else log_softmax(score)


def proba(output: str, score: Array) -> Array:
    """Turn scores (n, N_y) into probabilities (n, K).

    Of several labels none is certain: each probability lies between 0 and 1, both excluded.
    """
    probabilities: Array = np.exp(log_proba(output, score))
    if output == "logistic" and score.shape[1] > 1:
        one = probabilities.dtype.type(1)
        np.clip(probabilities, np.finfo(one).tiny, np.nextafter(one, 0 * one), out=probabilities)
    return probabilities


def decide(output: str, score: Array) -> NDArray[np.intp]:
    """Pick the class number of each row, shape (n,): the highest score, the first of several.

    Several logistic scores are several labels, each yes or no: shape (n, K).
    """
    if output == "logistic":
        yes: NDArray[np.intp] = (score > 0).astype(np.intp)
        return yes if score.shape[1] > 1 else yes[:, 0]
    picked: NDArray[np.intp] = score.argmax(axis=1)
    return picked
