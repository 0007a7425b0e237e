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


Load = Callable[[Point], Expr]
Store = Callable[[Point, Expr], Stmt | tuple[Stmt, ...]]


def transformed(matrices: tuple[Matrix, ...], load: Load, store: Store) -> tuple[Stmt, ...]:
    """Load a block, multiply every axis by its matrix, store the result: straight-line code, lanes side by side.

    Where ``store`` answers no statement, it keeps the value for a later one.
    """
    programs = [factored(matrix) for matrix in matrices]
    made = _line(programs[0], load, store) if len(programs) == 1 else _block(programs[0], programs[1], load, store)
    return tuple(one for each in made for one in (each if isinstance(each, tuple) else (each,)))


def _line(program: Program, load: Load, store: Store) -> Iterator[Stmt | tuple[Stmt, ...]]:
    names = {name: f"a{k}_" for k, name in enumerate(program.inputs)}
    targets = {name: f"p{k}_" for k, name in enumerate(program.outputs)}
    yield from (Declare(name, load((k,)), _VECTOR) for k, name in enumerate(names.values()))
    yield from _steps(program, names, targets, "l")
    yield from (store((k,), Var(name)) for k, name in enumerate(targets.values()))


def _block(first: Program, second: Program, load: Load, store: Store) -> Iterator[Stmt | tuple[Stmt, ...]]:
    """Columns first; each row is stored as soon as it is done."""
    rows, columns = len(first.inputs), len(second.inputs)
    for column in range(columns):
        yield from (Declare(f"x{row}_{column}_", load((row, column)), _VECTOR) for row in range(rows))
        names = {f"x{row}": f"x{row}_{column}_" for row in range(rows)}
        targets = {f"y{row}": f"t{row}_{column}_" for row in range(len(first.outputs))}
        yield from _steps(first, names, targets, f"c{column}")
    for row in range(len(first.outputs)):
        names = {f"x{column}": f"t{row}_{column}_" for column in range(columns)}
        targets = {f"y{column}": f"y{row}_{column}_" for column in range(len(second.outputs))}
        yield from _steps(second, names, targets, f"r{row}")
        yield from (store((row, column), Var(f"y{row}_{column}_")) for column in range(len(second.outputs)))


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
