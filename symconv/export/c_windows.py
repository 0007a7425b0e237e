"""Whether every mean, max and min has a tap, as a function in C: windows that lie outside whole are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from symconv.emit.callables import Windows
from symconv.emit.printer import Printer
from symconv.loops.arith import const
from symconv.loops.ir import Compare, Kernel
from symconv.loops.rename import distinct
from symconv.loops.scalars import integer
from symconv.notation.affine import var
from symconv.notation.expr import Constraint, Range
from symconv.notation.operator import Operator
from symconv.notation.taps import Occupied, groups

__all__ = ["windows"]


def windows(op: Operator, kernel: Kernel) -> Windows | None:
    """The function that looks at all windows of an operator, where there is one that could be empty.

    ``kernel`` is any of the operator's, for the names of its sizes.
    """
    other = distinct(kernel)
    lines = [line for wanted in op.occupied for line in _wanted(_renamed(wanted, other), Printer(kernel, native=True))]
    if not lines:
        return None
    text = "\n".join(lines)
    sizes = [other.get(size.name, size.name) for size in kernel.sizes]
    named = tuple(name for name in sizes if re.search(rf"\bv_{name}\b", text))
    return Windows(named, tuple(lines))


def _renamed(wanted: Occupied, names: Mapping[str, str]) -> Occupied:
    forms = {name: var(other) for name, other in names.items()}

    def ranges(some: tuple[Range, ...]) -> tuple[Range, ...]:
        return tuple(Range(names.get(r.name, r.name), r.extent.substitute(forms)) for r in some)

    def rules(some: tuple[Constraint, ...]) -> tuple[Constraint, ...]:
        return tuple(replace(c, form=c.form.substitute(forms)) for c in some)

    return Occupied(wanted.kind, ranges(wanted.cells), rules(wanted.given), ranges(wanted.taps), rules(wanted.where))


def _wanted(wanted: Occupied, printer: Printer) -> Iterator[str]:
    names = [r.name for r in (*wanted.cells, *wanted.taps)]
    parts = [
        tuple(_group(wanted, group, printer))
        for group in groups(names, (*wanted.given, *wanted.where))
        if any(c.form.names() & group for c in (*wanted.given, *wanted.where))
    ]
    if not parts:
        return
    yield f"    {{   /* {wanted.kind} over {', '.join(r.name for r in wanted.taps)} */"
    yield "        int sc_asked = 1, sc_lacking = 0;"
    for part in parts:
        yield from part
    yield "        if (sc_asked && sc_lacking) return 0;"
    yield "    }"


def _group(wanted: Occupied, group: frozenset[str], printer: Printer) -> Iterator[str]:
    """The cells of indices that only each other decide about: whether any is asked for, and one lacks a tap."""
    given, where = ([c for c in some if c.form.names() & group] for some in (wanted.given, wanted.where))
    cells = [r for r in wanted.cells if r.name in group]
    taps = [r for r in wanted.taps if r.name in group]
    yield "        {"
    yield "            int sc_reached = 0;"
    for cell in cells:
        # An empty batch has the windows of any other.
        extent = f"sc_imax(1, {printer.expr(integer(cell.extent))})"
        yield f"            {_loop(printer.named(cell.name), extent)}"
    yield "            {"
    yield "                int sc_found = 0;"
    yield f"                if {_all(given, printer)} {{"
    yield "                    sc_reached = 1;"
    for tap in taps:
        yield f"                    {_loop(printer.named(tap.name), printer.expr(integer(tap.extent)))}"
    yield f"                        if {_all(where, printer)} sc_found = 1;"
    yield "                    if (!sc_found) sc_lacking = 1;"
    yield "                }"
    yield "            }"
    yield "            if (!sc_reached) sc_asked = 0;"
    yield "        }"


def _loop(name: str, extent: str) -> str:
    return f"for (Py_ssize_t {name} = 0; {name} < {extent}; {name}++)"


def _all(constraints: list[Constraint], printer: Printer) -> str:
    tests = (Compare("==" if c.equality else ">=", integer(c.form), const(0)) for c in dict.fromkeys(constraints))
    return f"({' && '.join(map(printer.expr, tests)) or '1'})"
