"""An operator written out as plain Python loops over its definition, for the tests of a package.

It is printed from the formula as it was stated (or, of a gradient, from the transposed relation), cell by cell and tap
by tap, with borders asked at each read: nothing of how kernels were solved, ordered or printed enters it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from symconv.errors import InternalError
from symconv.export.apart import apart
from symconv.export.python import condition, form_text, safe, shape_text, tuple_text
from symconv.export.sizes import Check, solved
from symconv.notation.affine import Affine
from symconv.notation.expr import Apply, Const, Expr, Index, Piece, Range, Read, Reduce, nonnegative, walk
from symconv.notation.operator import Operator, Statement, Tensor
from symconv.notation.taps import leaving

__all__ = ["HELPERS", "POSITIVE", "WHOLE", "definition", "used"]

_INFIX = {"add": ("+", 1), "sub": ("-", 1), "mul": ("*", 2), "div": ("/", 2)}
_COMPARED = {
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "eq": "==",
    "ne": "!=",
    "larger": ">=",
    "smaller": "<=",
    "same": "==",
}
_REDUCED = {
    "max": "largest",
    "min": "smallest",
    "mean": "mean",
    "prod": "math.prod",
    "argmax": "first_largest",
    "argmin": "first_smallest",
}
_ONE = {
    **dict.fromkeys(("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh", "sign", "floor", "ceil"), "np"),
    "erf": "math",
}
_BREAK = "\0"
"""Where a line may be broken; no name and no number holds it."""
_WIDTH = 110

HELPERS = {
    "sigmoid": ("a", "1 / (1 + np.exp(-a))"),
    "softplus": ("a", "np.logaddexp(0, a)"),
    "gelu": ("a", "0.5 * a * (1 + math.erf(a / math.sqrt(2)))"),
    "silu": ("a", "a / (1 + np.exp(-a))"),
    "elu": ("a", "a if a > 0 else np.expm1(a)"),
    "relu": ("a", "a if a > 0 else 0.0"),
    "leaky_relu": ("a, b", "a if a > 0 else a * b"),
    "hardtanh": ("a", "min(max(a, -1.0), 1.0)"),
    "clip": ("a, low, high", "min(max(a, low), high)"),
    "held": ("a", "a if np.isfinite(a) else 0.0"),
}
"""Functions of the notation that need a line of Python; a test gets those it uses."""


WHOLE = frozenset(
    [
        *("add", "sub", "mul", "neg", "abs", "sign", "floor", "ceil", "relu", "leaky_relu", "hardtanh", "clip", "max"),
        *("min", "where", "lt", "le", "gt", "ge", "eq", "ne", "larger", "smaller", "same", "held"),
    ]
)
"""Functions that make integers of integers."""
POSITIVE = frozenset(["log", "sqrt", "pow", "div", "log1p"])
"""Functions that have no slope, or none worth comparing, at some numbers that are not positive."""


def definition(op: Operator, name: str) -> str:
    """A Python function of float64 arrays that computes the operator's output; it needs ``used(op)`` beside it."""
    return "\n".join(_Writer(apart(op)).function(name)) + "\n"


def used(op: Operator) -> tuple[tuple[str, str, str], ...]:
    """The helpers that ``definition`` calls: name, parameters and value."""
    names = {n.function for s in op.statements for n in walk(s.expr) if isinstance(n, Apply)}
    return tuple((f"{name}_", *HELPERS[name]) for name in HELPERS if name in names)


