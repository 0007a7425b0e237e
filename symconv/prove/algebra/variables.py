"""The variables of a polynomial: elements, sizes, conditions, functions, powers, whole sums; what is known of signs."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from symconv.limits import PRIMES
from symconv.notation.affine import Affine
from symconv.notation.expr import Constraint
from symconv.prove.meaning.atoms import PI

__all__ = [
    "LOG",
    "NONZERO",
    "ONE",
    "ROOT",
    "WHERE",
    "Applied",
    "Base",
    "Element",
    "Frozen",
    "Holds",
    "Monomial",
    "Number",
    "Polynomial",
    "Size",
    "Summed",
    "Whole",
    "added",
    "application",
    "constant",
    "content_of",
    "element",
    "first_of_two",
    "frozen",
    "holds",
    "negated",
    "number",
    "one_and_a_product",
    "outside",
    "positive",
    "primes",
    "shown",
    "size",
    "summed",
    "thawed",
    "whole",
    "written",
]


@dataclass(frozen=True, slots=True)
class Element:
    """One element of an operand, or of something that is not looked into."""

    tensor: str
    index: tuple[Affine, ...]


@dataclass(frozen=True, slots=True)
class Size:
    """A size, which is never negative."""

    name: str


@dataclass(frozen=True, slots=True)
class Holds:
    """1 where a condition on positions holds, else 0."""

    condition: Constraint


@dataclass(frozen=True, slots=True)
class Number:
    """A positive number that stands under a root."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Applied:
    """A function of a polynomial."""

    function: str
    argument: Frozen


@dataclass(frozen=True, slots=True)
class Whole:
    """A polynomial under a power; ``plain`` ones have no factor that could stand outside, but for integer powers."""

    argument: Frozen
    plain: bool


@dataclass(frozen=True, slots=True)
class Summed:
    """A product summed over all integers ``names`` for which the conditions among its factors hold."""

    names: tuple[str, ...]
    body: Monomial


@dataclass(frozen=True, eq=False, slots=True)
class Base:
    """A variable, told by its text."""

    text: str
    node: Element | Size | Holds | Number | Applied | Whole | Summed
    names: frozenset[str]

    # A text keeps its hash; a tuple of it, which a dataclass makes, does not.
    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Base) and self.text == other.text


Monomial = tuple[tuple[Base, Fraction], ...]
Frozen = tuple[tuple[Monomial, Fraction], ...]
Polynomial = dict[Monomial, Fraction]

ONE: Polynomial = {(): Fraction(1)}
NONZERO, ROOT, LOG, WHERE = "is not 0", "has a root", "has a logarithm", "where"
"""Functions that no operator has: of a polynomial, as far as something is defined only then."""


def constant(value: Fraction) -> Polynomial:
    """A number."""
    return {(): value} if value else {}


def added(*parts: Polynomial) -> Polynomial:
    """The sum."""
    total: Polynomial = {}
    for part in parts:
        for monomial, value in part.items():
            total[monomial] = total.get(monomial, Fraction(0)) + value
    return {monomial: value for monomial, value in total.items() if value}


def negated(polynomial: Polynomial) -> Polynomial:
    """The opposite."""
    return {monomial: -value for monomial, value in polynomial.items()}


def shown(monomial: Monomial) -> str:
    """A product as text, by which products are sorted and told apart."""
    return "*".join(base.text if power == 1 else f"{base.text}^{power}" for base, power in monomial)


def frozen(polynomial: Polynomial) -> Frozen:
    """The same, sorted."""
    return tuple(sorted(polynomial.items(), key=lambda item: shown(item[0])))


def thawed(argument: Frozen) -> Polynomial:
    """The same as a mapping."""
    return dict(argument)


def element(tensor: str, index: tuple[Affine, ...]) -> Base:
    """The variable of an element."""
    names = frozenset(name for form in index for name in form.names())
    return Base(f"{tensor}[{', '.join(map(str, index))}]", Element(tensor, index), names)


