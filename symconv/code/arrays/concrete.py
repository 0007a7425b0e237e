"""Arrays of the code as numbers: the operations of ``symbolic`` at concrete sizes, on exact numbers or on floats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from symconv.code.arrays.infinite import with_infinities
from symconv.code.arrays.nodes import Arguments, node_of
from symconv.code.source.trouble import LineCaret
from symconv.code.values.objects import Plan, Span
from symconv.notation.affine import Affine, affine
from symconv.notation.expr import Constraint
from symconv.notation.operator import Operator
from symconv.prove.concrete.elements import pointwise
from symconv.prove.concrete.evaluate import binary_shapes, plain
from symconv.prove.concrete.numbers import Array, Ground, Misfit, grounded
from symconv.prove.concrete.words import called
from symconv.prove.language.labels import is_selector
from symconv.prove.language.syntax import Call
from symconv.prove.language.vocabulary import ELEMENTWISE
from symconv.prove.meaning.scope import Undecided
from symconv.prove.meaning.value import Product

__all__ = ["Concrete"]

_UNSET = 7919
_COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "gt": np.greater, "lt": np.less, "ge": np.greater_equal, "le": np.less_equal, "eq": np.equal, "ne": np.not_equal,
}  # fmt: skip


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "//": np.floor_divide, "%": np.mod,
}  # fmt: skip


@with_infinities
class Concrete:
    """Operations on arrays of numbers."""

    symbolic = False

    def __init__(self, op: Operator, arrays: dict[str, Array]) -> None:
        self.caret = LineCaret()
        self.other_ties = frozenset[str]()
        self.equal_parts = False
        self.exact = self.forming = False
        self.ground = grounded(op, self.caret, arrays, plain, None)
        self.floats = all(a.dtype.kind == "f" for a in arrays.values())

    def is_array(self, value: object) -> bool:
        """Whether it is an array of this kind."""
        return isinstance(value, np.ndarray)

    def positions(self, value: object) -> bool:
        """Whether it is an array of whole numbers, which may be positions."""
        return isinstance(value, np.ndarray) and value.dtype.kind == "i"

    def rank(self, value: Array) -> int:
        """How many axes it has."""
        return value.ndim

    def size(self, value: Array, position: int) -> Affine:
        """The length of an axis."""
        return affine(value.shape[position])

    def decide(self, constraint: Constraint) -> bool:
        """Whether it holds."""
        value = constraint.form.constant
        return value == 0 if constraint.equality else value >= 0

    def require(self, constraint: Constraint, sentence: str) -> None:
        """Raises Misfit where it does not hold."""
        if not self.decide(constraint):
            raise Misfit(sentence)

    def lift(self, number: Product) -> Array:
        """A number as an array without axes."""
        return self._typed(np.asarray(number.coefficient, dtype=object))

    def _typed(self, a: Any) -> Array:
        a = np.asarray(a)
        typed: Array = a.astype(np.float64) if self.floats else a.astype(object)
        return typed

    def fill(self, shape: Sequence[Any], number: Fraction) -> Array:
        """An array of one number."""
        lengths = [self._number(length) for length in shape]
        if min(lengths, default=0) < 0:
            raise Misfit("a length is negative")
        return self._typed(np.full(lengths, number, dtype=object))

    def unset(self, shape: Sequence[Any]) -> Array:
        """An array that nothing was put in yet."""
        return self.fill(shape, Fraction(_UNSET))

    def _number(self, length: Any) -> int:
        if isinstance(length, Affine):
            return length.constant
        if isinstance(length, Product) and length.coefficient.denominator == 1:
            return int(length.coefficient)
        raise Misfit("a length is no whole number")

    def elementwise(self, op: str, left: Array, right: Array) -> Array:
        """Sum, difference or product, broadcast."""
        binary_shapes(f"{left.shape} {op} {right.shape}", left, right)
        with np.errstate(invalid="ignore"):  # quotients by 0 may be among them
            return np.asarray(left + right if op == "+" else left - right if op == "-" else left * right)

    def complement(self, mask: Array) -> Array:
        """1 where a mask is 0, and 0 where it is 1."""
        return self.elementwise("-", self.lift(Product(Fraction(1))), mask)

    def scale(self, value: Array, number: Product) -> Array:
        """The array times a number."""
        # The logarithm of 0 may be among them.
        with np.errstate(invalid="ignore"):
            return np.asarray(value * (float(number.coefficient) if self.floats else _plainest(number.coefficient)))

    def compare(self, op: str, left: Array, right: Array) -> Array:
        """1 where the comparison holds, else 0."""
        binary_shapes(f"{left.shape} {op} {right.shape}", left, right)
        return self._typed(np.asarray(_COMPARED[op](left, right), dtype=bool).astype(int))

    def true(self, value: Array) -> bool:
        """Whether an array of one element is not 0; raises Misfit for others."""
        if value.size != 1:
            raise Misfit("the truth of an array of several elements")
        return bool(value.reshape(-1)[0] != 0)

    def mapped(self, function: str, value: Array) -> Array:
        """A function of every element."""
        if function in ELEMENTWISE:
            return self.word(function, [value], {})
        return self._typed(pointwise(self.ground, function, [value], Call(function, ())))

    def pad(self, value: Array, pads: dict[int, tuple[Affine, Affine]]) -> Array:
        """Zeros before and after, or a cut."""
        for k, (lo, hi) in pads.items():
            a, b = lo.constant, hi.constant
            if value.shape[k] + a + b < 0:
                raise Misfit(f"an axis of length {value.shape[k]} is cut to {value.shape[k] + a + b}")
            shape = [value.shape[k] + a + b if j == k else n for j, n in enumerate(value.shape)]
            new = self.fill([affine(n) for n in shape], Fraction(0))
            kept = range(max(0, -a), min(value.shape[k], value.shape[k] + b))
            if kept:
                to = [slice(None)] * k + [slice(kept.start + a, kept.stop + a)]
                new[tuple(to)] = value[tuple([slice(None)] * k + [slice(kept.start, kept.stop)])]
            value = new
        return value

    def flip(self, value: Array, axes: Sequence[int]) -> Array:
        """The array backwards along axes."""
        return np.flip(value, tuple(axes))

    def permute(self, value: Array, order: Sequence[int]) -> Array:
        """The axes in another order."""
        return np.transpose(value, tuple(order))

    def repeat(self, value: Array, times: int, position: int) -> Array:
        """Every element of an axis so many times."""
        return np.repeat(value, times, axis=position)

    def span(self, start: Affine | None, stop: Affine | None, step: int, value: Array, position: int) -> Span:
        """A slice of an axis."""
        first, last = (None if bound is None else bound.constant for bound in (start, stop))
        found = range(value.shape[position])[first:last:step]
        return Span(affine(found.start), affine(len(found)), step)

    def _index(self, plan: Any) -> tuple[Any, ...]:
        index: list[Any] = []
        for item in plan:
            if isinstance(item, np.ndarray):
                index.append(item)
                continue
            if isinstance(item, Span):
                if item.whole or item.count is None:
                    index.append(slice(None))
                    continue
                first, count = item.start.constant, item.count.constant
                end = first + item.step * count
                index.append(slice(first, None if end < 0 else end, item.step) if count else slice(0, 0))
            else:
                index.append(None if item is None else item.constant)
        return tuple(index)

    def pick(self, value: Array, plan: Any) -> Array:
        """The elements of a subscript, as a view where positions are no arrays."""
        try:
            found = value[(*self._index(plan), ...)]
        except (IndexError, ValueError) as problem:
            raise Misfit(str(problem)) from None
        return np.asarray(found)

    def scatter(self, value: Array, plan: Any, new: Array, sign: int, how: str) -> Array:
        """Changes the elements that positions name: ``at`` adds as often as they are named, others once."""
        index = self._index(plan)
        new = new if new.ndim else new[()]  # an array of objects would hold the array itself
        try:
            if how == "at":
                np.add.at(value, index, new * sign)
            else:
                value[index] = new if how == "=" else value[index] + new * sign
        except (IndexError, ValueError) as problem:
            raise Misfit(str(problem)) from None
        return value

    def extreme(self, kind: str, value: Array, axes: Sequence[int], keep: bool, mask: Array | None = None) -> Array:
        """The largest or smallest elements over axes."""
        assert mask is None, "only exact words take an extreme under a mask"
        if any(value.shape[k] == 0 for k in axes):
            raise Misfit(f"the {kind} of no elements")
        return self._typed((np.max if kind == "max" else np.min)(value, axis=tuple(axes), keepdims=keep))

    def position(self, kind: str, value: Array, position: int | None, keep: bool) -> Any:
        """The place of the first extreme element, of all or along an axis."""
        if value.size == 0:
            raise Misfit(f"the arg{kind} of no elements")
        found = (np.argmax if kind == "max" else np.argmin)(value, axis=position, keepdims=keep)
        return affine(int(found)) if position is None else np.asarray(found)

    def given(self, name: str, value: Array) -> Array:
        """An operand as the code holds it: labels for a selector."""
        # Enclosures are compared as floats.
        return np.argmax(value.astype(np.float64), axis=-1) if is_selector(name) else value

    def counted(self, first: Affine, step: int, count: Affine) -> Array:
        """``first + step*k`` for each ``k`` below a count."""
        return first.constant + step * np.arange(max(0, count.constant))

    def arithmetic(self, op: str, left: Any, right: Any) -> Array:
        """``left op right`` of positions."""
        a, b = (one.constant if isinstance(one, Affine) else one for one in (left, right))
        if op in {"//", "%"} and not np.all(b):
            raise Misfit("a division by zero")
        try:
            return np.asarray(_ARITHMETIC[op](a, b))
        except ValueError as problem:
            raise Misfit(str(problem)) from None

    def update(self, value: Array, plan: Plan, new: Array, sign: int, replacing: bool, local: bool) -> Array:
        """Changes the elements of a subscript in place."""
        target = self.pick(value, plan)
        try:
            spread = np.broadcast_to(
                new if new.ndim <= target.ndim else new.reshape(new.shape[-target.ndim or 1 :] if target.ndim else ()),
                target.shape,
            )
        except ValueError:
            raise Misfit(f"{new.shape} is put where {target.shape} is") from None
        with np.errstate(invalid="ignore"):  # infinite numbers may be among them
            target[...] = spread.copy() if replacing else target + spread * sign
        return value

    def index(self, form: Affine, value: Array, position: int) -> Affine:
        """An index of an axis, counted from the start."""
        at, size = form.constant, value.shape[position]
        if not -size <= at < size:
            raise Misfit(f"index {at} on an axis of length {size}")
        return affine(at % size)

    def word(self, word: str, arguments: Sequence[Any], options: Arguments) -> Array:
        """A word of the claim language."""
        arrays: dict[str, Array] = {}

        def named(value: object) -> str:
            if not isinstance(value, np.ndarray):
                raise Undecided(f"{value} stands where a number is wanted")
            arrays[f"code{len(arrays)}_"] = value
            return f"code{len(arrays) - 1}_"

        given = tuple(node_of(one, named) for one in arguments)
        call = Call(word, given, tuple((key, node_of(one, named)) for key, one in options.items()))
        ground: Ground = replace(self.ground, arrays={**self.ground.arrays, **arrays})
        with np.errstate(invalid="ignore"):
            return self._typed(called(ground, call))


def _plainest(number: Fraction) -> Fraction | int:
    return int(number) if number.denominator == 1 else number