@dataclass(slots=True)
class _Writer:
    op: Operator
    around: frozenset[str] = field(default_factory=frozenset)
    extents: dict[str, Affine] = field(default_factory=dict)

    def function(self, name: str) -> Iterator[str]:
        arguments = ", ".join(safe(tensor.name) for tensor in self.op.inputs)
        yield f"def {name}({arguments}):"
        for line in solved(self.op, "{}.shape"):
            if not isinstance(line, Check):
                yield f"    {line}"
        for tensor in self.op.inputs:
            if any(len(axis) != 1 for axis in tensor.axes):
                lengths = ", ".join(form_text(size) for size in tensor.sizes)
                yield f"    {safe(tensor.name)} = {safe(tensor.name)}.reshape({lengths})"
        for statement in self.op.statements:
            yield from self._statement(statement)
        yield f"    return {', '.join(map(_returned, self.op.outputs))}"

    def _statement(self, statement: Statement) -> Iterator[str]:
        target, name = statement.target, safe(statement.target.name)
        kind = "" if target.dtype == "real" else ", int"
        self.extents = {r.name: r.extent for r in statement.ranges}
        yield f"    {name} = np.zeros({tuple_text(form_text(size) for size in target.sizes)}{kind})"
        cell, value = ", ".join(map(safe, statement.indices)), self.expr(statement.expr)
        if not statement.indices:
            yield _broken(f"    {name}[()] = {value}")
            return
        yield f"    {_loops(statement.ranges)}:"
        yield _broken(f"        {name}[{cell}] = {value}")

    def expr(self, expr: Expr, tight: int = 0) -> str:
        match expr:
            case Const(value):
                return _number(value, tight)
            case Index(form):
                return form_text(form, True)
            case Read():
                return self._read(expr)
            case Reduce():
                return self._reduce(expr)
            case Apply(function, arguments):
                return self._apply(function, arguments, tight)

    def _read(self, read: Read) -> str:
        index = tuple_text(map(form_text, read.index))
        if read.border is None:
            return f"{safe(read.tensor)}[{', '.join(map(form_text, read.index)) or '()'}]"
        value = f", {_number(read.border.value, 0)}" if read.border.value else ""
        return f'read({safe(read.tensor)}, {index}, "{read.border.kind}"{value})'

    def _apply(self, function: str, arguments: tuple[Expr, ...], tight: int) -> str:
        if function in _INFIX:
            sign, level = _INFIX[function]
            text = f"{self.expr(arguments[0], level)} {sign} {self.expr(arguments[1], level + 1)}"
            return f"({text})" if level < tight else text
        if function in _COMPARED:
            return f"({self.expr(arguments[0], 2)} {_COMPARED[function]} {self.expr(arguments[1], 2)})"
        inside = tuple(map(self.expr, arguments))
        match function:
            case "neg":
                text = f"-{self.expr(arguments[0], 3)}"
                return f"({text})" if tight > 1 else text
            case "pow":
                return f"np.power({inside[0]}, {inside[1]}, dtype=float)"
            case "where":
                return f"({inside[1]} if {inside[0]} else {inside[2]})"
            case "abs" | "max" | "min":
                return f"{function}({', '.join(inside)})"
            case "pi" | "inf":
                return f"np.{function}"
        if function in _ONE:
            return f"{_ONE[function]}.{function}({inside[0]})"
        if function in HELPERS:
            return f"{function}_({', '.join(inside)})"
        raise InternalError(f"the tests of a package know no function {function!r}")

    def _reduce(self, node: Reduce) -> str:
        bound = {r.name: r.extent for r in node.indices}
        inner = _Writer(self.op, self.around | bound.keys(), self.extents | bound)
        parts = [inner.generator(node, piece, self.around) for piece in node.pieces]
        if node.kind == "sum":
            text = " + ".join(f"sum({part})" for part in parts)
            return f"({text})" if len(parts) > 1 else text
        taps = f"[{parts[0]}]" if len(parts) == 1 else f"[{', '.join(f'*({part})' for part in parts)}]"
        empty = "" if self.op.empty is None or node.kind == "prod" else f", {_number(self.op.empty, 0)}"
        return f"{_REDUCED[node.kind]}({taps}{empty if not node.kind.startswith('arg') else ''})"

    def generator(self, node: Reduce, piece: Piece, around: frozenset[str]) -> str:
        tensors = {tensor.name: tensor for tensor in (*self.op.inputs, *(s.target for s in self.op.statements))}
        left = leaving(node, piece.body, around)
        sides = ((read.index[axis], tensors[read.tensor].sizes[axis]) for read, axis in left)
        moved = [(form, size) for form, size in sides if form.name is None or self.extents.get(form.name) != size]
        taken = [c for form, size in moved for c in (nonnegative(form), nonnegative(size - 1 - form))]
        tests = " and ".join(dict.fromkeys(map(condition, (*piece.where, *taken))))
        loops = _loops(node.indices)
        value = self.expr(piece.body)
        if node.kind.startswith("arg"):
            place = "0"
            for r in node.indices:
                place = safe(r.name) if place == "0" else f"({place})*({form_text(r.extent)}) + {safe(r.name)}"
            value = f"({value}, {place})"
        return f"{value}{_BREAK}{loops}{f'{_BREAK}if {tests}' if tests else ''}"


def _returned(output: Tensor) -> str:
    merged = any(len(axis) != 1 for axis in output.axes)
    return f"{safe(output.name)}{f'.reshape({shape_text(output)})' if merged else ''}"


def _loops(ranges: tuple[Range, ...]) -> str:
    extents = [f"range({form_text(r.extent)})" for r in ranges]
    if len(ranges) == 1:
        return f"for {safe(ranges[0].name)} in {extents[0]}"
    return f"for {tuple_text(safe(r.name) for r in ranges)} in product({', '.join(extents)})"


def _broken(line: str) -> str:
    if len(line) <= _WIDTH:
        return line.replace(_BREAK, " ")
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return line.replace(_BREAK, f"\n{indent}")


def _number(value: Fraction, tight: int) -> str:
    if value.denominator == 1 and abs(value.numerator) < 1 << 53:
        return f"({value.numerator})" if value < 0 and tight else str(value.numerator)
    try:
        return repr(float(value)) if value >= 0 or not tight else f"({float(value)!r})"
    except OverflowError:
        return "np.inf" if value > 0 else "(-np.inf)"
