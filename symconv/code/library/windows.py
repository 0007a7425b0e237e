"""Words that slide windows: convolutions of each library and the functions that libraries have for their gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symconv.code.held.boxes import array_of, boxed
from symconv.code.held.numbers import integer
from symconv.code.held.sequences import sequence
from symconv.code.held.state import State, whole_plan
from symconv.code.library.convolutions import implied_groups
from symconv.code.library.given import Given, Word
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number
from symconv.code.values.objects import Box
from symconv.notation.affine import Affine, affine
from symconv.notation.expr import nonnegative

__all__ = ["WINDOWS"]

_OPTIONS = ("stride", "padding", "dilation", "groups", "output_padding")


def _rank(state: State, name: str, array: Any) -> int:
    stated = next((int(name[k]) for k in range(len(name) - 1) if name[k] in "123" and name[k + 1] == "d"), 0)
    if stated and state.on.rank(array) != stated + 2:
        raise state.error(f"{name} wants arrays of {stated + 2} axes; given {state.on.rank(array)}")
    return stated or state.on.rank(array) - 2


def _options(g: Given, *names: str) -> dict[str, Any]:
    return {name: _option(g[name]) for name in names or _OPTIONS if g.get(name) is not None}


def _option(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return _option(value[0]) if len(value) == 1 else tuple(_option(one) for one in value)
    return value


def _with_bias(state: State, value: Any, bias: Any, rank: int) -> Any:
    if bias is None:
        return value
    row = state.on.pick(array_of(state, bias), (*whole_plan(state, array_of(state, bias)), *((None,) * rank)))
    return state.on.elementwise("+", value, row)


def _conv(state: State, g: Given, name: str) -> Box:
    a, k = array_of(state, g["input"]), array_of(state, g["weight"])
    rank = _rank(state, name, a)
    word = f"{'conv_transpose' if 'transpose' in name else 'conv'}{rank}d"
    for pad in [] if isinstance(g.get("padding"), str) else _per_axis(state, g.get("padding"), rank, 0):
        state.on.require(nonnegative(pad), f"a padding of {pad}, where PyTorch takes no negative one")
    value = state.on.word(word, [a, k], {**_options(g), "layout": "NCHW"})
    return boxed(state, _with_bias(state, value, g.get("bias"), rank))


def _per_axis(state: State, value: Any, rank: int, default: int) -> list[Affine]:
    if value is None:
        return [affine(default)] * rank
    if isinstance(value, str):
        if value.lower() == "valid":
            return [affine(0)] * rank
        raise Outside(f"padding {value!r} of a gradient", state.line)
    items = [value] * rank if is_number(value) else list(value)
    items = items * rank if len(items) == 1 else items
    if len(items) != rank:
        raise state.error(f"{len(items)} values; there are {rank} axes")
    return [integer(state, one, "an option") for one in items]


def _conv_gradient(state: State, g: Given, name: str) -> Box:
    """Torch's gradient in the input or in the weight, which want a cotangent of exactly the size that they say."""
    by_input = name.endswith("input")
    arrays = [array_of(state, g[one]) for one in (("grad_output", "weight") if by_input else ("input", "grad_output"))]
    rank = _rank(state, name, arrays[0])
    size = "input_size" if by_input else "weight_size"
    for key in ("stride", "dilation", "padding"):
        _per_axis(state, g.get(key), rank, 1)
    if g.get("groups") is not None:
        integer(state, g["groups"], "the number of groups")
    lengths = tuple(integer(state, one, "a length") for one in sequence(state, g[size]))
    options = {size: lengths, **_options(g, "stride", "padding", "dilation", "groups")}
    return boxed(state, state.on.word(f"conv{rank}d_{'input' if by_input else 'weight'}", arrays, options))


def _torch_word(state: State, g: Given, name: str) -> Box:
    """What a claim's word of the same name means, with the same options."""
    for key, value in g.items():
        if key != "input" and isinstance(value, Box):
            raise state.error(f"{key} of {name} is wanted as a number; given an array")
    options = {key.replace("upscale_", "").replace("downscale_", ""): _option(value)
               for key, value in g.items() if key != "input" and value is not None}  # fmt: skip
    return boxed(state, state.on.word(name, [array_of(state, g["input"])], options))


# -- TensorFlow and JAX
def _spatial(value: Any, order: str) -> Any:
    """The options of the spatial axes, from one per axis of the array."""
    if isinstance(value, tuple | list):
        items = list(value)
        if len(items) == len(order):
            items = [one for one, letter in zip(items, order, strict=True) if letter not in "NC"]
        return tuple(items)
    return value


def _layout(state: State, g: Given, rank: int) -> str:
    text = g.get("data_format") or "NHWC"
    if not isinstance(text, str):
        raise state.error("data_format is a text")
    return "NCHW" if text.upper().startswith("NC") else "NHWC"


