"""Points moved, rubbed out and drawn on an empty map, and the way back."""

import numpy as np
import pytest

from browser import PENGUINS
from handgrad.playground import drawing, takeaway
from handgrad.playground.commands import obey
from handgrad.playground.drawing import LEAST_POINTS
from handgrad.playground.frame import look
from handgrad.playground.player import Player
from handgrad.playground.session import Session
from handgrad.tables.table import read_table

BOARD = [(k / 10, 0.1, k % 2) for k in range(LEAST_POINTS)]


@pytest.fixture
def session():
    return Session(read_table(PENGUINS))


@pytest.fixture
def player(session):
    player = Player(session)
    yield player
    player.close()


def move(session, row, x1, x2, *, goes_on=False):
    drawing.move(session, row, x1, x2, goes_on=goes_on)


# -- moving -------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", ["spiral", "penguins", "article"])
def test_a_point_is_moved_and_keeps_its_side_and_the_network(session, data):
    session.change({"data": data})
    session.step("epoch")
    points, weights = session.points, session.run.params.flat.copy()
    for row in (int(points.training[2]), int(points.test[1])):
        move(session, row, 0.25, -0.5)
        assert session.points.x[row].tolist() == [0.25, -0.5]
    others = np.delete(np.arange(len(points.x)), [points.training[2], points.test[1]])
    np.testing.assert_array_equal(session.points.x[others], points.x[others])
    np.testing.assert_array_equal(session.points.training, points.training)
    np.testing.assert_array_equal(session.points.test, points.test)
    np.testing.assert_array_equal(session.run.params.flat, weights)
    assert session.recipe.data == "drawn"
    assert session.history[-1].loss == session.measure(session.points.training)[0]
    session.change({"test_share": 0.0})
    assert session.points.x[row].tolist() == [0.25, -0.5]
    assert len(session.points.test) == 0


def test_the_equations_follow_the_point(session):
    for _ in range(5):
        session.step("equation")
    move(session, session.sample, 0.3, 0.4)
    assert session.at == 4
    np.testing.assert_array_equal(session.trace()["x"], [[0.3, 0.4]])


def test_a_move_sends_the_layout_once_and_then_the_point_alone(player, session):
    numbers = []
    for step in range(4):
        obey(player, {"do": "move", "row": 7, "to": [0.1, 0.1 * step], "goes_on": step > 0})
        numbers.append(session.layout)
        header = look(player.runs, playing=False, kind="epoch").header
        assert header["moved"] == (7, 0.1, 0.1 * step)
    assert len(set(numbers)) == 1
    move(session, 7, 1.5, 0.0, goes_on=True)  # the map's edges move
    assert session.layout > numbers[0]
    before = session.layout
    move(session, 8, 0.0, 0.0)
    assert session.layout > before
    session.change({"data": "moons"})
    assert session.moved is None


@pytest.mark.parametrize("place", [(11.0, 0.0), (0.0, float("nan"))])
def test_a_place_off_the_map_is_refused(session, place):
    with pytest.raises(ValueError, match="a point must be one of the map's, and lie on the map"):
        move(session, 0, *place)
    with pytest.raises(ValueError, match="a point must be one of the map's"):
        move(session, 300, 0.0, 0.0)
    assert session.recipe.data == "spiral"


def test_a_program_after_a_move_trains_on_the_moved_point(session):
    session.step("epoch")
    move(session, 0, 0.9, 0.9)
    with pytest.raises(ValueError, match="start over"):
        takeaway.python(session)
    session.reset()
    session.step("epoch")
    names = {"print": lambda *told: None}
    exec(takeaway.python(session), names)
    np.testing.assert_array_equal(names["params"].flat, session.run.params.flat)


def test_the_link_brings_the_moved_points_back(session):
    move(session, 5, 0.5, -0.25)
    recipe, points = session.recipe.as_json(), session.points
    session.change({"data": "moons"})
    session.change(recipe)
    np.testing.assert_array_equal(session.points.x, points.x)
    np.testing.assert_array_equal(session.points.test, points.test)


# -- the eraser ---------------------------------------------------------------------------------


def test_the_eraser_removes_what_is_near(session):
    x = session.points.x
    near = np.linalg.norm(x - [0.5, 0.5], axis=1) <= 0.2
    session.sample = int(np.flatnonzero(~near)[40])
    chosen = x[session.sample]
    drawing.erase(session, [(0.5, 0.5)], 0.2, goes_on=False)
    np.testing.assert_array_equal(session.points.x, x[~near])
    np.testing.assert_array_equal(session.points.x[session.sample], chosen)
    layout = session.layout
    drawing.erase(session, [(0.5, 0.5)], 0.2, goes_on=False)  # nothing is left there
    assert session.layout == layout


