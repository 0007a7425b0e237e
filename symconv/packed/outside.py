"""What a term of the outer form comes to where packing has put zeros."""

from __future__ import annotations

from collections.abc import Iterator

from symconv.notation.expr import Apply, Expr, Read
from symconv.packed.contraction import Contraction

__all__ = ["harmless"]


def harmless(found: Contraction) -> bool:
    """Whether terms of the outer form that the definition leaves out add nothing as long as the narrow operands are
    finite: each is one number that packing has made 0, times one finite number.

    Compilers may add and multiply in any order. Of ``x*w*v`` they may make ``x*(w*v)``, of ``x*w + x*v`` they may make
    ``x*(w + v)``, and what stands in the parentheses may overflow where x is 0.
    """
    if found.lanes != "cells" or found.here:
        return False
    outside = {operand.read.tensor for operand in found.wide} - {read.tensor for read in found.narrow}
    factors = tuple(_factors(found.solution.body))
    zeros = [one for one in factors if isinstance(one, Read) and one.tensor in outside]
    return len(set(zeros)) == 1 and len(factors) <= len(zeros) + 1 and _apart(zeros[0], found) and _plain(factors)


def _factors(expr: Expr) -> Iterator[Expr]:
    match expr:
        case Apply("mul", arguments):
            for argument in arguments:
                yield from _factors(argument)
        case Apply("neg" | "abs" | "sign", (argument,)):
            yield from _factors(argument)
        case _:
            yield expr


def _plain(factors: tuple[Expr, ...]) -> bool:
    """Whether factors are numbers in memory: what is computed, or a constant, may be multiplied in another order."""
    return all(isinstance(factor, Read) for factor in factors)


def _apart(read: Read, found: Contraction) -> bool:
    """Whether terms of a cell read different elements, so that none is factored out of a sum of two."""
    steps = set(found.solution.steps)
    return all(len(form.names() & steps) <= 1 for form in read.index)
