"""What the page learns besides classes: numbers by squared error; with a skip and a scale."""

import contextlib
import csv
import io
import json

import numpy as np
import pyarrow as pa
import pytest

from handgrad.errors import DataError
from handgrad.explain.equations import parameter_names
from handgrad.models.file import from_bytes
from handgrad.network import forward
from handgrad.params import initialise
from handgrad.playground import takeaway
from handgrad.playground.commands import obey
from handgrad.playground.engine import Library
from handgrad.playground.frame import CURVE, extent
from handgrad.playground.hidden import HiddenView
from handgrad.playground.plain import plain
from handgrad.playground.player import Player
from handgrad.playground.recipe import PRESETS
from handgrad.playground.replay import replay
from handgrad.playground.runs import Runs
from handgrad.playground.session import Session
from handgrad.playground.sets import NUMBER_SETS, make_numbers
from handgrad.playground.source import target_columns, usual_target
from handgrad.tables.table import read_table
from handgrad.training.run import Run
from handgrad.training.train import train
from seen import frame, layout
from test_playground_data import framed, holds_public_names_and_trains_the_same

BESIDE = [{}, {"skip": True}, {"scale": True}, {"skip": True, "scale": True}]


@pytest.fixture
def session(request):
    return Session(read_table(request.config.rootpath / "src/handgrad/data/penguins.csv"))


@pytest.fixture
def numbers():
    """Tell of a table of numbers, whose target is in the thousands."""
    random = np.random.RandomState(1)
    a, b = random.uniform(0, 10, (2, 90))
    y = 4000 + 100 * a - 30 * b
    columns = {"a": a, "b": b, "kind": ["u", "v", "w"] * 30, "weight": y}
    return pa.table({**columns, "id": [f"row {i}" for i in range(90)]})


# -- sets ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", NUMBER_SETS)
def test_a_seed_means_the_same_numbers(kind):
    x, y = make_numbers(kind, n=50, noise=0.0, seed=3)
    again = make_numbers(kind, n=50, noise=0.4, seed=3)
    function, n_inputs = NUMBER_SETS[kind]
    assert (x.shape, y.shape) == ((50, n_inputs), (50, 1))
    np.testing.assert_array_equal(x, again[0])
    np.testing.assert_array_equal(y[:, 0], function(x))
    assert 0.1 < np.std(again[1] - y) < 0.3


@pytest.mark.parametrize("kind", NUMBER_SETS)
def test_numbers_are_learnt_as_training_does(session, kind):
    session.change({"data": kind})
    for _ in range(40):
        session.step("epoch")
    recipe, architecture = session.recipe, session.architecture
    assert architecture.head.slope_is_difference
    assert not architecture.head.classifies
    bits = np.random.PCG64(0)
    units, bends = architecture.layer_units, architecture.activations
    run = Run.start(initialise(units, bends, bits, np.float64, recipe.init), bits)
    rows = session.points.training_rows
    train(architecture, run, recipe.settings(len(rows)), rows, epochs=40)
    np.testing.assert_array_equal(session.run.params.flat, run.params.flat)
    y_t = session.points.y_t[session.points.test]
    y = forward(architecture, run.params, session.points.rows(session.points.test).x).y
    r2 = 1 - ((y - y_t) ** 2).sum() / ((y_t - y_t.mean()) ** 2).sum()
    measure = session.history[-1]
    assert measure.test_accuracy == pytest.approx(r2)
    assert measure.test_loss == pytest.approx(((y - y_t) ** 2).mean() / 2)
    assert r2 > 0.7
    assert session.check().passed


def test_the_slope_of_a_number_is_told_as_the_difference_from_its_truth(session):
    session.change({"data": "sine"})
    t = session.trace()
    assert t["dscore"][0, 0] == t["y"][0, 0] - t.truth[0, 0]
    told = {equation.name: equation for equation in t.equations}
    assert told["dscore"].line == "dscore = (y - y_t) / n"
    assert "-" in session.spelled("dscore", 0)
    assert session.spelled("L", 0).endswith(f"{float(t['L']):.4g}")


# -- what the page is told ----------------------------------------------------------------------


