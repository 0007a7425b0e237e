"""A solution as a reader wants it: sums with limits of their own, and what the loops are in terms of the cell's index.

Loops run over ``(class, step)``; a formula speaks of the cell ``u``. So ``u = 2u' + r - 1`` is read backwards:
``u'`` is a quotient and ``r`` a remainder of ``u + 1``. What is the same for every residue class is put in place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from symconv.gather.solution import Phase, Solution, settled
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint, Expr, Read, Reduce, equal, nonnegative, rename, transform, walk
from symconv.notation.expr import Index as IndexValue
from symconv.notation.operator import Statement
from symconv.views.forms import Bound

__all__ = ["Closed", "Divides", "Division", "Sum", "closed"]


@dataclass(frozen=True, slots=True)
class Sum:
    """One loop over contributions with its limits."""

    name: str
    lowers: tuple[Bound, ...]
    uppers: tuple[Bound, ...]

    @property
    def compound(self) -> bool:
        """Whether a limit is the larger or smaller of several."""
        return len(self.lowers) > 1 or len(self.uppers) > 1


@dataclass(frozen=True, slots=True)
class Division:
    """``loop = ⌊form / modulus⌋`` and, where it is read, ``residue = form mod modulus``."""

    cell: str
    loop: str
    residue: str
    form: Affine
    modulus: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Divides:
    """``divisor`` divides ``form``."""

    divisor: int
    form: Affine


@dataclass(frozen=True, slots=True)
class Closed:
    """One convex piece of one reduction, written for the cell named by the target's own indices."""

    outside: tuple[Constraint | Divides, ...]
    sums: tuple[Sum, ...]
    inside: tuple[Constraint, ...]
    divisions: tuple[Division, ...]
    phases: tuple[Phase, ...]
    body: Expr

    @property
    def names(self) -> frozenset[str]:
        """Every index, loop and size that is written."""
        forms = [c.form for c in (*self.outside, *self.inside)]
        forms += [bound.form for s in self.sums for bound in (*s.lowers, *s.uppers)]
        forms += [form for node in walk(self.body) for form in _forms(node)]
        return frozenset(name for form in forms for name in form.names())


def _forms(node: Expr) -> tuple[Affine, ...]:
    match node:
        case Read(_, index, _):
            return index
        case IndexValue(form):
            return (form,)
        case Reduce(_, indices, pieces):
            return (*(r.extent for r in indices), *(c.form for piece in pieces for c in piece.where))
    return ()


def closed(statement: Statement, node: Reduce, solution: Solution) -> Closed | None:
    """The closed form of a solution; None where its loops are not a function of the cell, or a sum has no limits."""
    if not solution.owned:
        return None
    found = _cells(statement, solution)
    if found is None:
        return None
    outside, divisions = found
    values = {name: form for phase in solution.phases for name, form in settled(phase).items()}
    covered = {c for t, size in zip(solution.target, statement.target.sizes, strict=True) for c in (t, size - 1 - t)}
    bounds = [
        replace(c, form=_folded(c.form, divisions, solution.phases)) for c in solution.bounds if c.form not in covered
    ]
    steps = frozenset(solution.steps)
    inner = tuple(c.substitute(values) for c in bounds if c.equality and c.form.names() & steps)
    outer = tuple(c.substitute(values) for c in bounds if not c.form.names() & steps)
    sums = _sums(solution, bounds, values)
    if sums is None:
        return None
    body = rename(_folded_body(solution.body, divisions, solution.phases), values)
    result = Closed((*outside, *outer), sums, inner, (), (), body)
    if not node.kind.startswith("arg"):
        # A position among taps would be another one with a tap's index left out.
        result = _without_lone(result)
    return _defined(result, divisions, solution.phases, values)


def _without_lone(part: Closed) -> Closed:
    """A loop that a bound allows one value at most runs no more: the value stands in its place, under conditions."""
    for at, one in enumerate(part.sums):
        only = next((b for b in one.lowers if b.divisor == 1 and b in one.uppers), None)
        if only is not None:
            lows = [only.form * b.divisor - b.form for b in one.lowers if b != only]
            highs = [b.form - only.form * b.divisor for b in one.uppers if b != only]
            value = {one.name: only.form}
            sums = tuple(
                Sum(s.name, _replaced(s.lowers, value), _replaced(s.uppers, value))
                for k, s in enumerate(part.sums)
                if k != at
            )
            inside = (*(c.substitute(value) for c in part.inside), *map(nonnegative, (*lows, *highs)))
            body = rename(part.body, value)
            return _without_lone(Closed(part.outside, sums, inside, part.divisions, part.phases, body))
    return part


def _replaced(bounds: tuple[Bound, ...], value: dict[str, Affine]) -> tuple[Bound, ...]:
    return tuple(replace(bound, form=bound.form.substitute(value)) for bound in bounds)


def _folded(form: Affine, divisions: tuple[Division, ...], phases: tuple[Phase, ...]) -> Affine:
    """``2u' + r - 1`` is ``u``, and ``s m + d k0`` is ``r``: where a cell's own index is meant, it is written."""
    for phase in phases:
        times, rest = divmod(form.coefficient(phase.shift), phase.modulus)
        if times and not rest and form.coefficient(phase.first) == times * phase.gap * phase.slope:
            sides = phase.modulus * var(phase.shift) + phase.gap * phase.slope * var(phase.first)
            form = form + times * (var(phase.residue) - sides)
    for division in divisions:
        times, rest = divmod(form.coefficient(division.loop), division.modulus)
        if times and not rest and (not division.residue or form.coefficient(division.residue) == times):
            own = division.modulus * var(division.loop) + (var(division.residue) if division.residue else 0)
            form = form + times * (division.form - own)
    return form


