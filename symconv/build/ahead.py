"""Cython in another process that loads it while this one derives what is to be translated, and waits for more."""

from __future__ import annotations

import atexit
import json
import os
import re
import selectors
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from symconv.build.process import stop, time_limit

__all__ = ["Ahead", "ahead"]

_LOADED = "Cython.Compiler.ParseTreeTransforms"
"""The module of Cython that takes longest to load."""
_PROGRAM = Path(__file__).with_name("translation.py")
_ASKED = count()
"""How often another process was asked for: counted in one step, as a lock could be held where a process is forked."""
_WAITING: list[Ahead] = []
"""The process that waits for more, if there is one: taken and put back in one step each, too."""
_INTERPRETER = re.compile(r"(python|pypy)[\d.]*[a-z]?(\.exe)?", re.IGNORECASE)


class Ahead:
    """A process that translates modules, one after the other, as long as it can."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child

    @property
    def alive(self) -> bool:
        """Whether it may be asked; it ends by itself where it is not for a minute."""
        return self._child.poll() is None

    def translated(self, pyx: Path, made: Path, name: str) -> bool:
        """Whether it has translated ``pyx`` to ``made``; otherwise nothing is known of why, and nothing is lost."""
        # It was started in what was the working folder then.
        done = self._answer(json.dumps((str(pyx.absolute()), str(made.absolute()), name))) == b"done\n"
        if not done:
            # It would write where this process translates again.
            self.end()
        return done and made.is_file()

    def _answer(self, asked: str) -> bytes:
        asking, answering = self._child.stdin, self._child.stdout
        if asking is None or answering is None:
            return b""
        with suppress(OSError), selectors.DefaultSelector() as ready:
            asking.write(f"{asked}\n".encode())
            asking.flush()
            ready.register(answering, selectors.EVENT_READ)
            return answering.readline() if ready.select(time_limit()) else b""
        return b""

    def end(self) -> None:
        """Stop it, with what it started."""
        if self.alive:
            stop(self._child)
        with suppress(OSError):  # what was asked and not read
            self._child.__exit__(None, None, None)


@contextmanager
def ahead() -> Iterator[Ahead | None]:
    """Cython in another process during the block, or None where that is busy, or this process has loaded Cython itself.

    Who builds one kernel waits less; who builds many at once loads Cython once more, for all but the first.

    >>> with ahead() as first, ahead() as second:
    ...     second is None
    True
    """
    cython = _taken()
    if cython is None:
        yield None
        return
    try:
        yield cython
    except BaseException:
        cython.end()
        raise
    if cython.alive:
        _WAITING.append(cython)


def _taken() -> Ahead | None:
    """The process that waits, or a new one."""
    with suppress(IndexError):
        waiting = _WAITING.pop()
        if waiting.alive:
            return waiting
        waiting.end()
    child = _started()
    return None if child is None else Ahead(child)


@atexit.register
def _ended() -> None:
    """Nothing waits any more; in a fork what did was another's, which no signal reaches."""
    while _WAITING:
        _WAITING.pop().end()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_ended)


def _interpreter() -> bool:
    """Whether what runs is an interpreter, which may be started again: not an embedded one, nor a frozen program."""
    return not getattr(sys, "frozen", False) and bool(_INTERPRETER.fullmatch(Path(sys.executable or "").name))


def _started() -> subprocess.Popen[bytes] | None:
    if _LOADED in sys.modules or not _interpreter() or next(_ASKED):
        return None
    plain = ["-B"] if sys.dont_write_bytecode else []
    paths = json.dumps([path for path in sys.path if isinstance(path, str)])
    with suppress(OSError):
        # A session of its own, as the compiler has: an interrupt is for this process, which stops the other.
        return subprocess.Popen(
            [sys.executable, "-I", "-S", *plain, str(_PROGRAM), paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    return None
