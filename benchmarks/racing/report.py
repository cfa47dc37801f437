"""docs/performance.md, written from the JSON files of ``benchmarks/results/`` and nothing else.

``race.json`` gives the figures of training steps. Every other measurement leaves a file
``NAME.section.json`` with a title, an order and its Markdown, which is taken in as it stands.
"""

import json
import os
from pathlib import Path
from typing import Any

from racing.families import FAMILIES, TIE, Cells, Race, best_of, multiples, number, ratios
from racing.workloads import OPTIMIZERS, TITLES

LEFT_TO_THE_REFERENCE = """## What the compiled engine leaves to the reference

With the same result, and a reason in `engine_reason_`:

- sparse rows;
- `solver="lbfgs"`, whose steps are SciPy's;
- Adam with an `epsilon` below the smallest normal number of the precision (1.2e-38 in float32);
- rows that are only looked at: the validation after each epoch.

Numbers below the normal range are rounded to zero while it runs. The result does not depend on
the number of threads: no sum is divided between them, and that costs nothing. Left to choose, a
step under about 12 MFLOP runs on one thread, and so does an epoch under 100 MFLOP."""


def write(folder: Path, page: Path) -> None:
    """Write the page from a folder of results."""
    race = json.loads((folder / "race.json").read_text())
    picture = os.path.relpath(folder / "race.png", page.parent)
    parts = [
        head(race, picture),
        who_wins(race),
        ratio_table(race),
        *sections(folder),
        LEFT_TO_THE_REFERENCE,
        full_tables(race),
        the_check(race),
        the_floor(race),
        circumstances(race),
    ]
    page.write_text("\n\n".join(part for part in parts if part) + "\n")


def sections(folder: Path) -> list[str]:
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.section.json"))]
    found.sort(key=lambda section: section["order"])
    return [f"## {section['title']}\n\n{section['markdown'].strip()}" for section in found]


def head(race: Race, picture: str) -> str:
    machine = race["machine"]
    return f"""# How fast it trains, and beside whom

This page is written by `{race["command"]}` from what it measured on {race["date"]},
on {machine["processor"]} with {machine["cores"]} cores. The last section says the rest.

A figure is the time of one update, shuffle and gather included, as an epoch of that library costs.
Each library runs in its best setting of threads and variants. The contenders take turns, and the
median of {race["rounds"]} rounds counts. A ratio between 1/{TIE} and {TIE} is called a tie.

![Microseconds a step of each library in each workload, log scale]({picture})"""


def who_wins(race: Race) -> str:
    """Name the workloads where a peer is faster first, then the ties, then the rest."""
    found = [
        (value, workload, optimizer, title)
        for title, cells in ratios(race).items()
        for (workload, optimizer), value in cells.items()
    ]
    lost = sorted(line for line in found if line[0] < 1 / TIE)
    tied = sorted(line for line in found if 1 / TIE <= line[0] <= TIE)
    lines = ["## Where another library is faster", ""]
    lines += [f"- {place(*line)}: {line[3]} is {1 / line[0]:.2f} times faster." for line in lost]
    if not lost:
        lines.append("In no workload of this race.")
    lines += ["", "## Ties", ""]
    lines += [
        f"- {place(*line)}: {line[3]} needs {line[0]:.2f} times handgrad's time." for line in tied
    ]
    if not tied:
        lines.append("None.")
    return "\n".join(lines)


def place(value: float, workload: str, optimizer: str, title: str) -> str:
    return f"{workload}, {TITLES[optimizer]}"


def ratio_table(race: Race) -> str:
    """Show how many times faster handgrad is, and how far from the floor."""
    rows = [("times faster than " + title, cells) for title, cells in ratios(race).items()]
    rows.append(("multiple of the floor", multiples(race)))
    names = " / ".join(TITLES[o] for o in raced(race))
    lines = [
        "## How many times faster",
        "",
        f"handgrad's best setting against the best of each library; {names}. Below 1 the other is "
        "faster.",
        "",
        *header(["", *race["workloads"]]),
    ]
    lines += [
        row([title, *(cell(cells, workload, race) for workload in race["workloads"])])
        for title, cells in rows
        if cells
    ]
    return "\n".join([*lines, "", *workload_list(race)])


def cell(cells: Cells, workload: str, race: Race) -> str:
    parts = [cells.get((workload, optimizer)) for optimizer in raced(race)]
    return " / ".join("–" if part is None else number(part) for part in parts)


def raced(race: Race) -> list[str]:
    return [o for o in OPTIMIZERS if any(f["optimizer"] == o for f in race["figures"])]


def workload_list(race: Race) -> list[str]:
    return [
        f"- {name}: {details['title']}; {'-'.join(map(str, details['layer_units']))}, "
        f"{details['rows']:,} rows, {details['steps_per_epoch']:,} steps an epoch."
        for name, details in race["workloads"].items()
    ]


def full_tables(race: Race) -> str:
    """Show every contender: median, spread and multiple of the floor."""
    parts = ["## Every contender"]
    parts.append(
        "Median microseconds a step, (least to most), multiple of the floor. A star marks the best "
        "setting of a library."
    )
    for optimizer in raced(race):
        parts.append(f"### {TITLES[optimizer]}")
        names = dict.fromkeys(f["contender"] for f in race["figures"])
        lines = header(["", *race["workloads"]])
        floors = [race["workloads"][w]["floor"].get("floor", {}) for w in race["workloads"]]
        lines.append(row(["floor", *(number(f[optimizer]) if f else "–" for f in floors)]))
        for name in names:
            cells = [figure_cell(race, w, optimizer, name) for w in race["workloads"]]
            lines.append(row([name, *cells]))
        parts.append("\n".join(lines))
    parts.append(remarks(race))
    return "\n\n".join(part for part in parts if part)


