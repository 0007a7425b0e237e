"""A line on a terminal that says what goes on while a call takes longer than a caller expects."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["line"]


@contextmanager
def line(title: str) -> Iterator[Callable[[str], None]]:
    """What is told is shown behind ``title``, each time in place of the last, and gone at the end; elsewhere nothing.

    >>> with line("building") as tell:
    ...     tell("compiling")
    """
    told = False

    def tell(detail: str) -> None:
        nonlocal told
        if sys.stderr.isatty():
            told = True
            print(f"\r{title}: {detail}\033[K", end="", file=sys.stderr, flush=True)

    try:
        yield tell
    finally:
        if told:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
