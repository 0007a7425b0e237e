"""Copies that exchange axes: squares of vectors are turned in registers, so that both sides pass by whole lines.

Element by element, one of the sides takes a line of memory for each element; where lines lie a power of two apart, they
fall into one set of the nearest cache and are fetched again for every element.
"""

from __future__ import annotations

from symconv.gather.solution import Gather, Solved
from symconv.loops.arith import add, const, largest, mul, sub, total
from symconv.loops.candidate import Candidate
from symconv.loops.ir import Compare, Expr, If, Kernel, Load, Nest, StoreTurned, Var
from symconv.loops.scalars import integer
from symconv.loops.schedule import Schedule
from symconv.loops.sizes import runtime_sizes
from symconv.loops.traverse import substitute
from symconv.notation.expr import Read, Reduce
from symconv.notation.operator import Statement
from symconv.packed.candidates import buffer_of
from symconv.packed.frame import quotient
from symconv.packed.loops import decoded
from symconv.packed.naming import OWN

__all__ = ["exchanged"]

_WIDTH = 64
"""Neighbours that are read side by side, a row of the target each: of 16, 64, 256 and 1024 the fastest on five of ten
shapes in one run of the same loops in C (AVX-512); 16 was on three."""


def exchanged(gather: Gather, name: str) -> Candidate | None:
    """The kernel of a copy whose last axis is another one in what it reads, None for every other form."""
    if (copy := _copy(gather)) is None or (row := _row(gather, *copy)) is None:
        return None
    indices, read = copy
    op, target = gather.operator, gather.statements[-1].statement.target
    sizes = dict(zip(indices, map(integer, target.sizes), strict=True))
    *outer, last = indices
    parts = largest([const(1), quotient(sizes[row], const(_WIDTH))])
    digits = tuple("chunk_" if one == row else one for one in outer)
    counts = tuple(parts if one == row else sizes[one] for one in outer)
    first = mul(const(_WIDTH), Var("chunk_"))
    start: dict[str, Expr] = {row: first, last: const(0)}
    load = Load(read.tensor, tuple(substitute(integer(form), start) for form in read.index))
    along = next(k for k, form in enumerate(read.index) if form.coefficient(last))
    place = tuple(start.get(one, Var(one)) for one in indices)

    def turned(many: Expr) -> tuple[StoreTurned]:
        return (StoreTurned(target.name, place, outer.index(row), load, along, many, sizes[last]),)

    # The last part takes what is left: less than a vector of it would be copied one by one.
    following = add(Var("chunk_"), const(1))
    body = (
        *decoded(digits, counts, "z_"),
        If(Compare("<", following, parts), turned(const(_WIDTH))),
        If(Compare(">=", following, parts), turned(sub(sizes[row], first))),
    )
    nest = Nest("z_", total(counts), body, f"{name}: {row} and {last} exchanged in squares of vectors")
    known, checks = runtime_sizes(op)
    buffers = (*(buffer_of(tensor, "in") for tensor in op.inputs), buffer_of(target, "out"))
    return Candidate(gather, Schedule("turned", ()), Kernel(name, buffers, known, checks, (nest,)))


def _copy(gather: Gather) -> tuple[tuple[str, ...], Read] | None:
    """The indices of the target, each as it stands, and what is read for them; None where more is done, or less."""
    match gather.statements:
        case (Solved(Statement(_, indices, Read() as read), ()),):
            return indices, read
        case (Solved(Statement(_, _, Reduce("sum") as node), ((summed, (solution,)),)),):
            body, found = solution.body, tuple(form.name for form in solution.target)
            single = node == summed and not solution.steps and not solution.phases and solution.owned
            whole = found == solution.cells and {*solution.bounds} <= {*solution.ranges}
            return (solution.cells, body) if single and whole and isinstance(body, Read) else None
    return None


def _row(gather: Gather, indices: tuple[str, ...], read: Read) -> str | None:
    """The index along which what is read lies side by side, where that and the last one change places."""
    op, target = gather.operator, gather.statements[-1].statement.target
    names = {*indices, *(n for size in target.sizes for n in size.names())}
    if names & OWN or read.border is not None or not read.index or len(indices) < 2:
        return None
    *outer, last = indices
    (row,) = moving if len(moving := read.index[-1].names() & {*indices}) == 1 else ("",)
    steps = [[form.coefficient(one) for form in read.index if form.coefficient(one)] for one in (row, last)]
    real = {tensor.dtype for tensor in (*op.inputs, target)} == {"real"}
    return row if real and row in outer and steps == [[1], [1]] else None
