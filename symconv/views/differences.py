"""Where a wrong claim differs, in numbers: one plane of both sides at sizes at which the claim fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import numpy as np

from symconv.errors import SpecError
from symconv.notation.affine import var
from symconv.notation.expr import Constraint
from symconv.prove.concrete.counterexample import drawn
from symconv.prove.concrete.enclosure import NoValueError
from symconv.prove.concrete.evaluate import Misfit
from symconv.prove.concrete.sides import Array, applies_functions, evaluated, is_rational, true_value, truth_of
from symconv.prove.decide.decision import Decision
from symconv.prove.proof import Proof

__all__ = ["Difference", "difference"]

Shapes = dict[str, tuple[int, ...]]
Cells = Mapping[tuple[int, int], str]
_MOST = 12
"""Longer axes make no picture that is looked at."""
_ROOMS = ((4, 2), (3, 2), (3, 1), (2, 1), (1, 1))
"""Least sizes of windowed and other axes to try: the first has something to see, the last admits everything."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One plane of ``side`` as claimed (``got``) and as it is (``want``), on small integers.

    ``leading`` are the indices in front of the plane's two; ``wrong`` the cells that differ or that one side lacks:
    there is always one.
    """

    side: str
    where: str
    leading: tuple[int, ...]
    got_shape: tuple[int, int]
    want_shape: tuple[int, int]
    got: Cells
    want: Cells
    wrong: frozenset[tuple[int, int]]


def difference(proof: Proof) -> Difference | None:
    """Where the sides of a false claim differ, at small sizes of those where it fails, else at its counterexample.

    None for a claim that is not false, and where the claim has no value at all (its shapes do not fit inside).

    >>> import symconv as sc
    >>> proof = sc.prove(sc.conv1d(stride=2), "gx = conv_transpose(gy, w, stride=2)")
    >>> found = difference(proof)
    >>> found.got_shape, found.want_shape, sorted(found.wrong)
    ((2, 3), (2, 4), [(0, 3), (1, 3)])
    """
    if proof.holds is not False or proof.decision is None:
        return None
    for shapes in _candidates(proof, proof.decision):
        if all(length <= _MOST for shape in shapes.values() for length in shape):
            for seed in (0, 4):
                found = _at(proof, shapes, seed)
                if found is not None:
                    return found
    return None


def _candidates(proof: Proof, decision: Decision) -> Iterator[Shapes]:
    op = proof.operator
    defined = {d.name for d in op.definitions}
    windows = {w.size for w in op.windows}
    for region in (decision.values, decision.shapes):
        free = [name for name in region.context.sizes if name not in defined]
        for spatial, other in _ROOMS if not region.empty else ():
            least = [Constraint(var(name) - (spatial if name in windows else other)) for name in free]
            sizes = region.where(*least).smallest(free)
            if sizes is not None:
                yield {t.name: t.shape(sizes) for t in op.inputs}
    if proof.counterexample is not None:
        yield dict(proof.counterexample.shapes)


def _at(proof: Proof, shapes: Shapes, seed: int) -> Difference | None:
    found = _both(proof, shapes, seed)
    if found is None or found[0].ndim != found[1].ndim:
        return None
    got, want = (array.reshape((1,) * (2 - array.ndim) + array.shape) for array in found)
    box = tuple(map(max, got.shape, want.shape))
    if not prod(box) or max(box[-2:]) > _MOST:
        return None
    differing = np.ones(box, dtype=np.bool_)
    common = tuple(slice(0, min(pair)) for pair in zip(got.shape, want.shape, strict=True))
    differing[common] = ~_same(got[common], want[common])
    # Cells that neither side has are no difference.
    differing &= _within(got.shape, box) | _within(want.shape, box)
    if not differing.any():
        return None
    leading = tuple(int(k) for k in np.argwhere(differing)[0][:-2])
    wrong = frozenset((int(i), int(j)) for i, j in np.argwhere(differing[leading]))
    where = ", ".join(f"{name} {'x'.join(map(str, shape)) or 'scalar'}" for name, shape in shapes.items())
    sides = [_plane(array, leading) for array in (got, want)]
    return Difference(proof.claim.side, where, leading, sides[0][0], sides[1][0], sides[0][1], sides[1][1], wrong)


def _both(proof: Proof, shapes: Shapes, seed: int) -> tuple[Array, Array] | None:
    """What is claimed and what is true; exact where the functions of both allow it, else in float64."""
    op, claim = proof.operator, proof.claim
    exact = is_rational(op) and not applies_functions(claim)
    true = true_value if exact else truth_of
    try:
        arrays = drawn(op, shapes, seed)
        given = arrays if exact else {name: array.astype(np.float64) for name, array in arrays.items()}
        want = true(op, claim.side, given)
        known = {} if claim.side == op.output.name else {op.output.name: true(op, op.output.name, given)}
        return evaluated(claim, op, {**given, **known}), want
    except Misfit as reason:
        return None if reason.result is None else (reason.result, want)
    except (NoValueError, SpecError):
        # Not valid, no number, or too large here: other sizes are drawn.
        return None


def _same(one: Array, other: Array) -> Array:
    if object in (one.dtype, other.dtype):
        return np.asarray(one == other, dtype=np.bool_)
    return np.asarray(np.isclose(one.astype(np.float64), other.astype(np.float64), rtol=1e-9, atol=1e-9))


def _within(shape: tuple[int, ...], box: tuple[int, ...]) -> Array:
    inside = np.zeros(box, dtype=np.bool_)
    inside[tuple(slice(0, length) for length in shape)] = True
    return inside


def _plane(array: Array, leading: tuple[int, ...]) -> tuple[tuple[int, int], Cells]:
    if any(at >= length for at, length in zip(leading, array.shape, strict=False)):
        return (0, 0), {}
    plane = array[leading]
    rows, columns = plane.shape
    return (rows, columns), {(i, j): _text(plane[i, j]) for i, j in product(range(rows), range(columns))}


def _text(value: Any) -> str:
    exact = isinstance(value, int | Fraction | np.integer)
    return str(value) if exact else f"{float(value):.3g}"
