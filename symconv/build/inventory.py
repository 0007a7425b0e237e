"""What the cache holds, and how it is kept below its size."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from symconv.build.folder import listing, read_json, trusted_folder
from symconv.build.locks import release, seize
from symconv.build.scratch import discard, sweep, weight
from symconv.errors import BuildError

__all__ = ["Entry", "clear", "entries", "evict", "occupied", "remove", "size_limit", "used"]

_LIMIT = 1_000_000_000  # bytes: some five thousand kernels
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@dataclass(frozen=True, slots=True)
class Entry:
    """One module in the cache: its size in bytes, its age in seconds, the ``name`` in its meta or ``""``.

    ``unused`` is for how many seconds nobody asked for it.
    """

    key: str
    name: str
    size: int
    age: float
    unused: float = 0.0


def entries() -> tuple[Entry, ...]:
    """Every module in the cache, the youngest first.

    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, SYMCONV_CACHE="no such folder"):
    ...     entries()
    ()
    """
    names: dict[object, str] = {}
    root = trusted_folder()
    for path in listing(root / "requests"):
        match read_json(path):
            case {"content": str(content), "meta": {"name": str(name)}}:
                names.setdefault(content, name)
    found = [
        Entry(folder.name, names.get(folder.name, ""), weight(folder), _age(folder), _unused(folder))
        for folder in listing(root / "modules")
    ]
    return tuple(sorted(found, key=lambda entry: (entry.age, entry.key)))


def clear() -> tuple[int, int]:
    """Empty the cache; how many modules went and how many bytes in all. A build under way is left to finish.

    Raises :class:`BuildError` when a file cannot be deleted.

    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, SYMCONV_CACHE="no such folder"):
    ...     clear()
    (0, 0)
    """
    root = trusted_folder()
    count, freed = 0, 0
    for kind in ("requests", "modules", "failed", "facts"):
        for path in listing(root / kind):
            freed += weight(path)
            count += kind == "modules"
            discard(path)
    for lock in listing(root / "locks"):  # left by a process that was killed
        handle = seize(lock)
        if handle is not None:
            release(lock, handle)
    return count, freed + sweep()


def remove(keys: Iterable[str]) -> tuple[int, int]:
    """Delete these modules and the requests that lead to them; how many went and how many bytes.

    A module that is gone already does not count. Raises :class:`BuildError` when a file cannot be deleted.

    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, SYMCONV_CACHE="no such folder"):
    ...     remove(["ab12"])
    (0, 0)
    """
    root, wanted = trusted_folder(), set(keys)
    count, freed = 0, 0
    for folder in listing(root / "modules"):
        if folder.name in wanted:
            freed += weight(folder)
            count += 1
            discard(folder)
    for path in listing(root / "requests"):
        match read_json(path):
            case {"content": str(content)} if content in wanted:
                discard(path)
    return count, freed


def size_limit() -> int:
    """The bytes the cache may hold: ``SYMCONV_CACHE_LIMIT``, such as ``500M`` or ``2G``, or one gigabyte.

    Raises :class:`BuildError` when the variable holds something else.

    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, SYMCONV_CACHE_LIMIT="500M"):
    ...     size_limit()
    500000000
    """
    text = os.environ.get("SYMCONV_CACHE_LIMIT", "").strip()
    if not text:
        return _LIMIT
    number = text.upper().removesuffix("B")
    unit = number[-1:] if number[-1:] in _UNITS else ""
    digits = number.removesuffix(unit).strip()
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 15):
        raise BuildError(f"SYMCONV_CACHE_LIMIT is a size such as 500M or 2G; given {text[:40]!r}")
    return int(digits) * _UNITS[unit]


def occupied() -> int:
    """The bytes that count against the limit: modules, and the sources that a compiler refused.

    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, SYMCONV_CACHE="no such folder"):
    ...     occupied()
    0
    """
    return sum(size for _, size in _weighed(trusted_folder()))


def _weighed(root: Path) -> list[tuple[Path, int]]:
    return [(folder, weight(folder)) for kind in ("modules", "failed") for folder in listing(root / kind)]


def used(key: str) -> None:
    """Note that a module is in use: those not used for longest go first."""
    with contextlib.suppress(OSError):
        os.utime(trusted_folder() / "modules" / key / "manifest.json")


def evict(keep: str) -> None:
    """Delete the modules that were not used for longest, and refused sources, until the rest fits the limit.

    The module ``keep`` stays, however large it is.
    """
    root, limit = trusted_folder(), size_limit()
    found = _weighed(root)
    excess = sum(size for _, size in found) - limit
    if excess <= 0:
        return
    for folder, size in sorted(found, key=lambda one: _last_use(one[0])):
        if folder.name != keep and excess > 0:
            discard(folder)
            excess -= size
    left = {folder.name for folder in listing(root / "modules")}
    for path in listing(root / "requests"):
        match read_json(path):
            case {"content": str(content)} if content not in left:
                discard(path)


def _last_use(folder: Path) -> float:
    for file in (folder / "manifest.json", folder / "build.log", folder):
        with contextlib.suppress(OSError):
            return file.stat().st_mtime
    return 0.0


def _unused(folder: Path) -> float:
    return max(0.0, time.time() - _last_use(folder))


def _age(folder: Path) -> float:
    found = read_json(folder / "manifest.json") or {}
    created = found.get("created")
    return max(0.0, time.time() - created) if isinstance(created, float) else 0.0
