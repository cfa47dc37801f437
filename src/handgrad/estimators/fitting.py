"""The path of a fit, from top to bottom: one value goes in, the next comes out.

checked      what the user gave, as rows with answers and weights
started      the encoding fixed and first parameters drawn; or continued from the fit before
set apart    rows that are only looked at
learnt       in steps or by L-BFGS (``learning.py``), each epoch watched (``watching.py``)
concluded    units that died, and probabilities that are calibrated
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import InvalidParameterError

from handgrad.batch import Rows, is_sparse
from handgrad.chance import streams
from handgrad.engines.spool import Piles
from handgrad.errors import DataError, warn
from handgrad.estimators.advice import has, ways
from handgrad.estimators.checks import (
    as_rows,
    check_columns,
    check_scale,
    check_weight,
    naming,
    precision,
)
from handgrad.estimators.learning import learnt
from handgrad.estimators.parameters import (
    Parameters,
    activation,
    bit_generator,
    check_settings,
    check_sparse,
    hidden_units,
    needs_all_rows,
)
from handgrad.estimators.planning import (
    check_says_nothing,
    frequency_of,
    plan_of,
    warn_of_lost_digits,
)
from handgrad.estimators.rows import (
    NOTHING,
    HeldOut,
    TrainingRows,
    Validation,
    encoded,
    learning_weight,
)
from handgrad.estimators.state import Fit, Record
from handgrad.estimators.stream import (
    Moments,
    folded_inputs,
    moved_encoder,
    warn_of_first_rows,
)
from handgrad.estimators.task import Job, Outputs, Task
from handgrad.estimators.watching import dead_units, warn_of_dead_units
from handgrad.models.model import Model
from handgrad.network import Architecture, scale_folded
from handgrad.optim import SOLVERS
from handgrad.params import Params, initialise
from handgrad.params import given as given_params
from handgrad.tables.encode import Encoder
from handgrad.tables.fitting import fit_matrix, fit_table
from handgrad.tables.rows import row_keys
from handgrad.training.held_back import Split, split, split_last
from handgrad.training.history import History
from handgrad.training.run import Run

Array = NDArray[Any]

MOST_BYTES = 1 << 40


class Given(NamedTuple):
    """What a user gave a fit, as it came."""

    X: Any
    y: Any
    sample_weight: Any = None
    held_out: HeldOut = NOTHING
    classes: Array | None = None  # all that there may be; of probabilities, one for each column


def fitted(job: Job, given: Given, before: Fit | None) -> Fit:
    """Fit, from nothing or from what there was before.

    Raises
    ------
    ValueError, TypeError
        If settings or data cannot be used; nothing has been trained then.
    DivergenceError
        If the loss or a parameter stops being finite.
    """
    estimator, task, held_out = job.estimator, job.task, given.held_out
    check_settings(estimator, held_out, needs_held_back=task.needs_held_back)
    rows, X = checked(estimator, task, given, None if before is None else before.model.encoder)
    task = task.settled(rows.y)
    job = job._replace(task=task)
    if before is None:
        bits = _bits_of(job)
        job.keeper.chance(bits, estimator.random_state)
        parts, seed = _set_apart(job, rows, held_out, bits)
        now = _started(job, rows, parts, given.classes, bits)
    else:
        now = _continued(job, before, rows, given.classes)
        parts, seed = _set_apart(job, rows, held_out, now.runs[0].bits, now.split_seed)
    if job.is_stream:
        now = _followed(task, now, rows, continuing=before is not None)
    now = replace(
        now,
        held_back=rows.places[parts.held_back],
        n_singly=parts.drawn_singly,
        split_seed=seed,
    )
    learning = encoded(now.model, task, rows.take(parts.kept, parts.kept_weight))
    validation: Validation | None = None
    if held_out.X is not None:
        validation = own_validation(estimator, task, now.model, held_out, given.classes)
    elif len(parts.held_back):
        held_back = rows.take(parts.held_back, parts.held_weight)
        validation = Validation.of(now.model, task, held_back, X)
    if job.is_stream:
        return learnt(job, now, learning, validation)
    return concluded(job, now, learning, validation)


def concluded(job: Job, now: Fit, learning: Rows | Piles, validation: Validation | None) -> Fit:
    """Train, and draw the conclusions."""
    now = replace(now.with_model(temperature=1.0), record=replace(now.record, n_iter=0))
    now = learnt(job, now, learning, validation)
    dead = dead_units(now.model, learning)
    warn_of_dead_units(dead, len(learning))
    now = replace(now, dead_units=dead)
    return replace(now, model=job.task.calibrated(now.model, validation))


# -- checked ------------------------------------------------------------------------------------


def checked(
    estimator: Parameters, task: Task, given: Given, encoder: Encoder | None
) -> tuple[TrainingRows, Any]:
    """Turn what was given into rows; the estimator gets scikit-learn's names of the columns."""
    X = as_rows(given.X)
    columns = check_columns(estimator, X, encoder)
    if is_sparse(columns):
        check_sparse(estimator)
    warn_of_lost_digits(X)
    y = task.check_y(given.y, X, given.classes)
    return TrainingRows.of(columns, y, check_weight(given.sample_weight, X)), X


