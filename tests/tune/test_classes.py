"""Where windows move in strides, transforms of residue classes are taken where they save enough, and nowhere else."""

from __future__ import annotations

from math import prod

import pytest

import symconv as sc
from symconv import pipeline
from symconv.isa import isa
from symconv.notation.operator import Operator
from symconv.options import Options
from symconv.tune import plan as planning
from symconv.tune.counts import counts
from symconv.tune.facts import Facts, from_json, to_json
from symconv.tune.machine import Caches
from symconv.tune.plan import plan

SQUARE, LINE, SEVEN = sc.conv2d(stride=2, padding=1), sc.conv1d(stride=5), sc.conv2d(stride=2, padding=3)
AVX512, AVX2 = "x86-64-v4", "x86-64-v3"


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "caches", lambda: Caches(48 << 10, 1 << 20, 32 << 20))
    monkeypatch.setattr(planning, "cores", lambda: 4)


def _facts(op: Operator, wrt: str, target: str) -> tuple[Facts, ...]:
    line = pipeline.derive(op, wrt) if wrt else pipeline.forward(op)
    made = pipeline.candidates(line, f"g{wrt}" if wrt else "y", Options(target=target))
    return tuple(one.facts for one in made if isinstance(one.facts, Facts))


def _chosen(op: Operator, wrt: str, target: str, x: tuple[int, ...], w: tuple[int, ...]) -> str:
    facts = _facts(op, wrt, target)
    return facts[plan((facts,), op.sizes(x=x, w=w), isa(target), 4)[0].candidate].label


@pytest.mark.parametrize("target", [AVX512, AVX2])
@pytest.mark.parametrize("wrt", ["", "w"])
def test_four_taps_by_two_are_transformed(wrt: str, target: str) -> None:
    for side, channels in ((64, 64), (32, 128)):
        x, w = (8, channels, side, side), (2 * channels, channels, 4, 4)
        assert _chosen(SQUARE, wrt, target, x, w) == "Winograd F(4x4,2x2)"


@pytest.mark.parametrize("target", [AVX512, AVX2])
@pytest.mark.parametrize("wrt", ["", "w"])
def test_ten_taps_by_five_are_transformed(wrt: str, target: str) -> None:
    """Measured: gw in one box 27.7 ms with AVX-512 and 45.4 with AVX2, in the dot form 35.2 and 58.8."""
    assert _chosen(LINE, wrt, target, (2, 512, 3200), (512, 512, 10)) == "Winograd F(4,2)"


@pytest.mark.parametrize("target", [AVX512, AVX2])
def test_each_tile_of_rows_finds_its_columns_in_the_second_cache(target: str) -> None:
    """Of one box, whose columns all together are three times as large."""
    facts, sizes = _facts(LINE, "w", target), LINE.sizes(x=(2, 512, 3200), w=(512, 512, 10))
    choice = plan((facts,), sizes, isa(target), 4)[0]
    found = dict(zip(facts[choice.candidate].parameters, choice.parameters, strict=True))
    lengths = [value for name, value in found.items() if name.startswith("T_")]
    columns = next(value for name, value in found.items() if name.rstrip("_") == "NB")
    assert prod(lengths) == 320 and 4 * prod(lengths) * columns < 2**19 < 4 * prod(lengths) * 2560


def test_two_taps_over_large_arrays_are_packed() -> None:
    """Measured with AVX2: gx 4.88 ms, by transforms 5.20."""
    label = _chosen(sc.conv1d(dilation=64), "x", AVX2, (4, 64, 8000), (64, 64, 2))
    assert label == "packed 4x3 stored by row"


def test_boxes_of_windows_in_one_direction_are_long_rows() -> None:
    """Measured with AVX2: boxes of 4 rows of 48 windows take 6.1 ms, of one row of 264 windows 4.9."""
    op = sc.conv1d(dilation=64)
    facts = tuple(one for one in _facts(op, "", AVX2) if one.label == "Winograd F(4,3)")
    choice = plan((facts,), op.sizes(x=(4, 64, 8000), w=(64, 64, 2)), isa(AVX2), 4)[0]
    found = dict(zip(facts[0].parameters, choice.parameters, strict=True))
    assert [value for name, value in found.items() if name.startswith("T_n")] == [1]


@pytest.mark.parametrize("target", [AVX512, AVX2])
@pytest.mark.parametrize("wrt", ["", "w"])
def test_classes_of_one_tap_are_summed_directly(wrt: str, target: str) -> None:
    """Three taps by two leave classes of two taps and of one; two by two leave one tap to each."""
    for taps in (2, 3):
        x, w = (8, 128, 56, 56), (128, 128, taps, taps)
        assert "Winograd" not in _chosen(SQUARE, wrt, target, x, w)


def test_few_planes_are_summed_directly() -> None:
    for target in (AVX512, AVX2):
        assert "Winograd" not in _chosen(SQUARE, "", target, (8, 3, 128, 128), (64, 3, 4, 4))


def test_gradients_of_data_have_no_windows_in_strides() -> None:
    assert all(facts.scheme != "winograd" for facts in _facts(SQUARE, "x", AVX512))


def test_what_a_kernel_requires_is_kept() -> None:
    """Sums of taps that there are not cost as much as others."""
    (facts,) = (one for one in _facts(SQUARE, "w", AVX512) if one.scheme == "winograd")
    assert len(facts.requires) == 2
    assert from_json(to_json(facts)) == facts


def test_kernels_of_any_size_are_transformed() -> None:
    """Products that lack taps are left out; how many are left is kept."""
    (facts,) = (one for one in _facts(SQUARE, "", AVX512) if one.scheme == "winograd")
    assert not facts.requires
    assert from_json(to_json(facts)) == facts
    whole = 25 * 4  # points, classes
    for taps, planes in ((4, whole), (3, 16 * 4 + 5 * 2 + 4 * 2), (2, 16 * 4)):
        found = counts(facts, SQUARE.sizes(x=(1, 3, 20, 20), w=(1, 3, taps, taps)))
        assert found.summed == 3 * planes, taps


def test_seven_taps_by_two_are_transformed() -> None:
    """Measured with AVX2: packed 33.9 ms, by transforms 29.2; with AVX-512 both 17.2."""
    assert _chosen(SEVEN, "", AVX2, (8, 64, 56, 56), (64, 64, 7, 7)) == "Winograd F(4x4,2x2)"
    assert "Winograd" not in _chosen(SEVEN, "", AVX512, (8, 64, 56, 56), (64, 64, 7, 7))


def test_long_sequences_of_three_taps_by_two_are_transformed() -> None:
    """Measured with AVX-512: packed 36.6 ms, by transforms 33.7."""
    assert _chosen(sc.conv1d(stride=2), "", AVX512, (1, 512, 6400), (512, 512, 3)) == "Winograd F(4,2)"
