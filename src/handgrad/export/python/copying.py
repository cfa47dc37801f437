"""Copies functions out of handgrad's own source, with all of it that they need.

So a written file computes by the very lines that the library computes by.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

PACKAGE = "handgrad"
OPENINGS = ("def", "class", "@")


class Source(NamedTuple):
    """One file, by the names that stand at its top."""

    defined: dict[str, str]  # name -> its lines
    uses: dict[str, list[str]]  # name -> the names that occur in these lines
    at_once: dict[str, list[str]]  # name -> those that must be there when these lines are run
    ours: dict[str, tuple[str, str]]  # imported name -> module of handgrad, and its name there
    others: dict[str, str]  # imported name -> the line that imports it from elsewhere


class Copied(NamedTuple):
    """The lines to put into a file."""

    imports: list[str]
    definitions: str


def copied(functions: Iterable[Any], *, more: Iterable[str] = ()) -> Copied:
    """Copy functions and classes of handgrad, and all that they refer to.

    Parameters
    ----------
    functions : iterable of functions or classes
        They stand at the top of their modules.
    more : iterable of str
        Further lines of imports.
    """
    copying = _Copying(more)
    copying.later = [(one.__module__, one.__name__) for one in functions]
    for module, name in copying.later:  # which grows on the way
        copying.take(module, name)
    return Copied(_joined(copying.imports), copying.written())


def _joined(imports: Iterable[str]) -> list[str]:
    """Put what comes from one module into one line."""
    plain = sorted(line for line in imports if line.startswith("import"))
    of: dict[str, list[str]] = {}
    for line in imports:
        if line.startswith("from"):
            module, _, name = line.removeprefix("from ").partition(" import ")
            of.setdefault(module, []).append(name)
    return plain + [
        f"from {module} import {', '.join(sorted(of[module]))}" for module in sorted(of)
    ]


class _Copying:
    """What is copied so far, each definition behind those that it needs."""

    def __init__(self, imports: Iterable[str]) -> None:
        self.imports = dict.fromkeys(imports)
        self.found: dict[tuple[str, str], None] = {}
        self.done: list[tuple[str, str]] = []
        self.later: list[tuple[str, str]] = []

    def take(self, module: str, name: str) -> None:
        source = _source(module)
        if name in source.ours:
            self.take(*source.ours[name])
        elif name in source.others:
            self.imports[source.others[name]] = None
        elif name in source.defined and (module, name) not in self.found:
            self.found[module, name] = None
            for used in source.at_once[name]:
                self.take(module, used)
            self.done.append((module, name))
            self.later += [(module, used) for used in source.uses[name]]

    def written(self) -> str:
        """Give the definitions; of two with the same name, the later one is renamed."""
        owners: dict[str, str] = {}
        for module, name in self.done:
            owners.setdefault(name, module)
        lines = dict.fromkeys(self._renamed(module, name, owners) for module, name in self.done)
        written, was_long = "", False
        for one in lines:
            is_long = one.startswith(OPENINGS)
            written += ("\n\n" if is_long or was_long else "") + one + "\n"
            was_long = is_long
        return written

    def _renamed(self, module: str, name: str, owners: dict[str, str]) -> str:
        source = _source(module)
        lines = source.defined[name]
        for used in (name, *source.uses[name]):
            owner = owners.get(used, module)
            if used in source.defined and source.defined[used] != _source(owner).defined[used]:
                new = f"{used}_of_{module.rpartition('.')[2]}"
                lines = re.sub(rf"(?<![\w.]){used}\b", new, lines)
        return lines


@cache
def _source(module: str) -> Source:
    path = Path(str(import_module(module).__file__))
    text = path.read_text(encoding="utf-8")
    source = Source({}, {}, {}, {}, {})
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            _note_import(node, module, source)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            _note(node.name, node, text, source)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for part in ast.walk(target):
                    if isinstance(part, ast.Name):
                        _note(part.id, node, text, source)
    return source


def _note(name: str, node: Any, text: str, source: Source) -> None:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(one.lineno for one in decorators)])
    source.defined[name] = "\n".join(text.splitlines()[first - 1 : node.end_lineno])
    source.uses[name] = _names(node, name)
    source.at_once[name] = [used for part in _run_first(node) for used in _names(part, name)]


def _names(node: ast.AST, but: str) -> list[str]:
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return sorted(names - {but})


def _run_first(node: Any) -> list[Any]:
    """List the parts of a definition that run with it: annotations and bodies run later."""
    if isinstance(node, ast.FunctionDef):
        defaults = [one for one in node.args.kw_defaults if one is not None]
        return [*node.decorator_list, *node.args.defaults, *defaults]
    if isinstance(node, ast.ClassDef):
        return [
            *node.decorator_list,
            *node.bases,
            *(p for one in node.body for p in _run_first(one)),
        ]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return [node.value] if node.value is not None else []
    return []


def _note_import(node: ast.Import | ast.ImportFrom, module: str, source: Source) -> None:
    for alias in node.names:
        name = alias.asname or alias.name
        as_name = f" as {alias.asname}" if alias.asname else ""
        if isinstance(node, ast.ImportFrom):
            origin = str(node.module)
            if origin.partition(".")[0] == PACKAGE:
                source.ours[name] = (origin, alias.name)
                continue
            source.others[name] = f"from {origin} import {alias.name}{as_name}"
        else:
            source.others[name.partition(".")[0]] = f"import {alias.name}{as_name}"
