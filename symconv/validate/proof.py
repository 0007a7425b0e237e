"""The proofs about one kernel for one number of lanes: what is stored, when, and that it is what was derived."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from symconv.loops.ir import Const, Kernel
from symconv.notation.operator import Operator
from symconv.relation.instances import difference_of, escapes, repeated
from symconv.relation.points import Instances, UnclearError, Word
from symconv.relation.sets import Context, context_of
from symconv.validate.compare import Comparison, chosen, held_terms
from symconv.validate.execute import digits_of, execute, lifetimes
from symconv.validate.flow import TEST, Flow, tests_of
from symconv.validate.memory import Held
from symconv.validate.ordering import FaultError, check_order, check_owners, check_reads, check_scratch
from symconv.validate.plain import plain
from symconv.validate.stated import cells, stated
from symconv.validate.words import word

__all__ = ["prove"]


def prove(op: Operator, kernel: Kernel, lanes: int) -> tuple[str, ...]:
    """What is proved, a sentence each. Raises FaultError with a point, UnclearError where something is not decided."""
    kernel = plain(kernel, lanes)
    tests = tests_of(kernel.nests)
    own = frozenset(s.target.name for s in op.statements)
    flow = Flow(kernel, _context(op, kernel, len(tests)), own, lanes, tests, {})
    strips = [name for _, _, strips in digits_of(flow).values() for s in strips for name in (s.start, s.end)]
    context = replace(flow.context, sizes=(*flow.context.sizes, *strips))
    life = lifetimes(flow)
    while True:
        flow = replace(
            flow, context=context, life=life, held={}, accesses=[], effects=[], lengths=[], faults=[], cuts=set()
        )
        execute(flow)
        short = check_scratch(flow)
        if short is None:
            return tuple(_Proof(op, flow).run())
        buffer, fault = short
        if not life.get(buffer) or kernel.buffer(buffer).role == "private":
            raise FaultError(fault)
        # What is read may have been stored in an earlier turn of the innermost loop.
        life = {**life, buffer: life[buffer][:-1]}


def _context(op: Operator, kernel: Kernel, tests: int) -> Context:
    context = context_of(op)
    known = [context.facts, *(f"{s.name} = {s.value.value}" for s in kernel.sizes if isinstance(s.value, Const))]
    known += [f"{name} >= 1" for name in kernel.parameters]
    for size in kernel.layout:
        try:
            known.append(f"{size.name} = {word(size.value, {}).text}")
        except UnclearError:
            # A product of sizes is any number, for all that is known here.
            continue
    flags = [TEST.format(k) for k in range(tests)]
    own = (*(s.name for s in kernel.sizes), *kernel.parameters, *(s.name for s in kernel.layout))
    return Context(tuple(dict.fromkeys((*context.sizes, *own, *flags))), " and ".join(filter(None, known)))


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
            want, got = stated(self.op, statement, _fixed(self.flow.kernel)), held_terms(held, self.flow.cuts)
            for flags in _flags(self.flow):
                sides = Comparison(self.context, name, flags)
                _stored(sides, cells(statement), held)
                sides.terms(want, got)
            yield f"every cell of {name} is stored exactly once before anything is added to it"
            yield f"{name} receives every term of the derivation exactly once and nothing else"
        check_reads(self.flow)
        if any(effect.stage is None for effect in self.flow.effects):
            yield "every read of what the kernel writes comes after all stores to the cells that are read"
        yield "every access lies inside its array"
        check_owners(self.flow)
        yield "no two threads write one cell, and none reads what another writes"

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


def _flags(flow: Flow) -> list[dict[str, int]]:
    names = [TEST.format(k) for k in range(len(flow.tests))]
    return [dict(zip(names, values, strict=True)) for values in product((0, 1), repeat=len(names))]


def _stored(sides: Comparison, every: Instances, held: Held) -> None:
    first, *again = (chosen(stores, sides.flags) for stores in held.passes)
    cleared = chosen(held.cleared, sides.flags)
    if first and cleared and difference_of(sides.context, [every], cleared) is None:
        # What is cleared as a whole may be stored over, each cell once.
        if point := repeated(sides.context, first):
            raise FaultError(f"stores of {sides.name}: extra the 2. time: {point}")
    else:
        sides.instances([every], [*cleared, *first], f"stores of {sides.name}")
    for stores in again:
        sides.instances([every], stores, f"stores of {sides.name}")
