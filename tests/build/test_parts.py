"""A module's functions in C are compiled apart from what Cython makes of the rest, and mean the same."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.build import clear, compile_text, load
from symconv.build.cpu import cpu_flags
from symconv.build.helpers import needed, spared
from symconv.build.parts import parted, sorted_out
from symconv.build.process import Children, Ran, run
from symconv.build.tools import toolchain
from symconv.emit.source import DRIVERS, Source
from symconv.isa import isa
from symconv.options import Options

TEXT = '''\
cdef extern from *:
    """
    #define sc_nest __attribute__((noinline)) void
    static sc_nest sc_twice_1(Py_ssize_t v_n, double *v_x)
    {
        for (Py_ssize_t v_i = 0; v_i < v_n; v_i++) v_x[v_i] *= 2;
    }

    static sc_nest u0_twice(
        Py_ssize_t v_n, double *v_x)
    {
        sc_twice_1(v_n, v_x);
    }
    """
    void u0_twice(Py_ssize_t, double*) noexcept nogil


def twice(double x):
    u0_twice(1, &x)
    return x
'''

LOOPS = '''\
# cython: emit_code_comments=False
cdef extern from *:
    """
    #define sc_nest __attribute__((noinline)) void
    static inline double sc_half(double a) { return a / 2; }
    """
    ctypedef void sc_nest
    double sc_half(double) noexcept nogil


cdef double other(double x) noexcept nogil:
    return x


cdef sc_nest u0_halved(Py_ssize_t n, double* x) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        x[i] = sc_half(x[i])


def halved(double x):
    u0_halved(1, &x)
    return other(x)
'''

SHARED = '''\
cdef extern from *:
    """
    #include <immintrin.h>
    typedef int sc_number;
    static inline sc_number sc_one(sc_number a) { return _mm_cvtsi128_si32(_mm_set1_epi32(a)); }
    static __attribute__((noinline, cold)) sc_number sc_two(sc_number a) {
        if (a) { a++; }
        return sc_one(a);
    }
    """
'''


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["symconv.build.parts"], "_ENOUGH", 0)


def test_the_rest_keeps_its_lines_and_declares_what_it_calls(always: None) -> None:
    found = parted(TEXT)
    assert found is not None
    assert found.module.count("\n") == TEXT.count("\n")
    assert "u0_twice(\n        Py_ssize_t v_n, double *v_x);" in found.module
    assert "sc_twice_1" not in found.module, "what only functions call is declared nowhere"
    assert "static sc_nest sc_twice_1" in found.functions
    assert "static sc_nest u0_twice" not in found.functions


@pytest.mark.parametrize(
    "text",
    ["", "x = 1\n", TEXT.replace("*= 2;", "*= 2; /* \\\\ */"), TEXT.replace('"""', "'''")],
)
def test_other_texts_stay_whole(always: None, text: str) -> None:
    assert parted(text) is None


def test_a_text_without_functions_stays_whole() -> None:
    text = TEXT.replace("static ", "")
    found = parted(text)
    assert found is not None
    assert (found.module, found.functions) == (text, "")


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[str, ...]]:
    """What the compiler is asked for, by the file that it reads."""
    found: dict[str, tuple[str, ...]] = {}
    real = run
    monkeypatch.setattr(sys.modules["symconv.build.objects"], "_KEPT", {})

    def noted(command: tuple[str, ...], folder: Path, children: Children | None = None) -> Ran:
        found.update({word: command for word in command if word.endswith(".c")})
        return real(command, folder, children)

    monkeypatch.setattr(sys.modules["symconv.build.compiler"], "run", noted)
    return found


def test_few_functions_are_compiled_as_loops_are(commands: dict[str, tuple[str, ...]]) -> None:
    clear()
    assert load(compile_text(Source(TEXT))).twice(1.5) == 3.0
    assert {file: "-O2" in command for file, command in commands.items()} == {"functions.c": True, "kernel.c": True}


def test_loops_get_every_pass_and_the_rest_few(commands: dict[str, tuple[str, ...]]) -> None:
    clear()
    artifact = compile_text(Source(LOOPS))
    assert load(artifact).halved(5) == 2.5
    assert {file: "-O2" in command for file, command in commands.items()} == {"nests.c": True, "kernel.c": False}
    assert sorted(path.suffix for path in artifact.module_path.parent.iterdir()) == [".json", ".pyx", ".so"]


@pytest.mark.parametrize(
    "text",
    [LOOPS.replace("sc_half(x[i])", "other(x[i]) / 2"), LOOPS.replace("sc_half(x[i])", "sqrt(x[i]) / 2")],
)
def test_loops_that_call_what_the_rest_defines_stay_in_it(text: str, commands: dict[str, tuple[str, ...]]) -> None:
    clear()
    text = text.replace("cdef double", "from libc.math cimport sqrt\n\ncdef double", 1)
    assert load(compile_text(Source(text))).halved(1) == 0.5
    assert {file: "-O2" in command for file, command in commands.items()} == {"kernel.c": True}


def test_kernels_that_a_plan_chooses_stay_with_the_rest_and_their_loops_do_not() -> None:
    op = sc.operator("y[n,i] = sum[p](x[n,i+2*p]*w[p])")
    text = pipeline.generate((pipeline.unit(op, Options(), every=True),), Options()).text
    found = parted(text)
    assert found is not None
    assert DRIVERS in found.module
    assert DRIVERS not in found.functions


