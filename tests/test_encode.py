"""Columns become inputs as scikit-learn would make them, and what cannot be used is named."""

import json
from importlib.resources import files

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from common import encoder_of
from handgrad.errors import DataError
from handgrad.tables.encode import Encoder
from handgrad.tables.frames import from_frame
from handgrad.tables.levels import Frequency
from handgrad.tables.parts import MOST_LEVELS, from_parts, to_parts
from handgrad.tables.recognition.planning import plan_of
from handgrad.tables.table import read_table


@pytest.fixture
def penguins():
    return read_table(files("handgrad") / "data" / "penguins.csv").drop_columns("species")


def with_holes(rng, shape):
    x = rng.normal(size=shape)
    x[rng.random(shape) < 0.2] = np.nan
    return x


# ------------------------------------------------------------------ numbers


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16, np.uint8, np.bool_, object])
def test_a_matrix_is_standardised_as_scikit_learn_does(rng, dtype):
    x = (rng.normal(size=(200, 5)) * 20 + 60).astype(dtype)
    z = encoder_of(x).transform(x)
    assert z.dtype == np.float64
    assert z.flags.c_contiguous
    np.testing.assert_allclose(z, StandardScaler().fit_transform(x.astype(float)), atol=1e-12)


def test_the_result_has_the_dtype_asked_for_and_float64_arithmetic(rng):
    x = rng.normal(size=(1000, 3)).astype(np.float32) + np.float32(1e4)
    z = encoder_of(x).transform(x, np.float32)
    assert z.dtype == np.float32
    assert np.array_equal(z, encoder_of(x).transform(x).astype(np.float32))
    np.testing.assert_allclose(z.std(axis=0, dtype=float), 1, rtol=1e-6)


def test_the_memory_order_and_the_blocks_do_not_matter(rng, monkeypatch):
    x = with_holes(rng, (500, 7))
    z = encoder_of(x).transform(x)
    monkeypatch.setattr("handgrad.tables.encode.BLOCK_CELLS", 50)
    monkeypatch.setattr("handgrad.tables.fitting.BLOCK_CELLS", 50)
    for same in (np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2]):
        before = same.copy()
        assert np.array_equal(encoder_of(same).transform(same), z)
        np.testing.assert_array_equal(same, before)


@pytest.mark.parametrize(
    ("column", "mean", "scale"),
    [
        ([1e200, -1e200, 3e200, 1e200], 1e200, np.sqrt(2) * 1e200),
        ([1.7e308, -1.7e308], 0, 1.7e308),
        ([1e308, 1.7e308], 1.35e308, 0.35e308),
        ([1e-310, 3e-310], 2e-310, 1e-310),
        ([0.1] * 11, 0.1, 1),
        ([0.1 + 0.2, 0.3] * 5, 0.3, 1),
        ([0, 0], 0, 1),
        ([-0.0, 0.0], 0, 1),
        ([5], 5, 1),
        ([0, 5e-324], 0, 1),
        ([np.nan, np.nan], 0, 1),
    ],
)
def test_no_column_overflows_or_divides_by_zero(column, mean, scale):
    x = np.array(column, dtype=float)[:, np.newaxis]
    encoder = encoder_of(x)
    np.testing.assert_allclose(encoder.mean, mean, rtol=1e-9)
    np.testing.assert_allclose(encoder.scale, scale, rtol=1e-9)
    assert np.isfinite(encoder.transform(x, np.float32)).all()


def test_missing_numbers_are_filled_with_the_median_and_told(rng):
    x = np.array([[1.0, np.nan], [2.0, 5.0], [9.0, 7.0]])
    encoder = encoder_of(x, names=["a", "b"])
    assert encoder.input_names == ["a", "b", "b is missing"]
    z = encoder.transform(np.array([[np.nan, np.nan], [2.0, 6.0]]))
    assert np.array_equal(z[0], z[1] + [0, 0, 1])
    present = with_holes(rng, (100, 4))
    np.testing.assert_array_equal(encoder_of(present).median, np.nanmedian(present, axis=0))


