"""The grammar of the text notation: a formula becomes a tree of positions and names, nothing is evaluated.

::

    equation  = NAME [ "[" [ axis { "," axis } ] "]" ] "=" sum
    axis      = NAME | "(" NAME { "," NAME } ")"
    sum       = product { ("+" | "-") product }
    product   = unary { ("*" | "/" | "//") unary }
    unary     = ("-" | "+") unary | power
    power     = atom [ "**" unary ]
    atom      = NUMBER | "(" sum { "," sum } ")" | NAME [ "[" sum {"," sum} "]" ] [ "(" condition {"," condition} ")" ]
    condition = sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symconv.notation.lexer import Token, point, tokenize

__all__ = [
    "Binary",
    "Call",
    "Equation",
    "Group",
    "Name",
    "Negate",
    "Node",
    "Number",
    "parse_equation",
    "parse_expression",
]

MAX_DEPTH = 40
MAX_HEIGHT = 120
COMPARISONS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}


@dataclass(frozen=True, slots=True)
class Number:
    """A literal, kept as text so that no digit is lost."""

    text: str
    column: int


@dataclass(frozen=True, slots=True)
class Name:
    """A bare name: an index, a parameter or a tensor without axes."""

    text: str
    column: int


@dataclass(frozen=True, slots=True)
class Group:
    """A parenthesised list of two or more: a merged axis."""

    items: tuple[Node, ...]
    column: int


@dataclass(frozen=True, slots=True)
class Negate:
    """A minus sign."""

    operand: Node
    column: int


@dataclass(frozen=True, slots=True)
class Binary:
    """``left operator right``; ``operator`` is + - * / // ** or a comparison."""

    operator: str
    left: Node
    right: Node
    column: int


@dataclass(frozen=True, slots=True)
class Call:
    """``name[brackets](arguments)``: a read (no arguments), a function (no brackets) or a reduction (both)."""

    name: str
    brackets: tuple[Node, ...] | None
    arguments: tuple[Node, ...] | None
    column: int


Node = Number | Name | Group | Negate | Binary | Call


@dataclass(frozen=True, slots=True)
class Equation:
    """``target = body`` with the text it came from."""

    target: Call
    body: Node
    source: str


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens = tokenize(source)
        self.position = 0
        self.depth = 0

    @property
    def here(self) -> Token:
        return self.tokens[self.position]

    def take(self) -> Token:
        token = self.here
        self.position += 1
        return token

    def at(self, *texts: str) -> bool:
        return self.here.kind == "op" and self.here.text in texts

    def expect(self, text: str, meaning: str) -> Token:
        if not self.at(text):
            found = f"found {self.here.text!r}" if self.here.kind != "end" else "the formula ends"
            raise point(
                self.source, self.here.column, f"column {self.here.column + 1}: expected {text!r} {meaning}, {found}"
            )
        return self.take()

    def equation(self) -> Equation:
        if self.here.kind != "name":
            raise point(self.source, self.here.column, "column 1: a formula starts with its output, as in y[n,i] = ...")
        target = self.target()
        self.expect("=", "after the output")
        body = self.sum()
        self.end()
        return Equation(target, body, self.source)

    def target(self) -> Call:
        """The output with its indices; a number (a loss) has none, with or without empty brackets."""
        name = self.take()
        if self.at("["):
            if self.tokens[self.position + 1].text == "]":
                self.position += 2
                return Call(name.text, (), None, name.column)
            return Call(name.text, self.listed("[", "]", self.sum), None, name.column)
        if self.at("="):
            return Call(name.text, (), None, name.column)
        raise point(
            self.source, 0, "column 1: a formula starts with its output and its indices, as in y[n,i] = ..., or y = ..."
        )

    def end(self) -> None:
        if self.here.kind != "end":
            message = f"column {self.here.column + 1}: expected an operator or the end, found {self.here.text!r}"
            raise point(self.source, self.here.column, message)

    def sum(self) -> Node:
        left = self.product()
        while self.at("+", "-"):
            token = self.take()
            left = Binary(token.text, left, self.product(), token.column)
        return left

    def product(self) -> Node:
        left = self.unary()
        while self.at("*", "/", "//"):
            token = self.take()
            left = Binary(token.text, left, self.unary(), token.column)
        return left

    def unary(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise point(self.source, self.here.column, f"nested deeper than {MAX_DEPTH} levels")
        if self.at("-", "+"):
            token = self.take()
            operand = self.unary()
            node: Node = Negate(operand, token.column) if token.text == "-" else operand
        else:
            node = self.atom()
            if self.at("**"):
                token = self.take()
                node = Binary("**", node, self.unary(), token.column)
        self.depth -= 1
        return node

    def atom(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return Number(token.text, token.column)
        if token.kind == "name":
            brackets = self.listed("[", "]", self.sum) if self.at("[") else None
            arguments = self.listed("(", ")", self.condition) if self.at("(") else None
            if brackets is None and arguments is None:
                return Name(token.text, token.column)
            return Call(token.text, brackets, arguments, token.column)
        if token.text == "(":
            self.position -= 1
            items = self.listed("(", ")", self.sum)
            return items[0] if len(items) == 1 else Group(items, token.column)
        found = f"found {token.text!r}" if token.kind != "end" else "the formula ends"
        raise point(self.source, token.column, f"column {token.column + 1}: expected a number, a name or '(', {found}")

    def condition(self) -> Node:
        left = self.sum()
        if self.at(*COMPARISONS):
            token = self.take()
            return Binary(token.text, left, self.sum(), token.column)
        return left

    def listed(self, opening: str, closing: str, item: Callable[[], Node]) -> tuple[Node, ...]:
        self.expect(opening, "here")
        items = [item()]
        while self.at(","):
            self.take()
            items.append(item())
        self.expect(closing, f"to close '{opening}'")
        return tuple(items)


def parse_equation(source: str) -> Equation:
    """Parse one formula; raises SpecError that points at the first thing that does not fit.

    >>> parse_equation("y[n] = sum[k](x[n,k])").target.name
    'y'
    """
    equation = _Parser(source).equation()
    _check_height(equation.body, source)
    return equation


def parse_expression(source: str) -> Node:
    """Parse the right-hand side of a formula alone; raises SpecError that points at the first thing that does not fit.

    >>> parse_expression("x - w").operator
    '-'
    """
    parser = _Parser(source)
    node = parser.sum()
    parser.end()
    _check_height(node, source)
    return node


def _check_height(root: Node, source: str) -> None:
    # Left-associative chains nest without recursion in the parser; later stages recurse over the tree.
    stack: list[tuple[Node, int]] = [(root, 1)]
    while stack:
        node, height = stack.pop()
        if height > MAX_HEIGHT:
            raise point(source, node.column, f"the formula nests deeper than {MAX_HEIGHT} operations here")
        match node:
            case Binary(_, left, right):
                stack += [(left, height + 1), (right, height + 1)]
            case Negate(operand):
                stack.append((operand, height + 1))
            case Group(items):
                stack += [(item, height + 1) for item in items]
            case Call(_, brackets, arguments):
                stack += [(item, height + 1) for item in (brackets or ()) + (arguments or ())]
