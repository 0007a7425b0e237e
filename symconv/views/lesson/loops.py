"""The loop nests of a gradient beside its cells: which lines compute a cell, and the values of the loops there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from symconv.errors import InternalError
from symconv.loops.ir import Kernel
from symconv.loops.memory import OverrunError
from symconv.verify.grid import Array
from symconv.views.highlight import highlighted
from symconv.views.lesson.listing import Listing, listing
from symconv.views.lesson.numbers import Numbers
from symconv.views.lesson.sources import Element
from symconv.views.lesson.tracing import Path, Trace, Visit, traced

__all__ = ["Loops", "loops_of"]

_HEAD = re.compile(r"cdef sc_nest (\w+)_(\d+)\(")


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
    kernel: Kernel, numbers: Numbers, cells: Mapping[int, frozenset[Element]], title: str, source: str | None = None
) -> Loops | None:
    """A kernel run on the numbers, the nests that no cell needs left out; with ``source``, as they stand in there.

    ``cells`` says which elements of intermediates each cell is made of. None where a run takes too long, or where the
    text of the nests is not in ``source``. Raises InternalError where the nests compute another number than the
    derivation.
    """
    if kernel.parameters:
        return None
    arrays = {b.name: numbers.arrays[b.name] for b in kernel.buffers if b.role == "in"}
    try:
        trace = traced(kernel, {name: (array.shape, array.ravel().tolist()) for name, array in arrays.items()})
    except OverrunError:
        return None
    result = kernel.result.name
    _compare(kernel, trace, numbers.arrays[result])
    text = listing(kernel)
    followed = frozenset(b.name for b in kernel.buffers if b.role != "in" and b.name not in numbers.arrays)
    visits = {at: trace.visits[result].get(at, ()) for at in cells}
    lines = _Lines(text, trace, followed)
    shown = {at: lines.of(visits[at], cells[at]) for at in cells}
    marked = frozenset().union(*shown.values())
    kept = [k for k, nest in enumerate(text.nests) if not marked.isdisjoint(nest)]
    places = {nest: _numbers(kernel, text, nest, source) for nest in kept}
    if any(places[visit.path[0]] is None for mine in visits.values() for visit in mine):
        return None
    found = {nest: place for nest, place in places.items() if place is not None}
    return _loops(title, text, found, {at: (shown[at], _values(visits[at])) for at in cells})


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines that make a cell, each set of stores looked up once."""

    text: Listing
    trace: Trace
    followed: frozenset[str]
    known: dict[frozenset[Path], frozenset[int]] = field(default_factory=dict)

    def of(self, visits: tuple[Visit, ...], elements: frozenset[Element]) -> frozenset[int]:
        earlier = (self.trace.visits.get(name, {}).get(at, ()) for name, at in elements)
        paths = frozenset(visit.path for mine in (visits, *earlier) for visit in mine)
        if paths not in self.known:
            self.known[paths] = frozenset(self.text.lines_of(paths, self.followed))
        return self.known[paths]


def _compare(kernel: Kernel, trace: Trace, wanted: Array) -> None:
    got = np.array(trace.values, dtype=object).astype(np.float64)
    if not np.allclose(got, wanted.ravel().astype(np.float64), rtol=1e-6, atol=1e-6, equal_nan=True):
        raise InternalError(f"{kernel.name}: the loop nests compute another number than the derivation says")


def _loops(
    title: str, text: Listing, places: Mapping[int, tuple[int, ...]], cells: Mapping[int, tuple[frozenset[int], str]]
) -> Loops:
    lines = [line for nest in places for line in text.nests[nest]]
    at = {line: k for k, line in enumerate(lines)}
    sets: dict[tuple[int, ...], int] = {}
    told = {}
    for cell, (mine, values) in cells.items():
        chosen = tuple(sorted(at[line] for line in mine if line in at))
        told[cell] = (sets.setdefault(chosen, len(sets)), values)
    numbered = tuple(number for place in places.values() for number in place)
    return Loops(title, tuple(highlighted(text.lines[line]) for line in lines), numbered, tuple(sets), told)


def _values(visits: tuple[Visit, ...]) -> str:
    """The loops' values where the last statement stores: earlier ones start the cell or add other pieces."""
    return ", ".join(f"{name} = {value}" for name, value in visits[-1].scope) if visits else ""


def _numbers(kernel: Kernel, text: Listing, nest: int, source: str | None) -> tuple[int, ...] | None:
    """The numbers of a nest's lines, where there is a ``source`` those in it.

    What several results share stands there once, under the name of one of them.
    """
    lines = text.nests[nest]
    if source is None:
        return tuple(line + 1 for line in lines)
    body = [f"    {text.lines[line]}" for line in lines[2:]]
    whole = source.splitlines()
    found: list[tuple[bool, bool, tuple[int, ...]]] = []
    for start, line in enumerate(whole):
        if head := _HEAD.match(line):
            opened = next((k for k in range(start, len(whole)) if whole[k].endswith("in range(sc_begin, sc_end):")), 0)
            if whole[opened + 1 : opened + 1 + len(body)] == body:
                said = next((k for k in range(start, opened) if whole[k].strip() == text.lines[lines[0]]), start)
                mine, same = head[1].endswith(f"_{kernel.result.name}"), int(head[2]) == nest
                place = (said + 1, opened + 1, *range(opened + 2, opened + 2 + len(body)))
                found.append((mine and same, same, place))
    return max(found)[2] if found else None
