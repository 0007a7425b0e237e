"""Packing as rewrites: an operand copied with a halo of zeros, an index split into blocks or residue classes.

A packed operand is a statement of its own, with more logical axes: so a layout needs no type, and a copy that misplaces
an element is refuted like any wrong formula. Both rewrites suppose that a tap outside adds nothing; for bodies that are
no products the certificate says whether that was right.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import gcd

from symconv.algorithms.rewrite import Rewrite, rewritten
from symconv.algorithms.solved import ZERO_BORDER, SolvedSum, fresh_names, outside, solved_sum
from symconv.errors import SpecError
from symconv.notation.affine import Affine, affine, quotient, var
from symconv.notation.expr import Expr, Piece, Range, Read, Reduce, equal, reads, transform, walk
from symconv.notation.operator import Definition, Operator, Statement, Tensor

__all__ = ["padded", "split"]

_Axes = list[tuple[str, Affine]]


def padded(op: Operator, tensor: str) -> Rewrite:
    """The operand copied once into an array with a halo, so that the last statement never leaves it.

    Where the statement says what lies outside (a border rule), the halo holds that: right for every body, and gradients
    of the result have one domain instead of a piece for each border. Elsewhere the halo holds zeros.

    Raises SpecError where the last statement does not read the tensor, or is no single sum and has no border.

    >>> import symconv as sc
    >>> made = padded(sc.conv1d(padding=1), "x")
    >>> made.certificate.holds, [str(size) for size in made.after.statements[0].target.sizes]
    (True, ['N', 'C', 'K + OL - 1'])
    """
    last = op.statements[-1]
    found = [read for read in reads(last.expr) if read.tensor == tensor and read.border]
    # A tap that is not taken is no value that a halo could hold.
    if found and all(read.border.kind != "skip" for read in found if read.border):
        stages = _Stages(op, _ranges(last))
        expr = transform(last.expr, lambda node: _haloed(stages, node, tensor, border=True))
        made = replace(last, expr=expr)
    else:
        solved = solved_sum(op)
        stages = _Stages(solved.op, solved.extents)
        known = sorted({read.tensor for read in reads(solved.solution.body)})
        if tensor not in known:
            raise SpecError(f"{op.name}: its last sum does not read {tensor}; it reads {', '.join(known)}")
        body = transform(solved.solution.body, lambda node: _haloed(stages, node, tensor, border=False))
        total = _total([(n, solved.extents[n]) for n in solved.solution.steps], body)
        made = replace(solved.statement, indices=solved.solution.cells, expr=total)
    return rewritten(f"pad {tensor}", op, stages.operator(made, f"{op.name} with {tensor} padded"))


def _ranges(statement: Statement) -> dict[str, Affine]:
    """How far every index of a statement runs."""
    bound = (one for node in walk(statement.expr) if isinstance(node, Reduce) for one in node.indices)
    return {one.name: one.extent for one in (*statement.ranges, *bound)}


def _haloed(stages: _Stages, node: Expr, tensor: str, border: bool) -> Read | None:
    """Reads of the tensor from its copy; with ``border`` those that have one, and others stay as they are."""
    if not isinstance(node, Read):
        return None
    if border:
        return stages.halo(node, node) if node.tensor == tensor and node.border else node
    return stages.halo(node, outside(node)) if node.tensor == tensor else outside(node)


def split(op: Operator, index: str, block: int) -> Rewrite:
    """An index of the last sum as ``block·outer + inner``; what it addresses is packed by ``inner``.

    Operands that the index addresses alone get an axis of blocks and one inside a block, zeros after the last element.
    Where it stands in a sum whose other loops step by multiples of a number, as in ``2*i + p``, the operand is packed
    by residue class and read at ``i + outer`` in class ``inner``: a strided window becomes one of stride 1 (polyphase),
    whose classes are one more axis like channels. A split index of the result is computed blockwise and copied back.

    Raises SpecError where the index is none of the loops, or the block is below 1.

    >>> import symconv as sc
    >>> print(split(sc.conv1d(stride=2, padding=1), "p", 2))
    split p by 2: equal for all sizes: 2 relations compared by isl
    """
    solved = solved_sum(op)
    loops = (*solved.solution.cells, *solved.solution.steps)
    if index not in loops:
        raise SpecError(f"{op.name}: {index} is no loop of its last sum; there are {', '.join(loops)}")
    if block < 1:
        raise SpecError(f"{op.name}: {index} cannot be split into blocks of {block}; say 1 or more")
    stages = _Stages(solved.op, solved.extents)
    outer, inner, size = stages.fresh(f"{index}o", f"{index}i", f"{index.upper()}B")
    stages.definitions.append(Definition(size, quotient(solved.extents[index] + (block - 1), block)))
    last = _Split(solved, stages, index, block, outer, inner, var(size)).statement()
    return rewritten(f"split {index} by {block}", op, stages.operator(last, f"{op.name}, {index} by {block}"))


def _total(loops: _Axes, body: Expr) -> Reduce:
    return Reduce("sum", tuple(Range(name, extent) for name, extent in loops), (Piece((), body),))


def _span(form: Affine, extents: dict[str, Affine]) -> tuple[Affine, Affine]:
    """The least and the greatest value of a form over loops that start at 0."""
    low = high = form
    for name, extent in extents.items():
        ends = (affine(0), extent - 1) if form.coefficient(name) >= 0 else (extent - 1, affine(0))
        low, high = (end.substitute({name: value}) for end, value in zip((low, high), ends, strict=True))
    return low, high


@dataclass(slots=True)
class _Stages:
    """Statements that come before the last one, made one by one."""

    op: Operator
    extents: dict[str, Affine]
    statements: list[Statement] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)

    def fresh(self, *wanted: str) -> tuple[str, ...]:
        """Names that nothing has."""
        op = self.op
        known = (*op.definitions, *self.definitions)
        return fresh_names(replace(op, statements=(*op.statements, *self.statements), definitions=known), *wanted)

    def put(self, name: str, axes: _Axes, expr: Expr) -> str:
        """A new statement over these axes; one with the same value is not stated twice."""
        indices, shape = tuple(n for n, _ in axes), tuple((size,) for _, size in axes)
        for one in self.statements:
            if (one.indices, one.target.axes, one.expr) == (indices, shape, expr):
                return one.target.name
        (own,) = self.fresh(name)
        self.statements.append(Statement(Tensor(own, shape), indices, expr))
        return own

    def halo(self, read: Read, outside_is: Read) -> Read:
        """The read from a copy that holds everything that is read; what lies outside is as ``outside_is`` says."""
        sizes = self.op.tensor(read.tensor).sizes
        names = self.fresh(*(f"h{k}" for k in range(len(sizes))))
        axes: _Axes = []
        lows: list[Affine] = []
        for name, size, form in zip(names, sizes, read.index, strict=True):
            bare = form.name if form.name in self.extents else None
            low, high = (affine(0), size - 1) if bare else _span(form, self.extents)
            axes.append((bare or name, high - low + 1))
            lows.append(low)
        inside = tuple(var(name) + low for (name, _), low in zip(axes, lows, strict=True))
        copied = self.put("P", axes, replace(outside_is, index=inside))
        return Read(copied, tuple(form - low for form, low in zip(read.index, lows, strict=True)))

    def operator(self, last: Statement, name: str) -> Operator:
        """The rewritten operator: the statements before, the copies, then the last one."""
        op = self.op
        made = (*op.statements[:-1], *self.statements, last)
        return replace(op, name=name, statements=made, definitions=(*op.definitions, *self.definitions))


@dataclass(frozen=True, slots=True)
class _Split:
    solved: SolvedSum
    stages: _Stages
    index: str
    block: int
    outer: str
    inner: str
    count: Affine

    @property
    def _parts(self) -> _Axes:
        return [(self.outer, self.count), (self.inner, affine(self.block))]

    @property
    def _whole(self) -> Affine:
        return self.block * var(self.outer) + var(self.inner)

    def statement(self) -> Statement:
        """The last statement with the index split everywhere."""
        solved = self.solved
        body = transform(solved.solution.body, lambda node: self._read(node) if isinstance(node, Read) else None)
        total = _total(self._loops(solved.solution.steps), body)
        if self.index in solved.solution.steps:
            return replace(solved.statement, indices=solved.solution.cells, expr=total)
        axes = self._loops(solved.solution.cells)
        blocks = self.stages.put("Y", axes, total)
        here = equal(var(self.index), self._whole)
        back = Piece((here,), Read(blocks, tuple(var(name) for name, _ in axes)))
        ranges = tuple(Range(name, extent) for name, extent in self._parts)
        return replace(solved.statement, indices=solved.solution.cells, expr=Reduce("sum", ranges, (back,)))

    def _loops(self, names: tuple[str, ...]) -> _Axes:
        extents = self.solved.extents
        return [one for name in names for one in (self._parts if name == self.index else [(name, extents[name])])]

    def _read(self, read: Read) -> Read:
        """The read with the index split, from a packed copy where that helps."""
        places = [k for k, form in enumerate(read.index) if form.coefficient(self.index)]
        if len(places) == 1 and read.index[places[0]].name == self.index:
            return self._packed(read, places[0], self._parts, self._whole, [var(name) for name, _ in self._parts])
        put = replace(read, index=tuple(form.substitute({self.index: self._whole}) for form in read.index))
        return self._class(put, places[0]) if len(places) == 1 else outside(put)

    def _class(self, read: Read, at: int) -> Read:
        """The operand by residue class, where all other loops step by multiples of one number, the stride.

        Element ``h`` of class ``inner`` is at ``stride·h`` plus what else the index holds.
        """
        extents = {**self.solved.extents, self.outer: self.count}
        form = read.index[at]
        steps = Affine(tuple((name, factor) for name, factor in form.terms if name in extents))
        stride = gcd(*(factor for _, factor in steps.terms))
        if stride == 1:
            return outside(read)
        whole = Affine(tuple((name, factor // stride) for name, factor in steps.terms))
        low, high = _span(whole, extents)
        (place,) = self.stages.fresh("h")
        new = [(self.inner, affine(self.block)), (place, high - low + 1)]
        inside = form - steps + stride * (var(place) + low)
        return self._packed(read, at, new, inside, [var(self.inner), whole - low])

    def _packed(self, read: Read, at: int, new: _Axes, inside: Affine, index: list[Affine]) -> Read:
        """A copy of the operand with one axis replaced by ``new``, read at ``index`` there."""
        sizes = self.solved.op.tensor(read.tensor).sizes
        names = self.stages.fresh(*(f"a{k}" for k in range(len(sizes))))
        axes: _Axes = []
        place: list[Affine] = []
        found: list[Affine] = []
        for k, (name, size, form) in enumerate(zip(names, sizes, read.index, strict=True)):
            own = form.name if form.name in self.solved.extents and form.name else name
            axes += new if k == at else [(own, size)]
            place.append(inside if k == at else var(own))
            found += index if k == at else [form]
        copied = self.stages.put("P", axes, Read(read.tensor, tuple(place), ZERO_BORDER))
        return outside(Read(copied, tuple(found)))
