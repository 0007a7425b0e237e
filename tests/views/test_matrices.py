"""Constant matrices are printed as matrices, in every view of an operator that has them."""

from __future__ import annotations

from fractions import Fraction

import symconv as sc
from symconv import pipeline
from symconv.algorithms.transformed import winograd
from symconv.notation.tables import constant
from symconv.views.dialect import latex, text
from symconv.views.latex import gather_latex, operator_latex
from symconv.views.matrices import matrix_text
from symconv.views.names import Names
from symconv.views.text import gather_text, operator_text


def test_as_stated_and_as_solved() -> None:
    after = winograd(sc.conv1d(padding=1), m=2).after
    whole = r"A &= \begin{pmatrix} 1 & 0 \\ 1 & 1 \\ 1 & -1 \\ 0 & 1 \end{pmatrix}"
    assert whole in operator_latex(after)
    assert "A = [[1, 0], [1, 1], [1, −1], [0, 1]]" in operator_text(after)
    gradient = pipeline.derive(after, "x").gather
    assert whole in gather_latex(gradient)
    assert "A = [[1, 0], [1, 1], [1, −1], [0, 1]]" in gather_text(gradient)


def test_other_statements_and_large_tables_are_not() -> None:
    assert matrix_text(sc.conv1d().statements[0], text(Names())) is None
    assert matrix_text(constant("G", [[1] * 13]), text(Names())) is None
    assert (
        matrix_text(constant("G", [[Fraction(1, 3), 0]]), latex(Names()))
        == r"\begin{pmatrix} \frac{1}{3} & 0 \end{pmatrix}"
    )
