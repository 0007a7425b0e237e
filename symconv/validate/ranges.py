"""Loops that run some number of times or never: the test is one around a loop over the number."""

from __future__ import annotations

from dataclasses import replace

from symconv.loops.arith import const
from symconv.loops.ir import Binary, Compare, Const, Expr, For, If, Select, Stmt
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import polynomial

__all__ = ["where_it_runs"]

_NEVER, _ALWAYS = const(0), const(1)


def where_it_runs(loop: For) -> tuple[Stmt, ...]:
    """A loop from 0 to a number that is chosen among one and 0, under the condition that it is that one.

    Statements that hold nothing are what must hold for that.

    >>> from symconv.loops.ir import Var
    >>> chosen = Select(Compare(">", Binary("*", Var("a"), Var("b")), const(0)), Var("n"), const(0))
    >>> *demands, inside = where_it_runs(For("k", const(0), chosen, ()))
    >>> [one.condition.left for one in demands], inside.body[0].upper
    ([Var(name='a'), Var(name='b')], Var(name='n'))
    """
    demands: dict[Stmt, None] = {}
    test, count = _chosen(loop.upper, demands)
    if loop.lower != const(0) or count is None:
        raise UnclearError(f"nothing says how often {loop.var} runs")
    return (*demands, If(test, (replace(loop, upper=count),)))


def _chosen(upper: Expr, demands: dict[Stmt, None]) -> tuple[Expr, Expr | None]:
    """When a loop runs, and how far; no number where it never does."""
    match upper:
        case Const(value, False) if value == 0:
            return _NEVER, None
        case Select(test, yes, no):
            (first, one), (second, other) = (_chosen(part, demands) for part in (yes, no))
            if one is not None and other is not None and one != other:
                raise UnclearError("a loop runs to one of several ends")
            return _either(_positive(test, demands), first, second), other if one is None else one
    return _ALWAYS, upper


def _either(test: Expr, yes: Expr, no: Expr) -> Expr:
    """``yes`` where the test holds, ``no`` elsewhere, as the conditions that are understood: and, or, not."""
    if yes == no:
        return yes
    if yes == _NEVER:
        return _both(Select(test, _NEVER, _ALWAYS), no)
    if no == _NEVER:
        return _both(test, yes)
    return Select(_both(test, yes), _ALWAYS, _both(Select(test, _NEVER, _ALWAYS), no))


def _both(one: Expr, other: Expr) -> Expr:
    return one if other == _ALWAYS else Select(one, other, _NEVER)


def _positive(test: Expr, demands: dict[Stmt, None]) -> Expr:
    """A product of numbers that are not negative is positive where each of them is."""
    match test:
        case Compare(">", value, Const(bound, False)) if bound == 0:
            form = polynomial(value)
            if len(form) != 1:
                return test
            ((atoms, factor),) = form.items()
            if len(atoms) < 2 or factor < 0:
                return test
        case _:
            return test
    demands |= {If(Compare(">=", atom, const(0)), ()): None for atom in atoms if not _natural(atom)}
    result: Expr = _ALWAYS
    for atom in reversed(atoms):
        result = _both(Compare(">", atom, const(0)), result)
    return result


def _natural(expr: Expr) -> bool:
    match expr:
        case Binary("max", Const(least, False), _) | Binary("max", _, Const(least, False)):
            return least >= 0
    return False
