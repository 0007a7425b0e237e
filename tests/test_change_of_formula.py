"""No operator carries a gradient: change the forward formula and everything else changes with it, with no other
edit."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc

PAIRS = [
    ("x[n,c,2*i+p-1] * w[f,c,p]", "abs(x[n,c,2*i+p-1] - w[f,c,p])"),
    ("x[n,c,2*i+p-1] * w[f,c,p]", "x[n,c,3*i+p-1] * w[f,c,p]"),
    ("abs(x[n,c,2*i+p-1] - w[f,c,p])", "(x[n,c,2*i+p-1] - w[f,c,p])**2"),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_everything_follows_from_the_forward(one: str, other: str) -> None:
    ops = [sc.operator(f"y[n,f,i] = sum[c,p]({body})") for body in (one, other)]
    for wrt in ("x", "w"):
        formulas = [sc.derive(op, wrt).latex() for op in ops]
        assert formulas[0] != formulas[1]
        assert str(sc.derive(ops[0], wrt)) != str(sc.derive(ops[1], wrt))
    kernels = [sc.build(op, dtype="float64") for op in ops]
    assert kernels[0].source != kernels[1].source
    rng = np.random.default_rng(1)
    x, w = rng.integers(-4, 5, (2, 3, 9)).astype("f8"), rng.integers(-4, 5, (4, 3, 3)).astype("f8")
    pairs = list(zip(kernels, ops, strict=True))
    gradients = [k.backward(np.ones(op.output_shape(x=x.shape, w=w.shape)), x, w) for k, op in pairs]
    assert not np.array_equal(gradients[0].x, gradients[1].x)
    assert all(sc.verify(op, kernel) for kernel, op in pairs)
    assert not sc.verify(ops[0], kernels[1]), "the kernel of another formula is rejected"
