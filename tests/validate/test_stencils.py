"""Stencils: rows that share what they load, lanes under masks, whole rows that are moved in registers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import pytest

import symconv as sc
from symconv import pipeline
from symconv.loops.arith import add, const, mul, simplify, sub
from symconv.loops.candidate import Candidate
from symconv.loops.ir import (
    Address,
    Binary,
    Compare,
    Declare,
    Expr,
    FloorDiv,
    For,
    If,
    Lanes,
    Let,
    Load,
    LoadLanes,
    Shift,
    Splat,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, substitute, walk
from symconv.options import options
from symconv.relation.points import UnclearError
from symconv.tune.facts import Facts
from symconv.validate.inlined import inlined
from symconv.validate.inner import whole_parts
from symconv.validate.ordering import FaultError
from symconv.validate.plain import plain
from symconv.validate.proof import prove
from symconv.validate.settled import least_of
from symconv.validate.validation import validate

DEPTHWISE = sc.operator("y[n,c,i,j] = sum[p,q](x[n,c,i+p-1,j+q-1]*w[c,p,q])")
STRIDED = sc.operator("y[n,c,i,j] = sum[p,q](x[n,c,2*i+p-1,2*j+q-1]*w[c,p,q])")
DIFFERENCES = sc.operator("y[n,c,i,j] = sum[p,q](abs(x[n,c,i+p,j+q]-w[c,p,q]))")


@cache
def stencils(op: sc.Operator, wrt: str = "") -> dict[str, Candidate]:
    """The stencils of an output for a machine with 32 registers, by the names of their schedules."""
    derivation = pipeline.derive(op, wrt) if wrt else pipeline.forward(op)
    every = pipeline.candidates(derivation, f"g{wrt}" if wrt else "y", options(target="x86-64-v4", dtype="float32"))
    return {one.schedule.name: one for one in every if one.schedule.name.startswith("stencil")}


OPERATORS = {
    "products": DEPTHWISE,
    "strides": STRIDED,
    "differences": DIFFERENCES,
    "averages": sc.avg_pool2d(3, 1, 1),
    "maxima": sc.max_pool2d(3, 2, 1),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_every_stencil_of_rows_is_proved(name: str) -> None:
    found = stencils(OPERATORS[name])
    assert found
    for schedule, candidate in found.items():
        proof = validate(candidate, candidate.kernel)
        assert proof.holds, f"{schedule}: {proof}"


def test_what_a_proof_takes_for_granted_is_said() -> None:
    candidate = stencils(DEPTHWISE, "x")["stencil 7x3 of whole rows"]
    proof = validate(candidate, candidate.kernel)
    assert proof.holds, str(proof)
    assert "where KH = 3 and KW = 3 and OW <= the number of lanes" in str(proof)
    assert "vectors of any number of lanes" in str(proof)


def _is_x(node: Any) -> bool:
    return isinstance(node, LoadLanes) and node.buffer == "x" and node.offset is not None


def _last(node: Any) -> bool:
    """The lowest row that a tile of three taps reads, which one sum alone uses."""
    return _is_x(node) and node.offset == add(Var("wide0_at_"), Binary("*", const(8), Var("W")))


def _further(node: Any) -> Any:
    return replace(node, index=(*node.index[:-1], add(node.index[-1], const(1))))


def _without(node: Any, unwanted: Callable[[Any], bool]) -> Any:
    body = getattr(node, "body", None)
    if not isinstance(body, tuple) or not any(map(unwanted, body)):
        return node
    return replace(node, body=tuple(one for one in body if not unwanted(one)))


def _tap(node: Any) -> bool:
    return isinstance(node, Update) and node == Update("acc2_0_", "+", mul(Var("wide0_"), Var("cut0_1_0_")))


def _row_below(node: Any) -> Any:
    if isinstance(node, StoreLanes) and node.value == Var("acc0_0_"):
        return replace(node, index=(*node.index[:2], add(node.index[2], const(1)), node.index[3]))
    return node


WRONG: dict[str, Callable[[Any], Any]] = {
    "lanes start a column too far": lambda n: Let("column_", add(n.value, const(1))) if isinstance(n, Let) and n.name == "column_" else n,
    "an offset of one row of several": lambda n: replace(n, offset=add(n.offset, const(1))) if _last(n) else n,
    "a row of several reads the next": lambda n: replace(n, offset=add(n.offset, Var("W"))) if _last(n) else n,
    "one tap is missing in one row": lambda n: _without(n, _tap),
    "one tap twice as much": lambda n: Update(n.name, n.op, add(n.value, n.value)) if _tap(n) else n,
    "a tap is subtracted": lambda n: replace(n, op="-") if _tap(n) else n,
    "taps changed places": lambda n: Var("cut0_2_0_") if n == Var("cut0_0_0_") else n,
    "the operand's border let through": lambda n: Lanes(n.lower, add(n.upper, const(1))) if isinstance(n, Lanes) and n.upper != Var("Q2_") and n.lower != const(0) else n,
    "a lane behind the end stored": lambda n: Lanes(n.lower, add(n.upper, const(1))) if isinstance(n, Lanes) and n.lower == const(0) else n,
    "all lanes stored where there are few": lambda n: replace(n, mask="") if isinstance(n, StoreLanes) else n,
    "rows start one too low": lambda n: Let("base_", Var("row_")) if isinstance(n, Let) and n.name == "base_" else n,
    "a row behind the last is read": lambda n: Compare("<=", n.left, n.right) if isinstance(n, Compare) and n.op == "<" and n.right == Var("H") else n,
    "stores in the wrong row": _row_below,
    "rows left over forgotten": lambda n: _without(n, lambda one: isinstance(one, For) and one.var == "row_"),
    "one row too many": lambda n: replace(n, upper=add(n.upper, const(1))) if isinstance(n, For) and n.var == "row_" else n,
    "steps of six rows": lambda n: Binary("*", const(6), Var("rowblock_")) if n == Binary("*", const(7), Var("rowblock_")) else n,
    "the last block not moved back": lambda n: n.right if isinstance(n, Binary) and n.op == "min" and uses_lane(n.left) else n,
    "a block of lanes too few": lambda n: replace(n, upper=Binary("-", n.upper, const(1))) if isinstance(n, For) and n.var == "laneblock_" else n,
    "strips of a group overlap": lambda n: add(n, const(1)) if n == add(Binary("*", Var("ZB_"), Var("z_")), Var("ZB_")) else n,
    "the first strip of a group left out": lambda n: replace(n, lower=add(n.lower, const(1))) if isinstance(n, For) and n.var == "strip_" else n,
    "a kernel's element of another channel": lambda n: Address(n.buffer, (add(n.index[0], const(1)), *n.index[1:])) if isinstance(n, Address) and n.buffer == "w" else n,
    "added to what is there": lambda n: replace(n, op="+") if isinstance(n, StoreLanes) else n,
}  # fmt: skip


def uses_lane(node: Expr) -> bool:
    return isinstance(node, Binary) and Var("laneblock_") in (node.left, node.right)


def refused(candidate: Candidate, rule: Callable[[Any], Any]) -> None:
    """No proof of the changed kernel, whatever runs would show."""
    kernel = candidate.kernel
    changed = replace(kernel, nests=tuple(rewrite(nest, rule) for nest in kernel.nests))
    assert changed != kernel
    op = candidate.gather.operator
    assert isinstance(candidate.facts, Facts)
    with pytest.raises((FaultError, UnclearError)):
        prove(op, plain(changed, least_of(op)), None, candidate.facts.requires)


@pytest.fixture(scope="module")
def rows() -> Candidate:
    return stencils(DEPTHWISE)["stencil 7x3"]


@pytest.mark.parametrize("name", WRONG)
def test_wrong_stencils_are_not_proved(rows: Candidate, name: str) -> None:
    refused(rows, WRONG[name])


WHOLE: dict[str, Callable[[Any], Any]] = {
    "moved too far": lambda n: Shift(n.value, n.by + 1) if isinstance(n, Shift) and n.by == 1 else n,
    "moved the other way": lambda n: Shift(n.value, -n.by) if isinstance(n, Shift) else n,
    "a mask of another tap": lambda n: replace(n, mask="mask2_") if isinstance(n, Update) and n.mask == "mask0_" else n,
    "an element of the kernel too far": lambda n: replace(n, offset=add(n.offset, const(1))) if isinstance(n, Load) and n.offset == add(Var("narrow0_at_"), const(4)) else n,
    "the whole row one element later": lambda n: Let("column_", const(1)) if isinstance(n, Let) and n.name == "column_" else n,
    "lanes behind the row let through": lambda n: Lanes(n.lower, add(n.upper, const(1))) if isinstance(n, Declare | Lanes) and isinstance(n, Lanes) else n,
    "few lanes stored as all": lambda n: replace(n, mask="") if isinstance(n, StoreLanes) else n,
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_wrong_rows_in_registers_are_not_proved(name: str) -> None:
    whole = stencils(DEPTHWISE)["stencil 7x3 of whole rows"]
    refused(whole, WHOLE[name])


INNER: dict[str, Callable[[Any], Any]] = {
    "lanes one further are said to lie inside": lambda n: Compare("<=", n.left, n.right) if isinstance(n, Compare) and n.op == "<" and n.right == Var("W") else n,
    "lanes before the first are said to lie inside": lambda n: Compare(">=", n.left, const(-2)) if isinstance(n, Compare) and n.op == ">=" and _of_lanes(n.left) else n,
    "no masks where some lanes lie outside": lambda n: If(Compare("==", Var("inner_"), const(1 - int(n.condition.right.value))), n.body) if _chosen(n) else n,
    "never masked": lambda n: replace(n, body=()) if _chosen(n) and n.condition.right == const(0) else n,
    "a tap without masks is missing": lambda n: _without(n, lambda one: isinstance(one, Update) and one.name == "acc2_0_" and one.value == mul(Var("wide0_"), Splat(Var("narrow0_1_0_")))),
    "a mask too long by a quotient": lambda n: Lanes(n.lower, add(n.upper, const(1))) if isinstance(n, Lanes) and n.lower != const(0) else n,
    "a mask that starts early": lambda n: Lanes(sub(n.lower, const(1)), n.upper) if isinstance(n, Lanes) and n.lower != const(0) else n,
    "a mask that starts late": lambda n: Lanes(add(n.lower, const(1)), n.upper) if isinstance(n, Lanes) and n.lower != const(0) else n,
    "lanes side by side instead of in strides": lambda n: replace(n, stride=1) if isinstance(n, LoadLanes) and n.buffer == "x" else n,
    "another factor in front of positions": lambda n: mul(const(3), Var("at_")) if n == mul(const(2), Var("at_")) else n,
}  # fmt: skip


def _chosen(node: Any) -> bool:
    return isinstance(node, If) and isinstance(node.condition, Compare) and node.condition.left == Var("inner_")


def _of_lanes(node: Any) -> bool:
    return mul(const(2), Var("at_")) in walk(node)


@pytest.mark.parametrize("name", INNER)
def test_wrong_choices_of_masks_are_not_proved(name: str) -> None:
    refused(stencils(STRIDED)["stencil 7x3"], INNER[name])


def test_wrong_numbers_and_masks_of_pooling_are_not_proved() -> None:
    average, most = (stencils(OPERATORS[name])["stencil 7"] for name in ("averages", "maxima"))
    refused(average, lambda n: replace(n, value=add(n.value, n.value)) if isinstance(n, StoreLanes) else n)
    refused(most, lambda n: replace(n, mask="") if isinstance(n, Update) and n.mask else n)
    refused(most, lambda n: replace(n, op="min") if isinstance(n, Update) and n.op == "max" else n)


def test_quotients_lose_their_whole_parts_and_nothing_else() -> None:
    n, m = Var("n"), Var("m")
    found = whole_parts(FloorDiv(add(sub(mul(const(5), n), mul(const(3), m)), const(-1)), 2))
    for values in product(range(-5, 6), repeat=2):
        one, other = values
        known: dict[str, Expr] = {"n": const(one), "m": const(other)}
        assert simplify(substitute(found, known)) == const((5 * one - 3 * other - 1) // 2)


def test_rows_longer_than_a_vector_are_not_proved_in_registers() -> None:
    whole = stencils(DEPTHWISE)["stencil 7x3 of whole rows"]
    assert isinstance(whole.facts, Facts)
    kept = tuple(test for test in whole.facts.requires if isinstance(test, Compare) and test.op == "==")
    assert len(kept) == len(whole.facts.requires) - 2
    assert validate(replace(whole, facts=replace(whole.facts, requires=kept)), whole.kernel).holds is not True


def test_nothing_is_proved_for_no_sizes() -> None:
    rows = stencils(DEPTHWISE)["stencil 7x3"]
    assert isinstance(rows.facts, Facts)
    none = (*rows.facts.requires, Compare("<", Var("KH"), const(1)))
    found = validate(replace(rows, facts=replace(rows.facts, requires=none)), rows.kernel)
    assert found.holds is None and "no sizes" in found.reason


def test_names_that_are_given_again_are_not_followed(rows: Candidate) -> None:
    """A mask between a load and its use, an integer between its name and its use."""
    load = Declare("wide0_", LoadLanes("x", (const(0),) * 4, 1, "mask_"))
    use = Update("acc0_0_", "+", Var("wide0_"))
    for again in ((load, Declare("mask_", Lanes(const(0), const(1))), use), (Let("a", Var("b")), Let("b", const(1)))):
        with pytest.raises(UnclearError, match="given again"):
            inlined(rows.kernel, again)
