"""Nests over boxes: strips of loops whose length is a number of the plan, so that no product of theirs is affine.

A nest is followed in one box, whose strips are any ``0 <= start < end <= total``. What it does to memory that outlives
the box is shown to be *additive*: two boxes side by side do what the box made of both does. As the strips partition
their loop (``relation.lemmas.STRIPS``), all boxes together then do what one box over everything does, and that takes
their place. Boxes apart from each other touch no cell that one of them writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import Binary, Expr, Let, Stmt, Var
from symconv.loops.traverse import substitute
from symconv.relation.instances import meeting
from symconv.relation.lemmas import STRIPS, prove
from symconv.relation.points import Instances, UnclearError, Word
from symconv.relation.sets import Context
from symconv.relation.told import independent, occurs
from symconv.validate.compare import Comparison, held_terms
from symconv.validate.effects import Effect
from symconv.validate.flow import Flow, Strip
from symconv.validate.memory import Held
from symconv.validate.ordering import FaultError
from symconv.validate.polynomial import canonical, expression, polynomial, uses
from symconv.validate.terms import Term, among
from symconv.validate.words import Digits, word

__all__ = ["Mark", "facts_of", "join", "mark", "strip_of", "strips_of"]


def strips_of(digits: Digits, names: Iterable[str], number: int) -> tuple[Digits, tuple[Strip, ...]]:
    """The loops of a nest without those that count strips, and those strips; ``number`` makes their names unique."""
    found: list[Strip] = []
    loops, body = [], digits.body
    for name, length in digits.loops:
        made = strip_of(name, length, body, frozenset(names), f"{name}{number}")
        if made is None:
            loops.append((name, length))
            continue
        found.append(made[0])
        body = made[1]
    flat = {} if found else digits.flat
    return Digits(tuple(loops), body, flat), tuple(found)


def strip_of(
    name: str, length: Expr, body: tuple[Stmt, ...], names: frozenset[str], label: str
) -> tuple[Strip, tuple[Stmt, ...]] | None:
    """The strip that a loop counts, ``ceil(total / step)`` times, and the body without the counter; else None.

    A strip starts at ``step*name``; named are its start, or one so many further on, and its end or its size.
    """
    match length:
        case Binary("//", above, Var(step)) if step in names:
            total = expression(polynomial(sub(add(above, const(1)), Var(step))))
        case _:
            return None
    prove(STRIPS)
    strip = Strip(f"{label}_from", f"{label}_to", total, step)
    start, end, begin = Var(strip.start), Var(strip.end), mul(Var(step), Var(name))
    known: dict[Expr, Expr] = {}
    ends = [(add(begin, Var(step)), total, end), (Var(step), sub(total, begin), sub(end, start))]
    for a, b, value in ends:
        known |= {canonical(Binary("min", x, y)): value for x, y in ((a, b), (b, a))}
    lets: dict[str, Expr] = {}
    rest: list[Stmt] = []
    for statement in body:
        new = statement
        if isinstance(statement, Let):
            value = substitute(statement.value, lets)
            if canonical(value) in known:
                new = Let(statement.name, known[canonical(value)])
            elif uses(statement, {name}):
                lets[statement.name] = value
                new = Let(statement.name, expression(polynomial(add(sub(value, begin), start))))
        if uses(new, {name}):
            raise UnclearError(f"{name} counts strips and is used in another way")
        rest.append(new)
    return strip, tuple(rest)


def facts_of(strips: Iterable[Strip], values: Mapping[str, Word] | None = None) -> tuple[Word, ...]:
    """What is known inside a box; ``values`` are the integers named around it."""
    return tuple(
        Word(text)
        for s in strips
        for text in (
            f"0 <= {s.start}",
            f"{s.start} < {s.end}",
            f"{s.end} <= {word(s.total, values or {}).text}",
            f"{s.end} <= {s.start} + {s.step}",
        )
    )


Mark = dict[str, tuple[int, int, int, int]]


def mark(flow: Flow) -> Mark:
    """How much every buffer holds by now."""
    return {name: _amounts(held) for name, held in flow.held.items()}


def _amounts(held: Held) -> tuple[int, int, int, int]:
    return len(held.cleared), len(held.passes[-1]), len(held.values), len(held.added)


def join(
    flow: Flow, before: Mark, effects: int, strips: tuple[Strip, ...], parallel: bool, inside: frozenset[str]
) -> None:
    """Put one box over everything in the place of all boxes, in what a nest did since the mark and ``effects``.

    What is held ``inside`` ends with its box. Raises FaultError or UnclearError where boxes do not add up, or meet.
    """
    shared = [name for name in flow.held if name not in inside]
    told = [_told(flow, e) if e.buffer in shared and e.stage is not None else e for e in flow.effects[effects:]]
    known = [effect for effect in told if effect is not None]
    touching = [e for e in known if e.buffer in shared]
    if parallel:
        _alone(flow, touching, strips)
    else:
        _in_order(flow, touching, strips)
    for name in shared:
        held = flow.held[name]
        start = before.get(name, (0, 0, 0, 0))
        if _amounts(held) != start:
            _added(flow, name, held, start, strips)
    whole = {name: text for strip in strips for name, text in _whole(strip).items()}
    flow.effects[effects:] = [
        replace(e, points=renamed(e.points, whole), owner=() if parallel else e.owner)
        if e.buffer in shared and e.stage is not None
        else e
        for e in known
    ]


def _told(flow: Flow, effect: Effect) -> Effect | None:
    """A write told without the numbers of a plan; None where there is none."""
    points = independent(flow.context, effect.points, flow.plan)
    return None if points is None else replace(effect, points=points)


def _added(flow: Flow, name: str, held: Held, start: tuple[int, int, int, int], strips: tuple[Strip, ...]) -> None:
    """Show that what a nest added to a buffer is additive in each strip, and replace it by the whole."""
    parts = Held(
        held.cleared[start[0] :], [held.passes[-1][start[1] :]], held.values[start[2] :], held.added[start[3] :]
    )
    parts.op, parts.combined = held.op, held.combined
    parts = _without(flow, parts)
    for strip in strips:
        _additive(flow, name, parts, strip)
        parts = _substituted(parts, _whole(strip))
    held.cleared[start[0] :] = parts.cleared
    held.passes[-1][start[1] :] = parts.passes[0]
    held.values[start[2] :] = parts.values
    held.added[start[3] :] = parts.added


def _without(flow: Flow, parts: Held) -> Held:
    """The same, told without the numbers of a plan: whatever they are, it is the same that is stored."""

    def rule(points: Instances) -> Instances | None:
        return independent(flow.context, points, flow.plan)

    def every(points: Iterable[Instances]) -> list[Instances]:
        return [told for one in points if (told := rule(one)) is not None]

    cuts = frozenset(flow.cuts)
    pairs = [(rule(points), points, tree) for points, tree in parts.values]
    values = [(told, tree.at(points, cuts).among(rule)) for told, points, tree in pairs if told is not None]
    found = Held(every(parts.cleared), [every(parts.passes[0])], values, list(among(parts.added, rule)))
    found.op, found.combined = parts.op, parts.combined
    return found


def _additive(flow: Flow, name: str, parts: Held, strip: Strip) -> None:
    """``[start, middle)`` and ``[middle, end)`` together make up ``[start, end)``."""
    middle = f"{strip.start}_m"
    cuts = ((strip.start, middle), (middle, strip.end), (strip.start, strip.end))
    total = word(strip.total, {}).text
    order = (f"0 <= {strip.start}", f"{strip.start} < {middle}", f"{middle} < {strip.end}", f"{strip.end} <= {total}")
    context = Context((*flow.context.sizes, middle), " and ".join(filter(None, (flow.plainer.facts, *order))))
    sides = [_substituted(parts, {strip.start: f"({low})", strip.end: f"({high})"}) for low, high in cuts]
    comparison = Comparison(context, name, {})
    for one, other, whole in ([side.cleared for side in sides], [side.passes[0] for side in sides]):
        comparison.stores([*one, *other], whole, " by boxes")
    terms: list[list[Term]] = [held_terms(side, flow.cuts) for side in sides]
    comparison.terms([*terms[0], *terms[1]], terms[2])


def _whole(strip: Strip) -> dict[str, str]:
    """One box over everything."""
    return {strip.start: "(0)", strip.end: f"({word(strip.total, {}).text})"}


def renamed(points: Instances, names: Mapping[str, str]) -> Instances:
    """Instances with names, or texts in parentheses, in place of names that are no variables of theirs."""
    facts, image = (tuple(w.renamed(names) for w in words) for words in (points.facts, points.image))
    return Instances(points.dims, facts, image)


def _substituted(parts: Held, names: Mapping[str, str]) -> Held:
    found = Held(
        [renamed(p, names) for p in parts.cleared],
        [[renamed(p, names) for p in parts.passes[0]]],
        [(renamed(p, names), tree.renamed(names)) for p, tree in parts.values],
        [replace(t, tree=t.tree.renamed(names), instances=renamed(t.instances, names)) for t in parts.added],
    )
    found.op, found.combined = parts.op, parts.combined
    return found


def _alone(flow: Flow, effects: Sequence[Effect], strips: tuple[Strip, ...]) -> None:
    """No box touches a cell of memory of all that another box writes."""
    for write, other in product([e for e in effects if e.stage is not None], effects):
        for strip in strips if write.buffer == other.buffer else ():
            for later in (True, False):
                if point := _meet(flow, write, other, strips, strip, later):
                    raise FaultError(f"two boxes touch one cell of {write.buffer}, and one writes it: {point}")


def _in_order(flow: Flow, effects: Sequence[Effect], strips: tuple[Strip, ...]) -> None:
    """Strips one after the other: nothing is stored to cells that an earlier strip combined or read."""
    for write, other in product([e for e in effects if e.stage is not None], effects):
        if write.buffer != other.buffer:
            continue
        early = other.stage is None or (write.stage is not None and write.stage < other.stage)
        for strip in strips if early else ():
            if point := _meet(flow, other, write, strips, strip, True):
                raise FaultError(f"a cell of {write.buffer} is stored after an earlier strip used it: {point}")
        if other.stage is None and any(_meet(flow, write, other, strips, strip, True) for strip in strips):
            raise UnclearError(f"strips read what earlier strips left in {write.buffer}")


def _meet(flow: Flow, one: Effect, other: Effect, strips: tuple[Strip, ...], strip: Strip, later: bool) -> str | None:
    """A cell that ``one`` touches in some box and ``other`` in one behind it (or before it) along ``strip``."""
    names = {name: f"{name}_o" for each in strips for name in (each.start, each.end)}
    order = f"{strip.end} <= {names[strip.start]}" if later else f"{names[strip.end]} <= {strip.start}"
    context = Context((*flow.context.sizes, *names.values()), flow.plainer.facts)
    first = replace(one.points, facts=(*one.points.facts, Word(order)))
    second = renamed(other.points, names)
    sizes = frozenset(context.sizes)
    # Often the strips alone say that there are no such boxes.
    alone = tuple(fact for each in (first, second) for fact in each.facts if fact.names <= sizes)
    return meeting(context, first, second) if occurs(context, Instances((), alone)) else None
