"""Calls that write into given arrays: shapes of results are solved once for each shapes of inputs, and stay checked."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest

import symconv as sc
from symconv.errors import SpecError
from symconv.notation.operator import Operator


def test_shapes_are_solved_once_for_each_sizes_and_wrong_ones_stay_wrong() -> None:
    kernel = sc.build(sc.conv1d())
    w = np.ones((4, 3, 5), np.float32)
    with mock.patch.object(Operator, "output_shapes", autospec=True, side_effect=Operator.output_shapes) as solved:
        for length in (8, 9, 8, 9):
            x, y = np.ones((2, 3, length), np.float32), np.empty((2, 4, length - 4), np.float32)
            for _ in range(2):
                assert kernel.forward(x, w, out=y) is y
                assert (y == 15).all()
                gx = np.empty_like(x)
                assert kernel.backward(y, x, w, wrt=("x",), out={"x": gx}).x is gx
                assert gx.sum() == 15 * 15 * y.size
            with pytest.raises(SpecError, match="out: wanted"):
                kernel.forward(x, w, out=np.empty((2, 4, length - 3), np.float32))
        assert solved.call_count == 2
    with pytest.raises(SpecError):
        kernel.forward(np.ones((2, 2, 8), np.float32), w, out=y)
