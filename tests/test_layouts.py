"""Everyday layouts of strangers' files: read with a note, or refused with advice that works."""

import io
import json
import re
import shlex
import sys
import warnings
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad import TableWarning, read_table
from handgrad.errors import DataError
from handgrad.tables.columns import kind_of, numbers
from handgrad.tables.files.reading import Reading
from handgrad.tables.marks import is_csv, notes_of, words_are_texts
from handgrad.tables.rows import take
from handgrad.tables.table import read

TABLE = {"a": ["1", "4"], "x": ["2", "5"], "y": ["u", "v"]}


@pytest.fixture
def look(tmp_path):
    """Read a table from content; give its cells and the warnings, which are its notes."""

    def look_at(content, name="t.csv", **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            table = read_table(path, **options)
        assert all(issubclass(warning.category, TableWarning) for warning in caught)
        assert tuple(str(warning.message) for warning in caught) == notes_of(table)
        assert all(note.isprintable() for note in notes_of(table))
        return table

    return look_at


# ------------------------------------------------------------------ layouts that read with a note

NOTED = [
    ("index of pandas", ",a,x,y\n0,1,2,u\n1,4,5,v\n", "numbers the rows"),
    ("index after a choice of rows", ",a,x,y\n17,1,2,u\n5,4,5,v\n", "numbers the rows"),
    ("index of R", '"","a","x","y"\n"1",1,2,"u"\n"2",4,5,"v"\n', "numbers the rows"),
    ("trailing columns of Excel", "a,x,y,,\n1,2,u,,\n4,5,v,,\n", "columns 4, 5 have neither"),
    ("one trailing column", "a,x,y,\n1,2,u,\n4,5,v,\n", "column 4 has neither"),
    ("an empty column within", "a,,x,y\n1,,2,u\n4,,5,v\n", "column 2 has neither"),
    ("separators after the header", "a,x,y,,\n1,2,u\n4,5,v\n", "the header ends in separators"),
    ("separators after the rows", "a,x,y\n1,2,u,\n4,5,v,\n", "the rows end in separators"),
    ("row names of R", '"a" "x" "y"\n"1" 1 2 "u"\n"2" 4 5 "v"\n', "begin with a name"),
    ("texts as row names", "a,x,y\nBob,1,2,u\nEve,4,5,v\n", "begin with a name"),
    ("empty rows at the end", "a,x,y\n1,2,u\n4,5,v\n,,\n,,\n", "2 rows at the end"),
    ("an empty row at the end", "a,x,y\n1,2,u\n4,5,v\n,,\n\n", "1 row at the end"),
    ("comments", "# made by us\n#\n\na,x,y\n1,2,u\n4,5,v\n", "2 lines that begin with #"),
    ("a comment of as many cells", "# a, b, c\na,x,y\n1,2,u\n4,5,v\n", "1 line that begins"),
    ("a long comment", "#" + "c" * 200_000 + "\na,x,y\n1,2,u\n4,5,v\n", "1 line that begins"),
    ("UTF-16", "a,x,y\n1,2,u\n4,5,v\n".encode("utf-16"), "UTF-16"),
    ("UTF-16, big end first", "\ufeffa\tx\ty\n1\t2\tu\n4\t5\tv\n".encode("utf-16-be"), "UTF-16"),
    ("UTF-32", "a,x,y\n1,2,u\n4,5,v\n".encode("utf-32"), "UTF-32"),
]


@pytest.mark.parametrize(("content", "note"), [c[1:] for c in NOTED], ids=[c[0] for c in NOTED])
def test_a_layout_reads_with_a_note(look, content, note):
    blanks = isinstance(content, str) and " 2 " in content
    table = look(content, separator=" " if blanks else None)
    assert table.to_pydict() == TABLE
    (told,) = notes_of(table)
    assert note in told


def test_air_quality_as_most_people_have_it(look):
    content = "Date;T;RH;;\n10/03/2004;13,6;48,9;;\n11/03/2004;13,3;47,7;;\n" + ";;;;\n" * 114
    table = look(content)
    assert table.column_names == ["Date", "T", "RH"]
    assert table.num_rows == 2
    assert [note.split()[0] for note in notes_of(table)] == ["114", "columns"]


@pytest.mark.parametrize(
    ("content", "names", "note"),
    [
        ("a,,x\n1,2,3\n", ["a", "column 2", "x"], "column 2 has no name"),
        (",a\nBob,1\nEve,2\n", ["column 1", "a"], "column 1 has no name"),
        (",a\n1,1\n1,2\n", ["column 1", "a"], "column 1 has no name"),
        ("column 2,\nu,1\nv,1\n", ["column 2", "column 2.1"], "column 2 has no name"),
        ("x,y,x\n1,2,3\n", ["x", "y", "x.1"], "'x' occurs in the header more than once"),
        ("x,x,x.1,x\n1,2,3,4\n", ["x", "x.2", "x.1", "x.3"], "now 'x.2', 'x.3'"),
    ],
)
def test_every_column_gets_a_name_of_its_own(look, content, names, note):
    table = look(content)
    assert table.column_names == names
    assert note in " ".join(notes_of(table))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("sep=;\na;x,y\n1;2\n", {"a": ["1"], "x,y": ["2"]}),
        ('"sep=|"\r\na|x\r\n1|2\r\n', {"a": ["1"], "x": ["2"]}),
        ("\ufeffSEP=\t\na\tx\n1\t2\n", {"a": ["1"], "x": ["2"]}),
        ("#a,x\n1,2\n", {"#a": ["1"], "x": ["2"]}),
        ("#a\n1\n2\n", {"#a": ["1", "2"]}),
        (",,\na,x,y\n1,2,u\n", {"a": ["1"], "x": ["2"], "y": ["u"]}),
        ("x\n1\n\n3\n", {"x": ["1", None, "3"]}),
        ("x\r\n1\r\n\r\n3\r\n\r\n\r\n", {"x": ["1", None, "3"]}),
        ("g,2010,2011,2012\nu,1,2,3\n", {"g": ["u"], "2010": ["1"], "2011": ["2"], "2012": ["3"]}),
        ("0,1,2\n5,6,7\n", {"0": ["5"], "1": ["6"], "2": ["7"]}),
        ("my name\nJane Doe\n", {"my name": ["Jane Doe"]}),
    ],
)
def test_a_layout_reads_without_a_word(look, content, expected):
    table = look(content)
    assert table.to_pydict() == expected
    assert notes_of(table) == ()


