"""What the cells of a stencil get: some rows of the operand at a time, under the taps that are unrolled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product as combinations

from symconv.loops.arith import add, const, simplify
from symconv.loops.cells import best_of, first, in_order, position
from symconv.loops.ir import (
    VECTOR,
    Address,
    Declare,
    Expr,
    For,
    Let,
    Load,
    LoadLanes,
    Scalar,
    Shift,
    Splat,
    Stmt,
    Update,
    Var,
)
from symconv.loops.scalars import integer, scalar
from symconv.loops.traverse import rewrite, substitute
from symconv.packed.copying import ZERO
from symconv.packed.stencil import (
    Values,
    at,
    behind,
    loaded,
    mask_of,
    moved,
    read_as_load,
    tap_range,
    taps_along,
    vanishes,
    within,
)
from symconv.packed.stencil_form import Cells

__all__ = ["sums"]


def sums(it: Cells, number: int, rows: int, masked: bool) -> Iterator[Stmt]:
    """All contributions to the accumulators, one residue class of lanes after the other."""
    found, loops = it.found, it.found.flats
    unrolled = [one.tap for one in (it.unrolled, it.across) if one]
    for c, residue in enumerate(it.lanes):
        fixed = dict((*it.rows[number].values, *residue.values))
        part = _Part(it, fixed, it.unrolled.values[number] if it.unrolled else (0,), rows, c, masked)
        known: dict[str, Expr] = {loops[-2]: Var("row_"), loops[-1]: add(Var("at_"), const(residue.first))}
        inner: tuple[Stmt, ...] = (*_narrow(part, known), *_rows(part))
        for axis in found.wide[0].axes:
            if axis.loop in loops[:-2] and found.padded and taps_along(found, axis):
                inner = (within(at(axis.form, fixed, known), integer(axis.length), inner),)
        for name in reversed([n for n in (*found.planes, *found.taps) if n not in unrolled]):
            inner = (For(name, *tap_range(found, name, fixed), inner),)
        yield from inner


@dataclass(frozen=True)
class _Part:
    """What some rows get from one pass over their taps: unrolled ones along rows, the residue class of lanes, whether
    lanes are masked."""

    it: Cells
    fixed: Values
    taps: tuple[int, ...]
    rows: int
    c: int
    masked: bool

    @property
    def mask(self) -> str:
        """The lanes that lie in the operand."""
        return "mask_" if self.masked else ""

    def found_by(self, c: int) -> str:
        """The lanes that a tap along them finds in the operand."""
        return f"mask{c}_" if self.it.across else self.mask

    @property
    def across(self) -> tuple[int, ...]:
        """Unrolled taps along lanes."""
        return self.it.across.values[0] if self.it.across else (0,)

    def moved(self, c: int) -> int:
        """How far an unrolled tap along lanes moves them."""
        return moved(self.it.lane, self.tap(0, c))

    @property
    def cut(self) -> bool:
        """Whether the narrow operand is 0 in lanes beyond the border, as the wide one is: no sum needs a mask then."""
        return self.masked and vanishes(self.it.found) and not self.it.found.extreme

    def tap(self, value: int, c: int = 0) -> dict[str, int]:
        """What is fixed under unrolled taps."""
        fixed = {**self.fixed, self.it.unrolled.tap: value} if self.it.unrolled else dict(self.fixed)
        return {**fixed, self.it.across.tap: self.across[c]} if self.it.across else fixed


def _narrow(part: _Part, known: dict[str, Expr]) -> Iterator[Stmt]:
    """Where the taps at hand lie, and their elements of the narrow operand."""
    it, found = part.it, part.it.found
    own = {it.unrolled.tap: 0} if it.unrolled else {}
    yield Let("base_", at(it.row.form, {**part.fixed, **own}, known))
    # Operands read at the cell itself have rows of the target's length, whatever length the read ones have.
    most = Var(f"Q_{found.flats[-1]}_") if found.here else None
    yield Let("column_", const(0) if it.across else at(it.lane.form, part.fixed, known))
    if part.masked:
        yield mask_of("mask_", it.lane, Var("column_"), None if it.across else most)
    for c, _ in enumerate(part.across if it.across else ()):
        yield mask_of(part.found_by(c), it.lane, const(part.moved(c)), most)
    first = part.tap(part.taps[0]) if part.taps else dict(part.fixed)
    for n, read in enumerate(found.narrow):
        yield Let(f"narrow{n}_at_", Address(read.tensor, loaded(read, first, known).index))
        for (k, tap), (c, _) in combinations(enumerate(part.taps), enumerate(part.across)):
            steps = tuple(integer(form.substitute(part.tap(tap, c)) - form.substitute(first)) for form in read.index)
            name = f"narrow{n}_{k}_{c}_"
            yield Declare(name, behind(found, read.tensor, steps, f"narrow{n}_at_"))
            if part.cut:
                yield Declare(f"cut{n}_{k}_{c}_", Splat(ZERO), Scalar("real", VECTOR))
                yield Update(f"cut{n}_{k}_{c}_", "=", Splat(Var(name)), part.found_by(c))


def _rows(part: _Part) -> Iterator[Stmt]:
    """Each row of the operand that is reached, and what it gives to every row of the target."""
    it, found, (down, right) = part.it, part.it.found, part.it.found.flats[-2:]
    step = it.row.form.coefficient(it.unrolled.tap) if it.unrolled else 0
    users: dict[int, list[tuple[int, int]]] = {}
    for r, (k, tap) in combinations(range(part.rows), enumerate(part.taps)):
        users.setdefault(it.row.factor * r + step * tap, []).append((r, k))
    start: dict[str, Expr] = {down: Var("base_"), right: Var("column_")}
    for n, operand in enumerate(found.wide):
        forms = (integer(axis.form.substitute(dict(part.fixed))) for axis in operand.axes)
        index = tuple(start.get(axis.loop, form) for axis, form in zip(operand.axes, forms, strict=True))
        yield Let(f"wide{n}_at_", Address(operand.read.tensor, index))
    if found.placed:
        yield Let("where_", position(found.reduce, found.solution))
    for distance in sorted(users):
        body: list[Stmt] = []
        for n, operand in enumerate(found.wide):
            steps = tuple(const(distance if a.loop == down else 0) for a in operand.axes)
            one = behind(found, operand.read.tensor, steps, f"wide{n}_at_")
            lanes = LoadLanes(one.buffer, one.index, it.lane.factor, part.mask, one.offset)
            kind = "index" if operand.read.tensor in found.positions else "real"
            body.append(Declare(f"wide{n}_", lanes, Scalar(kind, VECTOR)))
            for c, _ in enumerate(part.across if it.across else ()):
                shifted = Shift(Var(f"wide{n}_"), part.moved(c))
                body.append(Declare(f"wide{n}_{c}_", shifted, Scalar(kind, VECTOR)))
        for (r, k), (c, _) in combinations(users[distance], enumerate(part.across)):
            mask = "" if part.cut else part.found_by(c)
            body += _joined(part, f"{r}_{part.c}_", _value(part, r, k, c), mask)
        if found.padded:
            yield within(add(Var("base_"), const(distance)), integer(it.row.length), tuple(body))
        else:
            yield from body


def _joined(part: _Part, name: str, value: Expr, mask: str) -> tuple[Stmt, ...]:
    """What a contribution does to a sum, or to an extreme and its position."""
    found = part.it.found
    if not found.placed:
        return (Update(f"acc{name}", found.extreme or "+", value, mask),)
    best, at, new = Var(f"acc{name}"), Var(f"at{name}"), Var(f"new{name}")
    ordered = (*found.planes, *found.taps) == in_order(found.reduce, found.solution)
    chosen = first(found.extreme, best, at, new, Splat(Var("where_")), ordered)
    return (
        Declare(new.name, value, Scalar("real", VECTOR)),
        Update(at.name, "=", chosen, mask),
        best_of(found.extreme, best, new, ordered, mask),
    )


def _value(part: _Part, r: int, k: int, c: int) -> Expr:
    """The body with each read replaced by what is at hand of it."""
    found, loops = part.it.found, part.it.found.flats
    tap = f"{c}_" if part.it.across else ""
    table: dict[Expr, Expr] = {read_as_load(o.read): Var(f"wide{n}_{tap}") for n, o in enumerate(found.wide)}
    for n, read in enumerate(found.narrow):
        table[read_as_load(read)] = Var(f"cut{n}_{k}_{c}_") if part.cut else Splat(Var(f"narrow{n}_{k}_{c}_"))
    cell: dict[str, Expr] = {loops[-2]: add(Var("row_"), const(r)), loops[-1]: Var("at_")}
    for read in found.here:
        table[read_as_load(read)] = LoadLanes(read.tensor, loaded(read, {}, cell).index, 1, part.found_by(c))
    body = scalar(found.solution.body, {}, found.positions)
    put: Expr = rewrite(body, lambda node: table.get(node, node) if isinstance(node, Load) else node)
    here: dict[str, Expr] = {name: const(value) for name, value in part.tap(part.taps[k], c).items()}
    result: Expr = simplify(substitute(put, here)) if found.counted else put
    return result
