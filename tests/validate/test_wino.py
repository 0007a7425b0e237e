"""Winograd's kernels: sums over transformed points are the direct sums that they stand for, stage by stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import pytest

import symconv as sc
from symconv import pipeline
from symconv.isa import Isa
from symconv.loops.arith import add, const, mul, sub
from symconv.loops.candidate import Candidate
from symconv.loops.ir import (
    LANES,
    Accumulate,
    Address,
    Binary,
    Compare,
    Const,
    Declare,
    For,
    If,
    Kernel,
    Lanes,
    Let,
    Load,
    LoadLanes,
    Mod,
    Select,
    Size,
    Splat,
    Store,
    StoreLanes,
    Unzip,
    Update,
    Var,
    Zip,
)
from symconv.loops.traverse import rewrite, walk
from symconv.options import options
from symconv.packed import candidates, packed_candidates, present
from symconv.packed.outer import Tile
from symconv.relation.points import UnclearError
from symconv.validate.ordering import FaultError
from symconv.validate.plain import plain
from symconv.validate.proof import prove
from symconv.validate.settled import least_of
from symconv.validate.validation import validate
from symconv.validate.wino_linear import correlation
from symconv.validate.witness import witness

SMALL = Isa("small", 16, 4)
OPERATORS = {
    "one axis": (sc.conv1d(padding=1), ("y", "gx")),
    "two axes": (sc.conv2d(padding=1), ("y", "gx")),
    "groups": (sc.conv2d(padding=(2, 0), groups=4), ("y", "gx")),
    "strides": (sc.conv2d(stride=2, padding=1), ("y",)),
    "dilation": (sc.conv2d(padding=2, dilation=2), ("y", "gx")),
    "dilation along one axis": (sc.conv1d(padding=4, dilation=4), ("y",)),
    "strides that are picked": (sc.conv1d(stride=5), ("y",)),
}


def transformed(op: sc.Operator, output: str, target: str) -> list[Candidate]:
    """The candidates of an output that multiply at points."""
    derivation = pipeline.forward(op) if output == "y" else pipeline.derive(op, "x")
    every = pipeline.candidates(derivation, output, options(target=target, dtype="float32"))
    return [one for one in every if "Winograd" in one.schedule.name]


@pytest.mark.parametrize(("name", "target"), [*((name, "x86-64-v3") for name in OPERATORS), ("groups", "x86-64-v4")])
def test_transformed_sums_are_proved(name: str, target: str) -> None:
    op, outputs = OPERATORS[name]
    for output in outputs:
        found = transformed(op, output, target)
        assert found
        for candidate in found:
            proof = validate(candidate, candidate.kernel)
            assert proof.holds, f"{candidate.schedule.name}: {proof}"


@pytest.mark.parametrize("op", [sc.conv1d(dilation=64), sc.conv3d(padding=1)], ids=["dilation", "three axes"])
def test_what_is_not_read_is_left_open(op: Any) -> None:
    """Windows whose lanes are one turn, and taps beside windows, are not followed."""
    candidate = transformed(op, "y", "x86-64-v3")[0]
    with pytest.raises(UnclearError):
        plain(candidate.kernel, least_of(op))


TURNS = 3
"""Two axes along which windows are dilated, beside the numbers of axes."""


@cache
def small(axes: int) -> Candidate:
    """A kernel of so small tiles and slabs that little tensors have several, and tails."""
    op = {1: sc.conv1d(padding=1), 2: sc.conv2d(padding=1), TURNS: sc.conv2d(padding=2, dilation=2)}[axes]
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(candidates._OUTER, SMALL.registers, (Tile(2, 2),))
        patched.setattr(present, "LONGEST", 2)
        made = packed_candidates(pipeline.forward(op).gather, "y", SMALL)
    return next(one for one in made if one.schedule.name == ("Winograd F(2,3)" if axes == 1 else "Winograd F(2x2,3x3)"))


@pytest.mark.parametrize("axes", [1, 2, TURNS])
def test_the_kernel_that_is_changed_is_right(axes: int) -> None:
    candidate = small(axes)
    assert validate(candidate, candidate.kernel).holds
    seen = witness(candidate.gather.operator, candidate.kernel, ())
    assert seen.runs >= 3
    assert not seen.fault


def _stores(node: Any, buffer: str) -> bool:
    return isinstance(node, Store | StoreLanes | Accumulate) and node.buffer.startswith(buffer)


def _at(node: Any, axis: int, by: Any) -> Any:
    """An access further along an axis."""
    index = list(node.index)
    index[axis] = add(index[axis], by)
    return replace(node, index=tuple(index))


def _loop(name: str, **ends: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A rule for the loops of a name, each end by a rule of its own."""

    def rule(node: Any) -> Any:
        if not isinstance(node, For) or node.var != name:
            return node
        return replace(node, **{end: made(getattr(node, end)) for end, made in ends.items()})

    return rule


