"""Kernels over random sizes, compiled and run under AddressSanitizer and UndefinedBehaviorSanitizer."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# What vector lanes do on purpose: their element-wise fall-back shifts and reads are not undefined.
FLAGS = "-fsanitize=address,undefined -fno-sanitize-recover=all"


def _names(script: str) -> list[str]:
    """What a script can be asked for: the keys of its dictionary."""
    return [
        ast.literal_eval(key)
        for node in ast.parse((HERE / script).read_text(encoding="utf-8")).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict)
        for key in node.value.keys
        if key is not None
    ]


NAMES, PACKED = _names("sanitized.py"), _names("sanitized_packed.py")
OUTSIDE = """\
cimport numpy as np
def answer(np.ndarray a, Py_ssize_t i):
    return (<double*> np.PyArray_DATA(a))[i]
"""


def _library(name: str) -> str:
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("no sanitizer: gcc is not installed")
    path = subprocess.run([gcc, f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout.strip()
    if not Path(path).is_absolute():
        pytest.skip(f"no sanitizer: gcc has no {name}")
    return path


def _environment(cache: Path) -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(HERE.parents[1]), os.environ.get("PYTHONPATH"))))
    return os.environ | {
        "PYTHONPATH": path,
        "PYTHONMALLOC": "malloc",
        "SYMCONV_CACHE": str(cache),
        "SYMCONV_CC": f"gcc {FLAGS}",
        "LD_PRELOAD": f"{_library('libasan.so')} {_library('libubsan.so')}",
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "OMP_NUM_THREADS": "2",
    }


def _run(command: list[str], cache: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], env=_environment(cache), capture_output=True, text=True, check=False, timeout=1200
    )


@pytest.mark.full
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_no_size_leaves_its_arrays(name: str, dtype: str, tmp_path: Path) -> None:
    seed = NAMES.index(name)
    ran = _run([str(HERE / "sanitized.py"), name, dtype, str(seed), "60"], tmp_path / "sanitized")
    assert (ran.returncode, ran.stdout.strip()) == (0, "60"), (ran.stdout + ran.stderr)[-4000:]


@pytest.mark.full
@pytest.mark.parametrize("name", PACKED)
def test_no_candidate_leaves_its_arrays_whatever_a_plan_says(name: str, tmp_path: Path) -> None:
    """Packed, dot and Winograd kernels, for both instruction sets: sizes around each tile, drawn numbers."""
    ran = _run([str(HERE / "sanitized_packed.py"), name, str(PACKED.index(name)), "20"], tmp_path / "sanitized")
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[-4000:]
    assert int(ran.stdout) > 40


@pytest.mark.full
def test_the_sanitizer_sees_what_leaves_an_array(tmp_path: Path) -> None:
    script = (
        "import numpy\nfrom symconv.build import compile_text, load\nfrom symconv.emit.source import Source\n"
        f"module = load(compile_text(Source({OUTSIDE!r}, openmp=False)))\n"
        "print(module.answer(numpy.ones(1000), 999), flush=True)\nmodule.answer(numpy.ones(1000), 1000)\n"
    )
    ran = _run(["-c", script], tmp_path / "sanitized")
    assert ran.stdout.strip() == "1.0", ran.stderr
    assert ran.returncode != 0
    assert "heap-buffer-overflow" in ran.stderr
