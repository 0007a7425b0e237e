"""Conditions on sizes and positions, as parts that do not overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from symconv.code.values.amounts import Number
from symconv.code.values.objects import Condition, Ratio
from symconv.limits import CONDITION_CASES
from symconv.notation.affine import Affine
from symconv.notation.expr import Constraint
from symconv.prove.meaning.scope import Undecided
from symconv.prove.meaning.value import Product

__all__ = ["both", "compared", "either", "opposite"]


Decide = Callable[[Constraint], bool]


def compared(word: str, left: Number, right: Number, decide: Decide) -> bool | Condition:
    """A comparison of numbers: known, or where it holds."""
    if isinstance(left, Ratio) and isinstance(right, Affine):
        return compared(word, left.form, right * left.divisor, decide)
    if isinstance(right, Ratio) and isinstance(left, Affine):
        return compared(word, left * right.divisor, right.form, decide)
    if isinstance(left, Product) and isinstance(right, Product | Affine):
        return _products(word, left, right)
    if isinstance(right, Product) and isinstance(left, Affine):
        return _products(word, left, right)
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


def _products(word: str, left: Product | Affine, right: Product | Affine) -> bool:
    def number(value: Product | Affine) -> Any:
        if isinstance(value, Affine) and value.is_constant:
            return value.constant
        if isinstance(value, Product) and not value.monomial:
            return value.coefficient
        raise Undecided("a comparison of products of sizes")

    if left == right:
        return word in {"eq", "le", "ge"}
    a, b = number(left), number(right)
    return bool({"eq": a == b, "ne": a != b, "lt": a < b, "le": a <= b, "gt": a > b, "ge": a >= b}[word])


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
