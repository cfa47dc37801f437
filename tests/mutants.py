"""A drill for the tests: plant one fault at a time in a copy of handgrad, and see them fail.

    make mutants
    python tests/mutants.py encode training   # only the faults of these two files

Each fault replaces a text that occurs exactly once in one file; the tests that it names must
then fail. First the unmodified copy must pass all of them. A fault that survives is a test
that is missing. To add a fault, add a line here or to the file of its area in tests/faults: any
file of the package, any tests. A filter names files without their ending, or folders: cli.
"""
# ruff: noqa: E501 -- the table keeps one fault on one line

import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from faults import Fault, command_line, elsewhere, estimators, numbers, page, workers

ROOT = Path(__file__).resolve().parents[1]
COPIED = ["src", "tests", "examples", "docs", "pyproject.toml"]
COPIED += ["hatch_build.py", "README.md", "LICENSE", ".gitignore"]  # of which a wheel is made
ENGINE = Path("src", "handgrad", "engines", "compiled")
AT_ONCE = 2
TOO_SLOW = "every_check_of_scikit_learn"  # and what it would notice, a test of ours must
LONGEST = 300  # seconds that the tests may take before the fault counts as noticed


FAULTS = [
    # two_layer.py, equation by equation
    Fault("two_layer.py", "r = x @ W1 + b1", "r = x @ W1 - b1", "(1) bias subtracted", "two_layer"),
    Fault("two_layer.py", "h = np.maximum(0, r)", "h = np.abs(r)", "(2) absolute value", "two_layer"),
    Fault("two_layer.py", "score = h @ W2 + b2", "score = r @ W2 + b2", "(3) r for h", "two_layer"),
    Fault("two_layer.py", "e / e.sum(axis=1, keepdims=True)", "e / e.sum()", "(4) over the batch", "two_layer"),
    Fault("two_layer.py", "score - score.max(axis=1, keepdims=True)", "score", "(4) exp overflows", "two_layer"),
    Fault("two_layer.py", "L = np.mean(", "L = np.sum(", "(5) sum for mean", "two_layer"),
    Fault("two_layer.py", "np.mean(log_sum_exp - shifted[np.arange(len(y_t)), y_t])", "-np.mean(np.log(tape.y[np.arange(len(y_t)), y_t]))", "(5) log of a probability", "two_layer"),
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
    Fault("two_layer.py", "for start in range(0, n, N_b):", "for start in range(0, max(n - N_b, 0) + 1, N_b):", "last batch dropped", "two_layer"),
    Fault("two_layer.py", "losses.append(loss(forward(params, x), y_t))", "losses.append(loss(tape, y_t[rows]))", "loss of the last batch only", "two_layer"),
    Fault("two_layer.py", "np.sqrt(2 / N_x)", "np.sqrt(1 / N_x)", "initial scale", "two_layer"),
    # activations.py
    Fault("activations.py", "dr: Array = dh * (r > 0)", "dr: Array = dh * (r >= 0)", "relu: slope 1 at 0", "activations"),
    Fault("activations.py", "dr: Array = dh * (1 - h * h)", "dr: Array = dh * (1 - h)", "tanh: 1 - h", "activations"),
    Fault("activations.py", "dr: Array = dh * (h * (1 - h))", "dr: Array = dh * (r * (1 - r))", "logistic: r for h", "activations"),
    Fault("activations.py", "h: Array = np.where(positive, 1, e) / (1 + e)", "h: Array = 1 / (1 + np.exp(-r))", "logistic: exp overflows", "activations"),
    Fault("activations.py", "# in the forward pass h = r, so now dh/dr = 1\n    return dh", "return dh * r", "identity: times r", "activations"),
    Fault("activations.py", "np.where(r > 0, dh, LEAK * dh)", "np.where(r > 0, dh, 0 * dh)", "leaky relu: no leak back", "activations"),
    Fault("activations.py", "return np.where(r > 0, dh, dh * (h + 1))", "return np.where(r > 0, dh, dh * (r + 1))", "elu: r for h", "activations"),
    Fault("activations.py", "dh * (h + SELU_LAMBDA * SELU_ALPHA)", "dh * (h + SELU_ALPHA)", "selu: lambda lost", "activations"),
    Fault("activations.py", "1.6732632423543772848170429916717", "1.6732", "selu: alpha rounded", "activations"),
    Fault("activations.py", "dh * -np.expm1(-h)", "dh * -np.expm1(-r)", "softplus: r for h", "activations"),
    Fault("activations.py", "_normal_distribution(r) + r * density", "_normal_distribution(r) + density", "gelu: phi(r) for r phi(r)", "activations"),
    Fault("activations.py", "dh * (s + h * (1 - s))", "dh * (s + r * (1 - s))", "silu: r for h", "activations"),
    Fault("activations.py", "(rest * (1 + t)) * logistic(r)", "(rest * (1 - t)) * logistic(r)", "mish: (1 - t)^2", "activations"),
    # losses.py
    Fault("losses.py", "difference /= len(difference)", "difference /= 1", "not over n", "losses"),
    Fault("losses.py", "difference[np.arange(n), y_t] -= 1", "difference[np.arange(n), y_t - 1] -= 1", "wrong target column", "losses"),
    Fault("losses.py", "if smoothing else y.copy()", "if smoothing else y", "prediction overwritten", "losses"),
    Fault("losses.py", "rows: Array = log_sum_exp - true", "rows: Array = -np.log(softmax(score)[np.arange(len(y_t)), y_t])", "log of a probability", "losses"),
    Fault("losses.py", "(y_t * shifted).sum(axis=1)", "(y_t * score).sum(axis=1)", "soft: shifted and plain scores mixed", "soft"),
    Fault("losses.py", "difference -= (1 - smoothing) * y_t", "difference -= y_t", "soft: smoothing left out of the gradient", "soft"),
    Fault("losses.py", "rows = weight * rows", "rows = 1 * rows", "weight ignored by the loss", "losses"),
    Fault("losses.py", "difference *= weight[:, None]", "difference *= 1", "weight ignored by the gradient", "losses"),
    Fault("losses.py", "((1 - _smoothed(y_t, settings)) * score", "(_smoothed(y_t, settings) * score", "binary: no for yes", "losses"),
    Fault("losses.py", "(0.5 * (score - y_t) ** 2)", "((score - y_t) ** 2)", "squared error: the half", "losses"),
    Fault("losses.py", "np.mean(rows, dtype=np.result_type(rows, np.float64))", "np.mean(rows)", "float32 mean", "losses"),
    Fault("outputs.py", "((score > 0) == (y_t > 0.5)).all(axis=1)", "((score > 1) == (y_t > 0.5)).all(axis=1)", "logistic: yes above 1", "losses"),
    Fault("outputs.py", "((score > 0) == (y_t > 0.5)).all(axis=1)", "((score > 0) == (y_t > 0.5)).any(axis=1)", "one right output suffices", "losses"),
    Fault("outputs.py", "(score == y_t).all(axis=1)", "(score == y_t).any(axis=1)", "one exact number suffices", "outputs"),
    Fault("output.py", "settings), weight)\n\n    def dscore(", "settings), None)\n\n    def dscore(", "weight forgotten by the loss", "losses"),
    Fault("outputs.py", "return losses.log_mean_exp(yes, shares) - losses.log_mean_exp(no, shares)", "return losses.log_mean_exp(yes)", "several networks: only yes counts", "model inside outputs"),
    Fault("output.py", "return max(1, len(self.quantiles(settings)))", "return 1", "one score for all quantiles", "outputs network"),
    Fault("losses.py", "y - smoothing / N_y if", "y - smoothing if", "smoothing not shared out", "losses"),
    Fault("losses.py", "y_t + smoothing / 2 if", "y_t + smoothing if", "binary: smoothing not shared out", "losses"),
    Fault("losses.py", "smoothing * shifted.mean(axis=1)", "smoothing * score.mean(axis=1)", "smoothing: scores not shifted", "losses"),
    Fault("losses.py", "held * (off - held / 2)", "held * off / 2", "huber: slope delta/2", "losses"),
    Fault("losses.py", "np.clip(y - y_t, -settings.delta, settings.delta)", "np.clip(y - y_t, -1, 1)", "huber: delta 1", "losses"),
    Fault("losses.py", "np.where(off > 0, 1 - q, -q)", "np.where(off > 0, q, q - 1)", "quantile: the other side", "losses"),
    Fault("losses.py", "np.repeat(y_t, count, axis=1)", "np.tile(y_t, count)", "quantile by quantile", "losses"),
    Fault("losses.py", "np.where(y_t > 0, y_t, 1)", "y_t + 1e-3", "poisson: log of 0", "losses"),
    # params.py
    Fault("params.py", "        for n_in, n_out in pairwise(layer_units):\n            W.append(flat[start : start + n_in * n_out].reshape(n_in, n_out))\n            start += n_in * n_out\n            b.append(flat[start : start + n_out])\n            start += n_out\n", "        for n_in, n_out in pairwise(layer_units):\n            b.append(flat[start : start + n_out])\n            start += n_out\n            W.append(flat[start : start + n_in * n_out].reshape(n_in, n_out))\n            start += n_in * n_out\n", "biases before weights", "params"),
    Fault("params.py", "wider.W[0][places] = self.W[0]", "wider.W[0][: len(places)] = self.W[0]", "a network looks at other inputs", "params"),
    Fault("params.py", ".reshape(n_in, n_out))", '.reshape(n_in, n_out, order="F"))', "column by column", "params"),
    Fault("params.py", ".reshape(n_in, n_out))", ".reshape(n_in, n_out).copy())", "a copy for a view", "params"),
    Fault("params.py", "self._named(owned(self.flat), self", "self._named(self.flat, self", "copy shares memory", "params"),
    Fault("params.py", "if flat.shape != (count(layer_units, beside),):", "if len(flat) < count(layer_units, beside):", "long vector accepted", "params"),
    Fault("activations.py", "glorot_factor=2.0", "glorot_factor=6.0", "Glorot factor of logistic", "params"),
    Fault("params.py", ".glorot_factor / sum(W.shape))", ".glorot_factor / W.shape[0])", "Glorot fan-in alone", "params"),
    Fault("params.py", '"he": 2 / n_in', '"he": 2 / n_out', "He fan-out", "params"),
    Fault("chance.py", "np.log1p(-u)", "np.log1p(-u) / 2", "normal: half the variance", "params"),
    Fault("params.py", "math.sqrt(3 * variance)", "math.sqrt(variance)", "uniform: a third of the variance", "params"),
    Fault("chance.py", "raw >> np.uint64(11)", "raw >> np.uint64(12)", "half of the interval", "params"),
    # network.py
    Fault("network.py", "gradients.W[layer][...] = tape.h[layer].T @ d", "gradients.W[layer][...] = tape.h[layer - 1 if tape.h[layer - 1].shape == tape.h[layer].shape else layer].T @ d", "stale h where shapes allow", "network golden"),
    Fault("network.py", "dh = d @ params.W[layer].T", "W = params.W[layer]\n            dh = d @ (W if W.shape[0] == W.shape[1] else W.T)", "W not transposed where square", "network golden"),
    Fault("network.py", "tape.r[layer - 1], tape.h[layer])", "tape.r[layer - 1], tape.h[-1] if tape.h[-1].shape == tape.h[layer].shape else tape.h[layer])", "h of the last layer", "network golden"),
    Fault("network.py", "architecture.activations[layer - 1]", "architecture.activations[0]", "derivative of the first layer's activation", "network"),
    Fault("network.py", "+= l2 * params.W[layer]", "+= 2 * l2 * params.W[layer]", "gradient of the penalty doubled", "network"),
    Fault("network.py", "        if l2:\n            gradients.W", "        if l2 and layer:\n            gradients.W", "penalty missing in the first layer", "network"),
    Fault("network.py", "return l2 / 2 * sum(", "return l2 * sum(", "penalty: the half", "network"),
    Fault("network.py", "None) for W in params.weights)", "None) for W in (*params.weights, *params.b))", "penalty on biases", "network"),
    Fault("network.py", "d.sum(axis=0, dtype=wide)", "d.sum(axis=0)", "float32 sum over rows", "network"),
    Fault("network.py", "tape.y, y_t, weight, architecture.loss)", "tape.y, y_t, None, architecture.loss)", "weight forgotten on the way back", "network"),
    Fault("network.py", "product(h[-1], params.W[-1]) + params.b[-1]", "product(h[-1], params.W[-1])", "last bias forgotten", "network golden"),
    Fault("network.py", "if len(self.layer_units) < 2 or min(self.layer_units) < 1:", "if len(self.layer_units) < 2:", "empty layer accepted", "network"),
    # gradcheck.py
    Fault("gradcheck.py", "return all(error <= self.tolerance for error in self.errors.values())", "return True", "always passes", "gradcheck"),
    Fault("gradcheck.py", "return all(error", "return any(error", "one right parameter suffices", "gradcheck"),
    Fault("gradcheck.py", "np.where(is_at, 0, every)", "0 * every", "a corner excuses every fault", "gradcheck"),
    Fault("gradcheck.py", "rest = gradients.flat - theirs.flat", "rest = gradients.flat", "corners left out on one side", "gradcheck"),
    Fault("gradcheck.py", "self.n_at_corners < self.n)", "self.n_at_corners <= self.n)", "passes with nothing compared", "gradcheck"),
    Fault("gradcheck.py", "nan=np.inf", "nan=0.0", "NaN passes", "gradcheck"),
    Fault("gradcheck.py", "SMALLEST_PART = 1e-2", "SMALLEST_PART = 1e9", "everything is small", "gradcheck"),
    Fault("gradcheck.py", "analytic = gradients.flat[entries]", "analytic = complex_step(loss_at, params.flat, entries)", "compared with itself", "gradcheck"),
    Fault("gradcheck.py", "gradient[place] = f(point).imag / step\n        point[i] = theta[i]", "gradient[place] = f(point).imag / step", "complex step not taken back", "gradcheck"),
    Fault("gradcheck.py", "(above - f(point)) / (2 * step)", "(above - f(point)) / step", "central: the two", "gradcheck"),
    Fault("gradcheck.py", "forward(architecture, point, x, masks), y_t, weight, l2)", "forward(architecture, point, x, masks), y_t, weight)", "penalty not checked", "gradcheck"),
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
    Fault("schedules.py", "lr / (t + 1) ** power_t", "lr / max(t, 1) ** power_t", "inverse scaling: t off by one", "optim"),
    Fault("optim.py", "found.status == 0", "True", "L-BFGS always converges", "optim"),
    Fault("optim.py", '"gtol": tol', '"gtol": 1e-5', "L-BFGS: tol ignored", "optim"),
    Fault("optim.py", 'for_biases if name.startswith("b") else rule', "rule", "AdamW: biases decay", "optim"),
    Fault("optim.py", "theta -= lr * self.weight_decay * theta", "theta -= self.weight_decay * theta", "AdamW: decay without the rate", "optim"),
    Fault("optim.py", 'if "step" in vars(kind):', "if False:", "a rule with a step of its own runs as another", "optim engine_choice"),
    Fault("optim.py", "np.square(gradients.flat, dtype=np.float64)", "np.square(gradients.flat)", "norm: float32 squares overflow", "optim"),
    Fault("optim.py", "*= clip_norm / size", "*= clip_norm / size**2", "clipping: norm twice", "optim"),
    # schedules.py
    Fault("schedules.py", "factor: Rates = (1 + np.cos(np.pi * t)) / 2", "factor: Rates = (1 + np.cos(2 * np.pi * t)) / 2", "cosine: a whole wave", "schedules"),
    Fault("schedules.py", "np.log2(1 + 15 * t)", "np.log2(1 + 16 * t)", "coslog4: 16 for 15", "schedules"),
    Fault("schedules.py", "START, END, PEAK = 25.0, 25.0 * 1e4, 0.3", "START, END, PEAK = 25.0, 1e4, 0.3", "onecycle: end too high", "schedules"),
    Fault("schedules.py", "after = position + 1 / batches", "after = position", "warmup: first rate 0", "schedules"),
    Fault("schedules.py", "_checked(schedule(epoch + 1), epoch + 1)", "_checked(schedule(epoch), epoch + 1)", "a function's epochs from 0", "schedules"),
    # dropout.py
    Fault("dropout.py", "(kept / (1 - share))", "kept", "not inverted", "dropout"),
    Fault("dropout.py", "np.arange(1, n * units + 1,", "np.arange(0, n * units,", "SplitMix64: one early", "dropout"),
    Fault("chance.py", "z = (z ^ (z >> np.uint64(27)))", "z = (z ^ (z >> np.uint64(28)))", "SplitMix64: a shift", "dropout"),
    Fault("dropout.py", "start + updates * np.uint64(GOLDEN)", "start + 0 * updates", "the same mask in every update", "dropout"),
    Fault("network.py", "tape.masks[layer - 1] * dh", "(tape.masks[layer - 1] > 0) * dh", "mask not made up for on the way back", "dropout"),
    # skip.py, and equations 14 and 15
    Fault("skip.py", "np.clip(u[:, None] - edges[:-1], 0, 1)", "np.clip(u[:, None] - edges[1:], 0, 1)", "steps one edge late", "skip"),
    Fault("skip.py", "enumerate(skip)]\n    return", "enumerate(skip[::-1])]\n    return", "columns in the wrong order", "skip"),
    Fault("network.py", "gradients.V[...] += l2 * params.V", "gradients.V[...] += l2", "(14) a penalty that is not V's", "skip"),
    Fault("network.py", "(tape.x * dh).sum(", "(tape.h[0] * dh).sum(", "(15) scaled inputs for x", "skip"),
    Fault("network.py", "folded.W[0][...] *= params.s[:, None]", "folded.W[0][...] /= params.s[:, None]", "scale folded the wrong way", "skip"),
    Fault("optim.py", "_step(for_biases, theta, dtheta, memory, t, lr * factors[place])", "_step(for_biases, theta, dtheta, memory, t, lr)", "factors forgotten", "skip"),
    Fault("optim.py", "            rule.decay(theta, lr)\n", "            rule.decay(theta, lr * factors[place])\n", "decay at the parameter's rate", "skip"),
    # batch.py, its division
    Fault("batch.py", "range(0, len(order), batch_size)", "range(0, len(order) - batch_size + 1, batch_size)", "last batch dropped", "batches"),
    Fault("batch.py", "order[start : start + batch_size]", "order[start : start + batch_size + 1]", "rows in two batches", "batches"),
    Fault("chance.py", "keys = bits.random_raw(n)", "keys = bits.random_raw(n) & ~np.uint64(2**63 - 1)", "few orders possible", "batches"),
    # held_back.py
    Fault("training/held_back.py", "group = np.unique(keys, return_inverse=True)[1]", "group = np.argsort(np.argsort(keys))", "equal rows on both sides", "held_back"),
    Fault("training/held_back.py", "_lowest_share(key[of_class], units.weight[of_class], share)", "_lowest_share(key[of_class], np.ones(len(of_class)), share)", "weights ignored", "held_back"),
    Fault("training/held_back.py", "of_class = np.flatnonzero(stratum == k)", "of_class = np.arange(len(stratum))", "not class by class", "held_back"),
    Fault("training/held_back.py", "held &= keys != keys[strata == k].max()", "pass", "only row of a class held back", "held_back"),
    Fault("training/held_back.py", "alone = heavy[units.group]", "alone = heavy[units.group] & False", "patterns held back whole", "held_back"),
    Fault("training/held_back.py", "np.where(alone, units.stratum, majority[units.group])", "units.stratum", "labels of equal rows parted", "held_back"),
    Fault("training/held_back.py", "(is_mixed | has_patterns)", "(size > 0)", "an oversampled class validates itself", "held_back"),
    Fault("training/held_back.py", "lexsort((*answers.T, strata, keys))", "lexsort((strata, keys))", "the order of rows decides", "held_back"),
    Fault("training/held_back.py", "(weight * part)[held_back]", "weight[held_back]", "divided rows count twice", "held_back"),
    Fault("training/held_back.py", "np.arange(len(row)) >= len(row) - n_held", "np.arange(len(row)) < n_held", "the first rows for the last", "held_back"),
    Fault("estimators/fitting.py", "rows.take(parts.kept, parts.kept_weight)", "rows.take(parts.kept)", "divided rows are trained on whole", "validation"),
    Fault("cli/parts.py", "if unknown := [label", "if unknown := [] and [label", "classes of the last rows only pass", "parts"),
    # tables: statistics, levels and inputs
    Fault('tables/statistics.py', '_averages(centred * centred, w) - shift * shift)', '_averages(centred * centred, w) * v.shape[1] / (v.shape[1] - 1) - shift * shift)', 'deviation of a sample', 'encode'),
    Fault('tables/encode.py', 'z /= self.scale\n', 'z /= 1\n', 'scale not applied', 'encode'),
    Fault('tables/statistics.py', 'median[same] = self._low[same], 1.0, self._low[same]', 'median[same] = self._low[same], 0.0, self._low[same]', 'constant column divided by 0', 'encode'),
    Fault('tables/statistics.py', 'variance_before + gain * share + apart * apart * (1 - share) * share', 'variance_before + gain * share', 'blocks apart', 'statistics'),
    Fault('tables/statistics.py', 'np.ldexp(self._variance[at], 2 * before)', 'np.ldexp(self._variance[at], before)', 'squares scaled once', 'statistics'),
    Fault('tables/recognition/digest.py', 'keeps[[*range(min(2, len(both)))', 'keeps[[*range(min(1, len(both)))', 'the second smallest number forgotten', 'digest'),
    Fault('tables/recognition/digest.py', 'self._has_missing |= not present.all()', 'self._has_missing = not present.all()', 'holes of the last portion only', 'digest'),
    Fault('tables/recognition/digest.py', 'elif not self._is_sample or _hash_of(value) < self._below:', 'elif not self._is_sample:', 'no texts after the first many', 'digest'),
    Fault('tables/gathering.py', 'missing[counted].any(axis=0)', 'missing.any(axis=0)', 'holes of rows held back', 'gathering'),
    Fault('tables/gathering.py', 'lower, median, upper = np', 'upper, median, lower = np', 'quartiles the wrong way round', 'gathering'),
    Fault('tables/gathering.py', "tells_missing=not column.reads.scaled(column),", "tells_missing=True,", 'a level for what a flag tells', 'gathering'),
    Fault('engines/piled.py', 'array[: filled - whole] = array[whole:filled].copy()', 'array[: filled - whole] = array[: filled - whole].copy()', 'rows that wait are lost', 'piles'),
    Fault('engines/piled.py', 'whole = filled if last else filled - filled % size', 'whole = filled', 'short batches at the end of piles', 'piles'),
    Fault('engines/spool.py', 'shuffled(self.n_groups, bits), int(', 'np.arange(self.n_groups), int(', 'groups in the order of the file', 'piles'),
    Fault('training/held_stored.py', 'keys = keys[:-1]  # one group', 'pass  # one group', 'a class held back whole', 'held_stored'),
    Fault('tables/stored.py', 'if _state(name) != state or', 'if', 'a file that changes between looks', 'parquet'),
    Fault('estimators/source.py', 'float(found[1]) * UNITS[found[2]]', 'float(found[1])', 'memory without its unit', 'parquet'),
    Fault('estimators/source.py', 'return sorted(names)', 'return names[::-1]', 'files of a folder in another order', 'parquet'),
    Fault('estimators/source.py', 'wrong = ~(weight >= 0)', 'wrong = weight < 0', 'a missing weight', 'parquet'),
    Fault('estimators/answers.py', 'places[at], missing', 'at, missing', 'labels by their place in a portion', 'parquet'),
    Fault('estimators/answers.py', 'self.mean, self.scale = described.mean, described.scale', 'self.scale = described.scale', 'targets not centred', 'parquet'),
    Fault('estimators/answers.py', 'impossible = self._head.impossible(numbers)', 'impossible = np.zeros(1, bool)', 'negative counts', 'parquet'),
    Fault('estimators/piles.py', 'learns[held[low:high] - part.first] = False', 'pass', 'rows held back are learnt', 'parquet'),
    Fault('estimators/piles.py', "np.searchsorted(before, rows, side=\"right\")", "0", 'places among the rows that count', 'parquet'),
    Fault('estimators/piles.py', "relative(kept, weight) / largest / (total / n)", "relative(kept, weight) / largest", 'weights of another mean', 'parquet'),
    Fault('cli/piles.py', 'n_training = n_rows - n_unlabelled - n_weightless - len(held)', 'n_training = n_rows - len(held)', 'rows counted that do not count', 'cli_memory'),
    Fault('cli/piles.py', 'rows = held[low:high] - first', 'rows = held[low:high] - first - 1', 'judged by other rows than those held back', 'cli_memory'),
    Fault("cli/piles.py", 'drop=tuple(options["drop"])', "drop=()", "dropped columns are learnt from", "cli_memory"),
    Fault("cli/piles.py", "    answers.check()\n", "", "piles train on what memory refuses", "cli_memory"),
    Fault("cli/training.py", "estimator.set_params(comm=comm)", "pass", "workers share nothing", "workers"),
    Fault("estimators/answers.py", "check_whole(values[~missing], are_rows=False)", "pass", "fractions are labels in a file", "parquet"),
    Fault('cli/fit.py', 'if isinstance(outcome, Labelled):', 'if False:', 'a dry run is no outcome', 'cli_memory cli_columns'),
    Fault('models/file.py', '{name: np.ascontiguousarray(value) for', '{name: value for', 'views written as what lies there', 'model_file'),
    Fault('tables/selection.py', 'bits & _SIGN, ~bits, bits | _SIGN', 'bits & _SIGN, bits, bits | _SIGN', 'negative numbers in the wrong order', 'statistics'),
    Fault('tables/selection.py', 'below = search.base + np.cumsum(counts)', 'below = np.cumsum(counts)', 'ranks forgotten between passes', 'statistics'),
    Fault('tables/statistics.py', 'return Kept(None if rows.all() else rows, weights[rows])', 'return Kept(None if rows.all() else rows, None)', 'weights ignored', 'encode'),
    Fault('tables/statistics.py', 'np.median(v, axis=1) if w is None else _weighted_medians(v, w)', 'np.median(v, axis=1)', 'median without weights', 'encode'),
    Fault('tables/statistics.py', '(below <= half + tied).sum(axis=1)', '(below < half - tied).sum(axis=1)', 'the lower median', 'encode'),
    Fault('tables/encode.py', 'np.subtract(x, self.mean, dtype=np.float64)', 'np.subtract(x, self.mean, dtype=out.dtype, casting="unsafe")', 'mean subtracted in float32', 'encode'),
    Fault('tables/encode.py', 'middle = (self.median - self.mean) / self.scale', 'middle = 0 * self.median', 'mean for median', 'encode'),
    Fault('tables/encode.py', 'self._put_flags(cells.missing(self.plan, self._flagged), out)', 'pass', 'flag never raised (table)', 'encode'),
    Fault('tables/cells.py', 'put_block(table, [column.name for column, _ in typed], numbers, places)', 'put_block(table, table.column_names[: len(typed)], numbers, places)', 'columns found by position', 'encode'),
    Fault('tables/levels.py', 'known = sorted(frequent[: frequency.max_levels])', 'known = frequent[: frequency.max_levels]', 'levels not sorted', 'encode'),
    Fault('tables/levels.py', 'rows = np.flatnonzero(codes >= 0)', 'rows = np.arange(len(codes))', 'unseen level sets the last', 'encode'),
    Fault('tables/levels.py', 'return -1 if text is None else', 'return 0 if text is None else', 'missing cell sets the first level', 'encode'),
    Fault('tables/fitting.py', 'missing[kept.picked].any(axis=0)', 'missing.any(axis=0)', 'row of weight 0 raises a flag', 'encode'),
    Fault('tables/recognition/column.py', 'wanted := declared or ("category" if is_level else None)', 'wanted := "category" if is_level else None', 'declared category is a number', 'estimator_columns'),
    Fault('tables/kinds.py', 'cells = bare if trimmed else cells', 'cells = bare', 'blanks of a level lost', 'cli_columns'),
    Fault('tables/encode.py', 'partial(self._place, table)', 'partial(self._place_in_array, 0)', 'the row of a part for that of the table', 'explain encode'),
    Fault("estimators/fitting.py", "        weight,\n        estimator.preprocess,", "        rows.weight,\n        estimator.preprocess,", 'encoder learns from rows held back', 'estimators'),
    Fault('tables/recognition/target.py', 'if found is None:\n', 'if False:\n', 'labels under regression not told', 'cli_columns'),
    Fault('playground/source.py', 'column.n_levels > MOST_TEXTS)', 'column.n_levels > 10 * MOST_TEXTS)', 'names of rows taken for inputs', 'playground_data'),
    Fault('estimators/summary.py', 'bool(encoder.plan.with_levels)', 'True', 'one-hot where there are no categories', 'inside estimator_columns'),
    # tables: the plan of the columns
    Fault('tables/plan.py', 'for column in self.columns if column.is_used]', 'for column in self.columns]', 'a column left out is needed', 'plan'),
    Fault('tables/recognition/planning.py', 'keeps_constants=True', 'keeps_constants=False', 'a table of constants has no column', 'plan'),
    Fault('tables/recognition/planning.py', '            faults.append(str(error))\n', '            raise\n', 'the first fault alone', 'plan cli_columns'),
    Fault('tables/recognition/column.py', 'if declared == "left out":', 'if False:', 'left out though declared otherwise', 'cli_columns'),
    Fault('tables/recognition/numbers.py', 'if low == high and len(values) == n and is_exact and', 'if low == high and is_exact and', 'a column with holes is constant', 'plan estimator_columns'),
    Fault('tables/recognition/categories.py', 'len(cells) >= NEARLY_ALL * total:', 'len(cells) > total:', 'names of rows are levels', 'plan'),
    Fault('tables/recognition/categories.py', '2 * len(cells) >= total and _are_long(cells)', '_are_long(cells)', 'any long text is free text', 'estimator_columns'),
    Fault('tables/recognition/numbers.py', 'return are_exact or not (values % 1).any()', 'return False', 'typed ids lose digits unsaid', 'plan'),
    Fault('tables/recognition/wide.py', 'odd |= texts.match(NUMBER_PATTERN)', 'odd |= False', 'infinity among many columns is a word', 'wide'),
    Fault('tables/recognition/wide.py', '(n == 0) | ~_are_truths(codes, distinct)', 'True', 'yes and no among many columns are levels', 'wide'),
    Fault('tables/recognition/column.py', 'if not words <= TRUE | FALSE:', 'if not words <= {"true", "false"}:', 'yes and no are levels', 'plan'),
    Fault('tables/recognition/column.py', 'len(np.unique(numbers)) < MANY_NUMBERS', 'len(np.unique(numbers)) < 0', 'codes among words are numbers', 'estimator_columns'),
    Fault('tables/recognition/numbers.py', '(month >= 1) & (month <= 12)', '(month >= 1)', 'any whole number is a date', 'estimator_columns'),
    Fault('tables/recognition/column.py', 'find_dates(cells, MOSTLY)', 'find_dates(cells, 1.0)', 'one odd cell undoes dates', 'estimator_columns'),
    Fault('tables/recognition/numbers.py', 'if near < far and gap > far - near:', 'if False:', 'a code far from the rest not doubted', 'plan'),
    Fault('tables/recognition/column.py', 'if 2 * words.total() >= each[odd | ~reading.missing].sum():', 'if False:', 'anything can be declared yes or no', 'cli_columns'),
    Fault('tables/recognition/target.py', 'notation = found.notation._replace(units=())', 'notation = PLAIN', 'the notation of a target forgotten', 'cli_columns'),
    Fault('tables/recognition/wishes.py', 'return (*self.missing.get(None, ()), *self.missing.get(name, ()))', 'return self.missing.get(name, ())', 'a word that means missing everywhere', 'cli_columns plan'),
    Fault('tables/one_cell.py', 'bare = text.strip()\n    return is_plain_number(bare) and float(bare) in codes', 'return text.strip() in {f"{code:g}" for code in codes}', '-999.0 is not -999', 'estimator_columns'),
    Fault('tables/kinds.py', 'unknown = present & (values != 0) & (values != 1)', 'unknown = present & np.isnan(values)', 'a number among booleans not counted', 'cli_columns'),
    Fault('tables/kinds.py', 'return Reading(column.dating.numbers(seconds), missing, None, missing & present)', 'return Reading(column.dating.numbers(seconds), missing, None, missing & ~present)', 'dates that cannot be read not told', 'plan cli_columns'),
    Fault('tables/kinds.py', 'self.n == self.n_present > (ALL_BY_CHANCE if self.may_be_rare else 1)', 'self.n == self.n_present', 'one unknown cell is drift', 'cli_columns'),
    Fault('tables/kinds.py', 'n, n_present = self.n + more.n, self.n_present + more.n_present', 'n, n_present = self.n, self.n_present', 'unknown cells of later parts', 'plan'),
    Fault('tables/levels.py', 'return low == "true" if low in ("true", "false")', 'return text if low in ("true", "false")', 'True is not true', 'plan'),
    Fault('tables/levels.py', 'unicodedata.normalize("NFC", text)', 'text', 'letters and their accents', 'plan'),
    Fault('tables/levels.py', 'return int(whole[1])', 'return text', '1.0 is not 1', 'plan cli_columns'),
    Fault('tables/levels.py', 'found[key] = -1 if key in found else place', 'found[key] = place', '01 is the last of 1 and 1.0', 'plan'),
    Fault('tables/levels.py', 'n >= frequency.min_frequency', 'n > frequency.min_frequency', 'a level one row short', 'estimator_columns cli_columns encode'),
    Fault('tables/levels.py', 'codes[strange] = len(places.levels)', 'codes[strange] = 0', 'a rare level is the first', 'cli_columns estimator_columns'),
    Fault('tables/levels.py', '(None,) if tells_missing and n_missing > 0 else ()', '(None,) if tells_missing else ()', 'missing is a level where none was', 'encode plan'),
    Fault('tables/fitting.py', 'mean[~is_scaled], scale[~is_scaled] = 0.0, 1.0', 'pass', 'booleans are standardised', 'plan stream'),
    Fault('tables/fitting.py', '(is_stream and _declared_levels(table, column.name))\n        or ', '', 'declared levels of a stream', 'stream'),
    Fault('tables/encode.py', 'c.kind in ("number", "boolean") for c', 'c.kind == "number" for c', 'an array of booleans refused', 'plan estimator_columns'),
    Fault('tables/cells.py', 'numbers[:, at] = np.where(np.isin(numbers[:, at], codes), np.nan, numbers[:, at])', 'pass', 'codes of typed columns', 'estimator_columns cli_columns'),
    Fault('tables/cells.py', 'if counted is not None:\n            reading', 'if False:\n            reading', 'a bad cell in a row of weight 0', 'encode'),
    Fault('tables/notation.py', 'return -value if parts.negative else value', 'return value', '(1.45) is 1.45', 'notation'),
    Fault('tables/notation.py', 'value *= MULTIPLIERS', 'value *= 1 or MULTIPLIERS', '1.5M is 1.5', 'notation'),
    Fault('tables/notation.py', 'if any(m.count(",") > 1 for m in with_comma):\n        return ".", ",", ""', 'if False:\n        return ".", ",", ""', '1,234,567', 'estimator_columns'),
    Fault('tables/notation.py', 'return decimal or ("," if group == "." else "."), group, ""', 'return decimal or ".", group, ""', 'a thousands sign that is told', 'cli_columns notation estimator_columns'),
    Fault('tables/notation.py', 'm.startswith("0") for m in dotted', 'm.startswith("9") for m in dotted', '0.125 may be thousands', 'notation plan'),
    Fault('tables/dates.py', '"dmy" if day_first >= month_first else "mdy"', '"mdy" if day_first >= month_first else "dmy"', 'day and month exchanged', 'dates'),
    Fault('tables/dates.py', 'lambda seconds: np.cos(TURN', 'lambda seconds: np.sin(TURN', 'sine for cosine', 'dates plan'),
    Fault('tables/dates.py', 'month > 9', 'month > 10', 'January in the year before', 'dates'),
    Fault('tables/dates.py', '_days(seconds) + 3, 7)', '_days(seconds), 7)', 'the week begins on Thursday', 'dates'),
    Fault('tables/dates.py', '- _offset(groups.get("zone"))', '', 'zones ignored', 'dates'),
    Fault('tables/dates.py', '(1900 if number > 68 else 2000)', '2000', '69 is 2069', 'estimator_columns'),
    Fault('tables/parts.py', '_check((given is None) == (kind != "date"), "dating (a date has one)")', '', 'a number with a dating', 'golden_files'),
    Fault('tables/parts.py', 'word not in there)', 'True)', 'NA of an old file is missing', 'model_file golden_files parts'),
    Fault('tables/parts.py', 'value != getattr(_USUAL, name)', 'name != "doubts"', 'what is usual is written out', 'golden_files plan'),
    # estimators: columns and streams
    Fault('estimators/planning.py', 'return str(column) if isinstance(column, Integral) else column', 'return column', 'columns named by numbers', 'estimator_columns'),
    Fault('estimators/planning.py', 'if unknown.is_drift:', 'if unknown.n:', 'one unknown level is warned of', 'estimator_columns'),
    Fault('estimators/planning.py', 'and column.why != AS_DECLARED', '', 'what was declared is warned of', 'estimator_columns'),
    Fault('estimators/planning.py', 'if said := said_of_columns(estimator):', 'if said := []:', 'what is said of an array is ignored', 'estimator_columns'),
    Fault('estimators/stream.py', '+ apart**2 * self.n * share', '', 'squares of two parts alone', 'stream'),
    Fault('estimators/stream.py', 'varied = before.varies', 'varied = before.squares > 0', 'what rounding leaves is a scale', 'stream'),
    Fault('estimators/stream.py', 'b += (by_s @ W', 'b -= (by_s @ W', 'the bias moves the other way', 'stream'),
    Fault('estimators/stream.py', 'W *= a[:, None]', 'W *= 1 / a[:, None]', 'weights divided by the change of scale', 'stream'),
    Fault('estimators/stream.py', 'moved.b[-1] * a + (old.mean - new.mean) / new.scale', 'moved.b[-1] * a', 'the last bias keeps the old mean', 'stream'),
    Fault("estimators/fitting.py", "rows.columns.toarray() if is_sparse(rows.columns) else rows.columns\n    now", "rows.columns\n    now", 'sparse rows after dense ones', 'stream'),
    Fault("estimators/fitting.py", "replace(now, moments=None, target_moments=None, dead_units=None)", "now", 'a fit goes on with a stream', 'stream'),
    Fault("estimators/watching.py", "X = Encoded(validation.rows.x)", "pass", 'scorers encode the rows anew', 'estimator_columns'),
    # cli: columns
    Fault('cli/encoding.py', 'if drifted and unknown != "allow":', 'if False:', 'a column of which nothing is known', 'cli_columns'),
    Fault('cli/encoding.py', 'strict=unknown != "allow", is_part', 'strict=True, is_part', 'a text among numbers is never allowed', 'cli_columns'),
    Fault('cli/encoding.py', '    note_unknown(found)\n', '', 'unknown cells not told', 'cli_columns'),
    Fault('cli/columns.py', 'note(f"columns: {shown(plan.summary())}")', 'pass', 'the plan not told', 'cli_columns'),
    Fault('cli/columns.py', 'key, value = (name, word) if of_one else (None, text)', 'key, value = (None, word) if of_one else (None, text)', 'a word for one column is for all', 'cli_columns'),
    Fault('cli/fit.py', '    if dry_run:\n        return data\n', '', 'a dry run trains', 'cli_columns'),
    Fault('cli/truth.py', 'return model.truth._replace(name=name)', 'return plan_of_target(table, name)', 'a target read anew by each table', 'cli_columns'),
    Fault('cli/truth.py', 'missing, n_strange = missing | strange, int(strange.sum())', 'n_strange = int(strange.sum())', 'unknown labels not left out', 'cli_columns'),
    Fault('cli/info.py', '            if column.kind == "category"\n', '            if True\n', 'words beside numbers are categories', 'cli_columns'),
    Fault('explain/inputs.py', 'becomes = _STRANGE[column.kind] if strange else _BECOMES[column.kind]', 'becomes = _BECOMES[column.kind]', 'a date that cannot be read is taken apart', 'cli_columns'),
    # tables/encode.py
    Fault('tables/fitting.py', 'np.asarray(x[:, start : start + n_block].T, dtype=np.float64, order="C")', 'np.asarray(x[:, start : start + n_block].T, order="C")', 'statistics in float32', 'encode'),
    Fault("tables/encode.py", "np.isnan(x[:, self._flagged])", "np.isnan(x[:, : len(self._flagged)])", "flags of other columns (array)", "encode"),
    # tables/labels.py
    Fault("tables/labels.py", "return np.unique(y)", "return y[np.sort(np.unique(y, return_index=True)[1])]", "classes in order of rows", "labels"),
    Fault("tables/labels.py", "distinct = sorted(set(values))", "distinct = list(dict.fromkeys(values))", "classes in order of rows (objects)", "labels"),
    Fault("tables/labels.py", "_check_all_there(y != y)", "_check_all_there(y[:0] != y[:0])", "NaN is a class", "labels"),
    Fault("tables/labels.py", "repeat(-1)", "repeat(0)", "unknown label is the first class", "labels"),
    Fault("tables/labels.py", "if classes.dtype != object and classes.tolist() == distinct:", "if classes.dtype != object:", "labels merged by a NUL", "labels"),
    # tables/rows.py
    Fault("tables/rows.py", "enumerate(table.column_names)", "enumerate(table.column_names[:-1])", "last column ignored (table)", "rows"),
    Fault("tables/rows.py", "bits += by_column", "bits += by_column[0]", "exchanged cells are equal (array)", "rows"),
    Fault("tables/rows.py", "seed & (2**64 - 1)", "0", "seed ignored", "rows"),
    Fault("tables/rows.py", "np.add(x, 0.0, dtype=np.float64)", "np.array(x, dtype=np.float64)", "-0 differs from 0", "rows"),
    Fault("tables/rows.py", "position << 8 | signs", "signs", "letters in any order", "rows"),
    Fault("tables/rows.py", "columns.take(rows).replace_schema_metadata(None)", "columns.take(rows)", "lines of other rows", "rows"),
    # tables/table.py and the files below it
    Fault("tables/files/parsing.py", "column_types=dict.fromkeys(some, pa.string()),", "column_types={},", "007 read as 7", "table"),
    Fault("tables/columns.py", '"NULL", "?")', '"NULL")', "? is not missing", "columns"),
    Fault("tables/files/encodings.py", "source.without(n_mark), notes", "source, notes", "byte order mark in the first name", "table"),
    Fault("tables/files/parsing.py", "delimiter=self.layout.separator,\n                newlines", "delimiter=self.layout.separator,\n                invalid_row_handler=lambda row: \"skip\",\n                newlines", "ragged rows skipped", "table"),
    Fault("tables/files/delimited.py", "if n_quotes % 2 or (", "if n_quotes < 0 and (", "open quote swallows rows", "table"),
    Fault("tables/files/parsing.py", "ignore_empty_lines=len(names) > 1,", "ignore_empty_lines=True,", "a missing cell of one column is no row", "layouts"),
    Fault("tables/files/delimited.py", "return 1, n, [", "return 0, n, [", "row names under the first name", "layouts"),
    Fault("tables/files/delimited.py", " or _all_is_quoted(text):", ":", "quotes around all cells taken to mean texts", "layouts"),
    Fault("tables/files/parsing.py", "follows = self._filled[0] == self.n_rows", "follows = True", "an index with a gap between portions", "portions"),
    Fault("tables/files/delimited.py", "first_line = chosen.first_line and chosen.first_line + first_row", "first_line = chosen.first_line", "lines counted from the portion", "portions"),
    Fault("tables/files/source.py", "yield rest[:stop]", "yield rest[: stop - 1]", "a byte lost between two chunks", "portions"),
    Fault("cli/encoding.py", "if not any(one.is_drift for one in found):\n            return", "return", "rows predicted of another table", "portions"),
    Fault("cli/predictions.py", "not re.match(NUMBER, value)", "True", "an apostrophe before a number", "cli_keep"),
    Fault("tables/files/names.py", "while free in taken:", "while False:", "a new name that was taken", "layouts"),
    Fault("tables/files/names.py", "column.null_count or arrow.n_distinct(column) < len(column)", "column.null_count", "codes that repeat left out as an index", "layouts"),
    Fault("tables/files/encodings.py", 'rb"[\\x80-\\x9f]"', 'rb"[\\x80-\\x80]"', "latin-1 advised for cp1252", "layouts"),
    Fault("tables/files/joined.py", "table.select(names), quoting", "table.rename_columns(names), quoting", "columns of a second file by place", "layouts"),
    Fault("tables/files/layout.py", "(line - 1, n)", "(line, n)", "the header skipped with the title", "layouts"),
    Fault("tables/columns.py", "{first_line + row}", "{first_line + row + 1}", "line off by one", "columns"),
    Fault("tables/frames.py", "table = frame if isinstance(frame, pa.Table) else _arrow_table(frame)\n    check_names(table.column_names)\n", "table = frame if isinstance(frame, pa.Table) else _arrow_table(frame)\n", "Arrow table with a name twice", "table"),
    # training.py
    Fault("training/run.py", "replace(self, **self.best._asdict(), best=None)", "replace(self, best=None)", "best parameters not put back", "training"),
    Fault("training/ahead.py", "                run.put_back(kept)\n                if", "                if", "who watches a network trained ahead sees where it began", "side_by_side"),
    Fault("training/ahead.py", "run.put_back(end.kept)", "pass", "the end of a network trained ahead is lost", "side_by_side"),
    Fault("training/ahead.py", "        twin.bits = self._run.bits\n", "", "streams of chance of copies are kept", "side_by_side"),
    Fault("training/ahead.py", "run.bits = deepcopy(run.bits)", "pass", "training ahead moves the stream of chance that is watched", "side_by_side"),
    Fault("training/ahead.py", "                    run.take_best()\n", "", "a network that is told to stop forgets its best epoch", "side_by_side"),
    Fault("training/ahead.py", "                    self.forget()\n", "", "a network that is told to stop trains on", "side_by_side::test_a_network_told_to_stop_while_it_trains_ahead_stops_soon"),
    Fault("training/ahead.py", "if self._is_full(kept):", "if False:", "epochs ahead fill the memory", "side_by_side"),
    Fault("training/ahead.py", "        self._lanes.called_off = True\n", "", "an interrupt waits for the networks ahead", "side_by_side"),
    Fault("training/ahead.py", "            call.wait()\n", "            pass\n", "threads outlive their fit", "side_by_side"),
    Fault("training/ahead.py", "partial(context.run, self._work,", "partial(self._work,", "NumPy's settings for errors are lost in threads", "side_by_side"),
    Fault("training/ahead.py", "raise end.error or", "raise", "errors of networks ahead are lost", "side_by_side"),
    Fault("training/ahead.py", "if self._at_once == 1:", "if False:", "networks in turn have no second thread", "side_by_side"),
    # pace.py
    Fault("engines/compiled/pace.py", "best = min(self._numbers", "best = max(self._numbers", "the slowest number of threads", "pace"),
    Fault("engines/compiled/pace.py", "min(seconds, 2 * before)", "seconds", "one slow call counts whole", "pace"),
    Fault("engines/compiled/pace.py", "slower**2", "1", "slow numbers tried as often", "pace"),
    Fault("engines/compiled/pace.py", "        self._calls_since[threads] = 0\n", "", "others tried at every call", "pace"),
    Fault("engines/compiled/threads.py", "self._threads // max(1, len(self._at_work))", "self._threads", "each lane takes all threads", "side_by_side"),
    Fault("engines/compiled/threads.py", "        self.check()\n", "", "a lane called off goes on to the end of its epoch", "side_by_side"),
    Fault("engines/compiled/backend.py", "max(1, min(threads_given(), free_threads()))", "max(1, free_threads())", "more networks at once than threads given", "side_by_side"),
    Fault("engines/compiled/backend.py", "if an_epoch < FLOPS_BESIDE or", "if", "networks wait for each other between tiny epochs", "side_by_side"),
    Fault("estimators/learning.py", " and not _asks_the_user(estimator):", ":", "a user's function is called from several threads", "side_by_side"),
    Fault("estimators/watching.py", "config_context(**self._config)", "config_context()", "a scorer in a thread has another configuration", "side_by_side"),
    Fault("training/train.py", "value < self.best - settings.tol", "value < self.best", "tol ignored", "training"),
    Fault("training/train.py", "self.bad_epochs < settings.patience", "watch.bad_epochs <= settings.patience", "patience off by one", "training"),
    Fault("training/train.py", "return epoch.loss + epoch.penalty", "return epoch.loss", "penalty not watched", "training"),
    Fault("training/train.py", "engine, run.params, watch.validation", "engine, run.params, watch.validation and now.task.rows", "validated on the training rows", "training"),
    Fault("training/train.py", "total_loss += len(part) * float(part_loss)", "total_loss += ROWS_AT_ONCE * float(part_loss)", "last part too heavy", "training"),
    Fault("training/epochs.py", "settings.shuffle and settings.batch_size < n", "settings.batch_size < n", "shuffle cannot be turned off", "training"),
    Fault("batch.py", "self.weight[rows]", "self.weight[: len(rows)]", "rows shuffled without their weights", "training"),
    Fault("engines/numpy.py", "hits if rows.weight is None else rows.weight[hits]", "hits", "accuracy without weights", "training"),
    Fault("training/train.py", "run.lr /= 5", "run.lr /= 2", "adaptive rate halved", "training"),
    Fault("training/epochs.py", "run.rows_seen += len(self.task.rows)", "run.rows_seen += self.task.settings.batch_size", "rows seen are one batch", "training"),
    Fault("training/run.py", "if len(self.slots) != settings.optimizer.n_slots:", "if True:", "slots emptied when going on", "training"),
    Fault("training/run.py", "self.params.copy(), owned(self.slots)", "self.params.copy(), self.slots", "slots of a diverged epoch kept", "training"),
    Fault("training/run.py", "self.params.copy(), owned(self.slots)", "self.params, owned(self.slots)", "parameters of a diverged epoch kept", "training"),
    Fault("training/run.py", "        self.bits.state = kept.chance\n", "", "stream of chance not put back", "training"),
    Fault("training/run.py", "self.__dict__ = vars(kept.run).copy()", "self.__dict__ = vars(kept.run) | {'updates': self.updates}", "count of updates not put back", "refits"),
    Fault("training/train.py", "loss(architecture, point, tape, rows.y_t, rows.weight, l2)", "loss(architecture, point, tape, rows.y_t, None, l2)", "L-BFGS: loss without weights", "training"),
    # model.py
    Fault("engines/numpy.py", "if n % BLOCK:", "if False:", "last block not filled up", "model"),
    Fault("engines/numpy.py", "compute(rows)[:n]", "compute(rows)[len(rows) - n :]", "scores of the filling", "model"),
    Fault("outputs.py", "[log_logistic(-score), log_logistic(score)]", "[log_logistic(score), log_logistic(-score)]", "two classes exchanged", "model"),
    Fault("outputs.py", "losses.held_finite(log_softmax(score))", "np.log(np.exp(log_softmax(score)))", "log of a probability", "model"),
    Fault("outputs.py", "(score > 0).astype", "(score >= 0).astype", "of equal scores the second wins", "model"),
    Fault("models/model.py", "self.encoder.transform(columns, dtype)", "self.encoder.transform(columns)", "rows of float64 for float32", "model"),
    # model_file.py
    Fault("models/container.py", "if digest.hexdigest() != field[1].decode():", "if len(field[1]) != 64:", "checksum not compared", "model_file"),
    Fault("models/file.py", "not 1 <= version <= FORMAT_VERSION", "version < 1", "newer format read", "model_file"),
    Fault("models/file.py", "else classes.dtype.name", 'else "int64" if kind == "i" else classes.dtype.name', "labels of int8 come back as int64", "model_file"),
    Fault("models/file.py", "Params.zeros(architecture.layer_units, dtypes.pop(), architecture.beside)", "Params.zeros(architecture.layer_units, np.float64, architecture.beside)", "float32 comes back as float64", "model_file"),
    Fault("models/file.py", '"target": model.target,', '"target": None,', "name of the target lost", "model_file"),
    Fault("models/file.py", "if not all(np.isfinite(params.flat).all() for params in model.networks):", "if not model.networks:", "infinite parameters saved", "model_file"),
    Fault("models/container.py", "if len({key for key, _ in pairs}) < len(pairs):", "if len(dict(pairs)) > len(pairs):", "repeated keys read", "model_file"),
    Fault("models/file.py", "_require(len(ends) == 1,", "_require(True,", "networks of other inputs are read", "model_file"),
    Fault("models/file.py", "min(told) > LEAST_SHARE and", "True and", "shares below 0", "model_file"),
    Fault("engines/seam.py", "mean_scores(stack, self.shares)", "mean_scores(stack)", "shares of networks forgotten", "together"),
    Fault("models/file.py", "counted = version > 3 and", "counted =", "networks of different sizes in an old version", "model_file"),
    Fault("models/file.py", "write_atomically(path, to_bytes(model))", 'with open(path, "wb") as file:\n        file.write(to_bytes(model))', "model written in place", "model_file"),
    Fault("models/container.py", "if 8 + length + n_body != size:", "if 8 + length + n_body > size:", "bytes after the tensors read", "model_file bombs"),
    Fault("models/container.py", "if needed > FREE_MEMORY + MEMORY_FOR_A_BYTE * size or", "if needed < 0 or", "memory of JSON not bounded", "bombs"),
    Fault("models/container.py", "    if vanished or math.isinf(number):", "    if math.isinf(number):", "1e-999 read as 0", "bombs"),
    Fault("models/container.py", "set(entry) == set(_OF_TENSORS)", "set(entry) >= set(_OF_TENSORS)", "unknown key of a tensor read", "bombs"),
    # atomic_file.py
    Fault("atomic_file.py", "    with atomic_writer(path) as file:\n", "    with open(path, 'wb') as file:\n", "written in place", "atomic_file"),
    Fault("atomic_file.py", "os.unlink(temporary)", "pass", "temporary file left", "atomic_file"),
    Fault("atomic_file.py", "                os.fsync(file.fileno())", "                pass", "not forced to the disk", "atomic_file"),
    Fault("atomic_file.py", "    mode = _mode(target)", "    mode = None", "permissions lost", "atomic_file"),
    Fault("atomic_file.py", "error.strerror, str(target)) from None", "error.strerror, error.filename) from None", "temporary name in the message", "atomic_file"),
    Fault("atomic_file.py", "fcntl.LOCK_EX | fcntl.LOCK_NB", "fcntl.LOCK_UN", "temporary file of a running save removed", "atomic_file"),
    Fault("atomic_file.py", "        if error.errno not in _CANNOT:\n            warnings", "        if error.errno is None:\n            warnings", "a failing disk is not told of", "atomic_file"),
    # evaluation.py
    Fault("models/evaluation.py", "K * y_t + given", "K * given + y_t", "confusion transposed", "evaluation"),
    Fault("models/evaluation.py", "self.confusion.sum(axis=0))", "self.confusion.sum(axis=1))", "recall for precision", "evaluation"),
    Fault("models/evaluation.py", "_mean(log_proba[np.arange(len(y_t)), y_t], weight)", "_mean(np.maximum(log_proba[np.arange(len(y_t)), y_t], -36.0), weight)", "log-loss clipped", "evaluation"),
    Fault("models/evaluation.py", "np.full(len(part), np.nan)", "np.zeros(len(part))", "0 where there is no share", "evaluation"),
    # estimators/
    Fault("estimators/rows.py", "rows.take(np.flatnonzero(weight))", "rows", 'rows of weight 0 kept', 'estimators'),
    Fault("estimators/fitting.py", "learning = encoded(now.model, task, rows.take(parts.kept, parts.kept_weight))", "learning = encoded(now.model, task, rows)", 'rows held back are trained on', 'estimators'),
    Fault("estimators/fitting.py", "validation = own_validation(estimator, task, now.model, held_out, given.classes)", "validation = Validation.of(now.model, task, rows, X)", 'own validation rows ignored', 'estimators'),
    Fault("estimators/parameters.py", "l2=float(estimator.alpha),", "l2=1e-4,", 'alpha ignored by steps', 'estimators'),
    Fault("estimators/learning.py", "l2=float(estimator.alpha),", "l2=1e-4,", 'alpha ignored by L-BFGS', 'estimators'),
    Fault("estimators/learning.py", "if scoring == \"loss\":\n        return \"validation_loss\"", "if scoring == \"nothing\":\n        return \"validation_loss\"", 'scoring ignored', 'estimators validation'),
    Fault('estimators/learning.py', 'min(200, n) if', 'min(100, n) if', 'batch_size "auto" is 100', 'estimators'),
    Fault("estimators/parameters.py", "shuffle=bool(estimator.shuffle),", "shuffle=True,", 'shuffle ignored', 'estimators'),
    Fault("estimators/fitting.py", "    bits = bit_generator(job.estimator.random_state)\n", "    bits = bit_generator(None)\n", 'random_state ignored', 'estimators'),
    Fault("estimators/fitting.py", "precision(estimator.dtype, rows.columns)", "precision(\"auto\", rows.columns)", 'dtype ignored', 'estimators'),
    Fault("estimators/rows.py", "relative / (total / len(relative))", "relative", 'weights not of mean 1', 'estimators weights'),
    Fault("estimators/learning.py", "epochs = 1 if job.is_stream else estimator.max_iter", "epochs = estimator.max_iter", 'partial_fit makes every epoch', 'estimators'),
    Fault("estimators/watching.py", "else -epoch.validation_loss", "else epoch.validation_loss", 'a high loss is the best score', 'estimators validation'),
    Fault("estimators/underway.py", "            self.estimator.__dict__ = self.before\n", "            vars(self.estimator).pop(KEY)\n", 'failed fit leaves half a model', 'estimators'),
    Fault("estimators/fitting.py", "if seed is None:", "if True:", 'other rows held back when going on', 'estimators'),
    Fault("estimators/checks.py", "return table.rename_columns(list(encoder.names))", "return table", 'frame matched by made-up names', 'estimators'),
    Fault('chance.py', 'bits.jumped(number)', 'bits.jumped(1)', 'two networks of an ensemble are one', 'inside'),
    Fault("estimators/state.py", "if run.epochs or _is_among(run.params, known)]", "]", 'untrained networks predict', 'inside'),
    Fault("estimators/watching.py", "TIMES_CHANCE * chance, run.first_loss or 0", "chance, run.first_loss or 0", 'alarm at every loss above chance', 'inside'),
    Fault("estimators/watching.py", "largest > LARGEST_WEIGHT", "largest > 1e300", 'exploded weights not told of', 'truth'),
    Fault("estimators/labels.py", "np.bincount(of_class, _relative(weight),", "np.bincount(of_class, None,", 'balanced counts rows without their weights', 'weights'),
    Fault("estimators/labels.py", "listed.get(label, 1.0)", "listed.get(label, 0.0)", 'a class not listed weighs nothing', 'weights'),
    Fault("estimators/labels.py", "_product(weights[of_class], weight)", "_product(weights[of_class] * 0 + 1, weight)", 'class weights ignored', 'weights'),
    Fault('estimators/target_scale.py', 'TargetScale(np.repeat(mean, n_each)', 'TargetScale(0 * np.repeat(mean, n_each)', 'target not centred', 'regressor target_scale'),
    Fault("outputs.py", "    has_kernel = is_robust = True\n    scaled_y = BY_QUARTILES\n    row_losses = staticmethod(losses.absolute_error)", "    has_kernel = True\n    scaled_y = BY_QUARTILES\n    row_losses = staticmethod(losses.absolute_error)", "absolute error scaled by deviations", "target_scale"),
    Fault("tables/statistics.py", "share = q * below[-1]", "share = q * len(below)", "quartiles without weights", "target_scale"),
    Fault("estimators/target_scale.py", "if len(self.rows) >= ENOUGH:", "if False:", "the rows of a stream are all kept", "target_scale stream"),
    Fault("models/model.py", "check_finite(score, self.networks)\n        return score", "return score", "infinite scores", "too_large"),
    Fault("models/model.py", "check_targets(columns, dtype)", "pass", "targets beyond float32", "too_large"),
    Fault("tables/labels.py", "> LONGEST_PADDED_LABEL:\n", "> 10**9:\n", "long labels are padded", "labels"),
    Fault("estimators/rows.py", "if not len(y):\n            raise DataError(\"there are no rows", "if False:\n            raise DataError(\"there are no rows", "no rows to learn from", "no_rows"),
    Fault('estimators/growth.py', 'slot[:] = widened(run.params.like(old), (*zeros, V))', 'pass', 'memory of the optimiser lost in growth', 'inside'),
    Fault('estimators/exchange.py', 'params.b[0][...] -= model.encoder.mean @ params.W[0]', 'pass', 'means not folded', 'exchange'),
    Fault('estimators/exchange.py', 'theirs.alpha / _batch_rows(theirs, epochs or theirs.n_iter_)', 'theirs.alpha', 'alpha of scikit-learn not divided', 'exchange'),
    Fault('models/calibration.py', 'wide / math.exp(log_t)', 'wide * math.exp(log_t)', 'temperature upside down', 'inside'),
    Fault('engines/seam.py', 'score = score / score.dtype.type(self.temperature)', 'pass', 'temperature ignored', 'inside'),
    Fault('models/model.py', 'prediction = np.sort(by_target, axis=2)', 'prediction = by_target', 'quantiles cross', 'regressor'),
    Fault("models/model.py", "else self.classes[decided]", "else self.classes[::-1][decided]", "labels decoded from the end", "model estimators"),
    # history.py and plots.py
    Fault("training/history.py", "self.epochs + later.epochs, later.reason", "self.epochs + later.epochs, self.reason", "reason of the first run", "history"),
    Fault("plots/history.py", "held_back[epochs.index(best)]", "held_back[best - 1]", "kept epoch counted from the first run", "plots"),
    Fault("plots/judging.py", "evaluation.support[:, None]", "evaluation.support[None, :]", "shares of another class", "plots"),
    Fault("plots/judging.py", "min(accuracy, 0.999)", "accuracy", "not all right, yet 100 %", "plots"),
    # what a fresh reading found
    Fault("training/held_back.py", "if held + heavy / 2 <= wanted:", "if held <= wanted:", "more held back than the share", "held_back"),
    Fault("tables/columns.py", 'return "category" if types.is_dictionary(kind) else', "return", "categories of numbers are numbers", "columns"),
    Fault("losses.py", "rows: Array = log_sum_exp - true", "rows: Array = log_sum_exp + score.max(axis=1) - (true + score.max(axis=1))", "digits of large scores lost", "losses"),
    # cli
    Fault("cli/exits.py", "(ModelFileError, 4),", "(ModelFileError, 3),", "wrong exit code", "cli"),
    Fault("cli/data.py", "~missing & (weight > 0)", "~missing", "rows of no weight kept", "cli_weights"),
    Fault("cli/data.py", "others = {target, *weights, *dropped}", "others = {target, *dropped}", "predicted from the weights", "cli_weights"),
    Fault("cli/training.py", 'held_out["sample_weight_val"] = validation.weight', "pass", "validated without weights", "cli_weights"),
    Fault("cli/truth.py", "_refuse_weights(weight < 0, weight, table, name)", "", "negative weights taken", "cli_weights"),
    Fault("cli/truth.py", "self.weight[rows]", "None", "figures without weights", "cli_weights"),
    Fault("cli/predictions.py", "not text or re.search", "re.search", "an empty text written as a missing cell", "cli_keep"),
    Fault("cli/predictions.py", "[name for name in kept if name in names]", "[]", "two columns of one name", "cli_keep"),
    Fault("cli/cv.py", "data.places[fold.rows].tolist()", "fold.rows.tolist()", "predictions beside other rows", "cli_cv"),
    Fault("cli/cv.py", "np.setdiff1d(np.arange(len(data.y)), rows)", "np.arange(len(data.y))", "judged by rows it trained on", "cli_cv"),
    Fault("cli/cv.py", "    if n < n_folds:\n        fewer", "    if False:\n        fewer", "folds without a class", "cli_cv"),
    Fault("cli/cv.py", "value.std(ddof=1)", "value.std()", "spread of the sample taken for that of all", "cli_cv"),
    Fault("batch.py", "dealt = order[np.argsort(y_t[order], kind=\"stable\")]", "dealt = order", "folds without regard to classes", "cli_cv"),
    Fault("cli/parts.py", "self.y[rows]", "self.y[: len(rows)]", "rows held out without their labels", "parts"),
    Fault("cli/encoding.py", "    if extra:\n", "    if extra and targets:\n", "predict is silent on extra columns", "cli"),
    Fault("cli/outcome.py", "return -loss, -loss", "return -epoch.loss, -loss", "kept epoch by the training loss", "cli_settings"),
    Fault("cli/outcome.py", "return score, -loss", "return score, loss", "of equals the epoch of most loss", "cli_settings"),
    Fault("cli/outcome.py", "zip(self.histories, self.kept_epochs, strict=True)", "zip(self.histories[:1] * 3, self.kept_epochs, strict=True)", "each network told as the first", "cli_settings"),
    Fault("cli/outcome.py", "min(map(len, outcome.histories)) < most", "False", "silent on a schedule cut off", "cli_settings"),
    Fault("cli/training.py", "sum(len(history) > 0 for history in estimator.histories_)", "1", "progress never leaves the first network", "cli_settings"),
    Fault("cli/training.py", ' or any(ill in message for ill in ILLS)', "", "silent on dead units", "cli_settings"),
    Fault("cli/settings.py", "settled.get(only.option) in only.values:", "True:", "options that do nothing are taken", "cli_settings"),
    Fault("cli/fit_options.py", '        "sets": name,', '        "sets": "quantiles",', "--delta without effect", "cli_settings"),
    Fault("cli/fit_options.py", 'sets="learning_rate",', "sets=None,", "--schedule without effect", "cli_settings"),
    Fault("cli/fit_options.py", 'sets="clip_norm",', "sets=None,", "--clip-norm without effect", "cli_settings"),
    Fault("cli/fit_options.py", 'sets="scoring",', "sets=lambda _: {'scoring': 'loss'},", "--stop-on without effect", "cli_settings"),
    Fault("cli/options.py", "values[0] if len(values) == 1 else values", "values[0]", "--dropout of the first layer for all", "cli_settings"),
    Fault("cli/settings.py", "len(value) != n:", "len(value) not in (n, n + 1):", "one activation too many", "cli_settings"),
    Fault("cli/settings.py", 'and not options["validation"]:', "and False:", "calibrates without rows", "cli_settings"),
    Fault("cli/settings.py", '"batch_size": min(options["batch_size"], n_rows)}', "}", "batch size told, not used", "cli_settings"),
    Fault("cli/fit_options.py", "if len(names) > 1:", "if False:", "the first of two targets", "cli_settings"),
    Fault("cli/info.py", "part[::n_each]", "part", "scale of a target for each quantile", "cli_settings"),
    Fault("cli/data.py", "row = int(impossible.argmax())", "row = int(impossible.argmin())", "the wrong count blamed", "cli_settings"),
    Fault("cli/truth.py", "        if model.is_multilabel:\n            raise DataError(f", "        if False:\n            raise DataError(f", "labels must be 1 and 0: not told", "cli_numbers"),
    # engines: kernels.py
    Fault("engines/compiled/kernels.py", "LN_2_LOW = 1.42860682030941723212e-6", "LN_2_LOW = 1.4286e-6", "exp: low part of ln 2", "kernels"),
    Fault("engines/compiled/kernels.py", "v = where_greater(low, v, low, v)\n", "v = where_greater(v, low, v, low)\n", "exp: NaN hidden", "kernels"),
    Fault("engines/compiled/kernels.py", "k = where_greater(m, above, k + one, k)", "k = where_greater(m, above, k, k)", "log: exponent off by one", "kernels"),
    Fault("engines/compiled/kernels.py", "ROWS_A_SUM = 256", "ROWS_A_SUM = 1 << 30", "float32 sum over rows", "kernels"),
    Fault("engines/compiled/kernels.py", "if rows % 2:", "if rows % 2 and rows > 1:", "sum of a single row", "kernels"),
    Fault("engines/compiled/kernels.py", "best = where_greater(s, top, splat(S, c), best)", "best = where_greater(top, s, best, splat(S, c))", "last of several highest", "kernels"),
    Fault("engines/compiled/kernels.py", "(y - t) * (w * splat(S, share))", "(y - t) * splat(S, share)", "binary: weight ignored", "kernels"),
    Fault("engines/compiled/kernels.py", "row_loss + half * off * off", "row_loss + off * off", "squared error: the half", "kernels"),
    Fault("engines/compiled/rules.py", "p + (fma(mu, v, down) if nesterov else v)", "p + v", "Nesterov looks not ahead", "kernels"),
    Fault("engines/compiled/rules.py", "rest_1 * g)", "g)", "Adam: m too fast", "kernels"),
    Fault("engines/compiled/rules.py", "g = fma(decay, p, load(at(G, i * g_row + j)))", "g = load(at(G, i * g_row + j))", "Adam: penalty ignored", "kernels"),
    # engines: activations.py
    Fault("engines/compiled/activations.py", "return fma(scale, q, scale - splat(v, 1.0))", "return fma(scale, q, scale) - splat(v, 1.0)", "tanh: cancellation near 0", "kernels"),
    Fault("engines/compiled/activations.py", "where_greater(load(at(H, i)), zero, d, leak * d)", "where_greater(zero, load(at(H, i)), leak * d, d)", "relu: slope 1 at 0", "kernels"),
    Fault("engines/compiled/activations.py", "load(at(D, i)) * (h * (one - h))", "load(at(D, i)) * (one - h * h)", "logistic: slope of tanh", "kernels"),
    Fault("engines/compiled/activations.py", "return h, fma(h, one - s, s)", "return h, fma(h, one - h, s)", "silu: h for s", "kernels"),
    Fault("engines/compiled/activations.py", "where_greater(r, zero, one - tail, tail)", "where_greater(r, zero, tail, one - tail)", "gelu: mirrored", "kernels"),
    Fault("engines/compiled/activations.py", "fma(r, rest * (one + t) * s, t)", "fma(r, rest * s, t)", "mish: 1 - t for 1 - t^2", "kernels"),
    Fault("engines/compiled/activations.py", "where_greater(h, zero, up, h + down)", "where_greater(h, zero, up, down)", "elu: slope 1 below 0", "kernels"),
    Fault("engines/compiled/activations.py", "return where_greater(v, bound, bound, v)", "return where_greater(bound, v, v, bound)", "elu: NaN hidden", "kernels"),
    Fault("engines/compiled/activations.py", "store(at(D, i), load(at(D, i)) * (zero - lost))", "store(at(D, i), load(at(D, i)) * lost)", "softplus: falling", "kernels"),
    # engines: losses.py
    Fault("engines/compiled/losses.py", "exp(s) / zero, exp(s)", "exp(s), exp(s)", "poisson: overflow hidden", "engines"),
    Fault("engines/compiled/losses.py", "fma(t, top - s, gap)", "fma(t, top - s, zero)", "soft: the loss of the last class alone", "soft"),
    Fault("engines/compiled/losses.py", "slope = (load(place) - t * e_sum) * scale", "slope = (load(place) - t) * scale", "soft: target not scaled as e is", "soft"),
    Fault("engines/compiled/losses.py", "slope = fma(t, part, slope - part / splat(S, n_classes))", "slope = fma(t, part, slope)", "soft: no share for the other classes", "soft"),
    Fault("engines/compiled/losses.py", "true = where_greater(t, likeliest, splat(S, c), true)", "true = where_greater(likeliest, t, splat(S, c), true)", "soft: the least likely class is right", "soft"),
    Fault("engines/compiled/losses.py", "c // n_q * t_row", "c % n_q * t_row", "quantile by quantile", "engines"),
    Fault("engines/compiled/losses.py", "Q[c % n_q]", "Q[0]", "first quantile for all", "engines"),
    Fault("engines/compiled/losses.py", "held * (size - half * held)", "held * half * size", "huber: slope delta/2", "engines"),
    Fault("engines/compiled/losses.py", "S[y_t[i] * s_row + i] += excess[i]", "S[y_t[i] * s_row + i] += 0.0", "true class not smoothed", "engines"),
    Fault("engines/compiled/kernels.py", "t = fma(keep, t, spread)", "t = fma(keep, t, zero)", "binary: half of the smoothing", "engines"),
    # engines: products.py
    Fault("engines/compiled/products.py", "keep = beta if start == 0 else 0.0", "keep = beta", "penalty once a part of the sum", "kernels"),
    Fault("engines/compiled/products.py", 'builder.select(builder.fcmp_ordered("<=", r, beta), beta, r)', 'builder.select(builder.fcmp_ordered(">", r, beta), r, beta)', "NaN hidden by relu", "kernels"),
    Fault("engines/compiled/products.py", 'builder.fcmp_ordered(">", read(builder, vector, h, column), zero)', 'builder.fcmp_ordered(">=", read(builder, vector, h, column), zero)', "slope 1 at 0", "kernels"),
    Fault("engines/compiled/products.py", "with builder.if_then(there) if which == ADD and i else nullcontext():", "with nullcontext():", "last row of a tile added twice", "kernels"),
    Fault("engines/compiled/products.py", "act, scale = STORE, 1.0", "act = STORE", "parts of a sum scaled", "kernels"),
    Fault("engines/compiled/products.py", "resume = 1 if start > 0 else 0", "resume = 0", "last part of a sum only", "kernels"),
    Fault("engines/compiled/products.py", "fma(a, b, fma(decay, load(c), load(c)))", "fma(a, b, load(c))", "one row: penalty ignored", "kernels"),
    Fault("engines/compiled/products.py", "splat(A, alpha * A[i * a_row])", "splat(A, alpha * A[i])", "one row: stride ignored", "kernels"),
    Fault("engines/compiled/products.py", "column = _part(builder, totals, j * n_rows, n_rows)", "column = _part(builder, totals, 0, n_rows)", "first column everywhere", "kernels"),
    Fault("engines/compiled/products.py", 'builder.icmp_signed("==", rows, INT(n_rows)),', 'builder.icmp_signed("==", INT(n_rows), INT(n_rows)),', "rows beyond the last written", "kernels"),
    Fault("engines/compiled/kernels.py", "other_whole + (other_even + other_odd)", "other_whole + other_even", "half a column's sum", "kernels"),
    # engines: threads.py
    Fault("engines/compiled/threads.py", "return _most_threads() - sum(_in_use.values())", "return _most_threads()", "more threads than processors", "engines"),
    Fault("engines/compiled/threads.py", "for part in range(1, parts):", "for part in range(2, parts):", "a part that nobody does", "engines"),
    Fault("engines/compiled/threads.py", "            return False\n        return True\n", "        return self._running\n", "work of a quick thread done twice", "engines"),
    Fault("engines/compiled/threads.py", "os.sched_setaffinity(0, allowed)", "pass", "a thread bound to its processor", "engines"),
    Fault("engines/compiled/threads.py", "    _in_use.clear()\n", "", "a child counts its parent's threads", "engines"),
    # engines: epoch.py
    Fault("engines/compiled/epoch.py", "if layer.activation in NOT_0_AT_0:", "if layer.activation == NOT_0_AT_0[0]:", "padding of softplus(0)", "engines"),
    Fault("engines/compiled/epoch.py", "row = order[first + i] if plan.order != 0 else first + i", "row = first + i", "order ignored", "engines"),
    Fault("engines/compiled/epoch.py", "weight[i] = weights[row]", "weight[i] = weights[first + i]", "weights not shuffled", "engines"),
    Fault("engines/compiled/rules.py", "1 / np.sqrt(1 - power_2)", "1 / (1 - power_2)", "Adam: root of the correction", "engines"),
    Fault("engines/compiled/epoch.py", "power_1, power_2 = power(rate.beta_1, t), power(rate.beta_2, t)", "power_1, power_2 = 1.0, 1.0", "Adam: earlier epochs forgotten", "engines"),
    Fault("engines/compiled/epoch.py", "sums[BAD_BATCH] = 1 + first // plan.batch_size", "sums[BAD_BATCH] = 2 + first // plan.batch_size", "divergence in the next batch", "engines"),
    Fault("engines/compiled/epoch.py", "plan.slots + plan.n_slots * plan.slot)", "plan.slots)", "slots overflow unseen", "engines"),
    Fault("engines/compiled/epoch.py", "    restore_denormals(mode)\n", "    flush_denormals()\n", "tiny numbers zero for ever", "engines"),
    Fault("engines/compiled/updates.py", "P = place + i * row + j", "P = place + j", "rows beyond 512 not moved", "engines"),
    Fault("engines/compiled/updates.py", "update_b(plan, rule_b, end - begin, layer.b + begin, G, work)", "update_b(plan, rule_b, end - begin, layer.b, G, work)", "biases of the first thread moved by all", "engines"),
    Fault("engines/compiled/epoch.py", "square += squares[i]", "square = squares[i]", "norm of the last vector", "engines"),
    Fault("engines/compiled/rules.py", "lr * rate.weight_decay,", "rate.weight_decay,", "AdamW: decay without the rate", "engines"),
    Fault("engines/compiled/epoch.py", "lr = rates_of_updates[batch]", "lr = rates_of_updates[0]", "the first rate for all", "engines"),
    Fault("engines/compiled/activations.py", "np.uint64(first * units) * ODD", "np.uint64(first) * ODD", "dropout: rows overlap", "engines"),
    Fault("engines/compiled/updates.py", "decay(rows, columns, P, row, G, row, 0.0, rule.shrink)", "decay(rows, columns, P, row, G, row, 0.1, rule.shrink)", "penalty twice", "engines"),
    Fault("engines/compiled/updates.py", "scale(rows, columns, G, row, factor)", "scale(1, columns, G, row, factor)", "one row clipped", "engines"),
    # engines: prediction.py
    Fault("engines/compiled/prediction.py", "a[i * a_row + j] = 0.0", "a[i * a_row + j] += 0.0", "what lies beside h counts", "engines"),
    Fault("engines/compiled/prediction.py", "floor = 0.0 if layer.activation == RELU else -np.inf", "floor = 0.0", "relu for all", "engines"),
    Fault("engines/compiled/prediction.py", "out[(start + i) * head.n_out + c]", "out[i * head.n_out + c]", "every block over the first", "engines"),
    # engines: a skip, a scale, rates
    Fault("engines/compiled/skips.py", "node = min(int(inside), n) if inside >= 0.0 else -1", "node = min(int(inside), n - 1) if inside >= 0.0 else -1", "the last hat goes on beyond the edges", "engines::test_a_skip_does_of_every_number_what_the_reference_does engines::test_a_skip_and_a_scale"),
    Fault("engines/compiled/skips.py", "inside = n + 1.0", "inside = n + 0.5", "steps beyond the edges", "engines::test_a_skip_does_of_every_number_what_the_reference_does"),
    Fault("engines/compiled/skips.py", "return level, 1.0 if level == u else 0.0, 0.0", "return level, 1.0, 0.0", "an unknown level is the first", "engines::test_a_skip_and_a_scale"),
    Fault("engines/compiled/skips.py", "V[t * v_row + c] + so_far[c]", "V[t * v_row + c]", "a table of hats without steps", "engines::test_a_skip_and_a_scale"),
    Fault("engines/compiled/skips.py", "above[c] += dT[(t + 2) * v_row + c]", "above[c] += dT[(t + 1) * v_row + c]", "(14) a step learns from the edge before it", "engines::test_a_skip_and_a_scale"),
    Fault("engines/compiled/skips.py", "dV[j] = dT[v_row + j]", "dV[j] = dT[j]", "(14) hats one node early", "engines::test_a_skip_and_a_scale"),
    Fault("engines/compiled/skips.py", "(1, wide.width) if v_row == 1 else", "(1, wide.width - 1) if v_row == 1 else", "the last weight of a column stays behind", "engines::test_a_skip_and_a_scale"),
    Fault("engines/compiled/prediction.py", "make_tables(wides, room.v_row, w)\n", "pass\n", "predictions of a table that nobody made", "engines::test_predictions_with_a_skip_and_a_scale"),
    Fault("engines/compiled/epoch.py", "    make_tables(wides, plan.v_row, w)\n", "", "the first step of an epoch by the last one's table", "engines::test_a_skip_and_a_scale"),
    Fault("engines/compiled/epoch.py", "store(at(result, i * plan.x_row + j), scale * number)", "store(at(result, i * plan.x_row + j), number)", "inputs that are not scaled", "engines::test_a_skip_and_a_scale"),
    Fault("engines/compiled/epoch.py", "        update_s(plan, rule_s, rate.l2, thread, threads, work)\n", "        update_s(plan, rule, rate.l2, thread, threads, work)\n", "the scale at the rate of all", "engines::test_a_skip_and_a_scale"),
    Fault("engines/compiled/updates.py", "store(at(G, i * g_row + j), factor * g)\n\n\n@called", "store(at(G, i * g_row + j), g)\n\n\n@called", "(11) the gradient of W1 by inputs that are not scaled", "engines::test_a_skip_and_a_scale"),
    Fault("engines/compiled/updates.py", "    if i == 0:\n        for column", "    if False:\n        for column", "(15) a sum that begins where the last one ended", "engines::test_a_skip_and_a_scale"),
    Fault("engines/compiled/updates.py", "part = at(parts, j // lanes(w) * plan.parts_row + i)", "part = at(parts, j // lanes(w) * plan.parts_row)", "(15) inputs beyond 512 over the first", "engines::test_a_scale_beyond_every_block"),
    Fault("engines/compiled/updates.py", "        new_table(plan, wide, w)\n", "", "a table that never changes", "engines::test_a_skip_and_a_scale"),
    Fault("engines/compiled/updates.py", "            new_table(plan, wides[k], w)\n", "", "a table that clipped steps never change", "engines::test_a_skip_and_a_scale_with_all_the_rest"),
    Fault("engines/compiled/updates.py", "if rule.shrink > 0 or (rule.kind == SGD and l2 > 0):", "if rule.shrink > 0:", "SGD forgets the penalty of V and s", "engines::test_a_skip_and_a_scale"),
    Fault("engines/compiled/updates.py", "first = plan.squares_of_V + (wide.V - wides[0].V) // lanes(w)", "first = plan.squares_of_V", "the norm of one column", "engines::test_a_skip_and_a_scale"),
    Fault("engines/compiled/rules.py", "rule.alpha * factor, rule.root, rule.shrink,", "rule.alpha * factor, rule.root, rule.shrink * factor,", "decay at the parameter's rate", "engines::test_a_skip_and_a_scale"),
    Fault("engines/compiled/layout.py", "if wide[\"kind\"] == PIECES:", "if False:", "a column of pieces without its table", "engines::test_a_skip_and_a_scale"),
    Fault("engines/compiled/engine.py", "if factors and len(factors) != n:", "if False:", "kernels read factors that are not there", "engines::test_there_is_a_factor_for_each_parameter"),
    Fault("engines/compiled/asking.py", "plain, folded = scale_folded(architecture, params)", "plain, folded = architecture, params", "predictions without the scale", "engines::test_predictions_with_a_skip_and_a_scale"),
    # engines: compiled.py
    Fault("optim.py", 'return "nesterov" if self.nesterov else "momentum"', 'return "momentum"', "Nesterov is Polyak", "engines"),
    Fault("engines/compiled/engine.py", "if kernel not in layout.RULE_NAMES:", "if False:", "an unknown rule has no words", "engines"),
    Fault("engines/compiled/engine.py", "int(updates), threads)", "updates, threads)", "compiled again for a count", "engines"),
    # engines: choice.py
    Fault("engines/processors.py", "limits.append(int(asked))", "limits = [int(asked)]", "more threads than processors", "engine_choice"),
    Fault("engines/processors.py", "n = min(n, max(1, int(quota) // int(period)))", "n = max(1, int(quota) // int(period))", "quota above the processors", "engine_choice"),
    Fault("engines/compiled/backend.py", "if is_sparse(rows.x):", "if False:", "sparse rows to the compiled engine", "engine_choice"),
    Fault("engines/choice.py", 'why or fits', 'fits', "auto does not say why it takes the slower", "engine_choice"),
    Fault("engines/compiled/library.py", "if asked not in map(str, LEVELS):", "if False:", "a level that is none has no words", "engine_library::test_nonsense_for_a_level_is_refused_with_words"),
    Fault("engines/compiled/library.py", "(level for level in levels() if level <= highest)", "(level for level in levels())", "instructions that the processor lacks", "engine_library::test_the_highest_level_that_is_held_and_allowed_runs"),
    Fault("engines/compiled/library.py", "found if found.exists() else None", "next(FOLDER.glob('engine-*'), None)", "a library of other sources is run", "engine_library::test_a_library_of_other_sources_is_as_good_as_none"),
    Fault("engines/compiled/library.py", '"../../skip.py", "../../chance.py"),', '"../../skip.py"),', "a changed constant leaves the old library", "engine_library::test_every_file_that_is_compiled_counts"),
    Fault("engines/compiled/library.py", "except OSError as error:", "except KeyError as error:", "a damaged library has no words", "engine_library::test_a_library_that_cannot_be_loaded_is_told_of"),
    Fault("engines/compiled/layout.py", "if not ACTIVATIONS[name].is_0_at_0", "if ACTIVATIONS[name].is_0_at_0", "what lies beside h counts in gradients", "engines"),
    Fault("engines/compiled/doors.py", "        begin, end, x, flat, out, carray", "        end, begin, x, flat, out, carray", "no row is predicted", "engines"),
    Fault("engines/compiled/build.py", "if variable.name.startswith(\"_ZN08NumbaEnv\"):", "if False:", "a library that shows its inside", "engine_library::test_it_exports_our_doors_and_asks_for_three_functions_of_any_c_library"),
    Fault("engines/compiled/build.py", '"-nostdlib", ', "", "a library that needs a certain C library", "engine_library::test_it_needs_no_other_library"),
    Fault("engines/compiled/build.py", "sys.path.insert(0, str(Path(__file__).parents[3]))", "pass", "an editable installation made anew has no engine", "wheel::test_the_build_finds_its_sources_where_pip_hides_them"),
    Fault("engines/compiled/build.py", "part.replace(out)", "out.write_bytes(part.read_bytes())", "a library that changes under who has it loaded", "engine_library::test_any_compiler_of_c_links"),
    Fault("../../hatch_build.py", 'build_data["pure_python"] = False', "pass", "a compiled wheel that says it is for all", "wheel::test_an_installation_compiles_the_engine_for_this_machine"),
    Fault("../../hatch_build.py", "if reason:", "if False:", "a wheel for one machine without an engine", "wheel::test_where_the_engine_cannot_be_compiled_the_wheel_is_pure"),
    Fault("../../hatch_build.py", 'sys.version_info[:2] > NEWEST', 'False', "an installation fails for want of numba", "wheel::test_numba_is_asked_for_only_where_it_can_compile"),
    # engines: numpy.py
    Fault("engines/numpy.py", "total_loss += batch_loss * len(batch)", "total_loss += batch_loss", "loss of short batches", "engines"),
    Fault("engines/numpy.py", "t, last = updates + number,", "t, last = updates + 1,", "t stands still", "engines"),
    Fault("engines/numpy.py", " and np.isfinite(slots).all()):", "):", "slots overflow unseen", "engines"),
    # judging numbers, and what came with it
    Fault('models/evaluation.py', '(size / spread) ** 2', '(size / spread)', 'R2 of roots', 'evaluation'),
    Fault('models/evaluation.py', 'np.where(varies, _root', 'np.where(True, _root', 'R2 where nothing varies', 'evaluation cli_numbers'),
    Fault('models/evaluation.py', 'scale * np.sqrt(_mean(np.square(x / scale), weight))', 'np.sqrt(_mean(np.square(x), weight))', 'squares overflow', 'evaluation'),
    Fault('models/evaluation.py', 'np.maximum(q * off, (q - 1) * off)', 'np.maximum((1 - q) * off, -q * off)', 'quantile judged by the other side', 'evaluation'),
    Fault('models/evaluation.py', 'np.tile(quantiles, y_t.shape[1])', 'np.repeat(quantiles, y_t.shape[1])', 'quantiles of several targets mixed up', 'evaluation'),
    Fault('models/evaluation.py', 'np.where(true, score, -score)', 'np.where(true, -score, score)', 'log-loss of the wrong answer', 'evaluation'),
    Fault('models/evaluation.py', '_share(both, _total(given, weight))', '_share(both, _total(true, weight))', 'labels: recall for precision', 'evaluation'),
    Fault('models/evaluation.py', 'right.all(axis=1)', 'right.any(axis=1)', 'one right label suffices', 'evaluation'),
    Fault('models/evaluation.py', 'weights=relative', 'weights=None', 'figures without their weights', 'evaluation'),
    Fault('models/evaluation.py', 'y if weight is None else y[weight > 0]', 'y', 'rows of no weight vary', 'evaluation'),
    Fault('cli/judge.py', 'known = truths.counted', 'known = np.ones_like(truths.missing)', 'rows without truth judged', 'cli_numbers'),
    Fault('cli/truth.py', '(y == 0) | (y == 1)', '(y >= 0)', '2 counts as a yes', 'cli_numbers'),
    Fault('cli/parts.py', 'if by_class:\n        return split', 'if True:\n        return split', 'numbers held out as if each were a class', 'cli_numbers'),
    Fault('training/train.py', 'value - shrinkage, shrinkage', 'value, shrinkage', 'L-BFGS: penalty told twice', 'training'),
    Fault('training/train.py', '        params.flat[...] = theta\n        shrinkage', '        shrinkage', 'L-BFGS: an interrupt loses all', 'training'),
    Fault('optim.py', '            raise StopIteration', '            pass', 'L-BFGS cannot be stopped', 'training'),
    Fault("optim.py", "parameters.momentum), bool(parameters.nesterovs_momentum)", "parameters.momentum), True", 'nesterovs_momentum ignored', 'estimators'),
    Fault("optim.py", "for field in fields(cls)))", "for field in fields(cls)[:3]))", 'weight_decay ignored', 'estimators inside'),
    Fault("estimators/parameters.py", "math.inf if estimator.clip_norm is None else float(estimator.clip_norm)", "math.inf", 'clip_norm ignored', 'estimators inside'),
    Fault("estimators/parameters.py", "float(estimator.warmup_epochs)", "5.0", 'warmup_epochs ignored', 'estimators'),
    Fault("estimators/parameters.py", "float(estimator.power_t)", "0.5", 'power_t ignored', 'estimators'),
    Fault("estimators/parameters.py", "dropout=dropout(estimator)", "dropout=0.0", 'dropout ignored', 'estimators inside'),
    Fault("estimators/parameters.py", "tol=float(estimator.tol),", "tol=1e-4,", 'tol ignored by steps', 'estimators validation'),
    Fault("estimators/parameters.py", "float(estimator.n_iter_no_change)", "10.0", 'patience ignored', 'validation'),
    Fault("estimators/learning.py", "and not job.is_stream and not _runs_to_its_end(estimator)", "and not job.is_stream", 'schedule that ended is warned of', 'validation'),
    Fault("estimators/learning.py", "fit.predicting([run.params for run in fit.runs])", "fit.model", 'L-BFGS that stands still leaves its ensemble', 'estimators'),
    Fault("estimators/state.py", "min(self.best_loss, loss)", "loss", 'best loss is the last', 'estimators'),
    Fault("estimators/state.py", "best_validation_score=max(scores)", "best_validation_score=score", 'best score is the last', 'estimators validation'),
    Fault("estimators/watching.py", "(h == 0).all(axis=0)", "(h == 0).any(axis=0)", 'a unit is dead that gave one 0', 'inside truth'),
    Fault("estimators/watching.py", "in_curve=job.estimator.solver in SOLVERS", "in_curve=True", 'L-BFGS has a loss curve', 'estimators'),
    Fault("estimators/watching.py", "scorer(showing(self._job.estimator, now), X, y", "scorer(self._job.estimator, X, y", 'a scorer may change the estimator that trains', 'validation'),
    Fault("estimators/underway.py", "now.before.copy() if other else attributes", "attributes", 'half-trained networks predict in other threads', 'refits'),
    Fault("estimators/learning.py", "        run.params = params.copy()\n", "        run.params = params\n", 'L-BFGS changes what it has published', 'refits'),
    Fault("estimators/watching.py", "fit if fit.runs[number].best is None else fit.of_best_epochs()", "fit", 'an interrupt loses the best epoch', 'refits validation'),
    Fault("estimators/underway.py", "if other.thread != self.thread:", "if False:", 'two threads fit one estimator', 'refits'),
    Fault("estimators/fitting.py", "\"n_ensemble\": len(fit.runs),", "\"n_ensemble\": 1 + len(fit.model.members),", 'an interrupted ensemble cannot be trained on', 'refits'),
    Fault('engines/compiled/engine.py', 'if not (array.flags.carray and array.dtype == dtype):', 'if array.dtype != dtype:', 'kernels write where they must not', 'refits'),
    Fault('params.py', 'if type(array) is np.ndarray and array.dtype.isnative:', 'if True:', 'foreign bytes kept in a copy', 'params'),
    Fault('estimators/fitted.py', 'if version != __version__:', 'if False:', 'pickle of another version loaded', 'corpus'),
    Fault('estimators/fitted.py', 'return self.model_.architecture.head.sklearn_name', 'return self.model_.architecture.output', 'output of counts misnamed', 'regressor exchange'),
    Fault("estimators/fitted.py", "        if self.engine in (AUTO, self.model_.engine):", "        if True:", 'engine ignored in predicting', 'engine_choice'),
    Fault('estimators/parameters.py', 'if is_number and isinstance(value, bool | np.bool_):', 'if False:', 'True is a number', 'corpus'),
    Fault("estimators/parameters.py", "(leaves_out or estimator.clip_norm is not None)", "leaves_out", 'L-BFGS ignores clip_norm', 'estimators'),
    Fault('estimators/targets.py', 'n > FEW and n_classes > n / 2', 'n_classes == n + 1', 'identifiers not doubted', 'truth'),
    Fault('estimators/checks.py', 'types = set(map(type, cells.ravel().tolist()))', 'types = set()', 'texts in objects taken for numbers', 'truth'),
    Fault('estimators/checks.py', 'X = X.astype(X.dtype.newbyteorder("="), copy=False)', 'pass', 'big-endian floats widened', 'truth'),
    Fault('estimators/checks.py', 'not _is_infinite(given)', 'False', 'a cast that overflows is called infinite', 'truth'),
    Fault('training/train.py', 'blas_on_one_thread() if engine.uses_blas else nullcontext()', 'nullcontext()', 'bits depend on the threads of the BLAS', 'inside'),
    Fault('training/train.py', '    with blas_on_one_thread():\n        found', '    with nullcontext():\n        found', 'L-BFGS depends on the threads of the BLAS', 'inside'),
    Fault("engines/numpy.py", "BLOCK * largest > UNDIVIDED", "False", 'predictions depend on the threads of the BLAS', 'blas'),
    Fault('engines/blas.py', '        if _inside == 0:', '        if True:', 'the first to leave gives the threads back', 'blas'),
    Fault('engines/blas.py', '            _set_all(_before)', '            pass', 'threads are not given back', 'blas'),
    Fault('training/epochs.py', '    if batch.not_finite().size:', '    if False:', 'a divergence does not look at its inputs', 'training'),
    Fault('estimators/exchange.py', 'ours.alpha * _batch_rows(ours, len(ours.history_))', 'ours.alpha', 'into scikit-learn with a weaker penalty', 'exchange'),
    Fault('estimators/exchange.py', 'if ours.solver not in THEIR_SOLVERS:', 'if False:', 'scikit-learn given a solver that it has not', 'exchange'),
    Fault('estimators/exchange.py', 'if ours.learning_rate not in THEIR_SCHEDULES:', 'if False:', 'scikit-learn given a schedule that it has not', 'exchange'),
    Fault("estimators/fitting.py", "if asked[name] != value:", "if name != \"dtype\" and asked[name] != value:", 'another precision ignored in going on', 'estimators'),
    Fault("estimators/numbers.py", "if self.scale_target != (fit.model.scale is not None):", "if False:", 'another scale_target ignored in going on', 'regressor'),
    Fault("estimators/watching.py", "and all(map(math.isnan, scores)):", "and False:", 'scores of NaN passed over', 'validation'),
    Fault('estimators/checks.py', 'not math.isfinite(weight.sum())', 'False', 'weights without a finite sum', 'weights'),
    Fault('estimators/predicting.py', 'labels_to_judge(y), check_weight(sample_weight, X))', 'labels_to_judge(y), sample_weight)', 'a score takes any weight', 'weights'),
    Fault('estimators/predicting.py', 'sample_weight = check_weight(sample_weight, X)', 'pass', 'a score of numbers takes any weight', 'weights'),
    Fault("estimators/watching.py", "max(TIMES_CHANCE * chance, run.first_loss or 0)", "TIMES_CHANCE * chance", 'a run that falls from far above is an explosion', 'inside'),
    Fault('models/calibration.py', 'not any(at_ends)', 'False', 'scores that say nothing', 'inside'),
    Fault('models/calibration.py', 'LossSettings(label_smoothing=1 / (_count_distinct(wide, y_t, weight) + 1))', 'LossSettings()', 'a few right rows make all certain', 'inside'),
    Fault('models/calibration.py', '_count_distinct(wide, y_t, weight) + 1', 'len(wide) + 1', 'repeated rows calibrate otherwise', 'inside weights'),
    Fault('models/calibration.py', 'COLDEST if sum(at_ends) < 0 else HOTTEST', 'HOTTEST', 'a temperature beyond the range', 'inside'),
    Fault('models/model.py', 'columns = (columns - mean) / scale', 'columns = columns - mean', 'targets learnt unscaled', 'regressor'),
    Fault('plots/numbers.py', 'y_true=y[some, place]', 'y_true=y[some, 0]', 'each target against the first truth', 'plots'),
    Fault("estimators/fitting.py", "now.with_model(temperature=1.0)", "now", 'temperature of the last fit stays', 'inside'),
    # playground: two runs, who may ask
    Fault("playground/runs.py", "if run.run.epochs == least:", "if True:", "one run ahead of the other", "playground_runs"),
    Fault("playground/runs.py", "[run for run in self.all if not run.trouble] or self.all", "self.all", "waits for one that diverged", "playground_runs"),
    Fault("playground/runs.py", "sorted(set(settings) - set(OF_LEARNING))", "[]", "a rival with another network", "playground_runs"),
    Fault("playground/runs.py", "        self.chosen = 1\n        self.reset()\n", "        self.chosen = 1\n        self.session.reset()\n", "a rival behind the first run", "playground_runs"),
    Fault("playground/runs.py", "removed.version + removed.layout + 1", "1", "a version that falls", "playground_runs"),
    Fault("playground/frame.py", "[_figures(run) for run in runs.all]", "[_figures(run) for run in runs.all[::-1]]", "figures of the other run", "playground_runs"),
    Fault("playground/guard.py", "self.known.token = None", "pass", "a token works twice", "playground_safety"),
    Fault("playground/guard.py", "_any_is(given, self.known.key) and self._has_cookie(headers)", "_any_is(given, self.known.key)", "the key without the cookie", "playground_safety"),
    Fault("playground/guard.py", "origins and self._has_cookie(headers) and _any_is(keys", "origins and _any_is(keys", "a socket without the cookie", "playground_safety"),
    Fault("playground/guard.py", "return len(given) == 1 and _any_is(given, self.known.cookie)", "return _any_is(given, self.known.cookie)", "one cookie of two is ours", "playground_safety"),
    Fault("playground/guard.py", "HttpOnly; SameSite=Strict", "SameSite=Lax", "a cookie for scripts and other sites", "playground_safety"),
    Fault('models/model.py', '(part[:: self.architecture.n_each] for part in self.scale)', '(part for part in self.scale)', 'each quantile taken for a target', 'explain'),
    # playground: what no map can show
    Fault("playground/data.py", "np.full(n, float(BLACK))", "np.full(n, 15.0)", "ink beyond black", "playground_data"),
    Fault("playground/data.py", "n_classes=3)", "n_classes=2)", "no third score for the article's rows", "playground_data"),
    Fault("playground/source.py", "usable = ~missing if plane is None", "usable = missing == missing if plane is None", "rows without a label", "playground_data"),
    Fault("playground/wide.py", "np.abs(flat if moved_from is None else flat - moved_from.ravel())", "np.abs(flat)", "largest for what moved most", "playground_data"),
    Fault("playground/wide.py", "len(pixels) != n or ", "", "an image of any length", "playground_data"),
    Fault("playground/wide.py", "seen(session, session.pad)", "seen(session, session.points.x[0])", "another image than the drawn one", "playground_data"),
    Fault("playground/wide.py", "np.linalg.norm(session.run.params.W[0][:, :MOST_UNITS], axis=0)", "np.linalg.norm(session.run.params.W[0][:MOST_UNITS], axis=1)", "lengths of rows for columns", "playground_data"),
    Fault("playground/drawing.py", "if not points.is_plane:", "if False:", "points drawn where no plane is", "playground_data"),
    *command_line.FAULTS,
    *estimators.FAULTS,
    *page.FAULTS,
    *numbers.FAULTS,
    *elsewhere.FAULTS,
    *workers.FAULTS,
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


def place(name: str) -> str:
    file, colons, test = name.partition("::")
    return f"{file}.py{colons}{test}"


def run_tests(copy: Path, names: Iterable[str]) -> tuple[int, str]:
    files = [f"tests/test_{place(name)}" for name in names]
    # Two runs at a time: each has a folder of its own for temporary files.
    temporary = f"--basetemp={copy / 'temporary'}"
    options = ["-x", "-q", "-p", "no:cacheprovider", "--tb=no", "--hypothesis-profile=drill"]
    options.append(temporary)
    return python(copy, "-m", "pytest", *options, "-k", f"not {TOO_SLOW}", *files)


def check_the_copy(copy: Path, faults: list[Fault]) -> None:
    """Stop unless the tests run on the copy, and pass there while it has no fault."""
    _, where = python(copy, "-c", "import handgrad; print(handgrad.__file__)")
    if not Path(where.strip()).is_relative_to(copy):
        sys.exit(f"the copy in {copy} is not what Python imports, but {where}")
    code, output = run_tests(copy, dict.fromkeys(name for f in faults for name in f.tests.split()))
    if code != 0:
        sys.exit(f"the tests must pass before a fault is planted:\n{output}")
    print(f"without a fault: {output.strip().splitlines()[-1]}", flush=True)


@contextmanager
def library_for(fault: Fault, copy: Path) -> Iterator[None]:
    """Compile a faulty kernel; where the fault is in another source of them, keep the library."""
    folder = copy / ENGINE
    kept = list(folder.glob("engine-*"))
    content = [path.read_bytes() for path in kept]
    name = runpy.run_path(str(folder / "library.py"))["name_of_library"](sys.platform)
    if kept and fault.file.startswith("engines/compiled/") and kept[0].name != name:
        code, output = python(copy, "-m", "handgrad.engines.compiled.build")
        if code != 0:  # a fault must leave kernels that can be compiled
            sys.exit(f"{fault.file}, {fault.name}: it does not compile:\n{output}")
    elif kept:
        kept[0].rename(folder / name)
    yield
    for path in folder.glob("engine-*"):
        path.unlink()
    for path, found in zip(kept, content, strict=True):
        path.write_bytes(found)


def caught_by(fault: Fault, copy: Path) -> str | None:
    """Plant the fault and name the test that notices it, or None if none does."""
    path = copy / "src" / "handgrad" / fault.file
    text = path.read_text()
    path.write_text(text.replace(fault.right, fault.wrong))
    try:
        with library_for(fault, copy):
            code, output = run_tests(copy, fault.tests.split())
    finally:
        path.write_text(text)
    if code == 0:
        return None
    failed = re.search(r"^FAILED (?:tests/)?(.*?)(?: - .*)?$", output, re.MULTILINE)
    if failed is None:  # a fault must leave a program that can be imported
        sys.exit(f"{fault.file}, {fault.name}: no test failed, pytest itself did:\n{output}")
    return failed[1]


def are_asked_for(file: str, names: list[str]) -> bool:
    path = Path(file)
    return bool({path.stem, *path.parent.parts} & set(names))


def main(stems: list[str]) -> None:
    faults = [f for f in FAULTS if not stems or are_asked_for(f.file, stems)]
    if not faults:
        sys.exit(f"there are no faults for {', '.join(stems)}")
    for fault in faults:
        if (ROOT / "src" / "handgrad" / fault.file).read_text().count(fault.right) != 1:
            sys.exit(f"{fault.file} must hold this text exactly once:\n{fault.right}")

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        copies: SimpleQueue[Path] = SimpleQueue()
        for i in range(AT_ONCE):
            copies.put(copy_into(Path(folder, f"copy{i}").resolve()))
        first = copies.get()
        check_the_copy(first, faults)
        copies.put(first)

        def drill(fault: Fault) -> str | None:
            copy = copies.get()
            try:
                return caught_by(fault, copy)
            finally:
                copies.put(copy)

        caught = 0
        for fault, test in zip(faults, pool.map(drill, faults), strict=True):
            caught += test is not None
            print(f"{fault.file:18} {fault.name:36} {test or 'SURVIVED'}", flush=True)
    print(f"{caught} of {len(faults)} faults caught")
    sys.exit(caught != len(faults))


if __name__ == "__main__":
    main(sys.argv[1:])
