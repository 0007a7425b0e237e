"""Lines that fit the terminal they are read on; what goes into a pipe or a file keeps its lines."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap

__all__ = ["folded", "width"]


def width() -> int | None:
    """The columns of the terminal, or those that COLUMNS says; None where nobody said any."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal():
        return max(shutil.get_terminal_size().columns, 40)
    return None


def folded(text: object, columns: int | None) -> str:
    """A text whose longer lines go on, indented, in the next one.

    >>> print(folded("  fails when C = 1 or F = 2", 20))
      fails when C = 1
        or F = 2
    """
    lines = str(text).splitlines()
    if columns is None:
        return "\n".join(lines)
    return "\n".join(piece for line in lines for piece in _pieces(line, columns))


def _pieces(line: str, columns: int) -> list[str]:
    if len(line) <= columns:
        return [line]
    indent = line[: len(line) - len(line.lstrip(" "))]
    # Not cut inside words: a path or a claim that is longer than a line is still one to copy.
    return textwrap.wrap(
        line.strip(), columns, initial_indent=indent, subsequent_indent=f"{indent}  ",
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip
