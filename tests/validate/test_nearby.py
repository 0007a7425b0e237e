"""Kernels that read an operand where it lies: as the ones that pack it, where what they ask of a box is enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from stages import Side

import symconv as sc
from symconv import pipeline
from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    LANES,
    Address,
    Compare,
    Declare,
    Expr,
    For,
    If,
    Kernel,
    Let,
    Load,
    LoadLanes,
    Select,
    Store,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, walk
from symconv.packed.candidates import packed_kernel
from symconv.packed.outer import Tile
from symconv.validate.validation import validate

OPERATORS = {
    "a border": (sc.conv1d(padding=1), ""),
    "a gradient": (sc.conv1d(padding=1), "x"),
    "a dilated gradient": (sc.conv1d(dilation=2, padding=2), "x"),
    "operands at the cell": (sc.adder1d(padding=1), "x"),
    "residue classes": (sc.conv1d(stride=2), "x"),
    "planes": (sc.conv2d(), ""),
    "a product of matrices": (sc.operator("y[n,f,i,j] = sum[c](x[n,c,i,j]*w[f,c])"), ""),
}


def made(name: str) -> Side:
    op, wrt = OPERATORS[name]
    derivation = pipeline.derive(op, wrt) if wrt else pipeline.forward(op)
    kernel = packed_kernel(derivation.gather, f"g{wrt}" if wrt else "y", Tile(2, 2, in_place=True))
    assert kernel is not None
    assert any(isinstance(n, Let) and n.name == "near_" for nest in kernel.nests for n in walk(nest))
    return derivation, kernel


@pytest.mark.parametrize("name", OPERATORS)
def test_reading_in_place_is_proved_for_all_sizes_plans_and_lanes(name: str) -> None:
    found = validate(*made(name))
    assert found.holds, str(found)


@pytest.fixture(scope="module")
def border() -> Side:
    return made("a border")


@pytest.fixture(scope="module")
def planes() -> Side:
    return made("planes")


def _changed(kernel: Kernel, rule: Callable[[Any], Any]) -> Kernel:
    changed = replace(kernel, nests=tuple(rewrite(nest, rule) for nest in kernel.nests))
    assert changed != kernel
    return changed


def _near(node: Any) -> bool:
    return isinstance(node, Let) and node.name == "near_"


def _asked(kernel: Kernel) -> list[Expr]:
    """The conditions of the test, which hold together."""
    (value,) = (n.value for nest in kernel.nests for n in walk(nest) if _near(n))
    found = []
    while isinstance(value, Select):
        found.append(value.condition)
        value = value.yes
    return found


def _asking(kernel: Kernel, conditions: Sequence[Expr]) -> Kernel:
    value: Expr = const(1)
    for condition in reversed(conditions):
        value = Select(condition, value, const(0))
    return _changed(kernel, lambda n: Let("near_", value) if _near(n) else n)


def _in_memory(condition: Expr) -> bool:
    return any(isinstance(n, Address) for n in walk(condition))


def test_no_condition_that_matters_can_be_left_out(border: Side) -> None:
    derivation, kernel = border
    asked = _asked(kernel)
    matter = [k for k, one in enumerate(asked) if _in_memory(one) or "start_1_" in str(one)]
    assert len(matter) == 4  # how far rows are apart, where taps begin and end along x, where lanes end
    for k in matter:
        fewer = _asking(kernel, [*asked[:k], *asked[k + 1 :]])
        assert validate(derivation, fewer).holds is not True, str(asked[k])


def test_no_condition_that_matters_can_be_weaker(border: Side) -> None:
    derivation, kernel = border
    asked = _asked(kernel)
    for k, one in enumerate(asked):
        if isinstance(one, Compare) and one.op != "==" and (_in_memory(one) or "start_1_" in str(one)):
            left = add(one.left, const(1)) if one.op == ">=" else sub(one.left, const(1))
            weaker = _asking(kernel, [*asked[:k], replace(one, left=left), *asked[k + 1 :]])
            assert validate(derivation, weaker).holds is not True, str(one)


def test_conditions_that_every_box_fulfils_do_not_matter(planes: Side) -> None:
    """Taps of a layer without a border never leave its input: no wrong kernel, and none that is called one."""
    derivation, kernel = planes
    asked = [one for one in _asked(kernel) if _in_memory(one)]
    assert len(asked) == 3
    found = validate(derivation, _asking(kernel, asked))
    assert found.holds, str(found)


def test_rows_and_planes_must_lie_as_far_apart_as_packed_ones(planes: Side) -> None:
    derivation, kernel = planes
    apart = [
        k for k, one in enumerate(_asked(kernel)) if isinstance(one, Compare) and one.op == "==" and _in_memory(one)
    ]
    assert len(apart) == 2
    for k in apart:
        asked = _asked(kernel)
        assert validate(derivation, _asking(kernel, [*asked[:k], *asked[k + 1 :]])).holds is not True
        far = rewrite(asked[k], lambda n: add(n, const(1)) if isinstance(n, Address) else n)
        assert validate(derivation, _asking(kernel, [*asked[:k], far, *asked[k + 1 :]])).holds is not True


def _moved(node: Any, axis: int) -> Any:
    return replace(node, index=tuple(add(at, const(1)) if k == axis else at for k, at in enumerate(node.index)))


def _table(name: str, node: Any) -> bool:
    return isinstance(node, Store) and node.buffer == name


def _lying(node: Any) -> bool:
    return isinstance(node, LoadLanes) and node.buffer == "x" and isinstance(node.offset, Load)


def _reads_in_place(node: Any) -> bool:
    return any(map(_lying, walk(node)))


def _tile(node: Any) -> bool:
    return isinstance(node, If) and node.condition == Compare("==", Var("near_"), const(1))


MUTANTS: dict[str, Callable[[Any], Any]] = {
    "a distance along rows": lambda n: replace(n, value=_moved(n.value, 2)) if _table("distances_", n) else n,
    "a distance between planes": lambda n: replace(n, value=_moved(n.value, 1)) if _table("distances_", n) else n,
    "one plane for all": lambda n: replace(n, value=replace(n.value, index=(const(0), const(0), n.value.index[2]))) if _table("distances_", n) else n,
    "an offset of what is packed": lambda n: replace(n, value=_moved(n.value, 2)) if _table("offsets_", n) else n,
    "another order of the distances": lambda n: _moved(n, 1) if _table("distances_", n) else n,
    "where the operand begins": lambda n: Let("base_", replace(n.value, no=_moved(n.value.no, 2))) if isinstance(n, Let) and n.name == "base_" else n,
    "the plane where it begins": lambda n: Let("base_", replace(n.value, no=_moved(n.value.no, 1))) if isinstance(n, Let) and n.name == "base_" else n,
    "a start that is used twice": lambda n: Let("from_", add(n.value, Var("base_"))) if isinstance(n, Let) and n.name == "from_" else n,
    "the first tap missing": lambda n: replace(n, lower=const(1)) if isinstance(n, For) and n.var == "step_" and _reads_in_place(n) else n,
    "the last tap missing": lambda n: replace(n, upper=sub(n.upper, const(1))) if isinstance(n, For) and n.var == "step_" and _reads_in_place(n) else n,
    "a lane too far": lambda n: _moved(n, len(n.index) - 1) if _lying(n) else n,
    "every second lane": lambda n: replace(n, stride=2) if _lying(n) else n,
    "another operand's table": lambda n: replace(n, offset=replace(n.offset, buffer="offsets_")) if _lying(n) else n,
    "one block too many": lambda n: Let("blocks_", add(n.value, const(1))) if isinstance(n, Let) and n.name == "blocks_" else n,
    "no sums of one row": lambda n: rewrite(n, lambda m: Update(m.name, m.op, mul(m.value, const(2))) if isinstance(m, Update) and m.name == "acc0_0_" else m) if _tile(n) else n,
    "sums elsewhere": lambda n: rewrite(n, lambda m: _moved(m, 0) if isinstance(m, StoreLanes) else m) if _tile(n) else n,
    "always": lambda n: Let("near_", const(1)) if _near(n) else n,
    "packed where it is not read": lambda n: replace(n, condition=Compare("==", Var("near_"), const(1))) if isinstance(n, If) and n.condition == Compare("==", Var("near_"), const(0)) and not any(isinstance(m, Update) for m in walk(n)) else n,
    "tiles the other way round": lambda n: replace(n, condition=Compare("==", Var("near_"), const(1 - int(n.condition.right.value)))) if isinstance(n, If) and isinstance(n.condition, Compare) and n.condition.left == Var("near_") and any(isinstance(m, Update) for m in walk(n)) else n,
    "a sum beside the tiles": lambda n: Declare("beside_", Load("wide_", (const(0), const(0), const(0)))) if isinstance(n, Let) and n.name == "ahead_" else n,
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_are_not_proved(border: Side, name: str) -> None:
    derivation, kernel = border
    assert validate(derivation, _changed(kernel, MUTANTS[name])).holds is not True


@pytest.mark.parametrize("name", ["a distance along rows", "one block too many"])
def test_mutants_of_residue_classes_are_not_proved(name: str) -> None:
    """Lanes start in the loop around that over the classes, which names what is fetched ahead."""
    derivation, kernel = made("residue classes")
    assert validate(derivation, _changed(kernel, MUTANTS[name])).holds is not True


def test_lanes_that_start_later_in_each_residue_class_are_not_proved() -> None:
    derivation, kernel = made("residue classes")

    def later(node: Any) -> Any:
        started = isinstance(node, Let) and node.name == "from_"
        return Let("from_", add(node.value, Var(LANES))) if started else node

    assert validate(derivation, _changed(kernel, later)).holds is False


def test_no_tile_reads_what_was_not_packed(border: Side) -> None:
    """Each size of a tile is a statement of its own: the last ones are compared as the first is."""
    derivation, kernel = border
    packed = {one.body: one for nest in kernel.nests for one in walk(nest) if _of_one_block(one, "wide_")}
    lying = [one for nest in kernel.nests for one in walk(nest) if _of_one_block(one, "x")]
    assert len(packed) == len(lying) == 1
    (instead,) = packed.values()
    changed = _changed(kernel, lambda n: instead if n == lying[0] else n)
    assert validate(derivation, changed).holds is not True


def _of_one_block(node: Any, buffer: str) -> bool:
    """Whether it is the tile of one block of lanes, read from a buffer."""
    loads = [n for n in walk(node) if isinstance(n, LoadLanes) and n.buffer == buffer and n.offset is not None]
    one = isinstance(node, If) and isinstance(node.condition, Compare) and node.condition.right == const(1)
    return one and len(loads) == 1


def test_lanes_behind_the_last_cell_stay_in_the_operand(border: Side) -> None:
    """What the test adds to the last element is what a block of lanes may be over."""
    derivation, kernel = border
    asked = _asked(kernel)
    ends = next(k for k, one in enumerate(asked) if isinstance(one, Compare) and one.op == "<")
    without = rewrite(asked[ends], lambda n: const(0) if n == Var(LANES) else n)
    assert without != asked[ends]
    changed = _asking(kernel, [*asked[:ends], without, *asked[ends + 1 :]])
    assert validate(derivation, changed).holds is not True
