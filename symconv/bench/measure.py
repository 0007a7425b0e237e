"""One layer measured: symconv's kernel for exactly these sizes, and torch beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symconv.api import built
from symconv.bench.layers import backward_flops, forward_flops
from symconv.bench.rival import Problem, Rival, counterpart, rival
from symconv.bench.timing import Timing, interleaved
from symconv.errors import VerificationError
from symconv.notation.operator import Operator
from symconv.options import options

__all__ = ["Measurement", "Row", "measure"]

Array = np.ndarray[Any, Any]
_TOLERANCE = {"float32": 1e-3, "float64": 1e-9}


@dataclass(frozen=True, slots=True)
class Row:
    """One direction: our time, the work in it, and torch's time by memory format."""

    direction: str
    ours: Timing
    flops: int
    torch: dict[str, Timing]


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured, and why torch is not beside it (``""`` where it is)."""

    operator: str
    shapes: dict[str, tuple[int, ...]]
    algorithm: str
    rows: tuple[Row, ...]
    alone: str


def measure(
    op: Operator,
    settings: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]],
    dtype: str = "float32",
    threads: int = 1,
    repeat: int = 15,
) -> Measurement:
    """Time forward and backward of the kernel specialised to ``shapes``, in turns with torch where it has the operator.

    Raises SpecError for shapes that do not fit, VerificationError when torch computes something else.
    """
    kernel = built(op, options(dtype=dtype, sizes=shapes, threads=threads))
    arrays, gy = _data(op, shapes, dtype)
    inputs = tuple(arrays.values())
    found = counterpart(op, settings, shapes)
    other = rival(found, arrays, gy, threads) if isinstance(found, Problem) else None
    if other is not None:
        _compare(op, other, kernel.forward(*inputs), kernel.backward(gy, *inputs)._asdict(), _TOLERANCE[dtype])
    rows = []
    for direction, ours, flops in (
        ("forward", lambda: kernel.forward(*inputs), forward_flops(op, shapes)),
        ("backward", lambda: kernel.backward(gy, *inputs), backward_flops(op, shapes, op.tensors)),
    ):
        theirs = getattr(other, direction) if other is not None else {}
        times = interleaved({"ours": ours, **theirs}, repeat)
        rows.append(Row(direction, times.pop("ours"), flops, times))
    return Measurement(op.name, dict(shapes), kernel.algorithm, tuple(rows), found if isinstance(found, str) else "")


def _data(op: Operator, shapes: Mapping[str, tuple[int, ...]], dtype: str) -> tuple[dict[str, Array], Array]:
    random = np.random.default_rng(0)
    gy = random.standard_normal(op.output_shape(**shapes)).astype(dtype)
    return {name: np.asarray(random.standard_normal(shapes[name]), dtype) for name in op.tensors}, gy


def _compare(op: Operator, other: Rival, y: Array, gradients: Mapping[str, Array], tolerance: float) -> None:
    wanted, theirs = other.results()
    for name, got, want in ((op.output.name, y, wanted), *((f"g{n}", gradients[n], theirs[n]) for n in theirs)):
        scale = max(1.0, float(np.abs(want).max(initial=0.0)))
        if got.shape != want.shape or float(np.abs(got - want).max(initial=0.0)) > tolerance * scale:
            raise VerificationError(f"{op.name}: torch computes another {name}; try `symconv verify` on the operator")
