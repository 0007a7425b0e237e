"""Data on one geometry, and what the reference says a right kernel makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from symconv.notation.operator import Operator
from symconv.verify.analysis import exact_bits
from symconv.verify.bounds import allowed, gradient_magnitudes, gradient_terms, magnitudes, roundings
from symconv.verify.geometry import Geometry
from symconv.verify.grid import Array
from symconv.verify.reference import evaluate, gradients

__all__ = ["INTEGERS", "REALS", "Case", "Expected", "Ruling", "answered", "plain", "prepare"]

INTEGERS, REALS = "integers", "reals"
_DOMAINS = ("any", "away from 0", "positive")


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is judged and how strictly: ``==`` where arithmetic is exact, a factor on the bounds elsewhere.

    NaN and infinities are not put into the tensors ``finite``.
    """

    dtype: str
    gradients: tuple[str, ...]
    exact: bool = True
    slack: float = 1.0
    finite: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expected:
    """One result's value by the reference (float64), the error allowed and the sum of absolute terms."""

    value: Array
    bound: Array
    magnitude: Array

    @property
    def unbounded(self) -> int:
        """How many numbers cannot be judged: they have no finite value, or no finite bound."""
        return int(np.sum(~(np.isfinite(self.value) & np.isfinite(self.bound))))


@dataclass(frozen=True, slots=True)
class Case:
    """One geometry with data in the kernel's dtype, a cotangent, and the results to expect."""

    kind: str
    shapes: Geometry
    arrays: dict[str, Array]
    gy: Array
    output: Expected
    gradients: dict[str, Expected]


def prepare(op: Operator, shapes: Geometry, kind: str, ruling: Ruling, seed: int) -> Case:
    """Data of one kind (small ``integers`` or random ``reals``) on a geometry, with the reference's answers.

    Data keep away from where the operator has no finite value (log of a negative number) or its rounding no bound
    (a quotient near a divisor of 0): if some do, drawn away from 0 and drawn positive are tried, and the best kept.
    """
    best, fewest = None, 0
    for domain in _DOMAINS:
        case = _prepare(op, shapes, kind, ruling, seed=seed, domain=domain)
        lost = sum(expected.unbounded for expected in (case.output, *case.gradients.values()))
        if best is None or lost < fewest:
            best, fewest = case, lost
        if not fewest:
            break
    assert best is not None
    return best


def _prepare(op: Operator, shapes: Geometry, kind: str, ruling: Ruling, *, seed: int, domain: str) -> Case:
    rng = np.random.default_rng(seed)
    arrays: dict[str, Array] = {}
    for tensor in op.inputs:
        shape = shapes[tensor.name]
        if tensor.dtype == "index":
            arrays[tensor.name] = rng.integers(0, 6, shape).astype(np.int32)
        else:
            arrays[tensor.name] = _draw(rng, shape, kind, domain).astype(ruling.dtype)
    gy = _draw(rng, op.output_shape(**shapes), kind, "any").astype(ruling.dtype)
    return answered(op, kind, ruling, arrays, gy)


def answered(op: Operator, kind: str, ruling: Ruling, arrays: dict[str, Array], gy: Array) -> Case:
    """What the reference answers for given data."""
    shapes = {name: array.shape for name, array in arrays.items()}
    value, sizes = evaluate(op, arrays), op.sizes(**shapes)
    output = _expected(op, kind, ruling, value, magnitude=magnitudes(op, arrays), terms=roundings(op, sizes))
    found: dict[str, Expected] = {}
    if ruling.gradients:
        values = gradients(op, arrays, gy, ruling.gradients)
        sums = gradient_magnitudes(op, arrays, gy, ruling.gradients)
        terms = gradient_terms(op, arrays, ruling.gradients)
        for name in ruling.gradients:
            found[name] = _expected(
                op, kind, ruling, values[name], magnitude=sums[name], terms=terms[name], gradient=True
            )
    return Case(kind, shapes, arrays, gy, output, found)


def _draw(rng: np.random.Generator, shape: tuple[int, ...], kind: str, domain: str) -> Array:
    if domain == "any":
        return np.asarray(rng.integers(-3, 4, shape) if kind == INTEGERS else rng.standard_normal(shape))
    sizes = rng.integers(1, 5, shape) if kind == INTEGERS else rng.uniform(0.5, 2.0, shape)
    return np.asarray(sizes if domain == "positive" else sizes * rng.choice((-1, 1), shape))


def _expected(
    op: Operator,
    kind: str,
    ruling: Ruling,
    value: Array,
    *,
    magnitude: Array,
    terms: Array | int,
    gradient: bool = False,
) -> Expected:
    if np.issubdtype(value.dtype, np.integer):
        return Expected(value, np.zeros(value.shape), magnitude)
    bits = exact_bits(op, gradients=gradient) if kind == INTEGERS and ruling.exact else None
    digits = np.finfo(ruling.dtype).nmant
    if bits is not None and float(np.max(magnitude, initial=0.0)) * 2.0**bits < 2.0**digits:
        return Expected(value, np.zeros(value.shape), magnitude)
    bound = allowed(magnitude, terms, ruling.dtype)
    if not ruling.exact:
        # A transform adds what other cells sum, so that each cell may have the error of the largest.
        bound = np.where(np.isfinite(bound), np.max(bound, initial=0.0, where=np.isfinite(bound)), bound)
    bound = ruling.slack * bound
    return Expected(value, np.broadcast_to(bound, value.shape), magnitude)


def plain(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Copies in float64, positions as they are."""
    return {k: a.copy() if np.issubdtype(a.dtype, np.integer) else a.astype(np.float64) for k, a in arrays.items()}
