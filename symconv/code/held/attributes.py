"""Attributes of values."""

from __future__ import annotations

from typing import Any

from symconv.code.held.boxes import array_of, boxed, current, root_of, view_of
from symconv.code.held.operators import product_of_all
from symconv.code.held.state import State
from symconv.code.source.vocabulary import SAVED
from symconv.code.values.objects import (
    Box,
    Context,
    Dotted,
    Extremes,
    Infinity,
    Method,
    Opaque,
    Pack,
    Strides,
)
from symconv.notation.affine import affine

__all__ = ["array_attribute", "attribute_of", "elements"]

_DTYPES = frozenset({"float32", "float64", "int32", "int64", "float", "double", "dtype", "device", "float16", "bool"})

_INFINITE = frozenset({"inf", "infty", "Inf", "PINF"})

_WITH_PI = frozenset({"math", "numpy", "torch", "jax.numpy", "scipy", "scipy.constants", "cupy"})


def attribute_of(state: State, owner: Any, name: str) -> Any:
    """``owner.name``."""
    match owner:
        case Dotted(path):
            if path.endswith(".newaxis") or name == "newaxis":
                return None
            if name == "pi" and path in _WITH_PI:
                return boxed(state, state.on.word("pi", [], {}))
            if name in _INFINITE and path in _WITH_PI:
                return Infinity()
            return Opaque(name) if name in _DTYPES and path != "builtins" else Dotted(f"{path}.{name}")
        case Context(saved, attributes):
            if dict.__contains__(attributes, name):
                return attributes[name]
            if f"self.{name}" in state.program.callees:
                return Method(owner, name)
            if name in attributes:
                return attributes[name]
            if name in SAVED and saved is not None:
                return saved
            if name == "needs_input_grad":
                return Pack(name, lambda _: True, alike=True)
            return Method(owner, name)
        case Box():
            return array_attribute(state, owner, name)
        case Extremes() if name in Extremes._fields:
            return getattr(owner, name)
        case Pack() if name != "get":
            return owner.resolve(name)
    return Method(owner, name)


def array_attribute(state: State, box: Box, name: str) -> Any:
    """An attribute of an array that is no call, else its method."""
    array = current(state, box)
    rank = state.on.rank(array)
    match name:
        case "shape":
            return tuple(state.on.size(array, k) for k in range(rank))
        case "ndim":
            return affine(rank)
        case "size" if state.program.libraries & {"numpy", "jax"} and "torch" not in state.program.libraries:
            return product_of_all(state, array_attribute(state, box, "shape"))
        case "strides":
            return tuple(Strides(box, k) for k in range(rank))
        case "T" | "mT" | "H":
            order = list(reversed(range(rank)))
            if name == "mT":
                order = [*range(rank - 2), rank - 1, rank - 2]
            return view_of(
                state, box, state.on.permute(array_of(state, box), order), lambda v: state.on.permute(v, order)
            )
        case "data" | "real":
            return box
        case "dtype":
            return Opaque(f"dtype {root_of(box).kind}")
        case "device" | "requires_grad" | "is_cuda" | "is_contiguous":
            return Opaque(name)
    return Method(box, name)


def elements(state: State, box: Box) -> Any:
    """How many elements an array has."""
    return product_of_all(state, array_attribute(state, box, "shape"))
