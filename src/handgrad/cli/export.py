"""``handgrad export``: a model in a form that needs no handgrad."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from click.core import ParameterSource

from handgrad.atomic_file import write_atomically
from handgrad.cli.checks import check_output
from handgrad.cli.columns import check_columns
from handgrad.cli.encoding import encoded_portions, note_extra_columns
from handgrad.cli.libraries import TABLE_LIBRARIES, load
from handgrad.cli.options import FILE, READING_OPTIONS, TABLE, TARGETS, UNKNOWN, Option
from handgrad.cli.reading import in_portions
from handgrad.cli.terminal import note
from handgrad.cli.truth import read_truths, targets_of
from handgrad.export import FORMATS, check_settings, name_from, quantise, written
from handgrad.models.file import load_model
from handgrad.tables.encode import Encoded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from handgrad.export import Quantised
    from handgrad.models.model import Model
    from handgrad.tables.files.portions import Portions

FORMAT = Option(
    "--format",
    "to",
    type=click.Choice(list(FORMATS)),
    default="python",
    help="Write the model in this form: "
    + "; ".join(f"{name} is {form.told}" for name, form in FORMATS.items())
    + ".",
)
OUTPUT_FILE = Option(
    "--output", "-o", type=FILE, help="Write to this file, not to standard output."
)
OF_FORMS = (
    Option(
        "--name",
        metavar="NAME",
        help="Begin all names of a C header with this.  [default: that of the file, or model]",
    ),
    Option(
        "--dtype",
        type=click.Choice(["float32", "float64"]),
        default="float32",
        help="Let a C header compute in float or in double, which a float64 model needs for its "
        "full precision.",
    ),
    Option(
        "--int8",
        type=TABLE,
        help="Let a C header compute in whole numbers, with weights of 8 bits; the rows of this "
        "table set the scales, and the loss on them is printed. A few hundred rows suffice. The "
        "options below say how the table is read.",
    ),
)
OF_ROWS = (TARGETS, UNKNOWN, *READING_OPTIONS)


@click.command(params=[FORMAT, OUTPUT_FILE, *OF_FORMS, *OF_ROWS])
@click.argument("model", type=FILE)
def export(
    model: Path,
    to: str,
    output: Path | None,
    name: str | None,
    dtype: str,
    int8: Path | None,
    targets: tuple[str, ...],
    unknown: str,
    **options: Any,
) -> None:
    """Write MODEL in a form that predicts without handgrad.

    All preparation is inside. Labels, probabilities and numbers are those of the model, to
    rounding; --int8 gives some of that up, and says how much.
    """
    if output == Path("-"):
        output = None
    _check_options(to, int8)
    if output is None and not FORMATS[to].is_text and sys.stdout.isatty():
        raise click.UsageError(
            f"{to} is a binary form, which a terminal cannot show; name a file with --output"
        )
    check_output(output, model, int8)
    settings: dict[str, Any] = {}
    if "name" in FORMATS[to].options:
        settings = {"name": name, "dtype": dtype}
        if name is None and output is not None:
            settings["name"] = name_from(output)
        check_settings(**settings, is_whole=int8 is not None)
    trained = load_model(model)
    if int8 is not None:
        quantised = _quantised(trained, int8, targets, unknown, options)
        settings["quantised"] = quantised
        note(f"int8: {quantised.loss.told()}")
    content = written(trained, to, **settings)
    if output is None:
        click.echo(content, nl=False)  # bytes: UTF-8 whatever the locale, as in a file
    else:
        write_atomically(output, content)


def _check_options(to: str, int8: Path | None) -> None:
    """Refuse an option that means nothing to the form, or without calibration rows."""
    for option in (*OF_FORMS, *OF_ROWS):
        source = click.get_current_context().get_parameter_source(str(option.name))
        if source is not ParameterSource.COMMANDLINE:
            continue
        if option in OF_FORMS and option.name not in FORMATS[to].options:
            forms = [name for name, form in FORMATS.items() if option.name in form.options]
            raise click.UsageError(
                f"{option.opts[0]} is for --format {' or '.join(forms)}; leave it out"
            )
        if option in OF_ROWS and int8 is None:
            raise click.UsageError(f"{option.opts[0]} is for the rows of --int8; leave it out")


def _quantised(
    model: Model, path: Path, targets: Sequence[str], unknown: str, options: dict[str, Any]
) -> Quantised:
    load(*TABLE_LIBRARIES)
    with in_portions([path], options) as portions:
        truth = _truth(model, portions, targets, unknown)
        inputs = [encoded.x for _, encoded in encoded_portions(model, portions, unknown)]
        note_extra_columns(model, portions.head, targets)
    return quantise(model, Encoded(np.concatenate(inputs)), truth)


def _truth(
    model: Model, portions: Portions, targets: Sequence[str], unknown: str
) -> NDArray[np.float64] | None:
    """Read the truth of rows where the table has it, NaN where a row has none."""
    if not targets and model.target not in portions.head.column_names:
        return None
    known = targets_of(model, targets)
    check_columns(portions.head, known, "--target")
    truths = read_truths(model, portions.whole(known), known, unknown)
    y_t = truths.y_t.astype(np.float64)
    y_t[truths.missing] = np.nan
    return y_t
