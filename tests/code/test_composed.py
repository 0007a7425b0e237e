"""Words that stand for a formula of others: each backward is also run, against what the library differentiates."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import numpy as np
import pytest
import torch

import symconv as sc

STANDARD = """
    r = 1 / torch.sqrt(x.var({axes}, unbiased=False, keepdim=True) + 1e-5)
    h = (x - x.mean({axes}, keepdim=True)) * r
    d = g{by}
    gx = r * (d - d.mean({axes}, keepdim=True) - h * (d * h).{how}({axes}, keepdim=True))
"""
LAYER = STANDARD.format(axes="-1", by=" * w", how="mean")
BATCH = STANDARD.format(axes="(0, 2)", by=" * w[:, None]", how="mean")
SHARE = "(torch.sigmoid(x) - t)"
WORDS: dict[str, tuple[dict[str, tuple[int, ...]], str, str, str, tuple[bool, ...]]] = {
    # name: shapes, the line of shapes and the forward, lines and gradients of the backward, which are right
    "linear": ({"x": (3, 2), "w": (4, 2), "b": (4,)}, "F.linear(x, w, b)", "", "g @ w, g.t() @ x, g.sum(0)", (True,) * 3),
    "linear_wrong": ({"x": (3, 2), "w": (4, 2), "b": (4,)}, "F.linear(x, w, b)", "", "g @ w, g.t() @ x, g.mean(0)",
                     (True, True, False)),
    "linear_of_steps": ({"x": (2, 3, 2), "w": (4, 2)}, "F.linear(x, w)", "N, T, C = x.shape",
                        "g @ w, torch.einsum('nto,nti->oi', g, x)", (True, True)),
    "mv": ({"x": (3, 2), "v": (2,)}, "torch.mv(x, v)", "", "torch.outer(g, v), x.t().mv(g)", (True, True)),
    "mv_turned": ({"x": (3, 3), "v": (3,)}, "torch.mv(x, v)", "", "torch.outer(v, g), x.mv(g)", (False, False)),
    "layer_norm": ({"x": (3, 4), "w": (4,), "b": (4,)}, "F.layer_norm(x, x.shape[1:], w, b)", "N, C = x.shape" + LAYER,
                   "gx, (g * h).sum(0), g.sum(0)", (True,) * 3),
    "layer_norm_summed": ({"x": (3, 4), "w": (4,)}, "F.layer_norm(x, (x.shape[1],), weight=w)", "N, C = x.shape" +
                          STANDARD.format(axes="-1", by=" * w", how="sum"), "gx, (g * h).sum(1)", (False, False)),
    "batch_norm": ({"x": (3, 2, 4), "w": (2,), "b": (2,)}, "F.batch_norm(x, None, None, w, b, training=True)",
                   "N, C, T = x.shape" + BATCH, "gx, (g * h).sum((0, 2)), g.sum((0, 2))", (True,) * 3),
    "masked_fill": ({"x": (3, 4)}, "x.masked_fill(x > 1, 0.5)", "", "g * (x <= 1)", (True,)),
    "masked_fill_other": ({"x": (3, 4)}, "torch.masked_fill(x, x > 1, 0.5)", "", "g * (x > 1)", (False,)),
    "mse": ({"x": (3, 4), "t": (3, 4)}, "F.mse_loss(x, t)", "d = 2 * g * (x - t) / x.numel()", "d, -d", (True, True)),
    "mse_of_rows": ({"x": (3, 4), "t": (3, 4)}, "F.mse_loss(x, t)", "N, C = x.shape\n    d = 2 * g * (x - t) / N", "d, -d",
                    (False, False)),
    "mse_summed": ({"x": (3, 4), "t": (3, 4)}, "F.mse_loss(x, t, reduction='sum')", "d = 2 * g * (x - t)", "d, d",
                   (True, False)),
    "bce": ({"x": (3, 4), "t": (3, 4)}, "F.binary_cross_entropy_with_logits(x, t)", "",
            f"g * {SHARE} / x.numel(), -g * x / x.numel()", (True, True)),
    "bce_summed": ({"x": (3, 4), "t": (3, 4)}, "F.binary_cross_entropy_with_logits(x, t, reduction='sum')", "",
                   f"-g * {SHARE}, -g * x", (False, True)),
    "huber": ({"x": (3, 4), "t": (3, 4)}, "F.huber_loss(x, t, reduction='none', delta=2)", "e = x - t\n"
              "    d = g * torch.where(e.abs() < 2, e, 2 * e.sign())", "d, -d", (True, True)),
    "huber_of_1": ({"x": (3, 4), "t": (3, 4)}, "F.huber_loss(x, t, reduction='none', delta=2)", "e = x - t\n"
                   "    d = g * torch.where(e.abs() < 1, e, e.sign())", "d, -d", (False, False)),
    "bilinear": ({"x": (3, 2), "t": (3, 4), "w": (2, 2, 4)}, "F.bilinear(x, t, w)", "N, C = x.shape",
                 "torch.einsum('no,oij,nj->ni', g, w, t), torch.einsum('no,oij,ni->nj', g, w, x), "
                 "2 * torch.einsum('no,nj,ni->oij', g, t, x)", (True, True, False)),
    "instance_norm": ({"x": (3, 2, 4)}, "F.instance_norm(x)", "N, C, T = x.shape" +
                      STANDARD.format(axes="2", by="", how="mean"), "gx", (True,)),
    "rms_norm": ({"x": (3, 4), "w": (4,)}, "F.rms_norm(x, x.shape[1:], w, eps=1e-5)", "N, C = x.shape\n"
                 "    r = torch.rsqrt((x * x).mean(1, keepdim=True) + 1e-5)\n    d = g * w",
                 "r * d - x * r ** 3 * (d * x).mean(1, keepdim=True), (g * x).sum(0)", (True, False)),
    "l1": ({"x": (3, 4), "t": (3, 4)}, "F.l1_loss(x, t, reduction='sum')", "N, C = x.shape",
           "g * torch.sign(x - t), g * torch.sign(x - t)", (True, False)),
    "bce_of_shares": ({"x": (3,), "t": (3,)}, "F.binary_cross_entropy(torch.sigmoid(x), torch.sigmoid(t), reduction='none')",
                      "", "g * (torch.sigmoid(x) - torch.sigmoid(t)), g", (True, False)),
    "exp2_kept": ({"x": (3,)}, "torch.exp2(x)", "", "g * torch.exp2(x)", (False,)),
    "addcdiv": ({"x": (3,), "a": (3,), "d": (3,)}, "torch.addcdiv(x, a, d, value=2)", "", "g, 2 * g / d, 2 * g * a / d ** 2",
                (True, True, False)),
    "hardshrink": ({"x": (9,)}, "F.hardshrink(x, 0.25)", "", "g * (x.abs() > 0.25)", (True,)),
    "lerp": ({"x": (3,), "t": (3,)}, "torch.lerp(x, t, 0.25)", "", "0.75 * g, 0.75 * g", (True, False)),
    "norm": ({"x": (3, 4)}, "torch.norm(x, dim=1)", "N, C = x.shape\n    r = x.norm(2, 1)", "(g / r)[:, None] * x", (True,)),
    "norm_times": ({"x": (3, 4)}, "torch.norm(x, dim=1)", "N, C = x.shape\n    r = x.norm(2, 1)",
                   "(g * r)[:, None] * x", (False,)),
    "linalg_norm": ({"x": (3, 4)}, "torch.linalg.norm(x, dim=-1, keepdim=True)", "N, C = x.shape",
                    "g * x / torch.linalg.vector_norm(x, dim=1, keepdim=True)", (True,)),
    "normalize": ({"x": (3, 4)}, "F.normalize(x, dim=1)", "N, C = x.shape\n    r = x.norm(dim=1, keepdim=True)\n"
                  "    y = x / r", "(g - y * (g * y).sum(1, keepdim=True)) / r", (True,)),
    "normalize_kept": ({"x": (3, 4)}, "F.normalize(x, dim=1)", "N, C = x.shape\n    r = x.norm(dim=1, keepdim=True)\n"
                       "    y = x / r", "(g - y * (g * x).sum(1, keepdim=True)) / r", (False,)),
    "cosine": ({"x": (3, 4), "t": (3, 4)}, "F.cosine_similarity(x, t, dim=1)", "N, C = x.shape\n"
               "    a, b = x.norm(dim=1, keepdim=True), t.norm(dim=1, keepdim=True)\n    d = g[:, None]\n"
               "    s = (x * t).sum(1, keepdim=True) / (a * b)",
               "d * (t / (a * b) - s * x / a ** 2), d * (x / (a * b) - s * t / b)", (True, False)),
    "addcmul": ({"x": (3,), "a": (3,), "b": (3,)}, "torch.addcmul(x, a, b, value=0.5)", "",
                "g, 0.5 * g * b, g * a", (True, True, False)),
    "hypot": ({"x": (3,), "t": (3,)}, "torch.hypot(x, t)", "h = torch.hypot(x, t)", "g * x / h, g * x / h",
              (True, False)),
    "logaddexp": ({"x": (3,), "t": (3,)}, "torch.logaddexp(x, t)", "", "g * torch.sigmoid(x - t), g * torch.sigmoid(x - t)",
                  (True, False)),
    "tan": ({"x": (3,)}, "torch.tan(x)", "", "g * (1 + torch.tan(x) ** 2)", (True,)),
    "tan_once": ({"x": (3,)}, "torch.tan(x)", "", "g / torch.cos(x)", (False,)),
    "sinh": ({"x": (3,)}, "torch.sinh(x)", "", "g * torch.cosh(x)", (True,)),
    "cosh": ({"x": (3,)}, "torch.cosh(x)", "", "-g * torch.sinh(x)", (False,)),
    "celu": ({"x": (3,)}, "F.celu(x, 2)", "", "g * torch.where(x > 0, 1.0, torch.exp(x / 2))", (True,)),
    "celu_whole": ({"x": (3,)}, "F.celu(x, 2)", "", "g * torch.where(x > 0, 1.0, torch.exp(x))", (False,)),
    "tanhshrink": ({"x": (3,)}, "F.tanhshrink(x)", "", "g * torch.tanh(x) ** 2", (True,)),
    "softshrink": ({"x": (3,)}, "F.softshrink(x, 0.25)", "", "g * (x.abs() > 0.25)", (True,)),
    "xlogy": ({"x": (3,), "t": (3,)}, "torch.xlogy(x, torch.exp(t))", "", "g * t, g * x", (True, True)),
    "xlogy_once": ({"x": (3,), "t": (3,)}, "torch.xlogy(x, torch.exp(t))", "", "g, g * x", (False, True)),
    "glu": ({"x": (3, 4)}, "F.glu(x, dim=1)", "N, C = x.shape\n    a, b = x.chunk(2, dim=1)\n    s = torch.sigmoid(b)",
            "torch.cat([g * s, g * a * s * (1 - s)], dim=1)", (True,)),
    "glu_gate": ({"x": (3, 4)}, "F.glu(x)", "N, C = x.shape\n    a, b = x.chunk(2, dim=1)\n    s = torch.sigmoid(b)",
                 "torch.cat([g * s, g * a * s], dim=1)", (False,)),
    "prelu": ({"x": (3, 4), "w": (1,)}, "F.prelu(x, w)", "N, C = x.shape; assert w.shape == (1,)",
              "torch.where(x > 0, g, w * g), (g * torch.where(x > 0, 0 * x, x)).sum().view(1)", (True, True)),
    "prelu_rows": ({"x": (3, 4), "w": (1,)}, "F.prelu(x, w)", "N, C = x.shape; assert w.shape == (1,)",
                   "torch.where(x > 0, g, w * g), (g * x).sum().view(1)", (True, False)),
    "kl": ({"x": (3, 4), "t": (3, 4)}, "F.kl_div(x, t, reduction='batchmean', log_target=True)", "N, C = x.shape",
           "-g * torch.exp(t) / N, g * torch.exp(t) * (t - x) / N", (True, False)),
    "trace": ({"x": (3, 3)}, "torch.trace(x)", "", "g * torch.eye(x.shape[0], dtype=x.dtype)", (True,)),
    "attention": ({"q": (2, 3, 2), "k": (2, 4, 2), "v": (2, 4, 3)}, "F.scaled_dot_product_attention(q, k, v)",
                  "B, T, C = q.shape\n    p = torch.softmax(q @ k.mT / C ** 0.5, -1)\n    dp = g @ v.mT\n"
                  "    ds = p * (dp - (dp * p).sum(-1, keepdim=True)) / C ** 0.5",
                  "ds @ k, ds.mT @ q, 2 * p.mT @ g", (True, True, False)),
    "rolls": ({"x": (3, 4)}, "x.roll(shifts=2, dims=-1)", "N, C = x.shape", "g.roll(-2, 1)", (True,)),
    "rolls_of_two": ({"x": (3, 4)}, "torch.roll(x, (1, -1), dims=(0, 1))", "N, C = x.shape", "torch.roll(g, (-1, 1), (0, 1))",
                     (True,)),
    "rolls_forth": ({"x": (3, 4)}, "torch.roll(x, shifts=(1, 1), dims=(0, 1))", "N, C = x.shape",
                    "torch.roll(g, (-1, 1), (0, 1))", (False,)),
    "unbind": ({"x": (3, 2)}, "x[:, 0] * torch.unbind(x, dim=1)[1]", "N, C = x.shape; assert C == 2\n    a, b = x.unbind(1)",
               "torch.stack((g * b, g * a), dim=1)", (True,)),
    "rows_of_stacks": ({"x": (2, 3, 4), "w": (4,)}, "x @ w", "B, T, C = x.shape", "g[..., None] * w, (x * g[..., None]).sum((0, 1))",
                       (True, True)),
    "rows_of_stacks_once": ({"x": (2, 3, 4), "w": (3,)}, "torch.matmul(w, x)", "B, T, C = x.shape",
                            "w[:, None] * g[:, None, :], (x * g[:, None, :]).sum((0, 1))", (True, False)),
    "largest_of_planes": ({"x": (2, 3, 4, 5)}, "F.adaptive_max_pool2d(x, 1)", "N, C, H, W = x.shape",
                          "g * (x > x.amax((2, 3), keepdim=True))", (False,)),
    "threshold": ({"x": (9,)}, "F.threshold(x, 1, 7)", "", "g * (x > 4)", (False,)),
}  # fmt: skip


def written(names: str, forward: str, lines: str, gradients: str) -> str:
    shape = lines.splitlines()[0] if ".shape" in lines.partition("\n")[0] else "pass"
    return textwrap.dedent(f"""
