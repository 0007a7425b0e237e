"""What the words of libraries do, said once for all sizes and for numbers: arrays that are made, moved and joined."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from symconv.code.arrays.infinite import infinity
from symconv.code.held.attributes import array_attribute, elements
from symconv.code.held.boxes import array_of, boxed, current, view_of
from symconv.code.held.elements import picked
from symconv.code.held.masks import blended
from symconv.code.held.numbers import constant, integer
from symconv.code.held.operators import binary, product_of_all
from symconv.code.held.sequences import is_range, sequence
from symconv.code.held.state import State, call, call_word, whole_plan
from symconv.code.held.truths import condition_of
from symconv.code.library.activations import ACTIVATIONS
from symconv.code.library.changes import CHANGES
from symconv.code.library.composed import COMPOSITIONS
from symconv.code.library.convolutions import CONVOLUTIONS
from symconv.code.library.extremes import EXTREMES
from symconv.code.library.given import Given, Word, axes_of, axis_of, fraction_of, shape_of
from symconv.code.library.joins import JOINS
from symconv.code.library.lookups import LOOKUPS
from symconv.code.library.moves import MOVES, reshaped
from symconv.code.library.pads import PADS
from symconv.code.library.parts import PARTS
from symconv.code.library.positions import POSITIONS, spread_positions
from symconv.code.library.products import PRODUCTS
from symconv.code.library.rolls import ROLLS
from symconv.code.library.windows import WINDOWS
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number, number_of, rounded, whole_or_product
from symconv.code.values.kinds import kind_of
from symconv.code.values.objects import Box, Combinations, Dotted, Infinity, Series, Slice
from symconv.notation.affine import affine
from symconv.notation.expr import equal
from symconv.relation.terms import as_product

__all__ = ["WORDS"]


def _filled(number: int) -> Word:
    return lambda state, g, name: boxed(state, state.on.fill(shape_of(state, g["shape"]), Fraction(number)))


def _filled_like(number: int) -> Word:
    return lambda state, g, name: boxed(
        state, state.on.fill(array_attribute(state, g["input"], "shape"), Fraction(number))
    )


def _sum(state: State, g: Given, name: str) -> Any:
    value = g["input"]
    if isinstance(value, tuple | list):
        value = call_word(state, "stack", value)
    if is_number(value):
        return value
    array = array_of(state, value)
    rank = state.on.rank(array)
    over = list(range(rank)) if g.get("axis") is None else axes_of(state, g["axis"], rank)
    options = {"keepdims": g.get("keepdims") is True, "axes": tuple(over)}
    return boxed(state, state.on.word("mean" if "mean" in name else "sum", [array], options) if over else array)


def _product(state: State, g: Given, name: str) -> Any:
    """Of numbers, and of the elements of an array where an operator of kernels is read."""
    if not (isinstance(g["input"], Box) and state.on.symbolic and state.on.exact):
        return product_of_all(state, sequence(state, g["input"]))
    array = array_of(state, g["input"])
    rank = state.on.rank(array)
    over = list(range(rank)) if g.get("axis") is None else axes_of(state, g["axis"], rank)
    return boxed(state, state.on.extreme("prod", array, over, g.get("keepdims") is True))


def _cat(state: State, g: Given, name: str) -> Box:
    items = g["arrays"]
    if isinstance(items, Series):
        return _cat_series(state, items, g.get("axis", affine(0)))
    boxes = [array_of(state, one) for one in sequence(state, items)]
    ranks = {state.on.rank(one) for one in boxes}
    if len(ranks) > 1:
        raise state.error(f"arrays that are joined have as many axes; given {' and '.join(map(str, sorted(ranks)))}")
    (axis,) = axes_of(state, g.get("axis", affine(0)), state.on.rank(boxes[0]))
    return boxed(state, joined(state, boxes, axis))


def _side_by_side(state: State, g: Given, name: str) -> Box:
    """``hstack``: along the axis after the samples, or along the only one."""
    arrays = sequence(state, g["arrays"])
    rank = state.on.rank(array_of(state, arrays[0]))
    return (
        _cat(state, {"arrays": arrays, "axis": affine(min(1, rank - 1))}, name)
        if rank
        else _stack(state, {"arrays": arrays}, name)
    )


def _in_rows(state: State, g: Given, name: str) -> Box:
    """``vstack``: along the first axis of rows."""
    arrays = sequence(state, g["arrays"])
    rank = state.on.rank(array_of(state, arrays[0]))
    found = (_cat if rank > 1 else _stack)(state, {"arrays": arrays}, name)
    # Of numbers each is a row.
    return found if rank else call(state, Dotted("numpy.expand_dims"), [found, affine(1)], {})


def _cat_series(state: State, items: Series, axis: Any) -> Box:
    """Arrays of a loop, joined along an axis they have."""
    value = array_of(state, items)
    rank = state.on.rank(value) - 1
    (at,) = axes_of(state, axis, rank)
    order = [*range(1, at + 1), 0, *range(at + 1, rank + 1)]
    moved = boxed(state, state.on.permute(value, order))
    shape = list(array_attribute(state, moved, "shape"))
    return reshaped(state, moved, [*shape[:at], binary(state, "*", shape[at], shape[at + 1]), *shape[at + 2 :]])


def joined(state: State, arrays: Sequence[Any], axis: int) -> Any:
    """Arrays one after the other along an axis: each padded to the whole, and added up."""
    sizes = [integer(state, state.on.size(a, axis), "a length") for a in arrays]
    total = sum(sizes, affine(0))
    result, before = None, affine(0)
    for array, size in zip(arrays, sizes, strict=True):
        padded = state.on.pad(array, {axis: (before, total - before - size)})
        result = padded if result is None else state.on.elementwise("+", result, padded)
        before = before + size
    return result


def _stack(state: State, g: Given, name: str) -> Box:
    items = g["arrays"]
    if isinstance(items, Series):
        value = array_of(state, items)
    else:
        arrays = [array_of(state, one) for one in sequence(state, items)]
        value = joined(state, [state.on.pick(a, (None, *whole_plan(state, a))) for a in arrays], 0)
    rank = state.on.rank(value)
    order = list(range(1, rank))
    order.insert(axis_of(state, g.get("axis", affine(0)), rank), 0)
    return boxed(state, state.on.permute(value, order))


def _broadcast(state: State, g: Given, name: str) -> Box:
    shape = array_attribute(state, g["other"], "shape") if name == "expand_as" else tuple(shape_of(state, g["shape"]))
    own = array_attribute(state, g["input"], "shape")
    lead = len(shape) - len(own)
    wanted = [own[k - lead] if size == affine(-1) else size for k, size in enumerate(shape)]
    if isinstance(g["input"], Box) and state.on.positions(current(state, g["input"])):
        return spread_positions(state, g["input"], own, wanted)
    new = state.on.elementwise("+", state.on.fill(wanted, Fraction(0)), array_of(state, g["input"]))
    if not isinstance(g["input"], Box):
        return boxed(state, new)
    # Several of its elements are one in memory: NumPy and PyTorch refuse to change it.
    found = view_of(state, g["input"], new)
    found.loose = True
    return found


def _size(state: State, g: Given, name: str) -> Any:
    shape = array_attribute(state, g["input"], "shape")
    if g.get("axis") is None:
        return shape
    return shape[axes_of(state, g["axis"], len(shape))[0]]


def _stride(state: State, g: Given, name: str) -> Any:
    steps = array_attribute(state, g["input"], "strides")
    return steps if g.get("axis") is None else steps[axes_of(state, g["axis"], len(steps))[0]]


def _rounded(state: State, g: Given, name: str) -> Any:
    if not is_number(g["x"]):
        raise Outside(
            f"{name} of an array is flat but at its jumps, so that its derivative is 0: a backward that lets the "
            f"gradient through (straight-through) is that of another function; write that one in the place of {name} "
            "to check it",
            state.line,
        )
    return rounded(number_of(g["x"]), name, state.on.decide)


def _same(state: State, g: Given, name: str) -> Any:
    return g["input"]


def _item(state: State, g: Given, name: str) -> Any:
    """The one element of an array."""
    box = g["input"]
    if not isinstance(box, Box) or not (rank := state.on.rank(current(state, box))):
        return box
    array = array_of(state, box)
    for k in range(rank):
        state.on.require(
            equal(integer(state, state.on.size(array, k), "a length"), affine(1)), f"{name} of one element"
        )
    return boxed(state, state.on.pick(array, (affine(0),) * rank), kind_of(box))


def _where(state: State, g: Given, name: str) -> Any:
    mask = condition_of(state, g["condition"])
    if isinstance(mask, bool):
        return g["a"] if mask else g["b"]
    return boxed(state, blended(state, array_of(state, mask), array_of(state, g["a"]), array_of(state, g["b"])))


def _narrow(state: State, g: Given, name: str) -> Box:
    (axis,) = axes_of(state, g["axis"], state.on.rank(current(state, g["input"])))
    start = g["start"]
    return picked(state, g["input"], (*((Slice(),) * axis), Slice(start, binary(state, "+", start, g["length"]))))


def _made(how: str) -> Word:
    number = {"zeros": 0, "ones": 1}.get(how)
    if number is None:
        return lambda state, g, name: boxed(state, state.on.unset(shape_of(state, g["shape"])))
    return _filled(number)


def _full(state: State, g: Given, name: str) -> Any:
    shape = shape_of(state, g["shape"]) if "shape" in g else array_attribute(state, g["input"], "shape")
    if g["fill_value"] == Infinity(-1):
        return boxed(state, infinity(state.on, shape))
    if isinstance(value := g["fill_value"], Box):
        if state.on.rank(array_of(state, value)):
            raise Outside(f"{name} of an array; write np.broadcast_to(a, shape), or np.zeros(shape) + a", state.line)
        return binary(state, "*", boxed(state, state.on.fill(shape, Fraction(1))), value)
    if is_number(value) and as_product(whole_or_product(value)).monomial:
        return binary(state, "*", boxed(state, state.on.fill(shape, Fraction(1))), value)
    return boxed(state, state.on.fill(shape, fraction_of(state, value)))


def _grid(state: State, g: Given, name: str) -> Combinations:
    """``np.ndindex``: the places of an array of a shape."""
    return Combinations(
        tuple((Dotted("builtins.range"), (integer(state, one, "a length"),)) for one in shape_of(state, g["shape"]))
    )


def _combined(state: State, g: Given, name: str) -> Combinations:
    """``itertools.product``."""
    rows = (g["arrays"],) if is_range(g["arrays"]) or not isinstance(g["arrays"], tuple) else g["arrays"]
    every = tuple(tuple(row) if isinstance(row, list) else row for row in rows)
    return Combinations(every * constant(state, g.get("repeat", affine(1)), "repeat"))


WORDS: dict[str, Word] = {
    "zeros": _made("zeros"), "ones": _made("ones"), "empty": _made("empty"), "new_zeros": _made("zeros"),
    "new_ones": _made("ones"), "new_empty": _made("empty"), "zeros_like": _filled_like(0), "ones_like": _filled_like(1),
    "full": _full, "full_like": _full,
    "empty_like": lambda state, g, name: boxed(state, state.on.unset(array_attribute(state, g["input"], "shape"))),
    "sum": _sum, "mean": _sum,
    "cat": _cat, "stack": _stack,
    "hstack": _side_by_side, "vstack": _in_rows,
    "broadcast": _broadcast, "expand_as": _broadcast, "size": _size,
    "shape": _size, "stride": _stride,
    "floor": _rounded, "ceil": _rounded,
    "ndim": lambda state, g, name: array_attribute(state, g["input"], "ndim"),
    "numel": lambda state, g, name: elements(state, g["input"]) if g.get("axis") is None else _size(state, g, name),
    "prod": _product,
    "item": _item,
    "exact": lambda state, g, name: state.on.exact,
    "same": _same, "where": _where, "narrow": _narrow, "grid": _grid, "product": _combined,
    **ACTIVATIONS, **PARTS, **PRODUCTS, **WINDOWS, **POSITIONS, **EXTREMES, **MOVES, **CONVOLUTIONS, **CHANGES,
    **LOOKUPS, **COMPOSITIONS, **PADS, **ROLLS, **JOINS,
}  # fmt: skip
