"""The last word on sizes: names for what was given as a formula, what must follow from the shapes, and in which
order."""

from __future__ import annotations

from dataclasses import replace

from symconv.errors import SpecError, setting
from symconv.notation.affine import Affine, quotient, var
from symconv.notation.expr import Constraint, equal, nonnegative
from symconv.notation.extents import Sizes, Stated, is_direct, offered
from symconv.notation.indices import size_of_tap
from symconv.notation.operator import Assumption, Definition, Window

__all__ = ["assumed", "floors", "provide", "settle"]


def provide(sizes: Sizes) -> None:
    """Take up the extents a user gave; those that are formulas wait for a name."""
    for name, form in sizes.settings.extents:
        if form.is_constant and form.constant < 1:
            raise SpecError(f"extents says {form} for {name!r}; an extent is at least 1")
        if form.is_constant or form.name:
            sizes.extents[name] = form
        else:
            sizes.given[f"extent({name})"] = form
            sizes.extents[name] = var(f"extent({name})")


def settle(sizes: Sizes) -> None:
    """Replace every provisional name, add what the user states, and put the definitions in order.

    Raises SpecError for sizes that do not follow from the shapes.
    """
    names = dict(sizes.names)
    for provisional, form in sizes.given.items():
        wish = f"O{_axis(sizes, provisional)}"
        names[provisional] = var(sizes.fresh(wish))
        sizes.definitions.append(Definition(names[provisional].name or "", form, extent=True))

    names |= {size_of_tap(index): extent for index, extent in sizes.extents.items()}

    def final(form: Affine) -> Affine:
        return form.substitute(names).substitute(names).substitute(names)

    sizes.extents = {name: final(form) for name, form in sizes.extents.items()}
    sizes.slots = {slot: final(form) for slot, form in sizes.slots.items()}
    sizes.shifts = {slot: final(form) for slot, form in sizes.shifts.items()}
    sizes.assumptions = [_assumption(final(a.constraint.form), a) for a in sizes.assumptions]
    sizes.windows = [_window(window, names) for window in sizes.windows]
    sizes.definitions = [replace(d, form=final(d.form)) for d in sizes.definitions]
    _check_known(sizes)
    if sizes.settings.where:
        bound = frozenset(name for size in sizes.slots.values() for name in size.names())
        bound |= {definition.name for definition in sizes.definitions} | {*sizes.told}
        sizes.assumptions += [assumed(stated, bound, offered(sizes)) for stated in sizes.settings.where]
    sizes.definitions = _ordered(sizes.definitions)


def _axis(sizes: Sizes, provisional: str) -> str:
    """What the extent of an index is called after: the axis its window slides over, or the index itself."""
    name = provisional.removeprefix("extent(").removesuffix(")")
    slid = (
        sizes.slots[slot].name
        for slot, forms in sizes.body.slots.items()
        if not is_direct(forms) and any(name in form.form.names() for form in forms)
    )
    found = next((size for size in slid if size), name.upper())
    free = f"O{found}" not in {d.name for d in sizes.definitions}
    sizes.taken -= {f"O{found}"} if free else set()
    return found


def _assumption(form: Affine, old: Assumption) -> Assumption:
    return Assumption(Constraint(form, old.constraint.equality), old.sentence)


def _window(window: Window, names: dict[str, Affine]) -> Window:
    def text(name: str) -> str:
        form = names.get(name, var(name))
        return str(form.substitute(names))

    return replace(
        window,
        lo=window.lo.substitute(names),
        hi=window.hi.substitute(names),
        size=text(window.size),
        kernel=text(window.kernel),
        extent=text(window.extent),
    )


def _check_known(sizes: Sizes) -> None:
    """Every size in a formula of the user's is one that the shapes, or a definition, decide."""
    bound = {name for size in sizes.slots.values() for name in size.names()}
    bound |= {definition.name for definition in sizes.definitions}
    for name in (*sizes.outputs, *sizes.body.taps):
        extent = sizes.extents.get(name)
        if extent is None or (extent.names() - bound and name not in sizes.stated):
            raise SpecError(
                f"the extent of index {name!r} does not follow from any tensor; say {setting('extents', '...', name)}, "
                f"{offered(sizes)}{_own(sizes, name)}"
            )
    for name, form in sizes.settings.extents:
        unknown = sorted(form.names() - bound)
        if unknown and name in sizes.body.taps and all(one[:1].isupper() and one.isalnum() for one in unknown):
            # How far a window reaches that no tensor tells is a number of its own, given with the arrays.
            sizes.told += unknown
        elif unknown:
            raise SpecError(
                f"extents says {form} for {name!r}, and no axis has the size {unknown[0]}; it is {offered(sizes)}"
            )


def _own(sizes: Sizes, name: str) -> str:
    taken = {size for form in sizes.slots.values() for size in form.names()}
    free = next(one for one in ("K", "R", "S", f"K{name}") if one not in taken)
    return f", or a size that is given at each call, as {free!r}" if name in sizes.body.taps else ""


def assumed(stated: Stated, bound: frozenset[str], offer: str) -> Assumption:
    """What a user states of sizes; raises SpecError for one that is none of ``bound``, and where nothing is said."""
    for form in (stated.left, stated.right):
        if unknown := sorted(form.names() - bound):
            raise SpecError(f"where says {stated.text}, and no axis has the size {unknown[0]}; it is {offer}")
    left, right = stated.left, stated.right
    match stated.relation:
        case "<=":
            constraint = nonnegative(right - left)
        case "<":
            constraint = nonnegative(right - left - 1)
        case ">=":
            constraint = nonnegative(left - right)
        case ">":
            constraint = nonnegative(left - right - 1)
        case _:
            constraint = equal(left, right)
    if constraint.form.is_constant:
        raise SpecError(f"where says {stated.text}, which says nothing of the sizes")
    return Assumption(constraint, f"the operator is stated for {stated.text}")


def floors(sizes: Sizes) -> dict[str, Affine]:
    """What replaces the provisional sizes of floors: where each starts and how many values it can take."""
    found: dict[str, Affine] = {}
    for name, floor in sizes.body.floors.items():
        low = high = sizes.resolved(floor.numerator).substitute(found)
        for index in low.names() & sizes.extents.keys():
            factor = low.coefficient(index)
            end = factor * (sizes.extents[index] - 1)
            low, high = low - factor * var(index), high - factor * var(index)
            low, high = (low, high + end) if factor > 0 else (low + end, high)
        number = name.removeprefix("e")
        found[floor.base] = _called(sizes, f"B{number}", quotient(low, floor.divisor))
        length = quotient(high, floor.divisor) - found[floor.base] + 1
        sizes.extents[name] = _called(sizes, f"E{number}", length)
    return found


def _called(sizes: Sizes, wish: str, form: Affine) -> Affine:
    """The form, or a size of that value where the form holds more than names."""
    if all(isinstance(atom, str) for atom, _ in form.terms):
        return form
    name = sizes.fresh(wish)
    sizes.definitions.append(Definition(name, form))
    return var(name)


def _ordered(definitions: list[Definition]) -> list[Definition]:
    """Each definition after those it needs."""
    done: list[Definition] = []
    left = list(definitions)
    while left:
        waiting = {d.name for d in left}
        ready = next((d for d in left if not d.form.names() & waiting), None)
        if ready is None:
            names = ", ".join(f"{d.name} = {d.form}" for d in left)
            raise SpecError(f"these sizes need one another: {names}; say the extents by sizes of the inputs")
        left.remove(ready)
        done.append(ready)
    return done
