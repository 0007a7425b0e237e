"""``symconv cache``: the compiled kernels kept on disk."""

from __future__ import annotations

from symconv.build.folder import cache_folder
from symconv.build.inventory import clear, entries
from symconv.commands.outcome import RIGHT

__all__ = ["cache"]


def cache(empty: bool) -> int:
    """Print what the cache holds, or empty it."""
    if empty:
        count, freed = clear()
        print(f"removed {_kernels(count)}, {_size(freed)}, from {cache_folder()}")
        return RIGHT
    found = entries()
    for entry in found:
        print(f"{entry.key[:12]}  {_size(entry.size):>9}  {_age(entry.age):>9}  {entry.name or '(given source)'}")
    print(f"{_kernels(len(found))}, {_size(sum(entry.size for entry in found))}, in {cache_folder()}")
    return RIGHT


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
