"""The C text of the reference set under every compiler of this machine: no warning, and the same numbers."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from symconv import pipeline
from symconv.commands.reference_set import REFERENCES, chosen, unit

ROOT = Path(__file__).resolve().parents[2]
# Helpers of the prelude that a module does not call are the only thing gcc and clang disagree about.
STRICT = ("-Wall", "-Werror", "-Werror=incompatible-pointer-types", "-Wno-unused-function")
COMPILERS = {
    "gcc": [shutil.which("gcc")],
    "clang": [shutil.which("clang")],
    "zig": [sys.executable, "-m", "ziglang", "cc"] if find_spec("ziglang") else [None],
}
QUICK = ("max_plus2d",)
FLAGS = {"portable": (), "native": ("-march=native",), "OpenMP": ("-fopenmp",)}

Translate = Callable[[str], Path]


@pytest.fixture(scope="session", params=COMPILERS)
def compiler(request: pytest.FixtureRequest) -> list[str]:
    command = COMPILERS[request.param]
    if command[0] is None:
        pytest.skip(f"{request.param} is not installed")
    return command


@pytest.fixture(scope="session")
def translated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The C text of a reference, generated and translated once."""
    folder = tmp_path_factory.mktemp("translated")

    @functools.cache
    def make(name: str) -> Path:
        (reference,) = (one for one in REFERENCES if one.name == name)
        text = pipeline.generate((unit(reference),), chosen(reference)).text
        (folder / f"{name}.pyx").write_text(text, encoding="utf-8")
        cython = [sys.executable, "-m", "cython", "-3", f"{name}.pyx"]
        subprocess.run(cython, cwd=folder, check=True, capture_output=True)
        return folder / f"{name}.c"

    return make


def _complaints(command: list[str], source: Path, *flags: str) -> str:
    import numpy

    includes = [f"-I{sysconfig.get_path('include')}", f"-I{numpy.get_include()}"]
    done = subprocess.run(
        [*command, "-O1", "-fPIC", "-c", *STRICT, *flags, *includes, source.name, "-o", os.devnull],
        cwd=source.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize("name", QUICK)
def test_reference_kernels_compile_without_a_warning(name: str, compiler: list[str], translated: Translate) -> None:
    assert _complaints(compiler, translated(name)) == ""


@pytest.mark.full
@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("name", [one.name for one in REFERENCES])
def test_the_whole_set_compiles_without_a_warning(
    name: str, flags: str, compiler: list[str], translated: Translate
) -> None:
    threaded = "zig" not in str(compiler)
    if flags == "OpenMP" and not threaded:
        pytest.skip("zig has no OpenMP")
    assert _complaints(compiler, translated(name), *FLAGS[flags]) == ""


def test_the_check_can_fail(compiler: list[str], tmp_path: Path) -> None:
    source = tmp_path / "wrong.c"
    source.write_text("struct a { int x; }; int f(struct a *p); int g(char *q) { return f(q); }\n")
    assert "incompatible" in _complaints(compiler, source)
