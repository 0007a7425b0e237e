"""What a handout shows beside formulas: the phases as a picture, one cell in numbers, the loops of a kernel."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from fractions import Fraction

from symconv.errors import SymconvError
from symconv.export.layer import layer
from symconv.export.loops import loops
from symconv.gather.derivation import Derivation
from symconv.notation.shapes import bind_sizes, completed
from symconv.views.diagram import phase_plan, window_pattern
from symconv.views.dialect import latex
from symconv.views.names import Names, latex_tensor, names_of
from symconv.views.rows import Row, Rows
from symconv.views.sized import sizes_to_show
from symconv.views.terms import Cell, Term, cell_terms
from symconv.views.typeset.tikz import tikz

__all__ = ["Worked", "kernel_lines", "phases_picture", "worked"]

_WIDTH, _HEIGHT = 440.0, 170.0
"""Points that a picture may take."""
_TERMS, _LINES, _COLUMNS = 9, 30, 112
"""Terms written out, lines of a kernel shown, and how wide they are."""


@dataclass(frozen=True, slots=True)
class Worked:
    """A cell in numbers: the sizes in words, and the rows from the formula to the number."""

    sizes: str
    rows: Rows


def phases_picture(derivation: Derivation) -> str:
    """The residue classes as TikZ; where nothing is strided, the window and its transpose; empty where neither is."""
    svg = phase_plan(derivation.gather, derivation.stated)
    if not svg:
        svg = next((found for w in derivation.stated.windows if (found := window_pattern(w, derivation.stated))), "")
    return tikz(svg, _WIDTH, _HEIGHT) if svg else ""


def worked(derivation: Derivation) -> Worked | None:
    """A cell in the middle as a sum of small integers; None where its terms are no products."""
    op = derivation.operator
    try:
        shapes = completed(op, sizes_to_show(op))
        sizes = bind_sizes(op, shapes)
        cell = tuple(n // 2 for n in op.output.shape(dict(sizes)))
        found = cell_terms(op, cell, sizes)
    except SymconvError:
        return None
    if not found or len(found) > 4 * _TERMS or not all(_is_product(term) for term in found):
        return None
    names = names_of(op)
    left = _element(op.output.name, cell, names)
    written = " + ".join(_product(term, names) for term in found[:_TERMS])
    more = r" + \cdots" if len(found) > _TERMS else ""
    numbers = " + ".join(_numbers(term) for term in found[:_TERMS])
    total = sum((_value(term) for term in found), Fraction(0))
    rows = (Row(left, f"{written}{more}"), Row(" ", f"{numbers}{more}"), Row(" ", latex(names).number(total).text))
    where = ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in shapes.items())
    return Worked(f"{where} ({len(found)} terms; small whole numbers as data)", Rows(rows, (), ()))


def _is_product(term: Term) -> bool:
    plain = "·".join(f"{name}[{','.join(map(str, index))}]" for name, index in term.factors)
    return bool(plain) and term.text.lstrip("−0123456789/·") == plain.lstrip("−0123456789/·")


def _element(name: str, index: Cell, names: Names) -> str:
    return f"{latex_tensor(name, names)}_{{{','.join(map(str, index))}}}" if index else latex_tensor(name, names)


def _product(term: Term, names: Names) -> str:
    factors = r"\,".join(_element(name, index, names) for name, index in term.factors)
    number = latex().number(Fraction(term.coefficient)).text
    if term.coefficient == 1:
        return factors
    return rf"({number})\,{factors}" if term.coefficient < 0 else rf"{number}\,{factors}"


def _number(name: str, index: Cell) -> int:
    """Small whole numbers that differ from cell to cell."""
    mixed = sum((2 * k + 3) * (i + 1) for k, i in enumerate(index)) + sum(map(ord, name))
    return (mixed * 7) % 9 - 4


def _value(term: Term) -> Fraction:
    value = Fraction(term.coefficient)
    for name, index in term.factors:
        value *= _number(name, index)
    return value


def _numbers(term: Term) -> str:
    factors = [Fraction(_number(name, index)) for name, index in term.factors]
    if term.coefficient != 1:
        factors.insert(0, Fraction(term.coefficient))
    texts = [latex().number(value).text for value in factors]
    return r" \cdot ".join(f"({text})" if value < 0 else text for value, text in zip(factors, texts, strict=True))


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
    """The longest nest that writes the result: others make it zero or compute what it reads."""
    nests: list[list[str]] = []
    for line in (line.rstrip() for line in lines if line.strip() and not line.strip().startswith("# ")):
        if line.startswith("for "):
            nests.append([])
        if nests:
            nests[-1].append(line)
    writing = [nest for nest in nests if any(line.lstrip().startswith(f"{result}[") for line in nest)]
    return max(writing or nests, key=len, default=[])


def _folded(line: str) -> list[str]:
    """A line of source in the width of a page; what goes on stands four columns further right."""
    margin = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(line.strip(), _COLUMNS, initial_indent=margin, subsequent_indent=f"{margin}    ",
                         break_on_hyphens=False)  # fmt: skip
