"""A run's record as one SVG: the ratio of every layer as a bar, and the roofline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import ceil, floor, log10
from typing import Any

from symconv.views.svg import circle, drawing, grounded, label, line, rect

__all__ = ["chart"]

Record = Mapping[str, Any]
Scale = Callable[[float], float]
_NAMES, _BARS, _ROW, _TOP = 290.0, 520.0, 18.0, 44.0
_ROOF = 420.0
_GREY = 7  # of the palette: grey


def chart(found: Record) -> str:
    """Bars and roofline, one colour per class.

    A bar is torch's time over ours for all gradients together, on a logarithmic scale; a point of the roofline is a
    layer's gradients together, its place across operations per byte that no method can do without.
    """
    classes = list(found["summary"]["classes"])
    height = _TOP + _ROW * len(found["layers"]) + 60.0
    title = f"{found['machine']['cpu']}, {found['dtype']}, target {found['target']}, threads: {found['threads']}"
    parts = [
        label(16, 22, title, "start", size=14),
        *_bars(found["layers"], classes),
        *_roofline(found, classes, height),
    ]
    return grounded(drawing(_NAMES + _BARS + 100, height + _ROOF + 60, parts, f"symconv bench: {title}"))


def _bars(layers: list[Record], classes: list[str]) -> Iterator[str]:
    ratios = [layer["directions"]["backward"]["ratio"] for layer in layers]
    known = [ratio for ratio in ratios if ratio] or [1.0]
    low, high = min(floor(log10(min(known)) * 2) / 2, -0.5), max(ceil(log10(max(known)) * 2) / 2, 0.5)

    def place(ratio: float) -> float:
        return _NAMES + _BARS * (log10(ratio) - low) / (high - low)

    bottom = _TOP + _ROW * len(layers)
    yield line(place(1.0), _TOP - 6, place(1.0), bottom, _GREY)
    for ratio in (r for r in (0.01, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if low <= log10(r) <= high):
        yield line(place(ratio), bottom, place(ratio), bottom + 5, _GREY)
        yield label(place(ratio), bottom + 18, f"{ratio:g}", size=11)
    yield label(_NAMES, bottom + 36, "time of torch / time of symconv, all gradients together", "start", size=11)
    for number, (layer, ratio) in enumerate(zip(layers, ratios, strict=True)):
        y, start, end = _TOP + _ROW * number, place(1.0), place(ratio or 1.0)
        yield label(_NAMES - 8, y + 11, f"{layer['cls']}: {layer['name']}  {number + 1}", "end", size=11)
        if ratio:
            said = f"{layer['name']}: {ratio:.2f}, {layer['algorithm']}"
            width = max(abs(end - start), 1.0)
            yield rect(min(start, end), y, width, _ROW - 5, classes.index(layer["cls"]), said)
        yield label(max(start, end) + 4, y + 11, f"{ratio:.2f}" if ratio else "torch has none", "start", size=11)


def _roofline(found: Record, classes: list[str], top: float) -> Iterator[str]:
    points = [
        (one["flop"] / one["bytes"], one["gflops"], layer)
        for layer in found["layers"]
        if (one := layer["directions"]["backward"])["flop"]
    ]
    if not points:
        return
    peak, speeds = found["ceilings"]["gflops"], found["ceilings"]["reads"]
    left, right = (
        floor(log10(min(p[0] for p in points))),
        ceil(log10(max(peak / speeds[-1]["gbs"], *(p[0] for p in points)))),
    )
    low, high = floor(log10(min(p[1] for p in points))), ceil(log10(max(peak, *(p[1] for p in points))))

    def across(value: float) -> float:
        return 70 + (_NAMES + _BARS - 90) * (log10(value) - left) / (right - left)

    def up(value: float) -> float:
        return top + 20 + (_ROOF - 60) * (high - log10(value)) / (high - low)

    yield from _axes((left, right), (low, high), across, up)
    for number, one in enumerate(speeds):
        knee = min(max(peak / one["gbs"], 10.0**left), 10.0**right)
        start = max(10.0**left, 10.0**low / one["gbs"])
        if start < knee:
            yield line(across(start), up(start * one["gbs"]), across(knee), up(knee * one["gbs"]), _GREY)
            place = min(start * 1.6**number, knee)  # beside each other where two lines are close
            yield label(across(place) + 4, up(place * one["gbs"]) - 4, one["level"], "start", size=11)
    yield line(
        across(max(10.0**left, min(peak / speeds[0]["gbs"], 10.0**right))), up(peak), across(10.0**right), up(peak), 1
    )
    yield label(across(10.0**right), up(peak) - 6, f"{peak:.0f} GFLOP/s", "end", size=11)
    for intensity, rate, layer in points:
        yield circle(across(intensity), up(rate), 4.0, classes.index(layer["cls"]))
        yield label(across(intensity) + 6, up(rate) + 3, str(found["layers"].index(layer) + 1), "start", size=9)
    for number, cls in enumerate(classes):
        yield circle(_NAMES + _BARS - 10, top + 40 + 16 * number, 4.0, number)
        yield label(_NAMES + _BARS, top + 44 + 16 * number, cls, "start", size=11)


def _axes(xs: tuple[int, int], ys: tuple[int, int], across: Scale, up: Scale) -> Iterator[str]:
    """Two axes with a mark and its value at every power of ten."""
    (left, right), (low, high) = xs, ys
    start, base = across(10.0**left), up(10.0**low)
    yield line(start, base, across(10.0**right), base, _GREY)
    yield line(start, base, start, up(10.0**high), _GREY)
    for power in range(left, right + 1):
        yield line(across(10.0**power), base, across(10.0**power), base + 5, _GREY)
        yield label(across(10.0**power), base + 18, f"{10.0**power:g}", size=11)
    for power in range(low, high + 1):
        yield line(start - 5, up(10.0**power), start, up(10.0**power), _GREY)
        yield label(start - 8, up(10.0**power) + 4, f"{10.0**power:g}", "end", size=11)
    yield label(
        start, base + 36, "GFLOP/s over operations per byte; points have the numbers of the bars", "start", size=11
    )
