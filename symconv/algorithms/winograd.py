"""Where a solution is a correlation along some axes, and which transforms compute it with fewer products.

A *moving* index runs along the data and a *tap* index along a short kernel; the data are read at their sum. Which of
the two is a loop over cells decides which use of a transform applies:

* moving cells (outputs, gradients of data): ``T = Aᵀ[Σ (G k)⊙(Bᵀ d)]``, the narrow operand is the kernel ``k``;
* tap cells (gradients of kernels): ``T = Gᵀ[Σ (A c)⊙(Bᵀ d)]``, the narrow operand is the cotangent ``c``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod

from symconv.algorithms.cooktoom import Transform
from symconv.algorithms.matrices import Matrix
from symconv.algorithms.points import transform
from symconv.algorithms.products import product_of_reads
from symconv.gather.solution import Solution
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint, Read, nonnegative
from symconv.notation.operator import Operator, Statement

__all__ = ["WinogradAxis", "WinogradForm", "winograd_form"]


@dataclass(frozen=True, slots=True)
class WinogradAxis:
    """One transformed axis: ``moving = dilation·(m·t + i) + φ`` in tiles ``t``, with ``0 <= i < m`` and ``0 <= φ <
    dilation``.

    Attributes
    ----------
    moving, tap : names of loops of the solution
    data_axis, narrow_axis, target_axis : the logical axis of each array that they address
    dilation : sub-images ``φ`` that are tiled each for itself
    step, unit, offset : element ``e`` of a window of ``n = m + r − 1`` data is at ``step·(m·t + e) + unit·φ + offset``
    flip : row ``k`` of the kernel belongs to ``tap = r − 1 − k`` instead of ``tap = k``
    conditions : what must hold (of sizes, and of the values of a phase) so that all taps are among the ``r``
    before : those of them that say that no tap is below the first
    reach : from one tap to the next in the data
    transform : the matrices
    stride : residue classes of taps, as many as taps lie between neighbouring cells: row ``k`` of class ``ρ`` is
        ``tap = stride·k + ρ``, and its windows start ``reach·ρ`` further on
    """

    moving: str
    tap: str
    data_axis: int
    narrow_axis: int
    target_axis: int
    dilation: int
    step: int
    unit: int
    offset: Affine
    flip: bool
    conditions: tuple[Constraint, ...]
    before: tuple[Constraint, ...]
    reach: int
    transform: Transform
    stride: int = 1

    def taps(self) -> tuple[int, ...]:
        """The tap of each row of the kernel."""
        rows = range(self.transform.r)
        return tuple(reversed(rows)) if self.flip else tuple(rows)


@dataclass(frozen=True, slots=True)
class WinogradForm:
    """``T[cells] += coefficient · data · narrow``, transformed along ``axes``; reads outside their tensors are zero.

    ``kind`` is "moving" where cells move along the data, "taps" where cells are the taps. Every condition of the
    solution is one of: the cell lies in the target, a read lies in its tensor; zeros in packed operands replace them.
    """

    kind: str
    coefficient: Fraction
    data: Read
    narrow: Read
    axes: tuple[WinogradAxis, ...]

    @property
    def data_matrices(self) -> tuple[Matrix, ...]:
        """n × n, one per axis, for windows of data."""
        return tuple(axis.transform.BT for axis in self.axes)

    @property
    def narrow_matrices(self) -> tuple[Matrix, ...]:
        """n × r for a kernel, n × m for tiles of a cotangent, one per axis."""
        return tuple(axis.transform.G if self.kind == "moving" else axis.transform.A for axis in self.axes)

    @property
    def target_matrices(self) -> tuple[Matrix, ...]:
        """m × n for tiles of outputs, r × n for taps, one per axis."""
        return tuple(axis.transform.AT if self.kind == "moving" else axis.transform.GT for axis in self.axes)

    @property
    def name(self) -> str:
        """``F(4,3)``, or ``F(4x4,3x3)`` along two axes.

        >>> import symconv as sc
        >>> from symconv import pipeline
        >>> gather = pipeline.derive(sc.conv2d(padding=1), "x").gather
        >>> solved = gather.statements[-1]
        >>> form = winograd_form(gather.operator, solved.statement, solved.reductions[0][1][0])
        >>> form.name, form.kind, [axis.moving for axis in form.axes], form.axes[0].flip
        ('F(4x4,3x3)', 'moving', ['u', 'v'], True)
        """
        outputs, taps = ("x".join(str(getattr(a.transform, one)) for a in self.axes) for one in ("m", "r"))
        return f"F({outputs},{taps})"

    @property
    def saved(self) -> Fraction:
        """Products of a direct sum for each product of the transformed one."""
        return prod((Fraction(a.transform.m * a.transform.r, a.transform.n) for a in self.axes), start=Fraction(1))


def winograd_form(
    op: Operator,
    statement: Statement,
    solution: Solution,
    m: int | tuple[int, ...] = 4,
    r: int | tuple[int, ...] = 3,
    rank: int = 2,
    classes: bool = False,
) -> WinogradForm | None:
    """A solution of a sum in ``statement`` as transformed products along its last ``rank`` correlated axes, or None.

    ``m`` and ``r`` are for every axis, or one per axis. There is a form where the body is a product of two reads (and a
    number), one of which is addressed by the sum of a cell and a step, and where the solution's bounds only keep reads
    and cells inside. It is right for sizes that meet the conditions of its axes. With ``classes``, windows may move by
    several taps: then axes have residue classes of taps, and no conditions say what those need. Raises SpecError where
    ``m`` or ``r`` is below 1.
    """
    parts = product_of_reads(solution.body)
    if parts is None or not solution.owned:
        return None
    coefficient, *reads = parts
    for data, narrow in (reads, reads[::-1]):
        place = _Place(op, statement, solution, data, narrow, classes)
        found = [pair for axis in range(len(data.index)) if (pair := place.pair(axis))]
        if not found or not place.bounded:
            continue
        chosen = [pair for pair in found if pair.kind == found[-1].kind][-rank:]
        ms, rs = ((value,) * len(chosen) if isinstance(value, int) else value for value in (m, r))
        if len(ms) != len(chosen) or len(rs) != len(chosen):
            return None
        axes = tuple(place.axis(pair, transform(a, b)) for pair, a, b in zip(chosen, ms, rs, strict=True))
        return WinogradForm(chosen[0].kind, coefficient, data, narrow, axes)
    return None


@dataclass(frozen=True, slots=True)
class _Pair:
    """A moving and a tap index that address one axis of the data, and where else they occur."""

    kind: str
    moving: str
    tap: str
    data_axis: int
    narrow_axis: int
    target_axis: int


@dataclass(frozen=True, slots=True)
class _Place:
    op: Operator
    statement: Statement
    solution: Solution
    data: Read
    narrow: Read
    classes: bool

    @property
    def bounded(self) -> bool:
        """Whether zeros outside of the tensors that are read replace all bounds but those of the target."""
        allowed = set(self.solution.ranges)
        for read in (self.data, self.narrow):
            if read.border is not None:
                return False
            for form, size in zip(read.index, self.op.tensor(read.tensor).sizes, strict=True):
                allowed |= {nonnegative(form), nonnegative(size - 1 - form)}
        return all(limit in allowed or self._in_each_class(limit, allowed) for limit in self.solution.limits)

    def _in_each_class(self, limit: Constraint, allowed: set[Constraint]) -> bool:
        """Whether a bound is an allowed one once the values of each residue class are put in."""
        phases = [phase for phase in self.solution.phases if limit.form.names() & set(phase.names)]
        for rows in product(*(phase.table for phase in phases)):
            pins = {
                n: affine(v)
                for phase, row in zip(phases, rows, strict=True)
                for n, v in zip(phase.names, row, strict=True)
            }
            if limit.substitute(pins) not in {one.substitute(pins) for one in allowed}:
                return False
        return bool(phases)

    def pair(self, axis: int) -> _Pair | None:
        """The cell and the step whose sum addresses an axis of the data, where nothing else does."""
        form, target = self.data.index[axis], self.solution.target
        cells, steps = (
            [n for n in loops if form.coefficient(n)] for loops in (self.solution.cells, self.solution.steps)
        )
        if len(cells) != 1 or len(steps) != 1:
            return None
        cell, step = cells[0], steps[0]
        own, other = _holding(target, cell), _holding(self.narrow.index, step)
        lone = _holding(self.data.index, cell) == _holding(self.data.index, step) == [axis]
        if not lone or len(own) != 1 or len(other) != 1 or _holding(self.narrow.index, cell) or _holding(target, step):
            return None
        kernels = _kernels(self.op)
        if str(self.op.tensor(self.narrow.tensor).sizes[other[0]]) in kernels:
            found = _Pair("moving", cell, step, axis, other[0], own[0])
        elif str(self.statement.target.sizes[own[0]]) in kernels:
            found = _Pair("taps", step, cell, axis, other[0], own[0])
        else:
            return None
        moves, reach = form.coefficient(found.moving), form.coefficient(found.tap)
        return found if reach % moves == 0 or (self.classes and moves % reach == 0) else None

    def axis(self, pair: _Pair, transform: Transform) -> WinogradAxis:
        """The addresses of windows, and when all taps are among those of the transform."""
        form = self.data.index[pair.data_axis]
        alpha, beta = form.coefficient(pair.moving), form.coefficient(pair.tap)
        stride = 1 if beta % alpha == 0 else abs(alpha // beta)
        dilation, flip = abs(stride * beta // alpha), beta * alpha < 0
        offset = form - alpha * var(pair.moving) - beta * var(pair.tap)
        if pair.kind == "moving":
            kernel, tensor = self.narrow.index[pair.narrow_axis], self.op.tensor(self.narrow.tensor)
            size = tensor.sizes[pair.narrow_axis]
        else:
            kernel, size = self.solution.target[pair.target_axis], self.statement.target.sizes[pair.target_axis]
        return WinogradAxis(
            pair.moving,
            pair.tap,
            pair.data_axis,
            pair.narrow_axis,
            pair.target_axis,
            dilation,
            alpha * dilation,
            alpha,
            offset + (transform.r - 1) * stride * beta if flip else offset,
            flip,
            _outside(kernel, pair.tap, size, (-1, transform.r)),
            _outside(kernel, pair.tap, size, (-1,)),
            beta,
            transform,
            stride,
        )


def _kernels(op: Operator) -> set[str]:
    """The sizes of kernels, and those that follow from them alone, as the taps of a residue class do.

    What an extent is shorter by is a kernel, too: a formula with several sums over one operand has no one window.
    """
    found = {window.kernel for window in op.windows}
    found |= {
        name
        for one in op.definitions
        if one.extent
        for name, factor in one.form.terms
        if factor < 0 and isinstance(name, str)
    }
    for one in op.definitions:
        if one.form.names() and one.form.names() <= found:
            found.add(one.name)
    return found


def _holding(forms: tuple[Affine, ...], name: str) -> list[int]:
    return [k for k, form in enumerate(forms) if name in form.names()]


def _outside(form: Affine, tap: str, size: Affine, values: tuple[int, ...]) -> tuple[Constraint, ...]:
    """These taps lie outside of the kernel: negative ones on the side where taps begin, others on the one where they
    end."""
    needed = []
    for value in values:
        place = form.substitute({tap: value})
        below = (value < 0) == (form.coefficient(tap) > 0)
        needed.append(nonnegative(-1 - place) if below else nonnegative(place - size))
    return tuple(c for c in needed if not (c.form.is_constant and c.form.constant >= 0))
