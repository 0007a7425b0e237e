"""Claims as text: a small grammar of their own, nothing is ever evaluated as Python."""

from __future__ import annotations

import re
from fractions import Fraction

from symconv.errors import SpecError, shown
from symconv.prove.syntax import Binary, Call, Claim, Name, Node, Number, Pick, Sliced, Span, Text, Tuple
from symconv.prove.vocabulary import FUNCTIONS, METHODS, canonical

__all__ = ["MAX_LENGTH", "Caret", "parse_claim"]

MAX_LENGTH, _MAX_DEPTH, _MAX_OPERATIONS = 4000, 60, 120
_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<name>[A-Za-z_][A-Za-z_0-9]*)|(?P<text>\"[^\"]*\"|'[^']*')"
    r"|(?P<op>\.\.\.|//|[-+*/%@()\[\],=:.])"
)
_SPELLINGS = {"kD": "KD", "kH": "KH", "kW": "KW"}
_MODULES = frozenset(
    {"torch", "nn", "functional", "F", "np", "numpy", "tf", "jax", "jnp", "lax", "scipy", "signal", "sc"}
)
_LEVELS = (("+", "-"), ("*", "/", "//", "%", "@"))

_Token = tuple[str, str, int]


class Caret:
    """Errors that show the claim with a caret under what is wrong."""

    def __init__(self, source: str) -> None:
        self.source = source

    def error(self, at: int, message: str) -> SpecError:
        """A SpecError that points at column ``at``."""
        line = re.sub(r"\s", " ", self.source)
        start = max(0, at - 60)
        return SpecError(f"claim, column {at + 1}: {message}\n  {line[start : start + 100]}\n  {' ' * (at - start)}^")


def parse_claim(source: str) -> Claim:
    """The claim a text states; raises SpecError with a caret under what is wrong.

    >>> str(parse_claim("gx = F.conv2d(gy, w.flip([2,3]), padding=1)"))
    'gx = conv2d(gy, flip(w, (2, 3)), padding=1)'
    """
    if not isinstance(source, str):
        raise SpecError(f"a claim is a text, as in 'gx = conv_transpose(gy, w)'; given {shown(source)}")
    if len(source) > MAX_LENGTH:
        raise SpecError(f"the claim has {len(source)} characters; at most {MAX_LENGTH} are read")
    return _Parser(source).claim()


