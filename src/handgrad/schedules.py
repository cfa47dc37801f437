"""Learning rates over time: pure functions of the progress of training.

t runs from 0 at the first update to 1 after the last epoch that a schedule is stretched over,
and then stays 1. A schedule of t changes with every update; the others change once an epoch.

To add a schedule of t, write its function and its row of ``SCHEDULES``.

    constant    lr
    invscaling  lr / (t + 1)^power_t, t the rows seen so far                   (scikit-learn)
    adaptive    lr, divided by 5 each time patience runs out                   (scikit-learn)
    warmup      from lr / (updates of warm-up) in even steps to lr, then constant
    cosine      lr (1 + cos(pi t)) / 2         (Loshchilov and Hutter, 2017, equation 5)
    onecycle    lr/25 up to lr at t = 0.3, down to lr/250,000 at the end, both along half a
                cosine                         (Smith and Topin, 2019; PyTorch's constants)
    rise        from 0 in a straight line up to lr at t = 0.1, down to 0 along half a cosine
    coslog4     lr (1 - cos(2 pi log2(1 + 15 t))) / 2, four waves of doubling length
                                               (Holzmueller, Grinsztajn and Steinwart, 2024)
    a function  the rate it returns for the number of the epoch, from 1
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Rates = NDArray[np.float64]
Schedule = str | Callable[[int], float]

START, END, PEAK = 25.0, 25.0 * 1e4, 0.3  # for onecycle
RISEN = 0.1  # for rise


def invscaling(lr: float, t: int, power_t: float) -> float:
    """Shrink the learning rate with the rows seen so far: lr / (t + 1)^power_t."""
    return float(lr / (t + 1) ** power_t)


def cosine(t: Rates) -> Rates:
    factor: Rates = (1 + np.cos(np.pi * t)) / 2
    return factor


def onecycle(t: Rates) -> Rates:
    rise = 1 / START + (1 - 1 / START) * cosine(1 - t / PEAK)
    fall = 1 / END + (1 - 1 / END) * cosine((t - PEAK) / (1 - PEAK))
    return np.where(t < PEAK, rise, fall)


def rise(t: Rates) -> Rates:
    return np.where(t < RISEN, t / RISEN, cosine((t - RISEN) / (1 - RISEN)))


def coslog4(t: Rates) -> Rates:
    factor: Rates = (1 - np.cos(2 * np.pi * np.log2(1 + 15 * t))) / 2
    return factor


class Course(NamedTuple):
    """Everything known about a schedule, so that no other file compares its name."""

    of_time: Callable[[Rates], Rates] | None = None  # t -> the factor of lr
    warms_up: bool = False
    falls_with_rows: bool = False  # between epochs, see ``invscaling``
    falls_by_patience: bool = False  # only ``training.train`` knows when that runs out
    is_in_sklearn: bool = False


SCHEDULES = {
    "constant": Course(is_in_sklearn=True),
    "invscaling": Course(falls_with_rows=True, is_in_sklearn=True),
    "adaptive": Course(falls_by_patience=True, is_in_sklearn=True),
    "warmup": Course(warms_up=True),
    "cosine": Course(cosine),
    "onecycle": Course(onecycle),
    "rise": Course(rise),
    "coslog4": Course(coslog4),
}
OF_TIME = tuple(name for name, course in SCHEDULES.items() if course.of_time)


def course(schedule: Schedule) -> Course:
    """Return what is known about a schedule; a function of the epoch has nothing more to it.

    Raises
    ------
    ValueError
        If the schedule is unknown.
    """
    if callable(schedule):
        return Course()
    if schedule not in SCHEDULES:
        raise ValueError(
            f"learning_rate must be a function or one of {sorted(SCHEDULES)}; got {schedule!r}"
        )
    return SCHEDULES[schedule]


def epoch_rates(
    schedule: Schedule,
    lr: float,
    *,
    epoch: int,
    batches: int,
    schedule_epochs: int,
    warmup_epochs: float,
) -> Rates:
    """Compute the rate of every update of an epoch, shape (batches,).

    Parameters
    ----------
    schedule : str or callable
        One of SCHEDULES, or a function of the epoch's number, from 1.
    lr : float
        The rate that a schedule scales; for invscaling and adaptive, the rate of this epoch.
    epoch : int
        The number of epochs already finished.
    batches : int
        The number of updates in this epoch.
    schedule_epochs : int
        The number of epochs that a schedule of t is stretched over.
    warmup_epochs : float
        The number of epochs that warm-up takes.

    Raises
    ------
    ValueError
        If the schedule is unknown, or a function returns a rate that is negative or not finite.
    """
    if callable(schedule):
        return np.full(batches, _checked(schedule(epoch + 1), epoch + 1))
    known = course(schedule)
    if known.of_time is None and not known.warms_up:
        return np.full(batches, lr)
    position = epoch + np.arange(batches) / batches  # in epochs
    if known.of_time is not None:
        return lr * known.of_time(np.minimum(position / schedule_epochs, 1))
    after = position + 1 / batches
    return lr * np.minimum(after / warmup_epochs, 1) if warmup_epochs > 0 else lr + 0 * after


def _checked(rate: float, epoch: int) -> float:
    number = float(rate)
    if not 0 <= number < math.inf:
        raise ValueError(
            f"a learning_rate function must return finite rates of at least 0; for epoch "
            f"{epoch} it returned {rate}"
        )
    return number
