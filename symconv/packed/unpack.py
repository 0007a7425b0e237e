"""Sums out of their flat rows into the target, residue classes interleaved, with what the statement does to a sum."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from symconv.loops.arith import add, const, largest, mul, smallest, sub
from symconv.loops.ir import (
    LANES,
    Compare,
    Declare,
    Expr,
    For,
    If,
    Lanes,
    Let,
    Load,
    LoadLanes,
    Scalar,
    Select,
    Splat,
    Stmt,
    StoreLanes,
    StoreZip,
    Var,
    Zip,
)
from symconv.loops.scalars import integer, scalar
from symconv.loops.traverse import rewrite, substitute, walk
from symconv.notation.affine import Affine
from symconv.packed.copying import Source, full_blocks, span, zeroed
from symconv.packed.frame import Strip, quotient
from symconv.packed.loops import phases_of, settled, taps_of
from symconv.packed.runs import STREAMED, in_runs, one_row, streamed

if TYPE_CHECKING:
    from symconv.gather.solution import Phase
    from symconv.packed.contraction import Contraction
    from symconv.packed.outer import Outer

__all__ = ["around", "finished", "leaves_out", "target_sources", "unpacked"]


def target_sources(it: Outer) -> dict[str, Source]:
    """Where in the target each flat loop's cells of the box lie, in the phase at hand."""
    found = it.found
    sizes = [size for axis in found.statement.target.axes for size in axis]
    result = {}
    for form, length in zip(found.solution.target, sizes, strict=True):
        for strip in it.space.strips:
            factor = form.coefficient(strip.loop)
            if factor:
                rest = form - factor * Affine(((strip.loop, 1),))
                result[strip.loop] = Source(strip.start, factor, integer(rest), integer(length))
    return result


def unpacked(it: Outer) -> tuple[Stmt, ...]:
    """Store every sum of the box."""
    found, lane = it.found, it.space.lane
    phase = found.phase(lane.loop)
    inner = _row(it) if phase is None else _zipped(it, phase)
    sources = target_sources(it)
    for strip in reversed(it.space.strips[:-1]):
        inner = _along(it, strip, sources[strip.loop], inner)
        match inner:
            case (For() as rows,) if strip is it.space.strips[-2] and in_runs(it):
                inner = one_row(it, rows, partial(_block, it))
    cell = tuple(Let(name, Var("row_")) for name in found.rows)
    return (For("row_", const(0), Var("M_"), (*cell, *inner)),)


