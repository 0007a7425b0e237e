"""The loop nests of a kernel against the derivation they come from, for all sizes: translation validation.

Method: Pnueli, Siegel, Singerman, *Translation Validation* (1998), with the polyhedral form of dataflow in place of
traces. Both sides become collections of (cell, elements read) pairs, which isl compares as sets; that they are sets, no
pair occurring twice, is proved first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from symconv.gather.derivation import Derivation
from symconv.loops.ir import LANES as WIDTH
from symconv.loops.ir import Const, Kernel, Var
from symconv.loops.traverse import walk
from symconv.notation.operator import Operator
from symconv.relation.effort import ExhaustedError, effort
from symconv.relation.instances import difference_of, escapes, runs_before, shared_cell
from symconv.relation.points import Instances, UnclearError, Word
from symconv.relation.sets import Context, context_of
from symconv.validate.execute import execute
from symconv.validate.flow import TEST, Flow, Held, Write
from symconv.validate.stated import cells, stated
from symconv.validate.terms import Sum, Term
from symconv.validate.words import word

__all__ = ["LANES", "Validation", "Validations", "validate", "validate_all"]

LANES = (2, 4, 8, 16)
"""The numbers of lanes of vectors of 16, 32 and 64 bytes, in single and double precision."""

_OPERATIONS = 100_000_000
"""Of isl, for one kernel and one number of lanes: ten times what the largest of the shipped operators need."""

_VERDICTS = {True: "proved for all sizes", False: "wrong", None: "undecided"}


@dataclass(frozen=True, slots=True)
class Validation:
    """Whether a kernel does what was derived. ``holds`` is None where this cannot be decided; ``reason`` then says why.

    ``lines`` are what was proved, a sentence each; ``fault`` is what is wrong, with a point.
    """

    name: str
    holds: bool | None
    lines: tuple[str, ...] = ()
    fault: str = ""
    reason: str = ""

    def __bool__(self) -> bool:
        return self.holds is True

    def __str__(self) -> str:
        said = self.lines or (self.fault or self.reason,)
        return "\n".join((f"{self.name}: {_VERDICTS[self.holds]}", *(f"  {line}" for line in said)))


@dataclass(frozen=True, slots=True)
class Validations:
    """A validation for the output and for every gradient of an operator."""

    kernels: tuple[Validation, ...]

    @property
    def holds(self) -> bool | None:
        """True where all kernels are proved, False where one is wrong, None where one is undecided."""
        found = {validation.holds for validation in self.kernels}
        return False if False in found else None if None in found else True

    def __bool__(self) -> bool:
        return self.holds is True

    def __str__(self) -> str:
        return "\n".join(map(str, self.kernels))

    @property
    def line(self) -> str:
        """One line for a report."""
        groups: dict[str, list[str]] = {}
        for one in self.kernels:
            groups.setdefault(_VERDICTS[one.holds], []).append(one.name)
        return "; ".join(f"{', '.join(names)} {words}" for words, names in groups.items())


def validate_all(
    pairs: Iterable[tuple[Derivation, Kernel]], progress: Callable[[str], None] | None = None
) -> Validations:
    """Every kernel against its derivation; ``progress`` is told each kernel's name."""
    found = []
    for derivation, kernel in pairs:
        if progress is not None:
            progress(kernel.name)
        found.append(validate(derivation, kernel))
    return Validations(tuple(found))


def validate(derivation: Derivation, kernel: Kernel, lanes: Sequence[int] = LANES) -> Validation:
    """Prove that ``kernel`` computes ``derivation``: the same terms, each once, every access inside its array.

    Sizes stay symbolic; the number of vector lanes, which the machine fixes, takes the values ``lanes``.

    >>> import symconv as sc
    >>> from symconv import pipeline
    >>> from symconv.loops.lower import lower
    >>> derivation = pipeline.derive(sc.conv1d(stride=2), "x")
    >>> print(validate(derivation, lower(derivation.gather, "gx")))  # doctest: +ELLIPSIS
    gx: proved for all sizes
      every cell of gx is stored exactly once before anything is added to it
      ...
    """
    wide = _wide(kernel)
    lines: tuple[str, ...] = ()
    for count in lanes if wide else lanes[:1]:
        try:
            with effort(_OPERATIONS):
                lines = tuple(_Proof(derivation.gather.operator, kernel, count).run())
        except (ExhaustedError, UnclearError) as reason:
            return Validation(kernel.name, None, reason=str(reason))
        except _WrongError as error:
            return Validation(kernel.name, False, fault=f"{error} (with {count} lanes)" if wide else str(error))
    if wide:
        lines = (*lines, f"vectors of {', '.join(map(str, lanes))} lanes")
    return Validation(kernel.name, True, lines)


