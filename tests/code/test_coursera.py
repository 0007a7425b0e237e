"""A convolution as courses write it on channels last: one window at a time, a bias of four axes, numbers in a dict."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.code.explain import faults

TEXT = """
import numpy as np
def zero_pad(X, pad):
    return np.pad(X, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="constant", constant_values=(0, 0))
def conv_single_step(a_slice_prev, W, b):
    s = np.multiply(a_slice_prev, W)
    return np.sum(s) + float(b)
def conv_forward(A_prev, W, b, hparameters):
    (m, n_H_prev, n_W_prev, n_C_prev) = A_prev.shape
    (f, f, n_C_prev, n_C) = W.shape
    stride = hparameters["stride"]
    pad = hparameters["pad"]
    n_H = int((n_H_prev - f + 2 * pad) / stride) + 1
    n_W = int((n_W_prev - f + 2 * pad) / stride) + 1
    Z = np.zeros((m, n_H, n_W, n_C))
    A_prev_pad = zero_pad(A_prev, pad)
    for i in range(m):
        a_prev_pad = A_prev_pad[i]
        for h in range(n_H):
            vert_start = h * stride
            for w in range(n_W):
                horiz_start = w * stride
                for c in range(n_C):
                    a_slice_prev = a_prev_pad[vert_start:vert_start + f, horiz_start:horiz_start + f, :]
                    Z[i, h, w, c] = conv_single_step(a_slice_prev, W[:, :, :, c], b[:, :, :, c])
    return Z, (A_prev, W, b, hparameters)
def conv_backward(dZ, cache):
    (A_prev, W, b, hparameters) = cache
    (m, n_H_prev, n_W_prev, n_C_prev) = A_prev.shape
    (f, f, n_C_prev, n_C) = W.shape
    stride = hparameters["stride"]
    pad = hparameters["pad"]
    (m, n_H, n_W, n_C) = dZ.shape
    dA_prev = np.zeros(A_prev.shape)
    dW = np.zeros((f, f, n_C_prev, n_C))
    db = np.zeros((1, 1, 1, n_C))
    A_prev_pad = zero_pad(A_prev, pad)
    dA_prev_pad = zero_pad(dA_prev, pad)
    for i in range(m):
        a_prev_pad = A_prev_pad[i]
        da_prev_pad = dA_prev_pad[i]
        for h in range(n_H):
            for w in range(n_W):
                for c in range(n_C):
                    top = h * stride
                    left = w * stride
                    a_slice = a_prev_pad[top:top + f, left:left + f, :]
                    da_prev_pad[top:top + f, left:left + f, :] += W[:, :, :, c] * dZ[i, h, w, c]
                    dW[:, :, :, c] += a_slice * dZ[i, h, w, c]
                    db[:, :, :, c] += dZ[i, h, w, c]
        dA_prev[i, :, :, :] = da_prev_pad[pad:-pad, pad:-pad, :]
    return dA_prev, dW, db
"""
MISTAKES = (
    ("db[:, :, :, c] += dZ[i, h, w, c]", "db[:, :, :, c] += dZ[i, h, w, c] * n_H"),
    pytest.param("dW[:, :, :, c] +=", "dW[:, :, :, c] =", marks=pytest.mark.full),
    pytest.param("top = h * stride", "top = h", marks=pytest.mark.full),
)


def right_when_run(text: str, stride: int, pad: int) -> bool:
    """Whether difference quotients of the forward function say so, at lengths that differ."""
    space: dict[str, Any] = {}
    exec(compile(text.replace("float(b)", "b.item()"), "layer", "exec"), space)  # noqa: S102
    rng = np.random.default_rng(2)
    x, w, b = rng.normal(size=(2, 6, 5, 2)), rng.normal(size=(3, 3, 2, 4)), rng.normal(size=(1, 1, 1, 4))
    numbers = {"stride": stride, "pad": pad}
    z, cache = space["conv_forward"](x, w, b, numbers)
    dz = rng.normal(size=z.shape)
    found = space["conv_backward"](dz, cache)
    good = []
    for array, gradient in zip((x, w, b), found, strict=True):
        step = rng.normal(size=array.shape) * 1e-4
        sums = []
        for sign in (1, -1):
            moved = [one + sign * step if one is array else one for one in (x, w, b)]
            sums.append((space["conv_forward"](*moved, numbers)[0] * dz).sum())
        good.append(np.isclose((sums[0] - sums[1]) / 2, (gradient * step).sum(), rtol=1e-6, atol=1e-10))
    return all(good)


def test_it_is_proved_with_the_pad_it_is_run_with() -> None:
    assert right_when_run(TEXT, 2, 1)
    proofs = sc.check(TEXT, arguments={"stride": 2, "pad": 1}, explain=False)
    assert {*proofs} == {"x", "w", "b"}
    assert proofs.holds is True


@pytest.mark.parametrize(("line", "wrong"), MISTAKES)
def test_a_mistake_in_it_is_refuted(line: str, wrong: str) -> None:
    assert TEXT.count(line) == 1
    text = TEXT.replace(line, wrong)
    assert not right_when_run(text, 2, 1)
    assert sc.check(text, arguments={"stride": 2, "pad": 1}, explain=False).holds is False


def test_a_crop_that_is_empty_without_a_pad_is_wrong_there() -> None:
    with pytest.raises(ValueError, match="broadcast"):
        right_when_run(TEXT, 1, 0)
    assert sc.check(TEXT, arguments={"stride": 1, "pad": 0}, explain=False).holds is False


def test_one_repair_of_the_line_that_stops_it_is_of_all_gradients(monkeypatch) -> None:
    # The line stops the function before any of its results is there: it is looked into once.
    searched: list[int] = []
    search = faults._searched
    monkeypatch.setattr(faults, "_searched", lambda *given: (searched.append(1), search(*given))[1])
    proofs = sc.check(TEXT, arguments={"stride": 1, "pad": 0})
    line = next(k for k, one in enumerate(TEXT.splitlines(), 1) if "[pad:-pad, pad:-pad, :]" in one)
    assert {name: proof.line for name, proof in proofs.items()} == dict.fromkeys("xwb", line)
    [repair] = {proof.repair for proof in proofs.values()}
    assert len(searched) == 1
    before, _, edited = repair.partition(": ")
    assert before == f"line {line}"
    lines = TEXT.splitlines()
    lines[line - 1] = " " * (len(lines[line - 1]) - len(lines[line - 1].lstrip())) + edited
    assert right_when_run("\n".join(lines), 1, 0) and right_when_run("\n".join(lines), 2, 1)
    assert sc.check("\n".join(lines), arguments={"stride": 1, "pad": 0}, explain=False).holds is True
