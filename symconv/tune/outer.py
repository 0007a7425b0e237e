"""Cycles of the outer form: lanes are cells of the target, one operand is packed into flat rows.

Per box: planes are copied in blocks of ``FB``; then, for each block of lanes and each block of rows, a register tile
runs over planes and taps; sums are unpacked into the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symconv.tune.counts import Axis, Counts, Parts, rate
from symconv.tune.facts import LONG
from symconv.tune.grid import Array, blocks, combined, strips
from symconv.tune.machine import Machine
from symconv.tune.near import Kinds, columns_near
from symconv.tune.tiles import outer_step

__all__ = ["bound", "cycles", "distance", "moved", "numbers", "pieces", "pitch", "plane", "span", "workspace"]

_CALL = 25.0
"""Entering a register tile: clearing and storing its sums is counted apart."""
_ROW = 12.0
"""Starting to copy a row, and its ragged end."""
_BOX = 150.0
"""Starting a box: an iteration of the outermost loop, its numbers."""
_NARROW = 3.0
"""Storing an element of the narrow operand where the tile wants it."""
_PANEL = 0.2
"""The share of a panel's way from the second cache that arithmetic does not cover."""
_HELD, _STORED_HELD = 0.72, 0.9
"""The share of the first cache that a panel may take: sums of all rows pass it too, unless tiles store them."""
_AFAR = 0.1
"""Cycles to wait for a byte of the narrow operand that only the last cache holds."""
_BESIDE = 0.07
"""The same where tiles ask for it again and again, and it does not fit the second cache beside packed rows and sums."""
_PAGE, _PAGES = 4096, 80
"""Bytes of a page, and pages of planes that are known at once, beside those of other arrays."""
_WALK = 4.0
"""Cycles until another page is known, as far as arithmetic does not cover them."""
_LINE = 64
"""Bytes of a line."""
_SPARE, _COPIED = 1.6, 1.3
"""Beside sums the second cache holds lines of the cells that they are copied to. Where it has 2 MB and the last one is
slow (Emerald Rapids), boxes whose sums took more than 0.6 of it cost 2 to 15 % more than smaller ones.
"""
_STREAMED = 0.5
"""The share of the way to memory of what is not read from there before it is written."""
_RUN = 100.0
"""Waiting where the next piece of a plane lies behind others, as in another page."""
_PIECE = 192
"""Elements of a piece of a row that may be stored alone: by 96 a forward took 19 ms, by 192 15, by 432 12."""
_SUMS = 0.5
"""The share of the way of sums and copies from caches far away that nothing covers."""
_STORED = 0.5
"""The share of the way to memory that arithmetic does not cover where tiles store their sums themselves."""
_THERE = 1.2
"""Reading an operand in place costs more than its way from memory: pieces of it lie far apart."""
_START = 900.0
"""A workspace, tables, one more loop nest."""


