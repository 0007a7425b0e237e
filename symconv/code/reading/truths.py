"""Comparisons of the code, ``and`` and ``or``, and when a value counts as true."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from symconv.code.reading.held import Held
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number, number_of
from symconv.code.values.conditions import both, compared, either, opposite
from symconv.code.values.kinds import BOOL, kind_of_type, of_type
from symconv.code.values.objects import Box, Condition, Context, Dotted, Function, Opaque, Pack, Ratio, Stale
from symconv.notation.affine import Affine, affine
from symconv.prove.meaning.value import Product

__all__ = ["Truths"]

_COMPARED = {ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge"}


class Truths(Held):
    """Reads comparisons."""

    def comparison(self, left: ast.expr, ops: Sequence[ast.cmpop], rights: Sequence[ast.expr]) -> Any:
        result: Any = True
        first = self.value(left)
        for op, node in zip(ops, rights, strict=True):
            second = self.value(node)
            found = self._compared(op, first, second)
            if isinstance(found, Box) or isinstance(result, Box):
                if len(ops) > 1 and any(isinstance(v, Box) and self.on.rank(self.current(v)) for v in (found, result)):
                    raise Outside("a chain of comparisons of arrays", self.line)
                result = found if result is True else self.binary("*", result, found)
            elif isinstance(found, Condition) or isinstance(result, Condition):
                result = both(result, found)
            else:
                result = result and found
            first = second
        return result

    def _compared(self, op: ast.cmpop, first: Any, second: Any) -> Any:
        if isinstance(op, ast.Is | ast.IsNot):
            return self._identical(first, second) == isinstance(op, ast.Is)
        if isinstance(op, ast.In | ast.NotIn):
            found = self._contained(first, second)
            return found if isinstance(op, ast.In) else opposite(found)
        word = _COMPARED[type(op)]
        if isinstance(first, Box) or isinstance(second, Box):
            return self.boxed(self.on.compare(word, self.array(first), self.array(second)), BOOL)
        if is_number(first) and is_number(second):
            return compared(word, number_of(first), number_of(second), self.on.decide)
        if word not in {"eq", "ne"}:
            raise Outside(f"a comparison of {self.kind(first)} and {self.kind(second)}", self.line)
        alike = self._alike(first, second)
        return alike if word == "eq" else opposite(alike)

    def _alike(self, first: Any, second: Any) -> Any:
        """Whether two values are equal."""
        if isinstance(first, tuple | list) and isinstance(second, tuple | list):
            alike: Any = len(first) == len(second)
            for a, b in zip(first, second, strict=False):
                alike = both(alike, self._compared(ast.Eq(), a, b))
            if alike is not False and type(first) is not type(second):
                raise Outside("a list is compared with a tuple", self.line)
            return alike
        if isinstance(first, Pack) or isinstance(second, Pack):
            raise self.error("what is compared cannot be told")
        plain = (str, bool, type(None), Affine, Product, tuple, list, dict, Ratio)
        if isinstance(first, plain) and isinstance(second, plain):
            return first == second
        if None in (first, second) and not isinstance(first, Stale) and not isinstance(second, Stale):
            return first is second
        types = [of_type(one) for one in (first, second)]
        if any(one.startswith("dtype") for one in types):
            return kind_of_type(first) == kind_of_type(second)
        raise Outside(f"a comparison of {self.kind(first)} and {self.kind(second)}", self.line)

    def _identical(self, first: Any, second: Any) -> bool:
        for one in (first, second):
            if isinstance(one, Stale):
                raise Outside(one.why, self.line)
        if first is None or second is None:
            return first is None and second is None
        if isinstance(first, Box) and isinstance(second, Box) and not (first.base or second.base):
            return first is second
        if isinstance(first, bool) and isinstance(second, bool):
            return first is second
        raise Outside(f"whether {self.kind(first)} is {self.kind(second)}", self.line)

    def _contained(self, first: Any, second: Any) -> Any:
        """Whether a value is one of several."""
        if isinstance(first, str) and isinstance(second, str):
            return first in second
        if isinstance(second, dict):
            return self.key(first) in second
        if isinstance(second, frozenset):
            second = list(second)
        if isinstance(second, tuple | list) and not (second and isinstance(second[0], Dotted) and len(second) == 2):
            found: Any = False
            for one in second:
                alike = first is one if isinstance(first, str | None) != isinstance(one, str | None) else None
                alike = self._compared(ast.Eq(), first, one) if alike is None else alike
                if isinstance(alike, Box):
                    raise Outside("whether an element is one of several", self.line)
                found = either(found, alike)
            return found
        raise Outside(f"whether {self.kind(first)} is in {self.kind(second)}", self.line)

    def tested(self, node: ast.expr) -> Any:
        """The truth of an expression."""
        if isinstance(node, ast.BoolOp):
            return self.boolean(isinstance(node.op, ast.And), node.values, True)
        return self.truth(self.value(node))

    def boolean(self, every: bool, nodes: Sequence[ast.expr], test: bool = False) -> Any:
        """``and`` or ``or``: the operand that decides, or where the conditions hold."""
        result: Any = every
        last: Any = every
        for node in nodes:
            if isinstance(result, bool) and result != every:
                return result if test else last
            reads = any(isinstance(one, ast.Subscript) for one in ast.walk(node))
            with self.guarding(result if every and reads else None):
                last = self.tested(node) if test else self.value(node)
                found = self.truth(last)
            if not test and not isinstance(last, bool | Condition) and not (isinstance(last, Box) and last.mask):
                if isinstance(found, bool) and isinstance(result, bool):
                    result = found
                    continue
                raise Outside(f"{'and' if every else 'or'} of a condition and {self.kind(last)}", self.line)
            if isinstance(found, Box) or isinstance(result, Box):
                if any(isinstance(one, Box) and self.on.rank(self.current(one)) for one in (found, result)):
                    raise Outside("the truth of an array of several elements", self.line)
                result = self._masks(every, result, found)
            else:
                result = both(result, found) if every else either(result, found)
        return last if isinstance(result, bool) and not test else result

    def _masks(self, every: bool, left: Any, right: Any) -> Any:
        """``and`` or ``or`` of conditions one of which is on elements."""
        if left is every:
            return right
        if right is every:
            return left
        a, b = self.array(left), self.array(right)
        product = self.on.elementwise("*", a, b)
        if every:
            return self.boxed(product, BOOL)
        return self.boxed(self.on.elementwise("-", self.on.elementwise("+", a, b), product), BOOL)

    def truth(self, value: Any) -> Any:
        """A condition: True, False, or where it holds."""
        match value:
            case bool() | Condition():
                return value
            case Box():
                mask = value if value.mask else self.compared_with_zero(value)
                return mask if self.on.symbolic else self.on.true(mask.value)
            case None:
                return False
            case Affine() | Product() | Ratio():
                return compared("ne", value, affine(0), self.on.decide)
            case str() | tuple() | list() | dict():
                return bool(value)
            case Stale(why):
                raise Outside(why, self.line)
            case Function() | Context() | Pack() | Dotted() | Opaque("requires_grad"):
                return True
        raise Outside(f"the truth of {self.kind(value)}", self.line)

    def compared_with_zero(self, value: Box) -> Box:
        """Where elements are not 0."""
        return self.boxed(self.on.compare("ne", self.array(value), self.array(affine(0))), BOOL)

    def condition(self, value: Any) -> Any:
        """What chooses elements: a mask, where numbers stand for their truth."""
        return self.compared_with_zero(value) if isinstance(value, Box) and not value.mask else value
