"""Convolutions as JAX writes them: any order of axes, dilation of both sides, transposes that are convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from symconv.prove.language.stated import given_to, turned
from symconv.prove.language.syntax import Binary, Call, Name, Node, Number, Text, Tuple
from symconv.prove.language.tokens import Caret

__all__ = ["LAX", "from_jax"]

_FIRST = ("lhs", "rhs", "window_strides", "padding")
_TYPES = ("precision", "preferred_element_type")
LAX: Mapping[str, tuple[str, ...]] = {
    "conv": (*_FIRST, *_TYPES),
    "conv_general_dilated": (
        *_FIRST, "lhs_dilation", "rhs_dilation", "dimension_numbers", "feature_group_count", "batch_group_count",
        *_TYPES,
    ),
    "conv_with_general_padding": (*_FIRST, "lhs_dilation", "rhs_dilation", *_TYPES),
    "conv_transpose": (
        "lhs", "rhs", "strides", "padding", "rhs_dilation", "dimension_numbers", "transpose_kernel", *_TYPES,
        "use_consistent_padding",
    ),
}  # fmt: skip
"""Positional arguments by word."""
_PLAIN = {"NCW": "NCHW", "NCHW": "NCHW", "NCDHW": "NCHW", "NWC": "NHWC", "NHWC": "NHWC", "NDHWC": "NHWC"}
_TRANSPOSED = {3: ("NHC", "HIO", "NHC"), 4: ("NHWC", "HWIO", "NHWC"), 5: ("NHWDC", "HWDIO", "NHWDC")}
"""The orders of axes that ``lax.conv_transpose`` takes without being told."""
_FLAGS = {Name("True"): True, Name("False"): False}


@dataclass(frozen=True, slots=True)
class _Orders:
    """Where batch (or filters), channels and spatial axes lie in the image, the filters and the result."""

    image: tuple[int, ...]
    filters: tuple[int, ...]
    result: tuple[int, ...]
    layout: str

    @property
    def back(self) -> tuple[int, ...]:
        """The axes of the result in its own order."""
        return tuple(self.result.index(k) for k in range(len(self.result)))


def from_jax(stem: str, caret: Caret, call: Call) -> Node:
    """The call in the claim language; raises SpecError where an argument has no meaning there."""
    given = given_to(caret, call, LAX[stem], 6 if stem == "conv_with_general_padding" else 4)
    if stem == "conv_transpose":
        return _transposed(caret, call, given)
    groups = given.get("batch_group_count", _number(1))
    if groups != _number(1):
        raise caret.error(call.at, f"{call.function}: groups of images are not read")
    if "lhs_dilation" in given and isinstance(given["padding"], Text) and given["padding"].value.upper() != "VALID":
        raise caret.error(call.at, f"{call.function}: with lhs_dilation JAX takes pads as numbers, or 'VALID'")
    return _slid(call, _orders(caret, call, given), given["lhs"], given["rhs"], given)


def _slid(call: Call, orders: _Orders, image: Node, filters: Node, given: Mapping[str, Node]) -> Node:
    rank = len(orders.image) - 2
    steps = given.get("lhs_dilation")
    layout = orders.layout if orders.layout == "NCHW" or steps is None else ""
    if not layout:
        image, filters = turned(image, orders.image), turned(filters, orders.filters)
    if steps is not None:
        axes = Tuple(tuple(_number(k) for k in range(2, rank + 2)))
        image = Call("dilate", (image, steps), (("axes", axes),), call.at)
    padding = given["padding"]
    options = {"stride": given.get("window_strides"), "dilation": given.get("rhs_dilation"),
               "padding": Text(padding.value.lower(), padding.at) if isinstance(padding, Text) else padding,
               "groups": given.get("feature_group_count"), "layout": Text(layout or "NCHW")}  # fmt: skip
    named = tuple((name, value) for name, value in options.items() if value is not None)
    made = Call("conv" if layout else f"conv{rank}d", (image, filters), named, call.at)
    return made if layout else turned(made, orders.back)


def _transposed(caret: Caret, call: Call, given: Mapping[str, Node]) -> Node:
    """A convolution of the image with zeros between its elements, by the filters or, as stated, by them backwards."""
    orders = _orders(caret, call, given, True)
    rank = len(orders.image) - 2
    filters = turned(given["rhs"], orders.filters)
    if _flag(caret, call, given, "transpose_kernel"):
        spatial = Tuple(tuple(_number(k) for k in range(2, rank + 2)))
        filters = turned(Call("flip", (filters, spatial)), (1, 0, *range(2, rank + 2)))
    pads = _pads(caret, call, given, [Call("size", (given["rhs"], _number(k))) for k in orders.filters[2:]])
    stated = {
        "lhs_dilation": given["strides"],
        "padding": pads,
        **{k: v for k, v in given.items() if k == "rhs_dilation"},
    }
    image = turned(given["lhs"], orders.image)
    plain = _Orders(*(tuple(range(rank + 2)),) * 3, "NCHW")
    return turned(_slid(call, plain, image, filters, stated), orders.back)


def _pads(caret: Caret, call: Call, given: Mapping[str, Node], taps: list[Node]) -> Node:
    """The pads of the dilated image: from the words of the forward convolution, or as they are stated."""
    padding = given["padding"]
    consistent = _flag(caret, call, given, "use_consistent_padding")
    if isinstance(padding, Text) and padding.value not in {"SAME", "VALID"}:
        raise caret.error(call.at, f"{call.function}: padding is 'SAME', 'VALID' or a pair for each axis")
    if not isinstance(padding, Text) and not consistent:
        return padding
    return Tuple(tuple(_pair(_entry(given["strides"], k), _reach(given, k, size), _entry(padding, k))
                       for k, size in enumerate(taps)))  # fmt: skip


def _reach(given: Mapping[str, Node], axis: int, taps: Node) -> Node:
    """The cells from the first tap to the last, without the first."""
    dilation = _entry(given.get("rhs_dilation", _number(1)), axis)
    return Binary("*", dilation, Binary("-", taps, _number(1)))


def _pair(stride: Node, reach: Node, padding: Node) -> Node:
    """The pads on both sides of one axis, as ``jax.lax`` has them for a window that reaches over so many cells."""
    match padding:
        case Text("SAME"):
            total = Binary("-", Binary("+", reach, stride), _number(1))
            low: Node = Call("minimum", (reach, Binary("//", Binary("+", reach, stride), _number(2))))
            return Tuple((low, Binary("-", total, low)))
        case Text("VALID"):
            longer = Call("maximum", (Binary("-", Binary("+", reach, _number(1)), stride), _number(0)))
            return Tuple((reach, Binary("+", Binary("-", stride, _number(1)), longer)))
        case Tuple((lo, hi)):
            return Tuple((Binary("-", reach, lo), Binary("-", reach, hi)))
    return Binary("-", reach, padding)


def _entry(node: Node, axis: int) -> Node:
    return node.items[axis] if isinstance(node, Tuple) and axis < len(node.items) else node


def _flag(caret: Caret, call: Call, given: Mapping[str, Node], name: str) -> bool:
    found = given.get(name, Name("False"))
    for node, value in _FLAGS.items():
        if found == node:
            return value
    raise caret.error(call.at, f"{call.function}: {name} is True or False")


def _number(value: int) -> Number:
    return Number(Fraction(value))


def _orders(caret: Caret, call: Call, given: Mapping[str, Node], transposed: bool = False) -> _Orders:
    """The orders of axes that ``("NHWC", "HWIO", "NHWC")`` says."""
    node = given.get("dimension_numbers")
    lists = (given.get(key) for key in ("strides", "window_strides", "lhs_dilation", "rhs_dilation", "padding"))
    rank = next((len(one.items) for one in lists if isinstance(one, Tuple)), 2)
    if rank + 2 not in _TRANSPOSED:
        raise caret.error(call.at, f"{call.function}: one to three spatial axes are read; given numbers for {rank}")
    if node is None and not transposed:
        return _Orders(*(tuple(range(rank + 2)),) * 3, "NCHW")
    words = tuple(item.value for item in node.items if isinstance(item, Text)) if isinstance(node, Tuple) else ()
    if node is None:
        words = _TRANSPOSED[rank + 2]
    spatial = "".join(letter for letter in words[1] if letter not in "OI") if len(words) == 3 else ""
    found = [tuple(word.find(letter) for letter in lead + spatial)
             for word, lead in zip(words, ("NC", "OI", "NC"), strict=False)]  # fmt: skip
    if not spatial or any(sorted(one) != list(range(len(word))) for one, word in zip(found, words, strict=True)):
        raise caret.error(call.at, "dimension_numbers is three orders of axes, such as ('NHWC', 'HWIO', 'NHWC')")
    layout = _PLAIN.get(words[0], "") if words[0] == words[2] else ""
    if words[1] != {"NCHW": f"OI{spatial}", "NHWC": f"{spatial}IO"}.get(layout):
        layout = ""
    return _Orders(found[0], found[1], found[2], layout)
