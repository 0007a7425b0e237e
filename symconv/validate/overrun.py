"""Loops over whole blocks of lanes that run over their end: what lies behind it is junk that nothing meets.

``for b in range(ceil(n/W))`` over lanes ``W*b .. W*b + W-1`` is a loop over ``0 .. n-1``, and junk at ``n .. n+W-2``.
Junk in a private buffer does no harm where all that it covers is stored again before it is read, or never read. Rows
that are stored in their order see to that, each over the junk of those before it, and so does a line that is stored by
one loop alone. A read that finds no other store of its cell is refused elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    LANES,
    Accumulate,
    Binary,
    Buffer,
    Compare,
    Const,
    Declare,
    Expr,
    For,
    If,
    Kernel,
    Load,
    LoadLanes,
    Scalar,
    Select,
    Splat,
    Stmt,
    Store,
    StoreLanes,
    Var,
)
from symconv.loops.traverse import rewrite, substitute, walk
from symconv.relation.points import UnclearError
from symconv.validate.places import ends, row_radices
from symconv.validate.polynomial import WIDTH, alike, digits, expression, least_quotients, natural, polynomial, uses

__all__ = ["without_junk"]

Path = tuple[tuple[int, Stmt], ...]
"""Positions in blocks with the statements there, from the outside in."""


def without_junk(kernel: Kernel) -> Kernel:
    """The kernel with such loops over single elements; others stay as they are."""
    nests = []
    for nest in kernel.nests:
        stores = list(_stores(nest.body, ()))
        touched = list(_touched(nest.body, ()))
        walker = _Junk(kernel, stores, touched)
        nests.append(replace(nest, body=walker.block(nest.body, ())))
    return replace(kernel, nests=tuple(nests))


def _inner(statement: Stmt) -> tuple[Stmt, ...]:
    return statement.body if isinstance(statement, For | If) else ()


def _stores(body: Sequence[Stmt], path: Path) -> Iterator[tuple[Path, Any]]:
    for at, statement in enumerate(body):
        here = (*path, (at, statement))
        if isinstance(statement, Store | StoreLanes | Accumulate):
            yield here, statement
        yield from _stores(_inner(statement), here)


def _touched(body: Sequence[Stmt], path: Path) -> Iterator[tuple[Path, str]]:
    for at, statement in enumerate(body):
        here = (*path, (at, statement))
        if inner := _inner(statement):
            yield from _touched(inner, here)
        else:
            for name in {node.buffer for node in walk(statement) if getattr(node, "buffer", "")}:
                yield here, name


@dataclass(frozen=True, slots=True)
class _Junk:
    """A nest with its stores and all that it touches, each with its path."""

    kernel: Kernel
    stores: list[tuple[Path, Any]]
    touched: list[tuple[Path, str]]

    def block(self, body: Sequence[Stmt], path: Path) -> tuple[Stmt, ...]:
        found: list[Stmt] = []
        for at, statement in enumerate(body):
            here = (*path, (at, statement))
            if isinstance(statement, For) and (made := self._single(statement, here)) is not None:
                found += made
            elif isinstance(statement, For | If):
                found.append(replace(statement, body=self.block(statement.body, here)))
            else:
                found.append(statement)
        return tuple(found)

    def _single(self, loop: For, path: Path) -> tuple[Stmt, ...] | None:
        match loop.upper:
            case Binary("//", above, by) if by == WIDTH and loop.lower == const(0) and loop.step == 1:
                count = expression(polynomial(sub(add(above, const(1)), WIDTH)))
            case _:
                return None
        plain = all(
            isinstance(s, Declare) or (isinstance(s, StoreLanes) and not s.mask and s.op == "=") for s in loop.body
        )
        if uses(count, {LANES}) or not plain or not any(isinstance(s, StoreLanes) for s in loop.body):
            return None
        name = f"{loop.var}at_"
        body = tuple(_lane(s, loop.var, name) for s in loop.body)
        if any(uses(s, {loop.var, LANES}) for s in body):
            return None
        demands: list[Stmt] = []
        for statement in loop.body:
            self._reads(statement)
            if isinstance(statement, StoreLanes):
                demands += self._harmless(statement, path, count)
        return (*dict.fromkeys(demands), For(name, const(0), count, body))

    def _reads(self, statement: Stmt) -> None:
        """Junk is read behind what is meant: a buffer must have room for it."""
        for node in walk(statement):
            if isinstance(node, LoadLanes):
                buffer = self.kernel.buffer(node.buffer)
                spare = polynomial(sub(buffer.slack, mul(const(node.stride), sub(WIDTH, const(1)))))
                known = set(spare) <= {(), (WIDTH,)} and all(factor >= 0 for factor in spare.values())
                if buffer.role not in {"private", "workspace"} or not known:
                    raise UnclearError(f"nothing says that junk behind the end of {node.buffer} may be read")

    def _harmless(self, store: StoreLanes, path: Path, count: Expr) -> Iterator[Stmt]:
        buffer = self.kernel.buffer(store.buffer)
        if buffer.role != "private":
            raise UnclearError(f"blocks of lanes run over the end of rows of {store.buffer}")
        others = [(p, s) for p, s in self.stores if s.buffer == store.buffer and p[: len(path)] != path]
        rows = buffer.axes[-1]
        if len(rows) == 1:
            if others:
                raise UnclearError(f"{store.buffer} is stored by several loops that run over their ends")
            room = sub(rows[0], mul(const(store.stride), add(count, sub(WIDTH, const(1)))))
            yield If(Compare(">=", expression(polynomial(room)), const(0)), ())
            return
        if store.stride != 1 or len(rows) != 2:
            raise UnclearError(f"blocks of lanes run over the end of rows of {store.buffer}")
        loops = self._in_order(store, path)
        for other, one in others:
            self._later(store, path, other, one, alike(count, rows[1]), loops)
        yield from self._room(store, buffer, count)

    def _in_order(self, store: StoreLanes, path: Path) -> tuple[str, ...]:
        """The loops over rows, which must number them in their order."""
        rows, _ = self.kernel.buffer(store.buffer).axes[-1]
        radices = row_radices(self.kernel, rows)
        around = [s for _, s in path[:-1] if isinstance(s, For)]
        parts = digits(store.index[-2], radices)
        parts = (store.index[-2],) if not radices else parts
        names = tuple(part.name for part in parts if isinstance(part, Var))
        first = next((k for k, loop in enumerate(around) if loop.var in names), len(around))
        if tuple(loop.var for loop in around[first:]) != names or len(names) + parts.count(const(0)) != len(parts):
            raise UnclearError(f"rows of {store.buffer} are not stored in their order")
        for loop, radix in zip(around[first:][1:], radices[-len(names) + 1 :] if len(names) > 1 else (), strict=True):
            if not _below(loop.upper, radix):
                raise UnclearError(f"rows of {store.buffer} are not stored in their order")
        return names

    def _later(self, store: StoreLanes, path: Path, other: Path, one: Any, whole: bool, rows: Sequence[str]) -> None:
        """Another store of the buffer stores the same row, or what junk may cover is stored by it afterwards."""
        at = next(k for k, (a, b) in enumerate(zip(path, other, strict=False)) if a[0] != b[0] or a[1] is not b[1])
        planes = zip(store.index[:-2], one.index[:-2], strict=True)
        if (one.index[:-1] == store.index[:-1] and whole) or any(_different(a, b) for a, b in planes):
            return
        common = [s for _, s in path[:at] if isinstance(s, For)]
        kept = all(self._apart(loop.var, store, one) or self._encloses(loop, store.buffer) for loop in common)
        if other[at][0] < path[at][0] or not kept or any(loop.var in rows for loop in common):
            raise UnclearError(f"junk behind rows of {store.buffer} may cover what was stored before")

    def _apart(self, name: str, store: StoreLanes, one: Any) -> bool:
        pairs = zip(store.index[:-2], one.index[:-2], strict=True)
        return any(a == b == Var(name) for a, b in pairs)

    def _encloses(self, loop: For, buffer: str) -> bool:
        return all(any(s is loop for _, s in path) for path, name in self.touched if name == buffer)

    def _room(self, store: StoreLanes, buffer: Buffer, count: Expr) -> Iterator[Stmt]:
        """Junk stays among the rows of its plane."""
        rows, pitch = buffer.axes[-1]
        radices = (*row_radices(self.kernel, rows), pitch)
        end = add(mul(store.index[-2], pitch), add(count, sub(WIDTH, const(1))))
        fits: Expr = const(0)
        for one in ends(self._resolved(rows), self.kernel):
            room = digits(expression(least_quotients(polynomial(sub(mul(one, pitch), end)))), radices)
            fits = Select(natural(room, radices), const(1), fits)
        yield If(fits, ())

    def _resolved(self, expr: Expr) -> Expr:
        """With what names stand for where it holds products of unknown numbers or their quotients."""
        layout = {size.name: size.value for size in self.kernel.layout}
        involved = {n: v for n, v in layout.items() if any(len(a) > 1 or _quotient(a) for a in polynomial(v))}
        while uses(expr, involved):
            expr = substitute(expr, involved)
        return expr


def _different(one: Expr, other: Expr) -> bool:
    return isinstance(one, Const) and isinstance(other, Const) and one != other


def _quotient(atoms: Sequence[Expr]) -> bool:
    return any(isinstance(atom, Binary) and atom.op == "//" for atom in atoms)


def _below(upper: Expr, radix: Expr) -> bool:
    match upper:
        case Binary("min", a, b):
            return _below(a, radix) or _below(b, radix)
    return alike(upper, radix)


def _lane(statement: Stmt, chunk: str, name: str) -> Stmt:
    """What a statement does for the element ``name`` of all blocks."""

    def rule(node: Any) -> Any:
        match node:
            case LoadLanes(buffer, index, stride, "", None, -1):
                at = _at(index, stride, chunk, name)
                return node if at is None else Load(buffer, at)
            case Splat(value):
                return value
            case StoreLanes(buffer, index, stride, "", "=", value):
                at = _at(index, stride, chunk, name)
                return node if at is None else Store(buffer, at, value)
            case Declare(target, value, Scalar("real", _)):
                return Declare(target, value)
        return node

    found: Stmt = rewrite(statement, rule)
    return found


def _at(index: tuple[Expr, ...], stride: int, chunk: str, name: str) -> tuple[Expr, ...] | None:
    """An index of lanes ``stride`` apart at ``stride*W*chunk`` as that of the element ``name``."""
    form = polynomial(index[-1])
    moving = tuple(sorted((WIDTH, Var(chunk)), key=repr))
    if form.pop(moving, 0) != stride:
        return None
    return (*index[:-1], add(mul(const(stride), Var(name)), expression(form)))
