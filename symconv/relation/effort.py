"""A limit on what isl may work, counted in its own operations: the same answer on every machine, or none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import islpy as isl

from symconv.errors import InternalError

__all__ = ["ExhaustedError", "effort"]


class ExhaustedError(Exception):
    """isl has worked as much as it may."""


@contextmanager
def effort(operations: int) -> Iterator[None]:
    """Let isl do so many operations inside; a million take about a tenth of a second. Limits do not nest.

    Raises ExhaustedError where they do not suffice.

    >>> with effort(1_000_000):
    ...     isl.Set("[N] -> { [i] : 0 <= i < N }").is_empty()
    False
    """
    context = isl.DEFAULT_CONTEXT
    context.reset_operations()
    context.set_max_operations(operations)
    try:
        yield
    except (isl.Error, InternalError) as error:
        if not _exhausted():
            raise
        raise ExhaustedError(f"isl does not decide this with {operations} operations") from error
    finally:
        context.set_max_operations(0)
        context.reset_operations()


def _exhausted() -> bool:
    """Whether isl refuses to work on; what it says of an error need not name the limit."""
    try:
        isl.Set("{ [i] : 0 <= i <= 9 }").subtract(isl.Set("{ [i] : 3 <= i <= 5 }"))
    except isl.Error:
        return True
    return False
