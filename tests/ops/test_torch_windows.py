"""Windows with another operation than the product against torch: pad, unfold, torch's gradients; every border."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

Array = np.ndarray[Any, Any]
BORDERS = ("zero", "skip", "reflect", "replicate", "circular", 1.5)
S, LO, HI, D = (2, 1), (1, 2), (2, 0), (1, 2)


def padded(torch: Any, x: Any, border: str | float, fill: float) -> Any:
    pads = (LO[1], HI[1], LO[0], HI[0])
    if border in ("reflect", "replicate", "circular"):
        return torch.nn.functional.pad(x, pads, mode=border)
    value = {"zero": 0.0, "skip": fill}.get(border, border)
    return torch.nn.functional.pad(x, pads, value=value)


def windows(torch: Any, x: Any, border: str | float, kernel: tuple[int, int], fill: float = 0.0) -> tuple[Any, Any]:
    """Every window as (N, 1, C, KH, KW, OH, OW), and whether each of its taps is taken."""

    def cut(image: Any) -> Any:
        n, c, h, w = image.shape
        flat = torch.nn.functional.unfold(image, kernel, dilation=D, stride=S)
        outs = [(size - d * (k - 1) - 1) // s + 1 for size, d, k, s in zip((h, w), D, kernel, S, strict=True)]
        return flat.reshape(n, 1, c, *kernel, *outs)

    inside = torch.nn.functional.pad(torch.ones_like(x), (LO[1], HI[1], LO[0], HI[0]))
    taken = cut(inside) > 0 if border == "skip" else torch.ones_like(cut(inside)) > 0
    return cut(padded(torch, x, border, fill)), taken


BODIES = {
    "adder2d": lambda t, x, w, on: -(t.abs(x - w) * on).sum((2, 3, 4)),
    "squared_distance2d": lambda t, x, w, on: (((x - w) ** 2) * on).sum((2, 3, 4)),
    "kervolution2d": lambda t, x, w, on: ((x * w * on).sum((2, 3, 4)) + 0.5) ** 3,
    "max_plus2d": lambda t, x, w, on: t.where(on, x + w, t.full_like(x + w, -np.inf)).amax((2, 3, 4)),
    "min_plus2d": lambda t, x, w, on: t.where(on, x + w, t.full_like(x + w, np.inf)).amin((2, 3, 4)),
    "avg_pool2d": lambda t, x, w, on: (x * on).sum((3, 4))[:, 0] / on.sum((3, 4))[:, 0],
    "max_pool2d": lambda t, x, w, on: t.where(on, x, t.full_like(x, -np.inf)).amax((3, 4))[:, 0],
}


def operator(name: str, border: str | float) -> Any:
    settings = {"stride": S, "padding": tuple(zip(LO, HI, strict=True)), "dilation": D, "border": border}
    if "pool" in name:
        return getattr(sc, name)((3, 2), **settings)
    extra = {"power": 3, "offset": 0.5} if name == "kervolution2d" else {}
    return getattr(sc, name)(**extra, **settings)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("name", BODIES)
def test_torch_agrees(name, border, lowered, interpreted) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    op = operator(name, border)
    arrays = {"x": rng.standard_normal((2, 2, 5, 6)), "w": rng.standard_normal((3, 2, 3, 2))}
    x, w = (torch.tensor(arrays[n], requires_grad=True) for n in "xw")
    cut, on = windows(torch, x, border, (3, 2))
    y = BODIES[name](torch, cut, w[None, :, :, :, :, None, None], on)
    arrays["gy"] = rng.standard_normal(tuple(y.shape))
    leaves = [leaf for leaf, n in ((x, "x"), (w, "w")) if n in op.tensors]
    wanted = torch.autograd.grad((y * torch.tensor(arrays["gy"])).sum(), leaves)
    results = {"": y.detach(), **dict(zip(op.tensors, wanted, strict=True))}
    for wrt, want in results.items():
        got = [float(v) for v in interpreted(lowered(op, wrt, proofs=False), arrays)]
        np.testing.assert_allclose(np.array(got).reshape(want.shape), want.numpy(), rtol=1e-11, atol=1e-11)
