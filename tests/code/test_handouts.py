"""Layers of courses' handouts: memory that is set later, lists of rows, extremes of extremes, gradients of ``__init__``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from quotients import is_told_apart, right_when_run

import symconv as sc

MEANS = """
import numpy as np
def pool_forward(x, kh=3, kw=2, stride=2):
    n, c, h, w = x.shape
    oh, ow = 1 + (h - kh) // stride, 1 + (w - kw) // stride
    out = np.empty((n, c, oh, ow))
    for i in range(oh):
        for j in range(ow):
            out[:, :, i, j] = np.mean(x[:, :, i*stride:i*stride+kh, j*stride:j*stride+kw], axis=(2, 3))
    return out, (x.shape, kh, kw, stride)
def pool_backward(dout, cache):
    shape, kh, kw, stride = cache
    dx = np.zeros(shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            dx[:, :, i*stride:i*stride+kh, j*stride:j*stride+kw] += dout[:, :, i:i+1, j:j+1] / (kh * kw)
    return (dx,)
"""
ROWS = """
import numpy as np
def conv_forward(images, kernel):
    k, l = kernel.shape
    batch = []
    for image in images:
        h, w = image.shape
        rows = []
        for i in range(h - k + 1):
            row = []
            for j in range(w - l + 1):
                row.append(np.sum(image[i:i+k, j:j+l] * kernel))
            rows.append(row)
        batch.append(rows)
    return np.array(batch), (images, kernel)
def conv_backward(dout, cache):
    images, kernel = cache
    k, l = kernel.shape
    dx, dw = np.zeros_like(images), np.zeros_like(kernel)
    for m in range(images.shape[0]):
        for i in range(dout.shape[1]):
            for j in range(dout.shape[2]):
                dw += images[m, i:i+k, j:j+l] * dout[m, i, j]
                dx[m, i:i+k, j:j+l] += kernel * dout[m, i, j]
    return dx, dw
"""
CASES = {
    "memory that is set": (MEANS, ((2, 2, 6, 7),), "x", "] += dout", "] = dout"),
    "lists of rows": (ROWS, ((2, 5, 4), (3, 2)), "w", "dw += images[m, i", "dw += images[0, i"),
}


@pytest.mark.parametrize("case", CASES)
def test_each_is_proved_and_a_slip_of_it_refuted(case: str) -> None:
    is_told_apart(*CASES[case])


def test_memory_of_which_a_part_is_left_is_no_operator() -> None:
    with pytest.raises(sc.SpecError, match="not read as an operator"):
        sc.check(MEANS.replace("range(oh)", "range(1, oh)"))


def test_a_square_kernel_whose_length_is_taken_once_is_a_matrix() -> None:
    """One that is a stack of windows would be summed over the stack, with nothing else along it."""
    text = ROWS.replace("k, l = kernel.shape", "k = l = kernel.shape[0]")
    assert [len(one.axes) for one in sc.check(text, explain=False)["w"].operator.inputs] == [3, 2]


EXTREMES = """
import numpy as np
def pool_forward(x):
    N, C, H, W = x.shape
    parts = x.reshape(N, C, H // 2, 2, W // 2, 2)
    return parts.max(axis=3).max(axis=4), (x, parts)
def pool_backward(dout, cache):
    x, parts = cache
    dx = np.zeros_like(x)
    N, C, H, W = x.shape
    for i in range(H // 2):
        for j in range(W // 2):
            window = x[:, :, 2*i:2*i+2, 2*j:2*j+2]
            mask = window == window.max(axis=(2, 3), keepdims=True)
            dx[:, :, 2*i:2*i+2, 2*j:2*j+2] = mask * dout[:, :, i, j][:, :, None, None] / mask.sum((2, 3), keepdims=True)
    return (dx,)
"""


def test_the_extreme_of_extremes_is_that_of_all_elements() -> None:
    assert right_when_run(EXTREMES, ((2, 3, 4, 6),)) == [True]
    proof = sc.check(EXTREMES, explain=False)["x"]
    assert proof.operator.source == "y[n,c,i,j] = max[p,q](x[n,c,2*i+p,2*j+q])"
    assert proof.holds is not False
    mixed = EXTREMES.replace("parts.max(axis=3).max(axis=4)", "parts.max(axis=3).min(axis=4)")
    with pytest.raises(sc.SpecError, match="not read as an operator"):
        sc.check(mixed)


HOMEWORK = """
import numpy as np
class Conv2d_stride1():
    def __init__(self, in_channels, out_channels, kernel_size):
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.W = np.random.normal(0, 1.0, (out_channels, in_channels, kernel_size, kernel_size))
        self.b = np.zeros(out_channels)
        self.dLdW = np.zeros(self.W.shape)
        self.dLdb = np.zeros(self.b.shape)
    def forward(self, A):
        self.A = A
        n, c, h, w = A.shape
        oh, ow = h - self.kernel_size + 1, w - self.kernel_size + 1
        Z = np.zeros((n, self.out_channels, oh, ow))
        for i in range(oh):
            for j in range(ow):
                part = A[:, :, i:i + self.kernel_size, j:j + self.kernel_size]
                Z[:, :, i, j] = np.tensordot(part, self.W, axes=([1, 2, 3], [1, 2, 3]))
        return Z + self.b.reshape(1, -1, 1, 1)
    def backward(self, dLdZ):
        n, f, oh, ow = dLdZ.shape
        self.dLdb = np.sum(dLdZ, axis=(0, 2, 3))
        for i in range(self.kernel_size):
            for j in range(self.kernel_size):
                part = self.A[:, :, i:i + oh, j:j + ow]
                self.dLdW[:, :, i, j] = np.tensordot(dLdZ, part, axes=([0, 2, 3], [0, 2, 3]))
        pad = self.kernel_size - 1
        padded = np.pad(dLdZ, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        flipped = np.flip(self.W, axis=(2, 3))
        dLdA = np.zeros(self.A.shape)
        for i in range(self.A.shape[2]):
            for j in range(self.A.shape[3]):
                part = padded[:, :, i:i + self.kernel_size, j:j + self.kernel_size]
                dLdA[:, :, i, j] = np.tensordot(part, flipped, axes=([1, 2, 3], [0, 2, 3]))
        return dLdA
"""
UPSAMPLE = """
import numpy as np
class Upsample1d():
    def __init__(self, upsampling_factor):
        self.upsampling_factor = upsampling_factor
    def forward(self, A):
        k = self.upsampling_factor
        Z = np.zeros((A.shape[0], A.shape[1], k * (A.shape[2] - 1) + 1))
        Z[:, :, ::k] = A
        return Z
    def backward(self, dLdZ):
        return dLdZ[:, :, ::self.upsampling_factor]
"""


def gradients(text: str, given: tuple[int, ...], shape: tuple[int, ...]) -> dict[str, bool]:
    """Which gradients of a layer, of its input and of what it holds, quotients say to be right."""
    space: dict[str, Any] = {}
    exec(compile(text, "layer", "exec"), space)  # noqa: S102
    rng = np.random.default_rng(4)
    layer = next(one for one in space.values() if isinstance(one, type))(*given)
    image = rng.normal(size=shape)
    cotangent = rng.normal(size=layer.forward(image).shape)
    found = {"x": layer.backward(cotangent)}
    arrays = {"x": image}
    for name, tensor in (("W", "w"), ("b", "b")):
        if hasattr(layer, name):
            arrays[tensor], found[tensor] = getattr(layer, name), getattr(layer, f"dLd{name}").copy()
    right = {}
    for tensor, array in arrays.items():
        step = rng.normal(size=array.shape)
        ends = []
        for by in (1e-5, -2e-5):
            array[...] += by * step
            ends.append((layer.forward(image) * cotangent).sum())
        array[...] += 1e-5 * step
        right[tensor] = bool(np.isclose((ends[0] - ends[1]) / 2e-5, (found[tensor] * step).sum(), rtol=1e-4))
    return right


@pytest.mark.parametrize(("text", "given", "shape", "before", "after", "wrong"), [
    (HOMEWORK, (3, 4, 2), (2, 3, 4, 5), "np.tensordot(dLdZ, part", "0.5 * np.tensordot(dLdZ, part", "w"),
    (HOMEWORK, (3, 4, 2), (2, 3, 4, 5), "np.flip(self.W, axis=(2, 3))", "np.flip(self.W, axis=(2,))", "x"),
    (UPSAMPLE, (2,), (2, 3, 4), "[:, :, ::self.upsampling_factor]", "[:, :, :dLdZ.shape[2] // 2 + 1]", "x"),
])  # fmt: skip
def test_layers_and_slips_of_them(
    text: str, given: tuple[int, ...], shape: tuple[int, ...], before: str, after: str, wrong: str
) -> None:
    right = gradients(text, given, shape)
    assert all(right.values())
    assert {name: proof.holds for name, proof in sc.check(text, explain=False).items()} == right
    slip = text.replace(before, after)
    assert gradients(slip, given, shape) == {name: name != wrong for name in right}
    assert {name: proof.holds for name, proof in sc.check(slip, explain=False).items()} == {
        name: name != wrong for name in right
    }


def test_a_loop_that_does_nothing_is_no_repair() -> None:
    """Where lengths misfit in a loop, what others compute is right without it."""
    slip = HOMEWORK.replace("np.tensordot(dLdZ, part, axes=([0, 2, 3]", "np.tensordot(dLdZ, part, axes=([0, 3, 2]")
    assert slip != HOMEWORK
    assert not any("range(1 -" in (proof.repair or "") for proof in sc.check(slip).values())


SEPARABLE = """
import numpy as np
def sep_forward(x, kv, kh):
    H, W = x.shape
    n, m = len(kv), len(kh)
    t = np.zeros((H - n + 1, W))
    for a in range(n):
        t += kv[a] * x[a:a + H - n + 1]
    y = np.zeros((H - n + 1, W - m + 1))
    for b in range(m):
        y += kh[b] * t[:, b:b + W - m + 1]
    return y, (x, kv, kh, t)
def sep_backward(dy, cache):
    x, kv, kh, t = cache
    H, W = x.shape
    n, m = len(kv), len(kh)
    dt, dkh = np.zeros_like(t), np.zeros_like(kh)
    for b in range(m):
        dt[:, b:b + W - m + 1] += kh[b] * dy
        dkh[b] = (dy * t[:, b:b + W - m + 1]).sum()
    dx, dkv = np.zeros_like(x), np.zeros_like(kv)
    for a in range(n):
        dx[a:a + H - n + 1] += kv[a] * dt
        dkv[a] = (dt * x[a:a + H - n + 1]).sum()
    return dx, dkv, dkh
"""


def test_elements_that_are_given_sums_are_numbers() -> None:
    """What is multiplied by slices could be rows; its gradient says that it is a vector."""
    shapes = ((6, 7), (3,), (2,))
    assert all(right_when_run(SEPARABLE, shapes))
    proofs = sc.check(SEPARABLE, explain=False)
    assert proofs.holds is True and [len(one.axes) for one in proofs["x"].operator.inputs] == [2, 1, 1]
    slip = SEPARABLE.replace("dkv[a] = (dt * x[a:a + H - n + 1]).sum()", "dkv[a] = (dt * x[:H - n + 1]).sum()")
    assert right_when_run(slip, shapes) == [True, False, True]
    assert [proof.holds for proof in sc.check(slip, explain=False).values()] == [True, False, True]
