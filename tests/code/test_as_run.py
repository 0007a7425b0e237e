"""Code that means something else than it seems to: what Python and the libraries do with it decides."""

from __future__ import annotations

import pytest

import symconv as sc

RELU = sc.operator("y[n,i] = relu(x[n,i])")
HEAD = "import numpy as np\ndef backward(dout, x):\n    N, I = x.shape\n"
ROWS = HEAD + "    dx = np.zeros_like(x)\n    for n in range(N):\n        dx[n] = {}\n    return dx\n"
ELEMENTS = ROWS.replace("        dx[n]", "        for i in range(I):\n            dx[n, i]")


def verdict(op: sc.Operator, code: str) -> bool | None:
    """What is decided of the gradient of x."""
    return sc.prove(op, code=code, returns=("x",), explain=False)["x"].holds


@pytest.mark.parametrize(
    "code",
    [
        ROWS.format("dout[n] if x[n] > 0 else 0"),
        HEAD + "    return dout if x > 0 else 0*dout\n",
        HEAD + "    return dout*(not (x <= 0))\n",
        HEAD + "    return dout*bool(x > 0)\n",
        HEAD + "    return dout*(max(x, 0) > 0)\n",
        HEAD + "    return dout*(0 > min(0*x, -x))\n",
        HEAD + "    return dout*(x > 0) if max(x) > 0 else 0*dout\n",
    ],
)
def test_the_truth_of_an_array_with_axes_is_an_error(code: str) -> None:
    assert verdict(RELU, code) is False


@pytest.mark.parametrize("value", ["dout[n, i] if x[n, i] > 0 else 0", "dout[n, i]*(max(x[n, i], 0) > 0)",
                                   "dout[n, i]*(not (x[n, i] <= 0))"])  # fmt: skip
def test_the_truth_of_an_element_is_taken(value: str) -> None:
    assert verdict(RELU, ELEMENTS.format(value)) is True


SOFTMAX = sc.operator("y[n,i] = exp(x[n,i])/sum[j](exp(x[n,j]))")
SHIFTED = """\
{}
def backward(dout, x):
    e = torch.exp(x - {})
    y = e/e.sum(1, keepdim=True)
    return y*(dout - (dout*y).sum(1, keepdim=True))
"""
TORCH = "import torch"
BOTH = "import torch\nimport numpy as np"


@pytest.mark.parametrize(
    ("imports", "shift", "holds"),
    [
        (TORCH, "x.max(0)[0]", False), (TORCH, "torch.max(x, 0)[0]", False), (TORCH, "x.min(axis=1)[0]", False),
        (TORCH, "x.max(1, True)[0]", True), (TORCH, "torch.max(x, dim=1, keepdim=True).values", True),
        (TORCH, "x.min(1)[0][:, None]", True), (TORCH, "torch.max(x, 0*x)[:, :1]", True), (TORCH, "x.max()", True),
        (TORCH, "x.amax(1, keepdim=True)", True), (TORCH, "torch.amax(x, (0, 1), keepdim=True)", True),
        (BOTH, "x.max(dim=1, keepdim=True)[0]", True), (BOTH, "x.max(axis=1, keepdims=True)", True),
        (BOTH, "x.max(1)[0]", None),
    ],
)  # fmt: skip
def test_along_an_axis_the_maximum_of_pytorch_is_a_pair(imports: str, shift: str, holds: bool | None) -> None:
    assert verdict(SOFTMAX, SHIFTED.format(imports, shift)) is holds


def test_the_pair_of_a_maximum_is_unpacked_and_is_no_array() -> None:
    unpacked = SHIFTED.format(TORCH, "m").replace("    e =", "    m, _ = x.max(1, keepdim=True)\n    e =")
    assert verdict(SOFTMAX, unpacked) is True
    with pytest.raises(sc.SymconvError, match="an array and 2 values"):
        verdict(SOFTMAX, SHIFTED.format(TORCH, "x.max(1, keepdim=True)"))


DOUBLED = sc.operator("y[n,i] = 2*x[n,i]")


@pytest.mark.parametrize(
    ("value", "holds"),
    [
        ("2*np.roll(dout, N + 1, 0)", False), ("2*np.roll(dout, 3, 0)", False), ("2*np.roll(dout, -2*N, 0)", True),
        ("2*np.roll(np.roll(dout, N + 1, 0), -1, 0)", True), ("2*np.roll(np.roll(dout, 3, 0), -3, 0)", True),
        ("2*np.roll(np.roll(dout, 40, 0), -40, 0)", None),
    ],
)  # fmt: skip
def test_a_roll_by_more_than_the_length_turns_on(value: str, holds: bool | None) -> None:
    assert verdict(DOUBLED, HEAD + f"    return {value}\n") is holds


def test_sizes_at_which_a_roll_turns_on_are_told() -> None:
    proof = sc.prove(DOUBLED, code=HEAD + "    return 2*np.roll(dout, 3, 0)\n", returns=("x",), explain=False)["x"]
    lengths = range(1, 8)
    assert [proof.fails(x=(n, 2)) for n in lengths] == [n not in {1, 3} for n in lengths]


@pytest.mark.parametrize(
    ("imports", "value", "holds"),
    [
        (TORCH, "dout*(1 - (x <= 0))", False), (TORCH, "dout*((x > 0) - 0)", False),
        (TORCH, "dout - (x <= 0)*dout", True), (TORCH, "dout*(1 - (x <= 0).float())", True),
        ("import numpy as np", "dout*(1 - (x <= 0))", True),
    ],
)  # fmt: skip
def test_pytorch_refuses_a_difference_with_a_mask(imports: str, value: str, holds: bool) -> None:
    assert verdict(RELU, f"{imports}\ndef backward(dout, x):\n    return {value}\n") is holds


def test_roots_of_squares_of_sums_of_sizes_are_no_internal_error() -> None:
    assert verdict(DOUBLED, HEAD + "    return 2*dout*((N + I)**2)**0.5/(N + I)\n") is not False


def test_a_roll_in_a_claim_turns_on_too() -> None:
    proof = sc.prove(DOUBLED, "gx = 2*roll(gy, 3, 0)", explain=False)
    assert [proof.fails(x=(n, 2)) for n in range(1, 8)] == [n not in {1, 3} for n in range(1, 8)]


def test_a_roll_of_the_batch_is_undone_for_an_empty_batch_as_well() -> None:
    text = """
import torch
class Rolled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.roll(x, 1, 0)
    @staticmethod
    def backward(ctx, g):
        return torch.roll(g, -1, 0)
"""
    (proof,) = sc.check(text, "Rolled").values()
    assert proof.holds is True
    assert not any("empty batch" in line for line in proof.proved)


@pytest.mark.parametrize("product", ["dout @ x.T", "x.T @ dout", "np.matmul(x, dout)"])
def test_a_product_of_a_matrix_with_a_number_is_an_error(product: str) -> None:
    text = f"""
import numpy as np
def total_forward(x):
    \"\"\"x: (N,)\"\"\"
    return np.sum(x * x), x
def total_backward(dout, x):
    return {product}
"""
    with pytest.raises(sc.SpecError, match=r"line 7: a product of matrices wants arrays that have axes"):
        sc.check(text, "total", explain=False)
