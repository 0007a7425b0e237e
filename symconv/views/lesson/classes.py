"""The residue class of a cell, and how the loops of its class are said in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from symconv.gather.solution import Gather
from symconv.views.dialect import text
from symconv.views.forms import form_text
from symconv.views.phases import PhaseRow, PhaseTable, phase_tables

__all__ = ["Classes", "classes_of"]


@dataclass(frozen=True, slots=True)
class Classes:
    """One table per strided index of the target; none: all cells are of one class."""

    tables: tuple[PhaseTable, ...]

    @property
    def all(self) -> tuple[tuple[int, ...], ...]:
        """Every class, as a residue for each table; those that receive nothing among them."""
        return tuple(product(*(range(table.phase.modulus) for table in self.tables)))

    def of(self, index: Mapping[str, int]) -> tuple[int, ...]:
        """The class of a cell, given its logical index and the sizes by name."""
        return tuple(table.form.evaluate(dict(index)) % table.phase.modulus for table in self.tables)

    def title(self, residues: tuple[int, ...]) -> str:
        """A class by its residues.

        >>> import symconv as sc
        >>> found = classes_of(sc.derive(sc.conv1d(stride=2, padding=1), "x").derivation.gather)
        >>> found.title((1,)), found.rules((1,))
        ('(u+1) mod 2 = 1', ('u+1 = 2u′+1: taps p = 2p′+1, outputs i = u′−p′',))
        """
        pairs = zip(self.tables, residues, strict=True)
        return ", ".join(f"{_form(table)} mod {table.phase.modulus} = {k}" for table, k in pairs) or "every cell"

    def rules(self, residues: tuple[int, ...]) -> tuple[str, ...]:
        """What taps and outputs feed a class, a line for each table."""
        return tuple(_rule(table, k) for table, k in zip(self.tables, residues, strict=True))

    def worked(self, residues: tuple[int, ...], index: Mapping[str, int]) -> tuple[str, ...]:
        """The division with remainder that finds the class of a cell, with numbers."""
        lines = []
        for table, k in zip(self.tables, residues, strict=True):
            whole = table.form.evaluate(dict(index))
            modulus = table.phase.modulus
            quotient, loop = (whole - k) // modulus, text().symbol(table.loop)
            form = form_text(table.form, text())
            divided = f"{whole} = {modulus}·{quotient} + {k}, so {loop} = {quotient}"
            shown = f"{form} = {divided}" if form != table.target else divided.removeprefix(f"{whole} = ")
            lines.append(f"{table.target} = {index[table.target]}{': ' if form != table.target else ' = '}{shown}")
        return tuple(lines)


def _form(table: PhaseTable) -> str:
    written = form_text(table.form, text())
    return written if written == table.target else f"({written})"


def _rule(table: PhaseTable, residue: int) -> str:
    row: PhaseRow | None = next((row for row in table.rows if row.residue % table.phase.modulus == residue), None)
    write, loop = text(), text().symbol(table.loop)
    shown = f"{form_text(table.form, write)} = {table.phase.modulus}{loop}{f'+{residue}' if residue else ''}"
    if row is None:
        return f"{shown}: no tap reaches it"
    tap, output = (f"{write.symbol(name)} = {form_text(form, write)}" for name, form in
                   ((table.tap, row.tap), (table.output, row.output)))  # fmt: skip
    return f"{shown}: taps {tap}, outputs {output}"


def classes_of(gather: Gather) -> Classes:
    """The residue classes of the cells of a solved gradient, those of its first piece where pieces differ."""
    last = gather.statements[-1].statement
    tables: dict[str, PhaseTable] = {}
    for table in phase_tables(gather):
        if table.target in last.indices:
            tables.setdefault(table.target, table)
    return Classes(tuple(tables.values()))
