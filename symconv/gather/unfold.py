"""The way from a relation to the loops in small steps: unknowns, residue, division, the inequalities of each loop.

``solve`` does all of it at once and isl proves the result; here each of its moves is written out and compared by isl
with what stood before it, for all sizes. Nothing else reads these steps: they are for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from symconv.derive.borders import span
from symconv.errors import InternalError
from symconv.gather.facts import Congruent, Divided, Equal, Fact, Facts, Least, Limits, Named, Pins, Within, agree, ends
from symconv.gather.gather import component, pins_of
from symconv.gather.solution import Phase, Solution, Solved, settled
from symconv.gather.solve import Move, moves
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint, Piece, Range, Reduce, reads
from symconv.notation.operator import Operator
from symconv.notation.trace import Step, Trace
from symconv.relation.sets import Context, System, context_of, difference, feasible, implied

__all__ = ["unfolded"]

_SAME = "isl, for all integers and sizes: both say the same"
_NOTE = "not invertible here: the contributions choose the cell"


def unfolded(op: Operator, solved: Solved) -> Trace:
    """The moves that solved a statement of ``op``, one small step each, without repetition.

    Raises InternalError where isl finds a point at which a step is wrong.

    >>> import symconv as sc
    >>> found = sc.derive(sc.conv1d(stride=2, padding=1), "x").derivation
    >>> [step.rule for step in unfolded(found.operator, found.gather.statements[0])]
    ['unknowns', 'residue', 'divide', 'range', 'range', 'limits']
    """
    context, steps = context_of(op), dict[Step, None]()
    for node, solutions in solved.reductions:
        ranges = solved.statement.ranges
        domain = (*ranges, *node.indices)
        names = tuple(r.name for r in domain)
        pieces = [p for p in node.pieces if feasible(context, System(names, (*span(domain), *p.where)))]
        for piece, solution in zip(pieces, solutions, strict=True):
            steps |= dict.fromkeys(_piece(op, context, ranges, node, piece, solution))
    return tuple(steps)


def _piece(
    op: Operator, context: Context, ranges: tuple[Range, ...], node: Reduce, piece: Piece, solution: Solution
) -> Iterator[Step]:
    for move in moves(ranges, node.indices, piece):
        yield from _equation(context, move, tuple(r.name for r in ranges))
    inequalities = [c for c in (*span((*ranges, *node.indices)), *piece.where) if not c.equality]
    simple = {name: form for phase in solution.phases for name, form in settled(phase).items()}
    of_cell, conditions = set(span(ranges)), list[Step]()
    loops: dict[str, list[tuple[Limits, Step | None]]] = {name: [] for name in solution.steps}
    for fact in _paired(inequalities, context):
        if set(ends(fact)) <= of_cell and not _loop_of(_now(fact, dict(solution.values)), solution):
            continue
        now = _now(_now(fact, dict(solution.values)), simple)
        if loop := _loop_of(now, solution):
            found = _limits(loop, now, solution.phases)
            bare = now == fact and now.form.name == loop
            step = None if bare else _range(context, solution, fact, now, found, _reason(op, piece, fact))
            loops[loop].append((found, step))
        else:
            conditions += _condition(context, solution, fact, now, _reason(op, piece, fact))
    yield from conditions
    for loop, several in loops.items():
        yield from (step for _, step in several if step is not None)
        if len(several) > 1:
            yield _together(context, solution, loop, [limits for limits, _ in several])


def _loop_of(fact: Within | Least, solution: Solution) -> str:
    """The innermost loop that a range limits, "" where it is a condition on the cell."""
    names = fact.form.names()
    return next((name for name in reversed(solution.steps) if name in names), "")


def _condition(
    context: Context, solution: Solution, fact: Within | Least, now: Within | Least, note: str
) -> Iterator[Step]:
    """A condition on the cell, unless the cell's own range says it already."""
    pins, order = pins_of(solution.phases), (*solution.cells, *solution.steps)
    cell = System(order, solution.ranges, pins=pins)
    if all(implied(context, cell, c) for c in ends(now)):
        return
    values = tuple(Equal(var(name), form) for name, form in solution.values)
    dims = tuple(sorted((fact.form.names() | {*order}) - set(context.sizes)))
    yield _step(context, "condition", (fact,), (now,), known=values, pins=pins, dims=dims, note=note)


def _step(
    context: Context, rule: str, before: Facts, after: Facts, *, known: Facts = (), pins: Pins = ((),),
    dims: Iterable[str] = (), note: str = "",
) -> Step:  # fmt: skip
    """A small step; isl compares both sides under what is known of both."""
    point = agree(context, tuple(dims), (*known, *before), (*known, *after), pins)
    if point is not None:
        raise InternalError(f"the small step {rule} changes the relation at {point}")
    return Step(rule, before, after, _SAME, note)


