"""What a small step of solving says: equations, ranges, remainders and limits, each with its meaning as integer sets.

A fact is written by ``views`` and read by isl from the same object, so that what is shown is what was compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from symconv.gather.solution import Phase
from symconv.notation.affine import Affine, var
from symconv.notation.expr import Constraint, nonnegative
from symconv.relation.sets import Context, System, difference

__all__ = ["Congruent", "Divided", "Equal", "Fact", "Facts", "Least", "Limits", "Named", "Within", "agree", "ends"]

Pins = tuple[tuple[tuple[str, int], ...], ...]


@dataclass(frozen=True, slots=True)
class Equal:
    """``left = right``."""

    left: Affine
    right: Affine


@dataclass(frozen=True, slots=True)
class Within:
    """``0 <= form < extent``."""

    form: Affine
    extent: Affine


@dataclass(frozen=True, slots=True)
class Least:
    """``form >= 0``."""

    form: Affine


@dataclass(frozen=True, slots=True)
class Congruent:
    """``modulus`` divides ``left - right``."""

    left: Affine
    right: Affine
    modulus: int


@dataclass(frozen=True, slots=True)
class Divided:
    """``divisor`` divides ``form``."""

    form: Affine
    divisor: int


@dataclass(frozen=True, slots=True)
class Limits:
    """``name`` lies between the largest of ``lowers`` and the smallest of ``uppers``: quotients, rounded inwards."""

    name: str
    lowers: tuple[tuple[Affine, int], ...]
    uppers: tuple[tuple[Affine, int], ...]


@dataclass(frozen=True, slots=True)
class Named:
    """What a value of a phase is, as a function of its residue: ``name`` is the first tap's or the shift's."""

    name: str
    phase: Phase


Fact = Equal | Within | Least | Congruent | Divided | Limits | Named
Facts = tuple[Fact, ...]


def ends(fact: Within | Least) -> tuple[Constraint, ...]:
    """A range as inequalities."""
    match fact:
        case Within(form, extent):
            return nonnegative(form), nonnegative(extent - 1 - form)
        case Least(form):
            return (nonnegative(form),)


def agree(context: Context, dims: tuple[str, ...], before: Facts, after: Facts, pins: Pins = ((),)) -> str | None:
    """A point that satisfies one side alone, for some sizes; None where both say the same for all."""
    return difference(context, [_system(dims, before, pins)], [_system(dims, after, pins)])


def _system(dims: tuple[str, ...], facts: Facts, pins: Pins) -> System:
    fresh = (f"z{k}" for k in range(1_000_000))
    constraints = tuple(c for fact in facts for c in _meaning(fact, fresh))
    pinned = {name for pin in pins for name, _ in pin}
    names = dict.fromkeys(n for c in constraints for n in sorted(c.form.names()))
    hidden = tuple(n for n in names if n[0].islower() and n not in dims and n not in pinned)
    return System(dims, constraints, hidden, pins)


def _meaning(fact: Fact, fresh: Iterator[str]) -> Iterable[Constraint]:
    match fact:
        case Equal(left, right):
            return (Constraint(left - right, True),)
        case Within() | Least():
            return ends(fact)
        case Congruent(left, right, modulus):
            return (Constraint(left - right - modulus * var(next(fresh)), True),)
        case Divided(form, divisor):
            return (Constraint(form - divisor * var(next(fresh)), True),)
        case Limits(name, lowers, uppers):
            low = (c for form, d in lowers for c in _rounded(form, d, next(fresh), var(name), up=True))
            high = (c for form, d in uppers for c in _rounded(form, d, next(fresh), var(name), up=False))
            return (*low, *high)
    # The classes of a phase are pinned one by one.
    return ()


def _rounded(form: Affine, divisor: int, quotient: str, name: Affine, *, up: bool) -> Iterable[Constraint]:
    whole = divisor * var(quotient)
    rest = whole - form if up else form - whole
    return (
        nonnegative(rest),
        nonnegative(divisor - 1 - rest),
        nonnegative(name - var(quotient) if up else var(quotient) - name),
    )
