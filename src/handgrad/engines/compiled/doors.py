"""The doors of the library, which take integers and addresses only: a C interface."""

from numba import carray
from numba.core import types
from numba.np.numpy_support import from_dtype

from handgrad.engines.compiled.epoch import run_batches
from handgrad.engines.compiled.halves import carry_all, gradient_of_rows, move_by
from handgrad.engines.compiled.joining import join_rows
from handgrad.engines.compiled.layout import LAYER, PLAN, RATES, RESULTS, ROOM, WIDE
from handgrad.engines.compiled.prediction import predict_rows


def run(
    thread, threads, first, last, t, plan, layers, n_layers, wides, n_wides, rates, picked, work,
    sums, sync,
):  # fmt: skip
    """See ``epoch.run_batches``."""
    plans = carray(plan, 1)
    run_batches(
        thread, threads, first, last, t, plans, carray(layers, n_layers), carray(wides, n_wides),
        carray(rates, 1), carray(picked, 1), carray(work, 1),
        carray(sums, RESULTS + plans[0].n_squares), carray(sync, 1),
    )  # fmt: skip


def carry(back, plan, layers, n_layers, wides, n_wides, rates, picked, work, sums, sync):
    """See ``halves.carry_all``."""
    plans = carray(plan, 1)
    carry_all(
        back != 0, plans[0], carray(layers, n_layers), carray(wides, n_wides), carray(work, 1),
        carray(sums, RESULTS + plans[0].n_squares),
    )  # fmt: skip


def gradient(
    first, n, of, keys, out, plan, layers, n_layers, wides, n_wides, rates, picked, work, sums, sync
):
    """See ``halves.gradient_of_rows``."""
    plans = carray(plan, 1)
    gradient_of_rows(
        first, n, of, keys, out, plans[0], carray(layers, n_layers), carray(wides, n_wides),
        carray(rates, 1)[0], carray(picked, 1), carray(work, 1),
        carray(sums, RESULTS + plans[0].n_squares),
    )  # fmt: skip


def move(
    gradient, batch, t, plan, layers, n_layers, wides, n_wides, rates, picked, work, sums, sync
):
    """See ``halves.move_by``."""
    plans = carray(plan, 1)
    move_by(
        gradient, batch, t, plans[0], carray(layers, n_layers), carray(wides, n_wides),
        carray(rates, 1)[0], carray(work, 1), carray(sums, RESULTS + plans[0].n_squares),
    )  # fmt: skip


def predict(
    begin, end, x, flat, out, layers, n_layers, rooms, wides, n_wides, output, probabilities, work
):
    """See ``prediction.predict_rows``."""
    predict_rows(
        begin, end, x, flat, out, carray(layers, n_layers), carray(rooms, 1),
        carray(wides, n_wides), output, probabilities != 0, carray(work, 1),
    )  # fmt: skip


def join(
    begin, end, scores, n_rows, n_networks, n_scores, weights, out, output, probabilities, work
):
    """See ``joining.join_rows``."""
    join_rows(
        begin, end, scores, n_rows, n_networks, n_scores, weights, out, output,
        probabilities != 0, carray(work, 1),
    )  # fmt: skip


def signatures(element):
    """Give the doors with their signatures in numba's types, for float32 or float64."""
    i, p = types.int64, types.CPointer
    kinds = PLAN, LAYER, WIDE, RATES, ROOM
    plan, layer, wide, rates, room = (p(from_dtype(kind)) for kind in kinds)
    floats, sums = p(element), p(types.float64)
    training = plan, layer, i, wide, i, rates, p(i), floats, sums, p(i)
    return {
        run: types.void(i, i, i, i, i, *training),
        carry: types.void(i, *training),
        gradient: types.void(i, i, i, i, i, *training),
        move: types.void(i, i, i, *training),
        predict: types.void(i, i, i, i, i, layer, i, room, wide, i, i, i, floats),
        join: types.void(i, i, i, i, i, i, i, i, i, i, floats),
    }
