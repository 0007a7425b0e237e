"""A constant matrix times a vector, with few operations and exact coefficients.

Evaluation at a point and at its negative shares its even and its odd part: where two rows are ``u + v`` and ``u − v``
with ``u`` and ``v`` over different columns, both parts are computed once. A transposed matrix has the same structure in
its columns: ``x₁ + x₂`` and ``x₁ − x₂`` are formed first. What is found is checked: ``evaluate`` on unit vectors must
give the matrix back, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product

from symconv.algorithms.matrices import Matrix, Row, identity, transpose
from symconv.errors import InternalError

__all__ = ["Program", "Step", "evaluate", "factored"]

_ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Step:
    """``target = op(operands)``, with ``c`` the coefficient.

    ``op`` is "zero", "copy" x, "add" x + y, "sub" x − y, "mul" c·x or "fma" x + c·y.
    """

    target: str
    op: str
    operands: tuple[str, ...]
    coefficient: Fraction = Fraction(1)

    def __str__(self) -> str:
        c = self.coefficient
        match (self.op, self.operands):
            case ("add", (x, y)):
                return f"{self.target} = {x} + {y}"
            case ("sub", (x, y)):
                return f"{self.target} = {x} - {y}"
            case ("mul", (x,)):
                return f"{self.target} = {c} * {x}"
            case ("fma", (x, y)):
                return f"{self.target} = {x} {'-' if c < 0 else '+'} {abs(c)} * {y}"
            case ("copy", (x,)):
                return f"{self.target} = {x}"
        return f"{self.target} = 0"


@dataclass(frozen=True, slots=True)
class Program:
    """Steps from ``inputs`` x0, x1 ... to ``outputs`` y0, y1 ...; every name is assigned once, before it is used."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def operations(self) -> int:
        """Additions, multiplications and fused pairs of them; copies are free."""
        return sum(step.op not in {"copy", "zero"} for step in self.steps)

    def __str__(self) -> str:
        return "\n".join(map(str, self.steps))


@dataclass(slots=True)
class _Writer:
    steps: list[Step] = field(default_factory=list)
    made: int = 0

    def new(self) -> str:
        self.made += 1
        return f"t{self.made - 1}"

    def put(self, target: str, op: str, *operands: str, c: Fraction = Fraction(1)) -> str:
        self.steps.append(Step(target, op, operands, c))
        return target

    def plus(self, target: str, x: str, c: Fraction, y: str) -> str:
        """``target = x + c·y``."""
        if abs(c) == 1:
            return self.put(target, "add" if c > 0 else "sub", x, y)
        return self.put(target, "fma", x, y, c=c)


def factored(rows: Matrix) -> Program:
    """Steps that multiply by a matrix, the fewest operations of the ways that are tried.

    >>> from symconv.algorithms.cooktoom import cook_toom
    >>> t = cook_toom(4, 3, [0, "1/2", "-1/2", "3/2", "-3/2"])
    >>> [factored(one).operations for one in (t.BT, t.AT, t.A, t.G)]
    [12, 12, 8, 9]
    >>> print(factored(cook_toom(2, 3, [0, 1, -1]).BT))
    y0 = x0 - x2
    y1 = x1 + x2
    y2 = x2 - x1
    y3 = x3 - x1
    """
    inputs = tuple(f"x{k}" for k in range(len(rows[0])))
    outputs = tuple(f"y{k}" for k in range(len(rows)))
    tried = []
    for columns, halves in product((False, True), ("", "uv", "vu")):
        writer = _Writer()
        _columns(writer, rows, inputs, outputs, columns, halves)
        tried.append(Program(inputs, outputs, tuple(writer.steps)))
    best = min(tried, key=lambda program: (program.operations, len(program.steps)))
    columns_of = [evaluate(best, dict(zip(inputs, unit, strict=True))) for unit in identity(len(inputs))]
    if transpose(columns_of) != rows:
        raise InternalError(f"the steps\n{best}\nare not the product with {rows}")
    return best


def evaluate(program: Program, values: Mapping[str, Fraction]) -> Row:
    """The outputs for these inputs, exactly."""
    known = dict(values)
    for step in program.steps:
        operands = [known[name] for name in step.operands]
        match step.op:
            case "add":
                known[step.target] = operands[0] + operands[1]
            case "sub":
                known[step.target] = operands[0] - operands[1]
            case "mul":
                known[step.target] = step.coefficient * operands[0]
            case "fma":
                known[step.target] = operands[0] + step.coefficient * operands[1]
            case "copy":
                known[step.target] = operands[0]
            case _:
                known[step.target] = _ZERO
    return tuple(known[name] for name in program.outputs)


