"""A model written as a module of JavaScript predicts as the model does, without packages."""

import math
import random
import re
import threading
import warnings
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from browser import BROWSER, driver
from exported import CASES, PENGUINS, TOLERANCE, USUAL, case, labels, penguins, size_of, tables
from handgrad import MLPClassifier
from handgrad.activations import ACTIVATIONS
from handgrad.errors import DataError
from handgrad.export import javascript_source
from handgrad.export.javascript import activations, bending, needed
from handgrad.export.javascript.module import MOMENTS, constants
from handgrad.export.javascript.sources import digits, literal
from handgrad.models.file import load_model, save_model
from handgrad.playground import takeaway
from handgrad.playground.session import Session
from handgrad.tables.dates import Dating, moment
from handgrad.tables.frames import from_frame
from handgrad.tables.levels import meaning
from handgrad.tables.notation import Notation, unit_in
from handgrad.tables.one_cell import number_of, truth_of
from handgrad.tables.table import read_table
from node import MISSING, NODE, JavaScriptError, Node, code, rows_of

pytestmark = [
    pytest.mark.skipif(NODE is None, reason=MISSING),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::handgrad.errors.TableWarning"),
    pytest.mark.filterwarnings("ignore::handgrad.errors.DriftWarning"),
]

SHIPPING = Path(__file__).parents[1] / "docs" / "shipping.md"
N_FEW = 500  # rows of a case; drills/travel.py takes all of them

__all__ = ["driver"]  # which a test below asks for


@pytest.fixture(scope="module")
def node():
    node = Node()
    yield node
    node.close()


@pytest.fixture(scope="module")
def of_penguins():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame, species = penguins()
        return MLPClassifier((8,), max_iter=30, random_state=0).fit(frame, species)


