"""Numbers of a few small sizes at which no slope jumps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from symconv.limits import GEOMETRIES, KINK_CELLS, KINK_TRIALS
from symconv.notation.operator import Operator
from symconv.prove.concrete.counterexample import labels
from symconv.prove.concrete.sides import Array
from symconv.prove.language.labels import LABEL
from symconv.verify.geometry import geometries

__all__ = ["trials"]


def trials(op: Operator) -> Iterator[dict[str, Array]]:
    """Numbers of a few small sizes, away from kinks."""
    count = 0
    for seed, shapes in enumerate(geometries(op, GEOMETRIES, 0)):
        arrays = _generic(op, shapes, seed)
        if count < KINK_TRIALS and all(0 < array.size < KINK_CELLS for array in arrays.values()):
            count += 1
            yield arrays


def _generic(op: Operator, shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, Array]:
    """Operands and the cotangent, no two elements of which are equal or opposite, and none a number people write."""
    rng = np.random.default_rng(seed)
    wanted = {**{t.name: shapes[t.name] for t in op.inputs}, f"g{op.output.name}": op.output_shape(**dict(shapes))}
    total = sum(int(np.prod(shape)) for shape in wanted.values())
    parts = (2 * np.floor(rng.uniform(3, 29, total)) + 1) / 64
    values = (rng.permutation(total) + parts) * rng.choice([-0.25, 0.25], total)
    arrays: dict[str, Array] = {}
    for name, shape in wanted.items():
        size = int(np.prod(shape))
        arrays[name], values = values[:size].reshape(shape), values[size:]
    return arrays | {t.name: labels(rng, shapes[t.name]).astype(np.float64) for t in op.inputs if t.dtype == LABEL}
