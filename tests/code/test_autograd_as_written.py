"""``torch.autograd.Function`` as it stands in repositories, right and with one slip; ``gradcheck`` is the oracle."""

from __future__ import annotations

from typing import Any

import pytest

import symconv as sc

HEAD = "import math\nimport torch\nimport torch.nn.functional as F\n"
FUNCTIONS: dict[str, tuple[str, tuple[str, str], tuple[Any, ...]]] = {
    "swish_with_a_slope": (
        """
def forward(ctx, x, beta):
    ctx.save_for_backward(x, beta)
    return x * torch.sigmoid(x * beta)
def backward(ctx, g):
    x, beta = ctx.saved_tensors
    s = torch.sigmoid(beta * x)
    return g * (s + beta * x * s * (1 - s)), (g * x {}* s * (1 - s)).sum(0)""", ("* x ", ""), ((4, 3), (3,))),
    "low_rank": (
        """
def forward(ctx, x, W, A, B, s):
    ctx.save_for_backward(x, W, A, B)
    ctx.s = s
    return x @ W.t() + s * (x @ A.t()) @ B.t()
def backward(ctx, g):
    x, W, A, B = ctx.saved_tensors
    gB = ctx.s * g.t() @ (x @ A.t())
    gA = ctx.s * (g @ B).t() @ x
    return g @ W + {}(g @ B) @ A, g.t() @ x, gA, gB, None""",
        ("ctx.s * ", ""), ((3, 4), (5, 4), (2, 4), (5, 2), 2)),
    "dice": (
        """
def forward(ctx, input, target):
    ctx.save_for_backward(input, target)
    ctx.inter = (input * target).sum()
    ctx.union = input.sum() + target.sum() + 1e-4
    return 1 - 2 * ctx.inter / ctx.union
def backward(ctx, g):
    input, target = ctx.saved_tensors
    return -2 * g * (target * ctx.union - ctx.inter) / (ctx.union * {}), None""",
        ("ctx.union", "1"), (("positive", 2, 3), ("fixed", 2, 3))),
    "dice_of_samples": (
        """
def forward(ctx, x, t):
    n = x.size(0)
    ctx.shape = x.shape
    xf, tf = x.view(n, -1), t.view(n, -1)
    inter, den = (xf * tf).sum(1), (xf * xf).sum(1) + (tf * tf).sum(1) + 1
    ctx.save_for_backward(xf, tf, inter, den)
    return 2 * inter / den
def backward(ctx, g):
    xf, tf, inter, den = ctx.saved_tensors
    gx = g.view(-1, 1) * (2 * tf / den[:, None] - {} * inter[:, None] * xf / den[:, None] ** 2)
    return gx.view(ctx.shape), None""", ("4", "2"), ((2, 3, 2, 2), ("fixed", 2, 3, 2, 2))),
    "area_of_a_hyperbola": (
        """
def forward(ctx, x):
    ctx.save_for_backward(x)
    return (torch.log(1 + x) - torch.log(1 - x)) * 0.5
def backward(ctx, g):
    x, = ctx.saved_tensors
    return g / (1 - x ** {})""", ("2", "3"), (("positive", 2, 3),)),
    "pairs_of_numbers": (
        """
def forward(ctx, x, w, stride=1, padding=0):
    from torch.nn.modules.utils import _pair
    ctx.stride, ctx.padding = _pair(stride), _pair(padding)
    ctx.save_for_backward(x, w)
    return F.conv2d(x, w, None, ctx.stride, ctx.padding)
def backward(ctx, g):
    x, w = ctx.saved_tensors
    gx = torch.nn.grad.conv2d_input(x.shape, w, g, ctx.stride, ctx.padding)
    gw = torch.nn.grad.conv2d_weight(x, w.shape, g, ctx.stride, ctx.padding)
    return gx, gw{}, None, None""", ("", " / 2"), ((1, 2, 5, 4), (3, 2, 3, 2), 2, 1)),
    "relu6_of_constants": (
        """
def forward(ctx, x):
    ctx.save_for_backward(x)
    return torch.min(torch.max(x, torch.zeros_like(x)), torch.full_like(x, 1))
def backward(ctx, g):
    x, = ctx.saved_tensors
    return g * (x > 0).float() * (x < {}).float()""", ("1", "0.5"), ((6, 5),)),
    "elu": (
        """
def forward(ctx, x, alpha=1.0):
    ctx.save_for_backward(x)
    ctx.alpha = alpha
    return torch.max(torch.zeros_like(x), x) + torch.min(torch.zeros_like(x), alpha * (torch.exp(x) - 1))
def backward(ctx, g):
    x, = ctx.saved_tensors
    return torch.where(x > 0, g, g * ctx.alpha{}), None""", (" * torch.exp(x)", ""), ((6, 5),)),
    "celu": (
        """
def forward(ctx, x):
    ctx.save_for_backward(x)
    return torch.clamp(x, min=0) + torch.clamp(2.0 * torch.expm1(x / 2.0), max=0)
def backward(ctx, g):
    x, = ctx.saved_tensors
    return torch.where(x >= 0, g, g * torch.exp({}))""", ("x / 2.0", "x"), ((6, 5),)),
    "prelu": (
        """
def forward(ctx, x, a):
    ctx.save_for_backward(x, a)
    return torch.max(torch.zeros_like(x), x) + a.view(1, -1, 1, 1) * torch.min(torch.zeros_like(x), x)
def backward(ctx, g):
    x, a = ctx.saved_tensors
    negative = (x < 0).to(x.dtype)
    gx = g * (1 - negative) + g * negative * a.view(1, -1, 1, 1)
    return gx, (g * x * negative).sum((0, 2, 3)){}""", ("", " / x.shape[0]"), ((2, 3, 4, 2), (3,))),
    "smoothed_labels": (
        """
def forward(ctx, logits, label):
    n = logits.size(1)
    found = torch.empty_like(logits).fill_(0.1 / n).scatter_(1, label.unsqueeze(1), 0.9)
    ctx.save_for_backward(logits, found)
    return -(torch.log_softmax(logits, dim=1) * found).sum(dim=1)
def backward(ctx, g):
    logits, found = ctx.saved_tensors
    g = g / torch.ones_like(found).nelement() * found.nelement()
    return (torch.softmax(logits, dim=1){} - found) * g.unsqueeze(1), None""",
        (" * found.sum(1, keepdim=True)", ""), ((3, 4), ("labels", 4, 3))),
    "grouped": (
        """
def forward(ctx, x, w, groups):
    ctx.save_for_backward(x, w)
    ctx.groups = groups
    return F.conv2d(x, w, padding=1, groups=groups)
def backward(ctx, g):
    x, w = ctx.saved_tensors
    gx = torch.nn.grad.conv2d_input(x.shape, w, g, padding=1, groups=ctx.groups)
    return gx, torch.nn.grad.conv2d_weight({}, w.shape, g, padding=1, groups=ctx.groups), None""",
        ("x", "x.flip(1)"), ((2, 4, 5, 4), (6, 2, 3, 2), 2)),
    "groups_of_two": (
        """
def forward(ctx, x, w):
    ctx.save_for_backward(x, w)
    return F.conv2d(x, w, stride=2, groups=2)
def backward(ctx, g):
    x, w = ctx.saved_tensors
    gx = torch.nn.grad.conv2d_input(x.shape, {}, g, stride=2, groups=2)
    return gx, torch.nn.grad.conv2d_weight(x, w.shape, g, stride=2, groups=2)""",
        ("w", "w.flip(2)"), ((2, 4, 5, 6), (6, 2, 3, 2))),
}  # fmt: skip
"""A text, what stands in it that is right and what is not, and what it is given."""


