"""The position of the first extreme tap: compared once where taps come by position, and only there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from stages import side

import symconv as sc
from symconv.loops.arith import add, const, mul
from symconv.loops.interpret import WIDTH, interpret
from symconv.loops.ir import Binary, Compare, For, Kernel, Select, Update, Var
from symconv.loops.traverse import rewrite, walk
from symconv.options import Options
from symconv.validate.firsts import by_position, named
from symconv.validate.validation import validate

P, Q = Var("p"), Var("q")


def test_a_position_grows_with_loops_in_the_order_of_its_digits() -> None:
    rows = add(mul(P, Var("KW")), Q)
    assert by_position(rows, ("p", "q"))
    assert not by_position(rows, ("q", "p"))
    assert by_position(rows, ("p",)), "q stays"
    assert by_position(add(mul(P, const(3)), add(mul(const(2), Q), const(1))), ("p", "q"))
    assert not by_position(add(mul(P, const(3)), Binary("-", const(2), Q)), ("p", "q")), "it falls"
    assert not by_position(add(mul(add(P, Q), const(3)), Q), ("p", "q")), "a digit of two loops"


def _ordered(kernel: Kernel) -> bool:
    """Whether the position of an extreme is chosen by one comparison."""
    choices = (node.value for nest in kernel.nests for node in walk(nest) if isinstance(node, Update))
    tests = (value.condition for value in choices if isinstance(value, Select))
    return any(isinstance(test, Compare) and test.op in {"larger", "smaller"} for test in tests)


@pytest.mark.parametrize("op", [sc.max_pool2d((2, 3), (1, 2), (1, 0)), sc.min_plus1d(padding=1)], ids=str)
def test_taps_by_position_are_compared_once_and_proved(op: Any) -> None:
    derivation, kernel = side(op, "x", Options(target="portable"))
    assert _ordered(kernel)
    assert validate(derivation, kernel, (WIDTH,)).holds


def test_other_orders_are_not_taken_for_it() -> None:
    """Two loops exchanged: a worse tap that stands before the best one would be taken, and nothing is proved."""
    op = sc.max_pool2d((2, 3))
    derivation, kernel = side(op, "x", Options(target="portable"))

    def turned(node: Any) -> Any:
        if not isinstance(node, For) or node.var != "p":
            return node
        inner = next(one for one in node.body if isinstance(one, For))
        within = replace(inner, var="p", lower=node.lower, upper=node.upper)
        return replace(node, var="q", lower=inner.lower, upper=inner.upper, body=(within,))

    mutant = replace(kernel, nests=tuple(rewrite(nest, turned) for nest in kernel.nests))
    assert mutant != kernel
    assert not validate(derivation, mutant, (WIDTH,)).holds
    x = np.zeros((1, 1, 2, 3), int)
    x[0, 0, 1, 0] = 1
    given = {"x": (x.shape, x.ravel().tolist()), "gy": ((1, 1, 1, 1), [5])}
    assert interpret(kernel, given) == [0, 0, 0, 5, 0, 0] != interpret(mutant, given)


def test_a_tap_as_extreme_as_the_start_has_a_position() -> None:
    """Of a window of minus infinities the first tap gets the gradient."""
    op = sc.max_pool2d((2, 2))
    _, kernel = side(op, "x", Options(target="portable"))
    given = {"x": ((1, 1, 2, 2), [-np.inf] * 4), "gy": ((1, 1, 1, 1), [5.0])}
    assert interpret(kernel, given) == [5.0, 0, 0, 0]


@pytest.mark.parametrize("op", [sc.max_pool2d((2, 3), (1, 2), (1, 0)), sc.min_plus1d(padding=1)], ids=str)
def test_the_better_of_both_is_proved_and_the_worse_is_not(op: Any) -> None:
    """Lanes keep the best by what was compared for its position."""
    derivation, kernel = side(op, "x", Options(target="portable"))
    kept = [node for nest in kernel.nests for node in walk(nest) if isinstance(node, Update) and named(node) != node]
    assert kept and {named(node).op for node in kept} <= {"max", "min"}

    def other(node: Any) -> Any:
        if not isinstance(node, Update) or named(node) == node:
            return node
        return replace(node, value=Select(node.value.condition, node.value.no, node.value.yes))

    mutant = replace(kernel, nests=tuple(rewrite(nest, other) for nest in kernel.nests))
    assert mutant != kernel
    assert not validate(derivation, mutant, (WIDTH,)).holds
