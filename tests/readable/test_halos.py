"""Arrays with room at their ends: used where what stands there adds nothing, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.verify.geometry import geometries
from symconv.verify.reference import evaluate, gradients

FORMULAS = {
    "a term that is read elsewhere": ("y[n,i] = sum[p](x[n,2*i+p-1]*w[p] + w[p]*sign(x[n,2*i+p]))", "skip"),
    "a factor below": ("y[n,i] = sum[p](x[n,i+p-1]/(1 + m[n,i+p-1]))", "skip"),
    "a factor that has a pole": ("y[n,i] = sum[p](x[n,i+p-1]/m[n,i+p-1])", "skip"),
    "a power": ("y[n,i] = sum[p](w[p]*m[n,i+p-1]**-1)", "skip"),
    "a maximum of a difference": ("y[n,i] = max[p](x[n,i+p-1] - x[n,i+p])", "skip"),
    "a number outside": ("y[n,i] = sum[p](x[n,i+p-2]*w[p])", 2),
}


@pytest.mark.parametrize(
    ("name", "library"), [*((name, "numpy") for name in FORMULAS), ("a number outside", "torch"), ("a power", "torch")]
)
def test_what_stands_outside_adds_nothing(name: str, library: str, run: Callable[..., Any]) -> None:
    source, border = FORMULAS[name]
    op = sc.operator(source, border=border, **({} if "w[p]" in source else {"extents": {"p": 3}}))
    for seed, shapes in enumerate(geometries(op, 2)):
        rng = np.random.default_rng(seed)
        arrays = {t: rng.integers(1, 4, shape).astype(float) for t, shape in shapes.items()}
        gy = rng.integers(-3, 4, op.output_shape(**dict(shapes))).astype(float)
        want = {"": evaluate(op, arrays), **gradients(op, arrays, gy)}
        for tensor in op.tensors:
            got = run(sc.derive(op, tensor).code(library), library, gy, *arrays.values())
            np.testing.assert_allclose(got, want[tensor], rtol=1e-12, atol=1e-12)


def test_room_is_made_where_it_may_be() -> None:
    assert "np.pad(x" in sc.derive(sc.conv1d(padding=1), "w").code()
    text = sc.derive(sc.operator(FORMULAS["a factor that has a pole"][0], border="skip", extents={"p": 3}), "x").code()
    assert "np.pad" not in text
    assert "i0 = max(" in text
