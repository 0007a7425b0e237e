"""Borders as libraries have them: an operand continued by one call, its gradient folded back axis by axis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from symconv.derive.padded import pad
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Border, Const, Expr, Read, Reduce, children, nonnegative, reads, transform
from symconv.notation.operator import Operator, Statement
from symconv.readable.dialects import Dialect
from symconv.readable.numbers import settled
from symconv.readable.sweeps import Place
from symconv.readable.words import Words

__all__ = ["Copied", "calls_of", "copied"]

_CONTINUED = frozenset({"reflect", "symmetric", "replicate", "circular"})


@dataclass(frozen=True, slots=True)
class Copied:
    """One continued copy: what it is a copy of, and how far it goes beyond along each axis."""

    name: str
    tensor: str
    border: Border
    ends: tuple[tuple[Affine, Affine], ...]


def copied(op: Operator) -> tuple[Operator, tuple[Copied, ...]]:
    """The operator with a continued copy of each operand that zeros around it would not do for."""
    kinds = _CONTINUED | ({"constant"} if any(_counts(s.expr) for s in op.statements) else set())
    longer = pad(op, kinds, "p")
    new = [s for s in longer.statements if s not in op.statements and isinstance(s.expr, Read)]
    known: dict[str, Copied] = {}
    for statement in new:
        known[statement.target.name] = _copied(longer, statement, known)
    return longer, tuple(known.values())


def _copied(op: Operator, statement: Statement, known: dict[str, Copied]) -> Copied:
    read = statement.expr
    assert isinstance(read, Read) and read.border is not None
    source = known.get(read.tensor)
    sizes = op.tensor(read.tensor).sizes
    ends = []
    for at, (name, form, size) in enumerate(zip(statement.indices, read.index, sizes, strict=True)):
        low = var(name) - form
        high = statement.target.sizes[at] - size - low
        before = source.ends[at] if source else (affine(0), affine(0))
        ends.append((before[0] + low, before[1] + high))
    return Copied(statement.target.name, source.tensor if source else read.tensor, read.border, tuple(ends))


def _counts(expr: Expr) -> bool:
    """Whether what a constant border puts beyond an operand is more than nothing."""
    return any(read.border is not None and read.border.kind == "constant" for read in _counting(expr))


def _counting(expr: Expr) -> Iterator[Read]:
    match expr:
        case Reduce("sum" | "mean", _, pieces):
            for piece in pieces:
                yield from (r for r in reads(piece.body) if not _silent(piece.body, r))
        case Read():
            yield expr
        case _:
            for child in children(expr):
                yield from _counting(child)


def _silent(body: Expr, read: Read) -> bool:
    if read.border is None or read.border.kind != "constant":
        return True
    value = Const(read.border.value)
    return settled(transform(body, lambda n: value if n == read else None)) == Const(Fraction(0))


def calls_of(where: Place, copies: tuple[Copied, ...], dialect: Dialect, words: Words) -> dict[str, str]:
    """The call that makes each copy, where the library has one for all sizes."""
    calls = {}
    for one in copies:
        sizes = where.op.tensor(one.tensor).sizes
        once = all(
            where.holds((), (), nonnegative(size - end))
            for size, ends in zip(sizes, one.ends, strict=True)
            for end in ends
        )
        if one.border.kind == "circular" and dialect.wraps_once and not once:
            continue
        ends = [(words.form(low), words.form(high)) for low, high in one.ends]
        if (call := dialect.continued(one.tensor, ends, one.border)) is not None:
            calls[one.name] = call
    return calls
