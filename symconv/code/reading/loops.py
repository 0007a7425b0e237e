"""Loops whose number of iterations is a size: the body is read once, and what it adds is summed over the index."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from symconv.code.held.accesses import check_apart
from symconv.code.held.boxes import array_of, boxed, fixed
from symconv.code.held.frames import Frame
from symconv.code.held.numbers import integer
from symconv.code.held.operators import binary
from symconv.code.held.state import State, evaluate, looping
from symconv.code.source.aliases import names_in
from symconv.code.source.growth import Growth, growth
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import arithmetic, extreme, is_number, number_of
from symconv.code.values.objects import Box, Series, Stale, Unbound
from symconv.notation.affine import Affine, affine, quotient, var
from symconv.notation.expr import Constraint, nonnegative
from symconv.prove.meaning.scope import Undecided
from symconv.prove.meaning.value import Term, Value, inside

__all__ = ["steps_of", "symbolic_loop", "while_loop"]

_TURNED = {ast.Lt: (1, -1), ast.LtE: (1, 0), ast.Gt: (-1, -1), ast.GtE: (-1, 0)}
"""Per comparison the sign of ``right - left``, and what is added to it, so that it is at least 0 where it holds."""


def symbolic_loop(state: State, body: list[ast.stmt], count: Affine, start: Callable[[Affine], None],
                  bound: frozenset[str] = frozenset(),
                  steps: Mapping[str, Affine] | None = None) -> None:  # fmt: skip
    """Runs the body once for an index, and sums what it adds over all of them.

    ``start`` binds the targets, ``bound``, at the value of the index; ``steps`` says how names are counted.
    """
    walk = state.terms.walk
    index = walk.fresh()
    limits = inside(var(index), count)
    frame = Frame(index, scope=state.names)
    state.terms.limits[index] = limits
    outside = dict(state.names)
    found = growth(body)
    steps = steps_of(state, found, bound) if steps is None else steps
    grown = {name for name in found.added - found.assigned - steps.keys()
             if _grows(state, name) or (name in found.rebound and _is_box(state, name))}  # fmt: skip
    _begun(state, frame, found, bound, grown, steps)
    with looping(state, frame), walk.inside([index], limits) as some:
        if some:
            start(var(index))
            for name, by in steps.items():
                state.names[name] = outside[name] + var(index) * by.constant
            state.rules.statements(state, body)
    check_apart(state, frame, index, limits)
    _added_up(state, frame, index, limits)
    _renamed(state, outside, found.assigned | bound, grown, frame, index, limits, count)
    for name, by in steps.items():
        runs = extreme("max", count, affine(0), state.on.decide)
        state.names[name] = arithmetic("+", outside[name], arithmetic("*", runs, by))
    _lists_grown(state, frame, index, count)


def _begun(state: State, frame: Frame, found: Growth, bound: frozenset[str], grown: set[str],
           steps: Mapping[str, Affine]) -> None:  # fmt: skip
    for name in (found.assigned | found.added) - bound - grown - steps.keys():
        held = state.names.get(name, Unbound(""))
        if not isinstance(held, Unbound) and not (name in found.added and isinstance(held, Box)):
            state.names[name] = Stale(f"{name} has the value of an earlier iteration")
    for name in grown:
        frame.sums[name] = state.names[name]
        state.names[name] = affine(0)
    for name in found.listed:
        held = state.names.get(name)
        if isinstance(held, list):
            frame.lists[name] = held
            state.names[name] = [] if not held else Stale(f"{name} holds something before the loop it grows in")


def steps_of(state: State, found: Growth, bound: frozenset[str] = frozenset()) -> dict[str, Affine]:
    """By how much each name is counted in one iteration, where that is one number; the targets are ``bound``."""
    result: dict[str, Affine] = {}
    for name, nodes in found.steps.items():
        if not nodes or not isinstance(state.names.get(name), Affine):
            continue
        total: Any = affine(0)
        for node in nodes:
            if isinstance(node, ast.AugAssign):
                part, op = node.value, node.op
            else:
                assert isinstance(node.value, ast.BinOp)
                first = isinstance(node.value.left, ast.Name) and node.value.left.id == name
                part, op = (node.value.right if first else node.value.left), node.value.op
            if names_in(part) & (found.assigned | found.added | bound):
                break
            by = evaluate(state, part)
            if not isinstance(by, Affine) or not by.is_constant:
                break
            total = total + by if isinstance(op, ast.Add) else total - by
        else:
            result[name] = total
    return result


def while_loop(state: State, node: ast.While) -> None:
    """``while`` over sizes, with names that are counted: as often as its condition holds."""
    found = growth(node.body)
    steps = steps_of(state, found)
    if node.orelse or any(isinstance(one, ast.Break) for top in node.body for one in ast.walk(top)):
        raise Outside("while with break or else", state.line)
    if changed := names_in(node.test) & ((found.assigned | found.added | found.listed) - steps.keys()):
        raise Outside(f"the condition of while depends on {min(changed)}, which its body changes", state.line)
    form, by = _room(state, node.test, steps)
    count = quotient(form, -by) + 1
    if not count.is_constant:
        count = state.terms.walk.short(count)
    symbolic_loop(state, node.body, count, lambda _: None, frozenset(), steps)


def _room(state: State, test: ast.expr, steps: Mapping[str, Affine]) -> tuple[Affine, int]:
    """The form that is at least 0 as long as a loop runs, and how much less it is after each iteration."""
    wanted = "while is read where it counts a name up to a bound"
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or type(test.ops[0]) not in _TURNED:
        raise Outside(f"{wanted}; it compares nothing", state.line)
    before = dict(state.names)
    sign, more = _TURNED[type(test.ops[0])]
    forms = []
    for turn in (0, 1):
        for name, by in steps.items():
            state.names[name] = before[name] + by * turn
        left, right = (integer(state, evaluate(state, one), "a bound") for one in (test.left, test.comparators[0]))
        forms.append((right - left) * sign + more)
    for name in steps:
        state.names[name] = before[name]
    change = forms[1] - forms[0]
    if not change.is_constant or change.constant >= 0:
        raise Outside(f"{wanted}; nothing in it comes nearer to the bound by a known number", state.line)
    return forms[0], change.constant


def _is_box(state: State, name: str) -> bool:
    return isinstance(state.names.get(name), Box)


def _grows(state: State, name: str) -> bool:
    held = state.names.get(name)
    return is_number(held) or (isinstance(held, Box) and state.on.rank(held.value) == 0)


def _renamed(state: State, outside: dict[str, Any], assigned: frozenset[str], grown: set[str], frame: Frame, index: str,
             limits: tuple[Constraint, ...], count: Affine) -> None:  # fmt: skip
    for name in grown:
        gain, held = state.names[name], frame.sums[name]
        if is_number(gain):
            state.names[name] = _grown(state, name, gain, held, index, count)
            continue
        array = array_of(state, gain)
        summed = Value(array.axes, array.names, tuple(_over(array.terms, index, limits)))
        state.names[name] = (
            binary(state, "+", held, boxed(state, summed)) if held != affine(0) else boxed(state, summed)
        )
    runs = _runs(state, count)
    for name in assigned:
        value = state.names.get(name)
        same = name in outside and value is outside[name]
        plain = value is None or isinstance(value, str | bool | Box | Affine)
        if name in state.names and not same and (not runs or not plain or _mentions(value, index)):
            state.names[name] = Stale(f"{name} has the value of the last iteration")


def _runs(state: State, count: Affine) -> bool:
    """Whether a loop runs at least once, at all sizes."""
    try:
        return bool(state.terms.walk.always(nonnegative(count - 1)))
    except Undecided:
        return False


def _grown(state: State, name: str, gain: Any, held: Any, index: str, count: Affine) -> Any:
    """A number after a loop in which it grew by the same in each iteration."""
    gain = number_of(gain)
    if isinstance(gain, Affine) and index in gain.names():
        return Stale(f"{name} is a sum over the index of a loop")
    try:
        total: Any = arithmetic("*", gain, extreme("max", count, affine(0), state.on.decide))
        return arithmetic("+", number_of(held), total) if is_number(held) else binary(state, "+", held, total)
    except Undecided as reason:
        return Stale(f"{name} after the loop: {reason}")


def _lists_grown(state: State, frame: Frame, index: str, count: Affine) -> None:
    """Lists that got an element in each iteration."""
    for name, held in frame.lists.items():
        now = state.names.get(name)
        if isinstance(now, list) and len(now) == 1 and isinstance(now[0], Box | Series):
            # A list of rows, each of which grew in a loop of its own, is read as one of arrays.
            one = now[0] if isinstance(now[0], Box) else boxed(state, array_of(state, now[0]))
            state.names[name] = Series((index,), (count,), fixed(state, one))
        elif isinstance(now, Series) and not held:
            state.names[name] = Series((index, *now.names), (count, *now.counts), now.element)
        elif now != []:
            state.names[name] = Stale(f"{name} gets another number of elements than one in each iteration")
        else:
            state.names[name] = held


def _added_up(state: State, frame: Frame, index: str, limits: tuple[Constraint, ...]) -> None:
    """Every array that was changed gets what all iterations add."""
    for box, before in frame.before.items():
        now = box.value
        if not (isinstance(before, Value) and isinstance(now, Value)):
            raise Outside("whole numbers of np.arange are changed in a loop", state.line)
        new = now.terms[len(before.terms) :]
        if now.terms[: len(before.terms)] != before.terms:
            raise Outside("an array is replaced in a loop", state.line)
        box.value = Value(now.axes, now.names, (*before.terms, *_over(new, index, limits)))
        box.version += 1


def _over(terms: tuple[Term, ...], index: str, limits: tuple[Constraint, ...]) -> Iterator[Term]:
    """The terms summed over an index."""
    for term in terms:
        yield replace(term, bound=(*term.bound, index)).under(*limits)


def _mentions(value: Any, index: str) -> bool:
    if isinstance(value, Affine):
        return index in value.names()
    if not isinstance(value, Box):
        return False
    if not isinstance(value.value, Value):
        return True
    if any(term.tables for term in value.value.terms):
        return True
    forms = [f for t in value.value.terms for factor in t.factors for f in factor.index]
    forms += [c.form for t in value.value.terms for c in t.where]
    forms += [form for t in value.value.terms for form, _ in t.scale]
    forms += [form for one in value.value.axes for form in one.sizes]
    return any(index in form.names() for form in forms)
