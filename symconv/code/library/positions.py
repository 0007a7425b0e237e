"""Words that make and use arrays of positions: ``arange``, ``repeat``, ``tile``, ``add.at``, windows that are views."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from symconv.code.arrays.grids import Grid, arranged, repeated, tiled
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number, number_of
from symconv.code.values.objects import Box, Slice, Strides
from symconv.notation.affine import Affine, affine, quotient
from symconv.notation.expr import nonnegative
from symconv.prove.concrete.numbers import Misfit

if TYPE_CHECKING:
    from symconv.code.reading.calls import Calls as Reader
else:
    Reader = Any

__all__ = ["POSITIONS", "arranged_positions", "repeated_positions"]

Given = Mapping[str, Any]


def _arange(r: Reader, g: Given, name: str) -> Box:
    given = [r.integer(g[key], "a bound of arange") for key in ("start", "stop", "step") if g.get(key) is not None]
    first, stop, by = {1: [affine(0), *given, affine(1)], 2: [*given, affine(1)]}.get(len(given), given)
    step = r.constant(by, "the step of arange")
    if step == 0:
        raise r.error("the step of arange is 0")
    room = stop - first if step > 0 else first - stop
    count = quotient(room + abs(step) - 1, abs(step))
    r.on.require(nonnegative(count), f"arange of {count} numbers")
    return r.boxed(r.on.counted(first, step, count))


def repeated_positions(r: Reader, box: Box, times: Any, name: str) -> Box:
    """``repeat`` of a flat array of positions, or ``tile``."""
    value = r.current(box)
    items: list[Any] = [number_of(one) for one in (times if isinstance(times, tuple | list) else [times])]
    if isinstance(value, Grid):
        items = [r.on.short(one) for one in items]
        return r.boxed(repeated(value, items[0]) if name == "repeat" else tiled(value, items))
    counts = [int(r.constant(one, "a number of copies")) for one in items]
    if min(counts) < 0:
        raise Misfit("a negative number of copies")
    return r.boxed(np.repeat(value, counts[0]) if name == "repeat" else np.tile(value, counts))


def arranged_positions(r: Reader, box: Box, shape: list[Any]) -> Box:
    """``reshape`` of positions."""
    value = r.current(box)
    if isinstance(value, Grid):
        return r.boxed(arranged(value, [r.on.short(one) for one in shape]))
    try:
        return r.boxed(value.reshape([r.constant(one, "a length") for one in shape]))
    except ValueError as problem:
        raise Misfit(str(problem)) from None


def _add_at(r: Reader, g: Given, name: str) -> None:
    box, index, value = g["a"], g["indices"], g["b"]
    if not isinstance(box, Box):
        raise r.error(f"add.at wants an array first; given {r.kind(box)}")
    entries = index if isinstance(index, tuple) else (index,)
    plan = r.plan(r.current(box), entries)
    if any(r.on.positions(one) for one in plan):
        r.scatter(box, plan, r.array(value), 1, "at")
    else:
        r.change(box, plan, r.array(value), 1, False)


def _meshgrid(r: Reader, g: Given, name: str) -> list[Box]:
    boxes = list(g["arrays"])
    if len(boxes) != 2 or g.get("indexing", "xy") not in {"ij", "xy"}:
        raise Outside("meshgrid of other than two arrays", r.line)
    rows = boxes if g.get("indexing", "xy") == "ij" else boxes[::-1]
    ij = g.get("indexing", "xy") == "ij"
    found = []
    for k, box in enumerate(rows):
        shape = [affine(1), affine(1)]
        shape[k] = affine(-1)
        found.append(arranged_positions(r, box, shape))
    zero = [r.binary("*", one, affine(0)) for one in found]
    whole = [r.binary("+", found[0], zero[1]), r.binary("+", found[1], zero[0])]
    return whole if ij else whole[::-1]


def _open(r: Reader, g: Given, name: str) -> tuple[Box, ...]:
    boxes = list(g["arrays"])
    shapes = [[affine(-1) if k == m else affine(1) for m in range(len(boxes))] for k in range(len(boxes))]
    return tuple(arranged_positions(r, box, shape) for box, shape in zip(boxes, shapes, strict=True))


# -- windows that are views
def _windows(r: Reader, g: Given, name: str) -> Box:
    """``sliding_window_view``: an axis of offsets for each axis that is slid over, at the end."""
    box = g["input"]
    array = r.array(box)
    rank = r.on.rank(array)
    shape = g["window_shape"]
    lengths = [r.integer(one, "a length") for one in ([shape] if is_number(shape) else r.sequence(shape))]
    given = g.get("axis")
    if given is None and len(lengths) != rank:
        raise r.error(f"sliding_window_view over {len(lengths)} axes of {rank} wants axis=")
    axes = list(range(rank)) if given is None else [
        r.constant(one, "an axis") % rank for one in ([given] if is_number(given) else r.sequence(given))
    ]  # fmt: skip
    if len(axes) != len(lengths):
        raise r.error(f"{len(lengths)} lengths of windows for {len(axes)} axes")
    counts = [r.integer(r.on.size(array, axis), "a length") - taps + 1
              for axis, taps in zip(axes, lengths, strict=True)]  # fmt: skip
    return _slid(r, box, axes, counts, lengths, [1] * len(axes))


def _slid(r: Reader, box: Box, axes: list[int], counts: list[Affine], lengths: list[Affine], steps: list[int]) -> Box:
    rank = r.on.rank(r.current(box))
    grids: dict[int, Box] = {}
    total = len(axes) * 2
    for k, (axis, count, taps, step) in enumerate(zip(axes, counts, lengths, steps, strict=True)):
        for one in (count, taps):
            r.on.require(nonnegative(one), f"windows of {taps} elements, {count} of them")
        rows = r.boxed(r.on.counted(affine(0), step, count))
        taps_ = r.boxed(r.on.counted(affine(0), 1, taps))
        at = [affine(1)] * total
        offset = [affine(1)] * total
        at[k], offset[len(axes) + k] = affine(-1), affine(-1)
        grids[axis] = r.binary("+", arranged_positions(r, rows, at), arranged_positions(r, taps_, offset))
    kept = [k for k in range(rank) if k not in axes]
    moved = r.boxed(r.on.permute(r.array(box), [*kept, *axes]))
    plan = r.plan(r.current(moved), (*([Slice()] * len(kept)), *(grids[axis] for axis in axes)))
    found = r.boxed(r.on.pick(r.array(moved), plan))
    order = list(range(len(kept) + total))
    first = {**{k: n for n, k in enumerate(kept)}, **{axis: len(kept) + n for n, axis in enumerate(axes)}}
    lead = [first[k] for k in range(rank)]
    return r.loose(box, r.on.permute(r.array(found), [*lead, *[k for k in order if k not in lead]]))


def _tensor_windows(r: Reader, g: Given, name: str) -> Box:
    """``x.unfold(axis, size, step)`` of torch: windows of one axis, their elements along a new last one."""
    box = g["input"]
    array = r.array(box)
    axis = r.constant(g["axis"], "an axis") % r.on.rank(array)
    taps, step = r.integer(g["size"], "a length"), r.constant(g["step"], "a step")
    if step < 1:
        raise r.error("the step of unfold is at least 1")
    count = quotient(r.integer(r.on.size(array, axis), "a length") - taps, step) + 1
    return _slid(r, box, [axis], [count], [taps], [step])


def _strided(r: Reader, g: Given, name: str) -> Box:
    """``as_strided`` of an array of its own: each axis walks along one axis of it by whole steps."""
    box = g["input"]
    array = r.array(box)
    rank = r.on.rank(array)
    shape = [r.integer(one, "a length") for one in r.sequence(g["shape"])]
    strides = r.sequence(g["strides"])
    if len(shape) != len(strides) or not all(isinstance(one, Strides) and one.of is box for one in strides):
        raise Outside("as_strided is read with strides that are x.strides times numbers", r.line)
    forms: list[Any] = [None] * rank
    for k, (count, one) in enumerate(zip(shape, strides, strict=True)):
        r.on.require(nonnegative(count), f"an axis of {count} elements")
        at = [affine(-1) if m == k else affine(1) for m in range(len(shape))]
        part = arranged_positions(r, r.boxed(r.on.counted(affine(0), one.step, count)), at)
        forms[one.axis] = part if forms[one.axis] is None else r.binary("+", forms[one.axis], part)
    entries = tuple(affine(0) if one is None else one for one in forms)
    return r.loose(box, r.on.pick(array, r.plan(array, entries)))


POSITIONS: dict[str, Callable[[Reader, Given, str], Any]] = {
    "arange": _arange, "add_at": _add_at, "meshgrid": _meshgrid, "ix": _open, "windows": _windows,
    "strided": _strided, "tensor_unfold": _tensor_windows,
}  # fmt: skip
