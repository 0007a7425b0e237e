"""Winograd as a rewrite: a correlation as constant transforms, products, and a constant transform of their sums.

Every stage is a statement, so the result is an operator like any other: it can be derived, gathered and proved. Along
two axes the transforms are nested: one axis after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from symconv.algorithms.matrices import Matrix, transpose
from symconv.algorithms.rewrite import Rewrite, rewritten
from symconv.algorithms.solved import ZERO_BORDER, SolvedSum, fresh_names, outside, solved_sum
from symconv.algorithms.winograd import WinogradAxis, WinogradForm, winograd_form
from symconv.errors import SpecError
from symconv.notation.affine import Affine, affine, quotient, var
from symconv.notation.expr import Const, Expr, Piece, Range, Read, Reduce, equal, mul
from symconv.notation.operator import Assumption, Definition, Operator, Statement, Tensor
from symconv.notation.tables import constant

__all__ = ["winograd"]


def winograd(
    op: Operator, m: int | tuple[int, ...] = 4, r: int | tuple[int, ...] = 3, rank: int = 2, blocks: bool = False
) -> Rewrite:
    """The operator's last sum as transformed products along its last ``rank`` correlated axes.

    What the kernel's extents must be is an assumption of the rewritten operator. With ``blocks`` there is none: taps
    are taken in blocks of ``r``, zeros after the last one, and windows of a block start ``r`` taps after those of the
    one before. Raises SpecError where the sum is no correlation: a product of two reads, one of them addressed by the
    sum of a cell and a step.

    >>> import symconv as sc
    >>> made = winograd(sc.conv1d(padding=1), m=2)
    >>> made.certificate.holds, made.after.assumptions[-1].sentence
    (True, 'F(2,3) is for kernels of at most 3 taps: K <= 3')
    >>> made = winograd(sc.conv1d(padding=1), m=2, blocks=True)
    >>> made.certificate.holds, len(made.after.assumptions) - len(sc.conv1d(padding=1).assumptions)
    (True, 0)
    """
    solved = solved_sum(op)
    form = winograd_form(solved.op, solved.statement, solved.solution, m, r, rank)
    if form is None:
        raise SpecError(
            f"{op.name}: Winograd is for a sum of products of two reads, one of them addressed by the sum of an index "
            "of the result and an index of the sum, as x[i+p]*w[p]"
        )
    name = f"winograd {form.name}{' in blocks of taps' if blocks else ''}"
    return rewritten(name, op, _Stages(solved, form, blocks).operator())


@dataclass(frozen=True, slots=True)
class _Axis:
    """A transformed axis with the names of its tiles, sub-images, blocks of taps, and places in the transformed domain.

    ``blocks`` says how many blocks there are, None where all taps are one.
    """

    one: WinogradAxis
    tile: str
    image: str
    place: str
    tiles: Affine
    block: str
    blocks: Affine | None

    @property
    def images(self) -> tuple[tuple[str, Affine], ...]:
        """The index of sub-images, where there are several."""
        return ((self.image, affine(self.one.dilation)),) if self.one.dilation > 1 else ()

    @property
    def loops(self) -> tuple[tuple[str, Affine], ...]:
        """What replaces the moving index: (name, size) each."""
        return (self.tile, self.tiles), *self.images, (self.place, affine(self.one.transform.n))

    @property
    def taps(self) -> tuple[tuple[str, Affine], ...]:
        """What replaces the tap."""
        own = () if self.blocks is None else ((self.block, self.blocks),)
        return *own, (self.place, affine(self.one.transform.n))

    @property
    def windows(self) -> tuple[tuple[str, Affine], ...]:
        """What replaces an axis of the data."""
        return *self.loops[:-1], *self.taps

    def moving(self, within: Affine) -> Affine:
        """The moving index of an output of a tile."""
        whole = self.one.dilation * (self.one.transform.m * var(self.tile) + within)
        return whole + var(self.image) if self.images else whole

    def datum(self, within: Affine) -> Affine:
        """The index of an element of a window."""
        one = self.one
        whole = one.step * (one.transform.m * var(self.tile) + within) + one.offset
        whole = whole + one.unit * var(self.image) if self.images else whole
        return whole if self.blocks is None else whole + one.reach * one.transform.r * var(self.block)

    def tap(self, row: Affine) -> Affine:
        """The tap of a row of the kernel."""
        within = self.one.transform.r - 1 - row if self.one.flip else row
        return within if self.blocks is None else self.one.transform.r * var(self.block) + within


_Groups = list[list[tuple[str, Affine]]]
"""The indices, with sizes, that address each logical axis of an array: one, or several for a transformed axis."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A contraction along one axis: what replaces it, the weights over ``s``, where ``s`` reads, how far it runs."""

    axis: int
    new: tuple[tuple[str, Affine], ...]
    weight: Read
    at: Affine
    count: int


