"""Models in another form against the models themselves, on many rows with extremes.

Every model of tests/exported.py is written in each form and predicts rows that it has not seen:
holes, unknown levels and words, numbers a thousand times larger than those of training. Labels
must be equal, probabilities within 2e-6 (float32) or 1e-12 (float64), numbers within such a share
of the largest that one of the networks predicts.
"""

import sys
import warnings
from functools import cache
from pathlib import Path

import numpy as np

COUNT = 1000  # more than there are


def drill(tally, folder):
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    warnings.simplefilter("ignore")
    import exported

    tally.begin()
    told = []
    for form, (predicts, n_rows) in FORMS.items():
        n, worst = 0, dict.fromkeys(exported.TOLERANCE, 0.0)
        for name, _ in zip(exported.CASES, tally.strikes(), strict=False):
            estimator, _, by_labels = exported.case(name)
            dtype = str(estimator.model_.params.flat.dtype)
            frame, table = rows(name.startswith(exported.OVERFLOWS), n_rows)
            found = predicts(estimator.model_, frame)
            n_wrong, off = compared(estimator, frame, table, found, by_labels)
            n, worst[dtype] = n + 1, max(worst[dtype], off)
            tally.expect(not n_wrong, f"{form}, {name}: {n_wrong} labels differ")
            within = off <= exported.TOLERANCE[dtype]
            tally.expect(within, f"{form}, {name}: off by {off:.1e}")
        figures = ", ".join(f"{off:.1e} in {dtype}" for dtype, off in worst.items())
        told.append(f"{form}: {n} models, {n_rows:,} rows each, off by at most {figures}")
    return "; ".join(told)


@cache
def rows(are_mild, n):
    """Make n rows, as a frame and as a table."""
    from exported import a_table, milder
    from handgrad.tables.frames import from_frame

    frame = milder(a_table(n, 1)) if are_mild else a_table(n, 1)
    return frame, from_frame(frame)


def compared(estimator, frame, table, found, by_labels):
    """Count the labels that differ; give the largest difference."""
    from exported import size_of

    model = estimator.model_
    table = model.encode(table)
    if not by_labels:
        expected = model.predict_numbers(table)
        return 0, np.abs(found[0] - expected).max() / size_of(estimator, frame)
    label, proba = found
    wrong = int((label != model.predict(table)).sum())
    return wrong, float(np.abs(proba - model.predict_proba(table)).max())


# -- each form: a model and a frame give labels and probabilities, or numbers alone -------------


def through_onnxruntime(model, frame):
    import onnxruntime

    from exported import as_inputs
    from handgrad.export import written

    loaded = onnxruntime.InferenceSession(
        written(model, "onnx"), providers=["CPUExecutionProvider"]
    )
    cells = as_inputs(frame)
    return loaded.run(None, {given.name: cells[given.name] for given in loaded.get_inputs()})


FORMS = {"onnx": (through_onnxruntime, 100_000)}
