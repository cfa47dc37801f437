"""Faults of the page where it learns numbers, of its preset, its skip and its program in NumPy."""
# ruff: noqa: E501 -- the table keeps one fault on one line

from faults import Fault

FAULTS = [
    Fault("playground/judging.py", 'found.measures["r2"][0]', 'found.measures["mean_absolute_error"][0]', "an error called R2", "playground_numbers::test_numbers_are_learnt_as_training_does"),
    Fault("playground/judging.py", "points.in_units(np.hstack([points.y_t[judging], y]))", "np.hstack([points.y_t[judging], y])", "predictions in units that nobody knows", "playground_numbers::test_a_column_of_numbers_is_predicted_in_its_own_units"),
    Fault("playground/points.py", "return np.hstack([x, x]) if self.encoder.has_skip else x", "return x", "a skip without its inputs", "playground_numbers::test_a_skip_and_a_scale_are_learnt_as_training_does"),
    Fault("playground/source.py", "learnt = (y[:, np.newaxis] - scale.mean) / scale.scale", "learnt = y[:, np.newaxis] - scale.mean", "a target of any size", "playground_numbers::test_a_column_of_numbers_is_predicted_in_its_own_units"),
    Fault("playground/frame.py", "_scaled(np.tile(units[chosen], (UNIT_MAP, 1, 1)))", "_scaled(np.tile(units[chosen][:1], (UNIT_MAP, 1, 1)))", "units without a picture", "playground_numbers::test_a_frame_of_a_curve_holds_the_prediction_and_its_points"),
    Fault("playground/frame.py", "        start += params.V.size\n", "", "a scale at the place of the skip", "playground_numbers::test_weights_past_the_layers_are_set_by_their_places"),
    Fault("playground/plain.py", 'f"bits.advance({counted.n})', 'f"bits.advance({counted.n + 1})', "batches of another order", "playground_numbers::test_plain_numpy_makes_the_same_steps"),
    Fault("playground/plain.py", "first.flat[entry[1]] = entry[2]", "pass", "a weight that was set is forgotten", "playground_numbers::test_plain_numpy_makes_the_same_steps"),
    Fault("playground/takeaway.py", "architecture, params = scale_folded(model.architecture, model.params)", "architecture, params = model.architecture, model.params", "a model that no file holds", "playground_numbers::test_a_skip_and_a_scale_are_learnt_as_training_does"),
    Fault("playground/engine.py", "learner.prepare(task.settings)", "pass", "a rule without its memory", "playground_numbers::test_numbers_are_learnt_as_training_does"),
    Fault("playground/recipe.py", '"optimizer": "sgd",\n        "rate": 0.01,', '"optimizer": "adam",\n        "rate": 0.01,', "not the article's rule", "playground_numbers_page::test_the_preset_shows_the_articles_network"),
    Fault("playground/page/numbers.js", "mean + scale * y;", "scale * y;", "numbers without their mean", "playground_modules"),
    Fault("playground/page/pairs.js", "x(truth), y(told)", "x(told), y(told)", "every prediction on the line", "playground_numbers_page::test_predictions_lie_over_their_truth"),
    Fault("playground/page/beside.js", "V.start + i * V.width + unit", "V.start + i + V.width * unit", "another weight of the skip", "playground_modules"),
    Fault("playground/replay/replay.js", "scoresOf(x, x, networks[moment])", "scoresOf(x, x.toReversed(), networks[moment])", "a replay with a skip of other inputs", "playground_numbers_page::test_a_replay_computes_the_librarys_numbers"),
]  # fmt: skip
