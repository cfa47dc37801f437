"""predict and evaluate go through a long table in bounded memory.

What a process holds at most for a CSV file of so many MB, less what it holds for three rows, is
at most 300 MB; every row has its line in the output. The count is the size in MB: 500 is the
table of the promise.
"""

import subprocess
import sys
from pathlib import Path

import house
import numpy as np

COUNT = 100  # MB of table
MOST = 300.0  # MB of memory


def drill(tally, folder):
    model, three, long = folder / "model.safetensors", folder / "three.csv", folder / "long.csv"
    rows = write_tables(three, long, tally.count)
    settings = ["--target", "y", "--epochs", "2", "--hidden", "16", "--model", str(model)]
    small = folder / "small.csv"
    small.write_bytes(b"".join(long.open("rb").readlines(200_000)))
    house.run([*house.HANDGRAD, "fit", str(small), *settings])
    grown = {}
    for name, further in WAYS.items():
        command, *options = further
        _, least, _ = peak(command, model, three, options, folder)
        code, most, lines = peak(command, model, long, options, folder)
        grown[name] = most - least
        tally.expect(code == 0, f"{name}: exit code {code}")
        tally.expect(
            grown[name] <= MOST, f"{name}: {grown[name]:,.0f} MB where {MOST:,.0f} are allowed"
        )
        whole = command != "predict" or lines == rows + 1
        tally.expect(whole, f"{name}: {lines:,} lines for {rows:,} rows")
    told = ", ".join(f"{name} {megabytes:,.0f} MB" for name, megabytes in grown.items())
    size = long.stat().st_size / 1e6
    return f"{size:,.0f} MB, {rows:,} rows: {told} above a table of three rows"


WAYS = {
    "predict": ("predict",),
    "predict --proba": ("predict", "--proba"),
    "predict -o": ("predict", "-o"),
    "evaluate": ("evaluate",),
}


def write_tables(three, long, megabytes):
    """Write rows of ten numbers, a text and a class, until the file is that long."""
    rng = np.random.default_rng(0)
    header = ",".join([*(f"x{number}" for number in range(10)), "town", "y"]) + "\n"
    lines = []
    for number in range(2000):
        cells = [f"{cell:.3f}" for cell in rng.normal(size=10)]
        cells += [("Oslo", "Rome", "Lima")[number % 3], "ab"[float(cells[0]) > 0]]
        lines.append(",".join(cells) + "\n")
    three.write_text(header + "".join(lines[:3]))
    block = "".join(lines)
    blocks = max(1, round(megabytes * 1e6 / len(block)))
    with long.open("w") as file:
        file.write(header)
        for _ in range(blocks):
            file.write(block)
    return blocks * len(lines)


def peak(command, model, table, options, folder):
    """Run a command; give its exit code, its peak in MB, and how many whole lines came."""
    report, written = folder / "report", folder / "written.csv"
    report.unlink(missing_ok=True)
    options = [
        part
        for option in options
        for part in ([option, str(written)] if option == "-o" else [option])
    ]
    arguments = [command, str(model), str(table), *options]
    process = house.child_command("memory.command", str(report), arguments)
    with house.started(process, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        lines = sum(line.endswith(b"\n") for line in running.stdout)
        code = running.wait()
    if written.exists():
        with written.open("rb") as file:
            lines = sum(line.endswith(b"\n") for line in file)
        written.unlink()
    return code, float(report.read_text()) if report.exists() else 0.0, lines


def command(report, arguments):
    """Be ``handgrad`` in this process, and report its peak of memory."""
    from handgrad.cli import run

    try:
        run(arguments)
    finally:
        Path(report).write_text(str(house.peak_megabytes()))
        sys.stdout.flush()
