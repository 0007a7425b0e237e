"""Gradients of several outputs: a cotangent for each, the sum of what each hands on, and gradients of gradients."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import symconv as sc
from symconv.errors import SpecError
from symconv.notation.loss import loss
from symconv.verify.reference import evaluate, gradients

SOURCE = "s[n,i] = sum[p](x[n,2*i+p-1]*w[p]); y[n,i] = 3*s[n,i]; z[i] = sum[n](s[n,i]**2)"
SHAPES = {"gy": (2, 4), "gz": (4,), "x": (2, 7), "w": (3,)}


@pytest.fixture(scope="module")
def arrays():
    draw = np.random.default_rng(0)
    whole = {name: draw.integers(-4, 5, shape) for name, shape in SHAPES.items()}
    return {name: np.array([Fraction(int(v)) for v in a.reshape(-1)]).reshape(a.shape) for name, a in whole.items()}


def by_hand(gy, gz, x, w):
    """s and both gradients, scattered read by read."""
    s = [
        [sum(x[n, 2 * i + p - 1] * w[p] for p in range(3) if 0 <= 2 * i + p - 1 < 7) for i in range(4)] for n in (0, 1)
    ]
    gx, gw = np.array([[Fraction(0)] * 7] * 2), np.array([Fraction(0)] * 3)
    for n, i, p in np.ndindex(2, 4, 3):
        if 0 <= 2 * i + p - 1 < 7:
            handed = 3 * gy[n, i] + 2 * gz[i] * s[n][i]
            gx[n, 2 * i + p - 1] += handed * w[p]
            gw[p] += handed * x[n, 2 * i + p - 1]
    return {"x": gx, "w": gw}


@pytest.mark.parametrize("name", ["x", "w"])
def test_the_gradient_is_over_all_cotangents(arrays, name) -> None:
    g = sc.derive(sc.operator(SOURCE), name)
    assert g.tensors == ("gy", "gz", "x", "w")
    assert (evaluate(g.operator, arrays) == by_hand(**arrays)[name]).all()
    checks = {step.rule: step.check for step in g.steps}
    assert "scattered instead of gathered, the same" in checks["transpose"]
    assert "does not ask for y, z" in next(step.step.note for step in g.steps if step.rule == "transpose")


def test_an_intermediate_that_is_an_output_too(arrays) -> None:
    op = sc.operator(SOURCE.replace("; z[i] = sum[n](s[n,i]**2)", ""), outputs=("s", "y"))
    gs, gy = arrays["gy"], arrays["gy"][::-1].copy()
    found = evaluate(sc.derive(op, "w").operator, {"gs": gs, "gy": gy, "x": arrays["x"], "w": arrays["w"]})
    zero = np.array([Fraction(0)] * 4)
    assert (found == by_hand(gs / 3 + gy, zero, arrays["x"], arrays["w"])["w"]).all()


def test_the_directional_derivative_of_each_output_is_its_difference_quotient(arrays) -> None:
    x, w = arrays["x"], arrays["w"]
    tx, tw = x[::-1].copy(), w + 2
    along = sc.jvp(sc.operator(SOURCE), ("x", "w"))
    assert along._fields == ("y", "z")
    for name, degree in (("y", 2), ("z", 4)):
        assert getattr(along, name).tensors == ("x", "w", "tx", "tw")
        found = evaluate(getattr(along, name).operator, {"x": x, "w": w, "tx": tx, "tw": tw})
        # The value along the line is a polynomial: its slope at 0 follows exactly from so many values.
        points = [Fraction(k) for k in range(-degree, degree + 1)]
        values = [evaluate(sc.operator(SOURCE).only(name), {"x": x + h * tx, "w": w + h * tw}) for h in points]
        assert (found == sum(c * v for c, v in zip(slopes(points), values, strict=True))).all()


def slopes(points: list[Fraction]) -> list[Fraction]:
    """What each value of a polynomial at the points counts for its slope at 0 (Lagrange)."""
    found = []
    for k, a in enumerate(points):
        others = [b for j, b in enumerate(points) if j != k]
        scale = Fraction(1)
        for b in others:
            scale *= a - b
        total = Fraction(0)
        for left in range(len(others)):
            product = Fraction(1)
            for j, b in enumerate(others):
                product *= Fraction(1) if j == left else -b
            total += product
        found.append(total / scale)
    return found


def test_a_gradient_of_a_gradient_is_its_difference_quotient(arrays) -> None:
    twice = sc.derive(sc.derive(sc.operator(SOURCE), "x"), "w")
    assert twice.tensors == ("ggx", "gy", "gz", "x", "w")
    ggx = arrays["x"][:, ::-1].copy()
    found = evaluate(twice.operator, {"ggx": ggx, **arrays})
    for p in range(3):
        both = []
        for sign in (1, -1):
            w = arrays["w"].copy()
            w[p] += sign
            both.append((ggx * by_hand(arrays["gy"], arrays["gz"], arrays["x"], w)["x"]).sum())
        # Exact: the gradient is a polynomial of degree two in w.
        assert found[p] == (both[0] - both[1]) / 2


def test_by_a_cotangent_the_loss_has_the_output_as_its_gradient(arrays) -> None:
    op = sc.operator(SOURCE)
    found = gradients(loss(op), arrays, np.array(Fraction(1)), ("gy", "gz"))
    for name in ("y", "z"):
        assert (found[f"g{name}"] == evaluate(op.only(name), {k: arrays[k] for k in "xw"})).all()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("y[i] = 2*gy[i]; z[i] = x[i]*gy[i]", "already has a tensor 'gy', the name its gradient needs"),
        (
            "gy[i] = x[i]**2; y[i] = 2*gy[i]; z[i] = gy[i]*x[i]",
            "already has a tensor 'gy', the name its gradient needs",
        ),
        ("gy[i] = x[i]**2; y[i] = 2*gy[i]", "already has a tensor 'gy', the name its gradient needs"),
    ],
)
def test_names_that_gradients_need(source, words) -> None:
    with pytest.raises(SpecError, match=words):
        sc.derive(sc.operator(source), "x")


def test_what_is_for_one_output_says_so() -> None:
    op = sc.operator(SOURCE)
    for refused in (lambda: sc.picture(op), lambda: sc.terms(op, (0, 0)), lambda: op.output):
        with pytest.raises(SpecError, match="has the outputs y and z, and this is for operators of one"):
            refused()
    assert "<operator formula: y, z from x, w>" in repr(op)
