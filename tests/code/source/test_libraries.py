"""What the methods of functions are: known by their whole names, and not by their last ones."""

from __future__ import annotations

import pytest

import symconv as sc
from symconv.code.source.libraries import signature

TABLE = """
import numpy as np

def f_forward(u, v):
    '''u: (N,), v: (M,)'''
    return np.tanh(np.add.outer(u, v)), (u, v)

def f_backward(d, cache):
    u, v = cache
    g = d * (1 - np.tanh(u[:, None] + v[None, :])**2)
    return g.sum(axis=1), g.sum(axis=0)
"""


@pytest.mark.parametrize(("right", "other", "told"), [
    ("", "", [True, True]), ("g.sum(axis=1), g", "2 * g.sum(axis=1), g", [False, True]),
    ("u[:, None] + v", "u[:, None] * v", [False, False]),
])  # fmt: skip
def test_a_table_of_sums_is_no_outer_product(right: str, other: str, told: list[bool]) -> None:
    text = TABLE.replace(right, other) if right else TABLE
    assert [one.holds for one in sc.check(text, "f", explain=False).values()] == told
    if not right:
        assert sc.check(text.replace("u[:, None] + v[None, :]", "np.add.outer(u, v)"), "f", explain=False).holds


@pytest.mark.parametrize("path", ["numpy.exp.outer", "numpy.add.sum", "jax.numpy.add.outer", "torch.add.matmul"])
def test_methods_of_functions_are_not_taken_for_others(path: str) -> None:
    assert signature(path) is None


@pytest.mark.parametrize("path", ["numpy.outer", "numpy.linalg.outer", "torch.nn.functional.pad", "torch.linalg.norm", "tensorflow.math.log", "jax.nn.relu", "torch.special.expit", "jax.lax.conv",
                                  "jax.numpy.outer", "numpy.add.outer"])  # fmt: skip
def test_functions_of_modules_are_known(path: str) -> None:
    assert signature(path) is not None
