"""Sets and maps of integer points from conditions on them.

isl reads the sums of a text one after the other, each as a function that is piecewise affine: tens of milliseconds for
a set with as many names as a packed kernel has. Facts come again and again, so that each is taken apart once; isl is
given the rows themselves (PolyLib's matrices, one of the two formats that it reads).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import islpy as isl

from symconv.errors import InternalError
from symconv.notation.affine import Affine, Atom, Quotient
from symconv.notation.expr import Constraint
from symconv.relation.rows import Row, cases
from symconv.relation.texts import constraint_text, form_text

__all__ = ["Part", "made"]


@dataclass(frozen=True, slots=True)
class Part:
    """Points under all of ``facts``, conditions as text or constraints; ``image`` is what a map takes them to."""

    facts: tuple[str | Constraint, ...]
    image: tuple[str | Affine, ...] = ()


def made(
    kind: type[isl.Map], sizes: Sequence[str], dims: Sequence[str], parts: Sequence[Part], hidden: Sequence[str] = ()
) -> isl.Set:
    """The set of ``dims`` in any of the parts, or the map from them to images where ``kind`` is isl's Map.

    ``hidden`` variables exist, and are not shown. Raises InternalError where a text is none that isl reads, or a fact
    is said of a name that is not given.
    """
    places = tuple(f"at{k}_" for k in range(len(parts[0].image)))
    shown = (places, dims) if kind is isl.Map else (dims, ())
    matrices: dict[str, None] = {}
    for part in parts:
        found = cases(part.facts, zip(places, part.image, strict=True))
        if found is None:
            return _read(kind, sizes, dims, parts, hidden)
        matrices |= dict.fromkeys(_matrix(case.rows, shown, sizes, hidden) for case in found)
    everything = f"1\n0 {2 + len(places) + len(dims) + len(sizes)} {len(shown[0])} {len(shown[1])} 0 {len(sizes)}\n"
    relation = kind("".join((f"{len(matrices)}\n", *matrices))) if matrices else kind(everything).complement()
    for k, name in enumerate(sizes):
        relation = relation.set_dim_name(isl.dim_type.param, k, name)
    return relation


def _read(
    kind: type[isl.Map], sizes: Sequence[str], dims: Sequence[str], parts: Iterable[Part], hidden: Sequence[str]
) -> isl.Set:
    """The same as isl reads it: texts that it wrote itself may have words of its own in them."""
    texts = []
    for part in parts:
        image = [form_text(one) if isinstance(one, Affine) else one for one in part.image]
        facts = [constraint_text(one) if isinstance(one, Constraint) else one for one in part.facts]
        if hidden:
            places = [f"at{k}_" for k in range(len(image))]
            facts += [f"{place} = {form}" for place, form in zip(places, image, strict=True)]
            image = places
        body = " and ".join(f"({fact})" for fact in facts) or "true"
        body = f"exists ({', '.join(hidden)} : {body})" if hidden else body
        arrow = f" -> [{', '.join(image)}]" if kind is isl.Map else ""
        texts.append(f"[{', '.join(dims)}]{arrow} : {body}")
    text = f"[{', '.join(sizes)}] -> {{ {' ; '.join(texts)} }}"
    try:
        return kind(text)
    except isl.Error as error:
        raise InternalError(f"isl does not read {text}: {error}") from error


def _matrix(
    rows: Sequence[Row], shown: tuple[Sequence[str], Sequence[str]], sizes: Sequence[str], hidden: Sequence[str]
) -> str:
    """A conjunction as PolyLib writes it: a column for each name, each hidden one and each floor, and one for 1."""
    outer, inner = shown
    floors = tuple(dict.fromkeys(floor for row in rows for floor in row.floors))
    names: tuple[Atom, ...] = (*outer, *inner, *hidden, *floors, *sizes)
    columns = {name: k for k, name in enumerate(names, 1)}
    bounds = [(form, False) for floor in floors for form in _around(floor)]
    width = len(names) + 2
    lines = []
    for form, equality in (*((row.form, row.equality) for row in rows), *bounds):
        cells = ["0"] * width
        cells[0] = "0" if equality else "1"
        for atom, factor in form.terms:
            if atom not in columns:
                raise InternalError(f"{form} is said of {atom}, which is none of {', '.join(map(str, names))}")
            cells[columns[atom]] = str(factor)
        cells[-1] = str(form.constant)
        lines.append(" ".join(cells))
    lines = list(dict.fromkeys(lines))
    head = f"{len(lines)} {width} {len(outer)} {len(inner)} {len(hidden) + len(floors)} {len(sizes)}"
    return "\n".join((head, *lines, ""))


def _around(floor: Quotient) -> tuple[Affine, Affine]:
    """What is not negative where a variable is this floor."""
    rest = floor.numerator - Affine(((floor, floor.divisor),))
    return rest, floor.divisor - 1 - rest