def test_a_frame_of_a_curve_holds_the_prediction_and_its_points(session):
    session.change({"data": "sine"})
    for _ in range(5):
        session.step("epoch")
    header, (curve, units, *_) = framed(session)
    told, points = layout(session), session.points
    assert (told["is_plane"], told["is_curve"], told["axes"]) == (True, True, ["x", "y"])
    np.testing.assert_allclose(told["points"], np.hstack([points.x, points.y_t]), atol=1e-4)
    left, right, low, high = extent(session)
    assert told["extent"] == [left, right, low, high]
    assert low < points.y_t.min() < points.y_t.max() < high
    x = np.linspace(left, right, CURVE)[:, np.newaxis]
    y = forward(session.architecture, session.run.params, x).y[:, 0]
    np.testing.assert_allclose(np.frombuffer(curve, "<f4"), y, atol=1e-5)
    assert len(units) == 8 * 25 * 25
    assert header["y_t"] == points.y_t[session.sample, 0]
    assert header["confusion"] == []
    test = points.test
    predicted = forward(session.architecture, session.run.params, points.x[test]).y
    np.testing.assert_allclose(header["pairs"], np.hstack([points.y_t[test], predicted]), 1e-6)
    error = np.sqrt(((predicted - points.y_t[test]) ** 2).mean())
    assert header["error"] == pytest.approx(error)


def test_a_frame_of_two_inputs_holds_one_plane_of_levels(session):
    session.change({"data": "bump"})
    told, (planes, *_) = layout(session), framed(session)[1]
    assert len(planes) == 100 * 100
    assert told["numbers"]["span"] == [session.points.y_t.min(), session.points.y_t.max()]
    assert (told["measure"], told["classes"], told["folds"]) == ("R²", ["y"], True)
    session.change({"data": "spiral"})
    told = layout(session)
    assert (told["measure"], told["numbers"]) == ("accuracy", None)
    assert "pairs" not in framed(session)[0]


def test_a_truth_that_never_varies_is_shown(session):
    constant = pa.table({"a": [float(i) for i in range(20)], "y": [0.5 + i for i in range(20)]})
    session.take_table(constant, "y")
    assert session.points.is_curve
    session.change({"test_share": 0.8})
    json.dumps(layout(session))
    session.change({"data": "sine", "rate": 100.0, "optimizer": "sgd"})
    for _ in range(30):
        session.step("epoch")
    framed(session)  # whatever has become of its numbers


def test_drawn_points_are_for_classes(session):
    session.change({"data": "sine"})
    with pytest.raises(ValueError, match="choose data of classes"):
        session.draw([(0.0, 0.0, 0)])
    assert session.recipe.data == "sine"


def test_every_kind_of_step_is_made_on_numbers_and_taken_back(session):
    session.change({"data": "bump", "optimizer": "sgd", "batch": 1})
    for _ in session.trace().equations:
        session.step("equation")
    assert framed(session)[0]["made"]["is_promised"]
    for kind in Session.KINDS:
        session.step(kind)
        framed(session)
    session.rewind(0)
    np.testing.assert_array_equal(session.run.params.flat, session.initial.flat)
    runs = Runs(session)
    runs.add_rival({"optimizer": "adam"})
    runs.step("epoch")
    assert [run.run.epochs for run in runs.all] == [1, 1]


# -- tables -------------------------------------------------------------------------------------


def test_a_column_of_numbers_is_predicted_in_its_own_units(session, numbers):
    assert target_columns(numbers) == ["a", "b", "kind", "weight"]
    assert usual_target(numbers) == "kind"
    session.take_table(numbers, "weight")
    told = layout(session)
    assert (told["names"], told["classes"], told["target"]) == (["a", "b"], ["weight"], "weight")
    truth = np.array(numbers["weight"])
    np.testing.assert_allclose(
        [told["numbers"]["mean"] + told["numbers"]["scale"] * y for y in told["y_t"]], truth
    )
    for _ in range(60):
        session.step("epoch")
    assert session.history[-1].test_accuracy > 0.95
    header, _ = framed(session)
    assert 3000 < np.min(header["pairs"]) < np.max(header["pairs"]) < 6000
    model = from_bytes(takeaway.model_file(session))
    predicted = model.predict_numbers(numbers)[session.points.test, 0]
    np.testing.assert_allclose(predicted, np.array(header["pairs"])[:, 1], rtol=1e-6)
    session.choose_target("kind")
    assert layout(session)["classes"] == ["u", "v", "w"]