def _equation(context: Context, move: Move, cells: tuple[str, ...]) -> Iterator[Step]:
    equation, sizes = move.equation, set(context.sizes)
    if all(form.name is not None for _, form in move.fixed) and move.fixed and move.phase is None:
        return
    stated = _balanced(equation, cells)
    dims = tuple(sorted(equation.names() - sizes))
    match move.fixed:
        case ():
            yield Step("condition", (stated,), (stated,), "", "no loop is left in it: it stays a condition on the cell")
        case ((name, form),):
            note = "" if move.owned else _NOTE
            yield _step(context, "isolate", (stated,), (Equal(var(name), form),), dims=dims, note=note)
        case ((step, loop), _):
            scaled = equation if equation.coefficient(step) > 0 else -equation
            a = scaled.coefficient(step)
            rest = a * var(step) - scaled
            after = (Divided(rest, a), Equal(rest, a * loop), Equal(var(step), loop))
            yield _step(context, "class", (stated,), after, dims=dims)
        case ((first, form), (second, tap), _) if move.phase is not None:
            yield from _phased(context, equation, stated, (first, form), (second, tap), move.phase, dims)


def _phased(
    context: Context, equation: Affine, stated: Equal, output: tuple[str, Affine], tap: tuple[str, Affine],
    phase: Phase, dims: tuple[str, ...],
) -> Iterator[Step]:  # fmt: skip
    scaled = equation if equation.coefficient(output[0]) > 0 else -equation
    a, b = scaled.coefficient(output[0]), scaled.coefficient(tap[0])
    left = a * var(output[0]) + b * var(tap[0])
    sides = Equal(left, left - scaled)
    yield _step(context, "unknowns", (stated,), (sides,), dims=dims)
    loop = next(name for name in output[1].names() if name == f"{phase.target}_")
    residue, modulus = var(phase.residue), a // phase.gap
    split = Equal(sides.right, a * var(loop) + residue)
    chosen = Equal(var(tap[0]), tap[1])
    shown: list[Fact] = [split, Within(residue, affine(a))]
    shown += [Divided(residue, phase.gap)] if phase.gap > 1 else []
    shown += [Congruent(var(tap[0]), var(phase.first), modulus), Named(phase.first, phase)] if modulus > 1 else []
    pins = pins_of((phase,))
    _exact(phase, b)
    yield _step(context, "residue", (sides,), (*shown, chosen), pins=pins, dims=dims, known=(sides,))
    divided = Equal(a * var(output[0]), a * var(loop) + residue - b * tap[1])
    after = (Equal(var(output[0]), output[1]), Named(phase.shift, phase))
    yield _step(context, "divide", (divided,), after, known=(split, chosen), pins=pins, dims=dims)


def _exact(phase: Phase, factor: int) -> None:
    """The table of a phase, class by class: ``modulus·shift + factor·first = residue``, and first is the inverse's."""
    modulus = phase.modulus // phase.gap
    for residue, first, shift in phase.table:
        named = residue // phase.gap * phase.inverse % modulus
        if first != named or phase.modulus * shift + factor * first != residue:
            raise InternalError(f"the class {residue} of {phase.target} has a wrong first tap or shift")


def _balanced(form: Affine, cells: tuple[str, ...]) -> Equal:
    """``form = 0`` with the cell alone on the left where it is alone, else with positive terms on either side."""
    cell = next((name for name in cells if abs(form.coefficient(name)) == 1), None)
    if cell is not None:
        factor = form.coefficient(cell)
        return Equal(var(cell), (form - factor * var(cell)) * -factor)
    left = Affine(tuple((atom, factor) for atom, factor in form.terms if factor > 0), max(form.constant, 0))
    return Equal(left, left - form)


def _paired(inequalities: list[Constraint], context: Context) -> Iterator[Within | Least]:
    """The two ends of an interval as one range."""
    pending, sizes = list(dict.fromkeys(inequalities)), set(context.sizes)
    while pending:
        first = pending.pop(0)
        other = next((c for c in pending if (c.form + first.form).names() <= sizes), None)
        if other is None:
            yield Least(first.form)
            continue
        pending.remove(other)
        low, high = sorted((first.form, other.form), key=lambda form: (bool(form.names() & sizes), str(form)))
        yield Within(low, low + high + 1)


def _now(fact: Within | Least, values: dict[str, Affine]) -> Within | Least:
    match fact:
        case Within(form, extent):
            return Within(form.substitute(values), extent)
        case Least(form):
            return Least(form.substitute(values))


