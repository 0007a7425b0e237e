"""Layers as tutorials have them: groups by the channels of the weight, filters stepped by a rate, columns of biases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from quotients import Shapes, is_told_apart, right_when_run

import symconv as sc

GROUPS = """
import numpy as np
def gconv_forward(x, w, b, stride=1, groups=2):
    N, C, H, W = x.shape
    F, c, k1, k2 = w.shape
    f = F // groups
    Ho = (H - k1) // stride + 1
    Wo = (W - k2) // stride + 1
    out = np.zeros((N, F, Ho, Wo))
    for g in range(groups):
        for i in range(Ho):
            for j in range(Wo):
                patch = x[:, g*c:(g+1)*c, i*stride:i*stride+k1, j*stride:j*stride+k2]
                for o in range(f):
                    out[:, g*f+o, i, j] = (patch * w[g*f+o]).sum(axis=(1, 2, 3)) + b[g*f+o]
    return out, (x, w, b, stride, groups)
def gconv_backward(dout, cache):
    x, w, b, stride, groups = cache
    F, c, k1, k2 = w.shape
    f = F // groups
    _, _, Ho, Wo = dout.shape
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    db = dout.sum(axis=(0, 2, 3))
    for g in range(groups):
        for i in range(Ho):
            for j in range(Wo):
                patch = x[:, g*c:(g+1)*c, i*stride:i*stride+k1, j*stride:j*stride+k2]
                for o in range(f):
                    d = dout[:, g*f+o, i, j][:, None, None, None]
                    dw[g*f+o] += (d * patch).sum(axis=0)
                    dx[:, g*c:(g+1)*c, i*stride:i*stride+k1, j*stride:j*stride+k2] += d * w[g*f+o]
    return dx, dw, db
"""
LOW_RANK = """
import numpy as np
def lora_forward(x, W, A, B, s=0.5):
    h = x @ A
    return x @ W + s * (h @ B), (x, W, A, B, s, h)
def lora_backward(dout, cache):
    x, W, A, B, s, h = cache
    dW = x.T @ dout
    dB = s * h.T @ dout
    dh = s * dout @ B.T
    dA = x.T @ dh
    dx = dout @ W.T + dh @ A.T
    return dx, dW, dA, dB
"""
COLUMNS = """
import numpy as np
def places(x_shape, fh, fw, padding=1, stride=1):
    N, C, H, W = x_shape
    oh = int((H + 2 * padding - fh) / stride + 1)
    ow = int((W + 2 * padding - fw) / stride + 1)
    i0 = np.tile(np.repeat(np.arange(fh), fw), C)
    i1 = stride * np.repeat(np.arange(oh), ow)
    j0 = np.tile(np.arange(fw), fh * C)
    j1 = stride * np.tile(np.arange(ow), oh)
    k = np.repeat(np.arange(C), fh * fw).reshape(-1, 1)
    return k, i0.reshape(-1, 1) + i1.reshape(1, -1), j0.reshape(-1, 1) + j1.reshape(1, -1)
def im2col(x, fh, fw, padding=1, stride=1):
    p = padding
    k, i, j = places(x.shape, fh, fw, padding, stride)
    cols = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))[:, k, i, j]
    return cols.transpose(1, 2, 0).reshape(fh * fw * x.shape[1], -1)
def col2im(cols, x_shape, fh, fw, padding=1, stride=1):
    N, C, H, W = x_shape
    padded = np.zeros((N, C, H + 2 * padding, W + 2 * padding))
    k, i, j = places(x_shape, fh, fw, padding, stride)
    np.add.at(padded, (slice(None), k, i, j), cols.reshape(C * fh * fw, -1, N).transpose(2, 0, 1))
    return padded if padding == 0 else padded[:, :, padding:-padding, padding:-padding]
def conv_forward(X, W, b, stride=1, padding=1):
    n_filters, _, fh, fw = W.shape
    N, C, H, W_ = X.shape
    oh, ow = (H - fh + 2 * padding) // stride + 1, (W_ - fw + 2 * padding) // stride + 1
    X_col = im2col(X, fh, fw, padding, stride)
    out = W.reshape(n_filters, -1) @ X_col + b
    return out.reshape(n_filters, oh, ow, N).transpose(3, 0, 1, 2), (X, W, b, stride, padding, X_col)
def conv_backward(dout, cache):
    X, W, b, stride, padding, X_col = cache
    n_filter, _, fh, fw = W.shape
    db = np.sum(dout, axis=(0, 2, 3))
    db = db.reshape(n_filter, -1)
    d = dout.transpose(1, 2, 3, 0).reshape(n_filter, -1)
    dW = (d @ X_col.T).reshape(W.shape)
    dX = col2im(W.reshape(n_filter, -1).T @ d, X.shape, fh, fw, padding, stride)
    return dX, dW, db
