"""Solve index equations over the integers, one equation at a time, into loops, phases and bounds.

An axis ``a·o + b·k = E`` with two unknowns has the closed form (g = gcd(a, b), a' = a/g, b' = b/g, E = a·τ + r):
a contribution exists only if g | r; then ``k = k0 + a'·t`` and ``o = τ + m − b'·t`` with ``k0 = (r/g)·b'⁻¹ mod a'`` and
``m = (r/g − b'·k0)/a'``. An unknown with factor ±1 is solved for directly. What fits neither is not inverted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import gcd

from symconv.derive.borders import span
from symconv.gather.solution import Phase, Solution
from symconv.notation.affine import Affine, var
from symconv.notation.expr import Constraint, Piece, Range, rename

__all__ = ["MAX_MODULUS", "Move", "moves", "solve"]

MAX_MODULUS = 64


@dataclass(frozen=True, slots=True)
class Move:
    """How one equation was used: ``equation = 0`` as it stood, and what its unknowns were fixed to.

    Nothing is fixed by an equation that stays a condition on the cell. ``owned`` is False where the contributions
    choose the cell.
    """

    equation: Affine
    fixed: tuple[tuple[str, Affine], ...]
    phase: Phase | None
    owned: bool


@dataclass(slots=True)
class _State:
    cells: list[str]
    steps: list[str]
    values: dict[str, Affine] = field(default_factory=dict)
    guards: list[Constraint] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    owned: bool = True
    puts: list[tuple[str, Affine]] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)

    def put(self, name: str, form: Affine) -> None:
        """Fix a variable; everything known so far is rewritten."""
        self.puts.append((name, form))
        self.values = {key: value.substitute({name: form}) for key, value in self.values.items()}
        self.values[name] = form

    def now(self, form: Affine) -> Affine:
        return form.substitute(self.values)


def solve(targets: tuple[Range, ...], indices: tuple[Range, ...], piece: Piece) -> Solution:
    """The loops for one piece of a reduction over ``indices`` into the cells ``targets``; bounds are not yet pruned."""
    state = _solved(targets, indices, piece)
    ranges = span((*targets, *indices))
    inequalities = [c for c in (*ranges, *piece.where) if not c.equality]
    bounds = [Constraint(state.now(c.form)) for c in inequalities]
    used = dict.fromkeys((*(c for c in bounds if not c.form.is_constant or c.form.constant < 0), *state.guards))
    return Solution(
        cells=tuple(state.cells),
        steps=tuple(state.steps),
        phases=tuple(state.phases),
        values=tuple(sorted(state.values.items())),
        target=tuple(state.now(var(r.name)) for r in targets),
        bounds=tuple(used),
        limits=tuple(used),
        body=rename(piece.body, state.values),
        owned=state.owned,
        ranges=tuple(Constraint(state.now(c.form)) for c in span(targets)),
    )


def moves(targets: tuple[Range, ...], indices: tuple[Range, ...], piece: Piece) -> tuple[Move, ...]:
    """The equations of a piece in the order in which ``solve`` uses them, with what each of them fixes."""
    return tuple(_solved(targets, indices, piece).moves)


def _solved(targets: tuple[Range, ...], indices: tuple[Range, ...], piece: Piece) -> _State:
    state = _State([r.name for r in targets], [r.name for r in indices])
    pending = [c.form for c in piece.where if c.equality]
    while pending:
        best = min(range(len(pending)), key=lambda k: _effort(state, state.now(pending[k])))
        form, known, phases = state.now(pending.pop(best)), len(state.puts), len(state.phases)
        _equation(state, form)
        phase = state.phases[-1] if len(state.phases) > phases else None
        state.moves.append(Move(form, tuple(state.puts[known:]), phase, state.owned))
    return state


def _unknowns(state: _State, form: Affine) -> tuple[list[str], list[str]]:
    names = form.names()
    return [n for n in state.cells if n in names], [n for n in state.steps if n in names]


def _effort(state: _State, form: Affine) -> int:
    """Easier equations first: they may fix what a harder one needs."""
    cells, steps = _unknowns(state, form)
    unit = any(abs(form.coefficient(n)) == 1 for n in steps)
    return 0 if not steps else 1 if unit and len(steps) == 1 else 2 if unit else 3 + len(steps) + len(cells)


def _equation(state: _State, form: Affine) -> None:
    cells, steps = _unknowns(state, form)
    unit = next((n for n in steps if abs(form.coefficient(n)) == 1), None)
    lone = len(cells) == 1 and abs(form.coefficient(cells[0])) == 1
    phased = lone and len(steps) == 2 and not _mixes(state, form)
    if phased and abs(form.coefficient(steps[0])) > 1 and _two(state, form, cells[0], (steps[0], steps[1])):
        return
    if unit is not None:
        _isolate(state, form, unit, state.steps)
    elif lone and len(steps) == 1 and not _mixes(state, form):
        _one(state, form, cells[0], steps[0])
    elif not steps and (cell := next((n for n in cells if abs(form.coefficient(n)) == 1), None)):
        _isolate(state, form, cell, state.cells)
    elif cell := next((n for n in cells if abs(form.coefficient(n)) == 1), None):
        # Not invertible here: let the contributions choose the cell.
        _isolate(state, form, cell, state.cells)
        state.owned = False
    else:
        state.guards.append(Constraint(form, True))


def _mixes(state: _State, form: Affine) -> bool:
    return any(form.coefficient(name) for phase in state.phases for name in phase.names)


def _isolate(state: _State, form: Affine, name: str, among: list[str]) -> None:
    factor = form.coefficient(name)
    state.put(name, (form - factor * var(name)) * -factor)
    among.remove(name)


def _parts(form: Affine, cell: str, steps: tuple[str, ...]) -> tuple[int, Affine]:
    """``sign·cell + rest`` such that the unknowns' sum equals it."""
    sign = -form.coefficient(cell)
    rest = form - form.coefficient(cell) * var(cell)
    for name in steps:
        rest = rest - rest.coefficient(name) * var(name)
    return sign, -rest


