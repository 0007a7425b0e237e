"""The number pi in claims: gradients of gelu and of waves; each verdict is also what difference quotients say."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

import symconv as sc

Scalar = Callable[[float], float]


def _tanh_gelu(x: float) -> float:
    return x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


FORWARD: dict[str, Scalar] = {
    "gelu(x[n,i])": lambda x: x / 2 * (1 + math.erf(x / math.sqrt(2))),
    "0.5*x[n,i]*(1 + tanh(sqrt(2/pi)*(x[n,i] + 0.044715*x[n,i]**3)))": _tanh_gelu,
    "sin(pi*x[n,i])/pi": lambda x: math.sin(math.pi * x) / math.pi,
    "exp(-x[n,i]**2/2)/sqrt(2*pi)": lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi),
}
GELU, TANH, WAVE, BELL = FORWARD
CLAIMS: list[tuple[str, str, bool]] = [
    (GELU, "gx = gy*(0.5*(1 + erf(x/sqrt(2))) + x*exp(-x**2/2)/sqrt(2*pi))", True),
    (GELU, "gx = gy*(0.5*(1 + erf(x/np.sqrt(2))) + x*np.exp(-x**2/2)/np.sqrt(2*np.pi))", True),
    (GELU, "gx[n,i] = gy[n,i]*((1 + erf(x[n,i]/sqrt(2)))/2 + x[n,i]*exp(-x[n,i]**2/2)/sqrt(2*math.pi))", True),
    (GELU, "gx = gy*(0.5*(1 + erf(x/sqrt(2))) + x*exp(-x**2/2)/sqrt(pi))", False),
    (GELU, "gx = gy*(0.5*(1 + erf(x/sqrt(2))) + x*exp(-x**2/2)/(2*pi))", False),
    (TANH, "t = tanh(sqrt(2/pi)*(x + 0.044715*x**3)); "
           "gx = gy*(0.5*(1 + t) + 0.5*x*(1 - t**2)*sqrt(2/pi)*(1 + 0.134145*x**2))", True),
    (TANH, "t = tanh(sqrt(2/torch.pi)*(x + 0.044715*x**3)); "
           "gx = gy*(0.5*(1 + t) + 0.5*x*(1 - t**2)*(1 + 0.134145*x**2))", False),
    (WAVE, "gx = gy*cos(pi*x)", True),
    (WAVE, "gx = gy*cos(pi*x)*pi**2/pi**2", True),
    (WAVE, "gx = pi*gy*cos(pi*x)", False),
    (BELL, "gx = -gy*x*exp(-x**2/2)/sqrt(2*pi)", True),
    (BELL, "gx = -gy*x*y", True),
    (BELL, "gx = -gy*x*y/pi", False),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "claim", "holds"), CLAIMS)
def test_claims_name_pi(formula: str, claim: str, holds: bool) -> None:
    proof = sc.prove(sc.operator(f"y[n,i] = {formula}"), claim, explain=False)
    assert proof.holds is holds, str(proof)
    assert _claimed_rightly(formula, claim) is holds


def _claimed_rightly(formula: str, claim: str) -> bool:
    """What difference quotients say of the claim, which Python itself reads here."""
    forward = FORWARD[formula]
    names = {name: np.vectorize(getattr(math, name)) for name in ("erf", "exp", "sqrt", "tanh", "cos")}
    for x in (-1.3, 0.4, 0.9, 2.1):
        here = {**names, "pi": math.pi, "math": math, "np": np, "torch": math, "x": x, "gy": 1.0, "y": forward(x)}
        for line in claim.replace("[n,i]", "").split("; "):
            exec(line, here)  # noqa: S102
        if not math.isclose(here["gx"], (forward(x + 1e-6) - forward(x - 1e-6)) / 2e-6, rel_tol=1e-6, abs_tol=1e-8):
            return False
    return True


def test_a_decimal_is_not_the_number() -> None:
    """It is told how close they are: nobody would find the difference by running it."""
    op = sc.operator("y[n,i] = gelu(x[n,i])")
    proof = sc.prove(op, "gx = gy*(0.5*(1 + erf(x/sqrt(2))) + x*exp(-x**2/2)*0.3989422804014327)", explain=False)
    assert proof.holds is False
    assert "so close that a decimal seems to stand for a number such as sqrt(2/pi)" in str(proof.counterexample)


def test_a_tensor_may_be_called_pi() -> None:
    op = sc.operator("y[n,i] = x[n,i]*pi[n,i]")
    assert sc.prove(op, "gx = gy*pi").holds
    assert sc.prove(op, "gpi = gy*x").holds


@pytest.mark.parametrize(
    ("formula", "claim", "holds"),
    [
        (GELU, "y = F.gelu(x)", True),
        (GELU, "y = F.gelu(x, approximate='tanh')", False),
        (GELU, "y = jax.nn.gelu(x)", False),
        (GELU, "y = jax.nn.gelu(x, approximate=False)", True),
        (GELU, "y = tf.nn.gelu(x)", True),
        (TANH, "y = jax.nn.gelu(x)", True),
        (TANH, "y = torch.nn.functional.gelu(x, approximate='tanh')", True),
    ],
)
def test_gelu_is_that_of_its_library(formula: str, claim: str, holds: bool) -> None:
    assert sc.prove(sc.operator(f"y[n,i] = {formula}"), claim, explain=False).holds is holds


def test_another_approximation_is_refused() -> None:
    with pytest.raises(sc.SpecError, match='approximate is "none" or "tanh"'):
        sc.prove(sc.operator("y[n,i] = gelu(x[n,i])"), "y = F.gelu(x, approximate='sigmoid')")
