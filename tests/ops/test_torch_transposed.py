"""Transposed convolution against torch over a drawn grid, and cases in the manner of ONNX's and TensorFlow's tests."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.notation.operator import Operator

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Case:
    """One geometry, axis by axis."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    extra: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    spatial: tuple[int, ...]
    kernel: tuple[int, ...]
    bias: bool

    def operator(self) -> Operator:
        make = getattr(sc, f"conv_transpose{len(self.stride)}d")
        return make(self.stride, self.padding, self.extra, self.dilation, self.groups, bias=self.bias)


def axis(draw: random.Random) -> tuple[int, int, int, int, int, int]:
    """Stride, padding, output padding, dilation, size and kernel of one axis, with an output of at least one cell."""
    while True:
        s, d, k, size = draw.randint(1, 4), draw.randint(1, 3), draw.randint(1, 4), draw.randint(1, 5)
        extra, pad = draw.randint(0, max(s, d) - 1), draw.randint(0, d * (k - 1) + 1)
        if (size - 1) * s - 2 * pad + d * (k - 1) + extra + 1 >= 1:
            return s, pad, extra, d, size, k


def cases(rank: int, count: int, seed: int) -> list[Case]:
    """Drawn cases whose axes differ from one another."""
    draw, found = random.Random(f"{rank} {seed}"), []
    while len(found) < count:
        axes = [axis(draw) for _ in range(rank)]
        stride, padding, extra, dilation, spatial, kernel = zip(*axes, strict=True)
        if rank == 1 or (len(set(stride)) > 1 and len(set(kernel)) > 1 and len(set(spatial)) > 1):
            case = Case(stride, padding, extra, dilation, draw.randint(1, 3), spatial, kernel, draw.random() < 0.5)
            found.append(case)
    return found


def drawn(case: Case) -> dict[str, Array]:
    rng = np.random.default_rng(5)
    c, f = 2 * case.groups, 3
    shapes = {"x": (2, c, *case.spatial), "w": (c, f, *case.kernel), "b": (f * case.groups,)}
    return {name: rng.integers(-3, 4, shapes[name]).astype(np.float64) for name in case.operator().tensors}


def torch_of(torch: Any, case: Case, arrays: dict[str, Array]) -> tuple[Array, Array, dict[str, Array]]:
    """The output, a cotangent for it and every gradient, by torch."""
    leaves = {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}
    call = getattr(torch.nn.functional, f"conv_transpose{len(case.stride)}d")
    y = call(*leaves.values(), stride=case.stride, padding=case.padding, output_padding=case.extra,
             groups=case.groups, dilation=case.dilation)  # fmt: skip
    gy = np.random.default_rng(6).integers(-3, 4, tuple(y.shape)).astype(np.float64)
    found = torch.autograd.grad(y, list(leaves.values()), torch.tensor(gy))
    return y.detach().numpy(), gy, dict(zip(leaves, (g.numpy() for g in found), strict=True))


DRAWN = [*cases(1, 16, 0), *cases(2, 14, 0), *cases(3, 5, 0)]
MORE = [*cases(1, 80, 1), *cases(2, 60, 1), *cases(3, 20, 1)]


@pytest.mark.parametrize("case", [*DRAWN, *(pytest.param(case, marks=pytest.mark.full) for case in MORE)], ids=str)
def test_torch_agrees_exactly(case, lowered, interpreted) -> None:
    torch = pytest.importorskip("torch")
    arrays, op = drawn(case), case.operator()
    y, gy, wanted = torch_of(torch, case, arrays)
    assert op.output_shape(**{name: a.shape for name, a in arrays.items()}) == y.shape
    assert interpreted(lowered(op, proofs=False), arrays) == y.ravel().tolist()
    for name, want in wanted.items():
        got = interpreted(lowered(op, name, proofs=False), {**arrays, "gy": gy})
        assert got == want.ravel().tolist(), name


COMPILED = [*cases(1, 1, 2), *cases(2, 2, 2), *cases(3, 1, 2)]


@pytest.mark.parametrize(
    "chosen", [COMPILED, pytest.param([*cases(2, 12, 3), *cases(3, 6, 3)], marks=pytest.mark.full)]
)
def test_torch_agrees_exactly_with_compiled_kernels(chosen, compiled) -> None:
    torch = pytest.importorskip("torch")
    for unit, case in zip(compiled([case.operator() for case in chosen]), chosen, strict=True):
        arrays = drawn(case)
        y, gy, wanted = torch_of(torch, case, arrays)
        np.testing.assert_array_equal(unit.forward(*arrays.values()), y, err_msg=str(case))
        found = unit.backward(gy, *arrays.values())
        for name, want in wanted.items():
            np.testing.assert_array_equal(getattr(found, name), want, err_msg=f"{case} by {name}")


def test_the_drawn_grid_has_what_it_is_for() -> None:
    assert {len(case.stride) for case in DRAWN} == {1, 2, 3}
    assert {case.groups for case in DRAWN} == {1, 2, 3}
    assert any(max(case.extra) > 1 for case in DRAWN)
    assert any(k < s for case in DRAWN for k, s in zip(case.kernel, case.stride, strict=True))
    assert any(p > d * (k - 1) for c in DRAWN for p, d, k in zip(c.padding, c.dilation, c.kernel, strict=True))


@pytest.fixture
def forward(lowered, interpreted):
    """``forward(op, x, w)`` on integers."""

    def run(op: Operator, x: Array, w: Array) -> list[Any]:
        values = interpreted(lowered(op, proofs=False), {"x": x, "w": w})
        return np.array(values).reshape(op.output_shape(x=x.shape, w=w.shape)).tolist()

    return run


