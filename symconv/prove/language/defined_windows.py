"""Defined words that show windows: ``x.unfold(2, K, 1)`` of PyTorch, ``sliding_window_view`` of NumPy."""

from __future__ import annotations

from symconv.prove.language.defined import Arguments, Defined, axis_of, number, size, whole_numbers
from symconv.prove.language.defined_places import product_of
from symconv.prove.language.syntax import Call, Node, Number, Sliced, Span, Tuple

__all__ = ["WINDOWS"]


def _slid(array: Node, rank: int, axis: int, length: Node, step: Node) -> Node:
    """The windows along one axis: their number stands there, and what is in them on a new axis at the end."""
    others = [at for at in range(rank) if at != axis]
    lines = Call("permute", (array, Tuple(tuple(map(number, (*others, axis))))))
    sizes = [size(array, at) for at in others]
    flat = Call("reshape", (lines, Tuple((product_of(sizes), number(1), size(array, axis)))))
    columns = Call("unfold", (flat, Tuple((length,))), (("stride", step),))
    apart = Call("reshape", (columns, Tuple((*sizes, length, number(-1)))))
    order = [*range(axis), rank, *range(axis, rank - 1), rank - 1]
    return Call("permute", (apart, Tuple(tuple(map(number, order)))))


def _of_tensor(given: Arguments) -> Node:
    """``x.unfold(dimension, size, step)``."""
    for name, place in (("axes", "a dimension"), ("size", "the length of a window"), ("step", "a step")):
        if name not in given.given:
            raise given.error(given.call.at, f"unfold: {place} is wanted, as in x.unfold(2, K, 1)")
    return _slid(given.arrays[0], given.ranks[0], given.axis(), given.given["size"], given.given["step"])


def _of_views(given: Arguments) -> Node:
    """``sliding_window_view(x, window_shape, axis)``; without an axis there is a window for each one."""
    (result,), (rank,) = given.arrays, given.ranks
    shape = given.given.get("window_shape")
    if shape is None:
        raise given.wrong("the lengths of a window are wanted, as in sliding_window_view(x, K, axis=2)")
    named = given.given.get("axes")
    axes = [axis_of(given, at, rank) for at in whole_numbers(given, named)] if named is not None else [*range(rank)]
    lengths = _lengths(shape, len(axes))
    if len(axes) != len(lengths):
        raise given.wrong(f"{len(lengths)} lengths for {len(axes)} axes")
    for more, (axis, length) in enumerate(zip(axes, lengths, strict=True)):
        result = _slid(result, rank + more, axis, length, number(1))
    return result


def _lengths(shape: Node, count: int) -> tuple[Node, ...]:
    """The lengths of a window, those of ``w.shape[2:]`` too."""
    match shape:
        case Tuple(items):
            return items
        case Sliced(Call("shape", (array,)), (Span(Number(first), None, None),)):
            return tuple(size(array, int(first) + at) for at in range(count))
    return (shape,)


WINDOWS = {
    "sliding_window_view": Defined("sliding_window_view(a, K, axis=2)", 1, ("window_shape", "axes"), _of_views),
    "tensor_unfold": Defined("a.unfold(2, K, 1)", 1, ("axes", "size", "step"), _of_tensor),
}
