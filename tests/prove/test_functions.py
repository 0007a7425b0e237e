"""Claims on formulas with functions in them: decided like products, confirmed by running both sides."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import symconv as sc
from symconv.prove.concrete.evaluate import Misfit, evaluate
from symconv.prove.language.parse import parse_claim
from symconv.prove.meaning.atoms import spelled, told_apart
from symconv.prove.meaning.value import Factor, Term
from symconv.verify import reference

SIGNS = (
    "sum(reshape(gy, (N, F, 1, 1, OL))*sign(reshape(unfold(x, K{0}), (N, 1, C, K, OL)) - reshape(w, (1, F, C, K, 1)))"
)
PLAIN, WINDOW = sc.adder1d(), sc.adder1d(stride=2, padding=1)
ADDER = sc.operator("y[n,f,i] = -sum[c,p](abs(x[n,c,i+p] - w[f,c,p]))")


def pointwise(body: str) -> sc.Operator:
    return sc.operator(f"y[n,i] = {body}")


RIGHT = [
    (pointwise("relu(x[n,i])"), "y = (x + abs(x))/2"),
    (pointwise("sign(x[n,i])*sign(x[n,i])*x[n,i]"), "y = x"),
    (PLAIN, f"gw = {SIGNS.format('')}, (0, 4))"),
    (WINDOW, f"gw = {SIGNS.format(', stride=2, padding=1')}, (0, 4))"),
    (
        ADDER,
        f"gw = -{SIGNS.format('').replace('sign(', 'sign(-', 1).replace(') - reshape(w', ') + reshape(w')}, (0, 4))",
    ),
    (pointwise("tanh(x[n,i])"), "gx = gy*(1 - y*y)"),
    (pointwise("tanh(x[n,i])"), "gx = gy*(1 - tanh(x)*tanh(x))"),
    (pointwise("sigmoid(x[n,i])"), "gx = gy*y*(1 - y)"),
    (pointwise("relu(tanh(3*x[n,i]))"), "gx = 3*gy*(x > 0)*(1 - tanh(3*x)*tanh(3*x))"),
    (pointwise("relu(1 - exp(x[n,i]))"), "gx = -gy*(x < 0)*exp(x)"),
    (pointwise("sign(3*x[n,i])"), "y = sign(x)"),
    (sc.operator("y[n,i] = x[n,i]*tanh(w[n,i]*x[n,i])"), "gx = gy*(tanh(w*x) + x*w*(1 - tanh(w*x)*tanh(x*w)))"),
    (pointwise("exp(x[n,i])*x[n,i]"), "gx = gy*exp(x) + gy*y"),
    (pointwise("sin(x[n,i])"), "gx = gy*cos(-x)"),
    (pointwise("abs(x[n,i])"), "gx = -gy*sign(-x)"),
    (pointwise("relu(x[n,i])"), "y = max(x, 0)"),
    (pointwise("relu(x[n,i])"), "y = x - min(x, 0)"),
    (pointwise("max(x[n,i], v[n,i])"), "y = v + relu(x - v)"),
    (pointwise("cos(x[n,i])"), "gx = gy*sin(-x)"),
]
WRONG = [
    (PLAIN, f"gw = -{SIGNS.format('')}, (0, 4))", "always"),
    (PLAIN, "gx = conv_transpose(gy, w)", "always"),
    (WINDOW, f"gw = {SIGNS.format(', stride=2, padding=1')}, (0, 4)) + 0*w + w", "always"),
    (WINDOW, "gw = 0*w", "always"),
    (pointwise("abs(x[n,i])"), "gx = gy", "always"),
    (pointwise("abs(x[n,i])"), "gx = gy*sign(x)*sign(x)", "always"),
    (pointwise("relu(x[n,i])"), "y = x", "always"),
    (pointwise("tanh(x[n,i])"), "gx = gy*(1 - y)", "always"),
    (pointwise("exp(x[n,i])"), "gx = gy*exp(-x)", "always"),
]
OPEN = [
    (pointwise("relu(x[n,i])"), "y = (x + sqrt(x*x))/2", "true"),
    (pointwise("sin(2*x[n,i])"), "y = 2*sin(x)*cos(x)", "true"),
]
REFUTED = [
    (pointwise("log(x[n,i])"), "y = log(x*2)", "always"),
    (pointwise("log(1 + x[n,i]*x[n,i])"), "y = log(2 + x*x)", "always"),
    (pointwise("log(x[n,i] + w[i])"), "y = log(x + 2*w)", "always"),
    (pointwise("max(x[n,i], 0)"), "gx = gy*(x > 0)", "always"),
    (pointwise("x[n,i]/(1 + abs(x[n,i]))"), "gx = gy/(1 + x)**2", "always"),
    (pointwise("max(max(x[n,i], w[n,i]), v[n,i])"), "gw = gy*(w >= x)*(w >= v)", "always"),
    (pointwise("log(x[n,i]*x[n,0] + 70)"), "y = log(x*x + 70)", ""),
    (sc.operator("y[n,f] = tanh(sum[c](x[n,c]*w[f,c]))"), "gx = matmul(gy, w)", ""),
]
"""With where it fails: everywhere where each cell is one function of its own elements, else where it was seen."""


def agrees(op: sc.Operator, claim: str, shapes: dict[str, tuple[int, ...]], seed: int) -> bool:
    rng = np.random.default_rng(seed)
    shapes = {**shapes, f"g{op.output.name}": op.output_shape(**shapes)}
    arrays = {name: rng.integers(-6, 7, shape) / 1.0 for name, shape in shapes.items()}
    stated = parse_claim(claim)
    inputs = {name: arrays[name] for name in op.tensors}
    y = reference.evaluate(op, inputs)
    want = y if stated.side == "y" else reference.gradients(op, inputs, arrays["gy"])[stated.side[1:]]
    try:
        got = evaluate(stated, op, {**arrays, "y": y})
    except Misfit:
        return False
    return got.shape == want.shape and bool(np.allclose(got, want, atol=1e-9))


def places(op: sc.Operator) -> list[dict[str, tuple[int, ...]]]:
    if len(op.windows):
        return [{"x": (n, c, h), "w": (f, c, 3)} for n, c, f, h in product((1, 2), (1, 3), (1, 2), (3, 6))]
    return [dict.fromkeys(op.tensors, (n, i)) for n, i in product((1, 3), (1, 4))]


@pytest.mark.parametrize(("op", "claim"), RIGHT)
def test_right_claims_are_proved_and_true(op, claim) -> None:
    proof = sc.prove(op, claim)
    assert proof.holds is True, str(proof)
    assert all(agrees(op, claim, shapes, seed) for seed, shapes in enumerate(places(op)))


@pytest.mark.parametrize(("op", "claim", "fails"), WRONG)
def test_wrong_claims_are_refuted_and_false(op, claim, fails) -> None:
    proof = sc.prove(op, claim)
    assert proof.holds is False, str(proof)
    assert proof.fails_when == fails
    assert not all(agrees(op, claim, shapes, seed) for seed, shapes in enumerate(places(op)))


@pytest.mark.parametrize(("op", "claim", "leaning"), OPEN)
def test_what_may_be_equal_by_other_laws_is_left_open(op, claim, leaning) -> None:
    proof = sc.prove(op, claim)
    assert proof.holds is None, str(proof)
    assert proof.reason
    assert proof.leaning.startswith(leaning)


@pytest.mark.parametrize(("op", "claim", "fails"), REFUTED)
def test_one_certain_difference_decides(op, claim, fails) -> None:
    proof = sc.prove(op, claim)
    assert proof.holds is False, str(proof)
    if fails:
        assert (proof.fails_when, proof.holds_when) == (fails, "never")
        assert all(proof.fails(**dict.fromkeys(op.tensors, shape)) for shape in ((1, 1), (3, 5))
                   if len(op.tensors) == 1)  # fmt: skip
    else:
        assert proof.fails_when.endswith("and perhaps elsewhere")
        assert proof.holds_when == "unknown"


@pytest.mark.parametrize(
    ("op", "claim"), [(op, claim) for op, claim, _ in REFUTED if "log(" in claim or "(gy, w)" in claim]
)
def test_a_difference_of_functions_is_certain(op, claim) -> None:
    proof = sc.prove(op, claim)
    example = proof.counterexample
    assert not example.exact
    assert abs(example.got - example.want) > 0.01
    assert proof.fails(**dict(example.shapes))
    assert "enclosed by interval arithmetic" in proof.text()


def test_where_a_stride_is_forgotten_the_shapes_say_when() -> None:
    proof = sc.prove(WINDOW, f"gw = {SIGNS.format(', stride=2')}, (0, 4))")
    assert proof.holds is False
    assert proof.counterexample is not None
    assert proof.counterexample.mismatch


def test_the_counterexample_spells_the_functions() -> None:
    proof = sc.prove(PLAIN, f"gw = 2*{SIGNS.format('')}, (0, 4))")
    assert proof.holds is False
    assert proof.counterexample is not None
    assert any("sign(w[0,0,0] - x[0,0,0])" in term or "sign(x[0,0,0] - w[0,0,0])" in term
               for term in (*proof.counterexample.missing, *proof.counterexample.extra))  # fmt: skip


def term(*names: str) -> Term:
    from fractions import Fraction

    return Term(Fraction(1), (), tuple(Factor(name, ()) for name in names))


@pytest.mark.parametrize(
    ("terms", "apart"),
    [
        ([term("x{1}", "w{1}")], True),
        ([term("tanh(1*x{1})"), term("tanh(1*w{1})"), term("tanh(1*x{1})", "tanh(1*x{1})")], True),
        ([term("tanh(1*x{1})", "tanh(1*w{1})")], False),
        ([term("tanh(1*x{1})"), term("sigmoid(1*x{1})")], False),
        ([term("step(1*x{1} + -1*w{1})"), term("step(1*w{1} + -1*x{1})")], False),
        ([term("log(1*x{1})")], False),
        ([term("sin(1*x{1} + -1*x{1})")], False),
    ],
)
def test_when_functions_are_told_apart(terms, apart) -> None:
    assert told_apart(terms) is apart


def test_atoms_read_as_formulas() -> None:
    names = iter(("x[0,1]", "w[2]"))
    assert spelled("tanh(-1*x{2} + 1/2*w{1})", lambda *_: next(names)) == "tanh(-x[0,1] + 1/2*w[2])"


def test_numbers_stand_beside_arrays() -> None:
    op = sc.operator("y[n,i] = x[n,i]*x[n,i]")
    assert sc.prove(op, "gx = gy*(x + 1) - gy*(1 - x)").holds
    assert sc.prove(op, "gx = gy*(x + 1)").holds is False
