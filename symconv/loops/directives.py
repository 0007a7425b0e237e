"""Directives: data that says how a kernel's loops are rearranged, each with a precondition that is checked.

A directive is a frozen value; ``apply(kernel, directive)`` answers the rearranged kernel or raises ScheduleError.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce

from symconv.errors import ScheduleError
from symconv.loops.arith import const, simplify
from symconv.loops.ir import Const, For, If, Kernel, Let, Stmt
from symconv.loops.rearranging import Fuse, Interchange, Tile, fuse, interchange, tile
from symconv.loops.splitting import SplitReduction, split_reduction
from symconv.loops.traverse import substitute

__all__ = ["Directive", "Fuse", "Interchange", "Parallel", "Tile", "Unroll", "apply", "apply_all"]


@dataclass(frozen=True, slots=True)
class Unroll:
    """``for v in range(2): S(v)`` -> ``S(0); S(1)``. Precondition: constant bounds, at most ``limit`` iterations."""

    var: str
    limit: int = 16


@dataclass(frozen=True, slots=True)
class Parallel:
    """Marks whether the merged outer loop of nest ``nest`` is cut among threads."""

    nest: int
    enabled: bool = True


Directive = Unroll | Tile | Interchange | Fuse | Parallel | SplitReduction


def apply_all(kernel: Kernel, directives: tuple[Directive, ...]) -> Kernel:
    """Apply directives in order."""
    return reduce(apply, directives, kernel)


def apply(kernel: Kernel, directive: Directive) -> Kernel:
    """The kernel with one directive carried out; raises ScheduleError naming directive, loop and reason."""
    match directive:
        case Unroll(name):
            return _loops(kernel, directive, name, lambda loop: _unroll(loop, directive))
        case Tile(name):
            return _loops(kernel, directive, name, lambda loop: tile(loop, directive))
        case Interchange(name):
            return _loops(kernel, directive, name, lambda loop: interchange(loop, directive))
        case Fuse():
            return fuse(kernel, directive)
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
