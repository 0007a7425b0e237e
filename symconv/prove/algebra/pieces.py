"""Piecewise functions case by case: where ``u`` is above 0, below 0 and 0, ``sign(u)`` and ``step(u)`` are numbers.

So ``clip``, ``where``, ``abs``, ``max`` and ``sign`` agree where they are one function. Cases that no numbers satisfy
are left out. What is no number and no sum is a variable: a polynomial that vanishes in all cases is 0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from fractions import Fraction

from symconv.limits import ALGEBRA_CASES
from symconv.prove.algebra.linear import Relation, consistent
from symconv.prove.algebra.subsums import Sums
from symconv.prove.algebra.variables import (
    NONZERO,
    ONE,
    Applied,
    Base,
    Element,
    Frozen,
    Polynomial,
    Whole,
    added,
    application,
    constant,
    frozen,
    negated,
    shown,
    thawed,
)
from symconv.prove.meaning.atoms import PI
from symconv.relation.terms import Undecided

__all__ = ["Pieces", "solved", "switch", "values"]


class Pieces:
    """The cases of polynomials over one field; ``left`` is how many more are looked at.

    Without ``at_zero`` what switches is taken to be above or below 0; so is what ``asked`` says is not 0.
    """

    def __init__(self, sums: Sums, at_zero: bool = True, asked: Collection[Base] = ()) -> None:
        self.sums = sums
        self.asked = asked
        self.signs = (1, -1, 0) if at_zero else (1, -1)
        self.left = ALGEBRA_CASES

    def cases(self, polynomial: Polynomial, known: Sequence[Relation] = ()) -> Iterator[Polynomial]:
        """What a polynomial is in the cases of one switch after the other. Raises Undecided where there are too
        many."""
        self.left -= 1
        argument = switch(polynomial)
        if argument is None:
            yield polynomial
            return
        if self.left < 0:
            raise Undecided(f"the algebra of both sides has more than {ALGEBRA_CASES} cases")
        form = thawed(argument)
        apart = any(application(NONZERO, frozen(one)) in self.asked for one in (form, negated(form)))
        for sign in self.signs[:2] if apart else self.signs:
            relations = [*known, (negated(form) if sign < 0 else form, sign == 0)]
            if not consistent(relations):
                continue
            part = self.put(polynomial, values(argument, sign))
            if sign == 0 and (there := solved(form)):
                part = self.put(part, there)
            yield from self.cases(part, relations)

    def put(self, polynomial: Polynomial, values: Mapping[Base, Polynomial]) -> Polynomial:
        """The polynomial with variables replaced, in functions and powers too."""
        field, parts = self.sums.field, []
        for monomial, number in polynomial.items():
            powers = (field.power(self._base(base, values), power) for base, power in monomial)
            parts.append(field.times(constant(number), *powers))
        return added(*parts)

    def _base(self, base: Base, values: Mapping[Base, Polynomial]) -> Polynomial:
        if base in values:
            return values[base]
        match base.node:
            case Applied(("step" | "sign") as function, argument):
                inner = self.put(thawed(argument), values)
                if not inner.keys() - ONE.keys():
                    number = inner.get((), Fraction(0))
                    return constant(Fraction((number > 0) - (number < 0 and function == "sign")))
                return self.sums.applied(function, inner)
            case Applied(function, argument) if function.isidentifier():
                return self.sums.applied(function, self.put(thawed(argument), values))
            case Whole(argument, _):
                return self.put(thawed(argument), values)
        return {((base, Fraction(1)),): Fraction(1)}


def switch(polynomial: Polynomial) -> Frozen | None:
    """What one of the innermost signs or steps is of; sums are not looked into."""
    for monomial in sorted(polynomial, key=shown):
        for base, _ in monomial:
            match base.node:
                case Applied(function, argument):
                    found = switch(thawed(argument))
                    if found is not None or function in {"step", "sign"}:
                        return found or argument
                case Whole(argument, _) if (found := switch(thawed(argument))) is not None:
                    return found
    return None


def values(argument: Frozen, sign: int) -> dict[Base, Polynomial]:
    """The sign and the steps of an argument and of its opposite, where its sign is known."""
    opposite = frozen(negated(thawed(argument)))
    return {
        application("sign", argument): constant(Fraction(sign)),
        application("sign", opposite): constant(Fraction(-sign)),
        application("step", argument): constant(Fraction(sign > 0)),
        application("step", opposite): constant(Fraction(sign < 0)),
    }


def solved(form: Polynomial) -> dict[Base, Polynomial]:
    """An element of a sum that is 0, by the rest of it."""
    for monomial, number in form.items():
        match monomial:
            case ((Base(node=Element(tensor)) as base, power),) if power == 1 and tensor not in {PI, "size"}:
                rest = {other: -value / number for other, value in form.items() if other != monomial}
                if not any(base.text in one.text for other in rest for one, _ in other):
                    return {base: rest}
    return {}
