"""The benchmarks' tables come from their JSON, and so do the figures in sentences about speed."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from handgrad.engines.compiled.backend import FLOPS_A_CALL, FLOPS_A_THREAD

ROOT = Path(__file__).parent.parent
BENCHMARKS = ROOT / "benchmarks"
KEPT = sorted((BENCHMARKS / "results").glob("*.json"))
PAGE = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
OPTIMIZERS = {"sgd": "SGD", "momentum": "momentum 0.9", "adam": "Adam"}
CLEARLY = 1 / 1.15  # a ratio below is no tie


@pytest.fixture(autouse=True)
def beside_the_programs(monkeypatch):
    """Let programs find ``racing``, as they do when Python runs them."""
    monkeypatch.syspath_prepend(BENCHMARKS)


def program(name):
    if name == "guard":
        pytest.importorskip("numba")
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def kept(name):
    return json.loads((BENCHMARKS / "results" / f"{name}.json").read_text(encoding="utf-8"))


def times(name):
    """Give {peer: {case: times better handgrad is}} of one program."""
    if name != "race":
        return kept(name)["data"]["ratios"]
    return importlib.import_module("racing.families").ratios(kept("race"))


def said(ratio):
    """Write a ratio as sentences do: 0.97, 1.5, 13."""
    return f"{ratio:.2f}" if ratio < 1 else f"{ratio:.1f}" if ratio < 9.95 else f"{ratio:.0f}"


def span(of):
    return f"{said(min(of.values()))} to {said(max(of.values()))}"


def lead(name, peer, case=None):
    """Say how many times better a peer is, at its best or in one case."""
    of = times(name)[peer]
    return said(1 / (of[case] if case else min(of.values())))


# -- tables ---------------------------------------------------------------------------------------


def test_every_program_that_keeps_figures_has_kept_some():
    programs = {path.stem: path.read_text() for path in BENCHMARKS.glob("*.py")}
    keeping = {name for name, text in programs.items() if re.search(r"run\(measure|keep\(", text)}
    assert keeping == {path.stem for path in KEPT}


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_the_kept_tables_are_those_of_the_kept_json(path):
    module, figures = program(path.stem), kept(path.stem)
    made = module.report.tables(figures) if path.stem == "race" else module.tables(figures["data"])
    page_of = sys.modules["racing.results"].page_of
    assert path.with_suffix(".md").read_text(encoding="utf-8") == page_of(path, figures, made)


def test_every_table_of_the_page_is_one_of_the_kept_ones():
    results = (BENCHMARKS / "results").glob("*.md")
    known = {part for path in results for part in path.read_text(encoding="utf-8").split("\n\n")}
    tables = [part for part in PAGE.split("\n\n") if part.startswith("|")]
    assert len(tables) == 6
    assert set(tables) <= known


def test_the_tables_of_workers_are_the_kept_ones():
    page = (BENCHMARKS.parent / "docs" / "scale.md").read_text(encoding="utf-8")
    kept_page = (BENCHMARKS / "results" / "scale.md").read_text(encoding="utf-8")
    tables = [part for part in kept_page.split("\n\n") if part.startswith("|")]
    assert all(table.strip() in page for table in tables[:3])  # the last has the circumstances


# -- sentences ------------------------------------------------------------------------------------


def fragments():
    """Give every part of a sentence on the page that holds a figure, the figures computed anew."""
    race, update, users = kept("race"), times("race"), times("as_a_user")["scikit-learn"]
    machine, rows = race["machine"], times("prediction")["scikit-learn"]
    fits = {
        precision: span({c: r for c, r in users.items() if c[:3] == "fit" and precision in c})
        for precision in ("float32", "float64")
    }
    frames = span({case: ratio for case, ratio in rows.items() if "frame" in case})
    first = said(times("footprint")["scikit-learn"]["the first fit of digits"])
    share = max(of["share"] for of in kept("guard")["data"].values())
    return [
        f"takes scikit-learn {span(update.pop('scikit-learn'))} times as long",
        *(f"{peer} {span(of)} times" for peer, of in update.items()),
        f"fit is {fits['float32']} times as fast in float32 and {fits['float64']} times in float64",
        f"digits in a fresh process {first} times",
        f"prediction {span({c: r for c, r in users.items() if c[:7] == 'predict'})} times",
        f"frame of one row {frames} times",
        f"half a million rows {said(rows['many rows of 10-128-10'])} times",
        f"reached {span(times('time_to_quality')['scikit-learn'])} times",
        f"PyTorch predicts up to {lead('prediction', 'PyTorch')} times",
        f"JAX up to {lead('prediction', 'JAX')} times",
        f"thousands of columns up to {lead('wide', 'scikit-learn')} times",
        f"first fit takes {lead('footprint', 'scikit-learn', 'the first fit')} times",
        f"installation {lead('footprint', 'scikit-learn', 'disk')} times the disk",
        f"import takes {lead('footprint', 'JAX', 'the import')} times",
        f"On {machine['cores']} cores of an {machine['processor']}, on {race['date']}",
        f"median of {race['rounds']} rounds",
        f"({np.finfo(np.float32).tiny:.1e} in float32)",
        f"step under {2 * FLOPS_A_THREAD / 1e6:.0f} MFLOP",
        f"epoch under {FLOPS_A_CALL / 1e6:.0f} MFLOP",
        f"rows: {span(times('growth')['scikit-learn'])} times",
        f"at most {100 * share:.2f} % of an epoch",
    ]  # fmt: skip


def test_every_figure_in_a_sentence_of_the_page_comes_from_the_kept_json():
    lines = [line for line in PAGE.splitlines() if not line.startswith("|")]
    prose = " ".join(" ".join(lines).split())
    for fragment in fragments():
        assert fragment in prose
        prose = prose.replace(fragment, "")
    assert re.findall(r"(?<![\w.])\d\S*", prose) == []


def test_the_page_names_every_library_that_is_clearly_better_somewhere():
    better = {
        (path.stem, peer)
        for path in KEPT
        if path.stem not in ("distil", "guard", "strength", "scale", "travel")
        for peer, of in times(path.stem).items()
        if min(of.values()) < CLEARLY
    }
    assert better == {
        ("footprint", "JAX"),
        ("footprint", "scikit-learn"),
        ("prediction", "JAX"),
        ("prediction", "PyTorch"),
        ("wide", "scikit-learn"),
    }
    assert all(min(of.values()) > 1 for of in times("race").values())


def test_the_readme_quotes_the_race():
    text, update = (ROOT / "README.md").read_text(encoding="utf-8"), times("race")
    assert f"{span(update['scikit-learn'])} times as fast as scikit-learn's" in text
    assert f"{span(update['PyTorch'])} times as fast as PyTorch's" in text
    assert f"{span(update['JAX'])} times as fast as JAX's" in text


def strength():
    """Give what tells who predicts better, who is ours, and the groups that were measured."""
    standings = importlib.import_module("racing.standings")
    return standings, importlib.import_module("racing.predictors"), kept("strength")["data"]


def fragments_of_strength(kind, group):
    """Give the parts of sentences of docs/strength.md that hold figures of one group of tables."""
    standings, predictors, _ = strength()
    ours, judge, loss = predictors.OURS, predictors.JUDGE, standings.SCALES[kind].loss
    known = standings.names_of(group)
    losses = standings.pairs(group, loss, ours)
    lost = losses.keys() - standings.better(group, kind, loss, ours)

    def of(name, what=loss):
        return standings.count(group, kind, what, name)

    def times_of(name, other):
        one, two = standings.seconds(group, "wall", name, other)
        return said(one / two)

    yield f"{loss} is lower on {len(lost)} of {len(losses)}"
    for table in lost:
        a, b = (standings.text(value, loss) for value in losses[table])
        yield f"`{table}` ({b}; ours {a})"
    yield f"the lower {loss} on {of(ours)} tables"
    yield f"its fits take {times_of(ours, judge)} times as long as the trees'"
    for effort in ("fast", "high"):
        if (name := f"handgrad, {effort}") in known:
            took = times_of(name, judge)
            yield f'`effort="{effort}"` it has the lower {loss} on {of(name)}, in {took} times'
    (one,) = (name for name in known if name.startswith("handgrad.MLP"))
    yield f"one network, has it on {of(one)}"
    for name in known:
        if predictors.CONTENDERS[name].library:
            duel = standings.count(group, kind, loss, ours, name)
            yield f"a lower {loss} on {duel}"
            yield f"{name} takes {times_of(name, ours)} times as long"
    if kind == "classification":
        accuracy = of(ours, "accuracy")
        won, n = map(int, accuracy.split(" of "))
        yield f"the higher accuracy on {accuracy}"
        yield f"accuracy is as high or higher on {n - won} of {n}"
        yield f"{len(group)} public tables of labels"
    else:
        yield f"and {len(group)} of numbers"


def facts_of_strength(data):
    """Give the parts of sentences that hold figures which are no measurements."""
    most = importlib.import_module("racing.open_tables").MOST_TRAINING
    yield f"at most {most['classification']:,} training rows"
    if "regression" in data:
        yield f"({most['regression']:,} where numbers are predicted)"
    if any("RealMLP-TD-S" in of["figures"] for group in data.values() for of in group.values()):
        rows = strength()[1].CONTENDERS["RealMLP-TD-S"].most_rows
        yield f"tables of at most {rows:,} training rows"


def test_every_figure_on_the_page_of_strength_comes_from_the_kept_json():
    standings, predictors, data = strength()
    page = (ROOT / "docs" / "strength.md").read_text(encoding="utf-8")
    made = (BENCHMARKS / "results" / "strength.md").read_text(encoding="utf-8").split("\n\n")
    assert {part for part in page.split("\n\n") if part.startswith("|")} <= set(made)
    prose = " ".join(" ".join(x for x in page.splitlines() if not x.startswith("|")).split())
    worse = {
        name
        for kind, group in data.items()
        for name in standings.names_of(group)
        if not predictors.CONTENDERS[name].library
        if standings.ratio(group, kind, name) > 0
    }
    told = re.findall(r"the trees are better than ((?:`[^`]+`(?: and )?)+)", prose)
    assert worse == set(re.findall(r"`([^`]+)`", " ".join(told)))
    found = [one for kind, group in data.items() for one in fragments_of_strength(kind, group)]
    found += facts_of_strength(data)
    assert [fragment for fragment in found if fragment not in prose] == []
    for fragment in found:
        prose = prose.replace(fragment, "")
    assert re.findall(r"(?<![\w.])\d\S*", prose) == []


def test_the_readme_quotes_the_strength():
    standings, predictors, data = strength()
    count = standings.count(data["classification"], "classification", "log-loss", predictors.OURS)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"on {count} public tables" in readme


# -- distilling -----------------------------------------------------------------------------------


def distilled():
    """Give the log-losses of docs/distilling.md: {(few or all, teacher): {table: {who: loss}}}."""
    program, figures = importlib.import_module("distil"), kept("distil")["data"]
    found = {}
    for name, n, teacher, by in program.cases(figures):
        losses = {who: program.mean(runs, "log_loss") for who, runs in by.items()}
        found.setdefault((int(n) == program.FEW, teacher), {})[name] = losses
    return program, figures, found


def fragments_of_distilling():
    program, figures, found = distilled()
    teacher, labels, same, every = program.TEACHER, program.LABELS, program.SAME, program.EVERY
    ours, trees = program.Handgrad.name, program.Hist.name

    def lower(few, by, one, other):
        of = found[few, by].values()
        return f"{sum(losses[one] < losses[other] for losses in of)} of {len(of)}"

    def of(few, by, table, who):
        return f"{found[few, by][table][who]:.4f}"

    few_of_ours = figures["adult"][str(program.FEW)][ours]
    kilobytes = [program.mean(few_of_ours[who], "bytes") / 1e3 for who in (same, teacher)]
    given = [losses for by in (ours, trees) for losses in found[True, by].values()]
    worse = sum(losses[program.GIVEN] > losses[every] for losses in given)
    (units,) = (o.default for o in program.OPTIONS if o.name == "hidden")
    first, *others, last = (of["classes"] for of in figures.values())
    return [
        f"on {['no', 'one', 'two', 'three'][len(figures)]} public tables",
        f"with {first}, {', '.join(map(str, others))} and {last} classes",
        f"{program.FEW:,} of the training rows",
        f"one network of {units} units",
        f"means over {program.SEEDS} seeds",
        f"With {program.FEW:,} labels",
        f"one of the labels on {lower(True, ours, every, labels)} tables",
        f"on adult {of(True, ours, 'adult', every)} beside {of(True, ours, 'adult', teacher)}",
        f"a file of {kilobytes[0]:.0f} kB beside {kilobytes[1]:,.0f} kB",
        f"a gain on {lower(True, trees, every, labels)} tables",
        f"than they have on {lower(True, trees, every, teacher)}",
        f"a log-loss of {of(True, trees, 'adult', teacher)}",
        f"the {program.FEW:,} labels has {of(True, trees, 'adult', labels)}",
        f"of all rows has {of(True, trees, 'adult', every)}",
        f"lower on {lower(False, ours, same, labels)} tables with our teacher",
        f"on {lower(False, trees, same, labels)} with the trees",
        f"with both, {of(False, ours, 'diamonds_cut', same)} and "
        f"{of(False, trees, 'diamonds_cut', same)} beside "
        f"{of(False, ours, 'diamonds_cut', labels)}",
        f"stays far behind: {of(False, ours, 'letter', same)} beside its teacher's "
        f"{of(False, ours, 'letter', teacher)}",
        f"worse than these on {worse} of {len(given)}",
        f"on adult {of(True, ours, 'adult', program.GIVEN)}",
    ]


def test_every_figure_on_the_page_of_distilling_comes_from_the_kept_json():
    page = (ROOT / "docs" / "distilling.md").read_text(encoding="utf-8")
    made = (BENCHMARKS / "results" / "distil.md").read_text(encoding="utf-8").split("\n\n")
    shown = [part for part in page.split("\n\n") if part.startswith("|")]
    assert len(shown) == 2
    assert set(shown) <= set(made)
    measured = page[page.index("## What it brings, measured") :]
    prose = " ".join(" ".join(x for x in measured.splitlines() if not x.startswith("|")).split())
    found = fragments_of_distilling()
    assert [fragment for fragment in found if fragment not in prose] == []
    for fragment in found:
        prose = prose.replace(fragment, "")
    assert re.findall(r"(?<![\w.])\d\S*", prose) == []


# -- what the programs share ----------------------------------------------------------------------


def test_contenders_that_differ_are_refused_by_name():
    must_agree = importlib.import_module("racing.results").must_agree
    must_agree({"ours": [1.0, 2.0], "theirs": [1.0, 2.001]}, 1e-3)
    with pytest.raises(RuntimeError, match=r"more than 0\.001: theirs by 0\.5"):
        must_agree({"ours": [1.0, 2.0], "theirs": [2.0, 2.0]}, 1e-3)
    with pytest.raises(RuntimeError, match="theirs by nan"):
        must_agree({"ours": [1.0], "theirs": [float("nan")]}, 1e-3)


def test_contenders_take_turns():
    measuring, asked = importlib.import_module("racing.measuring"), []
    answers = measuring.in_turns("ab", 2, lambda name, turn: asked.append((name, turn)) or turn)
    assert asked == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    assert measuring.medians(answers) == {"a": 0.5, "b": 0.5}


def group_of_two():
    """Give a group in which CatBoost ran one of two tables, and was better there."""
    ours, judge = {"RMSE": 2.0, "wall": 3.0}, {"RMSE": 4.0, "wall": 1.0}
    figures = {"handgrad, medium": [ours], "HistGradientBoosting": [judge]}
    both = {"a": figures, "b": {**figures, "CatBoost": [{"RMSE": 1.0, "wall": 9.0}]}}
    return {table: {"rows": 10, "figures": of} for table, of in both.items()}


def test_who_ran_some_tables_is_compared_on_those_alone():
    standings, group = importlib.import_module("racing.standings"), group_of_two()
    assert standings.count(group, "regression", "RMSE", "CatBoost") == "1 of 1"
    assert standings.count(group, "regression", "RMSE", "handgrad, medium") == "2 of 2"
    assert standings.seconds(group, "wall", "handgrad, medium", "CatBoost") == [3, 9]
    assert standings.ratio(group, "regression", "CatBoost") == pytest.approx(np.log(1 / 4))
    assert standings.whole(group, "wall", "handgrad, medium") == 6
    assert standings.whole(group, "wall", "CatBoost") is None


def test_kept_figures_of_another_day_or_version_are_not_mixed_with_new_ones():
    differ = program("strength").differ
    kept = {"date": "today", "machine": {"cores": 2}, "versions": {"here": {"numpy": "2.4.6"}}}
    assert not differ(kept, {**kept, "versions": {**kept["versions"], "catboost": {}}})
    assert differ(kept, {**kept, "date": "tomorrow"})
    assert differ(kept, {**kept, "versions": {"here": {"numpy": "2.5.0"}}})
