"""Buffers and what their cells hold by now; a read finds it by composition of maps.

A store says: for these instances, this cell holds this expression. A read of a cell composes that with its own index:
the store's variables become what the equation of the two indices says, and new variables where it does not.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from symconv.relation.instances import apart_cells
from symconv.relation.points import Instances, UnclearError, Word
from symconv.relation.sets import Context
from symconv.validate.scope import Scope
from symconv.validate.terms import (
    INFINITY,
    ZERO,
    Term,
    Tree,
    apart_from,
    apply,
    fresh,
    inner_dims,
    number,
    reduced,
    terms_of,
)

__all__ = ["NEUTRAL", "Case", "Held", "joined"]

Mask = tuple[Word, Word]
NEUTRAL = {"+": ZERO, "*": number(1), "max": apply("neg", INFINITY), "min": INFINITY}


@dataclass(frozen=True, slots=True)
class Case:
    """What an expression is where ``facts`` hold of some ``dims``; the cases of an expression exclude each other.

    ``outside`` are masks behind which the case lies: lanes that they let through never meet it.
    """

    tree: Tree
    dims: tuple[str, ...] = ()
    facts: tuple[Word, ...] = ()
    outside: frozenset[Mask] = frozenset()

    def renamed(self, names: Mapping[str, str]) -> Case:
        """With other names for variables."""
        dims, facts = (tuple(names.get(d, d) for d in self.dims), tuple(fact.renamed(names) for fact in self.facts))
        return replace(self, tree=self.tree.renamed(names), dims=dims, facts=facts) if names else self

    def within(self, scope: Scope) -> Instances:
        """The instances of a statement in this case."""
        facts = dict.fromkeys((*scope.facts, *self.facts))
        return Instances((*scope.dims, *self.dims), tuple(facts))


def joined(head: Hashable, choices: Iterable[Case]) -> Case:
    """A function of expressions, each in one of its cases."""
    trees: list[Tree] = []
    dims: tuple[str, ...] = ()
    facts: tuple[Word, ...] = ()
    outside: frozenset[Mask] = frozenset()
    for choice in choices:
        taken = {*dims, *(name for tree in trees for name in inner_dims(tree))}
        own = {*choice.dims, *inner_dims(choice.tree)}
        case = choice.renamed(fresh(taken & {*choice.dims}, taken | own))
        trees.append(apart_from(case.tree, frozenset(dims) - set(case.dims)))
        dims, facts, outside = (*dims, *case.dims), (*facts, *case.facts), outside | case.outside
    return Case(apply(head, *trees), dims, facts, outside)


@dataclass(slots=True)
class Held:
    """A buffer: the instances that clear and that store each cell, pass by pass, and what the cells hold by now.

    ``values`` are the expressions that the last pass stored, ``added`` what was ``combined`` with them since.
    ``parted`` says that cells hold parts of a sum, all of which must be read together.
    """

    cleared: list[Instances] = field(default_factory=list)
    passes: list[list[Instances]] = field(default_factory=lambda: [[]])
    values: list[tuple[Instances, Tree]] = field(default_factory=list)
    added: list[Term] = field(default_factory=list)
    op: str = ""
    combined: bool = False
    parted: bool = False

    @property
    def stores(self) -> list[Instances]:
        """What the first pass stores."""
        return [*self.cleared, *self.passes[0]]

    @property
    def started(self) -> bool:
        """Whether anything is in it beyond what clears it."""
        return self.combined or bool(self.passes[0])

    def clear(self, op: str, points: Instances) -> None:
        """Cells start at the neutral element of ``op``."""
        if self.op not in ("", op):
            raise UnclearError(f"cells start at the neutral elements of {self.op} and of {op}")
        self.op = op
        self.cleared.append(points)

    def store(self, points: Instances, values: Sequence[tuple[Instances, Tree]], anew: bool) -> None:
        """Cells get a value, case by case; ``anew`` where it is computed from what they held."""
        if anew:
            self.passes.append([points])
            self.values, self.added, self.op, self.combined = [], [], "", False
        else:
            self.passes[-1].append(points)
        self.values += values

    def combine(self, op: str, terms: Sequence[Term]) -> None:
        """Terms are combined with what cells hold."""
        if self.op not in ("", op):
            raise UnclearError(f"a buffer holds {self.op} and is combined by {op}")
        self.op, self.combined = op, True
        self.added += terms

    def terms(self, cuts: set[str]) -> list[Term]:
        """What the cells hold, as terms of one reduction."""
        op = self.op or "+"
        kept = (t for points, tree in self.values for t in terms_of(tree, points, op, frozenset(cuts)))
        return [*kept, *self.added]

    def found(self, context: Context, cell: tuple[Word, ...], scope: Scope, cuts: set[str]) -> list[Case]:
        """What a read of ``cell`` finds, case by case."""
        if not self.combined:
            pieces = [*self.values, *((points, NEUTRAL[self.op]) for points in self._untouched(context))]
            cases = (self._composed(points, tree, cell, scope, cuts) for points, tree in pieces)
            return [case for case in cases if case is not None]
        here = Instances(scope.dims, scope.facts)
        terms = []
        for term in self.terms(cuts):
            case = self._composed(term.instances, term.tree, cell, scope, cuts)
            if case is not None:
                points = case.within(scope)
                terms.append(Term(term.sign, case.tree.at(points, frozenset(cuts)), points))
        return [Case(reduced(self.op or "+", terms).at(here, frozenset(cuts)))]

    def _untouched(self, context: Context) -> Iterable[Instances]:
        """The cells that are cleared and not stored since, in parts."""
        if not self.passes[-1] or len(self.passes) > 1 or not self.cleared:
            return self.cleared if len(self.passes) == 1 else ()
        return apart_cells(context, self.cleared, self.passes[0])

    def _composed(
        self, stored: Instances, tree: Tree, cell: tuple[Word, ...], scope: Scope, cuts: set[str]
    ) -> Case | None:
        if len(stored.image) != len(cell):
            raise UnclearError("a workspace is stored and read by other axes")
        names: dict[str, str] = {}
        equal: list[tuple[Word, Word]] = []
        for mine, asked in zip(stored.image, cell, strict=True):
            if mine.text.isdigit() and asked.text.isdigit():
                if mine != asked:
                    return None
            elif mine.text in stored.dims and mine.text not in names:
                names[mine.text] = f"({asked.text})"
                self._part(mine.text, asked.text, scope, cuts)
            else:
                equal.append((mine, asked))
        own = {*stored.dims, *inner_dims(tree)} - names.keys()
        names |= fresh(own & {*scope.dims}, {*scope.dims} | own)
        dims = tuple(names.get(dim, dim) for dim in stored.dims if names.get(dim, "")[:1] != "(")
        ties = (Word(f"{mine.renamed(names).text} = {asked.text}") for mine, asked in equal)
        facts = tuple(dict.fromkeys((*(fact.renamed(names) for fact in stored.facts), *ties)))
        return Case(tree.renamed(names), dims, facts)

    def _part(self, name: str, asked: str, scope: Scope, cuts: set[str]) -> None:
        """A counter of parts is a function of the loop that was cut: all parts are summed up, or nothing is known."""
        if name in cuts:
            if asked not in scope.counted or asked not in scope.dims:
                raise UnclearError("a part of a sum is read in an unknown way")
            cuts.add(asked)
            self.parted = True
