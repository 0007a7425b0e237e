"""Residue classes of a row that are woven together when they are stored, as stores of every class under a mask.

A block of ``L`` lanes of ``s`` classes makes ``s*L`` neighbours. Where the row has so many they are stored as they are;
else they go through a line in memory, of which masks let as many through as the row still has. In both cases lane ``l``
of class ``k`` is stored at ``s*(at + l) + k`` if that lies in the row of ``W`` cells, and nowhere otherwise. Blocks of
lanes together have every position below ``ceil(W/s)``, and at most ``L - 1`` behind it, where no class stores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    Binary,
    Compare,
    Declare,
    Expr,
    FloorDiv,
    For,
    If,
    Kernel,
    Lanes,
    Let,
    LoadLanes,
    Stmt,
    StoreLanes,
    Var,
)
from symconv.loops.traverse import expressions
from symconv.relation.points import UnclearError
from symconv.validate.inner import in_general
from symconv.validate.polynomial import WIDTH, alike
from symconv.validate.positions import both, even

__all__ = ["Weave", "is_woven", "unwoven"]

_CLASS = "class{}_"


@dataclass(frozen=True, slots=True)
class Weave:
    """How many classes a row has, and how many cells."""

    classes: int
    cells: Expr

    def positions(self, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
        """A row in blocks of lanes as loops over its positions with vectors of one lane; see ``each_position``."""
        match body:
            case (For(counter, low, Binary("//", above, by), (Let(at, value), *block), 1),) if low == const(0):
                pass
            case _:
                raise UnclearError("a row is in no blocks of lanes")
        wide = mul(const(self.classes), WIDTH)
        blocks = alike(by, wide) and alike(above, sub(add(self.cells, wide), const(1)))
        if not blocks or not alike(value, mul(WIDTH, Var(counter))):
            raise UnclearError(f"{counter} counts no blocks of lanes of {self.classes} classes")
        chosen, full = in_general(tuple(block))
        even(chosen, at)
        length = FloorDiv(add(self.cells, const(self.classes - 1)), self.classes)
        checked = (For(at, const(0), length, full),) if full else ()
        return *checked, *both(at, chosen, const(0), length)


def is_woven(kernel: Kernel, loop: For) -> bool:
    """Whether rows are stored through a line in memory."""
    lines = {b.name for b in kernel.buffers if b.role == "private"}
    return any(isinstance(node, StoreLanes) and node.buffer in lines for node in expressions((loop,)))


def unwoven(kernel: Kernel, loop: For) -> tuple[For, Weave]:
    """A loop over rows whose classes are stored each under a mask of its own, and how they were woven.

    Raises UnclearError where both ways to store a row are not the same.
    """
    *before, blocks = loop.body
    match blocks:
        case For(_, _, _, (Let(at), *rest, If(fits, stores), If(short, pieces))) if not any(
            isinstance(node, StoreLanes) for node in expressions(tuple(rest))
        ):
            pass
        case _:
            raise UnclearError("rows are stored in another way than in classes that are woven together")
    weave = _weave(fits, short, at)
    rows = list(_rows(weave, stores, at))
    _pieces(kernel, weave, rows, pieces, at)
    masks = (Declare(_CLASS.format(k), _mask(weave, k, at)) for k in range(weave.classes))
    stored = (replace(s, mask=_CLASS.format(k)) for row in rows for k, s in enumerate(row))
    block = (blocks.body[0], *rest, *masks, *stored)
    return replace(loop, body=(*before, replace(blocks, body=block))), weave


def _mask(weave: Weave, number: int, at: str) -> Lanes:
    """The lanes of a class that lie in the row: ``0 <= s*(at + l) + k < W``."""
    left = sub(sub(weave.cells, mul(const(weave.classes), Var(at))), const(number))
    return Lanes(sub(const(0), Var(at)), FloorDiv(add(left, const(weave.classes - 1)), weave.classes))


def _weave(fits: Expr, short: Expr, at: str) -> Weave:
    """The number of classes, and of cells, from when all lanes of all classes lie in the row."""
    match fits, short:
        case Compare("<=", end, cells), Compare(">", same, other) if alike(end, same) and alike(cells, other):
            for classes in range(2, 9):
                if alike(end, add(mul(const(classes), Var(at)), mul(const(classes), WIDTH))):
                    return Weave(classes, cells)
    raise UnclearError("nothing says whether all lanes of a block lie in a row")


def _rows(weave: Weave, stores: Sequence[Stmt], at: str) -> Iterator[tuple[StoreLanes, ...]]:
    """The stores of each row, class by class."""
    for k in range(0, len(stores), weave.classes):
        row = [one for one in stores[k : k + weave.classes] if isinstance(one, StoreLanes)]
        first = row[0].index if row else ()
        for number, one in enumerate(row):
            place = (*first[:-1], add(mul(const(weave.classes), Var(at)), const(number)))
            told = StoreLanes(row[0].buffer, place, weave.classes, "", "=", one.value)
            if not isinstance(one.value, Var) or not alike(one, told):
                raise UnclearError("a class is stored in another way than each lane at its place")
        if len(row) != weave.classes:
            raise UnclearError("a row is not stored class by class")
        yield tuple(row)


def _pieces(
    kernel: Kernel, weave: Weave, rows: Sequence[tuple[StoreLanes, ...]], body: Sequence[Stmt], at: str
) -> None:
    """Raises UnclearError unless pieces of a line store what the rows do, as far as the row goes."""
    masks, stores = list(body[: weave.classes]), list(body[weave.classes :])
    names = []
    start = mul(const(weave.classes), Var(at))
    for number, one in enumerate(masks):
        behind = mul(const(number), WIDTH)
        match one:
            case Declare(name, Lanes() as mask) if alike(mask, Lanes(const(0), sub(weave.cells, add(start, behind)))):
                names.append(name)
            case _:
                raise UnclearError("a piece of a line is stored under another mask than the end of its row")
    line = next((s.buffer for s in stores if isinstance(s, StoreLanes)), "")
    wanted: list[Stmt] = []
    for row in rows:
        wanted += [StoreLanes(line, (const(k),), weave.classes, "", "=", one.value) for k, one in enumerate(row)]
        for number, name in enumerate(names):
            behind = mul(const(number), WIDTH)
            place = (*row[0].index[:-1], add(start, behind))
            wanted.append(StoreLanes(row[0].buffer, place, 1, name, "=", LoadLanes(line, (behind,), 1, name)))
    if len(set(names)) != len(names) or len(wanted) != len(stores) or not all(map(alike, stores, wanted)):
        raise UnclearError("pieces of a line are not what the row stores elsewhere")
    buffer = kernel.buffer(line)
    wide = mul(const(weave.classes), WIDTH)
    if buffer.role != "private" or len(buffer.sizes) != 1 or not alike(buffer.sizes[0], wide):
        raise UnclearError(f"{line} does not hold the lanes of all classes")
