"""What the engine and its kernels agree on: records, numbers of kernels, places; without numba.

Kernels know an activation, an output and a rule by a number, which is its place in these tables.
"""

from dataclasses import fields
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.activations import ACTIVATIONS
from handgrad.optim import OPTIMIZERS, StepSettings
from handgrad.outputs import OUTPUTS
from handgrad.skip import BASES, Basis

Array = NDArray[Any]

ACTIVATION_NAMES = tuple(name for name, one in ACTIVATIONS.items() if one.has_kernel)
OUTPUT_NAMES = tuple(name for name, one in OUTPUTS.items() if one.has_kernel)
RULE_NAMES = tuple(dict.fromkeys(rule.kernel for rule in OPTIMIZERS.values()))
BASIS_NAMES = tuple(BASES)
LINEAR, LEVELS, PIECES = (BASIS_NAMES.index(name) for name in ("linear", "levels", "pieces"))

KEEPING_SLOPES = tuple(
    number for number, name in enumerate(ACTIVATION_NAMES) if ACTIVATIONS[name].keeps_slope
)
NOT_0_AT_0 = tuple(
    number for number, name in enumerate(ACTIVATION_NAMES) if not ACTIVATIONS[name].is_0_at_0
)


def record(kind: type, *fields: str) -> np.dtype[Any]:
    """Describe a record whose fields are all of one kind."""
    return np.dtype([(name, kind) for line in fields for name in line.split()])


PLAN = record(
    np.int64,
    "n_rows n_inputs n_outputs n_targets batch_size output rule n_slots gathers weighted",
    # addresses of what the caller owns; of the order, 0 for none
    "rows labels targets weights order flat slot_vectors n_parameters",
    # places in work, and strides
    "x x_row score score_row target weight loss hit zeros slots slot",
    # of a gradient block, one for each thread; of the quantiles
    "gradient gradient_size quantiles n_quantiles",
    # addresses of the rate of each update, and of the keys of each update and hidden layer
    "learning_rates keys",
    # a whole gradient, laid out as the parameters are; how many vectors it has
    "whole n_squares",
    # address of a factor for the rate of each W, b, V and s
    "factors",
    # of a skip: x without the numbers of its columns, which are u; scores row by row
    "n_deep u u_row by_row v_row squares_of_V",
    # of a scale: whether there is one; s, x s, and the parts whose sum is ds
    "scales s scaled parts parts_row n_parts",
)
WIDE = record(
    np.int64,
    "kind n width",  # of a column's basis
    "flat V size table",  # of its V: place in the house's vector, in work, padded; its table
)
LAYER = record(
    np.int64,
    "n_in n_out",
    "flat",  # place of W in the house's vector; b follows
    "W b h d columns",  # places in work, and the padded columns of W, h and dr
    "activation",
    "keeps slope",  # whether dh/dr is kept, and its place
    "drops",  # below this number, as one without a sign, a hash leaves a unit out
)


def _numbers(*settings: Any) -> tuple[str, ...]:
    """Name the fields that are numbers."""
    named = (field for one in settings for field in fields(one))
    return tuple(dict.fromkeys(f.name for f in named if isinstance(f.default, float)))


RULE_SETTINGS, STEP_SETTINGS = _numbers(*OPTIMIZERS.values()), _numbers(StepSettings)
RATES = record(np.float64, *RULE_SETTINGS, *STEP_SETTINGS, "smoothing delta")

# Results of a call.
LOSS, RIGHT, BAD_BATCH, BAD_LOSS, NOT_FINITE, NORM, LAST_LOSS = range(7)
RESULTS = 7  # sums of squares of a whole gradient follow

GENERATION, LEAVE = 16, 32  # apart from the counter, each on a cache line of its own

# Gradients are made and used in blocks of 512 x 3 vectors: with the parameters and slots that
# belong to it a block fills about half of the second cache, and Adam need not wait for memory.
BLOCK_ROWS, BLOCK_VECTORS = 512, 3

# The rows of a matrix that one pass over a strip of it uses: 192 x 48 float32 stay in the first
# two caches. A strip is up to three vectors wide, where it is copied.
DEPTH, STRIP = 192, 3

# -- the skip --


