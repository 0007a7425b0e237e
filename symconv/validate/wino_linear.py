"""Blocks of lanes that multiply by constant matrices, as linear forms; and when three of them make a correlation.

With ``y = Aᵀ s``, ``s_l = (N g)_l·(B d)_l`` an output is ``y_i = Σ_a Σ_b (Σ_l A_li·N_la·B_lb) g_a·d_b``. If the number
in front of ``g_a·d_b`` is one constant where ``b = i + a`` and 0 elsewhere, it is that constant times a direct sum,
whatever the matrices were made from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

from symconv.loops.ir import Binary, Const, Declare, Expr, Splat, Stmt, Var
from symconv.relation.points import UnclearError

__all__ = ["Form", "Point", "correlation", "linear", "named"]

Point = tuple[int, ...]
"""The number of a tap, of an element of a window, or of an output, along each axis."""
Form = dict[Any, Fraction]
"""The factor of each element that is added up."""


def linear(body: Iterable[Stmt], element: Callable[[Expr], Any]) -> dict[str, Form]:
    """What numbers in lanes are as sums of elements; ``element`` tells which one is loaded, None for no load.

    Raises UnclearError where a number is another one than a sum of elements times constants, or is named again.
    """
    known: dict[str, Form] = {}
    for statement in body:
        match statement:
            case Declare(name, value) if name not in known:
                known[name] = _form(value, known, element)
            case _:
                raise UnclearError("a transform does more than to add up elements times constants")
    return known


def named(forms: Mapping[str, Form], name: str) -> Form:
    """The form of a name; raises UnclearError where it is of no number in lanes."""
    if name not in forms:
        raise UnclearError(f"{name} is no sum of elements")
    return forms[name]


def _form(value: Expr, known: Mapping[str, Form], element: Callable[[Expr], Any]) -> Form:
    match value:
        case Var(name) if name in known:
            return known[name]
        case Binary("+", a, b):
            return _sum(_form(a, known, element), _form(b, known, element), Fraction(1))
        case Binary("-", a, b):
            return _sum(_form(a, known, element), _form(b, known, element), Fraction(-1))
        case Binary("*", Splat(Const(factor)), other) | Binary("*", other, Splat(Const(factor))):
            return {at: factor * times for at, times in _form(other, known, element).items() if factor}
        case Splat(Const(zero)) if not zero:
            return {}
    found = element(value)
    if found is None:
        raise UnclearError("a transform does more than to add up elements times constants")
    return {found: Fraction(1)}


def _sum(a: Form, b: Form, sign: Fraction) -> Form:
    found = dict(a)
    for at, factor in b.items():
        found[at] = found.get(at, Fraction(0)) + sign * factor
    return {at: factor for at, factor in found.items() if factor}


def correlation(
    outputs: Mapping[Point, Form], factors: Sequence[Form], windows: Sequence[Form], taps: Sequence[int]
) -> Fraction:
    """The constant that every product ``g_a·d_(i + a)`` of an output i counts; raises UnclearError if there is none.

    ``outputs`` are sums of products by their numbers, ``factors`` and ``windows`` for each product its sum of taps and
    of elements; ``taps`` are along each axis.

    >>> one = Fraction(1)
    >>> correlation({(0,): {0: one}}, [{(0,): 3 * one}], [{(0,): one}], [1])
    Fraction(3, 1)
    >>> correlation({(0,): {0: one}}, [{(0,): 3 * one}], [{(1,): one}], [1])
    Traceback (most recent call last):
        ...
    symconv.relation.points.UnclearError: the transforms are no correlation
    """
    points = set(range(len(factors)))
    if len(factors) != len(windows) or not all(output.keys() <= points for output in outputs.values()):
        raise UnclearError("outputs are sums of points that there are not")
    counted = set()
    for at, output in outputs.items():
        for tap in product(*map(range, taps)):
            found: Form = {}
            for number, times in output.items():
                if part := times * factors[number].get(tap, Fraction(0)):
                    for element, factor in windows[number].items():
                        found[element] = found.get(element, Fraction(0)) + part * factor
            wanted = tuple(i + a for i, a in zip(at, tap, strict=True))
            counted.add(found.pop(wanted, Fraction(0)))
            if any(found.values()) or len(counted) != 1:
                raise UnclearError("the transforms are no correlation")
    every = {tap for factor in factors for tap in factor}
    if not counted or not every <= set(product(*map(range, taps))):
        raise UnclearError("the transforms are no correlation")
    return counted.pop()