def test_all_columns_of_a_table_predict_a_number(session, numbers):
    session.take_table(numbers, "weight")
    session.change({"inputs": "all"})
    assert layout(session)["names"] == ["a", "b", "kind=u", "kind=v", "kind=w"]
    session.step("epoch")
    header, _ = framed(session)
    assert len(header["y"]) == 1
    assert Session(session.source.penguins, numbers, "weight").points.output == "identity"


def test_one_column_besides_a_number_is_drawn_as_a_curve(session, numbers):
    session.take_table(numbers.select(["a", "weight"]), "weight")
    told = layout(session)
    assert (told["is_curve"], told["axes"]) == (True, ["a", "weight"])
    raw = np.array(told["raw"])
    shown = raw[:, 0] + raw[:, 1] * session.points.places
    np.testing.assert_allclose(shown[:, 0], np.array(numbers["a"]))
    np.testing.assert_allclose(shown[:, 1], np.array(numbers["weight"]))
    framed(session)


def test_rows_without_the_number_are_left_out(session, numbers):
    gaps = [None if i % 9 == 0 else float(i) for i in range(90)]
    session.take_table(numbers.append_column("y", pa.array(gaps)), "y")
    assert len(session.points.x) == 80


@pytest.mark.parametrize(
    "y", [["a", "b", "c", "d", "e", "f", "g", "h"] * 5, [1e200 * i for i in range(40)]]
)
def test_what_is_neither_few_classes_nor_numbers_is_refused(session, y):
    table = pa.table({"a": list(range(len(y))), "b": [1.5, 2.5] * (len(y) // 2), "y": y})
    with pytest.raises(DataError, match="name another column"):
        session.take_table(table, "y")
    assert session.recipe.data == "spiral"


def test_a_table_without_anything_to_predict_is_refused():
    with pytest.raises(DataError, match="2 to 6 classes, or of more than 6 different numbers"):
        usual_target(pa.table({"a": [f"text {i}" for i in range(40)]}))


# -- skip and scale -----------------------------------------------------------------------------


@pytest.mark.parametrize("data", ["spiral", "sine", "digits", "penguins"])
@pytest.mark.parametrize("asked", BESIDE, ids=str)
def test_a_skip_and_a_scale_are_learnt_as_training_does(session, data, asked):
    session.change({"data": data, "hidden": [4], **asked})
    session.step("epoch")
    architecture, beside = session.architecture, session.architecture.beside
    n = session.points.x.shape[1]
    has_skip, has_scale = asked.get("skip", False), asked.get("scale", False)
    assert (beside.n_wide, beside.scales) == (n * has_skip, has_scale)
    bits = np.random.PCG64(0)
    units, bends = architecture.layer_units, architecture.activations
    params = initialise(units, bends, bits, np.float64, session.recipe.init, beside)
    run, rows = Run.start(params, bits), session.points.training_rows
    train(architecture, run, session.recipe.settings(len(rows)), rows, epochs=1)
    np.testing.assert_array_equal(session.run.params.flat, run.params.flat)
    assert session.check().passed
    header, _ = framed(session)
    told = layout(session)
    numbers = [equation["number"] for equation in told["equations"]]
    assert (14 in numbers, 15 in numbers) == (has_skip, has_scale)
    assert told["units"][0] == n
    assert [one["name"] for one in header["layers"][0]] == [
        name for name in parameter_names(architecture) if not name.startswith("b")
    ]
    holds_public_names_and_trains_the_same(session)
    model = from_bytes(takeaway.model_file(session))
    x = session.points.fed(session.points.x)
    np.testing.assert_allclose(
        forward(model.architecture, model.params, x).score,
        forward(architecture, session.run.params, x).score,
        atol=1e-12,
    )


def test_weights_past_the_layers_are_set_by_their_places(session):
    session.change({"skip": True, "scale": True})
    header, _ = framed(session)
    V, s = header["beside"]["V"], header["beside"]["s"]
    session.edit(V["start"] + 1 * V["width"] + 2, 0.75)
    session.edit(s["start"] + 1, 1.5)
    assert session.run.params.V[1, 2] == 0.75
    assert session.run.params.s[1] == 1.5
    beside = framed(session)[0]["beside"]
    assert beside["V"]["V"][1][2] == 0.75
    assert beside["s"]["s"] == [1.0, 1.5]
    session.change({"data": "digits"})  # too many inputs to be drawn one by one
    assert framed(session)[0]["beside"] == {"V": None, "s": None}


def test_points_may_be_drawn_beside_a_skip(session):
    session.change({"skip": True})
    session.draw([(0.5, 0.5, 0), (0.2, 0.1, 1)])
    session.step("epoch")
    assert session.points.training_rows.x.shape[1] == 4
    session.change({"skip": False})
    assert session.points.training_rows.x.shape[1] == 2
    session.step("epoch")


def test_the_pad_takes_an_image_beside_a_skip(session):
    session.change({"data": "digits", "skip": True})
    player = Player(session)
    try:
        obey(player, {"do": "pad", "pixels": [3] * 64})
        assert framed(session)[0]["pad"]["pixels"] == [3] * 64
    finally:
        player.close()


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_a_switch_is_true_or_false(session, value):
    with pytest.raises(ValueError, match="skip must be true or false"):
        session.change({"skip": value})


# -- downloads ----------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [{"data": kind} for kind in NUMBER_SETS], ids=str)
def test_a_program_of_numbers_trains_the_same(session, asked):
    session.change(asked)
    session.edit(1, 0.25)
    session.step("epoch")
    holds_public_names_and_trains_the_same(session)


def test_so_does_the_program_of_a_table_of_numbers(session, numbers):
    session.take_table(numbers, "weight")
    session.change({"skip": True})
    session.step("epoch")
    holds_public_names_and_trains_the_same(session)


def test_the_history_of_numbers_names_its_measure(session):
    session.change({"data": "sine"})
    session.step("epoch")
    rows = list(csv.reader(io.StringIO(takeaway.history_csv(session).decode())))
    assert rows[0] == ["epoch", "loss", "test_loss", "r2", "test_r2"]
    assert float(rows[-1][4]) == session.history[-1].test_accuracy


def by_hand(session):
    found = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(plain(session).decode(), found)
    return found


PLAIN = [
    {},
    *({"optimizer": name} for name in ("sgd", "momentum", "nesterov")),
    {"batch": 0, "l2": 0.01},
    {"data": "sine", "skip": True, "scale": True, "l2": 0.01},
    {"data": "bump", "hidden": [5, 4], "activation": "tanh"},
    {"hidden": [], "init": "auto", "test_share": 0.0},
    {"data": "penguins", "inputs": "all"},
    {"data": "article", "hidden": [2], "optimizer": "sgd", "batch": 0},
]


@pytest.mark.parametrize("asked", PLAIN, ids=str)
def test_plain_numpy_makes_the_same_steps(session, asked):
    session.change({"rate": 0.01, **asked})
    session.edit(1, 0.25)
    for _ in range(12):
        session.step("epoch")
    program = plain(session).decode()
    assert "import handgrad" not in program
    assert "from handgrad" not in program
    assert len(program.splitlines()) < 75
    found = by_hand(session)
    for name, array in session.run.params.named():
        np.testing.assert_allclose(found[name], array, rtol=1e-9, atol=1e-12)


def test_before_the_first_epoch_plain_numpy_has_the_first_weights(session):
    session.edit(0, 0.5)
    np.testing.assert_array_equal(by_hand(session)["W1"], session.run.params.W[0])


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"optimizer": "adamw"}, "different rules"),
        ({"dropout": 0.2}, "dropout"),
        ({"schedule": "warmup"}, "schedule"),
        ({"schedule": "invscaling"}, "schedule"),
        ({"activation": "gelu"}, "SciPy"),
        ({"data": "digits"}, "numbers, over"),
    ],
)
def test_what_plain_numpy_cannot_repeat_is_told(session, asked, why):
    session.change(asked)
    session.step("epoch")
    with pytest.raises(DataError, match=why):
        plain(session)
    takeaway.python(session)


