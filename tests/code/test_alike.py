"""What a proof about inputs of one shape says of those that are broadcast."""

from __future__ import annotations

import symconv as sc

TEXT = (
    "def layer_forward({names}):\n    return {value}, ({names})\n"
    "def layer_backward(g, cache):\n    {names} = cache\n    return {slopes}\n"
)
SAID = "x, a and b have one shape; where one is broadcast to another, nothing is said"


def test_it_is_said_that_shapes_are_equal() -> None:
    found = sc.check(TEXT.format(names="x, a, b", value="x + a*b", slopes="g, g*b, g*a"), explain=False)
    assert found.holds is True and all(SAID in str(one) for one in found.values())


def test_nothing_is_said_of_shapes_that_the_code_tells_apart() -> None:
    found = sc.check(TEXT.format(names="x, w", value="x @ w", slopes="g @ w.T, x.T @ g"), explain=False)
    assert found.holds is True and "broadcast" not in str(found)
