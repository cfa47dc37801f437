"""The page's session: every kind of step is the library's own, to the last bit."""

import re
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from handgrad.errors import DataError, DivergenceError
from handgrad.explain.trace import trace
from handgrad.models.file import from_bytes
from handgrad.network import forward
from handgrad.optim import OPTIMIZERS
from handgrad.params import initialise
from handgrad.playground import takeaway
from handgrad.playground.frame import MAP, extent, source_lines
from handgrad.playground.recipe import CHOICES, Recipe
from handgrad.playground.replay import replay
from handgrad.playground.runs import Runs
from handgrad.playground.server import read_bytes
from handgrad.playground.session import Session
from handgrad.playground.sets import make_points
from handgrad.playground.source import class_columns
from handgrad.tables.columns import numbers
from handgrad.training.run import Run
from handgrad.training.train import train
from handgrad.two_layer import Params as FourParams
from handgrad.two_layer import backward, spiral, update
from handgrad.two_layer import forward as two_layer_forward
from seen import frame, layout

PENGUINS = "src/handgrad/data/penguins.csv"


@pytest.fixture
def session(request):
    from handgrad.tables.table import read_table

    return Session(read_table(request.config.rootpath / PENGUINS))


def trained(session, epochs):
    """Train as the page's settings say, by ``training.train`` alone."""
    recipe, architecture = session.recipe, session.architecture
    bits = np.random.PCG64(recipe.init_seed)
    params = initialise(
        architecture.layer_units, architecture.activations, bits, np.float64, recipe.init
    )
    run = Run.start(params, bits)
    rows = session.points.training_rows
    train(architecture, run, recipe.settings(len(rows)), rows, epochs=epochs)
    return run.params.flat


# -- steps --------------------------------------------------------------------------------------


SETTINGS = [
    *({"optimizer": name} for name in OPTIMIZERS),
    *({"schedule": name, "schedule_epochs": 3} for name in CHOICES["schedule"]),
    {"batch": 0},
    {"batch": 1, "optimizer": "sgd", "n": 40},
    {"batch": 7, "dropout": 0.3, "l2": 0.01},
    {"hidden": [], "test_share": 0.0},
    {"hidden": [5, 4, 3], "activation": "gelu", "init": "auto"},
]


@pytest.mark.parametrize("asked", SETTINGS, ids=str)
def test_epochs_are_those_of_training(session, asked):
    session.change(asked)
    for _ in range(4):
        session.step("epoch")
    np.testing.assert_array_equal(session.run.params.flat, trained(session, 4))


@pytest.mark.parametrize("kind", ["batch", "sample", "equation"])
def test_smaller_steps_make_up_the_same_epoch(session, kind):
    session.change({"n": 30, "batch": 10, "test_share": 0.0})
    for _ in range(1000):
        session.step(kind)
        if session.run.epochs == 2:
            break
    np.testing.assert_array_equal(session.run.params.flat, trained(session, 2))


def test_kinds_of_steps_may_be_mixed(session):
    session.change({"batch": 10})
    for kind in ["sample", "batch", "equation", "equation", "sample", "epoch", "batch", "epoch"]:
        session.step(kind)
    np.testing.assert_array_equal(session.run.params.flat, trained(session, 2))


def test_a_batch_of_gradient_descent_is_that_of_the_derivation(session):
    session.change({"optimizer": "sgd", "rate": 0.5, "batch": 0})
    params = FourParams(*(array.copy() for _, array in session.run.params.named()))
    rows = session.points.training_rows
    gradients = backward(params, two_layer_forward(params, rows.x), rows.y_t)
    session.step("batch")
    for new, expected in zip(
        session.run.params.named(), update(params, gradients, 0.5), strict=True
    ):
        np.testing.assert_array_equal(new[1], expected)


def test_a_step_by_equation_makes_what_the_equations_said_of_one_row(session):
    session.change({"optimizer": "sgd", "batch": 1})
    n_equations = len(session.trace().equations)
    for place in range(n_equations):
        session.step("equation")
        assert session.at == place
    said = session.trace()
    before = session.run.params.copy()
    session.step("equation")
    assert session.at == 0
    for name, new in session.run.params.named():
        np.testing.assert_array_equal(new, said[f"{name}_new"])
        assert (new != before[name]).any()


