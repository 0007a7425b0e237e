"""Rows of the dot form that are read where they lie, where a test of a box says that they lie as packed ones do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from dotted import computes, dots, refused

import symconv as sc
from symconv.loops.arith import add, const, mul
from symconv.loops.ir import (
    Address,
    Compare,
    Expr,
    For,
    If,
    Kernel,
    Let,
    Load,
    LoadLanes,
    Select,
    Store,
    StoreReduced,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, walk
from symconv.validate.validation import validate

STRIDED = sc.conv1d(stride=2)
BOTH = sc.conv1d(padding=1)
"""Both operands of its kernels may be read where they lie."""


@pytest.mark.full
@pytest.mark.parametrize("op", [STRIDED, BOTH, sc.conv1d(stride=5), sc.conv2d(stride=2), sc.conv2d()])
def test_rows_that_are_read_where_they_lie_are_proved(op: sc.Operator) -> None:
    candidate = dots(op)["dot 4x3"]
    assert any(_let(n, "near_rows_") for nest in candidate.kernel.nests for n in walk(nest))
    assert validate(candidate, candidate.kernel).holds


def _let(node: Any, name: str) -> bool:
    return isinstance(node, Let) and node.name == name


def _in_place(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A change of the tile that reads rows where they lie, alone."""
    test = Compare("==", Var("near_rows_"), const(1))
    return lambda n: rewrite(n, change) if isinstance(n, If) and n.condition == test else n


def _start(name: str, **new: Any) -> Callable[[Any], Any]:
    return lambda n: Let(name, replace(n.value, **{k: v(n.value) for k, v in new.items()})) if _let(n, name) else n


def _at(axis: int, value: Callable[[Expr], Expr]) -> Callable[[Any], Any]:
    """Another place along an axis of where rows begin."""

    def moved(select: Any) -> Address:
        index = select.no.index
        return Address(select.no.buffer, (*index[:axis], value(index[axis]), *index[axis + 1 :]))

    return _start("still_", no=moved)


def _asked(without: Callable[[Compare], bool]) -> Callable[[Any], Any]:
    """The test without some of its conditions."""

    def less(value: Any) -> Expr:
        if not isinstance(value, Select):
            return value
        inner = less(value.yes)
        return inner if without(value.condition) else replace(value, yes=inner)

    return lambda n: Let(n.name, less(n.value)) if _let(n, "near_rows_") else n


def _more(expr: Expr) -> Expr:
    return add(expr, const(1))


def _row(node: Any, number: int) -> bool:
    return isinstance(node, LoadLanes) and node.buffer == "gy" and node.offset == const(0) and _number(node) == number


def _number(node: LoadLanes) -> int:
    """Which row of a tile a load is of."""
    factors = [n.left for n in walk(node.index[-1]) if getattr(n, "right", None) == Var("apart_")]
    return int(next((n.right.value for n in factors if getattr(n, "op", "") == "+"), 0))


def _sum(node: Any, name: str) -> bool:
    return isinstance(node, Update) and node.name == name


def _memory(one: Compare) -> bool:
    return any(isinstance(n, Address) for n in walk(one))


def _packs(node: Any) -> bool:
    test = Compare("==", Var("near_rows_"), const(0))
    return isinstance(node, If) and node.condition == test and not any(isinstance(n, StoreReduced) for n in walk(node))


