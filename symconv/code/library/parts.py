"""Words that cut an axis into parts: by their number, by their sizes, at given places."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from symconv.code.held.boxes import current
from symconv.code.held.elements import picked
from symconv.code.held.numbers import constant, integer
from symconv.code.held.sequences import sequence
from symconv.code.held.state import State
from symconv.code.library.given import Given, Word, axis_of
from symconv.code.source.trouble import UNEQUAL, Outside
from symconv.code.values.amounts import is_number
from symconv.code.values.objects import Box, Parts, Slice
from symconv.limits import PARTS_OF_AN_AXIS
from symconv.notation.affine import Affine, affine, quotient
from symconv.notation.expr import equal, nonnegative

__all__ = ["PARTS"]


def _axis_of(state: State, g: Given) -> tuple[int, Affine]:
    """The axis that is cut, and its length."""
    array = current(state, g["input"])
    axis = axis_of(state, g.get("axis", affine(0)), state.on.rank(array))
    return axis, integer(state, state.on.size(array, axis), "a length")


def _between(state: State, box: Box, axis: int, ends: Sequence[Affine]) -> Parts:
    """The parts that end at these places, each of which begins where the one before ends."""
    lead, starts = (Slice(),) * axis, (affine(0), *ends[:-1])
    return Parts(picked(state, box, (*lead, Slice(a, b))) for a, b in zip(starts, ends, strict=True))


def _count(state: State, given: Any) -> int:
    count = constant(state, given, "the number of parts")
    if count < 1:
        raise state.error(f"the number of parts is 1 or more; given {count}")
    return count


def _of_sizes(state: State, g: Given, sizes: Sequence[Any]) -> Parts:
    """Parts of these sizes, which are those of the whole axis."""
    axis, whole = _axis_of(state, g)
    ends: list[Affine] = []
    for size in sizes:
        ends.append((ends[-1] if ends else affine(0)) + integer(state, size, "the size of a part"))
    total = ends[-1] if ends else affine(0)
    state.on.require(equal(total, whole), f"parts of {total} of an axis of length {whole}")
    return _between(state, g["input"], axis, ends)


def _equal(state: State, g: Given, name: str) -> Parts:
    """``np.split``: so many equal parts, or a cut at each given place."""
    cuts = g["count"]
    axis, whole = _axis_of(state, g)
    if not is_number(cuts):
        places = [integer(state, one, "a place to cut at") for one in sequence(state, cuts)]
        return _between(state, g["input"], axis, [*places, whole])
    count = _count(state, cuts)
    size = quotient(whole, count)
    state.on.require(equal(whole, size * count), f"{whole} in {count}{UNEQUAL}")
    return _between(state, g["input"], axis, [size * (k + 1) for k in range(count)])


def _array_split(state: State, g: Given, name: str) -> Parts:
    """``np.array_split``: the first parts have an element more where they are not equal."""
    if not is_number(g["count"]):
        return _equal(state, g, name)
    count = _count(state, g["count"])
    axis, whole = _axis_of(state, g)
    sizes = [quotient(whole + (count - 1 - k), count) for k in range(count)]
    return _between(state, g["input"], axis, [*accumulate(sizes[:-1]), whole])


def _hsplit(state: State, g: Given, name: str) -> Parts:
    return _equal(state, {**g, "axis": affine(min(1, state.on.rank(current(state, g["input"])) - 1))}, name)


def _tf_split(state: State, g: Given, name: str) -> Parts:
    return _equal(state, g, name) if is_number(g["count"]) else _of_sizes(state, g, sequence(state, g["count"]))


def _chunk(state: State, g: Given, name: str) -> Parts:
    """``torch.chunk``: parts of the size that so many equal ones would have at least; the last ones may be missing."""
    if state.on.equal_parts:
        return _equal(state, g, name)
    axis, whole = _axis_of(state, g)
    count = _count(state, g["count"])
    size = quotient(whole + count - 1, count)
    while count > 1 and not state.on.decide(nonnegative(whole - size * (count - 1) - 1)):
        count -= 1
    return _between(state, g["input"], axis, [*(size * k for k in range(1, count)), whole])


def _split_by(state: State, g: Given, name: str) -> Parts:
    """``torch.split``: parts of one size, the last of which is what is left, or of given sizes."""
    if not is_number(g["size"]):
        return _of_sizes(state, g, sequence(state, g["size"]))
    size = integer(state, g["size"], "the size of a part")
    axis, whole = _axis_of(state, g)
    state.on.require(nonnegative(size - 1), f"parts of {size}")
    for count in range(1, PARTS_OF_AN_AXIS + 1):
        if state.on.decide(nonnegative(size * count - whole)):
            return _between(state, g["input"], axis, [*(size * k for k in range(1, count)), whole])
    raise Outside(f"an axis of length {whole} in more than {PARTS_OF_AN_AXIS} parts of {size}", state.line)


PARTS: dict[str, Word] = {
    "chunk": _chunk, "split": _equal, "array_split": _array_split, "hsplit": _hsplit, "vsplit": _equal,
    "split_by": _split_by, "tf_split": _tf_split,
}  # fmt: skip
