"""Which loop goes where: contiguous accesses innermost, independent cells outermost.

The choice reads nothing but the access functions and the extents; it knows no operator.
"""

from __future__ import annotations

from collections.abc import Mapping

from symconv.gather.solution import Solution
from symconv.loops.nest import Order
from symconv.notation.affine import Affine, quotient
from symconv.notation.expr import Constraint, reads

__all__ = ["choose_order", "default_extent", "depth_of_target", "extent_of", "trips"]

_USUAL, _WINDOW, _LANES = 32, 3, 16


def choose_order(solution: Solution, sizes: Mapping[str, int] | None) -> Order:
    """Parallel cells, then phases, the other cells, the steps, and the best loop to vectorise innermost."""
    loops = (*solution.cells, *solution.steps)
    accesses = [solution.target, *(read.index for read in reads(solution.body))]
    innermost = max(loops, key=lambda name: _score(name, accesses, trips(solution, name, sizes)), default=None)
    parallel = tuple(n for n in solution.cells if n != innermost and _independent(n, solution, sizes))
    later = [n for n in (*solution.cells, *solution.steps) if n not in parallel and n != innermost]
    return Order(parallel, (*solution.phases, *later, *((innermost,) if innermost else ())))


def depth_of_target(solution: Solution, order: Order) -> int:
    """The first position in ``order.inner`` after which the target's cell no longer moves."""
    moving = {name for form in solution.target for name in form.names()}
    depth = 0
    for position, item in enumerate(order.inner):
        names = {item} if isinstance(item, str) else set(item.names)
        if names & moving:
            depth = position + 1
    return depth


def _score(name: str, accesses: list[tuple[Affine, ...]], trips: int) -> float:
    total = 0.0
    for index in accesses:
        inside = any(form.coefficient(name) for form in index[:-1])
        last = index[-1].coefficient(name) if index else 0
        total += -4 if inside else 1 if last == 0 else 2 if abs(last) == 1 else 0.5
    return total * min(trips, _LANES) / _LANES if total > 0 else total


def trips(solution: Solution, name: str, sizes: Mapping[str, int] | None) -> int:
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


def default_extent(name: str, sizes: Mapping[str, int] | None) -> int:
    """The value of a size where it is known, a typical one elsewhere; phase values count as 0."""
    if sizes is not None and name in sizes:
        return sizes[name]
    return 0 if not name[0].isupper() else _WINDOW if name.startswith("K") else _USUAL


def _independent(name: str, solution: Solution, sizes: Mapping[str, int] | None) -> bool:
    """Whether the loop's own range involves nothing but sizes, so that it can be merged with others."""
    others = {*solution.cells, *solution.steps, *(n for p in solution.phases for n in p.names)} - {name}

    def alone(bound: Constraint, sign: int) -> bool:
        return bound.form.coefficient(name) * sign > 0 and not bound.form.names() & others

    return all(any(alone(bound, sign) for bound in solution.limits) for sign in (1, -1))
