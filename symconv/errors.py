"""Every error symconv raises on purpose, in one tree; this module imports nothing of symconv."""

from __future__ import annotations

import re
import shlex
from typing import Self

__all__ = [
    "BuildError",
    "DerivationError",
    "GatherError",
    "InternalError",
    "ScheduleError",
    "SpecError",
    "SymconvError",
    "VerificationError",
    "in_python",
    "setting",
    "shortened",
    "shown",
]

_LONGEST = 1200
"""The longest message: what a user gave is shown, but no page of it."""
_SHOWN = 200

# Characters that no message has: between them stand the keyword and the option of a hint.
_HINT = re.compile("\x0e([^\x0e\x0f\x1f]*)\x1f([^\x0e\x0f\x1f]*)\x0f")


def shortened(text: str, longest: int = _LONGEST) -> str:
    """A text with its middle left out where it is longer than ``longest``.

    >>> shortened("a" * 50 + "b" * 50, 60)
    'aaaaaaaaaaaaaaaaaaaa ... (60 characters left out) ... bbbbbbbbbbbbbbbbbbbb'
    """
    if len(text) <= longest:
        return text
    kept = max(longest - 20, 0) // 2
    return f"{text[:kept]} ... ({len(text) - 2 * kept} characters left out) ... {text[len(text) - kept :]}"


def shown(value: object) -> str:
    """What a user gave, as messages print it: short, and without asking Python for the digits of a huge integer.

    >>> shown("x"), shown(10**9999)
    ("'x'", 'an integer of 33216 bits')
    """
    if isinstance(value, int) and value.bit_length() > 4 * _SHOWN:
        return f"an integer of {value.bit_length()} bits"
    try:
        return shortened(repr(value), _SHOWN)
    except ValueError:  # a huge integer inside a container
        return f"a {type(value).__name__} of integers too long to print"


def setting(what: str, value: str, of: str | None = None) -> str:
    """A keyword that a message advises, which the command line says as its option; ``of``: an index or another name.

    >>> error = SpecError(f"say {setting('extents', '...', 'p')} or {setting('empty', '0')}")
    >>> str(error), error.spoken
    ("say extents={'p': ...} or empty=0", 'say --extents p=... or --empty 0')
    """
    bare = value.strip("'\"")
    plain = f"{what}={value}" if of is None else f"{what}={{{of!r}: {value}}}"
    option = f"--{what.replace('_', '-')} {shlex.quote(bare if of is None else f'{of}={bare}')}"
    return f"\x0e{plain}\x1f{option}\x0f"


def in_python(text: str) -> str:
    """A part of a message that holds for Python alone: the command line leaves it out.

    >>> error = SpecError(f"no index{in_python('; say int')}")
    >>> str(error), error.spoken
    ('no index; say int', 'no index')
    """
    return f"\x0e{text}\x1f\x0f"


class SymconvError(Exception):
    """Root of every error a user can cause: catch this to catch them all."""

    longest = _LONGEST

    def __init__(self, message: str = "") -> None:
        super().__init__(shortened(_HINT.sub(r"\1", message), self.longest))
        self._message = message

    @property
    def spoken(self) -> str:
        """The message with options of the command line where it advises keywords."""
        return shortened(_HINT.sub(r"\2", self._message), self.longest)

    def within(self, what: str) -> Self:
        """The error once more, with in what it came up before the message."""
        return type(self)(f"{what}: {self._message}")

    def add_note(self, note: str, /) -> None:
        """Say in what the error came up, shortened as the message is."""
        super().add_note(shortened(note, self.longest // 3))


class SpecError(SymconvError, ValueError):
    """The operator or the arrays as given cannot be used: says what was given, what is wanted, how to fix it."""


class DerivationError(SymconvError):
    """A derivative does not exist, or no convention says what it is at a kink."""


class GatherError(SymconvError):
    """A transposed relation could not be solved, or isl could not prove the solution right."""


class ScheduleError(SymconvError):
    """A directive is illegal where it was asked for: names the directive, the loop and the reason."""


class BuildError(SymconvError):
    """The C compiler or Cython failed: carries the command line, its stderr and the path of the kept source."""

    longest = 1 << 20


class VerificationError(SymconvError):
    """A kernel disagrees with its oracle; ``verdict`` holds the comparison that failed."""

    def __init__(self, message: str, verdict: object = None) -> None:
        super().__init__(message)
        self.verdict = verdict


class InternalError(SymconvError):
    """An illegal form between two stages: a symconv bug, please report it."""
