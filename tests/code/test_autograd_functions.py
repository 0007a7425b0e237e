"""``torch.autograd.Function`` as people write it: numbers without a default, chunks, steps in place, odd names."""

from __future__ import annotations

from typing import Any

import pytest

import symconv as sc

FUNCTIONS: dict[str, tuple[str, tuple[str, str], tuple[Any, ...]]] = {
    "pixel_shuffle": (
        """
def forward(ctx, x, r):
    N, C, H, W = x.shape
    ctx.r = r
    y = x.view(N, C // (r * r), r, r, H, W).permute(0, 1, 4, 2, 5, 3)
    return y.reshape(N, C // (r * r), H * r, W * r)
def backward(ctx, g):
    r = ctx.r
    N, C, H, W = g.shape
    g = g.view(N, C, H // r, r, W // r, r).permute(0, 1, {}, 2, 4)
    return g.reshape(N, C * r * r, H // r, W // r), None""", ("3, 5", "5, 3"), ((2, 8, 3, 2), 2)),
    "default": (
        """
def forward(ctx, x, r=2):
    n, c, h, w = x.size()
    return x.view(n, c // r ** 2, r, r, h, w).sum((2, 3))
def backward(ctx, g):
    n, c, h, w = g.size()
    return g[:, :, None, None].expand(n, c, 2, 2, h, w).reshape(n, c * 4, h, w){}, None""",
        ("", " / 4"), ((1, 8, 2, 3),)),
    "glu": (
        """
def forward(ctx, x):
    a, b = x.chunk(2, dim=1)
    s = torch.sigmoid(b)
    ctx.save_for_backward(a, s)
    return a * s
def backward(ctx, g):
    a, s = ctx.saved_tensors
    return torch.cat([g * s, g * a * s * (1 {} s)], dim=1)""", ("-", "+"), ((2, 6, 3),)),
    "mean_of_windows": (
        """
def forward(ctx, x, k):
    ctx.save_for_backward(x)
    ctx.k = k
    return F.avg_pool2d(x, k)
def backward(ctx, g):
    x, = ctx.saved_tensors
    k = ctx.k
    g = g.repeat_interleave(k, dim=2).repeat_interleave(k, dim=3) / {}
    gx = torch.zeros_like(x)
    gx[:, :, :g.shape[2], :g.shape[3]] = g
    return gx, None""", ("(k * k)", "k"), ((2, 3, 5, 4), 2)),
    "shift": (
        """
def forward(ctx, x, steps):
    ctx.steps = steps
    return torch.roll(x, shifts=(-steps, -steps), dims=(1, 2))
def backward(ctx, g):
    s = ctx.steps
    return torch.roll(g, shifts=(s, {}), dims=(1, 2)), None""", ("s", "-s"), ((2, 5, 5, 3), 2)),
    "masked_in_place": (
        """
@staticmethod
def forward(ctx, x, w):
    h = x @ w.t()
    ctx.save_for_backward(x, w, h)
    return h.clamp(min=0)
def backward(ctx, g):
    x, w, h = ctx.saved_tensors
    gh = g.clone()
    gh.masked_fill_(h {} 0, 0)
    return gh @ w, gh.t() @ x""".replace("@staticmethod\n", ""), ("<", ">"), ((2, 3), (4, 3))),
    "swiglu": (
        """
def forward(ctx, x):
    a, b = x.chunk(2, dim=-1)
    ctx.save_for_backward(a, b)
    return F.silu(a) * b
def backward(ctx, g):
    a, b = ctx.saved_tensors
    s = torch.sigmoid(a)
    return torch.cat([g * b * s * (1 + a * (1 - s)), g * {}s], dim=-1)""", ("a * ", ""), ((2, 6),)),
    "clamp_by_methods": (
        """
def forward(ctx, x):
    ctx.save_for_backward(x)
    return torch.clamp(x, -1, 1)
def backward(ctx, g):
    x, = ctx.saved_tensors
    outside = torch.logical_not(torch.logical_and(x.gt(-1), torch.lt(x, 1)))
    gx = g.masked_fill(outside, 0)
    gx[x.ge(1)] = 0
    gx[x.{}(-1)] = 0
    return gx""", ("le", "ge"), ((4, 5),)),
    "shuffled_channels": (
        """
def forward(ctx, x, groups):
    n, c, h, w = x.shape
    ctx.groups = groups
    return x.view(n, groups, c // groups, h, w).transpose(1, 2).contiguous().view(n, c, h, w)
def backward(ctx, grad_output):
    n, c, h, w = grad_output.shape
    g = ctx.groups
    return grad_output.view(n, {}, h, w).transpose(1, 2).reshape(n, c, h, w), None""",
        ("c // g, g", "g, c // g"), ((2, 6, 3, 2), 2)),
    "windows_by_strides": (
        """
def forward(ctx, x, w):
    N, C, L = x.shape
    K = w.shape[2]
    sn, sc, sl = x.stride()
    ctx.save_for_backward(x, w)
    return torch.einsum('nctk,fck->nft', x.as_strided((N, C, L - K + 1, K), (sn, sc, sl, x.stride(2))), w)
def backward(ctx, g):
    x, w = ctx.saved_tensors
    gx, gw = torch.zeros_like(x), torch.zeros_like(w)
    T = g.shape[2]
    for k in range(w.shape[2]):
        gx[:, :, k:k + T] += torch.einsum('nft,fc->nct', g, w[:, :, k])
        gw[:, :, k] = torch.einsum('nft,nct->fc', g, x[:, :, {}])
    return gx, gw""", ("k:k + T", ":T"), ((2, 3, 5), (4, 3, 2))),
    "eps": (
        """
def forward(ctx, x, eps):
    ctx.save_for_backward(x)
    ctx.eps = eps
    return x / (x * x + eps)
def backward(ctx, g):
    x, = ctx.saved_tensors
    d = x * x + ctx.eps
    return g * (ctx.eps {} x * x) / (d * d), None""", ("-", "+"), ((2, 3), 0.5)),
    "tutorial_relu": (
        """
def forward(ctx, input):
    ctx.save_for_backward(input)
    return input.clamp(min=0)
def backward(ctx, grad_output):
    input, = ctx.saved_tensors
    grad_input = grad_output.clone()
    grad_input[input {} 0] = 0
    return grad_input""", ("<", ">"), ((2, 3),)),
    "aten": (
        """
def forward(ctx, x, w):
    ctx.save_for_backward(x, w)
    return F.conv2d(x, w, padding=1)
def backward(ctx, g):
    x, w = ctx.saved_tensors
    gx, gw, _ = torch.ops.aten.convolution_backward(
        g, x, w, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, [True, True, False])
    return gx, gw{}""", ("", " / 2"), ((2, 3, 5, 4), (4, 3, 3, 2))),
}  # fmt: skip


