"""The proofs about one kernel for one number of lanes: what is stored, when, and that it is what was derived."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product

from symconv.loops.ir import LANES, Binary, Compare, Const, Expr, Kernel, Select, Var
from symconv.loops.traverse import walk
from symconv.notation.operator import Operator
from symconv.relation.instances import escapes, repeated
from symconv.relation.points import Instances, UnclearError, Word
from symconv.relation.sets import Context, context_of
from symconv.relation.sums import difference_of, once
from symconv.relation.told import occurs
from symconv.validate.compare import Comparison, chosen, held_terms
from symconv.validate.execute import execute, lifetimes
from symconv.validate.flow import TEST, Access, Flow, tests_of
from symconv.validate.memory import Held
from symconv.validate.ordering import FaultError, check_order, check_owners, check_reads, check_scratch
from symconv.validate.places import at_least
from symconv.validate.plain import Plain, for_lanes
from symconv.validate.polynomial import polynomial
from symconv.validate.stated import cells, stated
from symconv.validate.words import condition, word

__all__ = ["prove"]

_OPPOSITE = {"<": ">=", ">=": "<", "<=": ">", ">": "<="}


def prove(op: Operator, made: Plain, lanes: int | None, requires: Sequence[Expr] = ()) -> tuple[str, ...]:
    """What is proved of a plain kernel, a sentence each; without ``lanes``, for any number of them.

    ``requires`` are conditions on sizes without which nobody takes the kernel. Raises FaultError with a point,
    UnclearError where something is not decided.
    """
    kernel = made.kernel if lanes is None else for_lanes(made.kernel, lanes)
    tests = tests_of(kernel.nests)
    own = frozenset(s.target.name for s in op.statements)
    context = _context(op, kernel, len(tests), requires)
    if requires and not occurs(context, Instances((), tuple(condition(test, {}) for test in requires))):
        raise UnclearError("no sizes are as the kernel requires")
    flow = Flow(kernel, context, own, lanes or 1, tests, {}, limits=made.limits)
    life = lifetimes(flow)
    while True:
        flow = replace(
            flow,
            context=context,
            life=life,
            held={},
            accesses=[],
            effects=[],
            lengths=[],
            faults=[],
            cuts=set(),
            demands=[],
            notes={},
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


def _context(op: Operator, kernel: Kernel, tests: int, requires: Sequence[Expr]) -> Context:
    context = context_of(op)
    known = [context.facts, *(f"{s.name} = {s.value.value}" for s in kernel.sizes if isinstance(s.value, Const))]
    # Kernels whose number of lanes is known do not speak of it.
    known += [f"{name} >= 1" for name in (*kernel.parameters, LANES)]
    known += [condition(test, {}).text for test in requires]
    if kernel.parameters and op.batch:
        # A plan takes such a kernel only where nothing is empty.
        known.append(f"{op.batch} >= 1")
    for size in kernel.layout:
        # A product of sizes is any number, for all that is known here.
        with suppress(UnclearError):
            known.append(_defined(size.name, size.value, frozenset(kernel.parameters)))
    flags = [TEST.format(k) for k in range(tests)]
    own = (*(s.name for s in kernel.sizes), *kernel.parameters, LANES, *(s.name for s in kernel.layout))
    return Context(tuple(dict.fromkeys((*context.sizes, *own, *flags))), " and ".join(filter(None, known)))


def _defined(name: str, value: Expr, parameters: frozenset[str]) -> str:
    """What is known of a number that is computed from sizes and a plan."""
    match value:
        case Binary("max", Const(first, False), Binary("min", a, b)) if any(
            isinstance(side, Var) and side.name in parameters for side in (a, b)
        ):
            # Whatever a plan says, and the less is known of it the simpler is every proof.
            return f"{name} >= {first}"
    if (least := at_least(value)) != value and all(
        factor > 0 for n, factor in polynomial(value).items() if _rounded(n)
    ):
        return f"{name} >= {word(least, {}).text}"
    # Less is said than is known, where that is simpler: maxima as lower bounds, equal values whatever chooses them.
    cases: dict[str, list[tuple[str, ...]]] = {}
    for when, one in _choices(value):
        cases.setdefault(_equal(name, one), []).append(when)
    texts = [" and ".join((*set.intersection(*map(set, whens)), said)) for said, whens in cases.items()]
    return f"({' or '.join(f'({text})' for text in texts)})" if len(texts) > 1 else texts[0]


def _equal(name: str, value: Expr) -> str:
    """That a number has a value, or is not less than each part of a maximum."""
    parts = _parts_of(value)
    return " and ".join(f"{name} {'>=' if len(parts) > 1 else '='} {word(part, {}).text}" for part in parts)


def _parts_of(value: Expr) -> list[Expr]:
    match value:
        case Binary("max", left, right):
            return [*_parts_of(left), *_parts_of(right)]
    return [value]


def _rounded(atoms: tuple[Expr, ...]) -> bool:
    """Whether a product holds a quotient."""
    return any(isinstance(node, Binary) and node.op == "//" for atom in atoms for node in walk(atom))


def _choices(value: Expr) -> list[tuple[tuple[str, ...], Expr]]:
    """The values that a number has, each with when it has it."""
    match value:
        case Select(Compare(op, left, right) as test, yes, no) if op in _OPPOSITE:
            holds, fails = condition(test, {}).text, condition(Compare(_OPPOSITE[op], left, right), {}).text
            return [
                ((one, *when), chosen) for one, part in ((holds, yes), (fails, no)) for when, chosen in _choices(part)
            ]
    return [((), value)]


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
                sides = Comparison(self.flow.plainer, name, flags)
                _stored(sides, cells(statement), held)
                sides.terms(want, got)
            yield f"every cell of {name} is stored exactly once before anything is added to it"
            yield f"{name} receives every term of the derivation exactly once and nothing else"
        check_reads(self.flow)
        if any(effect.stage is None for effect in self.flow.effects):
            yield "the kernel reads what it writes only after all stores to those cells"
        yield "every access lies inside its array"
        check_owners(self.flow)
        yield "no two threads write one cell, and none reads what another writes"

    def _rows(self, access: Access) -> None:
        """Rows of digits stay before the end: of canonical digits, those that come first count less."""
        start, ends, radices = self.flow.limits[access.buffer]
        pitches, at = [word(r, {}).text for r in radices], access.points.image[start : start + len(radices) + 1]
        cases = []
        for digits in ends:
            end = [word(d, {}).text for d in digits]
            known = [f"{text} >= 0" for text in end[1:]]
            cases.append(" and ".join([*known, f"({_before(at, end, pitches)})"]))
        before = " or ".join(f"({case})" for case in cases)
        fits = " and ".join([*(f"{word.text} >= 0" for word in at), f"({before})"])
        wrong = Word(f"not ({fits})")
        if occurs(self.context, replace(access.points, facts=(*access.points.facts, wrong))):
            raise UnclearError(f"nothing says that an access stays in the rows of {access.buffer}")

    def _inside(self) -> None:
        for access in dict.fromkeys(self.flow.accesses):
            tensor = self.flow.kernel.buffer(access.buffer)
            sizes = [word(size, {}) for size in tensor.sizes]
            image = list(access.points.image)
            if access.buffer in self.flow.limits:
                self._rows(access)
                start, _, radices = self.flow.limits[access.buffer]
                del image[start : start + len(radices) + 1], sizes[start : start + len(radices) + 1]
            if point := escapes(self.context, access.points.touching(image), sizes):
                raise FaultError(f"an access leaves {access.buffer}: {point}")
        for demand in dict.fromkeys(self.flow.demands):
            against = replace(demand.points, facts=(*demand.points.facts, Word(f"not ({demand.fact.text})")))
            if occurs(self.context, against):
                raise UnclearError(f"nothing says that {demand.fact.text}")
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
    if any(len(stores.image) != len(every.image) for stores in (*cleared, *first)):
        # Stores of a loop that two stages share are told by its iteration as well.
        raise UnclearError(f"stores of {sides.name} are told by iterations of a loop, not by cells alone")
    if first and cleared and difference_of(sides.context, once([every]), once(cleared)) is None:
        # What is cleared as a whole may be stored over, each cell once.
        if point := repeated(sides.context, first):
            raise FaultError(f"stores of {sides.name}: extra the 2. time: {point}")
    else:
        sides.stores([every], [*cleared, *first])
    for stores in again:
        sides.stores([every], stores)


def _before(at: Sequence[Word], end: Sequence[str], radices: Sequence[str]) -> str:
    """That digits stand before others, in the order of what they count; the last digit of the end may carry."""
    texts = []
    for k, (digit, limit) in enumerate(zip(at, end, strict=True)):
        equal = [f"{a.text} = {e}" for a, e in zip(at[:k], end[:k], strict=True)]
        texts.append(" and ".join((*equal, f"{digit.text} < {limit}")))
    said = " or ".join(f"({text})" for text in texts)
    if radices:
        carried = [*end[:-2], f"({end[-2]} + 1)", f"({end[-1]} - {radices[-1]})"]
        said += f" or ({carried[-1]} >= 0 and ({_before(at, carried, ())}))"
    return said
