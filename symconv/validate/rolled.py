"""Packed kernels in affine form: what validation follows after lanes, tiles, tables and ranks are loops again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symconv.loops.arith import const, simplify
from symconv.loops.ir import (
    LANES,
    Binary,
    Compare,
    Const,
    Expr,
    For,
    If,
    Kernel,
    Let,
    Load,
    Nest,
    Select,
    Stmt,
    Store,
    Var,
)
from symconv.loops.traverse import rewrite, substitute, walk
from symconv.relation.points import UnclearError
from symconv.validate.nearby import notes_of, packed_alone
from symconv.validate.overrun import without_junk
from symconv.validate.places import Limits, gaps, in_digits, row_radices
from symconv.validate.polynomial import polynomial, uses
from symconv.validate.ranges import where_it_runs
from symconv.validate.tables import Table, stepped, tables_of
from symconv.validate.tiles import in_cells
from symconv.validate.unrolled import rolled_spans

__all__ = ["rolled", "with_constants"]


def rolled(kernel: Kernel) -> tuple[Kernel, Limits]:
    """A plain kernel whose parameters are numbers of a plan, with loops in place of blocks, tables and ranks.

    Raises UnclearError where something looks like one of these and is not as it should be.
    """
    kernel = packed_alone(with_constants(kernel))
    notes = notes_of(kernel)
    kernel = replace(kernel, nests=tuple(replace(n, body=_constants(n.body)) for n in kernel.nests))
    kernel = without_junk(kernel)
    tables = tables_of(kernel)
    nests = tuple(nest for nest in kernel.nests if not _fills(nest, tables))
    walker = _Roller(kernel, tables)
    nests = tuple(replace(nest, body=walker.block(nest.body, {}, (), frozenset((nest.var,)))) for nest in nests)
    buffers = tuple(b for b in kernel.buffers if b.name not in tables)
    made = in_digits(replace(kernel, nests=nests, buffers=buffers))
    if notes_of(made[0]) != notes:
        raise UnclearError("what is said of operands that are read where they lie got lost")
    return made


def with_constants(kernel: Kernel) -> Kernel:
    """With constants in place of what is computed from sizes and is the same for all of them."""
    known: dict[str, Expr] = {s.name: s.value for s in kernel.layout if isinstance(s.value, Const)}

    def told(node: Any) -> Any:
        return simplify(substitute(node, known))

    buffers = tuple(replace(b, axes=tuple(tuple(map(told, axis)) for axis in b.axes)) for b in kernel.buffers)
    layout = tuple(replace(s, value=told(s.value)) for s in kernel.layout)
    return replace(kernel, buffers=buffers, layout=layout, nests=tuple(map(told, kernel.nests)))


def _fills(nest: Nest, tables: Mapping[str, Table]) -> bool:
    stores = {n.buffer for s in nest.body for n in walk(s) if isinstance(n, Store)}
    return bool(stores) and stores <= tables.keys()


def _constants(body: Sequence[Stmt]) -> tuple[Stmt, ...]:
    """With names of constants replaced, and without what a constant decides."""
    found: list[Stmt] = []
    left = [simplify(statement) for statement in body]
    while left:
        statement = left.pop(0)
        match statement:
            case Let(name, Const(_, False) as value) if not any(_binds(s, name) for s in left):
                left = [simplify(substitute(s, {name: value})) for s in left]
            case Let(name, Var(other) as value) if not any(_binds(s, name) or _binds(s, other) for s in left):
                left = [substitute(s, {name: value}) for s in left]
            case If(Const(value, False), inner):
                # Names of the body end with it, so it stands alone.
                found += [If(Compare("==", const(0), const(0)), _constants(inner))] if value else []
            case For(_, Const(lower), Const(upper)) if upper <= lower:
                continue
            # There is at least one lane.
            case If(Compare(">=", Const(value, False), Var(width)), _) if value <= 0 and width == LANES:
                continue
            case If(Compare("<", Const(value, False), Var(width)), inner) if value <= 0 and width == LANES:
                found.append(If(Compare("==", const(0), const(0)), _constants(inner)))
            case For() | If():
                found.append(replace(statement, body=_constants(statement.body)))
            case _:
                found.append(statement)
    return tuple(found)


def _binds(statement: Stmt, name: str) -> bool:
    nodes = list(walk(statement))
    return any(isinstance(n, For) and n.var == name for n in nodes) or any(
        isinstance(n, Let) and n.name == name for n in nodes
    )


@dataclass(frozen=True, slots=True)
class _Roller:
    kernel: Kernel
    tables: Mapping[str, Table]

    def block(
        self, body: Sequence[Stmt], lets: dict[str, Expr], chain: tuple[Stmt, ...], nest: frozenset[str] = frozenset()
    ) -> tuple[Stmt, ...]:
        """A block; ``nest`` are the counters of a nest's first loop, which is taken apart elsewhere."""
        found: list[Stmt] = []
        left = list(rolled_spans(tuple(body)))
        while left:
            statement = left.pop(0)
            match statement:
                case Let(name, Select() as value):
                    parts = _by_cases(name, value, left)
                    return (*found, *(replace(p, body=self.block(p.body, lets, (*chain, _bare(p)))) for p in parts))
                case Let(name, value) if self._product(value) and not _remainder(statement, nest):
                    # No product of unknown numbers has a name: it is the parts that are affine.
                    lets = {**lets, name: value}
                    left = [substitute(s, {name: value}) for s in left]
                case Let(name, value):
                    nest = nest | {name} if _remainder(statement, nest) else nest
                    lets, chain = {**lets, name: value}, (*chain, statement)
                    found.append(statement)
                case For():
                    found += self._loop(statement, lets, chain)
                case If():
                    inner = self.block(statement.body, lets, (*chain, _bare(statement)))
                    found.append(replace(statement, body=inner))
                case _:
                    found.append(statement)
        return tuple(s for k, s in enumerate(found) if not _unused(s, found[k + 1 :]))

    def _product(self, value: Expr) -> bool:
        """Whether a name is of products that are no starts of strips, a number of the plan times a counter."""
        plan = {*self.kernel.parameters, *(size.name for size in self.kernel.layout)}
        products = [atoms for atoms in polynomial(value) if len(atoms) > 1]
        return bool(products) and not all(
            len(atoms) == 2 and all(isinstance(a, Var) for a in atoms) and uses(atoms[0], plan) != uses(atoms[1], plan)
            for atoms in products
        )

    def _loop(self, loop: For, lets: dict[str, Expr], chain: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
        if isinstance(loop.upper, Select):
            return self.block(where_it_runs(loop), lets, chain)
        made = self._cells(loop, lets)
        if made is None and _direct(loop):
            made = stepped(self.kernel, loop, self.tables, lets, chain)
        if made is None:
            made = gaps(self.kernel, loop)
        if made is None:
            return (replace(loop, body=self.block(loop.body, lets, (*chain, _bare(loop)))),)
        return self.block(made, lets, chain)

    def _cells(self, loop: For, lets: dict[str, Expr]) -> tuple[Stmt, ...] | None:
        lane = next((s for s in loop.body if isinstance(s, Let) and uses(s.value, {LANES})), None)
        if lane is None:
            return None
        touched = [n for s in loop.body for n in walk(s) if getattr(n, "index", ()) and uses(n.index[-1], {lane.name})]
        if not touched or not uses(lane.value, {loop.var}) or loop.var == "chunk_":
            return None
        sizes = self.kernel.buffer(touched[0].buffer).sizes
        if len(sizes) < 2:
            return None
        radices = (*row_radices(self.kernel, sizes[-2]), sizes[-1])
        return in_cells(self.kernel, loop, lets, radices)


def _remainder(statement: Let, nest: frozenset[str]) -> bool:
    """Whether a name is what is left of a nest's counter behind one of its digits."""
    match statement.value:
        case Binary("-", Var(name), Binary("*")):
            return name in nest
    return False


def _unused(statement: Stmt, rest: Sequence[Stmt]) -> bool:
    """Whether a number of lanes is named for nothing."""
    return isinstance(statement, Let) and uses(statement, {LANES}) and not any(uses(s, {statement.name}) for s in rest)


def _bare(statement: Any) -> Any:
    return replace(statement, body=())


def _direct(loop: For) -> bool:
    """Whether it is this loop's counter that is looked up in a table."""
    offsets = (getattr(n, "offset", None) for s in loop.body for n in walk(s))
    return any(isinstance(offset, Load) and offset.index[-1] == Var(loop.var) for offset in offsets)


def _by_cases(name: str, value: Select, rest: Sequence[Stmt]) -> tuple[If, ...]:
    """The statements that a name is known in, once for each value it may have."""
    tests, at = [], value
    while isinstance(at.yes, Select) and at.yes.no == at.no:
        tests.append(at.condition)
        at = at.yes
    test = at.condition
    for one in reversed(tests):
        test = Select(one, test, const(0))
    return tuple(
        If(condition, _constants([_least(simplify(substitute(s, {name: chosen}))) for s in rest]))
        for condition, chosen in ((test, at.yes), (Select(test, const(0), const(1)), at.no))
    )


def _least(node: Any) -> Any:
    def rule(part: Any) -> Any:
        match part:
            case Binary("min", Const(value, False), Binary("max", Const(other, False), _)) if value <= other:
                return const(int(value))
        return part

    return simplify(rewrite(node, rule))
