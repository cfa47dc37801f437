"""The column to predict of a table in files: labels or numbers, read portion by portion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import DataError
from handgrad.estimators.target_scale import SHARES
from handgrad.estimators.targets import check_whole
from handgrad.models.model import check_targets
from handgrad.tables import arrow
from handgrad.tables import columns as raw
from handgrad.tables.columns import place
from handgrad.tables.kinds import MISSING_IN_NUMBERS, Column, words_for_missing
from handgrad.tables.labels import labels_of
from handgrad.tables.levels import meaning
from handgrad.tables.recognition.target import plan_of_target, target_numbers
from handgrad.tables.recognition.wishes import Wishes

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.output import Output
    from handgrad.tables.gathering import NumberColumns

Array = NDArray[Any]
Mask = NDArray[np.bool_]


class Answers(Protocol):
    """The answers of rows, kept as numbers: of labels, their places among those seen so far."""

    @property
    def dtype(self) -> np.dtype[Any]: ...

    @property
    def n_strata(self) -> int:
        """How many groups there are, of each of which a part is held back."""

    def whole(self, table: pa.Table) -> tuple[Array, Mask]:
        """Give the answers of a whole table as a user would, and which are missing."""

    def kept(self, table: pa.Table) -> tuple[Array, Mask]:
        """Give the answers of a portion as they are kept, shape (n,), and which are missing."""

    def given(self, kept: Array) -> Array:
        """Turn answers that were kept into those of the user."""

    def strata(self, kept: Array) -> NDArray[np.intp]:
        """Give the group of each answer."""

    def describe(self, columns: NumberColumns) -> None:
        """Take note of the statistics of the rows to learn from, where they matter."""


class LabelAnswers:
    """See `Answers`."""

    dtype: ClassVar = np.dtype(np.intp)

    def __init__(self, name: str, words: tuple[str, ...] = ()) -> None:
        self._name, self._words = name, set(map(meaning, words))
        self._place: dict[Any, int] = {}

    @property
    def n_strata(self) -> int:
        return len(self._place)

    @property
    def labels(self) -> Array:
        """All labels that were seen, in the order in which they came."""
        found = labels_of(np.array(list(self._place), dtype=object))
        check_whole(found, are_rows=False)
        return found

    def whole(self, table: pa.Table) -> tuple[Array, Mask]:
        labels, missing = raw.labels(table, self._name)
        return labels, missing | self._mean_missing(labels.tolist())

    def kept(self, table: pa.Table) -> tuple[Array, Mask]:
        if raw.value_kind_of(table, self._name) in ("text", "csv", "empty"):
            at, distinct = arrow.coded(raw.raw_texts(table, self._name))
            missing = at == len(distinct)
            if raw.value_kind_of(table, self._name) == "csv" and "" in distinct:
                missing |= at == distinct.index("")
        else:
            values, missing = raw.labels(table, self._name)
            check_whole(values[~missing], are_rows=False)
            different, at = np.unique(values, return_inverse=True)
            distinct = different.tolist()
        places = np.full(len(distinct) + 1, -1, dtype=np.intp)
        missing = missing | self._mean_missing([*distinct, None])[at]
        for number in np.unique(at[~missing]).tolist():
            places[number] = self._place.setdefault(distinct[number], len(self._place))
        return places[at], missing

    def _mean_missing(self, labels: list[Any]) -> Mask:
        """Tell which labels are words for a missing one."""
        if not self._words:
            return np.zeros(len(labels), dtype=bool)
        return np.array([meaning(str(label).strip()) in self._words for label in labels], bool)

    def given(self, kept: Array) -> Array:
        labels: Array = self.labels[kept]
        return labels

    def strata(self, kept: Array) -> NDArray[np.intp]:
        return kept

    def describe(self, columns: NumberColumns) -> None:
        """Do nothing: labels have no scale."""


class NumberAnswers:
    """See `Answers`. Numbers in texts are plain ones here, for a notation shows in all of them."""

    dtype: ClassVar = np.dtype(np.float64)
    n_strata: ClassVar = 1

    def __init__(self, name: str, head: Output, words: tuple[str, ...] = ()) -> None:
        self._name, self._head, self._words = name, head, words
        self.mean = self.scale = np.zeros(1)
        self.pairs = np.zeros((1, len(SHARES), 2))

    def whole(self, table: pa.Table) -> tuple[Array, Mask]:
        wishes = Wishes(missing={self._name: self._words})
        numbers = target_numbers(table, plan_of_target(table, self._name, wishes))
        return numbers, np.isnan(numbers)

    def kept(self, table: pa.Table) -> tuple[Array, Mask]:
        missing = words_for_missing(MISSING_IN_NUMBERS, self._words)
        numbers = target_numbers(table, Column(self._name, missing=missing))
        check_targets(numbers, np.float64)
        impossible = self._head.impossible(numbers)
        if impossible.any():
            row = int(impossible.argmax())
            raise DataError(
                f"{place(table, self._name, row)}: {numbers[row]:g} must be "
                f"{self._head.bound_of_y}, for loss={self._head.loss!r} is for "
                f"{self._head.kind_of_y}"
            )
        return numbers, np.isnan(numbers)

    def given(self, kept: Array) -> Array:
        return kept

    def strata(self, kept: Array) -> NDArray[np.intp]:
        return np.zeros(len(kept), np.intp)

    def describe(self, columns: NumberColumns) -> None:
        described = columns.described()
        self.mean, self.scale = described.mean, described.scale
        self.pairs = columns.quantiles(SHARES)
