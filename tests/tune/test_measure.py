"""Measuring finds the fastest choice in spite of noise, in turns and in time."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

import symconv as sc
from symconv.tune.measure import Progress, measure
from symconv.tune.plan import Choice


class Machine:
    """Runs that take what a table says, on a clock of its own."""

    def __init__(self, cost: Callable[[tuple[int, ...]], float]) -> None:
        self.now, self.cost, self.runs = 0.0, cost, list[tuple[int, ...]]()

    def run(self, choices: tuple[Choice, ...]) -> None:
        self.runs.append(tuple(choice.candidate for choice in choices))
        self.now += self.cost(self.runs[-1])

    def clock(self) -> float:
        return self.now


def alternatives(*counts: int) -> list[list[Choice]]:
    return [[Choice(k, (k + 1,), float(k)) for k in range(count)] for count in counts]


@pytest.mark.parametrize("seed", range(20))
def test_the_fastest_wins_under_noise(seed: int) -> None:
    dice, table = random.Random(seed), [5e-3, 4e-3, 3.6e-3, 4.4e-3, 9e-3]
    # Half of all runs are disturbed, up to three times as long.
    machine = Machine(lambda chosen: table[chosen[0]] * (1 + dice.choice([0, 0, 0, 0.1, 0.5, 2])))
    found = measure(alternatives(5), machine.run, clock=machine.clock)
    assert found.choices[0].candidate == 2
    assert found.seconds[0][2] == pytest.approx(3.6e-3)


def test_each_output_is_chosen_by_itself() -> None:
    first, second = [3e-3, 1e-3, 2e-3], [4e-3, 9e-3, 5e-3, 1e-3]
    machine = Machine(lambda chosen: first[chosen[0]] + second[chosen[1]])
    assert [choice.candidate for choice in measure(alternatives(3, 4), machine.run, clock=machine.clock).choices] == [
        1,
        3,
    ]
    # The second output is measured beside the best first one.
    assert {chosen[0] for chosen in machine.runs if chosen[1] > 0} == {1}


def test_choices_take_turns() -> None:
    machine = Machine(lambda chosen: 5e-3)
    measure(alternatives(3), machine.run, clock=machine.clock)
    assert machine.runs[:9] == [(0,), (1,), (2,)] * 3


def test_short_runs_are_repeated_and_slow_ones_given_up() -> None:
    table = [1e-6, 3e-6, 5e-2]
    machine = Machine(lambda chosen: table[chosen[0]])
    assert measure(alternatives(3), machine.run, clock=machine.clock).choices[0].candidate == 0
    assert machine.runs.count((2,)) <= 5 and machine.runs.count((0,)) > 1000


def test_a_gain_within_the_noise_changes_nothing() -> None:
    table = [1.00e-2, 0.99e-2]
    machine = Machine(lambda chosen: table[chosen[0]])
    assert measure(alternatives(2), machine.run, clock=machine.clock).choices[0].candidate == 0


@pytest.mark.parametrize("each", [1e-4, 1e-2, 1.0, 15.0])
def test_the_time_is_kept(each: float) -> None:
    machine = Machine(lambda chosen: each * (1 + sum(chosen) / 10))
    measure(alternatives(8, 8), machine.run, 60.0, clock=machine.clock)
    assert machine.now <= 60.0 + 2 * 2.4 * each


def test_no_time_leaves_the_choice_to_the_model() -> None:
    machine = Machine(lambda chosen: 1.0)
    found = measure(alternatives(3), machine.run, 0.0, clock=machine.clock)
    assert found.choices[0].candidate == 0 and not machine.runs


def test_a_single_choice_is_not_run() -> None:
    machine = Machine(lambda chosen: 1.0)
    assert measure(alternatives(1, 1), machine.run, clock=machine.clock).choices == (
        Choice(0, (1,), 0.0),
        Choice(0, (1,), 0.0),
    )
    assert not machine.runs


def test_progress_is_reported() -> None:
    machine, seen = Machine(lambda chosen: 5e-3 * (1 + chosen[0])), list[Progress]()
    measure(alternatives(3, 2), machine.run, 60.0, seen.append, machine.clock)
    assert {p.output for p in seen} == {1, 2} and all(p.outputs == 2 and 0 <= p.share <= 1 for p in seen)
    assert [p.share for p in seen] == sorted(p.share for p in seen)
    assert seen[-1].seconds == pytest.approx(5e-3)


def test_nothing_to_choose_from_is_a_bug() -> None:
    with pytest.raises(sc.InternalError, match="no plan to measure"):
        measure([[]], lambda choices: None)