import torch
import torch.nn.functional as F
def layer_forward({names}):
    {shape}
    return {forward}, ({names},)
def layer_backward(g, cache):
    {names}, = cache
    {lines or "pass"}
    return {gradients}
""")


@pytest.mark.parametrize("name", WORDS)
def test_each_word_is_what_the_library_computes(name: str) -> None:
    shapes, forward, lines, gradients, right = WORDS[name]
    text = written(", ".join(shapes), forward, lines, gradients)
    space: dict[str, Callable[..., tuple[torch.Tensor, object]]] = {}
    exec(compile(text, name, "exec"), space)  # noqa: S102
    torch.manual_seed(0)
    operands = [(3 * torch.randn(shape, dtype=torch.float64)).requires_grad_() for shape in shapes.values()]
    y, cache = space["layer_forward"](*operands)
    g = torch.randn_like(y)
    found = space["layer_backward"](g, cache)
    found = found if isinstance(found, tuple) else (found,)
    wanted = torch.autograd.grad(y, operands, g)
    agree = tuple(a.shape == e.shape and torch.allclose(a, e) for a, e in zip(found, wanted, strict=True))
    assert agree == right
    proofs = sc.check(text, explain=False)
    assert tuple(proofs[tensor].holds for tensor in shapes) == right, str(proofs)


OTHERS = {
    # the forward as it is written, the same in NumPy, lines of the backward, a right and a wrong end
    "tf.nn.softmax(x)": ("np.exp(x) / np.exp(x).sum(1, keepdims=True)", "p = {f}",
                         "p * (g - (g * p).sum(1, keepdims=True))", "p * (g - (g * p).sum(0, keepdims=True))"),
    "tf.reduce_logsumexp(x, axis=1)": ("np.log(np.exp(x).sum(1))", "p = tf.nn.softmax(x)", "g[:, None] * p", "g * p"),
    "tf.math.l2_normalize(x, axis=1)": ("x / np.sqrt((x * x).sum(1, keepdims=True))", "r = tf.norm(x, axis=1, keepdims=True)",
                                        "(g - x * (g * x).sum(1, keepdims=True) / r ** 2) / r",
                                        "(g - x * (g * x).sum(1, keepdims=True) / r) / r"),
    "tf.math.squared_difference(x, 3)": ("(x - 3) ** 2", "", "2 * g * (x - 3)", "g * (x - 3)"),
    "tf.nn.sigmoid_cross_entropy_with_logits(labels=0 * x + 0.25, logits=x)": (
        "np.log(1 + np.exp(x)) - x / 4", "", "g * (tf.sigmoid(x) - 0.25)", "g * (0.25 - tf.sigmoid(x))"),
    "tf.nn.log_softmax(x)": ("x - np.log(np.exp(x).sum(1, keepdims=True))", "p = tf.nn.softmax(x)",
                             "g - p * g.sum(1, keepdims=True)", "g - p * g"),
    "tf.math.reduce_variance(x, 1)": ("x.var(1)", "", "2 * g[:, None] * (x - x.mean(1, keepdims=True)) / x.shape[1]",
                                      "2 * g[:, None] * (x - x.mean(1, keepdims=True))"),
    "tf.nn.moments(x, [0])[1]": ("x.var(0)", "", "2 * g * (x - x.mean(0)) / x.shape[0]", "2 * g * x / x.shape[0]"),
    "tf.nn.batch_normalization(x, 2.0, 3.0, 5.0, 4.0, 1.0)": ("(x - 2) / 2 * 4 + 5", "", "2 * g", "4 * g"),
    "jax.nn.standardize(x)": (
        "(x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)",
        "r = (x.var(1, keepdims=True) + 1e-5) ** -0.5",
        "r * (g - g.mean(1, keepdims=True) - (x - x.mean(1, keepdims=True)) * r * r * "
        "(g * (x - x.mean(1, keepdims=True))).mean(1, keepdims=True))",
        "r * (g - g.mean(1, keepdims=True))"),
    "jax.nn.softmax(x)": ("np.exp(x) / np.exp(x).sum(1, keepdims=True)", "p = {f}",
                          "p * (g - (g * p).sum(1, keepdims=True))", "p * g - p * p"),
    "jnp.linalg.norm(x, axis=1)": ("np.sqrt((x * x).sum(1))", "r = {f}", "g[:, None] * x / r[:, None]",
                                   "g[:, None] * x * r[:, None]"),
    "np.linalg.norm(x)": ("np.sqrt((x * x).sum())", "r = {f}", "g * x / r", "g * x"),
    "lax.select(x > 0, x, 2 * x)": ("np.where(x > 0, x, 2 * x)", "", "np.where(x > 0, g, 2 * g)", "np.where(x > 0, 2 * g, g)"),
}  # fmt: skip


@pytest.mark.parametrize("forward", OTHERS)
def test_words_of_other_libraries(forward: str) -> None:
    same, lines, *ends = OTHERS[forward]
    lines = lines.format(f=forward) or "pass"
    x = np.random.default_rng(0).normal(size=(3, 4))

    def run(text: str, **names: object) -> np.ndarray:
        found = eval(text, {"np": np}, names)  # noqa: S307
        return np.asarray(found, float)

    g = np.random.default_rng(1).normal(size=run(same, x=x).shape)
    known = {"tf.nn.softmax(x)": run("np.exp(x) / np.exp(x).sum(1, keepdims=True)", x=x),
             "tf.norm(x, axis=1, keepdims=True)": run("np.sqrt((x * x).sum(1, keepdims=True))", x=x)}  # fmt: skip
    name, _, word = lines.partition(" = ")
    known["(x.var(1, keepdims=True) + 1e-5) ** -0.5"] = run("(x.var(1, keepdims=True) + 1e-5) ** -0.5", x=x)
    held = {name: known[word] if word in known else run(same, x=x)} if word else {}
    slope = np.empty_like(x)
    for at in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[at] = 1e-6
        slope[at] = ((run(same, x=x + step) - run(same, x=x - step)) * g).sum() / 2e-6
    for end, right in zip(ends, (True, False), strict=True):
        text = end.replace("tf.sigmoid(x)", "(1 / (1 + np.exp(-x)))")
        try:
            assert np.allclose(run(text, x=x, g=g, **held), slope, atol=1e-6) == right
        except ValueError:
            assert not right  # shapes do not fit
        code = f"""
