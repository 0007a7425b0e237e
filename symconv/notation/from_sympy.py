"""SymPy equations over Indexed as formulas of the text notation, so that one grammar judges every formula."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import lcm
from typing import Any

from symconv.errors import SpecError
from symconv.notation.expr import FUNCTIONS
from symconv.notation.functions import TABLE
from symconv.notation.parse import MAX_HEIGHT

__all__ = ["from_sympy", "is_sympy"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_FUNCTIONS = {"Abs": "abs", "ceiling": "ceil"} | {
    name: name for name, entry in TABLE.items() if entry.written and entry.arity == 1 and name not in {"neg", "sqrt"}
}
_RELATIONS = {
    "StrictLessThan": "<", "LessThan": "<=", "StrictGreaterThan": ">", "GreaterThan": ">=", "Equality": "==",
    "Unequality": "!=",
}  # fmt: skip


_SUM, _PRODUCT, _POWER, _ATOM = range(4)


@dataclass(slots=True)
class _Print:
    leading: Any = None
    indices: frozenset[Any] = frozenset()
    extents: dict[str, int] = field(default_factory=dict)


def is_sympy(source: object) -> bool:
    """Whether a source comes from SymPy; does not import it."""
    return type(source).__module__.split(".")[0] == "sympy"


def from_sympy(equation: Any) -> tuple[str, dict[str, int]]:
    """A SymPy equation as formula text, and the extents its Sums state as numbers.

    ``Eq(y[n, i], Sum(x[n, i + p]*w[p], (p, 0, K - 1)))`` reads as the notation writes it. A Sum's lower limit is
    shifted to 0; its length is a number, or a name that the shapes then decide. Free symbols that are no index are
    parameters. Factors and terms that read the output's first index come first. Raises SpecError that names what the
    notation cannot say.

    >>> import sympy
    >>> x, w, y = map(sympy.IndexedBase, "xwy")
    >>> n, i, p, K = sympy.symbols("n i p K", integer=True)
    >>> from_sympy(sympy.Eq(y[n, i], sympy.Sum(sympy.Abs(x[n, 2*i + p - 1] - w[p]), (p, 0, K - 1))))[0]
    'y[n,i] = sum[p](abs(x[n,2*i+p-1] - w[p]))'
    """
    import sympy

    # A plain name on the left is a loss; there is one only of what is summed.
    loss = isinstance(equation, sympy.Eq) and isinstance(equation.lhs, sympy.Symbol) and equation.rhs.has(sympy.Sum)
    if not loss and (not isinstance(equation, sympy.Eq) or not isinstance(equation.lhs, sympy.Indexed)):
        raise SpecError(
            "a SymPy operator is Eq(y[n, i], ...) with an Indexed on the left and the formula on the right; given "
            f"{_shown(equation)}"
        )
    _check_height(equation)
    bound = {limit[0] for node in equation.rhs.atoms(sympy.Sum) for limit in node.limits}
    indices = () if loss else equation.lhs.indices
    out = _Print(indices[0] if indices else None, frozenset({*indices, *bound}))
    left = _name(equation.lhs) if loss else _read(equation.lhs)
    return f"{left} = {_expr(out, equation.rhs)}", out.extents


def _check_height(equation: Any) -> None:
    # SymPy's own questions recurse over the tree, so this comes first and does not.
    stack = [(equation, 0)]
    while stack:
        node, height = stack.pop()
        if height > MAX_HEIGHT:
            raise SpecError(f"the SymPy expression nests deeper than {MAX_HEIGHT} operations")
        stack += [(argument, height + 1) for argument in node.args]


def _shown(expr: Any) -> str:
    text = f"{type(expr).__name__} {expr}"
    return text if len(text) < 200 else f"{text[:200]} ..."


def _name(symbol: Any) -> str:
    text = str(symbol)
    if not _NAME.fullmatch(text):
        raise SpecError(f"the symbol {text!r} is no plain name; rename it to letters and digits")
    return text


def _expr(out: _Print, expr: Any, level: int = _SUM) -> str:
    """The expression as text, in parentheses where it binds more loosely than ``level``."""
    binds, text = _bound(out, expr)
    return f"({text})" if binds < level else text


def _bound(out: _Print, expr: Any) -> tuple[int, str]:
    import sympy

    match expr:
        case sympy.Indexed():
            return _ATOM, _read(expr)
        case sympy.Add():
            return _SUM, _sum(out, expr)
        case sympy.Mul():
            return _product(out, expr)
        case sympy.Pow():
            return _power(out, expr)
        case sympy.Sum():
            return _ATOM, _reduction(out, expr)
        case sympy.Max() | sympy.Min():
            return _ATOM, _nested(type(expr).__name__.lower(), [_expr(out, a) for a in _ordered(out, expr.args)])
        case sympy.Piecewise():
            return _ATOM, _cases(out, expr.args)
        case sympy.Symbol():
            return _ATOM, _name(expr)
        case _ if expr.is_number:
            return _number(expr)
    return _ATOM, _function(out, expr)


def _number(expr: Any) -> tuple[int, str]:
    import sympy

    if isinstance(expr, sympy.Rational):
        whole = f"{abs(int(expr.p))}" if expr.q == 1 else f"{abs(int(expr.p))}/{int(expr.q)}"
        binds = _ATOM if expr.q == 1 else _PRODUCT
        return (binds, whole) if expr >= 0 else (_SUM, f"-{whole}")
    if expr.is_real and expr.is_finite:
        # Irrational constants stand for the nearest float64, floats for their shortest decimal.
        value = float(expr)
        return (_ATOM, repr(value)) if value >= 0 else (_SUM, f"-{-value!r}")
    raise SpecError(f"the notation has no number {_shown(expr)}; constants are finite and real")


def _function(out: _Print, expr: Any) -> str:
    name = _FUNCTIONS.get(getattr(getattr(expr, "func", None), "__name__", ""))
    if name is None or len(expr.args) != FUNCTIONS[name]:
        allowed = "Indexed, Sum, Piecewise, Max, Min, sqrt, " + ", ".join(_FUNCTIONS)
        raise SpecError(f"the notation cannot say SymPy's {_shown(expr)}; it can say + - * / **, {allowed}")
    argument = expr.args[0]
    if name == "abs" and argument.is_Add and _ordered(out, argument.as_ordered_terms())[0].could_extract_minus_sign():
        # SymPy keeps either of |a - b| and |b - a|; what comes first is written without a sign.
        argument = -argument
    return f"{name}({_expr(out, argument)})"


def _sum(out: _Print, expr: Any) -> str:
    text = ""
    for term in _ordered(out, expr.as_ordered_terms()):
        negative = term.could_extract_minus_sign()
        part = _expr(out, -term if negative else term, _PRODUCT)
        text += f"{' - ' if negative else ' + '}{part}" if text else f"-{part}" if negative else part
    return text


def _ordered(out: _Print, parts: Any) -> list[Any]:
    """What reads the output's first index first: data before weights, whatever order SymPy keeps."""
    return sorted(parts, key=lambda part: out.leading is not None and out.leading not in part.free_symbols)


