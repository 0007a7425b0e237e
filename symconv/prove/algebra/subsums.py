"""Sums over indices as variables: what does not depend on an index stands outside, and names have one order.

So ``sum(x - mean(x))`` is 0, and a sum that is written twice, in another order or from another end, is one variable.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import islice, product

from symconv.limits import ALGEBRA_ORDERS
from symconv.notation.affine import Affine, var
from symconv.notation.expr import Constraint
from symconv.prove.algebra.field import Field
from symconv.prove.algebra.laws import BY_EXPONENTIALS, exponentials, turned
from symconv.prove.algebra.orders import orders
from symconv.prove.algebra.variables import (
    ONE,
    ROOT,
    WHERE,
    Applied,
    Base,
    Element,
    Holds,
    Monomial,
    Polynomial,
    Summed,
    Whole,
    added,
    application,
    constant,
    element,
    frozen,
    holds,
    summed,
    thawed,
)
from symconv.prove.meaning.value import inside
from symconv.relation.terms import Undecided

__all__ = ["Sums", "extents_of"]


class Sums:
    """A field with sums; ``counts`` says whether a form over sizes is never negative, ``size_of`` what it is.

    With ``laws`` functions that exponentials say are written by them. Of selectors ``labels`` says the lengths.
    """

    def __init__(self, field: Field, counts: Callable[[Affine], bool], size_of: Callable[[Affine], Polynomial],
                 laws: bool = True, labels: Mapping[str, tuple[Affine, ...]] | None = None) -> None:  # fmt: skip
        self.field = field
        self.laws = laws
        self.labels = labels or {}
        self.counts = counts
        self.size_of = size_of
        self.positive: Mapping[Base, frozenset[Constraint]] = {}
        self.facts: Collection[Constraint] = ()
        self.moved: dict[tuple[Base, Fraction, tuple[tuple[str, Affine], ...], Collection[Constraint]], Polynomial] = {}

    def applied(self, function: str, argument: Polynomial) -> Polynomial:
        """A function of a polynomial."""
        match function:
            case "reciprocal":
                return self.field.power(argument, Fraction(-1))
            case "sqrt":
                return self.field.power(argument, Fraction(1, 2))
            case "exp":
                return self.field.exponential(argument)
            case "log":
                return self.field.logarithm(argument)
            case _ if function.startswith("power "):
                return self.field.power(argument, Fraction(function.removeprefix("power ")))
            case "step" if (known := self._sign(argument)) is not None:
                return constant(Fraction(known > 0))
            case _ if self.laws and function in BY_EXPONENTIALS:
                return exponentials(self.field, function, argument)
        return turned(function, argument)

    def _sign(self, argument: Polynomial) -> int | None:
        """1 for what is plainly positive or was said to be where the facts hold, -1 for its opposite."""
        for sign in (1, -1):
            one = self.field.root_of(added(self.field.times(argument, constant(Fraction(sign)))))
            where = frozenset() if one is None else self.positive.get(application(ROOT, frozen(one)))
            if where is not None and where.issubset(self.facts):
                return sign
        return None

    def total(self, polynomial: Polynomial, names: Sequence[str]) -> Polynomial:
        """The polynomial summed over all integers ``names``, which its conditions bound."""
        parts = []
        for monomial, value in polynomial.items():
            part = constant(value)
            for group, bases in _components(monomial, names):
                part = self.field.times(part, self._component(group, bases) if group else {bases: Fraction(1)})
            parts.append(part)
        return added(*parts)

    def _component(self, names: tuple[str, ...], body: Monomial) -> Polynomial:
        if not body:
            raise Undecided("a sum in the algebra of both sides has no bounds")
        if (label := self._whole_row(names, body)) is not None:
            # Each row of a selector sums to 1.
            rest = tuple(one for one in body if label not in one[0].names)
            return self.total({rest: Fraction(1)}, tuple(name for name in names if name != label))
        counted = self._count(names, body)
        if counted is not None:
            return counted
        found: dict[str, Polynomial] = {}
        for put, new in islice(self._written(names, body), ALGEBRA_ORDERS):
            renamed = self.renamed({body: Fraction(1)}, put)
            if len(renamed) == 1:
                ((other, value),) = renamed.items()
                base = summed(new, other)
                found[base.text] = {((base, Fraction(1)),): value}
        if not found:
            raise Undecided("a sum in the algebra of both sides has no one form")
        return found[min(found)]

    def _whole_row(self, names: Sequence[str], body: Monomial) -> str | None:
        """A name over all classes of a selector that nothing else is asked for at; None where there is none."""
        for base, power in body if self.labels else ():
            match base.node:
                case Element(tensor, (*row, place)) if tensor in self.labels and place.name in names and power == 1:
                    label = str(place.name)
                    bounds = {holds(one).text for one in inside(var(label), self.labels[tensor][-1])}
                    met = [one for one, _ in body if one is not base and label in one.names]
                    if not any(label in form.names() for form in row) and {one.text for one in met} == bounds:
                        return label
        return None

    def _count(self, names: tuple[str, ...], body: Monomial) -> Polynomial | None:
        """How many values one name has, where that is a form that is never negative."""
        extents = extents_of(names, body)
        return self.size_of(extents[0]) if len(extents) == 1 and self.counts(extents[0]) else None

    def located(
        self, base: Base, conditions: Sequence[Constraint], names: Sequence[str]
    ) -> tuple[Base, list[tuple[tuple[str, ...], Monomial]]]:
        """What is asked for of a term, with the range of the names that stand in it; and the ranges of other names."""
        product = self.field.times(*map(self.condition, conditions), {((base, Fraction(1)),): Fraction(1)})
        ((monomial, _),) = product.items()
        (_, free), *groups = _components(monomial, names)
        others = [(group, bases) for group, bases in groups if all(one is not base for one, _ in bases)]
        mine = [self._component(group, bases) for group, bases in groups if (group, bases) not in others]
        if not mine and len(free) == 1:
            return base, others
        return application(WHERE, frozen(self.field.times({free: Fraction(1)}, *mine))), others

    def _written(self, names: tuple[str, ...], body: Monomial) -> Iterator[tuple[dict[str, Affine], tuple[str, ...]]]:
        """Ways to write a sum: which index stands alone in which place, and in which order they are named."""
        depth = _depth(body)
        new = tuple(f"#{depth}.{k}" for k in range(len(names)))
        forms = tuple(dict.fromkeys(form for index in _indices(body) for form in index))
        anchors = [_anchors(name, names, forms) or [(1, Affine())] for name in names]
        for chosen in product(*anchors):
            at = dict(zip(names, chosen, strict=True))
            moved = {n: (var(n) - rest) * sign for n, (sign, rest) in at.items() if sign != 1 or rest != Affine()}
            for order in orders(names, body, moved):
                own = zip(order, new, strict=True)
                yield {name: (var(other) - at[name][1]) * at[name][0] for name, other in own}, new

    def renamed(self, polynomial: Polynomial, put: Mapping[str, Affine]) -> Polynomial:
        """The polynomial with index names replaced."""
        parts = []
        for monomial, value in polynomial.items():
            moved = [(base, power) for base, power in monomial if not base.names.isdisjoint(put)]
            kept: Polynomial = {tuple(one for one in monomial if one not in moved): value}
            parts.append(self.field.times(kept, *(self._known(base, power, put) for base, power in moved)))
        return added(*parts)

    def _known(self, base: Base, power: Fraction, put: Mapping[str, Affine]) -> Polynomial:
        """What becomes of a power, once for each way to replace the names in it: a sum in a function is in many."""
        own = tuple((name, put[name]) for name in sorted(base.names & put.keys()))
        # What holds here is asked for by steps alone.
        facts = frozenset(self.facts) if self.positive and "step(" in base.text else ()
        key = base, power, own, facts
        if key not in self.moved:
            self.moved[key] = self._moved(base, power, put)
        return self.moved[key]

    def _moved(self, base: Base, power: Fraction, put: Mapping[str, Affine]) -> Polynomial:
        match base.node:
            case Element(tensor, index):
                return {((element(tensor, tuple(form.substitute(dict(put)) for form in index)), power),): Fraction(1)}
            case Holds(condition):
                return self.condition(condition.substitute(dict(put)))
            case Applied(function, argument):
                return self.field.power(self.applied(function, self.renamed(thawed(argument), put)), power)
            case Whole(argument, _):
                return self.field.power(self.renamed(thawed(argument), put), power)
            case Summed(names, body):
                inner = self.total(self.renamed({body: Fraction(1)}, put), names)
                return self.field.power(inner, power)
        return {((base, power),): Fraction(1)}

    def condition(self, condition: Constraint) -> Polynomial:
        """A condition as a factor."""
        if condition.form.is_constant:
            number = condition.form.constant
            return ONE if (number == 0 if condition.equality else number >= 0) else {}
        return {((holds(condition), Fraction(1)),): Fraction(1)}


def extents_of(names: tuple[str, ...], body: Monomial) -> list[Affine]:
    """How many values one name has between each two of its bounds, the least of which is how many it has.

    None are known where there is more than bounds.
    """
    if len(names) != 1 or not all(isinstance(base.node, Holds) for base, _ in body):
        return []
    name = names[0]
    conditions = [base.node.condition for base, _ in body if isinstance(base.node, Holds)]
    if any(one.equality or abs(one.form.coefficient(name)) != 1 for one in conditions):
        return []
    first, last = ([one.form for one in conditions if one.form.coefficient(name) == sign] for sign in (1, -1))
    extents = [low + high + 1 for low in first for high in last]
    return [] if any(name in one.names() for one in extents) else extents


def _components(monomial: Monomial, names: Sequence[str]) -> list[tuple[tuple[str, ...], Monomial]]:
    """The factors by the names they share; those without any come with no names."""
    groups: list[tuple[set[str], list[tuple[Base, Fraction]]]] = [({name}, []) for name in names]
    outside: list[tuple[Base, Fraction]] = []
    for one in monomial:
        mine = [group for group in groups if group[0] & one[0].names]
        if not mine:
            outside.append(one)
            continue
        first = mine[0]
        for other in mine[1:]:
            first[0].update(other[0])
            first[1].extend(other[1])
            groups.remove(other)
        first[1].append(one)
    ordered = [
        (tuple(name for name in names if name in group), tuple(sorted(bases, key=lambda item: item[0].text)))
        for group, bases in groups
    ]
    return [((), tuple(outside)), *ordered]


def _depth(body: Monomial) -> int:
    """How deep sums stand in sums; each depth has names of its own."""
    return 1 + max((_inside(base) for base, _ in body), default=0)


@lru_cache(maxsize=8192)
def _inside(base: Base) -> int:
    match base.node:
        case Summed(_, body):
            return _depth(body)
        case Applied(_, argument) | Whole(argument, _):
            return max((_inside(one) for monomial, _ in argument for one, _ in monomial), default=0)
    return 0


def _anchors(name: str, names: Sequence[str], forms: Sequence[Affine]) -> list[tuple[int, Affine]]:
    """Where a name stands in an element with nothing that is summed over: its sign there, and the rest."""
    found: dict[tuple[int, str], tuple[int, Affine]] = {}
    for form in forms:
        sign = form.coefficient(name)
        if abs(sign) == 1:
            rest = form - var(name) * sign
            if rest.names().isdisjoint(names) and not any("#" in one for one in rest.names()):
                found[sign, str(rest)] = (sign, rest)
    return [found[key] for key in sorted(found, key=str)]


def _indices(body: Monomial) -> Iterator[tuple[Affine, ...]]:
    for base, _ in body:
        match base.node:
            case Element(_, index):
                yield index
            case Applied(_, argument) | Whole(argument, _):
                for monomial, _ in argument:
                    yield from _indices(monomial)
            case Summed(_, inner):
                yield from _indices(inner)