def own_validation(
    estimator: Parameters,
    task: Task,
    model: Model,
    held_out: HeldOut,
    classes: Array | None = None,
) -> Validation:
    """Take the rows that the user gave to validate on."""
    X = as_rows(held_out.X)
    with naming("X_val"):
        columns = check_columns(estimator, X, model.encoder)
    with naming("y_val"):
        y = task.check_y(held_out.y, X, classes)
    if not len(y):
        raise DataError("X_val must have rows; it has none")
    with naming("sample_weight_val"):
        weight = check_weight(held_out.weight, X, "sample_weight_val")
    with naming("X_val and y_val"):
        return Validation.of(model, task, TrainingRows.of(columns, y, weight), X)


# -- set apart ----------------------------------------------------------------------------------


def _set_apart(
    job: Job,
    rows: TrainingRows,
    held_out: HeldOut,
    bits: np.random.BitGenerator,
    seed: int | None = None,
) -> tuple[Split, int | None]:
    """Split off rows that are only looked at, and give the seed that chose them."""
    estimator = job.estimator
    n = len(rows.y)
    watches = estimator.early_stopping and estimator.solver in SOLVERS
    wanted = job.task.needs_held_back or watches
    if job.is_stream or held_out.X is not None or not wanted:
        return Split(np.arange(n), np.arange(0), rows.weight), seed
    if estimator.validation_fraction == 0:
        raise InvalidParameterError(
            "early stopping and calibration need held-back rows, so 'validation_fraction' "
            "must be above 0; got 0"
        )
    if seed is None:  # continuing, the same rows stay apart
        seed = int(bits.random_raw())
    strata, answers = job.task.strata(rows.y)
    if estimator.shuffle:
        keys = row_keys(rows.columns, seed)
        parts = split(keys, strata, estimator.validation_fraction, rows.weight, answers)
    else:
        parts = split_last(n, estimator.validation_fraction, rows.weight)
    _tell_of_split(job, parts, n, len(np.unique(strata)))
    return parts, seed


def _tell_of_split(job: Job, parts: Split, n: int, n_classes: int) -> None:
    estimator = job.estimator
    if not len(parts.held_back):
        warn(
            f"validation_fraction={estimator.validation_fraction} of {n} rows"
            f"{f' in {n_classes} classes' if n_classes > 1 else ''} leaves none to hold back "
            "(equal rows stay together); training on all rows and watching their loss instead",
            UserWarning,
        )
    if job.speaks and parts.drawn_singly:
        print(
            f"Held back {len(parts.held_back)} rows: {parts.drawn_singly} rows repeat only "
            f"{parts.patterns} different ones, so they were drawn one by one"
        )


# -- started ------------------------------------------------------------------------------------


def _started(
    job: Job,
    rows: TrainingRows,
    parts: Split,
    classes: Array | None,
    bits: np.random.PCG64,
) -> Fit:
    """Fix the encoding, by the rows that weigh something, and draw fresh networks."""
    estimator = job.estimator
    weight = learning_weight(parts.kept, parts.kept_weight, len(rows.y))
    outputs = job.task.outputs(rows.y, weight, classes)
    encoder = encoder_of(
        estimator,
        rows.columns,
        weight,
        estimator.preprocess,
        has_skip=bool(estimator.skip),
        is_stream=job.is_stream,
    )
    return begun(estimator, encoder, outputs, precision(estimator.dtype, rows.columns), bits)


