"""Torch's gradients of convolutions, ``torch.nn.grad.conv2d_input`` and ``conv2d_weight``, in the core's words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from symconv.limits import WRITTEN_GROUPS
from symconv.prove.language.defined import Arguments, Defined, number, size
from symconv.prove.language.syntax import Binary, Call, Name, Node, Number, Sliced, Span, Text, Tuple
from symconv.prove.language.vocabulary import rank_of

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


def _sum(*nodes: Node) -> Node:
    return reduce(lambda a, b: Binary("+", a, b), nodes)


def _pads(given: Arguments, axis: int, length: Node, taps: Node) -> tuple[Node, Node]:
    """The pads of a convolution on one axis: as given, or as SAME has them for length/stride windows."""
    padding, stride = _option(given, "padding"), _entry(_option(given, "stride"), axis)
    match padding:
        case Text("valid"):
            return number(0), number(0)
        case Text("same"):
            last = Binary("*", Binary("//", Binary("-", length, number(1)), stride), stride)
            reach = Binary("*", _entry(_option(given, "dilation"), axis), Binary("-", taps, number(1)))
            short = Binary("-", _sum(last, reach, number(1)), length)
            total = Call("maximum", (short, number(0)))
            low = Binary("//", total, number(2))
            return low, Binary("-", total, low)
        case Text():
            raise given.wrong('padding is "same", "valid" or numbers')
    one = _entry(padding, axis)
    return one.items[:2] if isinstance(one, Tuple) and len(one.items) == 2 else (one, one)


def _slide(given: Arguments, axis: int, length: Node, taps: Node) -> tuple[tuple[Node, Node], Node, Node]:
    """The pads of one axis, the number of windows on it, and the cells that no window reaches."""
    stride, dilation = (_entry(_option(given, name), axis) for name in ("stride", "dilation"))
    pads = _pads(given, axis, length, taps)
    reach = Binary("*", dilation, Binary("-", taps, number(1)))
    room = Binary("-", Binary("-", _sum(length, *pads), reach), number(1))
    return pads, Binary("+", Binary("//", room, stride), number(1)), Binary("%", room, stride)


def _by_input(given: Arguments) -> Node:
    cotangent, weight = given.arrays
    slides = [
        _slide(given, axis, _length(given, "input_size", axis + 2), size(weight, axis + 2))
        for axis in range(given.ranks[0] - 2)
    ]
    pads = Tuple(tuple(Tuple(pair) for pair, _, _ in slides))
    rest = Tuple(tuple(left for _, _, left in slides))
    options = (*_options(given, "stride", "dilation", "groups"), ("padding", pads), ("output_padding", rest), _FIRST)
    return Call(_word("conv_transpose", given), (_sized(cotangent, slides), weight), options)


def _word(stem: str, given: Arguments) -> str:
    """The word for as many spatial axes as the arrays have: the operator, which may cut axes into parts, has others."""
    rank = rank_of(given.call.function) or given.ranks[0] - 2
    return f"{stem}{rank}d" if 1 <= rank <= 3 else stem


def _sized(cotangent: Node, slides: Sequence[tuple[object, Node, object]]) -> Node:
    """The cotangent where it has an element for each window; other sizes are refused, as the libraries do."""
    return Call("sized", (cotangent, Tuple((Name("None"), Name("None"), *(count for _, count, _ in slides)))))


def _by_weight(given: Arguments) -> Node:
    match _option(given, "groups"):
        case Number(value) if 1 <= value <= WRITTEN_GROUPS and value.denominator == 1:
            count = int(value)
        case Binary("/") as implied:
            count = given.count(implied)
        case Number():
            raise given.wrong(f"groups is written as a number from 1 to {WRITTEN_GROUPS} here, or as a size")
        case groups:
            return _by_weight_of_groups(given, groups)
    parts = [_one_group(given, group, count) for group in range(count)]
    return parts[0] if len(parts) == 1 else Call("concatenate", (Tuple(tuple(parts)),), (("axis", number(0)),))


def _one_group(given: Arguments, group: int, count: int) -> Node:
    """The gradient of the filters of one group: a convolution with batch and channels exchanged."""
    whole_image, whole = given.arrays
    slides = [
        _slide(given, axis, size(whole_image, axis + 2), _length(given, "weight_size", axis + 2))
        for axis in range(given.ranks[0] - 2)
    ]
    image = _channels(whole_image, whole_image, group, count)
    cotangent = _channels(_sized(whole, slides), whole, group, count)
    swapped = [Call("swap", (array, number(0), number(1))) for array in (image, cotangent)]
    pads = Tuple(tuple(Tuple(pair) for pair, _, _ in slides))
    options = [("padding", pads), ("stride", _option(given, "dilation")),
               ("dilation", _option(given, "stride")), _FIRST]  # fmt: skip
    found = Call("swap", (Call(_word("conv", given), tuple(swapped), tuple(options)), number(0), number(1)))
    taps = (Span(None, _length(given, "weight_size", axis)) for axis in range(2, given.ranks[0]))
    return Sliced(found, (Span(), Span(), *taps))


def _by_weight_of_groups(given: Arguments, groups: Node) -> Node:
    """As many groups as a size says: windows times cotangents, group by group."""
    image, whole = given.arrays
    lengths = [_length(given, "weight_size", axis) for axis in range(given.ranks[0])]
    slides = [_slide(given, axis, size(image, axis + 2), taps) for axis, taps in enumerate(lengths[2:])]
    pads = Tuple(tuple(Tuple(pair) for pair, _, _ in slides))
    options = (*_options(given, "stride", "dilation"), ("padding", pads))
    columns = Call("unfold", (image, Tuple(tuple(lengths[2:]))), options)
    places = [size(whole, axis + 2) for axis in range(len(slides))]
    windows = Call("reshape", (columns, Tuple((size(image, 0), groups, *lengths[1:], *places))))
    cotangent = Call("reshape", (_sized(whole, slides), Tuple((size(image, 0), groups, number(-1), *places))))
    taps, at = "pqr"[: len(slides)], "uvw"[: len(slides)]
    found = Call("exact_einsum", (Text(f"ngc{taps}{at},ngf{at}->gfc{taps}"), windows, cotangent))
    return Call("reshape", (found, Tuple(tuple(lengths))))


def _channels(array: Node, whole: Node, group: int, count: int) -> Node:
    if count == 1:
        return array
    each = Binary("//", size(whole, 1), number(count))
    return Sliced(array, (Span(), Span(Binary("*", number(group), each), Binary("*", number(group + 1), each))))


def _by_depthwise_weight(given: Arguments) -> Node:
    """The gradient of filters ``(KH, KW, C, M)``, each of one channel: windows times cotangents, channel by channel."""
    image, whole = given.arrays
    taps = [_length(given, "weight_size", axis) for axis in range(2)]
    channels, each = (_length(given, "weight_size", axis) for axis in (2, 3))
    slides = [_slide(given, axis, size(image, axis + 2), taps[axis]) for axis in range(2)]
    pads = Tuple(tuple(Tuple(pair) for pair, _, _ in slides))
    options = (*_options(given, "stride", "dilation"), ("padding", pads))
    columns = Call("unfold", (image, Tuple(tuple(taps))), options)
    windows = Call("reshape", (columns, Tuple((size(image, 0), channels, *taps, number(-1)))))
    wide = Tuple((size(image, 0), channels, each, number(-1)))
    cotangent = Call("reshape", (_sized(whole, slides), wide))
    return Call("exact_einsum", (Text("ncpql,ncml->pqcm"), windows, cotangent))


GRADIENTS = {
    "conv_input": Defined("torch.nn.grad.conv2d_input(x.shape, w, gy, stride=1, padding=0)", 2,
                          ("input_size", *_WINDOW), _by_input),
    "conv_weight": Defined("torch.nn.grad.conv2d_weight(x, w.shape, gy, stride=1, padding=0)", 2,
                           ("weight_size", *_WINDOW), _by_weight),
    "depthwise_weight": Defined("tf.compat.v1.nn.depthwise_conv2d_native_backprop_filter(x, w.shape, gy, s, 'SAME')",
                                2, ("weight_size", *_WINDOW[:3]), _by_depthwise_weight),
}  # fmt: skip
