"""Small shapes on which a kernel is judged, chosen so that exchanged axes and forgotten remainders show."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from functools import lru_cache

from symconv.errors import SpecError
from symconv.notation.operator import Operator, Window
from symconv.verify.analysis import empty_windows, equalled
from symconv.verify.grid import Scope, form, points

__all__ = ["POINTS", "Geometry", "fitting", "geometries", "rows", "taller", "volumes"]

Geometry = dict[str, tuple[int, ...]]
_Key = tuple[tuple[str, tuple[int, ...]], ...]
POINTS = 300_000
"""Most grid points of one geometry."""
_MOST_ELEMENTS = 4_000_000
_TRIALS = 2000
_FARTHEST = 1 << 14
"""Most that axes are lengthened by: beyond, grids have too many points anyway."""
_LONG = 1 << 15
_BLOCKS = 56
"""Cells that hold several blocks of lanes, whatever the machine."""
_SIDES = (14, 20, 28, 40, 56, 80, 112, 160, 1000, 4000, 9000, 20000)
_CHANNELS = (1, 2, 3, 4, 5)


def geometries(op: Operator, count: int = 12, seed: int = 0) -> tuple[Geometry, ...]:
    """Up to ``count`` distinct valid shapes by tensor name, the same for the same seed.

    Among them, where the operator allows: a size the stride does not divide, a kernel larger than the
    unpadded input, one output cell, a one-tap kernel, a kernel as long as its stride, unequal axes
    throughout, an empty batch. Candidates are drawn at random near the windows' own scale; those
    ``op.sizes`` refuses, those with a max, min or mean over no tap, and those above ``POINTS`` grid points
    are dropped; then features are covered greedily. Raises SpecError when no candidate is valid.

    >>> from symconv.notation.front import formula
    >>> op = formula("y[n,i] = sum[p](x[n,2*i+p-1]*w[p])")
    >>> shapes = geometries(op, 4, 0)
    >>> len(shapes), any(shape["x"][0] == 0 for shape in shapes)
    (4, True)
    """
    return tuple(map(dict, _drawn(op, count, seed)))


# A claim, its explanation and the repairs that are tried are compared at the same shapes.
@lru_cache(maxsize=64)
def _drawn(op: Operator, count: int, seed: int) -> tuple[_Key, ...]:
    rng = random.Random(seed)
    found: dict[_Key, frozenset[str]] = {}
    tried: dict[_Key, SpecError | None] = {}
    refusal: SpecError | None = None
    reach = 0
    for trial in range(_TRIALS):
        if not found and trial % 100 == 99:
            # Offsets that no window shows, as in x[i] - x[i+12], want longer axes.
            reach = min(2 * reach + 8, _FARTHEST)
        shapes = _shapes(op, equalled(op, _draw(op, rng, trial, reach)))
        key = tuple(shapes.items())
        if key in tried:
            # Operators of few sizes draw the same ones again and again.
            refusal = tried[key] or refusal
            continue
        tried[key] = None
        try:
            sizes = op.sizes(**shapes)
        except SpecError as error:
            tried[key] = refusal = error
            continue
        if _is_small(op, shapes, sizes) and not empty_windows(op, sizes):
            found[key] = _features(op, sizes)
        if len(found) >= max(60, 3 * count):
            break
    if not found:
        raise SpecError(f"{op.name}: no small geometry is valid; the last refusal: {refusal}")
    return tuple(_choose(found, count))


def volumes(op: Operator) -> tuple[Geometry, ...]:
    """Shapes that differ in volume, because a kernel may choose another loop nest by volume.

    Some have many channels, so that every weight gradient has hundreds of cells, and sizes that leave every remainder
    of the stride (of a stride above 5, five of them). One has a long row and one many channels, for blocks of lanes
    that no border touches. One has few channels and at least 2**15 elements: sums are long.
    Those that ``op.sizes`` refuses or that have too many grid points are left out.

    >>> from symconv.notation.front import formula
    >>> op = formula("y[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,p])")
    >>> [shape["w"] for shape in volumes(op)]
    [(9, 6, 4), (9, 6, 4), (6, 5, 3), (21, 37, 2), (5, 1, 2)]
    """
    windows, free, plain = _names(op)
    kernels = [window.kernel for window in op.windows]
    wide = {name: (6, 9)[at % 2] for at, name in enumerate(plain)} | {name: 4 - at for at, name in enumerate(kernels)}
    wide |= {name: 2 * w.stride + 3 * w.dilation + 1 for name, w in windows.items()}
    last = {name: size + 7 * windows[name].stride + 1 for name, size in list(wide.items())[-1:] if name in windows}
    steps = max((2, *(min(window.stride, 5) for window in op.windows)))
    longer = [{name: (wide | last)[name] + more for name in windows} for more in range(1, steps)]
    long = {name: (1, 5)[at % 2] for at, name in enumerate(plain)} | {k: 2 - at % 2 for at, k in enumerate(kernels)}
    many = [
        [wide | more | {op.batch: batch} for batch in (5, 2) for more in (last, {})],
        *([wide | more | {op.batch: batch} for batch in (6, 3)] for more in longer),
    ]
    sides = [long | {op.batch: 2} | {name: side + at for at, name in enumerate(windows)} for side in _SIDES]
    # Blocks of lanes that no border touches, wherever the lanes run: along the last axis, or across channels.
    small = {name: 2 * w.stride + 3 * w.dilation + 1 for name, w in windows.items()}
    row = {name: _BLOCKS * windows[name].stride + 3 * windows[name].dilation for name in list(windows)[-1:]}
    channels = long | {op.batch: 1} | {name: (37, 21)[at % 2] for at, name in enumerate(plain)} | small
    # Longer than its stride, so that every residue class has a second tap.
    taps = {w.kernel: min(w.stride, 5) + 2 - at % 2 for at, w in enumerate(op.windows)}
    # Channels for a whole tile and a rest of it, or for less where that has too many points.
    drafts = [
        {name: some[at % 2] for at, name in enumerate(plain)} | {op.batch: batch}
        for some, batch in (((5, 6), 2), ((5, 6), 1), ((3, 5), 2))
    ]
    lanes = [[few | taps | small | row for few in drafts], [channels]]
    found: list[Geometry] = []
    for least, group in (*((0, group) for group in (*many, *lanes)), (_LONG, sides)):
        admitted = (_admitted(op, {name: value for name, value in draft.items() if name in free}) for draft in group)
        fits = (shapes for shapes in admitted if shapes and _elements(op, shapes) >= least)
        found += [shapes for shapes in (next(fits, None),) if windows and shapes]
    return tuple(found)


def rows(op: Operator, cells: int = 20) -> tuple[Geometry, ...]:
    """Shapes whose last axis has so many cells, with a whole tile of one kind of channel: small, but long.

    >>> from symconv.notation.front import formula
    >>> op = formula("y[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,p])")
    >>> [shape["x"] for shape in rows(op)]
    [(1, 4, 23), (1, 1, 23)]
    """
    windows, free, plain = _names(op)
    sizes = {name: 2 * w.stride + w.dilation + 1 for name, w in windows.items()} | {op.batch: 1}
    sizes |= {name: cells * windows[name].stride + 3 * windows[name].dilation for name in list(windows)[-1:]}
    sizes |= {w.kernel: min(w.stride, 5) + 1 for w in op.windows}
    drafts = [{name: some[at % 2] for at, name in enumerate(plain)} for some in ((4, 1), (1, 4))]
    admitted = (_admitted(op, {n: v for n, v in (sizes | draft).items() if n in free}) for draft in drafts)
    return tuple(shapes for shapes in admitted if windows and shapes)


def taller(op: Operator, shapes: Geometry, lines: int) -> Geometry | None:
    """These shapes with so many more cells along every window's axis but the last; None where there is no such axis.

    None also where the operator refuses them, or they have too many grid points.

    >>> from symconv.notation.front import formula
    >>> op = formula("y[n,i,j] = sum[p,q](x[n,2*i+p,j+q]*w[p,q])")
    >>> taller(op, {"x": (1, 3, 9), "w": (2, 3)}, 7)
    {'x': (1, 17, 9), 'w': (2, 3)}
    """
    windows, free, _ = _names(op)
    sizes = op.sizes(**shapes)
    axes = [name for name in windows if name in free][:-1]
    longer = {name: sizes[name] + lines * (1 if windows[name].transposed else windows[name].stride) for name in axes}
    return _admitted(op, {name: longer.get(name, sizes[name]) for name in free}) if longer else None


def _names(op: Operator) -> tuple[dict[str, Window], list[str], list[str]]:
    """The windows by their size, every size that is free, and those of them that are channels and the like."""
    windows = {window.size: window for window in op.windows}
    defined = {definition.name for definition in op.definitions}
    free = sorted({n for t in op.inputs for size in t.sizes for n in size.names()} - defined)
    other = {*windows, *(window.kernel for window in op.windows), op.batch}
    return windows, free, [name for name in free if name not in other]


def fitting(op: Operator, fixed: Mapping[str, int], count: int, seed: int = 0) -> tuple[Geometry, ...]:
    """Up to ``count`` distinct shapes in which these sizes have these values, drawn as in ``geometries``; maybe none.

    >>> from symconv.notation.front import formula
    >>> op = formula("y[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,p])")
    >>> {shape["w"][2] for shape in fitting(op, {"K": 3}, 5)}
    {3}
    """
    rng = random.Random(seed)
    found: dict[_Key, None] = {}
    for trial in range(_TRIALS):
        if len(found) >= count:
            break
        # Tails of tiles show where axes are longer than windows alone make them.
        shapes = _admitted(op, _draw(op, rng, trial, trial % 8) | dict(fixed))
        if shapes is not None:
            found.setdefault(tuple(shapes.items()))
    return tuple(dict(shapes) for shapes in found)


def _admitted(op: Operator, free: Mapping[str, int]) -> Geometry | None:
    try:
        shapes = _shapes(op, free)
        sizes = op.sizes(**shapes)
    except SpecError:
        return None
    return shapes if _is_small(op, shapes, sizes) and not empty_windows(op, sizes) else None


def _is_small(op: Operator, shapes: Geometry, sizes: Mapping[str, int]) -> bool:
    return points(op, sizes) <= POINTS and _elements(op, shapes) <= _MOST_ELEMENTS


def _elements(op: Operator, shapes: Geometry) -> int:
    return sum(math.prod(shape) for shape in (*shapes.values(), *op.output_shapes(**shapes).values()))


def _shapes(op: Operator, free: Mapping[str, int]) -> Geometry:
    sizes = dict(free)
    for definition in op.definitions:
        sizes[definition.name] = int(form(Scope(sizes, (), ()), definition.form))
    return {tensor.name: tensor.shape(sizes) for tensor in op.inputs}


def _draw(op: Operator, rng: random.Random, trial: int, reach: int) -> dict[str, int]:
    defined = {definition.name for definition in op.definitions}
    names = {name for tensor in op.inputs for size in tensor.sizes for name in size.names()}
    sizes: dict[str, int] = {}
    free = sorted(names - defined)
    kernels = {window.kernel for window in op.windows}
    spatial = {window.size for window in op.windows}
    plain = [name for name in free if name not in kernels | spatial]
    for name in plain:
        taken = set(sizes.values())
        fresh = [value for value in _CHANNELS if value not in taken] or list(_CHANNELS)
        sizes[name] = rng.choice(fresh if rng.random() < 0.8 else _CHANNELS)
    for window in op.windows:
        if window.kernel in free:
            # The kernel as long as the stride: patch embedding, where others went wrong.
            sizes[window.kernel] = rng.choice((1, 2, 3, 3, 4, 5, min(window.stride, 16)))
    for window in op.windows:
        if window.size in free:
            sizes[window.size] = _spatial(window, sizes, rng)
    if not op.windows:
        # No windows to go by (a derived operator): spread over the range where remainders show.
        sizes.update({name: rng.choice((1, 2, 3, 4, 5, 6, 7, 9)) for name in plain})
    if reach:
        extents = {name for d in op.definitions if d.extent for name in d.form.names()}
        sizes.update({name: sizes[name] + rng.randint(0, reach) for name in free if name in extents - kernels})
    if op.batch in sizes:
        sizes[op.batch] = 0 if trial % 10 == 9 else rng.choice((1, 2, 2, 3))
    return sizes


def _spatial(window: Window, sizes: Mapping[str, int], rng: random.Random) -> int:
    kernel = int(window.kernel) if window.kernel.isdigit() else sizes.get(window.kernel, 3)
    if window.transposed:
        return rng.choice((1, 2, 3, 4, 5))
    pads = sum(pad.constant for pad in (window.lo, window.hi) if pad.is_constant)
    span = window.dilation * (kernel - 1) + 1
    if rng.random() < 0.25:
        # Larger than the pads, as reflect wants it.
        return max(1, rng.randint(0, max(pads, 0) + 2 * window.stride) + rng.randint(1, 4))
    cells, rest = rng.choice((1, 2, 3, 4, 5)), rng.randrange(window.stride)
    if window.stride > 64:
        # The lengths in between would fill the memory.
        cells, rest = rng.choice((1, 2, 3)), rng.choice((0, 1, window.stride - 1))
    return max(1, (cells - 1) * window.stride + span - pads + rest)


def _features(op: Operator, sizes: Mapping[str, int]) -> frozenset[str]:
    features = set()
    for at, window in enumerate(op.windows):
        size, cells = sizes.get(window.size, 0), sizes.get(window.extent, 0)
        kernel = int(window.kernel) if window.kernel.isdigit() else sizes.get(window.kernel, 1)
        bare = Scope(sizes, (), ())
        pads = int(form(bare, window.lo + window.hi)) if not window.transposed else 0
        span = window.dilation * (kernel - 1) + 1
        features |= {f"remainder {at}"} if (size + pads - span) % window.stride else set()
        features |= {f"kernel above input {at}"} if span > size else set()
        features |= {f"one cell {at}"} if cells == 1 else set()
        features |= {f"one tap {at}"} if kernel == 1 else set()
    if sizes.get(op.batch) == 0:
        features.add("empty batch")
    elif len(set(sizes.values())) >= min(len(sizes), 6):
        features.add("unequal axes")
    if all(value > 1 for value in sizes.values()):
        features.add("nothing is one")
    return frozenset(features)


def _choose(found: Mapping[_Key, frozenset[str]], count: int) -> list[_Key]:
    left, covered = list(found), set[str]()
    chosen: list[_Key] = []
    empty = 0
    while left and len(chosen) < count:
        best = max(left, key=lambda shapes: len(found[shapes] - covered))
        left.remove(best)
        if "empty batch" in found[best]:
            # One or two are enough: nothing is computed there.
            if empty >= max(1, count // 8):
                continue
            empty += 1
        chosen.append(best)
        covered |= found[best]
    return chosen
