"""Sums whose lanes are neighbouring rows of the target: packed abreast, one element of a cell for all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.errors import InternalError
from symconv.loops.arith import add, const, mul, sub
from symconv.loops.candidate import Candidate
from symconv.loops.interpret import interpret
from symconv.loops.ir import (
    Binary,
    Compare,
    Declare,
    Expr,
    For,
    If,
    Kernel,
    Let,
    Load,
    LoadLanes,
    Prefetch,
    Splat,
    Store,
    StoreLanes,
    StoreTurned,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, walk
from symconv.options import options
from symconv.relation.points import UnclearError
from symconv.validate.ordering import FaultError
from symconv.validate.plain import plain
from symconv.validate.proof import prove
from symconv.validate.settled import least_of
from symconv.validate.validation import validate

LINE = sc.operator("y[f,i] = sum[c,p](x[c,2*i+p]*w[f,c,p])")
"""One image, so that a proof is short; steps of two."""


@cache
def abreast(op: sc.Operator, wrt: str = "", target: str = "x86-64-v3") -> Candidate:
    """The output, or a gradient, with rows of the target abreast."""
    derived = pipeline.derive(op, wrt) if wrt else pipeline.forward(op)
    every = pipeline.candidates(derived, f"g{wrt}" if wrt else "y", options(target=target, dtype="float32"))
    (found,) = (one for one in every if one.schedule.name.startswith("abreast"))
    return found


def test_rows_abreast_are_proved_for_any_number_of_lanes() -> None:
    candidate = abreast(LINE)
    said = validate(candidate, candidate.kernel)
    assert said.holds
    assert not any("lanes" in line for line in said.lines)


@pytest.mark.full
@pytest.mark.parametrize("target", ["x86-64-v3", "x86-64-v4"])
@pytest.mark.parametrize(
    ("op", "wrt"),
    [
        (sc.conv1d(dilation=2, groups=2), ""),
        (sc.conv2d(), ""),
        (sc.conv2d(stride=(2, 3)), ""),
        (sc.operator("y[n,f,i] = sum[c,p](abs(x[n,c,2*i+p] - w[f,c,p]))"), ""),
        (sc.operator("y[n,f,i] = sum[c](x[n,c,3*i]*w[f,c])"), ""),
        (sc.conv2d(), "x"),
        (sc.conv1d(groups=2), "x"),
    ],
)
def test_every_operator_that_reads_nothing_outside_is_proved(op: sc.Operator, wrt: str, target: str) -> None:
    candidate = abreast(op, wrt, target)
    assert validate(candidate, candidate.kernel).holds


def test_what_may_lie_outside_is_required_not_to() -> None:
    """A gradient of x reads nothing outside where a kernel has one tap; without that it is not proved."""
    candidate = abreast(sc.conv1d(), "x")
    said = validate(candidate, candidate.kernel)
    assert said.holds
    assert any(line.startswith("where max(0, (max(0, K) - 1)) <= 0") for line in said.lines)
    free = replace(candidate, facts=replace(candidate.facts, requires=()))  # type: ignore[type-var]
    assert not validate(free, candidate.kernel).holds


def _more(expr: Expr) -> Expr:
    return add(expr, const(1))


def _less(expr: Expr) -> Expr:
    return sub(expr, const(1))


def _let(name: str, value: Callable[[Any], Expr]) -> Callable[[Any], Any]:
    return lambda n: Let(name, value(n.value)) if isinstance(n, Let) and n.name == name else n


def _loop(name: str, change: Callable[[For], For]) -> Callable[[Any], Any]:
    return lambda n: change(n) if isinstance(n, For) and n.var == name else n


def _turned(change: Callable[[StoreTurned], StoreTurned]) -> Callable[[Any], Any]:
    return lambda n: change(n) if isinstance(n, StoreTurned) else n


def _update(name: str, change: Callable[[Update], Any]) -> Callable[[Any], Any]:
    return lambda n: change(n) if isinstance(n, Update) and n.name == name else n


def _load(name: str, change: Callable[[Any], Expr]) -> Callable[[Any], Any]:
    return lambda n: replace(n, value=change(n.value)) if isinstance(n, Declare) and n.name == name else n


def _stored(node: Any, buffer: str, op: str) -> bool:
    return isinstance(node, StoreLanes) and node.buffer == buffer and node.op == op


def _packed(change: Callable[[Store], Store]) -> Callable[[Any], Any]:
    return lambda n: change(n) if isinstance(n, Store) and isinstance(n.value, Load) else n


def _moved(load: Any, axis: int) -> Any:
    return replace(load, index=(*load.index[:axis], _more(load.index[axis]), *load.index[axis + 1 :]))


def _without(unwanted: Callable[[Any], bool]) -> Callable[[Any], Any]:
    def rule(node: Any) -> Any:
        body = getattr(node, "body", None)
        if not isinstance(body, tuple) or not any(map(unwanted, body)):
            return node
        return replace(node, body=tuple(one for one in body if not unwanted(one)))

    return rule


def _compared(node: Any, op: str) -> bool:
    return isinstance(node, If) and isinstance(node.condition, Compare) and node.condition.op == op


def _first_block(node: Any) -> bool:
    return isinstance(node, LoadLanes) and node.buffer == "columns_"


WRONG: dict[str, Callable[[Any], Any]] = {
    "rows start one late": _let("plane0_", _more),
    "a block of rows overlaps the one before": _let("plane0_", lambda v: sub(v, Var("planes_of_"))),
    "all rows at hand are rows": _let("planes_", lambda v: v.left),
    "the last row is left out": _let("planes_", lambda v: Binary("min", v.left, _less(v.right))),
    "the last block of rows is full": _let("held_", lambda v: v.left),
    "a row of every block is left out": _let("held_", _less),
    "a block of rows is left out": _loop("block_", lambda n: replace(n, upper=Binary("max", const(1), _less(n.upper)))),
    "every block is the first": lambda n: replace(n, index=(const(0), *n.index[1:])) if _first_block(n) else n,
    "blocks are packed over each other": _packed(lambda n: replace(n, index=(const(0), *n.index[1:]))),
    "every block stores its sums in the first": lambda n: replace(n, index=(const(0), *n.index[1:])) if _stored(n, "sums_", "+") else n,
    "boxes start one late": _let("start_0_", _more),
    "boxes are one cell short": _let("size_0_", lambda v: Binary("max", const(1), _less(v))),
    "a tile of cells is left out": _loop("tile_", lambda n: replace(n, upper=_less(n.upper))),
    "cells of the last tile are left out": _without(lambda one: _compared(one, "<")),
    "the last tile is a whole one": _let("left_", lambda v: const(6)),
    "every tile is one that is cut, and full ones are too": lambda n: replace(n, condition=replace(n.condition, op="<=")) if _compared(n, "<") else n,
    "a slab of planes is left out": _loop("slab_", lambda n: replace(n, upper=_less(n.upper))),
    "slabs overlap": _let("slab_start_", lambda v: sub(v, Var("slab_"))),
    "slabs are one plane short": _let("slab_size_", _less),
    "the last slab is a whole one": _let("slab_size_", lambda v: v.left),
    "sums do not start from nothing": _without(lambda one: isinstance(one, For) and one.var == "cell_"),
    "sums start from one": lambda n: replace(n, value=Splat(const(1))) if _stored(n, "sums_", "=") else n,
    "sums of the last tile do not start from nothing": _loop("cell_", lambda n: replace(n, upper=sub(n.upper, const(6)))),
    "a sum of a tile starts from one": _load("acc1_1_", lambda v: Splat(const(1))),
    "the next row is packed": _packed(lambda n: replace(n, value=_moved(n.value, 0))),
    "another plane is packed": _packed(lambda n: replace(n, value=_moved(n.value, 1))),
    "another tap is packed": _packed(lambda n: replace(n, value=_moved(n.value, 2))),
    "taps and planes are packed in each other's place": _packed(lambda n: replace(n, index=(n.index[0], n.index[2], n.index[1], n.index[3]))),
    "the second vector is the first": _load("column1_", lambda v: replace(v, index=(*v.index[:-1], const(0)))),
    "the second vector is one row further": _load("column1_", lambda v: replace(v, index=(*v.index[:-1], _more(v.index[-1])))),
    "an element of w further": lambda n: _moved(n, 1) if _first_block(n) else n,
    "an element of x further": _load("row1_", lambda v: _moved(v, 1)),
    "a plane of x further": _load("row1_", lambda v: _moved(v, 0)),
    "elements of x as if steps were one": _load("row1_", lambda v: replace(v, index=(v.index[0], sub(v.index[1], const(1))))),
    "a product twice": _update("acc1_1_", lambda n: replace(n, value=add(n.value, n.value))),
    "a product is subtracted": _update("acc1_1_", lambda n: replace(n, op="-")),
    "a product of another cell": _update("acc1_1_", lambda n: replace(n, value=mul(Splat(Var("row0_")), Var("column1_")))),
    "a product in another sum": _update("acc1_1_", lambda n: replace(n, name="acc1_0_")),
    "a product is missing": _without(lambda one: isinstance(one, Update) and one.name == "acc1_1_"),
    "later slabs store over earlier ones": lambda n: replace(n, op="=") if _stored(n, "sums_", "+") else n,
    "sums of a cell in those of the next": lambda n: replace(n, index=(n.index[0], _more(n.index[1]), *n.index[2:])) if _stored(n, "sums_", "+") else n,
    "the first vector of sums twice": lambda n: replace(n, index=(*n.index[:-1], const(0))) if _stored(n, "sums_", "+") else n,
    "sums of another vector": lambda n: replace(n, value=Var("acc1_0_")) if _stored(n, "sums_", "+") and n.value == Var("acc1_1_") else n,
    "sums of the next cell": _turned(lambda n: replace(n, value=_moved(n.value, 1))),
    "rows and columns are not exchanged": _turned(lambda n: replace(n, many=n.across, across=n.many)),
    "a cell of the target is left out": _turned(lambda n: replace(n, across=_less(n.across))),
    "a row of the target is left out": _turned(lambda n: replace(n, many=_less(n.many))),
    "rows of the target one further": _turned(lambda n: replace(n, index=(_more(n.index[0]), n.index[1]))),
    "cells of the target one further": _turned(lambda n: replace(n, index=(n.index[0], _more(n.index[1])))),
}  # fmt: skip

PLANS = [(9, 99, 9, 2), (6, 99, 2, 2), (2, 1, 1, 2), (1, 7, 2, 2), (5, 99, 3, 4), (8, 8, 99, 1)]
"""Cells of a box, rows at hand, planes at hand, lanes."""


def right(kernel: Kernel, plan: tuple[int, int, int, int]) -> bool:
    """Whether a kernel computes ``LINE``: eleven filters, five channels, three taps, nine cells."""
    draw = np.random.default_rng(0)
    x, w = draw.integers(-9, 10, (5, 19)), draw.integers(-9, 10, (11, 5, 3))
    want = np.zeros((11, 9), int)
    for f, i in np.ndindex(want.shape):
        want[f, i] = (x[:, 2 * i : 2 * i + 3] * w[f]).sum()
    given = {name: (array.shape, array.ravel().tolist()) for name, array in {"x": x, "w": w}.items()}
    cells, rows, planes, lanes = plan
    try:
        found = interpret(kernel, given, parameters={"T_i_": cells, "NB_": rows, "FB_": planes}, width=lanes)
    except InternalError:
        return False
    return found == want.ravel().tolist()


def test_the_kernel_is_right_at_every_plan() -> None:
    assert all(right(abreast(LINE).kernel, plan) for plan in PLANS)


@pytest.mark.parametrize("change", WRONG)
def test_what_is_wrong_is_not_proved(change: str) -> None:
    """Each is wrong at some plan, and no proof says otherwise."""
    candidate = abreast(LINE)
    kernel = replace(candidate.kernel, nests=tuple(rewrite(n, WRONG[change]) for n in candidate.kernel.nests))
    assert kernel != candidate.kernel
    assert not all(right(kernel, plan) for plan in PLANS)
    op = candidate.gather.operator
    with pytest.raises((UnclearError, FaultError)):
        prove(op, plain(kernel, least_of(op)), None)


def test_what_only_fills_a_vector_or_is_fetched_ahead_counts_for_nothing() -> None:
    """Lanes behind the last row may hold anything, and what is fetched may lie anywhere."""

    def changed(node: Any) -> Any:
        if isinstance(node, Prefetch):
            return replace(node, index=tuple(map(_more, node.index)))
        filled = isinstance(node, Store) and node.buffer == "columns_" and not isinstance(node.value, Load)
        return replace(node, value=const(7)) if filled else node

    candidate = abreast(LINE)
    kernel = replace(candidate.kernel, nests=tuple(rewrite(n, changed) for n in candidate.kernel.nests))
    assert kernel != candidate.kernel
    assert any(isinstance(node, Prefetch) for nest in kernel.nests for node in walk(nest))
    assert all(right(kernel, plan) for plan in PLANS)
    assert prove(candidate.gather.operator, plain(kernel, least_of(candidate.gather.operator)), None)
