"""Parts of the direct sums that sums over transformed points stand for: elements of windows, tests of taps, loops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import prod

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import Compare, Declare, Expr, For, If, Kernel, Load, Stmt, Var
from symconv.loops.traverse import substitute, walk
from symconv.relation.points import UnclearError
from symconv.validate.wino_boxes import Boxes
from symconv.validate.wino_linear import Form, Point
from symconv.validate.wino_reading import family
from symconv.validate.wino_windows import Windows

__all__ = ["element_of", "family_of_tests", "free", "in_loops", "numbered_names", "together", "where"]


def together(matrices: Sequence[Sequence[Form]]) -> list[Form]:
    """Of each combination of points the sum of elements, the last axis fastest."""
    found: list[Form] = []
    for forms in product(*matrices):
        made: Form = {}
        for places in product(*(form.items() for form in forms)):
            made[tuple(at for at, _ in places)] = prod((times for _, times in places), start=Fraction(1))
        found.append(made)
    return found


def numbered_names(kind: str, lengths: Point) -> tuple[str, ...]:
    """A name for each axis."""
    return tuple(f"{kind}{k}_" for k in range(len(lengths)))


def element_of(boxes: Boxes, wide: Windows, kernel: Kernel, every: Sequence[str]) -> tuple[Load, tuple[Expr, ...]]:
    """The element of a window by its numbers ``every`` and the names of cells, and when it is one."""
    at = [*wide.around, wide.column]
    moved: dict[str, Expr] = {}
    if len(every) > 1:
        at[-1:] = ["row_of_windows_", wide.column]
        turn, residue = boxes.turn(-2), boxes.residue(-2)
        element = sub(mul(const(turn), Var(every[0])), mul(const(wide.step - 1), residue))
        moved = {wide.line: add(mul(const(wide.step), Var("row_of_windows_")), element)}
    *outer, last = wide.index
    place = add(last, mul(const(wide.unit), Var(every[-1])))
    place = add(place, mul(const(wide.pace), boxes.residue(-1)))
    load = Load(wide.tensor, (*outer, place))
    size = kernel.buffer(wide.tensor).sizes[-1]
    tests = (*wide.tests, Compare(">=", place, const(0)), Compare("<", place, size))
    made = [boxes.placed(substitute(one, moved), at) for one in (load, *tests)]
    return made[0], tuple(made[1:])


def family_of_tests(every: Mapping[Point, Sequence[Expr]], names: Sequence[str]) -> tuple[Expr, ...]:
    """The tests of all points, as tests in which a point's numbers are names."""
    count = {len(tests) for tests in every.values()}
    if len(count) != 1:
        raise UnclearError("taps or outputs have different tests")
    found: list[Expr] = []
    for k in range(count.pop()):
        sides: dict[Point, Compare] = {}
        for point, tests in every.items():
            one = tests[k]
            if not isinstance(one, Compare) or (sides and one.op != next(iter(sides.values())).op):
                raise UnclearError("taps or outputs have different tests")
            sides[point] = one
        left, right = (family({p: getattr(one, side) for p, one in sides.items()}, names) for side in ("left", "right"))
        found.append(Compare(next(iter(sides.values())).op, left, right))
    return tuple(found)


def in_loops(loops: Sequence[tuple[str, Expr]], body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """A block in loops from 0 on, each with its name and how many turns it has."""
    for name, count in reversed(loops):
        body = (For(name, const(0), count, body),)
    return body


def where(tests: Sequence[Expr], body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """A block where all tests hold."""
    for test in reversed(tests):
        body = (If(test, body),)
    return body


def free(kernel: Kernel) -> set[str]:
    """Names that no loop gives and that are no sizes."""
    sizes = {size.name for size in kernel.sizes}
    found: set[str] = set()

    def look(body: Sequence[Stmt], known: frozenset[str]) -> None:
        for statement in body:
            inner = statement.body if isinstance(statement, For | If) else ()
            own = replace(statement, body=()) if isinstance(statement, For | If) else statement
            found.update(n.name for n in walk(own) if isinstance(n, Var) and n.name not in known)
            known |= {statement.name} if isinstance(statement, Declare) else set()
            look(inner, known | {statement.var} if isinstance(statement, For) else known)

    for nest in kernel.nests:
        found.update(n.name for n in walk(nest.extent) if isinstance(n, Var) and n.name not in sizes)
        look(nest.body, frozenset({*sizes, nest.var}))
    return found
