"""Padding that repeats what is inside: reflected, mirrored, the last element, or around."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from symconv.notation.affine import Affine, affine
from symconv.notation.expr import nonnegative
from symconv.prove.meaning.addresses import Position, read_at
from symconv.prove.meaning.arrays import length
from symconv.prove.meaning.scope import Scope
from symconv.prove.meaning.value import Term, Value, axis, build, inside

__all__ = ["BORDERED", "bordered"]

BORDERED = " pad of "
"""What sentences say of an axis that is too short to be repeated."""


def bordered(scope: Scope, value: Value, pads: Mapping[int, tuple[Affine, Affine]], mode: str) -> Value:
    """The array with its own elements before and after, axis by axis; sizes too short for that are refused."""
    for at, (lo, hi) in pads.items():
        if lo == affine(0) == hi:
            continue
        size = length(scope, value, at)
        room = {"reflect": size - 1, "replicate": None}.get(mode, size)
        for pad in (lo, hi):
            scope.require(nonnegative(pad), f"a {mode}{BORDERED}{pad}")
            if room is not None:
                scope.require(nonnegative(room - pad), f"a {mode}{BORDERED}{pad} on an axis of length {size}")
        scope.require(nonnegative(size - 1), f"a {mode}{BORDERED}no elements")
        axes = [axis(size + lo + hi) if k == at else old for k, old in enumerate(value.axes)]
        value = build(scope.fresh, axes, _Body(scope, value, at, lo, size, mode))
    return value


class _Body:
    """The element of a padded axis: inside, before, after."""

    def __init__(self, scope: Scope, value: Value, at: int, lo: Affine, size: Affine, mode: str) -> None:
        self.scope, self.value, self.at, self.lo, self.size, self.mode = scope, value, at, lo, size, mode

    def __call__(self, *groups: tuple[Affine, ...]) -> Iterator[Term]:
        form = (groups[self.at][0] if groups[self.at] else affine(0)) - self.lo
        before, after = self._outside(form)
        pieces = (
            (form, inside(form, self.size)),
            (before, (nonnegative(-form - 1),)),
            (after, (nonnegative(form - self.size),)),
        )
        for place, where in pieces:
            positions: list[Position] = [place if k == self.at else group for k, group in enumerate(groups)]
            for term in read_at(self.scope.fresh, self.value, positions):
                yield term.under(*where)

    def _outside(self, form: Affine) -> tuple[Affine, Affine]:
        match self.mode:
            case "reflect":
                return -form, self.size * 2 - 2 - form
            case "symmetric":
                return -form - 1, self.size * 2 - 1 - form
            case "circular":
                return form + self.size, form - self.size
        return affine(0), self.size - 1
