"""A Model on disk: one .safetensors file, tensors and JSON, checked by SHA-256.

The tensors are W1, b1, W2, b2, ..., for a skip V, and the encoder's; "network2.W1" and so on for
the other networks of an ensemble; "target.mean" and "target.scale" for predicted numbers. The
description, a JSON object, has the format version, architecture, encoder and classes.
``container.py`` makes one file of both; docs/model_file.md documents every key. The same model
always gives the same bytes.

Reading trusts nothing: the file holds data from closed lists, never names of code, and a file
with one flipped bit is refused.
"""

import math
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from itertools import repeat
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.atomic_file import write_atomically
from handgrad.errors import DataError, ModelFileError
from handgrad.losses import PLAIN, LossSettings
from handgrad.models import container
from handgrad.models.model import Bounds, Model, TargetScale
from handgrad.models.settings import check_settings, settings_of
from handgrad.network import Architecture, inputs
from handgrad.params import Params
from handgrad.skip import BASES, Basis
from handgrad.tables.encode import Encoded
from handgrad.tables.kinds import Column
from handgrad.tables.labels import LONGEST_PADDED_LABEL
from handgrad.tables.parts import (
    KEYS_OF_COLUMNS,
    column_from_json,
    column_to_json,
    from_parts,
    to_parts,
    version_for,
)

Array = NDArray[Any]

# Version 2 adds the scale of predicted numbers, several labels per row, a temperature and further
# networks; version 3 adds the plan of a table's columns; version 4 adds robust scales, bins, a
# skip, bounds of predicted numbers, networks of different sizes, and their shares; version 5 adds
# the settings of the training. A model without these is still written in the older version, which
# every handgrad reads.
FORMAT_VERSION = 5
PLAIN_PARTS = {"kind": "labels", "networks": 1, "temperature": 1.0}
TEMPERATURES = 1e-3, 1e3  # wider than calibration's; far beyond, probabilities are NaN
OPTIONAL = ("truth", "shares", "settings")
LEAST_SHARE = 1e-6  # of a network in the mean; float32 holds it
MOST_PADDED = 1 << 21  # characters of all labels, each padded to the longest: 8 MB


def save_model(model: Model, path: str | PathLike[str]) -> None:
    """Write a model to one file, whole or not at all.

    Raises
    ------
    ModelFileError
        If a parameter is not finite, so that the model could predict nothing.
    OSError
        If the file cannot be written; a file that was there before is left as it was.
    """
    write_atomically(path, to_bytes(model))


