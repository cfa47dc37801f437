"""Written C headers, compiled, and rows of frames as the structs that they take."""

import ctypes
import shutil
import subprocess

import numpy as np

from handgrad.export import written
from handgrad.export.parts import take_apart
from handgrad.network import inputs
from handgrad.skip import Linear, spread
from handgrad.tables.frames import from_frame
from handgrad.tables.kinds import moments
from handgrad.tables.levels import Places

COMPILERS = [found for found in map(shutil.which, ("gcc", "clang")) if found]
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
STRICT += ["-Wdouble-promotion", "-Wconversion", "-Wshadow", "-Wundef"]
NO_DATE = np.iinfo(np.int64).min

WRAPPER = """
#include "model.h"
int run(const model_row *rows, int n, REAL *found, int *status, unsigned char *holds);
int run(const model_row *rows, int n, REAL *found, int *status, unsigned char *holds)
{
    int i;
    for (i = 0; i < n; i++)
        status[i] = model_predict(rows + i, found + (long)i * WIDTHHOLDS);
    (void)holds;
    return (int)sizeof *rows;
}
"""
WHOLE = """
void whole(const model_row *rows, int n, int16_t *q, int32_t *sums);
void whole(const model_row *rows, int n, int16_t *q, int32_t *sums)
{
    int i;
    for (i = 0; i < n; i++) {
        (void)model_quantise(rows + i, q + (long)i * MODEL_INPUTS);
        CALLS
    }
}
"""


class Compiled:
    """A model as a header in C, compiled as a library.

    Parameters
    ----------
    model : Model
    folder : Path
        Where it is written and compiled.
    flags : sequence of str
        Further flags of the compiler.
    """

    def __init__(self, model, folder, flags=("-O0",), compiler=None, **settings):
        self.model, self.whole = model, take_apart(model)
        self.dtype = settings.get("dtype", "float32")
        self.width = len(self.whole.end.names)
        header = written(model, "c", name="model", **settings)
        (folder / "model.h").write_bytes(header)
        self.header = header.decode()
        real = {"float32": "float", "float64": "double"}[self.dtype]
        holds = f", holds + (long)i * {self.width}" if model.is_multilabel else ""
        program = WRAPPER.replace("REAL", real)
        program = program.replace("WIDTH", str(self.width)).replace("HOLDS", holds)
        if settings.get("quantised") is not None:
            calls, n = "", self.whole.end.n_scores
            k = len(model.networks)
            for place in range(k):
                own = f"_{place + 1}" if k > 1 else ""
                calls += (
                    f"model_network{own}(q + (long)i * MODEL_INPUTS, "
                    f"sums + (long)i * {k * n} + {place * n});"
                )
            program += WHOLE.replace("CALLS", calls)
        (folder / "model.c").write_text(program)
        command = [compiler or COMPILERS[0], *STRICT, *flags, "-fPIC", "-shared"]
        command += ["model.c", "-o", "model.so", "-lm"]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr[:3000]
        self.library = ctypes.CDLL(str(folder / "model.so"))
        self.rows = Rows(model, self.dtype)

    def __call__(self, frame):
        """Give the status and the probabilities, or numbers, of each row; and which labels hold."""
        rows = self.rows.of(frame)
        n = len(frame)
        found = np.full((n, self.width), np.nan, self.dtype)
        status, holds = np.zeros(n, np.int32), np.zeros((n, self.width), np.uint8)
        pointers = [one.ctypes.data_as(ctypes.c_void_p) for one in (rows, found, status, holds)]
        size = self.library.run(pointers[0], n, *pointers[1:])
        assert size == rows.dtype.itemsize
        return status, found, holds

    def whole_numbers(self, frame):
        """Give the whole inputs and scores of each row."""
        rows = self.rows.of(frame)
        n = len(frame)
        n_inputs = int(self.header.partition("#define MODEL_INPUTS ")[2].split()[0])
        q = np.zeros((n, n_inputs), np.int16)
        sums = np.zeros((n, len(self.model.networks), self.whole.end.n_scores), np.int32)
        self.library.whole(
            *[rows.ctypes.data_as(ctypes.c_void_p), n],
            *[one.ctypes.data_as(ctypes.c_void_p) for one in (q, sums)],
        )
        return q, sums


class Rows:
    """Turns frames into structs, cells being read as handgrad reads them."""

    def __init__(self, model, dtype):
        self.model, self.dtype, self.whole = model, dtype, take_apart(model)
        self.kept = {}  # texts

    def of(self, frame):
        if isinstance(frame, np.ndarray):
            return np.ascontiguousarray(frame, self.dtype).view([("x", self.dtype, frame.shape[1])])
        table = from_frame(frame)
        members, values = [], []
        for one in self.whole.columns:
            column = one.column
            reading = column.reads.read(table, column)
            if one.first >= 0:
                kind, cells = self.dtype, reading.numbers[:, 0]
                if column.dating is not None:
                    cells = moments(table, column, column.dating)[0]
                    if column.dating.what == "date":
                        kind, cells = np.int64, np.where(np.isnan(cells), NO_DATE, cells)
                members.append((f"m{len(members)}", kind))
                values.append(cells)
            if one.place >= 0:
                members.append((f"m{len(members)}", np.uint64))
                values.append([self.address(text, one) for text in reading.texts.to_pylist()])
        rows = np.zeros(len(frame), np.dtype(members, align=True))
        for (name, _), cells in zip(members, values, strict=True):
            rows[name] = cells
        return rows

    def address(self, text, one):
        if text is None:
            return 0
        place = Places(one.levels).of(text)
        text = one.levels[place] if place >= 0 else text
        if text not in self.kept:
            self.kept[text] = ctypes.create_string_buffer(text.encode())
        return ctypes.addressof(self.kept[text])


def as_given(model, frame, dtype):
    """Round the numbers of a frame as the structs do, those of texts too."""
    table, changed = from_frame(frame), {}
    for one in take_apart(model).columns:
        column = one.column
        if one.first < 0 or column.dating is not None:
            continue
        numbers = column.reads.read(table, column).numbers[:, 0]
        numbers = numbers.astype(dtype).astype("float64")
        if one.place < 0:
            changed[column.name] = numbers
        else:  # a number or a word
            cells = zip(numbers.tolist(), frame[column.name], strict=True)
            changed[column.name] = [cell if n != n else repr(n) for n, cell in cells]
    return frame.assign(**changed)


def whole_scores(model, network, q, frame):
    """Compute whole scores in NumPy, from the whole inputs that C gave."""
    skip, n_x = model.architecture.skip, model.architecture.layer_units[0]
    x, wide = q[:, :n_x].astype(int), None
    if skip and isinstance(skip[0], Linear):
        wide = x
    elif skip:
        u = inputs(model.architecture, model.encode(from_frame(frame)).x.astype(float))[1].copy()
        u[:, : q.shape[1] - n_x] = q[:, n_x:] / 256
        wide = (spread(skip, u) * 256).astype(int)
    return network(x, wide)