def test_a_walk_by_equation_stays_with_the_chosen_row(session):
    session.step("equation")
    batch = session.points.training[session.under_way.batch()]
    assert session.sample == batch[0]
    session.look_at(34)
    for _ in range(2 * len(session.trace().equations)):
        session.step("equation")
        assert session.sample == 34
    assert session.run.updates == 1
    session.reset()
    session.step("equation")
    assert session.sample == 34
    session.step("sample")  # goes through the batch's rows
    assert session.sample == session.points.training[session.under_way.batch()[0]]


def walked(session):
    """Go to the last equation; give what the page tells of the update that follows."""
    for _ in session.trace().equations:
        session.step("equation")
    return read(frame(session, playing=False, kind="equation"))[0]["made"]


@pytest.mark.parametrize(
    "asked", [{}, {"dropout": 0.4}, {"optimizer": "sgd", "l2": 0.1}, {"hidden": [], "batch": 0}]
)
def test_the_update_that_follows_is_told_beforehand(session, asked):
    session.change(asked)
    session.look_at(34)
    told = walked(session)
    rows = session.points.training[session.under_way.batch()]
    assert (told["rule"], told["n"]) == (session.recipe.optimizer, len(rows))
    assert told["has_sample"] == (34 in rows)
    assert told["drops"] == ("dropout" in asked)
    assert not told["is_promised"]
    old, said = session.run.params.copy(), session.trace()
    x, y_t = session.points.x[rows], session.points.y_t[rows]
    mean = trace(session.architecture, old, x, y_t, l2=session.recipe.l2)
    session.step("batch")
    new = session.run.params
    moved = {name: np.abs(new[name] - array).max() for name, array in old.named()}
    named = {name: [] for name in moved}
    for entry, *values in told["moves"]:
        name, place = re.fullmatch(r"(\w+)\[(.*)\]", entry).groups()
        at = tuple(map(int, place.split(", ")))
        expected = [old[name][at], mean[f"d{name}"][at], new[name][at], said[f"{name}_new"][at]]
        np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-12)
        named[name].append(abs(values[2] - values[0]))
    for name, sizes in named.items():
        assert len(sizes) == min(3, old[name].size)
        np.testing.assert_allclose(max(sizes), moved[name], rtol=1e-5, atol=2e-6)


def test_telling_the_update_changes_nothing(session):
    session.change({"n": 30, "batch": 10, "test_share": 0.0, "dropout": 0.2})
    while session.run.epochs < 2:
        session.step("equation")
        frame(session, playing=False, kind="equation")
    np.testing.assert_array_equal(session.run.params.flat, trained(session, 2))


def test_plain_gradient_descent_makes_what_the_equations_say(session):
    session.change({"dropout": 0.4})
    session.step("epoch")
    session.look_at(34)
    runs = Runs(session)
    runs.add_rival({"rate": 0.3})
    runs.plain()
    assert all(run.run.updates == 0 for run in runs.all)
    assert runs.all[0].recipe.optimizer == "adam"
    told = walked(runs.session)
    assert told["is_promised"]
    assert (told["n"], told["has_sample"], told["rule"]) == (1, True, "sgd")
    assert all(new == said for _, _, _, new, said in told["moves"])


def test_an_update_that_would_diverge_is_told(session):
    session.run.params.b[0][:] = 1e300
    told = walked(session)
    assert told["moves"] == []
    assert not session.trouble


def test_nothing_is_told_of_an_update_before_the_walk(session):
    header, _ = read(frame(session, playing=False, kind="equation"))
    assert header["made"] is None
    assert session.under_way is None


def test_the_numbers_shown_are_those_of_a_trace(session):
    session.step("epoch")
    session.look_at(17)
    expected = trace(
        session.architecture,
        session.run.params,
        session.points.x[17],
        session.points.y_t[17:18],
        lr=0.03,
    )
    assert set(session.trace()) == set(expected)
    for name, value in session.trace().items():
        np.testing.assert_array_equal(value, expected[name])


def test_a_change_of_how_to_learn_holds_from_the_next_epoch(session):
    session.step("batch")
    session.change({"rate": 0.01, "batch": 50})
    session.step("epoch")
    assert session.run.epochs == 1
    session.step("epoch")
    assert session.history[-1].epoch == 2
    compile(takeaway.python(session), "train.py", "exec")


