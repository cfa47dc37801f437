"""Wide frames, sparse rows and single rows: the cost of a table beside the arithmetic.

    python benchmarks/wide.py [--quick | --tables]

Seven tables, each in a fresh process for each contender, in turns, several rounds; the tables show
medians, and as memory the peak of the process, imports included:

- a frame of 120 x 10,000 numbers: fit, and predict one row;
- one row from a frame of 8 columns, two of them texts: `predict_proba`;
- 4,000 x 100,000 sparse rows with 30 ones each: fit;
- a frame of 300 x 2,000 numbers, 20 epochs, a score on the rows held back after each;
- 5 rows of 100,001 columns, as CSV and as Parquet: read, plan and encode;
- 20 rows of 100,001 columns as CSV, half of them words, the others whole numbers, 0 and 1, and
  fractions: read, and tell the kind of each column;
- 2,000,000 rows of 3 texts and 3 numbers from Arrow: fit the encoder and encode.

scikit-learn gets the same through StandardScaler, where there are texts beside OneHotEncoder in a
ColumnTransformer, and reads files with pandas. handgrad runs its reference engine. Contenders run
in this environment, for both need pandas. ``--quick`` is a trial of one round that leaves no
result.

Before it counts, each network must get 0.8 of its training rows right, and both contenders must
find as many inputs, the same words, and the same sum of all numbers.
"""

import json
import sys
import tempfile
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from racing.measuring import in_turns, median_seconds, medians, megabytes, seconds_of
from racing.processes import fresh
from racing.results import number, run

import handgrad

CONTENDERS = ("handgrad", "scikit-learn")
ROUNDS = 3
SECONDS = 300  # no process may take longer
CALLS = 500
EPOCHS = 20


# -- the tasks, each in a fresh process ----------------------------------------------------------


def classifier(contender, units=(16,), **settings):
    if contender == "handgrad":
        return handgrad.MLPClassifier(units, engine="numpy", random_state=0, **settings)
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(units, random_state=0, **settings)


def scaled(contender, texts=(), **settings):
    """Make an estimator that takes frames; scikit-learn's standardises and encodes by itself."""
    model = classifier(contender, **settings)
    if contender == "handgrad":
        return model
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    if not texts:
        return make_pipeline(StandardScaler(), model)
    one_hot = (OneHotEncoder(handle_unknown="ignore"), list(texts))
    return make_pipeline(make_column_transformer(one_hot, remainder=StandardScaler()), model)


def numbers_frame(rows, columns):
    import pandas as pd

    x = np.random.default_rng(0).normal(size=(rows, columns))
    y = (x[:, 0] > 0).astype(int)
    x[:, : columns // 20] += 2 * y[:, None]
    return pd.DataFrame(x, columns=[f"gene {number}" for number in range(columns)]), y


def wide_frame(contender):
    x, y = numbers_frame(120, 10_000)
    fit = median_seconds(lambda: scaled(contender, max_iter=5).fit(x, y), 3)
    model = scaled(contender, max_iter=5).fit(x, y)
    one = median_seconds(lambda: model.predict(x.iloc[:1]), 9)
    return {"fit": fit, "predict one row": one, "accuracy": model.score(x, y)}


def customers(rows):
    import pandas as pd

    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(rows, 6)), columns=list("abcdef"))
    frame["city"] = rng.choice(["Oslo", "Rome", "Lima", "Bonn", "Kiel"], rows)
    frame["plan"] = rng.choice(["free", "basic", "full"], rows)
    return frame, ((frame.a > 0) ^ (frame.plan == "free")).to_numpy()


def single_row(contender):
    x, y = customers(500)
    model = scaled(contender, ["city", "plan"], max_iter=300).fit(x, y)
    row = x.iloc[:1]
    one = median_seconds(lambda: model.predict_proba(row), CALLS)
    return {"predict_proba": one, "accuracy": model.score(x, y)}


