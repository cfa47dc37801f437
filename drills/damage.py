"""Damaged model files: refused with ModelFileError, or loaded as a model that is sound.

Without a checksum that fits none may load: every flipped bit, every truncation, random damage.
With one, parts of the description and of the tensors are exchanged for hostile ones; what loads
then predicts finite numbers or says why it cannot, can be saved, and comes back as it was.
"""

import json
import random
import warnings
from collections import Counter

import house
import numpy as np
import pyarrow as pa
from signing import parts_of, signed

COUNT = 100_000
HOSTILE = (
    *(None, True, False, 0, -1, 1, 2, 3, 7, 255, 2**31, 2**63, -(2**63), 10**30),
    *(0.0, -0.0, 0.5, 1.0, 1e-320, 1e-300, 1e300, 3.5e38, "MARK 1e999", "MARK -1e999", "MARK NaN"),
    *("", "a", "\0", "a\0", "\ud800", "x" * 5000, "softmax", "logistic", "identity", "poisson"),
    *("quantile", "number", "category", "date", "boolean", "object", "str", "int8", "float16"),
    *("datetime64[s]", "datetime64[D]", "os.system", "__class__", "relu", "tanh", "F32", "I64"),
    *([], {}, [[]], [None], [1, 1], {"a": 1}, [""], ["a", "a"], "MARK [[[[[[[[[[[[]]]]]]]]]]]]"),
)
NUMBERS = (np.nan, np.inf, -np.inf, 1e308, -1e308, 3e38, 1e-320, 0.0, -1.0)


def drill(tally, folder):
    from handgrad.models.file import to_bytes

    contents = [to_bytes(model) for model in models(folder).values()]
    chance, kinds = random.Random(0), Counter()
    systematic = systematically(sorted(contents, key=len)[:3])
    for number in tally.strikes():
        content = next(systematic, None)
        if content is None and number % 2:
            content = at_random(chance.choice(contents), chance)
        if content is None:
            kinds["with one"] += 1
            told = outcome(mutated(chance.choice(contents), chance))
            kinds["loaded"] += told != "refused"
            tally.expect(told in ("refused", "sound"), told)
        elif content not in contents:
            kinds["without"] += 1
            tally.expect(outcome(content) == "refused", "a file without a fitting checksum loads")
    return (
        f"{kinds['without']:,} files without a fitting checksum, {kinds['with one']:,} with one, "
        f"of which {kinds['loaded']:,} loaded"
    )


def models(folder):
    """Make small models of every kind."""
    from handgrad import MLPClassifier, MLPRegressor
    from handgrad.models.file import load_model

    x, y = house.points()
    plain = {"engine": "numpy", "max_iter": 2, "random_state": 0}
    several = np.column_stack([x[:, 0] > 2, x[:, 1] > 0, x[:, 2] > 0]).astype(int)
    losses = ("squared_error", "absolute_error", "huber", "poisson", "quantile")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = {
            "softmax": MLPClassifier((3,), **plain).fit(x, y),
            "logistic": MLPClassifier((3,), **plain).fit(x, y == "ash"),
            "no hidden layer": MLPClassifier((), **plain).fit(x, x[:, 0].round().astype(int)),
            "several labels": MLPClassifier((3,), **plain).fit(x, several),
            "ensemble": MLPClassifier((2,), n_ensemble=2, dtype="float32", **plain).fit(x, y),
            "dates": MLPClassifier((2,), **plain).fit(x, dates_of(y)),
        } | {
            loss: MLPRegressor(hidden_layer_sizes=(3,), loss=loss, **plain).fit(x, np.abs(x[:, 0]))
            for loss in losses
        }
    table = load_model(house.table_model(folder)[0])
    return {name: model.model_ for name, model in made.items()} | {"table": table}


def dates_of(y):
    return np.where(y == "ash", np.datetime64("2024-02-29"), np.datetime64("2025-01-01"))


# -- what is done to a file --------------------------------------------------------------------


def systematically(contents):
    """Flip every bit, and cut at every byte."""
    for content in contents:
        for place in range(len(content)):
            for bit in range(8):
                yield content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]
        yield from (content[:end] for end in range(len(content)))


def at_random(content, chance):
    start, end = sorted(chance.choices(range(len(content) + 1), k=2))
    noise = chance.randbytes(chance.randrange(1, 40))
    return content[:start] + noise + content[chance.choice((start, end)) :]


