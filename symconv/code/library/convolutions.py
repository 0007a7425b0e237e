"""Convolutions with everything stated: dilations of both sides, pairs of pads, orders of axes (TensorFlow, JAX)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from symconv.code.held.boxes import array_of, boxed
from symconv.code.held.elements import plan_of
from symconv.code.held.numbers import constant, integer
from symconv.code.held.sequences import sequence
from symconv.code.held.state import State
from symconv.code.held.truths import truth_of
from symconv.code.library.given import Given, Word
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number
from symconv.code.values.objects import Box, Slice
from symconv.notation.affine import Affine, affine, maximum, quotient
from symconv.notation.expr import Constraint, equal, nonnegative
from symconv.relation.terms import as_product

__all__ = ["CONVOLUTIONS", "implied_groups"]

Pads = list[tuple[Affine, Affine]]


def _length(state: State, array: Any, axis: int) -> Affine:
    return integer(state, state.on.size(array, axis), "a length")


def implied_groups(state: State, rank: int, channels: Affine, own: Affine) -> dict[str, Affine]:
    """As many groups as TensorFlow's filters would have to lie side by side; volumes have none, it refuses them.

    Lengths of which neither divides the other for all sizes have to be equal.
    """
    if rank > 2 or channels == own:
        return {}
    ratio = as_product(channels) * as_product(own).inverse()
    if any(power < 0 for _, power in ratio.monomial) or len(ratio.monomial) > 1:
        state.on.require(equal(channels, own), f"{channels} channels for filters of {own}")
        return {}
    state.on.require(nonnegative(own - 1), "filters of no channels")
    if ratio.coefficient.denominator > 1:
        state.on.require(Constraint(affine(-1)), f"{channels} channels for filters of {own}")
    count = affine(1) if not ratio.monomial else ratio.monomial[0][0]
    return {"groups": count * ratio.coefficient.numerator}


def _numbers(state: State, value: Any, rank: int, order: str = "") -> list[int]:
    """A number per spatial axis: from one, from as many, or from one per axis of the array."""
    if value is None:
        return [1] * rank
    items = [value] * rank if is_number(value) else list(sequence(state, value))
    if order and len(items) == len(order):
        items = [one for one, letter in zip(items, order, strict=True) if letter not in "NC"]
    items = items * rank if len(items) == 1 else items
    if len(items) != rank:
        raise state.error(f"{len(items)} values; there are {rank} spatial axes")
    return [constant(state, one, "a stride or a dilation") for one in items]


def _dilated(state: State, array: Any, steps: Sequence[int]) -> Any:
    """``step - 1`` zeros between neighbours of the spatial axes."""
    if set(steps) <= {1}:
        return array
    shape: list[Any] = [state.on.size(array, 0), state.on.size(array, 1)]
    entries: list[Any] = [Slice(), Slice()]
    for k, step in enumerate(steps):
        shape.append((_length(state, array, k + 2) - 1) * step + 1)
        entries.append(Slice(None, None, affine(step)))
    for length in shape[2:]:
        state.on.require(nonnegative(length), f"an axis of {length} elements")
    wide = state.on.fill(shape, Fraction(0))
    return state.on.update(wide, plan_of(state, wide, tuple(entries)), array, 1, False, True)


def _slid(state: State, a: Any, k: Any, stride: Sequence[int], pads: Pads, steps: Sequence[int], apart: Sequence[int],
          groups: int = 1) -> Any:  # fmt: skip
    """The correlation, batch and channels first; elements of ``a`` are ``steps`` apart, taps ``apart``."""
    a = state.on.pad(_dilated(state, a, steps), {n + 2: pair for n, pair in enumerate(pads)})
    options: dict[str, Any] = {
        "stride": tuple(map(affine, stride)), "dilation": tuple(map(affine, apart)), "layout": "NCHW",
    }  # fmt: skip
    if groups != 1:
        options["groups"] = affine(groups)
    return state.on.word(f"conv{len(pads)}d", [a, k], options)


def _same(size: Affine, taps: Affine, stride: int, apart: int) -> tuple[Affine, Affine]:
    """The pads of TensorFlow's SAME: as many as give size/stride windows, the odd one behind."""
    count = quotient(size + stride - 1, stride)
    total = maximum((count - 1) * stride + (taps - 1) * apart + 1 - size, affine(0))
    return quotient(total, 2), total - quotient(total, 2)


