"""The record of how a result came about: what a reader of the derivation reads, and what was compiled, are one
object."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Step", "Trace"]


@dataclass(frozen=True, slots=True)
class Step:
    """One named rewriting.

    ``before`` and ``after`` are stage objects (operators, statements, relations, solutions); ``check`` says in words
    how
    the step was checked; ``note`` what a reader should know (a convention used at a kink, a fallback taken).
    """

    rule: str
    before: object
    after: object
    check: str
    note: str = ""


Trace = tuple[Step, ...]
