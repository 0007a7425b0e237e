"""Numbers in a claim on concrete arrays: integers, sizes, and what is computed from them, per windowed axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symconv.errors import SpecError
from symconv.notation.affine import Affine
from symconv.notation.operator import Operator
from symconv.prove.concrete.enclosure import applied
from symconv.prove.language.facts import Facts, facts_of
from symconv.prove.language.lengths import COUNTS, counted
from symconv.prove.language.parse import Caret
from symconv.prove.language.syntax import Binary, Call, Name, Node, Number, Tuple, show, walk
from symconv.prove.language.vocabulary import EXTREMES, canonical

__all__ = [
    "Array",
    "Ground",
    "Misfit",
    "TooLargeError",
    "amount",
    "component",
    "concrete",
    "grounded",
    "is_fixed",
    "is_number",
    "pads",
    "whole",
    "wholes",
]

Array = NDArray[Any]
_Pair = tuple[Fraction, Fraction]
_Value = Fraction | _Pair


class TooLargeError(SpecError):
    """A claim that cannot be computed at some sizes with bounded work."""


class Misfit(Exception):  # noqa: N818
    """The shapes of a claim do not fit on these arrays; the text is the sentence that says how.

    ``result`` is the array where the claim has one and only its shape is not the side's.
    """

    def __init__(self, sentence: str, result: Array | None = None) -> None:
        super().__init__(sentence)
        self.result = result


@dataclass(frozen=True, slots=True)
class Ground:
    """What the words of a claim mean on concrete arrays.

    ``vectors`` have a component per windowed axis, a number or a pair of pads; ``uniform`` are those whose components
    are the same for all sizes; ``fixed`` are names that do not depend on sizes. ``facts`` say how axes are used.
    ``array`` evaluates an expression; with a ``prime`` all numbers are residues.
    """

    caret: Caret
    arrays: Mapping[str, Array]
    sizes: Mapping[str, int]
    vectors: Mapping[str, tuple[_Value, ...]]
    uniform: frozenset[str]
    fixed: frozenset[str]
    facts: Facts
    array: Callable[[Ground, Node], Array]
    prime: int | None = None

    def error(self, at: int, message: str) -> SpecError:
        """An error of the user's that points at a column."""
        return self.caret.error(at, message)


def grounded(
    op: Operator, caret: Caret, arrays: Mapping[str, Array], array: Callable[[Ground, Node], Array], prime: int | None
) -> Ground:
    """What the words of a claim about ``op`` mean; raises SpecError where the arrays do not fit the operator."""
    sizes = op.sizes(**{t.name: arrays[t.name].shape for t in op.inputs})
    facts = facts_of(op)
    if prime is None and "pi" not in facts.sizes:
        floats = any(one.dtype.kind == "f" for one in arrays.values())
        arrays = {"pi": np.asarray(pi) if floats else np.asarray(applied("pi"), dtype=object), **arrays}
    return Ground(
        caret,
        arrays,
        {**sizes, **{name: form.evaluate(sizes) for name, form in facts.sizes.items()}},
        {name: tuple(_value(pair, sizes) for pair in pairs) for name, pairs in facts.vectors.items()},
        frozenset(name for name, pairs in facts.vectors.items() if len(set(pairs)) == 1),
        frozenset(
            {
                *(name for name, form in facts.sizes.items() if form.is_constant),
                *(n for n, pairs in facts.vectors.items() if all(f.is_constant for pair in pairs for f in pair)),
            }
        ),
        facts,
        array,
        prime,
    )


def _value(pair: tuple[Affine, Affine], sizes: Mapping[str, int]) -> _Value:
    lo, hi = (Fraction(form.evaluate(sizes)) for form in pair)
    return lo if pair[0] == pair[1] else (lo, hi)


def is_number(ground: Ground, node: Node) -> bool:
    """Whether an expression is a number rather than an array."""
    match node:
        case Number() | Call("size", _):
            return True
        case Call(function, (_,), ()) if canonical(function) in COUNTS:
            return True
        case Name(name):
            return name not in ground.arrays
        case Binary(_, left, right):
            return is_number(ground, left) and is_number(ground, right)
        case Call(function, arguments, ()) if canonical(function) in EXTREMES and arguments:
            return all(is_number(ground, one) for one in arguments)
    return False


def amount(ground: Ground, node: Node) -> Fraction:
    """One number; raises SpecError where the expression stands for several."""
    several = [n for n in _vectors(ground, node) if n not in ground.uniform and n not in ground.sizes]
    if several:
        raise ground.error(node.at, f"{show(node)} has a value per axis; one number is wanted here")
    return _single(ground, node, _evaluated(ground, node, 0, True))


def component(ground: Ground, node: Node, axis: int | None) -> Fraction:
    """One number on a spatial axis, the low pad of a pair; without an axis it has to be the same on all of them."""
    if axis is None:
        return amount(ground, node)
    value = _evaluated(ground, node, axis, True)
    return value[0] if isinstance(value, tuple) else value


def whole(ground: Ground, node: Node) -> int:
    """One whole number."""
    return _integer(ground, node, amount(ground, node))


def wholes(ground: Ground, node: Node, rank: int) -> tuple[int, ...]:
    """One whole number per axis, from a tuple of them or from one expression for all axes."""
    values = _per_axis(ground, node, rank)
    return tuple(_integer(ground, node, _single(ground, node, value)) for value in values)


def concrete(ground: Ground, node: Node, rank: int, what: str) -> tuple[int, ...]:
    """One positive integer per axis that depends on no size."""
    values = wholes(ground, node, rank)
    if not is_fixed(ground, node):
        raise ground.error(node.at, f"{what} must be a concrete integer; given {show(node)}, which depends on sizes")
    if min(values, default=1) < 1:
        raise ground.error(node.at, f"{what} must be at least 1; given {min(values)}")
    return values


