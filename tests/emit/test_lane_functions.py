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

SMOOTH = ("exp", "tanh", "sigmoid", "silu", "log", "log1p", "expm1", "softplus", "elu", "erf", "gelu")
EXACT = ("sqrt", "leaky_relu", "hardtanh", "clip")
"""Functions whose result is the number that is nearest to what they are."""
SPECIAL = (0.0, -0.0, math.inf, -math.inf, math.nan)


def _wanted(name: str, x: np.ndarray) -> np.ndarray:
    """The function in higher precision; that of floats in double precision for erf, which NumPy does not have."""
    with np.errstate(all="ignore"):
        one = 1 / (1 + np.exp(-np.abs(x)))
        sigmoid = np.where(x >= 0, one, np.exp(-np.abs(x)) * one)
        match name:
            case "sigmoid":
                return sigmoid
            case "silu":
                return x * sigmoid
            case "softplus":
                return np.where(x < 0, 0, x) + np.log1p(np.exp(-np.abs(x)))
            case "elu":
                return np.where(x > 0, x, np.expm1(x))
            case "erf":
                return np.vectorize(math.erf)(x)
            case "gelu":
                return x / 2 * (1 + np.vectorize(math.erf)(x / np.sqrt(x.dtype.type(2))))
            case "leaky_relu":
                return np.where(x <= 0, x / 4, x)
            case "hardtanh":
                return np.clip(x, -1, 1)
            case "clip":
                return np.clip(x, -2, 3)
        return getattr(np, name)(x)


def _called(name: str) -> str:
    inner = "sum[c](x[n,c,i] * w[c])"
    return {"leaky_relu": f"leaky_relu({inner}, 1/4)", "clip": f"clip({inner}, -2, 3)"}.get(name, f"{name}({inner})")


FAST = (("float32", "native"), ("float64", "x86-64-v3"))
FULL = (("float64", "native"), ("float32", "x86-64-v3"), ("float32", "portable"), ("float64", "portable"))


@pytest.mark.parametrize(("dtype", "target"), [*FAST, *(pytest.param(*one, marks=pytest.mark.full) for one in FULL)])
def test_functions_in_lanes(dtype: str, target: str) -> None:
    if target.startswith("x86") and (lacking := isa(target).lacking(cpu_flags())):
        pytest.skip(f"this CPU has no {', '.join(lacking)}")
    options = Options(dtype=dtype, target=target)
    functions = (*SMOOTH, *EXACT)
    ops = [sc.operator(f"y[n,i] = {_called(name)}") for name in functions]
    units = tuple(pipeline.unit(op, options, f"u{at}", ("forward",)) for at, op in enumerate(ops))
    source = pipeline.generate(units, options)
    assert all(f"sc_v{name}(" in source.text for name in functions)
    module = load(pipeline.build_text(source.text, options))
    tiny = np.finfo(dtype).tiny
    rng, most = np.random.default_rng(0), 700.0 if dtype == "float64" else 85.0
    parts = [rng.uniform(-9, 9, 4000), rng.uniform(-most, most, 2000), rng.normal(size=999) * 1e-3, SPECIAL]
    parts += [rng.uniform(0.5, 2, 999), 10 ** rng.uniform(-37, 37, 999), 10 ** rng.uniform(-6, 0, 99) - 1]
    parts += [tiny * np.array([0.1, 1, 9])]
    x = np.concatenate(parts).astype(dtype).reshape(1, 1, -1)
    for at, name in enumerate(functions):
        (got,) = getattr(module, f"u{at}_forward")(1, (x, np.ones(1, dtype)), None, 1)
        with np.errstate(over="ignore"):
            want = _wanted(name, x[:, 0].astype(dtype if name in EXACT else np.longdouble)).astype(dtype)
        assert (np.isnan(got) == np.isnan(want)).all() and (np.isinf(got) == np.isinf(want)).all(), name
        finite = np.isfinite(want)
        # 1 + erf is small where x is: what it is multiplied by says how much of it counts.
        size = np.maximum(np.abs(x[0, 0, finite[0]] if name == "gelu" else want[finite]), tiny)
        apart = np.abs(got[finite] - want[finite]) / np.spacing(size)
        assert apart.max() <= (0 if name in EXACT else 4), (name, float(apart.max()))
