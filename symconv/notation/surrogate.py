"""Declared derivatives: what the user says instead of the derivative, in terms of what stands beside it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from symconv.errors import SpecError, shown
from symconv.notation.body import scalar_expression
from symconv.notation.expr import FUNCTIONS, Apply, Expr, Read, Reduce, children, walk
from symconv.notation.parse import parse_expression

__all__ = ["ARGUMENT", "Surrogate", "surrogates"]

ARGUMENT = "u"
"""How a function's surrogate calls the function's argument."""


@dataclass(frozen=True, slots=True)
class Surrogate:
    """``slope`` takes the derivative's place.

    For a function of one argument it is the slope at ``u``. For a tensor it is what one read of that tensor, in the
    reduction it stands in, gets of the reduction's cotangent; signs and constant factors around the reduction are
    included (in ``-sum[c,p](abs(x - w))`` the slope by w is that of ``-abs(x - w)``). In ``slope`` a tensor is a
    ``Read`` without indices, and so is
    ``u``. ``text`` is what the user wrote.
    """

    target: str
    text: str
    slope: Expr
    function: bool


def surrogates(
    given: tuple[tuple[str, str], ...], expr: Expr, parameters: dict[str, Fraction]
) -> tuple[Surrogate, ...]:
    """What the user declares, checked against the formula; raises SpecError for what is unknown or ambiguous."""
    return tuple(_surrogate(target, text, expr, parameters) for target, text in given)


def _surrogate(target: str, text: str, expr: Expr, parameters: dict[str, Fraction]) -> Surrogate:
    if not isinstance(target, str) or not isinstance(text, str):
        raise SpecError(
            f"surrogate maps a tensor or a function to an expression, as in {{'w': 'x - w'}}; "
            f"given {shown(target)}: {text!r}"
        )
    tensors = tuple(dict.fromkeys(node.tensor for node in walk(expr) if isinstance(node, Read)))
    functions = tuple(dict.fromkeys(n.function for n in walk(expr) if isinstance(n, Apply) and _has_slope(n.function)))
    if target in tensors:
        beside = _beside(target, expr)
        names: dict[str, Expr] = {name: Read(name, ()) for name in beside}
    elif target in functions:
        names = {ARGUMENT: Read(ARGUMENT, ())}
    else:
        near = difflib.get_close_matches(target, (*tensors, *functions), 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise SpecError(
            f"surrogate names {target!r}, which is neither a tensor ({', '.join(tensors)}) nor a function of one "
            f"argument ({', '.join(functions) or 'none'}) of the formula{hint}"
        )
    try:
        slope = scalar_expression(text, parse_expression(text), names, parameters)
    except SpecError as error:
        raise error.within(f"surrogate of {target}") from None
    return Surrogate(target, " ".join(text.split()), slope, target not in tensors)


def _has_slope(function: str) -> bool:
    return FUNCTIONS[function] == 1 and function != "neg"


def _beside(target: str, expr: Expr) -> tuple[str, ...]:
    """The tensors whose only read stands in the same reduction as the only read of ``target``."""
    homes = [home for home in _homes(expr) if any(read.tensor == target for read in home)]
    if len(homes) != 1 or _count(homes[0], target) != 1:
        places = sum(_count(home, target) for home in homes)
        raise SpecError(
            f"surrogate of {target}: the formula reads {target} in {places} places, and which one is meant is "
            "not clear; "
            "declare the derivative of a function instead, as in {'abs': 'tanh(4*u)'}"
        )
    return tuple(dict.fromkeys(read.tensor for read in homes[0] if _count(homes[0], read.tensor) == 1))


def _count(home: tuple[Read, ...], tensor: str) -> int:
    return sum(read.tensor == tensor for read in home)


def _homes(expr: Expr) -> Iterator[tuple[Read, ...]]:
    """The distinct reads of the formula outside every reduction, then those directly inside each reduction's body."""
    yield tuple(dict.fromkeys(_direct(expr)))
    for node in walk(expr):
        if isinstance(node, Reduce):
            for piece in node.pieces:
                yield tuple(dict.fromkeys(_direct(piece.body)))


def _direct(expr: Expr) -> Iterator[Read]:
    if isinstance(expr, Read):
        yield expr
    elif not isinstance(expr, Reduce):
        for child in children(expr):
            yield from _direct(child)
