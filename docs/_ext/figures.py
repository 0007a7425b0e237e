"""The figures of the gallery: each operator as one layer, beside what is written for it in torch.

``python docs/_ext/figures.py`` measures them and writes ``docs/measured/gallery/``. One thread each; the processor time
of the thread, so that other work on the machine counts for neither side; the least of many calls, in turns.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from torch.nn import functional

import symconv as sc
from symconv.bench.conditions import machine

FOLDER = Path(__file__).resolve().parents[1] / "measured" / "gallery"
SECONDS = 3.0
IMAGE, FILTERS = (4, 32, 28, 28), (32, 32, 3, 3)


def columns(x: Any, outside: float = 0.0) -> Any:
    """The 3 by 3 windows of ``x`` with one cell of padding: (N, C*9, H*W)."""
    return functional.unfold(functional.pad(x, (1, 1, 1, 1), value=outside), 3)


def matched(combine: Callable[[Any, Any], Any], outside: float = 0.0) -> Callable[..., Any]:
    """A window operator by ``unfold``: ``combine`` gets (N, 1, C*9, H*W) and (1, F, C*9, 1)."""

    def layer(x: Any, w: Any) -> Any:
        return combine(columns(x, outside)[:, None], w.flatten(1)[None, :, :, None]).unflatten(2, x.shape[2:])

    return layer


def by_place(x: Any, w: Any) -> Any:
    """Filters that differ from place to place, w (H, W, F, C, 3, 3)."""
    windows = columns(x).unflatten(1, (x.shape[1], 9))
    return torch.einsum("nctl,lfct->nfl", windows, w.flatten(4).flatten(0, 1)).unflatten(2, x.shape[2:])


def by_sample(x: Any, w: Any) -> Any:
    """Filters that differ from place to place and from sample to sample, w (N, H, W, 3, 3)."""
    windows = columns(x).unflatten(1, (x.shape[1], 9))
    return torch.einsum("nctl,nlt->ncl", windows, w.flatten(3).flatten(1, 2)).unflatten(2, x.shape[2:])


INF = float("inf")
LAYERS: dict[str, tuple[Any, tuple[tuple[int, ...], ...], str, Callable[..., Any]]] = {
    "conv": (sc.conv2d(padding=1), (IMAGE, FILTERS), "F.conv2d", lambda x, w: functional.conv2d(x, w, padding=1)),
    "conv_transpose": (
        sc.conv_transpose2d(stride=2, padding=1),
        ((4, 32, 14, 14), (32, 32, 4, 4)),
        "F.conv_transpose2d",
        lambda x, w: functional.conv_transpose2d(x, w, stride=2, padding=1),
    ),
    "conv_bias_act": (
        sc.conv_bias_act2d(padding=1),
        (IMAGE, FILTERS, (32,)),
        "F.conv2d and relu",
        lambda x, w, b: functional.conv2d(x, w, b, padding=1).relu(),
    ),
    "adder": (sc.adder2d(padding=1), (IMAGE, FILTERS), "F.unfold", matched(lambda u, w: -(u - w).abs().sum(2))),
    "squared_distance": (
        sc.squared_distance2d(padding=1),
        (IMAGE, FILTERS),
        "F.unfold",
        matched(lambda u, w: (u - w).square().sum(2)),
    ),
    "max_plus": (
        sc.max_plus2d(padding=1),
        (IMAGE, FILTERS),
        "F.unfold",
        matched(lambda u, w: (u + w).max(2).values, -INF),
    ),
    "min_plus": (
        sc.min_plus2d(padding=1),
        (IMAGE, FILTERS),
        "F.unfold",
        matched(lambda u, w: (u + w).min(2).values, INF),
    ),
    "kervolution": (
        sc.kervolution2d(padding=1),
        (IMAGE, FILTERS),
        "F.conv2d and a power",
        lambda x, w: (functional.conv2d(x, w, padding=1) + 1) ** 3,
    ),
    "max_pool": (
        sc.max_pool2d(3, 2, padding=1),
        ((8, 64, 56, 56),),
        "F.max_pool2d",
        lambda x: functional.max_pool2d(x, 3, 2, 1),
    ),
    "avg_pool": (
        sc.avg_pool2d(3, 2, padding=1),
        ((8, 64, 56, 56),),
        "F.avg_pool2d",
        lambda x: functional.avg_pool2d(x, 3, 2, 1),
    ),
    "locally_connected": (
        sc.locally_connected2d(padding=1),
        ((4, 16, 14, 14), (14, 14, 16, 16, 3, 3)),
        "F.unfold and einsum",
        by_place,
    ),
    "dynamic_filter": (
        sc.dynamic_filter2d(padding=1),
        (IMAGE, (4, 28, 28, 3, 3)),
        "F.unfold and einsum",
        by_sample,
    ),
}


def least(functions: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Milliseconds of the thread for one call of each, the least over the rounds."""
    found: dict[str, float] = {}
    started = time.perf_counter()
    while time.perf_counter() - started < SECONDS or len(found) < len(functions):
        for name, function in functions.items():
            before = time.thread_time()
            function()
            spent = (time.thread_time() - before) * 1e3
            found[name] = min(found.get(name, spent), spent)
    return {name: round(spent, 4) for name, spent in found.items()}


def measured(name: str) -> dict[str, Any]:
    """One layer, checked against torch and timed."""
    op, shapes, theirs, layer = LAYERS[name]
    draw = np.random.default_rng(0)
    arrays = [draw.normal(size=shape).astype("float32") for shape in shapes]
    kernel = sc.build(op, threads=1)
    tensors = [torch.from_numpy(a).clone().requires_grad_() for a in arrays]
    y = layer(*tensors)
    gy = draw.normal(size=y.shape).astype("float32")
    along = torch.from_numpy(gy)
    wanted = torch.autograd.grad(y, tensors, along, retain_graph=True)
    for mine, other in zip((kernel.forward(*arrays), *kernel.backward(gy, *arrays)), (y, *wanted), strict=True):
        scale = float(other.detach().abs().max())
        assert np.allclose(mine, other.detach().numpy(), atol=1e-4 * scale), name

    def forward() -> Any:
        with torch.no_grad():
            return layer(*tensors)

    times = least(
        {
            "forward": lambda: kernel.forward(*arrays),
            "torch forward": forward,
            "backward": lambda: kernel.backward(gy, *arrays),
            "torch backward": lambda: torch.autograd.grad(y, tensors, along, retain_graph=True),
        }
    )
    return {"operator": str(op).partition("\n")[0], "shapes": shapes, "torch": theirs, "ms": times}


def main() -> None:
    """Measure all, and write one record for this machine."""
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    about = {key: value for key, value in machine().items() if key in {"cpu", "caches", "numpy", "torch", "python"}}
    record = {"machine": about, "dtype": "float32", "threads": 1, "layers": {}}
    for name in LAYERS:
        record["layers"][name] = measured(name)
        print(name, record["layers"][name]["ms"], flush=True)
    (FOLDER / "figures.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
