"""Faults of the estimators: parameters passed over, rows not checked, another answer."""
# ruff: noqa: E501 -- the table keeps one fault on one line

from faults import Fault

FAULTS = [
    Fault("estimators/callbacks.py", "return bool(stop)", "return False", "a callback cannot stop a fit", "inside::test_callbacks_of_scikit_learn_see_every_epoch_and_may_stop"),
    Fault("estimators/callbacks.py", "fitted = {FIT: fit}", "fitted = {FIT: None}", "a callback sees no model", "inside::test_a_callback_may_keep_the_network_of_each_epoch"),
    Fault("estimators/callbacks.py", "    def end(self) -> None:\n        \"\"\"Tell of the end of the fit.\"\"\"\n        if self._context is not None:", "    def end(self) -> None:\n        \"\"\"Tell of the end of the fit.\"\"\"\n        if False:", "the end of a fit not told", "inside::test_callbacks_of_scikit_learn_see_every_epoch_and_may_stop"),
    Fault("estimators/growth.py", "part[..., 1:] - part[..., :1] if two else part", "part[..., 1:] if two else part", "the score of one class over nothing", "inside::test_the_only_class_there_was_is_weighed_against_the_new_one"),
    Fault("estimators/growth.py", "np.stack([0 * old[..., 0], old[..., 0]], -1) if is_score_of_one else old", "np.stack([old[..., 0], 0 * old[..., 0]], -1) if is_score_of_one else old", "two classes swapped as a third comes", "inside::test_the_output_layer_grows_when_more_classes_are_named"),
    Fault("estimators/growth.py", "        slot[:] = widened(run.params.like(old), (*zeros, V))\n", "        pass\n", "the optimiser forgets as a class comes", "inside::test_growth_keeps_the_memory_of_the_optimiser"),
    Fault("estimators/fitted.py", "float(self.learning_rate_init if lr is None else lr)", "float(self.learning_rate_init)", "trace: lr passed over", "trace::test_an_estimator_traces_what_it_trains_on"),
    Fault("estimators/fitted.py", "            float(self.alpha),\n", "            0.0,\n", "the penalty is not checked", "trace::test_what_is_looked_at_counts_weights_and_the_penalty"),
    Fault("estimators/fitted.py", "x, y_t, weight = now._inside(X, y, sample_weight)", "x, y_t, weight = now._inside(X, y, None)", "trace: weights passed over", "trace::test_what_is_looked_at_counts_weights_and_the_penalty"),
    Fault("estimators/fitted.py", "None if rows.weight is None else rows.weight.astype(np.float64)", "None", "gradient_check: weights passed over", "trace::test_what_is_looked_at_counts_weights_and_the_penalty"),
    Fault("estimators/progress.py", "    elif not sys.stdout.isatty():\n        yield _line\n", "    elif not sys.stdout.isatty():\n        yield lambda epoch, loss, score: None\n", "verbose says nothing in a pipe", "estimators::test_verbose_prints_a_line_an_epoch"),
    Fault("estimators/progress.py", '    if score is not None:\n        print(f"Validation', '    if False:\n        print(f"Validation', "verbose: no score", "estimators::test_verbose_prints_a_line_an_epoch"),
    Fault("estimators/progress.py", "            bar.advance(task)\n", "            pass\n", "the bar stands still", "inside::test_verbose_draws_a_bar_in_a_terminal"),
    Fault("estimators/summary.py", "n, n * W.itemsize", "n, W.nbytes", "bytes without the biases", "inside::test_summary_and_notebooks_show_the_layers"),
    Fault("estimators/summary.py", "networks * flat.nbytes", "flat.nbytes", "bytes of one network of several", "inside::test_summary_and_notebooks_show_the_layers"),
    Fault("estimators/parameters.py", "if (held_out.X is None) != (held_out.y is None):", "if False:", "X_val without y_val", "estimators::test_validation_rows_are_refused_where_they_mean_nothing"),
    Fault("estimators/parameters.py", "if held_out.X is None and held_out.weight is not None:", "if False:", "weights of no rows", "weights::test_weights_of_validation_rows_are_checked_as_all_others"),
    Fault("estimators/parameters.py", "if unknown or len(names) != n_layers:", "if unknown:", "activations for fewer layers", "estimators::test_a_bad_parameter_is_named_before_anything_is_trained"),
    Fault("estimators/targets.py", "if (labels % 1).any():", "if False:", "continuous labels", "labels::test_numbers_between_whole_ones_are_no_labels"),
    Fault("estimators/targets.py", "if len(distinct) < len(given):", "if False:", "a class told twice", "labels::test_a_class_told_twice_is_refused"),
    Fault("estimators/targets.py", "if (several.sum(axis=1) == 1).all():", "if False:", "one-hot labels not doubted", "labels::test_one_hot_classes_are_doubted_and_labels_of_their_own_are_not"),
    Fault("estimators/regressor.py", "return float(np.mean(scores))", "return float(scores[0])", "score of the first quantile", "regressor::test_a_score_of_quantiles_is_the_mean_of_each"),
    Fault("estimators/base.py", "before = self._fit_ if continuing and self.__sklearn_is_fitted__() else None", "before = None", "warm_start and partial_fit begin anew", "estimators stream"),
    Fault("estimators/base.py", "HeldOut(X_val, y_val, sample_weight_val)", "HeldOut(X_val, y_val)", "weights of validation rows passed over", "weights validation"),
    Fault("estimators/base.py", "continuing=self.warm_start, is_stream=False", "continuing=True, is_stream=False", "every fit goes on from the last", "estimators"),
    Fault("estimators/regressor.py", "return numbers[:, 0] if numbers.shape[1] == 1 else numbers", "return numbers", "a column of predictions for one number", "regressor"),
    Fault("estimators/numbers.py", "_check_possible(architecture.head, y)", "pass", "counts below 0 are validated on", "regressor"),
    Fault("estimators/numbers.py", "(continuing and before is None)", "False", "a scale from a whole table moves with a stream", "stream regressor"),
    Fault("estimators/classifier.py", "if classes is None and not self.__sklearn_is_fitted__():", "if False:", "a stream begins without its classes", "estimators inside"),
    Fault("estimators/classifier.py", "return scores[:, 0] if model.architecture.head.is_binary(scores.shape[1]) else scores", "return scores", "a column of decisions for two classes", "estimators"),
    Fault("engines/choice.py", "return next(one for one in _candidates(wanted) if one.predicts(architecture))", "return next(iter(_candidates(wanted)))", "a model cannot leave its engine behind", "engine_choice outputs"),
]  # fmt: skip
