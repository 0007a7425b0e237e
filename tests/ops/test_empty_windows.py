"""Windows wholly in the padding: an error that says so, or the value that the operator states for them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

import symconv as sc
from symconv.commands.request import requested

# kernel, stride, dilation, low, high
WINDOWS = [
    pytest.param(*w, marks=() if sum(w) % 5 == 3 else pytest.mark.full)
    for w in product((1, 2, 3), (1, 2), (1, 2, 3), (0, 1, 2, 4), (0, 1, 3))
]


def windows(kernel: int, stride: int, dilation: int, low: int, high: int, size: int) -> Iterator[list[int]]:
    """The elements that each output cell reads."""
    cells = (size + low + high - dilation * (kernel - 1) - 1) // stride + 1
    for i in range(cells):
        reads = (stride * i + dilation * p - low for p in range(kernel))
        yield [at for at in reads if 0 <= at < size]


def pooling(kind: str, kernel: int, stride: int, dilation: int, low: int, high: int, empty: object = None):
    return sc.operator(
        f"y[n,i] = {kind}[p](x[n,{stride}*i+{dilation}*p-{low}])",
        padding=((low, high),),
        extents={"p": kernel},
        border="skip",
        empty=empty,
    )


@pytest.mark.parametrize(("kernel", "stride", "dilation", "low", "high"), WINDOWS)
def test_sizes_with_an_empty_window_are_refused_and_no_others(kernel, stride, dilation, low, high) -> None:
    for kind, size in product(("mean", "max", "min", "sum"), range(1, 8)):
        op = pooling(kind, kernel, stride, dilation, low, high)
        taken = list(windows(kernel, stride, dilation, low, high, size))
        if not taken or (kind != "sum" and not all(taken)):
            with pytest.raises(sc.SpecError, match=r"no tap at i = |would be empty"):
                op.output_shape(x=(2, size))
        else:
            assert op.output_shape(x=(2, size)) == (2, len(taken))


@pytest.mark.parametrize("kind", ["mean", "max", "min"])
@pytest.mark.parametrize("window", [(2, 2, 1, 2, 2), (2, 1, 3, 1, 1), (1, 2, 1, 0, 3), (3, 2, 1, 1, 1)])
@pytest.mark.parametrize("empty", [0, -1.5])
def test_a_stated_value_stands_there_and_has_no_gradient(kind, window, empty, lowered, interpreted, wanted) -> None:
    op = pooling(kind, *window, empty)
    forward, backward = lowered(op), lowered(op, "x")
    for size in (1, 2, 5):
        taken = list(windows(*window, size))
        if not taken:
            continue
        x = np.arange(2 * size).reshape(2, size) % 5
        gy = np.arange(1, 1 + 2 * len(taken)).reshape(2, len(taken))
        y, gx = [], [[Fraction(0)] * size for _ in range(2)]
        for n, reads in product(range(2), taken):
            values = [int(x[n, at]) for at in reads]
            i = len(y) - n * len(taken)
            if not reads:
                y.append(empty)
            elif kind == "mean":
                y.append(Fraction(sum(values), len(values)))
                for at in reads:
                    gx[n][at] += Fraction(int(gy[n, i]), len(reads))
            else:
                y.append({"max": max, "min": min}[kind](values))
                gx[n][reads[values.index(y[-1])]] += int(gy[n, i])
        assert interpreted(forward, {"x": x}) == y
        assert interpreted(backward, {"x": x, "gy": gy}) == [*gx[0], *gx[1]]
        exact = {name: np.vectorize(Fraction, otypes=[object])(a) for name, a in (("x", x), ("gy", gy))}
        assert wanted(op, "", exact) == y
        assert wanted(op, "x", exact) == [*gx[0], *gx[1]]


@pytest.mark.parametrize("op", [sc.avg_pool1d(2, 2, padding=2, border="skip"), sc.max_pool1d(2, 2, padding=2)])
def test_every_door_says_it(op) -> None:
    x = np.ones((1, 1, 4))
    with pytest.raises(sc.SpecError, match=r"over p has no tap at i = 0.*given x \(1, 1, 4\).*empty=0"):
        op.output_shape(x=x.shape)
    with pytest.raises(sc.SpecError, match="no tap at i = 0"):
        sc.derive(op, "x").output_shape(gy=(1, 1, 4), x=x.shape)
    with pytest.raises(sc.SpecError, match="no tap at i = 0"):
        sc.verify(op)
    kernel = sc.build(op, dtype="float64")
    for call in (lambda: kernel.forward(x), lambda: kernel.backward(x, x), lambda: kernel.forward(x, out=x.copy())):
        with pytest.raises(sc.SpecError, match="no tap at i = 0"):
            call()
    with pytest.raises(sc.SpecError, match="no tap at i = 0"):
        sc.build(op, dtype="float64", sizes={"x": x.shape})


def test_one_kernel_takes_the_sizes_that_fit() -> None:
    kernel = sc.build(sc.max_pool1d(2, 1, padding=1, dilation=2), dtype="float64")
    assert kernel.forward(np.array([[[1.0, 3, 2]]])).tolist() == [[[3, 2, 3]]]
    for _ in range(2):
        with pytest.raises(sc.SpecError, match="no tap at i = 0"):
            kernel.forward(np.ones((1, 1, 1)))


def test_stated_on_the_pooling_operators_and_verified() -> None:
    kernel = sc.build(sc.avg_pool1d(2, 2, padding=2, border="skip", empty=0), dtype="float64")
    x = np.array([[[1.0, 2, 4]]])
    assert kernel.forward(x).tolist() == [[[0, 1.5, 4]]]
    assert kernel.backward(np.ones((1, 1, 3)), x).x.tolist() == [[[0.5, 0.5, 1]]]
    assert sc.verify(sc.max_pool2d((2, 1), (2, 1), padding=((2, 1), (0, 2)), empty=-3, kinks={"max": "share"}))
    assert sc.max_pool1d(2, empty=1).name == "max_pool1d(kernel=2, stride=2, empty=1)"


def test_windows_inside_windows_count_where_their_tap_is_taken() -> None:
    inner = sc.operator("y[i] = sum[p](max[q](x[i+3*p+q-3]))", extents={"p": 3, "q": 2, "i": "L"}, border="skip")
    with pytest.raises(sc.SpecError, match="the max over q has no tap at i = 0, p = 0"):
        inner.output_shape(x=(4,))
    outer = sc.operator("y[i] = sum[p](max[q](x[i+p-1]*v[q]))", extents={"p": 3}, border="skip")
    assert outer.output_shape(x=(4,), v=(2,)) == (4,)


def test_stated_in_a_spec_file_and_on_the_command_line(tmp_path) -> None:
    file = tmp_path / "pool.toml"
    file.write_text('formula = "y[n,i] = max[p](x[n,i+p-2])"\nextents = { p = 2 }\nborder = "skip"\nempty = 0.5\n')
    assert sc.load(file).output_shape(x=(1, 3)) == (1, 6)
    file.write_text('formula = "y[n,i] = max[p](x[n,i+p-2])"\nextents = { p = 2 }\nempty = "0"\n')
    with pytest.raises(sc.SpecError, match="empty: it is a number"):
        sc.load(file)
    typed = requested("max_pool1d", {"kernel": (2,), "stride": (2,), "padding": ((2, 2),), "empty": 0.0})
    assert typed.output_shape(x=(1, 1, 4)) == (1, 1, 4)
    with pytest.raises(sc.SpecError, match="empty is a number"):
        sc.max_pool1d(2, empty="0")
