"""What ``ctx`` is told in autograd functions, in the older and in the newer style: decided as torch's gradcheck says."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.errors import SpecError

SECOND = """
    @staticmethod
    def forward(ctx, x):
        y = x*x
        z = 3*x
        {mark}
        ctx.save_for_backward(x)
        return y, z

    @staticmethod
    def backward(ctx, gy, gz):
        x, = ctx.saved_tensors
        return {result}
"""
FIRST = SECOND.replace("return y, z", "return z, y").replace("ctx, gy, gz", "ctx, *grads")
THREE = """
    @staticmethod
    def forward(ctx, x):
        y, z, s = x*x, 3*x, x + 1
        ctx.mark_non_differentiable(z)
        ctx.save_for_backward(x)
        return y, z, s

    @staticmethod
    def backward(ctx, one, two, three):
        x, = ctx.saved_tensors
        return {result}
"""
NEWER = """
    @staticmethod
    def forward(x, w):
        inputs = x*2
        x = inputs*w
        return x

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs, output)

    @staticmethod
    def backward(ctx, g):
        x, w, y = ctx.saved_tensors
        return {result}
"""
NEWER_MARKED = """
    @staticmethod
    def forward(x):
        y = torch.exp(x)
        return y, y*y

    @staticmethod
    def setup_context(context, given, made):
        x, = given
        first, second = made
        context.mark_non_differentiable(second)
        context.save_for_backward(first)

    @staticmethod
    def backward(ctx, g, h):
        y, = ctx.saved_tensors
        return {result}
"""
NEEDED = """
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x*w, x + w

    @staticmethod
    @once_differentiable
    def backward(ctx, g, h):
        x, w = ctx.saved_tensors
        gx = gw = None
        if ctx.needs_input_grad[0]:
            gx = g*w + h
        if ctx.needs_input_grad[1]:
            gw = {result}
        return gx, gw
"""
NONE = """
    @staticmethod
    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x)
        return x*x, 3*x

    @staticmethod
    def backward(ctx, g, h):
        x, = ctx.saved_tensors
        gx = torch.zeros_like(x)
        if g is not None:
            gx = gx + 2*g*x
        if h is not None:
            gx = gx + {result}
        return gx
"""
MARK = "ctx.mark_non_differentiable(z)"
CASES = {
    "marked": (SECOND, MARK, "2*gy*x"),
    "marked twice the same": (SECOND, MARK, "2*gy*x + gz"),
    "marked, wrong": (SECOND, MARK, "gy*x"),
    "not marked": (SECOND, "pass", "2*gy*x"),
    "not marked, right": (SECOND, "pass", "2*gy*x + 3*gz"),
    "first is marked": (FIRST, MARK, "2*grads[1]*x"),
    "the other cotangent": (FIRST, MARK, "2*grads[0]*x"),
    "two are left": (THREE, "", "2*one*x + three"),
    "of the marked one too": (THREE, "", "2*one*x + 3*two + three"),
    "two are left, wrong": (THREE, "", "2*one*x + two"),
    "newer": (NEWER, "", "2*g*w, 2*g*x"),
    "newer, wrong": (NEWER, "", "g*w, 2*g*x"),
    "newer, the output is kept, wrong": (NEWER, "", "2*g*w, g*y"),
    "newer, marked": (NEWER_MARKED, "", "g*y + h"),
    "newer, marked, wrong": (NEWER_MARKED, "", "g*y*y"),
    "none for zeros": (NONE, "", "3*h"),
    "none for zeros, wrong": (NONE, "", "2*h"),
    "needed": (NEEDED, "", "g*x + h"),
    "needed, wrong": (NEEDED, "", "g*x - h"),
}


def text(body: str, mark: str, result: str) -> str:
    head = "import torch\nfrom torch.autograd.function import once_differentiable\nclass Made(torch.autograd.Function):"
    return head + body.replace("{mark}", mark).replace("{result}", result)


@pytest.mark.parametrize("name", CASES)
def test_contexts_are_read_as_torch_means_them(name: str) -> None:
    torch = pytest.importorskip("torch")
    code = text(*CASES[name])
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102
    proofs = sc.check(code, "Made")
    rng = np.random.default_rng(0)
    given = [torch.tensor(rng.uniform(0.5, 2, 3), requires_grad=True) for _ in proofs]
    right = torch.autograd.gradcheck(names["Made"].apply, given, raise_exception=False, check_undefined_grad=False)
    assert proofs.holds is right, str(proofs)
    if "wrong" in name:
        assert right is False


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ("ctx.mark_non_differentiable(y, z)", "marks all that it returns"),
        ("if x.shape[0] > 1: ctx.mark_non_differentiable(z)", "outside of branches"),
        ("ctx.mark_non_differentiable(x)", "with names that are returned"),
    ],
)
def test_what_is_marked_is_sure_or_refused(mark: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        sc.check(text(SECOND, mark, "2*gy*x"), "Made")


def test_a_function_whose_only_output_is_marked_has_no_gradient() -> None:
    code = """
    class Made(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = 2*x
            ctx.mark_non_differentiable(y)
            return y

        @staticmethod
        def backward(ctx, g):
            return 2*g
    """
    with pytest.raises(SpecError, match="there is no gradient"):
        sc.check(textwrap.dedent(code), "Made")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("return x\n", "if x.shape[0] > 1:\n            return x\n        return 2*x\n", "returns once"),
        ("(*inputs, output)", "(*inputs, output)\n        output = 2*output", "another value"),
        ("ctx, inputs, output", "ctx, inputs", "takes ctx, inputs and output"),
    ],
)
def test_a_setup_that_is_not_read_is_refused(old: str, new: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        sc.check(text(NEWER, "", "2*g*w, 2*g*x").replace(old, new), "Made")
