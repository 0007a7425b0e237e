"""What the elaboration of a claim knows: the operator's names, and the sizes of the branch it is in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations
from math import gcd, prod
from typing import Protocol

from symconv.errors import InternalError, SpecError
from symconv.limits import AXIS_ALTERNATIVES
from symconv.notation.affine import Affine, affine
from symconv.notation.expr import Constraint, equal, nonnegative
from symconv.prove.language.facts import Facts
from symconv.prove.language.parse import Caret
from symconv.prove.language.syntax import Node
from symconv.prove.meaning.value import Amount, Axis, Fresh, Pair, Term, Undecided, Value
from symconv.relation.regions import Region

__all__ = ["Fork", "ForkAt", "Mismatch", "Names", "OfSum", "Scope", "Undecided", "Uneven", "primitive", "same_size"]


class Mismatch(Exception):  # noqa: N818
    """In the whole branch the shapes do not fit."""


class Uneven(Undecided):
    """Two products of sizes, the common ones left out, may or may not be equal."""

    def __init__(self, message: str, left: Sequence[Affine], right: Sequence[Affine]) -> None:
        super().__init__(message)
        self.sides = tuple(left), tuple(right)


class Fork(Exception):  # noqa: N818
    """The branch holds sizes on both sides of ``constraint``: both have to be looked at."""

    def __init__(self, constraint: Constraint) -> None:
        super().__init__(str(constraint))
        self.constraint = constraint


class ForkAt(Fork):
    """The branch has to be looked at inside and outside of ``region``."""

    def __init__(self, region: Region) -> None:
        Exception.__init__(self, "the sizes are split")
        self.region = region


@dataclass(frozen=True, slots=True)
class Names:
    """What the words of a claim mean for one operator.

    ``vectors`` have a component per windowed axis; ``tensors`` are arrays, with their
    ``logical`` sizes; ``facts`` say how the operator's axes are used; ``definitions`` maps a formula of a size to the
    size's name.
    """

    sizes: Mapping[str, Affine]
    vectors: Mapping[str, tuple[Amount | Pair, ...]]
    tensors: Mapping[str, Value]
    logical: Mapping[str, tuple[Affine, ...]]
    facts: Facts
    definitions: Mapping[Affine, Affine] = field(default_factory=dict)

    def with_tensor(self, name: str, value: Value) -> Names:
        """The same names and one more array."""
        return replace(self, tensors={**self.tensors, name: value})


def _no_arrays(array: Node, which: Node) -> Amount:
    raise InternalError(f"{array}.shape[{which}] is asked for before arrays mean anything")


def _no_rank(array: Node) -> int:
    raise InternalError(f"{array}.shape is asked for before arrays mean anything")


class OfSum(Protocol):
    """What a function of a sum over indices is, for the indices that satisfy the limits, in one branch."""

    @property
    def scope(self) -> Scope:
        """The branch."""

    @property
    def keeps(self) -> Collection[str]:
        """The functions that stay words, where a formula is to show them."""

    def __call__(self, function: str, argument: Sequence[Term], limits: Collection[Constraint]) -> Iterator[Term]:
        """The function as terms."""

    def of_several(
        self, function: str, arguments: Sequence[Sequence[Term]], limits: Collection[Constraint]
    ) -> Iterator[Term]:
        """A function of several sums as terms."""


class _NoFunctions:
    @property
    def scope(self) -> Scope:
        raise InternalError("functions are asked for before functions of sums mean anything")

    @property
    def keeps(self) -> Collection[str]:
        return ()

    def of_several(
        self, function: str, arguments: Sequence[Sequence[Term]], limits: Collection[Constraint]
    ) -> Iterator[Term]:
        return self(function, [term for one in arguments for term in one], limits)

    def __call__(self, function: str, argument: Sequence[Term], limits: Collection[Constraint]) -> Iterator[Term]:
        raise InternalError(f"{function} of {argument} is asked for before functions of sums mean anything")


def _nowhere_refuted(region: Region, thorough: bool) -> bool:
    return False


@dataclass(slots=True)
class Scope:
    """One branch: its sizes shrink as shapes are required to fit; those that do not are ``refused``.

    ``by_algebra`` says that its values were compared as rational functions of whole sums; ``refuted`` whether numbers,
    of one draw or of many, show that the claim is wrong somewhere in a region. ``labels`` are the sizes of operands
    that are selectors, ``loops`` what holds in the loops of code around what is read.
    """

    region: Region
    caret: Caret
    fresh: Fresh
    names: Names
    refused: list[Region] = field(default_factory=list)
    misfits: list[str] = field(default_factory=list)
    asked: list[Constraint] = field(default_factory=list)
    by_algebra: bool = False
    refuted: Callable[[Region, bool], bool] = _nowhere_refuted
    size_of: Callable[[Node, Node], Amount] = _no_arrays
    rank_of: Callable[[Node], int] = _no_rank
    of_sum: OfSum = field(default_factory=_NoFunctions)
    labels: dict[str, tuple[Affine, ...]] = field(default_factory=dict)
    loops: list[Constraint] = field(default_factory=list)

    def decide(self, constraint: Constraint) -> bool:
        """Whether ``constraint`` holds in the branch; raises Fork where that depends on the sizes."""
        if constraint.form.is_constant:
            value = constraint.form.constant
            return value == 0 if constraint.equality else value >= 0
        yes = self.region.where(constraint)
        self.asked.append(constraint)
        if yes.empty:
            return False
        if self.region.within(yes):
            return True
        raise Fork(constraint)

    def require(self, constraint: Constraint, sentence: str = "") -> None:
        """Leave out the sizes where ``constraint`` fails; raises Mismatch when none are left."""
        self.asked.append(constraint)
        if constraint.form.is_constant:
            value = constraint.form.constant
            if (value == 0) if constraint.equality else (value >= 0):
                return
        if self.region.always(constraint) and not self.region.empty:
            return
        kept = self.region.where(constraint)
        lost = self.region.minus(kept)
        if not lost.empty:
            self.refused.append(lost)
            self.misfits.append(sentence)
        self.region = kept
        if kept.empty:
            raise Mismatch(sentence)

    def short(self, form: Affine) -> Affine:
        """A size under its name: the same number for all sizes of the branch."""
        if form.is_constant or form.name:
            return form
        if form in self.names.definitions:
            return self.names.definitions[form]
        named = self.names.definitions.values()
        return next((name for name in named if self.region.always(equal(form, name))), form)

    def known(self, form: Affine) -> int | None:
        """The value of a form where the branch has only one."""
        return form.constant if form.is_constant else self.region.constant(form)

    def error(self, at: int, message: str) -> SpecError:
        """An error of the user's that points at a column."""
        return self.caret.error(at, message)


