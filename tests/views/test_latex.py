"""LaTeX: every string is accepted by a renderer, and a handful read exactly as they should."""

from __future__ import annotations

import pykatex
import pytest
from grid import OPERATORS, SECOND_ORDER, derivations, second_order

import symconv as sc
from symconv.gather.derivation import Derivation, derivation
from symconv.notation.trace import Step
from symconv.views.latex import (
    expr_latex,
    gather_latex,
    general_latex,
    operator_latex,
    phases_latex,
    step_latex,
)
from symconv.views.names import Names, latex_symbol, latex_tensor


def everything(derived: Derivation) -> list[str]:
    texts = [operator_latex(derived.stated), operator_latex(derived.operator), gather_latex(derived.gather)]
    texts += [step_latex(step) for step in derived.trace]
    if phases := phases_latex(derived.gather):
        texts.append(phases)
    if derived.wrt in derived.stated.tensors and (general := general_latex(derived.stated, derived.wrt)):
        texts.append(general)
    return texts


def accept(derived: Derivation) -> None:
    for text in everything(derived):
        assert text.isascii()
        assert r"\mathbb{1}" not in text
        pykatex.renderToString(text, displayMode=True)


@pytest.mark.parametrize("name", OPERATORS)
def test_katex_accepts_every_formula(name):
    for derived in derivations(name):
        accept(derived)


@pytest.mark.parametrize("name", SECOND_ORDER)
def test_katex_accepts_the_second_order(name):
    for derived in second_order(name):
        accept(derived)


def body(formula: str) -> str:
    return expr_latex(sc.operator(formula).statements[0].expr)


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        ("y[i] = (x[i] + 1)*w[i]", r"(x_{i} + 1)\,w_{i}"),
        ("y[i] = x[i] - (w[i] - x[i])", r"x_{i} - (w_{i} - x_{i})"),
        ("y[i] = x[i] - (w[i]*x[i])", r"x_{i} - w_{i}\,x_{i}"),
        ("y[i] = x[i] + -w[i]", "x_{i} - w_{i}"),
        ("y[i] = x[i] - -w[i]", "x_{i} - (-w_{i})"),
        ("y[i] = -(x[i] + w[i])", "-(x_{i} + w_{i})"),
        ("y[i] = x[i]*-2*w[i]", r"-2\,x_{i}\,w_{i}"),
        ("y[i] = (x[i] + 1)/(w[i]*2)", r"\frac{x_{i} + 1}{2\,w_{i}}"),
        ("y[i] = (x[i]/w[i])**2", r"\left(\frac{x_{i}}{w_{i}}\right)^{2}"),
        ("y[i] = (-x[i])**(w[i] + 1)", "(-x_{i})^{w_{i} + 1}"),
        ("y[i] = x2[i]**2", "{x^{(2)}_{i}}^{2}"),
        ("y[i] = abs(x[i] - w[i])", r"\lvert x_{i} - w_{i}\rvert "),
        ("y[i] = softplus(x[i])*max(x[i], w[i])", r"\operatorname{softplus}(x_{i})\,\max(x_{i}, w_{i})"),
        ("y[i] = 0.01*x[i] + x[i]/3*1e9", r"0.01\,x_{i} + 10^{9}\,\frac{x_{i}}{3}"),
        ("y[i] = sum[k](x[i,k] + 1)*2", r"2\,\sum_{k=0}^{K - 1}\, (x_{i,k} + 1)"),
        ("y[i] = max[k](x[i,k]) + 1", r"\left(\max_{0 \le k < K} x_{i,k}\right) + 1"),
        ("y[i] = where(x[i] > 0, 1, 0)*w[i]", r"[\,x_{i} > 0\,]\,w_{i}"),
        (
            "y[i] = where(x[i] > 0, x[i], where(x[i] < -1, 1, 2))",
            r"\begin{cases} x_{i} & \text{if } x_{i} > 0 \\ 1 & \text{if } x_{i} < -1 \\ "
            r"2 & \text{otherwise} \end{cases}",
        ),
    ],
)
def test_parentheses_stand_exactly_where_they_are_needed(formula, latex):
    assert body(formula) == latex


