"""Words that move elements: flips, orders of axes, other shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from symconv.code.library.given import axes_of, shape_of
from symconv.code.library.positions import arranged_positions
from symconv.code.values.conditions import compared
from symconv.code.values.kinds import kind_of
from symconv.code.values.objects import Box
from symconv.notation.affine import affine

if TYPE_CHECKING:
    from symconv.code.reading.calls import Calls as Reader
else:
    Reader = Any

__all__ = ["MOVES", "reshaped"]

Given = Mapping[str, Any]


def _flip(r: Reader, g: Given, name: str) -> Box:
    box = g["input"]
    rank = r.on.rank(r.current(box))
    axes = list(range(rank)) if g.get("axis") is None else axes_of(r, g["axis"], rank)
    if g.get("torch"):
        return r.boxed(r.on.flip(r.array(box), axes), kind_of(box))
    return r.view(box, r.on.flip(r.array(box), axes), lambda v: r.on.flip(v, axes))


def _rot90(r: Reader, g: Given, name: str) -> Box:
    box = g["input"]
    turns = r.constant(g.get("k", affine(1)), "the number of turns") % 4
    rank = r.on.rank(r.current(box))
    a, b = axes_of(r, g.get("axis") or (affine(0), affine(1)), rank)
    order = list(range(rank))
    order[a], order[b] = b, a
    if turns == 2:
        return _flip(r, {**g, "input": box, "axis": (affine(a), affine(b))}, name)
    turned = box if turns == 0 else _flip(r, {**g, "input": box, "axis": affine(b if turns == 1 else a)}, name)
    return turned if turns == 0 else _permuted(r, turned, order)


def _permuted(r: Reader, box: Box, order: Sequence[int]) -> Box:
    if sorted(order) != list(range(r.on.rank(r.current(box)))):
        raise r.error(f"the axes {', '.join(map(str, order))} are no order of those of the array")
    return r.view(box, r.on.permute(r.array(box), order), lambda v: r.on.permute(v, order))


def _permute(r: Reader, g: Given, name: str) -> Box:
    box = g["input"]
    rank = r.on.rank(r.current(box))
    order = list(reversed(range(rank))) if g.get("axis") in (None, ()) else axes_of(r, g["axis"], rank)
    return _permuted(r, box, order)


def _swap(r: Reader, g: Given, name: str) -> Box:
    box = g["input"]
    rank = r.on.rank(r.current(box))
    (a,), (b,) = axes_of(r, g["a"], rank), axes_of(r, g["b"], rank)
    order = list(range(rank))
    order[a], order[b] = b, a
    return _permuted(r, box, order)


def _moveaxis(r: Reader, g: Given, name: str) -> Box:
    box = g["input"]
    rank = r.on.rank(r.current(box))
    sources = axes_of(r, g["source"], rank)
    if name == "rollaxis":
        end = r.constant(g.get("destination", affine(0)), "an axis")
        targets = [end % (rank + 1) - (sources[0] < end)]
    else:
        targets = axes_of(r, g["destination"], rank)
    order = [k for k in range(rank) if k not in sources]
    for target, source in sorted(zip(targets, sources, strict=True)):
        order.insert(target, source)
    return _permuted(r, box, order)


def _t(r: Reader, g: Given, name: str) -> Box:
    rank = r.on.rank(r.current(g["input"]))
    if rank > 2:
        raise r.error(f"t wants an array of at most 2 axes; given {rank} axes")
    return _permute(r, {"input": g["input"]}, name)


def _reshape(r: Reader, g: Given, name: str) -> Box:
    return reshaped(r, g["input"], shape_of(r, g["shape"]))


def reshaped(r: Reader, box: Box, shape: Sequence[Any]) -> Box:
    """The elements in another shape."""
    if r.on.positions(r.current(box)):
        return arranged_positions(r, box, list(shape))
    array = r.array(box)
    return r.loose(box, r.on.word("reshape", [array, tuple(shape)], {}))


def _flatten(r: Reader, g: Given, name: str) -> Box:
    shape = list(r.array_attribute(g["input"], "shape"))
    start = r.constant(g.get("start", affine(0)), "an axis") if name == "flatten" else 0
    return reshaped(r, g["input"], [*shape[:start], affine(-1)])


def _squeeze(r: Reader, g: Given, name: str) -> Box:
    box = g["input"]
    array = r.array(box)
    shape = r.array_attribute(box, "shape")
    if g.get("axis") is None:
        gone = [k for k, size in enumerate(shape) if compared("eq", size, affine(1), r.on.decide) is True]
    else:
        gone = axes_of(r, g["axis"], len(shape))
    plan = tuple(affine(0) if k in gone else item for k, item in enumerate(r.whole_plan(array)))
    return r.view(box, r.on.pick(array, plan), lambda v: r.on.pick(v, plan), plan)


def _unsqueeze(r: Reader, g: Given, name: str) -> Box:
    box = g["input"]
    array = r.array(box)
    rank = r.on.rank(array)
    whole = r.whole_plan(array)
    axes = sorted(axes_of(r, g["axis"], rank + 1))
    plan = list(whole)
    for k in axes:
        plan.insert(k, None)
    fixed = tuple(plan)
    return r.view(box, r.on.pick(array, fixed), lambda v: r.on.pick(v, fixed), fixed)


MOVES: dict[str, Callable[[Reader, Given, str], Any]] = {
    "flip": _flip, "permute": _permute, "swap": _swap, "t": _t, "rot90": _rot90, "moveaxis": _moveaxis,
    "fliplr": lambda r, g, name: _flip(r, {**g, "axis": affine(1)}, name),
    "flipud": lambda r, g, name: _flip(r, {**g, "axis": affine(0)}, name),
    "rollaxis": _moveaxis, "reshape": _reshape, "flatten": _flatten, "ravel": _flatten,
    "reshape_as": lambda r, g, name: reshaped(r, g["input"], r.array_attribute(g["other"], "shape")),
    "squeeze": _squeeze, "unsqueeze": _unsqueeze,
}  # fmt: skip