def load_model(path: str | PathLike[str]) -> Model:
    """Read a model back; its predictions are those of the saved model, bit for bit.

    Raises
    ------
    OSError
        If the file cannot be read.
    ModelFileError
        If it is not a handgrad model, is damaged, or was written in a newer format.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ModelFileError(f"{os.fspath(path)!r} is not a regular file; name a model file")
    try:
        with open(path, "rb") as file:
            return _rebuilt(*container.read(file, KEYS_OF_COLUMNS))
    except ModelFileError as error:
        raise ModelFileError(f"{os.fspath(path)!r}: {error}") from None


# -- model to bytes ---------------------------------------------------------------------------


def to_bytes(model: Model) -> bytes:
    """Serialise a model; equal models give equal bytes."""
    if model.architecture.scales:
        raise ModelFileError("a model file holds no scale of inputs; fold it (scale_folded)")
    if not all(np.isfinite(params.flat).all() for params in model.networks):
        raise ModelFileError("the model has parameters that are not finite; train it again")
    if not _has_finite_scores(model):
        raise ModelFileError("the model's parameters are so large that its scores are not finite")
    encoder, encoder_tensors = to_parts(model.encoder)
    later = _later_parts(model)
    truth = model.truth if _says_something(model.truth) else None
    version = max(version_for(encoder), 3 if truth else 1 if later == PLAIN_PARTS else 2)
    if model.bounds is not None or len(model.sizes) > 1 or model.shares:
        version = 4
    if model.settings:
        version = FORMAT_VERSION
    description = {
        "format_version": version,
        "architecture": _architecture_to_json(model.architecture),
        "encoder": encoder,
        "classes": _classes_to_json(model.classes) if _is_classifier(model) else None,
        "target": model.target,
    } | (later if version > 1 else {})
    if model.settings:
        description["settings"] = check_settings(dict(model.settings))
    if model.shares:
        description["shares"] = list(model.shares)
    if truth is not None:
        description["truth"] = {"name": truth.name} | column_to_json(truth)
    tensors = {
        _network_prefix(number) + name: value
        for number, params in enumerate(model.networks, start=1)
        for name, value in params.named()
    }
    if model.scale is not None:
        tensors |= {"target.mean": model.scale.mean, "target.scale": model.scale.scale}
    if model.bounds is not None:
        tensors |= {"target.low": model.bounds.low, "target.high": model.bounds.high}
    tensors |= {f"encoder.{name}": value for name, value in encoder_tensors.items()}
    # of a view, safetensors would write the bytes that lie there
    whole = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    return container.pack(description, whole, KEYS_OF_COLUMNS)


def _later_parts(model: Model) -> dict[str, Any]:
    """Describe the parts that version 1 cannot hold."""
    kind = "several labels" if model.is_multilabel else "labels"
    if not _is_classifier(model):
        kind = "numbers"
    networks: Any = len(model.networks)
    if len(model.sizes) > 1:
        networks = [list(network.layer_units) for network in model.networks]
    return {"kind": kind, "networks": networks, "temperature": model.temperature}


def _is_classifier(model: Model) -> bool:
    return model.architecture.head.classifies


def _network_prefix(number: int) -> str:
    return "" if number == 1 else f"network{number}."


def _architecture_to_json(architecture: Architecture) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "layer_units": list(architecture.layer_units),
        "activation": architecture.activation,
        "output": architecture.output,
    }
    if architecture.loss != PLAIN:  # files older than these settings have none
        parts["loss"] = asdict(architecture.loss)
    if architecture.skip:
        parts["skip"] = [[basis.kind, basis.n] for basis in architecture.skip]
    return parts


def _classes_to_json(classes: Array) -> dict[str, Any]:
    kind = classes.dtype.kind
    values = classes.astype(np.int64) if kind == "M" else classes
    parts = {"dtype": "str" if kind == "U" else classes.dtype.name, "values": values.tolist()}
    try:
        _classes_from_json(parts)
    except (ValueError, TypeError, OverflowError) as error:
        raise ModelFileError(f"these labels cannot be kept in a file: {error}") from None
    return parts


# -- bytes to model ---------------------------------------------------------------------------


def from_bytes(content: bytes) -> Model:
    """Rebuild a model from a file's bytes, or raise ModelFileError."""
    return _rebuilt(*container.unpack(content, KEYS_OF_COLUMNS))


def _rebuilt(description: dict[str, Any], tensors: dict[str, Array]) -> Model:
    version = description.get("format_version")
    if "checkpoint_version" in description:
        raise ModelFileError(
            "a checkpoint of a training, not a model; fit goes on from it with resume"
        )
    if type(version) is not int or not 1 <= version <= FORMAT_VERSION:
        raise ModelFileError(
            f"its format version is {_short(repr(version))}; this handgrad reads versions 1 to "
            f"{FORMAT_VERSION}. Upgrade handgrad"
        )
    try:
        model = _model(description, tensors)
        _require(_has_finite_scores(model), "the parameters are so large that scores overflow")
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise ModelFileError(f"its parts do not fit together: {_short(error)}") from None
    return model


def _has_finite_scores(model: Model) -> bool:
    """Try a model on usual rows: its weights may be finite while their products are not."""
    architecture = model.architecture
    rows = np.zeros((4, architecture.n_inputs), model.params.flat.dtype)
    x, u = inputs(architecture, rows)
    x[1], x[2], x[3, ::2] = 1, -1, 1
    u[1] = [basis.last for basis in architecture.skip]
    try:
        with np.errstate(all="ignore"):
            model.scores(Encoded(rows))
    except DataError:
        return False
    return True


