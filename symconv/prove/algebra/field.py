"""Polynomials with exact coefficients whose variables stand for elements, sizes, functions, powers and whole sums.

An exponent is a rational number. A *whole* is a polynomial to a power that is no positive integer: a denominator, a
root. Variables that are different here may well be related; so a polynomial that comes out as 0 is 0, and nothing is
said of others.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import floor

from symconv.limits import ALGEBRA_MONOMIALS, ALGEBRA_POWER, ALGEBRA_STEPS
from symconv.prove.algebra.signs import never_below, never_negative, never_zero
from symconv.prove.algebra.steps import at_step, excluded, first_step
from symconv.prove.algebra.variables import (
    LOG,
    NONZERO,
    ONE,
    ROOT,
    Applied,
    Base,
    Holds,
    Monomial,
    Number,
    Polynomial,
    Size,
    Whole,
    added,
    application,
    constant,
    content_of,
    first_of_two,
    frozen,
    negated,
    number,
    one_and_a_product,
    outside,
    primes,
    thawed,
    whole,
)
from symconv.relation.terms import Undecided

__all__ = ["Field"]

_NUMBER = ONE.keys()


class Field:
    """Arithmetic with a limit on its work; ``domains`` are what it divided by and took roots and logarithms of.

    ``by_steps`` takes exponentials apart at the steps in them, and ``stepped`` says that there were some.
    """

    def __init__(self, by_steps: bool = False) -> None:
        self.by_steps = by_steps
        self.stepped = False
        self.domains: set[Base] = set()
        self.zeros: set[str] = set()
        self.steps = 0

    def times(self, *parts: Polynomial) -> Polynomial:
        """The product."""
        result = ONE
        for part in parts:
            result = self._product(result, part) if part is not ONE else result
        return result

    def _product(self, one: Polynomial, other: Polynomial) -> Polynomial:
        self.steps += len(one) * len(other)
        if self.steps > ALGEBRA_STEPS:
            raise Undecided(f"the algebra of both sides takes more than {ALGEBRA_STEPS} products")
        if one.keys() == _NUMBER or other.keys() == _NUMBER:
            polynomial, number = (other, one[()]) if one.keys() == _NUMBER else (one, other[()])
            return polynomial if number == 1 else {monomial: value * number for monomial, value in polynomial.items()}
        total: Polynomial = {}
        for a, x in one.items():
            for b, y in other.items():
                for monomial, value in self._joined(a, b).items():
                    total[monomial] = total.get(monomial, Fraction(0)) + x * y * value
        if len(total) > ALGEBRA_MONOMIALS:
            raise Undecided(f"the algebra of both sides has more than {ALGEBRA_MONOMIALS} products in one sum")
        return {monomial: value for monomial, value in total.items() if value}

    def _joined(self, a: Monomial, b: Monomial) -> Polynomial:
        powers = dict(a)
        same = False
        for base, power in b:
            same |= base in powers
            powers[base] = powers.get(base, Fraction(0)) + power
        if not same and not self.by_steps and not any(one_and_a_product(base) for base in powers):
            return {tuple(sorted(powers.items(), key=lambda item: item[0].text)): Fraction(1)}
        return self.monomial(powers)

    def monomial(self, powers: Mapping[Base, Fraction]) -> Polynomial:
        """A product of powers, multiplied out where a whole has a power that is a positive integer."""
        kept: dict[Base, Fraction] = {}
        others: list[Polynomial] = []
        number = Fraction(1)
        for base, power in powers.items():
            rest = power
            match base.node:
                case Holds():
                    rest = Fraction(bool(power))
                case Number(value):
                    number *= value ** floor(power)
                    rest = power - floor(power)
                case Applied("step") if power > 0 and power.denominator == 1:
                    rest = Fraction(1)
                case Applied("sign") if power > 2 and power.denominator == 1:
                    rest = 2 - power % 2
                case Whole(argument, plain):
                    rest = power - floor(power)
                    if floor(power) < 0 and plain and not rest:
                        rest = power
                    elif floor(power):
                        others.append(self.power(thawed(argument), Fraction(floor(power))))
            if rest:
                kept[base] = rest
        if self.by_steps and excluded(kept):
            return {}
        if (split := self._split(kept)) is not None:
            return self.times(constant(number), split, *others)
        first: Polynomial = {tuple(sorted(kept.items(), key=lambda item: item[0].text)): number}
        return self.times(first, *others) if others else first

    def _split(self, powers: Mapping[Base, Fraction]) -> Polynomial | None:
        """``u/(1 + u)`` as ``1 - 1/(1 + u)`` and ``1/(u*(1 + u))`` as ``1/u - 1/(1 + u)``, with whatever stands beside
        it; None where there is none.

        In a sum nothing is multiplied out by denominators, so that fractions are told there by their numerators.
        """
        for base, power in powers.items():
            found = one_and_a_product(base) if power < 0 and power.denominator == 1 else None
            if found is None:
                continue
            product, number = found
            if not all(one in powers for one, _ in product):
                continue
            least = min(powers.get(one, 0) / own for one, own in product)
            most = max(powers.get(one, 0) / own for one, own in product)
            above = {**powers, base: power + 1}
            if least >= 1:
                rest = {one: powers[one] - own for one, own in product}
                parts = self.monomial({**above, **rest}), negated(self.monomial({**powers, **rest}))
                return self.times(constant(1 / number), added(*parts))
            if most <= -1:
                rest = {one: powers[one] + own for one, own in product}
                return added(self.monomial(above), self.times(constant(-number), self.monomial({**powers, **rest})))
        return None

    def power(self, polynomial: Polynomial, power: Fraction) -> Polynomial:
        """A polynomial to a power; what would have to be different from 0, or positive, is remembered."""
        if not polynomial:
            if power <= 0:
                raise Undecided("something is divided by 0")
            return {}
        if power.denominator == 1 and abs(power) > ALGEBRA_POWER:
            return self._high(polynomial, power)
        if power.denominator == 1 and power >= 0:
            return self.times(*[polynomial] * int(power))
        if len(polynomial) == 1:
            ((monomial, value),) = polynomial.items()
            if power < 0:
                self._divides(monomial)
            return self._of_one(monomial, value, power)
        content, lead = first_of_two(polynomial) or content_of(polynomial, power.denominator == 1)
        if content or lead != 1:
            rest = self._divided(polynomial, content, lead)
            return self.times(self.power({content: lead}, power), self.power(rest, power))
        base = whole(frozen(polynomial), power.denominator == 1)
        self._remember(NONZERO if power.denominator == 1 else ROOT, polynomial)
        return self.monomial({base: power})

    def _high(self, polynomial: Polynomial, power: Fraction) -> Polynomial:
        """A product of powers to a power that nothing is multiplied out for, such as ``exp(1)`` to 1e9."""
        ((monomial, value), *more) = polynomial.items()
        if more or abs(value) != 1 or any(isinstance(base.node, Number | Whole) for base, _ in monomial):
            raise Undecided(f"the algebra of both sides has powers above {ALGEBRA_POWER}")
        return self._of_one(monomial, value, power)

    def _divided(self, polynomial: Polynomial, content: Monomial, lead: Fraction) -> Polynomial:
        return self.raised(polynomial, {base: -own for base, own in content}, 1 / lead)

    def raised(self, polynomial: Polynomial, by: Mapping[Base, Fraction], number: Fraction) -> Polynomial:
        """The polynomial times a number and powers, which are added before anything is multiplied out."""
        parts = []
        for monomial, value in polynomial.items():
            powers = dict(monomial)
            for base, power in by.items():
                powers[base] = powers.get(base, Fraction(0)) + power
            parts.append(self.times(self.monomial(powers), constant(value * number)))
        return added(*parts)

    def root_of(self, polynomial: Polynomial) -> Polynomial | None:
        """What a polynomial is under a root, positive factors left out; None where it is plainly positive."""
        if never_zero(polynomial):
            return None
        while polynomial:
            content, lead = content_of(polynomial, False)
            match tuple(polynomial.items()):
                case ((((Base(node=Whole(argument)), power),), value),) if (
                    value > 0 and power.denominator == 1 and power % 2
                ):
                    # An odd power has the sign of what it is of.
                    polynomial = thawed(argument)
                case _ if not content and lead == 1:
                    break
                case _:
                    polynomial = self._divided(polynomial, content, lead)
        return polynomial

    def _of_one(self, monomial: Monomial, value: Fraction, power: Fraction) -> Polynomial:
        if power.denominator == 1:
            return self.times(self.monomial({b: own * power for b, own in monomial}), constant(value ** int(power)))
        signless = all(never_negative(base) for base, _ in monomial)
        out = {base: own * power for base, own in monomial if signless or outside(base)}
        kept = tuple((base, own) for base, own in monomial if base not in out)
        match kept:
            case ((Base(node=Whole(argument)), own),) if value > 0 and own.numerator % 2:
                # An odd power has the sign of what it is of, so both are defined for the same numbers.
                inner = self.power(thawed(argument), own * power)
                return self.times(self.monomial(out), self._rooted(value, power), inner)
        parts = [self.monomial(out), self._rooted(abs(value), power)]
        if kept or value < 0:
            under: Polynomial = {kept: Fraction(1 if value > 0 else -1)}
            self._remember(ROOT, under)
            parts.append(self.monomial({whole(frozen(under), False): power}))
        return self.times(*parts)

    def _rooted(self, value: Fraction, power: Fraction) -> Polynomial:
        """A positive number to a power, prime by prime."""
        powers: dict[Base, Fraction] = {}
        for part, sign in ((value.numerator, 1), (value.denominator, -1)):
            for prime, count in primes(part).items():
                powers[number(Fraction(prime))] = sign * count * power
        return self.monomial(powers)

    def _divides(self, monomial: Monomial) -> None:
        for base, _ in monomial:
            if isinstance(base.node, Size):
                self.zeros.add(base.node.name)
            elif not isinstance(base.node, Whole):
                self._remember(NONZERO, {((base, Fraction(1)),): Fraction(1)})

    def _remember(self, what: str, polynomial: Polynomial) -> None:
        """That something is defined where ``polynomial`` is not 0, or is under a root or a logarithm."""
        if what == LOG and never_below(polynomial):
            # A sum of exponentials has a logarithm unless it is empty.
            what = NONZERO
        if not (never_below(polynomial) if what == ROOT else never_zero(polynomial)):
            self.domains.add(application(what, frozen(polynomial)))

    def exponential(self, polynomial: Polynomial) -> Polynomial:
        """``exp`` of a sum: a product, and a power where the sum has a logarithm."""
        if (step := first_step(polynomial)) is not None:
            self.stepped = True
            if self.by_steps:
                there, elsewhere = (self.exponential(at_step(polynomial, step, one)) for one in (True, False))
                held: Polynomial = {((step, Fraction(1)),): Fraction(1)}
                return added(self.times(held, there), elsewhere, negated(self.times(held, elsewhere)))
        result = ONE
        for monomial, value in polynomial.items():
            match monomial:
                case ((Base(node=Applied("log", argument)), power),) if power == 1:
                    part = self.power(thawed(argument), value)
                case ():
                    part = self.monomial({application("exp", frozen(ONE)): value})
                case _:
                    part = self.monomial({application("exp", frozen({monomial: Fraction(1)})): value})
            result = self.times(result, part)
        return result

    def logarithm(self, polynomial: Polynomial) -> Polynomial:
        """``log`` of a polynomial: the sum over its positive factors, and what is left."""
        if not polynomial:
            raise Undecided("the formula applies log to 0")
        content, lead = content_of(polynomial, False)
        content = tuple((b, p) for b, p in content if isinstance(b.node, Applied) and b.node.function == "exp")
        rest = self._divided(polynomial, content, lead)
        self._remember(LOG, rest)
        parts = [self.times(thawed(b.node.argument), constant(p)) for b, p in content if isinstance(b.node, Applied)]
        if lead != 1:
            parts.append({((application("log", frozen(constant(lead))), Fraction(1)),): Fraction(1)})
        if rest != ONE:
            parts.append({((application("log", frozen(rest)), Fraction(1)),): Fraction(1)})
        return added(*parts)
