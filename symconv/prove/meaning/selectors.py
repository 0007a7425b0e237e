"""Selectors: labels ``y[n]`` below C as the operand ``𝟙y[n,c]``, which is 1 where ``y[n]`` is ``c``, else 0.

Each row of a selector has exactly one 1. So ``𝟙y[n,c]·𝟙y[n,d]`` is ``𝟙y[n,c]`` where ``c = d``, the sum over all ``c``
is 1, and ``f(Σ_c 𝟙y[n,c]·a[c])`` is ``Σ_c 𝟙y[n,c]·f(a[c])``. Sums that differ once these are applied may still be equal
(with one class, say), so that no two sums of selectors are told apart by their terms.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint, equal
from symconv.prove.language.labels import is_selector
from symconv.prove.meaning.scope import Scope
from symconv.prove.meaning.steps import settled
from symconv.prove.meaning.value import Factor, Term, Value, inside
from symconv.relation.collecting import collected, plain
from symconv.relation.regions import Region
from symconv.relation.sets import Context

__all__ = ["Case", "cases", "simplified", "without_labels"]

Selected = tuple[str, tuple[Affine, ...]]
"""A selector and the place of the label among its labels."""


def simplified(terms: Iterable[Term], scope: Scope) -> Iterator[Term]:
    """The same sum with each label asked for once a term, and not where all of its values are summed."""
    for term in terms:
        if not any(is_selector(f.tensor) for f in term.factors):
            yield term
        elif (one := plain(term)) is not None and (whole := plain(_merged(one))) is not None:
            done = settled(whole)
            yield from () if done is None else (_without_sums(done, scope),)


def without_labels(scope: Scope, value: Value) -> Value:
    """An array with its terms simplified."""
    return replace(value, terms=tuple(simplified(value.terms, scope))) if scope.labels else value


def _merged(term: Term) -> Term:
    """The term with one factor for each label."""
    found: dict[Selected, Affine] = {}
    kept: list[Factor] = []
    same: list[Constraint] = []
    for factor in term.factors:
        key = _key(factor)
        if is_selector(factor.tensor) and key in found:
            same.append(equal(found[key], factor.index[-1]))
            continue
        if is_selector(factor.tensor):
            found[key] = factor.index[-1]
        kept.append(factor)
    return replace(term, factors=tuple(kept)).under(*same) if same else term


def _key(factor: Factor) -> Selected:
    return factor.tensor, factor.index[:-1]


def _without_sums(term: Term, scope: Scope) -> Term:
    """The term without selectors whose class is summed over and asked for nowhere else."""
    for factor in term.factors:
        name = factor.index[-1].name if is_selector(factor.tensor) else None
        if name is None or name not in term.bound:
            continue
        others = tuple(f for f in term.factors if f is not factor)
        read = {n for f in others for form in f.index for n in form.names()}
        read |= {n for t in term.tables for form in t.index for n in form.names()}
        about = [c for c in term.where if name in c.form.names()]
        whole = inside(var(name), scope.labels[factor.tensor][-1])
        if name in read or not all(c in whole or _follows(scope, c, whole) for c in about):
            continue
        where = tuple(c for c in term.where if c not in about)
        term = replace(term, factors=others, bound=tuple(b for b in term.bound if b != name), where=where)
    return term


@dataclass(frozen=True, slots=True)
class Case:
    """The arguments of a function at one value of a label, or where there is no label."""

    arguments: list[list[Term]]
    where: tuple[Constraint, ...]
    label: Factor | None = None

    def taken(self, terms: Iterable[Term]) -> Iterator[Term]:
        """What the function is there, summed over the values of the label."""
        factors = () if self.label is None else (self.label,)
        bound = () if self.label is None else tuple(self.label.index[-1].names())
        for term in terms:
            whole = replace(term, factors=(*factors, *term.factors), bound=(*term.bound, *bound))
            yield _merged(whole.under(*self.where))


def cases(arguments: Sequence[Sequence[Term]], limits: Collection[Constraint], scope: Scope) -> list[Case]:
    """The arguments of a function by the values of one label in them; none where they have no label.

    ``limits`` hold wherever the function is asked for.
    """
    sides = [list(simplified(side, scope)) for side in arguments]
    inner = {name for side in sides for term in side for name in term.bound}
    key = next((k for k in _keys(sides) if not any(form.names() & inner for form in k[1])), None)
    if key is None:
        # Of the labels of all rows that are summed over no one value can be gone through.
        return []
    limits = (*limits, *scope.loops)
    tensor, row = key
    *lengths, classes = scope.labels[tensor]
    label = var(scope.fresh())
    rows = [c for form, size in zip(row, lengths, strict=True) for c in inside(form, size)]
    there = tuple(c for c in rows if not _follows(scope, c, limits))
    here = (*there, *inside(label, classes))
    held = (*limits, *here)

    def at(term: Term) -> Term:
        # Conditions that hold anyway would make cases of their own.
        one = _at(term, key, label)
        bound = {*one.bound}
        anyway = {c for c in one.where if not c.form.names() & bound and (c in held or _follows(scope, c, held))}
        return replace(one, where=tuple(c for c in one.where if c not in anyway))

    whole = Case([[at(term) for term in side] for side in sides], here, Factor(tensor, (*row, label)))
    found = list(_apart(whole, str(label.name)))
    without = [[term for term in side if key not in map(_key, term.factors)] for side in sides]
    for k, one in enumerate(there):
        found.append(Case(without, (*there[:k], Constraint(-one.form - 1))))
    return found


def _apart(case: Case, label: str) -> Iterator[Case]:
    """The case where a label is what a condition in the arguments says, and where it is not."""
    conditions = (c for side in case.arguments for term in side for c in term.where if c.equality)
    solved = ((c, var(label) - c.form * c.form.coefficient(label)) for c in conditions if c.form.coefficient(label))
    one, form = next(((c, form) for c, form in solved if label not in form.names()), (None, affine(0)))
    if one is None:
        yield case
        return
    here = [[term.substitute({label: form}) for term in side] for side in case.arguments]
    there = [list(collected(done for term in side if (done := settled(term)) is not None)) for side in here]
    yield from _apart(Case(there, (*case.where, one), case.label), label)
    without = [[term for term in side if one not in term.where] for side in case.arguments]
    for sign in (1, -1):
        yield from _apart(Case(without, (*case.where, Constraint(one.form * sign - 1)), case.label), label)


def _follows(scope: Scope, condition: Constraint, limits: Collection[Constraint]) -> bool:
    """Whether a condition holds for all sizes of the branch, where ``limits`` do."""
    sizes = scope.region.context.sizes
    names = sorted({name for one in (condition, *limits) for name in one.form.names()} - {*sizes})
    region = Region(Context((*sizes, *names), "true"), scope.region.points).where(*limits)
    return region.always(condition)


def _keys(sides: Sequence[Sequence[Term]]) -> Iterator[Selected]:
    return (_key(f) for side in sides for term in side for f in term.factors if is_selector(f.tensor))


def _at(term: Term, key: Selected, value: Affine) -> Term:
    """The term where that label has a value."""
    for factor in term.factors:
        if is_selector(factor.tensor) and _key(factor) == key:
            rest = replace(term, factors=tuple(f for f in term.factors if f is not factor))
            name = factor.index[-1].name
            if name is not None and name in term.bound:
                return replace(rest.substitute({name: value}), bound=tuple(b for b in term.bound if b != name))
            return rest.under(equal(factor.index[-1], value))
    return term
