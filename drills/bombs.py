"""Small files that ask for much: the answer is quick, and memory stays near the file's size.

At most 2 x file + 16 MB above what the process holds before, or 10 x file + 16 MB where the header
is as long as that of a table of very many columns, whose names become Python's texts; an answer
within a second for a file below 10 MB. A file of many bytes that holds nothing (a hole) counts as
its first megabyte.
"""

import json
import time
from pathlib import Path

import house
from signing import parts_of, signed

COUNT = 1000
SPARE = 16.0  # MB
USUAL_HEADER = 1 << 20  # bytes; longer are those of very wide tables
SMALL = 10e6  # bytes, below which the answer must come within a second


def drill(tally, folder):
    from handgrad.models.file import to_bytes

    good = folder / "good.safetensors"
    good.write_bytes(to_bytes(house.classifier().model_))
    bombs = [*MODEL_FILES.items(), *LABELS.items()]
    tally.count = min(tally.count, len(bombs))
    worst = {"memory": 0.0, "seconds": 0.0}

    def strike(number):
        name, make = bombs[number]
        bomb = folder / f"bomb{number}"
        size = make(bomb, good.read_bytes())
        code, seen = house.child(
            "bombs.load" if name in MODEL_FILES else "bombs.fit", str(bomb), str(good)
        )
        times = 10 if USUAL_HEADER < header_bytes(bomb) < size else 2
        bomb.unlink()
        if code:
            tally.fails(f"{name}: the process ended with {code}: {seen}")
        else:
            judge(tally, name, size, times, seen, worst)

    house.at_once(house.cores(), strike, tally.strikes())
    return (
        f"{tally.struck} of {len(bombs)} hostile files: at worst {worst['memory']:.0%} of "
        f"the memory allowed, {worst['seconds']:.2f} s below 10 MB"
    )


def header_bytes(path):
    with open(path, "rb") as file:
        return int.from_bytes(file.read(8), "little")


def judge(tally, name, size, times, seen, worst):
    told = f"{name}, {size / 1e6:.1f} MB: {seen['megabytes']:,.0f} MB, {seen['seconds']:.2f} s"
    allowed = times * size / 1e6 + SPARE
    worst["memory"] = max(worst["memory"], seen["megabytes"] / allowed)
    quick = name not in MODEL_FILES or size >= SMALL or seen["seconds"] <= 1
    if name in MODEL_FILES and size < SMALL:
        worst["seconds"] = max(worst["seconds"], seen["seconds"])
    well = seen["answer"].startswith(("taken", "ModelFileError", "DataError"))
    tally.expect(
        seen["megabytes"] <= allowed and quick and well,
        f"{told}, where {allowed:,.0f} MB are allowed; {seen['answer']}",
    )


# -- in a process of its own -------------------------------------------------------------------


def load(bomb, good):
    from handgrad.models.file import load_model

    load_model(good)  # what the reader itself needs is there before
    return measured(load_model, bomb)


def fit(bomb, good):
    """Fit on a table with long labels, after one like it with short ones."""
    short = Path(bomb).with_name("short.csv")
    lines = Path(bomb).read_text().splitlines()
    short.write_text("\n".join(line[:12] for line in lines) + "\n")
    fit_table(short)
    return measured(fit_table, bomb)


def fit_table(path):
    import warnings

    from handgrad import MLPClassifier, read_table
    from handgrad.tables.columns import labels

    table = read_table(path)
    y, _ = labels(table, "y")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPClassifier((2,), max_iter=1, engine="numpy")
        model.fit(table.drop_columns(["y"]), y).predict(table.drop_columns(["y"]))


def measured(work, path):
    """Do it once; seconds are those of the processor, for others use the machine, too."""
    before, started = house.peak_megabytes(), time.process_time()
    try:
        work(path)
        answer = "taken"
    except (ValueError, OSError, MemoryError, RecursionError) as error:
        answer = f"{type(error).__name__}: {str(error).rpartition('/')[2][:100]}"
    seconds = time.process_time() - started
    return {"megabytes": house.peak_megabytes() - before, "seconds": seconds, "answer": answer}


# -- the bombs: each writes a file, and tells for how many bytes it counts ---------------------


def written(path, content):
    path.write_bytes(content)
    return len(content)


def header_of(unit, megabytes):
    def write(path, good):
        text = b'{"a":[' + unit * int(megabytes * 1e6 / len(unit)) + b"0]}"
        return written(path, len(text).to_bytes(8, "little") + text)

    return write


def many_keys(n):
    def write(path, good):
        text = ("{" + ",".join(f'"{key}":1' for key in range(n)) + "}").encode()
        return written(path, len(text).to_bytes(8, "little") + text)

    return write


def many_tensors(n):
    def write(path, good):
        entry = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
        entries = "{" + ",".join(f'"{name}":{entry}' for name in range(n)) + "}"
        return written(path, signed(parts_of(good)[0], entries, b""))

    return write


def described_by(change):
    """Give the good model another description, signed."""

    def write(path, good):
        text, entries, body = parts_of(good)
        description = json.loads(text)
        change(description)
        return written(path, signed(json.dumps(description), entries, body))

    return write


def long_label(description):
    values = ["x" * 5_000_000, *map(str, range(200))]
    description["classes"] = {"dtype": "str", "values": values}


def many_labels(description):
    description["classes"] = {"dtype": "str", "values": [str(n) for n in range(1_000_000)]}


def huge_layer(description):
    description["architecture"]["layer_units"] = [4, 10**9, 3]


def long_name(description):
    description["encoder"]["names"][0] = "n" * 9_000_000


def many_columns(description):
    description["encoder"]["names"] = [f"c{n}" for n in range(500_000)]


def deep(path, good):
    text = b"[" * 4_000_000
    return written(path, len(text).to_bytes(8, "little") + b"{" + text[1:])


def hole(size, header=64):
    def write(path, good):
        with open(path, "wb") as file:
            file.write(header.to_bytes(8, "little") + b"{" + b" " * 63)
            file.truncate(size)
        return 1_000_000

    return write


def hole_behind_a_model(path, good):
    with open(path, "wb") as file:
        file.write(good)
        file.truncate(100 << 30)
    return 1_000_000


MODEL_FILES = {
    "9 MB header of []": header_of(b"[],", 9),
    "9 MB header of {}": header_of(b"{},", 9),
    "9 MB header of numbers": header_of(b"0,", 9),
    "90 MB header of []": header_of(b"[],", 90),
    "10 MB header of 700,000 keys": many_keys(700_000),
    "150,000 empty tensors": many_tensors(150_000),
    "1,000,000 empty tensors": many_tensors(1_000_000),
    "a label of 5 MB beside 200": described_by(long_label),
    "1,000,000 labels": described_by(many_labels),
    "a layer of 10^9 units": described_by(huge_layer),
    "a column's name of 9 MB": described_by(long_name),
    "500,000 columns": described_by(many_columns),
    "4 MB of [": deep,
    "a hole of 3 GB": hole(3 << 30),
    "a hole of 100 GB": hole(100 << 30),
    "a hole of 100 GB, header of 90 MB": hole(100 << 30, 90_000_000),
    "a model, then a hole of 100 GB": hole_behind_a_model,
}


def one_long_label(rows, length):
    def write(path, good):
        lines = [f"{n % 17},{'ab'[n % 2]}" for n in range(rows)]
        lines[1] = f"1,{'L' * length}"
        return written(path, ("x,y\n" + "\n".join(lines) + "\n").encode())

    return write


LABELS = {"a table with one label of 120 KB in 3,000 rows": one_long_label(3000, 120_000)}
