"""For which sizes a polynomial in the sizes is zero, as a set."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import isqrt, lcm

from symconv.limits import LARGEST_RATIO
from symconv.notation.affine import Affine, affine
from symconv.notation.expr import Constraint, equal, nonnegative
from symconv.relation.regions import Region, nowhere
from symconv.relation.terms import Monomial, Undecided, power_product

__all__ = ["Polynomial", "vanishing"]

Polynomial = dict[Monomial, Fraction]


def vanishing(region: Region, polynomial: Polynomial) -> Region:
    """The sizes of ``region`` for which the polynomial is 0.

    Decided for one monomial, for affine polynomials and for two monomials that differ by a product of positive sizes;
    raises Undecided for others.
    """
    cleared = _cleared(region, polynomial)
    if not cleared:
        return region
    if len(cleared) == 1:
        ((monomial, _),) = cleared.items()
        result = nowhere(region.context)
        for form, _ in monomial:
            result = result.union(region.where(Constraint(form, True)))
        return result
    whole = _affine(cleared)
    if whole is not None:
        return region.where(Constraint(whole, True))
    if len(cleared) == 2:
        return _two(region, cleared)
    raise Undecided("the coefficients differ by a polynomial in the sizes whose zeros are not affine")


def _cleared(region: Region, polynomial: Polynomial) -> Polynomial:
    """The polynomial times every denominator, with forms that are equal in the region merged; denominators are
    positive."""
    names: list[Affine] = []
    renamed: Polynomial = {}
    for monomial, value in polynomial.items():
        new: Monomial = ()
        for form, power in monomial:
            same = next((f for f in names if f == form or region.within(region.where(equal(f, form)))), None)
            if same is None:
                names.append(form)
                same = form
            new = power_product(new, ((same, power),))
        number = Fraction(1)
        kept = []
        for form, power in new:
            constant = region.constant(form)
            if constant is None or constant == 0:
                kept.append((form, power))
            else:
                number *= Fraction(constant) ** power
        new = tuple(kept)
        renamed[new] = renamed.get(new, Fraction(0)) + value * number
    renamed = {monomial: value for monomial, value in renamed.items() if value}
    if not renamed:
        return {}
    least = {form: min(dict(m).get(form, 0) for m in renamed) for form in names}
    shift = tuple((form, -power) for form, power in least.items() if power < 0)
    common = tuple((form, -power) for form, power in least.items() if power > 0 and _positive(region, form))
    scale = lcm(*(value.denominator for value in renamed.values()))
    return {power_product(m, shift, common): value * scale for m, value in renamed.items()}


def _positive(region: Region, form: Affine) -> bool:
    return region.within(region.where(nonnegative(form - 1)))


def _affine(polynomial: Polynomial) -> Affine | None:
    total = affine(0)
    for monomial, value in polynomial.items():
        match monomial:
            case ():
                total = total + int(value)
            case ((form, 1),):
                total = total + form * int(value)
            case _:
                return None
    return total


def _two(region: Region, polynomial: Polynomial) -> Region:
    """``a·M + b·L = 0`` where M and L share no form: equal products, decided when one of them is a number."""
    (first, a), (second, b) = polynomial.items()
    if first and second:
        raise Undecided("the coefficients differ by two different products of sizes")
    product, ratio = (first, -b / a) if first else (second, -a / b)
    forms = [form for form, power in product for _ in range(power)]
    if not all(_positive(region, form) for form in forms):
        raise Undecided("the coefficients differ by a product of sizes that may be negative")
    if ratio.denominator != 1 or ratio < 1:
        return nowhere(region.context)
    if ratio > LARGEST_RATIO:
        raise Undecided("the coefficients differ by a large number")
    result = nowhere(region.context)
    for values in _factorisations(int(ratio), len(forms)):
        result = result.union(region.where(*(equal(f, affine(v)) for f, v in zip(forms, values, strict=True))))
    return result


def _factorisations(number: int, count: int) -> Iterator[tuple[int, ...]]:
    if count == 1:
        yield (number,)
        return
    for divisor in _divisors(number):
        for rest in _factorisations(number // divisor, count - 1):
            yield (divisor, *rest)


def _divisors(number: int) -> list[int]:
    small = [k for k in range(1, isqrt(number) + 1) if number % k == 0]
    return sorted({*small, *(number // k for k in small)})
