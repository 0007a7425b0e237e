"""Tokens of the text notation, each with the column it starts at."""

from __future__ import annotations

import re
from dataclasses import dataclass

from symconv.errors import SpecError

__all__ = ["MAX_LENGTH", "Token", "point", "tokenize"]

MAX_LENGTH = 10_000
_PATTERN = re.compile(
    r"(?P<space>(?:\s|#[^\n]*)+)|(?P<number>[0-9]+(?:\.(?!\.)[0-9]*)?(?:[eE][+-]?[0-9]{1,3})?|\.[0-9]+)"
    # ∂L/∂x is one name: the gradient by x.
    r"|(?P<gradient>∂[A-Za-z]?\s*/\s*∂[A-Za-z_][A-Za-z_0-9]*)"
    r"|(?P<name>[Σ∑Π∏]|[A-Za-z_](?:[A-Za-z_0-9]*[A-Za-z0-9])?(?=_\{)|(?!_\{)[A-Za-z_][A-Za-z_0-9]*)"
    r"|(?P<op>_\{|\.\.\.?|\*\*|//|<=|>=|==|!=|:=|[-+*/()\[\]{},;:=<>≤≥≠])"
)

_SAME = {"≤": "<=", "≥": ">=", "≠": "!=", ":=": "=", "Σ": "sum", "∑": "sum", "Π": "prod",
         "∏": "prod", "...": ".."}  # fmt: skip
_HINTS = {"^": "a power is written **", "·": "a product is written *", "×": "a product is written *",
          "−": "a minus is written -", "!": "unequal is written !=", "@": "a product of matrices is written as a sum, "
          "sum[k](a[i,k]*b[k,j])", "|": "an absolute value is written abs(x[i]), a choice where(x[i] > 0, a, b)",
          "√": "a root is written sqrt(x[i])", "²": "a square is written **2", "³": "a cube is written **3",
          "∂": "a gradient is written ∂L/∂x, or gx", "∈": "how far an index runs is written sum[p<3]",
          "%": "a remainder is (i - 2*(i//2)) in an index", "&": "both conditions hold where their product is 1",
          "\\": "LaTeX is not read: a sum is written sum[p](...), an index x[n,i]"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """``kind`` is number, name, op or end; ``column`` counts from 0."""

    kind: str
    text: str
    column: int


def point(source: str, column: int, message: str) -> SpecError:
    """A SpecError that shows the formula with a caret under ``column``."""
    line = " ".join(source.split("\n"))
    start = max(0, column - 60)
    shown = line[start : start + 100]
    return SpecError(f"{message}\n  {shown}\n  {' ' * (column - start)}^")


def tokenize(source: str) -> tuple[Token, ...]:
    """Split a formula into tokens; raises SpecError that points at what is no token.

    >>> [token.text for token in tokenize("y[i] = 2*x[i+1]")][:5]
    ['y', '[', 'i', ']', '=']
    """
    if len(source) > MAX_LENGTH:
        raise SpecError(f"the formula has {len(source)} characters; at most {MAX_LENGTH} are read")
    tokens, position = [], 0
    while position < len(source):
        match = _PATTERN.match(source, position)
        if match is None:
            sign = source[position]
            hint = f"; {_HINTS[sign]}" if sign in _HINTS else ""
            raise point(source, position, f"column {position + 1}: {sign!r} is not part of the notation{hint}")
        if match.lastgroup != "space":
            if match.lastgroup in {"number", "name"} and len(match.group()) > 60:
                raise point(
                    source, position, f"column {position + 1}: this {match.lastgroup} is too long (60 characters)"
                )
            kind, text = match.lastgroup or "op", match.group()
            if kind == "gradient":
                kind, text = "name", f"g{text.rpartition('∂')[2]}"
            tokens.append(Token(kind, _SAME.get(text, text), position))
        position = match.end()
    return (*tokens, Token("end", "", len(source)))
