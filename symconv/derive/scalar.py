"""The scalar derivative, by SymPy: reads, reductions and index values are symbols, the chain rule is SymPy's.

Functions with kinks are SymPy functions of our own whose ``fdiff`` follows the convention chosen for the operator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, reduce
from typing import Any

import sympy

from symconv.derive.conventions import step
from symconv.derive.folding import fold
from symconv.derive.selects import hoisted
from symconv.derive.surrogates import DECLARED, pairs_of
from symconv.errors import DerivationError
from symconv.notation.expr import FUNCTIONS, Apply, Const, Expr, Index, Read, Reduce
from symconv.notation.functions import ARGUMENTS
from symconv.notation.surrogate import ARGUMENT, Surrogate

__all__ = ["differentiate", "symbolic"]

_NATIVE: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda a: -a,
    "exp": sympy.exp,
    "log": sympy.log,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tanh": sympy.tanh,
    "erf": sympy.erf,
}
_BACK = {sympy.exp: "exp", sympy.log: "log", sympy.sin: "sin", sympy.cos: "cos", sympy.tanh: "tanh", sympy.erf: "erf"}


@dataclass(slots=True)
class _Rules:
    """What a translation to SymPy knows: conventions, declared slopes, and the symbols of leaves, free and fixed."""

    kinks: dict[str, str]
    slopes: dict[str, Expr]
    leaves: dict[Expr, Any] = field(default_factory=dict)
    fixed: dict[Any, Any] = field(default_factory=dict)


def differentiate(
    expr: Expr,
    wrt: Read | Reduce,
    kinks: tuple[tuple[str, str], ...] = (),
    surrogates: tuple[Surrogate, ...] = (),
) -> Expr:
    """``∂expr/∂wrt`` with every other read and reduction held fixed; declared slopes stand where they are declared.

    Raises DerivationError when SymPy leaves something that is not in the notation.
    """
    rules = _Rules(dict(kinks), {s.target: s.slope for s in surrogates if s.function})
    body = _to_sympy(expr, rules)
    symbol = rules.leaves.get(wrt)
    if symbol is None:
        return Const(Fraction(0))
    back = {symbol: leaf for leaf, symbol in rules.leaves.items()}
    free = {fixed: symbol for symbol, fixed in rules.fixed.items()}
    return fold(hoisted(_from_sympy(sympy.diff(body, symbol).xreplace(free), back)))


def symbolic(expr: Expr, leaves: dict[Expr, Any]) -> Any:
    """An expression as SymPy sees it, one real symbol per read, reduction and index; ``leaves`` is added to."""
    return _to_sympy(expr, _Rules({}, {}, leaves))


def _to_sympy(expr: Expr, rules: _Rules) -> Any:
    match expr:
        case Const(value):
            return sympy.Rational(value.numerator, value.denominator)
        case Read() | Reduce() | Index():
            # Numbered in reading order, so that SymPy's canonical products keep the order of the formula.
            return rules.leaves.setdefault(expr, sympy.Symbol(f"v{len(rules.leaves):03d}", real=True))
        case Apply(function, arguments) if function == DECLARED:
            return _declared(expr, rules)
        case Apply(function, arguments):
            inner = [_to_sympy(argument, rules) for argument in arguments]
            if function in rules.slopes:
                return _function(function, "", rules.slopes[function])(*inner)
            return _applied(function, inner, rules.kinks.get(function, ""))


def _applied(function: str, arguments: list[Any], choice: str) -> Any:
    """A function in SymPy; roots and powers only where SymPy's slope is ours at 0 too and nothing is rewritten."""
    match function, arguments:
        case "pow", [base, exponent] if exponent.is_Integer:
            return base**exponent
        case "sqrt", [base] if base.is_number:
            return sympy.sqrt(base)
        case _ if function in _NATIVE:
            return _NATIVE[function](*arguments)
    return _function(function, choice)(*arguments)


def _declared(expr: Apply, rules: _Rules) -> Any:
    """``value + Σ slope·(read − read held fixed)``: the formula's value, by a read the declared slope."""
    value = _to_sympy(expr.arguments[0], rules)
    slopes = [(_to_sympy(read, rules), _to_sympy(slope, rules)) for read, slope in pairs_of(expr)]
    for symbol, _ in slopes:
        rules.fixed.setdefault(symbol, sympy.Symbol(f"{symbol}_fixed", real=True))
    hold = {symbol: rules.fixed[symbol] for symbol, _ in slopes}
    return value.xreplace(hold) + sum(slope.xreplace(hold) * (symbol - hold[symbol]) for symbol, slope in slopes)


