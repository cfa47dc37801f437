"""docs/derivation.md and two_layer.py say the same thing, equation by equation.

The page defines equation k where it writes \\tag{k}; the file computes it on the line that
ends with the number. What the page quotes, shapes and worked numbers included, is held here.
"""

import ast
import contextlib
import inspect
import io
import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from handgrad import losses, network, two_layer
from handgrad.outputs import OUTPUTS
from handgrad.params import Params as FlatParams
from handgrad.skip import Linear

PAGE = (Path(__file__).parents[1] / "docs" / "derivation.md").read_text(encoding="utf-8")
LINES = inspect.getsource(two_layer).splitlines()
NUMBERS = range(1, 14)
BESIDE = range(14, 16)  # of a skip and of a scale, which network.py alone has
# what equations 1 to 12 define
NAMES = ["r", "h", "score", "y", "L", "dscore", "dW2", "db2", "dh", "dr", "dW1", "db1"]

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROSE = FENCE.sub("", PAGE)
FORMULAS = [body for kind, body in FENCE.findall(PAGE) if kind == "math"]

SIZES = {"n": 7, "N_x": 2, "N_h": 5, "N_y": 3}


def numbered_line(number):
    lines = LINES if number in NUMBERS else inspect.getsource(network).splitlines()
    (line,) = [line for line in lines if line.endswith(f" ({number})")]
    return line.strip()


def code_of(line):
    return line.split("  # ")[0].strip()


def shape_of(line):
    """Read the comment "# (n, N_h) (1)" or "# (n,)": the shape, without the number."""
    return re.sub(r" \(\d+\)$", "", line.split("  # ")[1])


def quoted(number):
    """Give the shape and the line that the page states below an equation."""
    pattern = rf"\\tag\{{{number}\}}\n```\n\nShape `([^`]+)`, line `([^`]+)`\n"
    return re.search(pattern, PAGE).groups()


def defined(formula):
    r"""Read the code's name for what a formula defines: dW2 from "dW_2 = ... \tag{7}"."""
    return re.sub(r"\\mathit\{(\w+)\}|_", r"\1", formula.split("=")[0]).strip()


