"""gather == scatter, exactly: what each cell gathers is what the definition scatters into it, over a box of geometries.

The left side goes the whole way from the formula to interpreted loop nests; the right side is the oracle in
``symconv.verify.reference``, which shares no code with it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest

import symconv as sc
from symconv.errors import SpecError
from symconv.notation.operator import Operator

Exact = Callable[..., int]
Geometry = dict[str, tuple[int, ...]]

BORDERS: tuple[str | float, ...] = ("zero", "skip", "reflect", "replicate", "circular", 2.5, -1)
PADS = [(lo, hi) for lo in range(3) for hi in range(3)]
BOX = [
    (stride, dilation, pad, flip)
    for stride, dilation, pad, flip in product(range(1, 6), range(1, 5), [*PADS, (-1, 1), (0, -2)], (False, True))
]


def fits(op: Operator, shapes: Geometry) -> bool:
    try:
        op.output_shape(**shapes)
    except SpecError:
        return False
    return True


def lines(op: Operator, lengths: range, kernels: range, channels: tuple[int, int] = (2, 3)) -> Iterator[Geometry]:
    """Valid tiny sizes of a 1-D convolution."""
    c, f = channels
    for length, taps in product(lengths, kernels):
        shapes: Geometry = {"x": (2, c, length), "w": (f, c, taps)}
        if fits(op, shapes):
            yield shapes


@pytest.mark.parametrize("part", range(8))
def test_a_sample_of_the_box_in_one_dimension(exact: Exact, part: int) -> None:
    rng = random.Random(part)
    compared = 0
    for stride, dilation, pad, flip in rng.sample(BOX, 11):
        op = sc.conv1d(stride=stride, padding=(pad,), dilation=dilation, flip=flip)
        geometries = list(lines(op, range(1, 12), range(1, 6)))
        chosen = rng.sample(geometries, min(7, len(geometries)))
        for wrt in ("x", "w"):
            compared += exact(op, wrt, chosen, proofs=False)
    assert compared > 100


@pytest.mark.parametrize("border", BORDERS)
def test_every_border_in_one_dimension(exact: Exact, border: str | float) -> None:
    rng = random.Random(str(border))
    for stride, dilation, pad, flip in rng.sample(BOX, 5):
        op = sc.conv1d(stride=stride, padding=(pad,), dilation=dilation, flip=flip, border=border)
        geometries = list(lines(op, range(1, 10), range(1, 5)))
        chosen = rng.sample(geometries, min(6, len(geometries)))
        assert chosen
        for wrt in ("", "x", "w"):
            exact(op, wrt, chosen)


@pytest.mark.full
@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("stride", range(1, 6))
def test_the_whole_box_in_one_dimension(exact: Exact, stride: int, border: str | float) -> None:
    compared = 0
    for _, dilation, pad, flip in (entry for entry in BOX if entry[0] == stride):
        op = sc.conv1d(stride=stride, padding=(pad,), dilation=dilation, flip=flip, border=border)
        geometries = list(lines(op, range(1, 13), range(1, 6)))
        for wrt in ("", "x", "w"):
            compared += exact(op, wrt, geometries)
    assert compared > 1000


SAME = [(stride, dilation) for stride, dilation in product((1, 2, 3, 4), (1, 2, 3))]


@pytest.mark.parametrize(("stride", "dilation"), SAME)
def test_same_padding_with_any_stride(exact: Exact, stride: int, dilation: int) -> None:
    op = sc.conv1d(stride=stride, padding="same", dilation=dilation, flip=stride == 3)
    geometries = list(lines(op, range(1, 10, 2), range(1, 6, 2)))
    for wrt in ("", "x", "w"):
        exact(op, wrt, geometries)


def random_plane(rng: random.Random, rank: int) -> tuple[dict[str, Any], tuple[int, ...], tuple[int, ...], int]:
    """Arguments of a convolution with unequal axes, and sizes that fit it."""

    def several(*choices: Any) -> tuple[Any, ...]:
        return tuple(rng.choice(choices) for _ in range(rank))

    arguments: dict[str, Any] = {
        "stride": several(1, 2, 3, 4),
        "dilation": several(1, 2, 3),
        "padding": tuple((rng.randrange(3), rng.randrange(3)) for _ in range(rank)),
        "groups": rng.choice((1, 1, 2, 3)),
        "bias": rng.random() < 0.5,
        "layout": rng.choice(("NCHW", "NHWC")),
        "flip": rng.random() < 0.4,
        "border": rng.choice(("zero", "zero", "zero", "skip", "replicate", "reflect", "circular", 1.5)),
    }
    kernel = several(1, 2, 3) if rank < 3 else several(1, 2)
    sizes = tuple(rng.randint(3, 6 if rank < 3 else 4) + d for d in arguments["dilation"])
    return arguments, sizes, kernel, rng.choice((1, 2))


def shapes_of(arguments: dict[str, Any], sizes: tuple[int, ...], kernel: tuple[int, ...], batch: int) -> Geometry:
    groups = arguments["groups"]
    c, f = 2 * groups, 3 * groups if groups < 3 else groups
    if arguments["layout"] == "NCHW":
        shapes: Geometry = {"x": (batch, c, *sizes), "w": (f, c // groups, *kernel)}
    else:
        shapes = {"x": (batch, *sizes, c), "w": (*kernel, c // groups, f)}
    return {**shapes, "b": (f,)} if arguments["bias"] else shapes


@pytest.mark.parametrize("seed", range(24))
def test_two_dimensions_with_everything_at_once(exact: Exact, seed: int) -> None:
    rng = random.Random(seed)
    while True:
        arguments, *rest = random_plane(rng, 2)
        op, shapes = sc.conv2d(**arguments), shapes_of(arguments, *rest)
        if fits(op, shapes):
            break
    for wrt in ("", *op.tensors):
        exact(op, wrt, [shapes])


@pytest.mark.parametrize("seed", range(6))
def test_three_dimensions_with_everything_at_once(exact: Exact, seed: int) -> None:
    rng = random.Random(100 + seed)
    while True:
        arguments, *rest = random_plane(rng, 3)
        arguments["border"] = rng.choice(("zero", "zero", "skip", 0.5))
        op, shapes = sc.conv3d(**arguments), shapes_of(arguments, *rest)
        if fits(op, shapes):
            break
    for wrt in ("x", "w"):
        exact(op, wrt, [shapes], proofs=False)


@pytest.mark.full
@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("seed", range(1000, 1100))
def test_many_more_in_two_and_three_dimensions(exact: Exact, rank: int, seed: int) -> None:
    rng = random.Random(seed)
    while True:
        arguments, *rest = random_plane(rng, rank)
        op, shapes = (sc.conv2d if rank == 2 else sc.conv3d)(**arguments), shapes_of(arguments, *rest)
        if fits(op, shapes):
            break
    for wrt in ("", *op.tensors):
        exact(op, wrt, [shapes])


TRANSPOSED = [(1, 1, 0), (2, 1, 1), (3, 2, 1), (2, 3, 2), (4, 3, 0), (3, 3, 2)]


@pytest.mark.parametrize(("stride", "dilation", "lo"), TRANSPOSED)
def test_transposed_windows(exact: Exact, stride: int, dilation: int, lo: int) -> None:
    op = sc.operator(f"y[n,f,i] = sum[c,p](x[n,c,(i-{dilation}*p+{lo})/{stride}] * w[c,f,p])")
    geometries = [
        {"x": (2, 2, length), "w": (2, 3, taps)}
        for length, taps in product((1, 2, 4), (1, 2, 3, 4))
        if fits(op, {"x": (2, 2, length), "w": (2, 3, taps)})
    ]
    assert len(geometries) > 5
    for wrt in ("", "x", "w"):
        exact(op, wrt, geometries)


def test_a_transposed_window_in_the_plane_with_two_strides(exact: Exact) -> None:
    op = sc.operator("y[n,f,i,j] = sum[c,p,q](x[n,c,(i-p+1)/2,(j-2*q)/3] * w[c,f,p,q])")
    geometries = [{"x": (2, 2, h, w), "w": (2, 3, 3, 2)} for h, w in ((1, 2), (3, 2), (2, 4))]
    for wrt in ("", "x", "w"):
        exact(op, wrt, geometries)


SEVERAL = [
    ("y[n,i] = sum[p](x[n,2*i+p-1]*w[p]) + x[n,i]", {"extents": {"i": 3}}, [{"x": (2, 6), "w": (3,)}]),
    ("y[n,i] = sum[p](x[n,2*i+p-1]*w[p]) * x[n,i]", {"extents": {"i": "L"}}, [{"x": (2, 5), "w": (3,)}]),
    ("y[n,i] = sum[p](x[n,i+p-1]*w[p]) * max[p](x[n,i+2*p])", {"extents": {"i": "L-4", "p": 3}}, [{"x": (2, 7), "w": (3,)}]),
    ("y[n,i] = sum[p]((x[n,i+p-1] - x[n,i+2*p-1])*w[p])", {"extents": {"i": 6}}, [{"x": (2, 7), "w": (2,)}, {"x": (1, 9), "w": (3,)}]),
    ("y[n,i] = sum[p](x[n,i+p]*x[n,i+2*p])", {"extents": {"i": "L-4", "p": 3}}, [{"x": (2, 5)}, {"x": (1, 9)}]),
    ("y[n,i] = sum[p](x[n,3*i+p]*w[p]) - sum[q](x[n,3*i+2*q]*v[q])", {"extents": {"i": "(L+2)/3"}},
     [{"x": (2, 8), "w": (3,), "v": (3,)}, {"x": (1, 4), "w": (1,), "v": (2,)}]),
    ("y[n,i,j] = sum[p](x[n,2*i+p-1,j]*w[p]) + sum[q](x[n,2*i,3*j+q-1]*v[q])", {"extents": {"i": 3, "j": 2}},
     [{"x": (2, 6, 6), "w": (3,), "v": (2,)}]),
    ("y[n,f,i] = -sum[c,p](abs(x[n,c,2*i+p-1] - w[f,c,p]))", {}, [{"x": (2, 3, 7), "w": (2, 3, 3)}]),
    ("y[n,f,i] = sum[c,p]((x[n,c,3*i+2*p-2] - w[f,c,p])**2)", {}, [{"x": (2, 3, 8), "w": (2, 3, 2)}]),
    ("y[n,c,i] = max[p](x[n,c,2*i+p-1])", {"extents": {"p": 3}, "border": "skip"}, [{"x": (2, 3, 7)}]),
    ("y[n,c,i] = min[p](x[n,c,3*i+2*p])", {"extents": {"p": 2}}, [{"x": (2, 3, 9)}]),
    ("y[n,c,i] = max[p](x[n,c,2*i+p-1] + w[c,p])", {}, [{"x": (2, 3, 7), "w": (3, 3)}]),
    ("y[n,c,i] = max[p](x[n,c,2*i+p-1] + w[c,p])", {"border": "skip"}, [{"x": (2, 3, 7), "w": (3, 2)}]),
]  # fmt: skip


@pytest.mark.parametrize(("source", "arguments", "geometries"), SEVERAL)
def test_several_reads_and_other_bodies(
    exact: Exact, source: str, arguments: dict[str, Any], geometries: list[Geometry]
) -> None:
    op = sc.operator(source, **arguments)
    kept = [shapes for shapes in geometries if fits(op, shapes)]
    assert kept, [op.output_shape(**shapes) for shapes in geometries]
    for wrt in ("", *op.tensors):
        exact(op, wrt, kept)


@pytest.mark.parametrize("wrt", ["x", "w"])
def test_the_empty_batch(exact: Exact, wrt: str) -> None:
    op = sc.conv2d(stride=(2, 3), padding=((1, 0), (2, 1)))
    assert exact(op, wrt, [{"x": (0, 2, 5, 6), "w": (3, 2, 3, 2)}]) == 1


def test_the_comparison_sees_stride_and_dilation_exchanged(
    lowered: Callable[..., Any], interpreted: Callable[..., Any], drawn: Callable[..., Any], wanted: Callable[..., Any]
) -> None:
    stated, other = sc.conv1d(stride=2, dilation=3), sc.conv1d(stride=3, dilation=2)
    shapes: Geometry = {"x": (2, 2, 9), "w": (3, 2, 2)}
    assert stated.output_shape(**shapes) == other.output_shape(**shapes)
    arrays = drawn(stated, shapes)
    for wrt in ("", "x", "w"):
        assert interpreted(lowered(stated, wrt), arrays) == wanted(stated, wrt, arrays)
        assert interpreted(lowered(other, wrt), arrays) != wanted(stated, wrt, arrays)
