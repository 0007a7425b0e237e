"""Sums of terms on two sides: numbers in front of terms are exact, and like terms are added up."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import handmade as k
import pytest
from stages import side

import symconv as sc
from symconv.loops.ir import Accumulate, Binary, Const, Expr
from symconv.validate.terms import apply, number, without_number
from symconv.validate.validation import Validation, validate

OP = sc.operator("y[i] = 3*x[i]*w[i] - w[i]/2")
BOTH = k.product(k.load("x", "i"), k.load("w", "i"))


def real(value: Fraction | int) -> Const:
    return Const(Fraction(value), True)


def judged(*added: Expr) -> Validation:
    """``y = 0``, then each of some values added to it."""
    derivation, kernel = side(OP)
    adds = tuple(Accumulate("y", (k.var("i"),), "+", value) for value in added)
    return validate(derivation, replace(kernel, nests=(k.nest("i", "I", k.store("y", "i", value=k.ZERO), *adds),)))


@pytest.mark.parametrize(
    ("added", "right"),
    [
        ((k.product(real(3), BOTH), k.product(real(Fraction(-1, 2)), k.load("w", "i"))), True),
        ((BOTH, k.product(BOTH, real(2)), Binary("/", k.load("w", "i"), real(-2))), True),
        ((BOTH,) * 3 + (Binary("/", k.load("w", "i"), real(-4)),) * 2, True),
        ((k.product(real(4), BOTH), k.minus(real(0), BOTH), k.product(k.load("w", "i"), real(Fraction(-1, 2)))), True),
        ((BOTH,) * 2 + (Binary("/", k.load("w", "i"), real(-2)),), False),
        ((k.product(real(3), BOTH), Binary("/", k.load("w", "i"), real(-3))), False),
        ((k.product(real(3), BOTH), Binary("/", k.load("w", "i"), real(2))), False),
    ],
)
def test_numbers_in_front_of_terms_are_added_up(added: tuple[Expr, ...], right: bool) -> None:
    assert judged(*added).holds is right


def test_a_number_that_is_not_enough_is_said() -> None:
    said = judged(BOTH, BOTH, Binary("/", k.load("w", "i"), real(-3))).fault
    assert "terms of y: missing the 3. time" in said or "counted -1/3 times instead of -1/2" in said


def test_the_number_of_an_expression() -> None:
    x, w = apply("exp", number(2)), apply("tanh", number(3))
    product = apply("*", number(Fraction(2, 3)), x, apply("neg", w), number(6))
    assert without_number(product) == (Fraction(-4), apply("*", x, w))
    assert without_number(apply("/", product, apply("*", number(8), x))) == (
        Fraction(-1, 2),
        apply("/", apply("*", x, w), x),
    )
    assert without_number(number(Fraction(5, 7))) == (Fraction(5, 7), number(1))
    assert without_number(apply("/", x, number(0))) == (Fraction(1), apply("/", x, number(0)))
    assert without_number(x) == (Fraction(1), x)
