"""One solution in vector lanes with a register tile: neighbouring cells, or neighbouring contributions, side by side.

The contiguous loop is cut into blocks of lanes whose position does not depend on the loops inside; what lies outside a
contribution's own bounds is masked. So accumulators stay in registers over the whole reduction and no loop has a
remainder.
Any body and any bounds: which lanes count is computed from the constraints that speak of the contiguous loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from symconv.gather.solution import Solution
from symconv.loops.ir import Const, Expr, Load, Nest, Var
from symconv.loops.lanebody import lane_nest
from symconv.loops.nest import Order
from symconv.loops.order import choose_order, extent_of, trips
from symconv.loops.scalars import integer, scalar
from symconv.loops.tile import Body, Target
from symconv.loops.traverse import rewrite
from symconv.loops.traverse import walk as nodes
from symconv.notation.affine import Affine
from symconv.notation.expr import Constraint, Index, reads, walk

__all__ = ["lane_nests"]

_REGISTERS, _MOST, _VECTOR_BYTES = 16, 8, 64


@dataclass(frozen=True, slots=True)
class _Tile:
    """Copies of the body: so many blocks of lanes, times a factor of each tiled loop."""

    factors: tuple[tuple[str, int], ...]
    blocks: int


def lane_nests(
    solution: Solution,
    target: Target,
    positions: frozenset[str],
    sizes: Mapping[str, int] | None,
    itemsize: int,
    border: bool = False,
) -> tuple[Nest, ...] | None:
    """The nests in lanes, or None where the accesses have no contiguous loop; ``border`` is a piece of few points."""
    chosen = choose_order(solution, sizes)
    contiguous = chosen.inner[-1] if chosen.inner else None
    if not isinstance(contiguous, str) or not _suits(solution, contiguous, positions, sizes):
        return None
    moving = any(form.coefficient(contiguous) for form in solution.target)
    if target.start is not None and moving and _mentions(target.start, contiguous):
        return None
    if (target.where is not None and not moving) or not _finishable(target, contiguous):
        return None
    order = _ordered(solution, chosen, contiguous, moving)
    tile = _tile(solution, order, contiguous, sizes, _VECTOR_BYTES // itemsize)
    value = scalar(solution.body, {}, positions)
    nests = []
    # Each tiled loop in whole tiles, then what remains of it one by one.
    for tails in product((False, True), repeat=len(tile.factors)):
        factors = tuple((name, 1 if tail else factor) for (name, factor), tail in zip(tile.factors, tails, strict=True))
        spans = {name: (factor, tail) for (name, factor), tail in zip(tile.factors, tails, strict=True)}
        body = Body(solution, contiguous, moving, factors, tile.blocks, target, value, positions, border)
        nests.append(lane_nest(order, body, spans))
    return tuple(nests)


def _finishable(target: Target, contiguous: str) -> bool:
    """Whether an epilogue takes the lanes' own place from nothing but the reads that move with them."""
    moved = {read for read in target.beside if _depends(read.index, contiguous)}
    lines = {Load(read.tensor, tuple(integer(form) for form in read.index)) for read in moved}
    once = all(sum(form.coefficient(contiguous) != 0 for form in read.index) == 1 for read in moved)
    rest = rewrite(target.finish, lambda node: Const(Fraction(0)) if node in lines else node)
    return once and not _mentions(rest, contiguous)


def _mentions(expr: Expr, name: str) -> bool:
    return any(isinstance(node, Var) and node.name == name for node in nodes(expr))


def _suits(solution: Solution, contiguous: str, positions: frozenset[str], sizes: Mapping[str, int] | None) -> bool:
    accesses = [solution.target, *(read.index for read in reads(solution.body))]
    outside = any(form.coefficient(contiguous) for form in solution.target[:-1])
    twice = any(sum(form.coefficient(contiguous) != 0 for form in index) > 1 for index in accesses)
    counted = any(isinstance(n, Index) and n.form.coefficient(contiguous) for n in walk(solution.body))
    steered = {name for form in solution.target for name in form.names()} & set(solution.steps)
    plain = any(index and abs(index[-1].coefficient(contiguous)) == 1 for index in accesses)
    few = sizes is not None and trips(solution, contiguous, sizes) < 2
    return solution.owned and plain and not (outside or twice or counted or steered or few)


def _ordered(solution: Solution, chosen: Order, contiguous: str, moving: bool) -> Order:
    """Cells outside, then (where it moves the cell) the contiguous loop, then steps, those that bound others first."""
    phases = tuple(item for item in chosen.inner if not isinstance(item, str))
    cells = tuple(n for n in solution.cells if n not in chosen.parallel and n != contiguous)
    tied = {n for bound in solution.bounds for n in bound.form.names() if _loops(solution, bound) > 1}
    steps = sorted((n for n in solution.steps if n != contiguous), key=lambda n: (n not in tied) == moving)
    inner = (contiguous, *steps) if moving else (*steps, contiguous)
    return Order(chosen.parallel, (*phases, *cells, *inner))


def _loops(solution: Solution, bound: Constraint) -> int:
    return len(bound.form.names() & {*solution.cells, *solution.steps})


def _tile(solution: Solution, order: Order, contiguous: str, sizes: Mapping[str, int] | None, lanes: int) -> _Tile:
    """Which independent cells share vector loads, and how many fit the registers."""
    wide = [read.index for read in reads(solution.body) if _depends(read.index, contiguous)]
    free = [
        name
        for name in order.parallel
        if all(_loops(solution, bound) == 1 for bound in solution.bounds if bound.form.coefficient(name))
        and any(not _depends(index, name) for index in wide)
        and not any(form.coefficient(name) for form in solution.target[-1:])
    ]
    moving = contiguous in solution.cells
    names = [n for n in free if sizes is None or trips(solution, n, sizes) > 1][: 1 if moving or sizes is None else 2]
    blocks = 1
    if sizes is not None:
        blocks = max(1, min(4, -(-trips(solution, contiguous, sizes) // lanes)))
    room = _REGISTERS // (blocks if moving or not names else 1)
    each = min(_MOST, room) if len(names) < 2 else 4
    if sizes is None:
        each = min(each, 4)
    factors = tuple((name, _factor(extent_of(solution, name), each, sizes)) for name in names)
    return _Tile(tuple((n, f) for n, f in factors if f > 1), blocks if moving or not names else 1)


def _depends(index: tuple[Affine, ...], name: str) -> bool:
    return any(form.coefficient(name) for form in index)


def _factor(extent: Affine | None, most: int, sizes: Mapping[str, int] | None) -> int:
    """The largest factor up to ``most``, one that divides a known extent where there is one of at least half."""
    if extent is None or sizes is None:
        return most
    length = extent.evaluate(sizes)
    divisors = [f for f in range(most, most // 2, -1) if length % f == 0]
    return divisors[0] if divisors else min(most, length)
