"""What the words of libraries do, said once for all sizes and for numbers: arrays that are made, moved and joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from symconv.code.library.changes import CHANGES
from symconv.code.library.convolutions import CONVOLUTIONS
from symconv.code.library.extremes import EXTREMES
from symconv.code.library.given import axes_of, fraction_of, shape_of
from symconv.code.library.moves import MOVES, reshaped
from symconv.code.library.positions import POSITIONS
from symconv.code.library.products import PRODUCTS
from symconv.code.library.windows import WINDOWS
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number, number_of, rounded
from symconv.code.values.objects import Box, Series, Slice
from symconv.notation.affine import affine, quotient
from symconv.notation.expr import nonnegative
from symconv.prove.meaning.value import Product

if TYPE_CHECKING:
    from symconv.code.reading.calls import Calls as Reader
else:
    Reader = Any

__all__ = ["WORDS"]

Given = Mapping[str, Any]
Word = Callable[[Reader, Given, str], Any]


def _filled(number: int) -> Word:
    return lambda r, g, name: r.boxed(r.on.fill(shape_of(r, g["shape"]), Fraction(number)))


def _filled_like(number: int) -> Word:
    return lambda r, g, name: r.boxed(r.on.fill(r.array_attribute(g["input"], "shape"), Fraction(number)))


def _torch_pad(r: Reader, g: Given, name: str) -> Box:
    _constant_mode(r, g)
    array = r.array(g["input"])
    rank, pads = r.on.rank(array), list(r.sequence(g["pad"]))
    found = {}
    for k in range(len(pads) // 2):
        found[rank - 1 - k] = (r.integer(pads[2 * k], "a pad"), r.integer(pads[2 * k + 1], "a pad"))
    return r.boxed(r.on.pad(array, found))


def _constant_mode(r: Reader, g: Given) -> None:
    mode = g.get("mode", "constant")
    value = g.get("value", g.get("constant_values"))
    if str(mode).lower() != "constant" or not (value is None or value == affine(0) or value == Product(Fraction(0))):
        raise Outside(f"pad with {mode if mode != 'constant' else 'a number that is not 0'}", r.line)


def _pad(r: Reader, g: Given, name: str) -> Box:
    if g.get("mode") is None or isinstance(g.get("mode"), str):
        _constant_mode(r, g)
    array = r.array(g["input"])
    rank = r.on.rank(array)
    width = g["pad_width"]
    rows: list[Any] = [width] * rank if is_number(width) else list(r.sequence(width))
    if len(rows) == 2 and all(map(is_number, rows)):
        rows = [tuple(rows)] * rank
    if len(rows) == 1:
        rows = rows * rank
    if len(rows) != rank:
        raise r.error(f"pad has {len(rows)} pairs; the array has {rank} axes")
    found = {}
    for k, row in enumerate(rows):
        pair = [row, row] if is_number(row) else list(r.sequence(row))
        pair = pair * 2 if len(pair) == 1 else pair
        lo, hi = (r.integer(one, "a pad") for one in pair)
        for one in (lo, hi):
            r.on.require(nonnegative(one), f"pad by {one}")
        found[k] = (lo, hi)
    return r.boxed(r.on.pad(array, found))


def _sum(r: Reader, g: Given, name: str) -> Any:
    value = g["input"]
    if isinstance(value, tuple | list):
        value = r.call_word("stack", value)
    if is_number(value):
        return value
    array = r.array(value)
    rank = r.on.rank(array)
    over = list(range(rank)) if g.get("axis") is None else axes_of(r, g["axis"], rank)
    options = {"keepdims": g.get("keepdims") is True, "axes": tuple(over)}
    return r.boxed(r.on.word("mean" if "mean" in name else "sum", [array], options) if over else array)


def _clamp(r: Reader, g: Given, name: str) -> Any:
    value = g["input"]
    for word, bound in (("maximum", g.get("min")), ("minimum", g.get("max"))):
        if bound is not None:
            if word == "maximum" and bound in (affine(0), Product(Fraction(0))):
                value = r.boxed(r.on.mapped("relu", r.array(value)))
            else:
                value = r.call_word(word, value, bound)
    return value


def _cat(r: Reader, g: Given, name: str) -> Box:
    items = g["arrays"]
    if isinstance(items, Series):
        return _cat_series(r, items, g.get("axis", affine(0)))
    boxes = [r.array(one) for one in r.sequence(items)]
    (axis,) = axes_of(r, g.get("axis", affine(0)), r.on.rank(boxes[0]))
    return r.boxed(joined(r, boxes, axis))


def _cat_series(r: Reader, items: Series, axis: Any) -> Box:
    """Arrays of a loop, joined along an axis they have."""
    value = r.array(items)
    rank = r.on.rank(value) - 1
    (at,) = axes_of(r, axis, rank)
    order = [*range(1, at + 1), 0, *range(at + 1, rank + 1)]
    moved = r.boxed(r.on.permute(value, order))
    shape = list(r.array_attribute(moved, "shape"))
    return reshaped(r, moved, [*shape[:at], r.binary("*", shape[at], shape[at + 1]), *shape[at + 2 :]])


def joined(r: Reader, arrays: Sequence[Any], axis: int) -> Any:
    """Arrays one after the other along an axis: each padded to the whole, and added up."""
    sizes = [r.integer(r.on.size(a, axis), "a length") for a in arrays]
    total = sum(sizes, affine(0))
    result, before = None, affine(0)
    for array, size in zip(arrays, sizes, strict=True):
        padded = r.on.pad(array, {axis: (before, total - before - size)})
        result = padded if result is None else r.on.elementwise("+", result, padded)
        before = before + size
    return result


def _stack(r: Reader, g: Given, name: str) -> Box:
    items = g["arrays"]
    axis = r.constant(g.get("axis", affine(0)), "an axis")
    if isinstance(items, Series):
        value = r.array(items)
    else:
        arrays = [r.array(one) for one in r.sequence(items)]
        value = joined(r, [r.on.pick(a, (None, *r.whole_plan(a))) for a in arrays], 0)
    rank = r.on.rank(value)
    order = list(range(1, rank))
    order.insert(axis % rank, 0)
    return r.boxed(r.on.permute(value, order))


def _chunk(r: Reader, g: Given, name: str) -> list[Box]:
    box = g["input"]
    (axis,) = axes_of(r, g.get("axis", affine(0)), r.on.rank(r.current(box)))
    count = r.constant(g["count"], "the number of parts")
    from symconv.notation.expr import equal

    whole = r.integer(r.on.size(r.current(box), axis), "a length")
    size = quotient(whole, count)
    r.on.require(equal(whole, size * count), f"{whole} in {count} equal parts")
    lead = (Slice(),) * axis
    return [r.picked(box, (*lead, Slice(size * k, size * (k + 1)))) for k in range(count)]


def _split_by(r: Reader, g: Given, name: str) -> list[Box]:
    size = r.constant(g["size"], "the size of a part")
    (axis,) = axes_of(r, g.get("axis", affine(0)), r.on.rank(r.current(g["input"])))
    whole = r.integer(r.on.size(r.current(g["input"]), axis), "a length")
    return _chunk(r, {**g, "count": quotient(whole + size - 1, size)}, name)


def _broadcast(r: Reader, g: Given, name: str) -> Box:
    array = r.array(g["input"])
    shape = r.array_attribute(g["other"], "shape") if name == "expand_as" else tuple(shape_of(r, g["shape"]))
    own = r.array_attribute(g["input"], "shape")
    lead = len(shape) - len(own)
    wanted = [own[k - lead] if size == affine(-1) else size for k, size in enumerate(shape)]
    new = r.on.elementwise("+", r.on.fill(wanted, Fraction(0)), array)
    if not isinstance(g["input"], Box):
        return r.boxed(new)
    # Several of its elements are one in memory: NumPy and PyTorch refuse to change it.
    found = r.view(g["input"], new)
    found.loose = True
    return found


def _size(r: Reader, g: Given, name: str) -> Any:
    shape = r.array_attribute(g["input"], "shape")
    if g.get("axis") is None:
        return shape
    return shape[axes_of(r, g["axis"], len(shape))[0]]


def _rounded(r: Reader, g: Given, name: str) -> Any:
    if not is_number(g["x"]):
        raise Outside(f"{name} of an array", r.line)
    return rounded(number_of(g["x"]), name, r.on.decide)


def _item(r: Reader, g: Given, name: str) -> Any:
    return g["input"]


def _where(r: Reader, g: Given, name: str) -> Any:
    mask = r.condition(g["condition"])
    if isinstance(mask, bool):
        return g["a"] if mask else g["b"]
    held = r.array(mask)
    other = r.on.elementwise("-", r.on.lift(Product(Fraction(1))), held)
    parts = [r.on.elementwise("*", m, r.array(v)) for m, v in ((held, g["a"]), (other, g["b"]))]
    return r.boxed(r.on.elementwise("+", *parts))


def _narrow(r: Reader, g: Given, name: str) -> Box:
    (axis,) = axes_of(r, g["axis"], r.on.rank(r.current(g["input"])))
    start = g["start"]
    return r.picked(g["input"], (*((Slice(),) * axis), Slice(start, r.binary("+", start, g["length"]))))


def _made(how: str) -> Word:
    number = {"zeros": 0, "ones": 1}.get(how)
    if number is None:
        return lambda r, g, name: r.boxed(r.on.unset(shape_of(r, g["shape"])))
    return _filled(number)


WORDS: dict[str, Word] = {
    "zeros": _made("zeros"), "ones": _made("ones"), "empty": _made("empty"), "new_zeros": _made("zeros"),
    "new_ones": _made("ones"), "new_empty": _made("empty"), "zeros_like": _filled_like(0), "ones_like": _filled_like(1),
    "full": lambda r, g, name: r.boxed(r.on.fill(shape_of(r, g["shape"]), fraction_of(r, g["fill_value"]))),
    "full_like": lambda r, g, name: r.boxed(
        r.on.fill(r.array_attribute(g["input"], "shape"), fraction_of(r, g["fill_value"]))
    ),
    "empty_like": lambda r, g, name: r.boxed(r.on.unset(r.array_attribute(g["input"], "shape"))),
    "torch_pad": _torch_pad, "pad": _pad, "sum": _sum, "mean": _sum,
    "clamp": _clamp, "cat": _cat, "stack": _stack, "chunk": _chunk,
    "split_by": _split_by, "broadcast": _broadcast, "expand_as": _broadcast, "size": _size,
    "shape": _size,
    "floor": _rounded, "ceil": _rounded,
    "ndim": lambda r, g, name: r.array_attribute(g["input"], "ndim"),
    "numel": lambda r, g, name: r.product(r.array_attribute(g["input"], "shape")),
    "prod": lambda r, g, name: r.product(r.sequence(g["items"])),
    "item": _item,
    "same": _item, "where": _where, "narrow": _narrow,
    **PRODUCTS, **WINDOWS, **POSITIONS, **EXTREMES, **MOVES, **CONVOLUTIONS, **CHANGES,
}  # fmt: skip