def test_a_given_separator_goes_before_that_of_the_file(look):
    assert look("sep=;\na;x,y\n1;2,3\n", separator=",").column_names == ["a;x", "y"]


def test_blanks_that_align_columns_count_as_one(look):
    content = 'a   x  y\n 1  22 "u  v"\n10   2 v\n'
    assert look(content, separator=" ").to_pydict() == {
        "a": ["1", "10"], "x": ["22", "2"], "y": ["u  v", "v"]
    }  # fmt: skip


def test_lines_are_told_after_titles_comments_and_dropped_rows(look):
    table = look("title\n# c\na,x\n1,2\n3,oops\n,\n", skip=1)
    with pytest.raises(DataError, match=r"row 2 \(line 5\)"):
        numbers(table, "x")


PIECES = [*',,,;#?|:{}[] é1axQ\t\n\n\n"\0', "\r\n", "2.5", "NA", '"NA"', '"q,r"', "# c", "sep=;\n"]


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from(PIECES), max_size=30).map("".join),
    st.sampled_from(["utf-8", "latin-1", "utf-16"]),
    st.builds(
        Reading,
        separator=st.sampled_from([None, " ", ",", "|"]),
        encoding=st.sampled_from([None, "cp1252", "utf-16"]),
        skip=st.sampled_from([None, 0, 1, 3]),
        header=st.booleans(),
    ),
)
def test_any_text_is_a_table_or_refused_in_words(tmp_path_factory, text, encoding, reading):
    path = tmp_path_factory.mktemp("any") / "t.csv"
    path.write_bytes(text.encode(encoding))
    try:
        table = read(path, reading)
    except DataError:
        return
    table.validate(full=True)
    assert all(table.column_names)
    assert len(set(table.column_names)) == table.num_columns > 0


