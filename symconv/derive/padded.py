"""Tensors continued past their ends, one axis at a time, where the pieces of a border would multiply.

A read that leaves along two axes would be split into nine pieces, one that wraps round k times into 2k + 1 for each
axis. A copy that is longer along one axis has as many pieces as that axis alone needs, and is read inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from symconv.derive.skip import span
from symconv.errors import InternalError
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Border, Constraint, Expr, Range, Read, Reduce, children, nonnegative, transform
from symconv.notation.operator import Operator, Statement, Tensor
from symconv.relation.sets import Context, System, context_of, implied

__all__ = ["pad"]

_CONTINUED = frozenset({"reflect", "symmetric", "replicate", "circular"})
_LONGEST = 1 << 12
"""Longest constant pad looked for."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A read of a border that continues its tensor, and where it stands."""

    read: Read
    border: Border
    ranges: tuple[Range, ...]
    where: tuple[Constraint, ...]


@dataclass(slots=True)
class _Copies:
    op: Operator
    context: Context
    taken: set[str]
    always: frozenset[str]
    mark: str
    new: list[Statement] = field(default_factory=list)

    def fresh(self, wish: str, *more: str) -> str:
        """A name with which no gradient or tangent collides."""
        names = (wish, *more, *(f"{wish}{k}" for k in range(1, 1000)))
        name = next(n for n in names if not self.taken & {n, f"g{n}", f"t{n}"})
        self.taken.add(name)
        return name


def pad(op: Operator, always: frozenset[str] = frozenset(), mark: str = "1") -> Operator:
    """The operator with padded copies as statements of their own, for the reads that need them.

    Reads of the kinds of borders in ``always`` are copied whether they need it or not; a copy is called after its
    tensor and ``mark``.
    """
    context = context_of(op)
    bound = {r.name for s in op.statements for r, _ in _ranges(s.expr)}
    names = {*op.tensors, *context.sizes, *bound, *(n for s in op.statements for n in (s.target.name, *s.indices))}
    copies = _Copies(op, context, names, always, mark)
    groups: dict[tuple[str, Border], list[_Found]] = {}
    for statement in op.statements:
        for found in _reads(_CONTINUED | always, statement.expr, statement.ranges, ()):
            groups.setdefault((found.read.tensor, found.border), []).append(found)
    changed: dict[Read, Read] = {}
    for several in groups.values():
        changed |= _group(copies, several)
    if not changed:
        return op
    statements = (
        replace(s, expr=transform(s.expr, lambda node: changed.get(node) if isinstance(node, Read) else None))
        for s in op.statements
    )
    return replace(op, statements=_ordered(op, copies.new, tuple(statements)))


