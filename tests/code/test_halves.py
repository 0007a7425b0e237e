"""Every second element of an axis, joined: lengths are whole numbers of steps, as three of them would be broadcast."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

PAIRS = """
import numpy as np
def pool_forward(x):
    '''x: (N, L)'''
    a, b = x[:, 0::2], x[:, 1::2]
    return FORWARD, x
def pool_backward(dy, x):
    a, b = x[:, 0::2], x[:, 1::2]
    dx = np.zeros_like(x)
    dx[:, 0::2] = EVEN
    dx[:, 1::2] = ODD
    return dx
"""
PLANES = """
import numpy as np
def pool_forward(x):
    N, C, H, W = x.shape
    return (x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] - x[:, :, 1::2, 1::2]) / 4, x
def pool_backward(dy, x):
    dx = np.zeros_like(x)
    dx[:, :, ::2, ::2] = dy / 4
    dx[:, :, 1::2, ::2] = dy / 4
    dx[:, :, ::2, 1::2] = dy / 4
    dx[:, :, 1::2, 1::2] = -dy / 4
    return dx
"""


def _pairs(forward: str, even: str, odd: str) -> str:
    return PAIRS.replace("FORWARD", forward).replace("EVEN", even).replace("ODD", odd)


RIGHT = {
    "mean": _pairs("(a + b) / 2", "dy / 2", "dy / 2"),
    "product": _pairs("a * b", "dy * b", "dy * a"),
    "largest": _pairs("np.maximum(a, b)", "dy * (a >= b)", "dy * (a < b)"),
    "rotation": _pairs("a * a - 3 * b", "2 * dy * a", "-3 * dy"),
    "planes": PLANES,
}
WRONG = {
    "no share": _pairs("(a + b) / 2", "dy", "dy"),
    "its own factor": _pairs("a * b", "dy * a", "dy * b"),
    "the smaller": _pairs("np.maximum(a, b)", "dy * (a < b)", "dy * (a >= b)"),
    "no sign": PLANES.replace("-dy / 4", "dy / 4"),
    "another corner": PLANES.replace("dx[:, :, 1::2, ::2] = dy / 4", "dx[:, :, 1::2, 1::2] = dy / 4"),
}


def _is_gradient(text: str) -> bool:
    names: dict[str, Any] = {}
    exec(text, names)  # noqa: S102
    rng = np.random.default_rng(0)
    x = rng.permutation(np.linspace(-2, 2, 96)).reshape((2, 2, 6, 4) if "H, W" in text else (12, 8))
    g = rng.standard_normal(names["pool_forward"](x)[0].shape)
    got = names["pool_backward"](g, x)
    want = np.zeros_like(x)
    for cell in np.ndindex(x.shape):
        for sign in (1, -1):
            moved = x.copy()
            moved[cell] += sign * 1e-6
            want[cell] += sign * float((names["pool_forward"](moved)[0] * g).sum()) / 2e-6
    return np.allclose(got, want, atol=1e-6)


@pytest.mark.parametrize("name", RIGHT)
def test_right_ones_are_proved_for_whole_numbers_of_steps(name: str) -> None:
    assert _is_gradient(RIGHT[name])
    proofs = sc.check(RIGHT[name], explain=False)
    assert proofs.holds is True, str(proofs)
    op = proofs["x"].operator
    even, odd = ((2, 2, 6, 4), (2, 2, 6, 3)) if name == "planes" else ((3, 6), (3, 3))
    assert op.sizes(x=even)
    with pytest.raises(sc.SymconvError):
        op.sizes(x=odd)
    assert "[:" not in op.source, "conditions that hold for whole numbers of steps are not said"


@pytest.mark.parametrize("name", WRONG)
def test_slips_are_refuted(name: str) -> None:
    assert not _is_gradient(WRONG[name])
    assert sc.check(WRONG[name], explain=False).holds is False
