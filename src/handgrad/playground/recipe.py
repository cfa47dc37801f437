"""Every setting of the page, checked: anybody may have written what the browser sends."""

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from handgrad.activations import ACTIVATIONS
from handgrad.optim import OPTIMIZERS
from handgrad.params import INITIALISATIONS
from handgrad.playground.points import MOST_CLASSES, MOST_POINTS
from handgrad.playground.sets import NUMBER_SETS, SETS
from handgrad.schedules import SCHEDULES
from handgrad.training.run import Settings

DATA = (*SETS, *NUMBER_SETS, "article", "penguins", "digits", "table", "drawn")
TABLES = ("penguins", "table")

CHOICES = {
    "data": DATA,
    "inputs": ("two", "all"),
    "activation": tuple(ACTIVATIONS),
    "init": INITIALISATIONS,
    "optimizer": tuple(OPTIMIZERS),
    "schedule": tuple(  # the page trains without patience
        name for name, course in SCHEDULES.items() if not course.falls_by_patience
    ),
}
WHOLE = {  # from least to most
    "n": (10, MOST_POINTS),
    "classes": (2, MOST_CLASSES),
    "data_seed": (0, 2**31),
    "init_seed": (0, 2**31),
    "batch": (0, MOST_POINTS),
    "schedule_epochs": (1, 100_000),
}
REAL = {
    "noise": (0.0, 1.0),
    "test_share": (0.0, 0.8),
    "rate": (1e-6, 100.0),
    "l2": (0.0, 10.0),
    "dropout": (0.0, 0.9),
}
MOST_LAYERS, MOST_UNITS = 4, 128
SWITCHES = ("skip", "scale")
LONGEST_NAME = 1000

OF_DATA = ("data", "n", "classes", "noise", "data_seed", "test_share", "inputs", "x1", "x2")
OF_NETWORK = ("hidden", "activation", "init", "init_seed", "skip", "scale")
OF_LEARNING = ("optimizer", "rate", "schedule", "schedule_epochs", "batch", "l2", "dropout")

# The way to learn in which an update is what equation (13) says of the batch's one row.
PLAIN = {"optimizer": "sgd", "batch": 1, "dropout": 0.0}

# Settings that belong together, by name: everything of the network and the learning, so that
# nothing is left of what was set before. The article's notebook begins at smaller weights; from
# these of seed 5 no row of the article's has both hidden units at 0, where nothing would learn.
PRESETS: dict[str, dict[str, Any]] = {
    "as in the article": {
        "data": "article",
        "data_seed": 0,
        "test_share": 0.0,
        "hidden": [2],
        "activation": "relu",
        "init": "he_normal",
        "init_seed": 5,
        "skip": False,
        "scale": False,
        "optimizer": "sgd",
        "rate": 0.01,
        "schedule": "constant",
        "batch": 0,
        "l2": 0.0,
        "dropout": 0.0,
    }
}


@dataclass(frozen=True)
class Recipe:
    """All settings: the data, the network, and how it learns.

    A batch of 0 means all rows. ``inputs`` is "two" or "all" columns of a table, and x1 and x2
    name the two; "" stands for the first two. ``skip`` leads every input past the layers to the
    scores, by weights V; ``scale`` multiplies each by an s of its own.
    """

    data: str = "spiral"
    n: int = 300
    classes: int = 3
    noise: float = 0.2
    data_seed: int = 0
    test_share: float = 0.2
    inputs: str = "two"
    x1: str = ""
    x2: str = ""
    hidden: tuple[int, ...] = (8,)
    activation: str = "relu"
    init: str = "he_normal"
    init_seed: int = 0
    skip: bool = False
    scale: bool = False
    optimizer: str = "adam"
    rate: float = 0.03
    schedule: str = "constant"
    schedule_epochs: int = 200
    batch: int = 30
    l2: float = 0.0
    dropout: float = 0.0

    def changed(self, asked: Any) -> "Recipe":
        """Apply changes that came from outside.

        Raises
        ------
        ValueError
            If a name is not a setting, or a value is not possible.
        """
        if not isinstance(asked, dict):
            raise ValueError(f"settings must be a JSON object; got {type(asked).__name__}")
        known = {field.name for field in fields(self)}
        for name in asked:
            if name not in known:
                raise ValueError(
                    f"a setting must be one of {sorted(known)}; got {str(name)[:50]!r}"
                )
        return replace(self, **{name: checked(name, value) for name, value in asked.items()})

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "hidden": list(self.hidden)}

    def settings(self, n: int) -> Settings:
        """Translate it into settings of ``training.train``, for n training rows."""
        return Settings(
            OPTIMIZERS[self.optimizer],
            learning_rate_init=self.rate,
            learning_rate=self.schedule,
            schedule_epochs=self.schedule_epochs,
            batch_size=min(self.batch or n, n),
            l2=self.l2,
            dropout=self.dropout,
            patience=math.inf,
        )


def checked(name: str, value: Any) -> Any:
    """Return the value of one setting, or raise ValueError."""
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise ValueError(
                f"{name} must be one of {list(CHOICES[name])}; got {str(value)[:50]!r}"
            )
        return value
    if name in WHOLE:
        return int(_number(name, value, *WHOLE[name], whole=True))
    if name in REAL:
        return float(_number(name, value, *REAL[name], whole=False))
    if name == "hidden":
        return _hidden(value)
    if name in SWITCHES:
        if not isinstance(value, bool):
            raise ValueError(f"{name} must be true or false; got {str(value)[:50]!r}")
        return value
    if not isinstance(value, str) or len(value) > LONGEST_NAME:
        raise ValueError(f"{name} must be the name of a column")
    return value


def _number(name: str, value: Any, least: float, most: float, *, whole: bool) -> Any:
    kinds: tuple[type, ...] = (int,) if whole else (int, float)
    is_number = isinstance(value, kinds) and not isinstance(value, bool)
    if not is_number or not least <= value <= most:
        kind = "a whole number" if whole else "a number"
        raise ValueError(f"{name} must be {kind} from {least:g} to {most:g}; got {str(value)[:50]}")
    return value


def _hidden(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or len(value) > MOST_LAYERS:
        raise ValueError(f"hidden must be a list of at most {MOST_LAYERS} layers")
    return tuple(
        int(_number("units of a hidden layer", units, 1, MOST_UNITS, whole=True)) for units in value
    )
