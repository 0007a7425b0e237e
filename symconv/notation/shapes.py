"""Sizes from shapes: solve every size name from the arrays a user passes, or say what does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from symconv.errors import SpecError, setting, shown
from symconv.notation.affine import Affine
from symconv.notation.taps import vacant

if TYPE_CHECKING:
    from symconv.notation.operator import Operator, Tensor

__all__ = ["axis_text", "bind_sizes", "check_told", "completed", "describe", "known_shape", "shape_of", "traced_shape"]


_MOST = (1 << 63) - 1


def shape_of(axes: tuple[tuple[Affine, ...], ...], sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The physical shape of merged axes under concrete sizes."""
    return tuple(prod(size.evaluate(sizes) for size in axis) for axis in axes)


def axis_text(axis: tuple[Affine, ...]) -> str:
    """A physical axis in the user's words: ``C`` or ``2*Cg``."""
    return "*".join(str(size) if size.name or size.is_constant else f"({size})" for size in axis)


def describe(tensor: Tensor) -> str:
    """A tensor with its symbolic shape, as messages print it: ``x (N, C, H, W)``."""
    return f"{tensor.name} ({', '.join(axis_text(axis) for axis in tensor.axes)})"


def bind_sizes(op: Operator, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    """Solve the sizes of ``op`` from the shapes of its inputs.

    Raises SpecError when a tensor is missing or unknown, a rank or an axis does not fit, an assumption fails, an extent
    would be empty, or a mean, max or min has no tap. The batch may be 0.
    """
    shapes = _counted(op, shapes)
    _check_names(op, shapes)
    sizes: dict[str, int] = {}
    for tensor in op.inputs:
        _solve(op, tensor, shapes[tensor.name], sizes)
    for tensor in op.inputs:
        _solve(op, tensor, shapes[tensor.name], sizes)
    check_told(op)
    for definition in op.definitions:
        sizes[definition.name] = definition.form.evaluate(sizes)
    _check_extents(op, shapes, sizes)
    for tensor in op.inputs:
        want = tensor.shape(sizes)
        if want != tuple(shapes[tensor.name]):
            raise SpecError(
                f"{op.name}: {tensor.name} has shape {tuple(shapes[tensor.name])}, wanted {want}, "
                f"that is {describe(tensor)} with {_values(tensor, sizes)}"
            )
    for assumption in op.assumptions:
        if not _holds(assumption.constraint.form, assumption.constraint.equality, sizes):
            raise SpecError(f"{op.name}: {assumption.sentence}; given {_shapes(shapes)}")
    if sentence := vacant(op, sizes):
        raise SpecError(
            f"{op.name}: {sentence}; given {_shapes(shapes)}. Make the padding smaller than the window, or state what "
            f"an empty window is, as in {setting('empty', '0')}"
        )
    return sizes


def completed(op: Operator, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """The shapes with those that follow from the given ones: a bias, a cotangent.

    >>> from symconv.ops.registry import conv1d
    >>> completed(conv1d(bias=True), {"x": (2, 3, 9), "w": (4, 3, 3)})["b"]
    (4,)
    """
    sizes: dict[str, int] = {}
    for one in op.inputs:
        shape = shapes.get(one.name, ())
        for merged, length in zip(one.axes, shape if isinstance(shape, tuple | list) else (), strict=False):
            whole = prod(size.constant for size in merged if size.is_constant)
            names = [size.name for size in merged if size.name]
            if len(names) == 1 and whole and isinstance(length, int):
                sizes[names[0]] = length // whole
    for definition in op.definitions:
        if definition.form.names() <= sizes.keys():
            sizes[definition.name] = definition.form.evaluate(sizes)
    missing = [tensor for tensor in op.inputs if tensor.name not in shapes]
    known = {t.name: t.shape(sizes) for t in missing if all(size.names() <= sizes.keys() for size in t.sizes)}
    return {**shapes, **known}


def traced_shape(op: Operator, shapes: Mapping[str, tuple[Any, ...]]) -> tuple[Any, ...]:
    """The output's shape from lengths that may be symbols of a tracer: computed, judged by nothing.

    >>> from symconv.ops.registry import conv1d
    >>> traced_shape(conv1d(stride=2), {"x": (2, 3, 9), "w": (4, 3, 3)})
    (2, 4, 4)
    """
    sizes: dict[str, Any] = {}
    defined = {definition.name for definition in op.definitions}
    # Twice: a size may be known only from a later tensor.
    for tensor in (*op.inputs, *op.inputs):
        for axis, length in zip(tensor.axes, shapes[tensor.name], strict=True):
            unknown = [size for size in axis if size.names() - sizes.keys() or size.names() & defined]
            if len(unknown) == 1 and (name := unknown[0].name) is not None and name not in defined:
                rest = prod(size.evaluate(sizes) for size in axis if size is not unknown[0])
                sizes[name] = length if isinstance(rest, int) and rest == 1 else length // rest
    for definition in op.definitions:
        sizes[definition.name] = definition.form.evaluate(sizes)
    return op.output.shape(sizes)


def known_shape(op: Operator, shapes: Mapping[str, tuple[int | None, ...]]) -> tuple[int | None, ...]:
    """As much of the output's shape as follows from lengths that are known, where others are None; judged by nothing.

    >>> from symconv.ops.registry import conv1d
    >>> known_shape(conv1d(stride=2), {"x": (None, 3, 9), "w": (4, 3, 3)})
    (None, 4, 4)
    >>> known_shape(conv1d(stride=2), {"x": (2, None, None), "w": (4, 3, 3)})
    (2, 4, None)
    """
    sizes: dict[str, int] = {}
    defined = {definition.name for definition in op.definitions}
    for tensor in (*op.inputs, *op.inputs):
        for axis, length in zip(tensor.axes, shapes[tensor.name], strict=True):
            unknown = [size for size in axis if size.names() - sizes.keys() or size.names() & defined]
            if length is None or len(unknown) != 1 or (name := unknown[0].name) is None or name in defined:
                continue
            sizes[name] = length // max(1, prod(size.evaluate(sizes) for size in axis if size is not unknown[0]))
    for definition in op.definitions:
        if definition.form.names() <= sizes.keys():
            sizes[definition.name] = definition.form.evaluate(sizes)
    lengths = ((axis, {name for size in axis for name in size.names()}) for axis in op.output.axes)
    return tuple(prod(s.evaluate(sizes) for s in axis) if names <= sizes.keys() else None for axis, names in lengths)


def _check_names(op: Operator, shapes: Mapping[str, tuple[int, ...]]) -> None:
    wanted = ", ".join(describe(tensor) for tensor in op.inputs)
    for tensor in op.inputs:
        if tensor.name not in shapes:
            raise SpecError(f"{op.name}: the shape of {tensor.name} is missing; wanted {wanted}")
        if not isinstance(shapes[tensor.name], tuple | list):
            raise SpecError(
                f"{op.name}: the shape of {tensor.name} is a tuple, {describe(tensor)}; given "
                f"{shown(shapes[tensor.name])}"
            )
        given = tuple(shapes[tensor.name])
        if any(not isinstance(length, int) or not 0 <= length <= _MOST for length in given):
            raise SpecError(
                f"{op.name}: the shape {shown(given)} of {tensor.name} must hold non-negative integers (of 63 bits)"
            )
        if len(given) != len(tensor.axes):
            raise SpecError(
                f"{op.name}: {tensor.name} has {len(given)} axes {shown(given)}, wanted {len(tensor.axes)}: "
                f"{describe(tensor)}"
            )
    if extra := set(shapes) - set(op.tensors):
        raise SpecError(f"{op.name}: there is no tensor {', '.join(sorted(extra))}; wanted {wanted}")


def _solve(op: Operator, tensor: Tensor, shape: tuple[int, ...], sizes: dict[str, int]) -> None:
    defined = {definition.name for definition in op.definitions}
    for axis, length in zip(tensor.axes, shape, strict=True):
        unknown = [size for size in axis if size.names() - sizes.keys() or size.names() & defined]
        if len(unknown) != 1 or (name := unknown[0].name) is None or name in defined:
            continue
        rest = prod(size.evaluate(sizes) for size in axis if size is not unknown[0])
        if rest == 0 or length % rest:
            raise SpecError(
                f"{op.name}: axis {axis_text(axis)} of {tensor.name} has length {length}, which must be "
                f"divisible by {rest}"
            )
        sizes[name] = length // rest


def check_told(op: Operator) -> None:
    """Raise SpecError where an axis is put together of several indices whose sizes no shape tells apart."""
    known = {definition.name for definition in op.definitions}
    axes = [(tensor, axis) for tensor in op.inputs for axis in tensor.axes]
    for _ in range(2):
        for _, axis in axes:
            unknown = [size for size in axis if size.names() - known]
            if len(unknown) == 1 and unknown[0].name is not None:
                known.add(unknown[0].name)
    for tensor, axis in axes:
        if len(untold := sorted({name for size in axis for name in size.names()} - known)) > 1:
            raise SpecError(
                f"{op.name}: no shape tells {' and '.join(untold)} apart in the axes of {describe(tensor)}; say how "
                f"long one of its indices is, {setting('extents', '4', 'c')}"
            )


def _check_extents(op: Operator, shapes: Mapping[str, tuple[int, ...]], sizes: dict[str, int]) -> None:
    for definition in op.definitions:
        if definition.extent and sizes[definition.name] < 1:
            whose = "the output" if _is_output(op, definition.name) else "an axis or a window"
            raise SpecError(
                f"{op.name}: {whose} would be empty: {definition.name} = {definition.form} = "
                f"{sizes[definition.name]}; given {_shapes(shapes)}. Make the input or the padding larger, "
                "or the kernel or the dilation smaller"
            )
    defined = {definition.name for definition in op.definitions}
    for name, value in sizes.items():
        if value < 1 and name != op.batch and name not in defined:
            raise SpecError(f"{op.name}: size {name} is {value}; only the batch may be empty; given {_shapes(shapes)}")


def _counted(op: Operator, shapes: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The shapes, with those of sizes that are given as numbers."""
    sizes = {tensor.name for tensor in op.inputs if tensor.is_size}
    return {k: (n,) if k in sizes and isinstance(n, int) and not isinstance(n, bool) else n for k, n in shapes.items()}


def _is_output(op: Operator, name: str) -> bool:
    return any(name in size.names() for one in op.outputs for size in one.sizes)


def _holds(form: Affine, equality: bool, sizes: Mapping[str, int]) -> bool:
    value = form.evaluate(sizes)
    return value == 0 if equality else value >= 0


def _shapes(shapes: Mapping[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {tuple(shape)}" for name, shape in shapes.items())


def _values(tensor: Tensor, sizes: Mapping[str, int]) -> str:
    names = sorted({name for size in tensor.sizes for name in size.names()})
    return ", ".join(f"{name}={sizes[name]}" for name in names)
