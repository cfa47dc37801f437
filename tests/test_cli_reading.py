"""Every command reads its table as the reading options say: as it would read the plain one."""

import pytest

from handgrad.cli import run

HEADER = ["column 1", "column 2", "column 3"]  # the names that a table without a header gets
ROWS = [
    [f"{i % 2 + (i * 37 % 100) / 100:.2f}", ("rot", "grün", "blau")[i % 3], "ab"[i % 2]]
    for i in range(40)
]


def written(rows, sign=","):
    return "".join(sign.join(row) + "\n" for row in rows)


PLAIN = written([HEADER, *ROWS]).encode()
FORMS = {
    "--separator": (["|"], written([HEADER, *ROWS], "|").encode()),
    "--encoding": (["cp1252"], PLAIN.decode().encode("cp1252")),
    "--skip": (["2"], b"A title\nand more of it\n" + PLAIN),
    "--no-header": ([], written(ROWS).encode()),
}
TRAINED = ["--target", "column 3", "--epochs", "5", "-q", "--hidden", "4"]
COMMANDS = {
    "fit": ["fit", "t.csv", *TRAINED, "--json"],
    "cv": ["cv", "t.csv", *TRAINED, "--folds", "2", "--json"],
    "predict": ["predict", "m", "t.csv", "--proba"],
    "evaluate": ["evaluate", "m", "t.csv", "--json"],
    "explain": ["explain", "m", "t.csv", "--row", "2"],
    "gradcheck": ["gradcheck", "m", "t.csv"],
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    (folder / "t.csv").write_bytes(PLAIN)
    with pytest.raises(SystemExit, match="0"):
        run(["fit", str(folder / "t.csv"), *TRAINED, "--model", str(folder / "m")])
    return (folder / "m").read_bytes()


@pytest.fixture
def call(call, tmp_path, model):
    """Run a command on a table t.csv of this content; give what it prints."""
    (tmp_path / "m").write_bytes(model)

    def call_with(content, *arguments):
        (tmp_path / "t.csv").write_bytes(content)
        return call(*arguments)

    return call_with


@pytest.mark.parametrize("option", FORMS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_reads_as_it_is_told(call, command, option):
    values, content = FORMS[option]
    plain = call(PLAIN, *COMMANDS[command])
    told = call(content, *COMMANDS[command], option, *values)
    assert plain[0] == told[0] == 0, told[2]
    assert without_times(told[1]) == without_times(plain[1])


def without_times(printed):
    return [line for line in printed.splitlines() if "seconds" not in line]


@pytest.mark.parametrize("option", FORMS)
def test_the_page_reads_as_it_is_told(call, monkeypatch, option):
    pytest.importorskip("uvicorn")
    shown = []
    monkeypatch.setattr("handgrad.playground.server.serve", lambda *given, **_: shown.append(given))
    values, content = FORMS[option]
    code, _, err = call(content, "play", "t.csv", "--target", "column 3", option, *values)
    assert code == 0, err
    (session,) = shown[0]
    assert session.source.table.column_names == HEADER
    assert session.source.table.num_rows == len(ROWS)
