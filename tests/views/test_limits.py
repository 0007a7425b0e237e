"""Drawn formulas have sane heights, and no limit stands on another."""

from __future__ import annotations

import re

import pytest

import symconv as sc
from symconv import pipeline
from symconv.views.limits import drawable
from symconv.views.mathsvg import SIZE, drawn
from symconv.views.sections import formulas

LAYERS = {
    "norm": "y[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,p])/sqrt(sum[c,p](x[n,c,i+p]**2) + 1)",
    "cosine": "y[n,f,i] = sum[c,p](x[n,c,i+p-1]*w[f,c,p])/(sqrt(sum[c,p](w[f,c,p]**2)) + 1)",
    "gauss": "y[n,f,i] = exp(-sum[c,p]((x[n,c,i+p-1]-w[f,c,p])**2))",
    "logistic": "y[n,f,i] = 1/(1+exp(-sum[c,p](x[n,c,i+p-1]*w[f,c,p])))",
    "tanh": "y[n,f,i] = tanh(sum[c,p](x[n,c,2*i+p-1]*w[f,c,p]) + b[f])",
}


def asked(op):
    return dict.fromkeys(formulas(op, tuple(pipeline.derive(op, t) for t in pipeline.gradients(op))))


def height_of(latex):
    found = drawn(latex)
    assert found is not None, latex
    return float(re.search(r'viewBox="[-\d.]+ [-\d.]+ [\d.]+ ([\d.]+)"', found[0])[1])


def deepest(latex):
    """Lines of the tallest stack that a formula holds."""
    return max((part.count(r"\\") for part in re.findall(r"\\substack\{(.*?)\}\}", latex)), default=0) + 1


@pytest.mark.parametrize("name", [*LAYERS, "conv_bias_act2d"])
def test_heights_are_those_of_what_is_written(name):
    op = sc.operator(LAYERS[name]) if name in LAYERS else sc.conv_bias_act2d(activation="tanh", padding=1)
    for latex in asked(op):
        rows = max(latex.count(r"\begin{cases}") * 3, 1)
        assert height_of(latex) < SIZE * (4 + 2.2 * deepest(latex) + 2 * rows), latex


@pytest.mark.full
@pytest.mark.parametrize("name", sc.ops())
def test_heights_of_every_shipped_operator(name):
    op = getattr(sc, name)(*((3, 2) if "pool" in name else ()))
    for latex in asked(op):
        assert height_of(latex) < SIZE * 12, latex


@pytest.mark.parametrize(
    "wrapped", [r"\left[%s\right]", r"\frac{a}{%s}", r"\sqrt{%s}", r"{\sqrt{%s}}^{2}", r"\frac{\partial}{\partial S}\left(\frac{%s}{S}\right)"]
)  # fmt: skip
def test_sums_are_as_wide_inside_as_they_are_outside(wrapped):
    r"""Two sums whose limits are wider than the sign: overprinted, the body stands nearer than the limits are wide."""
    sums = r"\sum_{p=\max(0, 1 - i)}^{K - 1}\;\sum_{q=\max(0, 1 - j)}^{K - 1} x"
    alone, inside = (
        float(re.search(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+)', drawn(t)[0])[1]) for t in (sums, wrapped % sums)
    )
    assert inside > alone


def test_what_needs_no_room_is_left_alone():
    for latex in (r"\frac{a + b}{c}", r"\left(\frac{a}{b}\right)^{2}", r"\sqrt{x_{i}}", r"\sum_{i=0}^{N} x_{i}"):
        assert drawable(latex) == latex
    cases = r"\left(\sum_{i}\begin{cases} a \\ b \end{cases}\right)"
    assert drawable(cases) == cases