def _tf_options(state: State, g: Given, rank: int) -> dict[str, Any]:
    order = "NC" + "SSS"[:rank] if _layout(state, g, rank) == "NCHW" else "N" + "SSS"[:rank] + "C"
    found: dict[str, Any] = {"layout": "NHWC"}
    for ours, theirs in (("stride", "strides"), ("dilation", "dilations"), ("padding", "padding")):
        if g.get(theirs) is not None:
            found[ours] = _spatial(g[theirs], order)
    if not isinstance(found.get("padding"), str | None):
        found["padding"] = tuple(tuple(pair) if isinstance(pair, list) else pair for pair in found["padding"])
    return found


def _last(state: State, g: Given, array: Any, rank: int) -> Any:
    """The array with its channels last."""
    if _layout(state, g, rank) == "NHWC":
        return array
    return state.on.permute(array, [0, *range(2, rank + 2), 1])


def _first(state: State, g: Given, array: Any, rank: int) -> Any:
    if _layout(state, g, rank) == "NHWC":
        return array
    return state.on.permute(array, [0, rank + 1, *range(1, rank + 1)])


def _tf_conv(state: State, g: Given, name: str) -> Box:
    a, k = array_of(state, g["input"]), array_of(state, g["filters"])
    rank = _rank(state, name, a)
    if state.on.rank(k) != rank + 2:
        raise state.error(f"{name} wants filters of {rank + 2} axes; given {state.on.rank(k)}")
    image = _last(state, g, a, rank)
    lengths = [integer(state, state.on.size(*one), "a length") for one in ((image, rank + 1), (k, rank))]
    options = {**_tf_options(state, g, rank), **implied_groups(state, rank, *lengths)}
    value = state.on.word(f"conv{rank}d", [image, k], options)
    return boxed(state, _first(state, g, value, rank))


# -- windows as columns, SciPy
def _unfold(state: State, g: Given, name: str) -> Any:
    array = array_of(state, g["input"])
    options = _options(g, "stride", "padding", "dilation")
    if name == "fold":
        return boxed(state, state.on.word("fold", [array, _pair(g["output_size"]), _pair(g["kernel_size"])], options))
    return boxed(state, state.on.word("unfold", [array, _pair(g["kernel_size"])], options))


def _pair(value: Any) -> Any:
    return (value, value) if is_number(value) else tuple(value)


def _scipy(state: State, g: Given, name: str) -> Box:
    if g.get("boundary", "fill") != "fill" or g.get("fillvalue", affine(0)) != affine(0):
        raise Outside(f"{name} with another boundary", state.line)
    word = "correlate" if "correlate" in name else "convolve"
    a, b = array_of(state, g["in1"]), array_of(state, g["in2"])
    if name.endswith("2d"):
        _of_axes(state, name, 2, (a, b))
    return boxed(state, _slid(state, word, a, b, g.get("mode", "full")))


def _of_axes(state: State, name: str, wanted: int, arrays: Sequence[Any]) -> None:
    """Raises an error for arrays of other ranks, which NumPy and SciPy refuse there."""
    for one in arrays:
        if (rank := state.on.rank(one)) != wanted:
            raise state.error(f"{name} wants arrays of {wanted} {'axis' if wanted == 1 else 'axes'}; given {rank} axes")


def _np_scipy(state: State, g: Given, name: str) -> Box:
    mode = g.get("mode", "valid" if name == "correlate" else "full")
    a, b = array_of(state, g["in1"]), array_of(state, g["in2"])
    _of_axes(state, name, 1, (a, b))
    if mode == "same":
        # NumPy's has the length of the longer one, SciPy's that of the first.
        first, second = (integer(state, state.on.size(one, 0), "a length") for one in (a, b))
        if state.on.decide(nonnegative(second - first - 1)):
            if name == "correlate":
                raise Outside("correlate with mode same and a longer second array", state.line)
            a, b = b, a
    return boxed(state, _slid(state, name, a, b, mode))


def _slid(state: State, word: str, a: Any, b: Any, mode: Any) -> Any:
    """A convolution in a mode; of the second array along the first where that one is the larger and only it fits."""
    rank = state.on.rank(a)
    if mode == "valid" and state.on.rank(b) == rank:
        pairs = [[integer(state, state.on.size(one, k), "a length") for one in (a, b)] for k in range(rank)]
        # Asked so that a no is the likely half: that is the one a forward function is taken for.
        longer = any(state.on.decide(nonnegative(y - x - 1)) for x, y in pairs)
        if longer and all(state.on.decide(nonnegative(y - x)) for x, y in pairs):
            found = state.on.word(word, [b, a], {"mode": mode})
            return state.on.flip(found, range(rank)) if word == "correlate" else found
    return state.on.word(word, [a, b], {"mode": mode})


WINDOWS: dict[str, Word] = {
    "conv": _conv, "conv_transpose": _conv, "conv_input": _conv_gradient, "conv_weight": _conv_gradient,
    "tf_conv": _tf_conv, "torch_word": _torch_word,
    "unfold": _unfold, "fold": _unfold, "scipy": _scipy, "np_scipy": _np_scipy,
}  # fmt: skip
