"""Elements of arrays: those that a subscript names, read and changed."""

from __future__ import annotations

from typing import Any

from symconv.code.arrays.infinite import is_infinite
from symconv.code.arrays.slicing import composed
from symconv.code.held.accesses import touched
from symconv.code.held.boxes import array_of, boxed, changeable, current, root_of, view_of
from symconv.code.held.masks import kept_where, shown
from symconv.code.held.numbers import constant, integer
from symconv.code.held.state import State
from symconv.code.source.trouble import Outside
from symconv.code.values.kinds import BOOL, fits, kind_of
from symconv.code.values.objects import Box, Chosen, Plan, Slice, Span, one_number
from symconv.notation.affine import Affine, affine

__all__ = ["change", "picked", "plan_of", "position_of", "put", "scatter"]


def picked(state: State, box: Box, entries: tuple[Any, ...]) -> Box:
    """The elements a subscript names: a view."""
    array = current(state, box)
    if any(isinstance(entry, Box) for entry in entries):
        named = plan_of(state, array, entries)
        touched(state, box, _around(state, named), "read")
        return boxed(state, state.on.pick(array, named), kind_of(box))
    plan = plan_of(state, array, entries)
    found = state.on.pick(array, plan)
    if any(isinstance(one_number(entry), Chosen) for entry in entries):
        touched(state, box, plan, "read")
        return boxed(state, state.terms.chosen(found, plan), kind_of(box))
    if not any(item is None or isinstance(item, Span) for item in plan):
        return _element(state, box, found, plan)
    return view_of(state, box, found, lambda value: state.on.pick(value, plan), plan)


def _around(state: State, plan: Any) -> Plan:
    """What a subscript names, with the whole axis where an array says the positions."""
    return tuple(Span(affine(0), None, 1, True) if state.on.positions(one) else one for one in plan)


def _element(state: State, box: Box, found: Any, plan: Plan) -> Box:
    """One element: a number in NumPy, a view in PyTorch."""
    element = view_of(state, box, found, lambda value: state.on.pick(value, plan), plan)
    element.scalar = True
    return element


def plan_of(state: State, array: Any, entries: tuple[Any, ...]) -> Plan:
    """The subscript of an array, an item per axis."""
    rank = state.on.rank(array)
    count = sum(entry is not None and entry is not Ellipsis for entry in entries)
    if count > rank:
        raise state.error(f"the subscript has {count} entries; the array has {rank} axes")
    if sum(entry is Ellipsis for entry in entries) > 1:
        raise state.error("the subscript has several ...; one stands for all axes that are not named")
    if Ellipsis not in [e for e in entries if not isinstance(e, Affine)]:
        entries = (*entries, Ellipsis)
    items: list[Any] = []
    axis = 0
    whole_axis = Span(affine(0), None, 1, True)
    for entry in map(one_number, entries):
        if entry is None:
            items.append(None)
            continue
        if entry is Ellipsis:
            items += [whole_axis] * (rank - count)
            axis += rank - count
            continue
        if isinstance(entry, Box) and (state.on.rank(current(state, entry)) or _is_label(state, entry)):
            items.append(position_of(state, entry))
        elif isinstance(entry, Chosen):
            items.append(state.terms.place(entry, array, axis))
        elif isinstance(entry, Slice):
            items.append(_span(state, array, entry, axis))
        else:
            items.append(state.on.index(integer(state, entry, "an index"), array, axis))
        axis += 1
    return tuple(items)


def _is_label(state: State, entry: Box) -> bool:
    """Whether an array without axes is one of the labels."""
    return state.on.positions(current(state, entry))


def position_of(state: State, entry: Box) -> Any:
    """An array as an entry of a subscript: one of positions."""
    value = current(state, entry)
    if entry.mask or not state.on.positions(value):
        what = "a mask" if entry.mask else "an array that is none of positions"
        raise Outside(f"elements are picked by {what}", state.line)
    return value


def _span(state: State, array: Any, entry: Slice, axis: int) -> Span:
    start, stop = (None if b is None else integer(state, b, "a bound of a slice") for b in (entry.start, entry.stop))
    step = 1 if entry.step is None else constant(state, entry.step, "the step of a slice")
    if step == 0:
        raise state.error("the step of a slice is 0")
    found = state.on.span(start, stop, step, array, axis)
    assert isinstance(found, Span)
    return found


def scatter(state: State, box: Box, plan: Any, new: Any, sign: int, how: str) -> None:
    """Changes the elements that positions name."""
    changeable(state, box)
    if not state.on.symbolic:
        state.on.scatter(box.value, plan, new, sign, how)
        root_of(box).version += 1
        return
    if box.base is not None:
        raise Outside("elements that positions name are changed in a view", state.line)
    if how == "=" and bool(state.masks):
        raise Outside("elements that positions name are replaced under a condition on elements", state.line)
    touched(state, box, _around(state, plan), "set" if how == "=" else "add")
    box.value = state.on.scatter(box.value, plan, shown(state, new), sign, how)
    box.version += 1


def change(state: State, box: Box, plan: Plan, new: Any, sign: int, replacing: bool) -> None:
    """``box[plan] = new``, or plus ``sign*new``, in the array that ``box`` is a view of."""
    changeable(state, box)
    if any(state.on.positions(one) for one in plan):
        scatter(state, box, plan, new, sign, "=" if replacing else "+=")
        return
    if not state.on.symbolic:
        found = state.on.update(box.value, plan, new, sign, replacing, True)
        if box.base is not None and is_infinite(found) and not is_infinite(box.value):
            raise Outside("minus infinity is put into a part of an array", state.line)
        box.value = found
        root_of(box).version += 1
        return
    while box.base is not None:
        if box.plan is None:
            raise Outside("the elements of an array are changed under another shape", state.line)
        plan, box = composed(box.plan, plan), box.base
    touched(state, box, plan, "set" if replacing else "add")
    new = kept_where(state, state.on.pick(box.value, plan), new) if replacing else shown(state, new)
    box.value = state.on.update(box.value, plan, new, sign, replacing, box.depth == state.depth)
    box.version += 1


def put(state: State, box: Box, plan: Any, value: Any, sign: int = 1, replacing: bool = True) -> None:
    """``box[plan] = value``, or plus ``sign*value``; refused where the array would cut the numbers."""
    if not fits(box, value) or (not replacing and kind_of(box) == BOOL):
        raise Outside(f"an array of {kind_of(box)} values takes {kind_of(value)} ones: they are cut there", state.line)
    change(state, box, plan, array_of(state, value), sign, replacing)
