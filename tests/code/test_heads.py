"""Attention as courses write it, one head and several: right ones proved, wrong ones found; none that runs wrong is
proved."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import symconv as sc

SOFTMAX = """
import numpy as np


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


"""

ONE = (
    SOFTMAX
    + """
def attention_forward(x, Wq, Wk, Wv, Wo):
    B, T, D = x.shape
    q = x @ Wq
    k = x @ Wk
    v = x @ Wv
    a = softmax(q @ k.transpose(0, 2, 1) / np.sqrt(D))
    o = a @ v
    return o @ Wo, (x, Wq, Wk, Wv, Wo, q, k, v, a, o)


def attention_backward(dout, cache):
    x, Wq, Wk, Wv, Wo, q, k, v, a, o = cache
    B, T, D = x.shape
    dWo = np.einsum("btd,bte->de", o, dout)
    do = dout @ Wo.T
    da = do @ v.transpose(0, 2, 1)
    dv = a.transpose(0, 2, 1) @ do
    ds = a * (da - (da * a).sum(axis=-1, keepdims=True)) / np.sqrt(D)
    dq = ds @ k
    dk = ds.transpose(0, 2, 1) @ q
    dWq = np.einsum("btd,bte->de", x, dq)
    dWk = np.einsum("btd,bte->de", x, dk)
    dWv = np.einsum("btd,bte->de", x, dv)
    dx = dq @ Wq.T + dk @ Wk.T + dv @ Wv.T
    return dx, dWq, dWk, dWv, dWo
"""
)

SEVERAL = (
    SOFTMAX
    + """
def attention_forward(x, Wq, Wk, Wv, Wo, num_heads):
    B, T, D = x.shape
    d = D // num_heads
    q = (x @ Wq).reshape(B, T, num_heads, d).transpose(0, 2, 1, 3)
    k = (x @ Wk).reshape(B, T, num_heads, d).transpose(0, 2, 1, 3)
    v = (x @ Wv).reshape(B, T, num_heads, d).transpose(0, 2, 1, 3)
    a = softmax(np.einsum("bhid,bhjd->bhij", q, k) / np.sqrt(d))
    o = np.einsum("bhij,bhjd->bhid", a, v).transpose(0, 2, 1, 3).reshape(B, T, D)
    return o @ Wo, (x, Wq, Wk, Wv, Wo, q, k, v, a, o, num_heads)


def attention_backward(dout, cache):
    x, Wq, Wk, Wv, Wo, q, k, v, a, o, num_heads = cache
    B, T, D = x.shape
    d = D // num_heads
    dWo = np.einsum("btd,bte->de", o, dout)
    do = (dout @ Wo.T).reshape(B, T, num_heads, d).transpose(0, 2, 1, 3)
    da = np.einsum("bhid,bhjd->bhij", do, v)
    dv = np.einsum("bhij,bhid->bhjd", a, do)
    ds = a * (da - (da * a).sum(axis=-1, keepdims=True)) / np.sqrt(d)
    dq = np.einsum("bhij,bhjd->bhid", ds, k).transpose(0, 2, 1, 3).reshape(B, T, D)
    dk = np.einsum("bhij,bhid->bhjd", ds, q).transpose(0, 2, 1, 3).reshape(B, T, D)
    dv = dv.transpose(0, 2, 1, 3).reshape(B, T, D)
    dWq = np.einsum("btd,bte->de", x, dq)
    dWk = np.einsum("btd,bte->de", x, dk)
    dWv = np.einsum("btd,bte->de", x, dv)
    dx = dq @ Wq.T + dk @ Wk.T + dv @ Wv.T
    return dx, dWq, dWk, dWv, dWo
