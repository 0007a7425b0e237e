"""A formula as a row of pieces between which a line may end, what it is too wide for taken apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from symconv.views.dialect import BREAK
from symconv.views.typeset.boxes import Node, parse, span
from symconv.views.typeset.metrics import letters

__all__ = ["Piece", "pieces"]

RELATION, COMMA, WORD, TERM, FACTOR, SUM = 12, 5, 20, 10, 30, 60
"""What it costs to break there, in hundredths of a line: at a relation, after a comma or a word, before a term, ..."""
DEEPER, WHOLE = 45, 250
"""And for every fence around it: one that fits no line, one that fits; the latter stays whole for two lines more."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What is written, and its width; ``cost`` of a line that begins here (None: none may), with ``lead`` before it.

    ``spare`` vanishes at the end of a line; ``word`` is text; ``fence`` counts the fence that it opens or closes, which
    is written as ``grown`` where a line ends inside.
    """

    text: str
    width: float
    cost: int | None = None
    lead: str = ""
    spare: bool = False
    word: bool = False
    fence: int = 0
    grown: str = ""


def pieces(latex: str, limit: float) -> tuple[Piece, ...]:
    r"""The pieces of a formula, none wider than ``limit`` where it can be taken apart.

    >>> [piece.text for piece in pieces(r"a\,b + c", 100.0)]
    ['a', '\\,', 'b', ' + ', 'c']
    """
    return tuple(_Flat(limit).of(parse(latex), 0))


class _Flat:
    def __init__(self, limit: float) -> None:
        self.limit, self.fences = limit, 0

    def of(self, nodes: tuple[Node, ...], depth: int) -> Iterator[Piece]:
        cost: int | None = None
        lead, before = "", ""
        for node in nodes:
            match node.kind:
                case "space":
                    cost, lead = self.after_space(node, before, cost, lead, depth)
                    yield Piece(node.text, node.width, spare=True)
                    continue
                case "rel" | "bin":
                    here = (RELATION if node.kind == "rel" else TERM) + depth
                    lead = "{}" if node.kind == "bin" else ""
                    yield Piece(f" {node.whole} ", node.width, here if before else None, lead)
                    cost, lead = None, ""
                case "punct":
                    yield Piece(f"{node.whole} " if depth else node.whole, node.width)
                    cost, lead = COMMA + depth, ""
                case _:
                    first = True
                    for piece in self.one(node, depth):
                        yield replace(piece, cost=cost, lead=lead) if first else piece
                        first = False
                    cost, lead = (SUM + 1 + depth, "") if node.kind == "op" else (None, "")
                    if node.kind == "words" and node.parts[0].endswith(" "):
                        cost = WORD + depth
            before = node.kind

    @staticmethod
    def after_space(node: Node, before: str, cost: int | None, lead: str, depth: int) -> tuple[int | None, str]:
        if before == "op":
            return SUM + depth, ""
        if node.text == r"\," and before not in {"", "bin", "rel", "punct"}:
            return FACTOR + depth, r"\cdot "
        return cost, lead

    def one(self, node: Node, depth: int) -> Iterator[Piece]:
        """A node as one piece, or taken apart: fences always, what does not fit by its parts."""
        if node.kind == "fence":
            yield from self.fence(node, depth)
        elif node.kind == "words":
            yield from _words(node, depth)
        elif node.width > self.limit and (taken := self.apart(node)):
            yield from self.of(taken, depth)
        else:
            yield Piece(node.whole, node.width)

    def fence(self, node: Node, depth: int) -> Iterator[Piece]:
        self.fences += 1
        number = self.fences
        inner = parse(node.parts[0])
        side = (node.width - span(inner)) / 2
        big = "bigg" if any(n.kind == "op" and r"\substack" in n.scripts for n in inner) else "Big"
        left, right = (end.removeprefix(r"\left").removeprefix(r"\right") for end in node.ends)
        grows = node.ends[0].startswith(r"\left")
        opened, closed = (rf"\{big}l{left}", rf"\{big}r{right}") if grows else node.ends
        yield Piece(node.ends[0], side, fence=number, grown=opened)
        yield from self.of(inner, depth + (DEEPER if node.width > self.limit else WHOLE))
        yield Piece(node.ends[1] + node.scripts, side, fence=-number, grown=closed + node.scripts)

    def apart(self, node: Node) -> tuple[Node, ...]:
        """The same in a row, where it is too wide for one piece; empty where that is not known."""
        match node.kind, node.parts:
            case "frac", (above, under):
                written = rf"{_held(above)}\Big/{_held(under)}"
                return parse(rf"\left({written}\right){node.scripts}" if node.scripts else written)
            case "root", (inner,):
                root = rf"\left({inner}\right)^{{1/2}}"
                return parse(rf"\left({root}\right){node.scripts}" if node.scripts else root)
            case "group", (inner,):
                return parse(rf"\left({inner}\right){node.scripts}" if node.scripts else inner)
            case "op", _ if (scripts := _stacked(node.scripts, self.limit)) != node.scripts:
                return (replace(node, scripts=scripts, width=min(node.width, self.limit)),)
        return ()


def _held(latex: str) -> str:
    nodes = parse(latex)
    return latex if len(nodes) == 1 and nodes[0].kind in {"ord", "fence"} else rf"\left({latex}\right)"


def _words(node: Node, depth: int) -> Iterator[Piece]:
    sentence = node.parts[0]
    parts = sentence.replace(" ", " \0").split("\0")
    for number, part in enumerate(part for part in parts if part):
        yield Piece(part, letters(part) * 1.02 + 0.5, WORD + depth if number else None, word=True)


def _stacked(scripts: str, limit: float) -> str:
    r"""Limits that are too wide, a condition or half of one in a line; ``_{p=low}^{high}`` as two rows."""
    nodes = parse(f"x{scripts}")[0]
    below, _, above = nodes.scripts.removeprefix("_{").partition("}^{")
    if above:
        name, _, low = below.partition("=")
        rows = [rf"{low} \le {name}", rf"\le {above[:-1]}"]
    else:
        stack = parse(below[:-1])
        rows = list(stack[0].parts) if len(stack) == 1 and stack[0].kind == "stack" else [below[:-1]]
    return rf"_{{\substack{{{BREAK.join(part for row in rows for part in _split(row, limit))}}}}}"


def _split(row: str, limit: float) -> list[str]:
    r"""A condition at its relations, where it is too wide."""
    nodes = parse(row, 2)
    if span(nodes) <= limit:
        return [row]
    parts, wide = [""], 0.0
    for node in nodes:
        if parts[-1] and node.kind in {"rel", "bin"} and wide + node.width > limit * 0.6:
            parts.append("")
            wide = 0.0
        gap = " " if node.kind in {"rel", "bin"} else ""
        parts[-1] += f"{gap}{node.whole}{gap}"
        wide += node.width
    return [part.strip() for part in parts]