def _product(out: _Print, expr: Any) -> tuple[int, str]:
    import sympy

    coefficient, rest = expr.as_coeff_Mul()
    above: list[Any] = []
    below: list[Any] = []
    for factor in _ordered(out, sympy.Mul.make_args(rest)):
        base, exponent = factor.as_base_exp()
        inverse = isinstance(factor, sympy.Pow) and exponent.is_number and exponent.is_negative
        (below if inverse else above).append(base**-exponent if inverse else factor)
    if abs(coefficient) != 1 or not above:
        above.insert(0, abs(coefficient))
    text = "*".join(_expr(out, factor, _POWER) for factor in above)
    text += "".join(f"/{_expr(out, factor, _POWER)}" for factor in below)
    return (_SUM, f"-{text}") if coefficient < 0 else (_PRODUCT, text)


def _power(out: _Print, expr: Any) -> tuple[int, str]:
    import sympy

    base, exponent = expr.args
    if base is sympy.E:
        return _ATOM, f"exp({_expr(out, exponent)})"
    if exponent == sympy.Rational(1, 2):
        return _ATOM, f"sqrt({_expr(out, base)})"
    if exponent.is_number and exponent.is_negative:
        return _PRODUCT, f"1/{_expr(out, base**-exponent, _POWER)}"
    return _POWER, f"{_expr(out, base, _ATOM)}**{_expr(out, exponent, _ATOM)}"


