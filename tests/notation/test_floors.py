"""Quotients in an index: ``/`` where the division is exact, ``//`` rounded down; each against loops."""

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

Arrays = Mapping[str, Array]


def test_nearest_neighbours(judge: Judge) -> None:
    """Each cell twice; by a factor of 3/2; by two factors."""
    double = sc.operator("y[n,c,i] = x[n,c,i//2]")
    judge(double, lambda a: np.repeat(a["x"], 2, axis=2), {"x": (2, 3, 4)}, {"x": (1, 1, 1)})
    larger = sc.operator("y[n,c,i] = x[n,c,(2*i+1)//3]")

    def resized(a: Arrays) -> Array:
        n, c, length = a["x"].shape
        return cells((n, c, 3 * length // 2), lambda b, d, i: a["x"][b, d, (2 * i + 1) // 3])

    judge(larger, resized, {"x": (2, 3, 4)}, {"x": (1, 2, 5)}, {"x": (1, 1, 1)})
    both = sc.operator("y[i,j] = x[i//2,j//3]")
    judge(both, lambda a: a["x"].repeat(2, 0).repeat(3, 1), {"x": (2, 3)}, {"x": (1, 1)})


def test_a_convolution_of_an_enlarged_image(judge: Judge) -> None:
    op = sc.operator("y[f,i] = sum[c,p](x[c,(i+p-1)//2]*w[f,c,p])")

    def loops(a: Arrays) -> Array:
        x, w = a["x"], a["w"]
        (c, length), (f, _, k) = x.shape, w.shape
        big = x.repeat(2, 1)
        n = 2 * length + 2 - k + 1

        def cell(o: int, i: int) -> Any:
            return sum(at(big, d, i + p - 1) * w[o, d, p] for d in range(c) for p in range(k))

        return cells((f, n), cell)

    judge(op, loops, {"x": (2, 4), "w": (3, 2, 3)}, {"x": (1, 2), "w": (2, 1, 4)}, {"x": (1, 1), "w": (1, 1, 1)})


FORMS = (
    "{s}*i+{d}*p-{lo}",
    "{s}*i-{d}*p+{lo}",
    "{d}*p-i+{lo}",
)


@settings(max_examples=30, deadline=None)
@given(
    form=st.sampled_from(FORMS),
    s=st.integers(1, 3),
    d=st.integers(1, 3),
    lo=st.integers(-2, 4),
    divisor=st.integers(2, 5),
    taps=st.integers(1, 3),
    border=st.sampled_from(["zero", "replicate", "skip"]),
    outside=st.booleans(),
)
def test_drawn_floors(
    judge: Judge, form: str, s: int, d: int, lo: int, divisor: int, taps: int, border: str, outside: bool
) -> None:
    """Any sum over any divisor, inside a reduction with weights and beside one, under every border."""
    text = form.format(s=s, d=d, lo=lo)
    index = eval(f"lambda i, p: {text}")  # noqa: S307 - the test's own text
    other = f"z[({s}*i+7)//{divisor}]" if outside else "z[i]"
    op = sc.operator(
        f"y[i] = {other}*sum[p](x[({text})//{divisor}]*w[p])",
        extents={"i": 5, "p": taps},
        border={"x": border, "z": "zero"},
    )

    def read(x: Array, k: int) -> Any:
        return x[min(max(k, 0), len(x) - 1)] if border == "replicate" else at(x, k)

    def loops(a: Arrays) -> Array:
        x, w, z = a["x"], a["w"], a["z"]

        def cell(i: int) -> Any:
            total = sum(read(x, index(i, p) // divisor) * w[p] for p in range(taps))
            return total * (at(z, (s * i + 7) // divisor) if outside else z[i])

        return cells((5,), cell)

    # Axes that the same indices run over alike are equally long: with one tap, x[i+p] and z[i+3] are two such.
    axes = {tensor.name: tensor.axes for tensor in op.inputs}
    z = 4 if outside else 5
    lengths = ((n, n if outside and axes["x"] == axes["z"] else z) for n in (3, 7))
    judge(op, loops, *({"x": (n,), "w": (taps,), "z": (m,)} for n, m in lengths))


def test_floors_within_floors_and_several(judge: Judge) -> None:
    nested = sc.operator("y[i] = x[(i//2+1)//3]", extents={"i": "3*L"})
    judge(
        nested, lambda a: cells((3 * len(a["x"]),), lambda i: at(a["x"], (i // 2 + 1) // 3)), {"x": (4,)}, {"x": (1,)}
    )
    several = sc.operator("y[i] = sum[p](x[2*(i//2) - p//2 + 1]*w[p])", extents={"i": "L+1"})

    def loops(a: Arrays) -> Array:
        x, w = a["x"], a["w"]
        return cells((len(x) + 1,), lambda i: sum(at(x, 2 * (i // 2) - p // 2 + 1) * w[p] for p in range(len(w))))

    judge(several, loops, {"x": (5,), "w": (3,)}, {"x": (2,), "w": (4,)})


def test_a_floor_beside_a_reduction(judge: Judge) -> None:
    op = sc.operator("y[i] = x[i//2]*sum[k](z[i//2,k]) + x[(i+1)//2]", extents={"i": "2*L-1"})

    def loops(a: Arrays) -> Array:
        x, z = a["x"], a["z"]
        return cells((2 * len(x) - 1,), lambda i: x[i // 2] * sum(z[i // 2]) + x[(i + 1) // 2])

    judge(op, loops, {"x": (3,), "z": (3, 2)}, {"x": (1,), "z": (1, 4)})


@pytest.mark.parametrize("kind", ["max", "min"])
@pytest.mark.parametrize(("form", "exact"), [("i+p", False), ("i-p+3", False), ("2*i+3-p", True), ("2*i+p", True)])
def test_ties_go_to_the_first_tap(
    lowered: Callable[..., Any], interpreted: Callable[..., list[Any]], kind: str, form: str, exact: bool
) -> None:
    """By the order of the taps, whichever way the quotient runs."""
    op = sc.operator(
        f"y[i] = {kind}[p](x[({form}){'/' if exact else '//'}2])", extents={"p": 4, "i": 5}, border="replicate"
    )
    index = eval(f"lambda i, p: {form}")  # noqa: S307 - the test's own text
    x = np.array([1, 3, 3, 1, 3, 3, 2, 1, 1], dtype=object)
    gy = np.array([1, 10, 100, 1000, 10000], dtype=object)
    gx = np.zeros(9, dtype=object)
    for i in range(5):
        taps = [index(i, p) // 2 for p in range(4) if not exact or index(i, p) % 2 == 0]
        taps = [min(max(k, 0), 8) for k in taps if not exact or 0 <= k < 9]
        best = max if kind == "max" else min
        want = best(x[k] for k in taps)
        gx[next(k for k in taps if x[k] == want)] += gy[i]
    assert interpreted(lowered(op, "x"), {"x": x, "gy": gy}) == gx.tolist()


def test_exact_divisions_and_floors_are_told_apart() -> None:
    exact, floor = sc.operator("y[i] = x[i/2]"), sc.operator("y[i] = x[i//2]")
    assert (exact.output_shape(x=(4,)), floor.output_shape(x=(4,))) == ((7,), (8,))
    note = sc.derive(exact, "x").steps[0].note
    assert note == "(i)/2 is an exact division: x takes part only where 2 divides i"
    assert note in str(sc.derive(exact, "x")).replace("\n           ", " ")
    assert sc.derive(floor, "x").steps[0].note == "(i)//2 rounds down: e1 is the index with 0 <= -2*e1 + i < 2"
    for form, value in (("(L+1)/2", 3), ("(L+1)//2", 3), ("L//2", 2), ("L/2", 2)):
        assert sc.operator("y[i] = x[2*i]", extents={"i": form}).output_shape(x=(5,)) == (value,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y[i] = x[i//0]", "positive integer"),
        ("y[i] = x[i//p]", "an index is"),
        ("y[i] = x[i]//2", "not in a value"),
        ("y[i] = x[i//2.5]", "integers up to"),
        ("y[i,j] = x[i//2+j//2]", "extents"),
        ("y[i] = x[3-i//2]", "extents"),
    ],
)
def test_what_is_no_floor(text: str, message: str) -> None:
    with pytest.raises(sc.SpecError, match=message):
        sc.operator(text)


def test_indices_that_slide_in_one_place_and_are_taps_in_another(judge: Judge) -> None:
    """``q`` slides over w without an output, and is the tap of z."""
    op = sc.operator("y[i] = sum[p,q](z[i+q]*w[q+p]*v[p])", extents={"q": 2})

    def loops(a: Arrays) -> Array:
        z, w, v = a["z"], a["w"], a["v"]
        taps = list(itertools.product(range(len(v)), range(2)))
        return cells((len(z) - 1,), lambda i: sum(z[i + q] * at(w, q + p) * v[p] for p, q in taps))

    judge(op, loops, {"z": (4,), "w": (4,), "v": (3,)})
    op = sc.operator("y[i] = sum[p,q](z[i+q]*w[2*q+p]*v[p])")

    def open_loops(a: Arrays) -> Array:
        z, w, v = a["z"], a["w"], a["v"]
        slid = (len(w) - len(v)) // 2 + 1
        taps = list(itertools.product(range(len(v)), range(slid)))
        return cells((len(z) - slid + 1,), lambda i: sum(z[i + q] * w[2 * q + p] * v[p] for p, q in taps))

    judge(op, open_loops, {"z": (5,), "w": (7,), "v": (2,)}, {"z": (1,), "w": (2,), "v": (2,)})


def test_a_formula_without_a_size() -> None:
    op = sc.operator("y = sum[i](x[i])", extents={"i": 3})
    assert op.output_shape(x=(3,)) == ()
    assert sc.derive(op, "x").output_shape(gy=(), x=(3,)) == (3,)


def test_kernels_of_floors_are_verified_and_proved() -> None:
    """One bound of the gradient is a floor itself: nothing is tested inside a loop."""
    for text, extents in (("y[n,c,i] = x[n,c,(2*i+1)//3]*v[c]", {}), ("y[i] = sum[p](x[(i-p)//2]*w[p])", {"i": "2*L"})):
        op = sc.operator(text, extents=extents)
        kernel = sc.build(op, dtype="float64")
        assert sc.verify(op, kernel)
        assert sc.validate(op)
    for length, taps in itertools.product((1, 2, 5), (1, 2, 4)):
        x, w = np.arange(length) + 1.0, np.arange(taps) - 2.0
        want = [sum(at(x, (i - p) // 2) * w[p] for p in range(taps)) for i in range(2 * length)]
        assert kernel.forward(x, w).tolist() == want
