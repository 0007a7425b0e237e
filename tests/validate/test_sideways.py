"""Sums whose lanes are neighbouring planes: packed side by side, one number of a row for all of them."""

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
    Declare,
    Expr,
    For,
    Kernel,
    Let,
    Load,
    LoadLanes,
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
from symconv.validate.sideways import plane_by_plane
from symconv.validate.validation import validate

LINE = sc.operator("y[f,i] = sum[c,p](x[c,2*i+p-1]*w[f,c,p])")
"""One image, so that a proof is short; steps of two, and a border."""


@cache
def across(op: sc.Operator, target: str = "x86-64-v3") -> Candidate:
    """The gradient of w with lanes across planes."""
    every = pipeline.candidates(pipeline.derive(op, "w"), "gw", options(target=target, dtype="float32"))
    (found,) = (one for one in every if one.schedule.name.startswith("across"))
    return found


def test_lanes_across_planes_are_proved_for_any_number_of_lanes() -> None:
    candidate = across(LINE)
    said = validate(candidate, candidate.kernel)
    assert said.holds
    assert not any("lanes" in line for line in said.lines)


@pytest.mark.full
@pytest.mark.parametrize("target", ["x86-64-v3", "x86-64-v4"])
@pytest.mark.parametrize(
    "op",
    [
        sc.conv1d(padding=1, dilation=2, groups=2),
        sc.conv2d(),
        sc.conv2d(stride=(2, 3), padding=(1, 2)),
        sc.conv3d(padding=1),
        sc.operator("y[n,f,i] = sum[c](x[n,c,3*i]*w[f,c])"),
    ],
)
def test_every_operator_with_planes_is_proved(op: sc.Operator, target: str) -> None:
    candidate = across(op, target)
    assert validate(candidate, candidate.kernel).holds


def test_other_kernels_are_left_as_they_are() -> None:
    every = pipeline.candidates(pipeline.derive(LINE, "w"), "gw", options(target="x86-64-v3", dtype="float32"))
    others = [one.kernel for one in every if one.kernel.parameters and not one.schedule.name.startswith("across")]
    assert others
    assert all(plane_by_plane(kernel) is None for kernel in others)


def _more(expr: Expr) -> Expr:
    return add(expr, const(1))


def _less(expr: Expr) -> Expr:
    return sub(expr, const(1))


def _let(name: str, value: Callable[[Any], Expr]) -> Callable[[Any], Any]:
    return lambda n: Let(name, value(n.value)) if isinstance(n, Let) and n.name == name else n


def _loop(name: str, change: Callable[[For], For]) -> Callable[[Any], Any]:
    return lambda n: change(n) if isinstance(n, For) and n.var == name else n


def _turned(buffer: str, change: Callable[[StoreTurned], StoreTurned]) -> Callable[[Any], Any]:
    return lambda n: change(n) if isinstance(n, StoreTurned) and n.buffer == buffer else n


def _update(name: str, change: Callable[[Update], Any]) -> Callable[[Any], Any]:
    return lambda n: change(n) if isinstance(n, Update) and n.name == name else n


def _load(name: str, change: Callable[[Any], Expr]) -> Callable[[Any], Any]:
    return lambda n: replace(n, value=change(n.value)) if isinstance(n, Declare) and n.name == name else n


def _without(unwanted: Callable[[Any], bool]) -> Callable[[Any], Any]:
    def rule(node: Any) -> Any:
        body = getattr(node, "body", None)
        if not isinstance(body, tuple) or not any(map(unwanted, body)):
            return node
        return replace(node, body=tuple(one for one in body if not unwanted(one)))

    return rule


def _stored(node: Any, buffer: str, op: str) -> bool:
    return isinstance(node, StoreLanes) and node.buffer == buffer and node.op == op


def _moved(load: Load, axis: int) -> Load:
    return replace(load, index=(*load.index[:axis], _more(load.index[axis]), *load.index[axis + 1 :]))


