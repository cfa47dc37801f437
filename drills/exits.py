"""Every way in, good and refused tables, under load: the exit code is always the documented one."""

import gzip
import subprocess

import house
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

COUNT = 1200
REFUSED = house.TABLE + "7.5,red\n"  # a row that lacks a cell
COMMANDS = ("predict", "predict", "evaluate", "fit")


def drill(tally, folder):
    model, _ = house.table_model(folder)
    ways = {(way, good): write(way, good, folder) for way in WRITERS for good in (True, False)}
    seen = dict.fromkeys(WRITERS, 0)

    def strike(number):
        (way, good), path = list(ways.items())[number % len(ways)]
        name = COMMANDS[number // len(ways) % len(COMMANDS)]
        command = command_of(name, model, path, way, folder / f"{number}.safetensors")
        with path.open("rb") as given:
            done = house.run(command, stdin=given if way == "stdin" else subprocess.DEVNULL)
        seen[way] += 1
        wanted = 0 if good else 3
        if done.returncode != wanted or b"Traceback" in done.stderr:
            words = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            tally.fails(
                f"{name} of a {'good' if good else 'refused'} table as {way}: exit code "
                f"{done.returncode} where {wanted} is documented; {words}"
            )

    with house.load(house.cores()):
        house.at_once(house.cores() + 1, strike, tally.strikes())
    runs = ", ".join(f"{way} {count}" for way, count in seen.items())
    return f"{tally.struck:,} runs of predict, evaluate and fit under load ({runs})"


def command_of(name, model, path, way, made):
    table = "-" if way == "stdin" else path
    if name == "fit":
        return [*house.HANDGRAD, *house.fit_arguments(table, made)]
    return [*house.HANDGRAD, name, str(model), str(table)]


# -- the tables --------------------------------------------------------------------------------


def write(way, good, folder):
    text = house.TABLE if good else REFUSED
    path = folder / f"{'good' if good else 'refused'}-{way}"
    WRITERS[way](text.encode(), path)
    return path


def write_plain(text, path):
    path.write_bytes(text)


def write_gzip(text, path):
    path.write_bytes(gzip.compress(text))


def write_parquet(text, path):
    table = pyarrow.csv.read_csv(pa.py_buffer(house.TABLE.encode()))
    pyarrow.parquet.write_table(table, path)
    if text != house.TABLE.encode():
        path.write_bytes(path.read_bytes()[:-40])  # cut off, for it has no rows that lack a cell


WRITERS = {"CSV": write_plain, "gzip": write_gzip, "Parquet": write_parquet, "stdin": write_plain}
