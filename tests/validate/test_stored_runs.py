"""Rows that are stored as one long row: the same cells as row by row, or no proof."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import symconv as sc
from symconv import pipeline
from symconv.loops.arith import add, const
from symconv.loops.ir import Compare, Const, For, If, Kernel, Let, LoadLanes, Select, StoreLanes, Var
from symconv.loops.traverse import rewrite, walk
from symconv.packed.candidates import packed_kernel
from symconv.packed.outer import Tile
from symconv.validate.validation import validate


@pytest.fixture(scope="module")
def plane() -> tuple[Any, Kernel]:
    derivation = pipeline.forward(sc.conv2d(padding=(0, 1)))
    kernel = packed_kernel(derivation.gather, "y", Tile(2, 2))
    assert kernel is not None
    return derivation, kernel


def test_rows_in_a_run_are_proved_for_all_sizes_and_plans(plane: tuple[Any, Kernel]) -> None:
    found = validate(*plane)
    assert found.holds, str(found)


def _run(node: Any) -> bool:
    return isinstance(node, If) and node.condition == Compare("==", Var("run_"), const(1))


def _inside(rule: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda node: rewrite(node, rule) if _run(node) else node


def _without(number: int) -> Callable[[Any], Any]:
    """One of the comparisons of the test left out."""

    def dropped(value: Any, left: int) -> Any:
        assert isinstance(value, Select)
        return value.yes if left == 0 else replace(value, yes=dropped(value.yes, left - 1))

    return lambda n: replace(n, value=dropped(n.value, number)) if isinstance(n, Let) and n.name == "run_" else n


def _shifted(kind: type) -> Callable[[Any], Any]:
    return _inside(
        lambda n: replace(n, index=(*n.index[:-1], add(n.index[-1], const(1)))) if isinstance(n, kind) else n
    )


WRONG: dict[str, Callable[[Any], Any]] = {
    **{f"test {number} left out": _without(number) for number in range(4)},
    "a lane beside": _shifted(StoreLanes),
    "other sums": _shifted(LoadLanes),
    "a block less": _inside(lambda n: replace(n, lower=const(1)) if isinstance(n, For) else n),
    "added to what is there": _inside(lambda n: replace(n, op="+", streamed=None) if isinstance(n, StoreLanes) else n),
    "always": lambda n: replace(n, value=const(1)) if isinstance(n, Let) and n.name == "run_" else n,
    "rows as well": lambda n: (
        replace(n, condition=Compare(">=", Var("run_"), const(0)))
        if isinstance(n, If) and n.condition == Compare("==", Var("run_"), const(0))
        else n
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_runs_are_not_proved(plane: tuple[Any, Kernel], name: str) -> None:
    derivation, kernel = plane
    changed = replace(kernel, nests=tuple(rewrite(nest, WRONG[name]) for nest in kernel.nests))
    assert changed != kernel
    assert validate(derivation, changed, lanes=(4,)).holds is not True


def test_only_whole_vectors_are_streamed(plane: tuple[Any, Kernel]) -> None:
    stores = [n for nest in plane[1].nests for n in walk(nest) if isinstance(n, StoreLanes) and n.streamed is not None]
    assert stores
    assert not any(n.mask for n in stores)
    assert not any(isinstance(n.streamed, Const) for n in stores)
