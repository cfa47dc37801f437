"""100,001 columns, beside what pandas needs to read them: thrice to read, five times to encode."""

import time
import warnings
from pathlib import Path

import house

COUNT = 3  # rounds, of which the quickest counts
COLUMNS, ROWS = 100_001, 5
MOST = {"read": 3.0, "encoded": 5.0}  # times


def drill(tally, folder):
    path = folder / "wide.csv"
    path.write_text(
        ",".join(f"c{number}" for number in range(COLUMNS))
        + "\n"
        + "".join(
            ",".join(f"{row + number % 7}.5" for number in range(COLUMNS)) + "\n"
            for row in range(ROWS)
        )
    )
    seconds = {"read": [], "encoded": [], "theirs": []}
    for _ in tally.strikes():
        for name, taken in seconds.items():
            code, seen = house.child(f"columns.{name}", str(path), seconds=300)
            if code:
                tally.fails(f"{name}: exit code {code}, {seen}")
                return "ended early"
            taken.append(seen)
    theirs = min(seconds["theirs"])
    times = {name: min(seconds[name]) / theirs for name in MOST}
    for name, most in MOST.items():
        tally.expect(times[name] <= most, f"{name}: {times[name]:.1f} times pandas.read_csv")
    return (
        f"{COLUMNS:,} columns read in {times['read']:.1f} times, read and encoded in "
        f"{times['encoded']:.1f} times the {theirs:.1f} s of pandas.read_csv"
    )


def read(path):
    from handgrad import read_table

    return seconds_of(read_table, path)


def encoded(path):
    from handgrad import read_table
    from handgrad.tables.fitting import fit_table
    from handgrad.tables.recognition.planning import plan_of

    def work(path):
        table = read_table(path)
        fit_table(table, plan_of(table)).transform(table, "float32")

    return seconds_of(work, path)


def theirs(path):
    import pandas

    return seconds_of(pandas.read_csv, path)


def seconds_of(work, path):
    """Measure the processor's seconds, for others use the machine, too."""
    warnings.simplefilter("ignore")
    small = Path(path).with_name("small.csv")
    small.write_text("a,b\n1,2\n2,1\n")
    work(str(small))  # what is imported at first use is there before
    started = time.process_time()
    work(path)
    return time.process_time() - started
