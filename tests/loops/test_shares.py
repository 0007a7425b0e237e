"""Pieces of a border are not cut into parts; what is a border is counted, not guessed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

import symconv as sc
from symconv import pipeline
from symconv.derive.borders import resolve_borders
from symconv.gather.gather import gather
from symconv.gather.solution import Solution
from symconv.loops.ir import Kernel
from symconv.loops.shares import minor_pieces
from symconv.options import Options


def _count(solution: Solution, sizes: dict[str, int]) -> int:
    """The points of a solution without phases, one by one."""
    names = (*solution.cells, *solution.steps)
    points = (dict(zip(names, point, strict=True)) for point in product(range(40), repeat=len(names)))
    return sum(all(c.form.evaluate({**sizes, **point}) >= 0 for c in solution.limits) for point in points)


@pytest.mark.parametrize("border", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("text", ["y[i] = sum[p](x[i+p-1]*w[p])", "y[i] = sum[p](x[2*i+p-2]*w[p])"])
def test_border_pieces_are_those_with_few_points(border: str, text: str) -> None:
    op = resolve_borders(sc.operator(text, border=border))
    sizes = {"L": 32, "K": 3}
    for definition in op.definitions:
        sizes[definition.name] = definition.form.evaluate(sizes)
    solutions = [s for _, several in gather(op).statements[0].reductions for s in several]
    counts = [_count(solution, sizes) for solution in solutions]
    assert len(counts) > 1
    minor = minor_pieces(op, solutions, None)
    for solution, count in zip(solutions, counts, strict=True):
        if solution in minor:
            assert count * 4 < max(counts)
        else:
            assert count * 16 >= max(counts)
    assert len(minor) == len(solutions) - 1


def test_one_piece_is_never_minor(lowered: Callable[..., Kernel]) -> None:
    assert not any(nest.minor for wrt in ("", "x", "w") for nest in lowered(sc.conv2d(stride=2, padding=1), wrt).nests)


def test_known_sizes_decide(lowered: Callable[..., Kernel]) -> None:
    op = sc.operator("y[i] = sum[p](x[i+p-1]*w[p])", border="reflect")
    wide = lowered(op, "", sizes=op.sizes(x=(60,), w=(3,)))
    narrow = lowered(op, "", sizes=op.sizes(x=(2,), w=(3,)))
    assert sum(nest.minor for nest in wide.nests) == 2
    assert sum(nest.minor for nest in narrow.nests) == 0


def test_a_reflected_convolution_has_few_nests() -> None:
    made = pipeline.unit(sc.conv2d(padding=1, border="reflect"), Options()).direct
    assert [len(kernel.nests) for entry in made.entries for kernel in entry.kernels] == [10, 10, 14]


@pytest.mark.parametrize("wrt", ["", "x", "w"])
def test_values_where_borders_are_most_of_the_array(wrt: str, exact: Callable[..., int]) -> None:
    op = sc.operator("y[n,f,i,j] = sum[c,p,q](x[n,c,i+p-1,2*j+q-2]*w[f,c,p,q])", border="reflect")
    shapes = [{"x": (2, 2, h, 7), "w": (5, 2, 3, k)} for h, k in ((2, 3), (3, 5), (4, 4))]
    assert exact(op, wrt, shapes) == 3
