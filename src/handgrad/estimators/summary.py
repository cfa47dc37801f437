"""A network in a table: layers, activations, shapes, parameters, bytes."""

from typing import NamedTuple

from handgrad.html import escaped, plain_table
from handgrad.models.model import Model


class Layer(NamedTuple):
    name: str
    computes: str
    shape: str
    parameters: int
    bytes: int


def layers(model: Model) -> list[Layer]:
    """List the layers of a model from the inputs to the outputs."""
    units, params = model.architecture.layer_units, model.params
    last = len(params.W)
    computes = (*model.architecture.activations, model.architecture.output)
    columns = len(model.encoder.names)
    listed = [Layer(f"{columns} columns", _encoding(model), f"{units[0]} inputs", 0, 0)]
    for number, (W, b, kind) in enumerate(zip(params.W, params.b, computes, strict=True), start=1):
        name = "output" if number == last else f"hidden {number}"
        n = W.size + b.size
        listed.append(Layer(name, kind, f"{W.shape[0]} x {W.shape[1]}", n, n * W.itemsize))
    if (V := params.V) is not None:
        listed.append(Layer("skip", "added", f"{V.shape[0]} x {V.shape[1]}", V.size, V.nbytes))
    return listed


def _encoding(model: Model) -> str:
    encoder = model.encoder
    scaled = "robust" if encoder.is_robust else "standardised"
    kinds = {
        scaled: encoder.plan.scaled.any(),
        "piecewise": encoder.deep is not None and len(encoder.deep.binned) > 0,
        "one-hot": bool(encoder.plan.with_levels),
    }
    steps = [step for step, there in kinds.items() if there]
    return ", ".join(steps) if steps and not encoder.is_identity else "as they are"


def summary(model: Model) -> str:
    """Write the table as text."""
    rows = [("layer", "computes", "shape", "parameters", "bytes")]
    rows += [
        (layer.name, layer.computes, layer.shape, f"{layer.parameters:,}", f"{layer.bytes:,}")
        for layer in layers(model)
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "  ".join(
            [cell.ljust(width) for cell, width in zip(row[:3], widths[:3], strict=True)]
            + [cell.rjust(width) for cell, width in zip(row[3:], widths[3:], strict=True)]
        ).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, _total(model)])


def html(model: Model) -> str:
    """Write the table for a notebook."""
    table = plain_table(Layer._fields, ([*map(escaped, layer)] for layer in layers(model)))
    return f"{table}<p>{escaped(_total(model))}</p>"


def _total(model: Model) -> str:
    flat, networks = model.params.flat, len(model.networks)
    times = f"{networks} networks of " if networks > 1 else ""
    sizes = dict.fromkeys(f"{network.flat.size:,}" for network in model.networks)
    n_bytes = sum(network.flat.nbytes for network in model.networks)
    return f"{times}{' or '.join(sizes)} parameters in {flat.dtype}, {n_bytes:,} bytes"
