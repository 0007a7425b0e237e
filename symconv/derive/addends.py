"""A body as a sum of parts, each with its own border: reads that leave together stay together."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from symconv.notation.affine import Affine
from symconv.notation.expr import Apply, Const, Expr, Read, reads

__all__ = ["Leaving", "addends", "signature"]

Leaving = Callable[[Read], frozenset[tuple[Affine, Affine]]]
"""The axes along which a read can leave its tensor, as (index, size)."""
_Parts = dict[frozenset[tuple[Affine, Affine]], Expr]


def signature(expr: Expr, leaving: Leaving) -> frozenset[tuple[Affine, Affine]]:
    """Every axis along which some read of the expression can leave its tensor."""
    return frozenset[tuple[Affine, Affine]]().union(*(leaving(read) for read in reads(expr)))


def addends(expr: Expr, leaving: Leaving) -> tuple[Expr, ...]:
    """Parts whose sum is the expression, one for each set of axes along which reads leave; itself where one is enough.

    Sums, differences and signs are taken apart, and products and quotients by what never leaves. Other functions stay
    whole.
    """
    return tuple(_parts(expr, leaving).values())


def _parts(expr: Expr, leaving: Leaving) -> _Parts:
    whole = signature(expr, leaving)
    found = _apart(expr, leaving) if whole else {}
    return found if len(found) > 1 else {whole: expr}


def _apart(expr: Expr, leaving: Leaving) -> _Parts:
    match expr:
        case Apply("neg", (inner,)):
            return {key: Apply("neg", (part,)) for key, part in _parts(inner, leaving).items()}
        case Apply("add" | "sub" as function, (left, right)):
            total = dict(_parts(left, leaving))
            for key, part in _parts(right, leaving).items():
                first = total.get(key)
                if first is not None:
                    total[key] = Apply(function, (first, part))
                else:
                    total[key] = part if function == "add" else _negated(part)
            return total
        case Apply("mul" | "div" as function, (left, right)) if not signature(right, leaving):
            return {key: Apply(function, (part, right)) for key, part in _parts(left, leaving).items()}
        case Apply("mul", (left, right)) if not signature(left, leaving):
            return {key: Apply("mul", (left, part)) for key, part in _parts(right, leaving).items()}
    return {}


def _negated(expr: Expr) -> Expr:
    """The sign goes into a leading number where there is one."""
    match expr:
        case Apply("mul", (Const(value), rest)):
            return rest if value == -1 else Apply("mul", (Const(-value), rest))
        case Const(value):
            return Const(Fraction(-value))
    return Apply("neg", (expr,))
