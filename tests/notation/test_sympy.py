"""SymPy equations become the formulas a user would have written."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from sympy import Abs, Eq, Function, IndexedBase, Max, Min, Piecewise, Rational, Sum

import symconv as sc
from symconv.notation.from_sympy import from_sympy
from symconv.verify.reference import evaluate

x, w, v, y, b = map(IndexedBase, "xwvyb")
n, f, i, j, c, p, q = sympy.symbols("n f i j c p q", integer=True)
K, C, L = sympy.symbols("K C L", integer=True)
a = sympy.Symbol("a")

EQUATIONS = [
    (Eq(y[n, f, i], -Sum(Abs(x[n, c, 2 * i + p - 1] - w[f, c, p]), (c, 0, C - 1), (p, 0, K - 1))),
     "y[n,f,i] = -sum[c,p](abs(x[n,c,2*i+p-1] - w[f,c,p]))"),
    (Eq(y[n, f, i], sympy.tanh(Sum(x[n, c, i + p] * w[f, c, p], (p, 0, K - 1), (c, 0, C - 1)) + b[f])),
     "y[n,f,i] = tanh(sum[p,c](x[n,c,i+p]*w[f,c,p]) + b[f])"),
    (Eq(y[n, i], Sum(x[n, (i + 1 - p) / 2] * w[p], (p, 0, K - 1))), "y[n,i] = sum[p](x[n,(i-p+1)/2]*w[p])"),
    (Eq(y[i], Max(x[i], 0) - Min(x[i + 1], x[i + 2])), "y[i] = max(x[i], 0) - min(x[i+1], x[i+2])"),
    (Eq(y[i], sympy.sqrt(x[i]) / 3 + x[i] ** -2 + 2 * x[i] ** 3), "y[i] = 2*x[i]**3 + 1/3*sqrt(x[i]) + 1/x[i]**2"),
    (Eq(y[i], Piecewise((x[i], x[i] > a), (a * x[i], True))), "y[i] = where(x[i] > a, x[i], x[i]*a)"),
    (Eq(y[i], Function("gelu")(x[i]) + sympy.sign(x[i])), "y[i] = sign(x[i]) + gelu(x[i])"),
    (Eq(y[i], sympy.exp(-x[i]) * sympy.erf(x[i]) + sympy.log(x[i])), "y[i] = log(x[i]) + exp(-x[i])*erf(x[i])"),
    (Eq(y[n, i], Sum(x[n, i + p - 1] * w[p - 1], (p, 1, 3))), "y[n,i] = sum[p](x[n,i+p]*w[p])"),
    (Eq(y[i], i * x[i]), "y[i] = x[i]*i"),
]  # fmt: skip


@pytest.mark.parametrize(("equation", "text"), EQUATIONS, ids=[text for _, text in EQUATIONS])
def test_the_same_operator_as_from_text(equation, text) -> None:
    params = {"a": 0.25} if equation.has(a) else {}
    made, want = sc.operator(equation, params=params), sc.operator(text, params=params, extents=lengths(equation))
    assert made.tensors == want.tensors
    rng = np.random.default_rng(0)
    arrays = {}
    for tensor in want.tensors:
        rank = len(want.input(tensor).axes)
        last = 5 if tensor == "x" else 2 if tensor == "b" else 3
        arrays[tensor] = rng.uniform(0.5, 2, (2,) * (rank - 1) + (last,))
    np.testing.assert_allclose(evaluate(made, arrays), evaluate(want, arrays), rtol=1e-14)


def lengths(equation) -> dict[str, int]:
    return from_sympy(equation)[1]


def test_texts() -> None:
    for equation, text in EQUATIONS[:3]:
        assert from_sympy(equation) == (text, {})
    assert lengths(EQUATIONS[8][0]) == {"p": 3}


@pytest.mark.parametrize(
    ("equation", "said"),
    [
        (x[n, i], "a SymPy operator is Eq"),
        (Eq(a, x[i]), "a SymPy operator is Eq"),
        (sympy.true, "a SymPy operator is Eq"),
        (Eq(y[i], sympy.gamma(x[i])), "cannot say SymPy's gamma"),
        (Eq(y[i], Function("foo")(x[i])), "cannot say SymPy's foo"),
        (Eq(y[i], sympy.Product(x[i + p], (p, 0, 2))), "cannot say SymPy's Product"),
        (Eq(y[i], sympy.Derivative(x[i], x[i], evaluate=False)), "cannot say SymPy's Derivative"),
        (Eq(y[i], sympy.I * x[i]), "no number ImaginaryUnit"),
        (Eq(y[i], sympy.oo * x[i]), "no number Infinity"),
        (Eq(y[i], Sum(x[i + p], (p, 0, K))), "has length K \\+ 1"),
        (Eq(y[i], Sum(x[i + p] * w[q], (q, 0, p - 1), (p, 0, K - 1))), "has length p"),
        (Eq(y[i], Sum(x[i + p], (p, L, K))), "starts at L"),
        (Eq(y[i], x[i * i]), "an index is a sum of indices times integers"),
        (Eq(y[i], x[L * i]), "an index is a sum of indices times integers"),
        (Eq(y[i], Piecewise((x[i], x[i] > 0))), "ends with a branch that always holds"),
        (Eq(y[i], IndexedBase(sympy.Symbol("x'"))[i]), "no plain name"),
        (Eq(y[i], a * x[i]), "neither an index .* nor a parameter"),
        (Eq(y[i], Sum(x[i + p], (p, 0, 2)) + Sum(x[i + p] ** 2, (p, 0, 1))), "different lengths"),
    ],
    ids=str,
)
def test_what_the_notation_cannot_say(equation, said) -> None:
    with pytest.raises(sc.SpecError, match=said):
        sc.operator(equation)


def test_depth_is_bounded() -> None:
    deep = x[i]
    for _ in range(200):
        deep = Function("relu")(deep)
    with pytest.raises(sc.SpecError, match="nests deeper"):
        sc.operator(Eq(y[i], deep, evaluate=False))


def test_derivation_from_sympy() -> None:
    op = sc.operator(Eq(y[n, f, i], Sum((x[n, c, i + p] - w[f, c, p]) ** 2, (c, 0, C - 1), (p, 0, K - 1))))
    assert op.tensors == ("x", "w")
    assert "2" in str(sc.derive(op, "w").operator.statements[-1].expr)


def test_numbers_are_exact() -> None:
    assert from_sympy(Eq(y[i], x[i] * Rational(-1, 3)))[0] == "y[i] = -(1/3)*x[i]"
    assert from_sympy(Eq(y[i], x[i] * sympy.Float("0.1")))[0] == "y[i] = 0.1*x[i]"
    assert from_sympy(Eq(y[i], x[i] * sympy.pi))[0] == "y[i] = x[i]*3.141592653589793"


def test_conditions_nest() -> None:
    both = Piecewise((1, sympy.And(x[i] > 0, x[i] < 2)), (2, sympy.Or(x[i] > 3, sympy.Eq(x[i], -1))), (3, True))
    op = sc.operator(Eq(y[i], both))
    found = evaluate(op, {"x": np.array([1.0, -1.0, 2.5, 4.0, 0.0])})
    assert found.tolist() == [1, 2, 3, 2, 3]
