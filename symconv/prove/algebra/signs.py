"""What is known of signs of polynomials: even powers, exponentials, and ``u*sign(u)``, which is the size of ``u``."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from symconv.prove.algebra.variables import (
    Applied,
    Base,
    Element,
    Holds,
    Monomial,
    Number,
    Polynomial,
    Size,
    Summed,
    Whole,
    positive,
    thawed,
)
from symconv.prove.meaning.atoms import PI

__all__ = ["never_below", "never_negative", "never_zero"]


@lru_cache(maxsize=4096)
def never_negative(base: Base) -> bool:
    match base.node:
        case Size() | Number() | Holds():
            return True
        case Element(tensor):
            return tensor == PI
        case Applied(function):
            return function in {"exp", "step"}
        case Summed(_, body):
            return all(_no_sign(one, power) for one, power in body)
    return False


def _no_sign(base: Base, power: Fraction) -> bool:
    """Whether a power is nowhere negative."""
    if never_negative(base) or (power.denominator == 1 and power % 2 == 0):
        return True
    return isinstance(base.node, Whole) and power.denominator % 2 == 0


def never_below(polynomial: Polynomial) -> bool:
    """Whether it is plainly not negative."""
    rest = _without_absolute(polynomial).items()
    return all(value > 0 and all(_no_sign(b, p) for b, p in _absolute(monomial)) for monomial, value in rest)


def never_zero(polynomial: Polynomial) -> bool:
    """Whether it is plainly positive."""
    return never_below(polynomial) and any(all(positive(base) for base, _ in monomial) for monomial in polynomial)


def _absolute(monomial: Monomial) -> Monomial:
    """A product without ``u`` and ``sign(u)`` where both are factors, and ``u`` is a product."""
    powers = dict(monomial)
    for base, power in monomial:
        match base.node:
            case Applied("sign", (((*inner,), value),)) if power == 1 and value > 0:
                if all(powers.get(one, 0) >= own > 0 for one, own in inner):
                    powers[base] = Fraction(0)
                    for one, own in inner:
                        powers[one] -= own
    return tuple((base, power) for base, power in powers.items() if power)


def _without_absolute(polynomial: Polynomial) -> Polynomial:
    """The polynomial without the parts that are ``u*sign(u)`` times a positive number, for sums ``u``."""
    for base in {base for monomial in polynomial for base, power in monomial if power == 1}:
        match base.node:
            case Applied("sign", argument) if len(argument) > 1:
                inner = thawed(argument)
                part = {m: v for m, v in polynomial.items() if (base, Fraction(1)) in m}
                beside = {tuple(one for one in m if one[0] != base): v for m, v in part.items()}
                ratios = {v / inner[m] if m in inner else Fraction(0) for m, v in beside.items()}
                if beside.keys() == inner.keys() and len(ratios) == 1 and min(ratios) > 0:
                    polynomial = {m: v for m, v in polynomial.items() if m not in part}
    return polynomial
