"""Stencils whose rows are residue classes, woven together when they are stored."""

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
    Address,
    Binary,
    Compare,
    FloorDiv,
    For,
    If,
    Kernel,
    Lanes,
    Let,
    LoadLanes,
    StoreLanes,
    StoreZip,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, walk
from symconv.options import options
from symconv.relation.points import UnclearError
from symconv.tune.facts import Facts
from symconv.validate.ordering import FaultError
from symconv.validate.plain import plain
from symconv.validate.proof import prove
from symconv.validate.settled import least_of
from symconv.validate.validation import validate

STRIDED = sc.operator("y[n,c,i,j] = sum[p,q](x[n,c,2*i+p-1,2*j+q-1]*w[c,p,q])")
OPERATORS = {
    "one filter for each channel": STRIDED,
    "three classes": sc.conv2d(stride=3, padding=1, groups=4),
    "classes of columns": sc.conv2d(stride=(1, 2), padding=1, groups=4),
    "averages": sc.avg_pool2d(2, 2),
    "classes of rows": sc.conv2d(stride=(2, 1), padding=1, groups=4),
}


@cache
def stencils(op: sc.Operator) -> dict[str, Candidate]:
    """The stencils of the gradient of x, by the names of their schedules."""
    every = pipeline.candidates(pipeline.derive(op, "x"), "gx", options(target="x86-64-v4", dtype="float32"))
    return {one.schedule.name: one for one in every if one.schedule.name.startswith("stencil")}


@pytest.mark.parametrize("name", OPERATORS)
def test_residue_classes_that_are_woven_are_proved(name: str) -> None:
    found = stencils(OPERATORS[name])
    assert found
    for schedule, candidate in found.items():
        proof = validate(candidate, candidate.kernel)
        assert proof.holds, f"{schedule}: {proof}"
        assert "vectors of any number of lanes" in str(proof)


def _tap(node: Any) -> bool:
    return isinstance(node, Update) and node == Update("acc1_1_", "+", mul(Var("wide0_"), Var("cut0_0_0_")))


def _without(node: Any, unwanted: Callable[[Any], bool]) -> Any:
    body = getattr(node, "body", None)
    if not isinstance(body, tuple) or not any(map(unwanted, body)):
        return node
    return replace(node, body=tuple(one for one in body if not unwanted(one)))


def _whole(node: Any) -> bool:
    return isinstance(node, StoreZip) and node.buffer == "gx"


def _line(node: Any) -> bool:
    return isinstance(node, StoreZip) and node.buffer == "line_"


def _piece(node: Any) -> bool:
    return isinstance(node, StoreLanes) and node.buffer == "gx"


def _second(node: Any) -> bool:
    return _piece(node) and node.mask == "piece1_"


def _odd(node: Any) -> bool:
    """The rows of the second class."""
    return isinstance(node, StoreZip | StoreLanes) and node.buffer == "gx" and const(1) in walk(node.index[2])


def _one_of_several(node: Any) -> bool:
    return isinstance(node, StoreZip) and node.values == (Var("acc1_0_"), Var("acc1_1_"))


