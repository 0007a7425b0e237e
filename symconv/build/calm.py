"""Python's collector of cycles, at rest while many objects are made that nearly all stay."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

__all__ = ["calm"]


@dataclass(slots=True)
class _Rest:
    """How many blocks ask for rest, and whether the collector was on before the first of them."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    asked: int = 0
    was_on: bool = False
    forks: int = 0


_REST = _Rest()


def _alone() -> None:
    """In a forked process no other thread runs that would leave its block, or give the lock back."""
    _REST.lock = threading.Lock()
    if _REST.asked and _REST.was_on:
        gc.enable()
    _REST.asked = 0
    _REST.forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_alone)


@contextmanager
def calm() -> Iterator[None]:
    """No collection of cycles meanwhile: a tenth to a fifth of what Cython and a derivation take.

    Blocks may lie in one another and in several threads; after the last one the collector is as it was.

    >>> with calm():
    ...     gc.isenabled()
    False
    """
    # A fork may come between any two of these: where the collector is off, `asked` is above 0.
    with _REST.lock:
        forks = _REST.forks
        if _REST.asked == 0:
            _REST.was_on = gc.isenabled()
        _REST.asked += 1
        if _REST.asked == 1:
            gc.disable()
    try:
        yield
    finally:
        with _REST.lock:
            if _REST.forks == forks:  # else this is a child, where the block has ended with the fork
                if _REST.asked == 1 and _REST.was_on:
                    gc.enable()
                _REST.asked -= 1