def test_the_gradient_of_a_strided_convolution_reads_as_in_a_textbook():
    derived = derivation(sc.conv1d(stride=2, padding=1), "x")
    assert gather_latex(derived.gather) == (
        r"\begin{aligned} \bar x_{n,c,u} &= \sum_{f=0}^{F - 1}\;"
        r"\sum_{p'=\max(0, u' - O_{L} + 1)}"
        r"^{\min\left(u', \left\lfloor \frac{K - r_{u} - 1}{2} \right\rfloor\right)}\, "
        r"\bar y_{n,f,u' - p'}\,w_{f,c,2p' + r_{u}} \\ "
        r"u' &= \left\lfloor \frac{u + 1}{2} \right\rfloor,\quad r_{u} = (u + 1)\;\mathrm{mod}\;2 \\ "
        r"O_{L} &= \left\lfloor \frac{L - K + 2}{2} \right\rfloor + 1 \\ "
        r"&\text{for }0 \le n < N,\ 0 \le c < C,\ 0 \le u < L \end{aligned}"
    )


def test_the_gradient_of_the_kernel():
    derived = derivation(sc.conv1d(stride=2, padding=1), "w")
    first = gather_latex(derived.gather).split(r" \\ ")[0].removeprefix(r"\begin{aligned} ")
    assert first == (
        r"\bar w_{f,c,p} &= \sum_{n=0}^{N - 1}\;"
        r"\sum_{i=\max\left(0, \left\lceil \frac{1 - p}{2} \right\rceil\right)}"
        r"^{\min\left(O_{L} - 1, \left\lfloor \frac{L - p}{2} \right\rfloor\right)}\, "
        r"\bar y_{n,f,i}\,x_{n,c,2i + p - 1}"
    )


def test_residue_classes_without_taps_are_said_to_be_empty():
    derived = derivation(sc.conv1d(stride=2, dilation=2), "x")
    assert r"\bar x_{n,c,u} &= [\,2 \mid u\,]\,\sum_{f=0}^{F - 1}" in gather_latex(derived.gather)
    assert r"u' &= \frac{u}{2}" in gather_latex(derived.gather)


def test_dilation_against_stride_defines_what_a_class_starts_with():
    text = gather_latex(derivation(sc.conv1d(stride=3, dilation=2), "x").gather)
    assert r"p_{0} &= (2r_{u})\;\mathrm{mod}\;3" in text
    assert r"m_{u} &= \frac{r_{u} - 2p_{0}}{3}" in text


def test_the_relation_stands_under_the_sum():
    text = operator_latex(derivation(sc.conv1d(stride=2, padding=1), "x").operator)
    assert r"\substack{0 \le f < F \\ 0 \le i < O_{L} \\ 0 \le p < K \\ u = 2i + p - 1}" in text


def test_borders_are_cases_of_one_sum():
    op = sc.adder1d(stride=2, padding=1, border="reflect")
    border = next(step for step in derivation(op, "x").trace if step.rule == "border")
    text = step_latex(border)
    assert r"\lvert x_{n,c,1 - 2i - p} - w_{f,c,p}\rvert  & \text{if } 2i + p \le 0" in text
    assert r"x\text{ is reflected" in operator_latex(op)


def test_a_phase_table_has_a_row_per_class():
    table = phases_latex(derivation(sc.conv1d(stride=2), "x").gather)
    assert r"1 & 1 & 0 & p = 2p' + 1 & i = u' - p'" in table
    assert phases_latex(derivation(sc.conv1d(), "x").gather) == ""
    long = phases_latex(derivation(sc.conv1d(stride=30), "x").gather)
    assert r"\vdots" in long
    assert long.count(r"\\") == 13


def test_second_order_names():
    first = derivation(sc.conv1d(), "x").operator
    assert r"\bar{\bar x}_{n,c,i + p}\,\bar y_{n,f,i}" in gather_latex(derivation(first, "w").gather)
    assert latex_tensor("ggx", Names()) == r"\bar{\bar x}"
    assert [latex_symbol(s) for s in ("KH", "Cg", "u1_", "m_u")] == ["K_{H}", "C_{g}", "u'_{1}", "m_{u}"]


def test_a_name_that_merely_starts_with_g_is_left_alone():
    op = sc.operator("y[i] = gate[i]*gamma[i]*w_hat[i]")
    assert r"\mathit{gate}_{i}\,\gamma_{i}\,\mathit{w\_hat}_{i}" in operator_latex(op)
    assert r"\bar{\mathit{gate}}_{i} &= \bar y_{i}" in gather_latex(derivation(op, "gate").gather)


def test_any_step_can_be_written():
    for before, after in (("text", "50% of $x_1 & {y}"), (1, 2), ((), None)):
        pykatex.renderToString(step_latex(Step("other", before, after, "")), displayMode=True)
