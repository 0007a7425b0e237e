"""The compiler as a child process: with a time limit, with temporary files where there is room, in one language."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from symconv.errors import BuildError

__all__ = ["Children", "Ran", "run", "stop", "time_limit"]

_LIMIT = 300.0  # seconds: fifty times what the slowest kernel of the shipped operators takes


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it said to each of its two outputs."""

    status: int
    out: str
    err: str


class Children:
    """Processes that other threads wait for: this one can stop them all, those too that are still to start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: list[subprocess.Popen[bytes]] = []
        self._stopped = False

    def add(self, child: subprocess.Popen[bytes]) -> None:
        """Name one that has started."""
        with self._lock:
            self._running.append(child)
            if self._stopped:
                stop(child)

    def remove(self, child: subprocess.Popen[bytes]) -> None:
        """Forget one that has ended: its number may soon be another's."""
        with self._lock:
            self._running.remove(child)

    def stop(self) -> None:
        """Stop each, with all that it started."""
        with self._lock:
            self._stopped = True
            for child in self._running:
                if child.returncode is None:
                    stop(child)


def run(command: tuple[str, ...], folder: Path, children: Children | None = None) -> Ran:
    """Run a compiler in ``folder``, where its temporary files go as well, as one of ``children``.

    Raises :class:`BuildError` when it cannot be started, has no room to write, or is not done in time
    (``SYMCONV_CC_TIMEOUT`` seconds); it is then stopped, with all that it started.

    >>> run(("echo", "hello"), Path.cwd())
    Ran(status=0, out='hello\\n', err='')
    """
    limit = time_limit()
    try:
        # A session of its own: the compiler's own children hold its pipes open, and have to be stopped with it.
        child = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "TMPDIR": str(folder), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise BuildError(f"cannot start the C compiler {command[0]}: {error.strerror or error}") from error
    children = Children() if children is None else children
    with child:
        try:
            children.add(child)
            out, err = child.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            stop(child)
            raise BuildError(
                f"the C compiler {command[0]} was stopped: it was not done after {limit:g} s "
                "(SYMCONV_CC_TIMEOUT sets the number of seconds)"
            ) from None
        except BaseException:
            stop(child)
            raise
        finally:
            children.remove(child)
    ran = Ran(child.returncode, out.decode(errors="replace"), err.decode(errors="replace"))
    if ran.status != 0 and (reason := _no_room(ran.err + ran.out)):
        raise BuildError(
            f"the C compiler could not write to {folder} ({reason}): free some room there, "
            "or set SYMCONV_CACHE to a folder on another disk"
        )
    return ran


def time_limit() -> float:
    """The seconds a compiler may take: ``SYMCONV_CC_TIMEOUT``, or 300. Raises :class:`BuildError`.

    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, SYMCONV_CC_TIMEOUT="2.5"):
    ...     time_limit()
    2.5
    """
    text = os.environ.get("SYMCONV_CC_TIMEOUT", "").strip()
    if not text:
        return _LIMIT
    try:
        seconds = float(text) if text.isascii() else math.nan
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= threading.TIMEOUT_MAX:
        raise BuildError(f"SYMCONV_CC_TIMEOUT is a number of seconds above 0; given {text[:40]!r}")
    return seconds


def stop(child: subprocess.Popen[bytes]) -> None:
    """Stop a process that has a session of its own, with all that it started; it has not been waited for.

    >>> child = subprocess.Popen(("sleep", "9"), start_new_session=True)
    >>> stop(child)
    >>> child.wait() == -signal.SIGKILL
    True
    """
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS says the latter of one that has ended already
        child.kill()


def _no_room(said: str) -> str:
    for reason in ("No space left on device", "Disk quota exceeded", "Read-only file system", "File too large"):
        if reason.casefold() in said.casefold():
            return reason
    return ""
