"""Robust scales, piecewise linear inputs and the columns of a skip, against their formulas."""

import json
import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common import encoder_of
from handgrad import MLPClassifier
from handgrad.errors import DataError
from handgrad.skip import Levels, Linear, Pieces
from handgrad.tables.bins import FEW_ROWS, Bins, bins_for, edges
from handgrad.tables.encode import METHODS, Encoder
from handgrad.tables.parts import from_parts, to_parts, version_for
from handgrad.tables.statistics import kept_rows

ALL = {"method": "piecewise", "has_skip": True}


def table_with_all(n=300, seed=0):
    rng = np.random.default_rng(seed)
    number = rng.lognormal(size=n).round(3)
    number[rng.random(n) < 0.1] = np.nan
    spike = np.where(rng.random(n) < 0.9, 0.0, rng.normal(size=n))
    return pa.table(
        {
            "number": pa.array(number, from_pandas=True),
            "spike": spike,
            "few": rng.integers(1, 5, n).astype(float),
            "flag": pa.array(rng.random(n) < 0.1),
            "level": [(None, "a", "b", "c")[i] for i in rng.integers(0, 4, n)],
        }
    )


def parts_of(encoder):
    metadata, tensors = to_parts(encoder)
    return json.dumps(metadata, sort_keys=True), {k: v.tobytes() for k, v in tensors.items()}


# ------------------------------------------------------------------ robust scales


def robust_by_numpy(x):
    low, median, high = np.quantile(x, [0.25, 0.5, 0.75], method="averaged_inverted_cdf")
    spread = high - low or (x.max() - x.min()) / 2
    z = (x - median) / spread if spread else np.zeros(len(x))
    return z / np.sqrt(1 + (z / 3) ** 2)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "column",
    [
        np.random.default_rng(0).normal(size=101) * 40 + 7,
        np.random.default_rng(1).standard_cauchy(size=64),
        np.r_[np.zeros(90), np.arange(10.0)],  # quartiles that meet
        np.full(9, 4.5),
        np.array([3.0]),
    ],
)
def test_a_robust_scale_is_the_formula(column, dtype):
    x = column[:, None].astype(dtype)
    encoder = encoder_of(x, method="robust")
    found = encoder.transform(x)
    np.testing.assert_allclose(found[:, 0], robust_by_numpy(x[:, 0].astype(float)), atol=1e-13)
    assert np.array_equal(encoder.transform(x, np.float32), found.astype(np.float32))


def test_no_input_is_beyond_3_however_wild_the_number(rng):
    x = rng.normal(size=(50, 2))
    encoder = encoder_of(x, method="robust")
    wild = np.array([[1e308, -1e308], [1e6, -1e6], [np.finfo(float).max, 0]])
    found = encoder.transform(wild)
    assert np.abs(found).max() <= 3
    np.testing.assert_allclose(found[0], [3, -3])


def test_a_number_that_never_varied_says_nothing_of_any_value():
    x = np.array([[2.0, 1.0], [2.0, 3.0], [2.0, 5.0]])
    encoder = encoder_of(x, **ALL)
    assert encoder.transform(np.array([[7.0, 3.0]]))[0, 0] == 0
    assert encoder.skip == (Pieces(2),)
    assert encoder.input_names == ["x0", "x1", "x1 1..3", "x1 3..5"]


@pytest.mark.parametrize("method", METHODS)
def test_an_infinite_number_is_refused_by_its_place(method):
    encoder = encoder_of(np.arange(8.0).reshape(4, 2), method=method, has_skip=True)
    with pytest.raises(DataError, match=r"column 'x1', row 2: inf is not a finite number"):
        encoder.transform(np.array([[0, 1.0], [0, np.inf]]))


def test_a_missing_number_takes_the_median_and_says_so():
    x = np.array([[1.0], [2], [3], [4], [np.nan]])
    found = encoder_of(x, **ALL).transform(np.array([[np.nan], [2.5], [1.0]]))
    deep, u = found[:, :5], found[:, 5:]
    assert deep[:, 0].tolist() == pytest.approx([0, 0, -0.75 / (1 + 0.25**2) ** 0.5])
    assert deep[:, 1:4].tolist() == [[1, 0.5, 0], [1, 0.5, 0], [0, 0, 0]]
    assert deep[:, 4].tolist() == [1, 0, 0]
    assert u.tolist() == [[1.5, 0], [1.5, -1], [0, -1]]


