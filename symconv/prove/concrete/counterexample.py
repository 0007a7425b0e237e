"""One place where a claim is wrong, on small integers, or on the fractions at which a formula has a kink."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np

from symconv.display import Displayed
from symconv.errors import shortened
from symconv.notation.operator import Operator
from symconv.prove.concrete.enclosure import Enclosure
from symconv.prove.concrete.evaluate import Misfit
from symconv.prove.concrete.sides import Array, applies_functions, difference, is_rational, sides_at, times
from symconv.prove.language.coded import Coded
from symconv.prove.language.labels import LABEL, is_selector, labels_of
from symconv.prove.language.syntax import Claim

__all__ = ["MASKED", "PRIME", "SIGNED", "UNIT", "Counterexample", "Shapes", "differing", "drawn", "drawn_for", "labels",
           "seen", "times"]  # fmt: skip

Shapes = dict[str, tuple[int, ...]]
PRIME = 2**61 - 1
_TERMS, _DIGITS = 6, 8
_POSITIVE = 4
"""As many draws are of positive integers, which read well; functions such as ``sign`` want others too."""

UNIT = 101
"""The draw of eighths between 0 and 1, where ``log(1 - x)`` and its like have values."""

SIGNED = 104
"""The draw of eighths between -1 and 1: of whole numbers ``x >= 1`` is what ``x > 0`` is."""

MASKED = {102: 7, 103: 1}
"""Draws of zeros and ones, as masks hold, with so many ones in eight: no mask of 2 leaves ``exp(1e9*(1 - mask))``."""

_ROUNDED = Fraction(1, 10**5)
_SMALL = 8
"""Later draws are of -2 to 2, which are the numbers that people compare with."""


@dataclass(frozen=True, slots=True)
class Counterexample(Displayed):
    """One place where a claim is wrong.

    ``shapes`` of the inputs; where the shapes do not fit ``mismatch`` says how; else ``cell`` of the side is ``got``
    and should be ``want`` on the numbers ``arrays``, because of the products that are ``missing`` from the claim or
    ``extra`` in it. Where functions have no ``exact`` values, both are given to some digits, and are proved to differ.
    """

    side: str
    shapes: tuple[tuple[str, tuple[int, ...]], ...]
    mismatch: str = ""
    cell: tuple[int, ...] = ()
    got: Fraction | None = None
    want: Fraction | None = None
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    arrays: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    exact: bool = True

    def __repr__(self) -> str:
        return f"<counterexample {shortened(str(self).splitlines()[0], 120)}>"

    def __str__(self) -> str:
        held = dict(self.arrays)
        where = ", ".join(_shown(name, shape, held.get(name)) for name, shape in self.shapes)
        if self.mismatch:
            return f"at {where}: {self.mismatch}"
        cell = f"{self.side}[{','.join(map(str, self.cell))}]"
        got, want = (str(v) if self.exact or v is None else _decimal(v) for v in (self.got, self.want))
        how = self._numbers("integers, confirmed by brute force" if self.exact else
                            "on integers; enclosed by interval arithmetic")  # fmt: skip
        lines = [f"at {where}: {cell} is {got}, want {want} ({how})"]
        if not self.exact and self.got is not None and self.want is not None and _close(self.got, self.want):
            lines.append("  so close that a decimal seems to stand for a number such as sqrt(2/pi), which has no end")
        for word, terms in (("missing", self.missing), ("extra", self.extra)):
            if terms:
                more = f" and {len(terms) - _TERMS} more" if len(terms) > _TERMS else ""
                lines.append(f"  {word}: {' + '.join(terms[:_TERMS])}{more}")
        return "\n".join(lines)

    def _numbers(self, how: str) -> str:
        """How both values are known; on fractions, what the element is there."""
        held, name = dict(self.arrays), self.side[1:]
        if all(Fraction(value).denominator == 1 for values in held.values() for value in values):
            return how
        how = how.replace("integers", "fractions")
        if name not in held:
            return how
        value = np.array(held[name], dtype=object).reshape(dict(self.shapes)[name])[self.cell]
        return f"where {name}[{','.join(map(str, self.cell))}] = {value}; {how}"


def _shown(name: str, shape: tuple[int, ...], values: Sequence[Any] | None) -> str:
    """An operand by its shape, labels by their values."""
    if not is_selector(name):
        return f"{name} {times(shape)}"
    if values is None:
        return f"{labels_of(name)} {times(shape[:-1])} (labels below {shape[-1]})"
    rows = np.asarray(values, dtype=int).reshape(shape)
    return f"{labels_of(name)} = {np.argmax(rows, axis=-1).tolist()}"


def _close(got: Fraction, want: Fraction) -> bool:
    """Whether a number that somebody wrote with a few digits can make the difference."""
    return abs(got - want) <= abs(want) * _ROUNDED


def _decimal(value: Fraction) -> str:
    """A fraction of a power of ten with all its digits."""
    digits = len(str(value.denominator))
    with localcontext(prec=digits + len(str(abs(value.numerator)))):
        return f"{Decimal(value.numerator) / Decimal(value.denominator):f}"


def drawn(op: Operator, shapes: Mapping[str, tuple[int, ...]], seed: int, below: int = 10) -> dict[str, Array]:
    """Integers under ``below`` for every input and the cotangent, as Python ints: positive ones from few seeds.

    The seeds ``UNIT`` and ``SIGNED`` draw fractions for the inputs, those of ``MASKED`` zeros and ones.
    """
    rng = np.random.default_rng(seed)
    least = 1 if seed < _POSITIVE else 1 - below
    wanted = {t.name: shapes[t.name] for t in op.inputs} | {f"g{op.output.name}": op.output_shape(**dict(shapes))}
    found = {name: rng.integers(least, below, shape).astype(object) for name, shape in wanted.items()}
    if seed in {UNIT, SIGNED}:
        first = 1 if seed == UNIT else -7
        eighths = {t.name: rng.integers(first, 8, shapes[t.name]).astype(object) for t in op.inputs}
        found |= {name: np.asarray(value * Fraction(1, 8), dtype=object) for name, value in eighths.items()}
    if seed in MASKED:
        found |= {
            t.name: (rng.integers(0, 8, shapes[t.name]) < MASKED[seed]).astype(int).astype(object) for t in op.inputs
        }
    if not op.output.axes and not seed:
        # The gradient of a loss as people know it.
        found[f"g{op.output.name}"] = np.ones((), dtype=object)
    return found | {t.name: labels(rng, shapes[t.name]) for t in op.inputs if t.dtype == LABEL}


def labels(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """A selector of drawn labels: one 1 in each row."""
    *rows, classes = shape
    drawn = rng.integers(0, max(classes, 1), rows)
    return np.asarray(drawn[..., None] == np.arange(classes)).astype(int).astype(object)


def drawn_for(op: Operator, claim: Claim | Coded, shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, Array]:
    """The integers, or fractions, on which both sides of a claim are compared."""
    # Small numbers stay where functions such as tanh still grow.
    below = 10 if is_rational(op) and not applies_functions(claim) and seed < _SMALL else 3
    return drawn(op, shapes, seed, below)


def seen(op: Operator, claim: Claim | Coded, shapes: Mapping[str, tuple[int, ...]], seed: int) -> Counterexample | None:
    """A difference that is certain on integers of that seed, or None.

    Raises NoValueError where that cannot be computed, SpecError where the claim is unusable.
    """
    return differing(op, claim, shapes, drawn_for(op, claim, shapes, seed))


def differing(
    op: Operator, claim: Claim | Coded, shapes: Mapping[str, tuple[int, ...]], arrays: Mapping[str, Array]
) -> Counterexample | None:
    """A difference that is certain on these integers or fractions, or None; raises as ``seen`` does."""
    rational = is_rational(op) and not applies_functions(claim)
    at = tuple(shapes.items())
    try:
        got, want = sides_at(op, claim, arrays)
    except Misfit as reason:
        return Counterexample(claim.side, at, mismatch=str(reason))
    cells = list(difference(got, want))
    if not cells:
        return None
    cell = cells[0] if rational else max(cells, key=lambda one: abs(float(got[one]) - float(want[one])))
    held = tuple((name, tuple(map(_plainest, array.ravel()))) for name, array in arrays.items())
    pair, exact = _valued(got[cell], want[cell])
    return Counterexample(claim.side, at, "", cell, *pair, arrays=held, exact=exact)


def _plainest(value: Any) -> int | Fraction:
    number = Fraction(value)
    return number if number.denominator > 1 else int(number)


def _valued(got: Any, want: Any) -> tuple[tuple[Fraction, Fraction], bool]:
    """Both values, and whether they are exact; else to as many digits as tell them apart."""
    values = [v.lo if isinstance(v, Enclosure) and v.lo == v.hi else v for v in (got, want)]
    if not any(isinstance(value, Enclosure) for value in values):
        return (Fraction(values[0]), Fraction(values[1])), True
    middles = [(v.lo + v.hi) / 2 if isinstance(v, Enclosure) else Fraction(v) for v in values]
    step = Fraction(1, 10**_DIGITS)
    while (rounded := (round(middles[0] / step) * step, round(middles[1] / step) * step))[0] == rounded[1]:
        step /= 10**_DIGITS
    return rounded, False
