"""Lengths that a formula names in its indices, as in ``w[f,c,K-1-p]`` and ``x[n,c,i+p-K//2]``: which they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symconv.notation.affine import var
from symconv.notation.body import no_name
from symconv.notation.extents import Sizes, is_direct
from symconv.notation.indices import size_of_tap, turned_by_name
from symconv.notation.lexer import point
from symconv.notation.operator import Definition, Tensor

__all__ = ["check_lengths", "name_lengths", "run_beside"]


def name_lengths(sizes: Sizes) -> None:
    """``L-1-i`` reads an axis from its end: L is how far i runs, and floors of lengths have names of their own."""
    body = sizes.body
    called = {f.over.upper(): f.over for forms in body.slots.values() if is_direct(forms) for f in forms if f.over}
    for forms in body.slots.values():
        for at, form in enumerate(forms):
            index, length = turned_by_name(form) or ("", "")
            # N beside x[n,...] is the length of that axis.
            mine = index in {*sizes.outputs, *body.taps} and called.get(length, index) == index
            if mine and sizes.written.setdefault(index, length) == length:
                forms[at] = replace(form, form=form.form.substitute({length: var(size_of_tap(index))}))
    sizes.taken |= {*sizes.written.values()}
    for number, (provisional, floor) in enumerate(body.lengths.floors.items(), 1):
        name = sizes.fresh(f"B{number}")
        sizes.names[provisional] = var(name)
        sizes.definitions.append(Definition(name, floor))


def run_beside(sizes: Sizes) -> None:
    """An index in conditions alone, as i in ``sum[k<=i](x[k])``, runs as far as what it is compared with."""
    mine = {*sizes.outputs, *sizes.body.taps}
    for form in sizes.body.beside:
        match [(name, factor) for name, factor in form.terms if name in mine]:
            case [(str(one), a), (str(other), b)] if a == -b and abs(a) == 1:
                for known, new in ((one, other), (other, one)):
                    if known in sizes.extents:
                        sizes.extents.setdefault(new, sizes.extents[known])


def check_lengths(sizes: Sizes, tensors: Sequence[Tensor], indices: Sequence[str]) -> None:
    """What stands as a number and is no parameter is a length of the formula; raises SpecError at others."""
    columns = sizes.body.lengths.columns
    for index, name in sizes.written.items():
        if (extent := sizes.extents[index]) != var(name):
            column = columns[name]
            message = f"column {column + 1}: {name}-1-{index} counts from the end where {index} runs to {name}"
            raise point(sizes.body.source, column, f"{message}; it runs to {extent} here")
    known = {name for tensor in tensors for size in tensor.sizes for name in size.names()}
    known |= {one.name for one in sizes.definitions}
    for name, column in columns.items():
        if name not in known:
            what = f"neither an index ({', '.join(sorted(indices))}), nor a size ({', '.join(sorted(known))})"
            raise no_name(sizes.body.source, name, column, f"{what}, nor a parameter")