def _ordered(op: Operator, new: list[Statement], stated: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """The copies as soon as what they continue is known: at first, or behind the statement that computes it."""
    known, waiting, statements = set(op.tensors), list(new), list[Statement]()
    for statement in (None, *stated):
        if statement is not None:
            statements.append(statement)
            known.add(statement.target.name)
        while ready := [s for s in waiting if isinstance(s.expr, Read) and s.expr.tensor in known]:
            statements += ready
            known |= {s.target.name for s in ready}
            waiting = [s for s in waiting if s not in ready]
    if waiting:
        raise InternalError(f"{op.name}: {waiting[0].target.name} copies what no statement computes")
    return tuple(statements)


def _ranges(expr: Expr) -> Iterator[tuple[Range, Reduce]]:
    if isinstance(expr, Reduce):
        yield from ((r, expr) for r in expr.indices)
    for child in children(expr):
        yield from _ranges(child)


def _reads(
    kinds: frozenset[str], expr: Expr, ranges: tuple[Range, ...], where: tuple[Constraint, ...]
) -> Iterator[_Found]:
    match expr:
        case Read(_, _, border) if border is not None and border.kind in kinds:
            yield _Found(expr, border, ranges, where)
        case Reduce(_, indices, pieces):
            for piece in pieces:
                yield from _reads(kinds, piece.body, (*ranges, *indices), (*where, *piece.where))
        case _:
            for child in children(expr):
                yield from _reads(kinds, child, ranges, where)


def _group(copies: _Copies, several: list[_Found]) -> dict[Read, Read]:
    """One chain of copies for all reads of a tensor with one border."""
    tensor = copies.op.tensor(several[0].read.tensor)
    pads = {axis: _pads(copies, several, axis) for axis in range(len(tensor.sizes))}
    leaving = {axis: ends for axis, ends in pads.items() if ends is None or any(end != affine(0) for end in ends)}
    needed = several[0].border.kind in copies.always
    if None in leaving.values() or not (needed or any(_multiplies(copies, found, tuple(leaving)) for found in several)):
        return {}
    if not leaving:
        return {}
    last, shifts = tensor, dict[int, Affine]()
    # A number beyond the ends is one piece along every axis: all axes are continued at once.
    steps = [tuple(leaving)] if several[0].border.kind == "constant" else [(axis,) for axis in leaving]
    for axes in steps:
        longer = {axis: ends for axis in axes if (ends := leaving[axis]) is not None}
        # Where copies are asked for, the one that is read at last has the plain name.
        between = f"b{axes[0]}" if copies.always and axes != steps[-1] else ""
        last = _longer(copies, last, longer, several[0], f"{copies.mark}{between}")
        shifts |= {axis: ends[0] for axis, ends in longer.items()}
    return {
        found.read: Read(
            last.name, tuple(form + shifts.get(axis, affine(0)) for axis, form in enumerate(found.read.index))
        )
        for found in several
    }


def _multiplies(copies: _Copies, found: _Found, axes: tuple[int, ...]) -> bool:
    """Whether a read alone leaves along several axes, or wraps round more than once."""
    sizes, index = copies.op.tensor(found.read.tensor).sizes, found.read.index
    outside = [
        axis
        for axis in axes
        if not (
            _within(copies, found, -index[axis], affine(0)) and _within(copies, found, index[axis] + 1, sizes[axis])
        )
    ]
    return len(outside) > 1 or any(_wraps(copies, found, axis) for axis in outside)


def _longer(
    copies: _Copies, tensor: Tensor, ends: dict[int, tuple[Affine, Affine]], found: _Found, mark: str
) -> Tensor:
    """The statement that copies a tensor and continues it along some axes."""
    sizes = [size + sum(ends.get(axis, ()), affine(0)) for axis, size in enumerate(tensor.sizes)]
    target = Tensor(copies.fresh(f"{found.read.tensor}{mark}"), tuple((size,) for size in sizes))
    indices: list[str] = []
    outer = {r.name for r in found.ranges}
    for at, form in enumerate(found.read.index):
        lone = form.name
        if at not in ends and lone in outer and lone not in indices:
            indices.append(str(lone))
        else:
            indices.append(
                next(n for n in ("u", "v", *(f"u{k}" for k in range(1, 99))) if n not in (*copies.taken, *indices))
            )
    index = tuple(var(name) - ends[at][0] if at in ends else var(name) for at, name in enumerate(indices))
    copies.new.append(Statement(target, tuple(indices), Read(tensor.name, index, found.border)))
    return target


def _pads(copies: _Copies, several: list[_Found], axis: int) -> tuple[Affine, Affine] | None:
    """How far the reads leave an axis at either end; None where neither a number nor a window says it."""
    size = copies.op.tensor(several[0].read.tensor).sizes[axis]
    ends = []
    for low in (True, False):
        beyond = [(f, -f.read.index[axis] if low else f.read.index[axis] - size + 1) for f in several]
        stated = [w.lo if low else w.hi for w in copies.op.windows if w.size == str(size)]
        fits = (end for end in stated if all(_within(copies, f, form, end) for f, form in beyond))
        number = _least(copies, beyond)
        end = affine(number) if number is not None else next(fits, None)
        if end is None:
            return None
        ends.append(end)
    return ends[0], ends[1]


def _within(copies: _Copies, found: _Found, form: Affine, end: Affine) -> bool:
    domain = System(tuple(r.name for r in found.ranges), (*span(found.ranges), *found.where))
    return implied(copies.context, domain, nonnegative(end - form))


def _least(copies: _Copies, beyond: list[tuple[_Found, Affine]]) -> int | None:
    """The least number that no form exceeds, by bisection."""

    def holds(end: int) -> bool:
        return all(_within(copies, found, form, affine(end)) for found, form in beyond)

    if holds(0):
        return 0
    low, high = 0, 1
    while not holds(high):
        low, high = high, 2 * high
        if high > _LONGEST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _wraps(copies: _Copies, found: _Found, axis: int) -> bool:
    """Whether one turn may not be enough to come back inside."""
    if found.border.kind != "circular":
        return False
    form, size = found.read.index[axis], copies.op.tensor(found.read.tensor).sizes[axis]
    return not (_within(copies, found, -form, size) and _within(copies, found, form + 1, 2 * size))
