"""What isl leaves open is decided by one certain difference, and by nothing less."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

import symconv as sc
from symconv.prove.concrete.definition import computed
from symconv.prove.concrete.enclosure import Enclosure, NoValueError, apart, applied

SKIP = sc.avg_pool1d(2, 2, padding=[(0, 1)], border="skip")
TANH = sc.operator("y[n,f,i] = tanh(sum[c,p](w[f,c,p]*x[n,c,2*i+p]))")
EXP = sc.operator("y[i] = exp(sum[p](x[i+p]*w[p]))")
PEAK = sc.operator("y[n,i] = max[p](x[n,2*i+p])", extents={"p": 2})
SHARE = sc.operator("y[n,i] = x[n,i]/sum[k](x[n,k])")
CERTAIN = [
    (SKIP, "gx = gy"),
    (SKIP, "y = x"),
    (SKIP, "y = conv_transpose(x, x)"),
    (SKIP, "gx = dilate(gy, 2)/2"),
    (SKIP, "gx = gy[:, :, :1]*x"),
    (sc.avg_pool2d((2, 3), 2, padding=1, border="skip"), "gx = 2*x"),
    (sc.max_pool1d(2, 2), "y = x[:, :, ::2]"),
    (sc.max_pool1d(3, 2, padding=1), "y = x[:, :, ::2]"),
    (PEAK, "y = maximum(x[:, ::2], x[:, ::2])[:, :OL]"),
    (PEAK, "gx = dilate(gy, 2)"),
    (TANH, "y = tanh(conv(x, w))"),
    (TANH, "y = tanh(2*conv(x, w, stride=2))"),
    (TANH, "gw = 0*w"),
    (TANH, "gx = conv_transpose(gy, w, stride=2, output_padding=(L-K)%2)"),
    (EXP, "gx = convolve(gy, w)"),
    (EXP, "y = exp(correlate(x, flip(w)))"),
    (EXP, "y = correlate(exp(x), w)"),
    (SHARE, "y = x"),
    (SHARE, "gx = gy"),
    (sc.operator("y[i] = log(1 + x[i]*x[i])"), "y = log(2 + x*x)"),
    (sc.operator("y[i] = log(1 + x[i]*x[i])"), "gx = 2*gy*x"),
    (sc.operator("y[i] = sqrt(1 + x[i]*x[i])"), "y = 1 + x"),
    (sc.conv_bias_act1d("softplus"), "gb = sum(gy, (0, 2))"),
    (sc.conv_bias_act1d("gelu"), "gb = sum(gy*y, (0, 2))"),
]


@pytest.mark.parametrize(("op", "claim"), CERTAIN)
def test_certain_falsehoods_are_false(op, claim) -> None:
    proof = sc.prove(op, claim)
    assert proof.holds is False, str(proof)
    example = proof.counterexample
    assert example is not None
    assert proof.fails(**dict(example.shapes))
    if not example.mismatch:
        assert example.got != example.want


LAWS = [
    (sc.operator("y[i] = relu(x[i])"), "y = (x + abs(x))/2"),
    (sc.operator("y[i] = tanh(x[i])"), "y = 2*sigmoid(2*x) - 1"),
    (sc.operator("y[i] = tanh(x[i])"), "gx = 4*gy*sigmoid(2*x)*sigmoid(-2*x)"),
    (sc.operator("y[i] = exp(x[i])"), "y = exp(x/2)*exp(x/2)"),
    (sc.operator("y[i] = log(x[i]*x[i])"), "y = 2*log(abs(x))"),
    (sc.operator("y[i] = softplus(x[i])"), "y = log(1 + exp(x))"),
    (sc.operator("y[i] = gelu(x[i])"), "y = x - gelu(-x)*(-1)"),
    (sc.operator("y[i] = sin(2*x[i])"), "y = 2*sin(x)*cos(x)"),
    (sc.operator("y[i] = sqrt(x[i])*sqrt(x[i])"), "y = x"),
    (PEAK, "y = maximum(x[:, ::2][:, :OL], x[:, 1::2])"),
    (sc.conv_bias_act1d("sigmoid"), "gb = sum(gy*y*sigmoid(-conv(x, w) - b[:, None]), (0, 2))"),
    (sc.avg_pool1d(2, 2, border="skip"), "y = (x[:, :, ::2][:, :, :OL] + x[:, :, 1::2])/2"),
    (sc.avg_pool1d(2, 1, padding=[(0, 1)], border="skip"),
     "y = (x + pad(x[:, :, 1:], ((0,0),(0,0),(0,1))) + pad(x[:, :, -1:], ((0,0),(0,0),(L-1,0))))/2"),
]  # fmt: skip


@pytest.mark.parametrize(("op", "claim"), LAWS)
def test_what_holds_by_other_laws_is_never_refuted(op, claim) -> None:
    proof = sc.prove(op, claim)
    assert proof.holds is not False, str(proof)


FUNCTIONS = {
    "exp": math.exp, "expm1": math.expm1, "log": math.log, "log1p": math.log1p, "sqrt": math.sqrt, "sin": math.sin,
    "cos": math.cos, "tanh": math.tanh, "erf": math.erf, "sigmoid": lambda a: 1/(1 + math.exp(-a)),
    "softplus": lambda a: math.log1p(math.exp(a)), "gelu": lambda a: a/2*(1 + math.erf(a/math.sqrt(2))),
    "silu": lambda a: a/(1 + math.exp(-a)), "elu": lambda a: a if a > 0 else math.expm1(a), "abs": abs,
    "relu": lambda a: max(a, 0), "sign": lambda a: (a > 0) - (a < 0), "floor": math.floor, "ceil": math.ceil,
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_enclosures_hold_the_value(name: str) -> None:
    for number in (Fraction(n, 7) for n in (-33, -5, -1, 0, 1, 2, 7, 9, 40)):
        thin = Enclosure(number, number)
        wide = Enclosure(number - Fraction(1, 1000), number + Fraction(1, 1000))
        try:
            want = FUNCTIONS[name](float(number))
        except ValueError:
            with pytest.raises(NoValueError):
                applied(name, thin)
            continue
        value = applied(name, thin)
        assert float(value) == pytest.approx(want, rel=1e-14, abs=1e-14)
        if isinstance(value, Enclosure):
            assert value.hi - value.lo < Fraction(1, 10**60)
        try:
            around = applied(name, wide)
        except NoValueError:
            continue
        assert not apart(around, value)


def test_enclosures_follow_the_laws_of_numbers() -> None:
    """Sums, products and quotients of intervals hold those of every pair of points in them."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        ends = [sorted(Fraction(int(k), 8) for k in rng.integers(-20, 21, 2)) for _ in range(2)]
        a, b = (Enclosure(*pair) for pair in ends)
        points = [[lo, (lo + hi) / 2, hi] for lo, hi in ends]
        for x, y in product(*points):
            pairs = [(a + b, x + y), (a - b, x - y), (a * b, x * y), (3 - a, 3 - x), (-b, -y)]
            if b.lo > 0 or b.hi < 0:
                pairs.append((a / b, x / y))
            for found, number in pairs:
                assert found.lo <= number <= found.hi
        if not (b.lo > 0 or b.hi < 0):
            with pytest.raises(NoValueError):
                a / b
        if a.hi < b.lo:
            assert a < b
        elif a.lo <= b.hi and a.lo != a.hi:
            with pytest.raises(NoValueError):
                bool(a == b)


def test_sqrt_of_squares_and_values_at_zero_are_exact() -> None:
    assert applied("sqrt", Fraction(9, 4)) == Fraction(3, 2)
    assert applied("exp", Fraction(0)) == 1
    assert applied("pow", Fraction(2), Fraction(-3)) == Fraction(1, 8)
    assert applied("tanh", Enclosure(Fraction(0), Fraction(0))) == 0


def test_cell_by_cell_is_the_definition() -> None:
    """A pooled and activated convolution against loops."""
    op = sc.operator("y[i] = max[p](relu(x[2*i+p])*x[2*i+p] - x[2*i+p])", extents={"p": 2})
    x = [3, 1, 0, 2, 2]
    body = [max(v, 0) * v - v for v in x]
    y = computed(op, "y", {"x": np.array(x, dtype=object)})
    assert y.tolist() == [max(body[0], body[1]), max(body[2], body[3])]
    gy = np.array([5, 7], dtype=object)
    slope = [2 * v - 1 for v in x]
    gx = computed(op, "gx", {"x": np.array(x, dtype=object), "gy": gy})
    assert gx.tolist() == [5 * slope[0], 0, 0, 7 * slope[3], 0]
