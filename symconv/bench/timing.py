"""Times of functions that compete: measured in turns, so that a machine that drifts drifts for all of them."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

__all__ = ["Timing", "interleaved"]

Function = Callable[[], object]
_MOST = 200  # rounds: a median of more says nothing else


class Timing(NamedTuple):
    """Seconds of one call: the median and the least over the samples; how many there were, page faults of a call."""

    median: float
    minimum: float
    samples: int = 1
    faults: float = 0.0


def interleaved(
    functions: Mapping[str, Function], repeat: int = 15, min_time: float = 0.005, seconds: float = 0.0
) -> dict[str, Timing]:
    """Seconds of one call of each function.

    At least ``repeat`` rounds are made, and more until ``seconds`` have passed; in a round each function gives one
    sample, every second round in reverse order. A sample is as many calls as take ``min_time`` seconds, found out
    beforehand, which also warms up. The garbage collector rests.

    >>> times = interleaved({"nothing": lambda: None, "a sum": lambda: sum(range(1000))}, repeat=3, min_time=1e-4)
    >>> list(times), times["nothing"].median < times["a sum"].median
    (['nothing', 'a sum'], True)
    """
    samples: dict[str, list[float]] = {name: [] for name in functions}
    faults = dict.fromkeys(functions, 0)
    with _no_collection():
        calls = {name: _calls(function, min_time) for name, function in functions.items()}
        started, turn = time.perf_counter(), 0
        while turn < max(1, repeat) or (turn < _MOST and time.perf_counter() - started < seconds):
            names = list(functions)
            for name in names if turn % 2 == 0 else reversed(names):
                before = _faults()
                samples[name].append(_sample(functions[name], calls[name]) / calls[name])
                faults[name] += _faults() - before
            turn += 1
    return {
        name: Timing(statistics.median(found), min(found), turn, faults[name] / (turn * calls[name]))
        for name, found in samples.items()
    }


def _faults() -> int:
    """Pages this process had to ask the system for so far; 0 where it does not say."""
    try:
        from resource import RUSAGE_SELF, getrusage
    except ImportError:
        return 0
    return getrusage(RUSAGE_SELF).ru_minflt


def _sample(function: Function, calls: int) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        function()
    return time.perf_counter() - started


def _calls(function: Function, min_time: float) -> int:
    function()
    calls = 1
    while (taken := _sample(function, calls)) < min_time:
        calls = max(2 * calls, min(100 * calls, int(1.2 * calls * min_time / max(taken, 1e-9))))
    return calls


@contextmanager
def _no_collection() -> Iterator[None]:
    was = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
