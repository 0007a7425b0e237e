from __future__ import annotations

import math
from pathlib import Path

import pytest

from symconv.build import clear, compile_text, load
from symconv.emit.source import Source
from symconv.errors import BuildError

PRANGE = """\
from cython.parallel cimport prange
from libc.stdlib cimport calloc, free

def total(Py_ssize_t n):
    cdef double* values = <double*> calloc(n, sizeof(double))
    cdef Py_ssize_t i
    cdef double s = 0.0
    for i in prange(n, nogil=True, num_threads=2):
        values[i] = 0.5 * i
    for i in range(n):
        s += values[i]
    free(values)
    return s
"""
BROKEN_C = """\
cdef extern from *:
    '''
    int broken( { }
    '''
    int broken()

def f():
    return broken()
"""
SPECIAL = """\
def dot(list xs, list ws):
    cdef double s = 0.0
    cdef double x, w
    for x, w in zip(xs, ws):
        s += x * w
    return s
"""


@pytest.mark.parametrize("target", ["native", "portable"])
def test_parallel_loop(target: str) -> None:
    module = load(compile_text(Source(PRANGE, target)))
    assert module.total(1000) == 0.5 * 999 * 500


def test_nan_and_infinity_come_through() -> None:
    dot = load(compile_text(Source(SPECIAL, openmp=False))).dot
    assert math.isnan(dot([math.nan], [0.0]))
    assert math.isnan(dot([math.inf], [0.0]))
    assert math.isnan(dot([math.inf, -math.inf], [1.0, 1.0]))
    assert dot([1e308, 1e308], [1.0, 1.0]) == math.inf


def test_source_that_cimports_numpy() -> None:
    text = "cimport numpy as np\ndef size(np.ndarray a):\n    return a.shape[0]\n"
    import numpy

    assert load(compile_text(Source(text, openmp=False))).size(numpy.zeros(7)) == 7


def test_no_path_of_the_build_stays_in_the_module(cache: Path) -> None:
    artifact = compile_text(Source("def f(): raise ValueError\n", openmp=False))
    assert str(cache).encode() not in artifact.module_path.read_bytes()
    first = artifact.module_path.read_bytes()
    clear()
    assert compile_text(Source("def f(): raise ValueError\n", openmp=False)).module_path.read_bytes() == first


def test_cython_error(cache: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = "def f():\n    return undeclared_name\n"
    with pytest.raises(BuildError) as caught:
        compile_text(Source(text, openmp=False))
    message = str(caught.value)
    kept = next((cache / "failed").glob("*")) / "kernel.pyx"
    assert message.startswith("Cython refused the generated source")
    assert "command: cython -3 --module-name symconv_" in message
    assert "kernel.pyx:2:11: undeclared name not builtin: undeclared_name" in message
    assert f"source kept in: {kept}" in message
    assert kept.read_text() == text
    assert capfd.readouterr() == ("", "")


def test_c_error(cache: Path) -> None:
    for _ in range(2):
        with pytest.raises(BuildError) as caught:
            compile_text(Source(BROKEN_C, openmp=False))
    message = str(caught.value)
    kept = next((cache / "failed").glob("*"))
    assert message.startswith("the C compiler (exit status 1) refused the generated source")
    assert " -c kernel.c -o kernel.o" in message
    assert "error: " in message
    assert str(kept / "kernel.pyx") in message
    assert {path.name for path in kept.iterdir()} == {"kernel.pyx", "kernel.c", "build.log"}
    assert not list((cache / "modules").glob("*"))


def test_long_complaint_is_trimmed(cache: Path) -> None:
    text = "".join(f"def f{i}(): return name{i}\n" for i in range(40))
    with pytest.raises(BuildError, match=r"more lines in .*build.log") as caught:
        compile_text(Source(text, openmp=False))
    assert len(str(caught.value).splitlines()) < 50
    log = next((cache / "failed").glob("*")) / "build.log"
    assert "name39" in log.read_text()


def test_missing_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda _: "nowhere")
    with pytest.raises(BuildError, match=r"C headers are missing \(looked for Python.h in nowhere\)"):
        compile_text(Source("x = 1\n", openmp=False))
