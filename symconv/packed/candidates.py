"""Packed kernels of a gather form: one for each register tile that suits it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from symconv.algorithms.accuracy import POLICY
from symconv.algorithms.winograd import winograd_form
from symconv.gather.solution import Gather, Solved
from symconv.isa import Isa
from symconv.loops.arith import simplify
from symconv.loops.candidate import Candidate
from symconv.loops.ir import LANES, Buffer, Compare, Const, Expr, Kernel, Scalar, Var
from symconv.loops.rename import renamed
from symconv.loops.scalars import integer
from symconv.loops.schedule import Schedule
from symconv.loops.sizes import runtime_sizes
from symconv.loops.traverse import substitute, walk
from symconv.notation.operator import Operator, Tensor
from symconv.packed.abreast import AbreastTile, abreast, abreast_nests
from symconv.packed.across import AcrossTile, across, across_nests
from symconv.packed.contraction import Contraction
from symconv.packed.counting import masked_facts, packed_facts, stencil_facts, winograd_facts
from symconv.packed.direct import storable
from symconv.packed.dot import DotTile, dot_nests
from symconv.packed.halos import unhaloed
from symconv.packed.inplace import gapless, readable
from symconv.packed.naming import OWN, positional
from symconv.packed.outer import Packed, Tile, outer_nests
from symconv.packed.outside import harmless
from symconv.packed.roles import contraction
from symconv.packed.stacks import unstacked
from symconv.packed.stencil import StencilTile
from symconv.packed.stencil_cells import cells_nests
from symconv.packed.stencil_form import Cells, Steps, cells, stencil_tiles, steps
from symconv.packed.stencil_steps import steps_nests
from symconv.packed.tiling import tiled
from symconv.packed.wino import winograd_nests
from symconv.packed.wino_dot import winograd_dot_nests
from symconv.tune.facts import Facts

__all__ = [
    "Halo",
    "abreast_kernel",
    "bordered_candidates",
    "bordered_masked",
    "buffer_of",
    "packed_candidates",
    "packed_kernel",
    "packed_masked",
    "packs",
    "stencil_kernel",
]

Halo = tuple[Gather, Gather]
"""An operand copied with a halo, and the sum over the copy."""

_OUTER = {
    16: (Tile(4, 3, True), Tile(1, 8), Tile(4, 3, stores=True)),
    32: (Tile(8, 3, True), Tile(4, 5), Tile(1, 8), Tile(8, 3, stores=True)),
}
"""By registers: a tile with its row of loads and one broadcast fills them; few rows take more blocks of lanes."""

_DOT = {16: (DotTile(4, 3, True), DotTile(1, 9)), 32: (DotTile(8, 3, True), DotTile(1, 9))}


_ACROSS = {16: (AcrossTile(6, 2),), 32: (AcrossTile(6, 4),)}
"""Blocks of planes and rows: a tile with its vectors and one broadcast fits the registers."""

_ABREAST = {16: (AbreastTile(6, 2),), 32: (AbreastTile(14, 2),)}
"""Cells and blocks of rows: of 28 cells, as most images have, or 14, no tile is cut."""

_LONGEST = 8
"""Bytes of the longest element."""

_TRANSFORMS = ((4, 3), (2, 3))
"""Outputs and taps of the transforms that are built: the first is the fastest, the second loses less on small maps."""

_OF_CLASSES = ((4, 2),)
"""The same of residue classes, whose windows have few taps."""


def packed_candidates(gather: Gather, name: str, isa: Isa) -> tuple[Candidate, ...]:
    """The packed ways to compute an output for sizes known at run time, none where its sum has no such form."""
    found = _contraction(gather)
    if found is None and (single := unstacked(gather)):
        form, requires = single
        return tuple(_required(gather, one, requires) for one in packed_candidates(form, name, isa))
    if found is None:
        return ()
    stencils = tuple(_stencils(gather, name, found, isa))
    direct = () if found.still else tuple(_candidate(gather, name, found, tile) for tile in _tiles(found, isa))
    sideways = (*_across(gather, name, found, isa), *_abreast(gather, name, found, isa))
    made = (*direct, *sideways, *stencils, *(() if found.still else _transformed(gather, name, found, isa)))
    return tuple(candidate for candidate in made if _settled(candidate.kernel) and _counted(candidate))


def _required(gather: Gather, candidate: Candidate, requires: tuple[Expr, ...]) -> Candidate:
    """A candidate for the sizes that its form is for."""
    facts = candidate.facts
    if isinstance(facts, Facts):
        facts = replace(facts, requires=(*facts.requires, *requires))
    return replace(candidate, gather=gather, facts=facts)


def bordered_candidates(gather: Gather, name: str, isa: Isa, halo: Halo) -> tuple[Candidate, ...]:
    """The packed ways to compute an output whose sum a border cuts in pieces: packing holds what lies outside.

    ``halo`` is the same sum over an operand that was copied with zeros around it, and that copy.
    """
    found = _unhaloed(gather, halo)
    if found is None:
        return ()
    made = (_candidate(gather, name, found, tile) for tile in _tiles(found, isa))
    return tuple(candidate for candidate in made if _settled(candidate.kernel))


def bordered_masked(gather: Gather, halo: Halo) -> object:
    """The counts of the masked nests beside them, None where there are none."""
    found = _unhaloed(gather, halo)
    return None if found is None else masked_facts(found)


def _unhaloed(gather: Gather, halo: Halo) -> Contraction | None:
    copy, last = halo
    found = _contraction(last)
    if found is None or not found.solution.steps:
        return None
    found = unhaloed(found, gather.operator, copy.statements[-1].statement)
    return None if found is None or found.still or _named(gather.operator, found) & OWN else found


def _transformed(gather: Gather, name: str, found: Contraction, isa: Isa) -> Iterator[Candidate]:
    """Winograd, where the sum is a correlation; a kernel without rows has too few products to save."""
    if not found.rows:
        return
    tile = replace((_OUTER if found.lanes == "cells" else _DOT)[isa.registers][0], in_place=False)
    for m, r in (*_TRANSFORMS, *_OF_CLASSES):
        form = winograd_form(gather.operator, found.statement, found.solution, m, r, classes=True)
        it = None if form is None else tiled(found, form, int(found.lanes == "steps"), isa.vector_bytes // _LONGEST)
        if form is None or it is None:
            return
        if any(axis.unit > 1 for axis in form.axes) != ((m, r) in _OF_CLASSES):
            continue
        made = winograd_nests(it, tile) if isinstance(tile, Tile) else winograd_dot_nests(it, tile)
        kernel = _assembled(gather, name, found, made)
        label = f"Winograd {form.name}"
        facts = winograd_facts(it, tile, label, kernel.parameters)
        yield Candidate(gather, Schedule(label, (tile,)), kernel, checked=True, facts=facts, bound=POLICY)


def packs(gather: Gather, reused: bool = False) -> bool:
    """Whether the sum of a form with one statement can be packed; ``reused``: and what is packed is used again and
    again, by every row."""
    found = _contraction(gather)
    if found is None or not found.solution.steps or (found.still and cells(found, stencil_tiles(found, 16)[0]) is None):
        return False
    return not reused or bool(found.rows and (found.planes or found.columns))


def _stencils(gather: Gather, name: str, found: Contraction, isa: Isa) -> Iterator[Candidate]:
    """Planes read in place, where groups keep the sums short: with all rows at hand, tiles of them do much more."""
    if found.rows and not found.groups:
        return
    for tile in stencil_tiles(found, isa.registers):
        it = stencil(found, tile)
        if it is not None:
            kernel = _stencil(gather, name, found, it)
            label = _label(tile)
            facts = stencil_facts(it, label, kernel.parameters)
            yield Candidate(gather, Schedule(label, (tile,)), kernel, facts=facts)


def _across(gather: Gather, name: str, found: Contraction, isa: Isa) -> Iterator[Candidate]:
    """Lanes across planes, which a border of zeros is no hindrance to."""
    for tile in _ACROSS.get(isa.registers, ()):
        it = across(found, tile)
        if it is not None:
            kernel, label = _assembled(gather, name, found, across_nests(it)), f"across {tile.rows}x{tile.blocks}"
            facts = packed_facts(found, tile, label, kernel.parameters)
            yield Candidate(gather, Schedule(label, (tile,)), kernel, checked=True, facts=facts)


def _abreast(gather: Gather, name: str, found: Contraction, isa: Isa) -> Iterator[Candidate]:
    """Lanes across rows of the target, where nothing is read outside."""
    for tile in _ABREAST.get(isa.registers, ()):
        it = abreast(found, tile)
        if it is not None:
            kernel, label = _assembled(gather, name, found, abreast_nests(it)), f"abreast {tile.cells}x{tile.blocks}"
            facts = replace(packed_facts(found, tile, label, kernel.parameters), requires=it.requires)
            yield Candidate(gather, Schedule(label, (tile,)), kernel, facts=facts)


def _label(tile: StencilTile) -> str:
    """What a schedule calls a tile."""
    taps = f"x{tile.taps}" if tile.taps > 1 else ""
    return f"stencil {tile.rows}{taps}" + (" of whole rows" if tile.whole else "")


def stencil(found: Contraction, tile: StencilTile) -> Cells | Steps | None:
    """The stencil of a contraction, of whichever form it has."""
    return cells(found, tile) if found.lanes == "cells" else steps(found, tile)


def _stencil(gather: Gather, name: str, found: Contraction, it: Cells | Steps) -> Kernel:
    """The kernel of a stencil, with the numbers that it requires in place of their names."""
    kernel = _assembled(gather, name, found, cells_nests(it) if isinstance(it, Cells) else steps_nests(it))
    known: dict[str, Expr] = {}
    for condition in it.requires:
        match condition:
            case Compare("==", Var(size), Const() as number):
                known[size] = number
    nests = tuple(simplify(substitute(nest, known)) for nest in kernel.nests)
    layout = tuple(replace(size, value=simplify(substitute(size.value, known))) for size in kernel.layout)
    axes = [tuple(tuple(substitute(size, known) for size in axis) for axis in b.axes) for b in kernel.buffers]
    buffers = tuple(replace(b, axes=each) for b, each in zip(kernel.buffers, axes, strict=True))
    return replace(kernel, nests=nests, layout=layout, buffers=buffers)


def stencil_kernel(gather: Gather, name: str, tile: StencilTile) -> tuple[Kernel, tuple[Expr, ...]] | None:
    """The kernel that reads planes in place and the sizes it is for, or None where there is none."""
    found = _contraction(gather)
    it = None if found is None else stencil(found, tile)
    if found is None or it is None:
        return None
    kernel = _stencil(gather, name, found, it)
    return (kernel, it.requires) if _settled(kernel) else None


def packed_masked(gather: Gather) -> object:
    """The counts of the masked nests beside packed ones, None where there are none."""
    found = _contraction(gather)
    if found is None and (single := unstacked(gather)):
        return packed_masked(single[0])
    return None if found is None else masked_facts(found)


def _tiles(found: Contraction, isa: Isa) -> Iterator[Tile | DotTile]:
    """One row where the target has no rows, or no more than one."""
    several: tuple[Tile | DotTile, ...] = (_OUTER if found.lanes == "cells" else _DOT)[isa.registers]
    # The rows of the dot form lie between the gaps that taps of the columns need.
    possible = _worth_reading(found, isa) if found.lanes == "cells" else gapless(found, found.wide[1])
    for tile in several:
        if isinstance(tile, Tile) and tile.stores and not storable(found):
            continue
        if found.rows or tile.rows == 1:
            yield replace(tile, in_place=tile.in_place and possible)


def _worth_reading(found: Contraction, isa: Isa) -> bool:
    """Whether pieces of a register tile's width, one of each plane, come from memory faster than rows are packed.

    They do where taps read them again, or where they are three whole lines; short pieces of images took longer.
    """
    return readable(found, found.wide[0]) and (len(found.flats) < 3 or isa.vector_bytes >= 64)


def _candidate(gather: Gather, name: str, found: Contraction, tile: Tile | DotTile) -> Candidate:
    kernel = _kernel(gather, name, found, tile)
    label = f"dot {tile.rows}x{tile.columns}" if isinstance(tile, DotTile) else f"packed {tile.rows}x{tile.blocks}"
    label += " stored by row" if isinstance(tile, Tile) and tile.stores else ""
    facts = packed_facts(found, tile, label, kernel.parameters)
    watched = tuple(dict.fromkeys(read.tensor for read in found.narrow)) if harmless(found) else ()
    checked = found.padded or found.lanes == "steps"
    return Candidate(gather, Schedule(label, (tile,)), kernel, checked=checked, facts=facts, watched=watched)


def packed_kernel(gather: Gather, name: str, tile: Tile | DotTile | AcrossTile) -> Kernel | None:
    """The kernel with its sum in packed form, or None where it has no such sum."""
    found = _contraction(gather)
    if isinstance(tile, AcrossTile):
        it = None if found is None else across(found, tile)
        return None if found is None or it is None else _assembled(gather, name, found, across_nests(it))
    if found is None or found.still or (found.lanes == "cells") != isinstance(tile, Tile):
        return None
    if isinstance(tile, Tile) and tile.stores and not storable(found):
        return None
    kernel = _kernel(gather, name, found, tile)
    return kernel if _settled(kernel) else None


def abreast_kernel(gather: Gather, name: str, tile: AbreastTile) -> tuple[Kernel, tuple[Expr, ...]] | None:
    """The kernel with rows abreast and the sizes it is for, or None where there is none."""
    found = _contraction(gather)
    it = None if found is None else abreast(found, tile)
    return None if found is None or it is None else (_assembled(gather, name, found, abreast_nests(it)), it.requires)


def _settled(kernel: Kernel) -> bool:
    """Whether boxes have one size: not where what is read moves with a group, as in a locally connected layer."""
    known = {LANES, *kernel.parameters, *(size.name for size in (*kernel.sizes, *kernel.layout))}
    needed = {node.name for size in kernel.layout for node in walk(size.value) if isinstance(node, Var)}
    return needed <= known


def _counted(candidate: Candidate) -> bool:
    """Whether sizes alone say how far taps reach: a plan is made before there is a group that they move with."""
    known = {size.name for size in candidate.kernel.sizes}
    flat = candidate.facts.flat if isinstance(candidate.facts, Facts) else ()
    reached = (end for axis in flat for end in (axis.low, axis.high, axis.extent, axis.operand))
    return all(node.name in known for end in reached for node in walk(end) if isinstance(node, Var))


def _contraction(gather: Gather) -> Contraction | None:
    if len(gather.statements) != 1:
        return None
    solved: Solved = gather.statements[0]
    found = contraction(gather.operator, solved)
    return None if found is None or _named(gather.operator, found) & OWN else found


def _kernel(gather: Gather, name: str, found: Contraction, tile: Tile | DotTile) -> Kernel:
    return _assembled(
        gather, name, found, outer_nests(found, tile) if isinstance(tile, Tile) else dot_nests(found, tile)
    )


def _assembled(gather: Gather, name: str, found: Contraction, made: Packed) -> Kernel:
    op = gather.operator
    given = tuple(buffer_of(tensor, "in") for tensor in op.inputs)
    known, checks = runtime_sizes(op)
    result = replace(buffer_of(found.statement.target, "out"), flat=made.flat)
    kernel = Kernel(name, (*given, *made.buffers, result), known, checks, made.nests, made.parameters, made.layout)
    return renamed(kernel, positional(found.flats))


def _named(op: Operator, found: Contraction) -> set[str]:
    loops = {*found.solution.cells, *found.solution.steps, *(n for p in found.solution.phases for n in p.names)}
    tensors = (*op.inputs, found.statement.target)
    return loops | {n for tensor in tensors for axis in tensor.axes for size in axis for n in size.names()}


def buffer_of(tensor: Tensor, role: str) -> Buffer:
    """A tensor as a declared array."""
    axes = tuple(tuple(integer(size) for size in axis) for axis in tensor.axes)
    return Buffer(tensor.name, axes, role, Scalar(tensor.dtype))