# ------------------------------------------------------------------ advice, followed literally


def options_of(message):
    """Turn the first advice of a message into options of `read_table`, as a user would."""
    found = re.search(r"--(no-header|skip \d+|encoding \S+|separator '[^']+')", message)
    assert found, message
    name, *value = shlex.split(found[1])
    if name == "no-header":
        return {"header": False}, ["--no-header"]
    value = value[0].replace("\\t", "\t")
    return {name: int(value) if name == "skip" else value}, [f"--{name}", value]


REFUSED = [
    ("title", "My table\na,x,y\n1,2,u\n4,5,v\n", TABLE),
    ("title and a blank line", "My table\n\na,x,y\n1,2,u\n4,5,v\n", TABLE),
    ("title above semicolons", "Sales, 2019\n\na;x;y\n1;2;u\n4;5;v\n", TABLE),
    ("title of two cells", "Sales, 2019\na,x,y\n1,2,u\n4,5,v\n", TABLE),
    ("several lines of title", "Sales\nof 2019\n\na,x,y\n1,2,u\n4,5,v\n", TABLE),
    ("title filled up by Excel", "Sales,,\n,,\na,x,y\n1,2,u\n4,5,v\n", TABLE),
    ("comment, title, blank", "# us\nSales\n\na,x,y\n1,2,u\n4,5,v\n", TABLE),
    ("no header", "5,3\n4,2\n", {"column 1": ["5", "4"], "column 2": ["3", "2"]}),
    ("horse", "2,1,u,2,?\n1,?,v,3,4\n",
     {"column 1": ["2", "1"], "column 2": ["1", "?"], "column 3": ["u", "v"],
      "column 4": ["2", "3"], "column 5": ["?", "4"]}),
    ("cp1252", "a,x\n1,it’s\n".encode("cp1252"), {"a": ["1"], "x": ["it’s"]}),
    ("cp1252 in the header", "a,€\n1,2\n".encode("cp1252"), {"a": ["1"], "€": ["2"]}),
    ("latin-1", "a,x\n1,café\n".encode("latin-1"), {"a": ["1"], "x": ["café"]}),
    ("UTF-16 without a mark", "a,x\n1,2\n".encode("utf-16-le"), {"a": ["1"], "x": ["2"]}),
    ("UTF-16 without a mark, big", "a,x\n1,2\n".encode("utf-16-be"), {"a": ["1"], "x": ["2"]}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "expected"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_advice_followed_literally_works(look, call, tmp_path, content, expected):
    with pytest.raises(DataError) as refused:
        look(content)
    in_python, on_the_command_line = options_of(str(refused.value))
    assert look(content, **in_python).to_pydict() == expected
    target = list(expected)[-1]
    told = call("fit", "t.csv", "--target", target, "--validation", 0, "-q", *on_the_command_line)
    assert "first row" not in told[2]
    assert "UTF-8" not in told[2]


@pytest.mark.parametrize("sign", ["|", ":", " ", "^", "~"])
def test_a_sign_that_parts_the_cells_is_named(look, sign):
    content = "a,x,y\n1,2,u\n4,5,v\n".replace(",", sign)
    (note,) = notes_of(look(content))
    options, _ = options_of(note)
    assert options == {"separator": sign}
    assert look(content, **options).to_pydict() == TABLE


def test_a_single_column_that_seems_a_table_under_a_title_can_be_read(look):
    content = "text\na;b\nc;d\n"
    with pytest.raises(DataError, match="--separator ','"):
        look(content)
    assert look(content, separator=",").to_pydict() == {"text": ["a;b", "c;d"]}


def test_a_first_row_that_looks_like_data_is_doubted(look):
    content = "5.1,3.5,Iris-setosa\n4.9,3.0,Iris-setosa\n"
    table = look(content)
    assert table.num_rows == 1
    (note,) = notes_of(table)
    assert "looks like data ('5.1', '3.5')" in note
    whole = look(content, **options_of(note)[0])
    assert whole.column_names == ["column 1", "column 2", "column 3"]
    assert whole.num_rows == 2


def test_without_a_header_rows_keep_their_width(look):
    with pytest.raises(DataError, match="line 2: 3 fields, expected 2 as in the first row"):
        look("1,2\n1,2,3\n", header=False)


# ------------------------------------------------------------------ encodings


def test_any_encoding_of_python_is_read(look):
    for encoding in ("cp1251", "shift_jis", "utf-16", "utf-8-sig", "UTF8", "koi8_r"):
        word = "日本" if encoding == "shift_jis" else "мир"
        content = f"a,x\n1,{word}\n".encode(encoding)
        assert look(content, encoding=encoding).to_pydict() == {"a": ["1"], "x": [word]}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoding": "latin-77"}, "encoding must be one that Python knows"),
        ({"encoding": "rot13"}, "encoding must be"),
        ({"encoding": "base64"}, "encoding must be"),
        ({"encoding": "undefined"}, "encoding must be"),
        ({"encoding": "a\0b"}, "encoding must be"),
        ({"skip": -1}, "skip must be"),
    ],
)
def test_an_option_that_means_nothing_is_refused(look, options, message):
    with pytest.raises(ValueError, match=message):
        look("a,x\n1,2\n", **options)


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        (b"a,x\n1,\x81\n", "cp1252", "line 2, byte 3: the byte 0x81 is not cp1252 text"),
        (b"a,x\n1,\x81\n", None, "--encoding, such as"),
        ("ä,é\nü,ö\nß,".encode() + b"\xe9\n", None, "line 3, byte 4.*mend the cell"),
        (b"a,x\n1,\xe9\n", "utf-8", "--encoding latin-1"),
    ],
)
def test_bytes_of_another_encoding_are_told_by_their_place(look, content, encoding, message):
    with pytest.raises(DataError, match=message):
        look(content, encoding=encoding)


