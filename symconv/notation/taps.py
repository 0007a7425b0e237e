"""The taps of reductions: which of them border ``skip`` leaves out, and cells that are left without any.

A read leaves its tensor along an axis. The tap that is left out belongs to the innermost reduction that binds an index
of that axis; where no reduction does, to the innermost reduction around the read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from symconv.notation.affine import Affine
from symconv.notation.expr import Constraint, Expr, Range, Read, Reduce, children, nonnegative

if TYPE_CHECKING:
    from symconv.notation.operator import Operator, Statement

__all__ = ["Occupied", "groups", "leaving", "occupied", "vacant"]

_POINTS = 1 << 22
"""Most points of a grid held at once: some tens of megabytes."""


@dataclass(frozen=True, slots=True)
class Occupied:
    """What sizes must satisfy: every cell has a tap of a mean, max or min.

    For all ``cells`` with ``given`` there are ``taps`` with ``where``.
    """

    kind: str
    cells: tuple[Range, ...]
    given: tuple[Constraint, ...]
    taps: tuple[Range, ...]
    where: tuple[Constraint, ...]


def leaving(node: Reduce, body: Expr, around: frozenset[str]) -> Iterator[tuple[Read, int]]:
    """The reads of border ``skip``, with their axes, that leave out taps of ``node``.

    ``around`` are the indices that reductions around it bind.
    """
    own = frozenset(r.name for r in node.indices)
    for read, within, nested in dict.fromkeys(_reads(body)):
        if read.border is not None and read.border.kind == "skip":
            for axis, form in enumerate(read.index):
                if _owns(form, own, within, around, nested):
                    yield read, axis


def _owns(form: Affine, own: frozenset[str], within: frozenset[str], around: frozenset[str], nested: bool) -> bool:
    names = form.names()
    if names & within:
        return False
    return bool(names & own) or not (nested or names & around)


def _reads(
    expr: Expr, within: frozenset[str] = frozenset(), nested: bool = False
) -> Iterator[tuple[Read, frozenset[str], bool]]:
    """Every read below, with the indices that reductions below bind around it, and whether there is one."""
    match expr:
        case Read():
            yield expr, within, nested
        case Reduce(_, indices, pieces):
            for piece in pieces:
                yield from _reads(piece.body, within | {r.name for r in indices}, True)
        case _:
            for child in children(expr):
                yield from _reads(child, within, nested)


def occupied(statement: Statement, sizes: Mapping[str, tuple[Affine, ...]]) -> tuple[Occupied, ...]:
    """What a stated formula needs of sizes, so that no mean, max or min is over nothing; ``sizes`` by tensor."""
    return tuple(dict.fromkeys(_occupied(statement.expr, statement.ranges, (), frozenset(), sizes)))


def _occupied(
    expr: Expr,
    cells: tuple[Range, ...],
    given: tuple[Constraint, ...],
    around: frozenset[str],
    sizes: Mapping[str, tuple[Affine, ...]],
) -> Iterator[Occupied]:
    if not isinstance(expr, Reduce):
        for child in children(expr):
            yield from _occupied(child, cells, given, around, sizes)
        return
    for piece in expr.pieces:
        forms = [(read.index[axis], sizes[read.tensor][axis]) for read, axis in leaving(expr, piece.body, around)]
        names = frozenset(r.name for r in expr.indices)
        extents = {r.name: r.extent for r in (*cells, *expr.indices)}
        moved = [(form, size) for form, size in forms if form.name is None or extents.get(form.name) != size]
        inside = tuple(bound for form, size in moved for bound in (nonnegative(form), nonnegative(size - 1 - form)))
        where = tuple(dict.fromkeys((*piece.where, *inside)))
        if where and expr.kind not in {"sum", "prod"}:
            yield Occupied(expr.kind, cells, given, expr.indices, where)
        yield from _occupied(piece.body, (*cells, *expr.indices), (*given, *where), around | names, sizes)


def vacant(op: Operator, sizes: Mapping[str, int]) -> str | None:
    """A cell that a mean, max or min has no tap for at these sizes, as a sentence; None where there is none."""
    for wanted in op.occupied:
        if (cell := _vacancy(wanted, tuple(sizes.items()))) is not None:
            over = ", ".join(r.name for r in wanted.taps)
            at = ", ".join(f"{name} = {value}" for name, value in cell.items()) or "any cell"
            return f"the {wanted.kind} over {over} has no tap at {at}: the whole window lies outside what it reads"
    return None


@lru_cache(maxsize=256)
def _vacancy(wanted: Occupied, known: tuple[tuple[str, int], ...]) -> Mapping[str, int] | None:
    """The first such cell by the indices that decide it; independent groups of indices are looked at one by one.

    Remembered, as claims and calls ask for the same few sizes again and again.
    """
    sizes = dict(known)
    # An empty batch has the windows of any other.
    lengths = {r.name: max(1, r.extent.evaluate(sizes)) for r in wanted.cells}
    lengths |= {r.name: max(0, r.extent.evaluate(sizes)) for r in wanted.taps}
    taps = frozenset(r.name for r in wanted.taps)
    first: dict[str, int] | None = None
    for group in groups(lengths, (*wanted.given, *wanted.where)):
        own = {name: lengths[name] for name in lengths if name in group}
        cells = {name: length for name, length in own.items() if name not in taps}
        reached, empty = _search(cells, {n: v for n, v in own.items() if n in taps}, wanted, group, sizes)
        if not reached:
            return None
        first = first if first is not None else empty
    return first


def groups(names: Iterable[str], constraints: Iterable[Constraint]) -> list[frozenset[str]]:
    """The indices in groups that no constraint ties together."""
    found = [frozenset({name}) for name in names]
    for constraint in constraints:
        touched = [group for group in found if group & constraint.form.names()]
        if len(touched) > 1:
            found = [group for group in found if group not in touched] + [frozenset().union(*touched)]
    return found


def _search(
    cells: dict[str, int], taps: dict[str, int], wanted: Occupied, group: frozenset[str], sizes: Mapping[str, int]
) -> tuple[bool, dict[str, int] | None]:
    """Whether any cell is asked for, and the first of these without a tap."""
    import numpy as np

    given, where = ([c for c in constraints if c.form.names() & group] for constraints in (wanted.given, wanted.where))
    lead, *rest = cells or {"": 1}
    row = int(np.prod([cells[name] for name in rest] + list(taps.values()), dtype=np.int64))
    step = max(1, _POINTS // max(row, 1))
    reached = False
    for start in range(0, cells.get(lead, 1), step):
        shape = (min(step, cells.get(lead, 1) - start), *(cells[name] for name in rest), *taps.values())
        grid = np.ogrid[tuple(slice(0, length) for length in shape)]
        values: dict[str, Any] = {**sizes, **dict(zip((lead, *rest, *taps), grid, strict=True))}
        values[lead] = values[lead] + start
        asked = np.broadcast_to(_all(given, values), (*shape[: 1 + len(rest)], *(1 for _ in taps)))
        found = np.broadcast_to(_all(where, values), shape).any(axis=tuple(range(1 + len(rest), len(shape))))
        asked = asked.reshape(found.shape)
        reached = reached or bool(asked.any())
        if (empty := np.argwhere(asked & ~found)).size:
            at = (int(empty[0][0]) + start, *map(int, empty[0][1:]))
            return True, {name: value for name, value in zip((lead, *rest), at, strict=True) if name}
    return reached, None


def _all(constraints: Iterable[Constraint], values: dict[str, Any]) -> Any:
    import numpy as np

    holds: Any = np.ones((), dtype=np.bool_)
    for constraint in constraints:
        value = constraint.form.evaluate(values)
        holds = holds & (value == 0 if constraint.equality else value >= 0)
    return holds
