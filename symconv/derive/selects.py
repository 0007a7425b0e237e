"""Products of slopes in which a branch that is not taken is out, whatever it would be multiplied by.

``a·where(c, b, 0)`` becomes ``where(c, a·b, 0)``: infinity times the 0 of a branch not taken is no number, and what
stands in that branch must not be asked for.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction

from symconv.derive.folding import fold
from symconv.notation.expr import Apply, Const, Expr, Read, Reduce, children, reads, transform
from symconv.notation.functions import TABLE

__all__ = ["gated", "hoisted", "is_selective", "weighted"]

_ZERO = Const(Fraction(0))
_NUMBERS: dict[str, Callable[[Fraction, Fraction], bool]] = {
    name: getattr(operator, name) for name in ("lt", "le", "gt", "ge", "eq", "ne")
}


def weighted(left: Expr, right: Expr) -> Expr:
    """``left·right``, selections outside."""
    return fold(hoisted(Apply("mul", (left, right))))


def gated(weight: Expr, slope: Expr, selected: frozenset[str]) -> Expr:
    """``weight·slope``; where the weight reads a 0 that a selection left in a buffer, the slope is not asked for."""
    product = weighted(weight, slope)
    if not selected or _is_finite(slope):
        return product
    for read in reads(weight):
        if read.tensor in selected:
            product = _where(Apply("ne", (read, _ZERO)), product, _ZERO)
    return product


def is_selective(expr: Expr, selected: frozenset[str] = frozenset()) -> bool:
    """Whether an expression may be 0 because a branch is not taken, here or in the buffers it reads."""
    return _selects(expr) or any(read.tensor in selected for read in reads(expr))


def hoisted(expr: Expr) -> Expr:
    """Selections with a branch that is 0 moved out of products and quotients, as far as sums let them."""
    match expr:
        case Apply("mul", (left, right)):
            return _times(hoisted(left), hoisted(right))
        case Apply("div", (left, right)):
            above, below = hoisted(left), hoisted(right)
            return _into(above, below, lambda leaf: Apply("div", (leaf, below)))
        case Apply("neg", (inner,)):
            return _into(hoisted(inner), _ZERO, lambda leaf: Apply("neg", (leaf,)))
        case Apply("where", (condition, yes, no)):
            return _where(condition, hoisted(yes), hoisted(no))
        case Apply("add" | "sub", (left, right)):
            return Apply(expr.function, (hoisted(left), hoisted(right)))
    return expr


def _times(left: Expr, right: Expr) -> Expr:
    if _opens(left, right):
        return _into(left, right, lambda leaf: _times(leaf, right))
    return _into(right, left, lambda leaf: Apply("mul", (left, leaf)))


def _opens(expr: Expr, factor: Expr) -> bool:
    """Whether a factor moves into an expression: into a selection, and into a sum of them if it may be infinite."""
    match expr:
        case Apply("where"):
            return _selects(expr)
        case Apply("add" | "sub" | "neg", arguments):
            return not _is_finite(factor) and any(_opens(argument, factor) for argument in arguments)
    return False


def _into(expr: Expr, factor: Expr, rule: Callable[[Expr], Expr]) -> Expr:
    """``rule``, which multiplies by the factor, at the leaves of what opens to it."""
    match expr:
        case Const(value) if value == 0:
            return expr
        case Apply("where", (condition, yes, no)) if _opens(expr, factor):
            return _where(condition, _into(yes, factor, rule), _into(no, factor, rule))
        case Apply(function, arguments) if _opens(expr, factor):
            return Apply(function, tuple(_into(argument, factor, rule) for argument in arguments))
    return rule(expr)


def _selects(expr: Expr) -> bool:
    match expr:
        case Apply("where", (_, yes, no)):
            return _ZERO in {yes, no} or _selects(yes) or _selects(no)
        case Apply("add" | "sub" | "neg", arguments):
            return any(_selects(argument) for argument in arguments)
    return False


def _where(condition: Expr, yes: Expr, no: Expr) -> Expr:
    """A selection inside a branch that asks the same again is decided, and so is one between numbers."""
    match condition:
        case Apply(name, (Const(a), Const(b))) if name in _NUMBERS:
            return yes if _NUMBERS[name](a, b) else no
    yes, no = _decided(yes, condition, 1), _decided(no, condition, 2)
    return yes if yes == no else Apply("where", (condition, yes, no))


def _decided(branch: Expr, condition: Expr, which: int) -> Expr:
    def rule(node: Expr) -> Expr | None:
        match node:
            case Apply("where", arguments) if arguments[0] == condition:
                return _decided(arguments[which], condition, which)
            case Reduce() | Read() | Const():
                return node
        return None

    return transform(branch, rule)


def _is_finite(expr: Expr) -> bool:
    """Whether finite numbers make this finite."""
    match expr:
        case Apply("div", (above, Const(value))) if value:
            return _is_finite(above)
        case Apply("pow", (base, Const(value))) if value >= 1 and value.denominator == 1:
            return _is_finite(base)
        case Apply(function, arguments):
            return TABLE[function].finite and all(_is_finite(argument) for argument in arguments)
    return all(_is_finite(child) for child in children(expr)) if isinstance(expr, Reduce) else True
