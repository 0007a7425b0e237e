"""What is called above 0 is, at drawn numbers; what may be 0 or below is not called so."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc
from symconv.notation.expr import Apply
from symconv.prove.explain.above_zero import above_zero
from symconv.prove.explain.smooth import kinked

ABOVE = {
    "sum[c](x[n,c]**2) + 1": True,
    "mean[c](x[n,c]*x[n,c]) + 1/1000": True,
    "exp(v[n])": True,
    "exp(v[n]) + abs(v[n])": True,
    "(v[n]**2 + 1)**0.5 + N": True,
    "sigmoid(v[n])*exp(v[n])/2 + 1": True,
    "sum[c](x[n,c]**2)": False,
    "sum[c](x[n,c]) + 1": False,
    "sum[c](x[n,c]*x[n,c]) - 1": False,
    "v[n]*v[n]*v[n] + 1": False,
    "exp(v[n]) - exp(v[n])": False,
    "abs(v[n])": False,
    "v[n] + 1": False,
    "sum[c](x[n,c]**2)*v[n] + 1": False,
    "(v[n] - 1)**2": False,
}


@pytest.mark.parametrize("text", ABOVE)
def test_roots_of_what_is_above_zero_have_no_kink(text: str) -> None:
    op = sc.operator(f"y[n] = sqrt({text})*v[n] + 0*sum[c](x[n,c])")
    found = _roots(op.statements[-1].expr)
    assert above_zero(op, found[0]) is ABOVE[text]
    assert ("sqrt" in kinked(op)) is not ABOVE[text]
    x, v = np.random.default_rng(0).normal(size=(2, 400, 3)) * 2
    least = _least(text, x, v[:, 0])
    assert least > 0 if ABOVE[text] else least < 0.05


def test_what_an_intermediate_computes_counts() -> None:
    op = sc.operator("m[n] = mean[c](x[n,c])\nv[n] = mean[c]((x[n,c] - m[n])**2)\ny[n,c] = x[n,c]/sqrt(v[n] + 1/1000)")
    assert kinked(op) == []
    plain = sc.operator("m[n] = mean[c](x[n,c])\ny[n,c] = x[n,c]/sqrt(m[n] + 1/1000)")
    assert kinked(plain) == ["sqrt"]


def _roots(expr: object) -> list:
    match expr:
        case Apply("sqrt", (inner,)):
            return [inner]
        case Apply(_, arguments):
            return [root for one in arguments for root in _roots(one)]
    return []


def _least(text: str, x: np.ndarray, v: np.ndarray) -> float:
    """The least value at drawn elements, and where single ones are 0 or 1."""
    x = np.concatenate([x, np.zeros((1, 3)), [[1.0, 0.0, 0.0]]])
    v = np.concatenate([v, [0.0, 1.0]])
    words = {"sum": lambda a: a.sum(1), "mean": lambda a: a.mean(1), "exp": np.exp, "abs": np.abs,
             "sigmoid": lambda a: 1 / (1 + np.exp(-a)), "N": len(v), "x": x, "v": v}  # fmt: skip
    plain = text.replace("[n,c]", "").replace("[c]", "").replace("[n]", "")
    return float(np.min(eval(plain, words)))  # noqa: S307
