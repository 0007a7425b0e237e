"""Sums into few cells, cut into parts: the same numbers, whatever the sizes say about which nests run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from symconv.errors import ScheduleError
from symconv.loops.directives import apply
from symconv.loops.ir import Kernel
from symconv.loops.splitting import SplitReduction, splittable
from symconv.notation.front import formula
from symconv.notation.operator import Operator
from symconv.ops.registry import conv1d, conv2d

CASES: dict[str, tuple[Operator, str, dict[str, tuple[int, ...]]]] = {
    "weights": (conv2d(stride=(2, 1), padding=(1, 2)), "w", {"x": (3, 2, 9, 11), "w": (2, 2, 3, 2)}),
    "bias": (conv1d(bias=True), "b", {"x": (3, 2, 25), "w": (4, 2, 3), "b": (4,)}),
    "rows": (formula("y[n] = sum[k,l](x[n,k,l] * w[k,l]) / 4"), "", {"x": (3, 9, 7), "w": (9, 7)}),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("parts", [1, 2, 5, 16])
def test_parts_sum_to_the_whole(
    name: str,
    parts: int,
    lowered: Callable[..., Kernel],
    interpreted: Callable[..., list[Any]],
    drawn: Callable[..., Any],
) -> None:
    op, wrt, shapes = CASES[name]
    kernel = lowered(op, wrt)
    arrays = drawn(op, shapes)
    want = interpreted(kernel, arrays)
    places = [k for k, nest in enumerate(kernel.nests) if splittable(nest)]
    assert places
    split = kernel
    for place in reversed(places):
        split = apply(split, SplitReduction(place, parts=parts, cells=64, volume=0))
    assert len(split.nests) == len(kernel.nests) + 2 * len(places)
    assert interpreted(split, arrays) == want


def test_the_rule_reads_sizes_only(lowered: Callable[..., Kernel], drawn: Callable[..., Any]) -> None:
    op, wrt, shapes = CASES["weights"]
    fixed = lowered(op, wrt, sizes=op.sizes(**shapes))
    small = apply(fixed, SplitReduction(0, volume=10**9))
    assert small.nests == fixed.nests, "too little work: the plain nest alone is left"
    many = apply(fixed, SplitReduction(0, cells=1, volume=0))
    assert many.nests == fixed.nests, "enough cells: the plain nest alone is left"
    few = apply(fixed, SplitReduction(0, volume=0))
    assert len(few.nests) == len(fixed.nests) + 1, "the parts and their sum replace the nest"


def test_what_cannot_be_split_is_refused(lowered: Callable[..., Kernel]) -> None:
    op, _, _ = CASES["weights"]
    kernel = lowered(op, "x")
    place = next(k for k, nest in enumerate(kernel.nests) if not splittable(nest))
    with pytest.raises(ScheduleError, match="no plain sum"):
        apply(kernel, SplitReduction(place))
    with pytest.raises(ScheduleError, match="nest 99"):
        apply(kernel, SplitReduction(99))
    serial = replace(lowered(op, "w").nests[0], parallel=False)
    assert not splittable(serial)
