"""MathML: read back as a tree, it says what was printed, with limits under and over their signs."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from grid import OPERATORS, derivations

from symconv.gather.small import small_steps
from symconv.views.dialect import latex
from symconv.views.mathml import mathml
from symconv.views.names import names_of
from symconv.views.rows import Row, Rows
from symconv.views.stages import derivation_rows, step_rows

SPACE = "{http://www.w3.org/1998/Math/MathML}"


def _read(text):
    return ElementTree.fromstring(text)


def _said(node):
    return "".join("".join(part.itertext()) for part in node)


def test_a_sum_has_its_limits_under_and_over_it():
    math = _read(mathml(Rows((Row("y_{i}", r"\sum_{p=0}^{K - 1}\, x_{i + p}"),), (), (Row("", r"\text{for }i < O"),))))
    (sign,) = math.iter(f"{SPACE}munderover")
    assert [_said([part]) for part in sign] == ["∑", "p=0", "K−1"]
    assert [_said(line).replace("\xa0", " ") for line in math.iter(f"{SPACE}mtr")] == ["yi=∑p=0K−1xi+p", "for i<O"]


def test_words_are_in_one_piece():
    math = _read(mathml(Rows((Row("r", r"u\;\mathrm{mod}\;2"),), (), ())))
    assert "mod" in [node.text for node in math.iter(f"{SPACE}mi")]


def test_what_cannot_be_read_is_not_given():
    assert mathml(Rows((Row("y", r"\frac{a}{"),), (), ())) == ""


@pytest.mark.parametrize("name", list(OPERATORS)[:6])
def test_every_formula_of_a_derivation_has_mathml(name):
    found = derivations(name)[1]
    dialect = latex(names_of(found.operator))
    steps = [*found.trace, *(part for parts in small_steps(found) for part in parts)]
    for rows in (
        derivation_rows(found, dialect),
        *(step_rows(step, latex, names_of(found.operator)) for step in steps),
    ):
        lines = [row for row in (*rows.formulas, *rows.where, *rows.domain) if row.right]
        math = _read(mathml(rows))
        assert len(math[0]) == len(lines)
        assert "\\" not in _said(math)
