"""Every border rule under every kind of body, forward and gradients, against explicit loops in exact integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

Array = np.ndarray[Any, Any]

BODIES = ("conv2d", "adder2d", "max_plus2d")
BORDERS = ("zero", 3, "skip", "reflect", "symmetric", "replicate", "circular")
# stride, padding, dilation, spatial, kernel
UNEVEN = ((2, 1), ((2, 1), (0, 2)), (1, 2), (5, 4), (3, 2))
ONE_SIDED = ((1, 3), ((0, 2), (3, 0)), (2, 1), (4, 7), (2, 4))
CROPPED = ((1, 2), ((-1, 1), (2, -2)), (1, 1), (4, 6), (3, 3))
WIDEST = ((1, 1), ((2, 3), (4, 1)), (1, 3), (4, 5), (2, 2))
CASES = {"uneven": UNEVEN, "one sided": ONE_SIDED, "cropped": CROPPED, "widest": WIDEST}


def place(at: int, size: int, border: str | float) -> int | None:
    """The element a read at ``at`` finds, None for none."""
    if 0 <= at < size:
        return at
    if border == "reflect":
        return -at if at < 0 else 2 * (size - 1) - at
    if border == "symmetric":
        return -1 - at if at < 0 else 2 * size - 1 - at
    if border == "replicate":
        return 0 if at < 0 else size - 1
    return at % size if border == "circular" else None


def loops(
    body: str, border: str | float, stride: Any, padding: Any, dilation: Any, x: Array, w: Array, gy: Array
) -> dict[str, Array]:
    """y, gx and gw, tap by tap."""
    found = {"": np.zeros(gy.shape, int), "x": np.zeros(x.shape, int), "w": np.zeros(w.shape, int)}
    outside = border if isinstance(border, int) else 0
    for n, f, i, j in np.ndindex(*gy.shape):
        best: Any = None
        for c, p, q in np.ndindex(*w.shape[1:]):
            u = place(stride[0] * i + dilation[0] * p - padding[0][0], x.shape[2], border)
            v = place(stride[1] * j + dilation[1] * q - padding[1][0], x.shape[3], border)
            inside = u is not None and v is not None
            if not inside and border == "skip":
                continue
            a, b, g = int(x[n, c, u, v]) if inside else outside, int(w[f, c, p, q]), int(gy[n, f, i, j])
            if body == "max_plus2d":
                if best is None or a + b > best[0]:
                    best = (a + b, (n, c, u, v) if inside else None, (f, c, p, q), g)
                continue
            value, da, db = (a * b, b, a) if body == "conv2d" else (-abs(a - b), -np.sign(a - b), np.sign(a - b))
            found[""][n, f, i, j] += value
            found["w"][f, c, p, q] += g * db
            if inside:
                found["x"][n, c, u, v] += g * da
        if best is not None:
            value, read, tap, g = best
            found[""][n, f, i, j] = value
            found["w"][tap] += g
            if read is not None:
                found["x"][read] += g
    return found


def drawn(spatial: tuple[int, ...], kernel: tuple[int, ...], op: Any) -> dict[str, Array]:
    """Few values, so that ties of max and zeros of |x - w| are frequent."""
    rng = np.random.default_rng(3)
    arrays = {"x": rng.integers(-2, 3, (2, 2, *spatial)), "w": rng.integers(-2, 3, (3, 2, *kernel))}
    shape = op.output_shape(**{name: a.shape for name, a in arrays.items()})
    return {**arrays, "gy": rng.integers(-4, 5, shape)}


@pytest.mark.parametrize("case", [c if c == "uneven" else pytest.param(c, marks=pytest.mark.full) for c in CASES])
@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("body", BODIES)
def test_forward_and_gradients_are_those_of_the_loops(body, border, case, lowered, interpreted) -> None:
    *window, spatial, kernel = CASES[case]
    op = getattr(sc, body)(*window, border=border)
    if body == "max_plus2d" and border == "skip" and case == "widest":
        with pytest.raises(sc.SpecError, match="has no tap at i = 0"):
            drawn(spatial, kernel, op)
        return
    arrays = drawn(spatial, kernel, op)
    for wrt, want in loops(body, border, *window, **arrays).items():
        got = interpreted(lowered(op, wrt, proofs=False), arrays)
        assert got == want.ravel().tolist(), f"{op} by {wrt or 'nothing'}"


@pytest.mark.full
def test_compiled_too(compiled) -> None:
    *window, spatial, kernel = UNEVEN
    cases = [(body, border) for body in BODIES for border in BORDERS]
    units = compiled([getattr(sc, body)(*window, border=border) for body, border in cases])
    for unit, (body, border) in zip(units, cases, strict=True):
        arrays = drawn(spatial, kernel, unit.operator)
        x, w, gy = (arrays[name].astype(np.float64) for name in ("x", "w", "gy"))
        found = {"": unit.forward(x, w), **unit.backward(gy, x, w)._asdict()}
        for wrt, want in loops(body, border, *window, **arrays).items():
            np.testing.assert_array_equal(found[wrt], want, err_msg=f"{unit.operator} by {wrt or 'nothing'}")


def both(body: str, interpreted: Any, lowered: Any, others: tuple[Any, Any] = ("zero", "skip")) -> Any:
    """The two borders' results less one another, and the data: only taps outside x are left."""
    *window, spatial, kernel = UNEVEN
    ops = [getattr(sc, body)(*window, border=border) for border in others]
    arrays = drawn(spatial, kernel, ops[0])
    results = [[np.array(interpreted(lowered(op, t, proofs=False), arrays)) for t in ("", "x", "w")] for op in ops]
    return arrays, [one - other for one, other in zip(*results, strict=True)]


