"""Words that move elements: flips, orders of axes, other shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symconv.code.held.attributes import array_attribute
from symconv.code.held.boxes import array_of, boxed, current, loose_view, view_of
from symconv.code.held.numbers import constant, integer
from symconv.code.held.state import State, whole_plan
from symconv.code.library.given import Given, Word, axes_of, shape_of
from symconv.code.library.positions import arranged_positions
from symconv.code.source.trouble import Outside
from symconv.code.values.conditions import compared
from symconv.code.values.kinds import kind_of
from symconv.code.values.objects import Box
from symconv.notation.affine import Affine, affine
from symconv.notation.expr import equal, nonnegative

__all__ = ["MOVES", "reshaped"]


def _flip(state: State, g: Given, name: str) -> Box:
    box = g["input"]
    rank = state.on.rank(current(state, box))
    axes = list(range(rank)) if g.get("axis") is None else axes_of(state, g["axis"], rank)
    if g.get("torch"):
        return boxed(state, state.on.flip(array_of(state, box), axes), kind_of(box))
    return view_of(state, box, state.on.flip(array_of(state, box), axes), lambda v: state.on.flip(v, axes))


def _cumsum(state: State, g: Given, name: str) -> Box:
    """Running sums; without an axis NumPy's are of the flattened array."""
    array = array_of(state, g["input"])
    rank = state.on.rank(array)
    if g.get("axis") is None and rank != 1:
        raise Outside("cumsum of the flattened array", state.line)
    axis = affine(0) if g.get("axis") is None else affine(axes_of(state, g["axis"], rank)[0])
    return boxed(state, state.on.word("cumsum", [array, axis], {}))


def _tf_cumsum(state: State, g: Given, name: str) -> Box:
    """TensorFlow's along the first axis if nothing is said, and from the end where that is asked for."""
    if g.get("exclusive", False) is not False or not isinstance(g.get("reverse", False), bool):
        raise Outside("cumsum without the element itself", state.line)
    array, axis = array_of(state, g["input"]), g.get("axis", affine(0))
    if not g.get("reverse", False):
        return _cumsum(state, {"input": boxed(state, array), "axis": axis}, name)
    axes = axes_of(state, axis, state.on.rank(array))
    found = _cumsum(state, {"input": boxed(state, state.on.flip(array, axes)), "axis": axis}, name)
    return boxed(state, state.on.flip(array_of(state, found), axes))


def _triangle(state: State, g: Given, name: str) -> Box:
    diagonal = integer(state, g.get("k", g.get("diagonal", affine(0))), "a diagonal")
    return boxed(state, state.on.word(name, [array_of(state, g["input"]), diagonal], {}))


def _diff(state: State, g: Given, name: str) -> Box:
    array = array_of(state, g["input"])
    times = constant(state, g.get("n", affine(1)), "how often neighbours are subtracted")
    axis = axes_of(state, g.get("axis", affine(-1)), state.on.rank(array))[0]
    return boxed(state, state.on.word("diff", [array, affine(times), affine(axis)], {}))


def _rot90(state: State, g: Given, name: str) -> Box:
    box = g["input"]
    turns = constant(state, g.get("k", affine(1)), "the number of turns") % 4
    rank = state.on.rank(current(state, box))
    a, b = axes_of(state, g.get("axis") or (affine(0), affine(1)), rank)
    order = list(range(rank))
    order[a], order[b] = b, a
    if turns == 2:
        return _flip(state, {**g, "input": box, "axis": (affine(a), affine(b))}, name)
    turned = box if turns == 0 else _flip(state, {**g, "input": box, "axis": affine(b if turns == 1 else a)}, name)
    return turned if turns == 0 else _permuted(state, turned, order)


def _permuted(state: State, box: Box, order: Sequence[int]) -> Box:
    if sorted(order) != list(range(state.on.rank(current(state, box)))):
        raise state.error(f"the axes {', '.join(map(str, order))} are no order of those of the array")
    return view_of(state, box, state.on.permute(array_of(state, box), order), lambda v: state.on.permute(v, order))


