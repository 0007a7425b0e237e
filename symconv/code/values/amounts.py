"""Arithmetic on the numbers of the code: whole numbers affine in sizes and loop indices, products of sizes, ratios."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from symconv.code.values.objects import Ratio
from symconv.limits import SHIFTED_BITS, WRITTEN_POWER
from symconv.notation.affine import Affine, affine, maximum, quotient
from symconv.notation.expr import Constraint, nonnegative
from symconv.prove.meaning.amounts import product_of
from symconv.prove.meaning.scope import Undecided
from symconv.prove.meaning.value import Product
from symconv.relation.terms import as_product

__all__ = [
    "Number",
    "arithmetic",
    "count_between",
    "extreme",
    "is_number",
    "number_of",
    "rounded",
    "whole",
    "whole_or_product",
]

Number = Affine | Product | Ratio

Decide = Callable[[Constraint], bool]


def is_number(value: object) -> bool:
    """Whether it is a number (``True`` and ``False`` are too)."""
    return isinstance(value, Affine | Product | Ratio | bool)


def number_of(value: object) -> Number:
    """The number; booleans count as 0 and 1."""
    if isinstance(value, bool):
        return affine(int(value))
    assert isinstance(value, Affine | Product | Ratio)
    return value


def whole_or_product(value: object) -> Affine | Product:
    """The number as something to multiply with."""
    number = number_of(value)
    if isinstance(number, Ratio):
        return Product(Fraction(1, number.divisor)) * as_product(number.form)
    return number


def arithmetic(op: str, left: Number, right: Number) -> Number:
    """``left op right``; raises Undecided where the result is none of the numbers that are known here."""
    if isinstance(left, Ratio) or isinstance(right, Ratio):
        return _ratio(op, left, right)
    match op, left, right:
        case "+", Affine(), Affine():
            return left + right
        case "-", Affine(), Affine():
            return left - right
        case "+" | "-", _, _:
            return _added(op, as_product(left), as_product(right))
        case "*", _, _:
            return product_of(as_product(left) * as_product(right))
        case "/", _, Affine() if right.is_constant and right.constant > 0 and isinstance(left, Affine):
            exact = all(factor % right.constant == 0 for factor in (*(f for _, f in left.terms), left.constant))
            if exact or not left.is_constant:
                return quotient(left, right.constant) if exact else Ratio(left, right.constant)
            return Product(Fraction(left.constant, right.constant))
        case "/", _, _:
            divisor = as_product(right)
            if divisor.coefficient == 0:
                raise Undecided("a division by zero")
            return product_of(as_product(left) * divisor.inverse())
        case "//" | "%", Affine(), Affine() if right.is_constant and right.constant:
            k = right.constant
            found = quotient(left, k) if k > 0 else quotient(-left, -k)
            return found if op == "//" else left - found * k
        case "//", _, _:
            return _divided(as_product(left), as_product(right))
        case "**", _, Affine() if right.is_constant and 0 <= right.constant <= WRITTEN_POWER:
            result: Number = affine(1)
            for _ in range(right.constant):
                result = arithmetic("*", result, left)
            return result
        case "**", _, Affine() if right.is_constant and -WRITTEN_POWER <= right.constant < 0:
            return arithmetic("/", affine(1), arithmetic("**", left, -right))
        case (("<<" | ">>" | "&" | "|" | "^"), Affine(), Affine()) if left.is_constant and right.is_constant:
            return affine(_bits(op, left.constant, right.constant))
    raise Undecided(f"{op} of {left} and {right} is not affine in the sizes")


def _bits(op: str, left: int, right: int) -> int:
    if op in {"<<", ">>"} and not 0 <= right <= SHIFTED_BITS:
        raise Undecided(f"a shift by {right}")
    return {
        "<<": lambda: left << right, ">>": lambda: left >> right, "&": lambda: left & right, "|": lambda: left | right,
        "^": lambda: left ^ right,
    }[op]()  # fmt: skip


def _added(op: str, left: Product, right: Product) -> Number:
    sign = 1 if op == "+" else -1
    if left.monomial == right.monomial or 0 in {left.coefficient, right.coefficient}:
        monomial = left.monomial if left.coefficient else right.monomial
        return product_of(Product(left.coefficient + sign * right.coefficient, monomial))
    raise Undecided("a sum of products of sizes")


def _divided(left: Product, right: Product) -> Number:
    if right.coefficient:
        found = left * right.inverse()
        if found.coefficient.denominator == 1 and all(power > 0 for _, power in found.monomial):
            return product_of(found)
    raise Undecided("a division by a size that may leave a rest")


def _ratio(op: str, left: Number, right: Number) -> Number:
    match op, left, right:
        case "+", Ratio(form, divisor), Affine():
            return Ratio(form + right * divisor, divisor)
        case "-", Ratio(form, divisor), Affine():
            return Ratio(form - right * divisor, divisor)
        case "+", Affine(), Ratio(form, divisor):
            return Ratio(form + left * divisor, divisor)
        case "-", Affine(), Ratio(form, divisor):
            return Ratio(left * divisor - form, divisor)
        case (("+" | "-"), Ratio(form, divisor), Ratio(other, same)) if divisor == same:
            return Ratio(form + other if op == "+" else form - other, divisor)
        case "*", Ratio(form, divisor), Affine() if right.is_constant:
            return arithmetic("/", form * right.constant, affine(divisor))
        case "*", Affine(), Ratio():
            return _ratio(op, right, left)
        case "//", Ratio(form, divisor), Affine() if right.is_constant and right.constant > 0:
            return quotient(form, divisor * right.constant)
    raise Undecided(f"{op} of a fraction that is not rounded")


def rounded(value: Number, how: str, decide: Decide) -> Affine:
    """``int``, ``floor``, ``ceil`` or ``round`` of a number."""
    match value:
        case Affine():
            return value
        case Product(coefficient, ()) if how == "round":
            return affine(round(coefficient))
        case Ratio() if how == "round":
            raise Undecided("a fraction of a size is rounded to the nearest")
        case Ratio(form, divisor):
            down = quotient(form, divisor)
            if how == "floor" or (how == "int" and decide(nonnegative(form))):
                return down
            return -quotient(-form, divisor)
        case Product(coefficient, ()):
            whole = coefficient.numerator // coefficient.denominator
            up = -(-coefficient.numerator // coefficient.denominator)
            return affine(whole if how == "floor" or (how == "int" and coefficient >= 0) else up)
    raise Undecided("a product of sizes is rounded")


def count_between(first: Affine, stop: Affine, step: int) -> Affine:
    """How many numbers ``range(first, stop, step)`` has; less than 0 where it is empty by more than a step."""
    room = stop - first if step > 0 else first - stop
    return quotient(room + abs(step) - 1, abs(step))


def whole(value: Number, what: str) -> Affine:
    """A whole number affine in the sizes."""
    if isinstance(value, Affine):
        return value
    raise Undecided(
        f"{what} is {'a product of sizes' if isinstance(value, Product) and value.monomial else 'no whole number'}"
    )


def extreme(word: str, left: Number, right: Number, decide: Decide) -> Number:
    """``max`` or ``min`` of two numbers."""
    if isinstance(left, Product) and isinstance(right, Product) and not left.monomial and not right.monomial:
        return (
            max(left, right, key=lambda p: p.coefficient)
            if word == "max"
            else min(left, right, key=lambda p: p.coefficient)
        )
    a, b = whole(left, f"an argument of {word}"), whole(right, f"an argument of {word}")
    try:
        first = decide(nonnegative(a - b))
    except Undecided:
        return maximum(a, b) if word == "max" else -maximum(-a, -b)
    return a if first == (word == "max") else b
