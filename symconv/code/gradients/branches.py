"""What a forward function computes where its text asks for sizes: both halves are read, none is left out silently."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from symconv.code.arrays.infinite import KEPT_ROWS
from symconv.code.arrays.symbolic import Symbolic
from symconv.code.arrays.walk import Walk
from symconv.code.gradients.operands import given
from symconv.code.source.trouble import Outside
from symconv.code.values.objects import Box
from symconv.errors import SpecError, SymconvError
from symconv.limits import FORWARD_BRANCHES
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint
from symconv.ops.registry import operator
from symconv.prove.concrete.numbers import Misfit
from symconv.prove.language.facts import facts_of
from symconv.prove.language.parse import Caret
from symconv.prove.meaning.extremes import is_first, opaque_of
from symconv.prove.meaning.scope import Fork, ForkAt, Mismatch, Names, Scope, Undecided, Uneven
from symconv.prove.meaning.selectors import without_labels
from symconv.prove.meaning.value import Fresh, Value, axis
from symconv.prove.meaning.whole_sums import KnownSum, WholeSums
from symconv.relation.collecting import collected
from symconv.relation.regions import Region, everywhere
from symconv.relation.tables import domains

__all__ = ["Branches", "HalfUnread", "Read", "unknown"]


class HalfUnread(SpecError):  # noqa: N818
    """One half of a branch on sizes is not read, so that nothing is known of it."""


@dataclass(frozen=True)
class Read:
    """The output over tensors whose every length is a size of its own, and the sizes it is for.

    ``fitted`` are the equalities that were taken there so that shapes fit, ``words`` what is taken to hold of elements.
    Lengths that are ``joined`` are products of others: weights behind ``x.flatten(1)``.
    ``ties`` are equalities that were asked for and hold. What is ``assumed`` leaves out sizes at which what is sliced
    is too short, and would be broadcast where one element is left. A size among ``parts`` is the length of one of so
    many equal parts of its axis. Lengths that are ``indexed`` are so long at least. Conditions on sizes that the text
    asks for are ``compared``. ``lengths`` says which others are taken as equal. At ``whole`` numbers of steps lengths
    of every second element and of the others are equal.
    """

    value: Value
    sizes: Mapping[str, Sequence[str]]
    region: Region
    known: Sequence[KnownSum] = ()
    fitted: tuple[Constraint, ...] = ()
    words: str = ""
    joined: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ties: tuple[Constraint, ...] = ()
    assumed: tuple[Constraint, ...] = ()
    parts: Mapping[str, int] = field(default_factory=dict)
    indexed: tuple[Constraint, ...] = ()
    compared: tuple[Constraint, ...] = ()
    lengths: str = ""
    whole: tuple[Constraint, ...] = ()

    def axis(self, size: str) -> tuple[Affine, ...]:
        """The lengths that an axis is made of."""
        return _made_of(size, self.joined, self.parts)

    @property
    def plain(self) -> dict[str, list[str]]:
        """The sizes that are lengths of their own."""
        return {name: [size for size in row if size not in self.joined] for name, row in self.sizes.items()}


class Branches:
    """Reads one function over tensors of these sizes.

    Labels that are ``rows`` are one-hot. Functions that it ``keeps`` are words in what was read. Axes are so many
    ``parts``, whose lengths their sizes are then.
    ``line`` is of a branch both halves of which give an output, ``unread`` says of which one a half is not read.
    """

    def __init__(self, denote: Callable[[Symbolic, Mapping[str, Box]], Value], sizes: Mapping[str, Sequence[str]],
                 rows: Collection[str] = (), keeps: Collection[str] = (),
                 parts: Mapping[str, int] | None = None) -> None:  # fmt: skip
        self.denote = denote
        self.parts = dict(parts or {})
        self.keeps = keeps
        self.sizes = sizes
        self.rows = rows
        self.joined: dict[str, tuple[str, ...]] = {}
        self.left = FORWARD_BRANCHES
        self.line = 0
        self.unread = ""
        self.compared: list[Constraint] = []

    def read(self, region: Region, fitted: tuple[Constraint, ...] = ()) -> list[Read]:
        """The outputs in ``region``, one per half of a branch, each with all sizes at which none is refused.

        Sizes at which shapes do not fit, or the text raises an error, are left out; raises HalfUnread, or what the
        reading raises.
        """
        flat = [size for row in self.sizes.values() for size in row]
        while self.left:
            self.left -= 1
            facts = facts_of(operator("y[i] = x[i]"))
            scope = Scope(region, Caret(""), Fresh(frozenset(flat)), Names({}, {}, {}, {}, facts))
            scope.of_sum = whole = WholeSums(scope, self.keeps)
            walk = Walk(scope)
            on = Symbolic(walk)
            on.forming = True
            arrays = {n: on.tensor(n, [axis(*_made_of(size, self.joined, self.parts)) for size in row])
                      for n, row in self.sizes.items()}  # fmt: skip
            try:
                value = self.denote(on, given(on, arrays, rows=self.rows))
            except Fork as fork:
                yes = region.meet(fork.region) if isinstance(fork, ForkAt) else region.where(fork.constraint)
                halves = (yes, region.minus(yes))
                if on.asked is not None and on.asked[0] is fork:
                    special = isinstance(fork, ForkAt) or fork.constraint.equality
                    self.compared += [] if isinstance(fork, ForkAt) else [fork.constraint]
                    return self._halves(halves, on.asked[1], fitted, half_unread=not special)
                if not isinstance(fork, ForkAt) and not fork.constraint.equality:
                    # Where a slice ends, say: of two such choices sizes could be equal.
                    with suppress(HalfUnread):
                        return self._halves(halves, 0, fitted, fork.constraint)
                if isinstance(fork, ForkAt) and self._numbers(yes) - self._numbers(region):
                    # What is so for a length of 1 alone, such as an index that counts from the end, is not the rule.
                    return self._halves(halves, 0, fitted, half_unread=True)
                # That shapes fit is what the code is for.
                if not yes.empty and not isinstance(fork, ForkAt) and fork.constraint.equality:
                    fitted = (*fitted, fork.constraint)
                region = yes if not yes.empty else region.minus(yes)
                continue
            except (Outside, Uneven) as found:
                cause = found if isinstance(found, Uneven) else found.__cause__
                if not (isinstance(cause, Uneven) and self._joined(cause, region)):
                    raise
                continue
            value = without_labels(scope, value)
            kept = tuple(one for term in value.terms for one in domains(term))
            shown = Value(value.axes, value.names, tuple(collected(kept)))
            words = "" if on.rows_kept else KEPT_ROWS
            asked = (one for one in scope.asked if one.equality and walk.base.always(one))
            ties = tuple(dict.fromkeys((*fitted, *asked)))
            read = Read(shown, self.sizes, walk.base, whole.known, fitted, words, dict(self.joined), ties)
            return [replace(read, parts=self.parts, compared=tuple(self.compared))]
        raise Undecided("the sizes are split too often")

    def _joined(self, found: Uneven, region: Region) -> bool:
        """Whether a length can be, and now is, the product of others that it is compared with."""
        taken = {one for product in self.joined.values() for one in product}
        for one, others in (found.sides, found.sides[::-1]):
            names = [form.name for form in (*one, *others) if form.name is not None]
            whole = self._lengths() & {*names[:1]} - taken - self.joined.keys()
            if len(one) == 1 and len(others) > 1 and whole and len(names) == len(others) + 1:
                length, *parts = names
                row = next(row for row in self.sizes.values() if length in row)
                if {*parts} <= self._lengths() - {*row} - self.joined.keys() and region.constant(var(length)) is None:
                    self.joined[length] = tuple(parts)
                    return True
        return False

    def _lengths(self) -> set[str]:
        return {size for row in self.sizes.values() for size in row}

    def _halves(self, halves: Sequence[Region], line: int, fitted: tuple[Constraint, ...],
                condition: Constraint | None = None, half_unread: bool = False) -> list[Read]:  # fmt: skip
        """The outputs of both halves; of the first alone where all sizes whose shapes fit in it satisfy its condition.

        Of ``a[:, 3*H:]`` beside arrays of H columns it is said that ``a`` has 4*H of them: that it has 3*H at least is
        no choice then, and what is shorter would have to fit in another way. With ``half_unread`` one may be: what
        the other one shows is still to be proved for all sizes that the operator has, such as those of an output that
        has elements. A half where a size is one number shows only what is so there.
        """
        found: list[list[Read]] = []
        refused: Exception = Mismatch("no sizes are left")
        before = self._numbers(halves[0].union(halves[1]))
        for half in halves:
            try:
                found += [self.read(half, fitted)] if not half.empty else []
                if (
                    half is halves[0]
                    and condition is not None
                    and found
                    and all(_follows(o, condition) for o in found[0])
                ):
                    return found[0]
            except Mismatch as reason:
                refused = reason
            except (SymconvError, Undecided, Misfit) as reason:
                told = f"line {line} asks for sizes, and one half is not read: {reason}" if line else str(reason)
                refused = reason if isinstance(reason, HalfUnread) else HalfUnread(told)
                other = halves[1] if half is halves[0] else halves[0]
                if not half_unread or self._numbers(other) - before:
                    raise refused from None
                self.unread = self.unread or str(refused)
        if not found:
            raise refused
        if len(found) == 1:
            return found[0]
        usual = condition is not None and not any(self._numbers(one.region) - before for one in found[0])
        if condition is not None and usual and all(_by_accident(one, found[0]) for one in found[1]):
            return [replace(one, assumed=(condition, *one.assumed)) for one in found[0]]
        self.line = self.line or line
        whole = found[0][0].region.union(found[1][0].region)
        # An equality makes the first half a special case; the other one is likelier to show the formula.
        return [
            replace(one, region=whole, fitted=fitted, ties=tuple(c for c in one.ties if whole.always(c)))
            for one in (*found[1], *found[0])
        ]

    def _numbers(self, region: Region) -> set[str]:
        """The sizes that are one number in a region."""
        return {size for size in self._lengths() if region.constant(var(size)) is not None}


def _made_of(size: str, joined: Mapping[str, tuple[str, ...]], parts: Mapping[str, int]) -> tuple[Affine, ...]:
    if size in parts:
        return affine(parts[size]), var(size)
    return tuple(map(var, joined.get(size, (size,))))


def _follows(read: Read, constraint: Constraint) -> bool:
    """Whether a condition on sizes, none of which is a number, follows from the equalities that make shapes fit."""
    told = everywhere(read.region.context).where(*read.fitted)
    numbers = any(told.constant(var(name)) is not None for name in sorted(constraint.form.names()))
    return not numbers and told.always(constraint)


def _by_accident(read: Read, others: Sequence[Read]) -> bool:
    """Whether sizes fit because a length is 1, which the others do not need: what is left of ``wpe[:T]`` is one row."""
    return any(
        abs(one.form.constant) == 1 and not any(other.region.within(other.region.where(one)) for other in others)
        for one in read.fitted
    )


def unknown(read: Read) -> str:
    """Why what was read is no operator that can be told."""
    terms = (*read.value.terms, *(term for one in read.known for term in one.terms))
    for where in (where for term in terms for one in term.factors if (where := opaque_of(one.tensor))):
        return f"{where} of sums, or of elements some of which are fixed numbers (a pad), that does not cancel"
    if any(is_first(factor.tensor) for term in read.value.terms for factor in term.factors):
        return (
            "it takes the place of an extreme element (argmax, argmin) as a number, or reads other elements there; the "
            "extreme itself is x.max(axis=...), and a mask of where it is x == x.max(axis=..., keepdims=True)"
        )
    return f"its {len(read.value.terms)} terms are of no operator that is known here"
