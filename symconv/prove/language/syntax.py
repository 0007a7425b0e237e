"""The syntax tree of a claim: small frozen nodes, each with the column it starts at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache

__all__ = [
    "Binary",
    "Call",
    "Claim",
    "Each",
    "Equation",
    "Name",
    "Node",
    "Number",
    "Pick",
    "Reduction",
    "Sliced",
    "Span",
    "Text",
    "Tuple",
    "children",
    "names_in",
    "rebuild",
    "show",
    "walk",
]


@dataclass(frozen=True, slots=True)
class Number:
    """An exact number."""

    value: Fraction
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted word: a padding mode, an einsum equation."""

    value: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A tensor or a size."""

    name: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Tuple:
    """Several values in parentheses or brackets."""

    items: tuple[Node, ...]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """``left op right`` with op one of ``+ - * / // % @ **`` or a comparison; a negated value is ``0 - value``."""

    op: str
    left: Node
    right: Node
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of tensors; ``named`` are its keyword arguments."""

    function: str
    arguments: tuple[Node, ...]
    named: tuple[tuple[str, Node], ...] = ()
    at: int = field(default=0, compare=False)

    def option(self, name: str) -> Node | None:
        """The keyword argument of that name, or None."""
        return dict(self.named).get(name)

    def with_option(self, name: str, value: Node | None) -> Call:
        """The same call with one keyword argument changed, added, or with None left out."""
        rest = tuple((key, node) for key, node in self.named if key != name)
        return replace(self, named=rest if value is None else (*rest, (name, value)))


@dataclass(frozen=True, slots=True)
class Span:
    """``start:stop:step`` of one axis; ``stop`` None runs to the end."""

    start: Node | None = None
    stop: Node | None = None
    step: Node | None = None


@dataclass(frozen=True, slots=True)
class Pick:
    """One axis of a subscript that is not a span: an index, ``...`` or ``None`` (a new axis)."""

    kind: str
    value: Node | None = None


@dataclass(frozen=True, slots=True)
class Sliced:
    """``value[...]``."""

    value: Node
    items: tuple[Span | Pick, ...]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Reduction:
    """``kind[indices: where](body)``, in index notation."""

    kind: str
    indices: tuple[str, ...]
    where: tuple[Node, ...]
    body: Node
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Each:
    """``[body for name in range(start, stop, step) if where]``: an array for each number, along a first axis."""

    body: Node
    name: str
    start: Node
    stop: Node
    step: Node
    where: tuple[Node, ...] = ()
    at: int = field(default=0, compare=False)


Node = Number | Text | Name | Tuple | Binary | Call | Sliced | Reduction | Each


@dataclass(frozen=True, slots=True)
class Equation:
    """``name = body``, or ``name[indices] = body`` in index notation; merged axes are tuples of indices.

    ``lengths`` says how far an index of an intermediate runs, as in ``t[n,u<L]``.
    """

    name: str
    indices: tuple[Node, ...] | None
    body: Node
    at: int = field(default=0, compare=False)
    lengths: tuple[tuple[str, Node], ...] = ()

    def __str__(self) -> str:
        stated = {name: f"<{show(length)}" for name, length in self.lengths}
        items = (f"{show(one)}{stated.get(show(one), '')}" for one in self.indices or ())
        target = self.name if self.indices is None else f"{self.name}[{','.join(items)}]"
        return f"{target} = {show(self.body)}"


@dataclass(frozen=True, slots=True)
class Claim:
    """``side = body``; ``source`` is what the user wrote.

    In index notation ``indices`` are those of the side; ``earlier`` are the equations of named intermediates.
    """

    side: str
    body: Node
    source: str = field(default="", compare=False)
    indices: tuple[Node, ...] | None = None
    earlier: tuple[Equation, ...] = ()

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The named intermediates, then the claim itself."""
        return (*self.earlier, Equation(self.side, self.indices, self.body))

    def __str__(self) -> str:
        return "; ".join(map(str, self.equations))

    def with_body(self, body: Node) -> Claim:
        """The same claim with another body, and the text that says it."""
        other = replace(self, body=body)
        return replace(other, source=str(other))

    def nodes(self) -> Iterator[Node]:
        """Every expression of the claim, intermediates first."""
        for equation in self.equations:
            yield from walk(equation.body)


