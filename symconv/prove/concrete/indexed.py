"""Index notation on concrete arrays: every index is an axis of one grid, every read a look-up with zeros outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from symconv.limits import ARRAY_CELLS, OBJECT_CELLS
from symconv.notation.grammar import COMPARISONS
from symconv.prove.concrete.collected import collected
from symconv.prove.concrete.elements import compared, constant, pointwise, zeros
from symconv.prove.concrete.numbers import Array, Ground, TooLargeError, amount, component
from symconv.prove.language.defined_sums import of_elements
from symconv.prove.language.lengths import COUNTS
from symconv.prove.language.places import alone, bounds, divisors, how_far, mentioned, names_of, places, undivided
from symconv.prove.language.syntax import (
    Binary,
    Call,
    Equation,
    Name,
    Node,
    Number,
    Pick,
    Reduction,
    Sliced,
    Tuple,
    names_in,
    show,
    walk,
)
from symconv.prove.language.vocabulary import ELEMENTWISE, canonical

__all__ = ["indexed_array"]

_OPERATIONS = {"+": "add", "-": "sub", "*": "mul"}
_REAL = {"maximum": "max", "minimum": "min"}

Put = Mapping[str, Array]
Layout = Mapping[str, tuple[tuple[int, ...], ...]]
"""The logical sizes of each axis, of tensors with merged axes."""


def indexed_array(
    ground: Ground, equation: Equation, layout: Layout, axes: tuple[tuple[int, ...], ...] | None
) -> Array:
    """The array that an equation in index notation defines, over ``axes`` or, for an intermediate, over those found.

    Raises SpecError where the equation is unusable, NoValueError where an element has no value, TooLargeError.
    """
    reader = _Reader(ground, layout)
    indices = equation.indices or ()
    if axes is None:
        axes = tuple(tuple(reader.length(name, equation) for name in names_of(item)) for item in indices)
    if len(indices) != len(axes):
        raise ground.error(equation.at, f"{equation.name} has {len(axes)} axes; given {len(indices)} indices")
    lengths: list[int] = []
    names: list[str] = []
    for item, sizes in zip(indices, axes, strict=True):
        own = names_of(item)
        if len(own) not in {1, len(sizes)}:
            raise ground.error(item.at, f"{show(item)} are {len(own)} indices on an axis of {sizes}")
        names += own
        lengths += sizes if len(own) == len(sizes) else [prod(sizes)]
    grid = np.ogrid[tuple(slice(0, length) for length in lengths)] if lengths else ()
    value = reader.value(equation.body, dict(zip(names, grid, strict=True)), len(lengths))
    shape = tuple(prod(sizes) for sizes in axes)
    return np.array(np.broadcast_to(value, tuple(lengths)), dtype=value.dtype).reshape(shape)


@dataclass(frozen=True, slots=True)
class _Reader:
    ground: Ground
    layout: Layout

    def length(self, name: str, equation: Equation) -> int:
        """How far an index of an intermediate runs: as stated, or along the longest axis that it stands alone on."""
        if (stated := dict(equation.lengths).get(name)) is None:
            return self.longest(name, equation.body, equation.at)
        number = component(self.ground, stated, None)
        if number.denominator != 1:
            raise self.ground.error(stated.at, f"{name} runs below {show(stated)}, which is {number} here")
        return max(int(number), 0)

    def longest(self, name: str, body: Node, at: int) -> int:
        """The longest axis that an index stands alone on."""
        found = [self._length(place.read, place.axis, place.part, place.count) for place in alone(body, name)]
        if not found:
            raise self.ground.error(at, how_far(name))
        return max(found)

    def _length(self, read: Sliced, axis: int, part: int, count: int) -> int:
        array = self._array(read)
        return self._parts(read, axis, array)[part] if count else int(array.shape[axis])

    def _parts(self, read: Sliced, axis: int, array: Array) -> tuple[int, ...]:
        held = self.layout.get(read.value.name) if isinstance(read.value, Name) else None
        return held[axis] if held is not None else (int(array.shape[axis]),)

    def _array(self, read: Sliced) -> Array:
        array = self.ground.array(self.ground, read.value)
        if len(read.items) != array.ndim or not all(isinstance(i, Pick) and i.value is not None for i in read.items):
            raise self.ground.error(
                read.at, f"{show(read)}: {show(read.value)} has {array.ndim} axes, and wants an index for each"
            )
        return array

    def value(self, node: Node, put: Put, depth: int) -> Array:
        """An expression at every point of the grid of ``depth`` axes, as far as it depends on them."""
        match node:
            case Number(value):
                return constant(value)
            case Sliced():
                return self._read(node, put)
            case Reduction():
                return self._reduced(node, put, depth)
            case Binary(op, left, right) if op in COMPARISONS and self._of_positions(node, put):
                (first, exact), (second, whole) = (self._form(side, put, None) for side in (left, right))
                # Positions are whole numbers, also where elements are residues.
                held = compared(COMPARISONS[op], np.asarray(first), np.asarray(second))
                return np.asarray(held * (exact & whole))
            case Binary("//" | "%") if names_in(node) <= {*self.ground.sizes, *self.ground.vectors} - {*put}:
                return constant(amount(self.ground, node))
            case Binary(op, left, right):
                a = self.value(left, put, depth)
                if op == "**":
                    return pointwise(self.ground, "pow", (a, constant(amount(self.ground, right))), node)
                b = self.value(right, put, depth)
                return self._joined(node, op, a, self._present(node, a, b, put) if op == "/" else b)
            case Call(function, arguments, ()) if canonical(function) in {*ELEMENTWISE, "where"}:
                word = canonical(function)
                given = [self.value(one, put, depth) for one in arguments]
                return pointwise(self.ground, _REAL.get(word, word), given, node)
            case Call() if (meant := of_elements(node, self.ground.error)) is not None:
                return self.value(meant, put, depth)
            case Name(name) if name in put:
                return put[name]
            case Name(name) if name in self.ground.arrays:
                if self.ground.arrays[name].ndim:
                    raise self.ground.error(node.at, f"{name} has axes: index it, as in {name}[...]")
                return self.ground.arrays[name]
            case Name() | Call("size", _):
                return constant(amount(self.ground, node))
            case Call(function, (_,), ()) if canonical(function) in COUNTS:
                return constant(amount(self.ground, node))
        message = f"{show(node)} stands among indices; words of arrays are indexed too, as in flip(w)[f,c,p,q]"
        raise self.ground.error(node.at, message)

    def _of_positions(self, node: Node, put: Put) -> bool:
        """Whether a comparison is of indices and sizes alone."""
        parts = [one for one in walk(node) if not isinstance(one, Binary)]
        known = {*put, *self.ground.sizes, *self.ground.vectors}
        return all(
            isinstance(one, Number)
            or (isinstance(one, Name) and one.name in known)
            or (isinstance(one, Call) and one.function == "size")
            for one in parts
        )

    def _joined(self, node: Binary, op: str, a: Array, b: Array) -> Array:
        if op in COMPARISONS:
            return pointwise(self.ground, COMPARISONS[op], (a, b), node)
        if op == "/":
            return pointwise(self.ground, "div", (a, b), node)
        if op not in _OPERATIONS:
            raise self.ground.error(node.at, f"{show(node)}: '{op}' does not join elements")
        if {a.dtype.kind, b.dtype.kind} == {"f", "O"}:
            a, b = a.astype(np.float64), b.astype(np.float64)
        result = a + b if op == "+" else a - b if op == "-" else a * b
        return np.asarray(result if self.ground.prime is None else result % self.ground.prime)

    def _present(self, node: Binary, a: Array, b: Array, put: Put) -> Array:
        """The divisor, with 1 where it is 0 outside of an array that what is divided is outside of, too.

        A product with an element that is not there is no term, whatever it is divided by.
        """
        if not np.any(nought := zeros(a) & zeros(b)):
            return b
        absent = nought & self._outside(node.left, put) & self._outside(node.right, put)
        return np.asarray(np.where(absent, np.ones((), dtype=b.dtype), b), dtype=b.dtype)

    def _outside(self, node: Node, put: Put) -> Any:
        """Where an expression reads an element that is not there."""
        found: Any = False
        for one in walk(node):
            if isinstance(one, Sliced) and names_in(one) <= {*put, *self.ground.sizes, *names_in(one.value)}:
                found = found | ~np.asarray(self._places(one, self._array(one), put)[1])
        return found

    def _read(self, node: Sliced, put: Put) -> Array:
        array = self._array(node)
        index, inside = self._places(node, array, put)
        if array.size == 0:
            return np.zeros((), dtype=array.dtype)
        found = np.asarray(array[tuple(np.broadcast_arrays(*index))] if index else array)
        return np.asarray(np.where(inside, found, np.zeros((), dtype=array.dtype)), dtype=array.dtype)

    def _places(self, node: Sliced, array: Array, put: Put) -> tuple[list[Array], Any]:
        """The positions along each axis of an array, and where all of them are inside."""
        index: list[Array] = []
        inside: Any = True
        for axis, item in enumerate(node.items):
            assert isinstance(item, Pick) and item.value is not None
            several = isinstance(item.value, Tuple)
            sizes = self._parts(node, axis, array) if several else (int(array.shape[axis]),)
            forms = item.value.items if isinstance(item.value, Tuple) else (item.value,)
            if len(forms) != len(sizes):
                raise self.ground.error(item.value.at, f"{show(item.value)}: the axis is {sizes}")
            position: Any = 0
            for form, size in zip(forms, sizes, strict=True):
                at, whole = self._form(form, put, self._spatial(node, axis))
                inside = inside & whole & (at >= 0) & (at < size)
                position = position * size + np.clip(at, 0, max(size - 1, 0))
            index.append(np.asarray(position, dtype=np.int64))
        return index, inside

    def _spatial(self, read: Sliced, at: int) -> int | None:
        return self.ground.facts.spatial(read.value.name if isinstance(read.value, Name) else "", at, len(read.items))

    def _form(self, node: Node, put: Put, spatial: int | None) -> tuple[Any, Any]:
        """A position at every point, and where it is a whole number."""
        if names_in(node).isdisjoint(put):
            number = component(self.ground, node, spatial)
            if number.denominator != 1:
                raise self.ground.error(node.at, f"{show(node)} is a fraction; a whole number is wanted here")
            return np.asarray(int(number)), True
        match node:
            case Name(name):
                return put[name], True
            case Binary(op, left, right):
                (a, exact), (b, whole) = self._form(left, put, spatial), self._form(right, put, spatial)
                both = exact & whole
                match op:
                    case "+" | "-":
                        return (a + b if op == "+" else a - b), both
                    case "*":
                        return a * b, both
                    case "/" | "//" | "%":
                        if np.any(b < 1):
                            raise self.ground.error(node.at, f"{show(node)}: an index is divided by a positive integer")
                        return (a % b, both) if op == "%" else (a // b, both & (a % b == 0) if op == "/" else both)
        raise self.ground.error(node.at, f"{show(node)} is no position")

    def _reduced(self, node: Reduction, put: Put, depth: int) -> Array:
        for name in node.indices:
            if name in put or name in self.ground.arrays:
                raise self.ground.error(node.at, f"{name} means something already; choose another index")
        count, deeper = len(node.indices), depth + len(node.indices)
        # What it does not depend on would only make its grid larger.
        outside = [name for name in put if name in mentioned(node)]
        inner = {name: put[name].reshape(*put[name].shape, *([1] * count)) for name in outside}
        lengths = [self._run(node, name, inner) for name in node.indices]
        for at, (name, length) in enumerate(zip(node.indices, lengths, strict=True)):
            inner[name] = np.arange(length).reshape(*([1] * (depth + at)), length, *([1] * (count - 1 - at)))
        extents = np.broadcast_shapes(*(grid.shape for grid in inner.values()), (1,) * deeper)
        objects = self.ground.prime is not None or any(a.dtype == object for a in self.ground.arrays.values())
        if prod(extents) > (OBJECT_CELLS if objects else ARRAY_CELLS):
            raise TooLargeError(f"{show(node)} has too many terms to compute")
        taken = self._taken(node, inner, deeper)
        body = self.value(node.body, inner, deeper)
        shape = np.broadcast_shapes(extents, body.shape, np.shape(taken))
        body, taken = np.broadcast_to(body, shape), np.broadcast_to(taken, shape)
        return collected(node, body, taken, tuple(range(depth, deeper)))

    def _taken(self, node: Reduction, put: Put, depth: int) -> Any:
        """Which points of the grid a sum takes: its conditions, and the reads that bound an index alone."""
        taken: Any = True
        for condition in node.where:
            taken = taken & (self.value(condition, put, depth) != 0)
        for name in node.indices:
            if not alone(node.body, name) and not bounds(node.where, name):
                place = next(places(node.body, name))
                at, whole = self._form(place.form, put, self._spatial(place.read, place.axis))
                size = self._length(place.read, place.axis, place.part, place.count)
                taken = taken & whole & (at >= 0) & (at < size)
        return taken

    def _run(self, node: Reduction, name: str, put: Put) -> int:
        """More values than an index can take."""
        if alone(node.body, name):
            return self.longest(name, node.body, node.at)
        rest = {one: np.zeros((1,) * max((g.ndim for g in put.values()), default=0), dtype=np.int64)
                for one in node.indices}  # fmt: skip
        reach = 2
        if bounds(node.where, name):
            sides = [side for one in node.where if isinstance(one, Binary) for side in (one.left, one.right)]
            forms = [(side, 1) for side in sides]
        else:
            place = next(places(node.body, name), None)
            if place is None:
                message = f"{name} stands in no read of {show(node)}: say how far it runs, as in {node.kind}[{name}<3]"
                raise self.ground.error(node.at, message)
            forms = [(place.form, self._length(place.read, place.axis, place.part, place.count) + 1)]
        for form, size in forms:
            start, _ = self._form(undivided(form), {**put, **rest}, None)
            scale = prod(int(component(self.ground, d, None)) for d in divisors(form))
            reach += int(np.abs(start).max(initial=0)) + size * scale
        return reach