def _along(it: Outer, strip: Strip, source: Source, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """Rows of the target along an outer loop, in the order of memory."""
    lower = largest([const(0), source.lower])
    upper = smallest([strip.size, source.upper])
    phase = it.found.phase(strip.loop)
    counter = f"{strip.loop}_at_"
    here = Let(strip.loop, add(strip.start, Var(counter)))
    if phase is None:
        return (For(counter, lower, upper, (here, *body)),)
    ends = const(phase.start), const(phase.start + phase.modulus)
    inside = Compare(">=", source.at(Var(counter)), const(0)), Compare("<", source.at(Var(counter)), source.length)
    stored: tuple[Stmt, ...] = body
    if leaves_out(it) == phase:
        taps = taps_of(it.found, phase)
        reached = If(Compare(">", taps, const(0)), body)
        stored = (*settled(phase), reached, If(Compare("==", taps, const(0)), _nothing(it)))
    guarded = (If(inside[0], (If(inside[1], (here, *stored)),)),)
    return (For(counter, const(0), strip.size, (For(phase.residue, *ends, guarded),)),)


def leaves_out(it: Outer) -> Phase | None:
    """The residue classes of whole rows of the target, where those that no tap reaches are zeros without sums."""
    plain = len(it.space.strips) > 1 and it.found.statement.expr == it.found.reduce
    return it.found.phase(it.space.strips[-2].loop) if plain else None


def _nothing(it: Outer) -> tuple[Stmt, ...]:
    """Zeros in a row of the box."""
    lane, source = it.space.lane, target_sources(it)[it.space.lane.loop]
    phase = it.found.phase(lane.loop)
    cell = tuple(integer(form) for form in it.found.solution.target[:-1])
    first = source.shift if phase is None else substitute(source.shift, {phase.residue: const(phase.start)})
    start = add(mul(const(source.factor), source.start), first)
    end = add(start, mul(const(source.factor), lane.size))
    lower, upper = largest([const(0), start]), smallest([end, source.length])
    return zeroed(it.target, cell, lower, upper)


def _sum(it: Outer, k: Expr, phase: Expr) -> tuple[Expr, ...]:
    coordinates = [Var(f"{strip.loop}_at_") for strip in it.space.strips[:-1]]
    return (Var("row_"), phase, it.space.row(coordinates), k)


def _phase_number(it: Outer, fixed: dict[str, int]) -> Expr:
    number: Expr = const(0)
    for phase in phases_of(it.found):
        residue: Expr = const(fixed[phase.residue]) if phase.residue in fixed else Var(phase.residue)
        number = add(mul(number, const(phase.modulus)), sub(residue, const(phase.start)))
    return number


def _index(it: Outer, k: Expr, fixed: dict[str, int]) -> tuple[Expr, ...]:
    values: dict[str, Expr] = {name: const(value) for name, value in fixed.items()}
    values[it.space.lane.loop] = add(it.space.lane.start, k)
    return tuple(substitute(integer(form), values) for form in it.found.solution.target)


def _row(it: Outer) -> tuple[Stmt, ...]:
    """One row without residue classes."""
    source = target_sources(it)[it.space.lane.loop]
    lower, upper = Var("lower_"), Var("upper_")
    return (
        Let(lower.name, largest([const(0), source.lower])),
        Let(upper.name, smallest([it.space.lane.size, source.upper])),
        streamed(lower, upper),
        *span(lower, upper, partial(_block, it)),
    )


def _block(it: Outer, k: Expr, mask: str) -> StoreLanes:
    """One block of a row: sums from the place ``k`` of it on."""
    total = LoadLanes("sums_", _sum(it, k, _phase_number(it, {})), 1, mask)
    past = None if mask else Var(STREAMED)
    return StoreLanes(it.target, _index(it, k, {}), 1, mask, "=", _finished(it, total, k, {}), past)


def _zipped(it: Outer, phase: Phase) -> tuple[Stmt, ...]:
    """One row whose residue classes are woven into a line, which is copied as far as it lies in the target."""
    source = target_sources(it)[it.space.lane.loop]
    modulus, residue = phase.modulus, phase.residue
    base = substitute(source.shift, {residue: const(phase.start)})
    start = add(mul(const(modulus), source.start), base)
    line, at = "line_", mul(Var(LANES), Var("chunk_"))

    def sums(r: int) -> Expr:
        return LoadLanes("sums_", _sum(it, at, _phase_number(it, {residue: phase.start + r})), 1, "")

    weave = StoreZip(line, (mul(const(modulus), at),), tuple(sums(r) for r in range(modulus)))
    blocks = quotient(sub(add(it.space.lane.size, Var(LANES)), const(1)), Var(LANES))

    def block(k: Expr, mask: str) -> Stmt:
        forms = it.found.solution.target
        cell = tuple(integer(form) for form in forms[:-1])
        total = LoadLanes(line, (k,), 1, mask)
        index = (*cell, add(start, k))
        return StoreLanes(it.target, index, 1, mask, "=", woven(it.found, total, index))

    length = mul(const(modulus), it.space.lane.size)
    upper = smallest([length, sub(source.length, start)])
    through: tuple[Stmt, ...] = (
        For("chunk_", const(0), blocks, (weave,)),
        *span(Var("lower_"), Var("upper_"), block),
    )
    if modulus in (2, 4):
        # What fits one vector stays in registers: a line would be read before its parts are stored as one.
        fits = Compare("<=", length, Var(LANES))
        through = (If(fits, _one_vector(it, start, modulus)), If(Compare(">", fits.left, fits.right), through))
    through = (Let("lower_", largest([const(0), sub(const(0), start)])), Let("upper_", upper), *through)
    if it.found.statement.expr != it.found.reduce or modulus not in (2, 4):
        return through
    # Where a class fills a vector and all of them end with the row, they are woven into the target itself.
    size = it.space.lane.size
    whole = Select(Compare(">=", upper, length), size, const(0))
    inside = Select(Compare(">=", start, const(0)), whole, const(0))

    def woven_block(k: Expr, mask: str) -> Stmt:
        lanes = tuple(
            LoadLanes("sums_", _sum(it, k, _phase_number(it, {residue: phase.start + r})), 1, mask)
            for r in range(modulus)
        )
        cell = tuple(integer(form) for form in it.found.solution.target[:-1])
        return StoreZip(it.target, (*cell, add(start, mul(const(modulus), k))), lanes)

    return (
        Let("whole_", inside),
        If(Compare(">=", Var("whole_"), Var(LANES)), full_blocks(const(0), Var("whole_"), woven_block)),
        If(Compare("<", Var("whole_"), Var(LANES)), through),
    )


def _one_vector(it: Outer, start: Expr, modulus: int) -> tuple[Stmt, ...]:
    """A short row whose residue classes are woven into one vector, stored as far as it lies in the target."""
    phase = it.found.phase(it.space.lane.loop)
    assert phase is not None
    numbers = (_phase_number(it, {phase.residue: phase.start + r}) for r in range(modulus))
    total = Zip(tuple(LoadLanes("sums_", _sum(it, const(0), number), 1, "") for number in numbers), 0)
    index = (*(integer(form) for form in it.found.solution.target[:-1]), start)
    value = woven(it.found, total, index, "few_")
    few = Declare("few_", Lanes(Var("lower_"), Var("upper_")), Scalar("mask"))
    return few, StoreLanes(it.target, index, 1, few.name, "=", value)


def woven(found: Contraction, total: Expr, index: tuple[Expr, ...], mask: str | None = None) -> Expr:
    """The statement's expression around a line of sums, for the cells from ``index`` on."""
    return around(found, total, dict(zip(found.statement.indices, index, strict=True)), 1, mask)


def _finished(it: Outer, total: Expr, k: Expr, fixed: dict[str, int]) -> Expr:
    """The statement's expression around its sum, in as many lanes as the sum has."""
    values: dict[str, Expr] = {name: const(value) for name, value in fixed.items()}
    values[it.space.lane.loop] = add(it.space.lane.start, k)
    return finished(it.found, total, it.space.lane.loop, values)


def finished(found: Contraction, total: Expr, lane: str, values: dict[str, Expr], mask: str | None = None) -> Expr:
    """The statement's expression around a sum for the cell that ``values`` of the loops choose.

    In as many lanes as ``total`` has, along the loop ``lane``; ``mask`` says which of them count.
    """
    cells = dict(zip(found.statement.indices, found.solution.target, strict=True))
    named = {name: substitute(integer(form), values) for name, form in cells.items()}
    return around(found, total, named, found.solution.target[-1].coefficient(lane), mask)


def around(found: Contraction, total: Expr, named: dict[str, Expr], stride: int, mask: str | None = None) -> Expr:
    """The statement's expression around a sum, in as many lanes as it has; ``named`` are the cell's coordinates."""
    expr = scalar(found.statement.expr, {found.reduce: Var("total_")}, frozenset())
    last = found.statement.indices[-1]
    mask = total.mask if isinstance(total, LoadLanes) else mask

    def rule(node: object) -> object:
        match node:
            case Var("total_"):
                return total
            case Load(tensor, index) if mask is not None:
                moved = tuple(substitute(form, named) for form in index)
                if any(_speaks(form, last) for form in index):
                    return LoadLanes(tensor, moved, stride, mask)
                return Splat(Load(tensor, moved))
            case Load(tensor, index):
                return Load(tensor, tuple(substitute(form, named) for form in index))
        return node

    result: Expr = rewrite(expr, rule)
    return result


def _speaks(expr: Expr, name: str) -> bool:
    return any(isinstance(node, Var) and node.name == name for node in walk(expr))
