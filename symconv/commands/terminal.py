"""What people read: lines that fit their terminal, in colour where it has colours."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from typing import TextIO

__all__ = ["coloured", "columns", "folded", "painted", "say", "told"]

_USUAL = 80
_NARROWEST = 40  # below, hanging indents leave no room for words
_CARET = re.compile(r"\s*\^[~^]*\s*")

GREEN, RED, YELLOW, BOLD, CYAN = "32", "1;31", "33", "1", "36"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), colour)
    for pattern, colour in (
        (r"^ *(?:ok|yes)(?= |$)|(?<= )(?:ok|passed|proved|yes)(?=$|,|  | for all sizes)", GREEN),
        (r"^true(?=:)|^kernels can be built here$", GREEN),
        (
            r"\b(?:FAILED|MISSING|WRONG)\b|^symconv:|(?<= )(?:no|unusable|given up)(?=  |$)|^ *fails when|^false(?=:)",
            RED,
        ),
        (r"\b(?:NOT JUDGED|not judged|not run|undecided)\b|^ *-(?=  )", YELLOW),
        (r"^[A-Z][\w ]*:$|^Usage:", BOLD),
        (r"(?<![\w-])--?[a-z][\w-]*|^ *\^[~^]*$", CYAN),
    )
)
"""What is painted in which colour: marks and words that say how something went, titles, options."""


def columns(stream: TextIO | None = None) -> int:
    """The columns of the terminal, or those that COLUMNS says; 80 where nobody said any, as in a pipe."""
    return told(stream) or _USUAL


def told(stream: TextIO | None = None) -> int | None:
    """The columns that a terminal or COLUMNS says; None in a pipe or a file, where lines stay whole to be searched."""
    if os.environ.get("COLUMNS", "").isdecimal() or (sys.stdout if stream is None else stream).isatty():
        return max(shutil.get_terminal_size((_USUAL, 24)).columns, _NARROWEST)
    return None


def coloured(stream: TextIO) -> bool:
    """Whether text written there is in colour: on a terminal, unless NO_COLOR, CLICOLOR or FORCE_COLOR says otherwise.

    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, {"CLICOLOR_FORCE": "1"}, clear=True):
    ...     coloured(sys.stdout)
    True
    """
    if os.environ.get("NO_COLOR"):
        return False
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE"):
        if (said := os.environ.get(name)) is not None and said != "":
            return said not in {"0", "false"}
    if os.environ.get("CLICOLOR") == "0" or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def say(text: object, stream: TextIO | None = None) -> None:
    """Print a text that people read: folded, and in colour where the stream takes colours."""
    where = sys.stdout if stream is None else stream
    width = told(where)
    fitting = str(text) if width is None else folded(text, width)
    print(painted(fitting) if coloured(where) else fitting, file=where, flush=where is sys.stderr)


def painted(text: str) -> str:
    r"""The text with the words in colour that say how something went.

    >>> painted("conv1d() in float32: passed")
    'conv1d() in float32: \x1b[32mpassed\x1b[0m'
    """
    return "\n".join(_painted(line) for line in text.split("\n"))


def _painted(line: str) -> str:
    spans: list[tuple[int, int, str]] = []
    for pattern, colour in _RULES:
        for found in pattern.finditer(line):
            start = found.start() + len(found[0]) - len(found[0].lstrip())
            if not any(start < end and begin < found.end() for begin, end, _ in spans):
                spans.append((start, found.end(), colour))
    for start, end, colour in sorted(spans, reverse=True):
        line = f"{line[:start]}\x1b[{colour}m{line[start:end]}\x1b[0m{line[end:]}"
    return line


def folded(text: object, width: int) -> str:
    """A text whose longer lines go on, indented, in the next one; a line and the caret under it stay together.

    >>> print(folded("  fails when C = 1 or F = 2", 20))
      fails when C = 1
        or F = 2
    """
    lines = str(text).split("\n")
    made: list[str] = []
    skip = False
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if skip:
            skip = False
        elif _CARET.fullmatch(following):
            made += _windowed(line, following, width)
            skip = True
        else:
            made += _pieces(line, width)
    return "\n".join(made)


def _pieces(line: str, width: int) -> list[str]:
    if len(line) <= width:
        return [line]
    indent = line[: len(line) - len(line.lstrip(" "))]
    # Not cut inside words: a path that is longer than a line is still one to copy.
    found = textwrap.wrap(
        line.strip(), width, initial_indent=indent, subsequent_indent=f"{indent}  ",
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip
    return [part for one in found for part in _cut(one, width, f"{indent}  ")]


def _cut(line: str, width: int, indent: str) -> list[str]:
    """A formula without spaces is cut where one of its operands ends."""
    made: list[str] = []
    while len(line) > width and "[" in line:
        ends = [k + 1 for k, letter in enumerate(line[:width]) if letter in ",*+)]" and k + 1 > len(indent)]
        if not ends:
            break
        made.append(line[: ends[-1]])
        line = indent + line[ends[-1] :].lstrip()
    return [*made, line]


def _windowed(line: str, caret: str, width: int) -> list[str]:
    """The part of a line that a caret points into."""
    if len(line) <= width and len(caret) <= width:
        return [line, caret]
    at = caret.index("^")
    start = max(0, min(at - width // 2, len(line) - width))
    if start == 0:
        return [line[: width - 3] + "..." if len(line) > width else line, caret[:width]]
    rest = line[start + 3 :]
    shown = rest if len(rest) <= width - 3 else f"{rest[: width - 6]}..."
    return [f"...{shown}", caret[start : start + width]]
