"""A claim that is code: what it denotes and what it gives on numbers is known to who read the code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from symconv.prove.meaning.scope import Scope
    from symconv.prove.meaning.value import Fresh, Value
    from symconv.prove.meaning.whole_sums import KnownSum
    from symconv.relation.regions import Region

__all__ = ["Coded", "Shared"]


class Branch(Protocol):
    """The names and the functions of sums that were met in one branch of sizes."""

    fresh: Fresh
    known: list[KnownSum]


class Shared(Protocol):
    """Several claims that are read together."""

    def enter(self, region: Region) -> Branch:
        """What was met for these sizes."""


@dataclass(frozen=True)
class Coded:
    """``side = what a function returns``.

    ``denote`` gives the array it is in one branch of sizes; ``run`` computes it on the arrays of every tensor and of
    the cotangent; ``uses_output`` says whether the forward value is among its arguments, ``applies`` whether it applies
    functions whose values at fractions are no fractions. With ``free`` nothing says what a slope is taken as at kinks.
    ``together`` says which names and atoms others have that are read with it.
    ``listing`` are the lines of the code that say it, from line
    ``first`` on.
    """

    side: str
    source: str
    denote: Callable[[Scope], Value] = field(compare=False, repr=False)
    run: Callable[[Mapping[str, Any]], Any] = field(compare=False, repr=False)
    uses_output: bool = field(default=False, compare=False)
    applies: bool = field(default=False, compare=False)
    listing: tuple[str, ...] = field(default=(), compare=False, repr=False)
    first: int = field(default=1, compare=False, repr=False)
    free: bool = field(default=False, compare=False)
    together: Shared | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.side} = {self.source}"