def _one(state: _State, form: Affine, cell: str, step: str) -> None:
    # a·o = ±u + e: only one residue class of cells is reached, and o is what counts through it.
    if form.coefficient(step) < 0:
        form = -form
    sign, rest = _parts(form, cell, (step,))
    name = f"{cell}_"
    state.put(step, var(name))
    state.put(cell, sign * (form.coefficient(step) * var(name) - rest))
    state.steps.remove(step)
    state.cells[state.cells.index(cell)] = name


def _two(state: _State, form: Affine, cell: str, steps: tuple[str, str]) -> bool:
    first, second = steps
    if form.coefficient(first) < 0:
        form = -form
    a, b = form.coefficient(first), form.coefficient(second)
    if a > MAX_MODULUS:
        return False
    sign, rest = _parts(form, cell, steps)
    g = gcd(a, b)
    modulus, slope = a // g, b // g
    inverse = pow(slope, -1, modulus) if modulus > 1 else 0
    table = []
    for residue in range(0, a, g):
        start = (residue // g) * inverse % modulus
        table.append((residue, start, (residue // g - slope * start) // modulus))
    tau, t = f"{cell}_", f"{second}_"
    phase = Phase(cell, a, g, inverse, slope, f"r_{cell}", f"{second}0_{cell}", f"m_{cell}", tuple(table))
    state.phases.append(phase)
    state.put(first, var(tau) + var(phase.shift) - slope * var(t))
    state.put(second, var(phase.first) + modulus * var(t))
    state.put(cell, sign * (a * var(tau) + var(phase.residue) - rest))
    state.cells[state.cells.index(cell)] = tau
    state.steps.remove(first)
    state.steps[state.steps.index(second)] = t
    return True
