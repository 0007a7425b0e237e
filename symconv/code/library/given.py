"""What words are given: shapes, axes, numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number, number_of, whole_or_product
from symconv.code.values.objects import Opaque
from symconv.relation.terms import as_product

if TYPE_CHECKING:
    from symconv.code.reading.calls import Calls as Reader
else:
    Reader = Any

__all__ = ["axes_of", "fraction_of", "shape_of"]


def shape_of(r: Reader, given: Any) -> list[Any]:
    """The lengths of a shape."""
    items = list(given) if isinstance(given, tuple | list) else [given]
    if len(items) == 1 and isinstance(items[0], tuple | list):
        items = list(items[0])
    for item in items:
        if not is_number(item):
            raise r.error(f"a shape is wanted as numbers; given {r.kind(item)}")
    return [number_of(item) for item in items]


def axes_of(r: Reader, given: Any, rank: int) -> list[int]:
    """The numbers of axes, counted from the start."""
    items = list(given) if isinstance(given, tuple | list) else [given]
    found = []
    for item in items:
        k = r.constant(item, "the number of an axis")
        if not -rank <= k < rank:
            raise r.error(f"there is no axis {k}; the array has {rank} axes")
        found.append(k % rank)
    return found


def fraction_of(r: Reader, given: Any) -> Fraction:
    """A number that is known."""
    if isinstance(given, Opaque):
        raise Outside("an infinite number", r.line)
    number = as_product(whole_or_product(given))
    if number.monomial:
        raise Outside("an array filled with a size", r.line)
    return number.coefficient
