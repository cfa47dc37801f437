"""Faults of the estimators: parameters passed over, rows not checked, another answer."""
# ruff: noqa: E501 -- the table keeps one fault on one line

from faults import Fault

FAULTS = [
    Fault("estimators/callbacks.py", "return bool(stop)", "return False", "a callback cannot stop a fit", "ecosystem estimators"),
    Fault("estimators/callbacks.py", 'fitted = {"model_": model}', 'fitted = {"model_": None}', "a callback sees no model", "ecosystem estimators"),
    Fault("estimators/callbacks.py", "    def end(self) -> None:\n        \"\"\"Tell of the end of the fit.\"\"\"\n        if self._context is not None:", "    def end(self) -> None:\n        \"\"\"Tell of the end of the fit.\"\"\"\n        if False:", "the end of a fit not told", "ecosystem estimators"),
    Fault("estimators/growth.py", "part[..., 1:] - part[..., :1] if two else part", "part[..., 1:] if two else part", "the score of one class over nothing", "stream estimators"),
    Fault("estimators/growth.py", "np.stack([0 * old[..., 0], old[..., 0]], -1) if is_score_of_one else old", "np.stack([old[..., 0], 0 * old[..., 0]], -1) if is_score_of_one else old", "two classes swapped as a third comes", "stream estimators"),
    Fault("estimators/growth.py", "        slot[:] = widened(run.params.like(old), nothing)\n", "        pass\n", "the optimiser forgets as a class comes", "stream estimators"),
    Fault("estimators/inside.py", "float(self.learning_rate_init if lr is None else lr)", "float(self.learning_rate_init)", "trace: lr passed over", "trace estimators explain"),
    Fault("estimators/inside.py", "            float(self.alpha),\n", "            0.0,\n", "the penalty is not checked", "estimators gradcheck inside"),
    Fault("estimators/inside.py", "x, y_t, weight = self._inside(X, y, sample_weight)", "x, y_t, weight = self._inside(X, y, None)", "trace: weights passed over", "weights trace estimators"),
    Fault("estimators/inside.py", "None if rows.weight is None else rows.weight.astype(np.float64)", "None", "gradient_check: weights passed over", "weights estimators inside"),
    Fault("estimators/progress.py", "    elif not sys.stdout.isatty():\n        yield _line\n", "    elif not sys.stdout.isatty():\n        yield lambda epoch, loss, score: None\n", "verbose says nothing in a pipe", "estimators"),
    Fault("estimators/progress.py", '    if score is not None:\n        print(f"Validation', '    if False:\n        print(f"Validation', "verbose: no score", "estimators validation"),
    Fault("estimators/progress.py", "            bar.advance(task)\n", "            pass\n", "the bar stands still", "estimators"),
    Fault("estimators/summary.py", "n, n * W.itemsize", "n, W.nbytes", "bytes without the biases", "inside estimators report"),
    Fault("estimators/summary.py", "networks * flat.nbytes", "flat.nbytes", "bytes of one network of several", "inside estimators"),
    Fault("estimators/parameters.py", "if (held_out.X is None) != (held_out.y is None):", "if False:", "X_val without y_val", "validation estimators"),
    Fault("estimators/parameters.py", "if held_out.X is None and held_out.weight is not None:", "if False:", "weights of no rows", "validation weights"),
    Fault("estimators/parameters.py", "if unknown or len(names) != n_layers:", "if unknown:", "activations for fewer layers", "estimators activations"),
    Fault("estimators/targets.py", "if (labels % 1).any():", "if False:", "continuous labels", "labels estimators"),
    Fault("estimators/targets.py", "if len(distinct) < len(given):", "if False:", "a class told twice", "stream estimators"),
    Fault("estimators/targets.py", "if (several.sum(axis=1) == 1).all():", "if False:", "one-hot labels not doubted", "multilabel estimators"),
    Fault("estimators/regressor.py", "return float(np.mean(scores))", "return float(scores[0])", "score of the first quantile", "regressor losses"),
]  # fmt: skip