def text_of(name: str, filled: str) -> str:
    lines = FUNCTIONS[name][0].replace("{}", filled).replace("\ndef ", "\n@staticmethod\ndef ").splitlines()
    head = "import torch\nimport torch.nn.functional as F\nclass Layer(torch.autograd.Function):\n"
    return head + "\n".join(f"    {line}" for line in lines if line)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_autograd(name: str) -> None:
    _, filled, given = FUNCTIONS[name]
    for text, right in zip((text_of(name, one) for one in filled), (True, False), strict=True):
        assert sc.check(text, "Layer").holds is right
        torch = pytest.importorskip("torch")
        space: dict[str, Any] = {}
        exec(compile(text, name, "exec"), space)  # noqa: S102
        draw = torch.Generator().manual_seed(1)
        arrays = [
            torch.randn(one, dtype=torch.double, generator=draw).requires_grad_() if isinstance(one, tuple) else one
            for one in given
        ]
        assert torch.autograd.gradcheck(space["Layer"].apply, arrays, raise_exception=False) is right


def test_a_number_is_tried_with_two_values() -> None:
    # Right for factors of 2 alone.
    found = sc.check(text_of("mean_of_windows", "(2 * k)"), "Layer")
    assert found.holds is False


def test_a_gradient_that_is_none_on_every_way_is_left_out() -> None:
    text = """
import torch
class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, target):
        ctx.save_for_backward(input, target)
        return (input * target).sum()
    @staticmethod
    def backward(ctx, grad_output):
        input, target = ctx.saved_tensors
        grad_input = grad_target = None
        if ctx.needs_input_grad[0]:
            grad_input = grad_output * target
        if ctx.needs_input_grad[1]:
            grad_target = None
        return grad_input, grad_target
"""
    assert {name: one.holds for name, one in sc.check(text, "Scaled").items()} == {"input": True}
    wrong = text.replace("grad_target = None\n        return", "grad_target = grad_output * target\n        return")
    assert {name: one.holds for name, one in sc.check(wrong, "Scaled").items()} == {"input": True, "target": False}


@pytest.mark.parametrize("forward", ["torch.round(x)", "torch.round(x * (2 ** k - 1)) / (2 ** k - 1)", "x.floor()"])
def test_steps_are_refused_with_what_a_straight_through_gradient_is(forward: str) -> None:
    text = f"""
import torch
class Quantised(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, k):
        return {forward}
    @staticmethod
    def backward(ctx, g):
        return g, None
"""
    with pytest.raises(sc.SpecError, match=r"line 6: (round|floor) of an array is flat .* \(straight-through\)"):
        sc.check(text, "Quantised")


