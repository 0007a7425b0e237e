"""``torch.library`` operators with a rule for their gradients, as its documentation writes them."""

from __future__ import annotations

import pytest

import symconv as sc

BY_NAME = """
import torch
from torch import Tensor
@torch.library.custom_op("mylib::muladd", mutates_args=())
def muladd(a: Tensor, b: Tensor, c: float) -> Tensor:
    return a * b + c
def _backward(ctx, grad):
    a, b = ctx.saved_tensors
    grad_a, grad_b = None, None
    if ctx.needs_input_grad[0]:
        grad_a = grad * b
    if ctx.needs_input_grad[1]:
        grad_b = grad * a
    return grad_a, grad_b, None
def _setup_context(ctx, inputs, output):
    a, b, c = inputs
    saved_a, saved_b = None, None
    if ctx.needs_input_grad[0]:
        saved_b = b
    if ctx.needs_input_grad[1]:
        saved_a = a
    ctx.save_for_backward(saved_a, saved_b)
torch.library.register_autograd("mylib::muladd", _backward, setup_context=_setup_context)
"""
BY_FUNCTION = """
import torch
@torch.library.custom_op("lib::cube", mutates_args=())
def cube(x: torch.Tensor) -> torch.Tensor:
    return x * x * x
@cube.register_fake
def _(x):
    return torch.empty_like(x)
def setup_context(ctx, inputs, output):
    x, = inputs
    ctx.save_for_backward(x)
def backward(ctx, grad):
    x, = ctx.saved_tensors
    return 3 * x * x * grad
cube.register_autograd(backward, setup_context=setup_context)
"""


@pytest.mark.parametrize(
    ("text", "right", "wrong", "name", "line"),
    [(BY_NAME, "grad_b = grad * a", "grad_b = grad * b", "b", 13), (BY_FUNCTION, "3 * x", "2 * x", "x", 14)],
)
def test_the_rule_is_judged(text: str, right: str, wrong: str, name: str, line: int) -> None:
    assert sc.check(text).holds is True
    assert text.count(right) == 1
    proofs = sc.check(text.replace(right, wrong))
    assert {key for key, proof in proofs.items() if proof.holds is False} == {name}
    assert proofs[name].line == line and right in proofs[name].repair


def test_a_rule_of_what_is_not_there_is_no_operator() -> None:
    with pytest.raises(sc.SpecError, match="none match"):
        sc.check(BY_NAME.replace('register_autograd("mylib::muladd"', 'register_autograd("mylib::other"'))
