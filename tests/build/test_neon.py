"""The C of packed kernels for NEON, compiled for another machine with warnings as errors; nothing of it runs here."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import symconv as sc
from symconv import pipeline
from symconv.build.parts import parted
from symconv.isa import isa
from symconv.options import Options

STRICT = ("-Wall", "-Werror", "-Wno-unused-function")
AARCH64 = 183
OPERATORS = {
    "conv1d": (sc.conv1d(padding=1, bias=True), "float64"),
    "conv2d": (sc.conv2d(padding=1), "float32"),
    "strided groups": (sc.conv2d(stride=(2, 1), padding=1, groups=2), "float32"),
    "depthwise": (sc.conv2d(groups=8, padding=(1, 0)), "float32"),
    "conv3d": (sc.conv3d(padding=(1, 0, 1)), "float64"),
    "adder": (sc.adder2d(stride=2), "float32"),
}


@pytest.mark.full
@pytest.mark.parametrize("name", OPERATORS)
def test_packed_kernels_compile_for_neon(name: str, tmp_path: Path) -> None:
    if find_spec("ziglang") is None:
        pytest.skip("zig is not installed")
    op, dtype = OPERATORS[name]
    options = Options(dtype=dtype, target=isa("neon").name)
    found = parted(pipeline.generate((pipeline.unit(op, options, every=True),), options).text)
    assert found is not None
    texts = found.alone
    for number, text in enumerate(texts):
        (tmp_path / f"functions{number}.c").write_text(text)
    compiler = [sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-gnu", *isa("neon").asked[1]]
    for number in range(len(texts)):
        done = subprocess.run(
            [*compiler, "-O2", "-fPIC", *STRICT, "-c", f"functions{number}.c", "-o", f"functions{number}.o"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[:4000]
        made = (tmp_path / f"functions{number}.o").read_bytes()
        assert int.from_bytes(made[18:20], "little") == AARCH64
        assert len(made) > 10_000
