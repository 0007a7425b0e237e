"""Scalar expressions, written with parentheses exactly where they are needed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from symconv.notation.affine import Affine
from symconv.notation.expr import Apply, Const, Constraint, Expr, Index, Read, Reduce
from symconv.views.dialect import ADD, ATOM, MUL, Frag
from symconv.views.forms import chain, covering, ranges_text
from symconv.views.frags import Printer, added, bracketed, counted, negated, over, product, side_by_side, total
from symconv.views.lone import without_lone

__all__ = [
    "Printer",
    "bracketed",
    "counted",
    "expr_frag",
    "expr_text",
    "negated",
    "over",
    "product",
    "reduction_head",
    "side_by_side",
    "total",
]

COMPARE = ("lt", "le", "gt", "ge", "eq", "ne", "larger", "smaller", "same")
_OPPOSITE = {"lt": "ge", "le": "gt", "gt": "le", "ge": "lt", "eq": "ne", "ne": "eq"}
_OPPOSITE |= {"larger": "lt", "smaller": "gt", "same": "ne"}
_ZERO, _ONE = Const(Fraction(0)), Const(Fraction(1))


def expr_text(expr: Expr, printer: Printer) -> str:
    """An expression as a string."""
    return expr_frag(expr, printer).text


def expr_frag(expr: Expr, printer: Printer) -> Frag:
    """An expression with how tightly it binds."""
    dialect = printer.dialect
    match expr:
        case Const(value):
            return dialect.number(value)
        case Index(form):
            return Frag(printer.write(form), _level_of(form))
        case Read(tensor, index, _):
            return Frag(dialect.element(dialect.tensor(tensor), tuple(printer.write(form) for form in index)))
        case Apply(function, arguments):
            return _apply(function, arguments, printer)
        case Reduce():
            return printer.replace(expr) or _reduce(expr, printer)


def _level_of(form: Affine) -> int:
    if len(form.terms) + bool(form.constant) > 1 or form.constant < 0 or any(f < 0 for _, f in form.terms):
        return ADD
    return MUL if form.terms and form.terms[0][1] != 1 else ATOM


def _apply(function: str, arguments: tuple[Expr, ...], printer: Printer) -> Frag:
    dialect = printer.dialect
    match function, arguments:
        case "where", (condition, yes, no):
            return _where(condition, yes, no, printer)
        case "add", (left, Apply("neg", (right,))):
            return added(expr_frag(left, printer), dialect.minus, expr_frag(right, printer), printer)
        case "add", (left, Const(value)) if value < 0:
            return added(expr_frag(left, printer), dialect.minus, dialect.number(-value), printer)
        case "add", (left, right):
            return added(expr_frag(left, printer), "+", expr_frag(right, printer), printer)
        case "sub", (left, right):
            return added(expr_frag(left, printer), dialect.minus, expr_frag(right, printer), printer)
        case "neg", (inner,):
            return negated(expr_frag(inner, printer), printer)
        case "mul", _:
            return _product(Apply(function, arguments), printer)
        case "div", (left, right):
            return dialect.divide(expr_frag(left, printer), expr_frag(right, printer))
        case "pow", (base, exponent):
            return dialect.power(expr_frag(base, printer), expr_frag(exponent, printer))
    if function in COMPARE:
        return Frag(dialect.bracket(_condition(Apply(function, arguments), printer)))
    return Frag(dialect.call(function, tuple(expr_text(argument, printer) for argument in arguments)))


def _product(expr: Expr, printer: Printer) -> Frag:
    """Factors in reading order, but numbers first and one sign for all."""
    factors, negative = _factors(expr)
    below = [f.arguments[1] for f in factors if isinstance(f, Apply) and f.function == "div" and f.arguments[0] == _ONE]
    above = [f for f in factors if not (isinstance(f, Apply) and f.function == "div" and f.arguments[0] == _ONE)]
    result = _side_by_side(above, printer)
    if below:
        result = printer.dialect.divide(result, _side_by_side(below, printer))
    return negated(result, printer) if negative else result


def _side_by_side(factors: list[Expr], printer: Printer) -> Frag:
    numbers = [f for f in factors if _is_number(f)]
    frags = [expr_frag(f, printer) for f in (*numbers, *(f for f in factors if not _is_number(f)))]
    if not frags:
        return printer.dialect.number(Fraction(1))
    result = frags[0]
    for frag in frags[1:]:
        result = product(result, frag, printer)
    return result


def _is_number(expr: Expr) -> bool:
    return isinstance(expr, Const) or (isinstance(expr, Index) and expr.form.is_constant)


def _factors(expr: Expr) -> tuple[list[Expr], bool]:
    match expr:
        case Apply("mul", (left, right)):
            (first, a), (second, b) = _factors(left), _factors(right)
            return [*first, *second], a != b
        case Apply("neg", (inner,)):
            factors, negative = _factors(inner)
            return factors, not negative
        case Const(value) if value < 0:
            return ([] if value == -1 else [Const(-value)]), True
    return [expr], False


def _where(condition: Expr, yes: Expr, no: Expr, printer: Printer) -> Frag:
    dialect = printer.dialect
    if _ZERO in {yes, no}:
        shown = _condition(condition, printer) if no == _ZERO else _negated(condition, printer)
        value = yes if no == _ZERO else no
        frag = Frag(dialect.bracket(shown))
        return frag if value == _ONE else product(frag, expr_frag(value, printer), printer)
    rows = [(expr_text(yes, printer), _condition(condition, printer))]
    while isinstance(no, Apply) and no.function == "where" and _ZERO not in no.arguments[1:]:
        condition, yes, no = no.arguments
        rows.append((expr_text(yes, printer), _condition(condition, printer)))
    return dialect.cases((*rows, (expr_text(no, printer), "")))


def _condition(condition: Expr, printer: Printer) -> str:
    if isinstance(condition, Apply) and condition.function in COMPARE:
        left, right = (expr_frag(argument, printer) for argument in condition.arguments)
        first = printer.dialect.paren(left.text) if left.open == 2 else left.text
        return f"{first} {printer.dialect.relations[condition.function]} {right.text}"
    return f"{expr_frag(condition, printer).text} {printer.dialect.relations['ne']} 0"


def _negated(condition: Expr, printer: Printer) -> str:
    if isinstance(condition, Apply) and condition.function in COMPARE:
        return _condition(replace(condition, function=_OPPOSITE[condition.function]), printer)
    return f"{expr_frag(condition, printer).text} = 0"


def _in_pairs(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(r",\ ".join(lines[k : k + 2]) for k in range(0, len(lines), 2))


def reduction_head(node: Reduce, where: tuple[Constraint, ...], printer: Printer) -> str:
    """``Σ`` over the ranges of a reduction: limits where nothing else is said, a stack of conditions elsewhere."""
    dialect, write = printer.dialect, printer.write
    if not where and node.kind == "sum":
        heads = (dialect.limits("sum", dialect.symbol(r.name), "0", write(r.extent - 1)) for r in node.indices)
        return side_by_side(heads, dialect)
    ranges, conditions = ranges_text(node.indices, dialect, write), chain(where, dialect, write)
    if dialect.kind == "latex" and len(ranges) + len(conditions) > 4:
        ranges = _in_pairs(ranges)
        # Beyond so many lines a sum stands taller than the formula around it.
        conditions = _in_pairs(conditions) if len(ranges) + len(conditions) > 8 else conditions
    return dialect.under(node.kind, (*ranges, *conditions)) if node.indices or where else ""


def _reduce(node: Reduce, printer: Printer) -> Frag:
    shorter = without_lone(node)
    if not isinstance(shorter, Reduce):
        return expr_frag(shorter, printer)
    node = shorter
    if len(node.pieces) > 1 and (rest := _otherwise(node)) is not None:
        rows = [(expr_text(p.body, printer), _joint(p.where, printer)) for p in node.pieces]
        head = reduction_head(replace(node, pieces=()), (), printer)
        extra = ((rest, ""),) if rest else ()
        cases = printer.dialect.cases((*rows, *extra))
        return over(head, cases, node.kind, printer)
    if not node.pieces:
        if node.kind in {"sum", "prod"}:
            return printer.dialect.number(Fraction(node.kind == "prod"))
        return Frag(f"-{printer.dialect.infinity}", ADD)
    frags = []
    for piece in node.pieces:
        if node.kind == "sum" and piece.body == _ONE and node.indices:
            frags.append(_count(node, piece.where, printer))
            continue
        head = reduction_head(node, piece.where, printer)
        frags.append(over(head, expr_frag(piece.body, printer), node.kind, printer))
    return total(frags, node.kind, printer)


def _count(node: Reduce, where: tuple[Constraint, ...], printer: Printer) -> Frag:
    dialect, write = printer.dialect, printer.write
    conditions = (*ranges_text(node.indices, dialect, write), *chain(where, dialect, write))
    return counted((dialect.symbol(r.name) for r in node.indices), conditions, dialect)


def _joint(where: tuple[Constraint, ...], printer: Printer) -> str:
    separator = r",\ " if printer.dialect.kind == "latex" else " and "
    return separator.join(chain(where, printer.dialect, printer.write))


def _otherwise(node: Reduce) -> str | None:
    """What a reduction finds where no piece applies: "" where they cover everything, None where cases do not fit."""
    if covering(node.pieces):
        return ""
    return "0" if node.kind == "sum" and len(node.pieces) > 2 else None
