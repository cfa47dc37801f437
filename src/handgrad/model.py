"""A Model: what training gives, what a file holds, and what predicts.

Encoder, architecture, parameters and classes together turn a raw table into labels; nothing
else is needed, and nothing else is kept.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handgrad.encode import Encoder
from handgrad.engines.choice import missing_packages
from handgrad.losses import log_logistic, log_softmax
from handgrad.network import Architecture, forward
from handgrad.params import Params
from handgrad.rows import is_sparse

if TYPE_CHECKING:
    import pyarrow as pa

Array = NDArray[Any]

# Rows pass through the products in blocks of this many, the last one filled up with zeros. A
# product rounds differently with the number of rows in it and, in OpenBLAS's larger tiles, with
# a row's place among them; in tiles this small, a row's answer is the same wherever it stands.
BLOCK = 8

DENSE_CELLS = 1 << 20  # a sparse matrix is filled out in parts of so many cells


@dataclass(frozen=True, eq=False)
class Model:
    """A trained classifier.

    Attributes
    ----------
    encoder : Encoder
        From columns to the matrix x of shape (n, N_x).
    architecture : Architecture
        Output "softmax" with a score a class, or "logistic" with the one score of class 1 of 2.
    params : Params
        The weights and biases, float32 or float64.
    classes : array of shape (K,)
        The labels in ascending order, of their own dtype.
    target : str or None
        The name of the column that the labels came from, where it is known.
    engine : {"numpy", "compiled"}
        What computes scores: the engine that trained. Files do not keep it.
    """

    encoder: Encoder
    architecture: Architecture
    params: Params
    classes: Array
    target: str | None = None
    engine: str = "numpy"

    def scores(self, columns: "pa.Table | Array") -> Array:
        """Compute the scores before softmax or logistic, shape (n, N_y).

        Parameters
        ----------
        columns : pyarrow.Table or array of shape (n, n_columns)
            Raw columns as ``table.read_table`` or ``table.from_frame`` give them, matched by
            name; or a numeric matrix in the order of the encoder's names; CSR too.

        Raises
        ------
        DataError
            If a column is missing or a cell cannot be used.
        """
        dtype = self.params.flat.dtype
        if not is_sparse(columns):
            return self._x_scores(self.encoder.transform(columns, dtype))
        sparse: Any = columns
        scores = np.empty((sparse.shape[0], self.params.layer_units[-1]), dtype)
        n_part = max(BLOCK, DENSE_CELLS // max(1, sparse.shape[1]))
        for start in range(0, len(scores), n_part):
            dense = sparse[start : start + n_part].toarray()
            x = self.encoder.transform(dense, dtype)
            scores[start : start + len(x)] = self._x_scores(x)
        return scores

    def _x_scores(self, x: Array) -> Array:
        return self._compiled(x, False) if self._is_compiled else self._block_scores(x)

    @property
    def _is_compiled(self) -> bool:
        """Whether the compiled engine is wanted, and there: a model may travel without it."""
        return self.engine == "compiled" and not missing_packages()

    def _compiled(self, x: Array, probabilities: bool) -> Array:
        from handgrad.engines.compiled import predict

        return predict(self.architecture, self.params, x, probabilities=probabilities)

    def _block_scores(self, x: Array) -> Array:
        scores = np.empty((len(x), self.params.layer_units[-1]), x.dtype)
        for start in range(0, len(x), BLOCK):
            block = x[start : start + BLOCK]
            n = len(block)
            if n < BLOCK:
                block = np.concatenate([block, np.zeros((BLOCK - n, x.shape[1]), x.dtype)])
            scores[start : start + n] = forward(self.architecture, self.params, block).score[:n]
        return scores

    def predict_log_proba(self, columns: "pa.Table | Array") -> Array:
        """Compute the logarithm of each class's probability, shape (n, K), from the scores.

        It stays finite where the probability itself underflows to 0.
        """
        return log_proba(self.architecture.output, self.scores(columns))

    def predict_proba(self, columns: "pa.Table | Array") -> Array:
        """Compute each class's probability, shape (n, K); rows sum to 1."""
        if self._is_compiled and not is_sparse(columns):
            x = self.encoder.transform(columns, self.params.flat.dtype)
            return self._compiled(x, True)
        return proba(self.architecture.output, self.scores(columns))

    def predict(self, columns: "pa.Table | Array") -> Array:
        """Give the most probable label of each row, shape (n,)."""
        return self.classes[decide(self.architecture.output, self.scores(columns))]


def log_proba(output: str, score: Array) -> Array:
    """Turn scores (n, N_y) into log-probabilities (n, K); one logistic score means two classes."""
    if output == "logistic":
        return np.column_stack([log_logistic(-score), log_logistic(score)])
    return log_softmax(score)


def proba(output: str, score: Array) -> Array:
    """Turn scores (n, N_y) into probabilities (n, K)."""
    probabilities: Array = np.exp(log_proba(output, score))
    return probabilities


def decide(output: str, score: Array) -> NDArray[np.intp]:
    """Pick the class number of each row, shape (n,): the highest score, the first of several."""
    if output == "logistic":
        return (score[:, 0] > 0).astype(np.intp)
    picked: NDArray[np.intp] = score.argmax(axis=1)
    return picked
