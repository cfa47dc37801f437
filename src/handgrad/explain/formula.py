r"""A formula, written once: as text for a terminal, as MathML for a page.

The small language is TeX's, as far as our equations need it: names (digits at the end of a
name are its index, so W1 is W with a 1 below), numbers, signs, ``_`` and ``^`` with a name, a
number or a group, ``{`` and ``}``, ``\frac``, and the words below with a backslash:

    text(r"L = -\frac{1}{n} \sum_i \log y_{i t}")        'L = -(1 / n) ∑_i log y_it'

In the text, blanks are kept as written; a page sets its own.
"""

import re
from collections.abc import Iterator
from html import escape
from typing import NamedTuple

WORDS = {
    "sum": "∑",
    "cdot": "·",
    "odot": "⊙",
    "le": "≤",
    "ge": "≥",
    "gets": "←",
    "partial": "∂",
    "Phi": "Φ",
    "varphi": "φ",
    "alpha": "α",
    "beta": "β",
    "lambda": "λ",
    "delta": "δ",
    "theta": "θ",
    "tau": "τ",
}
FUNCTIONS = {"max", "min", "log", "exp", "tanh", "softmax", "logistic", "sign", "clip", "where"}
TOKEN = re.compile(r"\\[A-Za-z]+|[A-Za-z]+[0-9]*|[0-9.]+|\s+|\S")
SUPERSCRIPTS = {"T": "ᵀ", "2": "²", "-1": "⁻¹"}


class Node(NamedTuple):
    """A part of a formula: a name, a number, a sign, a function, or several parts together."""

    kind: str  # "name", "number", "sign", "function", "space", "row", "frac", "sub", "sup"
    text: str = ""
    parts: tuple["Node", ...] = ()


def parse(source: str) -> Node:
    """Read a formula.

    Raises
    ------
    ValueError
        If it is not in the small language; the message says what is wrong.
    """
    tokens = TOKEN.findall(source)
    row = _row(tokens, source)
    if tokens:
        raise ValueError(f"a formula must open its groups before it closes them; got {source!r}")
    return row


def text(source: str) -> str:
    """Write a formula for a terminal."""
    return _text(parse(source))


def mathml(source: str) -> str:
    """Write a formula for a page, as one MathML element."""
    return f'<math displaystyle="true">{_mathml(parse(source))}</math>'


# -- reading --------------------------------------------------------------------------------


def _row(tokens: list[str], source: str) -> Node:
    """Parse everything before the next closing brace, or to the end."""
    parts: list[Node] = []
    while tokens and tokens[0] != "}":
        if tokens[0] in "_^":
            kind = "sub" if tokens.pop(0) == "_" else "sup"
            if not parts:
                raise ValueError(f"a formula must not begin with _ or ^; got {source!r}")
            parts[-1] = Node(kind, "", (parts[-1], _part(tokens, source)))
        elif tokens[0].isspace():
            parts.append(Node("space", tokens.pop(0)))
        else:
            parts.append(_part(tokens, source))
    return Node("row", "", tuple(parts))


def _part(tokens: list[str], source: str) -> Node:
    while tokens and tokens[0].isspace():
        tokens.pop(0)
    if not tokens or tokens[0] == "}":
        raise ValueError(f"a formula must not end where a part is due; got {source!r}")
    token = tokens.pop(0)
    if token == "{":
        return _group(tokens, source)
    if token == r"\frac":
        return Node("frac", "", (_part(tokens, source), _part(tokens, source)))
    if token.startswith("\\"):
        word = token[1:]
        if word not in WORDS and word not in FUNCTIONS:
            raise ValueError(f"a formula knows no {token}; got {source!r}")
        return Node("function" if word in FUNCTIONS else "sign", WORDS.get(word, word))
    if token[0].isalpha():
        return _name(token)
    return Node("number" if token[0].isdigit() else "sign", token)


def _group(tokens: list[str], source: str) -> Node:
    row = _row(tokens, source)
    if not tokens:
        raise ValueError(f"a formula must close the groups that it opens; got {source!r}")
    tokens.pop(0)
    return row


def _name(token: str) -> Node:
    letters = token.rstrip("0123456789")
    if letters == token:
        return Node("name", token)
    return Node("sub", "index", (Node("name", letters), Node("number", token[len(letters) :])))


# -- writing --------------------------------------------------------------------------------


def _text(node: Node) -> str:
    if node.kind == "frac":
        above, below = map(_text, node.parts)
        return f"{_closed(above)} / {_closed(below)}"
    if node.kind == "sub":
        base, below = map(_text, node.parts)
        return f"{base}{below}" if node.text == "index" else f"{base}_{below.replace(' ', '')}"
    if node.kind == "sup":
        base, above = map(_text, node.parts)
        return base + SUPERSCRIPTS.get(above, f"^{_closed(above)}")
    if node.kind == "row":
        last = len(node.parts) - 1
        return "".join(
            f"({_text(part)})" if part.kind == "frac" and place < last else _text(part)
            for place, part in enumerate(node.parts)
        )
    return node.text


def _closed(written: str) -> str:
    return written if re.fullmatch(r"[\w.]+", written) else f"({written})"


TAGS = {"frac": "mfrac", "sub": "msub", "sup": "msup"}
LEAVES = {"name": "mi", "number": "mn", "sign": "mo", "function": "mi"}


def _mathml(node: Node) -> str:
    if node.kind == "row":
        return f"<mrow>{''.join(_products(node.parts))}</mrow>"
    if node.kind in TAGS:
        tag = TAGS[node.kind]
        return f"<{tag}>{''.join(map(_mathml, node.parts))}</{tag}>"
    tag, shown = LEAVES[node.kind], "−" if node.text == "-" else escape(node.text)
    if node.text == "where":
        return '<mspace width="1em"/><mtext>where</mtext><mspace width="0.5em"/>'
    if node.kind == "function":  # applied to what follows, with the space that this takes
        return f"<mi>{shown}</mi><mo>&#8289;</mo>"
    fence = ' stretchy="false"' if node.text in FENCES else ""
    return f"<{tag}{fence}>{shown}</{tag}>"


FENCES = set("()[]|")
FACTORS = {"name", "number", "sub", "sup", "frac"}


def _products(parts: tuple[Node, ...]) -> Iterator[str]:
    """Write the parts of a row, with a little space between two factors without a sign."""
    for place, part in enumerate(parts):
        if part.kind != "space":
            yield _mathml(part)
        elif {around.kind for around in parts[max(0, place - 1) : place + 2 : 2]} <= FACTORS:
            yield '<mspace width="0.2em"/>'
