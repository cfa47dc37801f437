"""A file read in portions is the file read whole: its cells, its notes and what is wrong in it."""

import csv
import gzip
import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from handgrad.errors import DataError
from handgrad.tables.files.layout import Layout
from handgrad.tables.files.parsing import RowFacts
from handgrad.tables.files.reading import Reading
from handgrad.tables.marks import notes_of
from handgrad.tables.table import in_portions, read

OK, DATA, IO = 0, 3, 5
N = 60


@pytest.fixture
def tiny(monkeypatch):
    """Portions of a few rows each, whatever the length of a file."""
    monkeypatch.setattr("handgrad.cli.reading.PORTION_BYTES", 0)
    monkeypatch.setattr("handgrad.tables.files.parsing.STREAMED_BYTES", 128)
    monkeypatch.setattr("handgrad.tables.files.parsing.BLOCK_BYTES", 256)
    monkeypatch.setattr("handgrad.tables.files.source._CHUNK", 37)
    monkeypatch.setattr("handgrad.tables.files.columnar.PORTION_CELLS", 20)


def lines(row, header="a,b,c", n=N, end="\n"):
    return end.join([header, *map(row, range(n))]) + end


def plain(i):
    return f"{i},{'' if i % 7 == 3 else 'x' * (i % 5)},{i / 8}"


def quoted(asked):
    return '"NA"' if asked else "NA"


BIG_ENOUGH = {
    "plain": lines(plain),
    "CRLF": lines(plain, end="\r\n"),
    "a header by CR": lines(plain).replace("\n", "\r", 1),
    "some lines by CR": lines(plain).replace("\n30,", "\r30,"),
    "no end of line": lines(plain)[:-1],
    "byte order mark": "\ufeff" + lines(plain),
    "comments": "# one\n# two\n\n" + lines(plain),
    "separator told": "sep=;\n" + lines(plain).replace(",", ";"),
    "line breaks in quotes": lines(lambda i: f'{i},"p\n{i}\r\nq",{i}'),
    "CR in quotes": lines(lambda i: f'{i},"p\r{i}",{i}'),
    "quotes and separators in quotes": lines(lambda i: f'{i},"p ""{i}"", q",{i}'),
    "inches": lines(lambda i: f'{i},5" pipe {i},{i}'),
    "all quoted": lines(lambda i: f'"{i}","NA","{i}"'),
    "a word in quotes late": lines(lambda i: f"{i},{quoted(i > 50)},k"),
    "a word in quotes among numbers": lines(lambda i: f"{i},{quoted(True) if i == 9 else i},k"),
    "separators at the ends": lines(lambda i: plain(i) + ","),
    "header with more separators": lines(plain, header="a,b,c,,"),
    "names of R, numbers": lines(lambda i: f'"{i + 1}",{i},k,2'),
    "names of R, texts": lines(lambda i: f'"car {i}",{i},k,2'),
    "an index": lines(lambda i: f"{i},{i % 3},k", header=",b,c"),
    "an index, shuffled": lines(lambda i: f"{i * 37 % 101},{i % 3},k", header=",b,c"),
    "no index, for one repeats": lines(lambda i: f"{i % 59},{i % 3},k", header=",b,c"),
    "no index, for it has a gap": lines(lambda i: f"{i if i != 30 else ''},{i},k", header=",b,c"),
    "an index over empty rows": lines(lambda i: f"{i},{i % 3},k", header=",b,c") + ",,\n" * 40,
    "rows without a cell amid an index": lines(
        lambda i: ",,,," if 20 <= i < 50 else f"{i},{i % 3},k,,", header=",b,c,,"
    ),
    "an empty column": lines(lambda i: f"{i},,k", header="a,,c"),
    "a column without a name": lines(lambda i: f"{i},{i if i == 55 else ''},k", header="a,,c"),
    "a name twice": lines(plain, header="a,a,c"),
    "empty rows at the end": lines(plain) + ",,\n" * 30,
    "empty lines": lines(plain).replace("\n3", "\n\n\n3") + "\n" * 200,
    "one column with gaps": lines(lambda i: "" if i % 3 else str(i), header="a", n=300) + "\n\n",
    "one column that may be several": lines(lambda i: f"{i}|{i}", header="a|b"),
}  # fmt: skip

