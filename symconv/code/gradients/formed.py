"""From a sum of terms to the operator it is: sizes named, terms as reductions, sizes of the output defined."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from itertools import islice, product

from symconv.code.gradients import branches
from symconv.code.gradients.apart import summed_apart, times
from symconv.code.gradients.floors import without_floors
from symconv.code.gradients.formula import equation, fixed
from symconv.code.gradients.lets import Lets, several_times
from symconv.code.gradients.naming import batch_of, defined, divided, facts_about, named
from symconv.code.gradients.words import in_words, kinks_of, stated
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Apply, Const, Constraint, Expr, Index, Range, Read
from symconv.notation.operator import Definition, Operator, Statement, Tensor
from symconv.prove.language.labels import LABEL, is_selector
from symconv.prove.meaning.atoms import OF_SUM, PI, argument_of, is_atom, told_sum
from symconv.prove.meaning.extremes import is_first
from symconv.prove.meaning.indices import INDEX
from symconv.prove.meaning.value import Term, inside
from symconv.prove.meaning.whole_sums import KnownSum
from symconv.relation.sets import Context, System, implied
from symconv.relation.terms import Factor

__all__ = ["formed"]

_INDICES = "nfijkuvrst"
_INNER = "cpqabdeghlmoz"
_FRESH = re.compile(r"(?:e|floor)\d+_")


@dataclass(frozen=True, slots=True)
class _Names:
    """What sizes are called; equal sizes have one name."""

    put: Mapping[str, Affine]

    def form(self, form: Affine) -> Affine:
        return form.substitute(dict(self.put))

    @property
    def alone(self) -> bool:
        """Whether each name is a length, besides those that are multiples of it."""
        return {name for one in self.put.values() for name in one.names()} <= {one.name for one in self.put.values()}


def formed(name: str, read: branches.Read, over: bool = False) -> Operator | None:
    """The operator whose output is what was read; None where a term has a form that operators have not.

    With ``over`` it is in the form that kernels want.
    """
    for flat, parts in product((False, True), (of_groups, {}) if (of_groups := divided(read.value)) else ({},)):
        names = _Names(named(read.plain, read.region, parts, read.ties))
        if flat and not names.alone:
            continue
        if (found := _formed(name, read, names, over, flat)) is not None:
            return found
    return None


def _formed(name: str, read: branches.Read, names: _Names, over: bool, flat: bool) -> Operator | None:
    """The operator, with multiples of sizes as so many parts of an axis, or ``flat``."""
    value, sizes, known = read.value, read.sizes, read.known
    taken = {n for form in names.put.values() for n in form.names()}
    definitions, indices = list[Definition](), list[str]()

    def length(form: Affine) -> Affine:
        return defined(form, taken, definitions, sizes) if form.constant or len(form.terms) > 1 else form

    inputs = tuple(
        Tensor(t, tuple(tuple(map(length, _axis(s, read, names, flat))) for s in row),
               LABEL if is_selector(t) else "real")
        for t, row in sizes.items()
    )  # fmt: skip
    axes: list[tuple[Affine, ...]] = []
    letters = iter(_free_of(_INDICES, sizes))
    put: dict[str, Affine] = {}
    for one, group in zip(value.axes, value.names, strict=True):
        held = iter(group)
        row = []
        for size in one.sizes or (affine(1),):
            row.append(defined(names.form(size), taken, definitions, sizes))
            letter = next(letters, None)
            if letter is None:
                return None
            indices.append(letter)
            if one.sizes:
                put[next(held)] = var(indices[-1])
        axes.append(tuple(row))
    limits = [
        c
        for index, size in zip(indices, (s for row in axes for s in row), strict=True)
        for c in inside(var(index), size)
    ]
    facts = facts_about(taken, definitions, [c.substitute(dict(names.put)) for c in (*read.indexed, *read.whole)])
    try:
        kinks = kinks_of(one.function for one in known)
        groups = {t: tuple(len(read.axis(size)) for size in row) for t, row in sizes.items()}
        lets = Lets(several_times(value.terms, known), frozenset(t.name for t in inputs))
        extents = dict(zip(indices, (size for row in axes for size in row), strict=True))
        cell = _Cell(facts, tuple(limits), tuple(indices), tuple(known), {t.name: t.axes for t in inputs}, kinks,
                     over, groups, extents, lets)  # fmt: skip
        expr = _total(value.terms, put, names, cell)
    except _Unknown:
        return None
    # Labels and targets are often called y.
    likely = ("y", "out") if axes else ("loss", "out") if any(map(is_selector, sizes)) else ("y", "loss", "out")
    output = next((name for name in likely if name not in sizes), "result")
    statements = (*lets.statements, Statement(Tensor(output, tuple(axes)), tuple(indices), expr))
    batch = batch_of(axes, inputs)
    shapes = {t.name: t.axes for t in inputs} | lets.axes
    source = "; ".join(equation(one, shapes) for one in statements) + fixed(inputs, statements)
    return Operator(name, inputs, statements, tuple(definitions), batch=batch, kinks=stated(kinks), source=source)


def _free_of(letters: str, taken: Collection[str]) -> list[str]:
    """Letters that are no names of tensors, nor of other indices."""
    return [letter for letter in letters if letter not in taken]


class _Unknown(Exception):  # noqa: N818
    """A term that no operator has."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """What holds of the sizes, the limits of the indices in sight, and these; the sums of functions; axes; kinks."""

    facts: Context
    around: tuple[Constraint, ...]
    indices: tuple[str, ...]
    known: tuple[KnownSum, ...]
    axes: Mapping[str, tuple[tuple[Affine, ...], ...]]
    kinks: Mapping[str, str]
    over: bool
    groups: Mapping[str, tuple[int, ...]]
    extents: Mapping[str, Affine]
    lets: Lets

    def place(self, tensor: str, index: Sequence[Affine]) -> tuple[Affine, ...]:
        """The index of an element, with two numbers for an axis that is a number of parts."""
        place: list[Affine] = []
        if tensor not in self.axes:  # memory that was never set
            raise _Unknown
        rest = iter(index)
        for axis, count in zip(self.axes[tensor], self.groups[tensor], strict=True):
            forms = [*islice(rest, count)]
            place += forms if len(forms) == len(axis) else self._of_part(forms[0], axis[1], axis[0].constant)
        return tuple(place)

    def _of_part(self, form: Affine, length: Affine, count: int) -> list[Affine]:
        system = System(self.indices, self.around)
        for part in range(count):
            within = form - length * part
            if all(implied(self.facts, system, one) for one in inside(within, length)):
                return [affine(part), within]
        raise _Unknown


def _axis(size: str, read: branches.Read, names: _Names, flat: bool) -> tuple[Affine, ...]:
    if len(lengths := read.axis(size)) > 1:
        return tuple(map(names.form, lengths))
    form = names.form(var(size))
    return (form,) if flat else _parts(form)


def _parts(size: Affine) -> tuple[Affine, ...]:
    """An axis: a multiple of a size is so many parts of it."""
    match size.terms:
        case ((str() as name, count),) if count > 1 and not size.constant:
            return affine(count), var(name)
    return (size,)


def _total(terms: Sequence[Term], put: Mapping[str, Affine], names: _Names, cell: _Cell) -> Expr:
    found: Expr | None = None
    for term in terms:
        less = term.coefficient < 0 and (found is not None or bool(term.factors))
        part = _expression(replace(term, coefficient=-term.coefficient) if less else term, put, names, cell)
        if part is not None and found is None:
            found = Apply("neg", (part,)) if less else part
        elif part is not None and found is not None:
            found = Apply("sub" if less else "add", (found, part))
    return Const(Fraction(0)) if found is None else found


def _expression(term: Term, put: Mapping[str, Affine], names: _Names, cell: _Cell) -> Expr | None:
    """A term as an expression; None for one that is nowhere."""
    if term.tables or (without := without_floors(term, tuple(put), cell.axes)) is None:
        raise _Unknown
    term, lengths = without
    inner = iter(_free_of(_INNER, (*cell.indices, *cell.axes)))
    ranges = []
    mine = dict(put)
    for bound in term.bound:
        letter = next(inner, None)
        if letter is None:
            raise _Unknown
        mine[bound] = var(letter)
    where = list(term.where)
    for bound in term.bound:
        extent = lengths[bound] if bound in lengths else _extent(bound, where)
        shown = names.form(extent).substitute(mine)
        most = shown if bound in lengths else _at_most(shown, cell.extents)
        # A length that depends on an index stays a condition of the sum over as many as it can be.
        limits = inside(var(bound), extent) if most == shown else (Constraint(var(bound)),)
        where = [c for c in where if c not in limits]
        ranges.append(Range(str(mine[bound].name), most))

    def at(form: Affine) -> Affine:
        return names.form(form.substitute(mine))

    around = (*cell.around, *(c for one in ranges for c in inside(var(one.name), one.extent)))
    dims = (*cell.indices, *(one.name for one in ranges))
    extents = {**cell.extents, **{one.name: one.extent for one in ranges if not one.extent.names() & {*dims}}}
    inside_ = replace(cell, around=around, indices=dims, extents=extents)
    if any(implied(cell.facts, System(dims, around), Constraint(-at(c.form) - 1)) for c in where if not c.equality):
        return None
    factors = [_factor(factor, at, names, inside_) for factor in term.factors]
    conditions = tuple(dict.fromkeys(Constraint(at(c.form), c.equality) for c in where))
    conditions = tuple(c for c in conditions if not implied(cell.facts, System(dims, around), c))
    if implied(cell.facts, System(dims, (*around, *conditions)), Constraint(affine(-1))):
        return None
    return summed_apart(_scaled(term, names), ranges, factors, conditions, cell.over)


def _scaled(term: Term, names: _Names) -> Expr | None:
    body: Expr | None = None if term.coefficient == 1 else Const(term.coefficient)
    for form, power in term.scale:
        for _ in range(abs(power)):
            number = Index(names.form(form))
            body = times(body, number) if power > 0 else Apply("div", (body or Const(Fraction(1)), number))
    return body


def _extent(bound: str, where: Sequence[Constraint]) -> Affine:
    """The length of the range of a summation index."""
    low = Constraint(var(bound))
    highs = [c.form + var(bound) + 1 for c in where if not c.equality and c.form.coefficient(bound) == -1]
    plain = [form for form in highs if not any(n == bound or _FRESH.fullmatch(n) for n in form.names())]
    plain += [form for form in highs if bound not in form.names()]
    if low not in where or not plain:
        raise _Unknown
    return plain[0]


def _at_most(extent: Affine, extents: Mapping[str, Affine]) -> Affine:
    """The most that a length can be which depends on indices: ``T`` where one of ``t < T`` sums over ``u <= t``."""
    for name in sorted(extent.names() & extents.keys()):
        if extent.coefficient(name) < 0:
            raise _Unknown
        extent = extent.substitute({name: extents[name] - 1})
    return extent


def _factor(factor: Factor, at: Callable[[Affine], Affine], names: _Names, cell: _Cell) -> Expr:
    index = [at(form) for form in factor.index]
    if factor.tensor == INDEX:
        return Index(index[0])
    if factor.tensor == PI or not is_atom(factor.tensor):
        return Apply("pi", ()) if factor.tensor == PI else Read(factor.tensor, cell.place(factor.tensor, index))
    if OF_SUM in factor.tensor:
        function, number = told_sum(factor.tensor) or ("", len(cell.known))
        if number >= len(cell.known) or is_first(function):
            raise _Unknown
        one = cell.known[number]
        if (found := _let(number, index, function, names, cell)) is not None:
            return found
        mine = dict(zip(one.names, index, strict=True))
        return _applied(function, cell, *(_total(terms, mine, names, cell) for terms in one.arguments))
    argument = argument_of(replace(factor, index=tuple(index)))
    if argument is None:
        raise _Unknown
    total = reduce(lambda left, right: Apply("add", (left, right)), (_product(one, names, cell) for one in argument))
    return _applied(factor.tensor.partition("(")[0], cell, total)


def _let(number: int, index: Sequence[Affine], function: str, names: _Names, cell: _Cell) -> Expr | None:
    """What a statement of its own computes, where there is one for this function of a sum."""
    one = cell.known[number]

    def written(own: tuple[str, ...], sizes: tuple[Affine, ...]) -> Expr:
        limits = tuple(c for name, size in zip(own, sizes, strict=True) for c in inside(var(name), size))
        within = replace(cell, around=limits, indices=own, extents=dict(zip(own, sizes, strict=True)))
        mine = dict(zip(one.names, map(var, own), strict=True))
        return _applied(function, within, *(_total(terms, mine, names, within) for terms in one.arguments))

    return cell.lets.read(number, index, cell.extents, iter(_free_of(_INDICES, cell.axes)), written)


def _product(term: Term, names: _Names, cell: _Cell) -> Expr:
    """A product of elements that a function is of."""
    body = _scaled(replace(term, factors=()), names)
    for one in term.factors:
        body = times(body, Read(one.tensor, cell.place(one.tensor, one.index)))
    return body or Const(Fraction(1))


def _applied(function: str, cell: _Cell, *arguments: Expr) -> Expr:
    if (found := in_words(function, arguments, cell.kinks)) is None:
        raise _Unknown
    return found
