"""The loop nests of a gradient beside its cells: which lines compute a cell, and the values of the loops there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from symconv.errors import InternalError
from symconv.loops.ir import Kernel
from symconv.loops.memory import OverrunError
from symconv.verify.grid import Array
from symconv.views.highlight import highlighted
from symconv.views.lesson.listing import Listing, listing
from symconv.views.lesson.numbers import Numbers
from symconv.views.lesson.tracing import Trace, Visit, traced

__all__ = ["Loops", "loops_of"]


@dataclass(frozen=True, slots=True)
class Loops:
    """Lines of a kernel as HTML with their numbers, and for each cell which of them compute it.

    ``chosen`` are the sets of lines, ``cells`` which set belongs to a cell and the values of its loops.
    """

    title: str
    lines: tuple[str, ...]
    numbers: tuple[int, ...]
    chosen: tuple[tuple[int, ...], ...]
    cells: Mapping[int, tuple[int, str]]


def loops_of(
    kernel: Kernel, numbers: Numbers, cells: Iterable[int], title: str, source: str | None = None
) -> Loops | None:
    """A kernel run on the numbers, the nests that no cell needs left out; with ``source``, as they stand in there.

    None where a run takes too long, or where the text of the nests is not in ``source``. Raises InternalError where
    the nests compute another number than the derivation.
    """
    if kernel.parameters:
        return None
    arrays = {b.name: numbers.arrays[b.name] for b in kernel.buffers if b.role == "in"}
    try:
        trace = traced(kernel, {name: (array.shape, array.ravel().tolist()) for name, array in arrays.items()})
    except OverrunError:
        return None
    _compare(kernel, trace, numbers.arrays[kernel.result.name])
    shown = {at: trace.visits.get(at, ()) for at in cells}
    text = listing(kernel)
    kept = sorted({visit.path[0] for visits in shown.values() for visit in visits})
    places = [_numbers(kernel, text, nest, source) for nest in kept]
    if any(place is None for place in places):
        return None
    return _loops(title, text, kept, [place for place in places if place is not None], shown)


def _compare(kernel: Kernel, trace: Trace, wanted: Array) -> None:
    got = np.array(trace.values, dtype=object).astype(np.float64)
    if not np.allclose(got, wanted.ravel().astype(np.float64), rtol=1e-6, atol=1e-6, equal_nan=True):
        raise InternalError(f"{kernel.name}: the loop nests compute another number than the derivation says")


def _loops(
    title: str, text: Listing, kept: list[int], places: list[tuple[int, ...]], shown: Mapping[int, tuple[Visit, ...]]
) -> Loops:
    lines = [line for nest in kept for line in text.nests[nest]]
    at = {line: k for k, line in enumerate(lines)}
    sets: dict[tuple[int, ...], int] = {}
    cells = {}
    paths = {visit.path for visits in shown.values() for visit in visits}
    known = {path: text.lines_of(path) for path in paths}
    for cell, visits in shown.items():
        mine = tuple(sorted({at[line] for visit in visits for line in known[visit.path]}))
        cells[cell] = (sets.setdefault(mine, len(sets)), _values(visits))
    numbered = tuple(number for place in places for number in place)
    return Loops(title, tuple(highlighted(text.lines[line]) for line in lines), numbered, tuple(sets), cells)


def _values(visits: tuple[Visit, ...]) -> str:
    """The loops' values where the last statement stores: earlier ones start the cell or add other pieces."""
    return ", ".join(f"{name} = {value}" for name, value in visits[-1].scope) if visits else ""


def _numbers(kernel: Kernel, text: Listing, nest: int, source: str | None) -> tuple[int, ...] | None:
    """The numbers of a nest's lines, where there is a ``source`` those in it."""
    lines = text.nests[nest]
    if source is None:
        return tuple(line + 1 for line in lines)
    body = [f"    {text.lines[line]}" for line in lines[2:]]
    whole = source.splitlines()
    head = re.compile(rf"cdef sc_nest \w+_{re.escape(kernel.result.name)}_{nest}\(")
    for start, line in enumerate(whole):
        if head.match(line):
            opened = next((k for k in range(start, len(whole)) if whole[k].endswith("in range(sc_begin, sc_end):")), 0)
            if whole[opened + 1 : opened + 1 + len(body)] == body:
                said = next((k for k in range(start, opened) if whole[k].strip() == text.lines[lines[0]]), start)
                return (said + 1, opened + 1, *range(opened + 2, opened + 2 + len(body)))
    return None
