"""Functions of sums that a formula holds several times, as statements of their own: what is written once is read once.

A cell of a recurrent network holds its state in every gate behind it: as one expression it doubles with each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from symconv.limits import FORMULA_READS
from symconv.notation.affine import Affine, var
from symconv.notation.expr import Expr, Read
from symconv.notation.operator import Statement, Tensor
from symconv.prove.meaning.atoms import told_sum
from symconv.prove.meaning.value import Term
from symconv.prove.meaning.whole_sums import KnownSum

__all__ = ["Lets", "several_times"]


def several_times(terms: Sequence[Term], known: Sequence[KnownSum]) -> frozenset[int]:
    """The numbers of the sums whose functions stand at several places; none where all is short when written out."""
    places: dict[int, int] = {}
    lengths: dict[int, int] = {}

    def length(terms: Sequence[Term]) -> int:
        total = 0
        for factor in (factor for term in terms for factor in term.factors):
            number = _number(factor.tensor, known)
            if number is None:
                total += 1
                continue
            places[number] = places.get(number, 0) + 1
            if number not in lengths:
                lengths[number] = 1 + sum(map(length, known[number].arguments))
            total += lengths[number]
        return total

    return frozenset(n for n, count in places.items() if count > 1) if length(terms) > FORMULA_READS else frozenset()


def _number(tensor: str, known: Sequence[KnownSum]) -> int | None:
    told = told_sum(tensor)
    return told[1] if told is not None and told[1] < len(known) else None


@dataclass(frozen=True, slots=True)
class Lets:
    """The statements made so far for the sums of these ``numbers``; ``taken`` are names of other tensors."""

    numbers: frozenset[int]
    taken: frozenset[str]
    statements: list[Statement] = field(default_factory=list)
    made: dict[tuple[int, tuple[Affine, ...]], str] = field(default_factory=dict)

    @property
    def axes(self) -> dict[str, tuple[tuple[Affine, ...], ...]]:
        """The axes of what they compute."""
        return {one.target.name: one.target.axes for one in self.statements}

    def read(self, number: int, index: Sequence[Affine], extents: Mapping[str, Affine], letters: Iterator[str],
             written: Callable[[tuple[str, ...], tuple[Affine, ...]], Expr]) -> Read | None:  # fmt: skip
        """The element of a statement, which ``written`` makes over its indices and lengths; None where it has none.

        Each index runs over a whole axis, alone.
        """
        names = [form.name for form in index if form.name is not None and form.name in extents]
        if number not in self.numbers or not names or len({*names}) < len(index):
            return None
        sizes = tuple(extents[name] for name in names)
        if not all(size.is_constant or size.name is not None for size in sizes):
            return None
        if (number, sizes) not in self.made:
            own = tuple(next(letters, "") for _ in sizes)
            if not all(own):
                return None
            expr = written(own, sizes)
            name = next(name for k in range(1, 1000) if (name := f"s{k}") not in {*self.taken, *self.axes})
            self.statements.append(Statement(Tensor(name, tuple((size,) for size in sizes)), own, expr))
            self.made[number, sizes] = name
        return Read(self.made[number, sizes], tuple(map(var, names)))
