"""Fragments: any document with amsmath takes them in, and nothing is wider than was said; measured by a real LaTeX."""

from __future__ import annotations

import random
import re
import sys
from pathlib import Path

import pytest

import symconv as sc
from symconv import pipeline
from symconv.views.typeset.fragment import derivation_fragment, fragments, operator_fragment

sys.path.insert(0, str(Path(__file__).parent))
from paper import document, needs_latex, printed

WIDE = (
    "y[n,f,i,j] = tanh(sum[c,p,q](x[n,c,2*i+p-1,3*j+2*q-1]*w[f,c,p,q]))"
    "*sigmoid(sum[c,p,q](x[n,c,2*i+p-1,3*j+2*q-1]*v[f,c,p,q]))"
)


def written(op, width="6.5in"):
    blocks = [operator_fragment(op, width)]
    blocks += [derivation_fragment(pipeline.derive(op, t), width) for t in pipeline.gradients(op)]
    return fragments(blocks, (str(op),), width)


def drawn(seed):
    """A layer by chance: functions around and below sums of products, strides, pads and borders of any kind."""
    pick = random.Random(seed)
    rank = pick.choice((1, 2))
    taps, cells = ("p", "q")[:rank], ("i", "j")[:rank]

    def read():
        index = ",".join(
            f"{pick.choice(('', '2*', '3*'))}{i}+{pick.choice(('', '2*'))}{p}-1"
            for i, p in zip(cells, taps, strict=True)
        )
        return f"x[n,c,{index}]"

    def total():
        form = pick.choice(("{x}*w[f,c,{t}]", "abs({x}-w[f,c,{t}])", "({x}-w[f,c,{t}])**2", "{x}*w[f,c,{t}]*exp({x})"))
        return f"sum[c,{','.join(taps)}]({form.format(x=one, t=','.join(taps))})"

    one = read()
    shape = pick.choice(("tanh({s})", "{s}/sqrt(1+{r})", "sigmoid({s})*{r}", "exp(-{s})/(1+{r}**2)", "-{s}",
                         "where({s} > 1, {s}, 0.1*{r})", "log(1+{r}**2)*{s} + {s}*{r}"))  # fmt: skip
    return sc.operator(
        f"y[n,f,{','.join(cells)}] = {shape.format(s=total(), r=total())}",
        border=pick.choice(("zero", "zero", "reflect", "replicate", "circular")),
    )


def test_a_fragment_is_no_document_and_says_what_it_needs():
    text = written(sc.conv2d(stride=2, padding=1))
    assert "documentclass" not in text
    assert r"\usepackage{amsmath}" in text.split("\n\n")[0]
    assert all(line.startswith("%") for line in text.split("\n\n")[0].splitlines())
    assert "\n\n\n" not in text


def test_labels_are_said_and_differ():
    text = written(sc.conv_bias_act2d("tanh", padding=1))
    labels = re.findall(r"\\label\{(.*?)\}", text)
    assert len(labels) == len(set(labels))
    assert {"eq:conv_bias_act2d-y", "eq:conv_bias_act2d-gx", "eq:conv_bias_act2d-gx-1"} <= set(labels)
    assert [label for label in re.findall(r"eqref\{(.*?)\}", text) if label not in labels] == []


@pytest.mark.parametrize("label", ["", "a b", "}", "eq:\\x", "%", "x" * 101, 3])
def test_labels_that_latex_cannot_take_are_refused(label):
    with pytest.raises(sc.SymconvError, match="label"):
        sc.derive(sc.conv1d(), "x").latex(label=label)


@pytest.mark.parametrize("width", ["wide", "6.5", "1in", "-3in", "6.5 parsec", 6.5, "9" * 9 + "in"])
def test_widths_that_are_none_are_refused(width):
    with pytest.raises(sc.SymconvError, match="width"):
        sc.derive(sc.conv1d(), "x").latex(width=width)


