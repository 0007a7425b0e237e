"""Which bounds become loops and which masks, and where a block of lanes needs no mask: index-set splitting of the loop
over blocks into interior and border."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from symconv.gather.solution import Solution
from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import LANES, Expr, Var
from symconv.loops.nest import Order, bounds_of, place
from symconv.loops.projection import projected
from symconv.loops.scalars import integer
from symconv.loops.tile import Body
from symconv.notation.affine import var
from symconv.notation.expr import Constraint

__all__ = ["rooms", "split"]


def rooms(
    placed: Mapping[str, list[Constraint]],
    masked: Sequence[Constraint],
    name: str,
    inside: tuple[str, ...],
    width: Expr,
) -> tuple[Expr, ...] | None:
    """Numbers that are not negative where each of ``width`` lanes from ``name`` on meets ``masked`` at every step.

    ``inside`` are the loops that ``masked`` ties to the lanes: each goes to the end of its range that is worst for a
    constraint. None where a range is not known before the block begins.
    """
    found = [_room(bound, placed, name, inside, width) for bound in masked]
    known = tuple(room for room in found if room is not None)
    return known if len(known) == len(found) else None


def _room(
    bound: Constraint, placed: Mapping[str, list[Constraint]], name: str, inside: tuple[str, ...], width: Expr
) -> Expr | None:
    if bound.equality:
        return None
    factor = bound.form.coefficient(name)
    worst = Var(name) if factor > 0 else sub(add(Var(name), width), const(1))
    result = integer(bound.form - sum((bound.form.coefficient(n) * var(n) for n in (name, *inside)), 0 * var(name)))
    result = _plus(result, factor, worst)
    for step in inside:
        if factor := bound.form.coefficient(step):
            end = _end(placed[step], step, {name, *inside}, factor)
            if end is None:
                return None
            result = _plus(result, factor, end)
    return result


def _plus(value: Expr, factor: int, by: Expr) -> Expr:
    return add(value, mul(const(factor), by)) if factor > 0 else sub(value, mul(const(-factor), by))


def _end(constraints: list[Constraint], step: str, later: set[str], factor: int) -> Expr | None:
    """The first step of a range (the last for a negative factor), from the bounds that are known before the block."""
    known = [c for c in constraints if not c.form.names() & (later - {step})]
    sides = [c for c in known if c.equality or c.form.coefficient(step) * factor > 0]
    if not sides:
        return None
    lower, upper = _one_sided(sides, step, factor)
    return lower if factor > 0 else sub(upper, const(1))


def _one_sided(sides: list[Constraint], step: str, factor: int) -> tuple[Expr, Expr]:
    # The other side is not asked for: any bound will do.
    other = Constraint(var(step) if factor < 0 else -var(step))
    return bounds_of([*sides, other], step)


def split(body: Body, order: Order) -> tuple[dict[str, list[Constraint]], list[Constraint]]:
    """Bounds for loops, and what ties the contiguous loop to loops inside it: that becomes masks."""
    solution, name = body.solution, body.contiguous
    inside = set(order.inner[order.inner.index(name) + 1 :]) if body.moving else set()

    def ties(bound: Constraint) -> bool:
        return bool(bound.form.coefficient(name)) and bool(bound.form.names() & inside)

    masked = [bound for bound in solution.bounds if ties(bound)]
    limits = tuple(limit for limit in solution.limits if not ties(limit))
    near = _together({n for bound in masked for n in bound.form.names() & inside}, limits, solution)
    # A load that no mask covers runs wherever the loops go: nothing they need may be left to what a mask implies.
    # What limits cells alone is left out: a cell beyond it receives nothing, but is stored.
    cells = {*solution.cells} - {*solution.steps}
    needed = (limit for limit in limits if limit.form.names() & near and _moves(limit, cells, solution))
    across = _across(body, [name for name in order.inner if isinstance(name, str) and name in inside])
    bounds = dict.fromkeys((*(bound for bound in solution.bounds if not ties(bound)), *needed, *across))
    return place(replace(solution, bounds=tuple(bounds), limits=limits), order), masked


def _moves(limit: Constraint, cells: set[str], solution: Solution) -> bool:
    """Whether a limit is more than one on cells, which the loops over them would take for where the target ends."""
    inner = {*solution.steps, *(name for phase in solution.phases for name in phase.names)}
    return limit in solution.bounds or bool(limit.form.names() & inner) or not limit.form.names() & cells


def _across(body: Body, steps: list[str]) -> Iterator[Constraint]:
    """What the steps inside leave to those around them, in some lane of the block."""
    name, last = body.contiguous, body.blocks * var(LANES) - 1
    left = [bound for own in projected(body.solution.bounds, steps).values() for bound in own]
    # A mask alone keeps one step in place; of several, each needs its own range, or they run over all combinations.
    # Few blocks meet a border at all: the others find its steps empty.
    least = 0 if body.border else 1
    several = [bound for bound in body.solution.bounds if len(bound.form.names() & set(steps)) > least]
    for bound in (*left, *(bound for bound in several if bound.form.coefficient(name))):
        yield Constraint(bound.form + max(bound.form.coefficient(name), 0) * last)


def _together(seed: set[str], limits: tuple[Constraint, ...], solution: Solution) -> set[str]:
    """The loops that bound those in ``seed``, directly or through others."""
    loops, names = {*solution.cells, *solution.steps}, set(seed)
    while more := {n for limit in limits if limit.form.names() & names for n in limit.form.names() & loops} - names:
        names |= more
    return names
