"""Decision equals truth on a grid that holds coincidences: equal and unit sizes, remainders, one output cell."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from claims import CLAIMS, Make

import symconv as sc
from symconv.errors import SpecError
from symconv.notation.operator import Operator
from symconv.prove.concrete.evaluate import Misfit, evaluate
from symconv.prove.language.parse import parse_claim
from symconv.verify import reference

Array = np.ndarray[Any, Any]
Shapes = dict[str, tuple[int, ...]]
NAMES = [f"{make.__name__}: {text}" for make, text, _ in CLAIMS]
FEW, MANY = 8, 60
_CELLS = 4000
_VALUES = np.array([v for v in range(-60, 61) if v])


def configurations(op: Operator, count: int) -> list[Shapes]:
    """Small valid shapes; half of them with other sizes drawn from a few values, so that they coincide."""
    rng, found = Random(1), dict[tuple[tuple[str, tuple[int, ...]], ...], Shapes]()
    defined = {definition.name for definition in op.definitions}
    names = {name for t in op.inputs for size in t.sizes for name in size.names()} - defined
    spatial = {w.size: w.kernel for w in op.windows}
    for trial in range(3000):
        most = 1 + trial % (3 if spatial else 5)
        sizes = {name: rng.randint(1, most) for name in sorted(names)}
        for size, kernel in spatial.items():
            sizes[size] = rng.randint(1, 4 + most)
            if kernel in sizes:
                sizes[kernel] = rng.randint(1, 1 + most)
        shapes = {t.name: t.shape(_defined(op, sizes)) for t in op.inputs}
        try:
            op.output_shape(**shapes)
        except SpecError:
            continue
        if sum(int(np.prod(shape)) for shape in shapes.values()) <= _CELLS:
            found.setdefault(tuple(shapes.items()), shapes)
        if len(found) == count:
            break
    return list(found.values())


def _defined(op: Operator, sizes: dict[str, int]) -> dict[str, int]:
    for definition in op.definitions:
        sizes = {**sizes, definition.name: definition.form.evaluate(sizes)}
    return sizes


def fails(op: Operator, text: str, shapes: Shapes) -> bool:
    """Whether a claim is wrong on integers drawn twice: by shape, or in some cell."""
    claim, output = parse_claim(text), op.output.name
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        arrays: dict[str, Array] = {name: rng.choice(_VALUES, shape) for name, shape in shapes.items()}
        arrays[f"g{output}"] = rng.choice(_VALUES, op.output_shape(**shapes))
        given = {name: arrays[name].astype(float) for name in op.tensors}
        if claim.side == output:
            want = reference.evaluate(op, given)
        else:
            name = claim.side[1:]
            want = reference.gradients(op, given, arrays[f"g{output}"].astype(float), (name,))[name]
        try:
            got = evaluate(claim, op, arrays)
        except Misfit:
            return True
        if not np.allclose(got.astype(float), want, rtol=1e-9, atol=1e-9):
            return True
    return False


def decided(make: Make, text: str, believed: bool, count: int) -> None:
    op = make()
    proof = sc.prove(op, text, explain=False)
    grid = configurations(op, count)
    truth = [fails(op, text, shapes) for shapes in grid]
    assert proof.holds is not None, proof.reason
    assert [proof.fails(**shapes) for shapes in grid] == truth, [
        (shapes, real) for shapes, real in zip(grid, truth, strict=True) if proof.fails(**shapes) is not real
    ]
    assert proof.holds is believed


@pytest.mark.parametrize(("make", "text", "believed"), CLAIMS, ids=NAMES)
def test_a_decision_is_the_truth(make: Make, text: str, believed: bool) -> None:
    decided(make, text, believed, FEW)


@pytest.mark.full
@pytest.mark.parametrize(("make", "text", "believed"), CLAIMS, ids=NAMES)
def test_a_decision_is_the_truth_on_more_sizes(make: Make, text: str, believed: bool) -> None:
    decided(make, text, believed, MANY)


def test_the_grid_tells_right_from_wrong() -> None:
    """By brute force alone: right claims fail nowhere, wrong ones somewhere; there are enough of both."""
    seen = 0
    for make, text, believed in CLAIMS:
        grid = configurations(make(), FEW)
        seen += len(grid)
        assert any(fails(make(), text, shapes) for shapes in grid) is not believed, f"{make.__name__}: {text}"
    assert seen >= 500
    assert min(sum(right for *_, right in CLAIMS), sum(not right for *_, right in CLAIMS)) >= 30