WRONG: dict[str, Callable[[Any], Any]] = {
    "rows begin one element further": _at(2, _more),
    "rows begin at the first one": _at(1, lambda _: const(0)),
    "rows begin in the first image": _at(0, lambda _: const(0)),
    "rows lie apart as packed ones do": _start("apart_", no=lambda v: v.yes),
    "rows lie apart as images do": _start("apart_", no=lambda v: Address("gy", (const(1), const(0), const(0)))),
    "rows lie two rows apart": _start("apart_", no=lambda v: Address("gy", (const(0), const(2), const(0)))),
    "packed rows lie one element further apart": _start("apart_", yes=lambda v: _more(v.yes)),
    "packed rows begin one element further": _start("still_", yes=lambda _: const(1)),
    "all boxes are read in place": lambda n: Let("near_rows_", const(1)) if _let(n, "near_rows_") else n,
    "the last tile may have fewer rows": _asked(lambda one: one.left == Var("M_")),
    "images may lie apart": _asked(_memory),
    "cells may end inside of a block of lanes": _asked(lambda one: one.right == const(0) and one.op == "==" and "sc_lanes" in repr(one)),
    "tiles the other way round": lambda n: replace(n, condition=replace(n.condition, right=const(1 - int(n.condition.right.value)))) if isinstance(n, If) and getattr(n.condition, "left", None) == Var("near_rows_") and not _packs(n) else n,
    "rows are packed where they are not read": lambda n: replace(n, condition=replace(n.condition, right=const(1))) if _packs(n) else n,
    "a row one element further": _in_place(lambda n: replace(n, index=(*n.index[:-1], _more(n.index[-1]))) if _row(n, 2) else n),
    "a row of packed ones": _in_place(lambda n: replace(n, buffer="rows_", index=n.index[1:]) if _row(n, 2) else n),
    "a row packed once": _in_place(lambda n: LoadLanes("rows_", (const(2), Var("lane_")), 1, "") if _row(n, 2) else n),
    "a product twice": _in_place(lambda n: replace(n, value=add(n.value, n.value)) if _sum(n, "acc1_1_") else n),
    "a product of another row": _in_place(lambda n: replace(n, value=mul(Var("row0_"), Var("column1_"))) if _sum(n, "acc1_1_") else n),
    "a column of another tile": _in_place(lambda n: replace(n, offset=Load("offsets_", (_more(n.offset.index[0]),))) if isinstance(n, LoadLanes) and isinstance(n.offset, Load) else n),
    "sums of the next tile": _in_place(lambda n: replace(n, index=(*n.index[:4], _more(n.index[4]), *n.index[5:])) if isinstance(n, StoreReduced) else n),
    "a block of lanes is left out": _in_place(lambda n: replace(n, lower=const(1)) if isinstance(n, For) and n.var == "at_" else n),
    "one test for all tiles": lambda n: replace(n, body=(Let("near_rows_", const(1)), *n.body)) if isinstance(n, For) and n.var == "tile_" else n,
    "rows begin anew in every tile": lambda n: replace(n, body=(Let("start_1_", const(1)), *n.body)) if isinstance(n, For) and n.var == "row_" and any(_row(m, 0) or getattr(m, "buffer", "") == "rows_" for m in walk(n)) else n,
}  # fmt: skip

PLANS = (
    ((1, 8, 2, 4, 6, 4), 8, 8),
    ((2, 8, 1, 8, 3, 4), 8, 8),
    ((1, 4, 2, 4, 6, 4), 8, 8),
    ((1, 8, 1, 8, 3, 8), 6, 8),
    ((1, 7, 2, 4, 6, 4), 8, 7),
    ((2, 8, 1, 8, 3, 16), 8, 8),
)
"""Numbers of a plan and of lanes, how many filters there are, and how many outputs."""


def right(kernel: Kernel, case: tuple[tuple[int, ...], int, int]) -> bool:
    """Whether a kernel of ``STRIDED`` computes the gradient: two channels, two taps, two images."""
    plan, filters, outputs = case
    draw = np.random.default_rng(0)
    gy, x = draw.integers(-9, 10, (2, filters, outputs)), draw.integers(-9, 10, (2, 2, 2 * outputs))
    found = np.zeros((filters, 2, 2), int)
    for f, c, p in np.ndindex(found.shape):
        found[f, c, p] = (gy[:, f] * x[:, c, p::2]).sum()
    return computes(kernel, {"gy": gy, "x": x}, found, plan)


def test_the_kernel_that_is_changed_is_right() -> None:
    assert all(right(dots(STRIDED)["dot 4x3"].kernel, case) for case in PLANS)


@pytest.mark.parametrize("name", WRONG)
def test_rows_that_lie_elsewhere_are_not_proved(name: str) -> None:
    candidate = dots(STRIDED)["dot 4x3"]
    kernel = candidate.kernel
    kernel = replace(kernel, nests=tuple(rewrite(nest, WRONG[name]) for nest in kernel.nests))
    assert not all(right(kernel, case) for case in PLANS)
    refused(candidate, kernel)


@pytest.mark.parametrize("kept", ["E1_", "Address"])
def test_rows_that_may_lie_apart_are_not_proved(kept: str) -> None:
    """Both in memory and in flat rows cells have to lie side by side, though here one follows from the other."""
    candidate = dots(STRIDED)["dot 4x3"]
    rule = _asked(lambda one: isinstance(one.left, Select) and kept not in repr(one))
    kernel = candidate.kernel
    refused(candidate, replace(kernel, nests=tuple(rewrite(nest, rule) for nest in kernel.nests)))


def _begin(axis: int, value: Callable[[Expr], Expr]) -> Callable[[Any], Any]:
    rule = _at(axis, value)
    return lambda n: replace(rule(replace(n, name="still_")), name="moved_") if _let(n, "moved_") else n


