"""What a handout shows beside formulas: the phases as a picture, one cell in numbers, the loops of a kernel."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symconv.errors import SymconvError
from symconv.export.layer import layer
from symconv.export.loops import loops
from symconv.gather.derivation import Derivation
from symconv.views.diagram import phase_plan, window_pattern
from symconv.views.dialect import latex
from symconv.views.lesson.cells import Lesson, Shown, lesson
from symconv.views.lesson.numbers import Numbers, factor, number
from symconv.views.names import Names, latex_tensor, names_of
from symconv.views.rows import Row, Rows
from symconv.views.terms import Cell, Term
from symconv.views.typeset.tikz import tikz

__all__ = ["Worked", "kernel_lines", "phases_picture", "worked"]

_WIDTH, _HEIGHT = 440.0, 170.0
"""Points that a picture may take."""
_TERMS, _LINES, _COLUMNS = 9, 30, 112
"""Terms written out, lines of a kernel shown, and how wide they are."""


@dataclass(frozen=True, slots=True)
class Worked:
    """A cell in numbers: the sizes and what the numbers are in words, and the rows from the formula to the number."""

    sizes: str
    rows: Rows


def phases_picture(derivation: Derivation) -> str:
    """The residue classes as TikZ; where nothing is strided, the window and its transpose; empty where neither is."""
    svg = phase_plan(derivation.gather, derivation.stated)
    if not svg:
        svg = next((found for w in derivation.stated.windows if (found := window_pattern(w, derivation.stated))), "")
    return tikz(svg, _WIDTH, _HEIGHT) if svg else ""


def worked(derivation: Derivation) -> Worked | None:
    """A cell in the middle as a sum of products of small numbers; None where its terms are no products."""
    try:
        found = lesson(derivation)
    except SymconvError:
        return None
    shown = _middle(found)
    if shown is None or not 0 < len(shown.terms) <= 4 * _TERMS or not all(map(_is_product, shown.terms)):
        return None
    names = names_of(found.operator)
    written = " + ".join(_product(term, names) for term in shown.terms[:_TERMS])
    more = r" + \cdots" if len(shown.terms) > _TERMS else ""
    numbers = " + ".join(_figures(found.numbers, term) for term in shown.terms[:_TERMS])
    rows = (
        Row(_element(found.operator.output.name, shown.index, names), f"{written}{more}"),
        Row(" ", f"{numbers}{more}"),
        Row(" ", _figure(found.total[shown.index])),
    )
    return Worked(_said(found, shown), Rows(rows, (), ()))


def _middle(found: Lesson) -> Shown | None:
    """A cell of the middle's class that is worth a look."""
    middle = tuple(length // 2 for length in found.total.shape)
    here = next((one for one in found.cells.values() if one.index == middle), None)
    return found.typical(here.residues) if here is not None else None


def _said(found: Lesson, shown: Shown) -> str:
    where = ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in found.shapes.items())
    given = {tensor.name for tensor in found.operator.inputs}
    made = any(name not in given for term in shown.terms for name, _ in term.factors)
    data = f"small whole numbers as data{', the others computed from them' if made else ''}"
    count = f"{len(shown.terms)} term{'' if len(shown.terms) == 1 else 's'}"
    return f"{where} ({count}; {data}{'' if found.numbers.exact else '; to four digits'})"


def _is_product(term: Term) -> bool:
    return bool(term.parts) and all(part.expr is None for part in term.parts)


def _element(name: str, index: Cell, names: Names) -> str:
    return f"{latex_tensor(name, names)}_{{{','.join(map(str, index))}}}" if index else latex_tensor(name, names)


def _product(term: Term, names: Names) -> str:
    factors = r"\,".join(_element(name, index, names) for name, index in term.factors)
    number = latex().number(Fraction(term.coefficient)).text
    if term.coefficient == 1:
        return factors
    return rf"({number})\,{factors}" if term.coefficient < 0 else rf"{number}\,{factors}"


def _figures(numbers: Numbers, term: Term) -> str:
    values = [factor(numbers, part) for part in term.parts]
    if term.coefficient != 1:
        values.insert(0, Fraction(term.coefficient))
    texts = [_figure(value) for value in values]
    return r" \cdot ".join(f"({text})" if value < 0 else text for value, text in zip(values, texts, strict=True))


def _figure(value: Any) -> str:
    """A number as LaTeX: fractions as they are, others to four digits."""
    if isinstance(value, Fraction):
        return latex().number(value).text
    digits, _, power = number(value).replace("−", "-").partition("e")
    return rf"{digits} \cdot 10^{{{int(power)}}}" if power else digits


def kernel_lines(derivation: Derivation) -> tuple[str, ...]:
    """The loops that compute a gradient, as an exported package has them; the first lines of long ones."""
    made = layer(derivation.stated, None, ("float64",), (derivation.wrt,)) if derivation.wrt else None
    if made is None:
        return ()
    lines = loops(made).text.split("\n")
    start = next((k for k, line in enumerate(lines) if line.startswith(f"cdef void grad_{derivation.wrt}_loops")), None)
    if start is None:
        return ()
    end = next(k for k in range(start + 1, len(lines)) if lines[k].startswith(("def ", "cdef ", "@")))
    nest = _nest([line.removeprefix("    ") for line in lines[start:end]], derivation.operator.output.name)
    body = [part for line in nest for part in _folded(line)]
    return tuple(body) if len(body) <= _LINES else (*body[:_LINES], "...")


def _nest(lines: list[str], result: str) -> list[str]:
    """The nests that write the result: others compute what it reads."""
    nests: list[list[str]] = []
    for line in (line.rstrip() for line in lines if line.strip() and not line.strip().startswith("# ")):
        if line.startswith("for "):
            nests.append([])
        if nests:
            nests[-1].append(line)
    writing = [nest for nest in nests if any(line.lstrip().startswith(f"{result}[") for line in nest)]
    return [line for nest in writing or nests for line in nest]


def _folded(line: str) -> list[str]:
    """A line of source in the width of a page; what goes on stands four columns further right."""
    margin = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(line.strip(), _COLUMNS, initial_indent=margin, subsequent_indent=f"{margin}    ",
                         break_on_hyphens=False)  # fmt: skip
