"""What solving a transposed relation gives: loops that visit each contribution to each cell exactly once."""

from __future__ import annotations

from dataclasses import dataclass

from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint, Expr, Reduce
from symconv.notation.operator import Operator, Statement

__all__ = ["Gather", "Phase", "Solution", "Solved", "settled"]


@dataclass(frozen=True, slots=True)
class Phase:
    """The residue classes of one axis: ``target + offset = modulus·step + residue``.

    For the residues that are multiples of ``gap``: taps are ``k = first + (modulus/gap)·t`` and outputs
    ``o = step + shift − slope·t``. ``table`` lists ``(residue, first, shift)``; ``residue``, ``first`` and ``shift``
    are the
    names of those values inside the solution. Residues that are not listed receive nothing. They are ``0 ..
    modulus-1``, or as many numbers from another ``start`` on.
    """

    target: str
    modulus: int
    gap: int
    inverse: int
    slope: int
    residue: str
    first: str
    shift: str
    table: tuple[tuple[int, int, int], ...]

    @property
    def names(self) -> tuple[str, str, str]:
        """The three values a phase fixes."""
        return self.residue, self.first, self.shift

    @property
    def start(self) -> int:
        """The least residue where all are listed."""
        return min(residue for residue, _, _ in self.table)


@dataclass(frozen=True, slots=True)
class Solution:
    """One convex piece of one reduction, solved.

    ``cells`` are the loops that choose the cell of the target, ``steps`` the loops that run over its contributions;
    ``values`` give every original index in terms of loops, phases and sizes; ``bounds`` are all that the loops must
    satisfy, redundant ones removed; ``limits`` are all of them, for a loop that needs a bound of its own; ``ranges``
    are those that keep the cell in its tensor: a cell that other limits leave out receives nothing, but is stored.
    ``owned`` says whether each cell's sum is gathered by its own loops; where it is not, the relation could not be
    inverted, ``steps`` then move the cell too, and only ``cells`` may run in parallel.
    """

    cells: tuple[str, ...]
    steps: tuple[str, ...]
    phases: tuple[Phase, ...]
    values: tuple[tuple[str, Affine], ...]
    target: tuple[Affine, ...]
    bounds: tuple[Constraint, ...]
    limits: tuple[Constraint, ...]
    body: Expr
    owned: bool = True
    ranges: tuple[Constraint, ...] = ()

    def value(self, name: str) -> Affine:
        """An original index in terms of the loops."""
        return dict(self.values).get(name, Affine(((name, 1),), 0))


@dataclass(frozen=True, slots=True)
class Solved:
    """One statement with each of its reductions replaced by solutions; ``proved`` says what isl proved of them."""

    statement: Statement
    reductions: tuple[tuple[Reduce, tuple[Solution, ...]], ...]
    proved: str = ""


@dataclass(frozen=True, slots=True)
class Gather:
    """An operator in gather form: what lowering consumes and what formulas print."""

    operator: Operator
    statements: tuple[Solved, ...]


def settled(phase: Phase) -> dict[str, Affine]:
    """What a phase's values are where they are simple: the same in every class, or the residue itself.

    >>> phase = Phase("u", 2, 1, 1, 1, "r_u", "p0_u", "m_u", ((0, 0, 0), (1, 1, 0)))
    >>> {name: str(form) for name, form in settled(phase).items()}
    {'p0_u': 'r_u', 'm_u': '0'}
    """
    residues, firsts, shifts = zip(*phase.table, strict=True)
    values = {}
    for name, column in ((phase.first, firsts), (phase.shift, shifts)):
        if len(set(column)) == 1:
            values[name] = affine(column[0])
        elif column == residues:
            values[name] = var(phase.residue)
    if len(residues) == 1:
        values[phase.residue] = affine(residues[0])
    return values
