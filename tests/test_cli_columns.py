"""The plan of the columns on the command line: what is said of it, and that every command obeys."""

import gzip
import json
import shlex

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from handgrad.models.file import load_model
from handgrad.tables.table import read_table

OK, USAGE, DATA = 0, 2, 3
N = 60
QUICK = ("--hidden", "4", "--epochs", "3")


@pytest.fixture
def fit(call):
    def fit_with(table, *options, target="y"):
        return call("fit", table, "--target", target, "--model", "m", *QUICK, *options)

    return fit_with


def write(name, /, **columns):
    pd.DataFrame(columns).to_csv(name, index=False)


def labels(n=N):
    return ["ab"[i % 2] for i in range(n)]


def spread(n=N):
    return [i * 37 % 101 for i in range(n)]


TARGET_THERE = "column y is what the model predicts; it is not used\n"
COLOURS = ["red", "green", "blue"] * (N // 3)

# -- the same table in every file ---------------------------------------------------------------

DAYS = pd.date_range("2021-03-01", periods=N, freq="11D")
COLUMNS = {
    "booleans": ([i % 3 == 0 for i in range(N)], ()),
    "booleans with holes": (
        pd.array([None if i % 5 == 0 else i % 3 == 0 for i in range(N)], dtype="boolean"),
        (),
    ),
    "numbers as categories": ([1.0 + i % 3 for i in range(N)], ("--categorical", "c")),
    "numbers as categories, with holes": (
        [np.nan if i % 7 == 0 else 1.0 + i % 3 for i in range(N)],
        ("--categorical", "c"),
    ),
    "whole numbers as categories": ([1 + i % 3 for i in range(N)], ("--kind", "c=category")),
    "dates": (DAYS, ()),
    "units": ([f"{i / 4:.2f} kg" for i in range(N)], ()),
    "missing words": (["n/a" if i % 9 == 0 else f"{i / 8:.3f}" for i in range(N)], ()),
    "numbers with words": (["n.d." if i % 9 == 0 else f"{i / 8:.3f}" for i in range(N)], ()),
    "missing words that are told": (
        ["gone" if i % 9 == 0 else f"{i / 8:.3f}" for i in range(N)],
        ("--missing", "c=gone"),
    ),
}
WRITERS = {
    "t.csv": lambda table, path: table.to_csv(path, index=False),
    "t.parquet": lambda table, path: table.to_parquet(path, index=False),
    "t.csv.gz": lambda table, path: path.write_bytes(
        gzip.compress(table.to_csv(index=False).encode())
    ),
}


@pytest.mark.parametrize("fitted_on", WRITERS)
@pytest.mark.parametrize("name", COLUMNS)
def test_a_model_reads_the_same_in_every_file(fit, call, tmp_path, name, fitted_on):
    values, options = COLUMNS[name]
    table = pd.DataFrame({"c": values, "x": spread(), "y": labels()})
    for file, written in WRITERS.items():
        written(table, tmp_path / file)
    assert fit(fitted_on, "-q", *options)[0] == OK
    told = []
    for file in WRITERS:
        code, out, err = call("predict", "m", file, "--proba")
        assert (code, err) == (OK, TARGET_THERE), file
        code, figures, err = call("evaluate", "m", file)
        assert (code, err) == (OK, "")
        told.append((out, figures))
    assert told[0] == told[1] == told[2]


def test_booleans_as_numbers_and_words_are_the_same_table(fit, call):
    truth = [i % 3 == 0 for i in range(N)]
    write("t.csv", c=truth, y=np.where(truth, "a", "b"))
    assert fit("t.csv", "-q", "--epochs", 60, "--learning-rate", ".1")[0] == OK
    spellings = [("1", "0"), ("TRUE", "FALSE"), ("yes", "no"), ("t", "F"), ("1.0", "0.0")]
    for yes, no in spellings:
        write("s.csv", c=[yes if t else no for t in truth], y=np.where(truth, "a", "b"))
        code, out, err = call("evaluate", "m", "s.csv")
        assert (code, err) == (OK, "")
        assert "accuracy 1.0000" in out


@pytest.mark.parametrize("cells", ["1234", "01234", "1234.0"])
def test_codes_are_the_same_with_and_without_a_zero_before_them(fit, call, cells):
    write("t.csv", zip=["01234", "05678", "09999"] * (N // 3), x=spread(), y=labels())
    assert fit("t.csv", "-q", "--categorical", "zip")[0] == OK
    write("p.csv", zip=[cells] * 2, x=[1, 2])
    assert call("predict", "m", "p.csv")[2] == ""


# -- what the columns were taken for is said ----------------------------------------------------


@pytest.fixture
def everything():
    """A table with a column of every kind, t.csv."""

    def make():
        write(
            "t.csv",
            size=spread(),
            word=["n.d." if i % 9 == 0 else f"{i / 8:.3f}" for i in range(N)],
            flag=[i % 3 == 0 for i in range(N)],
            level=COLOURS,
            when=DAYS,
            name=[f"N{i:04}" for i in range(N)],
            y=labels(),
        )

    return make


SUMMARY = (
    "1 number, 1 number with words, 1 boolean, 1 category (level 3), 1 date, left out: name (60 of "
    "60 differ)"
)
KINDS = ["number", "number with words", "boolean", "category", "date", "left out"]


def test_the_plan_is_told_before_training_on_stderr(fit, everything):
    everything()
    code, out, err = fit("t.csv")
    assert code == OK
    first, doubt, advice = err.splitlines()[:3]
    assert first == f"columns: {SUMMARY}"
    assert doubt.startswith("  column 'word': 53 of 60 cells are numbers; beside them stand 'n.d.'")
    assert "--dry-run shows all" in advice
    assert err.index("columns:") < err.index("epoch")
    assert "columns:" not in out


def test_of_many_doubts_the_first_are_noted_and_the_rest_counted(call, fit):
    cells = ["n.d." if i % 9 == 4 else value for i, value in enumerate(spread())]
    write("t.csv", y=labels(), **{f"c{i}": cells for i in range(25)})
    code, _, err = fit("t.csv")
    assert code == OK
    assert err.count("\n  column 'c") == 20
    assert "\n  and 5 more notes of this kind\n" in err
    assert call("fit", "t.csv", "--target", "y", "--dry-run")[1].count("\nnote: column 'c") == 25


def test_quiet_says_nothing_of_the_plan(fit, everything):
    everything()
    code, _, err = fit("t.csv", "-q")
    assert (code, err) == (OK, "")


def test_a_dry_run_shows_the_plan_and_trains_nothing(call, everything, tmp_path):
    everything()
    before = sorted(tmp_path.iterdir())
    code, out, err = call(
        "fit", "t.csv", "--target", "y", "--dry-run", "--model", "m", "--report", "r"
    )
    assert (code, err) == (OK, "")
    lines = out.splitlines()
    assert lines[0] == f"t.csv: {SUMMARY}"
    rows = {line.split()[0]: line for line in lines if line.startswith("  ")}
    for name, kind in zip(["size", "word", "flag", "level", "when", "name"], KINDS, strict=True):
        assert kind in rows[name]
    assert "note: column 'word'" in out
    assert lines[-1] == "Nothing was trained (--dry-run)."
    assert sorted(tmp_path.iterdir()) == before


def test_the_plan_as_json(call, fit, everything):
    everything()
    code, out, _ = call("fit", "t.csv", "--target", "y", "--dry-run", "--json")
    assert code == OK
    dry = json.loads(out)
    assert [column["kind"] for column in dry["columns"]] == KINDS
    assert dry["columns"][3] | {"missing": 0} == {
        "name": "level",
        "kind": "category",
        "why": "3 different texts",
        "missing": 0,
        "n_levels": 3,
    }
    assert "n.d." in dry["notes"][0]
    code, out, _ = fit("t.csv", "--json", "-q")
    told = json.loads(out)
    assert code == OK
    assert told["columns"] == dry["columns"]
    assert told["notes"] == dry["notes"]
    code, out, _ = call("info", "m", "--json")
    info = json.loads(out)
    assert code == OK
    assert info["columns"] == dry["columns"]
    assert info["categorical_columns"] == {"level": ["blue", "green", "red"]}
    assert info["words_beside_numbers"] == {"word": ["n.d."]}
    assert info["numeric_columns"] == ["size"]


def test_info_tells_the_columns(call, fit, everything):
    everything()
    fit("t.csv", "-q")
    code, out, _ = call("info", "m")
    assert code == OK
    rows = {line.split()[0]: line for line in out.splitlines() if line.startswith("  ")}
    assert "number, mean" in rows["size"]
    assert "number with words, mean" in rows["word"]
    assert "1 word" in rows["word"]
    assert rows["flag"].split(maxsplit=1)[1] == "boolean"
    assert "category, 3 levels" in rows["level"]
    assert "date, elapsed days, year, month (sine)" in rows["when"]
    assert "left out: 60 of 60 differ" in rows["name"]


def test_look_alikes_and_empty_columns_are_told(fit):
    write("t.csv", g=["Male", "male ", "Female"] * (N // 3), e=[None] * N, x=spread(), y=labels())
    code, _, err = fit("t.csv")
    assert code == OK
    assert "left out: e (no cell is filled)" in err
    assert "column 'g': 'Male', 'male ' look alike" in err
    names = load_model("m").encoder.input_names
    assert names == ["x", "g=Female", "g=Male", "g=male "]  # as they stand, blanks included


# -- options ------------------------------------------------------------------------------------


def kinds_of(call, *options):
    code, out, err = call("fit", "t.csv", "--target", "y", "--dry-run", "--json", *options)
    assert code == OK, err
    return {column["name"]: column for column in json.loads(out)["columns"]}


def test_kinds_are_declared(call, everything):
    everything()
    plan = kinds_of(
        call,
        *("--kind", "size=category", "--kind", "level=left out", "--kind", "name=category"),
        *("--kind", "flag=category"),
    )
    found = {name: (column["kind"], column["why"]) for name, column in plan.items()}
    assert found["size"] == found["name"] == found["flag"] == ("category", "as declared")
    assert found["level"] == ("left out", "as declared")


@pytest.mark.parametrize(
    ("option", "code", "message"),
    [
        ("level=colour", USAGE, "with a kind of number, number with words, boolean"),
        ("level", USAGE, "must be COLUMN=KIND"),
        ("lebel=category", USAGE, "there is no such column"),
        ("y=category", USAGE, "there is no such column to predict from"),
        ("level=number", DATA, "column 'level' cannot be numbers: 'red' is not one"),
        ("when=number", DATA, "column 'when' cannot be numbers: '2021-03-01' is not one"),
        ("level=date", DATA, "column 'level' cannot be dates"),
        ("level=boolean", DATA, "column 'level' cannot be booleans: most cells are neither yes"),
        ("size=boolean", DATA, "column 'size' cannot be booleans"),
    ],
)
def test_a_kind_that_does_not_fit_is_refused(call, everything, option, code, message):
    everything()
    left, out, err = call("fit", "t.csv", "--target", "y", "--kind", option)
    assert (left, out) == (code, "")
    assert message in err


def test_typed_dates_are_no_numbers_and_no_booleans(call):
    pd.DataFrame({"c": DAYS, "x": spread(), "y": labels()}).to_parquet("t.parquet")
    for kind in ("number", "boolean"):
        code, _, err = call("fit", "t.parquet", "--target", "y", "--kind", f"c={kind}")
        assert code == DATA
        assert "'c' cannot be" in err


def test_declared_booleans_may_have_a_few_other_words(call, fit):
    cells = ["unsure" if i % 10 == 0 else ("yes", "no")[i % 2] for i in range(N)]
    write("t.csv", c=cells, x=spread(), y=labels())
    assert kinds_of(call)["c"]["kind"] == "category"
    code, _, err = fit("t.csv", "--kind", "c=boolean")
    assert code == OK
    assert "'unsure' (6) are neither yes nor no; each counts as missing" in err
    assert load_model("m").encoder.input_names == ["c", "x", "c is missing"]


def test_declared_dates_tell_what_they_cannot_read(fit):
    cells = ["soon" if i % 4 == 0 else f"{day:%d.%m.%Y}" for i, day in enumerate(DAYS)]
    write("t.csv", c=cells, x=spread(), y=labels())
    code, _, err = fit("t.csv", "--kind", "c=date")
    assert code == OK
    assert "'soon' (15) are not dates and count as missing" in err


def test_words_that_mean_missing(fit, call):
    income = ["-999" if i % 10 == 0 else str(i) for i in range(N)]
    colour = ["gone" if i % 4 == 0 else "ab"[i % 2] for i in range(N)]
    write("t.csv", income=income, colour=colour, gap=colour, y=labels())
    code, _, err = fit("t.csv", "--missing", "income=-999", "--missing", "gone")
    assert code == OK
    assert "far from the rest" not in err
    assert load_model("m").encoder.input_names == [
        *("income", "income is missing", "colour=a", "colour=b", "colour is missing"),
        *("gap=a", "gap=b", "gap is missing"),
    ]
    # and it is obeyed without being said again
    write("p.csv", income=[-999.0, ""], colour=["gone", ""], gap=["gone", ""], y="a")
    code, out, err = call("predict", "m", "p.csv", "--proba")
    assert (code, err) == (OK, TARGET_THERE)
    assert len(set(out.splitlines()[1:])) == 1


def test_a_word_for_one_column_is_a_level_of_another(fit):
    colour = ["gone" if i % 4 == 0 else "ab"[i % 2] for i in range(N)]
    write("t.csv", colour=colour, gap=colour, y=labels())
    assert fit("t.csv", "-q", "--missing", "gap=gone")[0] == OK
    names = load_model("m").encoder.input_names
    assert "colour=gone" in names
    assert "gap=gone" not in names


def test_missing_for_a_column_that_is_not_there_is_told(fit):
    write("t.csv", x=spread(), y=labels())
    code, _, err = fit("t.csv", "-q", "--missing", "incom=-999")
    assert code == OK
    assert "--missing incom=-999: no column is called incom, so the whole text" in err
    assert err.count("no column is called") == 1


def test_decimal_and_thousands(call, fit):
    write("t.csv", a=["1.500", "2.250", "3.125"] * (N // 3), x=spread(), y=labels())
    plain = kinds_of(call)["a"]
    assert "notation" not in plain
    assert "is read as the fraction 1.5" in plain["doubts"][0]
    assert kinds_of(call, "--thousands", ".")["a"]["notation"]["decimal"] == ","
    for options in (("--thousands", "."), ("--decimal", ",")):
        assert fit("t.csv", "-q", *options)[0] == OK
        assert load_model("m").encoder.mean[0] == pytest.approx(2291.67, abs=300)
    assert fit("t.csv", "-q", "--decimal", ".")[0] == OK
    assert load_model("m").encoder.mean[0] == pytest.approx(2.29167, abs=0.3)


def test_signs_that_are_none_are_refused(call):
    write("t.csv", x=spread(), y=labels())
    for option in (("--decimal", ";"), ("--thousands", "x"), ("--min-frequency", "0")):
        code, _, err = call("fit", "t.csv", "--target", "y", *option)
        assert code == USAGE
        assert option[0] in err


def test_rare_levels_share_an_input(fit, call):
    rare = ["common", "often", "rare", "common", "often", "common"] * 10
    rare[0] = "once"
    write("t.csv", g=rare, x=spread(), y=labels())
    assert fit("t.csv", "-q", "--min-frequency", 15)[0] == OK
    assert load_model("m").encoder.input_names == ["x", "g=common", "g=often", "g: other"]
    assert fit("t.csv", "-q", "--max-levels", 1)[0] == OK
    assert load_model("m").encoder.input_names == ["x", "g=common", "g: other"]
    assert "1 level and the rare ones" in call("info", "m")[1]
    write("p.csv", g=["new", "rare"], x=[1, 1])
    code, out, err = call("predict", "m", "p.csv", "--proba")
    assert code == OK
    assert (
        "column 'g': 2 of 2 cells hold values that are rare or were not seen when the model was "
        "fitted ('new', 'rare'); each counts as one of its rare levels"
    ) in err
    assert len(set(out.splitlines()[1:])) == 1
    # many, and not a frequent one among them, are no chance
    write("p.csv", g=["rare"] * 100, x=1)
    assert call("predict", "m", "p.csv")[0] == OK
    write("p.csv", g=["COMMON"] * 101, x=1)
    assert call("predict", "m", "p.csv")[0] == DATA


def test_more_than_a_thousand_levels_are_no_wall(fit):
    n = 2600
    names = [f"level {i // 2 if i < 2400 else 7}" for i in range(n)]
    write("t.csv", g=names, y=labels(n))
    assert fit("t.csv", "-q")[0] == OK
    assert load_model("m").encoder.n_inputs == 1001


def test_advice_for_a_column_that_is_left_out_works(call, fit):
    write("t.csv", c=[f"C{i:04}" for i in range(N)], x=spread(), y=labels())
    assert "left out: c (60 of 60 differ)" in fit("t.csv")[2]
    assert kinds_of(call, "--kind", "c=category")["c"]["kind"] == "category"


# -- what the model does not know ---------------------------------------------------------------


@pytest.fixture
def colours(fit):
    """A model of a colour and a number, and a table g.csv of its columns."""

    def make(colour, x=None, y=None, name="p.csv"):
        write(name, g=colour, x=spread(len(colour)) if x is None else x, y=y or labels(len(colour)))

    make(COLOURS, name="t.csv")
    assert fit("t.csv", "-q")[0] == OK
    return make


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_few_unknown_cells_are_noted(call, colours, command):
    colours(["pink"] * 3 + ["mauve", "ochre", "beige"] + COLOURS)
    code, _, err = call(command, "m", "p.csv")
    assert code == OK
    assert (
        "column 'g': 6 of 66 cells hold values not seen when the model was fitted ('pink', "
        "'mauve', 'ochre', ...); each counts as none of its levels"
    ) in err


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize("other", [str.upper, lambda colour: f"{colour}ish", lambda _: "purple"])
def test_a_column_of_which_no_cell_is_known_is_drift(call, colours, command, other):
    colours([other(colour) for colour in COLOURS])
    code, out, err = call(command, "m", "p.csv")
    assert (code, out) == (DATA, "")
    assert "the model knows no cell of 'g'" in err
    assert "60 of 60 cells" in err
    code, out, err = call(command, "m", "p.csv", "--unknown", "allow")
    assert code == OK
    assert out
    assert "60 of 60 cells" in err


def test_several_columns_that_drifted_are_told_in_one_run(call, fit):
    write("t.csv", g=COLOURS, h=COLOURS[::-1], y=labels())
    fit("t.csv", "-q")
    write("p.csv", g=["x", "y"], h=["y", "x"])
    assert "the model knows no cell of 'g', 'h'" in call("predict", "m", "p.csv")[2]


def test_a_single_unknown_cell_may_be_chance(call, colours):
    colours(["pink"])
    code, out, err = call("predict", "m", "p.csv")
    assert code == OK
    assert "1 of 1 cells" in err
    assert len(out.splitlines()) == 2


def test_missing_cells_are_no_drift(call, colours):
    colours(["", "", None])
    code, _, err = call("predict", "m", "p.csv")
    assert code == OK
    assert "not there when" not in err


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_text_in_a_number_column_is_refused_by_its_line(call, colours, command):
    colours(COLOURS, x=["oops" if i == 4 else i for i in range(N)])
    code, out, err = call(command, "m", "p.csv")
    assert (code, out) == (DATA, "")
    assert "column 'x', row 5 (line 6): 'oops' is not a plain decimal number" in err
    assert "--unknown allow reads these cells as missing" in err
    code, out, err = call(command, "m", "p.csv", "--unknown", "allow", *PROBA[command])
    assert code == OK
    assert (
        "column 'x': 1 of 60 cells hold values not seen when the model was fitted ('oops')" in err
    )
    colours(COLOURS, x=["" if i == 4 else i for i in range(N)])
    assert call(command, "m", "p.csv", *PROBA[command])[1] == out


PROBA = {"predict": ["--proba"], "evaluate": []}


def test_dates_and_booleans_that_cannot_be_read_are_noted(call, fit):
    flags = [i % 3 == 0 for i in range(N)]
    write("t.csv", day=DAYS, flag=flags, x=spread(), y=labels())
    fit("t.csv", "-q")
    days = ["never" if i == 3 else day for i, day in enumerate(DAYS)]
    write("p.csv", day=days, flag=["maybe", *map(str, flags[1:])], x=spread())
    code, _, err = call("predict", "m", "p.csv")
    assert code == OK
    assert "column 'day': 1 of 60 cells hold values not seen" in err
    assert "('never'); each counts as missing" in err
    assert "column 'flag': 1 of 60 cells hold values not seen" in err


def test_later_dates_are_known(call, fit):
    write("t.csv", day=DAYS, x=spread(), y=labels())
    fit("t.csv", "-q")
    write("p.csv", day=DAYS + pd.Timedelta(days=3650), x=spread())
    assert call("predict", "m", "p.csv")[::2] == (OK, "")


# -- labels that the model does not know --------------------------------------------------------


def test_labels_not_seen_in_training(call, colours):
    colours(COLOURS, y=["abc"[i % 3] for i in range(N)])
    code, out, err = call("evaluate", "m", "p.csv")
    assert (code, out) == (DATA, "")
    assert "20 rows have others: 'c', the first in row 3" in err
    assert "--unknown allow leaves these rows out" in err
    code, out, err = call("evaluate", "m", "p.csv", "--unknown", "allow")
    assert code == OK
    assert "left out: 20 rows with labels that the model does not know: 'c'" in err
    assert "without a label" not in err
    rest = [i for i in range(N) if i % 3 != 2]
    colours(
        [COLOURS[i] for i in rest], x=[spread()[i] for i in rest], y=["abc"[i % 3] for i in rest]
    )
    assert call("evaluate", "m", "p.csv")[1] == out


def test_missing_and_strange_labels_are_counted_apart(call, colours):
    colours(COLOURS, y=["c", "d", "", "", *labels(N - 4)])
    code, out, err = call("evaluate", "m", "p.csv", "--unknown", "allow")
    assert code == OK
    assert out.startswith("56 rows:")
    assert "left out: 2 rows with labels that the model does not know: 'c', 'd'" in err
    assert "left out: 2 rows without a label" in err
    code, out, err = call("gradcheck", "m", "p.csv", "--unknown", "allow")
    assert code == OK
    assert "rows with labels that the model does not know" in err
    assert call("gradcheck", "m", "p.csv")[0] == DATA


def test_nothing_but_strange_labels_is_refused(call, colours):
    colours(COLOURS, y=["c"] * N)
    for command in ("evaluate", "gradcheck"):
        code, _, err = call(command, "m", "p.csv", "--unknown", "allow")
        assert code == DATA
        assert "it has only labels that the model does not know: 'c'" in err


def test_a_row_with_a_strange_label_is_explained_without_truth(call, colours):
    colours(COLOURS, y=["c", *labels(N - 1)])
    code, _, err = call("explain", "m", "p.csv")
    assert code == DATA
    assert "'c' must be one of the labels that the model knows, 'a', 'b'" in err
    assert "--unknown allow" in err
    code, out, err = call("explain", "m", "p.csv", "--unknown", "allow")
    assert code == OK
    assert "the model does not know the true label 'c': the explanation ends" in err
    assert "The loss" not in out


# -- explain ------------------------------------------------------------------------------------


@pytest.fixture
def explained(call, fit):
    """Explain one row of p.csv by a model with a column of each kind; give what each becomes."""
    write(
        "t.csv",
        number=["" if i % 20 == 0 else str(v) for i, v in enumerate(spread())],
        kg=[f"{i / 4:.2f} kg" for i in range(N)],
        word=["n.d." if i % 9 == 0 else f"{i / 8:.3f}" for i in range(N)],
        flag=[i % 3 == 0 for i in range(N)],
        level=["seldom" if i == 5 else c for i, c in enumerate(COLOURS)],
        plain=COLOURS,
        when=DAYS,
        name=[f"N{i:04}" for i in range(N)],
        y=labels(),
    )
    assert fit("t.csv", "-q", "--min-frequency", 2)[0] == OK

    def explain(**cells):
        usual = {
            **{"number": 5, "kg": "2.50 kg", "word": "1.5", "flag": "true", "level": "red"},
            **{"plain": "red", "when": "2021-05-01", "name": "N1"},
        }
        row = usual | cells | {"id": 1}  # a row without any cell would be left out
        write("p.csv", **{name: [value] for name, value in row.items()})
        code, out, err = call("explain", "m", "p.csv", "--html", "page.html")
        assert (code, out) == (OK, "")
        from handgrad.explain import explain as told

        model, row = load_model("m"), read_table("p.csv")
        return {column.name: column for column in told(model, row).columns}, err

    return explain


def test_each_kind_of_cell_is_explained_truly(explained):
    known, err = explained()
    assert "not there when" not in err
    x = {name: column.inputs for name, column in known.items()}
    mean, scale = load_model("m").encoder.mean, load_model("m").encoder.scale
    assert known["number"].becomes.startswith(f"(5 - mean {mean[0]:.6g}) / deviation")
    assert x["number"] == [("number", pytest.approx((5 - mean[0]) / scale[0], rel=1e-5))]
    assert known["kg"].becomes.startswith("2.50 kg is 2.5: (2.5 - mean")
    assert known["word"].becomes.startswith("(1.5 - mean")
    assert known["flag"].becomes == "yes or no, 1 or 0: 1"
    assert "its input is 1, the other 3 are 0" in known["level"].becomes
    assert x["plain"] == [("plain=red", 1.0)]
    assert known["when"].becomes.startswith("split into elapsed days, year, month (sine)")
    assert known["name"].becomes == "left out: 60 of 60 differ"
    assert x["name"] == []


def test_missing_cells_are_explained_truly(explained):
    names = ("number", "kg", "word", "flag", "level", "plain", "when", "name")
    found, err = explained(**dict.fromkeys(names, ""))
    assert "not there when" not in err
    encoder = load_model("m").encoder
    assert all(column.cell is None for column in found.values())
    median = f"{encoder.median[0]:.6g}"
    assert found["number"].becomes.startswith(
        f"missing, so the median replaces it: ({median} - mean"
    )
    assert ("number is missing", 1.0) in found["number"].inputs
    assert found["flag"].becomes == "missing, so the median replaces it: 0"
    assert found["plain"].becomes.endswith("missing, so all 3 are 0")
    assert found["when"].becomes.startswith("missing, so medians replace elapsed days")


def test_words_and_rare_and_unknown_cells_are_explained_truly(explained):
    found, err = explained(word="n.d.", level="seldom", plain="pink", flag="maybe", when="never")
    assert found["word"].becomes.startswith("n.d. is not a number, so the median replaces it: (")
    assert "its input is 1" in found["word"].becomes
    assert ("word=n.d.", 1.0) in found["word"].inputs
    assert found["level"].becomes.endswith("a rare or new level, whose shared input is 1")
    assert found["level"].inputs == [("level: other", 1.0)]
    assert found["plain"].becomes.endswith("not seen when the model was fitted, so all 3 are 0")
    assert found["flag"].becomes == "neither yes nor no, so the median replaces it: 0"
    assert found["when"].becomes.startswith("not read as a date, so medians replace")
    for name in ("plain", "flag", "when", "level"):
        assert f"column {name!r}: 1 of 1 cells" in err
    assert "column 'word'" not in err
    found, err = explained(word="other", flag=7)
    assert found["word"].becomes.endswith("not seen when the model was fitted, so all 1 are 0")
    assert "column 'word': 1 of 1 cells" in err
    assert found["flag"].becomes == "neither yes nor no, so it stays that number: 7"


def test_the_page_of_an_explanation_says_the_same(explained, tmp_path):
    explained(kg="2.50 kg")
    assert "2.50 kg is 2.5: (2.5 - mean" in (tmp_path / "page.html").read_text()


def test_explain_and_gradcheck_take_a_bad_number_for_missing_on_demand(call, colours):
    colours(COLOURS, x=["oops", *range(N - 1)])
    for command in ("explain", "gradcheck"):
        code, _, err = call(command, "m", "p.csv")
        assert code == DATA
        assert "row 1 (line 2): 'oops' is not a plain decimal number" in err
        code, out, err = call(command, "m", "p.csv", "--unknown", "allow")
        assert code == OK
        assert out
        assert "('oops'); each counts as missing" in err


def test_gradcheck_tells_unknown_cells_once(call, colours):
    colours(["pink", "mauve", *COLOURS])
    code, _, err = call("gradcheck", "m", "p.csv", "--rows", N)
    assert code == OK
    assert err.count("column 'g'") == 1
    assert "('pink', 'mauve')" in err


# -- the target ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "mean"),
    [
        ([f"${1000 + i:,}" for i in range(N)], 1029.5),
        ([f"{1 + i // 10}.{200 + i},5" for i in range(N)], 3700),
        ([f"{i} €" for i in range(N)], 29.5),
        ([f"{i},5" for i in range(N)], 30),
        (["n/a" if i == 7 else str(i) for i in range(N)], 29.9),
        (["#N/A" if i == 7 else f"{i}.5" for i in range(N)], 30.4),
    ],
)
def test_a_target_in_another_notation_is_learnt(fit, call, cells, mean):
    write("t.csv", y=cells, x=spread())
    code, _, err = fit("t.csv", "--task", "regression")
    assert code == OK, err
    assert load_model("m").scale.mean[0] == pytest.approx(mean, rel=0.2)
    code, out, _ = call("evaluate", "m", "t.csv")
    assert code == OK
    assert "R2" in out


def test_the_model_remembers_how_the_target_is_written(fit, call):
    write("t.csv", y=[f"{1 + i // 10}.{200 + i},5" for i in range(N)], x=spread())
    assert fit("t.csv", "-q", "--task", "regression")[0] == OK
    write("p.csv", y=["1.200", "1.500", "2.250"], x=[1, 2, 3])  # alone: fractions
    write("q.csv", y=[1200, 1500, 2250], x=[1, 2, 3])
    code, out, err = call("evaluate", "m", "p.csv")
    assert (code, err) == (OK, "")
    pd.DataFrame({"y": [1200.0, 1500.0, 2250.0], "x": [1, 2, 3]}).to_parquet("q.parquet")
    assert call("evaluate", "m", "q.parquet")[1] == out
    # and explain, which has the one cell alone
    assert "true: 1200" in call("explain", "m", "p.csv")[1]


def test_the_model_remembers_what_means_missing_in_the_target(fit, call):
    write("t.csv", y=[-999 if i % 10 == 0 else i for i in range(N)], x=spread())
    code, out, _ = fit("t.csv", "--task", "regression", "--missing", "y=-999")
    assert code == OK
    assert "left out: 6 rows without a number" in out
    assert "left out: 6 rows without a number" in call("evaluate", "m", "t.csv")[2]
    write("t.csv", y=["abc"[i % 3] for i in range(N)], x=spread())
    code, out, _ = fit("t.csv", "--missing", "y=c")
    assert code == OK
    assert load_model("m").classes.tolist() == ["a", "b"]
    assert "left out: 20 rows without a label" in call("evaluate", "m", "t.csv")[2]


def test_advice_on_a_word_in_the_target_works(fit):
    write("t.csv", y=["not yet" if i == 7 else str(i) for i in range(N)], x=spread())
    code, _, err = fit("t.csv", "--task", "regression")
    assert code == DATA
    assert "column 'y', row 8 (line 9): 'not yet' is not a plain decimal number" in err
    advice = err[err.rindex("(") + 1 : err.rindex(")")]
    assert fit("t.csv", "--task", "regression", *shlex.split(advice))[0] == OK


def test_advice_on_labels_under_regression_works(fit):
    write("t.csv", y=labels(), x=spread())
    code, _, err = fit("t.csv", "--task", "regression")
    assert code == DATA
    advice = err.strip().rpartition("use ")[2]
    assert fit("t.csv", *shlex.split(advice))[0] == OK


def test_advice_on_a_quantity_under_classification_works(fit):
    write("t.csv", y=[f"${1000 + i:,}" for i in range(N)], x=spread())
    code, _, err = fit("t.csv")
    assert code == DATA
    advice = err.strip().rpartition("use ")[2]
    assert fit("t.csv", *shlex.split(advice))[0] == OK


# -- decided once, from all rows ----------------------------------------------------------------


def test_rare_codes_never_fail_by_chance(call):
    lines = ["code,x,y"]
    for i in range(199):
        code = "X" if i in (10, 41) else i % 9 + 1
        lines.append(f"{code},{i * 37 % 101},{i % 2}")
    with open("k3.csv", "w") as file:
        file.write("\n".join(lines))
    read = set()
    for seed in range(40):
        code, _, err = call(
            *("fit", "k3.csv", "--target", "y", "--seed", seed, "--model", "m"),
            *("--hidden", "2", "--epochs", "1", "--engine", "numpy", "-q"),
        )
        assert (code, err) == (OK, "")
        read.add(load_model("m").encoder.plan["code"].kind)
    assert read == {"category"}  # nine different numbers beside a word are levels


def test_a_bad_cell_is_told_by_its_line_whatever_the_split(call):
    write("t.csv", x=["1e999" if i == 30 else i for i in range(N)], y=labels())
    for seed in range(5):
        code, _, err = call("fit", "t.csv", "--target", "y", "--seed", seed, "--test", ".3")
        assert code == DATA
        assert "column 'x', row 31 (line 32): '1e999' overflows" in err


def test_all_columns_at_fault_are_told_in_one_run(call):
    write(
        "t.csv",
        a=["1e999" if i == 3 else i for i in range(N)],
        b=["inf" if i == 5 else i for i in range(N)],
        y=labels(),
    )
    code, _, err = call("fit", "t.csv", "--target", "y")
    assert code == DATA
    assert "column 'a', row 4 (line 5): '1e999' overflows" in err
    assert "column 'b', row 6 (line 7): 'inf' is infinite" in err
    table = pa.table({"l": [[1]] * N, "b": [b"x"] * N, "x": spread(), "y": labels()})
    parquet.write_table(table, "t.parquet")
    code, _, err = call("fit", "t.parquet", "--target", "y")
    assert code == DATA
    assert "column 'l'" in err
    assert "column 'b'" in err
    drops = ("--drop", "l", "--drop", "b", "-q", *QUICK)
    assert call("fit", "t.parquet", "--target", "y", *drops)[0] == OK


# -- what was learnt is as good as clean columns ------------------------------------------------

CLEAN = np.random.default_rng(0).normal(size=400)
NOISE = np.round(np.random.default_rng(1).random(400), 6)
CLEAN += np.where(np.arange(400) % 2, 1.5, -1.5)


@pytest.mark.parametrize(
    "cell",
    [
        *(lambda v, word=word: f"{v:.2f}" if abs(v * 1e6) % 100 > 8 else word for word in (
            *("n/a", "None", "-", ".", "nil", "<NA>", "-nan", "NaT", "missing", "(null)", "*"),
            *("#DIV/0!", "unknown", "none", "-1.#IND", "Null", "N.A."),
        )),
        *(
            lambda v, form=form: form(v)
            for form in (
                lambda v: f"${1000 * v + 9000:,.2f}",
                lambda v: f"{1000 * v + 9000:.0f} €",
                lambda v: f"€ {100 * v + 900:.0f}",
                lambda v: f"({-v:.2f})" if v < 0 else f"{v:.2f}",
                lambda v: f"{-v:.2f}-" if v < 0 else f"{v:.2f}",
                lambda v: f"{v + 9:.1f} kg",
                lambda v: f"{v + 9:.2f} USD",
                lambda v: f"{v:.1f}°C",
                lambda v: f"{v + 9:.1f}M",
                lambda v: f">{v + 9:.1f}",
                lambda v: f"{v + 9:.1f}/20",
                lambda v: f"{v + 9:.1f}x",
                lambda v: f"{int(3600 * (v + 9)) // 3600}:{int(60 * (v + 9)) % 60:02}:05",
                lambda v: f"{int(100 * v) + 900}+",
                lambda v: f"{1000 * v + 15000:,.0f}".replace(",", "\u202f"),
                lambda v: f"{1000 * v + 15000:,.0f}".replace(",", "\u00a0"),
                lambda v: f"{v + 9:.2f}".replace(".", ","),
                lambda v: f"{100 * v:.1f}%",
                lambda v: f"{1000 * v + 15000:,.0f}".replace(",", "'"),
            )
        ),
    ],
)  # fmt: skip
def test_a_strong_column_stays_strong_in_any_notation(call, cell):
    write("t.csv", v=list(map(cell, CLEAN)), y=labels(400), noise=NOISE)
    code, out, err = call(
        *("fit", "t.csv", "--target", "y", "--test", ".3", "--json", "-q"),
        *("--hidden", "8", "--epochs", "40", "--learning-rate", ".02", "--engine", "numpy"),
    )
    assert (code, err) == (OK, "")
    told = json.loads(out)
    assert told["columns"][0]["kind"] in ("number", "number with words", "date")
    assert told["evaluation"]["accuracy"] > 0.83
