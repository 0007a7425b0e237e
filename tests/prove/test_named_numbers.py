"""Numbers and sizes that a claim gives names to, and counts of elements as NumPy and PyTorch write them."""

from __future__ import annotations

import pytest

import symconv as sc

NORM = (
    "m[c] = mean[n,i](x[n,c,i]); v[c] = mean[n,i]((x[n,c,i] - m[c])**2);"
    "y[n,c,i] = g[c]*(x[n,c,i] - m[c])/sqrt(v[c] + 0.001) + b[c]"
)
WHOLE = (
    "s = 1/sqrt(v[None,:,None] + 0.001); h = (x - m[None,:,None])*s; M = {count};"
    "gx = g[None,:,None]*s/M*(M*gy - gy.sum((0,2), keepdims=True) - h*(gy*h).sum((0,2), keepdims=True))"
)


@pytest.fixture(scope="module")
def norm() -> sc.Operator:
    return sc.operator(NORM)


@pytest.mark.parametrize(
    ("count", "right"),
    [("N*L", True), ("x.size/len(g)", True), ("x.shape[0]*x.shape[2]", True), ("x.numel()/C", True),
     ("x.numel()//C", True), ("N", False), ("x.size", False), ("N*L - 1", False)],
)  # fmt: skip
def test_the_number_of_samples_of_a_norm(count: str, right: bool) -> None:
    op = sc.operator(NORM, extents={"i": "L"})
    assert sc.prove(op, WHOLE.format(count=count)).holds is right


@pytest.mark.parametrize(
    ("claim", "right"),
    [
        ("k = 2; gb = gy.sum((0,2))*k/2", True),
        ("k = 2; gb = gy.sum((0,2))*k", False),
        ("M = N*I; K = M/I; gb = gy.mean(0).sum(-1)*K", True),
        ("M = N*I; K = M//I; gb = gy.mean(0).sum(-1)*K", True),
        ("M = N*I; K = M//N; gb = gy.mean(0).sum(-1)*K", False),
        ("M = N; gb[c] = sum[n<M,i](gy[n,c,i])", True),
        ("M = N - 1; gb[c] = sum[n<M,i](gy[n,c,i])", False),
        ("n = N; gb[c] = sum[n,i](gy[n,c,i])", True),
        ("I = x.shape[2]; gb = gy.mean(2).sum(0)*I", True),
        ("M = g.shape[0]; t[n,c,i] = gy[n,c,i]*M; gb[c] = sum[n,i](t[n,c,i])/b.shape[0]", True),
        ("M = g.size; t[n,c,i] = gy[n,c,i]*M; gb[c] = sum[n,i](t[n,c,i])/len(b)", True),
    ],
)
def test_a_name_stands_for_its_number(norm: sc.Operator, claim: str, right: bool) -> None:
    assert sc.prove(norm, claim).holds is right


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("M = N*Q; gb = gy.sum((0,2))*M", "Q is unknown"),
        ("M = N*Q; gb = gy.sum((0,2))", "'*' does not join a number and a number"),
        ("N = 3; gb = gy.sum((0,2))", "N means something already"),
        ("g = 3; gb = gy.sum((0,2))", "g means something already"),
        ("M = 0; gb = gy.sum((0,2))/M", "divides by zero"),
        ("M = N; M = I; gb = gy.sum((0,2))*M", "M means something already"),
    ],
)
def test_what_is_no_number_is_refused(norm: sc.Operator, claim: str, said: str) -> None:
    with pytest.raises(sc.SpecError) as caught:
        sc.prove(norm, claim)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("claim", "right"),
    [
        ("gx = gy*np.heaviside(x, 0)", True),
        ("gx = gy*torch.heaviside(y, 0)", True),
        ("gx[n,c] = gy[n,c]*heaviside(x[n,c], 0)", True),
        ("gx = gy*np.heaviside(x, 0.5)", False),
        ("gx = gy*np.heaviside(-x, 0)", False),
        ("gx = gy - gy*np.heaviside(-x, 1)", True),
    ],
)
def test_a_step_with_its_value_at_zero(claim: str, right: bool) -> None:
    assert sc.prove(sc.operator("y[n,c] = relu(x[n,c])"), claim).holds is right
