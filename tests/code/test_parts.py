"""Axes that are cut into parts whose size is a size itself: halves, gates, heads, channels that are shuffled.

Each verdict is compared with the function as it runs, beside differences of the forward function, at many sizes.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest

import symconv as sc

STEP = 1e-4


@dataclass(frozen=True)
class Layer:
    """A formula, the same in NumPy, and the shapes its tensors have for two small numbers."""

    formula: str
    parts: dict[str, int]
    forward: Callable[..., Any]
    shapes: Callable[[int, int], dict[str, tuple[int, ...]]]


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def _shuffled(x: Any) -> Any:
    (n, c), rest = x.shape[:2], x.shape[2:]
    return np.swapaxes(x.reshape(n, 2, c // 2, *rest), 1, 2).reshape(x.shape)


def _pixels(x: Any) -> Any:
    n, c, h, w = x.shape
    y = np.zeros((n, c // 4, 2 * h, 2 * w))
    for p, q in product(range(2), range(2)):
        y[:, :, p::2, q::2] = x[:, 2 * p + q :: 4]
    return y


def _depth(x: Any) -> Any:
    return np.concatenate([x[:, :, p::2, q::2] for p in range(2) for q in range(2)], axis=1)


def _scores(q: Any, k: Any) -> Any:
    half = q.shape[2] // 2
    return np.stack([np.einsum("ntd,nsd->nts", q[:, :, at : at + half], k[:, :, at : at + half])
                     for at in (0, half)], axis=1)  # fmt: skip


def _gates(a: Any) -> Any:
    i, f, g = (a[:, k::1][:, : a.shape[1] // 3] for k in (0, a.shape[1] // 3, 2 * (a.shape[1] // 3)))
    return i * f + np.tanh(g)


def _halves(x: Any) -> tuple[Any, Any]:
    return x[:, : x.shape[1] // 2], x[:, x.shape[1] // 2 :]


LAYERS = {
    "product": Layer("h[n,(g,c)] = x[n,(g,c)]; y[n,c] = h[n,(0,c)]*h[n,(1,c)]", {"g": 2},
                     lambda x: np.multiply(*_halves(x)), lambda m, k: {"x": (m, 2 * k)}),
    "glu": Layer("h[n,(g,c)] = x[n,(g,c)]; y[n,c] = h[n,(0,c)]*sigmoid(h[n,(1,c)])", {"g": 2},
                 lambda x: _halves(x)[0] * _sigmoid(_halves(x)[1]), lambda m, k: {"x": (m, 2 * k)}),
    "gates": Layer("h[n,(g,c)] = a[n,(g,c)]; y[n,c] = h[n,(0,c)]*h[n,(1,c)] + tanh(h[n,(2,c)])", {"g": 3},
                   _gates, lambda m, k: {"a": (m, 3 * k)}),
    "shuffle": Layer("y[n,(c,g),i] = x[n,(g,c),i]", {"g": 2}, _shuffled, lambda m, k: {"x": (m, 2 * k, 3)}),
    "pixels": Layer("y[n,c,(i,p),(j,q)] = x[n,(c,p,q),i,j]", {"p": 2, "q": 2},
                    _pixels, lambda m, k: {"x": (2, 4 * m, k, m)}),
    "depth": Layer("y[n,(p,q,c),i,j] = x[n,c,(i,p),(j,q)]", {"p": 2, "q": 2},
                   _depth, lambda m, k: {"x": (2, k, 2 * m, 2 * k)}),
    "scores": Layer("y[n,h,t,s] = sum[d](q[n,t,(h,d)]*k[n,s,(h,d)])", {"h": 2},
                    _scores, lambda m, k: {"q": (2, m, 2 * k), "k": (2, 3, 2 * k)}),
}  # fmt: skip

HALVES = "C = x.shape[1] // 2; a, b = x[:, :C], x[:, C:]; "
GATES = "H = a.shape[1] // 3; i, f, g = np.split(a, 3, axis=1); t = np.tanh(g); "
CASES = [
    ("product", HALVES + "return np.concatenate((dout * b, dout * a), axis=1)", True),
    ("product", HALVES + "return np.hstack([dout * b, dout * a])", True),
    ("product", HALVES + "return np.hstack([dout * a, dout * b])", False),
    ("product", "a, b = np.hsplit(x, 2); return np.concatenate((dout * b, dout * a), axis=-1)", True),
    ("product", "a, b = np.split(x, [x.shape[1] // 2], axis=1); return np.hstack((dout * b, dout * a))", True),
    ("product", HALVES + "dx = np.zeros_like(x); dx[:, :C] = dout * b; dx[:, C:] = dout * a; return dx", True),
    ("product", HALVES + "dx = np.zeros_like(x); dx[:, :C] += dout * b; dx[:, C:2*C] += dout * a; return dx", True),
    ("product", HALVES + "dx = np.zeros_like(x); dx[:, :C] = dout * b; dx[:, :C] = dout * a; return dx", False),
    ("product", HALVES + "dx = np.empty_like(x); dx[:, :C] = dout * b; dx[:, C:] = dout * b; return dx", False),
    ("product", "C = x.shape[1] // 2; dx = np.zeros_like(x); "
                "for c in range(C):\n    dx[:, c] = dout[:, c] * x[:, C + c]\n    dx[:, C + c] = dout[:, c] * x[:, c]\n"
                "return dx", True),
    ("product", "x3 = x.reshape(x.shape[0], 2, -1); return (dout[:, None] * x3[:, ::-1]).reshape(x.shape)", True),
    ("product", "x3 = x.reshape(x.shape[0], 2, -1); return (dout[:, None] * x3).reshape(x.shape)", False),
    ("glu", HALVES + "s = 1 / (1 + np.exp(-b)); return np.concatenate((dout * s, dout * a * s * (1 - s)), axis=1)",
     True),
    ("glu", HALVES + "s = 1 / (1 + np.exp(-b)); return np.concatenate((dout * s, dout * a * s), axis=1)", False),
    ("gates", GATES + "return np.hstack((dout * f, dout * i, dout * (1 - t**2)))", True),
    ("gates", GATES + "return np.hstack((dout * f, dout * i, dout * (1 - t)))", False),
    ("gates", GATES + "da = np.zeros_like(a); da[:, :H] = dout * f; da[:, H:2*H] = dout * i; "
              "da[:, 2*H:] = dout * (1 - t * t); return da", True),
    ("gates", GATES + "da = np.zeros_like(a); da[:, :H] = dout * f; da[:, H:2*H] = dout * i; "
              "da[:, H:2*H] = dout * (1 - t * t); return da", False),
    ("shuffle", "n, c, l = dout.shape; return dout.reshape(n, c // 2, 2, l).transpose(0, 2, 1, 3).reshape(n, c, l)",
     True),
    ("shuffle", "n, c, l = dout.shape; return dout.reshape(n, 2, c // 2, l).transpose(0, 2, 1, 3).reshape(n, c, l)",
     False),
    ("shuffle", "return np.concatenate((dout[:, 0::2], dout[:, 1::2]), axis=1)", True),
    ("shuffle", "dx = np.zeros_like(x); dx[:, 0::2], dx[:, 1::2] = np.split(dout, 2, axis=1); return dx", False),
    ("pixels", "n, c, h, w = x.shape; "
               "return dout.reshape(n, c // 4, h, 2, w, 2).transpose(0, 1, 3, 5, 2, 4).reshape(x.shape)", True),
    ("pixels", "n, c, h, w = x.shape; "
               "return dout.reshape(n, c // 4, h, 2, w, 2).transpose(0, 1, 5, 3, 2, 4).reshape(x.shape)", False),
    ("depth", "n, c, h, w = x.shape; "
              "return dout.reshape(n, 2, 2, c, h // 2, w // 2).transpose(0, 3, 4, 1, 5, 2).reshape(n, c, h, w)", True),
    ("depth", "n, c, h, w = x.shape; "
              "return dout.reshape(n, 2, 2, c, h // 2, w // 2).transpose(0, 3, 4, 2, 5, 1).reshape(n, c, h, w)", False),
    ("scores", "n, t, d = q.shape; kh = k.reshape(n, -1, 2, d // 2).transpose(0, 2, 1, 3); "
               "return (dout @ kh).transpose(0, 2, 1, 3).reshape(n, t, d)", True),
    ("scores", "n, t, d = q.shape; kh = k.reshape(n, -1, 2, d // 2).transpose(0, 2, 1, 3); "
               "return (dout @ kh).reshape(n, t, d)", False),
]  # fmt: skip


def _source(layer: Layer, body: str) -> str:
    """The statements of a body as a function; indented ones belong to the loop before."""
    names = ", ".join(layer.shapes(1, 1))
    lines = [line.removeprefix(" ") for line in body.replace("; ", "\n").split("\n")]
    lines = ["    " + line.lstrip() if line.startswith("  ") else line for line in lines]
    return f"import numpy as np\ndef backward(dout, {names}):\n" + textwrap.indent("\n".join(lines), "    ") + "\n"


def _runs_right(layer: Layer, source: str) -> bool:
    """Whether the first gradient is right at every size that is tried, as the function runs."""
    space: dict[str, Any] = {}
    exec(compile(source, "code", "exec"), space)  # noqa: S102
    rng = np.random.default_rng(0)
    for m, k in product(range(1, 4), range(1, 5)):
        arrays = {name: rng.integers(-3, 4, shape).astype(float) for name, shape in layer.shapes(m, k).items()}
        dout = rng.integers(-3, 4, layer.forward(**arrays).shape).astype(float)
        name = next(iter(arrays))
        wanted = np.zeros_like(arrays[name])
        for at in np.ndindex(wanted.shape):
            ends = []
            for sign in (1, -1):
                moved = {key: array.copy() for key, array in arrays.items()}
                moved[name][at] += sign * STEP
                ends.append((layer.forward(**moved) * dout).sum())
            wanted[at] = (ends[0] - ends[1]) / (2 * STEP)
        try:
            found = space["backward"](dout, **{key: array.copy() for key, array in arrays.items()})
        except ValueError:
            return False
        if found.shape != wanted.shape or not np.allclose(found, wanted, atol=1e-5):
            return False
    return True


@pytest.mark.parametrize(("name", "body", "holds"), CASES)
def test_a_function_that_cuts_axes_is_decided_as_it_runs(name: str, body: str, holds: bool) -> None:
    layer = LAYERS[name]
    source = _source(layer, body)
    assert _runs_right(layer, source) is holds
    op = sc.operator(layer.formula, extents=layer.parts)
    first = next(iter(layer.shapes(1, 1)))
    proofs = sc.prove(op, code=source, returns=(first,), explain=False)
    assert proofs[first].holds is holds


TORCH = {
    "chunk": "a, b = x.chunk(2, 1)",
    "split": "a, b = torch.split(x, (x.shape[1] + 1) // 2, dim=1)",
    "sizes": "a, b = x.split([x.shape[1] - 1, 1], dim=1)",
    "three": "a, b, c = x.chunk(3, 1)",
}


@pytest.mark.parametrize("name", TORCH)
def test_parts_that_torch_makes_of_any_length(name: str) -> None:
    torch = pytest.importorskip("torch")
    more = ", c" if "c =" in TORCH[name] else ""
    source = f"import torch\ndef backward(dout, x):\n    {TORCH[name]}\n    return dout * torch.cat((a, b{more}), 1)\n"
    space: dict[str, Any] = {}
    exec(compile(source, name, "exec"), space)  # noqa: S102
    proof = sc.prove(sc.operator("y[n,i] = x[n,i]**2/2"), code=source, explain=False)["x"]
    assert proof.holds is (name == "sizes")
    for length in range(1, 14):
        x = torch.arange(1, length + 1, dtype=torch.float64)[None]
        try:
            right = torch.equal(space["backward"](torch.ones_like(x), x), x)
        except ValueError:
            right = False
        assert proof.fails(x=(1, length)) is not right
