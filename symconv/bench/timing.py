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


class Timing(NamedTuple):
    """Seconds of one call: the median and the least over the samples."""

    median: float
    minimum: float


def interleaved(functions: Mapping[str, Function], repeat: int = 15, min_time: float = 0.005) -> dict[str, Timing]:
    """Seconds of one call of each function.

    ``repeat`` rounds are made; in a round each function gives one sample, every second round in reverse order. A
    sample is as many calls as take ``min_time`` seconds, found out beforehand, which also warms up. The garbage
    collector rests.

    >>> times = interleaved({"nothing": lambda: None, "a sum": lambda: sum(range(1000))}, repeat=3, min_time=1e-4)
    >>> list(times), times["nothing"].median < times["a sum"].median
    (['nothing', 'a sum'], True)
    """
    samples: dict[str, list[float]] = {name: [] for name in functions}
    with _no_collection():
        calls = {name: _calls(function, min_time) for name, function in functions.items()}
        for turn in range(max(1, repeat)):
            names = list(functions)
            for name in names if turn % 2 == 0 else reversed(names):
                samples[name].append(_sample(functions[name], calls[name]) / calls[name])
    return {name: Timing(statistics.median(found), min(found)) for name, found in samples.items()}


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
