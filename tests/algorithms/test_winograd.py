"""Winograd forms, evaluated literally from what they say, against the definition: exact."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.algorithms.products import product_of_reads
from symconv.algorithms.winograd import WinogradForm, winograd_form
from symconv.derive.adjoint import adjoint
from symconv.derive.borders import resolve_borders
from symconv.gather.gather import gather
from symconv.gather.solution import Gather, Solution
from symconv.notation.affine import Affine
from symconv.notation.expr import Read
from symconv.notation.operator import Operator, Statement

Array = np.ndarray[Any, Any]
Found = tuple[Gather, Statement, Solution, WinogradForm]


def form_of(op: Operator, wrt: str, **sizes: Any) -> Found | None:
    resolved = resolve_borders(op)
    solved = gather(adjoint(resolved, wrt) if wrt else resolved, proofs=False)
    last = solved.statements[-1]
    (solution,) = last.reductions[0][1]
    form = winograd_form(solved.operator, last.statement, solution, **sizes)
    return None if form is None else (solved, last.statement, solution, form)


def element(array: Array, index: list[int]) -> Any:
    return array[tuple(index)] if all(0 <= k < n for k, n in zip(index, array.shape, strict=True)) else 0


def rows(solution: Solution) -> Iterator[dict[str, int]]:
    """The values of every combination of residue classes."""
    for chosen in product(*(phase.table for phase in solution.phases)):
        yield {
            n: v
            for phase, row in zip(solution.phases, chosen, strict=True)
            for n, v in zip(phase.names, row, strict=True)
        }


def along(rows_: Any, array: Array, axis: int) -> Array:
    """A matrix times the vectors along one axis."""
    table = np.array([list(row) for row in rows_], dtype=object)
    return np.moveaxis(np.tensordot(table, array, (1, axis)), 0, axis)


def evaluated(found: Found, arrays: Mapping[str, Array]) -> Array:
    """The target, tile by tile."""
    solved, statement, solution, form = found
    op = solved.operator
    sizes = op.sizes(**{t.name: arrays[t.name].shape for t in op.inputs})
    logical = {t.name: arrays[t.name].reshape([s.evaluate(sizes) for s in t.sizes]) for t in op.inputs}
    target = np.zeros([s.evaluate(sizes) for s in statement.target.sizes], dtype=object)
    for pins in rows(solution):
        _class(solution, form, {**sizes, **pins}, logical, target)
    return target


def _class(
    solution: Solution, form: WinogradForm, known: dict[str, int], logical: Mapping[str, Array], target: Array
) -> None:
    paired = {name for axis in form.axes for name in (axis.moving, axis.tap)}
    rest = [n for n in (*solution.cells, *solution.steps) if n not in paired]
    longest = max(max(a.shape) for a in (*logical.values(), target))
    data, narrow = logical[form.data.tensor], logical[form.narrow.tensor]
    for axis in form.axes:
        for c in axis.conditions:
            assert c.form.evaluate(known) >= 0, "sizes beyond what the form is right for"
    tiles = [
        range(-1, longest + 2) if a.transform.m == 1 else range(-1, longest // a.transform.m + 2) for a in form.axes
    ]
    others = [range(extent) for extent in _extents(rest, form, solution, known, logical, target)]
    for values in product(*others):
        at = {**known, **dict(zip(rest, values, strict=True))}
        for tile in product(*tiles):
            for phi in product(*(range(a.dilation) for a in form.axes)):
                _tile(solution, form, at, tile, phi, data, narrow, target)


def _extents(
    rest: list[str],
    form: WinogradForm,
    solution: Solution,
    known: dict[str, int],
    logical: Mapping[str, Array],
    target: Array,
) -> list[int]:
    """How far each other loop runs: the longest axis that it addresses."""
    places = [
        (form.data.index, logical[form.data.tensor]),
        (form.narrow.index, logical[form.narrow.tensor]),
        (solution.target, target),
    ]
    return [
        max(array.shape[k] for index, array in places for k, one in enumerate(index) if name in one.names()) + 2
        for name in rest
    ]


def _window(
    form: WinogradForm, read: Read, array: Array, at: dict[str, int], places: list[list[int]], which: str
) -> Array:
    """Elements of an operand at the product of the places along the transformed axes."""
    loops = {name for axis in form.axes for name in (axis.moving, axis.tap)}
    base = [one.substitute(dict.fromkeys(loops, 0)).evaluate(at) for one in read.index]
    found = np.zeros([len(p) for p in places], dtype=object)
    for choice in np.ndindex(*found.shape):
        index = list(base)
        for axis, place, k in zip(form.axes, places, choice, strict=True):
            index[getattr(axis, which)] = place[k]
        found[choice] = element(array, index)
    return found


def _tile(
    solution: Solution,
    form: WinogradForm,
    at: dict[str, int],
    tile: tuple[int, ...],
    phi: tuple[int, ...],
    data: Array,
    narrow: Array,
    target: Array,
) -> None:
    windows, narrows, targets = [], [], []
    for axis, t, f in zip(form.axes, tile, phi, strict=True):
        m, n = axis.transform.m, axis.transform.n
        windows.append([axis.step * (m * t + e) + axis.unit * f + axis.offset.evaluate(at) for e in range(n)])
        moving = [{axis.moving: axis.dilation * (m * t + i) + f, axis.tap: 0} for i in range(m)]
        taps = [{axis.moving: 0, axis.tap: tap} for tap in axis.taps()]
        short, cells = (taps, moving) if form.kind == "moving" else (moving, taps)
        narrows.append([_value(form.narrow.index[axis.narrow_axis], at, one) for one in short])
        targets.append([_value(solution.target[axis.target_axis], at, one) for one in cells])
    V = _window(form, form.data, data, at, windows, "data_axis")
    U = _window(form, form.narrow, narrow, at, narrows, "narrow_axis")
    if not V.any() or not U.any():
        return
    for k in range(len(form.axes)):
        V, U = along(form.data_matrices[k], V, k), along(form.narrow_matrices[k], U, k)
    M = V * U
    for k in range(len(form.axes)):
        M = along(form.target_matrices[k], M, k)
    base = [
        one.substitute({n: 0 for a in form.axes for n in (a.moving, a.tap)}).evaluate(at) for one in solution.target
    ]
    for choice in np.ndindex(*M.shape):
        cell = list(base)
        for axis, place, k in zip(form.axes, targets, choice, strict=True):
            cell[axis.target_axis] = place[k]
        if all(0 <= k < size for k, size in zip(cell, target.shape, strict=True)):
            target[tuple(cell)] += form.coefficient * M[choice]


def _value(form: Affine, at: dict[str, int], loops: dict[str, int]) -> int:
    return form.evaluate({**at, **loops})


CASES = [
    ("conv1d", {"padding": (1,)}, {"x": (2, 3, 7), "w": (2, 3, 3)}, {"m": 2, "r": 3}),
    ("conv1d", {"padding": ((2, 0),)}, {"x": (2, 2, 8), "w": (3, 2, 2)}, {"m": 3, "r": 3}),
    ("conv1d", {"dilation": 3, "padding": 2}, {"x": (1, 2, 13), "w": (2, 2, 3)}, {"m": 2, "r": 3}),
    ("conv1d", {"flip": True, "padding": 1}, {"x": (2, 2, 7), "w": (3, 2, 3)}, {"m": 4, "r": 3}),
    ("conv1d", {"flip": True, "padding": 1}, {"x": (1, 2, 7), "w": (3, 2, 2)}, {"m": 3, "r": 3}),
    ("conv1d", {"groups": 2, "bias": False}, {"x": (2, 4, 6), "w": (6, 2, 3)}, {"m": 2, "r": 3}),
    ("conv1d", {"layout": "NHWC", "padding": 1}, {"x": (2, 7, 3), "w": (3, 3, 2)}, {"m": 4, "r": 3}),
    ("conv_transpose1d", {"padding": 1}, {"x": (2, 3, 6), "w": (3, 2, 3)}, {"m": 4, "r": 3}),
    ("conv2d", {"padding": (1, 2)}, {"x": (1, 2, 4, 5), "w": (2, 2, 3, 2)}, {"m": (2, 3), "r": (3, 2)}),
    ("conv2d", {"padding": (0, 1), "dilation": (1, 2)}, {"x": (1, 1, 5, 6), "w": (2, 1, 2, 3)}, {"m": (4, 2), "r": (2, 3)}),
    ("conv3d", {"padding": (1, 0, 1)}, {"x": (1, 1, 2, 3, 4), "w": (2, 1, 2, 2, 3)}, {"m": 2, "r": 3}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "shapes", "sizes"), CASES)
@pytest.mark.parametrize("wrt", ["", "x", "w"])
def test_forms_are_exact(
    name: str, options: dict[str, Any], shapes: dict[str, tuple[int, ...]], sizes: dict[str, Any], wrt: str,
    drawn: Callable[..., dict[str, Array]], wanted: Callable[..., list[Any]],
) -> None:  # fmt: skip
    op = getattr(sc, name)(**options)
    found = form_of(op, wrt, **sizes)
    assert found is not None
    assert found[3].kind == ("taps" if wrt == "w" else "moving")
    arrays = drawn(op, shapes, 1)
    assert evaluated(found, arrays).ravel().tolist() == wanted(op, wrt, arrays)


@pytest.mark.parametrize(
    ("name", "wrt", "options", "x", "w"),
    [
        ("conv1d", "x", {"stride": 2, "padding": 1}, (2, 2, 8), (3, 2, 4)),
        ("conv1d", "x", {"stride": 2, "padding": 1}, (2, 2, 9), (3, 2, 3)),
        ("conv1d", "x", {"stride": 3, "padding": 2, "dilation": 2}, (1, 2, 15), (2, 2, 5)),
        ("conv_transpose1d", "", {"stride": 2, "padding": 1}, (2, 2, 5), (2, 3, 4)),
        ("conv1d", "", {"stride": 2, "dilation": 2}, (2, 2, 9), (3, 2, 2)),
        ("conv1d", "w", {"stride": 2, "dilation": 4}, (2, 2, 13), (3, 2, 2)),
    ],
)
def test_residue_classes_have_forms_of_two_taps(
    name: str, wrt: str, options: dict[str, Any], x: tuple[int, ...], w: tuple[int, ...],
    drawn: Callable[..., dict[str, Array]], wanted: Callable[..., list[Any]],
) -> None:  # fmt: skip
    op = getattr(sc, name)(**options)
    found = form_of(op, wrt, m=4, r=2)
    assert found is not None
    arrays = drawn(op, {"x": x, "w": w}, 3)
    assert evaluated(found, arrays).ravel().tolist() == wanted(op, wrt, arrays)


def test_conditions_refuse_longer_kernels(drawn: Callable[..., dict[str, Array]]) -> None:
    op = sc.conv1d(padding=1)
    found = form_of(op, "x", m=2, r=3)
    assert found is not None
    with pytest.raises(AssertionError, match="beyond"):
        evaluated(found, drawn(op, {"x": (1, 1, 8), "w": (1, 1, 4)}, 0))


def test_a_number_in_front_is_kept(drawn: Callable[..., dict[str, Array]], wanted: Callable[..., list[Any]]) -> None:
    op = sc.operator("y[n,f,i] = sum[c,p](-3 * x[n,c,i+p] * w[f,c,p])")
    found = form_of(op, "x", m=2, r=2)
    assert found is not None
    assert found[3].coefficient == -3
    arrays = drawn(op, {"x": (2, 2, 6), "w": (3, 2, 2)}, 2)
    assert evaluated(found, arrays).ravel().tolist() == wanted(op, "x", arrays)


@pytest.mark.parametrize(
    ("op", "wrt"),
    [
        (sc.conv1d(stride=2), ""),  # windows advance by two elements, taps by one
        (sc.conv1d(stride=2), "w"),
        (sc.conv1d(bias=True), "b"),  # one read
        (sc.adder1d(), "x"),  # no product of reads
        (sc.operator("y[i] = sum[p](x[i+p] * x[i+p] * w[p])"), "w"),  # three reads
        (sc.operator("y[i,j] = sum[p](x[i+j+p] * w[p])", extents={"i": 4, "j": 5}), ""),  # two cells in one sum
        (sc.operator("y[i] = sum[p,q](x[i+p+q] * w[p,q])", extents={"i": 4}), ""),  # two steps in one sum
        (sc.operator("y[i] = sum[p](x[i+p,p] * w[p])"), ""),  # a tap that addresses two axes
        (sc.operator("y[i] = sum[p](x[i+p] * w[p,i])"), ""),  # another kernel for every cell
    ],
)
def test_what_is_no_plain_correlation_has_no_form(op: Operator, wrt: str) -> None:
    assert form_of(op, wrt) is None


@pytest.mark.parametrize("wrt", ["", "x", "w"])
def test_taps_that_are_not_taken_are_products_with_zero(
    wrt: str, drawn: Callable[..., dict[str, Array]], wanted: Callable[..., list[Any]]
) -> None:
    op = sc.conv1d(border="skip", padding=(2,))
    found = form_of(op, wrt, m=2)
    assert found is not None
    arrays = drawn(op, {"x": (2, 2, 6), "w": (3, 2, 3)}, 5)
    assert evaluated(found, arrays).ravel().tolist() == wanted(op, wrt, arrays)


def test_products() -> None:
    op = sc.operator("y[i] = sum[p](2 * (-(x[i+p] * w[p])) * 5)")
    reduce = op.statements[-1].expr
    number, left, right = product_of_reads(reduce.pieces[0].body)  # type: ignore[union-attr,misc]
    assert (number, left.tensor, right.tensor) == (Fraction(-10), "x", "w")
