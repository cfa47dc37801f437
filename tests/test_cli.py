"""The command line as its users meet it: what it prints, what it writes, and how it refuses."""

import csv
import errno
import gzip
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest
from click.shell_completion import ShellComplete

from handgrad import atomic_file, report
from handgrad.cli import main, run
from handgrad.cli.libraries import load
from handgrad.models.file import load_model
from handgrad.optim import OPTIMIZERS

OK, USAGE, DATA, MODEL_FILE, IO, DIVERGED, INTERRUPTED = 0, 2, 3, 4, 5, 6, 130
LONGEST_MESSAGE = 600


def rows_of(n=60, label=lambda i: "ab"[i % 2]):
    """A table with a number that tells the label, a category, and a cell missing here and there."""
    lines = ["x,colour,y"]
    for i in range(n):
        x = "" if i % 17 == 3 else f"{i % 2 + (i * 37 % 100) / 100:.2f}"
        lines.append(f"{x},{('red', 'blue', 'green')[i % 3]},{label(i)}")
    return "\n".join(lines) + "\n"


TABLE = rows_of()
TARGET_THERE = "column y is what the model predicts; it is not used\n"


@pytest.fixture(scope="session")
def model_bytes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    (folder / "t.csv").write_text(TABLE)
    options = ["--target", "y", "--hidden", "8", "--epochs", "30", "--learning-rate", "0.03", "-q"]
    with pytest.raises(SystemExit) as left:
        run(["fit", str(folder / "t.csv"), "--model", str(folder / "m"), *options])
    assert left.value.code == OK
    return (folder / "m").read_bytes()


