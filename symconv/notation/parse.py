"""The grammar of the text notation: a formula becomes a tree of positions and names, nothing is evaluated.

::

    formula   = equation { (";" | new line) equation }
    equation  = NAME [ "[" [ axis { "," axis } ] "]" ] ("=" | "==") sum
    axis      = NAME | "(" NAME { "," NAME } ")"
    sum       = product { ("+" | "-") product }
    product   = unary { ("*" | "/" | "//") unary }
    unary     = ("-" | "+") unary | power
    power     = atom [ "**" unary ]
    atom      = NUMBER | "(" list ")" | NAME [ ("[" | "_{") bounds ("]" | "}") ] [ "(" list ")" ]
    list      = condition { "," condition }
    bounds    = bound { ("," | ":") bound }
    bound     = NAME "=" sum ".." sum | sum ("<" | "<=") NAME ("<" | "<=") sum | condition
    condition = sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
"""

from __future__ import annotations

from collections.abc import Callable

from symconv.errors import SpecError
from symconv.notation.functions import TABLE
from symconv.notation.grammar import Grammar
from symconv.notation.lexer import Token, point, tokenize
from symconv.notation.tree import Binary, Call, Equation, Group, Name, Negate, Node, Number

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
HEADS = frozenset({"sum", "prod", "mean", "max", "min", "logsumexp", "norm", "var", "std", "softmax", "log_softmax"})
"""Words that run over indices in brackets, of what stands in parentheses behind them."""


