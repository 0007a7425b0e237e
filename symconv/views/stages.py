"""Stage objects as rows: operators, statements, solutions, derivatives, and the steps between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeGuard

from symconv.derive.surrogates import SENTENCE
from symconv.gather.derivation import Derivation
from symconv.gather.solution import Gather, Solved
from symconv.notation.expr import Apply, Border, Const, Expr, Index, Read, Reduce, reads, walk
from symconv.notation.operator import Operator, Statement, Tensor
from symconv.notation.surrogate import ARGUMENT, Surrogate
from symconv.notation.trace import Step
from symconv.views.dialect import Dialect, Frag
from symconv.views.facts import is_small, small_rows
from symconv.views.forms import form_text
from symconv.views.names import Names, names_of
from symconv.views.printer import Printer, expr_text
from symconv.views.rows import (
    Row,
    Rows,
    definition_rows,
    domain_row,
    gather_rows,
    solved_rows,
    statement_rows,
    target_text,
)
from symconv.views.shared import shared_sums

__all__ = ["derivation_rows", "operator_rows", "step_rows"]

Voice = Callable[[Names], Dialect]

_BORDERS = {
    "skip": " is not read outside its extent: the tap is skipped",
    "reflect": " is reflected at its border, the edge not repeated",
    "symmetric": " is reflected at its border, the edge repeated",
    "replicate": " continues with its edge value outside its extent",
    "circular": " is periodic",
}


def operator_rows(op: Operator, dialect: Dialect, *, named: bool = True) -> Rows:
    """An operator as stated: formulas, the sizes that are defined, cells, borders and merged axes.

    ``named``: sums that stand more than once are written once and named.
    """
    sums = shared_sums(op.statements) if named else {}
    several = [statement_rows(statement, dialect, sums) for statement in op.statements]
    formulas = tuple(rows.formulas[0] for rows in several)
    where = tuple(dict.fromkeys(row for rows in several for row in rows.where))
    where += definition_rows(op, {name for d in op.definitions if d.extent for name in (d.name,)} | _used(op), dialect)
    remarks = (
        *_cells(op, dialect),
        *_borders(op, dialect),
        *_shapes(op, dialect),
        *_positions(op, dialect),
        *_surrogates(op.surrogates, dialect),
    )
    return Rows(formulas, where, remarks)


def derivation_rows(derivation: Derivation, dialect: Dialect) -> Rows:
    """The solved form of what was derived; where a slope was declared instead of derived, that is said below."""
    rows = gather_rows(derivation.gather, dialect)
    return replace(rows, domain=(*rows.domain, *_surrogates(derivation.declared, dialect)))


def _surrogates(declared: tuple[Surrogate, ...], dialect: Dialect) -> tuple[Row, ...]:
    """Slopes the user states in place of derivatives."""
    rows = []
    for surrogate in declared:
        slope = expr_text(surrogate.slope, Printer.plain(dialect))
        if surrogate.function:
            said = dialect.words(f"{SENTENCE}: {surrogate.target}'({ARGUMENT}) = ")
        else:
            said = f"{dialect.words(f'{SENTENCE}: by ')}{dialect.tensor(surrogate.target)}{dialect.words(', ')}"
        rows.append(Row("", said + slope))
    return tuple(rows)


def _used(op: Operator) -> set[str]:
    return {
        name
        for statement in op.statements
        for node in walk(statement.expr)
        if isinstance(node, Read)
        for form in node.index
        for name in form.names()
    }


def _borders(op: Operator, dialect: Dialect) -> tuple[Row, ...]:
    """What lies outside, for tensors that are read there."""
    pads = [pad for window in op.windows for pad in (window.lo, window.hi)]
    if pads and all(pad.is_constant and pad.constant <= 0 for pad in pads):
        return ()
    found = {r.tensor: r.border for s in op.statements for r in reads(s.expr) if r.border is not None}
    return tuple(Row("", _border(dialect.tensor(tensor), border, dialect)) for tensor, border in found.items())


def _border(tensor: str, border: Border, dialect: Dialect) -> str:
    if border.kind == "constant":
        return (
            f"{tensor}{dialect.words(' is ')}{dialect.number(border.value).text}{dialect.words(' outside its extent')}"
        )
    return tensor + dialect.words(_BORDERS.get(border.kind, f" has border rule {border.kind} outside its extent"))


def _shapes(op: Operator, dialect: Dialect) -> tuple[Row, ...]:
    """Tensors whose axes hold several indices each."""
    tensors = (*op.inputs, *op.outputs)
    return tuple(Row("", _shape(tensor, dialect)) for tensor in tensors if any(len(axis) > 1 for axis in tensor.axes))


def _shape(tensor: Tensor, dialect: Dialect) -> str:
    axes = [dialect.times.join(form_text(size, dialect) for size in axis) for axis in tensor.axes]
    separator = r",\ " if dialect.kind == "latex" else ", "
    return f"{dialect.tensor(tensor.name)}{dialect.words(' has shape ')}({separator.join(axes)})"


def _positions(op: Operator, dialect: Dialect) -> tuple[Row, ...]:
    rows = []
    for statement in op.statements:
        kinds = {node.kind for node in walk(statement.expr) if isinstance(node, Reduce)}
        if kinds & {"argmax", "argmin"}:
            words = dialect.words(" is the row-major position of the first such tap")
            rows.append(Row("", dialect.tensor(statement.target.name) + words))
    return tuple(rows)


def step_rows(step: Step, voice: Callable[..., Dialect], names: Names | None = None) -> Rows:
    """A step: a chain from what it starts with to what it comes to, where both are equations."""
    dialect = voice(names or _names(step))
    if is_small(step):
        return small_rows(step, dialect)
    match step.before, step.after:
        case Statement() as before, Solved() as after:
            return _chained(statement_rows(before, dialect), solved_rows(after, dialect))
        case Operator() as before, Operator() as after if before.outputs == after.outputs:
            return replace(
                _chained(operator_rows(before, dialect, named=False), operator_rows(after, dialect, named=False)),
                where=(),
                domain=_domain(after, dialect),
            )
        case Operator(), Operator() as after:
            return replace(operator_rows(after, dialect, named=False), where=(), domain=_domain(after, dialect))
        case (body, Read() | Reduce() as leaf), slope if _is_expr(body) and _is_expr(slope):
            return _derivative(body, leaf, slope, dialect)
    return object_rows(step.after, dialect)


def _domain(op: Operator, dialect: Dialect) -> tuple[Row, ...]:
    return (*_cells(op, dialect), *_positions(op, dialect))


def _cells(op: Operator, dialect: Dialect) -> tuple[Row, ...]:
    """The cells of each output; what all have in common is said once."""
    rows = {s.target.name: domain_row(s, dialect) for s in op.statements if s.target in op.outputs}
    if len(alike := tuple(dict.fromkeys(rows.values()))) == 1:
        return alike
    return tuple(Row("", f"{dialect.tensor(n)}{dialect.words(' ')}{row.right}") for n, row in rows.items() if row.right)


def _chained(before: Rows, after: Rows) -> Rows:
    """``left = before`` and ``= after`` below it, where there is one formula on each side."""
    if len(before.formulas) != len(after.formulas) or before.formulas == after.formulas:
        return replace(
            after,
            formulas=after.formulas if before.formulas == after.formulas else (*before.formulas, *after.formulas),
        )
    rows = []
    for old, new in zip(before.formulas, after.formulas, strict=True):
        rows += [old] if old == new else [old, Row("", "") if not new.right else Row(" ", new.right)]
    return replace(after, formulas=tuple(rows))


def _derivative(body: Expr, leaf: Read | Reduce, slope: Expr, dialect: Dialect) -> Rows:
    """``∂body/∂leaf = slope``; a reduction that is differentiated by goes by the name S."""
    plain = Printer.plain(dialect)
    printer = replace(plain, replace=lambda node: Frag("S") if node == leaf else None)
    inner, by = dialect.paren(expr_text(body, printer)), expr_text(leaf, printer)
    left = rf"\frac{{\partial}}{{\partial {by}}} {inner}" if dialect.kind == "latex" else f"∂/∂{by} {inner}"
    where = (Row("S", expr_text(leaf, plain)),) if isinstance(leaf, Reduce) else ()
    return Rows((Row(left, expr_text(slope, printer)),), where, ())


def _is_expr(value: object) -> TypeGuard[Expr]:
    return isinstance(value, Const | Index | Read | Apply | Reduce)


def object_rows(value: object, dialect: Dialect) -> Rows:
    """Any object of a stage as rows; what is not known is said in words."""
    match value:
        case Operator():
            return operator_rows(value, dialect)
        case Statement():
            return statement_rows(value, dialect)
        case Solved():
            return solved_rows(value, dialect)
        case Gather():
            return gather_rows(value, dialect)
        case Const() | Index() | Read() | Apply() | Reduce():
            return Rows((), (), (Row("", expr_text(value, Printer.plain(dialect))),))
    return Rows((), (), (Row("", dialect.words(_plain(str(value)) if dialect.kind == "latex" else str(value))),))


def _plain(text: str) -> str:
    """Only what every LaTeX takes for itself in text."""
    return "".join(c if c.isascii() and (c.isalnum() or c in " .,:;=+-*/()[]<>'|") else " " for c in text)


def _names(step: Step) -> Names:
    for value in (step.after, step.before):
        match value:
            case Operator():
                return names_of(value)
            case Gather():
                return names_of(value.operator)
            case Solved():
                return _names_of_statement(value.statement)
            case Statement():
                return _names_of_statement(value)
    return Names()


def _names_of_statement(statement: Statement) -> Names:
    return Names(frozenset((statement.target.name, *(read.tensor for read in reads(statement.expr)))))


__all__ += ["object_rows", "target_text"]
