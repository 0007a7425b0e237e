"""Expressions of the code: numbers, tuples, arrays and conditions."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from symconv.code.amounts import arithmetic, is_number, number_of, whole
from symconv.code.conditions import both, compared, either, opposite
from symconv.code.source import Program
from symconv.code.trouble import CodeError, Outside
from symconv.code.values import (
    Box,
    Condition,
    Context,
    Dotted,
    Function,
    Method,
    Opaque,
    Pack,
    Plan,
    Ratio,
    Series,
    Stale,
)
from symconv.notation.affine import Affine, affine
from symconv.prove.value import Product
from symconv.relation.terms import as_product

__all__ = ["LONGEST", "Expressions"]

LONGEST = 10_000
"""Elements of a list that are written out: longer ones are no formula of a gradient."""

_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
              ast.MatMult: "@", ast.Pow: "**"}  # fmt: skip
_COMPARED = {ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge"}
_BUILTINS = frozenset({
    "range", "len", "int", "float", "slice", "zip", "enumerate", "reversed", "min", "max", "abs", "sum", "tuple",
    "list", "isinstance", "print", "dict", "bool", "round", "type", "any", "all", "getattr", "divmod", "map",
})  # fmt: skip
_DTYPES = frozenset({"float32", "float64", "int32", "int64", "float", "double", "dtype", "device", "float16", "bool"})


class Expressions:
    """Reads expressions with the names of one function; ``on`` are the operations on arrays."""

    def __init__(self, program: Program, on: Any) -> None:
        self.program = program
        self.on = on
        self.names: dict[str, Any] = {}
        self.at = 0
        self.depth = 0
        self.calls = 0

    @property
    def line(self) -> int:
        """The line that is read."""
        return self.at

    @line.setter
    def line(self, number: int) -> None:
        self.at = self.on.caret.line = number

    # -- what subclasses add
    def call(self, function: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
        """The value of a call."""
        raise NotImplementedError

    def series(self, node: ast.ListComp | ast.GeneratorExp) -> Any:
        """The value of a comprehension."""
        raise NotImplementedError

    def subscript(self, owner: Any, index: ast.expr) -> Any:
        """``owner[index]``."""
        raise NotImplementedError

    def picked(self, box: Box, entries: tuple[Any, ...]) -> Box:
        """The elements a subscript names."""
        raise NotImplementedError

    def touched(self, box: Box, plan: Plan | None, kind: str) -> None:
        """Notes that an array is read or changed."""

    # -- values
    def error(self, message: str) -> CodeError:
        """An error at the current line."""
        return CodeError(message, self.line)

    def current(self, box: Box) -> Any:
        """What an array holds now: a view follows its base."""
        if box.base is not None and not self.on.symbolic:
            return box.value
        if box.base is not None and self.root(box).version != box.seen:
            if box.derive is None:
                raise Outside("an array is read whose elements were changed under another name", self.line)
            box.value, box.seen = box.derive(self.current(box.base)), self.root(box).version
        return box.value

    def root(self, box: Box) -> Box:
        """The array that a view is of."""
        while box.base is not None:
            box = box.base
        return box

    def boxed(self, value: Any) -> Box:
        """A new array."""
        return Box(value, self.depth, line=self.line)

    def view(self, base: Box, value: Any, derive: Any = None, plan: Plan | None = None) -> Box:
        """An array that shares its elements with another."""
        return Box(value, base.depth, base, plan, derive, seen=self.root(base).version, line=self.line)

    def array(self, value: Any) -> Any:
        """The elements of an array, or a number as one without axes."""
        if isinstance(value, Box):
            self.touched(value, None, "read")
            return self.current(value)
        if isinstance(value, Condition):
            raise Outside("a condition on positions is used as an array", self.line)
        if is_number(value):
            number = number_of(value)
            if isinstance(number, Ratio):
                number = Product(Fraction(1, number.divisor)) * as_product(number.form)
            return self.on.lift(as_product(number))
        if isinstance(value, Stale):
            raise Outside(value.why, self.line)
        raise self.error(f"an array is wanted here; given {self.kind(value)}")

    def kind(self, value: Any) -> str:
        """What a value is, in words."""
        match value:
            case None:
                return "None"
            case bool() | str():
                return repr(value)
            case Affine() | Product() | Ratio():
                return "a number"
            case Box():
                return "an array"
            case tuple() | list():
                return f"{len(value)} values"
            case Dotted(name) | Method(_, name):
                return name
            case Series():
                return "a list"
        return type(value).__name__.lower()

    def integer(self, value: Any, what: str = "the number") -> Affine:
        """A whole number."""
        if isinstance(value, Box) and self.on.rank(self.current(value)) == 0:
            raise Outside(f"{what} is an element of an array", self.line)
        if isinstance(value, Stale):
            raise Outside(value.why, self.line)
        if not is_number(value):
            raise self.error(f"{what} is wanted as a whole number; given {self.kind(value)}")
        return whole(number_of(value), what)

    def constant(self, value: Any, what: str) -> int:
        """A number that is known."""
        form = self.integer(value, what)
        if not form.is_constant:
            raise Outside(f"{what} depends on sizes", self.line)
        return form.constant

    # -- expressions
    def value(self, node: ast.expr) -> Any:
        """The value of an expression."""
        self.line = getattr(node, "lineno", self.line)
        match node:
            case ast.Constant(value):
                return self._constant(value)
            case ast.Name(name):
                return self._name(name)
            case ast.Attribute(owner, name):
                return self.attribute(self.value(owner), name)
            case ast.Subscript(owner, index):
                return self.subscript(self.value(owner), index)
            case ast.Call():
                return self._call(node)
            case ast.UnaryOp(op, operand):
                return self._unary(op, self.value(operand))
            case ast.BinOp(left, op, right):
                return self.binary(_OPERATORS.get(type(op), "?"), self.value(left), self.value(right))
            case ast.Compare(left, ops, rights):
                return self._compare(left, ops, rights)
        return self._several(node)

    def _several(self, node: ast.expr) -> Any:
        match node:
            case ast.Tuple(items):
                return tuple(self._items(items))
            case ast.List(items) | ast.Set(items):
                return self._items(items)
            case ast.Dict(keys, values):
                return {self.value(k): self.value(v) for k, v in zip(keys, values, strict=True) if k is not None}
            case ast.BoolOp(op, values):
                return self._boolean(isinstance(op, ast.And), values)
            case ast.IfExp(test, body, orelse):
                return self._choice(test, body, orelse)
            case ast.ListComp() | ast.GeneratorExp():
                return self.series(node)
            case ast.Lambda():
                return Function(node, dict(self.names))
            case ast.Starred():
                raise self.error("a starred value stands alone")
            case ast.JoinedStr():
                return Opaque("text")
        raise self.error(f"{type(node).__name__} is not read; {_READ}")

    def _constant(self, value: object) -> Any:
        match value:
            case bool() | None | str():
                return value
            case int():
                return affine(value)
            case float():
                return Product(Fraction(repr(value))) if abs(value) < 1e300 else Opaque("inf")
        return Ellipsis if value is Ellipsis else Opaque("a constant")

    def _name(self, name: str) -> Any:
        if name in self.names:
            return self.names[name]
        if name in self.program.functions:
            return Function(self.program.functions[name])
        if name in self.program.constants:
            kept, self.names = self.names, {}
            try:
                return self.value(self.program.constants[name])
            finally:
                self.names = kept
        if name in _BUILTINS:
            return Dotted(f"builtins.{name}")
        if name in self.program.imports:
            return Dotted(self.program.imports[name])
        raise self.error(f"{name} has no value here")

    def _items(self, nodes: Sequence[ast.expr]) -> list[Any]:
        found: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                found += self.sequence(self.value(node.value))
            else:
                found.append(self.value(node))
        return found

    def sequence(self, value: Any, count: int | None = None) -> list[Any]:
        """The items of a tuple, of a list, or of an array along its first axis."""
        match value:
            case tuple() | list():
                return list(value)
            case dict():
                return list(value)
            case Box():
                array = self.current(value)
                size = self.on.size(array, 0)
                if count is None and not (isinstance(size, Affine) and size.is_constant):
                    raise Outside("a list is made of an array whose length is a size", self.line)
                number = count if count is not None else size.constant
                return [self.picked(value, (affine(k),)) for k in range(number)]
        raise self.error(f"several values are wanted; given {self.kind(value)}")

    def _unary(self, op: ast.unaryop, value: Any) -> Any:
        if isinstance(op, ast.Not):
            truth = self.truth(value)
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
        if isinstance(left, tuple | list) or isinstance(right, tuple | list):
            return self._sequences(op, left, right)
        if isinstance(left, str) or isinstance(right, str):
            return Opaque("text")
        for value in (left, right):
            if isinstance(value, Stale):
                raise Outside(value.why, self.line)
        if is_number(left) and is_number(right):
            return arithmetic(op, number_of(left), number_of(right))
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
        if op in {"+", "-", "*"}:
            return self.boxed(self.on.elementwise(op, self.array(left), self.array(right)))
        raise Outside(f"{op} of {self.kind(left)} and {self.kind(right)}", self.line)

    def _power(self, left: Any, right: Any) -> Box:
        power = self.constant(right, "the exponent")
        if not 1 <= power <= 4:
            raise Outside(f"an array to the power {power}", self.line)
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
            if copies * len(items) > LONGEST:
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
            return self.boxed(self.on.compare(word, self.array(first), self.array(second)))
        if is_number(first) and is_number(second):
            return compared(word, number_of(first), number_of(second), self.on.decide)
        if isinstance(first, tuple | list) and isinstance(second, tuple | list):
            pairs = [self._compared(ast.Eq(), a, b) for a, b in zip(first, second, strict=False)]
            alike: Any = len(first) == len(second)
            for one in pairs:
                alike = both(alike, one)
            return alike if word == "eq" else opposite(alike)
        return (first == second) == (word == "eq")

    def _boolean(self, every: bool, nodes: Sequence[ast.expr]) -> Any:
        result: Any = every
        for node in nodes:
            if not isinstance(result, Condition | Box) and bool(result) != every:
                return result
            value = self.value(node)
            found = value if isinstance(value, Box) else self.truth(value)
            if isinstance(found, Box) or isinstance(result, Box):
                raise Outside("and, or of arrays", self.line)
            result = both(result, found) if every else either(result, found)
        return result

    def truth(self, value: Any) -> Any:
        """A condition: True, False, or where it holds."""
        match value:
            case bool() | Condition() | Box():
                return value
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
        raise Outside("a value is chosen by a condition on positions", self.line)

    def _call(self, node: ast.Call) -> Any:
        function = self.value(node.func)
        arguments = self._items(node.args)
        options: dict[str, Any] = {}
        for one in node.keywords:
            value = self.value(one.value)
            if one.arg is not None:
                options[one.arg] = value
            elif isinstance(value, Mapping):
                options |= value
        self.line = node.lineno
        return self.call(function, arguments, options)

    def attribute(self, owner: Any, name: str) -> Any:
        """``owner.name``."""
        match owner:
            case Dotted(path):
                if path.endswith(".newaxis") or name == "newaxis":
                    return None
                return Opaque(name) if name in _DTYPES and path != "builtins" else Dotted(f"{path}.{name}")
            case Context(saved, attributes):
                if name in attributes:
                    return attributes[name]
                if name in {"saved_tensors", "saved_variables"} and saved is not None:
                    return saved
                if name == "needs_input_grad":
                    return Pack(name, lambda _: True)
                return Method(owner, name)
            case Box():
                return self.array_attribute(owner, name)
            case Pack(_, resolve):
                return resolve(name)
        return Method(owner, name)

    def array_attribute(self, box: Box, name: str) -> Any:
        """An attribute of an array that is no call, else its method."""
        array = self.current(box)
        rank = self.on.rank(array)
        match name:
            case "shape":
                return tuple(self.on.size(array, k) for k in range(rank))
            case "ndim":
                return affine(rank)
            case "T" | "mT" | "H":
                order = list(reversed(range(rank)))
                if name == "mT":
                    order = [*range(rank - 2), rank - 1, rank - 2]
                return self.view(box, self.on.permute(self.array(box), order), lambda v: self.on.permute(v, order))
            case "data" | "real":
                return box
            case "dtype" | "device" | "requires_grad" | "is_cuda" | "is_contiguous":
                return Opaque(name)
        return Method(box, name)


def whole_or_product(value: Any) -> Affine | Product:
    """A number to multiply with."""
    number = number_of(value)
    if isinstance(number, Ratio):
        return Product(Fraction(1, number.divisor)) * as_product(number.form)
    return number


_READ = "numbers, tuples, dicts, subscripts, comparisons, comprehensions over ranges and calls are"
