"""One number changed in a packed or transformed kernel, and the comparison with the definition rejects it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

import symconv as sc
from symconv import pipeline
from symconv.errors import InternalError
from symconv.isa import Isa
from symconv.loops.interpret import interpret
from symconv.loops.ir import Address, Binary, Compare, Const, Declare, For, If, Kernel, Lanes, Store, StoreLanes, Var
from symconv.loops.traverse import rewrite, walk
from symconv.packed import candidates, packed_candidates
from symconv.packed.across import AcrossTile
from symconv.packed.dot import DotTile
from symconv.packed.outer import Tile

OP = sc.conv1d(padding=[(1, 2)])
SHAPES = (
    {"x": (2, 3, 11), "w": (3, 3, 3)},
    {"x": (3, 2, 4), "w": (5, 2, 3)},
    {"x": (2, 1, 6), "w": (3, 1, 3)},
    {"x": (1, 2, 6), "w": (2, 2, 3)},
)
PLANS = (1, 2, 100)


@pytest.fixture(scope="module")
def kernels() -> Iterator[dict[tuple[str, str], Kernel]]:
    """Of both gradients: outer form, dot form and transforms, in tiles of two rows and two vectors."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(candidates._OUTER, 4, (Tile(2, 2), Tile(2, 2, stores=True)))
        patch.setitem(candidates._DOT, 4, (DotTile(2, 2),))
        patch.setitem(candidates._ACROSS, 4, (AcrossTile(2, 2),))
        small = Isa("small", 16, 4)
        yield {
            (wrt, way.schedule.name): way.kernel
            for wrt in "xw"
            for way in packed_candidates(pipeline.derive(OP, wrt).gather, f"g{wrt}", small)
        }


def changed(kernel: Kernel, chosen: Callable[[Any], bool], change: Callable[[Any], Any]) -> Iterator[Kernel]:
    """The kernel with one of the chosen nodes changed, each in turn."""
    count = sum(chosen(node) for nest in kernel.nests for node in walk(nest))
    for target in range(count):
        place = iter(range(count))

        def rule(node: Any, target: int = target, place: Iterator[int] = place) -> Any:
            return change(node) if chosen(node) and next(place) == target else node

        yield replace(kernel, nests=tuple(rewrite(nest, rule) for nest in kernel.nests))


@pytest.fixture(scope="module")
def rejected(drawn: Callable[..., Any], wanted: Callable[..., Any]) -> Callable[[str, Kernel], bool]:
    """``rejected(wrt, kernel)``: whether some sizes and plan show that it is not the definition."""
    cases = [drawn(OP, shapes, 3) for shapes in SHAPES]
    known = {(wrt, k): wanted(OP, wrt, arrays) for wrt in "xw" for k, arrays in enumerate(cases)}

    def judge(wrt: str, kernel: Kernel) -> bool:
        for k, arrays in enumerate(cases):
            given = {
                b.name: (arrays[b.name].shape, [Fraction(int(value)) for value in arrays[b.name].ravel()])
                for b in kernel.buffers
                if b.role == "in"
            }
            for number in PLANS:
                try:
                    got = interpret(kernel, given, parameters=dict.fromkeys(kernel.parameters, number))
                except InternalError:
                    return True
                if got != known[wrt, k]:
                    return True
        return False

    return judge


TRANSFORMS = [(wrt, f"Winograd F({m},3)") for wrt in "xw" for m in (4, 2)]
STORED = ("x", "packed 2x2 stored by row")
WAYS = [("x", "packed 2x2"), STORED, ("w", "dot 2x2"), *TRANSFORMS]
ACROSS = ("w", "across 2x2")
ONE = Const(Fraction(1))


@pytest.mark.parametrize("way", [*WAYS, ACROSS])
def test_the_kernels_themselves_are_the_definition(way: tuple[str, str], kernels: Any, rejected: Any) -> None:
    assert not rejected(way[0], kernels[way])


@pytest.mark.parametrize("way", WAYS)
def test_a_wrong_table_of_offsets(way: tuple[str, str], kernels: Any, rejected: Any) -> None:
    def shifted(node: Any) -> Any:
        return replace(node, index=(*node.index[:-1], Binary("+", node.index[-1], ONE)))

    mutants = [*changed(kernels[way], lambda node: isinstance(node, Address), shifted)]
    assert mutants
    assert all(rejected(way[0], mutant) for mutant in mutants)


