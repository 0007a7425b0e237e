"""Which planes of tensors are drawn, by the names that a formula gives its indices."""

from __future__ import annotations

from collections.abc import Mapping

from symconv.errors import SpecError, shown
from symconv.notation.operator import Operator
from symconv.notation.shapes import bind_sizes, completed
from symconv.views.panels import axis_names, plane_of
from symconv.views.terms import Cell

__all__ = ["check_planes", "corner_of"]


def corner_of(op: Operator, at: Mapping[str, int]) -> Cell:
    """The first cell of the output's plane at these index values; raises SpecError where they are no numbers.

    >>> import symconv as sc
    >>> corner_of(sc.conv1d(), {"f": 1})
    (0, 1, 0)
    """
    if not isinstance(at, Mapping) or not all(isinstance(name, str) for name in at):
        raise SpecError(f"at= names indices, as in {{'f': 1}}; given {shown(at)}")
    for name, value in at.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise SpecError(
                f"the index {shown(name)} is a whole number from 0 on, as in {{'f': 1}}; given {shown(value)}"
            )
    return tuple(at.get(name, 0) for name in axis_names(op, op.output))


def check_planes(op: Operator, shapes: Mapping[str, tuple[int, ...]], at: Mapping[str, int], cell: Cell | None) -> None:
    """Raises SpecError for an index that is drawn or not known, beyond its axis, or that is another one in ``cell``."""
    if not at:
        return
    sizes = bind_sizes(op, completed(op, shapes))
    output = plane_of(op, op.output, sizes)
    planes = [output, *(plane_of(op, tensor, sizes) for tensor in op.inputs)]
    lengths: dict[str, int] = {}
    for plane in planes if cell is not None else planes[:1]:
        for name, length in plane.apart().items():
            lengths[name] = min(length, lengths.get(name, length))
    for name, value in at.items():
        if name not in lengths:
            choices = ", ".join(lengths) or "none: every axis is drawn"
            raise SpecError(f"{shown(name)} chooses no plane here; indices whose axes are not drawn: {choices}")
        if value >= lengths[name]:
            raise SpecError(f"{name}={value} lies beyond its axis of {lengths[name]} at the sizes drawn: give shapes, "
                            "as in x=(1, 4, 8, 9), or a smaller index")  # fmt: skip
        if cell is not None and name in output.apart() and len(cell) == len(output.names):
            place = cell[output.names.index(name)]
            if place != value:
                raise SpecError(f"the cell says {name}={place}, at= says {name}={value}: leave one of them out")
