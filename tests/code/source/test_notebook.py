"""Cells of a notebook as they stand: gradients by hand beside those of autograd."""

from __future__ import annotations

import pytest

import symconv as sc

CELL = """
import torch
import torch.nn.functional as F

# Create some input data and a convolution kernel
x = torch.randn(3, 3, 5, 5, requires_grad=True)
w = torch.randn(3, 3, 3, 3, requires_grad=True)

# Perform the convolution
y = F.conv2d(x, w, stride=1, padding=1)
loss = y.sum()

# Backpropagate gradients using auto-differentiation
loss.backward()

# Retrieve gradients of input and weights
grad_x = x.grad
grad_w = w.grad

# Compute the gradients of y with respect to x and w using manual computation
grad_y = torch.autograd.grad(loss, y, retain_graph=True)[0]
grad_x_manual = F.conv_transpose2d(grad_y, w, stride=1, padding=1)
grad_w_manual = F.conv2d(x, grad_y, stride=1, padding=1)

print(grad_x_manual)
"""

SCIPY = """
import numpy as np
from scipy.signal import convolve2d

def convolve2d_gradient(x, w, d):
    # Flip the filter in both directions for cross-correlation
    w_flipped = np.flip(np.flip(w, axis=0), axis=1)
    dx = convolve2d(d, w_flipped, mode='full')[:x.shape[0], :x.shape[1]]
    dw = convolve2d(np.flip(np.flip(x, axis=0), axis=1), d, mode='valid')
    return dx, dw
"""


def test_a_cell_says_forward_and_gradients() -> None:
    proofs = sc.check(CELL)
    assert str(proofs["x"].operator).startswith("conv2d(padding=1)")
    assert (proofs["x"].holds, proofs["w"].holds) == (True, False)
    assert proofs["w"].line == CELL.splitlines().index("grad_w_manual = F.conv2d(x, grad_y, stride=1, padding=1)") + 1
    assert "transpose(0, 1)" in proofs["w"].repair


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("grad_x = F.conv2d(grad_y, w.flip([2, 3]), padding=1)", False),
        ("grad_x = F.conv_transpose2d(grad_y, w, padding=1)", True),
        ("grad_w = F.conv2d(x.transpose(0, 1), grad_y, padding=1)", False),
        ("grad_w = F.conv2d(x.transpose(0, 1), grad_y.transpose(0, 1), padding=1).transpose(0, 1)", True),
    ],
)
def test_one_line_of_a_cell_is_decided_for_an_operator(line: str, right: bool) -> None:
    proofs = sc.prove(sc.conv2d(padding=1), code=line + "\n")
    assert proofs.holds is right
    assert right or next(iter(proofs.values())).line == 1


def test_the_function_of_a_cell_is_refuted_line_by_line() -> None:
    op = sc.operator("y[i,j] = sum[p,q](x[i+p,j+q]*w[p,q])")
    proofs = sc.prove(op, code=SCIPY)
    assert (proofs["x"].holds, proofs["w"].holds) == (False, False)
    repaired = SCIPY
    for proof in proofs.values():
        number, _, text = proof.repair.removeprefix("line ").partition(": ")
        lines = repaired.splitlines()
        indent = len(lines[int(number) - 1]) - len(lines[int(number) - 1].lstrip())
        lines[int(number) - 1] = " " * indent + text
        repaired = "\n".join(lines) + "\n"
    assert sc.prove(op, code=repaired).holds is True


def test_a_cell_without_a_gradient_by_hand_is_refused() -> None:
    with pytest.raises(sc.SpecError, match="no line that computes a gradient"):
        sc.prove(sc.conv2d(), code="x = 3\nprint(x)\n")
