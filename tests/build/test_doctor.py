from __future__ import annotations

from pathlib import Path

import pytest

from symconv.build.doctor import doctor


def test_healthy_machine(cache: Path) -> None:
    facts = {what: (good, details) for what, good, details in doctor()}
    assert facts["C compiler"][0]
    assert facts["Cython"][0]
    assert facts["cache folder"] == (True, str(cache))
    assert {"OpenMP", "Python headers", "islpy", "sympy", "torch", "CPU avx2", "CPU avx512"} <= set(facts)


def test_sick_machine_raises_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SYMCONV_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setenv("SYMCONV_CC", "/nonexistent")
    facts = {what: (good, details) for what, good, details in doctor()}
    assert not facts["C compiler"][0]
    assert "looked for /nonexistent" in facts["C compiler"][1]
    assert not facts["OpenMP"][0]
    assert not facts["cache folder"][0]
    assert "set SYMCONV_CACHE" in facts["cache folder"][1]