def test_start_over_is_the_same_beginning(session):
    first = session.run.params.flat.copy()
    session.step("epoch")
    after = session.run.params.flat.copy()
    session.reset()
    np.testing.assert_array_equal(session.run.params.flat, first)
    session.step("epoch")
    np.testing.assert_array_equal(session.run.params.flat, after)


@pytest.mark.parametrize("asked", [{}, {"dropout": 0.5}, {"optimizer": "momentum"}], ids=str)
def test_after_rewinding_the_same_epochs_come_again(session, asked):
    session.change(asked)
    for _ in range(5):
        session.step("epoch")
    expected, history = session.run.params.flat.copy(), session.history
    session.step("batch")
    session.rewind(2)
    assert session.run.epochs == 2
    assert session.history == history[:3]
    for _ in range(3):
        session.step("epoch")
    np.testing.assert_array_equal(session.run.params.flat, expected)
    assert session.history == history


def test_a_long_run_keeps_few_snapshots_and_its_first_and_last(session):
    session.change({"n": 10, "batch": 0})
    for _ in range(900):
        session.step("epoch")
    epochs = [kept.epochs for kept in session.snapshots]
    assert len(epochs) <= 401
    assert (epochs[0], epochs[-1]) == (0, 900)
    session.rewind(0)
    np.testing.assert_array_equal(session.run.params.flat, session.initial.flat)


def test_a_run_that_diverges_says_so_and_stands_where_it_stood(session):
    session.change({"optimizer": "sgd", "rate": 100.0, "l2": 10.0, "hidden": [8, 8]})
    for _ in range(200):
        before = session.run.params.flat.copy()
        session.step("epoch")
        if session.trouble:
            break
    assert "diverged" in session.trouble
    np.testing.assert_array_equal(session.run.params.flat, before)
    frame(session, playing=False, kind="epoch")
    session.change({"rate": 0.001, "l2": 0.0})
    session.reset()
    session.step("epoch")
    assert not session.trouble


DIVERGES = {"optimizer": "sgd", "rate": 100.0, "l2": 10.0, "hidden": [8, 8], "batch": 50}


@pytest.mark.parametrize("kind", ["batch", "sample"])
def test_a_divergence_is_told_in_the_words_of_training(session, kind):
    session.change(DIVERGES)
    for _ in range(20_000):
        session.step(kind)
        if session.trouble:
            break
    with pytest.raises(DivergenceError) as caught:
        trained(session, session.run.epochs + 1)
    what = caught.value.what
    assert caught.value.batch > 1
    assert f"in batch {caught.value.batch} of epoch {session.run.epochs + 1}, at" in what
    assert session.trouble.startswith(f"T{what[1:]} The weights are those before that epoch.")
    assert session.under_way is None
    np.testing.assert_array_equal(
        session.run.params.flat, session.snapshots[-1].state.run.params.flat
    )


def test_a_parameter_too_large_for_the_penalty_diverges_here_too(session):
    session.change({"hidden": [], "batch": 0, "optimizer": "sgd", "rate": 1e-4})
    session.run.params.W[0][0, 0] = 1e200  # its square is not finite, and the scores are
    session.step("batch")
    assert "a parameter was too large after batch 1 of epoch 1" in session.trouble
    assert (session.run.epochs, session.run.updates) == (0, 0)


def test_every_number_shown_is_worked_out_or_left(session):
    for asked in ({}, {"hidden": []}, {"hidden": [4, 3], "activation": "tanh", "l2": 0.1}):
        session.change(asked)
        for equation in session.trace().equations:
            text = session.spelled(equation.name, 0)
            assert (
                text
                or (asked.get("l2") and equation.number in (5, 7, 8, 11, 12))
                or (equation.number in (8, 12))
            ), equation
    for name, at in [("W1", 0), ("dW1", 10**6), ("dW1", -1), ("x", 0)]:
        with pytest.raises(ValueError, match="a number must be"):
            session.spelled(name, at)


# -- data ---------------------------------------------------------------------------------------


def test_the_spiral_is_that_of_cs231n():
    x, y_t = make_points("spiral", n=300, classes=3, noise=0.2, seed=0)
    expected, classes = spiral(np.random.RandomState(0))
    np.testing.assert_array_equal(x, expected)
    np.testing.assert_array_equal(y_t, classes)