def _tokens(source: str, caret: Caret) -> list[_Token]:
    found, position = [], 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None:
            raise caret.error(position, f"{source[position]!r} is not part of the claim language")
        if match.lastgroup != "space":
            if len(match.group()) > 60 and match.lastgroup != "text":
                raise caret.error(position, f"this {match.lastgroup} is too long (60 characters)")
            found.append((match.lastgroup or "op", match.group(), position))
        position = match.end()
    return [*found, ("end", "", len(source))]


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.caret = Caret(source)
        self.tokens = _tokens(source, self.caret)
        self.position = self.depth = self.operations = 0

    @property
    def here(self) -> _Token:
        return self.tokens[self.position]

    def take(self) -> _Token:
        token = self.here
        self.position += 1
        return token

    def ahead(self, *texts: str) -> bool:
        kind, text, _ = self.here
        return kind == "op" and text in texts

    def accept(self, *texts: str) -> bool:
        found = self.ahead(*texts)
        self.position += found
        return found

    def expect(self, text: str, what: str) -> None:
        if not self.accept(text):
            raise self.wrong(f"{text!r} is wanted {what}")

    def wrong(self, message: str) -> SpecError:
        _, text, at = self.here
        return self.caret.error(at, f"{message}; found {text!r}" if text else f"{message}; the claim ends here")

    def count(self, at: int) -> None:
        """One more operation, which is one more level of the tree at most."""
        self.operations += 1
        if self.operations > _MAX_OPERATIONS:
            raise self.caret.error(at, f"the claim has more than {_MAX_OPERATIONS} operations")

    def claim(self) -> Claim:
        kind, side, _ = self.here
        if kind != "name":
            raise self.wrong("a claim begins with what it computes, as in 'gx = ...'")
        self.take()
        self.expect("=", f"after {side}, as in '{side} = conv(...)'")
        body = self.expression()
        if self.here[0] != "end":
            raise self.wrong("an operator or the end is wanted")
        return Claim(side, body, self.source)

    def expression(self, level: int = 0) -> Node:
        if level == len(_LEVELS):
            return self.unary()
        left = self.expression(level + 1)
        while self.ahead(*_LEVELS[level]):
            _, op, at = self.take()
            self.count(at)
            left = Binary(op, left, self.expression(level + 1), at)
        return left

    def unary(self) -> Node:
        _, _, at = self.here
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise self.caret.error(at, f"the claim is nested deeper than {_MAX_DEPTH}")
        if self.accept("-"):
            self.count(at)
            inner = self.unary()
            node: Node = Number(-inner.value, at) if isinstance(inner, Number) else Binary(
                "-", Number(Fraction(0), at), inner, at
            )  # fmt: skip
        elif self.accept("+"):
            node = self.unary()
        else:
            node = self.postfix()
        self.depth -= 1
        return node

    def postfix(self) -> Node:
        node = self.primary()
        while True:
            at = self.here[2]
            if self.ahead("[", "."):
                self.count(at)
            if self.accept("["):
                node = Sliced(node, self.subscript(), at)
            elif self.accept("."):
                node = self.method(node)
            else:
                return node

    def method(self, node: Node) -> Node:
        kind, name, at = self.take()
        if kind == "name" and name == "T":
            return Call("permute", (node,), (), at)
        if kind == "name" and name == "shape":
            self.expect("[", "after .shape, as in x.shape[2]")
            axis = self.expression()
            self.expect("]", "to end the subscript")
            return Call("size", (node, axis), (), at)
        if kind != "name" or name not in METHODS:
            raise self.caret.error(at, f"a tensor has no {name!r}; it has {', '.join(sorted(METHODS))}, shape and T")
        self.expect("(", f"after .{name}")
        return self.call(name, at, (node,))

    def primary(self) -> Node:
        kind, text, at = self.take()
        match kind:
            case "number":
                return Number(Fraction(text), at)
            case "text":
                return Text(text[1:-1], at)
            case "name":
                return self.named(text, at)
        if text in {"(", "["}:
            return self.parenthesised(")" if text == "(" else "]", at)
        self.position -= 1
        raise self.wrong("a tensor, a size, a number or a function is wanted")

    def parenthesised(self, closing: str, at: int) -> Node:
        items: list[Node] = []
        several = closing == "]"
        while not self.accept(closing):
            if items and not (several := self.accept(",") or several):
                raise self.wrong(f"',' or {closing!r} is wanted")
            if several and self.accept(closing):
                break
            if items and self.tokens[self.position - 1][1] != ",":
                raise self.wrong(f"',' or {closing!r} is wanted")
            items.append(self.expression())
        if not items and closing == ")":
            return Tuple((), at)
        return Tuple(tuple(items), at) if several else items[0]

    def named(self, name: str, at: int) -> Node:
        modules = set()
        while name in _MODULES and self.ahead(".") and self.tokens[self.position + 1][0] == "name":
            self.take()
            modules.add(name)
            _, name, at = self.take()
        if not self.accept("("):
            return Name(_SPELLINGS.get(name, name), at)
        if canonical(name) not in FUNCTIONS:
            known = ", ".join(sorted(FUNCTIONS))
            raise self.caret.error(at, f"there is no function {name!r} in a claim; there are {known}")
        call = self.call(name, at, ())
        if modules & {"scipy", "signal"} and canonical(name) == "correlate" and len(call.arguments) < 3:
            # SciPy's default is another than NumPy's.
            return call.with_option("mode", call.option("mode") or Text("full", at))
        return call

    def call(self, name: str, at: int, before: tuple[Node, ...]) -> Call:
        arguments: list[Node] = list(before)
        named: dict[str, Node] = {}
        while not self.accept(")"):
            if len(arguments) + len(named) > len(before):
                self.expect(",", "between arguments, or ')'")
                if self.accept(")"):
                    break
            kind, key, column = self.here
            if kind == "name" and self.tokens[self.position + 1][1] == "=":
                self.position += 2
                if key in named:
                    raise self.caret.error(column, f"{key} is given twice")
                named[key] = self.expression()
            elif named:
                raise self.caret.error(column, "a positional argument stands before the named ones")
            else:
                arguments.append(self.expression())
        return Call(name, tuple(arguments), tuple(named.items()), at)

    def subscript(self) -> tuple[Span | Pick, ...]:
        items: list[Span | Pick] = []
        while not self.accept("]"):
            if items:
                self.expect(",", "between the axes of a subscript, or ']'")
                if self.accept("]"):
                    break
            items.append(self.item())
        if not items:
            raise self.wrong("an empty subscript")
        return tuple(items)

    def item(self) -> Span | Pick:
        if self.accept("..."):
            return Pick("...")
        if self.here[:2] == ("name", "None") and self.tokens[self.position + 1][1] in {",", "]"}:
            self.take()
            return Pick("new")
        start = None if self.ahead(":") else self.expression()
        if not self.accept(":"):
            return Pick("index", start)
        stop = None if self.ahead(":", ",", "]") else self.expression()
        step = None
        if self.accept(":") and not self.ahead(",", "]"):
            step = self.expression()
        return Span(start, stop, step)