@pytest.mark.parametrize("convert", [from_frame, pd.DataFrame.to_numpy])
def test_a_missing_cell_is_told_by_the_input_of_its_own_column(convert):
    frame = pd.DataFrame({"x0": [1, 2, 3], "x1": [1, np.nan, 3], "x2": [np.nan, 2, 3]})
    z = encoder_of(convert(frame)).transform(convert(frame.assign(x0=np.nan)))
    assert z[:, 3:].tolist() == [[0, 1], [1, 0], [0, 0]]


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinity_is_refused_with_its_place(rng, value):
    x = rng.normal(size=(30, 70))
    encoder = encoder_of(x)
    x[17, 66] = value
    for refuse in (encoder_of, encoder.transform):
        with pytest.raises(DataError, match=rf"column 'x66', row 18: {value} is not a finite"):
            refuse(x)


def test_a_value_beyond_float32_is_refused_as_too_large():
    x = np.array([[1.0], [2.0]])
    for encoder in (encoder_of(x), Encoder.identity(1)):
        with pytest.raises(
            DataError, match=r"column 'x0', row 2: 1e\+200 is too large for float32"
        ):
            encoder.transform(np.array([[1.0], [1e200]]), np.float32)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros(3), "two axes"),
        (np.zeros((3, 2)), "4 columns, got 2"),
        (np.array([["a", "b", "c", "d"]]), "must hold numbers"),
        (np.array([["a", 1, 2, 3]], dtype=object), "must hold numbers"),
        (np.zeros((1, 4), complex), "must hold numbers"),
    ],
)
def test_a_matrix_that_does_not_fit_is_refused(x, message):
    with pytest.raises(DataError, match=message):
        encoder_of(np.zeros((1, 4))).transform(x)


def test_the_identity_copies_nothing(rng):
    x = rng.normal(size=(5, 3))
    encoder = Encoder.identity(3, ["a", "b", "c"])
    assert encoder.is_identity
    assert encoder.transform(x) is x
    assert np.array_equal(encoder.transform(x, np.float32), x.astype(np.float32))
    table = from_frame({"c": x[:, 2], "a": x[:, 0], "b": x[:, 1]})
    assert np.array_equal(encoder.transform(table), x)
    with pytest.raises(DataError, match=r"column 'b', row 2.*missing"):
        encoder.transform(from_frame({"a": [1, 2], "b": [1, None], "c": [1, 2]}))


# ------------------------------------------------------------------ weights

cell = st.one_of(st.floats(-1e6, 1e6, width=32), st.sampled_from([0.0, 1.0, np.nan]))
counted_rows = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        arrays(np.float64, (n, 2), elements=cell),
        st.lists(st.sampled_from(["a", "b", "é", None]), min_size=n, max_size=n),
        st.lists(st.integers(0, 4), min_size=n, max_size=n).filter(any),
    )
)


@settings(max_examples=200, deadline=None)
@given(counted_rows)
def test_an_integer_weight_is_so_many_rows(rows):
    x, texts, weight = rows
    there = ~np.isnan(x).all(axis=1) | np.array([text is not None for text in texts])
    assume((there & (np.array(weight) > 0)).any())
    table = from_frame({"x": x[:, 0], "y": x[:, 1], "t": pa.array(texts, pa.string())})
    repeated = encoder_of(table.take(np.repeat(np.arange(len(x)), weight)))
    weighted = encoder_of(table, weight, plan=repeated.plan)
    assert weighted.input_names == repeated.input_names
    np.testing.assert_array_equal(weighted.median, repeated.median)
    # a mean near 0 of large cells is exact to rounding beside their spread, not beside itself
    drift = np.abs(weighted.mean - repeated.mean)
    assert (drift <= 1e-12 * (np.abs(repeated.mean) + repeated.scale)).all()
    np.testing.assert_allclose(weighted.scale, repeated.scale, rtol=1e-12)
    matrix = encoder_of(x, weight)
    for at, name in enumerate("xy"):
        if weighted.plan[name].kind == "number":
            for part in ("mean", "scale", "median", "indicator"):
                place = weighted.places[name][0]
                assert getattr(matrix, part)[at] == getattr(weighted, part)[place]


