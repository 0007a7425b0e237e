"""Tiny numbers that keep logarithms finite count as 0, and only there; difference quotients are the oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symconv as sc

GUARDED = {
    "a maximum": (
        "z = np.maximum(x, 1e-12)",
        "np.log(z)",
        "g / x",
        "1e-12 (line 4) counts as 0, what it bounds is positive",
    ),
    "added": ("z = 2 * x", "np.log(z + 1e-7)", "g / x", "1e-7 (line 5) counts as 0"),
    "clipped": (
        "z = np.clip(x, 1e-7, 1 - 1e-7)",
        "np.log(z) + np.log(1 - z)",
        "g / x - g / (1 - x)",
        "1e-7 (line 4) counts as 0, what is clipped lies between 0 and 1",
    ),
}
MEANT = {
    "a maximum": ("z = np.maximum(x, 1e-12)", "2 * z", "2 * g"),
    "clipped": ("z = np.clip(x, 1e-12, 0.9999999)", "2 * z", "2 * g"),
    "logarithm of a sum": ("z = np.maximum(x, 1e-12)", "np.log(1 + z)", "g / (1 + x)"),
    "a root": ("z = x + 1e-7", "np.sqrt(z)", "g * 0.5 / np.sqrt(x)"),
}


def text_of(line: str, value: str, gradient: str) -> str:
    return (
        f"import numpy as np\n\ndef f_forward(x):\n    {line}\n    return {value}, x\n\n"
        f"def f_backward(g, x):\n    return {gradient}\n"
    )


def misses(text: str, points: np.ndarray[Any, Any]) -> bool:
    """Whether the gradient is not the difference quotient at some of these points."""
    space: dict[str, Callable[..., Any]] = {}
    exec(compile(text, "text", "exec"), space)  # noqa: S102
    h = 1e-4 * np.abs(points)
    quotients = (space["f_forward"](points + h)[0] - space["f_forward"](points - h)[0]) / (2 * h)
    return not np.allclose(space["f_backward"](np.ones_like(points), points), quotients, rtol=1e-4)


@pytest.mark.parametrize("name", GUARDED)
def test_numbers_that_keep_logarithms_finite(name: str) -> None:
    *lines, where = GUARDED[name]
    text = text_of(*lines)
    proof = sc.check(text, explain=False)["x"]
    assert proof.holds
    assert proof.where == where
    assert not misses(text, np.linspace(0.1, 0.9, 5))


@pytest.mark.parametrize("name", MEANT)
def test_numbers_that_mean_something(name: str) -> None:
    text = text_of(*MEANT[name])
    assert sc.check(text, explain=False).holds is False
    assert misses(text, np.linspace(1e-8, 5e-8, 5) if name == "a root" else np.linspace(-0.9, -0.1, 5))
