"""Rolls: the elements of an axis moved along it, and those that fall off put at its start."""

from __future__ import annotations

from symconv.code.held.boxes import array_of
from symconv.code.held.elements import picked
from symconv.code.held.numbers import integer
from symconv.code.held.state import State, call_word
from symconv.code.library.given import Given, Word, axes_of
from symconv.code.source.trouble import ROLLED, Outside
from symconv.code.values.objects import Box, Slice
from symconv.limits import ROLLED_LENGTHS, ROLLED_TURNS
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import equal, nonnegative

__all__ = ["ROLLS"]

_TURNS = sorted(range(-ROLLED_TURNS, ROLLED_TURNS + 1), key=abs)


def _roll(one_for_all: bool) -> Word:
    """Along one axis after the other; in NumPy one shift may stand for all of them."""

    def rolled(state: State, g: Given, name: str) -> Box:
        box: Box = g["input"]
        rank = state.on.rank(array_of(state, box))
        if g.get("axis") is None and rank != 1:
            raise Outside("roll of the flattened array", state.line)
        axes = axes_of(state, g.get("axis") or affine(0), rank)
        given = g["shift"]
        shifts = list(given) if isinstance(given, tuple | list) else [given]
        if len(shifts) == 1 and one_for_all:
            shifts = shifts * len(axes)
        if len(shifts) != len(axes):
            raise state.error(f"roll takes a shift for each axis; given {len(shifts)} for {len(axes)} axes")
        for axis, shift in zip(axes, shifts, strict=True):
            box = _along(state, box, axis, integer(state, shift, "the shift"))
        return box

    return rolled


def _along(state: State, box: Box, axis: int, by: Affine) -> Box:
    size = integer(state, state.on.size(array_of(state, box), axis), "a length")
    shift = _turned(state, by, size)
    if shift == affine(0):
        return box
    # A shift that a loop counts from 0 is none at first, and x[-0:] is all there is.
    counted = state.on.symbolic and not shift.is_constant and state.terms.walk.always(nonnegative(shift))
    cut = size - shift if counted else -shift
    lead = (Slice(),) * axis
    parts = [picked(state, box, (*lead, Slice(cut, None))), picked(state, box, (*lead, Slice(None, cut)))]
    joined: Box = call_word(state, "concatenate", parts, affine(axis))
    return joined


def _turned(state: State, shift: Affine, size: Affine) -> Affine:
    """The shift less whole turns, so that it is at most the length: slices cut what is more."""
    if not state.on.symbolic:
        return affine(shift.constant % size.constant if size.constant else 0)
    always = state.terms.walk.always
    within = always(nonnegative(size - shift)) and always(nonnegative(size + shift))
    if not within and not state.on.decide(nonnegative(size - 1)):
        return affine(0)
    if not within and shift.is_constant and state.terms.partial:
        state.on.require(nonnegative(size - abs(shift.constant)), ROLLED)
        return shift
    for turns in _TURNS:
        left = shift - size * turns
        if always(nonnegative(size - left)) and always(nonnegative(size + left)):
            return left
    if state.terms.partial and not shift.names() <= {*state.terms.walk.base.context.sizes}:
        # A loop over shifts goes round once: kernels are no longer than what they slide along.
        for end in _ends(state, shift):
            state.on.require(nonnegative(size - end), ROLLED)
            state.on.require(nonnegative(size + end), ROLLED)
        return shift
    if not shift.is_constant:
        decide = state.on.decide
        if decide(nonnegative(size - shift)) and decide(nonnegative(size + shift)):
            return shift
        raise Outside(f"roll by {shift}, which may be more than the length {size}", state.line)
    steps = abs(shift.constant)
    if state.on.decide(nonnegative(size - steps)):
        return shift
    for length in range(1, min(steps, ROLLED_LENGTHS)):
        if state.on.decide(equal(size, affine(length))):
            return affine(shift.constant % length)
    raise Outside(f"roll by {shift}, which is more than the length {size}", state.line)


def _ends(state: State, shift: Affine) -> list[Affine]:
    """A shift in the first and the last turns of the loops that it counts."""
    found = [shift]
    for name in sorted(shift.names() & state.terms.limits.keys()):
        (last,) = (one.form + var(name) for one in state.terms.limits[name] if one.form.coefficient(name) == -1)
        found = [one.substitute({name: end}) for one in found for end in (affine(0), last)]
    return found


ROLLS: dict[str, Word] = {"roll": _roll(False), "numpy_roll": _roll(True)}
