from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from symconv.build import fingerprint, toolchain
from symconv.build.cpu import cpu_flags
from symconv.build.find import find_compiler
from symconv.build.tools import Toolchain, _known
from symconv.emit.source import Source
from symconv.errors import BuildError
from symconv.isa import ISAS, isa


def _script(path: Path, says: str) -> Path:
    path.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo "{says}"; exit; fi\nexec cc "$@"\n')
    path.chmod(0o755)
    return path


def test_toolchain_of_this_machine() -> None:
    tools = toolchain()
    assert tools.version
    assert Path(tools.path).is_absolute()
    assert "-O2" in tools.flags
    assert not {"-ffast-math", "-ffinite-math-only", "-funsafe-math-optimizations"} & set(tools.flags)
    portable = tools.flags_for(Source("", target="portable", openmp=False))
    assert not [flag for flag in portable if flag.startswith("-m")]
    assert "-fopenmp" not in portable
    assert ("-mprefer-vector-width=512" in tools.native_flags) <= ("avx512f" in cpu_flags())


def test_known_compiler_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("started a process")

    monkeypatch.setattr(subprocess, "run", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert fingerprint("native") != fingerprint("portable")


def test_fingerprint_follows_the_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = _script(tmp_path / "mycc", "mycc 1.0")
    monkeypatch.setenv("SYMCONV_CC", str(script))
    first = fingerprint("portable")
    assert toolchain().version == "mycc 1.0"
    assert toolchain().command == (str(script),)
    _script(script, "mycc 1.0.1")
    assert toolchain().version == "mycc 1.0.1"
    assert fingerprint("portable") != first


def test_fingerprint_follows_what_is_behind_a_compiler_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    front, behind = tmp_path / "front", tmp_path / "behind"
    front.mkdir()
    behind.mkdir()
    (front / "mycc").write_text(f'#!/bin/sh\nexec {behind / "mycc"} "$@"\n')
    (front / "mycc").chmod(0o755)
    _script(behind / "mycc", "mycc 1.0")
    monkeypatch.setenv("SYMCONV_CC", str(front / "mycc"))
    monkeypatch.setenv("PATH", str(behind), prepend=os.pathsep)
    first = fingerprint("portable")
    _script(behind / "mycc", "mycc 2.0")
    assert fingerprint("portable") != first


def test_damaged_memory_of_the_compiler_is_probed_again(cache: Path) -> None:
    known = toolchain()
    for file in (cache / "facts").glob("toolchain-*"):
        file.write_text('{"stamp"')
    _known.cache_clear()
    assert toolchain() == known


def test_symconv_cc_alone_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", shutil.which("cc") or "cc")
    monkeypatch.setenv("SYMCONV_CC", "/nonexistent")
    with pytest.raises(
        BuildError, match=r"looked for /nonexistent\).*symconv\[compiler\].*install gcc or clang.*symconv doctor"
    ):
        toolchain()


def test_cc_is_preferred_with_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYMCONV_CC", raising=False)
    monkeypatch.setenv("CC", f"{sys.executable} -m mycc")
    assert find_compiler() == (sys.executable, "-m", "mycc")


def test_everything_looked_for_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SYMCONV_CC", raising=False)
    monkeypatch.setenv("CC", "mycc")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(import_module("symconv.build.find"), "find_spec", lambda _: None)
    with pytest.raises(BuildError, match=r"looked for mycc, .*cc, .*clang, the Python package ziglang"):
        find_compiler()


def test_ziglang_is_the_last_resort(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SYMCONV_CC", raising=False)
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sysconfig.get_config_var", lambda _: "gcc -pthread")
    monkeypatch.setattr(import_module("symconv.build.find"), "find_spec", lambda _: object())
    assert find_compiler() == (sys.executable, "-m", "ziglang", "cc")


def test_program_that_is_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMCONV_CC", sys.executable)
    with pytest.raises(BuildError, match="cannot build a shared library"):
        toolchain()


X86 = [row for row in ISAS if row.name.startswith("x86")]
MACROS = {64: "__AVX512F__", 32: "__AVX2__", 16: "__SSE4_2__"}


@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="not an x86 machine")
@pytest.mark.parametrize("row", X86, ids=lambda row: row.name)
def test_a_target_gets_its_instruction_set_and_none_wider(row, tmp_path: Path) -> None:
    tools = toolchain()
    flags = tools.flags_for(Source("", target=row.name, openmp=False))
    wider = [MACROS[other.vector_bytes] for other in X86 if other.vector_bytes > row.vector_bytes]
    lines = [f"#ifndef {MACROS[row.vector_bytes]}\n#error less\n#endif"]
    lines += [f"#ifdef {macro}\n#error more\n#endif" for macro in wider]
    lines += ["#if defined(__AVX2__) && !defined(__FMA__)\n#error no products added at once\n#endif"]
    source = tmp_path / "asked.c"
    source.write_text("\n".join([*lines, "int asked;\n"]))
    subprocess.run([*tools.command, *flags, "-fsyntax-only", str(source)], check=True, timeout=120)


def test_zig_is_asked_in_its_own_words() -> None:
    def flags(portable: tuple[str, ...], target: str) -> tuple[str, ...]:
        made = Toolchain(("cc",), "cc 1", ("-O2",), ("-march=native",), False, "3", "abi", "cpu", portable)
        return made.flags_for(Source("", target=target))

    assert flags((), "x86-64-v3") == ("-O2", "-march=x86-64-v3")
    assert flags(("-mcpu=baseline",), "x86-64-v3") == ("-O2", "-mcpu=x86_64_v3")
    assert flags(("-mcpu=baseline",), "portable") == ("-O2", "-mcpu=baseline")
    assert flags((), "portable") == ("-O2",)
    assert flags((), "native") == ("-O2", "-march=native")


def test_a_target_that_this_cpu_cannot_run_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        import_module("symconv.build.tools"), "cpu_flags", lambda: frozenset(isa("x86-64-v3").needs) | {"fpu"}
    )
    assert fingerprint("x86-64-v3")
    with pytest.raises(BuildError, match=r"x86-64-v4.*avx512f.*lacks"):
        fingerprint("x86-64-v4")
    # Where the system does not say what its CPU can do, nothing is refused.
    monkeypatch.setattr(import_module("symconv.build.tools"), "cpu_flags", frozenset)
    assert fingerprint("x86-64-v4")
