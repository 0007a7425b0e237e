"""Pictures in turn: frames side by side, or an animation that steps over the cells of a plane."""

from __future__ import annotations

import re
from itertools import product

from symconv.notation.operator import Operator
from symconv.views.svg import drawing, label
from symconv.views.terms import Cell

__all__ = ["animated", "cells_in_turn", "storyboard"]

_ROWS, _COLUMNS, _STRIP = 4, 8, 16
"""Cells stepped over, from a corner on: part of a plane, or a strip. That shows border, inside and every class."""
_SECONDS = 1.6
_ACROSS = 1500.0
"""How wide frames side by side may be, in pixels."""
_SIZE = re.compile(r'<svg[^>]*? width="([\d.]+)" height="([\d.]+)"[^>]*>')
_GAP = 18.0


def cells_in_turn(op: Operator, shape: tuple[int, ...], cell: Cell | None) -> tuple[Cell, ...]:
    """The cells of the plane of the two last sliding axes through ``cell`` (or the first one), from its corner on.

    >>> import symconv as sc
    >>> cells_in_turn(sc.conv1d(), (1, 2, 3), None)
    ((0, 0, 0), (0, 0, 1), (0, 0, 2))
    """
    sliding = {name for w in op.windows for name in (w.size, w.kernel, w.extent)}
    axes = [k for k, axis in enumerate(op.output.axes) if any(str(size) in sliding for size in axis)]
    drawn = axes[-2:] or list(range(len(shape)))[-2:]
    most = (_STRIP,) if len(drawn) == 1 else (_ROWS, _COLUMNS)
    base = cell if cell is not None else (0,) * len(shape)
    found = []
    for place in product(*(range(min(shape[axis], bound)) for axis, bound in zip(drawn, most, strict=False))):
        at = list(base)
        for axis, k in zip(drawn, place, strict=True):
            at[axis] = k
        found.append(tuple(at))
    return tuple(found)


def _inner(svg: str) -> tuple[str, float, float]:
    """What a picture draws, and its size."""
    found = _SIZE.match(svg)
    assert found is not None, "a picture of symconv says its size"
    return svg[found.end() : svg.rindex("</svg>")], float(found[1]), float(found[2])


def storyboard(pictures: tuple[str, ...], title: str) -> str:
    """Frames side by side, in rows."""
    frames = [_inner(svg) for svg in pictures]
    wide, tall = max(w for _, w, _ in frames) + _GAP, max(h for _, _, h in frames) + _GAP
    across = max(1, min(len(frames), int(_ACROSS // wide)))
    parts = [
        f'<g transform="translate({k % across * wide:g} {k // across * tall:g})">{inner}</g>'
        for k, (inner, _, _) in enumerate(frames)
    ]
    return drawing(across * wide, -(-len(frames) // across) * tall, parts, title)


def animated(pictures: tuple[str, ...], title: str) -> str:
    """Frames in turn by CSS: they rest under the pointer; the first stands still where motion is not wanted, on paper,
    and where animations are not known."""
    frames = [_inner(svg) for svg in pictures]
    count = len(frames)
    width, height = max(w for _, w, _ in frames), max(h for _, _, h in frames) + 22
    parts = [_style(count)]
    for k, (inner, _, _) in enumerate(frames):
        hidden = "" if k == 0 else ' visibility="hidden"'
        place = label(14, height - 10, f"{k + 1} of {count}", "start", size=11)
        turn = f'class="sc-turn sc-turn-{count}" style="animation-delay:{k * _SECONDS:g}s"'
        parts.append(f"<g {turn}{hidden}>{inner}{place}</g>")
    return drawing(width, height, parts, title)


def _style(count: int) -> str:
    name, share = f"sc-turn-{count}", 100 / count
    frames = f"@keyframes {name}{{0%{{visibility:visible}}{share:.4f}%,100%{{visibility:hidden}}}}"
    runs = f".{name}{{animation:{name} {count * _SECONDS:g}s steps(1,end) infinite}}"
    rests = ".sc-turn:hover,svg:hover>.sc-turn{animation-play-state:paused}"
    still = (
        f"@media (prefers-reduced-motion:reduce){{.{name}{{animation:none}}}}@media print{{.{name}{{animation:none}}}}"
    )
    return f"<style>{frames}{runs}{rests}{still}</style>" if count > 1 else ""
