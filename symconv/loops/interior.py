"""Where a block of lanes needs no mask: index-set splitting of the loop over blocks into interior and border."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import Expr, Var
from symconv.loops.nest import bounds_of
from symconv.loops.scalars import integer
from symconv.notation.affine import var
from symconv.notation.expr import Constraint

__all__ = ["rooms"]


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
