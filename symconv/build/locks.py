"""Locks between processes: files that the system unlocks when their holder is gone, whatever clocks and pids say."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from symconv.build.folder import cache_folder, unwritable
from symconv.errors import BuildError

__all__ = ["held", "release", "seize"]

_HELD: set[int] = set()


@contextmanager
def held(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock ``path``, whose folder exists; ``waiting`` is called if another holds it.

    Raises :class:`BuildError` when the cache cannot be written or its file system has no locks.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, held(Path(folder) / "door"):
    ...     seize(Path(folder) / "door") is None
    True
    """
    handle = seize(path)
    if handle is None:
        waiting()
        while handle is None:
            handle = _taken(path, fcntl.LOCK_EX)
    try:
        yield
    finally:
        release(path, handle)


def seize(path: Path) -> int | None:
    """The handle of the lock ``path``, or ``None`` if another thread or process holds it.

    Raises :class:`BuildError` as :func:`held` does.
    """
    return _taken(path, fcntl.LOCK_EX | fcntl.LOCK_NB)


def release(path: Path, handle: int) -> None:
    """Give up the lock ``path``; its file goes, so that locks do not pile up."""
    import contextlib

    _HELD.discard(handle)
    try:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)  # closing is not enough while a forked child has a copy
    finally:
        os.close(handle)


def _taken(path: Path, how: int) -> int | None:
    try:
        handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise unwritable(error) from error
    try:
        fcntl.flock(handle, how)
        if _current(path, handle):
            _HELD.add(handle)
            return handle
    except BlockingIOError:
        pass
    except OSError as error:
        os.close(handle)
        raise _refused(error) from error
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None


def _current(path: Path, handle: int) -> bool:
    # A file that its last holder deleted meanwhile locks nothing: others make a new one.
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _refused(error: OSError) -> BuildError:
    if error.errno in {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}:
        return BuildError(
            f"the cache folder {cache_folder()} is on a file system without locks: "
            "set SYMCONV_CACHE to a folder on another"
        )
    return unwritable(error)


def _forget() -> None:
    # A forked child that lives longer than its parent would keep the parent's locks.
    for handle in _HELD:
        os.close(handle)
    _HELD.clear()


os.register_at_fork(after_in_child=_forget)
