"""Models in another form against the models themselves, on many rows with extremes.

Every model of tests/exported.py is written in each form and predicts rows that it has not seen:
holes, unknown levels and words, numbers a thousand times larger than those of training. Labels
must be equal, probabilities within 2e-6 (float32) or 1e-12 (float64), numbers within such a share
of the largest that one of the networks predicts.
"""

import sys
import warnings
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
            estimator, unseen, by_labels = exported.case(name)
            dtype = str(estimator.model_.params.flat.dtype)
            frame = unseen[:n_rows]
            found = predicts(estimator.model_, frame)
            n_wrong, off = compared(estimator, frame, found, by_labels)
            n, worst[dtype] = n + 1, max(worst[dtype], off)
            tally.expect(not n_wrong, f"{form}, {name}: {n_wrong} labels differ")
            within = off <= exported.TOLERANCE[dtype]
            tally.expect(within, f"{form}, {name}: off by {off:.1e}")
        figures = ", ".join(f"{off:.1e} in {dtype}" for dtype, off in worst.items())
        told.append(f"{form}: {n} models, {n_rows:,} rows each, off by at most {figures}")
    return "; ".join(told)


def compared(estimator, frame, found, by_labels):
    """Count the labels that differ; give the largest difference."""
    from exported import size_of
    from handgrad.tables.frames import from_frame

    model, table = estimator.model_, from_frame(frame)
    if not by_labels:
        expected = model.predict_numbers(table)
        return 0, np.abs(found[0] - expected).max() / size_of(estimator, frame)
    label, proba = found
    wrong = int((label != model.predict(table)).sum())
    return wrong, float(np.abs(proba - model.predict_proba(table)).max())


# -- each form: a model and a frame give labels and probabilities, or numbers alone -------------


def through_node(model, frame):
    from handgrad.export import javascript_source
    from node import Node, rows_of

    node, rows = Node(), rows_of(frame)
    call = node.load(javascript_source(model))
    names = ["predict", "predictProba"] if len(model.classes) else ["predict"]
    found = [np.array(call(name, rows)) for name in names]
    node.close()
    return [one if one.ndim > 1 or len(model.classes) else one[:, None] for one in found]


FORMS = {"javascript": (through_node, 10_000)}