@pytest.mark.parametrize("kind", ["spiral", "xor", "circles", "moons", "blobs"])
def test_points_depend_on_their_seed_alone(kind):
    first, again, other = (
        make_points(kind, n=100, classes=2, noise=0.1, seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first[0], again[0])
    assert (first[0] != other[0]).any()
    assert np.bincount(first[1]).tolist() == [50, 50]


@pytest.mark.parametrize("kind", ["xor", "circles", "moons", "blobs", "penguins", "article"])
def test_every_set_can_be_learnt(session, kind):
    session.change({"data": kind, "noise": 0.1, "classes": 2, "hidden": [8, 8]})
    for _ in range(60):
        session.step("epoch")
    assert session.history[-1].accuracy > 0.9


def test_penguins_without_a_measure_are_left_out(session):
    session.change({"data": "penguins", "x1": "flipper_length_mm", "x2": "body_mass_g"})
    assert len(session.points.x) == 342
    assert session.points.encoder.names == ("flipper_length_mm", "body_mass_g")
    np.testing.assert_allclose(session.points.x.mean(axis=0), 0, atol=1e-12)


def test_a_table_of_ones_own(session):
    table = read_bytes(b"a,b,note,kind\n1,2,x,no\n3,1,y,yes\n2,,z,no\n5,6,w,yes\n")
    assert class_columns(table) == ["a", "b", "note", "kind"]
    session.take_table(table, "kind")
    assert layout(session)["columns"] == ["a", "b"]
    assert len(session.points.x) == 3
    session.choose_target("note")
    assert session.points.classes.tolist() == ["w", "x", "y"]
    with pytest.raises(ValueError, match="few classes"):
        session.choose_target("nothing")


def test_a_table_that_cannot_be_shown_changes_nothing(session):
    session.step("epoch")
    before = session.run.params.flat.copy()
    with pytest.raises(ValueError, match="column of numbers, or of at most 20 different texts"):
        session.take_table(pa.table({"y": ["u", "v"]}), "y")
    assert class_columns(pa.table({"a": [str(i) for i in range(9)]})) == []
    assert session.recipe.data == "spiral"
    assert session.source.table is None
    np.testing.assert_array_equal(session.run.params.flat, before)


def test_rows_without_a_class_are_left_out(session):
    table = read_bytes(b"a,b,kind\n1,2,no\n3,1,\n5,6,yes\n2,2,no\n")
    session.take_table(table, "kind")
    assert session.points.x.shape == (3, 2)


def test_points_drawn_by_hand(session):
    session.step("epoch")
    before = session.run.params.flat.copy()
    session.draw([(0.1, 0.2, 0), (0.3, 0.4, 1)])
    assert len(session.points.x) == 302
    assert session.recipe.data == "drawn"
    np.testing.assert_array_equal(session.run.params.flat, before)
    session.draw([(0.5, 0.5, 3)])
    assert session.architecture.layer_units[-1] == 4
    session.step("epoch")


@pytest.mark.parametrize("point", [(0, 11, 0), (float("nan"), 0, 0), (0, 0, 6), (0, 0, -1)])
def test_a_point_outside_is_refused(session, point):
    with pytest.raises(ValueError, match="a point must"):
        session.draw([point])
    assert session.recipe.data == "spiral"


# -- what the header says -----------------------------------------------------------------------


def told(session):
    header, _ = read(frame(session, playing=False, kind="batch"))
    return header["measures"][0], sum(row[k] for k, row in enumerate(header["confusion"]))


def agrees(session):
    """See that the header's figures are those of the present weights, points and table."""
    (epoch, loss, test_loss, accuracy, test_accuracy), n_right = told(session)
    assert epoch == session.run.epochs
    assert (loss, accuracy) == session.measure(session.points.training)
    assert (test_loss, test_accuracy) == session.measure(session.points.test)
    assert test_accuracy == n_right / len(session.points.test)
    return loss


def test_the_loss_moves_with_every_update(session):
    losses = []
    for _ in range(4):
        losses.append(agrees(session))
        session.step("batch")
    assert len(set(losses)) == 4


@pytest.mark.parametrize("kind", ["epoch", "batch"])
def test_the_loss_moves_with_a_weight_that_is_typed_in(session, kind):
    session.step(kind)
    before = agrees(session)
    session.edit(0, 30.0)
    assert agrees(session) != before


@pytest.mark.parametrize("kind", ["epoch", "batch"])
def test_the_loss_moves_with_points_that_are_drawn(session, kind):
    session.step(kind)
    before = agrees(session)
    session.draw([(0.5, 0.5, 0)] * 24)
    drawn = agrees(session)
    assert drawn != before
    session.step("epoch")
    session.rewind(0)
    agrees(session)
    assert [measure.epoch for measure in session.history] == [0]


# -- settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        {"hidden": [10**6]},
        {"hidden": [8] * 5},
        {"hidden": "8"},
        {"hidden": [True]},
        {"n": 10**9},
        {"n": 100.5},
        {"rate": 0},
        {"rate": "fast"},
        {"activation": "os.system"},
        {"optimizer": ["adam"]},
        {"x1": 3},
        {"x1": "x" * 2000},
        {"__class__": "x"},
        {"data": "table"},
        [],
        None,
    ],
    ids=str,
)
def test_settings_out_of_bounds_are_refused(session, asked):
    with pytest.raises(ValueError, match=r"must be|no table"):
        session.change(asked)
    assert session.recipe == Recipe()
    session.step("epoch")


