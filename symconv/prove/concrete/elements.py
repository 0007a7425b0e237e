"""Functions, comparisons, quotients and powers of single elements, on concrete arrays."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from symconv.notation.grammar import COMPARISONS
from symconv.prove.concrete.enclosure import Enclosure, NoValueError, applied
from symconv.prove.concrete.numbers import Array, Ground
from symconv.prove.language.syntax import Node, show
from symconv.verify import scalars

__all__ = ["compared", "constant", "pi_value", "pointwise", "zeros"]

_COMPARED = {
    "lt": np.less, "gt": np.greater, "le": np.less_equal, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
}  # fmt: skip
_RATIONAL = frozenset({"abs", "relu", "sign", "max", "min", "where", "div", "pow", *COMPARISONS.values()})


def pi_value(ground: Ground, node: Node) -> Array:
    """The number pi, enclosed; raises SpecError modulo a prime."""
    if ground.prime is not None:
        raise ground.error(node.at, "pi has no exact value")
    return np.asarray(applied("pi"), dtype=object)


def pointwise(ground: Ground, name: str, arrays: Sequence[Array], node: Node) -> Array:
    """A function of elements: exact where its values are rational, else enclosed; in floats for floats.

    Raises NoValueError where there is no value, as of a division by zero, and SpecError where there is none modulo a
    prime.
    """
    enclosed = any(isinstance(value, Enclosure) for a in arrays if a.dtype == object for value in a.flat)
    kinds = {a.dtype.kind for a in arrays if a.ndim or a.dtype.kind == "f"}
    if ground.prime is not None:
        return _modular(ground, name, arrays, node)
    if "f" in kinds:
        with np.errstate(all="ignore"):
            return np.asarray(scalars.apply(name, tuple(a.astype(float) for a in arrays)))
    if name in _COMPARED and not enclosed:
        return compared(name, *arrays)
    if enclosed or name not in _RATIONAL or (name == "pow" and _roots(arrays[1])):
        return np.asarray(np.frompyfunc(partial(applied, name), len(arrays), 1)(*arrays), dtype=object)
    return np.asarray(np.frompyfunc(partial(_exactly, name), len(arrays), 1)(*arrays), dtype=object)


def compared(name: str, left: Array, right: Array) -> Array:
    """1 where a comparison of exact numbers holds, else 0."""
    return np.asarray(_COMPARED[name](left, right), dtype=bool).astype(np.int64)


def _roots(powers: Array) -> bool:
    return any(Fraction(power).denominator != 1 for power in powers.flat)


def _exactly(name: str, *values: Any) -> Any:
    result = applied(name, *(Fraction(value) for value in values))
    if isinstance(result, Fraction) and result.denominator == 1:
        return int(result)
    return result


def _modular(ground: Ground, name: str, arrays: Sequence[Array], node: Node) -> Array:
    prime = ground.prime or 0

    def divided(a: int, b: int) -> int:
        if b % prime == 0:
            raise NoValueError("a division by zero")
        return a * pow(b, -1, prime) % prime

    match name:
        case "div":
            return np.asarray(np.frompyfunc(divided, 2, 1)(*arrays), dtype=object)
        case "pow":
            # Negative exponents were made residues: those above the half stand for them.
            power = int(arrays[1].flat[0])
            signed = power - prime if power > prime // 2 else power
            return np.asarray(np.frompyfunc(lambda a: pow(int(a), signed, prime), 1, 1)(arrays[0]), dtype=object)
    raise ground.error(node.at, f"{show(node)} has no exact value")


def zeros(array: Array) -> Any:
    """Where a number is exactly 0."""
    if array.dtype != object:
        return array == 0
    return np.asarray(np.frompyfunc(lambda one: not isinstance(one, Enclosure) and one == 0, 1, 1)(array), dtype=bool)


def constant(value: Fraction) -> Array:
    """A number as an array without axes."""
    return np.asarray(int(value) if value.denominator == 1 else value, dtype=object)
