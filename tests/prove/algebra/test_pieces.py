"""Piecewise functions in different words: decided case by case, counterexamples by the function's own quotient."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

import symconv as sc
from symconv.notation.affine import var
from symconv.prove.algebra.linear import Relation, consistent
from symconv.prove.algebra.signs import never_below, never_zero
from symconv.prove.algebra.variables import ONE, Polynomial, added, application, element, frozen

HUBER = "where(abs(x[n,i]) <= 1, x[n,i]*x[n,i]/2, abs(x[n,i]) - 1/2)"
SOFTSIGN = "x[n,i]/(1 + abs(x[n,i]))"


def huber(a: float) -> float:
    return a * a / 2 if abs(a) <= 1 else abs(a) - 0.5


def softsign(a: float) -> float:
    return a / (1 + abs(a))


CLAIMS: tuple[tuple[str, Callable[[float], float], str, bool], ...] = (
    (HUBER, huber, "gx = gy*maximum(minimum(x, 1), -1)", True),
    (HUBER, huber, "gx = gy*minimum(abs(x), 1)*sign(x)", True),
    (HUBER, huber, "gx = gy*maximum(minimum(x, 1), 0)", False),
    (HUBER, huber, "gx = gy*maximum(minimum(x, 2), -1)", False),
    (SOFTSIGN, softsign, "gx = gy/(1 + abs(x))**2", True),
    (SOFTSIGN, softsign, "gx = gy*(1 - y*sign(x))**2", True),
    (SOFTSIGN, softsign, "gx = gy/(1 + abs(x))", False),
)


@pytest.mark.parametrize(("body", "value", "claim", "holds"), CLAIMS)
def test_one_function_in_other_words(body: str, value: Callable[[float], float], claim: str, holds: bool) -> None:
    proof = sc.prove(sc.operator(f"y[n,i] = {body}"), claim)
    assert proof.holds is holds, str(proof)
    if not holds:
        example = proof.counterexample
        assert example is not None
        arrays = {name: np.array(held, dtype=float) for name, held in example.arrays}
        position = int(np.ravel_multi_index(example.cell, dict(example.shapes)["x"]))
        x = arrays["x"][position]
        slope = (value(x + 1e-5) - value(x - 1e-5)) / 2e-5
        assert math.isclose(float(example.want), arrays["gy"][position] * slope, rel_tol=1e-4)


@pytest.mark.parametrize("claim", ("y = x*(2*(x > 0) - 1) + (x == 0)", "gx = gy*(2*(x > 0) - 1)"))
def test_the_case_of_equality_counts(claim: str) -> None:
    """Both are right where x is not 0, and not at 0: there the slope of abs is taken as 0."""
    assert sc.prove(sc.operator("y[n,i] = abs(x[n,i])"), claim).holds is not True


X, Y = ({((element(name, (var("i"),)), Fraction(1)),): Fraction(1)} for name in "xy")


def scaled(polynomial: Polynomial, number: int) -> Polynomial:
    return {monomial: value * number for monomial, value in polynomial.items()}


def shifted(polynomial: Polynomial, number: int) -> Polynomial:
    return added(polynomial, {(): Fraction(number)})


@pytest.mark.parametrize(
    ("relations", "possible"),
    (
        ([(shifted(X, -1), False), (scaled(X, -1), False)], False),  # x > 1, x < 0
        ([(shifted(X, -1), False), (shifted(scaled(X, -1), 2), False)], True),  # 1 < x < 2
        ([(shifted(X, -1), False), (shifted(scaled(X, -1), 1), False)], False),  # 1 < x < 1
        ([(added(X, Y), True), (X, False), (Y, False)], False),  # x = -y, both above 0
        ([(added(X, scaled(Y, -1)), True), (X, False), (Y, False)], True),
        ([(X, True), (shifted(X, -1), True)], False),
        ([(ONE, False)], True),
        ([({}, False)], False),
    ),
)
def test_relations_that_hold_together(relations: list[Relation], possible: bool) -> None:
    assert consistent(relations) is possible


def test_what_is_never_negative() -> None:
    def times_sign(polynomial: Polynomial, of: Polynomial) -> Polynomial:
        sign = (application("sign", frozen(of)), Fraction(1))
        return {
            tuple(sorted((*monomial, sign), key=lambda item: item[0].text)): value
            for monomial, value in polynomial.items()
        }

    both = added(X, scaled(Y, -1))
    assert never_below(times_sign(X, X)) and never_zero(shifted(times_sign(X, X), 1))
    assert never_below(times_sign(both, both)) and never_zero(shifted(times_sign(both, both), 1))
    assert not never_below(times_sign(X, Y)) and not never_below(scaled(times_sign(X, X), -1))
    assert not never_below(times_sign(added(X, Y), both)) and not never_zero(times_sign(both, both))