def _permute(state: State, g: Given, name: str) -> Box:
    box = g["input"]
    rank = state.on.rank(current(state, box))
    order = list(reversed(range(rank))) if g.get("axis") in (None, ()) else axes_of(state, g["axis"], rank)
    return _permuted(state, box, order)


def _swap(state: State, g: Given, name: str) -> Box:
    box = g["input"]
    rank = state.on.rank(current(state, box))
    (a,), (b,) = axes_of(state, g["a"], rank), axes_of(state, g["b"], rank)
    order = list(range(rank))
    order[a], order[b] = b, a
    return _permuted(state, box, order)


def _moveaxis(state: State, g: Given, name: str) -> Box:
    box = g["input"]
    rank = state.on.rank(current(state, box))
    sources = axes_of(state, g["source"], rank)
    if name == "rollaxis":
        end = constant(state, g.get("destination", affine(0)), "an axis")
        targets = [end % (rank + 1) - (sources[0] < end)]
    else:
        targets = axes_of(state, g["destination"], rank)
    order = [k for k in range(rank) if k not in sources]
    for target, source in sorted(zip(targets, sources, strict=True)):
        order.insert(target, source)
    return _permuted(state, box, order)


def _unbind(state: State, g: Given, name: str) -> Box:
    """The arrays along an axis: an array whose first axis it is stands for them."""
    axis = axes_of(state, g.get("axis", affine(0)), state.on.rank(current(state, g["input"])))[0]
    return _moveaxis(state, {"input": g["input"], "source": affine(axis), "destination": affine(0)}, name)


def _t(state: State, g: Given, name: str) -> Box:
    rank = state.on.rank(current(state, g["input"]))
    if rank > 2:
        raise state.error(f"t wants an array of at most 2 axes; given {rank} axes")
    return _permute(state, {"input": g["input"]}, name)


def _reshape(state: State, g: Given, name: str) -> Box:
    return reshaped(state, g["input"], shape_of(state, g["shape"]))


def reshaped(state: State, box: Box, shape: Sequence[Any]) -> Box:
    """The elements in another shape."""
    for one in shape:
        if isinstance(one, Affine) and one.is_constant and one.constant < -1:
            raise Outside(f"a length of {one}, which NumPy takes for -1 and PyTorch refuses: write -1", state.line)
    if state.on.positions(current(state, box)):
        return arranged_positions(state, box, list(shape))
    array = array_of(state, box)
    if _is_own_shape(state, array, shape):
        return box  # never a copy
    return loose_view(state, box, state.on.word("reshape", [array, tuple(_as_first(state, array, shape))], {}))


def _is_own_shape(state: State, array: Any, shape: Sequence[Any]) -> bool:
    """Whether the shape that is wanted is the one that there is, for all sizes; -1 is what the others leave."""
    own = [state.on.size(array, k) for k in range(state.on.rank(array))]
    rest = [k for k, one in enumerate(shape) if one == affine(-1)]
    if len(own) != len(shape) or len(rest) > 1 or not all(isinstance(one, Affine) for one in (*own, *shape)):
        return False

    def fits(mine: Affine, wanted: Affine) -> bool:
        if not state.on.symbolic:
            return mine == wanted and (not rest or mine.constant > 0)
        walk = state.terms.walk
        return walk.same(mine, wanted) and (not rest or walk.always(nonnegative(mine - 1)))

    return all(k in rest or fits(mine, wanted) for k, (mine, wanted) in enumerate(zip(own, shape, strict=True)))


def _as_first(state: State, array: Any, shape: Sequence[Any]) -> Sequence[Any]:
    """``t.view(n, -1)`` of targets in a forward function, with ``n`` of the input: as many as ``t`` has, to fit."""
    if not state.on.symbolic or not state.terms.partial:
        return shape
    own = [state.on.size(array, k) for k in range(state.on.rank(array))]
    _as_shaped(state, own, shape)
    if affine(-1) not in shape[1:]:
        return shape
    named = {name for one in own if isinstance(one, Affine) for name in one.names()}
    first = shape[0]
    if not own or not isinstance(first, Affine) or not isinstance(own[0], Affine) or first.is_constant:
        return shape
    strange = first.names().isdisjoint(named)
    return [own[0], *shape[1:]] if strange and state.terms.walk.alike(own[0], first) else shape