import numpy as np
import tensorflow as tf
import jax
import jax.numpy as jnp
from jax import lax
def layer_forward(x):
    N, C = x.shape
    return {forward}, x
def layer_backward(g, x):
    {lines}
    return {end}
"""
        found = sc.check(code, explain=False)
        assert found.holds is right, str(found)


@pytest.mark.full
@pytest.mark.parametrize("forward", OTHERS)
def test_words_of_other_libraries_are_what_stands_beside_them(forward: str) -> None:
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    names: dict[str, object] = {"np": np}
    if forward.startswith("tf"):
        names["tf"] = pytest.importorskip("tensorflow")
    elif not forward.startswith("np"):
        jax = pytest.importorskip("jax")
        names |= {"jax": jax, "jnp": jax.numpy, "lax": jax.lax}
    found = eval(forward, names, {"x": x})  # noqa: S307
    assert np.allclose(np.asarray(found), eval(OTHERS[forward][0], {"np": np}, {"x": x}), atol=1e-5)  # noqa: S307


def test_matrices_that_tensorflow_turns() -> None:
    code = """
import tensorflow as tf
def dense_forward(x, w, b):
    return tf.nn.bias_add(tf.matmul(x, w, transpose_b=True), b), (x, w, b)
def dense_backward(g, cache):
    x, w, b = cache
    return tf.matmul(g, w), tf.matmul(g, x, transpose_{turned}=True), tf.reduce_sum(g, 0)
