"""A module's functions in C are compiled apart from what Cython makes of the rest, and mean the same."""

from __future__ import annotations

import sys

import pytest

import symconv as sc
from symconv import pipeline
from symconv.build import clear, compile_text, load
from symconv.build.parts import parted
from symconv.emit.source import Source
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
    ["", "x = 1\n", TEXT.replace("static ", ""), TEXT.replace("*= 2;", "*= 2; /* \\\\ */"), TEXT.replace('"""', "'''")],
)
def test_other_texts_stay_whole(always: None, text: str) -> None:
    assert parted(text) is None


def test_few_functions_stay_where_they_are() -> None:
    assert parted(TEXT) is None


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
