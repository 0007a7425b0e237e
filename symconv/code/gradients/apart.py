"""One sum of products as a product of sums where its indices do not meet: (Σ_c x[c])·(Σ_k x[k])."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from symconv.notation.expr import Apply, Const, Constraint, Expr, Index, Piece, Range, Read, Reduce, walk

__all__ = ["summed_apart", "times"]

_ONE = Const(Fraction(1))


def times(left: Expr | None, right: Expr) -> Expr:
    """A product, where there is a first factor."""
    return right if left is None else Apply("mul", (left, right))


def summed_apart(
    scale: Expr | None, ranges: Sequence[Range], factors: Sequence[Expr], conditions: Sequence[Constraint],
    over: bool = False,
) -> Expr:  # fmt: skip
    """The sum of ``scale`` times the factors over the ranges, where the conditions hold.

    With ``over`` factors stand over what they are divided by, as kernels want it; proofs want one product.

    Indices that stand together in no factor and no condition are summed apart: as many terms as there are indices of
    each, not their product. Where all meet it is one sum, with the factors that no index stands in but for sums.
    """
    names = {one.name for one in ranges}
    groups: list[set[str]] = [{name} for name in names]
    for met in (*(_mentioned(one) & names for one in factors), *(one.form.names() & names for one in conditions)):
        joined = [one for one in groups if one & met]
        groups = [one for one in groups if not one & met] + ([set[str]().union(*joined)] if joined else [])
    free = [one for one in factors if not _mentioned(one) & names]
    if len(groups) < 2 and not any(isinstance(node, Reduce) for one in free for node in walk(one)):
        return _sum(ranges, conditions, _product(scale, factors, over))
    parts = [scale] if scale is not None else []
    bare = [one for one in conditions if not one.form.names() & names]
    if free or not groups:
        parts += [_sum((), bare, _product(None, free, over))] if bare or not over else free
    for group in sorted(groups, key=lambda group: min(k for k, one in enumerate(ranges) if one.name in group)):
        own = [one for one in factors if _mentioned(one) & group]
        # What is read there may lie inside under conditions on other indices alone.
        where = [one for one in conditions if one in bare or one.form.names() & group]
        parts.append(_sum([one for one in ranges if one.name in group], where, _product(None, own, over)))
    return _product(None, parts, over)


def _product(scale: Expr | None, factors: Sequence[Expr], over: bool) -> Expr:
    """The factors, ``over`` what they are divided by where that is wanted.

    A sum of exponentials stands under the factor whose exponentials it is of: such quotients are computed with the
    largest exponent taken off.
    """
    if not over:
        for one in factors:
            scale = times(scale, one)
        return _ONE if scale is None else scale
    above = [one for one in factors if _divisor(one) is None]
    rest = list[Expr]()
    for divisor in (below for one in factors if (below := _divisor(one)) is not None):
        exponents = _exponents(divisor)
        own = next((k for k, one in enumerate(above) if exponents and _exponents(one) == exponents), None)
        if own is None:
            rest.append(divisor)
        else:
            above[own] = Apply("div", (above[own], divisor))
    for one in _squared(above):
        scale = times(scale, one)
    for divisor in rest:
        scale = Apply("div", (_ONE if scale is None else scale, divisor))
    return _ONE if scale is None else scale


def _squared(factors: Sequence[Expr]) -> list[Expr]:
    """The factors, two equal sums as a square."""
    found = list[Expr]()
    for one in factors:
        if found and found[-1] == one and not isinstance(one, Read):
            found[-1] = Apply("pow", (one, Const(Fraction(2))))
        else:
            found.append(one)
    return found


def _divisor(factor: Expr) -> Expr | None:
    match factor:
        case Apply("div", (above, below)) if above == _ONE:
            return below
    return None


def _exponents(factor: Expr) -> frozenset[str]:
    """The tensors that the exponents are of, in a factor that is a sum of exponentials or one of them."""
    match factor:
        case Apply("exp", (exponent,)):
            return frozenset(node.tensor for node in walk(exponent) if isinstance(node, Read))
        case Apply("mul" | "add" | "sub" | "neg", arguments):
            return frozenset[str]().union(*map(_exponents, arguments))
        case Reduce("sum", _, pieces):
            return frozenset[str]().union(*(_exponents(piece.body) for piece in pieces))
    return frozenset()


def _sum(ranges: Sequence[Range], conditions: Sequence[Constraint], body: Expr) -> Expr:
    return Reduce("sum", tuple(ranges), (Piece(tuple(conditions), body),)) if ranges or conditions else body


def _mentioned(expr: Expr) -> set[str]:
    """The indices that an expression mentions, those of sums in it among them."""
    found: set[str] = set()
    for node in walk(expr):
        match node:
            case Read(_, index):
                found.update(*(form.names() for form in index))
            case Index(form):
                found |= form.names()
            case Reduce(_, ranges, pieces):
                found.update(*(one.extent.names() for one in ranges))
                found.update(*(c.form.names() for piece in pieces for c in piece.where))
    return found
