"""Sums of products at every point: register tiles over flat rows, slab by slab of the planes.

Every position of a cell, of every row and point, gets the products of all planes, each once: slabs partition the planes
(``relation.lemmas.STRIPS``); the first one stores its sums, the others add theirs. Lanes behind the last cell get sums
that mean nothing, and there is room for them.
"""

from __future__ import annotations

from dataclasses import dataclass

from symconv.limits import LANE_VECTORS
from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    Accumulate,
    Address,
    Binary,
    Compare,
    Const,
    Declare,
    For,
    If,
    Kernel,
    Let,
    Load,
    Nest,
    Stmt,
    Store,
    Update,
    Var,
)
from symconv.relation.points import UnclearError
from symconv.validate.micro import tile_of
from symconv.validate.polynomial import WIDTH, alike
from symconv.validate.wino_boxes import Boxes
from symconv.validate.wino_factors import Factors
from symconv.validate.wino_present import Planes
from symconv.validate.wino_reading import PLANES, each, never_negative, number_of, told

__all__ = ["Slab", "Sums", "table"]


def table(kernel: Kernel, nest: Nest) -> tuple[str, str]:
    """The table of where planes lie, and a buffer that is laid out as the one they lie in.

    Raises UnclearError where a plane is not at the start of the rows of its number.
    """
    match told(nest.body, {}):
        case (
            For(plane, _, _, (Store(name, (Const(zero, False), at), Address(buffer, (which, row, column))),)) as loop,
        ):
            each(loop, Var("PB_"), "planes of a table")
            if nest.extent == const(1) and not zero and at == which == Var(plane) and row == column == const(0):
                sizes = kernel.buffer(name).sizes
                if kernel.buffer(name).scalar.kind == "offset" and len(sizes) == 2 and alike(sizes[1], Var("PB_")):
                    return name, buffer
    raise UnclearError("windows of a plane lie elsewhere than at the start of its rows, or are read tap by tap")


@dataclass(frozen=True, slots=True)
class Slab:
    """Names: the first plane of a slab, how many it has; the loop that makes its planes, and what is behind that."""

    first: str
    some: str
    planes: For
    behind: tuple[Stmt, ...]

    @staticmethod
    def of(kernel: Kernel, loop: Stmt) -> Slab:
        """A loop over slabs of planes; raises UnclearError unless they are all planes, each once."""
        layout = {size.name: size.value for size in kernel.layout}
        most = Var("PB_")
        match loop:
            case For(number, _, _, (Let(first, start), Let(some, count), For() as planes, *rest)) if alike(
                start, mul(most, Var(number))
            ) and alike(count, Binary("min", most, sub(Var("P_"), Var(first)))):
                each(loop, Binary("//", sub(add(Var("P_"), most), const(1)), most), "slabs of planes")
                each(planes, Var(some), "planes of a slab")
            case _:
                raise UnclearError("planes are not summed in slabs")
        match layout.get("PB_"), layout.get("PP_"):
            case Binary("max", Const(least, False), _), room if least >= 1 and room and never_negative(sub(room, most)):
                return Slab(first, some, planes, told(rest, {}))
        raise UnclearError("nothing says that a slab has a plane, and room for all of them")