def _model(description: dict[str, Any], tensors: dict[str, Array]) -> Model:
    keys = {"format_version", "architecture", "encoder", "classes", "target"}
    later = {"kind", "networks", "temperature"}
    _require_keys(
        {key: part for key, part in description.items() if key not in OPTIONAL},
        keys | later if description["format_version"] > 1 else keys,
    )
    encoder = from_parts(description["encoder"], _taken(tensors, "encoder."))
    _require(
        description["format_version"] >= version_for(description["encoder"]),
        "the encoder needs a later format version",
    )
    architecture = _architecture(description["architecture"])
    target = description["target"]
    _require(target is None or isinstance(target, str), "target must be a text or null")
    _require(
        architecture.layer_units[0] == encoder.n_deep,
        f"the encoder gives {encoder.n_deep} inputs, the network takes "
        f"{architecture.layer_units[0]}",
    )
    _require(architecture.skip == encoder.skip, "the encoder does not make the inputs of the skip")
    kind = description.get("kind", "labels")
    classes = _classes(kind, description["classes"], architecture)
    of_target = _taken(tensors, "target.") if kind == "numbers" else {}
    limits = {name: part for name, part in of_target.items() if name in ("low", "high")}
    bounds = _bounds(description["format_version"], architecture, limits)
    moments = {name: part for name, part in of_target.items() if name not in limits}
    scale = _target_scale(architecture, moments)
    temperature = description.get("temperature", 1.0)
    least, most = TEMPERATURES
    fits = type(temperature) is float and least <= temperature <= most
    _require(fits, f"temperature must be between {least:g} and {most:g}")
    told = description.get("networks", 1)
    first, *others = _networks(_sizes(told, description["format_version"], architecture), tensors)
    return Model(
        encoder,
        architecture,
        first,
        classes,
        target,
        scale=scale,
        temperature=temperature,
        members=tuple(others),
        shares=_shares(description, 1 + len(others)),
        truth=_truth(description),
        bounds=bounds,
        settings=settings_of(description),
    )


def _says_something(truth: Column | None) -> bool:
    """Tell whether the target's cells need a reading of their own, which the file must hold."""
    if truth is None:
        return False
    return truth not in (Column(truth.name), Column(truth.name, "category", missing=()))


def _truth(description: dict[str, Any]) -> Column | None:
    if "truth" not in description:
        return None
    told = description["truth"]
    well = description["format_version"] > 2 and isinstance(told, dict)
    _require(well and isinstance(told.get("name"), str), "truth must be a named column")
    return column_from_json(told["name"], {k: v for k, v in told.items() if k != "name"})


def _taken(tensors: dict[str, Array], prefix: str) -> dict[str, Array]:
    """Remove the tensors whose names have this prefix, and return them without it."""
    names = [name for name in tensors if name.startswith(prefix)]
    return {name.removeprefix(prefix): tensors.pop(name) for name in names}


def _classes(kind: Any, parts: Any, architecture: Architecture) -> Array:
    n_outputs, output = architecture.layer_units[-1], architecture.output
    if kind == "numbers":
        _require(parts is None, "a network that predicts numbers has no classes")
        _require(not architecture.head.classifies, f"output {output!r} predicts no numbers")
        return np.arange(0)
    classes = _classes_from_json(parts)
    multilabel = kind == "several labels"
    _require(multilabel or kind == "labels", f"the kind {_short(repr(kind))} is not known")
    fits = architecture.head.fits(n_outputs, len(classes), multilabel=multilabel)
    _require(fits, f"{len(classes)} classes do not fit {n_outputs} outputs of kind {output!r}")
    return classes


def _target_scale(architecture: Architecture, parts: dict[str, Array]) -> TargetScale | None:
    if not parts:
        return None
    _require_keys(parts, {"mean", "scale"})
    _require_fitting(architecture, parts)
    _require(bool((parts["scale"] > 0).all()), "target.scale must be above 0")
    return TargetScale(parts["mean"].copy(), parts["scale"].copy())