# ------------------------------------------------------------------ quoted words


def marked(table):
    return [field.name for field in table.schema if words_are_texts(field)]


def test_quotes_tell_namibia_from_nothing(look):
    table = look('c,x\n"DE",1\n"NA",NA\nNA,3\n"NULL",nan\n')
    assert table.column("c").to_pylist() == ["DE", "NA", None, "NULL"]
    assert marked(table) == ["c"]
    assert all(map(is_csv, table.schema))
    assert kind_of(table, "c") == "csv"
    assert np.isnan(numbers(table, "x")).tolist() == [False, True, False, True]
    assert marked(take(table, np.array([1]))) == ["c"]
    assert look('c,x\n"NA",1\n').column("c").to_pylist() == ["NA"]


def test_quotes_tell_nothing_where_all_is_quoted_or_among_numbers(look):
    assert marked(look('"c","x"\n"DE","1"\n"NA","2"\n')) == []
    frame = pd.DataFrame({"x": [1.5, np.nan], "c": ["NA", "u"]})
    table = look(frame.to_csv(index=False, quoting=2, na_rep="NA"))
    assert marked(table) == ["c"]
    assert np.isnan(numbers(table, "x")).tolist() == [False, True]
    assert marked(look('c,x\nDE,1\nNA,"a, b"\n')) == []


def test_quoted_words_after_columns_and_rows_that_are_left_out(look):
    table = look(',c,x,\n0,"NA",u,\n1,NA,v,\n,,,\n')
    assert table.to_pydict() == {"c": ["NA", None], "x": ["u", "v"]}
    assert marked(table) == ["c"]


# ------------------------------------------------------------------ JSON


