"""Plans fit caches and sizes, cost what the model says at best, and are made in no time."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest
from shown_layers import LAYERS, Layer, grad_input, grad_weight, layer, number, tiled

import symconv as sc
from symconv.tune import dot, outer, winograd
from symconv.tune import plan as planning
from symconv.tune.counts import Axis, counts
from symconv.tune.facts import Facts, FlatAxis
from symconv.tune.machine import USUAL, Caches
from symconv.tune.plan import Choice, machine_of, plan, ranked
from symconv.tune.shares import parts


@dataclass(frozen=True)
class Set:
    vector_bytes: int
    registers: int


SETS = {"avx512": Set(64, 32), "avx2": Set(32, 16), "sse": Set(16, 16)}
CACHES = Caches(48 << 10, 1 << 20, 32 << 20)
LIMITS = tuple(2**power for power in range(18, 25))
MODELS = {"outer": outer, "dot": dot}


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "caches", lambda: CACHES)
    monkeypatch.setattr(planning, "cores", lambda: 4)


def outputs(layer: Layer) -> tuple[tuple[Facts, ...], tuple[Facts, ...]]:
    return grad_input(layer), grad_weight(layer)


def both() -> list[tuple[str, Layer, Set]]:
    return [(name, given, isa) for name, given in LAYERS.items() for isa in SETS.values()]


def named(facts: Facts, choice: Choice) -> dict[str, int]:
    return dict(zip(facts.parameters, choice.parameters, strict=True))


def total(facts: Facts, isa: Set, numbers: dict[str, list[int]]) -> np.ndarray:
    """The model at given numbers."""
    table = {name: np.array(values, dtype=float) for name, values in numbers.items()}
    parts = MODELS[facts.scheme].cycles(counts(facts, {}), machine_of(isa, 4), table)
    assert all((part >= 0).all() for part in parts.values())
    return np.sum(list(parts.values()), axis=0)


@pytest.mark.parametrize(("name", "given", "isa"), both())
def test_every_number_is_one_the_kernel_takes(name: str, given: Layer, isa: Set) -> None:
    for candidates, choice in zip(outputs(given), plan(outputs(given), {}, isa, 4), strict=True):
        facts = candidates[choice.candidate]
        n, chosen = counts(facts, {}), named(facts, choice)
        assert 0 < choice.cycles < float("inf")
        for axis in n.axes:
            assert facts.scheme == "masked" or 1 <= chosen[f"T_{axis.name}"] <= max(axis.extent, 1)
        assert 1 <= chosen.get("FB", 1) <= n.planes
        assert 1 <= chosen.get("S", 1) <= max(1, np.prod([axis.extent for axis in n.axes]))
        assert 1 <= chosen.get("MB", 1) < n.rows + n.tile[0] and 1 <= chosen.get("NB", 1) < n.columns + n.tile[1]


@pytest.mark.parametrize(("name", "given", "isa"), both())
def test_boxes_fit_the_caches(name: str, given: Layer, isa: Set) -> None:
    for candidates, choice in zip(outputs(given), plan(outputs(given), {}, isa, 4), strict=True):
        facts = candidates[choice.candidate]
        if facts.scheme != "masked":
            n, chosen = counts(facts, {}), named(facts, choice)
            table = {name: np.array([float(value)]) for name, value in chosen.items()}
            shared, private = MODELS[facts.scheme].workspace(n, machine_of(isa, 4), table)
            assert choice.workspace == int((shared + private)[0])
            assert private[0] < CACHES.last
            if facts.scheme == "outer":
                panel = chosen["FB"] * max(n.taps) * n.tile[1] * isa.vector_bytes
                assert panel <= 4 * CACHES.first


@pytest.mark.parametrize("name", LAYERS)
def test_a_plan_is_made_in_ten_milliseconds(name: str) -> None:
    given, best = outputs(LAYERS[name]), float("inf")
    for _ in range(5):
        start = time.thread_time()  # other processes do not count
        plan(given, {}, SETS["avx2"], 4)
        best = min(best, time.thread_time() - start)
    assert best < 0.010


SMALL = {
    "plain": layer(3, 4, (9, 11), 5, (3, 2), pad=1),
    "strided": layer(2, 3, (11, 14), 7, (3, 4), 2, 1),
    "1-D": layer(2, 6, (90,), 8, (3,), pad=2, dilation=2),
    "wide": layer(1, 16, (6, 40), 24, (1, 3), pad=1),
}


@pytest.mark.parametrize("isa", SETS.values(), ids=list(SETS))
@pytest.mark.parametrize("name", SMALL)
def test_no_combination_is_much_better(name: str, isa: Set) -> None:
    for candidates in outputs(SMALL[name]):
        for facts in candidates[1:]:
            chosen = ranked((facts,), {}, isa, 4, most=1)[0]
            n = counts(facts, {})
            ranges = {f"T_{axis.name}": range(1, axis.extent + 1) for axis in n.axes}
            if facts.scheme == "outer":
                ranges["FB"] = range(1, n.planes + 1)
            else:
                m, columns = n.tile
                ranges |= {
                    "S": range(1, 2),
                    "MB": range(m, n.rows + m, m),
                    "NB": range(columns, n.columns + columns, 4 * columns),
                }
            table = list(zip(*product(*ranges.values()), strict=True))
            every = total(facts, isa, dict(zip(ranges, map(list, table), strict=True)))
            # What a plan of few parts costs more, a tenth at most, is not in the cycles of the table.
            assert chosen.cycles <= 1.1 * 1.1 * every.min(), (facts.label, named(facts, chosen), every.min())


@pytest.mark.parametrize("isa", SETS.values(), ids=list(SETS))
def test_more_work_costs_more_and_no_more_than_its_share(isa: Set) -> None:
    for given in LAYERS.values():
        twice = replace(given, n=2 * given.n)
        for one, two in zip(plan(outputs(given), {}, isa, 4), plan(outputs(twice), {}, isa, 4), strict=True):
            assert one.cycles < two.cycles < 2.6 * one.cycles


def test_no_plan_goes_below_the_bound() -> None:
    for _, given, isa in both():
        for candidates in outputs(given):
            for facts in candidates[1:]:
                machine, n = machine_of(isa, 4), counts(facts, {})
                best = ranked((facts,), {}, isa, 4, most=1)[0]
                assert MODELS[facts.scheme].bound(n, machine) <= best.cycles


def test_wider_vectors_and_shorter_elements_cost_less() -> None:
    for name in ("stem", "dense 64@56", "1-D k3 d4"):
        given = outputs(LAYERS[name])
        costs = [
            sum(choice.cycles for choice in plan(given, {}, isa, 4))
            for isa in (SETS["avx512"], SETS["avx2"], SETS["sse"])
        ]
        double = sum(choice.cycles for choice in plan(given, {}, SETS["avx2"], 8))
        assert costs[0] < costs[1] < costs[2] and 1.5 * costs[1] < double < 2.5 * costs[1]


def test_tiny_tensors_stay_masked_and_dense_layers_do_not() -> None:
    for isa in SETS.values():
        assert [choice.candidate for choice in plan(outputs(LAYERS["tiny"]), {}, isa, 4)] == [0, 0]
        assert all(choice.candidate for choice in plan(outputs(LAYERS["dense 64@56"]), {}, isa, 4))


@pytest.mark.parametrize("name", ["dense 64@56", "strided 128@56", "1-D k10 s5"])
def test_the_workspace_stays_within_its_limit(name: str) -> None:
    given = outputs(LAYERS[name])
    for isa in SETS.values():
        for limit in (10**4, 10**6, 3 * 10**6, *LIMITS):
            for threads in (1, 2, 5):
                assert all(choice.workspace <= limit for choice in plan(given, {}, isa, 4, limit, threads))
        assert [choice.candidate for choice in plan(given, {}, isa, 4, 0)] == [0, 0]


@pytest.mark.parametrize("threads", [2, 5])
def test_rows_are_cut_within_the_limit_of_memory(threads: int) -> None:
    """With fewer bytes than blocks of rows for all threads take, rows stay as they are for one."""
    candidates = grad_weight(LAYERS["dense 64@56"])
    for limit in LIMITS:
        found = ranked(candidates, {}, SETS["avx512"], 4, limit, threads)
        assert all(choice.workspace <= limit for choice in found)
    # This much is enough for what does not run one cell at a time.
    assert ranked(candidates, {}, SETS["avx512"], 4, 2**20, threads, 1)[0].candidate


def test_the_number_of_threads_changes_no_sum() -> None:
    for _, given, isa in both():
        same_sums(outputs(given), isa, None, (7,))


@pytest.mark.parametrize("name", ["dense 64@56", "strided 128@56", "1-D k10 s5"])
def test_the_number_of_threads_changes_no_sum_within_a_limit(name: str) -> None:
    for isa in SETS.values():
        for limit in LIMITS:
            same_sums(outputs(LAYERS[name]), isa, limit, (2, 3, 7))


def same_sums(given: tuple[tuple[Facts, ...], ...], isa: Set, limit: int | None, several: tuple[int, ...]) -> None:
    one = plan(given, {}, isa, 4, limit)
    for threads in several:
        for candidates, a, b in zip(given, one, plan(given, {}, isa, 4, limit, threads), strict=True):
            assert a.candidate == b.candidate
            first, second = (named(candidates[a.candidate], choice) for choice in (a, b))
            cut = {"MB"} if "S" in first else {name for name in first if name.startswith("T_")}
            assert {k: v for k, v in first.items() if k not in cut} == {k: v for k, v in second.items() if k not in cut}
            assert b.whole.parameters == a.parameters


def test_several_threads_have_parts_for_all() -> None:
    """Small maps of many channels: their work is one box, or two."""
    given = layer(8, 512, (7, 7), 512, (3, 3), pad=1)
    for threads in (2, 4):
        for candidates, chosen in zip(
            outputs(given), plan(outputs(given), {}, SETS["avx512"], 4, threads=threads), strict=True
        ):
            n, numbers = counts(candidates[chosen.candidate], {}), named(candidates[chosen.candidate], chosen)
            found = parts(n, {name: np.array([float(value)]) for name, value in numbers.items()})
            assert found[0] >= threads, (n.facts.label, numbers)


def test_numbers_come_in_the_order_of_the_facts() -> None:
    facts = grad_input(LAYERS["stem"])[1]
    plain = ranked((facts,), {}, SETS["avx2"], 4, most=1)[0]
    other = ranked((replace(facts, parameters=("FB_", "T_w_", "T_n_", "T_h_")),), {}, SETS["avx2"], 4, most=1)[0]
    n, h, w, planes = plain.parameters
    assert other.parameters == (planes, w, n, h)
    with pytest.raises(sc.InternalError, match="no number of a plan is called X"):
        ranked((replace(facts, parameters=("X",)),), {}, SETS["avx2"], 4)


def test_nothing_to_compute_is_left_to_the_first_candidate() -> None:
    empty = replace(LAYERS["dense 64@56"], n=0)
    assert [choice.candidate for choice in plan(outputs(empty), {}, SETS["avx2"], 4)] == [0, 0]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_ranked_choices_differ_and_are_in_order(threads: int) -> None:
    """In what will run: several choices may be cut alike for several threads."""
    for given in LAYERS.values():
        for candidates in outputs(given):
            found = ranked(candidates, {}, SETS["avx512"], 4, threads=threads, most=8)
            assert len(found) <= 8 and len({(c.candidate, c.parameters) for c in found}) == len(found)
            assert [c.cycles for c in found] == sorted(c.cycles for c in found)


@pytest.mark.parametrize("stores", [0, 1])
def test_blocks_of_lanes_are_those_that_loops_count(stores: int) -> None:
    """Where tiles store their sums a block starts with every row of cells, else with every box."""
    axes = (("n", 3, 0, 0), ("h", 7, -1, 2), ("w", 13, 0, 1))
    flat = tuple(FlatAxis(name, number(q), number(q), number(low), number(high)) for name, q, low, high in axes)
    n = counts(Facts("outer", "packed 4x3", (4, 3), flat, parameters=("T_n", "T_h", "T_w"), stores=stores), {})
    machine = machine_of(SETS["avx2"], 4)
    for t in product((1, 2, 3), (1, 3, 4, 7), (4, 5, 13)):
        pitches = [t[a] if a == 0 else (t[a] + high - low) for a, (_, q, low, high) in enumerate(axes)]
        vectors = calls = panels = 0
        for starts in product(*(range(0, q, step) for (_, q, _, _), step in zip(axes, t, strict=True))):
            lengths = [min(step, q - start) for (_, q, _, _), step, start in zip(axes, t, starts, strict=True)]
            last = ((lengths[0] - 1) * pitches[1] + lengths[1] - 1) * pitches[2] + lengths[2]
            rows, each = (lengths[0] * lengths[1], lengths[2]) if stores else (1, last)
            vectors += rows * -(-each // 8)
            calls += rows * -(-each // 24)
            panels += rows if stores else -(-last // 24)
        kinds = outer.pieces(n.axes, [np.array([float(x)]) for x in t])
        found = outer.tiles(n, machine, kinds, [np.array([float(x)]) for x in pitches])
        assert (found.vectors[0], found.number[0], found.panels[0]) == (vectors, calls, panels), t


def storing(facts: Facts) -> Facts:
    """The same sums, stored by their tiles."""
    return replace(facts, label=f"{facts.label} stored by row", parameters=facts.parameters[:-1], stores=1)


def test_tiles_store_their_sums_where_few_planes_are_summed_for_many_rows() -> None:
    few = layer(2, 64, (224, 224), 3, (3, 3), pad=1)
    for isa in (SETS["avx512"], SETS["avx2"]):
        for given, wanted in ((few, True), (LAYERS["dense 512@7"], False)):
            facts = grad_input(given, ((4, 3),))
            chosen = plan(((*facts, storing(facts[1])),), {}, isa, 4)[0]
            assert (chosen.candidate == 2) is wanted
            assert all(len(choice.parameters) == 3 for choice in ranked((storing(facts[1]),), {}, isa, 4))


def test_what_tiles_store_needs_no_memory_for_sums() -> None:
    facts = grad_input(layer(2, 64, (224, 224), 3, (3, 3), pad=1), ((4, 3),))[1]
    chosen = {"T_n": np.array([1.0]), "T_h": np.array([13.0]), "T_w": np.array([224.0]), "FB": np.array([3.0])}
    machine = machine_of(SETS["avx512"], 4)
    (shared, private), (same, less) = (
        outer.workspace(counts(one, {}), machine, chosen) for one in (facts, storing(facts))
    )
    assert same == shared and private[0] - less[0] > 64 * 13 * 224 * 4


def test_sums_leave_room_for_the_cells_that_they_are_copied_to(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Caches(48 << 10, 2 << 20, 300 << 20)
    monkeypatch.setattr(planning, "caches", lambda: held)
    facts = grad_input(layer(8, 320, (56, 56), 64, (1, 1)), ((8, 3),))
    choice = plan((facts,), {}, SETS["avx512"], 4)[0]
    n, chosen = counts(facts[choice.candidate], {}), named(facts[choice.candidate], choice)
    table = {name: np.array([float(value)]) for name, value in chosen.items()}
    _, private = outer.workspace(n, machine_of(SETS["avx512"], 4), table)
    assert n.facts.scheme == "outer" and private[0] < 0.7 * held.second


def test_whole_rows_share_a_gap_and_pieces_do_not() -> None:
    axis = Axis("w", 10, 12, -2, 1, 1)
    assert outer.pitch(axis, np.array([10.0])).tolist() == [14.0]  # 12 elements and two zeros before the next row
    assert outer.pitch(axis, np.array([5.0])).tolist() == [8.0]  # five cells, two to the left and one to the right
    assert outer.pitch(replace(axis, operand=3), np.array([10.0])).tolist() == [11.0]


def test_caches_are_those_of_the_system(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from symconv.tune.machine import caches

    for index, (kind, level, size) in enumerate(
        [("Data", "1", "48K"), ("Instruction", "1", "32K"), ("Unified", "2", "2M"), ("Unified", "3", "odd")]
    ):
        folder = tmp_path / f"index{index}"
        folder.mkdir()
        for file, text in (("type", kind), ("level", level), ("size", size)):
            (folder / file).write_text(text + "\n")
    assert caches(str(tmp_path)) == Caches(48 << 10, 2 << 20, USUAL.last)


@pytest.mark.parametrize("isa", SETS.values(), ids=list(SETS))
@pytest.mark.parametrize("gradient", ["x", "w"])
def test_tiles_pay_for_large_dense_layers_and_not_for_small_ones(gradient: str, isa: Set) -> None:
    def chosen(given: Layer, **sizes: int) -> str:
        plain = grad_input(given) if gradient == "x" else grad_weight(given)
        candidates = (*plain, tiled(given, 2, gradient), tiled(given, 4, gradient))
        choice = plan((candidates,), {"kH": 3, **sizes}, isa, 4)[0]
        assert len(choice.parameters) == len(candidates[choice.candidate].parameters)
        assert all(number >= 1 for number in choice.parameters)
        return candidates[choice.candidate].label

    large, small = LAYERS["dense 64@56"], layer(1, 4, (5, 6), 4, (3, 3), pad=1)
    assert chosen(large) == "winograd F(4,3)"
    assert "winograd" not in chosen(small)
    # What it requires does not hold.
    assert "winograd" not in chosen(large, kH=5)


def test_the_last_register_tile_of_a_box_costs_what_it_is() -> None:
    """An image has a vector of windows here, a register tile three: boxes of four images end with a tile of one."""
    machine, images = machine_of(SETS["avx512"], 4), np.array([1.0, 3.0, 4.0, 8.0])
    given = tiled(layer(8, 256, (14, 14), 256, (3, 3), pad=1), 4, "x")
    chosen = {"T_n": images, **dict.fromkeys(("T_h", "T_w"), np.full(len(images), 4.0))}
    ones, threes, fours, whole = winograd.cycles(counts(given, {}), machine, chosen)["multiply"]
    assert threes == whole < fours < ones
