"""Operators of the code: arithmetic, comparisons, conditions."""

from __future__ import annotations

import ast
from dataclasses import replace
from fractions import Fraction
from typing import Any

from symconv.code.reading.truths import Truths
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import arithmetic, is_number, number_of, whole_or_product
from symconv.code.values.conditions import opposite
from symconv.code.values.kinds import BOOL, combined, kind_of
from symconv.code.values.objects import (
    Box,
    Choice,
    Chosen,
    Condition,
    Dotted,
    Opaque,
    Stale,
    Strides,
)
from symconv.limits import LIST_LENGTH
from symconv.notation.affine import Affine, affine
from symconv.prove.meaning.value import Product
from symconv.relation.terms import as_product

__all__ = ["Operations"]


class Operations(Truths):
    """Reads operators."""

    def _unary(self, op: ast.unaryop, value: Any) -> Any:
        if isinstance(op, ast.Not):
            truth = self.truth(value)
            if isinstance(truth, Box):
                return self._inverted(truth)
            return opposite(truth) if isinstance(truth, Condition) else not truth
        if isinstance(op, ast.USub) and isinstance(value, Box) and value.mask:
            self.fails("a mask is negated, which NumPy and PyTorch refuse")
            raise Outside("a mask is negated", self.line)
        if isinstance(op, ast.USub):
            return (
                self.binary("-", affine(0), value)
                if not isinstance(value, Box)
                else self.binary("*", affine(-1), value)
            )
        if isinstance(op, ast.UAdd):
            # NumPy copies there, PyTorch does not.
            return self.loose(value, self.array(value)) if isinstance(value, Box) else value
        if isinstance(value, Box) and value.mask:
            return self._inverted(value)
        if is_number(value):
            return arithmetic("-", affine(-1), number_of(value))
        raise Outside("~ of what is no mask", self.line)

    def _inverted(self, mask: Box) -> Box:
        return self.boxed(self.on.elementwise("-", self.on.lift(Product(Fraction(1))), self.array(mask)), BOOL)

    def binary(self, op: str, left: Any, right: Any) -> Any:
        """``left op right``."""
        kinds = {kind_of(one) for one in (left, right)}
        if BOOL in kinds and any(isinstance(one, Box) and one.mask for one in (left, right)):
            if kinds == {BOOL} and op in {"+", "-", "&", "|", "^", "**", "//", "%", "@"}:
                return self._of_masks(op, left, right)
            if op in {"&", "|", "^", "<<", ">>"}:
                raise Outside(f"{op} of a mask and numbers", self.line)
        found = self._binary(op, left, right)
        if isinstance(found, Box):
            found.kind = combined(op, left, right)
        return found

    def _of_masks(self, op: str, left: Any, right: Any) -> Box:
        """``left op right`` of masks: ``+`` is ``|`` there."""
        if op == "-":
            self.fails("masks are subtracted, which NumPy and PyTorch refuse")
            raise Outside("masks are subtracted", self.line)
        if op not in {"+", "&", "|", "^"}:
            raise Outside(f"{op} of masks", self.line)
        a, b = (self.array(one if not isinstance(one, bool) else affine(int(one))) for one in (left, right))
        product = self.on.elementwise("*", a, b)
        if op == "&":
            return self.boxed(product, BOOL)
        less = self.on.elementwise("-", self.on.elementwise("+", a, b), product)
        return self.boxed(less if op != "^" else self.on.elementwise("-", less, product), BOOL)

    def _binary(self, op: str, left: Any, right: Any) -> Any:
        if (found := self._of_others(op, left, right)) is not None:
            return found
        if is_number(left) and is_number(right):
            return arithmetic(op, number_of(left), number_of(right))
        if (found := self._positions(op, left, right)) is not None:
            return found
        if op == "@":
            return self.call(Dotted("numpy.matmul"), [left, right], {})
        if op == "/" and is_number(right):
            divisor = as_product(whole_or_product(right))
            if divisor.coefficient == 0:
                raise self.error("an array is divided by zero")
            return self.boxed(self.on.scale(self.array(left), divisor.inverse()))
        if op == "*" and (is_number(left) or is_number(right)):
            number, other = (left, right) if is_number(left) else (right, left)
            return self.boxed(self.on.scale(self.array(other), as_product(whole_or_product(number))))
        if op == "**" and is_number(right):
            return self._power(left, right)
        if op == "/":
            return self.boxed(self.on.word("divide", [self.array(left), self.array(right)], {}))
        if op == "+" and kind_of(left) == kind_of(right) == BOOL:
            raise Outside("a sum of truth values", self.line)
        if op in {"+", "-", "*"}:
            return self.boxed(self.on.elementwise(op, self.array(left), self.array(right)))
        raise Outside(f"{op} of {self.kind(left)} and {self.kind(right)}", self.line)

    def _of_others(self, op: str, left: Any, right: Any) -> Any:
        """The result where one of them is no number and no array; None where both are."""
        if isinstance(left, tuple | list) or isinstance(right, tuple | list):
            return self._sequences(op, left, right)
        if isinstance(left, str) or isinstance(right, str):
            plain = op == "+" and isinstance(left, str) and isinstance(right, str)
            return left + right if plain else Opaque("text")
        for value in (left, right):
            if isinstance(value, Stale):
                raise Outside(value.why, self.line)
        for value, times in ((left, right), (right, left)):
            if isinstance(value, Strides) and op == "*":
                return replace(value, step=value.step * self.constant(times, "the step of a view"))
        if isinstance(left, Choice | Chosen) or isinstance(right, Choice | Chosen):
            return self._of_choice(op, left, right)
        return None

    def _of_choice(self, op: str, left: Any, right: Any) -> Chosen:
        """An offset to a place, or one of its two indices by ``//`` and ``%``."""
        for place, other in ((left, right), (right, left)):
            if isinstance(place, Chosen) and op == "+" and isinstance(other, Affine):
                return replace(place, offset=place.offset + other)
        if isinstance(left, Chosen) and op == "-" and isinstance(right, Affine):
            return replace(left, offset=left.offset - right)
        plane = isinstance(left, Choice) and len(left.sizes) == 2 and isinstance(right, Affine)
        if plane and op in {"//", "%"} and self.on.walk.same(left.sizes[1], right):
            return Chosen(left, 0 if op == "//" else 1)
        raise Outside(f"{op} of the place of an extreme", self.line)

    def _positions(self, op: str, left: Any, right: Any) -> Box | None:
        """The result where both are positions, or one is and the other one a whole number."""
        sides = [self.current(one) if isinstance(one, Box) else one for one in (left, right)]
        grids = [self.on.positions(one) for one in sides]
        known = all(grid or isinstance(one, Affine) for grid, one in zip(grids, sides, strict=True))
        if not any(grids) or not known or op in {"@", "/", "**"}:
            return None
        return self.boxed(self.on.arithmetic(op, *sides))

    def _power(self, left: Any, right: Any) -> Box:
        number = number_of(right)
        power = number.constant if isinstance(number, Affine) and number.is_constant else 0
        if not 1 <= power <= 4:
            return self.boxed(self.on.word("power", [self.array(left), number], {}))
        array = result = self.array(left)
        for _ in range(power - 1):
            result = self.on.elementwise("*", result, array)
        return self.boxed(result)

    def _sequences(self, op: str, left: Any, right: Any) -> Any:
        if op == "+" and isinstance(left, tuple | list) and isinstance(right, tuple | list):
            return [*left, *right] if isinstance(left, list) else (*left, *right)
        if op == "*":
            items, times = (left, right) if isinstance(left, tuple | list) else (right, left)
            copies = self.constant(times, "the number of copies")
            if copies * len(items) > LIST_LENGTH:
                raise Outside(f"a list of {copies * len(items)} elements", self.line)
            return type(items)(list(items) * copies)
        raise self.error(f"{op} of {self.kind(left)} and {self.kind(right)}")

    def _choice(self, test: ast.expr, body: ast.expr, orelse: ast.expr) -> Any:
        found = self.tested(test)
        if isinstance(found, bool):
            return self.value(body if found else orelse)
        if isinstance(found, Box):
            return self.call(Dotted("numpy.where"), [found, self.value(body), self.value(orelse)], {})
        with self.guarding(found):
            one = self.value(body)
        with self.guarding(opposite(found)):
            other = self.value(orelse)
        return self.call(Dotted("numpy.where"), [self.indicator(found), one, other], {})