class _Parser(Grammar[Node]):
    levels = (("+", "-"), ("*", "/", "//"))
    most_depth = MAX_DEPTH

    def __init__(self, source: str) -> None:
        super().__init__(source, tokenize(source))

    def error(self, column: int, message: str) -> SpecError:
        return point(self.source, column, message)

    def joined(self, operator: Token, left: Node, right: Node) -> Node:
        return Binary(operator.text, left, right, operator.column)

    def negated(self, operator: Token, operand: Node) -> Node:
        return Negate(operand, operator.column)

    def both(self, left: Node, right: Node) -> Node:
        return Binary("*", left, right, right.column)

    def expect(self, text: str, meaning: str) -> Token:
        if not self.at(text):
            raise self.found(f"expected {text!r} {meaning}")
        return self.take()

    def found(self, message: str) -> SpecError:
        found = f"found {self.here.text!r}" if self.here.kind != "end" else "the formula ends"
        return self.error(self.here.column, f"column {self.here.column + 1}: {message}, {found}")

    def equations(self) -> tuple[Equation, ...]:
        """One formula, or several: named intermediates first, each behind a semicolon or on a line of its own."""
        found = self.equations_of(self.equation)
        self.end()
        return tuple(found)

    def equation(self) -> Equation:
        if self.here.kind != "name":
            where = f"column {self.here.column + 1}"
            raise self.error(self.here.column, f"{where}: a formula starts with its output, as in y[n,i] = ...")
        target = self.target()
        if not self.accept("=", "=="):
            into = "; what is added to a cell is written as a sum, y[i] = sum[p](...)" if self.at("+", "-", "*") else ""
            raise self.found(f"expected '=' after the output{into}")
        return Equation(target, self.condition(), self.source)

    def target(self) -> Call:
        """The output with its indices; a number (a loss) has none, with or without empty brackets."""
        name = self.take()
        if self.at("["):
            if self.tokens[self.position + 1].text == "]":
                self.position += 2
                return Call(name.text, (), None, name.column)
            return Call(name.text, self.listed("[", "]", self.binary), None, name.column)
        if self.at("=", "=="):
            return Call(name.text, (), None, name.column)
        where = f"column {name.column + 1}"
        hint = "; indices stand in square brackets" if self.at("(") else ""
        raise self.error(
            name.column,
            f"{where}: a formula starts with its output and its indices, as in y[n,i] = ..., or y = ...{hint}",
        )

    def end(self) -> None:
        if self.here.kind != "end":
            joined = self.here.kind in {"name", "number"} or self.at("(", "[")
            hint = "; a product is written with *" if joined else ""
            before = self.tokens[self.position - 1].text if self.position else ""
            if joined and before in TABLE:
                hint = f"; what {before} is of stands in parentheses, as in {before}(x[i])"
            if self.here.text == "if":
                hint = "; a choice is written where(x[i] > 0, a, b)"
            where = f"column {self.here.column + 1}"
            raise self.error(
                self.here.column, f"{where}: expected an operator or the end, found {self.here.text!r}{hint}"
            )

    def operand(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return Number(token.text, token.column)
        if token.kind == "name":
            return self.named(token)
        if token.text == "(":
            self.position -= 1
            items = self.listed("(", ")", self.condition)
            return items[0] if len(items) == 1 else Group(items, token.column)
        self.position -= 1
        raise self.found("expected a number, a name or '('")

    def named(self, token: Token) -> Node:
        """A name with what stands behind it: indices, arguments, or both."""
        brackets: tuple[Node, ...] | None = None
        if self.at("[", "_{"):
            opening = self.here.text
            marks = (",", ":") if token.text in HEADS else (",",)
            closing = "]" if opening == "[" else "}"
            if token.text not in HEADS and self.tokens[self.position + 1].text == closing:
                # One number is b[], as formulas are printed.
                self.position += 2
                brackets = ()
            else:
                brackets = self.listed(opening, closing, self.bound, marks)
        elif token.text in HEADS and self.here.kind == "name" and self.source[self.here.column - 1] in "Σ∑Π∏":
            # Σ_c(...): an index below the sign.
            below = self.take()
            brackets = (Name(below.text.removeprefix("_"), below.column),)
        arguments = self.listed("(", ")", self.condition) if self.at("(") else None
        if brackets is None and arguments is None:
            return Name(token.text, token.column)
        if token.text in HEADS and arguments is None and (self.here.kind in {"name", "number"} or self.at("-")):
            raise self.found(f"what {token.text} runs over stands in parentheses, as in {token.text}[p](x[n,i+p])")
        return Call(token.text, brackets, arguments, token.column)

    def bound(self) -> Node:
        """An index of a read, or one of a reduction with its bounds or a condition: ``p<3``, ``0<=p<3``, ``p=0..2``."""
        first, found = self.compared()
        match found:
            case []:
                if isinstance(first, Name) and (self.accept("=") or self.at_in()):
                    low = self.binary()
                    dots = self.expect("..", "between the first and the last value, as in sum[p=0..2]")
                    return self.between(low, "<=", first, "<=", self.binary(), dots)
                return first
            case [(token, low, Name() as name), (other, _, high)]:
                return self.between(low, token.text, name, other.text, high, token)
        return self.chained(found)

    def between(self, low: Node, first: str, name: Name, then: str, high: Node, at: Token) -> Node:
        """Two comparisons of an index; that it is not negative goes without saying."""
        right = Binary(then, name, high, at.column)
        if low == Number("0", low.column) and (first, then) in {("<=", "<"), ("<=", "<=")}:
            return right
        return Binary("*", Binary(first, low, name, at.column), right, at.column)

    def at_in(self) -> bool:
        """Whether ``in`` comes next, which is then read."""
        found = self.here.kind == "name" and self.here.text == "in"
        self.position += found
        return found

    def listed(
        self, opening: str, closing: str, item: Callable[[], Node], marks: tuple[str, ...] = (",",)
    ) -> tuple[Node, ...]:
        self.expect(opening, "here")
        items = [item()]
        while self.accept(*marks):
            items.append(item())
        if self.here.kind in {"name", "number"}:
            merged = opening in "([" and all(isinstance(one, Name) for one in items)
            hint = "; merged axes are written (g,c)" if merged else ""
            raise self.found(
                f"expected {closing!r} to close '{opening}', ',' or an operator (a product is written *{hint})"
            )
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
