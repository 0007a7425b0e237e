"""Where the cache lives, and the small JSON files in it that may be lost or damaged at any time."""

from __future__ import annotations

import json
import os
from pathlib import Path

from symconv.build.trust import checked, mine
from symconv.errors import BuildError

__all__ = [
    "cache_folder",
    "listing",
    "make_folder",
    "read_json",
    "recall",
    "remember",
    "trusted_folder",
    "unwritable",
    "write_file",
    "write_json",
]


def cache_folder() -> Path:
    """The folder of compiled kernels: ``SYMCONV_CACHE``, or the user's cache folder; it may not exist yet.

    Raises :class:`BuildError` when ``SYMCONV_CACHE`` names no folder that could exist.

    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, SYMCONV_CACHE="some/folder"):
    ...     cache_folder().parts[-2:]
    ('some', 'folder')
    """
    chosen = os.environ.get("SYMCONV_CACHE") or _usual()
    try:
        chosen.encode()
    except UnicodeEncodeError:
        raise BuildError(
            f"the cache folder {os.fsencode(chosen)!r} has a name that is not UTF-8: "
            "set SYMCONV_CACHE to a folder whose name is"
        ) from None
    try:
        return Path(chosen).expanduser().absolute()
    except (RuntimeError, OSError) as error:  # no such user; a working directory that is gone
        raise BuildError(
            f"the cache folder {chosen} cannot be found ({error}): set SYMCONV_CACHE to an absolute path"
        ) from error


def _usual() -> str:
    from platformdirs import user_cache_dir

    return user_cache_dir("symconv", appauthor=False)


def trusted_folder() -> Path:
    """The folder of compiled kernels, if nobody else can have put anything into it; else :class:`BuildError`.

    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, SYMCONV_CACHE="some/folder"):
    ...     trusted_folder().name
    'folder'
    """
    return checked(cache_folder())


def make_folder(folder: Path) -> Path:
    """Create ``folder`` inside the cache, for this user alone, and return it.

    Raises :class:`BuildError` when the cache cannot be written or is another's.

    >>> make_folder(Path(os.devnull) / "cache")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    symconv.errors.BuildError: cannot write to the cache folder ...
    """
    trusted_folder()
    try:
        for above in reversed(folder.parents):
            if not above.exists():
                above.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise unwritable(error) from error
    return folder


def listing(folder: Path) -> list[Path]:
    """What is in a folder, sorted; nothing where it cannot be read.

    >>> listing(Path("no such folder"))
    []
    """
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def unwritable(error: OSError) -> BuildError:
    """The one way to say that the cache folder does not take what symconv writes."""
    reason = error.strerror or str(error)
    return BuildError(
        f"cannot write to the cache folder {cache_folder()} ({reason}): "
        "make it writable, or set SYMCONV_CACHE to a folder that is"
    )


def read_json(path: Path) -> dict[str, object] | None:
    """The JSON object in ``path``, or ``None`` when it is missing, unreadable, damaged or another user's.

    >>> read_json(Path("no such file")) is None
    True
    """
    try:
        with path.open("rb") as file:
            found = json.loads(file.read()) if mine(os.fstat(file.fileno())) else None
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def write_file(path: Path, content: bytes) -> None:
    """Create ``path``, which must not exist, for this user alone."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)


def write_json(path: Path, value: dict[str, object]) -> None:
    """Replace ``path`` by ``value`` in one step, so that a reader sees the old file or the new one.

    Raises :class:`BuildError` when the cache cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_json(Path(folder) / "a.json", {"answer": 42})
    ...     read_json(Path(folder) / "a.json")
    {'answer': 42}
    """
    import contextlib
    import secrets

    make_folder(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        write_file(draft, json.dumps(value, indent=1, sort_keys=True).encode())
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise unwritable(error) from error


def recall(name: str, stamp: str) -> object:
    """What :func:`remember` kept under ``name``, or ``None`` unless it was kept with this very ``stamp``.

    >>> recall("never remembered", "today") is None
    True
    """
    try:
        found = read_json(trusted_folder() / "facts" / f"{name}.json")
    except BuildError:
        return None
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
