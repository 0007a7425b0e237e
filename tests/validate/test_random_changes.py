"""Kernels changed at random: what is proved computes the same, with no race and nothing read before it is stored."""

from __future__ import annotations

import random
from typing import Any

import handmade as k
import numpy as np
import pytest
from fuzzing import mutant

import symconv as sc
from symconv import pipeline
from symconv.errors import InternalError
from symconv.loops.interpret import WIDTH, interpret
from symconv.loops.ir import Kernel
from symconv.loops.presets import masked
from symconv.notation.operator import Operator
from symconv.validate.validation import LANES, validate
from symconv.verify.geometry import geometries

OPERATORS = {
    "border": sc.operator("y[n,i] = sum[p](x[n,i+p-1]*w[p])"),
    "max of sum": sc.operator("y[n,i] = max[c](sum[p](x[n,c,i+p] * w[c,p]))"),
    "tanh": sc.conv_bias_act1d("tanh", padding=1),
    "first maximum": sc.operator("y[n,i] = max[p](x[n,2*i+p-1]*w[p])"),
}


def run(op: Operator, kernel: Kernel, shapes: Any) -> Any:
    rng = np.random.default_rng(1)
    every = {**shapes, f"g{op.output.name}": op.output_shape(**dict(shapes))}
    arrays = {name: (shape, rng.integers(-9, 10, shape).ravel().tolist()) for name, shape in every.items()}
    try:
        found = interpret(kernel, {b.name: arrays[b.name] for b in kernel.buffers if b.role == "in"})
        return [round(value, 9) if isinstance(value, float) else value for value in found]
    except (InternalError, TypeError, KeyError) as error:
        return type(error)


def judged(op: Operator, seed: int, count: int, lanes: tuple[int, ...]) -> list[bool | None]:
    rng = random.Random(seed)
    bases = []
    for wrt in ("", "x"):
        derivation = pipeline.derive(op, wrt) if wrt else pipeline.forward(op)
        kernel = masked(derivation.gather, f"g{wrt}" if wrt else op.output.name)
        bases.append((derivation, kernel, kernel))
        bases.append((derivation, kernel, k.through_copy(kernel, "w", shift=1, room=1)))
    shapes = geometries(op, 6, 1)
    found = []
    for _ in range(count):
        derivation, right, base = rng.choice(bases)
        changed = mutant(rng, base)
        holds = validate(derivation, changed, lanes).holds
        found.append(holds)
        for shape in shapes if holds else ():
            assert run(op, changed, shape) == run(op, right, shape), f"{changed} is proved"
    return found


@pytest.mark.parametrize("name", OPERATORS)
def test_what_is_proved_of_a_changed_kernel_is_so(name) -> None:
    found = judged(OPERATORS[name], 1, 40, (WIDTH,))
    assert False in found
    assert True in found


@pytest.mark.full
@pytest.mark.parametrize("seed", range(2, 5))
@pytest.mark.parametrize("name", OPERATORS)
def test_what_is_proved_of_many_changed_kernels_is_so(name, seed) -> None:
    assert judged(OPERATORS[name], seed, 350, LANES).count(False) >= 50
