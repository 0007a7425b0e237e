"""Products of steps of one quantity: where it is above two bounds it is above the larger, and nowhere past both ends.

``step(u)`` is 1 for u > 0 and else 0, so masks such as ``(x >= -1) & (x <= 1)`` become sums of products of steps.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from symconv.relation.terms import Factor, Term

__all__ = ["settled"]

_WORD = re.compile(r"(-?\d+(?:/\d+)?)((?:\*\w+\{\d+\})*)")
_PLACE = re.compile(r"\*(\w+)\{(\d+)\}")


@dataclass(frozen=True)
class _Linear:
    """``sum of weights times products of elements, plus constant``."""

    weights: Mapping[tuple[str, ...], Fraction]
    constant: Fraction

    def ratio(self, other: _Linear) -> Fraction | None:
        """The number that makes the weights of this one those of the other; None where there is none."""
        if self.weights.keys() != other.weights.keys() or not self.weights:
            return None
        found = {weight / self.weights[key] for key, weight in other.weights.items()}
        return found.pop() if len(found) == 1 else None


def settled(term: Term) -> Term | None:
    """The term with one step where several say the same, and none of a number; None where it is 0."""
    known: dict[Factor, _Linear] = {}
    for factor in dict.fromkeys(term.factors):
        if factor.tensor.startswith("step(") and (linear := _read(factor)) is not None:
            known[factor] = linear
    dropped: set[Factor] = set()
    for one, a in known.items():
        if not a.weights:
            # Of two elements that are one: step(1 + x[n,c] - x[n,c]).
            if a.constant <= 0:
                return None
            dropped.add(one)
    for one, a in known.items():
        for other, b in known.items():
            ratio = a.ratio(b)
            if one == other or ratio is None or {one, other} & dropped:
                continue
            far = b.constant / abs(ratio)
            if ratio < 0 and a.constant + far <= 0:
                return None
            if ratio > 0 and a.constant <= far:
                dropped.add(other)
    factors = tuple(factor for factor in term.factors if factor not in dropped)
    return replace(term, factors=factors) if dropped else term


def _read(factor: Factor) -> _Linear | None:
    """The argument of a step; None where it is no sum of products of elements."""
    index = [str(form) for form in factor.index]
    weights: dict[tuple[str, ...], Fraction] = {}
    constant = Fraction(0)
    for word in factor.tensor.removeprefix("step(")[:-1].split(" + "):
        match = _WORD.fullmatch(word)
        if match is None:
            return None
        elements = []
        for name, count in _PLACE.findall(match.group(2)):
            own, index = index[: int(count)], index[int(count) :]
            elements.append(f"{name}[{','.join(own)}]")
        if elements:
            key = tuple(sorted(elements))
            weights[key] = weights.get(key, Fraction(0)) + Fraction(match.group(1))
        else:
            constant += Fraction(match.group(1))
    return _Linear({key: weight for key, weight in weights.items() if weight}, constant)
