"""Two pages for a lecture: how a gradient comes about, and what it is; more where the small steps need them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from symconv import pipeline
from symconv.gather.derivation import Derivation
from symconv.gather.small import small_steps
from symconv.notation.operator import Operator
from symconv.notation.trace import Step, Trace
from symconv.views.dialect import latex
from symconv.views.facts import checked_words, title_of
from symconv.views.names import Names, names_of
from symconv.views.rows import Rows
from symconv.views.stages import derivation_rows, operator_rows, step_rows
from symconv.views.typeset.examples import kernel_lines, phases_picture, worked
from symconv.views.typeset.layout import TEXT_WIDTH, aligned, points
from symconv.views.typeset.words import code, words

__all__ = ["handout"]

_PREAMBLE = r"""% Compile with pdflatex, lualatex or tectonic; needs amsmath, amssymb, geometry and tikz.
\documentclass[10pt]{article}
\usepackage{amsmath,amssymb,textcomp,multicol,tikz}
\usepackage[letterpaper,textwidth=6.5in,textheight=9.6in,top=0.7in]{geometry}
\pagestyle{empty}
\setlength{\parindent}{0pt}
\newcommand\tight{\setlength{\abovedisplayskip}{3pt}\setlength{\belowdisplayskip}{3pt}%
  \setlength{\abovedisplayshortskip}{2pt}\setlength{\belowdisplayshortskip}{2pt}\setlength{\jot}{2pt}}
