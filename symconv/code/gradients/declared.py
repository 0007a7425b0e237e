"""What ``__init__`` and docstrings say of the sizes of tensors: numbers, and lengths that are one."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence

from symconv.code.gradients.documented import documented_shapes
from symconv.code.gradients.forward import Forward
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint, equal
from symconv.prove.language.labels import is_selector

__all__ = ["declared", "of_several"]


def declared(forward: Forward, sizes: Mapping[str, Sequence[str]]) -> Iterator[Constraint]:
    """What ``__init__`` says of the sizes, and a docstring that calls two lengths by one name.

    Where nothing ties ``x: (N, D), w: (N, D)`` otherwise, a gradient of ``zip(x, w)`` has no shape that fits.
    """
    first: dict[str, Affine] = {n: v for n, v in forward.settings.items() if isinstance(v, Affine) and v.is_constant}
    shapes = forward.shapes
    each = [two for tensor, shape in shapes.items() for two in zip(map(var, sizes[tensor]), shape, strict=False)]
    for size, length in each:
        if isinstance(length, int | str):
            known = affine(length) if isinstance(length, int) else first.setdefault(length, size)
            if known != size:
                yield equal(size, known)
    for name, size in _of_input(forward, sizes).items():
        if first.setdefault(name, size) != size:
            yield equal(size, first[name])
    for size, length in each:
        if isinstance(length, Affine) and length.names() <= first.keys():
            yield equal(size, length.substitute(first))
    named: dict[str, Affine] = {}
    for name, lengths in documented_shapes(forward.node).items():
        tensor = forward.tensors.get(name, "")
        row = sizes.get(tensor, ())[: -1 if is_selector(tensor) else None]  # classes are no axis of labels
        for word, size in zip(lengths, map(var, row), strict=False) if len(row) == len(lengths) else ():
            if word == "1":
                yield equal(size, affine(1))
            elif named.setdefault(word, size) != size:
                yield equal(size, named[word])
    yield from _picked(forward, sizes)


def of_several(said: Iterable[Constraint]) -> tuple[Constraint, ...]:
    """Equalities that say what a length is of several others, as that of an output."""
    return tuple(one for one in said if one.equality and len(one.form.terms) > 2)


def _of_input(forward: Forward, sizes: Mapping[str, Sequence[str]]) -> dict[str, Affine]:
    """The lengths of the input that ``__init__`` has a name for: ``depth, height, width = input_shape``."""
    parts = forward.program.initial().shape_of_input if forward.attributes else ()
    row = sizes.get(next(iter(forward.tensors.values()), ""), ())
    first = len(row) - len(parts)
    return {part: var(row[first + k]) for k, part in enumerate(parts)} if first in {0, 1} else {}


def _picked(forward: Forward, sizes: Mapping[str, Sequence[str]]) -> Iterator[Constraint]:
    """Labels that pick from rows, ``p[range(len(t)), t]``, are one for each row of the only input."""
    rows = [row for tensor, row in sizes.items() if not is_selector(tensor)]
    for one in ast.walk(forward.node) if len(rows) == 1 and len(rows[0]) == 2 else ():
        match one:
            case ast.Subscript(
                _, ast.Tuple([ast.Call(_, [ast.Call(ast.Name("len"), [ast.Name(same)])]), ast.Name(name)])
            ):
                labels = sizes.get(forward.tensors.get(name, ""), ())
                if name == same and len(labels) == 2 and is_selector(forward.tensors[name]):
                    yield equal(var(labels[0]), var(rows[0][0]))