def test_a_class_without_points_keeps_its_output(session):
    weights = session.run.params.flat.copy()
    places = session.points.x[session.points.y_t == 2].tolist()
    drawing.erase(session, places, 1e-9, goes_on=False)
    assert len(session.points.classes) == 3
    np.testing.assert_array_equal(session.run.params.flat, weights)
    session.step("epoch")


def test_a_few_points_always_stay(session):
    for place, radius in (([(0.0, 0.0)], 9.0), (session.points.x[:200].tolist(), 1e-9)):
        with pytest.raises(ValueError, match="at least 10 points of two classes or more"):
            drawing.erase(session, place, radius, goes_on=False)
    assert session.recipe.data == "spiral"
    assert len(session.points.x) == 300


# -- an empty map, and undo ---------------------------------------------------------------------


def test_an_empty_map_takes_points_once_there_are_enough(player, session):
    points = [list(point) for point in BOARD]
    with pytest.raises(ValueError, match="there would be 9 of 2; draw others first"):
        obey(player, {"do": "draw", "points": points[:-1], "wipe": True})
    with pytest.raises(ValueError, match="there would be 10 of 1"):
        obey(player, {"do": "draw", "points": [[a, b, 0] for a, b, _ in points], "wipe": True})
    assert len(session.points.x) == 300
    obey(player, {"do": "draw", "points": points, "wipe": True})
    np.testing.assert_array_equal(session.points.x, [point[:2] for point in BOARD])
    assert session.architecture.layer_units[-1] == 2
    session.step("epoch")


def test_undo_takes_a_whole_stroke_back(player, session):
    points, sample = session.points, session.sample
    for k in range(3):
        obey(player, {"do": "draw", "points": [[0.1 * k, 0, 0]], "goes_on": k > 0})
    obey(player, {"do": "move", "row": 3, "to": [0.5, 0.5]})
    obey(player, {"do": "move", "row": 3, "to": [0.6, 0.5], "goes_on": True})
    obey(player, {"do": "erase", "places": [[0, 0]], "radius": 0.3})
    obey(player, {"do": "draw", "points": [list(point) for point in BOARD], "wipe": True})
    sizes = []
    for _ in range(4):
        sizes.append(len(session.points.x))
        obey(player, {"do": "undo"})
    assert sizes[0] == 10
    assert sizes[1] < sizes[2] == sizes[3] == 303
    assert session.points is points
    assert session.sample == sample
    assert session.recipe.data == "spiral"
    assert session.history[-1].loss == session.measure(points.training)[0]
    with pytest.raises(ValueError, match="no drawing to undo"):
        obey(player, {"do": "undo"})


def test_undo_leaves_other_settings_and_ends_with_the_data(session):
    session.draw(BOARD)
    session.change({"rate": 0.3})
    drawing.undo(session)
    assert (session.recipe.data, session.recipe.rate) == ("spiral", 0.3)
    session.draw(BOARD)
    session.change({"data": "moons"})
    with pytest.raises(ValueError, match="no drawing to undo"):
        drawing.undo(session)


def test_two_runs_share_every_change_of_the_points(player, session):
    player.runs.add_rival({"optimizer": "sgd"})
    obey(player, {"do": "move", "row": 3, "to": [0.5, 0.5]})
    obey(player, {"do": "erase", "places": [[0, 0]], "radius": 0.3})
    first, second = player.runs.all
    np.testing.assert_array_equal(first.points.x, second.points.x)
    obey(player, {"do": "undo"})
    obey(player, {"do": "undo"})
    assert first.points is second.points


@pytest.mark.parametrize(
    "message",
    [
        {"do": "move", "row": 0, "to": [0]},
        {"do": "move", "row": 0, "to": ["0", 0]},
        {"do": "move", "row": "0", "to": [0, 0]},
        {"do": "erase", "places": [[0, 0]] * 201, "radius": 0.1},
        {"do": "erase", "places": [[0, 0]], "radius": 0},
        {"do": "erase", "places": [[0, 0]], "radius": float("nan")},
        {"do": "erase", "places": [[0, 99]], "radius": 0.1},
        {"do": "erase", "places": "x", "radius": 0.1},
    ],
    ids=lambda message: str(message)[:60],
)
def test_what_is_no_change_of_points_is_refused(player, session, message):
    with pytest.raises(ValueError, match=r"must|needed"):
        obey(player, message)
    assert session.recipe.data == "spiral"


def test_images_are_not_moved(session):
    session.change({"data": "digits"})
    with pytest.raises(ValueError, match="drawn on a plane"):
        move(session, 0, 0.0, 0.0)
