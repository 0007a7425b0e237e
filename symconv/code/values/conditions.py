"""Conditions on sizes and positions, as parts that do not overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from symconv.code.values.amounts import Number
from symconv.code.values.objects import Condition, Ratio
from symconv.limits import CONDITION_CASES
from symconv.notation.affine import Affine, affine
from symconv.notation.expr import Constraint, equal
from symconv.prove.meaning.scope import Undecided
from symconv.prove.meaning.value import Product
from symconv.relation.terms import as_product

__all__ = ["both", "compared", "either", "opposite"]


Decide = Callable[[Constraint], bool]


def compared(word: str, left: Number, right: Number, decide: Decide, fits: Decide | None = None) -> bool | Condition:
    """A comparison of numbers: known, or where it holds.

    ``fits`` says of two lengths whether they are equal, as they have to be where what is compared are numbers of
    elements: ``t.size == y.size``.
    """
    if isinstance(left, Ratio) and isinstance(right, Affine):
        return compared(word, left.form, right * left.divisor, decide)
    if isinstance(right, Ratio) and isinstance(left, Affine):
        return compared(word, left * right.divisor, right.form, decide)
    if isinstance(left, Product) and isinstance(right, Product | Affine):
        return _products(word, left, right, decide, fits)
    if isinstance(right, Product) and isinstance(left, Affine):
        return _products(word, left, right, decide, fits)
    if not (isinstance(left, Affine) and isinstance(right, Affine)):
        raise Undecided("a comparison of fractions")
    form = left - right
    one = {
        "ge": Constraint(form), "gt": Constraint(form - 1), "le": Constraint(-form), "lt": Constraint(-form - 1),
        "eq": Constraint(form, True), "ne": Constraint(form, True),
    }[word]  # fmt: skip
    try:
        return decide(one) == (word != "ne")
    except Undecided:
        where = Condition(((one,),))
        return opposite(where) if word == "ne" else where


def _products(
    word: str, left: Product | Affine, right: Product | Affine, decide: Decide, fits: Decide | None
) -> bool | Condition:
    def number(value: Product | Affine) -> Any:
        if isinstance(value, Affine) and value.is_constant:
            return value.constant
        if isinstance(value, Product) and not value.monomial:
            return value.coefficient
        raise Undecided("a comparison of products of sizes")

    if left == right:
        return word in {"eq", "le", "ge"}
    if word in {"eq", "ne"} and fits is not None and (rest := _rest(left, right, fits)) is not None:
        # A length is at least 1: it is not 1 where it is 2 or more.
        more = compared("ge", rest, affine(2), decide)
        return opposite(more) if word == "eq" else more
    a, b = number(left), number(right)
    return bool({"eq": a == b, "ne": a != b, "lt": a < b, "le": a <= b, "gt": a > b, "ge": a >= b}[word])


def _rest(left: Product | Affine, right: Product | Affine, fits: Decide) -> Affine | None:
    """The one length by which two products of lengths differ, those of one place being equal; 1 where none is left.

    None for other products.
    """
    sides = [as_product(one) for one in (left, right)]
    if any(one.coefficient != 1 or any(power < 1 for _, power in one.monomial) for one in sides):
        return None
    first, second = ([form for form, power in one.monomial for _ in range(power)] for one in sides)
    for form in [*first]:
        if form in second:
            first.remove(form)
            second.remove(form)
    if abs(len(first) - len(second)) > 1 or not all(map(fits, map(equal, first, second))):
        return None
    rest = next(iter((*first[len(second) :], *second[len(first) :])), affine(1))
    return rest if rest.is_constant or rest.name is not None else None


def _outside(part: tuple[Constraint, ...]) -> Iterator[tuple[Constraint, ...]]:
    """Where a conjunction fails, in parts that do not overlap."""
    for k, one in enumerate(part):
        opposites = [Constraint(-one.form - 1)]
        if one.equality:
            opposites.append(Constraint(one.form - 1))
        yield from ((*part[:k], other) for other in opposites)


def opposite(where: bool | Condition) -> bool | Condition:
    """Where it does not hold."""
    if isinstance(where, bool):
        return not where
    result: bool | Condition = True
    for part in where.parts:
        result = both(result, Condition(tuple(_outside(part))))
    return result


def both(left: bool | Condition, right: bool | Condition) -> bool | Condition:
    """Where both hold."""
    if isinstance(left, bool):
        return right if left else False
    if isinstance(right, bool):
        return left if right else False
    parts = tuple(tuple(dict.fromkeys((*a, *b))) for a in left.parts for b in right.parts)
    if len(parts) > CONDITION_CASES:
        raise Undecided(f"a condition with more than {CONDITION_CASES} cases")
    return Condition(parts)


def either(left: bool | Condition, right: bool | Condition) -> bool | Condition:
    """Where one of them holds, in parts that do not overlap."""
    if isinstance(left, bool):
        return True if left else right
    if isinstance(right, bool):
        return True if right else left
    rest = both(opposite(left), right)
    return left if isinstance(rest, bool) else Condition((*left.parts, *rest.parts))
