"""Scalar expressions, written with parentheses exactly where they are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce

from symconv.notation.affine import Affine
from symconv.notation.expr import Apply, Const, Constraint, Expr, Index, Read, Reduce
from symconv.views.dialect import ADD, ATOM, MUL, Dialect, Frag
from symconv.views.forms import Write, chain, covering, form_text, ranges_text
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


@dataclass(frozen=True, slots=True)
class Printer:
    """A dialect, how integer forms are written, and what stands for a reduction (None: the reduction itself).

    ``mark`` tells the named limits of one statement from those of another.
    """

    dialect: Dialect
    write: Write
    replace: Callable[[Reduce], Frag | None] = lambda _: None
    mark: str = ""

    @classmethod
    def plain(cls, dialect: Dialect) -> Printer:
        """Every form and reduction as it is."""
        return cls(dialect, lambda form: form_text(form, dialect))


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
            return _sum(expr_frag(left, printer), dialect.minus, expr_frag(right, printer), printer)
        case "add", (left, Const(value)) if value < 0:
            return _sum(expr_frag(left, printer), dialect.minus, dialect.number(-value), printer)
        case "add", (left, right):
            return _sum(expr_frag(left, printer), "+", expr_frag(right, printer), printer)
        case "sub", (left, right):
            return _sum(expr_frag(left, printer), dialect.minus, expr_frag(right, printer), printer)
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


def negated(frag: Frag, printer: Printer) -> Frag:
    """``-frag``; the sum of what is negated is the negated sum, so that the sign stands in front."""
    held = frag.level < MUL
    inner = printer.dialect.paren(frag.text) if held else frag.text
    return Frag(printer.dialect.minus + inner, ADD, 0 if held else frag.open, inner)


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


def _sum(left: Frag, sign: str, right: Frag, printer: Printer) -> Frag:
    first = printer.dialect.paren(left.text) if left.open == 2 else left.text
    if sign == "+" and right.inner:
        return Frag(f"{first} {printer.dialect.minus} {right.inner}", ADD, right.open)
    tight = sign != "+" and right.level < MUL
    starts_negative = right.level < MUL and right.text.startswith(printer.dialect.minus)
    second = printer.dialect.paren(right.text) if tight or starts_negative else right.text
    return Frag(f"{first} {sign} {second}", ADD, 0 if tight or starts_negative else right.open)


def product(left: Frag, right: Frag, printer: Printer) -> Frag:
    """Two factors side by side."""
    dialect = printer.dialect
    first = dialect.paren(left.text) if left.level < MUL or left.open else left.text
    held = right.level < MUL
    second = dialect.paren(right.text) if held else right.text
    joint = dialect.dot if second[:1].isdigit() else dialect.times
    return Frag(f"{first}{joint}{second}", MUL, 0 if held else right.open)


def bracketed(conditions: tuple[str, ...], frag: Frag, printer: Printer) -> Frag:
    """``[P] frag``, and the piece alone where there is no condition."""
    if not conditions:
        return frag
    if frag.inner:
        return negated(bracketed(conditions, replace(frag, text=frag.inner, level=MUL, inner=""), printer), printer)
    separator = r",\ " if printer.dialect.kind == "latex" else ", "
    held = Frag(printer.dialect.bracket(separator.join(conditions)))
    return held if frag.text == "1" else product(held, frag, printer)


def counted(names: Iterable[str], conditions: Iterable[str], dialect: Dialect) -> Frag:
    """How many values of ``names`` meet the conditions: what a sum of ones is."""
    comma, such = (r",\ ", r"\,:\,") if dialect.kind == "latex" else (", ", " : ")
    held = f"{', '.join(names)}{such}{comma.join(conditions)}"
    return Frag(rf"\left|\left\{{{held}\right\}}\right|" if dialect.kind == "latex" else f"#{{{held}}}")


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


def total(frags: list[Frag], kind: str, printer: Printer) -> Frag:
    """Several parts of one reduction put together."""
    if len(frags) == 1:
        return frags[0]
    if kind == "sum":
        result = frags[0]
        for frag in frags[1:]:
            result = _sum(result, "+", frag, printer)
        return result
    if kind == "prod":
        return reduce(lambda one, other: product(one, other, printer), frags)
    return Frag(printer.dialect.call(kind, tuple(frag.text for frag in frags)))


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


def side_by_side(heads: Iterable[str], dialect: Dialect) -> str:
    """Several sums in a row, their limits kept apart."""
    return (r"\;" if dialect.kind == "latex" else "").join(heads)


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


def over(head: str, body: Frag, kind: str, printer: Printer) -> Frag:
    """A reduction's head in front of its body."""
    if not head:
        return body
    if kind == "sum" and body.inner:
        return negated(over(head, replace(body, text=body.inner, level=MUL, inner=""), kind, printer), printer)
    inner = printer.dialect.paren(body.text) if body.level < MUL else body.text
    space = "" if printer.dialect.kind != "latex" else r"\, " if kind == "sum" else " "
    closed = body.open if body.level >= MUL else 0
    return Frag(f"{head}{space}{inner}", MUL, max(1 if kind == "sum" else 2, closed))


def _otherwise(node: Reduce) -> str | None:
    """What a reduction finds where no piece applies: "" where they cover everything, None where cases do not fit."""
    if covering(node.pieces):
        return ""
    return "0" if node.kind == "sum" and len(node.pieces) > 2 else None
