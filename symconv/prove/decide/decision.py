"""From a claim to the exact sets of sizes: where it fails, and where already its shapes do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from symconv.limits import BRANCHES, OPEN_BRANCHES
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint, nonnegative
from symconv.notation.operator import Operator, Tensor
from symconv.prove.decide.compare import compare, compare_across_kinks, renamed
from symconv.prove.decide.refutation import Search
from symconv.prove.language.coded import Coded
from symconv.prove.language.facts import facts_of
from symconv.prove.language.parse import Caret
from symconv.prove.language.people import aliases, named_in, nearest
from symconv.prove.language.syntax import Claim, Name
from symconv.prove.meaning.addresses import flat, place, same_structure, somewhere
from symconv.prove.meaning.claimed import claimed
from symconv.prove.meaning.scope import Fork, ForkAt, Mismatch, Names, Scope, Undecided, same_size
from symconv.prove.meaning.sides import axes_of, names_of, sides_of, truth
from symconv.prove.meaning.value import Axis, Fresh, Term, Value, build, read
from symconv.prove.meaning.whole_sums import WholeSums
from symconv.relation.regions import Region, everywhere, nowhere
from symconv.relation.sets import context_of

__all__ = ["Decision", "decide", "right_across_kinks", "sides"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a claim fails, for all sizes at once.

    ``values`` are well-typed sizes whose values differ, ``shapes`` those whose shapes do not fit; ``undecided`` says
    why the claim may be wrong for others too. ``by_algebra`` says that functions of whole sums were compared as
    rational functions, wherever the true side has a value.
    """

    domain: Region
    values: Region
    shapes: Region
    misfits: tuple[str, ...] = ()
    undecided: str = ""
    branches: int = 1
    relations: int = 0
    asked: tuple[Constraint, ...] = ()
    batch: str = ""
    by_algebra: bool = False
    search: Search | None = field(default=None, repr=False, compare=False)

    @property
    def wrong(self) -> Region:
        """The sizes for which the claim is wrong, of batches that have an element."""
        return self._with_elements(self.fails)

    @property
    def unfit(self) -> Region:
        """The sizes for which shapes do not fit, of batches that have an element."""
        return self._with_elements(self.shapes)

    def _with_elements(self, region: Region) -> Region:
        return region.where(nonnegative(var(self.batch) - 1)) if self.batch else region

    @property
    def fails(self) -> Region:
        """All sizes for which the claim is wrong."""
        return self.values.union(self.shapes).simplified()


def decide(op: Operator, claim: Claim | Coded, doubted: bool = True) -> Decision:
    """Decide ``claim`` for every size of ``op``; raises SpecError where the claim is unusable.

    A ``doubted`` claim is tried on numbers before functions are compared: where these differ, no algebra is done.
    """
    caret = Caret(claim.source or str(claim))
    if claim.side not in sides_of(op):
        near = nearest(claim.side, (*sides_of(op), *aliases(op)))
        raise caret.error(0, f"{claim.side} is not computed by {op.name}{near}; there are {', '.join(sides_of(op))}")
    domain = everywhere(context_of(op))
    search = Search(op, claim, domain)
    found = _Found(_Problem(op, claim, caret), search if doubted else None, nowhere(domain.context))
    waiting, seen = [domain], 0
    while waiting:
        region = waiting.pop()
        seen += 1
        if seen > (OPEN_BRANCHES if found.open else BRANCHES):
            found.open = found.open or f"the claim has more than {BRANCHES} cases of sizes"
            break
        waiting += found.in_branch(region)
    return Decision(
        domain,
        found.values.simplified(),
        found.shapes.simplified(),
        tuple(dict.fromkeys(found.misfits)),
        "" if found.open and domain.within(found.values.union(found.shapes)) else found.open,
        seen,
        found.relations,
        tuple(dict.fromkeys(found.asked)),
        op.batch if op.batch in domain.context.sizes else "",
        found.by_algebra,
        search,
    )


def _reads(claim: Claim | Coded, name: str) -> bool:
    return claim.uses_output if isinstance(claim, Coded) else Name(name) in set(claim.nodes())


def _halves(region: Region, fork: Fork) -> tuple[Region, Region]:
    yes = region.meet(fork.region) if isinstance(fork, ForkAt) else region.where(fork.constraint)
    return yes, region.minus(yes)


