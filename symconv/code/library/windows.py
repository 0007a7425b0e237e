"""Words that slide windows: convolutions of each library and the functions that libraries have for their gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number
from symconv.code.values.objects import Box
from symconv.notation.affine import Affine, affine
from symconv.notation.expr import nonnegative

if TYPE_CHECKING:
    from symconv.code.reading.calls import Calls as Reader
else:
    Reader = Any

__all__ = ["WINDOWS"]

Given = Mapping[str, Any]
_OPTIONS = ("stride", "padding", "dilation", "groups", "output_padding")


def _rank(r: Reader, name: str, array: Any) -> int:
    stated = next((int(name[k]) for k in range(len(name) - 1) if name[k] in "123" and name[k + 1] == "d"), 0)
    if stated and r.on.rank(array) != stated + 2:
        raise r.error(f"{name} wants arrays of {stated + 2} axes; given {r.on.rank(array)}")
    return stated or r.on.rank(array) - 2


def _options(g: Given, *names: str) -> dict[str, Any]:
    return {name: _option(g[name]) for name in names or _OPTIONS if g.get(name) is not None}


def _option(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return _option(value[0]) if len(value) == 1 else tuple(_option(one) for one in value)
    return value


def _with_bias(r: Reader, value: Any, bias: Any, rank: int) -> Any:
    if bias is None:
        return value
    row = r.on.pick(r.array(bias), (*r.whole_plan(r.array(bias)), *((None,) * rank)))
    return r.on.elementwise("+", value, row)


def _conv(r: Reader, g: Given, name: str) -> Box:
    a, k = r.array(g["input"]), r.array(g["weight"])
    rank = _rank(r, name, a)
    word = f"{'conv_transpose' if 'transpose' in name else 'conv'}{rank}d"
    value = r.on.word(word, [a, k], {**_options(g), "layout": "NCHW"})
    return r.boxed(_with_bias(r, value, g.get("bias"), rank))


def _per_axis(r: Reader, value: Any, rank: int, default: int) -> list[Affine]:
    if value is None:
        return [affine(default)] * rank
    if isinstance(value, str):
        if value.lower() == "valid":
            return [affine(0)] * rank
        raise Outside(f"padding {value!r} of a gradient", r.line)
    items = [value] * rank if is_number(value) else list(value)
    items = items * rank if len(items) == 1 else items
    if len(items) != rank:
        raise r.error(f"{len(items)} values; there are {rank} axes")
    return [r.integer(one, "an option") for one in items]


def _conv_gradient(r: Reader, g: Given, name: str) -> Box:
    """Torch's gradient in the input or in the weight, which want a cotangent of exactly the size that they say."""
    by_input = name.endswith("input")
    arrays = [r.array(g[one]) for one in (("grad_output", "weight") if by_input else ("input", "grad_output"))]
    rank = _rank(r, name, arrays[0])
    size = "input_size" if by_input else "weight_size"
    for key in ("stride", "dilation", "padding"):
        _per_axis(r, g.get(key), rank, 1)
    if g.get("groups") is not None:
        r.constant(g["groups"], "the number of groups")
    lengths = tuple(r.integer(one, "a length") for one in r.sequence(g[size]))
    options = {size: lengths, **_options(g, "stride", "padding", "dilation", "groups")}
    return r.boxed(r.on.word(f"conv{rank}d_{'input' if by_input else 'weight'}", arrays, options))


# -- TensorFlow and JAX
def _spatial(value: Any, order: str) -> Any:
    """The options of the spatial axes, from one per axis of the array."""
    if isinstance(value, tuple | list):
        items = list(value)
        if len(items) == len(order):
            items = [one for one, letter in zip(items, order, strict=True) if letter not in "NC"]
        return tuple(items)
    return value


def _layout(r: Reader, g: Given, rank: int) -> str:
    text = g.get("data_format") or "NHWC"
    if not isinstance(text, str):
        raise r.error("data_format is a text")
    return "NCHW" if text.upper().startswith("NC") else "NHWC"


