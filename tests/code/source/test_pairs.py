"""Which functions are taken as forward and backward, and what is said of a name that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

import symconv as sc

LAYER = """
def forward(x, w):
    return x * w


def backward(gy, x, w):
    return gy * w, gy * x
"""


def test_a_name_that_is_misspelt_is_answered_with_the_one_that_is_meant(tmp_path: Path):
    file = tmp_path / "layer.py"
    file.write_text(LAYER)
    with pytest.raises(sc.SpecError, match=r"has no 'forwrd'; did you mean 'forward'\? There are forward, backward"):
        sc.check(f"{file}:forwrd")
    with pytest.raises(sc.SpecError, match="none match; there are forward, backward"):
        sc.check(f"{file}:something")
