"""A model as one header of C99, without a heap, with all that comes before and after the network.

It computes in float, in double when asked, or, behind the encoding of a row, in whole numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.errors import DataError
from handgrad.export.c.columns import DATE, Row
from handgrad.export.c.functions import FORMS, FUNCTIONS, needed, spelled
from handgrad.export.c.int8 import WholeLayers
from handgrad.export.c.layers import RealLayers
from handgrad.export.c.words import (
    REALS,
    WIDTH,
    Tables,
    comment,
    identifier,
    number,
    remark,
    remarks,
    wrapped_words,
)
from handgrad.export.parts import take_apart
from handgrad.output import Form

if TYPE_CHECKING:
    from handgrad.export.quantising import Quantised
    from handgrad.models.model import Model

MOST_TOLD = 64  # inputs
LARGE = 256 * 1024  # bytes of constants, beyond the flash of most controllers


def c_source(
    model: Model,
    *,
    name: str | None = None,
    dtype: str = "float32",
    quantised: Quantised | None = None,
) -> str:
    """Write a model as the text of a header of C99, which predicts by itself.

    Parameters
    ----------
    model : Model
    name : str, optional
        What all names of the header begin with; "model" if none is given.
    dtype : {"float32", "float64"}
        In what it computes: float or double.
    quantised : Quantised, optional
        The model in whole numbers, see ``quantise``: its networks are written then.

    Raises
    ------
    DataError
        If the model cannot be written so; the message says why.
    """
    check_settings(name, dtype, is_whole=quantised is not None)
    return _Header(model, checked_name(name), dtype, quantised).text()


def check_settings(name: str | None, dtype: str, *, is_whole: bool) -> None:
    """Refuse settings that no header can have, before any row is read.

    Raises
    ------
    DataError
        If they are none; the message says why.
    """
    checked_name(name)
    if dtype not in REALS:
        raise DataError(f"dtype must be one of {list(REALS)}; got {dtype!r}")
    if is_whole and dtype != "float32":
        raise DataError("a header with whole numbers takes rows in float: leave dtype float32")


def checked_name(name: str | None) -> str:
    """Give what names of C begin with.

    Raises
    ------
    DataError
        If none can begin so.
    """
    if name is None:
        return "model"
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise DataError(
            "the names of a header begin with up to 40 small letters, digits and _, a letter "
            f"first, such as {identifier(name)[:40] or 'model'!r}; got {remark(name[:60])!r}"
        )
    return name


def name_from(path: Any) -> str:
    """Make the name of a header from that of its file."""
    return identifier(Path(path).stem)[:40] or "model"


class _Header:
    """One header under way."""

    def __init__(self, model: Model, name: str, dtype: str, quantised: Quantised | None) -> None:
        self.model, self.name, self.quantised = model, name, quantised
        self.whole, self.real = take_apart(model), REALS[dtype]
        self.end = self.whole.end
        self.tables = Tables(name, self.real)  # of numbers with a fraction, and of texts
        self.row = Row(self.whole, self.tables)
        self.layer_tables = Tables(name, self.real)
        if self.whole.numbers.wide:
            bins = [len(edges) - 1 for edges in self.whole.numbers.wide.values()]
            self.layer_tables.whole("wide_bins", np.array(bins, np.uint8))
        self.layers: RealLayers | WholeLayers = (
            RealLayers(self.whole, self.row, self.layer_tables)
            if quantised is None
            else WholeLayers(self.whole, quantised, self.row, self.layer_tables)
        )
        self.n_networks = len(self.whole.networks)
        self._add_end()

    def _add_end(self) -> None:
        end, tables = self.end, self.tables
        if end.shares:
            tables.reals("shares", end.shares)
        if self.quantised is not None:
            tables.reals("steps", [network.step for network in self.quantised.networks])
        for name, pair in (("target", end.scale), ("bound", end.bounds)):
            if pair is not None:
                for field, values in zip(pair._fields, pair, strict=True):
                    tables.reals(f"{name}_{field}", values)
        tables.texts("classes" if end.classes else "names", end.names)

    @property
    def is_several(self) -> bool:
        return self.end.form is Form.EACH

    # -- the file -----------------------------------------------------------------------------

    def text(self) -> str:
        guard = f"HANDGRAD_{self.name.upper()}_H"
        is_whole = isinstance(self.layers, WholeLayers)
        layers = [one for one in (*self.layers.functions, self._label()) if one]
        rows = [self.row.encode()]
        if isinstance(self.layers, WholeLayers):
            rows.append(self.layers.quantise())
        rows += [self._scores(), self._predict()]
        of_layers = self._functions(layers)
        around = [f"#ifndef {self.name.upper()}_NO_FLOAT", "#include <math.h>", ""]
        return "\n".join(
            [
                comment(self._told()),
                f"#ifndef {guard}",
                f"#define {guard}",
                "",
                *([] if is_whole else ["#include <math.h>"]),
                *(f"#include <{header}.h>" for header in ("stddef", "stdint", "string")),
                "",
                *map(self._spelled, self._macros()),
                "",
                *self.layer_tables.lines,
                *(of_layers if is_whole else []),
                "",
                *(around if is_whole else []),
                self.row.struct(),
                "",
                *self.tables.lines,
                *([] if is_whole else of_layers),
                *self._functions(rows, but=layers),
                *(["", f"#endif /* {self.name.upper()}_NO_FLOAT */"] if is_whole else []),
                "",
                f"#endif /* {guard} */",
                "",
            ]
        )

    def _functions(self, own: list[str], but: list[str] | None = None) -> list[str]:
        """Write functions, and before them those that they call, unless these are there."""
        there = needed("\n".join(map(self._expanded, but or [])))
        wanted = [one for one in needed("\n".join(map(self._expanded, own))) if one not in there]
        texts = [FUNCTIONS[one].strip("\n") for one in wanted]
        return ["\n" + self._spelled(self._expanded(one)) for one in (*texts, *own)]

    def _expanded(self, text: str) -> str:
        share = "NAME_shares[i]" if self.end.shares else f"(R(1.0) / R({self.n_networks}.0))"
        text = text.replace("SHARE", share).replace("NETWORKS", str(self.n_networks))
        return text.replace("N_SCORES", str(self.end.n_scores))

    def _spelled(self, text: str) -> str:
        return spelled(text, self.name, self.real)

    def _macros(self) -> Iterator[str]:
        yield "#ifndef MACRO_CONST"
        yield "#define MACRO_CONST const"
        yield "#endif"
        yield ""
        yield f"#define MACRO_{'CLASSES' if self.end.classes else 'NUMBERS'} {len(self.end.names)}"
        yield "#define MACRO_UNUSABLE (-1)"
        yield "#define MACRO_TOO_FAR (-2)"
        if any(member.kind == DATE for member in self.row.members):
            yield "#define MACRO_NO_DATE INT64_MIN"
        if isinstance(self.layers, WholeLayers):
            yield f"#define MACRO_INPUTS {self.layers.n_inputs}"

    def _label(self) -> str:
        """Write the function that predicts a label in whole numbers alone; "" for none."""
        ending = FORMS[self.end.form].whole
        if isinstance(self.layers, RealLayers) or self.n_networks > 1 or not ending:
            return ""
        more = ", unsigned char *holds" if self.is_several else ""
        lines = [
            *remarks(f"Predicts {'which labels hold' if more else 'the class'} of whole inputs."),
            f"static inline {'void' if more else 'int'} NAME_label(const int16_t *q{more})",
            "{",
            "    int32_t score[N_SCORES];",
            f"    {self.layers.call(1, 'score')}",
        ]
        return "\n".join([*lines, ending.rstrip("\n"), "}"])

    # -- how it predicts ------------------------------------------------------------------------

    def _scores(self) -> str:
        lines = [
            "/* Computes the scores of a row; gives a status. */",
            "static int NAME_scores(const NAME_row *row, REAL *score)",
            "{",
            *(f"    {line}" for line in self._scoring()),
            "    for (int j = 0; j < N_SCORES; j++)",
            "        if (NAME_kind(score[j]) != 0)",
            "            return MACRO_TOO_FAR;",
            "    return 0;",
            "}",
        ]
        return "\n".join(lines)

    def _scoring(self) -> Iterator[str]:
        n, k = self.end.n_scores, self.n_networks
        target = "score" if k == 1 else "scores"
        if k > 1:
            yield f"REAL scores[{k * n}];"
        if isinstance(self.layers, WholeLayers):
            yield "int16_t q[MACRO_INPUTS];"
            yield f"int32_t sums[{n}];"
            yield "if (NAME_quantise(row, q) != 0)"
            yield "    return MACRO_UNUSABLE;"
        else:
            yield f"REAL x[{self.row.n_inputs}];"
            if self.row.n_wide:
                yield f"REAL u[{self.row.n_wide}];"
            yield f"if (NAME_encode(row, x{', u' if self.row.n_wide else ''}) != 0)"
            yield "    return MACRO_UNUSABLE;"
        for place in range(1, k + 1):
            at = f"{target} + {(place - 1) * n}" if place > 1 else target
            if isinstance(self.layers, WholeLayers):
                yield self.layers.call(place, "sums")
                yield "for (int j = 0; j < N_SCORES; j++)"
                yield f"    ({at})[j] = (REAL)sums[j] * NAME_steps[{place - 1}];"
            else:
                yield self.layers.call(place, at)
        if k > 1:
            if FORMS[self.end.form].is_of_logarithms:
                yield f"for (int i = 0; i < {k}; i++)"
                yield f"    NAME_softmax(scores + i * {n}, {n}, 1);"
            yield "for (int j = 0; j < N_SCORES; j++)"
            mean = FORMS[self.end.form].mean.replace("n, k", f"{n}, {k}")
            yield f"    score[j] = {mean};"
        if self.end.temperature != 1:
            yield "for (int j = 0; j < N_SCORES; j++)"
            yield f"    score[j] /= {number(self.end.temperature, self.real)};"

    def _predict(self) -> str:
        end = self.end
        result = "REAL *proba" if end.classes else "REAL *y"
        more = ", unsigned char *holds" if self.is_several else ""
        lines = [
            *remarks(f"Predicts {self._told_of_result()}."),
            f"static inline int NAME_predict(const NAME_row *row, {result}{more})",
            "{",
            "    REAL score[N_SCORES];",
            "    const int status = NAME_scores(row, score);",
            *(["    int j;"] if end.classes else []),
            "    if (status != 0)",
            "        return status;",
        ]
        if end.classes:
            return "\n".join([*lines, FORMS[end.form].predict.rstrip("\n"), "}"])
        return "\n".join(
            [*lines, *(f"    {line}" for line in self._numbers()), "    return 0;", "}"]
        )

    def _told_of_result(self) -> str:
        if not self.end.classes:
            return "the numbers of a row, y; gives a status"
        if self.is_several:
            return (
                "whether each label holds, and its probability; either may be NULL; gives a status"
            )
        return (
            "the class of a row, a place in NAME_classes, or gives a status below 0; and the "
            "probabilities, unless NULL"
        )

    def _numbers(self) -> Iterator[str]:
        end, n = self.end, self.end.n_scores
        yield "for (int j = 0; j < N_SCORES; j++) {"
        yield f"    {FORMS[end.form].predict}"
        if end.scale is not None:
            yield "    y[j] = NAME_target_mean[j] + NAME_target_scale[j] * y[j];"
        yield "    if (NAME_kind(y[j]) != 0)"
        yield "        return MACRO_TOO_FAR;"
        if end.bounds is not None:
            yield "    y[j] = y[j] < NAME_bound_low[j] ? NAME_bound_low[j] : y[j];"
            yield "    y[j] = y[j] > NAME_bound_high[j] ? NAME_bound_high[j] : y[j];"
        yield "}"
        if end.n_each > 1:
            yield f"for (int j = 0; j < {n}; j += {end.n_each})"
            yield f"    NAME_sort(y + j, {end.n_each});"

    # -- what it tells ------------------------------------------------------------------------

    def _told(self) -> Iterator[str]:
        name, upper = self.name, self.name.upper()
        names = [] if self.end.classes else self.end.names
        target = remark(self.model.target or ", ".join(names) or "labels")
        yield from wrapped_words(
            f"{name}.h, written by handgrad {version('handgrad')}: predicts {target}."
        )
        yield ""
        yield from self._example()
        yield ""
        yield f"{name}_predict gives a status below 0 for a row that cannot be used:"
        yield f"{upper}_UNUSABLE: a number is infinite or too large, or is missing where the model"
        yield "    was trained without preparation of its numbers"
        yield f"{upper}_TOO_FAR: the scores overflow; the row lies too far from those of training"
        yield ""
        yield "Nothing is allocated, and nothing is kept between calls: any number of threads may"
        yield "call it at once. Texts are compared byte by byte, in UTF-8."
        yield ""
        yield from self._told_of_memory()

    def _example(self) -> Iterator[str]:
        name, upper, kind = self.name, self.name.upper(), self.real.name
        yield f"    {name}_row row;"
        if self.row.is_array:
            yield "    row.x[0] = 1;  ..."
        for member in self.row.members[:3]:
            value = {"const char *": '"..."', DATE: "1767225600"}.get(member.kind, "1")
            yield f"    row.{member.name} = {value};"
        if len(self.row.members) > 3:
            yield f"    ...  the other members of {name}_row, below"
        if self.is_several:
            yield f"    {kind} proba[{upper}_CLASSES];"
            yield f"    unsigned char holds[{upper}_CLASSES];"
            yield f"    int status = {name}_predict(&row, proba, holds);"
        elif self.end.classes:
            yield f"    {kind} proba[{upper}_CLASSES];"
            yield f"    int found = {name}_predict(&row, proba);"
            yield "    if (found >= 0)"
            yield f'        printf("%s %g\\n", {name}_classes[found], (double)proba[found]);'
        else:
            yield f"    {kind} y[{upper}_NUMBERS];"
            yield f"    int status = {name}_predict(&row, y);"

    def _told_of_memory(self) -> Iterator[str]:
        n_bytes = self.tables.n_bytes + self.layer_tables.n_bytes
        yield f"flash: {n_bytes:,} bytes of constants, and the code"
        yield f"stack: {self.n_buffers:,} bytes of buffers, and what the compiler adds"
        yield f"On AVR, {self.name.upper()}_CONST defined as const __flash keeps numbers in flash."
        if n_bytes > LARGE:
            smaller = "" if self.quantised is not None else ", or write it with int8"
            yield f"Few controllers hold as much; fit fewer hidden units{smaller}."
        if self.quantised is not None:
            yield ""
            yield from wrapped_words(
                "Weights are whole numbers of 8 bits, hidden units of 16, sums of 32; a row is "
                f"encoded in float. What that costs: {remark(self.quantised.loss.told())}."
            )
            yield ""
            yield from self._told_of_whole_inputs()

    def _told_of_whole_inputs(self) -> Iterator[str]:
        assert self.quantised is not None
        name, numbers, encoder = self.name, self.whole.numbers, self.model.encoder
        label = f"{name}_label and " if self._label() else ""
        behind = "; behind them 256 times the places among the bins of the skip"
        yield from wrapped_words(
            f"Without floating point: define {name.upper()}_NO_FLOAT. Then {label}{name}_network "
            f"take whole inputs q, each a number below divided by {self.quantised.step:.6g}, "
            f"rounded, between -{self.quantised.most} and {self.quantised.most}"
            f"{behind if self.row.n_wide else ''}:"
        )
        is_plain = not (numbers.is_robust or numbers.is_identity)
        for place, told in enumerate(encoder.input_names[:MOST_TOLD]):
            how = ""
            if is_plain and place < self.row.n_numbers:
                how = f": (v - {numbers.mean[place]:.6g}) / {numbers.scale[place]:.6g}"
            yield remark(f"    q[{place}]  {told}{how}"[:WIDTH])
        if len(encoder.input_names) > MOST_TOLD:
            yield f"    and so on, to q[{self.row.n_inputs + self.row.n_wide - 1}]"

    @property
    def n_buffers(self) -> int:
        """The bytes of all buffers that may be on the stack at once."""
        size, n, k = self.real.n_bytes, self.end.n_scores, self.n_networks
        scores = n * size + (k * n * size if k > 1 else 0)
        x = (self.row.n_inputs + self.row.n_wide) * size
        if isinstance(self.layers, WholeLayers):
            inputs = 2 * self.layers.n_inputs + 4 * n
            return scores + inputs + max(x + self.row.n_buffers, self.layers.n_buffers)
        return scores + x + max(self.row.n_buffers, self.layers.n_buffers)
