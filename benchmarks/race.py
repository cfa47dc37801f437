"""The race: handgrad's training step beside those of the libraries people use.

    python benchmarks/race.py [--rounds 5] [--seconds 0.25] [--workloads W1,W2]
        [--optimizers sgd,momentum,adam] [--contenders torch,handgrad-compiled]
        [--out FOLDER] [--no-install] [--report]

It makes an environment for each library, checks that all contenders compute the same loss, the
same gradient and the same updates, then times them interleaved, and writes ``race.json``,
``race.png`` and, with the default folder, ``docs/performance.md``. A contender's name, or any
beginning of it, chooses it. ``--report`` writes picture and page again from the JSON that is there.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from racing import environments, floor, machine, picture, report, terminal
from racing.check import Judge, check, judge_of, load, write
from racing.crew import FLOORS, REMOVED, ROSTER, Crew, Entry, WorkerError
from racing.timing import race as race_one
from racing.workloads import OPTIMIZERS, WORKLOADS, Workload, data

RESULTS = environments.REPOSITORY / "benchmarks" / "results"
PAGE = environments.REPOSITORY / "docs" / "performance.md"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.25, help="a timing takes about this")
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--optimizers", default=",".join(OPTIMIZERS))
    parser.add_argument("--contenders", default="", help="names or their beginnings; all if empty")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--no-install", action="store_true", help="race what is installed")
    parser.add_argument("--report", action="store_true", help="only write picture and page")
    return parser.parse_args()


def chosen(contenders: str) -> list[Entry]:
    beginnings = tuple(contenders.split(","))
    return [entry for entry in ROSTER if entry.name.startswith(beginnings)]


def make_environments(libraries: list[str], install: bool) -> dict[str, str]:
    """Install what is missing; return why each absent library is absent."""
    absent = {}
    for library in libraries:
        if install:
            terminal.say(f"environment of {library}: {', '.join(environments.packages(library))}")
            reason = environments.install(library)
        else:
            reason = "" if environments.is_installed(library) else "is not installed"
        if reason:
            terminal.say(f"  {library} {reason}", "yellow")
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
    return found


def load_floors(crew: Crew, workload: Workload, folder: Path) -> None:
    for entry in FLOORS:
        try:
            load(crew.worker(entry), folder, "all", workload, "float32")
        except WorkerError as error:
            terminal.say(f"  {entry.name} {error}", "yellow")


def run_workload(crew: Crew, workload: Workload, options: Any, race: dict[str, Any]) -> None:
    """Check, then time one workload with each optimiser."""
    terminal.say(
        f"\n{workload.name}: {workload.title}; the check, against NumPy in float64", "bold"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        judge = judge_of(workload, *data(workload))
        write(folder, judge)
        checks = check_all(crew, judge, folder)
        load_floors(crew, workload, folder)
    race["checks"] += checks
    terminal.show_check(checks, workload.name)
    faults = {check["contender"]: check["fault"] for check in checks if check["fault"]}
    ran = {check["contender"] for check in checks if check["ran"]}
    starters = [entry for entry in crew.members(workload.name) if entry.name in ran]
    times: floor.Times = {}
    figures: list[dict[str, Any]] = []
    for optimizer in options.optimizers.split(","):
        figures += race_one(
            crew, starters, workload, optimizer, options.rounds, options.seconds, times
        )
        figures += absentees(crew, workload, optimizer, ran, faults)
    for figure in figures:
        if "median" in figure and figure["contender"] in faults:
            figure["remark"] = "differs in the check"
    race["figures"] += figures
    race["workloads"][workload.name] = described(workload, floor.floor_of(workload, times))
    for optimizer in options.optimizers.split(","):
        terminal.show_workload(race, workload.name, optimizer)


def absentees(crew, workload, optimizer, ran, faults) -> list[dict[str, Any]]:
    """Show who did not start, and why."""
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


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Run the whole race; return what race.json holds."""
    entries = chosen(options.contenders)
    libraries = list(dict.fromkeys(entry.library for entry in (*entries, *FLOORS)))
    absent = make_environments(libraries, not options.no_install)
    race = machine.circumstances([library for library in libraries if library not in absent])
    race |= {"rounds": options.rounds, "seconds": options.seconds, "absent": absent}
    race |= {"workloads": {}, "checks": [], "figures": []}
    terminal.say(f"removed from the environment of every contender: {', '.join(REMOVED)}")
    started = time.monotonic()
    with Crew(entries, absent) as crew:
        for name in options.workloads.split(","):
            run_workload(crew, WORKLOADS[name], options, race)
            options.out.mkdir(parents=True, exist_ok=True)
            (options.out / "race.json").write_text(json.dumps(race, indent=1) + "\n")
            terminal.say(f"{(time.monotonic() - started) / 60:.1f} minutes", "dim")
    return race


def main() -> None:
    options = arguments()
    if not options.report:
        terminal.show_ratios(run(options))
    page = PAGE if options.out.resolve() == RESULTS else options.out / "performance.md"
    picture.draw(options.out)
    report.write(options.out, page)
    terminal.say(f"written: {options.out / 'race.json'}, race.png, {page}")


if __name__ == "__main__":
    main()
