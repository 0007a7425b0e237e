"""Operators of the code: arithmetic, comparisons, conditions."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from symconv.code.amounts import arithmetic, is_number, number_of, whole_or_product
from symconv.code.conditions import both, compared, either, opposite
from symconv.code.held import Held
from symconv.code.trouble import Outside
from symconv.code.values import (
    Box,
    Choice,
    Chosen,
    Condition,
    Dotted,
    Opaque,
    Pack,
    Ratio,
    Stale,
    Strides,
)
from symconv.limits import LIST_LENGTH
from symconv.notation.affine import Affine, affine
from symconv.prove.meaning.value import Product
from symconv.relation.terms import as_product

__all__ = ["Operations"]

_COMPARED = {ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge"}


class Operations(Held):
    """Reads operators."""

    def _unary(self, op: ast.unaryop, value: Any) -> Any:
        if isinstance(op, ast.Not):
            truth = self.truth(value)
            if isinstance(truth, Box):
                return self.boxed(self.on.elementwise("-", self.on.lift(Product(Fraction(1))), self.array(truth)))
            return opposite(truth) if isinstance(truth, Condition) else not truth
        if isinstance(op, ast.USub):
            return (
                self.binary("-", affine(0), value)
                if not isinstance(value, Box)
                else self.binary("*", affine(-1), value)
            )
        if isinstance(op, ast.UAdd):
            return value
        if isinstance(value, Box):
            return self.boxed(self.on.elementwise("-", self.on.lift(Product(Fraction(1))), self.array(value)))
        raise self.error("~ is read of masks alone")

    def binary(self, op: str, left: Any, right: Any) -> Any:
        """``left op right``."""
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
        if op in {"+", "-", "*"}:
            return self.boxed(self.on.elementwise(op, self.array(left), self.array(right)))
        raise Outside(f"{op} of {self.kind(left)} and {self.kind(right)}", self.line)

    def _of_others(self, op: str, left: Any, right: Any) -> Any:
        """The result where one of them is no number and no array; None where both are."""
        if isinstance(left, tuple | list) or isinstance(right, tuple | list):
            return self._sequences(op, left, right)
        if isinstance(left, str) or isinstance(right, str):
            return Opaque("text")
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

    def _compare(self, left: ast.expr, ops: Sequence[ast.cmpop], rights: Sequence[ast.expr]) -> Any:
        result: Any = True
        first = self.value(left)
        for op, node in zip(ops, rights, strict=True):
            second = self.value(node)
            found = self._compared(op, first, second)
            if isinstance(found, Box) or isinstance(result, Box):
                result = found if result is True else self.binary("*", result, found)
            elif isinstance(found, Condition) or isinstance(result, Condition):
                result = both(result, found)
            else:
                result = result and found
            first = second
        return result

    def _compared(self, op: ast.cmpop, first: Any, second: Any) -> Any:
        if isinstance(op, ast.Is | ast.IsNot):
            same = first is None and second is None if None in (first, second) else first is second or first == second
            return same == isinstance(op, ast.Is)
        if isinstance(op, ast.In | ast.NotIn):
            found = any(first == one for one in (second if isinstance(second, tuple | list | dict) else ()))
            return found == isinstance(op, ast.In)
        word = _COMPARED[type(op)]
        if isinstance(first, Box) or isinstance(second, Box):
            mask = self.boxed(self.on.compare(word, self.array(first), self.array(second)))
            mask.mask = True
            return mask
        if is_number(first) and is_number(second):
            return compared(word, number_of(first), number_of(second), self.on.decide)
        if isinstance(first, tuple | list) and isinstance(second, tuple | list):
            pairs = [self._compared(ast.Eq(), a, b) for a, b in zip(first, second, strict=False)]
            alike: Any = len(first) == len(second)
            for one in pairs:
                alike = both(alike, one)
            return alike if word == "eq" else opposite(alike)
        if isinstance(first, Pack) or isinstance(second, Pack):
            raise self.error("what is compared cannot be told")
        return (first == second) == (word == "eq")

    def _boolean(self, every: bool, nodes: Sequence[ast.expr]) -> Any:
        result: Any = every
        for node in nodes:
            if not isinstance(result, Condition | Box) and bool(result) != every:
                return result
            reads = any(isinstance(one, ast.Subscript) for one in ast.walk(node))
            with self.guarding(result if every and reads else None):
                value = self.value(node)
            found = value if isinstance(value, Box) else self.truth(value)
            if isinstance(found, Box) or isinstance(result, Box):
                result = self._masks(every, result, found)
            else:
                result = both(result, found) if every else either(result, found)
        return self.truth(result) if isinstance(result, Box) else result

    def _masks(self, every: bool, left: Any, right: Any) -> Any:
        """``and`` or ``or`` of conditions one of which is on elements."""
        if left is every:
            return right
        if right is every:
            return left
        a, b = self.array(left), self.array(right)
        product = self.on.elementwise("*", a, b)
        if every:
            return self.boxed(product)
        return self.boxed(self.on.elementwise("-", self.on.elementwise("+", a, b), product))

    def truth(self, value: Any) -> Any:
        """A condition: True, False, or where it holds."""
        match value:
            case bool() | Condition():
                return value
            case Box():
                return value if self.on.symbolic else self.on.true(value.value)
            case None:
                return False
            case Affine() | Product() | Ratio():
                return compared("ne", value, affine(0), self.on.decide)
            case str() | tuple() | list() | dict():
                return bool(value)
            case Stale(why):
                raise Outside(why, self.line)
        return True

    def _choice(self, test: ast.expr, body: ast.expr, orelse: ast.expr) -> Any:
        found = self.truth(self.value(test))
        if isinstance(found, bool):
            return self.value(body if found else orelse)
        if isinstance(found, Box):
            return self.call(Dotted("numpy.where"), [found, self.value(body), self.value(orelse)], {})
        with self.guarding(found):
            one = self.value(body)
        with self.guarding(opposite(found)):
            other = self.value(orelse)
        return self.call(Dotted("numpy.where"), [self.indicator(found), one, other], {})
