"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from symconv.errors import SpecError, shown

__all__ = ["folder", "write"]


def folder(path: Path) -> Path:
    """The folder ``path``, created where it is missing; raises SpecError when that cannot be.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     folder(Path(root) / "a" / "b").is_dir()
    True
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise SpecError(f"cannot create the folder {shown(str(path))}: {_reason(error)}") from error
    return path


def write(path: Path, text: str) -> Path:
    """Replace ``path`` by ``text`` in one step, so that a reader sees the old file or the new one.

    Raises SpecError when the place cannot be written.

    >>> write(Path(os.devnull), "gone") == Path(os.devnull)
    True
    """
    try:
        place = path.resolve()
        draft = place.with_name(f".{place.name}.{os.getpid()}.{secrets.token_hex(4)}")
        if place.exists() and not place.is_file() and not place.is_dir():
            place.write_text(text, encoding="utf-8")  # a device or a pipe cannot be replaced
            return path
        try:
            draft.write_text(text, encoding="utf-8", newline="\n")
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise SpecError(f"cannot write {shown(str(path))}: {_reason(error)}") from error
    return path


def _reason(error: Exception) -> object:
    # ValueError: a path with a null character, or no name; RuntimeError: links that lead to themselves.
    return getattr(error, "strerror", None) or error