def _as_shaped(state: State, own: Sequence[Any], shape: Sequence[Any]) -> None:
    """``h.reshape(N, 1, H)`` with sizes of another array: ``h`` is N x H there, and has no other lengths."""
    wanted = [one for one in shape if one != affine(1)]
    sizes = [one for one in (*own, *wanted) if isinstance(one, Affine) and not one.is_constant]
    named = {name for one in own if isinstance(one, Affine) for name in one.names()}
    if len(own) != len(wanted) or len(sizes) < 2 * len(own) or len(own) < 2 or shape == own:
        return
    if all(named.isdisjoint(one.names()) for one in wanted):
        for mine, one in zip(own, wanted, strict=True):
            state.on.require(equal(mine, one), "a shape that is said")


def _flatten(state: State, g: Given, name: str) -> Box:
    box = g["input"]
    shape = list(array_attribute(state, box, "shape"))
    start = constant(state, g.get("start", affine(0)), "an axis") if name == "flatten" else 0
    made = reshaped(state, box, [*shape[:start], affine(-1)])
    if name != "flatten" or "numpy" not in state.program.libraries:
        return made
    # NumPy's has elements of its own even where the shape stays; PyTorch's is the array itself then.
    array = array_of(state, made)
    if "torch" in state.program.libraries:
        return loose_view(state, box, array)
    return boxed(state, array if state.on.symbolic else array.copy(), kind_of(box))


def _squeeze(state: State, g: Given, name: str) -> Box:
    box = g["input"]
    array = array_of(state, box)
    shape = array_attribute(state, box, "shape")
    if g.get("axis") is None:
        gone = [k for k, size in enumerate(shape) if compared("eq", size, affine(1), state.on.decide) is True]
    else:
        gone = [k for k in axes_of(state, g["axis"], len(shape)) if _of_length_one(state, shape[k])]
    plan = tuple(affine(0) if k in gone else item for k, item in enumerate(whole_plan(state, array)))
    return view_of(state, box, state.on.pick(array, plan), lambda v: state.on.pick(v, plan), plan)


def _of_length_one(state: State, size: Any) -> bool:
    """Whether an axis goes away: NumPy wants it to have length 1, and PyTorch leaves others alone."""
    if "torch" not in state.program.libraries:
        if isinstance(size, Affine):
            state.on.require(equal(size, affine(1)), f"squeeze of an axis of length {size}")
            return True
        raise Outside("squeeze of an axis whose length is a product of sizes", state.line)
    found = compared("eq", size, affine(1), state.on.decide) is True
    if not found and {"numpy", "jax", "cupy"} & state.program.libraries:
        raise Outside(
            "squeeze of an axis of other lengths than 1 is an error in NumPy and nothing in PyTorch", state.line
        )
    return found


def _unsqueeze(state: State, g: Given, name: str) -> Box:
    box = g["input"]
    array = array_of(state, box)
    rank = state.on.rank(array)
    whole = whole_plan(state, array)
    axes = sorted(axes_of(state, g["axis"], rank + 1))
    plan = list(whole)
    for k in axes:
        plan.insert(k, None)
    fixed = tuple(plan)
    return view_of(state, box, state.on.pick(array, fixed), lambda v: state.on.pick(v, fixed), fixed)


MOVES: dict[str, Word] = {
    "cumsum": _cumsum, "tf_cumsum": _tf_cumsum, "triangle": _triangle, "diff": _diff,
    "flip": _flip, "permute": _permute, "swap": _swap, "t": _t, "rot90": _rot90, "moveaxis": _moveaxis,
    "fliplr": lambda state, g, name: _flip(state, {**g, "axis": affine(1)}, name),
    "flipud": lambda state, g, name: _flip(state, {**g, "axis": affine(0)}, name),
    "rollaxis": _moveaxis, "reshape": _reshape, "flatten": _flatten, "ravel": _flatten,
    "reshape_as": lambda state, g, name: reshaped(state, g["input"], array_attribute(state, g["other"], "shape")),
    "unbind": _unbind, "squeeze": _squeeze, "unsqueeze": _unsqueeze,
}  # fmt: skip