@pytest.fixture(scope="module")
def quantities():
    """All named quantities of one step on a random batch, the local ones included."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((SIZES["n"], SIZES["N_x"]))
    y_t = rng.integers(SIZES["N_y"], size=SIZES["n"])
    params = two_layer.initialise(SIZES["N_x"], SIZES["N_h"], SIZES["N_y"], rng)
    params = two_layer.Params(*(v + 0.1 * rng.standard_normal(v.shape) for v in params))
    found = {"x": x, "y_t": y_t, **params._asdict()}
    watched = {f.__code__ for f in (two_layer.forward, two_layer.loss, two_layer.backward)}

    def keep_locals(frame, event, _):
        if event == "return" and frame.f_code in watched:
            found.update(frame.f_locals)

    before = sys.getprofile()
    sys.setprofile(keep_locals)
    try:
        tape = two_layer.forward(params, x)
        two_layer.loss(tape, y_t)
        gradients = two_layer.backward(params, tape, y_t)
    finally:
        sys.setprofile(before)
    return found | {"gradients": gradients, "params": params}


def sizes(shape):
    """Turn the text "(n, N_h)" into (7, 5), and "scalar" into ()."""
    return () if shape == "scalar" else eval(shape, {}, SIZES)


# The numbers


def test_each_number_ends_exactly_one_line_of_the_file():
    pattern = r"(?<!\w)\((\d+)\)"
    assert [int(k) for k in re.findall(pattern, "\n".join(LINES))] == list(NUMBERS)
    assert [int(k) for line in LINES for k in re.findall(pattern + "$", line)] == list(NUMBERS)


def test_each_number_is_defined_once_on_the_page_and_stands_nowhere_else_in_parentheses():
    numbers = [*NUMBERS, *BESIDE]
    assert [int(k) for k in re.findall(r"\\tag\*?\{(\d+)\}", PAGE)] == numbers
    assert PAGE.count(r"\tag") == len(numbers)
    assert not re.findall(r"(?<!\w)\(\d{1,2}\)", PAGE)  # a year has four digits


def test_prose_names_only_equations_that_exist():
    mentions = re.findall(r"[Ee]quations? (\d+)(?:(?:, (\d+))* (?:to|and) (\d+))?", PROSE)
    cited = {int(k) for mention in mentions for k in mention if k}
    assert cited
    assert cited <= {*NUMBERS, *BESIDE}


# The quotations


@pytest.mark.parametrize("number", [*NUMBERS, *BESIDE])
def test_the_page_quotes_the_numbered_line_and_its_shape(number):
    line = numbered_line(number)
    assert quoted(number) == (shape_of(line), code_of(line))


def test_every_other_line_of_code_on_the_page_stands_in_the_source():
    source = {
        code_of(line)
        for module in (two_layer, losses, network)
        for line in inspect.getsource(module).splitlines()
    }
    spans = re.findall(r"(?<!\$)`([^`$]+)`(?!\$)", PROSE)
    assignments = {span for span in spans if re.search(r" \+?= ", span)} - {"r = 0"}
    (loop,) = [body for _, body in FENCE.findall(PAGE) if "layer - 1" in body]
    assert len(assignments) == 12 + 2 + 1 + 2  # equations, log_sum_exp in two lines, l2, beside
    assert assignments | set(loop.splitlines()) <= source


@pytest.mark.parametrize(("number", "name"), list(enumerate(NAMES, start=1)))
def test_page_and_line_define_the_same_quantity(number, name):
    (formula,) = [formula for formula in FORMULAS if rf"\tag{{{number}}}" in formula]
    (target,) = ast.parse(numbered_line(number)).body[0].targets
    assert defined(formula) == target.id == name


def test_equations_14_and_15_are_the_scalar_formulas_of_the_page():
    rng = np.random.default_rng(3)
    n, N_x, N_h, N_y = 4, 3, 5, 2
    architecture = network.Architecture((N_x, N_h, N_y), skip=(Linear(), Linear()), scales=True)
    params = FlatParams.zeros((N_x, N_h, N_y), np.float64, architecture.beside)
    params.flat[:] = rng.standard_normal(params.flat.size)
    rows, y_t = rng.standard_normal((n, N_x + 2)), rng.integers(N_y, size=n)
    tape, kept = network.forward(architecture, params, rows), {}
    gradients = network.backward(architecture, params, tape, y_t, kept=kept)
    w, dscore, dr, W1 = rows[:, N_x:], kept["dscore"], kept["dr1"], params.W[0]
    dV = [[sum(w[i, p] * dscore[i, k] for i in range(n)) for k in range(N_y)] for p in range(2)]
    dh0 = [[sum(dr[i, u] * W1[p, u] for u in range(N_h)) for p in range(N_x)] for i in range(n)]
    ds = [sum(rows[i, p] * dh0[i][p] for i in range(n)) for p in range(N_x)]
    np.testing.assert_allclose(gradients.V, dV, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(gradients.s, ds, rtol=1e-13, atol=1e-15)


def test_equation_13_updates_theta_on_the_page_and_in_the_file():
    (formula,) = [formula for formula in FORMULAS if r"\tag{13}" in formula]
    assert formula.startswith(r"\theta \leftarrow \theta - \mathit{lr} \, d\theta \tag{13}")
    assert "theta - lr * dtheta for theta, dtheta in pairs" in numbered_line(13)


# The shapes


def test_every_shape_in_the_file_is_the_shape_at_run_time(quantities):
    claims = [
        (match["name"], shape_of(line))
        for line in LINES
        if (match := re.match(r" +(?P<name>\w+)(:| =).*  # (\(.*\)|scalar)( \(\d+\))?$", line))
    ]
    assert len(claims) >= 4 + 5 + 12 + 2  # Params, Tape, the equations, and two more in loss
    for name, shape in claims:
        assert np.shape(quantities[name]) == sizes(shape), name


def test_every_shape_in_the_table_of_symbols_is_the_shape_at_run_time(quantities):
    rows = re.findall(r"^\| `(\w+)` \| (?:`(\(.*?\))`|(scalar)) \|", PAGE, re.MULTILINE)
    claims = {name: shape or scalar for name, shape, scalar in rows}
    assert claims.pop("lr") == "scalar"
    assert claims.keys() == {"x", "y_t", "W1", "b1", "W2", "b2", *NAMES[:5]}
    for name, shape in claims.items():
        assert np.shape(quantities[name]) == sizes(shape), name


def test_a_gradient_has_the_shape_of_its_parameter(quantities):
    for v, dv in zip(quantities["params"], quantities["gradients"], strict=True):
        assert dv.shape == v.shape


# The mathematics


def test_the_file_computes_the_scalar_formulas_of_the_page(quantities):
    """Every formula with indices, written once more as a sum over Python numbers."""
    q = quantities
    x, y_t, W1, b1, W2, b2 = (q[name].tolist() for name in ("x", "y_t", "W1", "b1", "W2", "b2"))
    n, N_x, N_h, N_y = (range(SIZES[name]) for name in ("n", "N_x", "N_h", "N_y"))

    r = [[sum(x[i][p] * W1[p][u] for p in N_x) + b1[u] for u in N_h] for i in n]
    h = [[max(0, r[i][u]) for u in N_h] for i in n]
    score = [[sum(h[i][u] * W2[u][k] for u in N_h) + b2[k] for k in N_y] for i in n]
    total = [sum(math.exp(score[i][j]) for j in N_y) for i in n]
    y = [[math.exp(score[i][k]) / total[i] for k in N_y] for i in n]
    L = -sum(math.log(y[i][y_t[i]]) for i in n) / len(n)

    # from dy and both cases of the derivative of the softmax, not from equation 6
    def softmax_slope(i, k, j):
        return y[i][k] * (1 - y[i][k]) if k == j else -y[i][k] * y[i][j]

    dy = [[-(k == y_t[i]) / (len(n) * y[i][k]) for k in N_y] for i in n]
    dscore = [[sum(dy[i][k] * softmax_slope(i, k, j) for k in N_y) for j in N_y] for i in n]
    dW2 = [[sum(h[i][u] * dscore[i][k] for i in n) for k in N_y] for u in N_h]
    db2 = [sum(dscore[i][k] for i in n) for k in N_y]
    dh = [[sum(dscore[i][k] * W2[u][k] for k in N_y) for u in N_h] for i in n]
    dr = [[dh[i][u] * (r[i][u] > 0) for u in N_h] for i in n]
    dW1 = [[sum(x[i][p] * dr[i][u] for i in n) for u in N_h] for p in N_x]
    db1 = [sum(dr[i][u] for i in n) for u in N_h]

    expected = dict(
        zip(NAMES, (r, h, score, y, L, dscore, dW2, db2, dh, dr, dW1, db1), strict=True)
    )
    for name, value in expected.items():
        # 1e-13: sums of at most seven terms in another order
        np.testing.assert_allclose(q[name], value, rtol=1e-13, atol=1e-15, err_msg=name)


@pytest.mark.parametrize("output", ["logistic", "identity"])
def test_equation_6_is_the_derivative_for_the_other_outputs(output):
    rng = np.random.default_rng(0)
    score = rng.standard_normal((4, 3))
    y_t = rng.integers(2, size=(4, 3)).astype(float)
    dscore = np.empty_like(score)
    for index in np.ndindex(score.shape):
        step = np.zeros(score.shape, complex)
        step[index] = 1e-200j
        dscore[index] = OUTPUTS[output].mean_loss(score + step, y_t).imag / 1e-200
    y = OUTPUTS[output].predict(score)
    np.testing.assert_allclose(dscore, (y - y_t) / len(y), rtol=1e-12, atol=1e-15)


# The blocks that are run, and the numbers


@pytest.fixture(scope="module")
def namespace():
    """Run the page's Python; where a text block follows, it is what must have been printed."""
    names = {}
    blocks = FENCE.findall(PAGE)
    for (kind, code), (next_kind, shown) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if kind == "python":
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(code, names)
            assert printed.getvalue() == (shown if next_kind == "text" else "")
    return names


