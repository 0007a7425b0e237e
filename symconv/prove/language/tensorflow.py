"""Convolutions and their gradients as TensorFlow writes them: its order of arguments, layouts, strides and pads."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from symconv.prove.language.stated import given_to, length_in, rank_in, sizes_in, turned
from symconv.prove.language.syntax import Binary, Call, Node, Number, Text, Tuple
from symconv.prove.language.tokens import Caret

__all__ = ["TENSORFLOW", "from_tensorflow"]

_CONV = ("input", "filters", "strides", "padding", "data_format", "dilations", "name")
_INPUT = ("input_sizes", "filters", "out_backprop", "strides", "padding")
_FILTER = ("input", "filter_sizes", "out_backprop", "strides", "padding")
_REST = ("data_format", "dilations", "name")
TENSORFLOW: Mapping[str, tuple[str, ...]] = {
    "conv": _CONV,
    "conv_transpose": ("input", "filters", "output_shape", *_CONV[2:]),
    "conv_backprop_input": (*_INPUT, "use_cudnn_on_gpu", *_REST),
    "conv_backprop_filter": (*_FILTER, "use_cudnn_on_gpu", *_REST),
    "depthwise_conv": _CONV,
    "depthwise_conv_backprop_input": (*_INPUT, *_REST),
    "depthwise_conv_backprop_filter": (*_FILTER, *_REST),
}
"""Positional arguments by word, without the rank in its name."""
_LAYOUTS = {"NHWC": "NHWC", "NWC": "NHWC", "NDHWC": "NHWC", "NCHW": "NCHW", "NCW": "NCHW", "NCDHW": "NCHW"}
_DEFAULTS = {"conv_transpose": "same", "convolution": "valid"}
"""What stands for a padding that is not given."""
_IMAGES, _FILTERS = ("output_shape", "input_sizes", "input"), ("filter_sizes", "filters")
_SHAPES = {"output_shape", "input_sizes", "filter_sizes"}
"""The arguments that say the shapes of the image and of the filters, or are these arrays."""


def from_tensorflow(stem: str, caret: Caret, call: Call) -> Node:
    """The call in the claim language; raises SpecError where an argument has no meaning there."""
    wanted = 2 if call.function == "convolution" else 5 if "backprop" in stem else 4
    given = given_to(caret, call, TENSORFLOW[stem], wanted)
    layout = given.pop("data_format", Text("NHWC"))
    if not isinstance(layout, Text) or layout.value not in _LAYOUTS:
        raise caret.error(call.at, f"{call.function}: data_format is one of {', '.join(_LAYOUTS)}")
    last = _LAYOUTS[layout.value] == "NHWC"
    rank = rank_in(call.function)
    spatial = slice(1, 1 + rank) if last else slice(2, 2 + rank)
    options: dict[str, Node] = {}
    for old, new in (("strides", "stride"), ("dilations", "dilation")):
        node = given.get(old)
        if isinstance(node, Tuple) and len(node.items) == rank + 2:
            node = Tuple(node.items[spatial], node.at)
        if node is not None:
            options[new] = node
    default = _DEFAULTS.get(stem if stem in _DEFAULTS else call.function)
    pads = _padding(given.get("padding", Text(default) if default else None), spatial)
    if pads is not None:
        options["padding"] = pads
    options |= _groups(stem, given, rank, last)
    if stem == "conv":
        # TensorFlow's filters are laid out alike for both orders.
        filters = given["filters"] if last else turned(given["filters"], (rank + 1, rank, *range(rank)))
        stride = tuple((key, options[key]) for key in ("stride", "dilation", "groups") if key in options)
        ends = tuple((key, options[key]) for key in ("padding",) if key in options)
        named = (*stride, ("layout", Text("NHWC" if last else "NCHW")), *ends)
        return Call(f"conv{rank}d", (given["input"], filters), named, call.at)
    first = (0, rank + 1, *range(1, rank + 1)) if last else tuple(range(rank + 2))
    back = (0, *range(2, rank + 2), 1) if last else first
    reading = _depthwise if stem.startswith("depthwise") else _gradient
    return reading(stem, call, given, first, back, options)


def _groups(stem: str, given: Mapping[str, Node], rank: int, last: bool) -> dict[str, Node]:
    """As many groups as filters would have to lie side by side to have the image's channels, which nobody states.

    Volumes have none: TensorFlow refuses them.
    """
    if rank > 2 or stem.startswith("depthwise"):
        return {}
    image, filters = (next(one for one in names if one in given) for names in (_IMAGES, _FILTERS))
    channels, own = (length_in(given[key] if key in _SHAPES else Call("shape", (given[key],)), axis)
                     for key, axis in ((image, rank + 1 if last else 1), (filters, rank)))  # fmt: skip
    return {} if channels is None or own is None else {"groups": Binary("/", channels, own)}


def _padding(node: Node | None, spatial: slice) -> Node | None:
    """TensorFlow's words in small letters; pads of every axis, those of the spatial ones alone."""
    match node:
        case Text(value):
            return Text(value.lower(), node.at)
        case Tuple(items) if len(items) > 2:
            return Tuple(items[spatial], node.at)
    return node


def _gradient(
    stem: str, call: Call, given: Mapping[str, Node], first: tuple[int, ...], back: tuple[int, ...],
    options: Mapping[str, Node],
) -> Node:  # fmt: skip
    """TensorFlow's gradients as torch's, with the arrays turned to channels first and back."""
    rank = len(first) - 2
    kernel = (rank + 1, rank, *range(rank))
    if stem == "conv_backprop_filter":
        arrays = tuple(turned(given[one], first) for one in ("input", "out_backprop"))
        sizes = sizes_in(given["filter_sizes"], kernel)
        made = Call("conv_weight", arrays, (("weight_size", sizes), *options.items()), call.at)
        return turned(made, (*range(2, rank + 2), 1, 0))
    cotangent = given["input" if stem == "conv_transpose" else "out_backprop"]
    shape = sizes_in(given["output_shape" if stem == "conv_transpose" else "input_sizes"], first)
    arrays = (turned(cotangent, first), turned(given["filters"], kernel))
    return turned(Call("conv_input", arrays, (("input_size", shape), *options.items()), call.at), back)


def _depthwise(
    stem: str, call: Call, given: Mapping[str, Node], first: tuple[int, ...], back: tuple[int, ...],
    options: Mapping[str, Node],
) -> Node:  # fmt: skip
    """A convolution of every channel by filters of its own, ``(KH, KW, C, M)``: one of as many groups."""
    if stem == "depthwise_conv_backprop_filter":
        arrays = tuple(turned(given[one], first) for one in ("input", "out_backprop"))
        named = (("weight_size", given["filter_sizes"]), *options.items())
        return Call("depthwise_weight", arrays, named, call.at)
    filters = given["filters"]
    rows, columns, channels = (Call("size", (filters, Number(Fraction(k)))) for k in range(3))
    apart = turned(filters, (2, 3, 0, 1))
    kernel = Call("reshape", (apart, Tuple((Number(Fraction(-1)), Number(Fraction(1)), rows, columns))))
    named = (*options.items(), ("groups", channels))
    if stem == "depthwise_conv":
        made = Call("conv2d", (turned(given["input"], first), kernel), (*named, ("layout", Text("NCHW"))), call.at)
    else:
        shape = ("input_size", sizes_in(given["input_sizes"], first))
        made = Call("conv_input", (turned(given["out_backprop"], first), kernel), (shape, *named), call.at)
    return turned(made, back)
