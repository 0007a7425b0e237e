"""Expressions are computed once for the same values, and anew for others."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.code.arrays.concrete import Concrete
from symconv.code.held.state import scoped
from symconv.code.reading.reader import start
from symconv.code.reading.remembering import Known, Remembering
from symconv.code.source.program import program
from symconv.code.source.unchanging import Unchanging
from symconv.code.values.objects import Box
from symconv.notation.affine import affine
from symconv.prove.concrete.numbers import Misfit

SOURCE = program(
    "import numpy as np\n\ndef f(x, n):\n    return (x + x * n, x.shape)\n\ndef g(x, n):\n    return x @ x\n"
)


class Reads:
    """Values of the expressions that functions return, with how many were computed."""

    def __init__(self) -> None:
        arrays = {"x": np.ones((2, 3)), "w": np.ones((2, 3)), "y": np.ones((2, 2))}
        self.on = Concrete(sc.operator("y[n,f] = sum[c](x[n,c]*w[f,c])"), arrays)
        self.known: Known = {}

    def __call__(self, name: str, x: Box, n: Any) -> Any:
        node = SOURCE.functions[name]
        expressions = Unchanging(node, SOURCE).expressions(node)
        assert expressions is not None
        state = start(SOURCE, self.on, Remembering(expressions, self.known))
        returned = node.body[0]
        assert isinstance(returned, ast.Return)
        assert returned.value is not None
        with scoped(state, {"x": x, "n": n}):
            return state.rules.value(state, returned.value)


def test_the_same_arrays_give_the_same_value() -> None:
    reads, x, n = Reads(), Box(np.ones((2, 3))), affine(2)
    first, again = reads("f", x, n), reads("f", x, affine(2))
    assert first is again
    assert first[0].value.tolist() == [[3.0] * 3] * 2


def test_other_arrays_and_numbers_are_computed() -> None:
    reads, n = Reads(), affine(2)
    values = [reads("f", Box(np.full((2, 3), float(k))), n)[0].value[0, 0] for k in range(4)]
    assert values == [0.0, 3.0, 6.0, 9.0]
    assert reads("f", Box(np.ones((2, 3))), affine(5))[0].value[0, 0] == 6.0


def test_an_error_is_the_one_of_before() -> None:
    reads, x = Reads(), Box(np.ones((2, 3)))
    told = []
    for _ in range(2):
        with pytest.raises(Misfit) as problem:
            reads("g", x, None)
        told.append(problem.value)
    assert told[0] is told[1]