def test_a_zero_outside_is_a_distance_and_a_skipped_tap_is_none(interpreted, lowered) -> None:
    arrays, (y, gx, gw) = both("adder2d", interpreted, lowered)
    stride, padding, dilation, spatial, _ = UNEVEN
    w, gy = arrays["w"], arrays["gy"]
    more, slope = np.zeros(gy.shape, int), np.zeros(w.shape, int)
    for n, f, i, j in np.ndindex(*gy.shape):
        for c, p, q in np.ndindex(*w.shape[1:]):
            u = stride[0] * i + dilation[0] * p - padding[0][0]
            v = stride[1] * j + dilation[1] * q - padding[1][0]
            if not (0 <= u < spatial[0] and 0 <= v < spatial[1]):
                more[n, f, i, j] -= abs(w[f, c, p, q])
                slope[f, c, p, q] -= np.sign(w[f, c, p, q]) * gy[n, f, i, j]
    assert y.tolist() == more.ravel().tolist()
    assert gw.tolist() == slope.ravel().tolist()
    # x itself is read at the same places in both.
    assert more.any()
    assert slope.any()
    assert not gx.any()


def test_zero_is_neutral_for_a_product_alone(interpreted, lowered) -> None:
    assert not any(difference.any() for difference in both("conv2d", interpreted, lowered)[1])
    assert all(difference.any() for difference in both("max_plus2d", interpreted, lowered)[1])
    assert any(difference.any() for difference in both("conv2d", interpreted, lowered, (1, "skip"))[1])


def test_an_average_divides_by_the_taps_it_takes(interpreted, lowered) -> None:
    arrays = {"x": np.array([[[6, 12, 18]]]), "gy": np.array([[[6, 6, 6]]])}
    for border, y, gx in (("zero", [6, 12, 10], [4, 6, 4]), ("skip", [9, 12, 15], [5, 8, 5])):
        op = sc.avg_pool1d(3, 1, padding=1, border=border)
        assert interpreted(lowered(op), arrays) == y
        assert interpreted(lowered(op, "x"), arrays) == gx


def test_each_tensor_has_its_own_rule(interpreted, lowered) -> None:
    op = sc.operator(
        "y[n,i] = sum[p](abs(x[n,i+p-2] - v[i+p-2])*w[p])",
        border={"x": 5, "v": "replicate"},
        padding=((2, 1),),
    )
    rng = np.random.default_rng(5)
    arrays = {"x": rng.integers(-3, 4, (2, 4)), "v": rng.integers(-3, 4, 4), "w": rng.integers(-3, 4, 3)}
    gy = arrays["gy"] = rng.integers(-3, 4, (2, 5))
    want = {name: np.zeros_like(array) for name, array in arrays.items()}
    for n, i in np.ndindex(*gy.shape):
        for p in range(3):
            at = i + p - 2
            inside = 0 <= at < 4
            gap = (arrays["x"][n, at] if inside else 5) - arrays["v"][np.clip(at, 0, 3)]
            want["w"][p] += gy[n, i] * abs(gap)
            want["v"][np.clip(at, 0, 3)] -= gy[n, i] * np.sign(gap) * arrays["w"][p]
            if inside:
                want["x"][n, at] += gy[n, i] * np.sign(gap) * arrays["w"][p]
    for name in op.tensors:
        assert interpreted(lowered(op, name), arrays) == want[name].ravel().tolist()


