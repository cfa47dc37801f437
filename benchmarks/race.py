"""The race: handgrad's training step beside those of the libraries people use.

    python benchmarks/race.py [--rounds 5] [--seconds 0.25] [--workloads W1,W2]
        [--optimizers sgd,momentum,adam] [--contenders torch,handgrad-compiled]
        [--out FOLDER] [--no-install]
    python benchmarks/race.py --tables

It makes an environment for each library, checks that all contenders compute the same loss, the
same gradient and the same updates, then times them interleaved, and writes ``race.json``,
``race.png`` and ``race.md``. A contender's name, or any beginning of it, chooses it. ``--tables``
writes picture and tables again from the JSON that is there.
"""

import argparse
import json
import tempfile
import time
from itertools import chain
from pathlib import Path
from typing import Any

from racing import environments, floor, machine, picture, report, results
from racing.check import Judge, check, judge_of, load, write
from racing.crew import FLOORS, REMOVED, ROSTER, Crew, Entry, WorkerError
from racing.timing import race as race_one
from racing.workloads import OPTIMIZERS, WORKLOADS, Workload, data


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.25, help="the seconds of one timing")
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--optimizers", default=",".join(OPTIMIZERS))
    parser.add_argument("--contenders", default="", help="names or their beginnings; all if empty")
    parser.add_argument("--out", type=Path, default=results.RESULTS)
    parser.add_argument("--no-install", action="store_true", help="race what is installed")
    parser.add_argument("--tables", action="store_true", help="only write picture and tables again")
    return parser.parse_args()


def say(text: str) -> None:
    print(text, flush=True)


def chosen(contenders: str) -> list[Entry]:
    beginnings = tuple(contenders.split(","))
    return [entry for entry in ROSTER if entry.name.startswith(beginnings)]


def make_environments(libraries: list[str], install: bool) -> dict[str, str]:
    """Install what is missing; return why each absent library is absent."""
    absent = {}
    for library in libraries:
        if install:
            say(f"environment of {library}: {', '.join(environments.packages(library))}")
            reason = environments.install(library)
        else:
            reason = "" if environments.is_installed(library) else "is not installed"
        if reason:
            say(f"  {library} {reason}")
            absent[library] = reason
    return absent


def check_all(crew: Crew, judge: Judge, folder: Path) -> list[dict[str, Any]]:
    """Check the contenders of a workload, and leave its rows loaded in those that ran."""
    workload, found = judge.workload, []
    for entry in crew.members(workload.name):
        line = {"workload": workload.name, "contender": entry.name, "ran": True}
        try:
            line |= check(crew.worker(entry), judge, folder)
            load(crew.worker(entry), folder, "all", workload, "float32")
        except WorkerError as error:
            line |= {"ran": False, "deviations": {}, "fault": str(error)}
        found.append(line)
        if line["fault"]:
            say(f"  {entry.name} {'differs' if line['ran'] else 'does not run'}: {line['fault']}")
    return found


def load_floors(crew: Crew, workload: Workload, folder: Path) -> None:
    for entry in chain.from_iterable(floor.processes(workload)):
        try:
            load(crew.worker(entry), folder, "all", workload, "float32")
        except WorkerError as error:
            say(f"  {entry.name} {error}")


def run_workload(crew: Crew, workload: Workload, options: Any, race: dict[str, Any]) -> None:
    """Check, then time one workload with each optimiser."""
    say(f"\n{workload.name}: {workload.title}; the check, against NumPy in float64")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        judge = judge_of(workload, *data(workload))
        write(folder, judge)
        checks = check_all(crew, judge, folder)
        load_floors(crew, workload, folder)
    race["checks"] += checks
    results.show([report.largest(checks)])
    faults = {check["contender"]: check["fault"] for check in checks if check["fault"]}
    ran = {check["contender"] for check in checks if check["ran"]}
    starters = [entry for entry in crew.members(workload.name) if entry.name in ran]
    alone: floor.Times = {}
    together: floor.Times = {}
    figures: list[dict[str, Any]] = []
    for optimizer in options.optimizers.split(","):
        figures += race_one(
            crew, starters, workload, optimizer, options.rounds, options.seconds, alone, together
        )
        figures += absentees(crew, workload, optimizer, ran, faults)
    for figure in figures:
        if "median" in figure and figure["contender"] in faults:
            figure["remark"] = "differs in the check"
    race["figures"] += figures
    found = floor.floor_of(workload, alone, together)
    race["workloads"][workload.name] = described(workload, found)
    results.show(
        report.fastest_first(race, workload.name, o) for o in options.optimizers.split(",")
    )


def absentees(crew, workload, optimizer, ran, faults) -> list[dict[str, Any]]:
    """Name the contenders that did not start, and the reason of each."""
    return [
        {
            "workload": workload.name, "optimizer": optimizer, "contender": entry.name,
            "library": entry.library, "variant": entry.variant, "threads": entry.threads,
            "fault": faults[entry.name],
        }
        for entry in crew.members(workload.name)
        if entry.name not in ran
    ]  # fmt: skip


def described(workload: Workload, found: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": workload.title,
        "layer_units": workload.layer_units,
        "rows": workload.n,
        "batch_size": workload.batch_size,
        "steps_per_epoch": workload.steps,
        "rates": dict(zip(OPTIMIZERS, workload.rates, strict=True)),
        "floor": found,
    }


def run(options: argparse.Namespace) -> None:
    """Run the whole race; race.json holds what has been found, after every workload."""
    entries = chosen(options.contenders)
    libraries = list(dict.fromkeys(entry.library for entry in (*entries, *FLOORS)))
    absent = make_environments(libraries, not options.no_install)
    race = machine.circumstances([library for library in libraries if library not in absent])
    race |= {"rounds": options.rounds, "seconds": options.seconds, "absent": absent}
    race |= {"workloads": {}, "checks": [], "figures": []}
    say(f"removed from the environment of every contender: {', '.join(REMOVED)}")
    started = time.monotonic()
    with Crew(entries, absent) as crew:
        for name in options.workloads.split(","):
            run_workload(crew, WORKLOADS[name], options, race)
            results.keep(options.out / "race.json", race, report.tables(race))
            say(f"{(time.monotonic() - started) / 60:.1f} minutes")


def main() -> None:
    options = arguments()
    path = options.out / "race.json"
    if not options.tables:
        run(options)
    race = json.loads(path.read_text(encoding="utf-8"))
    picture.draw(options.out)
    results.keep(path, race, report.tables(race))
    results.show([report.ratio_table(race)])
    say(f"written: {path}, race.png, race.md")


if __name__ == "__main__":
    main()
