"""A live build is never swept, whatever clocks and pids say; a dead one always is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from symconv.build.locks import held, seize
from symconv.build.scratch import discard, scratch_folder, sweep

HOLDER = """
import sys, time
from symconv.build.scratch import scratch_folder
with scratch_folder() as folder:
    (folder / "half").write_bytes(b"12345")
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process in the middle of a build, and its folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process, Path(process.stdout.readline().strip())
    process.kill()
    process.communicate(timeout=60)
    sweep()


def test_a_live_build_is_not_swept_an_hour_later(
    holder: tuple[subprocess.Popen[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, folder = holder
    os.utime(folder, (1, 1))
    now = time.time()
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now + 3600 * 24 * 365)
        assert sweep() == 0
    assert (folder / "half").exists()


def test_a_live_build_is_not_swept_where_its_pid_means_nothing(
    holder: tuple[subprocess.Popen[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(*_: object) -> None:
        raise ProcessLookupError

    with monkeypatch.context() as patch:
        patch.setattr(os, "kill", nobody)
        assert sweep() == 0
    assert (holder[1] / "half").exists()


def test_what_a_killed_process_left_is_swept(holder: tuple[subprocess.Popen[str], Path]) -> None:
    process, folder = holder
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert folder.exists()
    assert sweep() == 5
    assert not folder.exists()
    assert list(folder.parent.iterdir()) == []


def test_a_folder_without_a_lock_is_swept(cache: Path) -> None:
    (cache / "tmp" / "left").mkdir(parents=True)
    (cache / "tmp" / "alone.lock").write_text("")
    sweep()
    assert list((cache / "tmp").iterdir()) == []


def test_ones_own_build_is_not_swept_by_another_thread() -> None:
    with scratch_folder() as folder:
        thread = threading.Thread(target=sweep)
        thread.start()
        thread.join()
        assert folder.exists()


def test_a_lock_is_one_for_all_threads_and_leaves_nothing(tmp_path: Path) -> None:
    path, inside, most = tmp_path / "doors" / "door", [0], [0]
    path.parent.mkdir()

    def enter() -> None:
        for _ in range(50):
            with held(path):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0)
                inside[0] -= 1

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert list(path.parent.iterdir()) == []


def test_a_forked_child_does_not_keep_its_parents_lock(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import os, sys, time
        from pathlib import Path
        from symconv.build.locks import seize
        path = Path(sys.argv[1])
        assert seize(path) is not None
        child = os.fork()
        if child == 0:
            os.closerange(1, 3)
            time.sleep(600)
        print(child, flush=True)
        os._exit(0)
        """
    )
    path = tmp_path / "door"
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    child = int(done.stdout)
    try:
        deadline = time.monotonic() + 60
        while (handle := seize(path)) is None and time.monotonic() < deadline:
            time.sleep(0.01)  # the child has yet to be told
        assert handle is not None
        os.close(handle)
    finally:
        os.kill(child, signal.SIGKILL)


def test_what_is_taken_out_is_gone(cache: Path) -> None:
    target = cache / "modules" / "k"
    target.mkdir(parents=True)
    (target / "file").write_text("x")
    discard(target)
    discard(target)
    assert list((cache / "tmp").iterdir()) == []
    assert not target.exists()
