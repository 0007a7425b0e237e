"""Stencils whose lanes are contributions, as the sums that they stand for: one over boxes, rows and positions.

Such a kernel deals boxes to chunks and keeps a vector of sums for each chunk, group, row and tap. What it adds is
added in another order and in other parts than here, and in nothing else, for each of these is shown:

* Chunks partition the boxes (``relation.lemmas.CHUNKS``), start from nothing, and are added up by the last nest. So one
  chunk of all boxes serves for any number of them.
* Blocks of groups partition the groups (``STRIPS``), and each group has sums of its own: groups stand outside of boxes.
* Lanes of a sum are added up, so that a block of lanes gives what its positions give (``contributions``).
* A position in a row of sums is the number that its taps make (``ROWS``); spare sums are read by nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    Binary,
    Declare,
    Expr,
    For,
    If,
    Kernel,
    Let,
    LoadLanes,
    Nest,
    ReduceLanes,
    Stmt,
    Store,
    StoreLanes,
    Var,
)
from symconv.loops.traverse import expressions, substitute, walk
from symconv.relation.lemmas import CHUNKS, ROWS, STRIPS, prove
from symconv.relation.points import UnclearError
from symconv.validate.combining import Combined
from symconv.validate.contributions import NOTHING, each_contribution
from symconv.validate.polynomial import alike, uses

__all__ = ["in_steps"]


def in_steps(kernel: Kernel) -> Kernel | None:
    """A kernel of sums over chunks of boxes, with one chunk and vectors of one lane; None where it is another.

    Raises UnclearError where something looks like such a kernel and is not as it should be.
    """
    match [nest.body for nest in kernel.nests]:
        case [(*header, For() as cleared, For() as boxes, For() as folded), _] if len(header) == 5:
            names = _buffers(folded)
        case _:
            return None
    if names is None:
        return None
    for lemma in (CHUNKS, STRIPS, ROWS):
        prove(lemma)
    it = _Steps(kernel, *names, Combined.of(kernel, *names))
    it.dealt(kernel.nests[0], header)
    it.started(cleared)
    it.stored(folded)
    return it.plain(boxes)


def _buffers(folded: For) -> tuple[str, str] | None:
    """The buffer of sums in lanes, and that which they are added up into."""
    for node in walk(folded):
        match node:
            case Store(parts, _, ReduceLanes("+", LoadLanes(sums))):
                return sums, parts
    return None


@dataclass(frozen=True, slots=True)
class _Steps:
    """Such a kernel, its buffers of sums, and how its last nest adds them up."""

    kernel: Kernel
    sums: str
    parts: str
    found: Combined

    def dealt(self, nest: Nest, header: Sequence[Stmt]) -> None:
        """Every turn of the nest has a chunk and a block of groups, each pair once."""
        groups, step = self.found.groups, self.found.block
        blocks = Binary("//", sub(add(groups, step), const(1)), step)
        z, chunk, left, block, begin = map(Var, (nest.var, *map(_name, header[:4])))
        wanted = (
            Let(chunk.name, Binary("//", z, blocks)),
            Let(left.name, sub(z, mul(chunk, blocks))),
            Let(block.name, left),
            Let(begin.name, mul(step, block)),
            Let(_name(header[4]), Binary("min", step, sub(groups, begin))),
        )
        if not alike(nest.extent, mul(self.found.chunks, blocks)) or not all(map(alike, header, wanted)):
            raise UnclearError("boxes and groups are dealt in another way than by chunks and blocks")

    def started(self, cleared: For) -> None:
        """All sums of a block of groups start from nothing."""
        group, rank, cell = _loops(cleared, 3)
        place = (Var(group.var), Var(rank.var), Var(cell.var), const(0))
        self._ranges(group, rank)
        zero = (StoreLanes(self.sums, place, 1, "", "=", NOTHING),)
        if not _range(cell, self.found.cells) or cell.body != zero:
            raise UnclearError(f"{self.sums} does not start from nothing")

    def stored(self, folded: For) -> None:
        """The lanes of every sum are added up, each to its place."""
        header = self.kernel.nests[0].body
        chunk, begin = Var(_name(header[0])), Var(_name(header[3]))
        group, rank, some = _loops(folded, 3)
        self._ranges(group, rank)
        count = len(some.body)
        for k, store in enumerate(some.body):
            cell = add(mul(const(count), Var(some.var)), const(k))
            lanes = ReduceLanes("+", LoadLanes(self.sums, (Var(group.var), Var(rank.var), cell, const(0)), 1, ""))
            place = (add(begin, Var(group.var)), Var(rank.var), chunk, cell)
            if not alike(store, Store(self.parts, place, lanes)):
                raise UnclearError(f"{self.parts} does not get its sums, each at its place")
        if not _range(some, some.upper) or not alike(mul(const(count), some.upper), self.found.cells):
            raise UnclearError(f"{self.parts} does not get every sum")

    def _ranges(self, group: For, rank: For) -> None:
        if not _range(group, Var(_name(self.kernel.nests[0].body[4]))) or not _range(rank, self.found.rows):
            raise UnclearError("sums of some groups or rows are left out")

    def plain(self, boxes: For) -> Kernel:
        """The kernel with one chunk, whose groups stand outside of its boxes."""
        nest = self.kernel.nests[0]
        header = [_name(one) for one in nest.body[:5]]
        total = self._boxes(boxes, header[0])
        *given, groups = boxes.body
        match groups:
            case For(_, _, _, (Let(whole, number), *of_group, For() as ranks)) if alike(
                number, add(Var(header[3]), Var(groups.var))
            ):
                self._ranges(groups, ranks)
            case _:
                raise UnclearError("a box is not taken group by group and row by row")
        if not all(isinstance(one, Let) for one in (*given, *of_group)):
            raise UnclearError("a box has something else than its groups")
        gone = [nest.var, *header, groups.var]
        _once(
            list(dict.fromkeys((*gone, boxes.var))) + [n for n in _spine(boxes.body) if n != groups.var],
            (*nest.body[:5], boxes),
        )
        lets = tuple(takewhile(lambda one: isinstance(one, Let), ranks.body))
        inner = self._columns(ranks.body[len(lets) :], (groups.var, ranks.var, whole), ())
        box = For(boxes.var, const(0), total, (*given, *inner))
        row = For(ranks.var, const(0), self.found.rows, (*lets, self._cleared(whole, ranks.var), box))
        if any(uses(one, set(gone)) for one in (*of_group, row)):
            raise UnclearError("numbers of boxes and groups are used in another way")
        body = tuple(substitute(one, {whole: Var(nest.var)}) for one in (*of_group, row))
        return self.found.once(self.kernel, replace(nest, extent=self.found.groups, body=body))

    def _boxes(self, boxes: For, chunk: str) -> Expr:
        """How many boxes there are; raises UnclearError unless a chunk has its part of them."""
        chunks = self.found.chunks
        match boxes.upper:
            case Binary("//", Binary("*", _, total), by) if by == chunks:
                ends = [Binary("//", mul(number, total), chunks) for number in (Var(chunk), add(Var(chunk), const(1)))]
            case _:
                raise UnclearError("boxes are in no chunks")
        if (
            boxes.step != 1
            or uses(total, {chunk})
            or not alike(boxes.lower, ends[0])
            or not alike(boxes.upper, ends[1])
        ):
            raise UnclearError("chunks are not all boxes, each once")
        if not self.found.counted(self.kernel, total):
            raise UnclearError("nothing says that there are not fewer boxes than none")
        return total

    def _cleared(self, whole: str, rank: str) -> Stmt:
        taps = self.found.taps
        body: Stmt = Store(self.parts, (Var(whole), Var(rank), const(0), *map(Var, taps)), NOTHING.value)
        for name, length in zip(reversed(taps), reversed(self.found.lengths), strict=True):
            body = For(name, const(0), length, (body,))
        return body

    def _columns(self, body: Sequence[Stmt], at: tuple[str, str, str], around: tuple[For, ...]) -> tuple[Stmt, ...]:
        """The loops over taps that are no sums of their own, and the planes inside, with the sums at their places."""
        match body:
            case [For(_, _, _, inner, 1) as loop]:
                return (replace(loop, body=self._columns(inner, at, (*around, loop))),)
            case [If(_, (_, *_) as inner) as test]:
                return (replace(test, body=self._columns(tuple(inner), at, around)),)
        group, rank, whole = at
        summed = each_contribution(self.kernel, body, self.sums)
        stores = []
        for place, name in summed.sums:
            if place[:2] != (Var(group), Var(rank)) or len(place) != 3:
                raise UnclearError(f"{self.sums} gets sums of another group or row")
            cell = (Var(whole), Var(rank), const(0), *self.found.digits(place[2], around))
            stores.append(StoreLanes(self.parts, cell, 1, "", "+", Var(name)))
        return (*summed.body, *stores)


def _range(loop: For, count: Expr) -> bool:
    return loop.lower == const(0) and loop.step == 1 and alike(loop.upper, count)


def _loops(loop: For, count: int) -> tuple[For, ...]:
    """Loops that hold nothing but each other, from the outside."""
    found = [loop]
    while len(found) < count:
        match found[-1].body:
            case (For() as inner,):
                found.append(inner)
            case _:
                raise UnclearError("sums are in other loops than over groups, rows and taps")
    return tuple(found)


def _name(statement: Stmt) -> str:
    return statement.name if isinstance(statement, Let) else ""


def _given(body: Sequence[Stmt]) -> list[str]:
    """The names of all integers that a block gives, inside of its loops too."""
    nodes = expressions(tuple(body))
    return [n.var if isinstance(n, For) else n.name for n in nodes if isinstance(n, For | Let)]


def _spine(body: Sequence[Stmt]) -> list[str]:
    """The names that are given on the way to the planes."""
    if not body or any(isinstance(one, Declare) for one in body):
        return []
    last = body[-1]
    inside = _spine(last.body) if isinstance(last, For | If) else []
    return [*(_name(one) for one in body[:-1]), *([last.var] if isinstance(last, For) else []), *inside]


def _once(names: Sequence[str], body: Sequence[Stmt]) -> None:
    """Raises UnclearError where one of the names may mean two things."""
    given = _given(body)
    if len(set(names)) != len(names) or any(given.count(name) > 1 for name in names):
        raise UnclearError("a number of boxes or groups is given again while it is still meant")
