"""``verify`` judges transforms too: by themselves, within bounds, with numbers that no plan would have."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.emit.units import Entry, Unit
from symconv.judged import judged
from symconv.kernel import Kernel
from symconv.loops.candidate import Candidate
from symconv.loops.ir import Const, Nest
from symconv.loops.traverse import rewrite, walk
from symconv.manifest import described
from symconv.options import options

OP = sc.conv1d(padding=1)
CHOSEN = options(dtype="float32", target="portable", threads=1)


@pytest.fixture(scope="module")
def ways() -> tuple[Candidate, Candidate]:
    """The direct sum, and F(4,3)."""
    made = pipeline.unit(OP, CHOSEN, every=True).entries[0].outputs[0]
    return made[0], next(one for one in made if "F(4,3)" in one.schedule.name)


def _kernel(*candidates: Candidate) -> Kernel:
    entry = Entry("forward", (candidates,))
    artifact = pipeline.build_text(pipeline.generate((Unit("u0", (entry,)),), CHOSEN).text, CHOSEN)
    meta = {"entries": {"forward": described(entry)}, "workspace": None}
    return Kernel(OP, CHOSEN, replace(artifact, meta=meta), lambda: pytest.fail("nobody asked for a gradient"))


def _coefficients(nest: Nest) -> list[Const]:
    found = (node for node in walk(nest) if isinstance(node, Const) and node.real)
    return [node for node in found if abs(node.value) not in (0, 1)]


def _damaged(candidate: Candidate, place: int) -> Candidate:
    """With one coefficient of a transform, that of the taps or that of the data and sums, a tenth too large."""
    nests = list(candidate.kernel.nests)
    wrong = _coefficients(nests[place])[0]

    def rule(node: Any) -> Any:
        return Const(wrong.value * Fraction(11, 10), True) if node == wrong else node

    nests[place] = rewrite(nests[place], rule)
    return replace(candidate, kernel=replace(candidate.kernel, nests=tuple(nests)))


def test_transforms_are_judged_by_themselves(ways: tuple[Candidate, Candidate]) -> None:
    kernel = _kernel(*ways)
    verdict = judged(OP, kernel, "float32", ())
    assert verdict
    names = [check.name for check in verdict.checks]
    assert {"forward, integers", "transforms: forward, integers", "transforms: forward, reals"} <= set(names)
    assert sum(check.cases for check in verdict.checks if check.name.startswith("transforms: ")) > 1000
    assert kernel.schedule.plans == (), "what is drawn is no plan of the kernel"


def test_transforms_and_sums_are_drawn_apart(ways: tuple[Candidate, Candidate]) -> None:
    kernel = _kernel(*ways)
    ran = {}
    for transformed in (False, True):
        shuffled = kernel.shuffled(transformed)
        assert shuffled.transforms
        for cells in range(4, 40):
            shuffled.forward(np.ones((2, 3, cells), np.float32), np.ones((4, 3, 3), np.float32))
        ran[transformed] = [(plan.way, plan.numbers) for plan in shuffled.schedule.plans]
    assert {way for way, _ in ran[False]} == {"direct"}
    assert {way for way, _ in ran[True]} == {"Winograd F(4,3)"}
    assert len(set(ran[True])) > 6


@pytest.mark.parametrize("place", [1, 2])
def test_a_wrong_coefficient_of_a_transform_is_seen(ways: tuple[Candidate, Candidate], place: int) -> None:
    verdict = judged(OP, _kernel(ways[0], _damaged(ways[1], place)), "float32", ())
    assert not verdict
    failed = {check.name for check in verdict.checks if not check.passed}
    assert "transforms: forward, reals" in failed
    assert all(name.startswith("transforms: ") for name in failed)


def test_nothing_is_said_of_transforms_where_there_are_none(ways: tuple[Candidate, Candidate]) -> None:
    verdict = judged(OP, _kernel(ways[0]), "float32", ())
    assert verdict
    assert not any(check.name.startswith("transforms") for check in verdict.checks)
