"""One solution in vector lanes with a register tile: neighbouring cells, or neighbouring contributions, side by side.

The contiguous loop is cut into blocks of lanes whose position does not depend on the loops inside; what lies outside a
contribution's own bounds is masked. So accumulators stay in registers over the whole reduction and no loop has a
remainder.
Any body and any bounds: which lanes count is computed from the constraints that speak of the contiguous loop.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from symconv.errors import ScheduleError
from symconv.gather.solution import Solution
from symconv.loops.ir import Const, Expr, Load, Nest, Var
from symconv.loops.lanebody import lane_nest
from symconv.loops.nest import Order
from symconv.loops.scalars import integer, scalar
from symconv.loops.schedule import Lanes, RegisterTile
from symconv.loops.tile import Body, Target
from symconv.loops.traverse import rewrite
from symconv.loops.traverse import walk as nodes
from symconv.notation.affine import Affine
from symconv.notation.expr import Index, reads, walk

__all__ = ["lane_nests", "unsuited"]


def lane_nests(
    solution: Solution,
    order: Order,
    lanes: Lanes,
    tile: RegisterTile,
    target: Target,
    positions: frozenset[str],
    border: bool = False,
) -> tuple[Nest, ...]:
    """The nests of one solution in lanes; raises ScheduleError where the accesses do not allow them.

    ``border`` is a piece of few points.
    """
    if reason := unsuited(solution, lanes.loop, target) or _misplaced(solution, order, lanes.loop):
        raise ScheduleError(f"{lanes}: {reason}")
    if untiled := [name for name, _ in tile.factors if name not in order.parallel or _tied(solution, name)]:
        raise ScheduleError(f"{tile}: {untiled[0]} is no parallel loop with a range of its own")
    moving = any(form.coefficient(lanes.loop) for form in solution.target)
    value = scalar(solution.body, {}, positions)
    ordered = tuple(item for item in order.inner if item in solution.steps) == target.along
    nests = []
    # Each tiled loop in whole tiles, then what remains of it one by one.
    for tails in product((False, True), repeat=len(tile.factors)):
        factors = tuple((name, 1 if tail else factor) for (name, factor), tail in zip(tile.factors, tails, strict=True))
        spans = {name: (factor, tail) for (name, factor), tail in zip(tile.factors, tails, strict=True)}
        body = Body(solution, lanes.loop, moving, factors, tile.blocks, target, value, positions, border, ordered)
        nests.append(lane_nest(order, body, spans))
    return tuple(nests)


def unsuited(solution: Solution, loop: str, target: Target) -> str:
    """Why a loop's iterations cannot stand side by side in lanes; nothing where they can."""
    if loop not in (*solution.cells, *solution.steps):
        return f"there is no loop {loop}"
    if target.op == "*":
        return "products are joined one by one"
    if not _suits(solution, loop):
        return f"the accesses that {loop} moves are not neighbours along one axis"
    moving = any(form.coefficient(loop) for form in solution.target)
    if target.start is not None and moving and _mentions(target.start, loop):
        return f"what the sums start with depends on {loop}"
    if target.where is not None and not moving:
        return f"the lanes of {loop} are taps of one cell, whose first extreme is wanted"
    return "" if _finishable(target, loop) else f"what is made of the sums depends on {loop} by more than reads"


def _misplaced(solution: Solution, order: Order, loop: str) -> str:
    """Why an order has no place for lanes at a loop."""
    if loop not in order.inner:
        return f"{loop} is a parallel loop"
    moving = any(form.coefficient(loop) for form in solution.target)
    behind = order.inner[order.inner.index(loop) + 1 :]
    if moving and any(item not in solution.steps for item in behind):
        return f"loops inside {loop} choose the cell"
    return f"{loop} is not the innermost loop" if behind and not moving else ""


def _finishable(target: Target, contiguous: str) -> bool:
    """Whether an epilogue takes the lanes' own place from nothing but the reads that move with them."""
    moved = {read for read in target.beside if _depends(read.index, contiguous)}
    lines = {Load(read.tensor, tuple(integer(form) for form in read.index)) for read in moved}
    once = all(sum(form.coefficient(contiguous) != 0 for form in read.index) == 1 for read in moved)
    rest = rewrite(target.finish, lambda node: Const(Fraction(0)) if node in lines else node)
    return once and not _mentions(rest, contiguous)


def _mentions(expr: Expr, name: str) -> bool:
    return any(isinstance(node, Var) and node.name == name for node in nodes(expr))


def _suits(solution: Solution, contiguous: str) -> bool:
    accesses = [solution.target, *(read.index for read in reads(solution.body))]
    outside = any(form.coefficient(contiguous) for form in solution.target[:-1])
    twice = any(sum(form.coefficient(contiguous) != 0 for form in index) > 1 for index in accesses)
    counted = any(isinstance(n, Index) and n.form.coefficient(contiguous) for n in walk(solution.body))
    steered = {name for form in solution.target for name in form.names()} & set(solution.steps)
    plain = any(index and abs(index[-1].coefficient(contiguous)) == 1 for index in accesses)
    return solution.owned and plain and not (outside or twice or counted or steered)


def _tied(solution: Solution, name: str) -> bool:
    """Whether a bound of a loop speaks of other loops, too."""
    loops = {*solution.cells, *solution.steps}
    return any(len(b.form.names() & loops) > 1 for b in solution.bounds if b.form.coefficient(name))


def _depends(index: tuple[Affine, ...], name: str) -> bool:
    return any(form.coefficient(name) for form in index)
