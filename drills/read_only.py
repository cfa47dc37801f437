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
    cases = list(itertools.product(WAYS, STEPS, engines(), ("float64", "float32")))
    cases = [case for case in cases if case[2] == "numpy" or case[1] != "lbfgs"]
    tally.count = min(tally.count, len(cases))

    def strike(number):
        own = folder / str(number)
        own.mkdir()
        code, told = house.child("read_only.strike", *cases[number], str(own))
        where = ", ".join(cases[number]).replace("_", " ")
        told = f"exit code {code}, {told}" if code else told
        tally.expect(told == "same", f"{where}: {told}")

    house.at_once(house.cores(), strike, tally.strikes())
    return f"{tally.struck} of {len(cases)} trainings and predictions from read-only memory"


def engines():
    from handgrad.engines.compiled.backend import missing

    return ("numpy",) if missing() else ("numpy", "compiled")


# -- in a process of its own -------------------------------------------------------------------


def strike(way, step, engine, dtype, folder):
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
