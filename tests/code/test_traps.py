"""Where NumPy surprises: verdicts are what difference quotients say of the code as it runs."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.errors import SpecError

TRAPS = {
    "another name": ("b = x*1; c = b; c += 1; return b*b", "2*g*(x + 1)", "2*g*x"),
    "a new value": ("b = x*1; c = b; c = c + 1; return b*b", "2*g*x", "2*g*(x + 1)"),
    "a view": ("y = x*1; v = y[1:]; v *= 2; return y*y", "2*g*x*np.where(np.arange(len(x)) > 0, 4, 1)", "2*g*x"),
    "a copy": ("y = x*1; v = y[[0, 1]]; v *= 2; return y", "g*1", "g*2"),
    "ravel is a view": ("y = x*1; v = y.ravel(); v *= 2; return y", "2*g", "g*1"),
    "flatten is a copy": ("y = x*1; v = y.flatten(); v *= 2; return y", "g*1", "2*g"),
    "flatten and slices": ("y = x*1; v = y.flatten(); v[:] = v*v; return y*v", "3*g*x**2", "g*x**2"),
    "the old values": ("y = x*1; y[1:] += y[:-1]; return y", "g + np.append(g[1:], 0)", "np.cumsum(g[::-1])[::-1]"),
    "out": ("y = x*1; np.maximum(y, 0, out=y); return y*y", "2*g*np.maximum(x, 0)", "2*g*x"),
    "where": ("y = x*1; np.add(x, x, out=y, where=x > 0); return y", "g*np.where(x > 0, 2, 1)", "2*g"),
    "initial": ("return np.sum(x, initial=3)**2*x", "g*(x.sum() + 3)**2 + 2*(g*x).sum()*(x.sum() + 3)", "g*x"),
    "steps": ("return x[::-2]*1", "np.where(np.arange(len(x))[::-1] % 2 == 0, 1, 0)*np.repeat(g, 2)[:len(x)][::-1]",
              "np.repeat(g, 2)[:len(x)]"),
    "a minus before": ("return -x**2", "-2*g*x", "2*g*x"),
    "to integers": ("return x.astype(int)*x", "g*x.astype(int)", "2*g*x"),
    "a late name": ("k = 2; f = lambda v: v*k; k = 3; return f(x)", "3*g", "2*g"),
    "an axis too many": ("return np.roll(x, 1)", "np.roll(g, -1)", "np.roll(g, -1, axis=1)"),
    "no such axis": ("return np.repeat(x, 2, axis=0)", "g[::2] + g[1::2]", "(g[::2] + g[1::2]).repeat(1, axis=3)"),
}  # fmt: skip
"""Forward, its gradient, and what it is taken for; of vectors."""


def code(forward: str, backward: str) -> str:
    body = "".join(f"    {line.strip()}\n" for line in forward.split(";"))
    body = body.replace("return ", "return (").rstrip() + "), x\n"
    shape = '    """x: (N,)"""\n'
    return f"import numpy as np\ndef layer_forward(x):\n{shape}{body}def layer_backward(g, x):\n    return {backward}\n"


def is_gradient(text: str, length: int) -> bool:
    """Whether central difference quotients agree at one vector; code that fails has no gradient."""
    names: dict[str, Any] = {}
    exec(text, names)  # noqa: S102
    rng = np.random.default_rng(length)
    x = rng.uniform(0.3, 0.7, length) * rng.choice([-1, 1], length)
    g = rng.normal(size=np.shape(names["layer_forward"](x.copy())[0]))

    def loss(cell: int, step: float) -> float:
        moved = x.copy()
        moved[cell] += step
        return float((names["layer_forward"](moved)[0] * g).sum())

    want = [(loss(cell, 1e-6) - loss(cell, -1e-6)) / 2e-6 for cell in range(length)]
    try:
        got = names["layer_backward"](g.copy(), x.copy())
    except ValueError:
        return False
    return bool(np.shape(got) == x.shape and np.allclose(got, want, rtol=1e-5, atol=1e-7))


@pytest.mark.parametrize("which", ["right", "taken"])
@pytest.mark.parametrize("name", TRAPS)
def test_no_verdict_is_wrong(name: str, which: str) -> None:
    forward, right, taken = TRAPS[name]
    text = code(forward, right if which == "right" else taken)
    truth = all(is_gradient(text, length) for length in (3, 4, 5))
    assert truth is (which == "right")
    try:
        found = sc.check(text, explain=False).holds
    except SpecError:
        return
    assert found in {truth, None}


LENGTHS = """
    import numpy as np
    def layer_forward(x, k):
        N, D = x.shape
        K, = k.shape
        return {forward}, (x, k)
    def layer_backward(g, cache):
        x, k = cache
        return {dx}, {dk}
"""


@pytest.mark.parametrize(
    ("forward", "dx", "dk", "said"),
    [
        ("x[:, :k.shape[0]] + x", "2*g", "np.zeros_like(k)", True),  # one column is added to all if k has one element
        ("x*k", "g*k", "(g*x).sum(axis=0)", False),
        ("x + k.sum()", "g", "g.sum() + 0*k", False),
    ],
)
def test_lengths_that_a_formula_takes_for_equal_are_said(forward: str, dx: str, dk: str, said: bool) -> None:
    found = sc.check(textwrap.dedent(LENGTHS).format(forward=forward, dx=dx, dk=dk), explain=False)
    assert found.holds is True
    assert found["x"].operator.source.endswith(" where x is N x C, w is C") is said


def test_a_length_that_numpy_takes_for_the_rest_is_not_called_wrong() -> None:
    found = sc.check(code("return x*1", "g.reshape(-2)"), "layer_forward")["x"]
    assert found.holds is None and "write -1" in found.reason
