"""No formula holds what says nothing: empty words, sums over one value, sums of ones, symbols defined and never used."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pykatex
import pytest
from grid import OPERATORS, derivations

import symconv as sc
from symconv.gather.derivation import Derivation, derivation, forward
from symconv.notation.expr import reads
from symconv.ops.registry import catalogue
from symconv.views.dialect import latex
from symconv.views.general import general_rows
from symconv.views.latex import derivation_latex, gather_latex, general_latex, operator_latex, step_latex
from symconv.views.mathsvg import formula_svg
from symconv.views.names import names_of
from symconv.views.rows import Rows, gather_rows, solved_rows
from symconv.views.sections import Page, gradient_section
from symconv.views.text import gather_text, step_text

DRAWN = {
    "one_tap": sc.operator("y[i] = mean[p](x[2*i+p])", extents={"p": 1}),
    "one_tap_max": sc.max_pool1d(1, stride=2),
    "patches": sc.avg_pool2d((2, 3)),
    "patches_max": sc.max_pool2d(2),
    "gaps": sc.operator("y[i] = sum[p](x[3*i+p])", extents={"p": 2}),
    "max_pool_padded": sc.max_pool2d(3, 2, padding=1),
    "avg_pool_padded": sc.avg_pool2d((3, 2), (2, 1), padding=(1, 0), border="skip"),
    "nested": sc.operator("y[i] = mean[p](sum[e](k[i+p-1,e]))", extents={"p": 3}, border="skip"),
    "norm": sc.operator("y[n,i] = sqrt(sum[p](x[n,2*i+p-1]**2))", extents={"p": 3}),
    "cosine": sc.operator("y[f,i] = sum[p](x[i+p]*w[f,p])/(sqrt(sum[p](x[i+p]**2))*sqrt(sum[p](w[f,p]**2)) + 0.01)"),
}
ARTEFACTS = {
    "a membership of nothing": r"(?:\\\\|\{|\[\\,|&)\s*\\in\b",
    "a sum over one value": r"\\sum_\{[^{}=]*=(\d+)\}\^\{\1\}",
    "a sum of ones": r"\\sum_\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}(?:\^\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})?\\, 1(?![\d.,{}]|\s*\+)",
    "times one": r"\\cdot 1(?![\d.])",
    "an empty line": r"\\\\\s*(?:\\\\|\\end|\})|\\substack\{\s*\}|_\{\s*\}|\[\\,\s*\\,\]",
    "an empty word": r"\\text\{\s*\}",
}


def shipped() -> Iterator[tuple[str, sc.Operator]]:
    yield from OPERATORS.items()
    yield from DRAWN.items()
    for name, entry in catalogue().items():
        if name.endswith(("1d", "2d")):
            kernel = {"kernel": (3, 2)[: int(name[-2])]} if "pool" in name else {}
            yield name, entry.make(**kernel, stride=(2, 3)[: int(name[-2])], padding=(1, 0)[: int(name[-2])])


SHIPPED = dict(shipped())


def derived(name: str) -> tuple[Derivation, ...]:
    op = SHIPPED[name]
    return derivations(name) if name in OPERATORS else (forward(op), *(derivation(op, t) for t in op.tensors))


def texts(one: Derivation) -> Iterator[str]:
    yield from (operator_latex(one.stated), operator_latex(one.operator), gather_latex(one.gather))
    yield derivation_latex(one)
    yield from (step_latex(step) for step in one.trace)
    if one.wrt in one.stated.tensors and (general := general_latex(one.stated, one.wrt)):
        yield general


@pytest.mark.parametrize("name", SHIPPED)
def test_no_formula_holds_an_artefact(name) -> None:
    for one in derived(name):
        for text in dict.fromkeys(texts(one)):
            for what, pattern in ARTEFACTS.items():
                assert not re.search(pattern, text), f"{what} in {text}"
            pykatex.renderToString(text, displayMode=True)
        for step in one.trace:
            shown = step_text(step)
            assert not re.search(r"\b(\w+): *$", step.note), shown
            assert not re.search(r"^ *(checked|note):\s*$", shown, re.MULTILINE), shown
            assert not re.search(r"Σ \w+′?=(\d+)\.\.\1 ", shown), shown
        assert not re.search(r"Σ[^Σ]*\.\. *\S* 1$", gather_text(one.gather), re.MULTILINE)


def rows(one: Derivation) -> Iterator[Rows]:
    dialect = latex(names_of(one.operator))
    yield gather_rows(one.gather, dialect)
    yield from (solved_rows(solved, dialect) for solved in one.gather.statements)
    if one.wrt in one.stated.tensors and (general := general_rows(one.stated, one.wrt)):
        yield general


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_defined_is_used(name) -> None:
    """Each symbol that a line below a formula defines stands in a formula, or in another definition."""
    for one in derived(name):
        for block in rows(one):
            lines = [f"{row.left} = {row.right}" if row.left else row.right for row in block.where]
            parts = [part for line in lines for part in re.split(r",?\\quad ", line)]
            definitions = [p.split(" = ", 1) for p in parts if " = " in p and not p.startswith(r"\text")]
            formulas = " ".join(row.right for row in block.formulas) + " ".join(r.right for r in block.domain)
            for symbol, _ in definitions:
                others = " ".join(right for left, right in definitions if left != symbol)
                assert symbol in f"{formulas} {others}", f"{symbol} is defined and not used in {block}"


@pytest.mark.parametrize("name", SHIPPED)
def test_a_gradient_is_said_to_come_from_what_it_reads(name) -> None:
    for one in derived(name):
        lead = gradient_section(one, Page())["lead"]
        named = set(lead.split(" from ", 1)[1].split(":")[0].split(", "))
        read = {read.tensor for s in one.operator.statements for read in reads(s.expr)}
        assert named == {t for t in one.operator.tensors if t in read} or named == {"the shapes alone"}


def test_the_lead_of_a_convolution() -> None:
    op = sc.conv2d()
    assert gradient_section(derivation(op, "x"), Page())["lead"].startswith("gx from gy, w: ")
    assert gradient_section(derivation(op, "w"), Page())["lead"].startswith("gw from gy, x: ")


def test_a_count_is_drawn() -> None:
    text = gather_latex(forward(sc.avg_pool1d(3, 2, padding=1, border="skip")).gather)
    assert r"\left|\left\{p\,:\,\max(0, 1 - 2i) \le p \le \min(2, L - 2i)\right\}\right|" in text
    assert formula_svg(text).glyphs
