from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import pytest

from symconv.build import Artifact, Product, clear, compile_text, entries, load, obtain
from symconv.emit.source import Source
from symconv.errors import BuildError, InternalError

ANSWER = "def answer():\n    return 42\n"
Ask = Callable[..., "subprocess.Popen[str]"]
META: dict[str, object] = {"name": "answer", "sizes": (1, 2)}


def _source(text: str = ANSWER) -> Source:
    return Source(text, openmp=False)


def _never() -> Product:
    raise AssertionError("produced again")


def _get(request: str = "r1", text: str = ANSWER) -> Artifact:
    return obtain(request, lambda: Product(_source(text), META), "native")


def test_cold_then_warm() -> None:
    said: list[str] = []
    cold = obtain("r1", lambda: Product(_source(), META), "native", said.append)
    assert (cold.cached, cold.meta) == (False, {"name": "answer", "sizes": [1, 2]})
    assert [line.split()[0] for line in said] == ["translating", "compiling"]
    assert cold.source_path.read_text() == ANSWER
    assert load(cold).answer() == 42
    warm = obtain("r1", _never, "native")
    assert warm.cached
    assert (warm.module_path, warm.source_path, warm.meta, warm.key) == (
        cold.module_path,
        cold.source_path,
        cold.meta,
        cold.key,
    )


def test_two_requests_share_one_module(cache: Path) -> None:
    first, second = _get("r1"), _get("r2")
    assert (first.cached, second.cached) == (False, True)
    assert first.module_path == second.module_path
    assert compile_text(_source()).cached
    assert len(list((cache / "requests").glob("*"))) == 2


def _truncate(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [_truncate, _flip, Path.unlink], ids=["truncated", "flipped", "missing"])
@pytest.mark.usefixtures("prebuilt")
@pytest.mark.parametrize("file", ["module", "source", "manifest"])
def test_damaged_module_is_rebuilt(damage: Callable[[Path], None], file: str) -> None:
    cold = obtain("r1", _never, "native")
    manifest = cold.module_path.with_name("manifest.json")
    damage({"module": cold.module_path, "source": cold.source_path, "manifest": manifest}[file])
    again = _get()
    flipped_elsewhere = file == "manifest" and damage is _flip  # not every byte of the manifest describes a file
    assert flipped_elsewhere or not again.cached
    assert load(again).answer() == 42
    assert obtain("r1", _never, "native").cached


@pytest.mark.parametrize("content", ["", "{", "[]", '{"content": 7}', '{"content": "../x", "meta": {}}'])
def test_damaged_request_is_a_miss(prebuilt: Path, content: str) -> None:
    (prebuilt / "requests" / "r1.json").write_text(content)
    assert _get().cached  # produced again, but the module was there


def test_wrong_products() -> None:
    with pytest.raises(InternalError, match="asked for target 'portable'"):
        obtain("r1", lambda: Product(_source(), {}), "portable")
    with pytest.raises(InternalError, match="must be JSON"):
        obtain("r1", lambda: Product(_source(), {"a": object()}), "native")


def test_failing_producer_leaves_nothing(cache: Path) -> None:
    def fail() -> Product:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        obtain("r1", fail, "native")
    assert not _get().cached


def test_entries_and_clear(cache: Path) -> None:
    artifact = _get()
    (entry,) = entries()
    assert (entry.key, entry.name) == (artifact.key, "answer")
    assert entry.size >= artifact.module_path.stat().st_size
    assert 0 <= entry.age < 600
    count, freed = clear()
    assert (count, entries()) == (1, ())
    assert freed >= entry.size
    assert [path for path in cache.rglob("*") if path.is_file()] == []
    assert not _get().cached


def test_unwritable_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SYMCONV_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(BuildError, match=r"cannot write to the cache folder .*set SYMCONV_CACHE"):
        _get()
    assert entries() == ()


@pytest.mark.usefixtures("prebuilt")
def test_warm_process_starts_nothing_and_imports_nothing_heavy(tmp_path: Path, ask: Ask) -> None:
    out, err = ask("r1", tmp_path / "log", ANSWER, extra="key").communicate(timeout=60)
    said = json.loads(out or f'"{err}"')
    assert (said["answer"], said["cached"], said["heavy"], said["spawned"]) == (42, True, [], 0)


def test_threads_build_once() -> None:
    produced: list[str] = []

    def produce() -> Product:
        produced.append("once")
        return Product(_source(), {})

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: load(obtain("rt", produce, "native")), range(4)))
    assert produced == ["once"]
    assert all(module is made[0] for module in made)


def test_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(import_module("symconv.build.cache"), "compile_module", full)
    with pytest.raises(BuildError, match="No space left on device"):
        _get()


def test_eight_processes_build_once(tmp_path: Path, cache: Path, ask: Ask) -> None:
    log = tmp_path / "log"
    running = [ask("r8", log, ANSWER) for _ in range(8)]
    said = [json.loads(process.communicate(timeout=120)[0]) for process in running]
    assert log.read_text() == "produced\n"
    assert [one["answer"] for one in said] == [42] * 8
    assert sorted(one["cached"] for one in said) == [False] + [True] * 7
    assert len(list((cache / "modules").iterdir())) == 1


def test_killed_build_breaks_nothing(tmp_path: Path, cache: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = tmp_path / "compiling"
    slow = tmp_path / "slowcc"
    slow.write_text(
        "#!/bin/sh\n"
        'case "$*" in *kernel.c*)\n'
        f'  if [ "$SLOW" ]; then echo half > half.so; touch {marker}; sleep 60; fi;;\n'
        "esac\n"
        'exec cc "$@"\n'
    )
    slow.chmod(0o755)
    monkeypatch.setenv("SYMCONV_CC", str(slow))
    victim = ask("rk", tmp_path / "log", ANSWER, SLOW="1")
    deadline = time.monotonic() + 60
    while not marker.exists() and victim.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(victim.pid, signal.SIGKILL)
    victim.communicate(timeout=60)
    assert list((cache / "tmp").iterdir()), "killed too early or too late"
    assert not list((cache / "modules").glob("*"))
    built = _get("rk")
    assert (built.cached, load(built).answer()) == (False, 42)