def _bounds(version: int, architecture: Architecture, parts: dict[str, Array]) -> Bounds | None:
    if not parts:
        return None
    _require(version > 3, "bounds need a later format version")
    _require_keys(parts, {"low", "high"})
    _require_fitting(architecture, parts)
    _require(bool((parts["low"] <= parts["high"]).all()), "target.low must not exceed target.high")
    return Bounds(parts["low"].copy(), parts["high"].copy())


def _require_fitting(architecture: Architecture, parts: dict[str, Array]) -> None:
    for name, value in parts.items():
        fits = value.dtype == np.float64 and value.shape == architecture.layer_units[-1:]
        _require(fits and bool(np.isfinite(value).all()), f"target.{name} does not fit the outputs")


def _sizes(told: Any, version: int, architecture: Architecture) -> Iterator[Architecture]:
    """Read how many networks there are; each may have its own hidden layers."""
    if type(told) is int and told > 0:
        return repeat(architecture, told)
    counted = version > 3 and isinstance(told, list) and len({*map(str, told)}) > 1
    _require(counted, "networks must be a count, or a list of the units of each")
    first, *others = map(_units, told)
    _require(first == architecture.layer_units, "the first network has the units of the model")
    ends = {(units[0], units[-1]) for units in (first, *others)}
    _require(len(ends) == 1, "all networks have the same inputs and outputs")
    return (replace(architecture, layer_units=units) for units in (first, *others))


def _networks(sizes: Iterator[Architecture], tensors: dict[str, Array]) -> list[Params]:
    """Take the tensors of each network; those of the first are what the others leave."""
    first = next(sizes)
    others = [
        _params(architecture, _taken(tensors, _network_prefix(number)))
        for number, architecture in enumerate(sizes, start=2)
    ]
    return [_params(first, tensors), *others]


def _shares(description: dict[str, Any], n: int) -> tuple[float, ...]:
    """Read the shares of n networks in the mean; files have none where they are equal."""
    if "shares" not in description:
        return ()
    told = description["shares"]
    well = description["format_version"] > 3 and isinstance(told, list) and len(told) == n > 1
    _require(well and all(map(_is_finite, told)), "shares must be a number for each network")
    _require(min(told) > LEAST_SHARE and abs(math.fsum(told) - 1) < 1e-6, "shares must sum to 1")
    _require(len(set(told)) > 1, "equal shares are not written")
    return tuple(told)


def _units(told: Any) -> tuple[int, ...]:
    whole = isinstance(told, list) and len(told) > 1 and all(type(n) is int for n in told)
    _require(whole, "layer_units must be whole numbers")
    return tuple(told)


def _architecture(parts: dict[str, Any]) -> Architecture:
    optional = {"loss", "skip"} & set(parts)
    _require_keys(parts, {"layer_units", "activation", "output"} | optional)
    units = _units(parts["layer_units"])
    named = parts["activation"]
    activation = tuple(named) if isinstance(named, list) else named
    texts = all(isinstance(name, str) for name in [*activation, parts["output"]])
    _require(texts, "activation and output must be texts")
    loss = _loss_settings(parts["loss"]) if "loss" in parts else PLAIN
    skip = _skip(parts["skip"]) if "skip" in parts else ()
    architecture = Architecture(units, activation, parts["output"], loss, skip)
    # one name for all layers, or a list of different ones: each model has only one file
    _require(architecture.activation == activation, "activation must be one text")
    return architecture


def _skip(parts: Any) -> tuple[Basis, ...]:
    _require(isinstance(parts, list) and len(parts) > 0, "skip must be a list of bases")
    return tuple(map(_basis, parts))


def _basis(pair: Any) -> Basis:
    known = isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)
    _require(known and pair[0] in BASES, f"a basis must be one of {sorted(BASES)} and a count")
    kind, n = pair
    _require(type(n) is int and 1 <= n < 2**31, "the count of a basis must be at least 1")
    return BASES[kind](n)