def test_every_number_of_the_worked_example_is_what_the_program_computes(namespace):
    cells = r"^\| (\d+) \| `(\w+)` \| `(.+?)` \| `(.+?)` \|$"
    rows = re.findall(cells, PAGE, re.MULTILINE)
    assert [(int(k), name) for k, name, _, _ in rows] == [
        *enumerate(NAMES, start=1),
        *((13, name) for name in ("W1", "b1", "W2", "b2")),
        (14, "dV"),
        (9, "dh0"),
        (15, "ds"),
    ]
    tape, gradients, after = (namespace[name] for name in ("tape", "gradients", "after"))
    dscore = (tape.y - np.eye(3)[namespace["y_t"]]) / 1
    dh = dscore @ namespace["params"].W2.T
    computed = {
        **tape._asdict(),
        "L": two_layer.loss(tape, namespace["y_t"]),
        "dscore": dscore,
        "dh": dh,
        "dr": dh * (tape.r > 0),
        **{f"d{name}": value for name, value in gradients._asdict().items()},
        **after._asdict(),
        "dV": namespace["wider_gradients"].V,
        "dh0": namespace["wider_kept"]["dh0"],
        "ds": namespace["wider_gradients"].s,
    }
    for _, name, by_hand, value in rows:
        assert np.round(computed[name], 4).tolist() == ast.literal_eval(value), name
        arithmetic = eval(by_hand, {"log": math.log})
        # its operands are rounded to four places, at most four of them to a sum
        np.testing.assert_allclose(arithmetic, ast.literal_eval(value), rtol=0, atol=2e-4)


