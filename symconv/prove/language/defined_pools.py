"""PyTorch's pooling by means and its exchange of channels and pixels, in the core's words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce

from symconv.prove.language.defined import Arguments, Defined, number, size
from symconv.prove.language.syntax import Binary, Call, Name, Node, Number, Text, Tuple

__all__ = ["POOLS"]

_FALSE, _TRUE = {Name("False"), number(0)}, {Name("True"), number(1)}


def _times(nodes: Sequence[Node]) -> Node:
    return reduce(lambda a, b: Binary("*", a, b), nodes)


def _per_axis(node: Node, rank: int) -> tuple[Node, ...]:
    return node.items if isinstance(node, Tuple) and len(node.items) == rank else (node,) * rank


def _flag(given: Arguments, name: str, usual: bool) -> bool:
    node = given.given.get(name)
    if node is not None and node not in _FALSE | _TRUE:
        raise given.wrong(f"{name} is True or False")
    return usual if node is None else node in _TRUE


def _averaged(rank: int, given: Arguments) -> Node:
    """Every channel by a filter of ones of its own, over how many there are."""
    (array,) = given.arrays
    if given.ranks[0] != rank + 2:
        raise given.wrong(f"an array of {rank + 2} axes is wanted; given {given.ranks[0]}")
    if "kernel_size" not in given.given:
        raise given.wrong("kernel_size is wanted")
    if _flag(given, "ceil_mode", False):
        raise given.wrong("ceil_mode=True is not read; pad the end instead")
    taps = _per_axis(given.given["kernel_size"], rank)
    padding = given.given.get("padding", number(0))
    for pad, length in zip(_per_axis(padding, rank), taps, strict=True):
        if isinstance(pad, Number) and isinstance(length, Number) and pad.value * 2 > length.value:
            raise given.wrong("PyTorch wants a padding of at most half the window")
    options = (("stride", given.given.get("stride", Tuple(taps))), ("padding", padding),
               ("groups", size(array, 1)), ("layout", Text("NCHW")))  # fmt: skip
    ones = Call("ones", (Tuple((size(array, 1), number(1), *taps)),))
    total = Call(f"conv{rank}d", (array, ones), options)
    if (over := given.given.get("divisor_override")) is not None:
        return Binary("/", total, over)
    if _flag(given, "count_include_pad", True) or padding == number(0):
        return Binary("/", total, _times(taps))
    cells = Call("ones", (Tuple(tuple(size(array, axis) for axis in range(rank + 2))),))
    return Binary("/", total, Call(f"conv{rank}d", (cells, ones), options))


def _adaptive(rank: int, given: Arguments) -> Node:
    """The mean of whole planes: windows of other sizes overlap where they do not divide."""
    (array,) = given.arrays
    if given.ranks[0] != rank + 2:
        raise given.wrong(f"an array of {rank + 2} axes is wanted; given {given.ranks[0]}")
    if any(one != number(1) for one in _per_axis(given.given.get("output_size", number(0)), rank)):
        raise given.wrong("an output of size 1 is read; write avg_pool with a kernel_size for others")
    axes = Tuple(tuple(number(axis) for axis in range(2, rank + 2)))
    return Call("mean", (array, axes), (("keepdims", Name("True")),))


def _shuffled(back: bool, given: Arguments) -> Node:
    """``(C*r*r, H, W)`` to ``(C, H*r, W*r)``, or back."""
    (array,) = given.arrays
    factor = given.given.get("factor")
    if given.ranks[0] != 4 or factor is None:
        raise given.wrong("an array of 4 axes and a factor are wanted")
    batch, channels, *plane = (size(array, axis) for axis in range(4))
    square = _times((factor, factor))
    if back:
        rows, columns = (Binary("//", one, factor) for one in plane)
        apart = Call("reshape", (array, Tuple((batch, channels, rows, factor, columns, factor))))
        turned = Call("permute", (apart, Tuple(tuple(map(number, (0, 1, 3, 5, 2, 4))))))
        return Call("reshape", (turned, Tuple((batch, _times((channels, square)), rows, columns))))
    fewer = Binary("//", channels, square)
    apart = Call("reshape", (array, Tuple((batch, fewer, factor, factor, *plane))))
    turned = Call("permute", (apart, Tuple(tuple(map(number, (0, 1, 4, 2, 5, 3))))))
    return Call("reshape", (turned, Tuple((batch, fewer, *(_times((one, factor)) for one in plane)))))


_WINDOW = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")
POOLS = {
    **{f"avg_pool{rank}d": Defined(f"F.avg_pool{rank}d(x, 2, stride=2, padding=0)", 1, _WINDOW,
                                   partial(_averaged, rank)) for rank in (1, 2, 3)},
    **{f"adaptive_avg_pool{rank}d": Defined(f"F.adaptive_avg_pool{rank}d(x, 1)", 1, ("output_size",),
                                            partial(_adaptive, rank)) for rank in (1, 2, 3)},
    "pixel_shuffle": Defined("F.pixel_shuffle(x, 2)", 1, ("factor",), partial(_shuffled, False)),
    "pixel_unshuffle": Defined("F.pixel_unshuffle(x, 2)", 1, ("factor",), partial(_shuffled, True)),
}  # fmt: skip