def sparse_rows(contender):
    from scipy.sparse import csr_array

    n, columns, ones = 4000, 100_000, 30
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    cells = rng.integers(columns // 2, columns, size=(n, ones))
    cells[:, :10] = rng.integers(0, 50, size=(n, 10)) + 50 * y[:, None]
    rows = np.repeat(np.arange(n), ones)
    x = csr_array((np.ones(n * ones), (rows, cells.ravel())), shape=(n, columns))
    model = classifier(contender, max_iter=2)
    fit, _ = seconds_of(lambda: model.fit(x, y))
    return {"fit": fit, "peak, MB": megabytes("VmHWM"), "accuracy": model.score(x, y)}


def watched(contender):
    x, y = numbers_frame(300, 2_000)
    settings = {"max_iter": EPOCHS, "early_stopping": True, "n_iter_no_change": EPOCHS}
    asked = [{"scoring": name} for name in ("loss", "roc_auc", "balanced_accuracy")]
    if contender != "handgrad":
        asked = [{}]  # it can only watch the accuracy
    scaled(contender, **settings, **asked[0]).fit(x, y)  # late imports happen here
    seen = {}
    for scoring in asked:
        model = scaled(contender, **settings, **scoring)
        what = f"fit, {scoring.get('scoring', 'loss')}"
        seen[what], _ = seconds_of(lambda model=model: model.fit(x, y))
    return {**seen, "accuracy": model.score(x, y)}


def long_header(contender):
    """Read 5 rows of 100,001 columns from both kinds of file, and make inputs of the first."""
    import pandas as pd

    columns = {f"c{number}": np.arange(5) * (number + 0.5) for number in range(100_001)}
    frame, seen = pd.DataFrame(columns), {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("csv", "parquet"):
            path = Path(folder) / f"table.{kind}"
            getattr(frame, f"to_{kind}")(path, index=False)
            read = handgrad.read_table if contender == "handgrad" else getattr(pd, f"read_{kind}")
            seen[f"read {kind}"], table = seconds_of(lambda read=read, path=path: read(path))
            seen[f"encode {kind}"], z = seconds_of(lambda table=table: encoded(contender, table))
    return {**seen, "inputs": z.shape[1]}


def many_words(contender):
    """Read 20 rows of 100,001 columns, half of them words, and tell the kind of each column."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        write_many_words(path)
        seconds, found = seconds_of(lambda: recognised(contender, path))
        peak = megabytes("VmHWM")
    words, numbers = parted(contender, *found)
    cells = {"words": words.shape[1], "cells": int((words == "C").sum()), "sum": numbers.sum()}
    return {"read and recognise": seconds, "peak, MB": peak, **cells}


def write_many_words(path):
    rng, k = np.random.default_rng(0), 25_000
    blocks = [rng.choice(["A", "C", "G"], (20, 2 * k)), rng.integers(0, 100, (20, k))]
    blocks += [rng.integers(0, 2, (20, k // 2)), rng.integers(0, 4000, (20, k // 2 + 1)) / 8]
    names = ",".join(f"c{number}" for number in range(sum(block.shape[1] for block in blocks)))
    rows = (",".join(",".join(map(str, block[row])) for block in blocks) for row in range(20))
    path.write_text("\n".join([names, *rows]) + "\n")


def recognised(contender, path):
    """Read a table; tell which of its columns are words."""
    if contender == "handgrad":
        from handgrad.tables.recognition.planning import plan_of

        table = handgrad.read_table(path)
        return table, [column.kind == "category" for column in plan_of(table)]
    import pandas as pd

    frame = pd.read_csv(path)
    return frame, [dtype == "str" for dtype in frame.dtypes]


def parted(contender, table, are_words):
    """Give the words and the numbers of all columns as two matrices."""
    frame = table.to_pandas() if contender == "handgrad" else table
    are_words = np.array(are_words)
    return frame.loc[:, are_words].to_numpy(str), frame.loc[:, ~are_words].to_numpy(float)


def long_table(contender):
    """Encode 2,000,000 rows of texts and numbers; a third of the cells are texts' levels."""
    import pyarrow as pa

    n, rng = 2_000_000, np.random.default_rng(0)
    cells = {f"n{number}": pa.array(rng.normal(size=n)) for number in range(3)}
    for place, n_levels in enumerate((3, 10, 30)):
        levels = pa.array([f"level {level}" for level in range(n_levels)])
        cells[f"t{place}"] = levels.take(pa.array(rng.integers(0, n_levels, size=n)))
    table = pa.table(cells)
    seconds, z = seconds_of(lambda: encoded(contender, table, ["t0", "t1", "t2"]))
    return {"encode": seconds, "peak, MB": megabytes("VmHWM"), "inputs": z.shape[1]}


def encoded(contender, table, texts=()):
    if contender == "handgrad":
        from handgrad.tables.fitting import fit_table
        from handgrad.tables.recognition.planning import plan_of

        return fit_table(table, plan_of(table)).transform(table)
    from sklearn.compose import make_column_transformer
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = table if hasattr(table, "iloc") else table.to_pandas()
    if not texts:
        return StandardScaler().fit_transform(frame)
    one_hot = OneHotEncoder(sparse_output=False)
    both = make_column_transformer((one_hot, texts), remainder=StandardScaler())
    return both.fit_transform(frame)


TASKS = {
    "frame of 120 x 10,000": wide_frame,
    "one row of 8 columns": single_row,
    "sparse 4,000 x 100,000": sparse_rows,
    "frame of 300 x 2,000, 20 epochs": watched,
    "5 rows of 100,001 columns": long_header,
    "20 rows of 100,001 columns, half of them words": many_words,
    "2,000,000 rows of 6 columns": long_table,
}


# -- the measurement ---------------------------------------------------------------------------


def measure(options):
    figures = {}
    for task in TASKS:
        seen = in_turns(CONTENDERS, 1 if options.quick else ROUNDS, partial(one_run, task))
        figures[task] = {contender: medians_of(runs) for contender, runs in seen.items()}
        check(task, figures[task])
    return {"figures": figures, "ratios": ratios_of(figures)}


def one_run(task, contender, _):
    """Do one task in a process of its own, with the handgrad that is imported here."""
    here = str(Path(handgrad.__file__).parents[1])
    how = {"limit": SECONDS, "PYTHONPATH": here}
    return json.loads(fresh(sys.executable, __file__, "--task", task, contender, **how)[1])


def medians_of(runs):
    return medians({what: [run[what] for run in runs] for what in runs[0]})


SAME = ("inputs", "words", "cells", "sum")
CHECKS = ("accuracy", *SAME)


def check(task, of):
    for contender, seen in of.items():
        if seen.get("accuracy", 1) < 0.8:
            raise RuntimeError(f"{task}: {contender} has not learnt: {seen['accuracy']:.2f}")
    for what in SAME:
        ours, theirs = (of[contender].get(what) for contender in CONTENDERS)
        if ours != theirs:
            raise RuntimeError(f"{task}: {what} {ours} beside {theirs}")


def ratios_of(figures):
    """Compare scikit-learn with us: {peer: {what: times cheaper we are}}."""
    return {
        "scikit-learn": {
            f"{what} of {task}": value / of["handgrad"][what]
            for task, of in figures.items()
            for what, value in of["scikit-learn"].items()
            if what not in CHECKS
        }
    }


def tables(data):
    header = ["table", "seconds, unless MB", *CONTENDERS, "times cheaper than scikit-learn"]
    rows = [
        [
            task, what, shown(value), shown(of["scikit-learn"].get(what)),
            number(data["ratios"]["scikit-learn"].get(f"{what} of {task}")),
        ]
        for task, of in data["figures"].items()
        for what, value in of["handgrad"].items()
        if what not in CHECKS
    ]  # fmt: skip
    return [(header, rows)]


def shown(value):
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.{4 if value < 0.1 else 2}f}"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if "--task" in sys.argv:
        print(json.dumps(TASKS[sys.argv[2]](sys.argv[3])))
    else:
        run(measure, tables, ["handgrad"])
