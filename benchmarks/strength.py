"""Strength: how well the estimators predict tables that nobody has tuned them to.

    python benchmarks/strength.py FOLDER [--quick | --tables] [--only TABLE,...]
        [--contenders NAME,...]

Every estimator has its defaults; handgrad's tabular ones run at three efforts. The tables come
with scikit-learn, and from FOLDER and FOLDER/extra (``racing/open_tables.py``); those of labels
and those of numbers are two groups. CatBoost, and RealMLP-TD-S on tables of at most 8,000
training rows, run in environments of their own, which are made here; what cannot be installed
is left out. RealMLP-TD-S is set to stop by the log-loss, as its authors advise for that figure.

Figures are means over the seeds 0, 1 and 2, those of high effort, CatBoost and RealMLP of seed 0
alone: log-loss, accuracy and, for two classes, AUC; RMSE and R2 of numbers; the seconds of a fit,
and the processor's. "Better" counts the tables on which a figure is better than that of
HistGradientBoosting; "log ratio" is the mean of log(loss / its loss), RMSE being the loss of
numbers. Medium effort is also set against each other contender, on the tables that both ran.

``--quick`` is a trial of one seed and three tables, ``--only`` one of the tables named; neither
leaves a result, nor asks CatBoost and RealMLP unless ``--contenders`` names them. That measures
whose name holds one of its texts, and HistGradientBoosting; the kept figures of the others stay if
they are of the same day, machine and versions.
"""

import functools
import json
import warnings
from pathlib import Path

from racing import environments, machine, processes
from racing.crew import WorkerError
from racing.open_tables import CLASSIFICATION, sources
from racing.predictors import CONTENDERS, JUDGE, judged
from racing.results import RESULTS, run
from racing.standings import SCALES, draw, mean, tables

LIBRARIES = [environments.HERE, *filter(None, (one.library for one in CONTENDERS.values()))]
QUICK = ["wine", "vehicle", "diabetes"]
FIT_SECONDS = 1800  # after which a contender in a process of its own is given up
KEPT = Path(RESULTS, "strength.json")
PARTS = (
    ("only", "make a trial of these tables, keep no result"),
    ("contenders", "measure those whose names hold one of these texts"),
)


def measure(options):
    warnings.simplefilter("ignore")
    is_trial = bool(options.quick or options.only)
    chosen = chosen_of(options.contenders, is_trial)
    readers = sources(options.folder)
    quick = [name for name in QUICK if name in readers]
    names = quick if options.quick else options.only or list(readers)
    if unknown := set(names) - set(readers):
        raise SystemExit(f"no table {', '.join(unknown)}; there are {', '.join(readers)}")
    found = {} if is_trial else kept_of_others(chosen)
    with processes.contenders(__file__, peers(chosen)) as workers:
        for name in names:
            table = readers[name]()
            add(found, name, table, fits(chosen, workers, options, name, table))
    if not is_trial:
        draw(found[CLASSIFICATION], CLASSIFICATION, KEPT.with_suffix(".png"))
    return found


def chosen_of(parts, is_trial):
    """Name the contenders to measure, the judge always among them."""
    if unknown := [part for part in parts if not any(part in name for name in CONTENDERS)]:
        raise SystemExit(f"no contender {', '.join(unknown)}; there are {'; '.join(CONTENDERS)}")
    named = [name for name in CONTENDERS if any(part in name for part in parts)]
    here = [name for name, contender in CONTENDERS.items() if not contender.library]
    chosen = {JUDGE, *(named if parts else here if is_trial else CONTENDERS)}
    return [name for name in CONTENDERS if name in chosen]


def peers(chosen):
    """Install the libraries of those that run elsewhere: {contender: kind of its process}."""
    found = {name: CONTENDERS[name].library for name in chosen if CONTENDERS[name].library}
    for name, library in found.items():
        if reason := environments.install(library):
            print(f"{name} {reason}")
    return found


def fits(chosen, workers, options, table_name, table):
    """Fit each contender as often as it has seeds: {contender: the figures of each}."""
    found = {}
    for name in chosen:
        contender = CONTENDERS[name]
        if not contender.is_for(table) or (contender.library and name not in workers):
            continue
        fit = functools.partial(judged, name, table)
        if contender.library:
            fit = functools.partial(elsewhere, workers[name], name, options.folder, table_name)
        try:
            found[name] = [fit(seed) for seed in range(1 if options.quick else contender.n_seeds)]
        except WorkerError as error:
            print(f"{name} did not run {table_name}: {error}", flush=True)
    return found


def elsewhere(worker, name, folder, table_name, seed):
    task = {"name": name, "folder": str(folder.absolute()), "table": table_name, "seed": seed}
    return worker.ask("answer", FIT_SECONDS, task=task)


def answer(_, task):
    """Fit once, in the process of a peer."""
    return judged(task["name"], table_of(task["folder"], task["table"]), task["seed"])


@functools.lru_cache(maxsize=1)
def table_of(folder, name):
    return sources(Path(folder))[name]()


def add(found, name, table, figures):
    """Put the figures of a table beside those that are kept, and print its losses."""
    of = found.setdefault(table.group, {}).setdefault(name, {"figures": {}})
    of["rows"], of["columns"] = len(table.train), table.codes.shape[1]
    known = of["figures"] | figures
    of["figures"] = {n: known[n] for n in CONTENDERS if n in known}
    loss = SCALES[table.group].loss
    print(name, {n: float(f"{mean(runs, loss):.5g}") for n, runs in figures.items()}, flush=True)


def kept_of_others(chosen):
    """Read the kept figures of those not chosen, if measured under today's circumstances."""
    others = [name for name in CONTENDERS if name not in chosen]
    if not (others and KEPT.exists()):
        return {}
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    if differ(kept, machine.circumstances(LIBRARIES)):
        print("the kept figures are of another day, machine or version, and none of them stays")
        return {}
    for of in (of for group in kept["data"].values() for of in group.values()):
        of["figures"] = {name: of["figures"][name] for name in others if name in of["figures"]}
    return kept["data"]


def differ(kept, now):
    both = kept["versions"].keys() & now["versions"].keys()
    pairs = [(kept[what], now[what]) for what in ("date", "machine")]
    pairs += [(kept["versions"][library], now["versions"][library]) for library in both]
    return any(before != after for before, after in pairs)


if __name__ == "__main__":
    if processes.is_worker():
        processes.serve(answer)
    else:
        run(measure, tables, LIBRARIES, has_folder=True, parts=PARTS)
