"""Loops whose number of iterations is a size: the body is read once, and what it adds is summed over the index."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from symconv.code.amounts import arithmetic, is_number, number_of
from symconv.code.calls import is_range, range_of
from symconv.code.conditions import opposite
from symconv.code.expressions import LONGEST
from symconv.code.slicing import composed, constraints
from symconv.code.subscripts import Subscripts
from symconv.code.trouble import Outside
from symconv.code.values import Box, Condition, Plan, Series, Span, Stale
from symconv.notation.affine import Affine, affine, quotient, var
from symconv.notation.expr import Constraint, equal, nonnegative
from symconv.prove.meaning.value import Term, Value, inside
from symconv.relation.sets import Context, System, feasible

__all__ = ["Loops"]


@dataclass
class _Access:
    kind: str
    picks: tuple[Affine | None, ...]
    system: tuple[tuple[str, ...], tuple[Constraint, ...], tuple[Affine, ...]] | None
    line: int


@dataclass
class _Frame:
    """What one loop touches of the arrays around it, and the names that only grow in it."""

    index: str
    accesses: dict[Box, list[_Access]] = field(default_factory=dict)
    before: dict[Box, Any] = field(default_factory=dict)
    sums: dict[str, Any] = field(default_factory=dict)


class Loops(Subscripts):
    """Reads loops and conditions on their indices."""

    unrolled = 8

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.frames: list[_Frame] = []

    def loop_body(self, node: ast.For, value: Any) -> None:
        """One iteration."""
        raise NotImplementedError

    def bind(self, target: ast.expr, value: Any) -> None:
        """Gives a value to a target."""
        raise NotImplementedError

    # -- ranges
    def trips(self, first: Affine, stop: Affine, step: Affine) -> Affine:
        """How often a loop runs."""
        by = self.constant(step, "the step of a range")
        if by == 0:
            raise self.error("the step of a range is 0")
        room = stop - first if by > 0 else first - stop
        count = quotient(room + abs(by) - 1, abs(by))
        if count.is_constant or not self.on.symbolic:
            return count
        short = self.on.walk.short(count)
        assert isinstance(short, Affine)
        return short

    def symbolic_loop(self, node: ast.For, first: Affine, step: Affine, count: Affine, rows: Box | None = None) -> None:
        """Runs the body once for an index, and sums what it adds over all of them."""
        walk = self.on.walk
        index = walk.fresh()
        limits = inside(var(index), count)
        frame = _Frame(index)
        self.on.limits[index] = limits
        outside = dict(self.names)
        assigned, added, rebound = _changed_names(node.body)
        grown = {name for name in added - assigned if self._grows(name) or (name in rebound and self._is_box(name))}
        for name in assigned:
            if name in self.names and name not in _targets(node.target):
                self.names[name] = Stale(f"{name} has the value of an earlier iteration")
        for name in grown:
            frame.sums[name] = outside[name]
            self.names[name] = affine(0)
        self.frames.append(frame)
        self.depth += 1
        with walk.inside([index], limits) as some:
            if some:
                value = first + var(index) * step.constant if rows is None else self.picked(rows, (var(index),))
                self.loop_body(node, value)
        self.depth -= 1
        self.frames.pop()
        self._checked(frame, index, limits)
        self._added_up(frame, index, limits, count)
        self._renamed(outside, assigned | _targets(node.target), grown, frame, index, limits, count)

    def _is_box(self, name: str) -> bool:
        return isinstance(self.names.get(name), Box)

    def _grows(self, name: str) -> bool:
        held = self.names.get(name)
        return is_number(held) or (isinstance(held, Box) and self.on.rank(held.value) == 0)

    def adds(self, name: str) -> bool:
        """Whether ``name = name + e`` adds to what the name held before the loop."""
        return bool(self.frames) and (self.accumulates(name))

    def accumulates(self, name: str) -> bool:
        """Whether a name only grows in the loop around."""
        return any(name in frame.sums for frame in self.frames)

    def accumulate(self, name: str, word: str, value: Any) -> None:
        """``name += value`` for such a name, under the conditions around."""
        if not is_number(value):
            array = self.array(value)
            guards = self.on.walk.guards
            value = self.boxed(Value(array.axes, array.names, tuple(t.under(*guards) for t in array.terms)))
        elif self.on.walk.guards:
            raise Outside(f"{name} is counted under a condition", self.line)
        held = self.names[name]
        if is_number(held) and is_number(value):
            self.names[name] = arithmetic(word, number_of(held), number_of(value))
        else:
            self.names[name] = self.binary(word, held, value)

    def _renamed(self, outside: dict[str, Any], assigned: set[str], grown: set[str], frame: _Frame, index: str,
                 limits: tuple[Constraint, ...], count: Affine) -> None:  # fmt: skip
        for name in grown:
            gain, held = self.names[name], frame.sums[name]
            if is_number(gain):
                total: Any = arithmetic("*", number_of(gain), count)
                self.names[name] = (
                    arithmetic("+", number_of(held), number_of(total))
                    if is_number(held)
                    else self.binary("+", held, total)
                )
                continue
            array = self.array(gain)
            summed = Value(array.axes, array.names, tuple(_over(array.terms, index, limits)))
            self.names[name] = self.binary("+", held, self.boxed(summed)) if held != affine(0) else self.boxed(summed)
        for name in assigned:
            value = self.names.get(name)
            if (isinstance(value, Box | Affine) and _mentions(value, index)) or isinstance(value, tuple | list):
                self.names[name] = Stale(f"{name} has the value of the last iteration")

    def _added_up(self, frame: _Frame, index: str, limits: tuple[Constraint, ...], count: Affine) -> None:
        """Every array that was changed gets what all iterations add."""
        for box, before in frame.before.items():
            now = box.value
            new = now.terms[len(before.terms) :]
            if now.terms[: len(before.terms)] != before.terms:
                raise Outside("an array is replaced in a loop", self.line)
            box.value = Value(now.axes, now.names, (*before.terms, *_over(new, index, limits)))
            box.version += 1

    # -- what is touched
    def touched(self, box: Box, plan: Plan | None, kind: str) -> None:
        """Notes for every loop around that an array made outside of it is read or changed."""
        if not self.on.symbolic or not self.frames:
            return
        if plan is None:
            plan = self.whole_plan(box.value)
        while box.base is not None:
            if box.plan is None:
                plan = (Span(affine(0), None, 1, True),) * self.on.rank(box.base.value)
            else:
                plan = composed(box.plan, plan)
            box = box.base
        inner = [frame for level, frame in enumerate(self.frames) if level >= box.depth]
        if not inner:
            return
        picks = tuple(item if isinstance(item, Affine) else None for item in plan if item is not None)
        system = None
        if kind == "set":
            walk = self.on.walk
            value = Value(box.value.axes, box.value.names, ())
            reach = constraints(walk, value, plan)
            if len(reach) == 1:
                bound, where, _ = reach[0]
                names = [n for group in value.names for n in group]
                limits = [
                    c
                    for n, s in zip(names, (s for a in value.axes for s in a.sizes), strict=True)
                    for c in inside(var(n), s)
                ]
                system = ((*names, *bound), (*where, *limits), tuple(map(var, names)))
        for frame in inner:
            frame.accesses.setdefault(box, []).append(_Access(kind, picks, system, self.line))
            if kind != "read":
                frame.before.setdefault(box, box.value)

    def _checked(self, frame: _Frame, index: str, limits: tuple[Constraint, ...]) -> None:
        """That no iteration depends on what another one did to an array."""
        for accesses in frame.accesses.values():
            kinds = {access.kind for access in accesses}
            if kinds in ({"read"}, {"add"}):
                continue
            if self._private(accesses, index):
                continue
            sets = [access for access in accesses if access.kind == "set"]
            if "read" in kinds:
                line = next(access.line for access in accesses if access.kind == "read")
                raise Outside("an array is read in the loop that changes it", line)
            if kinds != {"set"} or not self._apart(sets, index, limits):
                raise Outside(
                    "an element is assigned in several iterations; the last one counts (+= adds up)", sets[0].line
                )

    def _private(self, accesses: list[_Access], index: str) -> bool:
        """Whether every access picks the loop's own row along one axis."""
        for column in zip(*(access.picks for access in accesses), strict=True):
            first = column[0]
            if first is not None and first.coefficient(index) and all(form == first for form in column):
                if set(first.names()) & {f.index for f in self.frames} - {index}:
                    continue
                return True
        return False

    def _apart(self, sets: list[_Access], index: str, limits: tuple[Constraint, ...]) -> bool:
        """Whether no element is assigned in two iterations."""
        walk = self.on.walk
        context = Context(walk.base.context.sizes, walk.base.context.facts)
        around = [*limits, *(c for _, more in walk.around for c in more)]
        images = []
        for access in sets:
            if access.system is None:
                return False
            names, where, image = access.system
            others = [
                n
                for c in where
                for n in sorted(c.form.names())
                if n not in {*names, index, *context.sizes, *walk.indices}
            ]
            hidden = tuple(dict.fromkeys((*walk.indices, *others)))
            inner = self._inner_limits(others)
            if inner is None:
                return False
            images.append((System((index, *names, *hidden), (*where, *around, *inner)), image, hidden))
        # Cells of one iteration may be written by inner loops as often as they like: those are checked on their own.
        for k, (one, image, _) in enumerate(images):
            for other, image2, _ in images[k:]:
                put = {n: var(f"{n}b") for n in other.dims if n not in walk.indices}
                second = [c.substitute(dict(put)) for c in other.constraints]
                same = [equal(a, b.substitute(put)) for a, b in zip(image, image2, strict=True)]
                dims = tuple(dict.fromkeys((*one.dims, *(str(v.name) for v in put.values()))))
                differ = [nonnegative(var(index) - put[index] - 1), nonnegative(put[index] - var(index) - 1)]
                if any(feasible(context, System(dims, (*one.constraints, *second, *same, d))) for d in differ):
                    return False
        return True

    def _inner_limits(self, names: list[str]) -> tuple[Constraint, ...] | None:
        found: list[Constraint] = []
        for name in names:
            if name not in self.known_limits:
                return None
            found += self.known_limits[name]
        return tuple(found)

    @property
    def known_limits(self) -> dict[str, tuple[Constraint, ...]]:
        """The limits of every loop index that was met."""
        held: dict[str, tuple[Constraint, ...]] = self.on.limits
        return held

    # -- conditions
    def opposite(self, where: Any) -> Any:
        """Where a condition does not hold."""
        return opposite(where)

    def cases(self, pairs: Sequence[tuple[Any, Callable[[], None]]]) -> None:
        """Runs statements under conditions that do not overlap: arrays change where theirs holds."""
        before = dict(self.names)
        sums = {name for frame in self.frames for name in frame.sums}
        changed: set[str] = set()
        for where, run in pairs:
            for part in where.parts if isinstance(where, Condition) else ((),) if where else ():
                for name in changed:
                    if name in before:
                        self.names[name] = before[name]
                    else:
                        self.names.pop(name, None)
                with self.on.walk.inside([], part) as some:
                    if some:
                        run()
                changed |= {
                    n for n, v in self.names.items() if n not in sums and (n not in before or before[n] is not v)
                }
        for name in changed:
            self.names[name] = Stale(f"{name} has a value that depends on a condition on positions")

    # -- comprehensions
    def series(self, node: ast.ListComp | ast.GeneratorExp) -> Any:
        """The value of a comprehension over one or several ranges or lists."""
        kept = dict(self.names)
        try:
            if len(node.generators) == 1 and not node.generators[0].ifs:
                items = self.value(node.generators[0].iter)
                if is_range(items):
                    first, stop, step = range_of(items)
                    count = self.trips(first, stop, step)
                    if not count.is_constant:
                        return self._over_index(node, first, step, count)
            return list(self._elements(node, list(node.generators)))
        finally:
            self.names = kept

    def _elements(self, node: ast.ListComp | ast.GeneratorExp, generators: list[ast.comprehension]) -> Iterator[Any]:
        if not generators:
            yield self.value(node.elt)
            return
        one, *rest = generators
        for item in self._listed(self.value(one.iter)):
            self.bind(one.target, item)
            if all(self.truth(self.value(test)) is True for test in one.ifs):
                yield from self._elements(node, rest)

    def _listed(self, value: Any) -> list[Any]:
        if is_range(value):
            first, stop, step = range_of(value)
            count = self.constant(self.trips(first, stop, step), "the number of elements of a list")
            if count > LONGEST:
                raise Outside(f"a list of {count} elements", self.line)
            return [first + step * k for k in range(count)]
        return self.sequence(value)

    def _over_index(self, node: ast.ListComp | ast.GeneratorExp, first: Affine, step: Affine, count: Affine) -> Series:
        walk = self.on.walk
        index = walk.fresh()
        self.depth += 1
        self.frames.append(_Frame(index))
        with walk.inside([index], inside(var(index), count)):
            self.bind(node.generators[0].target, first + var(index) * step.constant)
            element = self.value(node.elt)
            if not isinstance(element, Box):
                element = self.boxed(self.array(element))
            self.array(element)
        self.frames.pop()
        self.depth -= 1
        return Series(index, count, Box(element.value, self.depth, line=self.line))


