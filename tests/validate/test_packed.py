"""Packed kernels: boxes whose lengths are numbers of a plan, flat rows with a shared gap, tables, register tiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import handmade as k
import pytest
from stages import Side, side

import symconv as sc
from symconv import pipeline
from symconv.errors import InternalError
from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    LANES,
    Binary,
    Buffer,
    Compare,
    For,
    If,
    Kernel,
    Lanes,
    Let,
    Load,
    LoadLanes,
    Nest,
    Size,
    Store,
    StoreLanes,
    Var,
)
from symconv.loops.traverse import rewrite
from symconv.packed.candidates import packed_kernel
from symconv.packed.outer import Tile
from symconv.relation.lemmas import CHUNKS, ROWS, STRIPS, prove
from symconv.validate.validation import validate

# ------------------------------------------------------------------------------------------------ lemmas


def test_strips_partition_a_range() -> None:
    for total in range(9):
        for step in range(1, 12):
            starts = [step * b for b in range((total + step - 1) // step)]
            assert [u for s in starts for u in range(s, min(s + step, total))] == list(range(total))
            assert all(s < min(s + step, total) for s in starts)


def test_rows_number_every_position_once() -> None:
    for pitch in range(1, 6):
        assert [r * pitch + c for r in range(7) for c in range(pitch)] == list(range(7 * pitch))


def test_chunks_partition_a_range() -> None:
    for total in range(13):
        for count in range(1, 17):
            ends = [(c * total // count, (c + 1) * total // count) for c in range(count)]
            assert [u for low, high in ends for u in range(low, high)] == list(range(total))
            assert all(low <= high for low, high in ends)


@pytest.mark.parametrize("lemma", [STRIPS, ROWS, CHUNKS])
def test_lemmas_are_proved(lemma: tuple[tuple[str, str], ...]) -> None:
    prove(lemma)


@pytest.mark.parametrize(
    "wrong",
    [
        "[N, B, x] : B >= 0 and 0 <= x < N and x >= min(x + B, N)",
        "[N, B, y] : B >= 1 and N >= 0 and y <= N and N < y + B and min(y, N) != N",
        "[E, x, y, c, d] : x < y and 0 <= c < E and 0 <= d < E and x + c >= y + d",
    ],
)
def test_wrong_lemmas_are_refused(wrong: str) -> None:
    with pytest.raises(InternalError, match="wrong: not at"):
        prove((("wrong", wrong),))


# ------------------------------------------------------------------------------------------------ boxes by hand

CONV = sc.operator("y[n,f,i,j] = sum[c,p,q](x[n,c,i+p-1,j+q-1]*w[f,c,p,q])")


def least(a: Any, b: Any) -> Binary:
    return Binary("min", k.var(a), k.var(b))


def most(a: Any, b: Any) -> Binary:
    return Binary("max", k.var(a), k.var(b))


def boxed(of: Side, pitch: Any = None) -> Kernel:
    """Rows of x in a private buffer, each row's right halo the left halo of the next, for strips of T rows of y."""
    steps = Binary("//", sub(add(Var("OH"), Var("T")), const(1)), Var("T"))
    lets = (
        Let("ib", Binary("//", Var("z_"), Var("N"))),
        Let("n", sub(Var("z_"), mul(Var("ib"), Var("N")))),
        Let("i0", mul(Var("T"), Var("ib"))),
        Let("i1", least(k.plus("i0", "T"), "OH")),
    )
    rows = sub(add(k.minus("i1", "i0"), Var("KH")), const(1))
    fill = k.loop(
        "c", "C", k.loop("r", add(rows, const(1)), k.loop("e", "E", k.store("B", "c", "r", "e", value=k.ZERO)))
    )
    source = k.load("x", "n", "c", sub(k.plus("i0", "r"), const(1)), "e")
    inner = k.loop("e", "W", k.store("B", "c", k.plus("r", 1), "e", value=source))
    upper = least(rows, add(sub(Var("H"), Var("i0")), const(1)))
    put = k.loop("c", "C", k.loop("r", upper, inner, lower=most(0, k.minus(1, "i0"))))
    # Zeros everywhere first would be stored over: only what no row of x fills is zero.
    gaps = rewrite(fill, lambda node: _gaps(node, rows))
    tap = k.load("B", "c", add(k.plus("h", "p"), const(1)), sub(k.plus("j", "q"), const(1)))
    taps = k.summed(k.product(tap, k.load("w", "f", "c", "p", "q")), ("c", "C"), ("p", "KH"), ("q", "KW"))
    keep = k.store("S", "f", "h", "j", value=Var("s"))
    sums = k.loop("f", "F", k.loop("h", k.minus("i1", "i0"), k.loop("j", "OW", *taps, keep)))
    out = k.store("y", "n", "f", "i", "j", value=k.load("S", "f", k.minus("i", "i0"), "j"))
    last = k.loop("f", "F", k.loop("i", "i1", k.loop("j", "OW", out), lower="i0"))
    nest = k.nest("z_", mul(steps, Var("N")), *lets, gaps, put, sums, last)
    packed = Buffer("B", ((Var("C"),), (k.plus("T", "KH"), Var("E"))), "private")
    kept = Buffer("S", ((Var("F"),), (Var("T"), Var("E"))), "private")
    made = k.kernel(of[1], (nest,), packed, kept)
    default = most(most(k.plus("W", 1), "OW"), k.minus(k.plus("OW", "KW"), 2))
    return replace(made, parameters=("T",), layout=(Size("E", pitch or default),))


