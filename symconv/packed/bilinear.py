"""Products with constant matrices in lanes: a matrix along each axis of a small block of vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import product

from symconv.algorithms.factored import Program, Step, factored
from symconv.algorithms.matrices import Matrix
from symconv.loops.ir import VECTOR, Binary, Const, Declare, Expr, Scalar, Splat, Stmt, Var
from symconv.packed.copying import ZERO

__all__ = ["Point", "points", "transformed"]

Point = tuple[int, ...]
_VECTOR = Scalar("real", VECTOR)


def transformed(
    matrices: tuple[Matrix, ...], load: Callable[[Point], Expr], store: Callable[[Point, Expr], Stmt]
) -> tuple[Stmt, ...]:
    """Load a block, multiply every axis by its matrix, store the result: straight-line code, lanes side by side."""
    return tuple(_statements([factored(matrix) for matrix in matrices], load, store))


def _statements(
    programs: list[Program], load: Callable[[Point], Expr], store: Callable[[Point, Expr], Stmt]
) -> Iterator[Stmt]:
    """One axis after the other; the last one stores each line as soon as it is done."""
    ins = [len(program.inputs) for program in programs]
    outs = [len(program.outputs) for program in programs]
    if len(programs) == 1:
        yield from _line(programs[0], "a", "p", {0: load}, store, ())
        return
    first, second = programs
    for column in range(ins[1]):
        values = [Declare(f"x{row}_{column}_", load((row, column)), _VECTOR) for row in range(ins[0])]
        yield from values
        names = {f"x{row}": f"x{row}_{column}_" for row in range(ins[0])}
        targets = {f"y{row}": f"t{row}_{column}_" for row in range(outs[0])}
        yield from _steps(first, names, targets, f"c{column}")
    for row in range(outs[0]):
        names = {f"x{column}": f"t{row}_{column}_" for column in range(ins[1])}
        targets = {f"y{column}": f"y{row}_{column}_" for column in range(outs[1])}
        yield from _steps(second, names, targets, f"r{row}")
        yield from (store((row, column), Var(f"y{row}_{column}_")) for column in range(outs[1]))


def _line(
    program: Program,
    into: str,
    out: str,
    loads: dict[int, Callable[[Point], Expr]],
    store: Callable[[Point, Expr], Stmt],
    at: Point,
) -> Iterator[Stmt]:
    names = {name: f"{into}{k}_" for k, name in enumerate(program.inputs)}
    targets = {name: f"{out}{k}_" for k, name in enumerate(program.outputs)}
    for k, name in enumerate(program.inputs):
        yield Declare(names[name], loads[0]((*at, k)), _VECTOR)
    yield from _steps(program, names, targets, "l")
    yield from (store((*at, k), Var(targets[name])) for k, name in enumerate(program.outputs))


def _steps(program: Program, names: dict[str, str], targets: dict[str, str], prefix: str) -> Iterator[Stmt]:
    known = dict(names)
    for step in program.steps:
        target = targets.get(step.target, f"{prefix}{step.target}_")
        yield Declare(target, _value(step, [Var(known[name]) for name in step.operands]), _VECTOR)
        known[step.target] = target


def _value(step: Step, operands: list[Var]) -> Expr:
    match step.op:
        case "add" | "sub":
            return Binary("+" if step.op == "add" else "-", operands[0], operands[1])
        case "mul":
            return Binary("*", _splat(step.coefficient), operands[0])
        case "fma":
            scaled = Binary("*", _splat(abs(step.coefficient)), operands[1])
            return Binary("+" if step.coefficient > 0 else "-", operands[0], scaled)
        case "copy":
            return operands[0]
    return Splat(ZERO)


def _splat(value: Fraction) -> Expr:
    return Splat(Const(value, real=True))


def points(sizes: tuple[int, ...]) -> Iterator[Point]:
    """Every index of a block, in row-major order."""
    yield from product(*map(range, sizes))
