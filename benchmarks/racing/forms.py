"""The forms in which a model travels: each writes its file, and says how a row is asked of it."""

import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np

from racing.measuring import seconds_of

PENGUINS = Path(__file__).parents[2] / "src" / "handgrad" / "data" / "penguins.csv"
ROWS = 64  # on which all forms must agree


# -- the models --------------------------------------------------------------------------------


def table_of(name):
    """Give the rows of a model as a frame, and its labels."""
    import pandas as pd

    if name == "penguins":
        frame = pd.read_csv(PENGUINS)
        return frame, frame.pop("species")
    x = np.random.default_rng(1).normal(size=(200, 784)).astype(np.float32)
    return pd.DataFrame(x, columns=[f"x{i}" for i in range(784)]), np.arange(200) % 10


def ours(name):
    from handgrad import MLPClassifier

    X, y = table_of(name)
    if name == "penguins":
        how = {"early_stopping": True, "scoring": "loss", "batch_size": 32, "random_state": 0}
        return MLPClassifier((32,), **how).fit(X, y)
    return MLPClassifier((800,), max_iter=1, dtype="float32", random_state=0).fit(X, y)


def theirs(name):
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    X, y = table_of(name)
    numbers = make_column_selector(dtype_include="number")
    prepared = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )
    units = (32,) if name == "penguins" else (800,)
    return make_pipeline(prepared, MLPClassifier(units, max_iter=1, random_state=0)).fit(X, y)


# -- the forms: each writes its file, and says how one row is asked of it ------------------------


class Form:
    """A form of the model, written into a folder."""

    file = ""  # its name
    is_ours = True
    is_exact = True
    runtime = "Python"
    first = ""  # Python of the fresh process, after the import of what reads rows

    def __init__(self, model, name, folder):
        self.model, self.name, self.path = model, name, Path(folder) / self.file
        self.frame = table_of(name)[0]
        self.has_texts = any(kind.kind not in "iuf" for kind in self.frame.dtypes)
        self.write()

    def bytes(self):
        return self.path.stat().st_size

    def compiled(self):
        return None

    def proba(self):
        """Predict the first rows, (ROWS, K)."""
        return self.asked()(self.frame[:ROWS])

    def one_row(self, calls):
        ask, rows = self.asked(), [self.row(i) for i in range(32)]
        ask(rows[0])
        times = [seconds_of(lambda row=rows[i % 32]: ask(row))[0] for i in range(calls)]
        return statistics.median(times)

    def row(self, i):
        return self.frame.iloc[i : i + 1]

    def command(self):
        """Give the command of a fresh process that predicts a row."""
        code = self.first.format(path=str(self.path), row=self.cells(0), names=list(self.frame))
        return [sys.executable, "-c", code]

    def cells(self, i):
        """Give the cells of a row as JSON has them: by name, or a list where all are numbers."""
        row = json.loads(self.frame[i : i + 1].to_json(orient="records", double_precision=15))[0]
        return row if self.has_texts else list(row.values())


class ModelFile(Form):
    file = "model.safetensors"
    first = "from handgrad.models.file import load_model\nload_model({path!r}).predictor()({row})"

    def write(self):
        self.model.save(self.path)

    def proba(self):
        return self.model.predict_proba(self.frame[:ROWS])

    def asked(self):
        from handgrad.models.file import load_model

        return load_model(self.path).predictor()

    def row(self, i):
        return self.cells(i) if self.has_texts else np.array(self.cells(i))


class Pickled(Form):
    file = "model.joblib"
    first = (
        "import joblib, pandas\n"
        "row = pandas.DataFrame([{row}], columns={names})\n"
        "joblib.load({path!r}).predict_proba(row)"
    )

    def write(self):
        import joblib

        joblib.dump(self.model, self.path)

    def asked(self):
        import joblib

        return joblib.load(self.path).predict_proba


class PythonFile(Form):
    file = "model.py"
    first = (
        "import runpy, numpy\nwritten = runpy.run_path({path!r})\nrow = {row}\n"
        "written['predict_proba']([row] if isinstance(row, dict) else numpy.array([row]))"
    )

    def write(self):
        self.model.to_python(self.path)

    def asked(self):
        import runpy

        return runpy.run_path(str(self.path))["predict_proba"]

    def row(self, i):
        return [self.cells(i)] if self.has_texts else np.array([self.cells(i)])


class TheirPickle(Pickled):
    file = "theirs.joblib"
    is_ours = False


class TheirSkops(Form):
    file = "theirs.skops"
    is_ours = False
    first = (
        "import pandas, skops.io as io\n"
        "io.load({path!r}, trusted=io.get_untrusted_types(file={path!r})).predict_proba("
        "pandas.DataFrame([{row}], columns={names}))"
    )

    def write(self):
        from skops import io

        io.dump(self.model, self.path)

    def asked(self):
        from skops import io

        return io.load(self.path, trusted=io.get_untrusted_types(file=self.path)).predict_proba


class Onnx(Form):
    file = "model.onnx"
    runtime = "onnxruntime"
    first = (
        "import numpy, onnxruntime\n"
        "session = onnxruntime.InferenceSession({path!r})\n"
        "session.run(None, {feed})"
    )

    def write(self):
        self.model.to_onnx(self.path)

    def asked(self):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(self.path), options)
        names = [one.name for one in session.get_inputs()]

        def ask(rows):
            return session.run(None, rows if isinstance(rows, dict) else feed(rows, names))[1]

        return ask

    def row(self, i):
        return feed(self.frame[i : i + 1], list(self.frame) if self.has_texts else ["X"])

    def command(self):
        row = self.row(0)
        told = ", ".join(
            f"{name!r}: numpy.array({value.tolist()!r}, {str(value.dtype)!r})"
            for name, value in row.items()
        )
        code = self.first.replace("{path!r}", repr(str(self.path)))
        return [sys.executable, "-c", code.replace("{feed}", f"{{{told}}}")]


