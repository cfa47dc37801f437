"""Arrow's functions without the wrappers of pyarrow.compute, checked against them."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from handgrad.tables import arrow

TEXTS = [" a ", None, "b", "", "a", " ä", "NA", None, "1"]


@pytest.fixture(params=["array", "slice", "chunks", "large"])
def texts(request):
    whole = pa.array(TEXTS)
    return {
        "array": whole,
        "slice": pa.array(["x", None, *TEXTS, "z"]).slice(2, len(TEXTS)),
        "chunks": pa.chunked_array([whole.slice(0, 3), whole.slice(3)]),
        "large": whole.cast(pa.large_string()),
    }[request.param]


def test_functions_of_texts(texts):
    assert arrow.trimmed(texts).equals(pc.utf8_trim_whitespace(texts))
    assert arrow.trimmed_of_ascii(texts).equals(pc.ascii_trim_whitespace(texts))
    assert arrow.match(texts, "^[ab]$").equals(pc.match_substring_regex(texts, "^[ab]$"))
    among = arrow.are_among(texts, ("a", "NA"))
    assert among.to_pylist() == [text in ("a", "NA") for text in TEXTS]
    assert arrow.blanked(texts, among).to_pylist() == [
        None if text in ("a", "NA") else text for text in TEXTS
    ]
    assert arrow.without_nulls(texts).to_pylist() == [t for t in TEXTS if t is not None]
    assert arrow.are_gone(texts).tolist() == [text is None for text in TEXTS]
    assert arrow.are_there(texts).tolist() == [text is not None for text in TEXTS]
    assert arrow.n_distinct(texts) == len({*TEXTS} - {None})


def test_places_among_the_different_texts():
    for cells in (pa.array(TEXTS), pa.array([None, *TEXTS])[1:]):
        places, distinct = arrow.coded(cells)
        assert [[*distinct, None][place] for place in places] == TEXTS
    places, distinct = arrow.coded(pa.array([None, None], pa.large_string()))
    assert (places.tolist(), distinct) == ([0, 0], [])


@pytest.mark.parametrize("kind", ["double", "float", "int8", "int64", "uint64", "bool"])
@pytest.mark.parametrize("start", [0, 3, 9])
def test_numbers_to_numpy(kind, start):
    values = pa.array([1, 0, 0, 1, 1, 0, 1, 1, 0, 1, 0]).cast(kind)
    for cells in (values[start:], pa.chunked_array([values[:2], values[start:]]), values[:0]):
        found, expected = arrow.to_numpy(cells), cells.to_numpy(zero_copy_only=False)
        np.testing.assert_array_equal(found, expected, strict=True)
    nothing = arrow.to_numpy(pa.chunked_array([], values.type))
    assert (len(nothing), nothing.dtype) == (0, found.dtype)


def test_a_null_among_floats_is_nan():
    cells = pa.array([None, 0.5, None, -1.0], pa.float64())
    np.testing.assert_array_equal(arrow.to_numpy(cells), [np.nan, 0.5, np.nan, -1])
    np.testing.assert_array_equal(arrow.to_numpy(cells[1:]), [0.5, np.nan, -1])


def test_zeros_for_nulls():
    for kind in (pa.int64(), pa.uint64(), pa.bool_()):
        cells = pa.chunked_array([pa.array([1, None, 0]).cast(kind)])
        assert arrow.with_zeros(cells).to_pylist() == [1, 0, 0]


def test_casts():
    cells = pa.array(["1", " 2.5", None])
    assert arrow.cast(cells, pa.large_string()).type == pa.large_string()
    assert arrow.cast(pa.array(["1", None]), pa.float64()).to_pylist() == [1, None]
    with pytest.raises(pa.ArrowInvalid, match="parse"):
        arrow.cast(pa.array(["one"]), pa.float64())
    large = pa.array([2**53 + 1])
    with pytest.raises(pa.ArrowInvalid, match="range"):
        arrow.cast(large, pa.float64())
    assert arrow.cast(large, pa.float64(), safe=False).to_pylist() == [2.0**53]


def test_truth_of_all_and_of_any():
    for flags, every, some in [
        ([True, None], True, True),
        ([True, False], False, True),
        ([False, None], False, False),
        ([None], None, False),
    ]:
        cells = pa.array(flags, pa.bool_())
        assert (arrow.all_of(cells), arrow.any_of(cells)) == (every, some)


def test_arrays_of_python_and_numpy():
    assert arrow.of_texts(TEXTS).equals(pa.array(TEXTS, pa.large_string()))
    assert arrow.of_texts(TEXTS, pa.string()).equals(pa.array(TEXTS))
    assert arrow.of_texts([]).equals(pa.array([], pa.large_string()))
    flags = np.array([True, False, True] * 7)
    assert arrow.of_flags(flags).equals(pa.array(flags))
    places = np.array([4, 1, 1], dtype=np.int32)
    assert arrow.of_places(places).equals(pa.array([4, 1, 1]))
    cells = arrow.take(pa.array(TEXTS), arrow.of_places(places))
    assert cells.to_pylist() == ["a", None, None]
    with pytest.raises(UnicodeEncodeError):
        arrow.of_texts(["\ud800"])


def test_a_table_without_rows():
    schema = pa.schema(
        [("x", pa.string()), ("c", pa.dictionary(pa.int32(), pa.string()))], metadata={"a": "b"}
    )
    assert arrow.no_rows(schema).equals(schema.empty_table(), check_metadata=True)


def test_where_the_functions_lie_elsewhere():
    code = (
        "import sys, pyarrow, pyarrow.compute\n"
        "del pyarrow._compute; sys.modules['pyarrow._compute'] = None\n"
        "from handgrad.tables import arrow\n"
        "print(arrow.trimmed(arrow.of_texts([' a '])).to_pylist())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['a']\n"
