"""The compiled engine's products and kernels, one by one, against NumPy."""

import ctypes
from itertools import product

import numpy as np
import pytest
from scipy import special

from handgrad import losses
from handgrad.activations import ACTIVATIONS
from handgrad.optim import SGD, Adam
from handgrad.outputs import OUTPUTS

pytest.importorskip("numba", reason="the compiled engine is not installed")

import llvmlite.binding as llvm
from numba import njit
from numba.core import types

from handgrad.engines.compiled import activations, kernels, products, rules
from handgrad.engines.compiled.called import load_called
from handgrad.engines.compiled.layout import ACTIVATION_NAMES as NUMBERED
from handgrad.engines.compiled.layout import KEEPING_SLOPES
from handgrad.engines.compiled.layout import OUTPUT_NAMES as NUMBERED_LOSSES
from handgrad.engines.compiled.vectors import VECTOR_BYTES, pointer, store
from handgrad.engines.compiled.vectors import load as load_vector

DTYPES = ["float32", "float64"]
for name in DTYPES:  # or what is called by name cannot be found
    load_called(getattr(types, name))
SLOPED = tuple(NUMBERED[kernel] for kernel in KEEPING_SLOPES)  # these keep slopes
BY_PRODUCT = {"relu"}
dtypes = pytest.mark.parametrize("dtype", DTYPES)

# A few roundings of the largest result; the series of exp and log end below rounding.
FEW_ROUNDINGS = {"float32": 1e-6, "float64": 1e-15}


def lanes(dtype):
    return VECTOR_BYTES // np.dtype(dtype).itemsize