@dataclass(frozen=True, slots=True)
class _Problem:
    op: Operator
    claim: Claim | Coded
    caret: Caret

    def scope(self, region: Region) -> Scope:
        """A scope for one branch."""
        bare = Names({}, {}, {}, {}, facts_of(self.op))
        shared = self.claim.together if isinstance(self.claim, Coded) else None
        met = shared.enter(region) if shared is not None else None
        fresh = Fresh(frozenset(region.context.sizes)) if met is None else met.fresh
        scope = Scope(region, self.caret, fresh, bare)
        scope.names = names_of(self.op, scope, self.claim.side)
        scope.of_sum = WholeSums(scope, known=None if met is None else met.known)
        return scope

    def both(self, scope: Scope) -> tuple[Value, Value]:
        """What is claimed and what is true in the branch, over the same axes, once the shapes fit."""
        output = self.op.output.name
        if self.claim.side != output and _reads(self.claim, output):
            scope.names = scope.names.with_tensor(output, truth(scope, self.op, output))
        for name in named_in(self.op, self.claim):
            scope.names = scope.names.with_tensor(name, truth(scope, self.op.upto(name), name))
        axes = axes_of(_target(self.op, self.claim.side))
        given = self.claim.denote(scope) if isinstance(self.claim, Coded) else claimed(scope, self.claim, axes)
        sentence = f"gives {given}, {self.claim.side} is {Value(axes, (), ())}"
        if given.rank != len(axes):
            raise _refuse(scope, sentence)
        for one, wanted in zip(given.axes, axes, strict=True):
            constraint = same_size(scope, one.sizes, wanted.sizes, sentence)
            if constraint is not None:
                scope.require(constraint, sentence)
        given = _aligned(scope, given, axes)
        return given, renamed(truth(scope, self.op, self.claim.side), given)

    def compared(self, scope: Scope) -> tuple[Region, int]:
        """Where the values differ in the branch."""
        given, wanted = self.both(scope)
        difference = compare(scope, wanted, given)
        return difference.fails, difference.relations


class _Found:
    """What the branches decided so far say together."""

    def __init__(self, problem: _Problem, search: Search | None, nothing: Region) -> None:
        self.problem = problem
        self.search = search
        self.values = self.shapes = nothing
        self.misfits: list[str] = []
        self.asked: list[Constraint] = []
        self.open = ""
        self.relations = 0
        self.by_algebra = False

    def in_branch(self, region: Region) -> tuple[Region, ...]:
        """Decide one branch; the branches that it has to be split into are returned undecided."""
        scope = self.problem.scope(region)
        scope.asked = self.asked
        if self.search is not None:
            scope.refuted = self.search.inside
        try:
            fails, relations = self.problem.compared(scope)
            self.values = self.values.union(fails)
            self.relations += relations
            self.by_algebra |= scope.by_algebra
        except Fork as fork:
            return tuple(part for part in _halves(region, fork) if not part.empty)
        except Mismatch:
            pass
        except Undecided as reason:
            # The sizes that were refused until here are wrong whatever the values are.
            self.open = self.open or str(reason)
        for refused in scope.refused:
            self.shapes = self.shapes.union(refused)
        self.misfits += scope.misfits
        return ()


def sides(op: Operator, claim: Claim | Coded, region: Region) -> tuple[Value, Value]:
    """What is claimed and what is true for the sizes of ``region``, which must not have to be split."""
    problem = _Problem(op, claim, Caret(claim.source or str(claim)))
    return problem.both(problem.scope(region))


def right_across_kinks(op: Operator, claim: Claim | Coded) -> bool:
    """Whether a gradient is the derivative of the whole where parts have kinks, and equal elsewhere, for all sizes.

    False where that is not known, or depends on sizes.
    """
    problem = _Problem(op, claim, Caret(claim.source or str(claim)))
    scope = problem.scope(everywhere(context_of(op)))
    try:
        given, wanted = problem.both(scope)
        forward = truth(scope, op, op.output.name)
    except (Fork, Mismatch, Undecided):
        return False
    return not scope.refused and compare_across_kinks(scope, wanted, given, forward, claim.side[1:])


def _refuse(scope: Scope, message: str) -> Exception:
    scope.refused.append(scope.region)
    scope.misfits.append(message)
    return Mismatch(message)


def _target(op: Operator, side: str) -> Tensor:
    return op.output if side == op.output.name else op.input(side[1:])


def _aligned(scope: Scope, value: Value, axes: tuple[Axis, ...]) -> Value:
    """The array over exactly these logical axes."""

    def body(*groups: tuple[Affine, ...]) -> Iterator[Term]:
        choices: list[tuple[tuple[Constraint, ...], list[tuple[Affine, ...]]]] = [((), [])]
        for old, new, group in zip(value.axes, axes, groups, strict=True):
            direct = _matched(scope, old, new, group)
            if direct is not None:
                options: list[tuple[tuple[Constraint, ...], tuple[Affine, ...]]] = [((), direct)]
            else:
                options = [((*w, *v), f) for w, at in flat(new, group) for v, f in place(old, at)]
            choices = [((*w, *v), [*done, forms]) for w, done in choices for v, forms in options]
        for where, index in choices:
            for term in read(scope.fresh, value, index):
                yield term.under(*where)

    whole = build(scope.fresh, axes, body)
    cut = any(len(one.sizes) > 1 and len(old.sizes) < len(one.sizes) for old, one in zip(value.axes, axes, strict=True))
    return somewhere(scope, whole) if cut else whole


def _matched(scope: Scope, old: Axis, new: Axis, group: tuple[Affine, ...]) -> tuple[Affine, ...] | None:
    """The logical indices on the old axis where both show the same sizes, those that are 1 in the branch left out."""
    kept = [form for size, form in zip(new.sizes, group, strict=True) if scope.known(size) != 1]
    left, right = ([size for size in one.sizes if scope.known(size) != 1] for one in (old, new))
    if not same_structure(scope, left, right):
        return None
    rest = iter(kept)
    return tuple(affine(0) if scope.known(size) == 1 else next(rest) for size in old.sizes)