def _gaps(node: Any, rows: Any) -> Any:
    """Zeros where x has nothing: behind the end of a row, and in rows outside of x."""
    if not isinstance(node, For) or node.var != "e":
        return node
    row = sub(k.plus("i0", "r"), const(2))
    outside = [Compare("<", row, const(0)), Compare(">=", row, Var("H")), Compare("<", Var("r"), const(1))]
    inside = [Compare(">=", row, const(0)), Compare("<", row, Var("H")), Compare(">=", Var("r"), const(1))]
    first, second, third = outside
    kept = If(inside[0], (If(inside[1], (If(inside[2], (replace(node, lower=Var("W")),)),)),))
    above = If(third, (node,))
    before = If(inside[2], (If(first, (node,)),))
    behind = If(inside[2], (If(second, (node,)),))
    return For("once", const(0), const(1), (kept, above, before, behind))


@pytest.fixture(scope="module")
def conv() -> Side:
    return side(CONV)


def test_boxes_of_any_length_are_proved(conv: Side) -> None:
    found = validate(conv[0], boxed(conv))
    assert found.holds, str(found)


def _changed(kernel: Kernel, rule: Callable[[Any], Any]) -> Kernel:
    nests: tuple[Nest, ...] = tuple(rewrite(nest, rule) for nest in kernel.nests)
    changed = replace(kernel, nests=nests)
    assert changed != kernel
    return changed


def _read(node: Any) -> bool:
    return isinstance(node, Load) and node.buffer == "B"


