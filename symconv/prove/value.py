"""What an expression of a claim denotes: a shape, and a sum of products of reads at affine indices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice

from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint, nonnegative

__all__ = [
    "Amount",
    "Axis",
    "Factor",
    "Fresh",
    "Monomial",
    "Pair",
    "Product",
    "Term",
    "Undecided",
    "Value",
    "axis",
    "bound_over",
    "build",
    "inside",
    "multiplied",
    "power_product",
    "read",
    "scaled",
]

_MOST_TERMS, _MOST_PRODUCTS = 2000, 1000
"""What one element of a claim may sum: more takes seconds to write down and minutes to compare."""


class Undecided(Exception):  # noqa: N818
    """The claim means something the method cannot decide; the argument says what."""


Monomial = tuple[tuple[Affine, int], ...]
"""A product of powers of sizes, sorted; ``()`` is 1."""


@dataclass(frozen=True, slots=True)
class Product:
    """A rational number times powers of sizes."""

    coefficient: Fraction
    monomial: Monomial = ()

    def __mul__(self, other: Product) -> Product:
        return Product(self.coefficient * other.coefficient, power_product(self.monomial, other.monomial))

    def inverse(self) -> Product:
        """One over it; the coefficient is not 0."""
        return Product(1 / self.coefficient, tuple((form, -power) for form, power in self.monomial))


Amount = Affine | Product
"""A whole number that is affine in the sizes, or a product of sizes."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A low and a high pad."""

    lo: Amount
    hi: Amount


@dataclass(frozen=True, slots=True)
class Axis:
    """One physical axis: logical sizes merged row-major, none for an axis of length 1."""

    sizes: tuple[Affine, ...]

    @property
    def size(self) -> Affine | None:
        """The length as one form, or None where it is a product of sizes."""
        factor, rest = 1, affine(1)
        for size in self.sizes:
            if size.is_constant:
                factor *= size.constant
            elif rest.is_constant:
                rest = size
            else:
                return None
        return rest * factor

    def __str__(self) -> str:
        return "*".join(f"({s})" if len(s.terms) + bool(s.constant) > 1 else str(s) for s in self.sizes) or "1"


def axis(*sizes: Affine | int) -> Axis:
    """An axis of these logical sizes; those that are 1 have no index."""
    return Axis(tuple(form for form in map(affine, sizes) if form != affine(1)))


@dataclass(frozen=True, slots=True)
class Factor:
    """One element of an operand, by logical axes."""

    tensor: str
    index: tuple[Affine, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """``coefficient·scale·Π factors``, summed over all integers ``bound`` that satisfy ``where``."""

    coefficient: Fraction
    scale: Monomial
    factors: tuple[Factor, ...]
    bound: tuple[str, ...] = ()
    where: tuple[Constraint, ...] = ()

    def substitute(self, values: Mapping[str, Affine]) -> Term:
        """The term with index names replaced."""
        put = dict(values)
        factors = tuple(Factor(f.tensor, tuple(i.substitute(put) for i in f.index)) for f in self.factors)
        return replace(self, factors=factors, where=tuple(c.substitute(put) for c in self.where))

    def under(self, *constraints: Constraint) -> Term:
        """The term where further constraints hold."""
        new = (c for c in constraints if not (c.form.is_constant and c.form.constant >= 0 and not c.equality))
        return replace(self, where=tuple(dict.fromkeys((*self.where, *new))))


@dataclass(frozen=True, slots=True)
class Value:
    """An array: its axes, a name per logical index, and its terms over those names."""

    axes: tuple[Axis, ...]
    names: tuple[tuple[str, ...], ...]
    terms: tuple[Term, ...]

    @property
    def rank(self) -> int:
        """The number of physical axes."""
        return len(self.axes)

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.axes))})"


@dataclass(slots=True)
class Fresh:
    """A source of index names that no size has."""

    taken: frozenset[str] = frozenset()
    count: int = field(default=0)

    def __call__(self) -> str:
        """A new name."""
        self.count += 1
        name = f"e{self.count}_"
        return name if name not in self.taken else self()

    def several(self, count: int) -> tuple[str, ...]:
        """New names."""
        return tuple(self() for _ in range(count))


def inside(form: Affine, size: Affine) -> tuple[Constraint, Constraint]:
    """``0 <= form < size``."""
    return nonnegative(form), nonnegative(size - 1 - form)


def read(fresh: Fresh, value: Value, index: Sequence[Sequence[Affine]]) -> Iterator[Term]:
    """The terms of one element; outside the array there are none."""
    pairs = [(n, form) for names, forms in zip(value.names, index, strict=True) for n, form in zip(names, forms,
             strict=True)]  # fmt: skip
    sizes = [size for one in value.axes for size in one.sizes]
    limits = [c for (_, form), size in zip(pairs, sizes, strict=True) for c in inside(form, size)]
    for term in value.terms:
        new = {name: fresh() for name in term.bound}
        put = {**dict(pairs), **{name: var(other) for name, other in new.items()}}
        yield replace(term.substitute(put), bound=tuple(new.values())).under(*limits)


def build(fresh: Fresh, axes: Iterable[Axis], body: Callable[..., Iterable[Term]]) -> Value:
    """An array over ``axes`` whose element at given indices (a tuple of forms per axis) is ``body`` of them."""
    axes = tuple(axes)
    names = tuple(fresh.several(len(one.sizes)) for one in axes)
    terms = tuple(islice(body(*(tuple(map(var, group)) for group in names)), _MOST_TERMS + 1))
    _limit(len(terms), _MOST_TERMS)
    return Value(axes, names, terms)


def _limit(count: int, most: int) -> None:
    if count > most:
        raise Undecided(f"an element of the claim is a sum of more than {most} products")


def bound_over(terms: Iterable[Term], names: Iterable[str]) -> Iterator[Term]:
    """The terms summed over ``names``."""
    names = tuple(names)
    for term in terms:
        yield replace(term, bound=(*term.bound, *names))


def multiplied(left: Iterable[Term], right: Iterable[Term]) -> Iterator[Term]:
    """The product of two sums."""
    left, right = tuple(left), tuple(right)
    _limit(len(left) * len(right), _MOST_PRODUCTS)
    for a in left:
        for b in right:
            yield Term(
                a.coefficient * b.coefficient,
                power_product(a.scale, b.scale),
                (*a.factors, *b.factors),
                (*a.bound, *b.bound),
                tuple(dict.fromkeys((*a.where, *b.where))),
            )


def scaled(terms: Iterable[Term], number: Fraction, scale: Monomial = ()) -> Iterator[Term]:
    """The terms times a number and a product of sizes."""
    for term in terms:
        yield replace(term, coefficient=term.coefficient * number, scale=power_product(term.scale, scale))


def power_product(*parts: Monomial) -> Monomial:
    """The product of monomials.

    >>> n = ((var("N"), 1),)
    >>> power_product(n, ((var("N"), -1),))
    ()
    """
    powers: dict[Affine, int] = {}
    for form, power in (pair for part in parts for pair in part):
        powers[form] = powers.get(form, 0) + power
    return tuple(sorted(((f, p) for f, p in powers.items() if p), key=lambda pair: str(pair[0])))
