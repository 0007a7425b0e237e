"""Numbers of a claim at concrete sizes: the words of ``amounts``, read anew for the brute-force evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from symconv.errors import SpecError
from symconv.notation.operator import Operator
from symconv.prove.syntax import Binary, Call, Name, Node, Number, Tuple, show

__all__ = ["Misfit", "Numbers"]

Scalar = Fraction
Pads = tuple[Scalar, Scalar]


class Misfit(Exception):  # noqa: N818
    """The shapes of a claim do not fit at these sizes; the argument says how."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the number words of a claim mean for an operator at concrete sizes."""

    sizes: Mapping[str, int]
    vectors: Mapping[str, tuple[Scalar | Pads, ...]]
    groups: int
    rank: int
    length: Callable[[Node, int], int]

    @classmethod
    def of(cls, op: Operator, sizes: Mapping[str, int], length: Callable[[Node, int], int]) -> Numbers:
        """The words of ``op``."""
        found, groups = dict(sizes), 1
        for one in (*op.inputs, op.output):
            for merged in one.axes:
                if len(merged) == 2 and merged[0].is_constant and merged[1].name:
                    groups = merged[0].constant
                    found[merged[1].name.removesuffix("g")] = groups * sizes[merged[1].name]
        at = [(w, w.lo.evaluate(dict(sizes)), w.hi.evaluate(dict(sizes))) for w in op.windows]
        kernel = tuple(Fraction(int(w.kernel) if w.kernel.isdigit() else sizes[w.kernel]) for w in op.windows)
        inputs = tuple(Fraction(sizes[w.size]) for w in op.windows)
        vectors: dict[str, tuple[Scalar | Pads, ...]] = {
            "s": tuple(Fraction(w.stride) for w in op.windows),
            "d": tuple(Fraction(w.dilation) for w in op.windows),
            "p": tuple(Fraction(lo) if lo == hi else (Fraction(lo), Fraction(hi)) for _, lo, hi in at),
            "K": kernel,
            "O": tuple(Fraction(sizes[w.extent]) for w in op.windows),
            "H": inputs,
            "L": inputs,
        }
        return cls(found, vectors, groups, len(op.windows), length)

    def several(self, node: Node, rank: int) -> list[Scalar | Pads]:
        """A number, or a pair of pads, per axis."""
        if isinstance(node, Tuple):
            if len(node.items) != rank:
                raise SpecError(f"{show(node)} has {len(node.items)} entries; there are {rank} axes")
            return [self._entry(item, axis) for axis, item in enumerate(node.items)]
        value = self._value(node, None)
        if isinstance(value, list):
            if len(value) != rank:
                raise SpecError(f"{show(node)} has {len(value)} values; there are {rank} axes here")
            return value
        return [value] * rank

    def one(self, node: Node) -> Scalar:
        """One number."""
        value = self._value(node, None)
        if isinstance(value, list) and all(item == value[0] for item in value):
            value = value[0]
        if not isinstance(value, Fraction):
            raise SpecError(f"{show(node)} has a value per axis; one number is wanted here")
        return value

    def integer(self, node: Node) -> int:
        """One whole number."""
        return whole(self.one(node), node)

    def _entry(self, node: Node, axis: int) -> Scalar | Pads:
        if isinstance(node, Tuple):
            lo, hi = (self._single(item, axis) for item in node.items)
            return (lo[0] if isinstance(lo, tuple) else lo, hi[1] if isinstance(hi, tuple) else hi)
        return self._single(node, axis)

    def _single(self, node: Node, axis: int) -> Scalar | Pads:
        value = self._value(node, axis)
        return value[0] if isinstance(value, list) else value

    def _value(self, node: Node, axis: int | None) -> Scalar | Pads | list[Scalar | Pads]:
        match node:
            case Number(value):
                return value
            case Name("g"):
                return Fraction(self.groups)
            case Name(name):
                return self._named(name, axis)
            case Call("size", (array, which)):
                return Fraction(self.length(array, self.integer(which)))
            case Binary(op, left, right):
                return _lifted(op, self._value(left, axis), self._value(right, axis))
        raise SpecError(f"{show(node)} is not a number")

    def _named(self, name: str, axis: int | None) -> Scalar | Pads | list[Scalar | Pads]:
        if name in self.vectors and not (axis is not None and name in self.sizes):
            items = self.vectors[name]
            if axis is not None and axis < len(items):
                return items[axis]
            return items[0] if len(items) == 1 else list(items)
        if name not in self.sizes:
            raise SpecError(f"{name} is no number of this claim")
        return Fraction(self.sizes[name])


def whole(value: Scalar | Pads, node: Node) -> int:
    """The value as an integer; raises SpecError where it is none."""
    if isinstance(value, tuple) or value.denominator != 1:
        raise SpecError(f"{show(node)} is {value}; a whole number is wanted")
    return int(value)


_Value = Scalar | Pads | list[Scalar | Pads]


def _lifted(op: str, a: _Value, b: _Value) -> _Value:
    if isinstance(a, list) or isinstance(b, list):
        count = len(a) if isinstance(a, list) else len(b)  # type: ignore[arg-type]
        left, right = (v if isinstance(v, list) else [v] * count for v in (a, b))
        return [_paired(op, x, y) for x, y in zip(left, right, strict=True)]
    return _paired(op, a, b)


def _paired(op: str, a: Scalar | Pads, b: Scalar | Pads) -> Scalar | Pads:
    if isinstance(a, tuple) or isinstance(b, tuple):
        left, right = (v if isinstance(v, tuple) else (v, v) for v in (a, b))
        low, high = (_plain(op, x, y) for x, y in zip(left, right, strict=True))
        return low if low == high else (low, high)
    return _plain(op, a, b)


def _plain(op: str, a: Scalar, b: Scalar) -> Scalar:
    if op in {"/", "//", "%"} and b == 0:
        raise SpecError("a claim divides by zero")
    match op:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/":
            return a / b
        case "//":
            return Fraction(a // b)
        case "%":
            return a % b
    raise SpecError(f"'{op}' does not join numbers")
