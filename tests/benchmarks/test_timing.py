"""The timing core and the counted work; times themselves are reported by ``symconv bench``, never asserted."""

from __future__ import annotations

import gc
import time

import pytest

import symconv as sc
from symconv.bench.layers import SUITE, backward_flops, forward_flops
from symconv.bench.rival import Problem, counterpart
from symconv.bench.timing import interleaved
from symconv.commands.request import requested


def test_functions_take_turns():
    order: list[str] = []
    interleaved({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, repeat=4, min_time=0.0)
    assert "".join(order[-8:]) == "abbaabba"


def test_a_sample_lasts_as_long_as_asked():
    calls = 0

    def count() -> None:
        nonlocal calls
        calls += 1

    found = interleaved({"count": count}, repeat=2, min_time=0.01)["count"]
    assert found.minimum <= found.median
    assert calls * found.minimum > 0.01


def test_times_are_those_of_one_call():
    found = interleaved({"sleep": lambda: time.sleep(0.002)}, repeat=3, min_time=0.004)["sleep"]
    assert 0.002 <= found.minimum < 0.02


def test_the_collector_works_again_afterwards():
    with pytest.raises(ZeroDivisionError):
        interleaved({"wrong": lambda: 1 // 0})
    assert gc.isenabled()


@pytest.mark.parametrize("layer", SUITE, ids=[layer.name for layer in SUITE])
def test_the_work_of_a_convolution(layer):
    op = requested("conv2d", dict(layer.settings))
    n, f, h, w = op.output_shape(**layer.shapes)
    _, c, p, q = layer.w
    assert forward_flops(op, layer.shapes) == 2 * n * f * h * w * c * p * q
    assert backward_flops(op, layer.shapes, ("x", "w")) == 2 * forward_flops(op, layer.shapes)
    assert isinstance(counterpart(op, dict(layer.settings), layer.shapes), Problem)


def test_only_sums_count_as_work():
    shapes = {"x": (1, 4, 9), "w": (2, 4, 3)}
    assert forward_flops(sc.max_plus1d(), shapes) == 0


@pytest.mark.parametrize(
    ("op", "settings", "why"),
    [
        (sc.conv1d(flip=True), {"flip": True}, "border or flip"),
        (sc.conv1d(border="reflect", padding=1), {"border": "reflect"}, "border or flip"),
        (sc.conv1d(padding=((1, 0),)), {}, "both sides"),
        (sc.adder1d(), {}, "no such operator"),
        (sc.conv_transpose1d(), {}, "no such operator"),
    ],
)
def test_torch_is_left_out_where_it_has_no_such_operator(op, settings, why):
    pytest.importorskip("torch")
    assert why in counterpart(op, settings, {"x": (1, 2, 9), "w": (2, 2, 3)})
