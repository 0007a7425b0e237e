"""A line on a terminal that says what goes on while a call takes longer than a caller expects."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symconv.tune.measure import Progress

__all__ = ["line", "measuring"]


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
            print(f"\r{_fitting(f'{title}: {detail}')}\033[K", end="", file=sys.stderr, flush=True)

    try:
        yield tell
    finally:
        if told:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def measuring(name: str) -> Callable[[Progress], None]:
    """A line that is written over, for people who look on."""

    def told(progress: Progress) -> None:
        if sys.stderr.isatty():
            line = (
                f"measuring {name}: output {progress.output} of {progress.outputs}, {progress.alternatives} plans left"
            )
            done = progress.alternatives < 2 and progress.output == progress.outputs
            text = _fitting(f"{line}, best {progress.seconds * 1e3:.3f} ms")
            print(f"\r{text}\033[K", end="\n" if done else "", file=sys.stderr)

    return told


def _fitting(text: str) -> str:
    """What fits the terminal: the rest of a line that wraps could not be taken back."""
    width = max(shutil.get_terminal_size().columns - 1, 20)
    return text if len(text) <= width else f"{text[: width - 3]}..."
