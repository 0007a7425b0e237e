"""Lists for each number of a range, diagonals, products, lengths as divisors: right claims proved, wrong ones refuted.

Each right side is Python, too: NumPy computes it, and difference quotients of the formula say which are gradients.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.errors import SpecError
from symconv.prove.concrete.evaluate import Misfit, evaluate
from symconv.prove.language.parse import parse_claim

OPERATORS = {
    "product": sc.operator("y[n,f] = sum[c](x[n,c]*w[c,f])"),
    "slide": sc.operator("y[n,i] = sum[p](x[n,i+p]*w[p])"),
    "squares": sc.operator("y[i] = x[i]**2*w[i]"),
    "means": sc.operator("y[n] = mean[c](x[n,c])"),
    "factors": sc.operator("y[n] = prod[c](x[n,c])*b[n]"),
    "three": sc.operator("y[n] = prod[c](x[n,c])", extents={"c": 3}),
    "dot": sc.operator("y = sum[i](x[i]*w[i])"),
    "kink": sc.operator("y[i] = abs(x[i])"),
    "flat": sc.operator("y[n,(c,i)] = x[n,c,i]"),
    "larger": sc.operator("y[n,c,(i,a),(j,b)] = x[n,c,i,j]", extents={"a": 2, "b": 3}),
    "pooled": sc.operator("y[n,c,i] = mean[p](x[n,c,2*i+p])", extents={"p": 2}),
    "weighted": sc.operator("y[n,k] = (k + 1)*x[n,k]"),
}
SIZES = {
    "product": {"x": (2, 3), "w": (3, 4)},
    "slide": {"x": (2, 7), "w": (3,)},
    "squares": {"x": (4,), "w": (4,)},
    "means": {"x": (3, 4)},
    "factors": {"x": (3, 4), "b": (3,)},
    "three": {"x": (4, 3)},
    "dot": {"x": (5,), "w": (5,)},
    "kink": {"x": (6,)},
    "flat": {"x": (2, 3, 4)},
    "larger": {"x": (2, 3, 2, 4)},
    "pooled": {"x": (2, 3, 6)},
    "weighted": {"x": (3, 4)},
}
CLAIMS = (
    ("product", "gx", "sum(gy[:, k:k+1]*w[:, k] for k in range(F))", "sum(gy[:, k:k+1]*w[:, 0] for k in range(F))"),
    ("product", "gx", "sum([gy[:, k:k+1]*w[:, k] for k in range(F)])", "sum([gy[:, k:k+1]*w[:, k] for k in range(1, F)])"),
    ("product", "gw", "np.stack([x.T @ gy[:, k] for k in range(F)], axis=1)",
     "np.stack([x.T @ gy[:, F - 1 - k] for k in range(F)], axis=1)"),
    ("product", "gw", "np.array([(x[:, c:c+1]*gy).sum(0) for c in range(C)])",
     "np.array([(x[:, c:c+1]*gy).mean(0) for c in range(C)])"),
    ("product", "gx", "np.concatenate([(gy*w[c]).sum(1)[:, None] for c in range(C)], axis=1)",
     "np.concatenate([(gy*w[C - 1 - c]).sum(1)[:, None] for c in range(C)], axis=1)"),
    ("product", "gx", "sum(gy[:, k:k+1]*w[:, k] for k in range(0, F, 2)) + sum(gy[:, k:k+1]*w[:, k] for k in range(1, F, 2))",
     "sum(gy[:, k:k+1]*w[:, k] for k in range(0, F, 2)) + sum(gy[:, k:k+1]*w[:, k] for k in range(0, F, 2))"),
    ("product", "gw", "sum(x[n][:, None]*gy[n] for n in range(N))", "sum(x[n][:, None]*gy[0] for n in range(N))"),
    ("slide", "gw", "np.stack([(x[:, p:p+OL]*gy).sum() for p in range(K)])",
     "np.stack([(x[:, p:p+OL]*gy).sum() for p in range(K)][::-1])"),
    ("slide", "y", "sum(x[:, p:p+OL]*w[p] for p in range(K))", "sum(x[:, p:p+OL]*w[K - 1 - p] for p in range(K))"),
    ("weighted", "gx", "np.stack([gy[:, k]*(k + 1) for k in range(K)], axis=1)", "np.stack([gy[:, k]*k for k in range(K)], axis=1)"),
    ("product", "gx", "np.sum([gy[:, k:k+1]*w[:, k] for k in range(F)], axis=0)",
     "np.mean([gy[:, k:k+1]*w[:, k] for k in range(F)], axis=0)"),
    ("product", "gw", "np.array([[(x[:, c]*gy[:, f]).sum() for f in range(F)] for c in range(C)])",
     "np.array([[(x[:, c]*gy[:, f]).sum() for c in range(C)] for f in range(F)])"),
    ("larger", "gx", "sum(gy[:, :, a::2, b::3] for a in range(2) for b in range(3))",
     "sum(gy[:, :, a::2, a::3] for a in range(2) for b in range(3))"),
    ("larger", "gx", "gy.reshape(*x.shape[:3], 2, x.shape[3], 3).sum((3, 5))",
     "gy.reshape(*x.shape[:2], 2, x.shape[2], x.shape[3], 3).sum((2, 5))"),
    ("squares", "gx", "np.diag(2*x*w) @ gy", "np.diag(x*w) @ gy"),
    ("squares", "gw", "np.diag(np.outer(gy, x**2))", "np.diag(np.outer(gy, x))"),
    ("squares", "gx", "2*x*w*(np.eye(I) @ gy)", "x*w*(np.eye(I) @ gy)"),
    ("dot", "y", "np.trace(np.outer(x, w))", "np.trace(np.outer(x, x))"),
    ("dot", "y", "np.vdot(x, w)", "np.vdot(w, w)"),
    ("factors", "y", "np.prod(x, axis=1)*b", "np.prod(x, axis=0)*b"),
    ("factors", "gb", "gy*x.prod(1)", "gy*x.prod(1)*b"),
    ("factors", "gb", "(gy[:, None]*np.prod(x, axis=1, keepdims=True))[:, 0]", "gy*np.prod(2*x, axis=1)"),
    ("three", "gx", "gy[:, None]*np.stack([np.prod(x[:, 1:], axis=1), x[:, 0]*x[:, 2], x[:, 0]*x[:, 1]], 1)",
     "gy[:, None]*np.stack([np.prod(x, axis=1), x[:, 0]*x[:, 2], x[:, 0]*x[:, 1]], 1)"),
    ("means", "gx", "gy[:, None]/(x.size//N)*np.ones_like(x)", "gy[:, None]/(x.size//C)*np.ones_like(x)"),
    ("means", "gx", "gy[:, None]/((N*C)//N)*np.ones_like(x)", "gy[:, None]/((N*C)//C)*np.ones_like(x)"),
    ("means", "gx", "gy[:, None]*len(x)/x.size*np.ones_like(x)", "gy[:, None]*len(x)/C*np.ones_like(x)"),
    ("means", "gx", "gy[:, None]/C*np.ones_like(x) + (N*C) % N", "gy[:, None]/C*np.ones_like(x) + (2*N*C)//N"),
    ("flat", "gx", "gy.reshape(N, (C*I)//I, I)", "gy.reshape(N, I, (C*I)//I).transpose(0, 2, 1)"),
    ("flat", "gx", "gy.reshape(N, gy.shape[1]//I, I)", "gy.reshape(N, gy.shape[1]//C, C)"),
    ("kink", "gx", "gy*np.sign(x)*(x**2 > 0)", "gy*(x > 0)*(x**2 > 0)"),
    ("kink", "gx", "gy*np.sign(x)*(-x**2 < 0)", "gy*np.sign(x)*(x**2 < 0)"),
    ("kink", "gx", "gy*np.sign(x)*(x**2 >= 0)", "gy*np.sign(x)*(x**2 <= 0)"),
)  # fmt: skip
INDEXED = (
    ("product", "gx[n,c] = sum(gy[n,k]*w[c,k] for k in range(F))", "gx[n,c] = sum(gy[n,k]*w[c,k] for k in range(F - 1))"),
    ("product", "gx[n,c] = sum(gy[n,k]*w[c,k] for k in range(F) if k < F)",
     "gx[n,c] = sum(gy[n,k]*w[c,k] for k in range(F) if k > 0)"),
    ("product", "gw[c,f] = sum([gy[n,f]*x[n,c] for n in range(N)])", "gw[c,f] = sum([gy[n,f]*x[n,0] for n in range(N)])"),
    ("slide", "gw[q] = sum(gy[n,i]*x[n,i+q] for n in range(N) for i in range(OL))",
     "gw[q] = sum(gy[n,i]*x[n,i-q] for n in range(N) for i in range(OL))"),
    ("means", "gx[n,c] = gy[n]/x.size(1)", "gx[n,c] = gy[n]/x.size(0)"),
    ("means", "gx[n,c] = gy[n]*x.shape[0]/x.size", "gx[n,c] = gy[n]/x.size"),
    ("means", "gx[n,c] = gy[n]*N/x.numel()", "gx[n,c] = gy[n]*N/x.shape[0]"),
    ("means", "gx[n,c] = gy[n]/((N*C)//N)", "gx[n,c] = gy[n]/((N*C)//C)"),
    ("factors", "y[n] = b[n]*prod[c](x[n,c])", "y[n] = b[n]*prod[c](x[n,c]*2)"),
    ("three", "y[n] = prod[c](x[n,c])", "y[n] = prod[c](x[n,c] + 1)"),
    ("larger", "y = F.interpolate(x, size=(2*I, 3*J))", "y = F.interpolate(x, size=(3*I, 2*J))"),
    ("larger", 'y = F.interpolate(x, size=(2*I, 3*J), mode="nearest")', "y = F.interpolate(2*x, size=(2*I, 3*J))"),
)  # fmt: skip


def ids(rows: Any) -> list[str]:
    return [f"{row[0]}: {row[2] if len(row) > 3 else row[1]}" for row in rows]


def numbers(name: str, floats: bool) -> dict[str, np.ndarray]:
    """Operands and the cotangent."""
    op, rng = OPERATORS[name], np.random.default_rng(3)
    shapes = {**SIZES[name], f"g{op.output.name}": op.output_shape(**SIZES[name])}
    draw = (lambda shape: rng.normal(size=shape)) if floats else (lambda shape: rng.integers(-3, 4, shape))
    return {tensor: np.asarray(draw(shape)) for tensor, shape in shapes.items()}


def by_numpy(name: str, text: str, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """A right side as Python computes it."""
    op = OPERATORS[name]
    sizes: dict[str, Any] = dict(op.sizes(**SIZES[name]))
    if name == "slide":
        sizes |= {"OL": op.output_shape(**SIZES[name])[1], "K": SIZES[name]["w"][0]}
    return np.asarray(eval(text, {"np": np, **sizes, **arrays}))  # noqa: S307


def quotients(name: str, side: str) -> np.ndarray:
    """The gradient along each element of a tensor, or the output itself."""
    op, arrays = OPERATORS[name], numbers(name, True)
    kernel = sc.build(op, dtype="float64")
    if side == "y":
        return np.asarray(kernel.forward(*(arrays[one] for one in op.tensors)))
    found = np.zeros(arrays[side[1:]].shape)
    for cell in np.ndindex(found.shape):
        ends = []
        for step in (1e-6, -1e-6):
            moved = arrays[side[1:]].copy()
            moved[cell] += step
            operands = {**arrays, side[1:]: moved}
            ends.append((kernel.forward(*(operands[one] for one in op.tensors)) * arrays["gy"]).sum())
        found[cell] = (ends[0] - ends[1]) / 2e-6
    return found


@pytest.mark.parametrize(("name", "side", "right", "wrong"), CLAIMS, ids=ids(CLAIMS))
def test_right_claims_are_proved_and_wrong_ones_are_not(name: str, side: str, right: str, wrong: str) -> None:
    assert sc.prove(OPERATORS[name], f"{side} = {right}").holds is True
    proof = sc.prove(OPERATORS[name], f"{side} = {wrong}")
    assert proof.holds is False and proof.counterexample is not None


@pytest.mark.parametrize(("name", "side", "right", "wrong"), CLAIMS, ids=ids(CLAIMS))
def test_numpy_computes_the_same(name: str, side: str, right: str, wrong: str) -> None:
    whole, floats = numbers(name, False), numbers(name, True)
    for text in (right, wrong):
        if side != "y":
            try:
                got = evaluate(parse_claim(f"{side} = {text}"), OPERATORS[name], whole)
            except Misfit as reason:
                assert text == wrong and reason.result is not None
                got = reason.result
            assert np.array_equal(got.astype(float), by_numpy(name, text, whole))
    want = quotients(name, side)
    assert np.allclose(by_numpy(name, right, floats), want, atol=1e-6)
    try:
        other = by_numpy(name, wrong, floats)
    except ValueError:
        return  # its shapes do not fit
    assert other.shape != want.shape or not np.allclose(other, want, atol=1e-6)


@pytest.mark.parametrize(("name", "right", "wrong"), INDEXED, ids=ids(INDEXED))
def test_lists_and_lengths_among_indices(name: str, right: str, wrong: str) -> None:
    assert sc.prove(OPERATORS[name], right).holds is True
    proof = sc.prove(OPERATORS[name], wrong)
    assert proof.holds is False and proof.counterexample is not None


def test_an_image_that_is_resized_is_right_where_the_factor_is_whole() -> None:
    proof = sc.prove(OPERATORS["pooled"], "gx = F.interpolate(gy[:, :, :, None], size=(H, 1))[:, :, :, 0]/2")
    # Of an odd length the last element belongs to no window, and an image that is resized has something there.
    assert proof.holds is False and proof.counterexample is not None
    assert dict(proof.counterexample.shapes)["x"][2] % 2 == 1


SPREAD = {
    "torch.var(x, 1)": 1, "torch.var(x, 1, unbiased=False)": 0, "torch.var(x, 1, correction=1)": 1, "np.var(x, axis=1)": 0,
    "x.var(axis=1)": 0, "x.var(dim=1)": 1, "x.var(1, keepdim=True)[:, 0]": 1, "torch.abs(x.var(1))": 1, "np.abs(x.var(1))": 0,
    "x.var(1, ddof=1)": 1, "x.var(1)": 0,
}  # fmt: skip


@pytest.mark.parametrize("text", SPREAD)
def test_whose_variance_it_is_says_what_it_divides_by(text: str) -> None:
    by = "mean" if not SPREAD[text] else "sum"
    less = "/(C - 1)" if SPREAD[text] else ""
    op = sc.operator("y[n] = sum[c](x[n,c]**2) + 0*b[n]")
    right = f"t = x - x.mean(1)[:, None]; y = {by}(t**2, 1){less} - {text} + sum(x**2, 1) + 0*b"
    shapes = {"x": (2, 3), "b": (2,)}
    arrays = {name: np.arange(1, 1 + np.prod(shape)).reshape(shape) ** 2 for name, shape in shapes.items()}
    assert np.array_equal(evaluate(parse_claim(right), op, arrays), (arrays["x"] ** 2).sum(1))


PADS = (
    ("y[n,c] = x[n,c+1]*w[n]", "gx = F.pad(gy*w[:, None], (1, 0))", "gx = F.pad(gy*w[:, None], (0, 1))"),
    ("y[n,c] = sum[p](x[n,c+p])*w[n]", "y = F.pad(x, (0, 0)).unfold(1, 2, 1).sum(-1)*w[:, None]",
     "y = F.pad(x, (0, 1)).unfold(1, 2, 1).sum(-1)[:, 1:]*w[:, None]"),
)  # fmt: skip


@pytest.mark.parametrize(("formula", "right", "wrong"), PADS, ids=[right for _, right, _ in PADS])
def test_a_flat_pad_of_torch_is_of_the_last_axes(formula: str, right: str, wrong: str) -> None:
    op = sc.operator(formula, extents={"p": 2} if "sum" in formula else {})
    assert sc.prove(op, right).holds is True
    assert sc.prove(op, wrong).holds is False


TURNED = (
    ("gx = torch.matmul(gy, w.transpose(0, 1))", "gx = torch.matmul(gy.transpose(0, 1), w)"),
    ("gx = np.matmul(gy, np.transpose(w).transpose(0, 1))", "gx = np.matmul(gy, w.transpose(0, 1))"),
    ("gx = gy @ w.transpose(1, 0)", "gx = gy @ w"),
)


@pytest.mark.parametrize(("right", "wrong"), TURNED, ids=[right for right, _ in TURNED])
def test_two_axes_are_exchanged_in_torch_and_ordered_in_numpy(right: str, wrong: str) -> None:
    assert sc.prove(OPERATORS["product"], right).holds is True
    assert sc.prove(OPERATORS["product"], wrong).holds is False


REFUSED = (
    ("gx = gy @ w.transpose(0, 1)", "leaves them in NumPy"),
    ("gx = gy.reshape(*N, C)", "a star is read"),
    ("gx = F.pad(gy, (1, 0, 2))", "two numbers for each axis"),
    ("gx = sum(gy[:, k:k+1]*w[:, k] for k in F)", "for k in range"),
    ("gx = sum(gy[:, k:k+1]*w[:, k] for k, j in range(F))", "for k in range"),
    ("gx = sum(gy[:, k:k+1]*w[:, k] for k in range(F) if k > 0)", "where the side is indexed"),
    ("gx = sum(gy[:, k:k+1]*w[:, k] for k in range(0, F, 1, 1))", "range takes"),
    ("gx[n,c] = sum(gy[n,k]*w[c,k] for k in range(0, F, 2))", "no step"),
    ("gx = np.array(gy)", "for each number"),
    ("gx = np.diag(gy, 1)", "main diagonal"),
    ("gx = np.eye() @ gy", "how many rows"),
    ("gx = F.interpolate(gy, size=(3, 3), scale_factor=2)", "a size or a scale_factor"),
)


@pytest.mark.parametrize(("claim", "said"), REFUSED, ids=[claim for claim, _ in REFUSED])
def test_what_is_not_read_is_said_in_words(claim: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        sc.prove(OPERATORS["product"], claim)


def test_a_claim_that_is_printed_is_read_again() -> None:
    for text in ("gx = sum([gy[:, k:k + 1]*w[:, k] for k in range(F)], 0)", "gx = [gy[0]*k for k in range(1, N, 2)]"):
        claim = parse_claim(text)
        assert str(claim) == text and parse_claim(str(claim)).body == claim.body
