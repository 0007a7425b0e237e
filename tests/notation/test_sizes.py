"""Sizes a user can say, and sizes that follow: each formula against its definition as loops, and every refusal."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from definition import Array, Judge, at, cells
from hypothesis import given, settings
from hypothesis import strategies as st

import symconv as sc
from symconv.errors import SpecError

Arrays = Mapping[str, Array]


# An index at its plain position -----------------------------------------------------------------------------------


@pytest.mark.parametrize("taps", [1, 2, 3, 4])
@pytest.mark.parametrize("low", [0, 1, 2])
def test_a_plain_position_beside_a_window_gives_the_axis(judge: Judge, taps: int, low: int) -> None:
    op = sc.operator(f"y[i] = x[i]*sum[p](x[i+p-{low}])", extents={"p": taps})

    def loops(a: Arrays) -> Array:
        x = a["x"]
        return cells(x.shape, lambda i: x[i] * sum(at(x, i + p - low) for p in range(taps)))

    judge(op, loops, {"x": (1,)}, {"x": (2,)}, {"x": (7,)})


def test_a_plain_position_with_weights(judge: Judge) -> None:
    op = sc.operator("y[n,f,i] = sum[c,p]((x[n,c,i+p-1] - x[n,c,i])*w[f,c,p])")

    def loops(a: Arrays) -> Array:
        x, w = a["x"], a["w"]
        (n, c, length), (f, _, k) = x.shape, w.shape

        def cell(b: int, o: int, i: int) -> Any:
            taps = itertools.product(range(c), range(k))
            return sum((at(x, b, d, i + p - 1) - x[b, d, i]) * w[o, d, p] for d, p in taps)

        return cells((n, f, length), cell)

    judge(op, loops, {"x": (2, 2, 5), "w": (3, 2, 3)}, {"x": (1, 1, 2), "w": (2, 1, 4)})


def test_a_window_over_channels(judge: Judge) -> None:
    op = sc.operator("y[n,c,i] = x[n,c,i]*sum[d](x[n,c+d-1,i])", extents={"d": 3})

    def loops(a: Arrays) -> Array:
        x = a["x"]
        return cells(x.shape, lambda n, c, i: x[n, c, i] * sum(at(x, n, c + d - 1, i) for d in range(3)))

    judge(op, loops, {"x": (2, 5, 3)}, {"x": (1, 1, 2)})


def test_a_window_inside_a_merged_axis(judge: Judge) -> None:
    op = sc.operator("y[n,(g,c),i] = x[n,(g,c),i]*sum[d](x[n,(g,c+d-1),i])", extents={"d": 3, "g": 2})

    def loops(a: Arrays) -> Array:
        x = a["x"]
        inner = x.shape[1] // 2

        def cell(n: int, m: int, i: int) -> Any:
            g, c = divmod(m, inner)
            return x[n, m, i] * sum(x[n, g * inner + c + d, i] for d in (-1, 0, 1) if 0 <= c + d < inner)

        return cells(x.shape, cell)

    judge(op, loops, {"x": (2, 6, 3)}, {"x": (1, 2, 2)})


def test_two_windows_of_one_literal_size(judge: Judge) -> None:
    op = sc.operator("y[i,j] = x[i,j]*sum[p,q](x[i+p-1,2*j+q])", extents={"p": 3, "q": 3, "j": "W//2"})

    def loops(a: Arrays) -> Array:
        x = a["x"]
        h, w = x.shape
        window = lambda i, j: sum(at(x, i + p - 1, 2 * j + q) for p in range(3) for q in range(3))  # noqa: E731
        return cells((h, w // 2), lambda i, j: x[i, j] * window(i, j))

    judge(op, loops, {"x": (4, 5)}, {"x": (1, 2)})
    op = sc.operator("y[i] = sum[p](a[i+p-1]*a[i]) + sum[q](b[i+q-1]*b[i])", extents={"p": 3, "q": 3})
    assert op.output_shape(a=(6,), b=(6,)) == (6,)
    with pytest.raises(SpecError, match="b has shape"):
        op.output_shape(a=(6,), b=(5,))


def test_reads_that_differ_by_constants_are_one_window() -> None:
    assert sc.operator("y[i] = x[i+1] - x[i]").output_shape(x=(5,)) == (4,)
    assert sc.operator("y[i] = x[i-1] - 2*x[i] + x[i+1]").output_shape(x=(5,)) == (5,)


@pytest.mark.parametrize(
    ("text", "extents"),
    [
        ("y[n,c,i] = sum[p](x[n,c,i+p])", {}),
        ("y[n,c,i] = sum[p](x[n,c,9-i-p]*w[p])", {}),
        ("y[n,c,i] = sum[p](x[n,c,i+p]*w[p])", {"i": "Z"}),
        ("y[t] = sum[k](x[t-k]*w[k])", {}),
        ("y[i,j] = x[i]", {}),
    ],
)
def test_what_is_asked_for_names_the_sizes_there_are(text: str, extents: dict[str, str]) -> None:
    with pytest.raises(SpecError, match=r"a number or a formula in .*\b(L|I) \(axis \d of x\)"):
        sc.operator(text, extents=extents)


def test_no_size_is_offered_that_is_the_one_asked_for() -> None:
    with pytest.raises(SpecError, match=r"a number or a formula in L \(axis 0 of a\), or a size that is given"):
        sc.operator("y[i] = sum[p](a[i+p]*b[i+p])")
    with pytest.raises(SpecError, match=r"L \(axis 0 of x\), K \(how far k runs\)$"):
        sc.operator("y[t] = sum[k](x[t-k]*w[k])")


# Causal and full --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("extent", "extra"), [("L", 0), ("L+K-1", 1), ("L - K + 1", -1), ("L + 2*K", 2)])
def test_causal_and_full(judge: Judge, extent: str, extra: int) -> None:
    op = sc.operator("y[t] = sum[k](x[t-k]*w[k])", extents={"t": extent})

    def loops(a: Arrays) -> Array:
        x, w = a["x"], a["w"]
        length, k = len(x), len(w)
        cells_there = length + {0: 0, 1: k - 1, -1: 1 - k, 2: 2 * k}[extra]
        return cells((cells_there,), lambda t: sum(at(x, t - j) * w[j] for j in range(k)))

    judge(op, loops, {"x": (5,), "w": (3,)}, {"x": (4,), "w": (1,)}, {"x": (4,), "w": (4,)})
    assert op.windows[0].lo.evaluate({"K": 3}) == 2


@settings(max_examples=25, deadline=None)
@given(
    stride=st.integers(1, 3),
    dilation=st.integers(1, 3),
    shift=st.integers(-2, 2),
    extent=st.sampled_from(["L", "L//2 + 1", "L + K - 1", "(L + K)/3 + 1", 4]),
    flip=st.booleans(),
)
def test_drawn_windows_with_a_symbolic_low_pad(
    judge: Judge, stride: int, dilation: int, shift: int, extent: str | int, flip: bool
) -> None:
    tap = "p" if flip else "(size(p)-1-p)"
    text = f"y[i] = sum[p](x[{stride}*i-{dilation}*{tap}{shift:+d}]*w[p])"
    op = sc.operator(text, extents={"i": extent})

    def loops(a: Arrays) -> Array:
        x, w = a["x"], a["w"]
        length, k = len(x), len(w)
        n = {"L": length, "L//2 + 1": length // 2 + 1, "L + K - 1": length + k - 1, 4: 4}.get(
            extent, (length + k) // 3 + 1
        )
        tap = (lambda p: p) if flip else (lambda p: k - 1 - p)
        return cells((n,), lambda i: sum(at(x, stride * i - dilation * tap(p) + shift) * w[p] for p in range(k)))

    judge(op, loops, {"x": (5,), "w": (2,)}, {"x": (2,), "w": (3,)})


@pytest.mark.parametrize("border", ["reflect", "circular", "replicate"])
def test_a_symbolic_low_pad_under_a_border(judge: Judge, border: str) -> None:
    op = sc.operator("y[t] = sum[k](x[t-k]*w[k])", extents={"t": "L"}, border=border)
    inside = {"reflect": lambda t, n: abs(t), "circular": lambda t, n: t % n, "replicate": lambda t, n: max(t, 0)}[
        border
    ]

    def loops(a: Arrays) -> Array:
        x, w = a["x"], a["w"]
        return cells(x.shape, lambda t: sum(x[inside(t - j, len(x))] * w[j] for j in range(len(w))))

    judge(op, loops, {"x": (5,), "w": (3,)}, {"x": (2,), "w": (1,)}, {"x": (4,), "w": (4,)})
    if border == "reflect":
        with pytest.raises(SpecError, match="needs pads"):
            op.output_shape(x=(3,), w=(5,))
    else:
        judge(op, loops, {"x": (3,), "w": (5,)}, {"x": (2,), "w": (6,)})


# Equal sizes ------------------------------------------------------------------------------------------------------

EQUAL = [
    ("y[i] = sum[p](a[i+p]*b[i+p])", {"p": 3}, {"a": (6,), "b": (6,)}, {"a": (6,), "b": (4,)}),
    ("y[i] = sum[p](a[2*i+p-1]*b[2*i+p-1])", {"p": 3}, {"a": (6,), "b": (6,)}, {"a": (6,), "b": (5,)}),
    ("y[i] = sum[p](a[i+p]*u[p] + b[i+p]*v[p])", {}, {"a": (6,), "b": (6,), "u": (2,), "v": (2,)},
     {"a": (6,), "b": (7,), "u": (2,), "v": (2,)}),
    ("y[i] = sum[p](a[i+p-1]*b[i+p-2])", {"p": 3}, {"a": (6,), "b": (6,)}, {"a": (6,), "b": (7,)}),
    ("y[i] = sum[p](a[i+p]*u[p]) + sum[q](b[i+q]*v[q])", {}, {"a": (6,), "b": (8,), "u": (2,), "v": (4,)},
     {"a": (6,), "b": (6,), "u": (2,), "v": (4,)}),
    ("y[i] = sum[p](a[2*i+p]*u[p]*b[i+p])", {}, {"a": (7,), "b": (4,), "u": (2,)}, {"a": (7,), "b": (5,), "u": (2,)}),
    ("y[i] = sum[p](b[i+p]*u[p]*a[2*i+p])", {}, {"a": (7,), "b": (4,), "u": (2,)}, {"a": (9,), "b": (4,), "u": (2,)}),
    ("y[i] = sum[p](a[i+p]*u[p]) + b[i-1]", {}, {"a": (6,), "b": (4,), "u": (3,)}, {"a": (6,), "b": (6,), "u": (3,)}),
    ("y[i] = sum[p](a[i+p,i+p]*u[p])", {}, {"a": (5, 5), "u": (2,)}, {"a": (5, 6), "u": (2,)}),
    ("y[i,j] = sum[k](a[i,k]*b[k,j])", {}, {"a": (2, 3), "b": (3, 4)}, {"a": (2, 3), "b": (4, 4)}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "extents", "right", "wrong"), EQUAL)
def test_sizes_that_one_index_runs_over_are_equal(
    text: str, extents: dict[str, int], right: dict[str, tuple[int, ...]], wrong: dict[str, tuple[int, ...]],
    exact: Callable[..., int],
) -> None:  # fmt: skip
    op = sc.operator(text, extents=extents)
    for wrt in ("", *op.tensors):
        assert exact(op, wrt, [right]) == 1
    with pytest.raises(SpecError):
        op.output_shape(**wrong)


def test_no_read_of_a_valid_window_leaves_where_sizes_agree() -> None:
    """Two valid windows of different lengths: each image is exactly as long as its own window needs."""
    op = sc.operator("y[i] = sum[p](a[i+p]*u[p]) + sum[q](b[2*i+q]*v[q])")
    for la, k, lb, kb in itertools.product(range(1, 7), range(1, 4), range(1, 12), range(1, 4)):
        fits = la >= k and lb >= kb and (lb - kb) // 2 + 1 == la - k + 1
        shapes = {"a": (la,), "u": (k,), "b": (lb,), "v": (kb,)}
        if fits:
            assert op.output_shape(**shapes) == (la - k + 1,)
        else:
            with pytest.raises(SpecError):
                op.output_shape(**shapes)


# Stated of the sizes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ({"K": "<= L"}, lambda k, n: k <= n),
        ({"K": "< L"}, lambda k, n: k < n),
        ({"L": ">= 2*K + 1"}, lambda k, n: n >= 2 * k + 1),
        ({"L": "> K//2 + 2"}, lambda k, n: n > k // 2 + 2),
        ({"L": "== 2*K"}, lambda k, n: n == 2 * k),
        ({"2*K": "= L", "K": ">= 2"}, lambda k, n: 2 * k == n and k >= 2),
    ],
)
def test_what_is_stated_of_sizes_is_checked_at_the_door(
    where: dict[str, str], holds: Callable[[int, int], bool]
) -> None:
    op = sc.operator("y[n,i] = sum[p](x[n,i+p-2]*w[p])", where=where)
    for k, length in itertools.product(range(1, 5), range(1, 9)):
        if length + 4 < k:
            continue
        if holds(k, length):
            op.output_shape(x=(2, length), w=(k,))
        else:
            with pytest.raises(SpecError, match="stated for"):
                op.output_shape(x=(2, length), w=(k,))


def test_what_is_stated_of_sizes_is_used_in_proofs() -> None:
    text, claim = "y[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,p])", "gx = conv1d(gy, swap(w, 0, 1))"
    assert not sc.prove(sc.operator(text), claim).holds
    assert sc.prove(sc.operator(text, where={"K": "== 1"}), claim).holds
    assert sc.prove(sc.operator(text, where={"K": "< 2"}), claim).holds
    assert not sc.prove(sc.operator(text, where={"K": "<= 2"}), claim).holds
    gather = sc.derive(sc.operator("y[i] = x[i-2]", extents={"i": "L"}, where={"L": "<= 2"}), "x").derivation.gather
    assert not any(solutions for s in gather.statements for _, solutions in s.reductions)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"K": "L"}, "compares a size"),
        ({"K": 3}, "compares a size"),
        ({"K": "<= Q"}, "no axis has the size Q"),
        ({"Q": "<= L"}, "no axis has the size Q"),
        ({"K": "<= x["}, "where is built from sizes"),
        ({"K": "<= K"}, "says nothing"),
        ({"K": "!= L"}, "compares a size"),
        (["K"], "mapping"),
    ],
)
def test_what_cannot_be_stated(where: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        sc.operator("y[n,i] = sum[p](x[n,i+p-2]*w[p])", where=where)


# Extents below one ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "extents", "shapes", "right"),
    [
        ("y[n,i] = sum[p](x[n,i+p]*w[p])", {"i": "L-2"}, {"x": (2, 2), "w": (1,)}, {"x": (2, 3), "w": (1,)}),
        ("y[n,i] = sum[p](x[n,i+p])", {"i": "L-2", "p": 1}, {"x": (2, 1)}, {"x": (2, 3)}),
        ("y[n,i] = sum[p](x[n,i+p])", {"p": "L-3"}, {"x": (2, 3)}, {"x": (2, 4)}),
        ("y[n,i] = sum[p](x[n,i+p]*w[p])", {"i": "L//2"}, {"x": (2, 1), "w": (3,)}, {"x": (2, 2), "w": (3,)}),
        ("y[n,i,j] = x[n,i]", {"j": "I - 4"}, {"x": (2, 4)}, {"x": (2, 5)}),
        ("y[n,i] = sum[p](x[n,i+p]*w[p])", {"i": "L-2"}, {"x": (2, 1), "w": (1,)}, {"x": (0, 4), "w": (1,)}),
    ],
)
def test_an_extent_below_one_is_refused(
    text: str, extents: dict[str, str], shapes: dict[str, tuple[int, ...]], right: dict[str, tuple[int, ...]]
) -> None:
    op = sc.operator(text, extents=extents)
    with pytest.raises(SpecError, match="would be empty"):
        op.output_shape(**shapes)
    assert op.output_shape(**right)
    zeros = {name: np.zeros(shape) for name, shape in shapes.items()}
    kernel = sc.build(op, dtype="float64")
    with pytest.raises(SpecError, match="would be empty"):
        kernel.forward(**zeros)
    with pytest.raises(SpecError, match="would be empty"):
        sc.build(op, sizes=shapes)
    assert sc.verify(op, kernel)


@pytest.mark.parametrize("extent", [0, -1, "0", "2 - 3"])
def test_a_number_below_one_is_no_extent(extent: int | str) -> None:
    with pytest.raises(SpecError, match="at least 1"):
        sc.operator("y[i] = sum[p](x[i+p])", extents={"p": extent})


def test_extents_that_need_one_another_are_refused() -> None:
    with pytest.raises(SpecError, match="need one another"):
        sc.operator("y[i] = sum[p](x[i+p])", extents={"p": "OL + 1"})


@pytest.mark.parametrize("formula", ["y[n,(g,c)] = x[n,(c,g)]", "y[n,c] = x[n,(0,c)]*exp(x[n,(1,c)])"])
def test_sizes_that_no_shape_tells_apart_are_asked_for(formula: str) -> None:
    op = sc.operator(formula)
    with pytest.raises(SpecError, match=r"no shape tells C and \w+ apart .* x \(N, .*say how long"):
        sc.build(op)
    with pytest.raises(SpecError, match="no shape tells C"):
        op.output_shape(x=(2, 8))
    assert sc.operator(formula, extents={"c": 4}).output_shape(x=(2, 8))[0] == 2