def test_a_weight_that_is_typed_in(session):
    session.edit(3, 0.25)
    assert session.run.params.W[0][0, 3] == 0.25
    for place, value in [(-1, 0.0), (10**6, 0.0), (0, float("nan")), (0, 1e9)]:
        with pytest.raises(ValueError, match="a weight must be"):
            session.edit(place, value)


# -- what the page sees -------------------------------------------------------------------------


def test_the_line_of_every_equation_is_found():
    lines = source_lines()
    assert sorted(lines) == list(range(1, 14))
    assert lines[1].text == "r = x @ W1 + b1"
    assert lines[6].text == "dscore = (tape.y - np.eye(N_y)[y_t]) / n"


def read(content):
    import json

    size = int.from_bytes(content[:4], "little")
    header, start, parts = json.loads(content[4 : 4 + size]), 4 + size, []
    for length in header["parts"]:
        parts.append(content[start : start + length])
        start += length
    assert start == len(content)
    return header, parts


def test_a_frame_holds_the_networks_own_numbers(session):
    for _ in range(3):
        session.step("epoch")
    header, (planes, units, curves, *rest) = read(frame(session, playing=False, kind="epoch"))
    left, right, low, high = extent(session)
    row, column = 20, 70
    place = [
        left + (right - left) * (column + 0.5) / MAP,
        high - (high - low) * (row + 0.5) / MAP,
    ]
    y = forward(session.architecture, session.run.params, np.array([place])).y[0]
    shown = np.frombuffer(planes, np.uint8).reshape(3, MAP, MAP)[:, row, column]
    np.testing.assert_allclose(shown / 255, y, atol=1 / 250)
    assert len(units) == 8 * 25 * 25
    assert rest == [b"", b""]
    table = np.frombuffer(curves, "<f4").reshape(-1, 5)
    np.testing.assert_allclose(table, np.array(session.history), rtol=1e-6)
    W1 = header["weights"][0]
    np.testing.assert_allclose(W1["W"], session.run.params.W[0], rtol=1e-6)
    assert session.run.params.flat[W1["b_start"]] == session.run.params.b[0][0]
    np.testing.assert_allclose(header["values"]["y"]["numbers"], session.trace()["y"], rtol=1e-6)
    assert sum(map(sum, header["confusion"])) == len(session.points.test)


def test_wide_layers_are_cut_and_say_so(session):
    session.change({"hidden": [100]})
    header, _ = read(frame(session, playing=False, kind="epoch"))
    assert layout(session)["shown"] == [2, 10, 3]
    assert header["values"]["dW2"]["shape"] == [100, 3]
    dW2, shown = session.trace()["dW2"].ravel(), dict(header["values"]["dW2"]["largest"])
    assert list(shown) == sorted(np.argsort(-abs(dW2), kind="stable")[:10].tolist())
    np.testing.assert_allclose(list(shown.values()), dW2[list(shown)], rtol=1e-6)
    assert header["values"]["dW2"]["more"].startswith("and 290 more")


def test_dead_units_are_marked(session):
    session.run.params.b[0][2] = -1e3
    header, _ = read(frame(session, playing=False, kind="epoch"))
    assert header["dead"] == [[2]]