def begun(
    estimator: Parameters,
    encoder: Encoder,
    outputs: Outputs,
    dtype: np.dtype[Any],
    bits: np.random.PCG64,
) -> Fit:
    """Draw fresh networks for encoded rows."""
    architecture = _architecture(estimator, encoder, outputs)
    runs = _first_runs(estimator, architecture, dtype, bits)
    plain, params = scale_folded(architecture, runs[0].params)
    model = Model(encoder, plain, params, outputs.classes, scale=outputs.scale)
    record = Record.begin(bool(estimator.early_stopping))
    return Fit(model, (History(()),) * len(runs), runs, record)


def encoder_of(
    estimator: Parameters,
    columns: Any,
    weight: Array | None,
    method: str | None,
    *,
    has_skip: bool,
    is_stream: bool = False,
) -> Encoder:
    """Fit an encoder by the rows that weigh something."""
    names = getattr(estimator, "feature_names_in_", None)
    if method is None or is_sparse(columns):
        check_says_nothing(estimator)
        encoder = Encoder.identity(columns.shape[1], names=names, has_skip=has_skip)
        check_scale(columns, encoder)
        return encoder
    if is_stream and needs_all_rows(estimator):
        warn_of_first_rows(method, len(columns))
    if not hasattr(columns, "schema"):
        check_says_nothing(estimator)
        return fit_matrix(columns, weight, names=names, method=method, has_skip=has_skip)
    return fit_table(
        columns,
        plan_of(estimator, columns, is_stream=is_stream),
        weight,
        frequency=frequency_of(estimator),
        is_stream=is_stream,
        method=method,
        has_skip=has_skip,
    )


def _architecture(estimator: Parameters, encoder: Encoder, outputs: Outputs) -> Architecture:
    return Architecture(
        (encoder.n_deep, *hidden_units(estimator), outputs.n),
        activation(estimator),
        outputs.kind,
        outputs.loss,
        encoder.skip,
        bool(estimator.input_scale),
    )


def _first_runs(
    estimator: Parameters, architecture: Architecture, dtype: np.dtype[Any], bits: np.random.PCG64
) -> tuple[Run, ...]:
    with memory_for(estimator, architecture, dtype):
        return tuple(
            Run.start(_first_params(estimator, architecture, stream, dtype), stream)
            for stream in streams(bits, estimator.n_ensemble)
        )


def _first_params(
    estimator: Parameters, architecture: Architecture, bits: np.random.PCG64, dtype: np.dtype[Any]
) -> Params:
    units, asked = architecture.layer_units, estimator.initialisation
    beside = architecture.beside
    if isinstance(asked, str):
        return initialise(units, architecture.activations, bits, dtype, asked, beside)
    try:
        weights, biases = asked
        return given_params(units, weights, biases, dtype, beside)
    except (TypeError, ValueError) as error:
        raise InvalidParameterError(
            f"The 'initialisation' parameter of {type(estimator).__name__} must be the name of a "
            f"method, or weights and biases of the layers {units}: {error}"
        ) from None


@contextmanager
def memory_for(estimator: Any, architecture: Architecture, dtype: np.dtype[Any]) -> Iterator[None]:
    """Refuse a network that no memory holds, before the system has to or in better words."""
    needed = 4 * architecture.n_parameters * dtype.itemsize  # parameters, gradient, two slots
    n_inputs, *sizes, n_outputs = architecture.layer_units
    of = f"a network of {n_inputs:,} inputs and {n_outputs:,} outputs"
    if has(estimator, "hidden_layer_sizes"):
        of = f"hidden_layer_sizes={tuple(sizes)}"
    advice = ways(
        estimator,
        ("take fewer units", "hidden_layer_sizes"),
        ("lower max_levels, whose levels are inputs", "max_levels"),
    )
    needs = f"{of} needs {needed:,} bytes to train, more than"
    if needed > MOST_BYTES:
        raise MemoryError(f"{needs} {MOST_BYTES:,}; {advice}")
    try:
        yield
    except MemoryError:
        raise MemoryError(f"{needs} there are; {advice}") from None


