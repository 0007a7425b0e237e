"""Scratch memory that a user holds and calls reuse, and how much of it a call may take."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from symconv.errors import SpecError

__all__ = ["Workspace", "shown_bytes", "workspace_limit"]

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SHARE = 4
"""Without a limit that is said a call takes a quarter of the machine's memory at most: others live there too."""
_UNKNOWN = 2 << 30
"""Of a machine that does not say how much memory it has."""


class Workspace:
    """Memory for calls of kernels, one call at a time; ``nbytes`` is its size.

    Made by :meth:`symconv.kernel.Kernel.workspace`. A kernel takes any workspace that is large enough.

    >>> import symconv as sc
    >>> work = sc.build(sc.conv1d()).workspace(x=(2, 3, 40), w=(4, 3, 5))
    >>> work.nbytes == sum(len(part) for part in (work.array,))
    True
    """

    def __init__(self, needed: Mapping[str, int]) -> None:
        self.needed = dict(needed)
        self.array = np.empty(max(self.needed.values(), default=0), np.uint8)
        self._alone = threading.Lock()

    @property
    def nbytes(self) -> int:
        """How many bytes it holds."""
        return int(self.array.nbytes)

    @contextmanager
    def lent(self) -> Iterator[np.ndarray[Any, Any]]:
        """The memory, for one call; raises SpecError while another call has it."""
        if not self._alone.acquire(blocking=False):
            raise SpecError("this workspace is in use by another thread's call: make one workspace per thread")
        try:
            yield self.array
        finally:
            self._alone.release()

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {shown_bytes(count)}" for name, count in self.needed.items())
        return f"workspace of {shown_bytes(self.nbytes)} ({parts})"

    def __repr__(self) -> str:
        return f"<{self}>"


def shown_bytes(count: int) -> str:
    """Bytes for people.

    >>> shown_bytes(999), shown_bytes(25_690_112)
    ('999 B', '25.7 MB')
    """
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} B"


def workspace_limit() -> int:
    """The bytes of scratch memory one call may take: ``SYMCONV_WORKSPACE_LIMIT``, such as ``500M`` or ``2G``, or a
    quarter of the machine's memory.

    Kernels that need more are not chosen. Raises SpecError when the variable holds something else.

    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, SYMCONV_WORKSPACE_LIMIT="500M"):
    ...     workspace_limit()
    500000000
    """
    text = os.environ.get("SYMCONV_WORKSPACE_LIMIT", "").strip()
    if not text:
        return _memory() // _SHARE
    number = text.upper().removesuffix("B")
    unit = number[-1:] if number[-1:] in _UNITS else ""
    digits = number.removesuffix(unit).strip()
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 15):
        raise SpecError(f"SYMCONV_WORKSPACE_LIMIT is a size such as 500M or 2G; given {text[:40]!r}")
    return int(digits) * _UNITS[unit]


def _memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return _UNKNOWN
