"""Every error symconv raises on purpose, in one tree; this module imports nothing of symconv."""

from __future__ import annotations

__all__ = [
    "BuildError",
    "DerivationError",
    "GatherError",
    "InternalError",
    "ScheduleError",
    "SpecError",
    "SymconvError",
    "VerificationError",
]


class SymconvError(Exception):
    """Root of every error a user can cause: catch this to catch them all."""


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


class VerificationError(SymconvError):
    """A kernel disagrees with its oracle; ``verdict`` holds the comparison that failed."""

    def __init__(self, message: str, verdict: object = None) -> None:
        super().__init__(message)
        self.verdict = verdict


class InternalError(SymconvError):
    """An illegal form between two stages: a symconv bug, please report it."""
