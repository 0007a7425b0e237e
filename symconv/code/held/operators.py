"""Operators on values: numbers, arrays, masks, positions, lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from symconv.code.held.boxes import array_of, boxed, current, loose_view, numeric
from symconv.code.held.masks import complement
from symconv.code.held.numbers import constant
from symconv.code.held.state import State, call, fails
from symconv.code.held.truths import truth_of
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import Number, arithmetic, is_number, number_of, whole_or_product
from symconv.code.values.conditions import opposite
from symconv.code.values.kinds import BOOL, combined, in_words, kind_of, untold
from symconv.code.values.objects import (
    Box,
    Choice,
    Chosen,
    Condition,
    Dotted,
    Infinity,
    Opaque,
    Stale,
    Strides,
    one_number,
)
from symconv.limits import LIST_LENGTH
from symconv.notation.affine import Affine, affine
from symconv.prove.meaning.divisors import nonzero
from symconv.prove.meaning.value import Product
from symconv.relation.terms import as_product

__all__ = ["binary", "product_of_all", "unary"]


def unary(state: State, op: str, value: Any) -> Any:
    """``op value``, for ``not - + ~``."""
    mask = isinstance(value, Box) and value.mask
    match op, value:
        case "not", _:
            truth = truth_of(state, value)
            if isinstance(truth, Box):
                return _inverted(state, truth)
            return opposite(truth) if isinstance(truth, Condition) else not truth
        case "-", _ if mask:
            fails(state, "a mask is negated, which NumPy and PyTorch refuse")
            raise Outside("a mask is negated", state.line)
        case "-", Infinity(sign):
            return Infinity(-sign)
        case "-", Box():
            return binary(state, "*", affine(-1), value)
        case "-", _:
            return binary(state, "-", affine(0), value)
        case "+", Box():
            # NumPy copies there, PyTorch does not.
            return loose_view(state, value, array_of(state, value))
        case "+", _:
            return value
        case "~", Box() if mask:
            return _inverted(state, value)
        case "~", _ if is_number(value):
            return arithmetic("-", affine(-1), number_of(value))
    raise Outside("~ of what is no mask", state.line)


def _inverted(state: State, mask: Box) -> Box:
    return boxed(state, complement(state, array_of(state, mask)), BOOL)


def binary(state: State, op: str, left: Any, right: Any) -> Any:
    """``left op right``; of an attribute that nothing tells it is as unknown, which says so where it is needed."""
    if (unknown := next(filter(untold, (left, right)), None)) is not None:
        return unknown
    kinds = {kind_of(one) for one in (left, right)}
    if BOOL in kinds and any(isinstance(one, Box) and one.mask for one in (left, right)):
        if op == "-" and "torch" in state.program.libraries and not {"numpy", "jax", "cupy"} & state.program.libraries:
            fails(state, "a mask is subtracted or subtracted from, which PyTorch refuses")
            raise Outside("a difference with a mask", state.line)
        if kinds == {BOOL} and op in {"+", "-", "&", "|", "^", "**", "//", "%", "@"}:
            return _of_masks(state, op, left, right)
        if op in {"&", "|", "^", "<<", ">>"}:
            raise Outside(f"{op} of a mask and numbers", state.line)
    found = _binary(state, op, left, right)
    if isinstance(found, Box):
        found.kind = combined(op, left, right)
    return found


def _is_root(power: Number) -> bool:
    """Whether it is a number that is no whole one: powers of sizes are then numbers that only exact algebra knows."""
    return isinstance(power, Product) and not power.monomial and power.coefficient.denominator > 1


def _of_masks(state: State, op: str, left: Any, right: Any) -> Box:
    """``left op right`` of masks: ``+`` is ``|`` there."""
    if op == "-":
        fails(state, "masks are subtracted, which NumPy and PyTorch refuse")
        raise Outside("masks are subtracted", state.line)
    if op not in {"+", "&", "|", "^"}:
        raise Outside(f"{op} of masks", state.line)
    a, b = (array_of(state, one if not isinstance(one, bool) else affine(int(one))) for one in (left, right))
    product = state.on.elementwise("*", a, b)
    if op == "&":
        return boxed(state, product, BOOL)
    less = state.on.elementwise("-", state.on.elementwise("+", a, b), product)
    return boxed(state, less if op != "^" else state.on.elementwise("-", less, product), BOOL)


def _binary(state: State, op: str, left: Any, right: Any) -> Any:
    if (found := _of_others(state, op, left, right)) is not None:
        return found
    if is_number(left) and is_number(right):
        if op == "**" and _is_root(number_of(right)):
            return _power(state, left, right)
        _divisor(state, op, number_of(left), number_of(right))
        return arithmetic(op, number_of(left), number_of(right))
    if (found := _positions(state, op, left, right)) is not None:
        return found
    left, right = numeric(state, left), numeric(state, right)
    if op == "@":
        return call(state, Dotted("numpy.matmul"), [left, right], {})
    if op == "/" and is_number(right):
        divisor = as_product(whole_or_product(right))
        if divisor.coefficient == 0 and state.on.symbolic:
            raise state.error("an array is divided by zero")
        nonzero(state.on, divisor)
        return boxed(state, state.on.scale(array_of(state, left), divisor.inverse()))
    if op == "*" and (is_number(left) or is_number(right)):
        number, other = (left, right) if is_number(left) else (right, left)
        return boxed(state, state.on.scale(array_of(state, other), as_product(whole_or_product(number))))
    if op == "**" and is_number(right):
        return _power(state, left, right)
    if op == "/":
        return boxed(state, state.on.word("divide", [array_of(state, left), array_of(state, right)], {}))
    if op == "+" and kind_of(left) == kind_of(right) == BOOL:
        raise Outside("a sum of truth values", state.line)
    if op in {"+", "-", "*"}:
        return boxed(state, state.on.elementwise(op, array_of(state, left), array_of(state, right)))
    if op == "**" and isinstance(left, Box) and isinstance(right, Box):
        # Where the base is above 0: elsewhere a power is no function of its exponent that has a slope.
        logarithm = call(state, Dotted("numpy.log"), [left], {})
        return call(state, Dotted("numpy.exp"), [binary(state, "*", right, logarithm)], {})
    raise Outside(f"{op} of {in_words(left)} and {in_words(right)}", state.line)


def _divisor(state: State, op: str, left: Number, right: Number) -> None:
    """Leaves out the sizes at which the divisor is 0."""
    power = right.constant if op == "**" and isinstance(right, Affine) and right.is_constant else 0
    if op in {"/", "//", "%"} or power < 0:
        nonzero(state.on, as_product(whole_or_product(right if power == 0 else left)))


def _of_others(state: State, op: str, left: Any, right: Any) -> Any:
    """The result where one of them is no number and no array; None where both are."""
    if isinstance(left, tuple | list) or isinstance(right, tuple | list):
        return _sequences(state, op, left, right)
    if isinstance(left, str) or isinstance(right, str):
        plain = op == "+" and isinstance(left, str) and isinstance(right, str)
        return left + right if plain else Opaque("text")
    for value in (left, right):
        if isinstance(value, Stale):
            raise Outside(value.why, state.line)
    for value, times in ((left, right), (right, left)):
        if isinstance(value, Strides) and op == "*":
            return replace(value, step=value.step * constant(state, times, "the step of a view"))
    if isinstance(left, Choice | Chosen) or isinstance(right, Choice | Chosen):
        return _of_choice(state, op, left, right)
    return None


def _of_choice(state: State, op: str, left: Any, right: Any) -> Chosen:
    """An offset to a place, or one of its two indices by ``//`` and ``%``."""
    left, right = one_number(left), one_number(right)
    for place, other in ((left, right), (right, left)):
        if isinstance(place, Chosen) and op == "+" and isinstance(other, Affine):
            return replace(place, offset=place.offset + other)
    if isinstance(left, Chosen) and op == "-" and isinstance(right, Affine):
        return replace(left, offset=left.offset - right)
    plane = isinstance(left, Choice) and len(left.sizes) == 2 and isinstance(right, Affine)
    if plane and op in {"//", "%"} and state.terms.walk.same(left.sizes[1], right):
        return Chosen(left, 0 if op == "//" else 1)
    raise Outside(f"{op} of the place of an extreme", state.line)


