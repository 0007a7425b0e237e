"""Which part each loop of a sum plays, read off the accesses alone.

For ``T[cells] += body(A, B)`` a loop is a row (in T and the narrow operand A), a flat axis (in T and the wide operand
B, or the steps of both where a sum runs over positions), a step (in A and B) or a group (in all). Nothing here knows an
operator: what has these roles can be packed, whatever its body.
"""

from __future__ import annotations

from dataclasses import replace

from symconv.gather.solution import Solution, Solved
from symconv.loops.heuristics import trips
from symconv.notation.affine import Affine, var
from symconv.notation.expr import Index, Read, Reduce, reads, walk
from symconv.notation.operator import Operator, Statement
from symconv.packed.borders import bounded, padded, vanishes_outside
from symconv.packed.contraction import Axis, Contraction, Operand, alike, tensor_axes
from symconv.packed.residues import from_zero

__all__ = ["contraction"]

_KINDS = frozenset({"sum", "max", "min", "argmax", "argmin"})


def contraction(op: Operator, solved: Solved) -> Contraction | None:
    """The roles in a statement with one sum or extreme, or None where they are not of this kind."""
    if len(solved.reductions) != 1:
        return None
    reduce, solutions = solved.reductions[0]
    if reduce.kind not in _KINDS or len(solutions) != 1 or not _usable(solutions[0]):
        return None
    solution = from_zero(solutions[0])
    kinds = (find(op, solved.statement, reduce, solution) for find in (_in_cells, _in_steps))
    usable = [found for found in kinds if found is not None and bounded(found)]
    usable = [found for found in usable if (_selects(found) if found.extreme else vanishes_outside(found))]
    usable = [found for found in usable if not found.counted or _counts_taps(found)]
    if not usable:
        return None
    # A window and the positions it slides over often have the same roles: lanes go along the longer one.
    best = max(usable, key=lambda found: trips(solution, found.flats[-1], None))
    return replace(best, padded=padded(best))


def _usable(solution: Solution) -> bool:
    whole = all(phase.gap == 1 for phase in solution.phases)
    return solution.owned and bool(solution.target) and whole


def _selects(found: Contraction) -> bool:
    """Whether an extreme is one of taps that lie side by side in lanes; those outside of operands are left out."""
    return found.lanes == "cells" and bool(found.solution.steps) and not found.solution.phases and not found.rows


def _counts_taps(found: Contraction) -> bool:
    """Whether positions are compared with numbers of taps, in sums whose operands all move with lanes."""
    solution, loops = found.solution, {*found.solution.cells, *found.solution.steps}
    forms = (node.form for node in walk(solution.body) if isinstance(node, Index))
    moving = {operand.read for operand in found.wide} == {*reads(solution.body)}
    return (
        found.lanes == "cells" and moving and not found.rows and all(f.names() & loops <= {*found.taps} for f in forms)
    )


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
    # Of several loops over rows the first is tiled; the others are as groups that share the wide operands.
    groups, rows = groups + rows[1:], rows[:1]
    operands = tuple(operand for read in wide if (operand := _operand(op, read, flats)))
    plain = len(operands) == len(wide) and alike(operands)
    if not plain or any(_uses(read, n) for read in wide for n in rows):
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
    # Blocks of rows are stored into rows of the target: its last axis is one of columns.
    operands.sort(key=lambda one: (_offset_names(one), any(_uses(one.read, n) for n in solution.target[-1].names())))
    first, second = operands
    groups = tuple(n for n in cells if _uses(first.read, n) and _uses(second.read, n))
    rows = tuple(n for n in cells if n not in groups and _uses(first.read, n))
    columns = tuple(n for n in cells if n not in groups and _uses(second.read, n))
    groups, rows = groups + rows[1:], rows[:1]
    still = all(axis.factor == 1 and axis.rest.is_constant for axis in first.axes if axis.loop)
    once = all(len(form.names() & set(cells)) <= 1 for read in moving for form in read.index)
    if not _plain(solution, cells) or not still or not once or not columns or {*groups, *rows, *columns} != set(cells):
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


def _split(steps: tuple[str, ...], operands: tuple[Operand, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    axes = operands[0].axes
    planes = tuple(n for n in steps if any(not axis.loop and axis.form.coefficient(n) for axis in axes))
    taps = tuple(n for n in steps if any(axis.loop and axis.form.coefficient(n) for axis in axes))
    return planes, taps
