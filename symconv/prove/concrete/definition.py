"""An operator or its gradient at concrete numbers, cell by cell: fractions where it can be, else enclosures.

Only for counterexamples of a few cells; ``verify.reference`` is the definition for arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from symconv.derive.adjoint import adjoint
from symconv.derive.borders import resolve_borders
from symconv.errors import SymconvError
from symconv.limits import DEFINITION_STEPS
from symconv.notation.expr import Apply, Const, Expr, Index, Range, Read, Reduce
from symconv.notation.operator import Operator, Statement
from symconv.prove.concrete.enclosure import NoValueError, Number, applied

__all__ = ["computed"]

Array = np.ndarray[Any, Any]


@dataclass(slots=True)
class _Run:
    sizes: Mapping[str, int]
    tensors: dict[str, Array] = field(default_factory=dict)
    left: int = DEFINITION_STEPS

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise NoValueError("too many cells to compute one by one")


def computed(op: Operator, side: str, arrays: Mapping[str, Array]) -> Array:
    """The output, or the gradient that is derived for ``side``, of arrays of fractions.

    Raises NoValueError where a function has no value there or none that is known well enough.
    """
    try:
        resolved = resolve_borders(op)
        whole = resolved if side == op.output.name else adjoint(resolved, side[1:])
    except SymconvError as error:
        raise NoValueError(str(error)) from None
    sizes = op.sizes(**{t.name: arrays[t.name].shape for t in op.inputs})
    run = _Run(sizes)
    for one in whole.inputs:
        run.tensors[one.name] = arrays[one.name].reshape([size.evaluate(sizes) for size in one.sizes])
    for statement in whole.statements:
        run.tensors[statement.target.name] = _statement(run, statement)
    return run.tensors[whole.output.name].reshape(whole.output.shape(sizes))


def _statement(run: _Run, statement: Statement) -> Array:
    shape = [size.evaluate(dict(run.sizes)) for size in statement.target.sizes]
    found = np.empty(shape, dtype=object)
    for cell in np.ndindex(*shape):
        found[cell] = _scalar(run, statement.expr, dict(zip(statement.indices, cell, strict=True)))
    return found


def _scalar(run: _Run, expr: Expr, at: dict[str, int]) -> Number:
    run.step()
    match expr:
        case Const(value):
            return Fraction(value)
        case Index(form):
            return Fraction(form.evaluate({**run.sizes, **at}))
        case Read(tensor, index, border):
            return _element(run, tensor, tuple(form.evaluate({**run.sizes, **at}) for form in index), border)
        case Apply("where", (condition, a, b)):
            # The branch that is not taken may have no value.
            return _scalar(run, b if _scalar(run, condition, at) == 0 else a, at)
        case Apply("mul", (a, b)):
            first = _scalar(run, a, at)
            return first if _is_zero(first) else first * _scalar(run, b, at)
        case Apply(function, arguments):
            return applied(function, *(_scalar(run, argument, at) for argument in arguments))
        case Reduce():
            return _reduced(run, expr, at)


def _is_zero(value: Number) -> bool:
    return isinstance(value, int | Fraction) and value == 0


def _element(run: _Run, tensor: str, index: tuple[int, ...], border: object) -> Number:
    array = run.tensors[tensor]
    if any(not 0 <= k < length for k, length in zip(index, array.shape, strict=True)):
        raise NoValueError(f"{tensor} is read outside, by border {border}")
    value = array[index]
    return value if not isinstance(value, np.generic) else Fraction(int(value))


def _reduced(run: _Run, reduce: Reduce, at: dict[str, int]) -> Number:
    taps = list(_taps(run, reduce, at))
    values = [value for _, value in taps]
    match reduce.kind:
        case "sum":
            return sum(values, start=Fraction(0))
        case "mean" if values:
            return sum(values, start=Fraction(0)) * Fraction(1, len(values))
        case "max" | "min" if values:
            best = values[0]
            for value in values[1:]:
                best = applied(reduce.kind, best, value)
            return best
        case "argmax" | "argmin" if values:
            position, best = taps[0]
            for place, value in taps[1:]:
                if (best < value) if reduce.kind == "argmax" else (value < best):
                    position, best = place, value
            return Fraction(position)
    raise NoValueError(f"a {reduce.kind} of no taps")


def _taps(run: _Run, reduce: Reduce, at: dict[str, int]) -> Iterator[tuple[int, Number]]:
    """The row-major position and the value of every tap that is taken."""
    for position, taps in enumerate(product(*(range(_extent(run, one)) for one in reduce.indices))):
        here = at | {one.name: tap for one, tap in zip(reduce.indices, taps, strict=True)}
        sizes = {**run.sizes, **here}
        for piece in reduce.pieces:
            run.step()
            values = [(c.form.evaluate(sizes), c.equality) for c in piece.where]
            if all(value == 0 if equality else value >= 0 for value, equality in values):
                yield position, _scalar(run, piece.body, here)


def _extent(run: _Run, one: Range) -> int:
    return max(0, one.extent.evaluate(dict(run.sizes)))
