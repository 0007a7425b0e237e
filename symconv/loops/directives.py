"""Directives: data that says how a kernel's loops are rearranged, each with a precondition that is checked.

A directive is a frozen value; ``apply(kernel, directive)`` answers the rearranged kernel or raises ScheduleError.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce

from symconv.errors import ScheduleError
from symconv.loops.arith import add, const, floordiv, largest, mul, simplify, sub
from symconv.loops.ir import Const, For, If, Kernel, Let, Stmt, Var
from symconv.loops.splitting import SplitReduction, split_reduction
from symconv.loops.traverse import substitute

__all__ = ["Directive", "Parallel", "Split", "Unroll", "apply", "apply_all"]


@dataclass(frozen=True, slots=True)
class Unroll:
    """``for v in range(2): S(v)`` -> ``S(0); S(1)``. Precondition: constant bounds, at most ``limit`` iterations."""

    var: str
    limit: int = 16


@dataclass(frozen=True, slots=True)
class Split:
    """``for v in range(a, b): S(v)`` -> a loop over blocks of ``factor`` and one inside, then the remainder.

    The new loops are ``v_o`` and ``v_i``. Precondition: step 1.
    """

    var: str
    factor: int


@dataclass(frozen=True, slots=True)
class Parallel:
    """Marks whether the merged outer loop of nest ``nest`` is cut among threads."""

    nest: int
    enabled: bool = True


Directive = Unroll | Split | Parallel | SplitReduction


def apply_all(kernel: Kernel, directives: tuple[Directive, ...]) -> Kernel:
    """Apply directives in order."""
    return reduce(apply, directives, kernel)


def apply(kernel: Kernel, directive: Directive) -> Kernel:
    """The kernel with one directive carried out; raises ScheduleError naming directive, loop and reason."""
    match directive:
        case Unroll(name):
            return _loops(kernel, directive, name, lambda loop: _unroll(loop, directive))
        case Split(name):
            return _loops(kernel, directive, name, lambda loop: _split(loop, directive))
        case SplitReduction():
            return split_reduction(kernel, directive)
        case Parallel(number, enabled):
            if not 0 <= number < len(kernel.nests):
                raise ScheduleError(f"{directive}: {kernel.name} has {len(kernel.nests)} nests")
            nests = [replace(n, parallel=enabled) if k == number else n for k, n in enumerate(kernel.nests)]
            return replace(kernel, nests=tuple(nests))


def _loops(kernel: Kernel, directive: Directive, name: str, change: Callable[[For], tuple[Stmt, ...]]) -> Kernel:
    """Replace every loop of that name."""
    found = False

    def block(body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
        nonlocal found
        result: list[Stmt] = []
        for statement in body:
            new = replace(statement, body=block(statement.body)) if isinstance(statement, For | If) else statement
            if isinstance(new, For) and new.var == name:
                found = True
                result += change(new)
            else:
                result.append(new)
        return tuple(result)

    nests = tuple(replace(n, body=block(n.body)) for n in kernel.nests)
    if not found:
        raise ScheduleError(f"{directive}: {kernel.name} has no loop {name}")
    return replace(kernel, nests=nests)


def _unroll(loop: For, directive: Unroll) -> tuple[Stmt, ...]:
    match loop.lower, loop.upper:
        case Const(lower), Const(upper):
            values = range(int(lower), int(upper), loop.step)
        case _:
            raise ScheduleError(f"{directive}: the bounds of {loop.var} are not constant")
    if len(values) > directive.limit:
        raise ScheduleError(f"{directive}: {loop.var} runs {len(values)} times, more than {directive.limit}")
    copies: list[Stmt] = []
    for value in values:
        copies += _constant_lets(simplify(substitute(If(Const(Fraction(1)), loop.body), {loop.var: const(value)})).body)
    return tuple(copies)


def _constant_lets(body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """Names for what has become a number are replaced by the number."""
    for position, statement in enumerate(body):
        if isinstance(statement, Let) and isinstance(statement.value, Const):
            rest = If(Const(Fraction(1)), body[position + 1 :])
            return _constant_lets(
                (*body[:position], *simplify(substitute(rest, {statement.name: statement.value})).body)
            )
    return body


def _split(loop: For, directive: Split) -> tuple[Stmt, ...]:
    if loop.step != 1 or directive.factor < 2:
        raise ScheduleError(f"{directive}: needs a loop of step 1 and a factor of at least 2")
    factor, outer, inner = directive.factor, f"{loop.var}o_", f"{loop.var}i_"
    # An empty range may have a negative length; the remainder must not begin before it.
    count = floordiv(largest([const(0), sub(loop.upper, loop.lower)]), factor)
    start = add(loop.lower, mul(const(factor), Var(outer)))
    block = substitute(If(Const(Fraction(1)), loop.body), {loop.var: add(start, Var(inner))}).body
    tail = add(loop.lower, mul(const(factor), count))
    return (
        For(outer, const(0), count, (For(inner, const(0), const(factor), block),)),
        replace(loop, lower=tail),
    )
