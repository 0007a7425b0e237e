"""LaTeX that symconv writes, read back into pieces of known width."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from symconv.views.dialect import BREAK
from symconv.views.typeset.metrics import EM, SPACES, letters, sign, size

__all__ = ["Node", "UnreadError", "parse", "span"]

_TOKEN = re.compile(r"\\[a-zA-Z]+\*?|\\.|\s+|.", re.DOTALL)
_RELATIONS = frozenset(("=", "<", ">", r"\le", r"\ge", r"\ne", r"\mid", r"\to", r"\in"))
_UPRIGHT = frozenset((r"\text", r"\mathrm", r"\mathit", r"\operatorname"))
_PAIRS = {"(": ")", "[": "]", r"\lvert": r"\rvert"}
_SIDE = 10.5
"""A fence that grows is at most so wide."""


class UnreadError(ValueError):
    """Text that this reader does not know."""


@dataclass(frozen=True, slots=True)
class Node:
    """A piece: ``kind``, what it is written as without its scripts, its width with them, and the texts it is made of.

    Kinds: ord, bin, rel, punct, op (a sum sign with its limits), space, words, fence, frac, root, cases.
    """

    kind: str
    text: str
    width: float
    parts: tuple[str, ...] = ()
    ends: tuple[str, str] = ("", "")
    scripts: str = ""

    @property
    def whole(self) -> str:
        """The piece as it is written."""
        return self.text + self.scripts


@lru_cache(maxsize=4096)
def parse(latex: str, style: int = 0) -> tuple[Node, ...]:
    r"""The pieces of a formula; raises UnreadError for what is not balanced.

    >>> [node.kind for node in parse(r"\sum_{p=0}^{K}\, x_{p} + 1")]
    ['op', 'space', 'ord', 'bin', 'ord']
    """
    reader = _Reader(_TOKEN.findall(latex))
    nodes = reader.row(style, "")
    if reader.at < len(reader.tokens):
        raise UnreadError(latex)
    return nodes


def span(nodes: tuple[Node, ...]) -> float:
    """The width of pieces side by side."""
    return sum(node.width for node in nodes)


def _width(latex: str, style: int) -> float:
    return span(parse(latex, style))


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.at = tokens, 0

    def peek(self) -> str:
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        if not token:
            raise UnreadError("the formula ends too early")
        self.at += 1
        return token

    def row(self, style: int, until: str) -> tuple[Node, ...]:
        nodes: list[Node] = []
        while (token := self.peek()) and token != until:
            if token in {"}", r"\right", r"\end", "&", r"\\"}:
                break
            before = next((node.kind for node in reversed(nodes) if node.kind != "space"), "")
            nodes.append(self.node(style, before))
        return tuple(nodes)

    def group(self) -> str:
        """The text of an argument: what stands in braces, or one token."""
        if self.peek() != "{":
            return self.take()
        self.at += 1
        return self.until("{", "}")

    def until(self, opening: str, closing: str) -> str:
        depth, start = 1, self.at
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            depth += (token == opening) - (token == closing)
            self.at += 1
            if not depth:
                return "".join(self.tokens[start : self.at - 1])
        raise UnreadError(f"no {closing}")

    def node(self, style: int, before: str) -> Node:
        token = self.take()
        if token in SPACES:
            return Node("space", token, SPACES[token])
        if token in {"_", "^"}:
            raise UnreadError("a script without a base")
        base = self.compound(token, style) or self.simple(token, style, before)
        return self.scripted(base, style)

    def compound(self, token: str, style: int) -> Node | None:
        below = min(style + 1, 3)
        match token:
            case "{":
                inner = self.until("{", "}")
                return Node("group", f"{{{inner}}}", _width(inner, style), (inner,))
            case r"\left":
                return self.stretched(style)
            case r"\frac":
                above, under = self.group(), self.group()
                wide = max(_width(above, below), _width(under, below)) + 0.24 * EM
                return Node("frac", rf"\frac{{{above}}}{{{under}}}", wide, (above, under))
            case r"\sqrt":
                inner = self.group()
                return Node("root", rf"\sqrt{{{inner}}}", _width(inner, style) + 1.1 * EM, (inner,))
            case r"\bar" | r"\dot":
                inner = self.group()
                written = rf"{token} {inner}" if len(inner) == 1 else rf"{token}{{{inner}}}"
                return Node("ord", written, _width(inner, style))
            case r"\substack":
                rows = tuple(row.strip() for row in self.group().split(r"\\"))
                return Node("stack", rf"\substack{{{BREAK.join(rows)}}}", max(_width(r, style) for r in rows), rows)
            case r"\begin":
                return self.environment(style)
            case _ if token in _UPRIGHT:
                inner = self.group()
                kind = "words" if token == r"\text" else "ord"
                return Node(kind, f"{token}{{{inner}}}", letters(inner) * size(style) * 1.02 + 1, (inner,))
            case r"\operatorname*":
                inner = self.group()
                return Node("op", rf"\operatorname*{{{inner}}}", letters(inner) * size(style) + 4)
        return self.fenced(token, style) if token in _PAIRS else None

    def fenced(self, token: str, style: int) -> Node | None:
        """A pair of fences of one line, if both are there."""
        start = self.at
        closing = _PAIRS[token]
        inner = self.row(style, closing)
        if self.peek() != closing:
            self.at = start
            return None
        text = "".join(self.tokens[start : self.at]).strip()
        self.at += 1
        space = " " if token.startswith("\\") else ""
        tail = space if closing.startswith("\\") else ""
        written = f"{token}{space}{text}{closing}{tail}"
        return Node("fence", written, span(inner) + (sign(token) + sign(closing)) * size(style), (text,),
                    (token + space, closing + tail))  # fmt: skip

    def stretched(self, style: int) -> Node:
        opening, start = self.take(), self.at
        inner = self.row(style, r"\right")
        if self.peek() != r"\right":
            raise UnreadError(r"no \right")
        text = "".join(self.tokens[start : self.at]).strip()
        self.at += 1
        closing = self.take()
        gap = " " if opening[-1].isalpha() else ""
        ends = (rf"\left{opening}{gap}", rf"\right{closing}{' ' if closing[-1].isalpha() else ''}")
        return Node("fence", f"{ends[0]}{text}{ends[1]}", span(inner) + 2 * _SIDE, (text,), ends)

    def environment(self, style: int) -> Node:
        name, start = self.group(), self.at - 3
        if name not in {"cases", "array"}:
            raise UnreadError(name)
        columns: list[float] = []
        cells: list[str] = []
        if name == "array":
            self.group()
        place = 0
        while True:
            begun = self.at
            wide = span(self.row(1, ""))
            cells.append("".join(self.tokens[begun : self.at]).strip())
            columns[place : place + 1] = [max(wide, columns[place] if place < len(columns) else 0.0)]
            token = self.take()
            if token == r"\end":
                self.group()
                break
            place = place + 1 if token == "&" else 0
        while self.tokens[start] != r"\begin":
            start -= 1
        text = "".join(self.tokens[start : self.at])
        return Node(name, text, sum(columns) + 1.9 * EM * len(columns), tuple(cells))

    def simple(self, token: str, style: int, before: str) -> Node:
        wide = sign(token) * size(style)
        if token in {r"\sum", r"\prod"}:
            return Node("op", token, wide if style == 0 else 12.5 * size(style))
        if token in {r"\max", r"\min"} and self.peek() == "_":
            return Node("op", token, wide)
        if token in _RELATIONS or (token == ":" and before):
            return Node("rel", token, wide + (0.56 * EM if style < 2 else 0))
        if token in {"+", "-", r"\cdot", r"\times"} and before not in {"", "bin", "rel", "punct", "op"}:
            return Node("bin", token, wide + (0.45 * EM if style < 2 else 0))
        if token in {",", ";"}:
            return Node("punct", token, wide + (2.0 if style < 2 else 0))
        return Node("ord", token, wide + (2.0 if token.startswith("\\") and token[1:].isalpha() and wide > 13 else 0))

    def scripted(self, base: Node, style: int) -> Node:
        scripts, wide = "", 0.0
        while self.peek() in {"_", "^", "'"}:
            mark = self.take()
            if mark == "'":
                scripts, wide = scripts + mark, max(wide, 3.0)
                continue
            inner = self.group()
            scripts += f"{mark}{{{inner}}}"
            wide = max(wide, _width(inner, 2 if style < 2 else 3) + 0.7)
        if not scripts:
            return base
        limits = base.kind == "op" and style == 0
        total = max(base.width, wide) + 2.0 if limits else base.width + wide + (2.0 if base.kind == "op" else 0)
        return Node(base.kind, base.text, total, base.parts, base.ends, scripts)