def figure_cell(race: Race, workload: str, optimizer: str, name: str) -> str:
    for figure in race["figures"]:
        if (figure["workload"], figure["optimizer"], figure["contender"]) != (
            workload, optimizer, name,
        ):  # fmt: skip
            continue
        if "median" not in figure:
            return "does not run"
        best = best_of(race, figure["library"], workload, optimizer)
        star = " \\*" if best and best["contender"] == name else ""
        spread = f"({number(figure['min'])} to {number(figure['max'])})"
        floor = race["workloads"][workload]["floor"].get("floor", {}).get(optimizer)
        multiple = f", {number(figure['median'] / floor)}×" if floor else ""
        return f"{number(figure['median'])}{star} {spread}{multiple}"
    return "–"


def remarks(race: Race) -> str:
    """List who did not run, differed or diverged, each once."""
    found: dict[str, list[str]] = {}
    for figure in race["figures"]:
        remark = figure["fault"] or figure.get("remark", "")
        if remark:
            where = f"{figure['workload']} {TITLES[figure['optimizer']]}"
            found.setdefault(f"{figure['contender']}: {remark}", []).append(where)
    return "\n".join(f"- {remark} ({', '.join(where)})" for remark, where in found.items())


def the_check(race: Race) -> str:
    """Say who computes the same as the reference."""
    checks = race["checks"]
    ran = [check for check in checks if check["ran"]]
    differing = [check for check in ran if check["fault"]]
    lines = [
        "## Do they compute the same?",
        "",
        "Before the timing, every contender says the loss of all rows at the agreed start, its "
        "parameters after one step of SGD, and after three steps of each optimiser. The judge is "
        "the NumPy reference in float64. A deviation is relative to the change that the steps "
        "make; scikit-learn and Keras add Adam's epsilon before v's bias is taken out; they are "
        "compared with that form.",
        "",
    ]
    if not differing:
        lines.append(f"All equal: {len(ran)} checks of contenders in their workloads.")
    lines += [f"- {c['contender']} differs in {c['workload']}: {c['fault']}." for c in differing]
    lines += ["", *header(["largest deviation", "float32", "float64"])]
    for what in ("loss", "gradient", *OPTIMIZERS):
        values = [largest(ran, dtype, what) for dtype in ("float32", "float64")]
        lines.append(row([TITLES.get(what, what), *values]))
    return "\n".join(lines)


def largest(checks: list[dict[str, Any]], dtype: str, what: str) -> str:
    values = [c["deviations"][dtype][what] for c in checks if dtype in c["deviations"]]
    return f"{max(values):.1e}" if values else "–"


def the_floor(race: Race) -> str:
    """Explain the floor, and show who sets each part of it."""
    lines = [
        "## The floor",
        "",
        "The matrix products that a step cannot do without, each at the best speed that any "
        "library reached at that shape on one core in this race: OpenBLAS, PyTorch's MKL, or "
        "handgrad's own kernels. To them come one pass over the batch and, for momentum and "
        "Adam, one fused pass over parameters, gradient and slots. SGD's update is in the "
        "product dW, which adds to W. "
        "W1, W2 and W7 are held against one core, the others against half of that: two cores, "
        "perfectly shared. Softmax, ReLU, bias, loss and shuffling are not in it.",
        "",
        *header(["", "cores", *(TITLES[o] for o in OPTIMIZERS), "parts on one core, µs"]),
    ]
    for name, details in race["workloads"].items():
        found = details["floor"]
        if found:
            values = [number(found["floor"][o]) for o in OPTIMIZERS]
            parts = ", ".join(
                f"{part} {number(d['microseconds'])} ({d['by']})"
                for part, d in found["parts"].items()
            )
            lines.append(row([name, str(found["cores"]), *values, parts]))
    missing = {
        library
        for d in race["workloads"].values()
        for library in d["floor"].get("not_measured", [])
    }
    if missing:
        lines += ["", f"Not measured in every workload: {', '.join(sorted(missing))}."]
    return "\n".join(lines)


def circumstances(race: Race) -> str:
    machine = race["machine"]
    versions = [
        f"- {FAMILIES.get(library, library)}: "
        + ", ".join(f"{name} {version}" for name, version in found.items())
        for library, found in race["versions"].items()
    ]
    removed = ", ".join(f"`{variable}`" for variable in race["variables_removed"])
    lines = [
        "## The machine and the versions",
        "",
        f"- Date: {race['date']}. Command: `{race['command']}`.",
        f"- {race['rounds']} rounds, of about {race['seconds']} s for each contender.",
        f"- Processor: {machine['processor']}, {machine['cores']} cores, "
        f"{machine['gigabytes']} GB of memory.",
        f"- Vector instructions: {', '.join(machine['vector_flags'])}.",
        f"- {machine['system']}, Python {machine['python']}.",
        f"- Removed from the environment of every contender, as on a user's machine: {removed}.",
    ]
    return "\n".join([*lines, *versions])


def header(cells: list[str]) -> list[str]:
    return [row(cells), "|" + "---|" * len(cells)]


def row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
