"""The path of a fit to a table in files that memory does not hold: three looks, then piles.

looked through   the plan of the columns; answers, weights and keys of rows go to the disk
set apart        rows that are only looked at, by their keys, as in memory
gathered         means, medians and levels: the encoder is the same as in memory, to the bit
encoded          all rows, once, into a temporary file; those that are watched, into memory
learnt           pile by pile (``engines/piled.py``), by the same steps as in memory
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.atomic_file import check_scratch_room
from handgrad.engines.spool import BESIDE, Piles, Stored
from handgrad.errors import DataError, warn
from handgrad.estimators.checks import check_columns, precision
from handgrad.estimators.fitting import begun, concluded, own_validation
from handgrad.estimators.parameters import bit_generator, check_settings
from handgrad.estimators.planning import frequency_of, warn_of_plan, wishes_of
from handgrad.estimators.rows import TrainingRows, Validation
from handgrad.estimators.source import bytes_of
from handgrad.optim import SOLVERS
from handgrad.tables.columns import place
from handgrad.tables.gathering import GATHERED, Gathering, NumberColumns, Weighing
from handgrad.tables.marks import with_counts
from handgrad.tables.plan import Plan
from handgrad.tables.recognition.digest import Digest
from handgrad.tables.rows import row_keys, take
from handgrad.tables.statistics import BLOCK_ROWS
from handgrad.text import listed
from handgrad.training.held_stored import StoredKeys, n_last

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.estimators.answers import Answers
    from handgrad.estimators.rows import HeldOut
    from handgrad.estimators.source import Parquet
    from handgrad.estimators.state import Fit
    from handgrad.estimators.task import Job, Task
    from handgrad.models.model import Model
    from handgrad.tables.files.portions import Portions

Array = NDArray[Any]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

FOR_PILES, FOR_VALIDATION = 0.5, 0.25  # of the memory; the rest is for portions and orders


def fitted_in_piles(job: Job, source: Parquet, held_out: HeldOut) -> Fit:
    """Fit to a table that stays in its files.

    Raises
    ------
    ValueError, TypeError
        If settings or data cannot be used; nothing has been trained then.
    DivergenceError
        If the loss or a parameter stops being finite.
    OSError
        If a file cannot be read, or temporary files have no room.
    """
    estimator = job.estimator
    check_settings(estimator, held_out, needs_held_back=job.task.needs_held_back)
    _check_goes_in_piles(job, source)
    bits = bit_generator(estimator.random_state)
    job.keeper.chance(bits, estimator.random_state)
    sets_apart = held_out.X is None and (
        job.task.needs_held_back or (estimator.early_stopping and estimator.solver in SOLVERS)
    )
    seed = int(bits.random_raw()) if sets_apart else None
    with ExitStack() as stack:
        table = _Table(job, source, stack)
        table.look_through(seed)
        held = table.set_apart() if sets_apart else np.zeros(0, np.intp)
        encoder = table.gathered(held)
        outputs = job.task.outputs_of(table.answers)
        dtype = precision(estimator.dtype, source.features(table.portions.head))
        now = begun(estimator, encoder, outputs, dtype, bits)
        now = replace(now, held_back=table.places(held), split_seed=seed)
        learning, validation = table.encoded(now.model, held)
        if held_out.X is not None:
            validation = own_validation(estimator, job.task, now.model, held_out)
        return concluded(job, now, learning, validation)


def rows_of(source: Parquet, task: Task) -> tuple[pa.Table, Array, Floats | None]:
    """Read a table that fits into memory: its columns, answers, and weights if it has any.

    Raises
    ------
    DataError
        If columns or answers are lacking.
    """
    table = source.whole()
    source.check_columns(table)
    y, missing = task.answers(source.target, source.missing).whole(table)
    _check_labelled(table, missing, source)
    columns, weight = source.features(table), source.weights(table)
    if missing.any():
        rows = np.flatnonzero(~missing)
        columns, y, weight = take(columns, rows), y[rows], _taken(weight, rows)
    return columns, y, weight


def _check_labelled(table: pa.Table, missing: Mask, source: Parquet) -> None:
    if missing.any() and source.unlabelled != "drop":
        raise DataError(
            f"{place(table, source.target, int(missing.argmax()))}: every row needs an answer; "
            "fill it, drop the row, or pass unlabelled='drop'"
        )


def _check_goes_in_piles(job: Job, source: Parquet) -> None:
    """Refuse what needs all rows in memory.

    Raises
    ------
    ValueError
        The message says what it is, and how much memory it would take.
    """
    estimator = job.estimator
    needs = []
    if estimator.solver not in SOLVERS:
        needs.append(f"solver={estimator.solver!r} (take 'adam')")
    if estimator.preprocess not in GATHERED:
        needs.append(f"preprocess={estimator.preprocess!r} (take 'auto' or 'robust')")
    if source.weight is not None and estimator.early_stopping and not estimator.shuffle:
        needs.append("shuffle=False with early stopping and weights (pass X_val)")
    if needs:
        raise ValueError(
            f"{' and '.join(needs)} needs all rows in memory, some {source.needed:,} bytes, more "
            f"than memory={source.memory!r}; raise it"
        )


class _Part(NamedTuple):
    """The rows of a portion that count."""

    columns: pa.Table
    first: int  # of all rows that count
    kept: Array  # their answers, as they are kept
    weight: Floats | None


class _Table:
    """A table in files, and what is known of its rows so far."""

    def __init__(self, job: Job, source: Parquet, stack: ExitStack) -> None:
        self._job, self._source, self._stack = job, source, stack
        self.portions: Portions = stack.enter_context(source.portions())
        self.answers: Answers = job.task.answers(source.target, source.missing)
        self._n = self._row_bytes = 0
        self._skipped: list[tuple[int, Array]] = []  # rows that do not count: first row, which
        self._kept = self._stored(self.answers.dtype)
        self._strata = self._stored(np.dtype(np.intp))
        self._keys = self._stored(np.dtype(np.uint64))
        self._weight = None if source.weight is None else self._stored(np.dtype(np.float64))
        self._weighing: Weighing | None = None
        self._plan = Plan(())

    def _stored(self, dtype: np.dtype[Any], row_shape: tuple[int, ...] = ()) -> Stored:
        stored = Stored(row_shape, dtype)
        self._stack.callback(stored.close)
        return stored

    # -- looked through ---------------------------------------------------------------------------

    def look_through(self, seed: int | None) -> None:
        """Make the plan of the columns; keep answers, weights and keys of all rows."""
        estimator, source = self._job.estimator, self._source
        head = check_columns(estimator, source.features(self.portions.head), None)
        digest = None
        if not isinstance(estimator.kinds, Plan):
            digest = Digest(head, wishes_of(estimator))
        for part in self._parts():
            if digest is not None:
                digest.add(part.columns)
            self._kept.add(part.kept)
            self._strata.add(self.answers.strata(part.kept))
            if seed is not None:
                self._keys.add(row_keys(part.columns, seed))
            if self._weight is not None:
                self._weight.add(np.asarray(part.weight))
            self._n = part.first + len(part.kept)
            if len(part.kept):
                self._row_bytes = max(self._row_bytes, -(-part.columns.nbytes // len(part.kept)))
        for stored in (self._kept, self._strata, self._keys, self._weight):
            if stored is not None:
                stored.end()
        if not self._n:
            raise DataError("there are no rows; at least one is needed")
        if digest is None:
            self._plan = _given_plan(estimator.kinds, head)
        else:
            self._plan = digest.plan()
            warn_of_plan(self._plan)

    def _parts(self) -> Iterator[_Part]:
        """Go through the rows that count, in the order of the file."""
        source, first, row = self._source, 0, 0
        self._skipped = []
        for table in self.portions.tables():
            kept, missing = self.answers.kept(table)
            weight = source.weights(table)
            _check_labelled(table, missing, source)
            counted = ~missing if weight is None else ~missing & (weight > 0)
            columns = source.features(table)
            if not counted.all():
                rows = np.flatnonzero(counted)
                self._skipped.append((row, np.flatnonzero(~counted)))
                # messages name columns alone, for the rows are no longer those of the file
                columns = with_counts(take(columns, rows), np.ones(len(rows), np.int64))
                kept, weight = kept[rows], None if weight is None else weight[rows]
            yield _Part(columns, first, kept, weight)
            first, row = first + len(kept), row + len(missing)

    def places(self, rows: Array) -> Array:
        """Give the places of rows that count among all rows of the files."""
        skipped = np.concatenate([np.arange(0), *(first + some for first, some in self._skipped)])
        before = skipped - np.arange(len(skipped))  # how many rows count before each
        places: Array = rows + np.searchsorted(before, rows, side="right")
        return places

    # -- set apart --------------------------------------------------------------------------------

    def set_apart(self) -> Array:
        """Choose the rows that are only looked at, ascending."""
        estimator = self._job.estimator
        share = float(estimator.validation_fraction)
        if share == 0:
            raise ValueError(
                "early stopping and calibration need held-back rows, so 'validation_fraction' must "
                "be above 0; got 0"
            )
        # as they come, and encoded
        row_bytes = self._row_bytes + 16 * self.portions.head.num_columns
        most = int(self._memory * FOR_VALIDATION) // row_bytes
        if share * self._n > most:
            warn(
                f"{share:g} of {self._n:,} rows to validate with do not fit into a quarter of the "
                f"memory; holding back {most:,}",
                UserWarning,
            )
            share = most / self._n
        if not estimator.shuffle:
            return np.arange(self._n - n_last(self._n, share), self._n)
        keys = StoredKeys(self._keys, self._strata, self._weight, self.answers.n_strata)
        held = keys.held_back(share)
        if len(held) * 2 < share * self._n and share * self._n >= 1:
            warn(
                f"{share:g} of {self._n:,} rows leaves {len(held):,} to validate with, because "
                "equal rows stay together; pass X_val",
                UserWarning,
            )
        return held

    @property
    def _memory(self) -> int:
        assert self._source.memory is not None
        return bytes_of(self._source.memory)

    # -- gathered ---------------------------------------------------------------------------------

    def gathered(self, held: Array) -> Any:
        """Fit the encoder, and the scale of numbers to learn, to all rows but those held back."""
        self._weighing = self._weighed(held)
        estimator = self._job.estimator
        check_scratch_room(8 * self._n * len(self._plan.scaled))
        with (
            Gathering(
                self._plan,
                self._weighing,
                frequency=frequency_of(estimator),
                has_skip=bool(estimator.skip),
                method=str(estimator.preprocess),
            ) as gathering,
            NumberColumns(1, self._weighing) as numbers,
        ):
            for part in self._parts():
                learns = _is_learnt(part, held)
                gathering.add(part.columns, learns, part.weight)
                kept = part.kept.astype(np.float64)[:, None]
                numbers.add(kept, learns, part.weight)
            self.answers.describe(numbers)
            return gathering.encoder()

    def _weighed(self, held: Array) -> Weighing | None:
        if self._weight is None:
            return None
        largest, smallest = 0.0, np.inf
        for start, weight in _chunks(self._weight):
            learns = np.ones(len(weight), dtype=bool)
            low, high = np.searchsorted(held, (start, start + len(weight)))
            learns[held[low:high] - start] = False
            if learns.any():
                largest = max(largest, float(weight[learns].max()))
                smallest = min(smallest, float(weight[learns].min()))
        return Weighing(largest, smallest)

    # -- encoded ----------------------------------------------------------------------------------

    def encoded(self, model: Model, held: Array) -> tuple[Piles, Validation | None]:
        """Encode all rows: those to learn from onto the disk, those held back into memory."""
        task, dtype = self._job.task, model.params.flat.dtype
        n_inputs, n = model.encoder.n_inputs, self._n - len(held)
        weigh = self._loss_weights(model, held)
        first = task.encode(model, self.answers.given(self._kept.part(0, 1)))
        x, y_t = self._stored(dtype, (n_inputs,)), self._stored(first.dtype, first.shape[1:])
        stored_weight = None if weigh is None else self._stored(dtype)
        row_bytes = x.row_bytes + y_t.row_bytes + dtype.itemsize
        smallest = self._smallest_pile(row_bytes)
        check_scratch_room(n * row_bytes)
        watched: list[_Part] = []
        for part in self._parts():
            learns = _is_learnt(part, held)
            rows = np.flatnonzero(learns)
            given = self.answers.given(part.kept)
            encoded = model.encoder.transform(part.columns, dtype)
            x.add(encoded if len(rows) == len(given) else encoded[rows])
            y_t.add(task.encode(model, given[rows]))
            if stored_weight is not None and weigh is not None:
                stored_weight.add(weigh(part.kept[rows], _taken(part.weight, rows)))
            if len(rows) < len(given):
                watched.append(_taken_part(part, np.flatnonzero(~learns)))
        pile = max(int(self._memory * FOR_PILES), smallest)
        piles = Piles(x, y_t, stored_weight, pile)
        return piles, self._watched(model, watched, held) if len(held) else None

    def _smallest_pile(self, row_bytes: int) -> int:
        """Refuse batches that are longer than a pile may be."""
        size = self._job.estimator.batch_size
        needed = (200 if isinstance(size, str) else int(size)) * (row_bytes + BESIDE)
        if needed > self._memory:
            raise ValueError(
                f"batch_size={size} takes {needed:,} bytes, more than memory="
                f"{self._source.memory!r}; take smaller batches, or raise it"
            )
        return needed

    def _loss_weights(self, model: Model, held: Array) -> Any:
        """Make what weighs rows to learn from for the loss: of mean 1, as in memory."""
        of_class = self._class_weights(model, held)
        if of_class is None and self._weight is None:
            return None

        def relative(kept: Array, weight: Floats | None) -> Floats:
            found = np.ones(len(kept)) if weight is None else weight
            return found if of_class is None else found * of_class[kept]

        largest, total, n = 0.0, 0.0, 0
        for _, kept, weight in self._learning(held):
            largest = max(largest, float(relative(kept, weight).max(initial=0)))
        for _, kept, weight in self._learning(held):
            some = relative(kept, weight) / largest
            total, n = total + float(some.sum()), n + len(some)
        dtype = model.params.flat.dtype

        def weigh(kept: Array, weight: Floats | None) -> Array:
            return (relative(kept, weight) / largest / (total / n)).astype(dtype)

        return weigh

    def _class_weights(self, model: Model, held: Array) -> Floats | None:
        """Ask the task what a row of each class weighs, by telling it what all of them do."""
        n_classes = self.answers.n_strata
        if n_classes == 1:
            return None
        totals = np.zeros(n_classes)
        for _, kept, weight in self._learning(held):
            totals += np.bincount(kept, weight, minlength=n_classes)
        there = np.flatnonzero(totals)
        labels = self.answers.given(there)
        of_all = TrainingRows(None, labels, totals[there], there)
        _, found = self._job.task.truth(model, of_all)
        if found is None or found is of_all.weight:
            return None
        of_class = np.zeros(n_classes)
        of_class[there] = found / totals[there]
        relative: Floats = of_class / of_class.max()
        return relative

    def _learning(self, held: Array) -> Iterator[tuple[int, Array, Floats | None]]:
        """Go through answers and weights of the rows to learn from, in blocks as in memory."""
        waiting: list[Array] = []
        weights: list[Array] = []
        for start, kept in _chunks(self._kept):
            low, high = np.searchsorted(held, (start, start + len(kept)))
            rows = np.delete(np.arange(len(kept)), held[low:high] - start)
            waiting.append(kept[rows])
            if self._weight is not None:
                weights.append(self._weight.part(start, start + len(kept))[rows])
            if sum(map(len, waiting)) >= BLOCK_ROWS:
                whole = np.concatenate(waiting)
                of_whole = np.concatenate(weights) if weights else None
                end = len(whole) // BLOCK_ROWS * BLOCK_ROWS
                for at in range(0, end, BLOCK_ROWS):
                    block = slice(at, at + BLOCK_ROWS)
                    yield start, whole[block], None if of_whole is None else of_whole[block]
                waiting = [whole[end:]]
                weights = [] if of_whole is None else [of_whole[end:]]
        last = np.concatenate(waiting)
        yield self._n, last, np.concatenate(weights) if weights else None

    def _watched(self, model: Model, parts: list[_Part], held: Array) -> Validation:
        import pyarrow as pa

        bare = [part.columns.replace_schema_metadata(None) for part in parts]
        columns = pa.concat_tables(bare).combine_chunks()
        y = self.answers.given(np.concatenate([part.kept for part in parts]))
        weight = None
        if self._weight is not None:
            weight = np.concatenate([np.asarray(part.weight) for part in parts])
        given = TrainingRows(columns, y, weight, np.arange(len(held)))
        return Validation.of(model, self._job.task, given, columns)


def _given_plan(plan: Plan, head: Any) -> Plan:
    if plan.names != tuple(head.column_names):
        raise DataError(
            f"the plan is of the columns {listed(list(plan.names))}, the table has "
            f"{listed(head.column_names)}; fit without kinds, or on the same columns"
        )
    return plan


def _is_learnt(part: _Part, held: Array) -> Mask:
    learns = np.ones(len(part.kept), dtype=bool)
    low, high = np.searchsorted(held, (part.first, part.first + len(part.kept)))
    learns[held[low:high] - part.first] = False
    return learns


def _taken(weight: Floats | None, rows: Array) -> Floats | None:
    return None if weight is None else weight[rows]


def _taken_part(part: _Part, rows: Array) -> _Part:
    return _Part(take(part.columns, rows), 0, part.kept[rows], _taken(part.weight, rows))


def _chunks(stored: Stored) -> Iterator[tuple[int, Array]]:
    for start in range(0, stored.n, 16 * BLOCK_ROWS):
        yield start, stored.part(start, start + 16 * BLOCK_ROWS)
