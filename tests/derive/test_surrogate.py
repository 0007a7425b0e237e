"""Declared derivatives: AdderNet's shipped backward, which is not the derivative of its forward, and says so."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

import symconv as sc
from symconv.cli import cli
from symconv.views.show import show

ADDERNET = {"w": "x - w", "x": "max(-1, min(1, w - x))"}


@pytest.fixture(scope="module")
def adder():
    return sc.operator("y[n,f,i] = -sum[c,p](abs(x[n,c,2*i+p-1] - w[f,c,p]))", surrogate=ADDERNET)


def declared(x, w, gy):
    """AdderNet's rule, written as loops over what the layer reads; zeros are read beyond the ends."""
    gx, gw = np.zeros_like(x), np.zeros_like(w)
    for n, f, i in np.ndindex(*gy.shape):
        for c, p in np.ndindex(*w.shape[1:]):
            at = 2 * i + p - 1
            inside = 0 <= at < x.shape[2]
            value = x[n, c, at] if inside else 0.0
            gw[f, c, p] += gy[n, f, i] * (value - w[f, c, p])
            if inside:
                gx[n, c, at] += gy[n, f, i] * np.clip(w[f, c, p] - value, -1, 1)
    return gx, gw


def test_the_kernel_computes_what_is_declared(adder):
    rng = np.random.default_rng(0)
    x, w = (rng.integers(-3, 4, shape).astype(float) for shape in ((2, 3, 8), (4, 3, 3)))
    kernel = sc.build(adder, dtype="float64")
    y = kernel.forward(x, w)
    gy = rng.integers(-3, 4, y.shape).astype(float)
    found = kernel.backward(gy, x, w)
    gx, gw = declared(x, w, gy)
    assert (found.x == gx).all()
    assert (found.w == gw).all()


def test_it_is_not_the_derivative(adder):
    true = sc.operator(adder.source)
    x, w = np.full((1, 1, 5), 3.0), np.full((1, 1, 3), 1.0)
    gy = np.ones((1, 1, 3))
    one, other = (sc.build(op, dtype="float64").backward(gy, x, w).w for op in (adder, true))
    assert not (one == other).all()


@pytest.mark.parametrize("outer", ["{r}", "-{r}", "{r}/4", "1 - 3*{r}"])
def test_signs_and_factors_around_the_sum_belong_to_the_slope(outer, lowered, interpreted):
    inner = "sum[c,p](abs(x[n,c,2*i+p-1] - w[f,c,p]))"
    op = sc.operator(f"y[n,f,i] = {outer.format(r=inner)}", surrogate=ADDERNET)
    rng = np.random.default_rng(1)
    x, w, gy = (rng.integers(-3, 4, shape).astype(float) for shape in ((1, 2, 6), (2, 2, 3), (1, 2, 3)))
    for wrt, want in zip("xw", declared(x, w, gy), strict=True):
        found = interpreted(lowered(op, wrt, proofs=False), {"x": x, "w": w, "gy": gy})
        np.testing.assert_allclose(found, want.ravel(), rtol=1e-14)


def test_a_tensor_that_is_read_twice_is_asked_about():
    with pytest.raises(sc.SpecError, match="reads x in 2 places, and which one is meant is not clear"):
        sc.operator("y[n,i] = sum[p](x[n,i+p]*w[p]*x[n,i+p+1])", extents={"i": 3}, surrogate={"x": "w"})


SAID = "surrogate: declared, not the derivative"


@pytest.mark.parametrize(("wrt", "slope"), [("w", "x - w"), ("x", "\\max(-1, \\min(1, w - x))")])
def test_everything_says_that_it_is_declared(adder, wrt, slope, tmp_path):
    gradient = sc.derive(adder, wrt)
    assert f"{SAID}: by {wrt}, " in str(gradient).split("1. state")[0]
    assert gradient.latex().endswith(rf"&\text{{{SAID}: by }}{wrt}\text{{, }}{slope} \end{{aligned}}")
    declared = [step for step in gradient.steps if SAID in step.note]
    assert {step.check for step in declared} == {"declared by the operator"}
    assert all(rf"\text{{{SAID}}}" in step.latex() for step in declared)
    page = show(gradient, tmp_path / "report.html").read_text(encoding="utf-8")
    assert SAID in page


def test_nothing_is_said_where_nothing_is_declared(adder):
    true = sc.derive(sc.operator(adder.source), "w")
    assert "surrogate" not in str(true)
    assert "surrogate" not in true.latex()


def test_a_function_is_declared_only_for_what_it_takes():
    op = sc.operator("y[i] = sign(x[i])*w[i]", surrogate={"sign": "where(abs(u) <= 1, 1, 0)"})
    assert f"{SAID}: sign'(u) = " in sc.derive(op, "x").latex()
    for wrt, says in (("x", True), ("w", False)):
        gradient = sc.derive(op, wrt)
        assert (SAID in str(gradient).split("1. state")[0]) is says
        assert any(SAID in step.note for step in gradient.steps) is says
        assert (SAID in gradient.latex()) is says


def test_verify_judges_what_is_declared(adder):
    verdict = sc.verify(adder)
    assert verdict
    judged = {check.name: check for check in verdict.checks}
    for name in ("gradient by x, integers", "gradient by w, integers"):
        assert SAID in judged[name].detail
        assert judged[name].cases > 0
    assert judged["forward, integers"].cases > 0


def test_verify_rejects_the_true_derivative_where_another_is_declared(adder):
    true = sc.build(sc.operator(adder.source), dtype="float64")
    verdict = sc.verify(adder, kernel=true)
    assert not verdict
    wrong = {check.name for check in verdict.checks if not check.passed}
    # On integers clip(w - x, -1, 1) is the sign itself: there x agrees.
    assert {"gradient by x, reals", "gradient by w, integers"} <= wrong
    assert "gradient by x, integers" not in wrong
    assert not any(name.startswith("forward") for name in wrong)


def test_run_judges_and_says_so(tmp_path):
    spec = tmp_path / "net.toml"
    spec.write_text(
        'formula = "y[n,f,i] = -sum[c,p](abs(x[n,c,2*i+p-1] - w[f,c,p]))"\n'
        f'surrogate = {{ w = "{ADDERNET["w"]}", x = "{ADDERNET["x"]}" }}\n'
    )
    result = CliRunner().invoke(cli, ["run", str(spec), "--dtype", "float64", "-o", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    for file in ("net_gx.tex", "net_gw.tex", "verdict.txt", "report.html"):
        assert SAID in (tmp_path / "out" / file).read_text(encoding="utf-8"), file