def test_only_the_ratio_of_weights_matters(rng):
    x, weight = with_holes(rng, (50, 3)), rng.random(50)
    first = encoder_of(x, weight)
    for factor in (1e-300, 2.0**40, 1e308):
        other = encoder_of(x, weight * factor)
        np.testing.assert_allclose(other.mean, first.mean, rtol=1e-12)
        np.testing.assert_allclose(other.scale, first.scale, rtol=1e-12)
        np.testing.assert_array_equal(other.median, first.median)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1, -1, 1], "not negative, got -1.0 in row 2"),
        ([1, 1, np.nan], "finite"),
        ([0, 0, 0], "all weights are zero"),
        ([1, 1], "shape"),
    ],
)
def test_bad_weights_are_refused(weight, message):
    with pytest.raises(DataError, match=message):
        encoder_of(np.zeros((3, 1)), weight)


def test_no_rows_are_refused():
    with pytest.raises(DataError, match="no rows"):
        encoder_of(np.zeros((0, 2)))


# ------------------------------------------------------------------ tables


def test_penguins_are_encoded_as_scikit_learn_does(penguins):
    encoder = encoder_of(penguins)
    z = encoder.transform(penguins)
    assert encoder.n_inputs == z.shape[1] == len(encoder.input_names)
    assert encoder.input_names[5:] == [
        *(f"{name} is missing" for name in encoder.names[1:5]),
        *("island=Biscoe", "island=Dream", "island=Torgersen"),
        *("sex=female", "sex=male", "sex is missing"),
    ]
    frame = pd.read_csv(files("handgrad") / "data" / "penguins.csv")
    measured = frame[list(encoder.names[1:5])]
    expected = StandardScaler().fit(measured).transform(measured.fillna(measured.median()))
    np.testing.assert_allclose(z[:, :4], expected, atol=1e-12)
    one_hot = OneHotEncoder(sparse_output=False).fit_transform(frame[["island", "sex"]])
    np.testing.assert_array_equal(z[:, 9:], one_hot)
    np.testing.assert_array_equal(z[:, 5:9], measured.isna())


def test_columns_are_found_by_name(penguins):
    encoder = encoder_of(penguins)
    other = penguins.select(penguins.column_names[::-1]).append_column(
        "extra", pa.nulls(penguins.num_rows)
    )
    assert np.array_equal(encoder.transform(other), encoder.transform(penguins))
    assert encoder.extra_columns(other) == ["extra"]
    with pytest.raises(DataError, match=r"lacks.*'island', 'sex'.*it has.*'year'"):
        encoder.transform(penguins.drop_columns(["sex", "island"]))
    with pytest.raises(DataError, match=r"not plain numbers.*pass a table"):
        encoder.transform(np.zeros((2, 7)))


def test_no_rows_transform_to_no_rows(penguins):
    encoder = encoder_of(penguins)
    assert encoder.transform(penguins.slice(0, 0)).shape == (0, encoder.n_inputs)
    assert encoder_of(np.ones((2, 2))).transform(np.ones((0, 2))).shape == (0, 2)


def test_the_kind_of_a_column_does_not_follow_its_source(read):
    csv = read("text,flag,digits,empty\nx,true,1,\ny,false,3,\nx,false,2,\n")
    typed = from_frame(
        {
            "text": ["x", "y", "x"],
            "flag": [True, False, False],
            "digits": ["1", "3", "2"],
            "empty": [None] * 3,
        }
    )
    first, second = encoder_of(csv), encoder_of(typed)
    assert [column.kind for column in first.plan] == [
        *("category", "boolean", "number", "left out")
    ]
    assert [column.kind for column in second.plan] == [column.kind for column in first.plan]
    assert first.input_names == ["flag", "digits", "text=x", "text=y"]
    for encoder in (first, second):
        for table in (csv, typed):
            assert np.array_equal(encoder.transform(table), first.transform(csv))
    forced = encoder_of(typed, categorical=["digits"])
    assert forced.input_names[-3:] == ["digits=1", "digits=2", "digits=3"]