def test_the_gradient_check_passes(session):
    session.step("epoch")
    assert session.check().agrees


@pytest.mark.parametrize("seed", range(4))
def test_points_at_a_corner_are_no_wrong_gradient(session, seed):
    """The spiral begins at (0, 0), where biases of 0 make every r exactly 0."""
    session.change({"data_seed": seed})
    check = session.check()
    assert check.passed
    assert not check.agrees
    assert 0 < check.n_at_corners <= 3
    assert "WRONG" not in str(check)


# -- take along ---------------------------------------------------------------------------------


def test_the_program_trains_to_the_same_weights(session, tmp_path):
    session.change({"hidden": [6, 4], "dropout": 0.2, "schedule": "cosine"})
    for _ in range(3):
        session.step("epoch")
    session.change({"optimizer": "momentum", "rate": 0.1})
    session.step("epoch")
    session.edit(5, 0.125)
    session.step("epoch")
    session.rewind(4)
    session.step("epoch")
    program = tmp_path / "train.py"
    program.write_bytes(takeaway.python(session))
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, check=True, timeout=120
    )
    found = dict(line.split(" = ") for line in done.stdout.splitlines()[1:])
    for name, array in session.run.params.named():
        assert found[name] == str(array.tolist())


def test_a_dragged_weight_is_set_once_in_the_program(session):
    session.step("epoch")
    for value in (0.1, 0.2, 0.3):
        session.edit(5, value)
    session.edit(6, 0.3)
    assert session.journal[1:] == (("weight", 5, 0.3), ("weight", 6, 0.3))
    session.step("epoch")
    names = {"print": lambda *told: None}
    exec(takeaway.python(session), names)
    np.testing.assert_array_equal(names["params"].flat, session.run.params.flat)


def test_the_program_of_a_tables_rows(session):
    session.change({"data": "penguins"})
    session.step("epoch")
    names = {"print": lambda *told: None}
    exec(takeaway.python(session), names)
    np.testing.assert_array_equal(names["params"].flat, session.run.params.flat)


def test_no_program_of_what_cannot_be_repeated(session):
    session.step("batch")
    with pytest.raises(DataError, match="end of this epoch"):
        takeaway.python(session)
    session.draw([(0, 0, 0)])
    with pytest.raises(DataError, match="start over"):
        takeaway.python(session)
    session.reset()
    session.step("epoch")
    names = {"print": lambda *told: None}
    exec(takeaway.python(session), names)
    np.testing.assert_array_equal(names["params"].flat, session.run.params.flat)


def test_the_model_file_predicts_what_the_page_shows(session):
    session.change({"data": "penguins", "x1": "bill_length_mm", "x2": "body_mass_g"})
    for _ in range(3):
        session.step("epoch")
    model = from_bytes(takeaway.model_file(session))
    y = forward(session.architecture, session.run.params, session.points.x).y
    shown = model.predict_proba(session.source.penguins)
    assert shown.shape == (344, 3)
    kept = np.isfinite(numbers(session.source.penguins, "body_mass_g"))
    np.testing.assert_allclose(shown[kept], y, rtol=1e-9)
    assert model.target == "species"


def test_a_replay_asks_nothing_of_the_network_and_holds_no_markup_of_others(session):
    session.change({"hidden": [100, 100]})
    for _ in range(3):
        session.step("epoch")
    text = replay(session).decode()
    assert "default-src 'none'; script-src 'sha256-" in text
    assert "://" not in text.split('id="run"')[0]
    assert len(text) < 5_000_000


def test_names_stand_as_texts_in_a_replay(session):
    table = read_bytes(b"<b>a,b,c,kind\n1,2,3,no\n3,1,2,yes\n5,6,1,no\n2,2,2,yes\n")
    session.take_table(table, "kind")
    session.change({"inputs": "all"})
    text = replay(session).decode()
    assert "&lt;b&gt;a" in text
    assert "<b>" not in text


def test_the_history_as_csv(session):
    session.change({"test_share": 0.0})
    session.step("epoch")
    lines = takeaway.history_csv(session).decode().splitlines()
    assert lines[0] == "epoch,loss,test_loss,accuracy,test_accuracy"
    assert lines[2].split(",")[:3] == ["1", repr(session.history[1].loss), ""]
