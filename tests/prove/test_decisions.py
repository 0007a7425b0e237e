"""Decision equals truth: every claim against brute force, configuration by configuration."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
from corpus import CLAIMS

import symconv as sc
from symconv.errors import SpecError
from symconv.notation.operator import Operator
from symconv.prove.concrete.evaluate import Misfit, evaluate
from symconv.prove.language.parse import parse_claim
from symconv.verify.geometry import geometries
from symconv.verify.reference import evaluate as forward
from symconv.verify.reference import gradients

IDS = [f"{make.__name__}: {text}" for make, text, _ in CLAIMS]
Shapes = dict[str, tuple[int, ...]]


def wrong(op: Operator, text: str, shapes: Shapes) -> bool:
    """Whether a claim is wrong for these shapes, by brute force on two draws of integers."""
    claim, output = parse_claim(text), op.output.name
    for seed in range(2):
        rng = np.random.default_rng(seed)
        arrays = {name: rng.integers(1, 50, shape).astype(float) for name, shape in shapes.items()}
        value = forward(op, arrays)
        gy = rng.integers(1, 50, value.shape).astype(float)
        want = value if claim.side == output else gradients(op, arrays, gy, (claim.side[1:],))[claim.side[1:]]
        try:
            got = evaluate(claim, op, {**arrays, f"g{output}": gy})
        except Misfit:
            return True
        if got.shape != want.shape or not np.allclose(got, want, rtol=1e-9, atol=0):
            return True
    return False


def corners(op: Operator) -> Iterator[Shapes]:
    """Small shapes with every size at 1 now and then."""
    logical = [
        name for name in op.sizes(**dict(geometries(op, 1, 0)[0])) if name not in {d.name for d in op.definitions}
    ]
    windows = {w.size: w.kernel for w in op.windows}
    for seed in range(200):
        rng = np.random.default_rng(seed)
        sizes = {name: int(rng.integers(1, 4)) for name in logical}
        for size in windows:
            sizes[size] = int(rng.integers(1, 9))
        for definition in op.definitions:
            sizes[definition.name] = definition.form.evaluate(sizes)
        shapes = {t.name: t.shape(sizes) for t in op.inputs}
        try:
            op.output_shape(**shapes)
        except SpecError:
            continue
        yield shapes


@pytest.mark.parametrize(("make", "text", "holds"), CLAIMS, ids=IDS)
def test_the_decision_is_the_truth(make, text, holds, request) -> None:
    op = make()
    proof = sc.prove(op, text)
    assert proof.holds is holds, str(proof)
    count = 60 if request.config.getoption("--full") else 12
    grid = [shapes for shapes, _ in zip(corners(op), range(count), strict=False)]
    grid += [dict(shapes) for shapes in geometries(op, 4, 0) if not any(0 in shape for shape in shapes.values())]
    decided = [proof.fails(**shapes) for shapes in grid]
    true = [wrong(op, text, shapes) for shapes in grid]
    assert decided == true, [shapes for shapes, a, b in zip(grid, decided, true, strict=True) if a != b]
    if not holds:
        example = dict(proof.counterexample.shapes)
        assert proof.fails(**example)
        assert wrong(op, text, example)
        if proof.repair:
            assert sc.prove(op, proof.repair).holds
            assert not any(wrong(op, proof.repair, shapes) for shapes in grid)


def test_there_are_enough_claims_and_configurations() -> None:
    assert len(CLAIMS) >= 45
    assert {holds for *_, holds in CLAIMS} == {True, False}
    assert len(CLAIMS) * 12 >= 500


FAMILY = [
    {"stride": s, "padding": p, "dilation": d} for s, p, d in product((1, 2, 3), ((0, 1), (2, 0)), ((1, 2), (3, 1)))
]


@pytest.mark.parametrize("options", FAMILY, ids=str)
def test_a_family(options) -> None:
    op = sc.conv2d(**options)
    for text, holds in (
        ("gx = conv_transpose(gy, w, stride=s, padding=p, dilation=d)", options["stride"] == 1),
        ("gx = conv_transpose(gy, w, stride=s, padding=p, dilation=d, output_padding=(H+2*p-d*(K-1)-1)%s)", True),
    ):
        proof = sc.prove(op, text, explain=False)
        assert proof.holds is holds
        for shapes in list(corners(op))[:4]:
            assert proof.fails(**shapes) == wrong(op, text, shapes)
