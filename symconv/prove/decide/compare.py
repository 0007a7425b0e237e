"""Whether what is claimed equals what is true, element by element."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction

from symconv.notation.affine import Affine, var
from symconv.notation.expr import Constraint, nonnegative
from symconv.prove.algebra.continuous import equal_across_kinks
from symconv.prove.algebra.equal import same
from symconv.prove.decide.signs import in_steps
from symconv.prove.language.labels import is_selector
from symconv.prove.meaning.atoms import OF_SUM, PARTIAL, elements, is_atom, spelled, told_apart, told_sum, words_of
from symconv.prove.meaning.functions import cancelled
from symconv.prove.meaning.indices import INDEX, spread
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.selectors import without_labels
from symconv.prove.meaning.steps import settled
from symconv.prove.meaning.value import Factor, Term, Value, inside, scaled
from symconv.prove.meaning.whole_sums import WholeSums
from symconv.relation.collecting import plain
from symconv.relation.equality import Difference, difference

__all__ = ["compare", "compare_across_kinks", "limited", "renamed"]

_UNKNOWN = "the two sides apply functions that may or may not be equal"


def compare(scope: Scope, wanted: Value, given: Value) -> Difference:
    """Where ``given`` differs from ``wanted``, an array over the same axes and index names.

    Raises Undecided where the method ends.
    """
    wanted, given = without_labels(scope, wanted), without_labels(scope, given)
    names = [name for group in wanted.names for name in group]
    sizes = scope.region.context.sizes
    true, claimed = ([one for term in limited(side) for one in spread(term, sizes)] for side in (wanted, given))
    both = (*true, *scaled(claimed, Fraction(-1)))
    of_sums = any(OF_SUM in factor.tensor for term in both for factor in term.factors)
    if of_sums and (found := _by_algebra(scope, wanted, given, True)) is not None:
        return found
    if not told_apart(both) and scope.refuted(scope.region, False):
        # Then no algebra makes them equal, and where they differ is not told by their terms.
        return _everywhere(scope, wanted, both, _UNKNOWN)
    if of_sums and (found := _by_algebra(scope, wanted, given)) is not None:
        return found
    reason = _UNKNOWN
    try:
        direct = difference(scope.region, names, both, scope.names.definitions)
        if not direct.fails.empty and told_apart(both):
            return direct
        if direct.fails.empty:
            # In a sum of products it is gone: x/x, or 1/x - 1/x.
            if not (more := _asked(given) - _asked(wanted)):
                return direct
            told = spelled(min(more), lambda tensor, _count: tensor)
            reason = f"what is claimed holds {told}, which may have no value where the gradient has one"
    except Undecided as ended:
        reason = str(ended)
    if not of_sums and (found := _by_algebra(scope, wanted, given)) is not None:
        return found
    if (steps := in_steps(scope, both)) is not None and not _asked(given) - _asked(wanted):
        with suppress(Undecided):
            direct = difference(scope.region, names, steps, scope.names.definitions)
            if direct.fails.empty:
                return direct
    return _everywhere(scope, wanted, both, reason)


def _everywhere(scope: Scope, wanted: Value, both: Sequence[Term], reason: str) -> Difference:
    """That all sizes with a cell are wrong, once numbers show that one is and every cell is the same function.

    Raises Undecided where that is not so.
    """
    if not (_one_function(scope, both, tuple(_limits(wanted))) and scope.refuted(scope.region, True)):
        raise Undecided(reason)
    cells = (nonnegative(size - 1) for one in wanted.axes for size in one.sizes)
    return Difference(scope.region.where(*cells), len(both))


def _one_function(scope: Scope, terms: Iterable[Term], limits: Collection[Constraint]) -> bool:
    """Whether every cell, at any size, is the same function of one element of each tensor.

    Then a difference at one cell is one at every cell: it may hold the same elements there.
    """
    places: dict[str, tuple[Affine, ...]] = {}
    sizes, inside_ = set(scope.region.context.sizes), set(limits)
    known = scope.of_sum.known if isinstance(scope.of_sum, WholeSums) else []

    def same_everywhere(term: Term) -> bool:
        if term.bound or term.scale or term.tables or not set(term.where) <= inside_:
            return False
        return all(map(in_place, term.factors))

    def in_place(factor: Factor) -> bool:
        if OF_SUM in factor.tensor:
            told = told_sum(factor.tensor)
            # Others, such as which element is the largest, are no functions of the sum alone.
            if told is None or not (told[0].isidentifier() or told[0].startswith("power ")):
                return False
            one = known[told[1]]
            put = dict(zip(one.names, factor.index, strict=True))
            return all(same_everywhere(term.substitute(put)) for term in one.terms)
        if factor.tensor == INDEX or is_selector(factor.tensor) or sizes & words_of(factor.tensor):
            return False
        return all(places.setdefault(tensor, at) == at for tensor, at in elements(factor))

    return all(map(same_everywhere, terms))


def compare_across_kinks(scope: Scope, wanted: Value, given: Value, forward: Value, tensor: str) -> bool:
    """Whether a claim is known to be the derivative of ``forward`` where the rules for its parts give another slope."""
    true, claimed, whole = ((tuple(_whole(one)), tuple(_limits(one))) for one in (wanted, given, forward))
    lengths = {name for one in given.axes for size in one.sizes for name in size.names() if size.name == name}
    return equal_across_kinks(scope, true, claimed, whole, tensor, lengths)


def _asked(value: Value) -> set[str]:
    """The functions in an array that have no value for some numbers."""
    factors = (factor.tensor for term in value.terms if plain(term) is not None for factor in term.factors)
    names = ((tensor, tensor.partition("(")[0]) for tensor in factors if is_atom(tensor))
    return {tensor for tensor, name in names if name in PARTIAL or name.startswith("power ")}


def _by_algebra(scope: Scope, wanted: Value, given: Value, by_names: bool = False) -> Difference | None:
    """That both sides are equal as rational functions of shared sums, roots and functions; None where it is not
    known."""
    try:
        true, claimed = tuple(_whole(wanted)), tuple(_whole(given))
        left_out = same(scope, true, claimed, tuple(_limits(wanted)), by_names)
        if left_out is None:
            return None
        names = [name for group in wanted.names for name in group]
        both = (*true, *scaled(claimed, Fraction(-1)))
        fails = left_out if left_out.empty else difference(left_out, names, both, scope.names.definitions).fails
    except Undecided:
        return None
    scope.by_algebra = True
    return Difference(fails, len(true) + len(claimed))


def _limits(value: Value) -> Iterator[Constraint]:
    """That the indices of an array are inside."""
    names = (name for group in value.names for name in group)
    sizes = (size for one in value.axes for size in one.sizes)
    return (c for name, size in zip(names, sizes, strict=True) for c in inside(var(name), size))


def limited(value: Value) -> Iterator[Term]:
    """The terms of an array, its indices kept inside."""
    return (one for term in _whole(value) if (one := settled(cancelled(term))) is not None)


def _whole(value: Value) -> Iterator[Term]:
    """Its terms with what is gone where an element stands beside its own inverse."""
    limits = list(_limits(value))
    return (one.under(*limits) for term in value.terms if (one := plain(term)) is not None)


def renamed(value: Value, like: Value) -> Value:
    """An array over the index names of another one with the same axes."""
    pairs = [(a, b) for old, new in zip(value.names, like.names, strict=True) for a, b in zip(old, new, strict=True)]
    put = {a: var(b) for a, b in pairs}
    return Value(like.axes, like.names, tuple(term.substitute(put) for term in value.terms))