@pytest.mark.parametrize("lines", [True, False])
def test_json_keeps_its_types(look, lines):
    frame = pd.DataFrame(
        {
            "n": [1, 2],
            "f": [0.5, None],
            "t": ["u", None],
            "b": [True, False],
            "d": ["2020-01-01"] * 2,
        }
    )
    content = frame.to_json(orient="records", lines=lines)
    for name in ("t.csv", "t.json", "t.jsonl"):
        table = look(content, name)
        assert [kind_of(table, n) for n in "nftbd"] == [
            "number", "number", "text", "boolean", "text"
        ]  # fmt: skip
        assert table.column("f").to_pylist() == [0.5, None]
        assert table.column("d").to_pylist() == ["2020-01-01"] * 2


def test_json_values_that_are_absent_or_mixed(look):
    table = look('{"a": 1, "b": "x"}\n\n{"b": 2.0}\n{"a": null, "b": true, "c": 1}\n')
    assert table.to_pydict() == {
        "a": [1, None, None],
        "b": ["x", "2", "true"],
        "c": [None, None, 1],
    }
    assert [kind_of(table, name) for name in "abc"] == ["number", "csv", "number"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": [1], "b": {"c": 1}, "d": 1}\n', "'a', 'b' hold objects or lists"),
        ('[{"a": [1], "b": {"c": 1}, "d": 1}]', "'a', 'b' hold objects or lists"),
        ('{"a": 1}\n{"a": \n', "line 2: not a JSON object"),
        ('{"a": 1}\n[1]\n', "line 2: not a JSON object"),
        ('{"a": {"0": 1},\n "b": {"0": 2}}', "orient='records'"),
        ('[{"a": 1}, 2]', "element 2"),
        ('[{"a": 1},', "damaged"),
        ('[{"a": 123456789012345678901234567890}]', "column 'a'"),
        ('{"": 1}', "column 1 has no name"),
        (b'{"a": 1, "\xfe": 2}\n', "line 1, byte 11: the byte 0xFE is not UTF-8"),
        (b'[{"a": 1},\n{"a": "\xfe"}]', "line 2, byte 8: the byte 0xFE is not UTF-8"),
        ('{"a": "\\ud800"}\n', "half of a surrogate pair"),
        ('[{"\\udfff": 1}]', r"half of a surrogate pair, \\udfff"),
    ],
)
def test_json_that_is_no_table_is_refused(look, content, message):
    with pytest.raises(DataError, match=message):
        look(content)


# ------------------------------------------------------------------ workbooks


def cell_xml(place, value):
    if value is None:
        return ""
    if isinstance(value, tuple):  # attributes and value, as in the file
        return f'<c r="{place}" {value[0]}><v>{value[1]}</v></c>'
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{place}"><v>{value}</v></c>'


def xlsx(**sheets):
    """Write a workbook of these sheets by hand."""
    spreadsheet = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    documents = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    ids = range(1, len(sheets) + 1)
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/'
        'content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{relations}"><Relationship Id="r1" '
        f'Type="{documents}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{spreadsheet}" xmlns:r="{documents}"><sheets>'
        + "".join(
            f'<sheet name="{n}" sheetId="{i}" r:id="r{i}"/>'
            for n, i in zip(sheets, ids, strict=True)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{relations}">'
        + "".join(
            f'<Relationship Id="r{i}" Type="{documents}/worksheet" Target="worksheets/s{i}.xml"/>'
            for i in ids
        )
        + f'<Relationship Id="s" Type="{documents}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{spreadsheet}"><cellXfs count="2"><xf numFmtId="0"/>'
        '<xf numFmtId="14"/></cellXfs></styleSheet>',
    }
    for i, rows in zip(ids, sheets.values(), strict=True):
        cells = [
            "".join(cell_xml(f"{'ABCDEFG'[c]}{r}", value) for c, value in enumerate(row))
            for r, row in enumerate(rows, start=1)
        ]
        body = "".join(f'<row r="{r}">{row}</row>' for r, row in enumerate(cells, start=1))
        parts[f"xl/worksheets/s{i}.xml"] = (
            f'<worksheet xmlns="{spreadsheet}"><sheetData>{body}</sheetData></worksheet>'
        )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return stream.getvalue()


