"""The tables of a race on the terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table

from racing.families import multiples, number, ratios
from racing.workloads import OPTIMIZERS, TITLES

console = Console(width=max(140, Console().width))


def say(text: str, style: str = "") -> None:
    console.print(text, style=style, highlight=False)


def show_check(checks: list[dict[str, Any]], workload: str) -> None:
    """Print "all equal" with the largest deviation, or who differs."""
    mine = [check for check in checks if check["workload"] == workload]
    equal = [check for check in mine if not check["fault"]]
    for dtype in ("float32", "float64"):
        found = [
            (value, f"{check['contender']}, {what}")
            for check in equal
            for what, value in check["deviations"].get(dtype, {}).items()
        ]
        if found:
            value, who = max(found)
            count = sum(dtype in check["deviations"] for check in equal)
            say(f"  {count} equal in {dtype}: the largest deviation is {value:.1e} ({who})")
    for check in mine:
        if check["fault"] and check["ran"]:
            say(f"  DIFFERS: {check['contender']}: {check['fault']}", "bold red")
        elif check["fault"]:
            say(f"  does not run: {check['contender']}: {check['fault']}", "yellow")
    if all(not check["fault"] or not check["ran"] for check in mine):
        say(f"  {workload}: all equal", "bold green")


def show_workload(race: dict[str, Any], workload: str, optimizer: str) -> None:
    """Print every contender of a workload, the fastest first."""
    details = race["workloads"][workload]
    table = Table(title=f"{workload} {details['title']}, {TITLES[optimizer]}", title_justify="left")
    table.add_column("contender")
    for head in ("µs/step", "min", "max", "x floor"):
        table.add_column(head, justify="right")
    table.add_column("remark", overflow="fold")
    floor = details["floor"].get("floor", {}).get(optimizer)
    figures = [
        f for f in race["figures"] if f["workload"] == workload and f["optimizer"] == optimizer
    ]
    for figure in sorted(figures, key=lambda f: f.get("median", float("inf"))):
        if "median" not in figure:
            table.add_row(figure["contender"], "-", "-", "-", "-", figure["fault"])
            continue
        times = [number(figure[name]) for name in ("median", "min", "max")]
        multiple = f"{figure['median'] / floor:.2f}" if floor else "-"
        table.add_row(figure["contender"], *times, multiple, figure.get("remark", ""))
    if floor:
        without = ", ".join(details["floor"]["not_measured"])
        remark = f"{details['floor']['cores']} core(s)" + (
            f", without {without}" if without else ""
        )
        table.add_row("floor", number(floor), "", "", "1", remark)
    console.print(table)


def show_ratios(race: dict[str, Any]) -> None:
    """Print how many times handgrad is faster than each family, at the best of each side."""
    workloads, rows = list(race["workloads"]), ratios(race)
    if not rows:
        return
    rows["multiple of the floor"] = multiples(race)
    table = Table(title="handgrad: times faster (SGD / momentum / Adam)", title_justify="left")
    table.add_column("than")
    for workload in workloads:
        table.add_column(workload, justify="right")
    for title, values in rows.items():
        cells = [
            " / ".join(number(values[w, o]) if (w, o) in values else "-" for o in OPTIMIZERS)
            for w in workloads
        ]
        table.add_row(title, *cells)
    console.print(table)