@pytest.mark.parametrize("name", ["idx", "index", "indices"])
def test_rows_that_are_looked_up(name: str) -> None:
    text = f"""
import torch
class Rows(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight, {name}):
        ctx.save_for_backward({name})
        ctx.num = weight.shape[0]
        return weight[{name}]
    @staticmethod
    def backward(ctx, g):
        {name}, = ctx.saved_tensors
        gw = torch.zeros(ctx.num, g.shape[1], dtype=g.dtype)
        gw.index_add_(0, {name}, g)
        return gw, None
"""
    assert sc.check(text, "Rows").holds is True
    assert sc.check(text.replace("gw.index_add_(0, " + name + ", g)", f"gw[{name}] = g"), "Rows").holds is False


REVERSED = """
import torch
class GradReverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, alpha):
        ctx.alpha = alpha
        return x.view_as(x)
    @staticmethod
    def backward(ctx, g):
        return g.neg() * ctx.alpha, None
"""


def test_what_is_only_stored_is_a_number() -> None:
    proof = sc.check(REVERSED, "GradReverse")["x"]
    assert proof.holds is False
    assert "alpha[]" in str(proof)
    # What is read under its other name is an array.
    text = REVERSED.replace("x, alpha)", "x)").replace("= alpha", "= x").replace("x.view_as(x)", "ctx.alpha * 3")
    text = text.replace("g.neg() * ctx.alpha, None", "g * 3")
    assert sc.check(text, "GradReverse").holds is True
    assert sc.check(text.replace("g * 3", "g * 2"), "GradReverse").holds is False


DROPOUTS = {
    "divided_by_p": """
def dropout_forward(x, p):
    mask = (np.random.rand(*x.shape) < p) / p
    return x * mask, mask
def dropout_backward(dout, mask):
    return dout * mask{}""",
    "divided_by_the_rest": """
class Dropout:
    def __init__(self, p):
        self.p = p
    def forward(self, x):
        self.mask = (np.random.rand(*x.shape) > self.p) / (1 - self.p)
        return x * self.mask
    def backward(self, g):
        return g * self.mask{}""",
}  # fmt: skip


@pytest.mark.parametrize("name", DROPOUTS)
def test_p_of_a_dropout_is_no_padding(name: str) -> None:
    mask = " * self.mask" if "class" in DROPOUTS[name] else " * mask"
    held = {end: sc.check("import numpy as np" + DROPOUTS[name].replace("{}", end)).holds for end in ("", mask, " / 2")}
    # The mask of 0 and 2 is no mask of 0 and 4; with p = 0 it was one of ones.
    assert held == {"": True, mask: False, " / 2": False}


def test_odd_lengths_are_not_left_out_where_parts_are_joined_again() -> None:
    # The first part has an element more: with an odd length this cuts at another place.
    text = """
import torch
class Halves(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        a, b = x.chunk(2, dim=1)
        return torch.cat([b, a * 3], dim=1)
    @staticmethod
    def backward(ctx, g):
        n = (g.shape[1] + 1) // 2
        return torch.cat([g[:, n:] * 3, g[:, :n]], dim=1)
"""
    with pytest.raises(sc.SpecError, match="not read as an operator"):
        sc.check(text, "Halves")


def test_odd_lengths_are_not_left_out_where_one_part_stands_alone() -> None:
    # Of an odd length the first part has an element more, and n elements are no room for it.
    text = """
import torch
class First(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        a, b = x.chunk(2, 1)
        return a * {}
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        dx = torch.zeros_like(x)
        n = x.shape[1] // 2
        dx[:, :n] = 2 * g
        return dx
"""
    with pytest.raises(sc.SpecError, match="not read as an operator"):
        sc.check(text.format("2"), "First")
    said = " ".join(str(sc.check(text.format("b"), "First", explain=False)).split())
    assert "where x is N x 2*C x H x W, chunk cuts into equal parts" in said


def test_a_class_may_be_called_f() -> None:
    text = """
import torch
class F(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x ** 3
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return 3 * x ** 2 * g
"""
    assert sc.check(text, "F").holds is True
    assert sc.check(text.replace("3 * x", "2 * x"), "F").holds is False
    with pytest.raises(sc.SpecError, match="F has several values"):
        sc.check("import torch.nn.functional as F" + text, "F")


def test_a_window_that_is_an_array_is_refused_by_its_name() -> None:
    text = """
import torch
import torch.nn.functional as F
class Pool(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, k):
        ctx.save_for_backward(k)
        return F.avg_pool2d(x, k)
    @staticmethod
    def backward(ctx, g):
        return g, None
"""
    with pytest.raises(sc.SpecError, match="line 8: kernel_size of avg_pool2d is wanted as a number; given an array"):
        sc.check(text, "Pool")
