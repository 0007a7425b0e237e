"""Forward functions as operators: a branch on sizes is proved to be none, refused in words, or fixes the sizes."""

from __future__ import annotations

import pytest

import symconv as sc

SPLIT = [
    ("x", "    if x.shape[1] == 1:\n        return 2 * x\n    return 3 * x", "if x.shape[1] == 1:"),
    ("x, w", "    if x.shape[0] == x.shape[1]:\n        return x * w\n    return x + w", "if x.shape[0] == x.shape[1]:"),
    ("x", "    k = 2 if x.shape[1] < 2 else 3\n    return k * x", "k = 2 if x.shape[1] < 2 else 3"),
    ("x, w", "    if w.shape[2] == 1:\n        return F.conv2d(x, w)\n    return F.conv2d(x, w, padding=1)", "shape[2]"),
    ("x, gamma", "    if len(x.shape) == 2 and x.shape[0] == 1:\n        return gamma * x\n    return gamma * (x - x.mean(0))",
     "and x.shape[0] == 1"),
    ("x", "    return 2 * x.squeeze()", "x.squeeze()"),
]  # fmt: skip


@pytest.mark.parametrize(("parameters", "body", "line"), SPLIT)
def test_a_branch_on_sizes_is_not_chosen_silently(parameters: str, body: str, line: str) -> None:
    code = f"def s_forward({parameters}):\n{body}\n\ndef s_backward(gy, {parameters}):\n    return 2 * gy\n"
    with pytest.raises(sc.SpecError) as refused:
        sc.check(code)
    words = str(refused.value)
    assert line in words and "Give the operator as a formula" in words and "assert" in words


@pytest.mark.parametrize(
    ("body", "back"),
    [
        ("    if x.shape[0] > 5:\n        return w.T @ x.T\n    return (x @ w).T", "gy.T @ w.T, x.T @ gy.T"),
        ("    if x.shape[1] != w.shape[0]:\n        raise ValueError\n    return x @ w", "gy @ w.T, x.T @ gy"),
        ("    if x.ndim == 3:\n        return x\n    return x @ w", "gy @ w.T, x.T @ gy"),
    ],
)
def test_branches_that_are_one_operator_are_read(body: str, back: str) -> None:
    code = f"def s_forward(x, w):\n{body}\n\ndef s_backward(gy, x, w):\n    return {back}\n"
    assert sc.check(code).holds is True
    assert sc.check(code.replace("x.T @ gy", "2 * x.T @ gy")).holds is False


def test_sizes_that_an_assert_fixes_are_written() -> None:
    code = (
        "def s_forward(x, w):\n    assert x.shape[0] == 1\n    return x @ w\n\ndef s_backward(gy, x, w):\n"
        "    return gy @ w.T / x.shape[0], x.T @ gy\n"
    )
    proofs = sc.check(code, explain=False)
    assert proofs.holds is True and str(proofs["x"].operator).endswith("(x[n,c] * w[c,f]) where x is 1 x C")
    assert sc.check(code.replace("    assert x.shape[0] == 1\n", ""), explain=False).holds is False


def test_slices_that_fit_square_arrays_alone_are_not_the_identity() -> None:
    code = "def s_forward(x):\n    return 2 * x[:, :x.shape[0]][:x.shape[1]]\n\ndef s_backward(gy, x):\n    return 2 * gy\n"
    with pytest.raises(sc.SpecError, match="is not read as an operator"):
        sc.check(code, explain=False)


def test_numbers_of_a_dict_of_parameters_have_their_default() -> None:
    code = (
        "def s_forward(x, w, param):\n    return param.get('scale', 3) * x @ w\n\ndef s_backward(gy, x, w):\n"
        "    return 3 * gy @ w.T, 3 * x.T @ gy\n"
    )
    assert sc.check(code, explain=False).holds is True
    assert sc.check(code.replace("3) *", "2) *"), explain=False).holds is False


def test_results_behind_a_star_are_counted() -> None:
    code = (
        "def s_forward(x, w):\n    return x @ w\n\ndef s_backward(gy, x, w):\n    gx, gw = gy @ w.T, x.T @ gy\n"
        "    pair = [gx, 5 * gw]\n    return *pair, gw\n"
    )
    proofs = sc.check(code, explain=False)
    assert (proofs["x"].holds, proofs["w"].holds) == (True, False)
    assert sc.check(code.replace("5 * ", ""), explain=False).holds is True


@pytest.mark.parametrize("line", ["c.reverse()", "d = c; d.reverse()", "_ = c.reverse()"])
def test_a_list_that_is_turned_round_is_read_so(line: str) -> None:
    op = sc.operator("y[n,i] = x[n,i]")
    code = f"def backward(gy, x):\n    c = [2, 1]\n    {line}\n    return gy * c[0]\n"
    assert sc.prove(op, code=code, explain=False).holds is True
    assert sc.prove(op, code=code.replace("c[0]", "c[1]"), explain=False).holds is False


DECORATED = """
from functools import partial
import jax

def twice(f):
    return lambda *a: 2 * f(*a)

{0}
def s_forward(x, w):
    return x @ w

{1}
def s_backward(gy, x, w):
    return gy @ w.T, x.T @ gy
"""


@pytest.mark.parametrize(
    ("forward", "backward", "holds"),
    [("@twice", "", "refused"), ("", "@twice", None), ("", "@partial(twice)", None),
     ("@jax.custom_vjp", "@partial(jax.jit, static_argnums=0)", True)],
)  # fmt: skip
def test_decorators_that_may_change_what_is_computed(forward: str, backward: str, holds: object) -> None:
    code = DECORATED.format(forward, backward)
    if holds == "refused":
        with pytest.raises(sc.SpecError, match="s_forward is decorated by twice"):
            sc.check(code, explain=False)
    else:
        assert sc.check(code, explain=False).holds is holds


KEYWORDS = """
import numpy as np

def fc_forward(x, w, scale=3, *, shift=2):
    return scale * (x @ w.T) + 0 * shift, (x, w, scale, shift)

def fc_backward(dy, cache):
    x, w, scale, shift = cache
    return {factor} * (dy @ w), scale * (dy.T @ x)
"""


def test_defaults_of_parameters_behind_a_star_are_their_own() -> None:
    assert sc.check(KEYWORDS.format(factor="scale"), "fc").holds is True
    assert sc.check(KEYWORDS.format(factor="3"), "fc").holds is True
    assert sc.check(KEYWORDS.format(factor="2"), "fc").holds is False
    assert sc.check(KEYWORDS.format(factor="(shift + 1)"), "fc").holds is True


HALVES = """
def f_forward(x, w):
    K, = w.shape
    L, = x.shape
    if {condition}:
        return unknown(x), (x, w)
    return x[:L - K + 1] * 3, (x, w)
def f_backward(dout, cache):
    x, w = cache
    dx = np.zeros_like(x)
    dx[:len(x) - len(w) + 1] = 3 * dout
    return dx, np.zeros_like(w)
"""


def test_a_half_for_sizes_without_an_output_may_be_unread() -> None:
    assert sc.check(HALVES.format(condition="L - K < 0"), "f", explain=False).holds is True


@pytest.mark.parametrize("condition", ["L - K > 4", "L > 1", "L != K", "L == K"])
def test_a_half_for_sizes_with_an_output_may_not_be_unread(condition: str) -> None:
    with pytest.raises(sc.SymconvError, match="line 5 asks for sizes, and one half is not read"):
        sc.check(HALVES.format(condition=condition), "f", explain=False)
