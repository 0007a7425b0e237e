"""What the sizes of an operator that was read from code are called."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from symconv.notation.affine import Affine, Quotient, affine, quotient, var
from symconv.notation.expr import Constraint, equal
from symconv.notation.operator import Definition, Tensor
from symconv.prove.meaning.value import Value
from symconv.relation.regions import Region
from symconv.relation.sets import Context
from symconv.relation.texts import constraint_text, form_text

__all__ = ["batch_of", "defined", "divided", "facts_about", "named"]

_SPATIAL = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}
_TAPS = {1: ("K",), 2: ("KH", "KW"), 3: ("KD", "KH", "KW")}


def divided(value: Value) -> dict[str, int]:
    """The sizes that lengths of the value are so many parts of: channels of groups."""
    forms = (size for axis in value.axes for size in axis.sizes)
    return {
        name: atom.divisor
        for form in forms for atom, _ in form.terms
        if isinstance(atom, Quotient) and (name := atom.numerator.name) is not None
    }  # fmt: skip


def named(sizes: Mapping[str, Sequence[str]], region: Region, divided: Mapping[str, int],
          ties: Sequence[Constraint] = ()) -> dict[str, Affine]:  # fmt: skip
    """A name for each size, the same for those that are equal in the region; numbers where there is one.

    What ``ties`` say a size is, such as the length of an output, it is. Of a size that ``divided`` says a number of
    parts of, and is a multiple of it, the length of a part has a name.
    """
    found: dict[str, Affine] = {}
    used = {*sizes}
    flat = [(t, k, len(row), size) for t, row in sizes.items() for k, size in enumerate(row)]
    # A bias of each element of an output is as long as the output, and no weight is what is left of it.
    shorter = sorted(flat, key=lambda item: (any(region.ratio(item[3], one[3]) for one in flat), item[0] == "b"))
    for tensor, k, rank, size in shorter:
        number = region.constant(var(size))
        same = next((o for o in found if region.always(equal(var(o), var(size)))), None)
        count, part = next(((m, o) for o in found if (m := region.ratio(size, o))), (0, ""))
        if number is not None:
            found[size] = affine(number)
        elif same is not None:
            found[size] = found[same]
        elif count:
            found[size] = found[part] * count
        elif (form := _tied(size, found, ties)) is not None:
            found[size] = form
        else:
            public = next(n for n in _usual(tensor, k, rank) if n not in used)
            used.add(public)
            parts = divided.get(size, 1)
            whole = equal(var(size), quotient(var(size), parts) * parts)
            found[size] = var(public) * (parts if region.always(whole) else 1)
    return found


def _tied(size: str, found: Mapping[str, Affine], ties: Sequence[Constraint]) -> Affine | None:
    """What equalities say that a size is of sizes that have names."""
    for form in (form for one in ties for form in (one.form, -one.form) if form.coefficient(size) == -1):
        rest = form + var(size)
        if rest.names() <= found.keys() and size not in rest.names():
            return rest.substitute(dict(found))
    return None


def _usual(tensor: str, k: int, rank: int) -> Iterator[str]:
    first = {"x": ("N", "C"), "w": ("F", "E"), "b": ("F",)}.get(tensor, ("N", "C"))
    spatial = (_TAPS if tensor == "w" else _SPATIAL).get(rank - 2, ())
    row = (*first, *spatial)
    if k < len(row):
        yield row[k]
    yield from (f"S{number}" for number in range(1, 99))


def defined(form: Affine, taken: set[str], definitions: list[Definition], tensors: Collection[str]) -> Affine:
    """The name of a length of the output, which is added to the ``definitions`` where it is a new one."""
    if form.is_constant or form.name in taken:
        return form
    known = next((d for d in definitions if d.form == form), None)
    if known is None:
        name = next(n for n in ("OH", "OW", "OD", *(f"O{k}" for k in range(1, 9))) if n not in {*taken, *tensors})
        taken.add(name)
        known = Definition(name, form, True)
        definitions.append(known)
    return var(known.name)


def batch_of(axes: Sequence[tuple[Affine, ...]], inputs: Sequence[Tensor]) -> str:
    """The first size of the output, where it is the first of an input and of nothing else."""
    if not axes or len(axes[0]) != 1 or not axes[0][0].name:
        return ""
    name = axes[0][0].name
    places = [(t.name, k) for t in inputs for k, s in enumerate(t.sizes) if name in s.names()]
    return name if places == [(inputs[0].name, 0)] and len(axes) > 1 else ""


def facts_about(taken: set[str], definitions: Sequence[Definition], more: Iterable[Constraint] = ()) -> Context:
    """What holds of the sizes of an operator."""
    known = {d.name for d in definitions}
    facts = [f"{d.name} = {form_text(d.form)} and {d.name} >= 1" for d in definitions]
    facts += [f"{name} >= 1" for name in sorted(taken - known)]
    facts += map(constraint_text, more)
    return Context(tuple(sorted(taken)), " and ".join(facts))