ONNX = {
    "plain": (
        {}, (0, 0),
        [[0, 1, 3, 3, 2], [3, 8, 15, 12, 7], [9, 21, 36, 27, 15], [9, 20, 33, 24, 13], [6, 13, 21, 15, 8]],
    ),
    # strides [3, 2], pads [1, 2, 1, 2]
    "pads": ({"stride": (3, 2), "padding": (1, 2)}, (0, 0), [[1, 1, 3]] * 2 + [[7, 4, 9]] * 3 + [[13, 7, 15]] * 2),
    # strides [3, 2], output_shape [10, 8]: one more cell than the 9 x 7 that x reaches
    "output_shape": (
        {"stride": (3, 2)}, (1, 1),
        [[0, 0, 1, 1, 3, 2, 2, 0]] * 3 + [[3, 3, 7, 4, 9, 5, 5, 0]] * 3 + [[6, 6, 13, 7, 15, 8, 8, 0]] * 3 + [[0] * 8],
    ),
    # auto_pad SAME_UPPER, strides [2, 2]: what is too much is cut off at the end
    "SAME_UPPER": (
        {"stride": 2, "padding": ((0, 1), (0, 1))}, (0, 0),
        [[0, 0, 1, 1, 3, 2]] * 2
        + [[3, 3, 8, 5, 12, 7], [3, 3, 7, 4, 9, 5], [9, 9, 20, 11, 24, 13], [6, 6, 13, 7, 15, 8]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ONNX)
def test_onnx_s_own_numbers(name, forward) -> None:
    arguments, extra, want = ONNX[name]
    op = sc.conv_transpose2d(**arguments, output_padding=extra)
    x = np.arange(9).reshape(1, 1, 3, 3)
    assert forward(op, x, np.ones((1, 2, 3, 3), int)) == [[want, want]]


def test_onnx_s_dilations_and_groups(forward) -> None:
    x = np.array([[[[3, 8, 1], [9, 5, 7], [3, 2, 6]]]])
    want = [[21, 56, 13, 16, 2], [63, 35, 67, 10, 14], [24, 22, 76, 76, 21], [9, 5, 88, 45, 63], [3, 2, 33, 18, 54]]
    assert forward(sc.conv_transpose2d(dilation=2), x, np.array([[[[7, 2], [1, 9]]]])) == [[want]]
    x, plain = np.arange(18).reshape(1, 2, 3, 3), sc.conv_transpose2d()
    parts = [forward(plain, x[:, c : c + 1], np.ones((1, 1, 3, 3), int))[0][0] for c in (0, 1)]
    assert forward(sc.conv_transpose2d(groups=2), x, np.ones((2, 1, 3, 3), int)) == [parts]
    assert forward(sc.conv_transpose1d(), np.arange(3).reshape(1, 1, 3), np.ones((1, 2, 3), int)) == [
        [[0, 1, 3, 3, 2]] * 2
    ]


def scattered(x: Array, w: Array, stride: int, low: int, out: int) -> Array:
    """TensorFlow's definition in one dimension: the gradient of conv1d by its input, whose length is ``out``."""
    y = np.zeros((x.shape[0], out, w.shape[1]), int)
    for n, i, c in np.ndindex(*x.shape):
        for p, f in np.ndindex(w.shape[0], w.shape[1]):
            if 0 <= i * stride + p - low < out:
                y[n, i * stride + p - low, f] += x[n, i, c] * w[p, f, c]
    return y


@pytest.mark.parametrize("mode", ["SAME", "VALID"])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
def test_tensorflow_s_padding_modes(mode, stride, kernel, forward) -> None:
    """x is channels last and w (kernel, out, in), as TensorFlow's are; SAME has every output that strides back to x."""
    x = np.random.default_rng(0).integers(-4, 5, (2, 3, 2))
    w = np.random.default_rng(1).integers(-4, 5, (kernel, 3, 2))
    size = x.shape[1]
    same = range((size - 1) * stride + 1, size * stride + 1)
    for out in same if mode == "SAME" else [size * stride + max(kernel - stride, 0)]:
        # The pads of the forward convolution from out to size; what is missing is given at the end.
        total = max((size - 1) * stride + kernel - out, 0) if mode == "SAME" else 0
        low = total // 2
        more = out - ((size - 1) * stride + kernel - total)
        op = sc.conv_transpose1d(stride, ((low, total - low),), more, layout="NHWC")
        assert forward(op, x, w) == scattered(x, w, stride, low, out).tolist()


def test_tensorflow_s_own_counts(forward) -> None:
    """conv2d_transpose of ones, stride 2, kernel 3: 3 channels times the taps that land on each output."""
    x, w = np.ones((2, 6, 4, 3), int), np.ones((3, 3, 2, 3), int)
    y = np.array(forward(sc.conv_transpose2d(2, ((0, 1), (0, 1)), layout="NHWC"), x, w))
    assert y.shape == (2, 12, 8, 2)
    for n, h, v, k in np.ndindex(*y.shape):
        inside = [at % 2 == 0 and at > 0 for at in (h, v)]
        assert y[n, h, v, k] == 3 * (4 if all(inside) else 2 if any(inside) else 1)
    y = np.array(forward(sc.conv_transpose2d(2, layout="NHWC"), x, w))
    assert y.shape == (2, 13, 9, 2)
    for n, h, v, k in np.ndindex(*y.shape):
        inside = [at % 2 == 0 and 0 < at < last for at, last in ((h, 12), (v, 8))]
        assert y[n, h, v, k] == 3 * (4 if all(inside) else 2 if any(inside) else 1)