def _loss_settings(parts: dict[str, Any]) -> LossSettings:
    _require_keys(parts, {field.name for field in fields(LossSettings)})
    quantiles = parts["quantiles"]
    numbers = [parts["label_smoothing"], parts["delta"], *quantiles]
    real = isinstance(quantiles, list) and all(map(_is_finite, numbers))
    _require(real, "settings of the loss must be finite numbers")
    settings = LossSettings(**(parts | {"quantiles": tuple(quantiles)}))
    _require(settings != PLAIN, "settings of the loss must not be the usual ones")
    return settings


def _params(architecture: Architecture, tensors: dict[str, Array]) -> Params:
    dtypes = {value.dtype for value in tensors.values()}
    _require(
        len(dtypes) == 1 and dtypes <= {np.dtype(np.float32), np.dtype(np.float64)},
        "weights and biases must all be float32 or all float64",
    )
    # Sizes are compared before memory is taken: the file must hold as much as it declares.
    stored = sum(value.size for value in tensors.values())
    wanted = architecture.n_parameters
    _require(stored == wanted, f"the layers need {wanted} parameters, the file holds {stored}")
    params = Params.zeros(architecture.layer_units, dtypes.pop(), architecture.beside)
    _require(
        {name for name, _ in params.named()} == set(tensors), "a parameter's name is not known"
    )
    for name, view in params.named():
        _require(view.shape == tensors[name].shape, f"{name} must have shape {view.shape}")
        _require(bool(np.isfinite(tensors[name]).all()), f"{name} must be finite")
        view[...] = tensors[name]
    return params


def _classes_from_json(parts: dict[str, Any]) -> Array:
    _require_keys(parts, {"dtype", "values"})
    dtype, values = parts["dtype"], parts["values"]
    _require(isinstance(values, list) and len(values) > 0, "classes must be a list of labels")
    if dtype in ("str", "object"):
        _require(all(isinstance(value, str) for value in values), "classes must be texts")
        _require(len(set(values)) == len(values), "classes must be distinct")
        classes: Array = np.array(values, dtype=object if dtype == "object" else _text_type(values))
    else:
        classes = _numbers_or_dates(dtype, values)
    as_stored = classes.astype(np.int64) if classes.dtype.kind == "M" else classes
    _require(as_stored.tolist() == values, f"classes must be exact in {dtype}")
    return classes


def _text_type(values: list[str]) -> type:
    """Choose the type of an array of texts; NumPy's own pads every text to the longest."""
    longest = max(map(len, values))
    wasteful = longest > LONGEST_PADDED_LABEL or longest * len(values) > MOST_PADDED
    return object if wasteful else str


def _numbers_or_dates(dtype: Any, values: list[Any]) -> Array:
    known = isinstance(dtype, str) and LABEL_DTYPE.fullmatch(dtype)
    _require(bool(known), f"classes cannot be of type {dtype!r}")
    kind = {"b": bool, "f": float}.get(np.dtype(dtype).kind, int)
    _require(all(type(value) is kind for value in values), f"classes must be {dtype}")
    with np.errstate(over="ignore"):
        as_read = np.array(values, dtype="int64" if "datetime" in dtype else dtype)
    classes = as_read.astype(dtype)
    _require(bool(np.isfinite(classes).all()), f"classes must be finite in {dtype}")
    _require(len(np.unique(classes)) == len(values), "classes must be distinct")
    return classes


LABEL_DTYPE = re.compile(r"bool|u?int(8|16|32|64)|float(16|32|64)|datetime64\[[a-zA-Z]{1,2}\]")


def _short(text: object) -> str:
    """Cut a text that comes from a file, because it may be very long."""
    return str(text)[:300]


def _is_finite(number: object) -> bool:
    return type(number) is float and math.isfinite(number)


def _require_keys(parts: Any, keys: set[str]) -> None:
    _require(isinstance(parts, dict) and set(parts) == keys, f"the keys must be {sorted(keys)}")


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)
