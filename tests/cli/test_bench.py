"""``symconv bench`` reports; what it compares is the same work under the same settings."""

from __future__ import annotations

import json

import pytest

from symconv.bench.conditions import ALLOCATOR, environment

QUICK = ("--repeat", "1", "--seconds", "0")
SHAPES = ("--shape", "x=2,3,9", "--shape", "w=4,3,3", *QUICK)
SUITE = [
    {"cls": "plain", "name": "two axes", "N": 2, "C": 4, "spatial": [7, 9], "F": 6, "kernel": [3, 2], "stride": [2, 1],
     "padding": [[1, 0], [1, 1]], "dilation": [1, 2], "groups": 2},
    {"cls": "tiny", "name": "one axis", "N": 1, "C": 1, "spatial": [8], "F": 2, "kernel": [3], "padding": 1},
]  # fmt: skip


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "suite.json"
    path.write_text(json.dumps({"layers": SUITE}))
    return path


@pytest.fixture
def quick_ceilings(monkeypatch):
    from symconv.bench import ceilings

    monkeypatch.setattr(ceilings, "_SAMPLE", 1e-5)


def test_bench_starts_over_under_the_settings_of_both_sides(program, monkeypatch):
    for name in environment("native", 1):
        monkeypatch.delenv(name, raising=False)
    ran = program("bench", "conv1d", "--padding", "1", *SHAPES)
    assert ran.returncode == 0, ran.stderr
    assert "MALLOC_* set" in ran.stdout


