"""What is computed from times: least times under ceilings, means, the text and the picture of a record."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from symconv.bench.ceilings import Ceilings, ceilings
from symconv.bench.chart import chart
from symconv.bench.measure import Direction, How, Measurement, Task
from symconv.bench.record import bounded, document, layer_record
from symconv.bench.table import table
from symconv.bench.timing import Timing
from symconv.commands.request import requested

ROOF = Ceilings(100e9, (("L1", 1000, 400e9), ("L2", 10_000, 200e9), ("L3", 100_000, 100e9), ("DRAM", 0, 20e9)))


def measured(cls, name, ours, theirs, threads=1):
    """A record of a layer whose forward takes half of all gradients' time."""
    op = requested("conv1d", {})
    task = Task(cls, name, op, {}, {"x": (1, 1, 9), "w": (1, 1, 3)})
    directions = tuple(
        Direction(one, Timing(ours * part, ours * part / 2), {form: Timing(t * part, t * part) for form, t in theirs.items()}, 8 * 10**9, 4 * 10**6)
        for one, part in (("forward", 0.5), ("backward", 1.0), ("x", 0.5), ("w", 0.5))
    )  # fmt: skip
    return layer_record(Measurement(task, "y: packed 8x3, " * 9, "", 0, directions, {"y": 1e-7}, {"y": 2e-7}, "" if theirs else "torch is not installed", 0.0, 0.0), threads)  # fmt: skip


@pytest.fixture
def found():
    layers = [
        measured("dense", "one", 0.2, {"contiguous": 0.9, "channels_last": 0.8}),
        measured("dense", "two with a name that is longer than its column", 0.1, {"contiguous": 0.1}),
        measured("tiny", "three", 0.1, {"contiguous": 5.0}),
        measured("alone", "<four> & more", 0.4, {}),
    ]
    machine = {"cpu": "a cpu", "cores": 2, "torch": "2.0", "load": 0.0}
    return document([bounded(one, ROOF) for one in layers], How(), ROOF, machine, {"MALLOC_TOP_PAD_": "1"})


def test_the_better_form_of_torch_counts(found):
    one = found["layers"][0]["directions"]["backward"]
    assert (one["best"], one["ratio"], one["ratios"]["contiguous"]) == (
        "channels_last",
        pytest.approx(4.0),
        pytest.approx(4.5),
    )


def test_several_threads_are_judged_by_minima():
    one = measured("dense", "one", 0.2, {"contiguous": 0.4}, threads=2)["directions"]["backward"]
    assert one["ratio"] == pytest.approx(4.0)


def test_the_nearest_ceiling_bounds_a_time(found):
    one = found["layers"][0]["directions"]["backward"]
    assert (one["bound"], one["percent"]) == ("FMA", pytest.approx(40.0))  # 8 GFLOP at 100 GFLOP/s in 0.2 s
    slow = bounded(found["layers"][0], Ceilings(1e15, ROOF.bandwidth))["directions"]["backward"]
    assert (slow["bound"], slow["percent"]) == ("DRAM", pytest.approx(0.1))  # 4 MB at 20 GB/s in 0.2 s


def test_means_are_geometric_and_leave_out_the_tiny_ones(found):
    summary = found["summary"]
    assert summary["classes"]["dense"]["backward"] == pytest.approx(2.0)
    assert summary["overall"]["backward"] == pytest.approx(2.0)
    assert summary["classes"]["tiny"]["backward"] == pytest.approx(50.0)
    assert summary["worst"]["ratio"] == pytest.approx(1.0)


def test_the_table_has_80_columns_and_every_layer(found):
    text = table(found)
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith(table(found, methods=False))
    assert all(name in text for name in ("one", "two with", "three", "<four>", "no comparison: torch is not installed"))


def test_the_picture_is_svg_with_a_bar_for_each_ratio(found):
    root = ElementTree.fromstring(chart(found))
    assert root.tag.endswith("svg")
    ground, *bars = [one for one in root if one.tag.endswith("rect")]
    assert len(bars) == 3
    assert ground.get("width") == ground.get("height") == "100%"
    points = [one for one in root if one.tag.endswith("circle")]
    assert len(points) == len(found["layers"]) + len(found["summary"]["classes"])  # the layers, and the legend
    width, height = float(root.get("width")), float(root.get("height"))
    assert all(0 <= float(one.get("x")) <= width and 0 <= float(one.get("y")) <= height for one in bars)
    assert all(0 <= float(one.get("cx")) <= width and 0 <= float(one.get("cy")) <= height for one in points)


def test_a_picture_of_operators_without_work_or_rival():
    layer = measured("alone", "one", 0.4, {})
    directions = {name: {**one, "flop": 0} for name, one in layer["directions"].items()}
    machine = {"cpu": "a cpu", "cores": 2, "torch": None}
    empty = document([bounded({**layer, "directions": directions}, ROOF)], How(), ROOF, machine, {})
    assert ElementTree.fromstring(chart(empty)).tag.endswith("svg")
    assert "torch is not installed" in table(empty)


def test_ceilings_are_measured(monkeypatch):
    from symconv.bench import ceilings as module

    monkeypatch.setattr(module, "_SAMPLE", 1e-4)
    one = ceilings("float64")
    assert one.flops > 1e7
    assert [level for level, _, _ in one.bandwidth] == ["L1", "L2", "L3", "DRAM"]
    assert all(speed > 1e6 for _, _, speed in one.bandwidth)
