"""What the elaboration of a claim knows: the operator's names, and the sizes of the branch it is in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from symconv.errors import SpecError
from symconv.notation.affine import Affine
from symconv.notation.expr import Constraint
from symconv.prove.parse import Caret
from symconv.prove.value import Axis, Fresh
from symconv.relation.regions import Region

__all__ = ["Fork", "Mismatch", "Scope", "Undecided", "same_size"]


class Undecided(Exception):  # noqa: N818
    """The claim means something the method cannot decide; the argument says what."""


class Mismatch(Exception):  # noqa: N818
    """In the whole branch the shapes do not fit."""


class Fork(Exception):  # noqa: N818
    """The branch holds sizes on both sides of ``constraint``: both have to be looked at."""

    def __init__(self, constraint: Constraint) -> None:
        super().__init__(str(constraint))
        self.constraint = constraint


@dataclass(slots=True)
class Scope:
    """One branch: its sizes shrink as shapes are required to fit; those that do not are ``refused``."""

    region: Region
    caret: Caret
    fresh: Fresh
    refused: list[Region] = field(default_factory=list)

    def decide(self, constraint: Constraint) -> bool:
        """Whether ``constraint`` holds in the branch; raises Fork where that depends on the sizes."""
        if constraint.form.is_constant:
            value = constraint.form.constant
            return value == 0 if constraint.equality else value >= 0
        yes = self.region.where(constraint)
        if yes.empty:
            return False
        if self.region.within(yes):
            return True
        raise Fork(constraint)

    def require(self, constraint: Constraint) -> None:
        """Leave out the sizes where ``constraint`` fails; raises Mismatch when none are left."""
        if constraint.form.is_constant:
            value = constraint.form.constant
            if (value == 0) if constraint.equality else (value >= 0):
                return
        kept = self.region.where(constraint)
        self.refused.append(self.region.minus(kept))
        self.region = kept
        if kept.empty:
            raise Mismatch

    def known(self, form: Affine) -> int | None:
        """The value of a form where the branch has only one."""
        return form.constant if form.is_constant else self.region.constant(form)

    def error(self, at: int, message: str) -> SpecError:
        """An error of the user's that points at a column."""
        return self.caret.error(at, message)


def same_size(scope: Scope, left: Sequence[Affine], right: Sequence[Affine], sentence: str) -> Constraint | None:
    """The constraint under which two products of sizes are equal; None where they always are.

    Raises Undecided where that is not affine.
    """
    a, b = list(left), list(right)
    for form in list(a):
        if form in b:
            a.remove(form)
            b.remove(form)
    if not a and not b:
        return None
    one, other = Axis(tuple(a)).size, Axis(tuple(b)).size
    if one is None or other is None:
        a = [f for f in a if scope.known(f) is None] + [Affine((), v) for f in a if (v := scope.known(f)) is not None]
        b = [f for f in b if scope.known(f) is None] + [Affine((), v) for f in b if (v := scope.known(f)) is not None]
        one, other = Axis(tuple(a)).size, Axis(tuple(b)).size
    if one is None or other is None:
        raise Undecided(f"{sentence}: whether {Axis(tuple(left))} equals {Axis(tuple(right))} is not affine in the sizes")
    return Constraint(one - other, True)
