"""One branch of sizes while code is read: the loops and conditions around the statement that is read."""

from __future__ import annotations

from symconv.code.source.trouble import LineCaret
from symconv.notation.affine import Affine, maximum
from symconv.notation.expr import Constraint, equal, nonnegative
from symconv.prove.meaning.loops import Loops, Varies
from symconv.prove.meaning.scope import Scope

__all__ = ["Varies", "Walk"]


class Walk(Loops):
    """A scope inside the loops of code, whose lines its errors say."""

    caret: LineCaret

    def __init__(self, outer: Scope) -> None:
        super().__init__(outer, LineCaret())

    def require(self, constraint: Constraint, sentence: str = "") -> None:
        """Leave out the sizes where ``constraint`` fails in some iteration."""
        super().require(constraint, f"line {self.caret.line}: {sentence}" if self.caret.line else sentence)

    def always(self, constraint: Constraint) -> bool:
        """Whether it holds for all sizes of the branch in every iteration."""
        return self.region.always(constraint)

    def least(self, left: Affine, right: Affine) -> Affine:
        """The smaller of two forms."""
        try:
            return left if self.decide(nonnegative(right - left)) else right
        except Varies:
            return -maximum(-left, -right)

    def most(self, left: Affine, right: Affine) -> Affine:
        """The larger of two forms."""
        return -self.least(-left, -right)

    def alike(self, left: Affine, right: Affine) -> bool:
        """Whether two lengths are equal, which has to be so for all sizes of the branch or for none."""
        return left == right or self.decide(equal(left, right))

    def same(self, left: Affine, right: Affine) -> bool:
        """Whether two forms are equal for all sizes of the branch in every iteration."""
        return left == right or self.always(equal(left, right))
