"""Loops that packed nests share: over residue classes, taps, groups and boxes."""

from __future__ import annotations

from symconv.gather.solution import Phase
from symconv.loops.arith import add, const, largest, mul, smallest, sub, total
from symconv.loops.ir import Expr, FloorDiv, For, Let, Mod, Stmt, Var
from symconv.loops.traverse import walk
from symconv.packed.contraction import Contraction
from symconv.packed.frame import Frame, extent, product, quotient

__all__ = [
    "counts",
    "decoded",
    "groups_of",
    "in_boxes",
    "in_phases",
    "in_taps",
    "phase_count",
    "phases_of",
    "rank",
    "settled",
    "taps_of",
]

PHASE = Var("phase_")
"""The number of the residue classes at hand, in row-major order."""


def phases_of(found: Contraction) -> tuple[Phase, ...]:
    """The phases in the order of the flat loops they belong to."""
    named = (found.phase(loop) for loop in found.flats)
    return tuple(phase for phase in named if phase is not None)


def phase_count(found: Contraction) -> int:
    """How many combinations of residue classes there are."""
    count = 1
    for phase in phases_of(found):
        count *= phase.modulus
    return count


def in_phases(found: Contraction, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """The body for every combination of residue classes, numbered ``phase_``."""
    number: Expr = const(0)
    for phase in phases_of(found):
        number = add(mul(number, const(phase.modulus)), sub(Var(phase.residue), const(phase.start)))
    body = (Let("phase_", number), *body)
    for phase in reversed(phases_of(found)):
        inner = (*settled(phase), *body)
        body = (For(phase.residue, const(phase.start), const(phase.start + phase.modulus), inner, mode="phase"),)
    return body


def settled(phase: Phase) -> tuple[Stmt, ...]:
    """What else a residue fixes."""
    first = Mod(mul(Var(phase.residue), const(phase.inverse)), phase.modulus)
    shift = FloorDiv(sub(Var(phase.residue), mul(const(phase.slope), Var(phase.first))), phase.modulus)
    return Let(phase.first, first), Let(phase.shift, shift)


def taps_of(found: Contraction, phase: Phase) -> Expr:
    """How many taps the residue class at hand has along its axis, the least of them where there are several."""
    every = counts(found, found.taps)
    own = [n for n in every if any(isinstance(v, Var) and v.name in phase.names for v in walk(n))]
    return smallest(own) if own else const(1)


def counts(found: Contraction, names: tuple[str, ...], exact: bool = True) -> tuple[Expr, ...]:
    """How often each loop runs, in the phase at hand or (not ``exact``) at most."""
    ends = (extent(found, name, exact) for name in names)
    return tuple(largest([const(0), sub(upper, lower)]) for lower, upper in ends)


def groups_of(found: Contraction) -> Expr:
    """How many groups there are: of several loops the product that their numbers are the digits of."""
    return Var("G_") if len(found.groups) < 2 else product(counts(found, found.groups, exact=False))


def in_taps(found: Contraction, names: tuple[str, ...], body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """The body for every combination of these loops, in the phase at hand."""
    for name in reversed(names):
        lower, upper = extent(found, name, exact=True)
        body = (For(name, lower, upper, body),)
    return body


def rank(found: Contraction, names: tuple[str, ...]) -> Expr:
    """The number of a combination of loops, in row-major order of the phase at hand."""
    result: Expr = const(0)
    for name in names:
        lower, upper = extent(found, name, exact=True)
        result = add(mul(result, largest([const(0), sub(upper, lower)])), sub(Var(name), lower))
    return result


def decoded(names: tuple[str, ...], sizes: tuple[Expr, ...], counter: str) -> tuple[Stmt, ...]:
    """Names for the digits of a counter, the last one fastest."""
    lets: list[Stmt] = []
    rest: Expr = Var(counter)
    for position, name in enumerate(names):
        below = total(sizes[position + 1 :])
        lets.append(Let(name, quotient(rest, below)))
        if position + 1 < len(names):
            lets.append(Let(f"{name}_left_", sub(rest, mul(Var(name), below))))
            rest = Var(f"{name}_left_")
    return tuple(lets)


def in_boxes(space: Frame) -> tuple[Stmt, ...]:
    """Where the box at hand starts and how long it is along each loop; its numbers are ``<loop>_box_``."""
    lets: list[Stmt] = []
    for strip in space.strips:
        begin = mul(strip.tile, Var(f"{strip.loop}_box_"))
        left = sub(Var(f"Q_{strip.loop}_"), begin)
        lets.append(Let(strip.start.name, add(Var(f"F_{strip.loop}_"), begin)))
        lets.append(Let(strip.size.name, smallest([strip.tile, left])))
    return tuple(lets)
