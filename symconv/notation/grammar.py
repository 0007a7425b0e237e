"""The core of both languages, formulas and claims: operators by precedence over tokens, without any node of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import reduce
from typing import ClassVar, Generic, TypeVar

from symconv.errors import SpecError
from symconv.notation.lexer import Token

__all__ = ["COMPARISONS", "Grammar"]

COMPARISONS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}
"""The signs of comparisons, and the functions of numbers that they stand for."""
N = TypeVar("N")
E = TypeVar("E")


class Grammar(ABC, Generic[N]):
    """Precedence climbing; a language says which operators there are, what nodes look like, and how errors read."""

    levels: ClassVar[tuple[tuple[str, ...], ...]]
    """Operators that associate to the left, those that bind least first."""
    most_depth: ClassVar[int]

    def __init__(self, source: str, tokens: Sequence[Token]) -> None:
        self.source = source
        self.tokens = tokens
        self.position = self.depth = 0

    @abstractmethod
    def joined(self, operator: Token, left: N, right: N) -> N:
        """``left operator right``."""

    @abstractmethod
    def negated(self, operator: Token, operand: N) -> N:
        """``-operand``."""

    @abstractmethod
    def both(self, left: N, right: N) -> N:
        """What is 1 where two comparisons hold, else 0."""

    @abstractmethod
    def operand(self) -> N:
        """What stands between operators."""

    @abstractmethod
    def error(self, column: int, message: str) -> SpecError:
        """An error that points at a column."""

    @property
    def here(self) -> Token:
        """The token that is read next."""
        return self.tokens[self.position]

    def take(self) -> Token:
        """The next token, read."""
        token = self.here
        self.position += 1
        return token

    def at(self, *texts: str) -> bool:
        """Whether one of these signs comes next."""
        return self.here.kind == "op" and self.here.text in texts

    def accept(self, *texts: str) -> bool:
        """Read one of these signs if it comes next."""
        found = self.at(*texts)
        self.position += found
        return found

    def binary(self, level: int = 0) -> N:
        """Operands joined by the operators of a level and those that bind more."""
        if level == len(self.levels):
            return self.unary()
        left = self.binary(level + 1)
        while self.at(*self.levels[level]):
            token = self.take()
            left = self.joined(token, left, self.binary(level + 1))
        return left

    def unary(self) -> N:
        """Signs before an operand, and its power."""
        self.depth += 1
        if self.depth > self.most_depth:
            raise self.error(self.here.column, f"nested deeper than {self.most_depth}")
        if self.at("-", "+"):
            token = self.take()
            inner = self.unary()
            node = self.negated(token, inner) if token.text == "-" else inner
        else:
            node = self.operand()
            if self.at("**"):
                token = self.take()
                node = self.joined(token, node, self.unary())
        self.depth -= 1
        return node

    def compared(self) -> tuple[N, list[tuple[Token, N, N]]]:
        """A sum, and the comparisons that follow it: ``a < b <= c`` are two."""
        left = first = self.binary()
        found: list[tuple[Token, N, N]] = []
        while self.at(*COMPARISONS):
            token = self.take()
            right = self.binary()
            found.append((token, left, right))
            left = right
        return first, found

    def chained(self, found: Sequence[tuple[Token, N, N]]) -> N:
        """Comparisons one after the other, which hold where their product is 1."""
        return reduce(self.both, [self.joined(*one) for one in found])

    def condition(self) -> N:
        """A sum, or comparisons of sums."""
        first, found = self.compared()
        return self.chained(found) if found else first

    def equations_of(self, equation: Callable[[], E]) -> list[E]:
        """One equation or several, each behind a semicolon or on a line of its own."""
        found = [equation()]
        while (self.accept(";") or self._starts_line()) and self.here.kind != "end":
            found.append(equation())
        return found

    def _starts_line(self) -> bool:
        """Whether a name stands first on a further line: an equation of its own."""
        last = self.tokens[self.position - 1]
        return self.here.kind == "name" and "\n" in self.source[last.column : self.here.column]
