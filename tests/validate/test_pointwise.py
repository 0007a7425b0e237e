"""Statements without a sum in lanes: proved for all sizes, and no change of a number that changes a result is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import prod
from typing import Any

import pytest

import symconv as sc
from symconv import pipeline
from symconv.loops.candidate import Candidate
from symconv.loops.interpret import interpret
from symconv.loops.ir import Const, Kernel
from symconv.loops.traverse import rewrite
from symconv.options import Options
from symconv.validate.validation import validate

Shapes = dict[str, tuple[int, ...]]
CASES: dict[str, Callable[[int], Shapes]] = {
    "y[i] = 3*x[i]": lambda length: {"x": (length,)},
    "y[n,f] = x[n,f]*x[n,f] + v[f]": lambda length: {"x": (2, length), "v": (length,)},
    "y[n,c,i] = v[c]*x[n,c,i+2] - x[n,c,i]": lambda length: {"v": (3,), "x": (2, 3, length + 2)},
}


def _pointwise(text: str) -> Candidate:
    (forward, _) = pipeline.unit(sc.operator(text), Options(target="x86-64-v3"), every=True).entries
    ((candidate,),) = forward.outputs
    assert candidate.schedule.name == "lanes"
    return candidate


def _changed(kernel: Kernel) -> Iterator[Kernel]:
    """Every number of the nest one larger, each at one place."""
    (nest,) = kernel.nests
    for number in range(10**6):
        seen = -1

        def change(node: Any, chosen: int = number) -> Any:
            nonlocal seen
            if isinstance(node, Const) and not node.real:
                seen += 1
                return replace(node, value=node.value + 1) if seen == chosen else node
            return node

        body = tuple(rewrite(statement, change) for statement in nest.body)
        if seen < number:
            return
        yield replace(kernel, nests=(replace(nest, body=body),))


def _results(text: str, kernel: Kernel) -> list[Any]:
    """What a kernel stores at small sizes, with vectors of 2 and of 4 lanes; an error counts as a result."""
    found: list[Any] = []
    for length in range(1, 10):
        shapes = CASES[text](length)
        arrays = {n: (shape, [(7 * k + 3) % 11 - 5 for k in range(prod(shape))]) for n, shape in shapes.items()}
        for width in (2, 4):
            try:
                found.append(interpret(kernel, arrays, width=width))
            except (sc.SymconvError, IndexError, ArithmeticError) as error:
                found.append(type(error).__name__)
    return found


@pytest.mark.parametrize("text", CASES)
def test_cells_in_lanes_are_proved(text: str) -> None:
    candidate = _pointwise(text)
    found = validate(candidate, candidate.kernel)
    assert found, str(found)


@pytest.mark.parametrize("text", CASES)
def test_no_change_of_a_number_that_changes_a_result_is_proved(text: str) -> None:
    candidate = _pointwise(text)
    right = _results(text, candidate.kernel)
    assert all(isinstance(values, list) for values in right)
    differing = 0
    for wrong in _changed(candidate.kernel):
        if _results(text, wrong) != right:
            differing += 1
            assert not validate(candidate, wrong), str(wrong.nests)
    assert differing >= 5
