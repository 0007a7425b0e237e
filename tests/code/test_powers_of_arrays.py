"""Arrays to the power of arrays: where the base is above 0, as difference quotients of what is run say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.errors import SpecError

POWER = """
import numpy as np
def power_forward(x, y):
    return x ** y, (x, y)
def power_backward(g, cache):
    x, y = cache
    return g * y * x ** (y - 1), g * x ** y * np.log(x)
"""


def right_when_run(text: str) -> tuple[bool, ...]:
    space: dict[str, Any] = {}
    exec(compile(text, "power", "exec"), space)  # noqa: S102
    rng = np.random.default_rng(6)
    given = [rng.uniform(0.5, 2, size=(3, 4)), rng.normal(size=(3, 4))]
    g = rng.normal(size=(3, 4))
    found = []
    for k, gradient in enumerate(space["power_backward"](g, space["power_forward"](*given)[1])):
        ahead, behind = ([a + s * (j == k) for j, a in enumerate(given)] for s in (1e-6, -1e-6))
        slope = (space["power_forward"](*ahead)[0] - space["power_forward"](*behind)[0]) / 2e-6
        found.append(bool(np.allclose(gradient, g * slope, rtol=1e-6)))
    return tuple(found)


@pytest.mark.parametrize(
    ("old", "new", "truth"),
    [
        ("", "", (True, True)),
        ("(y - 1)", "y", (False, True)),
        ("np.log(x)", "np.log(y * y)", (True, False)),
        ("g * y * x", "g * x * x", (False, True)),
    ],
)
def test_powers(old: str, new: str, truth: tuple[bool, bool]) -> None:
    text = POWER.replace(old, new) if old else POWER
    assert right_when_run(text) == truth
    assert tuple(one.holds for one in sc.check(text, "power", explain=False).values()) == truth


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("np.sort(x)", "line 3: numpy.sort is not read; what depends on the order of elements is read for max"),
        ("np.arctan(x)", "line 3: numpy.arctan is not read; known are exp, log"),
        ("np.sqare(x)", "line 3: numpy.sqare is not read; did you mean square"),
    ],
)
def test_words_that_are_not_read_name_what_can_be_written(word: str, told: str) -> None:
    with pytest.raises(SpecError) as refused:
        sc.check(f"\ndef f_forward(x):\n    return {word}, x\ndef f_backward(dy, x):\n    return dy\n")
    assert told in str(refused.value)