def _wide(kernel: Kernel) -> bool:
    return any(isinstance(node, Var) and node.name == WIDTH for nest in kernel.nests for node in walk(nest))


_FLAG = re.compile(re.escape(TEST).replace(r"\{\}", r"\d+") + " = ")


class _WrongError(Exception):
    """The kernel does something else."""


@dataclass(slots=True)
class _Proof:
    op: Operator
    kernel: Kernel
    lanes: int

    def run(self) -> Iterator[str]:
        own = frozenset(s.target.name for s in self.op.statements)
        flow = execute(self.kernel, own, self.lanes)
        context = self._context(flow)
        if flow.faults:
            raise _WrongError(flow.faults[0])
        for statement in self.op.statements:
            name = statement.target.name
            held = flow.held.get(name)
            if held is None:
                raise _WrongError(f"{name} is never stored")
            for flags in _flags(flow):
                self._stored(context, cells(statement), held, flags, name)
                self._terms(context, stated(self.op, statement), _final(held), flags, name)
            self._ordered(context, [write for write in flow.writes if write.buffer == name])
            yield f"every cell of {name} is stored exactly once before anything is added to it"
            yield f"{name} receives every term of the derivation exactly once and nothing else"
        self._scratch(context, flow)
        self._inside(context, flow)
        yield "every access lies inside its array"
        self._owned(context, flow)
        yield "no two threads write one cell"

    def _context(self, flow: Flow) -> Context:
        context = context_of(self.op)
        fixed = [f"{s.name} = {s.value.value}" for s in self.kernel.sizes if isinstance(s.value, Const)]
        known = [text for text in (context.facts, *fixed) if text]
        tests = [TEST.format(k) for k in range(len(flow.tests))]
        sizes = tuple(dict.fromkeys((*context.sizes, *(s.name for s in self.kernel.sizes), *tests)))
        return Context(sizes, " and ".join(known))

    def _stored(self, context: Context, every: Instances, held: Held, flags: dict[str, int], name: str) -> None:
        first, *again = (_chosen(stores, flags) for stores in held.passes)
        cleared = _chosen(held.cleared, flags)
        if first and cleared and difference_of(context, [every], cleared) is None:
            # What is cleared as a whole may be stored over, each cell once.
            self._equal(context, first, first, f"stores of {name}")
        else:
            self._equal(context, [every], [*cleared, *first], f"stores of {name}")
        for stores in again:
            self._equal(context, [every], stores, f"stores of {name}")

    def _ordered(self, context: Context, writes: Sequence[Write]) -> None:
        """No cell is stored after it was added to, and none is cleared after it was stored."""
        for late, early in product(writes, repeat=2):
            if late.stage <= early.stage or late.nest > early.nest:
                continue
            depth = next(
                (k for k, (a, b) in enumerate(zip(late.path, early.path, strict=False)) if a != b), len(late.path) - 1
            )
            shared = tuple(name for _, name in late.path[:depth] if name)
            above = late.path[depth] < early.path[depth]
            if (above or shared) and (point := runs_before(context, late.points, early.points, shared, above)):
                raise _WrongError(f"a cell of {late.buffer} is stored after it was added to: {point}")

    def _equal(
        self, context: Context, want: Sequence[Instances], got: Sequence[Instances], what: str, once: bool = False
    ) -> None:
        if fault := difference_of(context, want, got, once):
            raise _WrongError(f"{what}: {fault}")

    def _terms(
        self,
        context: Context,
        want: Sequence[Term],
        got: Sequence[Term],
        flags: dict[str, int],
        name: str,
        op: str = "+",
    ) -> None:
        once = op in ("max", "min")
        forms = dict.fromkeys((t.sign, t.form) for t in (*want, *got))
        for sign, form in forms:
            a, b = ([t for t in side if (t.sign, t.form) == (sign, form)] for side in (want, got))
            left, right = ([t.instances for t in a], _chosen([t.instances for t in b], flags))
            if left or right:
                self._equal(context, left, right, f"terms of {name}", once)
            for k in range(len(a[0].slots) if a else 0):
                self._slots(context, [t.slots[k] for t in a], [t.slots[k] for t in b], flags, name)

    def _slots(
        self, context: Context, want: Sequence[Sum], got: Sequence[Sum], flags: dict[str, int], name: str
    ) -> None:
        if len({s.op for s in (*want, *got)}) != 1:
            raise _WrongError(f"{name} is reduced by {' and '.join(sorted({s.op for s in (*want, *got)}))}")
        left, right = ([t for s in side for t in s.terms] for side in (want, got))
        self._terms(context, left, right, flags, name, want[0].op)

    def _scratch(self, context: Context, flow: Flow) -> None:
        for access in flow.asked:
            for flags in _flags(flow):
                stores = flow.buffer(access.buffer).stores
                read, stored = _chosen([access.points], flags), _chosen(stores, flags)
                for only in _last_coordinates(stored):
                    wanted = [p for p in read if p.image[-1].text == only or not only]
                    given = [p for p in stored if p.image[-1].text == only or not only]
                    if wanted:
                        self._equal(context, wanted, given, f"cells of {access.buffer}")

    def _inside(self, context: Context, flow: Flow) -> None:
        for access in dict.fromkeys(flow.accesses):
            tensor = self.kernel.buffer(access.buffer)
            sizes = [word(size, {}) for size in tensor.sizes]
            if point := escapes(context, access.points, sizes):
                raise _WrongError(f"an access leaves {access.buffer}: {point}")

        for length in dict.fromkeys(flow.lengths):
            if escapes(context, Instances((), (), (length,)), (Word(f"{length.text} + 1"),)):
                raise UnclearError(f"a flat loop counts {length.text}, which may be negative")

    def _owned(self, context: Context, flow: Flow) -> None:
        groups: dict[tuple[int, str, tuple[str, ...]], list[Instances]] = {}
        for write in flow.writes:
            if write.owner:
                groups.setdefault((write.nest, write.buffer, write.owner), []).append(_unflagged(write.points))
        for (_, buffer, owner), points in groups.items():
            if point := shared_cell(context, points, owner):
                raise _WrongError(f"two threads write one cell of {buffer}: {point}")


def _final(held: Held) -> list[Term]:
    """The terms held; a buffer that holds an extreme is one reduction."""
    if held.op == "+":
        return held.terms
    return [Term(1, ("slot", 0), points, (held.value,)) for points in held.passes[-1] or held.cleared]


def _flags(flow: Flow) -> list[dict[str, int]]:
    names = [TEST.format(k) for k in range(len(flow.tests))]
    return [dict(zip(names, values, strict=True)) for values in product((0, 1), repeat=len(names))]


def _chosen(points: Sequence[Instances], flags: dict[str, int]) -> list[Instances]:
    """The instances that run when the tests come out so, without the tests."""
    against = {Word(f"{name} = {1 - value}") for name, value in flags.items()}
    return [_unflagged(one) for one in points if not against & set(one.facts)]


def _unflagged(points: Instances) -> Instances:
    return replace(points, facts=tuple(fact for fact in points.facts if not _FLAG.match(fact.text)))


def _last_coordinates(points: Sequence[Instances]) -> list[str]:
    """The constants of the last coordinate, where a scratch buffer numbers its sums there."""
    found = {p.image[-1].text for p in points}
    return sorted(found) if all(text.isdigit() for text in found) else [""]
