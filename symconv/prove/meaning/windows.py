"""Words that slide a window: convolutions, their transposes, unfold and fold, SciPy's modes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from symconv.notation.affine import ZERO, Affine, affine, quotient, var
from symconv.notation.expr import equal, nonnegative
from symconv.prove.meaning.addresses import Position, read_at, same_structure, shared
from symconv.prove.meaning.grouping import Groups, correlation_groups, one_form, transposed_groups
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.value import Axis, Term, Value, axis, bound_over, build, inside, multiplied

__all__ = ["Slide", "convolved", "correlated", "folded", "plane", "transposed", "unfolded"]


@dataclass(frozen=True, slots=True)
class Slide:
    """How a window slides along one axis: ``input = stride·output + dilation·tap − lo``."""

    stride: int = 1
    dilation: int = 1
    lo: Affine = ZERO
    hi: Affine = ZERO
    output_padding: Affine = ZERO

    def extent(self, scope: Scope, size: Affine, kernel: Affine) -> Affine:
        """How many positions the window has; sizes with none are refused."""
        scope.require(nonnegative(kernel - 1), f"a kernel of length {kernel}")
        room = size + self.lo + self.hi - (kernel - 1) * self.dilation - 1
        scope.require(nonnegative(room), f"a window of length {kernel} does not fit on an axis of length {size}")
        return scope.short(quotient(room, self.stride) + 1)

    def grown(self, scope: Scope, size: Affine, kernel: Affine) -> Affine:
        """The extent of the transposed convolution."""
        scope.require(nonnegative(kernel - 1), f"a kernel of length {kernel}")
        most = max(self.stride, self.dilation) - 1
        for constraint in (nonnegative(self.output_padding), nonnegative(most - self.output_padding)):
            scope.require(constraint, f"output_padding {self.output_padding} is not in 0..{most}")
        extent = (size - 1) * self.stride - self.lo - self.hi + (kernel - 1) * self.dilation + self.output_padding + 1
        scope.require(nonnegative(extent - 1), f"an output of length {extent}")
        return scope.short(extent)


def _arrange(layout: str, batch: object, channels: object, spatial: Sequence[object]) -> list[object]:
    return [batch, *spatial, channels] if layout == "NHWC" else [batch, channels, *spatial]


def _filters(layout: str, first: object, second: object, spatial: Sequence[object]) -> list[object]:
    return [*spatial, second, first] if layout == "NHWC" else [first, second, *spatial]


def _split(layout: str, value: Value, kernel: bool) -> tuple[Axis, Axis, tuple[Axis, ...]]:
    """The batch (or output channels), the channels (or input channels) and the spatial axes."""
    axes = value.axes
    if layout == "NHWC":
        return (axes[-1], axes[-2], axes[:-2]) if kernel else (axes[0], axes[-1], axes[1:-1])
    return axes[0], axes[1], axes[2:]


def plane(value: Value) -> Value:
    """An array without batch and channels, with both of length 1."""
    return Value((axis(), axis(), *value.axes), ((), (), *value.names), value.terms)


def correlated(scope: Scope, a: Value, k: Value, slides: Sequence[Slide], groups: Groups, layout: str) -> Value:
    """Cross-correlation ``y[n,f,o] = Σ a[n,c,s·o+d·t−lo]·k[f,c,t]`` of an array and filters."""
    batch, channels, sizes = _split(layout, a, False)
    outs, ins, taps = _split(layout, k, True)
    extents = [s.extent(scope, one_form(n), one_form(t)) for s, n, t in zip(slides, sizes, taps, strict=True)]
    result, contraction = correlation_groups(scope, groups, channels, ins, outs)
    axes = _arrange(layout, batch, result, [axis(extent) for extent in extents])

    def body(*forms: tuple[Affine, ...]) -> Iterator[Term]:
        n, f, spatial = _parts(layout, forms)
        for where, names, channel, in_position, out_position in contraction(f):
            tap = scope.fresh.several(len(slides))
            reads: list[Position] = [
                _at(o) * s.stride + var(t) * s.dilation - s.lo for s, o, t in zip(slides, spatial, tap, strict=True)
            ]
            kernel: list[Position] = [var(t) for t in tap]
            left = read_at(scope.fresh, a, _arrange(layout, n, channel, reads))  # type: ignore[arg-type]
            right = read_at(scope.fresh, k, _filters(layout, out_position, in_position, kernel))  # type: ignore[arg-type]
            for term in bound_over(multiplied(left, right), (*names, *tap)):
                yield term.under(*where)

    return build(scope.fresh, axes, body)  # type: ignore[arg-type]


def transposed(scope: Scope, a: Value, k: Value, slides: Sequence[Slide], groups: Groups, layout: str) -> Value:
    """The adjoint of ``correlated`` in its array: ``y[n,f,s·i+d·t−lo] += a[n,c,i]·k[c,f,t]``."""
    batch, channels, sizes = _split(layout, a, False)
    ins, outs, taps = _split(layout, k, True)
    extents = [s.grown(scope, one_form(n), one_form(t)) for s, n, t in zip(slides, sizes, taps, strict=True)]
    result, contraction = transposed_groups(scope, groups, channels, ins, outs)
    axes = _arrange(layout, batch, result, [axis(extent) for extent in extents])

    def body(*forms: tuple[Affine, ...]) -> Iterator[Term]:
        n, f, spatial = _parts(layout, forms)
        for where, names, channel, in_position, out_position in contraction(f):
            tap, old = scope.fresh.several(len(slides)), scope.fresh.several(len(slides))
            meet = [
                equal(_at(u) + s.lo, var(o) * s.stride + var(t) * s.dilation)
                for s, u, o, t in zip(slides, spatial, old, tap, strict=True)
            ]
            left = read_at(scope.fresh, a, _arrange(layout, n, channel, [var(o) for o in old]))  # type: ignore[arg-type]
            kernel = _filters(layout, in_position, out_position, [var(t) for t in tap])
            right = read_at(scope.fresh, k, kernel)  # type: ignore[arg-type]
            for term in bound_over(multiplied(left, right), (*names, *old, *tap)):
                yield term.under(*where, *meet)

    return build(scope.fresh, axes, body)  # type: ignore[arg-type]


def _parts(
    layout: str, forms: Sequence[tuple[Affine, ...]]
) -> tuple[tuple[Affine, ...], tuple[Affine, ...], Sequence[tuple[Affine, ...]]]:
    if layout == "NHWC":
        return forms[0], forms[-1], forms[1:-1]
    return forms[0], forms[1], forms[2:]


def _at(group: tuple[Affine, ...]) -> Affine:
    return group[0] if group else affine(0)


def unfolded(scope: Scope, a: Value, kernel: Sequence[Affine], slides: Sequence[Slide]) -> Value:
    """Windows as columns: ``y[n, (c,t), o] = a[n, c, s·o+d·t−lo]``."""
    sizes = a.axes[2:]
    extents = [s.extent(scope, one_form(n), t) for s, n, t in zip(slides, sizes, kernel, strict=True)]
    taps, result = axis(*kernel), axis(*extents)
    columns = Axis((*a.axes[1].sizes, *taps.sizes))

    def body(n: tuple[Affine, ...], column: tuple[Affine, ...], place_: tuple[Affine, ...]) -> Iterator[Term]:
        channels = len(a.axes[1].sizes)
        tap, out = _filled(kernel, column[channels:]), _filled(extents, place_)
        reads = [o * s.stride + t * s.dilation - s.lo for s, o, t in zip(slides, out, tap, strict=True)]
        return read_at(scope.fresh, a, [n, column[:channels], *reads])

    return build(scope.fresh, (a.axes[0], columns, result), body)


def _filled(sizes: Sequence[Affine], forms: Sequence[Affine]) -> list[Affine]:
    """One form per size; sizes that are 1 have no index of their own."""
    rest = iter(forms)
    return [affine(0) if size == affine(1) else next(rest) for size in sizes]


def folded(
    scope: Scope, a: Value, target: Sequence[Affine], kernel: Sequence[Affine], slides: Sequence[Slide]
) -> Value:
    """The adjoint of ``unfolded``: columns added up where their windows lie."""
    extents = [s.extent(scope, n, t) for s, n, t in zip(slides, target, kernel, strict=True)]
    columns, positions = a.axes[1], axis(*extents)
    channels, lead = _channels(scope, columns, axis(*kernel))
    common = shared(scope, (a.axes[2], positions), "the columns and the positions of the window")
    if not same_structure(scope, common.axis.sizes, positions.sizes):
        raise Undecided(f"the columns {a.axes[2]} do not show the positions {positions} of the window")
    axes = (a.axes[0], channels, *map(axis, target))

    def body(n: tuple[Affine, ...], c: tuple[Affine, ...], *cells: tuple[Affine, ...]) -> Iterator[Term]:
        tap, out = scope.fresh.several(len(kernel)), scope.fresh.several(len(kernel))
        where = [
            equal(_at(u) + s.lo, var(o) * s.stride + var(t) * s.dilation)
            for s, u, o, t in zip(slides, cells, out, tap, strict=True)
        ]
        for names, sizes in ((tap, kernel), (out, extents)):
            where += [limit for name, size in zip(names, sizes, strict=True) for limit in inside(var(name), size)]
        shown = tuple(var(o) for o, extent in zip(out, extents, strict=True) if extent != affine(1))
        taps = tuple(var(t) for t, size in zip(tap, kernel, strict=True) if size != affine(1))
        column: Position = (*c, *taps) if lead else _at(c) * _count(kernel) + _row_major(kernel, tap)
        for term in bound_over(read_at(scope.fresh, a, [n, column, shown]), (*tap, *out)):
            yield term.under(*where)

    return build(scope.fresh, axes, body)


def _channels(scope: Scope, columns: Axis, taps: Axis) -> tuple[Axis, bool]:
    """The channels in front of the taps on an axis of columns; whether the axis shows both."""
    lead = len(columns.sizes) - len(taps.sizes)
    if lead >= 0 and same_structure(scope, columns.sizes[lead:], taps.sizes):
        return Axis(columns.sizes[:lead]), True
    count = taps.size
    if count is None or not count.is_constant:
        raise Undecided(f"the columns {columns} do not show the window {taps}")
    size = one_form(columns)
    rest = quotient(size, count.constant)
    scope.require(equal(size, rest * count.constant), f"{size} rows for windows of {count}")
    return axis(rest), False


def _count(kernel: Sequence[Affine]) -> int:
    total = 1
    for size in kernel:
        total *= size.constant
    return total


def _row_major(kernel: Sequence[Affine], names: Sequence[str]) -> Affine:
    position = affine(0)
    for size, name in zip(kernel, names, strict=True):
        position = position * size.constant + var(name)
    return position


def convolved(scope: Scope, a: Value, b: Value, mode: str) -> Value:
    """SciPy's ``correlate(a, b, mode)`` over all axes."""
    slides = []
    for one, other in zip(a.axes, b.axes, strict=True):
        n, m = one_form(one), one_form(other)
        slide = Slide() if mode == "valid" else Slide(lo=m - 1, hi=m - 1)
        if mode == "same":
            start = quotient(m - 1, 2)
            slide = replace(slide, lo=m - 1 - start, hi=start)
        slides.append(slide)
        scope.require(nonnegative(n - 1), "an empty array")
    whole = correlated(scope, plane(a), plane(b), slides, 1, "NCHW")
    return Value(whole.axes[2:], whole.names[2:], whole.terms)