ROWS = [["a", "f", "t", "mixed", "d"], [1, 0.5, "u", 1, ('s="1"', 44927)],
        [2, ('t="e"', "#N/A"), "007", "n/a", ('s="1"', 44928.5)]]  # fmt: skip


def test_a_workbook_keeps_its_types(look):
    pytest.importorskip("python_calamine")
    table = look(xlsx(Data=ROWS), "t.xlsx")
    assert notes_of(table) == ()
    assert str(table.schema.field("a").type) == "int64"
    assert table.column("f").to_pylist() == [0.5, None]
    assert table.column("t").to_pylist() == ["u", "007"]
    assert table.column("mixed").to_pylist() == ["1", "n/a"]
    assert [is_csv(field) for field in table.schema] == [False, False, False, True, False]
    assert pa.types.is_timestamp(table.schema.field("d").type)
    assert str(table.column("d")[1].as_py()) == "2023-01-02 12:00:00"


def test_the_layout_of_a_sheet_is_that_of_a_text(look):
    pytest.importorskip("python_calamine")
    rows = [[None, "a", "x", "x"], [0, 1, 2, "u"], [1, 4, 5, "v"], ["", "", "", ""]]
    table = look(xlsx(Data=rows, Notes=[["text"]]), "t.csv")
    assert table.to_pydict() == {"a": [1, 4], "x": [2, 5], "x.1": ["u", "v"]}
    assert [note.split()[:3] for note in notes_of(table)] == [
        ["the", "workbook", "has"], ["1", "row", "at"], ["the", "first", "column"],
        ["'x'", "occurs", "in"],
    ]  # fmt: skip
    content = xlsx(Data=[["Sales of 2019"], [], ["a", "x", "y"], [1, 2, "u"], [4, 5, 6]])
    with pytest.raises(DataError) as refused:
        look(content)
    table = look(content, **options_of(str(refused.value))[0])
    assert table.to_pydict() == {"a": [1, 4], "x": [2, 5], "y": ["u", "6"]}
    with pytest.raises(DataError, match=r"row 1 \(line 4\)"):
        numbers(table, "y")
    assert look(xlsx(Data=[[1, 2], [3, 4]]), header=False).column_names == ["column 1", "column 2"]


def test_an_open_document_sheet_is_read(look):
    pytest.importorskip("python_calamine")
    office = "urn:oasis:names:tc:opendocument:xmlns:"
    value = 'office:value-type="float" office:value="{0}"><text:p>{0}</text:p>'
    text = 'office:value-type="string"><text:p>{0}</text:p>'
    rows = [(text, ["a", "x"]), (value, [1, 2]), (value, [3, 4])]
    body = "".join(
        "<table:table-row>"
        + "".join(f"<table:table-cell {kind.format(v)}</table:table-cell>" for v in cells)
        + "</table:table-row>"
        for kind, cells in rows
    )
    names = " ".join(f'xmlns:{n}="{office}{n}:1.0"' for n in ("office", "table", "text"))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{office}manifest:1.0"/>',
        )
        archive.writestr(
            "content.xml",
            f"<office:document-content {names}><office:body><office:spreadsheet>"
            f'<table:table table:name="S">{body}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    assert look(stream.getvalue(), "t.ods").to_pydict() == {"a": [1, 3], "x": [2, 4]}


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (xlsx(Data=[]), {}, "the sheet is empty"),
        (xlsx(Data=[["", ""], [0, 0], [1, 1]]), {}, "the first row must name .*--no-header"),
        (xlsx(Data=ROWS), {"skip": 9}, "the sheet is empty"),
        (xlsx(Data=ROWS), {"separator": ";"}, "--separator cannot be used with a workbook"),
        (xlsx(Data=ROWS), {"encoding": "cp1252"}, "--encoding cannot be used with a workbook"),
        (xlsx(Data=ROWS).replace(b"<sheet ", b"<shoot "), {}, "damaged"),
        (b"\xd0\xcf\x11\xe0 and then nothing", {}, "damaged"),
    ],
)
def test_a_bad_workbook_is_refused(look, content, options, message):
    pytest.importorskip("python_calamine")
    with pytest.raises(DataError, match=message):
        look(content, **options)


