"""Torch's gradients of convolutions, ``torch.nn.grad.conv2d_input`` and ``conv2d_weight``, in the core's words."""

from __future__ import annotations

from symconv.limits import WRITTEN_GROUPS
from symconv.prove.language.defined import Arguments, Defined, number, size
from symconv.prove.language.syntax import Binary, Call, Node, Number, Sliced, Span, Text, Tuple

__all__ = ["GRADIENTS"]

_WINDOW = ("stride", "padding", "dilation", "groups")
_FIRST = ("layout", Text("NCHW"))
"""Torch has channels first, whatever the operator has."""


def _entry(node: Node, axis: int) -> Node:
    """What an option says of one axis."""
    return node.items[axis] if isinstance(node, Tuple) and axis < len(node.items) else node


def _length(given: Arguments, name: str, axis: int) -> Node:
    """One length of a list of them, as ``x.shape`` or ``(N, C, H, W)``."""
    match given.given.get(name):
        case Tuple(items) if axis < len(items):
            return items[axis]
        case Call("shape", (array,)):
            return size(array, axis)
    raise given.wrong(f"{name} is a shape: x.shape, or a length for each axis")


def _option(given: Arguments, name: str) -> Node:
    return given.given.get(name, number(0 if name == "padding" else 1))


def _options(given: Arguments, *names: str) -> tuple[tuple[str, Node], ...]:
    return tuple((name, given.given[name]) for name in names if name in given.given)


def _by_input(given: Arguments) -> Node:
    cotangent, weight = given.arrays
    rest: list[Node] = []
    for axis in range(given.ranks[0] - 2):
        stride, padding, dilation = (_entry(_option(given, name), axis) for name in _WINDOW[:3])
        steps = Binary("*", Binary("-", size(cotangent, axis + 2), number(1)), stride)
        reach = Binary("*", dilation, Binary("-", size(weight, axis + 2), number(1)))
        grown = Binary("+", Binary("-", Binary("+", steps, reach), Binary("*", number(2), padding)), number(1))
        rest.append(Binary("-", _length(given, "input_size", axis + 2), grown))
    options = (*_options(given, *_WINDOW), ("output_padding", Tuple(tuple(rest))), _FIRST)
    return Call("conv_transpose", (cotangent, weight), options)


def _by_weight(given: Arguments) -> Node:
    count = _option(given, "groups")
    if not isinstance(count, Number) or not 1 <= count.value <= WRITTEN_GROUPS or count.value.denominator != 1:
        raise given.wrong(f"groups is written as a number from 1 to {WRITTEN_GROUPS} here")
    parts = [_one_group(given, group, int(count.value)) for group in range(int(count.value))]
    return parts[0] if len(parts) == 1 else Call("concatenate", (Tuple(tuple(parts)),), (("axis", number(0)),))


def _one_group(given: Arguments, group: int, count: int) -> Node:
    """The gradient of the filters of one group: a convolution with batch and channels exchanged."""
    image, cotangent = (_channels(array, group, count) for array in given.arrays)
    swapped = [Call("swap", (array, number(0), number(1))) for array in (image, cotangent)]
    options = [("padding", _option(given, "padding")), ("stride", _option(given, "dilation")),
               ("dilation", _option(given, "stride")), _FIRST]  # fmt: skip
    whole = Call("swap", (Call("conv", tuple(swapped), tuple(options)), number(0), number(1)))
    taps = (Span(None, _length(given, "weight_size", axis)) for axis in range(2, given.ranks[0]))
    return Sliced(whole, (Span(), Span(), *taps))


def _channels(array: Node, group: int, count: int) -> Node:
    if count == 1:
        return array
    each = Binary("//", size(array, 1), number(count))
    return Sliced(array, (Span(), Span(Binary("*", number(group), each), Binary("*", number(group + 1), each))))


GRADIENTS = {
    "conv_input": Defined("torch.nn.grad.conv2d_input(x.shape, w, gy, stride=1, padding=0)", 2,
                          ("input_size", *_WINDOW), _by_input),
    "conv_weight": Defined("torch.nn.grad.conv2d_weight(x, w.shape, gy, stride=1, padding=0)", 2,
                           ("weight_size", *_WINDOW), _by_weight),
}  # fmt: skip
