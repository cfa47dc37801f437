"""What the terminal shows of an evaluation, and how it keeps names from doing harm."""

import json

import numpy as np
import pytest

from handgrad.cli.results import evaluation_json, print_evaluation
from handgrad.cli.terminal import LONGEST_MESSAGE, brief, listed, print_json
from handgrad.models.evaluation import Evaluation
from handgrad.text import shown


def judged(confusion, classes=None, log_loss=0.25):
    confusion = np.array(confusion)
    names = [f"c{k:02d}" for k in range(len(confusion))] if classes is None else classes
    return Evaluation(np.array(names), confusion, log_loss, 0.0)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain, ünï 東京 😀", "plain, ünï 東京 😀"),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\u202eevil", r"\u202eevil"),
        ("\x9b31m", r"\x9b31m"),
        ("\udce9", r"\udce9"),
        ("[red]", "[red]"),
        (7, "7"),
    ],
)
def test_shown(text, safe):
    assert shown(text) == safe


def test_listed_is_short_whatever_it_is_given():
    assert listed(["a", "b"]) == "a, b"
    assert listed([]) == ""
    assert listed(range(12)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"
    assert len(listed(["n" * 1000] * 1000)) < 700
    assert listed(["x" * 60]) == "x" * 60


def test_brief_keeps_both_ends():
    assert brief("short") == "short"
    message = brief("what came " + "x" * 5000 + " what to do")
    assert len(message) == LONGEST_MESSAGE
    assert message.startswith("what came")
    assert message.endswith("what to do")


def test_a_matrix_with_its_shares(capsys):
    print_evaluation(judged([[3, 1], [0, 1234]], ["no", "yes"]), "1,238 rows")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1,238 rows: accuracy 0.9992, log-loss 0.2500"
    assert lines[1] == "confusion matrix"
    assert [line.split() for line in lines if line.startswith(("  no", "  yes"))] == [
        ["no", "3", "1"],
        ["yes", "0", "1,234"],
        ["no", "1.000", "0.750", "4"],
        ["yes", "0.999", "1.000", "1,234"],
    ]
    assert all(line == line.rstrip() for line in lines)


def test_a_share_of_nothing_is_a_dash_and_null(capsys):
    evaluation = judged([[2, 0, 0], [1, 0, 0], [0, 0, 0]])
    print_evaluation(evaluation, "3 rows")
    out = capsys.readouterr().out
    assert "nan" not in out
    assert [line.split() for line in out.splitlines()[-3:]][1] == ["c02", "-", "-", "0"]
    told = evaluation_json(evaluation)
    assert told["precision"] == [pytest.approx(2 / 3), None, None]
    assert told["recall"] == [1, 0, None]
    print_json(told)
    assert json.loads(capsys.readouterr().out) == told


def test_many_classes_show_the_most_frequent_confusions(capsys):
    confusion = np.diag(np.full(40, 9))
    confusion[3, 5], confusion[5, 3], confusion[39, 0] = 7, 2, 1200
    print_evaluation(judged(confusion), "rows")
    out = capsys.readouterr().out
    assert "confusion matrix" not in out
    lines = out[out.index("most frequent confusions") : out.index("classes")].splitlines()
    assert [line.split() for line in lines if line.startswith("  c")] == [
        ["c39", "c00", "1,200"],
        ["c03", "c05", "7"],
        ["c05", "c03", "2"],
    ]


def test_many_classes_without_a_mistake_show_no_empty_table(capsys):
    print_evaluation(judged(np.eye(40, dtype=int)), "40 rows")
    assert "confusions" not in capsys.readouterr().out


def test_labels_are_texts_not_markup(capsys):
    labels = ["[bold]a[/bold]", "[/nope]", ":smile:", "\x1b[31mred"]
    print_evaluation(judged(np.eye(4, dtype=int), labels), "4 rows")
    out = capsys.readouterr().out
    for label in labels[:3]:
        assert out.count(label) == 3
    assert out.count(r"\x1b[31mred") == 3
    assert "\x1b" not in out


def test_a_pipe_gets_long_labels_whole(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    labels = [f"{'long ' * 40}{k}" for k in range(3)]
    print_evaluation(judged(np.eye(3, dtype=int), labels), "3 rows")
    out = capsys.readouterr().out
    assert all(out.count(label) == 3 for label in labels)
    assert "…" not in out


def test_labels_of_any_kind_become_text_in_json():
    for classes in ([1, 2], [0.5, 1.5], [False, True]):
        assert evaluation_json(judged(np.eye(2, dtype=int), classes))["classes"] == list(
            map(str, classes)
        )


def test_of_a_label_longer_than_a_page_a_table_shows_the_beginning(capsys):
    print_evaluation(judged(np.eye(2, dtype=int), ["a", "L" * 100_000]), "2 rows")
    out = capsys.readouterr().out
    assert len(out) < 20_000
    assert "LLL..." in out