def _folded_body(expr: Expr, divisions: tuple[Division, ...], phases: tuple[Phase, ...]) -> Expr:
    def rule(node: Expr) -> Expr | None:
        match node:
            case Read(_, index, _):
                return replace(node, index=tuple(_folded(form, divisions, phases) for form in index))
            case IndexValue(form):
                return IndexValue(_folded(form, divisions, phases))
        return None

    return transform(expr, rule)


def _defined(
    part: Closed, divisions: tuple[Division, ...], phases: tuple[Phase, ...], values: dict[str, Affine]
) -> Closed:
    """Only the values that are read are defined."""
    used = part.names
    kept = tuple(p for p in phases if {n for n in (p.first, p.shift) if n not in values} & used)
    used |= {name for p in kept for name in (p.first, p.residue)}
    shown = []
    for division in divisions:
        residue = division.residue if division.residue in used else ""
        if division.loop in used or residue:
            shown.append(replace(division, residue=residue))
    return Closed(part.outside, part.sums, part.inside, tuple(shown), kept, part.body)


def _cells(
    statement: Statement, solution: Solution
) -> tuple[tuple[Constraint | Divides, ...], tuple[Division, ...]] | None:
    """What the loops over cells are, given the cell; None where they do not follow axis by axis."""
    conditions: list[Constraint | Divides] = []
    divisions = []
    phases = {phase.target: phase for phase in solution.phases}
    loops = set(solution.cells)
    for name, form in zip(statement.indices, solution.target, strict=True):
        loop = f"{name}_"
        phase = phases.get(name)
        residue = phase.residue if phase else ""
        modulus = abs(form.coefficient(loop))
        if form.name == name:
            continue
        if loop in loops and modulus:
            rest = form - form.coefficient(loop) * var(loop) - form.coefficient(residue) * var(residue)
            if rest.names() & {*loops, *solution.steps, *(n for p in solution.phases for n in p.names)}:
                return None
            sign = 1 if form.coefficient(loop) > 0 else -1
            numerator = sign * (var(name) - rest)
            divisor = phase.gap if phase else modulus
            if divisor > 1:
                conditions.append(Divides(divisor, numerator))
            exact = phase is None or len(phase.table) == 1
            divisions.append(Division(name, loop, residue, numerator, modulus, exact))
        elif name in loops or form.names() & set(solution.steps):
            return None
        else:
            conditions.append(equal(var(name), form))
    return tuple(conditions), tuple(divisions)


def _sums(solution: Solution, bounds: list[Constraint], values: dict[str, Affine]) -> tuple[Sum, ...] | None:
    sums = []
    for position, name in enumerate(solution.steps):
        later = frozenset(solution.steps[position + 1 :])
        limits: list[tuple[Bound, ...]] = []
        for sign in (1, -1):
            own = _bounding(bounds, name, later, sign) or _bounding(solution.limits, name, later, sign)
            if not own:
                return None
            limits.append(tuple(dict.fromkeys(_bound(c, name, sign, solution.phases, values) for c in own)))
        sums.append(Sum(name, _tightest(limits[0], True), _tightest(limits[1], False)))
    return tuple(sums)


def _bounding(
    bounds: list[Constraint] | tuple[Constraint, ...], name: str, later: frozenset[str], sign: int
) -> list[Constraint]:
    return [c for c in bounds if not c.equality and c.form.coefficient(name) * sign > 0 and not c.form.names() & later]


def _bound(constraint: Constraint, name: str, sign: int, phases: tuple[Phase, ...], values: dict[str, Affine]) -> Bound:
    """``±factor·name + rest >= 0`` solved for ``name``."""
    factor = constraint.form.coefficient(name)
    rest = (constraint.form - factor * var(name)) * -sign
    divisor = abs(factor)
    if (number := _same_in_all(rest, divisor, sign, phases)) is not None:
        return Bound(affine(number))
    rest = rest.substitute(values)
    if all(f % divisor == 0 for _, f in rest.terms):
        whole = Affine(tuple((a, f // divisor) for a, f in rest.terms), 0)
        return Bound(whole + (-(-rest.constant // divisor) if sign > 0 else rest.constant // divisor))
    return Bound(rest, divisor)


def _same_in_all(rest: Affine, divisor: int, sign: int, phases: tuple[Phase, ...]) -> int | None:
    """A limit that depends on nothing but the residue class, where it is the same number in every class."""
    for phase in phases:
        if rest.names() and rest.names() <= set(phase.names):
            rows = [dict(zip(phase.names, row, strict=True)) for row in phase.table]
            found = {-(-rest.evaluate(row) // divisor) if sign > 0 else rest.evaluate(row) // divisor for row in rows}
            return found.pop() if len(found) == 1 else None
    return None


def _tightest(bounds: tuple[Bound, ...], lower: bool) -> tuple[Bound, ...]:
    """Limits that differ by a number only: the tighter one stays."""
    kept: list[Bound] = []
    for bound in bounds:
        rival = next((b for b in kept if b.divisor == bound.divisor and (b.form - bound.form).is_constant), None)
        if rival is None:
            kept.append(bound)
        elif ((bound.form - rival.form).constant > 0) == lower:
            kept[kept.index(rival)] = bound
    return tuple(kept)