def _pads(state: State, given: Any, sizes: Sequence[Affine], taps: Sequence[Affine], stride: Sequence[int],
          apart: Sequence[int], order: str = "") -> Pads:  # fmt: skip
    rank = len(sizes)
    if given is None or isinstance(given, str):
        match str(given or "VALID").upper():
            case "VALID":
                return [(affine(0), affine(0))] * rank
            case "SAME":
                return [_same(*one) for one in zip(sizes, taps, stride, apart, strict=True)]
        raise Outside(f"padding {given!r}", state.line)
    rows = [given] * rank if is_number(given) else list(sequence(state, given))
    if order and len(rows) == len(order):
        rows = [one for one, letter in zip(rows, order, strict=True) if letter not in "NC"]
    if len(rows) != rank:
        raise state.error(f"{len(rows)} pads; there are {rank} spatial axes")
    found = []
    for row in rows:
        pair = [row, row] if is_number(row) else list(sequence(state, row))
        if len(pair) != 2:
            raise state.error("a pad is a pair of numbers")
        found.append((integer(state, pair[0], "a pad"), integer(state, pair[1], "a pad")))
    return found


# -- TensorFlow
def _tf(state: State, g: Given, rank: int) -> tuple[str, list[int], list[int], list[int], list[int]]:
    """The order of axes, how to bring images and filters to batch and filters first, strides, dilations."""
    text = g.get("data_format") or ""
    if not isinstance(text, str):
        raise state.error("data_format is a text")
    first = text.upper().startswith("NC")
    order = "NC" + "SSS"[:rank] if first else "N" + "SSS"[:rank] + "C"
    images = list(range(rank + 2)) if first else [0, rank + 1, *range(1, rank + 1)]
    filters = [rank + 1, rank, *range(rank)]
    return (
        order,
        images,
        filters,
        _numbers(state, g.get("strides"), rank, order),
        _numbers(state, g.get("dilations"), rank, order),
    )


def _back(order: Sequence[int]) -> list[int]:
    return [list(order).index(k) for k in range(len(order))]


def _lengths(state: State, given: Any, axes: Sequence[int]) -> tuple[Affine, ...]:
    """A shape with its lengths in another order."""
    items = list(sequence(state, given))
    if len(items) != len(axes):
        raise state.error(f"{len(items)} lengths; {len(axes)} are wanted")
    return tuple(integer(state, items[axis], "a length") for axis in axes)


def _said(state: State, g: Given, order: str, default: str) -> Any:
    """The padding as the claim language has it: a word, or a pair for each spatial axis."""
    given = g.get("padding")
    if given is None or isinstance(given, str):
        word = (given or default).lower()
        if word not in {"same", "valid"}:
            raise Outside(f"padding {given!r}", state.line)
        return word
    return tuple(_pads(state, given, [affine(0)] * (len(order) - 2), [], [], [], order))


def _tf_input(state: State, g: Given, name: str, default: str = "VALID") -> Box:
    gy, k = array_of(state, g["out_backprop"]), array_of(state, g.get("filters", g.get("filter")))
    rank = state.on.rank(gy) - 2
    order, images, turn, stride, apart = _tf(state, g, rank)
    options: dict[str, Any] = {}
    sizes = _lengths(state, g["input_sizes"], images)
    if "depthwise" in name.lower():
        options["groups"] = _length(state, k, rank)
        k = _apart(state, k)
    else:
        k = state.on.permute(k, turn)
        options = dict(implied_groups(state, rank, sizes[1], _length(state, k, 1)))
    options |= {"input_size": sizes, "stride": tuple(map(affine, stride)),
                "dilation": tuple(map(affine, apart)), "padding": _said(state, g, order, default)}  # fmt: skip
    found = state.on.word(f"conv{rank}d_input", [state.on.permute(gy, images), k], options)
    return boxed(state, state.on.permute(found, _back(images)))


