"""A kernel executed on instances instead of numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from symconv.loops.arith import const
from symconv.loops.ir import (
    Accumulate,
    Binary,
    Compare,
    Const,
    Declare,
    Expr,
    For,
    If,
    Lanes,
    Let,
    Load,
    LoadLanes,
    Nest,
    Stmt,
    Store,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.traverse import walk
from symconv.relation.points import UnclearError, Word
from symconv.relation.told import occurs
from symconv.validate.boxes import facts_of, join, mark, strip_of, strips_of
from symconv.validate.effects import CLEARED, COMBINED, STORED, Effect, When, lives
from symconv.validate.flow import Demand, Flow, Strip
from symconv.validate.lying import found_there, noted
from symconv.validate.memory import NEUTRAL
from symconv.validate.scope import Scope
from symconv.validate.terms import ZERO, terms_of
from symconv.validate.values import Place, Values, laned
from symconv.validate.words import Digits, condition, radix, word

__all__ = ["digits_of", "execute", "lifetimes"]


def lifetimes(flow: Flow) -> dict[str, tuple[str, ...]]:
    """The loops around everything that touches a workspace; see ``effects.lives``."""
    digits = digits_of(flow)
    found = lives(flow.kernel, {k: (tuple(name for name, _ in d.loops), d.body) for k, (_, d, _) in digits.items()})
    # What is in a strip is followed in one strip: its counter chooses nothing.
    nodes = [node for nest in flow.kernel.nests for node in walk(nest)]
    strips = {n.var for n in nodes if isinstance(n, For) and counts_strips(n, flow.plan)}
    return {name: tuple(loop for loop in life if loop not in strips) for name, life in found.items()}


def execute(flow: Flow) -> None:
    """Run every nest of a plain kernel in order. Raises UnclearError where a nest is too involved."""
    for number, (nest, digits, strips) in digits_of(flow).items():
        flow.named(strips)
        scope = flow.chosen(nest.extent)[1].given(*facts_of(strips))
        for name, length in digits.loops:
            scope = scope.digit(name, length)
            flow.lengths += [word(length, {})] if len(digits.loops) > 1 else []
        flow.lengths += [word(strip.total, {}) for strip in strips]
        owner = tuple(name for name, _ in digits.loops) if nest.parallel else ()
        path = ((number, ""), *((0, name) for name, _ in digits.loops))
        before, effects = mark(flow), len(flow.effects)
        _Nest(flow, owner, Values(flow)).block(digits.body, replace(scope, flat=digits.flat), path)
        if strips:
            private = {b.name for b in flow.kernel.buffers if b.role == "private"}
            join(flow, before, effects, strips, nest.parallel, frozenset(private))


def digits_of(flow: Flow) -> dict[int, tuple[Nest, Digits, tuple[Strip, ...]]]:
    """Every nest that runs, by its number, with the loops and the strips that its first loop counts."""
    found = {}
    for number, nest in enumerate(flow.kernel.nests):
        extent = flow.chosen(nest.extent)[0]
        if extent != const(0):
            digits, strips = strips_of(radix(nest, extent), flow.plan, number)
            found[number] = nest, digits, strips
    return found


def counts_strips(loop: For, plan: frozenset[str]) -> bool:
    """Whether a loop runs over strips whose length is a number of the plan."""
    match loop:
        case For(_, Const(start), Binary("//", _, Var(step)), _, 1):
            return start == 0 and step in plan
    return False


@dataclass(slots=True)
class _Nest:
    flow: Flow
    owner: tuple[str, ...]
    values: Values
    when: When = ()

    def block(self, body: tuple[Stmt, ...], scope: Scope, when: When) -> None:
        updated = {node.name for s in body for node in walk(s) if isinstance(node, Update)}
        around, self.values = self.values, self.values.inside()
        for position, statement in enumerate(body):
            self.when = (*when, (position, ""))
            if noted(self.flow, statement, scope):
                continue
            self.values.known(statement, scope)
            self._loads(statement, scope, updated)
            match statement:
                case For() if (made := self._strip(statement, when, position)) is not None:
                    self._strips(*made, statement, scope, (*when, (position, "")))
                case For():
                    inside = scope.inside(statement)
                    self.flow.cuts |= inside.cuts
                    self.block(statement.body, inside, (*when, (position, statement.var)))
                case If(test, ()):
                    self._demanded(test, scope)
                case If(test, inner):
                    self.block(inner, scope.where(test), (*when, (position, "")))
                case Let():
                    scope = self.values.let(statement, scope)
                case Declare(name, Lanes() as mask):
                    scope = scope.masked(name, mask)
                case Declare(name):
                    self.values.declare(statement, name in updated, scope)
                case Update():
                    self.values.update(statement, scope, body[position + 1 : position + 2])
                case Store(buffer, index, value):
                    self._store(Load(buffer, index), value, Place(scope))
                case Accumulate(buffer, index, op, value):
                    self._accumulate(Load(buffer, index), op, value, Place(scope))
                case StoreLanes(buffer, index, stride, mask, op, value):
                    lanes = scope.mask(mask, self.flow.lanes)
                    here = Place(scope.lane(self.flow.lanes, *lanes), lanes)
                    self._accumulate(Load(buffer, laned(index, stride)), op, value, here)
                case _:
                    raise UnclearError(f"{type(statement).__name__} is not followed")
        self.values = around

    def _strip(self, loop: For, when: When, position: int) -> tuple[Strip, tuple[Stmt, ...]] | None:
        """The strip that a loop inside a nest counts, and the loop's body."""
        if not counts_strips(loop, self.flow.plan):
            return None
        label = f"{loop.var}{'_'.join(str(at) for at, _ in when)}_{position}"
        return strip_of(loop.var, loop.upper, loop.body, self.flow.plan, label)

    def _strips(self, strip: Strip, body: tuple[Stmt, ...], loop: For, scope: Scope, when: When) -> None:
        """A loop over strips, one after the other."""
        self.flow.named((strip,))
        self.flow.demands.append(Demand(Word(f"{word(strip.total, scope.values).text} >= 0"), scope.points))
        before, effects = mark(self.flow), len(self.flow.effects)
        self.block(body, scope.given(*facts_of((strip,), scope.values)), when)
        inside = {n.buffer for s in loop.body for n in walk(s) if getattr(n, "buffer", "")}
        outside = self.flow.touched_outside(loop)
        private = {b.name for b in self.flow.kernel.buffers if b.role == "private"}
        join(self.flow, before, effects, (strip,), False, frozenset(inside & private - outside))

    def _demanded(self, test: Expr, scope: Scope) -> None:
        match test:
            case Compare("==", Var(name), Const(value, True)) if not value:
                cases = (one for one in self.values.cases(Var(name), Place(scope)) if one.tree != ZERO)
                if any(occurs(self.flow.context, one.within(scope)) for one in cases):
                    raise UnclearError("positions of no cell may hold something else than 0")
                return
        self.flow.demands.append(Demand(condition(test, scope.values), scope.points))

    def _loads(self, statement: Stmt, scope: Scope, updated: set[str]) -> None:
        """Every element that a statement loads; what is in lanes only where its mask lets it through."""
        own = statement.buffer if isinstance(statement, Store | StoreLanes) else ""
        start = statement.value if isinstance(statement, Declare) and statement.name in updated else None
        for node in walk(statement) if not isinstance(statement, For | If) else ():
            if isinstance(node, Load):
                self._read(node.buffer, node.index, scope, node.buffer == own or node is start)
            elif isinstance(node, LoadLanes):
                lanes = scope.lane(self.flow.lanes, *scope.mask(node.mask, self.flow.lanes))
                self._read(node.buffer, node.lane(Var("lane_")), lanes, node.buffer == own)

    def _read(self, buffer: str, index: tuple[Expr, ...], scope: Scope, current: bool) -> None:
        if buffer in self.flow.notes:
            found_there(self.flow, buffer, index, scope)
        for facts, cell in self.flow.touch(buffer, index, scope):
            if self.flow.written(buffer):
                # An element of another tensor of the operator is what that tensor is in the end.
                seen = len(self.flow.writes(buffer)) if current or buffer not in self.flow.own else None
                points = scope.given(*facts).points.touching(cell)
                self.flow.effects.append(Effect(buffer, points, (*self.when, (0, "")), self.owner, seen=seen))

    def _store(self, target: Load, value: Expr, here: Place) -> None:
        for facts, cell in self.flow.touch(target.buffer, target.index, here.scope):
            self._stored(target, cell, value, replace(here, scope=here.scope.given(*facts)))

    def _stored(self, target: Load, cell: tuple[Word, ...], value: Expr, here: Place) -> None:
        buffer, scope = target.buffer, here.scope
        held, points = self.flow.buffer(buffer), scope.points.touching(self.flow.cell(buffer, cell))
        cases = self.values.cases(value, replace(here, target=buffer, cell=cell))
        anew = any(isinstance(node, Load | LoadLanes) and node.buffer == buffer for node in walk(value))
        neutral = next((op for op, tree in NEUTRAL.items() if [case.tree for case in cases] == [tree]), "")
        if neutral == "*" and not _multiplied(self.flow, buffer):
            neutral = ""
        # Rows of a private buffer are not cleared and then stored over.
        private = self.flow.kernel.buffer(buffer).role == "private"
        if neutral and not private and not held.started and len(held.passes) == 1:
            held.clear(neutral, points)
            self._written(target, scope, cell, CLEARED)
            return
        held.store(points, [(case.within(scope).touching(points.image), case.tree) for case in cases], anew)
        self._written(target, scope, cell, COMBINED + len(held.passes) if anew else STORED)

    def _accumulate(self, target: Load, op: str, value: Expr, here: Place) -> None:
        if op == "=":
            self._store(target, value, here)
            return
        for facts, cell in self.flow.touch(target.buffer, target.index, here.scope):
            self._combined(target, cell, op, value, replace(here, scope=here.scope.given(*facts)))

    def _combined(self, target: Load, cell: tuple[Word, ...], op: str, value: Expr, here: Place) -> None:
        buffer, scope = target.buffer, here.scope
        held = self.flow.buffer(buffer)
        if not held.stores:
            self.flow.faults.append(f"{buffer} is added to before it is stored")
        kind, sign = ("+", -1) if op == "-" else (op, 1)
        self._written(target, scope, cell, COMBINED)
        for case in self.values.cases(value, replace(here, target=buffer, cell=cell, op=kind)):
            points = case.within(scope).touching(self.flow.cell(buffer, cell))
            terms = terms_of(case.tree, points, kind, frozenset(self.flow.cuts))
            held.combine(kind, [replace(term, sign=sign * term.sign) for term in terms])

    def _written(self, target: Load, scope: Scope, cell: tuple[Word, ...], stage: int) -> None:
        points = scope.points.touching(cell)
        self.flow.effects.append(Effect(target.buffer, points, (*self.when, (1, "")), self.owner, stage))


def _multiplied(flow: Flow, buffer: str) -> bool:
    """Whether factors are joined to the cells of a buffer: elsewhere a 1 in it is a number as any other."""
    joins = (node for nest in flow.kernel.nests for node in walk(nest) if isinstance(node, Accumulate))
    return any(join.buffer == buffer and join.op == "*" for join in joins)
