"""Models of every kind in each language that they are written in, on rows they have not seen."""

import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

TESTS = Path(__file__).parents[1] / "tests"
COUNT = 1_000  # models at most: all that tests/exported.py has


def drill(tally, folder):
    """Take each form in turn through all models."""
    sys.path.insert(0, str(TESTS))  # their models, rows and tolerances
    try:
        from exported import CASES, case

        names = [name for name, _ in zip(CASES, tally.strikes(), strict=False)]
        told = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for form, agree in FORMS.items():
                farthest = {"float32": 0.0, "float64": 0.0}
                n_rows = sum(agree(tally, name, case(name), folder, farthest) for name in names)
                off = " and ".join(f"{most:.1e} in {dtype}" for dtype, most in farthest.items())
                told.append(f"{form}: {len(names)} models, {n_rows:,} rows, {off} at most")
    finally:
        sys.path.remove(str(TESTS))
    return "; ".join(told)


def c(tally, name, case, folder, farthest):
    """Compare headers of C with a model: in its own precision, and in whole numbers."""
    from c_programs import Compiled, as_given, whole_scores
    from exported import TOLERANCE, size_of, tables
    from handgrad.export import quantise
    from handgrad.tables.frames import from_frame

    estimator, unseen, by_labels = case
    model = estimator.model_
    dtype = str(model.params.flat.dtype)
    frame = as_given(model, unseen, dtype)
    with tempfile.TemporaryDirectory(dir=folder) as inside:
        status, found, holds = Compiled(model, Path(inside), dtype=dtype)(frame)
    table = from_frame(frame)
    expected = model.predict_proba(table) if by_labels else model.predict_numbers(table)
    off = np.abs(found - expected).max() / (1 if by_labels else size_of(estimator, frame))
    farthest[dtype] = max(farthest[dtype], float(off))
    tally.expect(off <= TOLERANCE[dtype], f"c, {name}: {off:.1e} off")
    if by_labels:
        labels = holds if model.is_multilabel else model.classes[status]
        differ = int((np.asarray(labels) != model.predict(table)).sum())
        tally.expect(differ == 0, f"c, {name}: {differ} labels differ")
    quantised = quantise(model, from_frame(tables()[0]))
    few = as_given(model, unseen[:1_500], "float32")
    with tempfile.TemporaryDirectory(dir=folder) as inside:
        q, sums = Compiled(model, Path(inside), quantised=quantised).whole_numbers(few)
    for place, network in enumerate(quantised.networks):
        same = (whole_scores(model, network, q, few) == sums[:, place]).all()
        tally.expect(same, f"c, {name}: whole numbers differ")
    return len(frame)


FORMS = {"c": c}
