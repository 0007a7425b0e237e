"""Control flow, names and keywords that are easily read wrongly: a decision never disagrees with what Python computes."""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path

import numpy as np
import pytest

import symconv as sc

FILE = Path(__file__).parent / "corpus" / "tricky.py"
spec = importlib.util.spec_from_file_location("tricky", FILE)
assert spec is not None and spec.loader is not None
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

FUNCTIONS = {name: made for name, made in vars(module).items() if inspect.isfunction(made)}
NAMES = [name for name, made in FUNCTIONS.items() if list(inspect.signature(made).parameters) == ["dout", "x"]]
OP = sc.operator("y[n,i] = 2*x[n,i]")
SHAPES = [(1, 1), (2, 3), (3, 2), (1, 43)]


def runs_right(name: str) -> bool:
    """Whether the function, run by Python, gives twice the cotangent at every shape."""
    rng = np.random.default_rng(0)
    for shape in SHAPES:
        x, gy = (rng.integers(-4, 5, shape).astype(float) for _ in range(2))
        if not np.array_equal(FUNCTIONS[name](gy, x), 2 * gy):
            return False
    return True


@pytest.mark.parametrize("name", NAMES)
def test_no_decision_disagrees_with_python(name: str) -> None:
    holds = sc.prove(OP, code=FILE, name=name)["x"].holds
    assert holds in {runs_right(name), None}


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("known_condition", False), ("known_condition_right", True), ("under_with", False), ("keyword_default", True),
        ("counted_from_one", True), ("summed_from_one", True), ("loop_with_else", True),
    ],
)  # fmt: skip
def test_what_is_read_is_decided(name: str, holds: bool) -> None:
    assert sc.prove(OP, code=FILE, name=name)["x"].holds is holds
