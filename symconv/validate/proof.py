"""The proofs about one kernel for one number of lanes: what is stored, when, and that it is what was derived."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from symconv.loops.ir import Const, Kernel
from symconv.notation.operator import Operator
from symconv.relation.instances import difference_of, escapes, repeated
from symconv.relation.points import Instances, UnclearError, Word
from symconv.relation.sets import Context, context_of
from symconv.validate.execute import execute, lifetimes, plain
from symconv.validate.flow import TEST, Flow, tests_of
from symconv.validate.memory import Held
from symconv.validate.ordering import FaultError, check_order, check_owners, check_reads, check_scratch
from symconv.validate.stated import cells, stated
from symconv.validate.terms import Sum, Term, reduced
from symconv.validate.words import word

__all__ = ["prove"]

_FLAG = re.compile(re.escape(TEST).replace(r"\{\}", r"\d+") + " = ")


def prove(op: Operator, kernel: Kernel, lanes: int) -> tuple[str, ...]:
    """What is proved, a sentence each. Raises FaultError with a point, UnclearError where something is not decided."""
    kernel = plain(kernel, lanes)
    tests = tests_of(kernel.nests)
    own = frozenset(s.target.name for s in op.statements)
    flow = Flow(kernel, _context(op, kernel, len(tests)), own, lanes, tests, {})
    life = lifetimes(flow)
    while True:
        flow = replace(flow, life=life, held={}, accesses=[], effects=[], lengths=[], faults=[], cuts=set())
        execute(flow)
        short = check_scratch(flow)
        if short is None:
            return tuple(_Proof(op, flow).run())
        buffer, fault = short
        if not life.get(buffer):
            raise FaultError(fault)
        # What is read may have been stored in an earlier turn of the innermost loop.
        life = {**life, buffer: life[buffer][:-1]}


def _context(op: Operator, kernel: Kernel, tests: int) -> Context:
    context = context_of(op)
    fixed = [f"{s.name} = {s.value.value}" for s in kernel.sizes if isinstance(s.value, Const)]
    known = [text for text in (context.facts, *fixed) if text]
    flags = [TEST.format(k) for k in range(tests)]
    sizes = tuple(dict.fromkeys((*context.sizes, *(s.name for s in kernel.sizes), *flags)))
    return Context(sizes, " and ".join(known))


@dataclass(slots=True)
class _Proof:
    op: Operator
    flow: Flow

    @property
    def context(self) -> Context:
        return self.flow.context

    def run(self) -> Iterator[str]:
        if self.flow.faults:
            raise FaultError(self.flow.faults[0])
        self._inside()
        check_order(self.flow)
        for statement in self.op.statements:
            name = statement.target.name
            held = self.flow.held.get(name)
            if held is None:
                raise FaultError(f"{name} is never stored")
            want, got = stated(self.op, statement, _fixed(self.flow.kernel)), _final(held, self.flow.cuts)
            for flags in _flags(self.flow):
                self._stored(cells(statement), held, flags, name)
                self._terms(want, got, flags, name, len(statement.indices))
            yield f"every cell of {name} is stored exactly once before anything is added to it"
            yield f"{name} receives every term of the derivation exactly once and nothing else"
        check_reads(self.flow)
        if any(effect.stage is None for effect in self.flow.effects):
            yield "every read of what the kernel writes comes after all stores to the cells that are read"
        yield "every access lies inside its array"
        check_owners(self.flow)
        yield "no two threads write one cell, and none reads what another writes"

    def _stored(self, every: Instances, held: Held, flags: dict[str, int], name: str) -> None:
        first, *again = (_chosen(stores, flags) for stores in held.passes)
        cleared = _chosen(held.cleared, flags)
        if first and cleared and difference_of(self.context, [every], cleared) is None:
            # What is cleared as a whole may be stored over, each cell once.
            if point := repeated(self.context, first):
                raise FaultError(f"stores of {name}: extra the 2. time: {point}")
        else:
            self._equal([every], [*cleared, *first], f"stores of {name}")
        for stores in again:
            self._equal([every], stores, f"stores of {name}")

    def _equal(self, want: Sequence[Instances], got: Sequence[Instances], what: str, once: bool = False) -> None:
        if fault := difference_of(self.context, want, got, once):
            raise FaultError(f"{what}: {fault}")

    def _terms(
        self,
        want: Sequence[Term],
        got: Sequence[Term],
        flags: dict[str, int],
        name: str,
        width: int,
        op: str = "+",
    ) -> None:
        sides = [_by_form(side, flags) for side in (want, got)]
        for form in dict.fromkeys((*sides[0], *sides[1])):
            a, b = (side.get(form, []) for side in sides)
            self._equal([_read(t) for t in a], [_read(t) for t in b], f"terms of {name}", op in ("max", "min"))
            slots = [(_sums(one), _sums(other)) for one in a[:1] for other in b[:1]]
            if slots and slots[0][0]:
                self._alone([*a, *b], a, name)
            for k in range(len(slots[0][0]) if slots else 0):
                self._slots([_sums(t)[k] for t in a], [_sums(t)[k] for t in b], flags, name, width)

    def _alone(self, every: Sequence[Term], want: Sequence[Term], name: str) -> None:
        """Reductions inside functions are compared cell by cell: no cell may have two of the same form."""
        if len(want) > 1 and repeated(self.context, [term.instances for term in want]):
            raise UnclearError(f"{name} has several functions of reductions of one form")
        for term in every:
            if repeated(self.context, [term.instances]):
                raise UnclearError(f"{name} sums functions of reductions")

    def _slots(self, want: Sequence[Sum], got: Sequence[Sum], flags: dict[str, int], name: str, width: int) -> None:
        if len({s.op for s in (*want, *got)}) != 1:
            raise FaultError(f"{name} is reduced by {' and '.join(sorted({s.op for s in (*want, *got)}))}")
        left, right = ([t for s in side for t in s.terms] for side in (want, got))
        self._terms(left, right, flags, name, width, want[0].op)

    def _inside(self) -> None:
        for access in dict.fromkeys(self.flow.accesses):
            tensor = self.flow.kernel.buffer(access.buffer)
            sizes = [word(size, {}) for size in tensor.sizes]
            if point := escapes(self.context, access.points, sizes):
                raise FaultError(f"an access leaves {access.buffer}: {point}")
        for length in dict.fromkeys(self.flow.lengths):
            if escapes(self.context, Instances((), (), (length,)), (Word(f"{length.text} + 1"),)):
                raise UnclearError(f"a flat loop counts {length.text}, which may be negative")


def _fixed(kernel: Kernel) -> dict[str, int]:
    return {s.name: int(s.value.value) for s in kernel.sizes if isinstance(s.value, Const)}


def _final(held: Held, cuts: set[str]) -> list[Term]:
    """The terms held; a buffer that holds an extreme is one reduction."""
    terms = held.terms(cuts)
    if held.op in ("", "+"):
        return terms
    return [Term(1, reduced(held.op, terms), points) for points in held.passes[-1] or held.cleared]


def _by_form(terms: Sequence[Term], flags: dict[str, int]) -> dict[object, list[Term]]:
    """The terms of the instances that run when the tests come out so, by sign and form."""
    found: dict[object, list[Term]] = {}
    for term in terms:
        for points in _chosen([term.instances], flags):
            found.setdefault((term.sign, term.tree.shape()[0]), []).append(replace(term, instances=points))
    return found


def _read(term: Term) -> Instances:
    return term.instances.touching((*term.instances.image, *term.tree.shape()[1]))


def _sums(term: Term) -> tuple[Sum, ...]:
    return term.tree.shape()[2]


def _flags(flow: Flow) -> list[dict[str, int]]:
    names = [TEST.format(k) for k in range(len(flow.tests))]
    return [dict(zip(names, values, strict=True)) for values in product((0, 1), repeat=len(names))]


def _chosen(points: Sequence[Instances], flags: dict[str, int]) -> list[Instances]:
    """The instances that run when the tests come out so, without the tests."""
    against = {Word(f"{name} = {1 - value}") for name, value in flags.items()}
    return [_unflagged(one) for one in points if not against & set(one.facts)]


def _unflagged(points: Instances) -> Instances:
    return replace(points, facts=tuple(fact for fact in points.facts if not _FLAG.match(fact.text)))