def _over(terms: tuple[Term, ...], index: str, limits: tuple[Constraint, ...]) -> Iterator[Term]:
    """The terms summed over an index."""
    for term in terms:
        yield replace(term, bound=(*term.bound, index)).under(*limits)


def _mentions(value: Box | Affine, index: str) -> bool:
    if isinstance(value, Affine):
        return index in value.names()
    if not isinstance(value.value, Value):
        return False
    forms = [f for t in value.value.terms for factor in t.factors for f in factor.index]
    forms += [c.form for t in value.value.terms for c in t.where]
    return any(index in form.names() for form in forms)


def _targets(node: ast.expr) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _changed_names(nodes: list[ast.stmt]) -> tuple[set[str], set[str], set[str]]:
    """The names that statements give a value to, those they only add to, and of these those that are bound anew."""
    assigned: set[str] = set()
    added: set[str] = set()
    rebound: set[str] = set()
    in_place: set[str] = set()
    for top in nodes:
        for node in ast.walk(top):
            match node:
                case ast.AugAssign(ast.Name(name), ast.Add() | ast.Sub(), _):
                    added.add(name)
                    in_place.add(name)
                case ast.AugAssign(ast.Name(name), _, _):
                    assigned.add(name)
                case ast.Assign([ast.Name(name)], ast.BinOp(ast.Name(first), ast.Add() | ast.Sub(), _)) if (
                    name == first
                ):
                    rebound.add(name)
                case ast.Assign([ast.Name(name)], ast.BinOp(_, ast.Add(), ast.Name(last))) if name == last:
                    rebound.add(name)
                case ast.Assign(targets, _):
                    for target in targets:
                        assigned |= _bound_names(target)
                case ast.For(target, _, _, _):
                    assigned |= _bound_names(target)
    return assigned, added | rebound, rebound - in_place


def _bound_names(target: ast.expr) -> set[str]:
    match target:
        case ast.Name(name):
            return {name}
        case ast.Tuple(items) | ast.List(items):
            return {name for item in items for name in _bound_names(item)}
        case ast.Starred(inner):
            return _bound_names(inner)
    return set()
