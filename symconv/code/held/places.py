"""Places of extremes that an array holds, put there one by one: ``arg[i, j] = np.argmax(x[i:i + k, j:j + k])``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from symconv.code.held.boxes import root_of
from symconv.code.held.elements import plan_of
from symconv.code.held.state import State
from symconv.code.source.trouble import Outside
from symconv.code.values.kinds import INT
from symconv.code.values.objects import Box, Choice, Chosen, Span
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint

__all__ = ["is_place", "place_at", "store_place"]

_ONE_BY_ONE = "places of extremes in an array are stored once and read one by one, with an index for each axis"


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """What an array of whole numbers holds: a place for each value of the ``indices`` of loops within ``limits``.

    It is one number, or those along the axes of a window as ``np.unravel_index`` gives them. ``known`` are those that
    were read, by the indices, so that both numbers of one place are those of one.
    """

    indices: tuple[str, ...]
    limits: tuple[Constraint, ...]
    place: Choice | tuple[Chosen, ...]
    known: dict[tuple[Affine, ...], Choice | tuple[Chosen, ...]] = field(default_factory=dict)


def is_place(value: Any) -> bool:
    """Whether a value is the place of an extreme, or the numbers of one along each axis."""
    if isinstance(value, tuple):
        return bool(value) and all(isinstance(one, Chosen) and one.choice is value[0].choice for one in value)
    return isinstance(value, Choice)


def store_place(state: State, box: Box, entries: tuple[Any, ...], value: Any) -> None:
    """``box[i, j] = place`` in loops over all the indices; raises Outside for all else."""
    plan = plan_of(state, box.value, entries)
    inner = plan[: len(plan) - isinstance(value, tuple)]
    indices = [form.name for form in inner if isinstance(form, Affine) and form.name is not None]
    loops = {frame.index for level, frame in enumerate(state.frames) if level >= box.depth}
    new = box.base is None and box.places is None and box.kind == INT and not state.masks
    if (
        not new
        or len({*indices}) < len(inner)
        or {*indices} != loops
        or not _whole(state, box, plan[len(inner) :], value)
    ):
        raise Outside(_ONE_BY_ONE, state.line)
    limits = tuple(c for _, more in state.terms.walk.around for c in more)
    box.places = Places(tuple(indices), limits, value)
    box.version += 1


def _whole(state: State, box: Box, rest: Sequence[Any], value: Any) -> bool:
    """Whether what is left of a subscript is an axis of as many elements as there are numbers."""
    if not isinstance(value, tuple):
        return not rest
    span = isinstance(rest[0], Span) and rest[0].whole
    return span and state.on.size(box.value, state.on.rank(box.value) - 1) == affine(len(value))


def place_at(state: State, box: Box, entries: tuple[Any, ...]) -> Any:
    """``box[i, j]`` of an array that holds places; None of others."""
    held = root_of(box).places
    if held is None:
        return None
    plan = plan_of(state, box.value, entries) if box.places is held else ()
    count = len(held.indices)
    at = tuple(form for form in plan[:count] if isinstance(form, Affine))
    rest = plan[count:]
    if len(at) < count or not all(isinstance(one, Affine) or (isinstance(one, Span) and one.whole) for one in rest):
        raise Outside(_ONE_BY_ONE, state.line)
    put = dict(zip(held.indices, at, strict=True))
    if not all(state.terms.walk.always(one.substitute(put)) for one in held.limits):
        raise Outside("a place of an extreme is read where none was stored", state.line)
    if at not in held.known:
        held.known[at] = _moved(state, held.place, put)
    found = held.known[at]
    match rest:
        case (Affine() as number,) if isinstance(found, tuple) and number.is_constant:
            return found[number.constant]
    return found


def _moved(state: State, place: Choice | tuple[Chosen, ...], put: dict[str, Affine]) -> Choice | tuple[Chosen, ...]:
    """The place at other indices."""
    if isinstance(place, tuple):
        choice = _moved(state, place[0].choice, put)
        assert isinstance(choice, Choice)
        return tuple(replace(one, choice=choice, offset=one.offset.substitute(put)) for one in place)
    taps = state.terms.walk.fresh.several(len(place.taps))
    new = {**put, **{old: var(name) for old, name in zip(place.taps, taps, strict=True)}}
    sizes = tuple(one.substitute(put) for one in place.sizes)
    limits = tuple(one.substitute(new) for one in place.limits)
    return state.terms.told(
        replace(place, taps=taps, sizes=sizes, limits=limits, indicator=place.indicator.substitute(new))
    )
