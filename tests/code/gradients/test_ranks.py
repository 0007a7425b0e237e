"""How many axes tensors have: told by shapes that are unpacked, else every number that fits is looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

SHIFTED = """
import numpy as np
def causal_forward(x, w):
    B, T, C = x.shape
    K = w.shape[0]
    y = x * w[0]
    for k in range(1, K):
        y[:, k:] += x[:, :-k] * w[k]
    return y, (x, w)
def causal_backward(dy, cache):
    x, w = cache
    K = len(w)
    dx = dy * w[0]
    dw = np.zeros_like(w)
    dw[0] = np.sum(dy * x, axis=(0, 1))
    for k in range(1, K):
        dx[:, :-k] += dy[:, k:] * w[k]
        dw[k] = np.sum(dy[:, k:] * x[:, :-k], axis=(0, 1))
    return dx, dw
"""
FIRST = """
import numpy as np
def first_forward(x, w):
    return x * w[0]
def first_backward(gy, x, w):
    dw = np.zeros_like(w)
    dw[0] = {}
    return gy * w[0], dw
"""
SEPARABLE = """
import numpy as np
def sep_forward(x, wd, wp):
    N, C, L = x.shape
    _, K = wd.shape
    out = L - K + 1
    mid = np.zeros((N, C, out))
    for p in range(K):
        mid += x[:, :, p:p + out] * wd[None, :, p, None]
    return np.einsum("ncl,fc->nfl", mid, wp), (x, wd, wp, mid)
def sep_backward(dout, cache):
    x, wd, wp, mid = cache
    K, out = wd.shape[1], dout.shape[-1]
    dmid = np.einsum("nfl,fc->ncl", dout, wp)
    dx, dwd = np.zeros_like(x), np.zeros_like(wd)
    for p in range(K):
        dx[:, :, p:p + out] += dmid * wd[:, p].reshape(1, -1, 1)
        dwd[:, p] = (x[:, :, p:p + out] * dmid).sum(axis=(0, 2))
    return dx, dwd, np.einsum("nfl,ncl->fc", dout, mid)
"""


def test_a_kernel_of_which_one_length_shows_is_not_of_one_tap() -> None:
    found = sc.check(SHIFTED, explain=False)
    assert found.holds is True
    assert [len(tensor.axes) for tensor in found["w"].operator.inputs] == [3, 2]
    for right, wrong in (("dy[:, k:] * w", "dy[:, :-k] * w"), ("x[:, :-k], axis=(0, 1)", "x[:, k:], axis=(0, 1)")):
        assert sc.check(SHIFTED.replace(right, wrong), explain=False).holds is False


@pytest.mark.parametrize("axes", ["(0, 1, 2)", "(0, 1)", "None"])
def test_what_is_right_for_other_numbers_of_axes_is_asked_for(axes: str) -> None:
    with pytest.raises(sc.SpecError, match=r"gradients are right where .* wrong where .* docstring, such as .*w: \(A"):
        sc.check(FIRST.format(f"(gy * x).sum({axes})"), explain=False)


MEANS = """
import numpy as np
def pool_forward(x):
    out = np.zeros(x.shape[0] - 2)
    for i in range(x.shape[0] - 2):
        out[i] = np.mean(x[i:i + 3])
    return out
def pool_backward(gy, x):
    gx = np.zeros_like(x)
    for i in range(gy.shape[0]):
        gx[i:i + 3] += gy[i] / 3
    return gx
"""


def test_a_mean_over_all_axes_is_divided_by_three_where_there_is_one() -> None:
    with pytest.raises(sc.SpecError, match=r"right where x has 1 .* wrong where x has 4 .*unpacking shapes: A, = x"):
        sc.check(MEANS, explain=False)
    assert sc.check(MEANS.replace("    out", "    L, = x.shape\n    out", 1), explain=False).holds is True
    assert sc.check(MEANS.replace("/ 3", "/ 2"), explain=False).holds is False


@pytest.mark.parametrize(("value", "right"), [("(gy * x).sum(0)", True), ("2 * (gy * x).sum(0)", False)])
def test_what_no_number_of_axes_makes_right_is_refuted(value: str, right: bool) -> None:
    assert sc.check(FIRST.format(value), explain=False).holds is right


@pytest.mark.parametrize(("shapes", "right"), [("A, B = w.shape", True), ("A, B, C, D = w.shape", False)])
def test_shapes_that_are_unpacked_answer(shapes: str, right: bool) -> None:
    code = FIRST.format("(gy * x).sum((0, 1, 2))").replace(
        "return x", f"{shapes}\n    E, F, G, H = x.size()\n    return x"
    )
    assert sc.check(code, explain=False).holds is right


def test_weights_of_other_numbers_of_axes_are_read() -> None:
    assert sc.check(SEPARABLE, explain=False).holds is True
    assert sc.check(SEPARABLE.replace("+= dmid", "+= 2 * dmid"), explain=False)["x"].holds is False


def test_memory_that_is_set_for_some_sizes_alone_is_no_operator() -> None:
    code = "import numpy as np\ndef p_forward(x):\n    y = np.empty_like(x)\n    y[1:] = x[1:]\n    return y\n"
    with pytest.raises(sc.SpecError, match="is not read as an operator"):
        sc.check(f"{code}def p_backward(gy):\n    return gy\n", explain=False)


MATVEC = """
import numpy as np
def vector_forward(x, w):
    return x @ w