def test_the_constants_quoted_in_prose():
    assert "which is 1.0986 for three classes" in PROSE
    assert round(math.log(3), 4) == 1.0986
    assert r"e^{-800} \approx 3.7 \cdot 10^{-348}" in PROSE
    assert 10 ** (348 - 800 / math.log(10)) == pytest.approx(3.7, abs=0.05)
    assert r"4.9 \cdot 10^{-324}" in PROSE
    assert math.ulp(0.0) == pytest.approx(4.9e-324)
    assert f"e = {math.e:.4f}`$, $`1/e = {1 / math.e:.4f}" in PROSE
    assert f"e + 1 + 1/e = {math.e + 1 + 1 / math.e:.4f}" in PROSE


# The example in matrices and in pictures

MATRIX = re.compile(r"\\begin\{pmatrix\} (.*?) \\end\{pmatrix\}")
SHOWN = {**dict(enumerate(NAMES, start=1)), 13: "W1_new", 14: "dV", 15: "ds"}


def number_matrix(written):
    """Turn rows of numbers in TeX into a list of lists in Python."""
    rows = [row.split("&") for row in written[1].replace(r" \\ ", ";").split(";")]
    entries = [[re.sub(r"(?<=[\d.]) \(", " * (", entry).strip() for entry in row] for row in rows]
    return f"np.array([{', '.join('[' + ', '.join(row) + ']' for row in entries)}], float)"


def sides(formula):
    """Evaluate each side of an equation between matrices of numbers; names have no value."""
    told = MATRIX.sub(number_matrix, formula).replace("float) np", "float) @ np")
    for tex, python in ((r"\max\Bigl(0,", "np.maximum(0,"), (r"\Bigr)", ")"), (r"\odot", "*")):
        told = told.replace(tex, python)
    told = told.replace(r"\cdot", "*").replace(r"\log 4.0862", "np.log(4.0862)")
    parts = re.split(r" = | \\leftarrow ", told)
    numbers = [part for part in parts if not re.search(r"\\|^[a-zA-Z]+_?\d?$", part)]
    return [np.atleast_2d(eval(part, {"np": np})) for part in numbers]


def of_numbers():
    """List the formulas of the page that calculate with matrices of numbers."""
    found = [formula for formula in FORMULAS if MATRIX.search(formula)]
    return [
        formula for formula in found if not re.search(r"[a-z]_\d|y_", MATRIX.findall(formula)[0])
    ]


