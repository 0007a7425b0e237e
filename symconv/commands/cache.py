"""``symconv cache``: the compiled kernels kept on disk."""

from __future__ import annotations

from symconv.build.folder import cache_folder
from symconv.build.inventory import clear, entries, occupied, size_limit
from symconv.commands.outcome import RIGHT

__all__ = ["cache"]

_SHOWN = 10


def cache(empty: bool) -> int:
    """Print what the cache holds, its size and its limit; or empty it."""
    if empty:
        count, freed = clear()
        print(f"removed {_kernels(count)}, {_size(freed)}, from {cache_folder()}")
        return RIGHT
    found, limit = entries(), size_limit()
    for entry in found[:_SHOWN]:
        print(f"{entry.key[:12]}  {_size(entry.size):>9}  {_age(entry.age):>9}  {_short(entry.name)}")
    if len(found) > _SHOWN:
        print(f"... and {_kernels(len(found) - _SHOWN)} older than these")
    print(f"{_kernels(len(found))}, {_size(occupied())} of at most {_size(limit)}, in {cache_folder()}")
    return RIGHT


def _short(name: str) -> str:
    return (name if len(name) <= 80 else f"{name[:77]}...") or "(given source)"


def _kernels(count: int) -> str:
    return f"{count} kernel{'' if count == 1 else 's'}"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def _age(seconds: float) -> str:
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "now"
