"""Formulas in sizes, as extents and bounds are written: forms with floors."""

from __future__ import annotations

from symconv.errors import SpecError, shown
from symconv.notation.affine import Affine, affine, quotient, var
from symconv.notation.indices import MAX_INTEGER
from symconv.notation.parse import Binary, Name, Negate, Node, Number, parse_expression

__all__ = ["size_form", "sizes_of"]


def sizes_of(text: str, what: str) -> Affine:
    """The form a text stands for; raises SpecError where it is none."""
    try:
        node = parse_expression(text)
    except SpecError as error:
        raise SpecError(f"{what} is built from sizes and integers: {error}") from None
    return size_form(node, text)


def size_form(node: Node, text: str) -> Affine:
    """The form an expression stands for; ``text`` is what the user wrote."""
    match node:
        case Number(digits) if digits.isdigit() and int(digits) <= MAX_INTEGER:
            return affine(int(digits))
        case Name(name):
            return var(name)
        case Negate(operand):
            return -size_form(operand, text)
        case Binary("+", left, right):
            return size_form(left, text) + size_form(right, text)
        case Binary("-", left, right):
            return size_form(left, text) - size_form(right, text)
        case Binary("*", left, right):
            a, b = size_form(left, text), size_form(right, text)
            if a.is_constant or b.is_constant:
                return b * a.constant if a.is_constant else a * b.constant
        case Binary("/" | "//", left, right):
            divisor = size_form(right, text)
            if divisor.is_constant and divisor.constant > 0:
                return quotient(size_form(left, text), divisor.constant)
    raise SpecError(
        f"an extent is built from sizes and integers up to {MAX_INTEGER} with + - * and // (floor; / is the same "
        f"there); given {shown(text)}"
    )
