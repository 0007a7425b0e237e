"""What commands over many operators share: how they are spread, how they end, and their tables."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from symconv.commands.outcome import FAILED, RIGHT, UNDECIDED, UNUSABLE
from symconv.commands.progress import stage
from symconv.errors import SpecError
from symconv.spread import Lost, spread

__all__ = ["Where", "aligned", "one_only", "swept", "worst"]

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Where:
    """Where the items of a sweep run: so many processes, or a cluster."""

    jobs: int | None = None
    on: str | None = None


def swept(
    title: str, where: Where, work: Callable[[Item], Result], items: Sequence[tuple[str, Item]], least: int = 1
) -> tuple[Result | Lost, ...]:
    """The results of ``work`` in the order of ``items``; without ``--jobs`` a process for ``least`` items at least."""
    jobs = where.jobs
    if jobs is None and where.on is None and len(items) < 2 * least:
        jobs = 1
    with stage(title) as tell:
        return spread(work, items, jobs, where.on, tell)


def one_only(where: Where, wanted: str) -> None:
    """Raises SpecError where one item is to be spread."""
    if where != Where():
        raise SpecError(f"--jobs and --on spread many items: they go with {wanted}")


def worst(statuses: Iterable[int]) -> int:
    """The exit status of a sweep: one that failed counts most, then one that could not be judged at all.

    >>> worst([0, 3, 2, 0]), worst([])
    (2, 0)
    """
    found = set(statuses)
    return next((status for status in (FAILED, UNUSABLE, UNDECIDED) if status in found), RIGHT)


def aligned(rows: Sequence[tuple[str, ...]], width: int | None = None) -> Iterator[str]:
    """Lines of a table; with a ``width`` the last column goes on below itself.

    >>> list(aligned([("a", "b"), ("long", "c")]))
    ['a     b', 'long  c']
    """
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    before = sum(widths[:-1]) + 2 * len(widths[:-1])
    room = None if width is None else max(width - before, 20)
    for row in rows:
        left = "".join(f"{cell:<{one}}  " for cell, one in zip(row[:-1], widths, strict=False))
        first, *more = [row[-1]] if room is None else textwrap.wrap(row[-1], room, break_on_hyphens=False) or [""]
        yield f"{left}{first}".rstrip()
        yield from (f"{'':{before}}{part}" for part in more)
