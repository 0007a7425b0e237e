"""Cython in another process: it translates alike, and where it cannot, this process does."""

from __future__ import annotations

import gc
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

import symconv as sc
from symconv.build import Product, clear, load, obtain, translation
from symconv.build.ahead import ahead
from symconv.build.compiler import _translate
from symconv.emit.source import Source

TEXT = "def doubled(x):\n    return 2 * x\n"


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a process that has built nothing yet."""
    module = import_module("symconv.build.ahead")
    monkeypatch.setattr(module, "_ASKED", count())
    monkeypatch.setattr(module, "_LOADED", "not loaded")
    monkeypatch.setattr(module, "_WAITING", [])
    yield
    module._ended()


def test_the_text_in_c_is_the_same(anew: None, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    with ahead() as cython:
        assert cython is not None
        there = _translate(folder, "module", TEXT, cython)
        assert cython.alive, "the other process has done it"
    assert there == _translate(folder, "module", TEXT)
    assert list(folder.iterdir()) == []


def test_one_process_translates_module_after_module(
    anew: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = (TEXT, TEXT.replace("2", "3"), f"cdef extern from *:\n    double fabs(double)\n{TEXT}", TEXT)
    children, made = set[int](), list[str]()
    (tmp_path / "work").mkdir()
    for where, text in zip((".", "..", "work", "."), texts, strict=True):
        monkeypatch.chdir(tmp_path / where)
        work = Path("work")
        work.mkdir(exist_ok=True)
        with ahead() as cython:
            assert cython is not None
            made.append(_translate(work, "module", text, cython))
            assert cython.alive
            children.add(cython._child.pid)
    assert len(children) == 1
    assert made[0] == made[3]
    assert made[:3] == [_translate(tmp_path, "module", text) for text in texts[:3]]


def test_one_module_at_a_time_is_translated_elsewhere(anew: None) -> None:
    with ahead() as first, ahead() as second:
        assert first is not None
        assert second is None
    with ahead() as third, ahead() as fourth:
        assert third is first
        assert fourth is None


def test_none_after_it_has_ended(anew: None, recwarn: pytest.WarningsRecorder) -> None:
    with ahead() as cython:
        assert cython is not None
    cython._child.kill()
    cython._child.wait()
    with ahead() as other:
        assert other is None
    del cython
    gc.collect()
    assert not recwarn.list


def test_what_it_started_ends_with_it(anew: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "module.pyx")
    opened = threading.Event()

    def write() -> None:
        # A pipe opens for writing when it is read: by what does the translation.
        with (tmp_path / "module.pyx").open("wb"):
            opened.set()
            ended.wait(60)

    ended = threading.Event()
    writes = threading.Thread(target=write, daemon=True)
    monkeypatch.setattr(import_module("symconv.build.ahead"), "time_limit", lambda: 60.0 * (not opened.wait(60)))
    with ahead() as cython:
        assert cython is not None
        writes.start()
        assert not cython.translated(tmp_path / "module.pyx", tmp_path / "module.c", "module")
    assert opened.is_set()
    ended.set()
    writes.join(60)
    with pytest.raises(ProcessLookupError):
        for _ in range(100):  # the system takes a moment to bury it
            os.killpg(cython._child.pid, 0)
            time.sleep(0.1)


def test_it_ends_where_nobody_asks(anew: None, tmp_path: Path) -> None:
    program = tmp_path / "translation.py"
    program.write_text(re.sub(r"_PATIENCE = .*", "_PATIENCE = 0.1", Path(translation.__file__).read_text()))
    child = subprocess.run(
        [sys.executable, str(program), json.dumps(sys.path)], stdin=subprocess.PIPE, timeout=60, check=False
    )
    assert child.returncode == 0


def test_it_ends_with_this_process() -> None:
    program = """if True:
        import os
        from symconv.build.ahead import ahead
        with ahead() as cython:
            print(cython._child.pid)
        if not os.fork():
            raise SystemExit  # what a fork does at its end is its own
        os.wait()
        assert cython.alive
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout.split()[0]), 0)


def test_none_where_cython_is_loaded(anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("symconv.build.ahead"), "_LOADED", "sys")
    with ahead() as cython:
        assert cython is None


@pytest.mark.parametrize("program", ["/usr/bin/player", "/opt/my-python-app", "", None])
def test_none_where_no_interpreter_can_be_started(
    anew: None, program: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    with ahead() as cython:
        assert cython is None


def test_none_in_a_frozen_program(anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with ahead() as cython:
        assert cython is None


def test_it_has_ended_where_it_takes_too_long(anew: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("symconv.build.ahead"), "time_limit", lambda: 0.0)
    with ahead() as cython:
        assert cython is not None
        assert not cython.translated(tmp_path / "kernel.pyx", tmp_path / "kernel.c", "module")
        assert cython._child.returncode is not None


def test_it_ends_with_the_block(anew: None, recwarn: pytest.WarningsRecorder) -> None:
    with pytest.raises(KeyboardInterrupt), ahead() as cython:
        child = cython._child if cython is not None else None
        raise KeyboardInterrupt
    assert child is not None
    assert child.returncode is not None
    del child, cython
    gc.collect()
    assert not recwarn.list


@pytest.mark.parametrize("program", ["python", "no/such/python"])
def test_this_process_does_what_the_other_cannot(
    anew: None, program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clear()
    (tmp_path / "python").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "python").chmod(0o700)
    other = SimpleNamespace(
        executable=str(tmp_path / program), modules=sys.modules, path=sys.path, dont_write_bytecode=True
    )
    monkeypatch.setattr(import_module("symconv.build.ahead"), "sys", other)
    made = obtain("elsewhere", lambda: Product(Source(TEXT), {}), "native")
    assert load(made).doubled(21) == 42


def test_what_cython_refuses_is_said_as_ever(anew: None) -> None:
    with pytest.raises(sc.BuildError, match=r"(?s)Cython refused.*kernel\.pyx:2:.*undeclared name"):
        obtain("refused", lambda: Product(Source("def f():\n    return nothing\n"), {}), "native")
