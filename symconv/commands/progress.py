"""What goes on, told on stderr: a live line on a terminal, a plain line per finished stage elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from symconv.commands.terminal import say

__all__ = ["Tell", "stage"]

Tell = Callable[[str], None]


@contextmanager
def stage(title: str, remark: str = "") -> Iterator[Tell]:
    """One stage of the work; what it yields is told the details as they change. ``remark`` is kept when it is done.

    >>> with stage("counting") as tell:
    ...     tell("one")
    """
    started = time.monotonic()
    if sys.stderr.isatty():
        with _live(title) as tell:
            yield tell
    else:
        yield _silent
    seconds = f"{time.monotonic() - started:.1f} s"
    say(f"{title} ({f'{remark}, ' if remark else ''}{seconds})", sys.stderr)


@contextmanager
def _live(title: str) -> Iterator[Tell]:
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(f"{title} ...")) as status:
        yield lambda detail: status.update(Text(f"{title}: {detail}"))


def _silent(_detail: str) -> None:
    pass
