"""Winograd's kernels of gradients of w: sums over tiles of positions at every point are the direct sums."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
from wino_dot_mutants import HIDDEN, LAYOUT, SHORT, TURNS, WRONG, Rule

import symconv as sc
from symconv import pipeline
from symconv.errors import InternalError
from symconv.isa import Isa
from symconv.loops.candidate import Candidate
from symconv.loops.interpret import interpret
from symconv.loops.ir import (
    Kernel,
)
from symconv.loops.traverse import rewrite
from symconv.options import options
from symconv.packed import candidates, packed_candidates
from symconv.packed.dot import DotTile
from symconv.relation.points import UnclearError
from symconv.validate.ordering import FaultError
from symconv.validate.plain import plain
from symconv.validate.proof import prove
from symconv.validate.settled import least_of
from symconv.validate.validation import validate

OPERATORS = {
    "one axis": sc.conv1d(padding=1),
    "two axes": sc.conv2d(padding=1),
    "groups": sc.conv2d(padding=(2, 0), groups=4),
    "strides": sc.conv2d(stride=2, padding=1),
    "dilation": sc.conv2d(padding=2, dilation=2),
    "dilation along one axis": sc.conv1d(padding=4, dilation=4),
    "strides that are picked": sc.conv1d(stride=5),
}


def transformed(op: sc.Operator, target: str) -> list[Candidate]:
    """The candidates of the gradient of w that multiply at points."""
    every = pipeline.candidates(pipeline.derive(op, "w"), "gw", options(target=target, dtype="float32"))
    return [one for one in every if "Winograd" in one.schedule.name]


@pytest.mark.parametrize(("name", "target"), [*((name, "x86-64-v3") for name in OPERATORS), ("groups", "x86-64-v4")])
def test_transformed_sums_are_proved(name: str, target: str) -> None:
    found = transformed(OPERATORS[name], target)
    assert found
    for candidate in found:
        proof = validate(candidate, candidate.kernel)
        assert proof.holds, f"{candidate.schedule.name}: {proof}"


@cache
def small(axes: int) -> Candidate:
    """A kernel of so small tiles that little tensors have several, and tails."""
    op = {1: sc.conv1d(padding=1), 2: sc.conv2d(padding=1), TURNS: sc.conv2d(padding=2, dilation=2)}[axes]
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(candidates._DOT, 4, (DotTile(2, 2),))
        made = packed_candidates(pipeline.derive(op, "w").gather, "gw", Isa("small", 16, 4))
    return next(one for one in made if one.schedule.name == ("Winograd F(2,3)" if axes == 1 else "Winograd F(2x2,3x3)"))


RUNS: dict[int, tuple[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]], ...]] = {
    1: (((10,), (4,), (2, 3, 2, 3, 2)), ((18,), (3,), (2, 8, 1, 2, 2)), ((7,), (5,), (1, 2, 9, 9, 9))),
    2: (((5, 8), (3, 4), (2, 2, 3, 2, 2, 2)), ((4, 5), (2, 3), (1, 9, 9, 1, 9, 9))),
    TURNS: (((6, 9), (3, 2), (2, 1, 2, 2, 2, 2)),),
}
"""Sizes of x and w along the axes, and numbers of a plan: strips, chunks, rows and columns at once."""


def right(axes: int, kernel: Kernel) -> bool:
    """Whether a kernel computes what NumPy does, in all runs."""
    return all(_runs(kernel, 1 + (axes == TURNS), *run) for run in RUNS[axes])


def _runs(kernel: Kernel, apart: int, wide: tuple[int, ...], taps: tuple[int, ...], plan: tuple[int, ...]) -> bool:
    """Pads are as wide as taps lie apart."""
    draw = np.random.default_rng(sum(wide))
    many = [n + 2 * apart - apart * (k - 1) for n, k in zip(wide, taps, strict=True)]
    gy, x = draw.integers(-9, 10, (2, 5, *many)), draw.integers(-9, 10, (2, 3, *wide))
    padded = np.pad(x, ((0, 0), (0, 0), *((apart, apart) for _ in wide)))
    want = np.zeros((5, 3, *taps), int)
    for f, c, *tap in np.ndindex(*want.shape):
        window = (slice(None), c, *(slice(apart * t, apart * t + n) for t, n in zip(tap, many, strict=True)))
        want[(f, c, *tap)] = (gy[:, f] * padded[window]).sum()
    arrays = {"gy": gy, "x": x, "w": np.zeros(want.shape, int)}
    given = {name: (array.shape, list(map(Fraction, array.ravel().tolist()))) for name, array in arrays.items()}
    try:
        found = interpret(kernel, given, parameters=dict(zip(kernel.parameters, plan, strict=True)))
    except (InternalError, TypeError):
        return False
    return found == want.ravel().tolist()


@pytest.mark.parametrize("axes", [1, 2, TURNS])
def test_the_kernel_that_is_changed_is_right(axes: int) -> None:
    candidate = small(axes)
    assert validate(candidate, candidate.kernel).holds
    assert right(axes, candidate.kernel)


def changed(kernel: Kernel, number: int, rule: Rule) -> Kernel:
    return replace(kernel, nests=tuple(rewrite(n, rule) if k == number else n for k, n in enumerate(kernel.nests)))


def refused(candidate: Candidate, kernel: Kernel) -> None:
    op = candidate.gather.operator
    assert kernel != candidate.kernel
    with pytest.raises((FaultError, UnclearError)):
        prove(op, plain(kernel, least_of(op)), None, ())


def some(names: Iterable[str], each: int) -> list[Any]:
    """All names, and of these every so many in short runs."""
    return [pytest.param(n, marks=() if k % each == 0 else pytest.mark.full) for k, n in enumerate(names)]


@pytest.mark.parametrize("name", some(WRONG | HIDDEN, 3))
def test_wrong_kernels_are_not_proved(name: str) -> None:
    axes, number, rule = (WRONG | HIDDEN)[name]
    refused(small(axes), changed(small(axes).kernel, number, rule))


@pytest.mark.parametrize("name", some(WRONG, 9))
def test_wrong_kernels_are_wrong(name: str) -> None:
    axes, number, rule = WRONG[name]
    assert not right(axes, changed(small(axes).kernel, number, rule))


@pytest.mark.parametrize("name", SHORT)
def test_memory_that_is_short_is_not_proved(name: str) -> None:
    buffer, rule = SHORT[name]
    kernel = small(2).kernel
    refused(small(2), replace(kernel, buffers=tuple(rule(b) if b.name == buffer else b for b in kernel.buffers)))


@pytest.mark.parametrize("name", LAYOUT)
def test_numbers_that_do_not_fit_are_not_proved(name: str) -> None:
    axes, rule = LAYOUT[name]
    kernel = small(axes).kernel
    refused(small(axes), replace(kernel, layout=tuple(map(rule, kernel.layout))))


def test_a_plan_with_other_numbers_is_not_proved() -> None:
    kernel = small(2).kernel
    refused(small(2), replace(kernel, parameters=(*kernel.parameters[:-1], "XB_")))
