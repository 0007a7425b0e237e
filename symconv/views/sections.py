"""What the sections of a page show, as data for its template: formulas drawn, tables and pictures ready."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from symconv.errors import SymconvError
from symconv.gather.derivation import Derivation, derivation, forward
from symconv.gather.small import small_steps
from symconv.gather.solution import Gather, Solved
from symconv.notation.expr import reads
from symconv.notation.operator import Operator, Tensor
from symconv.notation.trace import Step, Trace
from symconv.readable.code import code
from symconv.views.diagram import phase_plan, window_pattern
from symconv.views.dialect import Dialect, latex
from symconv.views.facts import checked_words, title_of
from symconv.views.forms import form_text
from symconv.views.general import general_rows
from symconv.views.mathml import mathml
from symconv.views.mathsvg import Formula, formula_svg, sprite
from symconv.views.names import names_of
from symconv.views.phases import PhaseTable, phase_tables
from symconv.views.printer import Printer
from symconv.views.rows import Rows
from symconv.views.stages import derivation_rows, operator_rows, step_rows
from symconv.views.sympy_text import sympy_gather, sympy_operator, sympy_step
from symconv.views.typeset.layout import aligned

__all__ = ["Page", "formulas", "gradient_section", "operator_section", "phases_data", "step_data", "steps_data"]

_MAX_CLASSES = 12

Data = dict[str, Any]
Text = Callable[[], str]


@dataclass(slots=True)
class Page:
    """The formulas drawn so far: their glyphs are kept once for the whole page."""

    drawn: list[Formula] = field(default_factory=list)
    numbered: bool = False
    """Whether texts to copy have names, which no other page beside this one may have."""
    copies: int = 0

    def math(self, text: str) -> Data:
        """A formula for the template: its drawing, None where there is none, and its LaTeX."""
        formula = formula_svg(text)
        if formula is None:
            return {"latex": text, "svg": None}
        self.drawn.append(formula)
        return {"latex": text, "svg": Markup(formula.svg)}

    def rows(self, rows: Rows, sympy: Text = str, numpy: Text = str) -> Data:
        """A block of equations: each side drawn by itself, so that the page can set them; and its texts to copy."""
        lines = []
        for row in (*rows.formulas, *rows.where):
            if row.right:
                left = self.math(row.left) if row.left.strip() else None
                lines.append(
                    {
                        "left": left,
                        "right": self.math(rf"=\;{row.right}" if row.left else row.right),
                        "kind": "",
                    }
                )
        lines += [{"left": None, "right": self.math(row.right), "kind": "domain"} for row in rows.domain if row.right]
        return {"latex": aligned(rows), "lines": lines, "copies": self.texts(rows, sympy, numpy)}

    def texts(self, rows: Rows, sympy: Text, numpy: Text) -> list[Data]:
        """The formula as people paste it elsewhere, in every form that it has."""
        texts = {"LaTeX": aligned(rows), "MathML": mathml(rows), "SymPy": sympy(), "NumPy": numpy()}
        return [{"name": name, "text": text, "id": self._next()} for name, text in texts.items() if text]

    def _next(self) -> str:
        self.copies += 1
        return f"copy-{self.copies}" if self.numbered else ""

    def glyphs(self) -> Markup:
        """Every glyph in use, once."""
        return Markup(sprite(tuple(self.drawn)))


class _Listed(Page):
    """A page that draws nothing and knows what it would."""

    asked: list[str]

    def math(self, text: str) -> Data:
        self.asked.append(text)
        return {"latex": text, "svg": None}

    def texts(self, rows: Rows, sympy: Text, numpy: Text) -> list[Data]:
        return []


def formulas(op: Operator, derivations: tuple[Derivation, ...]) -> list[str]:
    """The formulas that the sections of a page show, as LaTeX.

    >>> import symconv as sc
    >>> len(formulas(sc.conv1d(), ())) > 2
    True
    """
    page = _Listed()
    page.asked = []
    operator_section(op, page)
    for found in derivations:
        gradient_section(found, page)
    return page.asked


def operator_section(op: Operator, page: Page) -> Data:
    """The operator: formula, shapes, what is assumed of sizes, how its windows slide."""
    dialect = latex(names_of(op))
    return {
        "source": op.source,
        "formula": page.rows(operator_rows(op, dialect), lambda: sympy_operator(op), lambda: _numpy(op, "")),
        "tensors": [_tensor(tensor, dialect, page) for tensor in (*op.inputs, *op.outputs)],
        "assumptions": tuple(dict.fromkeys(assumption.sentence for assumption in op.assumptions)),
        "pictures": _patterns(op),
    }


def _patterns(op: Operator) -> list[Data]:
    """One picture per way of sliding, with the axes that slide that way."""
    axes: dict[str, list[str]] = {}
    for window in dict.fromkeys(op.windows):
        axes.setdefault(window_pattern(window, op), []).append(window.size)
    return [{"svg": Markup(picture), "axes": sizes} for picture, sizes in axes.items() if picture]


def _tensor(tensor: Tensor, dialect: Dialect, page: Page) -> Data:
    axes = [r"\,".join(form_text(size, dialect) for size in axis) for axis in tensor.axes]
    shape = r" \times ".join(axes) or r"\text{a number}"
    return {"name": page.math(dialect.tensor(tensor.name)), "shape": page.math(shape)}


def gradient_section(found: Derivation, page: Page) -> Data:
    """One derivation: result, phases, general form and steps."""
    op = found.operator
    dialect = latex(names_of(op))
    general = general_rows(found.stated, found.wrt) if found.wrt in found.stated.tensors else None
    wrt = found.wrt
    plan = phase_plan(found.gather, found.stated)
    needed = {read.tensor for statement in op.statements for read in reads(statement.expr)}
    given = ", ".join(name for name in op.tensors if name in needed) or "the shapes alone"
    way = "each cell gathers its own sum" if found.owned else "not invertible, contributions choose their cell"
    return {
        "anchor": re.sub(r"\W+", "-", f"d-{wrt or 'forward'}"),
        "title": f"Gradient with respect to {wrt}" if wrt else "Forward",
        "lead": f"{op.output.name} from {given}: {way}.",
        "formula": page.rows(
            derivation_rows(found, dialect), lambda: sympy_gather(found.gather), lambda: _numpy(found.stated, wrt)
        ),
        "tables": phases_data(found.gather, page),
        "plan": Markup(plan) if plan else None,
        "general": page.rows(general) if general else None,
        "steps": steps_data(found, page),
        "checked": checked_words(found.trace),
    }


def steps_data(found: Derivation, page: Page) -> list[Data]:
    """The steps of a derivation, each with the small steps in it."""
    pairs = zip(found.trace, small_steps(found), strict=True)
    return [step_data(step, page, found.operator, small, found) for step, small in pairs]


def _numpy(op: Operator, wrt: str) -> str:
    """A forward operator or one of its gradients as a NumPy function; "" for what is not written as one."""
    try:
        return code(derivation(op, wrt) if wrt in op.tensors else forward(op)) if wrt in ("", *op.tensors) else ""
    except SymconvError:
        return ""


def _numpy_of(step: Step, found: Derivation) -> str:
    """What a step comes to as a NumPy function, where it is a whole operator."""
    if step.rule in {"state", "border"}:
        return _numpy(found.stated, "")
    last = isinstance(step.after, Solved) and step.after.statement == found.gather.statements[-1].statement
    return _numpy(found.stated, found.wrt) if step.rule == "transpose" or last else ""


def step_data(
    step: Step, page: Page, op: Operator | None = None, small: Trace = (), found: Derivation | None = None
) -> Data:
    """One step of a derivation with the small steps in it; symbols are written as in ``op`` where it is given."""
    rows = step_rows(step, latex, names_of(op)) if op is not None else step_rows(step, latex)
    sympy: Text = (lambda: sympy_step(step, op)) if op is not None else str
    formula = page.rows(rows, sympy, (lambda: _numpy_of(step, found)) if found is not None else str)
    parts = [step_data(part, page, op) for part in small]
    said = {"title": title_of(step), "check": step.check, "note": step.note}
    return {**said, "formula": formula, "parts": parts, "checked": checked_words(small)}


def phases_data(gather: Gather, page: Page) -> list[Data]:
    """The tables of the residue classes of a solution."""
    dialect = latex(names_of(gather.operator))
    return [_table(table, dialect, page) for table in phase_tables(gather)]


def _table(table: PhaseTable, dialect: Dialect, page: Page) -> Data:
    write = Printer.plain(dialect).write
    phase = table.phase
    left = write(table.form)
    heads = [dialect.symbol(name) for name in phase.names]
    heads += [
        rf"\text{{taps }}{dialect.symbol(table.tap)}",
        rf"\text{{outputs }}{dialect.symbol(table.output)}",
    ]
    rows = [
        (str(row.residue), str(row.first), str(row.shift), write(row.tap), write(row.output))
        for row in table.rows[:_MAX_CLASSES]
    ]
    more = [f"{len(table.rows) - _MAX_CLASSES} more classes."] if len(table.rows) > _MAX_CLASSES else []
    if phase.gap > 1:
        more.append(f"Other residues of {phase.modulus} receive nothing.")
    caption = f"{left} = {phase.modulus}{dialect.symbol(table.loop)} + {heads[0]}"
    return {
        "caption": page.math(caption),
        "heads": [page.math(head) for head in heads],
        "rows": [[page.math(cell) for cell in row] for row in rows],
        "more": " ".join(more),
    }