def _apart(state: State, filters: Any) -> Any:
    """Filters ``(KH, KW, C, M)`` as ``(C*M, 1, KH, KW)``: those of as many groups as there are channels."""
    rank = state.on.rank(filters) - 2
    turned = state.on.permute(filters, [rank, rank + 1, *range(rank)])
    taps = [state.on.size(filters, k) for k in range(rank)]
    return state.on.word("reshape", [turned, (affine(-1), affine(1), *taps)], {})


def _tf_transposed(state: State, g: Given, name: str) -> Box:
    return _tf_input(state, {**g, "out_backprop": g["input"], "input_sizes": g["output_shape"]}, name, "SAME")


def _tf_filter(state: State, g: Given, name: str) -> Box:
    x, gy = array_of(state, g["input"]), array_of(state, g["out_backprop"])
    rank = state.on.rank(gy) - 2
    order, images, turn, stride, apart = _tf(state, g, rank)
    depthwise = "depthwise" in name.lower()
    x, gy = state.on.permute(x, images), state.on.permute(gy, images)
    sizes = _lengths(state, g["filter_sizes"], range(rank + 2) if depthwise else turn)
    groups = {} if depthwise else implied_groups(state, rank, _length(state, x, 1), sizes[1])
    options = {**groups, "weight_size": sizes, "stride": tuple(map(affine, stride)),
               "dilation": tuple(map(affine, apart)), "padding": _said(state, g, order, "VALID")}  # fmt: skip
    word = "depthwise_weight" if depthwise else f"conv{rank}d_weight"
    found = state.on.word(word, [x, gy], options)
    return boxed(state, found if depthwise else state.on.permute(found, _back(turn)))


def _tf_depthwise(state: State, g: Given, name: str) -> Box:
    a, k = array_of(state, g["input"]), array_of(state, g["filters"])
    rank = state.on.rank(a) - 2
    order, images, _, stride, apart = _tf(state, g, rank)
    options = {"stride": tuple(map(affine, stride)), "dilation": tuple(map(affine, apart)), "layout": "NCHW",
               "padding": _said(state, g, order, "VALID"), "groups": _length(state, k, rank)}  # fmt: skip
    found = state.on.word(f"conv{rank}d", [state.on.permute(a, images), _apart(state, k)], options)
    return boxed(state, state.on.permute(found, _back(images)))


# -- JAX
def _jax_orders(state: State, given: Any, rank: int, default: Sequence[str]) -> list[list[int]]:
    """How to bring image, filters and result to batch and filters first, from three texts such as NHWC, HWIO, NHWC."""
    texts = list(default) if given is None else list(sequence(state, given))
    if len(texts) != 3 or not all(isinstance(one, str) and len(one) == rank + 2 for one in texts):
        raise Outside("dimension_numbers are read as three texts such as ('NHWC', 'HWIO', 'NHWC')", state.line)
    spatial = [letter for letter in texts[1] if letter not in "OI"]
    try:
        return [[text.index(letter) for letter in (*lead, *spatial)] for text, lead in
                zip(texts, ("NC", "OI", "NC"), strict=True)]  # fmt: skip
    except ValueError:
        raise state.error(f"dimension_numbers {', '.join(texts)} name different axes") from None


