"""Residue classes counted so that every class has the same cells: a target with a shifted origin has no class more."""

from __future__ import annotations

from dataclasses import replace

from symconv.gather.solution import Phase, Solution

__all__ = ["from_zero"]


def from_zero(solution: Solution) -> Solution:
    """The solution with residues that begin where the target does: cell 0 of class 0 is element 0.

    ``2*u + r - 1`` with ``r`` in 0, 1 reaches element 0 at ``u = 0`` in one class and element 1 at ``u = 1`` in the
    other; with ``r`` in 1, 2 both begin at 0, so that a box holds no cells that only one class has.
    """
    return replace(solution, phases=tuple(_moved(solution, phase) for phase in solution.phases))


def _moved(solution: Solution, phase: Phase) -> Phase:
    """The same classes by other representatives: ``modulus`` consecutive numbers from the one of element 0 on."""
    for form in solution.target:
        loops = [name for name in solution.cells if form.coefficient(name) == phase.modulus]
        if form.coefficient(phase.residue) == 1 and form.names() == {phase.residue, *loops} and len(loops) == 1:
            known = {residue: (first, shift) for residue, first, shift in phase.table}
            table = []
            for residue in range(-form.constant, phase.modulus - form.constant):
                turns, usual = divmod(residue, phase.modulus)
                if usual not in known:
                    return phase
                first, shift = known[usual]
                table.append((residue, first, shift + turns))
            return replace(phase, table=tuple(table))
    return phase
