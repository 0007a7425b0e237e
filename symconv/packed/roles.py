"""Which part each loop of a sum plays, read off the accesses alone.

For ``T[cells] += body(A, B)`` a loop is a row (in T and the narrow operand A), a flat axis (in T and the wide operand
B, or the steps of both where a sum runs over positions), a step (in A and B) or a group (in all). Nothing here knows an
operator: what has these roles can be packed, whatever its body.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from symconv.gather.solution import Phase, Solution, Solved
from symconv.loops.heuristics import trips
from symconv.notation.affine import Affine, var
from symconv.notation.expr import Apply, Const, Constraint, Expr, Index, Piece, Read, Reduce, reads, transform, walk
from symconv.notation.operator import Operator, Statement
from symconv.packed.residues import from_zero

__all__ = ["Axis", "Contraction", "Operand", "contraction", "tensor_axes", "unhaloed"]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of an operand: along the flat loop ``loop`` with ``factor`` and the offset ``rest``, or a plane."""

    form: Affine
    length: Affine
    loop: str = ""
    factor: int = 0

    @property
    def rest(self) -> Affine:
        """The index without its flat loop."""
        return self.form - self.factor * var(self.loop) if self.loop else self.form


@dataclass(frozen=True, slots=True)
class Operand:
    """A read and what its axes are."""

    read: Read
    axes: tuple[Axis, ...]

    def along(self, loop: str) -> Axis:
        """The axis of a flat loop; raises KeyError."""
        return {axis.loop: axis for axis in self.axes if axis.loop}[loop]