def size(name: str) -> Base:
    """The variable of a size."""
    return Base(f"<{name}>", Size(name), frozenset({name}))


def holds(condition: Constraint) -> Base:
    """The variable of a condition."""
    return Base(f"[{condition}]", Holds(condition), condition.form.names())


def number(value: Fraction) -> Base:
    return Base(f"({value})", Number(value), frozenset())


def written(argument: Frozen) -> str:
    return " + ".join(f"{value}*{shown(monomial)}" for monomial, value in argument)


def _names(argument: Frozen) -> frozenset[str]:
    return frozenset(name for monomial, _ in argument for base, _ in monomial for name in base.names)


def whole(argument: Frozen, plain: bool) -> Base:
    text = f"({written(argument)})"
    return Base(text if plain else f"root{text}", Whole(argument, plain), _names(argument))


def application(function: str, argument: Frozen) -> Base:
    """The variable of a function."""
    return Base(f"{function}({written(argument)})", Applied(function, argument), _names(argument))


def summed(names: tuple[str, ...], body: Monomial) -> Base:
    """The variable of a sum."""
    inside = frozenset(name for base, _ in body for name in base.names) - frozenset(names)
    return Base(f"sum[{', '.join(names)}]({shown(body)})", Summed(names, body), inside)


@lru_cache(maxsize=4096)
def one_and_a_product(base: Base) -> tuple[Monomial, Fraction] | None:
    """The product and its number, where a denominator is 1 plus that; else None."""
    match base.node:
        case Whole((((), one), (product, value)), True) if one == 1:
            return product, value
    return None


def primes(number: int) -> dict[int, int]:
    """A positive number as powers of primes, but for what is left without small ones."""
    found: dict[int, int] = {}
    for prime in (2, 3, 5, *range(7, PRIMES, 2)):
        while number % prime == 0:
            number //= prime
            found[prime] = found.get(prime, 0) + 1
    return {**found, number: 1} if number > 1 else found


def outside(base: Base) -> bool:
    """Whether it is positive, sizes that are 0 left aside, and so is a factor of a root."""
    return isinstance(base.node, Size) or positive(base)


def content_of(polynomial: Polynomial, whole: bool) -> tuple[Monomial, Fraction]:
    """What all products share, and the number of the first; of roots the positive part of both."""
    least: dict[Base, Fraction] = {}
    for base in {base for monomial in polynomial for base, _ in monomial}:
        if whole or outside(base):
            least[base] = min(dict(monomial).get(base, Fraction(0)) for monomial in polynomial)
    lead = frozen(polynomial)[0][1]
    kept = tuple(sorted(((b, p) for b, p in least.items() if p), key=lambda item: item[0].text))
    return kept, lead if whole else abs(lead)


def first_of_two(polynomial: Polynomial) -> tuple[Monomial, Fraction] | None:
    """Of two products of exponentials the one that both are divided by, so that 1 and a product are left; else None.

    The other quotient is the reciprocal of that product: the choice is the same whatever both are multiplied by.
    """
    if len(polynomial) != 2 or not all(_exponential(base) for monomial in polynomial for base, _ in monomial):
        return None
    one, other = polynomial
    powers = {base: -power for base, power in one}
    for base, power in other:
        powers[base] = powers.get(base, Fraction(0)) + power
    quotient = tuple(sorted(((b, p) for b, p in powers.items() if p), key=lambda item: item[0].text))
    first = one if shown(quotient) < shown(tuple((base, -power) for base, power in quotient)) else other
    return first, polynomial[first]


def _exponential(base: Base) -> bool:
    return isinstance(base.node, Applied) and base.node.function == "exp"


def positive(base: Base) -> bool:
    match base.node:
        case Number():
            return True
        case Element(tensor):
            return tensor == PI
        case Applied(function):
            return function == "exp"
    return False
