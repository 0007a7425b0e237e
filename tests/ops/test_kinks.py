"""At the kink itself: which slope is taken, that it can be chosen for one operator, and that the derivation says so."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.notation.front import KINKS
from symconv.notation.operator import Operator

Array = np.ndarray[Any, Any]

# formula, conventions, inputs, and by input the slope where the cotangent is 1
SCALARS = [
    ("y[i] = abs(x[i])", {}, {"x": [-2, 0, 3]}, {"x": [-1, 0, 1]}),
    ("y[i] = abs(x[i])", {"abs": "zero"}, {"x": [-2, 0, 3]}, {"x": [-1, 0, 1]}),
    ("y[i] = abs(x[i] - w[i])", {}, {"x": [5, 1], "w": [5, 3]}, {"x": [0, -1], "w": [0, 1]}),
    ("y[i] = abs(x[i])*w[i]", {}, {"x": [0, 0], "w": [7, -7]}, {"x": [0, 0], "w": [0, 0]}),
    ("y[i] = abs(x[i])**3", {}, {"x": [-2, 0]}, {"x": [-12, 0]}),
    ("y[i] = sign(x[i])*w[i]", {}, {"x": [-2, 0], "w": [3, 3]}, {"x": [0, 0], "w": [-1, 0]}),
    ("y[i] = relu(x[i])", {}, {"x": [-2, 0, 3]}, {"x": [0, 0, 1]}),
    ("y[i] = relu(x[i])", {"relu": "one"}, {"x": [-2, 0, 3]}, {"x": [0, 1, 1]}),
    ("y[i] = relu(x[i])", {"relu": "half"}, {"x": [-2, 0, 3]}, {"x": [0, Fraction(1, 2), 1]}),
    ("y[i] = relu(-x[i])", {"relu": "one"}, {"x": [-2, 0, 3]}, {"x": [-1, -1, 0]}),
    ("y[i] = relu(x[i])*relu(w[i])", {"relu": "one"}, {"x": [0, 0], "w": [0, 4]}, {"x": [0, 4], "w": [0, 0]}),
    ("y[i] = max(x[i], w[i])", {}, {"x": [4, 4, 2], "w": [4, 3, 3]}, {"x": [1, 1, 0], "w": [0, 0, 1]}),
    ("y[i] = max(w[i], x[i])", {}, {"x": [4, 4, 2], "w": [4, 3, 3]}, {"x": [0, 1, 0], "w": [1, 0, 1]}),
    ("y[i] = min(x[i], w[i])", {}, {"x": [4, 4, 2], "w": [4, 3, 3]}, {"x": [1, 0, 1], "w": [0, 1, 0]}),
    ("y[i] = min(w[i], x[i])", {}, {"x": [4], "w": [4]}, {"x": [0], "w": [1]}),
    ("y[i] = max(x[i], w[i])", {"max": "share"}, {"x": [4, 9], "w": [4, 3]}, {"x": [0.5, 1], "w": [0.5, 0]}),
    ("y[i] = min(x[i], w[i])", {"min": "share"}, {"x": [4, 9], "w": [4, 3]}, {"x": [0.5, 0], "w": [0.5, 1]}),
    ("y[i] = max(x[i], w[i])", {"min": "share"}, {"x": [4], "w": [4]}, {"x": [1], "w": [0]}),
    ("y[i] = max(x[i], max(x[i], x[i]))", {}, {"x": [4]}, {"x": [1]}),
    ("y[i] = max(min(x[i], 1), -1)", {}, {"x": [-2, -1, 0, 1, 2]}, {"x": [0, 1, 1, 1, 0]}),
    ("y[i] = max(-1, min(1, x[i]))", {}, {"x": [-2, -1, 0, 1, 2]}, {"x": [0, 0, 1, 0, 0]}),
    ("y[i] = where(x[i] > 0, 2*x[i], 5*x[i])", {}, {"x": [-1, 0, 1]}, {"x": [5, 5, 2]}),
    ("y[i] = where(x[i] >= 0, 2*x[i], 5*x[i])", {}, {"x": [-1, 0, 1]}, {"x": [5, 2, 2]}),
    ("y[i] = where(x[i] == w[i], x[i]*w[i], 0)", {}, {"x": [3, 3], "w": [3, 2]}, {"x": [3, 0], "w": [3, 0]}),
    ("y[i] = where(w[i] < x[i], 7, x[i])", {}, {"x": [3, 3], "w": [3, 2]}, {"x": [1, 0], "w": [0, 0]}),
]


@pytest.mark.parametrize(("text", "kinks", "inputs", "want"), SCALARS)
def test_slopes_at_the_kink(text, kinks, inputs, want, lowered, interpreted) -> None:
    op = sc.operator(text, kinks=kinks)
    arrays = {name: np.array(values) for name, values in inputs.items()}
    arrays["gy"] = np.array([2, 3, 5, 7, 11][: len(inputs["x"])])
    for name, slopes in want.items():
        assert interpreted(lowered(op, name), arrays) == [s * g for s, g in zip(slopes, arrays["gy"], strict=True)]


def handed(values: Array, amount: int, choice: str) -> Array:
    """What every tap of a window with these values gets of ``amount``; the largest wins, ties in row-major order."""
    won = values.ravel() == values.max()
    if choice == "first":
        won = np.arange(values.size) == int(won.argmax())
    return (amount * won / won.sum()).reshape(values.shape)


WINDOW = "y[n,i,j] = {kind}[p,q]({sign}x[n,2*i+p-1,j+2*q-1])"


@pytest.mark.parametrize("border", ["zero", "skip", "replicate", 1])
@pytest.mark.parametrize("choice", ["first", "share"])
@pytest.mark.parametrize(("kind", "sign"), [("max", ""), ("min", "-")])
def test_ties_of_a_window(kind, sign, choice, border, lowered, interpreted) -> None:
    op = sc.operator(WINDOW.format(kind=kind, sign=sign), border=border, kinks={kind: choice}, extents={"p": 3, "q": 2})
    rng = np.random.default_rng(0)
    # Two values only, and the padded 0 or 1 among them: nearly every window ties.
    x = rng.integers(0, 2, (2, 5, 4))
    # What 1 to 6 winners can share without a remainder.
    gy = 60 * rng.integers(-3, 4, op.output_shape(x=x.shape))
    mode = {"mode": "edge"} if border == "replicate" else {"constant_values": {"zero": 0, "skip": -9, 1: 1}[border]}
    wide = np.pad(x, ((0, 0), (1, 1), (1, 1)), **mode)
    if border == "skip":
        wide[:, [0, -1], :] = wide[:, :, [0, -1]] = -9
    want = np.zeros(x.shape)
    for n, i, j in np.ndindex(*gy.shape):
        rows, columns = np.arange(3) + 2 * i, 2 * np.arange(2) + j
        amounts = handed(wide[n][np.ix_(rows, columns)], gy[n, i, j], choice)
        for (p, q), amount in np.ndenumerate(amounts):
            u, v = rows[p] - 1, columns[q] - 1
            if border == "replicate":
                u, v = np.clip(u, 0, 4), np.clip(v, 0, 3)
            if 0 <= u < 5 and 0 <= v < 4:
                want[n, u, v] += amount if kind == "max" else -amount
    got = np.array([float(g) for g in interpreted(lowered(op, "x"), {"x": x, "gy": gy})])
    np.testing.assert_array_equal(got.reshape(want.shape), want)


def test_the_channel_comes_before_the_taps(lowered, interpreted) -> None:
    op = sc.max_plus1d()
    flat = {
        "x": np.zeros((1, 3, 4), int),
        "w": np.zeros((2, 3, 2), int),
        "gy": np.array([[[1, 10, 100], [2, 20, 200]]]),
    }
    want = np.zeros((2, 3, 2))
    want[:, 0, 0] = 111, 222
    assert interpreted(lowered(op, "w"), flat) == want.ravel().tolist()
    flat["w"][:, 0, 0] = flat["w"][:, 1, 0] = -1
    want[:] = 0
    want[:, 0, 1] = 111, 222
    assert interpreted(lowered(op, "w"), flat) == want.ravel().tolist()


def test_a_flipped_window_is_still_walked_by_its_taps(lowered, interpreted) -> None:
    for form, first in (("i+p", 0), ("i+(size(p)-1-p)", 2)):
        op = sc.operator(f"y[n,i] = max[p](x[n,{form}])", extents={"p": 3})
        want = [0] * 5
        want[first : first + 3] = 1, 10, 100
        assert interpreted(lowered(op, "x"), {"x": np.ones((1, 5), int), "gy": np.array([[1, 10, 100]])}) == want


def test_nested_windows_tie_level_by_level(lowered, interpreted) -> None:
    arrays = {"x": np.ones((1, 2, 3), int), "gy": np.array([[12]])}
    for choice, want in (("first", [12, 0, 0, 0, 0, 0]), ("share", [2, 2, 2, 2, 2, 2])):
        op = sc.operator("y[n,i] = max[c](min[p](x[n,c,i+p]))", extents={"p": 3}, kinks={"max": choice, "min": choice})
        assert interpreted(lowered(op, "x"), arrays) == want


ZEROS = {"x": [[[0, 0, 0]]], "w": [[[0, 0]]], "b": [0]}
"""Both outputs are relu(0) or |0|, whatever the kernel."""
CANCELLED = {"x": [[[1, 2, 4]]], "w": [[[2, -1]]], "b": [0]}
"""Both sums vanish, their terms do not."""
TIED = {"x": [[[1, 2, 3]]], "w": [[[1, 0]]]}
"""Both taps of both windows tie."""
FIRST, SHARED = {"x": [[[1, 1, 0]]], "w": [[[2, 0]]]}, {"x": [[[0.5, 1, 0.5]]], "w": [[[1, 1]]]}
AT_THE_KINK = [
    (partial(sc.conv_bias_act1d, "relu"), {}, "relu", ZEROS, {"b": [0]}),
    (partial(sc.conv_bias_act1d, "relu"), {"relu": "one"}, "relu", CANCELLED, {"b": [2], "w": [[[3, 6]]]}),
    (partial(sc.conv_bias_act1d, "relu"), {"relu": "half"}, "relu", CANCELLED, {"b": [1], "w": [[[1.5, 3]]]}),
    (partial(sc.conv_bias_act1d, "abs"), {}, "abs", CANCELLED, {"b": [0], "w": [[[0, 0]]]}),
    (partial(sc.adder1d), {}, "abs", {"x": [[[3, 3, 3]]], "w": [[[3, 1]]]}, {"x": [[[0, -1, -1]]], "w": [[[0, 2]]]}),
    (partial(sc.max_pool1d, 2, 1), {}, "max", {"x": [[[4, 4, 4]]]}, {"x": [[[1, 1, 0]]]}),
    (partial(sc.max_pool1d, 2, 1), {"max": "share"}, "max", {"x": [[[4, 4, 4]]]}, {"x": [[[0.5, 1, 0.5]]]}),
    (partial(sc.max_plus1d), {}, "max", TIED, FIRST),
    (partial(sc.max_plus1d), {"max": "share"}, "max", TIED, SHARED),
    (partial(sc.min_plus1d), {}, "min", TIED, FIRST),
    (partial(sc.min_plus1d), {"min": "share"}, "min", TIED, SHARED),
]


def overridden(make: Callable[..., Operator], kinks: dict[str, str]) -> Operator:
    """A shipped operator under other conventions."""
    return make(kinks=kinks) if kinks else make()


@pytest.mark.parametrize(
    "part", [slice(2, 9, 3), pytest.param(slice(None), marks=pytest.mark.full)], ids=["some", "all"]
)
def test_compiled_shipped_operators_at_the_kink(part, compiled) -> None:
    cases = AT_THE_KINK[part]
    units = compiled([overridden(make, kinks) for make, kinks, *_ in cases])
    for unit, (_, kinks, _, inputs, want) in zip(units, cases, strict=True):
        arrays = [np.array(inputs[name], dtype=np.float64) for name in unit.operator.tensors]
        y = unit.forward(*arrays)
        found = unit.backward(np.ones_like(y), *arrays)
        for name, slopes in want.items():
            np.testing.assert_array_equal(getattr(found, name), np.array(slopes), err_msg=f"{unit.operator} {kinks}")


SAID = {
    ("abs", "zero"): "the slope of |u| at u = 0 is taken as 0",
    ("relu", "zero"): "the slope of relu(u) at u = 0 is taken as 0",
    ("relu", "one"): "the slope of relu(u) at u = 0 is taken as 1",
    ("relu", "half"): "the slope of relu(u) at u = 0 is taken as 1/2",
    ("max", "first"): "a tie of max goes to the first, in row-major window order",
    ("max", "share"): "a tie of max is shared equally",
    ("min", "first"): "a tie of min goes to the first, in row-major window order",
    ("min", "share"): "a tie of min is shared equally",
    ("sqrt", "zero"): "the slope of √u at u = 0 is taken as 0",
    ("sqrt", "infinite"): "the slope of √u at u = 0 is the limit, infinite",
    ("pow", "zero"): "the slope of u^v at u = 0 is taken as 0 where 0 ≤ v < 1, and 0 by v",
    ("pow", "infinite"): "the slope of u^v at u = 0 is the limit, which may be infinite",
    ("sign", "zero"): "the slope of sign(u) is 0 everywhere, at u = 0 too",
    ("floor", "zero"): "the slope of floor(u) is 0 everywhere, at whole u too",
    ("ceil", "zero"): "the slope of ceil(u) is 0 everywhere, at whole u too",
    ("leaky_relu", "left"): "the slope of leaky_relu(u, v) at u = 0 is taken as v",
    ("leaky_relu", "right"): "the slope of leaky_relu(u, v) at u = 0 is taken as 1",
    ("hardtanh", "zero"): "the slope of hardtanh(u) at u = -1 and u = 1 is taken as 0",
    ("hardtanh", "one"): "the slope of hardtanh(u) at u = -1 and u = 1 is taken as 1",
    ("clip", "one"): "the slope of clip(u, v, w) by u at u = v and u = w is taken as 1",
    ("clip", "zero"): "the slope of clip(u, v, w) by u at u = v and u = w is taken as 0",
}


@pytest.mark.parametrize(("make", "kinks", "function"), [case[:3] for case in AT_THE_KINK])
def test_the_derivation_says_which(make, kinks, function) -> None:
    gradient = sc.derive(overridden(make, kinks), "x")
    default = {"max": "first", "min": "first"}.get(function, "zero")
    (said,) = {step.note for step in gradient.steps} & set(SAID.values())
    assert said == SAID[function, kinks.get(function, default)]
    assert f"note: {said}" in [line.strip() for line in str(gradient).splitlines()]


def test_where_and_sign_are_said_and_smooth_operators_say_nothing() -> None:
    printed = " ".join(str(sc.derive(sc.operator("y[i] = where(x[i] > 0, sign(x[i])*x[i], 0)"), "x")).split())
    assert "differentiated through its branches, never through its condition" in printed
    assert "the slope of sign(u) is 0 everywhere" in printed
    smooth = sc.derive(sc.conv_bias_act1d("tanh", padding=1), "x")
    assert not [step.note for step in smooth.steps if "slope of" in step.note or "tie of" in step.note]


INF = float("inf")
ROOTS = [
    ("y[i] = sqrt(x[i]**2)", {}, {"x": [-3, 0, 2]}, {"x": [-1, 0, 1]}),
    ("y[i] = (x[i]**2)**0.5", {}, {"x": [-3, 0, 2]}, {"x": [-1, 0, 1]}),
    ("y[i] = sqrt(x[i])", {}, {"x": [0, 4]}, {"x": [0, 0.25]}),
    ("y[i] = sqrt(x[i])", {"sqrt": "infinite"}, {"x": [0, 4]}, {"x": [INF, 0.25]}),
    ("y[i] = x[i]**0.5", {}, {"x": [0, 4]}, {"x": [0, 0.25]}),
    ("y[i] = x[i]**0.75", {}, {"x": [0, 1]}, {"x": [0, 0.75]}),
    ("y[i] = x[i]**0.75", {"pow": "infinite"}, {"x": [0, 1]}, {"x": [INF, 0.75]}),
    ("y[i] = x[i]**1.5", {}, {"x": [0, 4]}, {"x": [0, 3]}),
    ("y[i] = x[i]**w[i]", {}, {"x": [0, 0, 0, 0, 2], "w": [1, 2, 0.5, 0, 1]},
     {"x": [1, 0, 0, 0, 1], "w": [0, 0, 0, 0, 2 * float(np.log(2))]}),
    ("y[i] = 1/sqrt(x[i]**2 + w[i]**2)", {}, {"x": [3, 0], "w": [4, 0]}, {"x": [-3 / 125, 0], "w": [-4 / 125, 0]}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kinks", "inputs", "want"), ROOTS)
def test_roots_and_powers_at_zero(text, kinks, inputs, want, lowered, interpreted) -> None:
    op = sc.operator(text, kinks=kinks)
    arrays = {name: np.array(values, dtype=float) for name, values in inputs.items()}
    arrays["gy"] = np.ones(len(inputs["x"]))
    for name, slopes in want.items():
        got = np.array(interpreted(lowered(op, name), arrays), dtype=float)
        np.testing.assert_allclose(got, slopes, rtol=1e-14, atol=0)


def test_norms_at_zero(lowered, interpreted) -> None:
    x = np.array([[0.0, 0.0], [3.0, 4.0]])
    for text in ("sqrt(sum[p](x[n,p]**2))", "sum[p](x[n,p]**2)**0.5", "sqrt(sum[p](x[n,p]**2)**2)**0.5"):
        op = sc.operator(f"y[n] = {text}")
        got = interpreted(lowered(op, "x"), {"x": x, "gy": np.ones(2)})
        np.testing.assert_allclose(np.array(got, float), [0, 0, 0.6, 0.8], rtol=1e-14)
    op = sc.operator("y[n] = sqrt(sum[p](x[n,p])**2)")
    got = interpreted(lowered(op, "x"), {"x": np.array([[1.0, -3.0], [-1.0, 1.0], [2.0, 2.0]]), "gy": np.ones(3)})
    assert got == [-1, -1, 0, 0, 1, 1]
    assert SAID["sqrt", "zero"] in {step.note for step in sc.derive(op, "x").steps}


def test_every_choice_has_its_sentence_and_others_are_refused() -> None:
    assert {(f, choice) for f, choices in KINKS.items() for choice in choices} == set(SAID)
    with pytest.raises(sc.SpecError, match="at the kink of max one can choose first, share; given 'last'"):
        sc.operator("y[i] = max[p](x[i+p])", kinks={"max": "last"})


def test_the_tap_that_is_shared_is_found_again_whatever_it_rounds_to() -> None:
    """Random numbers have no ties: shared or first, each window passes its whole gradient to one tap."""
    bodies = (
        "x[n,c,i+p] + w[f,c,p] + v[f,c]",
        "x[n,c,i+p]*(w[f,c,p] + v[f,c])*v[f,c]",
        "x[n,c,i+p]*w[f,c,p] + 0.1*v[f,c]",
    )
    texts = [f"y[n,f,i] = max[c,p]({body})" for body in bodies]
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape) for shape in ((6, 4, 40), (5, 4, 5), (5, 4))]
    for text in texts:
        found = []
        for rule in ("share", "first"):
            kernel = sc.build(sc.operator(text, kinks={"max": rule}), dtype="float64")
            y = kernel.forward(*arrays)
            found.append(kernel.backward(np.ones_like(y), *arrays))
        for shared, first in zip(*found, strict=True):
            np.testing.assert_allclose(shared, first, rtol=1e-12, atol=1e-12, err_msg=text)
