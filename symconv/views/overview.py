"""Every cell of a gradient in its plane: how many terms it sums, told apart by residue classes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from math import prod

from symconv.notation.operator import Operator
from symconv.notation.shapes import bind_sizes, completed
from symconv.views.panels import SLICES, WIDEST, Grid, Mark, Plane, plane_of
from symconv.views.svg import COLOURS
from symconv.views.terms import Cell, cell_terms

__all__ = ["overview"]


def overview(op: Operator, shapes: Mapping[str, tuple[int, ...]], through: Mapping[str, int]) -> tuple[Grid, ...]:
    """Every cell of a plane of the output: how many terms it sums, coloured by the residue class of its index.

    ``through`` are values of indices that are not drawn, 0 where they are not named.
    """
    sizes = bind_sizes(op, completed(op, shapes))
    plane = plane_of(op, op.output, sizes)
    classes = _classes(op, plane, sizes)
    slices = product(*(range(min(plane.shape[axis], SLICES)) for axis in plane.drawn[:-2]))
    grids: list[Grid] = []
    for ahead in slices:
        at = [through.get(name, 0) if k not in plane.drawn else 0 for k, name in enumerate(plane.names)]
        for axis, k in zip(plane.drawn[:-2], ahead, strict=True):
            at[axis] = k
        marks = _counted(op, plane, tuple(at), classes, sizes)
        grids.append(plane.grid(tuple(at), marks, _legend(op, plane, sizes, marks)))
        if not plane.drawn:
            break
    return tuple(grids)


def _counted(
    op: Operator, plane: Plane, at: Cell, classes: Mapping[int, tuple[int, int]], sizes: Mapping[str, int]
) -> dict[tuple[int, int], Mark]:
    flat = plane.drawn[-2:]
    counts: dict[Cell, int] = {}
    for place in product(*(range(min(plane.shape[axis], WIDEST)) for axis in flat)):
        index = list(at)
        for axis, k in zip(flat, place, strict=True):
            index[axis] = k
        counts[tuple(index)] = len(cell_terms(op, tuple(index), sizes))
    kinds = {index: _kind(index, classes) for index in counts}
    full = {kind: max(n for index, n in counts.items() if kinds[index] == kind) for kind in kinds.values()}
    marks = {}
    for cell, count in counts.items():
        words = f"{op.output.name}[{','.join(map(str, cell))}] sums {count} terms"
        kind = kinds[cell]
        said = f"{count} {_letter(kind)}" if count and _lettered(classes) else str(count)
        marks[plane.place(cell)] = Mark(kind if count else None, said, words, faint=0 < count < full[kind])
    return marks


def _classes(op: Operator, plane: Plane, sizes: Mapping[str, int]) -> dict[int, tuple[int, int]]:
    """Of each drawn axis that a window strides over: what is added to the index, and the modulus."""
    found = {}
    for window in op.windows:
        size = window.extent if window.transposed else window.size
        for axis in plane.drawn:
            if [str(one) for one in plane.tensor.axes[axis]] == [size] and window.stride > 1:
                found[axis] = (window.lo.evaluate(dict(sizes)), window.stride)
    return found


def _lettered(classes: Mapping[int, tuple[int, int]]) -> bool:
    """Whether there are more classes than colours."""
    return prod(modulus for _, modulus in classes.values()) > len(COLOURS)


def _letter(kind: int) -> str:
    return chr(ord("A") + kind) if kind < 26 else str(kind + 1)


def _kind(index: Cell, classes: Mapping[int, tuple[int, int]]) -> int:
    kind = 0
    for axis, (shift, modulus) in classes.items():
        kind = kind * modulus + (index[axis] + shift) % modulus
    return kind


def _legend(
    op: Operator, plane: Plane, sizes: Mapping[str, int], marks: Mapping[tuple[int, int], Mark]
) -> tuple[str, ...]:
    """What the numbers and the kinds of cells that there are mean."""
    classes = _classes(op, plane, sizes)
    words = [f"({plane.names[axis]}+{shift}) mod {modulus}" if shift else f"{plane.names[axis]} mod {modulus}"
             for axis, (shift, modulus) in classes.items()]  # fmt: skip
    said = ["numbers: terms that a cell sums"]
    shown = "letter" if _lettered(classes) else "colour"
    said += [f"{shown}: residue class {', '.join(words)}"] if words else []
    said += ["pale: fewer terms, at a border"] if any(mark.faint for mark in marks.values()) else []
    said += ["dashed: no term reaches it"] if any(mark.number is None for mark in marks.values()) else []
    return tuple(said)