def test_booleans_are_as_they_are_and_are_bins_of_a_skip():
    table = table_with_all()
    encoder = encoder_of(table, **ALL)
    at = encoder.places["flag"]
    flags = table["flag"].to_numpy()
    assert len(at) == 1
    assert np.array_equal(encoder.transform(table)[:, at[0]], flags)
    assert np.array_equal(encoder.transform(table)[:, encoder.n_deep + 3], flags)
    assert encoder.skip[3] == Pieces(1)
    assert (encoder.mean[at[0]], encoder.scale[at[0]]) == (0, 1)


# ------------------------------------------------------------------ edges


def edges_of_the_report(x, B):
    """Copy section 5.1 of the report: quantiles of counts that no value exceeds n/B."""
    v, c = np.unique(x, return_counts=True)
    if len(v) <= B + 1:
        return v
    c = np.minimum(c, max(1.0, len(x) / B))
    q = np.cumsum(c)
    q = (q - c / 2) / q[-1]
    return np.unique(np.r_[v[0], np.interp(np.linspace(0, 1, B + 1)[1:-1], q, v), v[-1]])


COLUMNS = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=80) | st.lists(
    st.integers(-9, 9).map(float), min_size=2, max_size=80
)


@settings(max_examples=200, deadline=None)
@given(COLUMNS, st.integers(1, 12))
def test_edges_are_those_of_the_report(column, n_bins):
    x = np.array(column)
    values, counts = np.unique(x + 0.0, return_counts=True)
    found = edges(values, counts.astype(float), n_bins)
    expected = edges_of_the_report(x + 0.0, n_bins)
    expected = expected[np.diff(expected / 2, prepend=-np.inf) > 0]
    if len(expected) < 2:
        assert not len(found)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-15, atol=0)


def test_a_frequent_value_takes_one_bin_and_leaves_the_others_to_the_rest(rng):
    x = np.r_[np.zeros(920), rng.lognormal(8, 1, size=80)]
    found = edges(*(part.astype(float) for part in np.unique(x, return_counts=True)), 8)
    assert len(np.unique(np.quantile(x, np.linspace(0, 1, 9)))) == 2  # of all rows alike
    inside = [((x > low) & (x <= high)).sum() for low, high in pairwise(found)]
    assert max(inside) <= 80 / 3


@pytest.mark.parametrize(
    "column",
    [
        [1e308, -1e308, 1.7e308, 0, 1, 2, 3, 4, 5, 6, 7, 8],
        [-1.7e308, 1.7e308],
        [5e-324, 1e-323, 1.5e-323, 2e-323],
        [1e-310 * i for i in range(20)],
        [1e-300, 1e300, *range(12)],
        [0.0, 5e-324],
        [-0.0, 0.0],
    ],
)
def test_extreme_numbers_have_finite_inputs_in_order(column):
    x = np.array(column)[:, None]
    encoder = encoder_of(np.repeat(x, 3, axis=0), **ALL)
    found = encoder.transform(np.sort(x, axis=0))
    assert np.isfinite(found).all()
    assert (np.diff(found, axis=0) >= 0).all()
    assert ((found >= -3) & (found <= 64)).all()


# ------------------------------------------------------------------ steps and places


@settings(max_examples=60, deadline=None)
@given(COLUMNS, st.floats(-2e6, 2e6))
def test_steps_and_places_are_the_formulas(column, cell):
    x = np.array(column)[:, None]
    encoder = encoder_of(x, **ALL)
    found = encoder.transform(np.array([[cell]]))[0]
    if encoder.deep.by_number:
        (e,) = encoder.deep.by_number
        steps = np.clip((cell - e[:-1]) / np.diff(e), 0, 1)
        np.testing.assert_allclose(found[1 : len(e)], steps, rtol=1e-9, atol=1e-9)
        (e,) = encoder.wide.by_number
        assert found[-1] == pytest.approx(np.interp(cell, e, np.arange(len(e))), abs=1e-9)
        assert 0 <= found[-1] <= encoder.skip[0].n


