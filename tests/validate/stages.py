"""Operators of several stages and their kernels, for the tests of what validation proves of them."""

from __future__ import annotations

from typing import Any

import handmade as k
import numpy as np

import symconv as sc
from symconv import pipeline
from symconv.errors import InternalError
from symconv.gather.derivation import Derivation
from symconv.loops.interpret import interpret
from symconv.loops.ir import (
    Kernel,
    Nest,
)
from symconv.loops.presets import masked
from symconv.notation.operator import Operator
from symconv.options import Options
from symconv.validate.validation import Validation, validate

__all__ = ["CONV", "MAX_OF_SUM", "PLAIN", "TANH", "Side", "run", "side", "verdict"]

CONV = sc.operator("y[n,i] = sum[p](x[n,i+p-1]*w[p])")
TANH = sc.operator("y[n,i] = tanh(sum[p](x[n,i+p]*w[p]))")
PLAIN = sc.operator("y[n,i] = sum[p](x[n,i+p]*w[p])")
MAX_OF_SUM = sc.operator("y[n,i] = max[c](sum[p](x[n,c,i+p] * w[c,p]))")

Side = tuple[Derivation, Kernel]


def side(op: Operator, wrt: str = "", options: Options | None = None) -> Side:
    derivation = pipeline.derive(op, wrt) if wrt else pipeline.forward(op)
    name = f"g{wrt}" if wrt else op.output.name
    if options is not None:
        return derivation, pipeline.candidates(derivation, name, options)[0].kernel
    return derivation, masked(derivation.gather, name)


def verdict(of: Side, *nests: Nest, space: Any) -> Validation:
    derivation, kernel = of
    return validate(derivation, k.kernel(kernel, nests, *(space if isinstance(space, tuple) else (space,))))


def run(op: Operator, kernel: Kernel, shapes: Any) -> Any:
    """What a kernel computes on small integers, or the kind of error it stops with."""
    rng = np.random.default_rng(1)
    every = {**shapes, f"g{op.output.name}": op.output_shape(**dict(shapes))}
    arrays = {name: (shape, rng.integers(-9, 10, shape).ravel().tolist()) for name, shape in every.items()}
    try:
        found = interpret(kernel, {b.name: arrays[b.name] for b in kernel.buffers if b.role == "in"})
        return [round(value, 9) if isinstance(value, float) else value for value in found]
    except (InternalError, TypeError) as error:
        return type(error)
