"""LaTeX of operators, derivations and their steps, without dollar signs."""

from __future__ import annotations

from dataclasses import replace

from symconv.derive.surrogates import SENTENCE
from symconv.gather.derivation import Derivation
from symconv.gather.solution import Gather
from symconv.notation.expr import Expr
from symconv.notation.operator import Operator
from symconv.notation.trace import Step
from symconv.views.dialect import Dialect, latex
from symconv.views.general import general_latex
from symconv.views.names import Names, names_of
from symconv.views.phases import PhaseTable, phase_tables
from symconv.views.printer import Printer, expr_text
from symconv.views.rows import Row, gather_rows
from symconv.views.stages import derivation_rows, operator_rows, step_rows
from symconv.views.typeset.layout import aligned

__all__ = [
    "derivation_latex",
    "expr_latex",
    "gather_latex",
    "general_latex",
    "operator_latex",
    "phases_latex",
    "step_latex",
]

MAX_CLASSES = 12


def expr_latex(expr: Expr, names: Names | None = None) -> str:
    r"""A scalar expression.

    >>> from symconv.notation.front import formula
    >>> expr_latex(formula("y[i] = (x[i] + 1)*w[i]").statements[0].expr)
    '(x_{i} + 1)\\,w_{i}'
    """
    return expr_text(expr, Printer.plain(latex(names or Names())))


def operator_latex(op: Operator) -> str:
    r"""An operator as it is stated: its formula, its sizes, what lies outside; relations as sets under the sum.

    >>> from symconv.notation.front import formula
    >>> print(operator_latex(formula("y[n,i] = sum[p](x[n,i+p]*w[p])")).split(r" \\ ")[0])
    \begin{aligned} y_{n,i} &= \sum_{p=0}^{K - 1}\, x_{n,i + p}\,w_{p}
    """
    return aligned(operator_rows(op, latex(names_of(op))))


def gather_latex(gather: Gather) -> str:
    r"""The solved form: every cell owns its sum, every limit is explicit.

    >>> import symconv as sc
    >>> text = gather_latex(sc.derive(sc.conv1d(), "x").derivation.gather)
    >>> r"\sum_{p=\max(0, u - O_{L} + 1)}^{\min(u, K - 1)}" in text
    True
    """
    return aligned(gather_rows(gather, latex(names_of(gather.operator))))


def derivation_latex(derivation: Derivation) -> str:
    r"""The solved form of a derivation, and which slopes in it were declared instead of derived.

    >>> import symconv as sc
    >>> op = sc.operator("y[i] = sign(x[i])*w[i]", surrogate={"sign": "1"})
    >>> print(derivation_latex(sc.derive(op, "x").derivation).split(r" \\ ")[-1])
    &\text{surrogate: declared, not the derivative: sign'(u) = }1 \end{aligned}
    """
    return aligned(derivation_rows(derivation, latex(names_of(derivation.operator))))


def step_latex(step: Step, names: Names | None = None) -> str:
    """One step of a derivation: what it starts from and what it comes to.

    >>> import symconv as sc
    >>> [step_latex(view.step)[:15] for view in sc.derive(sc.conv1d(), "x").steps][-1]
    '\\\\begin{aligned}'
    """
    rows = step_rows(step, latex, names)
    if SENTENCE in step.note:
        rows = replace(rows, domain=(*rows.domain, Row("", rf"\text{{{SENTENCE}}}")))
    return aligned(rows)


def phases_latex(gather: Gather) -> str:
    r"""The table of residue classes per strided axis; empty without strides.

    >>> import symconv as sc
    >>> table = phases_latex(sc.derive(sc.conv1d(stride=2), "x").derivation.gather)
    >>> print(table.split(r" \\ ")[1].removeprefix(r"\hline "))
    0 & 0 & 0 & p = 2p' & i = u' - p'
    """
    dialect = latex(names_of(gather.operator))
    return r" \qquad ".join(_array(table, dialect) for table in phase_tables(gather))


def _array(table: PhaseTable, dialect: Dialect) -> str:
    write = Printer.plain(dialect).write
    phase = table.phase
    head = [dialect.symbol(name) for name in phase.names]
    taps, outputs = (
        rf"\text{{taps }} {dialect.symbol(table.tap)}",
        rf"\text{{outputs }} {dialect.symbol(table.output)}",
    )
    lines = [" & ".join((*head, taps, outputs)) + r" \\ \hline"]
    for row in table.rows[:MAX_CLASSES]:
        cells = (str(row.residue), str(row.first), str(row.shift))
        named = (f"{dialect.symbol(n)} = {write(f)}" for n, f in ((table.tap, row.tap), (table.output, row.output)))
        lines.append(" & ".join((*cells, *named)) + r" \\")
    if len(table.rows) > MAX_CLASSES:
        lines.append(r"\vdots & \vdots & \vdots & \vdots & \vdots \\")
    body = " ".join(lines).removesuffix(r" \\")
    return rf"\begin{{array}}{{c|c|c|l|l}} {body} \end{{array}}"
