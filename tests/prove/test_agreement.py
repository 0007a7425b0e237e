"""Kinds of operators beside the plain convolution: decisions against numbers that are computed here, by loops."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product

import convolved
import numpy as np
import pytest
from convolved import Array, correlation, wide

import symconv as sc

Given = dict[str, Array]
Value = Callable[[Given], "Array | None"]


def _drawn(seed: int, **shapes: tuple[int, ...]) -> Given:
    rng = np.random.default_rng(seed)
    return {name: rng.integers(1, 1000, shape).astype(object) for name, shape in shapes.items()}


def _wrong(got: Array | None, want: Array) -> bool:
    return got is None or got.shape != want.shape or bool((got != want).any())


def _line(a: Array, u: Array) -> Array:
    found = correlation(a, u, "valid")
    assert found is not None
    return found


def _by_image(gy: Array, u: Array, size: int) -> Array:
    found = wide((size,))
    for i, p in product(range(len(gy)), range(len(u))):
        found[i + p] += gy[i] * u[p]
    return found


TWO = sc.operator("y[i] = sum[p](a[i+p]*u[p] + b[i+p]*v[p])")
TRUE_TWO = {
    "gu": lambda g: _line(g["a"], g["gy"]),
    "gv": lambda g: _line(g["b"], g["gy"]),
    "ga": lambda g: _by_image(g["gy"], g["u"], len(g["a"])),
    "gb": lambda g: _by_image(g["gy"], g["v"], len(g["b"])),
    "y": lambda g: _line(g["a"], g["u"]) + _line(g["b"], g["v"]),
}
TWO_CLAIMS: list[tuple[str, Value, bool]] = [
    ("gu = correlate(a, gy)", lambda g: correlation(g["a"], g["gy"], "valid"), True),
    ("gv = correlate(b, gy)", lambda g: correlation(g["b"], g["gy"], "valid"), True),
    ("ga = convolve(gy, u)", lambda g: correlation(g["gy"], g["u"][::-1], "full"), True),
    ("gb = convolve(gy, v)", lambda g: correlation(g["gy"], g["v"][::-1], "full"), True),
    ("gu = correlate(b, gy)", lambda g: correlation(g["b"], g["gy"], "valid"), False),
    ("gb = convolve(gy, u)", lambda g: correlation(g["gy"], g["u"][::-1], "full"), False),
    ("ga = correlate2d(gy, u)", lambda g: correlation(g["gy"], g["u"], "full"), False),
    ("gv = convolve(b, gy, 'valid')", lambda g: correlation(g["b"], g["gy"][::-1], "valid"), False),
    ("y = correlate(a, u) + correlate(b, v)", lambda g: _line(g["a"], g["u"]) + _line(g["b"], g["v"]), True),
    ("y = correlate(a, v) + correlate(b, u)", lambda g: _line(g["a"], g["v"]) + _line(g["b"], g["u"]), False),
    ("y = correlate(a + b, u)", lambda g: _line(g["a"] + g["b"], g["u"]), False),
]


@pytest.mark.parametrize(("claim", "value", "holds"), TWO_CLAIMS, ids=[text for text, *_ in TWO_CLAIMS])
def test_two_images(claim: str, value: Value, holds: bool) -> None:
    proof = sc.prove(TWO, claim, explain=False)
    assert proof.holds is holds
    for seed, (size, taps) in enumerate(((1, 1), (2, 1), (3, 2), (4, 4), (5, 2), (5, 3))):
        given = _drawn(seed, a=(size,), u=(taps,), b=(size,), v=(taps,), gy=(size - taps + 1,))
        shapes = {name: given[name].shape for name in TWO.tensors}
        assert proof.fails(**shapes) is _wrong(value(given), TRUE_TWO[claim.partition(" ")[0]](given)), shapes


CENTRE = sc.operator("y[n,c,i] = x[n,c,i]*sum[p](x[n,c,i+p-1])", extents={"i": "L", "p": 3})


def _around(x: Array) -> Array:
    """The sum of the three neighbours, zeros beside the ends."""
    found = wide(x.shape)
    for n, c, i in np.ndindex(*x.shape):
        found[n, c, i] = sum(x[n, c, k] for k in (i - 1, i, i + 1) if 0 <= k < x.shape[2])
    return found


def _centre_gradient(x: Array, gy: Array) -> Array:
    found = wide(x.shape)
    for n, c, i in np.ndindex(*x.shape):
        for k in (i - 1, i, i + 1):
            if 0 <= k < x.shape[2]:
                found[n, c, i] += gy[n, c, i] * x[n, c, k]
                found[n, c, k] += gy[n, c, i] * x[n, c, i]
    return found


CENTRE_CLAIMS: list[tuple[str, Value, bool]] = [
    ("y = x*sum(reshape(unfold(x,3,padding=1),(N,C,3,L)),2)", lambda g: g["x"] * _around(g["x"]), True),
    ("y = x*sum(reshape(unfold(x,K,padding=p),(N,C,K,L)),2)", lambda g: g["x"] * _around(g["x"]), True),
    ("y = sum(reshape(unfold(x*x,3,padding=1),(N,C,3,L)),2)", lambda g: _around(g["x"] * g["x"]), False),
    ("gx = gy*sum(reshape(unfold(x,3,padding=1),(N,C,3,L)),2) + sum(reshape(unfold(gy*x,3,padding=1),(N,C,3,L)),2)",
     lambda g: _centre_gradient(g["x"], g["gy"]), True),
    ("gx = 2*gy*sum(reshape(unfold(x,3,padding=1),(N,C,3,L)),2)", lambda g: 2 * g["gy"] * _around(g["x"]), False),
    ("y = reshape(conv(reshape(x, (N*C, 1, L)), reshape(x[0,0,:1], (1,1,1))), (N,C,L))",
     lambda g: g["x"] * g["x"][0, 0, 0], False),
]  # fmt: skip


@pytest.mark.parametrize(("claim", "value", "holds"), CENTRE_CLAIMS, ids=[text for text, *_ in CENTRE_CLAIMS])
def test_a_centre_beside_a_window(claim: str, value: Value, holds: bool) -> None:
    proof = sc.prove(CENTRE, claim, explain=False)
    assert proof.holds is holds, proof.reason
    for seed, shape in enumerate(((1, 1, 1), (2, 1, 2), (1, 2, 3), (2, 3, 4), (1, 1, 2))):
        given = _drawn(seed, x=shape, gy=shape)
        true = given["x"] * _around(given["x"]) if claim[0] == "y" else _centre_gradient(given["x"], given["gy"])
        assert proof.fails(x=shape) is _wrong(value(given), true), shape


def test_two_windows_on_one_image() -> None:
    op = sc.operator("y[i] = sum[p](x[i+p]*u[p])*sum[q](x[i+q]*v[q])", extents={"i": "L-K+1"}, where={"Q": "<= K"})
    claims: list[tuple[str, Value]] = [
        ("y = correlate(x, u)*correlate(x[:L-K+Q], v)", lambda g: _line(g["x"], g["u"]) * _some(g)),
        ("gu = correlate(x, gy*correlate(x[:L-K+Q], v))", lambda g: correlation(g["x"], g["gy"] * _some(g), "valid")),
        ("gu = correlate(x, gy)", lambda g: correlation(g["x"], g["gy"], "valid")),
    ]
    for claim, value in claims:
        proof = sc.prove(op, claim, explain=False)
        assert proof.holds is not None, proof.reason
        for seed, (size, taps, others) in enumerate(((1, 1, 1), (3, 2, 1), (4, 2, 2), (5, 3, 2), (3, 3, 1))):
            given = _drawn(seed, x=(size,), u=(taps,), v=(others,), gy=(size - taps + 1,))
            y = _line(given["x"], given["u"]) * _some(given)
            true = y if claim[0] == "y" else _line(given["x"], given["gy"] * _some(given))
            shapes = {name: given[name].shape for name in op.tensors}
            assert proof.fails(**shapes) is _wrong(value(given), true), (claim, shapes)


def _some(g: Given) -> Array:
    count = len(g["x"]) - len(g["u"]) + 1
    return _line(g["x"], g["v"])[:count]


SKIP = sc.avg_pool1d(2, 2, padding=[(0, 1)], border="skip")
PEAK = sc.max_pool1d(2, 2)


def _windows(op: sc.Operator, x: Array, n: int, c: int, i: int) -> list[int]:
    return [k for k in (2 * i, 2 * i + 1) if k < x.shape[2]]


def _pooled(op: sc.Operator, side: str, x: Array, gy: Array) -> Array:
    found = wide(gy.shape if side == "y" else x.shape)
    for n, c, i in np.ndindex(*gy.shape):
        taps = _windows(op, x, n, c, i)
        if op is SKIP:
            shares = {k: Fraction(1, len(taps)) for k in taps}
        else:
            best = max(taps, key=lambda k: (x[n, c, k], -k))
            shares = {best: Fraction(1)}
        for k, share in shares.items():
            if side == "y":
                found[n, c, i] += share * x[n, c, k]
            else:
                found[n, c, k] += share * gy[n, c, i]
    return found


@pytest.mark.parametrize("op", [SKIP, PEAK], ids=["skip", "max"])
@pytest.mark.parametrize(
    "claim",
    ["gx = gy", "y = x", "gx = dilate(gy, 2)/2", "gx = 0*x", "y = x[:, :, ::2]", "gx = conv_transpose(gy, gy)",
     "y = 2*x[:, :, ::2]", "gx = pad(dilate(gy, 2), 0, 0)", "y = x[:, :, :OL]"],
)  # fmt: skip
def test_counterexamples_of_pools_are_what_loops_give(op: sc.Operator, claim: str) -> None:
    """Tap counts and maxima: what is false is false, at the cell and with the value that the definition has."""
    proof = sc.prove(op, claim)
    assert proof.holds is False, str(proof)
    example = proof.counterexample
    assert example is not None
    shape = dict(example.shapes)["x"]
    assert proof.fails(x=shape)
    if example.mismatch:
        assert not example.cell
        return
    held = {name: np.array(flat, dtype=object) for name, flat in example.arrays}
    x = held["x"].reshape(shape)
    gy = held["gy"].reshape(op.output_shape(x=shape))
    assert example.want == _pooled(op, example.side, x, gy)[example.cell]
    assert example.got != example.want


def test_functions_of_sums_are_apart_where_floats_say_so() -> None:
    import math

    op = sc.operator("y[n,f,i] = tanh(sum[c,p](w[f,c,p]*x[n,c,i+p]))")
    proof = sc.prove(op, "gx = conv_transpose(gy, w)")
    assert proof.holds is False
    example = proof.counterexample
    shapes = dict(example.shapes) | {"gy": op.output_shape(**dict(example.shapes))}
    x, w, gy = (np.reshape(np.array(dict(example.arrays)[n], dtype=object), shapes[n]) for n in ("x", "w", "gy"))
    inner = convolved.forward(x, w, 1, 0, 0, 1, 1)
    slopes = np.array([1 / math.cosh(v) ** 2 for v in inner.ravel()], dtype=object).reshape(inner.shape)
    want = convolved.gradient_x(gy * slopes, x, w, 1, 0, 1, 1)[example.cell]
    got = convolved.gradient_x(gy, x, w, 1, 0, 1, 1)[example.cell]
    assert float(example.want) == pytest.approx(want, rel=1e-6, abs=1e-7)
    assert float(example.got) == pytest.approx(got, rel=1e-6)
