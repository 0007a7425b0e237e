"""Cython in another process that loads it while this one derives what is to be translated."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from symconv.build.process import time_limit

__all__ = ["Ahead", "ahead"]

_LOADED = "Cython.Compiler.ParseTreeTransforms"
"""The module of Cython that takes longest to load."""
_PROGRAM = Path(__file__).with_name("translation.py")
_ASKED = count()
"""How often another process was asked for: counted in one step, as a lock could be held where a process is forked."""
_INTERPRETER = re.compile(r"(python|pypy)[\d.]*[a-z]?(\.exe)?", re.IGNORECASE)


class Ahead:
    """A process that translates one module, if it can."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child

    def translated(self, pyx: Path, made: Path, name: str) -> bool:
        """Whether it has translated ``pyx`` to ``made``; otherwise nothing is known of why, and nothing is lost."""
        asked = json.dumps((str(pyx), str(made), name)) + "\n"
        try:
            with suppress(OSError):
                self._child.communicate(asked.encode(), timeout=time_limit())
        except subprocess.TimeoutExpired:
            # It would write where this process translates again.
            self._child.kill()
            self._child.wait()
        return self._child.returncode == 0 and made.is_file()


@contextmanager
def ahead() -> Iterator[Ahead | None]:
    """Cython in another process during the block, or None where this process has loaded it or asked for that before.

    Who builds one kernel waits less; who builds many loads Cython once, for all but the first.

    >>> with ahead() as first, ahead() as second:
    ...     second is None
    True
    """
    child = _started()
    if child is None:
        yield None
        return
    with child:
        try:
            yield Ahead(child)
        finally:
            child.kill()


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
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    return None
