"""Compilers that lie, hang or have no room: what they make is never kept, and the message says what is wrong."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from symconv.build import clear, compile_text, load, toolchain
from symconv.build.find import find_compiler
from symconv.build.process import run, time_limit
from symconv.build.tools import _known
from symconv.emit.source import Source
from symconv.errors import BuildError

CC = shutil.which("cc") or "cc"
Script = Callable[..., Path]


PARTS = '''\
cdef extern from *:
    """
    #define sc_nest __attribute__((noinline)) void
    static sc_nest u0_twice(Py_ssize_t v_n, double *v_x)
    {
        for (Py_ssize_t v_i = 0; v_i < v_n; v_i++) v_x[v_i] *= 2;
    }
    """
    void u0_twice(Py_ssize_t, double*) noexcept nogil


def twice(double x):
    u0_twice(1, &x)
    return x
'''


def _text(number: int) -> Source:
    return Source(f"def answer():\n    return {number}\n", openmp=False)


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """``script(lines)``: the compiler from now on; ``$o`` is the file it should write, ``$kernel`` if that is the object
    of a module, ``$library`` if it is the module."""

    def make(lines: str, name: str = "mycc") -> Path:
        path = tmp_path / name
        path.write_text(
            "#!/bin/sh\nkernel=; library=; previous=; o=\n"
            'for word; do [ "$previous" = -o ] && o=$word; previous=$word; done\n'
            'case "$*" in *kernel.c*) kernel=1;; *"kernel.o -o "*) library=1;; esac\n'
            f'{lines}\nexec {CC} "$@"\n'
        )
        path.chmod(0o755)
        monkeypatch.setenv("SYMCONV_CC", shlex.quote(str(path)))
        return path

    return make


LIES = {
    "garbage": 'echo garbage > "$o"; exit 0',
    "nothing": "exit 0",
    "an empty file": ': > "$o"; exit 0',
    "half a library": f'{CC} "$@"; head -c 9000 "$o" > half; cp half "$o"; exit 0',
    "another library": 'echo "int other;" > other.c; ' + f'{CC} -shared -fPIC other.c -o "$o"; exit 0',
    "a folder": 'mkdir "$o"; exit 0',
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_not_kept(lie: str, script: Script, cache: Path, tmp_path: Path) -> None:
    number = 100 + list(LIES).index(lie)
    script(f'if [ "$library" ] && [ ! -e {tmp_path}/well ]; then {LIES[lie]}; fi')
    for _ in range(2):
        with pytest.raises(BuildError, match="said that it had succeeded, but"):
            compile_text(_text(number))
        assert not list((cache / "modules").glob("*"))
    (tmp_path / "well").write_text("")
    made = compile_text(_text(number))
    assert (made.cached, load(made).answer()) == (False, number)


@pytest.mark.parametrize("lie", ["garbage", "a folder"])
def test_a_lie_about_an_object_is_found_when_it_is_linked(lie: str, script: Script, cache: Path) -> None:
    script(f'if [ "$kernel" ]; then {LIES[lie]}; fi')
    with pytest.raises(BuildError, match=r"the C compiler .*refused the generated source\n.* kernel\.o -o "):
        compile_text(_text(150))
    assert not list((cache / "modules").glob("*"))


@pytest.mark.parametrize("lie", ["garbage", "nothing", "an empty file", "a folder"])
def test_a_compiler_that_only_lies_is_no_compiler(lie: str, script: Script) -> None:
    script(f'[ "$1" = --version ] || {{ {LIES[lie]}; }}')
    with pytest.raises(BuildError, match=r"cannot build a shared library.*is no library"):
        toolchain()


@pytest.mark.parametrize("program", ["echo", "true", "cat"])
def test_programs_that_are_no_compilers(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMCONV_CC", program)
    with pytest.raises(BuildError, match="cannot build a shared library"):
        toolchain()


def test_a_compiler_that_hangs_is_stopped_with_its_children(
    script: Script, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(f'if [ "$kernel" ]; then (sleep 300; touch {tmp_path}/late) & echo $! > {tmp_path}/child; wait; fi')
    toolchain()
    monkeypatch.setenv("SYMCONV_CC_TIMEOUT", "0.5")
    started = time.monotonic()
    with pytest.raises(BuildError, match=r"was not done after 0.5 s \(SYMCONV_CC_TIMEOUT"):
        compile_text(_text(200))
    assert time.monotonic() - started < 60
    assert not list((cache / "modules").glob("*"))
    assert _ends(int((tmp_path / "child").read_text()))


def _runs(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (OSError, ValueError):
        return False


def _ends(pid: int) -> bool:
    deadline = time.monotonic() + 20
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not _runs(pid)


INTERRUPTED = """
import os, signal, sys, threading, time
from pathlib import Path
from symconv.build import compile_text
from symconv.emit.source import Source

def interrupt():
    while not Path(sys.argv[1]).exists():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)

