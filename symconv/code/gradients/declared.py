"""What ``__init__`` and docstrings say of the sizes of tensors: numbers, and lengths that are one."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from symconv.code.gradients.documented import documented_shapes
from symconv.code.gradients.forward import Forward
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint, equal
from symconv.prove.language.labels import is_selector

__all__ = ["declared"]


def declared(forward: Forward, sizes: Mapping[str, Sequence[str]]) -> Iterator[Constraint]:
    """What ``__init__`` says of the sizes, and a docstring that calls two lengths by one name.

    Where nothing ties ``x: (N, D), w: (N, D)`` otherwise, a gradient of ``zip(x, w)`` has no shape that fits.
    """
    first: dict[str, Affine] = {n: v for n, v in forward.settings.items() if isinstance(v, Affine) and v.is_constant}
    for tensor, shape in forward.shapes.items():
        for size, length in zip(map(var, sizes[tensor]), shape, strict=False):
            if length is not None:
                known = affine(length) if isinstance(length, int) else first.setdefault(length, size)
                if known != size:
                    yield equal(size, known)
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
