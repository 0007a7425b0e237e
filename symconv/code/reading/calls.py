"""Calls of the code: its own functions inlined, Python's own ones, and the words of libraries."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from symconv.code.arrays.joints import without_joint
from symconv.code.arrays.symbolic import Symbolic
from symconv.code.held.boxes import hold
from symconv.code.held.state import State, evaluate, scoped
from symconv.code.library.calls import call_library, converted
from symconv.code.reading.definitions import plainly_decorated, settled_default
from symconv.code.reading.methods import call_method
from symconv.code.reading.python import call_builtin
from symconv.code.source.libraries import (
    TYPES,
)
from symconv.code.source.signatures import defaults, parameters, positional
from symconv.code.source.trouble import Outside
from symconv.code.values.kinds import in_words, of_type
from symconv.code.values.objects import Box, Dotted, Function, Method, Opaque
from symconv.limits import CALL_DEPTH
from symconv.prove.meaning.value import Value

__all__ = ["call_value", "default_of", "function_of", "inline"]


def call_value(state: State, function: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
    """The value of a call."""
    match function:
        case Function(node, names, defaults):
            return inline(state, node, dict(names), arguments, options, defaults)
        case Dotted(path) if path.startswith("builtins."):
            return call_builtin(state, path.partition(".")[2], arguments, options)
        case Dotted(path):
            return call_library(state, path, arguments, options)
        case Method(owner, name):
            return call_method(state, owner, name, arguments, options)
        case Opaque() if of_type(function) in TYPES and len(arguments) == 1:
            return converted(state, "array", arguments[0], function)
        case Opaque(what):
            raise Outside(f"what {what} makes of its arguments is not known", state.line)
    raise state.error(f"{in_words(function)} is called; functions of this file and of libraries are read")


def inline(
    state: State,
    node: ast.FunctionDef | ast.Lambda,
    names: Mapping[str, Any],
    arguments: list[Any],
    options: dict[str, Any],
    defaults: Mapping[str, Any] | None = None,
) -> Any:
    """The value of a call of a function of the code."""
    plainly_decorated(node, state.program, state.line)
    if state.calls > CALL_DEPTH:
        raise state.error("functions call each other too deeply")
    line = state.line
    own = {**names, **_given(state, node, arguments, options, defaults or {})}
    state.calls += 1
    try:
        with scoped(state, own):
            if isinstance(node, ast.Lambda):
                return evaluate(state, node.body)
            return _whole(state, state.rules.function(state, node, own))
    finally:
        state.calls -= 1
        state.reach(line)


def _whole(state: State, result: Any) -> Any:
    """What a function returns, by one formula where it was written by halves that are equal."""
    if isinstance(result, Box) and result.base is None and isinstance(result.value, Value):
        assert isinstance(state.on, Symbolic)
        result.value = without_joint(state.on.walk, result.value)
    return result


def _given(
    state: State,
    node: ast.FunctionDef | ast.Lambda,
    arguments: list[Any],
    options: dict[str, Any],
    known_defaults: Mapping[str, Any],
) -> dict[str, Any]:
    """What the parameters of a function of the code are in one call."""
    spec = node.args
    plain = positional(spec)
    name = getattr(node, "name", "lambda")
    if len(arguments) > len(plain) and spec.vararg is None:
        raise state.error(f"{name} takes {len(plain)} arguments; {len(arguments)} are given")
    found = dict(zip(plain, arguments, strict=False))
    if twice := found.keys() & options.keys():
        raise state.error(f"{name} gets {min(twice)} twice")
    if spec.vararg is not None:
        found[spec.vararg.arg] = tuple(arguments[len(plain) :])
    known = set(parameters(spec))
    for key, value in options.items():
        if key not in known and spec.kwarg is None:
            raise state.error(f"{name} has no parameter {key}")
        found[key] = value
    usual = defaults(spec)
    for key in known - found.keys():
        if key not in usual:
            raise state.error(f"{name} is called without {key}")
        found[key] = known_defaults[key] if key in known_defaults else default_of(state, node, key, usual[key])
    if spec.kwarg is not None:
        more = {key: found.pop(key) for key in [*found] if key not in known and key != getattr(spec.vararg, "arg", "")}
        found[spec.kwarg.arg] = more
    for value in found.values():
        hold(value)
    return found


def function_of(state: State, node: ast.FunctionDef | ast.Lambda) -> Function:
    """A function that is defined here: its defaults are computed now, and other names read when it is called."""
    plainly_decorated(node, state.program, state.line)
    known = {
        name: settled_default(node, name, evaluate(state, default), state.line)
        for name, default in defaults(node.args).items()
    }
    return Function(node, state.names, known)


def default_of(state: State, node: ast.FunctionDef | ast.Lambda, name: str, default: ast.expr) -> Any:
    """The default of a parameter of a function at the top of the text."""
    with scoped(state, {}):
        return settled_default(node, name, evaluate(state, default), state.line)
