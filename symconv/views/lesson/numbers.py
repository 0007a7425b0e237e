"""Small whole numbers for a worked example, and what every tensor and factor is with them, by the definition."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from symconv.errors import InternalError, SpecError
from symconv.gather.derivation import Derivation
from symconv.notation.expr import Expr, Read, Reduce, transform, walk
from symconv.notation.loss import loss
from symconv.notation.operator import Operator
from symconv.verify.analysis import exact_bits
from symconv.verify.grid import Array, Scope, points
from symconv.verify.reference import gradients
from symconv.verify.values import Problem, lift, run, value
from symconv.views.dialect import text
from symconv.views.printer import Printer, expr_text
from symconv.views.terms import Part, Term, access_of

__all__ = ["Numbers", "factor", "figures", "number", "product", "worked"]

_DRAWS = ((-3, 4), (1, 5), (1, 2), (6, 10), (20, 30))
_CURVED = ((-1, 2), *_DRAWS)
"""Ranges of whole numbers, in the order they are tried: both signs, then what logarithms and roots take. Functions that
flatten out are tried near their middle first."""
_ALONE = re.compile(r"(?<=[(\[|])\(([−\d./e+]+)\)(?=[)|\],]| [-+−<>≤≥=≠])")
"""A number whose parentheses nothing needs: alone in others, or first in a sum or a comparison."""
_LONG = 6
"""Elements of a factor that are written out with numbers."""
_NOISE = 1e-13
_FRACTIONS = 3000
"""Points of a grid that are computed in fractions: a tenth of a second; numbers of larger ones are floats."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """A worked example: the arrays of every tensor by name, as they lie, and the problem they belong to.

    ``exact`` says that every number is a fraction; ``compared`` counts the cells that were compared with the definition
    of the operator that was stated (0 where there is none to compare with).
    """

    problem: Problem
    arrays: Mapping[str, Array]
    exact: bool
    compared: int


def worked(derivation: Derivation, shapes: Mapping[str, tuple[int, ...]]) -> Numbers:
    """Numbers for these input shapes.

    Raises SpecError where none give finite results, InternalError where derivation and definition disagree.
    """
    op = derivation.operator
    for low, high in _DRAWS if exact_bits(op) is not None else _CURVED:
        drawn = _drawn(op, shapes, low, high)
        problem, exact = _run(op, drawn)
        if all(_finite(problem.tensors[s.target.name]) for s in op.statements):
            break
    else:
        raise SpecError("no small whole numbers were found where it is finite")
    arrays = {t.name: problem.tensors[t.name].reshape(t.shape(problem.sizes)) for t in _tensors(op)}
    return Numbers(problem, arrays, exact, _compared(derivation, arrays))


def _tensors(op: Operator) -> tuple[Any, ...]:
    return (*op.inputs, *(statement.target for statement in op.statements))


def _drawn(op: Operator, shapes: Mapping[str, tuple[int, ...]], low: int, high: int) -> dict[str, Array]:
    rng = np.random.default_rng(1)
    arrays: dict[str, Array] = {}
    for tensor in op.inputs:
        chosen = [k for k in range(low, high) if k] if tensor.dtype == "real" else [0]
        arrays[tensor.name] = rng.choice(np.array(chosen, dtype=np.int64), shapes[tensor.name])
    return arrays


def _run(op: Operator, drawn: Mapping[str, Array]) -> tuple[Problem, bool]:
    fractions = np.frompyfunc(Fraction, 1, 1)
    real = {t.name for t in op.inputs if t.dtype == "real"}
    floats = {k: a.astype(np.float64) if k in real else a.astype(np.int32) for k, a in drawn.items()}
    sizes = op.sizes(**{name: array.shape for name, array in drawn.items()})
    if points(op, sizes) > _FRACTIONS:
        problem = run(op, floats)
        return (problem, False) if exact_bits(op) is None else (_lifted(problem), True)
    try:
        return run(op, {k: np.asarray(fractions(a), dtype=object) if k in real else a for k, a in floats.items()}), True
    except (TypeError, AttributeError, ZeroDivisionError, OverflowError):
        # Functions such as tanh know no fractions, and fractions have no infinity.
        return run(op, floats), False


def _lifted(problem: Problem) -> Problem:
    """Floats that are exact as the fractions they are."""
    made = {k: a if np.issubdtype(a.dtype, np.integer) else lift(a, True) for k, a in problem.tensors.items()}
    return replace(problem, exact=True, tensors=made)


def _finite(array: Array) -> bool:
    return bool(np.all(np.isfinite(array.astype(np.float64))))


def _compared(derivation: Derivation, arrays: Mapping[str, Array]) -> int:
    """How many cells are what the definition of the stated operator gives for them, scattered by brute force."""
    stated, wrt, op = derivation.stated, derivation.wrt, derivation.operator
    cotangents = tuple(f"g{one.name}" for one in stated.outputs)
    if wrt not in stated.tensors or not {*cotangents, *stated.tensors} <= arrays.keys():
        return 0
    mine = arrays[op.output.name]
    real = {t.name for t in stated.inputs if t.dtype == "real"}
    given = {name: arrays[name].astype(np.float64) if name in real else arrays[name] for name in stated.tensors}
    handed = {name: arrays[name].astype(np.float64) for name in cotangents}
    if stated.several:
        wanted = gradients(loss(stated), {**handed, **given}, np.ones(()), (wrt,))[wrt]
    else:
        wanted = gradients(stated, given, handed[cotangents[0]], (wrt,))[wrt]
    if not np.allclose(mine.astype(np.float64), wanted.astype(np.float64), rtol=1e-9, atol=1e-9, equal_nan=True):
        raise InternalError(f"{stated.name}: the derived gradient by {wrt} is not that of the definition")
    return int(mine.size)


def factor(numbers: Numbers, part: Part) -> Any:
    """What a factor of a term is."""
    if part.expr is None:
        ((tensor, index),) = part.accesses
        return numbers.arrays[tensor][index]
    with np.errstate(all="ignore"):
        found = value(numbers.problem, part.expr, Scope(numbers.problem.sizes, (), ()))
    return np.asarray(found).reshape(-1)[0]


def figures(numbers: Numbers, part: Part) -> str:
    """A factor with numbers in place of what it reads; its value alone where it is no short expression of numbers."""
    value = number(factor(numbers, part))
    if part.expr is None or len(part.accesses) > _LONG or any(isinstance(node, Reduce) for node in walk(part.expr)):
        return value
    op, sizes = numbers.problem.op, numbers.problem.sizes

    def known(node: Expr) -> Expr | None:
        if not isinstance(node, Read):
            return None
        tensor, index = access_of(op, node, sizes)
        # A name of its own: what is known is written where it was read, and not worked into its surroundings.
        said = number(numbers.arrays[tensor][index])
        return Read(said if said.replace(".", "").isalnum() else f"({said})", ())

    return _ALONE.sub(r"\1", expr_text(transform(part.expr, known), Printer.plain(text())))


def product(numbers: Numbers, term: Term) -> Any:
    """What a term is."""
    total: Any = Fraction(term.coefficient) if numbers.exact else float(term.coefficient)
    for part in term.parts:
        total = total * factor(numbers, part)
    return total


def number(value: Any) -> str:
    """A number for people: whole ones and fractions as they are, others to four digits.

    >>> number(3.0), number(Fraction(-1, 2)), number(0.123456)
    ('3', '−1/2', '0.1235')
    """
    if isinstance(value, Fraction):
        said = str(value)
    elif not np.isfinite(value):
        said = str(float(value))
    else:
        # What is left of rounding is no number to look at.
        value = 0 if abs(value) < _NOISE else value
        said = str(int(value)) if value == int(value) and abs(value) < 1 / _NOISE else f"{float(value):.4g}"
    return said.replace("-", "−")