def primitive(sizes: Sequence[Affine]) -> list[Affine]:
    """The sizes with their common factors apart: ``2*OH`` is 2 times OH."""
    number, forms = 1, []
    for size in sizes:
        content = gcd(size.constant, *(factor for _, factor in size.terms))
        if size.is_constant or not content:
            number *= size.constant
            continue
        number *= content
        forms.append(Affine(tuple((atom, factor // content) for atom, factor in size.terms), size.constant // content))
    return forms if number == 1 else [Affine((), number), *forms]


def _dominated(scope: Scope, left: Sequence[Affine], right: Sequence[Affine]) -> list[tuple[Affine, Affine]] | None:
    """Positive sizes in pairs of which the same side is never smaller: their products are equal where all pairs are."""
    sides = [[form for form in side if not form.is_constant] for side in (left, right)]
    numbers = [prod(form.constant for form in side if form.is_constant) for side in (left, right)]
    if numbers[1] == 1:
        sides, numbers = sides[::-1], numbers[::-1]
    plain, scaled = sides
    if numbers[0] != 1 or len(plain) != len(scaled) or len(plain) > 3:
        return None

    def always(constraint: Constraint) -> bool:
        return scope.region.always(constraint)

    for factors in _factored(numbers[1], len(scaled)):
        for order in permutations(scaled):
            pairs = [(one, other * k) for one, other, k in zip(plain, order, factors, strict=True)]
            for sign in (1, -1):
                larger = [one if sign > 0 else other for one, other in pairs]
                facts = [*((x - y) * sign for x, y in pairs), *(size - 1 for size in larger)]
                if all(always(nonnegative(form)) for form in facts):
                    return pairs
    return None


def _factored(number: int, count: int) -> Iterator[tuple[int, ...]]:
    """A number as so many factors."""
    if count == 1:
        yield (number,)
        return
    for first in (k for k in range(1, min(number, AXIS_ALTERNATIVES) + 1) if number % k == 0):
        yield from ((first, *rest) for rest in _factored(number // first, count - 1))


def same_size(scope: Scope, left: Sequence[Affine], right: Sequence[Affine], sentence: str) -> Constraint | None:
    """The constraint under which two products of sizes are equal; None where they always are.

    Raises Undecided where that is not affine.
    """
    a, b = primitive(left), primitive(right)
    for form in list(a):
        same = next((other for other in b if form == other), None) or next(
            (other for other in b if scope.region.always(equal(form, other))), None
        )
        if same is not None:
            a.remove(form)
            b.remove(same)
    if not a and not b:
        return None
    one, other = Axis(tuple(a)).size, Axis(tuple(b)).size
    if one is None or other is None:
        a = [f for f in a if scope.known(f) is None] + [Affine((), v) for f in a if (v := scope.known(f)) is not None]
        b = [f for f in b if scope.known(f) is None] + [Affine((), v) for f in b if (v := scope.known(f)) is not None]
        one, other = Axis(tuple(a)).size, Axis(tuple(b)).size
    if one is None or other is None:
        pairs = _dominated(scope, a, b)
        if pairs is not None:
            return None if all(scope.decide(equal(x, y)) for x, y in pairs) else Constraint(affine(-1))
        raise Uneven(
            f"{sentence}: whether {Axis(tuple(left))} equals {Axis(tuple(right))} is not affine in the sizes", a, b
        )
    return Constraint(one - other, True)
