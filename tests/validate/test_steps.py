"""Stencils whose lanes are contributions: chunks of boxes, blocks of groups, lanes that are added up."""

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
    Const,
    For,
    Kernel,
    Lanes,
    Let,
    Load,
    LoadLanes,
    Select,
    StoreLanes,
    StoreReduced,
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

DEPTHWISE = sc.operator("y[n,c,i,j] = sum[p,q](x[n,c,i+p-1,j+q-1]*w[c,p,q])")
STRIDED = sc.operator("y[n,c,i,j] = sum[p,q](x[n,c,2*i+p-1,2*j+q-1]*w[c,p,q])")
OPERATORS = {
    "one filter for each channel": DEPTHWISE,
    "strides": STRIDED,
    "groups": sc.conv2d(padding=1, groups=4),
    "strides, dilation, groups": sc.conv2d(stride=(2, 1), padding=3, dilation=2, groups=4),
    "no border": sc.conv2d(groups=32),
}


@cache
def stencils(op: sc.Operator, target: str = "x86-64-v3") -> dict[str, Candidate]:
    """The stencils of the gradient of w, by the names of their schedules."""
    every = pipeline.candidates(pipeline.derive(op, "w"), "gw", options(target=target, dtype="float32"))
    return {one.schedule.name: one for one in every if one.schedule.name.startswith("stencil")}


@pytest.mark.parametrize("target", ["x86-64-v3", "x86-64-v4"])
@pytest.mark.parametrize("name", OPERATORS)
def test_sums_over_lanes_are_proved(name: str, target: str) -> None:
    found = {one: made for one, made in stencils(OPERATORS[name], target).items() if "whole" not in one}
    assert found
    for schedule, candidate in found.items():
        proof = validate(candidate, candidate.kernel)
        assert proof.holds, f"{schedule}: {proof}"


def _behind(node: Any) -> bool:
    """The lowest row that a tile of three taps reads of x."""
    rows = (Binary("*", const(8), Var("W")), Binary("*", const(14), Var("W")))
    return isinstance(node, LoadLanes) and node.buffer == "x" and any(one in walk(node) for one in rows)


def _without(node: Any, unwanted: Callable[[Any], bool]) -> Any:
    body = getattr(node, "body", None)
    if not isinstance(body, tuple) or not any(map(unwanted, body)):
        return node
    return replace(node, body=tuple(one for one in body if not unwanted(one)))


def _tap(node: Any) -> bool:
    return isinstance(node, Update) and node == Update("acc2_0_0_", "+", mul(Var("row4_0_"), Var("column_")))


def _clears(node: Any) -> bool:
    return isinstance(node, StoreLanes) and node.buffer == "sums_" and node.op == "="


def _adds(node: Any) -> bool:
    return isinstance(node, StoreLanes) and node.buffer == "sums_" and node.op == "+"


def _boxes(node: Any) -> bool:
    return isinstance(node, For) and node.var == "box_"