def padded(n, dtype):
    return -(-n // lanes(dtype)) * lanes(dtype)


def normal(*shape, dtype, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


# -- products ----------------------------------------------------------------------------------


def native(name, dtype, *kinds):
    """The compiled product itself; arrays go in as pointers."""
    address = llvm.address_of_symbol(f"handgrad_{name}_{dtype}")
    return ctypes.CFUNCTYPE(None, *kinds)(address)


WHOLE, REAL, POINTER = ctypes.c_int64, ctypes.c_double, ctypes.c_void_p


def multiply(A, B, C, end, *, alpha=1.0, beta=0.0, extra=None, transposed=False):
    function = native(
        "multiply", C.dtype.name,
        *(WHOLE, WHOLE, WHOLE, REAL, POINTER, WHOLE, WHOLE, POINTER, WHOLE, REAL, POINTER, WHOLE),
        *(WHOLE, POINTER),
    )  # fmt: skip
    m, k = A.shape
    held = np.full((k, m + 3) if transposed else (m, k + 3), np.nan, A.dtype)  # rows lie apart
    held[:, :-3] = A.T if transposed else A
    A, (a_row, a_column) = held, (1, m + 3) if transposed else (k + 3, 1)
    extra = C if extra is None else extra
    function(
        m, C.shape[1], k, alpha, A.ctypes.data, a_row, a_column, B.ctypes.data, B.shape[1], beta,
        C.ctypes.data, C.shape[1], end, extra.ctypes.data,
    )  # fmt: skip


ROWS = [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 17, 24, 31, 33]
DEPTHS = [1, 2, 3, 4, 5, 191, 192, 193, 385]
VECTORS = [1, 2, 3, 4, 5, 6, 7, 8, 9]


def close(got, expected, terms):
    """Compare up to the roundings of sums of so many terms of order 1."""
    limit = np.finfo(got.dtype).eps * (8 + 2 * terms)
    np.testing.assert_allclose(got, expected, rtol=0, atol=limit)


@dtypes
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("m", ROWS)
def test_products_of_every_shape(dtype, m, transposed):
    for k, vectors in product(DEPTHS, VECTORS):
        n = vectors * lanes(dtype)
        A, B = normal(m, k, dtype=dtype), normal(k, n, dtype=dtype, seed=1)
        bias, h = normal(n, dtype=dtype, seed=2), normal(m, n, dtype=dtype, seed=3)
        before = normal(m, n, dtype=dtype, seed=4)
        expected = A.astype(float) @ B.astype(float)
        for end, wanted, options in (
            (products.STORE, 0.5 * expected, {"alpha": 0.5}),
            (
                products.ADD,
                before - 0.1 * (expected + 0.3 * before),
                {"alpha": -0.1, "beta": 0.3},
            ),
            (products.BIAS, np.maximum(0.25, expected + bias), {"beta": 0.25, "extra": bias}),
            (products.BIAS, expected + bias, {"beta": -np.inf, "extra": bias}),
            (products.RELU_BACKWARD, np.where(h > 0, expected, 0), {"extra": h}),
        ):
            guarded = np.full((m + 2, n), 7, dtype)  # rows of C that no product may touch
            guarded[1:-1] = before
            multiply(A, B, guarded[1:-1], end, transposed=transposed, **options)
            close(guarded[1:-1], wanted, k)
            assert (guarded[[0, -1]] == 7).all()


@dtypes
@pytest.mark.parametrize("end", [products.STORE, products.ADD, products.BIAS])
def test_a_product_does_not_depend_on_its_neighbours(dtype, end):
    """However rows and columns are dealt out: the same bits."""
    n = 7 * lanes(dtype)
    A, B = normal(40, 400, dtype=dtype), normal(400, n, dtype=dtype, seed=1)
    bias = normal(n, dtype=dtype, seed=2)
    extra = bias if end == products.BIAS else None
    whole = np.ones((40, n), dtype)
    multiply(A, B, whole, end, alpha=0.3, beta=0.1, extra=extra)
    for rows in [slice(0, 1), slice(0, 2), slice(3, 10), slice(39, 40), slice(5, 38)]:
        part = np.ones((len(A[rows]), n), dtype)
        multiply(A[rows], B, part, end, alpha=0.3, beta=0.1, extra=extra)
        assert np.array_equal(part, whole[rows])
    for first, last in [(0, 1), (1, 3), (2, 6), (6, 7)]:
        columns = slice(first * lanes(dtype), last * lanes(dtype))
        part = np.ones((40, columns.stop - columns.start), dtype)
        some = None if extra is None else extra[columns].copy()
        multiply(A, B[:, columns].copy(), part, end, alpha=0.3, beta=0.1, extra=some)
        assert np.array_equal(part, whole[:, columns])


@dtypes
@pytest.mark.parametrize("end", [products.STORE, products.ADD, products.BIAS])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_passes_a_product(dtype, end, bad):
    n = 5 * lanes(dtype)
    A, B = normal(9, 30, dtype=dtype), normal(30, n, dtype=dtype, seed=1)
    A[4, 7] = bad
    C = np.ones((9, n), dtype)
    extra = np.zeros(n, dtype) if end == products.BIAS else None
    multiply(A, B, C, end, alpha=1.0, beta=-np.inf if end == products.BIAS else 0.0, extra=extra)
    assert not np.isfinite(C[4]).any()
    assert np.isfinite(np.delete(C, 4, axis=0)).all()


@dtypes
def test_relu_lets_nan_pass(dtype):
    n = lanes(dtype)
    for m in 1, 2, 3, 9:
        A, B = np.full((m, 3), np.nan, dtype), np.ones((3, n), dtype)
        C, bias = np.zeros((m, n), dtype), np.zeros(n, dtype)
        multiply(A, B, C, products.BIAS, beta=0.0, extra=bias)
        assert np.isnan(C).all()


@dtypes
def test_relu_has_slope_zero_at_zero(dtype):
    n = lanes(dtype)
    h = np.resize(np.array([0, -0.0, 1e-30, 2, -1], dtype), (4, n)).copy()
    C = np.full((4, n), 9, dtype)
    ones = np.ones((4, 1), dtype)
    multiply(ones, np.ones((1, n), dtype), C, products.RELU_BACKWARD, extra=h)
    assert np.array_equal(C, h > 0)


def row_products(A, B, bias, transposed=False):
    m, n = len(A), len(B)
    function = native(
        "row_products", A.dtype.name,
        *(WHOLE, WHOLE, WHOLE, POINTER, WHOLE, POINTER, WHOLE, POINTER, POINTER, WHOLE, WHOLE),
    )  # fmt: skip
    C = np.full((n + 1, m + 1) if transposed else (m + 1, n + 1), 7, A.dtype)
    strides = (1, m + 1) if transposed else (n + 1, 1)
    k = A.shape[1]
    function(m, n, k, A.ctypes.data, k, B.ctypes.data, k, bias.ctypes.data, C.ctypes.data, *strides)
    C = C.T if transposed else C
    assert (C[-1] == 7).all()
    assert (C[:, -1] == 7).all()
    return C[:-1, :-1]


@dtypes
@pytest.mark.parametrize("transposed", [False, True])
def test_products_of_rows(dtype, transposed):
    for m, n, vectors in product([1, 2, 3, 4, 5, 8, 9], [1, 2, 3, 4, 5, 7, 10], [1, 2, 5]):
        k = vectors * lanes(dtype)
        A, B = normal(m, k, dtype=dtype), normal(n, k, dtype=dtype, seed=1)
        bias = normal(n, dtype=dtype, seed=2)
        got = row_products(A, B, bias, transposed)
        close(got, A.astype(float) @ B.T.astype(float) + bias, k)
        for i in range(m):
            assert np.array_equal(row_products(A[i : i + 1].copy(), B, bias, transposed), got[[i]])


# -- functions of a vector ---------------------------------------------------------------------


def of_arrays(function):
    """Let a function of one vector run over an array of whole vectors."""

    @njit(error_model="numpy")
    def over(v, result, width):
        p, r = pointer(v), pointer(result)
        for i in range(0, v.size, width):
            store(kernels.at(r, i), function(load_vector(kernels.at(p, i))))

    def run(v):
        whole = np.resize(v, padded(len(v), v.dtype))
        result = np.empty_like(whole)
        over(whole, result, lanes(v.dtype))
        return result[: len(v)]

    return run


exp, log, log1p = map(of_arrays, (kernels.exp, kernels.log, kernels.log1p))


@dtypes
def test_exp(dtype):
    largest = 87.0 if dtype == "float32" else 708.0
    for limit in 1e-30, 1e-3, 1.0, 10.0, largest:
        v = np.linspace(-limit, limit, 10_001).astype(dtype)
        expected = np.exp(v.astype(np.longdouble))
        np.testing.assert_allclose(exp(v), expected, rtol=2 * np.finfo(dtype).eps)
    assert exp(np.zeros(3, dtype)).tolist() == [1, 1, 1]


@dtypes
def test_exp_beyond_its_range(dtype):
    """It stays a number of the normal range; NaN stays NaN."""
    with np.errstate(over="ignore"):
        v = np.array([-np.inf, -1e30, -800, 800, 1e30, np.inf], dtype)
    got = exp(v)
    assert (got[:3] < 2e-38).all()
    assert (got[:3] > 0).all()
    assert (got[3:] > 1e38).all()
    assert np.isfinite(got).all()
    assert np.isnan(exp(np.array([np.nan, -np.nan], dtype))).all()


@dtypes
def test_log(dtype):
    for v in np.linspace(0.5, 3, 10_001), np.logspace(-37, 37, 10_001), np.arange(1.0, 2000):
        v = v.astype(dtype)
        expected = np.log(v.astype(np.longdouble))
        np.testing.assert_allclose(
            log(v), expected, rtol=4 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps / 4
        )
    assert log(np.ones(1, dtype)) == [0]
    assert np.isnan(log(np.array([np.nan], dtype)))


@dtypes
def test_log1p(dtype):
    for v in np.linspace(0, 1, 10_001), np.logspace(-36, 0, 1000):
        v = v.astype(dtype)
        expected = np.log1p(v.astype(np.longdouble))
        np.testing.assert_allclose(log1p(v), expected, rtol=4 * np.finfo(dtype).eps)
    assert np.isnan(log1p(np.array([np.nan], dtype)))


# -- activations -------------------------------------------------------------------------------


@njit(error_model="numpy")
def activate(H, n, activation):
    activations.activate(pointer(H), n, activation)


@njit(error_model="numpy")
def activate_backward(D, H, n, activation):
    activations.activate_backward(pointer(D), pointer(H), n, activation)


@njit(error_model="numpy")
def activate_and_slope(H, S, n, activation):
    activations.activate_and_slope(pointer(H), pointer(S), n, activation)


def test_activations_are_numbered_alike():
    assert set(NUMBERED) == {name for name, of in ACTIVATIONS.items() if of.has_kernel}
    for name in NUMBERED:
        assert NUMBERED[getattr(activations, name.upper())] == name


def test_every_output_that_promises_a_kernel_has_one():
    assert set(NUMBERED_LOSSES) == {name for name, of in OUTPUTS.items() if of.has_kernel}


@dtypes
@pytest.mark.parametrize("activation", sorted(set(NUMBERED) - BY_PRODUCT))
def test_activations(dtype, activation):
    r = np.concatenate([np.linspace(-30, 30, 9999), np.logspace(-30, 0, 99), [0, 1e4, -1e4, -1e30]])
    r = np.resize(r, padded(len(r), dtype)).astype(dtype)
    h = np.append(r, np.full(lanes(dtype), 7, dtype))
    activate(h, len(r), NUMBERED.index(activation))
    assert (h[len(r) :] == 7).all()
    expected = ACTIVATIONS[activation].forward(r.astype(float))
    # exp(-900) is about the smallest normal number here; it may multiply an r of 1e30
    atol = 1e-7 if activation in SLOPED else 1e-37
    near = np.abs(r) < 100
    rtol = 5 * np.finfo(dtype).eps
    np.testing.assert_allclose(h[: len(r)], expected, rtol=rtol, atol=atol)
    if activation != "gelu":  # its x^2 is rounded before exp
        np.testing.assert_allclose(h[: len(r)][near], expected[near], rtol=rtol, atol=1e-36)


@dtypes
@pytest.mark.parametrize("activation", sorted(set(NUMBERED) - BY_PRODUCT))
def test_activations_of_what_is_not_finite(dtype, activation):
    bad = np.full(16, np.nan, dtype)
    activate(bad, 16, NUMBERED.index(activation))
    assert np.isnan(bad).all()
    if activation in SLOPED:  # -inf times 0
        return
    h = np.resize(np.array([np.nan, np.inf, -np.inf, -np.nan], dtype), 16).copy()
    expected = ACTIVATIONS[activation].forward(h)
    activate(h, 16, NUMBERED.index(activation))
    np.testing.assert_allclose(h, expected, atol=1e-37)


@dtypes
@pytest.mark.parametrize("activation", SLOPED)
def test_slopes(dtype, activation):
    r = np.concatenate([np.linspace(-30, 30, 9999), [0, 1e4, -1e4, 1e30, -1e30]])
    r = np.resize(r, padded(len(r), dtype)).astype(dtype)
    h, slope = r.copy(), np.full(len(r) + lanes(dtype), 7, dtype)
    activate_and_slope(h, slope, len(r), NUMBERED.index(activation))
    assert (slope[len(r) :] == 7).all()
    wide = r.astype(float)
    expected = ACTIVATIONS[activation].backward(np.ones_like(wide), wide, h.astype(float))
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(slope[: len(r)], expected, rtol=5 * eps, atol=5 * eps)


@dtypes
def test_gelu_keeps_its_digits(dtype):
    """Against SciPy's normal distribution; x^2 < 13 is rounded by so many units before exp."""
    r = np.linspace(-5, 5, 9999)
    r = np.resize(r, padded(len(r), dtype)).astype(dtype)
    h = r.copy()
    activate(h, len(h), activations.GELU)
    expected = r.astype(float) * special.ndtr(r.astype(float))
    np.testing.assert_allclose(h, expected, rtol=20 * np.finfo(dtype).eps)


@dtypes
@pytest.mark.parametrize("activation", [name for name in NUMBERED if name not in SLOPED])
def test_activations_backward(dtype, activation):
    n = 20 * lanes(dtype)
    r, dh = normal(n, dtype=dtype), normal(n, dtype=dtype, seed=1)
    r[:3] = 0, -0.0, 1e-30
    h = ACTIVATIONS[activation].forward(r.copy())
    expected = ACTIVATIONS[activation].backward(dh.copy(), r, h)
    d = np.append(dh, np.full(lanes(dtype), 7, dtype))
    activate_backward(d, h, n, NUMBERED.index(activation))
    assert (d[n:] == 7).all()
    np.testing.assert_allclose(d[:n], expected, rtol=8 * np.finfo(dtype).eps, atol=1e-37)


# -- sums over rows ----------------------------------------------------------------------------


@njit(error_model="numpy")
def sum_rows(v, n):
    return kernels.sum_rows(pointer(v), n)


@njit(error_model="numpy")
def sum_columns(D, d_row, n, width, result):
    kernels.sum_columns(pointer(D), d_row, n, width, pointer(result))


LENGTHS = [1, 2, 3, 15, 16, 17, 31, 255, 256, 257, 511, 512, 1000]


@dtypes
def test_sums_of_rows(dtype):
    for n in LENGTHS:
        v = normal(n + 40, dtype=dtype)
        v[n:] = np.nan  # what lies behind does not count
        rounding = float(np.finfo(dtype).eps * np.abs(v[:n]).sum())
        assert sum_rows(v, n) == pytest.approx(v[:n].astype(float).sum(), rel=0, abs=rounding)


def test_sums_of_many_rows_accumulate_in_float64():
    v = np.full(3_000_000, 1.1, np.float32)
    assert sum_rows(v, len(v)) == pytest.approx(len(v) * float(v[0]), rel=1e-6)


@dtypes
def test_sums_of_columns(dtype):
    for n, vectors in product(LENGTHS, [1, 2, 3]):
        width = vectors * lanes(dtype)
        D = normal(n + 1, width + 8, dtype=dtype)
        D[n:] = np.nan
        result = np.full(width + 1, 7, dtype)
        sum_columns(D, width + 8, n, width, result)
        close(result[:width], D[:n, :width].astype(float).sum(axis=0), n)
        assert result[width] == 7


# -- losses ------------------------------------------------------------------------------------


@njit(error_model="numpy")
def softmax_loss(S, s_row, n, n_classes, y_t, weight, share, loss, hit):
    kernels.softmax_loss(
        pointer(S), s_row, n, n_classes, pointer(y_t), pointer(weight), share,
        pointer(loss), pointer(hit),
    )  # fmt: skip


@njit(error_model="numpy")
def binary_loss(S, s_row, n, n_outputs, T, t_row, weight, share, loss, hit):
    kernels.binary_loss(
        pointer(S), s_row, n, n_outputs, pointer(T), t_row, pointer(weight), share,
        pointer(loss), pointer(hit), 0.0,
    )  # fmt: skip


@njit(error_model="numpy")
def squared_loss(S, s_row, n, n_outputs, T, t_row, weight, share, loss, hit):
    kernels.squared_loss(
        pointer(S), s_row, n, n_outputs, pointer(T), t_row, pointer(weight), share,
        pointer(loss), pointer(hit),
    )  # fmt: skip


LOSSES = {"softmax": softmax_loss, "logistic": binary_loss, "identity": squared_loss}


def by_class(score, tall):
    """Lay (n, N_y) out as the kernels read it: the rows of one class side by side."""
    S = np.zeros((score.shape[1], tall + 16), score.dtype)
    S[:, : len(score)] = score.T
    return S


def losses_of(output, score, y_t, weight):
    n, n_out = score.shape
    dtype = score.dtype
    tall = padded(n, dtype)
    S, w = by_class(score, tall), np.ones(tall, dtype)
    w[:n] = weight
    loss, hit = np.zeros(tall, dtype), np.zeros(tall, dtype)
    if output == "softmax":
        given = (y_t.astype(np.int64),)
    else:
        T = by_class(y_t.astype(dtype), tall)
        given = T, T.shape[1]
    LOSSES[output](S, S.shape[1], n, n_out, *given, w, 1 / n, loss, hit)
    return loss[:n], hit[:n], S[:, :n].T


@dtypes
@pytest.mark.parametrize("output", LOSSES)
@pytest.mark.parametrize("n_out", [1, 2, 3, 10, 33])
@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0, 1000.0])
def test_losses(dtype, output, n_out, scale):
    rng = np.random.default_rng(0)
    for n in 1, 3, 7, 8, 15, 16, 17, 33, 100:
        score = (scale * rng.normal(size=(n, n_out))).astype(dtype)
        weight = rng.uniform(0.1, 3, n).astype(dtype)
        if output == "softmax":
            y_t = rng.integers(0, n_out, n)
        elif output == "logistic":
            y_t = rng.integers(0, 2, (n, n_out)).astype(dtype)
        else:
            y_t = score.copy()
            y_t[rng.random(n) < 0.5, 0] += 1
        loss, hit, dscore = losses_of(output, score, y_t, weight)
        of = OUTPUTS[output]
        exact, target = score.astype(float), y_t if output == "softmax" else y_t.astype(float)
        expected = weight * of.row_losses(exact, target)
        eps = np.finfo(dtype).eps
        terms = 8 * eps * weight.max() * (1 + np.abs(score).max(initial=0)) * (n_out + 1)
        np.testing.assert_allclose(loss, expected, rtol=20 * eps, atol=terms)
        np.testing.assert_array_equal(hit, weight * of.right(score, y_t))
        expected = of.dscore(of.predict(exact), target, weight.astype(float))
        limit = 20 * eps * max(1, np.abs(expected).max())
        np.testing.assert_allclose(dscore, expected, rtol=0, atol=limit)


