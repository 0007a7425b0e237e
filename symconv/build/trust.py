"""Whose files are loaded: those of this user that nobody else can write, as with git's ``safe.directory``."""

from __future__ import annotations

import os
from pathlib import Path

from symconv.errors import BuildError

__all__ = ["checked", "mine"]

_OTHERS = 0o022  # group and world may write


def mine(status: os.stat_result) -> bool:
    """Whether a file belongs to this user and nobody else may write to it.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     mine(Path(file.name).stat())
    True
    """
    return _owned(status) and not status.st_mode & _OTHERS


def checked(root: Path) -> Path:
    """``root``, unless another user owns it or could have put something into it; it need not exist.

    An empty folder that others may write to is closed to them. Raises :class:`BuildError`.

    >>> checked(Path("no such folder"))
    PosixPath('no such folder')
    """
    try:
        status = root.stat()
        if not _owned(status):
            raise BuildError(
                f"the cache folder {root} belongs to another user (id {status.st_uid}, this process runs as "
                f"{os.geteuid()}), who could have planted what would be loaded from it: "
                "set SYMCONV_CACHE to a folder of your own"
            )
        if status.st_mode & _OTHERS and not _closed(root, status.st_mode & 0o7777):
            raise BuildError(
                f"the cache folder {root} can be written by others (mode {status.st_mode & 0o7777:o}), who could "
                "have planted what would be loaded from it: delete it, or set SYMCONV_CACHE to a folder of your own"
            )
    except OSError:
        pass  # what cannot be looked at cannot be read or written either, and is said where that is tried
    return root


def _owned(status: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or status.st_uid == os.geteuid()


def _closed(root: Path, mode: int) -> bool:
    """Whether the folder was empty when it was closed to others."""
    root.chmod(0o700)
    if not any(root.iterdir()):
        return True
    root.chmod(mode)
    return False