"""
IN_TURNS = """
import numpy as np
import numba as nb
@nb.njit(parallel=True)
def conv_forward(x, w, stride=2):
    B, C, L = x.shape
    F, _, K = w.shape
    Lo = (L - K) // stride + 1
    y = np.zeros((B, F, Lo))
    for b in nb.prange(B):
        for f in range(F):
            for l in range(Lo):
                acc = 0.0
                for c in range(C):
                    for k in range(K):
                        acc += x[b, c, l * stride + k] * w[f, c, k]
                y[b, f, l] = acc
    return y, (x, w, stride)
@nb.njit
def conv_backward(dy, cache):
    x, w, stride = cache
    B, C, L = x.shape
    F, _, K = w.shape
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for b in range(B):
        for f in nb.prange(F):
            for l in range(dy.shape[2]):
                for c in range(C):
                    for k in range(K):
                        dw[f, c, k] += dy[b, f, l] * x[b, c, l * stride + k]
    for b in nb.prange(B):
        row = np.zeros((C, L))
        for l in range(dy.shape[2]):
            for f in range(F):
                row[:, l * stride:l * stride + K] += dy[b, f, l] * w[f]
        dx[b] = row
    return dx, dw
"""


IMAGES = ((2, 4, 5, 6), (6, 2, 2, 3), (6,))
CASES: dict[str, tuple[str, Shapes, str, str, str]] = {
    "groups of the weight's channels": (GROUPS, IMAGES, "b", "axis=(0, 2, 3))\n", "axis=(0, 2, 3)) / x.shape[0]\n"),
    "low rank": (LOW_RANK, ((3, 4), (4, 5), (4, 2), (2, 5)), "b", "s * h.T", "h.T"),
    "a column of biases": (COLUMNS, ((2, 3, 4, 5), (4, 3, 3, 2), (4, 1)), "w", "(d @ X_col.T)", "(d @ X_col.T / 2)"),
    "turns side by side": (IN_TURNS, ((2, 3, 7), (4, 3, 2)), "w", "x[b, c, l * stride + k]\n    for", "x[b, c, l + k]\n    for"),
}  # fmt: skip


def run(text: str, shapes: Shapes) -> list[bool]:
    """Which gradients are right by quotients, where Numba's loops are those of Python."""
    plain = "class nb:\n    prange = range\n    njit = staticmethod(lambda f=None, **_: f or (lambda g: g))\n"
    return right_when_run(text.replace("import numba as nb\n", plain), shapes)


@pytest.mark.parametrize("case", CASES)
def test_each_is_proved_and_a_slip_of_it_refuted(case: str) -> None:
    is_told_apart(*CASES[case], run=run)


@pytest.mark.parametrize(
    "loop", ["for b in range(B):\n        for f in nb.prange(F):", "for b in nb.prange(B):\n        row"]
)
def test_turns_that_may_meet_are_not_read_as_a_loop(loop: str) -> None:
    """Filters share the image, and images share nothing but what one row is made of before the loop."""
    if "row" in loop:
        text = IN_TURNS.replace(
            "for b in nb.prange(B):\n        row = np.zeros((C, L))",
            "row = np.zeros((C, L))\n    for b in nb.prange(B):\n        row[:] = 0",
        )
    else:
        text = IN_TURNS.replace(loop, "for b in nb.prange(B):\n        for f in range(F):")
    assert text != IN_TURNS
    with pytest.raises(sc.SpecError, match=r"more than one of them may store into an element; take range there"):
        sc.check(text)


