"""Layers and losses as people write them today, right and with one slip: verdicts are those of difference quotients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

LAYERS: dict[str, tuple[dict[str, tuple[int, ...]], str, str, str]] = {}
"""Shapes, the text, and what a slip makes of a part of it."""

LAYERS["swiglu"] = (
    {"x": (2, 3), "W": (3, 4), "V": (3, 4)},
    """
import numpy as np

def swiglu_forward(x, W, V):
    a = x @ W
    b = x @ V
    s = 1 / (1 + np.exp(-a))
    return a * s * b, (x, W, V, a, b, s)
def swiglu_backward(dy, cache):
    x, W, V, a, b, s = cache
    db = dy * a * s
    da = dy * b * (s + a * s * (1 - s))
    return da @ W.T + db @ V.T, x.T @ da, x.T @ db
""",
    "s + a * s * (1 - s)",
    "s + s * (1 - s)",
)
LAYERS["rmsnorm"] = (
    {"x": (2, 3), "g": (3,)},
    """
import numpy as np

def rmsnorm_forward(x, g, eps=1e-5):
    r = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    return x * r * g, (x, g, r)
def rmsnorm_backward(dy, cache):
    x, g, r = cache
    D = x.shape[-1]
    dg = (dy * x * r).sum(axis=0)
    d = dy * g
    dx = r * d - r**3 * x * (d * x).sum(axis=-1, keepdims=True) / D
    return dx, dg
""",
    "r**3 * x",
    "r**2 * x",
)
LAYERS["rope"] = (
    {"x": (3, 4), "c": (3, 2), "s": (3, 2)},
    """
import numpy as np

def rope_forward(x, c, s):
    '''x: (T, D), c: (T, H), s: (T, H)'''
    x1, x2 = x[:, ::2], x[:, 1::2]
    out = np.zeros_like(x)
    out[:, ::2] = x1 * c - x2 * s
    out[:, 1::2] = x1 * s + x2 * c
    return out, (x, c, s)
def rope_backward(dy, cache):
    x, c, s = cache
    x1, x2 = x[:, ::2], x[:, 1::2]
    d1, d2 = dy[:, ::2], dy[:, 1::2]
    dx = np.zeros_like(x)
    dx[:, ::2] = d1 * c + d2 * s
    dx[:, 1::2] = -d1 * s + d2 * c
    return dx, d1 * x1 + d2 * x2, -d1 * x2 + d2 * x1
""",
    "-d1 * s + d2 * c",
    "d1 * s + d2 * c",
)
LAYERS["rotate"] = (
    {"x": (3, 4), "c": (3, 2), "s": (3, 2)},
    """
import numpy as np

def rotate_forward(x, c, s):
    '''x: (T, D), c: (T, H), s: (T, H)'''
    h = x.shape[1] // 2
    x1, x2 = x[:, :h], x[:, h:]
    return np.concatenate([x1 * c - x2 * s, x1 * s + x2 * c], axis=1), (x, c, s)
def rotate_backward(dy, cache):
    x, c, s = cache
    h = x.shape[1] // 2
    x1, x2 = x[:, :h], x[:, h:]
    d1, d2 = dy[:, :h], dy[:, h:]
    dx = np.concatenate([d1 * c + d2 * s, -d1 * s + d2 * c], axis=1)
    return dx, d1 * x1 + d2 * x2, -d1 * x2 + d2 * x1
""",
    "d1 * x1 + d2 * x2",
    "d1 * x1 - d2 * x2",
)
LAYERS["dice"] = (
    {"p": (2, 3), "t": (2, 3)},
    """
import numpy as np

def dice_forward(p, t, eps=1.0):
    '''p: (N, C), t: (N, C)'''
    inter = (p * t).sum()
    total = p.sum() + t.sum()
    return 1 - (2 * inter + eps) / (total + eps), (p, t, inter, total, eps)
def dice_backward(dout, cache):
    p, t, inter, total, eps = cache
    return dout * (-2 * t / (total + eps) + (2 * inter + eps) / (total + eps)**2)
""",
    "-2 * t",
    "-t",
)
LAYERS["smooth"] = (
    {"x": (3, 4), "y": ("labels", 3, 4)},
    """
import numpy as np

def smooth_forward(x, y, eps=0.1):
    N, C = x.shape
    s = x - x.max(axis=1, keepdims=True)
    logp = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    t = np.full((N, C), eps / C)
    t[np.arange(N), y] += 1 - eps
    return -(t * logp).sum() / N, (logp, t)
def smooth_backward(dout, cache):
    logp, t = cache
    return dout * (np.exp(logp) - t) / len(t)
""",
    "(np.exp(logp) - t)",
    "(np.exp(logp) + t)",
)
LAYERS["nce"] = (
    {"a": (3, 4), "b": (3, 4)},
    """
import numpy as np

def nce_forward(a, b):
    '''a: (N, D), b: (N, D)'''
    N = a.shape[0]
    s = a @ b.T
    e = np.exp(s)
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(np.diag(p)).mean()
    return loss, (a, b, p)
