"""The gradients that one function returns, read together: what they share is read once, for the same sizes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from symconv.errors import SymconvError
from symconv.prove.concrete.numbers import Misfit
from symconv.prove.meaning.scope import Fork, Mismatch, Scope, Undecided
from symconv.prove.meaning.value import Fresh
from symconv.prove.meaning.whole_sums import KnownSum
from symconv.relation.regions import Region

__all__ = ["Together"]


@dataclass
class _Branch:
    """What was met in one branch of sizes: names, sums that functions are of, the whole function once it is read."""

    region: Region
    fresh: Fresh
    known: list[KnownSum] = field(default_factory=list)
    asked: int = 0
    whole: tuple[Any, Any] | None = None


@dataclass
class Together:
    """The branches in which gradients of one function were read so far.

    Functions of equal sums are one atom for all of them. The first gradient is read alone, as it may not fit at all;
    for the second one the function is read as a whole, and the others take their part of that. Where the whole is not
    read, or leaves out sizes that one gradient does not ask for, each is read alone.
    """

    branches: list[_Branch] = field(default_factory=list)

    def enter(self, region: Region) -> _Branch:
        """The branch of these sizes."""
        for one in self.branches:
            if one.region.context == region.context and one.region.same(region):
                return one
        self.branches.append(_Branch(region, Fresh(frozenset(region.context.sizes))))
        return self.branches[-1]

    def whole(self, scope: Scope, read: Callable[[], tuple[Any, Any]]) -> tuple[Any, Any] | None:
        """What the function returns, and the state at its end; None where each gradient is to be read alone."""
        branch = self.enter(scope.region)
        branch.asked += 1
        if branch.asked == 2:
            held = scope.region, len(scope.refused), len(scope.misfits)
            with suppress(SymconvError, Fork, Mismatch, Undecided, Misfit):
                found = read()
                if len(scope.refused) == held[1] and scope.region is held[0]:
                    branch.whole = found
            scope.region = held[0]
            del scope.refused[held[1] :], scope.misfits[held[2] :]
        return branch.whole
