"""Gradients of gradients of every shipped operator against differences of the first-order backward, and torch's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.loops.ir import Kernel

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]

WINDOW = {"stride": 2, "padding": ((1, 0),)}
OPS = {
    "conv": sc.conv1d(**WINDOW, bias=True),
    "conv_transpose": sc.conv_transpose1d(2, ((1, 0),), 1, 2, bias=True),
    "conv_bias_act": sc.conv_bias_act1d("tanh", **WINDOW),
    "relu": sc.conv_bias_act1d("relu", **WINDOW),
    "gelu": sc.conv_bias_act1d("gelu", **WINDOW, border="replicate"),
    "softplus": sc.conv_bias_act1d("softplus", **WINDOW, border="skip"),
    "adder": sc.adder1d(**WINDOW),
    "squared_distance": sc.squared_distance1d(**WINDOW, groups=2),
    "max_plus": sc.max_plus1d(**WINDOW),
    "min_plus": sc.min_plus1d(**WINDOW, border="circular"),
    "kervolution": sc.kervolution1d(3, 0.5, **WINDOW),
    "max_pool": sc.max_pool1d(2, **WINDOW),
    "avg_pool": sc.avg_pool1d(2, **WINDOW),
    "locally_connected": sc.locally_connected1d(**WINDOW, bias=True),
    "dynamic_filter": sc.dynamic_filter1d(**WINDOW),
}
CURVED = {
    "conv": {"xw", "wx"},
    "conv_transpose": {"xw", "wx"},
    "locally_connected": {"xw", "wx"},
    "dynamic_filter": {"xw", "wx"},
    "relu": {"xw", "wx"},
    "adder": set(),
    "max_plus": set(),
    "min_plus": set(),
    "max_pool": set(),
    "avg_pool": set(),
    "squared_distance": {"xx", "xw", "wx", "ww"},
    "kervolution": {"xx", "xw", "wx", "ww"},
}
"""By which pairs of inputs the second derivative does not vanish; by all of them for what is not listed."""


def data(name: str) -> Arrays:
    """Reals of a fixed seed: no tap ties and no kink lies within a step."""
    rng = np.random.default_rng(11)
    op = OPS[name]
    w = {"locally_connected": (3, 3, 2, 2), "dynamic_filter": (2, 3, 2), "conv_transpose": (2, 3, 2)}
    shapes = {"x": (2, 2, 5), "w": w.get(name, (2, 1, 2) if name == "squared_distance" else (3, 2, 2))}
    shapes["b"] = (3, 3) if name == "locally_connected" else (3,)
    arrays = {tensor: rng.uniform(-1, 1, shapes[tensor]) for tensor in op.tensors}
    arrays["gy"] = rng.uniform(-1, 1, op.output_shape(**{t: a.shape for t, a in arrays.items()}))
    return arrays | {f"gg{t}": rng.uniform(-1, 1, arrays[t].shape) for t in op.tensors}


def differences(gradient: Callable[..., Array], weight: Array, arrays: Arrays, name: str) -> Array:
    """Central differences of ``⟨weight, gradient⟩`` by every element of one array."""
    h, slope = 1e-5, np.zeros_like(arrays[name])
    for cell in np.ndindex(*slope.shape):
        pair = []
        for step in (h, -h):
            moved = arrays[name].copy()
            moved[cell] += step
            pair.append(float((weight * gradient({**arrays, name: moved})).sum()))
        slope[cell] = (pair[0] - pair[1]) / (2 * h)
    return slope


@dataclass(frozen=True)
class Order:
    """A first gradient as a function, and as a function of its own cotangent the gradients of it."""

    first: str
    gradient: Callable[[Arrays], Array]
    second: Callable[[Arrays], Arrays]


def agree(name: str, orders: Iterable[Order]) -> None:
    """``derive(derive(op, first), other)`` == the differences of ``⟨gg, derive(op, first)⟩`` by every ``other``."""
    arrays = data(name)
    for order in orders:
        for other, got in order.second(arrays).items():
            want = differences(order.gradient, arrays[f"gg{order.first}"], arrays, other)
            pair = f"{name} by {order.first}, then by {other}"
            np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-7, err_msg=pair)
            exists = np.abs(want).max() > 1e-3
            if other == "gy":
                assert exists, pair
            elif "b" not in (order.first, other):
                assert exists == (order.first + other in CURVED.get(name, {order.first + other})), pair


@pytest.mark.parametrize("name", OPS)
def test_every_pair_interpreted(name, lowered, interpreted) -> None:
    def order(first: str) -> Order:
        gradient = sc.derive(OPS[name], first).operator
        forward = lowered(OPS[name], first, proofs=False)
        backward = {other: lowered(gradient, other, proofs=False) for other in gradient.tensors}

        def shaped(kernel: Kernel, arrays: Arrays, like: str) -> Array:
            return np.array([float(value) for value in interpreted(kernel, arrays)]).reshape(arrays[like].shape)

        return Order(
            first,
            lambda arrays: shaped(forward, arrays, first),
            lambda arrays: {other: shaped(kernel, arrays, other) for other, kernel in backward.items()},
        )

    agree(name, map(order, OPS[name].tensors))


def built(compiled: Callable[..., list[Any]], name: str) -> list[Order]:
    """The gradients of an operator in one module, with the gradients of these."""

    def order(first: str, unit: Any) -> Order:
        def given(arrays: Arrays) -> list[Array]:
            return [arrays[tensor] for tensor in unit.operator.tensors]

        return Order(
            first,
            lambda arrays: unit.forward(*given(arrays)),
            lambda arrays: unit.backward(arrays[f"gg{first}"], *given(arrays))._asdict(),
        )

    firsts = OPS[name].tensors
    units = compiled([sc.derive(OPS[name], first).operator for first in firsts])
    return [order(first, unit) for first, unit in zip(firsts, units, strict=True)]


@pytest.mark.parametrize(
    "name",
    ["squared_distance", *(pytest.param(name, marks=pytest.mark.full) for name in OPS if name != "squared_distance")],
)
def test_every_pair_compiled(name, compiled) -> None:
    agree(name, built(compiled, name))


@pytest.mark.parametrize("name", [n for n in OPS if "w" in OPS[n].tensors])
def test_the_order_of_differentiation_does_not_matter(name, lowered, interpreted) -> None:
    arrays = data(name)
    by = {
        first + other: interpreted(lowered(sc.derive(OPS[name], first).operator, other, proofs=False), arrays)
        for first, other in ("xw", "wx")
    }
    # ⟨vw, ∂w⟨vx, gx⟩⟩ == ⟨vx, ∂x⟨vw, gw⟩⟩
    left, right = np.dot(arrays["ggw"].ravel(), by["xw"]), np.dot(arrays["ggx"].ravel(), by["wx"])
    assert left == pytest.approx(right, rel=1e-11, abs=1e-12)


def torch_of(name: str, torch: Any, x: Any, w: Any, b: Any) -> Any:
    if name == "conv":
        return torch.nn.functional.conv2d(x, w, b, stride=(2, 1), padding=(1, 2), dilation=(1, 2))
    cut = torch.nn.functional.unfold(x, w.shape[2:], dilation=(1, 2), padding=(1, 2), stride=(2, 1))
    y = -(cut[:, None] - w.reshape(1, w.shape[0], -1, 1)).abs().sum(2)
    return y.reshape(x.shape[0], w.shape[0], *GY[2:])


GY = (2, 3, 3, 6)


@pytest.mark.parametrize("name", ["conv", "adder"])
def test_torch_differentiates_twice_to_the_same(name, lowered, interpreted) -> None:
    torch = pytest.importorskip("torch")
    window = {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2)}
    op = sc.conv2d(**window, bias=True) if name == "conv" else sc.adder2d(**window)
    rng = np.random.default_rng(1)
    shapes = {"x": (2, 2, 5, 4), "w": (3, 2, 3, 2), "b": (3,), "gy": GY}
    # Integers: every comparison is exact, and the slope of |u| at 0 is 0 in torch too.
    arrays = {t: rng.integers(-3, 4, shape).astype(np.float64) for t, shape in shapes.items()}
    leaves = {t: torch.tensor(a, requires_grad=True) for t, a in arrays.items()}
    y = torch_of(name, torch, leaves["x"], leaves["w"], leaves["b"])
    firsts = torch.autograd.grad(y, [leaves[t] for t in op.tensors], leaves["gy"], create_graph=True)
    for first, found in zip(op.tensors, firsts, strict=True):
        gradient = sc.derive(op, first).operator
        gg = arrays[f"gg{first}"] = rng.integers(-3, 4, arrays[first].shape).astype(np.float64)
        asked = [leaves[t] for t in gradient.tensors]
        want = torch.autograd.grad(found, asked, torch.tensor(gg), retain_graph=True, allow_unused=True)
        for other, slope in zip(gradient.tensors, want, strict=True):
            got = [float(v) for v in interpreted(lowered(gradient, other, proofs=False), arrays)]
            expected = np.zeros(arrays[other].size) if slope is None else slope.numpy().ravel()
            np.testing.assert_array_equal(got, expected, err_msg=f"by {first}, then by {other}")
