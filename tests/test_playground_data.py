"""What the page learns from besides a plane: digits, the article's rows, whole tables; the pad."""

import ast
import base64
import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.datasets import load_digits

from common import encoder_of
from handgrad.errors import DataError
from handgrad.models.file import from_bytes
from handgrad.network import forward
from handgrad.optim import OPTIMIZERS
from handgrad.playground import takeaway
from handgrad.playground.commands import obey
from handgrad.playground.data import data_set
from handgrad.playground.player import Player
from handgrad.playground.recipe import DATA
from handgrad.playground.session import Session
from handgrad.playground.wide import block
from handgrad.tables.frames import from_frame
from handgrad.tables.rows import row_keys
from handgrad.tables.table import read_table
from handgrad.training.held_back import split
from handgrad.two_layer import Params, train
from seen import frame, layout


@pytest.fixture
def session(request):
    return Session(read_table(request.config.rootpath / "src/handgrad/data/penguins.csv"))


@pytest.fixture
def digits(session):
    session.change({"data": "digits", "hidden": [12]})
    return session


def parts(content):
    size = int.from_bytes(content[:4], "little")
    header, start, found = json.loads(content[4 : 4 + size]), 4 + size, []
    for length in header["parts"]:
        found.append(content[start : start + length])
        start += length
    return header, found


def framed(session):
    return parts(frame(session, playing=False, kind="epoch"))


# -- digits -------------------------------------------------------------------------------------


def test_the_digits_are_scikit_learns(digits):
    bunch, points = load_digits(), digits.points
    np.testing.assert_array_equal(points.x * 16, bunch.data)
    np.testing.assert_array_equal(points.y_t, bunch.target)
    assert sorted([*points.training, *points.test]) == list(range(1797))
    told = layout(digits)
    pixels = np.frombuffer(base64.b64decode(told["images"]), np.uint8).reshape(1797, 64)
    np.testing.assert_array_equal(pixels, bunch.data)
    assert (told["picture"], told["n"], told["is_plane"]) == ((8, 8), 1797, False)
    assert told["points"] == []
    assert told["units"] == [64, 12, 10]


def test_digits_are_learnt(digits):
    for _ in range(8):
        digits.step("epoch")
    assert digits.history[-1].test_accuracy > 0.9
    header, _ = framed(digits)
    assert np.array(header["confusion"]).shape == (10, 10)
    assert digits.check().passed


def test_a_model_of_digits_reads_the_table_of_scikit_learn(digits):
    digits.step("epoch")
    model = from_bytes(takeaway.model_file(digits))
    table = from_frame(load_digits(as_frame=True).data)
    y = forward(digits.architecture, digits.run.params, digits.points.x).y
    np.testing.assert_allclose(model.predict_proba(table), y, rtol=1e-9)


def test_a_frame_of_a_wide_network_holds_its_own_numbers(digits):
    digits.step("epoch")
    digits.look_at(5)
    header, (planes, units, _, first, inputs) = framed(digits)
    assert planes == units == b""
    W1, t = digits.run.params.W[0], digits.trace()
    shown = np.frombuffer(first, "<f4").reshape(64, 10)
    np.testing.assert_allclose(shown, W1[:, :10], rtol=1e-6)
    np.testing.assert_allclose(np.frombuffer(inputs, "<f4"), digits.points.x[5])
    np.testing.assert_allclose(header["h"][0], t["h"][0, :10], rtol=1e-6)
    np.testing.assert_allclose(header["y"], t["y"][0], rtol=1e-6)
    np.testing.assert_allclose(
        header["lengths"], [np.sqrt((w**2).sum()) for w in W1.T[:10]], rtol=1e-6
    )
    assert len(header["values"]["W1_new"]["largest"]) == 10
    assert len(json.dumps(header)) < 12_000


@pytest.mark.parametrize(("rows", "shown"), [(7, 7), (8, 8), (9, 8), (12, 8)])
def test_an_array_of_few_rows_is_shown_in_its_places(rows, shown):
    value = np.arange(3.0 * rows).reshape(rows, 3)
    assert block(value) == {"shape": [rows, 3], "numbers": value[:shown].tolist()}


def test_an_array_of_more_rows_shows_its_largest_entries():
    assert len(block(np.arange(39.0).reshape(13, 3))["largest"]) == 10


def test_of_a_step_what_moved_most_is_shown(digits):
    digits.look_at(3)
    header, _ = framed(digits)
    t = digits.trace()
    moved = np.abs(t["W1_new"] - t["W1"]).ravel()
    places = [at for at, _ in header["values"]["W1_new"]["largest"]]
    assert moved[places].min() >= np.sort(moved)[-10]
    assert "moved further" in header["values"]["W1_new"]["more"]


