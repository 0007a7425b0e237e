"""Columns of the dot form that are read where they lie, as columns that are packed in every box (``nearby``).

Positions of no cell meet zeros of the rows, wherever columns are read; they lie in the operand, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from symconv.loops.arith import const, simplify
from symconv.loops.ir import Address, For, Kernel, Let, Nest, Store, Var
from symconv.loops.traverse import substitute, walk
from symconv.relation.points import UnclearError
from symconv.validate.dot_still import begins, meant_once
from symconv.validate.nearby import Way
from symconv.validate.polynomial import alike
from symconv.validate.tables import Table, tables_of, without_table

__all__ = ["columns_packed"]

_POINT = "point_"


@dataclass(slots=True)
class _Columns(Way):
    """Tiles that have the loop over blocks of lanes inside."""

    def blocks(self) -> Iterator[Let]:
        """The numbers of blocks of lanes that the loop of every tile runs over."""
        named = [n for n in walk(self.nest) if isinstance(n, Let)]
        tiles = [one for pair in self.pairs(self.nest.body) for one in pair]
        loops = [n for tile in tiles for n in walk(tile) if isinstance(n, For)]
        for let in named:
            once = sum(other.name == let.name for other in named) == 1
            if once and loops and all(loop.lower == const(0) and loop.upper == Var(let.name) for loop in loops):
                yield let


def columns_packed(kernel: Kernel, boxes: For) -> Kernel:
    """The kernel that packs the columns of all boxes, with a note where it packed only some.

    Raises UnclearError where nothing says that both do the same.
    """
    tests = [(one.name, begins(boxes.body, one.name)) for one in boxes.body if isinstance(one, Let)]
    chosen = [(name, lets[0].name) for name, lets in tests if len(lets) == 1]
    match chosen:
        case []:
            return kernel
        case [(test, moved)]:
            pass
        case _:
            raise UnclearError("a box asks for more than where its operands lie")
    fills, main, last = kernel.nests
    *loops, spare = fills.body
    meant_once(boxes, [Var(_POINT), *(Var(one) for one in (test, moved))])
    meant_once(boxes, [one.value for one in boxes.body if isinstance(one, Let) and one.name in {test, moved}])
    tables = tables_of(replace(kernel, nests=(replace(fills, body=tuple(loops)),)))
    way = _Columns(kernel, _told(main, _POINT), test, tables)
    nest = _told(way.packed(), moved)
    if not isinstance(spare, For) or not _first(spare, tables[way.far]):
        raise UnclearError(f"spare entries of {way.far} are no first elements")
    return without_table(replace(kernel, nests=(fills, nest, last)), way.far)


def _told(nest: Nest, name: str) -> Nest:
    """A nest with 0 in place of a name for it, which stays; raises UnclearError where that is of another number."""
    lets = [n for n in walk(nest) if isinstance(n, Let) and n.name == name]
    if lets != [Let(name, const(0))]:
        raise UnclearError(f"{name} is not 0")

    *header, boxes = nest.body
    assert isinstance(boxes, For)
    body = (one if one == lets[0] else simplify(substitute(one, {name: const(0)})) for one in boxes.body)
    return replace(nest, body=(*header, replace(boxes, body=tuple(body))))


def _first(spare: For, table: Table) -> bool:
    """Whether spare entries of a table are its first one, which is there if any is."""
    first: Any = substitute(table.address, {loop.var: loop.lower for loop in table.loops})
    found = [one for one in spare.body if isinstance(one, Store) and one.buffer == table.name]
    match found:
        case [Store(_, (Var(at),), Address() as value)]:
            return at == spare.var and not table.prefix and not table.around and alike(value, first)
    return False
