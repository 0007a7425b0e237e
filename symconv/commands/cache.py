"""``symconv cache``: the compiled kernels kept on disk."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from symconv.build.folder import cache_folder
from symconv.build.inventory import Entry, clear, entries, occupied, remove, size_limit
from symconv.commands.answer import answer
from symconv.commands.operators import near
from symconv.commands.outcome import RIGHT
from symconv.commands.sweep import aligned
from symconv.commands.terminal import say, told
from symconv.errors import SpecError

__all__ = ["Choice", "cache"]

_SHOWN = 12
_UNKNOWN = "(given source)"
_LISTED = 12
_KEY = re.compile(r"[0-9a-f]{8,}")
"""The beginning of a key: so many letters that no operator is called so."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which kernels are meant: those of operators with one of these names, that were not used for so many seconds."""

    names: tuple[str, ...] = ()
    older: float | None = None

    def takes(self, entry: Entry) -> bool:
        """Whether a kernel is meant."""
        old = self.older is None or entry.unused >= self.older
        return old and (not self.names or any(_called(entry, name) for name in self.names))

    @property
    def everything(self) -> bool:
        """Whether nothing was chosen."""
        return not self.names and self.older is None


def cache(
    choice: Choice = Choice(),
    every: bool = False,
    empty: bool = False,
    dry: bool = False,
    form: str = "text",
) -> int:
    """Print what the cache holds, or delete what is chosen of it."""
    if dry and not empty:
        raise SpecError("--dry-run says what --clear would delete: it goes with --clear")
    if empty and every:
        raise SpecError("--list shows and --clear deletes: give one of them, or --clear with --dry-run")
    found = entries()
    chosen = tuple(entry for entry in found if choice.takes(entry))
    _known(choice.names, found)
    if empty:
        return _cleared(choice, chosen, dry, form)
    if form == "json":
        return answer("cache", RIGHT, {**_facts(found), "kernels": [_data(entry) for entry in chosen]})
    rows = _lines(chosen) if every else _summary(chosen)
    if rows:
        say("\n".join(aligned(rows, told())))
    part = "" if choice.everything else f"{_sum(chosen)} of "
    limit = f"{_size(occupied())} of at most {_size(size_limit())}"
    say(f"{part}{_kernels(len(found))}, {limit}, in {cache_folder()}")
    return RIGHT


def _cleared(choice: Choice, chosen: tuple[Entry, ...], dry: bool, form: str) -> int:
    if dry:
        count, freed = len(chosen), sum(entry.size for entry in chosen)
    else:
        count, freed = clear() if choice.everything else remove(entry.key for entry in chosen)
    if form == "json":
        gone = {"removed": count, "freed": freed, "dry_run": dry}
        return answer("cache", RIGHT, {**_facts(entries()), **gone, "kernels": [_data(entry) for entry in chosen]})
    if dry and chosen:
        say("\n".join(aligned(_lines(chosen), told())))
    say(f"{'would remove' if dry else 'removed'} {_kernels(count)}, {_size(freed)}, from {cache_folder()}")
    return RIGHT


def _known(names: Iterable[str], found: tuple[Entry, ...]) -> None:
    """Raises SpecError for a name that no kernel has: most likely it is mistyped."""
    for name in names:
        if found and not any(_called(entry, name) for entry in found):
            close = near(name, dict.fromkeys(_family(entry) for entry in found))
            hint = f"; did you mean {close}?" if close else ""
            raise SpecError(f"the cache has no kernel called {name!r}{hint}")


def _called(entry: Entry, name: str) -> bool:
    """Whether a name is the kernel's: as it stands (a formula has brackets, as patterns do), as a pattern, or as the
    beginning of its key."""
    own = (_title(entry), _family(entry), entry.key)
    begins = _KEY.fullmatch(name) is not None and entry.key.startswith(name)
    return name in own or begins or any(fnmatchcase(one, name) for one in own)


def _title(entry: Entry) -> str:
    return " ".join(entry.name.split()) or _UNKNOWN


def _family(entry: Entry) -> str:
    """The operator's name without its settings.

    >>> _family(Entry("ab12", "conv2d(stride=2): forward", 1, 0.0))
    'conv2d'
    """
    title = _title(entry)
    return title if title == _UNKNOWN else title.partition("(")[0].strip()


def _summary(found: tuple[Entry, ...]) -> list[tuple[str, ...]]:
    """A row for each operator, the largest first."""
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in found:
        groups[_family(entry)].append(entry)
    ranked = sorted(groups.items(), key=lambda item: -sum(entry.size for entry in item[1]))
    shown = ranked if len(ranked) <= _SHOWN else ranked[: _SHOWN - 1]
    rest = [entry for _, members in ranked[len(shown) :] for entry in members]
    rows = [(_cut(name), members) for name, members in shown]
    rows += [(f"{len(ranked) - len(shown)} others", rest)] if rest else []
    head = ("operator", "kernels", "size", "last used", "oldest made")
    return [head, *((name, *_numbers(members)) for name, members in rows)] if rows else []


def _numbers(members: list[Entry]) -> tuple[str, str, str, str]:
    used, made = min(entry.unused for entry in members), max(entry.age for entry in members)
    return f"{len(members):>7}", f"{_size(sum(entry.size for entry in members)):>8}", _age(used), _age(made)


def _lines(found: tuple[Entry, ...]) -> list[tuple[str, ...]]:
    ordered = sorted(found, key=lambda entry: (entry.unused, entry.key))
    rows = [(entry.key[:_LISTED], f"{_size(entry.size):>8}", _age(entry.unused), _age(entry.age), _title(entry))
            for entry in ordered]  # fmt: skip
    return [("key", "    size", "last used", "made", "kernel"), *rows] if rows else []


def _data(entry: Entry) -> dict[str, Any]:
    return {"key": entry.key, "name": _title(entry), "operator": _family(entry), "bytes": entry.size,
            "seconds_since_use": round(entry.unused, 1), "seconds_since_made": round(entry.age, 1)}  # fmt: skip


def _facts(found: tuple[Entry, ...]) -> dict[str, Any]:
    return {"folder": str(cache_folder()), "limit": size_limit(), "occupied": occupied(), "count": len(found)}


def _sum(found: tuple[Entry, ...]) -> str:
    return f"{len(found)} ({_size(sum(entry.size for entry in found))})"


def _cut(name: str) -> str:
    return name if len(name) <= 32 else f"{name[:29]}..."


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
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "now"