def test_without_the_reader_of_workbooks_we_say_how_to_get_it(look, monkeypatch):
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(DataError, match=re.escape('pip install "handgrad[excel]"')):
        look(xlsx(Data=ROWS))


# ------------------------------------------------------------------ what is no table


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.xlsx"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<!DOCTYPE html>\n<html><body>a,b</body></html>\n", "HTML page"),
        ("\n <HTML lang='en'>\n", "HTML page"),
        ("<!-- saved -->\n<html>\n", "HTML page"),
        ("<?xml version='1.0'?>\n<rows/>\n", "XML"),
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
            "12,345 bytes",
        ),
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
            "git lfs pull",
        ),
    ],
)
def test_a_wrong_download_is_recognised(look, content, name, message):
    with pytest.raises(DataError, match=message):
        look(content, name)


def test_a_parquet_file_must_have_names_that_differ(look):
    stream = io.BytesIO()
    pq.write_table(pa.table([[1], [2], [3], [4]], names=["x", "x", "", "z"]), stream)
    with pytest.raises(DataError, match="column 3 has no name and 'x' occurs twice") as refused:
        look(stream.getvalue())
    assert "rename" in str(refused.value)


@pytest.mark.parametrize("option", [{"skip": 1}, {"header": False}, {"encoding": "cp1252"}])
def test_options_of_text_are_refused_for_parquet(look, option):
    stream = io.BytesIO()
    pq.write_table(pa.table({"x": [1]}), stream)
    with pytest.raises(DataError, match="leave it out"):
        look(stream.getvalue(), **option)


# ------------------------------------------------------------------ several files


def write(folder, **files):
    for name, content in files.items():
        (folder / f"{name}.csv").write_text(content)
    return [folder / f"{name}.csv" for name in files]


def test_several_files_are_one_table(tmp_path):
    paths = write(tmp_path, one="a,x\n1,u\n2,v\n", two="x,a\nw,3\n")
    table = read_table(paths)
    assert table.to_pydict() == {"a": ["1", "2", "3"], "x": ["u", "v", "w"]}
    assert all(map(is_csv, table.schema))
    with pytest.raises(DataError, match="row 1: 'u'"):
        numbers(table, "x")
    with pytest.raises(ValueError, match="at least one path"):
        read_table([])


def test_files_of_one_table_have_the_same_columns(tmp_path):
    paths = write(tmp_path, one="a,x\n1,u\n", two="a,y,z\n3,w,1\n")
    with pytest.raises(DataError) as refused:
        read_table(paths)
    for part in ("two.csv", "one.csv", "lacks 'x'", "has 'y', 'z' besides"):
        assert part in str(refused.value)
    pq.write_table(pa.table({"a": [1], "x": ["u"]}), tmp_path / "p")
    with pytest.raises(DataError, match=r"'a' \(CSV text there, int64 here\), 'x'"):
        read_table([paths[0], tmp_path / "p"])
    pq.write_table(pa.table({"a": [1.5], "x": ["v"]}), tmp_path / "q")
    assert read_table([tmp_path / "p", tmp_path / "q"]).to_pydict() == {
        "a": [1, 1.5],
        "x": ["u", "v"],
    }
    pq.write_table(pa.table({"a": ["1"], "x": ["v"]}), tmp_path / "r")
    with pytest.raises(DataError, match=r"'a' \(int64 there, string here\)"):
        read_table([tmp_path / "p", tmp_path / "r"])


def test_notes_on_several_files_name_the_file_unless_all_have_them(tmp_path):
    paths = write(tmp_path, one=",a,x\n0,1,u\n", two=",a,x,\n0,2,v,\n")
    with pytest.warns(TableWarning) as caught:
        read_table(paths)
    shared, own = (str(warning.message) for warning in caught)
    assert shared.startswith("the first column has no name")
    assert own.endswith("two.csv': column 4 has neither a name nor a cell; left out")


