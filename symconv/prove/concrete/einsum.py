"""Einstein's summation on concrete arrays."""

from __future__ import annotations

import re
from math import prod

import numpy as np

from symconv.limits import EINSUM_OBJECTS, EINSUM_TERMS
from symconv.prove.concrete.numbers import Array, Ground, Misfit, TooLargeError
from symconv.prove.concrete.windows import shown
from symconv.prove.language.syntax import Call, Text
from symconv.prove.language.vocabulary import FUNCTIONS, canonical

__all__ = ["einsum"]


def einsum(ground: Ground, call: Call) -> Array:
    """The sum that an equation of letters says; of plain ``einsum`` an array of length 1 fits any other's length."""
    word = canonical(call.function)
    equation, *operands = call.arguments
    if not isinstance(equation, Text):
        raise ground.error(call.at, f"{call.function} is used as {FUNCTIONS[word].usage}")
    text = equation.value.replace(" ", "")
    if not re.fullmatch(r"[A-Za-z]+(,[A-Za-z]+)*(->[A-Za-z]*)?", text):
        raise ground.error(equation.at, f"einsum: letters, commas and -> are wanted; given {equation.value!r}")
    left, arrow, output = text.partition("->")
    inputs = left.split(",")
    if not arrow:
        letters = "".join(inputs)
        output = "".join(sorted(letter for letter in set(letters) if letters.count(letter) == 1))
    if len(set(output)) != len(output) or not set(output) <= set(left):
        raise ground.error(equation.at, f"einsum: the result {output!r} names a letter twice or one that is not there")
    values = [ground.array(ground, node) for node in operands]
    if [len(part) for part in inputs] != [a.ndim for a in values]:
        ranks = ", ".join(str(a.ndim) for a in values)
        raise ground.error(equation.at, f"einsum: {equation.value!r} does not fit arrays of {ranks} axes")
    extents: dict[str, int] = {}
    for part, a in zip(inputs, values, strict=True):
        for letter, length in zip(part, a.shape, strict=True):
            held = extents.setdefault(letter, length)
            inside = {n for x, n in zip(part, a.shape, strict=True) if x == letter}
            if held != length and (word != "einsum" or 1 not in {held, length} or len(inside) > 1):
                shapes = ", ".join(shown(one.shape) for one in values)
                raise Misfit(f"einsum {equation.value!r} of {shapes}: {letter} is {held} and {length}")
            extents[letter] = length if held == 1 else held
    if prod(extents.values()) > (EINSUM_OBJECTS if any(a.dtype == object for a in values) else EINSUM_TERMS):
        raise TooLargeError("this einsum has too many terms to compute")
    return np.asarray(np.einsum(f"{left}->{output}", *values), dtype=np.result_type(*values))