AT_FAULT = {
    "a short row late": lines(lambda i: "1,2" if i == 55 else plain(i)),
    "a long row late": lines(lambda i: "1,2,3,4" if i == 55 else plain(i)),
    "a quote left open": lines(lambda i: '1,"2,3' if i == 40 else plain(i)),
    "text behind a quote": lines(lambda i: '1,"2"x,3\n1,"a\nb",3' if i == 40 else plain(i)),
    "surplus cells": lines(lambda i: plain(i) + (",9" if i == 50 else ",")),
    "names of R that repeat": lines(lambda i: f'"car {i % 50}",{i},k,2'),
    "no UTF-8": lines(plain).encode() + b"1,\xe9,2\n",
    "a NUL": lines(plain).encode() + b"1,\0,2\n",
    "a title": "Cars of 1999\n" + lines(plain),
    "a first row of numbers": lines(plain, header="1,2.5,3"),
    "nothing but comments": "# x\n" * 100,
}


def written(folder, content, name="t.csv"):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def taken_apart(path, **reading):
    """Read in portions; check that they fit together; give them as one table."""
    with in_portions(path, Reading(**reading), most=0) as portions:
        tables, again = list(portions.tables()), list(portions.tables())
        assert all(a.equals(b) for a, b in zip(tables, again, strict=True))
        assert portions.n_rows == sum(table.num_rows for table in tables)
        assert all(table.schema.equals(portions.head.schema) for table in tables)
        return portions.whole(), len(tables)


def same(ours, whole):
    assert ours.to_pydict() == whole.to_pydict()
    assert ours.schema.equals(whole.schema, check_metadata=True)
    assert notes_of(ours) == notes_of(whole)


@pytest.mark.parametrize("name", BIG_ENOUGH)
def test_the_portions_are_the_whole(tmp_path, request, name):
    path = written(tmp_path, BIG_ENOUGH[name])
    whole = read(path)
    request.getfixturevalue("tiny")
    ours, n = taken_apart(path)
    same(ours, whole)
    assert n > 1


@pytest.mark.parametrize("name", AT_FAULT)
def test_what_is_wrong_is_said_in_the_same_words(tmp_path, request, name):
    path = written(tmp_path, AT_FAULT[name])
    with pytest.raises(DataError) as expected:
        read(path)
    request.getfixturevalue("tiny")
    with pytest.raises(DataError) as found:
        taken_apart(path)
    assert str(found.value) == str(expected.value)


@pytest.mark.parametrize(
    ("encoding", "reading"),
    [("utf-16", {}), ("utf-32", {}), ("cp1252", {"encoding": "cp1252"}), ("utf-8", {"skip": 3})],
)
def test_portions_of_any_encoding(tmp_path, request, encoding, reading):
    path = written(tmp_path, lines(lambda i: f"{i},é{i},ü").encode(encoding))
    whole = read(path, Reading(**reading))
    request.getfixturevalue("tiny")
    same(taken_apart(path, **reading)[0], whole)


def test_a_byte_of_no_encoding_is_told_by_its_line(tmp_path, request):
    path = written(tmp_path, lines(plain).encode() + b"1,\x81,2\n")
    told = []
    for fixture in ("tmp_path", "tiny"):
        request.getfixturevalue(fixture)
        with pytest.raises(DataError, match=r"line 62, byte 3: the byte 0x81") as found:
            taken_apart(path, encoding="cp1252")
        told.append(str(found.value))
    assert told[0] == told[1]


@pytest.mark.parametrize("reading", [{"header": False}, {"separator": " "}, {"separator": ";"}])
def test_portions_as_the_user_wants_them_read(tmp_path, request, reading):
    path = written(tmp_path, lines(lambda i: f"{i} k; {i}", header="0 k; 1"))
    whole = read(path, Reading(**reading))
    request.getfixturevalue("tiny")
    same(taken_apart(path, **reading)[0], whole)


