"""Scalar expressions, integer forms and conditions as SymPy source."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Mapping
from typing import Any

from symconv.notation.affine import Affine, Maximum, Quotient, var
from symconv.notation.expr import Apply, Const, Constraint, Expr, Index, Read, Reduce
from symconv.notation.operator import Statement
from symconv.views.closed import Divides

__all__ = ["equation_of", "expr_of", "form_of", "joined", "made", "name_of", "over", "remainder", "where"]

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}
_COMPARED = {"lt": "sp.Lt", "le": "sp.Le", "gt": "sp.Gt", "ge": "sp.Ge", "eq": "sp.Eq", "ne": "sp.Ne",
             "larger": "sp.Ge", "smaller": "sp.Le", "same": "sp.Eq"}  # fmt: skip
_SPELLED = {"abs": "sp.Abs(#)", "max": "sp.Max(#)", "min": "sp.Min(#)", "ceil": "sp.ceiling(#)", "relu": "sp.Max(0, #)",
            "expm1": "(sp.exp(#) - 1)", "log1p": "sp.log(1 + #)", "sigmoid": "1/(1 + sp.exp(-(#)))", "held": "(#)",
            "softplus": "sp.log(1 + sp.exp(#))", "gelu": "(#)*(1 + sp.erf((#)/sp.sqrt(2)))/2", "pi": "sp.pi",
            "silu": "(#)/(1 + sp.exp(-(#)))", "elu": "sp.Piecewise((#, (#) > 0), (sp.exp(#) - 1, True))",
            "hardtanh": "sp.Max(-1, sp.Min(1, #))"}  # fmt: skip
_HEADS, _JOINS = {"sum": "sp.Sum", "prod": "sp.Product"}, {"sum": " + ", "prod": "*"}
_KNOWN = frozenset({"sign", "floor", "exp", "log", "sqrt", "sin", "cos", "tanh", "erf"})


def name_of(name: str) -> str:
    """A name as Python takes it, clear of what the source uses itself."""
    return made(name) if keyword.iskeyword(name) or name in {"sp", "map"} else name


def made(name: str) -> str:
    """A name that only the source has."""
    # No user's name ends so, and a loop is called as its index with one underscore.
    return f"{name}__"


def equation_of(statement: Statement, right: str) -> str:
    """The equation of a statement with this right side."""
    return f"sp.Eq({_element(statement.target.name, map(var, statement.indices))}, {right})"


def _element(tensor: str, index: Iterable[Affine]) -> str:
    inner = ", ".join(map(form_of, index))
    return f"{name_of(tensor)}[{inner}]" if inner else name_of(tensor)


def form_of(form: Affine) -> str:
    """An integer form."""
    text = ""
    for atom, factor in sorted(
        form.terms, key=lambda term: (term[1] < 0, not isinstance(term[0], str), str(term[0])[0].isupper())
    ):
        sign = ("-" if factor < 0 else "") if not text else " - " if factor < 0 else " + "
        text += f"{sign}{'' if abs(factor) == 1 else f'{abs(factor)}*'}{_atom(atom)}"
    if form.constant or not text:
        sign = ("-" if form.constant < 0 else "") if not text else " - " if form.constant < 0 else " + "
        text += f"{sign}{abs(form.constant)}"
    return text


def _atom(atom: str | Quotient | Maximum) -> str:
    match atom:
        case Quotient(numerator, divisor):
            return f"sp.floor(({form_of(numerator)})/sp.Integer({divisor}))"
        case Maximum(left, right):
            return f"sp.Max({form_of(left)}, {form_of(right)})"
    return name_of(atom)


def expr_of(expr: Expr, known: Mapping[Any, str] | None = None) -> str:
    """A scalar expression; ``known`` says which parts of it have a name."""
    names: dict[Expr, str] = dict(known or {})
    if expr in names:
        return names[expr]
    match expr:
        case Const(value):
            return str(value) if value.denominator == 1 else f"sp.Rational({value.numerator}, {value.denominator})"
        case Index(form):
            return f"({form_of(form)})"
        case Read(tensor, index, _):
            return _element(tensor, index)
        case Apply("where", (condition, yes, no)):
            said = _condition(condition, names)
            return f"sp.Piecewise(({expr_of(yes, names)}, {said}), ({expr_of(no, names)}, True))"
        case Apply(function, arguments) if function in _COMPARED:
            return f"sp.Piecewise((1, {_condition(expr, names)}), (0, True))"
        case Apply("neg", (inner,)):
            return f"(-{expr_of(inner, names)})"
        case Apply(function, (left, right)) if function in _INFIX:
            first = f"sp.Integer({expr_of(left, names)})" if _is_number(left) else expr_of(left, names)
            return f"({first}{_spaced(_INFIX[function])}{expr_of(right, names)})"
        case Apply(function, arguments):
            return _call(function, ", ".join(expr_of(argument, names) for argument in arguments))
        case Reduce():
            return _reduce(expr, names)


def _is_number(expr: Expr) -> bool:
    """Whether Python would compute with it before SymPy sees it."""
    return (isinstance(expr, Const) and expr.value.denominator == 1) or (
        isinstance(expr, Index) and expr.form.is_constant
    )


def _spaced(sign: str) -> str:
    return f" {sign} " if sign in "+-" else sign


def _call(function: str, inner: str) -> str:
    if function in _SPELLED:
        return _SPELLED[function].replace("#", inner)
    return f"sp.{function}({inner})" if function in _KNOWN else f'sp.Function("{function}")({inner})'


def _condition(condition: Expr, names: dict[Expr, str]) -> str:
    if isinstance(condition, Apply) and condition.function in _COMPARED:
        left, right = (expr_of(argument, names) for argument in condition.arguments)
        return f"{_COMPARED[condition.function]}({left}, {right})"
    return f"sp.Ne({expr_of(condition, names)}, 0)"


def _reduce(node: Reduce, names: dict[Expr, str]) -> str:
    limits = [f"({name_of(r.name)}, 0, {form_of(r.extent - 1)})" for r in reversed(node.indices)]
    if node.kind.startswith("arg"):
        # A position is one of all taps, not of those of a piece.
        return over(node, _cases(node, [(expr_of(p.body, names), p.where) for p in node.pieces]), limits)
    parts = [over(node, where(node, expr_of(p.body, names), p.where), limits) for p in node.pieces]
    return joined(node, parts)


def neutral(node: Reduce) -> str:
    """What a tap is that is not taken, and a reduction over none."""
    match node.kind:
        case "prod":
            return "1"
        case "max" | "argmax":
            return "-sp.oo"
        case "min" | "argmin":
            return "sp.oo"
    return "0"


def joined(node: Reduce, parts: list[str]) -> str:
    """The parts of a reduction together."""
    if len(parts) < 2:
        return parts[0] if parts else neutral(node)
    if node.kind in _JOINS:
        return f"({_JOINS[node.kind].join(parts)})"
    return _call(node.kind, ", ".join(parts))


def over(node: Reduce, body: str, limits: list[str]) -> str:
    """A reduction of a body over limits, the innermost first."""
    if not limits:
        return body
    head = _HEADS.get(node.kind, f'sp.Function("{node.kind}")')
    return f"{head}({body}, {', '.join(limits)})"


def where(node: Reduce, body: str, conditions: Iterable[Constraint | Divides]) -> str:
    """A body of a reduction where conditions hold, nothing to it elsewhere."""
    found = tuple(conditions)
    return _cases(node, [(body, found)]) if found else body


def _cases(node: Reduce, bodies: Iterable[tuple[str, Iterable[Constraint | Divides]]]) -> str:
    """Bodies under conditions of which at most one holds."""
    rows = list[str]()
    for body, conditions in bodies:
        said = [_holds(condition) for condition in conditions]
        if not said:
            return body
        together = said[0] if len(said) == 1 else f"sp.And({', '.join(said)})"
        rows.append(f"({body}, {together})")
    return f"sp.Piecewise({', '.join((*rows, f'({neutral(node)}, True)'))})"


def remainder(form: str, modulus: int) -> str:
    """What is left of a form; by a floor, because SymPy makes 2·Mod(u, 3) of Mod(2·Mod(u, 3), 3)."""
    return f"({form}) - {modulus}*sp.floor(({form})/sp.Integer({modulus}))"


def _holds(condition: Constraint | Divides) -> str:
    match condition:
        case Divides(divisor, form):
            return f"sp.Eq({remainder(form_of(form), divisor)}, 0)"
        case Constraint(form, True):
            return f"sp.Eq({form_of(form)}, 0)"
        case Constraint(form, _):
            return f"sp.Ge({form_of(form)}, 0)"
