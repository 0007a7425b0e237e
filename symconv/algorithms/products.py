"""Bodies of sums that are products of reads."""

from __future__ import annotations

from fractions import Fraction

from symconv.notation.expr import Apply, Const, Expr, Read

__all__ = ["product_of_reads"]


def product_of_reads(body: Expr) -> tuple[Fraction, Read, Read] | None:
    """A body that is a number times two reads."""
    number, reads = Fraction(1), []
    waiting = [body]
    while waiting:
        match waiting.pop():
            case Apply("mul", (left, right)):
                waiting += [right, left]
            case Apply("neg", (one,)):
                number = -number
                waiting.append(one)
            case Const(value):
                number *= value
            case Read() as read:
                reads.append(read)
            case _:
                return None
    return (number, reads[0], reads[1]) if len(reads) == 2 and number else None
