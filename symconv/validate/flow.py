"""What a kernel is found to do: what its buffers hold, what it touches, and the tests of sizes that choose nests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from symconv.loops.ir import Buffer, Compare, Const, Expr, For, If, Kernel, Nest, Select, Stmt, Var
from symconv.loops.traverse import walk
from symconv.relation.instances import escapes
from symconv.relation.points import Instances, UnclearError, Word, names_in
from symconv.relation.sets import Context
from symconv.relation.texts import conjuncts
from symconv.relation.told import occurs
from symconv.validate.effects import Effect
from symconv.validate.memory import Held
from symconv.validate.places import Limits
from symconv.validate.scope import Scope
from symconv.validate.words import word

__all__ = ["TEST", "Access", "Cell", "Demand", "Flow", "Strip", "tests_of"]

TEST = "test{}_"
"""The name of a flag: 1 where a test of sizes holds, 0 where it does not."""


Cell = tuple[tuple[Word, ...], tuple[Word, ...]]
"""What holds in a case, and the cell that is touched then."""


@dataclass(frozen=True, slots=True)
class Access:
    """Instances that touch a buffer; their image is the index."""

    buffer: str
    points: Instances


def tests_of(nests: tuple[Nest, ...]) -> tuple[Expr, ...]:
    """The tests of sizes that choose nests."""
    return tuple(dict.fromkeys(test for nest in nests if (test := _choice(nest.extent)[0]) is not None))


def _choice(extent: Expr) -> tuple[Expr | None, int, Expr]:
    """An extent that is 0 unless a test of sizes comes out one way: the test, its outcome, and the extent then."""
    match extent:
        case Select(test, Const(value, False), other) if value == 0:
            return test, 0, other
        case Select(test, other, Const(value, False)) if value == 0:
            return test, 1, other
    return None, 0, extent


@dataclass(frozen=True, slots=True)
class Strip:
    """One strip of ``0 .. total-1``, of ``step`` numbers or what is left; ``start`` and ``end`` are names."""

    start: str
    end: str
    total: Expr
    step: str


@dataclass(frozen=True, slots=True)
class Demand:
    """What must hold at all points."""

    fact: Word
    points: Instances


@dataclass(slots=True)
class Flow:
    """What a kernel does. ``own`` names the tensors of the operator, ``tests`` are the conditions that choose nests.

    ``life`` names the loops around the whole life of a workspace. ``accesses`` must lie in their buffers, ``lengths``
    are factors of flat loops and must not be negative, ``faults`` are what is wrong already. ``notes`` say of packed
    buffers which elements lie where theirs are.
    """

    kernel: Kernel
    context: Context
    own: frozenset[str]
    lanes: int
    tests: tuple[Expr, ...]
    life: Mapping[str, tuple[str, ...]]
    held: dict[str, Held] = field(default_factory=dict)
    accesses: list[Access] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    lengths: list[Word] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    cuts: set[str] = field(default_factory=set)
    demands: list[Demand] = field(default_factory=list)
    limits: Limits = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def plan(self) -> frozenset[str]:
        """The numbers of a plan, and what is computed from them."""
        names = set(self.kernel.parameters)
        for size in self.kernel.layout:
            if any(isinstance(node, Var) and node.name in names for node in walk(size.value)):
                names.add(size.name)
        return frozenset(names)

    @property
    def plainer(self) -> Context:
        """What is known of sizes without the numbers of a plan, for what does not depend on them."""
        kept = (fact for fact in conjuncts(self.context.facts) if not names_in(fact) & self.plan)
        return Context(self.context.sizes, " and ".join(kept))

    def named(self, strips: Iterable[Strip]) -> None:
        """Strips whose ends are named from now on."""
        names = (name for strip in strips for name in (strip.start, strip.end))
        self.context = Context(tuple(dict.fromkeys((*self.context.sizes, *names))), self.context.facts)

    def touched_outside(self, loop: For) -> set[str]:
        """The buffers that are touched outside of a loop."""
        found: set[str] = set()

        def look(body: tuple[Stmt, ...]) -> None:
            for statement in body:
                if statement is loop:
                    continue
                if isinstance(statement, For | If):
                    look(statement.body)
                else:
                    found.update(n.buffer for n in walk(statement) if getattr(n, "buffer", ""))

        for nest in self.kernel.nests:
            look(nest.body)
        return found

    def buffer(self, name: str) -> Held:
        """What a buffer holds by now."""
        return self.held.setdefault(name, Held())

    def writes(self, buffer: str) -> list[Effect]:
        """Every write of a buffer so far."""
        return [e for e in self.effects if e.buffer == buffer and e.stage is not None]

    def written(self, buffer: str) -> bool:
        """Whether a buffer is one that the kernel writes."""
        return self.kernel.buffer(buffer).role != "in"

    def cell(self, buffer: str, index: tuple[Word, ...]) -> tuple[Word, ...]:
        """A cell among all turns of the loops around the buffer's life."""
        return (*map(Word, self.life.get(buffer, ())), *index)

    def chosen(self, extent: Expr) -> tuple[Expr, Scope]:
        """An extent that is 0 unless a test of sizes comes out one way: the extent, and a flag for the test."""
        test, answer, kept = _choice(extent)
        return (kept, Scope()) if test is None else (kept, Scope().given(_flag(self.tests.index(test), answer)))

    def index(self, buffer: str, index: tuple[Expr, ...], scope: Scope) -> tuple[Word, ...]:
        """An index; a flat position becomes the loops it stands for, where it is known to lie in the buffer."""
        words: list[Word] = []
        for axis, expr in enumerate(index):
            if _flat(expr, scope):
                assert isinstance(expr, Var)
                names, extent = scope.flat[expr.name]
                self._fits(buffer, axis, extent, scope)
                words += [Word(name) for name in names]
            else:
                words.append(word(expr, scope.values))
        return tuple(words)

    def touch(self, buffer: str, index: tuple[Expr, ...], scope: Scope) -> list[Cell]:
        """Note an access and answer where it goes, case by case."""
        places = self.places(buffer, index, scope)
        if not any(_flat(expr, scope) for expr in index):
            for facts, image in places:
                known = (*scope.facts, *facts, *self._sizes(scope))
                self.accesses.append(Access(buffer, Instances(scope.dims, known, image)))
        return places

    def places(self, buffer: str, index: tuple[Expr, ...], scope: Scope) -> list[Cell]:
        """An index, with its carries: a position may run over the end of its axis into the next row of the axis
        before, where both are one axis of memory."""
        words = self.index(buffer, index, scope)
        tensor = self.kernel.buffer(buffer)
        found: list[Cell] = [((), words)]
        if tensor.role in {"in", "out"} and not tensor.flat:
            return found
        for axis in reversed(_carried(tensor)):
            size = word(tensor.sizes[axis], {})
            found = [place for facts, image in found for place in self._carries(scope, facts, image, axis, size)]
        return found

    def _carries(
        self, scope: Scope, facts: tuple[Word, ...], image: tuple[Word, ...], axis: int, size: Word
    ) -> Iterator[Cell]:
        """The cases of one axis: the row that is meant, the one before it, the one behind it."""
        points = Instances(scope.dims, (*scope.facts, *facts))
        at, row = image[axis], image[axis - 1]
        if escapes(self.context, points.touching((at,)), (size,)) is None:
            yield facts, image
            return
        if escapes(self.context, points.touching((Word(f"{at.text} + {size.text}"),)), (Word(f"3*({size.text})"),)):
            raise UnclearError(f"a position runs {at.text} over more than one row of {size.text}")
        for carry in (0, -1, 1):
            new = Word(f"({at.text} {'-' if carry > 0 else '+'} ({size.text}))") if carry else at
            inside = (*facts, Word(f"{new.text} >= 0"), Word(f"{new.text} < {size.text}"))
            moved = (
                *image[: axis - 1],
                Word(f"({row.text} {'+' if carry > 0 else '-'} 1)") if carry else row,
                new,
                *image[axis + 1 :],
            )
            if occurs(self.context, replace(points, facts=(*scope.facts, *inside)), at.names):
                yield inside, moved

    def _fits(self, buffer: str, axis: int, extent: Expr, scope: Scope) -> None:
        size = self.kernel.buffer(buffer).sizes[axis]
        known = {(test.left, test.right) for test in self._true(scope) if isinstance(test, Compare) and test.op == "<"}
        if (extent, size) not in known:
            raise UnclearError(f"nothing says that a flat position lies in {buffer}")

    def _true(self, scope: Scope) -> list[Expr]:
        """The tests that hold in a scope, conjunctions taken apart."""
        found: list[Expr] = []
        left = [test for k, test in enumerate(self.tests) if _flag(k, 1) in scope.facts]
        while left:
            match left.pop():
                case Select(test, yes, Const(value, False)) if value == 0:
                    left += [test, yes]
                case test:
                    found.append(test)
        return found

    def _sizes(self, scope: Scope) -> tuple[Word, ...]:
        """What the tests say of the sizes, as far as that is affine."""
        words = []
        for test in self._true(scope):
            if isinstance(test, Compare):
                try:
                    words.append(Word(f"{word(test.left, {}).text} {test.op} {word(test.right, {}).text}"))
                except UnclearError:
                    continue
        return tuple(words)


def _flag(number: int, answer: int) -> Word:
    return Word(f"{TEST.format(number)} = {answer}")


def _carried(tensor: Buffer) -> list[int]:
    """The axes whose positions may run into the next row of the axis before."""
    lengths = [len(axis) for axis in tensor.axes]
    apart = len(lengths) - tensor.flat
    groups = [*lengths[:apart], sum(lengths[apart:])] if tensor.flat else lengths
    starts = [sum(groups[:k]) for k in range(len(groups))]
    return [axis for start, count in zip(starts, groups, strict=True) for axis in range(start + 1, start + count)]


def _flat(expr: Expr, scope: Scope) -> bool:
    return isinstance(expr, Var) and expr.name in scope.flat
