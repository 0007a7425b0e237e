"""What is true: the derived gradient, or the forward formula, as a sum of products of reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from symconv.derive.adjoint import adjoint
from symconv.derive.borders import resolve_borders
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Apply, Const, Constraint, Expr, Index, Read, Reduce, transform
from symconv.notation.grammar import COMPARISONS
from symconv.notation.operator import Operator, Statement, Tensor
from symconv.notation.tables import table_of
from symconv.prove.language.facts import Facts, facts_of
from symconv.prove.language.labels import LABEL
from symconv.prove.meaning.amounts import as_product
from symconv.prove.meaning.arrays import tensor
from symconv.prove.meaning.atoms import pi_value
from symconv.prove.meaning.extremes import extreme, first_extreme, tapped
from symconv.prove.meaning.factors import multiplied_out
from symconv.prove.meaning.functions import applied, powered
from symconv.prove.meaning.indices import number_terms
from symconv.prove.meaning.polynomial import vanishes_with
from symconv.prove.meaning.positions import compared
from symconv.prove.meaning.scope import Names, Scope, Undecided
from symconv.prove.meaning.selectors import without_labels
from symconv.prove.meaning.value import (
    Amount,
    Axis,
    Factor,
    Pair,
    Product,
    Term,
    Value,
    axis,
    build,
    inside,
    multiplied,
    scaled,
)
from symconv.relation.collecting import collected
from symconv.relation.tables import domains
from symconv.relation.terms import Table

_COMPARED = {name: sign for sign, name in COMPARISONS.items()}

__all__ = ["axes_of", "expanded", "names_of", "sides_of", "truth"]


def sides_of(op: Operator) -> tuple[str, ...]:
    """What claims about an operator can be made for: its gradients and its output.

    >>> import symconv as sc
    >>> sides_of(sc.conv2d(bias=True))
    ('gx', 'gw', 'gb', 'y')
    """
    return (*(f"g{t.name}" for t in op.inputs if t.dtype == "real"), op.output.name)


def axes_of(one: Tensor) -> tuple[Axis, ...]:
    """The axes of a tensor."""
    return tuple(axis(*sizes) for sizes in one.axes)


def truth(scope: Scope, op: Operator, side: str) -> Value:
    """The gradient or the output; raises Undecided where the formula is no sum of products."""
    resolved = resolve_borders(multiplied_out(op), once=False)
    whole = resolved if side == op.output.name else adjoint(resolved, side[1:])
    return expanded(scope, _without_held(whole))


def _without_held(op: Operator) -> Operator:
    """The operator without shifts that cancel, and without conditions that a factor says.

    ``Σ exp(a − m)·f / Σ exp(b − m)`` is the same for every ``m``, and ``c·u`` is 0 where ``c`` is.
    """
    zero = Const(Fraction(0))

    def rule(node: Expr) -> Expr | None:
        match node:
            case Apply("held"):
                return zero
            case Apply("where", (Apply("ne", (one, Const(nought))), body, Const(other))) if nought == other == 0:
                return transform(body, rule) if vanishes_with(body, one) else None
        return None

    return replace(op, statements=tuple(replace(s, expr=transform(s.expr, rule)) for s in op.statements))


def expanded(scope: Scope, whole: Operator) -> Value:
    """The output of an operator without borders, earlier statements inlined, constant tables contracted."""
    value = _written(scope, whole, len(whole.statements) - 1, {})
    value = without_labels(scope, value)
    return replace(value, terms=tuple(collected(one for term in value.terms for one in domains(term))))


def _written(scope: Scope, op: Operator, position: int, values: dict[str, Value]) -> Value:
    """What a statement computes; those before it, whose ``values`` are kept, are expanded once."""
    statement = op.statements[position]
    earlier = {s.target.name: (op, at) for at, s in enumerate(op.statements[:position])}
    axes = axes_of(statement.target)

    def body(*groups: tuple[Affine, ...]) -> Iterator[Term]:
        pairs = (pair for one, group in zip(axes, groups, strict=True) for pair in zip(group, one.sizes, strict=True))
        reader = _Reader(scope, earlier, tuple(c for form, size in pairs for c in inside(form, size)), values)
        return reader.terms(statement.expr, dict(_places(statement, groups)))

    return build(scope.fresh, axes, body)


def _places(statement: Statement, groups: tuple[tuple[Affine, ...], ...]) -> Iterator[tuple[str, Affine]]:
    names = iter(statement.indices)
    for sizes, group in zip(statement.target.axes, groups, strict=True):
        forms = iter(group)
        for size in sizes:
            yield next(names), affine(0) if size == affine(1) else next(forms)


class _Reader:
    """Reads a scalar expression as terms; ``earlier`` are the statements before it."""

    def __init__(
        self, scope: Scope, earlier: Mapping[str, tuple[Operator, int]], limits: tuple[Constraint, ...],
        values: dict[str, Value],
    ) -> None:  # fmt: skip
        self.scope = scope
        self.limits = limits
        self.values = values
        self.earlier = earlier

    def terms(self, expr: Expr, put: dict[str, Affine]) -> Iterator[Term]:
        """The terms of an expression whose indices mean ``put``."""
        match expr:
            case Const(value):
                yield Term(Fraction(value), (), ())
            case Index(form):
                yield from self._number(form.substitute(put))
            case Read(name, index, _):
                yield from collected(self._read(name, tuple(form.substitute(put) for form in index)))
            case Reduce("sum", _, _):
                yield from self._sum(expr, put)
            case Reduce("mean", indices, pieces) if len(pieces) == 1 and not pieces[0].where:
                scale = Product(Fraction(1))
                for one in indices:
                    scale = scale * as_product(one.extent).inverse()
                yield from scaled(self._sum(expr, put), scale.coefficient, scale.monomial)
            case Apply(function, arguments):
                yield from self._apply(function, arguments, put)
            case Reduce("max" | "min" | "prod", _, (_,)):
                yield self._extreme(expr, put)
            case Reduce(kind, _, _):
                raise Undecided(f"the formula takes a {kind}, which is no polynomial in the tensors")

    def _number(self, form: Affine) -> Iterator[Term]:
        yield from number_terms(form, self.scope.region.context.sizes)

    def _read(self, name: str, index: tuple[Affine, ...]) -> Iterator[Term]:
        if name not in self.earlier:
            yield Term(Fraction(1), (), (Factor(name, self._shown(name, index)),))
            return
        op, at = self.earlier[name]
        if (entries := table_of(op.statements[at])) is not None:
            yield Term(Fraction(1), (), (), tables=(Table(entries, index),))
            return
        if name not in self.values:
            self.values[name] = _written(self.scope, op, at, self.values)
        value = self.values[name]
        names = [n for group in value.names for n in group]
        sizes = op.statements[at].target.sizes
        shown = [form for form, size in zip(index, sizes, strict=True) if size != affine(1)]
        for term in value.terms:
            new = {old: self.scope.fresh() for old in term.bound}
            put = dict(zip(names, shown, strict=True)) | {old: var(other) for old, other in new.items()}
            yield replace(term.substitute(put), bound=tuple(new.values()))

    def _shown(self, name: str, index: tuple[Affine, ...]) -> tuple[Affine, ...]:
        sizes = self.scope.names.logical.get(name, index)
        return tuple(form for form, size in zip(index, sizes, strict=True) if size != affine(1))

    def _window(
        self, reduce: Reduce, put: dict[str, Affine], taps: Mapping[str, Affine]
    ) -> tuple[list[Term], list[Constraint]]:
        """The element of a window at its taps, and the conditions on these."""
        inner = put | dict(taps)
        (piece,) = reduce.pieces
        within = [c for one in reduce.indices for c in inside(inner[one.name], one.extent.substitute(inner))]
        within += [constraint.substitute(inner) for constraint in piece.where]
        return list(self.terms(piece.body, inner)), within

    def _extreme(self, reduce: Reduce, put: dict[str, Affine]) -> Term:
        taps = {one.name: self.scope.fresh() for one in reduce.indices}
        element, within = self._window(reduce, put, {old: var(new) for old, new in taps.items()})
        return extreme(self.scope, reduce.kind, element, tuple(taps.values()), within, self.limits)

    def _chosen(self, name: str, index: tuple[Affine, ...], position: Expr, put: dict[str, Affine]) -> Iterator[Term]:
        """1 where the extreme that a statement chose is at a position of its window."""
        op, at = self.earlier[name]
        statement = op.statements[at]
        reduce = statement.expr
        assert isinstance(reduce, Reduce)
        outer = dict(zip(statement.indices, (form.substitute(put) for form in index), strict=True))
        places = tapped(position)
        if len(places) != len(reduce.indices) or len(reduce.pieces) != 1:
            raise Undecided("the formula compares the place of an extreme in a way that is not known here")
        taps = {one.name: self.scope.fresh() for one in reduce.indices}
        element, within = self._window(reduce, outer, {old: var(new) for old, new in taps.items()})
        new = {taps[one.name]: form.substitute(put) for one, form in zip(reduce.indices, places, strict=True)}
        for term in first_extreme(
            self.scope, reduce.kind.removeprefix("arg"), element, tuple(taps.values()), within, self.limits
        ):
            yield term.substitute(new)

    def _sum(self, reduce: Reduce, put: dict[str, Affine]) -> Iterator[Term]:
        for piece in reduce.pieces:
            fresh = {one.name: self.scope.fresh() for one in reduce.indices}
            inner = put | {old: var(new) for old, new in fresh.items()}
            limits = [
                constraint
                for one in reduce.indices
                for constraint in inside(inner[one.name], one.extent.substitute(inner))
            ]
            limits += [constraint.substitute(inner) for constraint in piece.where]
            for term in self.terms(piece.body, inner):
                yield replace(term, bound=(*term.bound, *fresh.values())).under(*limits)

    def _apply(self, function: str, arguments: tuple[Expr, ...], put: dict[str, Affine]) -> Iterator[Term]:
        match function, arguments:
            case (("lt" | "gt" | "le" | "ge" | "eq" | "ne"), (a, b)) if (form := _positions(a, b, put)) is not None:
                for constraint in compared(_COMPARED[function], form):
                    yield Term(Fraction(1), (), ()).under(constraint)
            case ("add" | "sub", (a, b)):
                yield from self.terms(a, put)
                yield from scaled(self.terms(b, put), Fraction(1 if function == "add" else -1))
            case "neg", (a,):
                yield from scaled(self.terms(a, put), Fraction(-1))
            case "eq", (Read(name, index, _), position) if self._chooses(name):
                yield from self._chosen(name, index, position, put)
            case "mul", (a, b):
                yield from collected(multiplied(self.terms(a, put), self.terms(b, put)))
            case "div", (a, b):
                yield from self._over(a, b, put)
            case "pow", (a, Const(power)):
                yield from powered(list(self.terms(a, put)), Product(Fraction(power)), self.limits, self.scope.of_sum)
            case _:
                given = [tuple(d for one in self.terms(argument, put) for d in domains(one)) for argument in arguments]
                yield from applied(function, given, self.limits, self.scope.of_sum)

    def _chooses(self, name: str) -> bool:
        if name not in self.earlier:
            return False
        op, at = self.earlier[name]
        expr = op.statements[at].expr
        return isinstance(expr, Reduce) and expr.kind in {"argmax", "argmin"}

    def _over(self, a: Expr, b: Expr, put: dict[str, Affine]) -> Iterator[Term]:
        yield from collected(multiplied(self.terms(a, put), self._inverse(b, put)))

    def _inverse(self, expr: Expr, put: dict[str, Affine]) -> list[Term]:
        """One over an expression, factor by factor."""
        match expr:
            case Apply("mul", (a, b)):
                return list(multiplied(self._inverse(a, put), self._inverse(b, put)))
            # Of other roots the quotient is an atom, as arrays are read.
            case Apply("pow", (a, Const(power))) if Fraction(power).denominator <= 2:
                return powered(self._inverse(a, put), Product(Fraction(power)), self.limits, self.scope.of_sum)
        terms = [d for one in self.terms(expr, put) for d in domains(one)]
        return list(applied("reciprocal", [terms], self.limits, self.scope.of_sum))


def _positions(a: Expr, b: Expr, put: Mapping[str, Affine]) -> Affine | None:
    """The difference of two numbers that are made of indices and whole numbers alone; None for others."""
    match a, b:
        case Index(one), Index(other):
            return (one - other).substitute(dict(put))
        case Index(one), Const(number) if Fraction(number).denominator == 1:
            return (one - int(number)).substitute(dict(put))
        case Const(number), Index(one) if Fraction(number).denominator == 1:
            return (-one + int(number)).substitute(dict(put))
    return None


def names_of(op: Operator, scope: Scope, side: str) -> Names:
    """What the words of a claim about ``op`` mean; the forward value too where it is a polynomial."""
    facts = facts_of(op)
    cotangent = replace(op.output, name=f"g{op.output.name}")
    given = [*op.inputs, *([] if side == op.output.name else [cotangent])]
    logical = {t.name: t.sizes for t in given}
    short = {d.form: var(d.name) for d in op.definitions} | {var(w.size): var(w.size) for w in op.windows}
    names = Names(dict(facts.sizes), _vectors(facts), {}, logical, facts, short)
    tensors = {t.name: tensor(scope, t.name, axes_of(t)) for t in given}
    scope.labels |= {t.name: tuple(s for s in t.sizes if s != affine(1)) for t in op.inputs if t.dtype == LABEL}
    if "pi" not in names.sizes:
        tensors = {"pi": pi_value(), **tensors}
    return replace(names, tensors=tensors)


def _vectors(facts: Facts) -> dict[str, tuple[Amount | Pair, ...]]:
    return {name: tuple(lo if lo == hi else Pair(lo, hi) for lo, hi in pairs) for name, pairs in facts.vectors.items()}