def test_settings_that_changed_while_it_learnt_are_told(session):
    session.step("epoch")
    session.change({"rate": 0.1})
    plain(session)  # nothing has been learnt by it yet
    session.step("epoch")
    with pytest.raises(DataError, match="settings or weights changed"):
        plain(session)
    session.reset()
    session.step("epoch")
    session.edit(0, 1.0)
    with pytest.raises(DataError, match="settings or weights changed"):
        plain(session)
    session.step("epoch")
    with pytest.raises(DataError, match="settings or weights changed"):
        plain(session)
    session.step("batch")
    with pytest.raises(DataError, match="whole epochs"):
        plain(session)


@pytest.mark.parametrize("data", ["sine", "bump", "spiral"])
def test_a_replay_holds_what_the_page_showed(session, data):
    session.change({"data": data, "skip": True, "scale": True})
    session.step("epoch")
    content = replay(session).decode()
    run = json.loads(content.split('id="run">')[1].split("</script>")[0])
    assert run["has_skip"]
    assert run["is_curve"] == (data == "sine")
    assert (run["span"] is None) == (data == "spiral")


# -- the preset ---------------------------------------------------------------------------------


def test_the_preset_is_the_articles_own_network(session):
    preset = PRESETS["as in the article"]
    session.change({"skip": True, "dropout": 0.3, "hidden": [9, 9]})
    session.change(preset)
    assert session.architecture.layer_units == (2, 2, 3)
    told = layout(session)
    assert told["is_article"]
    assert len(session.points.training) == 20
    assert "no row is of class 2" in told["note"]
    assert 2 not in session.points.y_t
    assert told["presets"] == PRESETS
    h = forward(session.architecture, session.run.params, session.points.x).h[1]
    assert h.any(axis=1).all()  # every row reaches a hidden unit
    before = session.run.params.flat.copy()
    session.step("epoch")
    assert session.run.updates == 1  # the whole batch
    rows = session.points.training_rows
    expected = Run.start(session.initial.copy(), np.random.PCG64(0))
    train(session.architecture, expected, session.recipe.settings(20), rows, epochs=1)
    np.testing.assert_array_equal(session.run.params.flat, expected.params.flat)
    assert (before != session.run.params.flat).any()
    session.change({"data": "moons"})
    assert layout(session)["note"] == ""


