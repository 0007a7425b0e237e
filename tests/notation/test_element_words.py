"""Functions that are texts of the notation: their values and slopes are PyTorch's, but for conventions at kinks."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc
from symconv.errors import SpecError
from symconv.notation.element_words import ELEMENT_WORDS
from symconv.verify import reference

torch = pytest.importorskip("torch")
F = torch.nn.functional
# The slope of F.hardsigmoid itself is 1/6 in float32, for numbers of float64 too.
LIBRARY = {
    "absolute": torch.abs, "fabs": torch.abs, "maximum": torch.maximum, "fmax": torch.fmax, "minimum": torch.minimum,
    "fmin": torch.fmin, "clamp": lambda u, v, w: torch.minimum(torch.maximum(u, v), w), "relu6": F.relu6,
    "square": torch.square, "reciprocal": torch.reciprocal, "rsqrt": torch.rsqrt, "hypot": torch.hypot,
    "exp2": torch.exp2, "log2": torch.log2, "log10": torch.log10, "tan": torch.tan, "sinh": torch.sinh,
    "cosh": torch.cosh, "logsigmoid": F.logsigmoid, "log_sigmoid": F.logsigmoid, "logaddexp": torch.logaddexp,
    "swish": F.silu, "mish": F.mish, "hardsigmoid": lambda u: torch.clamp(u / 6 + 0.5, 0, 1), "hardswish": F.hardswish, "softsign": F.softsign,
    "tanhshrink": F.tanhshrink, "softshrink": F.softshrink, "hardshrink": F.hardshrink, "selu": F.selu,
    "celu": F.celu, "prelu": lambda u, v: torch.where(u > 0, u, u * v),
}  # fmt: skip
POSITIVE = {"rsqrt", "log2", "log10"}


def required(name: str) -> list[str]:
    word = ELEMENT_WORDS[name]
    return list(word.parameters[: len(word.parameters) - len(word.defaults)])


def drawn(name: str, rng: np.random.Generator) -> list[np.ndarray]:
    """Arguments away from kinks, small and large; an interval for what clips."""
    scale = np.repeat([1e-3, 0.3, 3, 40], 5)
    u = rng.uniform(0.1, 1, 20) * scale * (1 if name in POSITIVE else rng.choice([-1, 1], 20))
    others = [rng.uniform(0.2, 1.5, 20) + k for k, _ in enumerate(required(name)[1:])]
    return [u, *others]


def test_every_word_is_tried() -> None:
    assert LIBRARY.keys() == ELEMENT_WORDS.keys()


@pytest.mark.parametrize("name", LIBRARY)
def test_values_and_slopes_are_the_library_s(name: str) -> None:
    rng = np.random.default_rng(3)
    given = dict(zip(required(name), drawn(name, rng), strict=True))
    op, gy = sc.operator(f"y[i] = {name}({', '.join(f'{u}[i]' for u in given)})"), rng.standard_normal(20)
    tensors = {u: torch.tensor(a, requires_grad=True) for u, a in given.items()}
    wanted = LIBRARY[name](*tensors.values())
    np.testing.assert_allclose(reference.evaluate(op, given), wanted.detach(), rtol=1e-9, atol=1e-15)
    wanted.backward(torch.tensor(gy))
    for u, slope in reference.gradients(op, given, gy).items():
        np.testing.assert_allclose(slope, tensors[u].grad, rtol=1e-9, atol=1e-12)


def test_kernels_compute_them() -> None:
    """Some in one module: cosh and its like are made of functions that kernels are judged for one by one."""
    op = sc.operator("y[i] = mish(x[i]); z[i] = sinh(x[i]); a[i] = logaddexp(x[i], w[i]); b[i] = softshrink(w[i])")
    x, w = np.random.default_rng(1).uniform(-3, 3, (2, 37))
    got = sc.build(op, dtype="float64").forward(x, w)
    for value, name, given in zip(
        got, ("mish", "sinh", "logaddexp", "softshrink"), ((x,), (x,), (x, w), (w,)), strict=True
    ):
        np.testing.assert_allclose(value, LIBRARY[name](*map(torch.tensor, given)), rtol=1e-12, atol=1e-15)


def test_more_outputs_than_a_call_can_name_are_refused() -> None:
    op = sc.operator("; ".join(f"y{k}[i] = {k + 2}*x[i]" for k in range(32)))
    with pytest.raises(SpecError, match="at most 31 outputs"):
        sc.build(op)


def test_defaults_may_be_given() -> None:
    for text in ("softshrink(x[i], 1/2)", "hardshrink(x[i], 1/2)", "celu(x[i], 1)"):
        word = text.partition("(")[0]
        assert sc.operator(f"y[i] = {text}").statements == sc.operator(f"y[i] = {word}(x[i])").statements


def test_a_smooth_word_is_smooth_where_its_parts_are_not() -> None:
    x = np.array([0.0, 2.0])
    slopes = reference.gradients(sc.operator("y[i] = logaddexp(x[i], w[i])"), {"x": x, "w": x}, np.ones(2))
    assert {name: g.tolist() for name, g in slopes.items()} == {"x": [0.5, 0.5], "w": [0.5, 0.5]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("y[i] = mish(x[i], 2)", "column 8: mish takes 1 arguments, given 2"),
        ("y[i] = softshrink(x[i], 1, 2)", "softshrink takes 1 or 2 arguments, given 3"),
        ("y[i] = harswish(x[i])", "did you mean 'hardswish'"),
        (f"y[i] = {'mish(' * 12}x[i]{')' * 12}", "name what it is of"),
    ],
)
def test_what_is_wrong_is_said(text: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        sc.operator(text)
