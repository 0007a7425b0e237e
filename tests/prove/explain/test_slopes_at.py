"""Derivatives at several numbers in one walk of a formula."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc
from symconv.prove.explain.slopes import slopes, slopes_at


@pytest.mark.parametrize("cell", [(0, 0), (1, 2)])
def test_each_number_has_its_own_slope(cell: tuple[int, int]) -> None:
    op = sc.operator("s[n,i] = max(x[n,i], 0)*w[i]; y[n,i] = s[n,i]**2; z[n] = sum[i](x[n,i]**2)")
    rng = np.random.default_rng(0)
    arrays = {"x": rng.standard_normal((2, 3)), "w": np.array([2.0, -1.0, 3.0])}
    arrays |= {"gy": rng.standard_normal((2, 3)), "gz": rng.standard_normal(2)}
    numbers = [2.0, -1.0, 0.0, 0.5]
    weight = arrays["w"][cell[1]] ** 2
    for number, found in zip(numbers, slopes_at(op, "x", cell, arrays, numbers), strict=True):
        want_y = 2 * max(number, 0) * weight
        assert np.isclose(found.values["y"][cell], want_y, atol=1e-6)
        assert np.isclose(found.values["z"][cell[0]], 2 * number, atol=1e-6)
        whole = arrays["gy"][cell] * want_y + arrays["gz"][cell[0]] * 2 * number
        assert np.isclose(found.gradient(arrays), whole, atol=1e-6)
        assert found.whole


def test_a_kink_is_at_its_number_alone() -> None:
    op = sc.operator("y[i] = max(x[i], 0)")
    arrays = {"x": np.array([1.0, 2.0]), "gy": np.ones(2)}
    found = slopes_at(op, "x", (1,), arrays, [0.0, 1.0, -1.0])
    assert [one.whole for one in found] == [False, True, True]
    assert [float(one.values["y"][1]) for one in found[1:]] == [1.0, 0.0]
    assert slopes(op, "x", (1,), arrays).whole
    assert slopes_at(op, "x", (1,), arrays, []) == ()
