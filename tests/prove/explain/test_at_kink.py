"""Whether numbers lie where a part of a formula has a kink: elsewhere a counterexample is one whatever conventions say."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc
from symconv.prove.explain.places import at_kink

CASES = (
    ("y[i] = relu(x[i])", [1.0, -2.0], False),
    ("y[i] = relu(x[i])", [1.0, 0.0], True),
    ("y[i] = abs(x[i] - 3)*x[i]", [3.0, 1.0], True),
    ("y[i] = abs(x[i] - 3)*x[i]", [2.0, 1.0], False),
    ("y[i] = max(x[i], 2*x[i] - 1)", [1.0, 5.0], True),
    ("y[i] = max(x[i], 2*x[i] - 1)", [2.0, 5.0], False),
    ("y = max[i](x[i])", [2.0, 2.0], True),
    ("y = max[i](x[i])", [2.0, 3.0], False),
    ("y[i] = where(x[i] > 1, x[i], 2*x[i])", [1.0, 4.0], True),
    ("y[i] = where(x[i] > 1, x[i], 2*x[i])", [0.0, 4.0], False),
    ("y[i] = clip(x[i], -1, 2)", [2.0, 0.0], True),
    ("y[i] = clip(x[i], -1, 2)", [3.0, 0.0], False),
    ("y[i] = floor(x[i])*x[i]", [0.5, 0.25], True),
    ("y[i] = sqrt(x[i] - 1)", [1.0, 4.0], True),
    ("y[i] = sqrt(x[i] - 1)", [5.0, 4.0], False),
)


@pytest.mark.parametrize(("formula", "x", "there"), CASES, ids=[f"{formula} {x}" for formula, x, _ in CASES])
def test_arguments_that_vanish_are_seen(formula: str, x: list[float], there: bool) -> None:
    assert at_kink(sc.operator(formula), {"x": np.array(x)}) is there