# -- or continued -------------------------------------------------------------------------------


def _continued(job: Job, before: Fit, rows: TrainingRows, classes: Array | None) -> Fit:
    """Begin where the last fit has ended; refuse other targets or another network."""
    if not before.runs:  # after loading
        before = replace(before, runs=_fresh_runs(_bits_of(job), before.model))
    before = before.with_model(bounds=None, shares=())  # those of a tabular fit, which is over
    now = job.task.continued(before, rows.y, classes, is_stream=job.is_stream)
    there, asked = _traits_there(now), _traits_asked(job.estimator, job.task, now)
    if needs_all_rows(job.estimator) or now.model.encoder.is_robust:
        there["preprocess"] = now.model.encoder.method
        asked["preprocess"] = job.estimator.preprocess
    for name, value in there.items():
        if asked[name] != value:
            raise ValueError(
                f"training on continues the existing network, which has {name}={value!r}; "
                f"got {asked[name]!r}. Fit with warm_start=False to start anew."
            )
    if job.is_stream:
        return now
    return replace(now, moments=None, target_moments=None, dead_units=None)


def _bits_of(job: Job) -> np.random.PCG64:
    """Make the generator of a fit: that of the first worker for all, if there are several."""
    bits = bit_generator(job.estimator.random_state)
    if job.crew is not None:  # without a number each process would draw another seed
        bits.state = job.crew.told(bits.state)
    return bits


def _fresh_runs(bits: np.random.PCG64, model: Model) -> tuple[Run, ...]:
    networks = model.networks
    chances = streams(bits, len(networks))
    return tuple(Run.start(*pair) for pair in zip(networks, chances, strict=True))


def _traits_there(fit: Fit) -> dict[str, Any]:
    """Name the settings that a network cannot change while it learns, as it has them."""
    architecture = fit.model.architecture
    return {
        "hidden_layer_sizes": architecture.layer_units[1:-1],
        "activation": architecture.activation,
        "n_ensemble": len(fit.runs),  # those that an interrupt came before, too
        "dtype": str(fit.model.params.flat.dtype),
        "skip": bool(architecture.skip),
        "input_scale": fit.learning.scales,
        **asdict(architecture.loss),
    }


def _traits_asked(estimator: Parameters, task: Task, fit: Fit) -> dict[str, Any]:
    units, dtype = hidden_units(estimator), str(fit.model.params.flat.dtype)
    return {
        "hidden_layer_sizes": units,
        "activation": Architecture((1, *units, 1), activation(estimator)).activation,
        "n_ensemble": estimator.n_ensemble,
        "dtype": dtype if estimator.dtype == "auto" else estimator.dtype,
        "skip": bool(estimator.skip),
        "input_scale": bool(estimator.input_scale),
        **asdict(task.loss),
    }


# -- in a stream --------------------------------------------------------------------------------


def _followed(task: Task, fit: Fit, rows: TrainingRows, *, continuing: bool) -> Fit:
    """Let the statistics of columns and targets move with the rows of a stream."""
    fit = _columns_followed(fit, rows, continuing=continuing)
    return task.followed(fit, rows, continuing=continuing)


def _columns_followed(fit: Fit, rows: TrainingRows, *, continuing: bool) -> Fit:
    encoder, before = fit.model.encoder, fit.moments
    if encoder.is_identity or encoder.is_robust or (continuing and before is None):
        return fit  # nothing is scaled, or what it is scaled by stays
    columns = rows.columns.toarray() if is_sparse(rows.columns) else rows.columns
    now = Moments.of(encoder.numbers(columns), rows.weight)
    if continuing:
        now = before.merged(now)
        moved = moved_encoder(encoder, now)
        if moved is not encoder:
            networks = [folded_inputs(run.params, encoder, moved, before) for run in fit.runs]
            fit = fit.with_networks(networks).with_model(encoder=moved)
    return replace(fit, moments=now)