@pytest.mark.parametrize("kind", ["epoch", "batch", "sample", "equation"])
def test_every_kind_of_step_is_made_on_digits(digits, kind):
    for _ in range(2):
        digits.step(kind)
        framed(digits)


# -- the pad ------------------------------------------------------------------------------------


@pytest.fixture
def player(digits):
    player = Player(digits)
    yield player
    player.close()


def test_what_is_drawn_is_seen_by_the_library(player, digits):
    pixels = load_digits().data[7].astype(int).tolist()
    obey(player, {"do": "pad", "pixels": pixels})
    for _ in range(2):
        y = forward(digits.architecture, digits.run.params, np.array([pixels]) / 16).y[0]
        header, _ = framed(digits)
        np.testing.assert_allclose(header["pad"]["y"], y, rtol=1e-6)
        assert header["pad"]["pixels"] == pixels
        digits.step("epoch")  # and again after learning
    obey(player, {"do": "pad", "pixels": []})
    assert framed(digits)[0]["pad"] is None


@pytest.mark.parametrize(
    "pixels",
    [[0] * 63, [0] * 65, [17] * 64, [-1] * 64, [0.5] * 64, [True] * 64, ["1"] * 64, "x", None, {}],
    ids=lambda pixels: str(pixels)[:12],
)
def test_an_image_that_is_none_is_refused(player, digits, pixels):
    with pytest.raises(ValueError, match=r"whole numbers"):
        obey(player, {"do": "pad", "pixels": pixels})
    assert digits.pad is None


def test_the_pad_is_for_images_and_the_brush_for_planes(player, digits):
    with pytest.raises(ValueError, match="drawn on a plane"):
        digits.draw([(0.0, 0.0, 0)])
    obey(player, {"do": "pad", "pixels": [16] * 64})
    digits.change({"data": "moons"})
    assert digits.pad is None
    with pytest.raises(ValueError, match="choose the digits"):
        obey(player, {"do": "pad", "pixels": [0] * 64})
    digits.draw([(0.0, 0.0, 0)])


# -- the article's notebook ---------------------------------------------------------------------


def test_the_articles_rows_learn_as_in_its_notebook(request, session):
    path = request.config.rootpath / "examples/article_notebook.py"
    spec = importlib.util.spec_from_file_location("article_notebook", path)
    notebook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(notebook)
    session.change({"data": "article", "test_share": 0.0, "hidden": [2], "batch": 0})
    session.change({"optimizer": "sgd", "rate": 0.01})
    x, y_t = notebook.dataset(0)
    np.testing.assert_array_equal(session.points.x, x)
    np.testing.assert_array_equal(session.points.y_t, y_t)
    start = notebook.small_weights(0)
    for at, value in enumerate(np.concatenate([part.ravel() for part in start]).tolist()):
        session.edit(at, value)
    expected = train(Params(*start), x, y_t, lr=0.01, epochs=20)[1]
    for _ in range(20):
        session.step("epoch")
    losses = [measure.loss for measure in session.history[1:]]
    np.testing.assert_allclose(losses, expected, rtol=1e-12)


# -- all columns of a table ---------------------------------------------------------------------


def test_all_columns_of_the_penguins(session):
    session.change({"data": "penguins", "inputs": "all"})
    table = session.source.penguins.drop_columns(["species"])
    expected = encoder_of(table).transform(table)
    np.testing.assert_array_equal(session.points.x, expected)
    told = layout(session)
    assert told["names"][-3:] == ["sex=female", "sex=male", "sex is missing"]
    assert told["extent"] is None
    for _ in range(10):
        session.step("epoch")
    assert session.history[-1].test_accuracy > 0.9
    model = from_bytes(takeaway.model_file(session))
    y = forward(session.architecture, session.run.params, session.points.x).y
    np.testing.assert_allclose(model.predict_proba(session.source.penguins), y, rtol=1e-9)
    session.change({"inputs": "two"})
    assert session.points.is_plane


