"""What is usually fast: an order for a solution's loops, a loop for lanes, a register tile.

The choices read nothing but the access functions and the extents; they know no operator. They are data for lowering
(:mod:`symconv.loops.schedule`), and nothing depends on them but speed.
"""

from __future__ import annotations

from collections.abc import Mapping

from symconv.gather.solution import Solution
from symconv.loops.nest import Order
from symconv.loops.order import independent
from symconv.loops.schedule import RegisterTile
from symconv.notation.affine import Affine, quotient
from symconv.notation.expr import Constraint, reads

__all__ = ["Sizes", "choose_order", "choose_tile", "default_extent", "lane_order", "trips"]

Sizes = Mapping[str, int] | None

# Where sizes are not known: images and channels of a usual size, 3 taps; rows shorter than a vector count for less.
_USUAL, _WINDOW, _LANES = 32, 3, 16
# Accumulators that fit with the operands beside them, on 16 registers and spilling little; most copies of a loop.
_REGISTERS, _MOST, _VECTOR_BYTES = 16, 8, 64


def choose_order(solution: Solution, sizes: Sizes) -> Order:
    """Parallel cells, then phases, the other cells, the steps, and the best loop to vectorise innermost."""
    loops = (*solution.cells, *solution.steps)
    accesses = [solution.target, *(read.index for read in reads(solution.body))]
    innermost = max(loops, key=lambda name: _score(name, accesses, trips(solution, name, sizes)), default=None)
    parallel = tuple(n for n in solution.cells if n != innermost and independent(n, solution))
    later = [n for n in (*solution.cells, *solution.steps) if n not in parallel and n != innermost]
    return Order(parallel, (*solution.phases, *later, *((innermost,) if innermost else ())))


def _score(name: str, accesses: list[tuple[Affine, ...]], trips: int) -> float:
    total = 0.0
    for index in accesses:
        inside = any(form.coefficient(name) for form in index[:-1])
        last = index[-1].coefficient(name) if index else 0
        total += -4 if inside else 1 if last == 0 else 2 if abs(last) == 1 else 0.5
    return total * min(trips, _LANES) / _LANES if total > 0 else total


def trips(solution: Solution, name: str, sizes: Sizes) -> int:
    """About how often a loop runs: exact where sizes are known, a usual size or a usual window elsewhere."""
    form = extent_of(solution, name)
    if form is None:
        return _USUAL
    return max(1, form.evaluate({n: default_extent(n, sizes) for n in form.names()}))


def extent_of(solution: Solution, name: str) -> Affine | None:
    """How often a loop runs at most, as far as its own bounds say; phase values count as 0."""
    for bound in solution.limits:
        factor = bound.form.coefficient(name)
        if bound.form.names() & {*solution.cells, *solution.steps} == {name} and factor < 0:
            return quotient(bound.form.substitute({name: 0}), -factor) + 1
    return None


def default_extent(name: str, sizes: Sizes) -> int:
    """The value of a size where it is known, a typical one elsewhere; phase values count as 0."""
    if sizes is not None and name in sizes:
        return sizes[name]
    return 0 if not name[0].isupper() else _WINDOW if name.startswith("K") else _USUAL


def lane_order(solution: Solution, chosen: Order, contiguous: str) -> Order:
    """Cells outside, then (where it moves the cell) the contiguous loop, then steps, those that bound others first."""
    moving = any(form.coefficient(contiguous) for form in solution.target)
    phases = tuple(item for item in chosen.inner if not isinstance(item, str))
    cells = tuple(n for n in solution.cells if n not in chosen.parallel and n != contiguous)
    tied = {n for bound in solution.bounds for n in bound.form.names() if _loops(solution, bound) > 1}
    steps = sorted((n for n in solution.steps if n != contiguous), key=lambda n: (n not in tied) == moving)
    inner = (contiguous, *steps) if moving else (*steps, contiguous)
    return Order(chosen.parallel, (*phases, *cells, *inner))


def _loops(solution: Solution, bound: Constraint) -> int:
    return len(bound.form.names() & {*solution.cells, *solution.steps})


def choose_tile(
    nest: str, solution: Solution, order: Order, contiguous: str, sizes: Sizes, itemsize: int
) -> RegisterTile:
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
        blocks = max(1, min(4, -(-trips(solution, contiguous, sizes) // (_VECTOR_BYTES // itemsize))))
    room = _REGISTERS // (blocks if moving or not names else 1)
    each = min(_MOST, room) if len(names) < 2 else 4
    if sizes is None:
        each = min(each, 4)
    factors = tuple((name, _factor(extent_of(solution, name), each, sizes)) for name in names)
    return RegisterTile(nest, tuple((n, f) for n, f in factors if f > 1), blocks if moving or not names else 1)


def _depends(index: tuple[Affine, ...], name: str) -> bool:
    return any(form.coefficient(name) for form in index)


def _factor(extent: Affine | None, most: int, sizes: Sizes) -> int:
    """The largest factor up to ``most``, one that divides a known extent where there is one of at least half."""
    if extent is None or sizes is None:
        return most
    length = extent.evaluate(sizes)
    divisors = [f for f in range(most, most // 2, -1) if length % f == 0]
    return divisors[0] if divisors else min(most, length)
