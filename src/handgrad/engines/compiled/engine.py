"""The compiled engine as training sees it: memory laid out, threads dealt out, epochs called.

The kernels are in the library that was compiled with the package (see ``library.py``).
"""

import ctypes
import time
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.batch import Rows, is_sparse
from handgrad.dropout import layer_keys, threshold
from handgrad.engines.compiled import layout, library
from handgrad.engines.compiled.asking import aligned, check_status, predict, readable
from handgrad.engines.compiled.pace import Pace
from handgrad.engines.compiled.threads import share
from handgrad.engines.seam import Diverged, Measured, bad_input, first_bad_batch
from handgrad.network import Architecture
from handgrad.optim import Optimizer, Steps, kernel_of
from handgrad.params import Params

Array = NDArray[Any]

PLAN_FIELDS = {name: position for position, name in enumerate(layout.PLAN.names or ())}


BORROWED = ("flat", "slot_vectors", "order")  # fields of the plan: addresses of the caller's arrays

SECONDS_A_CALL = 0.05  # compiled code does not see an interrupt; so often Python looks for one


class Compiled:
    """See ``seam.Engine``.

    Parameters
    ----------
    architecture, rows, steps
        As for every engine; the rows are dense.
    threads : int
        How many threads share a step, at most: fewer while other engines of this process run.
        The result does not depend on it.
    """

    uses_blas = False  # it has threads of its own

    def __init__(
        self,
        architecture: Architecture,
        rows: Rows,
        steps: Steps,
        *,
        threads: int = 1,
    ) -> None:
        if architecture.without_kernel:
            raise ValueError(
                f"the compiled engine has no kernel for {' and '.join(architecture.without_kernel)}"
                "; train with engine='numpy'"
            )
        self._architecture, self._rows = architecture, rows
        self._threads, self._pace = threads, Pace(threads)
        self._batch_size = min(steps.batch_size, len(rows))
        self._batches = -(-len(rows) // self._batch_size)
        self._batches_a_call = 1
        self._lanes = library.vector_bytes() // rows.x.dtype.itemsize
        self._plan = np.zeros(1, layout.PLAN)
        self._plan_fields = self._plan.view(np.int64)
        self._layers = np.zeros(len(architecture.layer_units) - 1, layout.LAYER)
        self._rates = np.zeros(1, layout.RATES)
        for name in layout.STEP_SETTINGS:
            self._rates[name] = getattr(steps, name)
        self._seed, self._n_dropping = steps.seed, len(steps.dropout) if any(steps.dropout) else 0
        for layer, part in zip(self._layers, steps.dropout, strict=False):
            layer["drops"] = np.uint64(threshold(part)).astype(np.int64)
        self._set_rule(steps.optimizer)
        self._set_factors(architecture, steps.factors)
        self._hold_rows(rows)
        self._lay_out(architecture, steps.optimizer.n_slots)
        self._bad_rows = rows.not_finite()
        self._picked = np.zeros(self._batch_size, np.int64)
        self._sums = np.zeros(layout.RESULTS + int(self._plan["n_squares"][0]))
        self._learning_rates = np.zeros(self._batches)
        self._set("learning_rates", self._learning_rates.ctypes.data)
        self._lent: tuple[Any, ...] = (None,) * len(BORROWED)
        self._door = library.door("run", rows.x.dtype.name)
        self._meet_anew()

    def _meet_anew(self) -> None:
        """Set up a place where threads meet that none of an earlier, broken-off call knows."""
        self._sync = np.zeros(2 * layout.LEAVE, np.int64)
        others = self._rates, self._picked, self._work, self._sums, self._sync
        self._addresses = (
            self._plan.ctypes.data,
            self._layers.ctypes.data,
            len(self._layers),
            self._wides.ctypes.data,
            len(self._wides),
            *(array.ctypes.data for array in others),
        )

    def _set_rule(self, rule: Optimizer) -> None:
        kernel = kernel_of(rule)
        if kernel not in layout.RULE_NAMES:
            raise ValueError(
                f"the compiled engine has no kernel for {type(rule).__name__}; train it with "
                "engine='numpy'"
            )
        self._plan["rule"] = layout.RULE_NAMES.index(kernel)
        for name in layout.RULE_SETTINGS:
            self._rates[name] = getattr(rule, name, 0.0)

    def _set_factors(self, architecture: Architecture, factors: tuple[float, ...]) -> None:
        n = 2 * len(self._layers) + (architecture.skip != ()) + architecture.scales
        if factors and len(factors) != n:  # the kernels check nothing
            raise ValueError(f"there must be a factor for each of {n} parameters; got {factors}")
        self._factors = np.array(factors or (1.0,) * n)
        self._plan["factors"] = self._factors.ctypes.data

    def _hold_rows(self, rows: Rows) -> None:
        """Note where the rows are, copying only what does not lie as the kernels read it."""
        plan, dtype = self._plan, rows.x.dtype
        labels = rows.y_t.ndim == 1
        self._owned = [
            readable(rows.x, dtype),
            readable(rows.y_t, np.dtype(np.int64) if labels else dtype),
            readable(np.zeros(0) if rows.weight is None else rows.weight, dtype),
        ]
        x, y_t, weight = (array.ctypes.data for array in self._owned)
        plan["rows"], plan["labels" if labels else "targets"], plan["weights"] = x, y_t, weight
        plan["weighted"] = rows.weight is not None
        plan["n_rows"] = len(rows)
        plan["batch_size"] = self._batch_size

    def _lay_out(self, architecture: Architecture, n_slots: int) -> None:
        """Give everything that the kernels use its place in one array."""
        units, plan, layers = architecture.layer_units, self._plan, self._layers
        plan["output"] = layout.OUTPUT_NAMES.index(architecture.output)
        plan["n_inputs"], plan["n_outputs"] = architecture.n_inputs, units[-1]
        plan["n_deep"], plan["scales"] = units[0], architecture.scales
        plan["n_targets"] = architecture.n_targets
        plan["n_quantiles"] = architecture.n_each
        plan["n_slots"], plan["n_parameters"] = n_slots, architecture.n_parameters
        size = self._place_beside(architecture, self._place_parameters(units))
        plan["slots"] = plan["slot"] = size
        plan["whole"] = size * (1 + n_slots)
        size *= 2 + n_slots
        tall = self._padded(self._batch_size)
        for layer, name in zip(layers[:-1], architecture.activations, strict=True):
            layer["activation"] = layout.ACTIVATION_NAMES.index(name)
            keeps = layer["activation"] in layout.KEEPING_SLOPES or layer["drops"] != 0
            layer["keeps"] = keeps
            for place in ("h", "d", "slope") if keeps else ("h", "d"):
                layer[place] = size
                size += tall * int(layer["columns"])
        # Without a hidden layer the head reads rows of x as vectors: they must be padded.
        pads_x = len(layers) == 1 and units[0] % self._lanes > 0
        self._must_gather = pads_x or architecture.skip != () or architecture.scales
        padded_x = self._padded(units[0])
        x_row = padded_x if len(layers) == 1 or architecture.scales else units[0]
        score_row = tall + self._lanes
        plan["x_row"], plan["score_row"] = x_row, score_row
        block = layout.BLOCK_ROWS * (layout.BLOCK_VECTORS + 1) * self._lanes
        v_row = layout.classes_a_row(units[-1], self._lanes) if architecture.skip else 0
        plan["v_row"], plan["u_row"], plan["parts_row"] = v_row, tall, padded_x
        size = layout.place_tables(self._wides, v_row, self._lanes, size)
        column = (self._wides["size"] + (self._wides["n"] + 3) * v_row).max(initial=0)  # and nodes
        plan["gradient_size"] = max(block, *map(self._padded, (*units, int(column))))
        target = architecture.n_targets * score_row
        if self._rows.y_t.ndim == 1:  # class numbers, which are in ``picked``
            target = tall * (architecture.loss.label_smoothing > 0)
        for name, need in {
            "x": self._batch_size * x_row,
            "score": units[-1] * score_row,
            "target": target,
            "quantiles": int(plan["n_quantiles"][0]),
            "weight": tall,
            "loss": tall,
            "hit": tall,
            "zeros": self._padded(max(units)),
            "u": len(self._wides) * tall,
            "by_row": tall * v_row if v_row > 1 else 0,
            "scaled": self._batch_size * x_row * architecture.scales,
            "parts": max(1, int(plan["n_parts"][0])) * padded_x * architecture.scales,
            "gradient": self._threads * int(plan["gradient_size"][0]),
        }.items():
            plan[name] = size
            size += self._padded(need)
        self._work = aligned(size, self._rows.x.dtype)
        start = int(plan["weight"][0])
        self._work[start : start + tall] = 1
        self._tell_loss(architecture)

    def _tell_loss(self, architecture: Architecture) -> None:
        settings = architecture.loss
        self._rates["smoothing"], self._rates["delta"] = settings.label_smoothing, settings.delta
        quantiles, start = architecture.head.quantiles(settings), int(self._plan["quantiles"][0])
        self._work[start : start + len(quantiles)] = quantiles

    def _place_parameters(self, units: tuple[int, ...]) -> int:
        place = flat = 0
        for number, (n_in, n_out) in enumerate(pairwise(units)):
            layer, last = self._layers[number], number == len(self._layers) - 1
            layer["n_in"], layer["n_out"], layer["flat"] = n_in, n_out, flat
            layer["columns"] = self._padded(n_in if last else n_out)
            layer["W"] = place
            layer["b"] = place = place + int(layer["columns"]) * (n_out if last else n_in)
            place += self._padded(n_out)
            flat += (n_in + 1) * n_out
            self._plan["n_squares"] += (int(layer["columns"]) + self._padded(n_out)) // self._lanes
        return place

    def _place_beside(self, architecture: Architecture, place: int) -> int:
        """Place V and s behind the layers."""
        units, plan = architecture.layer_units, self._plan
        in_layers = architecture.n_parameters - architecture.beside.count(units)
        plan["squares_of_V"] = plan["n_squares"]
        self._wides, plan["s"] = layout.lay_out_skip(
            architecture.skip, units[-1], self._lanes, in_layers, place
        )
        end = int(plan["s"][0]) + architecture.scales * self._padded(units[0])
        plan["n_squares"] += (end - place) // self._lanes
        if len(units) > 2:
            plan["n_parts"] = self._layers[0]["columns"] // self._lanes
        return end

    def _padded(self, n: int) -> int:
        return -(-n // self._lanes) * self._lanes

    def run_epoch(
        self,
        params: Params,
        slots: Array,
        updates: int,
        rates: float | NDArray[np.float64],
        order: NDArray[np.intp] | None,
    ) -> Measured:
        if order is not None:
            order = readable(order, np.dtype(np.int64))
            if order.shape != (len(self._rows),):  # the kernels check nothing
                raise ValueError(
                    f"order must name each of {len(self._rows)} rows; got {order.shape}"
                )
        if isinstance(rates, np.ndarray) and rates.shape != (self._batches,):
            raise ValueError(f"there must be {self._batches} learning rates; got {rates.shape}")
        self._learning_rates[:] = rates
        if self._n_dropping:
            self._keys = layer_keys(self._seed, updates + 1, self._batches, self._n_dropping)
            self._set("keys", self._keys.ctypes.data)
        self._set("gathers", int(order is not None or self._must_gather))
        self._borrow(params.flat, slots, order)
        bad_batch = first_bad_batch(self._bad_rows, order, self._batch_size)
        end = self._batches if bad_batch is None else bad_batch - 1
        first = 0
        while first < end:
            last, threads = min(end, first + self._batches_a_call), self._pace.threads()
            started = time.perf_counter()
            self._run_batches(first, last, int(updates), threads)
            seconds = max(time.perf_counter() - started, 1e-6) / (last - first)
            if last - first == end or first:  # parameters are packed in the first call
                self._pace.note(threads, seconds)
            self._batches_a_call = 1 + int(SECONDS_A_CALL / seconds)
            first = last
        if bad_batch is not None:
            raise bad_input(bad_batch, float(self._sums[layout.BAD_LOSS]) if end else None)
        n = len(self._rows)
        sums = self._sums[: layout.RESULTS].tolist()
        return Measured(sums[layout.LOSS] / n, sums[layout.RIGHT] / n, sums[layout.NORM])

    def scores(self, params: Params, x: Any) -> Array:
        dense = x.toarray() if is_sparse(x) else x
        return predict(
            self._architecture, params, dense, probabilities=False, threads=self._threads
        )

    def _borrow(self, flat: Array, slots: Array, order: Array | None) -> None:
        """Note where arrays of the caller lie, and keep them: threads know their addresses alone.

        Asking an array for its address takes a microsecond, as long as a step of a tiny net.
        """
        lent = flat, slots, order
        for number, (name, array) in enumerate(zip(BORROWED, lent, strict=True)):
            if array is not self._lent[number]:
                self._set(name, self._address(array, written=name != "order"))
        self._lent = lent

    def _address(self, array: Array | None, *, written: bool) -> int:
        if array is None or not array.size:
            return 0
        if not written:
            return int(array.ctypes.data)
        _check_written(array, self._work.dtype)
        buffer: Any = array
        return ctypes.addressof(ctypes.c_char.from_buffer(buffer))  # half as long as ctypes.data

    def _set(self, name: str, value: int) -> None:
        """Write a field of the plan, at a tenth of the price of ``plan[name] = value``."""
        self._plan_fields[PLAN_FIELDS[name]] = value

    def _call_off(self) -> None:
        self._sync[layout.LEAVE] = 1
        self._meet_anew()

    def _run_batches(self, first: int, last: int, updates: int, threads: int) -> None:
        addresses, door = self._addresses, self._door

        def run(thread: int, threads: int) -> None:
            check_status(door(thread, threads, first, last, updates, *addresses))

        share(run, threads, leave=self._call_off)
        sums = self._sums[: layout.RESULTS].tolist()
        if sums[layout.BAD_BATCH]:
            batch = int(sums[layout.BAD_BATCH])
            what = f"the loss became {sums[layout.BAD_LOSS]}"
            raise Diverged(what, batch, sums[layout.LAST_LOSS] if batch > 1 else None)
        if sums[layout.NOT_FINITE]:
            what = "a parameter or its slot was not finite"
            raise Diverged(what, None, sums[layout.BAD_LOSS])


def _check_written(array: Array, dtype: np.dtype[Any]) -> None:
    """Refuse an array that the kernels cannot write to: they ask nobody, and the process dies."""
    if not (array.flags.carray and array.dtype == dtype):
        lies = "writable" if array.flags.writeable else "read-only"
        raise ValueError(
            f"parameters and slots must be writable, contiguous, aligned and of {dtype}, for they "
            f"are trained in place; got {lies} {array.dtype} (strides {array.strides}). Pass a copy"
        )
