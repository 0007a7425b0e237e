"""Convolutions as TensorFlow and JAX write them: their own order of arguments, layouts, strides and words for pads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from symconv.prove.language.syntax import Binary, Call, Name, Node, Number, Text
from symconv.prove.language.syntax import Tuple as Several
from symconv.prove.language.tokens import Caret
from symconv.prove.language.vocabulary import rank_of

__all__ = ["foreign"]

_NONE = Name("None")
_TF = {"tf", "tensorflow"}
_CONV = ("input", "filters", "strides", "padding", "data_format", "dilations", "name")
_LAX = ("lhs", "rhs", "window_strides", "padding")
_ORDERS: Mapping[str, tuple[str, ...]] = {
    "tf.conv": _CONV,
    "tf.conv_transpose": ("input", "filters", "output_shape", *_CONV[2:]),
    "tf.conv_backprop_input": ("input_sizes", "filters", "out_backprop", *_CONV[2:]),
    "tf.conv_backprop_filter": ("input", "filter_sizes", "out_backprop", *_CONV[2:]),
    "lax.conv": _LAX,
    "lax.conv_general_dilated": (
        *_LAX, "lhs_dilation", "rhs_dilation", "dimension_numbers", "feature_group_count", "batch_group_count",
    ),
    "lax.conv_with_general_padding": (*_LAX, "lhs_dilation", "rhs_dilation"),
    "lax.conv_transpose": _LAX,
}  # fmt: skip
"""Positional arguments by word, without the rank in its name."""
_WANTED = {"tf.conv_backprop_input": 5, "tf.conv_backprop_filter": 5, "lax.conv_with_general_padding": 6}
"""How many of them a library has no default for, where it is not four."""
_CALLED = {"filter": "filters", "stride": "strides", "filter_backprop": "out_backprop", "value": "input"}
_LINEAR = {"linear": ("input", "weight", "bias"), "addmm": ("input", "mat1", "mat2")}
"""Torch's words that are a product of matrices and what is added to it."""
_LAYOUTS = {"NHWC": "NHWC", "NWC": "NHWC", "NDHWC": "NHWC", "NCHW": "NCHW", "NCW": "NCHW", "NCDHW": "NCHW"}


def foreign(path: str, name: str) -> Callable[[Caret, Call], Node] | None:
    """How a call of TensorFlow's or JAX's own words is read; None for words of others.

    >>> from symconv.prove.language.syntax import show
    >>> call = Call("conv2d", (Name("x"), Name("w"), Number(Fraction(2)), Text("VALID")))
    >>> show(foreign("tf.nn", "conv2d")(Caret(""), call))
    'conv2d(x, w, stride=2, layout="NHWC", padding="valid")'
    >>> foreign("F", "conv2d") is None
    True
    """
    parts = path.split(".")
    if name in _LINEAR and path not in {"", "method"}:
        return _linear
    stem = name
    for rank in ("1d", "2d", "3d"):
        stem = stem.replace(f"conv{rank}", "conv")
    stem = "conv" if stem == "convolution" else stem
    library = "tf" if _TF & {*parts} else "lax" if "lax" in parts else ""
    if (key := f"{library}.{stem}") not in _ORDERS:
        return None

    def read(caret: Caret, call: Call) -> Node:
        given = _given(caret, call, _ORDERS[key], _WANTED.get(key, 4))
        return _tensorflow(caret, stem, call, given) if library == "tf" else _lax(caret, stem, call, given)

    return read


def _linear(caret: Caret, call: Call) -> Node:
    order = _LINEAR[call.function]
    given = _given(caret, call, order, 3 if call.function == "addmm" else 2)
    if call.function == "addmm":
        added, left, right = (given.get(name, _NONE) for name in order)
    else:
        left, right, added = given["input"], Call("t", (given["weight"],), (), call.at), given.get("bias", _NONE)
    product = Binary("@", left, right, call.at)
    return product if added == _NONE else Binary("+", product, added, call.at)


def _given(caret: Caret, call: Call, order: tuple[str, ...], wanted: int) -> dict[str, Node]:
    if len(call.arguments) > len(order):
        raise caret.error(call.at, f"{call.function} takes at most {len(order)} arguments: {', '.join(order)}")
    given = dict(zip(order, call.arguments, strict=False))
    for key, value in call.named:
        name = key if key in order else _CALLED.get(key, key)
        if name not in order:
            raise caret.error(call.at, f"{call.function} takes no {key} here; it takes {', '.join(order)}")
        if name in given:
            raise caret.error(call.at, f"{call.function}: {key} is given twice")
        given[name] = value
    found = {name: value for name, value in given.items() if value != _NONE and name != "name"}
    if missing := [name for name in order[:wanted] if name not in found]:
        raise caret.error(call.at, f"{call.function}: {missing[0]} is wanted")
    return found


def _padding(node: Node | None, spatial: slice) -> Node | None:
    """TensorFlow's and JAX's words in small letters; pads of every axis, those of the spatial ones alone."""
    match node:
        case Text(value):
            return Text(value.lower(), node.at)
        case Several(items) if len(items) > 2 and spatial != slice(None):
            return Several(items[spatial], node.at)
    return node


