"""Activations and their like as each library writes them; each verdict is also what difference quotients say."""

from __future__ import annotations

import textwrap

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

import symconv as sc

SIG = "torch.sigmoid(x)"
WORDS = {
    "leaky": ("F.leaky_relu(x, 0.2)", "g * torch.where(x > 0, 1.0, 0.2)", True),
    "leaky_named": ("F.leaky_relu(x, negative_slope=3)", "torch.where(x < 0, 3 * g, g)", True),
    "leaky_usual": ("F.leaky_relu(x)", "g * ((x > 0) + 0.01 * (x <= 0))", True),
    "leaky_minus": ("F.leaky_relu(x, 0.2)", "g * torch.where(x > 0, 1.0, -0.2)", False),
    "leaky_other": ("F.leaky_relu(x)", "g * torch.where(x > 0, 1.0, 0.2)", False),
    "relu6": ("F.relu6(x)", "g * ((x > 0) & (x < 6))", True),
    "relu6_open": ("F.relu6(x)", "g * (x > 0)", False),
    "hardtanh": ("F.hardtanh(x, -2, 3)", "g * ((x > -2) & (x < 3))", True),
    "hardtanh_usual": ("F.hardtanh(x)", "g * (torch.abs(x) < 1)", True),
    "hardtanh_wide": ("F.hardtanh(x)", "g * (torch.abs(x) < 2)", False),
    "hardsigmoid": ("F.hardsigmoid(x)", "g * ((x > -3) & (x < 3)) / 6", True),
    "hardsigmoid_fifth": ("F.hardsigmoid(x)", "g * ((x > -3) & (x < 3)) / 5", False),
    "hardswish": ("F.hardswish(x)", "g * (((x > -3) & (x < 3)) * (2 * x + 3) / 6 + (x >= 3))", True),
    "hardswish_of_relu6": ("x * F.relu6(x + 3) / 6", "g * (((x > -3) & (x < 3)) * (2*x + 3) / 6 + (x >= 3))", True),
    "hardswish_from_0": ("F.hardswish(x)", "g * (((x > -3) & (x < 3)) * (2 * x + 3) / 6 + (x >= 0))", False),
    "elu": ("F.elu(x, 2)", "torch.where(x > 0, g, 2 * g * torch.exp(x))", True),
    "elu_usual": ("F.elu(x)", "g * torch.where(x > 0, 1, torch.exp(x))", True),
    "elu_1_at_0": ("F.elu(x, 2)", "torch.where(x >= 0, g, 2 * g * torch.exp(x))", True),
    "elu_without_alpha": ("F.elu(x, alpha=2)", "torch.where(x > 0, g, g * torch.exp(x))", False),
    "softplus": ("F.softplus(x)", f"g * {SIG}", True),
    "softplus_beta": ("F.softplus(x, 2)", "g * torch.sigmoid(2 * x)", True),
    "softplus_no_beta": ("F.softplus(x, beta=2)", f"g * {SIG}", False),
    "logsigmoid": ("F.logsigmoid(x)", f"g * (1 - {SIG})", True),
    "logsigmoid_turned": ("F.logsigmoid(x)", f"g * {SIG}", False),
    "mish": ("F.mish(x)", f"g * (torch.tanh(F.softplus(x)) + x*{SIG} * (1 - F.softplus(x).tanh().pow(2)))", True),
    "mish_plus": ("F.mish(x)", f"g * (torch.tanh(F.softplus(x)) + x*{SIG} * (1 + F.softplus(x).tanh().pow(2)))", False),
    "log1p": ("torch.log1p(x * x)", "2 * g * x / (1 + x.square())", True),
    "log1p_log": ("torch.log1p(x * x)", "2 * g * x / x.square()", False),
    "expm1": ("torch.expm1(x)", "g * (torch.expm1(x) + 1)", True),
    "expm1_kept": ("torch.expm1(x)", "g * torch.expm1(x)", False),
    "rsqrt": ("torch.rsqrt(x * x + 1)", "-g * x * torch.rsqrt(x * x + 1) ** 3", True),
    "rsqrt_once": ("torch.rsqrt(x * x + 1)", "-g * x * torch.rsqrt(x * x + 1)", False),
    "pow": ("torch.pow(x, 3)", "3 * g * x.pow(2)", True),
    "pow_kept": ("x.pow(3)", "3 * g * x.pow(3)", False),
    "reciprocal": ("torch.reciprocal(x)", "-g / x.square()", True),
    "reciprocal_sign": ("torch.reciprocal(x)", "g * x.reciprocal() ** 2", False),
}  # fmt: skip


def written(forward: str, backward: str) -> str:
    return textwrap.dedent(f"""
        import torch
        import torch.nn.functional as F
        def layer_forward(x):
            return {forward}, x
        def layer_backward(g, x):
            return {backward}
        """)


@pytest.mark.parametrize("name", WORDS)
def test_each_word_is_its_definition(name: str) -> None:
    forward, backward, right = WORDS[name]
    x = torch.arange(-8.0, 8.0, 0.25, dtype=torch.float64) + 1 / 16
    space = {"torch": torch, "F": F, "g": torch.ones_like(x)}

    def run(text: str, at: torch.Tensor) -> torch.Tensor:
        found = eval(text, space, {"x": at})  # noqa: S307
        assert isinstance(found, torch.Tensor)
        return found

    slope = (run(forward, x + 1e-6) - run(forward, x - 1e-6)) / 2e-6
    assert torch.allclose(run(backward, x), slope, rtol=1e-5, atol=1e-6) == right
    found = sc.check(written(forward, backward))
    assert found.holds is right, str(found)