def test_a_name_is_a_comment_whatever_it_holds():
    op = sc.operator("y[i] = 2*x[i]", name="a\n\\input{b} % }")
    lines = [line for line in written(op).splitlines() if "input{b}" in line]
    assert lines
    assert all(line.startswith("%") for line in lines)


def test_sums_that_stand_more_than_once_have_a_name():
    g = sc.derive(sc.operator("y[n,i] = sum[c,p](x[n,c,i+p]*w[c,p])/sqrt(sum[c,p](x[n,c,i+p]**2) + 1)"), "x")
    assert g.latex().count("x_{n,c,i + p}^{2}") == 1
    assert r"S_{n,i} &= \sum_{c=0}^{C - 1}" in g.latex()
    assert "S[n,i] = Σ c=0..C−1" in str(g)


def test_a_sum_that_depends_on_less_has_a_statement():
    g = sc.derive(sc.operator("y[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,p])/sqrt(sum[c,p](x[n,c,i+p]**2) + 1)"), "x")
    assert g.latex().count("x_{n,c,i + p}^{2}") == 1
    assert r"y^{(1)}_{n,i} &= \sum_{c=0}^{C - 1}" in g.latex()
    assert "y1[n,i] = Σ c=0..C−1" in str(g)


def test_a_name_that_is_taken_is_left_alone():
    op = sc.operator("y[i] = S[i]*sum[p](x[i+p])/(1 + sum[p](x[i+p])**2)", extents={"p": 3})
    assert "A_{i} &=" in sc.derive(op, "x").latex()


def test_limits_of_two_statements_are_told_apart():
    text = sc.derive(sc.conv_bias_act2d("tanh", padding=1), "x").latex()
    lefts = re.findall(r"(\S+) &= \\max", text)
    assert len(lefts) == len(set(lefts)) == 4
    assert text.count(r"\sum_{p=p_{\min}^{(2)}}^{p_{\max}^{(2)}}") == 1


def test_definitions_that_do_not_fit_side_by_side_have_rows_of_their_own():
    text = sc.derive(sc.conv_bias_act2d("tanh", padding=1), "x").latex(width="8cm")
    assert r"q_{\max}^{(2)} &= \min(v + 1, K_{W} - 1) \notag" in text


@needs_latex
@pytest.mark.full
@pytest.mark.parametrize("options", ["10pt", "11pt", "12pt"])
def test_nothing_of_a_wide_formula_stands_over_and_references_resolve(tmp_path, options):
    op = sc.operator(WIDE, name="gated")
    (tmp_path / "gated.tex").write_text(written(op), encoding="utf-8")
    found = printed(tmp_path, document(r"See \eqref{eq:gated-gx}. \input{gated}", options), runs=2)
    assert found.errors == found.overfull == ()
    assert "undefined" not in found.log
    assert "multiply" not in found.log


@needs_latex
@pytest.mark.full
@pytest.mark.parametrize("width", ["6.5in", "345pt"])
def test_nothing_of_a_shipped_operator_stands_over(tmp_path, width):
    texts = []
    for name in sc.ops():
        make, sizes = getattr(sc, name), ((3, 2) if "pool" in name else ())
        for settings in (
            {},
            {"stride": 2, "padding": 1},
            {"border": "reflect", "padding": 1},
            {"dilation": 2, "stride": 3},
        ):
            try:
                texts.append(written(make(*sizes, **settings), width))
            except (sc.SymconvError, TypeError):
                continue
    assert len(texts) > 80
    assert_fits(tmp_path, texts, width)


@needs_latex
@pytest.mark.full
def test_nothing_of_drawn_layers_stands_over(tmp_path):
    assert_fits(tmp_path, [written(drawn(seed)) for seed in range(30)], "6.5in")


def assert_fits(folder, texts, width):
    for options in ("10pt", "12pt"):
        found = printed(folder, document("\n\n".join(texts), options, width))
        assert found.errors == found.overfull == ()
