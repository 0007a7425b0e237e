"""Positions that are products of unknown sizes as the digits they are made of, each digit an axis of its own.

Rows of packed planes are numbered ``(n*E1 + u)*E2 + ..``; steps of a sum ``(i*n1 + j)*n2 + ..``. With an axis for each
digit everything is affine. The numbers agree with the digits whatever they are; that different digits are different
numbers (``relation.lemmas.ROWS``) needs ``0 <= digit < radix``: of rows, carries see to it, of steps it is demanded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symconv.loops.arith import add, const, largest, mul, sub
from symconv.loops.ir import LANES, Binary, Buffer, Compare, Const, Expr, For, If, Kernel, Let, Stmt, Var
from symconv.loops.traverse import rewrite, substitute, walk
from symconv.relation.lemmas import ROWS, prove
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import alike, digits, expression, polynomial, uses
from symconv.validate.tables import counts

__all__ = ["Limits", "at_least", "ends", "gaps", "in_digits", "row_radices", "settled"]

Limits = dict[str, tuple[int, tuple[tuple[Expr, ...], ...], tuple[Expr, ...]]]
"""Of buffers whose rows are digits: the first of those axes, the digits of how many rows there are, the radices.

There may be several numbers of rows, of which the largest counts."""


def settled(expr: Expr, kernel: Kernel) -> Expr:
    """With what a kernel computes from sizes in place of its names, as far as it holds products of unknown numbers."""
    layout = {size.name: size.value for size in kernel.layout}
    wanted = {name: settled(value, kernel) for name, value in layout.items() if uses(expr, {name})}
    products = {n: v for n, v in wanted.items() if any(len(a) > 1 for part in _parts(v) for a in polynomial(part))}
    found: Expr = substitute(expr, dict(products))
    return found


def row_radices(kernel: Kernel, rows: Expr) -> tuple[Expr, ...]:
    """The pitches that a number of rows is made with, outermost first."""
    size = ends(rows, kernel)[0]
    return _horner(size) if len(polynomial(size)) > 1 else ()


@dataclass(frozen=True, slots=True)
class _Axis:
    """One axis taken apart: its number, its radices, and the extents of its digits."""

    number: int
    radices: tuple[Expr, ...]
    extents: tuple[Expr, ...]
    rows: bool


def in_digits(kernel: Kernel) -> tuple[Kernel, Limits]:
    """A kernel with an axis for each digit of its positions."""
    limits: Limits = {}
    for buffer in kernel.buffers:
        if buffer.role in {"in", "out"} or buffer.scalar.kind == "offset":
            continue
        for number in reversed(range(len(buffer.sizes))):
            axis = _taken_apart(kernel, buffer, number)
            if axis is not None:
                prove(ROWS)
                kernel = _with(kernel, buffer.name, axis)
                if axis.rows:
                    every = (digits(at_least(one), axis.radices) for one in ends(buffer.sizes[number], kernel))
                    limits[buffer.name] = number, tuple(every), axis.radices
    return kernel, limits


def at_least(rows: Expr) -> Expr:
    """A number of rows without the quotient that makes room for a block of lanes: that is 0, or 1, or more."""

    def rule(node: Any) -> Any:
        match node:
            case Binary("//", above, below):
                for least, value in ((1, sub(above, below)), (0, above)):
                    form = polynomial(value)
                    if set(form) <= {(), (Var(LANES),)} and all(factor > 0 for factor in form.values()):
                        return const(least)
        return node

    found: Expr = rewrite(rows, rule)
    return found


def _taken_apart(kernel: Kernel, buffer: Buffer, number: int) -> _Axis | None:
    every = ends(buffer.sizes[number], kernel)
    size = every[0]
    if all(len(atoms) < 2 for one in every for atoms in polynomial(one)):
        return None
    if radices := row_radices(kernel, size):
        most = largest([digits(one, radices)[0] for one in every])
        return _Axis(number, radices, (add(most, const(2)), *radices), True)
    factors = [f for f in _factors(size) if not _one(f, kernel)]
    stores = [n.index[number] for nest in kernel.nests for s in nest.body for n in _stores(s, buffer.name)]
    shapes = {_horner(index) for index in stores}
    radices = shapes.pop() if len(shapes) == 1 else ()
    if len(radices) + 1 != len(factors):
        raise UnclearError(f"nothing says how positions in {buffer.name} are numbered")
    return _Axis(number, radices, tuple(factors), False)


def ends(rows: Expr, kernel: Kernel) -> tuple[Expr, ...]:
    """The numbers of which a number of rows is the largest."""
    return tuple(_parts(settled(rows, kernel)))


def _parts(value: Expr) -> list[Expr]:
    """What a sum of maxima of products may be; other maxima stay."""
    match value:
        case Binary("max", one, other) if any(len(atoms) > 1 for side in (one, other) for atoms in polynomial(side)):
            return [*_parts(one), *_parts(other)]
        case Binary("+", one, other):
            return [add(a, b) for a in _parts(one) for b in _parts(other)]
    return [value]


def _one(factor: Expr, kernel: Kernel) -> bool:
    layout = {size.name: size.value for size in kernel.layout}
    return factor == const(1) or (isinstance(factor, Var) and layout.get(factor.name) == const(1))


def _stores(statement: Stmt, name: str) -> Iterator[Any]:
    return (n for n in walk(statement) if hasattr(n, "value") and getattr(n, "buffer", "") == name)


def _factors(expr: Expr) -> tuple[Expr, ...]:
    match expr:
        case Binary("*", left, right):
            return (*_factors(left), *_factors(right))
    return (expr,)


def _horner(index: Expr) -> tuple[Expr, ...]:
    """The radices of ``(a*r1 + b)*r2 + c``, as it is written."""
    match index:
        case Binary("+" | "-", left, _):
            return _horner(left)
        case Binary("*", left, radix):
            return (*_horner(left), radix)
    return ()


def _with(kernel: Kernel, name: str, axis: _Axis) -> Kernel:
    """The kernel with an axis of a buffer taken apart."""
    buffers = tuple(_apart(b, axis) if b.name == name else b for b in kernel.buffers)
    meanings: list[tuple[Stmt, ...]] = []
    nests = tuple(replace(nest, body=_block(nest.body, name, axis, (), meanings)) for nest in kernel.nests)
    if len(set(meanings)) > 1:
        raise UnclearError(f"steps of {name} are numbered differently in different places")
    return replace(kernel, buffers=buffers, nests=nests)


def _apart(buffer: Buffer, axis: _Axis) -> Buffer:
    position, axes = 0, []
    for group in buffer.axes:
        sizes: list[Expr] = []
        for size in group:
            sizes += axis.extents if position == axis.number else (size,)
            position += 1
        axes.append(tuple(sizes))
    return replace(buffer, axes=tuple(axes))


def _block(
    body: Sequence[Stmt], name: str, axis: _Axis, chain: tuple[Stmt, ...], meanings: list[tuple[Stmt, ...]]
) -> tuple[Stmt, ...]:
    found: list[Stmt] = []
    for statement in body:
        if isinstance(statement, For | If):
            inner = (*chain, replace(statement, body=()))
            found.append(replace(statement, body=_block(statement.body, name, axis, inner, meanings)))
            continue
        demands: list[Stmt] = []

        def rule(node: Any, demands: list[Stmt] = demands, known: tuple[Stmt, ...] = chain) -> Any:
            if getattr(node, "buffer", "") != name:
                return node
            parts = digits(node.index[axis.number], axis.radices)
            if not axis.rows:
                demands += _demands(parts, axis)
                meanings.append(_numbered(node, axis, known))
            return replace(node, index=(*node.index[: axis.number], *parts, *node.index[axis.number + 1 :]))

        new = rewrite(statement, rule)
        found += [*dict.fromkeys(demands), new]
        if isinstance(statement, Let):
            chain = (*chain, statement)
    return tuple(found)


def _demands(parts: Sequence[Expr], axis: _Axis) -> Iterator[Stmt]:
    for digit, radix, extent in zip(parts[1:], axis.radices, axis.extents[1:], strict=True):
        for value in (digit, sub(sub(radix, digit), const(1)), sub(extent, radix)):
            if expression(polynomial(value)) != const(0):
                yield If(Compare(">=", expression(polynomial(value)), const(0)), ())


def _numbered(node: Any, axis: _Axis, chain: Sequence[Stmt]) -> tuple[Stmt, ...]:
    """What radices mean that are different in each residue class: the class must be a coordinate, too."""
    defined: dict[str, For | Let] = {s.name: s for s in chain if isinstance(s, Let)}
    defined |= {s.var: s for s in chain if isinstance(s, For)}
    meant = _meaning(axis.radices, defined)
    loops = [s for s in meant if isinstance(s, For)]
    for index in node.index:
        number = defined.get(index.name) if isinstance(index, Var) else None
        value = number.value if isinstance(number, Let) else index
        own = [s for s in chain if isinstance(s, For) and s in _meaning((value,), defined)]
        if number is not None and loops and all(loop in own for loop in loops) and _class_number(value, own):
            return (*meant, *own, number)
    if loops:
        raise UnclearError(f"steps of {node.buffer} are numbered differently in different places")
    return tuple(meant)


def _meaning(exprs: Sequence[Expr], defined: dict[str, For | Let]) -> list[Stmt]:
    found: list[Stmt] = []
    names = [n.name for expr in exprs for n in walk(expr) if isinstance(n, Var)]
    while names:
        statement = defined.get(names.pop(0))
        if statement is not None and statement not in found:
            found.append(statement)
            parts = (statement.value,) if isinstance(statement, Let) else (statement.lower, statement.upper)
            names += [n.name for part in parts for n in walk(part) if isinstance(n, Var)]
    return found


def _class_number(value: Expr, loops: Sequence[For]) -> bool:
    """Whether a number tells the turns of loops apart, each of which runs between constants."""
    result: Expr = const(0)
    for loop, count in zip(loops, counts(loops), strict=True):
        if not isinstance(count, Const) or not isinstance(loop.lower, Const):
            return False
        result = add(mul(result, count), sub(Var(loop.var), loop.lower))
    return alike(value, result)


def gaps(kernel: Kernel, loop: For) -> tuple[Stmt, ...] | None:
    """A loop over rows up to a buffer's last, which is a product of unknown sizes, as loops over their digits."""
    upper = settled(loop.upper, kernel)
    radices = row_radices(kernel, upper)
    if not radices:
        return None
    whole, start = digits(upper, radices), digits(loop.lower, radices)
    if any(digit != const(0) for digit in start[1:]):
        raise UnclearError(f"{loop.var} starts inside a row")
    return _Gaps(loop, radices).behind(start[0], whole)


