"""A report is one page with its pictures in it, for any number of classes and whatever they are."""

import base64
import re
import struct
from dataclasses import replace
from html.parser import HTMLParser

import matplotlib
import numpy as np
import pytest

from common import a_history, an_evaluation
from handgrad import MLPClassifier, plots, read_table
from handgrad.models.evaluation import evaluate
from handgrad.report import Judged, write_report
from handgrad.report.pictures import pictures_of
from handgrad.training.history import History

matplotlib.use("Agg")

pytestmark = pytest.mark.filterwarnings("ignore:lbfgs stopped:UserWarning")


def size_of(path):
    """Read width and height of a PNG file from its header."""
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert content[-8:-4] == b"IEND"
    return struct.unpack(">II", content[16:24])


LABELS = {
    "three texts": ["Adelie", "Chinstrap", "Gentoo"],
    "two truths": [False, True],
    "numbers": [1.5, 2.5, 1e300],
    "one class": ["only"],
    "letters": list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    "forty": [f"class number {k}" for k in range(40)],
    "dollars": ["$x$", "$", "$$", "\\$", "$\\frac{", "a_b^c", "\\", "%&#~{}"],
    "controls": ["\0", "\n\n", "\x1b[2J", "\t", "\u202e", "\r", ""],
    "very long": ["x" * 10_000, "y" * 10_000 + "$", "z " * 5000],
    "half a surrogate": ["\ud800", "b"],
    "dates": np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[D]"),
}


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.filterwarnings("ignore:Glyph:UserWarning")
def test_a_report_is_a_page_and_pictures_of_reasonable_size(labels, tmp_path):
    evaluation = an_evaluation(LABELS[labels])
    written = write_report(tmp_path, a_history(), evaluation, rows="86 test rows", best=2)
    names = ["learning_curve.png", "confusion_matrix.png", "steps.png", "report.html"]
    assert [path.name for path in written] == names
    check_page(tmp_path / "report.html", written[:-1])
    for path in written[:-1]:
        assert 600 <= min(size_of(path)) <= max(size_of(path)) <= 3000
        assert 5_000 < path.stat().st_size < 1_000_000


@pytest.mark.parametrize("validation", [True, False])
@pytest.mark.parametrize("n", [1, 2, 3000])
def test_a_report_of_any_number_of_epochs_is_drawn(n, validation, tmp_path):
    history = a_history(n, validation)
    best = 1 if validation else None
    curve, *_ = write_report(tmp_path, history, an_evaluation("ab"), rows="9 rows", best=best)
    assert size_of(curve) == (1500, 630)


def test_a_name_of_rows_with_dollars_is_a_name(tmp_path):
    history, evaluation = a_history(), an_evaluation("ab")
    for rows in ("5 $ rows", "86 test rows"):
        write_report(tmp_path, history, evaluation, rows=rows, best=None)


def test_a_report_replaces_the_one_before(tmp_path):
    for labels in ("abc", range(35)):
        written = write_report(
            tmp_path, a_history(), an_evaluation(list(labels)), rows="9 rows", best=2
        )
    assert sorted(tmp_path.iterdir()) == sorted(written)
    assert max(size_of(tmp_path / "confusion_matrix.png")) > 1500


def test_a_missing_folder_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_report(tmp_path / "nowhere", a_history(), an_evaluation("ab"), rows="9", best=None)


def test_the_same_record_gives_the_same_picture(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_report(tmp_path / folder, a_history(), an_evaluation("abc"), rows="9 rows", best=2)
    for name in ("learning_curve.png", "confusion_matrix.png", "report.html"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def check_page(path, pictures):
    """Read a page: every picture is in it, in order, and nothing else comes from anywhere."""
    content = path.read_text(encoding="utf-8")
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            assert tag not in {"script", "iframe", "link", "object", "form"}
            for name, value in attributes:
                assert not name.startswith("on")
                if name in ("src", "href"):
                    assert value.startswith("data:image/png;base64,")
                    found.append(base64.b64decode(value.partition(",")[2]))

    Reader().feed(content)
    assert found == [picture.read_bytes() for picture in pictures]
    assert re.search(r"<h1>Report</h1>", content)
    return content


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    column, labels = "<i>size & $", ["<b>&", "😀", "plain"]
    lines = [f"{i * 37 % 50},{i * 11 % 7},{'red' if i % 4 else '<u>'}" for i in range(60)]
    path = tmp_path_factory.mktemp("table") / "t.csv"
    path.write_text("\n".join([f'"{column}",height,colour', *lines]))
    table = read_table(path)
    y_t = np.array([i * 37 % 50 // 17 for i in range(60)])

    def judge(hidden=(6,), K=3):
        y = np.array(labels)[y_t % K]
        made = MLPClassifier(hidden, solver="lbfgs", max_iter=5, tol=1.0, random_state=0)
        model = made.fit(table, y).model_
        numbers = np.searchsorted(model.classes, y)
        evaluation = evaluate(numbers, model.predict_log_proba(table), model.classes)
        return evaluation, Judged(model, table, numbers)

    return judge


@pytest.mark.parametrize(("hidden", "K"), [((6,), 3), ((), 3), ((5, 4), 2)])
@pytest.mark.filterwarnings("ignore:Glyph:UserWarning")
def test_a_report_looks_into_the_network(judged, hidden, K, tmp_path):
    evaluation, rows = judged(hidden, K)
    known = [("table", "<script>alert(1)</script>")]
    written = write_report(
        tmp_path, a_history(), evaluation, rows="60 rows", best=2, judged=rows, known=known
    )
    names = {path.stem for path in written}
    expected = {"learning_curve", "confusion_matrix", "calibration", "regions", "weights"}
    expected |= {"gradients", "steps", "report"} | ({"activations"} if hidden else set())
    assert names == expected
    content = check_page(tmp_path / "report.html", written[:-1])
    assert "&lt;script&gt;" in content
    assert "&lt;b&gt;&amp;" in content
    for path in written[:-1]:
        assert 300 <= min(size_of(path)) <= max(size_of(path)) <= 3000


def test_predictions_are_drawn_by_the_scores_that_judged_the_rows(judged, monkeypatch):
    drawn = []

    def from_predictions(y_t, probabilities):
        drawn.append(probabilities)
        raise ZeroDivisionError

    monkeypatch.setattr(plots.CalibrationDisplay, "from_predictions", from_predictions)
    evaluation, rows = judged()
    own = rows.model.predict_proba(rows.columns)
    for scores, wanted in ((None, own), (np.zeros((60, 3)), np.full((60, 3), 1 / 3))):
        with pytest.raises(ZeroDivisionError):
            list(pictures_of(History(()), evaluation, "", None, replace(rows, scores=scores)))
        np.testing.assert_allclose(drawn[-1], wanted, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:Glyph:UserWarning")
def test_without_a_training_there_is_no_learning_curve(judged, tmp_path):
    evaluation, rows = judged()
    written = write_report(
        tmp_path, History(()), evaluation, rows="60 rows", best=None, judged=rows
    )
    assert not {"learning_curve.png", "steps.png"} & {path.name for path in written}
    assert "Epoch by epoch" not in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.filterwarnings("ignore:Glyph:UserWarning")
def test_every_legend_has_its_place(judged, tmp_path, monkeypatch):
    """To look for the best one takes matplotlib seconds on a slow machine, and it warns there."""
    from matplotlib.legend import Legend

    monkeypatch.setattr(Legend, "_find_best_position", lambda *_, **__: pytest.fail("it searched"))
    evaluation, rows = judged()
    write_report(tmp_path, a_history(), evaluation, rows="60 rows", best=2, judged=rows)
