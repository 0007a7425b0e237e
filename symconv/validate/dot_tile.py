"""The register tile of the dot form: which product of a row and a column each of its sums adds up, in lanes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symconv.loops.arith import add, const, mul
from symconv.loops.ir import (
    Accumulate,
    Binary,
    Compare,
    Const,
    Declare,
    Expr,
    For,
    If,
    Let,
    Load,
    LoadLanes,
    ReduceLanes,
    Splat,
    Stmt,
    Store,
    Update,
    Var,
)
from symconv.loops.traverse import substitute
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import WIDTH, alike

__all__ = ["Tile", "tile_of"]

_NOTHING = Splat(Const(Fraction(0), True))


@dataclass(frozen=True, slots=True)
class Tile:
    """Sums ``still[row, at] * moved[offset + at]`` over the lanes ``at`` of all blocks, each for a row and a column.

    ``first`` stores them and ``later`` adds to them, both at ``place`` and behind it.
    """

    rows: int
    columns: int
    still: LoadLanes
    moved: LoadLanes
    blocks: Expr
    place: tuple[Expr, ...]
    sums: str


def tile_of(body: Sequence[Stmt], box: str, first: Expr, rows: int, columns: int, by_columns: bool = True) -> Tile:
    """A tile; sums are stored in the box ``first``, and added to in boxes behind it. Raises UnclearError.

    They lie column by column; else row by row, and rows and columns of what is multiplied have the same axes.
    """
    starts = [s for s in body if isinstance(s, Declare)]
    names = [s.name for s in starts]
    match list(body[len(starts) :]):
        case [For(at, low, blocks, (Let(lane, begin), *steps), 1), If(is_first, stores), If(is_later, adds)] if (
            low == const(0)
            and alike(begin, mul(WIDTH, Var(at)))
            and is_first == Compare("==", Var(box), first)
            and is_later == Compare(">", Var(box), first)
        ):
            pass
        case _:
            raise UnclearError("a tile is not made of sums, one loop over blocks of lanes, and stores")
    if any(s.value != _NOTHING for s in starts) or len(set(names)) != len(names) or len(names) != rows * columns:
        raise UnclearError("sums of a tile do not start from nothing")
    products = _products(steps, names)
    sums, place = _places(stores, rows * columns)
    order = [name for name, _ in _stored(stores)]
    if sorted(order) != sorted(names) or not _added(adds, sums, place, order):
        raise UnclearError("a tile does not store each of its sums, or add it where it stored the one before")
    found = _first(products[order[0]], lane)
    if len(found[0].index) != (2 if by_columns else len(found[1].index)):
        raise UnclearError("a tile reads a row in another way than lane by lane")
    for k, name in enumerate(order):
        column, row = divmod(k, rows) if by_columns else divmod(k, columns)[::-1]
        if not alike(products[name], _moved(found, row, column)):
            raise UnclearError(f"sum {k} of a tile is not that of its row and column")
    return Tile(rows, columns, *found, blocks, place, sums)


def _products(steps: Sequence[Stmt], names: Sequence[str]) -> dict[str, Expr]:
    """What every sum adds up; temporaries are put in their places."""
    held: dict[str, Expr] = {}
    found: dict[str, Expr] = {}
    for step in steps:
        match step:
            case Declare(name, LoadLanes() as value) if name not in names:
                held[name] = value
            case Update(name, "+", value, "") if name in names and name not in found:
                found[name] = substitute(value, held)
            case _:
                raise UnclearError("a tile does more than to sum up products")
    if set(found) != set(names):
        raise UnclearError("a sum of a tile adds up nothing")
    return found


def _first(product: Expr, lane: str) -> tuple[LoadLanes, LoadLanes]:
    """The factors of a product: what stands still, and what an offset from a table moves."""
    match product:
        case Binary("*", LoadLanes() as one, LoadLanes() as other):
            pass
        case _:
            raise UnclearError("a tile sums up something else than products of a row and a column")
    still, moved = (one, other) if other.offset is not None else (other, one)
    whole = all(n.stride == 1 and not n.mask and n.axis == -1 and n.index[-1] == Var(lane) for n in (still, moved))
    if not whole or still.offset is not None or not isinstance(moved.offset, Load):
        raise UnclearError("a tile reads a row or a column in another way than lane by lane")
    return still, moved


def _moved(factors: tuple[LoadLanes, LoadLanes], row: int, column: int) -> Expr:
    """The product of a row and a column so many behind those of another."""
    still, moved = factors
    assert isinstance(moved.offset, Load)
    (entry,) = moved.offset.index
    table = Load(moved.offset.buffer, (add(entry, const(column)),))
    plane, *inner = still.index
    return Binary(
        "*",
        LoadLanes(still.buffer, (add(plane, const(row)), *inner), 1, ""),
        LoadLanes(moved.buffer, moved.index, 1, "", table),
    )


def _stored(stores: Sequence[Stmt]) -> Iterator[tuple[str, Store]]:
    for one in stores:
        match one:
            case Store(_, _, ReduceLanes("+", Var(name))):
                yield name, one
            case _:
                raise UnclearError("a tile stores something else than its sums")


def _places(stores: Sequence[Stmt], count: int) -> tuple[str, tuple[Expr, ...]]:
    """The buffer of sums, and where the first one lies: the others lie behind it."""
    every = [store for _, store in _stored(stores)]
    place = every[0].index if len(every) == count else ()
    for k, one in enumerate(every):
        if (
            not place
            or one.buffer != every[0].buffer
            or not alike(one, Store(one.buffer, _behind(place, k), one.value))
        ):
            raise UnclearError("sums of a tile are not stored one after the other")
    return every[0].buffer, place


def _added(adds: Sequence[Stmt], sums: str, place: tuple[Expr, ...], order: Sequence[str]) -> bool:
    wanted = [Accumulate(sums, _behind(place, k), "+", ReduceLanes("+", Var(name))) for k, name in enumerate(order)]
    return len(adds) == len(wanted) and all(map(alike, adds, wanted))


def _behind(index: tuple[Expr, ...], distance: int) -> tuple[Expr, ...]:
    return (*index[:-1], add(index[-1], const(distance)))
