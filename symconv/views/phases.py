"""The residue classes of strided axes as tables: which taps feed which class of cells, and from which outputs."""

from __future__ import annotations

from dataclasses import dataclass

from symconv.gather.solution import Gather, Phase, Solution
from symconv.notation.affine import Affine, var
from symconv.views.closed import closed

__all__ = ["PhaseRow", "PhaseTable", "phase_tables"]


@dataclass(frozen=True, slots=True)
class PhaseRow:
    """One residue class: its first tap and shift, and the tap and the output as forms of the loops."""

    residue: int
    first: int
    shift: int
    tap: Affine
    output: Affine


@dataclass(frozen=True, slots=True)
class PhaseTable:
    """One strided axis: ``form = modulus·loop + residue``; residues without a row receive nothing."""

    phase: Phase
    target: str
    form: Affine
    loop: str
    tap: str
    step: str
    output: str
    rows: tuple[PhaseRow, ...]

    @property
    def step_size(self) -> int:
        """How far apart the taps of one class are."""
        return self.phase.modulus // self.phase.gap


def phase_tables(gather: Gather) -> tuple[PhaseTable, ...]:
    """The tables of every strided axis, in the order they are solved; those of different pieces may differ.

    >>> import symconv as sc
    >>> (table,) = phase_tables(sc.derive(sc.conv1d(stride=3, dilation=2), "x").derivation.gather)
    >>> [(row.residue, row.first, row.shift) for row in table.rows]
    [(0, 0, 0), (1, 2, -1), (2, 1, 0)]
    """
    tables = []
    for solved in gather.statements:
        for node, solutions in solved.reductions:
            for solution in solutions:
                if closed(solved.statement, node, solution) is not None:
                    tables += [_table(solution, phase, solved.statement.indices) for phase in solution.phases]
    return tuple(dict.fromkeys(table for table in tables if table is not None))


def _table(solution: Solution, phase: Phase, indices: tuple[str, ...]) -> PhaseTable | None:
    values = dict(solution.values)
    loop = f"{phase.target}_"
    tap = next((n for n, form in values.items() if form.coefficient(phase.first) and n != phase.target), None)
    output = next((n for n, form in values.items() if form.coefficient(phase.shift) and n != phase.target), None)
    cell = solution.target[indices.index(phase.target)]
    if tap is None or output is None or not cell.coefficient(loop):
        return None
    sign = 1 if cell.coefficient(loop) > 0 else -1
    rest = cell - cell.coefficient(loop) * var(loop) - cell.coefficient(phase.residue) * var(phase.residue)
    rows = []
    for row in phase.table:
        fixed: dict[str, Affine | int] = dict(zip(phase.names, row, strict=True))
        rows.append(PhaseRow(*row, values[tap].substitute(fixed), values[output].substitute(fixed)))
    step = next(iter(n for n in solution.steps if values[tap].coefficient(n)), tap)
    return PhaseTable(phase, phase.target, sign * (var(phase.target) - rest), loop, tap, step, output, tuple(rows))
