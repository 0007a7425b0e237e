"""Operators and derivations for a terminal: Unicode, aligned at the equals sign, at most 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from symconv.gather.derivation import Derivation
from symconv.gather.small import small_steps
from symconv.gather.solution import Gather
from symconv.notation.operator import Operator
from symconv.notation.trace import Step, Trace
from symconv.views.dialect import Dialect, text
from symconv.views.facts import TITLES, small_rows
from symconv.views.names import names_of
from symconv.views.phases import PhaseTable, phase_tables
from symconv.views.printer import Printer
from symconv.views.rows import Row, Rows, gather_rows
from symconv.views.stages import derivation_rows, operator_rows, step_rows

__all__ = [
    "WIDTH",
    "derivation_text",
    "gather_text",
    "operator_text",
    "phases_text",
    "step_line",
    "step_text",
    "steps_text",
]

WIDTH = 80
_MAX_CLASSES = 12


def operator_text(op: Operator) -> str:
    """An operator as it is stated.

    >>> from symconv.notation.front import formula
    >>> print(operator_text(formula("y[n,i] = sum[p](x[n,i+p]*w[p])")))
    y[n,i] = Σ p=0..K−1 x[n,i+p]·w[p]
        OL = L−K+1
    for 0≤n<N, 0≤i<OL
    """
    return _block(operator_rows(op, text(names_of(op))))


def gather_text(gather: Gather) -> str:
    """The solved form of an operator.

    >>> import symconv as sc
    >>> print(gather_text(sc.derive(sc.conv1d(), "x").derivation.gather))
    gx[n,c,u] = Σ f=0..F−1 Σ p=max(0, u−OL+1)..min(u, K−1) gy[n,f,u−p]·w[f,c,p]
           OL = L−K+1
    for 0≤n<N, 0≤c<C, 0≤u<L
    """
    return _block(gather_rows(gather, text(names_of(gather.operator))))


def step_text(step: Step, width: int = WIDTH) -> str:
    """One step: its rule, what it comes to, how it was checked and what to know.

    >>> import symconv as sc
    >>> print(step_text(sc.derive(sc.conv1d(), "w").steps[2].step))
    differentiate
        ∂/∂w[f,c,p] (x[n,c,i+p]·w[f,c,p]) = x[n,c,i+p]
      checked: SymPy; at 24 random points the chain rule by a second table of
               derivatives agrees
    """
    lines = [step.rule, textwrap.indent(_block(step_rows(step, text), width - 4), "    ")]
    lines += _said("checked: ", step.check, width)
    lines += _said("note: ", step.note, width)
    return "\n".join(lines)


def step_line(step: Step, width: int = WIDTH) -> str:
    """One step in a line: its rule, and what it comes to as far as there is room.

    >>> import symconv as sc
    >>> step_line(sc.derive(sc.conv1d(), "w").steps[-1].step)
    'solve: gw[f,c,p] = Σ n=0..N−1 Σ i=0..OL−1 gy[n,f,i]·x[n,c,i+p]'
    """
    left, said = "", ""
    for row in step_rows(step, text).formulas:
        left = row.left.strip() or left
        said = f"{left} = {row.right}" if row.left else f"{said} {row.right}"
    line = " ".join(f"{step.rule}: {said}".split())
    return line if len(line) <= width else f"{line[: width - 1]}…"


def _said(label: str, words: str, width: int = WIDTH) -> list[str]:
    if not words:
        return []
    hanging = " " * (2 + len(label))
    return textwrap.wrap(words, width, initial_indent=f"  {label}", subsequent_indent=hanging)


def phases_text(gather: Gather) -> str:
    """The residue classes of strided axes as tables; empty without strides.

    >>> import symconv as sc
    >>> print(phases_text(sc.derive(sc.conv1d(stride=2), "x").derivation.gather))
    u = 2u′+r_u
      r_u  p0  m_u  taps      outputs
        0   0    0  p=2p′     i=u′−p′
        1   1    0  p=2p′+1   i=u′−p′
    """
    return "\n".join(_table(table) for table in phase_tables(gather))


def _table(table: PhaseTable) -> str:
    dialect = text()
    write = Printer.plain(dialect).write
    phase = table.phase
    names = [dialect.symbol(name) for name in phase.names]
    left, loop = write(table.form), dialect.symbol(table.loop)
    lines = [f"{left} = {phase.modulus}{loop}+{names[0]}"]
    rows = [(*names, "taps", "outputs")]
    for row in table.rows[:_MAX_CLASSES]:
        tap, output = f"{table.tap}={write(row.tap)}", f"{table.output}={write(row.output)}"
        rows.append((str(row.residue), str(row.first), str(row.shift), tap, output))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for *numbers, tap, output in rows:
        cells = [f"{cell:>{width}}" for cell, width in zip(numbers, widths, strict=False)]
        lines.append(f"  {'  '.join(cells)}  {tap:<{widths[3]}}   {output}".rstrip())
    if len(table.rows) > _MAX_CLASSES:
        lines.append(f"  ... {len(table.rows) - _MAX_CLASSES} more classes")
    if phase.gap > 1:
        lines.append(f"  no contribution where {phase.gap} does not divide {left}")
    return "\n".join(lines)


def derivation_text(derivation: Derivation, width: int = WIDTH) -> str:
    """A whole derivation: the result first, then its phases, then every step.

    >>> import symconv as sc
    >>> print(derivation_text(sc.derive(sc.conv1d(), "x").derivation).splitlines()[0])
    gradient of conv1d() with respect to x
    """
    stated = derivation.stated.name
    title = f"gradient of {stated} with respect to {derivation.wrt}" if derivation.wrt else stated
    names = text(names_of(derivation.operator))
    parts = [
        "\n".join(_folded(title, "", width)),
        textwrap.indent(_block(derivation_rows(derivation, names), width - 2), "  "),
    ]
    if tables := phases_text(derivation.gather):
        parts.append("phases\n" + textwrap.indent(tables, "  "))
    return "\n\n".join((*parts, steps_text(derivation, width)))


def steps_text(derivation: Derivation, width: int = WIDTH) -> str:
    """The steps of a derivation, numbered, with the small steps in each.

    >>> import symconv as sc
    >>> print(steps_text(sc.derive(sc.conv1d(), "x").derivation).splitlines()[0])
    1. state
    """
    names = text(names_of(derivation.operator))
    pairs = zip(derivation.trace, small_steps(derivation), strict=True)
    return "\n\n".join(
        "\n".join((f"{k}. {step_text(step, width)}", *_small(small, k, names, width)))
        for k, (step, small) in enumerate(pairs, 1)
    )


def _small(steps: Trace, number: int, names: Dialect, width: int) -> Iterator[str]:
    """The small steps within a step, numbered, one column further in."""
    for k, step in enumerate(steps, 1):
        yield f"  {number}.{k} {TITLES[step.rule]}" + (f" ({step.note})" if step.note.startswith("so that") else "")
        yield textwrap.indent(_block(small_rows(step, names), width - 8), "        ")
        yield from (f"    {line}" for line in _said("checked: ", step.check, width - 4))
        if not step.note.startswith("so that"):
            yield from (f"    {line}" for line in _said("note: ", step.note, width - 4))


def _block(rows: Rows, width: int = WIDTH) -> str:
    equations = [row for row in (*rows.formulas, *rows.where) if row.left.strip() or row.right]
    margin = min(max((len(row.left) for row in equations if row.right), default=0), width // 2)
    lines: list[str] = []
    for row in equations:
        lines += _equation(row, margin, width)
    for row in rows.domain:
        lines += _folded(row.right, "    ", width) if row.right else []
    return "\n".join(lines)


def _equation(row: Row, margin: int, width: int) -> Iterable[str]:
    if not row.left:
        return _folded(row.right, "    ", width)
    left = row.left.strip().rjust(margin)
    if len(left) > margin:
        return [
            *_folded(left, "    ", width),
            *_folded("= " + row.right, " " * (margin + 3), width, " " * (margin + 1)),
        ]
    return _folded(f"{left} = {row.right}", " " * (margin + 3), width)


def _folded(line: str, indent: str, width: int, first: str = "") -> list[str]:
    """Broken at spaces; a piece without one is broken where the width ends."""
    body = line.lstrip(" ")
    start = first + line[: len(line) - len(body)]
    wrapped = textwrap.wrap(
        body,
        width,
        initial_indent=start,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=True,
    )
    return wrapped or [start]