def _tf_options(r: Reader, g: Given, rank: int) -> dict[str, Any]:
    order = "NC" + "SSS"[:rank] if _layout(r, g, rank) == "NCHW" else "N" + "SSS"[:rank] + "C"
    found: dict[str, Any] = {"layout": "NHWC"}
    for ours, theirs in (("stride", "strides"), ("dilation", "dilations"), ("padding", "padding")):
        if g.get(theirs) is not None:
            found[ours] = _spatial(g[theirs], order)
    if not isinstance(found.get("padding"), str | None):
        found["padding"] = tuple(tuple(pair) if isinstance(pair, list) else pair for pair in found["padding"])
    return found


def _last(r: Reader, g: Given, array: Any, rank: int) -> Any:
    """The array with its channels last."""
    if _layout(r, g, rank) == "NHWC":
        return array
    return r.on.permute(array, [0, *range(2, rank + 2), 1])


def _first(r: Reader, g: Given, array: Any, rank: int) -> Any:
    if _layout(r, g, rank) == "NHWC":
        return array
    return r.on.permute(array, [0, rank + 1, *range(1, rank + 1)])


def _tf_conv(r: Reader, g: Given, name: str) -> Box:
    a, k = r.array(g["input"]), r.array(g["filters"])
    rank = _rank(r, name, a)
    value = r.on.word(f"conv{rank}d", [_last(r, g, a, rank), k], _tf_options(r, g, rank))
    return r.boxed(_first(r, g, value, rank))


# -- windows as columns, SciPy
def _unfold(r: Reader, g: Given, name: str) -> Any:
    array = r.array(g["input"])
    options = _options(g, "stride", "padding", "dilation")
    if name == "fold":
        return r.boxed(r.on.word("fold", [array, _pair(g["output_size"]), _pair(g["kernel_size"])], options))
    return r.boxed(r.on.word("unfold", [array, _pair(g["kernel_size"])], options))


def _pair(value: Any) -> Any:
    return (value, value) if is_number(value) else tuple(value)


def _scipy(r: Reader, g: Given, name: str) -> Box:
    if g.get("boundary", "fill") != "fill" or g.get("fillvalue", affine(0)) != affine(0):
        raise Outside(f"{name} with another boundary", r.line)
    word = "correlate" if "correlate" in name else "convolve"
    return r.boxed(_slid(r, word, r.array(g["in1"]), r.array(g["in2"]), g.get("mode", "full")))


def _np_scipy(r: Reader, g: Given, name: str) -> Box:
    mode = g.get("mode", "valid" if name == "correlate" else "full")
    a, b = r.array(g["in1"]), r.array(g["in2"])
    if mode == "same":
        # NumPy's has the length of the longer one, SciPy's that of the first.
        first, second = (r.integer(r.on.size(one, 0), "a length") for one in (a, b))
        if not r.on.decide(nonnegative(first - second)):
            if name == "correlate":
                raise Outside("correlate with mode same and a longer second array", r.line)
            a, b = b, a
    return r.boxed(_slid(r, name, a, b, mode))


def _slid(r: Reader, word: str, a: Any, b: Any, mode: Any) -> Any:
    """A convolution in a mode; of the second array along the first where that one is the larger and only it fits."""
    rank = r.on.rank(a)
    if mode == "valid" and r.on.rank(b) == rank:
        pairs = [[r.integer(r.on.size(one, k), "a length") for one in (a, b)] for k in range(rank)]
        fits = all(r.on.decide(nonnegative(x - y)) for x, y in pairs)
        if not fits and all(r.on.decide(nonnegative(y - x)) for x, y in pairs):
            found = r.on.word(word, [b, a], {"mode": mode})
            return r.on.flip(found, range(rank)) if word == "correlate" else found
    return r.on.word(word, [a, b], {"mode": mode})


WINDOWS: dict[str, Callable[[Reader, Given, str], Any]] = {
    "conv": _conv, "conv_transpose": _conv, "conv_input": _conv_gradient, "conv_weight": _conv_gradient,
    "tf_conv": _tf_conv,
    "unfold": _unfold, "fold": _unfold, "scipy": _scipy, "np_scipy": _np_scipy,
}  # fmt: skip
