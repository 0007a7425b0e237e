"""Numbers in a claim: integers, sizes, and what a user computes from them, per windowed axis where that is meant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial, reduce

from symconv.notation.affine import Affine, affine, maximum, quotient
from symconv.prove.language.lengths import COUNTS, counted
from symconv.prove.language.people import nearest
from symconv.prove.language.syntax import Binary, Call, Name, Node, Number, Tuple, show
from symconv.prove.language.vocabulary import EXTREMES, canonical
from symconv.prove.meaning.divisors import nonzero
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.value import Amount, Pair, Product
from symconv.relation.terms import as_product

__all__ = ["amount", "as_form", "as_integer", "as_product", "at_axis", "per_axis", "product_of"]


@dataclass(frozen=True, slots=True)
class _Vector:
    items: tuple[Amount | Pair, ...]


_Quantity = Affine | Product | Pair | _Vector


def amount(scope: Scope, node: Node) -> Amount:
    """One number; raises SpecError where the expression stands for several."""
    value = _quantity(scope, node, -1)
    if isinstance(value, _Vector) and len(set(value.items)) == 1:
        value = value.items[0]
    if isinstance(value, _Vector | Pair):
        raise scope.error(node.at, f"{show(node)} has a value per axis; one number is wanted here")
    return value


def per_axis(scope: Scope, node: Node, rank: int) -> tuple[Amount | Pair, ...]:
    """One number, or a pair of pads, per axis: from a tuple of them or from one expression for all axes."""
    if isinstance(node, Tuple):
        if len(node.items) != rank:
            raise scope.error(node.at, f"{show(node)} has {len(node.items)} entries; there are {rank} axes")
        return tuple(_entry(scope, item, axis) for axis, item in enumerate(node.items))
    value = _quantity(scope, node, None)
    if not isinstance(value, _Vector):
        return (value,) * rank
    if len(value.items) != rank:
        raise scope.error(node.at, f"{show(node)} has {len(value.items)} values; there are {rank} axes here")
    return value.items


def at_axis(scope: Scope, node: Node, axis: int | None) -> Amount | Pair:
    """One number, or a pair of pads, on a spatial axis; without one it has to be the same on all of them."""
    return _single(scope, node, axis) if axis is not None else amount(scope, node)


def _entry(scope: Scope, node: Node, axis: int) -> Amount | Pair:
    if isinstance(node, Tuple):
        if len(node.items) != 2:
            raise scope.error(node.at, f"{show(node)}: a low and a high pad are wanted")
        lo, hi = (_single(scope, item, axis) for item in node.items)
        return Pair(lo.lo if isinstance(lo, Pair) else lo, hi.hi if isinstance(hi, Pair) else hi)
    return _single(scope, node, axis)


def _single(scope: Scope, node: Node, axis: int) -> Amount | Pair:
    value = _quantity(scope, node, axis)
    return value.items[0] if isinstance(value, _Vector) else value


def _quantity(scope: Scope, node: Node, axis: int | None) -> _Quantity:
    match node:
        case Number(value):
            return affine(int(value)) if value.denominator == 1 else Product(value)
        case Name(name):
            return _named(scope, name, axis, node.at)
        case Call("size", (array, which)):
            return scope.size_of(array, which)
        case Call(function, (array,), ()) if canonical(function) in COUNTS:
            return _quantity(scope, counted(canonical(function), array, scope.rank_of(array)), axis)
        case Binary(op, left, right):
            a, b = _quantity(scope, left, axis), _quantity(scope, right, axis)
            return _lift(lambda x, y: _combined(scope, node, op, x, y), a, b)
        case Call(function, arguments, ()) if canonical(function) in EXTREMES and arguments:
            least = partial(_extreme, node, canonical(function))
            return reduce(partial(_lift, least), (_quantity(scope, one, axis) for one in arguments))
        case Tuple(items):
            raise scope.error(node.at, f"{show(node)}: {len(items)} values where one is wanted")
    raise scope.error(node.at, f"{show(node)} is not a number; sizes, integers, s, d, p, g and + - * // % max min are")


def _extreme(node: Node, word: str, a: Amount, b: Amount) -> Amount:
    """The larger or smaller of two numbers that are affine in the sizes."""
    if not (isinstance(a, Affine) and isinstance(b, Affine)):
        raise Undecided(f"{show(node)} compares products of sizes")
    return maximum(a, b) if word == "maximum" else -maximum(-a, -b)


def _named(scope: Scope, name: str, axis: int | None, at: int) -> _Quantity:
    if name in scope.names.vectors and not (axis is not None and name in scope.names.sizes):
        items = scope.names.vectors[name]
        if axis is None or axis < 0:
            return items[0] if len(items) == 1 and isinstance(items[0], Affine) else _Vector(items)
        if axis < len(items):
            return items[axis]
    if name in scope.names.sizes:
        return scope.names.sizes[name]
    known = ", ".join(sorted({*scope.names.sizes, *scope.names.vectors}))
    kind = "a tensor" if name in scope.names.tensors else "unknown"
    near = nearest(name, {*scope.names.sizes, *scope.names.vectors}) if kind == "unknown" else ""
    raise scope.error(at, f"{name} is {kind}{near}; the numbers of this claim are {known}")


def _lift(combine: Callable[[Amount, Amount], Amount], a: _Quantity, b: _Quantity) -> _Quantity:
    match a, b:
        case _Vector(left), _Vector(right):
            return _Vector(tuple(_paired(combine, x, y) for x, y in zip(left, right, strict=True)))
        case _Vector(left), _:
            return _Vector(tuple(_paired(combine, x, b) for x in left))
        case _, _Vector(right):
            return _Vector(tuple(_paired(combine, a, y) for y in right))
    return _paired(combine, a, b)


def _paired(combine: Callable[[Amount, Amount], Amount], a: _Quantity, b: _Quantity) -> Amount | Pair:
    assert not isinstance(a, _Vector)
    assert not isinstance(b, _Vector)
    if isinstance(a, Pair) or isinstance(b, Pair):
        low = combine(a.lo if isinstance(a, Pair) else a, b.lo if isinstance(b, Pair) else b)
        high = combine(a.hi if isinstance(a, Pair) else a, b.hi if isinstance(b, Pair) else b)
        return low if low == high else Pair(low, high)
    return combine(a, b)


def _combined(scope: Scope, node: Binary, op: str, a: Amount, b: Amount) -> Amount:
    both = isinstance(a, Affine) and isinstance(b, Affine)
    match op:
        case "+" | "-" if isinstance(a, Affine) and isinstance(b, Affine):
            return a + b if op == "+" else a - b
        case "*":
            return product_of(as_product(a) * as_product(b))
        case "/":
            divisor = as_product(b)
            if divisor.coefficient == 0:
                raise scope.error(node.at, f"{show(node)} divides by zero")
            nonzero(scope, divisor)
            return product_of(as_product(a) * divisor.inverse())
        case "//" | "%":
            return _divided(scope, node, op, a, b)
    words = "is not affine in the sizes" if both else "adds products of sizes"
    raise Undecided(f"{show(node)} {words}")


def _divided(scope: Scope, node: Binary, op: str, a: Amount, b: Amount) -> Amount:
    share = as_product(a) * as_product(b).inverse() if as_product(b).monomial else Product(Fraction(0))
    if share.coefficient.denominator == 1 and share.coefficient and all(power > 0 for _, power in share.monomial):
        # What is divided is a multiple of it, whatever the sizes are.
        nonzero(scope, as_product(b))
        return product_of(share) if op == "//" else affine(0)
    if not (isinstance(a, Affine) and isinstance(b, Affine)):
        raise Undecided(f"{show(node)} divides a product of sizes")
    divisor = scope.known(b)
    if divisor is None:
        raise Undecided(f"{show(node)} divides by a size")
    if divisor == 0:
        raise scope.error(node.at, f"{show(node)} divides by zero")
    whole = quotient(a, divisor) if divisor > 0 else quotient(-a, -divisor)
    return whole if op == "//" else a - whole * divisor


def product_of(value: Product) -> Amount:
    """The affine form a product is, where it is one."""
    if value.coefficient.denominator == 1:
        match value.monomial:
            case ():
                return affine(int(value.coefficient))
            case ((form, 1),):
                return form * int(value.coefficient)
    return value


def as_form(scope: Scope, value: Amount | Pair, node: Node) -> Affine:
    """A whole number affine in the sizes; raises SpecError for fractions, Undecided for products of sizes."""
    if isinstance(value, Affine):
        return value
    if isinstance(value, Product) and value.monomial:
        raise Undecided(f"{show(node)} is a product of sizes")
    kind = "a pair of pads" if isinstance(value, Pair) else "a fraction"
    raise scope.error(node.at, f"{show(node)} is {kind}; one whole number is wanted here")


def as_integer(scope: Scope, value: Amount | Pair, node: Node, what: str, least: int = 1) -> int:
    """A concrete whole number; raises SpecError where it is none."""
    form = as_form(scope, value, node)
    if not form.is_constant:
        raise scope.error(node.at, f"{what} must be a concrete integer; given {show(node)}, which depends on sizes")
    if form.constant < least:
        raise scope.error(node.at, f"{what} must be at least {least}; given {form.constant}")
    return form.constant