def pads(ground: Ground, node: Node, rank: int) -> tuple[tuple[int, int], ...]:
    """A low and a high pad per axis."""
    values = _per_axis(ground, node, rank)
    pairs = [value if isinstance(value, tuple) else (value, value) for value in values]
    return tuple((_integer(ground, node, lo), _integer(ground, node, hi)) for lo, hi in pairs)


def is_fixed(ground: Ground, node: Node) -> bool:
    """Whether a number depends on no size."""
    return all(
        not (isinstance(part, Name) and part.name not in ground.fixed)
        and not (isinstance(part, Call) and canonical(part.function) not in EXTREMES)
        for part in walk(node)
    )


def _vectors(ground: Ground, node: Node) -> list[str]:
    return [part.name for part in walk(node) if isinstance(part, Name) and part.name in ground.vectors]


def _per_axis(ground: Ground, node: Node, rank: int) -> tuple[_Value, ...]:
    if isinstance(node, Tuple):
        if len(node.items) != rank:
            raise ground.error(node.at, f"{show(node)} has {len(node.items)} entries; there are {rank} axes")
        return tuple(_entry(ground, item, axis) for axis, item in enumerate(node.items))
    if _vectors(ground, node) and ground.facts.rank not in {1, rank}:
        raise ground.error(node.at, f"{show(node)} has {ground.facts.rank} values; there are {rank} axes here")
    return tuple(_evaluated(ground, node, axis, False) for axis in range(rank))


def _entry(ground: Ground, node: Node, axis: int) -> _Value:
    if not isinstance(node, Tuple):
        return _evaluated(ground, node, axis, True)
    if len(node.items) != 2:
        raise ground.error(node.at, f"{show(node)}: a low and a high pad are wanted")
    lo, hi = (_evaluated(ground, item, axis, True) for item in node.items)
    return (lo[0] if isinstance(lo, tuple) else lo, hi[1] if isinstance(hi, tuple) else hi)


def _single(ground: Ground, node: Node, value: _Value) -> Fraction:
    if not isinstance(value, tuple):
        return value
    if value[0] == value[1] and is_fixed(ground, node):
        return value[0]
    raise ground.error(node.at, f"{show(node)} is a pair of pads; one whole number is wanted here")


def _integer(ground: Ground, node: Node, value: Fraction) -> int:
    if value.denominator != 1:
        raise ground.error(node.at, f"{show(node)} is a fraction; one whole number is wanted here")
    return int(value)


def _evaluated(ground: Ground, node: Node, axis: int, literal: bool) -> _Value:
    """The component ``axis`` of an expression; with ``literal`` names of sizes go before names of vectors."""
    match node:
        case Number(value):
            return value
        case Name(name):
            return _named(ground, name, axis, literal, node.at)
        case Call("size", (array, which)):
            shape = ground.array(ground, array).shape
            position = whole(ground, which)
            if not -len(shape) <= position < len(shape):
                raise ground.error(which.at, f"there is no axis {position}; the array has {len(shape)} axes")
            return Fraction(shape[position])
        case Call(function, (array,), ()) if canonical(function) in COUNTS:
            word, rank = canonical(function), ground.array(ground, array).ndim
            return _evaluated(ground, counted(word, array, rank), axis, literal)
        case Binary(op, left, right):
            a, b = _evaluated(ground, left, axis, literal), _evaluated(ground, right, axis, literal)
            if isinstance(a, tuple) or isinstance(b, tuple):
                low, high = a if isinstance(a, tuple) else (a, a), b if isinstance(b, tuple) else (b, b)
                return (_combined(ground, node, op, low[0], high[0]), _combined(ground, node, op, low[1], high[1]))
            return _combined(ground, node, op, a, b)
        case Call(function, arguments, ()) if canonical(function) in EXTREMES and arguments:
            return _extreme(canonical(function), [_evaluated(ground, one, axis, literal) for one in arguments])
        case Tuple(items):
            raise ground.error(node.at, f"{show(node)}: {len(items)} values where one is wanted")
    raise ground.error(node.at, f"{show(node)} is not a number; sizes, integers, s, d, p, g and + - * // % max min are")


def _extreme(word: str, values: list[_Value]) -> _Value:
    """The largest or smallest number; of pairs of pads each side by itself."""
    chosen = max if word == "maximum" else min
    pairs = [value if isinstance(value, tuple) else (value, value) for value in values]
    low, high = chosen(lo for lo, _ in pairs), chosen(hi for _, hi in pairs)
    return (low, high) if any(isinstance(value, tuple) for value in values) else low


def _named(ground: Ground, name: str, axis: int, literal: bool, at: int) -> _Value:
    if name in ground.vectors and not (literal and name in ground.sizes):
        items = ground.vectors[name]
        if len(items) == 1 or axis < len(items):
            return items[0 if len(items) == 1 else axis]
    if name in ground.sizes:
        return Fraction(ground.sizes[name])
    known = ", ".join(sorted({*ground.sizes, *ground.vectors}))
    kind = "a tensor" if name in ground.arrays else "unknown"
    raise ground.error(at, f"{name} is {kind}; the numbers of this claim are {known}")


def _combined(ground: Ground, node: Binary, op: str, a: Fraction, b: Fraction) -> Fraction:
    match op:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
    if op not in {"/", "//", "%"}:
        raise ground.error(node.at, f"'{op}' does not join numbers")
    if b == 0:
        if is_fixed(ground, node.right):
            raise ground.error(node.at, f"{show(node)} divides by zero")
        raise Misfit(f"{show(node)} divides by zero")
    return a / b if op == "/" else Fraction(a // b) if op == "//" else a % b
