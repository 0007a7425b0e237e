"""Indices that are numbers, ``(i + 1)*x[i]``, and running sums, in claims and code; brute force gives each verdict too."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import symconv as sc

Array = np.ndarray
Forward = Callable[[Array], Array]


def _by(function: Callable[[int], object], out: Callable[[int], int] = lambda n: n) -> Forward:
    """The operator ``y[i] = sum of function(i)[j]*x[j]``, along the last axis."""

    def forward(x: Array) -> Array:
        n = x.shape[-1]
        matrix = np.array([[Fraction(function(i)(j, n)) for j in range(n)] for i in range(out(n))]).reshape(out(n), n)  # type: ignore[operator]
        return x @ matrix.T

    return forward


FORMULAS: dict[str, tuple[dict[str, object], Forward]] = {
    "y[n,i] = (i+1)*x[n,i]": ({}, _by(lambda i: lambda j, n: (i + 1) * (i == j))),
    "y[n,i] = x[n,i]/(i+1)": ({}, _by(lambda i: lambda j, n: Fraction(i == j, i + 1))),
    "y[n,i] = (i+1)**2*x[n,i]/(i+2)": ({}, _by(lambda i: lambda j, n: Fraction((i + 1) ** 2 * (i == j), i + 2))),
    "y[n,i] = sum[j](where(j<=i, x[n,j], 0))": ({"extents": {"i": "J"}}, _by(lambda i: lambda j, n: j <= i)),
    "y[n,i] = sum[j]((i-j)*x[n,j])": ({"extents": {"i": "J"}}, _by(lambda i: lambda j, n: i - j)),
    "y[n,i] = i*x[n,2*i]": ({}, _by(lambda i: lambda j, n: i * (j == 2 * i), lambda n: (n + 1) // 2)),
    "y[n,i] = sum[p]((p+1)*x[n,2*i+p])": (
        {"extents": {"p": 3}},
        _by(lambda i: lambda j, n: (j - 2 * i + 1) * (0 <= j - 2 * i < 3), lambda n: (n - 3) // 2 + 1),
    ),
}
FORMULAS["y[n,i] = x[n,i+1] - x[n,i]"] = ({}, _by(lambda i: lambda j, n: (j == i + 1) - (j == i), lambda n: n - 1))
SCALED, SHARED, RATIO, RUNNING, MOMENT, SPARSE, WINDOW, STEPS = FORMULAS
CLAIMS: list[tuple[str, str, bool]] = [
    (SCALED, "gx[n,i] = (i+1)*gy[n,i]", True),
    (SCALED, "gx[n,u] = u*gy[n,u] + gy[n,u]", True),
    (SCALED, "gx[n,u] = (2*u + 2)*gy[n,u]/2", True),
    (SCALED, "gx[n,u] = sum[j<=u](gy[n,u])", True),
    (SCALED, "gx[n,u] = sum[j<u](gy[n,u])", False),
    (SCALED, "gx[n,u] = u*gy[n,u]", False),
    (SCALED, "gx = gy", False),
    (SHARED, "gx[n,i] = gy[n,i]/(1+i)", True),
    (SHARED, "gx[n,i] = gy[n,i]/(i+2)", False),
    (RATIO, "gx[n,i] = (i**2 + 2*i + 1)*gy[n,i]/(i+2)", True),
    (RATIO, "gx[n,i] = (i + 1/(i+2))*gy[n,i]", True),
    (RATIO, "gx[n,i] = (i+1)*gy[n,i]/(i+2)", False),
    (RUNNING, "gx[n,j] = sum[i: j<=i<J](gy[n,i])", True),
    (RUNNING, "gx[n,j] = sum[i: i>=j](gy[n,i])", True),
    (RUNNING, "gx[n,j] = sum[i: i<=j](gy[n,i])", False),
    (RUNNING, "gx[n,j] = sum[i: i>j](gy[n,i])", False),
    (RUNNING, "gx = flip(cumsum(flip(gy, 1), 1), 1)", True),
    (RUNNING, "gx = torch.flip(torch.cumsum(torch.flip(gy, [1]), dim=1), [1])", True),
    (RUNNING, "gx = cumsum(gy, 1)", False),
    (RUNNING, "gx = flip(cumsum(flip(gy, 1), 0), 1)", False),
    (RUNNING, "gx = gy @ tril(ones((J, J)))", True),
    (RUNNING, "gx = gy @ triu(ones((J, J))).T", True),
    (RUNNING, "gx = gy @ triu(ones((J, J)), 1).T + gy", True),
    (RUNNING, "gx = gy @ triu(ones((J, J)))", False),
    (RUNNING, "gx = gy @ tril(ones((J, J)), -1)", False),
    (STEPS, "gx = -np.diff(np.pad(gy, ((0, 0), (1, 1))))", True),
    (STEPS, "gx = torch.diff(pad(gy, ((0, 0), (1, 1))), dim=1)", False),
    (MOMENT, "gx[n,j] = sum[i](i*gy[n,i]) - j*sum[i](gy[n,i])", True),
    (MOMENT, "gx[n,j] = sum[i]((i-j)*gy[n,i])", True),
    (MOMENT, "gx[n,j] = sum[i]((j-i)*gy[n,i])", False),
    (SPARSE, "gx[n,u] = (u%2==0)*gy[n,u//2]*u/2", True),
    (SPARSE, "gx[n,u] = (u%2==0)*gy[n,u//2]*u", False),
    (WINDOW, "gx[n,u] = sum[p<3](gy[n,(u-p)/2]*(p+1))", True),
    (WINDOW, "gx[n,u] = sum[i]((u-2*i+1)*gy[n,i]*(u-2*i>=0)*(u-2*i<3))", True),
    (WINDOW, "gx[n,u] = sum[p<3](gy[n,(u-p)/2]*p)", False),
]
CODE: list[tuple[str, str, bool]] = [
    (SCALED, "return dy * (np.arange(x.shape[1]) + 1)", True),
    (SCALED, "return np.arange(1, x.shape[1] + 1)[None, :] * dy", True),
    (SCALED, "return np.arange(x.shape[1]) * dy", False),
    (SCALED, "dx = np.zeros_like(x)\n    for i in range(x.shape[1]):\n        dx[:, i] = (i + 1) * dy[:, i]\n    return dx",
     True),
    (SCALED, "dx = np.zeros_like(x)\n    for i in range(x.shape[1]):\n        dx[:, i] = i * dy[:, i]\n    return dx", False),
    (SHARED, "return dy / (np.arange(x.shape[1]) + 1)", True),
    (SHARED, "dx = np.zeros_like(x)\n    for i in range(x.shape[1]):\n        dx[:, i] = dy[:, i] / (i + 1)\n    return dx",
     True),
    (RATIO, "k = np.arange(x.shape[1]) + 1\n    return dy * k ** 2 / (k + 1)", True),
    (RATIO, "k = np.arange(x.shape[1]) + 1\n    return dy * k / (k + 1)", False),
    (RUNNING, "dx = np.zeros_like(x)\n    for i in range(x.shape[1]):\n        dx[:, :i + 1] += dy[:, i:i + 1]\n    return dx",
     True),
    (RUNNING, "return np.cumsum(dy[:, ::-1], axis=1)[:, ::-1]", True),
    (RUNNING, "return dy.sum(1, keepdims=True) - np.cumsum(dy, 1) + dy", True),
    (RUNNING, "return dy @ np.tril(np.ones((x.shape[1], x.shape[1])))", True),
    (RUNNING, "return np.cumsum(dy, axis=1)", False),
    (RUNNING, "return dy.sum(1, keepdims=True) - np.cumsum(dy, 1)", False),
    (RUNNING, "return dy @ np.triu(np.ones((x.shape[1], x.shape[1])))", False),
    (STEPS, "return -np.diff(np.pad(dy, ((0, 0), (1, 1))), axis=1)", True),
    (STEPS, "return -np.diff(np.pad(dy, ((0, 0), (1, 1))), n=1)", True),
    (STEPS, "return np.diff(np.pad(dy, ((0, 0), (1, 1))))", False),
    (MOMENT, "k = np.arange(x.shape[1])\n    return ((k[:, None] - k[None, :]) * dy[:, :, None]).sum(1)", True),
]  # fmt: skip
SHAPES = ((1, 3), (2, 4), (1, 5), (2, 7))


def _operator(formula: str) -> sc.Operator:
    return sc.operator(formula, **FORMULAS[formula][0])


def _gradient(formula: str, gy: Array, shape: tuple[int, int]) -> Array:
    """From the forward function alone, which is linear: one element of x after the other."""
    found = np.zeros(shape, dtype=object)
    for at in np.ndindex(*shape):
        one = np.zeros(shape, dtype=object)
        one[at] = 1
        found[at] = (FORMULAS[formula][1](one) * gy).sum()
    return found


def _drawn(formula: str, shape: tuple[int, int]) -> tuple[Array, Array]:
    generator = np.random.default_rng(7)
    x = generator.integers(-9, 10, shape).astype(object)
    return x, generator.integers(-9, 10, FORMULAS[formula][1](x).shape).astype(object)


@pytest.mark.parametrize(("formula", "claim", "holds"), CLAIMS)
def test_claims(formula: str, claim: str, holds: bool) -> None:
    from symconv.prove.concrete.evaluate import evaluate
    from symconv.prove.language.parse import parse_claim

    op = _operator(formula)
    proof = sc.prove(op, claim, explain=False)
    assert proof.holds is holds, str(proof)
    right = []
    for shape in SHAPES:
        x, gy = _drawn(formula, shape)
        got = evaluate(parse_claim(claim), op, {"x": x, "gy": gy})
        right.append(bool((got == _gradient(formula, gy, shape)).all()))
    assert all(right) is holds


@pytest.mark.parametrize(("formula", "body", "holds"), CODE)
def test_code(formula: str, body: str, holds: bool) -> None:
    code = f"import numpy as np\n\ndef backward(dy, x):\n    {body}\n"
    proof = sc.prove(_operator(formula), code=code)["x"]
    assert proof.holds is holds, str(proof)
    made: dict[str, Callable[[Array, Array], Array]] = {}
    exec(code, made)  # noqa: S102
    right = []
    for shape in SHAPES:
        x, gy = _drawn(formula, shape)
        got = made["backward"](gy.astype(float), x.astype(float))
        right.append(np.allclose(got, _gradient(formula, gy, shape).astype(float)))
    assert all(right) is holds


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("y = np.cumsum(x)", "wants the one it runs along"),
        ("y = cumsum(x, 2)", "there is no axis 2"),
        ("y = tril(x[0])", "2 or more axes"),
        ("y = diff(x, n=99)", "of 0 to 16 times"),
    ],
)
def test_what_is_not_read_is_said(claim: str, said: str) -> None:
    with pytest.raises(sc.SpecError, match=said):
        sc.prove(_operator(RUNNING), claim, explain=False)


def test_a_layer_of_running_sums_is_checked(tmp_path: Path) -> None:
    file = tmp_path / "layer.py"
    text = """
import torch

def sums_forward(x):
    return torch.cumsum(x, 1)

def sums_backward(dy, x):
    return {}
"""
    for body, holds in (("dy.flip(1).cumsum(1).flip(1)", True), ("dy.cumsum(1)", False)):
        file.write_text(text.format(body))
        assert sc.check(f"{file}:sums")["x"].holds is holds
