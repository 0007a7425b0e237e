from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from symconv import pipeline
from symconv.build.doctor import doctor
from symconv.emit.source import Source
from symconv.ops.registry import operator
from symconv.options import options

FORMULA = "y[i] = sum[p](x[i+p]*w[p])"
Facts = dict[str, tuple[bool, str]]


@pytest.fixture(scope="session")
def sources() -> Callable[[str], Source]:
    return lambda text: pipeline.source(operator(text), options(dtype="float64"))


def _facts(source: Source) -> Facts:
    return {what: (good, details) for what, good, details in doctor(source)}


def test_healthy_machine(cache: Path, sources: Callable[[str], Source]) -> None:
    facts = _facts(sources(FORMULA))
    assert facts["C compiler"][0]
    assert facts["Cython"][0]
    assert facts["cache folder"] == (True, str(cache))
    assert {"OpenMP", "Python headers", "islpy", "sympy", "torch", "CPU avx2", "CPU avx512"} <= set(facts)
    good, details = facts["a small kernel"]
    assert good, details
    assert details.startswith("built in ")
    assert not list(cache.glob("modules/*")), "what is tried is not kept"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("y[i] = sum[p](2*x[i+p]*w[p])", "wrong when run: .*y is .*wanted "),
        ("y[i] = sum[p](x[i+p] - w[p])", "wrong when run: .*y is .*wanted "),
        (
            Source("from libc.stdlib cimport abort\nabort()\n", openmp=False),
            "wrong when run: it was killed by signal 6",
        ),
        (Source("raise ImportError('no jinja2')\n", openmp=False), "wrong when run: ImportError: no jinja2"),
        (Source("def f(): return undeclared\n", openmp=False), "(?s)Cython refused it.*undeclared"),
    ],
)
def test_a_kernel_that_is_wrong_is_found(source: str | Source, said: str, sources: Callable[[str], Source]) -> None:
    import re

    good, details = _facts(sources(source) if isinstance(source, str) else source)["a small kernel"]
    assert not good
    assert re.search(said, details), details


def test_sick_machine_raises_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SYMCONV_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setenv("SYMCONV_CC", "/nonexistent")
    facts = _facts(Source(""))
    assert not facts["C compiler"][0]
    assert "looked for /nonexistent" in facts["C compiler"][1]
    assert not facts["OpenMP"][0]
    assert not facts["cache folder"][0]
    assert "set SYMCONV_CACHE" in facts["cache folder"][1]
    assert "no C compiler found" in facts["a small kernel"][1]


@pytest.mark.parametrize("folder", ["~nosuchuser/x", "/dev/null/x", b"/tmp/\xff"])
def test_a_cache_that_cannot_be_is_said(folder: str | bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setenv("SYMCONV_CACHE", os.fsdecode(folder))
    facts = _facts(Source(""))
    assert facts["C compiler"][0]
    assert not facts["cache folder"][0]
    assert "SYMCONV_CACHE" in facts["cache folder"][1]
    assert not facts["a small kernel"][0]
