"""The timing core and the counted work; times themselves are reported by ``symconv bench``, never asserted."""

from __future__ import annotations

import gc
import time

import pytest

import symconv as sc
from symconv.bench.suite import read_suite
from symconv.bench.timing import interleaved
from symconv.bench.work import backward_bytes, backward_flops, forward_bytes, forward_flops
from symconv.commands.request import requested


def test_functions_take_turns():
    order: list[str] = []
    interleaved({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, repeat=4, min_time=0.0)
    assert "".join(order[-8:]) == "abbaabba"


def test_rounds_go_on_while_there_is_time():
    found = interleaved({"sleep": lambda: time.sleep(0.001)}, repeat=1, min_time=0.0, seconds=0.05)["sleep"]
    assert found.samples > 5


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


def test_page_faults_are_those_of_one_call():
    pytest.importorskip("resource")
    import mmap

    def touch() -> None:
        with mmap.mmap(-1, 1 << 20) as memory:
            memory[:] = b"x" * len(memory)

    faults = interleaved({"touch": touch, "rest": lambda: None}, repeat=3, min_time=0.0)
    assert faults["touch"].faults > (1 << 20) / mmap.PAGESIZE / 600 > 0.4  # one at least for each two megabytes
    assert faults["rest"].faults < faults["touch"].faults


def test_the_collector_works_again_afterwards():
    with pytest.raises(ZeroDivisionError):
        interleaved({"wrong": lambda: 1 // 0})
    assert gc.isenabled()


@pytest.mark.parametrize("layer", read_suite("devset"), ids=lambda layer: layer.name)
def test_the_work_of_a_convolution(layer):
    op = requested(layer.op, dict(layer.settings))
    outputs = spread = 1
    y = op.output_shape(**layer.shapes)
    for size in y:
        outputs *= size
    for size in layer.w[1:]:
        spread *= size
    assert forward_flops(op, layer.shapes) == 2 * outputs * spread
    assert backward_flops(op, layer.shapes, ("x", "w")) == 2 * forward_flops(op, layer.shapes)
    elements = dict.fromkeys("xw", 1)
    for name, shape in layer.shapes.items():
        for size in shape:
            elements[name] *= size
    assert forward_bytes(op, layer.shapes, 4) == 4 * (outputs + elements["x"] + elements["w"])
    assert backward_bytes(op, layer.shapes, ("x",), 4) == forward_bytes(op, layer.shapes, 4)
    assert backward_bytes(op, layer.shapes, ("x", "w"), 4) == 4 * (outputs + 2 * elements["x"] + 2 * elements["w"])


def test_a_gradient_reads_what_its_slope_depends_on():
    shapes = {"x": (1, 4, 9), "w": (2, 4, 3), "b": (2,)}
    bias = sc.conv1d(bias=True)
    assert backward_bytes(bias, shapes, ("b",), 8) == 8 * (2 * 7 + 36 + 24 + 2)
    shapes = {"x": (1, 4, 9), "w": (2, 4, 3)}
    assert backward_bytes(sc.adder1d(), shapes, ("w",), 8) == 8 * (2 * 7 + 36 + 24 + 24)


def test_a_maximum_is_work():
    shapes = {"x": (1, 4, 9), "w": (2, 4, 3)}
    assert forward_flops(sc.max_plus1d(), shapes) == 2 * (2 * 7) * (4 * 3)
    assert forward_flops(sc.operator("y[n,i] = x[n,i] + 1"), {"x": (2, 3)}) == 0
