"""Sums that functions are of, by names: layers upon layers are then not written into each other.

A sum that is a multiple of another one, such as its opposite, has the name of that. What has a value only where
something is not 0 has no name: it is looked into.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from symconv.notation.affine import Affine
from symconv.prove.algebra.variables import Base, Frozen, Polynomial, Summed, element

__all__ = ["Named", "names_its_sum"]

_ALGEBRAIC = frozenset({"reciprocal", "sqrt", "log"})
"""Functions whose laws are about what they are of."""

_Read = Callable[[int, Sequence[str]], tuple[Frozen, Collection[Base]]]
"""A sum by its number, over these names for the indices that stand free in it, and what it divides by."""


def names_its_sum(function: str) -> bool:
    """Whether what a function is of may be a name: nothing is known of the function that is about it."""
    return function not in _ALGEBRAIC and not function.startswith("power ")


@dataclass
class Named:
    """The sums of both sides by their numbers: of which one each is a multiple, by what; and the first ones."""

    fresh: Callable[[], str]
    sums: dict[int, tuple[int, Fraction] | None] = field(default_factory=dict)
    first: dict[Frozen, int] = field(default_factory=dict)
    free: list[str] = field(default_factory=list)

    def read(self, number: int, index: tuple[Affine, ...], read: _Read) -> Polynomial | None:
        """A sum as a number times a name, at an index; None where it has none."""
        if number not in self.sums:
            self.free += [self.fresh() for _ in index[len(self.free) :]]
            self.sums[number] = self._first(number, *read(number, self.free[: len(index)]))
        if (known := self.sums[number]) is None:
            return None
        first, times = known
        return {((element(f"a sum, {first}", index), Fraction(1)),): times}

    def _first(self, number: int, argument: Frozen, asked: Collection[Base]) -> tuple[int, Fraction] | None:
        short = len(argument) < 2 and not any(isinstance(b.node, Summed) for m, _ in argument for b, _ in m)
        if asked or short:
            return None
        lead = argument[0][1]
        return self.first.setdefault(tuple((monomial, value / lead) for monomial, value in argument), number), lead