@dataclass(frozen=True, slots=True)
class Sums:
    """What sums are made from: the table, the windows at its places, the planes of a slab, and the factors."""

    kernel: Kernel
    boxes: Boxes
    table: str
    wide: str
    slab: Slab
    factors: Factors

    def buffer(self) -> str:
        """The buffer of sums; raises UnclearError unless it gets every product of every cell, row and point once."""
        match self.slab.behind:
            case (tiles,):
                name = self._summed(each(tiles, const(len(self.factors.matrix)), "points"))
            case _:
                raise UnclearError("a slab does more than to sum up its planes")
        self._roomy(name)
        return name

    def _summed(self, point: For) -> str:
        match point.body:
            case (For(block, _, _, (Let(lane, start), For(rows, _, _, ways) as loop)) as lanes,):
                each(loop, Var("MT_"), "blocks of rows")
            case _:
                raise UnclearError("sums are made in other loops than over points, blocks of lanes and blocks of rows")
        per = next((n for n in range(1, LANE_VECTORS + 1) if alike(start, mul(const(n), mul(WIDTH, Var(block))))), 0)
        if not per:
            raise UnclearError("blocks of lanes do not lie one after the other")
        blocks = Var(self.boxes.blocks)
        several = Binary("//", add(blocks, const(per - 1)), const(per))
        each(lanes, several if per > 1 else blocks, "blocks of lanes")
        left = sub(Var(self.boxes.blocks), mul(const(per), Var(block)))
        names = set()
        seen = set()
        planes = Planes(self.kernel, self.factors, self.slab.some)
        for way in ways:
            match way:
                case If(Compare(op, value, Const(count, False)), body) if alike(value, left) and (
                    op == ("==" if count < per else ">=") and 1 <= count <= per and count not in seen
                ):
                    seen.add(count)
                    names.add(self._tile(tile_of(body, lane, int(count)), (point.var, rows, lane), planes))
                case _:
                    raise UnclearError("tiles are chosen in another way than by the blocks of lanes that are left")
        if seen != set(range(1, per + 1)) or len(names) != 1:
            raise UnclearError("tiles are chosen in another way than by the blocks of lanes that are left")
        return names.pop()

    def _tile(self, body: tuple[Stmt, ...], at: tuple[str, str, str], planes: Planes) -> str:
        """The buffer of sums; raises UnclearError unless a tile sums up the products of its point, rows and lanes."""
        point, block, lane = map(Var, at)
        first, factors = self.slab.first, self.factors
        match body:
            case (
                For(
                    row,
                    _,
                    _,
                    (
                        Declare(total, Const(nothing)),
                        For() as runs,
                        If(once, (Store(sums, place, kept),)),
                        If(again, (Accumulate(more, there, "+", added),)),
                    ),
                ) as rows,
            ) if not nothing and sums == more and kept == added == Var(total):
                each(rows, const(factors.rows), "rows of a tile")
            case _:
                raise UnclearError("a tile does more than to sum up products")
        match planes.summed(runs, point):
            case For(step, _, _, (Update(same, "+", value, ""),)) if total == same:
                pass
            case _:
                raise UnclearError("a tile does more than to sum up products")
        number = add(mul(block, const(factors.rows)), Var(row))
        cell = (number, point, const(0), lane)
        offset = Load(self.table, (const(0), Var(step)))
        window = Load(self.wide, (mul(point, PLANES), const(0), lane), offset)
        group = number_of(tuple(map(Var, self.boxes.groups)), self.boxes.lengths)
        element = Load(factors.buffer, (group, block, point, add(Var(first), Var(step)), Var(row)))
        product = any(alike(value, Binary("*", a, b)) for a, b in ((window, element), (element, window)))
        places = all(map(alike, place, cell)) and all(map(alike, there, cell)) and len(place) == len(there) == 4
        zero = const(0)
        if (
            not product
            or not places
            or once != Compare("==", Var(first), zero)
            or again != Compare(">", Var(first), zero)
        ):
            raise UnclearError("a tile does more than to sum up products")
        return sums

    def _roomy(self, sums: str) -> None:
        """Raises UnclearError unless windows and sums have room for all lanes, each point and row apart."""
        points = const(len(self.factors.matrix))
        rows = mul(Var("MT_"), const(self.factors.rows))
        for name, first in ((self.wide, ((mul(points, PLANES),),)), (sums, ((rows,), (points,)))):
            buffer = self.kernel.buffer(name)
            *outer, inner = buffer.axes
            if (
                buffer.role != "private"
                or len(inner) != 2
                or inner[1] != self.boxes.pitches[-1]
                or len(outer) != len(first)
                or not all(len(one) == 1 and alike(one[0], other[0]) for one, other in zip(outer, first, strict=True))
                or not self.boxes.roomy(inner[0])
            ):
                raise UnclearError(f"{name} has no room for the lanes of all rows")