def mutated(content, chance):
    """Exchange one or two parts for hostile ones, and sign the whole anew."""
    description, entries, body = parts_of(content)
    for _ in range(chance.choice((1, 1, 2))):
        which = chance.random()
        if which < 0.6:
            description = with_hostile(description, chance)
        elif which < 0.75:
            entries = with_hostile(entries, chance)
        else:
            body = with_number(body, chance)
    return signed(description, entries, body)


def with_hostile(text, chance):
    """Exchange, remove, double or add one value anywhere in a JSON text."""
    try:
        whole = json.loads(text)
    except ValueError:  # mutated before, with what is no JSON
        return text
    places = list(places_of({"": whole}))
    parent, key = chance.choice(places)
    deed = chance.random()
    if deed < 0.15 and key != "":
        del parent[key]
    elif deed < 0.25 and isinstance(parent, list):
        parent.append(parent[key])
    elif deed < 0.35 and isinstance(parent, dict) and key != "":
        parent[chance.choice(("extra", "truth", "loss", "dating", "notation", key + " "))] = (
            chance.choice(HOSTILE)
        )
    elif deed < 0.5:
        other, at = chance.choice(places)
        parent[key] = json.loads(json.dumps(other[at]))
    else:
        parent[key] = chance.choice(HOSTILE)
    top = places[0][0][""]  # which may itself have been exchanged
    return re_marked(json.dumps(top, separators=(",", ":")))


def places_of(parent):
    """Walk through every value of some JSON, as what holds it and under which key."""
    keys = list(parent) if isinstance(parent, dict) else range(len(parent))
    for key in keys:
        yield parent, key
        if isinstance(parent[key], dict | list):
            yield from places_of(parent[key])


def re_marked(text):
    """Write what JSON can spell and Python would not: numbers beyond its own, and NaN."""
    for mark in HOSTILE:
        if isinstance(mark, str) and mark.startswith("MARK "):
            text = text.replace(json.dumps(mark), mark.removeprefix("MARK "))
    return text


def with_number(body, chance):
    dtype = chance.choice((np.float64, np.float32))
    numbers = np.frombuffer(body[: len(body) // 8 * 8], dtype).copy()
    if numbers.size:
        with np.errstate(over="ignore", under="ignore"):
            numbers[chance.randrange(numbers.size)] = dtype(chance.choice(NUMBERS))
    return numbers.tobytes() + body[numbers.nbytes :]


# -- what comes of it --------------------------------------------------------------------------


def outcome(content):
    """Say "refused", "sound", or what is wrong."""
    from handgrad.errors import ModelFileError
    from handgrad.models.file import from_bytes

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "invalid value encountered in matmul", RuntimeWarning)
        try:
            model = from_bytes(content)
        except ModelFileError:
            return "refused"
        except Exception as error:
            return f"reading: {named(error)}"
        return unsound(model, content) or "sound"


def unsound(model, content):
    from handgrad.errors import HandgradError
    from handgrad.models.file import from_bytes, to_bytes

    try:
        again = to_bytes(model)
        if to_bytes(from_bytes(again)) != again:
            return "saved again it does not load equal"
        if changed := altered(content, again):
            return f"{changed} comes back altered"
        finite = all(np.isfinite(numbers).all() for numbers in predicted(model))
        return None if finite else "it predicts what is not finite"
    except HandgradError as error:
        return f"saving: {named(error)}" if "saved" in str(error) else None
    except Exception as error:
        return f"what loads: {named(error)}"


def altered(content, again):
    before, after = (json.loads(parts_of(one)[0]) for one in (content, again))
    for one in (before, after):  # texts are texts: long ones are kept as objects
        if one["classes"] and one["classes"]["dtype"] == "object":
            one["classes"]["dtype"] = "str"
    for key in before.keys() & after.keys() & {"classes", "temperature", "target", "architecture"}:
        if json.dumps(before[key], sort_keys=True) != json.dumps(after[key], sort_keys=True):
            return key
    return None


def predicted(model):
    """Predict rows as they come from a matrix, or as texts where the model is from a table."""
    rows = rows_for(model)
    if len(model.classes):
        model.predict(rows)
        return [model.predict_proba(rows)]
    return [model.predict_numbers(rows)]


def rows_for(model):
    from handgrad.tables.marks import csv_field

    names = model.encoder.names
    if all(column.kind == "number" for column in model.encoder.plan.columns):
        return np.random.default_rng(0).normal(size=(5, len(names)))
    fields = [csv_field(name) for name in names]
    cells = pa.array(["1.5", None, "2.5", "red", "1.5"][: 3 if len(names) < 9 else 5])
    return pa.table([cells] * len(names), schema=pa.schema(fields))


def named(error):
    return f"{type(error).__name__}: {str(error)[:150]}"
