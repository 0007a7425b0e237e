"""One table: the slope of every function SymPy does not differentiate for us, and what it is at a kink.

Each entry answers ``∂f/∂argument`` as an expression over the arguments; where a choice exists, it is named in
``KINKS`` of the notation and the first choice is the default.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from symconv.errors import DerivationError
from symconv.notation.expr import Apply, Const

__all__ = ["SENTENCES", "sentence", "step"]

_ZERO, _ONE, _HALF = Const(Fraction(0)), Const(Fraction(1)), Const(Fraction(1, 2))

SENTENCES: dict[tuple[str, str], str] = {
    ("abs", "zero"): "the slope of |u| at u = 0 is taken as 0",
    ("sign", "zero"): "the slope of sign(u) is 0 everywhere, at u = 0 too",
    ("relu", "zero"): "the slope of relu(u) at u = 0 is taken as 0",
    ("relu", "one"): "the slope of relu(u) at u = 0 is taken as 1",
    ("relu", "half"): "the slope of relu(u) at u = 0 is taken as 1/2",
    ("max", "first"): "a tie of max goes to the first, in row-major window order",
    ("max", "share"): "a tie of max is shared equally",
    ("min", "first"): "a tie of min goes to the first, in row-major window order",
    ("min", "share"): "a tie of min is shared equally",
    ("where", "branch"): "where(...) is differentiated through its branches, never through its condition",
}
"""What each convention says, as derivations print it."""

_DEFAULTS = {"abs": "zero", "sign": "zero", "relu": "zero", "max": "first", "min": "first", "where": "branch"}


def sentence(function: str, choice: str | None) -> str | None:
    """The convention in force for a function, in words; None for a smooth one."""
    return SENTENCES.get((function, choice or _DEFAULTS.get(function, "")))


def _call(function: str, *arguments: Any) -> Any:
    return Apply(function, arguments)


def _where(condition: Any, yes: Any, no: Any) -> Any:
    return _call("where", condition, yes, no)


def _relu(choice: str, u: Any) -> Any:
    at_zero = {"": _ZERO, "zero": _ZERO, "one": _ONE, "half": _HALF}[choice]
    if at_zero == _HALF:
        return _where(_call("gt", u, _ZERO), _ONE, _where(_call("eq", u, _ZERO), _HALF, _ZERO))
    return _where(_call("gt" if at_zero == _ZERO else "ge", u, _ZERO), _ONE, _ZERO)


def _extreme(better: str) -> Callable[[str, int, Any, Any], Any]:
    def slope(choice: str, position: int, a: Any, b: Any) -> Any:
        mine, other = (a, b) if position == 0 else (b, a)
        if choice == "share":
            return _where(_call(better, mine, other), _ONE, _where(_call("eq", a, b), _HALF, _ZERO))
        # The first argument wins a tie, the second needs to be strictly better.
        compare = {"gt": "ge", "lt": "le"}[better] if position == 0 else better
        return _where(_call(compare, mine, other), _ONE, _ZERO)

    return slope


def _gelu(u: Any) -> Any:
    half_square = _call("div", _call("mul", u, u), Const(Fraction(2)))
    density = _call(
        "div", _call("exp", _call("neg", half_square)), _call("sqrt", _call("mul", Const(Fraction(2)), _PI))
    )
    below = _call(
        "div", _call("add", _ONE, _call("erf", _call("div", u, _call("sqrt", Const(Fraction(2)))))), Const(Fraction(2))
    )
    return _call("add", below, _call("mul", u, density))


_PI: Any = Apply("pi", ())


def step(function: str, choice: str, position: int, arguments: tuple[Any, ...]) -> Any:
    """``∂function/∂argument[position]``; raises DerivationError for a function without an entry."""
    match function, arguments:
        case "abs", (u,):
            return _call("sign", u)
        case "sign", _:
            return _ZERO
        case "relu", (u,):
            return _relu(choice, u)
        case "sigmoid", (u,):
            return _call("mul", _call("sigmoid", u), _call("sub", _ONE, _call("sigmoid", u)))
        case "softplus", (u,):
            return _call("sigmoid", u)
        case "gelu", (u,):
            return _gelu(u)
        case (("max" | "min"), (a, b)):
            return _extreme("gt" if function == "max" else "lt")(choice, position, a, b)
        case "where", (condition, _, _):
            chosen = {0: _ZERO, 1: _where(condition, _ONE, _ZERO), 2: _where(condition, _ZERO, _ONE)}
            return chosen[position]
        case (("lt" | "le" | "gt" | "ge" | "eq" | "ne"), _):
            return _ZERO
    raise DerivationError(f"no derivative of {function} is known")