def classes_a_row(n_outputs: int, lanes: int) -> int:
    """Count the places of a row of V: its classes, padded to whole vectors unless it has one."""
    return 1 if n_outputs == 1 else -(-n_outputs // lanes) * lanes


def lay_out_skip(
    skip: tuple[Basis, ...], n_outputs: int, lanes: int, flat: int, place: int
) -> tuple[Array, int]:
    """Describe the columns of a skip; give where in work their V end, one after the other.

    ``flat`` is the place of V in the house's vector, ``place`` the one in work.
    """
    wides, v_row = np.zeros(len(skip), WIDE), classes_a_row(n_outputs, lanes)
    for wide, basis in zip(wides, skip, strict=True):
        wide["kind"], wide["n"] = BASIS_NAMES.index(basis.kind), basis.n
        wide["width"], wide["flat"], wide["V"] = basis.width, flat, place
        wide["size"] = -(-basis.width * v_row // lanes) * lanes
        flat += basis.width * n_outputs
        place += int(wide["size"])
    return wides, place


def place_tables(wides: Array, v_row: int, lanes: int, place: int) -> int:
    """Give the columns that need a table a place for it, the others their V; give the end."""
    for wide in wides:
        wide["table"] = wide["V"]
        if wide["kind"] == PIECES:
            wide["table"] = place
            place += -(-(int(wide["n"]) + 3) * v_row // lanes) * lanes
    return place


# -- predictions --

BLOCK = 256  # rows: with 800 units, half a second cache; a block's tape is all the memory used
FEW = 16  # rows that get less memory: setting up 256 takes longer than predicting one
VERY_FEW = 4  # rows, for which no table is made of a skip
MANY = 64  # rows, from which on it pays to copy parameters to where they are read fastest

# Places in work: two blocks of h, a block of scores, the padded copy of a narrow layer, the
# strip copied of many rows' parameters, the transposed head; with a skip, a block of scores row
# by row, and two rows of V.
ROOM = record(np.int64, "block other_h scores s_row copied panel W_head size", "by_row v_row node")


class Laid(NamedTuple):
    """The records of a network to predict with, and where they lie."""

    layers: Array
    rooms: Array
    wides: Array
    addresses: tuple[int, ...]  # of layers, their number, of rooms, of wides, their number
    size: int  # of the array that predicting works in


@lru_cache
def lay_out(
    layer_units: tuple[int, ...],
    activations: tuple[str, ...],
    lanes: int,
    block: int,
    skip: tuple[Basis, ...] = (),
) -> "Laid":
    """Describe the layers of a network, and the room that predicting with it takes."""

    def padded(n: int) -> int:
        return -(-n // lanes) * lanes

    layers, rooms = np.zeros(len(layer_units) - 1, LAYER), np.zeros(1, ROOM)
    flat = narrow = 0
    for number, (n_in, n_out) in enumerate(pairwise(layer_units)):
        layer, last = layers[number], number == len(layers) - 1
        layer["n_in"], layer["n_out"], layer["flat"] = n_in, n_out, flat
        layer["columns"] = padded(n_in if last else n_out)
        layer["activation"] = 0 if last else ACTIVATION_NAMES.index(activations[number])
        flat += (n_in + 1) * n_out
        if n_out < lanes:
            narrow = max(narrow, (n_in + 1) * lanes)
    room, head = rooms[0], layers[-1]
    room["block"] = block
    room["other_h"] = place = block * int(layers["columns"].max())
    room["scores"] = place = 2 * place
    room["s_row"] = block + lanes
    room["copied"] = place = place + int(head["n_out"]) * (block + lanes)
    room["panel"] = place = padded(place + narrow)
    room["W_head"] = place = place + (DEPTH * STRIP * lanes if block >= MANY else 0)
    place += int(head["n_out"]) * int(head["columns"])
    room["v_row"] = v_row = classes_a_row(layer_units[-1], lanes)
    wides, place = lay_out_skip(skip, layer_units[-1], lanes, flat, place)
    room["by_row"] = place = place_tables(wides, v_row, lanes, place)
    room["node"] = place = place + (block * v_row if skip else 0)
    room["size"] = place + (2 * v_row if skip else 0)
    addresses = layers.ctypes.data, len(layers), rooms.ctypes.data, wides.ctypes.data, len(wides)
    return Laid(layers, rooms, wides, addresses, int(room["size"]))
