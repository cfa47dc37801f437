"""The results of a program, in ``benchmarks/results``: NAME.json, strict, and tables in NAME.md.

Sentences are left to docs/performance.md. This file is also imported in the environments of the
peers, where rich is not: it is imported where it is used.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np

from racing import machine

RESULTS = Path(__file__).parents[1] / "results"


def must_agree(values, tolerance):
    """Compare the first of ``{name: array}`` with the others, relative to its largest entry.

    Raises
    ------
    RuntimeError
        If one differs by more than the tolerance.
    """
    arrays = {name: np.asarray(value) for name, value in values.items()}
    first = next(iter(arrays.values()))
    apart = {n: float(np.abs(a - first).max() / np.abs(first).max()) for n, a in arrays.items()}
    differing = [f"{n} by {gap:.1g}" for n, gap in apart.items() if not gap <= tolerance]
    if differing:
        raise RuntimeError(f"these differ by more than {tolerance:g}: {', '.join(differing)}")


def run(measure, tables, libraries, has_folder=False, parts=()):
    """Run a program: measure and keep the results, or write the kept tables again.

    Parameters
    ----------
    measure : callable
        Takes the options ``quick`` and ``folder``; returns the data of NAME.json.
    tables : callable
        Takes these data as JSON holds them; returns a list of (header, rows) of text.
    libraries : list of str
        Whose versions are noted, as environments.PINS names them.
    has_folder : bool
        Whether the program needs a folder of data sets.
    parts : iterable of (name, help)
        Options of this program that take names: lists that are empty where one is not given.
        With ``--only`` no result is kept.
    """
    path = RESULTS / f"{Path(sys.argv[0]).stem}.json"
    options = _options(has_folder, parts)
    if options.tables:
        kept = json.loads(path.read_text(encoding="utf-8"))
    else:
        data = strict(measure(options))  # first: it may install what the circumstances list
        kept = {**machine.circumstances(libraries), "data": data}
    show(tables(kept["data"]))
    if not (options.quick or getattr(options, "only", None)):
        keep(path, kept, tables(kept["data"]))


def _options(has_folder, parts):
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="make a short trial, keep no result")
    parser.add_argument("--tables", action="store_true", help="only write the tables again")
    if has_folder:
        parser.add_argument("folder", nargs="?", type=Path, help="the folder of the data sets")
    for name, text in parts:
        parser.add_argument(f"--{name}", default=[], type=_names, metavar="NAME,...", help=text)
    options = parser.parse_args()
    if has_folder and not (options.folder or options.tables):
        parser.error("name the folder of the data sets")
    return options


def _names(text):
    return [name.strip() for name in text.split(",")]


def keep(path, kept, tables):
    """Write the JSON, and the tables beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(strict(kept), indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(page_of(path, kept, tables), encoding="utf-8")


def page_of(path, kept, tables):
    """Lay out NAME.md: the picture, where the program draws one, the tables, the circumstances."""
    parts = [f"# The tables of {path.name}"]
    if path.with_suffix(".png").exists():
        parts.append(f"![{path.stem}]({path.stem}.png)")
    parts += [pipes(*table) for table in (*tables, circumstances(kept))]
    return "\n\n".join(parts) + "\n"


def circumstances(kept):
    facts = {"command": f"`{kept['command']}`", "date": kept["date"]}
    facts |= {name: kept[name] for name in ("rounds", "seconds") if name in kept}
    facts |= kept["machine"] | {"vector_flags": ", ".join(kept["machine"]["vector_flags"])}
    facts["removed variables"] = ", ".join(f"`{name}`" for name in kept["variables_removed"])
    for library, found in kept["versions"].items():
        facts[f"environment {library}"] = ", ".join(f"{n} {v}" for n, v in found.items())
    return ["circumstances", ""], [[n.replace("_", " "), str(fact)] for n, fact in facts.items()]


def compared(ratios, title):
    """Make the table of ``{peer: {case: times better}}``: a row for each case."""
    cases = dict.fromkeys(case for of in ratios.values() for case in of)
    rows = [[case, *(number(of.get(case)) for of in ratios.values())] for case in cases]
    return [title, *ratios], rows


def number(value):
    """Write three digits that matter: 0.58, 5.80, 58.0, 580, 5,800; "–" for None."""
    if value is None:
        return "–"
    if value >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def show(tables):
    """Print tables on the terminal."""
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(width=max(140, Console().width))
    for table in tables:
        console.print(Markdown(pipes(*table)))


def pipes(header, rows):
    """Write a table in Markdown, its columns of numbers set to the right."""
    marks = ["---:" if is_number else "---" for is_number in numeric(header, rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, marks, *rows))


def numeric(header, rows):
    """Tell of each column whether most of its cells are numbers; the first names the rows."""
    counts = [sum(row[place][:1].isdigit() for row in rows) for place in range(len(header))]
    return [place > 0 and 2 * count > len(rows) for place, count in enumerate(counts)]


def strict(value):
    """Copy a value as JSON holds it, with None for what is not finite."""
    if isinstance(value, dict):
        return {str(key): strict(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [strict(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