@dtypes
@pytest.mark.parametrize("output", LOSSES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", [0, 1, 2])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_losses_of_what_is_not_finite(dtype, output, bad, column):
    """What is infinite or NaN to the reference is so here; the other rows notice nothing."""
    score = normal(20, 3, dtype=dtype)
    y_t = np.arange(20) % 3 if output == "softmax" else (score > 0.3).astype(dtype)
    weight = np.ones(20, dtype)
    clean, _, _ = losses_of(output, score, y_t, weight)
    score[5:8, column] = bad
    loss, _, _ = losses_of(output, score, y_t, weight)
    with np.errstate(over="ignore"):
        expected = OUTPUTS[output].row_losses(score, y_t)
    np.testing.assert_allclose(loss[5:8], expected[5:8], rtol=1e-5)
    others = np.delete(np.arange(20), [5, 6, 7])
    assert np.array_equal(loss[others], clean[others])


@dtypes
def test_of_equal_scores_the_first_counts(dtype):
    score = np.tile(np.array([[1, 3, 3, 3]], dtype), (20, 1))
    _, hit, _ = losses_of("softmax", score, np.arange(20) % 4, np.ones(20, dtype))
    assert np.array_equal(hit, np.arange(20) % 4 == 1)


@dtypes
def test_a_score_of_zero_says_no(dtype):
    score, y_t = np.zeros((4, 1), dtype), np.array([[0], [1], [0], [1]])
    _, hit, _ = losses_of("logistic", score, y_t, np.ones(4, dtype))
    assert hit.tolist() == [1, 0, 1, 0]


# -- probabilities -----------------------------------------------------------------------------


@njit(error_model="numpy")
def softmax_rows(S, s_row, n, n_classes, y):
    kernels.softmax_rows(pointer(S), s_row, n, n_classes, pointer(y))


@njit(error_model="numpy")
def logistic_rows(S, n, y):
    kernels.logistic_rows(pointer(S), n, pointer(y))


@dtypes
@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0, 1000.0])
def test_probabilities_of_many_classes(dtype, scale):
    for n, n_classes in product([1, 7, 16, 33], [1, 2, 3, 40]):
        score = scale * normal(n, n_classes, dtype=dtype)
        S = by_class(score, padded(n, dtype))
        y = np.full((n + 1, n_classes), 7, dtype)
        softmax_rows(S, S.shape[1], n, n_classes, y)
        assert (y[n] == 7).all()
        expected = losses.softmax(score.astype(float))
        np.testing.assert_allclose(y[:n], expected, rtol=0, atol=10 * np.finfo(dtype).eps)


