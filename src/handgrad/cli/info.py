"""``handgrad info``: what a model file holds, and what this machine computes with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from handgrad.cli.columns import plan_json
from handgrad.cli.options import FILE, JSON, Option
from handgrad.cli.results import network_json, network_line
from handgrad.cli.terminal import listed, print_json, print_table, say
from handgrad.models.file import load_model
from handgrad.text import shown

if TYPE_CHECKING:
    from rich.table import Table

    from handgrad.models.model import Model
    from handgrad.tables.encode import Encoder
    from handgrad.tables.kinds import Column
    from handgrad.tables.levels import Levels


MACHINE = Option(
    "--machine",
    is_flag=True,
    help="Show what this machine computes with, and what would make it faster.",
)


@click.command(params=[MACHINE, JSON])
@click.argument("model", type=FILE, required=False)
def info(model: Path | None, machine: bool, as_json: bool) -> None:
    """Show what MODEL is: columns, layers and predictions.

    With --machine, show instead what this machine computes with, and what would be faster.
    """
    if machine == (model is not None):
        raise click.UsageError("name a model, or use --machine (and not both)")
    if model is not None:
        _print_model(load_model(model), as_json=as_json)
        return
    from handgrad.engines.machine import describe

    found = describe()
    if as_json:
        print_json(found)
    else:
        print_machine(found)


def _print_model(trained: Model, *, as_json: bool) -> None:
    if as_json:
        print_json(_info_json(trained))
        return
    say(f"target: {shown(trained.target) if trained.target else 'not known'}")
    if len(trained.classes):
        several = ", any of which a row may have" if trained.is_multilabel else ""
        say(f"classes: {', '.join(shown(label) for label in trained.classes.tolist())}{several}")
    else:
        say(f"predicts numbers: {', '.join(trained.target_names)}")
    say(f"network: {network_line(trained)}")
    for line in _settings_lines(trained):
        say(line)
    print_table(layer_table(trained), whole=True)
    print_table(column_table(trained))


def _info_json(model: Model) -> dict[str, Any]:
    predicts: dict[str, Any] = {"numbers": model.target_names}
    if len(model.classes):
        predicts = {"classes": [str(label) for label in model.classes.tolist()]}
    return {
        "target": model.target,
        **predicts,
        "network": network_json(model),
        "settings": _settings_json(model),
        "numeric_columns": model.encoder.number_names,
        "categorical_columns": {
            column.name: list(levels)
            for column, levels in _levels(model)
            if column.kind == "category"
        },
        "columns": plan_json(model.encoder.plan),
        "words_beside_numbers": {
            column.name: list(levels)
            for column, levels in _levels(model)
            if column.kind != "category"
        },
    }


def _levels(model: Model) -> Iterator[tuple[Column, Levels]]:
    """Pair the columns that have levels with these."""
    yield from zip(model.encoder.plan.with_levels, model.encoder.levels, strict=True)


def _settings_json(model: Model) -> dict[str, Any]:
    """Give the settings of training that a model file keeps, by the names of fit's options."""
    head, settings = model.architecture.head, model.architecture.loss
    if len(model.classes):
        return {"label_smoothing": settings.label_smoothing, "temperature": model.temperature}
    told: dict[str, Any] = {"loss": head.loss}
    for name in head.settings:
        value = getattr(settings, name)
        told[name] = list(value) if isinstance(value, tuple) else value
    if model.scale is not None:
        mean, scale = (part.tolist() for part in model.scale)
        told["target_scale"] = {"mean": mean, "scale": scale}
    return told


def _settings_lines(model: Model) -> Iterator[str]:
    """Put these settings into lines, without those that do nothing."""
    told = _settings_json(model)
    if told.get("label_smoothing"):
        yield f"label smoothing: {told['label_smoothing']:g}"
    if told.get("temperature", 1) != 1:
        yield f"temperature: {told['temperature']:.4g}, by which scores are divided"
    if "loss" in told:
        more = f", delta {told['delta']:g}" if "delta" in told else ""
        if "quantiles" in told:
            more = f" {listed(f'{q:g}' for q in told['quantiles'])}"
        yield f"loss: {told['loss']}{more}"
    if model.scale is not None:
        n_each = model.architecture.n_each
        mean, scale = (part[::n_each].tolist() for part in model.scale)
        pairs = listed(f"(target - {m:.4g}) / {s:.4g}" for m, s in zip(mean, scale, strict=True))
        yield f"learnt as: {pairs}"


def layer_table(model: Model) -> Table:
    from rich.table import Table

    title = "layers of the first network" if model.members else "layers"
    table = Table(title=title, title_justify="left")
    for heading in ("parameter", "shape", "numbers", "bytes"):
        justify: Literal["left", "right"] = "left" if heading == "parameter" else "right"
        table.add_column(heading, justify=justify, no_wrap=True)
    for name, value in model.params.named():
        table.add_row(name, str(value.shape), f"{value.size:,}", f"{value.nbytes:,}")
    return table


def column_table(model: Model) -> Table:
    from rich.table import Table

    table = Table(title="columns", title_justify="left")
    table.add_column("column", overflow="fold")
    table.add_column("read as", overflow="fold")
    for column in model.encoder.plan:
        table.add_row(shown(column.name), shown(_read_as(model.encoder, column)))
    return table


def _read_as(encoder: Encoder, column: Column) -> str:
    """Say what a column was taken for, and what the model keeps of it."""
    told = [column.kind]
    if column.kind == "left out":
        return f"{column.kind}: {column.why}"
    if not column.notation.is_plain:
        told.append(f"written as {column.notation}")
    at = encoder.places[column.name]
    if column.kind in ("number", "number with words"):
        told += _scale_words(encoder, at[0])
    if column.reads.has_levels:
        place = encoder.plan.with_levels.index(column)
        n, other = len(encoder.levels[place]), encoder.other[place]
        what = "word" if column.kind == "number with words" else "level"
        told.append(f"{n} {what}{'' if n == 1 else 's'}{' and the rare ones' if other else ''}")
    if column.kind == "date":
        told.append(", ".join(column.dating.features() if column.dating else ()))
    return ", ".join(told)


def _scale_words(encoder: Encoder, at: int) -> Iterator[str]:
    """Name the statistics of a number."""
    mean, scale = encoder.mean[at], encoder.scale[at]
    if not encoder.is_robust:
        yield f"mean {mean:.4g}, standard deviation {scale:.4g}"
        return
    yield f"median {mean:.4g}, spread {scale:.4g}"
    if encoder.deep is not None:
        yield f"{encoder.deep.n[at]} bins"
    if encoder.wide is not None:
        yield f"{encoder.wide.n[at]} bins of the skip"


def print_machine(found: dict[str, Any]) -> None:
    """Print what ``machine.describe`` found."""
    say(f"python {found['python']}, numpy {found['numpy']}")
    for blas in found["blas"]:
        kernel = f", kernel {blas['kernel']}" if blas["kernel"] else ""
        say(f"blas: {blas['name']} {blas['version']}{kernel}, {blas['threads']} threads")
    say(f"threads that handgrad may use: {found['threads']}")
    for name, engine in found["engines"].items():
        say(f"{name} engine: {shown(', '.join(_engine_words(**engine)))}")
    for line in found["advice"]:
        say(f"faster: {shown(line)}")


def _engine_words(installed: bool, missing: str, **more: Any) -> Iterator[str]:
    yield "installed" if installed else "not installed"
    for name, value in more.items():
        yield f"{name.replace('_', ' ')} {value}"
