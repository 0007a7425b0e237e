"""Nests over boxes: strips of loops whose length is a number of the plan, so that no product of theirs is affine.

A nest is followed in one box, whose strips are any ``0 <= start < end <= total``. What it does to memory that outlives
the box is shown to be *additive*: two boxes side by side do what the box made of both does. As the strips partition
their loop (``relation.lemmas.STRIPS``), all boxes together then do what one box over everything does, and that takes
their place. Boxes apart from each other touch no cell that one of them writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from symconv.loops.arith import add, const, simplify, sub
from symconv.loops.ir import Binary, Const, Expr, Let, Stmt, Var
from symconv.loops.traverse import substitute, walk
from symconv.relation.instances import meeting
from symconv.relation.lemmas import STRIPS, prove
from symconv.relation.points import Instances, UnclearError, Word
from symconv.relation.sets import Context
from symconv.validate.compare import Comparison, held_terms
from symconv.validate.effects import Effect
from symconv.validate.flow import Flow
from symconv.validate.memory import Held
from symconv.validate.ordering import FaultError
from symconv.validate.terms import Term
from symconv.validate.words import Digits, word

__all__ = ["Mark", "Strip", "facts_of", "join", "mark", "strips_of"]


@dataclass(frozen=True, slots=True)
class Strip:
    """One strip of ``0 .. total-1``, of ``step`` numbers or what is left; ``start`` and ``end`` are names."""

    start: str
    end: str
    total: Expr
    step: str


def strips_of(digits: Digits, parameters: Iterable[str], number: int) -> tuple[Digits, tuple[Strip, ...]]:
    """The loops of a nest without those that count strips, and those strips; ``number`` makes their names unique."""
    found: list[Strip] = []
    loops, body = [], digits.body
    for name, length in digits.loops:
        made = _strip(name, length, body, frozenset(parameters), number)
        if made is None:
            loops.append((name, length))
            continue
        prove(STRIPS)
        found.append(made[0])
        body = made[1]
    flat = {} if found else digits.flat
    return Digits(tuple(loops), body, flat), tuple(found)


def _strip(
    name: str, length: Expr, body: tuple[Stmt, ...], parameters: frozenset[str], number: int
) -> tuple[Strip, tuple[Stmt, ...]] | None:
    """The strip that a loop counts: ``start = step*name`` and ``end = min(start + step, total)``."""
    for at, statement in enumerate(body):
        match statement:
            case Let(start, Binary("*", left, right)) if Var(name) in (left, right):
                step = right if left == Var(name) else left
            case _:
                continue
        if not (isinstance(step, Var) and step.name in parameters):
            return None
        for later in range(at + 1, len(body)):
            match body[later]:
                case Let(end, Binary("min", a, b)):
                    total = next((t for t, o in ((b, a), (a, b)) if _same(o, add(Var(start), step))), None)
                    if total is not None and _counts(length, total, step):
                        rest = (*body[:at], *body[at + 1 : later], *body[later + 1 :])
                        if any(node == Var(name) for s in rest for node in walk(s)):
                            raise UnclearError(f"{name} counts strips and is used in another way")
                        names = {start: Var(f"{start}_b{number}"), end: Var(f"{end}_b{number}")}
                        strip = Strip(names[start].name, names[end].name, total, step.name)
                        return strip, tuple(substitute(s, dict(names)) for s in rest)
        raise UnclearError(f"the strips that {name} counts have no end")
    return None


def _counts(length: Expr, total: Expr, step: Expr) -> bool:
    """Whether a length is ``ceil(total / step)``."""
    match length:
        case Binary("//", value, by) if by == step:
            return _same(value, sub(add(total, step), const(1)))
    return False


def _same(one: Expr, other: Expr) -> bool:
    return _linear(one) == _linear(other)


def _linear(expr: Expr) -> dict[Expr | None, int]:
    """A sum as its parts with their factors; numbers stand under None."""
    found: dict[Expr | None, int] = {}

    def take(node: Expr, factor: int) -> None:
        match node:
            case Const(value, False) if value.denominator == 1:
                found[None] = found.get(None, 0) + factor * int(value)
            case Binary("+", a, b):
                take(a, factor)
                take(b, factor)
            case Binary("-", a, b):
                take(a, factor)
                take(b, -factor)
            case Binary("*", Const(value, False), a) | Binary("*", a, Const(value, False)) if value.denominator == 1:
                take(a, factor * int(value))
            case _:
                found[node] = found.get(node, 0) + factor

    take(simplify(expr), 1)
    return {node: factor for node, factor in found.items() if factor}


def facts_of(strips: Iterable[Strip]) -> tuple[Word, ...]:
    """What is known inside a box."""
    return tuple(
        Word(text)
        for s in strips
        for text in (
            f"0 <= {s.start}",
            f"{s.start} < {s.end}",
            f"{s.end} <= {word(s.total, {}).text}",
            f"{s.end} <= {s.start} + {s.step}",
        )
    )


Mark = dict[str, tuple[int, int, int, int]]


def mark(flow: Flow) -> Mark:
    """How much every buffer holds by now."""
    return {name: _amounts(held) for name, held in flow.held.items()}


def _amounts(held: Held) -> tuple[int, int, int, int]:
    return len(held.cleared), len(held.passes[-1]), len(held.values), len(held.added)


def join(flow: Flow, before: Mark, effects: int, strips: tuple[Strip, ...], parallel: bool) -> None:
    """Put one box over everything in the place of all boxes, in what a nest did since the mark and ``effects``.

    Raises FaultError or UnclearError where boxes do not add up, or meet in a cell.
    """
    shared = [name for name in flow.held if flow.kernel.buffer(name).role != "private"]
    _alone(flow, [e for e in flow.effects[effects:] if e.buffer in shared], strips, parallel)
    for name in shared:
        held = flow.held[name]
        start = before.get(name, (0, 0, 0, 0))
        if _amounts(held) != start:
            _added(flow, name, held, start, strips)
    whole = {name: text for strip in strips for name, text in _whole(flow, strip).items()}
    for at in range(effects, len(flow.effects)):
        one = flow.effects[at]
        if one.buffer in shared and one.stage is not None:
            flow.effects[at] = replace(one, points=renamed(one.points, whole), owner=())


def _added(flow: Flow, name: str, held: Held, start: tuple[int, int, int, int], strips: tuple[Strip, ...]) -> None:
    """Show that what a nest added to a buffer is additive in each strip, and replace it by the whole."""
    parts = Held(
        held.cleared[start[0] :], [held.passes[-1][start[1] :]], held.values[start[2] :], held.added[start[3] :]
    )
    parts.op, parts.combined = held.op, held.combined
    for strip in strips:
        _additive(flow, name, parts, strip)
        whole = _whole(flow, strip)
        parts = _substituted(parts, whole)
    held.cleared[start[0] :] = parts.cleared
    held.passes[-1][start[1] :] = parts.passes[0]
    held.values[start[2] :] = parts.values
    held.added[start[3] :] = parts.added


def _additive(flow: Flow, name: str, parts: Held, strip: Strip) -> None:
    """``[start, middle)`` and ``[middle, end)``, each under a plan of its own, make up ``[start, end)``."""
    middle, plans = f"{strip.start}_m", [_variant(flow, strip, k) for k in range(3)]
    cuts = ((strip.start, middle), (middle, strip.end), (strip.start, strip.end))
    renamings = [
        {**names, strip.start: f"({low})", strip.end: f"({high})"}
        for (names, _), (low, high) in zip(plans, cuts, strict=True)
    ]
    facts = [flow.context.facts, f"{strip.start} < {middle}", f"{middle} < {strip.end}", *(known for _, known in plans)]
    facts += [fact.text for low, high in cuts for fact in facts_of((replace(strip, start=low, end=high),))[:3]]
    facts += [f"{h} <= {l} + {names[strip.step]}" for (l, h), (names, _) in zip(cuts, plans, strict=True)]
    sizes = (*flow.context.sizes, middle, *(new for names, _ in plans for new in names.values()))
    context = Context(tuple(dict.fromkeys(sizes)), " and ".join(fact for fact in facts if fact))
    sides = [_substituted(parts, names) for names in renamings]
    comparison = Comparison(context, name, {})
    for one, other, whole in ([side.cleared for side in sides], [side.passes[0] for side in sides]):
        comparison.instances([*one, *other], whole, f"stores of {name} by boxes")
    terms: list[list[Term]] = [held_terms(side, flow.cuts) for side in sides]
    comparison.terms([*terms[0], *terms[1]], terms[2])


def _variant(flow: Flow, strip: Strip, number: int | str) -> tuple[dict[str, str], str]:
    """Other names for the step and for what is computed from it, and what is known of them."""
    names = {strip.step: f"{strip.step}_{number}"}
    for size in flow.kernel.layout:
        if any(isinstance(node, Var) and node.name in names for node in walk(size.value)):
            names[size.name] = f"{size.name}_{number}"
    known = [Word(text) for text in flow.context.facts.split(" and ") if text]
    texts = [fact.renamed(names).text for fact in known if fact.names & names.keys()]
    return names, " and ".join(texts)


def _whole(flow: Flow, strip: Strip) -> dict[str, str]:
    """One box over everything, under a plan that allows it."""
    names, facts = _variant(flow, strip, "all")
    total = word(strip.total, {}).text
    known = " and ".join(filter(None, (flow.context.facts, facts, f"{total} <= {names[strip.step]}")))
    if names[strip.step] not in flow.context.sizes:
        flow.context = Context((*flow.context.sizes, *names.values()), known)
    return {**names, strip.start: "(0)", strip.end: f"({total})"}


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


def _alone(flow: Flow, effects: Sequence[Effect], strips: tuple[Strip, ...], parallel: bool) -> None:
    """No box touches a cell of memory of all that another box writes."""
    if not parallel:
        raise UnclearError("boxes one after the other")
    for write, other in product([e for e in effects if e.stage is not None], effects):
        if write.buffer != other.buffer:
            continue
        for strip, (names, facts) in _apart(flow, strips):
            second = renamed(other.points, names)
            for order in (f"{strip.end} <= {names[strip.start]}", f"{names[strip.end]} <= {strip.start}"):
                known = " and ".join(filter(None, (flow.context.facts, facts)))
                context = Context((*flow.context.sizes, *names.values()), known)
                one = replace(write.points, facts=(*write.points.facts, Word(order)))
                if point := meeting(context, one, second):
                    raise FaultError(f"two boxes touch one cell of {write.buffer}, and one writes it: {point}")


def _apart(flow: Flow, strips: tuple[Strip, ...]) -> Iterator[tuple[Strip, tuple[dict[str, str], str]]]:
    names = {name: f"{name}_o" for strip in strips for name in (strip.start, strip.end)}
    for strip in strips:
        yield strip, (names, "")