def feed(frame, names):
    """Give the inputs of a graph: one matrix, or a column each of float64 or of texts."""
    if names == ["X"]:
        return {"X": frame.to_numpy(np.float64)}
    given = {}
    for name in names:
        cells = frame[name]
        is_text = cells.dtype.kind not in "iuf"
        values = cells.fillna("").to_numpy(object) if is_text else cells.to_numpy(np.float64)
        given[name] = values.reshape(-1, 1)
    return given


class JavaScript(Form):
    file = "model.mjs"
    runtime = "Node"
    program = shutil.which("node")

    def write(self):
        self.model.to_javascript(self.path)
        rows = [self.cells(i) for i in range(ROWS)]
        (self.path.parent / "rows.json").write_text(json.dumps(rows))
        (self.path.parent / "ask.mjs").write_text(ASK)

    def said(self, calls):
        run = [self.program, self.path.parent / "ask.mjs", str(calls)]
        return json.loads(subprocess.run(run, capture_output=True, check=True, text=True).stdout)

    def proba(self):
        return np.array(self.said(0)["proba"])

    def one_row(self, calls):
        return self.said(calls)["seconds"]

    def command(self):
        return [self.program, str(self.path.parent / "ask.mjs"), "first"]


ASK = """\
import { readFileSync } from "node:fs";
import { predictProba } from "./model.mjs";

const rows = JSON.parse(readFileSync(new URL("rows.json", import.meta.url)));
if (process.argv[2] === "first") {
  predictProba(rows.slice(0, 1));
} else {
  const calls = Number(process.argv[2]), times = [];
  for (let i = 0; i < calls * 10; i++) {  // the first are compiled on the way
    const row = [rows[i % 32]], begin = process.hrtime.bigint();
    predictProba(row);
    times.push(Number(process.hrtime.bigint() - begin) / 1e9);
  }
  times.sort((a, b) => a - b);
  console.log(JSON.stringify({
    proba: calls ? [] : predictProba(rows), seconds: times[times.length >> 1] ?? 0,
  }));
}
"""


class Header(Form):
    file = "model.h"
    runtime = "C"
    program = shutil.which("gcc")

    def write(self):
        self.model.to_c(self.path, name="model", **self.given())
        folder = self.path.parent
        (folder / "ask.c").write_text(self.source())
        for flags in (["-O2", "ask.c", "-o", "ask", "-lm"], ["-Os", "-c", "one.c", "-o", "one.o"]):
            (folder / "one.c").write_text(ONE)
            subprocess.run([self.program, "-std=c99", *flags], cwd=folder, check=True)

    def given(self):
        return {}

    def compiled(self):
        """Give the bytes of text and data of the compiled model."""
        sections = subprocess.run(
            ["size", self.path.parent / "one.o"], capture_output=True, check=True, text=True
        ).stdout.splitlines()[1]
        return sum(map(int, sections.split()[:2]))

    def source(self):
        rows = ",\n".join("{" + self.members(i) + "}" for i in range(ROWS))
        return PROGRAM.replace("ROWS", rows).replace("MANY", str(ROWS))

    def members(self, i):
        cells = self.cells(i)
        if not self.has_texts:
            return ".x = {" + ", ".join(map(repr, cells)) + "}"
        return ", ".join(f".{column} = {self.cell(column, cells[column])}" for column in cells)

    def cell(self, column, cell):
        missing = "NAN" if self.frame[column].dtype.kind in "iuf" else "NULL"
        return missing if cell is None else json.dumps(cell)

    def said(self, *arguments):
        run = [self.path.parent / "ask", *arguments]
        return subprocess.run(run, capture_output=True, check=True, text=True).stdout.split()

    def proba(self):
        return np.array(self.said("all"), float).reshape(ROWS, -1)

    def one_row(self, calls):
        return float(self.said("time", str(calls))[0])

    def command(self):
        return [str(self.path.parent / "ask"), "first"]


class Whole(Header):
    file = "model.h"
    is_exact = False

    def given(self):
        return {"int8": table_of(self.name)[0]}


ONE = """\
#include "model.h"
int one(const model_row *row, float *y);
int one(const model_row *row, float *y) { return model_predict(row, y); }
"""
PROGRAM = """\
#define _POSIX_C_SOURCE 200809L
#include "model.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const model_row rows[] = {
ROWS
};

int main(int count, char **words)
{
    float proba[MODEL_CLASSES];
    struct timespec begin, end;
    long calls, i;
    if (words[1][0] == 'f')
        return model_predict(&rows[0], proba) < 0;
    if (words[1][0] == 'a') {
        for (i = 0; i < MANY; i++) {
            model_predict(&rows[i], proba);
            for (int k = 0; k < MODEL_CLASSES; k++)
                printf("%.9g\\n", (double)proba[k]);
        }
        return 0;
    }
    calls = 10 * atol(words[2]);
    volatile float kept = 0;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (i = 0; i < calls; i++) {
        model_predict(&rows[i % 32], proba);
        kept += proba[0];
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.12g\\n", ((double)(end.tv_sec - begin.tv_sec)
                        + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec)) / (double)calls);
    return (void)count, 0;
}
"""

FORMS = {
    "model file, predictor()": ModelFile,
    "Python, NumPy alone": PythonFile,
    "ONNX, onnxruntime": Onnx,
    "JavaScript, Node": JavaScript,
    "C, float": Header,
    "C, int8": Whole,
    "joblib": Pickled,
    "scikit-learn, joblib": TheirPickle,
    "scikit-learn, skops": TheirSkops,
}
