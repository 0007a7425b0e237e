"""Each write, rename, deletion, lock and process start of a cold build fails once and is killed once.

A failure is a SymconvError or does not matter; nothing half-made is used; the next build works and cleans up.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from symconv.build.artifact import intact
from symconv.build.locks import release, seize
from symconv.build.scratch import sweep

HERE = Path(__file__).parent
SHARES = 8
Ask = Callable[..., "subprocess.Popen[str]"]


def _run(what: str, at: int, cache: Path) -> tuple[int, dict[str, object]]:
    path = os.pathsep.join(filter(None, (str(HERE.parents[1]), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, str(HERE / "faulty.py"), what, str(at)],
        env=os.environ | {"PYTHONPATH": path, "SYMCONV_CACHE": str(cache)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else {"crashed": done.stderr}


@functools.cache
def _things(folder: Path) -> tuple[str, ...]:
    """What a cold build does, in order; the compiler's probe is part of it."""
    status, said = _run("nothing", -1, folder)
    assert (status, said["answer"]) == (0, 42), said
    names = said["done"]
    assert isinstance(names, list)
    return tuple(names)


@pytest.fixture(scope="session")
def things(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    return _things(tmp_path_factory.mktemp("cold") / "cache")


def _recovers(cache: Path, ask: Ask, log: Path) -> None:
    out, err = ask("r1", log, "def answer():\n    return 42\n", SYMCONV_CACHE=str(cache)).communicate(timeout=300)
    assert out, err
    assert json.loads(out)["answer"] == 42
    again = json.loads(ask("r1", log, "", SYMCONV_CACHE=str(cache)).communicate(timeout=300)[0])
    assert (again["answer"], again["cached"]) == (42, True)


def _check(what: str, at: int, folder: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = folder / f"{what}{at}"
    status, said = _run(what, at, cache)
    if what == "kill":
        assert status == -signal.SIGKILL, said
    else:
        assert status == 0, said
        assert said.get("answer") == 42 or "refused" in said, said
    with monkeypatch.context() as patch:
        patch.setenv("SYMCONV_CACHE", str(cache))
        _recovers(cache, ask, folder / "log")
        assert [key for key in _names(cache / "modules") if not intact(key)] == []
        sweep()  # as every build does that compiles
        assert _names(cache / "tmp") == []
        for lock in (cache / "locks").iterdir():  # one may be left, but nobody holds it
            handle = seize(lock)
            assert handle is not None
            release(lock, handle)
    shutil.rmtree(cache)


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def test_a_build_does_what_is_made_to_fail(things: tuple[str, ...]) -> None:
    assert {"open", "write", "os.rename", "os.mkdir", "fcntl.flock", "subprocess.Popen", "os.remove"} <= set(things)


@pytest.mark.parametrize("what", ["fail", "kill"])
@pytest.mark.parametrize("thing", ["write", "os.rename", "subprocess.Popen"])
def test_the_last_of_a_kind_goes_wrong(
    what: str, thing: str, things: tuple[str, ...], tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = max(at for at, name in enumerate(things) if name == thing)
    _check(what, last, tmp_path, ask, monkeypatch)


@pytest.mark.full
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("what", ["fail", "kill"])
def test_every_thing_goes_wrong_once(
    what: str, share: int, things: tuple[str, ...], tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(share, len(things), SHARES):
        _check(what, at, tmp_path, ask, monkeypatch)


@pytest.mark.full
@pytest.mark.parametrize("size", [0, 50, 500, 5_000, 50_000])
def test_files_that_cannot_grow(size: int, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    _check("limit", size, tmp_path, ask, monkeypatch)