def nce_backward(dout, cache):
    a, b, p = cache
    N = a.shape[0]
    ds = dout * (p - np.eye(N)) / N
    return ds @ b, ds.T @ a
""",
    "ds.T @ a",
    "ds @ a",
)
LAYERS["instnorm"] = (
    {"x": (2, 3, 2, 3), "g": (3,), "b": (3,)},
    """
import numpy as np

def instnorm_forward(x, g, b, eps=1e-5):
    N, C, H, W = x.shape
    mu = x.mean(axis=(2, 3), keepdims=True)
    var = x.var(axis=(2, 3), keepdims=True)
    xh = (x - mu) / np.sqrt(var + eps)
    return xh * g[None, :, None, None] + b[None, :, None, None], (xh, g, var, eps)
def instnorm_backward(dy, cache):
    xh, g, var, eps = cache
    dg = (dy * xh).sum(axis=(0, 2, 3))
    db = dy.sum(axis=(0, 2, 3))
    d = dy * g[None, :, None, None]
    dx = (d - d.mean(axis=(2, 3), keepdims=True) - xh * (d * xh).mean(axis=(2, 3), keepdims=True)) / np.sqrt(var + eps)
    return dx, dg, db
""",
    "(0, 2, 3))\n    d =",
    "(0, 2))\n    d =",
)
LAYERS["ps"] = (
    {"x": (1, 8, 2, 3)},
    """
import numpy as np

def ps_forward(x):
    N, C, H, W = x.shape
    r = 2
    c = C // (r * r)
    return x.reshape(N, c, r, r, H, W).transpose(0, 1, 4, 2, 5, 3).reshape(N, c, H * r, W * r), x.shape
def ps_backward(dy, shape):
    N, C, H, W = shape
    r = 2
    c = C // (r * r)
    return dy.reshape(N, c, H, r, W, r).transpose(0, 1, 3, 5, 2, 4).reshape(N, C, H, W)
""",
    "transpose(0, 1, 3, 5, 2, 4)",
    "transpose(0, 1, 5, 3, 2, 4)",
)
LAYERS["up"] = (
    {"x": (1, 2, 2, 3)},
    """
import numpy as np

def up_forward(x):
    N, C, H, W = x.shape
    return x.repeat(2, axis=2).repeat(2, axis=3), x.shape
def up_backward(dy, shape):
    N, C, H, W = shape
    return dy.reshape(N, C, H, 2, W, 2).sum(axis=(3, 5))
""",
    ".sum(axis=(3, 5))",
    ".mean(axis=(3, 5))",
)
LAYERS["cc"] = (
    {"x": (2, 3, 6), "w": (4, 3, 2)},
    """
import numpy as np

def cc_forward(x, w, dilation=2):
    N, C, L = x.shape
    O, _, K = w.shape
    xp = np.pad(x, ((0, 0), (0, 0), ((K - 1) * dilation, 0)))
    y = np.zeros((N, O, L))
    for k in range(K):
        y += np.einsum('ncl,oc->nol', xp[:, :, k * dilation:k * dilation + L], w[:, :, k])
    return y, (xp, w, dilation, L)
def cc_backward(dy, cache):
    xp, w, dilation, L = cache
    O, _, K = w.shape
    dxp = np.zeros_like(xp)
    dw = np.zeros_like(w)
    for k in range(K):
        dxp[:, :, k * dilation:k * dilation + L] += np.einsum('nol,oc->ncl', dy, w[:, :, k])
        dw[:, :, k] = np.einsum('nol,ncl->oc', dy, xp[:, :, k * dilation:k * dilation + L])
    return dxp[:, :, (K - 1) * dilation:], dw
""",
    "dxp[:, :, (K - 1) * dilation:]",
    "dxp[:, :, :L]",
)
LAYERS["huber"] = (
    {"x": (2, 3), "t": (2, 3)},
    """
import numpy as np

def huber_forward(x, t, delta=1.0):
    '''x: (N, C), t: (N, C)'''
    d = x - t
    a = np.abs(d)
    return np.where(a <= delta, 0.5 * d**2, delta * (a - 0.5 * delta)).mean(), (d, a, delta)
def huber_backward(dout, cache):
    d, a, delta = cache
    return dout * np.where(a <= delta, d, delta * np.sign(d)) / d.size
""",
    "delta * np.sign(d))",
    "np.sign(d) * d)",
)
LAYERS["dws"] = (
    {"x": (1, 2, 5, 4), "wd": (2, 3, 2), "wp": (3, 2)},
    """
import numpy as np

def dws_forward(x, wd, wp):
    N, C, H, W = x.shape
    _, KH, KW = wd.shape
    OH, OW = H - KH + 1, W - KW + 1
    d = np.zeros((N, C, OH, OW))
    for i in range(KH):
        for j in range(KW):
            d += x[:, :, i:i+OH, j:j+OW] * wd[None, :, i, j, None, None]
    return np.einsum('nchw,oc->nohw', d, wp), (x, wd, wp, d)
