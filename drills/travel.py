"""Models in another form against the models themselves, on many rows with extremes.

Every model of tests/exported.py is written in each form and predicts rows that it has not seen:
holes, unknown levels and words, numbers a thousand times larger than those of training. Labels
must be equal, probabilities within 2e-6 (float32) or 1e-12 (float64), numbers within such a share
of the largest that one of the networks predicts. C computes in the model's own precision; its
whole numbers must be those that NumPy computes from the same weights of 8 bits.
"""

import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

COUNT = 1000  # more than there are
FEW = 1_500  # rows for whole numbers


def drill(tally, folder):
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    warnings.simplefilter("ignore")
    import exported

    tally.begin()
    n, worst = 0, {form: dict.fromkeys(exported.TOLERANCE, 0.0) for form in FORMS}
    for name, _ in zip(exported.CASES, tally.strikes(), strict=False):
        n += 1
        for form in FORMS:
            struck(tally, form, name, Path(folder), worst[form])
    told = [
        f"{form}: {way.n_rows:,} rows each, off by at most "
        + ", ".join(f"{off:.1e} in {dtype}" for dtype, off in worst[form].items())
        for form, way in FORMS.items()
    ]
    return f"{n} models; {'; '.join(told)}"


def struck(tally, form, name, folder, worst):
    """Let a form of a model predict; note how far off it is."""
    import exported

    case, way = exported.case(name), FORMS[form]
    model = case.estimator.model_
    dtype = str(model.params.flat.dtype)
    frame, table = way.given(model, name.startswith(exported.OVERFLOWS), way.n_rows)
    with tempfile.TemporaryDirectory(dir=folder) as inside:
        found = way.predicts(model, frame, Path(inside))
        tally.expect(way.is_sound(model, frame, Path(inside)), f"{form}, {name}: 8 bits")
    n_wrong, off = compared(case, frame, table, found)
    worst[dtype] = max(worst[dtype], off)
    tally.expect(not n_wrong, f"{form}, {name}: {n_wrong} labels differ")
    tally.expect(off <= exported.TOLERANCE[dtype], f"{form}, {name}: off by {off:.1e}")


def compared(case, frame, table, found):
    """Count the labels that differ; give the largest difference."""
    from exported import size_of

    model = case.estimator.model_
    table = model.encode(table)
    if not case.by_labels:
        expected = model.predict_numbers(table)
        return 0, np.abs(found[0] - expected).max() / size_of(case.estimator, frame)
    label, proba = found
    wrong = int((label != model.predict(table)).sum())
    return wrong, float(np.abs(proba - model.predict_proba(table)).max())


@cache
def rows(are_mild, n):
    """Make n rows, as a frame and as a table."""
    from exported import a_table, milder
    from handgrad.tables.frames import from_frame

    frame = milder(a_table(n, 1)) if are_mild else a_table(n, 1)
    return frame, from_frame(frame)


# -- each form: a model and a frame give labels and probabilities, or numbers alone -------------


def through_numpy(model, frame, folder):
    from handgrad.export import python_source

    space = {"__name__": "written"}
    exec(compile(python_source(model), "written.py", "exec"), space)
    names = ["predict", "predict_proba"] if len(model.classes) else ["predict"]
    return with_columns(model, [space[name](frame) for name in names])


def through_node(model, frame, folder):
    from handgrad.export import javascript_source
    from node import Node, rows_of

    node, given = Node(), rows_of(frame)
    call = node.load(javascript_source(model))
    names = ["predict", "predictProba"] if len(model.classes) else ["predict"]
    found = [np.array(call(name, given)) for name in names]
    node.close()
    return with_columns(model, found)


def through_onnxruntime(model, frame, folder):
    import onnxruntime

    from exported import as_inputs
    from handgrad.export import written

    loaded = onnxruntime.InferenceSession(
        written(model, "onnx"), providers=["CPUExecutionProvider"]
    )
    cells = as_inputs(frame)
    return loaded.run(None, {given.name: cells[given.name] for given in loaded.get_inputs()})


def through_c(model, frame, folder):
    from c_programs import Compiled

    status, found, holds = Compiled(model, folder, dtype=str(model.params.flat.dtype))(frame)
    if not len(model.classes):
        return [found]
    return [holds if model.is_multilabel else model.classes[status], found]


def with_columns(model, found):
    """Give single numbers a column."""
    return [one if one.ndim > 1 or len(model.classes) else one[:, None] for one in found]


def as_it_is(model, are_mild, n):
    return rows(are_mild, n)


def as_c_holds_it(model, are_mild, n):
    """Give the rows with the cells that a struct of C can hold."""
    from c_programs import as_given
    from handgrad.tables.frames import from_frame

    frame = as_given(model, rows(are_mild, n)[0], str(model.params.flat.dtype))
    return frame, from_frame(frame)


def always(model, frame, folder):
    return True


def has_the_whole_numbers_of_numpy(model, frame, folder):
    from c_programs import Compiled, as_given, whole_scores
    from exported import tables
    from handgrad.export import quantise
    from handgrad.tables.frames import from_frame

    quantised = quantise(model, from_frame(tables()[0]))
    few = as_given(model, frame[:FEW], "float32")
    own = folder / "whole"  # a library of the same path would not be loaded anew
    own.mkdir()
    q, sums = Compiled(model, own, quantised=quantised).whole_numbers(few)
    return all(
        (whole_scores(model, network, q, few) == sums[:, place]).all()
        for place, network in enumerate(quantised.networks)
    )


class Way(NamedTuple):
    """A form, and how it is tried."""

    predicts: object
    n_rows: int
    given: object = as_it_is  # a model's rows, as a frame and as a table
    is_sound: object = always  # what else must hold


FORMS = {
    "python": Way(through_numpy, 10_000),
    "javascript": Way(through_node, 10_000),
    "onnx": Way(through_onnxruntime, 100_000),
    "c": Way(through_c, 10_000, as_c_holds_it, has_the_whole_numbers_of_numpy),
}
