"""A plain-Python interpreter of the loop IR: an oracle between the mathematics and the code, exact over int and
Fraction."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from symconv.errors import InternalError
from symconv.loops.ir import LANES, Expr, Kernel, Nest
from symconv.loops.lanewise import WIDTH
from symconv.loops.memory import Meter, OverrunError, Room
from symconv.loops.run import Run, Scope

__all__ = ["WIDTH", "OverrunError", "evaluate", "interpret"]


def interpret(
    kernel: Kernel,
    arrays: Mapping[str, tuple[tuple[int, ...], list[Any]]],
    budget: int | None = None,
    parameters: Mapping[str, int] | None = None,
    width: int = WIDTH,
) -> list[Any]:
    """Run a kernel on ``name -> (shape, row-major values)`` and return the output's values, row-major.

    Values may be int, Fraction or float; None is a cell of the output that is never stored. ``parameters`` are the
    numbers of a plan, ``width`` the lanes of a vector. Raises InternalError when an index leaves its buffer, the arrays
    do not pass the kernel's checks, a result depends on memory where nothing was stored, or two iterations of a
    parallel loop touch one cell that one of them writes: the compiled kernel would compute anything there. What a
    private buffer holds does not outlive an iteration of its nest's first loop. Raises OverrunError after ``budget``
    statements.
    """
    numbers = dict(parameters or {})
    if set(numbers) != set(kernel.parameters):
        raise InternalError(f"{kernel.name} takes the parameters {kernel.parameters}; given {numbers}")
    if any(value < 1 for value in numbers.values()):
        raise InternalError(f"parameters are whole numbers from 1 on; {kernel.name} is given {numbers}")
    scope: Scope = {LANES: width, **numbers} | {
        f"{name}_dim{axis}": length for name, (shape, _) in arrays.items() for axis, length in enumerate(shape)
    }
    for size in kernel.sizes:
        scope[size.name] = evaluate(size.value, scope)
    for check in kernel.checks:
        if not evaluate(check, scope):
            raise InternalError(f"{kernel.name}: the arrays do not pass {check}")
    for size in kernel.layout:
        scope[size.name] = evaluate(size.value, scope)
    run = Run(Meter(budget), width=width)
    for buffer in kernel.buffers:
        shape = tuple(evaluate(size, scope) for size in buffer.sizes)
        values = arrays[buffer.name][1] if buffer.role == "in" else [None] * prod(shape)
        slack = evaluate(buffer.slack, scope)
        run.rooms[buffer.name] = Room(kernel.name, buffer, shape, slack, run.meter, values)
    for nest in kernel.nests:
        _nest(nest, dict(scope), run)
    return next(run.rooms[b.name].values for b in reversed(kernel.buffers) if b.role == "out")


def evaluate(expr: Expr, scope: Mapping[str, int]) -> Any:
    """The value of an expression that reads no buffer."""
    return Run(Meter()).value(expr)(dict(scope))


def _nest(nest: Nest, scope: Scope, run: Run) -> None:
    body = run.block(nest.body)
    for room in run.rooms.values():
        room.begin()
    for value in range(evaluate(nest.extent, scope)):
        for room in run.rooms.values():
            if room.buffer.role == "private":
                room.values = room.fresh()
        scope[nest.var] = value
        run.meter.turn = value + 1 if nest.parallel else 0
        body(scope)
    run.meter.turn = 0