@pytest.mark.parametrize("form", ["matrix", "table"])
def test_a_row_is_encoded_alone_as_among_others(rng, form):
    x = rng.normal(size=(FEW_ROWS + 40, 3))
    x[rng.random(x.shape) < 0.1] = np.nan
    columns = pa.table(dict(zip("abc", x.T, strict=True))) if form == "table" else x
    columns = table_with_all(FEW_ROWS + 40) if form == "table" else columns
    encoder = encoder_of(columns, **ALL)
    every = encoder.transform(columns)
    for row in (0, 7, FEW_ROWS, FEW_ROWS + 39):
        one = columns[row : row + 1] if form == "matrix" else columns.slice(row, 1)
        assert np.array_equal(encoder.transform(one)[0], every[row])


def test_a_level_is_its_number_and_an_unknown_one_is_none():
    encoder = encoder_of(table_with_all(), **ALL)
    some = table_with_all().slice(0, 4).to_pydict() | {"level": ["a", "c", None, "mauve"]}
    x = encoder.transform(pa.table(some))
    assert encoder.skip[-1] == Levels(4)
    assert x[:, -1].tolist() == [0, 2, 3, -1]


def test_a_rare_level_is_the_last():
    from handgrad.tables.levels import Frequency

    table = pa.table({"level": ["a"] * 5 + ["b"] * 5 + ["c"], "x": np.arange(11.0)})
    encoder = encoder_of(table, frequency=Frequency(2), **ALL)
    assert encoder.skip[-1] == Levels(3)
    other = encoder.transform(pa.table({"level": ["b", "d"], "x": [1.0, 2.0]}))
    assert other[:, -1].tolist() == [1, 2]


@pytest.mark.parametrize("method", ["auto", "robust"])
def test_without_bins_a_skip_has_the_deep_inputs_once_more(method):
    encoder = encoder_of(table_with_all(), method=method, has_skip=True)
    x = encoder.transform(table_with_all())
    assert encoder.skip == (Linear(),) * encoder.n_deep
    assert np.array_equal(x[:, encoder.n_deep :], x[:, : encoder.n_deep])


def test_numbers_that_nothing_is_done_to_can_have_a_skip(rng):
    x = rng.normal(size=(4, 3))
    encoder = Encoder.identity(3, has_skip=True)
    found = encoder.transform(x)
    assert np.array_equal(found, np.hstack([x, x]))
    assert found.flags.c_contiguous
    assert (encoder.n_deep, encoder.n_inputs) == (3, 6)
    table = pa.table(dict(zip(encoder.names, x.T, strict=True)))
    assert np.array_equal(encoder.transform(table), found)


def test_the_wide_bins_grow_with_the_rows():
    def bins(n, weight=None):
        return bins_for(kept_rows(weight, n), n)

    assert [bins(n) for n in (10, 1200, 1350, 3000, 30_000)] == [8, 8, 9, 20, 64]
    assert bins(1500, np.full(1500, 7.0)) == 10  # only the ratios of weights count
    assert bins(1500, np.r_[1.0, np.full(1499, 2)]) == 19
    assert bins(2, np.array([1e-300, 1e300])) == 64


def test_inputs_are_named_by_their_column_and_their_bin():
    encoder = encoder_of(table_with_all(), **ALL)
    names = encoder.input_names
    assert len(names) == encoder.n_deep
    assert {"few 1..2", "few 2..3", "few 3..4", "number is missing", "level=a"} <= set(names)
    assert [names[i] for i in encoder.places["few"]] == ["few", "few 1..2", "few 2..3", "few 3..4"]
    assert sorted(i for at in encoder.places.values() for i in at) == [*range(encoder.n_deep)]


# ------------------------------------------------------------------ weights


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-1e3, 1e3) | st.just(np.nan), st.integers(0, 4)),
        min_size=1,
        max_size=60,
    ),
    st.sampled_from(METHODS[1:]),
)
def test_a_weight_is_as_many_rows_to_the_bit(rows, method):
    rows.append((0.5, 1))  # the lightest row counts as one
    x, weight = np.array(rows).T
    weighed = encoder_of(x[:, None], weight, method=method, has_skip=True)
    x = np.repeat(x, weight.astype(int))[:, None]
    assert parts_of(weighed) == parts_of(encoder_of(x, method=method, has_skip=True))


