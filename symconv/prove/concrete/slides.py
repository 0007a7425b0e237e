"""The words of the claim language that slide a window, on concrete arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from symconv.prove.concrete import windows
from symconv.prove.concrete.numbers import Array, Ground, Misfit, amount, concrete, is_fixed, pads, wholes
from symconv.prove.concrete.windows import Slid, shown
from symconv.prove.language.syntax import Call, Node, Number, Text, Tuple, show
from symconv.prove.language.vocabulary import canonical, mode_of, rank_of

__all__ = ["columns", "convolution", "groups_of", "scipy"]

_ZERO, _ONE = Number(Fraction(0)), Number(Fraction(1))


def scipy(ground: Ground, word: str, call: Call, named: Mapping[str, Node]) -> Array:
    """SciPy's ``convolve`` and ``correlate`` over all axes."""
    a, b = (ground.array(ground, node) for node in call.arguments[:2])
    mode = call.arguments[2] if len(call.arguments) > 2 else named.get("mode", Text(mode_of(call.function)))
    if not isinstance(mode, Text) or mode.value not in {"full", "same", "valid"}:
        raise ground.error(mode.at, 'the mode is "full", "same" or "valid"')
    if a.ndim != b.ndim:
        raise ground.error(call.at, f"{word} wants arrays of equal rank; given {a.ndim} and {b.ndim} axes")
    if 0 in {*a.shape, *b.shape}:
        raise Misfit(f"{word} of {shown(a.shape)} and {shown(b.shape)}: an empty array")
    kernel = np.flip(b) if word == "convolve" else b
    slides = []
    for n, m in zip(a.shape, b.shape, strict=True):
        start = {"full": 0, "same": (m - 1) // 2, "valid": m - 1}[mode.value]
        end = {"full": m - 1, "same": start, "valid": 0}[mode.value]
        slides.append(Slid(n, m, lo=m - 1 - start, hi=end))
    return np.asarray(windows.convolved(a[None, None], kernel[None, None], slides, 1)[0, 0])


def convolution(ground: Ground, word: str, call: Call, named: Mapping[str, Node]) -> Array:
    """``conv`` and ``conv_transpose``, of arrays with batch and channels or of single planes."""
    a, k = (ground.array(ground, node) for node in call.arguments)
    rank = ground.facts.window_rank(rank_of(call.function), a.ndim)
    flat = (a.ndim, k.ndim) == (rank, rank)
    if rank < 1 or (not flat and (a.ndim, k.ndim) != (rank + 2, rank + 2)):
        raise ground.error(call.at, f"{show(call)}: arrays of {rank + 2} axes are wanted; given {a.ndim} and {k.ndim}")
    last = _layout(ground, call, named, flat) == "NHWC"
    if flat:
        a, k = a[None, None], k[None, None]
    elif last:
        a, k = np.moveaxis(a, -1, 1), k.transpose(rank + 1, rank, *range(rank))
    groups = groups_of(ground, named.get("groups", _ONE))
    slides = _slides(ground, call, a.shape[2:], k.shape[2:], named)
    result = (windows.convolved if word == "conv" else windows.transposed)(a, k, slides, groups)
    if flat:
        return np.asarray(result[0, 0])
    return np.moveaxis(result, 1, -1) if last else result


def _layout(ground: Ground, call: Call, named: Mapping[str, Node], flat: bool) -> str:
    stated = named.get("layout")
    text = stated.value if isinstance(stated, Text) else None if stated is None else show(stated)
    try:
        return "NCHW" if flat and text is None else ground.facts.layout_of(text)
    except ValueError as error:
        raise ground.error(call.at, str(error)) from None


def groups_of(ground: Ground, node: Node) -> int:
    """A number of groups; raises Misfit where it is no whole number."""
    if is_fixed(ground, node):
        return concrete(ground, node, 1, "groups")[0]
    value = amount(ground, node)
    if value.denominator > 1 or value < 1:
        raise Misfit(f"{value} groups")
    return int(value)


def _slides(
    ground: Ground, call: Call, sizes: Sequence[int], taps: Sequence[int], named: Mapping[str, Node]
) -> list[Slid]:
    rank = len(sizes)
    strides, dilations = (concrete(ground, named.get(k, _ONE), rank, k) for k in ("stride", "dilation"))
    bare = [Slid(*axis) for axis in zip(sizes, taps, strides, dilations, strict=True)]
    around = _pads(ground, call, named.get("padding", _ZERO), bare)
    more = wholes(ground, named.get("output_padding", _ZERO), rank)
    slides = zip(bare, around, more, strict=True)
    return [replace(one, lo=lo, hi=hi, output_padding=extra) for one, (lo, hi), extra in slides]


def _pads(ground: Ground, call: Call, node: Node, bare: Sequence[Slid]) -> Sequence[tuple[int, int]]:
    if not isinstance(node, Text):
        return pads(ground, node, len(bare))
    forward = canonical(call.function) != "conv_transpose"
    match node.value.lower():
        case "valid":
            return [(0, 0)] * len(bare)
        case "full" if forward:
            return [(one.reach - 1, one.reach - 1) for one in bare]
        case "same" if forward:
            totals = [max((one.size - 1) // one.stride * one.stride + one.reach - one.size, 0) for one in bare]
            return [(total // 2, total - total // 2) for total in totals]
    words = '"valid", "same" or "full"' if forward else '"valid"'
    raise ground.error(node.at, f"padding is {words} or numbers; given {node.value!r}")


def columns(ground: Ground, word: str, call: Call, a: Array, named: Mapping[str, Node]) -> Array:
    """``unfold`` and ``fold``."""
    given = call.arguments[-1]
    count = len(given.items) if isinstance(given, Tuple) else 1
    stated = count if word == "unfold" and isinstance(given, Tuple) else None
    rank = ground.facts.window_rank(stated, a.ndim if word == "unfold" else 2 + count)
    wanted = rank + 2 if word == "unfold" else 3
    if a.ndim != wanted or rank < 1:
        raise ground.error(call.at, f"{word} wants an array of {wanted} axes; given {a.ndim}")
    taps = wholes(ground, given, rank)
    target = a.shape[2:] if word == "unfold" else wholes(ground, call.arguments[1], rank)
    slides = _slides(ground, call, target, taps, named)
    return windows.unfolded(a, slides) if word == "unfold" else windows.folded(a, slides)
