"""The chain rule as it is written out, checked by numbers: run term by term, and against a difference quotient.

Neither check transposes a relation. Raises InternalError where numbers differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from symconv.errors import InternalError, SpecError
from symconv.gather.checks import small_sizes
from symconv.notation.expr import Apply, Const, Expr, Reduce, walk
from symconv.notation.operator import Operator
from symconv.verify.geometry import Geometry
from symconv.verify.grid import Array, points
from symconv.verify.reference import evaluate, gradients

__all__ = ["CHOOSING", "checked_quotient", "checked_written"]

CHOOSING = frozenset({"max", "min"})
"""Reductions that hand everything to one tap: where two taps are the same cell or tie, the chain rule as it is written
counts both."""
_EXACT = frozenset({"add", "sub", "mul", "div", "neg", "abs", "sign", "relu", "max", "min", "where", "lt", "le", "gt",
                    "ge", "eq", "ne"})  # fmt: skip
_LARGEST = 3_000
"""Grid points of the exact comparison: some milliseconds."""
_STEP, _CLOSE = Fraction(1, 10**30), Fraction(1, 10**20)
_FLOAT_STEP, _FLOAT_CLOSE = 1e-6, 1e-2
"""In float64 only a coarse difference is told from rounding; a wrong relation is off by far more."""
_TRIES = 4
_MOST = 60_000
"""Grid points of the sum over every output and every tap: milliseconds in float64."""
_ROUNDED = 1e-7


@lru_cache(maxsize=64)
def checked_quotient(op: Operator, wrt: str, result: Operator, outputs: tuple[str, ...] = ()) -> str:
    """``Σ gradient·v`` against ``(L(x + h v) - L(x))/h`` of the stated formula, in exact numbers where they exist.

    Where ``result`` is a gradient of several ``outputs``, ``op`` is their loss.

    Once may be a kink, where a quotient is no slope; another draw tells. Raises InternalError where two draws disagree
    in exact numbers, or in float64 every draw of two or more beyond doubt; "" where nothing is told.
    """
    if op.surrogates:
        return ""
    exact = all(_is_exact(node) for s in op.statements for node in walk(s.expr))
    step, close = (_STEP, _CLOSE) if exact else (_FLOAT_STEP, _FLOAT_CLOSE)
    fits = [shapes for shapes in small_sizes(op) if points(op, op.sizes(**shapes)) <= _LARGEST]
    differing, doubtless = 0, not any(_is_stepped(node) for s in op.statements for node in walk(s.expr))
    for seed, shapes in enumerate(sorted(fits, key=lambda s: -points(op, op.sizes(**s)))[:_TRIES]):
        found = _quotient(op, wrt, result, shapes, seed, step, outputs)
        if found is None:
            continue
        got, want = found
        if abs(got - want) <= close * (1 + abs(want)):
            kind = "in exact numbers" if exact else "in float64"
            return f"{kind}, the loss changes along a direction as the gradient says, for {_said(shapes)}"
        differing += 1
        said = f"{op.name}: along a direction the loss changes by {want}, by its gradient by {got}"
        if exact and differing > 1:
            raise InternalError(said)
        doubtless = doubtless and not exact and _is_slope(op, wrt, result, shapes, seed, found, outputs)
    if doubtless and differing > 1:
        raise InternalError(said)
    return ""


def _is_stepped(node: Expr) -> bool:
    """Whether a function has steps: finer ones than those of the quotient look like a slope."""
    return isinstance(node, Apply) and node.function in {"floor", "ceil"}


def _is_slope(
    op: Operator, wrt: str, result: Operator, shapes: Geometry, seed: int, found: tuple[Any, Any],
    outputs: tuple[str, ...],
) -> bool:  # fmt: skip
    """Whether a quotient in float64 is no work of rounding or of a kink: it is the same backwards and with a longer
    step, and the gradient is off by far more."""
    got, want = found
    others = [_quotient(op, wrt, result, shapes, seed, factor * _FLOAT_STEP, outputs) for factor in (-1, 10)]
    spread = max(np.inf if other is None else abs(other[1] - want) for other in others)
    # Beside a number large enough, rounding leaves nothing of any step.
    seen = want != 0 and spread <= _FLOAT_CLOSE * (1 + abs(want))
    return bool(seen and abs(got - want) > 10 * spread + _FLOAT_CLOSE * (1 + abs(want)))


def _is_exact(node: Expr) -> bool:
    match node:
        case Apply("pow", (_, Const(power))):
            return power.denominator == 1
        case Apply(function, _):
            return function in _EXACT
    return True


def _quotient(
    op: Operator, wrt: str, result: Operator, shapes: Geometry, seed: int, step: Any, outputs: tuple[str, ...]
) -> tuple[Any, Any] | None:
    """What the gradient says of a direction and what a step along it does, as fractions where the step is one."""
    if any(tensor.dtype != "real" for tensor in op.inputs):
        return None
    exact, rng = isinstance(step, Fraction), np.random.default_rng(seed)
    arrays = {tensor.name: _drawn(rng, shapes[tensor.name], exact) for tensor in op.inputs}
    along = _drawn(rng, shapes[wrt], exact)
    try:
        with np.errstate(all="ignore"):
            moved = (np.asarray(arrays[wrt] + sign * step * along, along.dtype) for sign in (0, 1))
            before, after = (evaluate(op, {**arrays, wrt: there}) for there in moved)
            cotangent = _drawn(rng, before.shape, exact)
            # The loss hands its cotangent on to each output, times the one that the output has in it.
            handed = {f"g{name}": cotangent * arrays[f"g{name}"] for name in outputs}
            gradient = evaluate(result, {**arrays, **(handed or {result.inputs[0].name: cotangent})})
            want, got = np.sum(cotangent * (after - before)) / step, np.sum(gradient * along)
    except (ArithmeticError, SpecError):
        return None
    return (got, want) if exact or np.isfinite([got, want]).all() else None


def _drawn(rng: np.random.Generator, shape: tuple[int, ...], exact: bool) -> Array:
    numbers = rng.integers(10**8, 10**9, shape) * rng.choice((-1, 1), shape)
    exactly = np.array([Fraction(int(n), 497_000_003) for n in numbers.ravel()], dtype=object).reshape(shape)
    return exactly if exact else exactly.astype(np.float64)


def _said(shapes: Mapping[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {'×'.join(map(str, shape)) or 'scalar'}" for name, shape in shapes.items())


def checked_written(stated: Operator, wrt: str, written: Operator) -> str:
    """The chain rule as an operator, every term of every output summed, against the definition of the gradient."""
    real = all(tensor.dtype == "real" for tensor in stated.inputs)
    if not real or stated.surrogates:
        return ""
    fits = [s for s in small_sizes(stated) if points(written, stated.sizes(**s)) <= _MOST]
    for shapes in sorted(fits, key=lambda s: -points(written, stated.sizes(**s)))[:1]:
        rng = np.random.default_rng(0)
        arrays = {tensor.name: _drawn(rng, shapes[tensor.name], False) for tensor in stated.inputs}
        with np.errstate(all="ignore"):
            cotangent = _drawn(rng, evaluate(stated, arrays).shape, False)
            want = gradients(stated, arrays, cotangent, (wrt,))[wrt]
            got = evaluate(written, {**arrays, written.inputs[0].name: cotangent})
            there = np.isfinite(want) & np.isfinite(got)
            wrong = there & ~(np.abs(got - want) <= _ROUNDED * (1 + np.abs(want)))
        if not wrong.any():
            return f"summed as written: the same {int(there.sum())} numbers as the definition's, for {_said(shapes)}"
        if not any(isinstance(n, Reduce) and n.kind in CHOOSING for s in stated.statements for n in walk(s.expr)):
            raise InternalError(f"{stated.name}: the chain rule as it is written has other values than the definition")
    return ""
