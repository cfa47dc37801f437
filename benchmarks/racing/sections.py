"""A section of docs/performance.md: what was found, in sentences and tables, and as strict JSON.

``race.py --report`` pastes ``benchmarks/results/NAME.section.json`` into the page. This file is
also imported in the environments of the peers, where handgrad and rich are not: what needs them
is imported where it is used.
"""

import json
import math
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from racing import environments

RESULTS = Path(__file__).parents[1] / "results"


def agreement(values, tolerance):
    """Say "all N equal" where arrays agree with the first relative to its largest entry."""
    arrays = {name: np.asarray(value) for name, value in values.items()}
    first = next(iter(arrays.values()))
    apart = {n: float(np.abs(a - first).max() / np.abs(first).max()) for n, a in arrays.items()}
    differing = [f"{n} differs by {gap:.1g}" for n, gap in apart.items() if not gap <= tolerance]
    return ", ".join(differing) or f"all {len(arrays)} equal within {tolerance:g}"


def agreements(checks):
    """Sum up {data: what agreement said}."""
    said = {}
    for data, words in checks.items():
        said.setdefault(words, []).append(data)
    if len(said) == 1:
        return next(iter(said))
    return "; ".join(f"{', '.join(data)}: {words}" for words, data in said.items())


def verdict(ratios, ours="handgrad's compiled engine", better="faster", as_good="as fast"):
    """Say first where a peer wins, then the ties, then the rest; {peer: {what: times better}}."""
    from racing.families import TIE

    lost = in_words(ratios, lambda r: r < 1 / TIE, lambda r: f" ({number(1 / r)} times)")
    ties = in_words(ratios, lambda r: 1 / TIE <= r <= TIE, lambda r: "")
    won = {peer: [r for r in of.values() if r > TIE] for peer, of in ratios.items()}
    parts = [f"{better.capitalize()} than {ours}:", *lost]
    if not lost:
        parts = [f"None of the others is {better} than {ours}."]
    if ties:
        parts += ["", f"A tie, within a factor of {TIE}:", *ties]
    if any(won.values()):
        where = "In the other cases" if lost or ties else "Everywhere"
        parts += ["", f"{where}, {ours} is so many times {as_good}:"]
        parts += [f"- as {peer}: {span(r, ratios[peer])}" for peer, r in won.items() if r]
    text = "\n".join(parts)
    return text.replace(":\n-", ":\n\n-")


def in_words(ratios, is_meant, remark):
    """List the cases of each peer that are meant."""
    found = []
    for peer, of in ratios.items():
        cases = [f"{what}{remark(r)}" for what, r in of.items() if is_meant(r)]
        found += [f"- {peer}: {', '.join(cases)}"] if cases else []
    return found


def span(won, of):
    """Say from where to where a peer is behind, and in how many cases of how many."""
    least, most = number(min(won)), number(max(won))
    times = least if least == most else f"{least} to {most}"
    return f"{times} times ({len(won)} of {len(of)} case{'s' * (len(of) > 1)})"


def number(ratio):
    return f"{ratio:.1f}" if ratio < 9.95 else f"{ratio:,.0f}"


def publish(name, title, order, sentences, tables, data, libraries):
    """Print a section and write it to benchmarks/results; a quick trial is only printed.

    Parameters
    ----------
    sentences : str
        Markdown before the tables.
    tables : list of (header, rows)
        All cells are text; columns of numbers are set to the right.
    libraries : list of str
        Whose versions are noted, as environments.PINS names them.
    """
    print(f"\n{title}\n\n{sentences}\n")
    for header, rows in tables:
        show(header, rows)
    if "--quick" in sys.argv:
        return
    where = circumstances(name, libraries)
    parts = [sentences, *(pipes(*table) for table in tables), footnote(where)]
    section = {"title": title, "order": order, "markdown": "\n\n".join(parts)}
    section |= {"circumstances": where, "data": data}
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(strict(section), indent=1, ensure_ascii=False, allow_nan=False)
    (RESULTS / f"{name}.section.json").write_text(text + "\n", encoding="utf-8")


def circumstances(name, libraries):
    """Note machine, versions, date and command."""
    from racing import machine

    folder = any(not argument.startswith("--") for argument in sys.argv[1:])
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "command": f"python benchmarks/{name}.py" + (" FOLDER" if folder else ""),
        "machine": machine.machine(),
        "versions": machine.versions([n for n in libraries if environments.is_installed(n)]),
        "variables_removed": list(machine.REMOVED),
    }


def footnote(where):
    processor, cores = where["machine"]["processor"], where["machine"]["cores"]
    versions = {}
    for found in where["versions"].values():
        versions |= found
    listed = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    return (
        f"Written by `{where['command']}` on {where['date']}; {processor}, {cores} cores; {listed}."
    )


def show(header, rows):
    from rich.table import Table

    from racing.terminal import console

    table = Table()
    for head, is_number in zip(header, numeric(header, rows), strict=True):
        table.add_column(head, justify="right" if is_number else "left")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def pipes(header, rows):
    marks = ["---:" if is_number else "---" for is_number in numeric(header, rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, marks, *rows))


def numeric(header, rows):
    """Tell of each column whether numbers stand in it; the first names the rows."""
    return [
        place > 0 and any(row[place][:1].isdigit() for row in rows) for place in range(len(header))
    ]


def strict(value):
    """Copy what json would write, with None for what is not finite."""
    if isinstance(value, dict):
        return {str(key): strict(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [strict(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