@dataclass(frozen=True, slots=True)
class Contraction:
    """A sum with its roles.

    ``lanes`` says where neighbouring elements lie: in ``"cells"`` (outer form) or in ``"steps"`` (dot form). ``flats``
    are the flat loops, outermost first, the last one has the lanes. ``wide`` operands move with lanes and are packed
    (in the dot form the first moves with the rows, the others with the columns); ``narrow`` ones do not move with
    lanes; ``here`` are read at the target's own cell. ``planes`` choose a plane of a wide operand, ``taps`` move along
    flat axes. ``padded`` says that a wide operand counts as 0 outside.
    """

    operator: Operator
    statement: Statement
    reduce: Reduce
    solution: Solution
    lanes: str
    flats: tuple[str, ...]
    groups: tuple[str, ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    planes: tuple[str, ...]
    taps: tuple[str, ...]
    wide: tuple[Operand, ...]
    narrow: tuple[Read, ...]
    here: tuple[Read, ...]
    padded: bool

    def phase(self, loop: str) -> Phase | None:
        """The residue classes of the target along a flat loop."""
        for phase in self.solution.phases:
            if any(form.coefficient(loop) and form.coefficient(phase.residue) for form in self.solution.target):
                return phase
        return None


def contraction(op: Operator, solved: Solved) -> Contraction | None:
    """The roles in a statement with one sum, or None where they are not of this kind."""
    if len(solved.reductions) != 1:
        return None
    reduce, solutions = solved.reductions[0]
    if reduce.kind != "sum" or len(solutions) != 1 or not _usable(op, solutions[0]):
        return None
    solution = from_zero(solutions[0])
    kinds = (find(op, solved.statement, reduce, solution) for find in (_in_cells, _in_steps))
    usable = [found for found in kinds if found is not None and _bounded(found) and _vanishes_outside(found)]
    if not usable:
        return None
    # A window and the positions it slides over often have the same roles: lanes go along the longer one.
    best = max(usable, key=lambda found: trips(solution, found.flats[-1], None))
    return replace(best, padded=_padded(best))


def unhaloed(found: Contraction, op: Operator, copy: Statement) -> Contraction | None:
    """The same sum over the operand that ``copy`` puts into a halo of zeros: packing puts them there as well.

    ``op`` has that operand among its inputs. None where the halo holds something else, or more than one packed operand
    is read from it.
    """
    source, held = _zero_outside(op, copy.expr), copy.target.name
    if source is None or len(source.index) != len(copy.indices):
        return None
    places = tuple(form - var(name) for form, name in zip(source.index, copy.indices, strict=True))
    within = {read.tensor for read in (*found.narrow, *found.here)}
    if any(place.names() & set(copy.indices) for place in places) or held in within:
        return None
    wide = tuple(_moved(one, op, source, places) if one.read.tensor == held else one for one in found.wide)
    index = {one.read: new.read for one, new in zip(found.wide, wide, strict=True)}
    body = transform(found.solution.body, lambda node: index.get(node) if isinstance(node, Read) else None)
    if found.lanes == "cells" and not _alike(wide):
        return None
    return replace(found, operator=op, solution=replace(found.solution, body=body), wide=wide, padded=True)


def _zero_outside(op: Operator, expr: Expr) -> Read | None:
    """The read of an input that an expression is wherever it lies in its tensor, where it is 0 elsewhere."""
    match expr:
        case Read(tensor, _, None) if tensor in op.tensors:
            return expr
        case Reduce("sum", (), (Piece(where, Read(tensor, index, None) as read),)) if tensor in op.tensors:
            sizes = op.input(tensor).sizes
            inside = {Constraint(form) for form in index}
            inside |= {Constraint(size - 1 - form) for form, size in zip(index, sizes, strict=True)}
            return read if set(where) <= inside else None
    return None


def _moved(operand: Operand, op: Operator, source: Read, places: tuple[Affine, ...]) -> Operand:
    """An operand read from where its copy comes from."""
    sizes = op.input(source.tensor).sizes
    axes = tuple(
        Axis(axis.form + place, length, axis.loop, axis.factor)
        for axis, place, length in zip(operand.axes, places, sizes, strict=True)
    )
    return Operand(Read(source.tensor, tuple(axis.form for axis in axes)), axes)


def _usable(op: Operator, solution: Solution) -> bool:
    loops = {*solution.cells, *solution.steps}
    counted = any(isinstance(n, Index) and n.form.names() & loops for n in walk(solution.body))
    dtypes = {tensor.name: tensor.dtype for tensor in op.inputs}
    positions = any(dtypes.get(read.tensor, "real") != "real" for read in reads(solution.body))
    whole = all(phase.gap == 1 for phase in solution.phases)
    return solution.owned and bool(solution.target) and not counted and not positions and whole


def _plain(solution: Solution, names: tuple[str, ...]) -> bool:
    """Whether these loops are coordinates of the target as they stand: they are counted from 0 on."""
    return all(var(name) in solution.target for name in names)


def _lane(form: Affine, loops: tuple[str, ...]) -> str:
    """The one loop that moves an index forward, or nothing."""
    moving = [name for name in loops if form.coefficient(name)]
    return moving[0] if len(moving) == 1 and form.coefficient(moving[0]) > 0 else ""


def _uses(read: Read, name: str) -> bool:
    return any(form.coefficient(name) for form in read.index)


def _in_cells(op: Operator, statement: Statement, reduce: Reduce, solution: Solution) -> Contraction | None:
    """Lanes across cells of the target."""
    cells, steps = solution.cells, solution.steps
    lane = _lane(solution.target[-1], cells)
    every = reads(solution.body)
    moving = [read for read in every if _uses(read, lane)] if lane else []
    wide = [read for read in moving if any(_uses(read, step) for step in steps)]
    here = tuple(read for read in moving if read not in wide)
    narrow = tuple(read for read in every if read not in moving and any(_uses(read, step) for step in steps))
    if not wide or len(moving) + len(narrow) != len(every) or not all(_at_target(read, solution) for read in here):
        return None
    flats = [n for n in cells if all(_uses(r, n) for r in wide) and not any(_uses(r, n) for r in narrow)]
    flats = [n for n in flats if n != lane] + [lane]
    groups = tuple(n for n in cells if n not in flats and any(_uses(read, n) for read in wide))
    rows = tuple(n for n in cells if n not in flats and n not in groups)
    operands = tuple(operand for read in wide if (operand := _operand(op, read, flats)))
    plain = len(operands) == len(wide) and _alike(operands)
    if not plain or len(rows) > 1 or any(_uses(read, n) for read in wide for n in rows):
        return None
    planes, taps = _split(steps, operands)
    one_each = all(len(form.names() & set(cells)) == 1 for form in solution.target)
    if (
        not _plain(solution, (*groups, *rows))
        or not one_each
        or len(planes) > 1
        or set(planes) & set(taps)
        or {*planes, *taps} != set(steps)
    ):
        return None
    return Contraction(
        op, statement, reduce, solution, "cells", tuple(flats), groups, rows, (), planes, taps, operands, narrow, here,
        False,
    )  # fmt: skip


def _in_steps(op: Operator, statement: Statement, reduce: Reduce, solution: Solution) -> Contraction | None:
    """Lanes across contributions: both operands move with every step."""
    cells, steps = solution.cells, solution.steps
    every = reads(solution.body)
    moving = [read for read in every if any(_uses(read, step) for step in steps)]
    here = tuple(read for read in every if read not in moving)
    if len(moving) != 2 or solution.phases or not all(_at_target(read, solution) for read in here):
        return None
    lanes = [{n for n in steps if read.index[-1].coefficient(n) > 0} for read in moving if read.index]
    lane = next(iter(lanes[0] & lanes[1]), "") if len(lanes) == 2 else ""
    if not lane or not all(_uses(read, step) for read in moving for step in steps):
        return None
    flats = [n for n in steps if n != lane] + [lane]
    operands = [operand for read in moving if (operand := _operand(op, read, flats))]
    if len(operands) != 2:
        return None
    operands.sort(key=_offset_names)
    first, second = operands
    groups = tuple(n for n in cells if _uses(first.read, n) and _uses(second.read, n))
    rows = tuple(n for n in cells if n not in groups and _uses(first.read, n))
    columns = tuple(n for n in cells if n not in groups and _uses(second.read, n))
    still = all(axis.factor == 1 and axis.rest.is_constant for axis in first.axes if axis.loop)
    once = all(len(form.names() & set(cells)) <= 1 for read in moving for form in read.index)
    if (
        not _plain(solution, cells)
        or not still
        or not once
        or not columns
        or len(rows) > 1
        or {*groups, *rows, *columns} != set(cells)
    ):
        return None
    taps = tuple(n for n in columns if any(axis.loop and axis.form.coefficient(n) for axis in second.axes))
    return Contraction(
        op, statement, reduce, solution, "steps", tuple(flats), groups, rows, columns, (), taps, (first, second), (),
        here, False,
    )  # fmt: skip


def _offset_names(operand: Operand) -> int:
    return sum(len(axis.rest.names()) for axis in operand.axes if axis.loop)


def _at_target(read: Read, solution: Solution) -> bool:
    """Whether a read uses the cell's own coordinates alone, each as it stands in the target."""
    return all(form in solution.target or form.is_constant for form in read.index) and not any(
        _uses(read, step) for step in solution.steps
    )


def _operand(op: Operator, read: Read, flats: list[str]) -> Operand | None:
    """The axes of a read: each flat loop on one axis, forward; the lanes on the last."""
    sizes = [size for axis in tensor_axes(op, read.tensor) for size in axis]
    axes = []
    for form, length in zip(read.index, sizes, strict=True):
        moving = [name for name in flats if form.coefficient(name)]
        if len(moving) > 1 or (moving and form.coefficient(moving[0]) < 0):
            return None
        axes.append(Axis(form, length, moving[0], form.coefficient(moving[0])) if moving else Axis(form, length))
    found = [axis.loop for axis in axes if axis.loop]
    return Operand(read, tuple(axes)) if sorted(found) == sorted(flats) and axes[-1].loop == flats[-1] else None


def tensor_axes(op: Operator, name: str) -> tuple[tuple[Affine, ...], ...]:
    """The axes of an input or a target, each as the sizes that are merged in it."""
    targets = [statement.target for statement in op.statements]
    return {tensor.name: tensor.axes for tensor in (*op.inputs, *targets)}[name]


def _alike(operands: tuple[Operand, ...]) -> bool:
    """Whether one table of offsets serves them all."""
    return all(o.read.index == operands[0].read.index and o.axes == operands[0].axes for o in operands)


def _split(steps: tuple[str, ...], operands: tuple[Operand, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    axes = operands[0].axes
    planes = tuple(n for n in steps if any(not axis.loop and axis.form.coefficient(n) for axis in axes))
    taps = tuple(n for n in steps if any(axis.loop and axis.form.coefficient(n) for axis in axes))
    return planes, taps


def _inside(found: Contraction) -> Iterator[Constraint]:
    """What keeps the wide operands in their arrays."""
    for operand in found.wide:
        for axis in operand.axes:
            if axis.loop:
                yield Constraint(axis.form)
                yield Constraint(axis.length - 1 - axis.form)


def _bounded(found: Contraction) -> bool:
    """Whether loops run over boxes and all else keeps operands in their arrays."""
    solution, inside = found.solution, set(_inside(found))
    loops = {*solution.cells, *solution.steps}
    return all(
        not bound.equality and (bound in inside or len(bound.form.names() & loops) <= 1) for bound in solution.bounds
    )


def _padded(found: Contraction) -> bool:
    loops = {*found.solution.cells, *found.solution.steps}
    inside = set(_inside(found))
    return any(bound in inside and len(bound.form.names() & loops) > 1 for bound in found.solution.bounds)


def _vanishes_outside(found: Contraction) -> bool:
    """Whether a contribution is 0 where operands are: outside of them, and in the gaps of flat rows."""
    everywhere = {operand.read.tensor for operand in found.wide}
    if found.lanes == "cells":
        return not _padded(found) or _vanishes(found.solution.body, everywhere)
    rows, columns = (operand.read.tensor for operand in found.wide)
    return _vanishes(found.solution.body, {rows}) and (not _padded(found) or _vanishes(found.solution.body, {columns}))


def _vanishes(expr: Expr, zero: set[str]) -> bool:
    """Whether an expression is 0 where the tensors in ``zero`` are."""
    match expr:
        case Const(value):
            return value == Fraction(0)
        case Read(tensor, _, _):
            return tensor in zero
        case Apply("mul", arguments):
            return any(_vanishes(argument, zero) for argument in arguments)
        case Apply("div", (over, _)):
            return _vanishes(over, zero)
        case Apply("neg" | "abs" | "sign" | "add" | "sub", arguments):
            return all(_vanishes(argument, zero) for argument in arguments)
        case Apply("where", (_, yes, no)):
            return _vanishes(yes, zero) and _vanishes(no, zero)
    return False
