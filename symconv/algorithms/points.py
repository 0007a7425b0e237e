"""Points of evaluation with little amplification of rounding, searched over small binary fractions.

How much a transform amplifies rounding depends on its points alone: {0, ±1, ±2} is three times worse in two dimensions
than what this search finds. Every point is a fraction over a power of two, so that most entries of the matrices are
exact floating-point numbers; points come in pairs ±a, so that half of each transform is shared (``factored``).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import combinations

import numpy as np

from symconv.algorithms.cooktoom import Transform, cook_toom
from symconv.algorithms.matrices import Matrix

__all__ = ["LARGEST", "POINTS", "amplification", "search_points", "transform"]

LARGEST = 8
"""Longest windows of data that are searched: beyond, rounding takes more digits than products are saved."""
_DENOMINATOR = 16
_LEAST, _MOST = Fraction(1, 4), Fraction(3)
"""Points outside lose at once: some entry of a transform is then a high power far from 1."""

_HARMLESS = 1.5
"""Where rounding hardly grows, 0 and 1 serve better than a pair: their transforms are additions alone."""

_Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def transform(m: int, r: int) -> Transform:
    """F(m, r) at the points of ``POINTS``, searched for where they are not listed.

    Raises SpecError where ``m`` or ``r`` is below 1.

    >>> str(transform(2, 3))
    'F(2,3) at 0, 1, -1, ∞'
    """
    return _transform(m, r)


@cache
def _transform(m: int, r: int) -> Transform:
    if m < 1 or r < 1 or m + r - 1 > LARGEST:
        # The constructor refuses the first two; long windows take what a search would find too late.
        return cook_toom(m, r, _pairs(m + r - 2))
    return cook_toom(m, r, POINTS[m, r] if (m, r) in POINTS else search_points(m, r))


def amplification(transform: Transform) -> tuple[float, float]:
    """By how much rounding errors of single terms grow in ``y = Aᵀ[(G g)⊙(Bᵀ d)]`` and in ``Gᵀ[(A y)⊙(Bᵀ d)]``.

    The deviation of the worst component over random data, in units of a direct sum's; in two dimensions it is squared.

    >>> plain, searched = cook_toom(4, 3, [0, 1, -1, 2, -2]), cook_toom(4, 3, POINTS[4, 3])
    >>> max(amplification(plain)) > 2 * max(amplification(searched))
    True
    """
    A, G, B = (_floats(one)[None] for one in (transform.A, transform.G, transform.BT))
    one, other = _amplified(A, G, B)
    return float(one[0]), float(other[0])


def search_points(m: int, r: int) -> tuple[Fraction, ...]:
    """The ``m + r − 2`` points that amplify rounding least, over both uses of the transform.

    >>> search_points(2, 3)
    (Fraction(0, 1), Fraction(1, 1), Fraction(-1, 1))
    """
    best: float = float("inf")
    found: tuple[Fraction, ...] = ()
    for family in _families(m + r - 2):
        choices = list(family)
        A, G, B = _matrices(m, r, np.array([[float(v) for v in points] for points in choices]))
        worst = np.round(np.maximum(*_amplified(A, G, B)), 9)
        at = int(worst.argmin())
        if worst[at] < best:
            best, found = float(worst[at]), choices[at]
        if best < _HARMLESS:
            break
    return found


def _families(count: int) -> Iterator[Iterator[tuple[Fraction, ...]]]:
    """Sets of points: pairs alone, with 0, or with 0 and a lone one; those with fewer products of many digits first."""
    values = sorted(
        {Fraction(k, _DENOMINATOR) for k in range(int(_LEAST * _DENOMINATOR), int(_MOST * _DENOMINATOR) + 1)}
    )
    values.sort(key=lambda value: value.denominator)
    zero = Fraction(0)
    if count % 2:
        yield ((zero, *_signed(half)) for half in combinations(values, count // 2))
        return
    if count == 0:
        yield iter([()])
        return
    yield (
        (zero, *_signed(half), lone)
        for half in combinations(values, count // 2 - 1)
        for lone in values
        if lone not in half
    )
    yield (_signed(half) for half in combinations(values, count // 2))


def _signed(half: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
    return tuple(signed for value in half for signed in (value, -value))


def _pairs(count: int) -> tuple[Fraction, ...]:
    """Points where nothing was searched: 0, ±1, ±1/2, ±2, ±3/2 ..."""
    halves = (Fraction(1), *(v for k in range(1, count) for v in (Fraction(k, k + 1), Fraction(k + 1, k))))
    return (Fraction(0), *_signed(halves))[: max(count, 0)]


def _floats(rows: Matrix) -> _Array:
    return np.array([[float(value) for value in row] for row in rows])


def _amplified(A: _Array, G: _Array, B: _Array) -> tuple[_Array, _Array]:
    a, g, b = ((rows**2).sum(-1) for rows in (A, G, B))
    y = ((A**2) * (g * b)[..., None]).sum(-2) / G.shape[-1]
    w = ((G**2) * (a * b)[..., None]).sum(-2) / A.shape[-1]
    return np.sqrt(y.max(-1)), np.sqrt(w.max(-1))


def _matrices(m: int, r: int, points: _Array) -> tuple[_Array, _Array, _Array]:
    """The matrices of ``cook_toom`` for many sets of points at once, in floating point, signs aside."""
    sets, count = points.shape
    powers = points[..., None] ** np.arange(max(m, r))
    gaps = points[:, :, None] - points[:, None, :] + np.eye(count)
    last = np.zeros((sets, 1, max(m, r)))
    A, G = (np.concatenate([powers[..., :k], last[..., :k]], 1) for k in (m, r))
    A[:, -1, m - 1] = G[:, -1, r - 1] = 1
    G[:, :-1] /= gaps.prod(-1)[..., None]
    B = np.zeros((sets, count + 1, count + 1))
    for row in range(count + 1):
        B[:, row, : count + (row == count)] = _polynomial(np.delete(points, row, 1) if row < count else points)
    return A, G, B


def _polynomial(roots: _Array) -> _Array:
    found = np.ones((len(roots), 1))
    for k in range(roots.shape[1]):
        low = np.pad(found, ((0, 0), (0, 1))) * -roots[:, k : k + 1]
        found = np.pad(found, ((0, 0), (1, 0))) + low
    return found


def _points(text: str) -> tuple[Fraction, ...]:
    return tuple(map(Fraction, text.split()))


POINTS: dict[tuple[int, int], tuple[Fraction, ...]] = {
    (2, 2): _points("0 1"),
    (3, 2): _points("0 1 -1"),
    (2, 3): _points("0 1 -1"),
    (4, 2): _points("1/2 -1/2 19/16 -19/16"),
    (3, 3): _points("5/4 -5/4 7/16 -7/16"),
    (2, 4): _points("1/2 -1/2 19/16 -19/16"),
    (5, 2): _points("0 11/16 -11/16 23/16 -23/16"),
    (4, 3): _points("0 11/16 -11/16 23/16 -23/16"),
    (3, 4): _points("0 11/16 -11/16 23/16 -23/16"),
    (2, 5): _points("0 11/16 -11/16 23/16 -23/16"),
    (6, 2): _points("7/8 -7/8 13/8 -13/8 5/16 -5/16"),
    (5, 3): _points("7/8 -7/8 13/8 -13/8 5/16 -5/16"),
    (4, 4): _points("7/8 -7/8 13/8 -13/8 5/16 -5/16"),
    (3, 5): _points("7/8 -7/8 13/8 -13/8 5/16 -5/16"),
    (2, 6): _points("7/8 -7/8 13/8 -13/8 5/16 -5/16"),
    (7, 2): _points("0 1 -1 7/4 -7/4 9/16 -9/16"),
    (6, 3): _points("0 1 -1 9/16 -9/16 29/16 -29/16"),
    (5, 4): _points("0 1 -1 9/16 -9/16 29/16 -29/16"),
    (4, 5): _points("0 1 -1 9/16 -9/16 29/16 -29/16"),
    (3, 6): _points("0 1 -1 9/16 -9/16 29/16 -29/16"),
    (2, 7): _points("0 1 -1 7/4 -7/4 9/16 -9/16"),
}
"""What ``search_points`` finds, for every F(m, r) of at least two outputs and two taps up to ``LARGEST``."""
