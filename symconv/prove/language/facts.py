"""What an operator is, found once from how its indices run: spatial axes, layout, groups, the sizes a claim may name.

An index that stands alone in a read runs over that axis; indices that stand together (``2*i+p-1``), or in one equation
of a relation, slide along it. So the axes fall into classes, whatever the tensors are called and in whatever order they
are written. Proof and numbers take every meaning of a word from here.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from symconv.notation.affine import Affine, affine, var
from symconv.notation.operator import Operator, Tensor, Window
from symconv.prove.language.runs import Runs, runs_of
from symconv.relation.sets import context_of

__all__ = ["Facts", "Spatial", "facts_of"]

Pads = tuple[Affine, Affine]
_T = TypeVar("_T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Spatial:
    """One spatial axis; None is what the formula says in several ways, or not at all."""

    stride: int | None = None
    dilation: int | None = None
    pads: Pads | None = None
    kernel: Affine | None = None
    size: Affine | None = None
    extent: Affine | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the words of a claim mean for one operator.

    Attributes
    ----------
    axes : the spatial axes in order; ``rank`` is their number
    layout : ``"NCHW"`` or ``"NHWC"``; empty where the tensors do not agree
    groups : the number of groups of channels
    sizes : what the size names of a claim stand for
    merged : per size inside a group, the name of the whole axis and the number of groups
    vectors : names with a (low, high) value per spatial axis: s, d, p, K, O, H, L
    places : per tensor, its spatial axes, in the order of ``axes``
    filters : the tensors that taps run over
    """

    axes: tuple[Spatial, ...]
    layout: str
    groups: Affine
    sizes: Mapping[str, Affine]
    merged: Mapping[str, tuple[str, int]]
    vectors: Mapping[str, tuple[Pads, ...]]
    places: Mapping[str, tuple[int, ...]]
    filters: frozenset[str]

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.axes)

    @property
    def strided(self) -> bool:
        """Whether a stride is known that is not 1."""
        return any(axis.stride not in {None, 1} for axis in self.axes)

    @property
    def dilated(self) -> bool:
        """Whether a dilation is known that is not 1."""
        return any(axis.dilation not in {None, 1} for axis in self.axes)

    @property
    def padded(self) -> bool:
        """Whether pads are known that are not 0."""
        return any(axis.pads not in {None, (affine(0), affine(0))} for axis in self.axes)

    def spatial(self, tensor: str, axis: int, axes: int) -> int | None:
        """Which spatial axis an axis of a tensor is; of other arrays with as many axes, by the layout."""
        if tensor in self.places:
            return self.places[tensor].index(axis) if axis in self.places[tensor] else None
        first = 2 if self.layout == "NCHW" else 1
        return axis - first if axes == self.rank + 2 and first <= axis < first + self.rank else None

    def window_rank(self, stated: int | None, axes: int) -> int:
        """The rank of a convolution of an array of so many axes: as its name says, else the operator's own."""
        if stated is not None:
            return stated
        return self.rank or (axes - 2 if axes > 2 else axes)

    def layout_of(self, stated: str | None) -> str:
        """The layout of a convolution, as stated or the operator's own; raises ValueError where neither is known."""
        if stated is not None and stated not in {"NCHW", "NHWC"}:
            raise ValueError('the layout is "NCHW" or "NHWC"')
        if not (stated or self.layout):
            raise ValueError(
                'the arrays of this operator have their channels in different places: say layout="NCHW" or '
                'layout="NHWC", and permute the array that is laid out in the other way'
            )
        return stated or self.layout


@lru_cache(maxsize=256)
def facts_of(op: Operator) -> Facts:
    """The facts of an operator, which may be a gradient.

    >>> import symconv as sc
    >>> facts = facts_of(sc.operator("y[n,f,i] = sum[c,p](w[f,c,p]*x[n,c,2*i+p])"))
    >>> facts.layout, facts.axes[0].stride, facts.places["w"]
    ('NCHW', 2, (2,))
    """
    runs = runs_of(op)
    tensors = {t.name: t for t in (*op.inputs, *(s.target for s in op.statements))}
    windows = {c: tuple(w for w in op.windows if runs.window(w) == c) for c in runs.components}
    axes = tuple(_recorded(op, windows[c]) if windows[c] else _read(op, runs, c) for c in runs.components)
    places = {name: _places(runs, one) for name, one in tensors.items()}
    places[f"g{op.output.name}"] = places[op.output.name]
    merged = _merged(op, runs)
    layout = _layout(runs, tensors, places)
    filters = _filters(runs, tensors, axes)
    groups = _groups(runs, tensors, len(axes), layout, filters)
    sizes = {name: var(name) for name in context_of(op).sizes}
    sizes |= {public: var(inner) * count for inner, (public, count) in merged.items()}
    shown = {name: tuple(at for at in held if at is not None) for name, held in places.items()}
    return Facts(
        axes, layout, groups, sizes | {"g": groups}, merged, _vectors(axes),
        {name: held for name, held in shown.items() if len(held) == len(axes)}, filters,
    )  # fmt: skip


