"""Tiles that read an operand where it lies, and what a kernel asks of a box before: how far elements are apart, where
the operand ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symconv.loops.arith import const, mul, sub
from symconv.loops.ir import Address, Buffer, Compare, Expr, Load, LoadLanes, Select, Stmt
from symconv.loops.traverse import rewrite, walk
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import alike, digits

__all__ = ["Reads", "Test", "packed_reads", "reads_of", "through_tables"]


@dataclass(frozen=True, slots=True)
class Reads:
    """What a tile reads through a table."""

    buffer: str
    table: str


def reads_of(body: Sequence[Stmt]) -> Reads:
    loads = {(n.buffer, n.offset.buffer) for n in through_tables(body)}
    if len(loads) != 1:
        raise UnclearError("a tile reads several operands where they lie")
    return Reads(*loads.pop())


def through_tables(body: Sequence[Stmt]) -> Iterator[Any]:
    return (n for s in body for n in walk(s) if isinstance(n, LoadLanes) and isinstance(n.offset, Load))


def packed_reads(tile: Stmt, lying: Reads, packed: Reads, wide: Buffer) -> Stmt:
    """A tile with packed elements in place of those that lie where they are."""
    zeros = (const(0),) * (len(wide.sizes) - 1)

    def rule(node: Any) -> Any:
        if not isinstance(node, LoadLanes) or node.buffer != lying.buffer:
            return node
        if not isinstance(node.offset, Load) or node.offset.buffer != lying.table or set(node.index[:-1]) - {const(0)}:
            raise UnclearError(f"{lying.buffer} is read in another way")
        return replace(
            node, buffer=packed.buffer, index=(*zeros, node.index[-1]), offset=replace(node.offset, buffer=packed.table)
        )

    found: Stmt = rewrite(tile, rule)
    return found


@dataclass(frozen=True, slots=True)
class Test:
    """What a test says: ``plain`` comparisons of numbers, ``apart`` of distances in memory, ``ends`` of addresses."""

    plain: tuple[Expr, ...]
    apart: tuple[tuple[Expr, Address, Expr], ...]
    ends: tuple[tuple[Expr, Expr], ...]

    @classmethod
    def of(cls, value: Expr, tensor: str) -> Test:
        plain, apart, ends = [], [], []
        while isinstance(value, Select) and value.no == const(0):
            match value.condition:
                case Compare("==", Select(Compare("==", size, one), wanted, Address(buffer) as far), also) if (
                    one == const(1) and buffer == tensor and alike(wanted, also)
                ):
                    apart.append((size, far, wanted))
                case Compare("<", left, right) if any(isinstance(n, Address) for n in walk(left)):
                    ends.append((left, right))
                case test if not any(isinstance(n, Address) for n in walk(test)):
                    plain.append(test)
                case _:
                    raise UnclearError("a test of how elements lie asks something else")
            value = value.yes
        if value != const(1):
            raise UnclearError("a test of how elements lie is not made of conditions that hold together")
        return cls(tuple(plain), tuple(apart), tuple(ends))

    def pitches(self, radices: Sequence[Expr]) -> tuple[int, ...]:
        """The axes along which cells lie as far apart as they do in flat rows, all but the last."""
        if len(self.apart) != len(radices):
            raise UnclearError("nothing says how far elements lie apart")
        found = []
        for k, (_, far, wanted) in enumerate(self.apart):
            inner: Expr = const(1)
            for radix in radices[k:]:
                inner = mul(inner, radix)
            moved = [axis for axis, step in enumerate(far.index) if step != const(0)]
            if not alike(wanted, inner) or len(moved) != 1 or far.index[moved[0]] != const(1):
                raise UnclearError("elements lie apart in another way than packed ones")
            found.append(moved[0])
        return tuple(found)

    def spans(self, last: Expr, radices: Sequence[Expr]) -> bool:
        """Whether ``last`` is the position of the last cell: the sizes that the test speaks of, less one."""
        ends = digits(last, radices)
        return all(alike(end, sub(size, const(1))) for end, (size, _, _) in zip(ends[:-1], self.apart, strict=True))