def _columns(
    writer: _Writer, rows: Matrix, names: Sequence[str], outputs: Sequence[str], columns: bool, halves: str
) -> None:
    """Replace pairs of columns with equal magnitudes by the sum and the difference of their inputs."""
    pairs = list(_paired(rows)) if columns else []
    taken = {k for pair in pairs for k in pair}
    found = [(names[k], column) for k, column in enumerate(transpose(rows)) if k not in taken]
    for i, j in pairs:
        for sign, op in ((1, "add"), (-1, "sub")):
            kept = tuple(row[i] if row[i] == sign * row[j] else _ZERO for row in rows)
            if any(kept):
                found.append((writer.put(writer.new(), op, names[i], names[j]), kept))
    split = transpose([column for _, column in found])
    _rows(writer, split, [name for name, _ in found], outputs, halves)


def _paired(rows: Matrix) -> Iterator[tuple[int, int]]:
    left = list(range(len(rows[0])))
    while left:
        i = left.pop(0)
        for j in left:
            both = sum(row[i] != 0 for row in rows)
            if both > 1 and all(abs(row[i]) == abs(row[j]) for row in rows):
                left.remove(j)
                yield i, j
                break


def _rows(writer: _Writer, rows: Matrix, names: Sequence[str], outputs: Sequence[str], halves: str) -> None:
    """Compute pairs of rows ``u + v`` and ``u − v`` from both parts; ``halves`` says which of them keeps its factor."""
    made: dict[Row, str] = {}
    left = list(range(len(rows)))
    while left:
        i = left.pop(0)
        j = next((j for j in left if halves and _splits(rows[i], rows[j])), None)
        if j is None:
            _sum(writer, rows[i], names, outputs[i])
            continue
        left.remove(j)
        u, v = (tuple((a + s * b) / 2 for a, b in zip(rows[i], rows[j], strict=True)) for s in (1, -1))
        first, second = (u, v) if halves == "uv" else (v, u)
        x = _shared(writer, made, first, names)
        # A factor costs nothing where a fused addition takes it.
        c = _leading(second)
        y = _shared(writer, made, tuple(value / c for value in second), names)
        writer.plus(outputs[i], x, c, y)
        if halves == "uv":
            writer.plus(outputs[j], x, -c, y)
        else:
            _difference(writer, outputs[j], y, c, x)


def _difference(writer: _Writer, target: str, y: str, c: Fraction, x: str) -> None:
    """``target = c·y − x``."""
    if c == 1:
        writer.put(target, "sub", y, x)
    else:
        writer.plus(target, writer.put(writer.new(), "mul", y, c=c), Fraction(-1), x)


def _splits(one: Row, other: Row) -> bool:
    """Whether the two rows are a sum and a difference of parts over different columns, more than one in all."""
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if a or b]
    signs = {a == b for a, b in pairs}
    return len(pairs) > 1 and all(abs(a) == abs(b) for a, b in pairs) and len(signs) == 2


def _leading(row: Row) -> Fraction:
    """The factor to take out so that most entries become 1 or −1, one of them 1, and the others exact in binary."""
    values = [value for value in row if value]

    def key(value: Fraction) -> tuple[int, bool, bool]:
        units = sum(abs(other) == abs(value) for other in values)
        return units, value == 1, all((other / value).denominator.bit_count() == 1 for other in values)

    return max(values, key=key)


def _shared(writer: _Writer, made: dict[Row, str], row: Row, names: Sequence[str]) -> str:
    lone = [k for k, value in enumerate(row) if value]
    if len(lone) == 1 and row[lone[0]] == 1:
        return names[lone[0]]
    if row not in made:
        made[row] = _sum(writer, row, names, writer.new())
    return made[row]


def _sum(writer: _Writer, row: Row, names: Sequence[str], target: str) -> str:
    """One row: a term with factor 1 first, where there is one."""
    terms = [(value, name) for value, name in zip(row, names, strict=True) if value]
    if not terms:
        return writer.put(target, "zero")
    terms.sort(key=lambda term: term[0] != 1)
    (c, name), *rest = terms
    op = "copy" if c == 1 else "mul"
    if not rest:
        return writer.put(target, op, name, c=c)
    so_far = name if c == 1 else writer.put(writer.new(), "mul", name, c=c)
    for k, (factor, other) in enumerate(rest):
        so_far = writer.plus(target if k == len(rest) - 1 else writer.new(), so_far, factor, other)
    return so_far