def vector_backward(g, x, w):
    return g[:, None] * w, x.T @ g
"""
SWAPPED = """
import numpy as np
def batched_forward(x, w):
    return x @ w
def batched_backward(g, x, w):
    return g @ np.swapaxes(w, 1, 2), np.swapaxes(x, 1, 2) @ g
"""
PRODUCT = """
import torch
def product_forward(x, a, b):
    return torch.addcmul(x, a, b)
def product_backward(g, x, a, b):
    return g, g * b, {}
"""


def _quotients_agree(code: str, name: str, *operands: np.ndarray) -> bool:
    """Whether the gradients are the slopes of the forward function, which is a polynomial of degree 1 in each."""
    names: dict[str, Any] = {}
    exec(code.replace("torch.addcmul(x, a, b)", "x + a * b").replace("import torch", ""), names)  # noqa: S102
    forward, backward = names[f"{name}_forward"], names[f"{name}_backward"]
    g = np.arange(2, 2 + forward(*operands).size).reshape(forward(*operands).shape)
    for place, (one, got) in enumerate(zip(operands, backward(g, *operands), strict=True)):
        for cell in np.ndindex(one.shape):
            moved = one.copy()
            moved[cell] += 1
            more = forward(*operands[:place], moved, *operands[place + 1 :])
            if got.shape != one.shape or ((more - forward(*operands)) * g).sum() != got[cell]:
                return False
    return True


def _drawn(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(1, 9, shape) for shape in shapes]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [(MATVEC, True), (MATVEC.replace("x.T @", "2 * x.T @"), False), (MATVEC.replace("* w,", ","), False)],
)
def test_a_vector_is_found_where_matrices_never_fit(wrong: str, right: bool) -> None:
    found = sc.check(wrong, explain=False)
    assert found.holds is right
    assert [len(tensor.axes) for tensor in found["w"].operator.inputs] == [2, 1]
    assert _quotients_agree(wrong, "vector", *_drawn((3, 2), (2,))) is right


def test_of_a_wrong_pair_the_right_gradient_is_judged_where_it_is_right() -> None:
    code = SWAPPED.replace("np.swapaxes(x", "2 * np.swapaxes(x")
    found = sc.check(code, explain=False)
    assert (found["x"].holds, found["w"].holds) == (True, False)
    assert [len(tensor.axes) for tensor in found["w"].operator.inputs] == [3, 3]
    assert _quotients_agree(SWAPPED, "batched", *_drawn((2, 3, 4), (2, 4, 5)))
    assert not _quotients_agree(code, "batched", *_drawn((2, 3, 4), (2, 4, 5)))
    with pytest.raises(sc.SpecError, match="right where x has 3, w has 3"):
        sc.check(SWAPPED, explain=False)


@pytest.mark.parametrize(
    ("value", "right", "shape"),
    [("g * a", True, (2, 3)), ("2 * g * a", False, (2, 3)), ("(g * a).sum(0)", True, (3,)), ("g.sum(0)", False, (3,))],
)
def test_a_factor_is_no_bias_by_its_name(value: str, right: bool, shape: tuple[int, ...]) -> None:
    code = PRODUCT.format(value)
    assert sc.check(code, explain=False).holds is right
    assert _quotients_agree(code, "product", *_drawn((2, 3), (2, 3), shape)) is right


def test_a_bias_whose_sum_is_forgotten_stays_refuted() -> None:
    code = "def shift_forward(x, b):\n    return x + b\ndef shift_backward(g, x, b):\n    return g, {}\n"
    assert sc.check(code.format("g"), explain=False).holds is False
    assert sc.check(code.format("g.sum(0)"), explain=False).holds is True


def test_a_shape_that_backward_unpacks_and_does_not_use_tells_the_number_of_axes() -> None:
    text = """
import numpy as np
def square_forward(x):
    return x**2, x
def square_backward(dy, cache):
    x = cache
    N, D = x.shape
    return 2 * x * dy
"""
    (proof,) = sc.check(text, "square").values()
    assert proof.holds is True
    assert len(proof.operator.input("x").axes) == 2
