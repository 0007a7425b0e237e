"""Tables of offsets read through: the k-th step of a loop is the k-th combination of the loops that filled the table.

``((i0*n1 + i1)*n2 + ..) + in`` with ``0 <= ik < nk`` counts all combinations, each once, in row-major order
(``relation.lemmas.ROWS``). So a loop over ``k`` is those loops, and what is read at an offset from the table is read
where the address in the table and the index beside it point together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symconv.loops.arith import add, const, largest, mul, sub
from symconv.loops.ir import (
    Address,
    Compare,
    Expr,
    For,
    If,
    Kernel,
    Let,
    Load,
    LoadLanes,
    Stmt,
    Store,
    Var,
)
from symconv.loops.traverse import rewrite, substitute, walk
from symconv.relation.lemmas import ROWS, prove
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import alike, expression, polynomial

__all__ = ["Table", "counts", "stepped", "tables_of", "through", "without_table"]


@dataclass(frozen=True, slots=True)
class Table:
    """``name[prefix, rank of loops] = address``, where ``around`` are the loops and lets around the loops."""

    name: str
    prefix: tuple[Expr, ...]
    loops: tuple[For, ...]
    around: tuple[Stmt, ...]
    address: Address


def tables_of(kernel: Kernel) -> dict[str, Table]:
    """The tables that a kernel fills; raises UnclearError where one is filled in another way."""
    names = {b.name for b in kernel.buffers if b.scalar.kind == "offset"}
    found: dict[str, Table] = {}
    for nest in kernel.nests:
        for chain, store in _stores(nest.body, (), names):
            if store.buffer in found or nest.extent != const(1) or not isinstance(store.value, Address):
                raise UnclearError(f"{store.buffer} is filled in several ways")
            found[store.buffer] = _table(chain, store, store.value)
    if names - found.keys():
        raise UnclearError(f"{', '.join(sorted(names - found.keys()))} is never filled")
    return found


def without_table(kernel: Kernel, name: str) -> Kernel:
    """A kernel without a table and what fills it."""

    def kept(node: Any) -> Any:
        body = getattr(node, "body", None)
        if body is None:
            return node
        return replace(node, body=tuple(s for s in body if not (isinstance(s, Store) and s.buffer == name)))

    buffers = tuple(b for b in kernel.buffers if b.name != name)
    return replace(kernel, buffers=buffers, nests=tuple(rewrite(nest, kept) for nest in kernel.nests))


def _stores(
    body: tuple[Stmt, ...], chain: tuple[Stmt, ...], names: set[str]
) -> Iterator[tuple[tuple[Stmt, ...], Store]]:
    """The stores to tables, each with the loops and lets around it."""
    known = chain
    for statement in body:
        match statement:
            case Let():
                known = (*known, statement)
            case For():
                yield from _stores(statement.body, (*known, replace(statement, body=())), names)
            case Store(buffer) if buffer in names:
                yield known, statement
            case _ if any(hasattr(n, "value") and getattr(n, "buffer", "") in names for n in walk(statement)):
                raise UnclearError("a table is filled under a condition")


def _table(chain: tuple[Stmt, ...], store: Store, address: Address) -> Table:
    prove(ROWS)
    loops = tuple(s for s in chain if isinstance(s, For))
    lets = {s.name: s.value for s in chain if isinstance(s, Let)}
    for count in range(1, len(loops) + 1):
        steps = loops[-count:]
        if alike(_settled(store.index[-1], lets), _settled(_rank(steps), lets)):
            names = {loop.var for loop in steps}
            around = tuple(s for s in chain if not (isinstance(s, For) and s.var in names))
            return Table(store.buffer, store.index[:-1], steps, around, address)
    raise UnclearError(f"{store.buffer} is not filled in the order of loops")


def _settled(expr: Expr, lets: Mapping[str, Expr]) -> Expr:
    """With products of counts in place of the names they have."""
    for name, value in reversed(list(lets.items())):
        expr = substitute(expr, {name: value}) if _counting(value) else expr
    return expr


def _counting(value: Expr) -> bool:
    return len(polynomial(value)) == 1


def counts(loops: Sequence[For]) -> list[Expr]:
    """How often each loop runs."""
    return [largest([const(0), sub(loop.upper, loop.lower)]) for loop in loops]


def _rank(loops: Sequence[For]) -> Expr:
    result: Expr = const(0)
    for loop, count in zip(loops, counts(loops), strict=True):
        result = add(mul(result, count), sub(Var(loop.var), loop.lower))
    return result


def stepped(
    kernel: Kernel, loop: For, tables: Mapping[str, Table], lets: Mapping[str, Expr], chain: Sequence[Stmt]
) -> tuple[Stmt, ...] | None:
    """A loop whose counter is looked up in a table as the loops that filled it, or None where it is none."""
    used = {n.offset.buffer for s in loop.body for n in walk(s) if isinstance(getattr(n, "offset", None), Load)}
    if not used:
        return None
    table = tables[used.pop()]
    if used or loop.lower != const(0) or loop.step != 1:
        raise UnclearError(f"{loop.var} is looked up in several tables")
    _same_place(table, chain)
    steps = _repeated(loop.upper, table, lets)
    body = tuple(through(kernel, statement, table, loop.var) for statement in loop.body)
    number = _rank(steps[0])
    body = tuple(substitute(statement, {loop.var: number}) for statement in body)
    for step in reversed(steps[0]):
        body = (replace(step, body=body),)
    return (*steps[1], *body)


def _same_place(table: Table, chain: Sequence[Stmt]) -> None:
    """The names in a table must mean where it is read what they meant where it was filled."""
    around = [s for s in table.around if _matters(s, table)]
    here = [s for s in chain if s in around]
    if here != around:
        raise UnclearError(f"{table.name} is read under other names than it was filled under")
    loops = [s for s in around if isinstance(s, For)]
    # Equal numbers of residue classes must mean equal residue classes.
    lets = {s.name: s.value for s in around if isinstance(s, Let)}
    numbers = [lets.get(part.name, part) for part in table.prefix if isinstance(part, Var)]
    if loops and not any(alike(number, _rank(loops)) for number in numbers):
        raise UnclearError(f"{table.name} has one part for several residue classes")


def _matters(statement: Stmt, table: Table) -> bool:
    names = {n.name for p in (table.address, *table.prefix, *table.loops) for n in walk(p) if isinstance(n, Var)}
    grown = True
    while grown:
        more = {
            n.name
            for s in table.around
            if isinstance(s, Let) and s.name in names
            for n in walk(s.value)
            if isinstance(n, Var)
        }
        grown = not more <= names
        names |= more
    return (isinstance(statement, For) and statement.var in names) or (
        isinstance(statement, Let) and statement.name in names
    )


def _repeated(upper: Expr, table: Table, lets: Mapping[str, Expr]) -> tuple[tuple[For, ...], tuple[Stmt, ...]]:
    """The loops of a table for its first ``upper`` entries, and what must hold for that."""
    inner: Expr = const(1)
    for count in counts(table.loops)[1:]:
        inner = mul(inner, count)
    first, *rest = table.loops
    for value in (upper, substitute(upper, dict(lets))):
        for length in (counts(table.loops)[0], *_factors(value)):
            if alike(value, mul(length, inner)):
                fits = If(Compare(">=", sub(counts(table.loops)[0], length), const(0)), ())
                return (replace(first, upper=add(first.lower, length)), *rest), (fits,)
    raise UnclearError(f"the steps are no first part of {table.name}")


def _factors(value: Expr) -> list[Expr]:
    """The names in a product, and 1."""
    products = list(polynomial(value))
    return [const(1), *(atom for atom in (products[0] if len(products) == 1 else ()) if isinstance(atom, Var))]


def through(kernel: Kernel, node: Any, table: Table, counter: str) -> Any:
    """With every access at an offset from a table at the place that the table and the index point to together."""

    def rule(part: Any) -> Any:
        if not isinstance(part, Load | LoadLanes) or part.offset is None:
            return part
        match part.offset:
            case Load(name, (*prefix, Var(step)), None) if name == table.name and step == counter:
                pass
            case _:
                raise UnclearError("an offset is looked up in another way")
        shaped = [kernel.buffer(b).axes for b in (part.buffer, table.address.buffer)]
        if tuple(prefix) != table.prefix or shaped[0] != shaped[1]:
            raise UnclearError(f"{table.name} is not for {part.buffer}")
        index = tuple(expression(polynomial(add(a, b))) for a, b in zip(part.index, table.address.index, strict=True))
        return replace(part, index=index, offset=None)

    return rewrite(node, rule)