@pytest.fixture(scope="module")
def drawing():
    """The program that draws the pictures."""
    path = Path(__file__).parents[1] / "docs" / "equations.py"
    names = {"__name__": "equations", "__file__": str(path)}
    exec(compile(path.read_text(encoding="utf-8"), path, "exec"), names)
    return names


def test_every_formula_of_the_example_is_true_and_is_what_the_code_computes(drawing):
    quantities = drawing["example"]()
    for number, name in SHOWN.items():
        below = PAGE.split(rf"\tag{{{number}}}")[1]
        formula = re.search(r"In the example.*?```math\n(.*?)```", below, re.DOTALL)[1].strip()
        for side in sides(formula):
            np.testing.assert_allclose(
                side, np.atleast_2d(quantities[name]), rtol=0, atol=2e-4, err_msg=formula
            )
        assert len(sides(formula)) == (1 if number in (8, 12) else 2)


def test_the_softmax_in_numbers_and_the_derivative_of_the_loss_in_it(drawing):
    y = drawing["example"]()["y"]
    jacobian, dy = np.diag(y[0]) - y.T @ y, np.array([[0, -1 / y[0, 1], 0]])
    for start, value in ((r"\frac{\partial y}", jacobian), ("dy = ", dy), (D, dy @ jacobian)):
        found = [
            formula
            for formula in FORMULAS
            if formula.startswith(start) and re.search(r"pmatrix\} [\d-]", formula)
        ]
        for side in [side for formula in found for side in sides(formula.strip())]:
            np.testing.assert_allclose(side, value, rtol=0, atol=2e-4)
        assert found


D = r"\mathit{dscore} = \begin{pmatrix}"


def test_the_fall_of_the_loss_in_prose(namespace):
    squared = sum(np.sum(dv**2) for dv in namespace["gradients"])
    tape = two_layer.forward(namespace["after"], namespace["x"])
    after = two_layer.loss(tape, namespace["y_t"])
    before = two_layer.loss(namespace["tape"], namespace["y_t"])
    assert f"|\\nabla L|^2 = {squared:.4f}`$" in PROSE
    assert f"promises a change of the loss by {-0.1 * squared:.4f}" in PROSE
    assert f"it changes by {after - before:.4f}, from {before:.4f} to {after:.4f}" in PROSE


def test_the_pictures_are_those_that_the_program_draws(drawing):
    pictures = drawing["pictures"]()
    assert list(pictures) == [*NUMBERS, *BESIDE]
    assert len(list(drawing["FOLDER"].iterdir())) == len(pictures)
    for number, picture in pictures.items():
        path = drawing["FOLDER"] / f"equation_{number}.svg"
        assert path.read_text(encoding="utf-8") == drawing["drawn"](number, picture)
        assert path.stat().st_size < 6000
        below = PAGE.split(rf"\tag{{{number}}}")[1]
        assert below.index(f"](equations/{path.name})") < 1500
        assert "prefers-color-scheme: dark" in path.read_text(encoding="utf-8")


def test_what_a_picture_tells_is_true_and_is_its_marked_entry(drawing):
    for picture in drawing["pictures"]().values():
        told = picture.told.removeprefix("one row: ").replace("−", "-").replace("·", "*")
        *worked, result = re.sub(r"log (\S+)", r"np.log(\1)", told).split(" = ")
        (place,) = picture.parts[-1].marked
        entry = round(np.atleast_2d(picture.parts[-1].value)[place], 4)
        assert float(result) == entry, picture.told
        for sum_ in worked:
            value = eval(sum_, {"np": np, "max": max})
            assert value == pytest.approx(entry, rel=0, abs=1.01e-4), picture.told


# The rendering


def test_the_formulas_use_only_what_github_renders():
    assert not re.findall(r"\\(?:operatorname|mbox|phantom|def|newcommand|label|require)\b", PAGE)
    # no bare $...$, whose underscores Markdown would take for emphasis
    assert not re.findall(r"\$(?!`)", re.sub(r"\$`[^`]+`\$", "", PROSE))
    for formula in FORMULAS:
        assert "\n\n" not in formula
        assert formula.count("{") == formula.count("}")
        assert formula.count(r"\Bigl") == formula.count(r"\Bigr")
