"""Index notation in claims: equations over indices as sums of products of reads.

A read outside its array is 0, and so is one at a position that is no whole number. An index of a sum counts from 0. It
runs over the longest axis that it stands alone on, and under the conditions that come with it; where it stands alone
nowhere and no condition bounds it, over the positions at which the first read it stands in is inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import prod

from symconv.limits import FACTORS
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint, nonnegative
from symconv.notation.grammar import COMPARISONS
from symconv.prove.language.defined_sums import of_elements
from symconv.prove.language.lengths import COUNTS
from symconv.prove.language.places import Place, alone, bounds, how_far, names_of, places
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
from symconv.prove.meaning.addresses import Position, flat, read_at
from symconv.prove.meaning.amounts import amount, as_product
from symconv.prove.meaning.divisors import NOTHING, mapped_terms, to_power
from symconv.prove.meaning.functions import applied
from symconv.prove.meaning.indices import number_terms
from symconv.prove.meaning.positions import as_term, compared, position
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.value import (
    Axis,
    Product,
    Term,
    Value,
    axis,
    bound_over,
    build,
    inside,
    multiplied,
    scaled,
)
from symconv.prove.meaning.windowed import check_new, extremes, few, first

__all__ = ["indexed"]

_ONE = Term(Fraction(1), (), ())
_REAL = {"maximum": "max", "minimum": "min"}

Array = Callable[[Node], Value]
Put = Mapping[str, Affine]
Limits = tuple[Constraint, ...]


def indexed(scope: Scope, equation: Equation, axes: Sequence[Axis] | None, array: Array) -> Value:
    """The array that an equation in index notation defines, over ``axes`` or, for an intermediate, over those found.

    ``array`` says what an expression without indices denotes. Raises SpecError where the equation is unusable,
    Undecided where the method ends.
    """
    indices = equation.indices or ()
    reader = _Reader(scope, array)
    if axes is None:
        axes = [axis(*(reader.length(name, equation) for name in names_of(item))) for item in indices]
    if len(indices) != len(axes):
        shape = Value(tuple(axes), (), ())
        raise scope.error(equation.at, f"{equation.name} has {len(axes)} axes, {shape}; given {len(indices)} indices")
    whole = tuple(axes)

    def body(*groups: tuple[Affine, ...]) -> Iterator[Term]:
        limits = tuple(c for one, group in zip(whole, groups, strict=True)
                       for form, size in zip(group, one.sizes, strict=True) for c in inside(form, size))  # fmt: skip
        options = [reader.meanings(*axis) for axis in zip(indices, whole, groups, strict=True)]
        for chosen in product(*options):
            where = tuple(c for part, _ in chosen for c in part)
            put = {name: form for _, part in chosen for name, form in part.items()}
            yield from (term.under(*where) for term in reader.terms(equation.body, put, (*limits, *where)))

    return build(scope.fresh, whole, body)


@dataclass(frozen=True, slots=True)
class _Reader:
    scope: Scope
    array: Array

    def meanings(self, item: Node, one: Axis, group: tuple[Affine, ...]) -> list[tuple[Limits, dict[str, Affine]]]:
        """What the names of one index of the side stand for, in terms of the logical indices of its axis."""
        names = names_of(item)
        if len(names) == 1:
            return [(where, {names[0]: position}) for where, position in flat(one, group)]
        if len(names) != len(group):
            raise self.scope.error(item.at, f"{show(item)} are {len(names)} indices on an axis of {one}")
        return [((), dict(zip(names, group, strict=True)))]

    def length(self, name: str, equation: Equation) -> Affine:
        """How far an index of an intermediate runs: as stated, or along the longest axis that it stands alone on."""
        if (stated := dict(equation.lengths).get(name)) is None:
            return self.longest(name, equation.body, equation.at)
        form, exact = position(self.scope, stated, {}, None)
        if exact:
            raise Undecided(f"{show(stated)} is no whole number for all sizes")
        return form if self.scope.decide(nonnegative(form)) else affine(0)

    def longest(self, name: str, body: Node, at: int) -> Affine:
        """The longest axis that an index stands alone on."""
        found = [self._size(place) for place in alone(body, name)]
        if not found:
            raise self.scope.error(at, how_far(name))
        most = found[0]
        for size in found[1:]:
            if size != most and not self.scope.decide(nonnegative(most - size)):
                most = size
        return most

    def _size(self, place: Place) -> Affine:
        axes = self._value(place.read).axes
        one = axes[place.axis]
        size = one.size if not place.count else one.sizes[place.part] if place.count == len(one.sizes) else None
        if size is None:
            raise Undecided(f"{show(place.read)}: an index runs over a product of sizes, {one}")
        return size

    def _value(self, read: Sliced) -> Value:
        value = self.array(read.value)
        if len(read.items) != value.rank or not all(isinstance(i, Pick) and i.value is not None for i in read.items):
            raise self.scope.error(
                read.at, f"{show(read)}: {show(read.value)} has {value.rank} axes, and wants an index for each"
            )
        return value

    def terms(self, node: Node, put: Put, limits: Limits) -> list[Term]:
        """The terms of an expression whose indices mean ``put``, wherever ``limits`` hold."""
        match node:
            case Number(value):
                return [Term(value, (), ())] if value else []
            case Sliced():
                return list(self._read(node, put))
            case Reduction():
                return list(self._reduced(node, put, limits))
            case Binary():
                return self._binary(node, put, limits)
            case Call(function, arguments, ()) if canonical(function) in {*ELEMENTWISE, "where"}:
                given = [self.terms(one, put, limits) for one in arguments]
                word = canonical(function)
                return mapped_terms(self.scope, _REAL.get(word, word), given, limits)
            case Call() if (meant := of_elements(node, self.scope.error)) is not None:
                return self.terms(meant, put, limits)
            case Name(name) if name in put:
                return number_terms(put[name], self.scope.region.context.sizes)
            case Name(name) if name in self.scope.names.tensors:
                held = self.array(node)
                if held.rank:
                    raise self.scope.error(node.at, f"{name} has {held.rank} axes: index it, as in {name}[...]")
                return list(read_at(self.scope.fresh, held, ()))
            case Name() | Call("size", _):
                return [as_term(amount(self.scope, node))]
            case Call(function, (_,), ()) if canonical(function) in COUNTS:
                return [as_term(amount(self.scope, node))]
        message = f"{show(node)} stands among indices; words of arrays are indexed too, as in flip(w)[f,c,p,q]"
        raise self.scope.error(node.at, message)

    def _binary(self, node: Binary, put: Put, limits: Limits) -> list[Term]:
        if node.op in COMPARISONS:
            return list(self._condition(node, put, limits))
        if node.op in {"//", "%"} and self._is_number(node, put):
            return [as_term(amount(self.scope, node))]
        if node.op in {"//", "%"}:
            raise Undecided(f"{show(node)} stands where a number is wanted")
        left = self.terms(node.left, put, limits)
        match node.op:
            case "+" | "-":
                right = self.terms(node.right, put, limits)
                return [*left, *scaled(right, Fraction(1 if node.op == "+" else -1))]
            case "*":
                return list(multiplied(left or [NOTHING], self.terms(node.right, put, limits) or [NOTHING]))
            case "/":
                return list(multiplied(left or [NOTHING], self._inverse(node.right, put, limits)))
            case "**":
                return to_power(self.scope, left, as_product(amount(self.scope, node.right)), limits)
        raise self.scope.error(node.at, f"{show(node)}: '{node.op}' does not join elements")

    def _is_number(self, node: Node, put: Put) -> bool:
        """Whether an expression is made of numbers and sizes alone, without indices."""
        parts = [one for one in walk(node) if not isinstance(one, Binary)]
        return all(isinstance(one, Number) or (isinstance(one, Name) and one.name not in put) for one in parts) and (
            names_in(node) <= {*self.scope.names.sizes, *self.scope.names.vectors}
        )

    def _inverse(self, node: Node, put: Put, limits: Limits) -> list[Term]:
        """One over an expression, factor by factor."""
        match node:
            case Binary("*", a, b):
                return list(multiplied(self._inverse(a, put, limits), self._inverse(b, put, limits)))
            case Binary("**", a, b) if (power := as_product(amount(self.scope, b))).coefficient.denominator <= 2:
                return to_power(self.scope, self._inverse(a, put, limits), power, limits)
        terms = self.terms(node, put, limits)
        if not terms:
            raise self.scope.error(node.at, f"{show(node)} is 0, and divides")
        return mapped_terms(self.scope, "reciprocal", [terms], limits)

    def _condition(self, node: Binary, put: Put, limits: Limits) -> Iterator[Term]:
        """1 where a comparison holds: of positions by constraints, of elements by their signs."""
        for one, other in ((node.left, node.right), (node.right, node.left)):
            found_at = node.op == "==" and isinstance(one, Reduction) and one.kind in {"argmax", "argmin"}
            if found_at and isinstance(one, Reduction) and self._is_position(other, put):
                at, exact = position(self.scope, other, put, None)
                element, taps, within = self._window(one, put, limits)
                yield from (t.under(*exact) for t in first(self.scope, one, element, taps, at, within, limits))
                return
        if not (self._is_position(node.left, put) and self._is_position(node.right, put)):
            given = [self.terms(side, put, limits) for side in (node.left, node.right)]
            yield from applied(COMPARISONS[node.op], given, limits, self.scope.of_sum)
            return
        (a, exact), (b, whole) = (position(self.scope, side, put, None) for side in (node.left, node.right))
        for constraint in compared(node.op, a - b):
            yield _ONE.under(constraint, *exact, *whole)

    def _is_position(self, node: Node, put: Put) -> bool:
        parts = [one for one in walk(node) if not isinstance(one, Binary)]
        known = {*put, *self.scope.names.sizes, *self.scope.names.vectors}
        return all(
            isinstance(one, Call | Number) or (isinstance(one, Name) and one.name in known) for one in parts
        ) and all(one.function == "size" for one in parts if isinstance(one, Call))

    def _reduced(self, node: Reduction, put: Put, limits: Limits) -> Iterator[Term]:
        match node.kind:
            case "prod":
                check_new(self.scope, node, put)
                if (counted := self._few(node)) is not None:
                    yield from few(counted, put, limits, self.terms)
                else:
                    yield from extremes(self.scope, node, *self._window(node, put, limits), limits)
                return
            case "max" | "min":
                yield from extremes(self.scope, node, *self._window(node, put, limits), limits)
                return
            case "argmax" | "argmin":
                raise Undecided(f"{show(node)} is not compared with an index")
        fresh, inner, own = self._taps(node, put)
        result = [_ONE]
        for condition in node.where:
            result = list(multiplied(result, self.terms(condition, inner, limits)))
        plain = tuple(c for one in result for c in one.where) if len(result) == 1 else ()
        result = list(multiplied(result, self.terms(node.body, inner, (*limits, *own, *plain))))
        if node.kind == "mean":
            if node.where or not all(alone(node.body, name) for name in node.indices):
                raise Undecided(f"{show(node)}: how many cells this mean is over is no product of sizes")
            lengths = (as_product(self.longest(name, node.body, node.at)) for name in node.indices)
            share = prod(lengths, start=Product(Fraction(1))).inverse()
            result = list(scaled(result, share.coefficient, share.monomial))
        for term in bound_over(result, fresh):
            yield term.under(*own)

    def _few(self, node: Reduction) -> Reduction | None:
        """A product that has few factors for all sizes, or as many as its conditions leave, under conditions."""
        if node.where:
            return node
        each = [(name, self.scope.known(self.longest(name, node.body, node.at))) for name in node.indices]
        if prod(length if length is not None else FACTORS + 1 for _, length in each) > FACTORS:
            return None
        return replace(node, where=tuple(Binary("<", Name(n), Number(Fraction(length or 0))) for n, length in each))

    def _taps(self, node: Reduction, put: Put) -> tuple[tuple[str, ...], dict[str, Affine], Limits]:
        """New names for the indices of a reduction, what all indices stand for, and what keeps the new ones in."""
        check_new(self.scope, node, put)
        fresh = {name: self.scope.fresh() for name in node.indices}
        inner = {**put, **{name: var(new) for name, new in fresh.items()}}
        within: list[Constraint] = []
        for name in node.indices:
            within.append(nonnegative(inner[name]))
            if alone(node.body, name):
                within.append(nonnegative(self.longest(name, node.body, node.at) - 1 - inner[name]))
            elif not bounds(node.where, name):
                within += self._around(node, name, inner)
        return tuple(fresh.values()), inner, tuple(within)

    def _window(self, node: Reduction, put: Put, limits: Limits) -> tuple[list[Term], tuple[str, ...], Limits]:
        """The element of a reduction, its taps, and what these are kept within."""
        taps, inner, within = self._taps(node, put)
        for condition in node.where:
            holds = self.terms(condition, inner, limits)
            if len(holds) != 1 or replace(holds[0], where=()) != _ONE:
                raise Undecided(f"{show(node)}: a condition on elements")
            within = (*within, *holds[0].where)
        element = self.terms(node.body, inner, (*limits, *within))
        return element, taps, within

    def _around(self, node: Reduction, name: str, put: Put) -> Limits:
        """That the first read an index stands in is inside its array."""
        place = next(places(node.body, name), None)
        if place is None:
            message = f"{name} stands in no read of {show(node)}: say how far it runs, as in {node.kind}[{name}<3]"
            raise self.scope.error(node.at, message)
        form, exact = position(self.scope, place.form, put, self._spatial(place.read, place.axis))
        return (*inside(form, self._size(place)), *exact)

    def _read(self, node: Sliced, put: Put) -> Iterator[Term]:
        value = self._value(node)
        positions: list[Position] = []
        where: list[Constraint] = []
        for at, item in enumerate(node.items):
            assert isinstance(item, Pick) and item.value is not None
            parts = item.value.items if isinstance(item.value, Tuple) else (item.value,)
            found = [position(self.scope, part, put, self._spatial(node, at)) for part in parts]
            where += [c for _, exact in found for c in exact]
            if len(parts) > 1 and len(parts) != len(value.axes[at].sizes):
                raise self.scope.error(item.value.at, f"{show(item.value)}: the axis is {value.axes[at]}")
            positions.append(tuple(form for form, _ in found) if isinstance(item.value, Tuple) else found[0][0])
        for term in read_at(self.scope.fresh, value, positions):
            yield term.under(*where)

    def _spatial(self, read: Sliced, at: int) -> int | None:
        """Which spatial axis of the operator an axis of a tensor is: the one whose stride ``s`` means there."""
        return self.scope.names.facts.spatial(
            read.value.name if isinstance(read.value, Name) else "", at, len(read.items)
        )
