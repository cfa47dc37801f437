"""The download in plain NumPy: the run of the page, equation by equation, in some fifty lines.

It needs nothing but NumPy and is for reading. Its lines are those of ``explain/equations.py`` and
of the rule, without the care for overflow that the library takes; so its weights are the page's to
rounding, where the other program has them to the last bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from handgrad.errors import DataError
from handgrad.explain.equations import equations, parameter_names
from handgrad.params import initialise
from handgrad.playground.takeaway import repeatable
from handgrad.schedules import course

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from handgrad.params import Params
    from handgrad.playground.session import Journal, Session
    from handgrad.training import Settings

MOST_NUMBERS = 20_000  # of inputs, which the program holds


class Counted:
    """Random bits that are counted, so that a program can pass over them."""

    def __init__(self, seed: int) -> None:
        self.bits, self.n = np.random.PCG64(seed), 0

    def random_raw(self, n: int) -> NDArray[np.uint64]:
        self.n += n
        return self.bits.random_raw(n)


def plain(session: Session) -> bytes:
    """Write a program in NumPy alone that makes the same steps from the same first weights.

    Raises
    ------
    DataError
        If the run is not one of whole epochs by present settings, or a setting needs more than
        the equations; the message says which.
    """
    journal = repeatable(session)
    settings, n_epochs = _learning(session, journal)
    lines = _lines(session, settings)
    _check(session, settings, lines)
    names = parameter_names(session.architecture)
    first = _first(session, journal)
    pairs = ", ".join(f"({name}, d{name})" for name in names)
    program = [
        '"""The network of the page in plain NumPy, line by line: handgrad play wrote this.',
        "",
        "The numbers of the equations are those of docs/derivation.md.",
        '"""',
        "",
        "import numpy as np",
        "",
        f"lr = {settings.learning_rate_init}",
        f"batch_size, epochs = {settings.batch_size}, {n_epochs}",
        *([f"l2 = {settings.l2}"] if settings.l2 else []),
        f"X = np.array({session.points.x[session.points.training].tolist()})",
        f"Y_t = np.array({session.points.training_rows.y_t.tolist()})",
        f"N_y = {session.architecture.layer_units[-1]}",
        *(f"{name} = np.array({array.tolist()})" for name, array in first.named()),
        *_memory(settings, names),
        "",
        *_orders(session, settings),
        "",
        "for _ in range(epochs):",
        "    order = rows_in_order()",
        "    for start in range(0, len(X), batch_size):",
        "        rows = order[start : start + batch_size]",
        "        x, y_t, n = X[rows], Y_t[rows], len(rows)",
        *(["        w = x  # what the skip takes in"] if session.architecture.skip else []),
        *(f"        {line}" for line in lines),
        *(["        t += 1"] if settings.optimizer.n_slots else []),
        f"        for k, (theta, dtheta) in enumerate([{pairs}]):  # (13)",
        *(f"            {line}" for line in _step(settings)),
        "",
        *(f'print("{name} =", {name}.tolist())' for name in names),
    ]
    return ("\n".join(program) + "\n").encode()


def _learning(session: Session, journal: Journal) -> tuple[Settings, int]:
    """Give the settings of the run and the number of its epochs."""
    every = [entry for entry in journal if entry[0] == "epochs"]
    if len(every) > 1 or (every and journal[-1] != every[0]):
        raise DataError(
            "settings or weights changed while the network learnt, which plain NumPy does not "
            "repeat; start over and train again, or take the Python program"
        )
    if not every:
        return session.recipe.settings(len(session.points.training)), 0
    return every[0][1], every[0][2]


def _lines(session: Session, settings: Settings) -> list[str]:
    """List the equations of a step, up to the gradients, each with its number."""
    every = equations(session.architecture, l2=settings.l2)
    return [f"{e.line}  # ({e.number})" for e in every if not e.name.endswith("_new")]


def _check(session: Session, settings: Settings, lines: list[str]) -> None:
    rates = course(settings.learning_rate)
    size = session.points.x[session.points.training].size
    for is_refused, why in (
        (not _rule(settings)[0], "its optimizer updates weights and biases by different rules"),
        (
            rates.of_time or rates.warms_up or rates.falls_with_rows,
            "its learning rate follows a schedule",
        ),
        (settings.dropout, "dropout leaves units out by chance"),
        (any("scipy" in line for line in lines), "its activation needs SciPy"),
        (size > MOST_NUMBERS, f"its rows hold {size:,} numbers, over {MOST_NUMBERS:,}"),
    ):
        if is_refused:
            raise DataError(
                f"plain NumPy does not repeat this run: {why}; train anew without that, or take "
                "the Python program"
            )


def _rule(settings: Settings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the lines of the rule, and what it remembers; no lines if it has none to be read."""
    rule: Any = settings.optimizer
    return rule.lines, rule.memory


def _first(session: Session, journal: Journal) -> Params:
    """Give the first weights, with those that were set before the first epoch."""
    first = session.initial.copy()
    for entry in journal:
        if entry[0] == "weight":
            first.flat[entry[1]] = entry[2]
    return first


def _memory(settings: Settings, names: list[str]) -> list[str]:
    remembers = _rule(settings)[1]
    if not remembers:
        return []
    each = ", ".join("np.zeros(W.shape)" for _ in remembers)
    remembered = each if len(remembers) == 1 else f"[{each}]"
    return ["t = 0", f"memory = [{remembered} for W in [{', '.join(names)}]]"]


def _step(settings: Settings) -> list[str]:
    lines, names = _rule(settings)
    return [*([f"{', '.join(names)} = memory[k]"] if names else []), *lines]


def _orders(session: Session, settings: Settings) -> list[str]:
    """Write the order of the rows in each epoch: that of the page, from the same random bits."""
    n = len(session.points.training)
    if settings.batch_size >= n:
        return ["", "def rows_in_order():", "    return np.arange(len(X))", ""]
    counted, architecture = Counted(session.recipe.init_seed), session.architecture
    initialise(
        architecture.layer_units,
        architecture.activations,
        cast("np.random.BitGenerator", counted),
        np.float64,
        session.recipe.init,
        architecture.beside,
    )
    return [
        f"bits = np.random.PCG64({session.recipe.init_seed})",
        f"bits.advance({counted.n})  # past the bits that made the first weights",
        "",
        "",
        "def rows_in_order():",
        f"    keys = bits.random_raw(len(X)) >> np.uint64({(n - 1).bit_length()})",
        '    return np.argsort(keys, kind="stable")',
        "",
    ]