@dataclass(frozen=True, slots=True)
class _Gaps:
    """A loop over rows as loops over the digits ``gap0_``, ``gap1_`` .. of their numbers."""

    loop: For
    radices: tuple[Expr, ...]

    def behind(self, start: Expr, end: tuple[Expr, ...]) -> tuple[Stmt, ...]:
        """Rows from ``start`` times the product of the radices to ``end``, whose last digit may carry once."""
        first, *rest = end
        more = add(first, const(1))
        carried = [sub(rest[0], self.radices[0]), *rest[1:]]
        return (
            If(Compare(">=", more, start), ()),
            *self.every((), start, first),
            If(Compare("<=", start, first), self.first((first,), rest)),
            If(Compare("==", start, more), self.first((more,), carried)),
        )

    def every(self, chosen: tuple[Expr, ...], lower: Expr, upper: Expr) -> tuple[Stmt, ...]:
        """All rows whose next digit lies in a range."""
        name = f"gap{len(chosen)}_"
        inner = (*chosen, Var(name))
        if len(inner) > len(self.radices):
            return (For(name, lower, upper, self._row(inner)),)
        return (For(name, lower, upper, self.every(inner, const(0), self.radices[len(chosen)])),)

    def first(self, chosen: tuple[Expr, ...], end: Sequence[Expr]) -> tuple[Stmt, ...]:
        """The rows below ``end`` among those with the digits ``chosen``, none where it is below 0."""
        digit, *rest = (expression(polynomial(one)) for one in end)
        full = self.every(chosen, const(0), digit)
        if not rest:
            return full
        carried = [sub(rest[0], self.radices[len(chosen)]), *rest[1:]]
        return (
            *full,
            If(Compare(">=", digit, const(0)), self.first((*chosen, digit), rest)),
            If(Compare("==", digit, const(-1)), self.first((*chosen, const(0)), carried)),
        )

    def _row(self, chosen: tuple[Expr, ...]) -> tuple[Stmt, ...]:
        number: Expr = chosen[0]
        for radix, digit in zip(self.radices, chosen[1:], strict=True):
            number = add(mul(number, radix), digit)
        return tuple(substitute(s, {self.loop.var: number}) for s in self.loop.body)
