"""Orders of a solution's loops: the plainest one, and one that a directive names."""

from __future__ import annotations

from symconv.errors import ScheduleError
from symconv.gather.solution import Solution
from symconv.loops.nest import Order
from symconv.loops.schedule import Reorder
from symconv.notation.expr import Constraint

__all__ = ["depth_of_target", "independent", "naive_order", "named_order"]


def naive_order(solution: Solution) -> Order:
    """Every loop in its place: phases, then cells, then what is summed."""
    return Order((), (*solution.phases, *solution.cells, *solution.steps))


def named_order(solution: Solution, said: Reorder) -> Order:
    """The order that a directive names; raises ScheduleError where it is not one of this solution."""
    phases = {phase.residue: phase for phase in solution.phases}
    loops = (*phases, *solution.cells, *solution.steps)
    named = (*said.parallel, *said.inner)
    if sorted(named) != sorted(loops):
        raise ScheduleError(f"{said}: the loops of {said.nest} are {', '.join(loops)}, each of them once")
    for name in said.parallel:
        if name not in solution.cells or not independent(name, solution):
            raise ScheduleError(f"{said}: {name} is no cell with a range of its own, so it cannot be parallel")
    first = next((k for k, name in enumerate(said.inner) if name not in phases), len(said.inner))
    if late := [name for name in said.inner[first:] if name in phases]:
        raise ScheduleError(f"{said}: the phase {late[0]} bounds loops around it")
    return Order(said.parallel, tuple(phases.get(name, name) for name in said.inner))


def depth_of_target(solution: Solution, order: Order) -> int:
    """The first position in ``order.inner`` after which the target's cell no longer moves."""
    moving = {name for form in solution.target for name in form.names()}
    depth = 0
    for position, item in enumerate(order.inner):
        names = {item} if isinstance(item, str) else set(item.names)
        if names & moving:
            depth = position + 1
    return depth


def independent(name: str, solution: Solution) -> bool:
    """Whether the loop's own range involves nothing but sizes, so that it can be merged with others."""
    others = {*solution.cells, *solution.steps, *(n for p in solution.phases for n in p.names)} - {name}

    def alone(bound: Constraint, sign: int) -> bool:
        return bound.form.coefficient(name) * sign > 0 and not bound.form.names() & others

    return all(any(alone(bound, sign) for bound in solution.limits) for sign in (1, -1))