def test_functions_in_two_texts_call_each_other(always: None, commands: dict[str, tuple[str, ...]]) -> None:
    clear()
    found = parted(TEXT)
    assert found is not None
    first, second = found.alone
    assert 'visibility("hidden"))) sc_nest sc_twice_1(Py_ssize_t v_n, double *v_x)\n    {' in first
    assert 'visibility("hidden"))) sc_nest sc_twice_1(Py_ssize_t v_n, double *v_x);' in second
    assert load(compile_text(Source(TEXT))).twice(1.5) == 3.0
    assert sorted(commands) == ["functions.c", "functions2.c", "kernel.c"]


def test_what_calls_loops_reads_no_intrinsics() -> None:
    op = sc.operator("y[n,i] = sum[p](x[n,i+2*p]*w[p])")
    text = pipeline.generate((pipeline.unit(op, Options()),), Options()).text
    found = parted(text)
    assert found is not None
    assert "immintrin" in found.shared
    translated = sorted_out(f"{found.shared}\nstatic sc_nest __pyx_f_u0(void) {{\n  sc_load(0, 0);\n}}\n", found, "one")
    assert translated is not None
    assert "immintrin" not in translated.rest
    assert "immintrin" in translated.nests[0][1]
    assert "sc_load(" not in translated.rest


def test_no_text_reads_the_whole_header_of_intrinsics(monkeypatch: pytest.MonkeyPatch) -> None:
    clear()
    monkeypatch.setattr(sys.modules["symconv.build.objects"], "_KEPT", {})
    written: dict[str, str] = {}

    def noted(path: Path, content: bytes) -> None:
        written[path.name] = content.decode()
        path.write_bytes(content)

    monkeypatch.setattr(sys.modules["symconv.build.compiler"], "write_file", noted)
    pipeline.build(sc.operator("y[n,i] = sum[p](x[n,i+3*p]*w[p])"), Options())
    whole = isa("native", cpu_flags()).vector_bytes <= 16 or "clang" in toolchain().version
    assert {file: "immintrin" in text for file, text in written.items()} == {
        "kernel.pyx": True,
        "nests_u0_forward.c": whole,
        "nests_u0_backward.c": whole,
        "kernel.c": False,
    }


def test_loops_are_compiled_once_for_all_modules_of_an_operator(commands: dict[str, tuple[str, ...]]) -> None:
    clear()
    op = sc.operator("y[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,p])")
    first = load(pipeline.build(op, Options()))
    assert {"nests_u0_forward.c", "nests_u0_backward.c"} <= commands.keys(), "an entry each"
    commands.clear()
    larger = load(pipeline.build(op, Options(), entries=("backward",), every=True))
    assert "kernel.c" in commands
    assert not [file for file in commands if file.startswith("nests")]
    generator = np.random.default_rng(0)
    arrays = tuple(generator.standard_normal(s).astype("f") for s in ((2, 5, 9), (2, 3, 11), (5, 3, 3)))
    one, two = (module.u0_backward(3, arrays, None, 1) for module in (first, larger))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_what_a_text_needs_depends_on_nothing_else() -> None:
    shared = found.shared if (found := parted(SHARED)) else ""
    more = shared.replace("    typedef int", "    /* Of no use. */\n    #define SC_MORE 1\n    typedef int")
    assert needed("sc_two(1)", more) == needed("sc_two(1)", shared) == shared
    assert needed("sc_number a;", shared) == "    #include <immintrin.h>\n    typedef int sc_number;\n"


def test_helpers_that_are_asked_for_stay_with_what_they_need() -> None:
    shared = found.shared if (found := parted(SHARED)) else ""
    assert spared(f"{shared}int x = 1;\n", shared) == "    typedef int sc_number;\nint x = 1;\n"
    assert spared(f"{shared}int x = sc_two(1);\n", shared) == f"{shared}int x = sc_two(1);\n"
    assert "sc_two" not in spared(f"{shared}int x = sc_one(1);\n", shared)
    assert spared("int x = sc_two(1);\n", shared) == "int x = sc_two(1);\n"


def test_the_module_computes_the_same(always: None) -> None:
    clear()
    artifact = compile_text(Source(TEXT))
    assert load(artifact).twice(1.5) == 3.0
    assert artifact.source_path.read_text() == TEXT
    assert sorted(path.suffix for path in artifact.module_path.parent.iterdir()) == [".json", ".pyx", ".so"]


def test_what_the_compiler_refuses_is_said(always: None) -> None:
    with pytest.raises(sc.BuildError, match=r"functions\.c") as caught:
        compile_text(Source(TEXT.replace("*= 2", "*= two")))
    assert "two" in str(caught.value)
    with pytest.raises(sc.BuildError, match="Cython refused"):
        compile_text(Source(TEXT.replace("return x", "return (")))


def test_all_candidates_are_parted() -> None:
    unit = pipeline.unit(sc.conv1d(), Options(target="portable"), every=True)
    text = pipeline.generate((unit,), Options(target="portable")).text
    found = parted(text)
    assert found is not None
    assert len(found.module) < 0.7 * len(text)
    assert found.module.count("\n") == text.count("\n")
    assert "sc_finite(const sc_real *p, Py_ssize_t n, int threads);" in found.module, (
        "what runs over a whole result is a loop too"
    )
    assert "sc_finite(const sc_real *p, Py_ssize_t n, int threads) {" in found.functions
