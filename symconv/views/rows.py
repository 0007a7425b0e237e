"""A statement as rows: its formula, where its symbols come from, and for which cells it holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from symconv.gather.solution import Gather, Phase, Solved
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Const, Expr, Piece, Reduce, transform, walk
from symconv.notation.operator import Definition, Operator, Statement
from symconv.notation.tables import table_of
from symconv.views.closed import Closed, Division, closed
from symconv.views.closed import _forms as forms_of
from symconv.views.dialect import ADD, MUL, Dialect, Frag
from symconv.views.forms import form_text, ranges_text
from symconv.views.heads import conditions, heads, limit_lines, spans
from symconv.views.matrices import matrix_text
from symconv.views.printer import Printer, bracketed, counted, expr_frag, expr_text, over, total
from symconv.views.shared import named_sum, shared_sums

__all__ = [
    "Row",
    "Rows",
    "definition_rows",
    "domain_row",
    "gather_rows",
    "solved_rows",
    "statement_rows",
    "target_text",
]


@dataclass(frozen=True, slots=True)
class Row:
    """``left = right``; without a left side, a remark."""

    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Rows:
    """What is computed, where its symbols come from, and the remarks below."""

    formulas: tuple[Row, ...]
    where: tuple[Row, ...]
    domain: tuple[Row, ...]


def target_text(statement: Statement, dialect: Dialect, mark: str = "") -> str:
    """``\\bar x_{n,c,u}``, with the number of a part."""
    name = dialect.tensor(statement.target.name)
    if mark:
        name = f"{name}^{{({mark})}}" if dialect.kind == "latex" else f"{name}({mark})"
    return dialect.element(name, tuple(dialect.symbol(index) for index in statement.indices))


def domain_row(statement: Statement, dialect: Dialect) -> Row:
    """The cells a statement computes."""
    ranges = ranges_text(statement.ranges, dialect, Printer.plain(dialect).write)
    return Row("", dialect.words("for ") + _listed(ranges, dialect)) if ranges else Row("", "")


def _listed(items: Iterable[str], dialect: Dialect) -> str:
    return (r",\ " if dialect.kind == "latex" else ", ").join(items)


def statement_rows(statement: Statement, dialect: Dialect, sums: Mapping[Reduce, str] | None = None) -> Rows:
    """A statement as it is stated: over ranges and relations; ``sums`` are written by these names."""
    if matrix := matrix_text(statement, dialect):
        return Rows((Row(dialect.tensor(statement.target.name), matrix),), (), (domain_row(statement, dialect),))
    said = {end for r in statement.ranges for end in (var(r.name), r.extent - 1 - var(r.name))}

    def shortened(node: Expr) -> Expr | None:
        return replace(node, pieces=tuple(map(_brief, node.pieces))) if isinstance(node, Reduce) else None

    def _brief(piece: Piece) -> Piece:
        ties = [c.form * sign for c in piece.where if c.equality for sign in (1, -1)]
        return replace(piece, where=tuple(c for c in piece.where if not any(c.form + tie in said for tie in ties)))

    plain = Printer.plain(dialect)
    names = shared_sums((statement,)) if sums is None else sums
    writing = {
        node: expr_frag(transform(node, shortened), plain) for node in names if node in set(walk(statement.expr))
    }
    defined = _named_sums(names, statement, writing, dialect)
    stands = {shortened(node): frag for node, frag in writing.items()}
    expr = transform(statement.expr, shortened)
    row = Row(target_text(statement, dialect), expr_text(expr, replace(plain, replace=stands.get)))
    return Rows((row,), defined, (domain_row(statement, dialect),))


def gather_rows(gather: Gather, dialect: Dialect) -> Rows:
    """Every statement of an operator in solved form."""
    several = _told_apart(gather.statements, dialect)
    names = {name for solved in gather.statements for name in _names(solved)}
    formulas = tuple(row for rows in several for row in rows.formulas)
    where = tuple(dict.fromkeys(row for rows in several for row in rows.where))
    domain = tuple(row for rows in several for row in rows.domain)[-1:]
    sizes = _used(definition_rows(gather.operator, names, dialect), (*formulas, *where, *domain))
    return Rows(formulas, (*where, *sizes), domain)


def _told_apart(statements: tuple[Solved, ...], dialect: Dialect) -> list[Rows]:
    """The rows of every statement; what several of them define differently has the number of its statement."""
    sums = shared_sums(solved.statement for solved in statements)
    found: list[Rows] = []
    for number, solved in enumerate(statements, 1):
        rows = solved_rows(solved, dialect, sums)
        said = {row.left: row.right for earlier in found for row in earlier.where if row.left}
        if any(said.get(row.left, row.right) != row.right for row in rows.where):
            rows = solved_rows(solved, dialect, sums, str(number))
        found.append(rows)
    return found


def _used(definitions: tuple[Row, ...], rows: Iterable[Row]) -> tuple[Row, ...]:
    """The definitions of what stands in the rows, and in those definitions: limits may have lost a size on the way."""
    written, kept = " ".join(row.right for row in rows), list[Row]()
    for row in reversed(definitions):
        if row.left in written:
            kept.insert(0, row)
            written += f" {row.right}"
    return tuple(kept)


def _names(solved: Solved) -> frozenset[str]:
    statement = solved.statement
    names = {name for size in statement.target.sizes for name in size.names()}
    names |= {n for node in walk(statement.expr) for form in forms_of(node) for n in form.names()}
    for node, solutions in solved.reductions:
        for solution in solutions:
            part = closed(statement, node, solution)
            names |= part.names if part else {n for c in solution.bounds for n in c.form.names()}
    return frozenset(names)


def definition_rows(op: Operator, names: Iterable[str], dialect: Dialect) -> tuple[Row, ...]:
    """The definitions of the sizes in use, and of the sizes those need."""
    wanted, kept = set(names), list[Definition]()
    for definition in reversed(op.definitions):
        if definition.name in wanted:
            wanted |= definition.form.names()
            kept.insert(0, definition)
    return tuple(Row(dialect.symbol(d.name), form_text(d.form, dialect)) for d in kept)


def solved_rows(
    solved: Solved, dialect: Dialect, sums: Mapping[Reduce, str] | None = None, mark: str = ""
) -> Rows:  # fmt: skip
    """A statement in solved form: one formula, or one per part where parts cut the cells differently.

    ``sums`` are written by these names; limits that have a name bear ``mark``.
    """
    statement = solved.statement
    if table_of(statement):
        return statement_rows(statement, dialect)
    parts: dict[Reduce, list[Closed]] = {}
    for node, solutions in solved.reductions:
        found = [closed(statement, node, solution) for solution in solutions]
        complete = [part for part in found if part is not None]
        if len(complete) == len(found) and found and not (node.kind.startswith("arg") and len(found) > 1):
            parts[node] = complete
    everything = [part for several in parts.values() for part in several]
    cuts = {(part.divisions, part.phases) for part in everything if part.divisions}
    named = sum(s.compound for part in everything for s in part.sums) > 1 or len(everything) > 1
    printer = replace(Printer.plain(dialect), mark=mark)
    if len(cuts) > 1:
        return _parted(statement, parts, printer)
    named = named and any(sum(s.compound for s in part.sums) > 1 for part in everything) and len(everything) == 1
    named = named and all(_has_limits(node, part) for node, several in parts.items() for part in several)
    writing = {
        node: total([_part_frag(node, part, named, printer) for part in several], node.kind, printer)
        for node, several in parts.items()
    }
    defined = _named_sums(shared_sums((statement,)) if sums is None else sums, statement, writing, dialect)
    formula = Row(target_text(statement, dialect), expr_text(statement.expr, replace(printer, replace=writing.get)))
    where = [*defined, *(row for part in everything[:1] for row in (_limits(part, printer) if named else ()))]
    where += [row for cut in everything if cut.divisions for row in _cut_rows(cut, printer)]
    return Rows((formula,), tuple(dict.fromkeys(where)), (domain_row(statement, dialect),))


def _named_sums(
    sums: Mapping[Reduce, str], statement: Statement, writing: dict[Reduce, Frag], dialect: Dialect
) -> tuple[Row, ...]:
    """Definitions of the sums that have a name; from here on ``writing`` has their names."""
    rows = []
    for node, name in sums.items():
        if node in writing:
            stands = named_sum(node, name, statement, dialect)
            rows.append(Row(stands.text, writing[node].text))
            writing[node] = stands
    return tuple(rows)


def _parted(statement: Statement, parts: dict[Reduce, list[Closed]], printer: Printer) -> Rows:
    dialect = printer.dialect
    counter = iter(range(1, 1000))
    formulas, where, writing = [], list[Row](), {}
    for node, several in parts.items():
        marks = [str(next(counter)) for _ in several]
        frags = [Frag(target_text(statement, dialect, mark)) for mark in marks]
        writing[node] = total(frags, node.kind, printer)
        for mark, part in zip(marks, several, strict=True):
            named = sum(s.compound for s in part.sums) > 1 and _has_limits(node, part)
            right = _part_frag(node, part, named, printer).text
            cut = [*(_limits(part, printer) if named else ()), *_cut_rows(part, printer)]
            said = _listed((f"{row.left} = {row.right}" for row in cut), dialect)
            formulas.append(Row(target_text(statement, dialect, mark), right))
            where.append(Row("", f"{dialect.words(f'in part {mark}: ')}{said}") if said else Row("", ""))
    head = Row(target_text(statement, dialect), expr_text(statement.expr, replace(printer, replace=writing.get)))
    shown = tuple(row for row in where if row.right)
    return Rows((head, *formulas), shown, (domain_row(statement, dialect),))


def _has_limits(node: Reduce, part: Closed) -> bool:
    """Whether the loops are written as limits of a sum: elsewhere names of limits would stand nowhere."""
    return node.kind == "sum" and part.body != Const(Fraction(1))


def _part_frag(node: Reduce, part: Closed, named: bool, printer: Printer) -> Frag:
    """``[P] Σ Σ body``."""
    if node.kind == "prod":
        # A bracket would make the factor 0 that is to be left out.
        lines = (*spans(part.sums, printer), *conditions((*part.outside, *part.inside), printer))
        head = printer.dialect.under("prod", lines) if lines else ""
        return over(head, expr_frag(part.body, printer), "prod", printer)
    body = bracketed(conditions(part.inside, printer), expr_frag(part.body, printer), printer)
    if part.sums and node.kind == "sum" and part.body == Const(Fraction(1)):
        lines = (*spans(part.sums, printer), *conditions(part.inside, printer))
        body = counted((printer.dialect.symbol(s.name) for s in part.sums), lines, printer.dialect)
    elif part.sums:
        body = over(heads(node.kind, part.sums, named and node.kind == "sum", printer), body, node.kind, printer)
    return bracketed(conditions(part.outside, printer), body, printer)


def _limits(part: Closed, printer: Printer) -> tuple[Row, ...]:
    return tuple(Row(*line) for line in limit_lines(part, printer))


def _cut_rows(part: Closed, printer: Printer) -> list[Row]:
    """Loops as quotients, residues as remainders, then what each residue class starts with."""
    rows = [_division_row(division, printer) for division in part.divisions]
    for phase in part.phases:
        rows += phase_definitions(phase, part.names, printer)
    return rows


def _division_row(division: Division, printer: Printer) -> Row:
    dialect = printer.dialect
    form = printer.write(division.form)
    whole = len(division.form.terms) + bool(division.form.constant) == 1
    right = dialect.quotient(form, str(division.modulus), False)
    if division.modulus == 1:
        right = form
    elif division.exact:
        right = dialect.divide(Frag(form, MUL if whole else ADD), Frag(str(division.modulus))).text
    held = form if whole else f"({form})"
    rest = f"{dialect.gap}{dialect.symbol(division.residue)} = {held}{dialect.modulo}{division.modulus}"
    return Row(dialect.symbol(division.loop), right + (f",{rest}" if division.residue else ""))


def phase_definitions(phase: Phase, used: Iterable[str], printer: Printer) -> list[Row]:
    """``k0 = (r/g)·d'⁻¹ mod s'`` and ``m = (r - d·k0)/s``, those of them that are read."""
    dialect, used = printer.dialect, set(used)
    rows = []
    modulus = phase.modulus // phase.gap
    residue = dialect.symbol(phase.residue)
    if phase.first in used or phase.shift in used:
        share = dialect.divide(Frag(residue), Frag(str(phase.gap))).text if phase.gap > 1 else residue
        factor = "" if phase.inverse == 1 else f"{phase.inverse}{dialect.times if phase.gap > 1 else ''}"
        held = f"({factor}{share})" if factor or (phase.gap > 1 and dialect.kind == "text") else share
        rows.append(Row(dialect.symbol(phase.first), f"{held}{dialect.modulo}{modulus}"))
    if phase.shift in used:
        numerator: Affine = var(phase.residue) - phase.slope * phase.gap * var(phase.first)
        right = dialect.divide(Frag(printer.write(numerator + affine(0)), 0), Frag(str(phase.modulus))).text
        rows.append(Row(dialect.symbol(phase.shift), right))
    return rows