def _limits(loop: str, fact: Within | Least, phases: tuple[Phase, ...]) -> Limits:
    """The inequalities of a range solved for a loop."""
    lowers, uppers = list[tuple[Affine, int]](), list[tuple[Affine, int]]()
    for constraint in ends(fact):
        factor = constraint.form.coefficient(loop)
        rest = constraint.form - factor * var(loop)
        if factor > 0:
            lowers.append(_whole(-rest, factor, phases, up=True))
        else:
            uppers.append(_whole(rest, -factor, phases, up=False))
    return Limits(loop, tuple(lowers), tuple(uppers))


def _whole(form: Affine, divisor: int, phases: tuple[Phase, ...], *, up: bool) -> tuple[Affine, int]:
    """The quotient without its division where every term but the number is divisible, or where it is one number."""
    for phase in phases:
        if form.names() and form.names() <= set(phase.names):
            rows = [form.evaluate(dict(zip(phase.names, row, strict=True))) for row in phase.table]
            found = {-(-value // divisor) if up else value // divisor for value in rows}
            if len(found) == 1:
                return affine(found.pop()), 1
    if any(factor % divisor for _, factor in form.terms):
        return form, divisor
    number = -(-form.constant // divisor) if up else form.constant // divisor
    return Affine(tuple((atom, factor // divisor) for atom, factor in form.terms), number), 1


def _range(
    context: Context, solution: Solution, fact: Within | Least, now: Within | Least, found: Limits, note: str
) -> Step:
    """A range in terms of the loops, and solved for one of them."""
    pins, before = pins_of(solution.phases), _now(fact, dict(solution.values))
    names = {name for form in (now.form, before.form) for name in form.names()} - set(context.sizes)
    dims = tuple(sorted(names - {name for phase in solution.phases for name in phase.names}))
    for one, other in ((before, now), (now, found)):
        point = agree(context, dims, (one,), (other,), pins)
        if point is not None:
            raise InternalError(f"the limits of {found.name} differ from the range of {fact.form} at {point}")
    after: Facts = (found,) if now == fact else (now, found)
    return Step("range", (fact,), after, "isl, for all integers and sizes: the limits are the inequalities", note)


def _together(context: Context, solution: Solution, loop: str, several: list[Limits]) -> Step:
    """All limits of a loop; those that follow from the others are left out, which isl compares."""
    after = {name: form for phase in solution.phases for name, form in settled(phase).items()}
    later = set(solution.steps[solution.steps.index(loop) + 1 :])
    own = [c for c in solution.bounds if c.form.coefficient(loop) and not c.equality and not c.form.names() & later]
    held = [_limits(loop, Least(c.form.substitute(after)), solution.phases) for c in own]
    lowers = tuple(dict.fromkeys(bound for one in held for bound in one.lowers))
    uppers = tuple(dict.fromkeys(bound for one in held for bound in one.uppers))
    _same_points(context, solution, loop)
    if not (lowers and uppers):
        lowers = tuple(dict.fromkeys(bound for one in several for bound in one.lowers))
        uppers = tuple(dict.fromkeys(bound for one in several for bound in one.uppers))
    given = {bound for one in several for bound in (*one.lowers, *one.uppers)}
    dropped = len(given - {*lowers, *uppers})
    note = f"left out, since {'it follows' if dropped == 1 else 'they follow'} from the others: {dropped}"
    check = "isl, for all sizes: with these limits the loop has the same values"
    return Step("limits", tuple(several), (Limits(loop, lowers, uppers),), check, note if dropped else "")


def _same_points(context: Context, solution: Solution, loop: str) -> None:
    before, after = ([c for c in several if not c.equality] for several in (solution.limits, solution.bounds))
    near, names = component(frozenset((loop,)), before)
    order = (*solution.cells, *solution.steps)
    loops = tuple(name for name in order if name in names)
    pins = pins_of(tuple(p for p in solution.phases if names & set(p.names)))
    kept = tuple(c for c in after if c in near)
    if difference(context, [System(loops, near, pins=pins)], [System(loops, kept, pins=pins)]) is None:
        return
    # What was left out may follow from that there are points at all.
    pins = pins_of(solution.phases)
    point = difference(context, [System(order, tuple(before), pins=pins)], [System(order, tuple(after), pins=pins)])
    if point is not None:
        raise InternalError(f"the limits of {loop} are not its inequalities at {point}")


def _reason(op: Operator, piece: Piece, fact: Within | Least) -> str:
    """What a range is for: the tensor that is read inside by it."""
    names = dict.fromkeys(
        read.tensor for read in reads(piece.body)
        for form, size in zip(read.index, op.tensor(read.tensor).sizes, strict=True)
        if form == fact.form and (isinstance(fact, Least) or size == fact.extent)
    )  # fmt: skip
    return f"so that {' and '.join(names)} {'is' if len(names) == 1 else 'are'} read inside" if names else ""
