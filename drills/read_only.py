"""Training on from memory that may not be written to: it works, or is refused; nothing dies.

A model from joblib.load(..., mmap_mode="r"), one that joblib.Parallel hands to its workers, and
rows, labels and weights marked as read-only, each on both engines, in a process of its own.
"""

import itertools
import warnings
from pathlib import Path

import house
import numpy as np

COUNT = 1000
WAYS = ("mapped", "in_parallel", "marked")
STEPS = ("partial_fit", "warm fit", "lbfgs", "predict")


def drill(tally, folder):
    cases = list(itertools.product(WAYS, engines(), ("float32", "float64"), STEPS))
    cases = [case for case in cases if case[1] == "numpy" or case[3] != "lbfgs"]
    groups = [list(group) for _, group in itertools.groupby(cases, lambda case: case[:3])]
    tally.count, done = min(tally.count, len(groups)), 0
    for number in tally.strikes():
        for way, engine, dtype, step in groups[number]:
            code, told = house.child("read_only.strike", way, engine, dtype, step, str(folder))
            done += 1
            where = f"{way.replace('_', ' ')}, {engine}, {dtype}, {step}"
            tally.expect(code == 0, f"{where}: exit code {code}, {told}")
            tally.expect(code or told == "same", f"{where}: {told}")
    return f"{done} trainings and predictions from read-only memory"


def engines():
    from handgrad.engines.choice import missing_packages

    return ("numpy",) if missing_packages() else ("numpy", "compiled")


# -- in a process of its own -------------------------------------------------------------------


def strike(way, engine, dtype, step, folder):
    """Do one step with what is read-only, and with what is not; the outcomes must be the same."""
    import joblib

    warnings.simplefilter("ignore")
    settings = {"engine": engine, "dtype": dtype, "warm_start": step == "warm fit"}
    solver = {"solver": "lbfgs"} if step == "lbfgs" else {}
    model = house.classifier((600, 40), **settings, **solver)
    path = Path(folder) / "model.joblib"
    joblib.dump(model, path)
    expected = advanced(joblib.load(path), step)
    if way == "mapped":
        found = advanced(joblib.load(path, mmap_mode="r"), step)
    elif way == "in_parallel":
        run = joblib.Parallel(n_jobs=2, max_nbytes=1000)
        found = run(joblib.delayed(advanced)(model, step) for _ in range(2))[0]
    else:
        found = advanced(joblib.load(path), step, read_only=True)
    return "same" if np.array_equal(expected, found) else "other numbers than with a copy"


def advanced(model, step, read_only=False):
    warnings.simplefilter("ignore")
    x, y = house.points()
    weight = np.linspace(0.5, 2, len(x))
    for array in (x, y, weight):
        array.flags.writeable = not read_only
    if step == "partial_fit":
        model.partial_fit(x, y, sample_weight=weight)
    elif step != "predict":
        model.fit(x, y, sample_weight=weight)
    return model.predict_proba(x)