def test_a_factor_on_all_weights_changes_nothing(rng):
    x, weight = rng.normal(size=(200, 2)).round(1), rng.integers(1, 5, 200).astype(float)
    usual = parts_of(encoder_of(x, weight, **ALL))
    for factor in (2.0**-900, 2.0**900, 3.0):
        assert parts_of(encoder_of(x, factor * weight, **ALL)) == usual


# ------------------------------------------------------------------ files


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("has_skip", [False, True])
def test_an_encoder_comes_back_from_its_parts(method, has_skip):
    table = table_with_all()
    encoder = encoder_of(table, method=method, has_skip=has_skip)
    metadata, tensors = to_parts(encoder)
    again = from_parts(json.loads(json.dumps(metadata)), tensors)
    assert np.array_equal(again.transform(table), encoder.transform(table))
    assert (again.skip, again.method) == (encoder.skip, method)
    assert parts_of(again) == parts_of(encoder)
    assert version_for(metadata) == (4 if has_skip or method != "auto" else 3)
    assert again.input_names == encoder.input_names


def tampered(**changes):
    metadata, tensors = to_parts(encoder_of(np.arange(40.0).reshape(20, 2), **ALL))
    for name, value in changes.items():
        name = name.replace("__", ".")
        place = tensors if name in tensors or "." in name or name == "scale" else metadata
        if value is None:
            del place[name]
        else:
            place[name] = value
    return metadata, tensors


def test_what_is_not_tampered_with_is_read():
    assert from_parts(*tampered()).skip == (Pieces(8), Pieces(8))


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "auto"},
        {"method": "rank"},
        {"method": 3},
        {"method": ["robust"]},
        {"method": "robust"},  # has no bins
        {"method": None},
        {"skip": False},
        {"skip": 1},
        {"skip": None},  # with wide bins
        {"clip": 3},
        {"identity": True},
        {"scale": np.array([1.0, -1.0])},
        {"deep__n": np.array([8.0])},
        {"deep__n": np.array([8.0, 7.0])},
        {"deep__n": np.array([8.5, 7.5])},
        {"deep__n": np.array([8.0, -8.0])},
        {"deep__n": np.array([1e300, 8.0])},
        {"deep__n": np.array([8.0, np.nan])},
        {"deep__n": np.array([8, 8])},
        {"deep__edges": np.arange(17.0)},
        {"deep__edges": np.zeros(18)},
        {"deep__edges": np.arange(18.0)[::-1].copy()},
        {"deep__edges": np.r_[np.arange(17.0), np.inf]},
        {"deep__edges": np.arange(18.0).reshape(2, 9)},
        {"wide__edges": None},
        {"wide__n": None},
        {"more__n": np.zeros(2)},
    ],
)
def test_parts_that_cannot_be_are_refused(changes):
    with pytest.raises(ValueError, match="the encoder in the file is not valid"):
        from_parts(*tampered(**changes))


def test_bins_know_whether_they_are_valid():
    assert Bins.of([np.array([0.0, 1.0]), np.zeros(0)]).is_valid
    assert not Bins(np.array([1]), np.array([1.0, 1.0])).is_valid
    assert Bins.of([]).is_valid


def test_no_bin_lies_between_two_sines_of_the_same_height():
    """Machines and programs disagree about the last bit of a sine."""
    days = pd.Series(pd.date_range("2020-01-01", periods=200, freq="11D"))
    frame = pd.DataFrame({"day": days, "x": np.arange(200) % 7})
    settings = {"preprocess": "piecewise", "skip": True, "max_iter": 1, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPClassifier((3,), **settings).fit(frame, np.arange(200) % 2).model_
    names = [name for name in model.encoder.input_names if name.endswith("sine)")]
    assert len(names) == 4
    edges = dict(zip(model.encoder.wide.binned, model.encoder.wide.by_number, strict=True))
    for name in names:
        assert np.diff(edges[model.encoder.input_names.index(name)]).min() > 0.01
