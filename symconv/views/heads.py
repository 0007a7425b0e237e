"""What stands in front of a closed sum: its signs with their limits, conditions, and what the limits are called."""

from __future__ import annotations

from collections.abc import Iterable

from symconv.notation.expr import Constraint
from symconv.views.closed import Closed, Divides, Sum
from symconv.views.forms import bound_text, chain
from symconv.views.printer import Printer, side_by_side

__all__ = ["conditions", "heads", "limit_lines", "spans"]


def conditions(wanted: Iterable[Constraint | Divides], printer: Printer) -> tuple[str, ...]:
    """Conditions in words of mathematics, divisibility first."""
    dialect = printer.dialect
    items = tuple(wanted)
    divides = [f"{c.divisor} {dialect.divides} {printer.write(c.form)}" for c in items if isinstance(c, Divides)]
    return (*divides, *chain((c for c in items if isinstance(c, Constraint)), dialect, printer.write))


def heads(kind: str, sums: tuple[Sum, ...], named: bool, printer: Printer) -> str:
    """The signs in front of a body; ``named``: limits with several bounds go by their names."""
    dialect = printer.dialect
    if kind != "sum":
        return dialect.under(kind, spans(sums, printer))
    signs: list[str] = []
    for s in sums:
        low, high = _limits(s, printer)
        if named:
            names = _limit_names(s, printer)
            low, high = names[0] if len(s.lowers) > 1 else low, names[1] if len(s.uppers) > 1 else high
        signs.append(dialect.limits("sum", dialect.symbol(s.name), low, high))
    return side_by_side(signs, dialect)


def spans(sums: tuple[Sum, ...], printer: Printer) -> tuple[str, ...]:
    """``low ≤ p ≤ high`` of every loop."""
    less = printer.dialect.relations["le"]
    return tuple(f" {less} ".join((low, printer.dialect.symbol(s.name), high))
                 for s in sums for low, high in (_limits(s, printer),))  # fmt: skip


def _limits(s: Sum, printer: Printer) -> tuple[str, str]:
    dialect, write = printer.dialect, printer.write
    return bound_text(s.lowers, True, dialect, write), bound_text(s.uppers, False, dialect, write)


def _limit_names(s: Sum, printer: Printer) -> tuple[str, str]:
    name, mark = printer.dialect.symbol(s.name), printer.mark
    if printer.dialect.kind != "latex":
        return f"{name}min{mark}", f"{name}max{mark}"
    head, _, tail = name.partition("_")
    inner = tail.strip("{}") + "," if tail else ""
    above = f"^{{({mark})}}" if mark else ""
    return rf"{head}_{{{inner}\min}}{above}", rf"{head}_{{{inner}\max}}{above}"


def limit_lines(part: Closed, printer: Printer) -> list[tuple[str, str]]:
    """What the names of limits stand for: name and text."""
    rows = []
    for s in (s for s in part.sums if s.compound):
        ends = zip(_limit_names(s, printer), _limits(s, printer), (s.lowers, s.uppers), strict=True)
        said = [(name, text) for name, text, bounds in ends if len(bounds) > 1]
        rest = "".join(f",{printer.dialect.gap}{name} = {text}" for name, text in said[1:])
        rows.append((said[0][0], said[0][1] + rest))
    return rows
