"""Several rows in work at once, and those that are left one by one: one loop over all rows.

What several rows share is loaded once for all of them. For each row, the statements that make its sums are looked for,
and shown to be those of a single row in its place. As nothing that is read is written, rows may then come one after the
other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from symconv.loops.arith import add, const, sub
from symconv.loops.ir import (
    Binary,
    Const,
    Declare,
    Expr,
    For,
    If,
    Kernel,
    Lanes,
    Let,
    Load,
    LoadLanes,
    Shift,
    Stmt,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.traverse import expressions, rewrite, substitute
from symconv.relation.points import UnclearError
from symconv.validate.inlined import inlined
from symconv.validate.polynomial import alike, expression, polynomial, uses

__all__ = ["each_row"]


def each_row(kernel: Kernel, several: For, single: For) -> For:
    """One loop over the rows of two: so many at once, and the rest. Raises UnclearError where they are others."""
    match several, single:
        case (
            For(counter, Const(zero, False), blocks, (Let(row, first), *together), 1),
            For(name, start, end, alone, 1),
        ) if row == name and not zero:
            pass
        case _:
            raise UnclearError("rows are not in work as many at once, and then one by one")
    count = int(polynomial(sub(first, substitute(first, {counter: sub(Var(counter), const(1))}))).get((), 0))
    begin = expression(polynomial(substitute(first, {counter: const(0)})))
    if (
        count < 2
        or not alike(first, add(begin, Binary("*", const(count), Var(counter))))
        or not alike(start, add(begin, Binary("*", const(count), blocks)))
        or not alike(blocks, Binary("//", Binary("max", const(0), sub(end, begin)), const(count)))
    ):
        raise UnclearError(f"{count} rows at once and what is left are not all rows")
    one = inlined(kernel, alone)
    _same(inlined(kernel, together), one, row, count)
    return For(row, begin, end, one)


def _same(together: tuple[Stmt, ...], alone: tuple[Stmt, ...], row: str, count: int) -> None:
    """Raises UnclearError unless each of the rows is what a single one is in its place."""
    for made in (together, alone):
        stored = {node.buffer for node in expressions(made) if isinstance(node, StoreLanes)}
        if any(isinstance(node, Load | LoadLanes) and node.buffer in stored for node in expressions(made)):
            raise UnclearError("rows read what rows store")
        if any(isinstance(node, Update) and uses(node.value, set(_sums(made))) for node in expressions(made)):
            raise UnclearError("sums of rows depend on each other")
    sums, own = _sums(together), _sums(alone)
    if not own or len(sums) != count * len(own):
        raise UnclearError(f"{count} rows have {len(sums)} sums")
    wanted, seen = _part(alone, frozenset(own)), set[int]()
    if wanted != alone:
        raise UnclearError("a row does more than its sums")
    for k in range(count):
        kept = sums[k * len(own) : (k + 1) * len(own)]
        part = _part(together, frozenset(kept))
        seen |= {id(statement) for statement in _statements(part)}
        there = _there(wanted, {row: add(Var(row), const(k))})
        names = dict(zip(kept, own, strict=True))
        if len(part) != len(there) or not all(map(alike, _renamed(part, names), there)):
            raise UnclearError(f"of {count} rows at once, row {k} is not what a single row is")
    if any(id(statement) not in seen for statement in _statements(together)):
        raise UnclearError("rows at once do more than each of them")


def _sums(body: Sequence[Stmt]) -> list[str]:
    """The accumulators of a block, in the order they are declared in."""
    updated = {node.name for node in expressions(tuple(body)) if isinstance(node, Update)}
    return [node.name for node in expressions(tuple(body)) if isinstance(node, Declare) and node.name in updated]


def _part(body: tuple[Stmt, ...], sums: frozenset[str]) -> tuple[Stmt, ...]:
    """The statements of a block that make and store some sums, with what they load."""
    found: list[Stmt] = []
    used = _loads(_making(body, sums))
    for statement in body:
        match statement:
            case For() | If():
                if _making((statement,), sums):
                    found.append(replace(statement, body=_part(statement.body, sums)))
            case Declare(_, Load() | LoadLanes() | Shift()):
                if _loads((statement,)) <= used:
                    found.append(statement)
            case Declare(_, Lanes()) | Let():
                found.append(statement)
            case _ if _makes(statement, sums):
                found.append(statement)
    return tuple(found)


def _loads(body: tuple[Stmt, ...]) -> set[tuple[str, tuple[Expr, ...]]]:
    """The elements, or first ones of lanes, that a block loads."""
    return {(node.buffer, node.index) for node in expressions(body) if isinstance(node, Load | LoadLanes)}


def _making(body: tuple[Stmt, ...], sums: frozenset[str]) -> tuple[Stmt, ...]:
    return tuple(one for one in _statements(body) if _makes(one, sums) and not isinstance(one, For | If))


def _makes(statement: Stmt, sums: frozenset[str]) -> bool:
    match statement:
        case Declare(name) | Update(name):
            return name in sums
        case StoreLanes(_, _, _, _, _, value):
            return uses(value, sums)
    return False


def _statements(body: tuple[Stmt, ...]) -> Iterator[Stmt]:
    """The statements of a block that hold none, and those inside."""
    for statement in body:
        if isinstance(statement, For | If):
            yield from _statements(statement.body)
        else:
            yield statement


def _there(body: tuple[Stmt, ...], values: dict[str, Expr]) -> tuple[Stmt, ...]:
    """A block with expressions in place of variables."""
    return tuple(substitute(statement, values) for statement in body)


def _renamed(body: tuple[Stmt, ...], names: dict[str, str]) -> list[Any]:
    def rule(node: Any) -> Any:
        if isinstance(node, Var | Declare | Update) and node.name in names:
            return replace(node, name=names[node.name])
        return node

    return [rewrite(statement, rule) for statement in body]
