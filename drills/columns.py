"""100,001 columns: read, understood and encoded in three times what pandas needs to read them."""

import time
import warnings
from pathlib import Path

import house

COUNT = 3  # rounds, of which the quickest counts
COLUMNS, ROWS = 100_001, 5
MOST = 3.0


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
    ours, theirs = [], []
    for _ in tally.strikes():
        for name, seconds in (("ours", ours), ("theirs", theirs)):
            code, seen = house.child(f"columns.{name}", str(path))
            if code:
                tally.fails(f"{name}: exit code {code}, {seen}")
                return "ended early"
            seconds.append(seen)
    ratio = min(ours) / min(theirs)
    tally.expect(ratio <= MOST, f"{ratio:.1f} times pandas.read_csv, where {MOST:.0f} are allowed")
    return (
        f"{COLUMNS:,} columns read and encoded in {min(ours):.1f} s, {ratio:.1f} times "
        f"pandas.read_csv ({min(theirs):.1f} s)"
    )


def ours(path):
    from handgrad import read_table
    from handgrad.tables.encode import Encoder

    def work(path):
        table = read_table(path)
        Encoder.fit(table).transform(table, "float32")

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