# What a shell starts in the background ignores interrupts, and so would this.
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Thread(target=interrupt, daemon=True).start()
try:
    compile_text(Source("def answer(): return 42", openmp=False))
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interrupt_stops_the_compiler_with_its_children(script: Script, cache: Path, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script(f'if [ "$kernel" ]; then sleep 300 & echo "$$ $!" > {pids}.new; mv {pids}.new {pids}; wait; fi')
    toolchain()
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(pids)], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.stdout, done.stderr) == ("interrupted\n", "")
    assert time.monotonic() - started < 60
    assert all(_ends(int(pid)) for pid in pids.read_text().split())
    assert not list((cache / "modules").glob("*"))


@pytest.mark.parametrize("refused", ["the C compiler", "Cython"])
def test_what_is_refused_stops_the_other_parts(
    refused: str, script: Script, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The functions take forever; what becomes of the rest is known before."""
    monkeypatch.setattr(sys.modules["symconv.build.parts"], "_ENOUGH", 0)
    pid = tmp_path / "pid"
    script(
        f'case "$*" in *functions.c*) sleep 300 & echo $! > {pid}; : > cc1.s; : > functions.o; wait;; esac\n'
        f'if [ "$kernel" ]; then until [ -s {pid} ]; do sleep 0.01; done; echo "no kernel" >&2; exit 1; fi'
    )
    toolchain()
    text = PARTS if refused == "the C compiler" else PARTS.replace("return x", "return (")
    started = time.monotonic()
    with pytest.raises(BuildError, match=f"{refused}.* refused") as caught:
        compile_text(Source(text, openmp=False))
    assert time.monotonic() - started < 60
    assert ("no kernel" in str(caught.value)) == (refused == "the C compiler")
    written = pid.read_text().split() if pid.exists() else []  # Cython may be the first to end
    assert all(_ends(int(one)) for one in written)
    kept = {path.name for path in next((cache / "failed").glob("*")).iterdir()}
    assert kept >= {"kernel.pyx", "build.log"}
    assert {Path(name).suffix for name in kept} <= {".pyx", ".c", ".log"}


def test_what_the_linker_refuses_keeps_the_objects_that_its_command_names(script: Script, cache: Path) -> None:
    script('if [ "$library" ]; then echo "no library" >&2; exit 1; fi')
    with pytest.raises(BuildError, match="no library"):
        compile_text(_text(700))
    kept = {path.name for path in next((cache / "failed").glob("*")).iterdir()}
    assert kept == {"kernel.pyx", "kernel.c", "kernel.o", "build.log"}


@pytest.mark.parametrize("text", ["abc", "-1", "0", "nan", "inf", "1e400", "٣"])
def test_time_limits_that_are_none(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMCONV_CC_TIMEOUT", text)
    with pytest.raises(BuildError, match="SYMCONV_CC_TIMEOUT is a number of seconds above 0"):
        time_limit()


def test_the_time_limit_is_five_minutes_unless_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYMCONV_CC_TIMEOUT", raising=False)
    assert time_limit() == 300


@pytest.mark.parametrize("variable", ["CC", "SYMCONV_CC"])
def test_quoted_words(variable: str, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    path = script('[ "$1" = -DA="b c" ] || { echo "not one word: $1" >&2; exit 1; }; shift', "my own cc")
    monkeypatch.delenv("SYMCONV_CC")
    monkeypatch.setenv(variable, f"'{path}' '-DA=b c'")
    assert find_compiler() == (str(path), "-DA=b c")
    assert load(compile_text(_text(300 + len(variable)))).answer() == 300 + len(variable)


@pytest.mark.parametrize("text", ["'cc", '"', "''", "cc \\"])
def test_words_that_are_not_quoted_right(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMCONV_CC", text)
    with pytest.raises(BuildError, match="SYMCONV_CC is a command"):
        toolchain()


def test_a_compiler_without_room_is_not_blamed(script: Script, cache: Path) -> None:
    script('if [ "$kernel" ]; then echo "kernel.s: No space left on device" >&2; exit 1; fi')
    with pytest.raises(BuildError, match=r"could not write to .*No space left on device.*free some room") as caught:
        compile_text(_text(400))
    assert "refused" not in str(caught.value)
    assert not list((cache / "modules").glob("*"))


def test_temporary_files_are_where_the_cache_is(
    script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(f'if [ "$kernel" ]; then echo "$TMPDIR" > {tmp_path}/told; pwd > {tmp_path}/where; fi')
    monkeypatch.setenv("TMPDIR", "/nonexistent")
    assert load(compile_text(_text(500))).answer() == 500
    assert (tmp_path / "told").read_text() == (tmp_path / "where").read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_temporary_folder_is_no_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/dev/full")
    clear()
    _known.cache_clear()
    assert toolchain().flags
    assert load(compile_text(_text(600))).answer() == 600


def test_no_room_anywhere_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMCONV_CACHE", "/dev/full/x")
    monkeypatch.setenv("TMPDIR", "/dev/full")
    monkeypatch.setattr("tempfile.tempdir", "/dev/full")
    _known.cache_clear()
    with pytest.raises(BuildError, match=r"cannot write a temporary file.*free some room"):
        toolchain()


def test_what_a_compiler_says_is_in_one_language(tmp_path: Path) -> None:
    assert run(("sh", "-c", "echo $LC_ALL; pwd"), tmp_path).out.split() == ["C", os.path.realpath(tmp_path)]
