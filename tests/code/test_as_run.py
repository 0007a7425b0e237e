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
