"""What ``__init__`` and docstrings say of the sizes of tensors: numbers, and lengths that are one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from symconv.code.gradients.documented import documented_shapes
from symconv.code.gradients.forward import Forward
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint, equal

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
        row = sizes.get(forward.tensors.get(name, ""), ())
        for word, size in zip(lengths, map(var, row), strict=False) if len(row) == len(lengths) else ():
            if named.setdefault(word, size) != size:
                yield equal(size, named[word])
