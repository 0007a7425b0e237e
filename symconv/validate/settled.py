"""What a kernel computes from sizes, as plain as the sizes allow: each minimum and maximum less is a case less."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

from symconv.loops.arith import add, simplify
from symconv.loops.ir import Binary, Const, Expr, FloorDiv, Kernel, Var
from symconv.loops.traverse import rewrite, substitute
from symconv.notation.operator import Operator
from symconv.validate.polynomial import Polynomial, expression, polynomial

__all__ = ["least_of", "settled_sizes"]


def least_of(op: Operator) -> dict[str, int]:
    """The least value of each size: nothing but the batch is empty."""
    names = {name for t in (*op.inputs, *(s.target for s in op.statements)) for s in t.sizes for name in s.names()}
    extents = {d.name for d in op.definitions if d.extent}
    free = names - {d.name for d in op.definitions}
    return {name: 0 if name == op.batch else 1 for name in sorted(free | extents)}


def settled_sizes(kernel: Kernel, least: Mapping[str, int]) -> Kernel:
    """The kernel with affine forms of sizes in place of the names that its layout has for them.

    ``least`` are the least values of sizes; numbers of a plan are 1 or more.
    """
    bounds = {**least, **dict.fromkeys(kernel.parameters, 1)}
    known: dict[str, Expr] = {}

    def told(node: Any) -> Any:
        new = simplify(substitute(node, known))
        # Factors of a product stay as they are: they are the digits that positions are made of.
        return new if _product(new) else _plainer(new, bounds)

    layout = []
    for size in kernel.layout:
        value = told(size.value)
        layout.append(replace(size, value=value))
        if _of_sizes(polynomial(value), least):
            known[size.name] = expression(polynomial(value))
        elif (bound := _least(value, bounds)) is not None:
            bounds[size.name] = bound
    buffers = tuple(
        replace(b, axes=tuple(tuple(map(told, a)) for a in b.axes), slack=told(b.slack), cleared=told(b.cleared))
        for b in kernel.buffers
    )
    # Loops are counted in one way in all nests, and compared by that: they stay as they are.
    nests = tuple(simplify(substitute(nest, known)) for nest in kernel.nests)
    return replace(kernel, buffers=buffers, layout=tuple(layout), nests=nests)


def _product(node: Any) -> bool:
    """Whether an expression is a product of sums."""
    return isinstance(node, Binary) and node.op == "*" and len(polynomial(_plainest(node))) > 1


def _plainest(node: Any) -> Any:
    """With what a maximum of it and a number is in its place."""

    def rule(part: Any) -> Any:
        match part:
            case Binary("max", Const(), value) | Binary("max", value, Const()):
                return value
        return part

    return rewrite(node, rule)


def _plainer(node: Any, bounds: Mapping[str, int]) -> Any:
    """Without the minima and maxima that the least values decide."""

    def rule(part: Any) -> Any:
        match part:
            case Binary("max", Const(), Binary("min")):
                # A number of a plan within its bounds: by this shape it is known to be as little as the constant.
                return part
            case Binary("max" | "min" as op, a, b):
                for one, other in ((a, b), (b, a)):
                    if _never_less(one, other, bounds):
                        return one if op == "max" else other
                return _outside(op, polynomial(a), polynomial(b)) or part
        return part

    return simplify(rewrite(node, rule))


def _outside(op: str, a: Polynomial, b: Polynomial) -> Expr | None:
    """``max(p + a, p + b)`` as ``p + max(a, b)`` where p has products of unknown numbers; None where it has none."""
    shared = {atoms: factor for atoms, factor in a.items() if b.get(atoms) == factor}
    if all(len(atoms) < 2 for atoms in shared):
        return None
    left, right = (expression({m: f for m, f in form.items() if m not in shared}) for form in (a, b))
    # The longest products stand first, where the pitches of rows are read from.
    first = {atoms: factor for atoms, factor in shared.items() if len(atoms) == max(map(len, shared))}
    rest = {atoms: factor for atoms, factor in shared.items() if atoms not in first}
    return add(add(expression(first), expression(rest)), Binary(op, left, right))


def _never_less(one: Expr, other: Expr, bounds: Mapping[str, int]) -> bool:
    """Whether ``one >= other`` for all values at or above their bounds."""
    return _never_negative(polynomial(Binary("-", one, other)), bounds)


def _never_negative(form: Polynomial, bounds: Mapping[str, int]) -> bool:
    for atoms, factor in form.items():
        match atoms:
            case (Binary("max" | "min" as op, a, b),):
                rest = {other: times for other, times in form.items() if other != atoms}
                parts = (_never_negative(_plus(rest, polynomial(part), factor), bounds) for part in (a, b))
                # A form that falls with a maximum is least at the larger part, whichever that is.
                return all(parts) if (factor < 0) == (op == "max") else any(parts)
    bound = _bounded(_without_falls(form, bounds), bounds)
    return bound is not None and bound >= 0


def _plus(form: Polynomial, more: Polynomial, times: Fraction) -> Polynomial:
    found = dict(form)
    for atoms, factor in more.items():
        found[atoms] = found.get(atoms, Fraction(0)) + times * factor
    return {atoms: factor for atoms, factor in found.items() if factor}


def _without_falls(form: Polynomial, bounds: Mapping[str, int]) -> Polynomial:
    """A lower bound: ``a // d - b // d >= m // d`` where a - b is never less than m."""
    found = dict(form)
    for (one, rises), (other, falls) in product(form.items(), repeat=2):
        match one, other:
            case ((FloorDiv(a, over),), (FloorDiv(b, under),)) if over == under and rises > 0 and rises == -falls:
                least = _bounded(polynomial(Binary("-", a, b)), bounds)
                if least is not None and one in found and other in found:
                    del found[one], found[other]
                    found[()] = found.get((), Fraction(0)) + rises * (least // over)
    return found


def _bounded(form: Polynomial, bounds: Mapping[str, int]) -> Fraction | None:
    """The least value of a form that grows with all its names; None where it does not, or is not affine."""
    total = Fraction(0)
    for atoms, factor in form.items():
        match atoms:
            case ():
                total += factor
            case (Var(name),) if factor > 0 and name in bounds:
                total += factor * bounds[name]
            case (FloorDiv(value, divisor),) if factor > 0:
                least = _bounded(polynomial(value), bounds)
                if least is None:
                    return None
                total += factor * (least // divisor)
            case _:
                return None
    return total


def _of_sizes(form: Polynomial, least: Mapping[str, int]) -> bool:
    """Whether a form is affine in sizes alone."""
    return all(len(atoms) < 2 and all(isinstance(a, Var) and a.name in least for a in atoms) for atoms in form)


def _least(value: Expr, bounds: Mapping[str, int]) -> int | None:
    """A lower bound of a number."""
    match value:
        case Binary("max", a, b):
            found = [one for one in (_least(a, bounds), _least(b, bounds)) if one is not None]
            return max(found) if found else None
        case Binary("min", a, b):
            one, other = _least(a, bounds), _least(b, bounds)
            return None if one is None or other is None else min(one, other)
    bound = _bounded(polynomial(value), bounds)
    return None if bound is None else int(bound)
