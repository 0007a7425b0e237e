"""Where the cache lives, and the small JSON files in it that may be lost or damaged at any time."""

from __future__ import annotations

import json
import os
from pathlib import Path

from symconv.errors import BuildError

__all__ = ["cache_folder", "make_folder", "read_json", "recall", "remember", "write_json"]


def cache_folder() -> Path:
    """The folder of compiled kernels: ``SYMCONV_CACHE``, or the user's cache folder; it may not exist yet.

    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, SYMCONV_CACHE="some/folder"):
    ...     cache_folder().parts[-2:]
    ('some', 'folder')
    """
    chosen = os.environ.get("SYMCONV_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("symconv", appauthor=False))


def make_folder(folder: Path) -> Path:
    """Create ``folder`` inside the cache and return it; :class:`BuildError` when the cache cannot be written.

    >>> make_folder(Path(os.devnull) / "cache")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    symconv.errors.BuildError: cannot write to the cache folder ...
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(error) from error
    return folder


def unwritable(error: OSError) -> BuildError:
    """The one way to say that the cache folder does not take what symconv writes."""
    reason = error.strerror or str(error)
    return BuildError(
        f"cannot write to the cache folder {cache_folder()} ({reason}): "
        "make it writable, or set SYMCONV_CACHE to a folder that is"
    )


def read_json(path: Path) -> dict[str, object] | None:
    """The JSON object in ``path``, or ``None`` when it is missing, unreadable or damaged.

    >>> read_json(Path("no such file")) is None
    True
    """
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write_json(path: Path, value: dict[str, object]) -> None:
    """Replace ``path`` by ``value`` in one step, so that a reader sees the old file or the new one.

    Raises :class:`BuildError` when the cache cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_json(Path(folder) / "a.json", {"answer": 42})
    ...     read_json(Path(folder) / "a.json")
    {'answer': 42}
    """
    import secrets

    make_folder(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        draft.write_text(json.dumps(value, indent=1, sort_keys=True), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise unwritable(error) from error


def recall(name: str, stamp: str) -> object:
    """What :func:`remember` kept under ``name``, or ``None`` unless it was kept with this very ``stamp``.

    >>> recall("never remembered", "today") is None
    True
    """
    found = read_json(cache_folder() / "facts" / f"{name}.json")
    return found.get("value") if found is not None and found.get("stamp") == stamp else None


def remember(name: str, stamp: str, value: object) -> None:
    """Keep a JSON value that can be worked out again; a cache that cannot be written is no error here.

    >>> from unittest import mock
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, SYMCONV_CACHE=folder):
    ...     remember("colour", "monday", "red")
    ...     recall("colour", "monday"), recall("colour", "tuesday")
    ('red', None)
    """
    import contextlib

    with contextlib.suppress(BuildError):
        write_json(cache_folder() / "facts" / f"{name}.json", {"stamp": stamp, "value": value})
