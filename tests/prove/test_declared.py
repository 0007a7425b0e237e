"""Claims about derivatives that are declared in place of the true ones: what they miss of those is no fault."""

from __future__ import annotations

import symconv as sc

ADDER = "y[n,f,i] = -sum[c,p](abs(x[n,c,i+p] - w[f,c,p]))"
LEARNED = "gw[f,c,p] = sum[n,i](gy[n,f,i]*(x[n,c,i+p] - w[f,c,p]))"


def test_a_declared_derivative_is_proved_and_the_true_one_is_not() -> None:
    declared = sc.operator(ADDER, surrogate={"w": "x - w"})
    assert sc.prove(declared, LEARNED).holds is True
    assert sc.prove(declared, LEARNED.replace("(x[", "sign(x[")).holds is not True


def test_without_a_declaration_it_is_the_other_way_round() -> None:
    plain = sc.operator(ADDER)
    assert sc.prove(plain, LEARNED).holds is False
    assert sc.prove(plain, LEARNED.replace("(x[", "sign(x[")).holds is True
