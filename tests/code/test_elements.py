"""Layers of elements in code: each function of the corpus against plain loops, at many sizes and values."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symconv as sc

FILE = Path(__file__).parent / "corpus" / "elements.py"
POOL = sc.max_pool2d(2, 2)
RELU = sc.operator("y[i,j] = relu(x[i,j])")
LEAKY = sc.operator("y[i,j] = where(x[i,j] > 0, x[i,j], x[i,j]/4)")
DROPOUT = sc.operator("y[i,j] = 2*x[i,j]*m[i,j]")
NORM = sc.operator(
    "m[d] = mean[n](x[n,d]); v[d] = mean[n]((x[n,d] - m[d])**2);"
    "y[n,d] = gamma[d]*(x[n,d] - m[d])/sqrt(v[d] + 1) + beta[d]"
)
SOFTMAX = sc.operator("y[n,c] = exp(x[n,c])/sum[k](exp(x[n,k]))")
ENTROPY = sc.operator("y[n] = log(sum[k](exp(x[n,k]))) - sum[c](t[n,c]*x[n,c])")
PARAMETERS = {"cache": ("x", {"pool_height": 2, "pool_width": 2, "stride": 2})}


@dataclass(frozen=True)
class Case:
    """A function, its operator, and whether it is right: None where that is not decided for all sizes."""

    name: str
    op: sc.Operator
    holds: bool | None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    returns: tuple[str, ...] = ("x",)

    def __str__(self) -> str:
        return self.name


CASES = [
    Case("pool_argmax", POOL, True, PARAMETERS),
    Case("pool_argmax_exchanged", POOL, False, PARAMETERS),
    Case("pool_divmod", POOL, True),
    Case("pool_mask", POOL, False, PARAMETERS),
    Case("pool_mask_from_window", POOL, False),
    Case("pool_if", POOL, False),
    Case("pool_if_min", POOL, False),
    Case("pool_reshaped", POOL, False),
    Case("relu_times_mask", RELU, True),
    Case("relu_masked", RELU, True, {"cache": "x"}),
    Case("relu_where", RELU, True),
    Case("relu_loops", RELU, True),
    Case("relu_continue", RELU, True),
    Case("relu_sign_turned", RELU, False),
    Case("relu_of_gradient", RELU, False),
    Case("leaky", LEAKY, True),
    Case("leaky_forgot", LEAKY, False),
    Case("dropout", DROPOUT, True, {"mask": "m"}),
    Case("dropout_unscaled", DROPOUT, False, {"mask": "m"}),
    Case("batchnorm", NORM, True, {}, ("x", "gamma", "beta")),
    Case("batchnorm_staged", NORM, True),
    Case("batchnorm_forgot_mean", NORM, False),
    Case("softmax_rows", SOFTMAX, True),
    Case("softmax_diagonal_alone", SOFTMAX, False),
    Case("cross_entropy", ENTROPY, True),
    Case("cross_entropy_batch_mean", ENTROPY, False),
]


def truth(case: Case, a: Mapping[str, Any]) -> dict[str, Any]:
    """The gradients, element by element; a tie of max goes to the first, the slope of relu at 0 is 0."""
    x, gy = a["x"], a["gy"]
    gx = np.zeros_like(x)
    if case.op is POOL:
        for n, c, i, j in np.ndindex(*gy.shape):
            best = max(product((0, 1), (0, 1)), key=lambda p: (x[n, c, 2 * i + p[0], 2 * j + p[1]], -p[0], -p[1]))
            gx[n, c, 2 * i + best[0], 2 * j + best[1]] += gy[n, c, i, j]
    elif case.op in (RELU, LEAKY):
        for at in np.ndindex(*x.shape):
            gx[at] = gy[at] if x[at] > 0 else gy[at] * (0 if case.op is RELU else 0.25)
    elif case.op is DROPOUT:
        for at in np.ndindex(*x.shape):
            gx[at] = 2 * gy[at] * a["m"][at]
    elif case.op is NORM:
        return normalised(x, gy, a["gamma"])
    else:
        p = np.array([[np.exp(v) / sum(np.exp(u) for u in row) for v in row] for row in x])
        for n, k in np.ndindex(*x.shape):
            if case.op is ENTROPY:
                gx[n, k] = gy[n] * (p[n, k] - a["t"][n, k])
            else:
                gx[n, k] = sum(gy[n, c] * p[n, c] * ((c == k) - p[n, k]) for c in range(x.shape[1]))
    return {"x": gx}


def normalised(x: Any, gy: Any, gamma: Any) -> dict[str, Any]:
    N, D = x.shape
    gx, gg = np.zeros_like(x), np.zeros(D)
    for d in range(D):
        m = sum(x[:, d]) / N
        s = np.sqrt(sum((v - m) ** 2 for v in x[:, d]) / N + 1)
        h = [(v - m) / s for v in x[:, d]]
        gg[d] = sum(gy[n, d] * h[n] for n in range(N))
        for n, k in product(range(N), range(N)):
            gx[n, d] += gamma[d] * gy[k, d] / s * ((n == k) - 1 / N - h[n] * h[k] / N)
    return {"x": gx, "gamma": gg, "beta": gy.sum(axis=0)}


def drawn(case: Case, rng: np.random.Generator) -> dict[str, tuple[int, ...]]:
    if case.op is POOL:
        return {"x": (int(rng.integers(1, 3)), int(rng.integers(1, 3)), *map(int, rng.integers(2, 7, 2)))}
    rows, columns = (int(k) for k in rng.integers(1, 6, 2))
    return {
        "x": (rows, columns),
        **{n: (rows, columns) for n in ("m", "t") if n in case.op.tensors},
        **{n: (columns,) for n in ("gamma", "beta") if n in case.op.tensors},
    }


def executed(case: Case, arrays: Mapping[str, Any]) -> list[Any] | None:
    spec = importlib.util.spec_from_file_location("corpus_elements", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function = getattr(module, case.name)

    def value(given: Any) -> Any:
        if isinstance(given, tuple):
            return tuple(map(value, given))
        return arrays[given].copy() if isinstance(given, str) else given

    code = function.__code__
    names = code.co_varnames[: code.co_argcount - len(function.__defaults__ or ())]
    given = [
        value(case.arguments[n]) if n in case.arguments else arrays["gy" if n == "dout" else n].copy() for n in names
    ]
    try:
        result = function(*given)
    except (ValueError, IndexError):
        return None
    return list(result) if isinstance(result, tuple) else [result]


def judge(case: Case, count: int) -> None:
    proofs = sc.prove(case.op, code=FILE, name=case.name, arguments=case.arguments, returns=case.returns, explain=False)
    assert proofs.holds is case.holds, str(proofs)
    rng = np.random.default_rng(3)
    differ = False
    for _ in range(count):
        shapes = drawn(case, rng)
        arrays = {name: rng.integers(-3, 4, shape).astype(np.float64) for name, shape in shapes.items()}
        arrays["gy"] = rng.integers(1, 99, case.op.output_shape(**shapes)).astype(np.float64)
        want, got = truth(case, arrays), executed(case, arrays)
        for position, (tensor, proof) in enumerate(proofs.items()):
            same = got is not None and got[position].shape == want[tensor].shape
            right = got is not None and same and bool(np.allclose(got[position], want[tensor], rtol=1e-9, atol=1e-12))
            assert proof.holds is False or right, (tensor, shapes)
            differ = differ or not right
    assert differ is (case.holds is False)


@pytest.mark.parametrize("case", [case for case in CASES if case.name in {"pool_argmax", "relu_loops"}], ids=str)
def test_elements_are_decided(case: Case) -> None:
    judge(case, 20)


@pytest.mark.full
@pytest.mark.parametrize("case", CASES, ids=str)
def test_elements_are_decided_as_plain_loops_do(case: Case) -> None:
    judge(case, 60)


def test_a_sum_is_not_read_while_it_grows() -> None:
    code = "def backward(dout, x):\n    k = 0\n    dx = np.zeros_like(x)\n    for i in range(x.shape[0]):\n"
    code += (
        "        for j in range(x.shape[1]):\n            dx[i, j] = dout[i, k]\n            k += 1\n    return dx\n"
    )
    proof = sc.prove(sc.operator("y[i,j] = x[i,j]"), code=code, explain=False)["x"]
    assert proof.holds is not True
