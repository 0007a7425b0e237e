"""The values of indices under affine constraints, at known sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from symconv.errors import SpecError
from symconv.notation.affine import Affine, var
from symconv.notation.expr import Constraint, Range

__all__ = ["MOST", "points"]

MOST = 2_000_000
"""Index values that are tried for one cell: some seconds."""


def points(
    ranges: tuple[Range, ...], where: tuple[Constraint, ...], known: dict[str, int], left: list[int]
) -> Iterator[dict[str, int]]:
    """Every value of the indices under the constraints; they hide indices of the same name around."""
    names = {one.name for one in ranges}
    tied = tuple((constraint, constraint.form.names()) for constraint in where)
    return _found(ranges, tied, {name: value for name, value in known.items() if name not in names}, left)


_Tied = tuple[tuple[Constraint, frozenset[str]], ...]
"""Constraints, each with the names it speaks of."""


def _found(ranges: tuple[Range, ...], where: _Tied, known: dict[str, int], left: list[int]) -> Iterator[dict[str, int]]:
    """An index that the others settle comes first, without a search; a constraint is tried once all of it is known."""
    open_ = tuple(one for one in where if not one[1] <= known.keys())
    if len(open_) < len(where) and not all(_holds(one, known) for one, names in where if names <= known.keys()):
        return
    if not ranges:
        yield known
        return
    alone = [(one, name) for one, names in open_ if len(unknown := names - known.keys()) == 1 for name in unknown
             if _linear(one.form, name)]  # fmt: skip
    settled = {name for one, name in alone if one.equality}
    chosen = next((one for one in ranges if one.name in settled), ranges[0])
    rest = tuple(other for other in ranges if other.name != chosen.name)
    name, low, high = chosen.name, 0, chosen.extent.evaluate(known) - 1
    for constraint in (one for one, bounded in alone if bounded == name):
        a = constraint.form.coefficient(name)
        b = constraint.form.evaluate({**known, name: 0})
        if a > 0 or constraint.equality:
            low = max(low, -(b // a) if a > 0 else -(-b // a))
        if a < 0 or constraint.equality:
            high = min(high, b // -a if a < 0 else -b // a)
    for value in range(low, high + 1):
        left[0] -= 1
        if left[0] < 0:
            raise SpecError(f"more than {MOST:,} index values would have to be tried for this cell: use smaller sizes")
        yield from _found(rest, open_, {**known, name: value}, left)


def _linear(form: Affine, name: str) -> bool:
    """Whether a name stands in a form as a multiple alone, in no quotient."""
    factor = form.coefficient(name)
    return bool(factor) and name not in (form - factor * var(name)).names()


def _holds(constraint: Constraint, known: Mapping[str, int]) -> bool:
    value = constraint.form.evaluate(dict(known))
    return value == 0 if constraint.equality else value >= 0