\setlength{\multicolsep}{4pt}\setlength{\columnsep}{6pt}
\newcommand\head[1]{\par\vspace{0.5em}{\bfseries #1}\par\vspace{0.15em}}
\newcommand\said[1]{{\footnotesize\itshape #1\par}}
\newsavebox\fitting
% What is too much for a page is set smaller, then with less detail, and in the end scaled. Details of the first page
% that have no place there follow on pages of their own.
\newcount\detail\newcount\kept
\newcommand\attempt[2]{\sbox\fitting{\begin{minipage}[t]{\textwidth}#1\tight #2\end{minipage}}}
\newcommand\smaller[3]{\ifdim\dimexpr\ht\fitting+\dp\fitting\relax>0.99\textheight\detail=#1 \attempt{#2}{#3}\fi}
\newcommand\fitted[1]{\detail=2 \attempt\normalsize{#1}\smaller2\small{#1}\smaller2\footnotesize{#1}%
  \smaller2\scriptsize{#1}\smaller1\small{#1}\smaller1\footnotesize{#1}\smaller1\scriptsize{#1}\smaller0\footnotesize{#1}%
  \smaller0\scriptsize{#1}%
  \ifdim\dimexpr\ht\fitting+\dp\fitting\relax>0.99\textheight
    \sbox\fitting{\resizebox*{!}{0.99\textheight}{\usebox\fitting}}\fi
  \noindent\usebox\fitting\par}
\begin{document}
"""


def handout(op: Operator, derivations: tuple[Derivation, ...] = (), wrt: str | None = None) -> str:
    r"""A document of two pages about an operator and its gradients, all of them by default.

    ``wrt`` is the gradient whose steps it shows, the first by default. Small steps that the first page has no room for
    follow on further ones.

    >>> import symconv as sc
    >>> text = handout(sc.conv1d(stride=2))
    >>> text.count("\n\\fitted{"), text.count(r"\newpage"), r"\begin{tikzpicture}" in text
    (2, 2, True)
    """
    found = derivations or tuple(pipeline.derive(op, name) for name in pipeline.gradients(op))
    found = found or tuple(pipeline.forward(op.only(one.name)) for one in op.outputs)
    chosen = next((one for one in found if one.wrt == wrt), found[0])
    first, second = "\n".join(_first(op, chosen)), "\n".join(_second(found, chosen))
    pages = f"\\fitted{{%\n{first}\n}}\\kept=\\detail\n\\newpage\n\\fitted{{%\n{second}\n}}"
    annex = "\n".join(_annex(chosen))
    return f"{_PREAMBLE}{pages}\n{annex}\n\\end{{document}}\n"


def _first(op: Operator, chosen: Derivation) -> Iterator[str]:
    """The statement, the picture, the steps."""
    yield rf"{{\Large\bfseries {words(op.name)}}}\par"
    if op.source:
        yield rf"{{\ttfamily\small\raggedright {code(op.source).replace('~', ' ')}\par}}"
    yield r"\head{The operator}"
    yield _shown(operator_rows(op, latex(names_of(op))))
    yield rf"\head{{{_called(chosen)}, step by step}}"
    marks = names_of(chosen.operator)
    several = small_steps(chosen)
    for number, (step, small) in enumerate(zip(chosen.trace, several, strict=True), 1):
        yield from _step(str(number), step, marks, shown=step.rule != "state")
        if small:
            yield f"\\ifnum\\detail>1\n{_columns(small, marks)}\\fi"
    if any(several):
        checked = checked_words(tuple(part for small in several for part in small))
        yield rf"\ifnum\detail<2\said{{The small steps, {checked}: from the third page on.}}\fi"


def _annex(chosen: Derivation) -> Iterator[str]:
    """The small steps on pages of their own, where the first page could not hold all of them."""
    marks = names_of(chosen.operator)
    numbered = [
        (number, step, small)
        for number, (step, small) in enumerate(zip(chosen.trace, small_steps(chosen), strict=True), 1)
        if small
    ]
    if not numbered:
        return
    yield r"\ifnum\kept<2"
    yield rf"\newpage\tight\head{{{_called(chosen)}: the small steps}}"
    for number, step, small in numbered:
        yield rf"\par\vspace{{0.35em}}\textbf{{{number}.}} {words(title_of(step))}.\par\nobreak"
        yield _columns(small, marks)
    yield r"\fi"


def _called(derivation: Derivation) -> str:
    return f"The gradient by {words(derivation.wrt)}" if derivation.wrt else "The output"


def _step(number: str, step: Step, marks: Names, *, shown: bool) -> Iterator[str]:
    """A step with its check; the statement itself stands above already."""
    title = words(title_of(step))
    yield rf"\par\vspace{{0.35em}}\textbf{{{number}.}} {title}.\par\nobreak"
    if shown:
        # Limits and cells stand with the gradients.
        yield _shown(replace(step_rows(step, latex, marks), where=(), domain=()))
    said = "; ".join(part for part in (step.check and f"checked: {step.check}", step.note) if part)
    if said:
        yield rf"\ifnum\detail>0\said{{{words(said)}}}\fi"


def _columns(parts: Trace, marks: Names) -> str:
    """Small steps side by side."""
    count = 2 if len(parts) < 3 else 3
    # They are set in eight points, where indices take relatively more, in columns a little apart.
    room = points(TEXT_WIDTH) / count * 1.14
    blocks = "\n".join(f"{_small(part, marks, room)}\\par" for part in parts)
    return f"\\begin{{multicols}}{{{count}}}\\raggedcolumns\n{blocks}\n\\end{{multicols}}\n"


def _small(step: Step, marks: Names, room: float) -> str:
    """A small step: what it does, and what it comes to, no wider than ``room`` points of the usual size."""
    block = aligned(step_rows(step, latex, marks), room)
    title = words(title_of(step))
    inner = rf"\footnotesize\raggedright {title}:\\[1pt] \strut${block}$\strut"
    return rf"\begin{{minipage}}{{\linewidth}}{inner}\end{{minipage}}"


def _second(derivations: tuple[Derivation, ...], chosen: Derivation) -> Iterator[str]:
    """Every gradient with the bounds of its sums, the phases, a cell worked out, and the loops."""
    for derivation in derivations:
        way = "each cell gathers its own sum" if derivation.owned else "the contributions choose their cell"
        yield rf"\head{{{_called(derivation)}: {way}}}"
        rows = derivation_rows(derivation, latex(names_of(derivation.operator)))
        if derivation is chosen:
            yield _shown(rows)
        else:
            yield rf"\ifnum\detail>1{_shown(rows)}\else{_shown(replace(rows, where=()))}\fi"
    if picture := phases_picture(chosen):
        yield rf"\head{{Which taps reach which cells: {words(chosen.operator.output.name)}}}"
        yield rf"{{\centering {picture}\par}}"
    if example := worked(chosen):
        yield rf"\head{{One cell, worked out at {words(example.sizes)}}}"
        yield _shown(example.rows)
    if lines := kernel_lines(chosen):
        yield rf"\head{{The loops of the kernel: {words(chosen.operator.output.name)}}}"
        yield _listing(lines)


def _listing(lines: tuple[str, ...]) -> str:
    body = "\\\\\n".join(code(line) or "~" for line in lines)
    return f"{{\\ttfamily\\scriptsize\\raggedright\n{body}\\par}}"


def _shown(rows: Rows) -> str:
    """A block of equations, flush left, in the width of the page."""
    return rf"\[{aligned(rows, points(TEXT_WIDTH) - 10)}\]"
