"""Sums that a border cuts in pieces, packed as one: what lies outside is zero, and the body is no zero there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import symconv as sc
from symconv import pipeline
from symconv.emit.units import Entry
from symconv.errors import InternalError
from symconv.loops.arith import add, const
from symconv.loops.candidate import Candidate
from symconv.loops.interpret import interpret
from symconv.notation.operator import Operator
from symconv.options import Options
from symconv.staging import haloed

Shapes = dict[str, tuple[int, ...]]

CASES: dict[str, tuple[Operator, list[Shapes]]] = {
    "adder": (
        sc.adder2d(padding=((1, 2), (0, 1)), stride=(2, 1)),
        [{"x": (2, 3, 6, 7), "w": (4, 3, 3, 2)}, {"x": (1, 2, 4, 9), "w": (5, 2, 2, 3)}],
    ),
    "dilated": (sc.adder1d(padding=[(2, 1)], dilation=2), [{"x": (2, 3, 9), "w": (3, 3, 3)}]),
    "distance": (
        sc.squared_distance1d(padding=1),
        [{"x": (3, 2, 8), "w": (9, 2, 3)}, {"x": (1, 1, 3), "w": (1, 1, 2)}],
    ),
}


def ways(op: Operator, target: str) -> list[tuple[str, Candidate]]:
    """Every packed candidate, with the name of the tensor its output is a gradient of."""
    unit = pipeline.unit(op, Options(target=target), every=True)
    found = []
    for entry in unit.entries:
        assert isinstance(entry, Entry)
        assert not entry.stages, "nothing is copied before it is packed"
        wanted = ("",) if entry.name == "forward" else op.tensors
        for wrt, output in zip(wanted, entry.outputs, strict=True):
            found += [(wrt, way) for way in output[1:] if haloed(op, wrt) is not None]
    return found


def runs(way: Candidate, arrays: Any, number: int) -> list[Any]:
    given = {
        b.name: (arrays[b.name].shape, arrays[b.name].ravel().tolist()) for b in way.kernel.buffers if b.role == "in"
    }
    return interpret(way.kernel, given, parameters=dict.fromkeys(way.kernel.parameters, number))


@pytest.mark.parametrize("name", CASES)
def test_taps_on_the_border_count(name: str, drawn: Callable[..., Any], wanted: Callable[..., list[Any]]) -> None:
    op, places = CASES[name]
    found = ways(op, "x86-64-v3")
    assert {wrt for wrt, _ in found} == {"", "w"}
    for k, shapes in enumerate(places):
        arrays = drawn(op, shapes, k)
        for wrt, way in found:
            for number in (1, 2, 100):
                assert runs(way, arrays, number) == wanted(op, wrt, arrays), (way.schedule.name, number)


def test_a_border_of_another_width_is_rejected(drawn: Callable[..., Any], wanted: Callable[..., list[Any]]) -> None:
    op, places = CASES["distance"]
    arrays = drawn(op, places[0], 1)
    for wrt, way in ways(op, "x86-64-v3"):
        layout = way.kernel.layout
        starts = [k for k, size in enumerate(layout) if size.name.startswith("low")]
        changed = [
            replace(size, value=add(size.value, const(1))) if k == starts[-1] else size for k, size in enumerate(layout)
        ]
        mutant = replace(way, kernel=replace(way.kernel, layout=tuple(changed)))
        with contextlib.suppress(InternalError):
            assert runs(mutant, arrays, 2) != wanted(op, wrt, arrays), way.schedule.name


def test_what_is_no_zero_outside_is_copied() -> None:
    op = sc.operator("y[n,f,i] = sum[c,p](abs(x[n,c,i+p-1]-w[f,c,p]))", border=2)
    assert haloed(op, "w") is None
    assert haloed(sc.conv1d(padding=1), "w") is None
