"""Where formulas are broken, and that nothing gets lost there."""

from __future__ import annotations

import re

import pykatex
import pytest

import symconv as sc
from symconv import pipeline
from symconv.views.dialect import latex
from symconv.views.names import names_of
from symconv.views.stages import derivation_rows
from symconv.views.typeset.breaking import broken, wide

LONG = r"\tanh\left(\sum_{c=0}^{C - 1}\;\sum_{p=0}^{K - 1}\, x_{n,c,i + p}\,w_{f,c,p} + b_{f}\right)^{2}"


def bare(text: str) -> str:
    """A formula without what lines add or take: spaces, sizes of fences, dots between factors."""
    plain = re.sub(r"\\(?:left|right|[bB]igg?[lr])(?![a-z])|\\[,;: ]|\\quad|\{\}|\s|\\cdot|\\text\{|\}", "", text)
    return plain.replace("{", "")


@pytest.mark.parametrize("width", [60.0, 100.0, 150.0, 180.0])
def test_lines_are_narrow_and_hold_everything_in_order(width):
    lines = broken(LONG, width)
    assert len(lines) > 1
    assert bare("".join(lines)) == bare(LONG)
    if width >= 100:
        assert all(wide(line) <= width for line in lines)


def test_a_break_is_where_a_reader_would_make_it():
    assert broken(r"aaaa\,bbbb + cccc\,dddd", 90.0) == (r"aaaa\,bbbb", r"{}+ cccc\,dddd")
    assert broken(r"a_{i}\,b_{i}\,c_{i}", 30.0) == (r"a_{i}\,b_{i}", r"\cdot c_{i}")
    assert broken(r"\text{for }0 \le n < N,\ 0 \le c < C", 110.0) == (r"\text{for }0 \le n < N,", r"0 \le c < C")


def test_fences_around_a_break_have_a_size_and_others_grow():
    whole = broken(LONG, 1000.0)
    assert whole == (LONG,)
    lines = "".join(broken(LONG, 150.0))
    assert r"\left" not in lines
    assert r"\Bigl(" in lines
    assert r"\Bigr)^{2}" in lines


def test_fractions_and_roots_that_are_too_wide_are_written_in_a_row():
    sums = r"\sum_{c=0}^{C - 1}\;\sum_{p=0}^{K - 1}\, x_{n,c,i + p}^{2} + 1"
    text = "".join(broken(rf"\frac{{a}}{{\sqrt{{{sums}}}}}", 110.0))
    assert r"\Big/" in text
    assert "^{1/2}" in text


def test_what_is_not_understood_stays_in_one_line():
    for text in (r"\frac{a}{", r"\left( a", r"a^", r"\begin{matrix} a \end{matrix}", "{"):
        assert broken(text, 10.0) == (text,)


@pytest.mark.parametrize("width", [144.0, 200.0, 300.0])
def test_every_line_of_a_derivation_renders(width):
    op = sc.conv_bias_act1d("tanh", stride=2, padding=1)
    found = pipeline.derive(op, "x")
    for row in derivation_rows(found, latex(names_of(found.operator))).formulas:
        for line in broken(row.right, width):
            pykatex.renderToString(line, displayMode=True)


@pytest.mark.parametrize("width", [150.0, 170.0, 190.0])
def test_conditions_that_fit_a_line_stay_whole_in_narrow_columns(width):
    terms = [
        r"\bar x_{n,c,u,t + 2}",
        r"[\,0 \le 2 - t < 2\,]\,\bar x_{n,c,u,2 - t}",
        r"[\,W \le t + 2 < W + 1\,]\,\bar x_{n}",
    ]
    lines = broken(" + ".join(terms), width)
    assert len(lines) > 1
    for line in lines:
        assert line.count("[") == line.count("]")
        assert wide(line) <= width
