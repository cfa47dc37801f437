"""A drill for the tests: plant one fault at a time in a copy of handgrad, and see them fail.

    make mutants

Each fault replaces a text that occurs exactly once in one file; the tests that it names must
then fail. First the unmodified copy must pass all of them. A fault that survives is a test
that is missing. To add a fault, add a line to FAULTS: any file of the package, any tests.
"""
# ruff: noqa: E501 -- the table keeps one fault on one line

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
COPIED = ["src", "tests", "examples", "pyproject.toml"]
AT_ONCE = 2
LONGEST = 300  # seconds that the tests may take before the fault counts as noticed


class Fault(NamedTuple):
    file: str  # in src/handgrad
    right: str
    wrong: str
    name: str
    tests: str  # test files without test_ and .py, in the order in which to run them


FAULTS = [
    # two_layer.py, equation by equation
    Fault("two_layer.py", "r = x @ W1 + b1", "r = x @ W1 - b1", "(1) bias subtracted", "two_layer"),
    Fault("two_layer.py", "h = np.maximum(0, r)", "h = np.abs(r)", "(2) absolute value", "two_layer"),
    Fault("two_layer.py", "score = h @ W2 + b2", "score = r @ W2 + b2", "(3) r for h", "two_layer"),
    Fault("two_layer.py", "e / e.sum(axis=1, keepdims=True)", "e / e.sum()", "(4) over the batch", "two_layer"),
    Fault("two_layer.py", "score - score.max(axis=1, keepdims=True)", "score", "(4) exp overflows", "two_layer"),
    Fault("two_layer.py", "L = np.mean(", "L = np.sum(", "(5) sum for mean", "two_layer"),
    Fault("two_layer.py", "np.mean(log_sum_exp - tape.score[np.arange(len(y_t)), y_t])", "-np.mean(np.log(tape.y[np.arange(len(y_t)), y_t]))", "(5) log of a probability", "two_layer"),
    Fault("two_layer.py", "(tape.y - np.eye(N_y)[y_t]) / n", "tape.y - np.eye(N_y)[y_t]", "(6) not over n", "two_layer"),
    Fault("two_layer.py", "np.eye(N_y)[y_t]", "np.eye(N_y)[y_t - 1]", "(6) wrong column", "two_layer"),
    Fault("two_layer.py", "dW2 = tape.h.T @ dscore", "dW2 = tape.r.T @ dscore", "(7) r for h", "two_layer"),
    Fault("two_layer.py", "db2 = dscore.sum(axis=0)", "db2 = dscore.mean(axis=0)", "(8) mean for sum", "two_layer"),
    Fault("two_layer.py", "dh = dscore @ params.W2.T", "dh = -dscore @ params.W2.T", "(9) sign", "two_layer"),
    Fault("two_layer.py", "dr = dh * (tape.r > 0)", "dr = dh * (dh > 0)", "(10) mask of dh", "two_layer"),
    Fault("two_layer.py", "dr = dh * (tape.r > 0)", "dr = dh * (tape.r >= 0)", "(10) slope 1 at 0", "two_layer"),
    Fault("two_layer.py", "dW1 = tape.x.T @ dr", "dW1 = tape.x.T @ dh", "(11) dh for dr", "two_layer"),
    Fault("two_layer.py", "db1 = dr.sum(axis=0)", "db1 = dh.sum(axis=0)", "(12) dh for dr", "two_layer"),
    Fault("two_layer.py", "theta - lr * dtheta for", "theta + lr * dtheta for", "(13) uphill", "two_layer"),
    Fault("two_layer.py", "return Params(dW1, db1, dW2, db2)", "return Params(dW1, db1, dW2, db1)", "db1 returned for db2", "two_layer network"),
    Fault("two_layer.py", "backward(params, tape, y_t[rows])", "backward(params, tape, y_t[: len(rows)])", "rows shuffled without their classes", "two_layer"),
    Fault("two_layer.py", "order = rng.permutation(n)\n", "order = np.arange(n)\n", "never shuffled", "two_layer"),
    Fault("two_layer.py", "range(N_b or n, n, N_b or n)):", "range(N_b or n, n, N_b or n))[: max(1, n // (N_b or n))]:", "last batch dropped", "two_layer"),
    Fault("two_layer.py", "losses.append(loss(forward(params, x), y_t))", "losses.append(loss(tape, y_t[rows]))", "loss of the last batch only", "two_layer"),
    Fault("two_layer.py", "np.sqrt(2 / N_x)", "np.sqrt(1 / N_x)", "initial scale", "two_layer"),
    # activations.py
    Fault("activations.py", "dr: Array = dh * (r > 0)", "dr: Array = dh * (r >= 0)", "relu: slope 1 at 0", "activations"),
    Fault("activations.py", "dh * (1 - h * h)", "dh * (1 - h)", "tanh: 1 - h", "activations"),
    Fault("activations.py", "dh * (h * (1 - h))", "dh * (r * (1 - r))", "logistic: r for h", "activations"),
    Fault("activations.py", "np.where(positive, -r, r)", "-r", "logistic: exp overflows", "activations"),
    Fault("activations.py", "# in the forward pass h = r, so now dh/dr = 1\n    return dh", "return dh * r", "identity: times r", "activations"),
    # losses.py
    Fault("losses.py", "difference /= n", "difference /= 1", "not over n", "losses"),
    Fault("losses.py", "difference[np.arange(n), y_t] -= 1", "difference[np.arange(n), y_t - 1] -= 1", "wrong target column", "losses"),
    Fault("losses.py", "difference = y.copy()", "difference = y", "prediction overwritten", "losses"),
    Fault("losses.py", "return log_sum_exp(score) - score[np.arange(len(y_t)), y_t]", "return -np.log(softmax(score)[np.arange(len(y_t)), y_t])", "log of a probability", "losses"),
    Fault("losses.py", "rows = weight * rows", "rows = 1 * rows", "weight ignored by the loss", "losses"),
    Fault("losses.py", "difference *= weight[:, None]", "difference *= 1", "weight ignored by the gradient", "losses"),
    Fault("losses.py", "((1 - y_t) * score - log_logistic(score))", "(y_t * score - log_logistic(score))", "binary: no for yes", "losses"),
    Fault("losses.py", "(0.5 * (score - y_t) ** 2)", "((score - y_t) ** 2)", "squared error: the half", "losses"),
    Fault("losses.py", "np.mean(rows, dtype=np.result_type(rows, np.float64))", "np.mean(rows)", "float32 mean", "losses"),
    Fault("losses.py", "(score > 0) if output", "(score > 1) if output", "logistic: yes above 1", "losses"),
    Fault("losses.py", "(decided == y_t).all(axis=1)", "(decided == y_t).any(axis=1)", "one right output suffices", "losses"),
    # params.py
    Fault("params.py", "        for n_in, n_out in pairwise(layer_units):\n            W.append(flat[start : start + n_in * n_out].reshape(n_in, n_out))\n            start += n_in * n_out\n            b.append(flat[start : start + n_out])\n            start += n_out\n", "        for n_in, n_out in pairwise(layer_units):\n            b.append(flat[start : start + n_out])\n            start += n_out\n            W.append(flat[start : start + n_in * n_out].reshape(n_in, n_out))\n            start += n_in * n_out\n", "biases before weights", "params"),
    Fault("params.py", ".reshape(n_in, n_out))", '.reshape(n_in, n_out, order="F"))', "column by column", "params"),
    Fault("params.py", ".reshape(n_in, n_out))", ".reshape(n_in, n_out).copy())", "a copy for a view", "params"),
    Fault("params.py", "self.like(self.flat.copy())", "self.like(self.flat)", "copy shares memory", "params"),
    Fault("params.py", "if flat.shape != (count(layer_units),):", "if len(flat) < count(layer_units):", "long vector accepted", "params"),
    Fault("params.py", 'factor = 2.0 if activation == "logistic" else 6.0', "factor = 6.0", "Glorot factor of logistic", "params"),
    Fault("params.py", "np.sqrt(factor / sum(W.shape))", "np.sqrt(factor / W.shape[0])", "Glorot fan-in alone", "params"),
    Fault("params.py", "raw >> np.uint64(11)", "raw >> np.uint64(12)", "half of the interval", "params"),
    # network.py
    Fault("network.py", "gradients.W[layer][...] = tape.h[layer].T @ d", "gradients.W[layer][...] = tape.h[layer - 1 if tape.h[layer - 1].shape == tape.h[layer].shape else layer].T @ d", "stale h where shapes allow", "network golden"),
    Fault("network.py", "dh = d @ params.W[layer].T", "W = params.W[layer]\n            dh = d @ (W if W.shape[0] == W.shape[1] else W.T)", "W not transposed where square", "network golden"),
    Fault("network.py", "tape.r[layer - 1], tape.h[layer])", "tape.r[layer - 1], tape.h[-1] if tape.h[-1].shape == tape.h[layer].shape else tape.h[layer])", "h of the last layer", "network golden"),
    Fault("network.py", "+= l2 * params.W[layer]", "+= 2 * l2 * params.W[layer]", "gradient of the penalty doubled", "network"),
    Fault("network.py", "        if l2:\n", "        if l2 and layer:\n", "penalty missing in the first layer", "network"),
    Fault("network.py", "return l2 / 2 * sum(", "return l2 * sum(", "penalty: the half", "network"),
    Fault("network.py", "np.sum(W * W, dtype=wide) for W in params.W", "np.sum(W * W, dtype=wide) for W in (*params.W, *params.b)", "penalty on biases", "network"),
    Fault("network.py", "d.sum(axis=0, dtype=wide)", "d.sum(axis=0)", "float32 sum over rows", "network"),
    Fault("network.py", "d = dscore(tape.y, y_t, weight)", "d = dscore(tape.y, y_t)", "weight forgotten on the way back", "network"),
    Fault("network.py", "score = h[-1] @ params.W[-1] + params.b[-1]", "score = h[-1] @ params.W[-1]", "last bias forgotten", "network golden"),
    Fault("network.py", "if len(self.layer_units) < 2 or min(self.layer_units) < 1:", "if len(self.layer_units) < 2:", "empty layer accepted", "network"),
    # gradcheck.py
    Fault("gradcheck.py", "return all(error <= self.tolerance for error in self.errors.values())", "return True", "always passes", "gradcheck"),
    Fault("gradcheck.py", "return all(error", "return any(error", "one right parameter suffices", "gradcheck"),
    Fault("gradcheck.py", "nan=np.inf", "nan=0.0", "NaN passes", "gradcheck"),
    Fault("gradcheck.py", "SMALLEST_PART = 1e-2", "SMALLEST_PART = 1e9", "everything is small", "gradcheck"),
    Fault("gradcheck.py", "relative_error(gradients[name], value)", "relative_error(value, value)", "compared with itself", "gradcheck"),
    Fault("gradcheck.py", "gradient[i] = f(point).imag / step\n        point[i] = theta[i]", "gradient[i] = f(point).imag / step", "complex step not taken back", "gradcheck"),
    Fault("gradcheck.py", "(above - f(point)) / (2 * step)", "(above - f(point)) / step", "central: the two", "gradcheck"),
    Fault("gradcheck.py", "forward(architecture, point, x), y_t, weight, l2)", "forward(architecture, point, x), y_t, weight)", "penalty not checked", "gradcheck"),
    # optim.py
    Fault("optim.py", "            theta -= descent\n", "            theta += descent\n", "SGD uphill", "optim"),
    Fault("optim.py", "v -= descent", "v += descent", "momentum uphill", "optim"),
    Fault("optim.py", "self.momentum * v - descent if self.nesterov else v", "v", "Nesterov looks not ahead", "optim"),
    Fault("optim.py", "self.momentum * v - descent if", "v - descent if", "Nesterov looks too far ahead", "optim"),
    Fault("optim.py", "m / (1 - self.beta_1**t)", "m / (1 - self.beta_1 ** (t + 1))", "Adam: t off by one", "optim"),
    Fault("optim.py", "m_hat = m / (1 - self.beta_1**t)", "m_hat = m.copy()", "Adam: m not corrected", "optim"),
    Fault("optim.py", "root_v_hat /= math.sqrt(1 - self.beta_2**t)", "root_v_hat /= 1", "Adam: v not corrected", "optim"),
    Fault("optim.py", "        root_v_hat /= math.sqrt(1 - self.beta_2**t)\n        root_v_hat += self.epsilon\n", "        root_v_hat += self.epsilon\n        root_v_hat /= math.sqrt(1 - self.beta_2**t)\n", "Adam: epsilon before the correction", "optim"),
    Fault("optim.py", "np.sqrt(v)\n", "np.sqrt(v + self.epsilon**2)\n", "Adam: epsilon under the root too", "optim"),
    Fault("optim.py", "lr / (t + 1) ** power_t", "lr / max(t, 1) ** power_t", "inverse scaling: t off by one", "optim"),
    Fault("optim.py", "found.status == 0", "True", "L-BFGS always converges", "optim"),
    Fault("optim.py", '"gtol": tol', '"gtol": 1e-5', "L-BFGS: tol ignored", "optim"),
    # batches.py
    Fault("batches.py", "range(0, len(order), batch_size)", "range(0, len(order) - batch_size + 1, batch_size)", "last batch dropped", "batches"),
    Fault("batches.py", "order[start : start + batch_size]", "order[start : start + batch_size + 1]", "rows in two batches", "batches"),
    Fault("batches.py", 'np.argsort(bits.random_raw(n), kind="stable")', 'np.argsort(bits.random_raw(n) >> np.uint64(63), kind="stable")', "few orders possible", "batches"),
    Fault("batches.py", "group = np.unique(keys, return_inverse=True)[1]", "group = np.argsort(np.argsort(keys))", "equal rows on both sides", "batches"),
    Fault("batches.py", "_lowest_share(keys[rows], weight[rows], share)", "_lowest_share(keys[rows], np.ones(len(rows)), share)", "weights ignored", "batches"),
    Fault("batches.py", "for k in np.unique(y_t):\n        rows = np.flatnonzero(y_t == k)", "for k in [0]:\n        rows = np.flatnonzero(y_t >= k)", "not class by class", "batches"),
    Fault("batches.py", "lowest[-1] = False", "lowest[-1] &= True", "only row of a class held back", "batches"),
]  # fmt: skip


