"""``symconv bench`` reports; what it compares is the same work under the same settings."""

from __future__ import annotations

import pytest

from symconv.commands.bench import ALLOCATOR

SHAPES = ("--shape", "x=2,3,9", "--shape", "w=4,3,3", "--repeat", "2")


def test_bench_measures_under_the_allocator_settings(program):
    ran = program("bench", "conv1d", "--padding", "1", *SHAPES, **dict.fromkeys(ALLOCATOR, "1048576"))
    assert ran.returncode == 0, ran.stderr
    assert "specialised to x 2x3x9  w 4x3x3" in ran.stdout
    assert "MALLOC_* set" in ran.stdout


def test_bench_starts_over_without_them(program, monkeypatch):
    for name in ALLOCATOR:
        monkeypatch.delenv(name, raising=False)
    ran = program("bench", "conv1d", "--padding", "1", *SHAPES)
    assert ran.returncode == 0, ran.stderr
    assert "MALLOC_* set" in ran.stdout


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_bench_agrees_with_torch_before_it_compares(layout, call):
    pytest.importorskip("torch")
    shapes = {"NCHW": ("x=2,3,9,8", "w=4,3,3,2"), "NHWC": ("x=2,9,8,3", "w=3,2,3,4")}[layout]
    result = call(
        *("bench", "conv2d", "--stride", "2,1", "--padding", "1", "--bias", "--layout", layout, "--repeat", "2"),
        *("--shape", shapes[0], "--shape", shapes[1], "--shape", "b=4"),
    )
    assert result.exit_code == 0, result.output
    assert result.stdout.count("torch/ours") == 2


def test_bench_does_without_a_rival(call):
    result = call("bench", "adder1d", *SHAPES)
    assert result.exit_code == 0
    assert "no comparison: torch has no such operator" in result.stdout
