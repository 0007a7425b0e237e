"""Words of extremes and of what is made of sums: ``max``, ``argmax``, ``unravel_index``, ``var``, ``softmax``."""

from __future__ import annotations

from typing import Any

from symconv.code.held.boxes import array_of, boxed, current, loose_view
from symconv.code.held.numbers import constant, integer
from symconv.code.held.operators import binary
from symconv.code.held.sequences import sequence
from symconv.code.held.state import State, call_word, fails
from symconv.code.library.given import Given, Word, axes_of
from symconv.code.source.labels import NO_CLASSES
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number
from symconv.code.values.kinds import INT, REAL, kind_of, kind_of_type
from symconv.code.values.objects import Box, Choice, Chosen, Extremes, Stale
from symconv.notation.affine import ZERO, Affine, affine
from symconv.prove.meaning.scope import Undecided

__all__ = ["EXTREMES"]


def _over(state: State, g: Given, array: Any) -> list[int]:
    rank = state.on.rank(array)
    return list(range(rank)) if g.get("axis") is None else axes_of(state, g["axis"], rank)


def _extreme(state: State, g: Given, name: str) -> Any:
    kind = "min" if "min" in name else "max"
    if isinstance(g.get("axis"), Box):
        return call_word(state, f"{kind}imum", g["input"], g["axis"])
    if is_number(g["input"]):
        return g["input"]
    array = array_of(state, g["input"])
    if g.get("mask") is not None:
        mask = array_of(state, g["mask"])
        return boxed(state, state.on.extreme(kind, array, _over(state, g, array), False, mask))
    if name != "first" and _ties_are_shared(state, g, name):
        kind += ":share"
    return boxed(state, state.on.extreme(kind, array, _over(state, g, array), g.get("keepdims") is True))


def _ties_are_shared(state: State, g: Given, name: str) -> bool:
    """Whether the libraries of the text share the derivative between equal extremes, where an operator is formed.

    PyTorch's ``max`` along an axis gives it to the one whose place it returns. NumPy has no derivative.
    """
    libraries = state.program.libraries
    if not (state.on.forming and {"torch", "jax", "tensorflow"} & libraries):
        return False
    if "numpy" in libraries and not name.startswith("a"):
        return False
    return "torch" not in libraries or name.startswith("a") or g.get("axis") is None


def _torch_extreme(state: State, g: Given, name: str) -> Any:
    """PyTorch's: along an axis the elements and their places, of all one element, of two arrays the larger ones."""
    axis = g.get("axis")
    if axis is None and "keepdims" in g:
        raise state.error(f"{name} of PyTorch takes keepdim with an axis, given as dim")
    if isinstance(axis, tuple | list):
        raise state.error(f"{name} of PyTorch takes one axis; a{name} takes several")
    if axis is None or isinstance(axis, Box):
        return _extreme(state, g, name)
    values = _extreme(state, g, name)
    if not isinstance(values, Box):
        raise Outside(f"{name} of a number along an axis", state.line)
    values.kind = kind_of(g["input"])
    return Extremes(values, _places(state, g, name))


def _places(state: State, g: Given, name: str) -> Any:
    """Where the extreme elements are along an axis."""
    try:
        return _position(state, g, name)
    except Undecided as problem:
        return Stale(f"the places that {name} of PyTorch gives along an axis are not read: {problem}")


def _position(state: State, g: Given, name: str) -> Any:
    """``argmax``: of all elements a position that is known when the numbers are; along an axis an array of them."""
    kind = "max" if "max" in name else "min"
    if state.on.positions(labels := current(state, g["input"])) and g.get("axis") is not None:
        _has_classes(state, name, labels, g["axis"])
    array = array_of(state, g["input"])
    axis = None if g.get("axis") is None else axes_of(state, g["axis"], state.on.rank(array))[0]
    if axis is None and g.get("keepdims") is True:
        raise Outside(f"{name} of all elements with keepdims; axis= says of which axis", state.line)
    found = state.on.position(kind, array, axis, g.get("keepdims") is True)
    return found if isinstance(found, Choice | Affine) else boxed(state, found, INT)


