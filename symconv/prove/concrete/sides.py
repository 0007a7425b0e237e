"""Both sides of a claim on concrete integers, and certain differences between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from symconv.errors import SpecError
from symconv.limits import EXACT_POWER
from symconv.notation.expr import Apply, Const, Expr, walk
from symconv.notation.operator import Operator
from symconv.prove.concrete.definition import computed
from symconv.prove.concrete.enclosure import Enclosure, NoValueError, apart
from symconv.prove.concrete.evaluate import Misfit, evaluate
from symconv.prove.language.coded import Coded
from symconv.prove.language.people import named_in
from symconv.prove.language.syntax import Binary, Call, Claim, Name, show
from symconv.prove.language.vocabulary import ELEMENTWISE, canonical
from symconv.prove.language.words import IRRATIONAL
from symconv.verify import reference

__all__ = [
    "Array",
    "applies_functions",
    "difference",
    "evaluated",
    "is_rational",
    "roughly_apart",
    "sides_at",
    "times",
    "true_value",
    "truth_of",
]

Array = np.ndarray[Any, Any]
_RATIONAL = frozenset({"add", "sub", "mul", "div", "neg", "abs", "sign", "relu", "max", "min", "where", "lt", "le",
                       "gt", "ge", "eq", "ne"})  # fmt: skip
_RATIONAL_WORDS = frozenset({"abs", "relu", "sign", "maximum", "minimum"})
_WHOLE = frozenset(map(str, range(-EXACT_POWER, EXACT_POWER + 1)))
"""Exponents that keep fractions fractions."""
_FLOAT = 1e-10
"""Relative differences that float64 shows in sums of a few hundred terms; smaller ones are left to exact numbers."""
_ROUNDING = 1e-6
"""How far the definition in float64 may be from the exact value; both are right, or neither is used."""


def is_rational(op: Operator) -> bool:
    """Whether fractions give fractions."""

    def fine(node: Expr) -> bool:
        match node:
            case Apply("pow", (_, Const(power))):
                return Fraction(power).denominator == 1
            case Apply(function, _):
                return function in _RATIONAL
        return True

    return all(fine(node) for statement in op.statements for node in walk(statement.expr)) and not op.surrogates


def applies_functions(claim: Claim | Coded) -> bool:
    """Whether a claim applies functions whose values at fractions are no fractions, or names such a number."""
    if isinstance(claim, Coded):
        return claim.applies
    if Name("pi") in set(claim.nodes()):
        return True
    calls = {canonical(node.function) for node in claim.nodes() if isinstance(node, Call)}
    roots = any(isinstance(n, Binary) and n.op == "**" and show(n.right) not in _WHOLE for n in claim.nodes())
    return roots or bool(calls & ({*ELEMENTWISE, *IRRATIONAL} - _RATIONAL_WORDS))


def true_value(op: Operator, side: str, arrays: Mapping[str, Array]) -> Array:
    """The side by brute force from the definition, exact; raises NoValueError where it divides by zero."""
    try:
        return truth_of(op, side, {name: _fractions(array) for name, array in arrays.items()})
    except (ZeroDivisionError, OverflowError):
        raise NoValueError("the formula divides by zero, or takes an extreme of nothing") from None


def truth_of(op: Operator, side: str, arrays: Mapping[str, Array]) -> Array:
    """The side by brute force from the definition, in the numbers of ``arrays``."""
    inputs = {name: arrays[name] for name in op.tensors}
    if side == op.output.name:
        return reference.evaluate(op, inputs)
    gy = arrays[f"g{op.output.name}"]
    if all(array.dtype == np.float64 for array in (*inputs.values(), gy)) and op.input(side[1:]).dtype == "real":
        held = tuple((name, *_held(array)) for name, array in inputs.items())
        return _gradients(op, held, _held(gy))[side[1:]].copy()
    return reference.gradients(op, inputs, gy, (side[1:],))[side[1:]]


_Held = tuple[tuple[int, ...], bytes]


def _held(array: Array) -> _Held:
    return array.shape, array.tobytes()


@lru_cache(maxsize=64)
def _gradients(op: Operator, inputs: tuple[tuple[str, tuple[int, ...], bytes], ...], gy: _Held) -> dict[str, Array]:
    """All gradients at these float64 numbers, remembered: those of one function are asked for one by one."""

    def array(shape: tuple[int, ...], data: bytes) -> Array:
        return np.frombuffer(data).reshape(shape).copy()

    return reference.gradients(op, {name: array(shape, data) for name, shape, data in inputs}, array(*gy))


def _fractions(array: Array) -> Array:
    return _each(lambda value: value if isinstance(value, Fraction) else Fraction(int(value)), array)


def _each(change: Any, array: Array) -> Array:
    flat = np.empty(array.size, dtype=object)
    flat[:] = [change(v) for v in array.ravel()]
    return flat.reshape(array.shape)


def _known(op: Operator, side: str, arrays: Mapping[str, Array]) -> Array:
    """The true side: exact where functions allow, else enclosed and seen to be what floats give."""
    if is_rational(op):
        return true_value(op, side, arrays)
    value = computed(op, side, {name: _fractions(array) for name, array in arrays.items()})
    floats = {name: array.astype(np.float64) for name, array in arrays.items()}
    with np.errstate(all="ignore"):
        rough = truth_of(op, side, floats)
    if rough.shape != value.shape or not np.allclose(rough, value.astype(np.float64), rtol=_ROUNDING, atol=_ROUNDING):
        raise NoValueError("float64 does not confirm the value")
    return value


def sides_at(op: Operator, claim: Claim | Coded, arrays: Mapping[str, Array]) -> tuple[Array, Array]:
    """What is claimed and what is true on integers, as fractions or enclosures.

    Raises Misfit where the shapes of the claim do not fit, NoValueError where a side has no value that is known well
    enough, SpecError where the claim is unusable or too large to compute.
    """
    output = op.output.name
    held = dict(arrays)
    uses = claim.uses_output if isinstance(claim, Coded) else Name(output) in set(claim.nodes())
    if claim.side != output and uses:
        held[output] = _known(op, output, arrays)
    held |= {name: _known(op.upto(name), name, arrays) for name in named_in(op, claim)}
    if applies_functions(claim):
        held = {name: _each(_exactly, array) for name, array in held.items()}
    got = evaluated(claim, op, held)
    return got, _known(op, claim.side, arrays)


def evaluated(claim: Claim | Coded, op: Operator, arrays: Mapping[str, Array], prime: int | None = None) -> Array:
    """What is claimed, on numbers; raises Misfit where shapes do not fit."""
    if isinstance(claim, Claim):
        return evaluate(claim, op, arrays, prime)
    got: Array = claim.run(arrays)
    tensor = op.output if claim.side == op.output.name else op.input(claim.side[1:])
    shape = tensor.shape(op.sizes(**{name: arrays[name].shape for name in op.tensors}))
    if got.shape != shape:
        raise Misfit(f"gives {times(got.shape)}, {claim.side} is {times(shape)}", got)
    return got


def roughly_apart(op: Operator, claim: Claim | Coded, arrays: Mapping[str, Array]) -> bool:
    """Whether float64 shows a difference on integers that is more than its rounding: a hint, which proves nothing."""
    floats = {name: array.astype(np.float64) for name, array in arrays.items()}
    try:
        with np.errstate(all="ignore"):
            want, got = truth_of(op, claim.side, floats), evaluated(claim, op, floats).astype(np.float64)
    except Misfit:
        return True
    except (NoValueError, SpecError, ArithmeticError):
        return False
    known = np.isfinite(want) & np.isfinite(got)
    return not np.allclose(got[known], want[known], rtol=_FLOAT, atol=_FLOAT * np.abs(want[known]).max(initial=1))


def times(shape: tuple[int, ...]) -> str:
    """A shape as text."""
    return "x".join(map(str, shape)) or "scalar"


def _exactly(value: Any) -> Enclosure:
    if isinstance(value, Enclosure):
        return value
    number = value if isinstance(value, Fraction) else Fraction(int(value))
    return Enclosure(number, number)


def difference(got: Array, want: Array) -> Iterator[tuple[int, ...]]:
    """The cells of equal shapes that are certainly different."""
    for cell in np.ndindex(want.shape):
        if apart(_exactly(got[cell]), _exactly(want[cell])):
            yield tuple(int(k) for k in cell)
