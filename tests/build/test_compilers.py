"""The C text of the reference set under every compiler of this machine: no warning, and the same numbers."""

from __future__ import annotations

import functools
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

import symconv as sc
from symconv import pipeline
from symconv.build import Toolchain, toolchain
from symconv.build.cpu import cpu_flags
from symconv.build.process import run
from symconv.commands.reference_set import REFERENCES, chosen, unit
from symconv.emit.source import Source

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


@pytest.fixture
def chosen_compiler(compiler: list[str], monkeypatch: pytest.MonkeyPatch) -> Toolchain:
    monkeypatch.setenv("SYMCONV_CC", shlex.join(compiler))
    return toolchain()


def test_only_zig_has_no_threads(chosen_compiler: Toolchain) -> None:
    if "ziglang" in chosen_compiler.command:
        assert not chosen_compiler.openmp
        assert "-fopenmp" not in chosen_compiler.flags_for(Source("", openmp=True))


@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="the macros of another CPU")
@pytest.mark.parametrize("target", ["portable", "native"])
def test_a_target_is_what_it_says(target: str, chosen_compiler: Toolchain, tmp_path: Path) -> None:
    (tmp_path / "empty.c").write_text("")
    flags = chosen_compiler.flags_for(Source("", target=target, openmp=False))
    ran = run((*chosen_compiler.command, *flags, "-dM", "-E", "empty.c"), tmp_path)
    assert ran.status == 0, ran.err
    for flag, macro in (("avx2", "__AVX2__"), ("avx512f", "__AVX512F__"), ("sse4_2", "__SSE4_2__")):
        assert (macro in ran.out) == (target == "native" and flag in cpu_flags()), macro


EXACT: dict[str, Callable[[], sc.Operator]] = {
    "ties of a maximum": lambda: sc.max_pool2d((3, 2), (2, 1), kinks={"max": "share"}),
    "conv2d": lambda: sc.conv2d(stride=(2, 1), padding=(1, 2), bias=True),
    "conv2d groups": lambda: sc.conv2d(groups=2, padding=1, layout="NHWC"),
    "conv2d reflect": lambda: sc.conv2d(padding=(2, 1), border="reflect"),
    "conv_transpose2d": lambda: sc.conv_transpose2d(stride=(2, 3), padding=1),
    "adder2d": lambda: sc.adder2d(stride=2, padding=1, border="skip"),
    "max_plus2d": lambda: sc.max_plus2d(stride=2),
    "scalar functions": lambda: sc.operator("y[n,f,i] = sum[c,p](tanh(x[n,c,2*i+p-1])*exp(-w[f,c,p]))"),
}


@pytest.mark.parametrize(
    "name", ["ties of a maximum", *(pytest.param(name, marks=pytest.mark.full) for name in list(EXACT)[1:])]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.usefixtures("chosen_compiler")
def test_kernels_are_exact_under_every_compiler(name: str, dtype: str) -> None:
    op = EXACT[name]()
    verdict = sc.verify(op, kernel=sc.build(op, dtype=dtype), dtype=dtype)
    assert verdict, str(verdict)
