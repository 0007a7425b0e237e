"""What a kernel is found to do: what its buffers hold, what it touches, and the tests of sizes that choose nests."""

from __future__ import annotations

from dataclasses import dataclass, field

from symconv.loops.ir import Compare, Const, Expr, Kernel, Select, Var
from symconv.relation.points import Instances, UnclearError, Word
from symconv.validate.scope import Scope
from symconv.validate.terms import Sum, Term
from symconv.validate.words import word

__all__ = ["CLEARED", "COMBINED", "STORED", "TEST", "Access", "Flow", "Held", "Write"]

TEST = "test{}_"
"""The name of a flag: 1 where a test of sizes holds, 0 where it does not."""

CLEARED, STORED, COMBINED = range(3)
"""The stages of a write; those of later passes follow."""


@dataclass(slots=True)
class Held:
    """A buffer: the instances that clear and that store each cell, pass by pass, and what the cells hold by now."""

    cleared: list[Instances] = field(default_factory=list)
    passes: list[list[Instances]] = field(default_factory=lambda: [[]])
    terms: list[Term] = field(default_factory=list)
    op: str = "+"
    accumulated: bool = False

    @property
    def value(self) -> Sum:
        """What is held, as a reduction."""
        return Sum(self.op, tuple(self.terms))

    @property
    def stores(self) -> list[Instances]:
        """What the first pass stores."""
        return [*self.cleared, *self.passes[0]]


@dataclass(frozen=True, slots=True)
class Access:
    """Instances that touch a buffer; their image is the index."""

    buffer: str
    points: Instances


@dataclass(frozen=True, slots=True)
class Write:
    """Instances of a statement that writes a buffer.

    ``path`` leads to it: positions of nest, loops and statement, each with the loop's variable if it is a loop.
    ``owner`` are the loops that are cut among threads. ``stage`` grows in the order in which a cell must be written:
    cleared, stored, combined, then computed anew from what it holds.
    """

    buffer: str
    points: Instances
    path: tuple[tuple[int, str], ...]
    owner: tuple[str, ...]
    stage: int

    @property
    def nest(self) -> int:
        """The number of the nest."""
        return self.path[0][0]


@dataclass(slots=True)
class Flow:
    """What a kernel does. ``own`` names the tensors of the operator, ``tests`` are the conditions that choose nests.

    ``accesses`` must lie in their buffers, ``asked`` are the cells of scratch memory that are read, ``lengths`` are
    factors of flat loops and must not be negative, ``faults`` are what is wrong already.
    """

    kernel: Kernel
    own: frozenset[str]
    lanes: int
    held: dict[str, Held] = field(default_factory=dict)
    accesses: list[Access] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    asked: list[Access] = field(default_factory=list)
    lengths: list[Word] = field(default_factory=list)
    tests: list[Expr] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def buffer(self, name: str) -> Held:
        """What a buffer holds by now."""
        return self.held.setdefault(name, Held())

    def scratch(self, buffer: str) -> bool:
        """Whether a buffer is memory of the kernel's own, no tensor of the operator."""
        return buffer not in self.own and self.kernel.buffer(buffer).role == "workspace"

    def chosen(self, extent: Expr) -> tuple[Expr, Scope]:
        """An extent that is 0 unless a test of sizes comes out one way: the extent, and a flag for the test."""
        match extent:
            case Select(test, Const(value, False), other) if value == 0:
                answer, kept = 0, other
            case Select(test, other, Const(value, False)) if value == 0:
                answer, kept = 1, other
            case _:
                return extent, Scope()
        if test not in self.tests:
            self.tests.append(test)
        return kept, Scope().given(_flag(self.tests.index(test), answer))

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

    def touch(self, buffer: str, index: tuple[Expr, ...], scope: Scope) -> tuple[Word, ...]:
        """Note an access and answer its index."""
        image = self.index(buffer, index, scope)
        if not any(_flat(expr, scope) for expr in index):
            facts = (*scope.facts, *self._sizes(scope))
            self.accesses.append(Access(buffer, Instances(scope.dims, facts, image)))
        return image

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


def _flat(expr: Expr, scope: Scope) -> bool:
    return isinstance(expr, Var) and expr.name in scope.flat
