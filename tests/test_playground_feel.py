"""The loss along a weight, weights held and put back, and the view of the last hidden layer."""

import json
from dataclasses import replace

import numpy as np
import pytest

from browser import PENGUINS
from handgrad.network import Architecture, backward, forward, loss
from handgrad.playground.along import BESIDE, FEWEST_ROWS, along
from handgrad.playground.commands import obey
from handgrad.playground.hidden import HiddenView, components
from handgrad.playground.player import Player
from handgrad.playground.runs import Runs
from handgrad.playground.session import Session
from handgrad.tables.table import read_table


@pytest.fixture
def session():
    return Session(read_table(PENGUINS))


@pytest.fixture
def player(session):
    player = Player(session)
    yield player
    player.close()


def measured(session, rows, place, value):
    """Compute the loss of some rows with one parameter set to a value."""
    params, batch = session.run.params.copy(), session.points.rows(rows)
    params.flat[place] = value
    tape = forward(session.architecture, params, batch.x)
    return loss(session.architecture, params, tape, batch.y_t, None, session.recipe.l2)


# -- the loss along a weight --------------------------------------------------------------------


@pytest.mark.parametrize("l2", [0.0, 0.1])
@pytest.mark.parametrize("place", [0, 15, 16, 23, 24, 50])
def test_the_curve_along_a_weight_is_the_librarys_loss(session, place, l2):
    session.change({"l2": l2})
    session.step("batch")
    told, rows = along(session, place), session.points.training
    assert told["rows"] == told["of"] == len(rows)
    assert told["point"] is None
    assert len(told["values"]) == len(told["losses"]) == 2 * BESIDE + 1
    assert told["values"][BESIDE] == told["value"] == session.run.params.flat[place]
    expected = [measured(session, rows, place, value) for value in told["values"]]
    assert told["losses"] == pytest.approx(expected, rel=1e-12)
    assert told["loss"] == told["losses"][BESIDE]
    params, batch = session.run.params, session.points.rows(rows)
    tape = forward(session.architecture, params, batch.x)
    gradient = backward(session.architecture, params, tape, batch.y_t, None, l2)
    assert told["slope"] == gradient.flat[place]


def test_the_tangent_touches_the_curve(session):
    session.change({"activation": "tanh"})  # without a corner
    for place in (0, 20, 30, 50):
        told, rows, h = along(session, place), session.points.training, 1e-6
        below, above = (measured(session, rows, place, told["value"] + step) for step in (-h, h))
        assert told["slope"] == pytest.approx((above - below) / (2 * h), abs=1e-8)


def test_a_walk_by_equation_shows_the_loss_of_its_point(session):
    for _ in range(11):
        session.step("equation")
    told, t = along(session, 1), session.trace()
    assert (told["rows"], told["point"]) == (1, session.sample)
    assert told["loss"] == pytest.approx(float(t["L"]))
    assert told["slope"] == pytest.approx(float(t["dW1"].flat[1]))


@pytest.mark.parametrize(
    ("place", "name"), [(0, "W1[0, 0]"), (15, "W1[1, 7]"), (16, "b1[0]"), (24, "W2[0, 0]")]
)
def test_the_weight_is_named(session, place, name):
    assert along(session, place)["name"] == name


def test_a_large_network_is_measured_on_fewer_rows(session):
    session.change({"hidden": [128, 128, 128], "n": 2000})
    told = along(session, 7)
    assert FEWEST_ROWS <= told["rows"] < told["of"] == len(session.points.training)


def test_losses_that_are_not_finite_are_told_as_none(session):
    session.edit(0, 1e6)
    session.run.params.flat[24:] = 1e305
    told = along(session, 0)
    json.dumps(told, allow_nan=False)
    assert None in told["losses"]


def test_a_question_changes_nothing_and_a_place_that_is_none_is_refused(player, session):
    before, version = session.run.params.flat.copy(), player.runs.version
    told = obey(player, {"do": "along", "place": 3})
    assert told["version"] == player.runs.version == version
    np.testing.assert_array_equal(session.run.params.flat, before)
    for place in (-1, 51, "3", None):
        with pytest.raises(ValueError, match="place"):
            obey(player, {"do": "along", "place": place})


# -- a weight that is held ----------------------------------------------------------------------


