"""Loops over outer indices run over what the inner ones leave: the points visited grow with the array, not with its
square."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.loops.interpret import WIDTH, interpret
from symconv.loops.ir import Kernel
from symconv.loops.projection import projected
from symconv.notation.affine import var
from symconv.notation.expr import Constraint
from symconv.notation.operator import Operator

Shapes = dict[str, tuple[int, ...]]

KINDS: dict[str, tuple[Operator, str, Callable[[int], Shapes]]] = {
    "two taps": (
        sc.operator("y[i] = sum[a,p](w[a]*v[p]*x[2*i+a+p])"),
        "x",
        lambda n: {"w": (3,), "v": (2,), "x": (n,)},
    ),
    "three taps, dilated, padded": (
        sc.operator("y[i] = sum[a,b,p](w[a]*t[b]*v[p]*x[3*i+2*a+4*b+p-2])"),
        "x",
        lambda n: {"w": (2,), "t": (3,), "v": (4,), "x": (n,)},
    ),
    "four taps": (
        sc.operator("y[i] = sum[a,b,c,p](w[a]*t[b]*r[c]*v[p]*x[2*i+a+3*b+2*c+p])"),
        "x",
        lambda n: {"w": (2,), "t": (2,), "r": (3,), "v": (2,), "x": (n,)},
    ),
    "two axes": (
        sc.operator("y[n,i,j] = sum[a,p,q](w[a,q]*v[p]*x[n,2*i+a+p-1,3*j+2*q])"),
        "x",
        lambda n: {"w": (2, 3), "v": (3,), "x": (1, n, 7)},
    ),
    "two coupled axes": (
        sc.operator("y[i,j] = sum[a,p,b,q](w[a,b]*v[p,q]*x[2*i+a+p,3*j+b+2*q])"),
        "x",
        lambda n: {"w": (2, 3), "v": (3, 2), "x": (n, 9)},
    ),
    "channels last": (
        sc.operator("y[n,i,f] = sum[a,p,c](w[a,c,f]*v[p]*x[n,2*i+a+p,c])"),
        "x",
        lambda n: {"w": (2, 3, 5), "v": (3,), "x": (2, n, 3)},
    ),
    "of a maximum": (
        sc.operator("y[i] = max[p](sum[a](w[a]*v[p]*x[2*i+a+p]))"),
        "x",
        lambda n: {"w": (2,), "v": (3,), "x": (n,)},
    ),
    "second order": (
        sc.derive(sc.operator("y[i] = sum[a,p](w[a]*v[p]*x[2*i+a+p])"), "w").operator,
        "x",
        lambda n: {"gy": ((n - 5) // 2 + 1,), "w": (4,), "v": (2,), "x": (n,)},
    ),
    "transposed": (
        sc.operator("y[i] = sum[a,p](w[a]*v[p]*x[(i+a+p)/2])", extents={"i": "2*L-K-P"}),
        "",
        lambda n: {"w": (3,), "v": (2,), "x": (n,)},
    ),
}


class Counting(list[Any]):
    """Values of a tensor that know how often they were read."""

    reads = 0

    def __getitem__(self, at: Any) -> Any:
        Counting.reads += 1
        return super().__getitem__(at)


def visited(kernel: Kernel, op: Operator, shapes: Shapes) -> int:
    arrays = {name: (shape, Counting([1] * int(np.prod(shape)))) for name, shape in shapes.items()}
    shape = op.output_shape(**shapes)
    arrays[f"g{op.output.name}"] = (shape, Counting([1] * int(np.prod(shape))))
    wanted = {b.name for b in kernel.buffers if b.role == "in"}
    Counting.reads = 0
    interpret(kernel, {name: pair for name, pair in arrays.items() if name in wanted})
    return Counting.reads


@pytest.mark.parametrize("kind", KINDS)
def test_the_points_visited_are_linear_in_the_length(kind: str, lowered: Callable[..., Kernel]) -> None:
    op, wrt, shapes = KINDS[kind]
    kernel = lowered(op, wrt)
    counts = [visited(kernel, op, shapes(n)) for n in (40, 80, 120)]
    # Linear: equal steps in length add equally many points, up to the blocks of lanes at the ends.
    assert abs((counts[2] - counts[1]) - (counts[1] - counts[0])) <= 0.15 * (counts[1] - counts[0]), counts


@pytest.mark.parametrize("kind", KINDS)
def test_the_values_are_those_of_the_definition(kind: str, exact: Callable[..., int]) -> None:
    op, wrt, shapes = KINDS[kind]
    assert exact(op, wrt, [shapes(n) for n in (14, 17, 22)]) == 3


@pytest.mark.parametrize("kind", ["two taps", "three taps, dilated, padded", "two coupled axes", "channels last"])
def test_the_values_at_fixed_sizes(
    kind: str,
    lowered: Callable[..., Kernel],
    interpreted: Callable[..., list[Any]],
    drawn: Callable[..., dict[str, Any]],
    wanted: Callable[..., list[Any]],
) -> None:
    op, wrt, shapes = KINDS[kind]
    arrays = drawn(op, shapes(19))
    kernel = lowered(op, wrt, sizes=op.sizes(**shapes(19)))
    assert interpreted(kernel, arrays) == wanted(op, wrt, arrays)


def test_long_windows_visit_what_a_block_can_reach(lowered: Callable[..., Kernel]) -> None:
    # Σ over u of the pairs (i, p) with 0 <= u - 2i - p < K is OL·K·P; a block adds at most its width to each range.
    op = sc.operator("y[i] = sum[a,p](w[a]*v[p]*x[2*i+a+p])")
    taps, others, outputs = 2, 40, 30
    length = 2 * outputs + taps + others - 2
    reads = visited(lowered(op, "x"), op, {"w": (taps,), "v": (others,), "x": (length,)})
    blocks = -(-length // WIDTH)
    assert reads <= (1 + 1 + WIDTH) * blocks * ((taps + others + WIDTH) // 2) * (taps + WIDTH)


def test_a_hundred_thousand_points_cost_no_square() -> None:
    op = sc.operator("y[i] = sum[a,p](w[a]*v[p]*x[2*i+a+p])")
    x = np.ones(100_000)
    kernel = sc.build(op, dtype="float64")
    given = np.ones(op.output_shape(w=(3,), v=(2,), x=x.shape)), np.ones(3), np.ones(2), x
    kernel.backward(*given)  # so much work asks for the larger module, which is compiled once
    began = time.process_time()
    gx = kernel.backward(*given).x
    assert time.process_time() - began < 1
    want = np.zeros_like(x)
    for a in range(3):
        for p in range(2):
            want[a + p : a + p + 2 * 49_999 : 2] += 1
    assert np.array_equal(gx, want)


@pytest.mark.parametrize("kind", ["two taps", "three taps, dilated, padded", "channels last", "second order"])
def test_the_nests_are_still_proved(kind: str) -> None:
    assert sc.validate(KINDS[kind][0]).holds is True


def test_ordinary_convolutions_have_nothing_to_project() -> None:
    u, i, t, length, taps = (var(name) for name in ("u", "i", "t", "L", "K"))
    plain = [Constraint(form) for form in (i, length - i - 1, u - i, taps + i - u - 1, t, taps - t - 1)]
    assert projected(plain, ("t", "i"))["t"] == ()


def test_elimination_is_what_fourier_and_motzkin_say() -> None:
    u, i, p, taps, others = (var(name) for name in ("u", "i", "p", "K", "P"))
    bounds = [Constraint(form) for form in (i, u - 2 * i - p, taps + 2 * i + p - u - 1, p, others - p - 1)]
    found = {str(bound.form) for bound in projected(bounds, ("i", "p"))["i"]}
    assert found == {"-2*i + u", "K + P + 2*i - u - 2"}


def test_the_plan_knows_that_nests_visit_few() -> None:
    # What is packed holds every pair of a position and an output: a square.
    kernel = sc.build(sc.operator("y[i] = sum[a,p](w[a]*v[p]*x[2*i+a+p])"), dtype="float64")
    x, w, v = np.arange(400_000) % 7.0, np.arange(3.0), np.arange(2.0)
    gy = np.arange(*kernel.operator.output_shape(w=w.shape, v=v.shape, x=x.shape)) % 5.0
    gx = kernel.backward(gy, w, v, x).x
    planned = [line for line in str(kernel.schedule).splitlines() if "gx at K=3 P=2 L=400000 OL=199999" in line]
    assert len(planned) == 1 and ": direct, workspace 0 B" in planned[0], kernel.schedule
    want = np.zeros_like(x)
    for a in range(3):
        for p in range(2):
            want[a + p : a + p + 2 * 199_999 : 2] += gy * w[a] * v[p]
    assert np.array_equal(gx, want)