def _positions(state: State, op: str, left: Any, right: Any) -> Box | None:
    """The result where both are positions, or one is and the other one a whole number."""
    sides = [current(state, one) if isinstance(one, Box) else one for one in (left, right)]
    grids = [state.on.positions(one) for one in sides]
    known = all(grid or isinstance(one, Affine) for grid, one in zip(grids, sides, strict=True))
    if not any(grids) or not known or op in {"@", "/", "**"}:
        return None
    return boxed(state, state.on.arithmetic(op, *sides))


def _power(state: State, left: Any, right: Any) -> Box:
    number = number_of(right)
    power = number.constant if isinstance(number, Affine) and number.is_constant else 0
    if not 1 <= power <= 4:
        return boxed(state, state.on.word("power", [array_of(state, left), number], {}))
    array = result = array_of(state, left)
    for _ in range(power - 1):
        result = state.on.elementwise("*", result, array)
    return boxed(state, result)


def _sequences(state: State, op: str, left: Any, right: Any) -> Any:
    if op == "+" and isinstance(left, tuple | list) and isinstance(right, tuple | list):
        return [*left, *right] if isinstance(left, list) else (*left, *right)
    if op == "*":
        items, times = (left, right) if isinstance(left, tuple | list) else (right, left)
        copies = constant(state, times, "the number of copies")
        if copies * len(items) > LIST_LENGTH:
            raise Outside(f"a list of {copies * len(items)} elements", state.line)
        return type(items)(list(items) * copies)
    raise state.error(f"{op} of {in_words(left)} and {in_words(right)}")


def product_of_all(state: State, items: Sequence[Any]) -> Any:
    """The product of numbers."""
    result: Any = affine(1)
    for one in items:
        result = binary(state, "*", result, one)
    return result