def _recorded(op: Operator, windows: tuple[Window, ...]) -> Spatial:
    """What the windows over one axis say in common."""
    known = {*context_of(op).sizes, *(d.name for d in op.definitions)}
    extents = [var(w.extent) for w in windows if w.extent in known]
    return Spatial(
        _only(w.stride for w in windows),
        _only(w.dilation for w in windows),
        _only((w.lo, w.hi) for w in windows),
        _only(affine(int(w.kernel)) if w.kernel.isdigit() else var(w.kernel) for w in windows),
        _only(affine(int(w.size)) if w.size.isdigit() else var(w.size) for w in windows),
        _only(extents) or next((s for s in op.output.sizes if s in extents), None),
    )


def _read(op: Operator, runs: Runs, component: int) -> Spatial:
    """What the reads along one axis say, where no window is recorded."""
    reads = [read for read in runs.slides if read.component == component]
    stride, dilation = _only(s for r in reads for s in r.strides), _only(d for r in reads for d in r.dilations)
    kernel, size = _only(k for r in reads for k in r.taps), _only(r.size for r in reads)
    extent, low = _only(e for r in reads for e in r.extents), _only(r.constant for r in reads if r.taps)
    pads = None
    if stride == 1 and None not in {dilation, kernel, size, extent, low}:
        assert dilation is not None and kernel is not None and size is not None and extent is not None
        assert low is not None
        whole = extent.substitute({d.name: d.form for d in op.definitions})
        pads = (-low, whole + (kernel - 1) * dilation - size + low)
    return Spatial(stride, dilation, pads, kernel, size, extent)


def _only(values: Iterable[_T]) -> _T | None:
    """The value that all of them are."""
    found = set(values)
    return found.pop() if len(found) == 1 else None


def _vectors(axes: tuple[Spatial, ...]) -> dict[str, tuple[Pads, ...]]:
    values: dict[str, list[Pads | None]] = {
        "s": [None if a.stride is None else (affine(a.stride),) * 2 for a in axes],
        "d": [None if a.dilation is None else (affine(a.dilation),) * 2 for a in axes],
        "p": [a.pads for a in axes],
        "K": [None if a.kernel is None else (a.kernel,) * 2 for a in axes],
        "O": [None if a.extent is None else (a.extent,) * 2 for a in axes],
    }
    values["H"] = values["L"] = [None if a.size is None else (a.size,) * 2 for a in axes]
    return {name: tuple(pair for pair in held if pair is not None)
            for name, held in values.items() if held and None not in held}  # fmt: skip


def _places(runs: Runs, one: Tensor) -> tuple[int | None, ...]:
    """The physical axis of each component, None where there is none or several."""
    found: dict[int, list[int]] = {}
    at = 0
    for position, merged in enumerate(one.axes):
        for _ in merged:
            component = runs.component(one.name, at)
            if component is not None and position not in found.setdefault(component, []):
                found[component].append(position)
            at += 1
    return tuple(held[0] if len(held := found.get(c, [])) == 1 else None for c in runs.components)


def _layout(runs: Runs, tensors: Mapping[str, Tensor], places: Mapping[str, tuple[int | None, ...]]) -> str:
    """Where the channels stand in every array that has a batch and channels beside its spatial axes."""
    rank, votes = len(runs.components), set[str]()
    if rank == 0:
        votes = {"NCHW" if at == 1 else "NHWC" for at in runs.exchanged()}
    for name, one in tensors.items():
        if rank and len(one.axes) == rank + 2 and None not in places[name]:
            first = min(at for at in places[name] if at is not None)
            together = set(places[name]) == set(range(first, first + rank))
            votes |= {"NCHW" if first == 2 else "NHWC"} if together else set()
    if len(votes) > 1:
        return ""
    return votes.pop() if votes else "NCHW"


def _filters(runs: Runs, tensors: Mapping[str, Tensor], axes: tuple[Spatial, ...]) -> frozenset[str]:
    kernels = {axis.kernel for axis in axes}
    return frozenset(
        name for name, one in tensors.items()
        if any(s in kernels and runs.component(name, k) is not None for k, s in enumerate(one.sizes))
    )  # fmt: skip


def _groups(runs: Runs, tensors: Mapping[str, Tensor], rank: int, layout: str, filters: frozenset[str]) -> Affine:
    """The extent of the indices that image, filters and output share, the batch aside."""
    used = [one for name, one in tensors.items() if name in runs.used and runs.is_spatial(one)]
    if len(used) < 3 or not filters & runs.used:
        return affine(1)
    common = set.intersection(*(runs.lines(one) for one in used))
    for one in used:
        if one.name not in filters and len(one.axes) == rank + 2:
            # An index of the batch is shared too where each of its elements has filters of its own.
            common &= runs.lines_of_axis(one, -1 if layout == "NHWC" else 1)
    groups = affine(1)
    for size in sorted({runs.extent(line) for line in common}, key=str):
        if groups.is_constant:
            groups = size * groups.constant
        elif size.is_constant:
            groups = groups * size.constant
        else:
            return affine(1)
    return groups


def _merged(op: Operator, runs: Runs) -> dict[str, tuple[str, int]]:
    """A size inside a group is named by its index and the group's; the whole axis has the index's own name."""
    found: dict[str, tuple[str, int]] = {}
    taken = set(context_of(op).sizes)
    for one in (*op.inputs, op.output):
        at = 0
        for merged in one.axes:
            match merged:
                case (group, inner) if group.is_constant and inner.name:
                    for name in runs.named(one.name, at):
                        public = inner.name.removesuffix(name)
                        if public != inner.name and public not in taken:
                            found[inner.name] = (public, group.constant)
            at += len(merged)
    return found