def dws_backward(dy, cache):
    x, wd, wp, d = cache
    _, KH, KW = wd.shape
    OH, OW = dy.shape[2:]
    dd = np.einsum('nohw,oc->nchw', dy, wp)
    dwp = np.einsum('nohw,nchw->oc', dy, d)
    dx, dwd = np.zeros_like(x), np.zeros_like(wd)
    for i in range(KH):
        for j in range(KW):
            dx[:, :, i:i+OH, j:j+OW] += dd * wd[None, :, i, j, None, None]
            dwd[:, i, j] = (dd * x[:, :, i:i+OH, j:j+OW]).sum(axis=(0, 2, 3))
    return dx, dwd, dwp
""",
    "'nohw,oc->nchw', dy, wp)",
    "'nohw,oc->nchw', dy, wp**2)",
)
LAYERS["prelu"] = (
    {"x": (2, 3, 2, 2), "a": (3,)},
    """
import numpy as np

def prelu_forward(x, a):
    N, C, H, W = x.shape
    return np.where(x > 0, x, a.reshape(1, -1, 1, 1) * x), (x, a)
def prelu_backward(dy, cache):
    x, a = cache
    dx = dy * np.where(x > 0, 1, a.reshape(1, -1, 1, 1))
    da = (dy * np.where(x > 0, 0, x)).sum(axis=(0, 2, 3))
    return dx, da
""",
    "np.where(x > 0, 0, x)",
    "np.where(x > 0, x, 0)",
)
LAYERS["mish"] = (
    {"x": (2, 3)},
    """
import numpy as np

def mish_forward(x):
    sp = np.log1p(np.exp(x))
    t = np.tanh(sp)
    return x * t, (x, t)
def mish_backward(dy, cache):
    x, t = cache
    return dy * (t + x * (1 - t**2) / (1 + np.exp(-x)))
""",
    "1 - t**2",
    "1 - t",
)
LAYERS["triplet"] = (
    {"a": (3, 2), "pos": (3, 2), "neg": (3, 2)},
    """
import numpy as np

def triplet_forward(a, pos, neg, margin=1.0):
    '''a: (N, D), pos: (N, D), neg: (N, D)'''
    dp = ((a - pos)**2).sum(axis=1)
    dn = ((a - neg)**2).sum(axis=1)
    l = np.maximum(dp - dn + margin, 0)
    return l.mean(), (a, pos, neg, l)
def triplet_backward(dout, cache):
    a, pos, neg, l = cache
    m = (l > 0)[:, None] * dout / len(a)
    return 2 * m * (neg - pos), 2 * m * (pos - a), 2 * m * (a - neg)
""",
    "2 * m * (pos - a)",
    "2 * m * (a - pos)",
)


def wrong(name: str, text: str, shapes: dict[str, tuple[Any, ...]]) -> list[bool]:
    """Whether each gradient is none of difference quotients."""
    space: dict[str, Any] = {}
    exec(compile(text, name, "exec"), space)  # noqa: S102
    rng = np.random.default_rng(4)
    given = {key: rng.integers(0, one[-1], one[1:-1]) if one[:1] == ("labels",) else rng.normal(size=one)
             for key, one in shapes.items()}  # fmt: skip
    forward = space[f"{name}_forward"]
    out, cache = forward(**given)
    dout = rng.normal(size=np.shape(out))
    got = space[f"{name}_backward"](dout, cache)
    found = []
    reals = [key for key, one in given.items() if one.dtype == float]
    for key, mine in zip(reals, got if isinstance(got, tuple) else (got,), strict=False):
        want = np.zeros(given[key].shape)
        for place in np.ndindex(*want.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = {**given, key: given[key].copy()}
                moved[key][place] += step
                ends.append((forward(**moved)[0] * dout).sum())
            want[place] = (ends[0] - ends[1]) / 2e-6
        found.append(mine.shape != want.shape or not np.allclose(mine, want, atol=1e-5))
    return found


@pytest.mark.parametrize("slip", [False, True], ids=["right", "with a slip"])
@pytest.mark.parametrize("name", LAYERS)
def test_layers_as_people_write_them(name: str, slip: bool) -> None:
    shapes, text, right, other = LAYERS[name]
    assert right in text
    text = text.replace(right, other) if slip else text
    told = wrong(name, text, shapes)
    assert any(told) is slip
    proofs = sc.check(text, name, explain=False)
    assert [one.holds for one in proofs.values()] == [not one for one in told]


@pytest.mark.parametrize("name", ["rope", "up", "mish"])
def test_a_slip_has_its_line(name: str) -> None:
    _, text, right, other = LAYERS[name]
    changed = text.replace(right, other)
    line = next(k for k, (a, b) in enumerate(zip(text.splitlines(), changed.splitlines(), strict=True), 1) if a != b)
    lines = [one.line for one in sc.check(changed, name).values() if one.holds is False]
    assert lines == [line]
