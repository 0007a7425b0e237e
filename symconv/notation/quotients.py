"""Quotients in an index: each becomes an index of its own, with what ties it to the others."""

from __future__ import annotations

from symconv.notation.affine import Affine, Quotient, affine, quotient, var
from symconv.notation.expr import Constraint, Expr, Piece, Range, Read, Reduce, transform, walk
from symconv.notation.found import Body, Floor, Slot
from symconv.notation.indices import IndexForm, size_of_tap

__all__ = ["slot_index", "summed"]


def slot_index(body: Body, slot: Slot, form: IndexForm) -> Affine:
    """The index of one read, kept under its axis; ranges and constraints of quotients go to the innermost reduction."""
    body.slots.setdefault(slot, []).append(form)
    if form.kind == "floor":
        return _whole(body, quotient(form.form, form.divisor))
    if form.kind == "plain":
        return _whole(body, form.form)
    # a/s where integral: a fresh index e with s*e = a, absent where there is none.
    name = f"e{len(body.quotients) + len(body.floors) + 1}"
    body.quotients[name] = slot
    ranges, constraints = body.frames[-1]
    ranges.append(Range(name, affine(var(size_of_tap(name)))))
    constraints.append(Constraint(form.divisor * var(name) - _whole(body, form.form), True))
    said = f"({form.form})/{form.divisor} is an exact division"
    body.meanings.append(
        f"{said}: {slot.tensor} takes part only where {form.divisor} divides {form.form}"
        if form.divisor > 1
        else f"{said}: {slot.tensor} takes part only where that is an index of its axis"
    )
    return var(name)


def _whole(body: Body, form: Affine) -> Affine:
    """The form with every floor as an index of its own: the only one with 0 <= numerator - divisor*index < divisor."""
    total = Affine((), form.constant)
    for atom, factor in form.terms:
        match atom:
            case Quotient(numerator, divisor):
                total = total + _floor(body, _whole(body, numerator), divisor) * factor
            case _:
                total = total + Affine(((atom, factor),))
    return total


def _floor(body: Body, numerator: Affine, divisor: int) -> Affine:
    ranges, constraints = body.frames[-1]
    for r in ranges:
        floor = body.floors.get(r.name)
        if floor is not None and (floor.numerator, floor.divisor) == (numerator, divisor):
            return var(r.name) + var(floor.base)
    name = f"e{len(body.quotients) + len(body.floors) + 1}"
    floor = body.floors[name] = Floor(numerator, divisor, f"base({name})")
    value = var(name) + var(floor.base)
    rest = numerator - divisor * value
    ranges.append(Range(name, var(size_of_tap(name))))
    constraints += [Constraint(rest), Constraint(divisor - 1 - rest)]
    return value


def summed(body: Body, expr: Expr, ranges: list[Range], constraints: list[Constraint]) -> Expr:
    """Quotients outside every reduction: a sum over the one value there is, or over none."""
    if not ranges:
        return expr
    exact = any(r.name in body.quotients for r in ranges)
    if exact or not any(isinstance(node, Reduce) for node in walk(expr)):
        return Reduce("sum", tuple(ranges), (Piece(tuple(constraints), expr),))
    # Beside a reduction each read at a floor is a sum of its own: nothing is computed once for every value.
    names = frozenset(r.name for r in ranges)

    def alone(node: Expr) -> Expr | None:
        match node:
            case Reduce():
                return node
            case Read(_, index) if used := _closed(body, names.intersection(*[_names(index)])):
                own = tuple(r for r in ranges if r.name in used)
                where = tuple(c for c in constraints if names & c.form.names() <= used)
                return Reduce("sum", own, (Piece(where, node),))
        return None

    return transform(expr, alone)


def _names(index: tuple[Affine, ...]) -> frozenset[str]:
    return frozenset[str]().union(*(form.names() for form in index))


def _closed(body: Body, names: frozenset[str]) -> frozenset[str]:
    """Floors, and the floors that those are taken of."""
    inner = frozenset(n for name in names for n in body.floors[name].numerator.names() if n in body.floors)
    return names if inner <= names else _closed(body, names | inner)