@pytest.mark.parametrize("way", TRANSFORMS)
def test_a_wrong_coefficient_of_a_transform(way: tuple[str, str], kernels: Any, rejected: Any) -> None:
    """Each number of the three matrices that is written, by a seventh."""

    def coefficient(node: Any) -> bool:
        return isinstance(node, Const) and node.real and node.value not in (0, 1)

    mutants = [*changed(kernels[way], coefficient, lambda node: replace(node, value=node.value + Fraction(1, 7)))]
    assert len(mutants) >= 3
    assert all(rejected(way[0], mutant) for mutant in mutants)


def zero(node: Any) -> bool:
    return isinstance(node, Const) and node.real and not node.value


@pytest.mark.parametrize("way", WAYS)
def test_no_zeros_where_an_operand_ends(way: tuple[str, str], kernels: Any, rejected: Any) -> None:
    """Ones instead, in every row that is packed; and what sums start from."""
    kernel = kernels[way]

    def filled(node: Any) -> Any:
        return rewrite(node, lambda n: replace(n, value=Fraction(1)) if zero(n) else n)

    rows = replace(kernel, nests=tuple(rewrite(n, lambda s: filled(s) if stores_zero(s) else s) for n in kernel.nests))
    assert rows != kernel
    # Windows along one axis are read under masks: their rows lie inside, and lanes that do not hold zeros.
    masks = [*changed(kernel, lambda n: isinstance(n, Lanes), lambda n: replace(n, upper=Binary("+", n.upper, ONE)))]
    assert any(rejected(way[0], mutant) for mutant in (masks if way in TRANSFORMS[:2] else [rows]))
    sums = [*changed(kernel, lambda n: isinstance(n, Declare) and any(map(zero, walk(n.value))), filled)]
    assert sums
    assert all(rejected(way[0], mutant) for mutant in sums)


def stores_zero(node: Any) -> bool:
    return isinstance(node, Store | StoreLanes) and any(map(zero, walk(node.value)))


@pytest.mark.parametrize("way", WAYS)
def test_a_tail_that_ends_early(way: tuple[str, str], kernels: Any, rejected: Any) -> None:
    """One turn fewer of any loop that stores results."""

    def stores(node: Any) -> bool:
        found = walk(node) if isinstance(node, For) else ()
        return any(isinstance(inner, Store | StoreLanes) and inner.buffer == f"g{way[0]}" for inner in found)

    def shorter(node: Any) -> Any:
        return replace(node, upper=Binary("-", node.upper, ONE))

    mutants = [*changed(kernels[way], stores, shorter)]
    assert mutants
    assert all(rejected(way[0], mutant) for mutant in mutants)


def test_a_wrong_mask_or_row_where_tiles_store(kernels: Any, rejected: Any) -> None:
    """A lane more, a row more, a block fewer under the mask: in memory they are neighbours of the result's cells."""
    kernel = kernels[STORED]
    wider = changed(kernel, _some_lanes, lambda n: replace(n, body=(_wider(n.body[0]), *n.body[1:])))
    bare = changed(kernel, lambda n: isinstance(n, StoreLanes) and bool(n.mask) and n.buffer == "gx", _bare)
    rows = [replace(kernel, nests=tuple(rewrite(nest, _row_more) for nest in kernel.nests))]
    shifted = changed(kernel, lambda n: isinstance(n, StoreLanes) and n.buffer == "gx", _beside)
    for mutants in map(list, (wider, bare, rows, shifted)):
        assert mutants
        assert all(rejected("x", mutant) for mutant in mutants)


def _some_lanes(node: Any) -> bool:
    """A tile's stores under the mask of its last block."""
    kept = isinstance(node, If) and isinstance(node.body[0], Declare)
    return kept and any(isinstance(n, StoreLanes) and n.buffer == "gx" for n in walk(node))


def _wider(mask: Declare) -> Any:
    return rewrite(mask, lambda n: replace(n, upper=Binary("+", n.upper, ONE)) if isinstance(n, Lanes) else n)


def _row_more(node: Any) -> Any:
    """The first row of a tile is always there: its test alone decides nothing."""
    return replace(node, op="<=") if isinstance(node, Compare) and node.right == Var("M_") else node


def _bare(node: Any) -> Any:
    return replace(node, mask="")


def _beside(node: Any) -> Any:
    return replace(node, index=(*node.index[:-1], Binary("+", node.index[-1], ONE)))
