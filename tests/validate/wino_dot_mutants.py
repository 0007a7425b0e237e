"""Changes of Winograd's kernels of gradients of w: each of a kernel of so many axes, in one of its nests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    Address,
    Binary,
    Compare,
    Const,
    Declare,
    For,
    If,
    Lanes,
    Let,
    Load,
    LoadLanes,
    Mod,
    Outlined,
    Size,
    Splat,
    Store,
    StoreLanes,
    StoreReduced,
    Unzip,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, walk

TURNS = 3
"""Two axes along which windows are dilated, beside the numbers of axes."""
Rule = Callable[[Any], Any]


def _less(value: Any) -> Any:
    return sub(value, const(1))


def _more(value: Any) -> Any:
    return add(value, const(1))


def _at(node: Any, axis: int, by: Any) -> Any:
    """An access further along an axis."""
    index = list(node.index)
    index[axis] = add(index[axis], by)
    return replace(node, index=tuple(index))


def _let(name: str, made: Rule) -> Rule:
    return lambda node: Let(name, made(node.value)) if isinstance(node, Let) and node.name == name else node


def _stores(node: Any, buffer: str) -> bool:
    return isinstance(node, Store | StoreLanes | StoreReduced) and node.buffer == buffer


def _inside(node: Any, buffer: str) -> bool:
    return isinstance(node, For) and any(_stores(one, buffer) for one in walk(node))


def _loop(name: str, buffer: str, **ends: Rule) -> Rule:
    """A rule for the loops of a name around stores to a buffer, each end by a rule of its own."""

    def rule(node: Any) -> Any:
        if not _inside(node, buffer) or node.var != name:
            return node
        return replace(node, **{end: made(getattr(node, end)) for end, made in ends.items()})

    return rule


def _within(buffer: str, rule: Rule) -> Rule:
    """A rule for the planes that are stored to a buffer."""

    def changed(node: Any) -> Any:
        return rewrite(node, rule) if _inside(node, buffer) and node.var in {"row_", "c"} else node

    return changed


def _scaled(name: str, buffer: str) -> Rule:
    """One more of what a sum in the blocks that store to a buffer starts with."""

    def rule(node: Any) -> Any:
        body = getattr(node, "body", ())
        if not isinstance(node, For | Outlined) or not any(_stores(one, buffer) for one in body):
            return node
        made = tuple(
            Declare(one.name, Binary("+", one.value, one.value.left), one.scalar)
            if isinstance(one, Declare) and one.name == name and isinstance(one.value, Binary)
            else one
            for one in body
        )
        return replace(node, body=made)

    return rule


def _unbounded(size: str) -> Rule:
    """An operand that does not end where a box does."""

    def rule(node: Any) -> Any:
        bounded = isinstance(node, Binary) and node.op == "min" and node.left == Var(size)
        return node.left if bounded and not isinstance(node.right, Var) else node

    return rule


def _bounded(size: str, made: Rule) -> Rule:
    def rule(node: Any) -> Any:
        if isinstance(node, Binary) and node.op == "min" and node.left == Var(size):
            return replace(node, right=made(node.right))
        return node

    return rule


def _half_bounded(node: Any) -> Any:
    """One of the vectors of a row without an end at that of its box."""
    if isinstance(node, Declare) and isinstance(node.value, Lanes) and node.name == "in0_1_":
        return replace(node, value=rewrite(node.value, _unbounded("OW")))
    return node


def _filled(buffer: str, made: Rule) -> Rule:
    """A rule for the loop that fills what lies behind a box."""
    return lambda n: made(n) if isinstance(n, For) and n.var == "gap_" and _inside(n, buffer) else n


def _without(unwanted: Callable[[Any], bool]) -> Rule:
    def rule(node: Any) -> Any:
        body = getattr(node, "body", None)
        if not isinstance(body, tuple) or not any(map(unwanted, body)):
            return node
        return replace(node, body=tuple(one for one in body if not unwanted(one)))

    return rule


def _element(name: str, part: int) -> Rule:
    return lambda n: (
        replace(n, part=part) if isinstance(n, Unzip) and n.values[0] == Var(name) and n.part != part else n
    )


TABLE, CLEARED, MAIN, ADDED, COMBINED = range(5)
WRONG: dict[str, tuple[int, int, Rule]] = {
    "planes of the table one further": (1, TABLE, lambda n: replace(n, index=(_more(n.index[0]), *n.index[1:])) if isinstance(n, Address) else n),
    "rows of the table one further": (2, TABLE, lambda n: replace(n, index=(n.index[0], _more(n.index[1]), n.index[2])) if isinstance(n, Address) else n),
    "columns of the table one further": (1, TABLE, lambda n: replace(n, index=(*n.index[:2], _more(n.index[2]))) if isinstance(n, Address) else n),
    "a table without its last plane": (1, TABLE, lambda n: replace(n, upper=_less(n.upper)) if isinstance(n, For) and n.var == "c" else n),
    "a table without its spare planes": (1, TABLE, lambda n: replace(n, upper=_less(n.upper)) if isinstance(n, For) and n.var == "at_" else n),
    "blocks of rows one late": (1, MAIN, _let("rowblock0_", _more)),
    "blocks of rows behind the last": (1, MAIN, _let("rowblocks_", lambda v: v.left)),
    "a block of rows too few": (1, MAIN, _let("rowblocks_", lambda v: Binary("max", const(1), _less(v)))),
    "chunks one box late": (1, MAIN, _let("box0_", _more)),
    "chunks without their last box": (1, MAIN, lambda n: replace(n, upper=_less(n.upper)) if isinstance(n, For) and n.var == "box_" else n),
    "chunks that all take the first boxes": (1, MAIN, _let("box0_", lambda _: const(0))),
    "boxes one cell late": (1, MAIN, _let("start_1_", _more)),
    "boxes one cell short": (1, MAIN, _let("size_1_", lambda v: Binary("max", const(1), _less(v)))),
    "boxes that overlap": (2, MAIN, _let("start_1_", lambda v: Binary("max", const(0), _less(v)))),
    "boxes with the digits of others": (2, MAIN, _let("box_2_", lambda _: Var("box_1_"))),
    "a block of lanes too few": (1, MAIN, _let("blocks_", lambda v: Binary("max", const(1), _less(v)))),
    "a row too few": (1, MAIN, _loop("row_", "rows_", upper=_less)),
    "rows of the next block": (1, MAIN, lambda n: _at(n, 1, const(1)) if isinstance(n, LoadLanes) and n.buffer == "gy" else n),
    "batches of the next box": (1, MAIN, lambda n: _at(n, 0, const(1)) if isinstance(n, LoadLanes) and n.buffer == "gy" else n),
    "lanes that end before a box does": (1, MAIN, _within("rows_", _bounded("OL", _less))),
    "rows that end before a box does": (2, MAIN, _within("rows_", _bounded("OH", _less))),
    "rows that end where the first box does": (2, MAIN, _within("rows_", _bounded("OH", lambda v: mul(const(2), Var("size_1_"))))),
    "windows of rows one element further": (1, MAIN, _within("rows_", _let("first_lane_", _more))),
    "windows of columns one element further": (1, MAIN, _within("columns_", _let("first_lane_", _more))),
    "lines of rows one further": (2, MAIN, _within("rows_", _let("first_line_", _more))),
    "lines of columns one further": (2, MAIN, _within("columns_", _let("first_line_", _more))),
    "elements of rows exchanged": (1, MAIN, _within("rows_", lambda n: replace(n, part=1 - n.part) if isinstance(n, Unzip) else n)),
    "an element of columns twice": (1, MAIN, _within("columns_", _element("e1_0_", 1))),
    "a coefficient of rows along lanes": (1, MAIN, _within("rows_", _scaled("p1_", "rows_"))),
    "a coefficient of columns along lanes": (1, MAIN, _within("columns_", _scaled("p2_", "columns_"))),
    "a coefficient of lines of rows": (2, MAIN, _within("rows_", _scaled("p1_", "lines_"))),
    "a coefficient of rows across": (2, MAIN, _within("rows_", _scaled("p2_", "rows_"))),
    "a coefficient of columns across": (2, MAIN, _within("columns_", _scaled("p0_", "columns_"))),
    "points of rows in each other's places": (1, MAIN, lambda n: _at(n, 0, mul(const(1), mul(Var("RT_"), const(2)))) if _stores(n, "rows_") and n.value == Var("p1_") else n),
    "a point of columns in the place of another": (2, MAIN, lambda n: _at(n, 0, Var("PP_")) if _stores(n, "columns_") and n.value == Var("p2_") else n),
    "zeros that are ones": (2, MAIN, _within("rows_", lambda n: replace(n, value=Splat(Const(Fraction(1), True))) if _stores(n, "lines_") and isinstance(n.value, Splat) else n)),
    "nothing behind the rows of a box": (1, MAIN, _within("rows_", _without(lambda n: isinstance(n, For) and n.var == "gap_"))),
    "nothing behind the columns of a box": (1, MAIN, _within("columns_", _without(lambda n: isinstance(n, For) and n.var == "gap_"))),
    "a row of zeros too few behind rows": (2, MAIN, _filled("rows_", lambda n: replace(n, lower=_more(n.lower)))),
    "a row of zeros too few behind columns": (2, MAIN, _filled("columns_", lambda n: replace(n, lower=_more(n.lower)))),
    "zeros over the last row": (2, MAIN, _filled("rows_", lambda n: replace(n, lower=Binary("max", const(0), _less(n.lower))))),
    "zeros behind at all points but one": (1, MAIN, _within("rows_", lambda n: replace(n, upper=_less(n.upper)) if isinstance(n, For) and n.var == "point_" and n.upper == const(4) else n)),
    "planes in each other's places": (2, MAIN, _let("plane_", lambda v: v.left)),
    "rows kept in each other's places": (2, MAIN, _within("columns_", lambda n: _at(n, 1, const(1)) if isinstance(n, LoadLanes) and n.buffer == "lines_" and n.index[1] == const(0) else n)),
    "rows of a turn exchanged": (TURNS, MAIN, lambda n: sub(const(1), n) if isinstance(n, Mod) and n.value == Var("line_") else n),
    "elements that are not in turns": (TURNS, MAIN, _within("rows_", lambda n: replace(n, turn=1) if isinstance(n, Unzip) else n)),
    "a point too few": (1, MAIN, lambda n: replace(n, upper=_less(n.upper)) if isinstance(n, For) and n.var == "point_" and any(isinstance(s, For) and s.var == "block_" for s in n.body) else n),
    "a block of tiles too few": (1, MAIN, _loop("block_", "sums_", upper=_less)),
    "a tile of a block too few": (1, MAIN, _loop("tile_", "sums_", upper=_less)),
    "columns of the first block": (1, MAIN, _let("column_", lambda v: Var("tile_"))),
    "windows of the first point": (1, MAIN, lambda n: replace(n, index=(const(0), *n.index[1:])) if isinstance(n, LoadLanes) and n.buffer == "columns_" else n),
    "rows of the first block": (1, MAIN, lambda n: replace(n, index=(mul(Var("point_"), mul(Var("RT_"), const(2))), *n.index[1:])) if isinstance(n, LoadLanes) and n.buffer == "rows_" and n.index[0] != const(0) else n),
    "a column of the tile twice": (1, MAIN, lambda n: replace(n, offset=Load("offsets_", (mul(Var("column_"), const(2)),))) if isinstance(n, LoadLanes) and n.offset is not None else n),
    "a product subtracted": (1, MAIN, lambda n: replace(n, op="-") if isinstance(n, Update) and n.name == "acc0_0_" else n),
    "sums of a tile in each other's places": (1, MAIN, lambda n: replace(n, values=n.values[::-1]) if isinstance(n, StoreReduced) else n),
    "sums of a tile column by column": (1, MAIN, lambda n: replace(n, values=(n.values[0], n.values[2], n.values[1], n.values[3])) if isinstance(n, StoreReduced) else n),
    "later boxes over the first": (1, MAIN, lambda n: replace(n, op="=") if isinstance(n, StoreReduced) else n),
    "the first box added": (1, MAIN, lambda n: replace(n, op="+") if isinstance(n, StoreReduced) else n),
    "sums in the chunk before": (1, MAIN, lambda n: replace(n, index=(n.index[0], const(0), *n.index[2:])) if isinstance(n, StoreReduced) else n),
    "no chunks added up": (1, ADDED, lambda n: replace(n, condition=Compare(">", Var("SC_"), const(2))) if isinstance(n, If) else n),
    "chunks from the third on": (1, ADDED, lambda n: replace(n, lower=const(2)) if isinstance(n, For) and n.var == "chunk_of_" else n),
    "the first chunk twice": (1, ADDED, lambda n: replace(n, lower=const(0)) if isinstance(n, For) and n.var == "chunk_of_" else n),
    "chunks without the last": (1, ADDED, lambda n: replace(n, upper=_less(n.upper)) if isinstance(n, For) and n.var == "chunk_of_" else n),
    "tiles of chunks without the last": (1, ADDED, lambda n: replace(n, upper=_less(n.upper)) if isinstance(n, For) and n.var == "column_" else n),
    "entries of chunks without the last": (1, ADDED, lambda n: Lanes(n.lower, _less(n.upper)) if isinstance(n, Lanes) else n),
    "chunks of the next point": (1, ADDED, _let("point_", lambda v: Binary("max", const(0), _less(v)))),
    "chunks subtracted": (1, ADDED, lambda n: replace(n, op="-") if isinstance(n, Update) else n),
    "a coefficient of taps": (1, COMBINED, _scaled("lt0_", "taps_")),
    "a point of taps twice": (1, COMBINED, lambda n: replace(n, index=(*n.index[:2], const(1), *n.index[3:])) if isinstance(n, LoadLanes) and n.index[2] == const(2) else n),
    "sums of another chunk": (1, COMBINED, lambda n: _at(n, 1, _less(Var("SC_"))) if isinstance(n, LoadLanes) else n),
    "sums of the first block of rows": (1, COMBINED, lambda n: replace(n, index=(*n.index[:3], const(0), *n.index[4:])) if isinstance(n, LoadLanes) else n),
    "sums of the first tile": (1, COMBINED, lambda n: replace(n, index=(*n.index[:4], const(0), *n.index[5:])) if isinstance(n, LoadLanes) else n),
    "entries of a tile without the last": (1, COMBINED, lambda n: Lanes(n.lower, _less(n.upper)) if isinstance(n, Lanes) else n),
    "a tap in the place of another": (1, COMBINED, lambda n: replace(n, index=(const(1), n.index[1])) if _stores(n, "taps_") and n.index[0] == const(0) else n),
    "taps exchanged": (1, COMBINED, lambda n: replace(n, index=(const(2 - int(n.index[0].value)), n.index[1])) if isinstance(n, Load) and n.buffer == "taps_" else n),
    "taps of a tile by columns": (1, COMBINED, lambda n: replace(n, index=(n.index[0], add(mul(Var("at_"), const(2)), Var("row_")))) if isinstance(n, Load) and n.buffer == "taps_" else n),
    "taps one further": (1, COMBINED, lambda n: _at(n, 1, const(1)) if isinstance(n, Load) and n.buffer == "taps_" else n),
    "taps that are none": (1, COMBINED, lambda n: replace(n, condition=Compare("<=", n.condition.left, n.condition.right)) if isinstance(n, If) and n.condition.right == Var("K") else n),
    "the last tap left out": (1, COMBINED, lambda n: replace(n, condition=Compare("<", _more(n.condition.left), n.condition.right)) if isinstance(n, If) and n.condition.right == Var("K") else n),
    "taps of one axis where the other has some": (2, COMBINED, lambda n: replace(n, condition=Compare("<", n.condition.left, Var("KH"))) if isinstance(n, If) and n.condition.right == Var("KW") else n),
    "columns that are none": (1, COMBINED, lambda n: replace(n, condition=Compare("<=", n.condition.left, n.condition.right)) if isinstance(n, If) and n.condition.right == Var("N_") else n),
    "a column of a tile too few": (1, COMBINED, lambda n: replace(n, upper=_less(n.upper)) if isinstance(n, For) and n.upper == const(2) else n),
    "columns of the tile before": (1, COMBINED, _let("position_", lambda v: Binary("max", const(0), _less(v)))),
    "rows that are none": (1, COMBINED, lambda n: replace(n, upper=const(2)) if isinstance(n, For) and n.var == "row_" else n),
    "a row of a tile too few": (1, COMBINED, lambda n: replace(n, upper=_less(n.upper)) if isinstance(n, For) and n.var == "row_" else n),
    "rows of the first tile": (1, COMBINED, _let("f", lambda v: Var("row_"))),
    "digits of columns exchanged": (2, COMBINED, _let("q_block_", lambda _: Var("p_block_"))),
    "cells one further": (2, COMBINED, lambda n: _at(n, 2, const(1)) if _stores(n, "gw") else n),
    "cells in each other's places": (2, COMBINED, lambda n: replace(n, index=(*n.index[:2], n.index[3], n.index[2])) if _stores(n, "gw") else n),
}  # fmt: skip
HIDDEN: dict[str, tuple[int, int, Rule]] = {
    "sums of no boxes are ones": (1, CLEARED, lambda n: replace(n, value=Const(Fraction(1), True)) if isinstance(n, Store) else n),
    "sums of no boxes at one point": (1, CLEARED, lambda n: replace(n, upper=_less(n.upper)) if isinstance(n, For) and n.var == "point_" else n),
    "sums of no boxes in another chunk": (1, CLEARED, lambda n: _at(n, 1, const(1)) if isinstance(n, Store) else n),
    "sums of one box": (1, CLEARED, lambda n: replace(n, condition=Compare("==", Var("SC_"), const(0))) if isinstance(n, If) else n),
    "blocks of a row from its start on": (2, MAIN, lambda n: Let("at_", mul(n.value.left, Var("chunk_"))) if isinstance(n, Let) and n.name == "at_" and any(isinstance(m, Binary) and m.op == "-" and m.right == Var("chunk_") for m in walk(n.value)) else n),
    "lanes that do not end with a box": (1, MAIN, _within("rows_", _unbounded("OL"))),
    "lanes of two axes that do not end with a box": (2, MAIN, _within("rows_", _unbounded("OW"))),
    "rows that do not end with a box": (2, MAIN, _within("rows_", _unbounded("OH"))),
    "a vector that does not end with a box": (2, MAIN, _within("rows_", _half_bounded)),
    "lanes that end behind a box": (1, MAIN, _within("rows_", _bounded("OL", _more))),
    "rows that end behind a box": (2, MAIN, _within("rows_", _bounded("OH", _more))),
    "lanes in turns that do not end with a box": (TURNS, MAIN, _within("rows_", _unbounded("OW"))),
    "rows in turns that do not end with a box": (TURNS, MAIN, _within("rows_", _unbounded("OH"))),
    "windows of rows without their gaps": (1, MAIN, _within("rows_", lambda n: rewrite(n, lambda m: Var("size_1_") if m == Var("E1_") else m) if isinstance(n, For) and n.var == "chunk_" and any(isinstance(s, Let) and s.name == "first_" for s in n.body) else n)),
    "windows of columns without their gaps": (2, MAIN, _within("columns_", lambda n: rewrite(n, lambda m: Var("size_2_") if m == Var("E2_") else m) if isinstance(n, For) and n.var == "chunk_" and any(isinstance(s, Let) and s.name == "first_" for s in n.body) else n)),
    "ones behind the rows of a box": (2, MAIN, _filled("rows_", lambda n: rewrite(n, lambda m: replace(m, value=Splat(Const(Fraction(1), True))) if isinstance(m, StoreLanes) else m))),
}  # fmt: skip
"""What a run cannot show: nothing is empty there, what is done wrong is done again rightly, or both factors are 0."""
SHORT: dict[str, tuple[str, Rule]] = {
    "a table of fewer planes": ("offsets_", lambda b: replace(b, axes=((_less(b.axes[0][0]),),))),
    "rows without room": ("rows_", lambda b: replace(b, axes=(b.axes[0], (sub(b.axes[1][0], const(2)), b.axes[1][1])))),
    "columns without room": ("columns_", lambda b: replace(b, axes=(b.axes[0], (sub(b.axes[1][0], const(3)), b.axes[1][1])))),
    "lines without room": ("lines_", lambda b: replace(b, axes=(*b.axes[:-1], (sub(b.axes[-1][0], const(3)), b.axes[-1][1])))),
    "rows of fewer points": ("rows_", lambda b: replace(b, axes=((mul(const(15), mul(Var("RT_"), const(2))),), b.axes[1]))),
    "columns of fewer points": ("columns_", lambda b: replace(b, axes=((mul(const(15), Var("PP_")),), b.axes[1]))),
    "sums of fewer chunks": ("sums_", lambda b: replace(b, axes=(b.axes[0], (_less(Var("SC_")),), *b.axes[2:]))),
    "sums of fewer points": ("sums_", lambda b: replace(b, axes=(*b.axes[:2], (const(15),), *b.axes[3:]))),
    "taps of fewer entries": ("taps_", lambda b: replace(b, axes=(b.axes[0], (_less(b.axes[1][0]),)))),
    "fewer taps": ("taps_", lambda b: replace(b, axes=((const(8),), b.axes[1]))),
    "rows that threads share": ("rows_", lambda b: replace(b, role="workspace")),
    "lines that threads share": ("lines_", lambda b: replace(b, role="workspace")),
    "taps that threads share": ("taps_", lambda b: replace(b, role="workspace")),
    "sums of a thread": ("sums_", lambda b: replace(b, role="private")),
}  # fmt: skip
LAYOUT: dict[str, tuple[int, Callable[[Size], Size]]] = {
    "no room for all planes": (2, lambda s: Size("PP_", _less(Var("P_"))) if s.name == "PP_" else s),
    "fewer planes than columns": (2, lambda s: Size("P_", _less(s.value)) if s.name == "P_" else s),
    "a block of rows too few": (2, lambda s: Size("MT_", _less(s.value)) if s.name == "MT_" else s),
    "a tile of columns too few": (2, lambda s: Size("NT_", _less(s.value)) if s.name == "NT_" else s),
    "an item of rows too few": (2, lambda s: Size("RN_", _less(s.value)) if s.name == "RN_" else s),
    "items of no rows": (2, lambda s: Size("RT_", const(0)) if s.name == "RT_" else s),
    "blocks of no tiles": (2, lambda s: Size("NC_", s.value.right) if s.name == "NC_" else s),
    "chunks without a box": (2, lambda s: Size("SC_", Var("S_")) if s.name == "SC_" else s),
    "no chunk at all": (2, lambda s: Size("SC_", s.value.right) if s.name == "SC_" else s),
    "boxes of fewer strips": (2, lambda s: Size("BX_", s.value.left) if s.name == "BX_" else s),
    "more groups than there are": (2, lambda s: Size("G_", const(2)) if s.name == "G_" else s),
    "rows that lie too near": (2, lambda s: Size("E2_", _less(Var("B2_"))) if s.name == "E2_" else s),
    "strips of no cell": (2, lambda s: Size("B1_", Var("T_i_")) if s.name == "B1_" else s),
    "rows of half a turn behind a box": (TURNS, lambda s: Size("E1_", _more(s.value)) if s.name == "E1_" else s),
    "strips of half a turn": (TURNS, lambda s: Size("B1_", s.value.right) if s.name == "B1_" else s),
}  # fmt: skip