def _jax(state: State, g: Given, name: str) -> Box:
    a, k = array_of(state, g["lhs"]), array_of(state, g["rhs"])
    rank = state.on.rank(a) - 2
    letters = "HWD"[:rank] if rank < 3 else "DHW"
    orders = _jax_orders(state, g.get("dimension_numbers"), rank, (f"NC{letters}", f"OI{letters}", f"NC{letters}"))
    a, k = state.on.permute(a, orders[0]), state.on.permute(k, orders[1])
    stride, steps, apart = (
        _numbers(state, g.get(key), rank) for key in ("window_strides", "lhs_dilation", "rhs_dilation")
    )
    groups = 1 if g.get("feature_group_count") is None else constant(state, g["feature_group_count"], "the groups")
    if isinstance(g.get("padding"), str) and g["padding"].upper() != "VALID" and set(steps) != {1}:
        raise state.error("with lhs_dilation JAX takes pads as numbers, or 'VALID'")
    sizes = [(_length(state, a, n + 2) - 1) * steps[n] + 1 for n in range(rank)]
    pads = _pads(state, g.get("padding"), sizes, [_length(state, k, n + 2) for n in range(rank)], stride, apart)
    found = _slid(state, a, k, stride, pads, steps, apart, groups)
    return boxed(state, state.on.permute(found, _back(orders[2])))


_TRANSPOSED = {1: ("NHC", "HIO", "NHC"), 2: ("NHWC", "HWIO", "NHWC"), 3: ("NHWDC", "HWDIO", "NHWDC")}
"""The orders of axes that ``lax.conv_transpose`` takes without being told."""


def _flag(state: State, g: Given, name: str) -> bool:
    found = truth_of(state, g.get(name, False))
    if not isinstance(found, bool):
        raise Outside(f"{name} that is not True or False", state.line)
    return found


def _jax_transposed(state: State, g: Given, name: str) -> Box:
    """A convolution of the image with zeros between its elements, by the filters or, as stated, by them backwards."""
    a, k = array_of(state, g["lhs"]), array_of(state, g["rhs"])
    rank = state.on.rank(a) - 2
    orders = _jax_orders(state, g.get("dimension_numbers"), rank, _TRANSPOSED.get(rank, ()))
    a, k = state.on.permute(a, orders[0]), state.on.permute(k, orders[1])
    steps, apart = (_numbers(state, g.get(key), rank) for key in ("strides", "rhs_dilation"))
    given, consistent = g.get("padding"), _flag(state, g, "use_consistent_padding")
    reach = [(_length(state, k, n + 2) - 1) * apart[n] for n in range(rank)]
    if isinstance(given, str):
        if given not in {"SAME", "VALID"}:
            raise state.error(f"lax.conv_transpose takes 'SAME', 'VALID' or pairs; given {given!r}")
        pads = [_around(given, one, step) for one, step in zip(reach, steps, strict=True)]
    else:
        pads = _pads(state, given, reach, reach, steps, apart)
        if consistent:
            pads = [(one - lo, one - hi) for one, (lo, hi) in zip(reach, pads, strict=True)]
    if _flag(state, g, "transpose_kernel"):
        k = state.on.permute(state.on.flip(k, range(2, rank + 2)), [1, 0, *range(2, rank + 2)])
    return boxed(state, state.on.permute(_slid(state, a, k, [1] * rank, pads, steps, apart), _back(orders[2])))


def _around(word: str, reach: Affine, step: int) -> tuple[Affine, Affine]:
    """The pads of ``lax.conv_transpose`` around the image with its zeros, for a window of that reach."""
    if word == "VALID":
        return reach, maximum(reach + 1 - step, affine(0)) + step - 1
    low = -maximum(-reach, -quotient(reach + step, 2))
    return low, reach + step - 1 - low


CONVOLUTIONS: dict[str, Word] = {
    "tf_conv_transpose": _tf_transposed, "tf_input": _tf_input, "tf_filter": _tf_filter, "jax_conv": _jax,
    "tf_depthwise": _tf_depthwise, "jax_conv_transpose": _jax_transposed,
    "dimension_numbers": lambda state, g, name: g["numbers"],
}  # fmt: skip
