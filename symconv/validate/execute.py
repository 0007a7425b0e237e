"""A kernel executed on instances instead of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from symconv.loops.arith import const, simplify
from symconv.loops.ir import (
    LANES,
    Accumulate,
    Declare,
    Expr,
    For,
    Gathered,
    If,
    Kernel,
    Let,
    Load,
    LoadLanes,
    Stmt,
    Store,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, walk
from symconv.relation.points import Instances, UnclearError, Word
from symconv.validate.flow import CLEARED, COMBINED, STORED, Access, Flow, Write
from symconv.validate.scope import Scope
from symconv.validate.sums import Sums, laned
from symconv.validate.terms import Sum, Term, is_neutral, shape, terms_of
from symconv.validate.words import radix, word

__all__ = ["execute"]


def execute(kernel: Kernel, own: frozenset[str], lanes: int) -> Flow:
    """Run every nest in order; ``own`` names the tensors of the operator, ``lanes`` is the length of a vector.

    Raises UnclearError where a nest is too involved.
    """
    width = {LANES: const(lanes)}
    flow = Flow(kernel, own, lanes)
    nests = [simplify(rewrite(n, lambda v: width.get(v.name, v) if isinstance(v, Var) else v)) for n in kernel.nests]
    for number, nest in enumerate(nests):
        extent, scope = flow.chosen(nest.extent)
        if extent == const(0):
            continue
        digits = radix(nest, extent)
        for name, length in digits.loops:
            scope = scope.digit(name, length)
            flow.lengths += [word(length, {})] if len(digits.loops) > 1 else []
        owner = tuple(name for name, _ in digits.loops) if nest.parallel else ()
        path = ((number, ""), *((0, name) for name, _ in digits.loops))
        _Nest(flow, owner, Sums(flow)).block(digits.body, replace(scope, flat=digits.flat), path)
    return flow


Path = tuple[tuple[int, str], ...]


@dataclass(slots=True)
class _Nest:
    flow: Flow
    owner: tuple[str, ...]
    sums: Sums
    path: Path = ()

    def block(self, body: tuple[Stmt, ...], scope: Scope, path: Path) -> None:
        updated = {node.name for s in body for node in walk(s) if isinstance(node, Update)}
        for position, statement in enumerate(body):
            self.path = (*path, (position, ""))
            self._loads(statement, scope)
            match statement:
                case For():
                    self.block(statement.body, scope.inside(statement), (*path, (position, statement.var)))
                case If(test, inner):
                    self.block(inner, scope.where(test), (*path, (position, "")))
                case Let():
                    scope = self.sums.let(statement, scope)
                case Declare(name):
                    self.sums.declare(statement, name in updated, scope)
                case Update():
                    self.sums.update(statement, scope)
                case Store(buffer, index, value):
                    self._store(Load(buffer, index), value, scope)
                case Accumulate(buffer, index, op, value):
                    self._accumulate(Load(buffer, index), op, value, scope)
                case StoreLanes(buffer, index, stride, mask, op, value):
                    cell = Load(buffer, laned(index, stride))
                    self._accumulate(cell, op, value, self.sums.lanes(mask, scope))

    def _loads(self, statement: Stmt, scope: Scope) -> None:
        """Every element that a statement loads; what is in lanes only where its mask lets it through."""
        for node in walk(statement) if not isinstance(statement, For | If) else ():
            if isinstance(node, Load):
                self.flow.touch(node.buffer, node.index, scope)
            elif isinstance(node, LoadLanes):
                self.flow.touch(node.buffer, laned(node.index, node.stride), self.sums.lanes(node.mask, scope))

    def _store(self, target: Load, value: Expr, scope: Scope) -> None:
        cell = self.flow.touch(target.buffer, target.index, scope)
        held = self.flow.buffer(target.buffer)
        expr, sums = self._resolved(target, cell, value, scope)
        points = scope.points.touching(cell)
        neutral = next((op for op in ("+", "max", "min") if is_neutral(expr, op)), "")
        if any(isinstance(node, Load) and node.buffer == target.buffer for node in walk(value)):
            held.passes.append([points])
            held.op, held.terms, held.accumulated = "+", [], True
            self._written(target.buffer, points, COMBINED + len(held.passes))
        elif neutral and not held.passes[0] and not held.accumulated:
            held.cleared.append(points)
            held.op = neutral
            self._written(target.buffer, points, CLEARED)
            return
        else:
            held.passes[0].append(points)
            self._written(target.buffer, points, STORED)
        held.terms += terms_of(expr, cell, scope.points, scope.values, sums)

    def _accumulate(self, target: Load, op: str, value: Expr, scope: Scope) -> None:
        if op == "=":
            self._store(target, value, scope)
            return
        cell = self.flow.touch(target.buffer, target.index, scope)
        held = self.flow.buffer(target.buffer)
        if not held.stores:
            self.flow.faults.append(f"{target.buffer} is added to before it is stored")
        kind, sign = ("+", -1) if op == "-" else (op, 1)
        if held.op != kind:
            raise UnclearError(f"{target.buffer} holds {held.op} and is combined by {op}")
        held.accumulated = True
        self._written(target.buffer, scope.points.touching(cell), COMBINED)
        expr, sums = self._resolved(target, cell, value, scope)
        terms: tuple[Term, ...]
        if isinstance(expr, Var) and expr.name in sums and sums[expr.name].op == kind:
            terms = sums[expr.name].under(scope.points).terms
        elif not sums:
            form, words = shape(expr, scope.values, {})
            terms = (Term(1, form, scope.points.touching((*cell, *words))),)
        else:
            terms = tuple(terms_of(expr, cell, scope.points, scope.values, sums))
        held.terms += [replace(term, sign=sign * term.sign) for term in terms]

    def _written(self, buffer: str, points: Instances, stage: int) -> None:
        self.flow.writes.append(Write(buffer, points, self.path, self.owner, stage))

    def _resolved(
        self, target: Load, cell: tuple[Word, ...], value: Expr, scope: Scope
    ) -> tuple[Expr, Mapping[str, Sum]]:
        """A stored expression with its reductions named, and those reductions."""
        sums: dict[str, Sum] = {}

        def named(node: object) -> object:
            match node:
                case Gathered(op, inner):
                    name = f"gathered{len(sums)}_"
                    sums[name] = self.sums.combined(op, inner, target, scope).of(cell)
                    return Var(name)
                case Load(buffer, index) if buffer == target.buffer or self.flow.scratch(buffer):
                    if tuple(word(i, scope.values) for i in index) != cell:
                        raise UnclearError(f"{target.buffer} is computed from other cells of {buffer}")
                    if buffer != target.buffer:
                        self.flow.asked.append(Access(buffer, scope.points.touching(cell)))
                    # Loops of another nest are other variables, whatever they are called.
                    sums[f"held_{buffer}"] = self.flow.buffer(buffer).value.apart(scope.dims)
                    return Var(f"held_{buffer}")
            return node

        expr: Expr = rewrite(self.sums.plain(value), named)
        for node in walk(expr):
            if isinstance(node, Var) and node.name in self.sums and node.name not in sums:
                sums[node.name] = self.sums.combined("", node, target, scope).of(cell)
        return expr, sums