@pytest.fixture(scope="module")
def of_all_kinds():
    """An estimator with a column of every kind, and codes for missing cells."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        training, _ = tables()
        training = training.assign(size=training["size"].fillna(-999))
        settings = {**USUAL, "missing_values": [-999, "gone"]}
        return MLPClassifier(**settings).fit(training, labels(training, "three"))


# -- the same predictions -----------------------------------------------------------------------


def assert_agrees(node, estimator, unseen, by_labels):
    model = estimator.model_
    call, rows = node.load(javascript_source(model)), rows_of(unseen)
    tolerance = TOLERANCE[str(model.params.flat.dtype)]
    expected, found = estimator.predict(unseen), np.array(call("predict", rows))
    if by_labels:
        np.testing.assert_array_equal(found, expected)
        assert call("CLASSES") == estimator.classes_.tolist()
        probabilities = model.predict_proba(from_frame(unseen))
        found = call("predictProba", rows)
        np.testing.assert_allclose(found, probabilities, rtol=0, atol=tolerance)
    else:
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= tolerance * size_of(estimator, unseen)
        assert call("NAMES") == model.target_names


@pytest.mark.parametrize("name", CASES)
def test_a_written_model_predicts_the_same(node, name):
    estimator, unseen, by_labels = case(name)
    assert_agrees(node, estimator, unseen[:N_FEW], by_labels)


@pytest.mark.parametrize("kind", ["three", "two", "several", "squared_error 1", "poisson 1"])
def test_networks_have_their_shares(node, kind):
    name = next(name for name in CASES if name.startswith(kind) and "'n_ensemble': 2" in name)
    estimator, unseen, by_labels = case(name)
    model, few = replace(estimator.model_, shares=(0.125, 0.875)), unseen[:50]
    call = node.load(javascript_source(model))
    found = np.array(call("predictProba" if by_labels else "predict", rows_of(few)))
    table = from_frame(few)
    expected = model.predict_proba(table) if by_labels else model.predict_numbers(table)[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def writings(n, seed):
    """A frame of numbers and moments in writings that the cases have not."""
    rng = np.random.default_rng(seed)
    units, factors = (
        rng.choice(pair, n, p=[0.8, 0.2]) for pair in (["min", "seasons"], ["k", "M"])
    )
    numbers, minutes = rng.uniform(1000, 9000, n), rng.integers(1, 60, n)
    seconds = pd.to_timedelta(rng.integers(0, 10**8, n), unit="s")
    frame = pd.DataFrame(
        {
            "euros": [f"{x:,.2f} €".translate(str.maketrans(",.", ".,")) for x in numbers],
            "views": [f"{x:.1f}{factor}" for x, factor in zip(numbers / 999, factors, strict=True)],
            "long": [f"{m} {unit}" for m, unit in zip(minutes, units, strict=True)],
            "lasts": [f"{m % 5}h {m}m" for m in minutes],
            "begins": [f"{m % 24:02}:{m:02}" for m in minutes],
            "moment": (pd.Timestamp("2019-12-30") + seconds).strftime("%Y-%m-%dT%H:%M:%S+02:00"),
        }
    )
    frame.loc[::9] = None
    return frame


def test_numbers_and_moments_in_further_writings(node):
    training = writings(300, 0)
    settings = {"kinds": {"long": "number with words"}, "max_iter": 3, "random_state": 0}
    estimator = MLPClassifier((5,), **settings).fit(training, np.arange(300) % 3)
    found = {column.name: column for column in estimator.columns_.columns}
    assert found["long"].notation.units == ("season",)
    assert found["views"].notation.scaled
    assert [found[name].dating.what for name in ("lasts", "begins", "moment")] == [
        "duration", "time", "date",
    ]  # fmt: skip
    assert_agrees(node, estimator, writings(N_FEW, 1), True)


@pytest.mark.parametrize("preprocess", ["auto", None, "robust"])
@pytest.mark.parametrize("skip", [False, True])
def test_a_matrix_is_read_by_the_places_of_its_columns(node, preprocess, skip, rng):
    x = rng.normal(size=(200, 4)) * [1, 10, 100, 0] + 3
    y = (x[:, 0] > 3).astype(int)
    settings = {"preprocess": preprocess, "skip": skip, "max_iter": 3, "random_state": 0}
    estimator = MLPClassifier((5,), **settings).fit(x, y)
    call = node.load(javascript_source(estimator.model_))
    unseen = rng.normal(size=(N_FEW, 4)) * 50
    expected = estimator.predict_proba(unseen)
    names = estimator.model_.encoder.names
    rows = [dict(zip(names, row, strict=True)) for row in unseen.tolist()]
    floats = [code(f"Float64Array.of({', '.join(map(repr, row))})") for row in unseen.tolist()]
    for given in (unseen.tolist(), rows, floats):
        np.testing.assert_array_equal(call("predict", given), estimator.predict(unseen))
        np.testing.assert_allclose(call("predictProba", given), expected, rtol=0, atol=1e-12)
    for row, told in (
        ([1, 2, 3], "row 1: a row must have 4 numbers; it has 3"),
        (["1", 2, 3, 4], 'row 1: "1" is not a finite number'),
        ([code("Infinity"), 2, 3, 4], "row 1: Infinity is not a finite number"),
    ):
        with pytest.raises(JavaScriptError, match=told):
            call("predict", [row])


def test_many_weights_are_written_in_base64(node, rng):
    x, y = rng.normal(size=(60, 40)), np.arange(60) % 3
    for dtype in ("float32", "float64"):
        settings = {"dtype": dtype, "max_iter": 2, "random_state": 0}
        estimator = MLPClassifier((150,), **settings).fit(x, y)
        source = javascript_source(estimator.model_)
        assert "unpacked(`\n" in source
        found = node.load(source)("predictProba", x.tolist())
        np.testing.assert_allclose(found, estimator.predict_proba(x), rtol=0, atol=TOLERANCE[dtype])


def test_the_module_is_the_same_each_time_and_from_a_model_file(node, of_penguins, tmp_path):
    source = javascript_source(of_penguins.model_)
    assert source == javascript_source(of_penguins.model_)
    save_model(of_penguins.model_, tmp_path / "model.safetensors")
    again = javascript_source(load_model(tmp_path / "model.safetensors"))
    frame = penguins()[0]
    found = node.load(again)("predictProba", rows_of(frame))
    np.testing.assert_allclose(found, of_penguins.predict_proba(frame), rtol=0, atol=1e-12)


def test_a_module_holds_what_its_model_needs_alone(of_penguins, of_all_kinds):
    plain, full = (javascript_source(one.model_) for one in (of_penguins, of_all_kinds))
    assert len(plain.encode()) < 25_000
    assert "function readDate" not in plain
    assert "function readDate" in full
    assert "function erfc" not in full
    assert "import " not in re.sub(r"//.*|/\*.*?\*/", "", full, flags=re.DOTALL)


# -- cells --------------------------------------------------------------------------------------

NOW = "new Date(Date.UTC(2021, 4, 6, 7, 8, 9, 10))"
MISSING_CELLS = [None, "", " ", "NA", "\t?\u2003", "nan", code("undefined"), code("NaN")]
CELLS = {
    "size": ["5", " 5.5 ", "-999", "-999.0", -999, "gone", "(5)", "\u22125", "1e2", True, False,
             code("5n"), 0, -0.0, "+5", ".5"],
    "year": [2001, "2001", "2001.0"],
    "colour": ["red", "Red", " red", "blue", "rarest", "never", 5, 1.5, True, "gone", code("1e16")],
    "grade": ["0.5", "unknown", "Unknown", "another", 3, "-999", "gone", "1e999", " 0.5 "],
    "open": ["yes", "NO", "t", "F", 1, 0, True, False, "1.0", "2", 7, "perhaps", "ye\u017f", "01"],
    "day": ["06.05.2021", "2021-05-06", "6 May 2021", "2021-05-06T07:08:09Z", "20210506", 20210506,
            20210506.5, "31.02.2021", "someday", "gone", True],
    "price": ["$ 1,234.50", "1234.5", "$-5", "($ 5)", "0", "12", "gone", 12.5, "\u20ac 5", "5 $"],
}  # fmt: skip
REFUSED_CELLS = {"year": ["(5", "$ 5", "much", "1e999"], "price": ["$ 1,23", "much"]}


@pytest.mark.parametrize("column", CELLS)
def test_every_cell_is_read_as_the_library_reads_it(node, of_all_kinds, column):
    call = node.load(javascript_source(of_all_kinds.model_))
    usual = rows_of(tables()[0][3:4])[0]
    for cell in [*MISSING_CELLS, *CELLS[column]]:
        value = cell
        if isinstance(cell, dict):
            known = {"undefined": None, "NaN": math.nan, "5n": 5, "1e16": "1e+16"}
            value = known[next(iter(cell.values()))]
        try:
            expected = of_all_kinds.predict_proba(pd.DataFrame([{**usual, column: value}]))
        except DataError:
            assert column in REFUSED_CELLS
            with pytest.raises(JavaScriptError, match="is not a number"):
                call("predictProba", [{**usual, column: cell}])
        else:
            found = call("predictProba", [{**usual, column: cell}])
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12, err_msg=repr(cell))


def test_a_date_of_javascript_is_an_instant(node, of_all_kinds):
    call = node.load(javascript_source(of_all_kinds.model_))
    usual = rows_of(tables()[0][3:4])[0]
    given = [code(NOW), "2021-05-06 07:08:09.010", "2021-05-06T09:08:09.010+02:00"]
    found = call("predictProba", [{**usual, "day": cell} for cell in given])
    np.testing.assert_allclose(found, [found[0]] * 3, rtol=0, atol=1e-12)
    gone = [{**usual, "day": cell} for cell in (code("new Date(NaN)"), None)]
    found = call("predictProba", gone)
    assert found[0] == found[1]


REFUSED = [
    ("year", "much", 'row 1: column "year": "much" is not a number; mend the cell, or pass null'),
    ("year", "1e999", 'column "year": "1e999" is not a number'),
    ("year", code("Infinity"), 'column "year": Infinity is not a finite number'),
    ("year", code("10n ** 400n"), 'column "year": 10+ is not a finite number'),
    ("year", [1], 'column "year": an object is not a finite number'),
    ("year", code("new Date(0)"), "1970-01-01T00:00:00.000Z is not a finite number"),
    ("size", {}, 'column "size": an object is not a finite number'),
    ("open", code("-Infinity"), 'column "open": -Infinity is not a finite number'),
    ("open", "1e999", "row 1: a number is missing, infinite, or too large for 64 bits"),
    ("day", [1], 'column "day": an object is not a finite number'),
    ("colour", ["red"], 'column "colour": an object is neither a text nor a number nor a boolean'),
]


@pytest.mark.parametrize(("column", "cell", "told"), REFUSED)
def test_a_cell_that_cannot_be_used_is_refused(node, of_all_kinds, column, cell, told):
    call = node.load(javascript_source(of_all_kinds.model_))
    usual = rows_of(tables()[0][3:4])[0]
    for name in ("predict", "predictProba"):
        with pytest.raises(JavaScriptError, match=f"^Error: .*{told}"):
            call(name, [{**usual, column: cell}])


@pytest.mark.parametrize("name", ["three {'dtype': 'float32'}", "poisson 1 {}"])
def test_numbers_too_far_away_are_refused_where_the_library_refuses_them(node, name):
    estimator, unseen, by_labels = case(name)
    call, said = node.load(javascript_source(estimator.model_)), set()
    predict = estimator.predict_proba if by_labels else estimator.predict
    for size in [sign * 10.0**power for power in range(2, 42) for sign in (-1, 1)]:
        far = unseen[1:2].assign(size=size)
        try:
            expected = predict(far)
        except DataError:
            with pytest.raises(JavaScriptError) as told:
                call("predict", rows_of(far))
            said.add(str(told.value))
        else:
            found = call("predictProba" if by_labels else "predict", rows_of(far))
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=2e-6)
    assert len(said) == 1
    told = "missing, infinite, or too large for 32" if by_labels else "the scores are too large"
    assert told in said.pop()


def test_rows_that_are_none_are_refused(node, of_penguins):
    call = node.load(javascript_source(of_penguins.model_))
    row = rows_of(penguins()[0][:1])[0]
    for rows, told in (
        (row, "must be an array of rows; put a single row into brackets"),
        (None, "must be an array of rows"),
        ([row, None], "row 2: a row must be an object with a cell for each column"),
        ([[1, 2]], "row 1: a row must be an object"),
        (["text"], "row 1: a row must be an object"),
        ([{"island": "Biscoe"}], r'row 1: the row lacks the columns \["bill_length_mm",'),
    ):
        with pytest.raises(JavaScriptError, match=told):
            call("predict", rows)
    assert call("predict", []) == []
    assert call("predict", [{**row, "further": 1}]) == call("predict", [row])


def test_names_and_levels_of_any_kind_are_written(node, rng):
    names = ["__proto__", "constructor", 'a "b"\\n', "*/ </script>"]
    names += ["\u2028", "é", "e\u0301", "\U0001f427"]
    words = ["__proto__", "toString", "<!--", "${x}`\n", "\u2029", "é", "2", "True"]
    frame = pd.DataFrame({name: rng.permuted(words * 20) for name in names[:4]})
    for name in names[4:]:
        frame[name] = rng.normal(size=len(frame))
    y = np.array(["</script>", "*/", '"\n'])[np.arange(len(frame)) % 3]
    estimator = MLPClassifier((3,), max_iter=3, random_state=0).fit(frame, y)
    source = javascript_source(estimator.model_)
    assert "</" not in source
    assert_agrees(node, estimator, frame, True)
    call = node.load(source)
    for cell, usual in (("e\u0301", "é"), (2, "2"), ("2.0", "2"), ("TRUE", "True"), (True, "True")):
        row = rows_of(frame[:1])[0]
        found = call("predictProba", [{**row, "constructor": one} for one in (cell, usual)])
        assert found[0] == found[1]
    inherited = {name: cell for name, cell in row.items() if name != "constructor"}
    with pytest.raises(JavaScriptError, match=r'the row lacks the columns \["constructor"\]'):
        call("predict", [inherited])


# -- the readers, text by text ------------------------------------------------------------------

NOTATIONS = [
    Notation(),
    Notation(",", ".", "", "€"),
    Notation(",", "", "", ""),
    Notation(".", "'", "", "kg"),
    Notation(".", " ", "", "", True),
    Notation(".", ",", "$", "", True),
    Notation(".", ",", "", "mm", True),
    Notation(".", "", "", "min", False, ("seasons", "m/s")),
]
SIGNS = [*"12.,'’_ \u00a0\u202f-−–—+()$€kms%e/é½٣<x", "000", "1234", "kg", "US$", "\ufeff", "\x1c"]
OF_DATES = [*"-/.: tTzZw,pd", "2021", "21", "1", "02", "12", "30", "59", "12.5", "+01:00",
            "am", "P.M.", "Jan", "Sept.", "th", "Mon, ", "W05", "20210304", ".0", "at ", "days",
            "h", "2h", "50m", "s", "\x1c", "\u00a0"]  # fmt: skip
FORMS = ["{Y}-{m}-{d}", "{d}.{m}.{Y}", "{d}/{m}/{y}", "{d} {b} {Y}", "{b} {d}, {Y}", "{Y}{m}{d}",
         "{Y}-W{m}-{w}", "{Y} {b}", "{Y}-{m}", "Tues {d}. {b} {Y}", "{Y}-{m}-{d}T{H}:{M}:{S}{z}",
         "{m}/{d}/{Y} {H}:{M} PM", "{d}.{m}.{Y} {H}.{M}", "{Y}", "{H}:{M}:{S}", "{w} days {H}:{M}",
         "-{w} day, +{H}:{M}:{S}", "p{w}dt{H}h{M}m", "{H}h {M}min", "{S}.5 sec", "-{H} hrs",
         "{S}.2.1s"]  # fmt: skip


def made_up(draw, signs, most=6):
    return "".join(draw.choice(signs) for _ in range(draw.randint(0, most)))


def a_date(draw):
    return draw.choice(FORMS).format(
        Y=draw.choice([1969, 1970, 2000, 2023, 1900, "0001", "0000", "9999"]),
        y=draw.choice(["68", "69"]), m=f"{draw.randint(0, 13):02}", d=f"{draw.randint(0, 32):02}",
        b=draw.choice(["jan", "February", "Sep."]), w=draw.randint(0, 8),
        H=f"{draw.randint(0, 25):02}", M=f"{draw.randint(0, 61):02}",
        S=f"{draw.randint(0, 61):02}", z=draw.choice(["", "Z", "+01:30", "-0500", " utc"]),
    )  # fmt: skip


READERS = """
const told = (value) => (Number.isFinite(value) ? value : String(value));
export const numbers = (all, writing) => all.map((one) => told(numberIn(one, writing ?? PLAIN)));
export const units = (texts, writing) => texts.map((one) => unitIn(one, writing));
export const truths = (texts) => texts.map((one) => told(truthOf(one)));
export const meanings = (texts) => texts.map((one) => String(meaning(one)));
export const bares = (texts) => texts.map(bare);
export const dates = (texts, what, order) => texts.map((one) => told({ %s }[what](one, order)));
export const parts = (moments, dating) => moments.map((one) => partsOf(one, dating));
export const tails = (numbers) => numbers.map(erfc);
"""


@pytest.fixture(scope="module")
def readers(node):
    text = READERS % ", ".join(f"{what}: {name}" for what, name in MOMENTS.items())
    return node.load(needed(text, constants(np.dtype(float))) + text)


def told(value):
    return value if math.isfinite(value) else {"nan": "NaN", "inf": "Infinity"}[str(value)]


@pytest.mark.parametrize("notation", NOTATIONS, ids=str)
def test_numbers_are_read_as_the_library_reads_them(readers, notation):
    draw = random.Random(0)
    texts = [made_up(draw, SIGNS) for _ in range(2000)]
    group, endings = notation.thousands, [notation.after, f" {notation.after}", "k", "M", "s", " -"]
    numbers = ["1", "12", f"12{group}345", f"1{group}23{group}456", f"1{notation.decimal}5", "1e3"]
    texts += [
        draw.choice(["", "-", "(", "+", "−"]) + notation.before + draw.choice(numbers)
        + draw.choice([*endings, *notation.units]) + draw.choice(["", ")", "-"])
        for _ in range(1000)
    ]  # fmt: skip
    writing = {**notation._asdict(), "units": list(notation.units)}
    expected = [told(number_of(text, notation)) for text in texts]
    assert readers("numbers", texts, None if notation.is_plain else writing) == expected
    assert sum(one != "NaN" for one in expected) > 100
    assert readers("units", texts, writing) == [unit_in(text, notation) for text in texts]


@pytest.mark.parametrize("what", MOMENTS)
@pytest.mark.parametrize("order", ["ymd", "dmy", "mdy"])
def test_dates_are_read_as_the_library_reads_them(readers, what, order):
    draw = random.Random(0)
    texts = [made_up(draw, OF_DATES) for _ in range(1500)] + [a_date(draw) for _ in range(1500)]
    expected = [told(moment(text, Dating(what, order))) for text in texts]
    found = readers("dates", texts, what, order)
    assert [one == "NaN" for one in found] == [one == "NaN" for one in expected]
    there = [one for one in expected if one != "NaN"]
    assert len(there) > 50
    np.testing.assert_allclose([one for one in found if one != "NaN"], there, rtol=1e-15)


def test_words_are_read_as_the_library_reads_them(readers):
    draw = random.Random(0)
    signs = [*"10+-.éß ٣\n", "true", "falſe", "FALSE", "e\u0301"]
    texts = [made_up(draw, signs, 3) for _ in range(1000)]
    expected = [meaning(text) for text in texts]
    expected = [one if isinstance(one, str) else str(int(one)) for one in expected]
    assert readers("meanings", texts) == expected
    words = [*"tTfFyn10", "YES", "yeſ", "No", "01", "1.0", "2", "1e999", "İ", "x", "5.", ".5"]
    assert readers("truths", words) == [told(truth_of(word)) for word in words]
    blanks = [chr(sign) for sign in range(0x10000) if not 0xD800 <= sign < 0xE000]
    texts = [f"{blank}x{blank}" for blank in blanks]
    assert readers("bares", texts) == [text.strip() for text in texts]


def test_the_parts_of_dates_are_those_of_the_library(readers, rng):
    moments = [*rng.uniform(-6.2e10, 2.5e11, 500), *(86400.0 * rng.integers(-7e5, 2.9e6, 500))]
    for what, parts in (("date", ("year", "month", "weekday", "hour")), ("time", ("hour",))):
        expected = Dating(what, "ymd", parts).numbers(np.array(moments))
        found = readers("parts", moments, {"what": what, "parts": parts})
        np.testing.assert_allclose(found, expected, rtol=1e-15, atol=1e-15)


def test_erfc_has_the_precision_of_doubles(readers):
    x = np.concatenate([np.linspace(-6, 26.5, 20_001), [0.0, 0.46875, 4.0, -30.0]])
    expected = [math.erfc(one) for one in x]  # SciPy's is 5e-14 off where it is small
    np.testing.assert_allclose(readers("tails", x.tolist()), expected, rtol=1e-15)
    assert readers("tails", [28.0, 1e300]) == [0, 0]


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_an_activation_is_the_same_function(node, activation):
    name = activation.forward.__name__
    text = f"export const bent = (all) => all.map({name});"
    call = node.load(needed(text, activations([activation])) + "\n" + text)
    r = np.concatenate([np.linspace(-45, 45, 2001), [-1e30, 1e30, 0.0]])
    found = call("bent", r.tolist())
    np.testing.assert_allclose(found, activation.alone(r), rtol=1e-14, atol=1e-300)


def test_an_activation_is_computed_without_repeating_itself():
    written = bending.bend_source(ACTIVATIONS["silu"])
    assert written.count("Math.exp(") == 1
    assert written.splitlines()[-2].startswith("  return (r * ")


def test_a_scale_of_the_inputs_comes_before_the_layers(node):
    layers = "[[Float64Array.of(2, 3), Float64Array.of(1)]]"
    text = f"export const scored = (x, s) => [...scoresOf(x, null, {{ layers: {layers}, s }})];"
    call = node.load(needed(text, {}) + "\n" + text)
    assert call("scored", [1, 1], [10, 100]) == [321]


def test_numbers_of_a_target_ascend(node):
    text = "export const ascended = ascending;"
    call = node.load(needed(text, {}) + "\n" + text)
    assert call("ascended", [3, 1, 2, 10, 9, -1], 3) == [1, 2, 3, -1, 9, 10]


def test_an_operation_without_javascript_is_refused():
    odd = ACTIVATIONS["tanh"]._replace(forward=np.arctan)
    with pytest.raises(DataError, match="uses 'arctan', for which there is no JavaScript"):
        bending.bend_source(odd)


# -- values, and ways to write ------------------------------------------------------------------


def test_values_are_written_so_that_they_are_read_back(node, rng):
    values = [0.1, -0.0, 1e300, 5e-324, 2.0, 2**53, True, None, "a\u2028<\x7f\\", "é\U0001f427*/"]
    source = f"export const VALUES = [{', '.join(map(literal, values))}];"
    assert node.load(source)("VALUES") == values
    written = {math.inf: "Infinity", -math.inf: "-Infinity"}
    assert literal(math.nan) == "NaN"
    assert {value: literal(value) for value in written} == written
    floats = rng.normal(size=2000).astype(np.float32) ** 9
    source = f"export const VALUES = [...Float32Array.of({', '.join(map(digits, floats))})];"
    np.testing.assert_array_equal(np.array(node.load(source)("VALUES"), np.float32), floats)


def test_labels_that_javascript_would_round_are_refused():
    x, y = np.arange(40.0)[:, None], 2**53 + np.arange(40) % 2
    estimator = MLPClassifier((2,), max_iter=2, random_state=0).fit(x, y)
    with pytest.raises(DataError, match=r"must lie below 2\*\*53; 9007199254740992 does not"):
        javascript_source(estimator.model_)


def test_estimators_and_the_command_line_write_modules(of_penguins, tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    expected = javascript_source(of_penguins.model_)
    of_penguins.to_javascript("model.js")
    assert Path("model.js").read_text(encoding="utf-8") == expected
    of_penguins.save("m")
    expected = javascript_source(load_model("m"))
    assert call("export", "m", "--format", "javascript", "-o", "m.js") == (0, "", "")
    assert Path("m.js").read_text(encoding="utf-8") == expected


@pytest.mark.parametrize(
    "settings",
    [{}, {"activation": "gelu"}, {"data": "digits"}, {"data": "sine", "skip": True, "scale": True}],
    ids=str,
)
def test_the_page_gives_its_network_as_a_module(node, settings, rng):
    session = Session(read_table(PENGUINS))
    session.change(settings)
    session.step("epoch")
    call, model = node.load(takeaway.javascript(session).decode()), session.model()
    rows = rng.uniform(0, 3, (20, len(model.encoder.names)))
    if len(model.classes):
        found, expected = call("predictProba", rows.tolist()), model.predict_proba(rows)
    else:
        found, expected = call("predict", rows.tolist()), model.predict_numbers(rows)[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


# -- docs/shipping.md ---------------------------------------------------------------------------


def block(language):
    text = SHIPPING.read_text(encoding="utf-8")
    return re.search(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[1]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """A folder with the page and the module of docs/shipping.md."""
    folder = tmp_path_factory.mktemp("shipped")
    frame, species = penguins()
    settings = {"batch_size": 32, "early_stopping": True, "scoring": "loss", "random_state": 0}
    MLPClassifier((32,), **settings).fit(frame, species).to_javascript(folder / "penguins.js")
    (folder / "index.html").write_text(block("html"), encoding="utf-8")
    return folder


def test_the_program_of_the_docs_runs_in_node(node, shipped):
    program = block("javascript").replace("./penguins.js", (shipped / "penguins.js").as_posix())
    program = program.replace("console.log(", "export const shown = (")
    (node.path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    assert node.load(program)("shown") == ["Gentoo"]


@pytest.fixture(scope="module")
def site(shipped):
    handler = partial(Quiet, directory=str(shipped))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/index.html"
    server.shutdown()
    thread.join()
    server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


def test_the_page_of_the_docs_predicts(request, site):
    for mark in BROWSER:
        if mark.name == "skipif" and mark.args[0]:
            pytest.skip(mark.kwargs["reason"])
    driver = request.getfixturevalue("driver")
    driver.get(site)
    shown = driver.execute_async_script(
        "const look = () => document.querySelector('output').textContent"
        " ? arguments[0](document.querySelector('output').textContent) : setTimeout(look, 20);"
        "look();"
    )
    assert re.fullmatch(r"Gentoo, \d+\.\d %", shown)
    complaints = [one["message"] for one in driver.get_log("browser")]
    assert [one for one in complaints if "favicon" not in one] == []