def test_lines_that_end_in_cr_alone(tmp_path, request):
    path = written(tmp_path, lines(plain, end="\r"))
    whole = read(path)
    request.getfixturevalue("tiny")
    same(taken_apart(path)[0], whole)


def test_a_row_longer_than_a_block(tmp_path, request):
    path = written(tmp_path, lines(lambda i: f"{i},{'x' * 200 * (i == 40)},1"))
    whole = read(path)
    request.getfixturevalue("tiny")
    same(taken_apart(path)[0], whole)


def test_several_files_some_long_some_gzipped(tmp_path, request):
    first = written(tmp_path, lines(lambda i: f"{i},NA,k"), "a.csv")
    content = lines(lambda i: f'"{i}",{i},"NA"', header="c,a,b").encode()
    second = written(tmp_path, gzip.compress(content), "b.csv.gz")
    whole = read([first, second])
    request.getfixturevalue("tiny")
    ours, _ = taken_apart([first, second])
    same(ours, whole)
    with pytest.raises(DataError, match=r"b2.csv.*line 62: 2 fields"):
        taken_apart([first, written(tmp_path, lines(plain) + "1,2\n", "b2.csv")])


@pytest.mark.parametrize(("last", "ascends"), [("2", (1, 3)), (None, None)])
def test_an_index_has_no_gap_where_two_portions_meet(last, ascends):
    seen = RowFacts(Layout(["", "a"], 2, ",", 0, 1), looks_for_words=False)
    for numbers in (["1", last], ["3"]):
        seen.add(pa.table([pa.array(numbers, pa.string())] * 2, names=["0", "1"]))
    assert seen.ascends == ascends


def test_parquet_in_portions(tmp_path, request):
    columns = {"x": np.arange(N) / 4, "k": pa.array(["p", None] * 30).dictionary_encode()}
    paths = [str(tmp_path / f"{i}.parquet") for i in range(2)]
    for path, kind in zip(paths, (pa.float64(), pa.int32()), strict=True):
        pq.write_table(pa.table(columns | {"n": pa.array(range(N), kind)}), path, row_group_size=25)
    for files in (paths[:1], paths):
        whole = read(files)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("handgrad.tables.files.columnar.PORTION_CELLS", 20)
            with in_portions(files, most=0) as portions:
                tables = list(portions.tables())
                assert len(tables) > len(files)
                assert portions.whole().to_pydict() == whole.to_pydict()


def test_a_file_that_grows_while_it_is_read(tmp_path, tiny):
    path = written(tmp_path, lines(plain))
    with in_portions(path, most=0) as portions:
        tables = portions.tables()
        next(tables)
        with open(path, "a") as file:
            file.write("7,7,7\n")
        with pytest.raises(DataError, match="changed while"):
            list(tables)


# ------------------------------------------------------------------ the commands


def rows(n=200, strange="", at=()):
    out = ["x,colour,note,y"]
    for i in range(n):
        colour = strange if strange and i in at else ("red", "blue", "green")[i % 3]
        out.append(f'{i % 2 + i / n:.3f},{colour},"n\n{i}",{"ab"[i % 2]}')
    return "\n".join(out) + "\n"


@pytest.fixture
def call(call, tmp_path):
    (tmp_path / "t.csv").write_text(rows())
    fit = ("fit", "t.csv", "--target", "y", "--drop", "note", "--hidden", "4", "--epochs", "3")
    assert call(*fit, "-q", "--model", "m")[0] == OK
    return call


def spoiled(kind):
    content = rows(strange="pink", at={5, 150, 151})
    if kind == "a text among numbers":
        return content.replace("\n0.750,", "\nabc,")
    if kind == "another table":
        return rows(strange="pink", at=range(200))
    if kind == "another table at first":
        return rows(strange="pink", at=range(100))
    return content if kind == "strange cells" else content.replace(",y\n", ",y\n,,,\n", 1)