def test_a_word_quoted_in_one_file_is_missing_without_quotes_in_the_others(tmp_path):
    paths = write(tmp_path, one='c,x\n"NA",1\n', two="c,x\nNA,1\nDE,2\n")
    for order in (paths, paths[::-1]):
        table = read_table(order)
        assert sorted(map(str, table.column("c").to_pylist())) == ["DE", "NA", "None"]
        assert marked(table) == ["c"]


# ------------------------------------------------------------------ the command line


def labelled(n, start=0):
    rows = "".join(f"{i},{i % 2 + i % 7 / 10},{'ab'[i % 2]}\n" for i in range(start, start + n))
    return ",x,y\n" + rows


FIT = ("--target", "y", "--hidden", "4", "--epochs", "3", "-q")
NOTE = "the first column has no name and numbers the rows; it was left out\n"


def test_every_command_tells_the_notes_on_stderr(call, tmp_path):
    write(tmp_path, t=labelled(40))
    code, _, err = call("fit", "t.csv", *FIT, "--model", "m")
    assert (code, err) == (0, NOTE)
    for command in (
        ["predict", "m", "t.csv"],
        ["evaluate", "m", "t.csv"],
        ["explain", "m", "t.csv", "--json"],
        ["gradcheck", "m", "t.csv", "--json"],
    ):
        code, out, err = call(*command)
        there = "column y is what the model predicts; it is not used\n"
        assert (code, err) == (0, NOTE + there * (command[0] == "predict"))
        assert NOTE not in out


def test_every_command_has_the_reading_options(call, tmp_path):
    text = "Title\n" + labelled(40).replace(",", "|").replace("|x", "n|größe")
    (tmp_path / "t.csv").write_bytes(text.encode("cp1252"))
    options = ("--skip", 1, "--encoding", "cp1252", "--separator", "|")
    assert call("fit", "t.csv", *FIT, "--model", "m", *options)[0] == 0
    for command in ("predict", "evaluate", "explain", "gradcheck"):
        assert call(command, "m", "t.csv", *options)[0] == 0
    (tmp_path / "n.csv").write_text("".join(labelled(40).splitlines(keepends=True)[1:]))
    target = ("--target", "column 3")
    assert call("fit", "n.csv", *target, *FIT[2:], "--no-header", "--model", "m")[0] == 0
    code, out, _ = call("predict", "m", "n.csv", "--no-header")
    assert (code, len(out.splitlines())) == (0, 41)


def test_several_files_on_the_command_line(call, tmp_path):
    write(tmp_path, one=labelled(30), two=labelled(20, start=30), all=labelled(50))
    code, out, _ = call("fit", "one.csv", "two.csv", *FIT, "--model", "m", "--json")
    assert code == 0
    content = json.loads(out)
    assert content["table"] == "one.csv, two.csv"
    assert content["rows"]["training"] + content["rows"]["validation"] == 50
    assert call("fit", "all.csv", *FIT, "--model", "n")[0] == 0
    assert (tmp_path / "m").read_bytes() == (tmp_path / "n").read_bytes()
    for command in ("predict", "evaluate"):
        assert call(command, "m", "one.csv", "two.csv") == call(command, "m", "all.csv")
    assert call("predict", "m", "one.csv", "two.csv", "-o", "two.csv")[0] == 2


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_header_that_is_quoted_throughout_tells_its_separator(tmp_path, separator):
    path = tmp_path / "bank.csv"
    rows = [["age", "job", "y"], ["56", "housemaid", "no"], ["57", "services", "yes"]]
    path.write_text("".join(separator.join(f'"{cell}"' for cell in row) + "\n" for row in rows))
    table = read_table(path)
    assert table.column_names == rows[0]
    assert table.to_pylist()[1] == dict(zip(rows[0], rows[2], strict=True))