def test_a_weight_is_put_back_to_its_last_bit(player, session):
    session.step("epoch")
    before, place = session.run.params.flat.copy(), 5
    assert float(f"{before[place]:.7g}") != before[place]  # the page does not know all its digits
    obey(player, {"do": "hold", "place": place})
    for value in (0.5, 0.75):
        obey(player, {"do": "edit", "place": place, "value": value})
    obey(player, {"do": "put_back"})
    np.testing.assert_array_equal(session.run.params.flat, before)
    with pytest.raises(ValueError, match="no weight is held"):
        obey(player, {"do": "put_back"})
    with pytest.raises(ValueError, match="a place must be from 0 to 50; got 51"):
        obey(player, {"do": "hold", "place": 51})


def test_a_program_knows_of_a_weight_that_was_put_back(session):
    session.step("epoch")
    session.hold(5)
    session.edit(5, 0.5)
    session.put_back()
    assert session.journal[-1] == ("weight", 5, session.run.params.flat[5])


def test_a_walk_goes_on_when_a_weight_is_dragged(session):
    for _ in range(3):
        session.step("equation")
    session.edit(0, 0.25)
    assert session.at == 2
    assert session.trace()["r"][0, 0] == pytest.approx(
        session.points.x[session.sample] @ session.run.params.W[0][:, 0]
    )


# -- the hidden view ----------------------------------------------------------------------------


def hidden_of(session):
    return forward(session.architecture, session.run.params, session.points.x).h[-1]


@pytest.mark.parametrize("hidden", [[1], [2], [3], [8, 3]])
def test_up_to_three_units_are_axes_themselves(session, hidden):
    session.change({"hidden": hidden})
    units = hidden[-1]
    told = HiddenView().look(Runs(session), units - 1, 0)
    assert told["axes"] == [[f"h of unit {units}", None], ["h of unit 1", None]]
    np.testing.assert_allclose(told["places"], hidden_of(session)[:, [units - 1, 0]], atol=6e-6)
    with pytest.raises(ValueError, match=f"from 0 to {units - 1}"):
        HiddenView().look(Runs(session), 0, units)


def test_more_units_are_shown_by_principal_components(session):
    for _ in range(20):
        session.step("epoch")
    told, h = HiddenView().look(Runs(session), 0, 1), hidden_of(session)
    variances, directions = np.linalg.eigh(np.cov(h.T))
    for k, (name, share) in enumerate(told["axes"]):
        assert name == f"component {k + 1}"
        assert share == pytest.approx(variances[-1 - k] / variances.sum())
        place = (h - h.mean(axis=0)) @ directions[:, -1 - k]
        found = np.array(told["places"])[:, k]
        np.testing.assert_allclose(np.abs(found), np.abs(place), atol=1e-5)
        assert abs(found @ place) == pytest.approx(place @ place, rel=1e-4)
    json.dumps(told, allow_nan=False)


def test_components_do_not_flip_from_look_to_look(session):
    view, runs = HiddenView(), Runs(session)
    view.look(runs, 0, 1)
    for _ in range(30):
        before = view.directions
        session.step("batch")
        view.look(runs, 0, 1)
        assert ((view.directions * before).sum(axis=1) > 0).all()


def test_a_component_keeps_its_direction():
    h = np.random.RandomState(0).standard_normal((50, 5)) * [9, 4, 1, 1, 1]
    first = components(h, None)
    largest = np.abs(first.directions).argmax(axis=1)
    assert (first.directions[[0, 1], largest] > 0).all()
    turned = components(h, -first.directions)
    np.testing.assert_array_equal(turned.places, -first.places)
    assert components(np.zeros((5, 4)), None).shares.tolist() == [0, 0]


def test_what_has_no_hidden_view_is_told(session):
    session.architecture = replace(session.architecture)
    session.change({"hidden": []})
    with pytest.raises(ValueError, match="has no hidden layer"):
        HiddenView().look(Runs(session), 0, 1)
    session.change({"hidden": [2]})
    assert session.architecture == Architecture((2, 2, 3), "relu")
    session.run.params.flat[:] = 1e308
    with pytest.raises(ValueError, match="not finite"):
        HiddenView().look(Runs(session), 0, 1)


def test_the_view_is_of_the_frame_that_the_page_shows(player):
    told = obey(player, {"do": "hidden", "across": 0, "up": 1})
    assert (told["version"], told["layout"]) == (player.runs.version, player.runs.layout)
    assert len(told["places"]) == 300