@dataclass(slots=True)
class _Stages:
    solved: SolvedSum
    form: WinogradForm
    in_blocks: bool
    statements: list[Statement] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
    axes: list[_Axis] = field(default_factory=list)

    def operator(self) -> Operator:
        """The rewritten operator: all stages in place of the sum."""
        for axis in self.form.axes:
            self._name(axis)
        data = self._windows()
        narrow = self._kernel() if self.form.kind == "moving" else self._cotangent()
        self._outputs(*self._products(data, narrow))
        op = self.solved.op
        return replace(
            op,
            name=f"{op.name} by {self.form.name}",
            statements=(*op.statements[:-1], *self.statements),
            definitions=(*op.definitions, *self.definitions),
            assumptions=tuple(dict.fromkeys((*op.assumptions, *self._assumptions()))),
        )

    def _fresh(self, *wanted: str) -> tuple[str, ...]:
        op = self.solved.op
        known = (*op.definitions, *self.definitions)
        return fresh_names(replace(op, statements=(*op.statements, *self.statements), definitions=known), *wanted)

    def _name(self, axis: WinogradAxis) -> None:
        number = len(self.axes) + 1 if len(self.form.axes) > 1 else ""
        tile, image, place, block = self._fresh(f"t{number}", f"o{number}", f"e{number}", f"b{number}")
        span, extents = axis.dilation * axis.transform.m, self.solved.extents
        tiles = self._ceiling("T", extents[axis.moving], span)
        blocks = self._ceiling("TB", extents[axis.tap], axis.transform.r) if self.in_blocks else None
        self.axes.append(_Axis(axis, tile, image, place, tiles, block, blocks))

    def _ceiling(self, name: str, extent: Affine, size: int) -> Affine:
        """A new size: how many pieces of ``size`` an extent takes."""
        (own,) = self._fresh(name)
        self.definitions.append(Definition(own, quotient(extent + (size - 1), size)))
        return var(own)

    def _assumptions(self) -> list[Assumption]:
        found = []
        for axis in self.axes:
            one = axis.one.transform
            # In blocks no tap is too far; the condition of the other side is about how a kernel is addressed.
            for condition in axis.one.before if self.in_blocks else axis.one.conditions:
                words = f"{one.name} is for kernels of at most {one.r} taps: {one.r - condition.form} <= {one.r}"
                found.append(Assumption(condition, words))
        return found

    def _constant(self, name: str, rows: Matrix) -> str:
        """A constant matrix; one that is known already is not stated twice."""
        made = constant(name, rows)
        for one in self.statements:
            if one.expr == made.expr and one.target.sizes == made.target.sizes:
                return one.target.name
        (own,) = self._fresh(name)
        self.statements.append(constant(own, rows))
        return own

    def _put(self, name: str, groups: _Groups, expr: Expr) -> str:
        (own,) = self._fresh(name)
        pairs = [pair for group in groups for pair in group]
        tensor = Tensor(own, tuple((size,) for _, size in pairs))
        self.statements.append(Statement(tensor, tuple(n for n, _ in pairs), expr))
        return own

    def _groups(self, read: Read) -> _Groups:
        """The axes of an operand, under the names of the loops that address them alone."""
        sizes = self.solved.op.tensor(read.tensor).sizes
        names = [form.name if form.name in self.solved.extents else None for form in read.index]
        fresh = iter(self._fresh(*(f"h{k}" for k in range(len(names)))))
        return [[(name or next(fresh), size)] for name, size in zip(names, sizes, strict=True)]

    def _along(self, name: str, array: str, groups: _Groups, step: _Step) -> tuple[str, _Groups]:
        """One axis of an array contracted with a table: ``Σ_s weight(s)·array[.., at(s), ..]``, zero outside."""
        made = [*groups[: step.axis], list(step.new), *groups[step.axis + 1 :]]
        index = [step.at if k == step.axis else var(n) for k, group in enumerate(groups) for n, _ in group]
        body = mul(step.weight, Read(array, tuple(index), ZERO_BORDER))
        expr = Reduce("sum", (Range("s", affine(step.count)),), (Piece((), body),))
        return self._put(name, made, expr), made

    def _windows(self) -> Read:
        """The data, transformed along each axis in turn."""
        read = self.form.data
        array, groups = read.tensor, self._groups(read)
        for axis in self.axes:
            weight = Read(self._constant("B", transpose(axis.one.transform.BT)), (var("s"), var(axis.place)))
            step = _Step(axis.one.data_axis, axis.windows, weight, axis.datum(var("s")), axis.one.transform.n)
            array, groups = self._along("V", array, groups, step)
        return self._reading(array, read, {axis.one.data_axis: axis.windows for axis in self.axes})

    def _kernel(self) -> Read:
        """The kernel, its taps transformed along each axis in turn."""
        read = self.form.narrow
        array, groups = read.tensor, self._groups(read)
        for axis in self.axes:
            weight = Read(self._constant("G", axis.one.transform.G), (var(axis.place), var("s")))
            at = read.index[axis.one.narrow_axis].substitute({axis.one.tap: axis.tap(var("s"))})
            step = _Step(axis.one.narrow_axis, axis.taps, weight, at, axis.one.transform.r)
            array, groups = self._along("U", array, groups, step)
        return self._reading(array, read, {axis.one.narrow_axis: axis.taps for axis in self.axes})

    def _cotangent(self) -> Read:
        """The cotangent, its tiles transformed along each axis in turn."""
        read = self.form.narrow
        array, groups = read.tensor, self._groups(read)
        for axis in self.axes:
            weight = Read(self._constant("A", axis.one.transform.A), (var(axis.place), var("s")))
            at = read.index[axis.one.narrow_axis].substitute({axis.one.moving: axis.moving(var("s"))})
            step = _Step(axis.one.narrow_axis, axis.loops, weight, at, axis.one.transform.m)
            array, groups = self._along("U", array, groups, step)
        return self._reading(array, read, {axis.one.narrow_axis: axis.loops for axis in self.axes})

    def _reading(self, array: str, read: Read, put: dict[int, tuple[tuple[str, Affine], ...]]) -> Read:
        """The transformed array where the operand was read."""
        index = [[var(n) for n, _ in put[k]] if k in put else [form] for k, form in enumerate(read.index)]
        return outside(Read(array, tuple(form for forms in index for form in forms)))

    def _products(self, data: Read, narrow: Read) -> tuple[str, _Groups]:
        """The sums of products in the transformed domain."""
        solution, extents = self.solved.solution, self.solved.extents
        groups: _Groups = [[(name, extents[name])] for name in solution.cells]
        steps = [(name, extents[name]) for name in solution.steps]
        for axis in self.axes:
            loops = list(axis.loops)
            if self.form.kind == "moving":
                groups[axis.one.target_axis] = loops
                steps = [new for pair in steps for new in (axis.taps[:-1] if pair[0] == axis.one.tap else [pair])]
            else:
                groups[axis.one.target_axis] = list(axis.taps)
                steps = [new for pair in steps for new in (loops[:-1] if pair[0] == axis.one.moving else [pair])]
        body = mul(Const(self.form.coefficient), mul(data, narrow))
        ranges = tuple(Range(name, size) for name, size in steps)
        return self._put("M", groups, Reduce("sum", ranges, (Piece((), body),))), groups

    def _outputs(self, array: str, groups: _Groups) -> None:
        """The sums transformed back along each axis in turn; the last stage writes the result."""
        back = self._tile_back if self.form.kind == "moving" else self._taps_back
        for axis in self.axes:
            at = axis.one.target_axis
            cell = self.solved.solution.cells[at]
            new = [*groups[:at], [(cell, self.solved.extents[cell])], *groups[at + 1 :]]
            expr = back(axis, cell, Read(array, tuple(var(n) for group in groups for n, _ in group)))
            if axis is self.axes[-1]:
                names = tuple(n for group in new for n, _ in group)
                self.statements.append(Statement(self.solved.statement.target, names, expr))
            else:
                array, groups = self._put("Y", new, expr), new

    def _tile_back(self, axis: _Axis, cell: str, sums: Read) -> Expr:
        weight = Read(self._constant("A", axis.one.transform.A), (var(axis.place), var("s")))
        ranges = tuple(Range(name, size) for name, size in (*axis.loops, ("s", affine(axis.one.transform.m))))
        here = equal(var(cell), axis.moving(var("s")))
        return Reduce("sum", ranges, (Piece((here,), mul(weight, sums)),))

    def _taps_back(self, axis: _Axis, cell: str, sums: Read) -> Expr:
        table = self._constant("G", axis.one.transform.G)
        if axis.blocks is None:
            weight = Read(table, (var(axis.place), axis.tap(var(cell))))
            ranges = tuple(Range(name, size) for name, size in axis.taps)
            return Reduce("sum", ranges, (Piece((), mul(weight, sums)),))
        weight = Read(table, (var(axis.place), var("s")))
        ranges = tuple(Range(name, size) for name, size in (*axis.taps, ("s", affine(axis.one.transform.r))))
        here = equal(var(cell), axis.tap(var("s")))
        return Reduce("sum", ranges, (Piece((here,), mul(weight, sums)),))
