"""Einstein's sums in which a length of 1 meets a longer one: what a claim is said to be is what NumPy computes."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import symconv as sc

SCALED = sc.operator("y[n,i] = x[n,i]*w[i]")
LINEAR = sc.operator("y[n,f] = sum[c](x[n,c]*w[f,c])")
WORDS = {
    "gx = np.einsum('ni,ni->ni', gy, w[None])": lambda gy, x, w: np.einsum("ni,ni->ni", gy, w[None]),
    "gx = einsum('ni,mi->ni', gy, w[None])": lambda gy, x, w: np.einsum("ni,mi->ni", gy, w[None]),
    "gw = np.einsum('ni,ni->i', gy, x)": lambda gy, x, w: np.einsum("ni,ni->i", gy, x),
    "gw = np.einsum('ni,ni->i', gy[:1], x)": lambda gy, x, w: np.einsum("ni,ni->i", gy[:1], x),
    "gw = torch.einsum('ni,ni->i', gy.sum(0, keepdim=True), x)":
        lambda gy, x, w: np.einsum("ni,ni->i", gy.sum(0, keepdims=True), x),
    "gw = np.einsum('ni,in->i', gy, x)": lambda gy, x, w: np.einsum("ni,in->i", gy, x),
    "gw = np.einsum('nn,ni->i', ones((1, N)), gy*x)":
        lambda gy, x, w: np.einsum("nn,ni->i", np.ones((1, len(x)), int), gy * x),
    "gw = np.einsum('ni,ni,ni->i', gy, x, ones((1, 1)))":
        lambda gy, x, w: np.einsum("ni,ni,ni->i", gy, x, np.ones((1, 1), int)),
}  # fmt: skip
"""Claims, and the same in NumPy itself."""


def numbers(op: sc.Operator, sizes: dict[str, tuple[int, ...]]) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(sum(sizes["x"]))
    x, w = (rng.integers(1, 90, sizes[name]) for name in ("x", "w"))
    return rng.integers(1, 90, op.output_shape(**sizes)), x, w


def right(computed: Any, arrays: tuple[Any, Any, Any], want: Any) -> bool:
    try:
        got = computed(*arrays)
    except ValueError:
        return False
    return got.shape == want.shape and bool(np.array_equal(got, want))


@pytest.mark.parametrize("claim", WORDS)
def test_lengths_of_one_mean_what_numpy_means(claim: str) -> None:
    proof = sc.prove(SCALED, claim, explain=False)
    assert proof.holds is not None
    for n, i in product(range(1, 4), repeat=2):
        sizes = {"x": (n, i), "w": (i,)}
        arrays = gy, x, w = numbers(SCALED, sizes)
        want = gy * w if claim.startswith("gx") else (gy * x).sum(0)
        assert proof.fails(**sizes) != right(WORDS[claim], arrays, want), sizes


@pytest.mark.parametrize(
    ("word", "fits"),
    [("tf.einsum('nf,nc->fc', {}, x)", False), ("np.tensordot({}, x, ([0], [0]))", False),
     ("torch.tensordot({}, x, dims=([0], [0]))", True), ("jnp.einsum('nf,nc->fc', {}, x)", True),
     ("({}).T @ x", False)],
)  # fmt: skip
def test_what_a_library_broadcasts(word: str, fits: bool) -> None:
    proof = sc.prove(LINEAR, f"gw = {word.format('gy[:1]')}", explain=False)
    assert proof.holds is False
    assert proof.fails_when == "N ≥ 2"
    assert proof.mismatched_when == ("never" if fits else "N ≥ 2")
    assert sc.prove(LINEAR, f"gw = {word.format('gy')}", explain=False).holds


@pytest.mark.parametrize("library", ["np", "torch", "tf"])
def test_code_reads_them_alike(library: str) -> None:
    header = {"np": "import numpy as np", "torch": "import torch", "tf": "import tensorflow as tf"}[library]
    body = f"gw = {library}.einsum('nf,nc->fc', gy[:1], x)\n    return gy @ w, gw"
    proof = sc.prove(LINEAR, code=f"{header}\ndef backward(gy, x, w):\n    {body}\n", name="backward", explain=False)[
        "w"
    ]
    assert (proof.holds, proof.fails_when) == (False, "N ≥ 2")
    assert proof.mismatched_when == ("N ≥ 2" if library == "tf" else "never")


@pytest.mark.full
@pytest.mark.parametrize("shapes", [((1, 3), (2, 3)), ((2, 1), (3, 4)), ((2, 3), (2, 3)), ((1, 1), (3, 1))])
def test_the_libraries_themselves(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    torch, jnp = pytest.importorskip("torch"), pytest.importorskip("jax.numpy")
    tf = pytest.importorskip("tensorflow")
    a, b = (np.arange(1, 1 + np.prod(shape), dtype=np.float32).reshape(shape) for shape in shapes)
    equation = "ij,ij->j" if shapes[0][1] == shapes[1][1] else "ij,jk->ik"
    want = np.einsum(equation, a, b)
    assert np.array_equal(torch.einsum(equation, torch.tensor(a), torch.tensor(b)).numpy(), want)
    assert np.array_equal(np.asarray(jnp.einsum(equation, a, b)), want)
    if shapes[0] == shapes[1]:
        assert np.array_equal(tf.einsum(equation, a, b).numpy(), want)
    else:
        with pytest.raises(tf.errors.InvalidArgumentError):
            tf.einsum(equation, a, b)
    made = torch.tensordot(torch.tensor(a[:, :1]), torch.tensor(b), dims=([1], [0])).numpy()
    assert np.array_equal(made, np.einsum("ij,jk->ik", a[:, :1], b))
