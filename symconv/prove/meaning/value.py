"""What an expression of a claim denotes: a shape, and a sum of products of reads at affine indices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from symconv.limits import ELEMENT_TERMS
from symconv.notation.affine import Affine, affine, var
from symconv.relation.terms import (
    Factor,
    Monomial,
    Product,
    Term,
    Undecided,
    inside,
    limit,
    multiplied,
    power_product,
    scaled,
)

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
    terms = tuple(islice(body(*(tuple(map(var, group)) for group in names)), ELEMENT_TERMS + 1))
    limit(len(terms), ELEMENT_TERMS)
    return Value(axes, names, terms)


def bound_over(terms: Iterable[Term], names: Iterable[str]) -> Iterator[Term]:
    """The terms summed over ``names``."""
    names = tuple(names)
    for term in terms:
        yield replace(term, bound=(*term.bound, *names))
