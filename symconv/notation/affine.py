"""Integer expressions of index notation: affine forms over indices and sizes.

Indices of reads and bounds of loops are affine with integer coefficients. Definitions of sizes (an output extent, the
low
pad of ``"same"``) may also hold floor quotients and maxima; those atoms never reach a loop bound, because a defined
size
is a name of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = ["ZERO", "Affine", "Atom", "Maximum", "Quotient", "affine", "maximum", "quotient", "var"]


@dataclass(frozen=True, slots=True)
class Quotient:
    """``floor(numerator / divisor)`` with a positive integer divisor."""

    numerator: Affine
    divisor: int

    def __str__(self) -> str:
        return f"floor(({self.numerator})/{self.divisor})"


@dataclass(frozen=True, slots=True)
class Maximum:
    """The larger of two affine forms."""

    left: Affine
    right: Affine

    def __str__(self) -> str:
        return f"max({self.left}, {self.right})"


Atom = str | Quotient | Maximum


@dataclass(frozen=True, slots=True)
class Affine:
    """``constant + Σ coefficient·atom``, canonical: atoms sorted by their text, no zero coefficient.

    >>> i, p = var("i"), var("p")
    >>> str(2 * i + p - 1)
    '2*i + p - 1'
    >>> (2 * i + p - 1).evaluate({"i": 3, "p": 0})
    5
    """

    terms: tuple[tuple[Atom, int], ...] = ()
    constant: int = 0

    def __add__(self, other: Affine | int) -> Affine:
        other = affine(other)
        if not other.terms or not self.terms:
            return Affine(self.terms or other.terms, self.constant + other.constant)
        sums: dict[Atom, int] = dict(self.terms)
        for atom, factor in other.terms:
            sums[atom] = sums.get(atom, 0) + factor
        return _canonical(sums, self.constant + other.constant)

    __radd__ = __add__

    def __neg__(self) -> Affine:
        return self * -1

    def __sub__(self, other: Affine | int) -> Affine:
        return self + -affine(other)

    def __rsub__(self, other: int) -> Affine:
        return affine(other) - self

    def __mul__(self, factor: int) -> Affine:
        if not factor:
            return ZERO
        if factor == 1:
            return self
        return Affine(tuple((atom, value * factor) for atom, value in self.terms), self.constant * factor)

    __rmul__ = __mul__

    def __str__(self) -> str:
        text = ""
        for atom, factor in self.terms:
            sign = "-" if factor < 0 else "+"
            body = f"{atom}" if abs(factor) == 1 else f"{abs(factor)}*{atom}"
            text += f" {sign} {body}" if text else f"{'-' if factor < 0 else ''}{body}"
        if self.constant or not text:
            sign = "-" if self.constant < 0 else "+"
            text += f" {sign} {abs(self.constant)}" if text else f"{self.constant}"
        return text

    def coefficient(self, atom: Atom) -> int:
        """The factor in front of ``atom``, 0 where it does not occur."""
        return next((factor for one, factor in self.terms if one == atom), 0)

    def names(self) -> frozenset[str]:
        """Every name that occurs, inside quotients and maxima too."""
        plain = frozenset([atom for atom, _ in self.terms if isinstance(atom, str)])
        return plain if len(plain) == len(self.terms) else frozenset(self._names())

    def _names(self) -> Iterator[str]:
        for atom, _ in self.terms:
            match atom:
                case str():
                    yield atom
                case Quotient(numerator, _):
                    yield from numerator.names()
                case Maximum(left, right):
                    yield from left.names() | right.names()

    @property
    def is_constant(self) -> bool:
        """Whether no atom occurs."""
        return not self.terms

    @property
    def name(self) -> str | None:
        """The name this form consists of, or ``None`` when it is anything else."""
        match self.terms:
            case ((str() as name, 1),) if self.constant == 0:
                return name
        return None

    def substitute(self, values: Mapping[str, Affine | int]) -> Affine:
        """The form with names replaced, inside quotients and maxima too."""
        match self.terms:
            case ((str() as name, 1),) if not self.constant:
                return affine(values.get(name, self))
        sums: dict[Atom, int] = {}
        constant, same = self.constant, True
        for atom, factor in self.terms:
            match atom:
                case str():
                    if atom not in values:
                        sums[atom] = sums.get(atom, 0) + factor
                        continue
                    new = affine(values[atom])
                case Quotient(numerator, divisor):
                    new = quotient(numerator.substitute(values), divisor)
                case Maximum(left, right):
                    new = maximum(left.substitute(values), right.substitute(values))
            same = False
            constant += new.constant * factor
            for one, inner in new.terms:
                sums[one] = sums.get(one, 0) + inner * factor
        return self if same else _canonical(sums, constant)

    def evaluate(self, values: Mapping[str, int]) -> int:
        """The integer value; raises KeyError when a name has none."""
        total = self.constant
        for atom, factor in self.terms:
            match atom:
                case str():
                    value = values[atom]
                case Quotient(numerator, divisor):
                    value = numerator.evaluate(values) // divisor
                case Maximum(left, right):
                    value = max(left.evaluate(values), right.evaluate(values))
            total = total + factor * value
        return total


ZERO = Affine()


def affine(value: Affine | int) -> Affine:
    """An integer or an affine form as an affine form."""
    return value if isinstance(value, Affine) else Affine((), value)


def var(name: str) -> Affine:
    """The affine form that is one name."""
    return Affine(((name, 1),), 0)


def quotient(numerator: Affine, divisor: int) -> Affine:
    """``floor(numerator / divisor)``, exact where every coefficient is divisible.

    >>> str(quotient(4 * var("H") + 2, 2)), str(quotient(var("H") + 1, 2))
    ('2*H + 1', 'floor((H + 1)/2)')
    """
    factors = [factor for _, factor in numerator.terms]
    if all(factor % divisor == 0 for factor in factors):
        terms = tuple((atom, factor // divisor) for atom, factor in numerator.terms)
        return Affine(terms, numerator.constant // divisor)
    return Affine(((Quotient(numerator, divisor), 1),), 0)


def maximum(left: Affine, right: Affine) -> Affine:
    """The larger of two forms, folded when their difference is a number."""
    difference = left - right
    if difference.is_constant:
        return left if difference.constant >= 0 else right
    return Affine(((Maximum(left, right), 1),), 0)


def _canonical(sums: Mapping[Atom, int], constant: int) -> Affine:
    terms = [term for term in sums.items() if term[1]]
    if len(terms) > 1:
        terms.sort(key=_text)
    return Affine(tuple(terms), constant)


def _text(term: tuple[Atom, int]) -> str:
    return str(term[0])
