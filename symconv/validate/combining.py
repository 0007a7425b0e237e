"""A nest that adds up the chunks of sums: which sums it reads where, and how it reads the sums of one chunk alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from symconv.limits import UNROLLED_TAPS
from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    LANES,
    Binary,
    Const,
    Expr,
    FloorDiv,
    For,
    Kernel,
    Load,
    LoadLanes,
    Nest,
    Size,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, substitute, walk
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import alike, polynomial, uses

__all__ = ["Combined"]


@dataclass(frozen=True, slots=True)
class Combined:
    """The axes of a buffer ``parts``: groups, rows, chunks, cells; a cell is the number that ``taps`` make.

    ``block`` is how many groups have sums at once, ``lengths`` are the numbers of taps.
    """

    parts: str
    groups: Expr
    rows: Expr
    chunks: Var
    cells: Expr
    block: Var
    taps: tuple[str, ...]
    lengths: tuple[Expr, ...]

    @staticmethod
    def of(kernel: Kernel, sums: str, parts: str) -> Combined:
        """Raises UnclearError where the last nest does more with chunks than adding up all of them."""
        if {b.name for b in kernel.buffers if b.role not in {"in", "out"}} != {sums, parts}:
            raise UnclearError("a kernel of sums over chunks has other memory than its sums")
        match kernel.buffer(parts).axes, kernel.buffer(sums).axes:
            case ((groups,), (rows,), (Var() as chunks,), (cells,)), ((Var() as block,), (same,), (own,), (lanes,)) if (
                same,
                own,
                lanes,
            ) == (rows, cells, Var(LANES)) and kernel.buffer(sums).role == "private":
                pass
            case _:
                raise UnclearError(f"{sums} has no vector for each sum of {parts}")
        layout = {size.name: size.value for size in kernel.layout}
        parameters = frozenset(kernel.parameters)
        if not all(_positive(layout.get(one.name), parameters) for one in (chunks, block)):
            raise UnclearError("nothing says that there is a chunk, or a group at once")
        loops, place = _read(kernel.nests[-1], parts, chunks)
        taps = tuple(loop.var for loop in loops)
        lengths = tuple(_count(loop.upper) for loop in loops)
        if not alike(place, _position(tuple(map(Var, taps)), lengths)) or not _room(cells, lengths, layout):
            raise UnclearError(f"{parts} is read at other places than there are taps")
        return Combined(parts, groups, rows, chunks, cells, block, taps, lengths)

    def counted(self, kernel: Kernel, total: Expr) -> bool:
        """Whether a number is never negative, as products of lengths are."""
        layout = {size.name: size.value for size in kernel.layout}
        match total:
            case Const(value):
                return value >= 0
            case Var(name) if name in layout:
                return self.counted(kernel, layout[name])
            case Binary("*", a, b):
                return self.counted(kernel, a) and self.counted(kernel, b)
            case Binary("max", Const(least, False), _):
                return least >= 0
        return False

    def digits(self, cell: Expr, around: Sequence[For]) -> tuple[Expr, ...]:
        """The taps whose sum a cell has: those of the loops around it, and numbers for those that are unrolled."""
        loops = {loop.var: loop for loop in around}
        choices: list[list[Expr]] = []
        for name, length in zip(self.taps, self.lengths, strict=True):
            loop = loops.get(name)
            if loop is not None and loop.lower == const(0) and alike(_count(loop.upper), length):
                choices.append([Var(name)])
            elif loop is None and isinstance(length, Const) and 0 < length.value <= UNROLLED_TAPS:
                choices.append([const(k) for k in range(int(length.value))])
            else:
                raise UnclearError(f"{self.parts} has sums for other taps than it is read for")
        for digits in product(*choices):
            if alike(cell, _position(digits, self.lengths)):
                return digits
        raise UnclearError(f"{self.parts} has a sum for no tap")

    def once(self, kernel: Kernel, first: Nest) -> Kernel:
        """The kernel with another first nest, which stores sums of one chunk tap by tap."""

        def by_taps(node: Any) -> Any:
            if isinstance(node, Load) and node.buffer == self.parts:
                return replace(node, index=(*node.index[:-1], *map(Var, self.taps)))
            return node

        tensor = kernel.buffer(self.parts)
        axes = (*tensor.axes[:-1], *((length,) for length in self.lengths))
        kept = tuple(b for b in kernel.buffers if b.role in {"in", "out"})
        buffers = (replace(tensor, axes=axes), *kept)
        layout = tuple(Size(s.name, const(1)) if s.name == self.chunks.name else s for s in kernel.layout)
        return replace(kernel, buffers=buffers, layout=layout, nests=(first, rewrite(kernel.nests[-1], by_taps)))


def _positive(value: Expr | None, parameters: frozenset[str]) -> bool:
    match value:
        case Binary("max", Const(least, False), _):
            return least >= 1
        case Binary("min", a, b):
            return _positive(a, parameters) and _positive(b, parameters)
        case Var(name):
            return name in parameters
    return False


def _read(nest: Nest, parts: str, chunks: Var) -> tuple[tuple[For, ...], Expr]:
    """The loops over the taps of a cell, and where its sums lie, where all chunks of them are added up once."""
    nodes = list(walk(nest))
    loads = [node for node in nodes if isinstance(node, Load | LoadLanes) and node.buffer == parts]
    adding = [node for node in nodes if isinstance(node, For) and node.upper == chunks]
    match loads, adding:
        case [Load(_, (_, _, Var(at), place), None) as load], [
            For(var, Const(zero, False), _, (Update(_, "+", value, ""),), 1)
        ] if var == at and value == load and not zero:
            pass
        case _:
            raise UnclearError(f"the chunks of {parts} are not added up")
    if sum(node == chunks for node in nodes) != 1 or sum(node == Var(at) for node in nodes) != 1:
        raise UnclearError("chunks are used for something else than to be added up")
    loops = tuple(node for node in nodes if isinstance(node, For) and uses(place, {node.var}))
    if any(loop.lower != const(0) or loop.step != 1 for loop in loops) or len({x.var for x in loops}) != len(loops):
        raise UnclearError(f"{parts} is read at other places than there are taps")
    return loops, place


def _count(upper: Expr) -> Expr:
    """How many turns a loop from 0 has."""
    return upper if isinstance(upper, Const) and upper.value >= 0 else Binary("max", const(0), upper)


def _position(digits: Sequence[Expr], lengths: Sequence[Expr]) -> Expr:
    found: Expr = const(0)
    for digit, length in zip(digits, lengths, strict=True):
        found = add(mul(found, length), digit)
    return found


def _room(cells: Expr, lengths: Sequence[Expr], layout: Mapping[str, Expr]) -> bool:
    """Whether there are as many cells as taps together, or up to a few more: ``k * ceil(taps / k)``."""
    every: Expr = const(1)
    for length in lengths:
        every = mul(every, length)
    match list(polynomial(cells).items()):
        case [((Var(name),), many)] if name in layout and many >= 1:
            match layout[name]:
                case Binary("//", above, by) if alike(by, const(int(many))):
                    return _taps(above, int(many), every, layout)
                case FloorDiv(above, divisor) if divisor == many:
                    return _taps(above, int(many), every, layout)
    return False


def _taps(above: Expr, many: int, every: Expr, layout: Mapping[str, Expr]) -> bool:
    return alike(substitute(sub(above, const(many - 1)), dict(layout)), every)
