"""Two runs from the same start: each is, to the last bit, what it would be alone."""

import json

import numpy as np
import pytest

from handgrad.playground import takeaway
from handgrad.playground.commands import obey
from handgrad.playground.frame import look
from handgrad.playground.player import Player
from handgrad.playground.recipe import OF_LEARNING, Recipe
from handgrad.playground.runs import Runs
from handgrad.playground.session import Session
from handgrad.tables.table import read_table
from test_playground import read

OWN = {"optimizer": "sgd", "rate": 0.3, "batch": 7, "l2": 0.01, "dropout": 0.2}


@pytest.fixture
def penguins(request):
    return read_table(request.config.rootpath / "src/handgrad/data/penguins.csv")


@pytest.fixture
def runs(penguins):
    return Runs(Session(penguins))


def alone(penguins, settings, epochs):
    session = Session(penguins)
    session.change(settings)
    for _ in range(epochs):
        session.step("epoch")
    return session.run.params.flat


# -- steps --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["epoch", "batch", "sample"])
def test_each_run_is_what_it_would_be_alone(penguins, runs, kind):
    runs.add_rival(OWN)
    for _ in range(2000):
        runs.step(kind)
        if all(run.run.epochs >= 3 for run in runs.all):
            break
    assert [run.run.epochs for run in runs.all] == [3, 3]
    np.testing.assert_array_equal(runs.all[0].run.params.flat, alone(penguins, {}, 3))
    np.testing.assert_array_equal(runs.all[1].run.params.flat, alone(penguins, OWN, 3))


def test_both_begin_at_the_same_weights_and_take_the_same_batches(runs):
    runs.step("epoch")
    runs.add_rival({"optimizer": "adam"})  # as the other
    first, second = runs.all
    assert first.run.epochs == second.run.epochs == 0
    assert first.points is second.points
    for _ in range(5):
        runs.step("epoch")
        np.testing.assert_array_equal(first.run.params.flat, second.run.params.flat)
    runs.change({"rate": 0.1})
    runs.step("epoch")
    assert (first.run.params.flat != second.run.params.flat).any()


def test_neither_runs_ahead(runs):
    runs.add_rival({"batch": 0})  # one batch an epoch, beside eight
    for _ in range(30):
        runs.step("batch")
        epochs = [run.run.epochs for run in runs.all]
        assert max(epochs) - min(epochs) <= 1
    assert min(epochs) == 3
    runs.step("epoch")
    assert [run.run.epochs for run in runs.all] == [4, 4]


def test_a_step_by_equation_is_the_chosen_runs(runs):
    runs.add_rival({"optimizer": "sgd"})
    first, second = runs.all
    runs.step("equation")
    assert (first.at, second.at) == (None, 0)
    runs.choose(0)
    runs.step("equation")
    runs.step("equation")
    assert (first.at, second.at) == (1, 0)


def test_of_two_runs_one_may_diverge_and_the_other_goes_on(runs):
    runs.change({"hidden": [8, 8]})
    runs.add_rival({"optimizer": "sgd", "rate": 100.0, "l2": 10.0})
    for _ in range(300):
        runs.step("epoch")
        if runs.trouble:
            break
    assert runs.trouble.startswith("Run B: Training diverged")
    epochs = [run.run.epochs for run in runs.all]
    runs.step("epoch")
    assert [run.run.epochs for run in runs.all] == [epochs[0] + 1, epochs[1]]
    read(look(runs, playing=True, kind="epoch").packed())
    runs.reset()
    assert runs.trouble == ""


def test_both_go_back(runs):
    runs.add_rival(OWN)
    for _ in range(4):
        runs.step("epoch")
    expected = [run.run.params.flat.copy() for run in runs.all]
    runs.step("epoch")
    runs.rewind(4)
    for run, flat in zip(runs.all, expected, strict=True):
        np.testing.assert_array_equal(run.run.params.flat, flat)
    runs.reset()
    np.testing.assert_array_equal(runs.all[0].run.params.flat, runs.all[1].run.params.flat)


# -- settings -----------------------------------------------------------------------------------


def test_data_and_network_are_shared_and_learning_is_not(runs):
    runs.add_rival(OWN)
    runs.change({"data": "moons", "hidden": [5], "rate": 0.01})
    first, second = (run.recipe for run in runs.all)
    shared = set(first.as_json()) - set(OF_LEARNING)
    assert {name: first.as_json()[name] for name in shared} == {
        name: second.as_json()[name] for name in shared
    }
    assert (first.data, first.rate, second.rate) == ("moons", 0.03, 0.01)
    np.testing.assert_array_equal(runs.all[0].run.params.flat, runs.all[1].run.params.flat)


@pytest.mark.parametrize(
    "asked", [{"data": "xor"}, {"hidden": [4]}, {"init_seed": 1}, {"rate": -1}, {"x": 1}, [], None]
)
def test_a_rival_that_cannot_be_changes_nothing(runs, asked):
    runs.step("epoch")
    with pytest.raises(ValueError, match=r"two runs share|must be"):
        runs.add_rival(asked)
    assert len(runs.all) == 1
    assert runs.session.run.epochs == 1


