"""The loop nests of a module, each beside the formula that it computes: found in the text that was compiled."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from markupsafe import Markup

from symconv.gather.derivation import Derivation, forward
from symconv.notation.operator import Operator
from symconv.views.dialect import latex
from symconv.views.highlight import highlighted
from symconv.views.names import names_of
from symconv.views.rows import solved_rows
from symconv.views.sections import Page
from symconv.views.sympy_text import sympy_gather

__all__ = ["LoopNest", "kernel_data", "loop_nests"]

_NEST = re.compile(r"^cdef sc_nest (?P<name>\w+)\(", re.MULTILINE)
_SAID = re.compile(r"^    # (?P<target>\w+): (?P<how>[^\n]*)$", re.MULTILINE)
_TOP = re.compile(r"^\S", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class LoopNest:
    """One nest of a module: its function, the tensor that it computes, how, its first line and its text."""

    name: str
    target: str
    how: str
    line: int
    text: str


def loop_nests(source: str) -> tuple[LoopNest, ...]:
    """The nests of a module in the order in which they stand there; none in text that was not generated.

    >>> body = "    # y: one tap\\n    cdef int i\\n    for i in range(0, 3):\\n        y[i] = 1\\n"
    >>> text = f"cdef sc_nest f_y_0(\\n    sc_out y,\\n) noexcept nogil:\\n{body}"
    >>> [(nest.name, nest.target, nest.line, nest.text) for nest in loop_nests(text)]
    [('f_y_0', 'y', 6, 'for i in range(0, 3):\\n    y[i] = 1')]
    """
    return tuple(_found(source))


def _found(source: str) -> Iterator[LoopNest]:
    for head in _NEST.finditer(source):
        # The signature ends on a line of its own.
        start = source.index("\n)", head.end()) + 2
        over = _TOP.search(source, start + 1)
        body = source[start : over.start() if over else len(source)]
        said = _SAID.search(body)
        if said is None:
            continue
        lines = body[said.end() + 1 :].rstrip().split("\n")
        skipped = next((k for k, line in enumerate(lines) if not line.startswith("    cdef ")), len(lines))
        line = source[: start + said.end() + 1].count("\n") + 1 + skipped
        yield LoopNest(head["name"], said["target"], said["how"], line, textwrap.dedent("\n".join(lines[skipped:])))


def kernel_data(source: str, op: Operator | None, derivations: tuple[Derivation, ...], page: Page) -> dict[str, Any]:
    """The module for the template: highlighted, and its nests grouped by the formula that they compute."""
    formulas = _formulas(op, derivations, page) if op is not None else {}
    groups: dict[str, list[dict[str, Any]]] = {}
    for nest in loop_nests(source):
        shown = {"name": nest.name, "how": nest.how, "line": nest.line, "html": Markup(highlighted(nest.text))}
        groups.setdefault(nest.target, []).append(shown)
    for nests in groups.values():
        # What a sum begins with is no loop that one looks for.
        summing = next((k for k, nest in enumerate(nests) if nest["how"].startswith("contributions")), 0)
        nests[:] = [{**nest, "open": k == summing} for k, nest in enumerate(nests)]
    beside = [{"target": target, "formula": formulas.get(target), "nests": nests} for target, nests in groups.items()]
    return {"html": Markup(highlighted(source)), "lines": len(source.splitlines()), "groups": beside}


def _formulas(op: Operator, derivations: tuple[Derivation, ...], page: Page) -> dict[str, Any]:
    """The formula of every tensor that a kernel of the operator may compute, as it was solved."""
    found: dict[str, Any] = {}
    for one in (*(forward(op.only(output.name)) for output in op.outputs), *derivations):
        dialect = latex(names_of(one.operator))
        for solved in one.gather.statements:
            name = solved.statement.target.name
            if name not in found:
                found[name] = page.rows(solved_rows(solved, dialect), partial(sympy_gather, one.gather))
    return found
