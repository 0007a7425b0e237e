"""Temporary folders inside the cache: on its file system, named after their maker, swept when it is gone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from symconv.build.digest import digest
from symconv.build.folder import cache_folder, make_folder, unwritable

__all__ = ["discard", "scratch_folder", "sweep", "weight"]

_HOUR = 3600.0


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new empty folder that is gone afterwards, unless it was renamed into its place.

    Raises :class:`BuildError` when the cache cannot be written.

    >>> from unittest import mock
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as cache, mock.patch.dict(os.environ, SYMCONV_CACHE=cache):
    ...     with scratch_folder() as folder:
    ...         existed = folder.is_dir()
    ...     existed, folder.exists()
    (True, False)
    """
    folder = make_folder(_fresh())
    try:
        yield folder
    finally:
        _delete(folder)


def discard(path: Path) -> None:
    """Take a file or folder out of the cache in one step, then delete it; a path that is not there is fine.

    Raises :class:`BuildError` when it cannot be taken out.

    >>> discard(Path("no such file"))
    """
    if not path.exists():
        return
    grave = _fresh()
    make_folder(grave.parent)
    try:
        path.rename(grave)
    except FileNotFoundError:
        return
    except OSError as error:
        raise unwritable(error) from error
    _delete(grave)


def sweep() -> int:
    """Delete what killed processes left behind (their pid is gone, or it is an hour old); the bytes freed.

    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, SYMCONV_CACHE="no such folder"):
    ...     sweep()
    0
    """
    freed = 0
    for folder in (cache_folder() / "tmp").glob("*"):
        if _abandoned(folder):
            freed += weight(folder)
            _delete(folder)
    return freed


def weight(path: Path) -> int:
    """The bytes of a file, or of all files in a folder; what vanishes meanwhile weighs nothing.

    >>> weight(Path("no such file"))
    0
    """
    total = 0
    for item in (path, *path.rglob("*")):
        try:
            total += item.stat().st_size if item.is_file() else 0
        except OSError:
            continue
    return total


def _host() -> str:
    # A pid says nothing on another machine that shares this cache.
    return digest(os.uname().nodename)[:8]


def _fresh() -> Path:
    import secrets

    return cache_folder() / "tmp" / f"{_host()}-{os.getpid()}-{secrets.token_hex(6)}"


def _abandoned(folder: Path) -> bool:
    try:
        if time.time() - folder.stat().st_mtime > _HOUR:
            return True
    except OSError:
        return False
    match folder.name.split("-"):
        case [host, pid, _] if host == _host() and pid.isdecimal():
            return not _alive(int(pid))
    return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _delete(path: Path) -> None:
    import shutil

    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