def copy_into(folder: Path) -> Path:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


def python(copy: Path, *arguments: str) -> tuple[int, str]:
    """Run Python where the copy of handgrad comes before the installed one."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(copy / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",  # a fault of equal length must not meet old bytecode
        "OPENBLAS_NUM_THREADS": "1",
    }
    command = [sys.executable, *arguments]
    try:
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, timeout=LONGEST
        )
    except subprocess.TimeoutExpired:
        return 1, "FAILED took too long"
    return done.returncode, done.stdout + done.stderr


def run_tests(copy: Path, names: Iterable[str]) -> tuple[int, str]:
    files = [f"tests/test_{name}.py" for name in names]
    options = ["-x", "-q", "-p", "no:cacheprovider", "--tb=no", "--hypothesis-profile=drill"]
    return python(copy, "-m", "pytest", *options, *files)


def check_the_copy(copy: Path) -> None:
    """Stop unless the tests run on the copy, and pass there while it has no fault."""
    _, where = python(copy, "-c", "import handgrad; print(handgrad.__file__)")
    if not Path(where.strip()).is_relative_to(copy):
        sys.exit(f"the copy in {copy} is not what Python imports, but {where}")
    code, output = run_tests(copy, dict.fromkeys(name for f in FAULTS for name in f.tests.split()))
    if code != 0:
        sys.exit(f"the tests must pass before a fault is planted:\n{output}")
    print(f"without a fault: {output.strip().splitlines()[-1]}", flush=True)


def caught_by(fault: Fault, copy: Path) -> str | None:
    """Plant the fault and name the test that notices it, or None if none does."""
    path = copy / "src" / "handgrad" / fault.file
    text = path.read_text()
    path.write_text(text.replace(fault.right, fault.wrong))
    try:
        code, output = run_tests(copy, fault.tests.split())
    finally:
        path.write_text(text)
    if code == 0:
        return None
    failed = re.search(r"^FAILED (?:tests/)?(.*?)(?: - .*)?$", output, re.MULTILINE)
    if failed is None:  # a fault must leave a program that can be imported
        sys.exit(f"{fault.file}, {fault.name}: no test failed, pytest itself did:\n{output}")
    return failed[1]


def main() -> None:
    for fault in FAULTS:
        if (ROOT / "src" / "handgrad" / fault.file).read_text().count(fault.right) != 1:
            sys.exit(f"{fault.file} must hold this text exactly once:\n{fault.right}")

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        copies: SimpleQueue[Path] = SimpleQueue()
        for i in range(AT_ONCE):
            copies.put(copy_into(Path(folder, f"copy{i}").resolve()))
        first = copies.get()
        check_the_copy(first)
        copies.put(first)

        def drill(fault: Fault) -> str | None:
            copy = copies.get()
            try:
                return caught_by(fault, copy)
            finally:
                copies.put(copy)

        caught = 0
        for fault, test in zip(FAULTS, pool.map(drill, FAULTS), strict=True):
            caught += test is not None
            print(f"{fault.file:16} {fault.name:36} {test or 'SURVIVED'}", flush=True)
    print(f"{caught} of {len(FAULTS)} faults caught")
    sys.exit(caught != len(FAULTS))


if __name__ == "__main__":
    main()
