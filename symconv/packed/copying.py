"""Packing and unpacking: rows copied in blocks of lanes, zeros where the operand ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from symconv.loops.arith import add, ceildiv, const, floordiv, largest, mul, smallest, sub
from symconv.loops.ir import (
    LANES,
    Compare,
    Const,
    Declare,
    Expr,
    For,
    If,
    Lanes,
    Let,
    LoadLanes,
    Prefetch,
    Scalar,
    Select,
    Splat,
    Stmt,
    Store,
    StoreLanes,
    Var,
)
from symconv.packed.frame import quotient

__all__ = ["Source", "copied_row", "full_blocks", "inside", "span", "spans", "zeroed"]

ZERO = Const(Fraction(0), real=True)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a packed coordinate ``k`` of one axis comes from: ``factor*(start + k) + shift``, inside ``0 ..
    length-1``."""

    start: Expr
    factor: int
    shift: Expr
    length: Expr

    def at(self, coordinate: Expr) -> Expr:
        """The index in the operand."""
        return add(mul(const(self.factor), add(self.start, coordinate)), self.shift)

    @property
    def lower(self) -> Expr:
        """The first coordinate inside."""
        return sub(ceildiv(sub(const(0), self.shift), self.factor), self.start)

    @property
    def upper(self) -> Expr:
        """The coordinate behind the last one inside."""
        return sub(add(floordiv(sub(sub(self.length, const(1)), self.shift), self.factor), const(1)), self.start)


def inside(sources: Mapping[str, Source], coordinates: Mapping[str, Expr]) -> tuple[Expr, ...]:
    """What keeps packed coordinates in their operand."""
    places = [(sources[loop].at(at), sources[loop].length) for loop, at in coordinates.items()]
    return tuple(c for place, length in places for c in (Compare(">=", place, const(0)), Compare("<", place, length)))


def span(lower: Expr, upper: Expr, block: Callable[[Expr, str], Stmt]) -> tuple[Stmt, ...]:
    """Every position of a range in blocks of lanes, the last one overlapping; a short range under a mask."""
    return spans(lower, upper, lambda at, mask: (block(at, mask),))


def spans(lower: Expr, upper: Expr, block: Callable[[Expr, str], tuple[Stmt, ...]]) -> tuple[Stmt, ...]:
    """As :func:`span`, where a block takes several statements."""
    length, lanes = sub(upper, lower), Var(LANES)
    few = (Declare("few_", Lanes(const(0), length), Scalar("mask")), *block(lower, "few_"))
    every, last = _blocks(lower, upper, block)
    return (
        every,
        If(Compare(">=", length, lanes), last),
        If(Compare("<", length, lanes), (If(Compare(">", length, const(0)), few),)),
    )


def full_blocks(lower: Expr, upper: Expr, block: Callable[[Expr, str], Stmt]) -> tuple[Stmt, ...]:
    """Every position of a range of at least one vector in blocks of lanes, the last one overlapping."""
    every, last = _blocks(lower, upper, lambda at, mask: (block(at, mask),))
    return (every, *last)


def _blocks(lower: Expr, upper: Expr, block: Callable[[Expr, str], tuple[Stmt, ...]]) -> tuple[For, tuple[Stmt, ...]]:
    lanes, length = Var(LANES), largest([sub(upper, lower), const(0)])
    first = Let("at_", add(lower, mul(lanes, Var("chunk_"))))
    every = For("chunk_", const(0), quotient(length, lanes), (first, *block(Var("at_"), "")))
    return every, (Let("at_", sub(upper, lanes)), *block(Var("at_"), ""))


def zeroed(buffer: str, prefix: tuple[Expr, ...], lower: Expr, upper: Expr) -> tuple[Stmt, ...]:
    """Zeros in a range of the last axis."""
    return span(lower, upper, lambda k, mask: StoreLanes(buffer, (*prefix, k), 1, mask, "=", Splat(ZERO)))


def copied_row(
    buffer: str,
    prefix: tuple[Expr, ...],
    tensor: str,
    index: Callable[[Expr], tuple[Expr, ...]],
    source: Source,
    valid: tuple[Expr, ...],
    pitch: Expr,
    ahead: tuple[Expr, ...] = (),
) -> tuple[Stmt, ...]:
    """A packed row: elements of the operand where it has them, 0 elsewhere; all 0 where one of ``valid`` fails.

    What lies ``ahead`` elements behind (one number for each line that a block takes) is fetched from memory meanwhile.
    A row that fits one vector is loaded and stored as one.
    """
    fits = Compare("<=", pitch, Var(LANES))
    return (
        *_ends(source, valid, pitch),
        If(fits, _one_vector(buffer, prefix, tensor, index, source.factor, pitch, ahead)),
        If(Compare(">", fits.left, fits.right), _by_parts(buffer, prefix, tensor, index, source.factor, pitch, ahead)),
    )


def _ends(source: Source, valid: tuple[Expr, ...], pitch: Expr) -> tuple[Let, Let]:
    """Where the operand has elements of a row: none where one of ``valid`` fails."""
    upper = largest([const(0), smallest([pitch, source.upper])])
    for condition in valid:
        upper = Select(condition, upper, const(0))
    lower = smallest([Var("upper_"), largest([const(0), source.lower])])
    return Let("upper_", upper), Let("lower_", lower)


def _one_vector(
    buffer: str,
    prefix: tuple[Expr, ...],
    tensor: str,
    index: Callable[[Expr], tuple[Expr, ...]],
    factor: int,
    pitch: Expr,
    ahead: tuple[Expr, ...],
) -> tuple[Stmt, ...]:
    """Lanes that a mask keeps out are loaded as the zeros that belong there."""
    first = const(0)
    load = LoadLanes(tensor, index(first), factor, "some_")
    return (
        *(Prefetch(tensor, index(first), far) for far in ahead),
        Declare("some_", Lanes(Var("lower_"), Var("upper_")), Scalar("mask")),
        Declare("few_", Lanes(first, pitch), Scalar("mask")),
        StoreLanes(buffer, (*prefix, first), 1, "few_", "=", load),
    )


def _by_parts(
    buffer: str,
    prefix: tuple[Expr, ...],
    tensor: str,
    index: Callable[[Expr], tuple[Expr, ...]],
    factor: int,
    pitch: Expr,
    ahead: tuple[Expr, ...],
) -> tuple[Stmt, ...]:
    def block(k: Expr, mask: str) -> tuple[Stmt, ...]:
        copy = StoreLanes(buffer, (*prefix, k), 1, mask, "=", LoadLanes(tensor, index(k), factor, mask))
        return (*(Prefetch(tensor, index(k), far) for far in ahead), copy)

    return (
        For("at_", const(0), Var("lower_"), (Store(buffer, (*prefix, Var("at_")), ZERO),)),
        *spans(Var("lower_"), Var("upper_"), block),
        *zeroed(buffer, prefix, Var("upper_"), pitch),
    )
