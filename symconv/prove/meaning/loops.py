"""One branch of sizes inside loops: what holds for the numbers that an index runs over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from symconv.notation.affine import var
from symconv.notation.expr import Constraint
from symconv.prove.language.parse import Caret
from symconv.prove.meaning.scope import Fork, ForkAt, Mismatch, Scope, Undecided
from symconv.relation.regions import Region
from symconv.relation.sets import Context

__all__ = ["Loops", "Varies"]


class Varies(Undecided):
    """What is asked holds in some iterations of a loop and not in others, whatever the sizes."""


class Loops(Scope):
    """A scope inside loops: ``region`` holds their indices too, ``base`` the sizes alone.

    What is required has to hold in every iteration; what is decided holds in all or in none, else the sizes are split.
    """

    def __init__(self, outer: Scope, caret: Caret) -> None:
        super().__init__(outer.region, caret, outer.fresh, outer.names, outer.refused, outer.misfits, outer.asked)
        self.of_sum = outer.of_sum
        self.labels, self.loops = outer.labels, outer.loops
        self.base = outer.region
        self.outer = outer
        self.around: list[tuple[tuple[str, ...], tuple[Constraint, ...]]] = []

    @property
    def indices(self) -> tuple[str, ...]:
        """The indices of the loops around."""
        return tuple(name for names, _ in self.around for name in names)

    @property
    def guards(self) -> tuple[Constraint, ...]:
        """The conditions around, without the limits of loops."""
        return tuple(c for names, limits in self.around if not names for c in limits)

    @contextmanager
    def inside(self, names: Sequence[str], limits: Sequence[Constraint]) -> Iterator[bool]:
        """Within a loop over ``names``, or under a condition; False where no iteration is left."""
        self.around.append((tuple(names), tuple(limits)))
        self._extend()
        try:
            yield not self.region.empty
        finally:
            self.around.pop()
            self._extend()

    def _extend(self) -> None:
        region = self.base
        self.loops[:] = [c for _, limits in self.around for c in limits]
        if self.around:
            sizes = (*self.base.context.sizes, *self.indices)
            region = Region(Context(sizes, "true"), self.base.points)
            region = region.where(*(c for _, limits in self.around for c in limits))
        self.region = region

    def _sizes(self, region: Region) -> Region:
        """The sizes for which some iteration is in ``region``."""
        if not self.around:
            return region
        points = region.without(self.indices).points
        return Region(self.base.context, points.align_params(self.base.points.get_space()))

    def require_at_ends(self, constraint: Constraint, sentence: str) -> None:
        """Leave out the sizes where a bound fails in some iteration, and say what that asks of sizes: the bound with
        every index at the limit at which it holds last."""
        asked = constraint
        limits = [one.form for _, around in self.around for one in around if not one.equality]
        for name in reversed(self.indices):  # the limits of inner loops may speak of outer ones
            step = asked.form.coefficient(name)
            ends = [var(name) + (form if step < 0 else -form) for form in limits
                    if step and form.coefficient(name) == (-1 if step < 0 else 1)]  # fmt: skip
            asked = asked.substitute({name: ends[0]}) if ends else asked
        self.asked.append(asked)
        self.require(constraint, sentence)

    def decide(self, constraint: Constraint) -> bool:
        """Whether ``constraint`` holds here; raises Fork where that depends on the sizes, Varies on the iteration."""
        if constraint.form.is_constant or not constraint.form.names() & set(self.indices):
            region, self.region = self.region, self.base
            try:
                return super().decide(constraint)
            except Fork:
                self.region = region
                if region.always(constraint):
                    return True
                raise
            finally:
                self.region = region
        yes = self.region.where(constraint)
        if yes.empty:
            return False
        no = self.region.minus(yes)
        if no.empty:
            return True
        for some in (no, yes):
            part = self._sizes(some)
            rest = self.base.minus(part)
            if not rest.empty:
                raise ForkAt(rest)
        raise Varies(f"whether {constraint} depends on the iteration")

    def require(self, constraint: Constraint, sentence: str = "") -> None:
        """Leave out the sizes where ``constraint`` fails in some iteration."""
        if not constraint.form.names() & set(self.base.context.sizes):
            self.asked.append(constraint)
        lost = self._sizes(self.region.minus(self.region.where(constraint)))
        if lost.empty:
            return
        self.asked += [] if constraint.form.names() & set(self.indices) else [constraint]
        lost = lost.meet(self.base)
        self.refused.append(lost)
        self.misfits.append(sentence)
        self.base = self.outer.region = self.base.minus(lost)
        self._extend()
        if self.base.empty:
            raise Mismatch(sentence)
