"""Small sizes at which a formula is worth a look: a window that moves, borders on both ends, no two axes alike."""

from __future__ import annotations

from collections.abc import Iterator

from symconv.errors import SpecError
from symconv.notation.affine import Affine, Quotient
from symconv.notation.operator import Operator

__all__ = ["sizes_to_show"]

_TAPS, _CELLS, _LEAST, _MOST = 3, 2, 5, 48
"""Taps of a window and cells of other axes where nothing is said; lengths of a sliding axis that are tried."""
_STILL = (2, 3, 4)
"""Lengths of axes, in turn, where none slides: neighbours differ, so that a transposed operand is seen."""
_SMALLER = 2
"""Taps and outputs where ``small`` sizes are wanted: of three axes, the product counts."""


def sizes_to_show(
    op: Operator, cell: tuple[int, ...] | None = None, *, small: bool = False
) -> dict[str, tuple[int, ...]]:
    """Input shapes for a picture: the smallest sliding axes that give three outputs and hold ``cell``.

    With ``small``, two outputs and two taps are enough.

    Raises SpecError where none are found: then shapes have to be given.

    >>> import symconv as sc
    >>> sizes_to_show(sc.conv2d(stride=2))
    {'x': (1, 2, 7, 8), 'w': (2, 2, 3, 3)}
    """
    refused: SpecError | None = None
    outputs = _SMALLER if small else 3
    for length in range(_SMALLER if small else _LEAST, _MOST):
        sizes = _sizes(op, length, cell, _SMALLER if small else _TAPS)
        shapes = {tensor.name: tensor.shape(sizes) for tensor in op.inputs}
        try:
            bound = op.sizes(**shapes)
        except SpecError as error:
            refused = error
            continue
        shape = op.output.shape(bound)
        fits = cell is None or len(cell) != len(shape) or all(k < n for k, n in zip(cell, shape, strict=True))
        if fits and all(bound[w.extent] >= outputs for w in op.windows if w.extent in bound):
            return shapes
    raise SpecError(
        f"{op.name}: no small sizes were found to draw it at: give the input shapes, as in x=(1, 2, 8, 9)"
    ) from refused


def _sizes(op: Operator, length: int, cell: tuple[int, ...] | None, taps: int) -> dict[str, int]:
    """Every size by name: sliding axes of ``length`` and one more each, as many cells elsewhere as ``cell`` needs."""
    kernels = {w.kernel for w in op.windows}
    sliding = [w.size for w in op.windows]
    if not op.windows:
        # An extent grows with the axis that is slid over, and shrinks with the taps.
        signed = [pair for d in op.definitions if d.extent for pair in _signed(d.form, 1)]
        kernels, sliding = {n for n, sign in signed if sign < 0}, [n for n, sign in signed if sign > 0]
    sizes: dict[str, int] = {}
    for name in (n for tensor in op.inputs for size in tensor.sizes for n in sorted(size.names())):
        if name in sliding:
            sizes[name] = length + sliding.index(name)
        elif name not in sizes:
            still = _CELLS if sliding else _STILL[sum(n != op.batch for n in sizes) % len(_STILL)]
            sizes[name] = 1 if name == op.batch else taps if name in kernels else still
    for axis, at in zip(op.output.axes, cell or (), strict=False):
        if len(axis) == 1 and (alone := axis[0].name) is not None and alone in sizes:
            sizes[alone] = max(sizes[alone], at + 1)
    for definition in op.definitions:
        sizes[definition.name] = definition.form.evaluate(sizes)
    return sizes


def _signed(form: Affine, sign: int) -> Iterator[tuple[str, int]]:
    """The sizes in a form, each with the sign it has there."""
    for atom, factor in form.terms:
        if isinstance(atom, str):
            yield atom, sign * factor
        elif isinstance(atom, Quotient):
            yield from _signed(atom.numerator, sign * factor)
