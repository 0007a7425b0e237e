"""A weight of one element that all share, as PyTorch's PReLU has: its gradient is a sum, and has one element."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc

PRELU = (
    "import numpy as np\ndef prelu_forward(x, a):\n    return np.where(x > 0, x, a * x), (x, a)\n"
    "def prelu_backward(dout, cache):\n    x, a = cache\n"
    "    return dout * np.where(x > 0, 1, a), np.array([np.sum({slope})])\n"
)
SLOPES = {"dout * x * (x <= 0)": True, "dout * x * (x > 0)": False, "dout * (x <= 0)": False}


def is_derivative(slope: str) -> bool:
    """Whether it is the difference quotient by the one weight, for arrays of 3 by 4."""
    rng = np.random.default_rng(3)
    x, dout = rng.normal(size=(2, 3, 4))
    names: dict[str, object] = {}
    exec(PRELU.format(slope=slope), names)  # noqa: S102
    forward, backward = names["prelu_forward"], names["prelu_backward"]
    assert callable(forward) and callable(backward)
    values = [np.sum(dout * forward(x, np.array([0.3 + h]))[0]) for h in (1e-6, -1e-6)]
    got = backward(dout, (x, np.array([0.3])))[1]
    return got.shape == (1,) and bool(np.isclose(got[0], (values[0] - values[1]) / 2e-6, rtol=1e-5))


@pytest.mark.parametrize("slope", SLOPES)
def test_a_sum_for_a_weight_that_all_share_is_not_called_wrong(slope: str) -> None:
    assert is_derivative(slope) is SLOPES[slope]
    found = sc.check(PRELU.format(slope=slope), explain=False)["a"]
    if SLOPES[slope]:
        assert found.holds is None and "where all share one a" in found.reason, str(found)
    else:
        assert found.holds is not True and "share" not in found.reason, str(found)


def test_a_weight_that_cannot_have_one_element_is_not_shared() -> None:
    text = (
        "import numpy as np\ndef dot_forward(x, w):\n    N, D = x.shape\n    return x @ w, (x, w)\n"
        "def dot_backward(g, cache):\n    x, w = cache\n    return np.outer(g, w), np.array([np.sum(x.T @ g)])\n"
    )
    assert sc.check(text, explain=False)["w"].holds is False