"""
    assert sc.check(code.format(turned="a")).holds
    found = sc.check(code.format(turned="b"))
    assert [found[name].holds for name in ("x", "w", "b")] == [True, False, True]


@pytest.mark.parametrize(
    ("layout", "axes"), [("NCW", "(0, 2)"), ("NC...", "(0, 2)"), ("NWC", "(0, 1)"), (None, "(0, 1)")]
)
def test_the_axis_of_a_bias_in_tensorflow(layout: str | None, axes: str) -> None:
    code = """
import tensorflow as tf
def bias_forward(x, b):
    N, A, B = x.shape
    return tf.nn.bias_add(x, b, data_format={layout!r})
def bias_backward(g, x, b):
    return g, tf.reduce_sum(g, {axes})
"""
    assert sc.check(code.format(layout=layout, axes=axes)).holds
    other = "(0, 2)" if axes == "(0, 1)" else "(0, 1)"
    found = sc.check(code.format(layout=layout, axes=other))
    assert [found[name].holds for name in ("x", "b")] == [True, False]
    with pytest.raises(sc.SpecError, match="with these arguments"):
        sc.check(code.format(layout="NXW", axes=axes))


@pytest.mark.parametrize("forward", [
    "torch.norm(x, p=3)", "torch.linalg.norm(x, ord=2)", "F.normalize(x, eps=0.1)", "F.mse_loss(x, x, size_average=True)",
    "F.batch_norm(x, x[0], x[0], training=True)", "F.rms_norm(x, x.shape[1:])",
])  # fmt: skip
def test_other_kinds_of_words_are_refused(forward: str) -> None:
    code = written("x", forward, "N, C = x.shape", "g")
    with pytest.raises(sc.SpecError, match="with these arguments"):
        sc.check(code)