WRONG: dict[str, Callable[[Any], Any]] = {
    "classes change places": lambda n: replace(n, values=n.values[::-1]) if _whole(n) else n,
    "classes change places in the line": lambda n: replace(n, values=n.values[::-1]) if _line(n) else n,
    "classes change places in both": lambda n: replace(n, values=n.values[::-1]) if isinstance(n, StoreZip) else n,
    "a class is stored twice": lambda n: replace(n, values=(n.values[0], n.values[0])) if isinstance(n, StoreZip) else n,
    "one row of several stores another": lambda n: replace(n, values=(Var("acc0_0_"), Var("acc0_1_"))) if _one_of_several(n) else n,
    "rows change places": lambda n: replace(n, index=(*n.index[:2], add(n.index[2], const(1)), n.index[3])) if isinstance(n, StoreZip | StoreLanes) and n.buffer == "gx" and not _odd(n) else n,
    "stored one cell further": lambda n: replace(n, index=(*n.index[:3], add(n.index[3], const(1)))) if _whole(n) else n,
    "pieces stored one cell further": lambda n: replace(n, index=(*n.index[:3], add(n.index[3], const(1)))) if _piece(n) else n,
    "the second piece over the first": lambda n: replace(n, index=(*n.index[:3], mul(const(2), Var("at_")))) if _second(n) else n,
    "the second piece is the first": lambda n: replace(n, value=LoadLanes("line_", (const(0),), 1, "piece1_")) if _second(n) else n,
    "the second piece is not stored": lambda n: _without(n, _second),
    "pieces are longer than the row": lambda n: Lanes(n.lower, add(n.upper, const(1))) if isinstance(n, Lanes) and n.lower == const(0) and Var("W") in walk(n.upper) else n,
    "pieces are too short": lambda n: Lanes(n.lower, sub(n.upper, const(1))) if isinstance(n, Lanes) and n.lower == const(0) and Var("W") in walk(n.upper) else n,
    "pieces without masks": lambda n: replace(n, mask="") if _piece(n) else n,
    "one cell more is said to fit": lambda n: Compare("<=", sub(n.left, const(1)), n.right) if isinstance(n, Compare) and n.op == "<=" and n.right == Var("W") else n,
    "what fits is not stored": lambda n: replace(n, body=()) if isinstance(n, If) and isinstance(n.condition, Compare) and n.condition.op == "<=" and n.condition.right == Var("W") else n,
    "what does not fit is not stored": lambda n: _without(n, lambda s: isinstance(s, If) and isinstance(s.condition, Compare) and s.condition.op == ">" and s.condition.right == Var("W")),
    "a block of lanes too few": lambda n: replace(n, upper=sub(n.upper, const(1))) if isinstance(n, For) and n.var == "laneblock_" else n,
    "blocks of lanes apart": lambda n: Let("at_", mul(const(2), n.value)) if isinstance(n, Let) and n.name == "at_" else n,
    "added to what is there": lambda n: replace(n, op="+") if _piece(n) else n,
    "one tap is missing in one row": lambda n: _without(n, _tap),
    "a tap is subtracted": lambda n: replace(n, op="-") if _tap(n) else n,
    "a tap in the sum of another class": lambda n: replace(n, name="acc1_0_") if _tap(n) else n,
    "columns of the second class one too far": lambda n: Let("column_", add(n.value, const(1))) if isinstance(n, Let) and n.name == "column_" and const(1) in walk(n.value) else n,
    "the second class starts one row late": lambda n: Let("base_", sub(n.value, const(1))) if isinstance(n, Let) and n.name == "base_" and const(1) in walk(n.value) else n,
    "a row of a class too few": lambda n: Let("to_", sub(n.value, const(1))) if isinstance(n, Let) and n.name == "to_" else n,
    "classes of rows end together": lambda n: FloorDiv(add(Var("H"), const(-1)), 2) if n == FloorDiv(add(Var("H"), const(-2)), 2) else n,
    "the operand's border let through": lambda n: Lanes(n.lower, add(n.upper, const(1))) if isinstance(n, Lanes) and n.lower != const(0) else n,
    "rows of two steps": lambda n: Binary("*", const(2), Var("rowblock_")) if n == Binary("*", const(3), Var("rowblock_")) else n,
    "rows left over forgotten": lambda n: _without(n, lambda one: isinstance(one, For) and one.var == "row_"),
    "an element of the kernel of another class": lambda n: Address("w", (*n.index[:2], mul(const(2), Var("q_")))) if isinstance(n, Address) and n.buffer == "w" and const(1) in walk(n.index[2]) else n,
}  # fmt: skip


def right(kernel: Kernel, rows: int, columns: int) -> bool:
    """Whether a kernel of ``STRIDED`` computes the gradient at an image of this size."""
    draw = np.random.default_rng(0)
    gy = draw.integers(-9, 10, (2, 2, (rows - 1) // 2 + 1, (columns - 1) // 2 + 1))
    w = draw.integers(-9, 10, (2, 3, 3))
    padded = np.zeros((2, 2, rows + 3, columns + 3), dtype=int)
    for i, j, p, q in np.ndindex(*gy.shape[2:], 3, 3):
        padded[:, :, 2 * i + p, 2 * j + q] += gy[:, :, i, j] * w[:, p, q]
    want = padded[:, :, 1 : 1 + rows, 1 : 1 + columns].ravel().tolist()
    arrays = {"gy": gy, "w": w, "x": np.zeros((2, 2, rows, columns), int)}
    given = {name: (array.shape, array.ravel().tolist()) for name, array in arrays.items()}
    try:
        return interpret(kernel, given, parameters=dict.fromkeys(kernel.parameters, 9)) == want
    except InternalError:
        return False


SIZES = ((9, 9), (10, 8), (16, 15), (3, 14))


def test_the_kernel_that_is_changed_is_right() -> None:
    kernel = stencils(STRIDED)["stencil 7x3"].kernel
    assert all(right(kernel, *sizes) for sizes in SIZES)


@pytest.mark.parametrize("name", WRONG)
def test_wrong_weaves_are_not_proved(name: str) -> None:
    candidate = stencils(STRIDED)["stencil 7x3"]
    kernel, op, facts = candidate.kernel, candidate.gather.operator, candidate.facts
    changed = replace(kernel, nests=tuple(rewrite(nest, WRONG[name]) for nest in kernel.nests))
    assert changed != kernel and isinstance(facts, Facts)
    with pytest.raises((FaultError, UnclearError)):
        prove(op, plain(changed, least_of(op)), None, facts.requires)
    assert not all(right(changed, *sizes) for sizes in SIZES)
