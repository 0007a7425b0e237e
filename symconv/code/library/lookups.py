"""Words that take labels: elements that they name, ``one_hot``, losses of classes."""

from __future__ import annotations

from typing import Any

from symconv.code.held.boxes import array_of, boxed, current
from symconv.code.held.elements import picked, plan_of, scatter
from symconv.code.held.numbers import constant, integer
from symconv.code.held.operators import binary, unary
from symconv.code.held.state import State, call
from symconv.code.held.truths import compared_values
from symconv.code.library.given import Given, Word, axes_of
from symconv.code.library.positions import arranged_positions
from symconv.code.source.trouble import Outside
from symconv.code.values.kinds import INT, kind_of
from symconv.code.values.objects import Box, Dotted, Slice
from symconv.notation.affine import Affine, affine

__all__ = ["LOOKUPS"]


def _labels(state: State, g: Given, *keys: str) -> Box:
    """The argument that is an array of labels."""
    box = next((g[key] for key in keys if g.get(key) is not None), None)
    if not isinstance(box, Box) or not state.on.positions(current(state, box)):
        raise Outside("labels are wanted here, as an array of whole numbers", state.line)
    return box


def _axis(state: State, g: Given, rank: int) -> int:
    if g.get("axis") is None:
        raise Outside("elements of a flattened array; axis= says of which axis", state.line)
    (axis,) = axes_of(state, g["axis"], rank)
    return axis


def _lookup(state: State, g: Given, name: str) -> Box:
    """``W[labels]`` along one axis; TensorFlow's along the first one if nothing is said."""
    axis = _axis(state, g if name != "gather" else {"axis": affine(0), **g}, state.on.rank(current(state, g["input"])))
    return picked(state, g["input"], (*(Slice(),) * axis, _labels(state, g, "indices", "index")))


def _embedding(state: State, g: Given, name: str) -> Box:
    return picked(state, g["weight"], (_labels(state, g, "input"),))


def _counted(state: State, length: Affine, place: int, rank: int) -> Box:
    """The positions along one axis of several."""
    row = boxed(state, state.on.counted(affine(0), 1, length), INT)
    return arranged_positions(state, row, [affine(-1) if k == place else affine(1) for k in range(rank)])


def _along(state: State, g: Given, lengths_of: Box) -> tuple[Any, ...]:
    """The subscript that ``gather`` means: the labels along one axis, each place its own along the others."""
    labels = _labels(state, g, "indices", "index")
    held, other = current(state, labels), current(state, lengths_of)
    rank = state.on.rank(held)
    if rank != state.on.rank(current(state, g["input"])):
        raise state.error(f"the labels have {rank} axes, the array has {state.on.rank(current(state, g['input']))}")
    axis = _axis(state, g, rank)
    sizes = [integer(state, state.on.size(other, k), "a length") for k in range(rank)]
    if state.on.symbolic:
        # There may be fewer labels than rows, which is a case of its own.
        array = current(state, g["input"])
        lengths = [integer(state, state.on.size(array, k), "a length") for k in range(rank)]
        for k in set(range(rank)) - {axis}:
            state.terms.walk.alike(sizes[k], lengths[k])
    return tuple(labels if k == axis else _counted(state, sizes[k], k, rank) for k in range(rank))


def _take_along(state: State, g: Given, name: str) -> Box:
    return picked(state, g["input"], _along(state, g, g["input"]))


def _gather(state: State, g: Given, name: str) -> Box:
    return picked(state, g["input"], _along(state, g, _labels(state, g, "index")))


def _changed(state: State, g: Given, name: str) -> Box:
    """The array that is changed: itself, or a copy."""
    box: Box = g["input"]
    if name.endswith("_"):
        return box
    held = array_of(state, box)
    return boxed(state, held if state.on.symbolic else held.copy(), kind_of(box))


def _index_add(state: State, g: Given, name: str) -> Box:
    box = _changed(state, g, name)
    held = current(state, box)
    axis = _axis(state, g, state.on.rank(held))
    source = g["source"] if g.get("alpha") is None else binary(state, "*", g["alpha"], g["source"])
    plan = plan_of(state, held, (*(Slice(),) * axis, _labels(state, g, "index")))
    scatter(state, box, plan, array_of(state, source), 1, "at")
    return box


def _scatter_add(state: State, g: Given, name: str) -> Box:
    box = _changed(state, g, name)
    plan = plan_of(state, current(state, box), _along(state, g, _labels(state, g, "index")))
    scatter(state, box, plan, array_of(state, g["src"]), 1, "at")
    return box


def _scatter(state: State, g: Given, name: str) -> Box:
    box = _changed(state, g, name)
    plan = plan_of(state, current(state, box), _along(state, g, _labels(state, g, "index")))
    scatter(state, box, plan, array_of(state, g["src"]), 1, "=")
    return box


def _put_along(state: State, g: Given, name: str) -> None:
    box: Box = g["input"]
    plan = plan_of(state, current(state, box), _along(state, g, box))
    scatter(state, box, plan, array_of(state, g["values"]), 1, "=")


def _eye(state: State, g: Given, name: str) -> Box:
    rows = integer(state, g["rows"], "a length")
    columns = rows if g.get("columns") is None else integer(state, g["columns"], "a length")
    if g.get("k") is not None and constant(state, g["k"], "a diagonal"):
        raise Outside("eye with another diagonal", state.line)
    found = compared_values(state, "==", _counted(state, rows, 0, 2), _counted(state, columns, 1, 2))
    return boxed(state, array_of(state, found))


def _one_hot(state: State, g: Given, name: str) -> Box:
    if g.get("classes") is None:
        raise Outside("one_hot without the number of classes", state.line)
    return picked(state, _eye(state, {"rows": g["classes"]}, name), (_labels(state, g, "input"),))


def _nll(state: State, g: Given, name: str) -> Box:
    """The mean of what stands at the labels, negated; ``reduction`` says otherwise."""
    values, labels = g["input"], _labels(state, g, "target")
    held = current(state, values)
    if state.on.rank(held) != 2 or state.on.rank(current(state, labels)) != 1:
        raise Outside(f"{name} of other than a matrix and a vector of labels", state.line)
    rows = _counted(state, integer(state, state.on.size(held, 0), "a length"), 0, 1)
    lost = unary(state, "-", picked(state, values, (rows, labels)))
    reduction = g.get("reduction", "mean")
    if reduction not in {"mean", "sum", "none"}:
        raise state.error(f"the reduction of {name} is mean, sum or none; given {reduction!r}")
    found: Box = lost if reduction == "none" else call(state, Dotted(f"torch.{reduction}"), [lost], {})
    return found


def _cross_entropy(state: State, g: Given, name: str) -> Box:
    logits = call(state, Dotted("torch.log_softmax"), [g["input"], affine(1)], {})
    return _nll(state, {**g, "input": logits}, name)


def _sparse(state: State, g: Given, name: str) -> Box:
    """TensorFlow's, a number for each row."""
    return _cross_entropy(state, {"input": g["logits"], "target": g["labels"], "reduction": "none"}, name)


LOOKUPS: dict[str, Word] = {
    "lookup": _lookup, "embedding": _embedding, "take_along": _take_along, "gather": _gather,
    "index_add": _index_add, "scatter_add": _scatter_add, "scatter": _scatter, "put_along": _put_along,
    "eye": _eye, "one_hot": _one_hot, "nll_loss": _nll, "cross_entropy": _cross_entropy,
    "sparse_cross_entropy": _sparse,
}  # fmt: skip
