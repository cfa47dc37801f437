"""The tables of race.md, made of race.json: a table is its header and its rows, all of text."""

from typing import Any

from racing.families import FAMILIES, Race, best_of, multiples, ratios
from racing.results import number
from racing.workloads import OPTIMIZERS, TITLES

Table = tuple[list[str], list[list[str]]]


def tables(race: Race) -> list[Table]:
    every = [every_contender(race, optimizer) for optimizer in raced(race)]
    return [
        ratio_table(race),
        nets(race),
        *every,
        *remarks(race),
        largest(race["checks"]),
        floors(race),
    ]


def raced(race: Race) -> list[str]:
    return [o for o in OPTIMIZERS if any(f["optimizer"] == o for f in race["figures"])]


def ratio_table(race: Race) -> Table:
    """Show how many times faster handgrad is, at each side's best, and how far from the floor."""
    rows = ratios(race) | {"multiple of the floor": multiples(race)}
    title = f"times faster than ({' / '.join(TITLES[o] for o in raced(race))})"
    return [title, *race["workloads"]], [
        [
            name,
            *(" / ".join(number(of.get((w, o))) for o in raced(race)) for w in race["workloads"]),
        ]
        for name, of in rows.items()
    ]


def nets(race: Race) -> Table:
    return ["", "workload", "units", "rows", "steps an epoch"], [
        [
            name, of["title"], "-".join(map(str, of["layer_units"])),
            f"{of['rows']:,}", f"{of['steps_per_epoch']:,}",
        ]
        for name, of in race["workloads"].items()
    ]  # fmt: skip


def every_contender(race: Race, optimizer: str) -> Table:
    """Show medians, spreads and multiples of the floor; a star marks a library's best setting."""
    names = dict.fromkeys(f["contender"] for f in race["figures"])
    figures = {
        (f["workload"], f["contender"]): f for f in race["figures"] if f["optimizer"] == optimizer
    }
    workloads = list(race["workloads"])
    return [f"{TITLES[optimizer]}: µs a step", *workloads], [
        ["floor", *(number(floor(race, w, optimizer)) for w in workloads)],
        *([name, *(cell(race, figures.get((w, name))) for w in workloads)] for name in names),
    ]


def floor(race: Race, workload: str, optimizer: str) -> float | None:
    return race["workloads"][workload]["floor"].get("floor", {}).get(optimizer)


def cell(race: Race, figure: dict[str, Any] | None) -> str:
    if figure is None:
        return "–"
    if "median" not in figure:
        return "does not run"
    best = best_of(race, figure["library"], figure["workload"], figure["optimizer"])
    star = " \\*" if best and best["contender"] == figure["contender"] else ""
    least = floor(race, figure["workload"], figure["optimizer"])
    multiple = f", {number(figure['median'] / least)}×" if least else ""
    spread = f"({number(figure['min'])} to {number(figure['max'])})"
    return f"{number(figure['median'])}{star} {spread}{multiple}"


def remarks(race: Race) -> list[Table]:
    """List the contenders that did not run, differed or diverged, if there are any."""
    found: dict[tuple[str, str], list[str]] = {}
    for figure in race["figures"]:
        remark = figure["fault"] or figure.get("remark", "")
        if remark:
            where = f"{figure['workload']} {TITLES[figure['optimizer']]}"
            found.setdefault((figure["contender"], remark), []).append(where)
    rows = [[*key, ", ".join(where)] for key, where in found.items()]
    return [(["contender", "remark", "where"], rows)] if rows else []


def largest(checks: list[dict[str, Any]]) -> Table:
    """Show the largest deviations from the reference among the contenders that ran."""
    found = [check["deviations"] for check in checks if check["ran"]]
    rows = [
        [
            TITLES.get(what, what),
            *(
                f"{max((of[dtype][what] for of in found if dtype in of), default=0):.1e}"
                for dtype in ("float32", "float64")
            ),
        ]
        for what in ("loss", "gradient", *OPTIMIZERS)
    ]
    return [f"largest deviation in {len(found)} checks", "float32", "float64"], rows


def floors(race: Race) -> Table:
    """Show the floors, what the same parts take on one core, and the library that sets each."""
    one_core = "on one core (SGD / momentum 0.9 / Adam)"
    header = ["floor, µs", "cores", *(TITLES[o] for o in OPTIMIZERS), one_core]
    header.append("parts on one core, µs")
    rows = [
        [
            name, str(of["floor"]["cores"]), *(number(floor(race, name, o)) for o in OPTIMIZERS),
            " / ".join(number(of["floor"]["one_core"][o]) for o in OPTIMIZERS),
            ", ".join(
                f"{part} {number(d['microseconds'])} ({d['by']})"
                for part, d in of["floor"]["parts"].items()
            ),
            ", ".join(of["floor"]["not_measured"]),
        ]
        for name, of in race["workloads"].items()
        if of["floor"]
    ]  # fmt: skip
    return [*header, "not measured"], rows


def fastest_first(race: Race, workload: str, optimizer: str) -> Table:
    """Show one workload while the race goes on."""
    figures = [
        f for f in race["figures"] if (f["workload"], f["optimizer"]) == (workload, optimizer)
    ]
    figures.sort(key=lambda f: f.get("median", float("inf")))
    rows = [
        [f["contender"], FAMILIES[f["library"]], cell(race, f), f["fault"] or f.get("remark", "")]
        for f in figures
    ]
    return [f"{workload}, {TITLES[optimizer]}", "library", "µs a step", "remark"], rows