@cache
def _function(name: str, choice: str, declared: Expr | None = None) -> Any:
    """A SymPy function that differentiates by our table, or as declared, and is otherwise opaque."""

    def fdiff(self: Any, argindex: int = 1) -> Any:
        values = dict(zip(ARGUMENTS, self.args, strict=False))
        if declared is not None:
            return _at(declared, {ARGUMENT: self.args[0]}, name, choice)
        own = tuple(Read(argument, ()) for argument in values)
        return _at(step(name, choice, argindex - 1, own), values, name, choice)

    def branches(self: Any, symbol: Any) -> Any:
        condition, yes, no = self.args
        slopes = sympy.diff(yes, symbol), sympy.diff(no, symbol)
        return sympy.Integer(0) if slopes == (0, 0) else self.func(condition, *slopes)

    body: dict[str, Any] = {"fdiff": fdiff, "notation": name, "is_real": True}
    if name == "where" and declared is None:
        body["_eval_derivative"] = branches
    return type(f"k_{name}_{choice}", (sympy.Function,), body)


def _at(slope: Expr, values: dict[str, Any], name: str, choice: str) -> Any:
    """A slope at SymPy's arguments; the function itself stays under the convention chosen for it."""
    match slope:
        case Read(argument, ()):
            return values[argument]
        case Const(value):
            return sympy.Rational(value.numerator, value.denominator)
        case Apply("pi", ()):
            return sympy.pi
        case Apply(function, arguments):
            inner = [_at(argument, values, name, choice) for argument in arguments]
            return _applied(function, inner, choice if function == name else "")
    raise DerivationError(f"no derivative of {name} is known")


def _from_sympy(expr: Any, back: dict[Any, Expr]) -> Expr:
    if expr in back:
        return back[expr]
    if expr.is_Rational:
        return Const(Fraction(int(expr.p), int(expr.q)))
    if expr is sympy.pi:
        return Apply("pi", ())
    if expr.is_Add:
        return _sum([_from_sympy(term, back) for term in expr.as_ordered_terms()])
    if expr.is_Mul:
        return _product(expr, back)
    if expr.is_Pow or isinstance(expr, sympy.exp):
        return _power(expr, back)
    name = getattr(expr.func, "notation", None) or _BACK.get(expr.func)
    if name in FUNCTIONS:
        return Apply(name, tuple(_from_sympy(argument, back) for argument in expr.args))
    raise DerivationError(f"SymPy answers {expr}, which the notation cannot say; no derivative is known here")


def _sum(terms: list[Expr]) -> Expr:
    def join(left: Expr, right: Expr) -> Expr:
        match right:
            case Apply("neg", (inner,)):
                return Apply("sub", (left, inner))
            case Const(value) if value < 0:
                return Apply("sub", (left, Const(-value)))
        return Apply("add", (left, right))

    return reduce(join, terms)


def _product(expr: Any, back: dict[Any, Expr]) -> Expr:
    coefficient, rest = expr.as_coeff_Mul()
    number = Fraction(int(coefficient.p), int(coefficient.q)) if coefficient.is_Rational else Fraction(1)
    above = [f for f in sympy.Mul.make_args(rest) if not (f.is_Pow and f.exp.is_number and f.exp.is_negative)]
    below = [1 / f for f in sympy.Mul.make_args(rest) if f.is_Pow and f.exp.is_number and f.exp.is_negative]
    factors = [_from_sympy(factor, back) for factor in sorted(above, key=lambda f: f.sort_key())]
    if abs(number) != 1 or not factors:
        factors.insert(0, Const(abs(number)))
    result = reduce(lambda a, b: Apply("mul", (a, b)), factors)
    if below:
        divisor = reduce(lambda a, b: Apply("mul", (a, b)), [_from_sympy(f, back) for f in below])
        result = Apply("div", (result, divisor))
    return Apply("neg", (result,)) if number < 0 else result


def _power(expr: Any, back: dict[Any, Expr]) -> Expr:
    if isinstance(expr, sympy.exp):
        return Apply("exp", (_from_sympy(expr.args[0], back),))
    base, exponent = expr.as_base_exp()
    if exponent == sympy.Rational(1, 2):
        return Apply("sqrt", (_from_sympy(base, back),))
    if exponent.is_number and exponent.is_negative:
        return Apply("div", (Const(Fraction(1)), _from_sympy(1 / expr, back)))
    return Apply("pow", (_from_sympy(base, back), _from_sympy(exponent, back)))