def test_levels_not_seen_are_all_zeros_and_counted():
    encoder = encoder_of(from_frame({"c": ["b", "a", "b"], "d": ["x", None, "y"]}))
    encoded = encoder.encode(from_frame({"c": ["z", None, "a"], "d": ["z", None, "NA"]}))
    np.testing.assert_array_equal(encoded.x, [[0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [1, 0, 0, 0, 1]])
    assert [(u.column, u.n, u.n_present, u.examples) for u in encoded.unknown] == [
        *(("c", 1, 2, ("z",)), ("d", 1, 1, ("z",)))
    ]
    assert [u.is_drift for u in encoded.unknown] == [False, False]  # one cell is no column
    strange = encoder.encode(from_frame({"c": ["a", "b"], "d": ["z", "w"]}))
    assert [u.is_drift for u in strange.unknown] == [True]


def test_rare_levels_share_an_input_and_so_do_new_ones():
    cells = ["a"] * 5 + ["b"] * 4 + ["c"] * 3 + ["d", "e"]
    few = encoder_of(from_frame({"c": cells}), frequency=Frequency(min_frequency=3))
    assert few.input_names == ["c=a", "c=b", "c=c", "c: other"]
    z = few.transform(from_frame({"c": ["d", "new", "a"]}))
    np.testing.assert_array_equal(z, [[0, 0, 0, 1], [0, 0, 0, 1], [1, 0, 0, 0]])
    two = encoder_of(from_frame({"c": cells}), frequency=Frequency(max_levels=2))
    assert two.input_names == ["c=a", "c=b", "c: other"]
    weighted = encoder_of(
        from_frame({"c": ["a", "b", "c"]}), [4, 2, 1], frequency=Frequency(min_frequency=2)
    )
    assert weighted.input_names == ["c=a", "c=b", "c: other"]


def test_a_slip_among_numbers_is_a_word(read):
    rows = "".join(f"{i},{'xy'[i % 2]}\n" for i in range(150))
    encoder = encoder_of(read(f"a,b\n{rows}oops,y\n"))
    assert encoder.plan["a"].kind == "number with words"
    assert encoder.input_names == ["a", "a=oops", "b=x", "b=y"]
    assert "150 of 151 cells are numbers" in encoder.plan.doubts[0]
    assert "'oops' (1)" in encoder.plan.doubts[0]
    z = encoder.transform(read("a,b\noops,x\n7,x\nwhat,x\n,x\n"))
    assert z[:, 1].tolist() == [1, 0, 0, 0]
    assert z[0, 0] == z[2, 0] == z[3, 0] == encoder.transform(read("a,b\n74.5,x\n"))[0, 0]


@pytest.mark.parametrize(
    ("one", "two", "values"),
    [
        ("1,5", "2,25", [1.5, 2.25]),
        ("1.234,5", "2,5", [1234.5, 2.5]),
        ("10%", "20 %", [10, 20]),
        ("$3", "-$4", [3, -4]),
        ("1_000", "2_000", [1000, 2000]),
        ("−1", "2", [-1, 2]),
    ],
)
def test_numbers_in_another_notation_are_numbers(read, one, two, values):
    table = read(f'a,b\n"{one}",x\n"{two}",y\n')
    encoder = encoder_of(table)
    assert encoder.plan["a"].kind == "number"
    np.testing.assert_allclose(encoder.mean, np.mean(values))


def test_infinite_cells_of_a_file_are_named(read):
    for cell, reason in (("-inf", "infinite"), ("1e400", "overflows")):
        with pytest.raises(DataError, match=f"column 'a', row 2 .line 3.: '{cell}'.*{reason}"):
            encoder_of(read(f"a,b\n1,x\n{cell},y\n"))


def test_a_cell_that_is_no_number_later_is_named(read):
    encoder = encoder_of(read("a,b\n1,x\n2,y\n"))
    with pytest.raises(DataError, match=r"column 'a', row 1 .line 2.: 'red'"):
        encoder.transform(read("a,b\nred,x\n"))


def test_rows_of_weight_zero_keep_the_row_numbers(read):
    table = read("a,b\n1,x\ninf,y\n")
    plan = plan_of(table.slice(0, 1))
    with pytest.raises(DataError, match=r"row 2 .line 3"):
        encoder_of(table, [0, 1], plan=plan)
    assert encoder_of(table, [1, 0], plan=plan).input_names == ["a", "b=x"]


def test_there_is_no_wall_of_levels():
    names = [f"name {i}" for i in range(1500)] * 2
    encoder = encoder_of(from_frame({"n": names}))
    assert encoder.n_inputs == 1001
    assert encoder.input_names[-1] == "n: other"


def test_what_is_no_column_of_cells_is_refused_by_name():
    with pytest.raises(DataError, match=r"column 'when'.*list"):
        encoder_of(from_frame({"when": [[1], [2]]}))


# ------------------------------------------------------------------ saving


def test_a_saved_encoder_gives_the_same_bits(penguins):
    for encoder in (encoder_of(penguins), Encoder.identity(2)):
        metadata, tensors = to_parts(encoder)
        again = from_parts(json.loads(json.dumps(metadata)), tensors)
        assert again.input_names == encoder.input_names
        assert again.is_identity == encoder.is_identity
        columns = penguins if encoder.levels else np.ones((2, 2))
        assert again.transform(columns).tobytes() == encoder.transform(columns).tobytes()


def parts():
    return to_parts(encoder_of(from_frame({"a": [1.0, 2.0], "b": ["x", "y"]})))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("names", "ab"),
        ("names", ["a", "a"]),
        ("names", ["a", 1]),
        ("names", ["a", "\ud800"]),
        ("names", ["a"]),
        ("names", None),
        ("columns", [{}]),
        ("columns", [{}, {}]),
        ("columns", [{}, {"kind": "colour"}]),
        ("columns", [{}, {"kind": "category", "name": "c"}]),
        ("columns", [{}, {"kind": "date"}]),
        ("columns", [{}, {"kind": "category", "missing": "NA"}]),
        ("columns", [{}, {"kind": "category", "n_levels": -1}]),
        ("columns", [{"notation": {}}, {"kind": "category"}]),
        ("columns", [{"dating": {"what": "date", "order": "ymd", "parts": []}}, {}]),
        ("columns", True),
        ("other", []),
        ("other", [0]),
        ("levels", []),
        ("levels", ["xy"]),
        ("levels", [[None, "x"]]),
        ("levels", [["x", "x"]]),
        ("levels", [["x", 1]]),
        ("levels", [[["x"]]]),
        ("levels", [[str(i) for i in range(MOST_LEVELS + 1)]]),
        ("identity", 0),
        ("identity", True),
        ("more", 1),
        ("mean", np.array([np.nan])),
        ("mean", np.array([1.0], np.float32)),
        ("mean", np.zeros(2)),
        ("mean", np.zeros((1, 1))),
        ("scale", np.array([0.0])),
        ("scale", np.array([-1.0])),
        ("median", np.array([np.inf])),
        ("indicator", np.array([1.0])),
    ],
)
def test_bad_parts_are_refused(key, value):
    metadata, tensors = parts()
    (tensors if key in tensors else metadata)[key] = value
    with pytest.raises(ValueError, match="encoder in the file is not valid"):
        from_parts(metadata, tensors)


@pytest.mark.parametrize(
    "key", ["names", "columns", "other", "levels", "identity", "mean", "indicator"]
)
def test_lacking_parts_are_refused(key):
    metadata, tensors = parts()
    (tensors if key in tensors else metadata).pop(key)
    with pytest.raises(ValueError, match="encoder in the file is not valid"):
        from_parts(metadata, tensors)


def test_ten_million_offset_numbers_in_float32_are_standardised_to_six_digits():
    x = np.random.default_rng(0).standard_normal((10_000_000, 1), dtype=np.float32)
    x += 10_000
    mean, deviation = x.mean(dtype=np.float64), x.std(dtype=np.float64)
    encoder = encoder_of(x)
    assert abs(encoder.mean[0] - mean) < 1e-6
    assert abs(encoder.scale[0] / deviation - 1) < 1e-6
    z = encoder.transform(x[:1000], np.dtype(np.float64))
    np.testing.assert_allclose(z, (x[:1000].astype(float) - mean) / deviation, atol=1e-6)
