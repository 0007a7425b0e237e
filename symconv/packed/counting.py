"""What the planner is told of packed kernels, and of the masked nests they compete with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from itertools import pairwise
from itertools import product as combinations
from types import MappingProxyType

from symconv.loops.arith import add, balanced, const, floordiv, largest, mul, smallest, sub, total
from symconv.loops.ir import Compare, Expr, Mod
from symconv.loops.scalars import integer
from symconv.notation.expr import Apply, walk
from symconv.notation.operator import Tensor
from symconv.packed.abreast import AbreastTile
from symconv.packed.across import AcrossTile
from symconv.packed.contraction import Contraction
from symconv.packed.dot import DotTile
from symconv.packed.frame import extent, frame, product, tap_count
from symconv.packed.loops import counts, phases_of
from symconv.packed.outer import Tile
from symconv.packed.pack import classes_of
from symconv.packed.present import summed_planes
from symconv.packed.stencil_form import Cells, Steps
from symconv.packed.tiling import Tiled
from symconv.tune.facts import Facts, FlatAxis

__all__ = ["masked_facts", "packed_facts", "stencil_facts", "winograd_facts"]

_SCHEMES = {Tile: "outer", DotTile: "dot", AcrossTile: "across", AbreastTile: "abreast"}
_EXTREME, _PLACED = 2, 7
"""Instructions of an extreme that a NaN is, and of its position, beside one."""


def packed_facts(
    found: Contraction, tile: Tile | DotTile | AcrossTile | AbreastTile, label: str, parameters: tuple[str, ...]
) -> Facts:
    """The counts of one packed kernel."""
    outer = isinstance(tile, Tile | AbreastTile)
    operand = found.wide[0 if outer else 1]
    space = frame(found, operand.axes)
    classes = 1
    for _, factor in classes_of(space, operand):
        classes *= factor
    phases = phases_of(found)
    axes = tuple(
        FlatAxis(
            strip.loop.rstrip("_"), strip.count, strip.length, strip.low, strip.high,
            max(operand.along(strip.loop).factor, phase.modulus if (phase := found.phase(strip.loop)) else 1),
            _joined(found, strip.loop),
        )
        for strip in space.strips
    )  # fmt: skip
    planes = found.planes if outer else tuple(n for n in found.columns if n not in found.taps)
    every = [product(counts(found, n, exact=False)) for n in (found.rows, planes, found.columns, found.groups)]
    return Facts(
        _SCHEMES[type(tile)], label, _of_registers(tile),
        axes, every[0], every[1], _taps(found), phases[-1].modulus if phases else 1, every[3], every[2],
        isinstance(tile, Tile | DotTile) and tile.in_place, classes,
        parameters, *_work(found), operations=_operations(found), loads=len(found.here),
        stores=int(isinstance(tile, Tile) and tile.stores),
    )  # fmt: skip


def _of_registers(tile: Tile | DotTile | AcrossTile | AbreastTile) -> tuple[int, int]:
    """What is broadcast, and the vectors it meets."""
    match tile:
        case DotTile(rows, columns):
            return rows, columns
        case AbreastTile(cells, blocks):
            return cells, blocks
        case Tile(rows, blocks) | AcrossTile(rows, blocks):
            return rows, blocks


def _joined(found: Contraction, loop: str) -> int:
    """1 where the next inner flat loop moves along the next axis of every operand that lanes run along."""
    inner = dict(pairwise(found.flats)).get(loop)
    orders = ([axis.loop for axis in operand.axes] for operand in found.wide)
    return int(inner is not None and all(order.index(inner) == order.index(loop) + 1 for order in orders))


def winograd_facts(it: Tiled, tile: Tile | DotTile, label: str, parameters: tuple[str, ...]) -> Facts:
    """The counts of one transformed kernel: flat axes count tiles, taps that are transformed are gone."""
    direct = packed_facts(it.found, tile, label, parameters)
    axes = tuple(
        FlatAxis(strip.loop.rstrip("_"), strip.count, strip.length, strip.low, strip.high, it.unit(strip.loop))
        for strip in it.windows.strips
    )
    still = it.still
    outer = still.lanes == "cells"
    columns = product(counts(still, still.columns, exact=False))
    names = still.planes if outer else tuple(n for n in still.columns if n not in still.taps)
    planes = product(counts(still, names, exact=False))
    transform = tuple((axis.transform.m, axis.transform.n) for axis in it.form.axes)
    taps = _taps(still) if outer else (const(1),)
    summed, runs = summed_planes(it) if outer else (const(0), const(0))
    return replace(
        direct, scheme="winograd", flat=axes, planes=planes, taps=taps, columns=columns, classes=1,
        transform=transform, requires=() if outer else _whole_classes(it),
        summed=summed, runs=runs,
    )  # fmt: skip


def _whole_classes(it: Tiled) -> tuple[Expr, ...]:
    """All residue classes have as many taps: sums of taps that a class has not cost as much as others."""
    axes = [axis for axis in it.form.axes if axis.stride > 1]
    return tuple(Compare("==", Mod(extent(it.found, axis.tap)[1], axis.stride), const(0)) for axis in axes)


def stencil_facts(it: Cells | Steps, label: str, parameters: tuple[str, ...]) -> Facts:
    """The counts of one kernel that reads planes in place."""
    found, tile = it.found, it.tile
    steps = isinstance(it, Steps)
    direct = packed_facts(found, DotTile(1, 1) if steps else Tile(1, 1), label, parameters)
    rows = it.tile.rows if isinstance(it, Steps) else it.in_work
    return replace(
        direct, scheme="stencil dot" if steps else "stencil", tile=(rows, tile.taps), in_place=True,
        requires=it.requires, across=tile.across, whole=tile.whole,
    )  # fmt: skip


def masked_facts(found: Contraction) -> Facts:
    """The counts of the nests that need no plan."""
    loop = found.flats[-1]
    axis = next(a for operand in found.wide for a in operand.axes if a.loop == loop)
    lower, upper = extent(found, loop)
    lane = FlatAxis(loop.rstrip("_"), largest([const(0), sub(upper, lower)]), integer(axis.length))
    flops, read, written = _work(found, _reached(found))
    return Facts(
        "masked", "direct", flat=(lane,), flops=flops, reads=read, writes=written, operations=_operations(found)
    )


def _reached(found: Contraction) -> dict[str, Expr]:
    """How many values of a tap one cell reaches at most, where its bounds move along with other loops.

    Of two windows on one axis the position in the first is a tap with the length of the output: nests run over what is
    reached, packed ones over all.
    """
    loops = {*found.solution.cells, *found.solution.steps, *(n for p in found.solution.phases for n in p.names)}
    limits = [one.form for one in found.solution.limits if not one.equality]
    reached: dict[str, Expr] = {}
    for tap in found.taps:
        for low, high in combinations(limits, limits):
            step = low.coefficient(tap)
            moves = step > 0 and high.coefficient(tap) == -step and low.names() & loops != {tap}
            if moves and not (low + high).names() & loops:
                width = add(floordiv(integer(low + high), step), const(1))
                reached[tap] = smallest([reached[tap], width]) if tap in reached else width
    return reached


def _taps(found: Contraction, reached: Mapping[str, Expr] = MappingProxyType({})) -> tuple[Expr, ...]:
    """How many taps each combination of residue classes has, no more of each than are ``reached``."""
    if found.lanes == "steps":
        return (const(1),)
    entries = [[dict(zip(p.names, entry, strict=True)) for entry in p.table] for p in phases_of(found)]
    fixed = [{name: value for part in parts for name, value in part.items()} for parts in combinations(*entries)]

    def count(tap: str, values: dict[str, int]) -> Expr:
        every = tap_count(found, tap, values)
        return smallest([every, reached[tap]]) if tap in reached else every

    return tuple(product(count(tap, values) for tap in found.taps) for values in fixed)


def _work(found: Contraction, reached: Mapping[str, Expr] = MappingProxyType({})) -> tuple[Expr, Expr, Expr]:
    """Operations, elements read and elements written."""
    cells = _elements(found.statement.target)
    read = reduce(add, (_elements(tensor) for tensor in found.operator.inputs))
    if found.lanes == "steps":
        steps = product(counts(found, found.solution.steps, exact=False))
    else:
        # Every combination of residue classes has its share of the cells, and its own taps.
        taps = _taps(found, reached)
        steps = mul(product(counts(found, found.planes, exact=False)), balanced(taps))
        cells_each = floordiv(cells, len(taps))
        return mul(const(2), mul(cells_each, steps)), read, cells
    return mul(const(2), mul(cells, steps)), read, cells


def _elements(tensor: Tensor) -> Expr:
    return total(tuple(integer(size) for axis in tensor.axes for size in axis))


def _operations(found: Contraction) -> int:
    """Instructions of one contribution: a product is part of the multiply-add."""
    functions = sum(1 for node in walk(found.solution.body) if isinstance(node, Apply))
    functions += _PLACED if found.placed else _EXTREME if found.extreme else 0
    plain = isinstance(found.solution.body, Apply) and found.solution.body.function == "mul" and functions == 1
    return 1 if plain else functions + 1