def text_of(name: str, filled: str) -> str:
    lines = FUNCTIONS[name][0].replace("{}", filled).replace("\ndef ", "\n@staticmethod\ndef ").splitlines()
    return HEAD + "class Layer(torch.autograd.Function):\n" + "\n".join(f"    {line}" for line in lines if line)


def is_right(text: str, given: tuple[Any, ...]) -> bool:
    """What ``gradcheck`` says on numbers between 0.1 and 0.9, with signs where a shape comes alone."""
    torch = pytest.importorskip("torch")
    space: dict[str, Any] = {}
    exec(compile(text, "layer", "exec"), space)  # noqa: S102
    draw = torch.Generator().manual_seed(1)

    def array(one: Any) -> Any:
        match one:
            case ("positive", *shape):
                return (torch.rand(shape, dtype=torch.double, generator=draw) * 0.8 + 0.1).requires_grad_()
            case ("fixed", *shape):
                return torch.rand(shape, dtype=torch.double, generator=draw) * 0.8 + 0.1
            case ("labels", number, *shape):
                return torch.randint(0, number, shape, generator=draw)
            case tuple():
                return torch.randn(one, dtype=torch.double, generator=draw).requires_grad_()
        return one

    found: bool = torch.autograd.gradcheck(space["Layer"].apply, list(map(array, given)), raise_exception=False)
    return found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_as_they_are_written(name: str) -> None:
    _, filled, given = FUNCTIONS[name]
    for text, right in zip((text_of(name, one) for one in filled), (True, False), strict=True):
        assert sc.check(text, "Layer", explain=False).holds is right
        assert is_right(text, given) is right
