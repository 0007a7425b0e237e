"""Residue classes of strides in packed kernels: rows dealt to their classes, and sums woven into lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import handmade as k
import pytest
from stages import Side, side

import symconv as sc
from symconv import pipeline
from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    LANES,
    Binary,
    Buffer,
    Compare,
    Declare,
    Expr,
    For,
    If,
    Kernel,
    Lanes,
    Let,
    LoadLanes,
    Nest,
    StoreLanes,
    StoreZip,
    Var,
    Zip,
)
from symconv.loops.traverse import rewrite, walk
from symconv.packed.candidates import packed_kernel
from symconv.packed.outer import Tile
from symconv.relation.points import UnclearError
from symconv.validate.overrun import without_junk
from symconv.validate.validation import validate


@pytest.fixture(scope="module")
def strided() -> dict[str, tuple[Any, Kernel]]:
    """A sum that reads every second element, and one that writes every second."""
    op = sc.conv1d(stride=2, padding=1)
    found = {}
    for name, derivation in (("y", pipeline.forward(op)), ("gx", pipeline.derive(op, "x"))):
        kernel = packed_kernel(derivation.gather, name, Tile(2, 2))
        assert kernel is not None
        found[name] = derivation, kernel
    return found


def test_operands_in_residue_classes_are_proved_for_all_sizes_and_plans(strided: dict[str, tuple[Any, Kernel]]) -> None:
    found = validate(*strided["y"])
    assert found.holds, str(found)


def test_results_in_residue_classes_are_proved_for_all_sizes_and_plans(strided: dict[str, tuple[Any, Kernel]]) -> None:
    found = validate(*strided["gx"])
    assert found.holds, str(found)


W = Var(LANES)


def _moved(index: tuple[Expr, ...]) -> tuple[Expr, ...]:
    return (*index[:-1], add(index[-1], const(1)))


def _of(node: Any, kind: type, buffer: str) -> bool:
    return isinstance(node, kind) and node.buffer == buffer


def _short(node: Any) -> Any:
    dealt = isinstance(node, For) and node.var == "chunk_" and isinstance(node.body[0], StoreLanes | StoreZip)
    return replace(node, upper=sub(node.upper, const(1))) if dealt else node


def _fewer(node: Any) -> Any:
    """A row in blocks of lanes, a block too few."""
    row = isinstance(node, For) and node.var == "chunk_" and isinstance(node.body[0], Let)
    return replace(node, upper=sub(node.upper, const(1))) if row else node


def _mask(name: str, **new: Callable[[Expr], Expr]) -> Callable[[Any], Any]:
    """With other ends of a mask of a row that is one vector."""

    def rule(node: Any) -> Any:
        if not (isinstance(node, Declare) and node.name == name and isinstance(node.value, Lanes)):
            return node
        return replace(
            node, value=replace(node.value, **{end: by(getattr(node.value, end)) for end, by in new.items()})
        )

    return rule


def _vector(node: Any, **new: Any) -> Any:
    """With another load of a row that is one vector."""
    return replace(node, **new) if isinstance(node, LoadLanes) and node.mask == "some_" else node


def _woven(**new: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """With another weave of a row that is one vector."""
    return lambda n: replace(n, **{k: by(getattr(n, k)) for k, by in new.items()}) if isinstance(n, Zip) else n


def _of_few(node: Any, **new: Callable[[Any], Any]) -> Any:
    """With another store of a row that is one vector."""
    if not (isinstance(node, StoreLanes) and node.buffer == "gx" and isinstance(node.value, Zip)):
        return node
    return replace(node, **{k: by(getattr(node, k)) for k, by in new.items()})


def _ends_in_row(node: Any) -> bool:
    """Whether a mask is that of a row in the result: others start with it."""
    return isinstance(node, Declare) and isinstance(node.value, Lanes) and node.value.lower == Var("lower_")


def _lane_more(expr: Expr) -> Expr:
    return add(expr, const(1))


def _longer(node: Any) -> Any:
    """A row of one element more than a vector has is stored as one, too."""
    match node:
        case If(Compare("<=", length, width), body) if width == W and any(isinstance(s, StoreLanes) for s in body):
            return replace(node, condition=Compare("<=", length, _lane_more(width)))
    return node


MUTANTS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("y", "an element of a class"): lambda n: replace(n, index=_moved(n.index)) if _of(n, LoadLanes, "x") and not n.mask else n,
    ("y", "a class is read in order"): lambda n: replace(n, stride=1) if _of(n, LoadLanes, "x") else n,
    ("y", "a block of a row too few"): _fewer,
    ("y", "an element of a vector"): lambda n: _vector(n, index=_moved(n.index)) if isinstance(n, LoadLanes) else n,
    ("y", "a vector is read in order"): lambda n: _vector(n, stride=1),
    ("y", "all lanes of a vector are read"): lambda n: _vector(n, mask="few_"),
    ("y", "a lane of a vector too many is read"): _mask("some_", upper=_lane_more),
    ("y", "a lane of a vector is not read"): _mask("some_", lower=_lane_more),
    ("y", "a lane of a vector is not stored"): _mask("few_", upper=lambda n: sub(n, const(1))),
    ("y", "a lane of a vector too many is stored"): _mask("few_", upper=_lane_more),
    ("y", "the first lane of a vector is not stored"): _mask("few_", lower=_lane_more),
    ("y", "a row longer than a vector is one"): _longer,
    ("gx", "a place in a line"): lambda n: replace(n, index=_moved(n.index)) if _of(n, StoreZip, "line_") else n,
    ("gx", "a class for the other"): lambda n: replace(n, values=n.values[::-1]) if _of(n, StoreZip, "line_") else n,
    ("gx", "a line from its second element on"): lambda n: replace(n, index=_moved(n.index)) if _of(n, LoadLanes, "line_") else n,
    ("gx", "a block of a row too few"): _short,
    ("gx", "a class of a vector for the other"): _woven(values=lambda v: v[::-1]),
    ("gx", "a vector is the second of its row"): _woven(part=lambda _: 1),
    ("gx", "pairs of a vector are woven"): _woven(turn=lambda _: 2),
    ("gx", "a vector from its second sum on"): _woven(values=lambda v: tuple(replace(one, index=_moved(one.index)) for one in v)),
    ("gx", "a vector one further"): lambda n: _of_few(n, index=_moved),
    ("gx", "a vector is added"): lambda n: _of_few(n, op=lambda _: "+"),
    ("gx", "a lane of a vector too many is stored"): lambda n: _mask("few_", upper=_lane_more)(n) if _ends_in_row(n) else n,
    ("gx", "a lane of a vector is not stored"): lambda n: _mask("few_", lower=_lane_more)(n) if _ends_in_row(n) else n,
    ("gx", "a row longer than a vector is one"): lambda n: _longer(n) if any(isinstance(one, Zip) for one in walk(n)) else n,
}  # fmt: skip


@pytest.mark.parametrize(
    ("output", "name"), [one if one[0] == "y" else pytest.param(*one, marks=pytest.mark.full) for one in MUTANTS]
)
def test_mutants_of_residue_classes_are_not_proved(
    strided: dict[str, tuple[Any, Kernel]], output: str, name: str
) -> None:
    derivation, kernel = strided[output]
    nests: tuple[Nest, ...] = tuple(rewrite(nest, MUTANTS[output, name]) for nest in kernel.nests)
    wrong = replace(kernel, nests=nests)
    assert wrong != kernel
    assert validate(derivation, wrong).holds is not True


# ------------------------------------------------------------------------------------------------ rows by hand

BLOCKS = Binary("//", sub(add(Var("L"), W), const(1)), W)


@pytest.fixture(scope="module")
def rows() -> Side:
    return side(sc.operator("y[n,c,i] = x[n,c,i]*w[c]"))


def _rows(of: Side, body: tuple[Any, ...], height: Expr, slack: int = 2) -> Kernel:
    room = Buffer("B", ((height, Var("L")),), "private", slack=mul(const(slack), W))
    source = Buffer("S", ((Var("L"),),), "private", slack=mul(const(slack), W))
    return k.kernel(of[1], (k.nest("n", "N", *body),), room, source)


def _put(row: Any) -> For:
    at = mul(W, Var("b"))
    return For("b", const(0), BLOCKS, (StoreLanes("B", (row, at), 1, "", "=", LoadLanes("S", (at,), 1, "")),))


ROOM = add(add(Var("C"), Binary("//", W, Var("L"))), const(1))
IN_ORDER = k.loop("c", "C", _put(Var("c")))


def test_rows_in_their_order_store_over_junk(rows: Side) -> None:
    (nest,) = without_junk(_rows(rows, (IN_ORDER,), ROOM)).nests
    assert not any(isinstance(node, StoreLanes) for node in walk(nest))


@pytest.mark.parametrize(
    "body",
    [
        (k.loop("c", "C", _put(sub(sub(Var("C"), const(1)), Var("c")))),),
        (k.store("B", 1, 0, value=k.ZERO), IN_ORDER),
        (k.loop("c", "C", k.loop("again", 2, _put(Var("c")))),),
        (k.loop("c", "C", Let("d", Var("c")), _put(Var("d"))),),
    ],
    ids=["backwards", "over what was stored", "twice", "by another name"],
)
def test_junk_that_may_cover_something_is_refused(rows: Side, body: tuple[Any, ...]) -> None:
    with pytest.raises(UnclearError):
        without_junk(_rows(rows, body, ROOM))


def test_junk_is_read_only_where_there_is_room(rows: Side) -> None:
    with pytest.raises(UnclearError, match="may be read"):
        without_junk(_rows(rows, (IN_ORDER,), ROOM, slack=0))
