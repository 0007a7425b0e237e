"""Arrays made longer at their ends, so that slices need no bounds of their own.

What a sum adds beyond its target is cut off in the end; what it reads beyond a factor is 0 and adds nothing. Beyond an
operand of a maximum stands -inf.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from symconv.notation.affine import Affine, affine, maximum, var
from symconv.notation.expr import Apply, Const, Constraint, Expr, Read, nonnegative, reads, transform, walk
from symconv.readable.numbers import settled
from symconv.readable.sweeps import Place, Sweep

__all__ = ["NONE", "Halo", "Halos", "absorbed", "ends_of"]

_LONGEST = 64
"""Longest pad that is looked for as a number."""

Ends = tuple[Affine, Affine]
NONE: Ends = (affine(0), affine(0))


@dataclass(frozen=True, slots=True)
class Halo:
    """How far an array is continued along each axis, and the number that stands there."""

    ends: tuple[Ends, ...]
    fill: str = "0"

    def joined(self, other: Halo) -> Halo | None:
        """A halo long enough for both; None where they want different numbers."""
        if self.fill != other.fill:
            return None
        pairs = zip(self.ends, other.ends, strict=True)
        return Halo(tuple((maximum(a[0], b[0]), maximum(a[1], b[1])) for a, b in pairs), self.fill)


Halos = dict[str, Halo]
"""The halo of each tensor that has one."""


def absorbed(where: Place, sweep: Sweep, target: str, sizes: dict[str, tuple[Affine, ...]]) -> tuple[Sweep, Halos]:
    """The sweep without the constraints that halos make needless, and the halos."""
    names = {r.name for r in sweep.ranges}
    # What limits one index alone is said shortest where that is sliced.
    mixed = tuple(c for c in sweep.kept if not c.equality and len(c.form.names() & names) > 1)
    gone = tuple(c for c in mixed if _is_needless(sweep, target, sizes, c))
    if not gone:
        return sweep, {}
    less = replace(sweep, kept=tuple(c for c in sweep.kept if c not in gone))
    halos: Halos = {}
    for tensor, forms in _accesses(sweep, target):
        ends = []
        for form, size in zip(forms, sizes[tensor], strict=True):
            if all(where.holds(less.ranges, less.kept, c) for c in _inside(form, size)):
                ends.append(NONE)
            elif less.kept and any(form.names() & c.form.names() for c in less.kept):
                return sweep, {}
            else:
                ends.append(ends_of(where, less, form, size))
        if any(one != NONE for one in ends):
            made = Halo(tuple(ends), "0" if sweep.kind == "sum" else "-inf" if sweep.kind == "max" else "inf")
            known = halos.get(tensor, made).joined(made)
            if known is None:
                return sweep, {}
            halos[tensor] = known
    return (less, halos) if _are_harmless(sweep, frozenset(halos)) else (sweep, {})


def _accesses(sweep: Sweep, target: str) -> list[tuple[str, tuple[Affine, ...]]]:
    return [(target, sweep.target), *((r.tensor, r.index) for r in reads(sweep.body))]


def _inside(form: Affine, size: Affine) -> tuple[Constraint, Constraint]:
    return nonnegative(form), nonnegative(size - 1 - form)


def _is_needless(sweep: Sweep, target: str, sizes: dict[str, tuple[Affine, ...]], limit: Constraint) -> bool:
    """Whether a point beyond a limit adds nothing: it lies outside the target, or reads what makes the body nothing."""

    def beyond(tensor: str, forms: tuple[Affine, ...]) -> bool:
        return any(limit in _inside(form, size) for form, size in zip(forms, sizes[tensor], strict=True))

    outside = {read for read in reads(sweep.body) if beyond(read.tensor, read.index)}
    if sweep.kind == "sum":
        zero = Const(Fraction(0))
        left = settled(transform(sweep.body, lambda n: zero if n in outside else None))
        return beyond(target, sweep.target) or left == zero
    return sweep.kind in ("max", "min") and any(_falls(sweep.body, read.tensor) for read in outside)


def _are_harmless(sweep: Sweep, padded: frozenset[str]) -> bool:
    """Whether what stands around arrays makes no number that is none; -inf makes the whole body infinite."""
    if sweep.kind != "sum":
        return all(_falls(sweep.body, tensor) for tensor in padded)
    poles = (_pole(node) for node in walk(sweep.body))
    return not any(read.tensor in padded for pole in poles if pole is not None for read in reads(pole))


def _pole(node: Expr) -> Expr | None:
    """The argument for which a function has no finite value at 0."""
    match node:
        case Apply("div", (_, inner)) | Apply("log", (inner,)):
            return inner
        case Apply("pow", (inner, power)):
            natural = isinstance(power, Const) and power.value.denominator == 1 and power.value > 0
            return None if natural else inner
    return None


def _falls(body: Expr, tensor: str) -> bool:
    """Whether a body is a sum with a tensor's read as a term: infinite where that is."""
    match body:
        case Read(name):
            return name == tensor
        case Apply("add", (left, right)):
            return any(_falls(a, tensor) and tensor not in {r.tensor for r in reads(b)}
                       for a, b in ((left, right), (right, left)))  # fmt: skip
        case Apply("sub", (left, right)):
            return _falls(left, tensor) and tensor not in {r.tensor for r in reads(right)}
    return False


def ends_of(where: Place, sweep: Sweep, form: Affine, size: Affine) -> Ends:
    """How far a form leaves an axis at either end over the whole ranges of a sweep."""
    return _end(where, sweep, -form, "lo", size), _end(where, sweep, form - size + 1, "hi", size)


def _end(where: Place, sweep: Sweep, beyond: Affine, side: str, size: Affine) -> Affine:
    def fits(end: Affine) -> bool:
        return where.holds(sweep.ranges, (), nonnegative(end - beyond))

    if fits(affine(_LONGEST)):
        low, high = -1, _LONGEST
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if fits(affine(middle)) else (middle, high)
        return affine(high)
    for window in where.op.windows:
        stated: Affine = getattr(window, side)
        if size.names() & {window.size, window.extent} and fits(stated) and where.holds((), (), nonnegative(stated)):
            return stated
    most = beyond
    for one in sweep.ranges:
        factor = beyond.coefficient(one.name)
        most = most - factor * var(one.name) + (factor * (one.extent - 1) if factor > 0 else affine(0))
    return most if where.holds((), (), nonnegative(most)) else maximum(most, affine(0))
