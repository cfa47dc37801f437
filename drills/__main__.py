"""Strike where it hurts, and count what does not hold.

    make drills                                  every drill, some ten minutes
    python drills                                the same
    python drills kills damage                   these two
    python drills exits --count 1200 --seconds 3600

Each drill prints one line: its name, what was done how often, how many failures. What failed is
told on stderr. The exit code is 1 if anything did. A drill ends after its count or its seconds,
whichever comes first; it writes into a temporary folder of its own alone, and ends no process
but those that it started. They need Linux. docs/promises.md says what each of them shows.
"""

import argparse
import importlib
import resource
import sys
import tempfile
import traceback
from pathlib import Path

import house

DRILLS = {
    "exits": "the documented exit codes, whatever way a table comes in",
    "kills": "saves that are killed",
    "survival": "fits that are killed, and go on",
    "workers": "jobs of several workers, one of which is killed",
    "failing_disk": "saves on a disk that fails at each call in turn",
    "damage": "damaged model files, with and without a checksum that fits",
    "bombs": "small files that ask for much memory or time",
    "threads": "predictions while others predict and refit; interrupts",
    "read_only": "training on from memory that may not be written to",
    "half_open": "the page while 1,000 connections are held open",
    "memory": "the memory of predict and evaluate on a long table",
    "gradients": "gradients of random networks against complex steps",
    "columns": "100,001 columns, beside pandas",
    "travel": "models in other forms, on many rows with extremes",
}


def main():
    arguments = parsed()
    failed = [name for name in arguments.names or DRILLS if not passes(name, arguments)]
    sys.exit(1 if failed else 0)


def parsed():
    listed = "\n".join(f"  {name:13} {what}" for name, what in DRILLS.items())
    parser = argparse.ArgumentParser(
        prog="python drills",
        description=__doc__.split("\n")[0],
        epilog=f"drills:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="DRILL", help="Which; all by default.")
    parser.add_argument("--count", type=int, help="Strike so often at most.")
    parser.add_argument("--seconds", type=float, default=60, help="Begin no strike later.")
    arguments = parser.parse_args()
    arguments.names = [name.replace("-", "_") for name in arguments.names]
    if unknown := [name for name in arguments.names if name not in DRILLS]:
        parser.error(f"there is no drill {', '.join(unknown)}; there are {', '.join(DRILLS)}")
    return arguments


def passes(name, arguments):
    """Run one drill and print its line."""
    module = importlib.import_module(name)
    tally = house.Tally(arguments.count or module.COUNT, arguments.seconds)
    counted = "ended early"
    with tempfile.TemporaryDirectory(prefix="handgrad-drill-") as folder:
        try:
            counted = module.drill(tally, Path(folder))
        except Exception:  # what nobody thought of is a failure of this drill, not of the next
            traceback.print_exc()
            tally.fails("the drill itself ended with the error above")
    print(f"{name.replace('_', '-')} | {counted} | {len(tally.failures):,}", flush=True)
    for what in tally.told():
        print(f"    {what}", file=sys.stderr, flush=True)
    return not tally.failures


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.argv[1:2] == ["--child"]:
        house.be_child(*sys.argv[2:])
    else:
        main()
