"""Handouts as files: the text of a document, or the pages that the LaTeX of this machine makes of it."""

from __future__ import annotations

from pathlib import Path

from symconv.gather.derivation import Derivation
from symconv.notation.operator import Operator
from symconv.views.report import write_report
from symconv.views.typeset.engine import pdf
from symconv.views.typeset.handout import handout

__all__ = ["PAPER", "write_handout"]

PAPER = (".tex", ".pdf")
"""What a path ends with that is no web page."""


def write_handout(path: Path, op: Operator, derivations: tuple[Derivation, ...] = (), wrt: str | None = None) -> Path:
    """Write a handout; ``.pdf`` is compiled. Raises BuildError where that is not possible, SpecError for the place."""
    text = handout(op, derivations, wrt)
    return write_report(path, pdf(text) if path.suffix.lower() == ".pdf" else text)
