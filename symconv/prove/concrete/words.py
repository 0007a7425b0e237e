"""The words of the claim language that move, sum and slide, on concrete arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import combinations
from math import prod
from typing import Any

import numpy as np

from symconv.prove.concrete.einsum import einsum
from symconv.prove.concrete.elements import pi_value, pointwise
from symconv.prove.concrete.numbers import Array, Ground, Misfit, amount, component, concrete, is_number, pads, whole
from symconv.prove.concrete.slides import columns, convolution, groups_of, scipy
from symconv.prove.concrete.triangles import towards
from symconv.prove.concrete.windows import padded, shown, zeros
from symconv.prove.language.defined import arguments_of
from symconv.prove.language.defined_sums import no_matrices
from symconv.prove.language.lengths import spread
from symconv.prove.language.pads import padding_mode
from symconv.prove.language.spoken import TWO_WAYS, transposed
from symconv.prove.language.syntax import Call, Name, Node, Number, Tuple, show
from symconv.prove.language.vocabulary import ELEMENTWISE, FUNCTIONS, OPTIONS_OF, canonical
from symconv.prove.language.words import DEFINED

__all__ = ["called", "multiplied", "scaled"]

_ZERO, _ONE = Number(Fraction(0)), Number(Fraction(1))
_SMALL = 2**31


def scaled(ground: Ground, a: Array, factor: Fraction) -> Array:
    """An array times an exact number: int64 stays int64 for whole factors, else becomes exact objects."""
    if ground.prime is not None:
        return np.asarray(a * (factor.numerator * _inverse(factor.denominator, ground.prime)))
    if a.dtype.kind == "f":
        return np.asarray(a * float(factor))
    if a.dtype != object and factor.denominator == 1 and abs(factor) < _SMALL:
        return np.asarray(a * int(factor))
    return np.asarray(a.astype(object) * (int(factor) if factor.denominator == 1 else factor), dtype=object)


def _inverse(number: int, prime: int) -> int:
    if number % prime == 0:
        raise Misfit(f"{number} has no inverse modulo {prime}")
    return pow(number, -1, prime)


def multiplied(a: Array, b: Array) -> Array:
    """The matrix product over the last two axes, leading axes broadcast; vectors are a row times a column."""
    if a.ndim == 1:
        return np.asarray(multiplied(a[None], b)[..., 0, :] if b.ndim > 1 else multiplied(a[None], b)[0])
    if b.ndim == 1:
        return np.asarray(multiplied(a, b[:, None])[..., 0])
    if a.shape[-1] != b.shape[-2] or not _broadcast(a.shape[:-2], b.shape[:-2]):
        raise Misfit(f"{shown(a.shape)} @ {shown(b.shape)} does not fit")
    if a.shape[-1]:
        return np.asarray(np.matmul(a, b), dtype=np.result_type(a, b))
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return np.zeros((*lead, a.shape[-2], b.shape[-1]), np.result_type(a, b))


def _broadcast(a: Sequence[int], b: Sequence[int]) -> bool:
    return all(n == m or 1 in {n, m} for n, m in zip(reversed(a), reversed(b), strict=False))


def _elementwise(ground: Ground, word: str, call: Call) -> Array:
    """A function of single elements: exact where its values are rational, in floats for floats."""
    one = np.asarray(1, dtype=object)
    given = [
        scaled(ground, one, amount(ground, node)) if is_number(ground, node) else ground.array(ground, node)
        for node in call.arguments
    ]
    if not all(_broadcast(a.shape, b.shape) for a, b in combinations(given, 2)):
        raise Misfit(f"{show(call)}: {' against '.join(shown(a.shape) for a in given)}")
    name = {"maximum": "max", "minimum": "min"}.get(word, word)
    return pointwise(ground, name, given, call)


def _options(ground: Ground, word: str, call: Call) -> dict[str, Node]:
    usage = FUNCTIONS[word]
    named = {OPTIONS_OF.get(key, key): node for key, node in call.named}
    if not usage.least <= len(call.arguments) <= usage.most or len(named) != len(call.named):
        raise ground.error(call.at, f"{call.function} is used as {usage.usage}")
    layout = ("layout",) if word in {"conv", "conv_transpose"} else ()
    if unknown := sorted(named.keys() - {*usage.options, *layout}):
        known = ", ".join(usage.options) or "no options"
        raise ground.error(call.at, f"{call.function} has no option {unknown[0]}; it takes {known}")
    return named


def called(ground: Ground, call: Call) -> Array:
    """The array a call gives."""
    word = canonical(call.function)
    if word in DEFINED:
        return _by_definition(ground, word, call)
    named = _options(ground, word, call)
    if word == "where" or word in ELEMENTWISE:
        return _elementwise(ground, word, call)
    match word:
        case "zeros" | "ones":
            return _filled(ground, call.arguments, int(word == "ones"))
        case "pi":
            return pi_value(ground, call)
        case "einsum" | "exact_einsum":
            return einsum(ground, call)
        case "convolve" | "correlate":
            return scipy(ground, word, call, named)
        case "conv" | "conv_transpose":
            return convolution(ground, word, call, named)
    return _moved(ground, word, call, ground.array(ground, call.arguments[0]), named)


def _moved(ground: Ground, word: str, call: Call, a: Array, named: Mapping[str, Node]) -> Array:
    """What a word makes of its first argument."""
    first, *rest = call.arguments
    match word:
        case "matmul":
            b = ground.array(ground, rest[0])
            if reason := no_matrices(call, a.ndim, b.ndim):
                raise ground.error(call.at, f"{show(call)}: {reason}")
            return multiplied(a, b)
        case "unfold" | "fold":
            return columns(ground, word, call, a, named)
        case "sum" | "mean" | "prod":
            return _reduction(ground, word, call, a, named)
        case "flip" | "rot180":
            axes = rest[0] if rest else named.get("axes")
            return np.flip(a, _spatial(ground, a, first, call) if axes is None else _axes(ground, axes, a.ndim))
        case "cumsum" | "tril" | "triu":
            return towards(ground, word, call, a, [*rest, *named.values()])
        case "swap":
            return np.swapaxes(a, *(_axis(ground, node, a.ndim) for node in rest))
        case "transpose" | "permute":
            return _permuted(ground, word, call, a)
        case "pad" | "crop":
            return _padded(ground, word, call, a, padding_mode(call, named, ground.error), "flat" in named)
        case "dilate":
            return _dilated(ground, call, a, named.get("axes"))
        case "sized":
            return _sized(ground, call, a)
        case "resized":
            return _resized(ground, call, a)
        case "reshape":
            return _reshaped(ground, call, a)
    raise ground.error(call.at, f"{call.function} stands where an array is wanted")


def _resized(ground: Ground, call: Call, a: Array) -> Array:
    """The nearest elements, as libraries resize images."""
    lengths = [whole(ground, node) for node in _spread(ground, call.arguments[1:])]
    if len(lengths) != a.ndim - 2:
        raise ground.error(call.at, f"interpolate: {len(lengths)} lengths for {a.ndim - 2} axes behind the channels")
    for axis, length in enumerate(lengths, start=2):
        if length < 1 or not a.shape[axis]:
            raise Misfit(f"an axis of length {a.shape[axis]} resized to {length}")
        a = np.take(a, [at * a.shape[axis] // length for at in range(length)], axis=axis)
    return a


def _by_definition(ground: Ground, word: str, call: Call) -> Array:
    """A word that other words define; its array arguments are arrays of their own meanwhile."""
    held = dict(ground.arrays)

    def computed(node: Node) -> tuple[Node, int]:
        if is_number(ground, node):
            return node, 0
        value = ground.array(ground, node)
        if not isinstance(node, Name):
            node = Name(show(node), node.at)
            held[node.name] = value
        return node, value.ndim

    count = partial(groups_of, ground)
    meaning = DEFINED[word].meaning(arguments_of(DEFINED[word], call, ground.error, computed, count))
    meanwhile = replace(ground, arrays=held)
    if is_number(meanwhile, meaning):
        return scaled(ground, np.asarray(1, dtype=object), amount(meanwhile, meaning))
    return ground.array(meanwhile, meaning)


def _spread(ground: Ground, nodes: Sequence[Node]) -> tuple[Node, ...]:
    return spread(nodes[0] if len(nodes) == 1 else Tuple(tuple(nodes)), lambda node: ground.array(ground, node).ndim)


def _filled(ground: Ground, nodes: Sequence[Node], value: int) -> Array:
    found = tuple(whole(ground, node) for node in _spread(ground, nodes))
    if min(found, default=0) < 0:
        raise Misfit(f"an array of {shown(found)}")
    return np.full(found, value, dtype=np.int64 if ground.prime is None else object)


def _axis(ground: Ground, node: Node, rank: int) -> int:
    number = whole(ground, node)
    if not -rank <= number < rank:
        raise ground.error(node.at, f"there is no axis {number}; the array has {rank} axes")
    return number % rank


def _axes(ground: Ground, node: Node, rank: int) -> tuple[int, ...]:
    found = tuple(_axis(ground, item, rank) for item in (node.items if isinstance(node, Tuple) else (node,)))
    if len(set(found)) != len(found):
        raise ground.error(node.at, f"{show(node)} names an axis twice")
    return found


def _spatial(ground: Ground, a: Array, node: Node, where: Node) -> tuple[int, ...]:
    """The axes that flip, pad, crop and dilate mean when none are named."""
    if a.ndim <= 2:
        return tuple(range(a.ndim))
    facts = ground.facts
    if facts.layout == "NCHW":
        return tuple(range(2, a.ndim))
    if not isinstance(node, Name) or node.name not in facts.places or a.ndim != facts.rank + 2:
        raise ground.error(where.at, f"{show(where)}: name the axes, the layout of {show(node)} is not known")
    return tuple(sorted(facts.places[node.name]))


def _permuted(ground: Ground, word: str, call: Call, a: Array) -> Array:
    _, *rest = call.arguments
    if not rest:
        return a.T
    if word == "transpose" and len(rest) == 2 and a.ndim != 2:
        return np.swapaxes(a, *(_axis(ground, node, a.ndim) for node in rest))
    order = _axes(ground, rest[0] if len(rest) == 1 else Tuple(tuple(rest), call.at), a.ndim)
    if len(order) != a.ndim:
        raise ground.error(call.at, f"{show(call)} names {len(order)} axes; the array has {a.ndim}")
    if word == "transpose" and len(rest) == 2:
        if (turned := transposed(ground.caret.source, *order)) is None:
            raise ground.error(call.at, TWO_WAYS)
        return a.T if turned else a
    return a.transpose(order)


def _padded(ground: Ground, word: str, call: Call, a: Array, mode: str | None, last: bool) -> Array:
    first, lo, *more = call.arguments
    if last and isinstance(lo, Tuple) and len(lo.items) // 2 > a.ndim:
        raise ground.error(call.at, f"pad: {len(lo.items)} numbers for {a.ndim} axes, each of which takes two")
    pairs = isinstance(lo, Tuple) and len(lo.items) == a.ndim and all(isinstance(x, Tuple) for x in lo.items)
    if last and isinstance(lo, Tuple):
        axes = tuple(range(a.ndim - len(lo.items) // 2, a.ndim))
    else:
        axes = tuple(range(a.ndim)) if pairs else _spatial(ground, a, first, call)
    if isinstance(lo, Tuple) and not more and len(lo.items) == 2 * len(axes):
        flat = lo.items
        if not any(isinstance(item, Tuple) for item in flat):
            lo = Tuple(tuple(Tuple(flat[2 * k : 2 * k + 2], lo.at) for k in reversed(range(len(axes)))), lo.at)
    lows = _each(ground, lo) if pairs else pads(ground, lo, len(axes))
    highs = pads(ground, more[0], len(axes)) if more else lows
    ends = [(0, 0)] * a.ndim
    for axis, low, high in zip(axes, lows, highs, strict=True):
        ends[axis] = (low[0], high[1]) if word == "pad" else (-low[0], -high[1])
    return padded(a, ends) if mode is None else _bordered(a, ends, mode)


def _each(ground: Ground, pairs: Node) -> tuple[tuple[int, int], ...]:
    """A pair for each axis of the array, none of which is known to be a certain spatial one."""
    items = pairs.items if isinstance(pairs, Tuple) else ()
    ends = [item.items if isinstance(item, Tuple) and len(item.items) == 2 else (item, item) for item in items]
    return tuple((whole(ground, low), whole(ground, high)) for low, high in ends)


def _bordered(a: Array, ends: Sequence[tuple[int, int]], mode: str) -> Array:
    for (lo, hi), length in zip(ends, a.shape, strict=True):
        room = {"reflect": length - 1, "replicate": lo + hi}.get(mode, length)
        if (lo or hi) and (min(lo, hi) < 0 or max(lo, hi) > room or length < 1):
            raise Misfit(f"a {mode} pad of {lo} and {hi} on an axis of length {length}")
    word: Any = {"replicate": "edge", "circular": "wrap"}.get(mode, mode)
    return np.pad(a, ends, mode=word)


def _sized(ground: Ground, call: Call, a: Array) -> Array:
    """The array itself; raises Misfit where an axis has another length than is wanted."""
    wanted = call.arguments[1]
    if not isinstance(wanted, Tuple) or len(wanted.items) != a.ndim:
        raise ground.error(call.at, f"{call.function} wants a length, or None, for each of {a.ndim} axes")
    for k, node in enumerate(wanted.items):
        if node != Name("None") and component(ground, node, k - 2) != a.shape[k]:
            raise Misfit(f"{show(call.arguments[0])} of {shown(a.shape)}: {component(ground, node, k - 2)} is wanted "
                         f"on axis {k}")  # fmt: skip
    return a


def _dilated(ground: Ground, call: Call, a: Array, named: Node | None) -> Array:
    axes = _spatial(ground, a, call.arguments[0], call) if named is None else _axes(ground, named, a.ndim)
    places = dict(zip(axes, concrete(ground, call.arguments[1], len(axes), "a dilation"), strict=True))
    shape = list(a.shape)
    for axis, step in places.items():
        if a.shape[axis] < 1:
            raise Misfit(f"dilate of {shown(a.shape)}: there is nothing to put zeros between")
        shape[axis] = (a.shape[axis] - 1) * step + 1
    result = zeros(tuple(shape), a)
    result[tuple(slice(None, None, places.get(axis, 1)) for axis in range(a.ndim))] = a
    return result


def _reduction(ground: Ground, word: str, call: Call, a: Array, named: Mapping[str, Node]) -> Array:
    axes = call.arguments[1] if len(call.arguments) > 1 else named.get("axes")
    keep = named.get("keepdims", _ZERO)
    if keep not in {_ZERO, _ONE, Name("True"), Name("False")}:
        raise ground.error(call.at, "keepdims is True or False")
    over = tuple(range(a.ndim)) if axes is None else _axes(ground, axes, a.ndim)
    if word == "prod":
        # Numbers of any length: 64 bits would overflow.
        whole_numbers = a.astype(object) if a.dtype.kind != "f" else a
        return np.asarray(
            np.prod(whole_numbers, axis=over, keepdims=keep in {_ONE, Name("True")}), dtype=whole_numbers.dtype
        )
    total = np.asarray(np.sum(a, axis=over, keepdims=keep in {_ONE, Name("True")}), dtype=a.dtype)
    if word == "sum":
        return total
    count = prod(a.shape[axis] for axis in over)
    if count == 0:
        raise Misfit(f"mean of no elements, of {shown(a.shape)}")
    return scaled(ground, total, Fraction(1, count))


def _reshaped(ground: Ground, call: Call, a: Array) -> Array:
    _, *rest = call.arguments
    items = _spread(ground, rest)
    open_ = [item == Number(Fraction(-1)) for item in items]
    if sum(open_) > 1:
        raise ground.error(call.at, "only one length can be -1")
    lengths = [1 if free else whole(ground, item) for item, free in zip(items, open_, strict=True)]
    count = prod(lengths)
    if min(lengths, default=0) < 0 or (any(open_) and (count == 0 or a.size % count)):
        raise Misfit(f"reshape of {shown(a.shape)} to {show(Tuple(items))} does not fit")
    if any(open_):
        lengths[open_.index(True)] = a.size // count
    if prod(lengths) != a.size:
        raise Misfit(f"reshape of {shown(a.shape)} to {shown(lengths)} changes the number of elements")
    return a.reshape(lengths)