def test_there_are_two_runs_at_most(runs):
    runs.add_rival(OWN)
    with pytest.raises(ValueError, match="there are two runs"):
        runs.add_rival(OWN)
    with pytest.raises(ValueError, match="no run 2"):
        runs.choose(2)
    with pytest.raises(ValueError, match="no run -1"):
        runs.choose(-1)
    runs.remove(0)
    assert runs.session.recipe.optimizer == "sgd"
    for which in (0, 1, -1):
        with pytest.raises(ValueError, match="one of two"):
            runs.remove(which)


def test_whatever_is_done_grows_the_version_and_a_new_shape_the_layout(runs):
    seen = [(runs.version, runs.layout)]
    for do in (
        lambda: runs.add_rival(OWN),
        lambda: runs.choose(0),
        lambda: runs.change({"rate": 0.1}),
        lambda: runs.change({"hidden": [3]}),
        lambda: runs.remove(1),
        lambda: runs.add_rival({}),
        lambda: runs.remove(0),
    ):
        do()
        seen.append((runs.version, runs.layout))
        assert seen[-1][0] > seen[-2][0]
        assert seen[-1][1] > seen[-2][1]


def test_a_link_restores_both(runs):
    runs.add_rival(OWN)
    recipes = [run.recipe for run in runs.all]
    told = recipes[0].as_json(), {name: recipes[1].as_json()[name] for name in OF_LEARNING}
    other = Runs(Session(runs.session.source.penguins))
    other.change({"data": "xor"})
    other.restore(*told)
    assert [run.recipe for run in other.all] == recipes
    assert other.chosen == 0
    with pytest.raises(ValueError, match="two runs share"):
        other.restore({}, {"data": "xor"})
    assert [run.recipe for run in other.all] == recipes
    other.restore(Recipe().as_json(), None)
    assert [run.recipe for run in other.all] == [Recipe()]


# -- what is seen and taken -----------------------------------------------------------------------


def test_a_frame_holds_both(runs):
    runs.add_rival(OWN)
    for _ in range(2):
        runs.step("epoch")
    header, parts = read(look(runs, playing=False, kind="epoch").packed())
    assert header["chosen"] == 1
    seen = zip(header["runs"], header["measures"], runs.all, strict=True)
    for told, measure, run in seen:
        assert told["epoch"] == 2
        assert told["updates"] == run.run.updates
        assert measure == list(run.history[-1])
    assert (header["updates"], header["rate"]) == (runs.all[1].run.updates, 0.3)
    assert len(header["layers"]) == 2
    map_of_a = parts[5]
    runs.choose(0)
    header, swapped = read(look(runs, playing=False, kind="epoch").packed())
    assert header["chosen"] == 0
    assert swapped[0] == map_of_a
    assert swapped[5] == parts[0] != map_of_a
    for part, run in ((swapped[2], runs.all[0]), (swapped[6], runs.all[1])):
        table = np.frombuffer(part, "<f4").reshape(-1, 5)
        np.testing.assert_allclose(table, np.array(run.history), rtol=1e-6)


def test_what_is_taken_along_is_of_the_chosen_run(penguins):
    player = Player(Session(penguins))
    try:
        obey(player, {"do": "rival", "settings": {"optimizer": "sgd"}})
        obey(player, {"do": "step", "by": "epoch"})
        told = [player.look(takeaway.python).decode()]
        obey(player, {"do": "choose", "run": 0})
        told.append(player.look(takeaway.python).decode())
        assert ["Adam(" in text.split("settings =")[1] for text in told] == [False, True]
        obey(player, {"do": "draw", "points": [[0.1, 0.1, 1]]})
        assert [len(run.points.x) for run in player.runs.all] == [301, 301]
        obey(player, {"do": "sample", "row": 3})
        assert [run.sample for run in player.runs.all] == [3, 3]
        obey(player, {"do": "edit", "place": 0, "value": 2.5})
        assert player.runs.all[0].run.params.flat[0] == 2.5 != player.runs.all[1].run.params.flat[0]
        layout = json.loads(player.frame()[1].text)
        assert [recipe["optimizer"] for recipe in layout["runs"]] == ["adam", "sgd"]
    finally:
        player.close()


# -- large networks -------------------------------------------------------------------------------


def test_a_large_network_is_coarse_while_it_plays_and_fine_at_rest(runs):
    runs.change({"hidden": [128, 128, 128], "n": 30})
    sides = {}
    for playing in (True, False):
        header, parts = read(look(runs, playing=playing, kind="epoch").packed())
        sides[playing] = header["side"]
        assert len(parts[0]) == 3 * header["side"] ** 2
        assert len(parts[1]) == 30 * 25 * 25
    assert sides == {True: 50, False: 100}
    runs.change({"hidden": [100]})
    assert read(look(runs, playing=True, kind="epoch").packed())[0]["side"] == 100


def test_a_large_networks_snapshots_are_bounded(runs):
    runs.change({"hidden": [128, 128, 128, 128], "n": 10, "batch": 0, "test_share": 0.0})
    session = runs.session
    for _ in range(60):
        session.step("epoch")
    assert sum(kept.state.nbytes for kept in session.snapshots) < 70e6
    assert [session.snapshots[0].epochs, session.snapshots[-1].epochs] == [0, 60]