@pytest.fixture
def folder(tmp_path, monkeypatch, model_bytes):
    """A folder with a table t.csv and a model m, to work in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(TABLE)
    (tmp_path / "m").write_bytes(model_bytes)
    return tmp_path


@pytest.fixture
def call(call, folder):
    return call


def start(*arguments, **options):
    """Run a command in a process of its own."""
    command = [sys.executable, "-m", "handgrad", *arguments]
    return subprocess.run(command, capture_output=True, timeout=60, **options)


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


FIT = ("fit", "t.csv", "--target", "y", "-q", "--hidden", "8", "--epochs", "5")


# -- help and version -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["fit"],
        ["cv"],
        ["distil"],
        ["predict"],
        ["evaluate"],
        ["info"],
        ["explain"],
        ["export"],
        ["gradcheck"],
    ],
)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help(call, command, option):
    code, out, err = call(*command, option)
    assert (code, err) == (OK, "")
    assert out.startswith(" ".join(["Usage: handgrad", *command]))
    assert "..." not in out.partition("Commands:")[2], "a summary is cut off"


def test_fit_help_names_the_options_of_the_readme(call):
    out = call("fit", "--help")[1]
    sizes = {"--hidden", "--epochs", "--batch-size", "--learning-rate", "--validation"}
    for option in sizes | {"--target", "--model", "--optimizer", "--seed", "--report", "--json"}:
        assert option in out


def test_no_command_shows_the_help_as_an_error(call):
    code, out, err = call()
    assert (code, out) == (USAGE, "")
    assert "Commands:" in err


def test_the_help_lists_every_command_as_it_describes_itself(call):
    listed = dict(re.findall(r"^  ([a-z]+) {2,}(\S.*)$", call("--help")[1], re.MULTILINE))
    named = {
        "fit",
        "cv",
        "distil",
        "predict",
        "evaluate",
        "explain",
        "export",
        "gradcheck",
        "info",
        "play",
    }
    assert named == {*listed}
    for name, summary in listed.items():
        assert main.commands[name].help.partition("\n")[0] == summary


def test_commands_and_options_are_completed():
    def completed(*words):
        items = ShellComplete(main, {}, "handgrad", "").get_completions(list(words[:-1]), words[-1])
        return {item.value: item.help for item in items}

    assert completed("f") == {"fit": "Train networks on a table."}
    assert {*completed("")} == {*main.commands}
    assert "--label-smoothing" in completed("fit", "--label")


def test_a_command_of_another_name_is_refused_with_a_guess(call):
    code, out, err = call("fitt")
    assert (code, out) == (USAGE, "")
    assert "fitt" in err
    assert "Did you mean" in err


def test_version(call):
    code, out, _ = call("--version")
    assert code == OK
    assert re.fullmatch(r"handgrad, version \d+\.\d+\.\d+\n", out)


@pytest.mark.parametrize("module", ["handgrad", "handgrad.cli"])
def test_importing_loads_no_large_library(module):
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"sklearn", "scipy", "pyarrow", "matplotlib", "rich", "safetensors"}


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--help"], {"sklearn", "scipy", "pyarrow", "matplotlib", "rich"}),
        (["info", "m", "--json"], {"sklearn", "scipy", "pyarrow", "matplotlib", "rich"}),
        (["predict", "m", "t.csv"], {"sklearn", "scipy", "matplotlib", "rich"}),
        (["evaluate", "m", "t.csv"], {"sklearn", "scipy", "matplotlib"}),
        (["explain", "m", "t.csv"], {"sklearn", "scipy", "matplotlib"}),
        (["gradcheck", "m", "t.csv"], {"sklearn", "scipy", "matplotlib"}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_command_loads_only_what_it_needs(folder, arguments, absent):
    assert not {name.partition(".")[0] for name in modules_of(arguments)} & absent


# Each takes as long to load as a prediction, or longer; pyarrow asks for pandas at every turn.
SLOW = {
    *("pandas", "pyarrow.compute", "sklearn", "scipy", "numba", "matplotlib", "narwhals", "polars"),
    *("rich", "joblib", "numpy.random", "handgrad.estimators", "handgrad.training"),
}


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_a_prediction_loads_nothing_slow(call, folder, kind):
    """A number, one with a word, a category, a truth, a date, cells that are missing or unknown."""
    rows = [
        {"n": k % 7 + 0.5, "w": f"{k % 5} kg" if k % 4 else "none", "c": "ab"[k % 2] * 3,
         "t": k % 3 > 0, "d": f"2024-0{k % 9 + 1}-11", "y": "pq"[k % 2]}
        for k in range(60)
    ]  # fmt: skip
    for row in rows[::9]:
        row["c"] = row["n"] = None
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, "u.parquet")
    (folder / "u.jsonl").write_text("\n".join(map(json.dumps, rows)))
    arrow_csv.write_csv(table, "u.csv")
    fit = ["--target", "y", "--epochs", "1", "--model", "v", "--hidden", "4", "-q"]
    assert call("fit", f"u.{kind}", *fit)[0] == OK
    (folder / "u.csv").write_text((folder / "u.csv").read_text().replace("aaa", "new", 3))
    command = ["predict", "v", f"u.{kind}", "--proba", "--keep-all", "--output", "o.csv"]
    assert not modules_of(command) & SLOW


def modules_of(arguments):
    """Name the modules that a command loads in a process of its own."""
    code = (
        "import sys\nfrom handgrad.cli import run\n"
        f"try: run({arguments!r})\nexcept SystemExit as e: assert e.code == 0\n"
        "print('loaded', *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.rpartition("loaded ")[2].split())


# -- fit --------------------------------------------------------------------------------------


def test_fit_without_a_table_trains_on_the_penguins(call, folder):
    code, out, err = call("fit", "--model", "p", "--test", "0.2")
    assert code == OK
    assert out.startswith("the Palmer penguins: ")
    assert "wrote p" in out
    accuracy = re.search(r"(\d+) test rows: accuracy ([\d.]+), log-loss", out)
    assert int(accuracy[1]) in range(60, 76)
    assert float(accuracy[2]) > 0.94
    assert re.search(r"network (\d+)/\1  epoch (\d+)/\2  loss \S+  held back \S+\n$", err)
    model = load_model(folder / "p")
    assert model.classes.tolist() == ["Adelie", "Chinstrap", "Gentoo"]
    assert model.target == "species"


def as_gzip(folder):
    (folder / "u.csv.gz").write_bytes(gzip.compress(TABLE.encode()))
    return "u.csv.gz"


def as_parquet(folder):
    rows = list(csv.DictReader(io.StringIO(TABLE)))
    columns = {
        "x": [float(row["x"]) if row["x"] else None for row in rows],
        "colour": [row["colour"] for row in rows],
        "y": [row["y"] for row in rows],
    }
    pq.write_table(pa.table(columns), folder / "u.parquet")
    return "u.parquet"


def as_semicolons(folder):
    (folder / "u.csv").write_text(TABLE.replace(",", ";"))
    return "u.csv"


def as_excel_writes(folder):
    (folder / "u.csv").write_bytes(b"\xef\xbb\xbf" + TABLE.replace("\n", "\r\n").encode())
    return "u.csv"


def as_misnamed(folder):
    (folder / "u.parquet").write_text(TABLE)
    return "u.parquet"


@pytest.mark.parametrize("form", [as_gzip, as_parquet, as_semicolons, as_excel_writes, as_misnamed])
def test_the_form_of_the_file_does_not_change_the_model(call, folder, form):
    # which rows validate depends on the cells as they stand: the text 0.50 is not the number 0.5
    options = [*FIT[2:], "--validation", "0"]
    assert call("fit", "t.csv", *options, "--model", "a")[0] == OK
    code, _, err = call("fit", form(folder), *options, "--model", "b")
    assert (code, err) == (OK, "")
    assert (folder / "a").read_bytes() == (folder / "b").read_bytes()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers(call, optimizer):
    code, out, _ = call(*FIT, "--optimizer", optimizer, "--json")
    assert code == OK
    losses = [epoch["loss"] for epoch in json.loads(out)["history"]]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_activations(call, activation):
    code, out, _ = call(*FIT, "--activation", activation, "--json")
    assert code == OK
    assert json.loads(out)["network"]["activation"] == activation


@pytest.mark.parametrize(
    ("hidden", "units"), [("0", []), ("", []), ("7", [7]), ("6,5", [6, 5]), (" 4 , 3 ", [4, 3])]
)
def test_hidden_layers(call, hidden, units):
    code, out, _ = call(*FIT, "--hidden", hidden, "--json")
    assert code == OK
    assert json.loads(out)["network"]["layer_units"][1:-1] == units


@pytest.mark.parametrize(
    ("options", "judged_by", "hint"),
    [
        (["--validation", "0"], "training", "trained on these rows"),
        ([], "validation", "rows chose the epoch"),
        (["--test", "0.25"], "test", ""),
        (["--test", "0.25", "--validation", "0"], "test", ""),
    ],
)
def test_the_rows_it_is_judged_by(call, options, judged_by, hint):
    _, out, _ = call(*FIT, *options)
    assert re.search(rf"\d+ {judged_by} rows: accuracy", out)
    assert hint in out
    told = json.loads(call(*FIT, *options, "--json")[1])
    rows = told["rows"]
    assert told["judged_by"] == judged_by
    assert told["evaluation"]["rows"] == rows[judged_by]
    assert rows["training"] + rows["validation"] + rows["test"] == 60


def test_json_and_text_agree(call):
    text = call(*FIT)[1]
    told = json.loads(call(*FIT, "--json")[1])
    evaluation = told["evaluation"]
    assert f"accuracy {evaluation['accuracy']:.4f}, log-loss {evaluation['log_loss']:.4f}" in text
    assert f"{told['epochs']} epochs in" in text
    assert f"kept epoch {told['kept_epoch']}" in text
    assert f"{told['network']['parameters']:,} parameters" in text
    for name, precision in zip(evaluation["classes"], evaluation["precision"], strict=True):
        assert re.search(rf"^\s+{name}\s+{precision:.3f}\s", text, re.MULTILINE)
    assert [epoch["epoch"] for epoch in told["history"]] == list(range(1, told["epochs"] + 1))
    losses = [epoch["validation_loss"] for epoch in told["history"]]
    assert losses[told["kept_epoch"] - 1] == min(losses)
    assert told["files"] == []


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(call, folder):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert call(*FIT, "--seed", seed, "--model", name)[0] == OK
    a, b, c = ((folder / name).read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_report_makes_its_folder_a_page_and_pictures(call, folder):
    code, out, _ = call(*FIT, "--report", "new/report", "--model", "n")
    assert code == OK
    for name in ("learning_curve.png", "confusion_matrix.png", "weights.png", "gradients.png"):
        assert f"wrote new/report/{name}" in out
        assert (folder / "new/report" / name).read_bytes().startswith(b"\x89PNG")
    assert "wrote new/report/report.html" in out
    page = (folder / "new/report/report.html").read_text()
    assert "How it learned" in page


def test_evaluate_writes_a_report_too(call, folder):
    code, out, _ = call("evaluate", "m", "t.csv", "--report", "r")
    assert code == OK
    assert "wrote r/report.html" in out
    page = (folder / "r/report.html").read_text()
    assert "Which classes it confuses" in page
    assert "How it learned" not in page
    files = json.loads(call("evaluate", "m", "t.csv", "--report", "r", "--json")[1])["files"]
    assert {folder / name for name in files} == set((folder / "r").iterdir())
    assert call("evaluate", "m", "t.csv", "--report", "t.csv")[0] == IO


def test_a_report_is_of_every_labelled_row(call, folder, monkeypatch):
    seen = []
    monkeypatch.setattr(report, "write_report", lambda *_, judged, **__: seen.append(judged) or [])
    (folder / "t.csv").write_text(rows_of(n=40, label=lambda i: "" if i == 5 else "ab"[i % 2]))
    assert call("evaluate", "m", "t.csv", "--report", "r")[0] == OK
    assert (seen[0].columns.num_rows, len(seen[0].y_t)) == (39, 39)


def test_a_report_of_few_rows_says_nothing_of_calibration(call, folder):
    (folder / "t.csv").write_text(rows_of(n=10))
    assert call("evaluate", "m", "t.csv", "--report", "r")[0] == OK
    assert not (folder / "r/calibration.png").exists()


def test_report_of_labels_that_the_font_lacks(call, folder):
    (folder / "t.csv").write_text(rows_of(label=lambda i: ("😀 $x", "[red]\x1b")[i % 2]))
    code, _, err = call(*FIT, "--report", "r")
    assert (code, err) == (OK, "")


def test_bad_data_leaves_no_report_folder(call, folder):
    assert call("fit", "t.csv", "--target", "x", "--report", "r")[0] == DATA
    assert not (folder / "r").exists()


def test_drop_and_categorical(call):
    told = call(*FIT, "--drop", "colour", "--categorical", "x", "--model", "n")
    assert told[0] == OK
    content = json.loads(call("info", "n", "--json")[1])
    assert content["numeric_columns"] == []
    assert list(content["categorical_columns"]) == ["x"]


def test_separator(call, folder):
    (folder / "t.csv").write_text(TABLE.replace(",", "|"))
    code, _, err = call(*FIT)
    assert code == USAGE
    assert "--separator '|'" in err
    assert call(*FIT, "--separator", "|")[0] == OK
    (folder / "t.csv").write_text(TABLE.replace(",", "\t"))
    assert call(*FIT, "--separator", r"\t")[0] == OK
    assert "--separator '\\t'" in call(*FIT, "--separator", ";")[2]


def test_rows_without_a_label_are_left_out_and_counted(call, folder):
    (folder / "t.csv").write_text(rows_of(label=lambda i: "" if i % 10 == 0 else "ab"[i % 2]))
    code, out, _ = call(*FIT)
    assert code == OK
    assert "left out: 6 rows without a label" in out
    assert json.loads(call(*FIT, "--json")[1])["rows"]["without_label"] == 6


def test_the_smallest_table(call, folder):
    (folder / "t.csv").write_text("x,y\n1,a\n2,b\n")
    code, _, err = call(*FIT)
    assert code == DATA
    assert "set it to 0" in err
    code, out, _ = call(*FIT, "--validation", "0")
    assert code == OK
    assert "2 training rows" in out


def few(folder, seed=0):
    """Write 200 rows of two patterns, each with its label in nine rows of ten."""
    rows = ["u,a", "v,b"] * 90 + ["u,b", "v,a"] * 10
    (folder / "few.csv").write_text("\n".join(["g,y", *rows]) + "\n")
    return ["fit", "few.csv", "--target", "y", "--json", "-q", "--hidden", "4", "--seed", str(seed),
            "--learning-rate", "0.05", "--engine", "numpy"]  # fmt: skip


def test_figures_of_few_patterns_are_those_of_the_table(call, folder):
    """A look-up table is right in .90 of the rows, and so is a network."""
    found = {"test": [], "validation": []}
    for seed in range(20):
        for judged_by, options in ("test", ["--test", "0.1"]), ("validation", []):
            code, out, err = call(*few(folder, seed), *options)
            assert code == OK
            assert f"{judged_by} rows: 2" in err or "of 200 rows repeat only 2 different" in err
            told = json.loads(out)
            assert told["judged_by"] == judged_by
            found[judged_by].append(told["evaluation"]["accuracy"])
    for accuracies in found.values():  # the deviation of 20 rows is .064, of a mean of 20 .014
        assert np.mean(accuracies) == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_equal_rows_are_drawn_one_by_one_and_that_is_said(call, folder, task):
    rows = [f"{i % 6},{i % 2}" for i in range(120)]
    (folder / "six.csv").write_text("\n".join(["x,y", *rows]) + "\n")
    plain = ["--recipe", "plain"]
    code, out, err = call("fit", "six.csv", "--target", "y", "--task", task, "-q", "--json", *plain)
    assert code == OK
    assert json.loads(out)["rows"]["validation"] == 12
    assert "120 of 120 rows repeat only 6 different ones" in err
    assert "drawn one by one" in err


def test_the_last_rows_test_and_those_before_them_validate(call, folder):
    rows = [f"{i},{i // 10}" for i in range(100)]
    (folder / "time.csv").write_text("\n".join(["t,y", *rows]) + "\n")
    fit = ["fit", "time.csv", "--target", "y", "--task", "regression", "-q", "--json"]
    code, out, err = call(*fit, "--test", "0.2", "--test-last", "--validation-last")
    assert (code, err) == (OK, "")
    told = json.loads(out)
    left_out = {"held_back": 0, "without_label": 0, "without_weight": 0}
    assert told["rows"] == {"training": 72, "validation": 8, "test": 20} | left_out
    assert told["settings"]["test_last"] is told["settings"]["validation_last"] is True
    assert call(*fit, "--validation-last")[0] == OK
    assert call(*fit, "--test", "0.2", "--test-last")[0] == OK


@pytest.mark.parametrize(
    ("label", "words"),
    [
        (lambda i: ("yes", "Yes ", "no")[i % 3], "'Yes ', 'yes' look alike"),
        (lambda i: ("1", "1.0", "2")[i % 3], "'1', '1.0' look alike"),
        (lambda i: ("NA", "b", "c")[i % 3], "'NA' counts as a class"),
        (lambda i: f"{i % 25}.5", "if it is a quantity"),
    ],
)
def test_doubtful_labels_are_kept_and_remarked_on(call, folder, label, words):
    (folder / "t.csv").write_text(rows_of(n=300, label=label))
    code, _, err = call(*FIT)
    assert code == OK
    assert err.count("column y: ") == 1
    assert words in err


def test_a_thousand_columns(call, folder):
    names = [f"column {i}" for i in range(1000)]
    lines = [[str((i * j) % 7) for j in range(1000)] + ["ab"[i % 2]] for i in range(20)]
    (folder / "t.csv").write_text("\n".join(map(",".join, [[*names, "y"], *lines])) + "\n")
    assert call(*FIT, "--epochs", "1")[0] == OK
    code, out, err = call("predict", "m", "t.csv")
    assert (code, out) == (DATA, "")
    assert "'x'" in err
    assert len(err) < LONGEST_MESSAGE


# -- progress ---------------------------------------------------------------------------------


def test_progress_goes_to_stderr_and_results_to_stdout(call):
    arguments = [argument for argument in FIT if argument != "-q"]
    _, loud, progress = call(*arguments)
    _, quiet, silence = call(*FIT)
    without_time = [re.sub(r"in [\d.]+ s", "", text) for text in (loud, quiet)]
    assert without_time[0] == without_time[1]
    assert silence == ""
    columns, last = progress.splitlines()
    assert columns == "columns: 1 number, 1 category (colour 3)"
    assert re.fullmatch(r"epoch 5/5  loss [\d.]+  accuracy [\d.]+  validation [\d.]+", last)
    code, out, progress = call(*arguments, "--json")
    assert code == OK
    assert json.loads(out)
    assert "loss" in progress


@pytest.mark.parametrize(("columns", "bar"), [(40, False), (80, True), (160, True)])
def test_progress_on_a_terminal(folder, columns, bar):
    told = on_terminal(columns, *(a for a in FIT if a != "-q"))
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", told)
    assert "epoch 5/5" in plain
    assert "validation" in plain
    assert ("━" in plain) == bar
    assert told.rindex("\x1b[?25h") > told.rindex("\x1b[?25l"), "the cursor stays hidden"


def on_terminal(columns, *arguments):
    """Run a command with a terminal of so many columns, and give what that terminal got."""
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-m", "handgrad", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment | {"TERM": "xterm-256color"},
    )
    os.close(theirs)
    told = b""
    try:
        while chunk := os.read(ours, 65536):
            told += chunk
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    assert process.wait(60) == OK
    return told.decode()


def test_tables_on_a_narrow_terminal_lose_nothing(folder):
    labels = [f"a rather long label, number {i}" for i in range(8)]
    (folder / "t.csv").write_text(rows_of(n=80, label=lambda i: f'"{labels[i % 8]}"'))
    told = on_terminal(40, *FIT)
    assert "most frequent confusions" in told
    assert "…" not in told
    assert "…" not in on_terminal(40, "info", "m")


# -- predict ----------------------------------------------------------------------------------


def predictions(text):
    rows = list(csv.reader(io.StringIO(text, newline="")))
    return rows[0], rows[1:]


def test_predict_gives_a_row_a_row(call, folder):
    code, out, err = call("predict", "m", "t.csv")
    assert (code, err) == (OK, TARGET_THERE)
    heading, rows = predictions(out)
    assert heading == ["prediction"]
    truth = [row["y"] for row in csv.DictReader(io.StringIO(TABLE))]
    assert len(rows) == len(truth)
    assert np.mean([given[0] == true for given, true in zip(rows, truth, strict=True)]) > 0.9


def test_probabilities_sum_to_one_and_favour_the_prediction(call):
    heading, rows = predictions(call("predict", "m", "t.csv", "--proba")[1])
    assert heading == ["prediction", "probability a", "probability b"]
    for label, *shares in rows:
        assert sum(map(float, shares)) == pytest.approx(1, abs=1e-5)
        assert "ab"[int(np.argmax(list(map(float, shares))))] == label


def test_output_file_and_stdout_get_the_same_bytes(call, folder):
    code, out, err = call("predict", "m", "t.csv", "--proba", "-o", "p.csv")
    assert (code, out, err) == (OK, "", TARGET_THERE)
    assert (folder / "p.csv").read_bytes() == start("predict", "m", "t.csv", "--proba").stdout
    assert call("predict", "m", "t.csv", "--proba", "-o", "-")[1].encode() == (
        (folder / "p.csv").read_bytes()
    )
    assert not (folder / "-").exists()


def test_columns_are_found_by_name_and_extra_ones_reported(call, folder):
    expected = call("predict", "m", "t.csv", "--proba")[1]
    rows = list(csv.DictReader(io.StringIO(TABLE)))
    with open(folder / "other.csv", "w", newline="") as file:
        names = ["colour", "note, of \x1b[31mthis", "x", "zz"]
        writer = csv.DictWriter(file, names, extrasaction="ignore", restval="?")
        writer.writeheader()
        writer.writerows(rows)
    code, out, err = call("predict", "m", "other.csv", "--proba")
    assert (code, out) == (OK, expected)
    assert err == "columns not used: note, of \\x1b[31mthis, zz\n"


def test_a_lacking_column_is_named(call, folder):
    (folder / "u.csv").write_text("x,y\n1,a\n")
    for command in ("predict", "evaluate"):
        code, out, err = call(command, "m", "u.csv")
        assert (code, out) == (DATA, "")
        assert "colour" in err


def test_a_category_not_seen_before_is_no_error(call, folder):
    (folder / "u.csv").write_text("x,colour\n,\n0.2,mauve\n")
    code, out, _ = call("predict", "m", "u.csv")
    assert code == OK
    assert len(predictions(out)[1]) == 2


def test_a_table_without_rows_gives_a_heading(call, folder):
    (folder / "u.csv").write_text("x,colour\n")
    assert call("predict", "m", "u.csv") == (OK, "prediction\n", "")
    code, out, _ = call("predict", "m", "u.csv", "--proba")
    assert (code, out) == (OK, "prediction,probability a,probability b\n")


@pytest.mark.parametrize(
    "labels",
    [
        ("007", "7"),
        ("Zürich", "東京"),
        ("a, b", 'say "c"'),
        ("two\nlines", " blank "),
        ("=1+1", "@SUM(1)"),
        ("😀", "\x1b[2J"),
        ("True", "None"),
    ],
    ids=repr,
)
def test_labels_come_back_exactly(call, folder, labels):
    rows = [[i % 2, "red", labels[i % 2]] for i in range(40)]
    with open(folder / "t.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["x", "colour", "y"], *rows])
    assert call(*FIT, "--validation", "0", "--epochs", "60", "--model", "n")[0] == OK
    assert call("predict", "n", "t.csv", "-o", "p.csv")[0] == OK
    given = predictions((folder / "p.csv").read_bytes().decode())[1]
    assert [row[0] for row in given] == [row[2] for row in rows]
    told = json.loads(call("evaluate", "n", "t.csv", "--json")[1])
    assert told["accuracy"] == 1
    assert sorted(told["classes"]) == sorted(labels)
    assert "\x1b" not in call("info", "n")[1] + call("evaluate", "n", "t.csv")[1]


# -- evaluate ---------------------------------------------------------------------------------


def test_evaluate_agrees_with_a_count_of_the_predictions(call):
    told = json.loads(call("evaluate", "m", "t.csv", "--json")[1])
    given = [row[0] for row in predictions(call("predict", "m", "t.csv")[1])[1]]
    truth = [row["y"] for row in csv.DictReader(io.StringIO(TABLE))]
    counts = [[sum((t, g) == pair for pair in zip(truth, given, strict=True)) for g in "ab"]
              for t in "ab"]  # fmt: skip
    assert told["confusion_matrix"] == counts
    assert told["accuracy"] == (counts[0][0] + counts[1][1]) / 60
    assert told["recall"][0] == counts[0][0] / sum(counts[0])
    text = call("evaluate", "m", "t.csv")[1]
    assert f"60 rows: accuracy {told['accuracy']:.4f}, log-loss {told['log_loss']:.4f}" in text


def test_evaluate_leaves_out_rows_without_a_label(call, folder):
    (folder / "u.csv").write_text("y,x,colour\n,1,red\na,0.1,blue\n,2,red\nb,1.9,blue\n")
    code, out, err = call("evaluate", "m", "u.csv")
    assert code == OK
    assert out.startswith("2 rows: accuracy 1.0000")
    assert err == "left out: 2 rows without a label\n"


def test_evaluate_names_unknown_labels_and_their_row(call, folder):
    (folder / "u.csv").write_text("y,x,colour\n,1,red\na,0.1,blue\nmaybe,2,red\n")
    code, out, err = call("evaluate", "m", "u.csv")
    assert (code, out) == (DATA, "")
    assert "'maybe'" in err
    assert "row 3" in err


def test_evaluate_takes_another_target(call, folder):
    (folder / "u.csv").write_text(TABLE.replace(",y\n", ",truth\n", 1))
    code, _, err = call("evaluate", "m", "u.csv")
    assert code == USAGE
    assert "--target y" in err
    code, _, err = call("evaluate", "m", "u.csv", "--target", "truth")
    assert (code, err) == (OK, "")


def test_numbers_as_labels_are_the_same_in_csv_and_parquet(call, folder):
    """Text in a CSV file, integers in a Parquet file: either trains, either judges."""
    x, y = [i % 2 for i in range(40)], [i % 2 + 1 for i in range(40)]
    pq.write_table(pa.table({"x": x, "y": y}), folder / "n.parquet")
    (folder / "n.csv").write_text(
        "x,y\n" + "".join(f"{a},{b}\n" for a, b in zip(x, y, strict=True))
    )
    for name in ("n.csv", "n.parquet"):
        options = ["--validation", "0", "--epochs", "60", "--hidden", "8", "-q"]
        assert call("fit", name, "--target", "y", *options, "--model", "n")[0] == OK
        for other in ("n.csv", "n.parquet"):
            code, out, _ = call("evaluate", "n", other)
            assert code == OK
            assert out.startswith("40 rows: accuracy 1.0000")
        assert predictions(call("predict", "n", "n.csv")[1])[1] == [[str(label)] for label in y]


# -- info -------------------------------------------------------------------------------------


def test_info_is_of_a_model_or_of_the_machine(call):
    for arguments in (["m", "--machine"], []):
        code, _, err = call("info", *arguments)
        assert (code, "name a model, or use --machine" in err) == (USAGE, True)


def test_info(call):
    code, out, err = call("info", "m")
    assert (code, err) == (OK, "")
    told = json.loads(call("info", "m", "--json")[1])
    assert told["target"] == "y"
    assert told["classes"] == ["a", "b"]
    assert told["numeric_columns"] == ["x"]
    assert told["categorical_columns"] == {"colour": ["blue", "green", "red"]}
    assert told["network"]["layer_units"] == [5, 8, 1]
    for word in ("target: y", "classes: a, b", "5-8-1 units", "W1", "colour", "category, 3 levels"):
        assert word in out


# -- bad input --------------------------------------------------------------------------------

T = "--target"
ESCAPE = "\x1b]0;owned\x07"
PARQUET_LIST = io.BytesIO()
pq.write_table(pa.table({"z": [[1], [2]], "y": ["a", "b"]}), PARQUET_LIST)
PARQUET_TIME = io.BytesIO()
pq.write_table(pa.table({"z": np.array(["2020", "2021"], "M8[us]"), "y": ["a", "b"]}), PARQUET_TIME)


def table(text):
    return {"u.csv": text.encode() if isinstance(text, str) else text}


def mixed(n=200):
    lines = "".join(f"{i},{'ab'[i % 2]}\n" for i in range(n))
    return f"x,y\n{lines}oops,a\n"


BAD = [
    # id, files, arguments, exit code, words of the message
    ("no such table", {}, ["fit", "no.csv", T, "y"], IO, ["no.csv", "No such file"]),
    ("folder as table", {}, ["evaluate", "m", "."], IO, ["Is a directory"]),
    ("no such table at predict", {}, ["predict", "m", "no.csv"], IO, ["no.csv"]),
    ("device as table", {}, ["fit", "/dev/zero", T, "y"], DATA, ["device"]),
    ("empty file", table(""), ["fit", "u.csv", T, "y"], DATA, ["u.csv", "file is empty"]),
    ("blank file", table("\n \n\n"), ["fit", "u.csv", T, "y"], DATA, ["file is empty"]),
    ("header only", table("x,y\n"), ["fit", "u.csv", T, "y"], DATA, ["rows"]),
    ("header only at evaluate", table("x,colour,y\n"), ["evaluate", "m", "u.csv"], DATA, ["rows"]),
    ("no header", table("1,2\n3,4\n"), ["fit", "u.csv", T, "y"], DATA, ["header"]),
    ("UTF-16 without a mark", table("x,y\n1,a\n".encode("utf-16-le")), ["fit", "u.csv", T, "y"],
     DATA, ["--encoding utf-16-le"]),
    ("latin-1", table(b"x,y\n1,caf\xe9\n2,b\n"), ["fit", "u.csv", T, "y"], DATA,
     ["line 2", "0xE9", "UTF-8"]),
    ("NUL byte", table(b"x,y\n1\x00,a\n2,b\n"), ["fit", "u.csv", T, "y"], DATA, ["line 2", "NUL"]),
    ("a field too many", table("x,y\n1,a\n2,b,c\n"), ["fit", "u.csv", T, "y"], DATA,
     ["line 3", "3 fields", "expected 2"]),
    ("a field too few", table("x,y\n1,a\n2\n"), ["fit", "u.csv", T, "y"], DATA,
     ["line 3", "1 fields", "expected 2"]),
    ("names that are data", table("3,3,y\n1,1,a\n"), ["fit", "u.csv", T, "y"], DATA,
     ["'3'", "--no-header"]),
    ("several names of none", {}, ["fit", "t.csv", T, "y", "--drop", "a", "--drop", "colours"],
     USAGE, ["--drop a, colours", "did you mean colour?", "no such columns"]),
    ("title", table("Title\nx,y\n1,a\n2,b\n"), ["fit", "u.csv", T, "y"], DATA, ["--skip 1"]),
    ("no such encoding", {}, [*FIT, "--encoding", "latin-77"], USAGE, ["--encoding latin-77"]),
    ("no text encoding", {}, [*FIT, "--encoding", "rot13"], USAGE, ["--encoding rot13"]),
    ("skip negative", {}, [*FIT, "--skip", "-1"], USAGE, ["--skip"]),
    ("skip all", {}, [*FIT, "--skip", "99"], DATA, ["61 lines", "--skip 99"]),
    ("files that differ", table("x,y\n1,a\n"), [*FIT, "u.csv"], DATA,
     ["'u.csv'", "lacks 'colour'"]),
    ("open quote", table('x,y\n1,"a\n2,b\n'), ["fit", "u.csv", T, "y"], DATA, ["line 2", "quote"]),
    ("no such target", {}, ["fit", "t.csv", T, "Y"], USAGE, ["--target Y", "did you mean y?"]),
    ("no target named", {}, ["fit", "t.csv"], USAGE, ["--target COLUMN"]),
    ("target dropped", {}, ["fit", "t.csv", T, "y", "--drop", "y"], USAGE, ["--drop y"]),
    ("no such column to drop", {}, ["fit", "t.csv", T, "y", "--drop", "q"], USAGE, ["--drop q"]),
    ("no such category", {}, ["fit", "t.csv", T, "y", "--categorical", "q"], USAGE,
     ["--categorical q"]),
    ("target as category", {}, ["fit", "t.csv", T, "y", "--categorical", "y"], USAGE,
     ["--categorical y"]),
    ("all columns dropped", {}, ["fit", "t.csv", T, "y", "--drop", "x", "--drop", "colour"], DATA,
     ["besides 'y'"]),
    ("only the target", table("y\na\nb\n"), ["fit", "u.csv", T, "y"], DATA, ["besides 'y'"]),
    ("labels missing everywhere", table("x,y\n1,\n2,\n"), ["fit", "u.csv", T, "y"], DATA,
     ["all 2 are missing"]),
    ("no labels at evaluate", table("x,colour,y\n1,red,\n"), ["evaluate", "m", "u.csv"], DATA,
     ["all 1 are missing"]),
    ("one class", table("x,y\n1,a\n2,a\n"), ["fit", "u.csv", T, "y"], DATA,
     ["two classes", "every row is 'a'"]),
    ("one class, escape sequence", table(f"x,y\n1,{ESCAPE}\n2,{ESCAPE}\n"),
     ["fit", "u.csv", T, "y"], DATA, [r"\x1b]0;owned\x07"]),
    ("every label different", table("x,y\n" + "".join(f"{i},id{i}\n" for i in range(50))),
     ["fit", "u.csv", T, "y"], DATA, ["50 different labels", "use --task regression"]),
    ("infinity", table("x,y\n1,a\n-Infinity,b\n"), ["fit", "u.csv", T, "y"], DATA,
     ["'x'", "line 3", "-Infinity"]),
    ("overflow", table("x,y\n1,a\n1e400,b\n"), ["fit", "u.csv", T, "y"], DATA,
     ["'x'", "line 3", "1e400", "overflow"]),
    ("infinity at predict", table("x,colour\n1,red\ninf,red\n"), ["predict", "m", "u.csv"], DATA,
     ["'x'", "line 3"]),
    ("infinity at evaluate", table("x,colour,y\n1,red,a\ninf,red,a\n"), ["evaluate", "m", "u.csv"],
     DATA, ["'x'", "line 3"]),
    ("text for a number at predict", table("x,colour\nhigh,red\n"), ["predict", "m", "u.csv"], DATA,
     ["'x'", "line 2", "high"]),
    ("lists", {"u.parquet": PARQUET_LIST.getvalue()}, ["fit", "u.parquet", T, "y"], DATA,
     ["'z'", "list"]),
    ("times as labels", {"u.parquet": PARQUET_TIME.getvalue()}, ["fit", "u.parquet", T, "z"], DATA,
     ["'z'", "timestamp"]),
    ("cut off Parquet", {"u.parquet": PARQUET_LIST.getvalue()[:-40]}, ["fit", "u.parquet", T, "y"],
     DATA, ["u.parquet", "damaged"]),
    ("cut off gzip", table(gzip.compress(os.urandom(999))[:500]), ["fit", "u.csv", T, "y"], DATA,
     ["gzip", "damaged"]),
    ("zip archive", table(b"PK\x03\x04rest"), ["fit", "u.csv", T, "y"], DATA, ["zip", "CSV"]),
    ("model as table", {}, ["predict", "m", "m"], DATA, ["NUL"]),
    ("table as model", {}, ["predict", "t.csv", "m"], MODEL_FILE,
     ["t.csv", "not a handgrad model"]),
    ("no such model", {}, ["info", "no"], IO, ["'no'", "No such file"]),
    ("folder as model", {}, ["info", "."], MODEL_FILE, ["regular file"]),
    ("device as model", {}, ["info", "/dev/null"], MODEL_FILE, ["regular file"]),
    ("empty model", {"n": b""}, ["predict", "n", "t.csv"], MODEL_FILE, ["'n'", "cut off"]),
    ("pickle", {"n": b"\x80\x04K\x01."}, ["info", "n"], MODEL_FILE, ["pickle"]),
    ("test share leaves none", {}, [*FIT, "--test", "0.001"], DATA, ["--test 0.001", "60 rows"]),
    ("rows that may not be parted", table("x,y\n" + "1,a\n2,b\n" * 2),
     ["fit", "u.csv", T, "y", "--recipe", "plain"], DATA, ["--validation", "equal rows"]),
    ("class in the last rows only", table("x,y\n" + "".join(f"{i},{i // 20}\n" for i in range(43))),
     ["fit", "u.csv", T, "y", "--test", ".2", "--test-last"], DATA, ["'2' is in", "--test-last"]),
    ("last rows without a share", {}, [*FIT, "--test-last"], USAGE, ["--test 0.2"]),
    ("last rows of none", {}, [*FIT, "--validation-last", "--validation", "0"], USAGE,
     ["--validation above 0"]),
    ("last and any rows", {}, [*FIT, "--validation-last", "--test", "0.2"], USAGE,
     ["add --test-last"]),
    ("escape in a name", table(f"{ESCAPE},y\ninf,a\n1,b\n"), ["fit", "u.csv", T, "y"], DATA,
     [r"\x1b]0;owned\x07", "infinite"]),
    ("escape in a listed name", table(f"{ESCAPE},y\n1,a\n"), ["fit", "u.csv", T, "z"], USAGE,
     [r"\x1b]0;owned\x07"]),
    ("escape in a file name", {}, ["fit", ESCAPE, T, "y"], IO, [r"\x1b]0;owned\x07"]),
    ("escape as a column", {}, ["fit", "t.csv", T, ESCAPE], USAGE, [r"\x1b]0;owned\x07"]),
    ("escape as a command", {}, [ESCAPE], USAGE, [r"\x1b]0;owned\x07"]),
    ("escape as an argument", {}, ["info", "m", ESCAPE], USAGE, [r"\x1b]0;owned\x07"]),
    ("escape as an option", {}, ["fit", f"--{ESCAPE}"], USAGE, [r"\x1b]0;owned\x07"]),
    ("markup in a name", table("[red]x[/red],y\ninf,a\n1,b\n"), ["fit", "u.csv", T, "y"], DATA,
     ["[red]x[/red]"]),
    ("markup as a column", {}, ["fit", "t.csv", T, "[/nope]"], USAGE, ["[/nope]"]),
    ("text direction in a name", table("a\u202eb,y\ninf,a\n1,b\n"), ["fit", "u.csv", T, "y"], DATA,
     [r"a\u202eb"]),
    ("newline in a name", table('"a\nb",y\ninf,a\n1,b\n'), ["fit", "u.csv", T, "y"], DATA,
     [r"a\nb"]),
    ("very long names", table(",".join("n" * 500 + str(i) for i in range(30)) + "\n" + "1," * 29
                              + "1\n"), ["fit", "u.csv", T, "y"], USAGE, ["and 20 more"]),
    ("very long labels", table("x,colour,y\n" + "".join(f"1,red,{'l' * 500}{i}\n"
                               for i in range(30))), ["evaluate", "m", "u.csv"], DATA,
     ["labels must be among 'a', 'b'", "drop those rows"]),
    ("no epochs", {}, [*FIT, "--epochs", "0"], USAGE, ["--epochs", "0"]),
    ("negative epochs", {}, [*FIT, "--epochs", "-1"], USAGE, ["--epochs"]),
    ("too many epochs", {}, [*FIT, "--epochs", "1000000000"], USAGE, ["--epochs"]),
    ("epochs not a number", {}, [*FIT, "--epochs", "nan"], USAGE, ["--epochs", "nan"]),
    ("rate not a number", {}, [*FIT, "--learning-rate", "abc"], USAGE, ["--learning-rate", "abc"]),
    ("rate NaN", {}, [*FIT, "--learning-rate", "nan"], USAGE, ["--learning-rate", "nan"]),
    ("rate infinite", {}, [*FIT, "--learning-rate", "inf"], USAGE, ["--learning-rate"]),
    ("rate zero", {}, [*FIT, "--learning-rate", "0"], USAGE, ["--learning-rate"]),
    ("penalty NaN", {}, [*FIT, "--l2", "nan"], USAGE, ["--l2"]),
    ("penalty negative", {}, [*FIT, "--l2", "-1"], USAGE, ["--l2"]),
    ("validation NaN", {}, [*FIT, "--validation", "nan"], USAGE, ["--validation"]),
    ("validation all", {}, [*FIT, "--validation", "1"], USAGE, ["--validation"]),
    ("test NaN", {}, [*FIT, "--test", "nan"], USAGE, ["--test"]),
    ("batch of none", {}, [*FIT, "--batch-size", "0"], USAGE, ["--batch-size"]),
    ("seed negative", {}, [*FIT, "--seed", "-1"], USAGE, ["--seed"]),
    ("seed too large", {}, [*FIT, "--seed", str(2**32)], USAGE, ["--seed"]),
    ("unknown optimizer", {}, [*FIT, "--optimizer", "lion"], USAGE, ["lion", "nesterov"]),
    ("unknown option", {}, [*FIT, "--lr", "1"], USAGE, ["--lr"]),
    ("unknown command", {}, ["train"], USAGE, ["train"]),
    ("hidden words", {}, [*FIT, "--hidden", "64x32"], USAGE, ["64x32", "64,32"]),
    ("hidden with a hole", {}, [*FIT, "--hidden", "5,,5"], USAGE, ["5,,5"]),
    ("hidden negative", {}, [*FIT, "--hidden", "-5"], USAGE, ["-5"]),
    ("hidden zero in between", {}, [*FIT, "--hidden", "5,0"], USAGE, ["1 to 100000"]),
    ("hidden in other digits", {}, [*FIT, "--hidden", "６４"], USAGE, ["６４"]),
    ("hidden of 5000 digits", {}, [*FIT, "--hidden", "9" * 5000], USAGE, ["1 to 100000"]),
    ("separator too long", {}, [*FIT, "--separator", "::"], USAGE, ["--separator"]),
    ("separator a quote", {}, [*FIT, "--separator", '"'], USAGE, ["--separator"]),
    ("separator invisible", {}, [*FIT, "--separator", "\x01"], USAGE, ["--separator"]),
    ("one argument too few", {}, ["predict", "m"], USAGE, ["TABLE"]),
    ("one argument too many", {}, ["info", "m", "n"], USAGE, ["n"]),
    ("empty name for the model", {}, [*FIT, "--model", ""], USAGE, ["--model"]),
    ("no folder for the model", {}, [*FIT, "--model", "no/n"], IO, ["no folder 'no'"]),
    ("model below a file", {}, [*FIT, "--model", "t.csv/n"], IO, ["no folder 't.csv'"]),
    ("folder as the new model", {"d/x": b""}, [*FIT, "--model", "d"], IO, ["'d' is a folder"]),
    ("device as the new model", {}, [*FIT, "--model", "/dev/null"], IO,
     ["'/dev/null' is a device"]),
    ("name too long", {}, [*FIT, "--model", "n" * 300], IO, ["too long"]),
    ("model onto the table", {}, [*FIT, "--model", "t.csv"], USAGE, ["another output"]),
    ("model onto the table, spelt otherwise", {}, [*FIT, "--model", "./t.csv"], USAGE,
     ["another output"]),
    ("output onto the table", {}, ["predict", "m", "t.csv", "-o", "t.csv"], USAGE,
     ["another output"]),
    ("output onto the model", {}, ["predict", "m", "t.csv", "-o", "m"], USAGE, ["another output"]),
    ("folder as output", {"d/x": b""}, ["predict", "m", "t.csv", "-o", "d"], IO, ["is a folder"]),
    ("no folder for output", {}, ["predict", "m", "t.csv", "-o", "no/p"], IO, ["no folder 'no'"]),
    ("device as output", {}, ["predict", "m", "t.csv", "-o", "/dev/full"], IO, ["device"]),
    ("report onto a file", {}, [*FIT, "--report", "t.csv"], IO, ["'t.csv' is a file"]),
    ("report below a file", {}, [*FIT, "--report", "t.csv/a/b"], IO, ["t.csv' is a file"]),
    ("divergence", {}, ["fit", "t.csv", T, "y", "-q", "--optimizer", "sgd", "--learning-rate",
                        "1e30"], DIVERGED, ["learning rate", "Lower"]),
    ("more memory than there is", {}, [*FIT, "--hidden", "100000,100000,100000,100000,100000"], IO,
     ["memory", "smaller layers"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "arguments", "code", "words"),
    [case[1:] for case in BAD],
    ids=[case[0] for case in BAD],
)
def test_bad_input(call, folder, given, arguments, code, words):
    for name, content in given.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    if arguments[0] == "fit" and "--model" not in arguments:
        (folder / "old").write_bytes(b"an older model")
        arguments = [*arguments, "--model", "old"]
    before = contents(folder)
    exit_code, out, err = call(*arguments)
    assert exit_code == code, err
    assert out == ""
    for word in words:
        assert word in err
    assert err.startswith("handgrad: ")
    assert len(err.splitlines()) == (2 if "\nTry 'handgrad" in err else 1)
    assert len(err) <= LONGEST_MESSAGE + 60
    assert all(sign.isprintable() for sign in err.replace("\n", ""))
    assert contents(folder) == before


def test_the_ids_of_the_bad_inputs_differ():
    assert len({case[0] for case in BAD}) == len(BAD)


def test_a_damaged_model_of_every_length(call, folder, model_bytes):
    for length in (1, 7, 8, 9, 100, len(model_bytes) // 2, len(model_bytes) - 1):
        (folder / "n").write_bytes(model_bytes[:length])
        code, _, err = call("predict", "n", "t.csv")
        assert code == MODEL_FILE
        assert "'n'" in err
    flipped = bytearray(model_bytes)
    flipped[-5] ^= 1
    (folder / "n").write_bytes(flipped)
    code, _, err = call("info", "n")
    assert code == MODEL_FILE
    assert "checksum" in err


def test_messages_of_bad_output_come_before_the_training(call, monkeypatch):
    monkeypatch.setattr("handgrad.cli.fit.train", lambda *_, **__: pytest.fail("it trained"))
    for arguments in (["--model", "no/n"], ["--report", "t.csv"], ["--model", "/proc/n"]):
        if arguments[1].startswith("/proc") and not os.path.isdir("/proc"):
            continue
        assert call(*FIT, *arguments)[0] == IO


@pytest.mark.parametrize("command", [[*FIT, "--model", "m"], ["predict", "m", "t.csv", "-o", "p"]])
def test_a_full_disk_leaves_the_old_file(call, folder, monkeypatch, command):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "somewhere")

    (folder / "p").write_bytes(b"old predictions")
    before = contents(folder)
    monkeypatch.setattr(atomic_file.os, "fsync", full)
    code, out, err = call(*command)
    assert (code, out) == (IO, "")
    assert err.endswith(f"handgrad: {command[-1]!r}: No space left on device\n")
    assert contents(folder) == before


def test_a_failed_report_tells_that_the_model_is_there(call, folder, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", "r/learning_curve.png")

    monkeypatch.setattr(report, "write_report", full)
    code, _, err = call(*FIT, "--report", "r", "--model", "n")
    assert code == IO
    assert err.startswith("wrote n\nhandgrad: 'r/learning_curve.png': No space left")
    assert load_model(folder / "n").target == "y"


def test_a_report_without_matplotlib_is_refused_before_training(call, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, out, err = call(*FIT, "--report", "r")
    assert (code, out) == (USAGE, "")
    assert "pip install matplotlib" in err


def test_a_folder_that_cannot_be_written_to(call, folder):
    (folder / "locked").mkdir(mode=0o500)
    if os.access(folder / "locked", os.W_OK):
        pytest.skip("this user may write everywhere")
    code, _, err = call(*FIT, "--model", "locked/n")
    assert code == IO
    assert "locked" in err


def test_a_table_that_may_not_be_read(call, folder):
    (folder / "t.csv").chmod(0)
    if os.access(folder / "t.csv", os.R_OK):
        pytest.skip("this user may read everything")
    code, _, err = call(*FIT)
    assert code == IO
    assert "Permission denied" in err


def test_a_link_is_replaced_and_what_it_points_to_kept(call, folder):
    (folder / "target").write_bytes(b"precious")
    (folder / "link").symlink_to("target")
    assert call(*FIT, "--model", "link")[0] == OK
    assert (folder / "target").read_bytes() == b"precious"
    (folder / "to table").symlink_to("t.csv")
    assert call(*FIT, "--model", "to table")[0] == USAGE


# -- in a process of its own ------------------------------------------------------------------


@pytest.mark.parametrize(
    "endless", [["--epochs", "1000000", "--patience", "1000000"], ["--networks", "1000"]]
)
def test_interrupted_while_it_trains(folder, endless):
    (folder / "n").write_bytes(b"an older model")
    before = contents(folder)
    process = subprocess.Popen(
        [sys.executable, "-m", "handgrad", *FIT[:4], *endless, "--model", "n", "--report", "r"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        assert process.stderr.readline().startswith("columns: ")  # the last words before it trains
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()  # one that does not listen would never end
    assert process.returncode == INTERRUPTED
    assert (out, err) == ("", "\nhandgrad: interrupted; nothing more was written\n")
    assert contents(folder) == before


@pytest.mark.parametrize("model", ["m", "new"])
def test_ctrl_c_waits_for_a_library_to_be_loaded(call, folder, monkeypatch, model):
    """Sent amid an import, it was swallowed by compiled code, or broke pandas."""
    loaded = []

    def load(name):
        os.kill(os.getpid(), signal.SIGINT)
        loaded.append(name)

    monkeypatch.setattr("handgrad.cli.libraries.import_module", load)
    before = contents(folder)
    code, out, err = call(*FIT, "--model", model)
    assert (code, out) == (INTERRUPTED, "")
    assert err.strip() == "handgrad: interrupted; nothing more was written"
    assert "handgrad.estimators" in loaded
    assert contents(folder) == before
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_missing_library_stops_nobody_who_can_do_without_it():
    load("no_such_library_at_all", "json")


def test_a_reader_that_goes_away(folder):
    (folder / "long.csv").write_text(rows_of(n=40_000))
    for table_name in ("long.csv", "t.csv"):
        command = f"'{sys.executable}' -m handgrad predict m {table_name} --proba | head -n 1"
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60
        )
        assert done.stdout == "prediction,probability a,probability b\n"
        assert (done.returncode, done.stderr) == (OK, TARGET_THERE)


def test_standard_input(folder):
    expected = start("predict", "m", "t.csv").stdout
    done = start("predict", "m", "-", input=TABLE.encode())
    assert (done.returncode, done.stdout) == (OK, expected)
    assert done.stderr == TARGET_THERE.encode()
    done = start("evaluate", "m", "/dev/stdin", input=b"")
    assert done.returncode == DATA
    assert b"file is empty" in done.stderr


def test_results_that_cannot_be_printed(folder):
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "handgrad", "predict", "m", "t.csv"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == IO
    assert done.stderr == TARGET_THERE.encode() + b"handgrad: No space left on device\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_a_closed_stream(folder, closed):
    command = f"'{sys.executable}' -m handgrad evaluate m t.csv {closed}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode == OK
    assert "Traceback" not in done.stderr


def test_the_c_locale_changes_no_byte(call, folder):
    labels = ("Zürich", "😀")
    (folder / "tä.csv").write_text(rows_of(label=lambda i: labels[i % 2]).replace(",y\n", ",ÿ\n"))
    fit = ["fit", "tä.csv", "--target", "ÿ", "-q", "--epochs", "5", "--model"]
    assert call(*fit, "n")[0] == OK
    assert call("predict", "n", "tä.csv", "-o", "p.csv")[0] == OK
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "NO_COLOR": "1"}
    done = start(*fit, "n in C", env=os.environ | locale)
    assert (done.returncode, done.stderr) == (OK, b"")
    assert b"\x1b" not in done.stdout
    done = start("predict", "n in C", "tä.csv", env=os.environ | locale)
    assert (done.returncode, done.stderr.decode()) == (OK, TARGET_THERE.replace("y", "ÿ", 1))
    assert (folder / "n in C").read_bytes() == (folder / "n").read_bytes()
    assert done.stdout == (folder / "p.csv").read_bytes()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_predictions_on_stdout_are_utf_8(folder, call, monkeypatch, encoding):
    (folder / "t.csv").write_text(rows_of(label=lambda i: ("Zürich", "😀")[i % 2]))
    assert call(*FIT, "--model", "n")[0] == OK
    assert call("predict", "n", "t.csv", "-o", "p.csv")[0] == OK
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, encoding))
    assert call("predict", "n", "t.csv")[0] == OK
    assert content.getvalue() == (folder / "p.csv").read_bytes()
    assert call("evaluate", "n", "t.csv")[0] == OK
    sys.stdout.flush()
    table = content.getvalue()[(folder / "p.csv").stat().st_size :]
    assert ("Zürich".encode(encoding, "backslashreplace") in table) or encoding == "ascii"


def test_the_installed_command_and_the_module_are_one(folder):
    script = os.path.join(os.path.dirname(sys.executable), "handgrad")
    if not os.path.exists(script):
        pytest.skip("the command is not installed beside this Python")
    done = subprocess.run([script, "info", "m"], capture_output=True, timeout=60)
    assert done.stdout == start("info", "m").stdout
    assert done.returncode == OK
