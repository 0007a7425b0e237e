"""Layers as courses and blogs write them: numbers that ``__init__`` gives, pools of any layout, lengths in dicts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

POOL = """
import numpy as np
class Layer:
    def __init__(self, pool_size=2, stride=None):
        self.k = pool_size
        if stride is None:
            stride = pool_size
        self.stride = stride
        self.window = (self.k, self.k)
    def forward(self, x):
        self.x = x
        N, C, H, W = x.shape
        k, s = self.window[0], self.stride
        out = np.zeros((N, C, (H - k) // s + 1, (W - k) // s + 1))
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                out[:, :, i, j] = np.max(x[:, :, i*s:i*s+k, j*s:j*s+k], axis=(2, 3))
        return out
    def backward(self, dout):
        dx = np.zeros_like(self.x)
        N, C, OH, OW = dout.shape
        for n in range(N):
            for c in range(C):
                for i in range(OH):
                    for j in range(OW):
                        window = self.x[n, c, i*self.stride:i*self.stride+self.k, j*self.stride:j*self.stride+self.k]
                        a, b = np.unravel_index(np.argmax(window), window.shape)
                        dx[n, c, i*self.stride+a, j*self.stride+b] += dout[n, c, i, j]
        return dx
"""
LAST = """
import numpy as np
def pool_forward(A_prev, hparameters, mode="max"):
    m, H, W, C = A_prev.shape
    f = hparameters["f"]
    stride = hparameters["stride"]
    A = np.zeros((m, int(1 + (H - f) / stride), int(1 + (W - f) / stride), C))
    for h in range(A.shape[1]):
        for w in range(A.shape[2]):
            a = A_prev[:, h*stride:h*stride+f, w*stride:w*stride+f, :]
            if mode == "max":
                A[:, h, w, :] = np.max(a, axis=(1, 2))
            elif mode == "average":
                A[:, h, w, :] = np.mean(a, axis=(1, 2))
    return A, (A_prev, hparameters)
def pool_backward(dout, cache):
    A_prev, hparameters = cache
    m, H, W, C = A_prev.shape
    f = hparameters["f"]
    stride = hparameters["stride"]
    dx = np.zeros(A_prev.shape)
    for i in range(m):
        for h in range(dout.shape[1]):
            for w in range(dout.shape[2]):
                for c in range(C):
                    a = A_prev[i, h*stride:h*stride+f, w*stride:w*stride+f, c]
                    p, q = np.unravel_index(np.argmax(a), a.shape)
                    dx[i, h*stride+p, w*stride+q, c] += dout[i, h, w, c]
    return dx
"""
CONV = """
import numpy as np
class Layer:
    def __init__(self, in_channels=2, out_channels=3, f=3):
        self.f = f
        self.W = np.random.randn(out_channels, in_channels, f, f)
    def forward(self, x):
        self.x = x
        N, C, H, W = x.shape
        k = self.f
        out = np.zeros((N, self.W.shape[0], H - k + 1, W - k + 1))
        for i in range(H - k + 1):
            for j in range(W - k + 1):
                out[:, :, i, j] = np.tensordot(x[:, :, i:i+k, j:j+k], self.W, axes=([1, 2, 3], [1, 2, 3]))
        return out
    def backward(self, grad):
        k = self.f
        N, F, OH, OW = grad.shape
        self.dW = np.zeros((F, self.x.shape[1], k, k))
        dx = np.zeros_like(self.x)
        for i in range(OH):
            for j in range(OW):
                g = grad[:, :, i, j]
                self.dW += np.tensordot(g, self.x[:, :, i:i+k, j:j+k], axes=([0], [0]))
                dx[:, :, i:i+k, j:j+k] += np.tensordot(g, self.W, axes=([1], [0]))
        return dx
"""
UPSAMPLE = """
class Layer:
    def __init__(self, scale=2):
        self.scale = scale
    def forward(self, x):
        return x.repeat(self.scale, axis=2).repeat(self.scale, axis=3)
    def backward(self, dout):
        N, C, H, W = dout.shape
        s = self.scale
        return dout.reshape(N, C, H // s, s, W // s, s).sum(axis=(3, 5))
"""
GLOBAL = """
import numpy as np
class Layer:
    def forward(self, x):
        self.x = x
        self.out = np.max(x, axis=(2, 3), keepdims=True)
        return self.out
    def backward(self, dout):
        mask = (self.x == self.out)
        mask = mask / mask.sum(axis=(2, 3), keepdims=True)
        return dout * mask
"""
PAD = """
import numpy as np
class Layer:
    def __init__(self, margin=1):
        self.margin = margin
    def forward(self, x):
        m = self.margin
        return np.pad(x, ((0, 0), (0, 0), (m, m), (m, m)), "constant", constant_values=(0, 0))
    def backward(self, dout):
        m = self.margin
        return dout[:, :, m:-m, m:-m]
"""
CASES = {
    "pool": (POOL, "dx[n, c, i*self.stride+a, j*self.stride+b] +=", "dx[n, c, i*self.stride+b, j*self.stride+a] +="),
    "last": (LAST, "dx[i, h*stride+p, w*stride+q, c] +=", "dx[i, h*stride+p, w*stride+q, c] = 2*"),
    "conv": (CONV, "self.dW += ", "self.dW = "),
    "upsample": (UPSAMPLE, ".sum(axis=(3, 5))", ".mean(axis=(3, 5))"),
    "global": (GLOBAL, "mask.sum(axis=(2, 3), keepdims=True)", "mask.sum()"),
    "pad": (PAD, "dout[:, :, m:-m, m:-m]", "2 * dout[:, :, m:-m, m:-m]"),
}


def runs(text: str) -> tuple[Any, Any, Any]:
    """The forward and the backward function as Python runs them, and the weights."""
    space: dict[str, Any] = {}
    exec(compile(text, "layer", "exec"), space)  # noqa: S102
    if "Layer" not in space:
        numbers = {"f": 2, "stride": 2}
        return (lambda x: space["pool_forward"](x, numbers)[0],
                lambda x, dy: space["pool_backward"](dy, space["pool_forward"](x, numbers)[1]), None)  # fmt: skip
    layer = space["Layer"]()

    def back(x: Any, dy: Any) -> Any:
        layer.forward(x)
        return layer.backward(dy)

    return layer.forward, back, layer


def right_when_run(text: str) -> bool:
    """Whether difference quotients say so, where no two numbers are equal."""
    forward, back, layer = runs(text)
    rng = np.random.default_rng(1)
    x = rng.permutation(2 * 2 * 6 * 6).reshape(2, 2, 6, 6) / 8.0
    x = np.moveaxis(x, 1, 3) if "hparameters" in text else x
    dy = rng.normal(size=forward(x).shape)
    found = []
    steps = [(x, None)] + ([(layer.W, "dW")] if hasattr(layer, "W") else [])
    for array, kept in steps:
        gradient = back(x, dy) if kept is None else getattr(layer, kept)
        step = rng.normal(size=array.shape) * 1e-5
        sums = []
        for sign in (1, -1):
            np.add(array, sign * step, out=array)
            sums.append((forward(x) * dy).sum())
            np.subtract(array, sign * step, out=array)
        more, less = sums
        found.append(np.isclose((more - less) / 2, (gradient * step).sum(), rtol=1e-5, atol=1e-9))
    return bool(np.all(found))


@pytest.mark.parametrize("name", CASES)
def test_a_layer_of_a_course_is_proved(name: str) -> None:
    text, _, _ = CASES[name]
    assert right_when_run(text)
    assert sc.check(text).holds is True


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_in_it_is_refuted(name: str) -> None:
    text, line, wrong = CASES[name]
    assert text.count(line) == 1
    text = text.replace(line, wrong)
    assert not right_when_run(text)
    assert sc.check(text, explain=False).holds is False


def test_numbers_of_init_that_are_said_count() -> None:
    assert "kernel=3, stride=1" in sc.check(POOL, arguments={"pool_size": 3, "stride": 1}, explain=False)["x"].text()
    assert "kernel=3, stride=3" in sc.check(POOL, arguments={"pool_size": 3}, explain=False)["x"].text()


@pytest.mark.parametrize(("line", "change"), [
    ("self.stride = stride", "self.stride = stride\n    def larger(self):\n        self.k = 3"),
    ("self.k = pool_size", "for k in (2, 3):\n            self.k = k"),
    ("pool_size=2", "pool_size"),
])  # fmt: skip
def test_a_number_that_may_be_another_one_is_asked_for(line: str, change: str) -> None:
    with pytest.raises(sc.SpecError, match=r"arguments=|known here"):
        sc.check(POOL.replace(line, change).replace("stride=None", "stride=2"), explain=False)


def test_a_mask_that_gives_equal_numbers_all_of_it_is_wrong_at_kinks_alone() -> None:
    text = GLOBAL.replace("mask = mask / mask.sum(axis=(2, 3), keepdims=True)", "pass")
    proof = sc.check(text)["x"]
    assert proof.holds is False
    assert "right but at kinks" in proof.cause


PRODUCT = """
class Layer:
    def __init__(self):
        self.x = self.y = None
    def forward(self, x, y):
        self.x, self.y = x, y
        return x * y
    def backward(self, dout):
        dx = dout * self.y
        dy = dout * self.x
        return dx, dy
"""
SQUARES = """
import numpy as np
def mse_loss(x, y):
    loss = np.sum((x - y) ** 2) / x.shape[0]
    dx = 2 * (x - y) / x.shape[0]
    return loss, dx
"""


@pytest.mark.parametrize(("text", "line", "wrong"), [(PRODUCT, "dx = dout * self.y", "dx = dout * self.x"),
                                                     (SQUARES, "dx = 2 *", "dx =")])  # fmt: skip
def test_an_input_that_is_called_y(text: str, line: str, wrong: str) -> None:
    assert sc.check(text).holds is True
    proofs = sc.check(text.replace(line, wrong), explain=False)
    assert {name: proof.holds for name, proof in proofs.items()} == {name: name != "x" for name in proofs}


CUBE = """
def cube_forward(x):
    return x ** 3, x
def cube_backward({parameters}):
    return 3 * {kept} ** 2 * {cotangent}
"""
METHOD = """
class Cube:
    def forward(self, x):
        self.kept = x
        return x ** 3
    def backward(self, {cotangent}):
        return 3 * self.kept ** 2 * {cotangent}
"""


@pytest.mark.parametrize("cotangent", ["dA", "do", "delta", "upstream", "grad", "dL", "dO", "dnext", "d_up", "my_grad"])
@pytest.mark.parametrize("order", ["{0}, cache", "cache, {0}"])
def test_the_first_parameter_that_is_called_as_a_derivative_is_the_cotangent(cotangent: str, order: str) -> None:
    text = CUBE.format(parameters=order.format(cotangent), kept="cache", cotangent=cotangent)
    method = METHOD.format(cotangent=cotangent)
    space: dict[str, Any] = {}
    exec(text + method, space)  # noqa: S102
    x, dy, step = (np.random.default_rng(seed).normal(size=(2, 3)) for seed in range(3))
    more, less = (((x + sign * 1e-5 * step) ** 3 * dy).sum() for sign in (1, -1))
    layer = space["Cube"]()
    layer.forward(x)
    both = (space["cube_backward"](*((dy, x) if order.startswith("{") else (x, dy))), layer.backward(dy))
    np.testing.assert_allclose([(one * step).sum() for one in both], (more - less) / 2e-5, rtol=1e-6)
    for one in (text, method):
        assert sc.check(one, explain=False).holds is True
        assert sc.check(one.replace("3 *", "2 *"), explain=False).holds is False


@pytest.mark.parametrize("text", [CUBE.format(parameters="value, dA", kept="value", cotangent="dA"),
                                  CUBE.format(parameters="u, v", kept="u", cotangent="v"),
                                  METHOD.format(cotangent="v")])  # fmt: skip
def test_a_parameter_of_which_nothing_says_whether_it_is_the_cotangent_is_asked_for(text: str) -> None:
    with pytest.raises(sc.SymconvError, match="cannot be told"):
        sc.check(text, explain=False)


def test_what_is_not_read_is_told_with_what_to_write() -> None:
    text = """import numpy as np
def f_forward(x):
    return np.argmax(x, axis=1) * 1.0, x
def f_backward(dout, x):
    return dout
"""
    with pytest.raises(
        sc.SymconvError, match=r"f_forward is not read as .*: it takes the place of an extreme .*x == x\.max\(axis="
    ):
        sc.check(text, "f")
    with pytest.raises(sc.SymconvError, match=r"line 3: float of an array with axes; take its one element"):
        sc.check(text.replace("np.argmax(x, axis=1) * 1.0", "x * float(x)"), "f")
