"""One term of a sum: a number, sizes, elements of operands and of constant tables, over a domain of indices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd

from symconv.limits import PRODUCTS
from symconv.notation.affine import Affine
from symconv.notation.expr import Constraint, nonnegative

__all__ = [
    "Factor",
    "Monomial",
    "Product",
    "Table",
    "Term",
    "Undecided",
    "as_product",
    "inside",
    "limit",
    "multiplied",
    "power_product",
    "scaled",
]


class Undecided(Exception):  # noqa: N818
    """The claim means something the method cannot decide; the argument says what."""


Monomial = tuple[tuple[Affine, int], ...]
"""A product of powers of sizes, sorted; ``()`` is 1."""


@dataclass(frozen=True, slots=True)
class Product:
    """A rational number times powers of sizes."""

    coefficient: Fraction
    monomial: Monomial = ()

    def __str__(self) -> str:
        powers = [f"({form})" if len(form.terms) + bool(form.constant) > 1 else str(form) for form, _ in self.monomial]
        rest = [
            name if power == 1 else f"{name}**{power}" for name, (_, power) in zip(powers, self.monomial, strict=True)
        ]
        number = [str(self.coefficient)] if self.coefficient != 1 or not rest else []
        return "*".join((*number, *rest))

    def __mul__(self, other: Product) -> Product:
        return Product(self.coefficient * other.coefficient, power_product(self.monomial, other.monomial))

    def inverse(self) -> Product:
        """One over it; the coefficient is not 0."""
        return Product(1 / self.coefficient, tuple((form, -power) for form, power in self.monomial))


@dataclass(frozen=True, slots=True)
class Factor:
    """One element of an operand, by logical axes."""

    tensor: str
    index: tuple[Affine, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One element of a constant table: the value listed for the index, 0 where none is."""

    entries: tuple[tuple[tuple[int, ...], Fraction], ...]
    index: tuple[Affine, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """``coefficient·scale·Π factors·Π tables``, summed over all integers ``bound`` that satisfy ``where``."""

    coefficient: Fraction
    scale: Monomial
    factors: tuple[Factor, ...]
    bound: tuple[str, ...] = ()
    where: tuple[Constraint, ...] = ()
    tables: tuple[Table, ...] = ()

    def substitute(self, values: Mapping[str, Affine]) -> Term:
        """The term with index names replaced."""
        if not values:
            return self
        put = dict(values)
        factors = tuple(Factor(f.tensor, tuple(i.substitute(put) for i in f.index)) for f in self.factors)
        tables = tuple(Table(t.entries, tuple(i.substitute(put) for i in t.index)) for t in self.tables)
        where = tuple(c.substitute(put) for c in self.where)
        return Term(self.coefficient, self.scale, factors, self.bound, where, tables)

    def under(self, *constraints: Constraint) -> Term:
        """The term where further constraints hold."""
        new = (c for c in constraints if not (c.form.is_constant and c.form.constant >= 0 and not c.equality))
        return replace(self, where=tuple(dict.fromkeys((*self.where, *new))))


def inside(form: Affine, size: Affine) -> tuple[Constraint, Constraint]:
    """``0 <= form < size``."""
    return nonnegative(form), nonnegative(size - 1 - form)


def limit(count: int, most: int) -> None:
    """Raise Undecided beyond so many products."""
    if count > most:
        raise Undecided(f"an element of the claim is a sum of more than {most} products")


def multiplied(left: Iterable[Term], right: Iterable[Term]) -> Iterator[Term]:
    """The product of two sums."""
    left, right = tuple(left), tuple(right)
    limit(len(left) * len(right), PRODUCTS)
    for a in left:
        for one in right:
            b = _apart(one, a)
            yield Term(
                a.coefficient * b.coefficient,
                power_product(a.scale, b.scale),
                (*a.factors, *b.factors),
                (*a.bound, *b.bound),
                tuple(dict.fromkeys((*a.where, *b.where))),
                (*a.tables, *b.tables),
            )


def _apart(term: Term, other: Term) -> Term:
    """The term with indices of its own: of ``u*u`` both sums run over the same names."""
    taken = {*term.bound, *other.bound}
    put: dict[str, str] = {}
    for name in dict.fromkeys(one for one in term.bound if one in other.bound):
        new = f"{name}x"
        while new in taken:
            new += "x"
        taken.add(new)
        put[name] = new
    if not put:
        return term
    renamed = term.substitute({name: Affine(((new, 1),)) for name, new in put.items()})
    return replace(renamed, bound=tuple(put.get(name, name) for name in term.bound))


def scaled(terms: Iterable[Term], number: Fraction, scale: Monomial = ()) -> Iterator[Term]:
    """The terms times a number and a product of sizes."""
    for term in terms:
        product = power_product(term.scale, scale) if scale else term.scale
        yield Term(term.coefficient * number, product, term.factors, term.bound, term.where, term.tables)


def power_product(*parts: Monomial) -> Monomial:
    """The product of monomials.

    >>> from symconv.notation.affine import var
    >>> n = ((var("N"), 1),)
    >>> power_product(n, ((var("N"), -1),))
    ()
    """
    powers: dict[Affine, int] = {}
    for form, power in (pair for part in parts for pair in part):
        powers[form] = powers.get(form, 0) + power
    return tuple(sorted(((f, p) for f, p in powers.items() if p), key=lambda pair: str(pair[0])))


def as_product(value: Affine | Product) -> Product:
    """A number as a coefficient times powers of forms without a common factor."""
    if isinstance(value, Product):
        return value
    if value.is_constant:
        return Product(Fraction(value.constant))
    content = gcd(value.constant, *(factor for _, factor in value.terms))
    reduced = Affine(tuple((atom, factor // content) for atom, factor in value.terms), value.constant // content)
    return Product(Fraction(content), ((reduced, 1),))
