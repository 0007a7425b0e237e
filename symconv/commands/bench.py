"""``symconv bench``: how fast a specialised kernel is here, and how torch does on the same work. It only reports."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from symconv.bench.layers import SUITE
from symconv.bench.measure import Measurement, Row, measure
from symconv.bench.timing import Timing
from symconv.commands.outcome import RIGHT
from symconv.commands.progress import stage
from symconv.commands.request import requested
from symconv.errors import SpecError
from symconv.notation.operator import Operator

__all__ = ["bench", "restart_with_allocator"]

# glibc hands large outputs back to the system at every call: 17 ms of page faults per 38 MB, for whoever is measured.
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
    "MALLOC_TOP_PAD_": "268435456",
}


def restart_with_allocator() -> None:
    """Start this process over with the allocator settings both sides are measured under, unless it has them."""
    if sys.platform != "linux" or all(name in os.environ for name in ALLOCATOR):
        return
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **ALLOCATOR})


def bench(
    op: str | None,
    settings: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]],
    suite: bool,
    dtype: str,
    threads: int,
    repeat: int,
) -> int:
    """Measure one operator at ``shapes``, or the suite; prints a block for each."""
    layers = list(_layers(op, settings, shapes, suite))
    print(_conditions(dtype, threads, repeat))
    for name, operator, chosen, sizes in layers:
        with stage(f"measuring {name}"):
            found = measure(operator, chosen, sizes, dtype, threads, repeat)
        print("\n".join(("", *_block(name, found, threads))), flush=True)
    return RIGHT


Task = tuple[str, Operator, Mapping[str, Any], Mapping[str, tuple[int, ...]]]


def _layers(
    op: str | None, settings: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], suite: bool
) -> Iterator[Task]:
    if suite:
        if op not in (None, "conv2d") or shapes:
            raise SpecError("--suite is a set of conv2d layers: leave out OP and --shape")
        for layer in SUITE:
            chosen = {**settings, **dict(layer.settings)}
            yield layer.name, requested("conv2d", chosen), chosen, layer.shapes
        return
    if op is None:
        raise SpecError(
            "OP is wanted, as in `symconv bench conv2d --shape x=8,64,56,56 --shape w=64,64,3,3`, or --suite"
        )
    operator = requested(op, settings)
    if missing := [name for name in operator.tensors if name not in shapes]:
        raise SpecError(
            f"{operator.name} is measured at concrete sizes: --shape is wanted for {', '.join(missing)}, "
            "as in --shape x=8,64,56,56 --shape w=64,64,3,3"
        )
    yield operator.name, operator, settings, shapes


def _conditions(dtype: str, threads: int, repeat: int) -> str:
    ready = all(name in os.environ for name in ALLOCATOR)
    allocator = "kept by glibc between calls (MALLOC_* set)" if ready else "default allocator settings"
    return (
        f"{dtype}, threads: {threads}, {repeat} samples in turns; memory: {allocator}; "
        f"ratios of {'medians' if threads == 1 else 'minima'}\n"
        "kernels are specialised to the sizes shown; FLOP: 2 per (tap, output) term, taps on the padding included"
    )


def _block(name: str, found: Measurement, threads: int) -> Iterator[str]:
    sizes = "  ".join(f"{tensor} {'x'.join(map(str, shape))}" for tensor, shape in found.shapes.items())
    title = name if name == found.operator else f"{name}: {found.operator}"
    yield f"{title}, {found.algorithm}, specialised to {sizes}"
    for row in found.rows:
        yield _line(row, threads)
    if found.alone:
        yield f"  no comparison: {found.alone}"


def _line(row: Row, threads: int) -> str:
    def figure(timing: Timing) -> float:
        return timing.median if threads == 1 else timing.minimum

    ours = figure(row.ours)
    rate = f"{row.flops / ours / 1e9:8.1f} GFLOP/s" if row.flops else " " * 16
    text = f"  {row.direction:<9}{_seconds(ours):>10}  {rate}"
    if row.torch:
        best = min(row.torch, key=lambda name: figure(row.torch[name]))
        theirs = figure(row.torch[best])
        text += f"  torch {_seconds(theirs):>10} ({best})  torch/ours {theirs / ours:6.2f}"
    return text.rstrip()


def _seconds(value: float) -> str:
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if value * factor >= 1:
            return f"{value * factor:.2f} {unit}"
    return f"{value * 1e6:.2f} µs"
