"""Rows stored as one long row where they lie so, as rows: what a kernel stores in a run it stores row by row.

A test asks of a box whether its rows of cells are whole rows of the target and lie side by side among the sums. Both
ways are shown to store the same: the run is what the block of a row becomes when its first row has the places of all.

* ``lower_ == 0``, ``upper_ == size``: a row has every cell of the box along the lanes.
* ``size == pitch``, the length of a row of sums, and ``size`` is the length of a row of the target: the place
  ``at*size + k`` behind the first is the place ``k`` of the row ``at``, there and there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symconv.loops.arith import add, const, mul
from symconv.loops.ir import Compare, Const, Expr, For, If, Kernel, Let, Load, Select, Stmt, Store, StoreLanes, Var
from symconv.loops.traverse import rewrite, substitute
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import Polynomial, expression, polynomial
from symconv.validate.unrolled import rolled_spans

__all__ = ["row_by_row"]

_RUN, _STREAMED = "run_", "streamed_"
_ALWAYS = Compare("==", const(0), const(0))


def row_by_row(kernel: Kernel) -> Kernel:
    """The kernel that stores every row alone, through the caches.

    Raises UnclearError where a run is not shown to be its rows.
    """
    nests = tuple(replace(nest, body=_block(kernel, nest.body)) for nest in kernel.nests)
    return replace(kernel, nests=nests)


def _block(kernel: Kernel, body: Sequence[Stmt]) -> tuple[Stmt, ...]:
    found: list[Stmt] = []
    left = list(body)
    while left:
        statement = left.pop(0)
        match statement:
            case Let(name, value) if name == _RUN:
                run, rows = _ways(left[:2])
                _same(kernel, set(_conditions(value)), run, rows)
                left = [rows, *left[2:]]
            case Let(name) if name == _STREAMED:
                left = [_through(s) for s in left]
            case For() | If():
                found.append(replace(statement, body=_block(kernel, statement.body)))
            case _:
                found.append(statement)
    return tuple(found)


def _through(statement: Stmt) -> Any:
    """What goes past the caches, through them."""
    return rewrite(statement, lambda n: replace(n, streamed=None) if isinstance(n, StoreLanes) and n.streamed else n)


def _ways(statements: Sequence[Stmt]) -> tuple[tuple[Stmt, ...], For]:
    """What is stored where the test holds, and the loop over rows where it does not."""
    match statements:
        case [
            If(Compare("==", Var(one), Const(1)), run),
            If(Compare("==", Var(other), Const(0)), (For() as rows,)),
        ] if one == other == _RUN:
            return run, rows
    raise UnclearError(f"{_RUN} chooses between other things than rows")


def _conditions(value: Expr) -> Iterator[Expr]:
    """The comparisons that all hold where a test is 1."""
    match value:
        case Select(condition, inner, Const(0)):
            yield condition
            yield from _conditions(inner)
        case Const(1):
            return
        case _:
            raise UnclearError(f"{_RUN} is no test of comparisons")


@dataclass(frozen=True, slots=True)
class _Stored:
    """Elements of a row: ``target[place] = sums[source]`` for a counter from ``lower`` to before ``upper``."""

    counter: str
    lower: Expr
    upper: Expr
    target: str
    place: tuple[Expr, ...]
    sums: str
    source: tuple[Expr, ...]


def _stored(body: Sequence[Stmt]) -> _Stored:
    """What blocks of lanes store, element by element."""
    match rolled_spans(tuple(s for s in body if not isinstance(s, Let))):
        case (For(counter, lower, upper, (Store(target, place, Load(sums, source, None)),)),):
            return _Stored(counter, lower, upper, target, place, sums, source)
    raise UnclearError(f"{_RUN} chooses between other things than rows of sums")


def _same(kernel: Kernel, holds: set[Expr], run: tuple[Stmt, ...], rows: For) -> None:
    """Show that a run is its rows, where ``holds``."""
    named = {s.name: s.value for s in rows.body if isinstance(s, Let)}
    long, row = _stored(_block(kernel, run)), _stored(_block(kernel, rows.body))
    if (long.target, long.sums) != (row.target, row.sums):
        raise UnclearError("a run stores something else than its rows")
    target, sums = kernel.buffer(row.target), kernel.buffer(row.sums)
    lower, upper = (substitute(expression(polynomial(end)), named) for end in (row.lower, row.upper))
    size = next((c.right for c in holds if isinstance(c, Compare) and c.left == upper), None)
    if size is None or target.flat < 2 or len(sums.axes[-1]) < 2:
        raise UnclearError(f"{_RUN} does not say that rows lie side by side")
    asked = {Compare("==", lower, const(0)), *(_alike(size, buffer.sizes[-1]) for buffer in (target, sums))}
    if not asked <= holds | {_ALWAYS}:
        raise UnclearError(f"{_RUN} does not say that rows lie side by side")
    behind = {long.counter: add(mul(Var(rows.var), size), Var(row.counter))}
    same = all(
        _flat(tuple(substitute(form, behind) for form in one), size) == _flat(_with(other, named), size)
        for one, other in ((long.place, row.place), (long.source, row.source))
    )
    ends = ((long.lower, rows.lower), (long.upper, rows.upper))
    if not same or any(polynomial(end) != polynomial(mul(first, size)) for end, first in ends):
        raise UnclearError("a run stores something else than its rows")


def _alike(size: Expr, length: Expr) -> Compare:
    return _ALWAYS if size == length else Compare("==", size, length)


def _with(index: tuple[Expr, ...], named: Mapping[str, Expr]) -> tuple[Expr, ...]:
    """An index in which what a row names is said."""
    return tuple(substitute(form, dict(named)) for form in index)


def _flat(index: tuple[Expr, ...], size: Expr) -> tuple[Polynomial, ...]:
    """An index whose last two numbers are one, where rows have ``size`` elements."""
    *outer, row, place = index
    return tuple(map(polynomial, (*outer, add(mul(row, size), place))))