@dtypes
def test_probabilities_of_two_classes(dtype):
    for n in 1, 7, 16, 33:
        score = np.linspace(-60, 60, n).astype(dtype)
        y = np.full((n + 1, 2), 7, dtype)
        logistic_rows(np.resize(score, padded(n, dtype)), n, y)
        assert (y[n] == 7).all()
        exact = score.astype(float)[:, None]
        expected = np.exp(np.hstack([losses.log_logistic(-exact), losses.log_logistic(exact)]))
        np.testing.assert_allclose(y[:n], expected, rtol=10 * np.finfo(dtype).eps)
    y = np.zeros((16, 2), dtype)
    logistic_rows(np.full(16, np.nan, dtype), 16, y)
    assert np.isnan(y).all()


# -- rules -------------------------------------------------------------------------------------


@njit(error_model="numpy")
def momentum_step(rows, width, P, V, row, G, rule, l2):
    rules.momentum_step(rows, width, pointer(P), pointer(V), row, pointer(G), width, rule, l2)


@njit(error_model="numpy")
def adam_step(rows, width, P, M, V, row, G, rule, l2):
    rules.adam_step(
        rows, width, pointer(P), pointer(M), pointer(V), row, pointer(G), width, rule, l2
    )


def rule_of(optimizer, t, lr):
    if isinstance(optimizer, SGD):
        kind = rules.NESTEROV if optimizer.nesterov else rules.MOMENTUM
        return rules.Rule(kind, lr, optimizer.momentum, 0.0, 0.0, 0.0, 0.0, 0.0)
    beta_1, beta_2 = optimizer.beta_1, optimizer.beta_2
    corrected = lr / (1 - beta_1**t), 1 / np.sqrt(1 - beta_2**t)
    return rules.Rule(rules.ADAM, lr, 0.0, beta_1, beta_2, optimizer.epsilon, *corrected)


