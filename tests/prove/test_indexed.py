"""Claims in index notation: decided ones, and the numbers of the notation against loops written out here."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from test_decisions import corners, wrong

import symconv as sc
from symconv.errors import SpecError
from symconv.prove.concrete.evaluate import evaluate
from symconv.prove.language.parse import parse_claim

STRIDED = "sc.conv1d(stride=2, padding=1)"
OPERATORS = {
    STRIDED: lambda: sc.conv1d(stride=2, padding=1),
    "plane": lambda: sc.conv2d(stride=(2, 3), padding=(1, 0), dilation=(1, 2)),
    "groups": lambda: sc.conv2d(stride=2, padding=1, groups=2),
    "last": lambda: sc.conv1d(stride=2, padding=((1, 0),), layout="NHWC"),
    "biased": lambda: sc.conv1d(bias=True),
    "quotient": lambda: sc.operator("y[n,i] = x[n,i]/w[i]"),
    "softmax": lambda: sc.operator("y[n,c] = exp(x[n,c])/sum[k](exp(x[n,k]))"),
    "layer": lambda: sc.operator("y[n,f] = tanh(sum[c](x[n,c]*w[f,c]))"),
    "relu": lambda: sc.operator("y[n,i] = relu(x[n,i])"),
    "cube": lambda: sc.operator("y[n,i] = x[n,i]**3"),
}
CLAIMS = [
    (STRIDED, "gx[n,c,u] = sum[f,p](gy[n,f,(u+1-p)/2] * w[f,c,p])", True),
    (STRIDED, "gx[n,c,u] = sum[f,p](gy[n,f,(u+1-p)//2] * w[f,c,p])", False),
    (STRIDED, "gx[n,c,u] = sum[f,k](gy[n,f,(u+p-k)/s] * w[f,c,k])", True),
    (STRIDED, "gx[n,c,u] := Σ[f,i](gy[n,f,i] * w[f,c,u+1-2*i])", True),
    (STRIDED, "gx[n,c,u] = sum[f,i](gy[n,f,i] * w[f,c,u-2*i])", False),
    (STRIDED, "gx[n,c,u] = sum[f,k: (u+p-k)%s == 0](gy[n,f,(u+p-k)//s]*w[f,c,k])", True),
    (STRIDED, "gx[n,c,u] = sum[f,k: 0<=u+1-k<2*OL](gy[n,f,(u+1-k)/2]*w[f,c,k])", True),
    (STRIDED, "gx[n,c,u] = sum[f,k: 0<u+1-k<2*OL](gy[n,f,(u+1-k)/2]*w[f,c,k])", False),
    (STRIDED, "gx[n,c,u] = sum[f,k=0..K-1](gy[n,f,(u+1-k)/2]*w[f,c,k])", True),
    (STRIDED, "gx[n,c,u] = sum[f,k<2](gy[n,f,(u+1-k)/2]*w[f,c,k])", False),
    (STRIDED, "gw[f,c,k] = sum[n,i](gy[n,f,i]*x[n,c,2*i+k-1])", True),
    (STRIDED, "gw[f,c,k] = mean[n](sum[i](gy[n,f,i]*x[n,c,2*i+k-1]))", False),
    (STRIDED, "gw[f,c,k] = N*mean[n](sum[i](gy[n,f,i]*x[n,c,2*i+k-1]))", True),
    (STRIDED, "t = dilate(gy, 2); gx[n,c,u] = sum[f,k](t[n,f,u+1-k]*w[f,c,k])", True),
    (STRIDED, "t[n,c,u<L] = sum[f,k](gy[n,f,(u+1-k)/2]*w[f,c,k]); gx = t", True),
    (STRIDED, "t[n,c,u<L-1] = sum[f,k](gy[n,f,(u+1-k)/2]*w[f,c,k]); gx[n,c,u] = t[n,c,u]", False),
    (STRIDED, "t[n,c,u<L-5] = sum[f,k](gy[n,f,(u+1-k)/2]*w[f,c,k]); gx[n,c,u] = t[n,c,u]", False),
    (STRIDED, "gx[n,c,u] = sum[f,k](dilate(gy,2)[n,f,u+1-k]*w[f,c,k])", True),
    (STRIDED, "gx[n,c,u] = sum[f,k](gy[n,f,(u+2-K+k)/2]*flip(w)[f,c,k])", True),
    (STRIDED, "y[n,f,i] = sum[c,p](x[n,c,2*i+p-1]*w[f,c,p])", True),
    (STRIDED, "y[n,f,i] = sum[c,p](x[n,c,2*i+p]*w[f,c,p])", False),
    ("plane", "gx[n,c,u,v] = sum[f,p,q](gy[n,f,(u+1-p)/2,(v-2*q)/3]*w[f,c,p,q])", True),
    ("plane", "gx[n,c,u,v] = sum[f,a,b](gy[n,f,(u+p-d*a)/s,(v+p-d*b)/s]*w[f,c,a,b])", True),
    ("plane", "gx[n,c,u,v] = sum[f,p,q](gy[n,f,(u+1-p)/2,(v-q)/3]*w[f,c,p,q])", False),
    ("groups", "gx[n,(g,c),u,v] = sum[f,p,q](gy[n,(g,f),(u+1-p)/2,(v+1-q)/2]*w[(g,f),c,p,q])", True),
    ("groups", "gx[n,c,u,v] = sum[f,p,q](gy[n,f,(u+1-p)/2,(v+1-q)/2]*w[f,c,p,q])", False),
    ("last", "gx[n,u,c] = sum[f,p](gy[n,(u+1-p)/2,f]*w[p,c,f])", True),
    ("biased", "gb[f] = sum[n,i](gy[n,f,i])", True),
    ("biased", "gb[f] = sum[n,i](gy[n,f,i])/N", False),
    ("biased", "y[n,f,i] = b[f] + sum[c,p](x[n,c,i+p]*w[f,c,p])", True),
    ("quotient", "gw[i] = -sum[n](gy[n,i]*x[n,i])/w[i]**2", True),
    ("quotient", "gw[i] = -sum[n](gy[n,i]*y[n,i])/w[i]", True),
    ("quotient", "gx = gy/w", True),
    ("quotient", "gx = gy/w**2", False),
    ("softmax", "gx[n,c] = y[n,c]*(gy[n,c] - sum[k](gy[n,k]*y[n,k]))", True),
    ("softmax", "gx = y*(gy - sum(gy*y, 1, keepdims=True))", True),
    ("softmax", "gx = y*(gy - sum(gy*y, 1))", False),
    ("softmax", "gx = gy*y*(1 - y)", False),
    ("layer", "d = gy*(1 - y**2); gw[f,c] = sum[n](d[n,f]*x[n,c])", True),
    ("layer", "gx = (gy*(1 - y**2)) @ w", True),
    ("layer", "gx = (gy*(1 - y)) @ w", False),
    ("relu", "gx[n,i] = gy[n,i]*(x[n,i] > 0)", True),
    ("relu", "gx = gy*(x > 0)", True),
    ("relu", "gx = gy*(0 < x)", True),
    ("relu", "gx = gy*(x >= 0)", False),
    ("cube", "gx = 3*gy*x**2", True),
    ("cube", "gx = 3*x**2", False),
]


@pytest.mark.parametrize(("make", "text", "holds"), CLAIMS, ids=[f"{make}: {text}" for make, text, _ in CLAIMS])
def test_a_claim_is_decided_and_brute_force_agrees(make: str, text: str, holds: bool) -> None:
    op = OPERATORS[make]()
    proof = sc.prove(op, text)
    assert proof.holds is holds, str(proof)
    exact = all(word not in text + op.source for word in ("/w", "exp", "tanh", ">"))
    for shapes, _ in zip(corners(op), range(4 if exact else 0), strict=False):
        assert wrong(op, text, shapes) is proof.fails(**shapes), shapes
    if not holds:
        assert proof.counterexample is not None
    if proof.repair:
        assert sc.prove(op, proof.repair).holds


def inside(a: np.ndarray, *index: int | Fraction) -> object:
    """An element, 0 outside and between."""
    whole = all(Fraction(k).denominator == 1 and 0 <= k < n for k, n in zip(index, a.shape, strict=True))
    return a[tuple(int(k) for k in index)] if whole else 0


def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    shapes = {"x": (2, 3, 8), "w": (4, 3, 3), "gy": (2, 4, 4)}
    return {name: rng.integers(-9, 10, shape) for name, shape in shapes.items()}


def test_division_is_exact_and_outside_is_zero() -> None:
    held = arrays()
    claim = parse_claim("gx[n,c,u] = sum[f,p](gy[n,f,(u+1-p)/2]*w[f,c,p])")
    got = evaluate(claim, OPERATORS[STRIDED](), held)
    for n, c, u in np.ndindex(got.shape):
        pairs = product(range(4), range(3))
        want = sum(inside(held["gy"], n, f, Fraction(u + 1 - p, 2)) * held["w"][f, c, p] for f, p in pairs)
        assert got[n, c, u] == want


@pytest.mark.parametrize(
    ("text", "element"),
    [
        ("max[f](gy[n,f,u//2]*w[f,c,0])", lambda a, n, c, u: max(inside(a["gy"], n, f, u // 2) * a["w"][f, c, 0] for f in range(4))),
        ("min[f](w[f,c,u%3])", lambda a, n, c, u: min(a["w"][f, c, u % 3] for f in range(4))),
        ("mean[f, p: p<=f](w[f,c,p])", lambda a, n, c, u: Fraction(int(sum(a["w"][f, c, p] for f in range(4) for p in range(3) if p <= f)), 9)),
        ("sum[k: k<=u](x[n,c,k])", lambda a, n, c, u: sum(a["x"][n, c, : u + 1])),
        ("sum[k: u-3<k<=u](x[n,c,u-k]*k)", lambda a, n, c, u: sum(inside(a["x"], n, c, u - k) * k for k in range(max(0, u - 2), u + 1))),
        ("sum[k](x[n,c,2*k-u])", lambda a, n, c, u: sum(inside(a["x"], n, c, 2 * k - u) for k in range(20))),
        ("where(u < 3, x[n,c,u], -u)", lambda a, n, c, u: a["x"][n, c, u] if u < 3 else -u),
        ("maximum(x[n,c,u], 1)*(x[n,c,u] != 2)", lambda a, n, c, u: max(a["x"][n, c, u], 1) * (a["x"][n, c, u] != 2)),
        ("x[n,c,u]**2/3", lambda a, n, c, u: Fraction(int(a["x"][n, c, u]) ** 2, 3)),
    ],
)  # fmt: skip
def test_numbers_of_index_notation(text: str, element: object) -> None:
    held = arrays()
    got = evaluate(parse_claim(f"gx[n,c,u] = {text}"), OPERATORS[STRIDED](), held)
    for n, c, u in np.ndindex(got.shape):
        assert got[n, c, u] == element(held, n, c, u)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gx[n,c] = x[n,c,0]", r"gx has 3 axes, \(N, C, L\); given 2 indices"),
        ("gx[n,c,u] = x[n,c]", "x has 3 axes, and wants an index for each"),
        ("gx[n,c,u] = x", "x has 3 axes: index it"),
        ("gx[n,c,u] = flip(w)", r"as in flip\(w\)\[f,c,p,q\]"),
        ("gx[n,c,u] = sum[e](x[n,c,u])", r"say how far it runs, as in sum\[e<3\]"),
        ("gx[n,c,u] = sum[c](x[n,c,u])", "choose another index"),
        ("gx[n,c,u] = x[n,c,u/0]", "divided by a positive integer"),
        ("gx[n,c,u] = x[n,c,k]", "k is unknown"),
        ("gx = sum[k](x[k,0,0])", "the side is indexed too"),
        ("x = gy; gx = w", "choose another name"),
        (
            "t[v] = x[0,0,v+1]; gx[n,c,u] = t[u]",
            "v stands alone in no read, so how far it runs is not known: say it, as in t\\[v<L\\]",
        ),
        ("gx[n,c,u<L] = gy[n,c,u]", "leave it out; intermediates state lengths"),
    ],
)
def test_what_means_nothing_is_refused(text: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        sc.prove(OPERATORS[STRIDED](), text)
    with pytest.raises(SpecError, match=r"given|wants|index|say|choose|divided|unknown|side|alone"):
        evaluate(parse_claim(text), OPERATORS[STRIDED](), arrays())


@pytest.mark.parametrize(
    ("text", "cause", "body"),
    [
        ("gx[n,c,u] = sum[f,i](gy[n,f,i]*w[f,c,u-2*i])", "an index of w off by one", "w[f, c, u + 1 - 2*i]"),
        ("gx[n,c,u] = sum[f,p](gy[n,f,(u-p)/2]*w[f,c,p])", "an index of gy off by one", "gy[n, f, (u + 1 - p)/2]"),
        ("gx[n,c,u] = sum[f,p](gy[n,f,(u+1-p)//2]*w[f,c,p])", "a division that rounds in gy", "(u + 1 - p)/2"),
        ("gx[n,c,u] = 2*sum[f,p](gy[n,f,(u+1-p)/2]*w[f,c,p])", "factor", "gx[n,c,u] = sum[f, p]("),
    ],
)
def test_a_wrong_index_is_repaired(text: str, cause: str, body: str) -> None:
    proof = sc.prove(OPERATORS[STRIDED](), text)
    assert cause in proof.cause
    assert body in proof.repair
    assert sc.prove(OPERATORS[STRIDED](), proof.repair).holds