def table_of(n, **columns):
    return pa.table({"kind": ["u", "v"] * (n // 2), **columns})


def test_a_table_without_two_columns_of_numbers_shows_all(session):
    session.take_table(table_of(40, a=["x", "y", "y", "z"] * 10), "kind")
    assert session.recipe.inputs == "all"
    assert layout(session)["names"] == ["a=x", "a=y", "a=z"]
    with pytest.raises(ValueError, match="choose all columns"):
        session.change({"inputs": "two"})
    assert Session(session.source.penguins, session.source.table, "kind").points.x.shape == (40, 3)


def test_columns_of_many_texts_are_left_out_and_named(session):
    names = [f"name {i}" for i in range(40)]
    session.take_table(table_of(40, name=names, a=list(range(40)), b=list(range(40))), "kind")
    session.change({"inputs": "all"})
    assert layout(session)["left_out"] == ["name"]
    assert layout(session)["names"] == ["a", "b"]
    with pytest.raises(DataError, match="at most 20 different texts"):
        session.take_table(table_of(40, name=names), "kind")


def test_more_inputs_than_can_be_shown_are_refused(session):
    columns = {f"c{i}": [float(i), 1.0] * 20 for i in range(300)}
    session.take_table(table_of(40, **columns), "kind")
    with pytest.raises(DataError, match="at most 256 inputs"):
        session.change({"inputs": "all"})
    assert session.recipe.inputs == "two"


def test_columns_of_many_levels_are_left_out_though_they_repeat(session):
    names = [f"name {i // 3}" for i in range(90)]
    session.take_table(table_of(90, name=names, a=list(range(90)), b=list(range(90))), "kind")
    session.change({"inputs": "all"})
    assert layout(session)["left_out"] == ["name"]


def test_rows_without_a_label_are_left_out_and_gaps_are_filled(session):
    labels, a = ["u", None, "v", "u"] * 5, [1.0, 2.0, None, 4.0] * 5
    session.take_table(pa.table({"kind": labels, "a": a}), "kind")
    assert session.points.encoder.input_names == ["a", "a is missing"]
    assert len(session.points.x) == 15
    assert session.points.is_plane  # a number and its flag
    framed(session)
    layout(session)


# -- programs -----------------------------------------------------------------------------------


def test_a_data_set_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"one of spiral, xor, .* got 'iris'"):
        data_set("iris")


def test_the_test_rows_of_a_data_set_are_those_of_its_seed():
    points = data_set("moons", n=100, seed=3, test_share=0.3)
    parts = split(row_keys(points.x, 3), points.y_t, 0.3)
    np.testing.assert_array_equal(points.test, parts.held_back)
    np.testing.assert_array_equal(points.training_rows.x, points.x[parts.kept])


def documented():
    """Read docs/api.md: each module with each name that it documents."""
    found = set()
    text = (Path(__file__).parents[1] / "docs/api.md").read_text(encoding="utf-8")
    for kind, name, options in re.findall(r"\.\. auto(\w+):: (\S+)\n((?:   .*\n)*)", text):
        if kind != "module":
            found.add(tuple(name.rsplit(".", 1)))
            continue
        listed = re.search(r":members:(.*)", options)[1].replace(",", " ").split()
        known = vars(importlib.import_module(name)).items()
        own = [one for one, value in known if getattr(value, "__module__", "") == name]
        found |= {(name, one) for one in listed or own if not one.startswith("_")}
    return found


def handgrads(program):
    """Name what a program imports from handgrad: each module with each name."""
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("handgrad"):
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            assert all(not alias.name.startswith("handgrad") for alias in node.names)


ASKED = [
    *({"data": data} for data in DATA if data not in ("table", "drawn")),
    {"data": "penguins", "inputs": "all"},
    *({"optimizer": optimizer, "test_share": 0.0} for optimizer in OPTIMIZERS),
    {"hidden": [], "schedule": "warmup"},
]


def holds_public_names_and_trains_the_same(session):
    program = takeaway.python(session)
    imported = set(handgrads(program))
    assert len({module for module, _ in imported}) >= 4
    assert imported <= documented()
    names = {"print": lambda *told: None}
    exec(program, names)
    np.testing.assert_array_equal(names["params"].flat, session.run.params.flat)


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_a_program_imports_public_names_and_trains_the_same(session, asked):
    session.change(asked)
    session.edit(1, 0.25)
    session.step("epoch")
    holds_public_names_and_trains_the_same(session)


@pytest.mark.parametrize("inputs", ["two", "all"])
def test_so_does_the_program_of_a_table(session, inputs):
    session.take_table(table_of(40, a=[*range(40)], b=[1.5, 2.5] * 20), "kind")
    session.change({"inputs": inputs})
    session.step("epoch")
    holds_public_names_and_trains_the_same(session)


def test_so_does_the_program_of_drawn_points(session):
    session.draw([(0.5, 0.5, 0), (-0.5, 0.5, 1)])
    session.reset()
    session.step("epoch")
    holds_public_names_and_trains_the_same(session)