def _tensorflow(caret: Caret, stem: str, call: Call, given: dict[str, Node]) -> Node:
    layout = given.pop("data_format", Text("NHWC"))
    if not isinstance(layout, Text) or layout.value not in _LAYOUTS:
        raise caret.error(call.at, f"{call.function}: data_format is one of {', '.join(_LAYOUTS)}")
    last = _LAYOUTS[layout.value] == "NHWC"
    rank = rank_of(call.function) or 2
    spatial = slice(1, 1 + rank) if last else slice(2, 2 + rank)
    options: dict[str, Node] = {}
    for old, new in (("strides", "stride"), ("dilations", "dilation")):
        node = given.get(old)
        if isinstance(node, Several) and len(node.items) == rank + 2:
            node = Several(node.items[spatial], node.at)
        if node is not None:
            options[new] = node
    pads = _padding(given.get("padding"), spatial)
    if stem == "conv":
        image, filters = given["input"], given["filters"]
        if not last:
            # TensorFlow's filters are laid out alike for both.
            filters = _turned(filters, (rank + 1, rank, *range(rank)))
        named = {**options, "layout": Text("NHWC" if last else "NCHW"), **({"padding": pads} if pads else {})}
        return Call(f"conv{rank}d", (image, filters), tuple(named.items()), call.at)
    return _gradient(caret, stem, call, given, rank, last, tuple(options.items()), pads)


def _gradient(
    caret: Caret, stem: str, call: Call, given: Mapping[str, Node], rank: int, last: bool,
    options: tuple[tuple[str, Node], ...], pads: Node | None,
) -> Node:  # fmt: skip
    """TensorFlow's gradients as torch's, with the arrays turned to channels first and back."""
    if isinstance(pads, Several) or (isinstance(pads, Text) and pads.value != "valid"):
        words = f"conv{rank}d_input(x.shape, w, gy, stride=2, padding=1)"
        raise caret.error(call.at, f'{call.function}: padding is "VALID" here; other pads in torch\'s words, {words}')
    kernel = (rank + 1, rank, *range(rank))
    first = (0, rank + 1, *range(1, rank + 1)) if last else tuple(range(rank + 2))
    back = (0, *range(2, rank + 2), 1) if last else first
    if stem == "conv_backprop_filter":
        arrays = tuple(_turned(given[one], first) for one in ("input", "out_backprop"))
        sizes = _sizes(given["filter_sizes"], kernel)
        made = Call("conv_weight", arrays, (("weight_size", sizes), *options), call.at)
        return _turned(made, (*range(2, rank + 2), 1, 0))
    cotangent = given["input" if stem == "conv_transpose" else "out_backprop"]
    shape = given["output_shape" if stem == "conv_transpose" else "input_sizes"]
    arrays = (_turned(cotangent, first), _turned(given["filters"], kernel))
    return _turned(Call("conv_input", arrays, (("input_size", _sizes(shape, first)), *options), call.at), back)


def _turned(array: Node, axes: tuple[int, ...]) -> Node:
    if axes == tuple(range(len(axes))):
        return array
    return Call("permute", (array, Several(tuple(Number(Fraction(axis)) for axis in axes))))


def _sizes(shape: Node, axes: tuple[int, ...]) -> Node:
    """A shape with its lengths in another order."""
    match shape:
        case Call("shape", (array,)):
            return Call("shape", (_turned(array, axes),), (), shape.at)
        case Several(items) if len(items) == len(axes):
            return Several(tuple(items[axis] for axis in axes), shape.at)
    return shape


def _lax(caret: Caret, stem: str, call: Call, given: dict[str, Node]) -> Node:
    if stem == "conv_transpose":
        raise caret.error(call.at, "lax.conv_transpose lays arrays out in its own way; write conv_general_dilated with "
                          "lhs_dilation, or conv_transpose(gy, w, stride=2, padding=1)")  # fmt: skip
    layout = _dimensions(caret, call, given.pop("dimension_numbers", _NONE))
    groups = given.pop("batch_group_count", Number(Fraction(1)))
    if not isinstance(groups, Number) or groups.value != 1:
        raise caret.error(call.at, f"{call.function}: groups of images are not read")
    image = given["lhs"]
    if "lhs_dilation" in given:
        if layout == "NHWC":
            raise caret.error(call.at, f"{call.function}: lhs_dilation is read with channels first")
        image = Call("dilate", (image, given["lhs_dilation"]), (), call.at)
    options = {"stride": given.get("window_strides"), "padding": _padding(given.get("padding"), slice(None)),
               "dilation": given.get("rhs_dilation"), "groups": given.get("feature_group_count"),
               "layout": Text(layout)}  # fmt: skip
    named = tuple((name, value) for name, value in options.items() if value is not None)
    return Call("conv", (image, given["rhs"]), named, call.at)


def _dimensions(caret: Caret, call: Call, node: Node) -> str:
    """The layout that ``("NCHW", "OIHW", "NCHW")`` says, which is the default."""
    if node == _NONE:
        return "NCHW"
    words = tuple(item.value for item in node.items if isinstance(item, Text)) if isinstance(node, Several) else ()
    if len(words) == 3 and words[0] == words[2] and words[0] in _LAYOUTS:
        layout = _LAYOUTS[words[0]]
        plain = words[0].replace("N", "").replace("C", "")
        if words[1] == (f"OI{plain}" if layout == "NCHW" else f"{plain}IO"):
            return layout
    raise caret.error(call.at, 'dimension_numbers is ("NCHW", "OIHW", "NCHW") or ("NHWC", "HWIO", "NHWC") in a claim')
