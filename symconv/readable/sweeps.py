"""One convex piece of a reduction as loops over a few indices and slices over all others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

from symconv.derive.borders import span
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint, Expr, Piece, Range, Reduce, reads, rename, walk
from symconv.notation.operator import Operator, Statement
from symconv.relation.sets import Context, System, implied

__all__ = ["Place", "Sweep", "place", "sliced", "solved", "taps_of"]

_TAP, _OTHER = 1, 64
"""What a loop costs: one over taps is short, and what a reader expects; no number of them outweighs one over cells."""


@dataclass(frozen=True, slots=True)
class Place:
    """An operator, what is known of its sizes, and which sizes count taps."""

    op: Operator
    context: Context
    short: frozenset[str]

    def holds(self, ranges: tuple[Range, ...], known: tuple[Constraint, ...], bound: Constraint) -> bool:
        """Whether a constraint follows for all points of the ranges that satisfy others."""
        return implied(self.context, System(tuple(r.name for r in ranges), (*span(ranges), *known)), bound)

    def cost(self, one: Range) -> int:
        """What a loop over a range costs."""
        return _TAP if one.extent.is_constant or one.extent.names() <= self.short else _OTHER


def place(op: Operator, context: Context, taps: frozenset[str]) -> Place:
    """Sizes of kernels: those of windows, and those that make an extent shorter the longer they are."""
    shorter, longer = set[str](), {str(w.size) for w in op.windows}
    for definition in op.definitions:
        for name in definition.form.names() if definition.extent else ():
            (shorter if _sign(definition.form, name) < 0 else longer).add(name)
    return Place(op, context, frozenset((shorter - longer) | {w.kernel for w in op.windows} | taps))


def taps_of(op: Operator) -> frozenset[str]:
    """The sizes of kernels: of indices that are summed, and added to one of a cell where a tensor is read."""
    short, long = {w.kernel for w in op.windows}, set[str]()
    for statement in op.statements:
        cells = {r.name: r.extent for r in statement.ranges}
        for node in (n for n in walk(statement.expr) if isinstance(n, Reduce)):
            taps = {r.name: r.extent for r in node.indices}
            for names in (form.names() for read in reads(node) for form in read.index):
                if names & cells.keys():
                    short |= {size for name in names & taps.keys() for size in taps[name].names()}
        long |= {size for extent in cells.values() for size in extent.names()}
    return frozenset(short - long)


def _sign(form: Affine, name: str) -> int:
    """The sign with which a size takes part in a form, inside quotients too."""
    at = dict.fromkeys(form.names(), 0)
    return form.evaluate({**at, name: 1 << 10}) - form.evaluate(at)


@dataclass(frozen=True, slots=True)
class Sweep:
    """A piece solved for whole arrays.

    ``ranges`` are the indices left, of the target first; ``target`` the cell they give; ``loops`` those that are
    looped over; ``kept`` what limits the others or guards the loops; ``values`` the indices solved for.
    """

    kind: str
    ranges: tuple[Range, ...]
    target: tuple[Affine, ...]
    body: Expr
    kept: tuple[Constraint, ...]
    values: tuple[tuple[str, Affine], ...] = ()
    loops: frozenset[str] = frozenset()

    @property
    def looped(self) -> tuple[Range, ...]:
        """The loops, in order."""
        return tuple(r for r in self.ranges if r.name in self.loops)

    @property
    def vectors(self) -> tuple[Range, ...]:
        """The indices that slices run over."""
        return tuple(r for r in self.ranges if r.name not in self.loops)

    def limits(self, name: str) -> tuple[Constraint, ...]:
        """What limits a sliced index beyond its range."""
        return tuple(c for c in self.kept if c.form.coefficient(name))

    @property
    def guards(self) -> tuple[Constraint, ...]:
        """What is asked of loops alone."""
        free = {r.name for r in self.vectors}
        return tuple(c for c in self.kept if not c.form.names() & free)


def solved(where: Place, statement: Statement, kind: str, indices: tuple[Range, ...], piece: Piece) -> Sweep:
    """A piece with as many of its equations solved as have an index with factor ±1; others guard loops."""
    everything = (*statement.ranges, *indices)
    # The place of an extreme is counted in the order of its taps: none of them may be solved away.
    solvable = () if kind in ("argmax", "argmin") else everything
    targets = {r.name for r in statement.ranges}
    values: dict[str, Affine] = {}
    guards = []
    for equation in (c.form for c in piece.where if c.equality):
        form = equation.substitute(values)
        units = [r for r in solvable if r.name not in values and abs(form.coefficient(r.name)) == 1]
        if not units:
            guards.append(Constraint(form, True))
            continue
        best = max(units, key=lambda r: (where.cost(r), r.name in targets))
        factor = form.coefficient(best.name)
        answer = (form - factor * var(best.name)) * -factor
        values = {name: old.substitute({best.name: answer}) for name, old in values.items()}
        values[best.name] = answer
    left = tuple(r for r in everything if r.name not in values)
    limits = (*span(tuple(r for r in everything if r.name in values)), *(c for c in piece.where if not c.equality))
    kept = dict.fromkeys(c.substitute(values) for c in limits)
    lasting = tuple(c for c in kept if not where.holds(left, (), c))
    guards = [c.substitute(values) for c in guards]
    return Sweep(
        kind,
        left,
        tuple(values.get(name, var(name)) for name in statement.indices),
        rename(piece.body, values),
        (*lasting, *(g for g in guards if g.form != affine(0))),
        tuple(values.items()),
    )


def sliced(where: Place, sweep: Sweep, forced: frozenset[str] = frozenset()) -> Sweep:
    """The sweep with the fewest and shortest loops for which everything else is a slice."""
    names = [r.name for r in sweep.ranges]
    held = set(forced)
    apart: list[frozenset[str]] = []
    accesses = [sweep.target, *(r.index for r in reads(sweep.body))]
    for access in accesses:
        met: set[str] = set()
        for form in access:
            own = form.names() & set(names)
            held |= met & own | {n for n in own if form.coefficient(n) < -1}
            met |= own
            apart.append(frozenset(own))
    for constraint in sweep.kept:
        own = constraint.form.names() & set(names)
        if constraint.equality:
            held |= own
        apart.append(frozenset(own))
    crowded = {own - held for own in apart if len(own - held) > 1}
    free = sorted({n for own in crowded for n in own}, key=names.index)
    costs = {r.name: where.cost(r) for r in sweep.ranges}
    choices = (frozenset(some) for size in range(len(free) + 1) for some in combinations(free, size))
    fits = (some for some in choices if all(len(own - some) < 2 for own in crowded))
    return replace(sweep, loops=frozenset(held) | min(fits, key=lambda some: sum(costs[n] for n in some)))
