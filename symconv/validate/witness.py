"""A kernel run on small numbers against the definition: what is called wrong has been seen to be wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite, isnan, prod
from typing import Any

import numpy as np

from symconv.errors import InternalError, SpecError
from symconv.limits import RUN_HIGHER, RUN_LINES, RUN_SHAPES, RUN_STATEMENTS
from symconv.loops import traverse
from symconv.loops.interpret import OverrunError, interpret
from symconv.loops.interpret import evaluate as evaluated
from symconv.loops.ir import LANES, Binary, Compare, Const, Expr, FloorDiv, Kernel, Var
from symconv.loops.lanewise import WIDTH
from symconv.notation.expr import Apply, walk
from symconv.notation.operator import Operator
from symconv.validate.polynomial import polynomial
from symconv.verify.geometry import fitting, geometries, rows, taller
from symconv.verify.grid import Array
from symconv.verify.reference import evaluate
from symconv.verify.scalars import COMPARISONS

__all__ = ["Seen", "witness"]

_ALL = 100
"""Of a plan: more than any drawn size, so that one box holds everything."""
_LARGE = 1_000_000
"""Two different polynomials of degree d agree at a point drawn from s numbers per variable with chance d/s at most."""
_RATIONAL = {"add", "sub", "mul", "div", "neg", "abs", "sign", "relu", "max", "min", "where"} | COMPARISONS
_RING = {"add", "sub", "mul", "neg"}
_CLOSE = 1e-6

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Seen:
    """What runs have shown: a ``fault`` with the arrays that show it, or else how many ``runs`` were equal."""

    fault: str = ""
    runs: int = 0


def witness(op: Operator, kernel: Kernel, requires: Sequence[Expr] = ()) -> Seen:
    """Run ``kernel`` on drawn arrays beside the definition ``op``; ``requires`` must hold of the sizes.

    A run also shows a fault where the kernel leaves an array, reads what is not stored, or lets two threads meet in a
    cell. Kernels with numbers of a plan run with several: small ones have many boxes, and boxes that are not full.
    Images are higher than the rows that a kernel sums at once, so that these and those left over both run. Vectors are
    longer where no size fits short ones, as in kernels of rows that are one vector.
    """
    runs = 0
    width, usable = _usable(op, kernel, requires)
    for seed, shapes in enumerate(usable):
        arrays = _drawn(op, shapes, seed)
        given = {b.name: (shapes[b.name], arrays[b.name].ravel().tolist()) for b in kernel.buffers if b.role == "in"}
        try:
            want = evaluate(op, arrays)
        except (ArithmeticError, ValueError, KeyError, SpecError):
            continue
        # The last shapes are the largest, with whole tiles in one box.
        for numbers in _numbers(kernel, seed, seed % 2 == 1 or seed + RUN_HIGHER >= len(usable)):
            where = ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in shapes.items())
            where = ", ".join((where, *(f"{name} = {number}" for name, number in numbers.items())))
            try:
                got = interpret(kernel, given, RUN_STATEMENTS, numbers, width)
            except InternalError as error:
                return Seen(f"{error} ({where})")
            except (OverrunError, ArithmeticError, ValueError, KeyError, SpecError):
                continue
            if difference := _difference(op.output.name, got, want):
                return Seen(f"{difference} ({where})")
            runs += 1
    return Seen("", runs)


def _numbers(kernel: Kernel, seed: int, whole: bool) -> Iterator[dict[str, int]]:
    """Numbers of a plan: small ones, and, where ``whole``, also one box over everything."""
    yield {name: 1 + (seed + k) % 3 for k, name in enumerate(kernel.parameters)}
    if kernel.parameters and whole:
        yield dict.fromkeys(kernel.parameters, _ALL)


def _usable(op: Operator, kernel: Kernel, requires: Sequence[Expr]) -> tuple[int, tuple[Shapes, ...]]:
    """The lanes that some shapes fit, and these shapes."""
    for width in (WIDTH, 2 * WIDTH, 4 * WIDTH):
        if found := tuple(_shapes(op, kernel, requires, width)):
            return width, found
    return WIDTH, ()


def _shapes(op: Operator, kernel: Kernel, requires: Sequence[Expr], width: int) -> Iterator[Shapes]:
    sizes = {size.name: int(size.value.value) for size in kernel.sizes if isinstance(size.value, Const)}
    if sizes:
        yield {tensor.name: tensor.shape(sizes) for tensor in op.inputs}
        return
    try:
        # Few cells hold no block of lanes that borders leave alone.
        found = (*geometries(op, RUN_SHAPES, 0), *rows(op)) if not requires else ()
    except SpecError:
        return
    if kernel.parameters:
        found = (*found, *fitting(op, _fixed(requires), RUN_SHAPES))
        # A plan takes such a kernel only where nothing is empty.
        found = tuple(shapes for shapes in found if all(map(prod, shapes.values())))
    usable = [
        shapes for shapes in found if all(evaluated(test, {**op.sizes(**shapes), LANES: width}) for test in requires)
    ]
    usable.sort(key=_elements)
    yield from usable
    yield from _higher(op, kernel, usable)


def _elements(shapes: Shapes) -> int:
    return sum(map(prod, shapes.values()))


def _higher(op: Operator, kernel: Kernel, usable: Sequence[Shapes]) -> Iterator[Shapes]:
    """The widest shapes, with rows for a whole turn of the loops over several rows, and some that are left over."""
    nodes = [node for nest in kernel.nests for node in traverse.walk(nest)]
    at_once = {int(n.divisor) for n in nodes if isinstance(n, FloorDiv)}
    quotients = [n.right for n in nodes if isinstance(n, Binary) and n.op == "//"]
    at_once |= {int(below.value) for below in quotients if isinstance(below, Const)}
    lines = max((k for k in at_once if k <= RUN_LINES), default=1)
    if lines > 1:
        widest = sorted(usable, key=lambda shapes: (-_width(op, shapes), _elements(shapes)))
        made = (taller(op, dict(shapes), lines) for shapes in widest[:RUN_HIGHER])
        yield from (shapes for shapes in made if shapes is not None)


def _width(op: Operator, shapes: Shapes) -> int:
    return op.sizes(**shapes)[op.windows[-1].size] if op.windows else 0


def _fixed(requires: Sequence[Expr]) -> dict[str, int]:
    """The sizes that comparisons fix."""
    found = {}
    for test in requires:
        match test:
            case Compare("==", left, right):
                form = polynomial(Binary("-", left, right))
                names = [atoms[0] for atoms in form if atoms]
                if len(names) == 1 and isinstance(names[0], Var):
                    found[names[0].name] = int(-form.get((), Fraction(0)) / form[(names[0],)])
    return found


def _drawn(op: Operator, shapes: Shapes, seed: int) -> dict[str, Array]:
    rng = random.Random(seed)
    applied = [node for one in op.statements for node in walk(one.expr) if isinstance(node, Apply)]
    exact = all(node.function in _RATIONAL or _squared(node) for node in applied)
    ring = all(node.function in _RING for node in applied)
    arrays: dict[str, Array] = {}
    for tensor in op.inputs:
        shape = shapes[tensor.name]
        # Small numbers meet each other often, as maxima and signs want it; large ones tell apart what is added.
        most = _LARGE if seed % 2 and ring else 9
        values = [rng.randrange(-most, most + 1) for _ in range(prod(shape))]
        if tensor.dtype == "index":
            arrays[tensor.name] = np.zeros(shape, dtype=np.int32)
        elif exact:
            arrays[tensor.name] = np.array(list(map(Fraction, values)), dtype=object).reshape(shape)
        else:
            arrays[tensor.name] = np.array(values).reshape(shape) / 8
    return arrays


def _squared(node: Apply) -> bool:
    power = node.arguments[-1]
    return node.function == "pow" and getattr(power, "value", Fraction(1, 2)).denominator == 1


def _difference(name: str, got: list[Any], want: Array) -> str:
    wanted = want.ravel().tolist()
    scale = 1 + max((abs(value) for value in wanted if isfinite(value)), default=0)
    for at, (one, other) in enumerate(zip(got, wanted, strict=True)):
        cell = f"{name}[{', '.join(map(str, np.unravel_index(at, want.shape)))}]"
        if one is None:
            return f"{cell} is never stored"
        if isinstance(other, float) and isfinite(other):
            same = abs(one - other) <= _CLOSE * scale
        else:
            same = one == other or (isinstance(other, float) and isnan(other))
        if not same:
            return f"{cell} is {one}, not {other}"
    return ""
