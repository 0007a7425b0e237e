"""What the loops around touch of arrays, and that no iteration depends on what another one did to them."""

from __future__ import annotations

from symconv.code.arrays.slicing import composed, constraints
from symconv.code.held.frames import Access, Frame
from symconv.code.held.state import State, whole_plan
from symconv.code.source.trouble import Outside
from symconv.code.values.objects import Box, Plan, Span
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint, equal, nonnegative
from symconv.prove.meaning.value import Value, inside
from symconv.relation.sets import Context, System, feasible

__all__ = ["check_apart", "touched"]


def touched(state: State, box: Box, plan: Plan | None, kind: str) -> None:
    """Notes for every loop around that an array made outside of it is read or changed."""
    if not state.on.symbolic or not state.frames:
        return
    if plan is None:
        plan = whole_plan(state, box.value)
    while box.base is not None:
        if box.plan is None:
            plan = (Span(affine(0), None, 1, True),) * state.on.rank(box.base.value)
        else:
            plan = composed(box.plan, plan)
        box = box.base
    inner = [frame for level, frame in enumerate(state.frames) if level >= box.depth]
    if not inner:
        return
    picks = tuple(item if isinstance(item, Affine) else None for item in plan if item is not None)
    system = None
    if kind == "set":
        walk = state.terms.walk
        value = Value(box.value.axes, box.value.names, ())
        reach = constraints(walk, value, plan)
        if len(reach) == 1:
            bound, where, _ = reach[0]
            names = [n for group in value.names for n in group]
            limits = [
                c
                for n, s in zip(names, (s for a in value.axes for s in a.sizes), strict=True)
                for c in inside(var(n), s)
            ]
            system = ((*names, *bound), (*where, *limits), tuple(map(var, names)))
    for frame in inner:
        frame.accesses.setdefault(box, []).append(Access(kind, picks, system, state.line))
        if kind != "read":
            frame.before.setdefault(box, box.value)


def check_apart(state: State, frame: Frame, index: str, limits: tuple[Constraint, ...]) -> None:
    """That no iteration depends on what another one did to an array."""
    for accesses in frame.accesses.values():
        kinds = {access.kind for access in accesses}
        if kinds in ({"read"}, {"add"}):
            continue
        if _private(state, accesses, index):
            continue
        sets = [access for access in accesses if access.kind == "set"]
        if "read" in kinds:
            line = next(access.line for access in accesses if access.kind == "read")
            raise Outside("an array is read in the loop that changes it", line)
        if kinds != {"set"} or not _apart(state, sets, index, limits):
            raise Outside(
                "an element is assigned in several iterations; the last one counts (+= adds up)", sets[0].line
            )


def _private(state: State, accesses: list[Access], index: str) -> bool:
    """Whether every access picks the loop's own row along one axis, which sizes alone say beside its index."""
    # The place of an extreme is another one in each iteration, as the index of an inner loop is; i % 2 is no row.
    known = {index, *state.terms.walk.base.context.sizes}
    for first, *others in zip(*(access.picks for access in accesses), strict=True):
        row = first is not None and first.coefficient(index) and {atom for atom, _ in first.terms} <= known
        if row and all(form == first for form in others):
            return True
    return False


def _apart(state: State, sets: list[Access], index: str, limits: tuple[Constraint, ...]) -> bool:
    """Whether no element is assigned in two iterations."""
    walk = state.terms.walk
    context = Context(walk.base.context.sizes, walk.base.context.facts)
    around = [*limits, *(c for _, more in walk.around for c in more)]
    images = []
    for access in sets:
        if access.system is None:
            return False
        names, where, image = access.system
        others = [
            n for c in where for n in sorted(c.form.names()) if n not in {*names, index, *context.sizes, *walk.indices}
        ]
        hidden = tuple(dict.fromkeys((*walk.indices, *others)))
        inner = _inner_limits(state, others)
        if inner is None:
            return False
        images.append((System((index, *names, *hidden), (*where, *around, *inner)), image, hidden))
    # Cells of one iteration may be written by inner loops as often as they like: those are checked on their own.
    for k, (one, image, _) in enumerate(images):
        for other, image2, _ in images[k:]:
            put = {n: var(f"{n}b") for n in other.dims if n not in walk.indices}
            second = [c.substitute(dict(put)) for c in other.constraints]
            same = [equal(a, b.substitute(put)) for a, b in zip(image, image2, strict=True)]
            dims = tuple(dict.fromkeys((*one.dims, *(str(v.name) for v in put.values()))))
            differ = [nonnegative(var(index) - put[index] - 1), nonnegative(put[index] - var(index) - 1)]
            if any(feasible(context, System(dims, (*one.constraints, *second, *same, d))) for d in differ):
                return False
    return True


def _inner_limits(state: State, names: list[str]) -> tuple[Constraint, ...] | None:
    found: list[Constraint] = []
    for name in names:
        if name not in state.terms.limits:
            return None
        found += state.terms.limits[name]
    return tuple(found)