# -- the hidden layer ----------------------------------------------------------------------------


@pytest.mark.parametrize("data", ["spiral", "sine", "penguins"])
@pytest.mark.parametrize("beside", [{"skip": True}, {"scale": True}, {"skip": True, "scale": True}])
def test_the_hidden_layer_beside_a_skip_is_that_of_the_trace(session, data, beside):
    session.change({"data": data, "hidden": [4, 3], **beside})
    session.step("epoch")
    told = HiddenView().look(Runs(session), 0, 2)
    for row in (0, 7):
        session.look_at(row)
        h = session.trace()["h2"][0]
        assert told["places"][row] == pytest.approx(h[[0, 2]], abs=1e-5)


# -- another engine -----------------------------------------------------------------------------


class Half:
    """An engine that is none of the library's: every update halves all weights."""

    def start(self, architecture, recipe):
        self.learner = Library().start(architecture, recipe)
        return self.learner

    def begin(self, learner, architecture, recipe, rows):
        self.epoch = Halving(Library().begin(learner, architecture, recipe, rows))
        return self.epoch


class Halving:
    def __init__(self, epoch):
        self.task, self.before, self.rates, self.done = epoch.task, epoch.before, epoch.rates, 0

    def batch(self):
        return np.arange(5)

    def step(self, learner):
        learner.params.flat[...] *= 0.5
        learner.updates += 1
        self.done += 1
        learner.epochs += self.done == len(self.rates)
        return self.done == len(self.rates)


def test_another_engine_takes_the_librarys_place(session):
    other = Session(session.source.penguins, engine=Half())
    assert other.change({"test_share": 0.0}) is None
    first = other.run.params.flat.copy()
    assert other.step("epoch") is None
    np.testing.assert_array_equal(other.run.params.flat, first * 0.5**10)
    other.step("sample")
    assert other.sample in other.points.training[:5]
    ahead = other.ahead().flat.copy()
    np.testing.assert_array_equal(ahead, other.run.params.flat * 0.5)
    other.rewind(0)
    np.testing.assert_array_equal(other.run.params.flat, first)
    frame(other, playing=False, kind="epoch")
