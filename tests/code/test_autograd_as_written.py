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
