"""Formulas as SymPy source: executed, for numbers, they are the sums that loops written out here give."""

from __future__ import annotations

import itertools
import math

import pytest
import sympy as sp

import symconv as sc
from symconv.gather.small import small_steps
from symconv.views.sympy_text import sympy_gather, sympy_operator, sympy_step


def _executed(text):
    space = {}
    exec(text, space)  # noqa: S102
    return space


def _value(equation, space, numbers):
    known = {space[name]: value for name, value in numbers.items() if isinstance(space.get(name), sp.Symbol)}
    return sp.expand(equation.rhs.subs(known).doit())


def _reflected(place, length):
    return -place if place < 0 else 2 * (length - 1) - place if place >= length else place


@pytest.mark.parametrize(("stride", "dilation", "border"), [(2, 1, "zero"), (3, 2, "zero"), (2, 2, "reflect")])
def test_a_gradient_as_sympy_is_the_sum_of_its_terms(stride, dilation, border):
    op = sc.conv1d(stride=stride, dilation=dilation, padding=1, border=border)
    found = sc.derive(op, "x").derivation
    length, taps, outputs = 6, 3, op.output_shape(x=(1, 1, 6), w=(1, 1, 3))[2]
    for text in (sympy_gather(found.gather), sympy_operator(found.operator)):
        space = _executed(text)
        gy, w = sp.IndexedBase("gy"), sp.IndexedBase("w")
        for u in (0, 1, 4, 5):
            want = sp.Integer(0)
            for i, p in itertools.product(range(outputs), range(taps)):
                place = stride * i + dilation * p - 1
                if border == "reflect":
                    place = _reflected(place, length)
                if place == u:
                    want += gy[0, 0, i] * w[0, 0, p]
            sizes = {"N": 1, "C": 1, "F": 1, "L": length, "K": taps, "n": 0, "c": 0, "u": u}
            assert _value(space["gx_is"], space, sizes) == want


def test_a_forward_formula_with_a_function_and_a_condition():
    space = _executed(sympy_operator(sc.operator("y[i] = where(x[i] > 0, exp(x[i]), x[i]/3) + relu(x[i])*2")))
    x, i = sp.IndexedBase("x"), space["i"]
    for value in (-2, 3):
        want = (sp.exp(value) if value > 0 else sp.Rational(value, 3)) + 2 * max(value, 0)
        assert space["y_is"].rhs.subs({x[i]: value}).doit() == want


ACTIVATIONS = {
    "relu": lambda a: max(a, 0),
    "sigmoid": lambda a: 1 / (1 + math.exp(-a)),
    "softplus": lambda a: math.log(1 + math.exp(a)),
    "gelu": lambda a: a * (1 + math.erf(a / math.sqrt(2))) / 2,
    "silu": lambda a: a / (1 + math.exp(-a)),
    "elu": lambda a: a if a > 0 else math.exp(a) - 1,
    "hardtanh": lambda a: min(max(a, -1), 1),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_as_sympy(name):
    space = _executed(sympy_operator(sc.operator(f"y[i] = {name}(x[i] - 1)")))
    x, i = sp.IndexedBase("x"), space["i"]
    for value in (-2, 0, 1, 3):
        assert float(space["y_is"].rhs.subs({x[i]: value}).doit()) == pytest.approx(ACTIVATIONS[name](value - 1))


def test_every_step_is_source_that_runs():
    for op in (
        sc.conv1d(padding=1, bias=True, border="replicate"),
        sc.operator("y[n,i] = max[c,p](x[n,c,i+p] + w[c,p])"),
        sc.conv1d(stride=4, dilation=2, padding=1, bias=True),
        sc.operator("y[i] = tanh(max[t](x[2*i+t]*sp[t]))"),
    ):
        found = sc.derive(op, "x").derivation
        for step, parts in zip(found.trace, small_steps(found), strict=True):
            for one in (step, *parts):
                text = sympy_step(one, found.operator)
                assert text or one.rule in {"chain", "partial"}
                space = _executed(text)
                if one.rule == "differentiate":
                    assert sp.simplify(space["slope"].lhs.doit() - space["slope"].rhs) == 0


def test_both_sides_of_a_small_step_agree_for_numbers():
    found = sc.derive(sc.conv1d(stride=3, dilation=2, padding=1), "x").derivation
    parts = {part.rule: part for part in small_steps(found)[-1]}
    space = _executed(sympy_step(parts["residue"], found.operator))
    for i, p in itertools.product(range(3), range(4)):
        u = 3 * i + 2 * p - 1
        loop, residue = divmod(u + 1, 3)
        first = 2 * residue % 3
        numbers = {"u": u, "u_": loop, "r_u": residue, "p0_u": first, "p": p, "p_": (p - first) // 3}
        facts = [value for name, value in space.items() if name.startswith("fact")]
        assert len(facts) == 5
        assert all(fact.subs({space[n]: v for n, v in numbers.items()}) == True for fact in facts)  # noqa: E712
