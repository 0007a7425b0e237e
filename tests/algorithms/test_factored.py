"""Programs of constant matrices: exact, every name once and before its use, few operations."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from symconv.algorithms.factored import Program, factored
from symconv.algorithms.matrices import Matrix, matrix
from symconv.algorithms.points import POINTS, transform

NAMES = ("A", "AT", "G", "GT", "BT")


def run(program: Program, values: list[Fraction]) -> list[Fraction]:
    """The steps as their text says, by other means than ``evaluate``."""
    known = dict(zip(program.inputs, values, strict=True))
    for step in program.steps:
        assert step.target not in known
        left, right = str(step).split(" = ")
        total, sign = Fraction(0), 1
        for word in right.replace(" * ", "*").split():
            if word in "+-":
                sign = 1 if word == "+" else -1
                continue
            value = Fraction(1)
            for factor in word.split("*"):
                value *= known[factor] if factor[0] in "xyt" else Fraction(factor)
            total += sign * value
        known[left] = total
    return [known[name] for name in program.outputs]


@pytest.mark.parametrize(("m", "r"), POINTS)
def test_every_transform_is_exact_and_cheaper_than_its_entries(m: int, r: int) -> None:
    rng = random.Random(m * 10 + r)
    for name in NAMES:
        rows = getattr(transform(m, r), name)
        program = factored(rows)
        values = [Fraction(rng.randrange(-9, 10), rng.randrange(1, 5)) for _ in rows[0]]
        assert run(program, values) == [sum(a * v for a, v in zip(row, values, strict=True)) for row in rows]
        entries = sum(max(sum(v != 0 for v in row) - any(abs(v) == 1 for v in row), 0) for row in rows)
        assert program.operations <= entries


def test_the_counts_of_hand_written_transforms() -> None:
    assert {name: factored(getattr(transform(4, 3), name)).operations for name in NAMES} == {
        "BT": 12,
        "AT": 12,
        "A": 8,
        "G": 9,
        "GT": 11,
    }
    assert {name: factored(getattr(transform(2, 3), name)).operations for name in NAMES} == {
        "BT": 4,
        "AT": 4,
        "A": 2,
        "G": 4,
        "GT": 5,
    }
    assert factored(transform(2, 5).BT).operations == 12


@pytest.mark.parametrize("seed", range(40))
def test_random_matrices(seed: int) -> None:
    rng = random.Random(seed)
    rows: Matrix = matrix(
        [
            [rng.choice([0, 0, 1, -1, 2, Fraction(1, 3), -2]) for _ in range(rng.randrange(1, 2) + seed % 5)]
            for _ in range(1 + seed % 4)
        ]
    )
    values = [Fraction(rng.randrange(-9, 10)) for _ in rows[0]]
    assert run(factored(rows), values) == [sum(a * v for a, v in zip(row, values, strict=True)) for row in rows]


def test_rows_without_entries_and_copies_cost_nothing() -> None:
    program = factored(matrix([[0, 0], [0, 1]]))
    assert [step.op for step in program.steps] == ["zero", "copy"]
    assert program.operations == 0
