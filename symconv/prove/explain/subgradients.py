"""Whether what is claimed at a kink is a convention: between the gradients around it, by Clarke's definition."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from symconv.limits import KINK_ROUNDS, KINK_ROWS, KINK_SAMPLES, KINK_STEPS
from symconv.notation.operator import Operator
from symconv.prove.concrete.sides import Array

__all__ = ["within"]

_NEAR = 2.0**-20
_CLOSE, _OUTSIDE = 1e-3, 5e-2
Gradient = Callable[[Mapping[str, Array]], Array]


def within(
    whole: Operator, tensor: str, arrays: Mapping[str, Array], claimed: Gradient, rules: Gradient
) -> bool | None:
    """Whether each row of the claimed Jacobian is a mean of rows nearby; None where that cannot be told.

    ``claimed`` and ``rules`` give the gradient in ``tensor`` at numbers; nearby, where nothing has a kink, that of the
    rules is the derivative.
    """
    known = True
    for count, unit in enumerate(_units(whole, arrays)):
        if count >= KINK_ROWS:
            return None
        got, want = claimed(unit).ravel(), rules(unit).ravel()
        if np.allclose(got, want, rtol=_CLOSE, atol=_CLOSE):
            continue
        inside = _between(whole, tensor, unit, got, rules)
        if inside is False:
            return False
        known = known and bool(inside)
    return known or None


def _units(whole: Operator, arrays: Mapping[str, Array]) -> Iterator[dict[str, Array]]:
    """The numbers with a cotangent of 1 for one element of one output."""
    names = [f"g{one.name}" for one in whole.outputs]
    zeros = {name: np.zeros(arrays[name].shape) for name in names}
    for name in names:
        for cell in np.ndindex(arrays[name].shape):
            unit = zeros[name].copy()
            unit[cell] = 1.0
            yield {**arrays, **zeros, name: unit}


def _between(whole: Operator, tensor: str, arrays: Mapping[str, Array], wanted: Array, rules: Gradient) -> bool | None:
    """Whether a row is in the convex hull of those nearby, which are drawn, and then looked for where it is not."""
    rng = np.random.default_rng(0)
    arrays = {name: array.astype(np.float64) for name, array in arrays.items()}
    moved = [one.name for one in whole.inputs if one.dtype == "real"]

    def near(direction: Array | None = None) -> Array:
        shifts = {name: rng.choice([-1.0, 1.0], arrays[name].shape) * rng.uniform(0.5, 1, arrays[name].shape)
                  for name in moved}  # fmt: skip
        if direction is not None:
            shifts = {name: shift * 2.0**-6 for name, shift in shifts.items()}
            shifts[tensor] = shifts[tensor] + direction.reshape(arrays[tensor].shape)
        return rules({**arrays, **{name: arrays[name] + _NEAR * shift for name, shift in shifts.items()}}).ravel()

    rows = [near() for _ in range(KINK_SAMPLES)]
    for _ in range(KINK_ROUNDS):
        drawn = np.array(rows)
        if not np.isfinite(drawn).all():
            return None
        rest = wanted - _nearest(drawn, wanted)
        scale = max(1.0, float(np.abs(drawn).max()), float(np.abs(wanted).max()))
        size = float(np.linalg.norm(rest))
        if size <= _CLOSE * scale:
            return True
        rows += [near(sign * rest / np.abs(rest).max()) for sign in (1, -1)]
    return False if size > _OUTSIDE * scale else None


def _nearest(rows: Any, wanted: Array) -> Array:
    """The point of a convex hull that is nearest, by steps from the farthest used corner to the best one."""
    shares = np.zeros(len(rows))
    shares[int(np.argmin(((rows - wanted) ** 2).sum(axis=1)))] = 1.0
    for _ in range(KINK_STEPS):
        slope = rows @ (shares @ rows - wanted)
        best = int(np.argmin(slope))
        worst = int(np.argmax(np.where(shares > 0, slope, -np.inf)))
        way = rows[best] - rows[worst]
        length = float(way @ way)
        if length == 0.0 or slope[worst] - slope[best] <= 0.0:
            break
        step = min(float(slope[worst] - slope[best]) / length, float(shares[worst]))
        shares[best] += step
        shares[worst] = shares[worst] - step if step < shares[worst] else 0.0
    return np.asarray(shares @ rows)