def bound(n: Counts, machine: Machine) -> float:
    """Cycles that no plan of this candidate can go below: its multiply-adds from the first cache without a gap."""
    m, vectors = n.tile
    steps = sum(n.taps) * n.planes * n.groups * -(-n.rows // m)
    return (
        steps * (n.cells / (vectors * machine.lanes)) * outer_step(n.tile, machine, n.facts.operations, n.facts.loads)
    )


def numbers(n: Counts, machine: Machine) -> dict[str, Array]:
    """Every combination worth trying, by the names of the plan's numbers."""
    extents = [max(axis.extent, 1) for axis in n.axes]
    most = max(n.taps, default=1)
    halves = blocks(max(n.planes, 1))
    # Fewer than 24 steps do not pay for a tile's start; more than 2500 fit no cache.
    planes = [f for f in halves if 24 <= f * most <= 2500] or [halves[0] if halves[0] * most < 24 else halves[-1]]
    planes = [max(n.planes, 1)] if n.facts.stores else planes
    columns = combined(strips(extents, n.tile[1] * machine.lanes), planes)
    names = [*(f"T_{axis.name}" for axis in n.axes), "FB"]
    return dict(zip(names, columns, strict=True))


def pitch(axis: Axis, length: Array) -> Array:
    """How far rows lie apart: whole rows share one gap, pieces keep their own reach on both sides."""
    shared = np.maximum(np.maximum(length + axis.high, axis.operand - axis.low), length)
    apart: Array = np.where(length >= axis.extent, shared, length + axis.high - axis.low)
    return apart


def pieces(axes: Sequence[Axis], lengths: Sequence[Array]) -> list[tuple[Array, list[Array]]]:
    """The kinds of boxes, as how many there are and their lengths: along each axis whole strips and a rest."""
    kinds: list[tuple[Array, list[Array]]] = [(np.ones_like(lengths[0]), [])]
    for axis, length in zip(axes, lengths, strict=True):
        whole, rest = np.floor_divide(axis.extent, length), np.mod(axis.extent, length)
        sides = [(whole, np.maximum(length, 1)), ((rest > 0).astype(np.float64), np.maximum(rest, 1))]
        longer = [(amount * number, [*kind, one]) for amount, kind in kinds for number, one in sides]
        kinds = [one for one in longer if one[0].any()]
    return kinds


def span(lengths: Sequence[Array], pitches: Sequence[Array]) -> Array:
    """From the first flat position of a box to behind its last."""
    distance = np.zeros_like(lengths[0])
    for length, apart in zip(lengths, pitches, strict=True):
        distance = distance * apart + (length - 1)
    return distance + 1


Spaces = tuple[list[Array], list[Array]]
"""Lengths of strips and pitches of rows."""


@dataclass(frozen=True, slots=True)
class Calls:
    """Register tiles of all boxes, for one block of rows: how many, of how many vectors, and cycles of one step.

    ``panels`` are pieces of the wide operand, each read by all blocks of rows before the next.
    """

    number: Array
    panels: Array
    vectors: Array
    step: Array


def tiles(n: Counts, machine: Machine, kinds: Kinds, pitches: Sequence[Array]) -> Calls:
    """The register tiles that cover every box; the last ones of a box have fewer vectors."""
    m, most = n.tile
    steps = [0.0, *(outer_step((m, v), machine, n.facts.operations, n.facts.loads) for v in range(1, most + 1))]
    number, panels, vectors, step = (np.zeros_like(pitches[0]) for _ in range(4))
    for boxes, kind in kinds:
        # What is stored where it belongs starts in a new vector with every row of cells.
        apart = np.prod(kind[:-1], axis=0) if n.facts.stores else 1.0
        amount = boxes * apart
        blocks_ = np.ceil((kind[-1] if n.facts.stores else span(kind, pitches)) / machine.lanes)
        whole, rest = np.divmod(blocks_, most)
        number += amount * (whole + (rest > 0))
        panels += amount * (1.0 if n.facts.stores else whole + (rest > 0))
        vectors += amount * blocks_
        step += amount * (whole * steps[most] + np.take(steps, rest.astype(np.intp)))
    return Calls(number * n.groups, panels * n.groups, vectors * n.groups, step * n.groups)


def plane(n: Counts, lengths: Sequence[Array], pitches: Sequence[Array]) -> Array:
    """Elements of one packed plane of a box."""
    first = n.axes[0]
    size = lengths[0] + first.high - first.low
    for apart in pitches[1:]:
        size = size * apart
    return size


def cycles(n: Counts, machine: Machine, chosen: dict[str, Array]) -> Parts:
    """What each combination of numbers costs."""
    lengths, pitches = _spaces(n, chosen)
    kinds = pieces(n.axes, lengths)
    near = columns_near(n, kinds, pitches)
    m, row_blocks, held = n.tile[0], -(-n.rows // n.tile[0]), np.ceil(n.planes / chosen["FB"])
    calls = tiles(n, machine, kinds, pitches)
    boxes = np.prod([np.ceil(axis.extent / t) for axis, t in zip(n.axes, lengths, strict=True)], axis=0) * n.groups
    each = row_blocks * len(n.taps) * held
    return {
        "multiply": calls.step * row_blocks * sum(n.taps) * n.planes,
        "calls": calls.number * each * _CALL + calls.vectors * each * m * np.where(held > 1, 2.5, 1.0),
        "cache": _cache(n, machine, chosen, (lengths, pitches), calls, boxes, near),
        "pack": _pack(n, machine, lengths, pitches, boxes, near),
        "unpack": _unpack(n, machine, lengths, pitches),
        "narrow": _NARROW * row_blocks * m * n.planes * sum(n.taps) * n.groups * np.ones_like(boxes),
        "start": _START + _BOX * boxes + 1.5 * chosen["FB"] * sum(n.taps),
    }


def _cache(
    n: Counts, machine: Machine, chosen: dict[str, Array], spaces: Spaces, calls: Calls, boxes: Array, near: Array
) -> Array:
    """Waiting for what register tiles read and write: panels of the wide operand, the narrow operand, sums."""
    lengths, pitches = spaces
    row_blocks, held = -(-n.rows // n.tile[0]), np.ceil(n.planes / chosen["FB"])
    narrow = row_blocks * n.tile[0] * sum(n.taps) * machine.itemsize
    block, second = narrow * chosen["FB"], 0.6 * machine.caches.second
    shared, packed, summed = _memory(n, machine, chosen, spaces)
    private = packed * (1 - near) + summed
    # Rows of tiles read it again for every block of lanes, and find it beside what a box holds.
    fits = block + private <= 0.85 * max(machine.caches.second, machine.caches.shared)
    waiting: Array = np.select(
        [block <= 0.5 * machine.caches.first, (block <= second) & fits, fits], [0.0, 0.004, 0.025], _BESIDE
    )
    evicted = shared / n.groups + private > 0.8 * machine.caches.second
    passes = boxes / max(n.groups, 1) * np.where(evicted, _AFAR, 0.0)
    # Beside operands and results they do not stay in the last cache: others use it, too.
    far = np.where(
        private > 0.2 * machine.caches.last, 1 / 4, rate(_SPARE * summed + _COPIED * packed * (1 - near), machine)
    )
    sums = n.rows * len(n.taps) * calls.vectors * machine.vector_bytes * 2 * held * (1 - n.facts.stores)
    copied = 2 * boxes * plane(n, lengths, pitches) * n.planes * machine.itemsize * (1 - near)
    return (
        _panels(n, machine, chosen, calls, near, _between(n, machine, spaces))
        + calls.number * row_blocks * held * chosen["FB"] * _walk(n, machine, spaces, chosen["FB"], near)
        + narrow * n.planes * n.groups * passes
        + calls.panels * narrow * n.planes * waiting
        + (sums + copied) * np.maximum(0.0, far - 1 / 28) * _SUMS
    )


def _between(n: Counts, machine: Machine, spaces: Spaces) -> Array:
    """Bytes of the planes of a box whose rows of cells tiles read one after the other; 0 where they read panels."""
    every: Array = n.planes * plane(n, *spaces) * machine.itemsize * n.facts.stores
    return every


def _walk(n: Counts, machine: Machine, spaces: Spaces, planes: Array, near: Array) -> Array:
    """Waiting for the address of a plane, where the planes of a tile lie in more pages than are known at once."""
    apart = np.minimum(1.0, plane(n, *spaces) * machine.itemsize / _PAGE)
    pages = np.maximum(planes * (near + (1 - near) * apart), 1.0)
    waiting: Array = _WALK * np.maximum(0.0, 1 - _PAGES / pages)
    return waiting


def _panels(n: Counts, machine: Machine, chosen: dict[str, Array], calls: Calls, near: Array, every: Array) -> Array:
    """Waiting for what the register tiles of a block of lanes read again and again, one for each block of rows.

    ``every`` are bytes that lie between the pieces of a panel where it is a whole row of cells.
    """
    lane, most = n.axes[-1], max(n.taps, default=1)
    beside = min(most, lane.high - lane.low + 1)
    row_blocks, held = -(-n.rows // n.tile[0]), np.ceil(n.planes / chosen["FB"])
    lanes = calls.vectors / calls.panels * machine.lanes
    pieces_ = chosen["FB"] * -(-most // beside)
    panel = pieces_ * (lanes + beside - 1) * machine.itemsize
    # What is read in place begins anywhere in a line, and the next panel is fetched beside it.
    more = near * pieces_ * (0.5 * lanes * machine.itemsize + _LINE)
    narrow = n.tile[0] * most * chosen["FB"] * machine.itemsize
    held_ = (_STORED_HELD if n.facts.stores else _HELD) * machine.caches.first
    again = np.where(panel + more + narrow > held_, row_blocks * len(n.taps), 1)
    waiting: Array = (
        calls.panels * held * panel * rate(np.maximum(2.0 * panel, every), machine) * (0.5 + _PANEL * (again - 1))
    )
    return waiting


def _spaces(n: Counts, chosen: dict[str, Array]) -> Spaces:
    """Lengths of strips and pitches of rows."""
    lengths = [chosen[f"T_{axis.name}"] for axis in n.axes]
    return lengths, [pitch(axis, length) for axis, length in zip(n.axes, lengths, strict=True)]


def _pack(n: Counts, machine: Machine, lengths: list[Array], pitches: list[Array], boxes: Array, near: Array) -> Array:
    every = boxes * n.planes * plane(n, lengths, pitches) * n.facts.classes
    copied = every * (1 - near)
    stride = n.axes[-1].stride if n.facts.phases == 1 else 1
    there = every * near * _THERE * distance(n.wide, machine)
    return copied / pitches[-1] * _ROW + copied * moved(n.wide, machine, stride) * _scattered(n, lengths) + there


def _unpack(n: Counts, machine: Machine, lengths: list[Array], pitches: list[Array]) -> Array:
    row = lengths[-1] * n.axes[-1].stride
    if n.facts.stores:
        # Pieces of a row that are a few lines long: lines of two boxes, and as many other pages as there are pieces.
        short = np.where(lengths[-1] < n.axes[-1].extent, np.maximum(0.0, 1 - row / _PIECE), 0.0)
        return n.writes / row * (_ROW + _RUN * short) + n.writes * distance(n.writes, machine) * _STORED
    together = (
        row
        if len(n.axes) == 1
        else np.where(lengths[-1] < n.axes[-1].extent, row, row * lengths[-2] * n.axes[-2].stride)
    )
    started = n.writes / row * _ROW + n.writes / together * _RUN
    memory = n.writes * distance(n.writes, machine) * _past(n, machine, lengths, pitches)
    return started + (n.writes * shuffled(machine, n.facts.phases) + memory) * _scattered(n, lengths)


def _past(n: Counts, machine: Machine, lengths: list[Array], pitches: list[Array]) -> Array:
    """What is left of the way to memory where rows of sums are whole vectors that go past the caches."""
    if n.writes < LONG or n.facts.phases > 1:
        return np.ones_like(lengths[0])
    alone = (lengths[-1] < n.axes[-1].extent) | (pitches[-1] != lengths[-1])
    rows = lengths[-2] if len(lengths) > 1 else np.ones_like(lengths[0])
    whole = np.mod(lengths[-1] * np.where(alone, 1.0, rows), machine.lanes) == 0
    return np.where(whole, _STREAMED, 1.0)


def _scattered(n: Counts, lengths: list[Array]) -> Array:
    """How much longer memory takes where a box holds planes that do not lie side by side."""
    apart: Array = np.where(lengths[0] > 1, 1.6, 1.0) if len(n.axes) > 1 else np.ones_like(lengths[0])
    return apart


def moved(elements: int, machine: Machine, stride: int) -> float:
    """Cycles to copy one element of an array of that many: an instruction each way, and its memory."""
    return shuffled(machine, stride) + distance(elements, machine)


def shuffled(machine: Machine, stride: int) -> float:
    """Cycles of the instructions that copy one element, of which ``stride`` come apart or together."""
    return 2.0 / machine.lanes if stride == 1 else (2.0 + 3.0 * min(stride, 4)) / machine.lanes


def distance(elements: int, machine: Machine) -> float:
    """Cycles for one element of an array of that many to come from where it lies."""
    return float(rate(2.0 * elements * machine.itemsize, machine)) * machine.itemsize


def workspace(n: Counts, machine: Machine, chosen: dict[str, Array]) -> tuple[float, Array]:
    """Bytes shared by all threads, and bytes of each thread."""
    shared, packed, sums = _memory(n, machine, chosen, _spaces(n, chosen))
    return shared, packed + sums


def _memory(n: Counts, machine: Machine, chosen: dict[str, Array], spaces: Spaces) -> tuple[float, Array, Array]:
    """Bytes of the narrow operand, and those of a thread: the packed operand and the sums of a box."""
    lengths, pitches = spaces
    m, vectors = n.tile
    rows = -(-n.rows // m) * m
    packed = chosen["FB"] * (plane(n, lengths, pitches) + 2 * pitches[-1]) * n.facts.classes
    sums = rows * max(len(n.taps), 1) * (span(lengths, pitches) + vectors * machine.lanes) * (1 - n.facts.stores)
    narrow = rows * sum(n.taps) * n.planes * n.groups * machine.itemsize
    return float(narrow), packed * machine.itemsize, sums * machine.itemsize
