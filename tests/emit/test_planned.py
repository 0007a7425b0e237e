"""Modules with something to choose: plans are looked up, checked and forgotten; memory of threads; the way back."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from strips import blocked

import symconv as sc
from symconv import pipeline
from symconv.build.module import load
from symconv.emit.units import Entry, Unit
from symconv.loops.interpret import interpret
from symconv.options import Options

Array = np.ndarray[Any, Any]
OPTIONS = Options(dtype="float64", target="portable")
OP = sc.operator("y[n,i] = sum[p](x[n,i+p]*w[p])")


@pytest.fixture(scope="module")
def unit() -> Unit:
    plain = pipeline.unit(OP, OPTIONS)
    first = plain.entries[0].outputs[0][0]
    candidates = (first, blocked(first, "blocked"), blocked(first, "flawed", flaw=True))
    return Unit("u0", (Entry("forward", (candidates,)), plain.entries[1]))


@pytest.fixture(scope="module")
def module(unit: Unit) -> ModuleType:
    return load(pipeline.build_text(pipeline.generate((unit,), OPTIONS).text, OPTIONS))


def arrays(n: int, length: int, taps: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(n + length + taps)
    return rng.integers(-9, 10, (n, length)).astype(float), rng.integers(-9, 10, taps).astype(float)


def brute(x: Array, w: Array) -> Array:
    taps = len(w)
    return np.array([[sum(row[i + p] * w[p] for p in range(taps)) for i in range(len(row) - taps + 1)] for row in x])


def planned(module: ModuleType, given: tuple[Array, ...], numbers: tuple[int, ...], owner: int = 0) -> tuple[int, ...]:
    sizes: tuple[int, ...] = module.u0_forward_sizes(tuple(a.shape for a in given))
    assert module.u0_forward_plan(sizes, numbers, owner) == 0
    return sizes


@pytest.mark.parametrize("strip", [1, 2, 3, 7, 64, 2**31 - 1])
def test_a_kernel_means_the_same_for_every_number_of_a_plan(unit: Unit, strip: int) -> None:
    given = arrays(3, 17, 4)
    for candidate in unit.entries[0].outputs[0][1:]:
        values = {name: (a.shape, a.ravel().tolist()) for name, a in zip("xw", given, strict=True)}
        got = interpret(candidate.kernel, values, parameters={"T_i": strip})
        assert got == brute(*given).ravel().tolist()


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("strip", [1, 5, 64, 10**6])
@pytest.mark.parametrize("choice", [0, 1, 2])
def test_compiled_for_every_choice_number_and_count_of_threads(
    module: ModuleType, choice: int, strip: int, threads: int
) -> None:
    given = arrays(5, 9001, 3)
    planned(module, given, (choice, strip) if choice else (0,))
    (got,) = module.u0_forward(1, given, None, threads)
    assert (got == np.stack([np.correlate(row, given[1], "valid") for row in given[0]])).all()


def test_without_a_plan_nothing_runs(module: ModuleType) -> None:
    given = arrays(2, 31, 5)
    out = np.full((2, 27), 7.0)
    assert module.u0_forward(1, given, None, 1, 0) == 3
    assert module.u0_forward(1, given, (out,), 1, 0) == 3
    assert (out == 7).all()
    (first,) = module.u0_forward(1, given, None, 1)
    assert (first == brute(*given)).all(), "nobody's plan: the first kernel runs"
    sizes = planned(module, given, (1, 4))
    assert module.u0_forward(1, given, (out,), 1) == 0
    assert (out == brute(*given)).all()
    assert module.u0_forward_plans()[0] == (sizes, 0, (1, 4))
    assert module.u0_forward(1, given, None, 1, 1) == 3, "another owner has another plan"


@pytest.mark.parametrize(
    "numbers", [(), (3, 1), (-1,), (0, 1), (1,), (1, 0), (1, -5), (1, 2**31), (2, 3, 4), (1, 1, 0)]
)
def test_numbers_that_are_no_plan_are_refused(module: ModuleType, numbers: tuple[int, ...]) -> None:
    given = arrays(1, 19, 2)
    sizes = module.u0_forward_sizes(tuple(a.shape for a in given))
    assert module.u0_forward_plan(sizes, numbers) == 1
    assert module.u0_forward_plan(sizes[1:], (0,)) == 1
    assert module.u0_forward(1, given, None, 1, 0) == 3


@pytest.mark.parametrize("numbers", [(2**70,), ("x",), (1, 1.5)])
def test_what_are_no_whole_numbers_is_an_error(module: ModuleType, numbers: tuple[Any, ...]) -> None:
    with pytest.raises((OverflowError, TypeError)):
        module.u0_forward_plan((1, 2, 3, 4), numbers)


def test_the_oldest_plan_is_forgotten_and_all_others_are_kept(module: ModuleType) -> None:
    for length in range(200, 200 + 70):
        planned(module, arrays(1, length, 3), (1, length))
    known = {sizes: numbers for sizes, _, numbers in module.u0_forward_plans()}
    assert len(known) == 64
    assert module.u0_forward(1, arrays(1, 205, 3), None, 1, 0) == 3
    for length in range(206, 270):
        given = arrays(1, length, 3)
        (got,) = module.u0_forward(1, given, None, 1)
        assert (got == brute(*given)).all()
        assert module.u0_forward_plans()[0][2] == (1, length)
    planned(module, arrays(1, 230, 3), (0,))
    assert len(module.u0_forward_plans()) == 64
    assert (1, 230) not in {numbers for _, _, numbers in module.u0_forward_plans()}


def test_sizes_of_shapes_that_do_not_fit(module: ModuleType) -> None:
    assert module.u0_forward_sizes(((2, 9), (3,))) == (2, 9, 3, 7)
    assert module.u0_forward_sizes(((2, 9), (10,))) is None
    assert module.u0_forward_sizes(((2, 9),)) is None
    assert module.u0_forward_sizes(((2, 9, 1), (3,))) is None
    assert module.u0_forward_sizes(((2, -9), (3,))) is None


def test_a_workspace_is_used_and_one_that_is_too_short_is_not(module: ModuleType) -> None:
    given = arrays(3, 50, 4)
    sizes = planned(module, given, (1, 8))
    needed = module.u0_forward_bytes(sizes, 1, 2)
    # The table: 4 elements, its line and one more; two threads: strips of 8 + 4 elements in two lines, and one more.
    assert needed == 64 + (64 + 64) + 2 * (128 + 64)
    work = np.full(needed + 64, 255, np.uint8)
    (got,) = module.u0_forward(1, given, None, 2, 0, work[:needed])
    assert (got == brute(*given)).all()
    assert (work[:needed] != 255).any()
    assert (work[needed:] == 255).all()
    assert module.u0_forward(1, given, None, 2, 0, work[: needed - 1]) == 4
    assert module.u0_forward(1, given, None, 2, 0, np.zeros(needed)) == 1
    assert module.u0_forward_bytes((3, 50, 4, 46), 1, 2) == -1 or sizes == (3, 50, 4, 46 + 1)


def test_memory_that_no_machine_has_is_refused_not_wrapped_around(module: ModuleType) -> None:
    sizes = (2**31, 2**40, 2**62, 1)
    assert module.u0_forward_plan(sizes, (1, 2**31 - 1)) == 0
    assert module.u0_forward_bytes(sizes, 1, 4) >= 2**50


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("place", [0, 40])
def test_results_that_are_no_numbers_are_computed_again_by_the_first(
    module: ModuleType, value: float, place: int
) -> None:
    x, w = arrays(2, 90, 3)
    w[0] = 1
    x[1, place] = value
    planned(module, (x, w), (2, 7))
    (got,) = module.u0_forward(1, (x, w), None, 1)
    planned(module, (x, w), (0,))
    (want,) = module.u0_forward(1, (x, w), None, 1)
    np.testing.assert_array_equal(got, want)
    assert np.isfinite(got[1]).sum() >= 85
    planned(module, (x, w), (2, 7))
    assert module.u0_forward_plans()[0][2] == (2, 7), "the plan is kept"


@pytest.mark.parametrize("length", [1, 3, 4, 31, 32, 33, 63, 64, 65, 200])
def test_one_infinity_anywhere_is_seen(module: ModuleType, length: int) -> None:
    w = np.ones(1)
    x = np.ones((1, length))
    planned(module, (x, w), (2, 5))
    for place in range(1, length):
        x[:] = 1
        x[0, place] = x[0, 0] = np.inf
        (got,) = module.u0_forward(1, (x, w), None, 1)
        assert (got == x).all(), place
