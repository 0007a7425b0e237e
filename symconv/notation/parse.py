"""The grammar of the text notation: a formula becomes a tree of positions and names, nothing is evaluated.

::

    formula   = equation { (";" | new line) equation }
    equation  = NAME [ "[" [ axis { "," axis } ] "]" ] "=" sum
    axis      = NAME | "(" NAME { "," NAME } ")"
    sum       = product { ("+" | "-") product }
    product   = unary { ("*" | "/" | "//") unary }
    unary     = ("-" | "+") unary | power
    power     = atom [ "**" unary ]
    atom      = NUMBER | "(" sum { "," sum } ")" | NAME [ "[" list "]" ] [ "(" list ")" ]
    list      = condition { "," condition }
    condition = sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symconv.errors import SpecError
from symconv.notation.grammar import Grammar
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
    "parse_equations",
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


class _Parser(Grammar[Node]):
    levels = (("+", "-"), ("*", "/", "//"))
    most_depth = MAX_DEPTH

    def __init__(self, source: str) -> None:
        super().__init__(tokenize(source))
        self.source = source

    def error(self, column: int, message: str) -> SpecError:
        return point(self.source, column, message)

    def joined(self, operator: Token, left: Node, right: Node) -> Node:
        return Binary(operator.text, left, right, operator.column)

    def negated(self, operator: Token, operand: Node) -> Node:
        return Negate(operand, operator.column)

    def expect(self, text: str, meaning: str) -> Token:
        if not self.at(text):
            raise self.found(f"expected {text!r} {meaning}")
        return self.take()

    def found(self, message: str) -> SpecError:
        found = f"found {self.here.text!r}" if self.here.kind != "end" else "the formula ends"
        return self.error(self.here.column, f"column {self.here.column + 1}: {message}, {found}")

    def equations(self) -> tuple[Equation, ...]:
        """One formula, or several: named intermediates first, each behind a semicolon or on a line of its own."""
        found = [self.equation()]
        while self.accept(";") or self.starts_line():
            if self.here.kind == "end":
                break
            found.append(self.equation())
        self.end()
        return tuple(found)

    def starts_line(self) -> bool:
        last = self.tokens[self.position - 1]
        return self.here.kind == "name" and "\n" in self.source[last.column : self.here.column]

    def equation(self) -> Equation:
        if self.here.kind != "name":
            where = f"column {self.here.column + 1}"
            raise self.error(self.here.column, f"{where}: a formula starts with its output, as in y[n,i] = ...")
        target = self.target()
        self.expect("=", "after the output")
        return Equation(target, self.binary(), self.source)

    def target(self) -> Call:
        """The output with its indices; a number (a loss) has none, with or without empty brackets."""
        name = self.take()
        if self.at("["):
            if self.tokens[self.position + 1].text == "]":
                self.position += 2
                return Call(name.text, (), None, name.column)
            return Call(name.text, self.listed("[", "]", self.binary), None, name.column)
        if self.at("="):
            return Call(name.text, (), None, name.column)
        where = f"column {name.column + 1}"
        raise self.error(
            name.column,
            f"{where}: a formula starts with its output and its indices, as in y[n,i] = ..., or y = ...",
        )

    def end(self) -> None:
        if self.here.kind != "end":
            joined = self.here.kind in {"name", "number"} or self.at("(", "[")
            hint = "; a product is written with *" if joined else ""
            where = f"column {self.here.column + 1}"
            raise self.error(
                self.here.column, f"{where}: expected an operator or the end, found {self.here.text!r}{hint}"
            )

    def operand(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return Number(token.text, token.column)
        if token.kind == "name":
            brackets = self.listed("[", "]", self.condition) if self.at("[") else None
            arguments = self.listed("(", ")", self.condition) if self.at("(") else None
            if brackets is None and arguments is None:
                return Name(token.text, token.column)
            return Call(token.text, brackets, arguments, token.column)
        if token.text == "(":
            self.position -= 1
            items = self.listed("(", ")", self.binary)
            return items[0] if len(items) == 1 else Group(items, token.column)
        self.position -= 1
        raise self.found("expected a number, a name or '('")

    def condition(self) -> Node:
        left = self.binary()
        if self.at(*COMPARISONS):
            token = self.take()
            return Binary(token.text, left, self.binary(), token.column)
        return left

    def listed(self, opening: str, closing: str, item: Callable[[], Node]) -> tuple[Node, ...]:
        self.expect(opening, "here")
        items = [item()]
        while self.accept(","):
            items.append(item())
        if self.here.kind in {"name", "number"}:
            raise self.found(f"expected {closing!r} to close '{opening}', ',' or an operator (a product is written *)")
        self.expect(closing, f"to close '{opening}'")
        return tuple(items)


def parse_equation(source: str) -> Equation:
    """Parse one formula; raises SpecError that points at the first thing that does not fit.

    >>> parse_equation("y[n] = sum[k](x[n,k])").target.name
    'y'
    """
    return parse_equations(source)[-1]


def parse_equations(source: str) -> tuple[Equation, ...]:
    """Parse a formula with its named intermediates; raises SpecError that points at the first thing that does not fit.

    >>> [equation.target.name for equation in parse_equations("z[n] = sum[k](x[n,k]); y[n] = tanh(z[n])")]
    ['z', 'y']
    """
    equations = _Parser(source).equations()
    for equation in equations:
        _check_height(equation.body, source)
    return equations


def parse_expression(source: str) -> Node:
    """Parse the right-hand side of a formula alone; raises SpecError that points at the first thing that does not fit.

    >>> parse_expression("x - w").operator
    '-'
    """
    parser = _Parser(source)
    node = parser.binary()
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
