"""One table: every scalar function of the notation, what its slope is, and what is taken at its kinks.

A slope is text of the notation over the arguments ``u``, ``v``, ``w`` in their order; where none is written, SymPy
knows it. A kink has choices, the first of which is the default: each says in words what it takes, and has the slopes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["ARGUMENTS", "TABLE", "Function", "Kink", "largest", "smallest"]

ARGUMENTS = ("u", "v", "w")


@dataclass(frozen=True, slots=True)
class Kink:
    """One convention: what it is called in ``kinks=``, the sentence a derivation prints, the slopes it takes."""

    choice: str
    sentence: str
    slopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """One scalar function.

    ``value`` is its number in the interpreter. ``latex`` is its command, with ``#`` where the arguments go if they are
    not in parentheses. ``finite``: finite arguments give a finite number, without overflow. ``symmetry`` is ``odd``,
    ``even`` or ``none`` for functions that claims compare by their arguments, ``other`` for those that claims know
    besides; ``at_zero`` is the value there where it is rational. ``made`` writes it by functions that claims know, in
    the notation over its arguments. ``written`` is false for what only derivations write.
    """

    name: str
    arity: int
    value: Callable[..., Any] | None = None
    slopes: tuple[str, ...] = ()
    kinks: tuple[Kink, ...] = ()
    latex: str = ""
    finite: bool = False
    symmetry: str = ""
    at_zero: str = ""
    made: str = ""
    written: bool = True

    @property
    def is_activation(self) -> bool:
        """Whether it is a function of one number that neither overflows nor is flat."""
        slopes = self.kinks[0].slopes if self.kinks else self.slopes
        return self.arity == 1 and self.finite and self.written and self.name != "neg" and slopes != ("0",)

    @property
    def is_series(self) -> bool:
        """Whether it takes many times as long as a product: a series, or a root."""
        return self.arity == 1 and self.written and self.value is not None and not (self.kinks and self.finite)


def _floored(a: Any) -> Any:
    return math.floor(a) if math.isfinite(a) else a


def largest(a: Any, b: Any) -> Any:
    """The larger of two numbers, NaN where one is NaN."""
    return a if a >= b or _is_nan(a) else b


def smallest(a: Any, b: Any) -> Any:
    """The smaller of two numbers, NaN where one is NaN."""
    return a if a <= b or _is_nan(a) else b


def _is_nan(a: Any) -> bool:
    return bool(a != a)  # noqa: PLR0124


def _sigmoid(a: Any) -> Any:
    return 1 / (1 + math.exp(-a)) if a >= 0 else math.exp(a) / (1 + math.exp(a))


_INSIDE = "where(u < v, 0, where(u > w, 0, 1))", "where(u < v, where(v > w, 0, 1), 0)", "where(max(u, v) > w, 1, 0)"
_STRICTLY = "where(u <= v, 0, where(u >= w, 0, 1))", *_INSIDE[1:]

_ENTRIES = (
    Function("add", 2, finite=True),
    Function("sub", 2, finite=True),
    Function("mul", 2, finite=True),
    Function("div", 2),
    Function("pow", 2, lambda a, b: a**b, kinks=(
        Kink("zero", "the slope of u^v at u = 0 is taken as 0 where 0 ≤ v < 1, and 0 by v",
             ("where(u == 0, where(v == 1, 1, where(v >= 0, 0, v/u)), v*u**(v - 1))", "where(u == 0, 0, u**v*log(u))")),
        Kink("infinite", "the slope of u^v at u = 0 is the limit, which may be infinite",
             ("v*u**(v - 1)", "u**v*log(u)")))),
    Function("neg", 1, lambda a: -a, finite=True),
    Function("abs", 1, abs, finite=True, symmetry="other", kinks=(
        Kink("zero", "the slope of |u| at u = 0 is taken as 0", ("sign(u)",)),)),
    Function("sign", 1, lambda a: 1 if a > 0 else -1 if a < 0 else a, symmetry="odd", at_zero="0", finite=True, kinks=(
        Kink("zero", "the slope of sign(u) is 0 everywhere, at u = 0 too", ("0",)),)),
    Function("floor", 1, _floored, latex=r"\left\lfloor # \right\rfloor", finite=True, kinks=(
        Kink("zero", "the slope of floor(u) is 0 everywhere, at whole u too", ("0",)),)),
    Function("ceil", 1, lambda a: -_floored(-a), latex=r"\left\lceil # \right\rceil", finite=True, kinks=(
        Kink("zero", "the slope of ceil(u) is 0 everywhere, at whole u too", ("0",)),)),
    Function("exp", 1, math.exp, latex=r"\exp", symmetry="none", at_zero="1"),
    Function("expm1", 1, math.expm1, ("exp(u)",), made="exp(u) - 1"),
    Function("log", 1, math.log, latex=r"\log", symmetry="other"),
    Function("log1p", 1, math.log1p, ("1/(1 + u)",), made="log(1 + u)"),
    Function("sqrt", 1, math.sqrt, latex=r"\sqrt{#}", symmetry="other", at_zero="0", kinks=(
        Kink("zero", "the slope of √u at u = 0 is taken as 0", ("where(u == 0, 0, 1/(2*sqrt(u)))",)),
        Kink("infinite", "the slope of √u at u = 0 is the limit, infinite", ("1/(2*sqrt(u))",)))),
    Function("sin", 1, math.sin, latex=r"\sin", finite=True, symmetry="odd", at_zero="0"),
    Function("cos", 1, math.cos, latex=r"\cos", finite=True, symmetry="even", at_zero="1"),
    Function("tanh", 1, math.tanh, latex=r"\tanh", finite=True, symmetry="odd", at_zero="0"),
    Function("erf", 1, math.erf, finite=True, symmetry="odd", at_zero="0"),
    Function("sigmoid", 1, _sigmoid, ("sigmoid(u)*(1 - sigmoid(u))",), finite=True, symmetry="none", at_zero="1/2"),
    Function("softplus", 1, lambda a: largest(a, 0) + math.log1p(math.exp(-abs(a))), ("sigmoid(u)",), finite=True,
             symmetry="none"),
    Function("gelu", 1, lambda a: 0.5 * a * (1 + math.erf(a / math.sqrt(2))),
             ("(1 + erf(u/sqrt(2)))/2 + u*exp(-(u*u/2))/sqrt(2*pi)",), finite=True, symmetry="none", at_zero="0"),
    Function("silu", 1, lambda a: a * _sigmoid(a), ("sigmoid(u)*(1 + u*(1 - sigmoid(u)))",), finite=True,
             made="u*sigmoid(u)"),
    Function("elu", 1, lambda a: a if a > 0 else math.expm1(a), ("where(u > 0, 1, exp(u))",), finite=True,
             made="where(u > 0, u, exp(u) - 1)"),
    Function("relu", 1, lambda a: largest(a, 0), finite=True, symmetry="other", kinks=(
        Kink("zero", "the slope of relu(u) at u = 0 is taken as 0", ("where(u <= 0, 0, 1)",)),
        Kink("one", "the slope of relu(u) at u = 0 is taken as 1", ("where(u < 0, 0, 1)",)),
        Kink("half", "the slope of relu(u) at u = 0 is taken as 1/2",
             ("where(u == 0, 1/2, where(u < 0, 0, 1))",)))),
    Function("leaky_relu", 2, lambda a, b: a * b if a <= 0 else a, finite=True, made="where(u > 0, u, u*v)", kinks=(
        Kink("left", "the slope of leaky_relu(u, v) at u = 0 is taken as v",
             ("where(u <= 0, v, 1)", "where(u <= 0, u, 0)")),
        Kink("right", "the slope of leaky_relu(u, v) at u = 0 is taken as 1",
             ("where(u < 0, v, 1)", "where(u <= 0, u, 0)")))),
    Function("hardtanh", 1, lambda a: smallest(largest(a, -1), 1), finite=True, made="clip(u, -1, 1)", kinks=(
        Kink("zero", "the slope of hardtanh(u) at u = -1 and u = 1 is taken as 0",
             ("where(u <= -1, 0, where(u >= 1, 0, 1))",)),
        Kink("one", "the slope of hardtanh(u) at u = -1 and u = 1 is taken as 1",
             ("where(u < -1, 0, where(u > 1, 0, 1))",)))),
    Function("clip", 3, lambda a, low, high: smallest(largest(a, low), high), finite=True,
             made="min(max(u, v), w)", kinks=(
        Kink("one", "the slope of clip(u, v, w) by u at u = v and u = w is taken as 1", _INSIDE),
        Kink("zero", "the slope of clip(u, v, w) by u at u = v and u = w is taken as 0", _STRICTLY))),
    Function("max", 2, largest, latex=r"\max", finite=True, kinks=(
        Kink("first", "a tie of max goes to the first, in row-major window order",
             ("where(larger(u, v), 1, 0)", "where(larger(u, v), 0, 1)")),
        Kink("share", "a tie of max is shared equally",
             ("where(same(u, v), 1/2, where(larger(u, v), 1, 0))",
              "where(same(u, v), 1/2, where(larger(u, v), 0, 1))")))),
    Function("min", 2, smallest, latex=r"\min", finite=True, kinks=(
        Kink("first", "a tie of min goes to the first, in row-major window order",
             ("where(smaller(u, v), 1, 0)", "where(smaller(u, v), 0, 1)")),
        Kink("share", "a tie of min is shared equally",
             ("where(same(u, v), 1/2, where(smaller(u, v), 1, 0))",
              "where(same(u, v), 1/2, where(smaller(u, v), 0, 1))")))),
    Function("where", 3, finite=True, kinks=(
        Kink("branch", "where(...) is differentiated through its branches, never through its condition"),)),
    *(Function(name, 2, None, ("0", "0"), finite=True, written=False) for name in ("lt", "le", "gt", "ge", "eq", "ne")),
    # As ≥, ≤ and = where nothing is NaN. A NaN is larger and smaller than every number, and the same as a NaN.
    *(Function(name, 2, None, ("0", "0"), finite=True, written=False) for name in ("larger", "smaller", "same")),
    # An infinite shift would make ∞ − ∞ of what it is taken from.
    Function("held", 1, lambda a: a if math.isfinite(a) or _is_nan(a) else 0, ("0",), latex="#", finite=True,
             written=False),
    Function("pi", 0, lambda: math.pi, latex=r"\pi", finite=True, written=False),
)  # fmt: skip

TABLE = {entry.name: entry for entry in _ENTRIES}
"""Every scalar function by name."""