def children(node: Node) -> tuple[Node, ...]:
    """The direct subexpressions; those inside subscripts do not count."""
    match node:
        case Tuple(items):
            return items
        case Binary(_, left, right):
            return (left, right)
        case Call(_, arguments, named):
            return (*arguments, *(value for _, value in named))
        case Sliced(value):
            return (value,)
        case Reduction():
            return (node.body,)
        case Each(body, _, start, stop, step, where):
            return (body, start, stop, step, *where)
        case _:
            return ()


def rebuild(node: Node, new: tuple[Node, ...]) -> Node:
    """The node with other direct subexpressions, in the order of ``children``."""
    match node:
        case Tuple():
            return replace(node, items=new)
        case Binary():
            return replace(node, left=new[0], right=new[1])
        case Call(_, arguments, named):
            keys = tuple(key for key, _ in named)
            options = tuple(zip(keys, new[len(arguments) :], strict=True))
            return replace(node, arguments=new[: len(arguments)], named=options)
        case Sliced():
            return replace(node, value=new[0])
        case Reduction():
            return replace(node, body=new[0])
        case Each():
            return replace(node, body=new[0], start=new[1], stop=new[2], step=new[3], where=new[4:])
        case _:
            return node


def walk(node: Node) -> Iterator[Node]:
    """The expression and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


@lru_cache(maxsize=8192)
def names_in(node: Node) -> frozenset[str]:
    """The names that ``walk`` meets; remembered, as the same few expressions are evaluated at many sizes."""
    own = {node.name} if isinstance(node, Name) else set[str]()
    return frozenset(own.union(*map(names_in, children(node))))


_LEVEL = {**dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), 0), "+": 1, "-": 1, **dict.fromkeys("*/%@", 2), "//": 2,
          "**": 4}  # fmt: skip


def show(node: Node, level: int = 0) -> str:
    """The expression as a user writes it.

    >>> show(Binary("*", Binary("-", Name("K"), Number(Fraction(1))), Name("d")))
    '(K - 1)*d'
    """
    match node:
        case Number(value):
            return f"({value})" if (value < 0 and level > 3) or value.denominator != 1 else str(value)
        case Text(value):
            return f"'{value}'" if '"' in value else f'"{value}"'
        case Name(name):
            return name
        case Tuple(items):
            return f"({', '.join(map(show, items))}{',' if len(items) == 1 else ''})"
        case Binary():
            return _operation(node, level)
        case Call(function, arguments, named):
            inner = [show(a) for a in arguments] + [f"{key}={show(value)}" for key, value in named]
            return f"{function}({', '.join(inner)})"
        case Sliced(value, items):
            return f"{show(value, 5)}[{', '.join(map(_item, items))}]"
        case Reduction(kind, indices, where, body):
            limits = f": {', '.join(map(show, where))}" if where else ""
            return f"{kind}[{', '.join(indices)}{limits}]({show(body)})"
        case Each(body, name, start, stop, step, where):
            plain = step == Number(Fraction(1))
            ends = [start, stop, *([] if plain else [step])][plain and start == Number(Fraction(0)) :]
            asked = "".join(f" if {show(one)}" for one in where)
            return f"[{show(body)} for {name} in range({', '.join(map(show, ends))}){asked}]"


def _operation(node: Binary, level: int) -> str:
    match node:
        case Binary("-", Number(0), right) if not isinstance(right, Number):
            return f"(-{show(right, 3)})" if level > 3 else f"-{show(right, 3)}"
        case Binary("**", left, right):
            text = f"{show(left, 5)}**{show(right, 4)}"
            return f"({text})" if level > 4 else text
        case Binary(op, left, right):
            mine = _LEVEL[op]
            space = " " if mine <= 1 else ""
            # Comparisons stand in parentheses wherever they are a part of something.
            text = f"{show(left, max(mine, 1))}{space}{op}{space}{show(right, mine + 1)}"
            return f"({text})" if mine < level else text


def _item(item: Span | Pick) -> str:
    match item:
        case Pick("...", _):
            return "..."
        case Pick("new", _):
            return "None"
        case Pick(_, Name("None")):
            return "(None)"
        case Pick(_, value) if value is not None:
            return show(value)
        case Span(start, stop, step):
            text = f"{show(start) if start else ''}:{show(stop) if stop else ''}"
            return f"{text}:{show(step)}" if step else text
    return ""