KINDS = ["strange cells", "another table", "another table at first", "a row without a cell"]


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize("kind", KINDS)
def test_commands_say_the_same_of_portions(call, tmp_path, request, command, kind):
    (tmp_path / "s.csv").write_text(spoiled(kind))
    options = {"predict": ["--proba", "--keep-all"], "evaluate": ["--json"]}[command]
    given = [["s.csv"], ["s.csv", "t.csv"], ["s.csv", "--unknown", "allow"]]
    whole = [call(command, "m", *more, *options) for more in given]
    request.getfixturevalue("tiny")
    assert [call(command, "m", *more, *options) for more in given] == whole


def test_an_error_in_a_late_row_leaves_the_file_that_was_there(call, tmp_path, tiny):
    (tmp_path / "s.csv").write_text(spoiled("a text among numbers"))
    (tmp_path / "p.csv").write_text("before")
    code, out, err = call("predict", "m", "s.csv", "-o", "p.csv")
    assert (code, out) == (DATA, "")
    assert "column 'x', row 151: 'abc' is not a" in err
    assert (tmp_path / "p.csv").read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "p.csv", "s.csv", "t.csv"]
    code, out, _ = call("predict", "m", "s.csv")
    assert code == DATA
    assert out.startswith("prediction\n"), "rows before the fault come as they are made"


def test_the_line_of_a_late_cell_is_told(call, tmp_path, tiny):
    (tmp_path / "s.csv").write_text("x,colour\n" + "1,red\n" * 100 + "abc,red\n")
    assert "column 'x', row 101 (line 102): 'abc'" in call("predict", "m", "s.csv")[2]


def test_the_row_of_a_late_cell_of_parquet_is_told(call, tmp_path, tiny):
    columns = {"x": ["1"] * 100 + ["abc"], "colour": ["red"] * 101}
    pq.write_table(pa.table(columns), tmp_path / "s.parquet")
    assert "column 'x', row 101: 'abc'" in call("predict", "m", "s.parquet")[2]


def test_a_target_in_the_table_is_told_of_and_not_used(call, tmp_path):
    there, told = call("predict", "m", "t.csv", "--proba")[1:]
    assert "column y is what the model predicts; it is not used\n" in told
    with open("t.csv", newline="") as file, open("u.csv", "w", newline="") as bare:
        csv.writer(bare).writerows(row[:-1] for row in csv.reader(file))
    code, out, err = call("predict", "m", "u.csv", "--proba")
    assert (code, out) == (OK, there)
    assert "what the model predicts" not in err
    assert "what the model" not in call("predict", "m", "t.csv", "--keep", "y")[2]


# ------------------------------------------------------------------ processes of their own


def ended(*arguments, stdin=None):
    command = [sys.executable, "-m", "handgrad", *arguments]
    done = subprocess.run(command, capture_output=True, input=stdin, timeout=120)
    return done.returncode


def test_each_way_in_ends_with_a_documented_code(call, tmp_path):
    """Arrow's threads once held what the interpreter had taken away: SIGABRT now and then."""
    good, bad = rows().encode(), rows().replace("\n0.750,", "\nabc,").encode()
    codes = Counter()
    for content, code in ((good, OK), (bad, DATA)):
        (tmp_path / "t.csv").write_bytes(content)
        (tmp_path / "t.csv.gz").write_bytes(gzip.compress(content))
        pq.write_table(read("t.csv"), "t.parquet")
        for table in ("t.csv", "t.csv.gz", "t.parquet"):
            codes[ended("predict", "m", table) == code] += 1
        codes[ended("predict", "m", "-", stdin=content) == code] += 1
    assert codes == {True: 8}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device here")
def test_a_note_that_cannot_be_written_changes_no_exit_code(call):
    for arguments, code in ((("nosuch",), IO), (("t.csv",), OK)):
        with open("/dev/full", "w") as full:
            command = [sys.executable, "-m", "handgrad", "predict", "m", *arguments]
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=full, timeout=120)
        assert done.returncode == code
