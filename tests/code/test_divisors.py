"""Divisors made of sizes: where one is 0 Python raises an error, or NumPy gives nan, whatever a formula would cancel."""

import pytest

import symconv as sc


def _proof(body: str) -> sc.Proof:
    text = f"import numpy as np\ndef backward(dout, x):\n    H, W = x.shape\n    {body}\n"
    return sc.prove(sc.operator("y[i,j] = 2*x[i,j]"), code=text, explain=False)["x"]


@pytest.mark.parametrize(
    ("body", "fails"),
    [
        ("k = 1/(H - 1); return 2*dout*k*(H - 1)", "I = 1"),
        ("return 2*dout*(H - W)/(H - W)", "J = I"),
        ("return 2*dout*(H % 2)/(H % 2)", "I mod 2 = 0"),
        ("return 2*dout*(H - 1)**-1*(H - 1)", "I = 1"),
        ("return 2*dout*np.divide(H - 1, H - 1)", "I = 1"),
        ("return 2*dout*((H - 1)*W//(H - 1))/W", "I = 1"),
        ("return 2*dout + 0*dout/(H - 1)", "I = 1"),
        ("a = dout.sum()/(W - H); return 2*dout + a - a", "J = I"),
        ("a = np.zeros_like(x) + (H - 1); return 2*dout*a/a", "I = 1"),
        ("return 2*dout + 0*np.log(H - 1)", "I = 1"),
        ("return 2*dout + 0*np.log(3 - H)", "I ≥ 3"),
    ],
)
def test_a_divisor_that_is_0_at_some_sizes_fails_there(body, fails):
    proof = _proof(body)
    assert proof.holds is False
    assert str(proof.fails_when) == fails


@pytest.mark.parametrize(
    "body",
    [
        "return 2*dout*(H*W)/(H*W)",
        "return 2*dout*(H - 1 + W)/(H - 1 + W)",
        "k = max(H - 1, 1); return 2*dout/k*k",
        "k = 1/(H - 1) if H > 1 else 1; return 2*dout",
        "return 2*dout if H == W else 2*dout*(H - W)/(H - W)",
    ],
)
def test_a_divisor_that_is_never_0_is_cancelled(body):
    assert _proof(body).holds is True


def test_a_function_of_a_sum_of_sizes_is_read():
    assert _proof("return 2*dout + np.log(H + W) + np.log(3 + H)").holds is False


def test_a_zero_that_is_divided_by_elements_is_not_forgotten():
    assert _proof("return 2*dout + 0/x").holds is None


_LAYER = """
import torch
class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.n = x.shape[0] - 1
        return {forward}
    @staticmethod
    def backward(ctx, g):
        return {backward}
"""


@pytest.mark.parametrize(
    ("forward", "backward", "holds"),
    [
        ("2*x", "2*g/ctx.n*ctx.n", False),
        # Where the forward function divides by 0 there is no gradient to be wrong about.
        ("x/ctx.n", "g/ctx.n", True),
        ("x/ctx.n", "g/(ctx.n + 1)", False),
    ],
)
def test_a_layer_is_judged_where_its_forward_function_divides_by_no_0(forward, backward, holds):
    proofs = sc.check(_LAYER.format(forward=forward, backward=backward), explain=False)
    assert proofs["x"].holds is holds
