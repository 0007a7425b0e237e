"""Operators in relation form as lines of index notation, for docstrings."""

from __future__ import annotations

from symconv.notation.affine import Affine, Quotient
from symconv.notation.expr import Apply, Const, Constraint, Expr, Index, Piece, Read, Reduce
from symconv.notation.operator import Operator
from symconv.notation.shapes import describe

__all__ = ["formula_of", "shapes_of"]

_SIGNS = {"add": (" + ", 1), "sub": (" - ", 1), "mul": (" * ", 2), "div": (" / ", 2), "pow": ("**", 4),
          "lt": (" < ", 0), "le": (" <= ", 0), "gt": (" > ", 0), "ge": (" >= ", 0), "eq": (" == ", 0),
          "ne": (" != ", 0), "larger": (" >= ", 0), "smaller": (" <= ", 0), "same": (" == ", 0)}  # fmt: skip


def shapes_of(op: Operator, several: tuple[str, ...] = ()) -> str:
    """The shapes of what goes in and what comes out: the output, or ``several`` of the arrays that are computed.

    >>> import symconv as sc
    >>> shapes_of(sc.conv1d())
    'x (N, C, L), w (F, C, K) -> y (N, F, OL)'
    """
    results = [s.target for s in op.statements if s.target.name in several] or [op.output]
    return f"{', '.join(map(describe, op.inputs))} -> {', '.join(map(describe, results))}"


def formula_of(op: Operator) -> tuple[str, ...]:
    """A line for each statement; of the conditions of a sum, the equations.

    >>> import symconv as sc
    >>> formula_of(sc.derive(sc.conv1d(stride=2, padding=1), "x").operator)
    ('gx[n,c,u] = sum[f,i,p: u = 2*i + p - 1](gy[n,f,i] * w[f,c,p])',)
    """
    return tuple(f"{s.target.name}[{','.join(s.indices)}] = {_text(s.expr, {*s.indices})}" for s in op.statements)


def _text(expr: Expr, cells: set[str], least: int = 0) -> str:
    text, binds = _printed(expr, cells)
    return f"({text})" if binds < least else text


def _printed(expr: Expr, cells: set[str]) -> tuple[str, int]:
    match expr:
        case Const(number):
            return str(number), 5 if number >= 0 and number.denominator == 1 else 1
        case Index(form):
            return _form(form), 5 if form.name or form.is_constant else 1
        case Read(tensor, index):
            return f"{tensor}[{','.join(_form(form).replace(' ', '') for form in index)}]", 5
        case Apply("neg", (inner,)):
            return f"-{_text(inner, cells, 2)}", 1
        case Apply("mul", (inner, Const(number))) if number == -1:
            return f"-{_text(inner, cells, 2)}", 1
        case Apply(function, (left, right)) if function in _SIGNS:
            sign, binds = _SIGNS[function]
            return f"{_text(left, cells, binds)}{sign}{_text(right, cells, binds + 1)}", binds
        case Apply("held", (inner,)):
            return _printed(inner, cells)
        case Apply(function, arguments):
            return (f"{function}({', '.join(_text(a, cells) for a in arguments)})" if arguments else function), 5
        case Reduce(kind, indices, pieces):
            return _reduced(kind, tuple(r.name for r in indices), pieces, cells)
    raise AssertionError(expr)


def _reduced(kind: str, names: tuple[str, ...], pieces: tuple[Piece, ...], cells: set[str]) -> tuple[str, int]:
    parts = []
    for piece in pieces:
        told = piece.where if len(pieces) > 1 else tuple(c for c in piece.where if c.equality)
        where = ", ".join(_condition(c, cells) for c in told)
        head = f"{kind}[{','.join(names)}{f': {where}' if where else ''}]" if names else f"{where}: " if where else ""
        parts.append(f"{head}({_text(piece.body, cells)})" if names else f"{head}{_text(piece.body, cells)}")
    if not names and (len(parts) > 1 or pieces[0].where):
        return f"{{{'; '.join(parts)}}}", 5
    if kind == "sum" or len(parts) == 1:
        return " + ".join(parts), 5 if len(parts) == 1 else 1
    return f"{{{'; '.join(parts)}}}", 5


def _condition(constraint: Constraint, cells: set[str]) -> str:
    """An equation solved for a cell's index where it has one; an inequality with its negative terms on the right."""
    form = constraint.form
    if constraint.equality:
        lone = next((n for n in sorted(form.names() & cells) if abs(form.coefficient(n)) == 1), None)
        if lone is not None:
            return f"{lone} = {_form((form - Affine(((lone, form.coefficient(lone)),), 0)) * -form.coefficient(lone))}"
    right = Affine(tuple((a, -f) for a, f in form.terms if f < 0), max(-form.constant, 0))
    return f"{_form(form + right)} {'=' if constraint.equality else '>='} {_form(right)}"


def _form(form: Affine) -> str:
    assert not any(isinstance(atom, Quotient) for atom, _ in form.terms)
    terms = sorted(form.terms, key=lambda term: (term[1] < 0, str(term[0])[0].isupper(), str(term[0])))
    return str(Affine(tuple(terms), form.constant))