def _far(value: Callable[[Any], Any], spare: bool = False) -> Callable[[Any], Any]:
    """Another distance in the table, of a tap or of a spare column."""

    def rule(node: Any) -> Any:
        mine = isinstance(node, Store) and node.buffer == "distances_" and (node.index == (Var("at_"),)) == spare
        return replace(node, value=Address("x", value(node.value.index))) if mine else node

    return rule


def _boxes(without: Callable[[Compare], bool]) -> Callable[[Any], Any]:
    rule = _asked(without)
    return lambda n: (
        replace(rule(replace(n, name="near_rows_")), name="near_columns_") if _let(n, "near_columns_") else n
    )


def _answer(node: Any, answer: int) -> bool:
    return isinstance(node, If) and node.condition == Compare("==", Var("near_columns_"), const(answer))


def _column(node: Any) -> bool:
    return isinstance(node, LoadLanes) and node.buffer == "x" and isinstance(node.offset, Load)


def _moves(node: Any) -> bool:
    return any(isinstance(n, StoreReduced) for n in walk(node))


MOVED: dict[str, Callable[[Any], Any]] = {
    "columns begin one element further": _begin(2, _more),
    "columns begin in the first image": _begin(0, lambda _: const(0)),
    "columns begin in the second channel": _begin(1, _more),
    "a tap one element further": _far(lambda at: (*at[:2], _more(at[2]))),
    "taps of one channel": _far(lambda at: (at[0], const(0), at[2])),
    "spare columns lie before the operand": _far(lambda at: (*at[:2], const(-99)), spare=True),
    "taps may reach before the operand": _boxes(lambda one: one.op == ">=" and "start_1_" in repr(one)),
    "taps may reach behind the operand": _boxes(lambda one: one.op == "<=" and "start_1_" in repr(one)),
    "lanes may end behind the operand": _boxes(lambda one: one.op == "<"),
    "images may lie apart": _boxes(lambda one: one.op == "==" and _memory(one)),
    "all columns are read in place": lambda n: Let(n.name, const(1)) if _let(n, "near_columns_") else n,
    "columns are packed where they are not read": lambda n: replace(n, condition=replace(n.condition, right=const(1))) if _answer(n, 0) and not _moves(n) else n,
    "columns the other way round": lambda n: replace(n, condition=replace(n.condition, right=const(1 - int(n.condition.right.value)))) if (_answer(n, 0) or _answer(n, 1)) and _moves(n) else n,
    "a column one element further": lambda n: replace(n, index=(*n.index[:-1], _more(n.index[-1]))) if _column(n) else n,
    "offsets of packed columns": lambda n: replace(n, offset=replace(n.offset, buffer="offsets_")) if _column(n) else n,
    "a product twice in place": lambda n: rewrite(n, lambda m: replace(m, value=add(m.value, m.value)) if _sum(m, "acc1_1_") else m) if _answer(n, 1) else n,
    "the test of another loop": lambda n: replace(n, body=(Let("near_columns_", const(1)), *n.body)) if isinstance(n, For) and n.var == "tile_" else n,
}  # fmt: skip

BOXES = (
    ((1, 4, 2, 4, 6, 4), 8),
    ((1, 4, 1, 8, 3, 16), 6),
    ((2, 4, 1, 8, 3, 4), 6),
    ((1, 4, 1, 8, 3, 8), 8),
)
"""Numbers of a plan and of lanes, and how many filters there are."""


def right_in_both(kernel: Kernel, case: tuple[tuple[int, ...], int]) -> bool:
    """Whether a kernel of ``BOTH`` computes the gradient: two channels, two taps, two images, twelve outputs."""
    plan, filters = case
    draw = np.random.default_rng(0)
    gy, x = draw.integers(-9, 10, (2, filters, 12)), draw.integers(-9, 10, (2, 2, 11))
    padded, found = np.pad(x, ((0, 0), (0, 0), (1, 1))), np.zeros((filters, 2, 2), int)
    for f, c, p in np.ndindex(found.shape):
        found[f, c, p] = (gy[:, f] * padded[:, c, p : p + 12]).sum()
    return computes(kernel, {"gy": gy, "x": x}, found, plan)


def test_the_kernel_that_reads_both_in_place_is_right() -> None:
    assert all(right_in_both(dots(BOTH)["dot 4x3"].kernel, case) for case in BOXES)


@pytest.mark.parametrize("name", MOVED)
def test_columns_that_lie_elsewhere_are_not_proved(name: str) -> None:
    candidate = dots(BOTH)["dot 4x3"]
    kernel = candidate.kernel
    kernel = replace(kernel, nests=tuple(rewrite(nest, MOVED[name]) for nest in kernel.nests))
    assert not all(right_in_both(kernel, case) for case in BOXES)
    refused(candidate, kernel)
