"""Functions on all lanes at once against the C library's double precision, for every vector width and precision."""

from __future__ import annotations

import math

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.build.cpu import cpu_flags
from symconv.build.module import load
from symconv.isa import isa
from symconv.options import Options

FUNCTIONS = ("exp", "tanh", "sigmoid", "silu")
SPECIAL = (0.0, -0.0, math.inf, -math.inf, math.nan)


def _wanted(name: str, x: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        one = 1 / (1 + np.exp(-np.abs(x)))
        sigmoid = np.where(x >= 0, one, np.exp(-np.abs(x)) * one)
        return {"exp": np.exp(x), "tanh": np.tanh(x), "sigmoid": sigmoid, "silu": x * sigmoid}[name]


FAST = (("float32", "native"), ("float64", "x86-64-v3"))
FULL = (("float64", "native"), ("float32", "x86-64-v3"), ("float32", "portable"), ("float64", "portable"))


@pytest.mark.parametrize(("dtype", "target"), [*FAST, *(pytest.param(*one, marks=pytest.mark.full) for one in FULL)])
def test_functions_in_lanes(dtype: str, target: str) -> None:
    if target.startswith("x86") and (lacking := isa(target).lacking(cpu_flags())):
        pytest.skip(f"this CPU has no {', '.join(lacking)}")
    options = Options(dtype=dtype, target=target)
    ops = [sc.operator(f"y[n,i] = {name}(sum[c](x[n,c,i] * w[c]))") for name in FUNCTIONS]
    units = tuple(pipeline.unit(op, options, f"u{at}", ("forward",)) for at, op in enumerate(ops))
    source = pipeline.generate(units, options)
    assert all(f"sc_v{name}(" in source.text for name in FUNCTIONS)
    module = load(pipeline.build_text(source.text, options))
    rng, most = np.random.default_rng(0), 700.0 if dtype == "float64" else 85.0
    parts = [rng.uniform(-9, 9, 4000), rng.uniform(-most, most, 2000), rng.normal(size=999) * 1e-3, SPECIAL]
    x = np.concatenate(parts).astype(dtype).reshape(1, 1, -1)
    for at, name in enumerate(FUNCTIONS):
        (got,) = getattr(module, f"u{at}_forward")(1, (x, np.ones(1, dtype)), None, 1)
        with np.errstate(over="ignore"):
            want = _wanted(name, x[:, 0].astype(np.longdouble)).astype(dtype)
        assert (np.isnan(got) == np.isnan(want)).all() and (np.isinf(got) == np.isinf(want)).all(), name
        finite = np.isfinite(want)
        apart = np.abs(got[finite] - want[finite]) / np.spacing(np.maximum(np.abs(want[finite]), np.finfo(dtype).tiny))
        assert apart.max() <= 4, (name, float(apart.max()))
