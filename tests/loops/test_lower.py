"""Lowering decides nothing: without directives the plainest loops; with them what they say, or a reason why not."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

import symconv as sc
from symconv import pipeline
from symconv.errors import ScheduleError
from symconv.gather.solution import Gather
from symconv.loops.heuristics import choose_order
from symconv.loops.ir import For, Kernel, LoadLanes
from symconv.loops.lower import lower
from symconv.loops.presets import default_loops, direct
from symconv.loops.schedule import Distribute, Lanes, LoopDirective, RegisterTile, Reorder
from symconv.loops.traverse import expressions, walk
from symconv.notation.operator import Operator
from symconv.validate.validation import validate

Shapes = dict[str, tuple[int, ...]]

CASES: dict[str, tuple[Operator, Shapes]] = {
    "conv2d": (
        sc.conv2d(stride=(2, 3), padding=((1, 0), (0, 2)), dilation=(1, 2)),
        {"x": (2, 3, 7, 8), "w": (4, 3, 3, 2)},
    ),
    "reflect": (sc.conv1d(padding=2, border="reflect"), {"x": (2, 2, 6), "w": (3, 2, 4)}),
    "adder": (sc.adder1d(stride=2, padding=((2, 1),)), {"x": (2, 3, 8), "w": (4, 3, 3)}),
    "max_plus": (sc.max_plus1d(stride=2, padding=1), {"x": (2, 3, 8), "w": (4, 3, 3)}),
    "difference": (
        sc.operator("y[n,f,i] = b[f] - sum[c,p](x[n,c,2*i+p]*w[f,c,p]) - sum[c,p](x[n,c,2*i+p]*v[f,c,p])"),
        {"x": (2, 3, 8), "w": (4, 3, 3), "v": (4, 3, 3), "b": (4,)},
    ),
    "squares": (
        sc.operator("y[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,p])**2 + x[n,0,i]*sum[c](x[n,c,i+1])"),
        {"x": (2, 3, 8), "w": (4, 3, 3)},
    ),
}


def gathers(op: Operator) -> dict[str, Gather]:
    return {"": pipeline.forward(op).gather, **{t: pipeline.derive(op, t).gather for t in op.tensors}}


def shape_of(kernel: Kernel) -> tuple[bool, int]:
    """Whether anything runs in lanes, and how many nests there are."""
    return any(isinstance(node, LoadLanes) for nest in kernel.nests for node in walk(nest)), len(kernel.nests)


@pytest.mark.parametrize("name", CASES)
def test_the_plainest_loops_compute_what_is_defined(
    name: str, interpreted: Callable[..., list[Any]], drawn: Callable[..., Any], wanted: Callable[..., list[Any]]
) -> None:
    op, shapes = CASES[name]
    arrays = drawn(op, shapes)
    for wrt, gather in gathers(op).items():
        kernel = lower(gather, "k")
        assert shape_of(kernel)[0] is False
        assert interpreted(kernel, arrays) == wanted(op, wrt, arrays), wrt


@pytest.mark.parametrize("wrt", ["", "x", "w"])
def test_the_plainest_loops_are_proved(wrt: str) -> None:
    op = CASES["conv2d"][0]
    derived = pipeline.derive(op, wrt) if wrt else pipeline.forward(op)
    assert validate(derived, lower(derived.gather, "k")).holds


@pytest.mark.parametrize("name", CASES)
def test_the_preset_is_data_and_gives_the_kernel_that_ships(name: str) -> None:
    for gather in gathers(CASES[name][0]).values():
        made = direct(gather, "k", None, 4)
        loops = default_loops(gather, None, 4)
        assert made.schedule.directives[: len(loops)] == loops
        assert shape_of(lower(gather, "k", None, loops))[0] == any(isinstance(one, Lanes) for one in loops)


@pytest.mark.parametrize("name", CASES)
def test_no_order_and_no_tile_changes_a_number(
    name: str, interpreted: Callable[..., list[Any]], drawn: Callable[..., Any], wanted: Callable[..., list[Any]]
) -> None:
    op, shapes = CASES[name]
    arrays, draw, tried = drawn(op, shapes), random.Random(3), 0
    for wrt, gather in gathers(op).items():
        right = wanted(op, wrt, arrays)
        loops = default_loops(gather, None, 4)
        for _ in range(4):
            changed = tuple(mixed(one, draw) for one in loops)
            try:
                kernel = lower(gather, "k", None, changed)
            except ScheduleError:
                continue
            tried += 1
            assert interpreted(kernel, arrays) == right, changed
    assert tried >= 4


def mixed(directive: LoopDirective, draw: random.Random) -> LoopDirective:
    """The directive with other numbers and orders."""
    match directive:
        case Reorder(nest, parallel, inner):
            first = [name for name in inner if name.startswith("r_")]
            rest = [name for name in inner if name not in first]
            kept = tuple(name for name in parallel if draw.random() < 0.7)
            loose = [name for name in parallel if name not in kept]
            tail = rest[1:] if draw.random() < 0.5 else draw.sample(rest[1:], len(rest) - 1) if rest else []
            return Reorder(nest, kept, (*first, *loose, *rest[:1], *tail))
        case RegisterTile(nest, factors):
            return RegisterTile(nest, tuple((n, draw.choice([2, 3, 5])) for n, _ in factors), draw.choice([1, 2]))
    return directive


def loop_names(kernel: Kernel) -> list[str]:
    return [node.var for nest in kernel.nests for node in expressions(nest.body) if isinstance(node, For)]


def test_an_order_is_carried_out() -> None:
    gather = pipeline.derive(sc.conv2d(), "w").gather
    solution = gather.statements[0].reductions[0][1][0]
    one = lower(gather, "gw", None, (Reorder("gw.0", (), (*solution.cells, *solution.steps)),))
    other = lower(gather, "gw", None, (Reorder("gw.0", (), (*solution.cells, *reversed(solution.steps))),))
    steps = [name for name in loop_names(one) if name in solution.steps]
    assert steps == list(solution.steps)
    assert [name for name in loop_names(other) if name in solution.steps] == steps[::-1]


def refusals() -> list[tuple[LoopDirective, str]]:
    solution = pipeline.derive(sc.conv2d(stride=2), "x").gather.statements[0].reductions[0][1][0]
    order = choose_order(solution, None)
    inner = tuple(item if isinstance(item, str) else item.residue for item in order.inner)
    phases, loops = (tuple(n for n in inner if n.startswith("r_") == flag) for flag in (True, False))
    step = solution.steps[0]
    return [
        (Reorder("gx.0", order.parallel, loops), "each of them once"),
        (Reorder("gx.0", order.parallel, (*loops, *phases)), "bounds loops around it"),
        (Reorder("gx.0", (*order.parallel, step), tuple(n for n in inner if n != step)), "cannot be parallel"),
        (Reorder("gx.7", (), ()), "no such nest"),
        (Lanes("gx.0", "n"), "neighbours along one axis"),
        (Lanes("gx.0", "nobody"), "no loop nobody"),
        (Distribute("gy"), "no such nest"),
    ]


@pytest.mark.parametrize("number", range(len(refusals())))
def test_what_is_not_allowed_is_refused_with_a_reason(number: int) -> None:
    directive, reason = refusals()[number]
    gather = pipeline.derive(sc.conv2d(stride=2), "x").gather
    with pytest.raises(ScheduleError, match=reason) as caught:
        lower(gather, "gx", None, (directive,) if isinstance(directive, Distribute) else (Distribute("gx"), directive))
    assert type(directive).__name__ in str(caught.value)


def test_tiles_want_parallel_loops_of_their_own() -> None:
    gather = pipeline.derive(sc.conv2d(), "x").gather
    loops = default_loops(gather, None, 4)
    changed = tuple(RegisterTile(one.nest, (("c", 3),), 2) if isinstance(one, RegisterTile) else one for one in loops)
    kernel = lower(gather, "gx", None, changed)
    assert shape_of(kernel)[0]
    assert kernel != lower(gather, "gx", None, loops)
    # A sum's loop is not parallel; rows of gx bound their taps.
    for name in ("f", "u"):
        wrong = tuple(RegisterTile(one.nest, ((name, 2),)) if isinstance(one, RegisterTile) else one for one in loops)
        with pytest.raises(ScheduleError, match="no parallel loop with a range of its own"):
            lower(gather, "gx", None, wrong)
