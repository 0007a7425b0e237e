"""Positions in claims: sums of indices times numbers, and such sums over a number."""

from __future__ import annotations

from collections.abc import Mapping

from symconv.notation.affine import Affine, quotient
from symconv.notation.expr import Constraint, nonnegative
from symconv.prove.language.syntax import Binary, Name, Node, show, walk
from symconv.prove.meaning.amounts import as_product, at_axis
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.value import Amount, Pair, Term

__all__ = ["as_term", "compared", "position"]

Put = Mapping[str, Affine]
Limits = tuple[Constraint, ...]


def position(scope: Scope, node: Node, put: Put, spatial: int | None) -> tuple[Affine, Limits]:
    """A position, and where it is a whole number."""
    names = {one.name for one in walk(node) if isinstance(one, Name)}
    if not names & put.keys():
        number = at_axis(scope, node, spatial)
        number = number.lo if isinstance(number, Pair) else number
        if not isinstance(number, Affine):
            raise Undecided(f"{show(node)} is no whole number that is affine in the sizes")
        return number, ()
    match node:
        case Name(name):
            return put[name], ()
        case Binary("+" | "-", left, right):
            (a, exact), (b, whole) = position(scope, left, put, spatial), position(scope, right, put, spatial)
            return (a + b if node.op == "+" else a - b), (*exact, *whole)
        case Binary("*", left, right):
            (a, exact), (b, whole) = position(scope, left, put, spatial), position(scope, right, put, spatial)
            known = [_known(scope, form) for form in (a, b)]
            if known[1] is None and known[0] is None:
                raise Undecided(f"{show(node)}: an index times what is no number")
            return (a * known[1] if known[1] is not None else b * (known[0] or 0)), (*exact, *whole)
        case Binary("/" | "//" | "%", left, right):
            return _divided(scope, node, position(scope, left, put, spatial), right, put, spatial)
    raise scope.error(
        node.at, f"{show(node)} is no position: sums of indices times numbers are, and such a sum over a number"
    )


def _known(scope: Scope, form: Affine) -> int | None:
    return scope.known(form) if form.names() <= set(scope.region.context.sizes) else None


def _divided(
    scope: Scope, node: Binary, numerator: tuple[Affine, Limits], right: Node, put: Put, spatial: int | None
) -> tuple[Affine, Limits]:
    form, exact = numerator
    divisor = _known(scope, position(scope, right, put, spatial)[0])
    if divisor is None:
        raise Undecided(f"{show(node)} divides by what is no number")
    if divisor < 1:
        raise scope.error(node.at, f"{show(node)}: an index is divided by a positive integer")
    whole = quotient(form, divisor)
    match node.op:
        case "/":
            return whole, (*exact, Constraint(form - whole * divisor, True))
        case "//":
            return whole, exact
    return form - whole * divisor, exact


def compared(op: str, difference: Affine) -> list[Constraint]:
    """Where ``difference op 0`` holds, in parts that do not overlap."""
    up, down = nonnegative(difference - 1), nonnegative(-difference - 1)
    return {
        "<": [down], ">": [up], "<=": [nonnegative(-difference)], ">=": [nonnegative(difference)],
        "==": [Constraint(difference, True)], "!=": [up, down],
    }[op]  # fmt: skip


def as_term(number: Amount) -> Term:
    """A number as the term it is."""
    value = as_product(number)
    return Term(value.coefficient, value.monomial, ())
