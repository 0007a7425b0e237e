"""Integer expressions as polynomials: what positions in merged axes and ranks of loops are compared by.

Sums and products are multiplied out over *atoms*: names, and whatever else an expression holds (minima, quotients),
each brought to this form inside. Two expressions with one form are equal for all values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from fractions import Fraction
from typing import Any

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import LANES, Binary, Compare, Const, Expr, FloorDiv, Mod, Select, Var
from symconv.loops.traverse import children, walk
from symconv.relation.points import UnclearError

__all__ = [
    "WIDTH",
    "Polynomial",
    "alike",
    "canonical",
    "digits",
    "expression",
    "least_quotients",
    "natural",
    "polynomial",
    "uses",
]

WIDTH = Var(LANES)
"""The number of lanes, where it is not known."""

Polynomial = dict[tuple[Expr, ...], Fraction]
"""The coefficient of each product of atoms."""


def polynomial(expr: Expr) -> Polynomial:
    """An integer expression multiplied out."""
    match expr:
        case Const(value, False):
            return {(): value} if value else {}
        case Binary("+", a, b):
            return _sum(polynomial(a), polynomial(b), 1)
        case Binary("-", a, b):
            return _sum(polynomial(a), polynomial(b), -1)
        case Binary("*", a, b):
            return _product(polynomial(a), polynomial(b))
    return {(_inside(expr),): Fraction(1)}


def _sum(a: Polynomial, b: Polynomial, sign: int) -> Polynomial:
    found = dict(a)
    for atoms, factor in b.items():
        found[atoms] = found.get(atoms, Fraction(0)) + sign * factor
    return {atoms: factor for atoms, factor in found.items() if factor}


def _product(a: Polynomial, b: Polynomial) -> Polynomial:
    found: Polynomial = {}
    for one, left in a.items():
        for other, right in b.items():
            atoms = tuple(sorted((*one, *other), key=repr))
            found[atoms] = found.get(atoms, Fraction(0)) + left * right
    return {atoms: factor for atoms, factor in found.items() if factor}


def expression(form: Polynomial) -> Expr:
    """The sum of the products, in one order."""
    result: Expr = const(0)
    for atoms, factor in sorted(form.items(), key=lambda item: (len(item[0]), repr(item[0]))):
        term: Expr = const(int(abs(factor)))
        for atom in atoms:
            term = mul(term, atom)
        result = add(result, term) if factor > 0 else sub(result, term)
    return result


def _inside(expr: Expr) -> Expr:
    """An atom with what it holds in one form."""
    if isinstance(expr, Var | Const):
        return expr
    new: dict[str, Any] = {}
    for field in fields(expr):
        value = getattr(expr, field.name)
        if isinstance(value, tuple):
            new[field.name] = tuple(canonical(item) if children(item) or _is_node(item) else item for item in value)
        elif _is_node(value):
            new[field.name] = canonical(value)
    made: Expr = replace(expr, **new)
    if isinstance(made, Binary) and made.op in {"min", "max"} and repr(made.left) > repr(made.right):
        return replace(made, left=made.right, right=made.left)
    return made


def _is_node(value: object) -> bool:
    return hasattr(value, "__dataclass_fields__") and not isinstance(value, type)


def canonical(node: Any) -> Any:
    """An expression or statement in which equal integers, and equal sums and products of numbers, look the same."""
    if isinstance(node, Binary) and node.op in "+-*":
        return expression(polynomial(node))
    if isinstance(node, Const | Var | Binary | FloorDiv | Mod | Compare | Select):
        return _inside(node)
    new: dict[str, Any] = {}
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, tuple):
            new[field.name] = tuple(canonical(item) if _is_node(item) else item for item in value)
        elif _is_node(value) and field.name != "scalar":
            new[field.name] = canonical(value)
    return replace(node, **new)


def alike(one: Any, other: Any) -> bool:
    """Whether two expressions or statements are equal, whatever their names stand for."""
    return bool(canonical(one) == canonical(other))


def digits(expr: Expr, radices: Sequence[Expr]) -> tuple[Expr, ...]:
    """``expr`` as ``(..(d0*r1 + d1)*r2 + ..)*rn + dn``, the radices outermost first; raises UnclearError."""
    atoms = [_inside(radix) for radix in radices]
    # The place of digit k counts the product of the radices behind it.
    places = [tuple(sorted(atoms[k:], key=repr)) for k in range(len(atoms) + 1)]
    found: list[Polynomial] = [{} for _ in places]
    for product, factor in polynomial(expr).items():
        at = next(k for k, place in enumerate(places) if _within(place, product))
        rest = _without(product, places[at])
        found[at][rest] = factor
    for at, digit in enumerate(found):
        if any(atom in atoms for rest in digit if len(rest) > 1 or at + 1 < len(places) for atom in rest):
            raise UnclearError(f"a position is no number in the radices {', '.join(map(_name, radices))}")
    return tuple(map(expression, found))


def _within(place: Sequence[Expr], product: Sequence[Expr]) -> bool:
    return all(list(product).count(atom) >= list(place).count(atom) for atom in place)


def _without(product: Sequence[Expr], place: Sequence[Expr]) -> tuple[Expr, ...]:
    left = list(product)
    for atom in place:
        left.remove(atom)
    return tuple(left)


def _name(expr: Expr) -> str:
    return expr.name if isinstance(expr, Var) else "..."


def uses(node: Any, names: Mapping[str, Any] | set[str] | frozenset[str]) -> bool:
    """Whether any of these names stands in a node."""
    return any(isinstance(part, Var) and part.name in names for part in walk(node))


def least_quotients(form: Polynomial) -> Polynomial:
    """A lower bound without quotients: ``d*(v // d) >= v - d + 1`` for a positive d."""
    found = dict(form)
    for atoms, factor in form.items():
        for atom in atoms:
            if isinstance(atom, Binary) and atom.op == "//" and factor > 0 and atom.right in atoms and len(atoms) == 2:
                del found[atoms]
                bound = polynomial(add(sub(atom.left, atom.right), const(1)))
                for more, times in bound.items():
                    found[more] = found.get(more, 0) + times * factor
                break
    return {atoms: factor for atoms, factor in found.items() if factor}


def natural(left: Sequence[Expr], radices: Sequence[Expr]) -> Expr:
    """Whether a number is not negative, by its digits: what one is short of, the one before it may have."""
    first, *rest = left
    if not rest:
        return Compare(">=", first, const(0))
    found: Expr = const(0)
    for borrowed in range(3):
        second = add(rest[0], mul(const(borrowed), radices[0]))
        test = natural([second, *rest[1:]], radices[1:])
        found = Select(Select(Compare(">=", first, const(borrowed)), test, const(0)), const(1), found)
    return found
