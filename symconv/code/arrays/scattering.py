"""Elements that arrays of positions name: read, added to (``np.add.at``), replaced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice

from symconv.code.arrays.grids import Grid, common
from symconv.code.arrays.indexed import at_extremes, by_labels
from symconv.code.arrays.rows import by_length, lengths_of_rows
from symconv.code.arrays.slicing import broadcast, offset
from symconv.code.arrays.walk import Varies, Walk
from symconv.code.values.objects import Span
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint, equal, nonnegative
from symconv.prove.meaning.addresses import Position, flat, place, read_at
from symconv.prove.meaning.arrays import length
from symconv.prove.meaning.scope import Undecided
from symconv.prove.meaning.value import Axis, Term, Value, axis, build, inside, scaled
from symconv.relation.sets import Context, System, feasible

__all__ = ["Entry", "gathered", "scattered"]

Entry = Span | Affine | None | Grid


_Item = Span | Affine | tuple[Affine, ...] | None


@dataclass(frozen=True, slots=True)
class _Plan:
    """A subscript: per item of it a span, None, or the position on its axis; and the axes that positions make.

    The position on an axis that is a product of lengths is one for each of these.
    """

    items: tuple[_Item, ...]
    named: tuple[bool, ...]
    grid: Grid
    at: int


def _planned(walk: Walk, value: Value, entries: Sequence[Entry]) -> _Plan:
    grids = [one for one in entries if isinstance(one, Grid)]
    each = [[*by_length(walk.fresh, one, grids)] if one.counts_rows else [one] for one in grids]
    axes, forms, labels = common(walk.fresh, [part for parts in each for part in parts], walk.alike)
    grid = Grid(axes, affine(0), labels)
    rest, lengths = iter(forms), iter(map(len, each))
    named = [isinstance(one, Grid | Affine) for one in entries]
    items: list[_Item] = []
    old = 0
    for one in entries:
        if isinstance(one, Grid) and one.counts_rows:
            items.append(tuple(islice(rest, next(lengths))))
        elif isinstance(one, Grid):
            next(lengths)
            items.append(_inside(walk, grid, next(rest), length(walk, value, old)))
        else:
            items.append(one)
        old += one is not None
    first, last = named.index(True), len(named) - named[::-1].index(True)
    apart = not all(named[first:last])
    before = 0 if apart else sum(not one for one in named[:first])
    return _Plan(tuple(items), tuple(named), grid, before)


def _arranged(value: Value, entries: Sequence[Entry]) -> Value:
    """The array with the lengths of axes that are gone through row by row in the order of the rows.

    Of zeros nothing says in which order the lengths of an axis are that is a product of them.
    """
    grids = [one for one in entries if isinstance(one, Grid)]
    axes, old = list(value.axes), 0
    for one in entries:
        if isinstance(one, Grid) and one.counts_rows:
            sizes = lengths_of_rows(one, grids)
            if value.axes[old].sizes != tuple(sizes):
                if value.terms or sorted(map(str, sizes)) != sorted(map(str, value.axes[old].sizes)):
                    raise Undecided(f"rows that are counted along {one.size(0)}, of an axis of {value.axes[old]}")
                axes[old] = axis(*sizes)
        old += one is not None
    return replace(value, axes=tuple(axes))


def _inside(walk: Walk, grid: Grid, form: Affine, size: Affine) -> Affine:
    """A form that is an index of an axis; negative ones count from the end."""
    for one in grid.labels:
        if form == var(one.name):
            # Labels are below the length of the axis that they are for.
            walk.alike(one.size, size)
    mine = [one for one in grid.labels if one.name in form.names()]
    what = f"labels below {mine[0].size}" if mine else f"position {form}"
    names = (*grid.names, *(one.name for one in grid.labels))
    with walk.inside(names, (*grid.limits, *(c for one in grid.labels for c in one.limits))):
        try:
            form = form if walk.decide(nonnegative(form)) else form + size
        except Varies:
            raise Undecided("positions some of which are negative, and count from the end") from None
        for constraint in inside(form, size):
            walk.require(constraint, f"{what} on an axis of length {size}")
    return form


def _axes(value: Value, plan: _Plan) -> tuple[list[Axis], list[int | None]]:
    """The axes of what is named, and per item the one it runs over."""
    axes: list[Axis] = []
    runs: list[int | None] = []
    old = 0
    for item, named in zip(plan.items, plan.named, strict=True):
        if not named:
            runs.append(len(axes))
            axes.append(axis() if item is None else value.axes[old] if _whole(item) else axis(_count(item)))
        else:
            runs.append(None)
        old += item is not None
    made = [plan.grid.axis(k)[0] for k in range(plan.grid.rank)]
    axes[plan.at : plan.at] = made
    return axes, [run if run is None or run < plan.at else run + len(made) for run in runs]


def _whole(item: object) -> bool:
    return isinstance(item, Span) and item.whole


def _count(item: object) -> Affine:
    assert isinstance(item, Span) and item.count is not None
    return item.count


def _put(plan: _Plan, groups: Sequence[Sequence[Affine]]) -> dict[str, Affine]:
    """What the names of the positions are where the axes they make are at ``groups``."""
    put: dict[str, Affine] = {}
    for k in range(plan.grid.rank):
        names = plan.grid.axis(k)[1]
        put |= {name: form for name, form in zip(names, groups[plan.at + k], strict=True) if name}
        put |= {name: affine(0) for name, _ in plan.grid.axes[k] if name and name not in put}
    return put


def gathered(walk: Walk, value: Value, entries: Sequence[Entry]) -> Value:
    """The elements a subscript names: what positions make of axes stands where the first of them does."""
    value = _arranged(value, entries)
    plan = _planned(walk, value, entries)
    axes, runs = _axes(value, plan)

    def body(*groups: tuple[Affine, ...]) -> Iterator[Term]:
        put = _put(plan, groups)
        where: list[Position] = []
        for item, run in zip(plan.items, runs, strict=True):
            if isinstance(item, Affine):
                where.append(item.substitute(dict(put)))
            elif isinstance(item, tuple):
                where.append(tuple(form.substitute(dict(put)) for form in item))
            elif isinstance(item, Span):
                assert run is not None
                group = groups[run]
                where.append(group if item.whole else (group[0] if group else affine(0)) * item.step + item.start)
        labels = [one.moved(put) for one in plan.grid.labels]
        bound = tuple(one.name for one in labels)
        return (
            at_extremes(by_labels(replace(term, bound=(*term.bound, *bound)), labels), labels)
            for term in read_at(walk.fresh, value, where)
        )

    return build(walk.fresh, axes, body)


def scattered(walk: Walk, value: Value, entries: Sequence[Entry], new: Value, sign: int, how: str) -> Value:
    """The array after what a subscript names was added to (``at``: as often as it is named), or replaced."""
    value = _arranged(value, entries)
    plan = _planned(walk, value, entries)
    axes, runs = _axes(value, plan)
    spread = broadcast(walk, new, axes)
    fresh = {name: walk.fresh() for name in (*plan.grid.names, *(one.name for one in plan.grid.labels))}
    put: dict[str, Affine] = {old: var(name) for old, name in fresh.items()}
    limits = tuple(c.substitute(put) for c in plan.grid.limits)
    labels = [one.moved(put) for one in plan.grid.labels]
    if how != "at" and not _distinct(walk, plan):
        raise Undecided("elements are changed that positions name several times; np.add.at adds all of them up")
    added: list[Term] = []
    bound = tuple(fresh.values())
    for names, where, index in _reached(walk, value, plan, runs, put):
        here = (*limits, *where, *walk.guards)
        for k in range(plan.grid.rank):
            forms = [put[n] if n else None for n in plan.grid.axis(k)[1]]
            index[plan.at + k] = tuple(affine(0) if one is None else one for one in forms)
        free = _spare(walk, plan)
        if how == "=":
            for term in value.terms:
                kept = {n: walk.fresh() for n in (*bound, *names, *term.bound)}
                put_back = {n: var(m) for n, m in kept.items()}
                moved = replace(term.substitute(put_back), bound=tuple(kept[n] for n in term.bound))
                more = tuple(c.substitute(dict(put_back)) for c in here)
                all_bound = (*moved.bound, *(kept[n] for n in (*bound, *names)))
                moved = by_labels(replace(moved, bound=all_bound), [one.moved(put_back) for one in labels])
                added += scaled([moved.under(*more)], Fraction(-1))
        for choice, extra, more_limits in free:
            at = [tuple(choice.get((k, m), form) for m, form in enumerate(group)) for k, group in enumerate(index)]
            for term in read_at(walk.fresh, spread, at):
                every = (*term.bound, *bound, *names, *extra)
                named = by_labels(replace(term, bound=every), labels)
                added += scaled([named.under(*here, *more_limits)], Fraction(sign))
    return Value(value.axes, value.names, (*value.terms, *added))


def _spare(
    walk: Walk, plan: _Plan
) -> list[tuple[dict[tuple[int, int], Affine], tuple[str, ...], tuple[Constraint, ...]]]:
    """Indices of axes on which no position depends: every element there is added to the same ones."""
    choice: dict[tuple[int, int], Affine] = {}
    names: list[str] = []
    limits: list[Constraint] = []
    for k in range(plan.grid.rank):
        one, own = plan.grid.axis(k)
        for m, (name, size) in enumerate(zip(own, one.sizes, strict=True)):
            if not name:
                new = walk.fresh()
                choice[plan.at + k, m] = var(new)
                names.append(new)
                limits += inside(var(new), size)
    return [(choice, tuple(names), tuple(limits))]


_Reach = tuple[tuple[str, ...], tuple[Constraint, ...], list[tuple[Affine, ...]]]


def _reached(walk: Walk, value: Value, plan: _Plan, runs: Sequence[int | None], put: dict[str, Affine]) -> list[_Reach]:
    """How a cell of the array is named: more names, conditions, and its index along the axes that are no positions."""
    count = sum(run is not None for run in runs) + plan.grid.rank
    found: list[_Reach] = [((), (), [()] * count)]
    old = 0
    for item, run in zip(plan.items, runs, strict=True):
        if item is None:
            continue
        one, names = value.axes[old], value.names[old]
        old += 1
        if isinstance(item, Affine | tuple):
            forms_ = (form.substitute(dict(put)) for form in item) if isinstance(item, tuple) else ()
            choices = [((), tuple(forms_))] if isinstance(item, tuple) else place(one, item.substitute(dict(put)))
            found = [
                (bound, (*where, *held, *map(equal, map(var, names), forms)), list(index))
                for bound, where, index in found
                for held, forms in choices
            ]
            continue
        assert run is not None
        if item.whole:
            for _, _, index in found:
                index[run] = tuple(map(var, names))
            continue
        cells = flat(one, tuple(map(var, names)))
        found = [
            (more, held, [*index[:run], offsets, *index[run + 1 :]])
            for bound, where, index in found
            for there, cell in cells
            for more, held, (offsets,) in [offset(walk, cell, item, (bound, (*where, *there), []))]
        ]
    return found


def _distinct(walk: Walk, plan: _Plan) -> bool:
    """Whether no two positions of the grid name the same element."""
    if any(not name for k in range(plan.grid.rank) for name in plan.grid.axis(k)[1]):
        return False
    forms = [form for item in plan.items if isinstance(item, Affine | tuple)
             for form in (item if isinstance(item, tuple) else (item,))]  # fmt: skip
    names = plan.grid.names
    # Of two places in an array of labels nothing says that the labels differ.
    every = (*names, *(one.name for one in plan.grid.labels))
    twin: dict[str, Affine] = {name: var(f"{name}b") for name in every}
    context = Context(walk.base.context.sizes, walk.base.context.facts)
    around = [c for _, more in walk.around for c in more]
    own = (*plan.grid.limits, *(c for one in plan.grid.labels for c in one.limits))
    limits = [*own, *(c.substitute(dict(twin)) for c in own), *around]
    same = [equal(form, form.substitute(dict(twin))) for form in forms]
    dims = (*every, *(f"{name}b" for name in every), *walk.indices)
    return not any(
        feasible(context, System(dims, (*limits, *same, nonnegative((var(name) - var(f"{name}b")) * sign - 1))))
        for name in names
        for sign in (1, -1)
    )
