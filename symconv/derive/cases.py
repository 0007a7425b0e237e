"""Where a read lies: inside its tensor, or beyond an end of it, where its border rule says what is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from symconv.derive.skip import span
from symconv.errors import DerivationError
from symconv.notation.affine import Affine, affine
from symconv.notation.expr import TURNS, Border, Const, Constraint, Expr, Range, Read, nonnegative
from symconv.notation.operator import Operator
from symconv.relation.sets import Context, System, feasible, implied

__all__ = ["Scope", "cases", "names"]


@dataclass(frozen=True, slots=True)
class Scope:
    """An operator, its sizes, and the indices of what is computed."""

    op: Operator
    context: Context
    outer: tuple[Range, ...]


def cases(
    scope: Scope, indices: tuple[Range, ...], where: tuple[Constraint, ...], read: Read, border: Border, axis: int
) -> Iterator[tuple[tuple[Constraint, ...], Expr]]:
    """Split on where one axis of one read lies; the remaining axes follow."""
    if axis == len(read.index):
        yield where, read
        return
    form, size = read.index[axis], _size(scope, read.tensor, axis)
    low, high = nonnegative(-form - 1), nonnegative(form - size)
    domain = System(names(scope, indices), (*span((*scope.outer, *indices)), *where))
    below, above = (
        not implied(scope.context, domain, nonnegative(form)),
        not implied(scope.context, domain, nonnegative(size - 1 - form)),
    )
    inside = (*where, *((nonnegative(form),) if below else ()), *((nonnegative(size - 1 - form),) if above else ()))
    if feasible(scope.context, System(domain.dims, (*domain.constraints, *inside))):
        yield from cases(scope, indices, inside, read, border, axis + 1)
    for happens, outside, low_end in ((below, low, True), (above, high, False)):
        if happens:
            yield from _beyond(scope, indices, (*where, outside), read, border, axis, low_end)


def _beyond(
    scope: Scope, indices: tuple[Range, ...], where: tuple[Constraint, ...], read: Read, border: Border, axis: int,
    low: bool,
) -> Iterator[tuple[tuple[Constraint, ...], Expr]]:  # fmt: skip
    form, size = read.index[axis], _size(scope, read.tensor, axis)
    match border.kind:
        case "constant":
            yield where, Const(border.value)
            return
        case "skip":
            return
        case "reflect":
            mapped = -form if low else 2 * (size - 1) - form
        case "replicate":
            mapped = affine(0) if low else size - 1
        case "symmetric":
            mapped = -form - 1 if low else 2 * size - 1 - form
        case _:
            yield from _turns(scope, indices, where, read, border, axis, low)
            return
    new = replace(read, index=(*read.index[:axis], mapped, *read.index[axis + 1 :]))
    domain = System(names(scope, indices), (*span((*scope.outer, *indices)), *where))
    for bound in (nonnegative(mapped), nonnegative(size - 1 - mapped)):
        if not implied(scope.context, domain, bound):
            raise DerivationError(
                f"border {border.kind!r} maps {read.tensor}'s index {form} to {mapped}, which can still lie outside "
                f"0 <= index < {size}: the pads are too large for the sizes the operator allows"
            )
    yield from cases(scope, indices, where, new, border, axis + 1)


def _turns(
    scope: Scope, indices: tuple[Range, ...], where: tuple[Constraint, ...], read: Read, border: Border, axis: int,
    low: bool,
) -> Iterator[tuple[tuple[Constraint, ...], Expr]]:  # fmt: skip
    """A piece for every number of turns that bring a periodic index back inside; ``where`` ends with that it is not."""
    form, size = read.index[axis], _size(scope, read.tensor, axis)
    for turn in range(1, TURNS + 1):
        mapped = form + turn * size if low else form - turn * size
        domain = System(names(scope, indices), (*span((*scope.outer, *indices)), *where))
        near, far = (mapped, size - 1 - mapped) if low else (size - 1 - mapped, mapped)
        inside = tuple(nonnegative(b) for b in (near, far) if not implied(scope.context, domain, nonnegative(b)))
        if feasible(scope.context, System(domain.dims, (*domain.constraints, *inside))):
            new = replace(read, index=(*read.index[:axis], mapped, *read.index[axis + 1 :]))
            yield from cases(scope, indices, (*where, *inside), new, border, axis + 1)
        if implied(scope.context, domain, nonnegative(near)):
            return
        where = (*where[:-1], nonnegative(-near - 1))
    raise DerivationError(
        f"border 'circular' reads {read.tensor} at {form}, more than {TURNS} times its size {size} outside: the pads "
        "are too large for the sizes the operator allows"
    )


def _size(scope: Scope, tensor: str, axis: int) -> Affine:
    return scope.op.tensor(tensor).sizes[axis]


def names(scope: Scope, indices: tuple[Range, ...]) -> tuple[str, ...]:
    return tuple(r.name for r in (*scope.outer, *indices))