WRONG: dict[str, Callable[[Any], Any]] = {
    "a column too far": lambda n: replace(n, index=(*n.index[:2], k.plus("j", "q"))) if _read(n) else n,
    "a row too far": lambda n: replace(n, index=(n.index[0], k.plus("h", "p"), n.index[2])) if _read(n) else n,
    "no tail": lambda n: Let("i1", k.plus("i0", "T")) if isinstance(n, Let) and n.name == "i1" else n,
    "a long tail": lambda n: least(k.plus("i0", "T"), k.plus("OH", 1)) if n == least(k.plus("i0", "T"), "OH") else n,
    "strips too near": lambda n: mul(k.minus("T", 1), Var("ib")) if n == mul(Var("T"), Var("ib")) else n,
    "too few strips": lambda n: Var("OH") if n == sub(add(Var("OH"), Var("T")), const(1)) else n,
    "zeros missing": lambda n: replace(n, lower=k.plus("W", 1)) if isinstance(n, For) and n.lower == Var("W") else n,
    "a neighbour's cell": lambda n: replace(n, index=(*n.index[:2], k.plus("i", 1), n.index[3])) if isinstance(n, Store) and n.buffer == "y" else n,
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_boxes_are_not_proved(conv: Side, name: str) -> None:
    assert validate(conv[0], _changed(boxed(conv), WRONG[name])).holds is not True


@pytest.mark.parametrize("pitch", [k.plus("OW", 0), most("W", "OW"), k.minus(most(k.plus("W", 1), "OW"), 1)])
def test_rows_too_close_are_not_proved(conv: Side, pitch: Any) -> None:
    assert validate(conv[0], boxed(conv, pitch)).holds is not True


# ------------------------------------------------------------------------------------------------ packed candidates


@pytest.fixture(scope="module")
def outer() -> tuple[Any, Kernel]:
    derivation = pipeline.derive(sc.conv1d(padding=1), "x")
    kernel = packed_kernel(derivation.gather, "gx", Tile(2, 2))
    assert kernel is not None
    return derivation, kernel


def test_the_outer_form_is_proved_for_all_sizes_and_plans(outer: tuple[Any, Kernel]) -> None:
    found = validate(*outer)
    assert found.holds, str(found)


@pytest.mark.parametrize("tile", [Tile(2, 2), Tile(3, 1)])
def test_operands_at_the_cell_are_proved_whatever_rows_a_tile_has(tile: Tile) -> None:
    derivation = pipeline.derive(sc.adder1d(padding=1), "x")
    kernel = packed_kernel(derivation.gather, "gx", tile)
    assert kernel is not None
    found = validate(derivation, kernel)
    assert found.holds, str(found)


def test_a_sum_over_the_batch_is_proved_where_there_is_one() -> None:
    """Plans take the direct kernel where the batch is empty: the result is zero then, as compiled calls show."""
    op = sc.operator("y[n,f] = sum[c](x[n,c]*w[f,c])")
    derivation = pipeline.derive(op, "w")
    kernel = packed_kernel(derivation.gather, "gw", Tile(1, 2))
    assert kernel is not None
    found = validate(derivation, kernel)
    assert found.holds, str(found)
    assert "where nothing is empty" in str(found)


MUTANTS: dict[str, Callable[[Any], Any]] = {
    "an offset of the table": lambda n: replace(n, index=(*n.index[:-1], add(n.index[-1], const(1)))) if type(n).__name__ == "Address" else n,
    "the order of the table": lambda n: replace(n, index=(n.index[0], add(n.index[1], const(1)))) if isinstance(n, Store) and n.buffer == "offsets_" else n,
    "a lane of a tile": lambda n: replace(n, index=(*n.index[:-1], add(n.index[-1], const(1)))) if isinstance(n, LoadLanes) and n.buffer == "wide_" else n,
    "junk into the result": lambda n: Var("E1_") if n == Var("size_1_") else n,
    "a row of the narrow operand": lambda n: replace(n, index=(*n.index[:-1], const(0))) if isinstance(n, Load) and n.buffer == "narrow_" else n,
    "no sums of later slabs": lambda n: replace(n, condition=Compare(">=", Var("plane0_"), const(0))) if n == If(Compare("==", Var("plane0_"), const(0)), getattr(n, "body", ())) else n,
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_of_the_outer_form_are_not_proved(outer: tuple[Any, Kernel], name: str) -> None:
    derivation, kernel = outer
    assert validate(derivation, _changed(kernel, MUTANTS[name])).holds is not True


# ------------------------------------------------------------------------------------------------ tiles that store


@pytest.fixture(scope="module", params=["conv1d", "bias"])
def storing(request: pytest.FixtureRequest) -> tuple[Any, Kernel]:
    derivation = pipeline.forward(sc.conv1d(padding=1, bias=request.param == "bias"))
    kernel = packed_kernel(derivation.gather, "y", Tile(2, 2, stores=True))
    assert kernel is not None
    return derivation, kernel


def test_tiles_that_store_are_proved_for_all_sizes_and_plans(storing: tuple[Any, Kernel]) -> None:
    found = validate(*storing)
    assert found.holds, str(found)
    assert "every cell of y is stored exactly once" in str(found)


def test_rows_of_every_stride_are_proved() -> None:
    derivation = pipeline.forward(sc.conv1d(stride=2, padding=3))
    kernel = packed_kernel(derivation.gather, "y", Tile(3, 1, stores=True))
    assert kernel is not None
    found = validate(derivation, kernel)
    assert found.holds, str(found)


def _stores(node: Any, mask: bool | None = None) -> bool:
    return isinstance(node, StoreLanes) and node.buffer == "y" and (mask is None or bool(node.mask) == mask)


STORING: dict[str, Callable[[Any], Any]] = {
    "no mask": lambda n: replace(n, mask="") if _stores(n, mask=True) else n,
    "a wider mask": lambda n: replace(n, upper=add(n.upper, const(1))) if isinstance(n, Lanes) and n.upper != const(0) else n,
    "whole blocks too late": lambda n: replace(n, right=add(n.right, const(1))) if n == Compare(">=", getattr(n, "left", None), Var(LANES)) else n,
    "whole blocks too soon": lambda n: replace(n, right=sub(n.right, const(1))) if n == Compare(">=", getattr(n, "left", None), Var(LANES)) else n,
    "a row too many": lambda n: replace(n, op="<=") if isinstance(n, Compare) and n.right == Var("M_") else n,
    "a row too few": lambda n: replace(n, right=sub(n.right, const(1))) if isinstance(n, Compare) and n.right == Var("M_") else n,
    "a lane beside": lambda n: replace(n, index=(*n.index[:-1], add(n.index[-1], const(1)))) if _stores(n) else n,
    "sums in two rows": lambda n: replace(n, value=Var("acc0_0_")) if _stores(n) else n,
    "added to what is there": lambda n: replace(n, op="+") if _stores(n) else n,
    "too few planes": lambda n: Let("planes_", const(1)) if isinstance(n, Let) and n.name == "planes_" else n,
    "another row of the operand": lambda n: replace(n, index=(*n.index[:-2], add(n.index[-2], const(1)), n.index[-1])) if isinstance(n, LoadLanes) and n.buffer == "wide_" and n.offset is not None else n,
    "the operand itself": lambda n: replace(n, buffer="x", index=(const(0), const(0), n.index[-1])) if isinstance(n, LoadLanes) and n.buffer == "wide_" and n.offset is not None else n,
}  # fmt: skip


@pytest.mark.parametrize("name", STORING)
def test_mutants_of_tiles_that_store_are_not_proved(storing: tuple[Any, Kernel], name: str) -> None:
    derivation, kernel = storing
    assert validate(derivation, _changed(kernel, STORING[name])).holds is not True
