"""An operator in relation form, solved and proved: every access inside, nothing missed, nothing twice, for all
sizes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product

from symconv.derive.borders import span
from symconv.derive.surrogates import plain
from symconv.errors import GatherError, InternalError
from symconv.gather.solution import Gather, Phase, Solution, Solved
from symconv.gather.solve import solve
from symconv.notation.affine import Affine
from symconv.notation.expr import Apply, Constraint, Expr, Piece, Range, Read, Reduce, nonnegative, reads, walk
from symconv.notation.operator import Operator, Statement
from symconv.notation.resolved import is_resolved, uncounted
from symconv.relation.sets import Context, System, context_of, difference, feasible, implied, injective

__all__ = ["component", "gather", "pins_of", "prove_inside", "prove_solution"]


def gather(op: Operator, proofs: bool = True) -> Gather:
    """Solve every reduction of an operator whose borders are resolved.

    Raises GatherError, with a counterexample, when isl cannot prove for all sizes that the solution visits exactly the
    relation, or that a read stays inside its tensor, and for an index that is no linear form; InternalError for an
    operator that is not resolved.
    """
    if not (form := is_resolved(op)):
        raise InternalError(f"{op.name} is not resolved: {form.reason}")
    if bent := uncounted(op):
        raise GatherError(
            f"{op.name}: {bent}; loops run over indices and linear forms of them. A floor(i/2) is an index k of a sum "
            "with 0 <= i - 2*k < 2, a maximum two sums, each where one side is the larger"
        )
    op = replace(op, statements=tuple(replace(s, expr=plain(s.expr)) for s in op.statements))
    context = context_of(op)
    return Gather(op, tuple(_statement(op, context, statement, proofs) for statement in op.statements))


def _statement(op: Operator, context: Context, statement: Statement, proofs: bool) -> Solved:
    reductions, sums, inside = [], 0, 0
    for node in dict.fromkeys(n for n in walk(statement.expr) if isinstance(n, Reduce)):
        solutions = []
        for piece in node.pieces:
            domain = (*statement.ranges, *node.indices)
            if not feasible(context, _system(domain, piece.where)):
                continue
            solution = _pruned(context, solve(statement.ranges, node.indices, piece))
            if proofs:
                inside += prove_inside(op, context, domain, piece)
                prove_solution(context, statement.ranges, node.indices, piece, solution)
                sums += 1
            solutions.append(solution)
        reductions.append((node, tuple(solutions)))
    for read in _outside(statement.expr) if proofs else ():
        inside += prove_inside(op, context, statement.ranges, Piece((), read))
    return Solved(statement, tuple(reductions), _sentence(sums, inside) if proofs else "")


def _outside(expr: Expr) -> Iterator[Read]:
    """The reads of a statement outside its reductions."""
    match expr:
        case Read():
            yield expr
        case Apply(_, arguments):
            for argument in arguments:
                yield from _outside(argument)


def _sentence(sums: int, inside: int) -> str:
    visited = "the loops visit exactly the relation (nothing missed), each point once (nothing twice), "
    place = "every read lies inside its tensor" if inside else "nothing is read"
    return f"isl, for all sizes: {f'{visited}and ' if sums else ''}{place}"


def _system(ranges: tuple[Range, ...], where: Iterable[Constraint]) -> System:
    return System(tuple(r.name for r in ranges), (*span(ranges), *where))


def pins_of(phases: tuple[Phase, ...]) -> tuple[tuple[tuple[str, int], ...], ...]:
    """What the values of the phases are in each combination of residue classes."""
    rows = [tuple(tuple(zip(phase.names, row, strict=True)) for row in phase.table) for phase in phases]
    return tuple(tuple(pin for row in choice for pin in row) for choice in product(*rows))


def _pruned(context: Context, solution: Solution) -> Solution:
    """Drop the bounds that follow from the others, so that no loop tests what is always true."""
    kept = list(solution.bounds)
    # Last first: what the piece's domain adds goes before the plain range of a loop does.
    for bound in reversed(solution.bounds):
        if bound.equality:
            continue
        others = [c for c in kept if c != bound]
        near, names = component(bound.form.names() - set(context.sizes), others)
        phases = tuple(p for p in solution.phases if names & set(p.names))
        loops = tuple(n for n in (*solution.cells, *solution.steps) if n in names)
        if implied(context, System(loops, near, pins=pins_of(phases)), bound):
            kept = others
    return replace(solution, bounds=tuple(kept))


def component(seed: frozenset[str], constraints: list[Constraint]) -> tuple[tuple[Constraint, ...], frozenset[str]]:
    """The constraints that share variables with ``seed``, directly or through others, and those on sizes alone."""
    names, near = set(seed), dict.fromkeys(c for c in constraints if not any(n[0].islower() for n in c.form.names()))
    grown = True
    while grown:
        grown = False
        for constraint in constraints:
            own = {n for n in constraint.form.names() if n[0].islower()}
            if constraint not in near and own & names:
                near[constraint] = None
                grown = True
                names |= own
    return tuple(near), frozenset(names)


def prove_inside(op: Operator, context: Context, domain: tuple[Range, ...], piece: Piece) -> int:
    """Every read of a piece lies inside its tensor, for all sizes: how many; raises GatherError naming the read."""
    targets = {s.target.name: s.target for s in op.statements}
    constraints, found = [*span(domain), *piece.where], tuple(dict.fromkeys(reads(piece.body)))
    for read in found:
        tensor = targets.get(read.tensor) or op.input(read.tensor)
        for form, size in zip(read.index, tensor.sizes, strict=True):
            near, names = component(form.names() - set(context.sizes), constraints)
            dims = tuple(r.name for r in domain if r.name in names)
            for bound in (nonnegative(form), nonnegative(size - 1 - form)):
                # The rest of the domain says that there are points at all: x[0] lies inside where x is not empty.
                if not implied(context, System(dims, near), bound) and not implied(
                    context, _system(domain, piece.where), bound
                ):
                    raise GatherError(
                        f"the read {_text(read)} can leave {read.tensor}: {bound} does not hold for all sizes; state a "
                        "border rule or the extents"
                    )
    return len(found)


def prove_solution(
    context: Context, targets: tuple[Range, ...], indices: tuple[Range, ...], piece: Piece, solution: Solution
) -> None:
    """The solved loops visit exactly the relation, each point once, for all sizes; raises GatherError with a point."""
    everything = (*targets, *indices)
    before = [*span(everything), *piece.where]
    groups = _groups(everything, before, solution)
    found = next(filter(None, (_fault(context, everything, before, solution, group) for group in groups)), "")
    # Where one group has no points there are none at all, and the others need not agree: x[H-1] where H is 0.
    if found and len(groups) > 1:
        found = _fault(context, everything, before, solution, set().union(*groups))
    if found:
        raise GatherError(found)


def _fault(
    context: Context, everything: tuple[Range, ...], before: list[Constraint], solution: Solution, group: set[str]
) -> str:
    """What is wrong with the loops of a group of indices; empty where nothing is."""
    dims = tuple(r.name for r in everything if r.name in group)
    inside = tuple(c for c in before if not _local(c, context) or _local(c, context) & group)
    loops, after, phases = _image(context, solution, dims)
    pins = pins_of(phases)
    free = tuple(name for name in loops if name not in dims)
    system = System(dims, after, free, pins)
    if point := difference(context, [System(dims, inside)], [system]):
        return f"the solved loops and the relation differ at {point}"
    image = tuple(solution.value(name) for name in dims)
    bounds = tuple(c for c in solution.bounds if _local(c, context) & {*loops, *(n for p in phases for n in p.names)})
    if not injective(context, System(loops, bounds, pins=pins), image):
        return f"the solved loops visit a point of {', '.join(dims)} twice"
    return ""


def _image(
    context: Context, solution: Solution, dims: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[Constraint, ...], tuple[Phase, ...]]:
    forms = {name: solution.value(name) for name in dims}
    names = {n for form in forms.values() for n in form.names()}
    phases = tuple(p for p in solution.phases if names & set(p.names))
    loops = tuple(n for n in (*solution.cells, *solution.steps) if n in names)
    bounds = [c for c in solution.bounds if not _local(c, context) or _local(c, context) & names]
    links = [Constraint(Affine(((name, 1),), 0) - form, True) for name, form in forms.items() if form.name != name]
    return loops, (*bounds, *links), phases


def _local(constraint: Constraint, context: Context) -> set[str]:
    return set(constraint.form.names() - set(context.sizes))


def _groups(ranges: tuple[Range, ...], constraints: list[Constraint], solution: Solution) -> list[set[str]]:
    """Index variables that constrain each other; independent groups are proved one by one."""
    groups = [{r.name} for r in ranges]
    names = {r.name for r in ranges}
    ties = [names & c.form.names() for c in constraints]
    shared: dict[str, set[str]] = {}
    for name in names:
        for loop in solution.value(name).names():
            shared.setdefault(loop, set()).add(name)
    loops = {*solution.cells, *solution.steps, *(n for p in solution.phases for n in p.names)}
    ties += [together for loop, together in shared.items() if loop in loops]
    for tie in ties:
        touched = [group for group in groups if group & tie]
        if len(touched) > 1:
            groups = [group for group in groups if not group & tie] + [set().union(*touched)]
    return groups


def _text(read: Read) -> str:
    return f"{read.tensor}[{', '.join(map(str, read.index))}]"
