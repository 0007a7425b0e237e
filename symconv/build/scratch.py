"""Temporary folders inside the cache: on its file system, locked while in use, swept when their maker is gone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from symconv.build.folder import cache_folder, listing, make_folder, unwritable
from symconv.build.locks import held, release, seize

__all__ = ["discard", "scratch_folder", "sweep", "weight"]

_LOCK = ".lock"
_MINE: set[str] = set()  # where locks belong to processes, this process would be given its own


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new empty folder that is gone afterwards, unless it was renamed into its place.

    Raises :class:`BuildError` when the cache cannot be written.

    >>> import os, tempfile
    >>> from unittest import mock
    >>> with tempfile.TemporaryDirectory() as cache, mock.patch.dict(os.environ, SYMCONV_CACHE=cache):
    ...     with scratch_folder() as folder:
    ...         existed = folder.is_dir()
    ...     existed, folder.exists()
    (True, False)
    """
    folder = _fresh()
    make_folder(folder.parent)
    _MINE.add(folder.name)
    try:
        with held(_lock(folder)):
            make_folder(folder)
            try:
                yield folder
            finally:
                _delete(folder)
    finally:
        _MINE.discard(folder.name)


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
    """Delete what killed processes left behind: what nobody holds the lock of; the bytes freed.

    >>> import os
    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, SYMCONV_CACHE="no such folder"):
    ...     sweep()
    0
    """
    root, freed = cache_folder() / "tmp", 0
    for name in sorted({path.name.removesuffix(_LOCK) for path in listing(root)} - _MINE):
        folder = root / name
        handle = seize(_lock(folder))
        if handle is None:
            continue
        try:
            freed += weight(folder)
            _delete(folder)
        finally:
            release(_lock(folder), handle)
    return freed


def weight(path: Path) -> int:
    """The bytes of a file, or of all files in a folder; what vanishes meanwhile weighs nothing.

    >>> weight(Path("no such file"))
    0
    """
    total = 0
    for item in (path, *path.rglob("*")):
        with suppress(OSError):
            total += item.stat().st_size if item.is_file() else 0
    return total


def _fresh() -> Path:
    import secrets

    return cache_folder() / "tmp" / secrets.token_hex(12)


def _lock(folder: Path) -> Path:
    return folder.with_name(folder.name + _LOCK)


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)