LIBRARIES = {
    "tf.nn.leaky_relu(x)": ("g * np.where(x > 0, 1, 0.2)", "g * np.where(x > 0, 1, 0.01)"),
    "tf.nn.leaky_relu(features=x, alpha=0.5)": ("g * np.where(x > 0, 1, 0.5)", "g * np.where(x > 0, 0.5, 1)"),
    "jax.nn.leaky_relu(x)": ("g * np.where(x >= 0, 1, 0.01)", "g * np.where(x >= 0, 1, 0.2)"),
    "jax.nn.leaky_relu(x, negative_slope=2)": ("np.where(x >= 0, g, 2 * g)", "np.where(x >= 0, g, g / 2)"),
    "tf.nn.relu6(features=x)": ("g * (x > 0) * (x < 6)", "g * (x > 0) * (x < 3)"),
    "jax.nn.hard_tanh(x)": ("g * ((x >= -1) & (x <= 1))", "g * np.exp(x)"),
    "jax.nn.hard_sigmoid(x)": ("g * ((x > -3) & (x < 3)) / 6", "g * ((x > -3) & (x < 3)) / 5"),
    "jax.nn.elu(x, 2)": ("g * np.where(x > 0, 1, 2 * np.exp(x))", "g * np.where(x > 0, 1, np.exp(x))"),
    "tf.nn.elu(x)": ("g * np.where(x > 0, 1, np.exp(x))", "g * np.exp(x)"),
    "jax.nn.softplus(x)": ("g / (1 + np.exp(-x))", "g / (1 + np.exp(x))"),
    "tf.math.softplus(features=x)": ("g / (1 + np.exp(-x))", "g / (1 + np.exp(x))"),
    "tf.pow(x, 3)": ("3 * g * np.square(x)", "3 * g * x"),
    "np.power(x, 2)": ("2 * g * x", "g * x"),
    "jnp.power(x1=x, x2=2)": ("2 * g * x", "g * x"),
    "np.log1p(x ** 2)": ("2 * g * x / (1 + x ** 2)", "g * x / (1 + x ** 2)"),
    "np.expm1(x)": ("g * np.exp(x)", "g * np.exp(-x)"),
    "tf.math.rsqrt(x ** 2 + 1)": ("-g * x / np.sqrt(x ** 2 + 1) ** 3", "g * x / np.sqrt(x ** 2 + 1) ** 3"),
}  # fmt: skip


@pytest.mark.parametrize("forward", LIBRARIES)
def test_words_of_each_library(forward: str) -> None:
    head = "import jax\nimport jax.numpy as jnp\nimport numpy as np\nimport tensorflow as tf\n"
    for backward, right in zip(LIBRARIES[forward], (True, False), strict=True):
        text = f"{head}def layer_forward(x):\n    return {forward}, x\n"
        found = sc.check(f"{text}def layer_backward(g, x):\n    return {backward}\n")
        assert found.holds is right, str(found)


MATRICES = """
import torch
def linear_forward(x, w, b):
    return torch.addmm(b, x, w.t(){options}), (x, w)
def linear_backward(g, cache):
    x, w = cache
    return {gx}, {gw}, {gb}
"""


@pytest.mark.parametrize(
    ("options", "gx", "gw", "gb", "right"),
    [
        ("", "g @ w", "g.t().mm(x)", "g.sum(0)", (True, True, True)),
        (", beta=3, alpha=2", "2 * g.mm(w)", "2 * g.t() @ x", "3 * g.sum(0)", (True, True, True)),
        (", beta=3, alpha=2", "3 * g.mm(w)", "g.t() @ x", "2 * g.sum(0)", (False, False, False)),
    ],
)
def test_products_that_are_added(options: str, gx: str, gw: str, gb: str, right: tuple[bool, ...]) -> None:
    text = MATRICES.format(options=options, gx=gx, gw=gw, gb=gb)
    x, w, b = (torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in ((3, 2), (4, 2), (4,)))
    space: dict[str, object] = {}
    exec(text, space)  # noqa: S102
    run, back = space["linear_forward"], space["linear_backward"]
    assert callable(run)
    assert callable(back)
    y, cache = run(x, w, b)
    g = torch.randn_like(y)
    want = torch.autograd.grad(y, (x, w, b), g)
    assert tuple(torch.allclose(a, e) for a, e in zip(back(g, cache), want, strict=True)) == right
    found = sc.check(text)
    assert tuple(found[name].holds for name in ("x", "w", "b")) == right


def test_products_of_batches_that_are_added() -> None:
    text = """
import torch
def batch_forward(inp, a, b):
    return torch.baddbmm(inp, a, b, beta=2, alpha=3), (a, b)
def batch_backward(g, cache):
    a, b = cache
    return 2 * g, 3 * torch.bmm(g, b.transpose(1, 2)), {times} * torch.bmm(a.transpose(1, 2), g)
"""
    assert sc.check(text.format(times=3)).holds
    found = sc.check(text.format(times=2))
    assert [found[name].holds for name in ("inp", "a", "b")] == [True, True, False]
