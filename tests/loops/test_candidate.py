"""Candidates and schedules: data that can be printed, and the preset that every operator has."""

from __future__ import annotations

import symconv as sc
from symconv import pipeline
from symconv.loops.candidate import Candidate
from symconv.loops.directives import apply_all
from symconv.loops.lower import lower
from symconv.loops.presets import default_loops
from symconv.loops.schedule import Schedule
from symconv.loops.splitting import SplitReduction
from symconv.options import Options

FIXED = Options(sizes=(("x", (2, 3, 8, 9)), ("w", (4, 3, 3, 2))))


def test_the_first_candidate_needs_no_numbers_and_says_how_it_was_made() -> None:
    op = sc.conv2d(stride=2, padding=1)
    first = pipeline.unit(op, FIXED).entries[1].outputs[0][0]
    assert not first.kernel.parameters
    assert not first.checked
    assert str(first).splitlines()[0] == "gx: direct"
    assert any("Unroll(" in line for line in str(first).splitlines()[1:])


def test_a_schedule_is_carried_out_directive_by_directive() -> None:
    first = pipeline.unit(sc.conv2d(padding=1), Options()).entries[1].outputs[1][0]
    assert any(isinstance(one, SplitReduction) for one in first.schedule.directives)
    loops = default_loops(first.gather, None, 4)
    plain = lower(first.gather, "gw", None, loops)
    assert first.schedule.directives[: len(loops)] == loops
    assert apply_all(plain, first.schedule.directives[len(loops) :]) == first.kernel  # type: ignore[arg-type]
    assert plain != first.kernel


def test_candidates_of_a_unit_are_those_of_its_entries_in_order() -> None:
    made = pipeline.unit(sc.conv1d(bias=True), Options())
    assert [one.name for one in made.candidates if one.schedule.name == "direct"] == ["y", "gx", "gw", "gb"]
    assert all(isinstance(one, Candidate) and isinstance(one.schedule, Schedule) for one in made.candidates)
    assert [len(entry.outputs) for entry in made.entries] == [1, 3]
