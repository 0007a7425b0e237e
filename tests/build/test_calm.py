"""The collector of cycles rests in blocks, and is as it was after the last: in processes forked meanwhile, too."""

from __future__ import annotations

import gc
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from symconv.build.calm import _REST, calm


def test_blocks_in_one_another() -> None:
    assert gc.isenabled()
    with calm():
        with calm():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off() -> None:
    gc.disable()
    try:
        with calm():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


@contextmanager
def _elsewhere(block: Callable[[], object]) -> Iterator[None]:
    """Another thread is inside of a block."""
    inside, done = threading.Event(), threading.Event()

    def stay() -> None:
        with block():  # type: ignore[attr-defined]
            inside.set()
            done.wait(60)

    thread = threading.Thread(target=stay)
    thread.start()
    assert inside.wait(60)
    yield
    done.set()
    thread.join()


def _in_child(holds: Callable[[], bool]) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks while there are threads: that is the point
        child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            os._exit(0 if holds() else 1)
        finally:
            os._exit(2)
    return os.waitpid(child, 0)[1] == 0


def _as_ever() -> bool:
    before = gc.isenabled()
    with calm():
        during = gc.isenabled()
    return (before, during, gc.isenabled()) == (True, False, True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
@pytest.mark.parametrize("block", [calm, lambda: _REST.lock], ids=["inside", "at its lock"])
def test_a_fork_while_another_thread_is(block: Callable[[], object]) -> None:
    with _elsewhere(block):
        assert _in_child(_as_ever)
    assert _as_ever()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
def test_a_fork_inside_of_a_block() -> None:
    def leaves() -> bool:
        block.__exit__(None, None, None)
        return _as_ever()

    block = calm()
    block.__enter__()
    try:
        assert _in_child(leaves)
        assert not gc.isenabled()
    finally:
        block.__exit__(None, None, None)
    assert _as_ever()
