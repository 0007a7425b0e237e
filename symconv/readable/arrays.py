"""Reads of a sweep as slices of arrays, lined up to be combined entry by entry or named for einsum."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Expr, Index, Read, reads, walk
from symconv.readable.dialects import Dialect
from symconv.readable.halos import NONE, Halo
from symconv.readable.sweeps import Sweep
from symconv.readable.words import Words

__all__ = ["Scene", "order_of"]


@dataclass(slots=True)
class Scene:
    """One sweep while it is printed.

    ``arrays`` are the printed names of tensors, ``halos`` what they are continued by, ``sizes`` their lengths,
    ``bounds`` where each sliced index begins and ends.
    """

    dialect: Dialect
    words: Words
    sweep: Sweep
    sizes: dict[str, tuple[Affine, ...]]
    arrays: dict[str, str] = field(default_factory=dict)
    halos: dict[str, Halo] = field(default_factory=dict)
    bounds: dict[str, tuple[Affine, Affine]] = field(default_factory=dict)
    same: dict[str, Affine] = field(default_factory=dict)
    like: str = ""

    @property
    def vectors(self) -> frozenset[str]:
        """The names of the sliced indices."""
        return frozenset(r.name for r in self.sweep.vectors)

    @property
    def downward(self) -> frozenset[str]:
        """The sliced indices that run downwards, so that the target's slices run upwards."""
        return frozenset(
            n for form in self.sweep.target for n in form.names() & self.vectors if form.coefficient(n) < 0
        )

    def sliced_by(self, expr: Expr) -> list[str]:
        """The sliced indices of an expression, in order of the sweep."""
        names = {n for read in reads(expr) for form in read.index for n in form.names()}
        names |= {n for node in walk(expr) if isinstance(node, Index) for n in node.form.names()}
        return [r.name for r in self.sweep.vectors if r.name in names]

    def axes(self, index: tuple[Affine, ...]) -> list[str]:
        """The sliced index of each axis that a read keeps."""
        found = (next(iter(form.names() & self.vectors), None) for form in index)
        return [name for name in found if name is not None]

    def cell(self, tensor: str, index: tuple[Affine, ...], order: list[str] | None = None) -> str:
        """A read as an indexed array; with ``order``, its axes stand so that they line up with those."""
        axes = self.axes(index)
        wanted = axes if order is None else [n for n in order if n in axes]
        lined = wanted == axes
        parts, flips = list[str](), list[str]()
        for at, form in enumerate(index):
            name = next(iter(form.names() & self.vectors), None)
            if name is not None:
                if order is not None and lined and parts:
                    parts += ["None"] * _between(order, parts, axes, name)
                if (form.coefficient(name) < 0) != (name in self.downward):
                    flips.append(name)
            parts.append(self._part(tensor, at, form, name))
        tail = [] if order is None or not axes or not lined else order[order.index(axes[-1]) + 1 :]
        parts += ["None"] * len(tail)
        array = self.arrays.get(tensor, tensor)
        text = array if all(part == ":" for part in parts) else f"{array}[{', '.join(parts)}]"
        return self._turned(text, axes, wanted, order, flips, lined)

    def _turned(
        self, text: str, axes: list[str], wanted: list[str], order: list[str] | None, flips: list[str], lined: bool
    ) -> str:
        shown = wanted if order is None or not axes else order[order.index(wanted[0]) :] if lined else axes
        for name in flips:
            text = self.dialect.flip.format(text, shown.index(name))
        if lined:
            return text
        assert order is not None
        text = self.dialect.permute.format(text, ", ".join(str(axes.index(n)) for n in wanted))
        spread = [":" if n in axes else "None" for n in order[order.index(wanted[0]) :]]
        return text if all(part == ":" for part in spread) else f"{text}[{', '.join(spread)}]"

    def _part(self, tensor: str, at: int, form: Affine, name: str | None) -> str:
        low, high = self.halos[tensor].ends[at] if tensor in self.halos else NONE
        if name is None:
            return self.words.form(form + low)
        first, end = self.bounds[name]
        factor = form.coefficient(name)
        rest = form - factor * var(name) + low
        if factor < 0:
            start, stop, step = rest - (end - 1), rest - first + 1, 1
        else:
            start, stop, step = factor * first + rest, factor * end + rest, factor
        size = self.sizes[tensor][at] + low + high
        if step == 1 and start == affine(0) and self.known(stop) == self.known(size):
            return ":"
        left = "" if start == affine(0) else self.words.form(start)
        return f"{left}:{self.words.form(stop)}{f':{step}' if step > 1 else ''}"

    def known(self, form: Affine) -> Affine:
        """A form in which sizes that follow from others stand as those."""
        for _ in range(len(self.same)):
            form = form.substitute(self.same)
        return form

    def count(self, name: str) -> Affine:
        """How many values a sliced index takes."""
        first, end = self.bounds[name]
        return end - first


def _between(order: list[str], parts: list[str], axes: list[str], name: str) -> int:
    """How many axes that a read lacks stand before one of its axes, behind the one before it."""
    at = axes.index(name)
    if at == 0:
        return 0
    return order.index(name) - order.index(axes[at - 1]) - 1


def order_of(scene: Scene, expr: Expr) -> list[str]:
    """An order of the sliced indices of an expression in which as few reads as possible must be turned."""
    names = scene.sliced_by(expr)
    after: dict[str, set[str]] = {name: set() for name in names}
    for axes in (scene.axes(scene.sweep.target), *(scene.axes(r.index) for r in reads(expr) if isinstance(r, Read))):
        chain = [n for n in axes if n in names]
        if not any(_reaches(after, b, a) for k, a in enumerate(chain) for b in chain[k + 1 :]):
            for a, b in itertools.pairwise(chain):
                after[a].add(b)
    order: list[str] = []
    while len(order) < len(names):
        order.append(
            next(n for n in names if n not in order and not any(n in after[m] for m in names if m not in order))
        )
    return order


def _reaches(after: dict[str, set[str]], start: str, end: str) -> bool:
    return start == end or any(_reaches(after, name, end) for name in after[start])
