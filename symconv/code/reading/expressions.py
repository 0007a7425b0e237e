"""Expressions of the code: names, attributes, calls, tuples."""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from symconv.code.reading.operations import Operations
from symconv.code.source.trouble import Outside
from symconv.code.values.objects import (
    Box,
    Context,
    Dotted,
    Function,
    Method,
    Opaque,
    Pack,
    Strides,
)
from symconv.notation.affine import Affine, affine
from symconv.prove.meaning.value import Product

__all__ = ["OPERATORS", "Expressions", "lazy"]

OPERATORS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.MatMult: "@",
    ast.Pow: "**", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
}  # fmt: skip
"""How operators are written."""
_BUILTINS = frozenset({
    "range", "len", "int", "float", "slice", "zip", "enumerate", "reversed", "min", "max", "abs", "sum", "tuple",
    "list", "isinstance", "print", "dict", "bool", "round", "type", "any", "all", "getattr", "divmod", "map",
})  # fmt: skip
_DTYPES = frozenset({"float32", "float64", "int32", "int64", "float", "double", "dtype", "device", "float16", "bool"})
_READ = "numbers, tuples, dicts, subscripts, comparisons, comprehensions over ranges and calls are"


def lazy(node: ast.AST | None) -> bool:
    """Whether an expression gives values one by one, once, at the time when they are asked for."""
    match node:
        case ast.GeneratorExp():
            return True
        case ast.Call(ast.Name("map" | "filter" | "iter" | "zip" | "enumerate" | "reversed"), _, _):
            return True
        case ast.IfExp(_, body, orelse):
            return lazy(body) or lazy(orelse)
        case ast.NamedExpr(_, value) | ast.Starred(value):
            return lazy(value)
        case ast.Tuple(items) | ast.List(items) | ast.BoolOp(_, items):
            return any(lazy(one) for one in items if not isinstance(one, ast.Starred))
    return False


class Expressions(Operations):
    """Reads expressions with the names of one function."""

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
                return self.binary(OPERATORS[type(op)], self.value(left), self.value(right))
            case ast.Compare(left, ops, rights):
                return self.comparison(left, ops, rights)
        return self._several(node)

    def _several(self, node: ast.expr) -> Any:
        match node:
            case ast.Tuple(items):
                return tuple(self._items(items))
            case ast.List(items):
                return self._items(items)
            case ast.Set(items):
                return frozenset(map(self.key, self._items(items)))
            case ast.Dict(keys, values):
                return self._dict(keys, values)
            case ast.BoolOp(op, values):
                return self.boolean(isinstance(op, ast.And), values)
            case ast.IfExp(test, body, orelse):
                return self._choice(test, body, orelse)
            case ast.ListComp() | ast.GeneratorExp():
                return self.series(node)
            case ast.Lambda():
                return self.function(node)
            case ast.NamedExpr(ast.Name(name), value):
                return self.renamed(name, self.value(value))
            case ast.Starred():
                raise self.error("a starred value stands alone")
            case ast.JoinedStr(parts):
                return self._text(parts)
        raise self.error(f"{type(node).__name__} is not read; {_READ}")

    def _dict(self, keys: Sequence[ast.expr | None], values: Sequence[ast.expr]) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, node in zip(keys, values, strict=True):
            held = self.value(node)
            if key is not None:
                found[self.key(self.value(key))] = held
            elif isinstance(held, dict):
                found |= held
            else:
                raise self.error(f"** wants a dict; given {self.kind(held)}")
        return found

    def key(self, value: Any) -> Any:
        """What elements of a dict are told by."""
        known = isinstance(value, str | bool | None) or (isinstance(value, Affine) and value.is_constant)
        if known or (isinstance(value, tuple) and [self.key(one) for one in value]):
            return value
        raise Outside(f"{self.kind(value)} as a key: texts and numbers that are known are read", self.line)

    def _text(self, parts: Sequence[ast.expr]) -> Any:
        """A text with values in it, where those are known; else one of which nothing is known."""
        found = []
        for part in parts:
            held = self.value(part.value) if isinstance(part, ast.FormattedValue) else self.value(part)
            if isinstance(held, Affine) and held.is_constant:
                held = str(held.constant)
            plain = not isinstance(part, ast.FormattedValue) or (part.conversion == -1 and part.format_spec is None)
            if not plain or not isinstance(held, str):
                return Opaque("text")
            found.append(held)
        return "".join(found)

    @abstractmethod
    def function(self, node: ast.FunctionDef | ast.Lambda) -> Function:
        """A function that is defined here."""

    @abstractmethod
    def renamed(self, name: str, value: Any) -> Any:
        """The value, which gets a name."""

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
            return self.named(name)
        if name in self.program.unsettled:
            raise Outside(f"{name} {self.program.unsettled[name]}", self.line)
        if name in self.program.functions:
            return Function(self.program.functions[name])
        if name in self.program.constants:
            kept, self.names = self.names, {}
            try:
                return self.value(self.program.constants[name])
            finally:
                self.names = kept
        if name in self.program.imports:
            return Dotted(self.program.imports[name])
        if name in _BUILTINS:
            return Dotted(f"builtins.{name}")
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
            else:
                raise self.error(f"** wants a dict; given {self.kind(value)}")
        if isinstance(function, Function) and any(map(lazy, (*node.args, *(one.value for one in node.keywords)))):
            raise Outside("an iterator is given to a function; a list of it is read", self.line)
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
            case Pack(_, resolve) if name != "get":
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
            case "strides":
                return tuple(Strides(box, k) for k in range(rank))
            case "T" | "mT" | "H":
                order = list(reversed(range(rank)))
                if name == "mT":
                    order = [*range(rank - 2), rank - 1, rank - 2]
                return self.view(box, self.on.permute(self.array(box), order), lambda v: self.on.permute(v, order))
            case "data" | "real":
                return box
            case "dtype":
                return Opaque(f"dtype {self.root(box).kind}")
            case "device" | "requires_grad" | "is_cuda" | "is_contiguous":
                return Opaque(name)
        return Method(box, name)
