"""Backward functions of several outputs: a cotangent for each, told by name or order, decided as plain loops compute."""

from __future__ import annotations

import importlib.util
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symconv as sc

OP = sc.operator(
    "s[n,f,i] = sum[c,p](x[n,c,2*i+p]*w[f,c,p]); y[n,f,i] = s[n,f,i]**2; t[n] = sum[c,u](x[n,c,u]*v[c])",
    outputs=("s", "y", "t"), name="three",
)  # fmt: skip
NAMES = ("gs", "gy", "gt", "x", "w", "v")
TEXT = """
import numpy as np
import torch
import torch.nn.functional as F


def windows(x, K, O, p):
    return x[:, :, p : p + 2 * O - 1 : 2]


def loops(gs, gy, gt, x, w, v):
    N, F, O = gs.shape
    K = w.shape[2]
    s = np.zeros_like(gs)
    for p in range(K):
        s += np.einsum("nci,fc->nfi", windows(x, K, O, p), w[:, :, p])
    d = gs + {two}s * gy
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    for p in range(K):
        dx[:, :, p : p + 2 * O - 1 : 2] += np.einsum("nfi,fc->nci", d, w[:, :, p])
        dw[:, :, p] = np.einsum("nfi,nci->fc", d, windows(x, K, O, p))
    dx += gt[:, None, None] * v[None, :, None]
    return dx, dw, (gt[:, None] * x.sum(2)).sum(0)


def by_name(x, w, v, dL_dt, dy, grad_s):
    dv = (dL_dt[:, None] * x.sum(2)).sum(0)
    return dv


def tupled(douts, x, w, v):
    gs, gy, gt = douts
    dv = (gt[:, None] * x.sum(2)).sum(0)
    return dv


def starred(x, w, v, *grads):
    dv = (grads[2][:, None] * x.sum(2)).sum(0)
    return dv


def by_order(up1, up2, up3, x, w, v):
    dv = (up3[:, None] * x.sum(2)).sum(0)
    return dv


def exchanged(up1, up2, up3, x, w, v):
    dv = np.einsum("nfi,nci->c", up1, x[:, :, : up1.shape[2]])
    return dv


class Three(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, v):
        s = F.conv1d(x, w, stride=2)
        ctx.save_for_backward(x, w, v, s)
        return s, s**2, torch.einsum("nci,c->n", x, v)

    @staticmethod
    def backward(ctx, a, b, c):
        x, w, v, s = ctx.saved_tensors
        d = a + {two}s * b
        gx = torch.nn.grad.conv1d_input(x.shape, w, d, stride=2) + c[:, None, None] * v[None, :, None]
        gw = torch.nn.grad.conv1d_weight(x, w.shape, d, stride=2)
        return gx, gw, (c[:, None] * x.sum(2)).sum(0)
"""
RIGHT, WRONG = TEXT.format(two="2 * "), TEXT.format(two="")


def scattered(gs: Any, gy: Any, gt: Any, x: Any, w: Any, v: Any) -> dict[str, Any]:
    """The gradients of the loss that the cotangents make, product by product."""
    (count, channels, length), (filters, _, taps) = x.shape, w.shape
    s = np.zeros_like(gs)
    cells = list(product(range(count), range(filters), range(gs.shape[2])))
    for (n, f, i), c, p in product(cells, range(channels), range(taps)):
        s[n, f, i] += x[n, c, 2 * i + p] * w[f, c, p]
    found = {"x": np.zeros_like(x), "w": np.zeros_like(w), "v": np.zeros_like(v)}
    for (n, f, i), c, p in product(cells, range(channels), range(taps)):
        handed = gs[n, f, i] + 2 * s[n, f, i] * gy[n, f, i]
        found["x"][n, c, 2 * i + p] += handed * w[f, c, p]
        found["w"][f, c, p] += handed * x[n, c, 2 * i + p]
    for n, c, u in product(range(count), range(channels), range(length)):
        found["x"][n, c, u] += gt[n] * v[c]
        found["v"][c] += gt[n] * x[n, c, u]
    return found


def loaded(text: str, folder: Path) -> Any:
    """The text as a module."""
    file = folder / "three.py"
    file.write_text(text)
    spec = importlib.util.spec_from_file_location("three", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("text", "name"), list(product((RIGHT, WRONG), ("loops", "Three"))))
def test_gradients_of_all_cotangents_are_decided(text: str, name: str) -> None:
    proofs = sc.prove(OP, code=text, name=name, explain=False)
    assert {key: proof.holds for key, proof in proofs.items()} == {"x": text is RIGHT, "w": text is RIGHT, "v": True}
    assert proofs.holds is (text is RIGHT)


@pytest.mark.parametrize("text", [RIGHT, WRONG])
def test_a_decision_is_what_python_computes(text: str, tmp_path: Path) -> None:
    plain = text.partition("class Three")[0].replace("import torch\nimport torch.nn.functional as F\n", "")
    run = loaded(plain, tmp_path).loops
    proofs = sc.prove(OP, code=text, name="loops", explain=False)
    rng = np.random.default_rng(0)
    for n, c, length, f, taps in [(1, 1, 1, 1, 1), (2, 3, 7, 4, 3), (3, 2, 6, 1, 2), (2, 1, 5, 3, 5)]:
        shapes = {"x": (n, c, length), "w": (f, c, taps), "v": (c,)}
        shapes |= {f"g{key}": shape for key, shape in OP.output_shapes(**shapes).items()}
        given = {key: rng.integers(1, 50, shape) for key, shape in shapes.items()}
        want = scattered(**given)
        for (key, proof), got in zip(proofs.items(), run(*(given[k] for k in NAMES)), strict=True):
            assert proof.fails(**shapes) != np.array_equal(got, want[key]), (key, shapes)


@pytest.mark.parametrize(
    ("name", "holds"),
    [("by_name", True), ("tupled", True), ("starred", True), ("by_order", True), ("exchanged", False)],
)
def test_cotangents_are_told_by_name_or_by_order(name: str, holds: bool) -> None:
    assert sc.prove(OP, code=RIGHT, name=name, explain=False)["v"].holds is holds


def test_the_line_of_a_wrong_gradient_is_named() -> None:
    proof = sc.prove(OP, code=WRONG, name="Three")["w"]
    assert proof.counterexample is not None
    assert proof.line is not None
    assert "a + s * b" in WRONG.splitlines()[proof.line - 1] or "conv1d_weight" in WRONG.splitlines()[proof.line - 1]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def f(gs, gy, gt, x, w, v):\n    return x\n", "say which gradient it is, with returns="),
        ("def f(gs, gy, q, x, w, v):\n    return gs, gy, q\n", "what q is cannot be told by its name"),
    ],
)
def test_what_cannot_be_told_is_asked_for(code: str, words: str) -> None:
    with pytest.raises(sc.SpecError, match=words):
        sc.prove(OP, code=code, name="f")


@pytest.mark.full
def test_torch_itself_computes_it(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    three = loaded(RIGHT, tmp_path).Three
    rng = np.random.default_rng(0)
    given = [torch.tensor(rng.normal(size=shape), requires_grad=True) for shape in ((2, 3, 8), (4, 3, 3), (3,))]
    assert torch.autograd.gradcheck(three.apply, given)
    assert sc.prove(OP, code=RIGHT, name="Three", explain=False).holds
