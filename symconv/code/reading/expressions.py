"""Expressions of the code: names, calls, tuples, and what the other modules read of them."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

from symconv.code.held.attributes import attribute_of, elements
from symconv.code.held.numbers import key_of
from symconv.code.held.operators import binary, unary
from symconv.code.held.state import State, scoped
from symconv.code.held.sums import read_name
from symconv.code.reading.assignments import bind_inside
from symconv.code.reading.calls import call_value, function_of
from symconv.code.reading.classes import values_of_class
from symconv.code.reading.conditions import boolean, chosen_value, comparison
from symconv.code.reading.lists import comprehension, items_of_dict
from symconv.code.reading.subscripts import items_of, subscript
from symconv.code.source.generators import lazy
from symconv.code.source.spelling import OPERATORS, SIGNS, spelled
from symconv.code.source.trouble import Outside
from symconv.code.values.kinds import in_words
from symconv.code.values.objects import (
    Box,
    Dotted,
    Function,
    Method,
    Opaque,
)
from symconv.notation.affine import Affine, affine
from symconv.prove.meaning.value import Product

__all__ = ["value_of"]

_BUILTINS = frozenset({
    "range", "len", "int", "float", "slice", "zip", "enumerate", "reversed", "min", "max", "abs", "sum", "tuple",
    "list", "isinstance", "print", "dict", "bool", "round", "type", "any", "all", "getattr", "divmod", "map",
})  # fmt: skip

_READ = "numbers, tuples, dicts, subscripts, comparisons, comprehensions over ranges and calls are"


def value_of(state: State, node: ast.expr) -> Any:
    """The value of an expression."""
    state.reach(getattr(node, "lineno", state.line))
    match node:
        case ast.Constant(value):
            return _constant(value)
        case ast.Name(name):
            return _name(state, name)
        case ast.Attribute(ast.Name(owner), name) if owner not in state.names and owner in state.program.classes:
            return _of_class(state, owner, name)
        case ast.Attribute(owner, name):
            held = value_of(state, owner)
            return (
                elements(state, held) if name == "size" and isinstance(held, Box) else attribute_of(state, held, name)
            )
        case ast.Subscript(owner, index):
            return subscript(state, value_of(state, owner), index)
        case ast.Call():
            return _call(state, node)
        case ast.UnaryOp(op, operand):
            return unary(state, SIGNS[type(op)], value_of(state, operand))
        case ast.BinOp(left, op, right):
            return binary(state, OPERATORS[type(op)], value_of(state, left), value_of(state, right))
        case ast.Compare(left, ops, rights):
            return comparison(state, left, ops, rights)
    return _several(state, node)


def _several(state: State, node: ast.expr) -> Any:
    match node:
        case ast.Tuple(items):
            return tuple(items_of(state, items))
        case ast.List(items):
            return items_of(state, items)
        case ast.Set(items):
            return frozenset(map(partial(key_of, state), items_of(state, items)))
        case ast.Dict(keys, values):
            return _dict(state, keys, values)
        case ast.BoolOp(op, values):
            return boolean(state, isinstance(op, ast.And), values)
        case ast.IfExp(test, body, orelse):
            return chosen_value(state, test, body, orelse)
        case ast.ListComp() | ast.GeneratorExp():
            return comprehension(state, node)
        case ast.DictComp():
            return items_of_dict(state, node)
        case ast.Lambda():
            return function_of(state, node)
        case ast.NamedExpr(ast.Name(name), value):
            return bind_inside(state, name, value_of(state, value))
        case ast.Starred():
            raise state.error("a starred value stands alone")
        case ast.JoinedStr(parts):
            return _text(state, parts)
    raise state.error(f"{spelled(node)} is not read; {_READ}")


def _dict(state: State, keys: Sequence[ast.expr | None], values: Sequence[ast.expr]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for key, node in zip(keys, values, strict=True):
        held = value_of(state, node)
        if key is not None:
            found[key_of(state, value_of(state, key))] = held
        elif isinstance(held, dict):
            found |= held
        else:
            raise state.error(f"** wants a dict; given {in_words(held)}")
    return found


def _text(state: State, parts: Sequence[ast.expr]) -> Any:
    """A text with values in it, where those are known; else one of which nothing is known."""
    found = []
    for part in parts:
        held = value_of(state, part.value) if isinstance(part, ast.FormattedValue) else value_of(state, part)
        if isinstance(held, Affine) and held.is_constant:
            held = str(held.constant)
        plain = not isinstance(part, ast.FormattedValue) or (part.conversion == -1 and part.format_spec is None)
        if not plain or not isinstance(held, str):
            return Opaque("text")
        found.append(held)
    return "".join(found)


def _name(state: State, name: str) -> Any:
    if name in state.names:
        return read_name(state, name)
    if name in state.program.unsettled:
        raise Outside(f"{name} {state.program.unsettled[name]}", state.line)
    if name in state.program.functions:
        return Function(state.program.functions[name])
    if name in state.program.constants:
        with scoped(state, {}):
            return value_of(state, state.program.constants[name])
    if name in state.program.imports:
        owner, _, last = state.program.imports[name].rpartition(".")
        return (
            attribute_of(state, Dotted(owner), last) if last in {"pi", "inf"} else Dotted(state.program.imports[name])
        )
    if name in _BUILTINS:
        return Dotted(f"builtins.{name}")
    if hasattr(builtins, name):
        raise state.error(f"{name} of Python is not read")
    raise state.error(f"{name} has no value here")


def _of_class(state: State, owner: str, name: str) -> Any:
    """``Class.name``: a function of the class, or a number or a text that it gives its instances."""
    for told in (owner, f"{owner}.{name}"):
        if told in state.program.unsettled:
            raise Outside(f"{told} {state.program.unsettled[told]}", state.line)
    for node in reversed(state.program.classes[owner].body):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            if any("classmethod" in ast.unparse(one) for one in node.decorator_list):
                raise Outside(f"{owner}.{name} is a method of the class itself", state.line)
            return Function(node)
    found = values_of_class(state, state.program.attributes.get(owner, {}))
    if name not in found:
        raise state.error(f"{owner}.{name} has no value that is known here")
    return found[name]


def _call(state: State, node: ast.Call) -> Any:
    function = _called(state, node.func)
    arguments = items_of(state, node.args)
    options: dict[str, Any] = {}
    for one in node.keywords:
        value = value_of(state, one.value)
        if one.arg is not None:
            options[one.arg] = value
        elif isinstance(value, Mapping):
            options |= value
        else:
            raise state.error(f"** wants a dict; given {in_words(value)}")
    if isinstance(function, Function) and any(map(lazy, (*node.args, *(one.value for one in node.keywords)))):
        raise Outside("an iterator is given to a function; a list of it is read", state.line)
    state.reach(node.lineno)
    return call_value(state, function, arguments, options)


def _called(state: State, node: ast.expr) -> Any:
    """What is called: ``size`` of an array is a method of PyTorch's, and a number of NumPy's."""
    match node:
        case ast.Attribute(owner, "size"):
            held = value_of(state, owner)
            return Method(held, "size") if isinstance(held, Box) else attribute_of(state, held, "size")
    return value_of(state, node)


def _constant(value: object) -> Any:
    match value:
        case bool() | None | str():
            return value
        case int():
            return affine(value)
        case float():
            return Product(Fraction(repr(value))) if abs(value) < 1e300 else Opaque("inf")
    return Ellipsis if value is Ellipsis else Opaque("a constant")
