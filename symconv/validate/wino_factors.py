"""The narrow operand at every point: a few planes at a time are copied, row by row of a tile, and transformed.

What a point holds is one sum of taps for every row and plane. Blocks of planes partition the planes and blocks of rows
the rows (``relation.lemmas.STRIPS``). Rows behind the last one, and taps that are none, are copied as zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symconv.loops.arith import add, ceildiv, const, mul, sub, total
from symconv.loops.ir import (
    Binary,
    Compare,
    Const,
    Declare,
    Expr,
    For,
    If,
    Kernel,
    Lanes,
    Let,
    Load,
    LoadLanes,
    Nest,
    Stmt,
    Store,
    StoreLanes,
    Var,
)
from symconv.loops.traverse import substitute
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import WIDTH, alike, polynomial, uses
from symconv.validate.wino_linear import Form, Point, linear, named
from symconv.validate.wino_reading import (
    blocks_of,
    each,
    factors_of,
    never_negative,
    number_of,
    numbered,
    tests_of,
    told,
)

__all__ = ["ROW", "Factors", "factors"]

ROW = "row_of_target_"
"""The name of a row of the narrow operand, which is one of the target."""


@dataclass(frozen=True, slots=True)
class Tap:
    """An element of the narrow operand, and what has to hold for it to be one."""

    tests: tuple[Expr, ...]
    load: Load


@dataclass(frozen=True, slots=True)
class Factors:
    """What ``buffer`` holds: for each point a sum of taps, of every group, plane and row.

    ``taps`` are the elements by number, ``matrix`` is for each point the factors of taps. ``rows`` are in a tile.
    """

    buffer: str
    groups: tuple[str, ...]
    lengths: tuple[Expr, ...]
    planes: tuple[str, ...]
    rows: int
    taps: tuple[Tap, ...]
    matrix: tuple[Form, ...]


def factors(kernel: Kernel, nest: Nest, planes: Sequence[Expr]) -> Factors:
    """Read the nest that fills it; ``planes`` are the numbers whose product counts planes."""
    layout = {size.name: size.value for size in kernel.layout}
    sizes = factors_of(nest.extent)
    names, body = numbered(nest.body, Var(nest.var), sizes)
    *groups, stack = names
    match body:
        case [Let(width, value), For(_, _, _, (Let(held, left), For() as copied, For() as chunks), 1) as rows]:
            pass
        case _:
            raise UnclearError("the narrow operand is not copied and transformed row by row of tiles")
    each(rows, Var("MT_"), "blocks of rows")
    deep = _at_once(copied)
    first = mul(const(deep), Var(stack))
    count = Binary("min", const(deep), sub(Var("P_"), first))
    each(copied, count, "planes")
    tile = _tile(value, count)
    below = sub(Var("M_"), mul(Var(rows.var), const(tile)))
    stacks = Binary("//", add(Var("P_"), const(deep - 1)), const(deep))
    blocks = alike(layout.get("MT_", const(0)), ceildiv(Var("M_"), tile))
    if not blocks or sizes[-1] != Var("ST_") or not alike(layout.get("ST_", const(0)), stacks):
        raise UnclearError("rows and planes of the narrow operand are not all copied")
    match copied.body:
        case [Let(position, at), *inner] if alike(at, add(first, Var(copied.var))):
            digits, taken = numbered(inner, Var(position), planes)
        case _:
            raise UnclearError("planes of the narrow operand are not told by their numbers")
    if not alike(left, Binary("min", const(tile), below)):
        raise UnclearError("rows and planes of the narrow operand are not all copied")
    it = _Copies(kernel, held, Var(rows.var), copied.var, tile)
    raw, taps = it.taps(told(taken, {}))
    it.room(raw, len(taps), deep)
    stack_of = _Stack(kernel, raw, len(taps), mul(count, const(tile)), first, Var(rows.var))
    buffer, matrix = stack_of.matrix(chunks, width, number_of(tuple(map(Var, groups)), sizes[:-1]))
    if not _laid_out(kernel, buffer, (total(sizes[:-1]), Var("MT_"), const(len(matrix)), const(tile))):
        raise UnclearError(f"{buffer} has other axes than groups, blocks of rows, points and planes")
    return Factors(buffer, tuple(groups), sizes[:-1], digits, tile, taps, matrix)


def _at_once(copied: For) -> int:
    match copied.upper:
        case Binary("min", Const(size, False), _):
            return int(size)
    raise UnclearError("planes are not copied a few at a time")


def _laid_out(kernel: Kernel, name: str, wanted: tuple[Expr, ...]) -> bool:
    """Whether a buffer has an axis for each of these numbers, and room for all planes before the last."""
    buffer, layout = kernel.buffer(name), {size.name: size.value for size in kernel.layout}
    match buffer.axes:
        case ((groups,), (blocks,), (points,), (planes, rows)):
            known = {"G_": layout["G_"]} if "G_" in layout else {}
            given = (substitute(groups, known), blocks, points, rows)
            room = never_negative(sub(planes, Var("P_")))
            return buffer.role == "workspace" and room and all(map(alike, given, wanted))
    return False


def _tile(width: Expr, count: Expr) -> int:
    """How many rows a tile has, of which ``width`` holds those of ``count`` planes."""
    form = polynomial(width)
    rows = int(next(iter(form.values()), 0))
    if rows >= 1 and alike(width, mul(count, const(rows))):
        return rows
    raise UnclearError("planes are not copied with the rows of a tile side by side")


@dataclass(frozen=True, slots=True)
class _Copies:
    """The copies of one plane: ``held`` names how many rows a block of rows has."""

    kernel: Kernel
    held: str
    block: Var
    plane: str
    tile: int

    def taps(self, body: Sequence[Stmt]) -> tuple[str, tuple[Tap, ...]]:
        """What is copied, tap by tap: twice, with all rows and taps known to be there, and with tests."""
        match body:
            case [
                If(Compare("==", chosen, Const(yes, False)), fast),
                If(Compare("==", again, Const(no, False)), slow),
            ] if chosen == again and yes == 1 and no == 0:
                raw, found = self._tested(slow)
            case _:
                raise UnclearError("taps are not copied with tests, and all of them without")
        tests, *ends = tests_of(chosen)
        if ends != [const(1), const(0)] or Compare("==", Var(self.held), const(self.tile)) not in tests:
            raise UnclearError("what is copied without a test is not known to be there")
        for tap in found:
            if not set(tap.tests) <= set(tests):
                raise UnclearError("what is copied without a test is not known to be there")
        match fast:
            case (For(row, _, _, stores) as loop,):
                each(loop, const(self.tile), "rows")
                wanted = [Store(raw, self._place(k, row), self._given(tap.load, row)) for k, tap in enumerate(found)]
            case _:
                raise UnclearError("taps are copied in other loops than over rows")
        if len(stores) != len(wanted) or not all(map(alike, stores, wanted)):
            raise UnclearError("taps that are known to be there are copied to other places")
        return raw, found

    def _tested(self, body: Sequence[Stmt]) -> tuple[str, tuple[Tap, ...]]:
        found: list[Tap] = []
        raws = set()
        pairs = list(zip(body[::2], body[1::2], strict=False))
        if len(body) % 2 or not pairs:
            raise UnclearError("taps are not copied with tests, and all of them without")
        for k, (some, none) in enumerate(pairs):
            match some, none:
                case (
                    For(row, Const(zero, False), count, (Store(raw, place, Load(_, _, None) as load),), 1),
                    For(other, start, end, (Store(same, there, Const(nothing)),), 1),
                ) if not zero and not nothing and raw == same:
                    raws.add(raw)
                case _:
                    raise UnclearError("a tap is not copied, or 0 in its place")
            tests, *ends = tests_of(count)
            if (
                ends != [Var(self.held), const(0)]
                or not alike(start, count)
                or not alike(end, const(self.tile))
                or not _same(place, self._place(k, row))
                or not _same(there, self._place(k, other))
            ):
                raise UnclearError("a tap is not copied, or 0 in its place")
            if any(uses(test, {row, self.block.name, self.plane, self.held}) for test in tests):
                raise UnclearError("a tap depends on how rows and planes are cut")
            found.append(Tap(tests, self._row(load, row)))
        if len(raws) != 1:
            raise UnclearError("taps are copied to several buffers")
        return raws.pop(), tuple(found)

    def _place(self, tap: int, row: str) -> tuple[Expr, ...]:
        return const(tap), add(mul(Var(self.plane), const(self.tile)), Var(row))

    def _given(self, load: Load, row: str) -> Load:
        """The element of a row by its number in a tile."""
        return substitute(load, {ROW: add(mul(self.block, const(self.tile)), Var(row))})  # type: ignore[no-any-return]

    def _row(self, load: Load, row: str) -> Load:
        """The element of a row by its number."""
        number = add(mul(self.block, const(self.tile)), Var(row))
        index = tuple(Var(ROW) if alike(one, number) else one for one in load.index)
        found = Load(load.buffer, index)
        if uses(found, {row, self.block.name, self.plane, self.held}) or self.kernel.buffer(load.buffer).role != "in":
            raise UnclearError("a tap depends on how rows and planes are cut")
        return found

    def room(self, raw: str, taps: int, deep: int) -> None:
        """The buffer of copies has room for what is copied, and for lanes behind that."""
        buffer = self.kernel.buffer(raw)
        if buffer.role != "private" or len(buffer.sizes) != 2 or buffer.sizes[0] != const(taps):
            raise UnclearError(f"{raw} is no buffer of copies")
        if not never_negative(sub(buffer.sizes[1], const(deep * self.tile))) or not never_negative(
            sub(buffer.slack, sub(WIDTH, const(1)))
        ):
            raise UnclearError(f"{raw} has no room for lanes behind the last copy")


def _same(one: tuple[Expr, ...], other: tuple[Expr, ...]) -> bool:
    return len(one) == len(other) and all(map(alike, one, other))


@dataclass(frozen=True, slots=True)
class _Stack:
    """A few planes of copies that are transformed together: ``width`` elements in a row."""

    kernel: Kernel
    raw: str
    taps: int
    width: Expr
    first: Expr
    block: Var

    def matrix(self, chunks: For, width: str, group: Expr) -> tuple[str, tuple[Form, ...]]:
        """The buffer of points, and for each point what it holds."""
        (loop,) = told((chunks,), {width: self.width})
        assert isinstance(loop, For)
        each(loop, blocks_of(self.width), "blocks of copies")
        column = mul(Var(loop.var), WIDTH)
        match loop.body:
            case [Declare(mask, Lanes() as lanes), *rest] if alike(lanes, Lanes(const(0), sub(self.width, column))):
                pass
            case _:
                raise UnclearError("points of the narrow operand are stored without a mask")

        def element(value: Expr) -> Point | None:
            match value:
                case LoadLanes(buffer, (Const(tap, False), at), 1, "", None) if (
                    buffer == self.raw and 0 <= tap < self.taps and alike(at, column)
                ):
                    return (int(tap),)
            return None

        forms = linear((one for one in rest if not isinstance(one, StoreLanes)), element)
        found: dict[int, Form] = {}
        buffers = set()
        for store in rest:
            match store:
                case StoreLanes(buffer, (at, block, Const(number, False), start, place), 1, over, "=", Var(name)) if (
                    over == mask
                    and alike(at, group)
                    and block == self.block
                    and alike(start, self.first)
                    and alike(place, column)
                    and number not in found
                ):
                    buffers.add(buffer)
                    found[int(number)] = named(forms, name)
                case StoreLanes():
                    raise UnclearError("points of the narrow operand are stored at other places")
        if len(buffers) != 1 or set(found) != set(range(len(found))):
            raise UnclearError("points of the narrow operand are stored at other places")
        return buffers.pop(), tuple(found[k] for k in range(len(found)))
