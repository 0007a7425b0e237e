"""Several outputs at a kernel's door: the tuple that forward returns, the arrays it writes into, and the cotangents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from symconv.asked import in_order
from symconv.errors import SpecError, shown
from symconv.gradients import gradients_type
from symconv.notation.operator import Operator

__all__ = ["cotangents", "into", "outputs_type", "zeroed"]

Array = np.ndarray[Any, Any]


def outputs_type(op: Operator) -> Any:
    """The NamedTuple of an operator's outputs, in the order of its equations."""
    return gradients_type(op.several, "Outputs")


def cotangents(
    op: Operator, gy: Any, arrays: tuple[Any, ...], named: Mapping[str, Any]
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """What a call of ``backward`` gave as cotangents, one for each output, and the inputs in order.

    Cotangents are one array for each output, or a tuple or a mapping of them; None is one of zeros. Raises SpecError
    for another number of them.
    """
    names, wanted = op.several, tuple(f"g{name}" for name in op.several)
    if isinstance(gy, Mapping):
        found = {str(name).removeprefix("g") if name in wanted else name: value for name, value in gy.items()}
        if set(found) - set(names) or len(found) != len(gy):
            raise SpecError(
                f"{op.name}: cotangents by name are those of {', '.join(names)}; given {', '.join(map(str, gy))}"
            )
        given = tuple(found.get(name) for name in names)
    elif isinstance(gy, tuple | list):
        given = tuple(gy)
    else:
        given, arrays = (gy, *arrays)[: len(names)], arrays[len(names) - 1 :]
    if len(given) != len(names):
        raise SpecError(
            f"{op.name} has the outputs {', '.join(names)}, so backward takes ({', '.join(wanted)}) and then "
            f"{', '.join(op.tensors)}; given {len(given)} of them"
        )
    return given, in_order(op, arrays, named) if named else arrays


def zeroed(op: Operator, dtype: np.dtype[Any], given: tuple[Any, ...], arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    """The cotangents with zeros for those that are None."""
    if all(one is not None for one in given):
        return given
    shapes = op.output_shapes(**dict(zip(op.tensors, (getattr(a, "shape", ()) for a in arrays), strict=False)))
    pairs = zip(given, shapes.values(), strict=True)
    return tuple(np.zeros(shape, dtype) if one is None else one for one, shape in pairs)


def into(op: Operator, out: Any) -> dict[str, Any]:
    """The arrays to write into by the names of outputs, from a mapping of some or a tuple of all; raises SpecError."""
    if out is None:
        return {}
    if isinstance(out, Mapping) and not set(out) - set(op.several):
        return dict(out)
    if isinstance(out, tuple | list) and len(out) == len(op.several):
        return dict(zip(op.several, out, strict=True))
    raise SpecError(
        f"{op.name} has the outputs {', '.join(op.several)}: out is a tuple of an array for each, or maps their names "
        f"to arrays; given {shown(list(out)) if isinstance(out, Mapping) else type(out).__name__}"
    )
