"""The largest or smallest of elements, and which of them is the first such: atoms known by the elements they are of.

Elements are told by the sum they would have: equal sums of single elements are sums over the same elements, each as
often, and those have the same extremes. Which one is the first depends on their order too; an order is known where it
is that of the tensor itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from symconv.notation.affine import Affine, var
from symconv.notation.expr import Apply, Constraint, Expr, Index
from symconv.prove.meaning.atoms import OF_SUM, is_atom
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.value import Factor, Fresh, Term

__all__ = ["ELEMENT", "NAMES", "extreme", "first_extreme", "is_first", "opaque", "opaque_of", "tapped"]

_OPAQUE = "opaque "
_FIRST = "first "
ELEMENT = "element"
"""The function that an element of an extreme is told by where it is a sum."""
NAMES = {"max": "largest", "min": "smallest", "prod": "product"}
"""What the functions of elements are called, by kind."""


def extreme(scope: Scope, kind: str, element: Sequence[Term], taps: Sequence[str],
            within: Collection[Constraint], limits: Collection[Constraint]) -> Term:  # fmt: skip
    """The ``kind`` ("max", "min", or "prod", which elements tell too) over ``taps``, of an element.

    The taps are kept ``within`` their lengths. ``max:share`` says what is chosen at ties. What is no element of one
    tensor is told by a function of its own that nothing else is known of. Raises Undecided where it is at positions
    that tables hold.
    """
    one = _plain(kind, element) if _is_plain(element) else _told(scope, kind, element, [*limits, *within])
    whole = replace(one, bound=(*one.bound, *taps)).under(*within)
    word, mark, choice = kind.partition(":")
    (found,) = scope.of_sum(f"{NAMES[word]}{mark}{choice}", [whole], limits)
    return found


def opaque(fresh: Fresh, kind: str, place: str, elements: Sequence[Term], fixed: Collection[str],
           more: Collection[str]) -> Term:  # fmt: skip
    """The extreme of elements that are sums or products: a number of its own, of which only the indices are known.

    It is the same for all that is ``fixed``, taps and sizes, and may differ between all other indices, ``more`` among
    them. No two of them are known to be equal, so what is proved with it holds whatever it is. ``place`` is where it is
    written. Raises Undecided where elements are at positions that tables hold.
    """
    if any(one.tables for one in elements):
        raise Undecided(f"{kind} of sums")
    forms = [form for one in elements for factor in one.factors for form in factor.index]
    forms += [c.form for one in elements for c in one.where]
    forms += [form for one in elements for form, _ in one.scale]
    bound = {name for one in elements for name in one.bound}
    names = {name for form in forms for name in form.names()} - bound
    free = sorted((names | {*more}) - {*fixed})
    name = f"{NAMES[kind]}{OF_SUM}{_OPAQUE}{place}{kind} {fresh()})"
    return Term(Fraction(1), (), (Factor(name, tuple(map(var, free))),))


def opaque_of(name: str) -> str:
    """Where an operand of which nothing else is known is written, and its kind; empty for others."""
    return name.partition(_OPAQUE)[2].rpartition(" ")[0]


def first_extreme(scope: Scope, kind: str, element: Sequence[Term], taps: Sequence[str],
                  within: Collection[Constraint], limits: Collection[Constraint]) -> Iterator[Term]:  # fmt: skip
    """1 where the element is the first extreme one over ``taps`` in row-major order, else 0."""
    one = _plain(kind, element)
    _in_order(one.factors[0], taps)
    fresh = {tap: scope.fresh() for tap in taps}
    put = {tap: var(new) for tap, new in fresh.items()}
    moved = one.substitute(put)
    there = extreme(scope, kind, [moved], tuple(fresh.values()), [c.substitute(put) for c in within], limits)
    (known,) = there.factors
    name = f"{_FIRST}{known.tensor}"
    yield Term(Fraction(1), (), (Factor(name, (*known.index, *one.factors[0].index)),))


def is_first(name: str) -> bool:
    """Whether an operand, or a function, says of an element that it is the first extreme one."""
    return name.startswith(_FIRST)


def tapped(position: Expr) -> list[Affine]:
    """The places of the taps in a row-major position ``(p*K + q)*L + r``."""
    match position:
        case Index(form):
            return [form]
        case Apply("add", (Apply("mul", (first, Index(_))), Index(last))):
            return [*tapped(first), last]
    return []


def _is_plain(element: Sequence[Term]) -> bool:
    match element:
        case [Term(coefficient, (), (Factor(name, _),), (), _, ())]:
            return coefficient == 1 and not is_atom(name)
    return False


def _told(scope: Scope, kind: str, element: Sequence[Term], limits: Collection[Constraint]) -> Term:
    """An element that is a sum as one factor; sums of such are equal where they are over the same elements."""
    if not element or any(one.tables for one in element):
        raise Undecided(f"{kind} of sums")
    (found,) = scope.of_sum(ELEMENT, element, limits)
    return found


def _plain(kind: str, element: Sequence[Term]) -> Term:
    if _is_plain(element):
        return element[0]
    raise Undecided(f"{kind} of sums, of products or of elements some of which are fixed numbers (a pad)")


def _in_order(factor: Factor, taps: Sequence[str]) -> None:
    """That later taps are later elements of the tensor."""
    places = []
    for tap in taps:
        where = [k for k, form in enumerate(factor.index) if tap in form.names()]
        if len(where) != 1 or factor.index[where[0]].coefficient(tap) < 1:
            raise Undecided("the first extreme of elements in an order that is not that of their tensor")
        places.append(where[0])
    if sorted(set(places)) != places:
        raise Undecided("the first extreme of elements in an order that is not that of their tensor")