CONV3X3 = """
import numpy as np
class Conv3x3:
    def __init__(self, num_filters):
        self.num_filters = num_filters
        self.filters = np.random.randn(num_filters, 3, 3) / 9
    def iterate_regions(self, image):
        h, w = image.shape
        for i in range(h - 2):
            for j in range(w - 2):
                yield image[i:(i + 3), j:(j + 3)], i, j
    def forward(self, input):
        self.last_input = input
        h, w = input.shape
        output = np.zeros((h - 2, w - 2, self.num_filters))
        for im_region, i, j in self.iterate_regions(input):
            output[i, j] = np.sum(im_region * self.filters, axis=(1, 2))
        return output
    def backprop(self, d_L_d_out, learn_rate):
        d_L_d_filters = np.zeros(self.filters.shape)
        for im_region, i, j in self.iterate_regions(self.last_input):
            for f in range(self.num_filters):
                d_L_d_filters[f] += d_L_d_out[i, j, f] * im_region
        self.filters -= learn_rate * d_L_d_filters
        # The first layer of a network hands nothing on.
        return None
"""
CONVOLUTIONAL = """
import numpy as np
from scipy import signal
class Convolutional:
    def __init__(self, input_shape, kernel_size, depth):
        input_depth, input_height, input_width = input_shape
        self.depth = depth
        self.input_shape = input_shape
        self.input_depth = input_depth
        self.output_shape = (depth, input_height - kernel_size + 1, input_width - kernel_size + 1)
        self.kernels_shape = (depth, input_depth, kernel_size, kernel_size)
        self.kernels = np.random.randn(*self.kernels_shape)
        self.biases = np.random.randn(*self.output_shape)
    def forward(self, input):
        self.input = input
        self.output = np.copy(self.biases)
        for i in range(self.depth):
            for j in range(self.input_depth):
                self.output[i] += signal.correlate2d(self.input[j], self.kernels[i, j], "valid")
        return self.output
    def backward(self, output_gradient, learning_rate):
        kernels_gradient = np.zeros(self.kernels_shape)
        input_gradient = np.zeros(self.input_shape)
        for i in range(self.depth):
            for j in range(self.input_depth):
                kernels_gradient[i, j] = signal.correlate2d(self.input[j], output_gradient[i], "valid")
                input_gradient[j] += signal.convolve2d(output_gradient[i], self.kernels[i, j], "full")
        self.kernels -= learning_rate * kernels_gradient
        self.biases -= learning_rate * output_gradient
        return input_gradient
"""


def stepped(text: str, name: str, backward: str, given: tuple[Any, ...], shape: tuple[int, ...]) -> dict[str, bool]:
    """Which gradients of a layer are right: a rate of 1 takes them from the parameters, by their names."""
    space: dict[str, Any] = {}
    exec(compile(text, "layer", "exec"), space)  # noqa: S102
    rng = np.random.default_rng(3)
    layer, image = space[name](*given), rng.normal(size=shape)
    cotangent = rng.normal(size=layer.forward(image).shape)
    held = {key: value.copy() for key, value in vars(layer).items() if key in {"filters", "kernels", "biases"}}

    def along(change: Callable[[float], None]) -> float:
        ends = []
        for sign in (1e-5, -2e-5):
            change(sign)
            ends.append((layer.forward(image) * cotangent).sum())
        change(1e-5)
        return float(ends[0] - ends[1]) / 2e-5

    steps = {key: rng.normal(size=value.shape) for key, value in held.items()}

    def moved(key: str) -> Callable[[float], None]:
        def change(by: float) -> None:
            vars(layer)[key] = vars(layer)[key] + by * steps[key]

        return change

    wanted = {key: along(moved(key)) for key in held}
    layer.forward(image)
    before = {key: vars(layer)[key].copy() for key in held}
    handed = getattr(layer, backward)(cotangent, 1.0)
    found = {key: bool(np.isclose(((before[key] - vars(layer)[key]) * steps[key]).sum(), wanted[key], rtol=1e-4))
             for key in held}  # fmt: skip
    if handed is not None:
        vars(layer).update({key: value.copy() for key, value in before.items()})
        step = rng.normal(size=shape)
        ends = [(layer.forward(image + by * step) * cotangent).sum() for by in (1e-5, -1e-5)]
        found["input"] = bool(np.isclose((handed * step).sum(), (ends[0] - ends[1]) / 2e-5, rtol=1e-4))
    return found


LAYERS: dict[str, tuple[str, str, str, tuple[Any, ...], tuple[int, ...], dict[str, str], tuple[str, str], str]] = {
    "filters of images": (
        CONV3X3, "Conv3x3", "backprop", (4,), (5, 6), {"filters": "w"},
        ("d_L_d_out[i, j, f]", "d_L_d_out[i, j, 0]"), "filters",
    ),
    "a shape of the input": (
        CONVOLUTIONAL, "Convolutional", "backward", ((2, 5, 6), 3, 4), (2, 5, 6),
        {"kernels": "w", "biases": "b", "input": "x"}, ("signal.convolve2d(", "signal.correlate2d("), "input",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LAYERS)
def test_layers_that_step_by_a_rate(case: str) -> None:
    text, name, backward, given, shape, tensors, (before, after), wrong = LAYERS[case]
    assert stepped(text, name, backward, given, shape) == dict.fromkeys(tensors, True)
    proofs = sc.check(text, name, explain=False)
    assert {*proofs} == {*tensors.values()} and proofs.holds is True
    slip = text.replace(before, after)
    right = stepped(slip, name, backward, given, shape)
    assert [key for key, good in right.items() if not good] == [wrong]
    assert {key: sc.check(slip, name, explain=False)[one].holds for key, one in tensors.items()} == right
