"""Stencils as the loops that they stand for: one over strips, one over rows, one over the positions of a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from symconv.loops.arith import add, const, mul
from symconv.loops.ir import Binary, Const, Expr, For, Kernel, Let, Nest, Stmt, Var
from symconv.loops.traverse import expressions, substitute, walk
from symconv.relation.lemmas import STRIPS, prove
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import alike, uses
from symconv.validate.positions import each_position
from symconv.validate.several import each_row
from symconv.validate.woven import is_woven, unwoven

__all__ = ["in_rows"]


def in_rows(kernel: Kernel) -> Kernel | None:
    """A plain kernel whose nests are stencils, in loops over cells with vectors of one lane; None where it is another.

    Raises UnclearError where something looks like a stencil and is not as it should be.
    """
    layout = {size.name: size.value for size in kernel.layout}
    if not kernel.nests or not all(_groups(nest, layout) for nest in kernel.nests):
        return None
    prove(STRIPS)
    nests = tuple(_each_strip(kernel, nest, layout) for nest in kernel.nests)
    used = {getattr(node, "buffer", "") for nest in nests for node in walk(nest)}
    return replace(
        kernel, nests=nests, buffers=tuple(b for b in kernel.buffers if b.role != "private" or b.name in used)
    )


def _groups(nest: Nest, layout: dict[str, Expr]) -> tuple[For, Expr] | None:
    """The loop over the strips of one group, and how many there are, where a nest counts groups of strips."""
    match nest.body, nest.extent:
        case (For(_, first, Binary("min", last, Var(total)), _, 1) as loop,), Binary("//", above, Var(step)):
            begin = mul(Var(step), Var(nest.var))
            length = Binary("-", add(Var(total), Var(step)), const(1))
            match layout.get(step):
                # A group has one strip or more.
                case Binary("max", Const(least, False), _) if least >= 1 and total in layout:
                    if alike(first, begin) and alike(last, add(begin, Var(step))) and alike(above, length):
                        return loop, layout[total]
    return None


def _each_strip(kernel: Kernel, nest: Nest, layout: dict[str, Expr]) -> Nest:
    """A nest over strips in place of one over groups: what is right whoever runs a strip is so for groups of them."""
    found = _groups(nest, layout)
    assert found is not None
    loop, total = found
    return replace(nest, var=loop.var, extent=total, body=_strip(kernel, loop.body))


def _strip(kernel: Kernel, body: Sequence[Stmt]) -> tuple[Stmt, ...]:
    """The rows of one strip."""
    found: list[Stmt] = []
    left = list(body)
    while left:
        match left:
            case [Let(name, Var() | Binary("//", Binary("max"), Const()) as value), *_]:
                # Another name, or how many times several rows are in work at once.
                left = _told(name, value, left[1:])
            case [Let() as statement, *_]:
                found.append(statement)
                left = left[1:]
            case [For() as several, For() as single, *rest] if is_woven(kernel, single):
                (several, weave), (single, same) = (unwoven(kernel, loop) for loop in (several, single))
                if weave != same:
                    raise UnclearError("rows at once are woven in another way than single ones")
                rows = each_row(kernel, several, single)
                found.append(replace(rows, body=weave.positions(rows.body)))
                left = rest
            case [For() as several, For() as single, *rest]:
                rows = each_row(kernel, several, single)
                found.append(replace(rows, body=each_position(rows.body)))
                left = rest
            case _:
                raise UnclearError("a strip has something else than rows")
    return tuple(found)


def _told(name: str, value: Expr, body: Sequence[Stmt]) -> list[Stmt]:
    """A block with a value in place of a name, as far as it is meant: each residue class gives its own again."""
    names = {name, *(node.name for node in walk(value) if isinstance(node, Var))}
    again = next((k for k, one in enumerate(body) if isinstance(one, Let) and one.name in names), len(body))
    meant, rest = body[:again], body[again:]
    late = takewhile(lambda one: not isinstance(one, Let) or one.name != name or uses(one, {name}), rest)
    if _given(tuple(meant)) & names or any(uses(one, {name}) for one in late):
        raise UnclearError(f"{name} is given again while it is still meant")
    return [*(substitute(statement, {name: value}) for statement in meant), *rest]


def _given(body: tuple[Stmt, ...]) -> set[str]:
    """The names of integers that a block gives."""
    nodes = list(expressions(body))
    return {n.var for n in nodes if isinstance(n, For)} | {n.name for n in nodes if isinstance(n, Let)}
