"""Lengths that an operator has one name for although the text does not make them equal.

In ``for t in range(T): y[t] += p[t, i]`` with the length ``T`` of another tensor, ``p`` is as long at least. That it is
as long is what is likely meant, and no more: a gradient ``np.zeros((T, C))`` is right there alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, permutations

from symconv.code.gradients.branches import Read
from symconv.code.gradients.formula import with_words
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint, equal, nonnegative
from symconv.notation.operator import Assumption, Operator
from symconv.prove.language.labels import labels_of
from symconv.relation.regions import Region

__all__ = ["SUPPOSED", "apart", "assumed", "compares", "lengths_supposed", "marked"]

SUPPOSED = "lengths are taken as equal: "
"""How a note begins that says which lengths are equal for an operator and may not be for the code."""


def lengths_supposed(op: Operator) -> str:
    """Which lengths are taken as equal that the text does not make so, in words; empty where there are none."""
    return "; ".join(one.removeprefix(SUPPOSED) for one in op.notes if one.startswith(SUPPOSED))


def marked(op: Operator, read: Read) -> Operator | None:
    """The operator, with a note where it has one name for lengths that may differ in what was read.

    None where the text compares two of them: it is for both kinds of lengths then.
    """
    pairs, region = list(_named_alike(op, read)), _with_elements(read)
    if any(compares(read, a[2], b[2]) for a, b in pairs):
        return None
    sides = ((b, a) if region.always(nonnegative(var(b[2]) - var(a[2]))) else (a, b) for a, b in pairs)
    told = (f"{_axis(*one)} is as long as {_axis(*other)}" for one, other in sides)
    return replace(op, notes=(*op.notes, SUPPOSED + ", ".join(told))) if pairs else op


def compares(read: Read, one: str, other: str) -> bool:
    """Whether the text asks which of two lengths is the longer one, ``assert T <= p.shape[0]``."""
    sides = {var(one) - var(other), var(other) - var(one)}
    return any(not c.equality and c.form - c.form.constant in sides for c in read.compared)


def _axis(name: str, k: int, _: str) -> str:
    return f"axis {k} of {labels_of(name)}"


def _named_alike(op: Operator, read: Read) -> Iterator[tuple[tuple[str, int, str], tuple[str, int, str]]]:
    """Axes of one length in the operator and of two in what was read, each with the first one of its name."""
    if any(name not in op.tensors or len(op.input(name).axes) != len(row) for name, row in read.sizes.items()):
        return
    rows = [(name, k, size) for name, row in read.sizes.items() for k, size in enumerate(row)]
    of = {size: op.input(name).axes[k] for name, k, size in rows}
    region, seen = _with_elements(read), set[str]()
    for one, other in combinations(rows, 2):
        # Lengths of parts and products are tied by what cuts and joins them.
        plain = not {one[2], other[2]} & {*read.joined, *read.parts, *seen}
        alike = of[one[2]] == of[other[2]] and any(size.names() for size in of[one[2]])
        if plain and alike and not region.always(equal(var(one[2]), var(other[2]))):
            seen.add(other[2])
            yield other, one


def apart(read: Read) -> Read | None:
    """What was read, for lengths that are no less than others and need not be equal; None where there are none."""
    sizes = [size for row in read.plain.values() for size in row]
    region = _with_elements(read)
    free = [one for one in sizes if region.constant(var(one)) is None]
    longer = [
        Constraint(var(one) - var(other))
        for one, other in permutations(free, 2)
        if region.always(Constraint(var(one) - var(other))) and not region.always(equal(var(one), var(other)))
    ]
    return replace(read, region=region, indexed=(*read.indexed, *longer)) if longer else None


def assumed(op: Operator, read: Read) -> Operator:
    """The operator with what is said of its sizes."""
    rows = ((row, op.input(name).axes) for name, row in read.sizes.items())
    called = {size: axis[0] for row, axes in rows for size, axis in zip(row, axes, strict=True)
              if size not in read.joined}  # fmt: skip
    sliced, indexed, whole = (
        tuple(dict.fromkeys(Constraint(one.form.substitute(called), one.equality) for one in each))
        for each in (read.assumed, read.indexed, read.whole)
    )
    axes = {axis: _axis(one.name, k, "") for one in reversed(op.inputs) for k, (axis, *_) in enumerate(one.axes)}
    slid = {called.get(size) for size in _slid_along(read)}
    for longer, other in map(_sides, indexed):
        if longer in axes and other in axes and longer not in slid:
            op = with_words(op, f"{axes[longer]} may be longer than {axes[other]}")
    notes = (*op.notes, SUPPOSED + read.lengths) if read.lengths else op.notes
    more = (
        *(Assumption(c, f"what is sliced is as long as it is taken for: {c}") for c in sliced),
        *(Assumption(c, f"what is indexed is as long as loops run: {c}") for c in indexed),
        *(Assumption(c, f"lengths are whole numbers of steps: {c}") for c in whole),
    )
    return replace(op, assumptions=(*op.assumptions, *more), notes=notes)


def _slid_along(read: Read) -> Iterator[str]:
    """Lengths of axes that windows slide along: that they are longer than their windows need not be said."""
    for term in read.value.terms:
        for factor in term.factors:
            places = zip(factor.index, read.plain.get(factor.tensor, ()), strict=False)
            yield from (size for form, size in places if len(form.names()) > 1)


def _sides(constraint: Constraint) -> tuple[Affine, Affine]:
    """The two lengths of which one is not less than the other."""
    parts = [(sign, var(name)) for name, sign in constraint.form.terms if isinstance(name, str)]
    more, less = ([form for sign, form in parts if sign == wanted] for wanted in (1, -1))
    return (more[0], less[0]) if len(more) == len(less) == 1 else (affine(0), affine(0))


def _with_elements(read: Read) -> Region:
    """The sizes at which the output has elements: a loop that never runs asks nothing of shapes."""
    region = read.region.where(*(Constraint(size - 1) for one in read.value.axes for size in one.sizes))
    return read.region if region.empty else region
