"""Calls that are planned once and made without Python: from a thread that holds no GIL they compute what kernels do."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.fixed import FixedCall, fixed_call

Array = np.ndarray[Any, Any]
_NUMBERS = ctypes.POINTER(ctypes.c_ssize_t)
_POINTERS = ctypes.POINTER(ctypes.c_void_p)
# A function of this kind is called with the GIL released.
_RUN = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_uint,
    _POINTERS,
    _POINTERS,
    _NUMBERS,
    _NUMBERS,
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_ssize_t,
)


def run(call: FixedCall, given: tuple[Array, ...], made: tuple[Array | None, ...]) -> int:
    pointers = (ctypes.c_void_p * len(given))(*(array.ctypes.data for array in given))
    results = (ctypes.c_void_p * len(made))(*(None if array is None else array.ctypes.data for array in made))
    sizes, plan = (ctypes.c_ssize_t * max(1, len(n)) for n in (call.sizes, call.plan))
    function = _RUN(call.address)
    return function(call.mask, pointers, results, sizes(*call.sizes), plan(*call.plan), call.threads, None, 0)


def drawn(*shapes: tuple[int, ...]) -> tuple[Array, ...]:
    rng = np.random.default_rng(7)
    return tuple(rng.integers(-3, 4, shape).astype(np.float32) for shape in shapes)


@pytest.mark.parametrize(
    ("x", "w"), [((2, 3, 7, 9), (4, 3, 3, 2)), ((1, 3, 8, 5), (2, 3, 3, 2)), ((0, 3, 7, 9), (4, 3, 3, 2))]
)
def test_the_same_numbers_as_the_kernel(x: tuple[int, ...], w: tuple[int, ...]) -> None:
    op = sc.conv2d(stride=(2, 1), padding=(1, 0))
    kernel = sc.build(op, threads=2)
    given = drawn(x, w)
    gy = drawn(op.output_shape(x=x, w=w))[0]

    y = np.full(gy.shape, np.nan, np.float32)
    forward = fixed_call(kernel.entry("forward"), (x, w), 1, 1)
    assert run(forward, given, (y,)) == 0
    assert (y == kernel(*given)).all()

    gw = np.full(w, np.nan, np.float32)
    backward = fixed_call(kernel.entry("backward"), (gy.shape, x, w), 2, 2)
    assert run(backward, (gy, *given), (None, gw)) == 0
    assert (gw == kernel.backward(gy, *given).w).all()
    assert forward.key != backward.key


@pytest.mark.full
def test_much_work_takes_the_larger_module_and_a_plan() -> None:
    kernel = sc.build(sc.conv2d(stride=(2, 1), padding=(1, 0)), threads=2)
    small = fixed_call(kernel.entry("forward"), ((2, 3, 7, 9), (4, 3, 3, 2)), 1, 1)
    large = fixed_call(kernel.entry("forward"), ((4, 8, 99, 97), (16, 8, 3, 2)), 1, 1)
    assert not small.plan
    assert large.plan
    assert small.key != large.key


@pytest.mark.full
def test_formulas_with_a_stage_and_none_with_sizes() -> None:
    op = sc.operator("y[n,f,i] = tanh(sum[c,p](x[n,c,2*i+p-1] * w[f,c,p]))")
    kernel = sc.build(op, dtype="float64", threads=1)
    x, w = (array.astype(np.float64) for array in drawn((2, 3, 8), (4, 3, 3)))
    gy = np.ones(op.output_shape(x=x.shape, w=w.shape))
    gx, gw = np.empty_like(x), np.empty_like(w)
    call = fixed_call(kernel.entry("backward"), (gy.shape, x.shape, w.shape), 3, 2)
    assert run(call, (gy, x, w), (gx, gw)) == 0
    wanted = kernel.backward(gy, x, w)
    assert (gx == wanted.x).all()
    assert (gw == wanted.w).all()


@pytest.mark.full
def test_plans_can_be_measured_without_arrays() -> None:
    kernel = sc.build(sc.conv1d(), dtype="float64", threads=1, tune=True)
    call = fixed_call(kernel.entry("forward"), ((4, 32, 600), (32, 32, 5)), 1, 1)
    x, w = (array.astype(np.float64) for array in drawn((4, 32, 600), (32, 32, 5)))
    y = np.empty((4, 32, 596))
    assert run(call, (x, w), (y,)) == 0
    assert np.allclose(y, sc.build(sc.conv1d(), dtype="float64", threads=1, accuracy="strict")(x, w))