"""
)

WRONG = {
    "slope of softmax": (ONE, "(da - (da * a).sum(axis=-1, keepdims=True))", "da", ("x", "Wq", "Wk")),
    "values left out": (ONE, " + dv @ Wv.T", "", ("x",)),
    "heads not moved back": (SEVERAL, "dv = dv.transpose(0, 2, 1, 3).reshape", "dv = dv.reshape", ("x", "Wv")),
}

MORE = {
    "weights not transposed": (ONE, "dq @ Wq.T + dk", "dq @ Wq + dk", ("x",)),
    "sum over the other axis": (ONE, "(da * a).sum(axis=-1", "(da * a).sum(axis=1", ("x", "Wq", "Wk")),
    "queries for keys": (ONE, "dk = ds.transpose(0, 2, 1) @ q", "dk = ds.transpose(0, 2, 1) @ k", ("x", "Wk")),
    "scores not transposed": (ONE, "dk = ds.transpose(0, 2, 1) @ q", "dk = ds @ q", ("x", "Wk")),
    "not scaled": (ONE, "keepdims=True)) / np.sqrt(D)", "keepdims=True))", ("x", "Wq", "Wk")),
    "keys of other heads": (SEVERAL, '"bhij,bhjd->bhid", ds, k', '"bhij,bhjd->bhid", ds, k[:, ::-1]', ("x", "Wq")),
    "length of all heads": (SEVERAL, "keepdims=True)) / np.sqrt(d)", "keepdims=True)) / np.sqrt(D)", ("x", "Wq", "Wk")),
}  # fmt: skip


def as_run(code: str, heads: tuple[int, ...]) -> dict[str, bool]:
    """Which gradients are those of difference quotients, along drawn directions."""
    space: dict[str, Callable[..., tuple[np.ndarray, ...]]] = {}
    exec(compile(code, "attention", "exec"), space)  # noqa: S102
    rng = np.random.default_rng(5)
    shapes = {"x": (2, 3, 4), **dict.fromkeys(("Wq", "Wk", "Wv"), (4, 4)), "Wo": (4, 5)}
    arrays = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    dout = rng.normal(size=(2, 3, 5))

    def loss(**changed: np.ndarray) -> float:
        return float((space["attention_forward"](*{**arrays, **changed}.values(), *heads)[0] * dout).sum())

    found = {}
    got = space["attention_backward"](dout, space["attention_forward"](*arrays.values(), *heads)[1])
    for name, one in zip(arrays, got, strict=True):
        ways = rng.normal(size=(4, *shapes[name])) * 1e-5
        found[name] = all(
            abs(loss(**{name: arrays[name] + way}) - loss(**{name: arrays[name] - way}) - 2 * (one * way).sum()) < 1e-11
            for way in ways
        )
    return found


@pytest.mark.parametrize("text", ["one", "several"])
def test_attention_is_proved(text: str) -> None:
    code, heads = {"one": (ONE, ()), "several": (SEVERAL, (2,))}[text]
    assert all(as_run(code, heads).values())
    found = sc.check(code, arguments=dict.fromkeys(("num_heads",) if heads else (), 2), explain=False)
    assert found.holds and list(found) == ["x", "Wq", "Wk", "Wv", "Wo"]
    if heads:
        told = " ".join(str(found["Wo"]).split())
        assert "Wo[(a,b),i]" in told and "Wq is 2*L x 2*L" in told


def mistaken(case: tuple[str, str, str, tuple[str, ...]]) -> tuple[str, tuple[int, ...]]:
    """The text with its mistake, which runs wrong, and the number of its heads."""
    text, old, new, wrong = case
    assert text.count(old) == 1
    code, heads = text.replace(old, new), (2,) if text is SEVERAL else ()
    assert {name for name, holds in as_run(code, heads).items() if not holds} == set(wrong)
    return code, heads


@pytest.mark.parametrize("case", [*WRONG, *(pytest.param(one, marks=pytest.mark.full) for one in MORE)])
def test_wrong_attention_is_found(case: str) -> None:
    code, heads = mistaken((WRONG | MORE)[case])
    wrong = (WRONG | MORE)[case][3]
    found = sc.check(code, arguments={"num_heads": 2} if heads else {}, explain=False)
    assert {name: proof.holds for name, proof in found.items()} == {name: name not in wrong for name in found}
