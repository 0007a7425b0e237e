"""Words that put elements around an array: zeros, a number, or its own elements."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from symconv.code.arrays.concrete import Concrete
from symconv.code.held.boxes import array_of, boxed
from symconv.code.held.numbers import integer
from symconv.code.held.operators import binary
from symconv.code.held.sequences import sequence
from symconv.code.held.state import State
from symconv.code.library.given import Given, Word
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number
from symconv.code.values.objects import Box
from symconv.notation.affine import Affine, affine
from symconv.notation.expr import nonnegative
from symconv.prove.concrete.numbers import Misfit
from symconv.prove.language.pads import BORDERS
from symconv.prove.meaning.value import Product

__all__ = ["PADS"]

Pads = dict[int, tuple[Affine, Affine]]


def _torch_pad(state: State, g: Given, name: str) -> Box:
    """PyTorch's: pairs from the last axis on; an axis is too short for a repetition where PyTorch says so."""
    mode, array = _mode(state, g), array_of(state, g["input"])
    rank, ends = state.on.rank(array), [integer(state, one, "a pad") for one in sequence(state, g["pad"])]
    if len(ends) % 2 or len(ends) > 2 * rank:
        raise state.error(f"pad takes pairs for at most {rank} axes; given {len(ends)} numbers")
    found = {rank - 1 - k: (ends[2 * k], ends[2 * k + 1]) for k in range(len(ends) // 2)}
    if mode == "constant":
        return _around(state, array, found, g.get("value"))
    if rank not in (len(found) + 1, len(found) + 2) or not all(state.on.decide(nonnegative(one)) for one in ends):
        raise Outside(f"pad with mode {mode} of these axes, or by less than 0", state.line)
    return _repeated(state, array, found, mode)


def _pad(again: bool) -> Word:
    """Pairs for all axes, as NumPy has them; ``again`` repeats what is repeated where an axis is short."""

    def padded(state: State, g: Given, name: str) -> Box:
        mode, array, found = _pairs(state, g)
        if mode == "constant":
            return _around(state, array, found, g.get("constant_values"))
        if again and isinstance(state.on, Concrete):
            return _numbers(state, array, found, mode)
        if again:
            _long_enough(state, array, found, mode)
        return _repeated(state, array, found, mode)

    return padded


def _numbers(state: State, array: Any, pads: Pads, mode: str) -> Box:
    word: Any = {"replicate": "edge", "circular": "wrap"}.get(mode, mode)
    ends = [(pads[k][0].constant, pads[k][1].constant) for k in sorted(pads)]
    try:
        return boxed(state, np.pad(array, ends, mode=word))
    except ValueError as problem:
        raise Misfit(str(problem)) from None


def _pairs(state: State, g: Given) -> tuple[str, Any, Pads]:
    """The mode, the array, and a pair for each axis, which may be given for all of them."""
    mode, array = _mode(state, g), array_of(state, g["input"])
    rank = state.on.rank(array)
    width = g["pad_width"]
    rows: list[Any] = [width] * rank if is_number(width) else list(sequence(state, width))
    if len(rows) == 2 and all(map(is_number, rows)):
        rows = [tuple(rows)] * rank
    if len(rows) == 1:
        rows = rows * rank
    if len(rows) != rank:
        raise state.error(f"pad has {len(rows)} pairs; the array has {rank} axes")
    found = {}
    for k, row in enumerate(rows):
        pair = [row, row] if is_number(row) else list(sequence(state, row))
        pair = pair * 2 if len(pair) == 1 else pair
        lo, hi = (integer(state, one, "a pad") for one in pair)
        for one in (lo, hi):
            state.on.require(nonnegative(one), f"pad by {one}")
        found[k] = (lo, hi)
    return mode, array, found


def _mode(state: State, g: Given) -> str:
    """``constant``, or the border of the notation that a mode of a library is."""
    mode = g.get("mode") or "constant"
    if not isinstance(mode, str) or (mode.lower() not in BORDERS and mode.lower() != "constant"):
        raise Outside(f"pad with mode {mode}; read are constant, {', '.join(BORDERS)}", state.line)
    return BORDERS.get(mode.lower(), "constant")


def _around(state: State, array: Any, pads: Pads, value: Any) -> Box:
    """A number around: zeros around what is less by it, and it added."""
    while isinstance(value, Sequence) and value and all(one == value[0] for one in value):
        value = value[0]
    if value is None or value in (affine(0), Product(Fraction(0))):
        return boxed(state, state.on.pad(array, pads))
    if not is_number(value):
        raise Outside("pad with values that are not one number", state.line)
    less = array_of(state, binary(state, "-", boxed(state, array), value))
    found: Box = binary(state, "+", boxed(state, state.on.pad(less, pads)), value)
    return found


def _long_enough(state: State, array: Any, pads: Pads, mode: str) -> None:
    """Raises Outside where NumPy repeats what it has repeated, which only sizes of a forward function may leave out."""
    if state.terms.partial or mode == "replicate":
        return
    for axis, ends in pads.items():
        room = integer(state, state.on.size(array, axis), "a length") - (mode == "reflect")
        if not all(one == affine(0) or state.terms.walk.always(nonnegative(room - one)) for one in ends):
            raise Outside(f"a {mode} pad of axes that may be shorter than the pad", state.line)


def _repeated(state: State, array: Any, pads: Pads, mode: str) -> Box:
    whole = [pads.get(k, (affine(0), affine(0))) for k in range(state.on.rank(array))]
    return boxed(state, state.on.word("pad", [array, tuple(whole)], {"mode": mode}))


PADS: dict[str, Word] = {"torch_pad": _torch_pad, "pad": _pad(True), "tf_pad": _pad(False)}