def _nested(function: str, parts: list[str]) -> str:
    text = parts[-1]
    for part in reversed(parts[:-1]):
        text = f"{function}({part}, {text})"
    return text


def _reduction(out: _Print, expr: Any) -> str:
    body, names = expr.function, []
    for symbol, low, high in expr.limits:
        length = high - low + 1
        if not low.is_Integer:
            raise SpecError(f"the Sum over {symbol} starts at {low}; it starts at an integer")
        name = _name(symbol)
        body = body.subs(symbol, symbol + low)
        if length.is_Integer:
            if out.extents.setdefault(name, int(length)) != length:
                raise SpecError(f"two Sums over {name} have different lengths; give their indices different names")
        elif not length.is_Symbol or length in out.indices:
            raise SpecError(
                f"the Sum over {symbol} has length {length}; it is a number, or a name as in ({symbol}, 0, K - 1), "
                "which the shapes decide"
            )
        names.append(name)
    return f"sum[{','.join(names)}]({_expr(out, body)})"


def _cases(out: _Print, branches: Any) -> str:
    import sympy

    (value, condition), rest = branches[0].args, branches[1:]
    if condition == sympy.true:
        return _expr(out, value)
    if not rest:
        raise SpecError("a Piecewise ends with a branch that always holds, (value, True)")
    return _where(out, condition, _expr(out, value), _cases(out, rest))


def _where(out: _Print, condition: Any, yes: str, no: str) -> str:
    import sympy

    match condition:
        case sympy.And():
            text = yes
            for part in condition.args:
                text = _where(out, part, text, no)
            return text
        case sympy.Or():
            text = no
            for part in condition.args:
                text = _where(out, part, yes, text)
            return text
    relation = _RELATIONS.get(type(condition).__name__)
    if relation is None:
        known = ", ".join(_RELATIONS.values())
        raise SpecError(f"the notation cannot say the condition {_shown(condition)}; it compares with {known}")
    return f"where({_expr(out, condition.lhs)} {relation} {_expr(out, condition.rhs)}, {yes}, {no})"


def _read(expr: Any) -> str:
    return f"{_name(expr.base.label)}[{','.join(_index(form) for form in expr.indices)}]"


def _index(form: Any) -> str:
    """An affine index; SymPy spreads a divisor over the terms, the notation writes it once."""
    import sympy

    form = form.expand()
    terms = [term.as_coeff_Mul() for term in form.as_ordered_terms()]
    plain = all(atom.is_Symbol or atom == 1 or isinstance(atom, sympy.floor) for _, atom in terms)
    if not plain or any(not factor.is_Rational for factor, _ in terms):
        raise SpecError(f"an index is a sum of indices times integers, or such a sum over an integer; given {form}")
    divisor = lcm(*(int(factor.q) for factor, _ in terms))
    text = ""
    for factor, atom in terms:
        number = int(factor * divisor)
        if number or form == 0:
            name = "" if atom == 1 else _floor(atom) if isinstance(atom, sympy.floor) else _name(atom)
            size = str(abs(number)) if not name else name if abs(number) == 1 else f"{abs(number)}*{name}"
            text += f"{'-' if number < 0 else '+' if text else ''}{size}"
    return text if divisor == 1 else f"({text})/{divisor}"


def _floor(expr: Any) -> str:
    """``floor((2*i + 1)/3)`` as ``((2*i+1)//3)``."""
    inside, _, divisor = _index(expr.args[0]).rpartition("/")
    return f"({inside}//{divisor})"
