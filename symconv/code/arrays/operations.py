"""The operations on arrays that reading code needs: ``Symbolic`` and ``Concrete`` carry them out."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Protocol

from symconv.code.arrays.nodes import Arguments
from symconv.code.source.trouble import LineCaret
from symconv.code.values.objects import Plan, Span
from symconv.notation.affine import Affine
from symconv.notation.expr import Constraint
from symconv.prove.meaning.value import Product

__all__ = ["Arrays"]


class Arrays(Protocol):
    """Operations on arrays of one kind; the arrays themselves are opaque to who reads."""

    caret: LineCaret
    other_ties: frozenset[str]
    """Whether the derivative goes to the other one where two numbers of a maximum are equal."""
    equal_parts: bool
    """Whether ``chunk`` leaves out the lengths that it does not cut into equal parts."""
    forming: bool
    """Whether a formula is made of what is read, which says what is chosen at kinks."""
    exact: bool
    """Whether words are what libraries compute to the last case, as kernels want it and claims do not."""

    @property
    def symbolic(self) -> bool:
        """Whether arrays are terms for all sizes, where a size is no number."""

    # -- sizes
    def rank(self, value: Any) -> int:
        """How many axes it has."""

    def size(self, value: Any, position: int) -> Any:
        """The length of an axis."""

    def decide(self, constraint: Constraint) -> bool:
        """Whether it holds."""

    def require(self, constraint: Constraint, sentence: str) -> None:
        """Leave out the sizes where it fails."""

    # -- arrays that are made
    def lift(self, number: Product) -> Any:
        """A number as an array without axes."""

    def fill(self, shape: Sequence[Any], number: Fraction) -> Any:
        """An array of one number."""

    def unset(self, shape: Sequence[Any]) -> Any:
        """An array that nothing was put in yet."""

    # -- elements
    def elementwise(self, op: str, left: Any, right: Any) -> Any:
        """``left op right`` for ``+ - *``, broadcast."""

    def complement(self, mask: Any) -> Any:
        """1 where a mask is 0, and 0 where it is 1."""

    def scale(self, value: Any, number: Product) -> Any:
        """Every element times a number."""

    def compare(self, op: str, left: Any, right: Any) -> Any:
        """1 where it holds, else 0."""

    def mapped(self, function: str, value: Any) -> Any:
        """A function of every element."""

    def word(self, word: str, arguments: Sequence[Any], options: Arguments) -> Any:
        """A word of the claim language."""

    def extreme(self, kind: str, value: Any, axes: Sequence[int], keep: bool, mask: Any = None) -> Any:
        """The largest or smallest elements over axes, of those where a mask of positions is 1."""

    def position(self, kind: str, value: Any, position: int | None, keep: bool) -> Any:
        """Where the first of them is."""

    # -- axes
    def pad(self, value: Any, pads: dict[int, tuple[Affine, Affine]]) -> Any:
        """Zeros around; negative numbers crop."""

    def flip(self, value: Any, axes: Sequence[int]) -> Any:
        """Axes turned round."""

    def permute(self, value: Any, order: Sequence[int]) -> Any:
        """The axes in another order."""

    def repeat(self, value: Any, times: int, position: int) -> Any:
        """Every element several times along an axis."""

    # -- subscripts
    def span(self, start: Affine | None, stop: Affine | None, step: int, value: Any, position: int) -> Span:
        """The elements of an axis that a slice names."""

    def index(self, form: Affine, value: Any, position: int) -> Affine:
        """An index counted from the start."""

    def pick(self, value: Any, plan: Any) -> Any:
        """The elements a subscript names."""

    def update(self, value: Any, plan: Plan, new: Any, sign: int, replacing: bool, local: bool) -> Any:
        """The array with such elements replaced, or with ``sign*new`` added; ``local`` is of the loop that is read."""

    def scatter(self, value: Any, plan: Any, new: Any, sign: int, how: str) -> Any:
        """The same for elements that positions name."""

    # -- positions
    def positions(self, value: object) -> bool:
        """Whether it is an array of positions."""

    def counted(self, first: Affine, step: int, count: Affine) -> Any:
        """``first + step*k`` for ``0 <= k < count``."""

    def arithmetic(self, op: str, left: Any, right: Any) -> Any:
        """``left op right`` of positions and whole numbers."""
