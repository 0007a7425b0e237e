"""What a call of a library states: its arguments by name, and arrays with their axes in another order."""

from __future__ import annotations

import re
from fractions import Fraction

from symconv.prove.language.syntax import Call, Name, Node, Number, Tuple
from symconv.prove.language.tokens import Caret

__all__ = ["given_to", "length_in", "rank_in", "sizes_in", "stem_of", "turned"]

_CALLED = {"filter": "filters", "stride": "strides", "filter_backprop": "out_backprop", "value": "input"}


def stem_of(name: str) -> str:
    """A convolution's name without its rank, in small letters and with words apart.

    >>> stem_of("conv2d_transpose"), stem_of("Conv3DBackpropInputV2"), stem_of("DepthwiseConv2dNative")
    ('conv_transpose', 'conv_backprop_input', 'depthwise_conv')
    """
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[0-9]D)(?=[A-Z])", "_", name).lower()
    plain = re.sub(r"conv_?[123]d", "conv", apart)
    plain = re.sub(r"_?v2$|_native(?=_|$)", "", plain)
    return {"convolution": "conv"}.get(plain, plain)


def rank_in(name: str) -> int:
    """How many spatial axes a convolution's name speaks of; two where it speaks of none.

    >>> rank_in("conv3d_transpose"), rank_in("convolution"), rank_in("Conv2DBackpropInput")
    (3, 2, 2)
    """
    found = re.search(r"(?i)conv_?([123])d", name)
    return int(found[1]) if found else 2


def given_to(caret: Caret, call: Call, order: tuple[str, ...], wanted: int) -> dict[str, Node]:
    """The arguments by name, without those that are None; raises SpecError where one of the first ``wanted`` misses."""
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
    found = {name: value for name, value in given.items() if value != Name("None") and name != "name"}
    if missing := [name for name in order[:wanted] if name not in found]:
        raise caret.error(call.at, f"{call.function}: {missing[0]} is wanted")
    return found


def turned(array: Node, axes: tuple[int, ...]) -> Node:
    """The array with its axes in another order."""
    if axes == tuple(range(len(axes))):
        return array
    return Call("permute", (array, Tuple(tuple(Number(Fraction(axis)) for axis in axes))))


def sizes_in(shape: Node, axes: tuple[int, ...]) -> Node:
    """A shape with its lengths in another order."""
    match shape:
        case Call("shape", (array,)):
            return Call("shape", (turned(array, axes),), (), shape.at)
        case Tuple(items) if len(items) == len(axes):
            return Tuple(tuple(items[axis] for axis in axes), shape.at)
    return shape


def length_in(shape: Node, axis: int) -> Node | None:
    """One length of a shape; None where it is not written as a list of lengths or as that of an array."""
    match shape:
        case Call("shape", (array,)):
            return Call("size", (array, Number(Fraction(axis))), (), shape.at)
        case Tuple(items) if axis < len(items):
            return items[axis]
    return None