def _source(axis: int) -> Callable[[StoreTurned], StoreTurned]:
    return lambda n: replace(n, value=_moved(n.value, axis))  # type: ignore[arg-type]


def _zeros(node: Any) -> bool:
    """A loop that stores zeros beside what was copied."""
    return isinstance(node, For) and node.var == "at_" and any(_stored(s, "columns_", "=") for s in node.body)


WRONG: dict[str, Callable[[Any], Any]] = {
    "planes start one late": _let("plane0_", _more),
    "a block of planes overlaps the one before": _let("plane0_", lambda v: sub(v, Var("planes_of_"))),
    "all planes at hand are planes": _let("planes_", lambda v: v.left),
    "the last plane is left out": _let("planes_", lambda v: Binary("min", v.left, _less(v.right))),
    "the last block of planes is full": _let("held_", lambda v: v.left),
    "a plane of every block is left out": _let("held_", _less),
    "a block of planes is left out": _loop("block_", lambda n: replace(n, upper=Binary("max", const(1), _less(n.upper)))),
    "every block is the first": lambda n: replace(n, index=(const(0), *n.index[1:])) if isinstance(n, LoadLanes) and n.buffer == "columns_" else n,
    "blocks are copied over each other": _turned("columns_", lambda n: replace(n, index=(const(0), *n.index[1:]))),
    "every block stores its sums in the first": lambda n: replace(n, index=(const(0), *n.index[1:])) if _stored(n, "sums_", "+") else n,
    "tiles of rows overlap": _let("rowblock0_", lambda v: sub(v, Var("rows_of_"))),
    "a tile of rows is left out": _loop("rowblock_", lambda n: replace(n, upper=_less(n.upper))),
    "sums do not start from nothing": _without(lambda one: isinstance(one, For) and one.var == "row_" and not any(isinstance(n, StoreTurned) for n in walk(one))),
    "sums start from one": lambda n: replace(n, value=Splat(const(1))) if _stored(n, "sums_", "=") else n,
    "a sum of a tile starts from one": _load("acc1_1_", lambda v: Splat(const(1))),
    "boxes start one late": _let("start_0_", _more),
    "boxes are one cell short": _let("size_0_", lambda v: Binary("max", const(1), _less(v))),
    "boxes are copied one element short": _let("reached_0_", _less),
    "copies begin one element late": _let("lower_", lambda v: Binary("min", Var("upper_"), _more(v))),
    "copies end one element early": _let("upper_", lambda v: Binary("max", const(0), _less(v))),
    "zeros beside copies are left out": _without(_zeros),
    "zeros beside copies are ones": lambda n: replace(n, value=Splat(const(1))) if _stored(n, "columns_", "=") else n,
    "the next plane is copied": _turned("columns_", _source(0)),
    "the next element is copied": _turned("columns_", _source(1)),
    "rows and columns are not exchanged": _turned("columns_", lambda n: replace(n, many=n.across, across=n.many)),
    "a plane is not copied": _turned("columns_", lambda n: replace(n, across=_less(n.across))),
    "the second vector is the first": _load("column1_", lambda v: replace(v, index=(*v.index[:-1], const(0)))),
    "the second vector is one plane further": _load("column1_", lambda v: replace(v, index=(*v.index[:-1], _more(v.index[-1])))),
    "an element of x further": lambda n: _moved(n, 1) if isinstance(n, LoadLanes) and n.buffer == "columns_" else n,  # type: ignore[arg-type]
    "every element of x, not every second": lambda n: replace(n, index=(n.index[0], add(Var("at_0_"), Var("p")), n.index[2])) if isinstance(n, LoadLanes) and n.buffer == "columns_" else n,
    "a row of the next tile": _load("row1_", lambda v: _moved(v, 0)),
    "an element of gy further": _load("row1_", lambda v: _moved(v, 1)),
    "a product twice": _update("acc1_1_", lambda n: replace(n, value=add(n.value, n.value))),
    "a product is subtracted": _update("acc1_1_", lambda n: replace(n, op="-")),
    "a product of another row": _update("acc1_1_", lambda n: replace(n, value=mul(Splat(Var("row0_")), Var("column1_")))),
    "a product in another sum": _update("acc1_1_", lambda n: replace(n, name="acc1_0_")),
    "a product is missing": _without(lambda one: isinstance(one, Update) and one.name == "acc1_1_"),
    "later boxes store over earlier ones": lambda n: replace(n, op="=") if _stored(n, "sums_", "+") else n,
    "sums of a row in those of the next": lambda n: replace(n, index=(n.index[0], _more(n.index[1]), *n.index[2:])) if _stored(n, "sums_", "+") else n,
    "the first vector of sums twice": lambda n: replace(n, index=(*n.index[:-1], const(0))) if _stored(n, "sums_", "+") else n,
    "sums of another vector": lambda n: replace(n, value=Var("acc1_0_")) if _stored(n, "sums_", "+") and n.value == Var("acc1_1_") else n,
    "sums of the next tap": _turned("gw", _source(2)),
    "sums of the next row": _turned("gw", _source(1)),
    "a tap of the target is left out": _turned("gw", lambda n: replace(n, across=_less(n.across))),
    "a plane of the target is left out": _turned("gw", lambda n: replace(n, many=_less(n.many))),
    "planes of the target one further": _turned("gw", lambda n: replace(n, index=(n.index[0], _more(n.index[1]), n.index[2]))),
    "a row of the target twice": _let("f", lambda v: Binary("max", const(0), _less(v))),
}  # fmt: skip