WRONG: dict[str, Callable[[Any], Any]] = {
    "a chunk starts one box late": lambda n: replace(n, lower=add(n.lower, const(1))) if _boxes(n) else n,
    "a chunk ends one box early": lambda n: replace(n, upper=sub(n.upper, const(1))) if _boxes(n) else n,
    "chunks overlap": lambda n: replace(n, lower=Binary("max", const(0), sub(n.lower, const(1)))) if _boxes(n) else n,
    "every chunk has all boxes": lambda n: replace(n, lower=const(0), upper=Var("BX_")) if _boxes(n) else n,
    "chunks are rounded up": lambda n: replace(n, lower=Binary("//", add(n.lower.left, const(1)), n.lower.right)) if _boxes(n) else n,
    "the last chunk is not added": lambda n: replace(n, upper=sub(n.upper, const(1))) if isinstance(n, For) and n.upper == Var("SC_") else n,
    "the first chunk is added twice": lambda n: replace(n, lower=const(-1), body=tuple(rewrite(s, lambda m: Binary("max", const(0), m) if m == Var("chunk_of_") else m) for s in n.body)) if isinstance(n, For) and n.upper == Var("SC_") else n,
    "sums of another chunk are read": lambda n: replace(n, index=(*n.index[:2], const(0), n.index[3])) if isinstance(n, Load) and n.buffer == "parts_" else n,
    "chunks stored over each other": lambda n: replace(n, index=(*n.index[:2], const(0), n.index[3])) if isinstance(n, StoreReduced) else n,
    "sums start as ones": lambda n: replace(n, value=rewrite(n.value, lambda m: const(1) if isinstance(m, Const) else m)) if _clears(n) else n,
    "a sum is not cleared": lambda n: replace(n, lower=const(1)) if isinstance(n, For) and n.var == "sum_" else n,
    "sums are stored over": lambda n: replace(n, op="=") if _adds(n) else n,
    "sums are subtracted": lambda n: replace(n, op="-") if _adds(n) else n,
    "a sum of another tap": lambda n: replace(n, index=(*n.index[:2], add(n.index[2], const(1)), n.index[3])) if _adds(n) and n.index[2] == Var("q") else n,
    "half of a sum is lost": lambda n: replace(n, value=n.value.left) if _adds(n) else n,
    "a group has sums of the next": lambda n: Let("whole_", add(n.value, const(1))) if isinstance(n, Let) and n.name == "whole_" else n,
    "groups share their sums": lambda n: replace(n, index=(const(0), *n.index[1:])) if _adds(n) else n,
    "one group too few": lambda n: Let("groups_", sub(n.value, const(1))) if isinstance(n, Let) and n.name == "groups_" else n,
    "blocks of groups overlap": lambda n: Let("group0_", Binary("max", const(0), sub(n.value, const(1)))) if isinstance(n, Let) and n.name == "group0_" else n,
    "some sums are not folded": lambda n: replace(n, upper=sub(n.upper, const(1))) if isinstance(n, For) and n.var == "four_" else n,
    "folded in another order": lambda n: replace(n, values=n.values[::-1]) if isinstance(n, StoreReduced) else n,
    "one tap is missing in one row": lambda n: _without(n, _tap),
    "one tap twice": lambda n: Update(n.name, n.op, add(n.value, n.value)) if _tap(n) else n,
    "a tap is subtracted": lambda n: replace(n, op="-") if _tap(n) else n,
    "a tap in another sum": lambda n: replace(n, name="acc1_0_0_") if _tap(n) else n,
    "a row of another tap": lambda n: Update(n.name, n.op, mul(Var("row3_0_"), Var("column_"))) if _tap(n) else n,
    "a row of several one element further": lambda n: replace(n, offset=add(n.offset, const(1))) if _behind(n) else n,
    "rows left over forgotten": lambda n: _without(n, lambda one: isinstance(one, For) and one.var == "row_"),
    "a row too few": lambda n: replace(n, upper=sub(n.upper, const(1))) if isinstance(n, For) and n.var == "row_" else n,
    "steps of six rows": lambda n: Binary("*", const(6), Var("rowblock_")) if n == Binary("*", const(7), Var("rowblock_")) else n,
    "a border row let through": lambda n: Compare("<=", n.left, n.right) if isinstance(n, Compare) and n.op == "<" and n.right == Var("H") else n,
    "a border row left out": lambda n: Compare(">", n.left, n.right) if isinstance(n, Compare) and n.op == ">=" and n.right == const(0) and Var("base_") in walk(n) else n,
    "lanes behind the end of a row": lambda n: Lanes(n.lower, add(n.upper, const(1))) if isinstance(n, Lanes) else n,
    "lanes without the end of the row": lambda n: Lanes(n.lower, n.upper.yes) if isinstance(n, Lanes) and isinstance(n.upper, Select) else n,
    "lanes from one late": lambda n: Lanes(add(n.lower, const(1)), n.upper) if isinstance(n, Lanes) else n,
    "a block of lanes too few": lambda n: replace(n, upper=sub(n.upper, const(1))) if isinstance(n, For) and n.var == "laneblock_" else n,
    "blocks of lanes overlap": lambda n: Let("at_", add(Var("F2_"), mul(sub(Var("sc_lanes"), const(1)), Var("laneblock_")))) if isinstance(n, Let) and n.name == "at_" else n,
    "columns one too far": lambda n: Let("column0_", add(n.value, const(1))) if isinstance(n, Let) and n.name == "column0_" else n,
    "planes of the first image": lambda n: Address(n.buffer, (const(0), *n.index[1:])) if isinstance(n, Address) and n.buffer == "x" else n,
}  # fmt: skip


def right(kernel: Kernel, chunks: int) -> bool:
    """Whether a kernel of ``DEPTHWISE`` computes the gradient at three images of rows in two tiles and two left."""
    draw = np.random.default_rng(0)
    gy, x = (draw.integers(-9, 10, (3, 3, 16, 6)) for _ in range(2))
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    want = [
        (gy[:, c] * padded[:, c, p : p + 16, q : q + 6]).sum() for c in range(3) for p in range(3) for q in range(3)
    ]
    given = {name: (a.shape, a.ravel().tolist()) for name, a in (("gy", gy), ("x", x), ("w", np.zeros((3, 3, 3), int)))}
    try:
        return interpret(kernel, given, parameters={"TG_": 2, "S_": chunks}) == want
    except InternalError:
        return False


def judged(candidate: Candidate, kernel: Kernel) -> None:
    """No proof of a changed kernel; and it is wrong where it is run."""
    op, facts = candidate.gather.operator, candidate.facts
    assert kernel != candidate.kernel and isinstance(facts, Facts)
    with pytest.raises((FaultError, UnclearError)):
        prove(op, plain(kernel, least_of(op)), None, facts.requires)
    assert not all(right(kernel, chunks) for chunks in (1, 2))


def test_the_kernel_that_is_changed_is_right() -> None:
    kernel = stencils(DEPTHWISE)["stencil 7x3"].kernel
    assert all(right(kernel, chunks) for chunks in (1, 2, 3, 9))


def changed(kernel: Kernel, rule: Callable[[Any], Any]) -> Kernel:
    return replace(kernel, nests=tuple(rewrite(nest, rule) for nest in kernel.nests))


@pytest.mark.parametrize("name", WRONG)
def test_wrong_sums_over_lanes_are_not_proved(name: str) -> None:
    candidate = stencils(DEPTHWISE)["stencil 7x3"]
    judged(candidate, changed(candidate.kernel, WRONG[name]))