@pytest.mark.parametrize("border", BORDERS)
def test_two_reads_of_one_tensor_each_leave_it(border, interpreted, lowered) -> None:
    op = sc.operator("y[n,i] = x[n,i-1]*x[n,i+1] - x[n,i]", extents={"i": "L"}, border=border)
    rng = np.random.default_rng(6)
    x, gy = rng.integers(-3, 4, (2, 4)), rng.integers(-3, 4, (2, 4))
    y, gx = np.zeros_like(gy), np.zeros_like(x)
    number = border if isinstance(border, int) else 0
    for n, i in np.ndindex(2, 4):
        a, b = (place(i + step, 4, border) for step in (-1, 1))
        left, right = (number if at is None else x[n, at] for at in (a, b))
        y[n, i] = left * right - x[n, i]
        gx[n, i] -= gy[n, i]
        if a is not None:
            gx[n, a] += gy[n, i] * right
        if b is not None:
            gx[n, b] += gy[n, i] * left
    assert interpreted(lowered(op), {"x": x}) == y.ravel().tolist()
    assert interpreted(lowered(op, "x"), {"x": x, "gy": gy}) == gx.ravel().tolist()


# stride, padding, dilation, spatial, kernel: pads are several sizes long
TURNED = (((2, 1), ((5, 3), (2, 7)), (1, 2), (2, 3), (2, 3)), ((1, 1), ((3, 0), (8, 8)), (1, 1), (1, 1), (2, 4)))


@pytest.mark.parametrize("case", TURNED)
@pytest.mark.parametrize("body", BODIES)
def test_a_period_may_be_shorter_than_the_pads(body, case, lowered, interpreted) -> None:
    *window, spatial, kernel = case
    op = getattr(sc, body)(*window, border="circular")
    arrays = drawn(spatial, kernel, op)
    for wrt, want in loops(body, "circular", *window, **arrays).items():
        assert interpreted(lowered(op, wrt, proofs=False), arrays) == want.ravel().tolist()


@pytest.mark.parametrize(("border", "mode"), [("symmetric", "symmetric"), ("circular", "wrap")])
def test_continued_as_numpy_pads(border, mode, lowered, interpreted) -> None:
    for low, high, size in ((1, 2, 3), (3, 3, 3), (0, 2, 2), (2, 1, 5), (5, 4, 2)):
        if border == "symmetric" and max(low, high) > size:
            continue
        op = sc.conv1d(padding=((low, high),), border=border)
        x, w = np.arange(1, size + 1).reshape(1, 1, size), np.array([[[1, 10]]])
        padded = np.pad(x[0, 0], (low, high), mode=mode)
        assert interpreted(lowered(op), {"x": x, "w": w}) == (padded[:-1] + 10 * padded[1:]).tolist()


def test_pads_that_do_not_fit_their_rule_are_refused() -> None:
    with pytest.raises(sc.SpecError, match="'symmetric' needs pads at most the size of x: 3 against L"):
        sc.conv1d(padding=3, border="symmetric").output_shape(x=(1, 1, 2), w=(1, 1, 2))
    assert sc.conv1d(padding=3, border="symmetric").output_shape(x=(1, 1, 3), w=(1, 1, 2)) == (1, 1, 8)
    with pytest.raises(sc.SpecError, match="'circular' needs pads at most 8 times the size of x: 17 against L"):
        sc.conv1d(padding=17, border="circular").output_shape(x=(1, 1, 2), w=(1, 1, 2))
    assert sc.conv1d(padding=17, border="circular").output_shape(x=(1, 1, 3), w=(1, 1, 2)) == (1, 1, 36)
    with pytest.raises(sc.SpecError, match="did you mean 'symmetric'"):
        sc.conv1d(border="symetric")


@pytest.mark.parametrize(
    "op",
    [
        pytest.param(sc.conv2d(padding=((1, 2), (2, 0)), stride=(2, 1), border="symmetric"), marks=pytest.mark.full),
        sc.adder1d(padding=3, border="circular"),
        pytest.param(sc.conv1d(padding="same", dilation=2, border="circular"), marks=pytest.mark.full),
        sc.operator("y[n,i] = sum[p](abs(x[n,i+p-4] - v[i+p-4])*w[p])", border={"x": "circular", "v": "symmetric"}),
    ],
    ids=str,
)
def test_verified(op) -> None:
    assert sc.verify(op)
    assert sc.validate(op)