PLANS = [(9, 9, 9, 2), (2, 1, 1, 2), (1, 7, 5, 2), (3, 3, 99, 4)]
"""Cells of a box, rows of a block, planes at hand, lanes."""


def right(kernel: Kernel, plan: tuple[int, int, int, int]) -> bool:
    """Whether a kernel of ``LINE`` computes the gradient: eight filters, eleven channels, three taps."""
    draw = np.random.default_rng(0)
    gy, x = draw.integers(-9, 10, (8, 4)), draw.integers(-9, 10, (11, 8))
    padded = np.pad(x, ((0, 0), (1, 1)))
    want = np.zeros((8, 11, 3), int)
    for f, c, p in np.ndindex(want.shape):
        want[f, c, p] = (gy[f] * padded[c, p : p + 8 : 2][:4]).sum()
    arrays = {"gy": gy, "x": x, "w": np.zeros(want.shape, int)}
    given = {name: (array.shape, array.ravel().tolist()) for name, array in arrays.items()}
    cells, rows, planes, lanes = plan
    try:
        found = interpret(kernel, given, parameters={"T_i_": cells, "MB_": rows, "NB_": planes}, width=lanes)
    except InternalError:
        return False
    return found == want.ravel().tolist()


def test_the_kernel_is_right_at_every_plan() -> None:
    assert all(right(across(LINE).kernel, plan) for plan in PLANS)


@pytest.mark.parametrize("change", WRONG)
def test_what_is_wrong_is_not_proved(change: str) -> None:
    """Each is wrong at some plan, and no proof says otherwise."""
    candidate = across(LINE)
    kernel = replace(candidate.kernel, nests=tuple(rewrite(n, WRONG[change]) for n in candidate.kernel.nests))
    assert kernel != candidate.kernel
    assert not all(right(kernel, plan) for plan in PLANS)
    op = candidate.gather.operator
    with pytest.raises((UnclearError, FaultError)):
        prove(op, plain(kernel, least_of(op)), None)


def test_a_plane_that_only_fills_a_vector_counts_for_nothing() -> None:
    """What the last block of planes holds behind its planes may be anything: nobody reads what becomes of it."""

    def filled(node: Any) -> Any:
        return replace(node, value=const(7)) if isinstance(node, Store) and node.buffer == "columns_" else node

    candidate = across(LINE)
    kernel = replace(candidate.kernel, nests=tuple(rewrite(n, filled) for n in candidate.kernel.nests))
    assert kernel != candidate.kernel
    assert all(right(kernel, plan) for plan in PLANS)