def test_a_target_limits_torch_as_well():
    assert environment("x86-64-v3", 2) == {
        **ALLOCATOR,
        "OMP_NUM_THREADS": "2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    }


@pytest.mark.usefixtures("quick_ceilings")
def test_a_suite_is_written_as_json_and_drawn(suite, tmp_path, call):
    record, svg = tmp_path / "out.json", tmp_path / "out.svg"
    result = call("bench", "--suite", suite, "--json", record, "--svg", svg, *QUICK)
    assert result.exit_code == 0, result.output
    assert max(map(len, result.stdout.splitlines())) <= 80
    found = json.loads(record.read_text())
    assert (found["format"], found["version"]) == ("symconv bench", 1)
    assert [layer["name"] for layer in found["layers"]] == ["two axes", "one axis"]
    for layer in found["layers"]:
        assert set(layer["directions"]) == {"forward", "backward", "x", "w"}
        assert all(one["ms"] > 0 and one["percent"] > 0 for one in layer["directions"].values())
        assert max(layer["errors"].values()) < 1e-6
    assert svg.read_text().startswith("<svg")
    assert "two axes" in svg.read_text()


@pytest.mark.usefixtures("quick_ceilings")
def test_a_layer_of_several_steps_is_measured_beside_autograd(tmp_path, call):
    pytest.importorskip("torch")
    gated = {"cls": "gated", "name": "one", "op": "gated_conv", "N": 2, "C": 3, "spatial": [9], "F": 4, "kernel": [2],
             "padding": [[2, 0]], "dilation": 2}  # fmt: skip
    suite, record = tmp_path / "suite.json", tmp_path / "out.json"
    suite.write_text(json.dumps([gated]))
    result = call("bench", "--suite", suite, "--json", record, *QUICK)
    assert result.exit_code == 0, result.output
    (layer,) = json.loads(record.read_text())["layers"]
    assert set(layer["directions"]) == {"forward", "backward", "x", "w", "a", "u", "b"}
    assert all(one["ratio"] > 0 for one in layer["directions"].values())
    assert max(layer["errors"].values()) < 1e-6 and set(layer["errors"]) == {"y", "x", "w", "a", "u", "b"}


@pytest.mark.usefixtures("quick_ceilings")
def test_a_suite_runs_without_torch(suite, tmp_path, call, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    record = tmp_path / "out.json"
    result = call("bench", "--suite", suite, "--only", "two axes", "--json", record, *QUICK)
    assert result.exit_code == 0, result.output
    assert "no comparison: torch is not installed" in result.stdout
    (layer,) = json.loads(record.read_text())["layers"]
    assert layer["directions"]["backward"]["ratio"] is None
    assert 0 < layer["errors"]["x"] < 1e-6  # NumPy computes what both sides are measured against


@pytest.mark.usefixtures("quick_ceilings")
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_bench_agrees_with_torch_before_it_compares(layout, call, tmp_path):
    pytest.importorskip("torch")
    shapes = {"NCHW": ("x=2,3,9,8", "w=4,3,3,2"), "NHWC": ("x=2,9,8,3", "w=3,2,3,4")}[layout]
    record = tmp_path / "out.json"
    result = call(
        *("bench", "conv2d", "--stride", "2,1", "--padding", "1", "--bias", "--layout", layout, *QUICK),
        *("--shape", shapes[0], "--shape", shapes[1], "--shape", "b=4", "--json", record, "--jvp", "--given"),
    )
    assert result.exit_code == 0, result.output
    (layer,) = json.loads(record.read_text())["layers"]
    assert set(layer["torch_errors"]) == {"y", "x", "w", "b"}
    assert "directional derivative" in result.stdout
    assert layer["directions"]["jvp"]["ratio"] > 0
    assert set(layer["directions"]["b"]["torch"]) == {"contiguous", "channels_last"}


@pytest.mark.usefixtures("quick_ceilings")
def test_bench_does_without_a_rival(call):
    result = call("bench", "adder1d", *SHAPES)
    assert result.exit_code == 0
    assert "no comparison: torch" in result.stdout


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ({"stride": [0, 1]}, "layer 1 ('two axes'), field stride"),
        ({"stride": [1]}, "field stride: 2 integers"),
        ({"groups": 3}, "field C: a multiple of groups"),
        ({"padding": [[1, -1], 0]}, "field padding"),
        ({"kernel": [30, 2]}, "layer 'two axes' of class plain"),
        ({"strides": 2}, "did you mean stride?"),
        ({"spatial": [1, 2, 3, 4]}, "field spatial: a list of 1 to 3 sizes"),
        ({"op": "pooling"}, "field op: one of conv"),
        ({"N": True}, "field N: a positive integer"),
        ({"C": 1 << 30, "groups": 1}, "elements; wanted less than"),
        ({"output_padding": 1}, "only a conv_transpose"),
    ],
)
def test_a_wrong_layer_is_named_with_its_field(layer, said, tmp_path, call):
    path = tmp_path / "suite.json"
    path.write_text(json.dumps([{**SUITE[0], **layer}]))
    result = call("bench", "--suite", path)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(
    ("text", "said"), [("{", "not JSON"), ("[]", "a suite is"), ("[3]", "layer 1: an object"), ("[" * 9999, "not JSON")]
)
def test_a_file_that_is_no_suite(text, said, tmp_path, call):
    path = tmp_path / "suite.json"
    path.write_text(text)
    result = call("bench", "--suite", path)
    assert result.exit_code == 2
    assert said in result.stderr


def test_requests_that_do_not_fit_together(suite, tmp_path, call):
    for arguments, said in (
        (("conv1d", "--suite", suite), "leave out OP"),
        (("--suite", suite, "--stride", "2"), "leave out OP"),
        (("--suite", suite, "--only", "nowhere"), "no layer"),
        (("--suite", tmp_path / "missing.json"), "the suites that come with symconv: bodies, composed, devset"),
        (("conv1d", *SHAPES, "--only", "x"), "goes with --suite"),
        (("conv1d", *SHAPES, "--json", tmp_path / "no" / "o.json"), "there is no folder"),
        (("conv1d", *SHAPES, "--seconds", "-1"), "--seconds"),
    ):
        result = call("bench", *arguments)
        assert result.exit_code == 2, result.output
        assert said in result.stderr
