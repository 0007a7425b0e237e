"""Formulas that any document with amsmath takes in by ``\\input``: numbered, labelled, broken to a stated width."""

from __future__ import annotations

import re

from symconv.errors import SpecError, shown
from symconv.gather.derivation import Derivation
from symconv.gather.solution import Gather
from symconv.notation.operator import Operator
from symconv.views.dialect import latex
from symconv.views.names import names_of
from symconv.views.rows import Rows, gather_rows, target_text
from symconv.views.stages import derivation_rows, operator_rows
from symconv.views.typeset.layout import TEXT_WIDTH, align, points

__all__ = ["derivation_fragment", "fragments", "gather_fragment", "one_line", "operator_fragment"]

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._+-]{0,99}")


def one_line(text: str) -> str:
    """The text without line breaks, for a comment."""
    return " ".join(text.split())


def fragments(blocks: list[str], comments: tuple[str, ...] = (), width: str = TEXT_WIDTH) -> str:
    """Several fragments as one file, which says what it needs and what it holds."""
    need = rf"% For \input in a document with \usepackage{{amsmath}}; no line is wider than {width} at 10 to 12 pt."
    head = "\n".join((*(f"% {one_line(line)}" for line in comments), need))
    return "\n\n".join((head, *blocks)) + "\n"


def operator_fragment(op: Operator, width: str = TEXT_WIDTH, label: str | None = None) -> str:
    r"""An operator as it is stated.

    >>> import symconv as sc
    >>> print(operator_fragment(sc.operator("y[i] = 2*x[i]", name="twice")))
    % twice: \eqref{eq:twice-y}
    \begin{align}
    y_{i} &= 2\,x_{i} \label{eq:twice-y} \\
    &\text{for }0 \le i < I \notag
    \end{align}
    """
    dialect = latex(names_of(op))
    return _fragment(op, op.name, operator_rows(op, dialect), width, _label(op, op) if label is None else label)


def derivation_fragment(derivation: Derivation, width: str = TEXT_WIDTH, label: str | None = None) -> str:
    """The solved form of a gradient, or of an operator."""
    op, stated = derivation.operator, derivation.stated
    dialect = latex(names_of(op))
    what = f"gradient of {stated.name} with respect to {derivation.wrt}" if derivation.wrt else stated.name
    return _fragment(
        op, what, derivation_rows(derivation, dialect), width, _label(stated, op) if label is None else label
    )


def gather_fragment(gather: Gather, title: str, width: str = TEXT_WIDTH, label: str | None = None) -> str:
    """A solved form alone."""
    op = gather.operator
    return _fragment(
        op, title, gather_rows(gather, latex(names_of(op))), width, _label(op, op) if label is None else label
    )


def _label(stated: Operator, op: Operator) -> str:
    name = re.sub(r"[^A-Za-z0-9]+", "_", stated.name.partition("(")[0]).strip("_") or "operator"
    output = re.sub(r"[^A-Za-z0-9]+", "_", "-".join(one.name for one in op.outputs)).strip("_")
    return f"eq:{name[:60]}-{output[:30] or 'y'}"


def _fragment(op: Operator, title: str, rows: Rows, width: str, label: str) -> str:
    """The last formula of the output has the label itself, every other one its number behind it."""
    if not isinstance(label, str) or not _LABEL.fullmatch(label):
        raise SpecError(
            f"a label begins with a letter or a digit and holds letters, digits and :._+-, as in eq:gx; "
            f"given {shown(label)}"
        )
    room = points(width)
    formulas = [row for row in rows.formulas if row.right]
    target = target_text(op.statements[-1], latex(names_of(op)))
    main = next((k for k, row in enumerate(formulas) if row.left == target), len(formulas) - 1)
    labels = tuple(label if k == main else f"{label}-{k + 1}" for k in range(len(formulas)))
    return f"% {one_line(title)}: \\eqref{{{label}}}\n{align(rows, labels, room)}"