@dtypes
@pytest.mark.parametrize("l2", [0.0, 0.3])
@pytest.mark.parametrize(
    "optimizer",
    [SGD(0.9), SGD(0.9, nesterov=True), Adam(), Adam(0.3, 0.5, 0.1)],
    ids=repr,
)
def test_rules(dtype, l2, optimizer):
    width, row, rows = 3 * lanes(dtype), 4 * lanes(dtype), 5
    P = normal(rows, row, dtype=dtype)
    slots = np.zeros((optimizer.n_slots, rows, row), dtype)
    theta, memory = P[:, :width].astype(float), np.zeros((optimizer.n_slots, rows, width))
    for t in range(1, 12):
        G = normal(rows, width, dtype=dtype, seed=t)
        rule = rule_of(optimizer, t, 0.01)
        if isinstance(optimizer, SGD):
            momentum_step(rows, width, P, slots[0], row, G, rule, l2)
        else:
            adam_step(rows, width, P, slots[0], slots[1], row, G, rule, l2)
        gradient = G.astype(float) + l2 * theta
        optimizer.step(theta, gradient, memory, t, 0.01)
    limit = 20 * FEW_ROUNDINGS[dtype]
    np.testing.assert_allclose(P[:, :width], theta, rtol=limit, atol=limit)
    np.testing.assert_allclose(slots[:, :, :width], memory, rtol=limit, atol=limit)
    assert np.array_equal(P[:, width:], normal(rows, row, dtype=dtype)[:, width:])
    assert not slots[:, :, width:].any()


@dtypes
@pytest.mark.parametrize("optimizer", [SGD(0.9), Adam()], ids=repr)
def test_padding_stays_zero(dtype, optimizer):
    width = lanes(dtype)
    P, G, slots = (np.zeros((n, width), dtype) for n in (1, 1, 2))
    for t in 1, 2:
        rule = rule_of(optimizer, t, 0.1)
        if isinstance(optimizer, SGD):
            momentum_step(1, width, P, slots[0], width, G, rule, 0.1)
        else:
            adam_step(1, width, P, slots[0], slots[1], width, G, rule, 0.1)
    assert not P.any()
    assert not slots.any()