def _has_classes(state: State, name: str, labels: Any, axis: Any) -> None:
    """Leaves out where Python raises an error: ``t.argmax(axis=1)`` is of one-hot rows, and not of labels."""
    rank = state.on.rank(labels)
    if not -rank <= constant(state, axis, "the number of an axis") < rank:
        fails(state, f"{name} along {NO_CLASSES}")


def _unravelled(state: State, g: Given, name: str) -> tuple[Any, ...]:
    shape = [integer(state, one, "a length") for one in sequence(state, g["shape"])]
    index = g["indices"]
    if isinstance(index, Choice):
        if len(index.sizes) != len(shape):
            raise Outside("unravel_index with a shape that is not that of the array", state.line)
        for one, size in zip(index.sizes, shape, strict=True):
            if not state.terms.walk.same(one, size):
                raise Outside("unravel_index with a shape that is not that of the array", state.line)
        return tuple(Chosen(index, k) for k in range(len(shape)))
    if isinstance(index, Box):
        raise Outside("unravel_index of an array of positions", state.line)
    rest = integer(state, index, "a position")
    found: list[Any] = []
    for size in reversed(shape):
        found.append(binary(state, "%", rest, size))
        rest = integer(state, binary(state, "//", rest, size), "a position")
    return tuple(reversed(found))


def _spread(word: str) -> Word:
    """``var`` and ``std``: squares over their number less ``ddof``, which is 1 in PyTorch unless told otherwise."""

    def read(state: State, g: Given, name: str) -> Any:
        if isinstance(g.get("axis"), bool) or g.get("out") is not None or kind_of_type(g.get("dtype", "float")) != REAL:
            raise Outside(f"{name} with these arguments is not read", state.line)
        given = [g[key] for key in ("unbiased", "ddof", "correction") if key in g]
        less = given[0] if given else bool(g.get("torch"))
        less = affine(int(less)) if isinstance(less, bool) else integer(state, less, "what N is less by")
        found = _word("var" if less != ZERO else word)(state, g, name)
        if less == ZERO:
            return found
        array = array_of(state, g["input"])
        count: Any = affine(1)
        for axis in _over(state, g, array):
            count = binary(state, "*", count, state.on.size(array, axis))
        found = binary(state, "/", binary(state, "*", found, count), binary(state, "-", count, less))
        return call_word(state, "sqrt", found) if word == "std" else found

    return read


def _word(word: str) -> Word:
    """A word of the claim language over axes."""

    def read(state: State, g: Given, name: str) -> Box:
        array = array_of(state, g["input"])
        options: dict[str, Any] = {}
        if g.get("axis") is not None:
            axes = [affine(k) for k in _over(state, g, array)]
            options["axes"] = axes[0] if len(axes) == 1 else tuple(axes)
        if g.get("keepdims") is True:
            options["keepdims"] = True
        return boxed(state, state.on.word(word, [array], options))

    return read


def _broadcast_arrays(state: State, g: Given, name: str) -> list[Box]:
    boxes = list(g["arrays"])
    zero = binary(state, "*", boxes[0], affine(0))
    for box in boxes[1:]:
        zero = binary(state, "+", zero, binary(state, "*", box, affine(0)))
    return [loose_view(state, box, array_of(state, binary(state, "+", box, zero))) for box in boxes]


EXTREMES: dict[str, Word] = {
    "extreme": _extreme, "first": _extreme, "torch_extreme": _torch_extreme,
    "position": _position, "unravel_index": _unravelled, "broadcast_arrays": _broadcast_arrays,
    "var": _spread("var"), "std": _spread("std"), "softmax": _word("softmax"), "log_softmax": _word("log_softmax"),
    "logsumexp": _word("logsumexp"), "norm": _word("norm"),
}  # fmt: skip
