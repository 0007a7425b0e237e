"""Words that make and use arrays of positions: ``arange``, ``repeat``, ``tile``, ``add.at``, windows that are views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symconv.code.arrays.grids import Grid, arranged, repeated, tiled
from symconv.code.arrays.rows import counted_rows, refitted
from symconv.code.held.boxes import array_of, boxed, current, loose_view
from symconv.code.held.elements import change, plan_of, scatter
from symconv.code.held.numbers import constant, integer
from symconv.code.held.operators import binary
from symconv.code.held.sequences import sequence
from symconv.code.held.state import State
from symconv.code.library.given import Given, Word, axes_of, axis_of
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import count_between, is_number, number_of
from symconv.code.values.kinds import in_words
from symconv.code.values.objects import Box, Slice, Strides
from symconv.notation.affine import Affine, affine, quotient
from symconv.notation.expr import equal, nonnegative
from symconv.prove.concrete.numbers import Misfit
from symconv.prove.meaning.value import Product

__all__ = ["POSITIONS", "arranged_positions", "repeated_positions", "spread_positions"]


def _arange(state: State, g: Given, name: str) -> Box:
    match [g[key] for key in ("start", "stop", "step") if g.get(key) is not None]:
        case [Product() as rows] if state.on.symbolic:
            return boxed(state, counted_rows(state.terms.walk.fresh, rows))
    given = [integer(state, g[key], "a bound of arange") for key in ("start", "stop", "step") if g.get(key) is not None]
    first, stop, by = {1: [affine(0), *given, affine(1)], 2: [*given, affine(1)]}.get(len(given), given)
    step = constant(state, by, "the step of arange")
    if step == 0:
        raise state.error("the step of arange is 0")
    count = count_between(first, stop, step)
    state.on.require(nonnegative(count), f"arange of {count} numbers")
    return boxed(state, state.on.counted(first, step, count))


def repeated_positions(state: State, box: Box, times: Any, name: str) -> Box:
    """``repeat`` of a flat array of positions, or ``tile``."""
    value = current(state, box)
    items: list[Any] = [number_of(one) for one in (times if isinstance(times, tuple | list) else [times])]
    if isinstance(value, Grid):
        items = [state.terms.short(one) for one in items]
        return boxed(state, repeated(value, items[0]) if name == "repeat" else tiled(value, items))
    counts = [int(constant(state, one, "a number of copies")) for one in items]
    if min(counts) < 0:
        raise Misfit("a negative number of copies")
    return boxed(state, np.repeat(value, counts[0]) if name == "repeat" else np.tile(value, counts))


def arranged_positions(state: State, box: Box, shape: list[Any]) -> Box:
    """``reshape`` of positions."""
    value = current(state, box)
    if isinstance(value, Grid):
        sizes = [state.terms.short(one) for one in shape]
        return boxed(state, arranged(refitted(value, sizes, state.terms.walk.alike), sizes))
    if state.on.symbolic:
        raise Outside("elements where positions are wanted", state.line)
    try:
        return boxed(state, value.reshape([constant(state, one, "a length") for one in shape]))
    except ValueError as problem:
        raise Misfit(str(problem)) from None


def spread_positions(state: State, box: Box, own: Sequence[Any], shape: Sequence[Any]) -> Box:
    """``expand`` of positions: axes of length 1 are as long as is wanted, others have to be."""
    for length, wanted in zip(reversed(own), reversed(shape), strict=False):
        if length != wanted and not state.on.decide(equal(length, wanted)):
            state.on.require(equal(length, affine(1)), f"an axis of length {length} is expanded to {wanted}")
    for k, length in enumerate(shape):
        row = boxed(state, state.on.counted(affine(0), 1, integer(state, length, "a length")))
        along = arranged_positions(state, row, [affine(-1) if m == k else affine(1) for m in range(len(shape))])
        box = binary(state, "+", box, binary(state, "*", along, affine(0)))
    return box


def _add_at(state: State, g: Given, name: str) -> None:
    box, index, value = g["a"], g["indices"], g["b"]
    if not isinstance(box, Box):
        raise state.error(f"add.at wants an array first; given {in_words(box)}")
    entries = index if isinstance(index, tuple) else (index,)
    plan = plan_of(state, current(state, box), entries)
    if any(state.on.positions(one) for one in plan):
        scatter(state, box, plan, array_of(state, value), 1, "at")
    else:
        change(state, box, plan, array_of(state, value), 1, False)


def _meshgrid(state: State, g: Given, name: str) -> list[Box]:
    boxes = list(g["arrays"])
    if len(boxes) != 2 or g.get("indexing", "xy") not in {"ij", "xy"}:
        raise Outside("meshgrid of other than two arrays", state.line)
    rows = boxes if g.get("indexing", "xy") == "ij" else boxes[::-1]
    ij = g.get("indexing", "xy") == "ij"
    found = []
    for k, box in enumerate(rows):
        shape = [affine(1), affine(1)]
        shape[k] = affine(-1)
        found.append(arranged_positions(state, box, shape))
    zero = [binary(state, "*", one, affine(0)) for one in found]
    whole = [binary(state, "+", found[0], zero[1]), binary(state, "+", found[1], zero[0])]
    return whole if ij else whole[::-1]


def _open(state: State, g: Given, name: str) -> tuple[Box, ...]:
    boxes = list(g["arrays"])
    shapes = [[affine(-1) if k == m else affine(1) for m in range(len(boxes))] for k in range(len(boxes))]
    return tuple(arranged_positions(state, box, shape) for box, shape in zip(boxes, shapes, strict=True))


# -- windows that are views
def _windows(state: State, g: Given, name: str) -> Box:
    """``sliding_window_view``: an axis of offsets for each axis that is slid over, at the end."""
    box = g["input"]
    array = array_of(state, box)
    rank = state.on.rank(array)
    shape = g["window_shape"]
    lengths = [integer(state, one, "a length") for one in ([shape] if is_number(shape) else sequence(state, shape))]
    given = g.get("axis")
    if given is None and len(lengths) != rank:
        raise state.error(f"sliding_window_view over {len(lengths)} axes of {rank} wants axis=")
    axes = (
        list(range(rank))
        if given is None
        else axes_of(state, given if is_number(given) else sequence(state, given), rank)
    )
    if len(axes) != len(lengths):
        raise state.error(f"{len(lengths)} lengths of windows for {len(axes)} axes")
    counts = [integer(state, state.on.size(array, axis), "a length") - taps + 1
              for axis, taps in zip(axes, lengths, strict=True)]  # fmt: skip
    return _slid(state, box, axes, counts, lengths, [1] * len(axes))


def _slid(
    state: State, box: Box, axes: list[int], counts: list[Affine], lengths: list[Affine], steps: list[int]
) -> Box:
    rank = state.on.rank(current(state, box))
    grids: dict[int, Box] = {}
    total = len(axes) * 2
    for k, (axis, count, taps, step) in enumerate(zip(axes, counts, lengths, steps, strict=True)):
        for one in (count, taps):
            state.on.require(nonnegative(one), f"windows of {taps} elements, {count} of them")
        rows = boxed(state, state.on.counted(affine(0), step, count))
        taps_ = boxed(state, state.on.counted(affine(0), 1, taps))
        at = [affine(1)] * total
        offset = [affine(1)] * total
        at[k], offset[len(axes) + k] = affine(-1), affine(-1)
        grids[axis] = binary(state, "+", arranged_positions(state, rows, at), arranged_positions(state, taps_, offset))
    kept = [k for k in range(rank) if k not in axes]
    moved = boxed(state, state.on.permute(array_of(state, box), [*kept, *axes]))
    plan = plan_of(state, current(state, moved), (*([Slice()] * len(kept)), *(grids[axis] for axis in axes)))
    found = boxed(state, state.on.pick(array_of(state, moved), plan))
    order = list(range(len(kept) + total))
    first = {**{k: n for n, k in enumerate(kept)}, **{axis: len(kept) + n for n, axis in enumerate(axes)}}
    lead = [first[k] for k in range(rank)]
    return loose_view(
        state, box, state.on.permute(array_of(state, found), [*lead, *[k for k in order if k not in lead]])
    )


def _tensor_windows(state: State, g: Given, name: str) -> Box:
    """``x.unfold(axis, size, step)`` of torch: windows of one axis, their elements along a new last one."""
    box = g["input"]
    array = array_of(state, box)
    axis = axis_of(state, g["axis"], state.on.rank(array))
    taps, step = integer(state, g["size"], "a length"), constant(state, g["step"], "a step")
    if step < 1:
        raise state.error("the step of unfold is at least 1")
    count = quotient(integer(state, state.on.size(array, axis), "a length") - taps, step) + 1
    return _slid(state, box, [axis], [count], [taps], [step])


def _strided(state: State, g: Given, name: str) -> Box:
    """``as_strided`` of an array of its own: each axis walks along one axis of it by whole steps."""
    box = g["input"]
    array = array_of(state, box)
    rank = state.on.rank(array)
    shape = [integer(state, one, "a length") for one in sequence(state, g["shape"])]
    strides = sequence(state, g["strides"])
    if len(shape) != len(strides) or not all(isinstance(one, Strides) and one.of is box for one in strides):
        raise Outside("as_strided is read with strides that are x.strides times numbers", state.line)
    forms: list[Any] = [None] * rank
    for k, (count, one) in enumerate(zip(shape, strides, strict=True)):
        state.on.require(nonnegative(count), f"an axis of {count} elements")
        at = [affine(-1) if m == k else affine(1) for m in range(len(shape))]
        part = arranged_positions(state, boxed(state, state.on.counted(affine(0), one.step, count)), at)
        forms[one.axis] = part if forms[one.axis] is None else binary(state, "+", forms[one.axis], part)
    entries = tuple(affine(0) if one is None else one for one in forms)
    return loose_view(state, box, state.on.pick(array, plan_of(state, array, entries)))


POSITIONS: dict[str, Word] = {
    "arange": _arange, "add_at": _add_at, "meshgrid": _meshgrid, "ix": _open, "windows": _windows,
    "strided": _strided, "tensor_unfold": _tensor_windows,
}  # fmt: skip