def _let(name: str, made: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda node: Let(name, made(node.value)) if isinstance(node, Let) and node.name == name else node


def _less(value: Any) -> Any:
    return sub(value, const(1))


def _more(value: Any) -> Any:
    return add(value, const(1))


def _scaled(buffer: str) -> Callable[[Any], Any]:
    """One more of a coefficient in the blocks that store to a buffer."""

    def rule(node: Any) -> Any:
        body = getattr(node, "body", ())
        if not isinstance(node, For) or not any(_stores(one, buffer) for one in body):
            return node
        at = next((k for k, one in enumerate(body) if isinstance(one, Declare) and isinstance(one.value, Binary)), None)
        if at is None:
            return node
        twice = Binary("+", body[at].value, body[at].value.left)
        return replace(node, body=(*body[:at], replace(body[at], value=twice), *body[at + 1 :]))

    return rule


def _dropped(unwanted: Callable[[Any], bool]) -> Callable[[Any], Any]:
    def rule(node: Any) -> Any:
        body = getattr(node, "body", None)
        if not isinstance(body, tuple) or not any(map(unwanted, body)):
            return node
        return replace(node, body=tuple(one for one in body if not unwanted(one)))

    return rule


def _swapped(node: Any) -> Any:
    """The first two points of the narrow operand in each other's places."""
    if not _stores(node, "narrow_"):
        return node
    number = node.index[2].value
    return replace(node, index=(*node.index[:2], const(int(1 - number if number < 2 else number)), *node.index[3:]))


def _tests(node: Any) -> Any:
    """What is copied without tests where the first one fails."""
    if isinstance(node, Let) and node.name == "whole_" and isinstance(node.value, Select):
        return Let(node.name, node.value.yes)
    return node


def _untested(node: Any) -> Any:
    """Taps that are none copied as if they were."""
    return Let(node.name, Var("held_")) if isinstance(node, Let) and node.name == "count_" else node


def _ascending(node: Any) -> Any:
    """Blocks of a row from its start to its end."""
    if (
        isinstance(node, Let)
        and node.name == "at_"
        and any(one.op == "-" for one in walk(node.value) if isinstance(one, Binary))
    ):
        return Let("at_", mul(Var(LANES), Var("chunk_")))
    return node


def _of_read(node: Any) -> bool:
    """A mask of what is read, not of what is stored."""
    return (
        isinstance(node, Declare)
        and isinstance(node.value, Lanes)
        and node.name.startswith("in")
        and "_" in node.name[2:-1]
    )


def _lanes(chosen: Callable[[Any], bool], made: Callable[[Lanes], Lanes]) -> Callable[[Any], Any]:
    return lambda node: replace(node, value=made(node.value)) if chosen(node) else node


def _later(node: Any) -> Any:
    """Later slabs stored over the first."""
    return replace(node, op="=") if _stores(node, "sums_") and getattr(node, "op", "") == "+" else node


def _output_mask(node: Any) -> bool:
    return isinstance(node, Declare) and isinstance(node.value, Lanes) and node.name in {"in0_", "in1_"}


def _tail(node: Any) -> bool:
    """A tile of fewer blocks."""
    return (
        isinstance(node, If)
        and isinstance(node.condition, Compare)
        and node.condition.op == "=="
        and "blocks_" in {n.name for n in walk(node.condition) if isinstance(n, Var)}
    )


def _narrow_row(node: Any) -> Any:
    """Every row of a tile with the factors of its first."""
    if isinstance(node, Load) and node.buffer == "narrow_":
        return replace(node, index=(*node.index[:-1], const(0)))
    return node


def _missing(made: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The choice of a point that lacks taps, or how many there have to be before it has some."""

    def rule(node: Any) -> Any:
        if isinstance(node, Select) and isinstance(node.condition, Compare) and node.condition.right == const(3):
            return made(node)
        return node

    return rule


WRONG: dict[str, tuple[int, Callable[[Any], Any]]] = {
    "runs without their last plane": (1, _let("run_planes_", _less)),
    "runs with a plane of the next": (1, _let("run_planes_", _more)),
    "a run too few": (1, _let("runs_", _less)),
    "runs that lie further apart": (1, _let("run_apart_", _more)),
    "another point left out": (1, _missing(lambda n: replace(n, condition=Compare("==", n.condition.left, const(0))))),
    "every point left out": (1, _missing(lambda n: n.yes)),
    "a point left out that has a tap": (1, _missing(lambda n: replace(n, yes=_more(n.yes)))),
    "planes of a point two further": (1, lambda n: replace(n, lower=add(n.lower, const(2)), upper=add(n.upper, const(2))) if isinstance(n, For) and n.var == "step_" else n),
    "planes of the table one further": (1, lambda n: _at(n, 0, const(1)) if isinstance(n, Address) else n),
    "rows of the table one further": (2, lambda n: _at(n, 1, const(1)) if isinstance(n, Address) else n),
    "columns of the table one further": (1, lambda n: _at(n, 2, const(1)) if isinstance(n, Address) else n),
    "a table without its last plane": (1, lambda n: replace(n, upper=_less(n.upper)) if isinstance(n, For) and any(isinstance(s, Store) and s.buffer == "offsets_" for s in n.body) else n),
    "a coefficient of the factors": (1, _scaled("narrow_")),
    "a coefficient along lanes": (1, _scaled("wide_")),
    "a coefficient along lanes of lines": (2, _scaled("lines_")),
    "a coefficient across rows": (2, _scaled("wide_")),
    "a coefficient of the outputs": (1, lambda n: Declare(n.name, add(n.value, Var("a0_")), n.scalar) if isinstance(n, Declare) and n.name == "p1_" and n.value == sub(Var("lt1_"), Var("a2_")) else n),
    "points of factors in each other's places": (1, _swapped),
    "a row of a tile too few": (1, _let("held_", lambda v: Binary("max", const(0), _less(v)))),
    "rows behind the last": (1, _let("held_", lambda v: v.left)),
    "taps that are none": (1, _untested),
    "taps without the test for rows": (1, _tests),
    "a tap of another row": (2, lambda n: _at(n, 2, const(1)) if isinstance(n, Load) and n.buffer == "w" and n.index[2] == mul(const(3), Var("p_block_")) else n),
    "one tap twice": (1, lambda n: _at(n, 0, const(-1)) if _stores(n, "raw_") and n.index[0] == const(1) else n),
    "copies where no tap is of 1": (1, lambda n: replace(n, value=Const(Fraction(1), True)) if _stores(n, "raw_") and isinstance(n.value, Const) else n),
    "copies without the last plane": (1, lambda n: replace(n, upper=_less(n.upper)) if isinstance(n, For) and n.var == "plane_" and isinstance(n.upper, Binary) and n.upper.op == "min" else n),
    "blocks of planes one late": (1, _let("stack_", _more)),
    "a block of factors not transformed": (1, lambda n: replace(n, upper=_less(n.upper)) if isinstance(n, For) and n.var == "chunk_" and any(_stores(s, "narrow_") for s in n.body) else n),
    "digits of planes exchanged": (2, lambda n: Let(n.name, Var("q_block__digit_")) if isinstance(n, Let) and n.name == "p_block_" else n),
    "planes of the first slab": (1, _let("done_", lambda _: const(0))),
    "later slabs over the first": (1, _later),
    "slabs of one plane more": (1, _let("planes_", lambda v: v.left)),
    "a slab too few": (1, _loop("slab_", upper=_less)),
    "a block of a row too few": (1, lambda n: replace(n, upper=_less(n.upper)) if isinstance(n, For) and n.var == "chunk_" and any(isinstance(s, For) for s in n.body) else n),
    "lanes in front of a row": (1, _lanes(_of_read, lambda m: Lanes(_less(m.lower), m.upper))),
    "lanes behind the end of a row": (1, _lanes(_of_read, lambda m: Lanes(m.lower, _more(m.upper)))),
    "lanes without the last": (1, _lanes(_of_read, lambda m: Lanes(m.lower, _less(m.upper)))),
    "elements exchanged": (1, lambda n: replace(n, part=1 - n.part) if isinstance(n, Unzip) else n),
    "windows one element further": (1, _let("first_lane_", _more)),
    "rows of windows one further": (2, _let("first_line_", _more)),
    "zeros that are ones": (2, lambda n: replace(n, value=Splat(Const(Fraction(1), True))) if _stores(n, "lines_") and isinstance(n.value, Splat) else n),
    "a row of zeros too few": (2, _let("lower_", lambda v: Binary("max", const(0), _less(v)))),
    "a row too many": (2, _let("upper_", lambda v: Select(Compare("<", v, const(2)), v, _less(v)))),
    "rows kept in each other's places": (2, lambda n: _at(n, 1, const(1)) if isinstance(n, LoadLanes) and n.buffer == "lines_" and n.index[1] == const(0) else n),
    "a row of windows too few": (2, lambda n: replace(n, upper=_less(n.upper)) if isinstance(n, For) and n.var == "chunk_" and any(_stores(s, "wide_") for s in n.body) else n),
    "points across exchanged": (2, lambda n: replace(n, upper=const(3)) if isinstance(n, For) and n.var == "point_" else n),
    "a point too few": (1, lambda n: replace(n, upper=_less(n.upper)) if isinstance(n, For) and n.var == "phase_" and n.upper == const(4) else n),
    "windows of the first point": (1, lambda n: replace(n, index=(const(0), *n.index[1:])) if isinstance(n, LoadLanes) and n.offset is not None else n),
    "rows of a tile with the factors of its first": (1, _narrow_row),
    "a product subtracted": (1, lambda n: replace(n, op="-") if isinstance(n, Update) and n.name == "acc0_0_" else n),
    "no tile for the blocks left over": (1, _dropped(_tail)),
    "sums of the next row": (1, lambda n: _at(n, 0, const(1)) if _stores(n, "sums_") else n),
    "a block of rows too few": (1, lambda n: replace(n, upper=_less(n.upper)) if isinstance(n, For) and n.upper == Var("MT_") else n),
    "outputs of the next row": (1, lambda n: _at(n, 0, const(1)) if isinstance(n, LoadLanes) and n.buffer == "sums_" else n),
    "outputs one further": (1, lambda n: _at(n, 2, const(1)) if _stores(n, "y") else n),
    "outputs by where their block starts": (1, lambda n: If(Compare("<", add(Var("start_1_"), Var("at_")), const(2)), n.body) if isinstance(n, If) and any(_stores(s, "y") for s in n.body) else n),
    "batches by where their block starts": (1, lambda n: _at(n, 0, sub(Var("at_"), Var("at_0_"))) if isinstance(n, LoadLanes) and n.buffer == "x" else n),
    "outputs in each other's places": (1, lambda n: replace(n, values=n.values[::-1]) if isinstance(n, Zip) else n),
    "vectors of outputs in each other's places": (1, lambda n: replace(n, part=1 - n.part) if isinstance(n, Zip) else n),
    "outputs without the last": (1, _lanes(_output_mask, lambda m: Lanes(m.lower, _less(m.upper)))),
    "outputs behind the end": (2, lambda n: n.body[0] if isinstance(n, If) and isinstance(n.condition, Compare) and n.condition.right == Var("OH") and len(n.body) == 1 else (replace(n, condition=Compare("<=", n.condition.left, n.condition.right)) if isinstance(n, If) and isinstance(n.condition, Compare) and n.condition.right == Var("OH") else n)),
    "a row of outputs too few": (1, lambda n: replace(n, upper=_less(n.upper)) if isinstance(n, For) and n.upper == Var("M_") else n),
    "boxes one cell late": (1, _let("start_1_", _more)),
    "boxes one cell short": (1, _let("size_1_", lambda v: Binary("max", const(1), _less(v)))),
    "boxes that overlap": (2, _let("start_1_", lambda v: Binary("max", const(0), _less(v)))),
    "a block of lanes too few": (1, _let("blocks_", lambda v: Binary("max", const(1), _less(v)))),
    "rows of a box on each other": (2, lambda n: replace(n, index=(n.index[0], n.index[1], Var("at_1_"), n.index[3])) if isinstance(n, LoadLanes) and n.buffer == "sums_" else n),
    "a point before the first": (1, lambda n: replace(n, index=(n.index[0], const(-1), *n.index[2:])) if isinstance(n, LoadLanes) and n.buffer == "sums_" and n.index[1] == const(3) else n),
    "what is read stored as a point": (1, lambda n: replace(n, value=Var("e0_0_")) if _stores(n, "wide_") and n.value == Var("p0_") else n),
    "outputs that are not in turns": (TURNS, lambda n: replace(n, turn=1) if isinstance(n, Zip) else n),
    "elements that are not in turns": (TURNS, lambda n: replace(n, turn=1) if isinstance(n, Unzip) else n),
    "rows of a turn exchanged": (TURNS, lambda n: sub(const(1), n) if isinstance(n, Mod) and n.value == Var("line_") else n),
    "elements of the next row of a turn": (TURNS, lambda n: _at(n, 2, const(-1)) if isinstance(n, LoadLanes) and n.buffer == "lines_" and n.index[2] == const(2) else n),
    "outputs of one row of a turn": (TURNS, lambda n: _at(n, 2, const(1)) if isinstance(n, LoadLanes) and n.buffer == "sums_" else n),
    "rows of outputs beside each other": (TURNS, lambda n: _at(n, 2, const(-1)) if _stores(n, "y") and n.index[2].right == const(2) else n),
}  # fmt: skip
HIDDEN: dict[str, tuple[int, Callable[[Any], Any]]] = {
    "factors without a mask": (1, lambda n: replace(n, mask="") if _stores(n, "narrow_") else n),
    "outputs of cells behind a box": (1, lambda n: Let(n.name, rewrite(n.value, lambda m: m.right if isinstance(m, Binary) and m.op == "min" else m)) if isinstance(n, Let) and n.name.startswith("left") else n),
    "blocks of a row from its start on": (1, _ascending),
    "sums of the last box for all": (1, lambda n: replace(n, upper=Var("B0_")) if isinstance(n, For) and n.upper == Var("size_0_") else n),
}  # fmt: skip
"""What a run cannot show: what it does wrong is done again rightly, or there is memory behind."""


def changed(kernel: Kernel, rule: Callable[[Any], Any]) -> Kernel:
    return replace(kernel, nests=tuple(rewrite(nest, rule) for nest in kernel.nests))


def refused(candidate: Candidate, kernel: Kernel) -> None:
    op = candidate.gather.operator
    assert kernel != candidate.kernel
    with pytest.raises((FaultError, UnclearError)):
        prove(op, plain(kernel, least_of(op)), None, ())


@pytest.mark.parametrize("name", WRONG | HIDDEN)
def test_wrong_kernels_are_not_proved(name: str) -> None:
    axes, rule = (WRONG | HIDDEN)[name]
    refused(small(axes), changed(small(axes).kernel, rule))


@pytest.mark.parametrize("name", WRONG)
def test_wrong_kernels_are_wrong(name: str) -> None:
    axes, rule = WRONG[name]
    assert witness(small(axes).gather.operator, changed(small(axes).kernel, rule), ()).fault


SHORT: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "no lanes behind the copies": ("raw_", lambda b: replace(b, slack=const(0))),
    "copies of fewer planes": ("raw_", lambda b: replace(b, axes=(b.axes[0], (_less(b.axes[1][0]),)))),
    "factors of fewer points": ("narrow_", lambda b: replace(b, axes=(*b.axes[:2], (const(3),), b.axes[3]))),
    "a table of fewer planes": ("offsets_", lambda b: replace(b, axes=(b.axes[0], (_less(b.axes[1][0]),)))),
    "rows of windows without room": ("lines_", lambda b: replace(b, axes=(*b.axes[:-1], (sub(b.axes[-1][0], const(3)), b.axes[-1][1])))),
    "windows without room": ("wide_", lambda b: replace(b, axes=(*b.axes[:-1], (sub(b.axes[-1][0], const(3)), b.axes[-1][1])))),
    "sums without room": ("sums_", lambda b: replace(b, axes=(*b.axes[:-1], (sub(b.axes[-1][0], const(3)), b.axes[-1][1])))),
    "sums that threads share": ("sums_", lambda b: replace(b, role="workspace")),
    "windows that threads share": ("wide_", lambda b: replace(b, role="workspace")),
}  # fmt: skip


@pytest.mark.parametrize("name", SHORT)
def test_memory_that_is_short_is_not_proved(name: str) -> None:
    buffer, rule = SHORT[name]
    kernel = small(2).kernel
    refused(small(2), replace(kernel, buffers=tuple(rule(b) if b.name == buffer else b for b in kernel.buffers)))


LAYOUT: dict[str, Callable[[Size], Size]] = {
    "no room for all planes of a slab": lambda s: Size("PP_", _less(Var("PB_"))) if s.name == "PP_" else s,
    "slabs that cut sets of classes": lambda s: Size("PB_", add(s.value, const(1))) if s.name == "PB_" else s,
    "fewer classes than there are": lambda s: (
        Size("C1_", Binary("max", const(1), _less(s.value))) if s.name == "C1_" else s
    ),
    "slabs of no plane": lambda s: Size("PB_", const(0)) if s.name == "PB_" else s,
    "a block of rows too few": lambda s: Size("MT_", _less(s.value)) if s.name == "MT_" else s,
    "a block of planes too few": lambda s: Size("ST_", _less(s.value)) if s.name == "ST_" else s,
    "rows that lie too near": lambda s: Size("E2_", _less(Var("B2_"))) if s.name == "E2_" else s,
    "strips of no cell": lambda s: Size("B1_", Var("T_i_")) if s.name == "B1_" else s,
}


HALF: dict[str, Callable[[Size], Size]] = {
    "strips of half a turn": lambda s: Size("B1_", s.value.right) if s.name == "B1_" else s,
    "strips of three": lambda s: Size("B2_", mul(const(3), s.value.right)) if s.name == "B2_" else s,
    "half a turn at the end": lambda s: Size("Q1_", add(s.value, const(1))) if s.name == "Q1_" else s,
}


@pytest.mark.parametrize("name", HALF)
def test_strips_that_are_no_whole_turns_are_not_proved(name: str) -> None:
    kernel = small(TURNS).kernel
    refused(small(TURNS), replace(kernel, layout=tuple(map(HALF[name], kernel.layout))))


@pytest.mark.parametrize("name", LAYOUT)
def test_numbers_that_do_not_fit_are_not_proved(name: str) -> None:
    kernel = small(2).kernel
    refused(small(2), replace(kernel, layout=tuple(map(LAYOUT[name], kernel.layout))))


def test_matrices_that_are_no_correlation_are_refused() -> None:
    one = Fraction(1)
    right: dict[tuple[int, ...], dict[Any, Fraction]] = {(0,): {0: one, 1: one}}
    factors: list[dict[Any, Fraction]] = [{(0,): one}, {(1,): one}]
    assert correlation(right, factors, factors, [2]) == 1
    for changed_windows in (
        [{(0,): one}, {(1,): 2 * one}],
        [{(0,): one}, {(2,): one}],
        [{(0,): one, (1,): one}, {(1,): one}],
    ):
        with pytest.raises(UnclearError, match="no correlation"):
            correlation(right, factors, changed_windows, [2])
