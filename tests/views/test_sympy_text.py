"""Formulas as SymPy source: executed, for numbers, they are the sums that loops written out here give."""

from __future__ import annotations

import itertools
import math

import pytest
import sympy as sp
from sympy.core.function import AppliedUndef

import symconv as sc
from symconv import pipeline
from symconv.gather.small import small_steps
from symconv.notation.expr import Reduce
from symconv.views.sympy_expr import expr_of
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
            assert _value(space["gx_is__"], space, sizes) == want


def _reduced(expr):
    """Maxima over an index, which SymPy does not know, taken over their ranges here."""
    while found := [e for e in expr.atoms(AppliedUndef) if e.func.__name__ in {"max", "min"}]:
        body, *limits = found[0].args
        values = [body]
        for name, low, high in limits:
            values = [value.subs(name, k) for value in values for k in range(int(low), int(high) + 1)]
        best = sp.Max if found[0].func.__name__ == "max" else sp.Min
        expr = expr.subs(found[0], best(*(value.doit() for value in values)))
    return expr


@pytest.mark.parametrize("kind", ["max", "min"])
def test_a_border_never_wins_a_maximum(kind):
    if kind == "max":
        op = sc.max_pool1d(3, stride=2, padding=1)
    else:
        op = sc.operator("y[n,c,i] = min[p](x[n,c,2*i+p-1])", extents={"p": 3}, border="skip")
    sign = -1 if kind == "max" else 1
    numbers = [sign * k for k in (7, 5, 9, 6, 8)]
    found, x = pipeline.forward(op), sp.IndexedBase("x")
    outputs = op.output_shape(x=(1, 1, 5))[2]
    assert outputs == 3
    for text in (sympy_gather(found.gather), sympy_operator(found.operator)):
        space = _executed(text)
        for i in range(outputs):
            taken = [numbers[2 * i + p - 1] for p in range(3) if 0 <= 2 * i + p - 1 < 5]
            sizes = {"N": 1, "C": 1, "L": 5, "n": 0, "c": 0, "i": i}
            known = {space[name]: value for name, value in sizes.items() if isinstance(space.get(name), sp.Symbol)}
            value = _reduced(space["y_is__"].rhs.subs(known))
            assert value.subs({x[0, 0, k]: number for k, number in enumerate(numbers)}) == (max, min)[kind == "min"](
                taken
            )


def test_a_product_leaves_taps_out_and_its_gradient_has_the_others():
    op = sc.operator("y[i] = prod[p](x[2*i+p-1]*w[p])", border="skip")
    x, w, gy = (-2, -3, -5, -7, -11), (-1, 4, -3), (2, -5, 3)
    outputs = op.output_shape(x=(5,), w=(3,))[0]
    assert outputs == len(gy)
    taps = {i: [p for p in range(3) if 0 <= 2 * i + p - 1 < 5] for i in range(outputs)}
    forward, gradient = pipeline.forward(op), sc.derive(op, "x").derivation

    def value(space, name, **sizes):
        known = {space[k]: v for k, v in {"L": 5, "K": 3, **sizes}.items() if isinstance(space.get(k), sp.Symbol)}
        found = space[name].rhs.subs(known).doit()
        bases = {"x": x, "w": w, "gy": gy}
        return found.subs({sp.IndexedBase(k)[j]: number for k, row in bases.items() for j, number in enumerate(row)})

    for text in (sympy_gather(forward.gather), sympy_operator(forward.operator)):
        assert "sp.Product" in text
        for i in range(outputs):
            assert value(_executed(text), "y_is__", i=i) == math.prod(x[2 * i + p - 1] * w[p] for p in taps[i])
    for text in (sympy_gather(gradient.gather), sympy_operator(gradient.operator)):
        space, oy = _executed(text), sp.IndexedBase("oy")
        for i, p in ((k, p) for k in taps for p in taps[k]):
            want = math.prod(x[2 * i + q - 1] * w[q] for q in taps[i] if q != p)
            assert value(space, "oy_is__", i=i, p=p) == want
        for u in range(5):
            want = sum(oy[i, p] * gy[i] * w[p] for i in range(outputs) for p in taps[i] if 2 * i + p - 1 == u)
            assert sp.expand(value(space, "gx_is__", u=u) - want) == 0


def test_a_product_and_a_maximum_of_nothing():
    nothing = {kind: expr_of(Reduce(kind, (), ())) for kind in ("sum", "prod", "max", "min")}
    assert nothing == {"sum": "0", "prod": "1", "max": "-sp.oo", "min": "sp.oo"}


def test_a_forward_formula_with_a_function_and_a_condition():
    space = _executed(sympy_operator(sc.operator("y[i] = where(x[i] > 0, exp(x[i]), x[i]/3) + relu(x[i])*2")))
    x, i = sp.IndexedBase("x"), space["i"]
    for value in (-2, 3):
        want = (sp.exp(value) if value > 0 else sp.Rational(value, 3)) + 2 * max(value, 0)
        assert space["y_is__"].rhs.subs({x[i]: value}).doit() == want


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
        assert float(space["y_is__"].rhs.subs({x[i]: value}).doit()) == pytest.approx(ACTIVATIONS[name](value - 1))


@pytest.mark.parametrize("name", ["part1", "gw_is", "slope", "real", "map"])
def test_no_name_of_the_source_is_a_tensor_of_the_formula(name):
    op = sc.operator(f"y[i] = sum[p]({name}[i+p-1]*w[p])", border="reflect")
    found, values, gy = sc.derive(op, "w").derivation, (2, -3, 5, 7), (-1, 4, 6, -2)
    assert op.output_shape(**{name: (4,), "w": (3,)})[0] == len(gy)
    space = _executed(sympy_gather(found.gather))
    # What Python takes itself has another name in the source.
    bases = {name if name != "map" else "map__": values, "gy": gy}
    known = {space[k][j]: number for k, row in bases.items() for j, number in enumerate(row)}
    for p in (0, 2):
        want = sum(gy[i] * values[_reflected(i + p - 1, 4)] for i in range(len(gy)))
        assert _value(space["gw_is__"], space, {"K": 3, "L": 4, "p": p}).subs(known) == want
    for step, parts in zip(found.trace, small_steps(found), strict=True):
        for one in (step, *parts):
            _executed(sympy_step(one, found.operator))


@pytest.mark.parametrize("index", ["part1", "slope", "sqrt"])
def test_no_name_of_the_source_is_an_index_of_the_formula(index):
    found = sc.derive(sc.operator(f"y[i] = sum[{index}](x[2*i+{index}]*w[{index}])"), "x").derivation
    space, gy, w = _executed(sympy_gather(found.gather)), sp.IndexedBase("gy"), sp.IndexedBase("w")
    assert _value(space["gx_is__"], space, {"K": 3, "L": 7, "u": 4}) == gy[2] * w[0] + gy[1] * w[2]


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
                    assert sp.simplify(space["slope__"].lhs.doit() - space["slope__"].rhs) == 0


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
